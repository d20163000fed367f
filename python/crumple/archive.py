"""Open an FMU: hash the file, unpack it once, and know its description without parsing it twice.

Under `cache_root()/fmu` an archive with SHA-256 `abc...` has its unpacked folder, named by the first 24
digits of the hash (short and ASCII, whatever the file was called), and beside it its description. Within a
process an FMU that did not change on disk is not even hashed twice. A path may also lead to a folder that
holds an unpacked FMU: that folder is used as it is, and only its description is kept.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from crumple.description import Description
from crumple.description_cache import Record, load, save
from crumple.errors import FmuError

XML = "modelDescription.xml"
# a fresh process looks at so many unpacked files at most (some 2 us each), the libraries first
MOST_CHECKED = 256
SUFFIXES = {"linux": ".so", "darwin": ".dylib", "windows": ".dll"}

Key = tuple[str, str, int, int, int, int]
_seen: dict[Key, tuple[Archive, tuple[str, int] | None]] = {}


class Archive(msgspec.Struct, frozen=True):
    """An FMU that is unpacked and understood."""

    path: Path  # as it was given, absolute
    sha256: str  # of the file; of names and contents where it is a folder
    directory: Path  # the unpacked FMU: binaries/, resources/, modelDescription.xml
    description: Description


def cache_root() -> Path:
    """Where Crumple keeps what it can make again: $CRUMPLE_CACHE, else ~/.cache/crumple."""
    stated = os.environ.get("CRUMPLE_CACHE")
    if stated:
        return Path(os.path.abspath(os.path.expanduser(stated)))
    try:
        return Path.home() / ".cache" / "crumple"
    except RuntimeError:  # no home, as in some containers
        import tempfile

        return Path(tempfile.gettempdir()) / f"crumple-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"


def open_fmu(path: str | os.PathLike[str], *, strict: bool = False) -> Archive:
    """The FMU at `path`: an .fmu file, or a folder that holds an unpacked one.

    strict : what is not quite valid is an error, not an entry in `description.warnings`.
    Raises FmuError where it cannot be read or must not be unpacked. What it offers is not judged here: see
    `require_cosimulation` and `library_path`.
    """
    place = Path(os.path.abspath(path))
    try:
        found = os.stat(place)
    except OSError as error:
        raise FmuError(_not_found(path, place, error)) from None
    if stat.S_ISDIR(found.st_mode):
        try:
            archive = _open_folder(place)
        except OSError as error:
            raise FmuError(f"{place}: cannot be read: {error}.") from error
    elif not stat.S_ISREG(found.st_mode):
        raise FmuError(f"{place}: this is neither a file nor a folder.")
    else:
        root = cache_root()
        key = (str(place), str(root), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        known = _seen.get(key)
        if known is not None and _still_there(known[1]):
            archive = known[0]
        else:
            try:
                archive = _open_file(place, root)
            except OSError as error:
                raise FmuError(
                    f"{place}: cannot be unpacked under {root / 'fmu'}: {error.strerror or error}. "
                    "Set CRUMPLE_CACHE to a folder that can be written."
                ) from error
            library, _ = _library(archive.directory, archive.description)
            used = library or archive.directory / XML
            _seen[key] = (archive, (str(used), used.stat().st_size))
    if strict and archive.description.warnings:
        raise FmuError(_strictly(place, archive.description.warnings))
    return archive


def require_cosimulation(archive: Archive) -> str:
    """The model identifier of the FMU's co-simulation interface.

    Raises FmuError where the FMU has none that Crumple runs, saying what it offers.
    """
    described = archive.description
    if described.identifier is not None:
        return described.identifier
    names = {
        "CoSimulation": "Co-Simulation",
        "ModelExchange": "Model Exchange",
        "ScheduledExecution": "Scheduled Execution",
    }
    offers = " and ".join(names[kind] for kind in described.kinds) or "no interface"
    raise FmuError(
        f"{archive.path}: this FMU offers {offers} of FMI {described.fmi} only. Crumple runs Co-Simulation "
        "of FMI 2.0 and 3.0: export the model again as such."
    )


def library_path(archive: Archive) -> Path:
    """The FMU's shared library for this machine.

    A library of another name is taken where it is the only one; `description.warnings` says so.
    Raises FmuError naming the platforms that are there.
    """
    require_cosimulation(archive)
    library, fault = _library(archive.directory, archive.description)
    if library is None:
        raise FmuError(f"{archive.path}: {fault}")
    return library


def platform_folders(fmi: str) -> list[str]:
    """Names of the folders in binaries/ that may hold this machine's library, the standard's own first."""
    system = {"linux": "linux", "darwin": "darwin", "win32": "windows"}.get(sys.platform, sys.platform)
    machine = _machine().lower()
    bits = 64 if sys.maxsize > 2**32 else 32
    if machine in ("amd64", "x86_64", "i386", "i586", "i686", "x86"):
        architecture = "x86_64" if bits == 64 else "x86"
    else:
        architecture = {"arm64": "aarch64"}.get(machine, machine)
    triple = f"{architecture}-{system}"
    short = f"{'win' if system == 'windows' else system}{bits}"
    if fmi.startswith("3"):
        return [triple, short] if architecture.startswith("x86") else [triple]
    # FMI 2 has one name per word size; for other processors exporters use either
    return [short, triple] if architecture.startswith("x86") else [triple, short]


def summary(archive: Archive) -> dict[str, Any]:
    """What is worth knowing of an FMU in plain values, ready for JSON."""
    described = archive.description
    by_causality: dict[str, int] = {}
    for variable in described.variables:
        by_causality[variable.causality] = by_causality.get(variable.causality, 0) + 1
    library, fault = _library(archive.directory, described)
    return {
        "path": str(archive.path),
        "sha256": archive.sha256,
        "directory": str(archive.directory),
        "fmi": described.fmi,
        "kinds": described.kinds,
        "model": described.model_name,
        "identifier": described.identifier,
        "token": described.token,
        "tool": described.tool,
        "version": described.version,
        "date": described.date,
        "description": described.description,
        "default": {
            "start": described.default_start,
            "stop": described.default_stop,
            "tolerance": described.default_tolerance,
            "step": described.default_step,
        },
        "can_vary_step": described.can_vary_step,
        "internal_step": described.internal_step,
        "once_per_process": described.once_per_process,
        "can_save": described.can_save,
        "can_serialize": described.can_serialize,
        "needs_tool": described.needs_tool,
        "variables": dict(sorted(by_causality.items())),
        "platforms": _platforms(archive.directory),
        "library": str(library) if library is not None else None,
        "library_fault": fault if library is None else None,
        "warnings": described.warnings,
    }


def _open_file(path: Path, root: Path) -> Archive:
    with path.open("rb") as file:  # hashed and unpacked through one handle: of one and the same file
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        directory = root / "fmu" / sha256[:24]
        kept = directory.with_name(f"{directory.name}.description")
        record = load(kept, sha256)
        if record is None or _missing(directory, _worth_checking(record.members)):
            try:
                record = _unpack(file, path, directory, record)
            except FmuError as error:
                raise FmuError(f"{path}: {error}") from error
            save(kept, sha256, record)
    return Archive(path, sha256, directory, _with_library_note(directory, record.description))


def _unpack(file: Any, path: Path, directory: Path, record: Record | None) -> Record:
    """Make `directory` whole and return its record; `record` is given where only the files are at fault."""
    import zipfile  # on first sight only, like unpack, and like FMPy and lxml below

    from crumple import unpack
    from crumple.description_xml import read_description

    notes: list[str] = []
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError) as error:
        raise FmuError(_no_archive(path, str(error))) from error
    with archive:
        members = unpack.members(archive, archive_bytes=os.fstat(file.fileno()).st_size, notes=notes)
        names = {member.name for member in members}
        if XML not in names:
            raise FmuError(_no_description(names))
        sizes = [(member.name, member.size) for member in members]
        if directory.is_dir():
            lost = _missing(directory, sizes)
            unpack.restore(archive, [m for m in members if m.name in lost], directory)
        else:
            unpack.unpack(archive, members, directory)
    if _missing(directory, sizes):
        raise FmuError(f"its unpacked folder {directory} is damaged and cannot be mended: remove it.")
    if record is not None:
        return record
    described = read_description((directory / XML).read_bytes())
    if notes:
        described = msgspec.structs.replace(described, warnings=described.warnings + notes)
    return Record(description=described, members=sizes)


def _open_folder(folder: Path) -> Archive:
    if not (folder / XML).is_file():
        raise FmuError(f"{folder}: this folder holds no {XML}: it is no unpacked FMU.")
    key_parts = []
    files = sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file())
    for name, file in files:
        found = file.stat()
        key_parts.append(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}")
    glance = hashlib.blake2b("\n".join(key_parts).encode(), digest_size=8).digest()
    root = cache_root()
    key = (str(folder), str(root), len(files), int.from_bytes(glance, "little"), 0, 0)
    known = _seen.get(key)
    if known is not None:
        return known[0]
    digest = hashlib.sha256()
    for name, file in files:
        with file.open("rb") as content:
            digest.update(f"{name}\0".encode() + hashlib.file_digest(content, "sha256").digest())
    sha256 = digest.hexdigest()
    kept = root / "fmu" / f"{sha256[:24]}.description"
    record = load(kept, sha256)
    if record is None:
        from crumple.description_xml import read_description  # on first sight only

        try:
            record = Record(description=read_description((folder / XML).read_bytes()), members=[])
        except FmuError as error:
            raise FmuError(f"{folder}: {error}") from error
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            pass  # the folder itself is used: without a cache only the next start is slower
        else:
            save(kept, sha256, record)
    archive = Archive(folder, sha256, folder, _with_library_note(folder, record.description))
    _seen[key] = (archive, None)
    return archive


def _worth_checking(members: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Members that a run uses: this machine's libraries, the XML, resources; sources and pages are not."""
    ours = tuple(f"binaries/{name}/" for name in {*platform_folders("2.0"), *platform_folders("3.0")})
    libraries = [m for m in members if m[0].startswith(ours)]
    used = [m for m in members if m[0] == XML or m[0].startswith("resources/")]
    return (libraries + used)[:MOST_CHECKED]


