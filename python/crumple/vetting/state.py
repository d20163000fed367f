"""Trials of the FMU's own state: saved, restored, made into bytes and taken to another process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from crumple.vetting.trials import Driven, Plan, Result, advance, failures

if TYPE_CHECKING:
    from crumple.vetting.apart import Trial

_TOLERANCE = 1e-6  # of the range of an output: what differs by more is no rounding
_OFTEN = 20  # saved, restored and freed so often: memory that is freed twice or too early is not noticed every time
_BITS = np.uint64


def round_trip(trial: Trial, plan: Result, *, first: int, steps: int, keep: str | None) -> Result:
    """Saves after `first` steps, goes on, restores, goes on again, and once more.

    keep: a folder for the state as bytes, and for what follows it; None where the FMU does not offer bytes.
    """
    what = msgspec.convert(plan, Plan)
    found: Result = {}
    with failures(found):
        plain = Driven(trial, what, what.world())
        plain.reset()
        plain.step(first + steps)
        undisturbed = plain.rows()[first:]
        driven = Driven(trial, what, what.world())
        driven.reset()
        driven.step(first)
        began = time.perf_counter()
        with trial.call("saving its state"):
            snapshot = driven.world.snapshot()
        found["save"] = time.perf_counter() - began
        mark = len(driven.rows())
        driven.step(steps)
        after = driven.rows()[mark:]
        columns = driven.columns()
        found["disturbed"] = difference(undisturbed[1:], after, columns)
        found["trips"] = []
        for _ in range(2):
            began = time.perf_counter()
            with trial.call("restoring its state"):
                driven.world.restore(snapshot)
            found["restore"] = time.perf_counter() - began
            mark = len(driven.rows())
            driven.step(steps)
            # a probe may see the restored point itself, or not
            found["trips"].append(difference(after, driven.rows()[mark:][-steps:], columns))
        for _ in range(_OFTEN):
            with trial.call("saving, restoring and freeing its state"):
                driven.world.restore(driven.world.snapshot())
        if keep is not None:
            found["packed"] = _keep(trial, driven, snapshot, after, Path(keep))
        with trial.call("freeing it and its states"):
            del snapshot
            driven.world.reset()
    return found


def _keep(trial: Trial, driven: Driven, snapshot: Any, after: NDArray[np.float64], folder: Path) -> Result:
    found: Result = {}
    with failures(found):
        with trial.call("making bytes of its state"):
            packed = driven.world.pack(snapshot)
        (folder / "state").write_bytes(packed)
        np.save(folder / "after.npy", after)
        found["bytes"] = len(packed)
    return found


def taken_over(trial: Trial, plan: Result, *, steps: int, folder: str) -> Result:
    """A state that another process made into bytes, restored into an instance that has been elsewhere."""
    what = msgspec.convert(plan, Plan)
    found: Result = {}
    packed = (Path(folder) / "state").read_bytes()
    after = np.load(Path(folder) / "after.npy")
    with failures(found):
        driven = Driven(trial, what, what.world())
        driven.reset()
        advance(trial, driven.world, 1)
        for _ in range(_OFTEN):
            with trial.call("making a state of bytes"):
                snapshot = driven.world.unpack(packed)
            with trial.call("restoring its state"):
                driven.world.restore(snapshot)
        driven.step(steps)
        found["trips"] = [difference(after, driven.rows()[-steps:], driven.columns())]
        with trial.call("freeing it and its states"):
            del snapshot
            driven.world.reset()
    return found


def difference(one: NDArray[np.float64], other: NDArray[np.float64], columns: list[str]) -> Result:
    """Where two runs over the same ticks differ: "exact", or the output and tick where they do so the most.

    size: of the difference, as a share of the output's range.
    """
    if one.shape != other.shape:
        return {"grade": "lying", "fact": f"{len(other)} points instead of {len(one)}", "size": float("inf")}
    if (np.ascontiguousarray(one).view(_BITS) == np.ascontiguousarray(other).view(_BITS)).all():
        return {"grade": "exact"}
    numbers, others = one[:, -len(columns) :], other[:, -len(columns) :]
    with np.errstate(all="ignore"):
        scale = np.nan_to_num(np.abs(np.concatenate([numbers, others]))).max(axis=0)
        size = np.abs(numbers - others) / np.where(scale > 0, scale, 1.0)
    size[np.isnan(numbers) & np.isnan(others)] = 0.0
    size = np.nan_to_num(size, nan=np.inf)
    row, column = np.unravel_index(int(np.argmax(size)), size.shape)
    worst = float(size[row, column])
    return {
        "grade": "tolerance" if worst <= _TOLERANCE else "lying",
        "size": worst,
        "fact": f"{columns[column]} is {others[row, column]:.6g} instead of {numbers[row, column]:.6g},"
        f" {row + 1} step{'s' if row else ''} later",
    }
