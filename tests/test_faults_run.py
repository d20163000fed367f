"""Faults of a run: what lets them act, what is told of them, and that a replay has them, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple.cli.app import invoke
from crumple.errors import SceneError, UsageError
from crumple.execution import Watch, execute
from crumple.faults import FaultPlan
from crumple.live.plan import STAMPS, Channel
from crumple.replaying import replay
from crumple.scene import load_scene
from crumple.tape import Tape
from fault_scene import COUNT, READ, scene_with

Run = Callable[..., crumple.Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_it(faults: str, **options: Any) -> crumple.Result:
        return crumple.run(scene_with(tmp_path, faults), out=tmp_path / "runs", **options)

    return run_it


def fault_events(result: crumple.Result) -> list[tuple[Any, ...]]:
    return [(e["fault"], e["do"], e["tick"], e["t"]) for e in result.events if e["event"] == "fault"]


BIAS = '[faults.off_by_ten]\non = "read.u"\nkind = "bias"\nvalue = "10 m"\n'
SPOKEN = (
    'id = "FMEA-12"\ndoc = "a loose plug"\n[faults.off_by_ten.tags]\nseverity = "S3"\nasil = "B"\nrank = 4\n'
)


def test_a_fault_is_told_in_events_verdict_manifest_and_signals(run: Run) -> None:
    result = run(BIAS + 'from = "500 ms"\nuntil = "700 ms"\n' + SPOKEN)
    assert fault_events(result) == [("off_by_ten", "begins", 5, 0.5), ("off_by_ten", "ends", 7, 0.7)]
    told = json.loads((result.folder / "verdict.json").read_text())["faults"]
    assert told == [
        {
            "name": "off_by_ten",
            "on": "read.u",
            "kind": "bias",
            "id": "FMEA-12",
            "doc": "a loose plug",
            "tags": {"severity": "S3", "asil": "B", "rank": 4},
            "acted": [{"from": 0.5, "until": 0.7}],
        }
    ]
    assert result.faults == told
    assert result.manifest["faults"][0]["tags"] == {"severity": "S3", "asil": "B", "rank": 4}
    assert result.signals["fault.off_by_ten.before"][5:9].tolist() == [4, 5, 6, 7]
    assert result.signals["fault.off_by_ten.after"][5:9].tolist() == [4, 15, 16, 7]


def test_a_fault_that_never_acts_leaves_every_bit_as_it_was(run: Run) -> None:
    plain = run("")
    for when in (
        "off = true",
        "manual = true",
        'from = "500 ms"\nprobability = 0',
        'when = "count.x > 1 km"',
    ):
        idle = run(BIAS + when)
        assert idle.digest == plain.digest
        assert idle.verdict == plain.verdict
        assert fault_events(idle) == []
    assert "fault.off_by_ten.active" not in run(BIAS + "off = true").signals
    assert run(BIAS + "from = 0").digest != plain.digest


def test_a_fault_that_is_off_acts_when_it_is_named(run: Run) -> None:
    faults = (
        BIAS
        + 'off = true\nfrom = "500 ms"\n[faults.by_hand]\non = "count.x"\nkind = "freeze"\nmanual = true\n'
    )
    named = run(faults, inject=["off_by_ten"])
    assert fault_events(named) == [("off_by_ten", "begins", 5, 0.5)]
    assert fault_events(run(faults, inject=["off_by_ten@1.2s"])) == [("off_by_ten", "begins", 12, 1.2)]
    assert fault_events(run(faults, inject=["by_hand"])) == [("by_hand", "begins", 1, 0.1)]
    both = run(faults, inject=["by_hand@800ms", "off_by_ten"])
    assert [event[:2] for event in fault_events(both)] == [("off_by_ten", "begins"), ("by_hand", "begins")]
    assert "fault.by_hand.active" in both.signals


@pytest.mark.parametrize(
    ("inject", "says"),
    [
        ("of_by_ten", 'no fault "of_by_ten". Did you mean "off_by_ten"?'),
        ("off_by_ten@3 s", "the run goes from 0 s to 2 s"),
        ("off_by_ten@soon", "--inject off_by_ten@soon: "),
    ],
)
def test_what_cannot_be_injected_is_refused(run: Run, inject: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        run(BIAS + "off = true", inject=[inject])
    assert says in str(refused.value)


def test_conditions_and_events_begin_faults(run: Run) -> None:
    faults = """
