"""A hostile FMU beside one that is not: it may end its own run, and harm nothing and nobody else.

The table is in hostile_table.py, the FMU in fmu/hostile, the process in which all of it happens in hostile_host.py.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import fmu_build
from ahead import ahead, parameters_of
from command import started
from fmu_build import VARIANTS, build_fmu, description_text
from hostile_host import TICKS, write_scene
from hostile_state import can_deny_writing
from hostile_table import ROWS, Row
from line_process import LineProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the FMU is written for Linux")

HERE = Path(__file__).resolve().parent
THREE = ["segfault", "exit", "hang", "nan", "discard", "status_99", "log_null", "log_rubbish"]
# exit codes of `crumple run` with the FMU in its own process
COMMANDS = {
    "nothing": 0,
    "exit_handler": 4,
    "exit": 3,
    "_exit": 3,
    "segfault": 3,
    "close_files": 3,
}
IDS = [f"{row.command}{row.delay or ''}" for row in ROWS]


class Host:
    """The process of hostile_host.py, started anew whenever something has ended it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.good = str(build_fmu("plain2"))
        self.count = itertools.count()
        self.lines: LineProcess | None = None

    def ask(self, row: Row, *, fmi: int = 2, **more: Any) -> dict[str, Any]:
        """What came of a row. more: for the request."""
        command = f"{row.behaviour}:{row.moment}:3"
        start: dict[str, Any] = {"behaviour": row.behaviour, "moment": row.moment, "delay": row.delay}
        request = {
            "dut": str(build_fmu(f"hostile{fmi}")),
            "good": self.good,
            "start": {} if row.by_environment else start,
            "environment": {"CRUMPLE_HOSTILE": command} if row.by_environment else {},
            "folder": str(self.folder / str(next(self.count))),
            "step_timeout": 0.5 if "hang" in command or "step_timeout" in row.says else 5.0,
            "linger": 0.05 if "after_free" in command else 0.0,
            **more,
        }
        answer = self.running().ask(json.dumps(request))
        told: dict[str, Any] = json.loads(answer)
        return told

    def running(self) -> LineProcess:
        if self.lines is None or self.lines.process.poll() is not None:
            path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
            self.lines = LineProcess(
                HERE / "hostile_host.py",
                self.good,
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": path,
                    "OPENBLAS_NUM_THREADS": "1",
                    "CRUMPLE_CACHE": str(self.folder / "cache"),  # without certificates
                },
                start_new_session=True,
            )
        return self.lines

    def close(self) -> None:
        if self.lines is not None:
            self.lines.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


Told = Callable[[tuple[Row, bool]], dict[str, Any]]


@pytest.fixture(scope="module")
def told_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """What came of a row of the table, in a worker (True) or in the host's own process."""
    apart = test_in_a_worker_it_harms_only_itself.__name__

    def ask(host: Host, question: tuple[Row, bool]) -> dict[str, Any]:
        row, isolate = question
        patience = 0.3 if row.here == "waits" and not isolate else 20.0
        return host.ask(row, isolate=isolate, patience=patience)

    questions = [(parameters["row"], name == apart) for name, parameters in parameters_of(request)]
    hosts = [Host(tmp_path_factory.mktemp("hostile")) for _ in range(2)]
    with ahead(questions, ask, tools=hosts) as told:
        yield told
    for host in hosts:
        host.close()


def assert_says(told: dict[str, Any], text: str) -> None:
    """The reason of a verdict, or the warnings of a good run, match `text`."""
    said = [told["reason"]] if told["verdict"] != "pass" else told["warnings"]
    assert not text or any(re.search(text, line, re.DOTALL) for line in said), said


