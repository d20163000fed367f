"""Tests have a cache of their own: certificates and unpacked FMUs of the user's must not change what they see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRUMPLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