def _missing(folder: Path, sizes: Iterable[tuple[str, int]]) -> set[str]:
    """Names among (name, bytes) whose file in `folder` is not there or not of that size."""
    lost = set()
    base = os.fspath(folder)
    for name, size in sizes:
        try:
            found = os.stat(f"{base}/{name}")
        except OSError:
            lost.add(name)
            continue
        if found.st_size != size or not stat.S_ISREG(found.st_mode):
            lost.add(name)
    return lost


def _machine() -> str:
    if hasattr(os, "uname"):
        return os.uname().machine  # what platform.machine() says, without its 3 ms
    import platform

    return platform.machine()


def _still_there(watched: tuple[str, int] | None) -> bool:
    if watched is None:
        return True
    try:
        return os.stat(watched[0]).st_size == watched[1]
    except OSError:
        return False


def _with_library_note(directory: Path, described: Description) -> Description:
    library, note = _library(directory, described)
    if library is None or note is None:
        return described
    return msgspec.structs.replace(described, warnings=[*described.warnings, note])


def _library(directory: Path, described: Description) -> tuple[Path | None, str | None]:
    """(library, what is unusual about it) or (None, why there is none)."""
    if described.identifier is None:
        return None, "it has no co-simulation interface that Crumple runs."
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, "windows")
    suffix = SUFFIXES[system]
    standard, *others = platform_folders(described.fmi)
    for name in (standard, *others):
        folder = directory / "binaries" / name
        wanted = folder / f"{described.identifier}{suffix}"
        aside = None
        if name != standard:
            aside = f"its library is in binaries/{name}, where FMI {described.fmi} wants binaries/{standard}."
        if described.identifier and wanted.is_file():
            return wanted, aside
        there = sorted(p for p in folder.glob(f"*{suffix}") if p.is_file()) if folder.is_dir() else []
        alike = [p for p in there if p.stem.casefold().removeprefix("lib") == described.identifier.casefold()]
        if len(alike) == 1 or len(there) == 1:
            taken = alike[0] if len(alike) == 1 else there[0]
            return taken, (
                f'binaries/{name} has no "{described.identifier}{suffix}" (the modelIdentifier); '
                f'"{taken.name}" is used.'
            )
        if there:
            return None, (
                f'binaries/{name} has no "{described.identifier}{suffix}" (the modelIdentifier) but '
                f"{len(there)} others: {', '.join(p.name for p in there[:6])}. Which is meant is not said."
            )
    platforms = _platforms(directory)
    sources = directory / "sources"
    has_sources = sources.is_dir() and any(p.suffix in (".c", ".cpp", ".cc") for p in sources.rglob("*"))
    fact = f"it has no library for this machine (binaries/{standard})"
    fact += f"; it has those for {', '.join(platforms)}." if platforms else " nor for any other."
    if has_sources:
        fact += f" Its sources are there: build them into binaries/{standard}/{described.identifier}{suffix}."
    else:
        fact += " It holds no sources: export the model again for this platform."
    return None, fact


