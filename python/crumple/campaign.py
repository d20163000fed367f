"""Many cases of one scene: one row of a table each, run on all cores, judged as single runs are.

    results = crumple.cases("frontal_barrier", [{"speed": 30}, {"speed": 56}])
    results[0].verdict, results[0].metrics, results[0].requirements

See docs/cases.md. `crumple cases` does the same from a CSV file into one, and can be stopped and gone on with.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from crumple.cases_files import Journal, as_csv
from crumple.cases_pool import Pool
from crumple.cases_run import Options, Runner, cells_of, crashed
from crumple.cases_table import Cases, Row, read_cases, result_names
from crumple.cases_worker import Done, Task
from crumple.errors import UsageError
from crumple.manifest import Provenance

_FORMAT = "1"  # of the results: a campaign goes on only with its own


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a case came out.

    row: number of its row, from 1.   case: its cells by column.   verdict, reason: as of a run.
    requirements: status by name.   margins: by name, None where there is none.   metrics: by name, None where there
    is no value.   digest: of the run; "" after an error.
    """

    row: int
    case: dict[str, str]
    verdict: str
    reason: str
    requirements: dict[str, str]
    margins: dict[str, float | None]
    metrics: dict[str, float | None]
    digest: str


class Campaign:
    """The cases of a scene, checked and ready to be run. Raises SceneError with all mistakes in scene and cases.

    source: a CSV file, or rows as mappings.   Others as for `cases`.
    """

    def __init__(
        self,
        scene: str | os.PathLike[str],
        source: str | os.PathLike[str] | Iterable[Mapping[str, Any]],
        *,
        set: Mapping[str, Any] | None = None,
        seed: int | None = None,
        isolate: bool | None = None,
        step_timeout: str | float | None = None,
    ) -> None:
        from crumple.execution import timeout_of

        self.options = Options(
            scene=os.fspath(scene) if isinstance(scene, str) else os.path.abspath(scene),
            set=dict(set or {}),
            seed=seed,
            isolate=isolate,
            step_timeout=None if step_timeout is None else timeout_of(step_timeout),
        )
        runner = Runner(self.options)
        self.scene = runner.scene
        if self.scene.sensors or self.scene.actuators or self.scene.rigs:
            raise UsageError(
                f"{self.scene.name} is live: its cases cannot be run side by side. Use `crumple run`."
            )
        path = Path(source) if isinstance(source, str | os.PathLike) else source
        self.cases: Cases = read_cases(path, runner)
        self.columns = (*self.cases.columns, *result_names(self.scene))
        self._order = self._by_world(runner)

    def facts(self) -> dict[str, str]:
        """What the results depend on, by a word for each."""
        identity = Provenance(dataclasses.replace(self.scene, seed=0), command=()).identity
        return {
            "the scene": identity,
            "the table of cases": self.cases.sha256,
            "the seed": str(self.scene.seed),
            "the format": _FORMAT,
        }

    def run(self, *, jobs: int, without: Iterable[int] = ()) -> Iterator[list[Done]]:
        """Results as they come. jobs: processes.   without: numbers of rows, from 0, that need not be run."""
        left_out = frozenset(without)
        rows = self.cases.rows
        tasks = [_task(number, rows[number]) for number in self._order if number not in left_out]
        return Pool(self.options, jobs=jobs, failed=self._failed).run(tasks)

    def _by_world(self, runner: Runner) -> list[int]:
        """Rows in an order in which those that share a world follow each other."""
        rows = self.cases.rows
        names = [name for name in runner.sites.shaping if name in self.cases.columns]
        if not names:
            return list(range(len(rows)))
        places: dict[str, int] = {}
        at = [self.cases.columns.index(name) for name in names]
        keys = [places.setdefault("\x1f".join([row.cells[i] for i in at]), len(places)) for row in rows]
        return sorted(range(len(rows)), key=keys.__getitem__)

    def _failed(self, task: Task, how: str) -> Done:
        outcome = crashed(how)
        return Done(
            task.number, outcome.verdict.outcome, as_csv((*task.cells, *cells_of(outcome, self.scene)))
        )


