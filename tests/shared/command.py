"""The command as a user calls it, and what is read from what it prints."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

LONG = [
    *("--tasks", "formula:train/2", "--test-tasks", "formula:test/2", "--controls", "basic", "--store", "s.db"),
    *("--repetitions", "2", "--rounds", "9"),
]


def selftaught(*args, cwd, timeout=100, **more):
    command = [str(Path(sys.executable).parent / "selftaught"), *map(str, args)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, **more)


def one_line(done, traced=False):
    """The message of a failed command: one line on standard error, no trace unless it is a script's."""
    assert traced or "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[-1]


def answers(store):
    if not store.exists():
        return 0
    db = sqlite3.connect(store, timeout=10)
    try:
        return db.execute("SELECT count(*) FROM facts WHERE kind = 'answer'").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()


def begun(folder, *args):
    """A run under way in another process, once it has bought answers."""
    command = [str(Path(sys.executable).parent / "selftaught"), "run", *LONG, *args]
    child = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while answers(folder / "s.db") < 20:
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    return child
