"""A verdict as JUnit XML, which every CI reads: a test case for the run itself and one for each requirement.

A requirement that is broken is a failure. What ended in an error or was not decided is an error, so that no CI
takes it for a success. A requirement that does not apply is skipped.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as xml

from crumple import wording
from crumple.errors import CrumpleError, RecordError, UsageError
from crumple.requirement_result import limit_text, margin_text, value_text, when_text
from crumple.whole_file import write_whole

if TYPE_CHECKING:
    from crumple.requirement_result import RequirementResult
    from crumple.result import Result

_RUN = "run"  # name of the test case for the run itself
_UNFINISHED = "the run has not finished: it is still going on, or it was cut off"
_KINDS = {
    "failures": "failure",
    "errors": "error",
    "skipped": "skipped",
}  # attribute of a suite: element of a case
# what XML 1.0 cannot hold, not even as a character reference
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class JunitFile:
    """The JUnit file of a run that is about to begin. From the first moment to the verdict it says *error*.

    Raises UsageError where it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, name: str) -> None:
        self._path = checked_place(path)
        self._name = name
        self._properties: dict[str, str] = {}
        self._written = False
        self.fail(_UNFINISHED, kind="inconclusive")

    def begin(self, *, name: str, folder: Path, seed: int) -> None:
        """The run has a folder now. Raises RecordError."""
        self._name = name
        self._properties = {"run": str(folder), "seed": str(seed)}
        self.fail(_UNFINISHED, kind="inconclusive")

    def fail(self, text: str, *, kind: str = "error") -> None:
        """There is no verdict, and this is why."""
        case = _case(self._name, _RUN, 0.0)
        _mark(case, "error", kind, text)
        self._write(_document(self._name, [case], properties=self._properties))

    def end(self, result: Result) -> None:
        """There is a verdict. Raises RecordError where it cannot be written: then the file still says *error*."""
        self._write(junit_xml(result))

    def _write(self, text: str) -> None:
        try:
            write_whole(self._path, text.encode())
        except OSError as error:
            fact = f"the JUnit file could not be written to {self._path}: {error.strerror}."
            if self._written:
                raise RecordError(f"{fact} It still says that the run has not finished.") from None
            raise UsageError(fact) from None
        self._written = True


def write_junit(result: Result, path: str | os.PathLike[str]) -> None:
    """Write the verdict of a run as JUnit XML, whole or not at all. Raises UsageError where it cannot be."""
    place = checked_place(path)
    try:
        write_whole(place, junit_xml(result).encode())
    except OSError as error:
        raise UsageError(f"the JUnit file could not be written to {place}: {error.strerror}.") from None


