"""What a scene says of live inputs and outputs, pacing, timing and faults, and what becomes of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from crumple.errors import SceneError
from crumple.live.plan import (
    STAMPS,
    ActuatorPlan,
    Channel,
    Endpoint,
    LivePlan,
    PacingPlan,
    RigPlan,
    SensorPlan,
    TimingPlan,
)
from crumple.scene import ConnectionPlan, compose, load_scene
from crumple.table import Table
from live_scene import LIVE, RIG, written
from ramp_scene import SCENE as RAMP
from ramp_scene import mistakes, writer


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    return writer(tmp_path)


# ---- what is read


def test_a_sensor_has_its_values_in_the_units_of_its_channels(write: Any) -> None:
    [front] = written(write).sensors
    assert front == SensorPlan(
        name="front",
        channels=(
            Channel(name="acceleration", si="g"),
            Channel(name="belt_on", kind="boolean", start=1.0, substitute=1.0),
            Channel(name="gear", kind="integer"),
        ),
        endpoint=Endpoint(address="tcp://127.0.0.1:5555"),
        max_age=0.005,
        stop_age=1.0,
        policy="substitute",
        stale_max=0.02,
        lost_max=3,
    )


def test_start_and_substitute_are_converted_and_the_one_stands_in_for_the_other(write: Any) -> None:
    channels = """
[sensors.rear]
zmq = "tcp://127.0.0.1:5557"
[sensors.rear.channels]
speed = { si = "m/s", start = "36 km/h" }
way = { si = "m", start = 2, substitute = "1 km" }
"""
    speed, way = written(write, channels).sensors[1].channels
    assert (speed.start, speed.substitute) == (10.0, 10.0)
    assert (way.start, way.substitute) == (2.0, 1000.0)


def test_an_actuators_channel_is_what_feeds_it_unless_it_says_otherwise(write: Any) -> None:
    more = "force = { from = 'meter.y', si = 'm/s^2', kind = 'real' }"
    text = LIVE.replace("[connect]", f"{more}\n[connect]")
    [squib] = written(write, text=text).actuators
    assert squib == ActuatorPlan(
        name="squib",
        channels=(
            Channel(name="y", si="g", safe=1.0, source="meter.y"),
            Channel(name="part", si="m/s", source="ramp.wide[1]"),
            Channel(name="on", kind="boolean", source="front.belt_on"),
            Channel(name="age", si="s", source="front.age"),
            Channel(name="force", si="m/s^2", source="meter.y"),
        ),
        endpoint=Endpoint(address="tcp://127.0.0.1:*", bind=True),
        every=2,
    )


def test_a_channel_that_is_fed_among_the_connections_takes_its_unit_from_there(write: Any) -> None:
    text = LIVE.replace('y = { from = "meter.y", safe = "1 g" }', "y = {}\nz = {}")
    links = '"squib.y" = "meter.y"\n"squib.z" = { from = "meter.y", scale = 2, same_tick = false }'
    scene = written(write, links, text=text)
    assert [(c.name, c.si, c.source) for c in scene.actuators[0].channels[:2]] == [
        ("y", "g", "meter.y"),
        ("z", "1", "meter.y"),  # scaled by hand: what it measures is not known
    ]
    assert ConnectionPlan("meter.y", "squib.y", same_tick=True) in scene.connections
    assert ConnectionPlan("meter.y", "squib.z", same_tick=False, scale=2) in scene.connections


def test_what_is_measured_is_used_and_what_is_computed_is_sent_within_the_tick(write: Any) -> None:
    assert written(write).connections == (
        ConnectionPlan("front.acceleration", "meter.a", same_tick=True),
        ConnectionPlan("meter.y", "squib.y", same_tick=True),
        ConnectionPlan("ramp.wide[1]", "squib.part", same_tick=True),
        ConnectionPlan("front.belt_on", "squib.on", same_tick=True),
        ConnectionPlan("front.age", "squib.age", same_tick=False),
    )


def test_a_connection_from_a_sensor_may_take_its_time(write: Any) -> None:
    late = LIVE.replace('"meter.a" = "front.acceleration"', "").replace("[connect]", "")
    late += '[connect]\n"meter.a" = { from = "front.acceleration", same_tick = false }'
    assert not written(write, text=late).connections[0].same_tick


def test_connections_between_units_stay_one_tick_late_beside_sensors(write: Any) -> None:
    scene = written(write, '"meter.part" = "ramp.wide[0]"')
    assert ConnectionPlan("ramp.wide[0]", "meter.part", same_tick=False) in scene.connections


def test_channels_and_stamps_are_recorded_and_can_be_required(write: Any) -> None:
    requirement = '[requirements.age]\nmetric = "max(front.age)"\nmax = "6 ms"'
    scene = written(write, requirement)
    [group] = scene.record
    channels = ["acceleration", "belt_on", "gear", *STAMPS]
    assert [name for name in group.signals if name.startswith("front.")] == [f"front.{n}" for n in channels]
    [age] = scene.requirements
    assert (age.limits[0].value, age.source_si) == (0.006, "s")


def test_a_sensors_port_can_be_drawn_and_a_port_it_has_not_cannot(write: Any) -> None:
    chart = '[[view.charts]]\nsignal = "front.{}"'
    assert written(write, chart.format("acceleration")).view
    [text] = mistakes(write(LIVE + chart.format("accel")))
    assert text.startswith("view.charts[0].signal: ")


def test_a_scene_may_have_sensors_and_no_units(write: Any) -> None:
    text = """
