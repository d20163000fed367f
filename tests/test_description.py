"""Reading modelDescription.xml: what valid files say, and how files that are not quite valid are taken."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crumple.description import (
    Description,
    UnitDef,
    Variable,
    closest,
    element_count,
    find_variable,
    shape_of,
)
from crumple.description_xml import read_description
from crumple.errors import FmuError
from paper_fmu import COSIM2, COSIM3, OUT, SPEED, fmi2, fmi3, only, outputs2, real

# ---- FMI 2


def test_an_fmi2_file_is_read_whole() -> None:
    described = read_description(
        fmi2(
            real("u", 0, 'causality="input"', 'start="1.5" declaredType="Speed"')
            + real("a.b[1,2]", 1, 'causality="output" description="wheel"', 'unit="rad/s" nominal="10"'),
            before="""
<ModelExchange modelIdentifier="me"/>
<CoSimulation modelIdentifier="cs" canHandleVariableCommunicationStepSize="true" canGetAndSetFMUstate="1"
  canBeInstantiatedOnlyOncePerProcess="true" needsExecutionTool="false" canSerializeFMUstate="false"/>
<UnitDefinitions>
  <Unit name="m/s"><BaseUnit m="1" s="-1"/></Unit>
  <Unit name="rad/s"><BaseUnit s="-1" rad="1"/></Unit>
  <Unit name="km/h"><BaseUnit m="1" s="-1" factor="0.2777777777777778"/></Unit>
  <Unit name="%"/>
</UnitDefinitions>
<TypeDefinitions>
  <SimpleType name="Speed"><Real unit="km/h" min="-10" max="300"/></SimpleType>
</TypeDefinitions>
<LogCategories><Category name="logAll"/><Category name="logStatusError"/></LogCategories>
<DefaultExperiment startTime="0.5" stopTime="2" tolerance="1e-4" stepSize="0.01"/>""",
            structure=outputs2('<Unknown index="2" dependencies="1"/>'),
            attributes=' generationTool="T 1" version="7" description="d"',
        )
    )
    assert described.warnings == []
    assert (described.fmi, described.model_name, described.token, described.identifier) == (
        "2.0",
        "M",
        "{g}",
        "cs",
    )
    assert described.kinds == ["CoSimulation", "ModelExchange"]
    assert (described.tool, described.version, described.description) == ("T 1", "7", "d")
    assert (described.default_start, described.default_stop) == (0.5, 2.0)
    assert (described.default_tolerance, described.default_step) == (1e-4, 0.01)
    assert described.can_vary_step and described.can_save and described.once_per_process
    assert not described.can_serialize and not described.needs_tool
    assert described.log_categories == ["logAll", "logStatusError"]
    assert described.units == {
        "m/s": UnitDef(1.0, 0.0, (0, 1, -1, 0, 0, 0, 0, 0)),
        "rad/s": UnitDef(1.0, 0.0, (0, 0, -1, 0, 0, 0, 0, 1)),
        "km/h": UnitDef(0.2777777777777778, 0.0, (0, 1, -1, 0, 0, 0, 0, 0)),
    }
    u, y = described.variables
    assert (u.kind, u.causality, u.variability, u.initial, u.start) == (
        "real",
        "input",
        "continuous",
        "exact",
        ["1.5"],
    )
    assert (u.si, u.min, u.max, u.dims) == ("km/h", -10.0, 300.0, [])
    assert (y.name, y.si, y.nominal, y.description, y.initial) == (
        "a.b[1,2]",
        "rad/s",
        10.0,
        "wheel",
        "calculated",
    )
    assert described.outputs == {"a.b[1,2]": ["u"]}


def test_every_fmi2_type_is_known() -> None:
    typed = {
        "r": "<Real/>",
        "i": '<Integer min="-3" max="4"/>',
        "b": "<Boolean/>",
        "s": "<String/>",
        "e": '<Enumeration declaredType="Mode"/>',
    }
    described = read_description(
        fmi2(
            "".join(
                f'<ScalarVariable name="{name}" valueReference="{i}" variability="discrete">{inner}'
                "</ScalarVariable>"
                for i, (name, inner) in enumerate(typed.items())
            ),
            before=COSIM2
            + '<TypeDefinitions><SimpleType name="Mode"><!-- two --><Enumeration><Item name="off" value="1"/>'
            '<Item name="on, fast" value="5"/></Enumeration></SimpleType></TypeDefinitions>',
        )
    )
    assert described.warnings == []
    kinds = {v.name: (v.type, v.kind) for v in described.variables}
    assert kinds["r"] == ("Real", "real")
    assert kinds["i"] == ("Integer", "integer")
    assert kinds["b"] == ("Boolean", "boolean")
    assert kinds["s"] == ("String", "string")
    assert kinds["e"] == ("Enumeration", "enumeration")
    assert find_variable(described, "e").items == {"off": 1, "on, fast": 5}
    assert find_variable(described, "i").items is None
    assert (find_variable(described, "i").min, find_variable(described, "i").max) == (-3.0, 4.0)


def test_an_fmi2_string_start_keeps_its_blanks() -> None:
    xml = fmi2(
        '<ScalarVariable name="s" valueReference="0" causality="parameter" variability="fixed">'
        '<String start=" two words "/></ScalarVariable>'
    )
    assert only(read_description(xml)).start == [" two words "]


def test_what_outputs_depend_on_is_told_from_what_is_not_said() -> None:
    variables = real("u", 0, 'causality="input"', 'start="0"')
    variables += "".join(real(name, i, 'causality="output"') for i, name in enumerate("abcd", start=1))
    described = read_description(
        fmi2(
            variables,
            structure='<ModelStructure><Outputs><Unknown index="4" dependencies=""/>'
            '<Unknown index="2" dependencies=" 1  3 "/><Unknown index="3"/></Outputs>'
            '<InitialUnknowns><Unknown index="5" dependencies="1"/></InitialUnknowns></ModelStructure>',
        )
    )
    assert described.outputs == {"a": ["u", "b"], "b": None, "c": [], "d": None}
    assert list(described.outputs) == ["a", "b", "c", "d"], "in the order of the variables"
    assert described.initial_unknowns == {"d": ["u"]}


def test_without_a_model_structure_outputs_are_found_by_causality() -> None:
    described = read_description(fmi2(real("y", 0, 'causality="output"'), structure=""))
    assert described.outputs == {"y": None}
    assert any("ModelStructure" in w for w in described.warnings)


# ---- FMI 3


def test_every_fmi3_type_is_known_with_its_start() -> None:
    described = read_description(
        fmi3(
            """
