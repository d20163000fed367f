"""Parameters with units and choices, what is derived from them, and formulas where values stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crumple.errors import SceneError
from crumple.scene import Scene, load_scene
from crumple.scene.values import Values, quantity_text

UNITS = """
from crumple import Input, Output, Parameter, Unit


class Car(Unit):
    speed = Output("m/s")
    v0 = Parameter(15.0, "m/s")
    gap = Parameter(1.0, "m")
    driver = Parameter("cc", choices=["cc", "fsm"])
    alert = Parameter(True)
    count = Parameter(1)
    table = Parameter([1.0, 2.0], "m")

    def step(self, now):
        self.speed = self.v0
"""

SCENE = """
crumple = 1

[parameters]
ego_kmh = { default = 50, si = "km/h", min = 10, max = "130 km/h", doc = "of the car" }
gap_m = { default = "12.5 m", si = "m" }
cabin_C = { default = 20, si = "degC" }
driver = { default = "cc", choices = ["cc", "fsm"] }
lanes = { default = 2, choices = [1, 2, 3] }
night = false

[derived]
start_gap = "$(gap_m + 430 cm)"
reaction = { by = "driver", cc = "0.75 s", fsm = "$(2 * blink)" }
blink = "$(1 s / 4)"
cautious = "$(night or ego_kmh < 40 km/h)"
margin = { by = "night", true = 3, false = 1 }
width = { by = "lanes", 1 = "3.5 m", otherwise = "$(lanes * 3 m)" }
by_speed = { by = "ego_kmh", 50 = "slow", otherwise = "fast" }

[clock]
period = "10 ms"
stop = "$(reaction + 1 s)"

[units.car]
plugin = "units.py:Car"
with = { v0 = "$ego_kmh", gap = "$start_gap", driver = "$driver", alert = "$cautious", count = "$(2 * lanes)" }

[requirements.limit]
signal = "car.speed"
max = "$(ego_kmh * 1.1)"
when = "start_gap > 10 m and by_speed == slow or lanes == 3"

[requirements.plain]
signal = "car.speed"
max = 100
when = "ego_kmh >= 50"
"""


@pytest.fixture
def load(tmp_path: Path) -> Any:
    (tmp_path / "units.py").write_text(UNITS)

    def made(text: str = SCENE, **given: Any) -> Scene:
        path = tmp_path / "scene.toml"
        path.write_text(text)
        return load_scene(path, set=given)

    return made


def test_a_plain_number_is_in_the_unit_of_its_parameter(load: Any) -> None:
    scene = load()
    assert scene.parameters["ego_kmh"] == "50 km/h"
    assert scene.parameters["gap_m"] == "12.5 m"
    assert scene.parameters["lanes"] == 2
    for given in (72, "72", "72.0", "20 m/s", "72 km/h"):
        assert load(ego_kmh=given).parameters["ego_kmh"] == "72 km/h"
    assert (
        load(ego_kmh=72.25).units["car"].plugin(v0=load(ego_kmh=72.25).parameters["ego_kmh"]).v0
        == 72.25 / 3.6
    )
    assert load(cabin_C="300.15 K").parameters["cabin_C"] == "27 degC"
    assert load(ego_kmh="20 m/s").overrides == {"ego_kmh": "20 m/s"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ego_kmh": 5}, '5 is below the smallest value allowed, "10 km/h".'),
        ({"ego_kmh": "140"}, '"140" is above the largest value allowed, "130 km/h".'),
        ({"ego_kmh": "3 kg"}, '"3 kg" is a mass; a speed in "km/h" is wanted.'),
        ({"ego_kmh": "fast"}, '"fast" is no number; one in "km/h" is wanted.'),
        ({"ego_kmh": float("inf")}, "inf is not finite."),
        ({"ego_kmh": True}, 'true is no number; one in "km/h" is wanted.'),
        ({"driver": "fsn"}, '"fsn" is none of its choices: cc, fsm. Did you mean "fsm"?'),
        ({"driver": 1}, "1 is none of its choices: cc, fsm."),
        ({"lanes": 4}, "4 is none of its choices: 1, 2, 3."),
    ],
)
def test_what_is_set_is_held_against_unit_limits_and_choices(load: Any, given: Any, told: str) -> None:
    with pytest.raises(SceneError) as caught:
        load(**given)
    assert [mistake.text for mistake in caught.value.mistakes] == [told]


def test_values_are_derived_in_any_order_and_with_their_units(load: Any) -> None:
    scene = load()
    assert scene.derived == {
        "start_gap": "16.8 m",
        "reaction": "0.75 s",
        "blink": "0.25 s",
        "cautious": False,
        "margin": 1,
        "width": "6 m",
        "by_speed": "slow",
    }
    assert scene.stop_tick == 175
    other = load(driver="fsm", night=True, lanes=1, ego_kmh=51)
    assert other.derived["reaction"] == "0.5 s"
    assert other.derived["cautious"] is True
    assert (other.derived["margin"], other.derived["width"], other.derived["by_speed"]) == (
        3,
        "3.5 m",
        "fast",
    )


def test_formulas_stand_wherever_values_do(load: Any) -> None:
    scene = load(lanes=3)
    assert scene.units["car"].values == {
        "v0": "50 km/h",
        "gap": "16.8 m",
        "driver": "cc",
        "alert": False,
        "count": 6,
    }
    [limit] = scene.requirements[0].limits
    assert limit.value == pytest.approx(55 / 3.6, rel=1e-15)


@pytest.mark.parametrize(
    ("given", "applies"),
    [
        ({}, (True, True)),
        ({"gap_m": 1}, (False, True)),
        ({"ego_kmh": 49}, (False, False)),
        ({"gap_m": 1, "lanes": 3}, (True, True)),
    ],
)
def test_conditions_are_on_parameters_and_on_what_is_derived(load: Any, given: Any, applies: Any) -> None:
    assert tuple(each.applies for each in load(**given).requirements) == applies


def test_texts_hold_values_within_them(load: Any) -> None:
    text = SCENE.replace(
        'signal = "car.speed"\nmax = 100', 'metric = "first_time(car.speed, $ego_kmh)"\nmax = 100'
    )
    assert load(text).requirements[1].what == "first_time(car.speed, 50 km/h)"
    drawn = '\n[[view.charts]]\nsignal = "car.speed"\nlabel = "$driver"\n'
    assert load(SCENE + drawn, driver="fsm").view["charts"][0]["label"] == "fsm"


def test_a_parameter_that_only_something_derived_uses_is_used(load: Any) -> None:
    assert not [text for text in load().warnings if "gap_m" in text]
    assert 'parameter "cabin_C" of the scene is used nowhere' in load().warnings


def test_what_a_value_needs_is_known_through_what_is_derived() -> None:
    values = Values(
        {"a": "1 m", "b": 2, "c": "x"},
        {"d": "$(a * b)", "e": {"by": "c", "x": "$d", "otherwise": "$(d + 1 m)"}},
    )
    assert values.needs("$e") == {"a", "b", "c"}
    assert values.needs("$(d + a)") == {"a", "b"}
    assert values.needs("12 m") == set()
    assert values.resolved("$e") == "2 m"


def test_quantities_are_written_as_a_scene_writes_them() -> None:
    assert quantity_text(50.0, "km/h") == "50 km/h"
    assert quantity_text(0.1, "m") == "0.1 m"
    assert quantity_text(3.0, "1") == 3
    assert quantity_text(2.5, "") == 2.5
