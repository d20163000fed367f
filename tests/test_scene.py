"""Scenes: loading, checking, composing. One file for each mistake stands in `broken/`."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.errors import SceneError
from crumple.scene import Scene, compose, load_scene
from fmu_build import build_fmu

BROKEN = Path(__file__).parent / "broken"
PLUGINS = '''
from crumple import Input, Output, Parameter, Unit

class Ramp(Unit):
    """a = slope * t, published at the end of each step."""
    a = Output("m/s^2")
    wide = Output("m/s", shape=3)
    word = Output(kind="string")
    slope = Parameter(2.0, "m/s^3", min=0.0, max=100.0)
    tags = Parameter([1.0, 2.0], "m")
    loud = Parameter(False)
    mode = Parameter("up")

    def step(self, now):
        self.a = self.slope * (now.t + now.dt)
        self.wide = [1.0, 2.0, 3.0]

class Meter(Unit):
    a = Input("g")
    part = Input("km/h")
    word = Input(kind="string")
    y = Output("g")

    def step(self, now):
        self.y = self.a
'''
SCENE = """
crumple = 1
title = "a ramp"

[clock]
period = "1 ms"
stop = "1 s"

[parameters]
slope = { default = "2 m/s^3", min = "0.5 m/s^3", max = "10 m/s^3" }
rate = 5

[units.ramp]
plugin = "plugins.py:Ramp"
with = { slope = "$slope" }

[units.meter]
plugin = "plugins.py:Meter"
every = "$rate"

