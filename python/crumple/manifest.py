"""What ran: everything that a run's outcome depends on, and where and how it was run."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple.meanings import meanings
from crumple.run_folder import identity_of, sha256_of

if TYPE_CHECKING:
    from crumple.live.plan import ActuatorPlan, FaultPlan, SensorPlan
    from crumple.scene import Scene
    from crumple.scene.plan import UnitPlan


class Provenance:
    """The manifest of a run. `identity` is the hash of what is to run, without where, when and by whom."""

    def __init__(
        self, scene: Scene, *, command: Sequence[str], replay_of: Mapping[str, Any] | None = None
    ) -> None:
        import crumple

        self._scene = scene
        self._command = list(command)
        self._replay_of = replay_of
        self._what: dict[str, Any] = {
            "crumple": crumple.__version__,
            "scene": scene.name,
            "files": [
                {"path": str(source.path), "sha256": source.sha256, "text": source.text}
                for source in scene.files
            ],
            "parameters": dict(scene.parameters),
            "set": dict(scene.overrides),
            "seed": scene.seed,
            "period": str(scene.period),
            "start": str(scene.start),
            "stop_tick": scene.stop_tick,
            "units": {name: _unit(unit) for name, unit in scene.units.items()},
            **_live(scene),
        }
        what = {**self._what, "files": [source.sha256 for source in scene.files]}
        self.identity = identity_of(_without_places(what))

    def to_json(self) -> dict[str, Any]:
        """Ready for `manifest.json`."""
        host = platform.uname()
        return {
            "manifest": 1,
            "id": self.identity,
            **self._what,
            **meanings(self._scene),
            **({} if self._replay_of is None else {"replay_of": dict(self._replay_of)}),
            "pacing": asdict(self._scene.pacing),
            **({} if self._scene.timing is None else {"timing": asdict(self._scene.timing)}),
            **({"rigs": _rigs(self._scene)} if self._scene.rigs else {}),
            "threads": self._scene.threads,
            "command": self._command,
            "working_directory": os.getcwd(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "python": sys.version,
            "platform": f"{host.system} {host.release} {host.machine}",
            "host": host.node,
            "pid": os.getpid(),
        }


def _live(scene: Scene) -> dict[str, Any]:
    """What is live, without addresses, keys and pacing: the same rig elsewhere is the same run."""
    left_out = {"endpoint", "start_timeout", "required"}
    plans: dict[str, Sequence[SensorPlan | ActuatorPlan | FaultPlan]] = {
        "sensors": scene.sensors,
        "actuators": scene.actuators,
        "faults": scene.faults,
    }
    return {
        kind: [{k: v for k, v in _facts(plan).items() if k not in left_out} for plan in listed]
        for kind, listed in plans.items()
        if listed
    }


def _facts(plan: SensorPlan | ActuatorPlan | FaultPlan) -> dict[str, Any]:
    from crumple.faults import FaultPlan

    return plan.to_json() if isinstance(plan, FaultPlan) else asdict(plan)


def _rigs(scene: Scene) -> list[dict[str, Any]]:
    return [{"name": rig.name, "address": rig.endpoint.address, "timeout": rig.timeout} for rig in scene.rigs]


def _unit(unit: UnitPlan) -> dict[str, Any]:
    """An FMU with the hash of its file, or a plugin with the version and the hash of its source."""
    facts: dict[str, Any] = {"model": unit.model, "every": unit.every, "values": dict(unit.values)}
    if unit.archive is not None:
        return {**facts, "fmu": str(unit.archive.path), "sha256": unit.archive.sha256}
    assert unit.plugin is not None
    module = sys.modules.get(unit.plugin.__module__)
    source = getattr(module, "__file__", None)
    facts |= {"plugin": f"{unit.plugin.__module__}:{unit.plugin.__qualname__}", "source": source}
    facts["version"] = _version(unit.plugin.__module__)
    facts["sha256"] = sha256_of(Path(source)) if source and Path(source).is_file() else None
    return facts


def _version(module: str) -> str | None:
    """The version of the installed package that a plugin is from; None for a file beside a scene."""
    top = module.partition(".")[0]
    if top == "crumple":
        import crumple

        return str(crumple.__version__)
    stated = getattr(sys.modules.get(top), "__version__", None)
    if stated is not None or top.startswith("crumple_plugin_"):
        return None if stated is None else str(stated)
    from importlib.metadata import packages_distributions, version

    names = packages_distributions().get(top)
    return version(names[0]) if names else None


def _without_places(what: Mapping[str, Any]) -> dict[str, Any]:
    """The same without paths, so that the same scene has the same id wherever it lies."""
    units = {
        name: {k: v for k, v in unit.items() if k not in {"fmu", "source", "model", "plugin"}}
        for name, unit in what["units"].items()
    }
    return {**what, "units": units}
