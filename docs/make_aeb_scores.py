"""Puts what the reference design scores over the test matrices into the guides of the two emergency braking scenes.

    python docs/make_aeb_scores.py            run all cases (some minutes on two cores) and write the tables
    python docs/make_aeb_scores.py RESULTS... take results of `crumple cases` that are there already

Bands, matrices and points: crumple.metrics.euro_ncap.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crumple.metrics import euro_ncap
from crumple.metrics.euro_ncap import Colour

DOCS = Path(__file__).resolve().parent
CAMPAIGNS = DOCS.parent / "scenes" / "campaigns"
BEGIN, END = "<!-- scores: begin -->", "<!-- scores: end -->"
SCENES = {"aeb_pedestrian": ("CPNA", "CPFA", "CPNCO"), "aeb_car_to_car": ("CCRs", "CCRm", "CCRb")}
Row = dict[str, str]


def run(scene: str, folder: Path) -> Path:
    """Runs the cases of a scene; returns the table of results."""
    out = folder / f"{scene}.csv"
    cases = CAMPAIGNS / f"{scene}.csv"
    command = [sys.executable, "-m", "crumple", "cases", scene, str(cases), "--out", str(out)]
    subprocess.run(command, check=False)  # it ends with 1 where a case fails
    return out


def colour(row: Row) -> Colour:
    """Of a test point: by the warning for CCRs from 60 km/h on, else by the impact."""
    speed = float(row["ego_kmh"])
    if row["scenario"] == "CCRs" and speed > 55:
        return euro_ncap.warning_colour(float(row["warned_at_s"]))
    return euro_ncap.impact_colour(speed, float(row["impact_speed_kmh"]))


def cell(row: Row) -> str:
    """Impact speed and colour; a dash where nothing was hit."""
    impact = float(row["impact_speed_kmh"])
    if impact == 0.0:
        return "–"
    judged = colour(row)
    return f"{impact:.0f} ({'warned' if judged == 'green' else judged})"


def score(name: str, rows: list[Row]) -> str:
    """Points of a scenario, standard and extended."""
    matrix = euro_ncap.point_matrix(name)
    ranges: dict[bool, list[Colour]] = {False: [], True: []}
    for row in rows:
        extended = matrix.is_extended(float(row["ego_kmh"]), float(row["impact_location_pct"]))
        ranges[extended].append(colour(row))
    standard = euro_ncap.standard_points(name, ranges[False])
    beyond = euro_ncap.extended_points(name, ranges[True])
    red = sum(each == "red" for colours in ranges.values() for each in colours)
    return (
        f"{name}: {standard:.3g} of {matrix.standard_points:g} points in the standard range, "
        f"{beyond:.3g} of {matrix.extended_points:g} in the extended; {red} of {len(rows)} test points red."
    )


def table(name: str, rows: list[Row]) -> Iterator[str]:
    """One line a speed, one column an impact location; day and night apart where both were run."""
    matrix = euro_ncap.point_matrix(name)
    lights = list(dict.fromkeys(row.get("light", "") for row in rows))
    places = [f"{place:g} %" for place in matrix.locations]
    head = [f"{place}, {light}" if light else place for light in lights for place in places]
    yield f"| {name}, km/h | {' | '.join(head)} |"
    yield "|---" * (len(head) + 1) + "|"
    at = {(float(r["ego_kmh"]), r.get("light", ""), float(r["impact_location_pct"])): r for r in rows}
    for speed, target in matrix.speeds:
        title = f"{speed:g}" if name not in ("CCRm",) else f"{speed:g} at {target:g}"
        cells = [cell(at[speed, light, place]) for light in lights for place in matrix.locations]
        yield f"| {title} | {' | '.join(cells)} |"


def tables(scene: str, results: Path) -> str:
    """All that stands between the markers."""
    with results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    parts = []
    for name in SCENES[scene]:
        mine = [row for row in rows if row["scenario"] == name]
        parts += [score(name, mine), "", *table(name, mine), ""]
    return "\n".join(parts)


def put(scene: str, results: Path) -> None:
    """Writes the tables into the guide of the scene."""
    page = DOCS / "scenes" / f"{scene}.md"
    text = page.read_text()
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    page.write_text(f"{before}\n{tables(scene, results)}{after}")
    print(page)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="*", type=Path, help="results of the scenes, named like them")
    given = {path.stem: path for path in parser.parse_args().results}
    with tempfile.TemporaryDirectory() as folder:
        for scene in SCENES:
            put(scene, given.get(scene) or run(scene, Path(folder)))


if __name__ == "__main__":
    main()
