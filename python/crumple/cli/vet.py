"""`crumple vet`: runs an FMU through everything that could go wrong, and keeps what was found as a certificate."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crumple import wording
from crumple.cli.screen import Screen, is_terminal
from crumple.errors import UsageError
from crumple.exit_codes import EXIT_CODES

if TYPE_CHECKING:
    from pathlib import Path

    from crumple.certificate import Certificate

_FAILED = EXIT_CODES["error"]
_NOT_CLEAN = 1
_STYLES = {"good": "dim", "note": "warning", "bad": "fail", "skipped": "dim"}
_STATES = {
    "exact": "its own state restores bit for bit: snapshots use it",
    "tolerance": "its own state restores within a tolerance only: snapshots ",
    "lying": "its own state lies: snapshots ",
    "none": "it does not offer its state: snapshots ",
    "unknown": "its own state could not be judged: snapshots ",
}


def vet(  # noqa: PLR0917  # options of a command line have no order
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="An .fmu file, an unpacked one, or a bundled FMU by name."),
    ],
    step: Annotated[
        str | None, typer.Option(metavar="TIME", help="Step of the run. Default: the default experiment's.")
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A start value, such as speed='57 km/h'. Repeatable."),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Wall time for each FMU, at most. Default: 60 s.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The same as --budget 5s.")] = False,
    step_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Wall time after which a call is taken to hang: '2 s'. Default: 10 s."
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the certificates as JSON, and no more.")
    ] = False,
) -> int:
    """Find out what an FMU does to the process that it runs in, and whether its state can be trusted.

    Each check runs in a process of its own: a crash, an exit or a hang is one row in the table. What was found is
    kept as a certificate, by the file's SHA-256. From then on runs use it: a clean FMU runs in the world's process,
    which is quicker; any other stays in a worker. Snapshots use an FMU's own state only where it was found exact.

    An FMU is clean where no check is bad. A note is worth knowing and harms nobody.

    Exit codes: 0 all clean, 1 one is not, 2 wrong call or FMU, 4 vetting itself failed.
    """
    from crumple.archive import library_path
    from crumple.cli.simulate import _start_values
    from crumple.fmu import Fmu, locate_fmu
    from crumple.vetting import VettingError
    from crumple.vetting import vet as vet_one
    from crumple.vetting.bench import Bench
    from crumple.vetting.verdicts import BUDGET, QUICK

    if quick and budget is not None:
        raise UsageError("--quick is a --budget of its own: give one of them")
    seconds = QUICK if quick else _seconds(budget, "--budget", otherwise=BUDGET)
    timeout = _seconds(step_timeout, "--step-timeout", otherwise=10.0)
    given = _start_values(start or [])
    for model in models:  # a wrong name before an hour's work, not after it
        library_path(Fmu(locate_fmu(model), given).archive)
    screen, found = Screen(), []
    with Bench() as bench:
        for number, model in enumerate(models):
            moving = _Moving(os.path.basename(model))
            try:
                certificate = vet_one(
                    model,
                    step=step,
                    start=given,
                    budget=seconds,
                    step_timeout=timeout,
                    watch=moving,
                    bench=bench,
                )
            except VettingError as error:
                moving.clear()
                Screen(sys.stderr).line(f"crumple: {model}: {error}")
                return _FAILED
            moving.clear()
            found.append(certificate)
            if not json:
                if number:
                    screen.line()
                show(screen, certificate, path=_kept_at(certificate))
    code = 0 if all(certificate.clean for certificate in found) else _NOT_CLEAN
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json(as_json(found, code), indent=2))
    return code


def as_json(certificates: list[Certificate], code: int) -> dict[str, Any]:
    """Certificates in plain values, with the exit code."""
    from msgspec import to_builtins

    return {"crumple": 1, "certificates": to_builtins(certificates), "exit_code": code}


def show(screen: Screen, certificate: Certificate, *, path: Path) -> None:
    """A certificate as a table, and what follows from it. path: where it is kept."""
    counts = {
        result: sum(check.result == result for check in certificate.checks) for result in ("bad", "note")
    }
    bad = f" · {counts['bad']} bad" if counts["bad"] else ""
    notes = f" · {wording.count(counts['note'], 'note')}" if counts["note"] else ""
    facts = f"{wording.count(len(certificate.checks), 'check')}{bad}{notes}"
    screen.line(f"{screen.style(certificate.name, 'bold')}   {facts}")
    screen.line()
    width = max(len(check.name) for check in certificate.checks)
    left = width + 14
    for check in certificate.checks:
        mark = screen.style(f"{check.result:<7}", _STYLES[check.result])
        screen.wrapped(check.fact, indent=left, first=f"  {check.name:<{width}}   {mark}  ")
    screen.line()
    if certificate.clean:
        screen.line(f"  {screen.style('CLEAN', 'pass')}       it runs in the world's process from now on")
    else:
        names = ", ".join(check.name for check in certificate.bad)
        text = f"it stays in a worker process: {names}"
        screen.wrapped(text, indent=14, first=f"  {screen.style('NOT CLEAN', 'fail')}   ")
    text = _STATES[certificate.state]
    if text.endswith(" "):
        text += "replay the run up to them" if certificate.clean else "fork its worker process"
    screen.wrapped(text, indent=14)
    screen.line(f"{' ' * 14}{screen.style(f'certificate {path}', 'dim')}")


def _kept_at(certificate: Certificate) -> Path:
    from crumple.certificate import certificate_path

    return certificate_path(certificate.sha256)


def _seconds(text: str | None, option: str, *, otherwise: float) -> float:
    from crumple.si import SiError, parse_exact

    if text is None:
        return otherwise
    try:
        seconds = float(parse_exact(text, "s"))
    except (SiError, ValueError, OverflowError) as error:
        raise UsageError(f'{option} "{text}" is no time: {error}') from None
    if seconds <= 0:
        raise UsageError(f'{option} "{text}": it must be longer than nothing')
    return seconds


class _Moving:
    """One line on a terminal that says which check is at work; silent elsewhere."""

    def __init__(self, name: str) -> None:
        self._screen = Screen(sys.stderr)
        self._on = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
        self._name = name

    def __call__(self, check: str) -> None:
        if self._on:
            self._screen.bare(f"\r\x1b[K{self._screen.cut(f'{self._name}   {check} ...')}")

    def clear(self) -> None:
        """Wipe the line, so that the table stands alone."""
        if self._on:
            self._screen.bare("\r\x1b[K")
