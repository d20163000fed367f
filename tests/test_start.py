"""Start values: from what users write to what an FMU is set to, or an error that says what to write."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from crumple.description import Description, UnitDef, Variable
from crumple.errors import FmuError
from crumple.start import decode_start, encode_start, refusal

KINDS = {
    "Real": "real",
    "Integer": "integer",
    "Boolean": "boolean",
    "String": "string",
    "Enumeration": "enumeration",
}


def variable(type: str = "Real", **changed: Any) -> Variable:
    """A fixed parameter "x" of that FMI type, with `changed` fields."""
    kind = KINDS.get(type) or ("real" if "Float" in type else "integer" if "Int" in type else type.lower())
    fields: dict[str, Any] = {
        "name": "x",
        "ref": 0,
        "type": type,
        "kind": kind,
        "causality": "parameter",
        "variability": "fixed",
        "initial": "exact",
        "start": None,
        "si": None,
        "dims": [],
    }
    return Variable(**(fields | changed))


def described(
    units: dict[str, UnitDef] | None = None, variables: list[Variable] | None = None
) -> Description:
    return Description(
        fmi="3.0",
        model_name="M",
        token="",
        identifier="m",
        kinds=["CoSimulation"],
        tool=None,
        version=None,
        description=None,
        date=None,
        default_start=None,
        default_stop=None,
        default_tolerance=None,
        default_step=None,
        can_vary_step=False,
        internal_step=None,
        once_per_process=False,
        can_save=False,
        can_serialize=False,
        needs_tool=False,
        has_event_mode=False,
        may_return_early=False,
        variables=variables or [],
        units=units or {},
        log_categories=[],
        outputs={},
        initial_unknowns={},
        warnings=[],
    )


def encoded(target: Variable, value: Any, **units: UnitDef) -> Any:
    return encode_start(target, value, described(units))


def refused(target: Variable, value: Any, says: str, **units: UnitDef) -> None:
    with pytest.raises(FmuError, match=says) as caught:
        encoded(target, value, **units)
    assert '"x"' in str(caught.value), "an error names the variable"


# ---- reals and their units


@pytest.mark.parametrize("value", [2.5, "2.5", " 2.5 ", np.float64(2.5), np.float32(2.5), np.array(2.5)])
def test_a_bare_number_is_in_the_variables_own_unit(value: Any) -> None:
    assert encoded(variable(si="km/h"), value) == [2.5]


def test_a_quantity_is_converted() -> None:
    assert encoded(variable(si="m/s"), "57.09 km/h") == [float(Fraction("57.09") * 5 / 18)]
    assert encoded(variable(si="kg"), "1.719 t") == [1719.0]
    assert encoded(variable(si="K"), "20 degC") == [293.15]
    assert encoded(variable(si="m/s"), "-3e1 m/s") == [-30.0]
    assert encoded(variable(si="1"), "5 %") == [0.05]
    assert encoded(variable(), "5 %") == [0.05]


def test_the_definition_in_the_fmu_wins_over_the_name() -> None:
    gram = UnitDef(0.001, 0.0, (1, 0, 0, 0, 0, 0, 0, 0))
    assert encoded(variable(si="g"), "2 kg", g=gram) == [2000.0]
    assert encoded(variable(si="kg"), "2 g", g=gram) == [0.002]
    assert encoded(variable(si="g"), "2 g", g=gram) == [2.0]
    refused(variable(si="kg"), "2 g", "acceleration")
    odd = UnitDef(7.0, 0.0, (0, 1, 0, 0, 0, 0, 0, 0))
    assert encoded(variable(si="cubit"), "14 m", cubit=odd) == [2.0]
    assert encoded(variable(si="cubit"), "3 cubit") == [3.0], "the same name needs no definition"


def test_a_rounded_definition_does_not_spoil_the_digits() -> None:
    rounded = UnitDef(0.277777778, 0.0, (0, 1, -1, 0, 0, 0, 0, 0))
    assert encode_start(variable(si="km/h"), "10 m/s", described({"km/h": rounded})) == [36.0]


def test_a_definition_without_radian_still_converts() -> None:
    plain = UnitDef(1.0, 0.0, (0, 0, -1, 0, 0, 0, 0, 0))
    assert encode_start(variable(si="rad/s"), "60 rpm", described({"rad/s": plain})) == [
        pytest.approx(2 * math.pi)
    ]


def test_the_offset_of_a_temperature_does_not_apply_to_a_difference() -> None:
    celsius = UnitDef(1.0, 273.15, (0, 0, 0, 0, 1, 0, 0, 0))
    assert encoded(variable(si="degC"), "300 K", degC=celsius) == [pytest.approx(26.85)]
    assert encoded(variable(si="degC", relative=True), "300 K", degC=celsius) == [300.0]
    assert encoded(variable(si="K", relative=True), "20 degC") == [20.0]


def test_units_that_do_not_fit_are_refused() -> None:
    refused(variable(si="m/s"), "3 kg", "mass.*velocity|velocity.*mass|speed")
    refused(variable(si="m/s"), "3 furlongs", "furlongs")
    refused(variable(si="cubit"), "3 m", "Write the bare number")
    refused(variable(), "3 m", "no unit in the FMU.*write the bare number")
    refused(variable(), "fast", '"fast" is no number')
    refused(variable(), "", "is no number")


@pytest.mark.parametrize("value", [True, None, {"a": 1}, b"1"])
def test_what_is_no_number_is_refused(value: Any) -> None:
    refused(variable(), value, "a number is wanted")


def test_nan_is_refused_and_infinity_is_the_users_word() -> None:
    refused(variable(), math.nan, "NaN")
    refused(variable(), "nan", "NaN")
    refused(variable(), "1e999", "beyond what a double holds")
    for digits in (400, 5000):
        refused(variable(), 10**digits, "beyond what a double holds")
    refused(variable("Float32"), 1e39, "Float32, which does not reach")
    assert encoded(variable(), math.inf) == [math.inf]
    assert encoded(variable("Float32"), "-inf") == [-math.inf]


def test_limits_of_the_fmu_hold() -> None:
    speed = variable(si="m/s", min=0.0, max=100 / 3.6)
    assert encoded(speed, "100 km/h") == [pytest.approx(100 / 3.6)], (
        "the last bits of a conversion do not count"
    )
    refused(speed, "101 km/h", r'"101 km/h"\) is out of range: the FMU allows from 0 to 27\.7778 m/s')
    refused(speed, -1, "from 0 to")
    refused(variable(min=2.0), 1, "at least 2")
    refused(variable("Integer", max=3.0), 4, "at most 3")
    refused(variable(max=2.0), math.inf, "at most 2")


# ---- integers, booleans, enumerations


@pytest.mark.parametrize("value", [7, 7.0, "7", " +7 ", "7.0", np.int32(7), np.uint8(7)])
def test_whole_numbers_are_taken_in_any_form(value: Any) -> None:
    assert encoded(variable("Int8"), value) == [7.0]


@pytest.mark.parametrize("value", [7.5, "7.5", "seven", math.inf, "1e400", "7 m"])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    refused(variable("Integer"), value, "no whole number")


@pytest.mark.parametrize(
    ("type", "low", "high"),
    [
        ("Integer", -(2**31), 2**31 - 1),
        ("Int8", -128, 127),
        ("UInt8", 0, 255),
        ("Int16", -(2**15), 2**15 - 1),
        ("UInt16", 0, 2**16 - 1),
        ("Int32", -(2**31), 2**31 - 1),
        ("UInt32", 0, 2**32 - 1),
    ],
)
def test_integers_stay_in_the_range_of_their_type(type: str, low: int, high: int) -> None:
    assert encoded(variable(type), low) == [low]
    assert encoded(variable(type), str(high)) == [high]
    refused(variable(type), low - 1, f"from {low} to {high}; {low - 1} is outside")
    refused(variable(type), high + 1, f"{high + 1} is outside")


def test_integers_beyond_a_doubles_exactness_are_refused() -> None:
    assert encoded(variable("Int64"), 2**53) == [2.0**53]
    assert encoded(variable("Int64"), str(-(2**53))) == [-(2.0**53)]
    for value in (2**53 + 1, str(2**53 + 1), -(2**53) - 1, 2**63 - 1):
        refused(variable("Int64"), value, r"exact to 2\^53")
    refused(variable("UInt64"), 2**64, "is outside")


@pytest.mark.parametrize(
    ("value", "number"), [(True, 1), ("false", 0), ("TRUE", 1), (0, 0), (1.0, 1), ("1", 1)]
)
def test_booleans_are_words_or_digits(value: Any, number: int) -> None:
    assert encoded(variable("Boolean"), value) == [number]


@pytest.mark.parametrize("value", [2, "yes", "", 0.5, None])
def test_other_booleans_are_refused(value: Any) -> None:
    refused(variable("Boolean"), value, "true or false is wanted")


def test_enumerations_go_by_name() -> None:
    mode = variable("Enumeration", items={"Off": 1, "Sport Plus": 4})
    assert encoded(mode, "Sport Plus") == [4]
    assert encoded(mode, 4) == [4]
    assert encoded(mode, "1") == [1]
    refused(mode, "sport plus", 'no item "sport plus". Did you mean "Sport Plus"')
    refused(mode, "Warp", r"no item .Warp.\. Items: Off, Sport Plus")
    refused(mode, 2, r"no item 2\. Items: Off \(1\), Sport Plus \(4\)")
    refused(mode, 1.5, "no item 1.5")
    refused(mode, True, "an item is wanted")


# ---- texts and binaries


def test_texts_are_kept_letter_by_letter() -> None:
    assert encoded(variable("String"), " C:\\tables\\µ.txt ") == [" C:\\tables\\µ.txt "]
    assert encoded(variable("String"), "[1, 2]") == ["[1, 2]"]
    refused(variable("String"), 3, "put it in quotes")
    refused(variable("String"), "a\0b", "NUL")


def test_binaries_are_bytes_or_hex() -> None:
    for value in (b"\x00\xff", bytearray(b"\x00\xff"), "00ff", "0x00 FF"):
        assert encoded(variable("Binary"), value) == [b"\x00\xff"]
    assert encoded(variable("Binary"), "") == [b""]
    refused(variable("Binary"), "0", "hex digits are wanted")
    refused(variable("Binary"), 255, "hex digits are wanted")


# ---- arrays


def test_arrays_are_nested_or_flat_row_by_row() -> None:
    matrix = variable("Float64", dims=[2, 3])
    flat = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    for value in (
        flat,
        [[1, 2, 3], [4, 5, 6]],
        ((1, 2, 3), (4, 5, 6)),
        np.arange(1, 7).reshape(2, 3),
        "[[1, 2, 3], [4, 5, 6]]",
        "1, 2, 3, 4, 5, 6",
        "1 2 3  4 5 6",
        "[1 2 3 4 5 6]",
    ):
        assert encoded(matrix, value) == flat
    for value in ([[1, 2], [3, 4], [5, 6]], [1, 2, 3, 4, 5], [], 1, "1"):
        refused(matrix, value, "has 2 x 3 elements; .* were given")
    refused(matrix, [[1, 2, 3], [4, 5]], "rows .* differ in length")
    refused(matrix, [[1, 2, 3], 4], "rows .* differ in length")
    refused(variable(), [1.0], "single Real; a list of 1")


def test_each_element_of_an_array_is_checked_and_converted() -> None:
    assert encoded(variable("Float64", dims=[2], si="m"), ["1 km", 2]) == [1000.0, 2.0]
    assert encoded(variable("Float64", dims=[2], si="m"), "1 km, 2 m") == [1000.0, 2.0]
    assert encoded(variable("String", dims=[2]), ["a, b", ""]) == ["a, b", ""]
    assert encoded(variable("Boolean", dims=[2]), "true false") == [1.0, 0.0]
    assert encoded(variable("Float64", dims=[0]), []) == []
    assert encoded(variable("Float64", dims=[1]), 3) == [3.0]
    refused(variable("UInt8", dims=[2]), [1, 256], "256 is outside")


def test_structural_parameters_size_arrays() -> None:
    n = variable("UInt64", name="n", causality="structuralParameter", start=["2"])
    x = variable("Float64", dims=["n"])
    description = described(variables=[n, x])
    assert encode_start(x, [1, 2], description) == [1.0, 2.0]
    assert encode_start(x, [1, 2, 3], description, structural={"n": 3}) == [1.0, 2.0, 3.0]
    with pytest.raises(FmuError, match="has 2 elements; 3 were given"):
        encode_start(x, [1, 2, 3], description)


# ---- what can be set at all


@pytest.mark.parametrize(
    ("roles", "says"),
    [
        ({"variability": "constant", "causality": "local"}, "a constant of the model"),
        ({"causality": "calculatedParameter", "initial": "calculated"}, "computes it from other parameters"),
        ({"causality": "independent", "initial": None}, "time"),
        (
            {"causality": "output", "variability": "continuous", "initial": "calculated"},
            "output that the model computes",
        ),
        (
            {"causality": "local", "variability": "continuous", "initial": "calculated"},
            "local variable that the model",
        ),
    ],
)
def test_what_the_model_decides_cannot_be_set(roles: dict[str, Any], says: str) -> None:
    refused(variable(**roles), 1.0, f"cannot be set: .*{says}")


def test_a_clock_cannot_be_set() -> None:
    refused(variable("Clock", causality="input"), 1, "clock")


@pytest.mark.parametrize(
    "roles",
    [
        {"causality": "parameter", "variability": "tunable"},
        {"causality": "structuralParameter"},
        {"causality": "input", "variability": "continuous"},
        {"causality": "local", "variability": "continuous", "initial": "approx"},
        {"causality": "output", "variability": "continuous", "initial": "exact"},
    ],
)
def test_what_starts_by_the_users_word_can_be_set(roles: dict[str, Any]) -> None:
    assert refusal(variable(**roles)) is None
    assert encoded(variable(**roles), 1.0) == [1.0]


# ---- the FMU's own start values


def test_own_start_values_are_decoded() -> None:
    assert decode_start(variable()) is None
    assert decode_start(variable(start=["1.5e3"])) == [1500.0]
    assert decode_start(variable("Int32", dims=[2], start=["1", "-2"])) == [1.0, -2.0]
    assert decode_start(variable("Boolean", dims=[4], start=["true", "0", "1", "false"])) == [
        1.0,
        0.0,
        1.0,
        0.0,
    ]
    assert decode_start(variable("String", start=[" a "])) == [" a "]
    assert decode_start(variable("Binary", start=["00ff"])) == [b"\x00\xff"]
    with pytest.raises(FmuError, match='"x" the start value "one", which is no Real'):
        decode_start(variable(start=["one"]))