[faults.fast]
on = "read.u"
kind = "gain"
value = 0
when = "count.x > 7 m and not count.odd"
duration = "200 ms"
[faults.odd]
on = "second.u"
kind = "stuck_at"
value = "-1 m"
while = "count.odd"
from = "1.6 s"
[faults.then]
on = "count.by"
kind = "stuck_at"
value = 0
event = "fast"
[faults.seen]
on = "third.u"
kind = "sign_flip"
event = "late"
[view.events]
late = "t > 1.75 s"
"""
    result = run(faults)
    assert fault_events(result)[:2] == [("fast", "begins", 8, 0.8), ("then", "begins", 8, 0.8)]
    assert result.signals["read.y"][[8, 9, 10, 11]].tolist() == [7, 0, 0, 8]
    assert result.signals["count.x"][[8, 9, 20]].tolist() == [8, 8, 8]
    assert result.signals["third.y"][[18, 19]].tolist() == [8, -8]
    assert ("seen", "begins", 18) in [event[:3] for event in fault_events(result)]


def test_a_fault_that_comes_and_goes_without_end_is_not_told_without_end(tmp_path: Path) -> None:
    scene = scene_with(tmp_path, BIAS + 'while = "count.odd"', period="1 ms")
    result = crumple.run(scene, out=tmp_path / "runs")
    assert len(fault_events(result)) == 400
    assert any("no more of it is told" in e.get("text", "") for e in result.events)
    assert result.signals["fault.off_by_ten.active"].sum() == 1000


NOISY = """
[faults.noise]
on = "count.x"
kind = "noise"
sigma = "1 m"
from = "300 ms"
[faults.late]
on = "read.u"
kind = "delay"
delay = "300 ms"
jitter = "400 ms"
from = 0
[faults.lost]
on = "second.u"
kind = "dropout"
chance = 0.4
probability = 0.5
from = 0
[faults.hand]
on = "third.u"
kind = "drift"
rate = 3
manual = true
"""


def test_a_replay_has_the_faults_of_its_run(run: Run, tmp_path: Path) -> None:
    result = run(NOISY, inject=["hand@1.1s"], seed=7)
    again = replay(result.folder, out=tmp_path / "again")
    assert again.same and again.digest == result.digest
    assert fault_events(again) == fault_events(result)
    assert run(NOISY, inject=["hand@1.1s"], seed=8).digest != result.digest
    assert run(NOISY, inject=["hand@1.1s"], seed=7, threads=1, isolate=True).digest == result.digest


def test_a_fault_on_a_live_sensor_is_replayed_from_what_came_over_the_wire(tmp_path: Path) -> None:
    text = """
