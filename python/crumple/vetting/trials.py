"""The trials: each runs in a process of its own, and answers with plain values.

In all of them the FMU is in the process itself, but for `in_a_worker`.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from crumple.description import Variable
from crumple.errors import CrumpleError, EndError, StepError
from crumple.fmu import Fmu
from crumple.start import decode_start, encode_start
from crumple.vetting.process import differences, held, process_state
from crumple.world import World

if TYPE_CHECKING:
    from crumple.vetting.apart import Trial

Result = dict[str, Any]

UNIT = "fmu"
_SINGLES = 10  # first steps that are taken one by one, with a look at the process after each
_CHUNK = 0.02  # [s] of wall time between looks at the clock
_MOST_RECORDED = 200  # variables to look at where an FMU has no outputs
_TOO_MUCH = 256 << 20  # [bytes] of growth at which a run is stopped
_PERIOD = 37  # [ticks] of the wave on the inputs: no multiple of anything


class Plan(msgspec.Struct, kw_only=True):
    """What is run. step, begin: exact texts of fractions [s].   steps: of the default experiment.

    nonfinite: NaN and infinity do not end a run.   vary: inputs are moved, in runs that are compared.
    """

    path: str
    start: dict[str, str]
    step: str
    begin: str
    steps: int
    nonfinite: bool = False
    vary: bool = False

    def fmu(self) -> Fmu:
        """The FMU, its outputs watched; or all it has, where it has none."""
        every = ("*",) if self.nonfinite else ()
        fmu = Fmu(self.path, self.start, allow_nonfinite=every, allow_warnings=True)
        if fmu.outputs() or len(fmu.description.variables) > _MOST_RECORDED:
            return fmu
        return Fmu(self.path, self.start, record=("*",), allow_nonfinite=("*",), allow_warnings=True)

    def world(self, *names: str, step: str | None = None, isolate: bool = False) -> World:
        """A world of the FMU, as often as there are names."""
        world = World(Fraction(step or self.step), threads=1, start=float(Fraction(self.begin)))
        for name in names or (UNIT,):
            world.add(name, self.fmu(), isolate=isolate)
        return world


@contextmanager
def failures(found: Result) -> Iterator[None]:
    """Notes how a run failed, instead of failing."""
    try:
        yield
    except StepError as error:
        found["failed"] = {
            "call": error.call,
            "tick": error.tick,
            "t": error.t,
            "fact": error.fact,
            "end": isinstance(error, EndError),
        }
    except CrumpleError as error:
        found["failed"] = {"call": "", "tick": -1, "t": 0.0, "fact": str(error), "end": False}
    except OSError as error:  # of our own, since the FMU has changed the process
        fact = f"its process cannot go on: {error.strerror}"
        found["failed"] = {"call": "", "tick": -1, "t": 0.0, "fact": fact, "end": False}
    except MemoryError:
        fact = "it asks for more memory than there is"
        found["failed"] = {"call": "", "tick": -1, "t": 0.0, "fact": fact, "end": False}


def reset(trial: Trial, world: World) -> None:
    """Instances made and initialised."""
    with trial.call("loading, instantiating or initialising it"):
        world.reset()


def advance(
    trial: Trial,
    world: World,
    steps: int,
    *,
    singly: bool = False,
    look: Callable[[], None] = lambda: None,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Takes so many steps, or as many as there is time for.

    singly: the first one by one, with a look after each.   enough: whether to stop, asked now and then.
    """
    first = world.tick
    chunk = 1
    while (left := first + steps - world.tick) > 0 and not trial.over() and not enough():
        tick = world.tick
        count = min(chunk, left)
        began = time.perf_counter()
        with trial.call(_place(world, count)):
            world.step(count)
        spent = time.perf_counter() - began
        if singly and tick - first < _SINGLES:
            look()
        elif spent < _CHUNK / 2:
            chunk *= 2
        elif spent > _CHUNK * 2:
            chunk = max(1, chunk // 2)


def _place(world: World, count: int) -> str:
    first = world.tick + 1
    if count == 1:
        return f"step {first:,} (t = {world.t:.6g} s)"
    return f"steps {first:,} to {first + count - 1:,} (from t = {world.t:.6g} s)"


def validate(trial: Trial, folder: str) -> Result:
    """What FMPy has against names of variables and the model structure; the rest is among the FMU's warnings."""
    from fmpy import read_model_description  # type: ignore[import-untyped]
    from fmpy.validation import validate_model_description  # type: ignore[import-untyped]

    try:
        model = read_model_description(folder, validate=False)
        known = validate_model_description(model)
        found = validate_model_description(model, validate_variable_names=True, validate_model_structure=True)
    except Exception as error:  # FMPy raises bare Exception, KeyError, TypeError and more
        return {"problems": [f"FMPy cannot read it: {type(error).__name__}: {error}"]}
    return {"problems": [" ".join(str(problem).split()) for problem in found if problem not in known]}


# -- loading --------------------------------------------------------------------------------------------------------


def load_and_free(trial: Trial, library: str) -> Result:
    """The library alone: opened, and closed again."""
    before = process_state()
    found: Result = {"lazy": ""}
    with trial.call("loading its library"):
        try:
            handle = ctypes.CDLL(library, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        except OSError as error:
            found["lazy"] = str(error)
            try:
                handle = ctypes.CDLL(library, mode=os.RTLD_LAZY | os.RTLD_LOCAL)
            except OSError as lasting:
                return found | {"failed": {"fact": str(lasting)}}
    loaded = process_state()
    found["loaded"] = differences(before, loaded)
    with trial.call("unloading its library"):
        close = ctypes.CDLL(None).dlclose
        close.argtypes = [ctypes.c_void_p]
        close(handle._handle)
    found["unloaded"] = differences(before, process_state())
    return found


# -- a run ----------------------------------------------------------------------------------------------------------


def run(
    trial: Trial, plan: Result, *, step: str | None = None, steps: int, at: list[int], look: bool = True
) -> Result:
    """A run from start to end: time, digest, values at some ticks, and what it left changed in the process."""
    what = msgspec.convert(plan, Plan)
    before = process_state()
    found: Result = {"steps": 0, "samples": {}, "changes": [], "warnings": []}
    seen: set[str] = set()

    def compare(moment: str) -> None:
        if look:
            for check, changed in differences(before, process_state()).items():
                if check not in seen:
                    seen.add(check)
                    found["changes"].append([moment, check, changed])

    world = what.world(step=step)
    began = time.perf_counter()
    with failures(found):
        world.build()
        began = time.perf_counter()
        reset(trial, world)
        found["load"] = time.perf_counter() - began
        compare("loading and initialising")
        began, grown = time.perf_counter(), _Growth()
        for target in [*(tick for tick in at if tick < steps), steps]:
            advance(
                trial,
                world,
                target - world.tick,
                singly=world.tick < _SINGLES and look and step is None,
                look=lambda w=world: compare(f"step {w.tick}"),  # type: ignore[misc]
                enough=grown,
            )
            if world.tick in at:
                found["samples"][str(world.tick)] = values(world)
            if trial.over() or grown():
                break
        found["wall"] = time.perf_counter() - began
        found["grown"] = grown()
        found["digest"] = world.digest()
        compare("the run")
        with trial.call("terminating"):
            world.end()
    found["steps"] = world.tick
    found["warnings"] = [text for text in world._core.warnings() if text.startswith("unit ")]
    compare("terminating")
    with trial.call("freeing"):
        del world
        gc.collect()
    seen -= {"threads", "open files"}  # while it lives these are its own affair; here they are left behind
    found["changes"] = [change for change in found["changes"] if change[1] not in ("threads", "open files")]
    compare("freeing")
    return found


class _Growth:
    """Whether this process has taken so much memory since that it is better to stop."""

    def __init__(self) -> None:
        self.first = held()

    def __call__(self) -> bool:
        return held() - self.first > _TOO_MUCH


def values(world: World) -> dict[str, float]:
    """The numbers that it publishes now, by name."""
    found: dict[str, float] = {}
    for port in world.outputs(UNIT)[:_MOST_RECORDED]:
        if port.kind not in ("string", "binary"):
            for k, number in enumerate(np.ravel(np.asarray(world[f"{UNIT}.{port.name}"], dtype=float))[:10]):
                if math.isfinite(number):
                    found[f"{port.name}[{k}]" if port.shape else port.name] = float(number)
    return found


# -- runs that are compared -----------------------------------------------------------------------------------------


class Driven:
    """A world whose inputs follow a wave that depends on nothing but the tick, and whose outputs are kept."""

    def __init__(self, trial: Trial, plan: Plan, world: World, *names: str) -> None:
        self.trial, self.world, self.names = trial, world, names or (UNIT,)
        self._inputs = list(_waves(world.fmus()[self.names[0]])) if plan.vary else []
        self._traces = {
            name: world.trace([f"{name}.{port.name}" for port in world.outputs(name)]) for name in self.names
        }

    def reset(self) -> None:
        """To the beginning."""
        reset(self.trial, self.world)

    def step(self, steps: int) -> None:
        """So many steps."""
        if not self._inputs:
            advance(self.trial, self.world, steps)
            return
        for _ in range(steps):
            wave = math.sin(2.0 * math.pi * self.world.tick / _PERIOD)
            for name in self.names:
                for port, start, size, low, high in self._inputs:
                    self.world[f"{name}.{port}"] = min(max(start + size * wave, low), high)
            with self.trial.call(_place(self.world, 1)):
                self.world.step()

    def rows(self, name: str = UNIT) -> NDArray[np.float64]:
        """All outputs that are numbers at all ticks since the first reset, (ticks, numbers)."""
        return np.asarray(self._traces[name]._core.values())

    def texts(self, name: str = UNIT) -> list[list[bytes]]:
        """All outputs that are texts or bytes, row by row."""
        core = self._traces[name]._core
        width = sum(column.count for column in core.columns if column.blob)
        flat = core.blobs() if width else []
        return [flat[k : k + width] for k in range(0, len(flat), width or 1)]

    def columns(self, name: str = UNIT) -> list[str]:
        """The names of the numbers in a row, without the unit's."""
        found = []
        for column in self._traces[name]._core.columns:
            if not column.blob:
                text = column.name.partition(".")[2]
                found += [text] if not column.shape else [f"{text}[{k}]" for k in range(column.count)]
        return found

    def hash(self, name: str = UNIT, *, rows: slice = slice(None)) -> str:
        """Of all outputs in these rows."""
        digest = hashlib.blake2b(np.ascontiguousarray(self.rows(name)[rows]).tobytes(), digest_size=8)
        for row in self.texts(name)[rows]:
            for text in row:
                digest.update(len(text).to_bytes(8, "little") + text)
        return digest.hexdigest()


def _waves(fmu: Fmu) -> Iterator[tuple[str, float, float, float, float]]:
    """Inputs that can be moved a little: name, middle, size of the wave, least, most."""
    for variable in fmu.inputs():
        if variable.kind != "real" or variable.dims:
            continue
        middle = _start_of(fmu, variable)
        size = 0.01 * (abs(middle) or variable.nominal or 1.0)
        low = -math.inf if variable.min is None else variable.min
        high = math.inf if variable.max is None else variable.max
        if math.isfinite(middle) and low <= middle <= high:
            yield variable.name, middle, size, low, high


def _start_of(fmu: Fmu, variable: Variable) -> float:
    with suppress(CrumpleError, ValueError, IndexError, TypeError):
        if variable.name in fmu.start:
            return float(encode_start(variable, fmu.start[variable.name], fmu.description)[0])
        return float((decode_start(variable) or [0.0])[0])
    return 0.0


def again_in_one_process(trial: Trial, plan: Result, *, steps: int) -> Result:
    """Fresh; reset; reset twice; and an end after no step at all, with a run behind it."""
    what = msgspec.convert(plan, Plan)
    found: Result = {"hashes": []}
    with failures(found):
        driven = Driven(trial, what, what.world())
        for resets in (1, 1, 2):
            for _ in range(resets):
                driven.reset()
            rows = len(driven.rows())
            driven.step(steps)
            found["hashes"].append(driven.hash(rows=slice(rows - 1, None)))
            found["stage"] = f"after {len(found['hashes'])} runs"
        driven.reset()
        with trial.call("terminating after no step"):
            driven.world.end()
        driven.reset()
        rows = len(driven.rows())
        driven.step(steps)
        found["hashes"].append(driven.hash(rows=slice(rows - 1, None)))
    return found


def single(trial: Trial, plan: Result, *, steps: int) -> Result:
    """What others are compared with: the hash of one instance, alone in its process."""
    return _hashes(trial, plan, steps=steps, names=(UNIT,))


def side_by_side(trial: Trial, plan: Result, *, steps: int) -> Result:
    """Two instances in one process."""
    return _hashes(trial, plan, steps=steps, names=("a", "b"))


def in_a_worker(trial: Trial, plan: Result, *, steps: int) -> Result:
    """One instance in a worker process."""
    return _hashes(trial, plan, steps=steps, names=(UNIT,), isolate=True)


def _hashes(
    trial: Trial, plan: Result, *, steps: int, names: tuple[str, ...], isolate: bool = False
) -> Result:
    what = msgspec.convert(plan, Plan)
    found: Result = {"hashes": []}
    with failures(found):
        driven = Driven(trial, what, what.world(*names, isolate=isolate), *names)
        driven.reset()
        driven.step(steps)
        found["hashes"] = [driven.hash(name) for name in names]
        with trial.call("terminating"):
            driven.world.end()
    return found


# -- tunable parameters, memory, time -------------------------------------------------------------------------------


def tune(trial: Trial, plan: Result, *, steps: int) -> Result:
    """Every tunable parameter set to its start value between steps."""
    what = msgspec.convert(plan, Plan)
    found: Result = {"count": 0, "refused": []}
    world = what.world()
    fmu = world.fmus()[UNIT]
    tunables = [
        v
        for v in fmu.description.variables
        if (v.causality, v.variability) == ("parameter", "tunable")
        and v.kind not in ("string", "binary")
        and v.start
        and v.alias_of is None
    ]
    with failures(found):
        reset(trial, world)
        advance(trial, world, steps)
        for variable in tunables[:_MOST_RECORDED]:
            try:
                with trial.call(f"setting {variable.name}"):
                    world[f"{UNIT}.{variable.name}"] = fmu.start.get(variable.name, _plain(variable))
                found["count"] += 1
            except CrumpleError as error:
                found["refused"].append([variable.name, getattr(error, "fact", str(error))])
        advance(trial, world, steps)
    return found


def _plain(variable: Variable) -> Any:
    start = decode_start(variable) or []
    return list(start) if variable.dims else start[0]


def memory(trial: Trial, plan: Result, *, steps: int) -> Result:
    """Memory over many steps: [step, bytes] at some points on the way."""
    what = msgspec.convert(plan | {"nonfinite": True}, Plan)  # so far from its experiment it may be anything
    found: Result = {"seen": [], "first": 0, "stopped": False}
    world = World(Fraction(what.step), threads=1, digest=False, start=float(Fraction(what.begin)))
    world.add(UNIT, what.fmu(), isolate=False)
    grown = _Growth()
    with failures(found):
        reset(trial, world)
        grown = _Growth()
        advance(trial, world, min(steps // 10, 100), enough=grown)
        while True:
            found["seen"].append([world.tick, held()])
            if world.tick >= steps or trial.over() or grown():
                break
            advance(trial, world, min(max(1, steps // 40), steps - world.tick), enough=grown)
    found["first"], found["stopped"] = grown.first, grown()
    found["steps"] = world.tick
    return found


def timing(trial: Trial, plan: Result, *, steps: int) -> Result:
    """Wall times of single steps [s], sorted, by the core's own clock."""
    what = msgspec.convert(plan, Plan)
    found: Result = {"times": []}
    world = what.world()
    times = []
    with failures(found):
        reset(trial, world)
        advance(trial, world, min(10, steps // 10))
        while world.tick < steps and not trial.over():
            world.set_profiling(True)
            with trial.call(_place(world, 1)):
                world.step()
            times.append(world.profile()[0].max)
    times.sort()
    if times:
        last = len(times) - 1
        found["times"] = [times[round(last * share)] for share in (0.5, 0.99, 1.0)]
        found["count"] = len(times)
    return found
