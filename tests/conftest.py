"""What all tests share: a cache apart from the user's, and FMUs that are built while the first tests run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crumple import description_xml
from crumple.gate import GateLimits
from paper_fmu import fmu_bytes, forget, write_fmu

MANY = 500  # tests, of which so many build FMUs that it is worth a process of its own


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Certificates and unpacked FMUs of the user's must not change what tests see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRUMPLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def fmus_built_aside(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test FMUs are compiled beside the first tests; one that is asked for earlier is built at once, too."""
    if request.session.testscollected < MANY or (os.cpu_count() or 1) < 2:
        yield
        return
    script = Path(__file__).with_name("fmu_build.py")
    builder = subprocess.Popen(
        [sys.executable, str(script), "--all"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield
    builder.terminate()
    builder.wait()


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
