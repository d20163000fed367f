"""The verdict: what outranks what, and that nothing passes without its evidence."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from crumple.exit_codes import EXIT_CODES, exit_code
from crumple.requirement_result import RequirementResult
from crumple.verdict import Ending, Recording, Verdict, cut_off, judge, not_finished

ENDED = Ending(how="horizon", tick=1500, t=0.15, ticks=1500, horizon=0.15)
WHOLE = Recording(rows={"signals-100us.npy": 1501}, expected={"signals-100us.npy": 1501})


def result(
    status: Any = "pass", *, name: str = "head", complete: bool = True, reason: str = ""
) -> RequirementResult:
    return RequirementResult(
        name=name,
        what="hic15(occupant.head)",
        title="HIC15",
        status=status,
        value=142.1,
        si="1",
        relation="max",
        limit=700.0,
        within=None,
        margin=0.8,
        complete=complete,
        decided=0.15,
        worst=(0.0731, 0.0881),
        reason=reason or f"{name}: {status}",
    )


def verdict(
    *results: RequirementResult, ending: Ending = ENDED, recording: Recording = WHOLE, **more: Any
) -> Verdict:
    return judge(ending, results, recording, units=5, outputs=12, **more)


def test_a_run_passes_when_everything_holds_and_says_why() -> None:
    found = verdict(result(), result(name="chest"))
    assert (found.outcome, found.exit_code, found.reason) == ("pass", 0, "2 of 2 requirements held")
    assert [c.holds for c in found.conditions] == [True] * 5
    evidence = " / ".join(c.evidence for c in found.conditions)
    for fact in (
        "5 units reported success",
        "12 outputs checked",
        "1,501 rows",
        "1,500 of 1,500 ticks",
        "2 of 2",
    ):
        assert fact in evidence


def test_a_run_without_requirements_is_done_and_never_a_pass() -> None:
    found = verdict()
    assert (found.outcome, found.exit_code, found.reason) == ("done", 0, "nothing was required")
    found = verdict(result("not_applicable"))
    assert (found.outcome, found.exit_code) == ("done", 0)


def test_a_broken_requirement_fails_with_its_own_reason() -> None:
    found = verdict(
        result(), result("fail", name="chest", reason="chest: 70 g exceeds 60 g by 17 % at 80 ms")
    )
    assert (found.outcome, found.exit_code) == ("fail", 1)
    assert found.reason == "chest: 70 g exceeds 60 g by 17 % at 80 ms"


def test_what_does_not_apply_is_left_out_of_the_count() -> None:
    found = verdict(result(), result("not_applicable", name="time_to_fire"))
    assert (found.outcome, found.reason) == ("pass", "1 of 1 requirement held")


def test_an_undecided_requirement_makes_the_run_inconclusive() -> None:
    found = verdict(result(), result("inconclusive", name="chest", complete=False))
    assert (found.outcome, found.exit_code) == ("inconclusive", 3)


def test_requirements_undecided_for_one_reason_share_a_line() -> None:
    why = "seen until 50 ms of 150 ms"
    undecided = [
        result("inconclusive", name=n, complete=False, reason=f"{n}: {why}")
        for n in ("head", "chest", "belt")
    ]
    assert verdict(*undecided).reasons == (f"head, chest, belt: {why}",)


@pytest.mark.parametrize("where", ["unit", "recorder", "output", "run"])
def test_an_error_outranks_everything(where: Any) -> None:
    ending = replace(ENDED, how="error", tick=300, t=0.03, text="unit 'pump' failed", where=where)
    for results in ([], [result()], [result("fail")], [result("inconclusive")]):
        found = verdict(*results, ending=ending)
        assert (found.outcome, found.exit_code, found.reason) == ("error", 4, "unit 'pump' failed")
        assert not all(c.holds for c in found.conditions)


def test_a_recorder_that_failed_is_an_error_whatever_was_seen() -> None:
    failed = replace(WHOLE, failure="cannot write signals-100us.npy: No space left on device")
    found = verdict(result(), recording=failed)
    assert (found.outcome, found.exit_code, found.reason) == ("error", 4, failed.failure)


def test_missing_rows_are_never_a_pass() -> None:
    short = Recording(rows={"signals-100us.npy": 1500}, expected={"signals-100us.npy": 1501})
    for results in ([], [result()]):
        found = verdict(*results, recording=short)
        assert (found.outcome, found.reason) == ("inconclusive", "signals-100us.npy has 1,500 of 1,501 rows")
    assert verdict(result(), recording=replace(short, rows={})).outcome == "inconclusive"


def test_a_run_that_says_it_is_whole_and_has_other_ticks_is_no_pass() -> None:
    for tick in (1499, 1501):
        found = verdict(result(), ending=replace(ENDED, tick=tick))
        assert found.outcome == "inconclusive"
        assert [c.holds for c in found.conditions if "unit" in c.name or "horizon" in c.name] == [False] * 2
        assert f"stepped {tick:,} of 1,500 ticks" in found.reason


def test_a_requirement_without_a_number_or_its_whole_window_has_not_held() -> None:
    for change, told in (
        ({"value": None}, "head: hic15(occupant.head) has no value"),
        ({"value": float("nan")}, "head: hic15(occupant.head) is NaN"),
        ({"complete": False}, "head: not seen to its end"),
    ):
        found = verdict(replace(result(), **change), result(name="chest"))
        assert (found.outcome, found.reason) == ("inconclusive", told)
    assert verdict(replace(result("fail"), value=None)).outcome == "fail"  # only a pass needs proof


def test_a_recording_that_nobody_could_look_at_is_never_a_pass() -> None:
    unknown = Recording(unknown="interrupted while the run was being judged")
    for results in ([], [result()]):
        found = verdict(*results, recording=unknown)
        assert (found.outcome, found.reason) == ("inconclusive", unknown.unknown)


def test_an_interrupted_run_is_inconclusive_and_tells_what_had_failed_by_then() -> None:
    ending = replace(ENDED, how="interrupted", tick=300, t=0.03, text="interrupted by Ctrl-C at t = 30 ms")
    recording = Recording(rows={"s.npy": 301}, expected={"s.npy": 301})
    for results in ([], [result()], [result("fail")]):
        found = verdict(*results, ending=ending, recording=recording)
        assert (found.outcome, found.exit_code) == ("inconclusive", 3)
        assert found.reasons[0] == "interrupted by Ctrl-C at t = 30 ms"
    assert found.reasons[1] == "by then failed: head: fail"


def test_a_unit_that_ends_the_run_leaves_no_pass_but_a_fail_stays() -> None:
    ending = replace(ENDED, how="unit_ended", tick=300, t=0.03, text="unit 'pump' asked to end the run")
    recording = Recording(rows={"s.npy": 301}, expected={"s.npy": 301})
    assert verdict(result(), ending=ending, recording=recording).outcome == "inconclusive"
    assert verdict(ending=ending, recording=recording).outcome == "inconclusive"
    undecided = verdict(result("inconclusive", complete=False), ending=ending, recording=recording)
    assert undecided.reasons[0] == "unit 'pump' asked to end the run"
    assert verdict(result("fail"), ending=ending, recording=recording).outcome == "fail"


def test_allowed_infinities_stand_in_the_evidence() -> None:
    found = verdict(result(), nonfinite_allowed=["radar.range"])
    assert any("allows it in radar.range" in c.evidence for c in found.conditions)


def test_before_and_without_an_end_the_verdict_is_inconclusive() -> None:
    assert not_finished().exit_code == 3
    assert cut_off(0.0312).reason == "the run was cut off at t = 31.2 ms"
    assert cut_off(None).reason == "the run was cut off before the first recorded time"
    assert cut_off(0.5, "killed").reason == "the run was cut off at t = 500 ms: killed"
    assert cut_off(None).exit_code == 3


def test_the_exit_code_comes_from_the_verdict_alone() -> None:
    assert EXIT_CODES == {"pass": 0, "done": 0, "fail": 1, "inconclusive": 3, "error": 4}
    assert exit_code("a verdict that nobody knows") == 3
    for outcome, code in EXIT_CODES.items():
        assert Verdict(outcome=outcome, reasons=("r",), conditions=()).to_json()["exit_code"] == code  # type: ignore[arg-type]
