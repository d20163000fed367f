"""Live: rigs, sensors and actuators on a wire.

For a script beside the hardware, in a process of its own (docs/rig.md is the guide):

    from crumple.live import Sensor, Actuator, Rig

    with Sensor("tcp://127.0.0.1:5555", {"acceleration": "m/s^2"}) as front:
        front.wait_for_subscriber(timeout=10)
        front.send(acceleration=-9.81, t=0.0)

`Sensor` publishes samples, `Actuator` receives outputs and goes safe by its own watchdog, `Rig` does both in lockstep.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crumple.live.lockstep import Rig, RigTimeout, RunEnded
    from crumple.live.priority import Granted, real_time
    from crumple.live.rig import Actuator, Sensor
    from crumple.live.watchdog import Watchdog
    from crumple.live.wire import Flags, Header, Layout, Message, Tracker, Type, WireError, decode, encode

# Names and where they live; imported when first used, so that what needs no ZeroMQ does not load it.
_HOME = {
    "Actuator": "rig",
    "Flags": "wire",
    "Granted": "priority",
    "Header": "wire",
    "Layout": "wire",
    "Message": "wire",
    "Rig": "lockstep",
    "RigTimeout": "lockstep",
    "RunEnded": "lockstep",
    "Sensor": "rig",
    "Tracker": "wire",
    "Type": "wire",
    "Watchdog": "watchdog",
    "WireError": "wire",
    "decode": "wire",
    "encode": "wire",
    "real_time": "priority",
}

__all__ = [
    "Actuator",
    "Flags",
    "Granted",
    "Header",
    "Layout",
    "Message",
    "Rig",
    "RigTimeout",
    "RunEnded",
    "Sensor",
    "Tracker",
    "Type",
    "Watchdog",
    "WireError",
    "decode",
    "encode",
    "include_dir",
    "real_time",
]


def include_dir() -> Path:
    """The folder of `crumple_wire.h`: `gcc -I"$(python -c 'import crumple.live as l; print(l.include_dir())')" ...`.

    Raises FileNotFoundError where the installed package does not hold it.
    """
    import crumple

    package = Path(__file__).resolve().parent.parent
    # an editable install keeps what is installed apart from the Python files; a checkout has it in cpp/include
    for folder in (
        *(Path(root) / "include" for root in crumple.__path__),
        package.parents[1] / "cpp" / "include",
    ):
        if (folder / "crumple_wire.h").is_file():
            return folder
    raise FileNotFoundError("crumple_wire.h is not installed with this package. Install Crumple again.")


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'crumple.live' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"crumple.live.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
