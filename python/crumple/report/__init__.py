"""The report of a run: one HTML file that a customer can read, without a network."""

from crumple.report.page import write_report

__all__ = ["write_report"]
