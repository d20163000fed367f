"""`crumple metrics`: the list, one metric explained, and the page that is made of it."""

from __future__ import annotations

from pathlib import Path

from command import called
from crumple.cli.metrics import as_markdown
from crumple.metrics.registry import METRICS

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"


def test_the_list_has_every_metric_with_its_unit_once() -> None:
    shown = called("metrics")
    assert shown.code == 0
    lines = shown.out.splitlines()
    for metric in METRICS.values():
        (line,) = [each for each in lines if each.startswith(f"  {metric.usage} ")]
        assert line[len(metric.usage) + 2 :].strip().startswith(metric.result_si or "of the signal")
        assert metric.doc in line


def test_one_is_explained_with_the_unit_of_each_argument() -> None:
    out = called("metrics", "contact_use").out
    assert "contact_use(signal, transient, quasi_static)" in out
    assert "transient      a quantity in N" in out
    assert "ISO/TS 15066" in out
    out = called("metrics", "thiv").out
    assert "yaw_rate         a signal in rad/s (may be left out)" in out
    assert "a number for the run, in km/h" in out


def test_an_unknown_name_is_a_usage_error_with_the_nearest() -> None:
    shown = called("metrics", "hic16")
    assert (shown.code, shown.out) == (2, "")
    assert 'There is no metric "hic16". Did you mean hic36' in shown.err


def test_the_page_is_what_the_command_writes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    tables = text.partition("`crumple metrics --markdown`. -->\n\n")[2]
    assert tables.strip() == as_markdown().strip(), (
        "run: crumple metrics --markdown, and put it into docs/metrics.md"
    )


def test_what_is_unverified_says_so_where_it_stands() -> None:
    for name in ("asi", "thiv", "oiv", "ridedown", "occipital_moment", "contact_use"):
        assert "UNVERIFIED" in METRICS[name].doc + METRICS[name].source