<Float32 name="f" valueReference="1" causality="input" start="1.5"/>
<Float64 name="v" valueReference="2" causality="input" start="1 2
  3" unit="m"><Dimension start="3"/></Float64>
<UInt64 name="n" valueReference="3" causality="structuralParameter" variability="tunable" start="2"
  min="1" max="9"/>
<Float64 name="A" valueReference="4" causality="parameter" variability="fixed" start="1 0 0 1 0 0"><Dimension
  valueReference="3"/><Dimension start="3"/></Float64>
<Int8 name="i8" valueReference="5" causality="input" start="-1"/>
<Boolean name="b" valueReference="6" causality="input" start="true"/>
<String name="s" valueReference="7" causality="parameter" variability="fixed"><Dimension start="2"/>
  <Start value="a b"/><Start value=""/></String>
<Binary name="bin" valueReference="8" causality="input" mimeType="application/x">
  <Start value="00ff"/></Binary>
<Enumeration name="e" valueReference="9" causality="input" start="2" declaredType="E"/>
<Clock name="c" valueReference="10" causality="input" intervalVariability="triggered" declaredType="C"/>
<Float64 name="clocked" valueReference="11" causality="input" variability="discrete" start="0" clocks="10"/>
<UInt8 name="u8" valueReference="12" causality="input" start="7"/>
""",
            before='<CoSimulation modelIdentifier="m" canGetAndSetFMUState="true" canSerializeFMUState="true"'
            ' fixedInternalStepSize="0.25" hasEventMode="true" mightReturnEarlyFromDoStep="true"/>'
            '<UnitDefinitions><Unit name="m"><BaseUnit m="1"/></Unit></UnitDefinitions>'
            '<TypeDefinitions><EnumerationType name="E"><Item name="x" value="1"/><Item name="y" value="2"/>'
            '</EnumerationType><ClockType name="C" intervalVariability="triggered"/>'
            '<BinaryType name="B" mimeType="a/b"/></TypeDefinitions>',
        )
    )
    assert described.warnings == []
    named = described.by_name
    assert {v.name: v.kind for v in described.variables} == {
        "time": "real",
        "f": "real",
        "v": "real",
        "n": "integer",
        "A": "real",
        "i8": "integer",
        "b": "boolean",
        "s": "string",
        "bin": "binary",
        "e": "enumeration",
        "c": "clock",
        "clocked": "real",
        "u8": "integer",
    }
    assert named["v"].start == ["1", "2", "3"]
    assert (named["v"].dims, named["v"].si) == ([3], "m")
    assert named["A"].dims == ["n", 3]
    assert (named["n"].min, named["n"].max) == (1.0, 9.0), "limits of unsigned integers"
    assert (named["s"].start, named["s"].dims) == (["a b", ""], [2])
    assert (named["bin"].start, named["bin"].mime) == (["00ff"], "application/x")
    assert named["e"].items == {"x": 1, "y": 2}
    assert named["clocked"].clocks == ["c"]
    assert (described.fmi, described.token) == ("3.0", "t")
    assert described.can_save and described.can_serialize and described.has_event_mode
    assert described.may_return_early and described.internal_step == 0.25
    assert described.structural == {"n": 2}


def test_fmi3_dependencies_go_by_value_reference() -> None:
    described = read_description(
        fmi3(
            '<Float64 name="u" valueReference="7" causality="input" start="0"/>'
            '<Float64 name="y" valueReference="3" causality="output"/>'
            '<Float64 name="z" valueReference="4" causality="output"/>',
            structure='<ModelStructure><Output valueReference="3" dependencies="7"/>'
            '<Output valueReference="4"/>'
            '<InitialUnknown valueReference="3" dependencies=""/></ModelStructure>',
        )
    )
    assert described.warnings == []
    assert described.outputs == {"y": ["u"], "z": None}
    assert described.initial_unknowns == {"y": []}


def test_fmi3_aliases_are_variables_of_their_own() -> None:
    described = read_description(
        fmi3(
            '<Float64 name="y" valueReference="3" causality="output" description="d" unit="m">'
            '<Alias name="speed.y" description="other"/><Alias name="z"/></Float64>',
            before=COSIM3 + '<UnitDefinitions><Unit name="m"/></UnitDefinitions>',
            structure='<ModelStructure><Output valueReference="3"/></ModelStructure>',
        )
    )
    assert described.warnings == []
    alias = find_variable(described, "speed.y")
    assert (alias.ref, alias.alias_of, alias.description, alias.si) == (3, "y", "other", "m")
    assert find_variable(described, "z").description == "d"
    assert find_variable(described, "y").alias_of is None
    assert list(described.outputs) == ["y"], "an alias is not an output of its own"


@pytest.mark.parametrize("version", ["3.0", "3.0.1", "3.1"])
def test_later_fmi3_versions_are_run_as_3(version: str) -> None:
    described = read_description(fmi3("", version=version))
    assert described.fmi == "3.0"
    assert described.warnings == []


# ---- sizes


def sized(*dims: int | str) -> Variable:
    described = read_description(fmi3('<Float64 name="x" valueReference="1"/>'))
    return msgspec.structs.replace(described.by_name["x"], dims=list(dims))


def test_shapes_follow_structural_parameters() -> None:
    assert shape_of(sized(), {}) == ()
    assert element_count(sized(), {}) == 1
    assert shape_of(sized(3, "n"), {"n": 4}) == (3, 4)
    assert element_count(sized(3, "n"), {"n": 4}) == 12
    assert element_count(sized("n"), {"n": 0}) == 0


def test_impossible_sizes_are_refused_by_name() -> None:
    with pytest.raises(FmuError, match=r'"x" is sized by the structural parameter "n".*Set n'):
        shape_of(sized("n"), {})
    with pytest.raises(FmuError, match='"n" = -1; a size cannot be negative'):
        shape_of(sized("n"), {"n": -1})
    with pytest.raises(FmuError, match="100000 x 100000 elements, more than"):
        element_count(sized(100_000, 100_000), {})


# ---- names


def test_an_unknown_name_brings_the_nearest() -> None:
    described = read_description(
        fmi2(
            "".join(
                real(n, i, 'causality="input"', 'start="0"')
                for i, n in enumerate(["speed", "axle.Speed[1]", "m"])
            )
        )
    )
    assert find_variable(described, "speed").name == "speed"
    with pytest.raises(FmuError, match=r'^FMU "M" has no variable "sped"\. Did you mean "speed"\?$'):
        find_variable(described, "sped")
    with pytest.raises(FmuError, match='Did you mean "speed"'):
        find_variable(described, "SPEED")
    with pytest.raises(FmuError, match=r'Did you mean "axle\.Speed\[1\]"'):
        find_variable(described, "axle.speed(1)")
    with pytest.raises(FmuError, match=r"It has speed, axle\.Speed\[1\], m\."):
        find_variable(described, "zzz")


def test_names_are_found_by_case_part_and_slip_also_among_very_many() -> None:
    assert closest("A", ["a", "b"]) == ["a"]
    assert closest("wheel", ["rear.wheel.speed", "x"]) == ["rear.wheel.speed"]
    many = [f"plant.part{i}.flow" for i in range(20_000)] + ["plant.valve.opening"]
    assert "plant.valve.opening" in closest("plant.valv.opening", many)
    assert closest("q", ["speed"]) == []


def test_a_relative_quantity_is_marked() -> None:
    before = (
        COSIM2 + '<UnitDefinitions><Unit name="K"><BaseUnit K="1"/></Unit></UnitDefinitions>'
        '<TypeDefinitions><SimpleType name="D"><Real unit="K" relativeQuantity="true"/></SimpleType>'
        "</TypeDefinitions>"
    )
    variables = (
        real("a", 0, "", 'declaredType="D"')
        + real("b", 1, "", 'unit="K" relativeQuantity="true"')
        + real("c", 2, "", 'declaredType="D" relativeQuantity="false"')
    )
    described = read_description(fmi2(variables, before=before))
    assert [v.relative for v in described.variables] == [True, True, False]


def test_a_description_survives_being_kept() -> None:
    described: Any = read_description(fmi2(SPEED + OUT))
    packed = msgspec.msgpack.encode(described)
    assert msgspec.msgpack.decode(packed, type=Description) == described
