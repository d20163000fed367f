"""Descriptions that are not quite valid: read all the same, with a warning that says how."""

from __future__ import annotations

import pytest

from crumple.description import Description, shape_of
from crumple.description_xml import read_description
from crumple.errors import FmuError
from paper_fmu import COSIM2, COSIM3, OUT, SPEED, fmi2, fmi3, only, outputs2, real


def warned(xml: bytes, says: str) -> Description:
    """The description, after a look at its warnings: one of them says it."""
    described = read_description(xml)
    assert any(says in warning for warning in described.warnings), described.warnings
    return described


def test_a_warning_names_the_line() -> None:
    described = read_description(fmi2(SPEED + "\n\n" + real("y", 1, 'causality="output" variability="odd"')))
    assert any(w.startswith(f"modelDescription.xml:{7}: ") for w in described.warnings)


def test_an_undefined_type_is_ignored() -> None:
    described = warned(fmi2(real("x", 0, "", 'declaredType="Gone" unit="m"')), '"Gone", which is not defined')
    assert only(described).si == "m"


def test_an_undefined_unit_is_kept_by_name() -> None:
    described = warned(
        fmi2(real("x", 0, "", 'unit="furlong" displayUnit="mile"')), 'unit "furlong" of variable'
    )
    assert only(described).si == "furlong"
    assert described.units == {}


@pytest.mark.parametrize(
    ("roles", "variability", "initial"),
    [
        ('causality="parameter"', "fixed", "exact"),
        ('causality="parameter" variability="continuous"', "fixed", "exact"),
        ('causality="parameter" variability="constant"', "constant", "exact"),
        ('causality="calculatedParameter"', "fixed", "calculated"),
        ('causality="input" variability="fixed"', "continuous", "exact"),
        ('causality="output" variability="tunable"', "tunable", "calculated"),
        ('causality="independent" variability="discrete"', "continuous", None),
        ('causality="output" variability="parameter"', "continuous", "calculated"),
        ('causality="output" initial="guess"', "continuous", "calculated"),
    ],
)
def test_roles_that_cannot_be_are_settled(roles: str, variability: str, initial: str | None) -> None:
    variable = only(warned(fmi2(real("x", 0, roles)), "x"))
    assert (variable.variability, variable.initial) == (variability, initial)


def test_an_unknown_causality_is_local() -> None:
    assert only(warned(fmi2(real("x", 0, 'causality="internal"')), "read as local")).causality == "local"


def test_a_whole_number_without_variability_is_discrete() -> None:
    xml = fmi2('<ScalarVariable name="i" valueReference="0" causality="output"><Integer/></ScalarVariable>')
    assert only(warned(xml, "read as discrete")).variability == "discrete"


def test_a_variable_without_a_type_is_left_out_and_keeps_its_place() -> None:
    described = warned(
        fmi2(
            SPEED + '<ScalarVariable name="odd" valueReference="9"/>' + real("y", 2, 'causality="output"'),
            structure=outputs2('<Unknown index="3" dependencies="1 2"/>'),
        ),
        '"odd" has no type; left out',
    )
    assert [v.name for v in described.variables] == ["u", "y"]
    assert described.outputs == {"y": ["u"]}


@pytest.mark.parametrize(
    "odd",
    [
        '<ScalarVariable valueReference="9"><Real/></ScalarVariable>',
        '<ScalarVariable name="odd"><Real/></ScalarVariable>',
        '<ScalarVariable name="odd" valueReference="-1"><Real/></ScalarVariable>',
        '<ScalarVariable name="odd" valueReference="9"><Complex/></ScalarVariable>',
    ],
)
def test_a_variable_that_cannot_be_addressed_is_left_out(odd: str) -> None:
    described = warned(
        fmi2(
            odd + SPEED + OUT,
            structure=outputs2('<Unknown index="3" dependencies="2"/>'),
        ),
        "left out",
    )
    assert [v.name for v in described.variables] == ["u", "y"]
    assert described.outputs == {"y": ["u"]}


