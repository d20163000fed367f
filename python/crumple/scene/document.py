"""The text of a scene and of what it includes, merged, with the origin of every key kept.

What is included, files or bundled scenes by name, comes first, in its order, and the file that includes it
wins. Tables merge key by key; anything else replaces what was there. A few rules keep a merge from mixing what
does not belong together:

- a unit that names its `fmu` or `plugin` replaces the included unit whole, a requirement that names its `signal`
  or `metric`, or a fault that names its `kind`, likewise; a connection always does;
- so do the channels of a sensor or an actuator, whose order is the message;
- a sensor or an actuator that names its `zmq` forgets an included `rig`; one that names its `rig` forgets what only
  an address of its own can have.

A plain value for a parameter of the scene changes its default and keeps its limits.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.content import bundled
from crumple.errors import Mistake, SceneError
from crumple.scene.text import did_you_mean, key_path

if TYPE_CHECKING:
    from crumple.scene.lines import Lines, Path

SUFFIX = ".toml"  # of scene files
_MOST_DEPTH = 40  # of tables and arrays within each other; a deeper text is no scene
_LIVE = ("sensors", "actuators")
_ALONE = (
    "zmq",
    "bind",
    "key",
    "max_age",
    "stop_age",
    "policy",
    "queue",
    "required",
    "start_timeout",
    "stale_max",
)
_REPLACING = {"units": ("fmu", "plugin"), "requirements": ("signal", "metric"), "faults": ("kind",)}
_TOO_DEEP = f"is nested more than {_MOST_DEPTH} deep."
_MOST_BYTES = 20_000_000  # no scene; a recording, perhaps, that was named by mistake


def bundled_scenes() -> dict[str, File]:
    """The scenes that come with Crumple, by name."""
    return bundled("scenes", SUFFIX)


class Origin:
    """Where keys come from: a file, or an override from outside, which has no path and no lines.

    label: the file as the user would write it; of an override "--set speed".
    """

    def __init__(self, label: str, path: File | None = None, sha256: str = "", text: str = "") -> None:
        self.label = label
        self.path = path
        self.sha256 = sha256
        self.text = text

    @cached_property
    def lines(self) -> Lines:
        """Where the keys stand: only looked for where something is wrong."""
        from crumple.scene.lines import Lines

        return Lines(self.text)


class Document:
    """A scene's merged tables, and what is wrong with them so far.

    texts: of files by their absolute path, to be read instead of what is on the disk.
    """

    def __init__(self, *, texts: Mapping[File, str] | None = None) -> None:
        self.texts = {} if texts is None else texts
        self.tree: dict[str, Any] = {}
        self.files: list[Origin] = []  # in the order in which they were read
        self.origins: dict[Path, Origin] = {}  # of every key, by its path
        self.mistakes: list[Mistake] = []
        self.warnings: list[str] = []
        self.faulty: set[Path] = set()  # keys that have a mistake
        self.unresolved: list[Path] = []  # keys whose "$name" means nothing; None stands there
        self.copies: dict[Path, Path] = {}  # of tables that stand for several: where the original is

    def origin(self, path: Path) -> Origin:
        """Where the key at `path` comes from, or what contains it."""
        if path not in self.origins:
            path = self.written(path)
        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path, self.files[-1])

    def written(self, path: Path) -> Path:
        """Where a key stands in the file: of a copy, where the original is."""
        for length in range(len(path), 1, -1) if self.copies else ():
            if path[:length] in self.copies:
                return (*self.copies[path[:length]], *path[length:])
        return path

    def folder(self, path: Path) -> File:
        """The folder from which the file names at `path` start."""
        file = self.origin(path).path
        return File.cwd() if file is None else file.parent

    def fault(self, path: Path, text: str) -> None:
        """Note a mistake at the key `path`; of copies, the first that has it."""
        origin, stands = self.origin(path), self.written(path)
        told = stands != path and stands in self.faulty and path not in self.origins
        self.faulty.update((path, stands))
        if told:
            return
        path = stands
        if origin.path is None:
            self.mistakes.append(Mistake(None, None, origin.label, f"{key_path(path)}: {text}"))
        else:
            line = origin.lines.line(path)
            self.mistakes.append(Mistake(origin.label, line, key_path(path), text))

    def outside(self, label: str, text: str) -> None:
        """Note a mistake in what was given from outside."""
        self.mistakes.append(Mistake(None, None, label, text))

    def override(self, path: Path, value: Any, *, label: str) -> None:
        """Set the value at `path`, whose table must be there, from outside."""
        table: Any = self.tree
        for part in path[:-1]:
            table = table[part]
        table[path[-1]] = value
        self.label(path, label)

    def label(self, path: Path, label: str) -> None:
        """Say that the value at `path` comes from outside."""
        self._forget(path)
        self.origins[path] = Origin(label)

    def raise_mistakes(self) -> None:
        """Raise SceneError if anything is wrong, in the order of files and lines; overrides come last."""
        if not self.mistakes:
            return
        order = {origin.label: index for index, origin in enumerate(self.files)}

        def place(mistake: Mistake) -> tuple[int, int]:
            return order.get(mistake.file or "", len(order)), mistake.line or 0

        raise SceneError(sorted(dict.fromkeys(self.mistakes), key=place))

    # ---- merging

    def merge(self, table: Mapping[str, Any], origin: Origin) -> None:
        """Lay a file's tables over what is there."""
        self._merge(self.tree, table, (), origin)

    def _merge(self, onto: dict[str, Any], table: Mapping[str, Any], path: Path, origin: Origin) -> None:
        for key in _outdated(path, table):
            if onto.pop(key, None) is not None:
                self._forget((*path, key))
        for key, value in table.items():
            at = (*path, key)
            old = onto.get(key)
            if isinstance(old, dict) and isinstance(value, dict) and not _replaces(at, value):
                self.origins[at] = origin
                self._merge(old, value, at, origin)
            elif isinstance(old, dict) and not isinstance(value, dict) and path == ("parameters",):
                self._put(old, "default", value, (*at, "default"), origin)
            else:
                self._put(onto, key, value, at, origin)

    def _put(self, table: dict[str, Any], key: str, value: Any, path: Path, origin: Origin) -> None:
        self._forget(path)
        table[key] = value
        self._claim(value, path, origin)

    def _claim(self, value: Any, path: Path, origin: Origin) -> None:
        self.origins[path] = origin
        if isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                self._claim(item, (*path, key), origin)

    def _forget(self, path: Path) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


