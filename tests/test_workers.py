"""Who waits for whom, and that nobody waits for ever."""

import threading
import time
from concurrent.futures import CancelledError

import pytest

from selftaught.lab.workers import Workers, scoring, sizes


def test_who_waits_for_what_is_dropped_at_the_end_is_told():
    """Work begun ahead may wait for scorings when a run ends early: a process that waited for it would never end."""
    workers = Workers({**sizes(1, 1), scoring(0): 1})
    under_way, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def score(_):
        under_way.set()
        go_on.wait(20)

    def ahead():
        try:
            workers.map(scoring(0), score, range(3))
        finally:
            ended.set()

    workers.ahead(ahead)
    assert under_way.wait(20)
    workers.close()
    go_on.set()
    assert ended.wait(20)


def test_nothing_begins_after_the_end():
    workers = Workers(sizes(1, 1))
    workers.close()
    done = []
    with pytest.raises(CancelledError):
        workers.map(scoring(0), done.append, range(2))
    with pytest.raises(CancelledError):
        workers.ahead(lambda: done.append(0))
    assert done == []


def test_the_first_failure_ends_what_is_mapped():
    workers = Workers({**sizes(1, 1), scoring(0): 1})
    done = []

    def work(item):
        done.append(item)
        if item == 1:
            raise ValueError("no")
        time.sleep(0.02)

    try:
        with pytest.raises(ValueError, match="no"):
            workers.map(scoring(0), work, range(50))
        assert len(done) < 50
        assert workers.map(scoring(0), str, range(3)) == ["0", "1", "2"]
    finally:
        workers.close()
