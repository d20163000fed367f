"""Vetting: which row each misbehaviour gets, what the certificate says, and what a world makes of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from ahead import ahead, parameters_of
from crumple import _core
from crumple.certificate import Certificate, certificate_of, certificate_path, certificates, machine
from crumple.cli.app import invoke
from crumple.errors import FmuError, UsageError
from crumple.fmu import Fmu
from crumple.vetting import VettingError, vet
from crumple.vetting.bench import Bench
from crumple.vetting.process import children_of
from crumple.vetting.state import difference
from crumple.world import World
from fmu_build import build_fmu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="vetting needs Linux")

DIED = r"step 3 \(t = 0\.25 s\): its process "


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this module's own: a certificate must not reach other tests."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRUMPLE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as shared:
        yield shared


def vetted(name: str, bench: Bench, *, timeout: float = 5.0) -> Certificate:
    return vet(build_fmu(name), budget=5.0, step_timeout=timeout, bench=bench)


class Hostile(Bench):
    """A bench whose FMUs do what they are told, each bench's something else."""

    command = ""

    def _ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        request["environment"]["CRUMPLE_HOSTILE"] = self.command
        return super()._ask(request)


@pytest.fixture(scope="module")
def certificate_of_row(
    request: pytest.FixtureRequest, cache: Path
) -> Iterator[Callable[[tuple[str, str]], Certificate]]:
    """The certificate of an FMU that does what a command says."""

    def ask(bench: Hostile, question: tuple[str, str]) -> Certificate:
        name, bench.command = question
        return vetted(name, bench)

    rows = [(asked["name"], asked["command"]) for _, asked in parameters_of(request)]
    with Hostile() as one, Hostile() as two, ahead(rows, ask, tools=[one, two]) as certificate:
        yield certificate


@pytest.fixture(scope="module")
def plain(bench: Bench) -> Certificate:
    return vetted("plain2", bench)


def fact(certificate: Certificate, name: str) -> str:
    check = certificate.check(name)
    assert check is not None
    return f"{check.result}: {check.fact}"


# -- a good one -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain2", "plain3"])
def test_an_fmu_that_behaves_is_clean_and_a_world_takes_it_in(name: str, bench: Bench) -> None:
    unvetted = World("10 ms")
    unvetted.add("unit", Fmu(build_fmu(name)))
    assert unvetted.isolated() == {"unit": True}
    certificate = vetted(name, bench)
    assert certificate.clean
    assert certificate.bad == []
    assert (certificate.state, certificate.serialize) == ("exact", "exact")
    world = World("10 ms")
    world.add("unit", Fmu(build_fmu(name)))
    assert world.isolated() == {"unit": False}
    world.reset()
    world.step(5)
    snapshot = world.snapshot()
    world.step(5)
    once = world.digest()
    world.restore(snapshot)
    world.step(5)
    assert world.digest() == once
    assert fact(certificate, "default experiment") == "good: 1 s in 8 steps of 125 ms"
    assert fact(certificate, "half the step").startswith(
        "note: 16 steps of 62.5 ms; n differs by up to 114 %"
    )
    assert fact(certificate, "steps of 1 ms").startswith("note: 1,000 steps of 1 ms")
    assert fact(certificate, "repeatability") == "good: 8 steps, the same bits in a second process"
    assert fact(certificate, "worker") == "good: in a worker process: the same bits over 8 steps"
    assert fact(certificate, "tunable parameters") == "good: 1 set between steps"
    assert fact(certificate, "state").startswith(
        "good: restored after step 2, 6 steps are the same bits, twice"
    )
    assert fact(certificate, "memory") == "good: does not grow over 100,000 steps"
    assert 0 < certificate.cost < 1e-3


def test_a_certificate_says_of_what_it_is(plain: Certificate) -> None:
    archive = Fmu(build_fmu("plain2")).archive
    assert plain.sha256 == archive.sha256
    assert plain.name == "plain2.fmu"
    assert plain.crumple == _core.__version__
    assert plain.machine == machine()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", plain.date)
    assert plain.step == 0.125
    assert certificate_of(archive.sha256) == plain
    assert plain in certificates()


