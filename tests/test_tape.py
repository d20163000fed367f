"""Tapes: made of measurements, kept with their units of measure, refused where they are not as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.cli.app import invoke
from crumple.errors import UsageError
from crumple.live.plan import Channel
from crumple.tape import Tape
from crumple.tape_csv import read_csv


def small() -> Tape:
    """Four rows, 1 ms apart, of all three kinds."""
    return Tape.from_arrays(
        [0.0, 0.001, 0.002, 0.003],
        {
            "acceleration": [0.0, -10.0, -20.0, -30.0],
            "worn": [True, True, False, False],
            "count": [0, 1, 2, 2**53],
        },
        si={"acceleration": "m/s^2"},
        kinds={"worn": "boolean", "count": "integer"},
        sensor="front",
        source="by hand",
    )


# -- as a file --------------------------------------------------------------------------------------------------


def test_a_tape_is_a_numpy_file_with_its_units_of_measure_in_the_titles(tmp_path: Path) -> None:
    small().save(tmp_path / "front.npy")
    array = np.load(tmp_path / "front.npy")
    assert array.dtype.names == ("t", "acceleration", "worn", "count")
    assert array["acceleration"].tolist() == [0.0, -10.0, -20.0, -30.0]
    assert array.dtype.fields["acceleration"][2] == "acceleration [m/s^2]"  # type: ignore[index]
    assert json.loads(array.dtype.fields["t"][2])["sensor"] == "front"  # type: ignore[index]


def test_what_was_saved_is_what_is_loaded(tmp_path: Path) -> None:
    saved = small()
    saved.save(tmp_path / "front.npy")
    loaded = Tape.load(tmp_path / "front.npy")
    assert (loaded.sensor, loaded.source) == ("front", "by hand")
    assert loaded.channels() == saved.channels()
    assert loaded.channels()[1] == Channel(name="worn", kind="boolean")
    assert loaded.t.tobytes() == saved.t.tobytes()
    assert loaded.rows()[0] == ("acceleration", "worn", "count")
    assert loaded.rows()[1].tobytes() == saved.rows()[1].tobytes()
    assert [path.name for path in tmp_path.iterdir()] == ["front.npy"]


def test_a_unit_of_measure_that_is_not_ascii_survives(tmp_path: Path) -> None:
    tape = Tape.from_arrays([0.0], {"heat": [20.5]}, si={"heat": "°C"}, source="Öl")
    tape.save(tmp_path / "heat.npy")
    assert Tape.load(tmp_path / "heat.npy").channels()[0].si == "°C"


def test_no_changed_byte_of_a_tape_is_served(tmp_path: Path) -> None:
    path = tmp_path / "front.npy"
    small().save(path)
    whole = path.read_bytes()
    served = []
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            tape = Tape.load(path)
        except UsageError:
            continue
        served.append(place)  # only where it means the same, such as blanks that fill the header
        assert tape.rows()[1].tobytes() == small().rows()[1].tobytes()
        assert (tape.channels(), tape.sensor, tape.source) == (small().channels(), "front", "by hand")
    assert len(served) < 10


@pytest.mark.parametrize("kept", [0, 5, 60, -33, -8, -1])
def test_a_tape_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "front.npy"
    small().save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UsageError, match=r"front\.npy is no tape, or was cut off"):
        Tape.load(path)


def test_bytes_after_the_last_row_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "front.npy"
    small().save(path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(UsageError, match="damaged"):
        Tape.load(path)


@pytest.mark.parametrize(
    ("array", "fact"),
    [
        (np.zeros(3), 'its first field is no "t"'),
        (np.zeros(3, [("t", "<f8"), ("a", "<f4")]), "a field is no double"),
        (np.zeros(3, [("t", "<f8"), ("a", "<f8")]), "does not say what was measured"),
    ],
)
def test_another_numpy_file_is_no_tape(tmp_path: Path, array: Any, fact: str) -> None:
    np.save(tmp_path / "other.npy", array)
    with pytest.raises(UsageError, match=fact):
        Tape.load(tmp_path / "other.npy")


def test_more_channels_than_numpy_reads_are_refused_before_a_file_is_there(tmp_path: Path) -> None:
    many = Tape.from_arrays([0.0], {f"channel_number_{n}": [0.0] for n in range(300)})
    with pytest.raises(UsageError, match="300 channels are more than"):
        many.save(tmp_path / "many.npy")
    assert list(tmp_path.iterdir()) == []


# -- from arrays ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("t", "values", "options", "fact"),
    [
        ([0.0, 1.0, 0.5], {"a": [0, 0, 0]}, {}, "row 3 of the tape: time goes back, from 1.0 s to 0.5 s"),
        ([0.0, 1.0, 1.0], {"a": [0, 0, 0]}, {}, "row 3 of the tape: time stands still"),
        ([0.0, np.nan], {"a": [0, 0]}, {}, "row 2 of the tape: its time is nan"),
        ([0.0, 1.0], {"a": [0.0, np.inf]}, {}, r'"a", row 2 \(t = 1 s\): inf is not a finite number'),
        ([0.0, 1.0], {"a": [1.0]}, {}, 'channel "a" has 1 values, and t has 2'),
        ([], {"a": []}, {}, "has no row"),
        ([0.0], {}, {}, "has no channel"),
        ([0.0], {"a": ["x"]}, {}, '"a" is no column of numbers'),
        ([0.0], {"a": [[1.0]]}, {}, '"a" is no column of numbers'),
        ([0.0], {"a": [2**60 + 1]}, {}, "beyond 2"),
        ([0.0], {"t": [1.0]}, {}, '"t" is the time'),
        ([0.0], {"a.b": [1.0]}, {}, "letters, digits"),
        ([0.0], {"a": [1.0]}, {"si": {"b": "m"}}, 'has no channel "b"'),
        ([0.0], {"a": [1.0]}, {"si": {"a": "blorp"}}, "Unknown unit of measure 'blorp'"),
        ([0.0], {"a": [0.5]}, {"kinds": {"a": "boolean"}}, "0.5 is not 0 or 1"),
        ([0.0], {"a": [0.5]}, {"kinds": {"a": "integer"}}, "0.5 is not whole"),
        ([0.0], {"a": [0.5]}, {"kinds": {"a": "text"}}, 'its kind is "text"'),
        ([0.0], {"a": [0.5]}, {"sensor": "my sensor"}, "no name of a sensor"),
    ],
)
def test_what_is_no_tape_is_refused_with_its_place(t: Any, values: Any, options: Any, fact: str) -> None:
    with pytest.raises(UsageError, match=fact):
        Tape.from_arrays(t, values, **options)


def test_a_cut_keeps_both_ends_and_counts_time_from_its_beginning() -> None:
    cut = small().cut(since=0.001, until=0.002, zero=True)
    assert cut.t.tolist() == [0.0, 0.001]
    assert cut.rows()[1][:, 0].tolist() == [-10.0, -20.0]
    with pytest.raises(UsageError, match="it goes from 0 s to 3 ms"):
        small().cut(since=0.0031)


def test_resampling_draws_straight_lines_for_reals_and_holds_the_others() -> None:
    finer = small().resampled(Fraction(1, 2000))
    assert finer.t.tolist() == [n / 2000 for n in range(7)]
    assert finer.rows()[1][:, 0] == pytest.approx([0, -5, -10, -15, -20, -25, -30], rel=1e-12)
    assert finer.rows()[1][:, 1].tolist() == [1, 1, 1, 1, 0, 0, 0]


def test_resampling_to_its_own_rate_changes_no_bit() -> None:
    t = np.arange(1000) / 10_000 - 0.05
    noisy = Tape.from_arrays(t, {"a": np.random.default_rng(1).normal(size=1000)})
    assert noisy.resampled(Fraction(1, 10_000)).rows()[1].tobytes() == noisy.rows()[1].tobytes()


# -- from CSV ---------------------------------------------------------------------------------------------------


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "crash.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_columns_become_channels_in_the_unit_that_is_asked_for(csv: Callable[[str], Path]) -> None:
    file = csv("t (ms),ax (g),belt\n0,1.0,true\n1,-2.5,false\n")
    tape = read_csv(
        file,
        time="t (ms)[ms]",
        channels={"acceleration[m/s^2]": "ax (g)[g]", "raw": "ax (g)[g]", "worn[boolean]": "belt"},
        sensor="front",
    )
    assert tape.t.tolist() == [0.0, 0.001]
    assert tape.rows()[1].tolist() == [[9.80665, 1.0, 1.0], [-2.5 * 9.80665, -2.5, 0.0]]
    assert [(each.si, each.kind) for each in tape.channels()] == [
        ("m/s^2", "real"),
        ("g", "real"),
        ("1", "boolean"),
    ]
    assert (tape.sensor, tape.source) == ("front", "crash.csv")


def test_a_sensor_that_was_mounted_the_other_way_round_is_scaled(csv: Callable[[str], Path]) -> None:
    tape = read_csv(csv("t,a\n0,1\n1,2\n"), time="t", channels={"a": "a"}, scale={"a": -0.5})
    assert tape.rows()[1][:, 0].tolist() == [-0.5, -1.0]


@pytest.mark.parametrize("sign", [",", ";", "\t", " "])
def test_columns_without_names_are_counted(csv: Callable[[str], Path], sign: str) -> None:
    tape = read_csv(csv(f"0{sign}7\n0.5{sign}8\n"), time="1", channels={"a": "2"})
    assert (tape.t.tolist(), tape.rows()[1][:, 0].tolist()) == ([0.0, 0.5], [7.0, 8.0])


def test_rows_without_a_time_are_counted_at_their_rate(csv: Callable[[str], Path]) -> None:
    tape = read_csv(csv("a\n5\n6\n7\n"), rate="10 kHz", channels={"a": "a"})
    assert tape.t.tolist() == [0.0, 1e-4, 2e-4]


def test_a_time_and_a_rate_resample(csv: Callable[[str], Path]) -> None:
    tape = read_csv(csv("t,a\n0,0\n0.3,3\n0.4,4\n"), time="t", rate="10 Hz", channels={"a": "a"})
    assert tape.t == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert tape.rows()[1][:, 0] == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("text", "options", "fact"),
    [
        ("t,a\n0,1\n1,nan\n", {}, r'crash\.csv:3: column "a" has "nan", where a finite number is wanted'),
        ("t,a\n0,1\n1,\n", {}, r'crash\.csv:3: column "a" has nothing'),
        ("t,a\n0,1\n\n1,x\n", {}, r'crash\.csv:4: column "a" has "x"'),
        ("t,a\n0,1\n1,2,3\n", {}, r"crash\.csv:3: the row has 3 values, and there are 2 columns"),
        ("t,a\n1,1\n0.5,2\n", {}, r"crash\.csv:3: the time goes back, from 1\.0 s to 0\.5 s"),
        ("t,a\n1,1\n1,2\n", {}, r"crash\.csv:3: the time is that of the row before"),
        ("t,a\n", {}, r"crash\.csv: there is no row of values"),
        ("", {}, r"crash\.csv is empty"),
        ("time,a\n0,1\n", {}, r'has no column "t"\. There are: time, a\.'),
        ("t,acc\n0,1\n", {"channels": {"a": "ac[g]"}}, r'has no column "ac"\. Did you mean "acc"\?'),
        ("t,a,a\n0,1,2\n", {}, 'two columns called "a"'),
        ("t,a\n0,1\n", {"channels": {"a": "a[blorp]"}}, 'column "a": Unknown unit of measure'),
        ("t,a\n0,1\n", {"channels": {"a[m]": "a[g]"}}, "'g' is an acceleration, 'm' is a length"),
        ("t,a\n0,1\n", {"channels": {"age": "a"}}, "every sensor has an output of that name"),
        ("t,a\n0,0.5\n", {"channels": {"on[boolean]": "a"}}, "0.5 is not 0 or 1"),
        ("t,a\n0,1\n", {"time": None}, "name the column with --time, or give the rate"),
        ("t,a\n0,1\n", {"rate": "fast"}, 'the rate "fast" is none'),
        ("t,a\n0,1\n", {"scale": {"b": 2.0}}, 'the scale of "b" fits no channel'),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(
    csv: Callable[[str], Path], text: str, options: dict[str, Any], fact: str
) -> None:
    with pytest.raises(UsageError, match=fact):
        read_csv(csv(text), **{"time": "t", "channels": {"a": "a"}, **options})


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"t,a\n\xff\xfe,1\n")
    with pytest.raises(UsageError, match=r"x\.csv is no CSV file"):
        read_csv(tmp_path / "x.csv", time="t", channels={"a": "a"})


# -- the command ------------------------------------------------------------------------------------------------


def test_the_command_makes_shows_and_cuts_tapes(
    csv: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = csv("t,ax\n" + "".join(f"{n / 1000},{n}\n" for n in range(101)))
    made, part = tmp_path / "front.npy", tmp_path / "part.npy"
    asked = ["tape", "from-csv", str(file), str(made), "--time", "t", "--channel", "a[m/s^2]=ax[g]"]
    assert invoke([*asked, "--scale", "a=-1", "--sensor", "front"]) == 0
    assert invoke(["tape", "cut", str(made), str(part), "--from", "10 ms", "--until", "20 ms", "--zero"]) == 0
    capsys.readouterr()
    assert invoke(["tape", "info", str(made)]) == 0
    shown = capsys.readouterr().out
    assert "sensor front" in shown
    assert "101 samples · t = 0 to 100 ms · 1,000 Hz · from crash.csv" in shown
    assert "-980.7" in shown
    assert Tape.load(part).t[[0, -1]].tolist() == pytest.approx([0.0, 0.01])
    assert Tape.load(part).rows()[1][0, 0] == -10 * 9.80665


def test_a_wrong_call_makes_no_tape_and_ends_with_2(
    csv: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = csv("t,a\n0,1\n"), tmp_path / "out.npy"
    asked = ["tape", "from-csv", str(file), str(out), "--time", "t"]
    wrong = (["--channel", "a"], ["--channel", "a=b"], ["--channel", "a=a", "--channel", "a=a"], [])
    for options in (*wrong, ["--channel", "a=a", "--scale", "a=x"], ["--channel", "a=a", "--from", "soon"]):
        assert invoke([*asked, *options]) == 2
    assert invoke(["tape", "info", str(out)]) == 2
    assert not out.exists()
    assert "Traceback" not in capsys.readouterr().err
