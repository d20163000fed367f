"""What every engine of the benchmark does, and how it says that it takes no part."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np
from rings import Ring


class Absent(RuntimeError):
    """This engine takes no part in this case; the message says why."""


class Engine:
    """One ring, loaded and started, in one engine.

    `threads` is how many may step, `record` a folder for a recording of every output of every step, or None.
    """

    name = ""
    package = ""  # on PyPI; empty: part of the benchmark
    tolerance = 0.0  # relative, of its outputs against the reference; 0: bit for bit
    leads = 0  # steps taken before it is handed over
    looks = 0  # steps it takes to see its outputs

    def __init__(self, ring: Ring, *, threads: int = 1, record: Path | None = None) -> None:
        self.ring = ring
        self.threads = threads
        self.record = record

    @classmethod
    def prepare(cls) -> None:
        """Import what is needed, so that it is not counted as loading an FMU. Raises Absent."""

    @classmethod
    def version(cls) -> str:
        """Version of its package, empty where it has none. Raises Absent where that is not installed."""
        if not cls.package:
            return ""
        try:
            return importlib.metadata.version(cls.package)
        except importlib.metadata.PackageNotFoundError:
            raise Absent(f"not installed (pip install {cls.package})") from None

    def step(self, steps: int) -> None:
        """Take `steps` steps."""
        raise NotImplementedError

    def outputs(self) -> np.ndarray:
        """All outputs of the last step, unit by unit, (units * ports,)."""
        raise NotImplementedError

    def recorded(self) -> np.ndarray | None:
        """The last row of the recording, as `outputs`; None without one, or where it keeps fewer digits."""
        return None

    def own_digest(self) -> str:
        """What the engine itself calls the digest of its run; empty where it has no such thing."""
        return ""

    def close(self) -> None:
        """Let go of the ring."""
