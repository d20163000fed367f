"""What one hostile FMU does to Crumple, FMPy, Ecos and libcosim: a table of who survives what.

    python tests/bench/hostility.py [--only WORD,WORD] [--hosts NAME,NAME] [--json FILE]
                                    [--seen FILE] [--write FILE] [--write-short FILE]

Each case runs fmu/hostile alone for eight steps in a process of its own, by the engine's Python package as its
documentation says (hosts.py), with a limit on time and memory. What came of it is classified by rules, below; no cell
is written by hand. --write puts the table between the comments `hostility: begin` and `hostility: end` of a file,
--write-short its most telling rows. Linux only; nothing that it starts outlives it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hosts import HOSTS, STEPS, H

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from fmu_build import build_fmu  # noqa: E402
from hostile_state import adopt_orphans, end_children  # noqa: E402

LIMIT = 12.0  # [s] after which a run counts as waiting for ever; a good one takes less than one
MEMORY = 1 << 30  # [bytes] of private memory for each process

# behaviour:moment:step | what it does
CASES = """
exit             | calls `exit(0)`
_exit            | calls `_exit(0)`
exit:instantiate | calls `exit(0)` when instantiated
exit:load        | calls `exit(0)` when loaded
exit:init        | calls `exit(0)` in initialization mode
exit:terminate   | calls `exit(0)` when terminated
quick_exit       | calls `quick_exit(0)`
exit_handler     | returns `fmi2Error`, and has the process end with `_exit(0)`
segfault         | segmentation fault
segfault:load    | segmentation fault when loaded
segfault:init    | segmentation fault in initialization mode
segfault:free    | segmentation fault when freed
bus_error        | bus error
illegal_instruction | illegal instruction
divide_by_zero   | integer division by zero
stack_overflow   | stack overflow
abort            | calls `abort()`
thread_exit      | ends the calling thread
kill_self        | `kill(getpid(), SIGKILL)`
kill_group       | `kill(0, SIGKILL)`: its process group
alarm            | sets a timer whose signal ends the process
stop_self        | `kill(getpid(), SIGSTOP)`
hang             | never returns, asleep
hang:load        | never returns when loaded
hang:init        | never returns in initialization mode
busy_loop        | never returns, busy
cling            | never returns, ignores signals, leaves its session
nan              | output is NaN
infinity         | output is infinite
error            | returns `fmi2Error`
fatal            | returns `fmi2Fatal`
discard          | returns `fmi2Discard`
pending          | returns `fmi2Pending`
status_99        | returns status 99
error:get        | `fmi2GetReal` returns `fmi2Error`
null_string      | a string output is a null pointer
bad_string       | a string output is not UTF-8
long_string:step:8 | a string output of 50 MB
round_up         | leaves rounding upward on
flush_to_zero    | leaves flush-to-zero on
traps            | leaves floating-point traps on
chdir            | changes the working folder
umask            | changes the file mode mask
environment      | clears the environment
locale           | changes the locale
limits           | sets limits on files to 0
handlers         | installs handlers for all signals
block_signals    | blocks all signals
close_files      | closes all file descriptors
write_files      | writes rubbish into all open files
truncate_files   | cuts all open files to nothing
print            | prints 10 MB
thread           | leaves a thread running
child            | leaves a child process running
daemon           | leaves a child in a session of its own
leak_fast        | leaks 64 MB a step
allocate         | allocates without end
scribble         | inverts all shared memory
scribble_thread  | does so all the time
log_thread       | logs from another thread
log_after_free   | logs after it was freed
log_null         | logs null pointers
log_rubbish      | logs with a wild environment pointer
log_format       | logs a format without its arguments
log_long         | logs 50 MB
log_flood        | logs 100,000 lines
"""

SHORT = [
    "exit",
    "_exit",
    "segfault",
    "hang",
    "nan",
    "error",
    "discard",
    "round_up",
    "chdir",
    "close_files",
    "child",
]
SHORT += ["allocate", "log_format"]
"""Commands of the rows for the README."""

NEVER_RETURN = {"hang", "busy_loop", "stop_self", "cling"}

MUST_TELL = {"nan", "infinity", "error", "fatal", "discard", "status_99", "exit_handler"}
"""Behaviours after which right values at the end are no excuse for having said nothing."""

LEGEND = """
- **right**: the run ends with the right values. *left*: what of the host's own process was changed afterwards, or which
  process outlived it.
- **error**: the engine reports an error and its process goes on. *unnamed*: what it says names neither the instance nor
  the file.
- **unnoticed**: the run ends as if nothing had been, and the script that ran it exits with code 0.
  **wrong values**: its last values are not those of the model.
