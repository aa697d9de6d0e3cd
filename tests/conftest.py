"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from selftaught.sandbox import Sandbox
from selftaught.sandbox.levels import open_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The strict sandbox, opened once for the whole session."""
    with open_sandbox("strict") as opened:
        yield opened