def _task(number: int, row: Row) -> Task:
    return Task(number, row.given, row.seed, row.inject, row.cells)


def cases(
    scene: str | os.PathLike[str],
    rows: str | os.PathLike[str] | Iterable[Mapping[str, Any]],
    *,
    jobs: int | None = None,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    isolate: bool | None = None,
    step_timeout: str | float | None = None,
) -> list[CaseResult]:
    """Run a scene once for each row, and return how each came out, in the order of the rows.

    scene: a bundled scene by name, or the path of a scene file.
    rows: mappings of column to value, or a CSV file. Columns are parameters of the scene (plain numbers in the unit
    that the scene documents, texts for choices), "unit.parameter", "seed", and "inject" with names of faults.
    jobs: processes, by default one per core. Results do not depend on it.
    set, seed, isolate, step_timeout: for all cases, as for `crumple.run`.
    A case that fails, or ends its process, is an *error* of its own; the others go on.
    Raises SceneError with every mistake in the scene and in the rows.
    """
    campaign = Campaign(scene, rows, set=set, seed=seed, isolate=isolate, step_timeout=step_timeout)
    lines: dict[int, str] = {}
    for done in campaign.run(jobs=jobs_of(jobs)):
        lines.update((each.number, each.line) for each in done)
    return [case_result(campaign, number, lines[number]) for number in range(len(campaign.cases.rows))]


def case_result(campaign: Campaign, number: int, line: str) -> CaseResult:
    """A row of the results, read back. number: from 0."""
    import csv

    [cells] = csv.reader([line])
    columns = campaign.cases.columns
    case = dict(zip(columns, campaign.cases.rows[number].cells, strict=True))
    found = dict(zip(result_names(campaign.scene), cells[len(columns) :], strict=True))
    names = [each.name for each in campaign.scene.requirements]
    return CaseResult(
        row=number + 1,
        case=case,
        verdict=found["verdict"],
        reason=found["reason"],
        requirements={name: found[f"requirement.{name}"] for name in names},
        margins={name: _number(found[f"requirement.{name}.margin"]) for name in names},
        metrics={each.name: _number(found[each.name]) for each in campaign.scene.metrics},
        digest=found["digest"],
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def run_to_file(
    campaign: Campaign,
    out: Path,
    *,
    jobs: int,
    fresh: bool = False,
    reached: Callable[[int, Counter[str], int], None] = lambda done, counts, before: None,
) -> Counter[str]:
    """Run all cases that are not done yet, and write the results to `out`. Returns how many came out how.

    reached: called as results come, with how many there are, how they came out, and how many were there before.
    Raises UsageError where a journal of another campaign is in the way, KeyboardInterrupt with the journal kept.
    """
    total = len(campaign.cases.rows)
    journal = Journal(out, campaign.facts(), rows=total, fresh=fresh)
    try:
        before = len(journal.kept)
        counts = Counter(_verdict(campaign, line) for line in journal.kept.values())
        reached(before, counts, before)
        done_so_far = before
        if before < total:
            for done in campaign.run(jobs=jobs, without=journal.kept):
                journal.add((each.number, each.line) for each in done)
                counts.update(each.verdict for each in done)
                done_so_far += len(done)
                reached(done_so_far, counts, before)
        journal.finish(as_csv(campaign.columns), total)
        return counts
    finally:
        journal.close()


def _verdict(campaign: Campaign, line: str) -> str:
    import csv

    [cells] = csv.reader([line])
    return cells[len(campaign.cases.columns)]


def jobs_of(jobs: int | None) -> int:
    """How many processes. Raises UsageError where that is less than one."""
    from crumple.world import available_cores

    if jobs is None:
        return available_cores()
    if jobs < 1:
        raise UsageError(f"jobs = {jobs}: at least one process runs the cases")
    return jobs
