"""JUnit XML: every CI's shape, no failure or doubt taken for a success, and an error from the first moment on."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import pytest

import crumple
from command import started
from crumple.cli.app import invoke
from crumple.execution import Outline, Watch, execute
from crumple.junit import JunitFile, junit_xml, write_junit
from small_scene import write_scene


def checked(text: str) -> xml.Element:
    """The suite of a document, once its shape is what readers of JUnit XML expect."""
    root = xml.fromstring(text.encode())
    assert root.tag == "testsuites"
    (suite,) = root
    assert suite.tag == "testsuite"
    cases = suite.findall("testcase")
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for element in (root, suite):
        assert element.attrib["tests"] == str(len(cases))
        for attribute, kind in kinds.items():
            assert element.attrib[attribute] == str(len(suite.findall(f"testcase/{kind}")))
        assert float(element.attrib["time"]) >= 0.0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    assert [child.tag for child in suite] == ["properties"] * (suite.find("properties") is not None) + [
        "testcase"
    ] * len(cases)
    assert len({case.attrib["name"] for case in cases}) == len(cases)
    for case in cases:
        assert {"name", "classname", "time"} == case.attrib.keys()
        assert len([child for child in case if child.tag in kinds.values()]) <= 1
        for child in case:
            assert child.tag in {*kinds.values(), "system-out"}
            assert child.tag == "system-out" or child.attrib["message"]
    return suite


def states(suite: xml.Element) -> dict[str, str]:
    """By test case: "failure", "error", "skipped" or "" for a success."""
    found = {}
    for case in suite.findall("testcase"):
        marks = [child.tag for child in case if child.tag != "system-out"]
        found[case.attrib["name"]] = marks[0] if marks else ""
    return found


def properties(suite: xml.Element) -> dict[str, str]:
    return {p.attrib["name"]: p.attrib["value"] for p in suite.iterfind("properties/property")}


def run(folder: Path, *extra: str, required: bool = True, **options: Any) -> crumple.Result:
    return crumple.run(write_scene(folder, *extra, required=required), out=folder / "runs", **options)


def test_a_pass_has_a_case_for_the_run_and_each_requirement_with_its_evidence(tmp_path: Path) -> None:
    result = run(tmp_path, set={"speed": "8 km/h"}, seed=7)
    suite = checked(junit_xml(result))
    assert states(suite) == {
        "run": "", "chest": "", "time_to_close": "skipped", "stands": "", "deceleration": ""
    }  # fmt: skip
    assert suite.attrib["name"] == "stop"
    assert properties(suite) == {
        "verdict": "pass",
        "reason": "3 of 3 requirements held",
        "digest": result.digest,
        "seed": "7",
        "run": str(result.folder),
        "id": result.manifest["id"],
    }
    texts = {case.attrib["name"]: case.findtext("system-out") or "" for case in suite.iterfind("testcase")}
    for condition in result.conditions:
        assert f"yes     {condition.name}: {condition.evidence}" in texts["run"]
    assert f"exact:  {result.requirements['chest'].value!r} g" in texts["chest"]
    (skipped,) = suite.iterfind("testcase/skipped")
    assert "only for speed > 20 km/h" in skipped.attrib["message"]


def test_a_failure_tells_reason_value_limit_margin_and_the_worst_moment(tmp_path: Path) -> None:
    suite = checked(junit_xml(run(tmp_path, set={"car.rate": 700})))
    assert states(suite) == {
        "run": "", "chest": "failure", "time_to_close": "", "stands": "", "deceleration": "failure"
    }  # fmt: skip
    failure = suite.find("testcase[@name='chest']/failure")
    assert failure is not None
    reason = "chest: 3 ms clip 71.38 g exceeds 60 g by 19 % at 3.1 ms (window 100 µs to 3.1 ms)"
    assert (failure.attrib["message"], failure.attrib["type"]) == (reason, "fail")
    assert (failure.text or "").splitlines()[:6] == [
        reason,
        "clip_3ms(car.acceleration)",
        "value:  71.38 g (3 ms clip)",
        "limit:  ≤ 60 g",
        "margin: -19 %",
        "when:   100 µs to 3.1 ms",
    ]


def test_what_is_not_decided_is_an_error(tmp_path: Path) -> None:
    suite = checked(junit_xml(run(tmp_path, stop="130 ms")))
    assert states(suite) == {
        "run": "error", "chest": "error", "time_to_close": "error", "stands": "error", "deceleration": ""
    }  # fmt: skip
    for error in suite.iterfind("testcase/error"):
        assert error.attrib["type"] == "inconclusive"
        assert "(the run was stopped at 130 ms)" in error.attrib["message"]


def test_a_run_that_ended_in_an_error_has_no_success_at_all(tmp_path: Path) -> None:
    suite = checked(junit_xml(run(tmp_path, set={"switch.trouble": "raise", "switch.at": 1400})))
    assert set(states(suite).values()) == {"error"}
    for error in suite.iterfind("testcase/error"):
        assert error.attrib["type"] == "error"
    first = suite.find("testcase[@name='run']/error")
    assert first is not None and "unit 'switch' failed in step" in first.attrib["message"]


def test_without_requirements_the_run_is_the_only_case(tmp_path: Path) -> None:
    assert states(checked(junit_xml(run(tmp_path, required=False)))) == {"run": ""}
    assert states(checked(junit_xml(run(tmp_path, required=False, set={"switch.trouble": "nan"})))) == {
        "run": "error"
    }


def test_only_a_success_is_a_success_whatever_the_verdict(tmp_path: Path) -> None:
    result = run(tmp_path)
    for verdict in ("pass", "done", "fail", "inconclusive", "error", "splendid"):
        result.verdict = verdict
        suite = checked(junit_xml(result))
        bad = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        assert (bad == 0) == (result.exit_code == 0), verdict


def test_what_xml_cannot_hold_is_written_as_its_number(tmp_path: Path) -> None:
    result = run(tmp_path)
    result.reasons = ["\x1b[31m\x00 <b>&amp;\ud800 \ufffe ]]> \x9b line\r\nbreak\ttab"]
    result.verdict = "error"
    suite = checked(junit_xml(result))
    error = suite.find("testcase[@name='run']/error")
    assert error is not None
    assert error.attrib["message"].startswith("\\x1b[31m\\x00 <b>&amp;\\xd800 \\xfffe ]]> \\x9b line")
    assert result.scene == "stop"


def test_names_of_requirements_may_hold_anything(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    loaded = crumple.load_scene(scene)
    from msgspec.structs import replace

    odd = replace(loaded.requirements[0], name='<&> "q" \x1b\x07')
    from dataclasses import replace as with_

    result = crumple.run(with_(loaded, requirements=(odd,)), out=tmp_path / "runs")
    assert list(states(checked(junit_xml(result)))) == ["run", '<&> "q" \\x1b\\x07']


# -- the file ---------------------------------------------------------------------------------------------


def test_from_the_first_moment_the_file_says_error(tmp_path: Path) -> None:
    place = tmp_path / "verdict.xml"
    place.write_text("<testsuites>a pass of yesterday</testsuites>")
    file = JunitFile(place, name="stop")
    first = checked(place.read_text())
    assert states(first) == {"run": "error"}

    def started(outline: Outline) -> None:
        file.begin(name=outline.name, folder=outline.folder, seed=outline.seed)
        suite = checked(place.read_text())
        assert states(suite) == {"run": "error"}
        assert properties(suite) == {"run": str(outline.folder), "seed": "0"}

    result = execute(write_scene(tmp_path), out=tmp_path / "runs", watch=Watch(started=started))
    assert states(checked(place.read_text())) == {"run": "error"}
    file.end(result)
    assert checked(place.read_text()).attrib["errors"] == "0"
    assert sorted(p.name for p in tmp_path.iterdir() if "verdict" in p.name) == ["verdict.xml"]


def test_run_and_show_write_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene, one, two = write_scene(tmp_path), tmp_path / "one.xml", tmp_path / "two.xml"
    for given, code in (([], 0), (["--set", "car.rate=700"], 1), (["--set", "switch.trouble=raise"], 4)):
        out = ["--out", str(tmp_path / "runs")]
        assert invoke(["run", str(scene), "--junit", str(one), *out, *given]) == code
        assert invoke(["show", str(tmp_path / "runs"), "--junit", str(two), "--json"]) == code
        assert one.read_text() == two.read_text()
        assert json.loads("{" + capsys.readouterr().out.split("\n{")[-1])["exit_code"] == code


def test_a_scene_with_mistakes_is_an_error_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "verdict.xml"
    scene = write_scene(tmp_path, "[requirements.x]\nsignal = 'car.sped'\nmax = 1")
    assert invoke(["run", str(scene), "--junit", str(place)]) == 2
    (error,) = checked(place.read_text()).iterfind("testcase/error")
    assert 'no output "sped"' in error.attrib["message"]
    assert capsys.readouterr().out == ""


def test_a_run_that_is_killed_leaves_a_file_that_says_error(tmp_path: Path) -> None:
    arguments = ["--set", "switch.trouble=kill", "--junit", "out.xml"]
    assert started("run", write_scene(tmp_path), *arguments, cwd=tmp_path).code == 3
    suite = checked((tmp_path / "out.xml").read_text())
    (folder,) = (tmp_path / "runs").iterdir()
    assert states(suite) == {"run": "error"}
    assert properties(suite)["run"] == str(folder)
    write_junit(crumple.open_run(folder), tmp_path / "later.xml")
    (error,) = checked((tmp_path / "later.xml").read_text()).iterfind("testcase/error")
    assert "its process was killed by SIGKILL" in error.attrib["message"]


@pytest.mark.parametrize(
    ("place", "said"),
    [("no/such/v.xml", "there is no folder"), (".", "this is a folder"), ("/dev/null", "device")],
)
def test_a_place_where_no_file_can_be_is_refused_before_anything_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke(["run", str(write_scene(tmp_path)), "--junit", place]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.out == ""
    assert not (tmp_path / "runs").exists()


def test_a_file_that_cannot_be_written_at_the_end_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from crumple import junit

    replaced, place = junit.write_whole, tmp_path / "verdict.xml"

    def full(path: Path, content: bytes) -> None:
        if b'errors="0"' in content:
            raise OSError(28, "No space left on device")
        replaced(path, content)

    monkeypatch.setattr(junit, "write_whole", full)
    scene = write_scene(tmp_path)
    assert invoke(["run", str(scene), "--out", str(tmp_path / "runs"), "--junit", str(place)]) == 4
    shown = capsys.readouterr()
    assert "PASS" in shown.out  # the run did
    assert "the JUnit file could not be written to" in shown.err
    assert states(checked(place.read_text())) == {"run": "error"}


def test_a_link_stays_a_link_and_an_fmu_that_changes_the_folder_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "real.xml").write_text("")
    (tmp_path / "link.xml").symlink_to("real.xml")
    units = write_scene(tmp_path).with_name("units.py")
    units.write_text(units.read_text().replace("self.lost = 0.0", "self.lost = 0.0; os.chdir('/')"))
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        assert invoke(["run", "stop.toml", "--json", "--junit", "link.xml"]) == 0
    finally:
        os.chdir(here)
    assert (tmp_path / "link.xml").is_symlink()
    assert checked((tmp_path / "real.xml").read_text()).attrib["errors"] == "0"
