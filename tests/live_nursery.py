"""Processes to be killed and stopped, started without starting Python again: copies of one that has imported it all.

Called as a script it reads lines of JSON. {"script": text} or {"command": [...]}, with "arguments", "out", "cwd" and
"environment", is answered with a process id; {"poll": id} with an exit code, negative for a signal, or null while it
lives. At the end of its input it kills what it started.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from line_process import LineProcess

PLAIN = """
crumple = 1

[clock]
period = "1 ms"
stop = "2 ms"

[units.half]
plugin = "units.py:Half"

[requirements.small]
signal = "half.y"
max = "1"
"""


class Nursery:
    """Starts processes. folder: its own."""

    def __init__(self, folder: Path, units: str) -> None:
        (folder / "units.py").write_text(units, encoding="utf-8")
        (folder / "plain.toml").write_text(PLAIN, encoding="utf-8")
        self._process = LineProcess(Path(__file__), cwd=folder)

    def ask(self, **request: Any) -> Any:
        return json.loads(self._process.ask(json.dumps(request)))

    def close(self) -> None:
        self._process.close()


class Child:
    """A process of a nursery: a Python script, or the command `crumple` with its supervisor."""

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        *,
        script: str | None = None,
        command: Sequence[object] = (),
        arguments: Sequence[object] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self._nursery = nursery
        number = 0
        while (out := folder / f".text-{number}").exists():
            number += 1
        out.touch()
        self._out = out
        self._code: int | None = None
        self.pid: int = nursery.ask(
            script=script,
            command=[str(word) for word in command],
            arguments=[str(word) for word in arguments],
            out=str(out),
            cwd=str(folder),
            environment=environment or {},
        )

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self._out.read_text(encoding="utf-8") if self._out.exists() else ""

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def says(self, word: str) -> str:
        """Waits for a line that begins so."""
        from live_bench import until

        def said() -> str | None:
            whole = self.text.rpartition("\n")[0].split("\n")
            return next((line for line in whole if line.startswith(word)), None)

        return str(until(said, why=f'for "{word}" in {self.text}'))

    def says_last(self, word: str) -> None:
        """Waits until its newest line begins so."""
        from live_bench import until

        until(lambda: self.lines and self.lines[-1].startswith(word), why=f'for "{word}" at the end')

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self) -> int:
        """Waits for the end. Returns the exit code, negative for a signal."""
        from live_bench import until

        until(self._ended, why=f"for the end of {self.text}")
        assert self._code is not None
        return self._code

    def _ended(self) -> bool:
        if self._code is None:
            self._code = self._nursery.ask(poll=self.pid)
        return self._code is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.end()


def _serve() -> None:
    import zmq.backend  # noqa: F401

    import crumple.conclusion
    import crumple.live.judgement
    import crumple.live.lockstep
    import crumple.live.pacing
    import crumple.live.rig
    import crumple.replaying
    import crumple.seal  # noqa: F401
    from crumple.cli.app import invoke

    with open(os.devnull, "w", encoding="utf-8") as nothing:
        said, sys.stdout = sys.stdout, nothing
        code = invoke(["run", "plain.toml", "--out", "runs", "--threads", "1"])
        sys.stdout = said
    assert code == 0
    children: set[int] = set()
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            print(json.dumps(_poll(request["poll"], children)), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _live(request)
        children.add(child)
        print(child, flush=True)
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _poll(child: int, children: set[int]) -> int | None:
    done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        return None
    children.discard(child)
    return os.waitstatus_to_exitcode(status)


def _live(request: dict[str, Any]) -> None:
    """What a child does, to its end."""
    code: Any = 1
    try:
        os.setsid()
        out = os.open(request["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, file in enumerate((nothing, out, out)):
            os.dup2(file, number)
        sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
        os.chdir(request["cwd"])
        os.environ.update(request["environment"])
        if request["script"] is None:
            from crumple.cli import main

            sys.argv = ["crumple", *request["command"]]
            main()
        else:
            sys.argv = ["peer", *request["arguments"]]
            exec(compile(request["script"], "peer", "exec"), {"__name__": "__main__"})
        code = 0
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve()
