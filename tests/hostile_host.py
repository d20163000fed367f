"""A process that runs hostile FMUs for test_hostile.py, each in a fork of its own, and tells what came of it.

Importing Crumple takes longer than a run, so it is done once.

    python tests/hostile_host.py GOOD.fmu

It says "ready"; then the test writes one JSON object a line, the host answers
with one: how the fork ended, what its run came to, and what was left behind.
"""

from __future__ import annotations

import ctypes
import gc
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import crumple
from crumple.errors import CrumpleError
from hostile_state import adopt_orphans, changes, children, end_children, files_left, process_state

H = 0.125  # period of all worlds [s], and a power of two: sums of it are exact
TICKS = 8

SCENE = """
crumple = 1
title = "a hostile FMU beside one that is not"

[clock]
period = {period}
stop = {stop}

[units.dut]
fmu = "{dut}"
start = {start}

[units.good]
fmu = "{good}"

[requirements.all_the_way]
signal = "good.y"
at = "end"
equals = {end}
within = 0

[requirements.stays_finite]
signal = "dut.y"
max = 1
"""


def run_scene(request: dict[str, Any]) -> dict[str, Any]:
    """The scene as `crumple.run` has it."""
    for name, text in request.get("files", {}).items():
        Path(name).write_text(text)
    path = Path("scene.toml")
    result = crumple.run(path if path.exists() else write_scene(request, path), **options(request))
    signals = result.signals
    rows = len(result.t)
    told = {
        "verdict": result.verdict,
        "reason": result.reason,
        "exit_code": result.exit_code,
        "digest": result.digest,
        "rows": rows,
        "right": all(right(i, signals["dut.n"][i], signals["dut.y"][i]) for i in range(rows)),
        "counted": [float(n) for n in signals["dut.n"]] == list(range(rows)),
        "good": [float(y) for y in signals["good.y"]] == [i * H for i in range(rows)],
        "warnings": [str(e.get("text", e)) for e in result.events if "warn" in str(e.get("event", e))],
    }
    return told


def run_world(request: dict[str, Any]) -> dict[str, Any]:
    """A world, for what a scene has no words for: limits, snapshots, strings."""
    more = dict(request.get("add", {}))
    if "limits" in more:
        more["limits"] = crumple.worker.Limits(**more["limits"])
    world = crumple.World(period=H, threads=1)
    world.add("dut", crumple.Fmu(request["dut"], start=request["start"]), **options(request), **more)
    world.add("good", crumple.Fmu(request["good"], trust_state=True), isolate=False)
    rows: list[tuple[int, float, float]] = []
    told: dict[str, Any] = {"verdict": "error", "warnings": []}
    try:
        world.reset()
        snapshot = None
        for step in range(TICKS):
            if step == request.get("save"):
                snapshot = world.snapshot()
            if step == request.get("restore") and snapshot is not None:
                world.restore(snapshot)
            rows.append((world.tick, world["dut.n"], world["dut.y"]))
            world.step()
        rows.append((world.tick, world["dut.n"], world["dut.y"]))
        if "text" in [port.name for port in world.outputs("dut")]:
            told["text"] = str(world["dut.text"])[:100]
            told["length"] = len(world["dut.text"])
        world.end()
        told["verdict"] = "pass"
        told["reason"] = ""
    except CrumpleError as error:
        told["reason"] = str(error)
    told["rows"] = len(rows)
    told["right"] = all(right(*row) for row in rows)
    told["good"] = world["good.y"] == world.tick * H
    told["warnings"] += list(world.warnings)
    return told


def run_hunted(request: dict[str, Any]) -> dict[str, Any]:
    """A world that starts again and again, and each time somebody kills its worker soon after it appeared."""
    random = Random(request["seed"])
    world = crumple.World(period=H, threads=1)
    world.add("dut", crumple.Fmu(request["dut"]), isolate=True)
    world.add("good", crumple.Fmu(request["good"]), isolate=False)

    def hunt(delay: float) -> None:
        while not (found := children()):
            time.sleep(1e-3)
        time.sleep(delay)
        os.kill(int(found[0].split()[0]), signal.SIGKILL)

    told: dict[str, Any] = {"reasons": [], "right": True, "ticks": []}
    for _ in range(request["kills"]):
        # most of them while it steps, some while it starts
        hunter = threading.Thread(target=hunt, args=(random.choice([0.002, 0.02]) * random.random(),))
        hunter.start()
        try:
            world.reset()
            while True:
                world.step(1000)
        except CrumpleError as error:
            told["reasons"].append(str(error))
        hunter.join()
        told["ticks"].append(world.tick)
        told["right"] &= right(world.tick, world["dut.n"], world["dut.y"]) or world.tick == 0
        told["right"] &= world["good.y"] == world.tick * H
        assert not children()
    return {**told, "verdict": "error", "reason": ""}


