"""What an archive may hold, and how its members are written."""

from __future__ import annotations

import io
import os
import stat
import sys
import warnings
import zipfile
from pathlib import Path

import pytest

from crumple import unpack as mut
from crumple.errors import FmuError
from paper_fmu import fmu_bytes


def members(content: bytes, notes: list[str] | None = None) -> list[mut.Member]:
    """The members of an archive, judged."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return mut.members(archive, archive_bytes=len(content), notes=[] if notes is None else notes)


def unpacked(folder: Path, content: bytes) -> Path:
    """The folder into which an archive was unpacked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        mut.unpack(archive, mut.members(archive, archive_bytes=len(content), notes=[]), folder)
    return folder


def with_entry(name: str, mode: int, text: str) -> bytes:
    """An FMU with one more member, of that Unix file mode."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = mode << 16
    held = io.BytesIO(fmu_bytes())
    with zipfile.ZipFile(held, "a") as file:
        file.writestr(entry, text)
    return held.getvalue()


# ---- what is refused


@pytest.mark.parametrize(
    "name",
    ["../evil", "resources/../../evil", "/evil", "..\\evil", "C:\\evil", "C:evil", "\\\\host\\share\\evil"],
)
def test_a_member_that_leads_outside_is_refused(name: str) -> None:
    with pytest.raises(FmuError, match="leads outside"):
        members(fmu_bytes({name: "x"}))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_special_files_are_refused(kind: int) -> None:
    with pytest.raises(FmuError, match=r"resources/odd.*(symbolic link|special file)"):
        members(with_entry("resources/odd", kind | 0o777, "/etc/passwd"))


@pytest.mark.parametrize("again", ["resources/a", "./resources/a", "resources//a", "resources\\a"])
def test_a_second_member_of_the_same_name_is_refused(again: str) -> None:
    held = io.BytesIO(fmu_bytes({"resources/a": "first"}))
    with warnings.catch_warnings(), zipfile.ZipFile(held, "a") as file:
        warnings.simplefilter("ignore")  # zipfile's own word on it
        file.writestr(again, "second")
    with pytest.raises(FmuError, match=r"resources/a.*twice"):
        members(held.getvalue())


def test_a_folder_may_be_named_twice() -> None:
    held = io.BytesIO(fmu_bytes({"resources/": "", "resources/a": "x"}))
    with warnings.catch_warnings(), zipfile.ZipFile(held, "a") as file:
        warnings.simplefilter("ignore")
        file.writestr("resources/", "")
    assert "resources/a" in [member.name for member in members(held.getvalue())]


def test_a_file_that_is_also_a_folder_is_refused() -> None:
    with pytest.raises(FmuError, match='"resources" is a file and a folder'):
        members(fmu_bytes({"resources": "x", "resources/a": "y"}))


def test_control_characters_and_hidden_endings_are_refused() -> None:
    hidden = fmu_bytes({"resources/aXb": "x"}).replace(b"resources/aXb", b"resources/a\0b")
    for content in (fmu_bytes({"resources/a\nb": "x"}), hidden):
        with pytest.raises(FmuError, match="control character"):
            members(content)


def test_a_decompression_bomb_is_refused_and_modest_zeros_are_not() -> None:
    with pytest.raises(FmuError, match="decompression bomb"):
        members(fmu_bytes({"resources/zeros": bytes(65 * 2**20)}))
    assert max(member.size for member in members(fmu_bytes({"resources/zeros": bytes(2**20)}))) == 2**20


def test_a_bomb_that_overstates_its_packed_size_is_refused() -> None:
    content = bytearray(fmu_bytes({"resources/zeros": bytes(65 * 2**20)}))
    entry = content.rfind(b"PK\x01\x02")
    content[entry + 20 : entry + 24] = (2**31).to_bytes(4, "little")  # "compressed size"
    with pytest.raises(FmuError, match="decompression bomb"):
        members(bytes(content))


def test_a_member_yields_no_more_than_it_declared(tmp_path: Path) -> None:
    content = bytearray(fmu_bytes({"resources/zeros": bytes(2**20)}))
    entry = content.rfind(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")  # "uncompressed size"
    with pytest.raises(FmuError, match="damaged"):
        unpacked(tmp_path / "fmu", bytes(content))
    assert list(tmp_path.iterdir()) == []


def test_too_much_too_many_and_too_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FmuError, match="a name of 2001 characters"):
        members(fmu_bytes({"a/" * 1000 + "b": "x"}))
    content = fmu_bytes({"resources/a": "x" * 100})
    monkeypatch.setattr(mut, "MAX_BYTES", 99)
    with pytest.raises(FmuError, match="more than 99; it is refused"):
        members(content)
    monkeypatch.setattr(mut, "MAX_MEMBERS", 2)
    with pytest.raises(FmuError, match="holds 3 members, more than 2"):
        members(content)


def test_an_encrypted_member_is_refused() -> None:
    content = bytearray(fmu_bytes({"resources/a": "x"}))
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FmuError, match="encrypted"):
        members(bytes(content))


# ---- names and folders


def test_names_beyond_ascii_are_kept(tmp_path: Path) -> None:
    folder = unpacked(
        tmp_path / "fmu", fmu_bytes({"resources/Kennlinie µ.txt": "ja", "resources/表.txt": "はい"})
    )
    assert (folder / "resources/Kennlinie µ.txt").read_text(encoding="utf-8") == "ja"
    assert (folder / "resources/表.txt").read_text(encoding="utf-8") == "はい"


def test_utf8_names_without_the_flag_are_read_as_utf8(tmp_path: Path) -> None:
    content = bytearray(fmu_bytes({"resources/Größe": "x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = 0
        while (place := content.find(signature, place)) >= 0:
            content[place + offset + 1] &= ~0x08  # bit 11: the name is UTF-8
            place += 4
    folder = unpacked(tmp_path / "fmu", bytes(content))
    assert (folder / "resources/Größe").read_text() == "x"


def test_backslashes_are_read_as_folders_with_a_note(tmp_path: Path) -> None:
    content = fmu_bytes({"resources\\deep\\a.txt": "x"})
    notes: list[str] = []
    assert members(content, notes)[-1].name == "resources/deep/a.txt"
    assert len(notes) == 1 and "backslashes" in notes[0]
    assert (unpacked(tmp_path / "fmu", content) / "resources/deep/a.txt").read_text() == "x"


def test_an_empty_resources_folder_is_made(tmp_path: Path) -> None:
    assert (unpacked(tmp_path / "fmu", fmu_bytes({"resources/": ""})) / "resources").is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no executable bit")
def test_a_program_in_the_fmu_stays_executable(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "fmu", with_entry("resources/solver", stat.S_IFREG | 0o755, "#!/bin/sh\n"))
    assert os.access(folder / "resources/solver", os.X_OK)
    assert not (folder / "modelDescription.xml").stat().st_mode & 0o111
