"""Read modelDescription.xml with FMPy, once per FMU, into a `Description`.

FMPy parses and resolves; what it passes over is taken from the same elements: limits of unsigned integers,
arrays of strings and binaries, relative quantities. FMPy and lxml are imported when called, so that a cached
description costs neither.
"""

from __future__ import annotations

import importlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from crumple.description import KINDS, Description, UnitDef, Variable
from crumple.description_parse import (
    MOST_NOTES,
    Notes,
    count_elements,
    legible,
    number,
    parse,
    plain,
    settle_version,
    sizes,
    whole,
)
from crumple.description_repair import EXPONENTS, FMI2_TYPES, Repairs, repair
from crumple.errors import FmuError
from crumple.gate import MIB, VARIABLE, GateLimits, default_limits

# of the limit on the XML: what a description may grow to when its types and dependencies are filled in by name
GROWTH = 4
MAX_IDENTIFIER = 240  # bytes: with its suffix still the name of a file
LARGE = 20_000  # elements and attributes, some 1,500 variables


def read_description(xml: bytes, *, limits: GateLimits | None = None) -> Description:
    """The description in the bytes of a modelDescription.xml. Raises as `examine` does."""
    return examine(xml, limits=limits or default_limits())[0]


def examine(xml: bytes, *, limits: GateLimits) -> tuple[Description, dict[str, int]]:
    """The description in the bytes of a modelDescription.xml, and what it measures, by the names of `limits`.

    What is not quite valid is mended where that can be done safely, and said in `warnings`.
    Raises FmuError where it cannot, where the XML tries to lead outside the FMU's folder, and where it is larger
    than `limits` allow.
    """
    try:
        return _examine(xml, limits)
    except FmuError as error:
        raise FmuError(legible(str(error))) from error


def _examine(xml: bytes, limits: GateLimits) -> tuple[Description, dict[str, int]]:
    notes = Notes()
    root = parse(xml, notes, limits)
    measured = {"xml": len(xml), "elements": count_elements(xml)}
    plain(root, notes)
    measured |= sizes(root, limits)
    described = _read(root, notes, large=measured["elements"] > LARGE)
    size = _resolved_size(described)
    if size > GROWTH * limits.xml:
        raise FmuError(
            f"modelDescription.xml has {len(xml):,} bytes, and {size:,} when types and dependencies are filled in: "
            f"more than {GROWTH} times the {limits.xml:,} allowed for the file. If you trust this FMU, allow more: "
            f'{VARIABLE}="xml={size // GROWTH // MIB + 1}MiB".'
        )
    return described, measured


def _read(root: Any, notes: Notes, *, large: bool) -> Description:
    major = settle_version(root, notes)
    found_by_schema = _schema_faults(root, major, large=large) if major > 1 else []
    repairs = repair(root, major, notes)
    elements = list(root.find("ModelVariables"))
    model = _with_fmpy(root, elements)
    for text, line in found_by_schema:
        notes.add(text, line=line)
    if major > 1:
        _validate(model, notes)
    return _resolve(model, root, elements, major=major, notes=notes, repairs=repairs)


def _schema_faults(root: Any, major: int, *, large: bool) -> list[tuple[str, int]]:
    """What the XML schema of that FMI version has against the tree: (text, line), line 0 where it is not known."""
    etree = importlib.import_module("lxml.etree")
    fmpy = importlib.import_module("fmpy")
    folder = Path(str(fmpy.__file__)).parent / "schema" / f"fmi{major}"
    schema = etree.XMLSchema(file=str(folder / f"fmi{major}ModelDescription.xsd"))
    if large:
        # of each fault in a tree, the parser counts the elements before it: many faults in many elements would take
        # hours. Read as a stream it counts nothing, but knows no lines
        try:
            etree.fromstring(etree.tostring(root), etree.XMLParser(schema=schema, huge_tree=True))
            return []
        except etree.XMLSyntaxError as error:
            faults = [(str(fault.message), 0) for fault in error.error_log]
            if len(faults) >= MOST_NOTES:
                return faults
    if schema.validate(root):
        return []
    return [(str(fault.message), int(fault.line)) for fault in schema.error_log]


def _with_fmpy(root: Any, elements: list[Any]) -> Any:
    """FMPy's ModelDescription of the tree under `root`, its variables with the lines of the original file."""
    etree = importlib.import_module("lxml.etree")
    fmpy = importlib.import_module("fmpy.model_description")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("modelDescription.xml", etree.tostring(root, encoding="utf-8", xml_declaration=False))
    etree.set_default_parser(etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True))
    try:  # FMPy's parser would stop at limits that were checked before, and may have been raised
        model = fmpy.read_model_description(archive, validate=False)
    except Exception as error:  # FMPy raises bare Exception, KeyError, TypeError and more
        reason = str(error) or type(error).__name__
        raise FmuError(
            f"modelDescription.xml cannot be read by FMPy: {type(error).__name__}: {reason}"
        ) from error
    finally:
        etree.set_default_parser(None)
    for variable, element in zip(
        model.modelVariables, elements, strict=False
    ):  # aliases come after the elements
        variable.sourceline = element.sourceline
    for alias in model.modelVariables[len(elements) :]:
        alias.sourceline = alias.alias.sourceline
        alias.aliases = []  # it has those of its original, and whoever goes through them would do so for each
    return model


