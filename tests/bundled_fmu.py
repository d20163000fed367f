"""Bundled FMUs for tests, stepped by FMPy: nothing of the core is on trial.

Built FMUs are taken from the installed package; CRUMPLE_FMU_DIR names another folder of them.
"""

from __future__ import annotations

import functools
import importlib.resources
import os
import tempfile
from pathlib import Path
from typing import Any

import fmpy
import pytest

BUNDLED = importlib.resources.files("crumple") / "bundled" / "fmu"
FMUS = Path(os.environ.get("CRUMPLE_FMU_DIR", str(BUNDLED)))
WITH_ARRAYS = {
    "battery_pack",
    "battery_string",
}  # which `Dut` cannot set and get: tests/scenes/test_battery_runaway.py
NAMES = sorted({path.stem for path in FMUS.glob("*.fmu")} - WITH_ARRAYS)


@functools.cache
def unpacked(name: str) -> tuple[tempfile.TemporaryDirectory[str], Any]:
    folder = tempfile.TemporaryDirectory()
    fmpy.extract(str(FMUS / f"{name}.fmu"), folder.name)
    return folder, fmpy.read_model_description(str(FMUS / f"{name}.fmu"))


class Dut:
    """One FMU instance with names instead of value references, and everything it logged."""

    def __init__(self, name: str) -> None:
        folder, self.description = unpacked(name)
        self.said: list[str] = []
        self.fmu: Any = fmpy.instantiate_fmu(
            folder.name,
            self.description,
            "CoSimulation",
            logger=lambda *args: self.said.append(args[-1].decode()),
        )
        self.fmi3 = self.description.fmiVersion == "3.0"
        self.refs = {v.name: v.valueReference for v in self.description.modelVariables}
        self.outputs = [v.name for v in self.description.modelVariables if v.causality == "output"]
        self.t = 0.0

    def set(self, **values: float) -> None:
        write = self.fmu.setFloat64 if self.fmi3 else self.fmu.setReal
        write([self.refs[n] for n in values], [float(v) for v in values.values()])

    def get(self, *names: str) -> list[float]:
        read = self.fmu.getFloat64 if self.fmi3 else self.fmu.getReal
        return list(read([self.refs[n] for n in names]))

    def __getitem__(self, name: str) -> float:
        return self.get(name)[0]

    def enter(self, *, start: float = 0.0, stop: float | None = None) -> None:
        if self.fmi3:
            self.fmu.enterInitializationMode(startTime=start, stopTime=stop)
        else:
            self.fmu.setupExperiment(startTime=start, stopTime=stop)
            self.fmu.enterInitializationMode()
        self.t = start

    def begin(self, **values: float) -> Dut:
        self.set(**values)
        self.enter()
        self.fmu.exitInitializationMode()
        return self

    def step(self, length: float) -> None:
        self.fmu.doStep(currentCommunicationPoint=self.t, communicationStepSize=length)
        self.t += length

    def save(self) -> Any:
        return self.fmu.getFMUState() if self.fmi3 else self.fmu.getFMUstate()

    def load(self, state: Any, t: float) -> None:
        (self.fmu.setFMUState if self.fmi3 else self.fmu.setFMUstate)(state)
        self.t = t

    def forget(self, state: Any) -> None:
        (self.fmu.freeFMUState if self.fmi3 else self.fmu.freeFMUstate)(state)

    def serialise(self, state: Any) -> bytes:
        return bytes((self.fmu.serializeFMUState if self.fmi3 else self.fmu.serializeFMUstate)(state))

    def deserialise(self, content: bytes) -> Any:
        return (self.fmu.deserializeFMUState if self.fmi3 else self.fmu.deSerializeFMUstate)(content)

    def refuses(self, call: str, *args: Any, **kwargs: Any) -> str:
        """The message with which the FMU refuses what it is asked."""
        self.said.clear()
        with pytest.raises(Exception, match=r"fmi[23]"):
            getattr(self, call)(*args, **kwargs)
        assert len(self.said) == 1
        return self.said[0]