def _platforms(directory: Path) -> list[str]:
    """Folders of binaries/ that hold a shared library."""
    binaries = directory / "binaries"
    if not binaries.is_dir():
        return []
    suffixes = tuple(SUFFIXES.values())
    return sorted(
        folder.name
        for folder in binaries.iterdir()
        if folder.is_dir() and any(p.suffix in suffixes for p in folder.iterdir())
    )


def _not_found(path: str | os.PathLike[str], place: Path, error: OSError) -> str:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{place}: cannot be read: {error.strerror}."
    import difflib

    hint = ""
    try:
        names = [p.name for p in place.parent.iterdir() if p.suffix == ".fmu" or p.is_dir()]
        near = difflib.get_close_matches(place.name, names, n=1) or [
            n for n in names if n == f"{place.name}.fmu"
        ]
    except OSError:
        near = []
    if near:
        hint = f' Did you mean "{Path(os.fspath(path)).with_name(near[0])}"?'
    return f"{os.fspath(path)}: there is no such FMU.{hint}"


def _no_archive(path: Path, reason: str) -> str:
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the FMU itself: run `git lfs pull`."
    if not head:
        return "it is an empty file."
    if head.startswith(b"PK"):
        return f"the archive is damaged or cut short ({reason}). Copy the FMU again."
    return "it is no FMU: an FMU is a ZIP archive."


def _no_description(names: set[str]) -> str:
    for name in sorted(names):
        if name.rpartition("/")[2].casefold() == XML.casefold():
            return (
                f"the archive has {name}, not {XML} at its top: pack the folder's contents, not the folder."
            )
    return f"the archive has no {XML}: it is no FMU."


def _strictly(path: Path, warnings: list[str]) -> str:
    shown = "\n  ".join(warnings[:20])
    more = f"\n  and {len(warnings) - 20} more" if len(warnings) > 20 else ""
    return f"{path}: not quite valid, and strict was asked for:\n  {shown}{more}"
