"""Units of which a scene has several, and what is connected to all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crumple.errors import SceneError
from crumple.scene import Scene, compose, load_scene

UNITS = """
from crumple import Input, Output, Parameter, Unit


class Cell(Unit):
    heat = Input("W")
    ambient = Input("degC")
    temperature = Output("degC")
    first = Parameter(20.0, "degC")
    number = Parameter(0)
    curve = Parameter([1.0], "V")

    def reset(self):
        self.temperature = self.first

    def step(self, now):
        self.temperature += self.heat * now.dt


class Small(Unit):
    u = Output("degC", shape=2)

    def step(self, now):
        pass


class Pack(Unit):
    temperature = Input("degC", shape=6, start=-1.0)
    heat = Output("W", shape=6)
    hottest = Output("degC")
    air = Output("degC", start=25.0)

    def reset(self):
        self.heat[:] = [1, 2, 3, 4, 5, 6]

    def step(self, now):
        self.hottest = max(self.temperature)
"""

SCENE = """
crumple = 1

[parameters]
cells = { default = 3, min = 1, max = 6 }

[clock]
period = "1 s"
stop = "4 s"

[units.cell]
plugin = "units.py:Cell"
count = "$cells"
with = { first = "$(20 degC + index * 5 K)", number = "$index" }

[units.pack]
plugin = "units.py:Pack"

[connect]
"cell_*.heat" = "pack.heat[*]"
"cell_*.ambient" = { from = "pack.air", same_tick = true }
"pack.temperature[*]" = "cell_*.temperature"
"""


@pytest.fixture
def load(tmp_path: Path) -> Any:
    (tmp_path / "units.py").write_text(UNITS)

    def made(text: str = SCENE, **given: Any) -> Scene:
        path = tmp_path / "pack.toml"
        path.write_text(text)
        return load_scene(path, set=given)

    return made


def test_a_count_makes_units_with_numbers_in_their_names(load: Any) -> None:
    scene = load()
    assert list(scene.units) == ["cell_001", "cell_002", "cell_003", "pack"]
    assert [unit.values for unit in scene.units.values()][:3] == [
        {"first": f"{293.15 + 5 * number!r} K", "number": number} for number in (1, 2, 3)
    ]
    assert list(load(cells=1).units) == ["cell_001", "pack"]
    many = (
        SCENE.replace("max = 6", "max = 2000")
        .replace('"cell_*.heat"', '"cell_0001.heat"')
        .replace("[*]", "[0]")
    )
    many = many.replace('"pack.temperature[0]" = "cell_*', '"pack.temperature[0]" = "cell_0001').replace(
        '[0]"\n"cell_*', '[0]"\n"cell_*'
    )
    assert list(load(many, cells=1000).units)[-2:] == ["cell_1000", "pack"]


def test_a_star_connects_all_of_them_in_order(load: Any) -> None:
    scene = load()
    assert [(link.target, link.source) for link in scene.connections] == [
        *[(f"cell_00{n}.heat", f"pack.heat[{n - 1}]") for n in (1, 2, 3)],
        *[(f"cell_00{n}.ambient", "pack.air") for n in (1, 2, 3)],
        *[(f"pack.temperature[{n - 1}]", f"cell_00{n}.temperature") for n in (1, 2, 3)],
    ]
    assert [link.same_tick for link in scene.connections] == [False] * 3 + [True] * 3 + [False] * 3
    world = compose(scene)
    world.reset()
    world.step(4)
    assert [world[f"cell_00{n}.temperature"] for n in (1, 2, 3)] == [25 + 4, 30 + 8, 35 + 12]
    assert world["pack.hottest"] == 35 + 9  # one tick late; what is not fed of its input stays at -1


def test_a_connection_to_one_comes_before_that_to_all(load: Any) -> None:
    scene = load(SCENE + '"cell_002.heat" = "pack.heat[5]"\n')
    sources = {link.target: link.source for link in scene.connections}
    assert sources["cell_002.heat"] == "pack.heat[5]"
    assert sources["cell_001.heat"] == "pack.heat[0]"


def test_arrays_of_different_sizes_are_connected_element_by_element(load: Any) -> None:
    text = SCENE.replace(
        '"pack.temperature[*]" = "cell_*.temperature"', '"pack.temperature[*]" = "small.u[*]"'
    )
    text += '\n[units.small]\nplugin = "units.py:Small"\n'
    targets = [link.target for link in load(text).connections if link.source.startswith("small")]
    assert targets == ["pack.temperature[0]", "pack.temperature[1]"]


def test_a_list_gives_each_its_own_value(load: Any) -> None:
    text = SCENE.replace('number = "$index"', "number = [7, 8, 9], curve = [[1, 2], [3, 4], [5, 6]]")
    units = load(text).units
    assert [units[f"cell_00{n}"].values["number"] for n in (1, 2, 3)] == [7, 8, 9]
    assert units["cell_003"].values["curve"] == [5, 6]
    assert load(SCENE.replace('number = "$index"', "curve = [4, 5]")).units["cell_002"].values["curve"] == [
        4,
        5,
    ]
    with pytest.raises(SceneError) as caught:
        load(text, cells=2)
    assert [mistake.where for mistake in caught.value.mistakes] == [
        "units.cell.with.number",
        "units.cell.with.curve",
    ]
    assert caught.value.mistakes[0].text == "has 3 values, and there are 2 of cell: give one each."


def test_one_and_all_are_set_from_outside(load: Any) -> None:
    units = load(**{"cell.first": "40 degC", "cell_002.first": "90 degC"}).units
    assert [units[f"cell_00{n}"].values["first"] for n in (1, 2, 3)] == ["40 degC", "90 degC", "40 degC"]
    with pytest.raises(SceneError, match=r'--set cell_004\.first +the scene has no unit "cell_004"'):
        load(**{"cell_004.first": "90 degC"})


def test_a_mistake_of_all_is_told_once(load: Any) -> None:
    with pytest.raises(SceneError) as caught:
        load(SCENE.replace("first =", "fiirst =").replace("pack.air", "pack.colour"))
    lines = [(mistake.line, mistake.where) for mistake in caught.value.mistakes]
    assert lines == [(14, "units.cell.with.fiirst"), (21, 'connect."cell_*.ambient"')]


def test_a_fault_on_all_is_one_on_each(load: Any) -> None:
    text = SCENE + '\n[faults.cold]\non = "cell_*.heat"\nkind = "stuck_at"\nvalue = "0 W"\nfrom = "0 s"\n'
    faults = load(text, cells=2).faults
    assert [(fault.name, fault.on) for fault in faults] == [
        ("cold_001", "cell_001.heat"),
        ("cold_002", "cell_002.heat"),
    ]


def test_a_shape_for_all_is_drawn_for_each(load: Any) -> None:
    text = (
        SCENE
        + """
[view.pictures.pack]
x = ["0 m", "1 m"]
y = ["0 m", "1 m"]

[view.pictures.pack.draw."cell_*"]
shape = "label"
x = "$(index * 10 cm)"
y = "0.5 m"
text = "cell $index"
value = "cell_*.temperature"
si = "degC"
"""
    )
    draw = load(text, cells=2).view["pictures"]["pack"]["draw"]
    assert list(draw) == ["cell_001", "cell_002"]
    assert draw["cell_002"]["value"] == "cell_002.temperature"
    assert draw["cell_002"]["x"] == "0.2 m"
    assert draw["cell_002"]["text"] == "cell 2"
