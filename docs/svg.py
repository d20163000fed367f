"""The few shapes that the pictures are made of, as SVG text, and the light palette of Crumple."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

WINDOW, PANEL, HAIRLINE, GRID = "#F4F6F8", "#FFFFFF", "#D5DBE3", "#E8ECF1"
TEXT, TEXT_2, TEXT_3 = "#16202B", "#455364", "#5F6D7D"
PASS, FAIL = "#0C7868", "#9A1A12"
BLUE, ORANGE, TEAL, PURPLE = "#0B4C9C", "#A84300", "#0C7C7C", "#9A4BD0"
BODY, BODY_EDGE, GLASS, GROUND, WALL = "#D5DDE6", "#5B6C7E", "#EEF3F8", "#9AA7B5", "#B8C1CB"
DUMMY, BELT, AIRBAG, GHOST, TYRE = "#E9E0CE", "#B25E09", "#A9CBE8", "#8496A8", "#3A444F"
SANS = "Inter, system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, 'DejaVu Sans Mono', 'SF Mono', Menlo, Consolas, monospace"
MIDDLE = 'text-anchor="middle"'
CENTRED = f'{MIDDLE} font-weight="600"'

Point = tuple[float, float]


def n(value: float) -> str:
    """A coordinate in the fewest characters."""
    return "0" if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, what: str, *, colour: str = TEXT_2, size: float = 12, more: str = "") -> str:
    """One line of text with its baseline at y."""
    return f'<text x="{n(x)}" y="{n(y)}" fill="{colour}" font-size="{size:g}" {more}>{escape(what)}</text>'


def line(points: Iterable[Point], colour: str, width: float, more: str = "") -> str:
    """A line through points."""
    joined = " ".join(f"{n(x)},{n(y)}" for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width:g}" {more}/>'


def area(points: Iterable[Point], fill: str, edge: str = "none", more: str = "") -> str:
    """A filled polygon."""
    joined = " ".join(f"{n(x)},{n(y)}" for x, y in points)
    return f'<polygon points="{joined}" fill="{fill}" stroke="{edge}" {more}/>'


def box(corner: Point, size: Point, fill: str, more: str = "") -> str:
    """A rectangle from its upper left corner."""
    (x, y), (width, height) = corner, size
    return f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}" fill="{fill}" {more}/>'


def disc(centre: Point, radius: float, fill: str, edge: str = "none", more: str = "") -> str:
    """A circle."""
    x, y = centre
    return f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(radius)}" fill="{fill}" stroke="{edge}" {more}/>'


def smooth(points: Sequence[Point], *, steps: int = 6) -> list[Point]:
    """A Catmull-Rom curve through points."""
    out: list[Point] = []
    for i, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        (x0, y0), (x3, y3) = points[max(0, i - 1)], points[min(len(points) - 1, i + 2)]
        for k in range(steps):
            t = k / steps
            a, b, c, d = -t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2
            out.append(((a * x0 + b * x1 + c * x2 + d * x3) / 2, (a * y0 + b * y1 + c * y2 + d * y3) / 2))
    return [*out, points[-1]]


def picture(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole SVG file."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
            f' height="{height:g}" font-family="{SANS}" role="img">',
            f"<title>{escape(title)}</title>",
            *parts,
            "</svg>",
            "",
        ]
    )