[sensors.front]
zmq = "tcp://127.0.0.1:5555"
channels = { a = "m" }
[connect]
"read.u" = "front.a"
[faults.noise]
on = "front.a"
kind = "noise"
sigma = "1 m"
from = "500 ms"
[faults.lost]
on = "front.a"
kind = "dropout"
hold = "missing"
flag = "front.state"
chance = 0.3
from = "1 s"
"""
    scene = load_scene(scene_with(tmp_path, text, connect=False))
    names = ["a", *STAMPS]
    rows = np.zeros((21, len(names)))
    rows[:, 0] = np.arange(21.0)
    rows[:, names.index("state")] = 1.0
    rows[:, names.index("sequence")] = np.arange(21.0)
    channels = [Channel(name="a", si="m"), *(Channel(name=n, kind=k, si=si) for n, (k, si) in STAMPS.items())]
    tape = Tape(np.arange(21) * 0.1, {"front": (tuple(channels), rows)}, source="test")
    first = execute(scene, out=tmp_path / "runs", tape=tape, watch=Watch())
    assert not np.array_equal(first.signals["front.a"], rows[:, 0])
    assert set(first.signals["front.state"][11:]) == {0.0, 1.0}
    taped = np.load(first.folder / "tape.npy")
    assert np.array_equal(taped["front.a"], rows[:, 0])
    assert np.array_equal(taped["front.state"], rows[:, names.index("state")])
    again = replay(first.folder, out=tmp_path / "again")
    assert again.same and again.digest == first.digest


def world_of(faults: list[FaultPlan], *, apart: bool = False) -> crumple.World:
    world = crumple.World(period="100 ms", threads=1)
    world.add("count", COUNT(), isolate=apart)
    world.add("read", READ(), isolate=apart)
    world.connect("count.x", "read.u")
    for fault in faults:
        world.add_fault(fault)
    return world


FAULTS = [
    FaultPlan(name="a", on="count.x", kind="noise", value=0.5, since=2),
    FaultPlan(name="b", on="read.u", kind="delay", delay=3, jitter=2, since=0),
    FaultPlan(name="c", on="count.by", kind="drift", value=2.0, nominal=1.0, when="count.x > 4 m"),
    FaultPlan(name="d", on="read", kind="pause", since=9, duration=2),
    FaultPlan(name="e", on="read.u", kind="dropout", chance=0.5, since=4, period=3, part=2),
]


@pytest.mark.parametrize("apart", [False, True])
def test_a_world_forks_and_saves_with_its_faults_under_way(tmp_path: Path, apart: bool) -> None:
    world = world_of(FAULTS, apart=apart)
    world.reset(seed=5)
    world.step(8)
    shot = world.snapshot()
    fork = world.fork()
    if not apart:
        world.save(tmp_path / "state")
    world.step(20)
    fork.step(20)
    assert fork.digest() == world.digest()
    digest = world.digest()
    world.restore(shot)
    world.step(20)
    assert world.digest() == digest
    if not apart:
        resumed = world_of(FAULTS)
        resumed.resume(tmp_path / "state")
        resumed.step(20)
        assert resumed.digest() == digest


def test_a_world_takes_faults_by_hand(tmp_path: Path) -> None:
    world = world_of([FaultPlan(name="late", on="count.x", kind="stuck_at", value=-1.0, since=5, off=True)])
    world.reset()
    world.step(6)
    assert world["count.x"] == 6.0 and world.active_faults() == []
    world.arm("late")
    assert world.active_faults() == ["late"]
    world.step()
    assert world["count.x"] == -1.0
    assert world.take_fault_events() == [("late", 7, True)]
    world.clear("late")
    world.step()
    assert world["count.x"] == 8.0
    assert world.fault_signals() == ["fault.late.active", "fault.late.before", "fault.late.after"]


def test_faults_lists_what_there_is_and_what_could_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = scene_with(tmp_path, BIAS + 'from = "500 ms"\noff = true\n' + SPOKEN)
    assert invoke(["faults", str(scene)]) == 0
    said = capsys.readouterr().out
    assert (
        "off_by_ten" in said and "bias 10 m" in said and "off; from 0.5 s" in said.replace("500 ms", "0.5 s")
    )
    assert "a loose plug; severity S3, asil B, rank 4" in said
    assert invoke(["faults", str(scene), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    kinds = {target["name"]: (target["where"], target["kinds"]) for target in told["targets"]}
    assert kinds["count.by"][0] == "parameter" and "gain" in kinds["count.by"][1]
    assert kinds["read.u"][0] == "input" and "noise" in kinds["read.u"][1]
    assert kinds["count.odd"][0] == "output" and "noise" not in kinds["count.odd"][1]
    assert kinds["read"] == ("unit", ["freeze", "pause", "hang", "kill"])
    assert "read.ok" not in kinds  # nothing feeds it
    assert invoke(["faults", "--kinds"]) == 0
    assert "stale_timestamp" in capsys.readouterr().out


def test_every_target_can_have_every_kind_that_is_listed_for_it(tmp_path: Path) -> None:
    from crumple.faults_list import targets

    needed = {
        "gain": "value = 2", "bias": "value = 1", "drift": "rate = 1", "noise": "sigma = 1", "spike": "amplitude = 1",
        "saturate": "max = 1", "quantise": "lsb = 1", "bit_flip": "bit = 0", "unit_error": "factor = 2",
        "delay": "ticks = 2", "intermittent": 'period = "500 ms"\nduty = 0.5',
    }  # fmt: skip
    listed = targets(load_scene(scene_with(tmp_path, "")))
    text = ""
    for number, target in enumerate(listed):
        for kind in target.kinds:
            text += f'[faults.f{number}_{kind}]\non = "{target.name}"\nkind = "{kind}"\noff = true\n'
            text += f"{needed.get(kind, '')}\n"
    assert crumple.run(scene_with(tmp_path, text), out=tmp_path / "runs").verdict == "done"
    with pytest.raises(SceneError, match="that can have"):
        load_scene(scene_with(tmp_path, '[faults.f]\non = "count.by"\nkind = "noise"\nsigma = 1\noff = true'))
