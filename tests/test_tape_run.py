"""What was done by hand in a run is read line by line, and rubbish is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from crumple.errors import UsageError
from crumple.seal import seal
from crumple.tape import Command
from crumple.tape_run import read_commands


def commands_in(folder: Path, *lines: str) -> Path:
    (folder / "commands.jsonl").write_text("".join(lines))
    return folder


def test_commands_are_read_line_by_line_and_one_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    lines = ['{"tick": 3, "do": "inject", "fault": "stuck"}\n', '{"tick": 3, "do": "clear", "fault": "stu']
    assert read_commands(commands_in(tmp_path, *lines), last=10) == (
        Command(3, "inject", {"fault": "stuck"}),
    )
    assert read_commands(commands_in(tmp_path), last=10) == ()


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("rubbish", r"commands\.jsonl:2: this is no JSON"),
        ("[]", r"commands\.jsonl:2: this is no command"),
        ('{"tick": "3", "do": "set"}', "its tick, '3', is none"),
        ('{"tick": -3, "do": "set"}', "its tick, -3, is none"),
        ('{"tick": true, "do": "set"}', "its tick, True, is none"),
        ('{"tick": 3, "do": "format"}', "'format' is no command; there are set, inject, arm, clear"),
        ('{"tick": 2, "do": "set"}', "its tick 2 is before 3"),
        ("[" * 100_000, "this is no JSON"),
        ("\0\xff", "this is no JSON"),
    ],
)
def test_rubbish_among_the_commands_is_refused_with_its_line(tmp_path: Path, line: str, fact: str) -> None:
    folder = commands_in(tmp_path, '{"tick": 3, "do": "clear", "fault": "stuck"}\n', line + "\n")
    with pytest.raises(UsageError, match=fact):
        read_commands(folder, last=10)


def test_in_a_sealed_run_every_line_must_be_whole_and_of_its_time(tmp_path: Path) -> None:
    folder = commands_in(tmp_path, '{"tick": 30, "do": "set", "name": "a.b", "value": 1}\n', '{"tick": 31')
    seal(folder)
    with pytest.raises(UsageError, match=r"commands\.jsonl:2: the line is cut off, and the run has a seal"):
        read_commands(folder, last=40)
    (folder / "commands.jsonl").write_text((folder / "commands.jsonl").read_text().replace("30", "31"))
    with pytest.raises(UsageError, match="is not as it was sealed"):
        read_commands(folder, last=40)
    (folder / "commands.jsonl").unlink()
    with pytest.raises(UsageError, match=r"it has no commands\.jsonl"):
        read_commands(folder, last=40)


def test_a_command_after_the_end_counts_only_where_a_kill_explains_it(tmp_path: Path) -> None:
    folder = commands_in(tmp_path, '{"tick": 30, "do": "set", "name": "a.b", "value": 1}\n')
    assert read_commands(folder, last=29) == ()
    seal(folder)
    with pytest.raises(UsageError, match="its tick 30 is after the end of the run, 29"):
        read_commands(folder, last=29)
