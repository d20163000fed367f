"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import crumple
from command import Shown, called, command_line, started
from small_scene import write_scene

HEAVY = [
    "numpy",
    "fmpy",
    "pydantic",
    "pygame",
    "matplotlib",
    "msgspec",
    "rich.console",
    "crumple._core",
    "zmq",
]


def on_terminal(
    *arguments: object, cwd: Path, interrupt_after: str = "", by: int = signal.SIGINT, **environment: str
) -> Shown:
    """The same on a terminal; a signal is sent once a text has been shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command_line(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env={k: v for k, v in {**os.environ, "TERM": "xterm", **environment}.items() if k != "NO_COLOR" or v},
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody has the other end any more
            break
        if not piece:
            break
        shown += piece
        if interrupt_after and interrupt_after.encode() in shown:
            process.send_signal(by)
            interrupt_after = ""
    os.close(ours)
    return Shown(process.wait(), shown.decode().replace("\r\n", "\n"), "")


def test_a_pass_is_shown_with_every_requirement(tmp_path: Path) -> None:
    shown = started("run", write_scene(tmp_path), cwd=tmp_path)
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0] == "stop   from 15 m/s to a stop at 300 m/s^2"
    assert lines[1] == "2 units · 2 plugins · 100 µs · 150 ms · seed 0"
    assert re.fullmatch(r"  PASS   4 of 4 requirements held +1,500 ticks in .* \(.* x real time\)", lines[3])
    table = {line.split()[0]: " ".join(line.split()) for line in lines[6:10]}
    assert table["chest"] == "chest 30.59 g (3 ms clip) ≤ 60 g 49 % 100 µs to 3.1 ms"
    assert table["time_to_close"] == "time_to_close 4.5 ms ≤ 16.9 ms 73 %"
    assert table["stands"] == "stands 0 km/h = 0 km/h ± 1 km/h 100 % at 150 ms"
    assert table["deceleration"] == "deceleration -30.59 g ≥ -40 g 24 % at 10 ms"
    (folder,) = (tmp_path / "runs").iterdir()
    assert lines[-1] == f"  run folder  runs/{folder.name}"
    assert "\x1b" not in shown.out


def test_a_fail_names_requirement_value_limit_and_time(tmp_path: Path) -> None:
    shown = called("run", write_scene(tmp_path), "--set", "car.rate=700 m/s^2", cwd=tmp_path)
    assert shown.code == 1
    assert (
        "  FAIL   chest: 3 ms clip 71.38 g exceeds 60 g by 19 % at 3.1 ms (window 100 µs to 3.1 ms)"
        in shown.out
    )
    assert "✗ chest" in shown.out
    assert "-19 %" in shown.out


def test_what_never_moved_is_told_as_a_cause(tmp_path: Path) -> None:
    shown = called("run", write_scene(tmp_path), "--set", "switch.threshold=50 m/s", cwd=tmp_path)
    assert shown.code == 1
    assert "time_to_close: first_time(switch.closed) never came; the limit is 16.9 ms" in shown.out
    assert "\n         switch.closed stayed 0\n" in shown.out


def test_options_reach_the_run(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    shown = started(
        "run", scene, "--set", "speed=8 km/h", "--set", "car.rate=200", "--seed", 5, "--threads", 1,
        "--out", tmp_path / "there", "--stop", "200 ms", "--profile",
    )  # fmt: skip
    assert shown.code == 0
    assert "200 ms · seed 5" in shown.out
    assert "does not apply" in shown.out
    assert re.search(r"unit +steps +mean +p99 +max +share\n +car +2,000 ", shown.out)
    (folder,) = (tmp_path / "there").iterdir()
    manifest = crumple.open_run(folder).manifest
    assert (manifest["seed"], manifest["threads"], manifest["set"]["car.rate"]) == (5, 1, "200")
    assert manifest["command"][:3] == ["crumple", "run", str(scene)]


def test_json_is_all_that_stands_on_standard_output(tmp_path: Path) -> None:
    for arguments, verdict, code in (([], "pass", 0), (["--set", "car.rate=700"], "fail", 1)):
        shown = called("run", write_scene(tmp_path), "--json", *arguments, cwd=tmp_path)
        found = json.loads(shown.out)
        assert (shown.code, shown.err) == (code, "")
        assert (found["verdict"], found["exit_code"]) == (verdict, code)
        assert {"verdict", "digest", "requirements", "metrics", "run"} <= found.keys()
        assert crumple.open_run(tmp_path / found["run"]).digest == found["digest"]


@pytest.mark.parametrize(
    ("arguments", "verdict", "code"),
    [
        ([], "pass", 0),
        (["--set", "car.rate=700"], "fail", 1),
        (["--stop", "50 ms"], "inconclusive", 3),
        (["--set", "switch.trouble=interrupt"], "inconclusive", 3),
        (["--set", "switch.trouble=raise"], "error", 4),
        (["--set", "switch.trouble=nan"], "error", 4),
        (["--set", "switch.trouble=sys.exit"], "error", 4),
    ],
)
def test_the_exit_code_is_that_of_the_verdict(
    tmp_path: Path, arguments: Sequence[str], verdict: str, code: int
) -> None:
    shown = started("run", write_scene(tmp_path), *arguments, cwd=tmp_path)
    assert shown.code == code
    assert f"  {verdict.upper()}   " in shown.out
    assert "Traceback" not in shown.out + shown.err
    (folder,) = (tmp_path / "runs").iterdir()
    assert crumple.open_run(folder).verdict == verdict


def test_without_requirements_nothing_was_required(tmp_path: Path) -> None:
    shown = called("run", write_scene(tmp_path, required=False), cwd=tmp_path)
    assert shown.code == 0
    assert "  DONE   nothing was required" in shown.out
    assert "PASS" not in shown.out


def test_a_unit_that_calls_exit_cannot_make_the_run_green(tmp_path: Path) -> None:
    wait = ["--set", "car.wait=1 ms"]  # or it would be over before the recorder's first flush
    shown = started("run", write_scene(tmp_path), "--set", "switch.trouble=exit", *wait, cwd=tmp_path)
    assert shown.code == 3
    (folder,) = (tmp_path / "runs").iterdir()
    found = crumple.open_run(folder)
    assert found.verdict == "inconclusive"
    assert found.reason.startswith("the run was cut off at t = ")
    assert found.reason.endswith(": its process ended by itself with exit code 0")
    assert found.reason in " ".join(shown.err.split())


def test_a_killed_run_says_where_it_was_cut_off(tmp_path: Path) -> None:
    shown = started(
        "run", write_scene(tmp_path), "--set", "switch.trouble=kill", "--set", "car.wait=1 ms", cwd=tmp_path
    )
    assert shown.code == 3
    assert "its process was killed by SIGKILL" in " ".join(shown.err.split())
    (folder,) = (tmp_path / "runs").iterdir()
    found = crumple.open_run(folder)
    assert (found.verdict, found.exit_code) == ("inconclusive", 3)
    assert 50 < len(found.t) <= 105  # killed at tick 104, and at most a few flushes of 2 ms lost


def test_the_traceback_of_a_plugin_is_shown_once_and_only_its_own_frames(tmp_path: Path) -> None:
    shown = called("run", write_scene(tmp_path), "--set", "switch.trouble=raise", cwd=tmp_path)
    fact = "ZeroDivisionError: the switch is broken"
    assert f"unit 'switch' failed in step at t = 0.01 s (tick 100): {fact}" in " ".join(shown.out.split())
    frames = re.findall(r'File "(.*)", line \d+, in (\w+)', shown.out)
    assert frames == [(str(tmp_path / "units.py"), "step"), (str(tmp_path / "units.py"), "do")]
    assert shown.out.count(f"\n          {fact}\n") == 1
    assert shown.err == ""


def test_mistakes_of_a_scene_are_printed_together_with_their_lines(tmp_path: Path) -> None:
    scene = write_scene(
        tmp_path, '[requirements.a]\nsignal = "car.sped"\nmax = "1 kg"', '[units.b]\nplugn = "x"'
    )
    for way, command in ((started, "run"), (called, "check")):
        shown = way(command, scene.name, cwd=tmp_path)
        assert (shown.code, shown.out) == (2, "")
        lines = shown.err.splitlines()
        assert lines[-1] == f"{len(lines) - 1} mistakes. Nothing was loaded."
        assert all(re.match(r"stop\.toml:\d+  ", line) for line in lines[:-1])
        assert 'Did you mean "car.speed"' in shown.err or "speed" in shown.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "SCENE"),
        (["run", "nowhere.toml"], "nowhere.toml"),
        (["run", "stop.toml", "--set", "speed"], 'name=value, such as --set speed="8 km/h"'),
        (["run", "stop.toml", "--set", "speod=1"], 'Did you mean "speed"?'),
        (["run", "stop.toml", "--set", "speed=1 kg"], "speed"),
        (["run", "stop.toml", "--stop", "0.5 ticks"], "--stop"),
        (["run", "stop.toml", "--seed", "lucky"], "--seed"),
        (["run", "stop.toml", "--threads", "0"], "threads"),
        (["run", "stop.toml", "--seed", "-1"], "seed"),
        (["run", "stop.toml", "--loudly"], "--loudly"),
        (["run", "stop.toml", "--out", "stop.toml"], "--out"),
        (["rum", "stop.toml"], 'Did you mean "run"?'),
        (["list", "cars"], "scenes, units, metrics"),
    ],
)
def test_a_wrong_call_gives_one_clear_message_and_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    write_scene(tmp_path)
    shown = called(*arguments, cwd=tmp_path)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert "Traceback" not in shown.err


def test_colour_only_on_a_terminal_and_not_with_no_color(tmp_path: Path) -> None:
    write_scene(tmp_path)
    coloured = on_terminal("run", "stop.toml", cwd=tmp_path, NO_COLOR="")
    plain = on_terminal("run", "stop.toml", cwd=tmp_path, NO_COLOR="1")
    assert coloured.code == plain.code == 0
    assert "\x1b[1;32mPASS\x1b[0m" in coloured.out
    assert "\x1b[" not in plain.out
    assert "\x1b[" not in on_terminal("run", "stop.toml", cwd=tmp_path, NO_COLOR="", TERM="dumb").out

    def facts(text: str) -> str:  # but for what differs from run to run
        text = re.sub(r"\x1b\[[\d;]*m", "", text)
        return re.sub(r" *1,500 ticks in .*|stop-\d+T\d+-.*", "", text)

    assert facts(coloured.out) == facts(plain.out)


def test_progress_is_shown_on_a_terminal_for_long_runs_only_and_wiped(tmp_path: Path) -> None:
    write_scene(tmp_path)
    slow = ["run", "stop.toml", "--set", "car.wait=1.5 ms"]  # 2.25 s at least, and 2 s are worth it
    with ThreadPoolExecutor() as aside:
        elsewhere = aside.submit(started, *slow, cwd=tmp_path)
        shown = on_terminal(*slow, cwd=tmp_path, NO_COLOR="1")
    assert re.search(r"stop   ━+[╸─]+   [\d.]+ ms / 150 ms   0\.\d+ x real time   \d s left", shown.out)
    updates = shown.out.count("\r\x1b[K")
    assert 10 < updates < 60  # ten a second for some two seconds
    assert "\r\x1b[K  PASS" in shown.out  # wiped before the summary
    assert (elsewhere.result().code, elsewhere.result().err) == (0, "")
    assert "left" not in on_terminal("run", "stop.toml", cwd=tmp_path).out


@pytest.mark.parametrize(("by", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_an_interrupt_ends_a_run_as_inconclusive_with_all_data_kept(
    tmp_path: Path, by: int, name: str
) -> None:
    write_scene(tmp_path)
    shown = on_terminal(
        "run", "stop.toml", "--set", "car.wait=2 ms", cwd=tmp_path, interrupt_after="left", by=by
    )
    assert shown.code == 3
    assert f"interrupted by {name} at t = " in shown.out
    (folder,) = (tmp_path / "runs").iterdir()
    found = crumple.open_run(folder)
    assert found.verdict == "inconclusive"
    assert len(found.t) == found.tick + 1


def test_a_reader_that_goes_away_does_not_change_the_exit_code(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    for arguments, code in (([], 0), (["--set", "car.rate=700"], 1)):
        process = subprocess.Popen(
            command_line("run", scene, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait() == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_cannot_be_written_changes_no_verdict_and_is_told(tmp_path: Path) -> None:
    command = command_line("run", write_scene(tmp_path), "--set", "car.rate=700")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "crumple: the output could not be written: No space left on device.\n"
    (folder,) = (tmp_path / "runs").iterdir()
    assert crumple.open_run(folder).verdict == "fail"


@pytest.mark.parametrize("closed", ["os.closerange(0, 3)", "sys.stdout.close(); sys.stderr.close()"])
def test_a_unit_that_closes_the_standard_streams_changes_no_verdict(tmp_path: Path, closed: str) -> None:
    scene = write_scene(tmp_path)
    units = tmp_path / "units.py"
    units.write_text(units.read_text().replace("sys.exit(0)\n", f"{closed}\n            self.trouble = ''\n"))
    shown = started("run", scene, "--set", "switch.trouble=sys.exit", "--set", "car.rate=700", cwd=tmp_path)
    assert shown.code == 1
    (folder,) = (tmp_path / "runs").iterdir()
    assert crumple.open_run(folder).verdict == "fail"


# makes standard input the terminal that Ctrl-C is pressed on
_AT_HOME = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, sys.argv[1:])"
)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a terminal of its own")
def test_ctrl_c_on_the_terminal_of_a_run_interrupts_it(tmp_path: Path) -> None:
    write_scene(tmp_path)
    command = command_line("run", "stop.toml", "--set", "car.wait=2 ms")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _AT_HOME, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(theirs)
    shown, pressed = b"", False
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # nobody has the other end any more
            break
        if b"left" in shown and not pressed:
            os.write(ours, b"\x03")
            pressed = True
    os.close(ours)
    assert process.wait() == 3
    assert b"interrupted by Ctrl-C at t = " in shown
    assert b"Traceback" not in shown
    (folder,) = (tmp_path / "runs").iterdir()
    assert crumple.open_run(folder).state == "ended"


def test_a_terminal_that_knows_only_ascii_is_no_obstacle(tmp_path: Path) -> None:
    shown = started("run", write_scene(tmp_path), cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert shown.code == 0
    assert "? 60 g" in shown.out


def test_a_plugin_that_ends_the_process_when_it_is_imported_passes_no_check(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    units = tmp_path / "units.py"
    units.write_text(units.read_text() + "\nos._exit(0)\n")
    for command in ("check", "run"):
        shown = started(command, scene, cwd=tmp_path)
        assert (shown.code, shown.out) == (3, "")
        assert "its process ended by itself with exit code 0" in " ".join(shown.err.split())


def test_check_counts_what_there_is(tmp_path: Path) -> None:
    shown = called("check", write_scene(tmp_path))
    assert shown.code == 0
    assert shown.out.splitlines()[-2:] == [
        "stop   2 units · 1 connection · 4 requirements · 1,500 ticks",
        "No mistakes.",
    ]


def test_list_shows_scenes_units_and_metrics(tmp_path: Path) -> None:
    write_scene(tmp_path)
    (tmp_path / "other.toml").write_text("x = 1")
    everything = called("list", cwd=tmp_path)
    assert everything.code == 0
    assert re.search(r"stop\.toml +from 15 m/s to a stop", everything.out)
    assert "other.toml" not in everything.out
    metrics = called("list", "metrics")
    assert "  hic15(signal) " in metrics.out
    assert metrics.out in everything.out


def test_schema_is_json() -> None:
    found = json.loads(called("schema").out)
    assert "requirements" in found["properties"]


def test_the_cache_is_listed_and_cleared(tmp_path: Path) -> None:
    (tmp_path / "fmu" / "abc").mkdir(parents=True)
    (tmp_path / "fmu" / "abc" / "modelDescription.xml").write_text("x" * 2000)
    (tmp_path / "fmu" / "abc").chmod(0o500)
    shown = called("cache", "list", CRUMPLE_CACHE=str(tmp_path))
    assert (shown.code, "1 FMU · 2 kB" in shown.out) == (0, True)
    shown = called("cache", "clear", CRUMPLE_CACHE=str(tmp_path))
    assert (shown.code, "2 kB freed" in shown.out) == (0, True)
    assert not (tmp_path / "fmu").exists()
    assert called("cache", "clear", CRUMPLE_CACHE=str(tmp_path)).code == 0


def test_help_lists_every_command_and_imports_none() -> None:
    from crumple.cli.app import COMMANDS

    code = (
        "import sys\n"
        "from crumple.cli.app import invoke\n"
        "code = invoke(['--help'])\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[] 0\n"
    for name in COMMANDS:
        assert re.search(rf"\n  {name} +[A-Z]", done.stdout)
    assert started("--version").out == f"crumple {crumple.__version__}\n"


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    from crumple.cli.app import COMMANDS, invoke

    for name in COMMANDS:
        assert invoke([name, "--help"]) == 0, name
        shown = capsys.readouterr()
        assert shown.err == ""
        assert shown.out.startswith(f"Usage: crumple {name} ")


def test_a_run_does_not_import_what_it_does_not_need(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from crumple.cli.app import invoke\n"
        "invoke(['run', sys.argv[1], '--json', '--out', sys.argv[2]])\n"
        "unwanted = ['fmpy', 'pydantic', 'pygame', 'matplotlib', 'rich.console', 'zmq', 'lark', 'scipy']\n"
        "print([m for m in unwanted if m in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, str(write_scene(tmp_path)), str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_an_interrupt_before_the_run_has_begun_is_no_fail(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\nfrom crumple import Unit, Output\nprint('loading', flush=True)\ntime.sleep(30)\n"
        "class Slow(Unit):\n    y = Output()\n"
    )
    (tmp_path / "slow.toml").write_text(
        'crumple = 1\nclock = { period = "1 ms", stop = "1 s" }\n[units.slow]\nplugin = "slow.py:Slow"\n'
    )
    began = time.monotonic()
    shown = on_terminal("run", "slow.toml", cwd=tmp_path, interrupt_after="loading")
    assert shown.code == 3
    assert time.monotonic() - began < 25
    assert "interrupted" in shown.out
    assert "Traceback" not in shown.out
    assert not (tmp_path / "runs").exists()
