"""Well-behaved variants: first-order lags, and outputs that equal inputs of every type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fmus.description import Model, Unit, Var
from fmus.variant import Variant

TIME = Var("time", 0, causality="independent", variability="continuous")
GEARS = {"Gear": {"park": 1, "reverse": 2, "neutral": 3, "drive": 5}}

UNITS = (
    Unit("m/s", {"m": 1, "s": -1}),
    Unit("km/h", {"m": 1, "s": -1}, factor=1.0 / 3.6),
    Unit("K", {"K": 1}),
    Unit("degC", {"K": 1}, offset=273.15),
    Unit("N", {"kg": 1, "m": 1, "s": -2}),
    Unit("kN", {"kg": 1, "m": 1, "s": -2}, factor=1000.0),
    Unit("rad", {"rad": 1}),
    Unit("deg", {"rad": 1}, factor=0.017453292519943295),
    Unit("m", {"m": 1}),
)

# FMI 3 type -> start of the scalar, start of the array [3]; the array [2, 3] has the latter twice. Value
# references follow this order, from 1.
TYPES3: dict[str, tuple[str, str | tuple[str, ...]]] = {
    "Float32": ("1.5", "0.5 -1.5 2.5"),
    "Float64": ("1.5", "0.1 -0.2 0.3"),
    "Int8": ("-128", "-1 0 127"),
    "UInt8": ("255", "0 1 255"),
    "Int16": ("-32768", "-1 0 32767"),
    "UInt16": ("65535", "0 1 65535"),
    "Int32": ("-2147483648", "-1 0 2147483647"),
    "UInt32": ("4294967295", "0 1 4294967295"),
    "Int64": ("-9007199254740991", "-1 0 9007199254740991"),
    "UInt64": ("9007199254740991", "0 1 9007199254740991"),
    "Boolean": ("true", "true false true"),
    "String": ("grüße & <tags>", ("", "two words", "ß")),
    "Binary": ("00ff10", ("", "00", "deadbeef")),
    "Enumeration": ("3", "1 2 5"),
}

# An input and its output, the unit of both, the start value.
PAIRS = (
    ("speed", "speed_out", "m/s", "10"),
    ("speed_kmh", "speed_kmh_out", "km/h", "36"),
    ("temperature", "temperature_out", "K", "300"),
    ("temperature_degC", "temperature_degC_out", "degC", "20"),
    ("force", "force_out", "N", "1000"),
    ("force_kN", "force_kN_out", "kN", "1"),
    ("angle", "angle_out", "rad", "0"),
    ("angle_deg", "angle_deg_out", "deg", "0"),
    ("body[1].frame_a.x", "body[1].frame_b.x", "m", "0.25"),
    ("der(body[2].x)", "der(x)", "m/s", "2"),
    ("no_unit", "no_unit_out", None, "0"),
)


def _parameter(name: str, ref: int, start: str, *, tunable: bool = False, doc: str | None = None) -> Var:
    variability = "tunable" if tunable else "fixed"
    return Var(
        name, ref, causality="parameter", variability=variability, initial="exact", start=start, doc=doc
    )


def _pair(into: str, out: str, ref: int, **more: Any) -> tuple[Var, Var]:
    """An input and the output that equals it."""
    u = Var(into, ref, causality="input", **more)
    return u, replace(u, name=out, ref=100 + ref, causality="output", start=None, needs=(into,))


def _lags(fmi: int, ports: int) -> Model:
    u = [
        Var("u" if ports == 1 else f"u[{i + 1}]", 100 + i, causality="input", start="0") for i in range(ports)
    ]
    y = [Var("y" if ports == 1 else f"y[{i + 1}]", 200 + i, causality="output") for i in range(ports)]
    variables = (
        TIME,
        _parameter("tau", 1, "1", tunable=True, doc="time constant in s"),
        _parameter("x0", 2, "1"),
        _parameter("substeps", 3, "1", tunable=True),
        *(replace(v, variability="continuous") for v in u),
        *(replace(v, variability="continuous", starts_from=("x0",)) for v in y),
    )
    return Model("", f"{{lag{fmi}}}", variables)


def _all_types2() -> Iterator[Var]:
    for kind, text in {"Real": "1.5", "Integer": "-7", "Boolean": "true", "String": "grüße & <tags>"}.items():
        variability = "continuous" if kind == "Real" else "discrete"
        yield from _pair(f"{kind}_in", f"{kind}_out", 0, type=kind, start=text, variability=variability)
    yield from _pair("Enumeration_in", "Enumeration_out", 1, type="Enumeration", start="3", **_GEAR)
    yield from _gain("Real_in", "gain", "bias", refs=(50, 51, 150))


def _all_types3() -> Iterator[Var]:
    yield TIME
    for k, (kind, (one, three)) in enumerate(TYPES3.items(), start=1):
        more: dict[str, Any] = {"type": kind, "variability": "continuous" if "Float" in kind else "discrete"}
        if kind == "Enumeration":
            more |= _GEAR
        six = three * 2 if isinstance(three, tuple) else f"{three} {three}"
        yield from _pair(f"{kind}_in", f"{kind}_out", k, start=one, **more)
        yield from _pair(f"{kind}_1d_in", f"{kind}_1d_out", 20 + k, start=three, dims=(3,), **more)
        yield from _pair(f"{kind}_2d_in", f"{kind}_2d_out", 40 + k, start=six, dims=(2, 3), **more)
    yield Var("n", 60, "UInt64", "structuralParameter", "fixed", start="3", doc="1 to 32")
    yield from _pair("v_in", "v_out", 61, start="1 2 3", dims=("n",), variability="continuous")
    yield from _pair("grid_in", "grid_out", 62, start="1 2 3 4 5 6", dims=(2, "n"), variability="continuous")
    yield from _gain("Float64_in", "gain", "bias", refs=(63, 64, 163))
    yield Var("sum", 164, causality="output", variability="continuous", needs=("v_in",))


_GEAR = {"declared": "Gear", "variability": "discrete"}


def _gain(u: str, a: str, b: str, *, refs: tuple[int, int, int]) -> Iterator[Var]:
    """y = a u + b, without u itself."""
    yield _parameter(a, refs[0], "1", tunable=True)
    yield _parameter(b, refs[1], "0")
    yield Var("y", refs[2], "Real", "output", "continuous", needs=(u,), starts_from=(a, b))


def _loop(ref: int, refs: tuple[int, int, int]) -> Iterator[Var]:
    yield Var("u", ref, causality="input", variability="continuous", start="1.5")
    yield from _gain("u", "a", "b", refs=refs)


def _units(first: int, gear: int) -> Iterator[Var]:
    for i, (into, out, unit, start) in enumerate(PAIRS):
        yield from _pair(into, out, first + i, start=start, unit=unit, variability="continuous")
    yield from _pair("gear", "gear_out", gear, type="Enumeration", start="3", **_GEAR)


def _arrays() -> Iterator[Var]:
    yield TIME
    for i in range(33):
        dims = (6,) if i % 2 else (2, 3)
        start = " ".join(str(i + j) for j in range(6))
        u, y = _pair(f"u{i:02}", f"y{i:02}", 300 + i, start=start, dims=dims, variability="continuous")
        yield from (u, y)


def behaving() -> Iterator[Variant]:
    """All variants of lag2.c, lag3.c, all_types2.c and all_types3.c, but for those with faulty XML."""
    for fmi in (2, 3):
        doc = "first-order lag x' = (u - x)/tau, y = x, Euler in `substeps` parts"
        yield Variant(f"lag{fmi}", fmi, f"lag{fmi}.c", _lags(fmi, 1), doc)
        yield Variant(
            f"ports{fmi}", fmi, f"lag{fmi}.c", _lags(fmi, 32), f"32 of: {doc}", defines=("PORTS=32",)
        )

    clock = Var("tick", 90, "Clock", "input")
    gain = "y = a u + b, at once during initialization: for algebraic loops"
    units = "units of measure, structured names, an enumeration; outputs equal inputs"
    for name, variables, doc in (
        ("all_types2", _all_types2(), "every FMI 2 type, outputs equal inputs; y = gain Real_in + bias"),
        (
            "all_types3",
            _all_types3(),
            "14 FMI 3 types: scalars, [3], [2, 3], sized by n; outputs equal inputs",
        ),
        (
            "volatile_strings2",
            _all_types2(),
            "as all_types2; the next call overwrites strings that a get gave",
        ),
        (
            "volatile_strings3",
            _all_types3(),
            "as all_types3; the next call overwrites strings that a get gave",
        ),
        ("huge_integers3", _all_types3(), "as all_types3; Int64_out and UInt64_out are beyond 2^53"),
        ("units2", _units(2, 1), units),
        ("units3", (TIME, *_units(70, 14)), units),
        ("gain2", _loop(0, (50, 51, 150)), gain),
        ("gain3", (TIME, *_loop(2, (63, 64, 163))), gain),
        ("arrays3", _arrays(), "66 array variables of 6 elements; each output is twice its input"),
        (
            "clock3",
            (*_all_types3(), clock),
            "as all_types3, with a triggered input clock and event mode declared",
        ),
    ):
        fmi = int(name[-1])
        model = Model("", f"{{all_types{fmi}}}", tuple(variables), units=UNITS, enumerations=GEARS)
        if name == "clock3":
            model = model.with_flags(hasEventMode="true")
        defines = {"volatile_strings": "VOLATILE_STRINGS=1", "huge_integers": "HUGE_INTEGERS=1"}.get(
            name[:-1]
        )
        outcome = "value" if name == "huge_integers3" else "good"
        yield Variant(
            name, fmi, f"all_types{fmi}.c", model, doc, outcome, defines=(defines,) if defines else ()
        )
