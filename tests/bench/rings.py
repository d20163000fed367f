"""What is run: rings of benchmark FMUs, built here, and the values that every engine must end on.

Unit i reads the outputs of unit i - 1 as they were at the last communication point (Jacobi). The equations
are in `fmus/bench_fmu.c`; `reference` is the same arithmetic in numpy, in the same order, so the two agree
bit for bit.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
HEADERS = HERE.parents[1] / "cpp" / "include"
FLAGS = ("-std=c11", "-O2", "-ffp-contract=off", "-fPIC", "-Wall", "-Wextra")

STEP = 1.0 / 512.0
"""Step [s]. A power of two and a whole number of nanoseconds: exact for engines that count either way."""
RATE = 8.0
"""Of the lags [1/s], as in the C source."""
FMI2 = 2
VERIFY = 200
"""Steps before the first check: past three changes of the excitation, cheap for the slowest engine."""
GOLDEN = {
    (1, 1): "61435adcc456bb53",
    (10, 1): "82616155de747cf4",
    (100, 1): "81be337e5e48694a",
    (1000, 1): "64a4863de78c27cf",
    (10, 32): "0aee24ca79955818",
}
"""Digest of all outputs after VERIFY steps by (units, ports), on any machine: sums and products only."""


class NotBuilt(RuntimeError):
    """The machine has no working C compiler, or the sources do not compile."""


@dataclass(frozen=True)
class Ring:
    """One ring to run. Picklable: it travels to the process that runs it."""

    fmi: int  # 2 or 3
    units: int
    ports: int  # inputs per unit, and as many outputs
    fmu: Path
    library: Path  # the FMU's own, for the bare loop
    token: str  # GUID or instantiation token
    work: float = 0.0  # rounds of arithmetic a step, where the FMU is a busy one [1]

    @property
    def inputs(self) -> list[str]:
        return ["u"] if self.ports == 1 else [f"u{k}" for k in range(self.ports)]

    @property
    def outputs(self) -> list[str]:
        return ["y"] if self.ports == 1 else [f"y{k}" for k in range(self.ports)]

    @property
    def x0(self) -> np.ndarray:
        """Start value of each unit, (units,): 1 + i/n, so that no two are alike and none is near zero."""
        return 1.0 + np.arange(self.units) / self.units

    def start(self, unit: int) -> dict[str, float]:
        """Start values of one unit by name."""
        start = {"x0": float(self.x0[unit])}
        return start | {"work": self.work} if self.work else start

    @property
    def route(self) -> np.ndarray:
        """(units, ports): which output, counted over all units, feeds this input.

        Ports are crossed over within a pair of units, so that no engine can copy them as one block.
        """
        before = (np.arange(self.units) - 1) % self.units
        crossed = (5 * np.arange(self.ports) + 1) % self.ports
        return before[:, None] * self.ports + crossed[None, :]

    def connections(self) -> list[tuple[int, str, int, str]]:
        """(source unit, output, target unit, input), in the order of the inputs."""
        out = []
        for unit, sources in enumerate(self.route):
            for name, source in zip(self.inputs, sources, strict=True):
                out.append((int(source) // self.ports, self.outputs[int(source) % self.ports], unit, name))
        return out


def reference(ring: Ring, steps: int) -> np.ndarray:
    """All outputs after `steps` steps, (units * ports,), computed without any FMU."""
    x = (ring.x0[:, None] + np.arange(ring.ports)[None, :] / ring.ports).ravel()
    route = ring.route.ravel()
    for step in range(steps):
        e = 1.5 if step & 64 else 1.0
        x = x + (STEP * RATE) * (0.5 * x[route] + e - x)
    return x


def digest(values: np.ndarray) -> str:
    """First digits of the SHA-256 of the values, as little-endian doubles."""
    return hashlib.sha256(np.ascontiguousarray(values, dtype="<f8").tobytes()).hexdigest()[:16]


def disagreement(got: np.ndarray, want: np.ndarray, tolerance: float) -> str | None:
    """Why `got` is not `want` within the relative `tolerance` (0: bit for bit), or None."""
    got = np.asarray(got, dtype=float)
    if got.shape != want.shape:
        return f"{got.size} values instead of {want.size}"
    wrong = ~(np.abs(got - want) <= tolerance * np.abs(want))
    if not wrong.any():
        return None
    at = int(np.flatnonzero(wrong)[0])
    first = f"output {at} is {float(got[at])!r} instead of {float(want[at])!r}"
    return f"{int(wrong.sum())} of {want.size} values are wrong; {first}"


def compile_library(sources: list[Path], target: Path, *flags: str) -> Path:
    """Compile C sources to a shared library. Raises NotBuilt with the compiler's words."""
    command = [os.environ.get("CC", "cc"), *FLAGS, "-shared", f"-I{HEADERS}", *flags]
    command += [str(source) for source in sources] + ["-o", str(target), "-lm", "-ldl", "-pthread"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotBuilt(f"cannot run the C compiler: {error}. Install one, or name it in CC.") from error
    if done.returncode != 0:
        raise NotBuilt(f"{' '.join(command)}\n{done.stderr}")
    return target


def build_ring(folder: Path, units: int, *, fmi: int = 2, ports: int = 1, work: float = 0.0) -> Ring:
    """A ring of `units` units, its FMU built into `folder` (once: rings of the same kind share it)."""
    name = f"{'busy' if work else 'lag'}{ports if ports > 1 else ''}_fmi{fmi}"
    token = f"{{crumple-bench-{name}}}"
    suffix = {"Darwin": ".dylib", "Windows": ".dll"}.get(platform.system(), ".so")
    library = folder / (name + suffix)
    fmu = folder / f"{name}.fmu"
    if not fmu.exists():
        folder.mkdir(parents=True, exist_ok=True)
        flags = [f"-DFMI={fmi}", f"-DPORTS={ports}", f'-DTOKEN="{token}"'] + (["-DBUSY"] if work else [])
        compile_library([HERE / "fmus" / "bench_fmu.c", HERE / "fmus" / "refused.c"], library, *flags)
        zip_fmu(fmu, library, describe(name, token, fmi=fmi, ports=ports), fmi=fmi)
    return Ring(fmi=fmi, units=units, ports=ports, fmu=fmu, library=library, token=token, work=work)


def zip_fmu(fmu: Path, library: Path, description: str, *, fmi: int) -> Path:
    """An archive of one library and its description."""
    system, machine = platform.system(), platform.machine().lower()
    bits = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    kernel = {"Linux": "linux", "Darwin": "darwin", "Windows": "windows"}.get(system, system.lower())
    place = {"Linux": "linux64", "Darwin": "darwin64", "Windows": "win64"}.get(system, kernel)
    with zipfile.ZipFile(fmu, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("modelDescription.xml", description)
        archive.write(library, f"binaries/{place if fmi == FMI2 else f'{bits}-{kernel}'}/{library.name}")
    return fmu


def describe(name: str, token: str, *, fmi: int, ports: int, note: str = "") -> str:
    """modelDescription.xml of a benchmark FMU. `note` makes archives differ that are otherwise alike."""
    ring = Ring(fmi, 1, ports, Path(), Path(), token)
    head = f'modelName="{name}" description="Benchmark lags {note}" generationTool="Crumple benchmark"'
    can = f'modelIdentifier="{name}" canHandleVariableCommunicationStepSize="true"'
    rows = [(u, k, "input", 'variability="continuous"', ' start="0.0"') for k, u in enumerate(ring.inputs)]
    for k, y in enumerate(ring.outputs):
        rows.append((y, ports + k, "output", 'variability="continuous" initial="calculated"', ""))
    rows.append(("x0", 2 * ports, "parameter", 'variability="fixed" initial="exact"', ' start="1.0"'))
    rows.append(
        ("work", 2 * ports + 1, "parameter", 'variability="fixed" initial="exact"', ' start="1000.0"')
    )
    opening = '<?xml version="1.0" encoding="UTF-8"?>\n<fmiModelDescription'
    if fmi == FMI2:
        variables = "\n".join(
            f'<ScalarVariable name="{variable}" valueReference="{ref}" causality="{causality}" {more}>'
            f"<Real{start}/></ScalarVariable>"
            for variable, ref, causality, more, start in rows
        )
        outputs = "".join(f'<Unknown index="{ports + k + 1}" dependencies=""/>' for k in range(ports))
        first = outputs.replace('dependencies=""', f'dependencies="{2 * ports + 1}"')
        structure = f"<Outputs>{outputs}</Outputs><InitialUnknowns>{first}</InitialUnknowns>"
        opening += f' fmiVersion="2.0" guid="{token}" {head}>'
    else:
        variables = "\n".join(
            f'<Float64 name="{variable}" valueReference="{ref}" causality="{causality}" {more}{start}/>'
            for variable, ref, causality, more, start in rows
        )
        variables += f'\n<Float64 name="time" valueReference="{2 * ports + 2}" causality="independent"/>'
        structure = "".join(f'<Output valueReference="{ports + k}" dependencies=""/>' for k in range(ports))
        structure += "".join(
            f'<InitialUnknown valueReference="{ports + k}" dependencies="{2 * ports}"/>' for k in range(ports)
        )
        opening += f' fmiVersion="3.0" instantiationToken="{token}" {head}>'
    return (
        f"{opening}\n<CoSimulation {can}/>\n<ModelVariables>\n{variables}\n</ModelVariables>\n"
        f"<ModelStructure>{structure}</ModelStructure>\n</fmiModelDescription>\n"
    )