def checked_place(path: str | os.PathLike[str]) -> Path:
    """Where a JUnit file is to be, absolute, since an FMU may change the working directory.

    Raises UsageError where no file can be.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        raise UsageError(f"--junit {os.fspath(path)}: this is a {_what(place)}; name a file.")
    if not place.parent.is_dir():
        raise UsageError(f"--junit {os.fspath(path)}: there is no folder {place.parent}.")
    return place


def _what(place: Path) -> str:
    return "folder" if place.is_dir() else "device"


def junit_xml(result: Result) -> str:
    """The verdict of a run as a JUnit document."""
    name = result.scene or result.folder.name
    cases = [
        _run_case(result, name),
        *(_requirement_case(result, each, name) for each in result.requirements),
    ]
    properties = {
        "verdict": result.verdict,
        "reason": result.reason,
        "digest": result.digest,
        "seed": "" if result.seed is None else str(result.seed),
        "run": str(result.folder),
    }
    try:
        started = str(result.manifest["started"])
        properties["id"] = str(result.manifest["id"])
    except (CrumpleError, LookupError, TypeError):  # the verdict does not depend on it
        started = ""
    required = {each.name for each in result.requirements}
    for each in result.metric_results:
        if each.name not in required and each.value is not None:
            properties[f"metric.{each.name}"] = wording.with_si(repr(each.value), each.si)
    return _document(name, cases, properties=properties, seconds=result.wall or 0.0, started=started)


def _run_case(result: Result, name: str) -> xml.Element:
    """The run itself: an error where the verdict is none of *pass*, *done* and *fail*.

    A *fail* is told by its requirements. Where no requirement tells it, the run does.
    """
    case = _case(name, _RUN, result.wall or 0.0)
    told = any(r.status == "fail" for r in result.requirements)
    if result.verdict == "fail" and not told:
        _mark(case, "failure", "fail", result.reason)
    elif result.verdict not in ("pass", "done", "fail"):
        _mark(case, "error", result.verdict, result.reason)
    marks = {True: "yes", False: "NO", None: "unknown"}
    lines = [f"{marks[c.holds]:<8}{c.name}: {c.evidence}" for c in result.conditions]
    _say(case, lines or [result.reason])
    return case


def _requirement_case(result: Result, requirement: RequirementResult, name: str) -> xml.Element:
    case = _case(name, requirement.name, 0.0)
    lines = list(_lines(requirement))
    if requirement.status == "not_applicable":
        xml.SubElement(case, "skipped", message=_clean(requirement.reason))
    elif result.verdict == "error":  # what a run showed that ended in an error cannot be trusted
        told = requirement.reason if requirement.status == "inconclusive" else result.reason
        _mark(case, "error", "error", told, lines)
    elif requirement.status == "fail":
        _mark(case, "failure", "fail", requirement.reason, lines)
    elif requirement.status != "pass":
        _mark(case, "error", "inconclusive", requirement.reason, lines)
    else:
        _say(case, lines)
    return case


def _lines(requirement: RequirementResult) -> Iterator[str]:
    """Value, limit, margin and moment, as in the table of a run, then the value in full."""
    yield requirement.what
    decided = requirement.status in ("pass", "fail")
    facts = {
        "value": value_text(requirement),
        "limit": limit_text(requirement),
        "margin": margin_text(requirement) if decided else "",
        "when": when_text(requirement) if decided else "",
        "exact": "" if requirement.value is None else f"{requirement.value!r} {requirement.si}".rstrip(),
    }
    for key, text in facts.items():
        if text:
            yield f"{key + ':':<8}{text}"


# -- elements ---------------------------------------------------------------------------------------------


def _case(scene: str, name: str, seconds: float) -> xml.Element:
    return xml.Element("testcase", classname=_clean(scene), name=_clean(name), time=f"{seconds:.6f}")


def _mark(case: xml.Element, kind: str, of: str, message: str, lines: list[str] | None = None) -> None:
    mark = xml.SubElement(case, kind, message=_clean(message), type=of)
    mark.text = _clean("\n".join([message, *(lines or [])]))


def _say(case: xml.Element, lines: list[str]) -> None:
    xml.SubElement(case, "system-out").text = _clean("\n".join(lines))


def _document(
    name: str,
    cases: list[xml.Element],
    *,
    properties: Mapping[str, str],
    seconds: float = 0.0,
    started: str = "",
) -> str:
    counts = {"tests": str(len(cases))}
    for attribute, element in _KINDS.items():
        counts[attribute] = str(sum(case.find(element) is not None for case in cases))
    counts["time"] = f"{seconds:.6f}"
    root = xml.Element("testsuites", {"name": "crumple", **counts})
    when = started or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    more = {"timestamp": when.removesuffix("Z"), "hostname": _clean(platform.node())}
    suite = xml.SubElement(root, "testsuite", {"name": _clean(name), **counts, **more})
    if properties:
        listed = xml.SubElement(suite, "properties")
        for key, value in properties.items():
            xml.SubElement(listed, "property", name=key, value=_clean(value))
    suite.extend(cases)
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    """Without what XML cannot hold: such a character becomes its number, as in \\x1b."""
    return _FORBIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
