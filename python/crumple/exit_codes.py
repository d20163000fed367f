"""Exit codes, which are computed from the verdict and from nothing else."""

from __future__ import annotations

EXIT_CODES: dict[str, int] = {"pass": 0, "done": 0, "fail": 1, "inconclusive": 3, "error": 4}
USAGE = 2  # a wrong call, scene or FMU: nothing was run, and there is no verdict

_UNKNOWN = EXIT_CODES["inconclusive"]  # a verdict that nobody knows proves nothing


def exit_code(outcome: str) -> int:
    """The exit code of a run that came to this verdict: 0 pass or done, 1 fail, 3 inconclusive, 4 error."""
    return EXIT_CODES.get(outcome, _UNKNOWN)
