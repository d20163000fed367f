"""Looking on at a run from another process, and giving it commands.

The run's newest frame lies in shared memory, and is written over whether it was read or not: looking on can neither
slow a run nor change it. The layout is told in cpp/include/crumple/monitor.hpp.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple import run_folder
from crumple.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MONITOR = "monitor.json"
REFUSED = "a command was refused: "  # how the event begins; why, and the command in brackets, come next
STATUS = ("waiting", "running", "paused", "ended")
COMMANDS = ("pause", "resume", "step", "run_to", "speed", "stop", "set", "inject", "clear")

_MAGIC, _VERSION = b"CRMPVIEW", 1
_RING, _SLOTS, _SLOT = 256, 64, 256
_SEQUENCE, _FRAME, _STATUS_AT = 64, 72, 96
_PACED, _LATE, _STEP, _WRITTEN, _TAKEN, _COMMANDS, _NAMES = 192, 256, 2304, 4352, 4360, 4416, 20800
_LARGEST = 1 << 30


class Frame(NamedTuple):
    """What a run had published at a communication point.

    moment [s]: monotonic clock when it was written.   status: see STATUS.   values: by `Monitor.names`.
    missed, slips: of deadlines so far.   ticks: of the whole run.   budget [s]: wall time that a tick has.
    lateness, step_s [s]: of the last 256 paced ticks, newest last.
    """

    tick: int
    t: float
    moment: float
    status: str
    speed: float
    missed: int
    slips: int
    ticks: int
    budget: float
    values: NDArray[np.float64]
    lateness: NDArray[np.float64]
    step_s: NDArray[np.float64]


class Monitor:
    """The newest frame of a run that is going on. Raises UsageError where nobody can look on at it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        place = run_folder.read_json(self.folder, MONITOR)
        if not run_folder.is_alive(self.folder):
            raise UsageError(f"the run in {self.folder} is over: look at it with crumple view {self.folder}")
        file = place.get("file")
        if not isinstance(file, str) or not file.startswith("/proc/"):
            raise UsageError(f"{self.folder / MONITOR} is damaged: it names no shared memory.")
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(
                f"the run in {self.folder} cannot be looked on at ({error.strerror}): it runs as another user or on"
                " another machine, or has just ended."
            ) from None
        try:
            size = os.fstat(descriptor).st_size
            if not _NAMES <= size <= _LARGEST:
                raise UsageError(f"{file} is no run's shared memory")
            self._memory = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        magic, version, count, names_at, names_bytes, self._values_at, total = struct.unpack_from(
            "<8sIIQQQQ", self._memory, 0
        )
        if (magic, version, total) != (_MAGIC, _VERSION, size) or self._values_at + 8 * count > size:
            raise UsageError(f"{file} is no shared memory of a run of this version of Crumple")
        self.names: list[str] = json.loads(self._memory[names_at : names_at + names_bytes])
        if len(self.names) != count:
            raise UsageError(f"{file} is no shared memory of a run of this version of Crumple")
        self._count = count

    def frame(self) -> Frame | None:
        """The newest frame; None before there is one, and where one was being written all the time."""
        import numpy as np

        memory = self._memory
        for _ in range(100):
            before: int = struct.unpack_from("<Q", memory, _SEQUENCE)[0]
            if before % 2:
                continue
            tick, t, moment = struct.unpack_from("<qdq", memory, _FRAME)
            values = np.frombuffer(memory, np.float64, self._count, self._values_at).copy()
            if struct.unpack_from("<Q", memory, _SEQUENCE)[0] != before:
                continue
            if tick < 0:
                return None
            status, speed, missed, slips, ticks, budget = struct.unpack_from("<I4xdqqqd", memory, _STATUS_AT)
            return Frame(
                tick=tick,
                t=t,
                moment=moment * 1e-9,
                status=STATUS[status] if status < len(STATUS) else "ended",
                speed=speed,
                missed=missed,
                slips=slips,
                ticks=ticks,
                budget=budget,
                values=values,
                lateness=self._ring(_LATE),
                step_s=self._ring(_STEP),
            )
        return None

    @property
    def status(self) -> str:
        """See STATUS; also before there is a frame."""
        status: int = struct.unpack_from("<I", self._memory, _STATUS_AT)[0]
        return STATUS[status] if status < len(STATUS) else "ended"

    def send(self, do: str, **args: Any) -> None:
        """Give a command: pause, resume, step(n), run_to(t), speed(speed), stop, set(name, value), inject(fault),
        clear(fault).

        Raises UsageError where it is none, is too long, or where 64 wait already: then nobody takes them.
        """
        if do not in COMMANDS:
            raise UsageError(f'"{do}" is no command. There are: {", ".join(COMMANDS)}.')
        text = json.dumps({"do": do, **args}).encode()
        if len(text) >= _SLOT:
            raise UsageError(f"the command {do} is too long: {len(text)} bytes, and at most {_SLOT - 1} fit.")
        written, taken = struct.unpack_from("<QQ", self._memory, _WRITTEN)
        if written - taken >= _SLOTS:
            raise UsageError("the run does not take commands at present")
        at = _COMMANDS + written % _SLOTS * _SLOT
        self._memory[at : at + _SLOT] = text.ljust(_SLOT, b"\0")
        struct.pack_into("<Q", self._memory, _WRITTEN, written + 1)  # only now is it there

    def close(self) -> None:
        """Let go of the shared memory."""
        self._memory.close()

    def _ring(self, at: int) -> NDArray[np.float64]:
        import numpy as np

        paced: int = struct.unpack_from("<Q", self._memory, _PACED)[0]
        whole = np.frombuffer(self._memory, np.float64, _RING, at)
        if paced < _RING:
            return whole[:paced].copy()
        return np.roll(whole, -(paced % _RING))
