"""What must hold of any bytes that are opened as an FMU: the properties that the fuzzer tries to break.

Only FmuError leaves; nothing is written outside the cache; what is unpacked stays within the limits and is
read-only; opening again gives the same. Needs no fuzzer: `check` can be called with any bytes.
"""

from __future__ import annotations

import io
import struct
import tempfile
import time
import unicodedata
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from crumple import archive, description_xml
from crumple.archive import library_path, open_fmu, summary
from crumple.cli.info import as_json
from crumple.description import Description, element_count
from crumple.errors import FmuError
from crumple.gate import GateLimits
from crumple.start import decode_start
from crumple.unpack import remove

# small, so that an input of some kilobytes can reach each
LIMITS = GateLimits(
    archive=2**20,
    members=64,
    unpacked=2**20,
    xml=2**18,
    elements=20_000,
    depth=60,
    attribute=50_000,
    variables=500,
)
SECONDS = 10.0
"""More than any input within these limits may take, on a machine that is busy."""
RECIPE = b"Z"
"""First byte of an input that says how to build an archive; what begins with P is one, all else is XML."""

NAMES = (
    "modelDescription.xml",
    "modelDescription.xml",
    "binaries/linux64/m.so",
    "binaries/x86_64-linux/m.so",
    "resources/",
    "resources/a",
    "resources/A",
    "resources/a/b",
    "../evil",
    "/evil",
    "C:\\evil",
    "a\\..\\..\\evil",
    "./x",
    "x//y",
    "",
    "Größe",
    "Gro\u0308ße",
    "a\0b",
    "a\u202eb",
    "n" * 300,
)


class Bytes:
    """Numbers and pieces from the bytes of an input; zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end."""
        self._place += count
        return self._data[self._place - count : self._place]

    def number(self, below: int) -> int:
        """A number from 0 to `below` - 1."""
        size = (max(below - 1, 1).bit_length() + 7) // 8
        return int.from_bytes(self.take(size), "little") % below

    def __bool__(self) -> bool:
        return self._place < len(self._data)


@contextmanager
def sandbox() -> Iterator[Path]:
    """A folder in which the cache stands deep enough that climbing out of it is seen."""
    base = Path(tempfile.mkdtemp(prefix="crumple-fuzz-"))
    inner = base / "one" / "two"
    inner.mkdir(parents=True)
    try:
        yield inner
    finally:
        remove(base)


def check(data: bytes, folder: Path) -> str:
    """Open `data` as what its first byte says it is; `folder` is that of a `sandbox`.

    Returns "opened", or what was refused. Raises AssertionError, or whatever leaves Crumple but must not.
    """
    began = time.process_time()
    if data[:1] == RECIPE:
        said = check_archive(built(data[1:]), folder)
    elif data[:1] == b"P":
        said = check_archive(data, folder)
    else:
        said = check_description(data)
    took = time.process_time() - began
    assert took < SECONDS, f"took {took:.1f} s of CPU"
    return said


def check_description(xml: bytes) -> str:
    """What holds of any modelDescription.xml."""
    try:
        described, measured = description_xml.examine(xml, limits=LIMITS)
    except FmuError as error:
        return said(error)
    for name, value in measured.items():
        assert value <= getattr(LIMITS, name)
    assert len(described.variables) <= LIMITS.variables
    use(described)
    return "opened"


def check_archive(content: bytes, folder: Path) -> str:
    """What holds of any file that is opened as an FMU."""
    base = folder.parents[1]
    file, cache = folder / "odd.fmu", folder / "cache"
    file.write_bytes(content)
    around = seen(base, but=cache)
    archive._seen.clear()
    try:
        opened = open_fmu(file, limits=LIMITS)
        archive._seen.clear()
        assert open_fmu(file, limits=LIMITS) == opened
        use(opened.description)
        summary(opened)
        as_json(opened)
        try:
            library = library_path(opened)
        except FmuError as error:
            said(error)
        else:
            assert library.resolve().is_relative_to(opened.directory.resolve())
        result = "opened"
        inside = list(opened.directory.rglob("*"))
        assert len(inside) <= LIMITS.members
        assert sum(p.stat().st_size for p in inside if p.is_file()) <= LIMITS.unpacked
        for path in (opened.directory, *inside):
            assert not path.is_symlink()
            assert path.is_dir() or path.is_file()
            assert path.stat().st_mode & 0o222 == 0, f"{path} can be written"
    except FmuError as error:
        result = said(error)
    finally:
        now = seen(base, but=cache)
        kept = sorted(p.name for p in (cache / "fmu").iterdir()) if (cache / "fmu").is_dir() else []
        remove(cache)
        archive._seen.clear()
    assert now == around, f"written outside the cache: {now - around}"
    assert not [name for name in kept if name.startswith(".")], f"drafts are left: {kept}"
    assert result == "opened" or not kept, f"of what was refused, there is {kept}"
    return result


