"""What `crumple doctor` finds on this machine, and what it says where something is missing."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import crumple
from crumple import doctor
from crumple.cli.app import invoke

pytestmark = pytest.mark.filterwarnings("default")


def found(name: str) -> doctor.Finding:
    return next(f for f in doctor.findings() if f.name == name)


def test_what_every_run_needs_is_here() -> None:
    named = {f.name: f for f in doctor.findings()}
    assert {"core", "python", "packages", "compiler", "libzmq", "viewer", "fmu cache"} <= set(named)
    assert all(f.good for f in named.values() if f.needed)
    assert crumple.__version__ in named["core"].text and "C++20" in named["core"].text
    assert named["python"].text.startswith(".".join(map(str, sys.version_info[:3])))
    assert "numpy" in named["packages"].text and "fmpy" in named["packages"].text
    assert "CURVE" in named["libzmq"].text


def test_whatever_is_not_good_has_a_remedy() -> None:
    for finding in doctor.findings():
        assert finding.good or finding.remedy, finding
        assert "\n" not in finding.text + finding.remedy


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = importlib.util.find_spec

    def find(name: str, *arguments: Any) -> Any:
        return None if name == package else real(name, *arguments)

    monkeypatch.setattr(importlib.util, "find_spec", find)


def test_a_missing_viewer_is_no_failure_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without(monkeypatch, "pygame")
    finding = found("viewer")
    assert (finding.good, finding.needed) == (False, False)
    assert finding.remedy == "pip install 'crumple[view]'"
    assert invoke(["doctor"]) == 0
    assert "pip install 'crumple[view]'" in capsys.readouterr().out


def test_a_look_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[doctor.Finding]:
        raise RuntimeError("no such thing")

    fail.__name__ = "_viewer"
    monkeypatch.setattr(doctor, "_viewer", fail)
    assert found("viewer").text == "cannot be found out: RuntimeError: no such thing"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o500)
    monkeypatch.setenv("CRUMPLE_CACHE", str(tmp_path / "cache"))
    finding = found("fmu cache")
    assert (finding.good, finding.needed) == (False, True)
    assert "CRUMPLE_CACHE" in finding.remedy
    assert invoke(["doctor"]) == 4


def test_the_cache_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRUMPLE_CACHE", str(tmp_path))
    assert "0 descriptions, 0 MB" in found("fmu cache").text
    (tmp_path / "fmu").mkdir()
    (tmp_path / "fmu" / "abc.description").write_bytes(b"x" * 2_000_000)
    assert "1 description, 2 MB" in found("fmu cache").text


def test_json_has_every_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["doctor", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["good"] is True
    assert [f["name"] for f in shown["findings"]] == [f.name for f in doctor.findings()]
    assert set(shown["findings"][0]) == {"name", "text", "good", "remedy", "needed"}


# -- Linux ------------------------------------------------------------------------------------------


@pytest.fixture
def linux() -> Any:
    if sys.platform != "linux":
        pytest.skip("only Linux has these")
    from crumple import doctor_linux

    return doctor_linux


def test_real_time_abilities_are_told(linux: Any) -> None:
    scheduling, locking, sleep, timers = linux.real_time()
    assert scheduling.text.startswith(("SCHED_FIFO yes", "SCHED_FIFO no"))
    assert (locking.name, sleep.name, timers.name) == ("locked memory", "idle cores", "timers")
    assert "slack" in timers.text and "core" in timers.text


def test_cores_that_may_fall_asleep_have_the_remedy(linux: Any, tmp_path: Path) -> None:
    file = tmp_path / "latency"
    absent = linux._sleep(file)
    assert not absent.good and "does not have it" in absent.remedy
    file.touch(mode=0o600)
    assert linux._sleep(file).good
    if os.geteuid() != 0:  # root may write whatever it likes
        file.chmod(0o400)
        assert "udev rule" in linux._sleep(file).remedy


def test_asking_for_fifo_leaves_the_scheduling_as_it_was(linux: Any) -> None:
    before = os.sched_getscheduler(0)
    linux.may_use_fifo()
    assert os.sched_getscheduler(0) == before


@pytest.mark.parametrize(
    ("capabilities", "remedy"),
    [("0000000000000000", "rtprio"), ("0000000000800000", "container or its cgroup")],
)
def test_refused_scheduling_has_the_remedy_that_fits(
    linux: Any, capabilities: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise PermissionError("not allowed")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    status = tmp_path / "status"
    status.write_text(f"Name:\tpython\nCapEff:\t{capabilities}\n")
    scheduling = linux.real_time(status=status)[0]
    assert not scheduling.good
    assert remedy in scheduling.remedy


@pytest.mark.parametrize(
    ("limit", "good", "text"),
    [(8 * 2**20, False, "at most 8 MiB"), (2**30, True, "at most 1,024 MiB"), (-1, True, "no limit")],
)
def test_a_small_limit_of_locked_memory_is_told(
    linux: Any, limit: int, good: bool, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda what: (limit, limit))
    monkeypatch.setattr(linux, "_capabilities", lambda status: 0)
    locking = linux.real_time()[1]
    assert locking.good is good
    assert text in locking.text


@pytest.mark.parametrize(
    ("version", "good", "words"), [(0, False, "writing to files"), (3, False, "signals"), (7, True, "run; ")]
)
def test_what_the_kernel_cannot_deny_to_a_worker_is_said(
    monkeypatch: pytest.MonkeyPatch, version: int, good: bool, words: str
) -> None:
    monkeypatch.setattr("crumple._core.landlock_version", lambda: version)
    finding = found("workers")
    assert (finding.good, finding.needed) == (good, False)
    assert words in finding.text
    assert good == (finding.remedy == "")


def test_workers_that_do_not_start_are_a_fault_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crumple.worker.fmu_command", lambda: ("/nowhere/crumple-worker",))
    finding = found("workers")
    assert finding.needed and not finding.good
    assert "/nowhere/crumple-worker does not run" in finding.text
