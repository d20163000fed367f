"""FMUs in a world that behave as the standard says, or do not: statuses, endings, logs, states, libraries.

The test FMUs integrate y' = k u with u = 1 by forward Euler, and misbehave in their third step; see
fmus/README.md.
"""

from __future__ import annotations

import gc
import math
from pathlib import Path
from typing import Any

import pytest

from crumple.archive import open_fmu
from crumple.errors import BuildError, EndError, FmuError, StepError, UsageError
from crumple.fmu import Fmu
from crumple.world import World
from fmu_build import VARIANTS, build_fmu

H = 0.125  # [s], and a power of two: sums of it are exact
WORDS = "odd: step 3 at 0.25 s went wrong on purpose"


def world_of(
    *names: str,
    period: Any = H,
    start: dict[str, Any] | None = None,
    isolate: bool | None = None,
    **options: Any,
) -> World:
    """A world of test FMUs; units are named dut, or dut0, dut1 ... where there are several."""
    world = World(period=period, threads=1, isolate=isolate)
    for i, name in enumerate(names):
        world.add("dut" if len(names) == 1 else f"dut{i}", Fmu(build_fmu(name), start, **options))
    return world


def failure(name: str, *, steps: int = 8, **options: Any) -> StepError:
    """What a run of a test FMU ends with."""
    world = world_of(name, **options)
    with pytest.raises(StepError) as caught:
        world.reset()
        world.step(steps)
    return caught.value


