"""Scenes that are in order: loading, and what world they become."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.errors import StepError
from crumple.scene import Scene, compose, load_scene
from fmu_build import build_fmu
from ramp_scene import SCENE, mistakes, writer


@pytest.fixture
def write(tmp_path: Path) -> Any:
    return writer(tmp_path)


def test_a_scene_becomes_a_world_that_computes_what_it_says(write: Any) -> None:
    scene = load_scene(write())
    assert (scene.name, scene.title, scene.period, scene.stop_tick) == (
        "ramp",
        "a ramp",
        Fraction(1, 1000),
        1000,
    )
    assert (scene.stop, scene.horizon, scene.start, scene.seed, scene.threads) == (1, 1, 0, 0, None)
    assert scene.units["meter"].every == 5
    assert scene.parameters == {"slope": "2 m/s^3", "rate": 5}
    world = compose(scene)
    world.reset(seed=scene.seed)
    world.step(scene.stop_tick)
    assert world.tick == 1000
    assert world["ramp.a"] == 2.0  # 2 m/s^3 * 1 s
    # the meter's last window opened at tick 995 and read what was published there
    assert world["meter.y"] == pytest.approx(2.0 * 0.995 / 9.80665, rel=1e-14)
    assert world["meter.part"] == pytest.approx(2.0 * 3.6, rel=1e-15)
    world.end()


def test_the_order_of_tables_changes_nothing(write: Any) -> None:
    blocks = re.split(r"\n(?=\[)", SCENE.strip())
    turned = "\n".join([blocks[0], *reversed(blocks[1:])])
    digests = []
    for text in (SCENE, turned):
        world = compose(load_scene(write(text)), threads=1)
        world.reset()
        world.step(1000)
        digests.append(world.digest())
    assert digests[0] == digests[1]


def test_an_fmu_gets_its_start_values_and_what_is_named_becomes_an_output(write: Any) -> None:
    fmu = build_fmu("lag3")
    scene = load_scene(
        write(f"""
crumple = 1
[clock]
period = "10 ms"
stop = "1 s"
[units.lag]
fmu = "{fmu}"
start = {{ tau = 2, x0 = 4 }}
[record]
signals = ["lag.tau"]
period = "20 ms"
[requirements.decay]
signal = "lag.y"
max = 4
""")
    )
    assert scene.units["lag"].expose == ("tau",)
    # what a requirement looks at is recorded at every tick, whatever is asked
    assert [(group.signals, group.every) for group in scene.record] == [(("lag.y",), 1), (("lag.tau",), 2)]
    world = compose(scene)
    world.reset()
    assert world["lag.tau"] == 2.0
    world.step(100)
    assert world["lag.y"] == pytest.approx(4 * (1 - 0.01 / 2) ** 100, rel=1e-12)  # Euler on x' = -x/2
    world.end()


@pytest.mark.parametrize("stop", [None, "100 ms"])
def test_an_fmu_is_told_the_stop_of_the_run_where_the_scene_asks_for_it(write: Any, stop: str | None) -> None:
    """The FMU refuses to step beyond the stop that it was told, and goes on for ever where it was told none."""
    text = """
crumple = 1
[clock]
period = "10 ms"
start = "50 ms"
stop = "150 ms"
[units.car]
fmu = "vehicle_crush"
"""
    quiet = compose(load_scene(write(text), stop=stop))
    quiet.reset()
    quiet.step(1000)
    assert quiet.tick == 1000
    scene = load_scene(write(text + "tell_stop = true\n"), stop=stop)
    assert scene.stop_tick == (10 if stop is None else 5)
    world = compose(scene)
    world.reset()
    world.step(scene.stop_tick)
    with pytest.raises(StepError, match="after the stop time"):
        world.step()
    assert world.tick == scene.stop_tick


def test_an_array_sized_by_a_structural_parameter_connects_by_its_size(write: Any) -> None:
    fmu = build_fmu("all_types3")
    text = f"""