- **ends, exit 0**: the host's process ends there and then, with no result, and its exit code says that all went well.
- **dies, 139**: the host's process is killed; the number is the exit code that a shell shows, 128 and the signal.
- **fails**: the host's process ends with an exit code of its own that is not 0, and no result.
- **waits**: the host had not come to an end after 12 s, and was killed; after 36 s where it might
  only have been slow.
"""


@dataclass
class Case:
    """One misbehaviour: its command, and the text for the table."""

    command: str
    text: str

    @property
    def behaviour(self) -> str:
        return self.command.split(":")[0]


@dataclass
class Outcome:
    """What came of one case in one host."""

    code: int | None  # exit code, minus the signal that killed it; None: it waited
    told: dict[str, Any] | None  # what hosts.py wrote
    stderr: str
    processes: list[str] = field(default_factory=list)  # that outlived the host


def cases(only: str | None = None) -> list[Case]:
    """All cases, or those whose command holds one of the words."""
    found = [Case(*(part.strip() for part in line.split("|"))) for line in CASES.strip().splitlines()]
    return [c for c in found if only is None or any(word in c.command for word in only.split(","))]


def run(host: str, command: str, fmu: Path, *, limit: float = LIMIT) -> Outcome:
    """Runs hosts.py in a session and folders of its own, and ends all that is left of it."""
    with tempfile.TemporaryDirectory() as name:
        folder, result = Path(name), Path(name) / "result.json"
        for part in ("work", "tmp"):
            (folder / part).mkdir()
        environment = {
            **os.environ,
            "CRUMPLE_HOSTILE": command,
            "TMPDIR": str(folder / "tmp"),
            "CRUMPLE_CACHE": str(folder / "cache"),  # without a certificate
            "OPENBLAS_NUM_THREADS": "1",
        }
        arguments = [sys.executable, str(Path(__file__).with_name("hosts.py")), host, str(fmu), str(result)]
        with open(folder / "stderr", "wb") as errors:
            process = subprocess.Popen(
                arguments,
                cwd=folder / "work",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
            code: int | None = None
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(limit)
            time.sleep(0.1)  # what is ending may end
            before = [] if code is None else end_children(patience=0.3)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            end_children(patience=0.0)
        told = None
        with suppress(OSError, ValueError):
            told = json.loads(result.read_text())
        stderr = (folder / "stderr").read_bytes()[-100_000:].decode(errors="replace")
        for path in folder.rglob("*"):  # a mask of 0777 leaves folders that cannot be emptied
            with suppress(OSError):
                path.chmod(0o700)
    return Outcome(code, told, stderr, before)


def cell(outcome: Outcome, case: Case, good: Outcome) -> str:
    """The cell of the table. good: the same host with the same FMU when it behaves."""
    told = outcome.told
    if outcome.code is None:
        return "waits"
    if told is None and outcome.code < 0:
        return f"dies, {128 - outcome.code}" + _left(outcome, case, good)
    if told is None:
        return ("ends, exit 0" if outcome.code == 0 else f"fails, exit {outcome.code}") + _left(
            outcome, case, good
        )
    if outcome.code < 0:
        return f"dies at its end, {128 - outcome.code}" + _left(outcome, case, good)
    if "said" in told:
        exit_code = ", exit 0" if outcome.code == 0 else ""
        return ("error" if _named(outcome) else "error, unnamed") + exit_code + _left(outcome, case, good)
    if not math.isfinite(told["y"]):
        return f"**unnoticed**, {'NaN' if math.isnan(told['y']) else 'infinite'}" + _left(outcome, case, good)
    if not is_right(told):
        return "**unnoticed**, wrong values" + _left(outcome, case, good)
    if case.behaviour in MUST_TELL:
        return "**unnoticed**" + _left(outcome, case, good)
    return "right" + _left(outcome, case, good)


def is_right(told: dict[str, Any]) -> bool:
    """Whether the last values are those of the model: n counts steps, y approaches 1."""
    y = 1.0 - math.exp(-H * STEPS)
    return told["n"] == STEPS and math.isclose(told["y"], y, rel_tol=1e-12)


def _named(outcome: Outcome) -> bool:
    """Whether what the engine said, or what it wrote as an error, names the instance or the file."""
    lines = [line for line in outcome.stderr.splitlines() if re.search("error|fatal", line, re.IGNORECASE)]
    said = (outcome.told or {}).get("said", "")
    return any(re.search(r"\bdut\b|hostile", line) for line in [said, *lines])


def _left(outcome: Outcome, case: Case, good: Outcome) -> str:
    usual = (good.told or {}).get("changed", {})
    told = (outcome.told or {}).get("changed", {})
    quiet = {
        *usual,
        "children",
        *([] if case.behaviour.endswith("thread") else ["threads"]),
    }  # their own come and go
    changed = [key for key in told if key not in quiet]
    words = [_LEFT.get(key, key) for key in changed]
    if len(outcome.processes) > len(good.processes) or "children" in told:
        words.append("process")
    return f"; *left*: {', '.join(words)}" if words else ""


_LEFT = {"rounding": "floating-point mode", "umask": "mask", "threads": "thread"}


def is_harm(text: str) -> bool:
    """Whether a cell says that the host ended or waited, or reported what is not so."""
    return text.startswith(("ends", "dies", "fails", "waits", "**unnoticed**")) or ", exit 0" in text


def table(chosen: list[Case], names: list[str], cells: dict[tuple[str, str], str], *, count: int = 0) -> str:
    """The Markdown table of these cases and hosts. count: of all cases, for a first row of sums; 0: none."""
    lines = ["| the FMU | " + " | ".join(HOSTS[n][0] for n in names) + " |"]
    lines.append("|---" * (len(names) + 1) + "|")
    if count:
        counts = [sum(is_harm(text) for (n, _), text in cells.items() if n == name) for name in names]
        what = f"**of {count} cases: the host's process ended or waited, or nothing was noticed**"
        lines.append(f"| {what} | " + " | ".join(f"**{n}**" for n in counts) + " |")
    for case in chosen:
        row = [cells.get((n, case.command), "-") for n in names]
        lines.append(f"| {case.text} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def origin(names: list[str]) -> str:
    """Which versions, on what machine, when, by which command."""
    peers = dict.fromkeys(HOSTS[n][1] for n in names if HOSTS[n][1] != "crumple")
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in peers)
    return (
        f"One version each, from PyPI: {versions}; Crumple as in this repository. "
        f"Python {platform.python_version()}, {platform.system()} "
        f"{platform.release()}, {time.strftime('%d %B %Y')}. `python tests/bench/hostility.py`"
    )


def write(path: Path, text: str) -> None:
    """Puts `text` between the two comments of a file."""
    whole = path.read_text(encoding="utf-8")
    begin, end = "<!-- hostility: begin -->\n", "<!-- hostility: end -->"
    before, rest = whole.split(begin, 1)
    after = rest[rest.index(end) :]
    path.write_text(f"{before}{begin}{text.strip()}\n{after}", encoding="utf-8")


def main() -> int:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="WORD,WORD", help="cases whose command holds a word")
    parser.add_argument("--hosts", metavar="NAME,NAME", help=f"of {', '.join(HOSTS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything seen to FILE")
    parser.add_argument(
        "--seen", type=Path, metavar="FILE", help="take hosts that are not run from such a FILE"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the whole table into FILE")
    parser.add_argument(
        "--write-short", type=Path, metavar="FILE", help="put its most telling rows into FILE"
    )
    asked = parser.parse_args()
    names = asked.hosts.split(",") if asked.hosts else list(HOSTS)
    chosen, fmu = cases(asked.only), build_fmu("hostile2")
    adopt_orphans()
    cells: dict[tuple[str, str], str] = {}
    seen: dict[str, Any] = {}
    ran: list[str] = []  # the hosts that can run the FMU when it behaves
    if asked.seen:
        seen = json.loads(asked.seen.read_text())
        cells = {(key.split()[0], key.split()[1]): each["cell"] for key, each in seen.items()}
        ran = [host for host in HOSTS if host not in names and any(host == known for known, _ in cells)]
    for host in names:
        good = run(host, "", fmu)
        if good.told is None or "said" in good.told or not is_right(good.told):
            print(f"{host} is left out: {good.told or good.stderr}", file=sys.stderr)
            continue
        ran.append(host)
        for case in chosen:
            outcome = run(host, case.command, fmu)
            if outcome.code is None and case.behaviour not in NEVER_RETURN:
                outcome = run(host, case.command, fmu, limit=3 * LIMIT)  # perhaps the machine was busy
            cells[host, case.command] = cell(outcome, case, good)
            seen[f"{host} {case.command}"] = {
                "cell": cells[host, case.command],
                "exit": outcome.code,
                "told": outcome.told,
                "processes": outcome.processes,
                "stderr": outcome.stderr[-2000:],
            }
            print(f"{host:20} {case.command:22} {cells[host, case.command]}", file=sys.stderr, flush=True)
    ran.sort(key=list(HOSTS).index)
    short = [case for case in chosen if case.command in SHORT]
    shown = [name for name in ran if name != "crumple-in-process"]
    brief = {key: text.replace(", unnamed", "") for key, text in cells.items()}
    whole = f"{table(chosen, ran, cells, count=len(chosen))}\n\n{origin(ran)}."
    print(whole)
    if asked.json:
        asked.json.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    if asked.write:
        write(asked.write, f"{whole}\n\n{LEGEND.strip()}")
    if asked.write_short:
        write(asked.write_short, f"{table(short, shown, brief, count=len(chosen))}\n\n{origin(ran)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