def options(request: dict[str, Any]) -> dict[str, Any]:
    """Where the unit runs, and how long a call may take."""
    return {"isolate": request["isolate"], "step_timeout": request.get("step_timeout", 5.0)}


def write_scene(request: dict[str, Any], path: Path) -> Path:
    """The scene of a request as a file."""
    start = ", ".join(f"{key} = {json.dumps(value)}" for key, value in request["start"].items())
    more = {"dut": request["dut"], "good": request["good"], "end": TICKS * H}
    path.write_text(SCENE.format(period=f'"{H} s"', stop=f'"{TICKS * H} s"', start=f"{{ {start} }}", **more))
    return path


def right(tick: int, n: float, y: float) -> bool:
    """Whether the FMU's outputs follow its equations: n counts, y approaches 1."""
    return float(n) == tick and math.isclose(
        float(y), 1.0 - math.exp(-tick * H), rel_tol=1e-12, abs_tol=1e-15
    )


def in_fork(request: dict[str, Any], folder: Path) -> None:
    """Runs a request in this process, which ends with the exit code of its verdict."""
    os.setsid()
    os.environ.update(request.get("environment", {}))
    os.environ["TMPDIR"] = str(folder / "tmp")
    os.chdir(folder / "work")
    for number, name in ((0, os.devnull), (1, "../stdout"), (2, "../stderr")):
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    before = process_state()
    code = 4
    try:
        kind = run_hunted if "kills" in request else run_world if request.get("world") else run_scene
        told = kind(request)
        code = told.get("exit_code", 0)
    except CrumpleError as error:
        told = {"raised": type(error).__name__, "reason": str(error), "verdict": "refused"}
    gc.collect()
    time.sleep(request.get("linger", 0.0))
    told["changed"] = changes(before, process_state())
    (folder / "told.json").write_text(json.dumps(told))
    sys.stdout.flush()
    ctypes.CDLL(None).exit(code)  # and what the FMU may have registered for the end


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Has a request run in a fork, and tells how that ended."""
    folder = Path(request["folder"])
    for name in ("work", "tmp"):
        (folder / name).mkdir(parents=True)
    before = files_left(folder / "tmp", folder / "work")
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            in_fork(request, folder)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(99)
    ended = None
    while ended is None and time.monotonic() - began < request.get("patience", 20.0):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            ended = os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    if ended is None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    told: dict[str, Any] = {"verdict": None, "reason": ""}
    with suppress(OSError, ValueError):
        told = json.loads((folder / "told.json").read_text())
    left = end_children(patience=0.5)
    files = files_left(folder / "tmp", folder / "work") - before
    runs = folder / "work" / "runs"
    known = [str(runs), *(str(folder / "work" / f) for f in ("scene.toml", *request.get("files", {})))]
    known.append(str(folder / "work" / "__pycache__"))
    written = [json.loads(p.read_text()) for p in runs.glob("*/verdict.json")]
    result = {
        **told,
        "ended": ended,  # exit code, minus the signal, or None: it had to be killed
        "seconds": time.monotonic() - began,
        "processes": left,
        "files": sorted(f for f in files if not f.startswith(tuple(known))),
        "sizes": [Path(f).stat().st_size for f in sorted(files) if "hostile-was-here" in f],
        "written": [v["verdict"] for v in written],
        "stderr": (folder / "stderr").read_text(errors="replace")[-2000:],
        "stdout": (folder / "stdout").stat().st_size,
    }
    shutil.rmtree(folder, ignore_errors=True)
    return result


def warm_up(good: str) -> None:
    """Has all imported that a run imports. Forks must find this process with one thread and no children."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        request = {"dut": good, "good": good, "start": {}, "isolate": False}
        assert run_scene(request)["verdict"] == "pass"
        assert run_world(request)["verdict"] == "pass"
        os.chdir(here)
    gc.collect()
    state = process_state()
    assert (state["threads"], state["children"]) == (1, []), state


def main() -> None:
    """One JSON object a line in, one a line out."""
    os.fsync = lambda fd: None  # no test of disks, and it would take half of the time
    warm_up(sys.argv[1])
    gc.freeze()  # what is there by now is shared with all forks, and none of them looks through it again
    adopt_orphans()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