def _validate(model: Any, notes: Notes) -> None:
    """Note what FMPy's own rules, those beyond the schema, have against the model."""
    validation = importlib.import_module("fmpy.validation")
    defined = {unit.name for unit in model.unitDefinitions}
    for variable in model.modelVariables:
        unit = variable.unit or (variable.declaredType.unit if variable.declaredType is not None else None)
        if unit not in defined:  # said by FMPy, which then trips over the display units
            variable.displayUnit = None
            for alias in variable.aliases:
                alias.displayUnit = None
    try:
        problems = validation.validate_model_description(model)
    except Exception as error:  # as above
        problems = [f"the check of the variables stopped at {type(error).__name__}: {error}."]
    for problem in problems:
        line = re.search(r" \(line (\d+)\)", problem)
        if line is None:
            notes.add(problem)
        else:
            notes.add(problem.replace(line[0], "", 1), line=int(line[1]))


def _resolve(
    model: Any, root: Any, elements: list[Any], *, major: int, notes: Notes, repairs: Repairs
) -> Description:
    hidden = {id(model.modelVariables[place]) for place in repairs.left_out}
    items = {id(t): _items(t, notes) for t in model.typeDefinitions if t.items}
    variables: dict[str, Variable] = {}
    listed: list[Variable] = []
    for place, given in enumerate(model.modelVariables):
        original = given.alias if major == 3 else None
        if id(original or given) in hidden:
            continue
        if original is None:
            element = elements[place]
            started = place not in repairs.without_start
            made = _variable(given, element, major, items, notes, started=started)
        else:
            source = variables[original.name]
            text = given.description or source.description
            made = msgspec.structs.replace(source, name=given.name, description=text, alias_of=source.name)
        variables.setdefault(made.name, made)
        listed.append(made)
    kinds = [
        kind
        for kind, offered in (
            ("CoSimulation", model.coSimulation),
            ("ModelExchange", model.modelExchange),
            ("ScheduledExecution", model.scheduledExecution),
        )
        if offered is not None
    ]
    for offered in (model.coSimulation, model.modelExchange, model.scheduledExecution):
        if offered is not None and offered.modelIdentifier is not None:
            _refuse_outside(offered.modelIdentifier)
    identifier = None
    if model.coSimulation is not None and major > 1:
        identifier = model.coSimulation.modelIdentifier
        if not identifier:
            notes.add("CoSimulation has no modelIdentifier.")
            identifier = ""
    if not model.instantiationToken and major > 1:
        notes.add(f"has no {'guid' if major == 2 else 'instantiationToken'}.", line=root.sourceline)
    experiment = model.defaultExperiment
    abilities = model.coSimulation or model.modelExchange or model.scheduledExecution
    stepping = model.coSimulation

    def default(name: str) -> float | None:
        text = getattr(experiment, name, None)
        value = number(text)
        if text is not None and value is None:
            notes.add(f'DefaultExperiment {name}="{text}" is no number; ignored.')
        return value

    return Description(
        fmi=f"{major}.0",
        model_name=model.modelName or identifier or "",
        token=model.instantiationToken or "",
        identifier=identifier,
        kinds=kinds,
        tool=model.generationTool,
        version=model.version,
        description=model.description,
        date=model.generationDateAndTime,
        default_start=default("startTime"),
        default_stop=default("stopTime"),
        default_tolerance=default("tolerance"),
        default_step=default("stepSize"),
        can_vary_step=bool(stepping and stepping.canHandleVariableCommunicationStepSize),
        internal_step=number(stepping.fixedInternalStepSize) if stepping else None,
        once_per_process=bool(abilities and abilities.canBeInstantiatedOnlyOncePerProcess),
        can_save=bool(abilities and abilities.canGetAndSetFMUstate),
        can_serialize=bool(abilities and abilities.canSerializeFMUstate),
        needs_tool=bool(abilities and abilities.needsExecutionTool),
        has_event_mode=bool(stepping and stepping.hasEventMode),
        may_return_early=bool(stepping and stepping.mightReturnEarlyFromDoStep),
        variables=listed,
        units=_unit_definitions(root),
        log_categories=[c.name for c in model.logCategories if c.name],
        outputs=_outputs(model, listed, hidden),
        initial_unknowns=_unknowns(model.initialUnknowns, hidden),
        warnings=notes.all(),
    )


