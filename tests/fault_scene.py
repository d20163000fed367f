"""A small scene for the tests of faults: a counter, and three that read it."""

from __future__ import annotations

import sys
from importlib import util
from pathlib import Path
from typing import Any

UNITS = '''
from crumple import Input, Output, Parameter, Unit

class Count(Unit):
    """0, 1, 2, ... at the ticks 0, 1, 2, ..."""
    x = Output("m")
    odd = Output(kind="boolean")
    by = Parameter(1.0, "m")

    def reset(self):
        self.n = 0
        self.sum = 0.0

    def step(self, now):
        self.n += 1
        self.sum += self.by
        self.x = self.sum
        self.odd = self.n % 2 == 1

class Read(Unit):
    """What it reads: `y` at tick k + 1 is what came at tick k."""
    u = Input("m")
    ok = Input(kind="boolean")
    y = Output("m")

    def step(self, now):
        self.y = self.u
'''
SCENE = """
crumple = 1
[clock]
period = "{period}"
stop = "2 s"
[units.count]
plugin = "fault_units.py:Count"
[units.read]
plugin = "fault_units.py:Read"
[units.second]
plugin = "fault_units.py:Read"
[units.third]
plugin = "fault_units.py:Read"
"""
CONNECT = '[connect]\n"read.u" = "count.x"\n"second.u" = "count.x"\n"third.u" = "count.x"\n'


def scene_with(folder: Path, faults: str, *, period: str = "100 ms", connect: bool = True) -> Path:
    """The scene with these faults, in a file."""
    (folder / "fault_units.py").write_text(UNITS)
    file = folder / "scene.toml"
    file.write_text(SCENE.format(period=period) + (CONNECT if connect else "") + faults)
    return file


def _classes() -> tuple[Any, Any]:
    """The two classes outside of any scene, from a module that workers can import by its file."""
    import tempfile

    folder = Path(tempfile.mkdtemp())
    file = folder / "fault_units_alone.py"
    file.write_text(UNITS)
    spec = util.spec_from_file_location("fault_units_alone", file)
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["fault_units_alone"] = module
    spec.loader.exec_module(module)
    return module.Count, module.Read


COUNT, READ = _classes()
