"""Other engines, as their users drive them: FMPy by hand, Ecos (`ecospy`) and libcosim (`libcosimpy`).

All three are Jacobi on a ring, each in its own way:

FMPy      has no algorithm for coupled FMUs; the loop here sets all inputs from the outputs of the last step.
Ecos      steps every instance, then moves the values of all connections, then sets them.
libcosim  steps every instance, then moves the values, which are set when the next step begins.

Ecos and libcosim start threads unasked. For one thread, Ecos is created while its process may use one core
only, and libcosim is told to have no worker threads: it then steps in the calling thread, three times faster
than as it comes, where its worker holds the lock of the queue while it steps a unit and spins when there is
nothing to do. So each runs the fastest way we know of, not the way it comes.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from engine import Absent, Engine
from rings import FMI2, STEP, Ring


@contextmanager
def cores_seen(threads: int) -> Iterator[None]:
    """Let what is created inside see `threads` cores; all of them again afterwards."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:threads])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Fmpy(Engine):
    """FMPy's classes for one instance, stepped by a loop in Python: one set, one step, one get per unit."""

    name = "FMPy"
    package = "fmpy"

    def __init__(self, ring: Ring, *, threads: int = 1, record: Path | None = None) -> None:
        super().__init__(ring, threads=threads, record=record)
        if threads > 1:
            raise Absent("steps on one thread")
        fmpy = importlib.import_module("fmpy")
        kind = fmpy.fmi2.FMU2Slave if ring.fmi == FMI2 else fmpy.fmi3.FMU3Slave
        self._tick = 0
        self._folder = fmpy.extract(str(ring.fmu))
        description = fmpy.read_model_description(self._folder)
        refs = {v.name: v.valueReference for v in description.modelVariables}
        self._in_refs = [refs[name] for name in ring.inputs]
        self._out_refs = [refs[name] for name in ring.outputs]
        self._route = [[divmod(int(o), ring.ports) for o in unit] for unit in ring.route]
        self._units: list[Any] = []
        for i in range(ring.units):
            unit = kind(
                guid=description.guid,
                unzipDirectory=self._folder,
                modelIdentifier=description.coSimulation.modelIdentifier,
                instanceName=f"lag{i}",
            )
            unit.instantiate()
            put = unit.setReal if ring.fmi == FMI2 else unit.setFloat64
            start = ring.start(i)
            put([refs[name] for name in start], list(start.values()))
            if ring.fmi == FMI2:
                unit.setupExperiment()
            unit.enterInitializationMode()
            unit.exitInitializationMode()
            self._units.append(unit)
        self._put = [u.setReal if ring.fmi == FMI2 else u.setFloat64 for u in self._units]
        self._get = [u.getReal if ring.fmi == FMI2 else u.getFloat64 for u in self._units]
        self._published = [get(self._out_refs) for get in self._get]
        self._rows: list[list[list[float]]] = []

    @classmethod
    def prepare(cls) -> None:
        cls.version()
        importlib.import_module("fmpy.fmi2")
        importlib.import_module("fmpy.fmi3")

    def step(self, steps: int) -> None:
        in_refs, out_refs = self._in_refs, self._out_refs
        loop = list(zip(self._units, self._put, self._get, self._route, strict=True))
        for _ in range(steps):
            t = self._tick * STEP
            published = self._published
            latest = []
            for unit, put, get, sources in loop:
                put(in_refs, [published[i][k] for i, k in sources])
                unit.doStep(t, STEP)
                latest.append(get(out_refs))
            self._published = latest
            if self.record is not None:
                self._rows.append(latest)
            self._tick += 1

    def outputs(self) -> np.ndarray:
        return np.array(self._published).ravel()

    def recorded(self) -> np.ndarray | None:
        return np.array(self._rows[-1]).ravel() if self._rows else None


def preload_tbb() -> None:
    """Load libtbb.so.12, which the library of `ecospy` needs and does not bring.

    Either the system's, or that of the PyPI package `tbb`. Raises Absent.
    """
    places = ["libtbb.so.12"]
    try:
        files = importlib.metadata.files("tbb") or []
        places += [str(f.locate()) for f in files if f.name == "libtbb.so.12"]
    except importlib.metadata.PackageNotFoundError:
        pass
    for place in places:
        try:
            ctypes.CDLL(place, mode=ctypes.RTLD_GLOBAL)
            return
        except OSError:
            continue
    raise Absent("ecospy needs libtbb.so.12 (pip install tbb, or apt install libtbb12)")


class Ecos(Engine):
    """Ecos through its Python package, fixed-step algorithm; it records to CSV, in fewer digits."""

    name = "Ecos"
    package = "ecospy"
    leads = 1

    def __init__(self, ring: Ring, *, threads: int = 1, record: Path | None = None) -> None:
        super().__init__(ring, threads=threads, record=record)
        ecospy = importlib.import_module("ecospy")
        with cores_seen(threads):
            with ecospy.EcosSimulationStructure() as structure:
                starts: dict[str, float] = {}
                for i in range(ring.units):
                    structure.add_model(f"lag{i}", str(ring.fmu))
                    starts |= {f"lag{i}::{name}": value for name, value in ring.start(i).items()}
                for source, output, target, name in ring.connections():
                    structure.make_real_connection(f"lag{source}::{output}", f"lag{target}::{name}")
                structure.add_parameter_set("start", starts)
                self._simulation = ecospy.EcosSimulation(structure=structure, step_size=STEP)
            self._names = [f"lag{i}::{y}" for i in range(ring.units) for y in ring.outputs]
            if record is not None:
                self._simulation.add_csv_writer(str(record / "ecos.csv"), identifiers=self._names)
            if not self._simulation.init(parameter_set="start"):
                raise RuntimeError(f"did not initialise: {ecospy.lib.EcosLib.get_last_error()}")
            self._simulation.step(1)  # its threads start here

    @classmethod
    def prepare(cls) -> None:
        cls.version()
        preload_tbb()
        try:
            lib = importlib.import_module("ecospy.lib")
        except OSError as error:
            raise Absent(f"ecospy does not load: {error}") from None
        lib.EcosLib.set_log_level("warn")

    def step(self, steps: int) -> None:
        self._simulation.step(steps)

    def outputs(self) -> np.ndarray:
        return np.array([self._simulation.get_real(name) for name in self._names])

    def close(self) -> None:
        self._simulation.free()


