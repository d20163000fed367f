"""What it costs to run FMUs in worker processes: the step of a world, in this process and apart, side by side.

    python tests/bench/workers.py [--steps 20000]

Medians over single steps, taken in turns so that both see the same machine; the digests of both must be equal.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crumple import Fmu, World
from fmu_build import build_fmu

TURN = 500
"""Steps of one world before it is the other's turn."""


def world_of(units: int, *, isolate: bool) -> World:
    """A ring of lags."""
    world = World("1 ms", threads=1, isolate=isolate)
    for k in range(units):
        world.add(f"lag{k}", Fmu(build_fmu("lag2"), start={"x0": 1.0 + k}))
    for k in range(units):
        world.connect(f"lag{k}.y", f"lag{(k + 1) % units}.u")
    world.reset()
    return world


def times(world: World, steps: int) -> list[int]:
    """Wall time of single steps [ns]."""
    out = []
    for _ in range(steps):
        before = time.perf_counter_ns()
        world.step()
        out.append(time.perf_counter_ns() - before)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000, help="steps of every world")
    steps = parser.parse_args().steps
    print("| units of a wave | in this process [us] | in workers [us] | more, per unit [us] | p90 [us] |")
    print("|---:|---:|---:|---:|---:|")
    for units in (1, 2, 4, 10):
        here, apart = world_of(units, isolate=False), world_of(units, isolate=True)
        seen: tuple[list[int], list[int]] = ([], [])
        for _ in range(max(1, steps // TURN)):
            for world, taken in zip((here, apart), seen, strict=True):
                taken += times(world, TURN)
        if here.digest() != apart.digest():
            print(f"{units} units: the digests differ", file=sys.stderr)
            return 1
        a, b = (statistics.median(taken) / 1e3 for taken in seen)
        p90 = statistics.quantiles(seen[1], n=10)[8] / 1e3
        print(f"| {units} | {a:.2f} | {b:.2f} | {(b - a) / units:.2f} | {p90:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
