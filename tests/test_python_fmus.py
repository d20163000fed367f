"""FMUs that embed Python, as the two generators on PyPI make them: they run in a worker that can host them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from crumple import Fmu, StepError, World

SLAVE = """
from {package} import Fmi{v}Causality, Fmi{v}Slave, Fmi{v}Variability, {real}


class Lag(Fmi{v}Slave):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.u = 1.0
        self.tau = 0.5
        self.y = 0.0
        self.fails = 0.0
        {time}
        parameter = dict(causality=Fmi{v}Causality.parameter, variability=Fmi{v}Variability.fixed)
        self.register_variable({real}("u", causality=Fmi{v}Causality.input))
        self.register_variable({real}("tau", **parameter))
        self.register_variable({real}("fails", **parameter))
        self.register_variable({real}("y", causality=Fmi{v}Causality.output))

    def do_step(self, t, h):
        if self.fails and t >= 0.05:
            raise ValueError("no more fuel")
        self.y += h * (self.u - self.y) / self.tau
        return True
"""
TIME = (
    "self.time = 0.0; self.register_variable(Float64('time', causality=Fmi3Causality.independent,"
    " variability=Fmi3Variability.continuous))"
)
GENERATORS = {
    "pythonfmu": {"v": 2, "real": "Real", "time": "pass"},
    "pythonfmu3": {"v": 3, "real": "Float64", "time": TIME},
}


@pytest.fixture(scope="module", params=sorted(GENERATORS))
def lag(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """x' = (u - x) / tau by Euler, made by a generator."""
    package: str = request.param
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    folder = tmp_path_factory.mktemp(package)
    # modules of one name would be one in this process, whichever FMU loads it first
    script = folder / f"lag_of_{package}.py"
    script.write_text(SLAVE.format(package=package, **GENERATORS[package]))
    build = [sys.executable, "-m", package, "build", "-f", script.name]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    return folder / "Lag.fmu"


def world_of(lag: Path, *, isolate: bool | None, fails: float = 0.0) -> World:
    world = World("10 ms", threads=2)
    for name in ("a", "b"):
        world.add(name, Fmu(lag, start={"tau": 0.25, "fails": fails}), isolate=isolate)
    world.connect("a.y", "b.u")
    return world


def test_it_runs_by_its_closed_form_and_alike_in_both_places(lag: Path) -> None:
    digests = set()
    for isolate in (None, False):
        world = world_of(lag, isolate=isolate)
        assert world.isolated() == dict.fromkeys("ab", isolate is None)
        world.reset()
        world.step(50)
        assert world["a.y"] == pytest.approx(1 - (1 - 0.01 / 0.25) ** 50, rel=1e-12)  # Euler
        digests.add(world.digest())
    assert len(digests) == 1


def test_it_is_forked_though_it_saves_no_state(lag: Path) -> None:
    world = world_of(lag, isolate=True)
    world.reset()
    world.step(20)
    forks = world.forks(3)
    world.step(20)
    for fork in forks:
        fork.step(20)
        assert fork.digest() == world.digest()


def test_what_it_raises_ends_the_run(lag: Path) -> None:
    world = world_of(lag, isolate=True, fails=1.0)
    world.reset()
    with pytest.raises(StepError, match=r"unit 'a' failed in fmi[23]DoStep at t = 0\.05 s") as caught:
        world.step(10)
    assert "fatal error" in caught.value.fact
    if "fmi3" in caught.value.call:  # the FMUs of pythonfmu tell their logger nothing
        assert "no more fuel" in caught.value.fact