crumple = 1
[clock]
period = "1 ms"
stop = "2 ms"
[units.first]
fmu = "{fmu}"
start = {{ n = 2, v_in = [7, 8], grid_in = [[1, 2], [3, 4]] }}
[units.second]
fmu = "{fmu}"
start = {{ n = SIZE, v_in = [STARTS], grid_in = [[STARTS], [STARTS]] }}
[connect]
"second.v_in" = "first.v_out"
"second.String_in" = "first.String_out"
"""
    world = compose(load_scene(write(text.replace("SIZE", "2").replace("STARTS", "0, 0"))))
    world.reset()
    world.step(2)
    assert np.array_equal(world["second.v_out"], [7.0, 8.0])
    assert world["second.String_out"] == "grüße & <tags>"
    assert mistakes(write(text.replace("SIZE", "3").replace("STARTS", "0, 0, 0"))) == [
        'connect."second.v_in": "second.v_in" has size 3, its source "first.v_out" has size 2. '
        'Connect the elements one by one: "second.v_in[0]" = "first.v_out[0]".'
    ]


def test_an_array_without_elements_is_no_port(write: Any) -> None:
    text = f"""
crumple = 1
[clock]
period = "1 ms"
stop = "2 ms"
[units.first]
fmu = "{build_fmu("all_types3")}"
start = {{ n = 0, v_in = [], grid_in = [] }}
"""
    scene = load_scene(write(text))
    [group] = scene.record
    assert "first.v_out" not in group.signals
    assert "first.Float64_1d_out" in group.signals
    compose(scene).trace(group.signals)  # the world has all of them
    [text] = mistakes(write(text + '[requirements.v]\nsignal = "first.v_out"\nmax = 1\n'))
    assert text.startswith('requirements.v.signal: "first" has no output "v_out".')


def test_structured_names_units_and_items_of_an_fmu_are_understood(write: Any) -> None:
    fmu = build_fmu("units2")
    scene = load_scene(
        write(f"""
crumple = 1
[clock]
period = "1 ms"
stop = "2 ms"
[units.a]
fmu = "{fmu}"
start = {{ speed = "36 km/h", "der(body[2].x)" = "9 km/h", gear = "drive" }}
[units.b]
fmu = "{fmu}"
[connect]
"b.speed_kmh" = "a.speed_out"
"b.temperature_degC" = "a.temperature_out"
"b.body[1].frame_a.x" = "a.body[1].frame_b.x"
[record]
signals = ["a.body[1].*", "b.der(x)"]
[requirements.gear]
signal = "a.gear_out"
equals = "drive"
[requirements.bracket]
signal = "b.der(x)"
max = "2.6 m/s"
[requirements.worst]
metric = "max('b.der(x)')"
max = "2.6 m/s"
[requirements.warm]
metric = "max(b.temperature_degC_out)"
equals = "26.85 degC"
within = "0.01 K"
""")
    )
    names = {"a.gear_out", "a.body[1].frame_b.x", "b.temperature_degC_out", "b.der(x)"}
    assert {name for group in scene.record for name in group.signals} == names
    gear, bracket, worst, warm = scene.requirements
    assert bracket.signals == worst.signals == ("b.der(x)",)
    assert gear.limits[0].value == 5.0
    [limit] = warm.limits
    assert (limit.value, limit.shown) == (26.85, 26.85)
    assert limit.within == limit.shown_within == 0.01  # a difference: no offset of 273.15
    world = compose(scene)
    world.reset()
    world.step(2)
    assert world["b.speed_kmh_out"] == pytest.approx(36.0, rel=1e-15)
    assert world["b.temperature_degC_out"] == pytest.approx(26.85, abs=1e-12)


def test_a_file_is_found_from_the_scene_and_not_from_the_working_directory(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load_scene("../ramp.toml").units["ramp"].plugin is not None
    assert load_scene(path).path == path


# ---- cost


def test_a_well_formed_scene_needs_neither_pydantic_nor_fmpy(write: Any) -> None:
    """Each costs more CPU than a small scene takes to run."""
    path = write(
        SCENE.replace('plugin = "plugins.py:Meter"', 'plugin = "plugins.py:Meter"\nperiod = "5 ms"').replace(
            'every = "$rate"\n', ""
        )
    )
    code = (
        "import sys; from crumple.scene import load_scene; load_scene(sys.argv[1]); "
        "print(sorted({'pydantic', 'fmpy', 'typer', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_scene_says_what_it_is(write: Any) -> None:
    scene = load_scene(write())
    assert isinstance(scene, Scene)
    assert len(repr(scene)) < 3000  # no texts of files, no ports
