"""Each kind of fault, declared in a scene, against its closed form; and several on one value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple.faults import KINDS

UNITS = '''
from crumple import Input, Output, Parameter, Unit

class Count(Unit):
    """0, 1, 2, ... at the ticks 0, 1, 2, ..., and what goes with it."""
    x = Output("m")
    celsius = Output("degC", start=20.0)
    whole = Output(kind="integer")
    odd = Output(kind="boolean")
    valid = Output(kind="boolean", start=True)
    stamp = Output("s")
    by = Parameter(1.0, "m")
    loud = Parameter(False)

    def reset(self):
        self.n = 0
        self.sum = 0.0
        self.valid = True

    def step(self, now):
        self.n += 1
        self.sum += self.by
        self.x = self.sum
        self.celsius = 20.0 + self.n
        self.whole = self.n
        self.odd = self.n % 2 == 1
        self.stamp = now.t + now.dt

class Read(Unit):
    """What it reads: `y` at tick k + 1 is what came at tick k."""
    u = Input("m")
    ok = Input(kind="boolean")
    y = Output("m")
    okay = Output(kind="boolean")

    def step(self, now):
        self.y = self.u
        self.okay = self.ok
'''
HEAD = """
crumple = 1
[clock]
period = "100 ms"
stop = "2 s"
seed = 3
[units.count]
plugin = "units.py:Count"
"""
K = np.arange(20.0)  # x at the ticks 0 to 19
BEFORE = K < 5


def from_5(then: Any) -> Any:
    """What is read where the fault is there from tick 5."""
    return np.where(BEFORE, K, then)


CASES: dict[str, tuple[str, Any]] = {
    "gain": ("value = 2", from_5(2 * K)),
    "bias": ('value = "50 cm"', from_5(K + 0.5)),
    "drift": ('rate = "6 m/min"', from_5(K + 0.1 * 0.1 * (K - 5))),
    "spike": ('amplitude = "3 m"', from_5(K + 3)),
    "sign_flip": ("", from_5(-K)),
    "saturate": ('min = "6 m"\nmax = "900 cm"', from_5(np.clip(K, 6, 9))),
    "quantise": ('lsb = "4 m"', from_5(4 * np.rint(K / 4))),
    "bit_flip": ('bit = 2\nlsb = "1 m"', from_5((K.astype(int) ^ 4).astype(float))),
    "unit_error": ("factor = 0.3048", from_5(K * 0.3048)),
    "delay": ('delay = "300 ms"', from_5(K - 3)),
    "duplicate": ("", from_5(4 + 2 * np.floor((K - 4) / 2))),
    "reorder": ("", [0, 1, 2, 3, 4, 4, 6, 5, 5, 9, 8, 8, 12, 11, 11, 15, 14, 14, 18, 17]),
    "dropout": ("", from_5(4)),
    "freeze": ("", from_5(4)),
    "stuck_at": ("value = 7", from_5(7)),
    "intermittent": (
        'of = "stuck_at"\nvalue = -1\nperiod = "400 ms"\nduty = 0.5',
        from_5(np.where((K - 5) % 4 < 2, -1, K)),
    ),
}


def run(tmp_path: Path, text: str, **options: Any) -> crumple.Result:
    (tmp_path / "units.py").write_text(UNITS)
    scene = tmp_path / "scene.toml"
    scene.write_text(HEAD + text)
    return crumple.run(scene, out=tmp_path / "runs", **options)


def reader(name: str) -> str:
    return f'[units.{name}]\nplugin = "units.py:Read"\n[connect]\n"{name}.u" = "count.x"\n'


def readers(names: list[str]) -> str:
    units = "".join(f'[units.{name}]\nplugin = "units.py:Read"\n' for name in names)
    return units + "[connect]\n" + "".join(f'"{name}.u" = "count.x"\n' for name in names)


def test_each_kind_is_its_closed_form(tmp_path: Path) -> None:
    scene = readers([f"r_{kind}" for kind in CASES])
    for kind, (particulars, _) in CASES.items():
        scene += f'[faults.{kind}]\non = "r_{kind}.u"\nkind = "{kind}"\nfrom = "500 ms"\n{particulars}\n'
    signals = run(tmp_path, scene).signals
    for kind, (_, expected) in CASES.items():
        assert signals[f"r_{kind}.y"][1:] == pytest.approx(expected, abs=1e-12), kind
        assert signals[f"fault.{kind}.before"][1:] == pytest.approx(K), kind
        assert signals[f"fault.{kind}.after"][1:] == pytest.approx(expected, abs=1e-12), kind
        assert signals[f"fault.{kind}.active"][1:].tolist() == (~BEFORE).tolist(), kind


def test_every_kind_of_value_has_a_closed_form_here() -> None:
    elsewhere = {"noise", "stale_timestamp", "pause", "hang", "kill"}
    assert {*CASES} | elsewhere == {*KINDS}


def test_a_time_stamp_stands_still_or_is_old(tmp_path: Path) -> None:
    fault = '[faults.{}]\non = "count.stamp"\nkind = "stale_timestamp"\nfrom = "500 ms"\n'
    text = fault.format("still")
    assert run(tmp_path, text).signals["count.stamp"][[4, 5, 20]] == pytest.approx([0.4, 0.4, 0.4])
    old = run(tmp_path, fault.format("old") + 'lag = "50 ms"').signals["count.stamp"]
    assert old[[4, 5, 20]] == pytest.approx([0.4, 0.45, 1.95])


def test_a_fault_on_an_output_is_what_all_see_and_a_temperature_drifts_in_kelvins(tmp_path: Path) -> None:
    text = reader("a") + reader("b").replace("[connect]", "").replace('"b.u" = "count.x"\n', "")
    text += """
