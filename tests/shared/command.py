"""The command as a user calls it, and what is read from what it prints."""

import io
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from selftaught.cli import main

LONG = [
    *("--tasks", "formula:train/2", "--test-tasks", "formula:test/2", "--controls", "basic", "--store", "s.db"),
    *("--repetitions", "2", "--rounds", "9"),
]


def selftaught(*args, cwd, timeout=100, **more):
    command = [str(Path(sys.executable).parent / "selftaught"), *map(str, args)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, **more)


def called(*args, cwd, env=None):
    """The same command within this process, which saves what it costs to start one: where that is not what is tested."""
    out, err, command = io.StringIO(), io.StringIO(), ["selftaught", *map(str, args)]
    variables = patch.dict(os.environ, os.environ if env is None else env, clear=True)
    with chdir(cwd), variables, patch("sys.argv", command), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as error:
            code = error.code or 0
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


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
