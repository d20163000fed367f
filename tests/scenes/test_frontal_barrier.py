"""frontal_barrier: what its page says of it, and how closely it follows the measured crash."""

from __future__ import annotations

import functools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import crumple
from crumple.cases_run import Options, Runner
from crumple.metrics import cfc, hic15, iso18571, resultant
from crumple.scene import load_scene
from reference_data import reference

Array = NDArray[np.float64]
G = 9.80665
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scenes" / "frontal_barrier.md"


def words_of(arguments: str) -> tuple[dict[str, str | float], list[str]]:
    """Settings and faults of `--set NAME=VALUE` and `--inject NAME`."""
    words = shlex.split(arguments)
    settings: dict[str, str | float] = {}
    faults = []
    for option, what in zip(words[::2], words[1::2], strict=True):
        if option == "--inject":
            faults.append(what)
            continue
        name, value = what.split("=", 1)
        settings[name] = float(value) if re.fullmatch(r"[\d.]+", value) else value
    return settings, faults


@dataclass(frozen=True)
class Case:
    """What a case came to: verdict, names of broken requirements, metrics."""

    verdict: str
    failed: set[str]
    metrics: dict[str, float | None]
    digest: str


@functools.cache
def runner() -> Runner:
    return Runner(Options(scene="frontal_barrier", isolate=False))


@functools.cache
def case(arguments: str) -> Case:
    """The scene with arguments as on the command line, in one world after another: quicker than runs of their own."""
    settings, faults = words_of(arguments)
    outcome = runner().run(settings, inject=faults)
    failed = {requirement.name for requirement in outcome.requirements if requirement.status == "fail"}
    metrics = {metric.name: metric.value for metric in outcome.metrics}
    return Case(outcome.verdict.outcome, failed, metrics, outcome.digest)


def figure(arguments: str, name: str) -> float:
    value = case(arguments).metrics[name]
    assert value is not None
    return value


