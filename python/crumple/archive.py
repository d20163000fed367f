"""Open an FMU: pass it through the gate, unpack it once, and know its description without parsing it twice.

Under `cache_root()/fmu` an archive with SHA-256 `abc...` has its unpacked folder, named by the first 32
digits of the hash (short and ASCII, whatever the file was called), and beside it its description. Within a
process an FMU that did not change on disk is not even hashed twice. A path may also lead to a folder that
holds an unpacked FMU: that folder is used as it is, and only its description is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from crumple.binaries import find_library, platform_folders, platforms
from crumple.description import Description
from crumple.description_cache import Kept, Record, hash_of, hash_of_open, load, save
from crumple.errors import FmuError
from crumple.gate import GateLimits, Measured, default_limits

if TYPE_CHECKING:
    from crumple.gate_archive import Contents

__all__ = [
    "Archive",
    "GateLimits",
    "cache_root",
    "library_path",
    "open_fmu",
    "platform_folders",
    "require_cosimulation",
    "summary",
]

XML = "modelDescription.xml"
# a fresh process looks at so many unpacked files at most (some 2 us each), the libraries first
MOST_CHECKED = 256
ALWAYS_HASHED = 2**18  # bytes of a library: some 0.2 ms, less than the FMU itself, which is hashed too
DIGITS = 32  # of the hash that name a folder: 128 bits

Key = tuple[str, str, int, int, int, int]


class Archive(msgspec.Struct, frozen=True):
    """An FMU that is unpacked and understood."""

    path: Path  # as it was given, absolute
    sha256: str  # of the file; of names and contents where it is a folder
    directory: Path  # the unpacked FMU: binaries/, resources/, modelDescription.xml
    description: Description


class _Seen(msgspec.Struct, frozen=True):
    """An FMU that this process knows."""

    archive: Archive
    measured: Measured
    watched: Kept | None  # its library, to be as it was; None for a folder


_seen: dict[Key, _Seen] = {}


def cache_root() -> Path:
    """Where Crumple keeps what it can make again: $CRUMPLE_CACHE, else ~/.cache/crumple."""
    stated = os.environ.get("CRUMPLE_CACHE")
    if stated:
        return Path(os.path.abspath(os.path.expanduser(stated)))
    try:
        return Path.home() / ".cache" / "crumple"
    except RuntimeError:  # no home, as in some containers
        return _of_temporary()


def _of_temporary() -> Path:
    """A cache in the system's temporary folder, where others may have made one in our name."""
    import tempfile

    owner = os.getuid() if hasattr(os, "getuid") else None
    root = Path(tempfile.gettempdir()) / f"crumple-{'cache' if owner is None else owner}"
    with contextlib.suppress(FileExistsError):
        root.mkdir(mode=0o700)
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or owner not in (None, found.st_uid):
        raise FmuError(f"{root} belongs to someone else. Set CRUMPLE_CACHE to a folder of yours.")
    return root


def open_fmu(
    path: str | os.PathLike[str], *, strict: bool = False, limits: GateLimits | None = None
) -> Archive:
    """The FMU at `path`: an .fmu file, or a folder that holds an unpacked one.

    strict : what is not quite valid is an error, not an entry in `description.warnings`.
    limits : how large it may be; by default what the environment variable CRUMPLE_LIMITS says.
    Raises FmuError where it cannot be read or must not be unpacked, UsageError for a CRUMPLE_LIMITS that cannot be
    read. What the FMU offers is not judged here: see `require_cosimulation` and `library_path`.
    """
    limits = default_limits() if limits is None else limits
    place = Path(os.path.abspath(path))
    try:
        found = os.stat(place)
    except OSError as error:
        raise FmuError(_not_found(path, place, error)) from None
    except ValueError as error:  # a NUL in it
        raise FmuError(f"{os.fspath(path)!r}: there is no such FMU: {error}.") from None
    try:
        if stat.S_ISDIR(found.st_mode):
            archive = _open_folder(place, limits)
        elif stat.S_ISREG(found.st_mode):
            archive = _open_file(place, found, limits)
        else:
            raise FmuError("this is neither a file nor a folder.")
    except FmuError as error:
        raise FmuError(f"{place}: {error}") from error
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
    library, fault = find_library(archive.directory, archive.description)
    if library is None:
        raise FmuError(f"{archive.path}: {fault}")
    return library


