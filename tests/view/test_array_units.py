"""Elements of an array are shown in the unit of their array."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from crumple.view.canvas.values import si_of


def test_an_element_has_the_unit_of_its_array_and_a_signal_its_own() -> None:
    session: Any = SimpleNamespace(si={"pack.temperature": "K", "pack.flow": "W"})
    assert si_of(session, "pack.temperature[0]") == "K"
    assert si_of(session, "pack.flow") == "W"
    assert si_of(session, "pack.charge[3]") is None
