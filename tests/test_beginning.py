"""A run is worked on, and tells why it ended, from the moment at which anybody can see it: real processes, ended as they begin."""

import json
import os
import signal
import subprocess
import sys

import pytest
from shared.command import called

from selftaught.errors import InUse, StoreFailure
from selftaught.store import UNBEGUN, Store

RUN = ["run", "--tasks", "formula:train/1", "--test-tasks", "formula:test/1", "--store", "s.db"]
MOMENTS = ["base.banner", "carry.begun_with", "carry._document", "Store.reopen", "Document.tell"]
"""What is called between the run's row and its work, in this order."""


def rows(folder):
    return json.loads(called("runs", "--store", "s.db", "--json", cwd=folder).stdout)


def begun(folder, moment, act, **more):
    """The command, in a process that does something as it comes to a moment of its beginning."""
    owner, name = moment.split(".")
    lines = [
        "import os, signal, subprocess, sys",
        "from selftaught.__main__ import main",
        "from selftaught.cli import base",
        "from selftaught.lab import Document",
        "from selftaught.runs import carry",
        "from selftaught.store import Store",
        f"before = {moment}",
        "def then(*given, **named):",
        f"    {act}",
        "    return before(*given, **named)",
        f"setattr({owner}, {name!r}, then)",
        "main()",
    ]
    command = [sys.executable, "-c", "\n".join(lines), *RUN]
    return subprocess.run(command, cwd=folder, text=True, timeout=100, **{"capture_output": True, **more})


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_ended_as_it_begins_says_so(tmp_path, moment):
    done = begun(tmp_path, moment, "os.kill(os.getpid(), signal.SIGTERM)")
    assert done.returncode == 130 and "terminated" in done.stderr.splitlines()[-1]
    (row,) = rows(tmp_path)
    assert (row["state"], row["status"], row["process"]) == ("stopped", "stopped: terminated", None)
    assert row["resume"] == f"selftaught resume 1 --store {tmp_path}/s.db"
    assert called("show", "1", "--store", "s.db", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("moment", MOMENTS[:-1])
def test_a_run_that_is_killed_as_it_begins_is_one_that_never_began(tmp_path, moment):
    assert begun(tmp_path, moment, "os.kill(os.getpid(), signal.SIGKILL)").returncode == -signal.SIGKILL
    (row,) = rows(tmp_path)
    assert (row["state"], row["status"]) == ("stopped", UNBEGUN)


def test_a_run_that_begins_is_at_work_for_whoever_looks(tmp_path):
    look = "subprocess.run([sys.executable, '-m', 'selftaught', 'runs', '--store', 's.db', '--json'], stdout=open('seen', 'w'))"
    begun(tmp_path, "base.banner", f"{look}; os.kill(os.getpid(), signal.SIGTERM)")
    (row,) = json.loads((tmp_path / "seen").read_text())
    assert (row["state"], row["resume"], row["refused"]) == ("running", None, None)
    assert row["process"] not in {None, os.getpid()} and row["status"] == "running"


def test_a_run_whose_heading_cannot_be_written_says_so(tmp_path):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "selftaught", *RUN]
        done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=full, timeout=100)
    assert done.returncode == 1
    (row,) = rows(tmp_path)
    assert row["state"] == "stopped" and "No space left on device" in row["status"]


def test_what_is_begun_is_held_until_whoever_works_on_it_lets_go(tmp_path):
    with Store(tmp_path / "s.db") as store, Store(tmp_path / "s.db") as other:
        with store.begun({}, {}) as run:
            assert other.working(run) == other.run(run).process.pid == os.getpid()
            with pytest.raises(InUse), other.alone(run):
                pass
            with store.alone(run):
                assert other.working(run) == os.getpid()
            assert (other.working(run), other.run(run).process) == (None, None)
            with other.alone(run):
                pass
        with store.begun({}, {}) as run:
            pass
        assert (other.working(run), other.run(run).process, other.run(run).status) == (None, None, UNBEGUN)


def test_nothing_is_begun_while_a_store_is_held_whole(tmp_path):
    with Store(tmp_path / "s.db") as store, Store(tmp_path / "s.db") as other:
        with (
            other._locked(None),
            pytest.raises(InUse, match=r"store .* is being worked on"),
            store.begun({}, {}),
        ):
            pass
        assert store.runs() == []


@pytest.mark.parametrize(
    "error", [OSError(2, "no such thing"), BlockingIOError("later"), PermissionError(13, "not you")]
)
def test_what_ends_the_work_on_a_run_is_no_failure_of_its_lock(tmp_path, error):
    with Store(tmp_path / "s.db") as store:
        for work in (lambda: store.alone(1), lambda: store.begun({}, {})):
            with pytest.raises(type(error)) as caught, work():
                raise error
            assert caught.value is error
        (tmp_path / "s.db-lock").unlink()
        (tmp_path / "s.db-lock").mkdir()
        with pytest.raises(StoreFailure, match="cannot be locked"), store.alone(1):
            pass
