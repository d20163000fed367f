"""What all tests share: a cache apart from the user's, FMUs that are built beforehand, and FMUs of paper."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crumple import description_xml
from crumple.gate import GateLimits
from fmu_build import BuildError, build_all, cache_folder
from live_sockets import plain  # noqa: F401 - a fixture of several modules
from paper_fmu import fmu_bytes, forget, write_fmu

MANY = 500  # tests: most FMUs will be asked for
LONG = ("test_nothing_lost", "test_reference_crash", "test_soak", "test_live_view", "test_window")

BYTECODE = cache_folder() / "bytecode"

if sys.dont_write_bytecode:  # else each of the hundreds of processes that tests start compiles all it imports
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config: pytest.Config) -> None:
    """Files go to the workers in the order of collection, and not those of the most tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Few tests that take long come first, for at the end one worker would wait for the other."""
    items.sort(key=lambda item: item.path.stem not in LONG)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Certificates and unpacked FMUs of the user's must not change what tests see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRUMPLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
    temporary = Path(tempfile.gettempdir())
    shutil.rmtree(BYTECODE.joinpath(*temporary.parts[1:]), ignore_errors=True)  # of plugins that tests wrote


@pytest.fixture(autouse=True, scope="session")
def fmus_built(request: pytest.FixtureRequest) -> None:
    """Where everything is run, the test FMUs are compiled on all cores, and not one by one as tests come to them."""
    if request.session.testscollected >= MANY:
        with suppress(BuildError):  # without a compiler the tests that need one say so
            build_all()


@pytest.fixture
def fmu_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own for a test, and no limits from outside."""
    root = tmp_path / "cache"
    monkeypatch.setenv("CRUMPLE_CACHE", str(root))
    monkeypatch.delenv("CRUMPLE_LIMITS", raising=False)
    forget()
    yield root
    forget()


@pytest.fixture
def lag(tmp_path: Path) -> Path:
    """A good FMU of paper."""
    return write_fmu(tmp_path, fmu_bytes({"resources/table.txt": "1 2 3\n"}), "lag.fmu")


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the length of the XML each time one is parsed."""
    calls: list[int] = []
    real = description_xml.examine

    def counted(xml: bytes, *, limits: GateLimits) -> Any:
        calls.append(len(xml))
        return real(xml, limits=limits)

    monkeypatch.setattr(description_xml, "examine", counted)
    return calls
