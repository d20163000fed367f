"""What is kept of FMUs: damage to it, crashes and company, and processes that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from crumple import archive as mut
from crumple import description_cache, unpack
from crumple.archive import library_path, open_fmu
from crumple.errors import FmuError
from crumple.gate_archive import Member
from paper_fmu import CONTENT, LIBRARY, XML, fmu_bytes, forget, write_fmu

pytestmark = pytest.mark.usefixtures("fmu_cache")


def writable(file: Path) -> None:
    """Let a file of the cache be damaged, as by its owner."""
    for path in (file.parent, file):
        path.chmod(path.stat().st_mode | 0o200)


# ---- damage to the cache


def description_file(fmu_cache: Path) -> Path:
    (file,) = (fmu_cache / "fmu").glob("*.description")
    return file


def damaged(content: bytes) -> Iterator[bytes]:
    yield b""
    yield content[:-1]
    yield content[: len(content) // 2]
    yield content + b"\0"
    for place in range(0, len(content), 7):
        yield content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]


def test_any_damage_to_a_kept_description_is_noticed(lag: Path, fmu_cache: Path) -> None:
    archive = open_fmu(lag)
    file = description_file(fmu_cache)
    whole = file.read_bytes()
    assert description_cache.load(file, archive.sha256) is not None
    for content in damaged(whole):
        file.write_bytes(content)
        assert description_cache.load(file, archive.sha256) is None
    file.write_bytes(whole)
    assert description_cache.load(file, "0" * 64) is None, "it belongs to another FMU"


def test_a_damaged_description_is_made_again(lag: Path, fmu_cache: Path, parsed: list[int]) -> None:
    first = open_fmu(lag)
    file = description_file(fmu_cache)
    whole = file.read_bytes()
    file.write_bytes(whole[:-3])
    forget()
    assert open_fmu(lag) == first
    assert len(parsed) == 2
    assert file.read_bytes() == whole


def test_a_description_of_another_edition_is_made_again(
    lag: Path, parsed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_fmu(lag)
    monkeypatch.setattr(description_cache, "LAYOUT", b"another edition!")
    forget()
    assert open_fmu(lag) == first
    assert len(parsed) == 2


@pytest.mark.parametrize("name", [LIBRARY, "modelDescription.xml", "resources/table.txt"])
@pytest.mark.parametrize("damage", ["gone", "cut", "longer", "flipped", "flipped, time put back", "folder"])
@pytest.mark.parametrize("described", [True, False])
def test_a_damaged_file_is_unpacked_again(  # noqa: PLR0917
    lag: Path, fmu_cache: Path, name: str, damage: str, described: bool, parsed: list[int]
) -> None:
    file = open_fmu(lag).directory / name
    whole, times = file.read_bytes(), file.stat()
    writable(file)
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(whole[:-1])
    elif damage == "longer":
        file.write_bytes(whole + b"x")
    elif damage == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        if "time" in damage:
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    if not described:
        description_file(fmu_cache).unlink()
    forget()
    open_fmu(lag)
    assert file.read_bytes() == whole
    assert file.stat().st_mode & 0o222 == 0
    assert file.parent.stat().st_mode & 0o222 == 0
    assert len(parsed) == (1 if described else 2), "only the file was at fault, not the description"
    assert {p.suffix for p in (fmu_cache / "fmu").iterdir()} == {"", ".description"}, "no drafts are left"


def test_a_file_that_was_touched_and_is_whole_is_hashed_once(
    lag: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = open_fmu(lag).directory / "resources/table.txt"
    hashed: list[str] = []
    real = mut.hash_of
    monkeypatch.setattr(mut, "hash_of", lambda path: hashed.append(Path(path).name) or real(path))
    forget()
    open_fmu(lag)
    assert hashed == [Path(LIBRARY).name], "small, and what a process runs"
    os.utime(table)
    for _ in range(3):
        forget()
        open_fmu(lag)
    assert hashed.count("table.txt") == 1


def test_a_library_that_the_disk_forgot_without_a_word_is_unpacked_again(
    lag: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = library_path(open_fmu(lag))
    writable(library)
    library.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])
    monkeypatch.setattr(description_cache.Kept, "untouched", lambda self, found: True)
    forget()
    assert library_path(open_fmu(lag)).read_bytes() == CONTENT


def test_a_library_that_changes_under_a_running_process_is_noticed(lag: Path) -> None:
    library = library_path(open_fmu(lag))
    writable(library)
    library.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])
    assert library_path(open_fmu(lag)).read_bytes() == CONTENT


def test_what_is_unpacked_is_read_only(tmp_path: Path) -> None:
    archive = open_fmu(
        write_fmu(tmp_path, fmu_bytes({"resources/deep/table.txt": "1", "resources/empty/": ""}))
    )
    inside = [archive.directory, *archive.directory.rglob("*")]
    assert len(inside) == 9
    assert [path for path in inside if path.stat().st_mode & 0o222] == []


def test_a_library_that_vanishes_under_a_running_process_comes_back(lag: Path) -> None:
    archive = open_fmu(lag)
    writable(library_path(archive))
    library_path(archive).unlink()
    assert library_path(open_fmu(lag)).read_bytes() == CONTENT


def test_a_removed_cache_is_made_again(lag: Path, fmu_cache: Path) -> None:
    archive = open_fmu(lag)
    unpack.remove(fmu_cache)
    assert not fmu_cache.exists()
    assert open_fmu(lag) == archive
    assert library_path(archive).is_file()


def test_a_cache_that_cannot_be_written_is_named(
    lag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("CRUMPLE_CACHE", str(blocked))
    with pytest.raises(FmuError, match="Set CRUMPLE_CACHE to a folder that can be written"):
        open_fmu(lag)


# ---- crashes and company


def test_a_crash_while_unpacking_leaves_nothing_to_mistake(
    lag: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = unpack._write, []

    def stops_midway(file: IO[bytes], member: Member, sink: IO[bytes]) -> bytes:
        written.append(member.name)
        if len(written) == 2:
            raise KeyboardInterrupt
        return real(file, member, sink)

    monkeypatch.setattr(unpack, "_write", stops_midway)
    with pytest.raises(KeyboardInterrupt):
        open_fmu(lag)
    monkeypatch.undo()
    monkeypatch.setenv("CRUMPLE_CACHE", str(lag.parent / "cache"))
    assert list((lag.parent / "cache" / "fmu").iterdir()) == []
    assert library_path(open_fmu(lag)).read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="drafts are swept by age there")
def test_what_a_killed_process_left_is_swept_at_once_and_what_one_is_at_work_on_is_not(
    lag: Path, fmu_cache: Path
) -> None:
    dead, alive, other = (
        fmu_cache / "fmu" / ".new-1",
        fmu_cache / "fmu" / ".new-2",
        fmu_cache / "fmu" / ".abc.1",
    )
    for folder in (dead, alive, other):
        folder.mkdir(parents=True)
        (folder / "half").write_bytes(b"x")
        (folder / "half").chmod(0o400)
        folder.chmod(0o500)
    with unpack.locked(alive):
        open_fmu(lag)
    assert not dead.exists()
    assert alive.exists()
    assert other.exists(), "of an earlier version, which knows no locks"
    os.utime(other, (time.time() - 90_000,) * 2)
    unpack.sweep(fmu_cache / "fmu")
    assert sorted(p.suffix for p in (fmu_cache / "fmu").iterdir()) == ["", ".description"]


def test_two_processes_at_once_both_get_the_fmu(lag: Path, fmu_cache: Path) -> None:
    code = (
        "import sys; from crumple.archive import open_fmu, library_path; "
        f"print(library_path(open_fmu({str(lag)!r})).read_bytes() == {CONTENT!r})"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(mut.__file__).parents[1])}
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=120)[0].strip() for process in running] == ["True", "True"]
    assert sorted(p.suffix for p in (fmu_cache / "fmu").iterdir()) == ["", ".description"], (
        "no drafts are left"
    )


def test_the_slower_of_two_takes_what_the_faster_unpacked(
    lag: Path, fmu_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = unpack._write

    def overtaken(file: IO[bytes], member: Member, sink: IO[bytes]) -> bytes:
        monkeypatch.setattr(unpack, "_write", real)
        open_fmu(lag)
        (final,) = (p for p in (fmu_cache / "fmu").iterdir() if not p.name.startswith(".") and p.is_dir())
        assert (final / LIBRARY).read_bytes() == CONTENT
        return real(file, member, sink)

    monkeypatch.setattr(unpack, "_write", overtaken)
    assert library_path(open_fmu(lag)).read_bytes() == CONTENT
    assert sorted(p.suffix for p in (fmu_cache / "fmu").iterdir()) == ["", ".description"]


# ---- processes that are killed

KILLED = """
import os, random, signal, sys, time
from crumple import archive, description_xml, gate_archive, unpack
from crumple.description_cache import hash_of
from crumple.archive import library_path, open_fmu