@pytest.mark.parametrize("dependencies", ["0", "7", "1 x", "-1"])
def test_dependencies_that_lead_nowhere_become_unknown(dependencies: str) -> None:
    described = warned(
        fmi2(
            SPEED + OUT,
            structure=outputs2(f'<Unknown index="2" dependencies="{dependencies}"/>'),
        ),
        "taken to depend on everything",
    )
    assert described.outputs == {"y": None}


@pytest.mark.parametrize("index", ["0", "9", "two", ""])
def test_a_structure_entry_that_leads_nowhere_is_ignored(index: str) -> None:
    described = warned(
        fmi2(
            SPEED + OUT,
            structure=outputs2(f'<Unknown index="{index}"/>'),
        ),
        "points to no variable",
    )
    assert described.outputs == {"y": None}


def test_a_derivative_of_nothing_is_forgotten() -> None:
    warned(fmi2(real("x", 0, "", 'derivative="17"')), "derivative of no variable")
    warned(fmi3('<Float64 name="x" valueReference="1" derivative="17"/>'), "derivative of no variable")


@pytest.mark.parametrize("base", ['m="0.5"', 'm="1" factor="big"', 'kg="one"'])
def test_a_unit_that_cannot_be_read_goes_by_its_name(base: str) -> None:
    before = COSIM2 + f'<UnitDefinitions><Unit name="m/s"><BaseUnit {base}/></Unit></UnitDefinitions>'
    described = warned(fmi2(real("x", 0, "", 'unit="m/s"'), before=before), "read by its name")
    assert described.units == {}
    assert only(described).si == "m/s"


def test_a_decimal_comma_in_a_unit_is_read() -> None:
    before = (
        COSIM2 + '<UnitDefinitions><Unit name="x"><BaseUnit m="1" factor="0,5"/></Unit></UnitDefinitions>'
    )
    assert warned(fmi2(SPEED, before=before), "is read as 0.5").units["x"].factor == 0.5


def test_a_base_unit_that_states_nothing_is_no_definition() -> None:
    before = COSIM2 + '<UnitDefinitions><Unit name="N"><BaseUnit/></Unit></UnitDefinitions>'
    described = read_description(fmi2(real("F", 0, "", 'unit="N"'), before=before))
    assert described.units == {}
    assert only(described).si == "N"


def test_a_type_without_a_kind_is_ignored() -> None:
    before = COSIM2 + '<TypeDefinitions><SimpleType name="T"/></TypeDefinitions>'
    described = warned(fmi2(real("x", 0, "", 'declaredType="T"'), before=before), "says nothing of its kind")
    assert only(described).kind == "real"


def test_attributes_that_a_vendor_added_do_no_harm() -> None:
    before = (
        COSIM2
        + '<TypeDefinitions><SimpleType name="T"><Real unit="m" vendor="1"/></SimpleType></TypeDefinitions>'
    )
    described = warned(fmi2(real("x", 0, 'vendor="2"', 'declaredType="T"'), before=before), "vendor")
    assert only(described).si == "m"


def test_an_array_sized_by_nothing_is_left_out() -> None:
    described = warned(
        fmi3(
            '<Float64 name="x" valueReference="1"><Dimension valueReference="77"/></Float64>'
            '<Float64 name="z" valueReference="2"><Dimension/></Float64>'
            '<Float64 name="k" valueReference="3"><Dimension start="2"/></Float64>'
        ),
        "without a usable size",
    )
    assert [v.name for v in described.variables] == ["time", "k"]


def test_a_structural_parameter_without_start_is_asked_for() -> None:
    described = warned(
        fmi3(
            '<UInt64 name="n" valueReference="1" causality="structuralParameter" variability="fixed"/>'
            '<Float64 name="x" valueReference="2"><Dimension valueReference="1"/></Float64>'
        ),
        "sizes an array but has no start value",
    )
    assert described.by_name["n"].start is None
    assert described.structural == {}
    with pytest.raises(FmuError, match="Set n"):
        shape_of(described.by_name["x"], described.structural)
    assert shape_of(described.by_name["x"], {"n": 3}) == (3,)


def test_latin_1_that_claims_to_be_utf8_is_read() -> None:
    xml = fmi2(real("T", 0, 'description="bei 20 °C"')).decode().encode("latin-1")
    assert only(warned(xml, "Windows-1252")).description == "bei 20 °C"


