"""Variants of odd2.c and odd3.c: an integrator that misbehaves, or whose archive is odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fmus.description import Model, Var
from fmus.variant import Variant

VARIABLES = (
    Var("time", 0, causality="independent", variability="continuous"),
    Var("u", 1, causality="input", variability="continuous", start="1", doc="rate"),
    Var(
        "y", 2, causality="output", variability="continuous", starts_from=("x0",), doc="x0 + integral of k u"
    ),
    Var("x0", 3, causality="parameter", variability="fixed", initial="exact", start="0"),
    Var(
        "at", 4, causality="parameter", variability="fixed", initial="exact", start="3", doc="odd doStep call"
    ),
    Var("n", 5, causality="output", variability="discrete", doc="doStep calls so far"),
    Var("k", 6, causality="parameter", variability="tunable", initial="exact", start="1", doc="gain in 1/s"),
)

# name | FMI versions | behaviour | outcome | what it does. "Odd step": doStep call number `at`, 3 by default.
BEHAVIOURS = """
plain             | 23 | PLAIN             | good    | behaves
step_error        | 23 | ERROR             | error   | odd step returns error, with a message
step_warning      | 23 | WARNING           | warning | odd step returns warning, with a message
step_discard      | 2  | DISCARD           | error   | odd step stops half way, returns discard, no Terminated
step_discard      | 3  | DISCARD           | error   | odd step returns discard and has not happened
step_terminate    | 2  | TERMINATE         | end     | odd step is whole, returns discard; status Terminated
step_terminate    | 3  | TERMINATE         | end     | odd step is whole, returns OK and terminateSimulation
step_fatal        | 23 | FATAL             | error   | odd step returns fatal, with a message
step_pending      | 2  | PENDING           | error   | odd step returns pending; done when asked a fourth time
nan_output        | 23 | NAN               | value   | y is NaN after the odd step, then a number again
inf_output        | 23 | INF               | value   | y is infinite after the odd step, then finite again
get_error         | 23 | GET_ERROR         | error   | every get after the odd step returns error
init_error        | 23 | INIT_ERROR        | error   | exitInitializationMode returns error
no_instance       | 23 | NO_INSTANCE       | load    | instantiate returns null, with a message
step_early        | 3  | EARLY             | good    | odd step returns early at its half, if that is allowed
step_early_rude   | 3  | EARLY_RUDE        | good    | odd step returns early at its half, allowed or not
event_mode        | 3  | EVENT             | good    | has event mode; odd step asks for event handling
step_exit         | 23 | EXIT              | process | odd step calls exit(0)
step_abort        | 23 | ABORT             | process | odd step calls abort()
step_segfault     | 23 | SEGFAULT          | process | odd step writes through a null pointer
step_hang         | 23 | HANG              | process | odd step never returns
step_rounding     | 23 | ROUNDING          | leak    | odd step leaves rounding upward on
step_flush        | 23 | FLUSH             | leak    | odd step leaves flush-to-zero on (FTZ and DAZ)
step_traps        | 23 | TRAPS             | leak    | odd step leaves traps on: invalid, division by zero
step_chdir        | 23 | CHDIR             | leak    | odd step changes the working folder to /
log_null_message  | 23 | LOG_NULL_MESSAGE  | good    | odd step logs a null message
log_null_category | 23 | LOG_NULL_CATEGORY | good    | odd step logs with a null category
log_null_name     | 2  | LOG_NULL_NAME     | good    | odd step logs with a null instance name
log_foreign       | 23 | LOG_FOREIGN       | good    | odd step logs with its own environment pointer, 16
log_thread        | 23 | LOG_THREAD        | good    | odd step logs from another thread, and waits for it
log_after_free    | 23 | LOG_AFTER_FREE    | good    | a thread logs 20 ms after freeInstance has returned
log_storm         | 23 | LOG_STORM         | good    | odd step logs 10,000 messages
log_long          | 23 | LOG_LONG          | good    | odd step logs a message of 100,000 characters
log_bytes         | 23 | LOG_BYTES         | good    | odd step logs bytes that are not UTF-8
log_format        | 2  | LOG_FORMAT        | good    | odd step logs a format and its arguments
log_format        | 3  | LOG_FORMAT        | good    | odd step logs text that looks like a format
log_status        | 23 | LOG_STATUS        | good    | odd step logs with status 42
no_zero_length    | 23 | NO_ZERO_LENGTH    | good    | get or set of no variables returns error
constant_step     | 23 | CONSTANT_STEP     | good    | a step other than 0.01 s returns error; so declared
same_step         | 23 | SAME_STEP         | good    | a step unlike the first returns error; so declared
multiple_step     | 3  | MULTIPLE_STEP     | good    | a step that is no n x 1 ms returns error; so declared
once_per_process  | 23 | ONCE              | good    | a library makes one instance ever; so declared
shared_state      | 23 | SHARED            | good    | all instances share their values; once per process
lying_state       | 23 | LYING_STATE       | good    | set state restores u, x, y, but not n, k, at, x0, time
resource          | 23 | RESOURCE          | good    | adds 0.25 from resources/number.txt to y, or is null
shy               | 23 | SHY               | good    | every get before the end of initialization returns error
unsure            | 23 | UNSURE            | good    | y is NaN before the end of initialization
prints            | 23 | PRINTS            | good    | odd step prints on standard output
takes_gil         | 23 | TAKES_GIL         | good    | takes the lock of a Python interpreter in its process
"""

# The same, with the checker of call sequences: what an importer may do, above all after each ending.
STRICT = """
strict            | 23 | PLAIN      | good  | refuses and reports each call that is illegal now
strict_error      | 23 | ERROR      | error | strict; odd step returns error: reset and free may follow
strict_discard    | 2  | DISCARD    | error | strict; odd step returns discard: status, terminate may follow
strict_fatal      | 23 | FATAL      | error | strict; odd step returns fatal: not even free may follow
strict_init_error | 23 | INIT_ERROR | error | strict; exitInitializationMode returns error
strict_terminate  | 23 | TERMINATE  | end   | strict; odd step asks for the end
strict_early      | 3  | EARLY      | good  | strict; odd step returns early, if that is allowed
strict_event_mode | 3  | EVENT      | good  | strict; has event mode, odd step asks for event handling
strict_once       | 23 | ONCE       | good  | strict; a library makes one instance ever
"""

# Attributes of <CoSimulation> that a behaviour declares, in FMI 2 and in FMI 3.
_ONCE = {"canBeInstantiatedOnlyOncePerProcess": "true"}
_CONSTANT = {"canHandleVariableCommunicationStepSize": "false"}
DECLARED: dict[str, dict[int, dict[str, str]]] = {
    "ONCE": {2: _ONCE, 3: _ONCE},
    "SHARED": {2: _ONCE, 3: _ONCE},
    "SAME_STEP": {2: _CONSTANT, 3: _CONSTANT},
    "CONSTANT_STEP": {2: _CONSTANT, 3: {**_CONSTANT, "fixedInternalStepSize": "0.01"}},
    "MULTIPLE_STEP": {3: {"fixedInternalStepSize": "0.001"}},
    "PENDING": {2: {"canRunAsynchronuously": "true"}},
    "EARLY": {3: {"canReturnEarlyAfterIntermediateUpdate": "true", "providesIntermediateUpdate": "true"}},
    "EVENT": {3: {"hasEventMode": "true"}},
}
NO_STATE = {
    2: {"canGetAndSetFMUstate": "false", "canSerializeFMUstate": "false"},
    3: {"canGetAndSetFMUState": "false", "canSerializeFMUState": "false"},
}
ELSEWHERE = {2: "win32", 3: "x86-windows"}  # a platform that is not this machine's


def _model(fmi: int) -> Model:
    return Model("", f"{{odd{fmi}}}", VARIABLES)


def _from_table(table: str, *defines: str) -> Iterator[Variant]:
    for line in table.strip().splitlines():
        name, versions, behaviour, outcome, doc = (item.strip() for item in line.split("|"))
        for fmi in map(int, versions):
            model = _model(fmi).with_flags(**DECLARED.get(behaviour, {}).get(fmi, {}))
            yield Variant(
                f"{name}{fmi}",
                fmi,
                f"odd{fmi}.c",
                replace(model, step="0.01") if behaviour == "CONSTANT_STEP" else model,
                doc,
                outcome=outcome,
                defines=(f"ODD=ODD_{behaviour}", *defines),
                resources={"number.txt": "0.25\n"} if behaviour == "RESOURCE" else {},
            )


def _archives(fmi: int) -> Iterator[Variant]:
    plain = Variant("", fmi, f"odd{fmi}.c", _model(fmi), "", defines=("ODD=ODD_PLAIN",))
    yield replace(
        plain,
        name=f"real_only{fmi}",
        doc="exports what a run with Reals needs, no other type, version, logging, reset, state, status",
        defines=("ODD=ODD_PLAIN", "REAL_ONLY=1"),
        rest=False,
        model=plain.model.with_flags(**NO_STATE[fmi]),
    )
    yield replace(
        plain,
        name=f"no_end{fmi}",
        doc="exports neither terminate nor freeInstance",
        defines=("ODD=ODD_PLAIN", "NO_END=1"),
        rest=False,
        model=plain.model.with_flags(**NO_STATE[fmi]),
    )
    yield replace(
        plain,
        name=f"other_library_name{fmi}",
        doc="the only library is named surprise, not as modelIdentifier says",
        library=("surprise",),
    )
    yield replace(
        plain,
        name=f"two_libraries{fmi}",
        doc="libraries surprise and enigma, neither named as modelIdentifier says",
        library=("surprise", "enigma"),
        outcome="load",
    )
    yield replace(
        plain,
        name=f"no_binary{fmi}",
        doc=f"has a library for {ELSEWHERE[fmi]} only",
        platform=ELSEWHERE[fmi],
        outcome="load",
    )
    yield replace(
        plain,
        name=f"needs_tool{fmi}",
        doc="declares needsExecutionTool",
        model=plain.model.with_flags(needsExecutionTool="true"),
    )
    yield replace(
        plain,
        name=f"wrong_token{fmi}",
        doc="its description names another GUID or token than its library knows",
        model=replace(plain.model, token="{not me}"),
        outcome="load",
    )


def misbehaving() -> Iterator[Variant]:
    """All variants of odd2.c and odd3.c."""
    yield from _from_table(BEHAVIOURS)
    yield from _from_table(STRICT, "STRICT=1")
    yield from _archives(2)
    yield from _archives(3)
