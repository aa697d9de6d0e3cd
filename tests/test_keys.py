"""A key of the user reaches the server and nothing else: not the jail, no log line, no error, no stored fact, no report."""

import json
import os
import re
import secrets
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from selftaught.improvers import load
from selftaught.sandbox import Job, Limits
from selftaught.store import Store
from selftaught.tasks import load as load_tasks

sys.path.insert(0, str(Path(__file__).parent / "models"))
from faultserver import FaultServer, completion, error

KEYS = [f"sk-planted-{secrets.token_hex(16)}" for _ in range(2)]
SPY = r'''
import ctypes, gc, os, re, sys

KEY = re.compile(rb"sk-planted-[0-9a-f]{16}[0-9a-f]*")


def places():
    yield repr(sorted(os.environ.items()))
    yield repr(sys.argv)
    for folder in ("/proc", "/dev", "/tmp", "/guest", "/home", "/root", "/etc", "/run", "/var"):
        for where, _, names in os.walk(folder):
            for name in names:
                if os.path.join(where, name) not in ("/dev/zero", "/dev/urandom"):
                    yield from read(os.path.join(where, name))
    near = gc.get_referents(*gc.get_objects())
    near += gc.get_referents(*(one for one in near if isinstance(one, dict)))
    yield "\n".join({s for s in near if isinstance(s, str)})
    yield b"\n".join({s for s in near if isinstance(s, bytes)})
    frame = sys._getframe()
    while frame:
        yield from (s for s in frame.f_locals.values() if isinstance(s, (str, bytes, tuple)))
        frame = frame.f_back
    yield from memory()


def read(path):
    try:
        with open(path, "rb") as file:
            yield file.read(1_000_000)
    except OSError:
        pass


def memory():
    """The environment as the process was given it, and all of its memory where that may be read."""
    try:
        environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
        i = 0
        while environ and environ[i]:
            yield environ[i]
            i += 1
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as mem:
            for line in maps:
                first, last = (int(part, 16) for part in line.split()[0].split("-"))
                mem.seek(first)
                yield mem.read(min(last - first, 1 << 24))
    except (OSError, ValueError, ImportError):
        pass


def search():
    for found in places():
        raw = found if isinstance(found, bytes) else str(found).encode("utf-8", "replace")
        for match in KEY.findall(raw):
            raise RuntimeError("found " + match.decode())

'''
WRAP = "\n\n_{name} = {name}\n\n\ndef {name}(*args):\n    search()\n    return _{name}(*args)\n"


def spying(text, name):
    return SPY + text + WRAP.format(name=name)


@pytest.fixture(scope="module")
def grid():
    (task,) = load_tasks("grid", 0)
    return task


PATIENT = """
from selftaught.sandbox import Limits
from selftaught.tasks.grid import Grid


class Patient(Grid):
    name, limits = "patient", Limits(cpu_s=10)
    instances = {"train": 2, "validation": 2, "test": 2}


TASKS = [Patient()]
"""
"""A task with time for a search: the spies need nearly all of the 0.1 s that grid itself allows."""


def run(folder, server, *more):
    (folder / "patient.py").write_text(PATIENT)
    options = "--rounds 1 --repetitions 1 --validation 1 --test 1 --calls 1 --responses 2 --scorings 5 --outer-calls 1"
    model = "--outer-responses 2 --outer-scorings 3 --tasks patient.py --controls basic --model openai:m --yes"
    command = [
        sys.executable,
        "-m",
        "selftaught",
        "run",
        *options.split(),
        *model.split(),
        "--base-url",
        server.url,
        *more,
    ]
    environment = {**os.environ, "OPENAI_API_KEY": KEYS[0], "ANTHROPIC_API_KEY": KEYS[1], "OPENAI_LOG": "debug"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=110, check=False
    )


def kept(folder):
    """Everything that the run left on disk, stored texts unpacked."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()
    db = sqlite3.connect(folder / ".selftaught" / "store.db")
    with Store(folder / ".selftaught" / "store.db") as store:
        names = [name for (name,) in db.execute("SELECT lower(hex(digest)) FROM texts")]
        yield from (store.text(name).encode("utf-8", "surrogatepass") for name in names)
    for table in ("readable", "parts", "runs"):
        yield from (repr(row).encode() for row in db.execute(f"SELECT * FROM {table}"))
    db.close()


def test_the_spy_finds_a_key_where_there_is_one(sandbox, grid):
    program = spying(grid.start, grid.entry)
    instance = grid.sample(0, "train", 0, "practice")[0]
    clean, leaking = (
        sandbox.run(Job(text, grid.entry, (instance.args,), (0,), Limits(cpu_s=5)))[0]
        for text in (program, f"hidden = {{'key': 'sk-planted-' + '{'0' * 32}'}}\n{program}")
    )
    assert clean.kind == "answer", clean.error
    assert "found sk-planted-00000000" in leaking.error


def test_neither_solutions_nor_improvers_nor_anything_kept_or_said_has_the_key(tmp_path, grid):
    programs = [spying(load("seed").text, "improve_algorithm"), spying(grid.start, grid.entry)]

    def behave(body, nth):
        text = programs["def improve_algorithm" not in body["messages"][-1]["content"]]
        return completion([f"```python\n{text}\n```"] * body.get("n", 1))

    with FaultServer(behave) as server:
        done = run(tmp_path, server, "--json")
        sent = [headers["authorization"] for headers in server.headers]
    assert done.returncode == 0, done.stderr
    assert set(sent) == {f"Bearer {KEYS[0]}"}
    everything = [done.stdout.encode(), done.stderr.encode(), *kept(tmp_path)]
    assert sum(b"def search" in one for one in everything) >= 2, "the spies were kept"
    assert not [key for key in KEYS for one in everything if key.encode() in one]
    assert not [one for one in everything if re.search(rb"found sk-planted-[0-9a-f]", one)]
    solutions, improvers = ran(tmp_path)
    assert solutions > 0
    assert improvers > 0


def ran(folder):
    """How many scorings of spying solutions, and runs of spying improvers, came to an answer."""
    db = sqlite3.connect(folder / ".selftaught" / "store.db")
    with Store(folder / ".selftaught" / "store.db") as store:
        names = [name for (name,) in db.execute("SELECT lower(hex(digest)) FROM texts")]
        spies = {name for name in names if "def search" in store.text(name)}
    facts = [
        (kind, json.loads(about), json.loads(body))
        for kind, about, body in db.execute("SELECT kind, about, body FROM readable")
    ]
    db.close()
    solutions = sum(
        kind == "score" and about["program"] in spies and body["value"] is not None for kind, about, body in facts
    )
    improvers = sum(
        kind == "improvement" and about["improver"] in spies and body["program"] is not None
        for kind, about, body in facts
    )
    return solutions, improvers


def test_a_server_that_repeats_the_key_in_its_refusal_does_not_bring_it_into_the_error(tmp_path):
    with FaultServer(lambda body, nth: error(401, message=f"Incorrect API key provided: {KEYS[0]}")) as server:
        done = run(tmp_path, server)
    assert done.returncode == 1
    assert "key is wrong or missing" in done.stderr
    assert not [one for one in (done.stdout.encode(), done.stderr.encode(), *kept(tmp_path)) if KEYS[0].encode() in one]
