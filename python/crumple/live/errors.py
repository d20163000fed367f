"""How a live run may end before its time."""

from __future__ import annotations

from crumple.errors import CrumpleError


class NotAllThere(CrumpleError):
    """Somebody without whom the run does not begin did not come in time."""


class TooLate(CrumpleError):
    """A strict run fell too far behind the clock."""


class StoppedByHand(KeyboardInterrupt):
    """Somebody stopped the run from a viewer."""
