"""Units that a scene has several of: `count`, and what "cell_*" means in connections, faults and the view.

`[units.cell]` with `count = 3` makes cell_001, cell_002 and cell_003. Each is a copy of the table, in which "$index" is
its number from 1; mistakes in a copy are told once, where the table stands.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.scene.connections import Exposed, find_input, find_output
from crumple.scene.document import Document
from crumple.scene.parameters import Parameters
from crumple.scene.ports import Port, PortError
from crumple.scene.text import NAME, did_you_mean, listed
from crumple.scene.values import FORMULA, REFERENCE, ValueFault

if TYPE_CHECKING:
    from crumple.scene.connections import Units
    from crumple.scene.lines import Path

_MOST = 10_000  # instances of a unit
_LEAST_DIGITS = 3
_STAR = re.compile(rf"(?P<unit>{NAME})_\*")
_ELEMENTS = "[*]"


class Instance(NamedTuple):
    """Which of how many a unit is. number: from 1."""

    of: str
    number: int
    total: int


class Instances:
    """All units that have a count. names: of the instances, by unit."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self._members: dict[str, Instance] = {}

    def add(self, unit: str, count: int) -> list[str]:
        """The names of that many instances."""
        digits = max(_LEAST_DIGITS, len(str(count)))
        self.names[unit] = [f"{unit}_{number:0{digits}}" for number in range(1, count + 1)]
        for number, name in enumerate(self.names[unit], 1):
            self._members[name] = Instance(unit, number, count)
        return self.names[unit]

    def of(self, unit: str) -> Instance | None:
        """What is known of a unit that is an instance."""
        return self._members.get(unit)


def make_instances(document: Document, parameters: Parameters) -> Instances:
    """Put the instances in the place of units with a count, and write out faults and the view."""
    made = Instances()
    units = document.tree.get("units", {})
    if not any("count" in table for table in units.values()):
        _refuse_later(document, parameters, made)
        return made
    written: dict[str, Any] = {}
    for unit, table in units.items():
        if "count" not in table:
            written[unit] = table
            continue
        if table["count"] > _MOST:
            document.fault(("units", unit, "count"), f"is {table['count']:,}; {_MOST:,} is the most.")
            continue
        for number, name in enumerate(made.add(unit, table["count"]), 1):
            if name in units:
                document.fault(("units", name), f"is the name of an instance of {unit}; choose another name.")
            document.copies["units", name] = ("units", unit)
            own = copy.deepcopy({key: value for key, value in table.items() if key != "count"})
            for key in ("start", "with"):
                if key in own:
                    _number(document, parameters, own, key, path=("units", name, key), number=number)
            written[name] = own
    document.tree["units"] = written
    _refuse_later(document, parameters, made)
    _faults(document, made)
    _view(document, parameters, made)
    return made


def _number(
    document: Document, parameters: Parameters, table: Any, key: Any, *, path: Path, number: int
) -> None:
    """Put the number of an instance in its place, at and below table[key]."""
    value = table[key]
    if isinstance(value, dict | list):
        for below in list(value) if isinstance(value, dict) else range(len(value)):
            _number(document, parameters, value, below, path=(*path, below), number=number)
    elif isinstance(value, str) and "$" in value:
        try:
            whole = REFERENCE.fullmatch(value) or FORMULA.fullmatch(value)
            known = parameters.known
            table[key] = known.resolved(value, index=number) if whole else known.within(value, index=number)
        except ValueFault as fault:
            table[key] = 0
            if not fault.silent:
                document.fault(path, str(fault))


def _refuse_later(document: Document, parameters: Parameters, made: Instances) -> None:
    """Apply `--set cell_002.parameter`, to instances that there are."""
    for (unit, key), value in parameters.later.items():
        table = document.tree["units"].get(unit)
        if table is None:
            near = did_you_mean(unit, document.tree["units"]) or f" Units: {listed(document.tree['units'])}."
            document.outside(f"--set {unit}.{key}", f'the scene has no unit "{unit}".{near}')
            continue
        where = "with" if "plugin" in table else "start"
        table.setdefault(where, {})
        document.override(("units", unit, where, key), value, label=f"--set {unit}.{key}")


# ---- what names several


class _Side(NamedTuple):
    """An end of a connection. unit: that has a count, or ""; text: with `*` where there is one."""

    text: str
    unit: str
    elements: bool

    def at(self, name: str, number: int) -> str:
        """This end for one instance, or for one element, numbered from 0."""
        text = self.text.replace(f"{self.unit}_*", name, 1) if self.unit else self.text
        return text.removesuffix(_ELEMENTS) + f"[{number}]" if self.elements else text


def expand_connections(document: Document, made: Instances, units: Units) -> None:
    """Write out the connections that stand for several."""
    connect = document.tree.get("connect", {})
    if not any("*" in text for pair in connect.items() for text in (pair[0], _source(pair[1]))):
        return
    single = {target: said for target, said in connect.items() if "*" not in target}
    written: dict[str, Any] = {}
    for target, said in connect.items():
        path: Path = ("connect", target)
        source = _source(said)
        if "*" not in target and "*" not in source:
            written[target] = said
            continue
        try:
            for into, out in _pairs(target, source, made, units):
                if into in single and into != target:
                    continue  # what is said of one comes before what is said of all
                if into in written:
                    by = document.copies.get(("connect", into), ("connect", into))[1]
                    raise PortError(f'"{into}" is fed already by "{by}"; an input has one source.')
                document.copies["connect", into] = path
                written[into] = {**said, "from": out} if isinstance(said, dict) else out
        except PortError as error:
            document.fault(path, str(error))
    document.tree["connect"] = written


