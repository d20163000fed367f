"""Builds the test FMUs of tests/fmus: `build_fmu("nan_output2")` compiles, zips and returns the path.

What was built once is taken from a cache, keyed by the hash of everything that goes into it: a change in a
source, a description or the compiler builds anew, and parallel test processes share the work safely.
The cache is a folder in the system's temporary folder; CRUMPLE_TEST_FMUS names another.

    python tests/fmu_build.py nan_output2 lag3     builds and prints paths;  with no name it lists all names
    python tests/fmu_build.py --all                builds all
    python tests/fmu_build.py --write              brings all that is generated up to date
"""

from __future__ import annotations

import difflib
import functools
import getpass
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

from fmus.description import write_description  # noqa: E402
from fmus.variant import Variant  # noqa: E402
from fmus.variants import VARIANTS  # noqa: E402

__all__ = [
    "VARIANTS",
    "BuildError",
    "Variant",
    "build_all",
    "build_fmu",
    "build_library",
    "c_compiler",
    "description_text",
]

SOURCES = TESTS / "fmus"
HOSTILE = TESTS.parent / "fmu" / "hostile" / "modelDescription.xml"
HEADERS = TESTS.parent / "cpp" / "include"
FLAGS = (
    "-std=gnu11",
    "-O2",
    "-fPIC",
    "-shared",
    "-pthread",
    "-ffp-contract=off",
    "-Wall",
    "-Wextra",
    "-Werror",
)
ZIP_DATE = (2000, 1, 1, 0, 0, 0)  # the same archive, bit for bit, from the same content


class BuildError(Exception):
    """An FMU cannot be built: no compiler, or it refuses."""


def build_fmu(name: str) -> Path:
    """Path of the test FMU `name`, built unless the cache has it. A name without version means FMI 2.

    Raises KeyError for an unknown name (with the nearest ones), BuildError where there is no C compiler.
    """
    variant = _variant(name)
    xml = description_text(variant).encode(variant.encoding)
    library = build_library(variant.name)
    digest = hashlib.sha256(
        repr((variant.fmi, variant.library, variant.platform, variant.resources)).encode()
    )
    digest.update(xml)
    digest.update(library.parent.name.encode())
    path = cache_folder() / digest.hexdigest()[:20] / f"{variant.name}.fmu"
    if not path.exists():
        _zip(path, variant, xml, library)
    return path


def build_all() -> list[Path]:
    """Paths of all test FMUs, built on all cores unless the cache has them. Raises BuildError."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(build_fmu, VARIANTS))


def description_text(variant: Variant) -> str:
    """The modelDescription.xml of a test FMU, with the faults it is to have."""
    xml = write_description(variant.model, fmi=variant.fmi)
    for edit in variant.edits:
        xml = edit(xml)
    return xml


def build_library(name: str) -> Path:
    """Path of the shared library of the test FMU `name`, built unless the cache has it."""
    variant = _variant(name)
    compiler = shlex.split(c_compiler())
    sources = [SOURCES / variant.source]
    if variant.rest:
        sources.append(SOURCES / f"rest{variant.fmi}.c")
    defines = [f"-D{define}" for define in variant.defines]
    digest = hashlib.sha256(repr((compiler, _compiler_version(), FLAGS, defines, len(sources))).encode())
    for file in (*sources, *sorted(sources[0].parent.glob("*.h")), *sorted((HEADERS / "fmi").glob("*.h"))):
        digest.update(file.read_bytes())
    path = cache_folder() / digest.hexdigest()[:20] / f"{sources[0].stem}{library_suffix()}"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    command = [*compiler, *FLAGS, *defines, f"-I{HEADERS}", *map(str, sources), "-o", str(part), "-lm"]
    lives_on = "LOG_AFTER_FREE" in "".join(variant.defines) or variant.outcome == "command"
    if lives_on and sys.platform == "linux":
        command.append("-Wl,-z,nodelete")  # its threads may still run when an importer closes the library
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{variant.name}: {shlex.join(command)} failed:\n{done.stderr}")
    part.replace(path)
    return path


def c_compiler() -> str:
    """The C compiler: $CC, cc or gcc, whichever is there first."""
    for candidate in (os.environ.get("CC", ""), "cc", "gcc"):
        if candidate and shutil.which(shlex.split(candidate)[0]):
            return candidate
    raise BuildError("no C compiler: neither $CC nor cc nor gcc is there; install one, e.g. apt install gcc")


def library_suffix() -> str:
    """File name suffix of shared libraries here."""
    return {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


def binaries_folder(fmi: int) -> str:
    """This machine's folder name under binaries/, for FMI version 2 or 3."""
    system = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux")
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    return {2: system.replace("windows", "win") + "64", 3: f"{machine}-{system}"}[fmi]