def use(described: Description) -> None:
    """Whatever reads a description, before the FMU itself is loaded."""
    encoded = msgspec.msgpack.encode(described)
    again = msgspec.msgpack.decode(encoded, type=Description)
    assert msgspec.msgpack.encode(again) == encoded
    for variable in described.variables:
        with suppress(FmuError):
            if element_count(variable, described.structural) < 10_000:
                decode_start(variable)


def said(error: FmuError) -> str:
    """The message of an error, which must be one that a person can read."""
    text = str(error)
    assert 8 < len(text) < 4000, text[:200]
    unseen = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")} - {"\u200c", "\u200d"}
    assert not unseen, ascii(text[:200])
    return text


def seen(base: Path, *, but: Path) -> set[tuple[str, int, int]]:
    """All files below `base` with size and time of change, but those of the cache."""
    found = set()
    for path in base.rglob("*"):
        if path != but and but not in path.parents:
            stat = path.lstat()
            found.add((str(path), stat.st_size if path.is_file() else 0, stat.st_mode))
    return found


def built(recipe: bytes) -> bytes:
    """An archive by a recipe: members of odd names and attributes, then bytes of its headers overwritten."""
    source = Bytes(recipe)
    held = io.BytesIO()
    flaws = source.number(4)
    with warnings.catch_warnings(), zipfile.ZipFile(held, "w") as file:
        warnings.simplefilter("ignore")  # of names that are there twice
        for _ in range(source.number(8) + 1):
            name = NAMES[source.number(len(NAMES))]
            entry = zipfile.ZipInfo("x" + name)
            entry.filename = name
            entry.create_system = (3, 3, 0, 19)[source.number(4)]
            entry.external_attr = (0, 0o100644, 0o120777, 0o020666, 0o100755)[source.number(5)] << 16
            entry.compress_type = (0, 8, 8, 12)[source.number(4)]
            entry.extra = struct.pack("<2H", 13, 16) + b"resources/target" if source.number(16) == 15 else b""
            content = (
                bytes(source.number(64) * 4096) if source.number(8) == 7 else source.take(source.number(99))
            )
            if name == "modelDescription.xml":
                content = VALID if source.number(4) else VALID + content
            try:
                file.writestr(entry, content)
            except (ValueError, struct.error):
                continue
    whole = bytearray(held.getvalue())
    starts = [i for i in range(len(whole) - 3) if whole[i : i + 2] == b"PK" and max(whole[i + 2 : i + 4]) < 9]
    for _ in range(flaws if starts else 0):
        start = starts[source.number(len(starts))]
        place, length = start + source.number(46), source.number(4) + 1
        patch = source.take(length)
        whole[place : place + len(patch)] = patch
    if source.number(16) == 15:
        whole = whole[: source.number(len(whole) + 1)]
    if source.number(16) == 15:
        whole += source.take(source.number(64))
    return bytes(whole)


VALID = b"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="M" guid="g"><CoSimulation modelIdentifier="m"/>
<ModelVariables><ScalarVariable name="y" valueReference="0" causality="output"><Real/></ScalarVariable>
</ModelVariables><ModelStructure><Outputs><Unknown index="1"/></Outputs></ModelStructure></fmiModelDescription>"""


def corpus(folder: Path) -> list[Path]:
    """The inputs that stand in the repository."""
    return sorted(p for p in folder.iterdir() if p.is_file())
