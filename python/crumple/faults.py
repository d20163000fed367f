"""Faults: the kinds there are, and a fault as it is declared.

A fault is a deliberate disturbance of what an input receives, of an output, of a parameter or of a unit. What each
kind does to a value is in the core (cpp/src/fault_kinds.cpp); docs/faults.md is the reference for users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

Where = Literal["input", "output", "parameter", "unit"]
PORTS: tuple[Where, ...] = ("input", "output")
VALUES: tuple[Where, ...] = ("input", "output", "parameter")
NUMBERS = ("real", "integer")
ALL = ("real", "integer", "boolean", "enumeration")


class Kind(NamedTuple):
    """A kind of fault.

    text: what it does, x being what comes in.   keys: its parameters, by name, and what they mean.
    needs: those of them that must be there, each group one of.   on: where it can be.   kinds: of ports.
    """

    text: str
    keys: Mapping[str, str]
    needs: tuple[tuple[str, ...], ...] = ()
    on: tuple[Where, ...] = PORTS
    kinds: tuple[str, ...] = NUMBERS


_CHANCE = {"chance": "probability of each sample, 0 to 1; 1 if left out"}

# In the order in which several on one value act, as in the core's FaultKind.
KINDS: dict[str, Kind] = {
    "gain": Kind("x * value", {"value": "the factor"}, (("value",),), VALUES),
    "bias": Kind("x + value", {"value": "what is added"}, (("value",),), VALUES),
    "drift": Kind(
        "x + rate * the time since it began",
        {"rate": "in the port's unit of measure a second"},
        (("rate",),),
        VALUES,
    ),
    "noise": Kind("x + a normal random number", {"sigma": "its standard deviation"}, (("sigma",),), PORTS),
    "spike": Kind("x + amplitude", {"amplitude": "what is added", **_CHANCE}, (("amplitude",),), PORTS),
    "sign_flip": Kind("-x", {}, (), VALUES),
    "saturate": Kind(
        "x, not below min and not above max",
        {"min": "the least", "max": "the greatest"},
        (("min", "max"),),
        VALUES,
    ),
    "quantise": Kind(
        "the nearest multiple of lsb", {"lsb": "the value of the last digit"}, (("lsb",),), VALUES
    ),
    "bit_flip": Kind(
        "x with one bit of its word inverted",
        {
            "bit": "which, from 0, the least",
            "lsb": "of a real number: its word is the whole number x / lsb; left out, the 64 bits of the double",
            "bits": "of the word, in two's complement",
            **_CHANCE,
        },
        (("bit",),),
        PORTS,
        ("real", "integer", "boolean"),
    ),
    "unit_error": Kind(
        "x * factor, as where metres are read as feet", {"factor": "the factor"}, (("factor",),), VALUES
    ),
    "delay": Kind(
        "x as it was some time ago",
        {
            "delay": "how long ago",
            "ticks": "the same in ticks",
            "jitter": "up to so much more, drawn for each sample",
        },
        (("delay", "ticks", "jitter"),),
        PORTS,
        ALL,
    ),
    "reorder": Kind(
        "a sample comes two samples late, after one that was sent later", _CHANCE, (), PORTS, ALL
    ),
    "duplicate": Kind("the sample before once more, instead of x", _CHANCE, (), PORTS, ALL),
    "dropout": Kind(
        "nothing comes",
        {
            "hold": 'what is read then: "last" (the last sample), "zero", or "missing"',
            "flag": "missing: a port of the same unit that is 0 meanwhile",
            "substitute": "missing: the value meanwhile",
            **_CHANCE,
        },
        (),
        PORTS,
        ALL,
    ),
    "stale_timestamp": Kind(
        "a time stamp that does not go on, or is old",
        {"lag": "how old; left out: it stands still"},
        (),
        PORTS,
        ("real",),
    ),
    "freeze": Kind(
        "the last value before it; of a unit, all its outputs", {}, (), ("input", "output", "unit"), ALL
    ),
    "stuck_at": Kind(
        "value", {"value": 'where it is stuck; left out or "last": the last value before it'}, (), VALUES, ALL
    ),
    "intermittent": Kind(
        "another kind for a part of each period",
        {
            "period": "its length",
            "duty": "that part, 0 to 1",
            "of": "the other kind, with its parameters; dropout if left out",
        },
        (("period",), ("duty",)),
        PORTS,
        ALL,
    ),
    "pause": Kind("it is not stepped, and goes on afterwards where it was", {}, (), ("unit",), ()),
    "hang": Kind("it does not answer any more", {}, (), ("unit",), ()),
    "kill": Kind("its process dies", {}, (), ("unit",), ()),
}

# The parameter of a kind that is the core's `value`.
VALUE_KEYS = {
    "gain": "value",
    "bias": "value",
    "drift": "rate",
    "noise": "sigma",
    "spike": "amplitude",
    "quantise": "lsb",
    "bit_flip": "lsb",
    "unit_error": "factor",
    "dropout": "substitute",
    "stale_timestamp": "lag",
    "stuck_at": "value",
}


def fitting(where: Where, kind: str = "real") -> list[str]:
    """The kinds of fault that an input, output, parameter (with ports of this kind) or unit can have."""
    found = []
    for name, each in KINDS.items():
        if where in each.on and (where == "unit" or kind in each.kinds):
            found.append(name)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """A fault as it is declared, in ticks and in the units of measure of what it is on.

    on: an input or output "unit.port", a parameter "unit.parameter", or a unit.
    kind: of KINDS; of an intermittent fault, that which comes and goes: in the first `part` ticks of each `period`.
    value: what the kind calls so, see VALUE_KEYS; None of stuck_at: at its last.
    since, until, duration: ticks. Nothing of since, when and event: only by hand.
    when: a condition; it begins where that is true for the first time, or with `as_long` acts as long as it is.
    event: the fault that it begins with.   probability: of it happening at all.   off: it sleeps until it is named.
    nominal: of a parameter, its value without faults; None for other things.
    si: unit of measure of what it is on, for those who read of it.
    """

    name: str
    on: str
    kind: str
    value: float | None = None
    since: int | None = None
    until: int | None = None
    duration: int | None = None
    when: str = ""
    as_long: bool = False
    event: str = ""
    probability: float = 1.0
    off: bool = False
    period: int = 0
    part: int = 0
    min: float | None = None
    max: float | None = None
    chance: float = 1.0
    delay: int = 0
    jitter: int = 0
    hold: str = "last"
    flag: str = ""
    bit: int = 0
    bits: int = 0
    nominal: float | None = None
    id: str = ""
    tags: Mapping[str, Any] = field(default_factory=dict)
    doc: str = ""
    si: str = field(default="", compare=False)

    @property
    def by_hand(self) -> bool:
        """Whether it never begins by itself."""
        return self.since is None and not self.when and not self.event

    def to_json(self) -> dict[str, Any]:
        """What is said of it; besides name, place, kind, value and ticks only what is not the default."""
        always = ("name", "on", "kind", "value", "since", "until", "doc")
        facts = {}
        for each in fields(self):
            value = getattr(self, each.name)
            usual: Any = {} if each.name == "tags" else each.default
            if each.name in always or value != usual:
                facts[each.name] = dict(value) if each.name == "tags" else value
        return facts

    def particulars(self, si_of: Callable[[str], str | None]) -> dict[str, Any]:
        """For the core. si_of: unit of measure of a signal, by name. Raises FormulaError."""
        from crumple.formula import parse_formula

        left_out = ("name", "on", "kind", "id", "tags", "doc", "when", "si")
        found = {k: v for k, v in self.to_json().items() if k not in left_out and v is not None}
        if self.when:
            found["when"] = parse_formula(self.when).program(si_of)
        return found
