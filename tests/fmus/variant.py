"""What a test FMU is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fmus.description import Model

Edit = Callable[[str], str]


@dataclass(frozen=True)
class Variant:
    """One test FMU: what is compiled, what its description says, what is odd about it.

    outcome : what a run of more than three steps with the default parameters comes to
        good     right values to the end
        warning  right values, and a call that returns warning
        error    a call returns discard, error or fatal, or is left pending
        value    an output is NaN or infinite, or no double can hold it
        end      the FMU asks for the end of the simulation
        load     no instance can be made of it
        leak     right values, but the process is left changed (rounding, traps, working folder)
        process  the process dies or hangs
        command  whatever its parameters say
    defines : macros for the compiler.
    rest : whether rest2.c or rest3.c fills in the functions that the source lacks.
    edits : made to the XML text, in order, which is then written in `encoding`.
    resources : file name -> text.
    library : file names of the library, without suffix, where they are not the model identifier.
    platform : folder under binaries/, where it is not this machine's.
    """

    name: str
    fmi: int
    source: str
    model: Model
    doc: str
    outcome: str = "good"
    defines: tuple[str, ...] = ()
    rest: bool = True
    edits: tuple[Edit, ...] = ()
    encoding: str = "utf-8"
    resources: dict[str, str] = field(default_factory=dict)
    library: tuple[str, ...] = ()
    platform: str | None = None
