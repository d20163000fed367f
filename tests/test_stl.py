"""Requirements over time: what can be written, what it means, and what becomes of the verdict."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import crumple
from crumple import Input, Output, Parameter, Unit, World
from crumple.errors import SceneError
from crumple.formula import FormulaError, parse_formula
from crumple.scene import compose, load_scene
from crumple.stl import parse_stl, ticks

UNITS = {"car.speed": "km/h", "car.gap": "m", "car.brake": None, "car.gear": None}
KINDS = {"car.brake": "boolean", "car.gear": "integer"}


def judged(text, columns, *, period="100 ms", closing="whole"):
    """The finding over columns of samples, by name."""
    judge = parse_stl(text).judge(
        "r",
        period=Fraction(period.split()[0]) / 1000,
        si_of=UNITS.get,
        kind_of=lambda name: KINDS.get(name, "real"),
    )
    names = list(columns)
    rows = np.column_stack([np.asarray(columns[name], np.float64) for name in names])
    return judge.over(names, rows, float(period.split()[0]) / 1000, 0.0, closing)


# ---- what it means


@pytest.mark.parametrize(
    ("text", "low"),
    [
        ("always(car.gap > 2 m)", -1.0),
        ("always[0, 200 ms](car.gap > 2 m)", 1.0),
        ("always[200 ms, 300 ms](car.gap > 2 m)", 0.0),
        ("eventually[300 ms, end](car.gap > 2 m)", 3.0),
        ("not eventually(car.gap > 6 m)", 1.0),
        ("always(car.gap < 3 m implies eventually[0, 100 ms](car.gap > 4 m))", 0.0),
        ("car.gap > 2 m until[100 ms, 400 ms] car.gap > 4.5 m", 0.0),
        ("car.gap < 5 m until car.gap >= 5 m", 0.0),
        ("always[100 ms, 300 ms](once[100 ms, 100 ms](car.gap > 3.5 m))", -0.5),
        ("eventually[300 ms, 300 ms](historically(car.gap < 5 m))", 1.0),
        ("always(car.gap > 0 m) and eventually(car.gap > 4 m)", 1.0),
        ("always(car.speed < 54 km/h)", 5.0),
    ],
)
def test_the_distance_is_in_base_units_as_the_operators_say(text, low):
    columns = {"car.gap": [3.0, 4.0, 3.0, 2.0, 5.0, 1.0, 5.0], "car.speed": [36.0] * 7}
    found = judged(text, columns)
    assert found.low == found.high == pytest.approx(low, abs=1e-12)


def test_a_window_has_the_communication_points_within_it():
    assert ticks((Fraction(0), Fraction(150, 1000)), Fraction(40, 1000)) == (0, 3)
    assert ticks((Fraction(1, 10), Fraction(1, 5)), Fraction(1, 60)) == (6, 12)
    found = judged("always[0, 150 ms](car.gap > 2 m)", {"car.gap": [3, 3, 3, 3, 1]}, period="40 ms")
    assert found.holds
    with pytest.raises(FormulaError, match="no tick lies from"):
        parse_stl("always[1 ms, 30 ms](car.gap > 2 m)").check_windows(Fraction(40, 1000))


def test_booleans_and_equal_whole_numbers_know_no_distance():
    fired = {"car.brake": [0, 0, 1], "car.gear": [1, 2, 3]}
    assert judged("eventually(car.brake)", fired).low == math.inf
    assert judged("always(not car.brake)", fired).high == -math.inf
    assert judged("eventually(car.gear == 3)", fired).low == math.inf
    assert judged("always(car.gear != 2)", fired).high == -math.inf
    assert judged("always(car.gear < 5)", fired).low == 2.0


def test_not_turns_comparisons_and_operators():
    columns = {"car.gap": np.random.default_rng(4).uniform(0, 9, 60)}
    for inner in (
        "always[0, 1 s](car.gap > 4 m)",
        "eventually[200 ms, 1 s](once[0, 300 ms](car.gap < 2 m) and car.gap != 3 m)",
        "(car.gap > 1 m) until[100 ms, 2 s] (historically[0, 200 ms](car.gap < 7 m))",
        "always[0, 1 s](car.gap > 3 m implies eventually[0, 500 ms](car.gap <= 3 m))",
    ):
        plain, turned = judged(inner, columns), judged(f"not ({inner})", columns)
        assert plain.low == plain.high == -turned.low == -turned.high
        assert plain.holds == turned.broken


# ---- what can be written


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("alwaysx(car.gap > 1 m)", 1, 'Did you mean "always"'),
        ("always car.gap > 1 m", 8, "always is followed by its formula in brackets"),
        ("always[0, 3](car.gap > 1 m)", 11, "3 has no unit: write 3 s, or 3 ms"),
        ("always[0 s](car.gap > 1 m)", 11, "a window has two bounds"),
        ("always[0, 3 m](car.gap > 1 m)", 11, "'3 m' is a length; a time in 's' is wanted"),
        ("always[2 s, 1 s](car.gap > 1 m)", 13, "ends before it begins"),
        ("always[-1 s, 0 s](car.gap > 1 m)", 8, "use once or historically"),
        ("always[0, 1 s (car.gap > 1 m)", 15, "']' is missing"),
        ("always(car.gap > 1 s)", 18, "they do not go together"),
        ("always(car.gap > 1 m and)", 25, "')' has no place here"),
        ("2 * always(car.gap > 1 m) > 3", 5, "cannot stand in a sum or a comparison"),
        ("car.gap > 1 m", 1, "write always(car.gap > 1 m)"),
        ("once(car.gap > 1 m)", 1, "judged at the start of the run only"),
        ("always(car.gap > 1 m", 21, "')' is missing"),
    ],
)
def test_a_mistake_is_pointed_at(text, column, said):
    with pytest.raises(FormulaError) as caught:
        parse_stl(text).check(UNITS.get)
    assert said in caught.value.fact
    assert caught.value.column == column


def test_a_formula_that_is_nested_without_end_is_refused_not_crashed_on():
    for text in ("always(" * 100 + "t > 1 s" + ")" * 100, "not " * 300 + "t > 1 s", "(" * 900):
        with pytest.raises(FormulaError):
            parse_stl(text)


# ---- in runs


class Car(Unit):
    """Falls short of its distance once and recovers."""

    gap = Output("m", start=10.0)
    odd = Output("m", start=1.0, allow_nonfinite=True)
    warning = Output(kind="boolean", start=False)
    late = Parameter(0.3, "s", doc="of the warning")
    blank = Parameter(0.0, "s", doc="where odd is NaN for a tick")

    def step(self, now):
        t = now.t + now.dt
        self.gap = 10.0 - 8.0 * max(0.0, 1.0 - abs(t - 1.0))
        self.warning = t > 0.5 + self.late
        self.odd = math.nan if self.blank > 0 and abs(t - self.blank) < 0.5 * now.dt else 1.0


HEAD = """
crumple = 1
[parameters]
late = { default = "300 ms" }
blank = { default = "0 s" }
[clock]
period = "10 ms"
stop = "3 s"
[units.car]
plugin = "car.py:Car"
with = { late = "$late", blank = "$blank" }
"""


@pytest.fixture
def scene(tmp_path: Path):
    import inspect

    source = "import math\nfrom crumple import Output, Parameter, Unit\n\n" + inspect.getsource(Car)
    (tmp_path / "car.py").write_text(source)

    def write(requirements: str, clock: str = "") -> Path:
        path = tmp_path / "scene.toml"
        path.write_text(HEAD.replace('stop = "3 s"', f'stop = "3 s"\n{clock}') + requirements)
        return path

    return write


def run(path: Path, **options):
    return crumple.run(path, out=path.parent / "runs", **options)


WARNS = '[requirements.warns]\nholds = "always(car.gap < 6 m implies eventually[0, 400 ms](car.warning))"\n'


def test_a_requirement_tells_margin_worst_moment_values_and_what_decided(scene):
    result = run(scene('[requirements.near]\nholds = "always[0, 2 s](car.gap > 4 m)"\n'))
    assert result.verdict == "fail"
    [near] = result.requirements
    assert (near.value, near.limit, near.si, near.relation) == (2.0, 4.0, "m", "min")
    assert near.margin == pytest.approx(-0.5)
    assert near.distance == pytest.approx(-2.0)
    assert near.worst == (1.0, 1.0)
    assert near.decided == pytest.approx(0.75)
    assert near.part == "car.gap > 4 m"
    assert near.values == (("car.gap", 2.0, "m"),)
    assert near.reason == "near: car.gap 2 m is below 4 m by 50 % at 1 s (first broken at 750 ms)"


def test_an_answer_in_time_passes_and_a_late_one_fails(scene):
    path = scene(WARNS)
    result = run(path)
    assert result.verdict == "pass"
    assert result.requirements[0].margin is not None
    late = run(path, set={"late": "600 ms"})
    assert late.verdict == "fail"
    assert late.requirements[0].decided == pytest.approx(0.91)
    assert late.requirements[0].part == "car.gap >= 6 m"


def test_a_horizon_that_was_not_seen_is_inconclusive_never_a_pass(scene):
    path = scene('[requirements.near]\nholds = "always[0, 2.9 s](car.gap > 1 m)"\n')
    result = run(path, stop="2 s")
    assert result.verdict == "inconclusive"
    assert "not decided by 2 s" in result.reason
    assert run(path).verdict == "pass"
    broken = scene('[requirements.near]\nholds = "always[0, 2.9 s](car.gap > 4 m)"\n')
    assert run(broken, stop="2 s").verdict == "fail"
    endless = scene('[requirements.near]\nholds = "always(car.gap > 1 m)"\n')
    assert run(endless, stop="2 s").verdict == "inconclusive"
    assert run(endless).verdict == "pass"
    inner = scene(
        '[requirements.near]\nholds = "always(car.gap > 9 m implies eventually[0, 500 ms](car.gap < 9 m))"\n'
    )
    assert run(inner).verdict == "fail"  # at 0 s already
    inner = scene('[requirements.near]\nholds = "always(eventually[0, 2.1 s](car.gap >= 10 m))"\n')
    assert run(inner).verdict == "pass"
    inner = scene(
        '[requirements.near]\nholds = "always(car.warning implies eventually[0, 4 s](car.gap > 11 m))"\n'
    )
    assert run(inner).verdict == "inconclusive"


def test_nan_cannot_pass(scene):
    path = scene('[requirements.sane]\nholds = "always(car.odd < 2 m)"\n')
    assert run(path).verdict == "pass"
    result = run(path, set={"blank": "1.5 s"})
    assert result.verdict == "inconclusive"
    assert result.reason == "sane: car.odd < 2 m is not known at 1.5 s: it is NaN there"
    path = scene('[requirements.sane]\nholds = "always(not car.odd >= 2 m)"\n')
    assert run(path, set={"blank": "1.5 s"}).verdict == "inconclusive"


def test_a_requirement_that_stops_the_run_ends_it_when_it_is_decided(scene):
    path = scene('[requirements.near]\nholds = "always(car.gap > 4 m)"\nstop = true\n')
    result = run(path)
    assert (result.verdict, result.tick) == ("fail", 75)
    assert "the run ended at 750 ms, where requirement 'near' was decided" in result.reason
    path = scene('[requirements.near]\nholds = "eventually(car.gap < 4 m)"\nstop = true\n')
    result = run(path)
    assert (result.verdict, result.tick) == ("pass", 76)
    others = '[requirements.far]\nsignal = "car.gap"\nmax = "11 m"\n'
    result = run(scene(path.read_text().split("}\n")[-1] + others))
    assert (result.verdict, result.tick) == ("inconclusive", 76)  # far was not seen to its end


def test_end_when_ends_the_run_and_the_windows_with_it(scene):
    requirements = (
        '[requirements.near]\nholds = "always[0, 2.9 s](car.gap > 1 m)"\n'
        '[requirements.old]\nsignal = "car.gap"\nmin = "1 m"\nuntil = "2.5 s"\n'
        '[requirements.last]\nsignal = "car.gap"\nmax = "2.5 m"\nat = "end"\n'
    )
    result = run(scene(requirements, 'end_when = "car.gap < 2.2 m"'))
    assert (result.verdict, result.tick) == ("pass", 98)
    assert result.reason == "3 of 3 requirements held; the run ended at 980 ms by end_when: car.gap < 2.2 m"
    assert all(r.complete for r in result.requirements)
    verdict = json.loads((result.folder / "verdict.json").read_text())
    assert (verdict["ended"], verdict["tick"], verdict["ticks"]) == ("end_when", 98, 300)
    open_ = run(scene(WARNS, 'end_when = "car.gap < 5.5 m"'))  # before the answer, and before it is due
    assert (open_.verdict, open_.tick) == ("inconclusive", 57)
    begun = scene(
        '[requirements.old]\nsignal = "car.gap"\nmin = "1 m"\nfrom = "2 s"\n', 'end_when = "car.gap < 2.2 m"'
    )
    assert run(begun).verdict == "inconclusive"


def test_a_run_on_the_wall_clock_ends_and_is_judged_as_a_free_one(scene):
    path = scene(WARNS, 'end_when = "car.gap < 2.2 m"')
    free = run(path)
    timed = run_paced(path)
    assert (timed.verdict, timed.tick, timed.digest) == (free.verdict, free.tick, free.digest)
    assert timed.requirements == free.requirements


def run_paced(path: Path):
    from crumple.execution import Watch, execute

    return execute(path, out=path.parent / "runs", mode="realtime", speed=50.0, watch=Watch())


def test_a_replay_and_a_reloaded_result_say_the_same(scene):
    result = run(scene(WARNS, 'end_when = "car.gap < 2.2 m"'))
    again = crumple.open_run(result.folder)
    assert again.requirements == result.requirements
    from crumple.replaying import replay

    replayed = replay(result, out=result.folder.parent)
    assert replayed.same is True
    assert (replayed.tick, replayed.verdict) == (result.tick, result.verdict)
    assert replayed.requirements[0].worst == result.requirements[0].worst


def test_the_recording_gives_the_same_judgement_as_the_core(scene):
    from crumple.meanings import requirements_of
    from crumple.requirement import Seen, evaluate

    result = run(scene(WARNS + '[requirements.near]\nholds = "always[0, 2 s](car.gap > 4 m)"\n'))
    manifest = json.loads((result.folder / "manifest.json").read_text())
    required = requirements_of(manifest)
    seen = Seen(signals=result.signals, period=0.01, start=0.0, horizon=3.0, t=3.0, si_of=lambda name: None)
    for each in result.requirements:
        found = evaluate(required[each.name], seen)
        assert (found.status, found.value, found.worst) == (each.status, each.value, each.worst)


def test_forks_and_snapshots_carry_what_is_known(scene):
    plan = load_scene(
        scene(WARNS + '[requirements.near]\nholds = "always(historically[0, 500 ms](car.gap > 4 m))"\n')
    )
    world = compose(plan)
    world.reset()
    world.step(90)
    shot = world.snapshot()
    twin = world.fork()
    world.step(210)
    twin.step(210)
    whole = [world.finding(name, "whole").low for name in ("warns", "near")]
    assert [twin.finding(name, "whole").low for name in ("warns", "near")] == whole
    world.restore(shot)
    assert world.finding("near").high == pytest.approx(4.0 - world["car.gap"] - 2 * (4.0 - world["car.gap"]))
    world.step(210)
    assert [world.finding(name, "whole").low for name in ("warns", "near")] == whole


def test_a_world_in_python_takes_requirements_and_an_end():
    class Ramp(Unit):
        go = Input("1", start=1.0)
        x = Output("m", start=0.0)

        def step(self, now):
            self.x += 0.1 * self.go

    world = World(period="100 ms")
    world.add("ramp", Ramp())
    judge = parse_stl("always(ramp.x < 450 mm)").judge(
        "low", period=world.period, si_of=lambda name: "m", kind_of=lambda name: "real"
    )
    world.add_requirement(judge)
    world.end_when(parse_formula("ramp.x > 0.8 m").program(lambda name: "m"))
    world.reset()
    world.step(100)
    assert (world.tick, world.ended) == (9, "")
    found = world.finding("low", "ended")
    assert found.broken
    assert (found.decided, found.high_tick) == (5, 9)
    assert world.drive(100) == "ended"


# ---- mistakes in scenes


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            'holds = "always(car.gup > 4 m)"',
            'has no output "gup". Did you mean "gap"? (column 8).\n      always(',
        ),
        (
            'holds = "always[0, 4 s](car.gap > 4 m)"',
            "this window ends at 4 s, and the run is 3 s long (column 1)",
        ),
        ('holds = "always(car.gap > 4 m)"\nmax = 3', "holds: write it into the formula"),
        ('signal = "car.gap"\nmax = "3 m"\nstop = true', "has a meaning only beside holds"),
        ('holds = "always(car.gap > 4 m)"\nwhen = "nothing > 3"', '"nothing" is no parameter'),
    ],
)
def test_a_scene_says_what_is_wrong_with_a_requirement(scene, table, said):
    with pytest.raises(SceneError) as caught:
        load_scene(scene(f"[requirements.r]\n{table}\n"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("car.gap", "this is no condition: write one, as in car.gap > 0.5 (column 1)"),
        ("car.gap < 3 s", "they do not go together (column 11)"),
        ("cor.gap < 3 m", "(column 1)"),
    ],
)
def test_a_scene_says_what_is_wrong_with_its_end(scene, condition, said):
    with pytest.raises(SceneError) as caught:
        load_scene(scene("", f'end_when = "{condition}"'))
    assert "clock.end_when" in str(caught.value)
    assert said in str(caught.value)


def test_a_requirement_that_does_not_apply_is_not_judged(scene):
    result = run(scene(WARNS + 'when = "late > 1 s"\n', 'end_when = "car.warning"'))
    assert result.verdict == "done"
    assert result.requirements[0].status == "not_applicable"
