"""`crumple cases`: one run for each row of a table."""

from __future__ import annotations

import csv
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crumple import wording
from crumple.cli.run import assignments
from crumple.cli.screen import LiveLine, Screen, is_terminal, time_left

if TYPE_CHECKING:
    from crumple.campaign import Campaign

_ORDER = ("pass", "done", "fail", "inconclusive", "error")
_WORST = (("error", 4), ("fail", 1), ("inconclusive", 3))
_MOST_SHOWN = 3  # rows of each verdict that is no pass
_EVERY = 0.1  # [s] between two drawings
_GUESS = 0.5  # [s] after the first results, before the first guess how long it takes
_INTERRUPTED = 3  # the exit code of a campaign that was not carried to its end


def cases(  # noqa: PLR0917  # options of a command line have no order
    scene: Annotated[
        str, typer.Argument(metavar="SCENE", help="A bundled scene by name, or the path of a scene file.")
    ],
    table: Annotated[
        str,
        typer.Argument(metavar="CASES", help="A CSV file: a row for each case, a column for each parameter."),
    ],
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Results, as CSV. Default: CASES-results.csv.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", metavar="N", help="Processes. Default: one per core.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter for all cases, as for `run`. Repeatable."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Seed of all cases without their own.")
    ] = None,
    isolate: Annotated[
        bool | None,
        typer.Option(
            "--isolate/--no-isolate", help="Units in processes of their own or not, whatever the scene says."
        ),
    ] = None,
    step_timeout: Annotated[
        str | None,
        typer.Option("--step-timeout", metavar="TIME", help="Wall time for each call of an isolated unit."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew; forget what was done before.")] = False,
) -> int:
    """Run a scene once for each row of a table, on all cores.

    \b
      crumple cases frontal_barrier speeds.csv --out results.csv
      crumple info frontal_barrier                   which parameters there are

    Columns are parameters of the scene, in plain numbers; unit.parameter; seed; inject (names of faults).
    The results have a row for each case, in the order of the cases: verdict, requirements with margins,
    metrics, digest. They do not depend on --jobs. A campaign that was stopped, or killed, goes on where it
    was when the command is given again.

    Exit code: 0 all passed, 1 some failed, 3 some are inconclusive or were not run, 4 some ended in an
    error, the worst of these: error, fail, inconclusive; 2 for mistakes in the scene or in the table.
    """
    from crumple.campaign import Campaign, jobs_of, run_to_file

    count = jobs_of(jobs)
    campaign = Campaign(
        scene, table, set=assignments(set_ or []), seed=seed, isolate=isolate, step_timeout=step_timeout
    )
    target = Path(out) if out is not None else Path(f"{Path(table).stem}-results.csv")
    screen, progress = Screen(), _Progress(len(campaign.cases.rows))
    total = wording.count(len(campaign.cases.rows), "case")
    screen.line(f"{screen.style(campaign.scene.name, 'bold')}   {campaign.scene.title}".rstrip())
    screen.line(
        screen.style(f"{total} · {wording.count(count, 'process').replace('processs', 'processes')}", "dim")
    )
    screen.line()
    began = time.monotonic()
    try:
        counts = run_to_file(campaign, target, jobs=count, fresh=fresh, reached=progress)
    except KeyboardInterrupt:
        progress.clear()
        done = f"{progress.done:,} of {total} done"
        screen.line(
            f"  {screen.style('INTERRUPTED', 'inconclusive')}   {done}; the same command goes on from there"
        )
        return _INTERRUPTED
    finally:
        progress.clear()
    spent = time.monotonic() - began
    _summary(screen, campaign, target, counts=counts, spent=spent, before=progress.before)
    return next((code for word, code in _WORST if counts[word]), 0)


class _Progress(LiveLine):
    """One line on a terminal: bar, how many, how they came out, rate, time left."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.done = self.before = 0
        self._total = total
        self.on = is_terminal(self.stream)
        self._drawn = time.monotonic()
        self._first: tuple[float, int] | None = None  # when the first results came, and how many there were

    def __call__(self, done: int, counts: Counter[str], before: int) -> None:
        self.done, self.before = done, before
        now = time.monotonic()
        if self._first is None and done > before:
            self._first = now, done
        if not self.on or now - self._drawn < _EVERY:
            return
        self._drawn = now
        facts = f"{done:,} / {self._total:,}"
        facts += "".join(f"  {counts[word]:,} {word}" for word in _ORDER if counts[word])
        if self._first is not None and now - self._first[0] > _GUESS and done > self._first[1]:
            rate = (done - self._first[1]) / (
                now - self._first[0]
            )  # without what it takes to start processes
            facts += f"  {rate:,.0f}/s  {time_left((self._total - done) / rate)} left"
        width = shutil.get_terminal_size((80, 24)).columns
        room = min(32, width - len(facts) - 4)
        bar = self.bar(done / self._total, room) + "  " if room >= 8 else ""
        self.put(f"{bar}{facts if bar else facts[: width - 1]}")


def _summary(
    screen: Screen, campaign: Campaign, out: Path, *, counts: Counter[str], spent: float, before: int
) -> None:
    total = len(campaign.cases.rows)
    ran = total - before
    words = [f"{screen.style(f'{counts[word]:,} {word}', word)}" for word in _ORDER if counts[word]]
    speed = f"{ran:,} in {spent:.1f} s ({ran / max(spent, 1e-9):,.0f}/s)" if ran else "all were done before"
    if before and ran:
        speed += f", {before:,} were done before"
    screen.line("  " + "   ".join(words) + "   " + screen.style(speed, "dim"))
    shown = _worst_rows(campaign, out)
    if shown:
        screen.line()
    for verdict, line, command, reason in shown:
        screen.wrapped(reason, indent=4, first=f"  {screen.style(f'{verdict}', verdict)}  line {line}: ")
        screen.line(f"      {screen.style(command, 'dim')}")
    screen.line()
    screen.line(f"  {screen.style('results', 'dim')}  {out}")


def _worst_rows(campaign: Campaign, out: Path) -> list[tuple[str, int, str, str]]:
    """The first rows of each verdict that is no pass: verdict, line, the command that runs it alone, reason."""
    found: list[tuple[str, int, str, str]] = []
    seen: Counter[str] = Counter()
    at = len(campaign.cases.columns)
    with open(out, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row, cells in zip(campaign.cases.rows, rows, strict=True):
            verdict = cells[at]
            if verdict in ("pass", "done"):
                continue
            seen[verdict] += 1
            if seen[verdict] <= _MOST_SHOWN:
                found.append((verdict, row.line, _command(campaign, row), cells[at + 1]))
    order = [word for word, _ in _WORST]
    return sorted(found, key=lambda each: (order.index(each[0]), each[1]))


def _command(campaign: Campaign, row: object) -> str:
    import shlex

    parts = ["crumple", "run", campaign.options.scene]
    for name, value in {**campaign.options.set, **row.given}.items():  # type: ignore[attr-defined]
        plan = campaign.scene.declared.get(name)
        text = value if plan is None or plan.si is None else f"{value}"
        parts += ["--set", shlex.quote(f"{name}={text}")]
    seed = row.seed if row.seed is not None else campaign.options.seed  # type: ignore[attr-defined]
    if seed is not None:
        parts += ["--seed", str(seed)]
    for fault in row.inject:  # type: ignore[attr-defined]
        parts += ["--inject", shlex.quote(fault)]
    return " ".join(parts)
