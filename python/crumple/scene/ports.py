"""The ports of a unit as they will be, known from an FMU's description or a plugin's declaration alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from crumple.errors import FmuError
from crumple.si import Si, SiError, parse_si

if TYPE_CHECKING:
    from crumple.description import Description
    from crumple.unit import PortDeclaration, Unit

BLOBS = ("string", "binary")
_INDEX = re.compile(r"(?P<port>.+)\[(?P<index>\d+(?:,\d+)*)\]")


class PortError(ValueError):
    """A name that is no port, or two ports that cannot be connected."""


class Port(NamedTuple):
    """A port, or one element of it.

    name: as in "unit.port", with its index where it is one element.   si_name: its unit of measure where that
    can be read by name; `si` may also be an FMU's own definition.   whole: the port without an index.
    items: of an enumeration, value by name.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    si: Si | None = None
    si_name: str | None = None
    whole: str = ""
    elements: tuple[int, ...] = (0,)
    items: Mapping[str, int] | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def size_text(self) -> str:
        """ "size 1", "size 2 x 3"."""
        return f"size {' x '.join(map(str, self.shape)) or 1}"


class UnitPorts(Protocol):
    """The ports of one unit. `hidden` are variables of an FMU that can be shown as outputs."""

    def find_input(self, name: str) -> Port | None: ...
    def find_output(self, name: str) -> Port | None: ...
    def find_hidden(self, name: str) -> Port | None: ...
    def input_names(self) -> Iterable[str]: ...
    def output_names(self) -> Iterable[str]: ...


class ListedPorts:
    """Ports that are known one by one, with none besides."""

    def __init__(self, *, inputs: Iterable[Port] = (), outputs: Iterable[Port] = ()) -> None:
        self._inputs = {port.name: port for port in inputs}
        self._outputs = {port.name: port for port in outputs}

    def find_input(self, name: str) -> Port | None:
        return self._inputs.get(name)

    def find_output(self, name: str) -> Port | None:
        return self._outputs.get(name)

    def find_hidden(self, name: str) -> Port | None:
        return None

    def input_names(self) -> Iterable[str]:
        return self._inputs

    def output_names(self) -> Iterable[str]:
        return self._outputs


class PluginPorts(ListedPorts):
    """Ports as a plugin's class declares them. Raises SiError for a unit that cannot be read."""

    def __init__(self, plugin: type[Unit]) -> None:
        super().__init__(
            inputs=[_declared(name, port) for name, port in plugin.declared_inputs().items()],
            outputs=[_declared(name, port) for name, port in plugin.declared_outputs().items()],
        )


def _declared(name: str, port: PortDeclaration) -> Port:
    si = None if port.si is None else parse_si(port.si)
    return Port(name, port.kind, port.shape, si, port.si, name, tuple(range(port.size)))


class FmuPorts:
    """Ports as an FMU describes them.

    structural : its structural parameters by name, as they will be.
    """

    def __init__(self, description: Description, structural: Mapping[str, int]) -> None:
        self._described = description
        self._structural = structural

    @property
    def described(self) -> Description:
        """The FMU's description."""
        return self._described

    def find_input(self, name: str) -> Port | None:
        return self._port(name, lambda causality: causality == "input")

    def find_output(self, name: str) -> Port | None:
        return self._port(name, lambda causality: causality == "output")

    def find_hidden(self, name: str) -> Port | None:
        return self._port(name, lambda causality: causality not in ("input", "output"))

    def input_names(self) -> Iterable[str]:
        return self._names("input")

    def output_names(self) -> Iterable[str]:
        return self._names("output")

    def _names(self, causality: str) -> list[str]:
        chosen = [v for v in self._described.variables if v.causality == causality]
        return [v.name for v in chosen if not v.dims or self._port(v.name, lambda _: True)]

    def _port(self, name: str, wanted: Callable[[str], bool]) -> Port | None:
        """The variable as a port; None for a clock, for what only clocks give a value, and for size 0."""
        from crumple.description import shape_of
        from crumple.fmu import core_si

        variable = self._described.by_name.get(name)
        if variable is None or not wanted(variable.causality) or variable.kind == "clock" or variable.clocks:
            return None
        try:
            shape = shape_of(variable, self._structural)
        except FmuError as error:
            raise PortError(str(error)) from None
        if 0 in shape:
            return None
        defined = core_si(variable, self._described)
        si = None if defined is None else Si(*defined)
        elements = tuple(range(math.prod(shape)))
        return Port(name, variable.kind, shape, si, _readable(si), name, elements, variable.items)


def _readable(si: Si | None) -> str | None:
    """The name of a unit of measure where it says by itself what the FMU means by it."""
    try:
        usual = None if si is None else parse_si(si.text)
    except SiError:
        return None
    if si is None or usual is None:
        return None
    same = (
        usual.dimension[:7] == si.dimension[:7]
        and math.isclose(usual.factor, si.factor, rel_tol=1e-9)
        and math.isclose(usual.offset, si.offset, rel_tol=1e-9, abs_tol=1e-12)
    )
    return si.text if same else None


def element(name: str, find: Callable[[str], Port | None]) -> Port | str | None:
    """The port called `name`, or the element of one: "range[2]", zero-based, "[1,2]" in a matrix.

    A name that exists with its brackets wins. Returns a text, the end of a sentence, where the index is
    wrong, and None where there is no such port.
    """
    whole = find(name)
    if whole is not None:
        return whole
    match = _INDEX.fullmatch(name)
    port = find(match["port"]) if match else None
    if match is None or port is None:
        return None
    index = [int(i) for i in match["index"].split(",")]
    shape = (port.size,) if len(index) == 1 and port.shape else port.shape
    if not shape:
        return f'"{port.name}" is a single value; drop the index.'
    if len(index) != len(shape):
        return f'"{port.name}" has {len(shape)} dimensions, the index has {len(index)}.'
    flat = 0
    for i, n in zip(index, shape, strict=True):
        if i >= n:
            return f'"{port.name}" has {port.size_text}; indices count from 0 to {n - 1}.'
        flat = flat * n + i
    return Port(name, port.kind, (), port.si, port.si_name, port.name, (flat,), port.items)