def assert_nothing_left(told: dict[str, Any]) -> None:
    """No process, no file, and the process as it was, but for the one thread that starts workers."""
    changed = dict(told["changed"])
    assert changed.pop("threads", [1, 2]) == [1, 2]
    assert (changed, told["processes"], told["files"]) == ({}, [], [])


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_in_a_worker_it_harms_only_itself(row: Row, told_of: Told) -> None:
    if row.behaviour in ("litter", "big_file") and not can_deny_writing():
        pytest.skip("this kernel has no Landlock")
    told = told_of((row, True))
    verdict = told["verdict"]
    assert verdict in (("pass", "error") if row.apart == "either" else (row.apart,)), told
    assert told["written"] == [verdict]
    assert told["ended"] == told["exit_code"] == {"pass": 0, "error": 4}[verdict]
    assert_says(told, row.says)
    assert told["right"] and told["good"]  # all that was recorded, of both units
    assert told["rows"] == TICKS + 1 or verdict == "error"
    assert_nothing_left(told)


@pytest.mark.parametrize("row", [r for r in ROWS if r.here != "skip"], ids=lambda r: r.command)
def test_in_this_process_there_is_no_false_verdict(row: Row, told_of: Told) -> None:
    told = told_of((row, False))
    if row.here in ("pass", "error"):
        assert (told["verdict"], told["written"]) == (row.here, [row.here]), told
        assert_says(told, row.says if row.here == row.apart else "")
        assert told["right"] and told["good"]
        assert set(told["changed"]) == row.leaves
    else:
        assert told["ended"] == (None if row.here == "waits" else row.here), told
        assert "pass" not in told["written"] or row.moment == "free"


def test_in_both_places_the_results_are_the_same_bits(host: Host) -> None:
    row = Row("nothing", "pass")
    digests = {host.ask(row, fmi=fmi, isolate=apart)["digest"] for fmi in (2, 3) for apart in (True, False)}
    assert len(digests) == 1 and digests != {""}


@pytest.mark.parametrize("command", THREE)
def test_with_fmi_3_it_is_the_same(command: str, host: Host) -> None:
    row = next(row for row in ROWS if row.command == command)
    told = host.ask(row, fmi=3, isolate=True)
    assert (told["verdict"], told["ended"]) == (row.apart, {"pass": 0, "error": 4}[row.apart]), told
    assert_says(told, row.says)
    assert told["right"] and told["good"]
    assert_nothing_left(told)


# ---- what a scene has no words for


@pytest.mark.parametrize("isolate", [True, False])
@pytest.mark.parametrize(
    ("behaviour", "text"), [("null_string", ""), ("bad_string", "\ufffd\ufffd\ufffd("), ("nothing", "step 8")]
)
def test_a_text_that_is_none_is_harmless(behaviour: str, text: str, isolate: bool, host: Host) -> None:
    told = host.ask(Row(behaviour, "pass"), isolate=isolate, world=True)
    assert (told["verdict"], told["text"], told["right"]) == ("pass", text, True), told


STATES = ["nothing", "state_partial", "state_forgets", "state_null", "state_size", "state_huge"]
SAVES = ["segfault:save", "hang:save", "error:save", "exit:save"]


@pytest.mark.parametrize(
    ("command", "isolate"),
    [*itertools.product(STATES, (True, False)), *itertools.product(SAVES, (True,))],
)
def test_a_snapshot_is_right_whatever_the_fmu_says_of_its_state(
    command: str, isolate: bool, host: Host
) -> None:
    told = host.ask(Row(command, "pass"), isolate=isolate, world=True, save=2, restore=5)
    assert (told["verdict"], told["right"], told["good"]) == ("pass", True, True), told
    assert_nothing_left(told)


@pytest.mark.parametrize(
    ("behaviour", "limits", "says"),
    [
        ("allocate", {"memory": 256 << 20}, "was killed by SIGSEGV"),  # it writes where it got nothing
        ("leak_fast", {"memory": 256 << 20}, "it returned an error"),
        ("big_file", {"file_size": 1 << 20, "write": True}, "it returned an error"),
        ("socket", {"network": False}, "it returned an error"),
        ("sibling", {"processes": True}, "it returned an error"),  # a child of the host is none of its own
    ],
)
def test_a_worker_has_limits(behaviour: str, limits: dict[str, Any], says: str, host: Host) -> None:
    told = host.ask(Row(behaviour, "error"), isolate=True, world=True, add={"limits": limits})
    assert (told["verdict"], told["right"], told["good"]) == ("error", True, True), told
    assert_says(told, says)
    assert told["processes"] == []
    assert all(size <= limits.get("file_size", 0) for size in told["sizes"])


