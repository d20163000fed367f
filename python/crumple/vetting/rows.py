"""What a trial's outcome says: the rows of the table, each with a result and a fact in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from crumple import wording
from crumple.certificate import Check, Grade, Result
from crumple.vetting.bench import Outcome
from crumple.vetting.words import ORDER, UNCHANGED, failure, in_words, listed, run_text, shortened, tidy

_COMPARED = {
    "reset": ("fresh, reset, reset twice, ended after no step", "after a reset it gives other results"),
    "instances": ("two in one process", "two in one process give other results than one alone"),
    "worker": ("in a worker process", "in a worker process it gives other results"),
}
_LEAK, _EARLIER = (
    512 << 10,
    128 << 10,
)  # [bytes] of growth over the last half of the steps, and over the quarter before
_NOTHING = 1e-9  # of an output's nominal value: a difference that says nothing, as of a sum that should be 0
_FAR = 0.1  # of an output's range: by more than this the step size matters


def is_number(failed: dict[str, Any]) -> bool:
    """Whether a run failed because of an output that is no finite number."""
    return str(failed["call"]).startswith("output ")


def good_steps(outcome: Outcome) -> int | None:
    """How many steps went well in a run that did not come to its end; None where it did, or there is no telling."""
    if outcome.result is None:
        found = re.match(r"steps? ([\d,]+)", outcome.doing)
        return int(found[1].replace(",", "")) - 1 if found else None
    failed = outcome.result.get("failed")
    if failed is None or failed["tick"] < 0:
        return None
    steps = int(outcome.result["steps"])
    return max(0, steps - 1) if failed["end"] else steps


class Rows:
    """The rows so far."""

    def __init__(self) -> None:
        self._rows: dict[str, Check] = {}
        self._changes: dict[str, tuple[str, dict[str, list[Any]]]] = {}  # check -> moment, what changed
        self._float = ""
        self._printed = 0
        self._processes: list[str] = []
        self._files: dict[str, int] = {}
        self._decoy = ""
        self._at_exit = ""
        self._left_well = False
        self._looked = False

    def put(self, name: str, result: Result, fact: str) -> None:
        """A row."""
        self._rows[name] = Check(name=name, result=result, fact=" ".join(fact.split()))

    def skip(self, name: str, fact: str, *, note: bool = False) -> None:
        """A row about what was not looked at; a note where that is the finding."""
        self.put(name, "note" if note else "skipped", fact)

    def finish(self, written: list[str]) -> tuple[Check, ...]:
        """All rows in their order. written: files in the FMU's own folder that it changed."""
        if self._float:
            self.put("floating point", "bad", self._float)
        if self._decoy:
            self.put(
                "open files", "bad", f"it {self._decoy} a file that another part of the process had open"
            )
        for check, fact in UNCHANGED.items():
            if check in self._rows:
                continue
            if check in self._changes:
                moment, changed = self._changes[check]
                self.put(check, "bad", f"{in_words(check, changed)} ({moment})")
            elif self._looked:
                self.put(check, "good", fact)
            else:
                self.skip(check, "its process did not live long enough to be looked at")
        names = ", ".join(dict.fromkeys(self._processes))
        if names:
            self.put(
                "processes",
                "bad",
                f"{wording.count(len(self._processes), 'process', plural='processes')} left behind: {names}",
            )
        else:
            self.put("processes", "good", "none left behind")
        if self._at_exit:
            self.put("process exit", "bad", f"when its process ends: {self._at_exit}")
        elif self._left_well:
            self.put("process exit", "good", "a process that had it ends as it should")
        files = [*self._files, *(f"{name} (in its own folder)" for name in written)]
        if files:
            self.put("written files", "bad", f"{listed(files)}; in a worker it may not write")
        else:
            self.put("written files", "good", "none")
        if self._printed:
            text = f"{wording.count(self._printed, 'byte')}; in the world's process they go to the screen"
            self.put("printed output", "note", text)
        else:
            self.put("printed output", "good", "none")
        return tuple(self._rows[name] for name in ORDER if name in self._rows)

    def behind(self, outcome: Outcome) -> None:
        """What a trial left behind, whatever it was about."""
        self._printed = max(self._printed, outcome.printed)
        self._processes = self._processes or outcome.processes
        self._decoy = self._decoy or outcome.decoy
        for name, size in outcome.files.items():
            self._files.setdefault(name, size)
        if outcome.at_exit and outcome.death and not self._at_exit:
            self._at_exit = outcome.death
        self._left_well |= outcome.at_exit

    def _change(self, moment: str, changes: dict[str, Any]) -> None:
        for check, changed in changes.items():
            self._changes.setdefault(check, (moment, changed))

    # -- one check each ---------------------------------------------------------------------------------------------

    def description(self, warnings: list[str], outcome: Outcome) -> None:
        """The parser's remarks, and FMPy's."""
        problems = [*warnings, *((outcome.result or {}).get("problems", []))]
        if outcome.result is None:
            problems.append(f"FMPy could not read it: {outcome.fact}")
        if not problems:
            self.put("description", "good", "valid")
            return
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        self.put("description", "note", f"{shortened(problems[0])}{more}")

    def loading(self, outcome: Outcome) -> None:
        """The library on its own."""
        found = outcome.result
        if found is None:
            self.put("loading", "bad", outcome.fact)
            return
        if "failed" in found:
            self.put("loading", "bad", shortened(found["failed"]["fact"]))
            return
        self._change("loading its library", found["loaded"])
        self._change("loading and unloading its library", found["unloaded"])
        if found["lazy"]:
            self.put("loading", "note", f"its library is not complete: {shortened(found['lazy'])}")
        else:
            self.put("loading", "good", "its library loads and unloads")

    def sequences(self, outcome: Outcome | None) -> None:
        """Sequences of calls that the standard allows. None: not tried, as it was given start values."""
        name = "call sequences"
        if outcome is None:
            self.skip(name, "not tried with start values")
            return
        found = outcome.result
        if found is None:
            self.put(name, "bad", outcome.fact)
            return
        self._change("after calls without a world", found.get("changed", {}))
        if "failed" in found:
            before = f" after: {', '.join(found['done'])}" if found["done"] else ""
            self.put(name, "bad", f"{found['failed']['fact']}{before}")
        elif found["reset"] == "same":
            self.put(name, "good", "; ".join(found["done"]))
        else:
            facts = {"": "it has no reset", "forgets": "its reset does not bring back the first results"}
            fact = facts.get(found["reset"], f"its reset does not work: {found['reset']}")
            self.put(name, "note", f"{fact}; Crumple makes a new instance instead")

    def outputs(self, failed: dict[str, Any] | None, *, steps: int = 0) -> None:
        """Whether all outputs were finite numbers."""
        if failed is not None:
            output = str(failed["call"]).removeprefix("output ").strip('"')
            self.put("outputs", "bad", f"{output} at t = {failed['t']:.6g} s: {failed['fact']}")
        elif steps:
            self.put("outputs", "good", f"finite numbers in {wording.count(steps, 'step')}")
        else:
            self.skip("outputs", "there was no step")

    def experiment(
        self, outcome: Outcome, *, steps: int, stated: int, step: Fraction, from_fmu: bool
    ) -> None:
        """The run that all others are compared with."""
        name = "default experiment"
        found = outcome.result
        if found is None:
            self.put(name, "bad", outcome.fact)
            return
        failed = found.get("failed")
        if failed is not None and not failed["end"]:
            self.put(name, "bad", failure(failed))
        elif failed is not None:
            self.put(
                name, "note", f"it asks for the end at t = {failed['t']:.6g} s: {shortened(failed['fact'])}"
            )
        else:
            whole = run_text(stated, step)
            fact = whole if from_fmu else f"it states none; {whole}"
            covered = found["steps"]
            if covered < stated:
                fact = f"{covered:,} steps of {whole}"
                why = "it had taken too much memory" if found["grown"] else "there was no time for more"
                fact += f"; {why}" if covered < steps else ""
            self.put(name, "good" if covered >= stated and from_fmu else "note", fact)

    def changes(self, outcome: Outcome) -> None:
        """What the default experiment, as far as it went, changed in its process."""
        if outcome.result is not None:
            self._looked = True
            for moment, check, changed in outcome.result["changes"]:
                self._change(moment, {check: changed})
            self._warnings(outcome.result["warnings"])

    def _warnings(self, texts: list[str]) -> None:
        texts = [text.partition(": ")[2] for text in texts]
        changed = [text for text in texts if "floating-point environment" in text]
        rest = [text for text in texts if text not in changed]
        if changed:
            what = re.search(r"\((.*)\)", changed[0])
            self._float = f"it leaves another {what[1]}" if what else changed[0]
        if rest:
            more = f" (and {len(rest) - 1} more)" if len(rest) > 1 else ""
            self.put("warnings", "note", f"{shortened(rest[0])}{more}")

    def size(
        self,
        name: str,
        outcome: Outcome,
        *,
        size: Fraction,
        steps: int,
        same: dict[int, int],
        base: dict[str, Any] | None,
        constant: bool,
        nominal: Callable[[str], float],
    ) -> None:
        """The experiment at another step. same: ticks of it, and of the first run, that are the same time.

        constant: it says that it cannot vary its step.   nominal: the usual size of an output, by its name.
        """
        found = outcome.result
        if found is None:
            self.put(name, "bad", outcome.fact)
            return
        for moment, check, changed in found["changes"]:
            self._change(f"{moment}, {name}", {check: changed})
        failed = found.get("failed")
        text = wording.time(float(size))
        if failed is not None:
            fact = failure(failed) if not failed["end"] else f"it asks for the end at t = {failed['t']:.6g} s"
            why = "; it says that it cannot vary its step" if constant else ""
            self.put(name, "note", f"{text}: {fact}{why}")
            return
        covered = found["steps"]
        count = f"{covered:,}" if covered == steps else f"{covered:,} of {steps:,}"
        fact = f"{count} steps of {text}"
        far, where = _farthest(found["samples"], (base or {}).get("samples", {}), same, nominal)
        if where and far > 0:
            share = f"{wording.percent(far)} of" if far < 10 else f"{far:,.0f} times"
            fact += f"; {where} differs by up to {share} its range"
        self.put(name, "note" if far > _FAR or covered < steps else "good", fact)

    def repeat(self, base: Outcome, outcome: Outcome) -> None:
        """The same run again."""
        name = "repeatability"
        found, first = outcome.result, base.result or {}
        if found is None:
            self.put(name, "bad", f"when fresh memory holds other bytes: {outcome.fact}")
            return
        common = [tick for tick in first.get("samples", {}) if tick in found["samples"]]
        other = [tick for tick in common if found["samples"][tick] != first["samples"][tick]]
        if other or (found["steps"] == first["steps"] and found.get("digest") != first.get("digest")):
            when = f" by step {int(other[0]):,}" if other else ""
            self.put(name, "bad", f"in a second process it gives other results{when}")
        elif found["steps"] == first["steps"]:
            self.put(name, "good", f"{first['steps']:,} steps, the same bits in a second process")
        else:
            self.put(
                name,
                "note",
                f"the same in a second process for {found['steps']:,} of {first['steps']:,} steps",
            )

    def compare(self, name: str, alone: Outcome, outcome: Outcome, *, steps: int, once: bool) -> None:
        """Runs that must give the same bits as one alone in its process."""
        what, otherwise = _COMPARED[name]
        if name == "instances" and once:
            what += ", each with a library of its own, as it allows one"
        found = outcome.result
        if found is None:
            self.put(name, "bad", outcome.fact)
        elif "failed" in found:
            self.put(name, "bad", failure(found["failed"]))
        elif not (alone.result or {}).get("hashes"):
            self.skip(name, "there is nothing to compare with")
        elif any(one != (alone.result or {})["hashes"][0] for one in found["hashes"]):
            self.put(name, "bad", otherwise)
        else:
            self.put(name, "good", f"{what}: the same bits over {wording.count(steps, 'step')}")

    def tunables(self, outcome: Outcome) -> None:
        """Parameters set between steps."""
        name = "tunable parameters"
        found = outcome.result
        if found is None:
            self.put(name, "bad", outcome.fact)
        elif found["refused"]:
            parameter, fact = found["refused"][0]
            self.put(
                name, "note", f"{len(found['refused'])} cannot be set, such as {parameter}: {shortened(fact)}"
            )
        elif "failed" in found:
            self.put(name, "bad", failure(found["failed"]))
        else:
            self.put(name, "good", f"{found['count']:,} set between steps")

    def state(self, outcome: Outcome, *, first: int, steps: int, short: bool) -> Grade:
        """Saved, restored and gone on from, twice. short: it fails in its default experiment, so this proves little."""
        found = outcome.result
        if found is None:
            self.put("state", "bad", outcome.fact)
            return "lying"
        if "failed" in found:
            self.put("state", "bad", failure(found["failed"]))
            return "lying"
        if found["disturbed"]["grade"] != "exact":
            self.put("state", "bad", f"saving it changes the run: {found['disturbed']['fact']}")
            return "lying"
        grade, worst = _worst(found["trips"])
        if grade == "exact" and short:
            self.put(
                "state",
                "note",
                f"only {wording.count(steps, 'step')} behind it could be tried: the same bits",
            )
            return "unknown"
        if grade == "exact":
            took = f"{wording.time(tidy(found['save']))} to save, {wording.time(tidy(found['restore']))} to restore"
            self.put(
                "state",
                "good",
                f"restored after step {first:,}, {steps:,} steps are the same bits, twice; {took}",
            )
        elif grade == "tolerance":
            self.put("state", "note", f"restored within {worst['size']:.1g}, not exactly: {worst['fact']}")
        else:
            self.put("state", "bad", f"it lies: what was restored is not what was saved; {worst['fact']}")
        return grade

    def serialized_not(self, fact: str) -> Grade:
        """It offers bytes, and gives none."""
        self.put("state as bytes", "bad", shortened(fact))
        return "lying"

    def serialized(self, outcome: Outcome, *, size: int, short: bool) -> Grade:
        """Taken to another process."""
        name = "state as bytes"
        found = outcome.result
        if found is None or "failed" in found:
            self.put(name, "bad", outcome.fact if found is None else failure(found["failed"]))
            return "lying"
        grade, worst = _worst(found["trips"])
        if grade == "exact" and short:
            self.put(
                name, "note", "only a few steps behind it could be tried: the same bits in another process"
            )
            return "unknown"
        if grade == "exact":
            self.put(name, "good", f"{size:,} bytes, restored in another process: the same bits")
        elif grade == "tolerance":
            self.put(
                name, "note", f"restored elsewhere within {worst['size']:.1g}, not exactly: {worst['fact']}"
            )
        else:
            self.put(name, "bad", f"it lies: in another process it is another state; {worst['fact']}")
        return grade

    def memory(self, outcome: Outcome, *, steps: int) -> None:
        """Whether it grows."""
        found = outcome.result
        if found is None:
            self.put("memory", "bad", outcome.fact)
            return
        seen = found["seen"]
        if not seen:
            self.skip("memory", "there was no step")
            return
        failed = found.get("failed")
        quarter, half, last = seen[len(seen) // 4], seen[len(seen) // 2], seen[-1]
        steadily = last[1] - half[1] > _LEAK and half[1] - quarter[1] > _EARLIER
        if steadily or found["stopped"]:
            first = seen[0] if steadily else [0, found["first"]]
            growth, taken = last[1] - first[1], last[0] - first[0]
            rate = wording.number(growth / max(1, taken), digits=2)
            self.put(
                "memory", "bad", f"grows by {rate} bytes a step, {growth / 1e6:,.1f} MB in {taken:,} steps"
            )
            return
        if len(seen) < 4:
            why = f": {failure(failed)}" if failed else ""
            self.skip("memory", f"{found['steps']:,} steps are too few to tell{why}")
            return
        count = (
            f"{found['steps']:,} steps"
            if found["steps"] >= steps
            else f"{found['steps']:,} of {steps:,} steps"
        )
        end = f", where it ends: {failure(failed)}" if failed else ""
        whole = found["steps"] >= steps or failed is not None
        self.put("memory", "good" if whole else "note", f"does not grow over {count}{end}")

    def time(self, outcome: Outcome, *, load: float) -> float:
        """What a step costs; gives the median [s]."""
        found = outcome.result or {}
        if not found.get("times"):
            self.skip("time", "it could not be measured")
            return 0.0
        middle, most, longest = found["times"]
        texts = [wording.time(tidy(t)) for t in (middle, most, longest, load)]
        self.put(
            "time",
            "good",
            f"a step takes {texts[0]} (median), {texts[1]} (99 %), {texts[2]} (longest); loading {texts[3]}",
        )
        return float(middle)

    def interpreter(self, needed: bool) -> None:
        """FMUs that call Python run on the thread that holds the interpreter, and share it with all else in it."""
        if needed:
            self.put("interpreter", "bad", "it calls Python, and shares the interpreter of its process")


# -- facts ------------------------------------------------------------------------------------------------------------


def _worst(trips: list[dict[str, Any]]) -> tuple[Grade, dict[str, Any]]:
    order: tuple[Grade, ...] = ("exact", "tolerance", "lying")
    worst = max(trips, key=lambda trip: (order.index(trip["grade"]), trip.get("size", 0.0)))
    grade: Grade = worst["grade"]
    return grade, worst


def _farthest(
    there: dict[str, dict[str, float]],
    here: dict[str, dict[str, float]],
    same: dict[int, int],
    nominal: Callable[[str], float],
) -> tuple[float, str]:
    """The output that differs the most from the first run, and by how much of its range."""
    pairs = [(there[str(a)], here[str(b)]) for a, b in same.items() if str(a) in there and str(b) in here]
    if not pairs:
        return 0.0, ""
    worst, where = 0.0, ""
    for name in pairs[0][1]:
        values = [(a[name], b[name]) for a, b in pairs if name in a and name in b]
        known = [sample[name] for sample in here.values() if name in sample]
        span = max(known) - min(known) if known else 0.0
        size = max((abs(a - b) for a, b in values), default=0.0)
        scale = span or max((abs(v) for v in known), default=0.0)
        rounding = max(1e-12 * max((abs(v) for v in known), default=0.0), _NOTHING * nominal(name))
        if size > rounding and scale > 0 and size / scale > worst:
            worst, where = size / scale, name
    return worst, where
