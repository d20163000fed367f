"""The shape of `[faults.NAME]`. See `model`; what the keys mean together is the business of `faults`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator

from crumple.faults import KINDS
from crumple.scene.model_values import Count, Flag, Natural, Quantity, Table, Text, Value, one_of, words

_HOLDS = ("last", "zero", "missing")
Kind = Annotated[Any, PlainValidator(one_of(*KINDS)), words(*KINDS)]
Hold = Annotated[Any, PlainValidator(one_of(*_HOLDS)), words(*_HOLDS)]


class FaultTable(Table):
    """[faults.NAME]: an input, an output, a parameter or a unit, made wrong on purpose."""

    on: Text = Field(
        description='What is disturbed: an input or output "unit.port", a parameter "unit.parameter", or a "unit".'
    )
    kind: Kind = Field(description="How: `crumple faults --kinds` explains each.")
    value: Value = Field(
        default=None,
        description="stuck_at: where (left out: at the last value before); bias: what is added; gain: the factor.",
    )
    rate: Quantity = Field(default=None, description='drift: per second, as in "0.1 K/s".')
    sigma: Quantity = Field(default=None, description="noise: its standard deviation.")
    amplitude: Quantity = Field(default=None, description="spike: what is added.")
    lsb: Quantity = Field(default=None, description="quantise, bit_flip: the value of the last digit.")
    min: Quantity = Field(default=None, description="saturate: the least value.")
    max: Quantity = Field(default=None, description="saturate: the greatest value.")
    bit: Natural = Field(default=None, description="bit_flip: which bit, from 0, the least.")
    bits: Count = Field(default=None, description="bit_flip: bits of the word, in two's complement.")
    factor: Quantity = Field(default=None, description="unit_error: the factor.")
    delay: Quantity = Field(default=None, description="delay: how late, as a time.")
    ticks: Count = Field(default=None, description="delay: how late, in ticks.")
    jitter: Quantity = Field(
        default=None, description="delay: up to so much later still, drawn for each sample."
    )
    hold: Hold = Field(default="last", description="dropout: what is read where nothing comes.")
    flag: Text = Field(
        default=None, description="dropout, missing: a port of the same unit that is 0 meanwhile."
    )
    substitute: Value = Field(default=None, description="dropout, missing: the value meanwhile.")
    lag: Quantity = Field(default=None, description="stale_timestamp: how old; left out, it stands still.")
    chance: Quantity = Field(default=None, description="Probability of each sample, 0 to 1; 1 if left out.")
    period: Quantity = Field(default=None, description="intermittent: the length of a period.")
    duty: Quantity = Field(
        default=None, description="intermittent: the part of a period in which it acts, 0 to 1."
    )
    of: Kind = Field(default=None, description="intermittent: what comes and goes; dropout if left out.")
    from_: Quantity = Field(default=None, alias="from", description="Time at which it begins.")
    until: Quantity = Field(
        default=None, description="Time at which it is over; by default the end of the run."
    )
    tick: Natural = Field(default=None, description="Tick at which it begins.")
    until_tick: Natural = Field(default=None, description="Tick at which it is over.")
    duration: Quantity = Field(default=None, description="How long it lasts once it has begun.")
    when: Text = Field(
        default=None, description='A condition, "car.speed > 10 m/s": it begins where that is first true.'
    )
    while_: Text = Field(
        default=None, alias="while", description="A condition: it acts as long as that is true."
    )
    event: Text = Field(
        default=None, description="Another fault, or an event of [view.events], with which it begins."
    )
    probability: Quantity = Field(
        default=None, description="Of it happening at all, drawn once a run from the run's seed."
    )
    manual: Flag = Field(default=False, description="It begins when somebody injects it, and not by itself.")
    off: Flag = Field(default=False, description="It does not act unless it is named: `--inject NAME`.")
    id: Text = Field("", description="A line of an FMEA or a HARA, for reports.")
    tags: dict[str, Value] = Field(default={}, description="Anything else for reports: severity, ASIL.")
    doc: Text = Field("", description="What it stands for.")
