"""Units of measure: what can be read, what it is worth, and what is refused in which words."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crumple import si_table
from crumple.errors import CrumpleError
from crumple.si import (
    Si,
    SiError,
    base_si,
    convert,
    describe,
    differs_only_in_angle,
    dimension_name,
    factor_offset,
    parse_exact,
    parse_quantity,
    parse_si,
)

ACCELERATION = (0, 1, -2, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "text", ["m/s^2", "m/s2", "m/s**2", "m/s²", "m.s-2", "m.s^-2", "m*s^(-2)", "m s⁻²", "m/s/s", "m / s ^ 2"]
)
def test_every_spelling_of_a_power_is_the_same_unit(text: str) -> None:
    unit = parse_si(text)
    assert (unit.factor, unit.offset, unit.dimension) == (1.0, 0.0, ACCELERATION)
    assert unit.text == text


@pytest.mark.parametrize(
    ("text", "factor", "base"),
    [
        ("kg.m2/s3", 1.0, "kg*m^2/s^3"),
        ("N*m/rad", 1.0, "kg*m^2/(s^2*rad)"),
        ("N.m", 1.0, "kg*m^2/s^2"),
        ("N·m", 1.0, "kg*m^2/s^2"),
        ("Nm", 1.0, "kg*m^2/s^2"),
        ("N*s/m", 1.0, "kg/s"),
        ("1/min", 1 / 60, "1/s"),
        ("1/s", 1.0, "1/s"),
        ("W/(m2.K)", 1.0, "kg/(s^3*K)"),
        ("J/(kg.degC)", 1.0, "m^2/(s^2*K)"),
        ("(m/s)^2", 1.0, "m^2/s^2"),
        ("km/h", 1 / 3.6, "m/s"),
        ("mph", 0.44704, "m/s"),
        ("kn", 1852 / 3600, "m/s"),
        ("g", 9.80665, "m/s^2"),
        ("kN/mm", 1e6, "kg/s^2"),
        ("gram", 1e-3, "kg"),
        ("mg", 1e-6, "kg"),
        ("t", 1e3, "kg"),
        ("lb", 0.45359237, "kg"),
        ("gram/cm3", 1e3, "kg/m^3"),
        ("bar", 1e5, "kg/(m*s^2)"),
        ("mbar", 100.0, "kg/(m*s^2)"),
        ("MPa", 1e6, "kg/(m*s^2)"),
        ("psi", 6894.757293168361, "kg/(m*s^2)"),
        ("kWh", 3.6e6, "kg*m^2/s^2"),
        ("hp", 745.69987158227022, "kg*m^2/s^3"),
        ("mOhm", 1e-3, "kg*m^2/(s^3*A^2)"),
        ("kΩ", 1e3, "kg*m^2/(s^3*A^2)"),
        ("uF", 1e-6, "s^4*A^2/(kg*m^2)"),
        ("us", 1e-6, "s"),
        ("µs", 1e-6, "s"),
        ("μs", 1e-6, "s"),
        ("ms", 1e-3, "s"),
        ("min", 60.0, "s"),
        ("h", 3600.0, "s"),
        ("dam", 10.0, "m"),
        ("deg", math.pi / 180, "rad"),
        ("°", math.pi / 180, "rad"),
        ("rpm", math.pi / 30, "rad/s"),
        ("rev/min", math.pi / 30, "rad/s"),
        ("deg/s", math.pi / 180, "rad/s"),
        ("%", 0.01, "1"),
        ("%/s", 0.01, "1/s"),
        ("ppm", 1e-6, "1"),
        ("l/(100*km)", 1e-8, "m^2"),
        ("1", 1.0, "1"),
        ("", 1.0, "1"),
        ("-", 1.0, "1"),
        ("K", 1.0, "K"),
        ("cd", 1.0, "cd"),
        ("mol", 1.0, "mol"),
    ],
)
def test_factor_and_dimension(text: str, factor: float, base: str) -> None:
    unit = parse_si(text)
    assert unit.factor == pytest.approx(factor, rel=1e-15)
    assert unit.offset == 0.0
    assert base_si(unit.dimension) == base


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("m/s^2", "acceleration"),
        ("g", "acceleration"),
        ("kg", "mass"),
        ("km/h", "speed"),
        ("kN", "force"),
        ("N*m", "energy or torque"),
        ("N*m/rad", "rotational stiffness"),
        ("bar", "pressure"),
        ("rad/s", "angular velocity"),
        ("Hz", "frequency"),
        ("degC", "temperature"),
        ("%", "plain number"),
        ("kg*m^2/s^5", "kg*m^2/s^5"),
    ],
)
def test_dimensions_have_names(text: str, name: str) -> None:
    assert dimension_name(parse_si(text).dimension) == name


def test_every_unit_of_the_table_reads_and_has_a_named_dimension() -> None:
    for name in {**si_table.PLAIN, **si_table.PREFIXABLE}:
        unit = parse_si(name)
        assert 0.0 < unit.factor < math.inf
        assert unit.dimension in si_table.NAMES
    for wrong, right in si_table.HINTS.items():
        parse_si(right)
        with pytest.raises(SiError, match="Did you mean"):
            parse_si(wrong)


# ---- quantities


@pytest.mark.parametrize(
    ("value", "si", "expected"),
    [
        ("57.09 km/h", "m/s", 57.09 / 3.6),
        ("57.09km/h", "m/s", 57.09 / 3.6),
        ("15.8583", "m/s", 15.8583),
        (15.8583, "m/s", 15.8583),
        (3, "kg", 3.0),
        (np.float32(0.5), "kg", 0.5),
        ("1719 kg", "t", 1.719),
        ("100 us", "s", 0.0001),
        ("150 ms", "s", 0.15),
        ("0.1 ms", "s", 0.0001),
        ("1/60 s", "s", 1 / 60),
        ("5 1/s", "Hz", 5.0),
        ("5/s", "Hz", 5.0),
        ("60 g", "m/s^2", 588.399),
        ("588.399 m/s^2", "g", 60.0),
        ("-3.5e3 m", "km", -3.5),
        ("\u22123 m", "m", -3.0),
        ("+.5 m", "m", 0.5),
        ("2eV", "J", 2 * 1.602176634e-19),
        ("1e3m", "km", 1.0),
        ("5 %", "1", 0.05),
        ("20 degC", "K", 293.15),
        ("68 degF", "degC", 20.0),
        ("-40 °C", "degF", -40.0),
        ("0 K", "degC", -273.15),
        ("90 deg", "rad", math.pi / 2),
        ("180 K*deg/rad", "degC", math.pi - 273.15),
        ("3000 rpm", "rad/s", 100 * math.pi),
        ("inf m", "km", math.inf),
        ("-inf", "m", -math.inf),
        (math.inf, "m", math.inf),
        ("7 km", None, 7000.0),
        ("7", None, 7.0),
    ],
)
def test_a_quantity_in_the_declared_unit(value: str | float, si: str | None, expected: float) -> None:
    assert parse_quantity(value, si) == pytest.approx(expected, rel=1e-15)


def test_decimal_quantities_are_correctly_rounded() -> None:
    assert parse_quantity("100 us", "s") == 0.0001  # 100 * 1e-6 is 9.999999999999999e-05
    assert parse_quantity("1.1 km/h", "m/s") == float(Fraction(11, 36))
    assert parse_quantity("68 degF", "degC") == 20.0


def test_exact_quantities_are_fractions() -> None:
    assert parse_exact("100 us", "s") == Fraction(1, 10_000)
    assert parse_exact(0.0001, "s") == Fraction(1, 10_000)
    assert parse_exact(2, "s") == 2
    assert parse_exact("1/60 s", "s") == Fraction(1, 60)
    assert parse_exact("44.1 kHz", "Hz") == 44_100
    assert parse_exact("20 degC", "degF") == 68
    for value, si in (("1 deg", "rad"), ("inf s", "s"), (math.inf, "s")):
        with pytest.raises(SiError, match="has no exact value"):
            parse_exact(value, si)


@pytest.mark.parametrize(
    ("value", "si", "message"),
    [
        ("5 kmh", "m/s", "Unknown unit of measure 'kmh'. Did you mean 'km/h'?"),
        ("5 Km/h", "m/s", "Unknown unit of measure 'Km' in 'Km/h'. Did you mean 'km'?"),
        ("5 MPA", "Pa", "Unknown unit of measure 'MPA'. Did you mean 'mPa' or 'MPa'?"),
        ("5 sec", "s", "Unknown unit of measure 'sec'. Did you mean 's'?"),
        ("5 m", "kg", "'5 m' is a length; a mass in 'kg' is wanted."),
        ("5 m", "", "'5 m' is a length; a plain number is wanted."),
        ("5 g", "kg", "'g' is standard gravity; the mass is written 'gram'."),
        ("60 rpm", "Hz", "Turns and radians differ by 2 pi: write the value in 'Hz'."),
        ("57,09 km/h", "m/s", "write one number, with a decimal point, and then the unit."),
        ("1 000 m", "m", "write one number, with a decimal point, and then the unit."),
        ("1.2.3 m", "m", "write one number"),
        ("5*m", "m", "write one number"),
        ("fast", "m/s", "'fast' is not a quantity"),
        ("", "m/s", "'' is not a quantity"),
        ("nan m", "m", "is not a quantity"),
        ("1/0 s", "s", "divides by zero"),
        ("1e400 m", "m", "beyond what a double holds"),
        ("1e9999 m", "m", "beyond what a double holds"),
        ("9" * 300, "m", "longer than"),
        (10**400, "m", "beyond what a double holds"),
        (True, "1", "True is not a quantity"),
        (None, "1", "None is not a quantity"),
        (math.nan, "1", "nan is not a quantity"),
    ],
)
def test_a_wrong_quantity_is_refused_with_the_remedy(value: object, si: str, message: str) -> None:
    with pytest.raises(SiError) as caught:
        parse_quantity(value, si)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert isinstance(caught.value, CrumpleError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("W/m*K", "a product after '/' is ambiguous"),
        ("J/kg.K", "a product after '/' is ambiguous"),
        ("m/", "it ends too early"),
        ("*m", "'*' has no place there"),
        ("(m", "a bracket is not closed"),
        ("m)", "')' has no place there"),
        ("m^", "'^' is followed by a whole number"),
        ("m^x", "'^' is followed by a whole number"),
        ("m^2.5", "powers are whole numbers"),
        ("m^99", "the power 99 is beyond 24"),
        ("m^" + "9" * 80, "is beyond 24"),
        ("((((m^24)^24)^24)^24)", "its powers are too large"),
        ("((((%^24)^24)^24)^24)", "its powers are too large"),
        ("0*m", "it holds a zero"),
        ("m 2", "a number or bracket stands first"),
        ("m.5", "a number or bracket stands first"),
        ("m(2)", "a number or bracket stands first"),
        ("60m", "a name follows the number 60"),
        ("(" * 500 + "m", "longer than 120 characters"),
        ("m\x00", "has no place there"),
    ],
)
def test_a_unit_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(SiError, match="nit of measure") as caught:
        parse_si(text)
    assert message in str(caught.value)


@given(st.text(max_size=200))
def test_no_text_does_anything_but_parse_or_raise_sierror(text: str) -> None:
    for read in (parse_si, parse_quantity, parse_exact):
        try:
            read(text)
        except SiError as error:
            assert str(error)


@given(st.text(alphabet="mskgN%/*.^()-+ 0123456789e²", max_size=40))
def test_no_near_unit_does_anything_but_parse_or_raise_sierror(text: str) -> None:
    for read in (parse_si, parse_quantity, parse_exact):
        try:
            read(text)
        except SiError as error:
            assert str(error)


# ---- conversion


def test_a_clash_names_both_dimensions_in_words() -> None:
    with pytest.raises(SiError) as caught:
        factor_offset(parse_si("m/s^2"), parse_si("kg"))
    message = "'m/s^2' is an acceleration, 'kg' is a mass: one cannot be converted into the other."
    assert str(caught.value) == message


def test_a_dimension_without_a_name_is_given_in_base_units() -> None:
    assert describe(parse_si("kg*m^2/s^5")) == "of dimension kg*m^2/s^5"
    with pytest.raises(SiError, match=r"of dimension kg\*m\^2/s\^5.*a mass"):
        factor_offset(parse_si("kg*m^2/s^5"), parse_si("kg"))


def test_offsets_belong_to_plain_temperatures_only() -> None:
    assert factor_offset(parse_si("degC"), parse_si("degF")) == (1.8, 32.0)
    assert factor_offset(parse_si("degC"), parse_si("K")) == (1.0, 273.15)
    assert factor_offset(parse_si("degC"), parse_si("°C")) == (1.0, 0.0)
    assert factor_offset(parse_si("degC/s"), parse_si("K/s")) == (1.0, 0.0)
    assert factor_offset(parse_si("1/degF"), parse_si("1/K")) == (1.8, 0.0)


def test_units_that_differ_only_in_angle_convert_and_can_be_told() -> None:
    stiffness, torque = parse_si("N*m/rad"), parse_si("N*m")
    assert differs_only_in_angle(stiffness, torque)
    assert differs_only_in_angle(stiffness.dimension, torque.dimension)
    assert factor_offset(stiffness, torque) == (1.0, 0.0)
    assert not differs_only_in_angle(torque, torque)
    assert not differs_only_in_angle(torque, parse_si("rad"))


def test_a_definition_known_as_floats_only_converts_too() -> None:
    fahrenheit = Si("F_of_an_FMU", 5 / 9, 459.67 * 5 / 9, (0, 0, 0, 0, 1, 0, 0, 0))
    factor, offset = factor_offset(fahrenheit, parse_si("degC"))
    assert 68 * factor + offset == pytest.approx(20.0, abs=1e-12)
    factor, offset = factor_offset(parse_si("degC"), fahrenheit)
    assert 20 * factor + offset == pytest.approx(68.0, abs=1e-12)


def test_convert_takes_numbers_and_arrays() -> None:
    assert convert(36.0, "km/h", "m/s") == 10.0
    celsius = np.array([[0.0, 100.0], [-40.0, 37.0]])
    np.testing.assert_allclose(convert(celsius, "degC", "degF"), [[32.0, 212.0], [-40.0, 98.6]], rtol=1e-15)
    assert convert(celsius, "degC", "degC") is celsius


SAME_DIMENSION = [
    ["m", "km", "ft", "mi", "um", "inch"],
    ["m/s", "km/h", "mph", "kn", "ft/s"],
    ["m/s^2", "g", "ft/s^2", "km/h/s"],
    ["kg", "t", "mg", "gram", "lb", "slug"],
    ["Pa", "bar", "psi", "atm", "N/mm^2"],
    ["K", "degC", "degF"],
    ["rad", "deg", "rev", "mrad", "arcsec"],
    ["J", "kWh", "cal", "eV", "N*m", "W.s"],
]
PAIRS = [(a, b) for units in SAME_DIMENSION for a in units for b in units]


@given(st.sampled_from(PAIRS), st.floats(-1e9, 1e9))
def test_there_and_back_is_the_same_value(pair: tuple[str, str], value: float) -> None:
    source, target = pair
    scale = max(abs(value), 1000.0) if source in {"degC", "degF", "K"} else abs(value)
    back = convert(convert(value, source, target), target, source)
    assert back == pytest.approx(value, rel=1e-13, abs=1e-13 * scale + 1e-300)


@given(st.sampled_from(PAIRS), st.decimals(-1000, 1000, allow_nan=False, places=4))
def test_a_quantity_converts_as_its_number_does(pair: tuple[str, str], value: object) -> None:
    source, target = pair
    expected = convert(float(str(value)), source, target)
    assert parse_quantity(f"{value} {source}", target) == pytest.approx(expected, rel=1e-12, abs=1e-9)


NAMES = sorted({*si_table.PLAIN, *si_table.PREFIXABLE} - {"1", "degC", "degF"})
POWERS = st.tuples(st.sampled_from(NAMES), st.integers(-2, 2).filter(bool))


@given(st.lists(POWERS, min_size=1, max_size=3))
def test_a_product_has_the_product_of_factors_and_the_sum_of_exponents(powers: list[tuple[str, int]]) -> None:
    unit = parse_si(".".join(f"{name}{exponent:+d}" for name, exponent in powers))
    factor = math.prod(parse_si(name).factor ** exponent for name, exponent in powers)
    sums = [sum(parse_si(n).dimension[i] * e for n, e in powers) for i in range(8)]
    assert unit.factor == pytest.approx(factor, rel=1e-12)
    assert list(unit.dimension) == sums


@given(st.tuples(*[st.integers(-4, 4)] * 8))
def test_base_units_read_back_to_their_dimension(dimension: tuple[int, ...]) -> None:
    unit = parse_si(base_si(dimension))
    assert (unit.dimension, unit.factor) == (dimension, 1.0)


def test_the_import_is_light() -> None:
    code = "import sys, crumple.si; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "crumple.si" in loaded.stdout.split()
    assert not {"numpy", "pint", "fractions", "difflib"} & set(loaded.stdout.split())
