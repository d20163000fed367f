"""Runs a scene while something goes wrong with its files, each time in a process of its own.

    python tests/failing_run.py SCENE      says "ready", reads a case as a line of JSON and answers with one, until the
                                           end of its input

A case has `out`, and what goes wrong: `limit`, the most bytes that a file may have, or `action`, what happens to
the run's folder in the middle of the run. The answer has the verdict, or the error that was raised.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

TICKS = 2000
AT = 600  # the tick in which the action comes

UNITS = (
    f"AT = {AT}\n"
    + '''
import ctypes, errno, json, math, os, platform, shutil, struct, time
from pathlib import Path
from crumple import Output, Unit


class Source(Unit):
    """Publishes numbers and texts that differ from tick to tick; in the middle of the run it does damage."""

    wave = Output("1")
    pair = Output("1", shape=2)
    text = Output(kind="string")

    def reset(self):
        self.text = "at the start"

    def step(self, now):
        self.wave = math.sin(now.tick)
        self.pair = [now.tick, -self.wave]
        self.text = f"{now.tick // 10}"
        if now.tick in (AT, AT + 100) and "CRUMPLE_TEST_ACTION" in os.environ:
            time.sleep(0.05)  # what came before is written
            if now.tick == AT:
                action, *arguments = json.loads(os.environ["CRUMPLE_TEST_ACTION"])
                (folder,) = Path(os.environ["CRUMPLE_TEST_OUT"]).iterdir()
                ACTIONS[action](folder, *arguments)


def remove(folder):
    shutil.rmtree(folder)


def truncate(folder, name, size):
    os.truncate(folder / name, size)


def fail(folder, call, name=None):
    """From now on a system call fails with EIO, for one file or for all. A filter of the kernel does it."""
    machines = {
        "x86_64": {"write": 1, "fsync": 74, "seccomp": 317},
        "aarch64": {"write": 64, "fsync": 82, "seccomp": 277},
    }
    numbers = machines.get(platform.machine())
    if numbers is None:
        raise NotImplementedError("no filters of system calls here")
    number = numbers[call]
    load, same, give = 0x20, 0x15, 0x06  # operations of the filter's machine
    allowed, failing = 0x7FFF0000, 0x00050000 | errno.EIO
    lines = [(load, 0, 0, 0), (same, 0, 1, number), (give, 0, 0, failing), (give, 0, 0, allowed)]
    if name is not None:
        path = str(folder / name)
        (opened,) = [int(fd) for fd in os.listdir("/proc/self/fd") if _leads_to(fd) == path]
        lines[1:3] = [(same, 0, 3, number), (load, 0, 0, 16), (same, 0, 1, opened), (give, 0, 0, failing)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in lines))
    header = struct.pack("<HxxxxxxQ", len(lines), ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.syscall(numbers["seccomp"], 1, 1, header) != 0:
        raise NotImplementedError("no filters of system calls here")


def _leads_to(descriptor):
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


ACTIONS = {"remove": remove, "truncate": truncate, "fail": fail}
'''
)

SCENE = f"""
crumple = 1
title = "something goes wrong with its files"

[clock]
period = "100 us"
stop = "{TICKS * 100} us"

[units.source]
plugin = "source.py:Source"

[[record]]
signals = "*"

[[record]]
signals = "*"
every = 9

[requirements.wave]
signal = "source.wave"
max = 2
"""


def write_failing_scene(folder: Path) -> Path:
    """The scene as a file in `folder`."""
    (folder / "source.py").write_text(UNITS)
    path = folder / "failing.toml"
    path.write_text(SCENE)
    return path


def _answer(scene: str, case: dict[str, Any]) -> dict[str, Any]:
    import crumple

    os.environ["CRUMPLE_TEST_OUT"] = case["out"]
    if "action" in case:
        os.environ["CRUMPLE_TEST_ACTION"] = json.dumps(case["action"])
    if "limit" in case:
        resource.setrlimit(resource.RLIMIT_FSIZE, (case["limit"], resource.RLIM_INFINITY))
    try:
        result = crumple.run(scene, out=case["out"])
    except crumple.CrumpleError as error:
        return {"raised": type(error).__name__, "text": str(error)}
    return {"verdict": result.verdict, "exit_code": result.exit_code, "text": result.reason}


def _serve(scene: str) -> None:
    import crumple

    crumple.run(scene, out=Path(scene).parent / "first")  # all that can be imported is, from here on
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                os.write(1, (json.dumps(_answer(scene, json.loads(line))) + "\n").encode())
            except BaseException as error:
                os.write(
                    1, (json.dumps({"raised": type(error).__name__, "text": str(error)}) + "\n").encode()
                )
            finally:
                os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    _serve(sys.argv[1])
