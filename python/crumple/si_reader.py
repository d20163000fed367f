"""The grammar of a unit of measure, and the exact ratios it is made of. `crumple.si` is what others use."""

from __future__ import annotations

import math
import re

from crumple import si_table as table
from crumple.errors import CrumpleError

MAX_LENGTH = 120  # characters; a longer text is no unit, and this bounds the depth of brackets
_MAX_EXPONENT = 24  # of one power and of each base unit; no physical unit comes near
_MAX_BITS = 900  # of numerator and denominator: below what a double holds


class SiError(CrumpleError, ValueError):
    """A unit of measure or quantity that cannot be read, or two units that do not measure the same thing."""


class Ratio:
    """The exact number `numerator / denominator * pi**pi_power`, immutable; the denominator is positive."""

    __slots__ = ("denominator", "numerator", "pi_power")

    def __init__(self, numerator: int = 1, denominator: int = 1, pi_power: int = 0) -> None:
        self.numerator = numerator
        self.denominator = denominator
        self.pi_power = pi_power

    @classmethod
    def of(cls, numerator: int, denominator: int, *, pi_power: int = 0) -> Ratio:
        """In lowest terms."""
        common = math.gcd(numerator, denominator)
        return cls(numerator // common, denominator // common, pi_power if numerator else 0)

    def __mul__(self, other: Ratio) -> Ratio:
        above, below = self.numerator * other.numerator, self.denominator * other.denominator
        return Ratio.of(above, below, pi_power=self.pi_power + other.pi_power)

    def __truediv__(self, other: Ratio) -> Ratio:
        return self * Ratio(other.denominator, other.numerator, -other.pi_power)

    def __pow__(self, exponent: int) -> Ratio:
        if exponent < 0:
            return Ratio() / self**-exponent
        return Ratio(self.numerator**exponent, self.denominator**exponent, self.pi_power * exponent)

    def __sub__(self, other: Ratio) -> Ratio:
        """Only between ratios with the same power of pi (zero has any)."""
        above = self.numerator * other.denominator - other.numerator * self.denominator
        pi_power = self.pi_power or other.pi_power
        return Ratio.of(above, self.denominator * other.denominator, pi_power=pi_power)

    def __float__(self) -> float:
        quotient = self.numerator / self.denominator  # of integers: correctly rounded
        return quotient * math.pi**self.pi_power if self.pi_power else quotient


DECIMAL = re.compile(r"([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,4}))?", re.ASCII)


def decimal(match: re.Match[str]) -> Ratio:
    """The exact value of a match of `DECIMAL`."""
    sign, whole, decimals, only_decimals, exponent = match.groups()
    digits = decimals or only_decimals or ""
    scale = int(exponent or 0) - len(digits)
    mantissa = int((whole or "") + digits) * (-1 if sign == "-" else 1)
    return Ratio.of(mantissa * 10 ** max(scale, 0), 10 ** max(-scale, 0))


def table_ratio(text: str) -> Ratio:
    """A factor of the table: decimal numbers and pi, with at most one `/`."""
    above, _, below = text.partition("/")
    return _term(above) / _term(below or "1")


def _term(text: str) -> Ratio:
    match = DECIMAL.match(text.removesuffix("pi") or "1")
    assert match is not None
    return decimal(match) * Ratio(1, 1, int(text.endswith("pi")))


_ASCII = str.maketrans(
    {
        **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True)),
        **dict.fromkeys("\u00b7\u22c5\u00d7\u2219", "*"),  # middle dot, dot operator, times, bullet operator
        **dict.fromkeys("\u00b5\u03bc", "u"),  # micro sign, Greek mu
        **dict.fromkeys("\u03a9\u2126", "ohm"),  # Greek omega, ohm sign
        **{"°": "deg", "℃": "degC", "℉": "degF", "‰": "permille", "\u2212": "-"},
    }
)


def plain(text: str) -> str:
    """The same text in the ASCII spelling that the grammar reads."""
    return text.translate(_ASCII).replace("**", "^").strip()


_NAME = re.compile(r"[A-Za-z%_]+(?:\d+[A-Za-z]+)*")
_NUMBER = re.compile(r"()(\d+)(?:\.(\d+))?()(?:[eE]([+-]?\d{1,2}))?", re.ASCII)
_EXPONENT = re.compile(r"\s*\^\s*\(\s*([+-]?\d+)\s*\)|(?:\s*\^\s*)?([+-]?\d+)", re.ASCII)

_Factor = tuple[Ratio, table.Dimension]


