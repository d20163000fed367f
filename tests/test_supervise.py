"""The exit code where somebody else ends the process of a run: a second process watches, and no end is a pass."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import crumple
from command import called, started
from fmu_build import build_fmu
from small_scene import write_scene

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a supervisor needs fork")

# The smallest program with a supervisor: what it does after `supervise` happens in the child.
PROGRAM = """
import ctypes, os, signal, sys, time
from crumple.cli import supervise as supervising
from crumple.cli.supervise import supervise, tell_code, tell_folder
supervising._SAME = 0.25
supervise(["run"])
libc = ctypes.CDLL(None)
{act}
tell_code({code})
"""


def supervised(act: str, *, code: int = 0, **more: object) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(act=act, code=code)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, **more
    )  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4])
def test_the_exit_code_is_the_one_that_was_told(code: int) -> None:
    done = supervised("print('seen', flush=True)", code=code)
    assert (done.returncode, done.stdout, done.stderr) == (code, "seen\n", "")


ENDINGS = {
    "exit": ("libc.exit(0)", "ended by itself with exit code 0"),
    "_exit": ("libc._exit(0)", "ended by itself with exit code 0"),
    "quick_exit": ("libc.quick_exit(0)", "ended by itself with exit code 0"),
    "exit with a code": ("libc._exit(1)", "ended by itself with exit code 1"),
    "os._exit": ("os._exit(0)", "ended by itself with exit code 0"),
    "another program": ("os.execv('/bin/sh', ['sh', '-c', 'exit 0'])", "ended by itself with exit code 0"),
    "abort": ("libc.abort()", "was killed by SIGABRT (aborted)"),
    "null pointer": ("ctypes.string_at(0)", "was killed by SIGSEGV (segmentation fault)"),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"),
    "SIGPIPE": (
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGPIPE)",
        "was killed by SIGPIPE (broken pipe)",
    ),
    "real-time signal": ("os.kill(os.getpid(), 40)", "was killed by signal 40"),
    "all descriptors closed": ("os.closerange(0, 1000)", "ended by itself with exit code 0"),
    "a pipe that is full": (
        "for n in range(3, 100):\n  try:\n    while True: os.write(n, b'\\0' * 4096)\n  except OSError: pass",
        "ended by itself with exit code 0",
    ),
    "a copy goes on alone": ("if os.fork(): os._exit(0)", "ended by itself with exit code 0"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_without_a_verdict_nothing_is_a_success(name: str) -> None:
    act, said = ENDINGS[name]
    done = supervised(act)
    assert done.returncode == 3
    told = " ".join(done.stderr.split())
    assert told == f"INCONCLUSIVE cut off before there was a result: its process {said}"


def test_a_file_that_got_the_number_of_the_pipe_is_not_written_to(tmp_path: Path) -> None:
    place = tmp_path / "file"
    act = f"os.closerange(3, 100)\nfor _ in range(40): os.open({str(place)!r}, os.O_WRONLY | os.O_CREAT)"
    assert supervised(act).returncode == 3
    assert place.read_bytes() == b""


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("tell_code(1); tell_code(0)", ""),  # the first that is told counts
        ("import atexit; atexit.register(os._exit, 0)", ""),
        (
            "import atexit; atexit.register(ctypes.string_at, 0)",
            "crumple: after its verdict the process was killed by SIGSEGV (segmentation fault)\n",
        ),
        (
            "import atexit, crumple.cli.supervise as mut; mut._LEAVING = 1\n"
            "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM}); atexit.register(time.sleep, 60)",
            "crumple: after its verdict the process did not end within 10 s\n",
        ),
    ],
    ids=["told twice", "exits", "crashes", "hangs"],
)
def test_once_told_the_code_stands_whatever_happens_at_the_exit(act: str, said: str) -> None:
    began = time.monotonic()
    done = supervised(act, code=1)
    assert (done.returncode, done.stderr) == (1, said)
    assert time.monotonic() - began < 30


def test_a_run_folder_that_is_gone_or_no_folder_at_all_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "gone", tmp_path / "file", tmp_path):
        done = supervised(f"tell_folder({str(place)!r}); os._exit(0)")
        assert done.returncode == 3
        told = " ".join(done.stderr.split())
        assert (
            "the run was cut off before the first recorded time: its process ended by itself with exit"
            in told
        )
        assert "Traceback" not in told


def test_a_process_that_a_unit_leaves_behind_holds_nothing_up() -> None:
    program = PROGRAM.format(act="if not os.fork(): time.sleep(20); os._exit(0)", code=1)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    assert time.monotonic() - began < 15


def test_the_token_is_neither_in_the_environment_nor_in_the_arguments_nor_in_a_file() -> None:
    act = (
        "import crumple.cli.supervise as mut; token = mut._line.tokens.code\n"
        "for place in ('environ', 'cmdline'):\n"
        "  text = open(f'/proc/{os.getppid()}/{place}', 'rb').read()"
        " + open(f'/proc/self/{place}', 'rb').read()\n"
        "  assert token not in text and token.hex().encode() not in text\n"
        "assert len(token) == 16 and not os.get_inheritable(mut._line._end)"
    )
    done = supervised(act)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("rubbish", ["b'\\0' * 20", "b'\\xff' * 5000"])
def test_rubbish_in_the_pipe_hides_no_verdict(rubbish: str) -> None:
    act = f"for n in range(3, 100):\n  try: os.write(n, {rubbish})\n  except OSError: pass"
    assert supervised(act, code=1).returncode == 1


def test_a_message_with_another_token_or_in_part_is_none() -> None:
    from crumple.cli.supervise import _contents

    token, other = b"t" * 16, b"o" * 16
    code = token + b"\0\1\0"
    assert _contents(code, token) == [b"\0"]
    assert _contents(b"rubbish" + other + b"\0\4runs" + code + b"more", token) == [b"\0"]
    assert _contents(code + code, token) == [b"\0", b"\0"]  # of two, none counts
    for wrong in (b"", other + code[16:], code[1:], code[:-1], token, token + b"\0"):
        assert _contents(wrong, token) == [], wrong


@pytest.mark.parametrize("content", [b"", b"\0\0"])
def test_two_codes_or_one_of_another_length_are_none(content: bytes) -> None:
    act = "import crumple.cli.supervise as mut; line = mut._line\n"
    assert supervised(act + f"line.tell(line.tokens.code, {content!r}); mut._line = None").returncode == 3
    assert supervised(act + "line.tell(line.tokens.code, b'\\0')").returncode == 3


def test_signals_that_are_sent_to_the_supervisor_reach_the_run() -> None:
    act = (
        "got = []\n"
        "for n in (signal.SIGINT, signal.SIGTERM): signal.signal(n, lambda n, f: got.append(n))\n"
        "print('ready', flush=True)\n"
        "for _ in range(600):\n"
        "  if len(got) == 2: break\n"
        "  time.sleep(0.05)\n"
        "time.sleep(0.2); print(sorted(got) == [signal.SIGINT, signal.SIGTERM])"
    )
    command = [sys.executable, "-c", PROGRAM.format(act=act, code=0)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "True\n"
    assert process.returncode == 0


def test_a_run_that_no_signal_interrupts_is_killed_at_the_third() -> None:
    act = (
        "for n in (signal.SIGINT, signal.SIGTERM): signal.signal(n, signal.SIG_IGN)\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", PROGRAM.format(act=act, code=0)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGTERM):  # two at a time
        process.send_signal(number)
        process.send_signal(number)
        time.sleep(0.35)
        if process.poll() is not None:
            break
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert said.startswith("crumple: interrupted 3 times; the run is killed\n")
    assert "its process was killed by SIGKILL" in " ".join(said.split())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to another")
def test_the_run_ends_with_its_supervisor() -> None:
    act = "print(os.getpid(), flush=True); time.sleep(60)"
    command = [sys.executable, "-c", PROGRAM.format(act=act, code=0)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert child != process.pid
    process.kill()
    process.communicate(timeout=60)  # until nobody has its standard output any more
    for _ in range(500):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            break
        time.sleep(0.02)
    else:
        pytest.fail("the run goes on without its supervisor")


def test_a_parent_that_ignores_its_children_is_no_obstacle() -> None:
    done = supervised("", code=1, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert done.returncode == 1


def test_closed_standard_streams_are_not_given_to_other_files() -> None:
    act = "import sys; assert os.fstat(1) and sys.stdout; print('nowhere'); os.write(2, b'nowhere')"
    program = (
        "import os; os.closerange(0, 3)\n"
        "from crumple.cli.supervise import fill_standard_streams; fill_standard_streams()\n"
    ) + PROGRAM.format(act=act, code=0)
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


# -- whole runs -------------------------------------------------------------------------------------------

FMU_SCENE = """
crumple = 1
clock = {{ period = "10 ms", stop = "1 s" }}
[units.dut]
fmu = "{fmu}"
isolate = false
start = {{ at = 20 }}
[units.pace]
plugin = "units.py:Car"
with = {{ wait = "2 ms" }}
[requirements.low]
signal = "dut.y"
max = 100
"""


@pytest.mark.parametrize(
    ("fmu", "said"),
    [
        ("step_exit2", "its process ended by itself with exit code 0"),
        ("step_segfault3", "its process was killed by SIGSEGV (segmentation fault)"),
        ("step_abort2", "its process was killed by SIGABRT (aborted)"),
    ],
)
def test_an_fmu_in_this_process_that_ends_it_leaves_an_inconclusive_run_that_says_why(
    tmp_path: Path, fmu: str, said: str
) -> None:
    write_scene(tmp_path)
    (tmp_path / "dut.toml").write_text(FMU_SCENE.format(fmu=build_fmu(fmu)))
    shown = started("run", "dut.toml", cwd=tmp_path)
    assert shown.code == 3
    (folder,) = (tmp_path / "runs").iterdir()
    told = " ".join(shown.err.split())
    assert re.search(rf"INCONCLUSIVE the run was cut off at t = \d+ ms: {re.escape(said)}", told)
    assert told.endswith(f"run folder runs/{folder.name}")
    written = json.loads((folder / "verdict.json").read_text())
    assert (written["verdict"], written["state"]) == ("inconclusive", "running")
    again = called("show", cwd=tmp_path)
    assert again.code == 3
    assert said in " ".join(again.out.split())
    assert crumple.open_run(folder).events[-1] == {"event": "cut_off", "text": said}


@pytest.mark.parametrize("name", ["step_exit2", "step_segfault2"])
def test_simulate_has_a_supervisor_too(tmp_path: Path, name: str) -> None:
    arguments = ["--stop", "2", "--step", "0.5", "--out", "out.csv"]
    shown = started("simulate", build_fmu(name), *arguments, cwd=tmp_path)
    assert shown.code in (3, 4)  # 4 where the FMU has a process of its own
    assert not (tmp_path / "out.csv").exists() or shown.code == 4
    assert "Traceback" not in shown.err and shown.err


def test_a_run_that_was_cut_off_is_json_where_that_was_asked_for(tmp_path: Path) -> None:
    options = ["--set", "switch.trouble=kill", "--set", "car.wait=1 ms", "--json"]
    shown = started("run", write_scene(tmp_path), *options, cwd=tmp_path)
    found = json.loads(shown.out)
    assert (shown.code, found["exit_code"], found["verdict"]) == (3, 3, "inconclusive")
    assert found["reason"].endswith("ms: its process was killed by SIGKILL")
    assert found["reason"] in " ".join(shown.err.split())
    assert crumple.open_run(found["run"]).state == "cut_off"


def test_a_unit_that_crashes_when_it_is_freed_leaves_no_pass(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    units = (tmp_path / "units.py").read_text()
    (tmp_path / "units.py").write_text(
        units.replace("class Switch(Unit):", "class Switch(Unit):\n    def __del__(self): os._exit(0)\n")
    )
    shown = started("run", scene, cwd=tmp_path)
    assert shown.code == 3
    assert "the run was cut off at t = 150 ms: its process ended by itself with exit code 0" in shown.err
    (folder,) = (tmp_path / "runs").iterdir()
    assert crumple.open_run(folder).verdict == "inconclusive"


def test_a_unit_that_crashes_when_it_is_freed_after_an_error_leaves_the_error(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    units = (tmp_path / "units.py").read_text()
    (tmp_path / "units.py").write_text(
        units.replace("class Car(Unit):", "class Car(Unit):\n    def __del__(self): os._exit(0)\n")
    )
    shown = started("run", scene, "--set", "switch.trouble=raise", cwd=tmp_path)
    assert shown.code == 4
    (folder,) = (tmp_path / "runs").iterdir()
    assert crumple.open_run(folder).verdict == "error"


def test_a_copy_of_the_process_that_a_unit_forks_writes_no_verdict(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    units = (tmp_path / "units.py").read_text()
    copied = 'if trouble == "exit" and os.getppid() == self.parent:\n            os.fork() and os._exit(0)'
    units = units.replace('if trouble == "exit":\n            ctypes.CDLL(None).exit(0)', copied)
    units = units.replace("self.lost = 0.0", "self.lost = 0.0; self.parent = os.getppid()")
    (tmp_path / "units.py").write_text(units)
    shown = started("run", scene, "--set", "switch.trouble=exit", cwd=tmp_path)
    assert shown.code == 3
    (folder,) = (tmp_path / "runs").iterdir()
    for _ in range(25):
        assert json.loads((folder / "verdict.json").read_text())["state"] == "running"
        time.sleep(0.02)