def summary(archive: Archive) -> dict[str, Any]:
    """What is worth knowing of an FMU in plain values, ready for JSON."""
    described = archive.description
    by_causality: dict[str, int] = {}
    for variable in described.variables:
        by_causality[variable.causality] = by_causality.get(variable.causality, 0) + 1
    library, fault = find_library(archive.directory, described)
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
        "platforms": platforms(archive.directory),
        "library": str(library) if library is not None else None,
        "library_fault": fault if library is None else None,
        "warnings": described.warnings,
    }


def _open_file(path: Path, found: os.stat_result, limits: GateLimits) -> Archive:
    limits.check(archive=found.st_size)  # before it is hashed
    root = cache_root()
    key = (str(path), str(root), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    known = _seen.get(key)
    if known is not None and known.watched is not None and _untouched(known.archive.directory, known.watched):
        limits.check_all(known.measured)
        return known.archive
    try:
        known = _look_into(path, root, limits)
    except OSError as error:
        raise FmuError(
            f"cannot be unpacked under {root / 'fmu'}: {error.strerror or error}. "
            "Set CRUMPLE_CACHE to a folder that can be written."
        ) from error
    _seen[key] = known
    return known.archive


def _look_into(path: Path, root: Path, limits: GateLimits) -> _Seen:
    try:
        opened = path.open("rb")
    except OSError as error:
        raise FmuError(f"cannot be read: {error.strerror}.") from error
    with opened as file:  # hashed and unpacked through one handle: of one and the same file
        sha256 = hash_of_open(file).hex()
        directory = root / "fmu" / sha256[:DIGITS]
        place = directory.with_name(f"{directory.name}.description")
        record = load(place, sha256)
        if record is None:
            record = _first_sight(file, path, directory, limits)
            save(place, sha256, record)
        else:
            limits.check_all(record.measured)
            touched = [kept for kept in record.kept if not _untouched(directory, kept)]
            first = record.kept[0]
            if (
                not touched
                and first.size <= ALWAYS_HASHED
                and hash_of(f"{directory}/{first.name}") != first.sha256
            ):
                touched = [first]  # a disk may forget without a word
            if touched:
                record = _second_look(file, path, directory, limits, record=record, touched=touched)
                save(place, sha256, record)
    archive = Archive(path, sha256, directory, _with_library_note(directory, record.description))
    # the first is the library that a run loads, where there is one
    return _Seen(archive, record.measured, record.kept[0])


def _first_sight(file: IO[bytes], path: Path, directory: Path, limits: GateLimits) -> Record:
    """Unpack an FMU of which nothing is known but, where a process was stopped in between, its folder."""
    from crumple import unpack  # on first sight only, like zipfile, FMPy and lxml below
    from crumple.description_xml import examine
    from crumple.gate_archive import pieces

    notes: list[str] = []
    contents = _inspected(file, path, limits, notes)
    members = {member.name: member for member in contents.members}
    if XML not in members:
        raise FmuError(_no_description(members))
    # read before anything is written: most of what is refused is refused for this
    described, of_xml = examine(b"".join(pieces(file, members[XML])), limits=limits)
    if notes:
        described = msgspec.structs.replace(described, warnings=described.warnings + notes)
    make = unpack.mend if directory.is_dir() else unpack.unpack
    hashes = make(file, contents, directory)
    given = msgspec.structs.asdict(contents.measured) | of_xml
    kept = [_stamp(directory, name, hashes[name]) for name in _worth_checking(directory, described, members)]
    return Record(description=described, measured=Measured(**given), name=path.name, kept=kept)


def _second_look(
    file: IO[bytes], path: Path, directory: Path, limits: GateLimits, *, record: Record, touched: list[Kept]
) -> Record:
    """Compare files that the system says were touched with what they were, and mend those that differ."""
    from crumple import unpack

    wrong = {kept.name for kept in touched if hash_of(directory / kept.name) != kept.sha256}
    if wrong:
        contents = _inspected(file, path, limits, [])
        if directory.is_dir():
            unpack.mend(file, contents, directory, wrong=wrong)
        else:
            unpack.unpack(file, contents, directory)
    names = {kept.name for kept in touched} if directory.is_dir() and not wrong else None
    kept = [
        _stamp(directory, k.name, k.sha256) if names is None or k.name in names else k for k in record.kept
    ]
    return msgspec.structs.replace(record, kept=kept)


def _inspected(file: IO[bytes], path: Path, limits: GateLimits, notes: list[str]) -> Contents:
    from crumple.gate_archive import NoArchiveError, inspect

    try:
        return inspect(file, limits=limits, notes=notes)
    except NoArchiveError as error:
        raise FmuError(_no_archive(path, str(error))) from error


def _open_folder(folder: Path, limits: GateLimits) -> Archive:
    from crumple.gate_folder import inspect

    if not (folder / XML).is_file():
        raise FmuError(f"this folder holds no {XML}: it is no unpacked FMU.")
    try:
        files, measured = inspect(folder, limits=limits)
        parts = [f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}" for name, found in files]
        glance = hashlib.blake2b("\n".join(parts).encode(errors="surrogateescape"), digest_size=8).digest()
        root = cache_root()
        key = (str(folder), str(root), len(files), int.from_bytes(glance, "little"), 0, 0)
        known = _seen.get(key)
        if known is None:
            known = _look_into_folder(folder, root, [name for name, _ in files], limits, measured)
            _seen[key] = known
    except OSError as error:
        raise FmuError(f"cannot be read: {error}.") from error
    limits.check_all(known.measured, folder=True)
    return known.archive


def _look_into_folder(
    folder: Path, root: Path, names: list[str], limits: GateLimits, measured: Measured
) -> _Seen:
    digest = hashlib.sha256()
    for name in names:
        with (folder / name).open("rb") as content:
            digest.update(os.fsencode(f"{name}\0") + hash_of_open(content))
    sha256 = digest.hexdigest()
    place = root / "fmu" / f"{sha256[:DIGITS]}.description"
    record = load(place, sha256)
    if record is None:
        from crumple.description_xml import examine  # on first sight only

        limits.check(xml=(folder / XML).stat().st_size)
        described, of_xml = examine((folder / XML).read_bytes(), limits=limits)
        given = msgspec.structs.asdict(measured) | of_xml
        record = Record(description=described, measured=Measured(**given), name=folder.name, kept=[])
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            pass  # the folder itself is used: without a cache only the next start is slower
        else:
            save(place, sha256, record)
    archive = Archive(folder, sha256, folder, _with_library_note(folder, record.description))
    return _Seen(archive, record.measured, None)


def _worth_checking(directory: Path, described: Description, names: Collection[str]) -> list[str]:
    """Members that a run uses, the library first: libraries, the XML, resources; sources and pages are not."""
    library, _ = find_library(directory, described)
    found = library.relative_to(directory).as_posix() if library is not None else XML
    first = found if found in names else XML  # a file that others put there is not ours to vouch for
    ours = tuple(f"binaries/{name}/" for name in {*platform_folders("2.0"), *platform_folders("3.0")})
    groups: list[list[str]] = [[first, XML], [], [], []]
    for name in names:
        if name.startswith("binaries/"):
            groups[1 if name.startswith(ours) else 3].append(name)
        elif name.startswith("resources/"):
            groups[2].append(name)
    return list(dict.fromkeys(name for group in groups for name in group))[:MOST_CHECKED]


def _stamp(directory: Path, name: str, sha256: bytes) -> Kept:
    found = os.stat(directory / name)
    return Kept(name, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, sha256)


def _untouched(directory: Path, kept: Kept) -> bool:
    try:
        found = os.stat(f"{directory}/{kept.name}")
    except OSError:
        return False
    return kept.untouched(found) and stat.S_ISREG(found.st_mode)


def _with_library_note(directory: Path, described: Description) -> Description:
    library, note = find_library(directory, described)
    if library is None or note is None:
        return described
    return msgspec.structs.replace(described, warnings=[*described.warnings, note])


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


def _no_description(names: Iterable[str]) -> str:
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