fmu, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dice = random.Random(seed)
description_xml.read_description(open(fmu + ".xml", "rb").read())  # the imports
began = time.perf_counter()
pid = os.fork()
if pid == 0:
    open_fmu(fmu)
    os._exit(0)
os.waitpid(pid, 0)
whole = time.perf_counter() - began
died = finished = 0
for _ in range(rounds):
    unpack.remove(archive.cache_root())
    children = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            time.sleep(dice.random() * whole * 0.2)
            try:
                open_fmu(fmu)
            finally:
                os._exit(0)
        children.append(pid)
        dice.random()
    for pid in children:
        time.sleep(dice.random() * whole * 0.6)
        os.kill(pid, signal.SIGKILL)
        died += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    archive._seen.clear()
    opened = open_fmu(fmu)
    for name, sha256 in [line.split() for line in open(fmu + ".sums")]:
        assert hash_of(opened.directory / name).hex() == sha256, name
    unpack.sweep(archive.cache_root() / "fmu")
    left = sorted(p.suffix for p in (archive.cache_root() / "fmu").iterdir())
    assert left == ["", ".description"], left
print(died)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_killed_at_any_moment_leave_nothing_that_is_mistaken(tmp_path: Path) -> None:
    """Three at once open one FMU and are killed; then it is opened, and every byte of it is right."""
    import hashlib

    members = {f"resources/{i}": os.urandom(20_000) for i in range(60)}
    path = tmp_path / "lag.fmu"
    path.write_bytes(fmu_bytes(members))
    Path(f"{path}.xml").write_text(XML)
    everything = members | {LIBRARY: CONTENT, "modelDescription.xml": XML.encode()}
    sums = [f"{name} {hashlib.sha256(content).hexdigest()}\n" for name, content in everything.items()]
    Path(f"{path}.sums").write_text("".join(sums))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), "25", "1"],
        env=os.environ | {"PYTHONPATH": str(Path(mut.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 25 <= int(done.stdout) <= 75, "too few of the 75 were killed while at work"