class Reader:
    """Recursive descent over one unit: products and quotients of names, numbers and brackets, with powers."""

    def __init__(self, text: str) -> None:
        self._text = text  # as the user wrote it, for messages
        self._plain = plain(text)
        self._at = 0

    def whole(self) -> _Factor:
        """Factor to base units, and dimension."""
        if len(self._plain) > MAX_LENGTH:
            raise SiError(f"Unit of measure '{self._text[:40]}...' is longer than {MAX_LENGTH} characters.")
        result = self._product()
        if self._at < len(self._plain):
            raise self._error(f"'{self._plain[self._at]}' has no place there")
        return result

    def _error(self, fact: str) -> SiError:
        return SiError(f"Cannot read the unit of measure '{self._text}': {fact}.")

    def _peek(self) -> str:
        while self._at < len(self._plain) and self._plain[self._at].isspace():
            self._at += 1
        return self._plain[self._at : self._at + 1]

    def _product(self) -> _Factor:
        factor, dimension = self._factor()
        divided = False
        while (sign := self._peek()) and sign != ")":
            if sign in "*./":
                self._at += 1
            if sign != "/" and divided:
                raise self._error("a product after '/' is ambiguous, put brackets: 'W/(m*K)' or '(W/m)*K'")
            if sign not in "*/" and self._peek() in [*"0123456789("]:
                raise self._error("a number or bracket stands first, or after '*' or '/'")
            divided = divided or sign == "/"
            other, exponents = self._factor()
            if sign == "/":
                other, exponents = Ratio() / other, tuple(-e for e in exponents)
            factor = factor * other
            dimension = tuple(a + b for a, b in zip(dimension, exponents, strict=True))
            self._check(factor, dimension)
        return factor, dimension

    def _factor(self) -> _Factor:
        sign = self._peek()
        if sign == "(":
            self._at += 1
            factor, dimension = self._product()
            if self._peek() != ")":
                raise self._error("a bracket is not closed")
            self._at += 1
            return self._raised(factor, dimension)
        if match := _NAME.match(self._plain, self._at):
            factor, dimension = self._named(match[0])
            self._at = match.end()
            return self._raised(factor, dimension)
        if match := _NUMBER.match(self._plain, self._at):
            return self._number(match)
        raise self._error(f"'{sign}' has no place there" if sign else "it ends too early")

    def _number(self, match: re.Match[str]) -> _Factor:
        factor = decimal(match)
        self._at = match.end()
        if not factor.numerator:
            raise self._error("it holds a zero")
        if self._peek() not in ("", *"*./^)"):
            raise self._error(f"a name follows the number {match[0]}, write '*' between them")
        self._check(factor, table.NONE)
        return self._raised(factor, table.NONE) if self._peek() == "^" else (factor, table.NONE)

    def _raised(self, factor: Ratio, dimension: table.Dimension) -> _Factor:
        match = _EXPONENT.match(self._plain, self._at)
        if match is None:
            if self._peek() == "^":
                raise self._error("'^' is followed by a whole number, as in 'm/s^2'")
            return factor, dimension
        self._at = match.end()
        if re.match(r"\.\d", self._plain[self._at :]):
            raise self._error("powers are whole numbers")
        digits = match[1] or match[2]
        if len(digits) > len("+24") or abs(exponent := int(digits)) > _MAX_EXPONENT:
            raise self._error(f"the power {digits[:8]} is beyond {_MAX_EXPONENT}")
        self._check(factor, dimension, times=abs(exponent))
        return factor**exponent, tuple(e * exponent for e in dimension)

    def _check(self, factor: Ratio, dimension: table.Dimension, *, times: int = 1) -> None:
        bits = max(factor.numerator.bit_length(), factor.denominator.bit_length())
        if bits * times > _MAX_BITS or max(map(abs, dimension)) * times > _MAX_EXPONENT:
            raise self._error("its powers are too large")

    def _named(self, name: str) -> _Factor:
        found = table.PLAIN.get(name) or table.PREFIXABLE.get(name)
        if found is not None:
            return table_ratio(found[0]), found[1]
        for length in (2, 1):
            power = table.PREFIXES.get(name[:length])
            found = table.PREFIXABLE.get(name[length:])
            if power is not None and found is not None:
                return table_ratio(found[0]) * Ratio(10) ** power, found[1]
        within = "" if name == self._plain else f" in '{self._text}'"
        raise SiError(f"Unknown unit of measure '{name}'{within}.{_suggestion(name)}")


def _suggestion(name: str) -> str:
    import difflib

    if name.lower() in table.HINTS:
        return f" Did you mean '{table.HINTS[name.lower()]}'?"
    prefixed = (prefix + unit for unit in table.PREFIXABLE for prefix in "kmuMcn")
    known = [*table.PLAIN, *table.PREFIXABLE, *prefixed]
    close = [k for k in known if k.lower() == name.lower()] or difflib.get_close_matches(name, known, n=2)
    if not close:
        return " Products are written 'N*m', quotients 'm/s', powers 'm/s^2'."
    return f" Did you mean {' or '.join(repr(k) for k in close[:3])}?"
