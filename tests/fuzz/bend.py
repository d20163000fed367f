"""Change one thing in an input: how the fuzzer gets from inputs that are right to those that are nearly so."""

from __future__ import annotations

import random
import re
from pathlib import Path

WORDS = [
    line for line in (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").splitlines() if line
]
TAG = re.compile(rb"<[A-Za-z][^<>]*>")
VALUE = re.compile(rb'"[^"<>]*"')
NAME = re.compile(rb'[\s<]([A-Za-z]+)(?==")')


def bend_xml(data: bytes, dice: random.Random) -> bytes:
    """`data` with one element, attribute or value changed, doubled, moved or gone."""
    word = dice.choice(WORDS).encode()
    tags = list(TAG.finditer(data))
    values = list(VALUE.finditer(data))
    names = list(NAME.finditer(data))
    act = dice.randrange(7)
    if act <= 1 and values:
        found = dice.choice(values)
        data = data[: found.start()] + b'"' + word.replace(b'"', b"") + b'"' + data[found.end() :]
    elif act == 2 and names:
        found = dice.choice(names)
        data = data[: found.start(1)] + re.sub(rb"[^A-Za-z]", b"", word) + data[found.end(1) :]
    elif act == 3 and tags:
        found = dice.choice(tags)
        data = data[: found.end()] + found[0] * dice.choice((1, 1, 2, 9)) + data[found.end() :]
    elif act == 4 and tags:
        found = dice.choice(tags)
        data = data[: found.start()] + data[found.end() :]
    elif act == 5 and len(tags) > 1:
        one, two = sorted(dice.sample(tags, 2), key=lambda match: match.start())
        data = data[: one.start()] + two[0] + data[one.end() : two.start()] + one[0] + data[two.end() :]
    elif tags:
        found = dice.choice(tags)
        attribute = b" " + re.sub(rb"[^A-Za-z]", b"", dice.choice(WORDS).encode()) + b'="' + word + b'"'
        place = found.end() - (2 if found[0].endswith(b"/>") else 1)
        data = data[:place] + attribute + data[place:]
    return data


def bend_bytes(data: bytes, dice: random.Random) -> bytes:
    """`data` with some bytes changed, gone, doubled or added."""
    for _ in range(dice.choice((1, 1, 2, 5))):
        place, count = dice.randrange(len(data) + 1), dice.choice((1, 1, 2, 4, 40))
        piece = dice.choice(
            (b"", dice.randbytes(count), bytes(count), b"\xff" * count, data[place : place + count] * 2)
        )
        data = data[:place] + piece + data[place + dice.choice((0, count, len(piece))) :]
    return data