def _source(said: Any) -> str:
    source = said.get("from", "") if isinstance(said, dict) else said
    return source if isinstance(source, str) else ""


def _pairs(target: str, source: str, made: Instances, units: Units) -> Iterator[tuple[str, str]]:
    """Inputs with their sources, one by one. Raises PortError."""
    into, out = _side(target, made), _side(source, made)
    several = {side.unit: made.names[side.unit] for side in (into, out) if side.unit}
    counts = {unit: len(names) for unit, names in several.items()}
    if len(set(counts.values())) > 1:
        facts = " and ".join(f"{count} of {unit}" for unit, count in counts.items())
        raise PortError(f"there are {facts}: they cannot be connected one by one.")
    if not into.unit and not into.elements:
        remedy = f'"{target}[*]"' if out.unit else "one element, as in [0]"
        raise PortError(f'is one input, and "{source}" stands for several outputs. Write {remedy}.')
    if counts:
        count = next(iter(counts.values()))
    else:
        ends = [(side, _port(side, units, into=side is into)) for side in (out, into) if side.elements]
        if any(port is None for _, port in ends):
            return  # its unit has mistakes of its own
        count = min(port.size for _, port in ends if port is not None)
        if (port := ends[0][1]) is not None and out.elements and port.size > count:
            raise PortError(f'"{source}" has {port.size_text}, and there is no room for all of it.')
    for number in range(count):
        names = {unit: several[unit][number] for unit in several}
        yield into.at(names.get(into.unit, ""), number), out.at(names.get(out.unit, ""), number)


def _port(side: _Side, units: Units, *, into: bool) -> Port | None:
    """The array whose elements an end stands for; None where it is not known. Raises PortError where there is none."""
    name = side.text.removesuffix(_ELEMENTS)
    return find_input(name, units, name) if into else find_output(name, units, Exposed())


def _side(text: str, made: Instances) -> _Side:
    unit, dot, port = text.partition(".")
    elements = port.endswith(_ELEMENTS)
    if "*" in unit:
        match = _STAR.fullmatch(unit)
        if match is None or not dot or match["unit"] not in made.names:
            patterns = [f"{name}_*" for name in made.names]
            near = did_you_mean(unit, patterns) or (f" There are: {listed(patterns)}." if patterns else "")
            raise PortError(f'"{unit}" means no unit that has a count.{near}')
        unit = match["unit"]
    else:
        unit = ""
    if "*" in port.removesuffix(_ELEMENTS):
        raise PortError(
            f'"{text}": a * stands for instances, as in "cell_*", or for all elements: "port[*]".'
        )
    return _Side(text, unit, elements)


def _faults(document: Document, made: Instances) -> None:
    """A fault on "cell_*.port" is one on each instance."""
    faults = document.tree.get("faults")
    if not isinstance(faults, dict):
        return
    written: dict[str, Any] = {}
    for fault, table in faults.items():
        on = table.get("on") if isinstance(table, dict) else None
        if not isinstance(on, str) or "*" not in on.partition(".")[0]:
            written[fault] = table
            continue
        try:
            side = _side(on if "." in on else f"{on}.", made)
        except PortError as error:
            document.fault(("faults", fault, "on"), str(error))
            continue
        for name in made.names[side.unit]:
            own = fault + name.removeprefix(side.unit)
            document.copies["faults", own] = ("faults", fault)
            written[own] = {**copy.deepcopy(table), "on": on.replace(f"{side.unit}_*", name, 1)}
    document.tree["faults"] = written


# ---- the view


def _view(document: Document, parameters: Parameters, made: Instances) -> None:
    """A shape "cell_*" is one for each instance."""
    view = document.tree.get("view")
    pictures = view.get("pictures") if isinstance(view, dict) else None
    for picture, table in pictures.items() if isinstance(pictures, dict) else ():
        draw = table.get("draw") if isinstance(table, dict) else None
        if not isinstance(draw, dict) or not any("*" in shape for shape in draw):
            continue
        at: Path = ("view", "pictures", picture, "draw")
        written: dict[str, Any] = {}
        for shape, drawn in draw.items():
            match = re.search(rf"(?P<unit>{NAME}?)_\*", shape)
            if match is None or match["unit"] not in made.names:
                written[shape] = drawn
                continue
            unit = match["unit"]
            for number, name in enumerate(made.names[unit], 1):
                own = shape.replace(f"{unit}_*", name)
                document.copies[(*at, own)] = (*at, shape)
                written[own] = _named(drawn, f"{unit}_*", name)
                _number(document, parameters, written, own, path=(*at, own), number=number)
        table["draw"] = written


def _named(value: Any, pattern: str, name: str) -> Any:
    """A copy of a table in which the pattern is a name, and "[*]" beside it nothing but itself."""
    if isinstance(value, Mapping):
        return {key: _named(item, pattern, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_named(item, pattern, name) for item in value]
    return value.replace(pattern, name) if isinstance(value, str) else value