def test_declared_encodings_are_honoured() -> None:
    text = fmi2(real("T", 0, 'description="in °C"')).decode()
    for encoding in ("ISO-8859-1", "UTF-16"):
        xml = text.replace("UTF-8", encoding).encode(encoding)
        described = read_description(xml)
        assert only(described).description == "in °C"
        assert described.warnings == []


def test_broken_xml_is_read_as_far_as_it_goes() -> None:
    xml = fmi2(real("x", 0, 'description="a & b"')).replace(b"</ModelVariables>", b"</ModelVariables >")
    assert only(warned(xml, "not well-formed")).name == "x"
    with pytest.raises(FmuError, match="no <ModelVariables>"):
        read_description(fmi2("")[:150])
    for rubbish in (b"", b"no xml at all", b"<html><body/></html>", b"\0" * 100):
        with pytest.raises(FmuError, match=r"modelDescription\.xml is n"):
            read_description(rubbish)


def test_blanks_before_the_xml_and_a_namespace_do_no_harm() -> None:
    assert only(warned(b"\n  " + fmi2(real("x", 0)), "begins with blanks")).name == "x"
    xml = fmi2(real("x", 0)).replace(b"<fmiModelDescription ", b'<fmiModelDescription xmlns="urn:odd" ')
    assert only(warned(xml, "namespace urn:odd")).name == "x"
    xml = fmi2(real("x", 0, 'odd:colour="red"'))
    assert only(warned(xml, "odd:colour")).name == "x"


@pytest.mark.parametrize(
    ("version", "read_as"),
    [("2.0.1", "2.0"), ("2", "2.0"), ("2.1", "2.0"), ("", "2.0"), ("3.0-beta.2", "3.0")],
)
def test_odd_versions_are_read_as_the_nearest(version: str, read_as: str) -> None:
    xml = fmi3("") if version.startswith("3") else fmi2(SPEED)
    xml = xml.replace(f'fmiVersion="{read_as}"'.encode(), f'fmiVersion="{version}"'.encode())
    assert warned(xml, f"read as {read_as}").fmi == read_as


def test_unknown_versions_are_refused() -> None:
    with pytest.raises(FmuError, match=r'fmiVersion="4\.0"'):
        read_description(fmi2(SPEED).replace(b'"2.0"', b'"4.0"'))


def test_an_fmi1_file_is_shown_and_not_run() -> None:
    described = read_description(
        b'<fmiModelDescription fmiVersion="1.0" modelName="Old" modelIdentifier="old" guid="{1}">'
        b"<ModelVariables>"
        b'<ScalarVariable name="p" valueReference="1" variability="parameter"><Real start="2"/>'
        b"</ScalarVariable></ModelVariables><Implementation><CoSimulation_StandAlone/></Implementation>"
        b"</fmiModelDescription>"
    )
    assert (described.fmi, described.identifier, described.kinds) == ("1.0", None, ["CoSimulation"])
    assert only(described).causality == "parameter"


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    xml = fmi2(real("x", 0, 'description="&b;"')).replace(b"?>\n", b"?>\n" + bomb + b"\n")
    with pytest.raises(FmuError, match="entities"):
        read_description(xml)
    with pytest.raises(FmuError, match="entities"):
        read_description(xml.decode().replace("UTF-8", "UTF-16").encode("utf-16"))


def test_a_flood_of_warnings_is_counted() -> None:
    described = read_description(fmi2("".join(real(f"x{i}", i, 'causality="odd"') for i in range(300))))
    assert len(described.warnings) == 101
    assert "more of the kind" in described.warnings[-1]
    assert len(described.variables) == 300


def test_a_missing_token_is_a_warning() -> None:
    xml = fmi2(SPEED).replace(b' guid="{g}"', b"")
    assert warned(xml, "has no guid").token == ""


# ---- what a fuzzer came upon


