"""The benchmark is right before it is fast; and cases for pytest-benchmark (run with --benchmark-enable)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import engines
import numpy as np
import pytest
import report
from bare import Bare
from engine import Absent, Engine
from lane import ENGINES, Lane
from ours import Crumple, EmptyCall, PluginRing, plugin_reference
from rings import GOLDEN, RATE, STEP, VERIFY, NotBuilt, Ring, build_ring, digest, disagreement, reference


@pytest.fixture(scope="session")
def make_ring(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ring]:
    """Builds rings into one folder. Skips where there is no C compiler."""
    folder = tmp_path_factory.mktemp("bench")

    def make(units: int, **kind: Any) -> Ring:
        try:
            return build_ring(folder, units, **kind)
        except NotBuilt as error:
            pytest.skip(f"no benchmark FMU: {error}")

    return make


def prepared(kind: type[Engine]) -> type[Engine]:
    """The engine. Skips where it is not installed."""
    try:
        kind.prepare()
    except Absent as absent:
        pytest.skip(f"{kind.name}: {absent}")
    return kind


@pytest.fixture
def lanes() -> Iterator[list[Lane]]:
    """A list for the lanes of a test; they are ended with it."""
    opened: list[Lane] = []
    yield opened
    for lane in opened:
        lane.close()


@pytest.mark.parametrize("units, ports", list(GOLDEN))
def test_the_reference_has_its_golden_digest(units: int, ports: int) -> None:
    ring = Ring(2, units, ports, Path(), Path(), "")
    assert digest(reference(ring, VERIFY)) == GOLDEN[units, ports]


def test_the_signals_neither_settle_nor_decay() -> None:
    ring = Ring(2, 10, 1, Path(), Path(), "")
    late = [reference(ring, steps) for steps in (20_000, 20_032, 20_064)]
    assert all(x.min() > 1.0 and x.max() < 4.0 for x in late)
    assert not np.array_equal(late[0], late[1])
    assert not np.array_equal(late[1], late[2])


def test_the_reference_tells_jacobi_from_any_other_order() -> None:
    """A unit that sees its neighbour's new output, one step early, ends on other values."""
    ring = Ring(2, 10, 1, Path(), Path(), "")
    x, gain = ring.x0.copy(), STEP * RATE
    for step in range(VERIFY):
        for i in range(ring.units):
            x[i] += gain * (0.5 * x[i - 1] + (1.5 if step & 64 else 1.0) - x[i])
    assert disagreement(x, reference(ring, VERIFY), 1e-6) is not None


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize("units, ports", [(1, 1), (10, 1), (10, 32)])
def test_the_bare_loop_ends_on_the_bits_of_the_reference(
    make_ring: Callable[..., Ring], tmp_path: Path, fmi: int, units: int, ports: int
) -> None:
    ring = make_ring(units, fmi=fmi, ports=ports)
    for threads in (1, 2):
        bare = Bare(ring, threads=threads, record=tmp_path if threads == 1 else None)
        bare.step(VERIFY)
        assert disagreement(bare.outputs(), reference(ring, VERIFY), 0.0) is None
        row = bare.recorded()
        assert row is None or np.array_equal(row, bare.outputs())
        bare.close()


def test_work_changes_no_value(make_ring: Callable[..., Ring]) -> None:
    bare = Bare(make_ring(8, work=500.0))
    bare.step(VERIFY)
    assert disagreement(bare.outputs(), reference(bare.ring, VERIFY), 0.0) is None
    bare.close()


@pytest.mark.parametrize("engine", ["crumple", "crumple-nodigest", "fmpy", "ecos", "libcosim"])
@pytest.mark.parametrize("fmi", [2, 3])
def test_every_engine_ends_on_the_bits_of_the_reference(
    make_ring: Callable[..., Ring], lanes: list[Lane], engine: str, fmi: int
) -> None:
    lane = Lane(engine, make_ring(10, fmi=fmi))
    lanes.append(lane)
    lane.build()
    lane.run(50)
    values = lane.outputs()
    if lane.absent:
        pytest.skip(f"{lane.label}: {lane.note}")
    assert values is not None, lane.note
    assert disagreement(values, reference(lane.ring, lane.steps), lane.kind.tolerance) is None


