"""A hostile plugin in a worker of its own: it may end its own run, and harm nothing and nobody else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ahead import ahead, parameters_of
from hostile_state import can_deny_writing
from hostile_table import Row
from test_hostile import Host, assert_nothing_left, assert_says

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers need Linux")

PLUGIN = '''
import ctypes, os, sys, threading, time
from crumple import Output, Parameter, Unit


class Bad(Unit):
    """Counts, and in its third step does what it is told."""

    n = Output("1")
    y = Output("1")
    what = Parameter("")

    def step(self, now):
        self.n += 1
        if self.n == 3 and self.what:
            getattr(self, self.what)()

    def exit(self): ctypes.CDLL(None).exit(0)
    def leave(self): os._exit(0)
    def sys_exit(self): sys.exit(0)
    def segfault(self): ctypes.string_at(8)
    def hang(self): time.sleep(1000)
    def busy_loop(self):
        while True: pass
    def interrupt(self): raise KeyboardInterrupt
    def recursion(self): self.recursion()
    def nan(self): self.y = float("nan")
    def text(self): self.y = "x"
    def kill_parent(self): os.kill(os.getppid(), 9)
    def kill_group(self): os.kill(0, 9)
    def child(self):
        if os.fork() == 0: time.sleep(1000)
    def thread(self): threading.Thread(target=time.sleep, args=(1000,)).start()
    def print(self): print("x" * 10_000_000)
    def ask(self): input()
    def close_files(self): os.closerange(0, 1000)
    def litter(self): open("was-here", "w").write("x")
    def allocate(self): self.y = len(bytearray(8 << 30))
    def chdir(self): os.chdir("/")
    def round_up(self): ctypes.CDLL(None).fesetround(0x800)
'''

SCENE = """
crumple = 1

[clock]
period = "125 ms"
stop = "1 s"

[units.dut]
plugin = "bad.py:Bad"
with = {{ what = "{what}" }}

[units.good]
fmu = "{good}"

[requirements.n]
signal = "dut.n"
at = "end"
equals = 8
within = 0
"""

STEP = r"unit 'dut' failed in step at t = 0\.25 s \(tick 2\): "
ROWS = {
    "exit": ("error", STEP + "its worker process ended with exit code 0"),
    "leave": ("error", STEP + "its worker process ended with exit code 0"),
    "sys_exit": ("error", STEP + "SystemExit"),
    "segfault": ("error", STEP + "its worker process was killed by SIGSEGV"),
    "hang": ("error", STEP + "it did not answer within 3 s"),
    "interrupt": ("error", STEP + "KeyboardInterrupt"),
    "recursion": ("error", STEP + "RecursionError"),
    "nan": ("error", 'output "y" .*the value is NaN'),
    "text": ("error", STEP + "TypeError"),
    "kill_parent": ("error", STEP + "PermissionError"),
    "kill_group": ("error", STEP + "its worker process was killed by SIGKILL"),
    "ask": ("error", STEP + "EOFError"),
    "litter": ("error", STEP + "PermissionError"),
    "allocate": ("error", STEP + "MemoryError"),
    "child": ("error", STEP + "PermissionError"),
    "thread": ("pass", ""),
    "print": ("pass", ""),
    "close_files": ("pass", ""),
    "chdir": ("pass", ""),
    "round_up": ("pass", ""),
}


@pytest.fixture(scope="module")
def told_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], dict[str, Any]]]:
    """What came of a plugin that does what it is told."""

    def ask(host: Host, what: str) -> dict[str, Any]:
        scene = SCENE.format(what=what, good=host.good)
        # a Python interpreter has to start within the time of a call
        return host.ask(
            Row("", ""), isolate=True, step_timeout=3.0, files={"scene.toml": scene, "bad.py": PLUGIN}
        )

    hosts = [Host(tmp_path_factory.mktemp("hostile")) for _ in range(2)]
    with ahead([asked["what"] for _, asked in parameters_of(request)], ask, tools=hosts) as told:
        yield told
    for host in hosts:
        host.close()


@pytest.mark.parametrize("what", ROWS)
def test_in_a_worker_it_harms_only_itself(what: str, told_of: Callable[[str], dict[str, Any]]) -> None:
    verdict, says = ROWS[what]
    if what == "litter" and not can_deny_writing():
        pytest.skip("this kernel has no Landlock")
    told = told_of(what)
    assert (told["verdict"], told["written"]) == (verdict, [verdict]), told
    assert told["ended"] == told["exit_code"] == {"pass": 0, "error": 4}[verdict]
    assert_says(told, says)
    assert told["counted"] and told["good"]
    assert_nothing_left(told)
