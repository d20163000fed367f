"""A plugin to start from: an installable folder with a module, its test, and a page on how to use it."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from pathlib import Path

from crumple.errors import UsageError

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "{package}"
version = "0.1.0"
description = "A unit for Crumple"
requires-python = ">=3.11"
dependencies = ["crumple"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points."crumple.units"]
{name} = "{name}:{class_name}"

[tool.setuptools]
py-modules = ["{name}"]

[tool.pytest.ini_options]
pythonpath = ["."]
"""

_MODULE = '''\
"""{class_name}, a unit for Crumple."""

from __future__ import annotations

import math

from crumple import Input, Output, Parameter, Unit


class {class_name}(Unit):
    """A first-order low-pass: y' = (u - y) / time_constant, exact for an input that holds over a step."""

    u = Input("m/s^2", doc="what is to be smoothed")
    y = Output("m/s^2", start=0.0, doc="what is left of it")
    time_constant = Parameter(0.1, "s", min=1e-6, doc="time to come within 37 % of a step")

    def reset(self):
        # self.period is known from here on; a snapshot saves what is kept on self, and a reset forgets it
        self.share = -math.expm1(-self.period / self.time_constant)

    def step(self, now):
        # from now.t to now.t + now.dt [s]: read inputs, set outputs; random numbers come from self.random
        self.y += self.share * (self.u - self.y)
'''

_TEST = """\
from __future__ import annotations

import math

import pytest
from {name} import {class_name}

from crumple import World
from crumple.testing import check_unit


def test_a_step_is_answered_by_an_exponential():
    world = World(period="1 ms")
    world.add("dut", {class_name}(time_constant="50 ms"))
    world.reset()
    world["dut.u"] = 2.0
    world.step(100)
    assert world["dut.y"] == pytest.approx(2.0 * (1.0 - math.exp(-0.1 / 0.05)), rel=1e-12)


def test_it_is_a_well_behaved_unit():
    check_unit({class_name}, period="1 ms")
"""

_README = """\
# {name}

A unit for Crumple. Say here what it computes, from which equations, and where they come from.

| port | | si | |
|---|---|---|---|
| `u` | input | m/s^2 | what is to be smoothed |
| `y` | output | m/s^2 | what is left of it |

| parameter | default | |
|---|---|---|
| `time_constant` | 0.1 s | time to come within 37 % of a step |

Install and test it:

    pip install -e '.[test]'
    pytest

In a scene:

    [units.filter]
    plugin = "{name}"
    with = {{ time_constant = "50 ms" }}

Without installing it, beside the scene: `plugin = "{name}.py:{class_name}"`.
"""


def write_plugin(name: str, *, inside: Path | None = None) -> list[Path]:
    """Writes the plugin `name` into a new folder of that name; returns its files, the module first.

    inside: the folder in which that folder is made, by default the working directory.
    Raises UsageError for a name that cannot be one, and where the folder is there already.
    """
    check_name(name)
    folder = (inside or Path.cwd()) / name
    if folder.exists():
        raise UsageError(f"{folder} is there already. Give another name, or remove it.")
    fields = {
        "name": name,
        "package": f"crumple-{name.replace('_', '-')}",
        "class_name": "".join(part.capitalize() for part in name.split("_")),
    }
    texts = {
        f"{name}.py": _MODULE,
        f"test_{name}.py": _TEST,
        "README.md": _README,
        "pyproject.toml": _PYPROJECT,
    }
    try:
        folder.mkdir(parents=True)
        for file, text in texts.items():
            (folder / file).write_text(text.format_map(fields), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    return [folder / file for file in texts]


def check_name(name: str) -> None:
    """Raises UsageError where `name` cannot be that of a plugin, with one that can."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", name):
        words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
        better = "_".join(words).lower().lstrip("0123456789_")
        hint = f' Such as "{better}".' if len(better) > 1 else ""
        raise UsageError(
            f'"{name}" cannot be the name of a plugin: it is a module of Python, written in small letters,'
            f" digits and underscores.{hint}"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise UsageError(f'"{name}" is a word of Python itself: take another name, such as "{name}_unit".')
    if name in sys.stdlib_module_names:
        fact = "is a module of Python's library"
        raise UsageError(f'"{name}" {fact}: take another name, such as "{name}_unit".')
    if name.startswith("test_"):
        raise UsageError(f'"{name}" would be taken for a test: take another name.')
    from crumple.plugins import available_units

    known = available_units().get(name)
    if known is not None:
        raise UsageError(f'a plugin "{name}" is there already: {known.value}. Take another name.')
    if importlib.util.find_spec(name) is not None:
        raise UsageError(f'"{name}" is an installed package: take another name, such as "{name}_unit".')