def apart(name: str) -> bool:
    """Whether a world that is told nothing runs this FMU in a worker process."""
    world = World("10 ms")
    world.add("unit", Fmu(build_fmu(name)))
    return world.isolated()["unit"]


@pytest.mark.parametrize(
    "other", [{"crumple": "0.0.9"}, {"crumple": "99.1.0"}, {"machine": "Plan9 vax"}, {"sha256": "0" * 64}]
)
def test_a_certificate_of_another_version_machine_or_file_does_not_count(
    other: dict[str, str], plain: Certificate
) -> None:
    path = certificate_path(plain.sha256)
    before = path.read_bytes()
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(plain, **other)))
    try:
        assert certificate_of(plain.sha256) is None
        assert apart("plain2")
    finally:
        path.write_bytes(before)


def test_a_later_patch_of_the_same_version_does_not_void_a_certificate(plain: Certificate) -> None:
    major, minor = _core.__version__.split(".")[:2]
    path = certificate_path(plain.sha256)
    before = path.read_bytes()
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(plain, crumple=f"{major}.{minor}.99")))
    assert certificate_of(plain.sha256) is not None
    path.write_bytes(before)


def test_adding_a_unit_reads_its_certificate_once(
    plain: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what is decided about a unit has one ground, also where its vetting ends meanwhile."""
    read: list[Path] = []
    real = Path.read_bytes
    path = certificate_path(plain.sha256)
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or real(path))
    model = Fmu(build_fmu("plain2"))
    world = World("10 ms")
    for number, options in enumerate(({}, {"isolate": True}, {"isolate": False}), start=1):
        world.add(f"unit{number}", model, **options)
        assert read.count(path) == number


def test_a_certificate_counts_as_it_is_now(plain: Certificate) -> None:
    """What was read of it before does not: the times of a file do not show a change within some milliseconds."""
    path = certificate_path(plain.sha256)
    before = path.read_bytes()
    other = before.replace(plain.sha256.encode(), b"0" * 64)
    for _ in range(20):
        path.write_bytes(before)
        assert certificate_of(plain.sha256) == plain
        path.write_bytes(other)
        assert certificate_of(plain.sha256) is None
    path.write_bytes(before)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"sha256": 1}', b"[]"])
def test_a_damaged_certificate_is_none(content: bytes, plain: Certificate) -> None:
    path = certificate_path(plain.sha256)
    before = path.read_bytes()
    path.write_bytes(content)
    assert certificate_of(plain.sha256) is None
    path.write_bytes(before)


def test_vetting_leaves_nothing_behind_but_the_certificate(tmp_path: Path, cache: Path) -> None:
    scratch = Path(tempfile.gettempdir())
    before, children = set(scratch.glob("crumple-vet-*")), set(children_of(os.getpid()))
    folder = os.getcwd()
    vet(build_fmu("plain3"), budget=2.0)
    assert set(scratch.glob("crumple-vet-*")) <= before
    assert set(children_of(os.getpid())) <= children
    assert os.getcwd() == folder
    assert all(path.suffix == ".certificate" for path in (cache / "certificates").iterdir())


def test_an_fmu_on_trial_writes_and_kills_nowhere_else(tmp_path: Path) -> None:
    """What confines it is tried alone: an FMU that is stopped by it tells nobody."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.write_text("whole")
    code = f"""
import ctypes, os, signal
from crumple.vetting.confine import confine
if ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) < 6:
    raise SystemExit(77)
confine({str(inside)!r})
open({str(inside / "file")!r}, "w").close()
open("/dev/null", "w").close()
for harm in (
    lambda: open({str(outside)!r}, "w"),
    lambda: os.remove({str(outside)!r}),
    lambda: os.mkdir({str(tmp_path / "folder")!r}),
    lambda: os.kill(os.getppid(), signal.SIGTERM),
):
    try:
        harm()
    except PermissionError:
        continue
    raise SystemExit(1)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    if done.returncode == 77:
        pytest.skip("the kernel knows no Landlock, or only a part of it")
    assert done.returncode == 0
    assert outside.read_text() == "whole"
    assert (inside / "file").exists()


# -- one row a misbehaviour -----------------------------------------------------------------------------------------

# name, CRUMPLE_HOSTILE: every row that is bad, and what it says
BAD: list[tuple[str, str, dict[str, str]]] = [
    ("step_exit2", "", {"default experiment": DIED + "ended with exit code 0$"}),
    ("step_segfault3", "", {"default experiment": DIED + r"was killed by SIGSEGV \(segmentation fault\)$"}),
    ("init_error2", "", {"call sequences": "fmi2ExitInit.* an error", "default experiment": "no consistent"}),
    ("no_instance3", "", {"call sequences": "no instance", "default experiment": "no licence today"}),
    ("nan_output3", "", {"outputs": r"^y at t = 0\.375 s: the value is NaN"}),
    ("step_traps2", "", {"floating point": "exception mask"}),
    ("step_chdir2", "", {"working folder": r"^changed to / \(step 3\)$"}),
    ("takes_gil2", "", {"interpreter": "calls Python"}),
    (
        "lying_state2",
        "",
        {"state": "it lies.*n is 15 instead of 3", "state as bytes": "it lies.*another process"},
    ),
    ("hostile3", "state_null", {"state": "null pointer", "state as bytes": "could not be saved"}),
    ("hostile2", "locale", {"locale": r"^changed: LC_\w+ .* → .*\(step 3\)$"}),
    ("hostile2", "umask", {"environment": r"^umask \d+ → 0777 \(step 3\)$"}),
    ("hostile2", "handlers", {"signals": "handled: SIGHUP"}),
    ("hostile2", "block_signals", {"signals": "blocked: SIGHUP"}),
    ("hostile2", "thread", {"threads": r"^1 thread left behind \(freeing\)$"}),
    ("hostile2", "socket", {"open files": "^left open: socket"}),
    ("hostile2", "close_files", {"open files": "^closed, which are not its own: 0, 1, 2"}),
    ("hostile2", "truncate_files", {"open files": "^it cut a file that another part"}),
    # a worker may not start another process, and the FMU takes that for an error
    ("hostile2", "daemon", {"processes": "^1 process left behind", "worker": "it returned an error"}),
    ("hostile2", "litter", {"written files": r"^hostile-was-here, \$TMPDIR/hostile-was-here; in a worker"}),
    ("hostile2", "leak", {"memory": r"^grows by 1,0\d\d,\d{3} bytes a step"}),
    ("hostile2", "exit_handler:free", {"process exit": "^when its process ends: .* exit code 0 instead of"}),
    ("hostile2", "kill_parent", {"default experiment": "it ended the process that had started it"}),
    ("hostile3", "scribble", {"default experiment": "it overwrote memory"}),
    ("hostile2", "flush_to_zero:load", {"floating point": "flush-to-zero"}),
    (
        "hostile2",
        "exit:load",
        {check: "ended with exit code 0" for check in ("loading", "call sequences", "default experiment")},
    ),
    (
        "hostile2",
        "abort:terminate",
        {check: "killed by SIGABRT" for check in ("call sequences", "default experiment")},
    ),
]


@pytest.mark.parametrize(("name", "command", "bad"), BAD, ids=[f"{n}-{c}".strip("-") for n, c, _ in BAD])
def test_a_misbehaviour_is_a_row_of_its_own(
    name: str, command: str, bad: dict[str, str], certificate_of_row: Callable[[tuple[str, str]], Certificate]
) -> None:
    certificate = certificate_of_row((name, command))
    found = {check.name: check.fact for check in certificate.bad}
    assert set(found) == set(bad), found
    for check, pattern in bad.items():
        assert re.search(pattern, found[check]), found[check]
    assert not certificate.clean
    assert apart(name)


def test_a_hang_costs_two_waits_and_what_comes_before_it_is_vetted(bench: Bench) -> None:
    certificate = vetted("step_hang2", bench, timeout=1.0)
    assert [check.name for check in certificate.bad] == ["default experiment"]
    assert certificate.bad[0].fact == (
        "step 3 (t = 0.25 s): it did not answer within 1 s (step_timeout) and was killed"
    )
    assert fact(certificate, "half the step").startswith("skipped: not tried")
    assert fact(certificate, "reset").endswith("the same bits over 2 steps")
    assert fact(certificate, "locale") == "good: left as it was"
    assert certificate.state == "unknown"  # two steps are no proof


@pytest.mark.parametrize(
    ("name", "command", "check", "said"),
    [
        ("prints2", "", "printed output", r"note: \d+ bytes; in the world's process they go to the screen"),
        ("step_warning3", "", "warnings", "note: fmi3DoStep returned a warning"),
        ("step_terminate3", "", "default experiment", r"note: it asks for the end at t = 0\.375 s"),
        ("constant_step2", "", "half the step", "note: 5 ms: fmi2DoStep .*it says that it cannot vary"),
        ("no_end3", "", "state", "note: it does not offer to save it"),
        ("once_per_process3", "", "instances", "good: two in one process, each with a library of its own"),
        ("xml_no_default_experiment2", "", "default experiment", "note: it states none; 1 s in 1,000 steps"),
        ("xml_undefined_unit2", "", "description", "note: .*kN"),
    ],
)
def test_what_harms_nobody_is_a_note_and_the_fmu_is_clean(
    name: str,
    command: str,
    check: str,
    said: str,
    certificate_of_row: Callable[[tuple[str, str]], Certificate],
) -> None:
    certificate = certificate_of_row((name, command))
    assert certificate.clean, certificate.bad
    assert re.match(said, fact(certificate, check)), fact(certificate, check)


def test_instances_that_share_their_values_are_found_out(bench: Bench, tmp_path: Path) -> None:
    """An FMU that says nothing of it: with what it declares each would have a library of its own."""
    path = tmp_path / "shared.fmu"
    with zipfile.ZipFile(build_fmu("shared_state2")) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == "modelDescription.xml":
                content, count = re.subn(rb' canBeInstantiatedOnlyOncePerProcess="true"', b"", content)
                assert count == 1
            new.writestr(member, content)
    certificate = vet(path, budget=5.0, bench=bench)
    assert fact(certificate, "instances") == "bad: two in one process give other results than one alone"
    assert not certificate.clean


@pytest.mark.parametrize(
    ("change", "grade"),
    [(0.0, "exact"), (1e-9, "tolerance"), (-1e-9, "tolerance"), (1e-3, "lying"), (np.nan, "lying")],
)
def test_a_restored_run_is_exact_within_tolerance_or_a_lie(change: float, grade: str) -> None:
    once = np.column_stack([np.arange(5) * 0.1, np.linspace(0.0, 10.0, 5), np.ones(5)])  # t, x, y
    again = once.copy()
    again[3, 1] += change * 10.0
    found = difference(once, again, ["x", "y"])
    assert found["grade"] == grade
    if grade in ("tolerance", "lying"):
        assert found["fact"].startswith("x is ")
        assert found["fact"].endswith("instead of 7.5, 4 steps later")


# -- what a world makes of it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("isolate", [None, False])
def test_a_state_that_lies_is_never_used_for_a_snapshot(bench: Bench, isolate: bool | None) -> None:
    assert vetted("lying_state2", bench).state == "lying"
    world = World("10 ms")
    world.add("liar", Fmu(build_fmu("lying_state2")), isolate=isolate)
    assert world.isolated() == {"liar": isolate is None}
    world.reset()
    world.step(10)
    snapshot = world.snapshot()
    world.step(20)
    once = world["liar.n"], world.digest()
    world.restore(snapshot)
    assert world["liar.n"] == 10.0
    world.step(20)
    assert (world["liar.n"], world.digest()) == once


def test_start_values_reach_every_trial_and_the_certificate(bench: Bench) -> None:
    certificate = vet(build_fmu("step_exit2"), start={"at": 1000.0}, budget=5.0, bench=bench)
    assert certificate.start == {"at": "1000.0"}
    assert fact(certificate, "default experiment") == "good: 1 s in 8 steps of 125 ms"
    assert {check.name for check in certificate.bad} == {
        "steps of 1 ms",
        "memory",
    }  # those with a thousand steps


def test_a_budget_is_kept_and_what_was_covered_is_said(bench: Bench) -> None:
    certificate = vet(build_fmu("lag2"), step="1 us", budget=1.0, bench=bench)
    assert fact(certificate, "default experiment").startswith("note: 100,000 steps of")


def test_what_cannot_be_run_at_all_is_an_error_and_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(FmuError, match="no such file"):
        vet(tmp_path / "none.fmu")
    with pytest.raises(FmuError, match="no library for this machine"):
        vet(build_fmu("no_binary2"))
    with pytest.raises(UsageError, match="budget = 0 s"):
        vet(build_fmu("plain2"), budget=0.0)


# -- the command ----------------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_for_each_and_what_follows(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["vet", "vehicle_linear", str(build_fmu("step_chdir2")), "--quick"]) == 1
    clean, wanders = capsys.readouterr().out.split("\n\nstep_chdir2.fmu   ")
    assert re.match(r"vehicle_linear\.fmu   \d+ checks\n\n  description +good +valid\n", clean)
    assert "  CLEAN       it runs in the world's process from now on\n" in clean
    assert "its own state restores bit for bit: snapshots use it" in clean
    assert str(certificate_path(Fmu("vehicle_linear").archive.sha256)) in clean
    assert wanders.startswith("29 checks · 1 bad")
    assert re.search(r"working folder +bad +changed to / \(step 3\)\n", wanders)
    assert "  NOT CLEAN   it stays in a worker process: working folder\n" in wanders


def test_the_command_prints_certificates_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["vet", str(build_fmu("lying_state2")), "--budget", "5s", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == 1
    (certificate,) = told["certificates"]
    assert certificate["clean"] is False
    assert certificate["state"] == "lying"
    assert {check["result"] for check in certificate["checks"]} >= {"good", "bad"}


def test_the_guide_shows_a_hostile_fmu_as_it_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (Path(__file__).parent.parent / "docs" / "vetting.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"```text\n(hostile\.fmu .*?)```", text, re.DOTALL)
    model = tmp_path / "hostile.fmu"
    model.write_bytes(build_fmu("hostile2").read_bytes())
    monkeypatch.setenv("CRUMPLE_HOSTILE", "exit")
    assert invoke(["vet", str(model)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in said.splitlines() if line not in (*shown, "...")] == []


def test_a_wrong_name_ends_the_command_before_anything_is_vetted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crumple.vetting.vet", lambda *_, **__: pytest.fail("it was vetted"))
    assert invoke(["vet", "vehicle_linear", "vehicle_linera"]) == 2
    assert 'Did you mean "vehicle_linear"' in capsys.readouterr().err
    assert invoke(["vet", "vehicle_linear", "--quick", "--budget", "3s"]) == 2
    assert invoke(["vet", "vehicle_linear", "--budget", "soon"]) == 2


def test_where_vetting_itself_fails_the_exit_code_is_4(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    path = certificate_path(Fmu("occupant").archive.sha256)
    path.mkdir()
    with pytest.raises(VettingError, match="the certificate cannot be written"):
        vet("occupant", budget=1.0, bench=bench)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert invoke(["vet", "occupant"]) == 4
    assert "occupant: the process of the trials ended with exit code 1" in capsys.readouterr().err


def test_the_help_says_what_clean_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["vet", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "An FMU is clean where no check is bad." in shown
    assert "Exit codes: 0 all clean, 1 one is not, 2 wrong call or FMU, 4 vetting itself failed." in shown
