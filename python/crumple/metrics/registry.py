"""The metrics that a scene can name, the bundled ones and those that plugins add."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from crumple.metrics import bundled, bundled_ratings, bundled_traffic
from crumple.metrics.metric import Metric, MetricValue
from crumple.metrics.signal import MetricError

__all__ = ["METRICS", "Metric", "MetricValue", "register"]

_METRICS: dict[str, Metric] = {}
METRICS: Mapping[str, Metric] = MappingProxyType(_METRICS)  # by name; `register` adds to it


def register(metric: Metric) -> None:
    """Add a metric. Raises MetricError where the name is taken or cannot be written in an expression."""
    if not metric.name.isidentifier():
        raise MetricError(f"'{metric.name}' cannot name a metric: use letters, digits and '_'.")
    if metric.name in _METRICS:
        raise MetricError(f"A metric '{metric.name}' exists already: {_METRICS[metric.name].doc}")
    _METRICS[metric.name] = metric


for _group in (
    bundled.general,
    bundled.occupants,
    bundled_ratings.risks,
    bundled_ratings.euro_ncap_points,
    bundled_traffic.traffic,
    bundled_traffic.contacts,
    bundled_ratings.curve_ratings,
):
    for _metric in _group():
        register(_metric)