def test_an_item_and_an_alias_without_a_name_are_ignored() -> None:
    types = (
        '<TypeDefinitions><SimpleType name="E"><Enumeration><Item value="1"/><Item name="on" value="2"/></Enumeration>'
        "</SimpleType></TypeDefinitions>"
    )
    xml = fmi2(
        '<ScalarVariable name="e" valueReference="0" variability="discrete"><Enumeration declaredType="E"/>'
        "</ScalarVariable>",
        before=COSIM2 + types,
    )
    assert only(warned(xml, 'an item of type "E" has no name; ignored')).items == {"on": 2}
    described = warned(
        fmi3('<Float64 name="y" valueReference="1"><Alias/><Alias name="z"/></Float64>', before=COSIM3),
        'an alias of "y" has no name; ignored',
    )
    assert [v.name for v in described.variables] == ["time", "y", "z"]


@pytest.mark.parametrize("reference", ["4294967296", "9" * 5000, "²", "-1", "1_0", ""])
def test_a_value_reference_that_no_fmu_takes_leaves_the_variable_out(reference: str) -> None:
    xml = fmi2(SPEED + real("odd", 1).replace('"1"', f'"{reference}"', 1))
    described = warned(xml, 'variable "odd" has no usable valueReference')
    assert [v.name for v in described.variables] == ["u"]


def test_the_largest_value_reference_is_kept() -> None:
    assert only(read_description(fmi2(real("x", 2**32 - 1)))).ref == 2**32 - 1


@pytest.mark.parametrize("size", ["²", "1e3", "9" * 30, "-1"])
def test_a_dimension_that_is_no_count_leaves_the_array_out(size: str) -> None:
    xml = fmi3(f'<Float64 name="y" valueReference="1"><Dimension start="{size}"/></Float64>')
    assert only(warned(xml, "has a dimension without a usable size")).name == "time"


@pytest.mark.parametrize("value", ["9223372036854775808", "9" * 400, "1.5", "two"])
def test_an_item_whose_value_has_more_than_64_bits_is_ignored(value: str) -> None:
    kind = f'<EnumerationType name="E"><Item name="a" value="{value}"/></EnumerationType>'
    xml = fmi3("", before=f"{COSIM3}<TypeDefinitions>{kind}</TypeDefinitions>")
    warned(xml, 'item "a" of type "E" has no usable value')


def test_of_two_sections_of_one_name_the_first_counts() -> None:
    again = (
        outputs2('<Unknown index="1" dependencies="="/><Unknown/>')
        + f"<ModelVariables>{OUT}</ModelVariables>"
    )
    described = warned(
        fmi2(SPEED, structure="<ModelStructure/>" + again), "a second <ModelStructure> is ignored"
    )
    assert only(described).name == "u"


def test_a_dependency_that_is_named_twice_counts_once() -> None:
    xml = fmi2(
        SPEED + OUT,
        structure=outputs2('<Unknown index="2" dependencies="1 1" dependenciesKind="fixed fixed"/>'),
    )
    assert warned(xml, "name a variable twice; read once").outputs == {"y": ["u"]}


def test_a_version_of_xml_that_is_not_known_is_read_as_the_one_that_is() -> None:
    described = warned(fmi2(SPEED).replace(b'version="1.0"', b'version="2.1"', 1), "version")
    assert only(described).name == "u"


def test_a_warning_quotes_no_more_than_a_person_reads() -> None:
    described = read_description(fmi2(real("x", 0, f'causality="{"odd" * 5000}"')))
    assert max(map(len, described.warnings)) < 700


def test_a_large_file_with_few_faults_names_their_lines() -> None:
    many = "\n".join(real(f"x{i}", i) for i in range(3000))
    described = warned(
        fmi2(f"{many}\n{real('y', 9999, '', chr(98) + 'la=' + chr(34) * 2)}"), "'bla' is not allowed"
    )
    assert any(w.startswith("modelDescription.xml:3005: ") for w in described.warnings), described.warnings


def test_a_description_writes_no_lines_of_its_own_on_a_terminal() -> None:
    described = read_description(fmi2(real("x", 0, 'causality="a&#10;PASS&#155;2J\u202e"')))
    assert any(r'causality="a\nPASS\x9b2J\u202e" is unknown' in w for w in described.warnings)
    with pytest.raises(FmuError) as refused:
        read_description(fmi2(real("x", 0)).replace(b'"2.0"', b'"&#10;PASS' + b"x" * 5000 + b'"'))
    assert str(refused.value).startswith(r'modelDescription.xml says fmiVersion="PASSxxx')
    assert len(str(refused.value)) < 700