def rows() -> list[tuple[str, str, str]]:
    """What the page has tried: arguments, verdict, words."""
    found = re.findall(
        r"^\| (?:`(--[^|]+)` )?\| (pass|fail) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return [(arguments, verdict, words) for arguments, verdict, words in found]


@pytest.mark.parametrize(("arguments", "verdict", "words"), rows())
def test_each_case_and_fault_gives_what_the_page_says(arguments: str, verdict: str, words: str) -> None:
    found = case(arguments)
    assert found.verdict == verdict
    assert found.failed == set(re.findall(r"`(\w+)`", words.partition("; fails")[2]))
    if fires := re.search(r"fires at ([\d.]+) ms", words):
        assert found.metrics["fire_ms"] == pytest.approx(float(fires[1]), abs=1e-9)
    else:
        assert "does not fire" in words
        assert (found.metrics["fire_ms"], found.metrics["gas_share"]) == (None, 0.0)
    said = re.search(r"HIC15 ([\d,]+), chest (\d+) g", words)
    assert said is not None
    assert found.metrics["hic15"] == pytest.approx(float(said[1].replace(",", "")), abs=0.51)
    assert found.metrics["chest_3ms_g"] == pytest.approx(float(said[2]), abs=0.51)


def test_every_fault_is_tried_and_says_what_to_expect() -> None:
    tried = {words: verdict for words, verdict, _ in rows()}
    scene = load_scene("frontal_barrier")
    assert scene.faults
    for fault in scene.faults:
        assert tried[f"--inject {fault.name}"] == fault.tags["expected"]
        assert fault.id
        assert fault.doc
    assert len({fault.id for fault in scene.faults}) == len(scene.faults)


# ---- the default run


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> crumple.Result:
    return crumple.run("frontal_barrier", out=tmp_path_factory.mktemp("default"), isolate=False)


def test_the_figures_of_the_fit_are_kept(default: crumple.Result) -> None:
    metrics = default.metrics
    assert metrics["hic15"] == pytest.approx(140.27, abs=0.01)
    assert metrics["fire_ms"] == 15.0
    assert metrics["chest_deflection_mm"] == pytest.approx(23.06, abs=0.01)
    assert metrics["crush_mm"] == pytest.approx(741.0, abs=0.1)
    assert metrics["excursion_mm"] == pytest.approx(273.0, abs=0.1)
    assert (metrics["head_score_pct"], metrics["chest_score_pct"]) == (100.0, 80.0)


def test_both_stages_at_once_are_the_one_input_of_a_single_squib(
    default: crumple.Result, tmp_path: Path
) -> None:
    scene = tmp_path / "single.toml"
    scene.write_text(
        'include = "frontal_barrier"\n[connect]\n"restraint.fire" = "controller.fire"\n'
        "[faults.squib_open_stage1]\noff = false\n[faults.squib_open_stage2]\noff = false\n",
        encoding="utf-8",
    )
    single = crumple.run(scene, out=tmp_path, isolate=False)
    for name in ("occupant.head_acceleration", "occupant.chest_acceleration", "restraint.bag_pressure"):
        assert (single.signals[name] == default.signals[name]).all()


def test_a_case_is_the_run_of_its_settings(default: crumple.Result) -> None:
    assert case("").digest == default.digest
    assert case("").metrics.items() <= default.metrics.items()


def test_a_stage_gives_its_share_of_the_gas() -> None:
    mild, whole = "--set speed=25", "--set speed=25 --set stage1_share=1"
    assert (figure(mild, "gas_share"), figure(whole, "gas_share")) == (0.7, 1.0)
    assert figure(whole, "bag_full_ms") < figure(mild, "bag_full_ms")
    assert figure(whole, "hic15") > figure(mild, "hic15")  # more gas than the mild crash needs


@pytest.mark.parametrize(("delay", "fired"), [("1.5 ms", 16.5), ("5 ms", 20.0)])
def test_a_late_bus_fires_late_by_as_much(delay: str, fired: float, tmp_path: Path) -> None:
    scene = tmp_path / "late.toml"
    scene.write_text(
        'include = "frontal_barrier"\n[faults.late]\non = "controller.acceleration"\nkind = "delay"\n'
        f'delay = "{delay}"\nfrom = "0 ms"\n',
        encoding="utf-8",
    )
    result = crumple.run(scene, out=tmp_path, isolate=False)
    assert result.metrics["fire_ms"] == pytest.approx(fired)
    assert result.verdict == ("pass" if fired <= 16.9 else "fail")


@pytest.mark.parametrize("speed", [25, 30, 35, 40, 45, 50, 64])
def test_it_fires_wherever_it_must_with_the_stages_that_the_crash_needs(speed: int) -> None:
    found = case(f"--set speed={speed}")
    assert (found.verdict, found.failed) == ("pass", set())
    assert found.metrics["gas_share"] == pytest.approx(1.0 if speed >= 50 else 0.7)


@pytest.mark.parametrize("speed", [1, 4, 8])
def test_it_stays_folded_in_a_parking_bump(speed: int) -> None:
    found = case(f"--set speed={speed}")
    assert (found.verdict, found.metrics["fire_ms"], found.metrics["gas_share"]) == ("pass", None, 0.0)


@pytest.mark.parametrize("pulse", [5, 10, 15, 20])
def test_a_bad_road_alone_fires_nothing(pulse: int) -> None:
    found = case(f"--set speed=0 --set road_pulse={pulse}")
    assert (found.verdict, found.metrics["gas_share"]) == ("pass", 0.0)


# ---- against the test


def measured(channel: int, cfc_class: float) -> Array:
    """A channel of NHTSA test 10146 from contact on, 120 ms at 10 kHz, filtered."""
    folder = reference("nhtsa10146")
    return cfc(np.loadtxt(folder / f"v10146.{channel:03d}")[:, 1], 1e-4, cfc_class)[500:1701]


CURVES = {  # signal: (channels, CFC class, what makes it the unit of the test)
    "occupant.chest_acceleration_x": ((13,), 180, 1 / G),
    "occupant.head_acceleration": ((1, 2, 3), 1000, 1 / G),
    "occupant.chest_deflection": ((19,), 600, 1e3),
    "vehicle.acceleration": ((93, 94, 99, 100), 60, 1 / G),
}


@pytest.mark.parametrize(
    ("name", "overall", "grade"),
    [
        ("occupant.chest_acceleration_x", 0.918, "good"),
        ("occupant.head_acceleration", 0.901, "good"),
        ("occupant.chest_deflection", 0.900, "good"),
        ("vehicle.acceleration", 0.782, "fair"),
    ],
)
def test_the_rating_of_each_curve_against_the_measured_one(
    name: str, overall: float, grade: str, default: crumple.Result
) -> None:
    channels, cfc_class, scale = CURVES[name]
    curves = [measured(channel, cfc_class) for channel in channels]
    if name.startswith("vehicle"):
        real = np.mean(curves, axis=0)
    else:
        real = resultant(*curves) if len(curves) == 3 else curves[0]
    ours = default.signals[name] * scale
    if name == "occupant.chest_deflection":
        real = np.abs(real)  # compression is negative in the test
    else:
        ours = cfc(ours, 1e-4, cfc_class)
    rating = iso18571(ours[:1201], real)
    assert rating.overall == pytest.approx(overall, abs=0.002)
    assert rating.grade == grade


def test_head_and_chest_follow_the_test_in_size_and_time(default: crumple.Result) -> None:
    real = hic15(resultant(*(measured(n, 1000) for n in (1, 2, 3))), 1e-4)
    ours = hic15(default.signals["occupant.head_acceleration"] / G, 1e-4)
    assert ours.value == pytest.approx(real.value, rel=0.01)
    assert ours.t1 == pytest.approx(real.t1, abs=1e-3)
    chest = cfc(default.signals["occupant.chest_acceleration_x"] / G, 1e-4, 180)[:1201]
    assert chest.min() == pytest.approx(measured(13, 180).min(), rel=0.01)