crumple = 1
[clock]
period = "1 ms"
stop = "1 s"
mode = "realtime"
[sensors.bench]
zmq = "tcp://127.0.0.1:5555"
channels = { force = "kN" }
[requirements.force]
metric = "max(bench.force)"
max = "3 kN"
"""
    scene = written(write, text=text)
    assert (scene.units, len(scene.requirements)) == ({}, 1)
    assert 'sensor: unknown key. Did you mean "sensors"?' in mistakes(
        write(text.replace("sensors", "sensor"))
    )


def test_pacing_is_read_and_has_the_defaults_of_its_plan(write: Any) -> None:
    assert load_scene(write(RAMP)).pacing == PacingPlan()
    pacing = """
[pacing]
speed = 0.5
strict = true
catch_up = 7
grace = "20 ms"
spin = "50 us"
fifo = false
locked = false
"""
    assert written(write, pacing).pacing == PacingPlan(
        mode="realtime", speed=0.5, strict=True, catch_up=7, grace=0.02, spin=50e-6, fifo=False, locked=False
    )


def test_a_timing_budget_is_no_ordinary_requirement(write: Any) -> None:
    budget = """
[requirements.timing]
missed_max = "0.1 %"
slips_max = 0
late_p99_max = "200 us"
age_p99_max = "$age"
doc = "of the bench"
"""
    scene = written(write, budget)
    assert scene.requirements == ()
    assert scene.timing == TimingPlan(
        missed_max=0.001, slips_max=0, late_p99_max=0.0002, age_p99_max=0.005, doc="of the bench"
    )


def test_a_rig_binds_and_its_members_have_no_address(write: Any) -> None:
    scene = written(write, text=RIG)
    assert scene.rigs == (
        RigPlan(name="ecu", endpoint=Endpoint(address="ipc:///tmp/ecu.sock", bind=True), timeout=2.0),
    )
    assert [(each.rig, each.endpoint) for each in (*scene.sensors, *scene.actuators)] == [("ecu", None)] * 2
    assert scene.live == LivePlan(
        period=Fraction(1, 1000), sensors=scene.sensors, actuators=scene.actuators, rigs=scene.rigs
    )


def test_a_message_holds_so_many_channels_and_no_more(write: Any) -> None:
    def text(count: int) -> str:
        channels = ", ".join(f'c{i} = "m"' for i in range(count))
        return f'[sensors.wide]\nzmq = "tcp://127.0.0.1:5560"\nchannels = {{ {channels} }}'

    assert len(written(write, text(504)).sensors[1].channels) == 504
    assert mistakes(write(LIVE + text(505))) == [
        "sensors.wide.channels: are 505, and a message holds 504 at most. Spread them over several."
    ]


# ---- including


def test_an_including_file_gives_a_sensor_another_address_or_a_rig(write: Any) -> None:
    write(RIG, "rig.toml")
    own = 'crumple = 1\ninclude = "rig.toml"\n[clock]\nmode = "realtime"\n'
    own += '[sensors.pulse]\nzmq = "tcp://127.0.0.1:5555"\nmax_age = "5 ms"\n'
    assert mistakes(write(own)) == [
        'rigs.ecu: paces the run, which needs mode = "lockstep" in [clock]; it is "realtime".',
    ]  # the actuator is still there
    scene = written(write, '[actuators.shown]\nzmq = "tcp://127.0.0.1:5556"', text=own)
    assert (scene.rigs, scene.sensors[0].rig, scene.actuators[0].rig) == ((), None, None)
    assert scene.warnings == ("rig ecu: nothing belongs to it in this run, which no rig paces",)
    write(LIVE, "live.toml")
    text = 'crumple = 1\ninclude = "live.toml"\n[clock]\nmode = "lockstep"\n[sensors.front]\nrig = "ecu"\n'
    front = written(write, '[rigs.ecu]\nzmq = "ipc://ecu"\ntimeout = 1', text=text).sensors[0]
    assert (front.rig, front.endpoint, front.max_age, front.policy) == ("ecu", None, None, "hold")
    text = 'crumple = 1\ninclude = "live.toml"\n[sensors.front]\nzmq = "tcp://127.0.0.1:7777"\n'
    [front] = written(write, text=text).sensors
    assert (front.endpoint, len(front.channels)) == (Endpoint(address="tcp://127.0.0.1:7777"), 3)


def test_channels_that_are_included_are_replaced_and_not_mixed(write: Any) -> None:
    write(LIVE, "live.toml")
    text = 'crumple = 1\ninclude = "live.toml"\n[sensors.front.channels]\nbelt_on = { kind = "boolean" }\n'
    text += 'acceleration = "m/s^2"\n'
    [front] = written(write, text=text).sensors
    assert [channel.name for channel in front.channels] == ["belt_on", "acceleration"]


# ---- from outside


def test_the_caller_says_how_the_run_is_paced_and_whether_it_waits(write: Any) -> None:
    scene = written(write, mode="realtime", speed=0.1, strict=True, wait=False)
    assert (scene.pacing.mode, scene.pacing.speed, scene.pacing.strict) == ("realtime", 0.1, True)
    assert [sensor.required for sensor in scene.sensors] == [False]
    free = written(write, mode="free")
    assert (free.pacing.mode, free.sensors[0].required, free.warnings) == ("free", True, ())


def test_a_sensor_in_a_run_that_keeps_no_time_is_warned_of(write: Any) -> None:
    scene = written(write, text=LIVE.replace('mode = "realtime"', ""))
    [warning] = scene.warnings
    assert warning.startswith("sensor front: this run goes as fast as it can")


def test_a_sensor_without_an_age_limit_is_warned_of(write: Any) -> None:
    rear = '[sensors.rear]\nzmq = "tcp://127.0.0.1:5999"\nchannels = { speed = "m/s" }'
    [warning] = written(write, rear).warnings
    assert warning.startswith(
        "sensor rear: has no max_age: should it fall silent, its last value counts as new"
    )
    assert written(write, rear + '\nmax_age = "5 ms"').warnings == ()


def test_two_sensors_at_one_address_are_warned_of_where_their_channels_differ(write: Any) -> None:
    rear = '[sensors.rear]\nzmq = "$here"\nmax_age = "5 ms"\nchannels = { speed = "m/s" }'
    [warning] = written(write, rear).warnings
    assert warning.startswith("sensor rear: listens to the same address as front, with other channels")
    front = LIVE[LIVE.index("channels = ") :].partition("\n")[0]
    assert written(write, rear.replace('channels = { speed = "m/s" }', front)).warnings == ()


@pytest.mark.parametrize(
    ("text", "arguments", "where"),
    [
        (LIVE, {"mode": "fast"}, "--mode"),
        (LIVE, {"mode": "lockstep"}, "--mode lockstep"),
        (RIG, {"mode": "realtime"}, "--mode realtime"),
        (RIG, {"mode": "free"}, "--mode free"),
        (RIG, {"speed": 2.0}, "--speed"),
        (RIG, {"wait": False}, "--no-wait"),
        (RAMP, {"speed": 2.0}, "--speed"),
        (RAMP, {"strict": True}, "--strict"),
        (LIVE, {"speed": 0.0}, "--speed"),
        (LIVE, {"speed": 1e7}, "--speed"),
        (LIVE, {"speed": float("nan")}, "--speed"),
    ],
)
def test_what_cannot_be_asked_of_a_run_is_a_mistake_without_a_file(
    write: Any, text: str, arguments: dict[str, Any], where: str
) -> None:
    with pytest.raises(SceneError) as caught:
        written(write, text=text, **arguments)
    [mistake] = caught.value.mistakes
    assert (mistake.file, mistake.where) == (None, where)


def test_a_budget_is_refused_where_the_file_keeps_no_time_and_kept_where_only_the_caller_does_not(
    write: Any,
) -> None:
    budget = "\n[requirements.timing]\nmissed_max = 0.1\n"
    assert mistakes(write(RAMP + budget))[0].startswith("requirements.timing: cannot be judged")
    assert written(write, budget, text=RAMP, mode="realtime").timing == TimingPlan(missed_max=0.1)
    assert written(write, budget, mode="free").timing == TimingPlan(missed_max=0.1)


def test_a_text_given_for_a_file_is_read_instead_of_it(write: Any, tmp_path: Path) -> None:
    path = write('crumple = 1\ninclude = "gone.toml"\ntitle = "now"\n')
    texts = {path: path.read_text().replace("now", "then"), tmp_path / "gone.toml": LIVE}
    scene = load_scene(path, texts=texts)
    assert (scene.title, len(scene.sensors), path.read_text().count("now")) == ("then", 1, 1)
    assert [source.path.name for source in scene.files] == ["gone.toml", "ramp.toml"]


# ---- the world


class _Tables:
    """Stands in for what is live: a sensor gives 1, 2, 3 ... at the points in time; an actuator takes nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def sensor(self, plan: SensorPlan) -> Table:
        self.asked.append(plan.name)
        times = [k / 1000 for k in range(100)]
        kinds = {channel.name: channel.kind for channel in plan.channels} | {
            name: kind for name, (kind, _) in STAMPS.items()
        }
        columns = {
            name: [float(k % 2) if kinds[name] == "boolean" else float(k) for k in range(100)]
            for name in kinds
        }
        return Table(times, columns, kinds=kinds)

    def actuator(self, plan: ActuatorPlan) -> Any:
        self.asked.append(plan.name)
        raise AssertionError("this scene has none")


def test_the_world_has_the_units_that_whoever_is_asked_makes(write: Any) -> None:
    text = LIVE[: LIVE.index("[actuators.squib]")] + '[connect]\n"meter.a" = "front.acceleration"\n'
    tables = _Tables()
    scene = written(write, text=text)
    world = compose(scene, live=tables)
    world.reset()
    world.step(10)
    assert tables.asked == ["front"]
    assert world.units() == ["front", "meter", "ramp"]
    assert world["meter.y"] == world["front.acceleration"]  # within the tick


# ---- cost


def test_a_scene_that_is_not_live_loads_nothing_of_it(write: Any) -> None:
    code = (
        "import sys; from crumple.scene import load_scene; load_scene(sys.argv[1]); "
        "print(sorted({'zmq', 'pygame', 'pydantic', 'crumple.live.units', 'crumple.live.keys'} & set(sys.modules)))"
    )
    for text in (RAMP, LIVE):
        command = [sys.executable, "-c", code, str(write(text))]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == "[]"
