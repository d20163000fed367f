"""A process that answers each line with a line, so that what it imports is imported once for many tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any


class LineProcess:
    """A script of Python's, with its standard input and output. It says "ready" once it is."""

    def __init__(self, script: Path, *arguments: object, **options: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )
        assert self.line() == "ready"

    def ask(self, text: str) -> str:
        """The line that it answers with."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.line()

    def line(self) -> str:
        """The next line that it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it was ended: {self.process.wait()}"
        return line.removesuffix("\n")

    def close(self) -> None:
        """Ends it, as the end of its input tells it to."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
