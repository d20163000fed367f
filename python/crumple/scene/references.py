"""Values in the place of "$name" and "$(formula)", wherever a value stands in a scene."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from crumple.scene.document import Document
from crumple.scene.values import FORMULA, INDEX, REFERENCE, ValueFault, Values, formula_of, is_reference

if TYPE_CHECKING:
    from crumple.scene.lines import Path

# keys whose texts are for readers, and the definitions themselves
_NOT_REPLACED = {"crumple", "title", "description", "include", "parameters", "derived"}
# texts in which "$name" may stand among other things
_TEXTS = {"holds", "end_when", "when", "metric", "signal", "value"}


def replace_references(document: Document, known: Values, *, overridden: Container[str]) -> None:
    """Put values in the place of what refers to them, and None where there is none, which is noted.

    overridden: parameters that were given from outside.
    """
    replacing = _Replacing(document, known, overridden)
    for key in list(document.tree):
        if key not in _NOT_REPLACED:
            replacing.below(document.tree, key, (key,))


class _Replacing:
    def __init__(self, document: Document, known: Values, overridden: Container[str]) -> None:
        self._document = document
        self._known = known
        self._overridden = overridden

    def below(self, container: Any, key: Any, path: Path) -> None:
        """Replace at and below container[key]."""
        value = container[key]
        if isinstance(value, dict):
            for name in list(value):
                self.below(value, name, (*path, name))
        elif isinstance(value, list):
            for number in range(len(value)):
                self.below(value, number, (*path, number))
        elif isinstance(value, str) and "$" in value and path[-1] != "doc":
            self._at(container, key, path, value)

    def _at(self, container: Any, key: Any, path: Path, value: str) -> None:
        whole = is_reference(value)
        if (path[0] == "metrics" and path[-1] == "value" and FORMULA.fullmatch(value)) or _of_instance(
            path, value, self._known
        ):
            return  # arithmetic of metrics, and what only instances know, come later
        if not whole and path[-1] not in _TEXTS and path[0] != "view":
            return
        try:
            if not whole:
                container[key] = self._known.within(value)
                return
            container[key] = self._known.resolved(value)
            name = value.removeprefix("$")
            if name in self._overridden:
                self._document.label(path, f"--set {name}")
        except ValueFault as fault:
            if not fault.silent:
                self._document.fault(path, str(fault))
            container[key] = None
            self._document.unresolved.append(path)


def _of_instance(path: Path, value: str, known: Values) -> bool:
    """Whether a value holds the number of an instance, in a place where there are instances."""
    if len(path) < 4 or path[0] not in ("units", "view"):
        return False
    if path[0] == "units" and path[2] not in ("start", "with"):
        return False
    if match := FORMULA.fullmatch(value):
        try:
            return INDEX in formula_of(match[1], known.names).signals
        except ValueFault:
            return False
    return INDEX in REFERENCE.findall(value)
