"""What an FMU says about itself: variables, units of measure, abilities, and which output depends on what.

Light to import (msgspec and the standard library): the XML is read by `crumple.description_xml`, once per
FMU, and what it found is kept by `crumple.description_cache`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from crumple.errors import FmuError

# more elements than this in one variable is a broken size, not a model (16 GiB of doubles)
MAX_ELEMENTS = 2**31

# names that a did-you-mean compares closely
MANY = 1000

# FMI type -> what Crumple does with it
KINDS = {
    "Real": "real",
    "Integer": "integer",
    "Boolean": "boolean",
    "String": "string",
    "Enumeration": "enumeration",
    "Float32": "real",
    "Float64": "real",
    "Int8": "integer",
    "UInt8": "integer",
    "Int16": "integer",
    "UInt16": "integer",
    "Int32": "integer",
    "UInt32": "integer",
    "Int64": "integer",
    "UInt64": "integer",
    "Binary": "binary",
    "Clock": "clock",
}


class UnitDef(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A unit of measure as the FMU defines it: value_in_base = value * factor + offset."""

    factor: float
    offset: float
    dimension: tuple[int, int, int, int, int, int, int, int]  # exponents of kg m s A K mol cd rad


class Variable(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One FMI variable. An FMI 3 alias is a Variable of its own that names its original in `alias_of`."""

    name: str
    ref: int  # value reference
    type: str  # FMI's own name: FMI 2 "Real" ..., FMI 3 "Float64" ...
    kind: str  # "real" "integer" "boolean" "enumeration" "string" "binary" "clock"
    causality: str
    variability: str
    initial: str | None  # with FMI's default filled in
    start: list[str] | None  # text items as in the XML (binary: hex); None where the XML has no start
    si: str | None  # unit name, the declared type's where the variable has none
    dims: list[int | str]  # [] scalar; int: fixed size; str: name of the structural parameter that sizes it
    min: float | None = None  # in unit `si`
    max: float | None = None  # in unit `si`
    nominal: float | None = None
    description: str | None = None
    items: dict[str, int] | None = None  # enumeration items: name -> value
    relative: bool = False  # a difference: the unit's offset does not apply (FMI's relativeQuantity)
    alias_of: str | None = None  # FMI 3: the variable that this is another name for
    clocks: list[str] = []  # FMI 3: it has a value only while one of these clocks ticks
    mime: str | None = None  # FMI 3 binary: its MIME type


class Description(msgspec.Struct, frozen=True, dict=True):
    """An FMU's modelDescription.xml, resolved: types, units, dimensions and dependencies by name."""

    fmi: str  # "2.0" or "3.0" (any 2.x and 3.x); "1.0" can be shown but not run
    model_name: str
    token: str  # FMI 2 guid, FMI 3 instantiationToken, letter by letter
    identifier: str | None  # of the co-simulation interface; None: the FMU has none that Crumple runs
    kinds: list[str]  # what is offered: "CoSimulation", "ModelExchange", "ScheduledExecution"
    tool: str | None
    version: str | None
    description: str | None
    date: str | None
    default_start: float | None  # [s]
    default_stop: float | None  # [s]
    default_tolerance: float | None
    default_step: float | None  # [s]
    can_vary_step: bool
    internal_step: float | None  # [s] fixedInternalStepSize
    once_per_process: bool
    can_save: bool
    can_serialize: bool
    needs_tool: bool
    has_event_mode: bool
    may_return_early: bool
    variables: list[Variable]  # in the order of the XML, FMI 3 aliases last
    units: dict[str, UnitDef]  # only those whose base unit is stated
    log_categories: list[str]
    outputs: dict[str, list[str] | None]  # output -> names it depends on; None: not stated, so on everything
    initial_unknowns: dict[str, list[str] | None]
    warnings: list[str]  # what is not quite valid in the XML or the archive

    @cached_property
    def by_name(self) -> dict[str, Variable]:
        """Variables by name; where the XML has a name twice, the first."""
        table: dict[str, Variable] = {}
        for variable in self.variables:
            table.setdefault(variable.name, variable)
        return table

    @cached_property
    def structural(self) -> dict[str, int]:
        """Structural parameters by name, at their start values."""
        sizes: dict[str, int] = {}
        for variable in self.variables:
            if variable.causality == "structuralParameter" and variable.start:
                try:
                    sizes[variable.name] = int(float(variable.start[0]))
                except (ValueError, OverflowError):
                    continue  # shape_of says so if an array needs it
        return sizes


def closest(name: str, names: Iterable[str], *, limit: int = 3) -> list[str]:
    """Names that `name` may have meant, best first: another case, a part of it, or a slip of the hand."""
    import difflib  # only where something went wrong

    folded = name.casefold()
    known = list(dict.fromkeys(names))
    same = [n for n in known if n.casefold() == folded]
    if same:
        return same[:limit]
    near = known
    if len(known) > MANY:  # difflib costs some 10 us a name: let it judge those that share most letter pairs
        pairs = {folded[i : i + 2] for i in range(len(folded) - 1)}
        near = sorted(known, key=lambda n: -sum(pair in n.casefold() for pair in pairs))[:MANY]
    table: dict[str, str] = {}
    for n in near:
        table.setdefault(n.casefold(), n)
    found = [table[n] for n in difflib.get_close_matches(folded, table, n=limit, cutoff=0.6)]
    if len(found) < limit and len(folded) >= 3:
        found += [n for n in near if folded in n.casefold() and n not in found]
    return found[:limit]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` Did you mean "a" or "b"?`, or nothing where no name is near."""
    near = closest(name, names)
    if not near:
        return ""
    return " Did you mean " + " or ".join(f'"{n}"' for n in near) + "?"


def find_variable(description: Description, name: str) -> Variable:
    """The variable called `name`.

    Raises FmuError with the nearest names where there is none.
    """
    variable = description.by_name.get(name)
    if variable is not None:
        return variable
    hint = did_you_mean(name, description.by_name)
    if not hint:
        settable = [v.name for v in description.variables if v.causality in ("input", "output", "parameter")]
        hint = f" It has {_listed(settable)}." if settable else " It has no inputs, outputs or parameters."
    raise FmuError(f'FMU "{description.model_name}" has no variable "{name}".{hint}')


def shape_of(variable: Variable, structural: Mapping[str, int]) -> tuple[int, ...]:
    """Sizes of `variable` along each dimension, () for a scalar.

    structural : structural parameters by name, as they will be in the run.
    Raises FmuError where a size is not known, negative or absurd.
    """
    shape: list[int] = []
    for dim in variable.dims:
        if isinstance(dim, str):
            if dim not in structural:
                raise FmuError(
                    f'"{variable.name}" is sized by the structural parameter "{dim}", to which the FMU gives '
                    f"no start value. Set {dim}."
                )
            size = structural[dim]
            if size < 0:
                raise FmuError(f'"{variable.name}" is sized by "{dim}" = {size}; a size cannot be negative.')
        else:
            size = dim
        shape.append(size)
    if math.prod(shape) > MAX_ELEMENTS:
        sizes = " x ".join(str(n) for n in shape)
        raise FmuError(f'"{variable.name}" would have {sizes} elements, more than {MAX_ELEMENTS}.')
    return tuple(shape)


def element_count(variable: Variable, structural: Mapping[str, int]) -> int:
    """How many values `variable` holds: 1 for a scalar, else the product of its shape, which can be 0."""
    return math.prod(shape_of(variable, structural))


def _listed(names: list[str], *, most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
