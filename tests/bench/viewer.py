"""What a picture of the viewer costs: 200 shapes, 8 charts of 1,000 points, all panels, every frame another instant.

    python tests/bench/viewer.py [--size 1280x720] [--frames 600] [--rounds 5]

One core, software surfaces, no display. Prints the least and the most of the rounds, and a digest of one picture, so
that two machines, or two versions, can be seen to have drawn the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import numpy as np
import pygame

from crumple.view.decimate import Pyramid, polyline
from crumple.view.frame import Frame
from crumple.view.replay_session import ReplaySession
from crumple.view.session import Moment
from crumple.view.theme import Theme

SHAPES, CHARTS, POINTS = 200, 8, 1000
PERIOD = 1e-3
SLOT = 1 / 60  # [s] that a picture may take


def shapes() -> dict[str, Any]:
    """200 of them, half of which turn, all of which move."""
    drawn: dict[str, Any] = {}
    for n in range(SHAPES):
        x, y = n % 20, n // 20
        moved = {
            "x": f"{x} m + plant.s{n % 8} * 0.4 m",
            "y": f"{y + 0.5} m",
            "angle": f"plant.s{(n + 3) % 8} * 1 rad",
        }
        kinds: list[dict[str, Any]] = [
            {"shape": "box", "width": "0.6 m", "height": "0.4 m"},
            {"shape": "circle", "radius": "0.25 m"},
            {"shape": "capsule", "length": "0.7 m", "radius": "0.12 m"},
            {"shape": "polygon", "points": [["-0.3 m", "-0.2 m"], ["0.3 m", "-0.2 m"], ["0 m", "0.35 m"]]},
        ]
        drawn[f"part_{n}"] = {**kinds[n % 4], **moved, "colour": f"signal_{n % 6 + 1}"}
    return drawn


def write_run(folder: Path) -> None:
    """A run of one second with eight signals."""
    t = np.arange(POINTS + 1) * PERIOD
    names = [f"plant.s{n}" for n in range(CHARTS)]
    rows = np.empty(len(t), [("t", "<f8"), *((name, "<f8") for name in names)])
    rows["t"] = t
    for n, name in enumerate(names):
        rows[name] = np.sin(2 * math.pi * (n + 1) * t) * (1 + 0.1 * np.sin(57 * t + n))
    np.save(folder / "signals-1ms.npy", rows)
    limits = [{"relation": "max", "value": 1.2, "shown": 1.2, "within": 0.0, "shown_within": 0.0}]
    required = [
        {
            "name": f"peak_{n}",
            "what": f"max({name})",
            "expression": f"max({name})",
            "limits": limits,
            "source_si": "1",
        }
        for n, name in enumerate(names[:6])
    ]
    view = {
        "pictures": {
            "side": {"x": ["-1 m", "21 m"], "y": ["-0.5 m", "11 m"], "grid": "1 m", "draw": shapes()}
        },
        "charts": [{"signal": name} for name in names],
        "events": {"first": "100 ms", "second": "0.4 s", "third": "0.75 s"},
    }
    manifest = {
        **{
            "manifest": 1,
            "scene": "view_bench",
            "seed": 0,
            "period": "1/1000",
            "start": "0",
            "stop_tick": POINTS,
        },
        **{"units": {"plant": {"every": 1}}, "signals": {name: {"si": "1"} for name in names}},
        **{"requirements": required, "view": view, "faults": [], "inputs": [], "connections": []},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    results = [
        {
            "name": f"peak_{n}",
            "what": f"max({name})",
            "title": "maximum",
            "status": "pass",
            "value": 1.09,
            "si": "1",
        }
        | {"relation": "max", "limit": 1.2, "within": None, "margin": 0.09, "complete": True, "decided": 1.0}
        | {"worst": [0.3, 0.3], "reason": "", "signals": [name]}
        for n, name in enumerate(names[:6])
    ]
    conditions = [{"name": "as written", "holds": True, "evidence": "a benchmark"}]
    verdict = {"state": "ended", "verdict": "pass", "reasons": ["6 of 6"], "conditions": conditions}
    (folder / "verdict.json").write_text(
        json.dumps({**verdict, "requirements": results, "digest": "0" * 16, "tick": 1000})
    )
    (folder / "events.jsonl").write_text("")


def measure(
    frame: Frame, session: ReplaySession, surface: pygame.Surface, frames: int
) -> list[tuple[float, float]]:
    """Milliseconds of each picture: on the wall, and of the processor, which others cannot take away."""
    session.rows.hurried = True
    took = []
    for number in range(frames):
        t = number / frames * session.end()
        began, worked = time.perf_counter(), time.thread_time()
        frame.draw(surface, Moment(session, t, True, 1.0, number), whole=False)
        took.append(((time.perf_counter() - began) * 1e3, (time.thread_time() - worked) * 1e3))
    return took


def parts(frame: Frame, session: ReplaySession, surface: pygame.Surface, frames: int) -> dict[str, float]:
    """Median milliseconds of each panel alone."""
    found = {}
    for name, rect in frame.areas.items():
        took = []
        for number in range(frames):
            moment = Moment(session, number / frames * session.end(), True, 1.0, number)
            began = time.perf_counter()
            frame.panel(name).draw(surface, rect, moment)
            took.append((time.perf_counter() - began) * 1e3)
        found[name] = float(np.mean(took))
    return found


def long_series() -> list[tuple[str, float]]:
    """Milliseconds to take up a series of ten million samples, and to choose the points of a chart from it."""
    t = np.arange(10_000_000) * 1e-4
    values = np.sin(t)
    values[7_654_321] = 9.0
    pyramid = Pyramid()
    began = time.perf_counter()
    pyramid.extend(values)
    rows = [("10^7 samples, once", (time.perf_counter() - began) * 1e3)]
    for name, since, until in (
        ("all of them", 0.0, 1000.0),
        ("a tenth", 700.0, 800.0),
        ("a millionth", 765.4, 765.401),
    ):
        began = time.perf_counter()
        _, shown = polyline(t, values, pyramid, since=since, until=until, columns=680)
        took = (time.perf_counter() - began) * 1e3
        assert since > 765.43 or until < 765.43 or shown.max() == 9.0, "a spike of one sample was lost"
        rows.append((f"10^7 samples, {name} as 680 columns", took))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    width, height = (int(part) for part in asked.size.split("x"))
    pygame.display.init()
    pygame.font.init()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    with tempfile.TemporaryDirectory() as place:
        write_run(Path(place))
        session = ReplaySession(Path(place))
        frame = Frame(Theme(width=width, height=height), session)
        surface = pygame.Surface((width, height))
        measure(frame, session, surface, 30)
        rounds = [measure(frame, session, surface, asked.frames) for _ in range(asked.rounds)]
        costs = parts(frame, session, surface, 60)
        session.rows.hurried = False
        frame = Frame(Theme(width=width, height=height), session)
        frame.draw(surface, Moment(session, 0.5, False, 1.0, 0))
        digest = hashlib.sha256(pygame.image.tobytes(surface, "RGB")).hexdigest()[:16]
    print(f"{width} x {height}, {SHAPES} shapes, {CHARTS} charts of {POINTS:,} points, one core")
    print(f"{asked.rounds} rounds of {asked.frames} pictures, each of another moment")
    print("                          p50      p95      max   [ms]")
    for kind, name in enumerate(("on the wall", "of the processor")):
        for which, choose in (("least", min), ("most", max)):
            of_rounds = [[each[kind] for each in r] for r in rounds]
            p50, p95, worst = (choose(float(np.percentile(r, q)) for r in of_rounds) for q in (50, 95, 100))
            print(f"  {name + ', ' + which:<24}{p50:6.2f} {p95:8.2f} {worst:8.2f}")
    over = sum(each[0] > SLOT * 1e3 for r in rounds for each in r)
    print(f"  later than 1/60 s: {over:,} of {sum(map(len, rounds)):,}")
    print("  of it, on average:  " + "  ".join(f"{name} {cost:.2f}" for name, cost in costs.items()))
    for name, took in long_series():
        print(f"  {name:<42}{took:8.2f}")
    print(f"  load {os.getloadavg()[0]:.1f}   digest of a picture {digest}")


if __name__ == "__main__":
    main()
