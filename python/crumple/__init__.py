"""Crumple: virtual testing of hazardous scenarios. Break it here first.

FMUs and Python plugins run in lockstep in a C++ core, and every run ends with a verdict.

    result = crumple.run("frontal_barrier")
    print(result.verdict, result.metrics)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crumple import metrics as metrics
    from crumple.campaign import cases
    from crumple.errors import (
        BuildError,
        CrumpleError,
        EndError,
        FmuError,
        PluginError,
        RecordError,
        SceneError,
        StateError,
        StepError,
        UsageError,
    )
    from crumple.execution import run
    from crumple.fmu import Fmu
    from crumple.gate import GateLimits
    from crumple.replaying import ReplayError, replay
    from crumple.result import Result, open_run
    from crumple.scene import load_scene
    from crumple.simulation import simulate
    from crumple.table import Table
    from crumple.tape import Tape
    from crumple.unit import Input, Output, Parameter, Unit
    from crumple.vetting import vet
    from crumple.worker import Limits
    from crumple.world import World

# Names and where they live; each module is imported when its first name is used, so that `import crumple` is cheap.
_HOME = {
    "BuildError": "errors",
    "CrumpleError": "errors",
    "EndError": "errors",
    "Fmu": "fmu",
    "FmuError": "errors",
    "GateLimits": "gate",
    "Input": "unit",
    "Limits": "worker",
    "Output": "unit",
    "Parameter": "unit",
    "PluginError": "errors",
    "RecordError": "errors",
    "ReplayError": "replaying",
    "Result": "result",
    "SceneError": "errors",
    "StateError": "errors",
    "StepError": "errors",
    "Table": "table",
    "Tape": "tape",
    "Unit": "unit",
    "UsageError": "errors",
    "World": "world",
    "cases": "campaign",
    "load_scene": "scene",
    "open_run": "result",
    "replay": "replaying",
    "run": "execution",
    "simulate": "simulation",
    "vet": "vetting",
}

__all__ = [
    "BuildError",
    "CrumpleError",
    "EndError",
    "Fmu",
    "FmuError",
    "GateLimits",
    "Input",
    "Limits",
    "Output",
    "Parameter",
    "PluginError",
    "RecordError",
    "ReplayError",
    "Result",
    "SceneError",
    "StateError",
    "StepError",
    "Table",
    "Tape",
    "Unit",
    "UsageError",
    "World",
    "cases",
    "load_scene",
    "metrics",
    "open_run",
    "replay",
    "run",
    "simulate",
    "vet",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from crumple._core import __version__

        return __version__
    if name == "metrics":
        return importlib.import_module("crumple.metrics")
    if name not in _HOME:
        raise AttributeError(f"module 'crumple' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"crumple.{_HOME[name]}"), name)
    globals()[name] = value  # also where a module of the same name was imported as an attribute
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
