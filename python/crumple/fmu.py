"""An FMU as a unit: which of its variables become ports, what is set before the run, and how the core calls it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from crumple import _core
from crumple.archive import Archive, library_path, open_fmu, require_cosimulation
from crumple.certificate import Certificate, certificate_of
from crumple.content import bundled
from crumple.description import Description, Variable, did_you_mean, element_count, find_variable, shape_of
from crumple.errors import FmuError
from crumple.gate import GateLimits
from crumple.si import SiError, parse_si
from crumple.start import decode_start, encode_start
from crumple.worker import Limits, fmu_command, python_command
from crumple.worker import options as worker_options

_specs: dict[tuple[Any, ...], _core.FmuSpec] = {}


def bundled_fmus() -> dict[str, Path]:
    """The FMUs that come with Crumple, by name."""
    return bundled("fmu", ".fmu")


def locate_fmu(name: str | os.PathLike[str], *, beside: Path | None = None) -> Path:
    """The path of an FMU: a bundled one by its name, else a file or folder.

    beside: folder that a relative path starts from, by default the working directory.
    Raises FmuError where there is neither.
    """
    text = os.fspath(name)
    path = Path(text) if beside is None or Path(text).is_absolute() else beside / text
    if path.exists():
        return path
    known = bundled_fmus()
    if text in known:
        return known[text]
    hint = did_you_mean(text, known) if os.sep not in text and not text.endswith(".fmu") else ""
    raise FmuError(f'FMU "{text}": no such file, and no bundled FMU of that name.{hint}')


_MOST_ENCODED = 100_000  # start values that are kept ready


class Fmu:
    """An FMU to be added to a world.

    path: an .fmu file, an unpacked folder, or the name of a bundled FMU.
    start: values by variable name, set before initialisation; quantities such as "57.09 km/h" are converted.
    record: further variables to show as outputs: names or patterns such as "body.*".
    strict: what is not quite valid in the FMU is an error, not a warning.
    allow_nonfinite: outputs (names or patterns) in which NaN and infinity are values, not errors.
    allow_warnings: a call that returns a warning is noted, and is no error.
    tolerance: told to the FMU, by default that of its default experiment.
    stop: stop time [s] told to the FMU; not told by default.
    trust_state: its own way to save and restore its state is used though vetting has not shown that it holds.
    limits: of the gate, for archives larger than it lets through by default.
    Raises FmuError that names the variable and what is wrong with it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        start: Mapping[str, Any] | None = None,
        *,
        record: Sequence[str] = (),
        strict: bool = False,
        allow_nonfinite: Sequence[str] = (),
        allow_warnings: bool = False,
        tolerance: float | None = None,
        stop: float | None = None,
        trust_state: bool = False,
        limits: GateLimits | None = None,
    ) -> None:
        self.archive: Archive = open_fmu(locate_fmu(path), strict=strict, limits=limits)
        require_cosimulation(self.archive)
        self.start = dict(start or {})
        self.record = tuple(record)
        self.allow_nonfinite = tuple(allow_nonfinite)
        self.allow_warnings = allow_warnings
        self.tolerance = self.description.default_tolerance if tolerance is None else tolerance
        self.stop = stop
        self.trust_state = trust_state
        self.structural = self._structural()
        self._encoded: dict[tuple[str, Any], dict[str, Any]] = {}
        self.starts = self._starts()

    def __repr__(self) -> str:
        return f"Fmu({str(self.archive.path)!r})"

    @property
    def description(self) -> Description:
        """What the FMU says about itself."""
        return self.archive.description

    def inputs(self) -> list[Variable]:
        """The variables that become input ports, in the FMU's order."""
        known = self.description.by_name.values()  # of two of one name, the first
        return [v for v in known if v.causality == "input" and self._can_be_port(v)]

    def outputs(self) -> list[Variable]:
        """The variables that become output ports: the FMU's outputs, then what `record` adds."""
        known = self.description.by_name.values()  # of two of one name, the first
        chosen = [v for v in known if v.causality == "output" and self._can_be_port(v)]
        names = {v.name for v in chosen}
        for pattern in self.record:
            found = matching(self.description, pattern)
            if not found:
                find_variable(self.description, pattern)  # raises, with the nearest names
            for variable in found:
                if (
                    variable.name not in names
                    and variable.causality != "input"
                    and self._can_be_port(variable)
                ):
                    names.add(variable.name)
                    chosen.append(variable)
        return chosen

    def check_step(self, step: float) -> str | None:
        """Why the FMU cannot take steps of `step` seconds; None where nothing is known against it."""
        internal = self.description.internal_step
        if internal is None or internal <= 0 or self.description.can_vary_step:
            return None
        ratio = step / internal
        if ratio >= 0.5 and abs(ratio - round(ratio)) <= 1e-9 * ratio:
            return None
        return (
            f"{self.archive.path.name} cannot take steps of {step:g} s: it has a fixed internal step of {internal:g} s,"
            f" and takes whole multiples of it ({internal:g} s, {2 * internal:g} s, ...)"
        )

    def restarted(self, values: Mapping[str, Any]) -> Fmu | None:
        """The same with other start values; None where they reach beyond those of its instances: sizes and inputs.

        Raises FmuError that names the variable and what is wrong with it.
        """
        for name in values:
            if find_variable(self.description, name).causality in ("structuralParameter", "input"):
                return None
        other = Fmu.__new__(Fmu)  # shares what is encoded already: a campaign has few values of each
        other.__dict__.update(self.__dict__)
        other.start = {**self.start, **values}
        other.starts = other._starts()
        return other

    def make_unit(
        self,
        instance: str,
        *,
        certificate: Certificate | None,
        isolate: bool = False,
        step_timeout: float | None = None,
        limits: Limits | None = None,
    ) -> _core.UnitHolder:
        """The unit, ready to be added to the core's world under the name `instance`.

        certificate: what vetting found, see `certificate`.   isolate: in a worker process.
        step_timeout, limits: see World.add.
        """
        # that a restored state goes on bit for bit, vetting has to find: what an FMU claims of itself is not enough
        state = self.trust_state or (certificate is not None and certificate.state == "exact")
        as_bytes = self.trust_state or (
            state and certificate is not None and certificate.serialize == "exact"  # also in another process
        )
        worker = None
        if isolate:
            python = calls_python(library_path(self.archive))
            worker = worker_options(
                python_command("fmu") if python else fmu_command(),
                step_timeout=step_timeout,
                limits=limits,
                trust_state=state,
                needs_tool=self.description.needs_tool,
            )
        spec = self._spec(
            can_save=self.description.can_save and state,
            can_serialize=self.description.can_serialize and as_bytes,
        )
        return _core.make_fmu_unit(
            spec, instance, self.starts, self.tolerance, self.stop, self.allow_warnings, worker
        )

    def certificate(self) -> Certificate | None:
        """What vetting found out about this FMU; None where it was not vetted."""
        return certificate_of(self.archive.sha256)

    def _can_be_port(self, variable: Variable) -> bool:
        # an FMI 3 variable with clocks has a value only in event mode, which is not used; arrays may have size 0
        return (
            variable.kind != "clock" and not variable.clocks and element_count(variable, self.structural) > 0
        )

    def _structural(self) -> dict[str, int]:
        sizes = dict(self.description.structural)
        for name, value in self.start.items():
            variable = find_variable(self.description, name)
            if variable.causality == "structuralParameter":
                encoded = encode_start(variable, value, self.description)
                sizes[name] = int(float(encoded[0]))
        return sizes

    def _starts(self) -> list[dict[str, Any]]:
        return [self._encode(name, value) for name, value in self.start.items()]

    def _encode(self, name: str, value: Any) -> dict[str, Any]:
        """A start value for the core, encoded once."""
        key = (name, value) if isinstance(value, str | int | float) else None
        if (
            key is not None
            and (known := self._encoded.get(key)) is not None
            and type(known["of"]) is type(value)
        ):
            return known
        variable = find_variable(self.description, name)
        encoded = {
            "name": name,
            "ref": variable.ref,
            "type": core_type(variable, self.description),
            "values": encode_start(variable, value, self.description, structural=self.structural),
            "structural": variable.causality == "structuralParameter",
            "of": value,
        }
        if key is not None and len(self._encoded) < _MOST_ENCODED:
            self._encoded[key] = encoded
        return encoded

    def _spec(self, *, can_save: bool, can_serialize: bool) -> _core.FmuSpec:
        inputs, outputs = self.inputs(), self.outputs()
        given = tuple(
            (s["name"], tuple(s["values"])) for s in self.starts if s["name"] in {v.name for v in inputs}
        )
        key = (
            str(self.archive.directory),
            self.archive.sha256,
            tuple(v.name for v in outputs),
            tuple(sorted(self.structural.items())),
            given,
            self.allow_nonfinite,
            can_save,
            can_serialize,
        )
        if key not in _specs:
            saving = {"can_save": can_save, "can_serialize": can_serialize}
            _specs[key] = _core.FmuSpec({**self._describe(inputs, outputs), **saving})
        return _specs[key]

    def _describe(self, inputs: list[Variable], outputs: list[Variable]) -> dict[str, Any]:
        described = self.description
        directory = self.archive.directory.absolute()
        resources = directory / "resources"
        fmi = int(described.fmi[0])
        index = {variable.name: i for i, variable in enumerate(inputs)}
        feedthrough = []
        for variable in outputs:
            known = described.initial_unknowns.get(variable.name, described.outputs.get(variable.name))
            names = index if known is None else known
            feedthrough.append([index[name] for name in names if name in index])
        library = library_path(self.archive)
        return {
            "fmi": fmi,
            "file": str(self.archive.path),
            "library": str(library),
            "pinned": calls_python(library),
            "token": described.token,
            "resources": resources.as_uri() if fmi == 2 else f"{resources}{os.sep}",
            "once_per_process": described.once_per_process,
            "can_vary_step": described.can_vary_step,
            "default_step": described.default_step or 0.0,
            "inputs": [self._port(v) for v in inputs],
            "outputs": [self._port(v) for v in outputs],
            "tunables": [
                self._port(v)
                for v in described.variables
                if v.causality == "parameter" and v.variability == "tunable" and self._can_be_port(v)
            ],
            "feedthrough": feedthrough,
        }

    def _port(self, variable: Variable) -> dict[str, Any]:
        start: Iterable[Any] | None = None
        if variable.causality == "input":
            if variable.name in self.start:
                start = encode_start(
                    variable, self.start[variable.name], self.description, structural=self.structural
                )
            else:
                with suppress(FmuError):  # no value of its type, as a warning says; the FMU knows its own
                    start = decode_start(variable)
        size = element_count(variable, self.structural)
        values = list(start or [])
        if len(values) == 1:
            values = values * size
        return {
            "name": variable.name,
            "ref": variable.ref,
            "type": core_type(variable, self.description),
            "kind": variable.kind,
            "shape": list(shape_of(variable, self.structural)),
            "si": core_si(variable, self.description),
            "start": values,
            "allow_nonfinite": any(
                variable.name == p or fnmatchcase(variable.name, p) for p in self.allow_nonfinite
            ),
        }


