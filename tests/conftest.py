"""Fixtures that many tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from selftaught.sandbox import Sandbox
from selftaught.sandbox.levels import open_sandbox

for number in (signal.SIGINT, signal.SIGHUP):
    if (
        signal.getsignal(number) == signal.SIG_IGN
    ):  # in the background, under nohup: commands that are tested would ignore it too
        signal.signal(number, lambda *_: None)
settings.register_profile("behaviour", deadline=None)  # how long a thing takes is for benchmarks
settings.load_profile("behaviour")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The strict sandbox, opened once for the whole session."""
    with open_sandbox("strict") as opened:
        yield opened
