"""FMUs of paper that somebody bent: bytes of their headers, or a word of their description."""

from __future__ import annotations

import io
import zipfile

from paper_fmu import XML, fmu_bytes

CENTRAL, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"
BEGIN = "<fmiModelDescription"


def patched(content: bytes, header: bytes, offset: int, value: bytes) -> bytes:
    """`content` with bytes of its last header of that kind overwritten."""
    place = content.rfind(header) + offset
    return content[:place] + value + content[place + len(value) :]


def stored(**members: bytes) -> bytes:
    """An FMU with members that are not compressed."""
    held = io.BytesIO(fmu_bytes())
    with zipfile.ZipFile(held, "a", zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


def xml_with(old: str, new: str) -> bytes:
    """A description in which one thing stands for another."""
    assert old in XML
    return XML.replace(old, new, 1).encode()
