"""Scenes that include other files, or bundled scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crumple.scene import bundled_scenes, load_scene
from fmu_build import build_fmu
from ramp_scene import PLUGINS, SCENE, mistakes, writer


@pytest.fixture
def write(tmp_path: Path) -> Any:
    return writer(tmp_path)


def test_the_including_file_wins_key_by_key(write: Any) -> None:
    write(SCENE, "base/ramp.toml")
    (write("", "base/x").parent / "plugins.py").write_text(PLUGINS)
    path = write("""
include = "base/ramp.toml"
title = "steeper"
[clock]
stop = "2 s"
[parameters]
slope = "5 m/s^3"
[units.ramp.with]
mode = "down"
""")
    scene = load_scene(path)
    assert (scene.title, scene.stop_tick) == ("steeper", 2000)
    assert scene.units["ramp"].values == {"slope": "5 m/s^3", "mode": "down"}
    assert [source.path.name for source in scene.files] == ["ramp.toml", "ramp.toml"]
    assert all(len(source.sha256) == 64 for source in scene.files)
    assert scene.files[-1].text.strip().startswith("include")
    # the limits of the included parameter still hold
    assert mistakes(path, set={"slope": "11 m/s^3"}) == [
        '--set slope: "11 m/s^3" is above the largest value allowed, "10 m/s^3".'
    ]


def test_a_later_include_wins_over_an_earlier_one(write: Any) -> None:
    write("title = 'first'\ndescription = 'first'", "one.toml")
    write("title = 'second'", "two.toml")
    scene = load_scene(write(SCENE.replace('title = "a ramp"', 'include = ["one.toml", "two.toml"]')))
    assert (scene.title, scene.description) == ("second", "first")


def test_a_unit_with_another_model_and_a_connection_replace_what_was_included(write: Any) -> None:
    write(SCENE + '[requirements.a]\nsignal = "ramp.a"\nmax = "1 g"\nuntil = "0.5 s"\n', "base.toml")
    scene = load_scene(
        write(f"""
include = "base.toml"
[units.ramp]
fmu = "{build_fmu("lag2")}"
[units.meter]
every = 1
[connect]
"meter.a" = {{ from = "ramp.y", scale = 2.0 }}
"meter.part" = "ramp.y"
[requirements.a]
signal = "ramp.y"
min = 0
""")
    )
    assert (scene.units["ramp"].plugin, dict(scene.units["ramp"].values)) == (None, {})
    assert scene.units["meter"].model == "plugins.py:Meter"
    assert {(c.source, c.target, c.scale) for c in scene.connections} == {
        ("ramp.y", "meter.a", 2.0),
        ("ramp.y", "meter.part", None),
    }
    [requirement] = scene.requirements
    assert [limit.relation for limit in requirement.limits] == ["min"]
    assert requirement.until is None


def test_the_same_file_may_be_included_twice(write: Any) -> None:
    write("[clock]\nperiod = '1 ms'", "clock.toml")
    write("include = 'clock.toml'", "one.toml")
    write("include = 'clock.toml'", "two.toml")
    scene = load_scene(write(SCENE.replace('title = "a ramp"', 'include = ["one.toml", "two.toml"]')))
    assert [source.path.name for source in scene.files] == ["clock.toml", "one.toml", "two.toml", "ramp.toml"]


def test_a_bundled_scene_is_included_by_its_name_and_finds_what_is_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('include = "frontal_barrier"\n[parameters]\nspeed = "30 km/h"\n')
    scene = load_scene(path)
    bundled = bundled_scenes()["frontal_barrier"]
    assert [source.path for source in scene.files] == [bundled, path]
    assert (scene.name, scene.parameters["speed"]) == ("mine", "30 km/h")
    assert scene.units.keys() == load_scene("frontal_barrier").units.keys()
    # what is left of the bundled scene is checked as there
    path.write_text('include = "frontal_barrier"\n[parameters]\nspeed = "300 km/h"\n')
    assert mistakes(path) == ['parameters.speed.default: is above the largest value allowed, "80 km/h".']


def test_a_file_of_the_name_comes_before_a_bundled_scene(write: Any) -> None:
    write("title = 'ours'", "frontal_barrier")
    scene = load_scene(write(SCENE.replace('title = "a ramp"', 'include = "frontal_barrier"')))
    assert scene.title == "ours"
    assert "vehicle" not in scene.units


def test_only_a_name_means_a_bundled_scene(write: Any, tmp_path: Path) -> None:
    (tmp_path / "frontal_barrier").mkdir()  # a folder is no scene, and does not hide one
    assert "vehicle" in load_scene(write('include = "frontal_barrier"')).units
    [text] = mistakes(write('include = "./frontal_barrier"'))
    assert text.endswith("frontal_barrier is a folder; name a file in it.")
