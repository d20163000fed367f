"""Variants of units2 and units3 whose description is not quite valid, or unusual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fmus.variant import Edit, Variant


def _change(pattern: str, new: str) -> Edit:
    """The first match of the regular expression becomes `new`; a ValueError where there is none."""

    def edit(xml: str) -> str:
        result, found = re.subn(pattern, new, xml, count=1, flags=re.DOTALL)
        if not found:
            raise ValueError(f"nothing matches {pattern!r} in the description to edit")
        return result

    return edit


NO_STRUCTURE = _change(r"  <ModelStructure>.*</ModelStructure>\n", "")
MOVED = _change(r"(\n  <DefaultExperiment[^\n]*)(.*</ModelVariables>)", r"\2\1")
BOTH_KINDS = _change(
    r'  <CoSimulation ([^\n]*?) canHandleVariableCommunicationStepSize="true"([^\n]*)\n',
    r"  <ModelExchange \1\2\n\g<0>",
)
EXCHANGE_ONLY = _change(
    r'  <CoSimulation ([^\n]*?) canHandleVariableCommunicationStepSize="true"', r"  <ModelExchange \1"
)

TWICE = _change(r'(    <Unit name="km/h">.*?</Unit>\n)', r"\1\1")

# name, outcome, what is wrong, the edits
FAULTS: tuple[tuple[str, str, str, tuple[Edit, ...]], ...] = (
    (
        "unknown_attribute",
        "good",
        "an unknown attribute",
        (_change("<CoSimulation ", r'\g<0>canFly="true" '),),
    ),
    (
        "unknown_element",
        "good",
        "an unknown element",
        (_change("  <LogCategories>", r"  <Weather/>\n\g<0>"),),
    ),
    ("wrong_order", "good", "DefaultExperiment stands behind ModelVariables", (MOVED,)),
    ("no_model_structure", "good", "there is no ModelStructure", (NO_STRUCTURE,)),
    (
        "duplicate_units",
        "good",
        "the unit km/h is defined twice, alike",
        (TWICE,),
    ),
    (
        "undefined_unit",
        "good",
        "kN is used but not defined",
        (_change(r'    <Unit name="kN">.*?</Unit>\n', ""),),
    ),
    (
        "no_default_experiment",
        "good",
        "there is no DefaultExperiment; legal",
        (_change(r"  <DefaultExperiment[^\n]*\n", ""),),
    ),
    ("no_start", "good", "the input speed has no start value", (_change(r' start="10"', ""),)),
    ("both_kinds", "good", "it declares model exchange, too; legal", (BOTH_KINDS,)),
    (
        "no_value_reference",
        "load",
        "a variable has no value reference",
        (_change(r' valueReference="\d+"', ""),),
    ),
    ("duplicate_name", "load", "two variables are named speed", (_change('"speed_kmh"', '"speed"'),)),
    ("broken", "load", "the XML is cut short", (_change("</fmiModelDescription>", ""),)),
    ("no_co_simulation", "load", "it is for model exchange only", (EXCHANGE_ONLY,)),
)


def faulty_xml(units2: Variant, units3: Variant) -> Iterator[Variant]:
    """The two given FMUs with each fault in turn."""
    for like in (units2, units3):
        for name, outcome, doc, edits in FAULTS:
            yield replace(
                like,
                name=f"xml_{name}{like.fmi}",
                edits=edits,
                outcome=outcome,
                doc=f"as units{like.fmi}; {doc}",
            )
        yield replace(
            like,
            name=f"xml_latin1_{like.fmi}",
            edits=(_change("UTF-8", "ISO-8859-1"), _change("Crumple tests", "Prüfstand")),
            encoding="iso-8859-1",
            doc=f"as units{like.fmi}; the XML is in ISO-8859-1 and says so; legal",
        )
    version = (_change('fmiVersion="3.0"', 'fmiVersion="3.0.2"'),)
    yield replace(units3, name="xml_version3", edits=version, doc="as units3; fmiVersion is 3.0.2; legal")
