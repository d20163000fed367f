"""Draws the pictures of the documentation from a real run of the scene `frontal_barrier`.

    python docs/make_pictures.py [FOLDER]

Every line and figure in `crash.svg` is a signal or a requirement of that run; the car around them is a drawing,
to scale. `terminal*.svg` is what the command prints on a terminal, `graph.svg` what `crumple graph` writes,
`viewer.png` what `crumple view` shows. Needs the viewer; the terminal pictures need Linux or macOS.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from side_view import moment, side_view
from svg import (
    BLUE,
    BODY_EDGE,
    CENTRED,
    FAIL,
    GRID,
    GROUND,
    HAIRLINE,
    MIDDLE,
    MONO,
    ORANGE,
    PANEL,
    PASS,
    PURPLE,
    TEAL,
    TEXT,
    TEXT_2,
    TEXT_3,
    WALL,
    WINDOW,
    Point,
    box,
    disc,
    line,
    n,
    picture,
    text,
)

import crumple
from crumple.si import convert, parse_quantity

SCENE = "frontal_barrier"
TIMES = (0.0, 0.030, 0.070, 0.110)  # of the side views [s]
END = 0.150  # of the time axis [s]
G = 9.80665  # [m/s^2]


# ---- the side views


def frame(result: crumple.Result, t: float, corner: Point, size: Point) -> list[str]:
    """One side view with what it shows in figures."""
    (left, top), (width, height) = corner, size
    scale, wall = width / 4.0, 0.87  # [px/m]; from the face of the wall to the right edge [m]
    now = moment(result, t)
    ground = top + height - 0.14 * scale

    def at(point: Point) -> Point:
        return left + width - (wall - point[0]) * scale, ground - point[1] * scale

    name = f"frame{round(t * 1e3)}"
    face = at((0.0, 0.0))[0]
    parts = [
        f'<clipPath id="{name}"><rect x="{n(left)}" y="{n(top)}" width="{n(width)}" height="{n(height)}" rx="6"/>'
        f'</clipPath><g clip-path="url(#{name})">',
        box((left, top), (width, height), WINDOW),
        box((face, top), (width, height), WALL),
        *(
            line([(face + k, top + height), (face + k + height, top)], GROUND, 1)
            for k in range(-200, 200, 12)
        ),
        box((left - 1, top - 1), (face - left + 1, height + 1), WINDOW),
        box((left, ground), (width, height), GROUND, 'opacity="0.55"'),
        line([(left, ground), (left + width, ground)], BODY_EDGE, 1.2),
        line([(face, top), (face, ground)], TEXT_2, 2),
        *side_view(now, at, scale),
        "</g>",
        text(left, top + height + 19, f"{t * 1e3:.0f} ms", colour=TEXT, size=13, more='font-weight="600"'),
    ]
    head = float(result.signals["occupant.head_acceleration"][int(np.searchsorted(result.t, t - 1e-9))]) / G
    facts = f"crush {now.travel * 1e3:.0f} mm · head {head:.1f} g"
    parts.append(text(left + width, top + height + 19, facts, size=11, more='text-anchor="end"'))
    return parts


# ---- strip charts


@dataclass(frozen=True)
class Strip:
    """A chart on the shared time axis. top, height [px]; low, high: of its scale."""

    top: float
    height: float
    low: float
    high: float
    left: float = 176
    width: float = 664

    def x(self, t: float) -> float:
        """Pixel of a time [s]."""
        return self.left + self.width * t / END

    def y(self, value: float) -> float:
        """Pixel of a value."""
        return self.top + self.height * (self.high - value) / (self.high - self.low)

    def opening(self, name: str, notes: Sequence[str], ticks: Sequence[float], si: str) -> list[str]:
        """Grid, scale and what stands in the gutter."""
        parts = [text(24, self.top + 10, name, colour=TEXT, size=13, more='font-weight="600"')]
        parts += [text(24, self.top + 28 + 16 * k, note) for k, note in enumerate(notes)]
        for value in ticks:
            y = self.y(value)
            parts.append(line([(self.left, y), (self.left + self.width, y)], GRID if value else HAIRLINE, 1))
            label = f"{value:g}".replace("-", "\u2212") + (f" {si}" if value == ticks[-1] else "")
            parts.append(text(self.left - 8, y + 4, label, colour=TEXT_3, size=11, more='text-anchor="end"'))
        for t in TIMES:
            span = [(self.x(t), self.top), (self.x(t), self.top + self.height)]
            parts.append(line(span, HAIRLINE, 1, 'stroke-dasharray="2 3"'))
        return parts

    def curve(self, t: np.ndarray, values: np.ndarray, colour: str, more: str = "") -> str:
        """A signal; every fifth sample is more than the picture can show."""
        return line(
            ((self.x(a), self.y(b)) for a, b in zip(t[::5], values[::5], strict=True)), colour, 1.8, more
        )

    def mark(self, t: float, colour: str) -> str:
        """A moment."""
        return line([(self.x(t), self.top), (self.x(t), self.top + self.height)], colour, 1.4)

    def limit(self, value: float, label: str, *, colour: str = FAIL) -> list[str]:
        """A dashed line with its name at the right end."""
        y = self.y(value)
        more = 'text-anchor="end"'
        return [
            line([(self.left, y), (self.left + self.width, y)], colour, 1.2, 'stroke-dasharray="5 4"'),
            text(self.left + self.width, y - 5, label, colour=colour, more=more),
        ]


def vehicle_strip(result: crumple.Result, strip: Strip) -> list[str]:
    """Velocity on the left scale, crush on the right."""
    t, velocity, crush = result.t, result.signals["vehicle.velocity"], result.signals["vehicle.crush"]
    per = 20.0  # [m/s] of the left scale stand for 1 m of the right one
    parts = strip.opening("vehicle", ["velocity and travel", "of the cabin (crush)"], (0, 5, 10, 15), "m/s")
    for value in (0.0, 0.25, 0.5, 0.75):
        label = f"{value:g}" + (" m" if value == 0.75 else "")
        parts.append(
            text(strip.left + strip.width + 8, strip.y(value * per) + 4, label, colour=TEAL, size=11)
        )
    parts += [strip.curve(t, velocity, BLUE), strip.curve(t, crush * per, TEAL)]
    top = int(np.argmax(crush))
    peak = (strip.x(t[top]), strip.y(crush[top] * per))
    said = f"{crush[top] * 1e3:.0f} mm at {t[top] * 1e3:.1f} ms"
    parts += [
        disc(peak, 3, TEAL),
        text(peak[0] + 8, peak[1] - 6, said, colour=TEAL, more='font-weight="600"'),
    ]
    parts.append(text(strip.x(0.022), strip.y(14.9) - 2, "velocity", colour=BLUE, more='font-weight="600"'))
    parts.append(text(strip.x(0.020), strip.y(4.1), "crush", colour=TEAL, more='font-weight="600"'))
    rebound = f"rebound {-float(velocity[-1]):.2f} m/s"
    return [*parts, text(strip.x(END) - 4, strip.y(-1.9) - 3, rebound, colour=BLUE, more='text-anchor="end"')]


def controller_strip(result: crumple.Result, strip: Strip) -> list[str]:
    """What the controller under test sees, and when it fires."""
    plan = crumple.load_scene(SCENE)
    threshold = parse_quantity(str(plan.units["controller"].values["threshold"]), "m/s")
    fire = result.requirements["time_to_fire"]
    assert fire.value is not None
    notes = ["velocity lost over", "the last 10 ms, as", "its sensor shows it"]
    parts = strip.opening("controller", notes, (0, 1, 2, 3), "m/s")
    parts += strip.limit(threshold, f"threshold {threshold:.1f} m/s", colour=TEXT_2)
    parts.append(strip.curve(result.t, result.signals["controller.velocity_lost"], PURPLE))
    marks = [(fire.value, PASS, "fires at"), (fire.limit, FAIL, "limit")]
    x = strip.x(max(fire.value, fire.limit) / 1e3) + 6  # beside both lines, which are too close for names
    for row, (ms, colour, said) in enumerate(marks):
        parts.append(strip.mark(ms / 1e3, colour))
        label = f"{said} {ms:.1f} ms"
        parts.append(text(x, strip.top + 11 + 16 * row, label, colour=colour, more='font-weight="600"'))
    return parts


def driver_strip(result: crumple.Result, strip: Strip) -> list[str]:
    """Head and chest, with the windows that their requirements came from."""
    head, chest = result.requirements["head"], result.requirements["chest"]
    assert head.worst is not None and chest.worst is not None
    assert head.value is not None and chest.value is not None
    x = [strip.x(t) for t in (*head.worst, *chest.worst)]
    parts = [box((x[0], strip.top), (x[1] - x[0], strip.height), ORANGE, 'opacity="0.10"')]
    parts += strip.opening("driver", ["acceleration of", "head and chest"], (0, 20, 40, 60), "g")
    parts += strip.limit(chest.limit, f"chest limit {chest.limit:g} g, held for 3 ms")
    for name, colour in (("chest", BLUE), ("head", ORANGE)):
        parts.append(strip.curve(result.t, result.signals[f"occupant.{name}_acceleration"] / G, colour))
    y = strip.y(chest.value)
    parts.append(line([(x[2], y), (x[3], y)], TEXT, 3))
    said = f"HIC15 {head.value:.1f} of {head.limit:g}"
    parts.append(text((x[0] + x[1]) / 2, strip.top + 14, said, colour=ORANGE, more=CENTRED))
    window = f"{head.worst[0] * 1e3:.1f} to {head.worst[1] * 1e3:.1f} ms"
    parts.append(
        text((x[0] + x[1]) / 2, strip.top + strip.height - 7, window, colour=ORANGE, size=11, more=MIDDLE)
    )
    parts.append(text(x[3] + 32, y + 1, f"3 ms: {chest.value:.1f} g", colour=TEXT, more='font-weight="600"'))
    parts.append(line([(x[3] + 3, y), (x[3] + 29, y - 3)], TEXT_3, 0.8))
    parts.append(text(strip.x(0.0405), strip.y(30), "chest", colour=BLUE, more='font-weight="600"'))
    return [*parts, text(strip.x(0.0555), strip.y(12), "head", colour=ORANGE, more='font-weight="600"')]


def crash(result: crumple.Result) -> str:
    """The crash: four side views over three strip charts."""
    width, height = 920, 690
    speed = convert(float(result.signals["vehicle.velocity"][0]), "m/s", "km/h")
    verdict = f"{result.verdict.upper()} · {result.reason}"
    parts = [
        box((0.5, 0.5), (width - 1, height - 1), PANEL, f'stroke="{HAIRLINE}" rx="10"'),
        text(24, 36, SCENE, colour=TEXT, size=18, more='font-weight="600"'),
        text(178, 36, f"{speed:.2f} km/h into a rigid wall, airbag controller under test", size=13),
        box((width - 270, 18), (246, 26), PASS, 'rx="13"'),
        text(width - 147, 35, verdict, colour=PANEL, size=12.5, more=CENTRED),
    ]
    for k, t in enumerate(TIMES):
        parts += frame(result, t, (24 + k * 220, 60), (212, 100))
    first, second, third = Strip(208, 120, -3, 16), Strip(352, 110, -0.2, 3.7), Strip(486, 142, 0, 80)
    parts += vehicle_strip(result, first) + controller_strip(result, second) + driver_strip(result, third)
    for ms in range(0, 151, 25):
        label = f"{ms} ms" if ms == 150 else f"{ms}"
        parts.append(text(third.x(ms / 1e3), 646, label, colour=TEXT_3, size=11, more=MIDDLE))
    note = f"Crumple {crumple.__version__}, seed 0, digest {result.digest}. Dotted: the moments of the side views."
    parts.append(text(24, height - 16, note, colour=TEXT_3, size=11))
    return picture(width, height, f"{SCENE}: side views and signals of a run", parts)


# ---- the terminal


COLUMNS, CELL, PITCH = 100, 8.1, 19.0  # characters a line; width of one and height of a line [px]
INK = {"": "#E7ECF3", "1": "#E7ECF3", "2": "#8391A2", "1;32": "#24BA8C", "1;31": "#FF5A36"}
_SGR = re.compile(r"\x1b\[([\d;]*)m")


def on_terminal(arguments: Sequence[str], folder: Path) -> str:
    """What `crumple` writes on a terminal of 100 columns."""
    import fcntl
    import pty
    import termios

    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    command = [sys.executable, "-m", "crumple", *arguments]
    running = subprocess.Popen(
        command, cwd=folder, stdout=terminal, stderr=terminal, env={**plain, "TERM": "xterm-256color"}
    )
    os.close(terminal)
    out = b""
    while True:
        try:
            part = os.read(control, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        out += part
    running.wait()
    os.close(control)
    # on a slow machine a line of progress was there, and was wiped
    return re.sub(r"(?:\r\x1b\[K[^\r\n]*)*\r\x1b\[K", "", out.decode().replace("\r\n", "\n"))


def terminal(command: str, written: str) -> str:
    """A command and its output, with the colours it had."""
    lines = [f"\x1b[2m$\x1b[0m {command}", *written.rstrip().split("\n")]
    width, height = 2 * 20 + COLUMNS * CELL, 52 + PITCH * len(lines)
    parts = [
        box((0, 0), (width, height), "#0D1117", 'rx="8"'),
        *(disc((22 + 18 * k, 18), 5, "#2B3643") for k in range(3)),
        f'<g font-family="{MONO}" font-size="13.5" xml:space="preserve">',
    ]
    for row, content in enumerate(lines):
        style, column = "", 0
        for k, piece in enumerate(_SGR.split(content)):
            if k % 2:
                style = "" if piece == "0" else piece
                continue
            for match in re.finditer(r"\S+(?: \S+)*", piece):  # at its column, whatever font is at hand
                said = match[0]
                place = f'textLength="{n(len(said) * CELL)}" lengthAdjust="spacingAndGlyphs"'
                weight = ' font-weight="600"' if style.startswith("1") else ""
                x, y = 20 + (column + match.start()) * CELL, 48 + PITCH * row
                parts.append(text(x, y, said, colour=INK.get(style, INK[""]), size=13.5, more=place + weight))
            column += len(piece)
    return picture(width, height, f"{command}, on a terminal", [*parts, "</g>"])


def main(folder: Path) -> None:
    """Draw everything into a folder."""
    from crumple.graph import scene_graph
    from crumple.graph_svg import to_svg

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        result = crumple.run(SCENE, out=place / "runs", isolate=False)
        pictures = {"crash.svg": crash(result)}
        view = [
            "-m",
            "crumple.view",
            str(result.folder),
            "--screenshot",
            "t=73ms",
            str(folder / "viewer.png"),
        ]
        subprocess.run([sys.executable, *view], check=True, stdout=subprocess.DEVNULL)
        pictures["graph.svg"] = to_svg(scene_graph(crumple.load_scene(SCENE)))
        late = ["--set", "controller.threshold=50 m/s"]
        for name, more in {"terminal.svg": [], "terminal_fail.svg": late}.items():
            command = " ".join(["crumple run", SCENE, *more]).replace("=50 m/s", "='50 m/s'")
            pictures[name] = terminal(command, on_terminal(["run", SCENE, *more], place))
    for name, drawn in pictures.items():
        (folder / name).write_text(drawn, encoding="utf-8")
        print(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