[faults.cut]
on = "count.x"
kind = "stuck_at"
value = "1 km"
tick = 5
until_tick = 7
[faults.warm]
on = "count.celsius"
kind = "drift"
rate = "60 K/min"
from = "1 s"
[faults.counts]
on = "count.whole"
kind = "noise"
sigma = 3
from = 0
[faults.flipped]
on = "count.odd"
kind = "bit_flip"
bit = 0
from = "1 s"
"""
    signals = run(tmp_path, text).signals
    assert signals["count.x"][4:8].tolist() == [4, 1000, 1000, 7]
    assert signals["a.y"][5:9].tolist() == [4, 1000, 1000, 7]
    assert signals["count.celsius"][[9, 10, 20]] == pytest.approx([29, 30, 40 + 1.0])
    counts = signals["count.whole"]
    assert np.array_equal(counts, np.rint(counts)) and not np.array_equal(counts, np.arange(21))
    assert signals["count.odd"][9:12].tolist() == [True, True, False]


def test_missing_samples_are_told_by_a_flag_or_a_substitute(tmp_path: Path) -> None:
    lost = '[faults.lost]\non = "count.x"\nkind = "dropout"\nhold = "missing"\nfrom = "500 ms"\nduration = "200 ms"\n'
    flagged = run(tmp_path, lost + 'flag = "count.valid"').signals
    assert flagged["count.valid"][4:8].tolist() == [True, False, False, True]
    assert flagged["count.x"][4:8].tolist() == [4, 4, 4, 7]
    replaced = run(tmp_path, lost + 'substitute = "-1 m"').signals
    assert replaced["count.valid"].all()
    assert replaced["count.x"][4:8].tolist() == [4, -1, -1, 7]


def test_several_faults_act_in_the_order_of_their_kinds_whatever_the_order_in_the_file(
    tmp_path: Path,
) -> None:
    faults = [
        '[faults.a]\non = "r.u"\nkind = "saturate"\nmax = 20\nfrom = 0\n',
        '[faults.b]\non = "r.u"\nkind = "bias"\nvalue = 1\nfrom = 0\n',
        '[faults.c]\non = "r.u"\nkind = "gain"\nvalue = 10\nfrom = 0\n',
        '[faults.d]\non = "count.x"\nkind = "sign_flip"\nfrom = "1.5 s"\n',
    ]
    expected = np.minimum(10 * np.where(K < 15, K, -K) + 1, 20)
    digests = set()
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)):
        result = run(tmp_path, reader("r") + "".join(faults[i] for i in order))
        assert result.signals["r.y"][1:] == pytest.approx(expected)
        digests.add(result.digest)
    assert len(digests) == 1


def test_a_parameter_is_changed_and_comes_back(tmp_path: Path) -> None:
    text = """
[faults.short]
on = "count.by"
kind = "gain"
value = 3
from = "500 ms"
until = "700 ms"
[faults.loud]
on = "count.loud"
kind = "stuck_at"
value = true
from = "500 ms"
"""
    signals = run(tmp_path, text).signals
    assert signals["count.x"][[5, 6, 7, 8]].tolist() == [5, 8, 11, 12]
    assert signals["fault.short.after"][[5, 6, 7, 8]].tolist() == [1, 3, 3, 1]
    assert signals["fault.loud.after"][[5, 6]].tolist() == [0, 1]


@pytest.mark.parametrize("isolate", [False, True])
def test_a_paused_unit_and_a_frozen_one_differ_in_what_they_know_afterwards(
    tmp_path: Path, isolate: bool
) -> None:
    fault = '[faults.f]\non = "count"\nkind = "{}"\nfrom = "500 ms"\nuntil = "800 ms"\n'
    paused = run(tmp_path, fault.format("pause"), isolate=isolate).signals
    assert paused["count.x"][[5, 6, 8, 9]].tolist() == [5, 5, 5, 6]
    assert paused["count.stamp"][[8, 9]] == pytest.approx([0.5, 0.6])  # its time stood still with it
    frozen = run(tmp_path, fault.format("freeze"), isolate=isolate).signals
    assert frozen["count.x"][[4, 5, 7, 8, 9]].tolist() == [4, 4, 4, 8, 9]


@pytest.mark.parametrize(
    ("kind", "isolate", "says"),
    [
        ("kill", False, "it is dead (fault 'f')"),
        ("kill", True, "its worker process was killed by SIGKILL (fault 'f')"),
        ("hang", False, "it does not answer any more (fault 'f')"),
        ("hang", True, "it did not answer within 1 s (step_timeout) and was killed (fault 'f')"),
    ],
)
def test_a_dead_or_hung_unit_is_never_a_pass(tmp_path: Path, kind: str, isolate: bool, says: str) -> None:
    text = f'[faults.f]\non = "count"\nkind = "{kind}"\nfrom = "500 ms"\n'
    result = run(tmp_path, text, isolate=isolate, step_timeout=1.0)
    assert result.verdict == "error"
    assert says in result.reason
    assert result.tick == 5
