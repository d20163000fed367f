"""The FMU that misbehaves on command: fmu/hostile, whose README.md lists the behaviours."""

from __future__ import annotations

from collections.abc import Iterator

from fmus.description import Model, Var
from fmus.variant import Variant

SOURCE = "../../fmu/hostile/model.c"


def _parameter(name: str, ref: int, start: str, doc: str, kind: str = "Real") -> Var:
    return Var(
        name, ref, kind, causality="parameter", variability="fixed", initial="exact", start=start, doc=doc
    )


VARIABLES = (
    Var("time", 0, causality="independent", variability="continuous"),
    Var("u", 1, causality="input", variability="continuous", start="1", doc="what y approaches"),
    Var("y", 2, causality="output", variability="continuous", starts_from=("x0",), doc="lag of u"),
    Var("n", 3, causality="output", variability="discrete", doc="doStep calls so far"),
    _parameter("tau", 4, "1", "time constant of y [s]"),
    _parameter("x0", 5, "0", "y at the start"),
    _parameter("at", 6, "3", "step at which it misbehaves, counted from 1", "Integer"),
    _parameter("behaviour", 7, "", "what it does; empty: nothing but its work", "String"),
    _parameter("moment", 8, "", "when: init, set, step, get, save, terminate, free; empty: step", "String"),
    Var("text", 9, "String", causality="output", variability="discrete", doc='"step 3"'),
    _parameter("delay", 10, "1", "how long late takes [s]"),
)


def hostile() -> Iterator[Variant]:
    """One variant for each FMI version."""
    for fmi in (2, 3):
        yield Variant(
            f"hostile{fmi}",
            fmi,
            SOURCE,
            Model("", "{hostile}", VARIABLES, identifier="hostile"),
            "misbehaves on command, see fmu/hostile/README.md",
            outcome="command",
            defines=(f"FMI={fmi}",),
        )