def cache_folder() -> Path:
    """Where built FMUs are kept: $CRUMPLE_TEST_FMUS, or a folder of this user's in the temporary folder."""
    named = os.environ.get("CRUMPLE_TEST_FMUS")
    folder = Path(named) if named else Path(tempfile.gettempdir()) / f"crumple-test-fmus-{getpass.getuser()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise BuildError(f"{folder} belongs to another user; name a folder of yours in CRUMPLE_TEST_FMUS")
    return folder


@functools.cache
def _compiler_version() -> str:
    return subprocess.run(
        [*shlex.split(c_compiler()), "--version"], capture_output=True, text=True, check=False
    ).stdout


def _variant(name: str) -> Variant:
    variant = VARIANTS.get(name) or VARIANTS.get(f"{name}2")
    if variant is None:
        near = ", ".join(difflib.get_close_matches(name, VARIANTS, n=3)) or "none is like it"
        raise KeyError(f"no test FMU is named {name}; near: {near}")
    return variant


def _zip(path: Path, variant: Variant, xml: bytes, library: Path) -> None:
    folder = f"binaries/{variant.platform or binaries_folder(variant.fmi)}"
    names = variant.library or (variant.model.identifier or variant.model.name,)
    entries = {
        "modelDescription.xml": xml,
        **{f"{folder}/{name}{library_suffix()}": library.read_bytes() for name in names},
        **{f"resources/{name}": text.encode() for name, text in variant.resources.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries.items():
            member = zipfile.ZipInfo(entry, date_time=ZIP_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    part.replace(path)


def cmake_lines() -> list[str]:
    """What stands in sources.cmake: one line for each library that is compiled unlike all before it."""
    lines: dict[tuple[str, bool, tuple[str, ...]], str] = {}
    for v in VARIANTS.values():
        rest = f"rest{v.fmi}.c" if v.rest else "-"
        macros = ",".join(v.defines) or "CRUMPLE_TEST_FMU"
        lines.setdefault((v.source, v.rest, v.defines), f'    "{v.name}|{v.source}|{rest}|{macros}"')
    return list(lines.values())


def table_lines() -> list[str]:
    """The table in README.md."""
    return [
        "| name | outcome | what it does |",
        "|---|---|---|",
        *(f"| `{v.name}` | {v.outcome} | {v.doc} |" for v in VARIANTS.values()),
    ]


def generated(file: str) -> str:
    """The text that sources.cmake or README.md should have, its generated part made anew."""
    first, last, lines = {
        "sources.cmake": ("set(CRUMPLE_TEST_FMUS\n", "\n)\n", cmake_lines()),
        "README.md": ("<!-- table -->\n", "\n<!-- end of table -->\n", table_lines()),
    }[file]
    before, rest = (SOURCES / file).read_text(encoding="utf-8").split(first, 1)
    after = rest[("\n" + rest).index(last) + len(last) - 1 :]
    return before + first + "\n".join(lines) + last + after


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        for name in ("sources.cmake", "README.md"):
            (SOURCES / name).write_text(generated(name), encoding="utf-8")
        HOSTILE.write_text(description_text(VARIANTS["hostile2"]), encoding="utf-8")
    elif sys.argv[1:] == ["--all"]:
        print(*build_all(), sep="\n")
    elif sys.argv[1:]:
        for name in sys.argv[1:]:
            print(build_fmu(name))
    else:
        for known in VARIANTS.values():
            print(f"{known.name:26} {known.outcome:8} {known.doc}")
