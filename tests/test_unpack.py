"""How an archive's members are written, and what of their names is mended."""

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
from crumple.gate import GateLimits
from crumple.gate_archive import Member, inspect
from paper_fmu import fmu_bytes


def members(content: bytes, notes: list[str] | None = None) -> list[Member]:
    """The members of an archive, judged."""
    return inspect(io.BytesIO(content), limits=GateLimits(), notes=[] if notes is None else notes).members


def unpacked(folder: Path, content: bytes) -> Path:
    """The folder into which an archive was unpacked."""
    file = io.BytesIO(content)
    mut.unpack(file, inspect(file, limits=GateLimits(), notes=[]), folder)
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


def test_a_folder_may_be_named_twice(tmp_path: Path) -> None:
    held = io.BytesIO(fmu_bytes({"resources/": "", "resources/a": "x"}))
    with warnings.catch_warnings(), zipfile.ZipFile(held, "a") as file:
        warnings.simplefilter("ignore")
        file.writestr("resources/", "")
    assert (unpacked(tmp_path / "fmu", held.getvalue()) / "resources/a").read_text() == "x"


def test_large_members_are_written_whole(tmp_path: Path) -> None:
    content = os.urandom(3 * 2**20 + 1)
    folder = unpacked(
        tmp_path / "fmu", fmu_bytes({"resources/random": content, "resources/zeros": bytes(2**21)})
    )
    assert (folder / "resources/random").read_bytes() == content
    assert (folder / "resources/zeros").read_bytes() == bytes(2**21)


def test_an_archive_of_64_bit_sizes_behind_another_file_is_read(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file, file.open("resources/a", "w", force_zip64=True) as sink:
        sink.write(b"x" * 100)
    folder = unpacked(tmp_path / "fmu", b"#!/bin/sh\nexit 0\n" + held.getvalue())
    assert (folder / "resources/a").read_bytes() == b"x" * 100


def test_an_archive_written_to_a_pipe_is_read(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    held = Pipe()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("resources/a", "x" * 1000)  # its sizes follow the contents
    assert (unpacked(tmp_path / "fmu", held.getvalue()) / "resources/a").read_text() == "x" * 1000


def test_what_is_removed_may_be_read_only(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "fmu", fmu_bytes({"resources/deep/a": "x"}))
    (tmp_path / "kept").write_text("x")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "kept")
    mut.remove(folder)
    mut.remove(link)
    mut.remove(tmp_path / "never was")
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
