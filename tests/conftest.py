"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from selftaught.sandbox import Sandbox
from selftaught.sandbox.levels import open_sandbox

settings.register_profile("behaviour", deadline=None)  # how long a thing takes is for benchmarks
settings.load_profile("behaviour")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The strict sandbox, opened once for the whole session."""
    with open_sandbox("strict") as opened:
        yield opened
