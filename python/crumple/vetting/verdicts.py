"""Which trials an FMU goes through, in which order, and what is certified of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from crumple import _core
from crumple.archive import library_path
from crumple.certificate import Certificate, machine, save_certificate
from crumple.errors import UsageError
from crumple.fmu import Fmu, calls_python, locate_fmu
from crumple.period import simplest_fraction
from crumple.simulation import schedule
from crumple.vetting import rows
from crumple.vetting.bench import Bench, Outcome, VettingError
from crumple.vetting.process import files_below
from crumple.vetting.rows import Rows

__all__ = ["BUDGET", "QUICK", "VettingError", "vet"]

BUDGET, QUICK = 60.0, 5.0  # [s] of wall time for one FMU, at most
MOST_STEPS = 100_000  # of a run
_FEW = 400  # steps of the runs that are compared with each other
_TIMED = 1000  # steps that are timed one by one
_NO_STOP = 1000  # steps of an FMU that says no stop time
_SCENE_STEP = Fraction(1, 1000)  # [s] that many a scene has
_AT = 20  # points in time at which other step sizes are compared

Watch = Callable[[str], None]


def vet(
    path: str | os.PathLike[str],
    *,
    step: Fraction | str | float | None = None,
    start: Mapping[str, Any] | None = None,
    budget: float = BUDGET,
    step_timeout: float = 10.0,
    watch: Watch = lambda name: None,
    bench: Bench | None = None,
) -> Certificate:
    """Runs an FMU through all checks, each in a process of its own, and puts a certificate into the cache.

    path: an .fmu file, an unpacked folder, or the name of a bundled FMU.
    step: of the run [s], by default that of its default experiment.   start: values by variable name.
    budget: wall time for all [s]; what there was no time for, the certificate says.
    step_timeout: wall time after which a call is taken for one that never returns [s].
    watch: told the name of each check before it begins.   bench: to be shared by several FMUs, which saves time.
    Raises FmuError or UsageError where it cannot be run at all; VettingError where vetting itself failed.
    """
    if not sys.platform.startswith("linux"):
        raise UsageError("vetting needs Linux: it looks into the processes that an FMU runs in")
    for name, value in (("budget", budget), ("step_timeout", step_timeout)):
        if not 0 < value <= 1e9:
            raise UsageError(f"{name} = {value:g} s: it must be longer than nothing, and at most 1e9 s")
    fmu = Fmu(locate_fmu(path).absolute(), start)
    with nullcontext(bench) if bench else Bench() as shared:
        vetting = _Vetting(fmu, shared, step=step, budget=budget, step_timeout=step_timeout, watch=watch)
        certificate = vetting.run()
    try:
        save_certificate(certificate)
    except OSError as error:
        raise VettingError(
            f"the certificate cannot be written: {error}. Set CRUMPLE_CACHE to another folder."
        ) from None
    return certificate


class _Vetting:
    """One FMU on its way through the checks."""

    def __init__(
        self,
        fmu: Fmu,
        bench: Bench,
        *,
        step: Fraction | str | float | None,
        budget: float,
        step_timeout: float,
        watch: Watch,
    ) -> None:
        self._fmu, self._bench, self._watch = fmu, bench, watch
        self._library = library_path(fmu.archive)
        self._python = calls_python(self._library)
        self._begin, self._step, self._steps, self._stated = _experiment(fmu, step)
        self._ends = time.monotonic() + budget
        self._budget, self._timeout = budget, step_timeout
        self._plan: dict[str, Any] = {
            "path": str(fmu.archive.path),
            "start": {name: str(value) for name, value in fmu.start.items()},
            "step": str(self._step),
            "begin": str(self._begin),
            "steps": self._steps,
        }
        self._rows = Rows()
        self._cost = self._load = 0.0
        self._resources = files_below(str(fmu.archive.directory))

    def run(self) -> Certificate:
        """All checks, in an order in which what is found early spares the later ones a useless wait."""
        self._describe()
        self._begin_check("loading")
        self._rows.loading(self._try("load_and_free", share=0.05, library=str(self._library)))
        self._experiment()
        self._begin_check("call sequences")
        self._rows.sequences(
            self._try(
                "call_sequences",
                share=0.05,
                library=str(self._library),
                facts=self._facts(),
                steps=min(3, self._usable),
            )
            if not self._plan["start"]
            else None
        )
        self._sizes()
        self._repeat()
        self._compare()
        self._tunables()
        state, serialize = self._state()
        self._endure()
        self._rows.interpreter(self._python)
        checks = self._rows.finish(self._written())
        return Certificate(
            sha256=self._fmu.archive.sha256,
            crumple=_core.__version__,
            machine=machine(),
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            clean=not any(check.result == "bad" for check in checks),
            state=state,
            serialize=serialize,
            checks=checks,
            name=self._fmu.archive.path.name,
            start=self._plan["start"],
            step=float(self._step),
            cost=self._cost,
            load=self._load,
        )

    # -- the checks -------------------------------------------------------------------------------------------------

    def _describe(self) -> None:
        self._begin_check("description")
        outcome = self._try("validate", share=0.2, folder=str(self._fmu.archive.directory))
        self._rows.description(list(self._fmu.description.warnings), outcome)

    def _experiment(self) -> None:
        """The whole default experiment. From here on it is known how many steps the FMU is good for."""
        self._begin_check("default experiment")
        steps = min(self._steps, MOST_STEPS)
        self._at = sorted({steps * k // _AT for k in range(1, _AT + 1)} - {0})
        outcome = self._run(steps=steps)
        found = outcome.result or {}
        failed = found.get("failed")
        number = failed if failed and rows.is_number(failed) else None
        if number:
            self._plan["nonfinite"] = True
            outcome = self._run(steps=steps)
            found = outcome.result or {}
        self._whole, self._base = outcome, outcome
        good = rows.good_steps(outcome)
        if good is not None:  # as far as it goes, so that something is known of it
            self._base = self._run(steps=good)
            found = self._base.result or {}
        self._load = found.get("load", 0.0)
        self._covered = found.get("steps", 0)
        self._rows.changes(self._base)
        per_step = found.get("wall", 0.0) / max(1, self._covered)
        # what is compared takes so many steps that all of it fits into a part of the budget
        fits = int(0.01 * self._budget / per_step) if per_step > 0 else _FEW
        self._usable = max(0, min(self._covered, _FEW, max(fits, 3)))
        self._rows.outputs(number, steps=self._covered)
        self._rows.experiment(
            outcome, steps=steps, stated=self._steps, step=self._step, from_fmu=self._stated
        )

    def _sizes(self) -> None:
        """The same at other step sizes."""
        own = self._step
        sizes = {"half the step": own / 2, "twice the step": own * 2, "a tenth of the step": own / 10}
        if own != _SCENE_STEP and _SCENE_STEP not in sizes.values():
            sizes["steps of 1 ms"] = _SCENE_STEP
        end = own * min(self._steps, MOST_STEPS)
        for name, size in sizes.items():
            self._begin_check(name)
            refused = self._fmu.check_step(float(size))
            if refused is not None:
                self._rows.skip(name, "it has a fixed step, which it says")
                continue
            if self._whole.result is None:
                self._rows.skip(name, "not tried: it does not get through at its own step")
                continue
            steps = min(int(end / size), MOST_STEPS)
            if steps < 1:
                self._rows.skip(name, "the default experiment is shorter")
                continue
            at = {tick * own / size: tick for tick in self._at}
            same = {
                int(there): here for there, here in at.items() if there.denominator == 1 and there <= steps
            }
            outcome = self._run(steps=steps, step=str(size), at=sorted(same), share=0.06)
            self._rows.size(
                name,
                outcome,
                size=size,
                steps=steps,
                same=same,
                base=self._base.result,
                constant=not self._fmu.description.can_vary_step,
                nominal=self._nominal,
            )

    def _repeat(self) -> None:
        """The default experiment once more: in a new process, in which fresh memory holds other bytes."""
        self._begin_check("repeatability")
        if self._base.result is None or self._covered < 1:
            self._rows.skip("repeatability", "it does not get through its first step")
            return
        self._rows.repeat(
            self._base,
            self._run(steps=self._covered, perturb=True, look=False, share=0.2),
        )

    def _compare(self) -> None:
        """Runs that must give the same bits: after a reset, beside another instance, in a worker."""
        steps = self._usable
        names = {"reset": "again_in_one_process", "instances": "side_by_side", "worker": "in_a_worker"}
        if steps < 1:
            for name in names:
                self._rows.skip(name, "it does not get through its first step")
            return
        self._begin_check("reset")
        varied = {**self._plan, "vary": True}
        alone = self._try("single", share=0.05, plan=varied, steps=steps)
        if alone.result is not None and "failed" not in alone.result:
            self._plan = varied
        else:  # it does not like its inputs to move
            alone = self._try("single", share=0.05, plan=self._plan, steps=steps)
        for name, trial in names.items():
            self._begin_check(name)
            outcome = self._try(trial, share=0.05, plan=self._plan, steps=steps)
            once = self._fmu.description.once_per_process
            self._rows.compare(name, alone, outcome, steps=steps, once=once)

    def _tunables(self) -> None:
        self._begin_check("tunable parameters")
        there = any(
            v.causality == "parameter" and v.variability == "tunable" for v in self._fmu.description.variables
        )
        if not there:
            self._rows.skip("tunable parameters", "it has none")
        elif self._usable < 2:
            self._rows.skip("tunable parameters", "it does not get through two steps")
        else:
            steps = min(self._usable // 2, 10)
            self._rows.tunables(self._try("tune", share=0.03, plan=self._plan, steps=steps))

    def _state(self) -> tuple[Any, Any]:
        """Grades of its state, and of its state as bytes."""
        described = self._fmu.description
        first = max(1, self._usable // 3)
        steps = self._usable - first
        self._begin_check("state")
        if not described.can_save:
            self._rows.skip("state", "it does not offer to save it", note=True)
            self._rows.skip("state as bytes", "it does not offer to save its state")
            return "none", "none"
        if self._usable < 2:
            self._rows.skip("state", "it does not get through two steps")
            self._rows.skip("state as bytes", "it does not get through two steps")
            return "unknown", "unknown" if described.can_serialize else "none"
        keep = self._bench.folder if described.can_serialize else None
        outcome = self._try("round_trip", share=0.1, plan=self._plan, first=first, steps=steps, keep=keep)
        failed = (self._whole.result or {"failed": {"end": False}}).get("failed")
        short = failed is not None and not failed["end"]
        state = self._rows.state(outcome, first=first, steps=steps, short=short)
        self._begin_check("state as bytes")
        if keep is None:
            self._rows.skip("state as bytes", "it does not offer to serialise it", note=True)
            return state, "none"
        packed = (outcome.result or {}).get("packed", {})
        if "bytes" not in packed:
            fact = packed.get("failed", {}).get("fact", "its state could not be saved")
            return state, self._rows.serialized_not(fact)
        taken = self._try("taken_over", share=0.05, plan=self._plan, steps=steps, folder=self._bench.folder)
        return state, self._rows.serialized(taken, size=packed["bytes"], short=short)

    def _endure(self) -> None:
        """Memory over many steps, and the time of one."""
        self._begin_check("memory")
        whole = self._covered >= min(self._steps, MOST_STEPS)
        if self._usable < 1:
            self._rows.skip("memory", "it does not get through its first step")
            self._rows.skip("time", "it does not get through its first step")
            return
        steps = MOST_STEPS if whole else self._covered
        self._rows.memory(self._try("memory", share=0.2, plan=self._plan, steps=steps), steps=steps)
        self._begin_check("time")
        steps = _TIMED if whole else min(self._covered, _TIMED)
        outcome = self._try("timing", share=0.05, plan=self._plan, steps=steps)
        self._cost = self._rows.time(outcome, load=self._load)

    # -- how ----------------------------------------------------------------------------------------------------------

    def _run(
        self,
        *,
        steps: int,
        step: str | None = None,
        at: list[int] | None = None,
        perturb: bool = False,
        look: bool = True,
        share: float = 0.2,
    ) -> Outcome:
        outcome = self._try(
            "run",
            share=share,
            plan=self._plan,
            step=step,
            steps=steps,
            at=self._at if at is None else at,
            look=look,
            perturb=perturb,
            leave=not self._python,
        )
        return outcome

    def _try(self, trial: str, *, share: float, **arguments: Any) -> Outcome:
        """One trial, which may take its share of the budget, but no longer than what is left of it."""
        seconds = max(0.2, min(share * self._budget, self._ends - time.monotonic()))
        outcome = self._bench.try_out(trial, seconds=seconds, timeout=self._timeout, **arguments)
        self._rows.behind(outcome)
        return outcome

    def _begin_check(self, name: str) -> None:
        self._watch(name)

    def _facts(self) -> dict[str, Any]:
        """What calls without the core need."""
        described = self._fmu.description
        fmi = int(described.fmi[0])
        resources = self._fmu.archive.directory.absolute() / "resources"
        kind = "Real" if fmi == 2 else "Float64"
        return {
            "fmi": fmi,
            "token": described.token,
            "resources": resources.as_uri() if fmi == 2 else f"{resources}{os.sep}",
            "name": "vetting",
            "begin": float(self._begin),
            "step": float(self._step),
            "tolerance": described.default_tolerance,
            "refs": [v.ref for v in self._fmu.outputs() if v.type == kind and not v.dims],
            "once": described.once_per_process,
        }

    def _nominal(self, output: str) -> float:
        """The usual size of an output, or of one of its elements; 1 where the FMU does not say."""
        names = self._fmu.description.by_name
        variable = names.get(output) or names.get(output.rpartition("[")[0])
        return abs((variable.nominal if variable is not None else None) or 1.0)

    def _written(self) -> list[str]:
        """Files of its own that it changed, or put beside them."""
        now = files_below(str(self._fmu.archive.directory))
        return sorted(name for name in {*now, *self._resources} if now.get(name) != self._resources.get(name))


def _experiment(fmu: Fmu, step: Fraction | str | float | None) -> tuple[Fraction, Fraction, int, bool]:
    """Start [s], step [s], number of steps, and whether the FMU itself says when to stop."""
    described = fmu.description
    if described.default_stop is not None:
        try:
            found = schedule(fmu, stop=None, step=step, start_time=None)
        except UsageError:
            if step is not None:
                raise
        else:
            return found.start, found.step, found.ticks, True
    begin = simplest_fraction(described.default_start or 0.0)
    known = step or described.default_step or described.internal_step or float(_SCENE_STEP)
    from crumple.period import period_of

    size = period_of(known)
    return begin, size, _NO_STOP, False
