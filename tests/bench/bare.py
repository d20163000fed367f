"""The bare C loop (`bare_loop.c`) as an engine."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from engine import Engine
from rings import HERE, STEP, Ring, compile_library

ROWS = 4096
"""Steps recorded at a time. The memory is used again, so that a long run does not fill the machine."""


def build_loop(folder: Path) -> Path:
    """Compile the loop into `folder`, once."""
    target = folder / "bare_loop.so"
    return target if target.exists() else compile_library([HERE / "bare_loop.c"], target)


class Bare(Engine):
    """Drives a ring through the FMU's C functions and nothing else."""

    name = "bare C loop"

    def __init__(self, ring: Ring, *, threads: int = 1, record: Path | None = None) -> None:
        super().__init__(ring, threads=threads, record=record)
        self._loop = ctypes.CDLL(str(build_loop(ring.library.parent)))
        self._loop.bare_open.restype = ctypes.c_void_p
        refs = np.arange(2 * ring.ports + 2, dtype=np.uint32)
        route = np.ascontiguousarray(ring.route, dtype=np.int32)
        starts = np.array([[ring.x0[i], ring.work or 1.0] for i in range(ring.units)])
        pointer = ctypes.c_void_p
        self._bare = pointer(
            self._loop.bare_open(
                str(ring.library).encode(),
                ring.fmi,
                ring.token.encode(),
                ring.units,
                ring.ports,
                pointer(refs[: ring.ports].ctypes.data),
                pointer(refs[ring.ports :].ctypes.data),
                pointer(route.ctypes.data),
                ctypes.c_double(STEP),
                starts.shape[1],
                pointer(refs[2 * ring.ports :].ctypes.data),
                pointer(starts.ctypes.data),
            )
        )
        if not self._bare:
            raise RuntimeError(f"the bare loop could not start {ring.library}")
        self._loop.bare_pair.restype = pointer
        self._pair = pointer(self._loop.bare_pair(self._bare)) if threads > 1 else None
        self._rows = None if record is None else np.zeros((ROWS, ring.units * ring.ports))
        self._last = 0

    def step(self, steps: int) -> None:
        if self._pair is not None:
            failed = self._loop.bare_step_two(self._pair, ctypes.c_long(steps))
        elif self._rows is None:
            failed = self._loop.bare_step(self._bare, ctypes.c_long(steps), None)
        else:
            failed = 0
            for first in range(0, steps, ROWS):
                self._last = min(ROWS, steps - first)
                rows = ctypes.c_void_p(self._rows.ctypes.data)
                failed |= self._loop.bare_step(self._bare, ctypes.c_long(self._last), rows)
        if failed:
            raise RuntimeError("an FMU call of the bare loop failed")

    def outputs(self) -> np.ndarray:
        values = np.zeros(self.ring.units * self.ring.ports)
        self._loop.bare_outputs(self._bare, ctypes.c_void_p(values.ctypes.data))
        return values

    def recorded(self) -> np.ndarray | None:
        return None if self._rows is None else self._rows[self._last - 1].copy()

    def close(self) -> None:
        if self._pair is not None:
            self._loop.bare_end_pair(self._pair)
        self._loop.bare_close(self._bare)
