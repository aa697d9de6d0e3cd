"""The command as a user calls it, and what is read from what it prints."""

import sqlite3
import subprocess
import sys
from pathlib import Path


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
