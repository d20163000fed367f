"""A table of a scene on its way to a plan: its values read, its mistakes noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crumple.scene.clock import TimeError, exact_time
from crumple.scene.document import Document
from crumple.scene.text import shown
from crumple.si import SiError, parse_quantity

if TYPE_CHECKING:
    from crumple.scene.lines import Path

_LONGEST = 10**9  # [s], 31 years; times in ns are counted in 64 bits
_LARGEST_WHOLE = 2**53  # beyond it, a whole number is no longer exact as a double


class ValueFault(ValueError):
    """A value that cannot be: the end of a sentence with the fact and the remedy."""


class Drafted:
    """The table at `path`. What is wrong with a key is noted in the document, and a default stands for it.

    short: the key that a plain value stands for, where a table may be written short.
    """

    def __init__(
        self, document: Document, path: Path, table: Mapping[str, Any], *, short: str | None = None
    ) -> None:
        self.document = document
        self.path = path
        self.table = table
        self.name = str(path[-1])
        self._short = short

    def below(self, key: str, name: str, written: Any, short: str) -> Drafted:
        """The table `name` in the table at `key`, which may be written short as the value of its key `short`."""
        path = (*self.path, key, name)
        if isinstance(written, Mapping):
            return Drafted(self.document, path, written)
        return Drafted(self.document, path, {short: written}, short=short)

    def path_of(self, key: str) -> Path:
        """Where a key stands; "" is the table as a whole."""
        return (*self.path, key) if key and key != self._short else self.path

    def fault(self, key: str, text: str) -> None:
        """Note a mistake at a key; "" is the table as a whole."""
        self.document.fault(self.path_of(key), text)

    def has_fault(self, *keys: str) -> bool:
        """Whether a mistake was noted at or below the table, or at or below this key of it."""
        at = (*self.path, *keys)
        return any(path[: len(at)] == at or path == at[: len(path)] for path in self.document.faulty)

    def time(self, key: str, default: float | None = None, *, zero: bool = False) -> float | None:
        """A length of time [s] at `key`, positive unless `zero` may be."""
        if key not in self.table:
            return default
        value = self.table[key]
        try:
            time = exact_time(value)
        except TimeError as error:
            self.fault(key, str(error))
            return default
        if time < 0 or (time == 0 and not zero):
            wanted = "a time that is not negative" if zero else "a time above 0"
            self.fault(key, f'is {value}; {wanted} is wanted, such as "5 ms".')
            return default
        if time > _LONGEST:
            self.fault(key, f'is {value}; "{_LONGEST} s" is the longest.')
            return default
        return float(time)

    def share(self, key: str, default: float | None = None) -> float | None:
        """A share from 0 to 1 at `key`: 0.01 or "1 %"."""
        if key not in self.table:
            return default
        value = self.table[key]
        try:
            share = parse_quantity(value, "1")
        except SiError as error:
            self.fault(key, str(error))
            return default
        if not 0 <= share <= 1:
            self.fault(key, f'is {value}; a share goes from 0 to 1, as in 0.01 or "1 %".')
            return default
        return share


def number_of(value: Any, kind: str, si: str | None) -> float:
    """A value of a scene as the number that a port of this kind holds. si: its unit of measure; None: it has none.

    Raises ValueFault.
    """
    if kind == "boolean":
        if isinstance(value, bool) or value in (0, 1):
            return float(value)
        raise ValueFault(f"is {shown(value)}; of a boolean it is true or false.")
    if isinstance(value, bool | list):
        raise ValueFault(f"is {shown(value)}; a number is wanted.")
    try:
        number = parse_quantity(value, si or "1")
    except SiError as error:
        raise ValueFault(str(error)) from None
    if kind in ("integer", "enumeration"):
        if not number.is_integer():
            raise ValueFault(f"is {shown(value)}; a whole number is wanted.")
        if abs(number) > _LARGEST_WHOLE:
            raise ValueFault(f"is {shown(value)}; whole numbers are exact up to 2^53 only.")
    return number
