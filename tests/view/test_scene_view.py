"""The [view] table: what can be written, and what is said of mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from crumple.formula import FormulaError, parse_formula
from crumple.view.scene_view import check, read_event, read_view
from crumple.view.view_schema import view_schema
from crumple.view.vocabulary import PARTS, SHAPES, keys_of

SIGNALS = {
    "vehicle.crush": "m",
    "vehicle.velocity": "m/s",
    "controller.fire": "1",
    "cell.temperature": "degC",
    "radar.bearing": "rad",
    "radar.range": "m",
    "fmu.odd": None,
}
HEAD = '[pictures.side]\nx = ["-1 m", "1 m"]\n[pictures.side.draw]\n'


def mistakes(text: str) -> dict[str, str]:
    """What is wrong with a table, by path."""
    return {".".join(map(str, path)): said for path, said in check(tomllib.loads(text), SIGNALS)}


def drawn(line: str) -> dict[str, str]:
    """What is wrong with shapes."""
    return {path.removeprefix("pictures.side.draw."): said for path, said in mistakes(HEAD + line).items()}


# ---- formulas


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("-4.2 m + vehicle.crush", "m", -3.459),
        ("vehicle.crush", "mm", 741.0),
        ("-4.2", "m", -4.2),
        ("\u22124.2 m", "m", -4.2),
        ("2 * (vehicle.crush - 41 mm) / 2", "m", 0.7),
        ("vehicle.velocity * t", "m", 0.5),
        ("vehicle.velocity / 2 m", "1/s", 2.5),
        ("max(vehicle.crush, 1 m - 21 mm)", "m", 0.979),
        ("sqrt(vehicle.crush * vehicle.crush)", "m", 0.741),
        ("cell.temperature", "degC", 130.0),
        ("cell.temperature - 30 K", "degC", 100.0),
        ("-radar.bearing", "deg", -180.0),
        ("fmu.odd + 1 m", "m", 6.0),
        ("controller.fire > 0.5", "1", 1.0),
        ("controller.fire > 0.5 and t > 200 ms", "1", 0.0),
        ("cell.temperature > 129 °C or t < 0", "1", 1.0),
        ("'vehicle.crush' - 5 %*vehicle.crush", "m", 0.70395),
    ],
)
def test_a_formula_converts_units_and_computes_in_the_unit_that_is_wanted(text, wanted, value):
    now = {
        "vehicle.crush": 0.741,
        "vehicle.velocity": 5.0,
        "controller.fire": 1.0,
        "cell.temperature": 130.0,
        "radar.bearing": 3.141592653589793,
        "fmu.odd": 5.0,
        "t": 0.1,
    }
    formula = parse_formula(text)
    formula.check(SIGNALS, wanted)
    assert formula.bind(SIGNALS.get, wanted)(now.get) == pytest.approx(value, rel=1e-12)


def test_a_formula_without_a_sample_has_no_value():
    bound = parse_formula("max(vehicle.crush, 2 m) + radar.range").bind(SIGNALS.get, "m")
    assert bound({"vehicle.crush": 1.0}.get) is None
    assert parse_formula("1 m / radar.range").bind(SIGNALS.get, "1")({"radar.range": 0.0}.get) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vehicle.crsh", 'no signal "vehicle.crsh" in this scene. Did you mean "vehicle.crush"'),
        ("vehicle.velocity", '"vehicle.velocity" is a speed; a length ("m") is wanted.'),
        ("vehicle.crush + vehicle.velocity", "vehicle.crush is a length, vehicle.velocity is a speed"),
        ("vehicle.crush + 1", "1 has no unit, and vehicle.crush is a length: write a number with a unit"),
        ("vehicle.crush + 5 foo", "Unknown unit of measure 'foo'"),
        ("crush", "A signal is written with its unit"),
        ("vehicle.crush +", "something is missing at the end (column 16)"),
        ("(vehicle.crush", "')' is missing"),
        ("vehicle.crush ] 2", "']' has no place here (column 15)"),
        ("min(1)", "min takes two values or more"),
        ("", "is empty"),
        ("1 + " * 400 + "1", "longer than 500 characters"),
    ],
)
def test_a_formula_that_makes_no_sense_is_told_with_its_remedy(text, said):
    with pytest.raises(FormulaError) as caught:
        parse_formula(text).check(SIGNALS, "m")
    assert said in str(caught.value)


# ---- events


def test_an_event_is_a_time_a_metric_or_a_condition():
    assert read_event("10 ms") == ("time", 0.01)
    assert read_event(1.5) == ("time", 1.5)
    assert read_event("max(vehicle.crush)")[0] == "metric"
    assert read_event("controller.fire > 0.5")[0] == "when"
    assert read_event("max(vehicle.crush, 1 m) > 2 m")[0] == "when"


def test_an_event_that_says_no_moment_is_refused():
    found = mistakes(
        """
        [events]
        fire = "controller.fire"
        peak = "max(vehicle.crsh)"
        when = "10 m"
        flag = true
        clash = "vehicle.crush > 1 s"
        fine = "controller.fire > 0.5"
        """
    )
    assert set(found) == {"events.fire", "events.peak", "events.when", "events.flag", "events.clash"}
    assert '"controller.fire > 0.5"' in found["events.fire"]
    assert "vehicle.crush" in found["events.peak"]


# ---- mistakes


def test_a_view_without_mistakes_has_none():
    assert mistakes(HEAD + 'car = { shape = "vehicle", x = "vehicle.crush" }') == {}


@pytest.mark.parametrize(
    ("line", "path", "said"),
    [
        ('car = { shape = "vehicel" }', "car.shape", '"vehicel" is no shape. Did you mean "vehicle"?'),
        ("car = { x = 1 }", "car.shape", "is missing"),
        ("car = 3", "car", "must be a table, not 3"),
        ('car = { shape = "vehicle", crsh = 1 }', "car.crsh", 'unknown key. Did you mean "crush"?'),
        ('car = { shape = "vehicle", x = "vehicle.velocity" }', "car.x", "is a speed; a length"),
        ('car = { shape = "vehicle", ghost = "yes" }', "car.ghost", "must be true or false"),
        ('car = { shape = "vehicle", on = "road" }', "car.on", 'no shape "road" in this picture'),
        ('car = { shape = "box", width = 1 }', "car.height", "is missing: along y."),
        (
            'car = { shape = "box", width = 1, height = 1, colour = "belts" }',
            "car.colour",
            'Did you mean "belt"?',
        ),
        ('car = { shape = "box", width = 1, height = 1, colour = "#12345" }', "car.colour", '"#RRGGBB"'),
        ('car = { shape = "polygon", points = [[0, 0], [1, "1 s"]] }', "car.points.1", "is a time"),
        ('car = { shape = "box", width = 1, height = 1, count = 0 }', "car.count", "from 1 to 2000"),
        ('a = { shape = "label", text = "a" }', "a", 'stands nowhere: write at = "shape", or x and y.'),
        ('a = { shape = "image", file = "../x.png", width = 1 }', "a.file", "leaves the scene's folder"),
        (
            'a = { shape = "wall", faces = "lef" }',
            "a.faces",
            'must be "left" or "right", not "lef". Did you mean "left"?',
        ),
    ],
)
def test_a_mistake_names_the_key_the_fact_and_the_remedy(line, path, said):
    found = drawn(line)
    where = path.replace("car.points.1", "car.points.1.1") if "points" in path else path
    assert set(found) >= {where} or set(found) >= {path}, found
    assert said in found.get(where, found.get(path, ""))


def test_an_anchor_names_a_part_that_its_shape_has():
    found = drawn('d = { shape = "dummy" }\nl = { shape = "label", at = "d.hed", text = "x" }')
    assert found == {"l.at": 'a dummy has no part "hed". It has: chest, foot, hand, head, hip, knee.'}


def test_shapes_that_carry_each_other_are_named():
    found = drawn('a = { shape = "dummy", on = "b" }\nb = { shape = "dummy", on = "a" }')
    assert "a on b on a" in found["a.on"] + found.get("b.on", "")


def test_all_mistakes_are_told_at_once():
    found = mistakes(
        """
        [pictures.side]
        projection = "sid"
        nte = "x"
        [pictures.side.draw]
        car = { shape = "boxx" }
        [[charts]]
        si = "g"
        [[charts]]
        signal = "vehicle.crush"
        si = "kg"
        """
    )
    assert set(found) == {
        "pictures.side.projection",
        "pictures.side.nte",
        "pictures.side.x",
        "pictures.side.draw.car.shape",
        "charts.0",
        "charts.1.signal",
    }


def test_charts_take_one_signal_or_several_with_limits_in_any_unit():
    charts = read_view(
        tomllib.loads(
            """
            [[charts]]
            signal = "vehicle.crush"
            limit = "700 mm"
            range = [0, "0.8 m"]
            [[charts]]
            signals = ["vehicle.crush", "radar.range"]
            label = "lengths"
            """
        )
    ).charts
    assert [chart.signals for chart in charts] == [("vehicle.crush",), ("vehicle.crush", "radar.range")]
    assert charts[0].limits == ("700 mm",)
    assert charts[0].label == "vehicle.crush"
    assert charts[1].label == "lengths"


# ---- what is read


def test_a_counted_shape_is_drawn_as_often_with_its_number():
    view = read_view(
        tomllib.loads(
            HEAD + 'cell = { shape = "circle", radius = 1, x = "{i} * 2 m", heat = "pack.t_{n}", count = 3 }'
        )
    )
    shapes = view.pictures[0].shapes
    assert [shape.name for shape in shapes] == ["cell 1", "cell 2", "cell 3"]
    assert [shape.values["heat"].signals for shape in shapes] == [("pack.t_1",), ("pack.t_2",), ("pack.t_3",)]
    assert shapes[2].values["x"].bind({}.get, "m")({}.get) == 4.0


def test_a_picture_like_another_has_its_shapes_and_its_own():
    text = (
        HEAD
        + 'a = { shape = "dummy" }\n[pictures.near]\nx = [0, 1]\nlike = "side"\ndraw.b = { shape = "dummy" }'
    )
    assert mistakes(text) == {}
    near = read_view(tomllib.loads(text)).pictures[1]
    assert [shape.name for shape in near.shapes] == ["a", "b"]


def test_a_mistake_in_a_shared_shape_is_told_once():
    text = HEAD + 'a = { shape = "dummy", torsoo = 1 }\n[pictures.near]\nx = [0, 1]\nlike = "side"'
    assert set(mistakes(text)) == {"pictures.side.draw.a.torsoo"}
    wrong = HEAD + 'a = { shape = "dummy" }\n[pictures.near]\nx = [0, 1]\nlike = "sid"'
    assert 'Did you mean "side"?' in mistakes(wrong)["pictures.near.like"]


def test_a_viewer_leaves_out_what_is_wrong_and_shows_the_rest():
    view = read_view(tomllib.loads(HEAD + 'a = { shape = "boxx" }\nb = { shape = "dummy", torsoo = 1 }'))
    assert [shape.name for shape in view.pictures[0].shapes] == ["b"]
    assert read_view({"pictures": 3, "charts": "x"}).pictures == ()


def test_a_shape_stands_for_the_inputs_whose_signals_it_shows():
    (shape,) = (
        read_view(
            tomllib.loads(HEAD + 'a = { shape = "circle", radius = "radar.range", x = "vehicle.crush" }')
        )
        .pictures[0]
        .shapes
    )
    assert set(shape.units) == {"radar", "vehicle"}


def test_the_bundled_scenes_view_has_no_mistakes():
    import crumple
    from crumple.meanings import meanings

    scene = crumple.load_scene(Path(__file__).parents[2] / "scenes" / "frontal_barrier.toml")
    signals = {name: what["si"] for name, what in meanings(scene)["signals"].items()}
    assert check(scene.view, signals) == []
    assert [picture.name for picture in read_view(scene.view).pictures] == ["side", "driver"]


# ---- schema and words


def test_the_schema_knows_every_shape_and_key_and_is_plain_json():
    schema = json.loads(json.dumps(view_schema()))
    shapes = schema["properties"]["pictures"]["additionalProperties"]["properties"]["draw"][
        "additionalProperties"
    ]["oneOf"]
    by_kind = {shape["properties"]["shape"]["const"]: shape for shape in shapes}
    assert set(by_kind) == set(SHAPES)
    for kind, shape in by_kind.items():
        assert set(shape["properties"]) == set(keys_of(kind))
        assert all(what["description"] for what in shape["properties"].values())


def test_parts_are_those_of_shapes_that_there_are():
    assert set(PARTS) <= set(SHAPES)


def test_reading_a_view_needs_neither_pygame_nor_numpy():
    code = "import sys, crumple.view.scene_view as s; s.read_view({'events': {'a': '1 s'}}); "
    code += "print(*(m for m in ('pygame', 'numpy', 'pydantic') if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.split() == []


def test_the_guide_describes_every_shape_and_every_key():
    guide = Path(__file__).parents[2] / "docs" / "view.md"
    text = guide.read_text(encoding="utf-8")
    for kind, what in SHAPES.items():
        assert f"### {kind}" in text
        for key in what.keys:
            assert f"`{key}`" in text, f"{kind}.{key}"


# ---- formulas that are not what they seem


@pytest.mark.parametrize(
    "text", ["(" * 100 + "1" + ")" * 100, "-" * 200 + "1", "1" + "+1" * 200, "max(" * 90 + "1, 1)"]
)
def test_a_formula_that_is_nested_too_deeply_is_refused_not_crashed_on(text):
    with pytest.raises(FormulaError):
        parse_formula(text)


def test_a_formula_cannot_hold_code():
    name = "a.b'); __import__('os').abort(); ('"
    formula = parse_formula(f'"{name}" + 1')
    assert formula.signals == (name,)
    assert formula.bind(lambda _: None, "1")({name: 2.0}.get) == 3.0
    for text in ("__import__('os')", "get.__class__", "lambda: 1", "1 if t else 2", "[1]", "{n}"):
        with pytest.raises(FormulaError):
            parse_formula(text).check(SIGNALS)


def test_a_formula_whose_value_is_beyond_all_bounds_has_none():
    bound = parse_formula("fmu.odd * fmu.odd").bind(SIGNALS.get, "m")
    assert bound({"fmu.odd": 1e200}.get) is None
    assert bound({"fmu.odd": 1e100}.get) == 1e200


@pytest.mark.parametrize(
    "text", ["fmu.odd > 0 or controller.fire > 0", "fmu.odd > 0 and controller.fire > 0"]
)
def test_a_condition_of_which_a_part_has_no_sample_is_not_known(text):
    bound = parse_formula(text).bind(SIGNALS.get, "1")
    assert bound({"fmu.odd": 1.0}.get) is None
    assert bound({"controller.fire": 1.0}.get) is None
    assert bound({"fmu.odd": 1.0, "controller.fire": 1.0}.get) == 1.0
