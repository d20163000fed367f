"""What a Linux machine allows a real-time run: scheduling, locked memory, timers."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
from pathlib import Path

from crumple import wording
from crumple.doctor import Finding

CAP_IPC_LOCK, CAP_SYS_NICE = 14, 23  # bits of CapEff, see capabilities(7)
_ENOUGH = 256 * 2**20  # [bytes] of memory that a run locks: core, plugins and NumPy fit


def real_time(*, status: Path = Path("/proc/self/status")) -> list[Finding]:
    """Findings on real-time abilities of this process."""
    capabilities = _capabilities(status)
    return [_scheduling(capabilities), _locking(capabilities), _sleep(), _timers()]


def may_use_fifo() -> bool:
    """Whether this thread may be scheduled by SCHED_FIFO. Tried, and taken back at once."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return False
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, policy, parameters)
    return True


def _scheduling(capabilities: int) -> Finding:
    kernel = platform.release()
    if _read("/sys/kernel/realtime") == "1":
        kernel += " PREEMPT_RT"
    if may_use_fifo():
        return Finding("scheduling", f"SCHED_FIFO yes · Linux {kernel}")
    if capabilities >> CAP_SYS_NICE & 1:
        remedy = (
            "CAP_SYS_NICE is there, but the container or its cgroup forbids it: give it real-time runtime"
        )
    else:
        user = os.environ.get("USER") or "you"
        remedy = f'Add "{user} - rtprio 80" to /etc/security/limits.conf, or run with CAP_SYS_NICE'
    return Finding("scheduling", f"SCHED_FIFO no · Linux {kernel}", good=False, remedy=remedy)


def _locking(capabilities: int) -> Finding:
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if limit == resource.RLIM_INFINITY or capabilities >> CAP_IPC_LOCK & 1:
        return Finding("locked memory", "no limit")
    text = f"at most {wording.number(limit / 2**20, digits=3)} MiB"
    if limit >= _ENOUGH:
        return Finding("locked memory", text)
    user = os.environ.get("USER") or "you"
    remedy = f'Add "{user} - memlock unlimited" to /etc/security/limits.conf, and log in again'
    return Finding("locked memory", text, good=False, remedy=remedy)


def _sleep(file: Path = Path("/dev/cpu_dma_latency")) -> Finding:
    if os.access(file, os.W_OK):
        return Finding("idle cores", "kept awake during runs that are paced")
    remedy = (
        f"{file} says how long a core may take to wake; this kernel, or this container, does not have it"
        if not file.exists()
        else f"To be woken takes 10 to 200 us: let your group write {file}, by a udev rule such as"
        f' KERNEL=="{file.name}", GROUP="realtime", MODE="0660"'
    )
    return Finding("idle cores", "may fall asleep", good=False, remedy=remedy)


def _timers() -> Finding:
    slack = _read("/proc/self/timerslack_ns")
    text = f"slack {wording.time(int(slack) * 1e-9)}" if slack.isdigit() else "slack unknown"
    governor = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    cores = len(os.sched_getaffinity(0))
    text += f" · {wording.count(cores, 'core')}"
    if governor in ("", "performance"):
        return Finding("timers", f"{text} · {governor} governor" if governor else text)
    remedy = "The clock of the cores follows the load: sudo cpupower frequency-set -g performance"
    return Finding("timers", f"{text} · {governor} governor", good=False, remedy=remedy)


def _capabilities(status: Path) -> int:
    """Effective capabilities of this process as bits; 0 where they cannot be read."""
    for line in _read(str(status)).splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