def _variable(
    given: Any,
    element: Any,
    major: int,
    items: dict[int, dict[str, int]],
    notes: Notes,
    *,
    started: bool,
) -> Variable:
    typed = element if major == 3 else next(child for child in element if child.tag in FMI2_TYPES)
    declared = given.declaredType
    kind = KINDS[given.type]

    def bound(name: str) -> float | None:
        text = typed.get(name)
        if text is None and declared is not None:
            text = getattr(declared, name)
        value = number(text)
        if text is not None and value is None:
            notes.add(
                f'variable "{given.name}": {name}="{text}" is no number; ignored.', line=element.sourceline
            )
        return value

    relative = typed.get("relativeQuantity")
    difference = (
        relative in ("true", "1") if relative is not None else bool(declared and declared.relativeQuantity)
    )
    clocks = [clock.name for clock in given.clocks or []]
    return Variable(
        name=given.name,
        ref=given.valueReference,
        type=given.type,
        kind=kind,
        causality=given.causality,
        variability=given.variability,
        initial=given.initial,
        start=_start(typed, kind, major) if started else None,
        si=(given.unit or (declared.unit if declared is not None else None)) if kind == "real" else None,
        dims=[d.start if d.start is not None else d.variable.name for d in given.dimensions],
        min=bound("min") if kind in ("real", "integer", "enumeration") else None,
        max=bound("max") if kind in ("real", "integer", "enumeration") else None,
        nominal=bound("nominal") if kind == "real" else None,
        description=given.description,
        items=items.get(id(declared)) if kind == "enumeration" else None,
        relative=difference,
        clocks=clocks,
        mime=typed.get("mimeType") if kind == "binary" else None,
    )


def _start(typed: Any, kind: str, major: int) -> list[str] | None:
    """Start values as text, one item per element."""
    text = typed.get("start")
    if kind in ("string", "binary"):
        listed = [s.get("value") or "" for s in typed.findall("Start")]
        return listed or ([text] if text is not None else None)
    if text is None:
        return None
    found = text.split() if major == 3 else [text.strip()]
    return found if any(found) else None


def _items(definition: Any, notes: Notes) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in definition.items:
        value = whole(item.value)
        if value is not None:
            found[item.name] = value
        else:
            notes.add(f'item "{item.name}" of type "{definition.name}" has no usable value ("{item.value}").')
    return found


def _unit_definitions(root: Any) -> dict[str, UnitDef]:
    """Units by name. A <BaseUnit/> that states nothing is no definition: its name says more."""
    found: dict[str, UnitDef] = {}
    for unit in root.findall("UnitDefinitions/Unit"):
        base = unit.find("BaseUnit")
        if base is None or not base.attrib or unit.get("name") is None:
            continue
        kg, m, s, ampere, kelvin, mol, cd, rad = (int(base.get(e, "0")) for e in EXPONENTS)
        found[unit.get("name")] = UnitDef(
            factor=float(base.get("factor", "1")),
            offset=float(base.get("offset", "0")),
            dimension=(kg, m, s, ampere, kelvin, mol, cd, rad),
        )
    return found


def _unknowns(unknowns: list[Any], hidden: set[int]) -> dict[str, list[str] | None]:
    found: dict[str, list[str] | None] = {}
    for unknown in unknowns:
        if id(unknown.variable) in hidden:
            continue
        if unknown.dependencies is None:
            found[unknown.variable.name] = None
        else:
            found[unknown.variable.name] = [d.name for d in unknown.dependencies if id(d) not in hidden]
    return found


def _outputs(model: Any, variables: list[Variable], hidden: set[int]) -> dict[str, list[str] | None]:
    """Every output in the order of the variables, with what ModelStructure says of it; aliases left out."""
    stated = _unknowns(model.outputs, hidden)
    return {v.name: stated.get(v.name) for v in variables if v.causality == "output" and v.alias_of is None}


def _refuse_outside(identifier: str) -> None:
    """Raise where the name of the library would lead out of its folder, or is none that a file could have."""
    odd = re.search(r"[/\\:]", identifier) or not identifier.isprintable() or identifier in (".", "..")
    if odd or len(identifier.encode()) > MAX_IDENTIFIER:
        shown = identifier if len(identifier) <= 80 else f"{identifier[:80]}..."
        raise FmuError(
            f"modelIdentifier {shown!r} is no plain file name: the library would be looked for outside "
            "the FMU. The FMU is refused."
        )


def _resolved_size(described: Description) -> int:
    """Roughly the characters in a description in which every variable has all that it shares with others."""
    total = 0
    lengths: dict[int, int] = {}  # of the items of a type, by the dictionary that its variables share
    for v in described.variables:
        total += 100 + len(v.name) + len(v.si or "") + len(v.description or "")
        total += sum(len(str(d)) for d in v.dims) + sum(len(clock) for clock in v.clocks)
        if v.items:
            key = id(v.items)
            if key not in lengths:
                lengths[key] = sum(len(name) + 9 for name in v.items)
            total += lengths[key]
    for known in (described.outputs, described.initial_unknowns):
        for names in known.values():
            total += sum(map(len, names or ()))
    return total
