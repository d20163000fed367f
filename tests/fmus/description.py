"""Writes a modelDescription.xml, FMI 2.0 or 3.0, from a list of variables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from xml.sax.saxutils import quoteattr


@dataclass(frozen=True)
class Var:
    """One variable.

    type : FMI 2's name or FMI 3's; Real and Integer become Float64 and Int32 in FMI 3.
    start : the XML's text (array items separated by blanks; for strings and binaries a tuple of items).
    dims : sizes, or the name of the structural parameter that is the size.
    needs : names that an output depends on directly.
    starts_from : names that its start depends on, besides.
    """

    name: str
    ref: int
    type: str = "Real"
    causality: str = "local"
    variability: str | None = None
    initial: str | None = None
    start: str | tuple[str, ...] | None = None
    unit: str | None = None
    declared: str | None = None
    dims: tuple[int | str, ...] = ()
    needs: tuple[str, ...] = ()
    starts_from: tuple[str, ...] = ()
    doc: str | None = None


@dataclass(frozen=True)
class Unit:
    """A unit of measure: value_in_base = factor * value + offset; base: exponents, such as {"m": 1}."""

    name: str
    base: dict[str, int]
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Model:
    """All that a description says, whichever FMI version speaks. `flags` are attributes of <CoSimulation>."""

    name: str
    token: str
    variables: tuple[Var, ...]
    identifier: str | None = None  # None: as the name
    flags: dict[str, str] = field(default_factory=dict)
    units: tuple[Unit, ...] = ()
    enumerations: dict[str, dict[str, int]] = field(default_factory=dict)
    stop: str = "1"
    step: str = "0.125"
    doc: str = ""

    def with_flags(self, **flags: str) -> Model:
        return replace(self, flags={**self.flags, **flags})


CATEGORIES = ("logStatusError", "logStatusWarning", "logStatusDiscard", "logStatusFatal", "logEvents")


def write_description(model: Model, *, fmi: int) -> str:
    """The XML text of `model` in FMI version 2 or 3."""
    return {2: _write2, 3: _write3}[fmi](model)


def _attributes(pairs: dict[str, str | None]) -> str:
    return "".join(f" {key}={quoteattr(value)}" for key, value in pairs.items() if value is not None)


def _unit_definitions(model: Model) -> list[str]:
    if not model.units:
        return []
    lines = ["  <UnitDefinitions>"]
    for unit in model.units:
        base: dict[str, str | None] = {key: str(power) for key, power in unit.base.items()}
        if unit.factor != 1.0:
            base["factor"] = repr(unit.factor)
        if unit.offset != 0.0:
            base["offset"] = repr(unit.offset)
        lines += [
            f"    <Unit name={quoteattr(unit.name)}>",
            f"      <BaseUnit{_attributes(base)}/>",
            "    </Unit>",
        ]
    return [*lines, "  </UnitDefinitions>"]


def _log_categories() -> list[str]:
    return [
        "  <LogCategories>",
        *(f'    <Category name="{name}"/>' for name in CATEGORIES),
        "  </LogCategories>",
    ]


def _write2(model: Model) -> str:
    position = {v.name: str(i) for i, v in enumerate(model.variables, start=1)}

    def unknown(v: Var, names: tuple[str, ...]) -> str:
        known = " ".join(position[n] for n in names)
        return f'      <Unknown index="{position[v.name]}" dependencies="{known}"/>'

    flags = {
        "modelIdentifier": model.identifier or model.name,
        "canHandleVariableCommunicationStepSize": "true",
        "canGetAndSetFMUstate": "true",
        "canSerializeFMUstate": "true",
        **model.flags,
    }
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<fmiModelDescription fmiVersion="2.0" modelName={quoteattr(model.name)}'
        f" guid={quoteattr(model.token)} description={quoteattr(model.doc)}"
        ' generationTool="Crumple tests" variableNamingConvention="structured" numberOfEventIndicators="0">',
        f"  <CoSimulation{_attributes(dict(flags))}/>",
        *_unit_definitions(model),
    ]
    if model.enumerations:
        lines.append("  <TypeDefinitions>")
        for name, items in model.enumerations.items():
            lines.append(f"    <SimpleType name={quoteattr(name)}>")
            lines.append("      <Enumeration>")
            lines += [
                f'        <Item name={quoteattr(item)} value="{value}"/>' for item, value in items.items()
            ]
            lines += ["      </Enumeration>", "    </SimpleType>"]
        lines.append("  </TypeDefinitions>")
    lines += _log_categories()
    lines.append(f'  <DefaultExperiment startTime="0" stopTime="{model.stop}" stepSize="{model.step}"/>')
    lines.append("  <ModelVariables>")
    for v in model.variables:
        outer = {
            "name": v.name,
            "valueReference": str(v.ref),
            "causality": v.causality,
            "variability": v.variability,
            "initial": v.initial,
            "description": v.doc,
        }
        start = v.start[0] if isinstance(v.start, tuple) else v.start
        inner = {"declaredType": v.declared, "start": start, "unit": v.unit}
        lines += [
            f"    <ScalarVariable{_attributes(dict(outer))}>",
            f"      <{v.type}{_attributes(dict(inner))}/>",
            "    </ScalarVariable>",
        ]
    outputs = [v for v in model.variables if v.causality == "output"]
    lines += ["  </ModelVariables>", "  <ModelStructure>"]
    if outputs:
        lines += ["    <Outputs>", *(unknown(v, v.needs) for v in outputs), "    </Outputs>"]
        lines += ["    <InitialUnknowns>"]
        lines += [unknown(v, (*v.needs, *v.starts_from)) for v in outputs]
        lines += ["    </InitialUnknowns>"]
    lines += ["  </ModelStructure>", "</fmiModelDescription>", ""]
    return "\n".join(lines)


def _write3(model: Model) -> str:
    ref = {v.name: str(v.ref) for v in model.variables}

    def unknown(kind: str, v: Var, names: tuple[str, ...]) -> str:
        return f'    <{kind} valueReference="{v.ref}" dependencies="{" ".join(ref[n] for n in names)}"/>'

    flags = {
        "modelIdentifier": model.identifier or model.name,
        "canHandleVariableCommunicationStepSize": "true",
        "canGetAndSetFMUState": "true",
        "canSerializeFMUState": "true",
        **model.flags,
    }
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<fmiModelDescription fmiVersion="3.0" modelName={quoteattr(model.name)}'
        f" instantiationToken={quoteattr(model.token)} description={quoteattr(model.doc)}"
        ' generationTool="Crumple tests" variableNamingConvention="structured">',
        f"  <CoSimulation{_attributes(dict(flags))}/>",
        *_unit_definitions(model),
    ]
    if model.enumerations:
        lines.append("  <TypeDefinitions>")
        for name, items in model.enumerations.items():
            lines.append(f"    <EnumerationType name={quoteattr(name)}>")
            lines += [
                f'      <Item name={quoteattr(item)} value="{value}"/>' for item, value in items.items()
            ]
            lines.append("    </EnumerationType>")
        lines.append("  </TypeDefinitions>")
    lines += _log_categories()
    lines.append(f'  <DefaultExperiment startTime="0" stopTime="{model.stop}" stepSize="{model.step}"/>')
    lines.append("  <ModelVariables>")
    for v in model.variables:
        kind = {"Real": "Float64", "Integer": "Int32"}.get(v.type, v.type)
        listed = kind in ("String", "Binary")
        attributes = {
            "name": v.name,
            "valueReference": str(v.ref),
            "causality": v.causality,
            "variability": v.variability,
            "initial": v.initial,
            "description": v.doc,
            "declaredType": v.declared,
            "start": None if listed or v.start is None else str(v.start),
            "unit": v.unit,
            "intervalVariability": "triggered" if kind == "Clock" else None,
        }
        children = [
            f'<Dimension start="{d}"/>' if isinstance(d, int) else f'<Dimension valueReference="{ref[d]}"/>'
            for d in v.dims
        ]
        if listed and v.start is not None:
            starts = v.start if isinstance(v.start, tuple) else (v.start,)
            children += [f"<Start value={quoteattr(item)}/>" for item in starts]
        if children:
            lines.append(f"    <{kind}{_attributes(dict(attributes))}>")
            lines += [f"      {child}" for child in children]
            lines.append(f"    </{kind}>")
        else:
            lines.append(f"    <{kind}{_attributes(dict(attributes))}/>")
    outputs = [v for v in model.variables if v.causality == "output"]
    lines += ["  </ModelVariables>", "  <ModelStructure>"]
    lines += [unknown("Output", v, v.needs) for v in outputs]
    lines += [unknown("InitialUnknown", v, (*v.needs, *v.starts_from)) for v in outputs]
    lines += ["  </ModelStructure>", "</fmiModelDescription>", ""]
    return "\n".join(lines)
