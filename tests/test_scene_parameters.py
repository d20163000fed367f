"""Parameters of a scene, and what is set from outside."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.scene import compose, load_scene
from ramp_scene import SCENE, mistakes, writer


@pytest.fixture
def write(tmp_path: Path) -> Any:
    return writer(tmp_path)


def test_parameters_are_put_in_place_and_overridden(write: Any) -> None:
    path = write()
    scene = load_scene(path, set={"slope": "4 m/s^3", "rate": 2, "ramp.loud": "true"})
    assert scene.units["ramp"].values == {"slope": "4 m/s^3", "loud": "true"}
    assert scene.units["meter"].every == 2
    assert scene.overrides == {"slope": "4 m/s^3", "rate": 2, "ramp.loud": "true"}
    world = compose(scene)
    world.reset()
    world.step(1000)
    assert world["ramp.a"] == 4.0
    # a unit's own parameter outranks the scene's
    assert load_scene(path, set={"slope": "4 m/s^3", "ramp.slope": 6}).units["ramp"].values["slope"] == 6


def test_texts_from_the_command_line_become_what_the_default_is(write: Any) -> None:
    path = write(
        SCENE.replace("rate = 5", "rate = 5\ntags = [1.0]\nloud = false\nmode = 'up'").replace(
            'slope = "$slope" }', 'slope = "$slope", tags = "$tags", loud = "$loud", mode = "$mode" }'
        )
    )
    given = {"rate": "3", "tags": "[1, 2, 3]", "loud": "True", "mode": "down", "slope": "0 m/s^3"}
    assert mistakes(path, set=given) == [
        '--set slope: "0 m/s^3" is below the smallest value allowed, "0.5 m/s^3".'
    ]
    scene = load_scene(path, set={**given, "slope": "600 cm/s^3"})
    assert scene.parameters == {
        "rate": 3,
        "tags": [1, 2, 3],
        "loud": True,
        "mode": "down",
        "slope": "600 cm/s^3",
    }
    assert compose(scene).units() == ["meter", "ramp"]


def test_numbers_from_numpy_are_numbers(write: Any) -> None:
    scene = load_scene(write(), set={"rate": np.int64(4), "ramp.tags": np.array([1.0, 2.0])})
    assert scene.units["meter"].every == 4
    assert scene.units["ramp"].values["tags"] == [1.0, 2.0]


def test_an_unused_parameter_is_told(write: Any) -> None:
    scene = load_scene(write(SCENE.replace("rate = 5", "rate = 5\nmass = '3 kg'")))
    assert scene.warnings == ('parameter "mass" of the scene is used nowhere',)
    when = '[requirements.a]\nsignal = "ramp.a"\nmax = 5\nwhen = "mass > 2 kg"\n'
    assert load_scene(write(SCENE.replace("rate = 5", "rate = 5\nmass = '3 kg'") + when)).warnings == ()


@pytest.mark.parametrize(
    ("when", "applies"),
    [
        ("slope > 1 m/s^3", True),
        ("slope > 200 cm/s^3", False),
        ("slope >= 200 cm/s^3", True),
        ("slope == 2 m/s^3 and rate < 5", False),
        ("slope == 2 m/s^3 and rate <= 5", True),
        ("rate != 5", False),
        ("slope > 0", True),
        ("", True),
    ],
)
def test_a_requirement_applies_where_the_parameters_say_so(write: Any, when: str, applies: bool) -> None:
    text = f'[requirements.a]\nsignal = "ramp.a"\nmax = "1 g"\nwhen = "{when}"\n'
    [requirement] = load_scene(write(SCENE + text)).requirements
    assert requirement.applies is applies
    assert requirement.when == when


def test_seed_stop_and_threads_are_taken_from_outside(write: Any) -> None:
    path = write(SCENE.replace('stop = "1 s"', 'stop = "1 s"\nseed = 7\nthreads = 2'))
    assert (load_scene(path).seed, load_scene(path).threads) == (7, 2)
    scene = load_scene(path, seed=2**64 - 1, stop="250 ms", threads=1)
    assert (scene.seed, scene.stop_tick, scene.threads) == (2**64 - 1, 250, 1)
    assert (scene.stop, scene.horizon) == (Fraction(1, 4), 1)  # what the file asks for is not forgotten
    assert load_scene(path, stop=0.003).stop_tick == 3
    assert mistakes(path, seed=-1, threads=0, stop="1.5 ms") == [
        '--stop: is 1.5 ms, or 1.5 periods of 1 ms. The nearest whole ones are "1 ms" and "2 ms".',
        "--threads: 0 is no whole number from 1 to 1048576.",
        f"--seed: -1 is no whole number from 0 to {2**64 - 1}.",
    ]


def test_a_window_beyond_a_stop_from_outside_is_no_mistake(write: Any) -> None:
    text = '[requirements.a]\nsignal = "ramp.a"\nmax = "1 g"\nfrom = "0.5 s"\nuntil = "0.9 s"\n'
    scene = load_scene(write(SCENE + text), stop="0.1 s")
    assert (scene.requirements[0].start, scene.requirements[0].until) == (0.5, 0.9)
    assert float(scene.horizon) == 1.0
