"""A run as a card for notebooks: verdict, requirements, and the signals that decided it, without scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from crumple import wording
from crumple.requirement_result import limit_text, margin_text, value_text, when_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.requirement_result import RequirementResult
    from crumple.result import Result

# The light half of the palette: a card brings its own ground, since nobody knows which theme a notebook has.
_STATE = {
    "pass": "#0C7868",
    "done": "#0C7868",
    "fail": "#9A1A12",
    "inconclusive": "#445262",
    "error": "#9B2690",
    "not_applicable": "#5F6D7D",
}
_TEXT, _TEXT_2, _HAIRLINE, _LINE = "#16202B", "#455364", "#D5DBE3", "#0B4C9C"
_WIDTH, _HEIGHT = 180, 28  # of a sparkline [px]
_MOST_SPARKLINES = 12


def card(result: Result) -> str:
    """The HTML of a run. Never raises for signals that cannot be read: their sparkline is left out."""
    colour = _STATE.get(result.verdict, _STATE["inconclusive"])
    reasons = "".join(f"<div>{escape(reason)}</div>" for reason in result.reasons)
    rows = "".join(
        _row(result, requirement, drawn=k < _MOST_SPARKLINES)
        for k, requirement in enumerate(result.requirements)
    )
    head = "".join(f'<th style="{_cell(head=True)}">{t}</th>' for t in _COLUMNS)
    table = (
        f'<table style="border-collapse:collapse;margin-top:8px"><tr>{head}</tr>{rows}</table>'
        if rows
        else ""
    )
    digest = f" · digest {escape(result.digest)}" if result.digest else ""
    return (
        f'<div style="background:#FFFFFF;color:{_TEXT};border:1px solid {_HAIRLINE};'
        f"border-left:6px solid {colour};"
        'padding:10px 14px;font:13px/1.45 system-ui,sans-serif;max-width:860px">'
        f'<b style="color:{colour};font-size:15px;letter-spacing:.04em">{result.verdict.upper()}</b>'
        f"{reasons}{table}"
        f'<div style="color:{_TEXT_2};margin-top:8px;font-size:12px">'
        f"{escape(str(result.folder))}{digest}</div></div>"
    )


_COLUMNS = ("requirement", "value", "limit", "margin", "when", "signal")


def _cell(*, head: bool = False) -> str:
    edges = f"border:0;border-bottom:1px solid {_HAIRLINE}"
    common = f"text-align:left;padding:2px 14px 2px 0;{edges};background:#FFFFFF"
    return f"{common};color:{_TEXT_2};font-weight:400" if head else f"{common};color:{_TEXT}"


def _row(result: Result, requirement: RequirementResult, *, drawn: bool) -> str:
    colour = _STATE[requirement.status]
    margin = "" if requirement.margin is None else margin_text(requirement)
    status = "" if requirement.status == "pass" else f" · {requirement.status.replace('_', ' ')}"
    drawing = _sparkline(result, requirement) if drawn and requirement.status != "not_applicable" else ""
    cells = [
        f'<span style="color:{colour}">{escape(requirement.name)}{status}</span>',
        escape(value_text(requirement)),
        escape(limit_text(requirement)),
        escape(margin),
        escape(when_text(requirement)),
        drawing,
    ]
    tip = escape(requirement.doc or requirement.reason, quote=True)
    return f'<tr title="{tip}">' + "".join(f'<td style="{_cell()}">{cell}</td>' for cell in cells) + "</tr>"


def _sparkline(result: Result, requirement: RequirementResult) -> str:
    try:
        name = requirement.signals[0]
        samples, t = result.signals[name], result.signals.t(name)
        if samples.ndim > 1:
            samples = samples.reshape(len(samples), -1)[:, 0]
        low, high = _envelope(samples)
    except (IndexError, LookupError, OSError, TypeError, ValueError):
        return ""
    if not len(low):
        return ""
    bottom, top = float(low.min()), float(high.max())
    scale = (_HEIGHT - 4) / (top - bottom) if top > bottom else 0.0

    def y(value: float) -> float:
        return _HEIGHT - 2 - (value - bottom) * scale if scale else _HEIGHT / 2

    step = _WIDTH / max(1, len(low) - 1)
    ups = [f"{k * step:.1f},{y(float(v)):.1f}" for k, v in enumerate(high)]
    downs = [f"{k * step:.1f},{y(float(v)):.1f}" for k, v in reversed(list(enumerate(low)))]
    span = float(t[-1] - t[0]) or 1.0
    mark = ""
    if requirement.worst is not None:
        x1, x2 = ((w - float(t[0])) / span * _WIDTH for w in requirement.worst)
        mark = (
            f'<rect x="{x1:.1f}" y="0" width="{max(1.5, x2 - x1):.1f}" height="{_HEIGHT}" '
            f'fill="{_STATE[requirement.status]}" fill-opacity="0.25"/>'
        )
    label = escape(f"{name}: {wording.number(bottom)} to {wording.number(top)}", quote=True)
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{label}">'
        f"<title>{label}</title>{mark}"
        f'<polygon points="{" ".join(ups + downs)}" fill="{_LINE}" stroke="{_LINE}" stroke-width="1"/></svg>'
    )


def _envelope(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest finite sample of each pixel column, so that no peak is lost in the drawing."""
    import numpy as np

    finite = np.asarray(samples, float)
    finite = finite[np.isfinite(finite)]
    if len(finite) <= _WIDTH:
        return finite, finite
    edges = np.linspace(0, len(finite), _WIDTH + 1).astype(int)[:-1]
    return np.minimum.reduceat(finite, edges), np.maximum.reduceat(finite, edges)
