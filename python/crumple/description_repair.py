"""Bring a modelDescription.xml that is not quite valid into a form that FMPy reads, and say what was done.

Exporters of every make write XML that the standard does not allow: a declared type that is defined nowhere, a
parameter without variability, a dependency on a variable that does not exist, a Latin-1 degree sign in a file
that claims UTF-8. FMPy stops at the first of these even without validation. Here each one is mended in the
way that promises least, and noted: what cannot be trusted is forgotten (dependencies become "unknown"), and
what cannot be used is left out (a variable without a type).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import msgspec

from crumple.description import KINDS
from crumple.description_parse import Notes, digits, number, whole
from crumple.errors import FmuError

MAX_REFERENCE = 2**32 - 1
MOST_DISPLAY_UNITS = 300
FMI2_TYPES = ("Real", "Integer", "Boolean", "String", "Enumeration")
FMI3_TYPES = tuple(kind for kind in KINDS if kind not in ("Real", "Integer"))
FMI3_DEFINITIONS = tuple(f"{kind}Type" for kind in FMI3_TYPES if kind != "Clock")
FMI3_UNKNOWNS = ("Output", "ContinuousStateDerivative", "ClockedState", "InitialUnknown", "EventIndicator")
# what FMPy knows in a type definition; anything else, legal or not, makes it stop
TYPE_ATTRIBUTES = frozenset(
    {
        *("name", "description", "quantity", "unit", "displayUnit", "relativeQuantity"),
        *("min", "max", "nominal", "unbounded"),
    }
)
EXPONENTS = ("kg", "m", "s", "A", "K", "mol", "cd", "rad")
LEGAL = {
    "constant": ("output", "local"),
    "fixed": ("structuralParameter", "parameter", "calculatedParameter", "local"),
    "tunable": ("structuralParameter", "parameter", "calculatedParameter", "local"),
    "discrete": ("input", "output", "local"),
    "continuous": ("input", "output", "local", "independent"),
}
CAUSALITIES = frozenset(c for allowed in LEGAL.values() for c in allowed)


class Repairs(msgspec.Struct):
    """What the repaired tree cannot say: places (0-based) among the elements of ModelVariables."""

    left_out: set[int] = set()  # a placeholder stands there: not to be offered
    without_start: set[int] = set()  # its start value was made up


def repair(root: Any, major: int, notes: Notes) -> Repairs:
    """Mend the tree under `root` in place until FMPy can read it; every change is noted.

    Raises FmuError where there is nothing to mend, as without ModelVariables.
    """
    repairs = Repairs()
    _whole(root, "numberOfEventIndicators", notes)
    if major == 1:
        _whole(root, "numberOfContinuousStates", notes, missing="0")
    for tag in ("ModelExchange", "CoSimulation", "ScheduledExecution"):
        for element in root.findall(tag):
            for name in ("maxOutputDerivativeOrder", "recommendedIntermediateInputSmoothness"):
                _whole(element, name, notes)
    _units(root, notes)
    types = _types(root, major, notes)
    elements = root.find("ModelVariables")
    if elements is None:
        raise FmuError("modelDescription.xml has no <ModelVariables>.")
    _variables(elements, major, types, notes, repairs)
    if major == 3:
        _dimensions(elements, notes, repairs)
    _derivatives(elements, major, notes)
    _structure(root, elements, major, notes)
    return repairs


def _whole(element: Any, name: str, notes: Notes, *, missing: str | None = None) -> None:
    """Make the attribute `name` an integer that int() reads, or drop it."""
    text = element.get(name)
    if text is None:
        if missing is not None:
            element.set(name, missing)
        return
    value = whole(text)
    if value is not None:
        if not text.strip().lstrip("+-").isdigit():
            notes.add(f'{name}="{text}" is read as {value}.', line=element.sourceline)
        element.set(name, str(value))
        return
    notes.add(f'{name}="{text}" is no integer; ignored.', line=element.sourceline)
    del element.attrib[name]
    if missing is not None:
        element.set(name, missing)


def _real(element: Any, name: str, notes: Notes) -> bool:
    """Make the attribute `name` a number that float() reads; False where that cannot be done."""
    text = element.get(name)
    if text is None or number(text) is not None:
        return True
    comma = text.replace(",", ".")
    if number(comma) is not None:
        notes.add(f'{name}="{text}" is read as {comma}.', line=element.sourceline)
        element.set(name, comma)
        return True
    return False


def _units(root: Any, notes: Notes) -> None:
    for unit in root.findall("UnitDefinitions/Unit"):
        name = unit.get("name")
        for base in unit.findall("BaseUnit"):
            bad = [e for e in EXPONENTS if whole(base.get(e, "0")) is None]
            bad += [a for a in ("factor", "offset") if not _real(base, a, notes)]
            if bad:
                stated = ", ".join(f'{a}="{base.get(a)}"' for a in bad)
                notes.add(f'unit "{name}": {stated} cannot be used; read by its name.', line=base.sourceline)
                unit.remove(base)
                continue
            for exponent in EXPONENTS:
                _whole(base, exponent, notes)
        for place, display in enumerate(unit.findall("DisplayUnit")):
            if place >= MOST_DISPLAY_UNITS:  # FMPy goes through them for each variable
                notes.add(
                    f'unit "{name}" has more than {MOST_DISPLAY_UNITS} display units; cut.',
                    line=unit.sourceline,
                )
                unit.remove(display)
                continue
            if not (_real(display, "factor", notes) and _real(display, "offset", notes)):
                notes.add(
                    f'display unit "{display.get("name")}" of "{name}" is ignored.', line=display.sourceline
                )
                unit.remove(display)


def _types(root: Any, major: int, notes: Notes) -> set[str | None]:
    """Strip type definitions down to what FMPy takes; the names that are defined, None included."""
    known: set[str | None] = {None}
    definitions = root.find("TypeDefinitions")
    if definitions is None:
        return known
    for simple in list(definitions):
        name = simple.get("name")
        if major < 3 and simple.tag != ("Type" if major == 1 else "SimpleType"):
            notes.add(f"<{simple.tag}> is no type of FMI {major}; ignored.", line=simple.sourceline)
            definitions.remove(simple)
            continue
        core = simple
        if major < 3:
            suffix = "Type" if major == 1 else ""
            cores = [c for c in simple if c.tag in [f"{kind}{suffix}" for kind in FMI2_TYPES]]
            if not cores:
                notes.add(f'type "{name}" says nothing of its kind; ignored.', line=simple.sourceline)
                definitions.remove(simple)
                continue
            core = cores[0]
            for other in list(simple):
                if other is not core:
                    simple.remove(other)
            allowed = TYPE_ATTRIBUTES - {"name", "description"}
        else:
            if simple.tag not in FMI3_DEFINITIONS:
                if simple.tag != "ClockType":
                    notes.add(f"<{simple.tag}> is no type of FMI 3; ignored.", line=simple.sourceline)
                definitions.remove(simple)  # FMPy passes over clock types, then misses them
                continue
            allowed = TYPE_ATTRIBUTES
        for attribute in set(core.attrib) - allowed:
            del core.attrib[attribute]
        for item in core.findall("Item"):
            if item.get("name") is None:
                notes.add(f'an item of type "{name}" has no name; ignored.', line=item.sourceline)
                core.remove(item)
                continue
            for attribute in set(item.attrib) - {"name", "value", "description"}:
                del item.attrib[attribute]
        if name is None:
            notes.add("a type without a name is ignored.", line=simple.sourceline)
            definitions.remove(simple)
            continue
        known.add(name)
    return known


def _variables(elements: Any, major: int, types: set[str | None], notes: Notes, repairs: Repairs) -> None:
    for element in list(elements):
        if (major < 3 and element.tag != "ScalarVariable") or (major == 3 and element.tag not in FMI3_TYPES):
            notes.add(f"<{element.tag}> is no variable of FMI {major}; ignored.", line=element.sourceline)
            elements.remove(element)
    for place, element in enumerate(elements):
        line, name = element.sourceline, element.get("name")
        typed = element if major == 3 else next((c for c in element if c.tag in FMI2_TYPES), None)
        # a placeholder keeps its place: FMI 2 counts variables
        if typed is None:
            notes.add(f'variable "{name}" has no type; left out.', line=line)
            repairs.left_out.add(place)
            typed = importlib.import_module("lxml.etree").SubElement(element, "Real")
        if name is None:
            notes.add("a variable without a name is left out.", line=line)
            repairs.left_out.add(place)
            element.set("name", f"nameless_{place + 1}")
            name = element.get("name")
        for alias in element.findall("Alias"):
            if alias.get("name") is None:
                notes.add(f'an alias of "{name}" has no name; ignored.', line=alias.sourceline)
                element.remove(alias)
        reference = (element.get("valueReference") or "").strip()
        if (digits(reference) or 0) > MAX_REFERENCE or digits(reference) is None:
            notes.add(f'variable "{name}" has no usable valueReference ("{reference}"); left out.', line=line)
            repairs.left_out.add(place)
            reference = (
                "0" if major < 3 else str(2**32 + place)
            )  # FMI 3 resolves by it: none of the real ones
        element.set("valueReference", str(int(reference)))
        declared = typed.get("declaredType")
        if declared not in types:
            if typed.tag != "Clock":
                notes.add(
                    f'variable "{name}" is of type "{declared}", which is not defined; ignored.', line=line
                )
            del typed.attrib["declaredType"]
        if major > 1:
            _settle_roles(element, typed, major, notes)


def _settle_roles(element: Any, typed: Any, major: int, notes: Notes) -> None:
    """Make causality, variability and initial a combination that has a meaning."""
    name, line = element.get("name"), element.sourceline
    causality = element.get("causality", "local")
    if causality not in CAUSALITIES:
        notes.add(f'variable "{name}": causality="{causality}" is unknown; read as local.', line=line)
        causality = "local"
        element.set("causality", causality)
    parameter = causality in ("parameter", "calculatedParameter", "structuralParameter")
    real = typed.tag in ("Real", "Float32", "Float64")
    natural = "fixed" if parameter else "continuous" if real or causality == "independent" else "discrete"
    variability = element.get("variability")
    if variability is not None and variability not in LEGAL:
        notes.add(f'variable "{name}": variability="{variability}" is unknown; read as {natural}.', line=line)
        variability = natural
        element.set("variability", natural)
    initial = element.get("initial")
    if initial is not None and initial not in ("exact", "approx", "calculated"):
        notes.add(f'variable "{name}": initial="{initial}" is unknown; ignored.', line=line)
        del element.attrib["initial"]
        initial = None
    if variability is None:
        if major == 2 and natural != "continuous":  # FMI 2's default is continuous, which is illegal here
            what = f"{causality}" if parameter else f"{typed.tag} variable"
            notes.add(f'{what} "{name}" has no variability; read as {natural}.', line=line)
        element.set("variability", natural)
        variability = natural
    if causality in LEGAL[variability] or initial is not None:
        return
    if causality == "output" or (parameter and variability == "constant"):
        element.set("initial", "calculated" if causality in ("output", "calculatedParameter") else "exact")
        notes.add(f'{causality} "{name}" with variability="{variability}" is not allowed; kept.', line=line)
        return
    notes.add(
        f'{causality} "{name}" with variability="{variability}" is not allowed; read as {natural}.', line=line
    )
    element.set("variability", natural)


def _dimensions(elements: Any, notes: Notes, repairs: Repairs) -> None:
    by_reference = {
        e.get("valueReference"): (i, e) for i, e in enumerate(elements) if i not in repairs.left_out
    }
    for place, element in enumerate(elements):
        for dimension in element.findall("Dimension"):
            size, reference = dimension.get("start"), dimension.get("valueReference")
            if digits(size) is not None:
                dimension.set("start", str(digits(size)))
                continue
            target = by_reference.get((reference or "").strip()) if size is None else None
            if (
                target is None
                or KINDS.get(target[1].tag) != "integer"
                or target[1].find("Dimension") is not None
            ):
                notes.add(
                    f'variable "{element.get("name")}" has a dimension without a usable size; left out.',
                    line=element.sourceline,
                )
                repairs.left_out.add(place)
                element.remove(dimension)
                continue
            dimension.set("valueReference", (reference or "").strip())
            index, sizing = target
            start = sizing.get("start")
            value = whole(start)
            if value is None:
                notes.add(
                    f'"{sizing.get("name")}" sizes an array but has no start value.', line=sizing.sourceline
                )
                repairs.without_start.add(index)
                sizing.set("start", "1")
            else:
                sizing.set("start", str(value))


def _derivatives(elements: Any, major: int, notes: Notes) -> None:
    """Forget references from a derivative to its state, and to clocks, that lead nowhere."""
    references = {e.get("valueReference") for e in elements}
    count = len(elements)  # lxml counts anew at each call
    for element in elements:
        typed = element if major == 3 else next(c for c in element if c.tag in FMI2_TYPES)
        target = typed.get("derivative")
        if target is not None:
            found = target.strip() in references if major == 3 else _index(target, count) is not None
            if not found:
                notes.add(
                    f'"{element.get("name")}" is the derivative of no variable that exists ("{target}").',
                    line=element.sourceline,
                )
                del typed.attrib["derivative"]
            else:
                typed.set("derivative", target.strip())
        clocks = element.get("clocks") if major == 3 else None
        if clocks is not None:
            kept = [c for c in clocks.split() if c in references]
            if len(kept) != len(clocks.split()) or not kept:
                notes.add(
                    f'"{element.get("name")}" names a clock that does not exist.', line=element.sourceline
                )
            if kept:
                element.set("clocks", " ".join(kept))
            else:
                del element.attrib["clocks"]


def _index(text: str, count: int) -> int | None:
    """A 1-based place among `count` variables, None where `text` is none."""
    place = digits(text)
    return place if place is not None and 1 <= place <= count else None


def _structure(root: Any, elements: Any, major: int, notes: Notes) -> None:
    structure = root.find("ModelStructure")
    if structure is None or major == 1:
        return
    count = len(elements)
    references = {e.get("valueReference") for e in elements}
    key = "index" if major == 2 else "valueReference"
    places = {str(place) for place in range(1, count + 1)}  # there may be millions of dependencies
    exists: Callable[[str], bool] = (
        (lambda text: text in places or _index(text, count) is not None)
        if major == 2
        else (lambda text: text.strip() in references)
    )
    unknowns = (
        structure.findall("*/Unknown") if major == 2 else [e for e in structure if e.tag in FMI3_UNKNOWNS]
    )
    for unknown in unknowns:
        target = unknown.get(key)
        if target is None or not exists(target):
            notes.add(
                f'an entry of ModelStructure points to no variable that exists ({key}="{target}"); ignored.',
                line=unknown.sourceline,
            )
            unknown.getparent().remove(unknown)
            continue
        unknown.set(key, target.strip())
        dependencies = unknown.get("dependencies")
        if dependencies is None:
            continue
        named = dependencies.split()
        once = dict.fromkeys(named)
        wrong = [d for d in once if not exists(d)]
        if wrong:
            notes.add(
                f'dependencies of ModelStructure entry {key}="{target}" name variables that do not exist '
                f"({' '.join(wrong[:5])}); taken to depend on everything.",
                line=unknown.sourceline,
            )
            del unknown.attrib["dependencies"]
            unknown.attrib.pop("dependenciesKind", None)
        else:
            unknown.set("dependencies", " ".join(once))
            if len(once) != len(named):
                notes.add(
                    f'dependencies of ModelStructure entry {key}="{target}" name a variable twice; read once.',
                    line=unknown.sourceline,
                )
                unknown.attrib.pop("dependenciesKind", None)