@pytest.mark.parametrize("behaviour", ["child", "daemon", "children"])
def test_what_it_may_start_is_ended_with_it(behaviour: str, host: Host) -> None:
    limits = {"processes": True}
    told = host.ask(Row(behaviour, "pass"), isolate=True, world=True, add={"limits": limits})
    assert (told["verdict"], told["right"], told["good"]) == ("pass", True, True), told
    assert_nothing_left(told)


# ---- the host dies


@pytest.mark.parametrize("behaviour", ["hang", "stop_self", "cling"])
def test_a_worker_ends_with_a_host_that_is_killed(behaviour: str, host: Host) -> None:
    told = host.ask(Row(behaviour, "error"), isolate=True, patience=0.8, step_timeout=30.0)
    assert (told["ended"], told["written"]) == (None, ["inconclusive"])  # killed in the middle of a step
    assert (told["processes"], told["files"]) == ([], [])


def test_a_worker_may_be_killed_at_any_moment(host: Host) -> None:
    told = host.ask(Row("nothing", "error"), isolate=True, kills=20, seed=1)
    assert told["right"], told
    assert len(told["reasons"]) == 20
    assert max(told["ticks"]) > 0
    for reason in told["reasons"]:
        assert re.search(
            r"unit 'dut' failed in \w+ at t = .* its worker process was killed by SIGKILL$", reason
        )
    assert_nothing_left(told)


@pytest.mark.parametrize("by", ["", "_thread", "_limit", "_owner"])
def test_it_cannot_kill_its_host(by: str, host: Host) -> None:
    told = host.ask(Row(f"kill_parent{by}", "pass"), isolate=True)
    assert (told["verdict"], told["ended"], told["right"]) == ("pass", 0, True), told
    assert_nothing_left(told)


# ---- the command line, with the FMU in its own process


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, list[str]]]:
    """Exit code, standard error and written verdicts of `crumple run --no-isolate`, by behaviour."""
    top = tmp_path_factory.mktemp("commands")

    def run(behaviour: str) -> tuple[int, str, list[str]]:
        folder = top / behaviour
        folder.mkdir()
        start = {"behaviour": behaviour.partition(":")[0], "moment": behaviour.partition(":")[2] or "step"}
        request = {"dut": str(build_fmu("hostile2")), "good": str(build_fmu("plain2")), "start": start}
        scene = write_scene(request, folder / "scene.toml")
        shown = started("run", scene, "--no-isolate", cwd=folder)
        written = [json.loads(p.read_text())["verdict"] for p in folder.glob("runs/*/verdict.json")]
        return shown.code, shown.err, written

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(COMMANDS, pool.map(run, COMMANDS), strict=True))


@pytest.mark.parametrize("behaviour", COMMANDS)
def test_no_fmu_makes_the_command_end_with_the_exit_code_of_a_pass(
    behaviour: str, commands: dict[str, tuple[int, str, list[str]]]
) -> None:
    code, stderr, written = commands[behaviour]
    assert code == COMMANDS[behaviour], stderr
    assert ("pass" in written) == (code == 0)


def test_the_description_is_that_of_the_registry() -> None:
    text = fmu_build.HOSTILE.read_text(encoding="utf-8")
    assert text == description_text(VARIANTS["hostile2"]), "run: python tests/fmu_build.py --write"


def test_every_behaviour_is_described_and_tested() -> None:
    folder = fmu_build.HOSTILE.parent
    known = set(re.findall(r'^    \{"(\w+)", ', (folder / "behaviour.h").read_text(), re.MULTILINE))
    assert len(known) > 60
    described = set(re.findall(r"`(\w+)`", (folder / "README.md").read_text()))
    assert known <= described
    tests = Path(__file__).read_text() + (HERE / "hostile_table.py").read_text()
    tested = set(re.findall(r'"(\w+)[":]', tests)) | {
        name for name in known if name.startswith("kill_parent")
    }
    assert known <= tested
