"""SDL without a display, for the modules that draw: `from view.headless import headless`."""

from __future__ import annotations

import os

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

from collections.abc import Iterator

import pygame
import pytest


@pytest.fixture(scope="module", autouse=True)
def headless() -> Iterator[None]:
    pygame.display.init()
    pygame.font.init()
    yield