def names(outcome: str, *, prefix: str = "") -> list[str]:
    """Test FMUs by the outcome that the registry states."""
    return [n for n, v in VARIANTS.items() if v.outcome == outcome and n.startswith(prefix)]


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where strict FMUs report illegal calls; a test that obeys the standard leaves it absent."""
    path = tmp_path / "report"
    monkeypatch.setenv("CRUMPLE_TEST_FMU_REPORT", str(path))
    return path


# -- what every run is like -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain2", "plain3", "real_only2", "real_only3", "same_step2", "same_step3"])
def test_an_integrator_integrates(name: str) -> None:
    world = world_of(name)
    world.reset()
    assert (world["dut.y"], world["dut.n"]) == (0.0, 0.0)
    world.step(8)
    assert (world["dut.y"], world["dut.n"]) == (1.0, 8.0)
    world["dut.u"] = -2.0
    world.step(4)
    assert world["dut.y"] == 0.0
    world.end()
    world.reset()  # a fresh instance: nothing is left of the first run
    world.step(8)
    assert (world["dut.y"], world["dut.n"]) == (1.0, 8.0)


def test_both_versions_give_the_same_bits() -> None:
    world = world_of("lag2", "lag3", period="1 ms", start={"tau": 0.3, "x0": 1.7, "substeps": 3})
    world.reset()
    world.step(1000)
    assert world["dut0.y"] == world["dut1.y"] == pytest.approx(1.7 * (1 - 1e-3 / 0.9) ** 3000, rel=1e-9)


@pytest.mark.parametrize("name", ["strict2", "strict3", "strict_once2", "strict_once3", "strict_event_mode3"])
def test_calls_come_in_the_order_of_the_standard(name: str, report: Path) -> None:
    world = world_of(name, start={"x0": 1.0, "k": 2.0}, tolerance=1e-5)
    world.reset()
    world.step(3)
    world["dut.u"] = 3.0
    world["dut.k"] = 1.0
    world.step(3)
    if "once" not in name:
        snapshot = world.snapshot()
        world.step(2)
        world.restore(snapshot)
        del snapshot
    world.step(2)
    world.end()
    if "once" not in name:
        world.reset(seed=3)
        world.step(2)
    del world
    gc.collect()
    assert not report.exists(), report.read_text()


@pytest.mark.parametrize(
    "name", [n for n in VARIANTS if n.startswith("strict_") and VARIANTS[n].outcome != "good"]
)
def test_what_follows_an_ending_is_legal(name: str, report: Path) -> None:
    error = failure(name)
    gc.collect()
    assert not report.exists(), report.read_text()
    assert isinstance(error, EndError) == ("terminate" in name)


def test_a_world_that_starts_late_tells_the_fmu(report: Path) -> None:
    for fmi in (2, 3):
        world = World(period="0.1 s", start=7.3)
        world.add("dut", Fmu(build_fmu(f"strict{fmi}"), record=["time"]))
        world.reset()
        world.step(1000)
        assert world.t == world["dut.time"] == pytest.approx(107.3, abs=1e-12)
    assert not report.exists(), report.read_text()


# -- statuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "call", "fact"),
    [
        ("step_error2", "fmi2DoStep", "it returned an error"),
        ("step_error3", "fmi3DoStep", "it returned an error"),
        ("step_fatal2", "fmi2DoStep", "it returned a fatal error"),
        ("step_fatal3", "fmi3DoStep", "it returned a fatal error"),
        ("step_warning2", "fmi2DoStep", "it returned a warning"),
        ("step_warning3", "fmi3DoStep", "it returned a warning"),
        ("step_discard2", "fmi2DoStep", "after getting as far as t = 0.3125 s"),
        ("step_discard3", "fmi3DoStep", "it discarded the step of 0.125 s"),
    ],
)
def test_any_status_but_ok_names_unit_call_tick_time_and_last_words(name: str, call: str, fact: str) -> None:
    error = failure(name)
    assert (error.unit, error.call, error.tick, error.t) == ("dut", call, 2, 0.25)
    assert fact in error.fact and WORDS in error.fact
    assert str(error).startswith(f"unit 'dut' failed in {call} at t = 0.25 s (tick 2): ")


@pytest.mark.parametrize(
    ("name", "call", "tick", "fact"),
    [
        ("get_error2", "fmi2GetReal", 2, "cannot be had after the step that failed"),
        ("get_error3", "fmi3GetFloat64", 2, "cannot be had after the step that failed"),
        ("init_error2", "fmi2ExitInitializationMode", 0, "no consistent start can be found"),
        ("init_error3", "fmi3ExitInitializationMode", 0, "no consistent start can be found"),
        ("no_instance2", "fmi2Instantiate", 0, "no licence today"),
        ("no_instance3", "fmi3InstantiateCoSimulation", 0, "no licence today"),
        ("wrong_token2", "fmi2Instantiate", 0, "the GUID is not that of this FMU"),
        ("wrong_token3", "fmi3InstantiateCoSimulation", 0, "token is not that of this FMU"),
        ("step_pending2", "fmi2DoStep", 2, "asynchronously"),
    ],
)
def test_other_failures_are_placed_as_well(name: str, call: str, tick: int, fact: str) -> None:
    error = failure(name)
    assert (error.unit, error.call, error.tick) == ("dut", call, tick)
    assert fact in error.fact


@pytest.mark.parametrize("fmi", [2, 3])
def test_after_a_failure_the_world_waits_for_a_reset(fmi: int) -> None:
    world = world_of(f"step_error{fmi}")
    world.reset()
    with pytest.raises(StepError):
        world.step(8)
    assert (world.tick, world.t) == (2, 0.25)
    assert world["dut.y"] == 0.25  # what was last published
    with pytest.raises(UsageError, match=r"an earlier step failed.*Call reset\(\) first"):
        world.step()
    world.reset()
    world.step(2)
    assert world["dut.y"] == 0.25


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_warning_can_be_allowed_and_is_noted(fmi: int) -> None:
    world = world_of(f"step_warning{fmi}", allow_warnings=True)
    world.reset()
    world.step(8)
    assert world["dut.y"] == 1.0
    noted = [text for text in world.warnings if WORDS in text]
    assert len(noted) == 1 and noted[0].startswith(f"unit 'dut': fmi{fmi}DoStep returned a warning")


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize(("kind", "fact"), [("nan", "the value is NaN"), ("inf", "the value is infinite")])
def test_a_value_that_is_not_finite_is_an_error_unless_allowed(fmi: int, kind: str, fact: str) -> None:
    error = failure(f"{kind}_output{fmi}")
    assert (error.unit, error.call, error.tick, error.t) == ("dut", 'output "y"', 3, 0.375)
    assert fact in error.fact
    world = world_of(f"{kind}_output{fmi}", allow_nonfinite=["y"])
    world.reset()
    world.step(3)
    assert not math.isfinite(world["dut.y"])
    world.step(5)
    assert world["dut.y"] == 1.0


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_request_to_end_is_answered_after_the_step_that_it_came_with(fmi: int) -> None:
    world = world_of(f"step_terminate{fmi}")
    world.reset()
    with pytest.raises(EndError) as caught:
        world.step(8)
    assert (caught.value.unit, caught.value.tick, caught.value.t) == ("dut", 3, 0.375)
    assert "asked to end the run at t = 0.375 s (tick 3)" in str(caught.value)
    assert (world.tick, world["dut.y"]) == (3, 0.375)
    world.reset()
    world.step(3)  # a run that ends with that step has come to its end
    world.end()


@pytest.mark.parametrize("name", ["step_early3", "step_early_rude3", "strict_early3", "event_mode3"])
def test_a_step_that_returns_early_is_carried_to_its_end(name: str) -> None:
    world = world_of(name)
    world.reset()
    world.step(8)
    assert (world.t, world["dut.y"]) == (1.0, 1.0)


# -- step sizes -------------------------------------------------------------------------------------


def test_a_step_against_the_description_is_refused_when_the_unit_is_added() -> None:
    world = World(period="1 ms")
    with pytest.raises(
        UsageError, match=r"constant_step3\.fmu cannot take steps of 0\.001 s.*\(0\.01 s, 0\.02 s"
    ):
        world.add("dut", Fmu(build_fmu("constant_step3")))
    world.add("dut", Fmu(build_fmu("constant_step3")), every=10)
    world.reset()
    world.step(100)
    assert world["dut.y"] == pytest.approx(0.1, rel=1e-12)


def test_a_step_that_the_fmu_refuses_names_its_own() -> None:
    error = failure("constant_step2", period="1 ms")
    assert "this step size is not supported: 0.001 s" in error.fact
    assert "This FMU takes steps of one size only; its own is 0.01 s" in error.fact
    assert "this step size is not supported" in failure("multiple_step3", period="1.5 ms").fact
    for name, period in [("constant_step2", "10 ms"), ("multiple_step3", "3 ms"), ("same_step3", "3 ms")]:
        world = world_of(name, period=period)
        world.reset()
        world.step(100)


# -- libraries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
def test_the_only_library_is_taken_whatever_its_name(fmi: int) -> None:
    world = world_of(f"other_library_name{fmi}")
    world.reset()
    world.step(8)
    assert world["dut.y"] == 1.0
    assert any('"surprise.so" is used' in text for text in world.warnings)
    with pytest.raises(FmuError, match="strict was asked for"):
        Fmu(build_fmu(f"other_library_name{fmi}"), strict=True)


@pytest.mark.parametrize("fmi", [2, 3])
def test_libraries_that_cannot_be_used_are_refused_with_what_is_there(fmi: int) -> None:
    with pytest.raises(FmuError, match=r"enigma\.so, surprise\.so"):
        world_of(f"two_libraries{fmi}")
    with pytest.raises(FmuError, match=r"no library for this machine.*win"):
        world_of(f"no_binary{fmi}")


@pytest.mark.parametrize("name", ["once_per_process2", "once_per_process3", "strict_once2", "strict_once3"])
def test_an_fmu_of_one_instance_per_process_has_several_by_private_copies(name: str) -> None:
    world = world_of(name, name, name)
    for _ in range(2):
        world.reset()
        world["dut1.u"] = 3.0
        world.step(8)
        assert [world[f"dut{i}.y"] for i in range(3)] == [1.0, 3.0, 1.0]
    folder = open_fmu(build_fmu(name)).directory
    assert len(list(folder.rglob("*.so"))) == 1  # no copy is left behind


@pytest.mark.parametrize("fmi", [2, 3])
def test_instances_that_would_share_their_state_do_not(fmi: int) -> None:
    world = world_of(f"shared_state{fmi}", f"shared_state{fmi}")
    world.reset()
    world["dut0.u"] = 5.0
    world.step(8)
    assert (world["dut0.y"], world["dut1.y"], world["dut1.n"]) == (5.0, 1.0, 8.0)


@pytest.mark.parametrize("fmi", [2, 3])
def test_resources_are_found(fmi: int) -> None:
    world = world_of(f"resource{fmi}")
    world.reset()
    assert world["dut.y"] == 0.25
    world.step(8)
    assert world["dut.y"] == 1.25


@pytest.mark.parametrize("fmi", [2, 3])
def test_calls_of_zero_length_are_not_made(fmi: int) -> None:
    world = world_of(f"no_zero_length{fmi}")
    world.reset()
    world.step(2)  # no input is driven
    world["dut.u"] = 2.0
    world.step(2)
    assert world["dut.y"] == 0.75


@pytest.mark.parametrize("name", [n for n in names("good", prefix="xml_")])
def test_what_is_not_quite_valid_runs_with_a_warning(name: str) -> None:
    world = world_of(name)
    world.reset()
    world.step(3)
    ports = {port.name for port in world.outputs("dut")}
    assert {"speed_out", "angle_deg_out", "gear_out"} <= ports
    assert world["dut.body[1].frame_b.x"] == 0.25
    told = [text for text in world.warnings if text.startswith(f"unit 'dut' ({name}.fmu): ")]
    assert len(told) == len(Fmu(build_fmu(name)).description.warnings)


# -- states -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain2", "plain3", "lag2", "lag3"])
def test_a_restored_snapshot_continues_bit_for_bit(name: str) -> None:
    world = world_of(name, name, period="1 ms")
    world.connect("dut0.y", "dut1.u")
    world.reset(seed=1)
    world["dut0.u"] = 0.1
    world.step(50)
    snapshot = world.snapshot()
    world.step(50)
    wanted = (world.digest(), world["dut1.y"], world.tick)
    for _ in range(2):
        world.restore(snapshot)
        assert world.tick == 50
        world.step(50)
        assert (world.digest(), world["dut1.y"], world.tick) == wanted


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_snapshot_of_what_cannot_be_saved_names_the_units(fmi: int) -> None:
    world = world_of(f"real_only{fmi}", "plain2", isolate=False)
    world.reset()
    with pytest.raises(UsageError, match="state of these units cannot: dut0"):
        world._core.snapshot()  # the core alone: a World falls back on replay


def test_a_snapshot_ends_with_a_reset() -> None:
    world = world_of("plain2", isolate=False, trust_state=True)
    world.reset()
    snapshot = world.snapshot()
    world.reset()
    with pytest.raises((UsageError, StepError), match="earlier instance of the FMU"):
        world.restore(snapshot)


def test_a_failed_world_is_healed_by_a_snapshot() -> None:
    world = world_of("nan_output3")
    world.reset()
    world.step(2)
    snapshot = world.snapshot()
    with pytest.raises(StepError):
        world.step()
    world.restore(snapshot)
    assert (world.tick, world["dut.y"]) == (2, 0.25)
    with pytest.raises(StepError):
        world.step()


# -- names ------------------------------------------------------------------------------------------


def test_wrong_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(FmuError, match=r'no variable "tou"\. Did you mean "tau"'):
        world_of("lag2", start={"tou": 1})
    with pytest.raises(FmuError, match=r'no variable "substep"\. Did you mean "substeps"'):
        world_of("lag2", record=["substep"])
    with pytest.raises(FmuError, match="no such file"):
        Fmu("absent.fmu")
    world = world_of("lag2")
    world.reset()
    with pytest.raises(BuildError, match=r"unit 'dut' has no port \"z\"\. Did you mean \"y\""):
        world["dut.z"]


@pytest.mark.parametrize("fmi", [2, 3])
def test_recorded_variables_become_outputs(fmi: int) -> None:
    world = world_of(f"plain{fmi}", record=["k", "a*", "time"], start={"k": 0.5})
    assert {p.name for p in world.outputs("dut")} == {"y", "n", "time", "k", "at"}
    world.reset()
    world.step(2)
    assert (world["dut.k"], world["dut.at"], world["dut.time"]) == (0.5, 3.0, 0.25)
