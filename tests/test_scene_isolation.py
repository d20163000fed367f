"""Where the units of a scene run: what it may say about worker processes, and what reaches the world."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crumple.scene import Scene, compose, load_scene
from crumple.scene.isolation import SizeError, parse_size
from ramp_scene import SCENE, mistakes, writer

MIB, GIB = 2**20, 2**30
WALL = 'plugin = "plugins.py:Meter"'


@pytest.fixture
def write(tmp_path: Path) -> Any:
    return writer(tmp_path)


def scene_with(write: Any, *, meter: str = "", everywhere: str = "", **arguments: Any) -> Scene:
    """The scene, with more keys for its meter and a table for all units."""
    return load_scene(write(SCENE.replace(WALL, f"{WALL}\n{meter}") + everywhere), **arguments)


@dataclass(frozen=True)
class _Limits:
    """Stands for those of the worker, where that is not built."""

    memory: int | None = 4 * GIB
    file_size: int | None = GIB
    processes: bool = True
    network: bool = True


class _World:
    """Notes what it is asked to add."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.added: dict[str, dict[str, Any]] = {}

    def add(self, name: str, unit: Any, **said: Any) -> None:
        self.added[name] = said

    def connect(self, *_: Any, **__: Any) -> None:
        pass


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Composes a scene and returns what was said to the world of each unit."""
    if importlib.util.find_spec("crumple.worker") is None:
        worker = ModuleType("crumple.worker")
        worker.Limits = _Limits  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "crumple.worker", worker)
    monkeypatch.setattr("crumple.world.World", _World)

    def said(scene: Scene) -> dict[str, dict[str, Any]]:
        world: Any = compose(scene)
        return dict(world.added)

    return said


def test_nothing_is_said_to_the_world_where_the_scene_says_nothing(write: Any, added: Any) -> None:
    assert added(scene_with(write)) == {"ramp": {"every": 1}, "meter": {"every": 5}}


def test_a_unit_says_where_it_runs_and_what_it_may(write: Any, added: Any) -> None:
    limits = '{ memory = "512 MiB", processes = false }'
    scene = scene_with(write, meter=f'isolate = true\nstep_timeout = "250 ms"\nlimits = {limits}')
    meter = scene.units["meter"]
    assert (meter.isolate, meter.step_timeout) == (True, 0.25)
    assert meter.limits == {"memory": 512 * MIB, "processes": False}
    said = added(scene)
    assert said["ramp"] == {"every": 1}
    given = said["meter"].pop("limits")
    assert said["meter"] == {"every": 5, "isolate": True, "step_timeout": 0.25}
    # what is not said is as in every worker
    assert (given.memory, given.file_size, given.processes, given.network) == (512 * MIB, GIB, False, True)


def test_false_is_said_too(write: Any, added: Any) -> None:
    assert added(scene_with(write, meter="isolate = false"))["meter"] == {"every": 5, "isolate": False}


def test_what_is_said_for_all_units_yields_to_what_a_unit_says(write: Any) -> None:
    everywhere = (
        '[isolation]\nisolate = true\nstep_timeout = "2 s"\nlimits = { memory = "1 GiB", network = false }'
    )
    meter = "isolate = false\nlimits = { network = true, file_size = 0 }"
    units = scene_with(write, meter=meter, everywhere=everywhere).units
    assert (units["ramp"].isolate, units["ramp"].step_timeout) == (True, 2.0)
    assert units["ramp"].limits == {"memory": GIB, "network": False}
    assert (units["meter"].isolate, units["meter"].step_timeout) == (False, 2.0)
    assert units["meter"].limits == {"memory": GIB, "network": True, "file_size": 0}


def test_what_is_given_from_outside_wins_over_the_scene(write: Any, added: Any) -> None:
    scene = scene_with(
        write, meter='isolate = false\nstep_timeout = "3 s"', everywhere="[isolation]\nisolate = true"
    )
    assert (scene.isolate, scene.step_timeout) == (None, None)
    assert added(scene) == {
        "ramp": {"every": 1, "isolate": True},
        "meter": {"every": 5, "isolate": False, "step_timeout": 3.0},
    }
    outside = added(replace(scene, isolate=True, step_timeout=0.5))
    assert outside["meter"] == {"every": 5, "isolate": True, "step_timeout": 0.5}
    assert {said["isolate"] for said in added(replace(scene, isolate=False)).values()} == {False}


def test_a_parameter_can_decide(write: Any) -> None:
    def scene(**given: Any) -> Scene:
        text = SCENE.replace("rate = 5", 'rate = 5\nalone = false\nroom = "1 GiB"')
        meter = f'{WALL}\nisolate = "$alone"\nlimits = {{ memory = "$room" }}'
        return load_scene(write(text.replace(WALL, meter)), set=given)

    assert scene().units["meter"].isolate is False
    meter = scene(alone="true", room="2 GB").units["meter"]
    assert (meter.isolate, meter.limits) == (True, {"memory": 2_000_000_000})
    path = write()
    assert mistakes(path, set={"alone": "true"})[0].startswith("--set alone: the scene has no parameter")


def test_a_mistake_in_what_is_set_is_placed_where_it_was_set(write: Any) -> None:
    text = SCENE.replace("rate = 5", 'rate = 5\nroom = "1 GiB"').replace(
        WALL, f'{WALL}\nisolate = true\nlimits.memory = "$room"'
    )
    assert mistakes(write(text), set={"room": "2 GX"}) == [
        '--set room: units.meter.limits.memory: "2 GX" has an unknown unit of size. '
        "There are: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB."
    ]


@pytest.mark.parametrize("key", ['step_timeout = "1 s"', "limits = { network = false }"])
def test_what_only_a_worker_keeps_is_told_where_there_is_none(write: Any, key: str) -> None:
    name = key.partition(" ")[0]
    [warning] = scene_with(write, meter=key).warnings
    assert warning == (
        f"unit 'meter': {name}: kept by worker processes, and a plugin is in one only with isolate = true"
    )
    [warning] = scene_with(write, meter=f"isolate = false\n{key}").warnings
    assert "and this unit is in one only with isolate = true" in warning
    assert scene_with(write, meter=f"isolate = true\n{key}").warnings == ()
    assert scene_with(write, meter=key, everywhere="[isolation]\nisolate = true").warnings == ()
    assert scene_with(write, everywhere=f"[isolation]\n{key}").warnings == ()  # meant for those that are


def test_isolation_is_included_key_by_key(write: Any) -> None:
    write(SCENE + '[isolation]\nisolate = true\nlimits = { memory = "1 GiB", network = false }', "base.toml")
    scene = load_scene(write('include = "base.toml"\n[isolation.limits]\nmemory = "2 GiB"\n'))
    assert scene.units["ramp"].isolate is True
    assert scene.units["ramp"].limits == {"memory": 2 * GIB, "network": False}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0),
        (4096, 4096),
        ("0 B", 0),
        ("512 MiB", 512 * MIB),
        ("4GiB", 4 * GIB),
        (" 1.5 KiB ", 1536),
        ("2 GB", 2_000_000_000),
        ("0.1 kB", 100),
        ("1 TiB", 2**40),
    ],
)
def test_a_size_is_exact(text: int | str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "is no size"),
        ("GiB", "is no size"),
        ("-1 MiB", "is no size"),
        ("1 000 MiB", "is no size"),
        ("1e3 MiB", "is no size"),
        ("512", 'has no unit: write "512 MiB"'),
        ("512 M", 'Did you mean "512 MB"?'),
        ("512 mb", 'Did you mean "512 MB"?'),
        ("4 Gbyte", "has an unknown unit of size"),
        ("0.3 B", "is no whole number of bytes"),
        ("8388608 TiB", "less than 8388608 TiB"),
    ],
)
def test_what_is_no_size_says_what_would_be(text: str, fact: str) -> None:
    with pytest.raises(SizeError) as caught:
        parse_size(text)
    assert fact in str(caught.value)
