"""What a requirement over time costs: nanoseconds per tick and operator, for windows of 10,000 samples at 10 kHz.

    python tests/bench/requirements.py [--ticks 1000000]

Each formula is compared with the bare one of the same run, always(signal > 0), which is a comparison and a running
minimum: the ratio says what the operator adds, whatever the machine. Times are those of the processor, so that others
who use the machine do not count. Signals: noise; a ramp up and a ramp down, which are the worst for a queue that keeps
what may still become the least or the greatest; steps.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction

import numpy as np

from crumple.stl import parse_stl

PERIOD = Fraction(1, 10_000)  # [s]
WINDOW = "[0 s, 999.9 ms]"  # 10,000 samples
BARE = "always(u.x > 0)"
FORMULAS = {
    "always": f"always(always{WINDOW}(u.x > 0))",
    "eventually": f"always(eventually{WINDOW}(u.x > 0))",
    "until": f"always((u.y > 0) until{WINDOW} (u.x > 0))",
    "until, later": "always((u.y > 0) until[500 ms, 1499.9 ms] (u.x > 0))",
    "once": f"always(once{WINDOW}(u.x > 0))",
    "historically": f"always(historically{WINDOW}(u.x > 0))",
    "implies": "always(u.y > 0 implies u.x > 0)",
    "five nested": f"always(u.y > 0 implies eventually{WINDOW}(always{WINDOW}(u.x > 0) and once{WINDOW}(u.y > 0)))",
}
FORMULAS["20 operations"] = f"always({' + '.join(['abs(u.x * 2 - u.y)'] * 5)} > -1)"
OPERATORS = {"five nested": 5, "20 operations": 20}


def signals(ticks: int) -> dict[str, np.ndarray]:
    """Two columns each."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(ticks, 2))
    ramp = np.linspace(-1.0, 1.0, ticks)
    steps = np.repeat(rng.normal(size=(ticks // 500 + 1, 2)), 500, axis=0)[:ticks]
    return {
        "noise": noise,
        "ramp up": np.column_stack([ramp, -ramp]),
        "ramp down": np.column_stack([-ramp, ramp]),
        "steps": steps,
    }


def cost(text: str, rows: np.ndarray) -> float:
    """Nanoseconds a tick, the best of three."""
    judge = parse_stl(text).judge("r", period=PERIOD, si_of=lambda name: "1", kind_of=lambda name: "real")
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        judge.over(["u.x", "u.y"], rows, float(PERIOD), 0.0, "whole")
        best = min(best, time.process_time() - began)
    return best / len(rows) * 1e9


def measure(ticks: int) -> list[tuple[str, str, float, float]]:
    """Formula, signal, nanoseconds per tick and operator above the bare one, and the ratio of the whole to it."""
    found = []
    for kind, rows in signals(ticks).items():
        bare = cost(BARE, rows)
        found.append(("bare", kind, bare, 1.0))
        for name, text in FORMULAS.items():
            spent = cost(text, rows)
            found.append((name, kind, (spent - bare) / OPERATORS.get(name, 1), spent / bare))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ticks", type=int, default=1_000_000)
    rows = measure(parser.parse_args().ticks)
    print(f"{'operator':<14}{'signal':<12}{'ns/tick':>9}{'x bare':>9}")
    for name, kind, spent, ratio in rows:
        print(f"{name:<14}{kind:<12}{spent:>9.1f}{ratio:>9.2f}")


if __name__ == "__main__":
    main()
