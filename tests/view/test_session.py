"""What the viewer says of a run: values, requirements as they stood, events; and that it says nothing else."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import crumple
import small_scene
from crumple.meanings import requirements_of, signals_of
from crumple.view.live_session import LiveSession
from crumple.view.replay_session import ReplaySession
from view.live_bench import Clock, Core, live_bench
from view.view_runs import FAILING, row, run_folder, write_recording, write_run

REQUIREMENT_STATES = {
    "chest": "holding",
    "time_to_close": "pass",
    "stands": "holding",
    "deceleration": "holding",
}


@pytest.fixture(scope="module")
def replay() -> ReplaySession:
    return ReplaySession(run_folder())


# -- a run that has ended


def test_a_manifest_tells_units_and_requirements_without_the_units_themselves(replay: ReplaySession) -> None:
    manifest = replay.result.manifest
    assert signals_of(manifest)["car.speed"].si == "m/s"
    assert signals_of(manifest)["car.corners"].shape == (2,)
    chest = requirements_of(manifest)["chest"]
    assert (chest.limits[0].shown, chest.si, chest.title) == (60.0, "g", "3 ms clip")
    assert set(requirements_of(manifest)) == {r.name for r in replay.result.requirements}


def test_values_are_linear_between_two_samples_and_absent_outside(replay: ReplaySession) -> None:
    assert replay.value("car.speed", 0.010) == pytest.approx(12.0, rel=1e-12)
    assert replay.value("car.speed", 0.01005) == pytest.approx(11.985, rel=1e-9)
    assert replay.value("car.corners[1]", 0.010) == pytest.approx(-12.0, rel=1e-12)
    assert replay.value("car.speed", -0.001) is None
    assert replay.value("car.speed", 0.1502) is None
    assert replay.value("car.nothing", 0.010) is None


def test_still_means_that_nothing_is_shown_between_two_samples() -> None:
    session = ReplaySession(run_folder(), still=True)
    assert session.value("car.speed", 0.01005) == session.value("car.speed", 0.0100)


def test_a_switch_is_held_between_two_samples(tmp_path: Path) -> None:
    write_run(tmp_path, signals={"plant.gear": {"kind": "integer"}, "plant.x": {}})
    write_recording(tmp_path, {"t": np.arange(3) * 1e-3, "plant.gear": [1, 2, 3], "plant.x": [1, 2, 3]})
    session = ReplaySession(tmp_path)
    assert session.value("plant.gear", 0.0015) == 2.0
    assert session.value("plant.x", 0.0015) == pytest.approx(2.5)


def test_green_is_earned_a_requirement_holds_until_it_is_decided(replay: ReplaySession) -> None:
    states = {r.name: r.state for r in replay.requirements(0.040)}
    assert states == REQUIREMENT_STATES
    assert {r.name: r.state for r in replay.requirements(replay.end())} == dict.fromkeys(states, "pass")


def test_a_bar_shows_the_value_up_to_the_cursor_and_a_mark_that_of_the_whole_run(
    replay: ReplaySession,
) -> None:
    # 300 m/s^2 is 30.59 g from the first step to the last; before 3 ms have passed there is nothing to clip
    early, late = row(replay, "chest", 0.002), row(replay, "chest", 0.040)
    assert early.value is None and early.final == pytest.approx(300 / 9.80665)
    assert late.value == late.final == pytest.approx(300 / 9.80665)
    assert late.margin == pytest.approx(1 - 300 / 9.80665 / 60)


def test_what_must_hold_at_the_end_shows_what_it_would_be_now(replay: ReplaySession) -> None:
    assert row(replay, "stands", 0.010).value == pytest.approx(12.0 * 3.6)
    assert row(replay, "stands", 0.010).margin is None


def test_a_window_that_ends_early_is_decided_where_it_ends(replay: ReplaySession) -> None:
    assert row(replay, "deceleration", 0.1199).state == "holding"
    assert row(replay, "deceleration", 0.1201).state == "pass"


def test_the_first_sample_over_a_limit_decides_at_once() -> None:
    session = ReplaySession(run_folder(FAILING))
    assert row(session, "gentle", 0.0).state == "holding"
    broken = row(session, "gentle", 0.0001)
    assert (broken.state, broken.decided) == ("fail", pytest.approx(1e-4))
    assert session.verdict()[0] == "fail"
    assert ("gentle", "requirement") in {(event.name, event.kind) for event in session.events()}


def test_a_time_that_never_came_fails_when_its_limit_is_passed(tmp_path: Path) -> None:
    scene = small_scene.write_scene(tmp_path)
    session = ReplaySession(
        crumple.run(scene, set={"switch.threshold": "50 m/s"}, out=tmp_path / "runs").folder
    )
    assert row(session, "time_to_close", 0.0168).state == "holding"
    assert row(session, "time_to_close", 0.0170).state == "fail"


def test_every_moment_agrees_with_the_verdict_in_the_end(replay: ReplaySession) -> None:
    for shown, judged in zip(replay.requirements(replay.end()), replay.result.requirements, strict=True):
        assert (shown.name, shown.value, shown.margin) == (judged.name, judged.value, judged.margin)


def test_events_are_where_conditions_first_hold_and_metrics_have_their_moment(replay: ReplaySession) -> None:
    found = {event.name: event.t for event in replay.events()}
    assert found["begin"] == 0.0
    assert found["closes"] == replay.result.requirements["time_to_close"].value / 1e3
    assert found["slow"] == pytest.approx(0.0334, abs=1e-9)  # 15 - 300 t is below 5 first after 33.3 ms
    assert found["stands"] == pytest.approx(0.05)


def test_a_run_without_units_of_measure_in_its_manifest_is_shown_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(run_folder(), folder)
    (folder / "seal.json").unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    for key in ("signals", "requirements", "connections", "faults", "inputs"):
        manifest.pop(key, None)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    session = ReplaySession(folder)
    assert row(session, "chest", 0.04).state == "holding" and row(session, "chest", 0.04).value is None
    assert row(session, "chest", session.end()).state == "pass"
    assert session.value("car.speed", 0.01) == pytest.approx(12.0)


def test_a_recording_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "bent"
    shutil.copytree(run_folder(), folder)
    with open(next(folder.glob("signals*.npy")), "r+b") as file:
        file.seek(-8, 2)
        file.write(b"\x00" * 8)
    with pytest.raises(crumple.CrumpleError, match="not as it was sealed"):
        ReplaySession(folder)


def test_a_run_that_was_killed_shows_what_it_had_decided_and_leaves_the_rest_open(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(run_folder(FAILING), folder)
    (folder / "seal.json").unlink()
    (folder / "verdict.json").write_text('{"state": "running", "verdict": "inconclusive", "reasons": []}')
    recording = next(folder.glob("signals*.npy"))
    rows = np.load(recording)
    np.save(recording, rows[:400])
    session = ReplaySession(folder)
    assert session.end() == pytest.approx(0.0399)
    assert {r.name: r.state for r in session.requirements(session.end())} == {
        "chest": "inconclusive",
        "time_to_close": "pass",
        "stands": "inconclusive",
        "deceleration": "inconclusive",
        "gentle": "fail",
    }
    assert row(session, "chest", 0.02).state == "holding"
    # of a largest value nobody can say whether it was the last
    assert {event.name for event in session.events()} == {"begin", "closes", "slow"}
    assert session.verdict()[0] == "inconclusive"


def test_a_fault_is_armed_active_and_over_in_its_time(tmp_path: Path) -> None:
    fault = {"name": "bias", "on": "plant.distance", "kind": "bias", "value": -2.0, "since": 5, "until": 9}
    write_run(tmp_path, faults=[fault])
    write_recording(tmp_path, {"t": np.arange(20) * 1e-3, "plant.x": np.arange(20.0)})
    session = ReplaySession(tmp_path)
    assert [session.faults(t)[0].state for t in (0.004, 0.005, 0.0085, 0.009)] == [
        "armed",
        "active",
        "active",
        "over",
    ]
    assert "−2" in session.faults(0.0)[0].text


# -- a run that goes on


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[tuple[LiveSession, Core, Clock]]:
    with live_bench(tmp_path / "run") as made:
        yield made.session, made.core, made.clock


def shown_at(session: LiveSession, clock: Clock, passed: float) -> float:
    clock.now += passed
    session.update()
    return session.end()


def test_a_live_run_is_shown_one_publication_late_and_never_ahead(
    bench: tuple[LiveSession, Core, Clock],
) -> None:
    session, core, clock = bench
    core.publish(10, 1.0)
    assert shown_at(session, clock, 0.02) == pytest.approx(0.010)
    core.publish(30, 3.0)
    assert shown_at(session, clock, 0.02) == pytest.approx(0.010)  # the new frame is where it goes to
    assert shown_at(session, clock, 0.01) == pytest.approx(0.020)
    assert session.value("front.distance", session.end()) == pytest.approx(2.0)
    assert shown_at(session, clock, 0.01) == pytest.approx(0.030)
    assert shown_at(session, clock, 5.0) == pytest.approx(0.030)  # no frame comes: nothing is invented


def test_whole_numbers_do_not_move_between_two_frames(bench: tuple[LiveSession, Core, Clock]) -> None:
    session, core, clock = bench
    core.publish(10, 1.0, gear=1.0)
    shown_at(session, clock, 0.02)
    core.publish(30, 3.0, gear=4.0)
    shown_at(session, clock, 0.02)
    shown_at(session, clock, 0.01)
    assert session.value("plant.gear", session.end()) == 1.0


def test_a_missing_frame_leaves_the_last_one(bench: tuple[LiveSession, Core, Clock]) -> None:
    session, core, clock = bench
    core.publish(10, 1.0)
    shown_at(session, clock, 0.02)
    core.shown = None
    assert shown_at(session, clock, 0.02) == pytest.approx(0.010)
    assert session.value("front.distance", 0.010) == 1.0


def test_a_silent_input_leaves_undecided_requirements_inconclusive(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    requirement = {
        "name": "gap",
        "what": "front.distance",
        "expression": "front.distance",
        "limits": [{"relation": "min", "value": 0.5, "shown": 0.5, "within": 0.0, "shown_within": 0.0}],
        "source_si": "m",
        "si": "m",
    }
    write_run(folder, requirements=[requirement])
    t = np.arange(200) * 1e-3
    state = np.where(t < 0.1, 1.0, 2.0)
    columns = {
        "t": t,
        "front.state": state,
        "front.age": np.where(t < 0.1, 1e-3, t - 0.1),
        "front.distance": 9.0 - t,
    }
    write_recording(folder, columns, name="signals-1ms.npy")
    session = LiveSession(folder, None, clock=Clock())
    assert row(session, "gap", 0.05).state == "holding"
    session.rows.hurried = False
    assert row(session, "gap", 0.15).state == "inconclusive" and row(session, "gap", 0.15).value is None
    silences = {(silence.unit, round(silence.since, 6)) for silence in session.silences()}
    assert silences == {("front", 0.1), ("plant", 0.1)}  # what derives from it is stale as well


def test_the_end_and_the_death_of_a_run_are_seen_and_its_picture_stays(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write_run(folder)
    core, clock = Core(), Clock()
    core.publish(10, 1.0)
    with open(folder / "events.jsonl", "a") as events:
        fcntl.flock(events, fcntl.LOCK_EX)
        session = LiveSession(folder, core, clock=clock)
        assert shown_at(session, clock, 1.0) == pytest.approx(0.010) and not session.over
    assert shown_at(session, clock, 1.0) == pytest.approx(0.010)  # the lock is gone with the process
    assert session.over and session.status == "ended"
    assert session.value("front.distance", 0.010) == 1.0
    assert not session.send("pause") and core.sent == []


def test_a_growing_recording_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write_run(folder)
    clock = Clock()
    write_recording(folder, {"t": np.arange(10) * 1e-3, "plant.x": np.arange(10.0)}, name="signals-1ms.npy")
    session = LiveSession(folder, None, clock=clock)
    assert session.end() == pytest.approx(0.009)
    write_recording(folder, {"t": np.arange(30) * 1e-3, "plant.x": np.arange(30.0)}, name="signals-1ms.npy")
    assert shown_at(session, clock, 1.0) == pytest.approx(0.029)
    assert len(session.series("plant.x")[0]) == 30


def test_a_folder_without_any_recording_yet_is_waited_for(bench: tuple[LiveSession, Core, Clock]) -> None:
    session, core, clock = bench
    core.status = "waiting"
    assert shown_at(session, clock, 0.1) == 0.0
    assert session.chip() == "Waiting for front"
    assert session.verdict()[0] == "undecided"


def test_a_run_that_ended_where_its_scene_wants_it_to_is_whole(tmp_path: Path) -> None:
    scene = tmp_path / "stands.toml"
    scene.write_text(
        'crumple = 1\n[clock]\nperiod = "1 ms"\nstop = "200 ms"\nend_when = "car.velocity < 1 m/s"\n'
        '[units.car]\nfmu = "vehicle_linear"\n'
        '[requirements.slow]\nsignal = "car.velocity"\nmax = "20 m/s"\n'
    )
    session = ReplaySession(crumple.run(scene, out=tmp_path / "runs").folder)
    assert session.end() < 0.2
    assert (session.horizon, session.ticks) == (session.end(), round(session.end() / 1e-3))
    assert session.verdict()[0] == "pass"


def test_the_row_before_the_first_step_is_no_silence(tmp_path: Path) -> None:
    for first, found in (([0, 1, 1, 1], []), ([0, 0, 1, 1], [("front", 0.0), ("plant", 0.0)])):
        folder = tmp_path / str(sum(first))
        write_run(folder)
        state = np.array([*map(float, first), *np.ones(46)])
        columns = {"t": np.arange(50) * 1e-3, "front.state": state, "front.distance": np.zeros(50)}
        write_recording(folder, columns, name="signals-1ms.npy")
        assert [(each.unit, each.since) for each in ReplaySession(folder).silences()] == found


# -- a run that was cut off

TIMED = {
    "pacing": {"mode": "realtime", "speed": 0.5},
    "timing": {"missed_max": 0.001, "slips_max": None, "late_p99_max": None, "age_p99_max": None, "doc": ""},
}


def test_a_run_in_real_time_that_was_cut_off_is_not_called_free(tmp_path: Path) -> None:
    write_run(tmp_path, **TIMED)
    write_recording(tmp_path, {"t": np.arange(50) * 1e-3, "plant.x": np.zeros(50)}, name="signals-1ms.npy")
    timing = ReplaySession(tmp_path).timing(0.0)
    assert timing is not None
    assert (timing.note, timing.budget, len(timing.step)) == ("in real time, no figures kept", 2e-3, 0)
    write_run(tmp_path)
    timing = ReplaySession(tmp_path).timing(0.0)
    assert timing is not None and timing.note == ""


def test_the_timing_budget_is_required_from_the_start_and_unknown_where_the_run_was_cut_off(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, **TIMED)
    write_recording(tmp_path, {"t": np.arange(50) * 1e-3, "plant.x": np.zeros(50)}, name="signals-1ms.npy")
    live = row(LiveSession(tmp_path, None, clock=Clock()), "timing.missed", 0.01)
    assert (live.state, live.limit, live.value) == ("holding", 0.001, None)
    cut_off = ReplaySession(tmp_path)
    assert row(cut_off, "timing.missed", 0.01).state == "holding"
    assert row(cut_off, "timing.missed", cut_off.end()).state == "inconclusive"
    write_run(tmp_path, timing=TIMED["timing"], pacing={"mode": "free", "speed": 1.0})
    assert row(ReplaySession(tmp_path), "timing.missed", 0.01).state == "not_applicable"


@pytest.mark.parametrize(
    ("mode", "chip", "note", "ratio"),
    [
        ("realtime", "Live 1.00 ×", "", 1.0),
        ("lockstep", "Live", "not timed, a rig paces it", None),
        ("free", "Live", "", None),
    ],
)
def test_only_a_run_in_real_time_is_said_to_keep_a_speed(
    tmp_path: Path, mode: str, chip: str, note: str, ratio: float | None
) -> None:
    write_run(tmp_path, pacing={"mode": mode, "speed": 1.0})
    core = Core()
    core.publish(10, 1.0)
    with open(tmp_path / "events.jsonl", "a") as events:
        fcntl.flock(events, fcntl.LOCK_EX)
        session = LiveSession(tmp_path, core, clock=Clock())
        timing = session.timing(0.01)
        assert session.chip() == chip
    assert timing is not None and timing.note == note
    assert np.isnan(timing.ratio) if ratio is None else timing.ratio == ratio
