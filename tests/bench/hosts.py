"""Runs one FMU alone in one engine, as its users do, and writes what came of it. For hostility.py.

    python tests/bench/hosts.py ENGINE FMU RESULT.json

Eight steps of 0.125 s, then the outputs are read; the text output only where the misbehaviour is about texts.
RESULT.json has the last values of y and n, or what the engine said, and what of the process was changed meanwhile.
The exit code is 0 where the engine reported nothing, 1 where it did.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile_state import changes, process_state

H = 0.125
STEPS = 8

TEXT = "_string" in os.environ.get("CRUMPLE_HOSTILE", "")

Values = tuple[float, float]


def fmpy(fmu: Path) -> Values:
    """`simulate_fmu`, as in FMPy's README."""
    module = importlib.import_module("fmpy")
    rows = module.simulate_fmu(
        str(fmu),
        stop_time=STEPS * H,
        step_size=H,
        output_interval=H,
        output=["y", "n", "text"] if TEXT else ["y", "n"],
    )
    return float(rows["y"][-1]), float(rows["n"][-1])


def ecos(fmu: Path, *, prefix: str = "") -> Values:
    """A structure with one model, as in the README of Ecos. `step` reports nothing."""
    importlib.import_module("peers").preload_tbb()
    ecospy = importlib.import_module("ecospy")
    with ecospy.EcosSimulationStructure() as structure:
        structure.add_model("dut", f"{prefix}{fmu}")
        with ecospy.EcosSimulation(structure=structure, step_size=H) as simulation:
            if simulation.init() is False:
                raise RuntimeError(f"init() returned False: {ecospy.lib.EcosLib.get_last_error()}")
            simulation.step(STEPS)
            values = simulation.get_real("dut::y"), simulation.get_real("dut::n")
            if TEXT:
                simulation.get_string("dut::text")
            simulation.terminate()
            return values


def ecos_proxy(fmu: Path) -> Values:
    """Ecos with its worker process. The wheel of 0.7.2 has it without the permission to execute it: a copy has."""
    source = Path(str(importlib.metadata.distribution("ecospy").locate_file("ecospy/binaries/proxyfmu")))
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "proxyfmu"
        program.write_bytes(source.read_bytes())
        program.chmod(0o755)
        os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
        return ecos(fmu, prefix="proxyfmu://localhost?file=")


def libcosim(fmu: Path) -> Values:
    """An execution with one local slave, as in the README of libcosimpy. `step` says whether it went well."""
    execution_of = importlib.import_module("libcosimpy.CosimExecution").CosimExecution
    slave_of = importlib.import_module("libcosimpy.CosimSlave").CosimLocalSlave
    observer_of = importlib.import_module("libcosimpy.CosimObserver").CosimObserver
    execution = execution_of.from_step_size(step_size=int(H * 1e9))
    slave = slave_of(fmu_path=str(fmu), instance_name="dut")
    if not slave.ptr():
        raise RuntimeError("CosimLocalSlave is a null pointer")
    index = execution.add_local_slave(local_slave=slave)
    observer = observer_of.create_last_value()
    execution.add_observer(observer=observer)
    for step in range(STEPS):
        if not execution.step():
            raise RuntimeError(f"step() number {step + 1} returned False")
    y, n = observer.last_real_values(slave_index=index, variable_references=[2, 3])
    if TEXT:
        observer.last_string_values(slave_index=index, variable_references=[9])
    return y, n


SCENE = """
crumple = 1
[clock]
period = "125 ms"
stop = "1 s"
[units.dut]
fmu = "{fmu}"
[requirements.bounded]
signal = "dut.y"
max = 1
"""


def crumple(fmu: Path, *, isolate: bool | None = None) -> Values:
    """`crumple.run` on a scene with one unit. An FMU that was not vetted runs in a worker process."""
    module = importlib.import_module("crumple")
    Path("scene.toml").write_text(SCENE.format(fmu=fmu))
    result = module.run("scene.toml", isolate=isolate, step_timeout=2.0)
    if result.verdict != "pass":
        raise RuntimeError(f"verdict {result.verdict}: {result.reason}")
    return float(result.signals["dut.y"][-1]), float(result.signals["dut.n"][-1])


def crumple_in_process(fmu: Path) -> Values:
    """The same with `isolate=False`."""
    return crumple(fmu, isolate=False)


HOSTS: dict[str, tuple[str, str, Callable[[Path], Values]]] = {
    # what is on the command line: name in the table, package, function
    "crumple": ("Crumple", "crumple", crumple),
    "crumple-in-process": ("Crumple, `isolate=False`", "crumple", crumple_in_process),
    "fmpy": ("FMPy", "fmpy", fmpy),
    "ecos": ("Ecos", "ecospy", ecos),
    "ecos-proxy": ("Ecos, `proxyfmu://`", "ecospy", ecos_proxy),
    "libcosim": ("libcosim", "libcosimpy", libcosim),
}


def main() -> int:
    """See above."""
    name, fmu, into = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    before = process_state()
    told: dict[str, object] = {}
    try:
        told["y"], told["n"] = HOSTS[name][2](fmu)
    except Exception as error:
        told["said"] = f"{type(error).__name__}: {error}"
        print(told["said"], file=sys.stderr)
    gc.collect()
    told["changed"] = changes(before, process_state())
    with contextlib.suppress(ValueError):  # standard output was closed
        sys.stdout.flush()
    into.write_text(json.dumps(told))
    return 1 if "said" in told else 0


if __name__ == "__main__":
    sys.exit(main())
