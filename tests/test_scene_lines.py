"""The lines of keys in a TOML text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crumple.scene.lines import Lines, Path, Repeat

TEXT = """\
title = "x"   # line 1

[clock]
period = '1 ms'
[units.vehicle]  # line 5
fmu = "a"
start = { speed = 1, mass.value = 2,
}
[units.vehicle.start2]
a.b = 1
"q.r" = [ 1,   # line 11
  [ 2, 3 ],
  { c = 4 },
]
long = \"\"\"
[not.a.table]
key = "no"
\\"\"\" still inside\"\"\"
after = '''
x = 1''''
[[record]]
signals = ["a", "b"]
[[record]]
every = 2
[record.deeper]
x = 1
[[record.list]]
y = 1
"""
LINES: dict[Path, int] = {
    ("title",): 1,
    ("clock",): 3,
    ("clock", "period"): 4,
    ("units",): 5,
    ("units", "vehicle"): 5,
    ("units", "vehicle", "start"): 7,
    ("units", "vehicle", "start", "speed"): 7,
    ("units", "vehicle", "start", "mass", "value"): 7,
    ("units", "vehicle", "start2", "a", "b"): 10,
    ("units", "vehicle", "start2", "q.r"): 11,
    ("units", "vehicle", "start2", "q.r", 0): 11,
    ("units", "vehicle", "start2", "q.r", 1): 12,
    ("units", "vehicle", "start2", "q.r", 1, 1): 12,
    ("units", "vehicle", "start2", "q.r", 2, "c"): 13,
    ("units", "vehicle", "start2", "long"): 15,
    ("units", "vehicle", "start2", "after"): 19,
    ("record",): 21,
    ("record", 0): 21,
    ("record", 0, "signals", 1): 22,
    ("record", 1): 23,
    ("record", 1, "every"): 24,
    ("record", 1, "deeper"): 25,
    ("record", 1, "deeper", "x"): 26,
    ("record", 1, "list", 0, "y"): 28,
}


@pytest.mark.parametrize(("path", "line"), LINES.items(), ids=str)
def test_every_kind_of_key_has_its_line(path: Path, line: int) -> None:
    lines = Lines(TEXT)
    assert path in lines
    assert lines.line(path) == line


def test_a_key_that_is_not_there_has_the_line_of_its_table() -> None:
    lines = Lines(TEXT)
    assert lines.line(("units", "vehicle", "plugin")) == 5
    assert lines.line(("units", "vehicle", "start", "tyre")) == 7
    assert lines.line(("requirements", "head")) == 1
    assert ("requirements",) not in lines


def test_a_table_has_the_line_of_its_own_header_also_where_a_child_comes_first() -> None:
    lines = Lines('[units.a.start]\nx = 1\n[units.a]\nfmu = "m"\n')
    assert lines.line(("units", "a")) == 3
    assert lines.line(("units",)) == 1


def test_repeats_are_found_in_every_form() -> None:
    assert Lines("a = 1\nb = 2\na = 3\n").repeats == [Repeat(("a",), 1, 3)]
    assert Lines("[t]\n[u]\n[t]\n").repeats == [Repeat(("t",), 1, 3)]
    assert Lines("[c]\n\"x.y\" = 1\n'x.y' = 2\n").repeats == [Repeat(("c", "x.y"), 2, 3)]
    assert Lines("t = { a = 1, a = 2 }\n").repeats == [Repeat(("t", "a"), 1, 1)]
    assert Lines("[[t]]\na = 1\n[[t]]\na = 1\n").repeats == []


def test_escapes_in_keys_are_read() -> None:
    assert Lines('"\\u0061\\"" = 1\n').line(('a"',)) == 1
    assert ('a"',) in Lines('"\\u0061\\"" = 1\n')


@given(st.text(alphabet="[]{}\"'=,.#\\\n ab1", max_size=60))
def test_any_text_is_survived(text: str) -> None:
    lines = Lines(text)
    assert 1 <= lines.line(("a", "b")) <= text.count("\n") + 1


# ---- random documents, written by us, so that we know where each key is

_NAMES = st.text(alphabet="abcxyz_-09", min_size=1, max_size=4) | st.sampled_from(
    ["a.b", "[c]", "é", "x y", "#", '"']
)
_STRINGS = st.sampled_from(
    ["", "a", "# no comment", "[x]", "k = 1", "'", '"', "}", "two\nlines", "\\", "é,]"]
)
_SCALARS = st.one_of(
    st.integers(-99, 99), st.booleans(), st.floats(-9, 9).map(lambda x: round(x, 3)), _STRINGS
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_TABLES = st.dictionaries(_NAMES, _VALUES, max_size=4)
_DOCUMENTS = st.dictionaries(
    _NAMES, st.one_of(_VALUES, _TABLES, st.lists(_TABLES, min_size=1, max_size=3)), max_size=5
)


class _Writer:
    """Writes a document in a style that `random` chooses, and notes the line of every key."""

    def __init__(self, random: Any) -> None:
        self._random = random
        self.text = ""
        self.lines: dict[Path, int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def document(self, document: dict[str, Any]) -> None:
        plain = {k: v for k, v in document.items() if not _may_be_table(v) or self._random.random() < 0.3}
        for key, value in plain.items():
            self._assign((), key, value)
        for key, value in document.items():
            if key in plain:
                continue
            for index, table in enumerate(value if isinstance(value, list) else [value]):
                self._noise()
                path: Path = (key, index) if isinstance(value, list) else (key,)
                self.lines.setdefault((key,), self.line)
                self.lines[path] = self.line
                name = self._key(key)
                self.text += f"[[{name}]]\n" if isinstance(value, list) else f"[ {name} ]\n"
                for inner, item in table.items():
                    self._assign(path, inner, item)

    def _noise(self) -> None:
        self.text += self._random.choice(["", "", "\n", "# [no] = 'comment'\n", "  \t"])

    def _key(self, key: str) -> str:
        if all(c.isascii() and (c.isalnum() or c in "_-") for c in key) and self._random.random() < 0.7:
            return key
        if "'" not in key and self._random.random() < 0.5:
            return f"'{key}'"
        return json.dumps(key)

    def _assign(self, path: Path, key: str, value: Any) -> None:
        self._noise()
        self._pair(path, key, value)
        self.text += self._random.choice(["\n", '  # }] = "\n'])

    def _pair(self, path: Path, key: str, value: Any) -> None:
        self.lines[(*path, key)] = self.line
        dotted = isinstance(value, dict) and len(value) == 1 and self._random.random() < 0.5
        if dotted:  # a.b = ... instead of a = { b = ... }
            [(inner, value)] = value.items()
            self.text += self._key(key) + self._random.choice([".", " . "])
            self._pair((*path, key), inner, value)
            return
        self.text += f"{self._key(key)} = "
        self._value((*path, key), value)

    def _value(self, path: Path, value: Any) -> None:
        if isinstance(value, list):
            self.text += "["
            for index, item in enumerate(value):
                self.text += self._random.choice([" ", "\n", " # ],\n"])
                self.lines[(*path, index)] = self.line
                self._value((*path, index), item)
                self.text += self._random.choice([",", " , "])
            self.text += self._random.choice(["]", "\n]"])
        elif isinstance(value, dict):
            self.text += "{"
            for number, (key, item) in enumerate(value.items()):
                self.text += ", " if number else " "
                self._pair(path, key, item)
            self.text += "}"
        elif isinstance(value, str):
            self._string(value)
        else:
            self.text += json.dumps(value)

    def _string(self, value: str) -> None:
        styles = [json.dumps(value)]
        if "'" not in value and "\n" not in value:
            styles.append(f"'{value}'")
        if "'" not in value:
            styles.append(f"'''\n{value}'''")
        if "\\" not in value and '"' not in value:
            styles.append(f'"""\n{value}"""')
        self.text += self._random.choice(styles)


def _may_be_table(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict)


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(item, (*path, key))


@given(_DOCUMENTS, st.randoms(use_true_random=False))
def test_every_key_of_a_random_document_has_the_line_where_it_was_written(
    document: dict[str, Any], random: Any
) -> None:
    writer = _Writer(random)
    writer.document(document)
    assert tomllib.loads(writer.text) == document
    lines = Lines(writer.text)
    assert {path: lines.line(path) for path in _paths(document)} == {
        path: writer.lines[path] for path in _paths(document)
    }
    assert all(path in lines for path in _paths(document))
    assert lines.repeats == []