def _replaces(path: Path, value: Mapping[str, Any]) -> bool:
    if len(path) == 3 and path[0] in _LIVE:
        return path[2] == "channels"  # their order is the message
    if len(path) != 2:
        return False
    return path[0] == "connect" or any(key in value for key in _REPLACING.get(str(path[0]), ()))


def _outdated(path: Path, table: Mapping[str, Any]) -> tuple[str, ...]:
    """What no longer holds of an included sensor or actuator that gets an address, or that a rig takes in."""
    if len(path) != 2 or path[0] not in _LIVE:
        return ()
    if "rig" in table:
        return _ALONE
    return ("rig",) if "zmq" in table else ()


# ---- reading


class Asked(NamedTuple):
    """A file that includes another: the which-th in its list."""

    origin: Origin
    number: int

    def note(self, document: Document, text: str) -> None:
        """A mistake in the line that includes."""
        line = self.origin.lines.line(("include", self.number))
        document.mistakes.append(Mistake(self.origin.label, line, "include", text))


def read_document(path: File, *, label: str, texts: Mapping[File, str] | None = None) -> Document:
    """The scene at `path` with all that it includes. label: how the user calls the file.

    texts: of files by their absolute path, to be read instead of what is on the disk.
    Raises SceneError for what cannot be read or is no TOML, with file and line.
    """
    document = Document(texts=texts)
    _read(document, path, label, ())
    document.raise_mistakes()
    return document


def _read(document: Document, path: File, label: str, within: tuple[Asked, ...]) -> None:
    """Read one file. within: who asks for it, outermost first; none for the scene itself."""
    content = _content(document, path, label, within)
    if content is None:
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        document.mistakes.append(
            Mistake(label, line, "", "is not UTF-8, which TOML must be: save the file as UTF-8.")
        )
        return
    origin = Origin(label, path, hashlib.sha256(content).hexdigest(), text)
    table = _parsed(document, origin)
    if table is None:
        return
    for index, name in enumerate(_included(table)):
        _include(document, name, (*within, Asked(origin, index)))
    if all(known.path != path for known in document.files):
        document.files.append(origin)
    document.merge(table, origin)


def _included(table: Mapping[str, Any]) -> list[str]:
    """The names of the files to include. What is of the wrong kind is reported with the scene's shape."""
    include = table.get("include", [])
    names = include if isinstance(include, list) else [include]
    return [name for name in names if isinstance(name, str)]


