"""A conformance check for plugin authors: does a unit keep the promises that the rest of Crumple builds on?

    from crumple.testing import check_unit

    def test_it_is_a_well_behaved_unit():
        check_unit(MyUnit, period="1 ms", parameters={"gain": 2.0})

The rules, each of which a message names when it is broken:

- *steps without an error*, and every output is finite, unless it is declared with `allow_nonfinite=True`;
- *inputs are only read*;
- *same seed, same outputs*: a second instance gives the same bits. Random numbers come from `self.random`;
- *reset equals new*: after a run and a reset, an instance gives what a new one gives;
- *save and load continue bit for bit*, in the same instance and in another, and saving changes nothing;
- *no growth*: the saved state does not get larger with every step.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crumple.errors import StepError
from crumple.unit import BLOB_KINDS, Input, Unit
from crumple.world import World

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.world import Trace

Inputs = Callable[[int], Mapping[str, Any]]

_NAME = "dut"
_LONG = 10  # times `steps` before growth is measured, and again while it is
_GROWTH = 0.5  # [bytes per step] a list that gets one number in ten steps grows by 0.9
_JITTER = 256  # [bytes] by which the state of a random generator and the like may differ
_WORDS = ("", "a", "two words", "ß")


def check_unit(
    unit: type[Unit],
    *,
    parameters: Mapping[str, Any] | None = None,
    steps: int = 100,
    period: Fraction | str | float = "1 ms",
    inputs: Inputs | None = None,
    seed: int = 1,
) -> None:
    """Runs a unit on its own, some 25 times `steps` steps in all, and checks the rules above.

    parameters: of the unit, by name.
    steps: of one comparison. A unit that keeps a window of the past needs at least a tenth of the window's
        length, or the window counts as growth.
    inputs: values by port for the step from a tick on, such as `lambda tick: {"speed": 0.1 * tick}`; ticks
        go on to 20 times `steps`. By default every input wanders at random around its start value, within its
        declared limits; numbers by at most one per step.
    Raises AssertionError that names the rule, what happened, and what to do.
    """
    check = _Check(
        unit=unit,
        parameters=dict(parameters or {}),
        steps=steps,
        period=period,
        inputs=inputs or _wandering(unit, steps),
        seed=seed,
    )
    check.steps_and_inputs()
    check.same_seed()
    check.reset()
    check.save_and_load()
    check.growth()


@dataclass(kw_only=True, slots=True)
class _Check:
    unit: type[Unit]
    parameters: dict[str, Any]
    steps: int
    period: Fraction | str | float
    inputs: Inputs
    seed: int
    first: Rows | None = None  # what the first run gave

    # -- rules ----------------------------------------------------------------------------------------

    def steps_and_inputs(self) -> None:
        run = _Run(self, "steps without an error")
        run.go(self.steps, watch_inputs=True)
        run.end()
        self.first = Rows(run.trace)

    def same_seed(self) -> None:
        run = _Run(self, "same seed, same outputs")
        run.go(self.steps)
        self._compare(
            Rows(run.trace),
            "same seed, same outputs",
            "a second instance with the same seed and inputs differs from the first",
            "Take random numbers from self.random, and nothing from the clock, from module or class"
            " variables, or from the order of a set.",
        )

    def reset(self) -> None:
        rule = "reset equals new"
        run = _Run(self, rule)
        run.go(self.steps)
        run.again(self.seed + 1)  # with other random numbers, so that what is left behind shows
        run.go(self.steps // 2)
        run.again(self.seed)
        run.go(self.steps)
        self._compare(
            run.rows_since_reset(),
            rule,
            "after a run and a reset it does not give what a new instance gives",
            "Keep state in attributes of self, which a reset forgets, not in module or class variables.",
        )

    def save_and_load(self) -> None:
        rule = "save and load continue bit for bit"
        half = self.steps // 2
        run = _Run(self, rule)
        run.go(half)
        snapshot = run.snapshot()
        run.go(self.steps - half)
        self._compare(
            Rows(run.trace), rule, "being saved changes what follows", "save() must not change self."
        )
        for other, how in (
            (run, "the same instance"),
            (_Run(self, rule, seed=self.seed + 1), "another instance"),
        ):
            other.go(3)  # so that load has something to undo
            other.load(snapshot)
            at = other.rows()
            other.go(self.steps - half)
            self._compare(
                Rows(other.trace, first=at),
                rule,
                f"loaded into {how} at step {half}, it does not continue as before",
                "What save() returns must hold all that step() reads; by default, every attribute of self.",
                first=half + 1,
            )

    def growth(self) -> None:
        run = _Run(self, "no growth")
        long = _LONG * self.steps
        run.go(long)
        before = run.size()
        run.go(long)
        grown = run.size() - before
        if grown > max(_JITTER, _GROWTH * long):
            self.fail(
                "no growth",
                f"its state grew from {before:,} to {before + grown:,} bytes from step {long} to {2 * long}",
                "Keep a bounded window, such as collections.deque(maxlen=...). If a longer window is meant,"
                " give check_unit more steps.",
            )

    # -- what they share ------------------------------------------------------------------------------

    def fail(self, rule: str, fact: str, remedy: str) -> None:
        raise AssertionError(
            f"{self.unit.__name__} breaks the rule: {rule}. {fact[:1].upper()}{fact[1:]}. {remedy}"
        )

    def _compare(self, rows: Rows, rule: str, fact: str, remedy: str, *, first: int = 0) -> None:
        assert self.first is not None
        difference = self.first.differs(rows, first=first)
        if difference:
            self.fail(rule, f"{fact}: {difference}", remedy)


class Rows:
    """What a unit gave, from a row on."""

    def __init__(self, trace: Trace, *, first: int = 0) -> None:
        self.numbers: NDArray[np.void] = trace.array()[first:]
        self.blobs = {name: rows[first:] for name, rows in trace.blobs().items()}

    def differs(self, other: Rows, *, first: int) -> str:
        """The first difference to rows that begin at row `first`; "" where there is none. NaN equals NaN."""
        for name in (self.numbers.dtype.names or ())[1:]:
            mine, theirs = self.numbers[name][first:], other.numbers[name]
            for k, (a, b) in enumerate(zip(mine, theirs, strict=False)):
                if a.tobytes() != b.tobytes():
                    return f"{_port(name)} is {a} after step {first + k}, then {b}"
        for name, texts in self.blobs.items():
            for k, (a, b) in enumerate(zip(texts[first:], other.blobs[name], strict=False)):
                if a != b:
                    return f"{_port(name)} is {a!r} after step {first + k}, then {b!r}"
        return ""


class _Run:
    """A world with nothing but one instance of the unit."""

    def __init__(self, check: _Check, rule: str, *, seed: int | None = None) -> None:
        self._check = check
        self._rule = rule
        self._instance = check.unit(**check.parameters)
        self._world = World(check.period, threads=1, digest=False)
        self._world.add(_NAME, self._instance)
        self._blobs = [n for n, p in check.unit.declared_outputs().items() if p.kind in BLOB_KINDS]
        self.trace = self._world.trace()
        self._reset_at = 0
        self.again(check.seed if seed is None else seed)

    def again(self, seed: int) -> None:
        self._reset_at = self.rows()
        self._guarded(lambda: self._world.reset(seed=seed))

    def go(self, steps: int, *, watch_inputs: bool = False) -> None:
        for _ in range(steps):
            given = self._check.inputs(self._world.tick)
            for name, value in given.items():
                self._world[f"{_NAME}.{name}"] = value
            self._guarded(self._world.step)
            if watch_inputs:
                self._see_inputs(given)

    def end(self) -> None:
        self._guarded(self._world.end)

    def snapshot(self) -> Any:
        return self._guarded(self._world.snapshot)

    def load(self, snapshot: Any) -> None:
        self._guarded(lambda: self._world.restore(snapshot))

    def rows(self) -> int:
        return len(self.trace.array())

    def rows_since_reset(self) -> Rows:
        return Rows(self.trace, first=self._reset_at)

    def size(self) -> int:
        """Bytes of the unit's state, and of texts in its outputs."""
        state = self._guarded(self._instance.save)
        size = len(state if isinstance(state, bytes) else pickle.dumps(state))
        return size + sum(len(str(self._world[f"{_NAME}.{name}"])) for name in self._blobs)

    def _see_inputs(self, given: Mapping[str, Any]) -> None:
        for name, value in given.items():
            seen = getattr(self._instance, name)
            if _plain(seen) != _plain(value):
                self._check.fail(
                    "inputs are only read",
                    f'"{name}" was {value!r} before step {self._world.tick - 1} and is {seen!r} after it',
                    "Keep what you compute in an attribute of another name.",
                )

    def _guarded(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except StepError as error:
            rule, remedy = self._rule, "The cause is shown above." if error.__cause__ else ""
            if error.call.startswith("output "):
                rule = "every output is finite"
                remedy = "If that is meant, declare the output with allow_nonfinite=True."
            elif "read-only" in error.fact:
                rule = "inputs are only read"
                remedy = "Copy an input array before you change it."
            fact = f"{error.call} failed at tick {error.tick}: {error.fact}".rstrip(".")
            try:
                self._check.fail(rule, fact, remedy)
            except AssertionError as failure:
                raise failure from error.__cause__


def _wandering(unit: type[Unit], steps: int) -> Inputs:
    """Inputs that wander around their start values, the same at each call."""
    import numpy as np

    ports = unit.declared_inputs()
    rows: list[dict[str, Any]] = []
    generator = np.random.Generator(np.random.PCG64(20250101))

    def at(tick: int) -> dict[str, Any]:
        while len(rows) <= tick:
            rows.append({n: _wander(p, rows[-1][n] if rows else None, generator) for n, p in ports.items()})
        return rows[tick]

    at(steps)
    return at


def _wander(port: Input, last: Any, generator: np.random.Generator) -> Any:
    import numpy as np

    if port.kind in BLOB_KINDS:
        texts = [_WORDS[i] for i in generator.integers(len(_WORDS), size=port.size)]
        values = texts if port.kind == "string" else [text.encode() for text in texts]
        return values if port.shape else values[0]
    if port.kind == "boolean":
        flags = generator.integers(2, size=port.shape).astype(bool)
        return flags if port.shape else bool(flags)
    start = np.array(port.flat_start(), dtype=float).reshape(port.shape)
    moved = (start if last is None else last) + generator.uniform(-1, 1, size=port.shape)
    if port.kind == "integer":
        moved = np.round(moved)
    moved = np.clip(moved, port.min, port.max) if port.min is not None or port.max is not None else moved
    return moved if port.shape else int(moved) if port.kind == "integer" else float(moved)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _port(name: str) -> str:
    return f'output "{name.removeprefix(f"{_NAME}.")}"'
