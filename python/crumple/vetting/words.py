"""The words of the table: names of the checks, what changed in a process, how a run failed, long texts cut short."""

from __future__ import annotations

import signal
from contextlib import suppress
from fractions import Fraction
from typing import Any

from crumple import wording

Changed = dict[str, list[Any]]  # name -> [before, after]; None: it was not there

ORDER = (  # of the table's rows
    "description",
    "loading",
    "call sequences",
    "default experiment",
    "half the step",
    "twice the step",
    "a tenth of the step",
    "steps of 1 ms",
    "outputs",
    "warnings",
    "repeatability",
    "reset",
    "instances",
    "worker",
    "tunable parameters",
    "state",
    "state as bytes",
    "floating point",
    "locale",
    "working folder",
    "environment",
    "signals",
    "threads",
    "open files",
    "processes",
    "process exit",
    "written files",
    "printed output",
    "memory",
    "time",
    "interpreter",
)

UNCHANGED = {  # check: what is said where nothing changed
    "floating point": "left as it was",
    "locale": "left as it was",
    "working folder": "left as it was",
    "environment": "variables, limits and umask left as they were",
    "signals": "left as they were",
    "threads": "none left behind",
    "open files": "none left behind, none closed",
}


def in_words(check: str, changed: Changed) -> str:
    """What a check found changed."""
    return _WORDS[check](changed)


def listed(names: list[str], *, most: int = 4) -> str:
    """The first few of some names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def failure(failed: dict[str, Any]) -> str:
    """How a run failed: call, time and fact, see `trials.failures`."""
    fact = shortened(str(failed["fact"]))
    if not failed.get("call"):
        return fact
    when = f" at t = {failed['t']:.6g} s" if failed.get("tick", -1) >= 0 else ""
    return f"{failed['call']}{when}: {fact}"


def run_text(steps: int, step: Fraction) -> str:
    """ "150 ms in 1,500 steps of 100 µs"."""
    return f"{wording.time(float(steps * step))} in {wording.count(steps, 'step')} of {wording.time(float(step))}"


def shortened(text: str, *, most: int = 160) -> str:
    """A text in one line that is not too long."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def tidy(t: float) -> float:
    """A measured time to two digits: more of them say nothing."""
    return float(f"{t:.1e}")


def _float(changed: Changed) -> str:
    return "; ".join(f"{name} {was} → {now}" for name, (was, now) in changed.items())


def _locale(changed: Changed) -> str:
    first, (was, now) = next(iter(changed.items()))
    more = (
        f" and {wording.count(len(changed) - 1, 'category', plural='categories')} more"
        if len(changed) > 1
        else ""
    )
    return f"changed: {first} {was} → {now}{more}"


def _folder(changed: Changed) -> str:
    return f"changed to {changed['working folder'][1]}"


def _environment(changed: Changed) -> str:
    removed = [name.removeprefix("variable ") for name, (_, now) in changed.items() if now is None]
    rest = [f"{name} {was or 'unset'} → {now}" for name, (was, now) in changed.items() if now is not None]
    texts = [f"{wording.count(len(removed), 'variable')} removed ({listed(removed)})"] if removed else []
    return "; ".join([*texts, *rest[:4]])


def _signals(changed: Changed) -> str:
    texts = []
    for kind, (was, now) in changed.items():
        numbers = {int(n) for n in f"{was} {now}".split()} - (
            {int(n) for n in str(was).split()} & {int(n) for n in str(now).split()}
        )
        texts.append(f"{kind}: {listed([_signal_name(n) for n in sorted(numbers)])}")
    return "changed: " + "; ".join(texts)


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _threads(changed: Changed) -> str:
    was, now = changed["threads"]
    return f"{wording.count(now - was, 'thread')} left behind" if now > was else "fewer than before"


def _files(changed: Changed) -> str:
    left = [str(now) for was, now in changed.values() if was is None]
    closed = [number for number, (_, now) in changed.items() if now is None]
    others = [number for number, (was, now) in changed.items() if was is not None and now is not None]
    texts = [f"left open: {listed(left)}"] if left else []
    if closed:
        texts.append(f"closed, which are not its own: {listed(closed)}")
    if others:
        texts.append(f"opened again elsewhere: {listed(others)}")
    return "; ".join(texts)


_WORDS = {
    "floating point": _float,
    "locale": _locale,
    "working folder": _folder,
    "environment": _environment,
    "signals": _signals,
    "threads": _threads,
    "open files": _files,
}