def calls_python(library: Path) -> bool:
    """Whether a library calls a Python interpreter, as those of PythonFMU do.

    In our process that is our own, whose lock the thread that built the world holds; from any other thread
    the FMU would wait for it for ever.
    """
    with (
        suppress(ValueError),  # an empty file, which cannot be loaded either
        library.open("rb") as file,
        mmap(file.fileno(), 0, access=ACCESS_READ) as content,
    ):
        return content.find(b"PyGILState_") >= 0 or content.find(b"libpython") >= 0
    return False


def matching(description: Description, pattern: str) -> list[Variable]:
    """The variables that a name or pattern means. An exact name wins, as FMI names may hold brackets and stars."""
    exact = description.by_name.get(pattern)
    if exact is not None:
        return [exact]
    return [v for v in description.by_name.values() if fnmatchcase(v.name, pattern)]


def core_type(variable: Variable, description: Description) -> str:
    """The core's name for the C type that carries a variable."""
    if variable.type == "Enumeration":
        return "int32" if description.fmi.startswith("2") else "int64"
    return {"Real": "float64", "Integer": "int32"}.get(variable.type, variable.type.lower())


def core_si(variable: Variable, description: Description) -> tuple[str, float, float, tuple[int, ...]] | None:
    """The variable's unit of measure for the core; None where none is declared or its name says nothing."""
    if variable.si is None:
        return None
    defined = description.units.get(variable.si)
    if defined is not None:
        offset = 0.0 if variable.relative else defined.offset
        return variable.si, defined.factor, offset, defined.dimension
    try:
        parsed = parse_si(variable.si)
    except SiError:
        return None
    return variable.si, parsed.factor, 0.0 if variable.relative else parsed.offset, parsed.dimension