def test_a_wrong_value_fails_the_benchmark(
    make_ring: Callable[..., Ring], lanes: list[Lane], tmp_path: Path
) -> None:
    bench = engines.Bench(tmp_path, rounds=1, say=lambda text: None)
    lanes.append(Lane("bare", make_ring(10)))
    case = bench.case(
        "ring", "ring", lanes, expected=lambda ring, steps: reference(ring, steps) * (1 + 1e-15)
    )
    assert case.rows[0].failed
    assert "after 200 steps" in case.rows[0].note
    assert case.rows[0].rounds == 0
    assert report.as_json({}, [case], [], {})["failed"]


def test_an_engine_that_dies_is_a_row_that_says_so(lanes: list[Lane], tmp_path: Path) -> None:
    library = tmp_path / "no.so"
    lane = Lane("bare", Ring(2, 3, 1, tmp_path / "no.fmu", library, "{none}"))
    lanes.append(lane)
    assert lane.build() is None
    assert not lane.alive
    assert lane.failed
    assert "no.so" in lane.note


def test_the_command_writes_what_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        build_ring(tmp_path, 1)
    except NotBuilt as error:
        pytest.skip(str(error))
    out = tmp_path / "bench.json"
    assert engines.main(["--quick", "--rounds", "2", "--only", "ports", "--json", str(out)]) == 0
    whole = json.loads(out.read_text(encoding="utf-8"))
    assert [case["name"] for case in whole["cases"]] == ["ports32-fmi2"]
    bare = whole["cases"][0]["rows"][0]
    assert bare["engine"] == "bare C loop"
    assert bare["rounds"] == 2
    assert bare["digest"] == GOLDEN[10, 32]
    assert bare["ratio"] == 1.0
    assert 0.0 < bare["ns"] < math.inf
    assert "bare C loop" in capsys.readouterr().out


def test_an_unknown_case_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        engines.main(["--only", "rigns"])
    assert ended.value.code == 2
    assert "'rigns'" in capsys.readouterr().err


def test_a_target_is_met_missed_or_not_measured() -> None:
    assert report.Target("ratio", 1.5, 1.4).met is True
    assert report.Target("ratio", 1.5, 1.6).met is False
    assert report.Target("speed", 10.0, 12.0, at_least=True).met is True
    assert report.Target("speed", 10.0, math.nan, at_least=True).met is None


@pytest.mark.parametrize("engine", ["bare", "crumple", "crumple-nodigest"])
@pytest.mark.parametrize("units", [1, 100])
def test_ring_of_lags(benchmark: Any, make_ring: Callable[..., Ring], engine: str, units: int) -> None:
    """1,000 steps of a ring; the values are checked after the timing."""
    kind = prepared(ENGINES[engine])
    ring = make_ring(units)
    run, bare = kind(ring), Bare(ring)
    taken = 0

    def steps() -> None:
        nonlocal taken
        run.step(1000)
        taken += 1000

    benchmark.extra_info["unit_steps"] = 1000 * units
    benchmark(steps)
    bare.step(taken)
    assert disagreement(run.outputs(), bare.outputs(), 0.0) is None
    bare.close()
    run.close()


@pytest.mark.parametrize("kind", [EmptyCall, PluginRing])
def test_python_plugin(benchmark: Any, make_ring: Callable[..., Ring], kind: type[Engine]) -> None:
    """100 steps of ten plugins, beside as many empty calls."""
    run = prepared(kind)(make_ring(10))
    if kind is PluginRing:
        run.step(VERIFY)
        assert disagreement(run.outputs(), plugin_reference(run.ring, VERIFY), 0.0) is None
    benchmark.extra_info["unit_steps"] = 1000
    benchmark(run.step, 100)
    run.close()


def test_loading_a_world(benchmark: Any, make_ring: Callable[..., Ring]) -> None:
    """Ten FMUs seen before: from their file to the first step."""
    kind = prepared(Crumple)
    ring = make_ring(10)

    def load() -> np.ndarray:
        run = kind(ring)
        run.step(1)
        values = run.outputs()
        run.close()
        return values

    assert disagreement(benchmark(load), reference(ring, 1), 0.0) is None