def _include(document: Document, name: str, within: tuple[Asked, ...]) -> None:
    asked = within[-1]
    assert asked.origin.path is not None
    path = File(os.path.normpath(asked.origin.path.parent / name))
    label = os.path.normpath(os.path.join(os.path.dirname(asked.origin.label), name))
    if path not in document.texts and not path.is_file() and (scene := bundled_scenes().get(name)):
        path, label = scene, f"{name} (bundled)"
    circle = [a.origin for a in within]
    while circle and circle[0].path != path:
        circle.pop(0)
    if circle:
        asked.note(document, f"includes itself: {' -> '.join([*(o.label for o in circle), label])}.")
    else:
        _read(document, path, label, within)


def _content(document: Document, path: File, label: str, within: tuple[Asked, ...]) -> bytes | None:
    if path in document.texts:
        return document.texts[path].encode()
    try:
        if path.stat().st_size <= _MOST_BYTES:
            return path.read_bytes()
        fact = f"is larger than {_MOST_BYTES // 1_000_000} MB: no scene."
    except FileNotFoundError:
        fact = f"does not exist.{_bundled_hint(path) if within else ''}"
    except IsADirectoryError:
        fact = "is a folder; name a file in it."
    except OSError as error:
        fact = f"cannot be read: {error.strerror}."
    if within:
        within[-1].note(document, f"{label} {fact}")
    else:
        document.mistakes.append(Mistake(None, None, label, fact))
    return None


def _bundled_hint(path: File) -> str:
    """What to say of a file that is not there and may be meant to be a bundled scene."""
    known = bundled_scenes()
    if path.name != path.stem and path.stem in known:
        return f' The bundled scene is called "{path.stem}".'
    return did_you_mean(path.name, known) if path.name == path.stem else ""


# ---- TOML

_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_AT_END = re.compile(r" \(at end of document\)$")
_BARE_TEXT = re.compile(r"\s*(?P<key>[^=#]+?)\s*=\s*(?P<value>[^\"'\[{\s#][^\"'\[{#]*)")


def _parsed(document: Document, origin: Origin) -> dict[str, Any] | None:
    try:
        table = tomllib.loads(origin.text)
        if not _deeper(table, _MOST_DEPTH):
            return table
        document.mistakes.append(Mistake(origin.label, 1, "", _TOO_DEEP))
    except RecursionError:
        document.mistakes.append(Mistake(origin.label, 1, "", _TOO_DEEP))
    except tomllib.TOMLDecodeError as error:
        repeat = next(iter(origin.lines.repeats), None)
        line, column, fact = _where(str(error), origin.text)
        if repeat is not None and repeat.second <= line:
            text = f"is there twice; the first is in line {repeat.first}. Keep one."
            if repeat.path[0] == "connect":
                text = (
                    f"has two sources; the first is in line {repeat.first}. An input has one: drop the other."
                )
            document.mistakes.append(Mistake(origin.label, repeat.second, key_path(repeat.path), text))
        else:
            written = origin.text.split("\n")[line - 1]
            document.mistakes.append(Mistake(origin.label, line, "", _syntax(fact, column, written)))
    return None


def _deeper(value: Any, depth: int) -> bool:
    """Whether arrays and tables are nested more than `depth` deep."""
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_deeper(item, depth - 1) for item in items)


def _where(message: str, text: str) -> tuple[int, int | None, str]:
    """Line, column and fact of tomllib's message."""
    if match := _AT_LINE.search(message):
        return int(match[1]), int(match[2]), message[: match.start()]
    return text.rstrip().count("\n") + 1, None, _AT_END.sub("", message)


def _syntax(fact: str, column: int | None, written: str) -> str:
    if fact == "Illegal character '\\n'":
        return "is not TOML: a quote is not closed in this line."
    if column is None:
        return (
            "is not TOML: at the end of the file, something is still open. Close the bracket or the quotes."
        )
    match = _BARE_TEXT.match(written)
    remedy = ""
    if match and match["value"].strip() not in ("true", "false"):
        value = match["value"].strip()
        lower = {"True": "true", "False": "false"}.get(value)
        quoted = lower or f'"{value}"'
        remedy = f". Did you mean {match['key']} = {quoted}?"
    return f"is not TOML{remedy or f', at column {column}: {fact[:1].lower()}{fact[1:]}.'}"
