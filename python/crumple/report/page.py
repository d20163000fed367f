"""A report as a file: the facts of a run, put into the page."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from crumple.errors import UsageError
from crumple.report.facts import VERDICTS, Facts, Figure
from crumple.report.frames import key_frames, key_moments
from crumple.report.plot import svg
from crumple.run_folder import REPORT
from crumple.view.palette import colours
from crumple.whole_file import write_whole

_HERE = Path(__file__).parent
_FONTS = ((400, "Regular"), (600, "SemiBold"))


def write_report(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run; where it was written.

    folder: of the run.   path: of the HTML file; by default report.html in the run's folder.
    Raises CrumpleError where the folder holds no run, where it cannot be written, or where jinja2 is missing.
    """
    target = folder / REPORT if path is None else path
    write_page(target, lambda: page(Facts(folder)))
    return target


def write_page(target: Path, made: Callable[[], str]) -> None:
    """Write a page whole, or not at all. Raises UsageError where it cannot be."""
    if target.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{target} does not end in .html: a report is an HTML file.")
    text = made()
    try:
        write_whole(target, text.encode("utf-8"))
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.") from None


def page(facts: Facts) -> str:
    """The whole page."""
    decisive = facts.moment()
    frames, no_frames = key_frames(facts.session, key_moments(facts.session, decisive))
    word = VERDICTS.get(facts.verdict, facts.verdict.upper())
    return render(
        "report.html.j2",
        title=f"{facts.session.name}: {word}",
        columns=max(len(frames), 1),
        facts=facts,
        session=facts.session,
        result=facts.result,
        verdict=facts.verdict,
        word=word,
        frames=frames,
        no_frames=no_frames,
    )


def render(template: str, *, columns: int = 1, **values: Any) -> str:
    """A page from its template, with the looks that all pages have. columns: of key frames."""
    shades = {name: "#{:02X}{:02X}{:02X}".format(*rgb) for name, rgb in colours(dark=False).items()}
    found = _environment().get_template(template)
    return str(found.render(columns=columns, colours=shades, fonts=_fonts(), **values))


def _environment() -> Any:
    try:
        import jinja2
    except ModuleNotFoundError:
        raise UsageError(
            "a report needs jinja2, which is not installed: pip install 'crumple[report]'"
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plot"] = _plot
    return environment


def _plot(figure: Figure) -> Any:
    """A figure's picture; all text in it is escaped where it is drawn."""
    from markupsafe import Markup

    return Markup(svg(figure.plot, label=f"{figure.title} over time"))


@lru_cache(maxsize=1)
def _fonts() -> list[tuple[int, str]]:
    """Weight and file of each font that the page carries, so that it looks the same everywhere."""
    folder = _HERE.parent / "view" / "fonts"
    return [
        (weight, base64.b64encode((folder / f"CrumpleSans-{name}.ttf").read_bytes()).decode())
        for weight, name in _FONTS
    ]