class Libcosim(Engine):
    """libcosim through its Python package, from a system structure; it records to memory."""

    name = "libcosim"
    package = "libcosimpy"
    leads = 1
    looks = 1  # an observer sees values only as a step ends

    def __init__(self, ring: Ring, *, threads: int = 1, record: Path | None = None) -> None:
        super().__init__(ring, threads=threads, record=record)
        if ring.fmi != FMI2:
            raise Absent("has no FMI 3")
        self._observer = importlib.import_module("libcosimpy.CosimObserver").CosimObserver
        execution = importlib.import_module("libcosimpy.CosimExecution").CosimExecution
        self._taken = 0
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "SystemStructure.ssd"
            file.write_text(system_structure(ring, workers=threads - 1), encoding="utf-8")
            self._execution = execution.from_ssp_file(folder)
        index = {info.name.decode(): info.index for info in self._execution.slave_infos()}
        self._index = [index[f"lag{i}"] for i in range(ring.units)]
        self._refs = list(range(ring.ports, 2 * ring.ports))
        self._series = None
        if record is not None:
            real = importlib.import_module("libcosimpy.CosimEnums").CosimVariableType.REAL
            self._series = self._observer.create_time_series(4096)
            self._execution.add_observer(self._series)
            for unit in self._index:
                for ref in self._refs:
                    self._series.start_time_series(unit, ref, real)
        self.step(1)  # it initialises with the first step

    @classmethod
    def prepare(cls) -> None:
        cls.version()
        logging = importlib.import_module("libcosimpy.CosimLogging")
        logging.log_output_level(logging.CosimLogLevel.ERROR)

    def step(self, steps: int) -> None:
        if not self._execution.step(steps):
            raise RuntimeError("libcosim refused a step")
        self._taken += steps

    def outputs(self) -> np.ndarray:
        observer = self._observer.create_last_value()
        self._execution.add_observer(observer)
        self.step(1)
        return np.array([observer.last_real_values(unit, self._refs) for unit in self._index]).ravel()

    def recorded(self) -> np.ndarray | None:
        if self._series is None:
            return None
        read, since = self._series.time_series_real_samples, self._taken - 1
        return np.array([read(unit, ref, since, 8)[2][-1] for unit in self._index for ref in self._refs])


def system_structure(ring: Ring, *, workers: int) -> str:
    """SystemStructure.ssd of a ring, with the number of worker threads in libcosim's own annotation."""
    ports = "".join(
        f'<ssd:Connector name="{name}" kind="{kind}"><ssc:Real/></ssd:Connector>'
        for kind, names in (("input", ring.inputs), ("output", ring.outputs))
        for name in names
    )
    units = []
    for i in range(ring.units):
        starts = "".join(
            f'<ssv:Parameter name="{name}"><ssv:Real value="{value!r}"/></ssv:Parameter>'
            for name, value in ring.start(i).items()
        )
        units.append(
            f'<ssd:Component name="lag{i}" source={quoteattr(ring.fmu.as_uri())}>'
            f"<ssd:Connectors>{ports}</ssd:Connectors>"
            "<ssd:ParameterBindings><ssd:ParameterBinding><ssd:ParameterValues>"
            f'<ssv:ParameterSet version="1.0" name="start"><ssv:Parameters>{starts}</ssv:Parameters>'
            "</ssv:ParameterSet></ssd:ParameterValues></ssd:ParameterBinding></ssd:ParameterBindings>"
            "</ssd:Component>"
        )
    connections = [
        f'<ssd:Connection startElement="lag{source}" startConnector="{output}" '
        f'endElement="lag{target}" endConnector="{name}"/>'
        for source, output, target, name in ring.connections()
    ]
    spaces = "".join(
        f' xmlns:{prefix}="http://ssp-standard.org/SSP1/SystemStructure{name}"'
        for prefix, name in (("ssd", "Description"), ("ssc", "Common"), ("ssv", "ParameterValues"))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ssd:SystemStructureDescription name="ring" version="1.0"{spaces}'
        ' xmlns:osp="http://opensimulationplatform.com/SSP/OSPAnnotations">\n<ssd:System name="ring">'
        f"<ssd:Elements>{''.join(units)}</ssd:Elements>\n"
        f"<ssd:Connections>{''.join(connections)}</ssd:Connections></ssd:System>\n"
        "<ssd:DefaultExperiment><ssd:Annotations>"
        '<ssc:Annotation type="com.opensimulationplatform"><osp:Algorithm>'
        f'<osp:FixedStepAlgorithm baseStepSize="{STEP!r}" numWorkerThreads="{workers}"/>'
        "</osp:Algorithm></ssc:Annotation></ssd:Annotations></ssd:DefaultExperiment>\n"
        "</ssd:SystemStructureDescription>\n"
    )