[connect]
"meter.a" = "ramp.a"
"meter.part" = "ramp.wide[1]"
"""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a scene, with the plugins beside it, and returns its path."""
    (tmp_path / "plugins.py").write_text(PLUGINS)

    def scene(text: str = SCENE, name: str = "ramp.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return scene


def mistakes(path: Path, **arguments: Any) -> list[str]:
    """What is reported, "where: text"."""
    with pytest.raises(SceneError) as caught:
        load_scene(path, **arguments)
    return [f"{m.where}: {m.text}" for m in caught.value.mistakes]


# ---- mistakes


def expected(path: Path) -> tuple[list[str], dict[str, str]]:
    """The messages that a broken scene asks for in its first lines, and what to set."""
    lines = path.read_text(encoding="utf-8").splitlines()
    messages = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    given = dict(line.removeprefix("# set: ").split("=", 1) for line in lines if line.startswith("# set: "))
    return messages, given


def said(row: str, message: str) -> bool:
    """Whether a row is the message. "{here}" is the folder, "{any}" whatever this machine has installed."""
    wanted = (
        re.escape(message)
        .replace(re.escape("{any}"), ".*")
        .replace(re.escape("{here}"), re.escape(str(BROKEN)))
    )
    return re.fullmatch(wanted, " ".join(row.split())) is not None


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.toml")), ids=lambda path: path.stem)
def test_a_broken_scene_gives_its_messages_and_no_others(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    messages, given = expected(path)
    assert messages, f"{path.name} says nothing of what it expects"
    with pytest.raises(SceneError) as caught:
        load_scene(path.name, set=given)
    rows = caught.value.rows()
    assert [row for row, message in zip(rows, messages, strict=True) if not said(row, message)] == []


def test_there_are_broken_scenes_of_every_sort() -> None:
    sorts = {path.stem.split("_")[0] for path in BROKEN.glob("*.toml")}
    wanted = {"text", "shape", "clock", "parameter", "set", "unit", "connect", "record", "require", "include"}
    assert wanted <= sorts
    assert len(list(BROKEN.glob("*.toml"))) >= 100


def test_the_error_shows_all_mistakes_in_columns_and_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    with pytest.raises(SceneError) as caught:
        load_scene("many.toml")
    lines = str(caught.value).splitlines()
    assert lines[-1] == "3 mistakes. Nothing was loaded."
    texts = ["unknown key", "input of unit", "m cannot feed kg"]
    assert len({line.index(text) for line, text in zip(lines, texts, strict=False)}) == 1


def test_a_file_that_does_not_exist_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert mistakes(Path("no.toml")) == ["no.toml: does not exist."]
    assert mistakes(tmp_path) == [f"{tmp_path}: is a folder; name a file in it."]
    [text] = mistakes("no_such_scene")  # type: ignore[arg-type]
    assert "no bundled scene has this name" in text
    (tmp_path / "mine.toml").write_text("")
    assert "called mine.toml" in mistakes("mine")[0]  # type: ignore[arg-type]


def test_bytes_that_are_no_text_are_placed(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('crumple = 1\ntitle = "Öl"\n'.encode("latin-1"))
    with pytest.raises(SceneError) as caught:
        load_scene(tmp_path / "latin.toml")
    [mistake] = caught.value.mistakes
    assert (mistake.line, mistake.text) == (2, "is not UTF-8, which TOML must be: save the file as UTF-8.")


def test_a_byte_order_mark_and_windows_line_ends_are_read(write: Any) -> None:
    path = write()
    path.write_bytes(b"\xef\xbb\xbf" + SCENE.replace("\n", "\r\n").encode())
    assert load_scene(path).title == "a ramp"
    path.write_bytes(b"\xef\xbb\xbf" + SCENE.replace("\n", "\r\n").replace("every", "ever").encode())
    with pytest.raises(SceneError) as caught:
        load_scene(path)
    assert caught.value.mistakes[0].line == 19


# ---- a good scene


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


# ---- parameters and what is set from outside


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


# ---- including


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


# ---- requirements and recording


def requirement(write: Any, text: str) -> Any:
    [found] = load_scene(write(f"{SCENE}[requirements.a]\n{text}")).requirements
    return found


def test_limits_are_kept_in_the_unit_of_the_signal_and_in_that_of_the_scene(write: Any) -> None:
    found = requirement(write, 'signal = "ramp.a"\nmax = "60 g"\nmin = -1.5')
    assert (found.source_si, found.si) == ("m/s^2", "g")
    upper, lower = found.limits
    assert (upper.relation, upper.value, upper.shown) == ("max", 588.399, 60.0)
    assert (lower.relation, lower.value) == ("min", -1.5)
    assert lower.shown == pytest.approx(-1.5 / 9.80665, rel=1e-15)


def test_a_metric_takes_its_limit_in_its_own_unit(write: Any) -> None:
    found = requirement(write, 'metric = "first_time(ramp.a, 1 m/s^2)"\nmax = "16.9 ms"')
    assert (found.source_si, found.si, found.limits[0].value) == ("s", "ms", 0.0169)
    assert requirement(write, 'metric = "hic15(ramp.a)"\nmax = 700').limits[0].shown == 700.0


def test_a_window_is_exact_and_the_end_is_the_end(write: Any) -> None:
    found = requirement(write, 'signal = "ramp.a"\nmax = 1\nfrom = "0.1 s"\nuntil = 0.2\ndoc = "why"')
    assert (found.start, found.until, found.at_end, found.doc) == (0.1, 0.2, False, "why")
    found = requirement(write, 'signal = "ramp.a"\nequals = 2\nwithin = "1 cm/s^2"\nat = "end"')
    assert (found.start, found.until, found.at_end) == (None, None, True)
    assert (found.limits[0].value, found.limits[0].within) == (2.0, 0.01)


def test_true_and_false_are_one_and_zero(write: Any) -> None:
    assert requirement(write, 'signal = "ramp.a"\nequals = false').limits[0].value == 0.0


def groups(write: Any, text: str) -> list[tuple[tuple[str, ...], int]]:
    return [(group.signals, group.every) for group in load_scene(write(SCENE + text)).record]


def test_everything_is_recorded_unless_something_is_said(write: Any) -> None:
    everything = ("ramp.a", "ramp.wide", "ramp.word", "meter.y")
    assert groups(write, "") == [(everything, 1)]
    assert groups(write, "[record]\nevery = 10") == [(everything, 10)]
    assert groups(write, '[record]\nsignals = ["ramp.?", "meter.*"]') == [(("ramp.a", "meter.y"), 1)]
    assert groups(write, "[record]\nsignals = []") == []


def test_rates_are_kept_apart_and_equal_rates_together(write: Any) -> None:
    text = """
[[record]]
signals = "ramp.*"
period = "5 ms"
[[record]]
signals = "meter.y"
[[record]]
signals = ["ramp.a", "meter.y"]
every = 5
"""
    assert groups(write, text) == [(("meter.y",), 1), (("ramp.a", "ramp.wide", "ramp.word", "meter.y"), 5)]


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
