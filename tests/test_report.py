"""The report says what the run says, in one file that needs nothing else."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from command import called
from crumple.errors import UsageError
from crumple.report import write_report
from crumple.report.facts import Facts
from crumple.report.plot import Line, Mark, Plot, Window, svg
from crumple.seal import verify
from view.view_runs import FAILING, run_folder

VOID = {"meta", "img", "br", "link", "input", "path", "circle", "rect", "line"}


class Reader(HTMLParser):
    """Text of a page and its tables, and whether every element that opens is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.cells: list[list[str]] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th") and self.cells:
            self.cells[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text.append(data.strip())
        if self.open and ({"td", "th"} & set(self.open)) and self.cells:
            self.cells[-1][-1] += data.strip() + " "

    def row(self, name: str) -> list[str]:
        """Cells of the row that has a cell which begins so."""
        return next([c.strip() for c in row] for row in self.cells if any(c.startswith(name) for c in row))


@cache
def page_of(folder: Path) -> str:
    return write_report(folder, folder.with_suffix(".html")).read_text(encoding="utf-8")


def read(*extra: str, **options: Any) -> Reader:
    return Reader(page_of(run_folder(*extra, **options)))


def test_a_report_is_one_whole_file_that_asks_for_nothing() -> None:
    page = page_of(run_folder())
    reader = Reader(page)
    assert reader.open == []
    assert all(link.startswith("data:image/png;base64,") for link in reader.links)
    assert "<script" not in page
    assert not re.findall(r"url\((?!data:)", page)
    assert page.startswith("<!DOCTYPE html>")
    assert '<html lang="en">' in page


def test_each_requirement_has_its_row_with_the_figures_of_the_verdict() -> None:
    folder = run_folder(FAILING)
    reader = read(FAILING)
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["verdict"] == "fail"
    words = {"pass": "held", "fail": "failed"}
    for requirement in verdict["requirements"]:
        row = reader.row(requirement["name"])
        assert row[0].startswith(words[requirement["status"]])
        assert f"{abs(requirement['value']):,.1f}"[:-2] in row[2].replace("−", "")
    assert verdict["reasons"][0] in " ".join(reader.text)
    assert "FAIL" in reader.text


def test_a_pass_names_the_tightest_requirement() -> None:
    text = " ".join(read().text)
    assert "PASS" in text
    assert "The tightest is" in text


def test_what_a_scene_says_is_text_and_never_markup(tmp_path: Path) -> None:
    scene = tmp_path / "evil.toml"
    scene.write_text(
        'crumple = 1\ntitle = "<script>alert(1)</script> & \\" >"\n[clock]\nperiod = "1 ms"\nstop = "5 ms"\n'
        '[units.car]\nfmu = "vehicle_linear"\n'
        '[requirements.r]\nsignal = "car.velocity"\nmax = "100 m/s"\ndoc = "</td><img src=x onerror=y>"\n'
    )
    page = write_report(crumple.run(scene, out=tmp_path / "runs").folder).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "onerror" in html.unescape(page)
    assert "<img src=x" not in page
    assert Reader(page).open == []


def test_a_report_in_the_run_folder_leaves_its_seal_whole() -> None:
    folder = run_folder()
    assert write_report(folder) == folder / "report.html"
    assert verify(folder).state == "whole"


def test_a_run_that_broke_off_has_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "stops.py").write_text(
        "from crumple import Output, Unit\n\n\nclass Stops(Unit):\n    y = Output('1', start=0.0)\n\n"
        "    def step(self, now):\n        if now.tick == 3:\n            raise RuntimeError('the pump is dry')\n"
    )
    scene = tmp_path / "stops.toml"
    scene.write_text(
        'crumple = 1\n[clock]\nperiod = "1 ms"\nstop = "10 ms"\n[units.pump]\nplugin = "stops.py:Stops"\n'
        '[requirements.low]\nsignal = "pump.y"\nmax = 1.0\n'
    )
    folder = crumple.run(scene, out=tmp_path / "runs").folder
    reader = Reader(write_report(folder).read_text(encoding="utf-8"))
    text = " ".join(reader.text)
    assert "ERROR" in text
    assert "the pump is dry" in text
    assert reader.row("low")[0].startswith("not seen to the end")


def test_the_key_frames_are_pictures_at_the_events_of_the_scene() -> None:
    facts = Facts(run_folder())
    from crumple.report.frames import key_moments

    moments = key_moments(facts.session, facts.moment())
    assert len(moments) <= 5
    assert [t for t, _ in moments] == sorted(t for t, _ in moments)
    names = {event.name: event.t for event in facts.session.events()}
    assert all(names[name] == t for t, name in moments if name in names)


def test_a_plot_keeps_the_spike_of_a_single_sample_and_the_gap_of_what_is_missing() -> None:
    t = np.linspace(0.0, 1.0, 100_001)
    y = np.zeros_like(t)
    y[55_555] = 1.0
    y[70_000:80_000] = np.nan
    drawn = ET.fromstring(svg(Plot(lines=[Line(t=t, y=y, colour="signal_1")], si="V", since=0.0, until=1.0)))
    [path] = [each for each in drawn.iter("path")]
    points = [
        (kind, float(x), float(y)) for kind, x, y in re.findall(r"([ML])([\d.]+) ([\d.]+)", path.get("d", ""))
    ]
    assert len(points) < 4 * 416
    heights = [y for _, _, y in points]
    assert heights.count(min(heights)) == 1
    assert max(heights) - min(heights) > 100
    assert sum(kind == "M" for kind, _, _ in points) == 2


def test_names_in_a_plot_do_not_lie_upon_each_other() -> None:
    t = np.linspace(0.0, 1.0, 11)
    plot = Plot(
        lines=[Line(t=t, y=t, colour="signal_1")],
        si=None,
        since=0.0,
        until=1.0,
        marks=[
            Mark(t=0.50, text="first event"),
            Mark(t=0.52, text="second event"),
            Mark(t=0.9, text="third"),
        ],
        windows=[Window(since=0.1, until=0.3, text="HIC15 140", colour="pass")],
    )
    drawn = ET.fromstring(svg(plot))
    boxes = []
    for text in drawn.iter("text"):
        if not (text.get("class") or "").startswith("name"):
            continue
        wide = 6.0 * len(text.text or "")
        x, y = float(text.get("x", 0)), float(text.get("y", 0))
        boxes.append((x if text.get("text-anchor") == "start" else x - wide, y, wide))
    assert len(boxes) == 4
    for k, (x, y, wide) in enumerate(boxes):
        for x2, y2, wide2 in boxes[k + 1 :]:
            assert abs(y - y2) > 10 or x + wide <= x2 or x2 + wide2 <= x


def test_a_report_goes_to_an_html_file_only(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not end in \.html"):
        write_report(run_folder(), tmp_path / "report.pdf")


def test_the_command_writes_it_and_says_where(tmp_path: Path) -> None:
    folder = run_folder()
    done = called("report", str(folder), "--out", "crash.html", cwd=tmp_path)
    assert (done.code, done.out.strip()) == (0, "crash.html")
    assert (tmp_path / "crash.html").read_text(encoding="utf-8") == page_of(folder)
    assert called("report", "nothing", cwd=tmp_path).code == 2


def test_a_run_can_end_with_its_report(tmp_path: Path) -> None:
    done = called("run", "frontal_barrier", "--report", cwd=tmp_path)
    [report] = tmp_path.glob("runs/*/report.html")
    assert done.code == 0
    assert str(report.relative_to(tmp_path)) in done.out
    assert "AIS 3+" in report.read_text(encoding="utf-8")
