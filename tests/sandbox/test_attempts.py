"""What programs try is seen: each attempt outside, whatever the program does about it, and none where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftaught.sandbox import Attempts, Job, Limits
from selftaught.sandbox.guest import wire
from selftaught.sandbox.jail import Layers, interpreter
from selftaught.sandbox.levels import open_sandbox
from selftaught.sandbox.pool import Pool

from .attempts import ATTEMPTING, HARMLESS
from .test_hostile import Prison, imprisoned, require_reachable

LIMITS = Limits(cpu_s=1, wall_s=20, memory_mb=512)
IMPROVER = "def improve_algorithm(given, utility, language_model):\n    return str(f({'host': 1, 'port': 1, 'abstract': 'x', 'canary': '/c', 'source': ['/s']}))\n"
GIVEN = ("s", {"str": "", "budget": 0}, {"budget": 0, "max_responses_per_call": 0})


@pytest.fixture(scope="module", params=["strict", "confined"])
def prison(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prison]:
    if request.param == "confined" and os.geteuid() == 0:
        require_reachable(interpreter())
    with imprisoned(request.param, tmp_path_factory.mktemp("host")) as held:
        yield held


def test_there_are_enough_of_each() -> None:
    assert len({one.name for one in ATTEMPTING}) == len(ATTEMPTING) >= 120
    assert len({name for name, _ in HARMLESS}) == len(HARMLESS) >= 120
    text = " ".join((Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8").split())
    silenced = sum(one.name.startswith("silenced") for one in ATTEMPTING)
    assert f"{len(ATTEMPTING)} programs with an attempt each, {silenced} of which try to silence" in text
    assert f"{len(HARMLESS)} harmless ones" in text


def test_every_attempt_is_counted_outside(prison: Prison) -> None:
    found = {one.name: prison.run(one.text(), LIMITS).denied.calls for one in ATTEMPTING}
    unseen = {one.name: found[one.name] for one in ATTEMPTING if not set(one.calls) <= set(found[one.name] or {})}
    assert unseen == {}
    assert prison.pool.restarts == 0


def test_harmless_programs_attempt_nothing(prison: Prison) -> None:
    found = {name: prison.run(program, LIMITS) for name, program in HARMLESS}
    assert {name: one.denied for name, one in found.items() if one.denied} == {}
    assert {name for name, one in found.items() if one.kind != "answer"} == {
        "an error", "an error without an end", "an exit", "too long", "too much",
    }  # fmt: skip


OF_ITSELF = {
    "its group": "import os\n    os.getpgid(0)",
    "its groups": "import os\n    os.getgroups()",
}


def test_what_a_program_asks_of_itself_is_no_attempt_and_the_same_of_others_is() -> None:
    with open_sandbox("strict", 1) as pool:

        def denied_to(text: str) -> Attempts:
            return pool.run(Job(text, "f", ((),), (0,), LIMITS))[0].denied

        for name, work in OF_ITSELF.items():
            denied = denied_to(f"def f():\n    {work}")
            assert not denied.calls, (name, denied)
        for work in ("os.kill(2, 0)", "os.kill(os.getpid(), 0)", "os.getpgid(1)", "os.getsid(1)"):
            assert denied_to(f"import os\ndef f():\n    {work}").calls, work


def test_attempts_of_improvers_are_counted_too(prison: Prison) -> None:
    for one in [one for one in ATTEMPTING if one.name.startswith("silenced")]:
        job = Job(one.text() + "\n" + IMPROVER, "improve_algorithm", (GIVEN,), (0,), LIMITS, "improver")
        calls = prison.pool.run(job)[0].denied.calls or {}
        assert set(one.calls) <= set(calls), one.name
    busy = "import asyncio\nasync def g(): await asyncio.sleep(0.01); return 1\ndef f(bait): return asyncio.run(g())\n"
    (outcome,) = prison.pool.run(Job(busy + IMPROVER, "improve_algorithm", (GIVEN,), (0,), LIMITS, "improver"))
    assert (outcome.answer, outcome.denied) == ("1", Attempts({}))


def test_each_input_has_its_own() -> None:
    program = "import os\ndef f(n):\n    for _ in range(n):\n        try: os.fork()\n        except OSError: pass\n    if n == 2: os._exit(0)"
    with open_sandbox("strict", 1) as pool:
        found = pool.run(Job(program, "f", ((0,), (1,), (2,), (40,), (0,)), (0,) * 5))
    assert [one.denied.calls for one in found] == [{}, {"clone": 1}, {"clone": 2}, {"clone": 40}, {}]
    assert [len(one.denied.noted) for one in found] == [0, 1, 2, wire.MOST_NOTES, 0]


def test_the_notes_say_what_and_where() -> None:
    program = "import os\ndef f(path):\n    try:\n        open(path)\n    except OSError: pass\n    os.kill(1, 0)"
    with open_sandbox("strict", 1) as pool:
        (outcome,) = pool.run(Job(program, "f", (("/etc/shadow",),), (0,)))
    noted = [(one.event, one.what, one.line) for one in outcome.denied.noted]
    assert noted == [("open", "/etc/shadow", 4), ("os.kill", "1 0", 6)]
    assert outcome.denied.calls == {"kill": 1, "openat": 1}


def test_with_files_of_its_own_a_program_attempts_nothing_there() -> None:
    program = """
import os, pathlib, shutil, sqlite3, tempfile
def f():
    os.chdir("/tmp"); open("a", "w").write("x"); open("/tmp/b", "x").close(); open("a").read()
    with tempfile.TemporaryDirectory() as folder: pathlib.Path(folder, "c").write_text("y")
    with tempfile.TemporaryFile() as file: file.write(b"x")
    os.mkdir("d"); os.rename("a", "d/a"); shutil.rmtree("d"); os.listdir("/tmp")
    return 1
def g():
    try: open("/etc/shadow")
    except OSError: pass
    try: open("/usr/lib/x", "w")
    except OSError: pass
"""
    with open_sandbox("strict", 1) as pool:
        (good,) = pool.run(Job(program, "f", ((),), (0,), Limits(files_mb=4)))
        (bad,) = pool.run(Job(program, "g", ((),), (0,), Limits(files_mb=4)))
    assert (good.answer, good.denied) == (1, Attempts({}))
    assert bad.denied.calls == {"openat": 2}


def test_what_answering_costs_is_charged() -> None:
    program = "import ctypes\nlibc = ctypes.CDLL(None)\ndef f():\n    while True: libc.ptrace(0, 0, 0, 0)"
    with open_sandbox("strict", 1) as pool:
        (outcome,) = pool.run(Job(program, "f", ((),), (0,), Limits(cpu_s=0.5, wall_s=60)))
        assert pool.run(Job("def f(): return 1", "f", ((),), (0,)))[0].answer == 1
    assert outcome.kind == "time"
    assert outcome.denied.calls
    assert 100 < outcome.denied.calls["ptrace"] < 0.5e9 / 20_000 + 100


def test_nothing_of_what_was_handed_over_stays_in_memory() -> None:
    mark = "9f1c-left"
    leave = f"import ctypes\nlibc = ctypes.CDLL(None)\ndef f():\n    for _ in range(50): libc.open(b'/{mark}' + b'-path', 0)"
    look = f"""
import ctypes, gc
def f():
    needle = b"{mark[::-1]}"[::-1] + b"-path"
    buffers = [o for o in gc.get_objects() if isinstance(o, (bytearray, ctypes.Array))]
    frames, found = [], 0
    for o in gc.get_objects():
        for held in (getattr(o, "__dict__", None) or {{}}).values():
            if isinstance(held, (bytes, bytearray)) and needle in bytes(held): found += 1
            if isinstance(held, ctypes.Array) and needle in bytes(held): found += 1
    return found
"""
    with open_sandbox("strict", 1) as pool:
        (left,) = pool.run(Job(leave, "f", ((),), (0,)))
        assert left.denied.calls == {"openat": 50}
        assert pool.run(Job(look, "f", ((),), (0,), Limits(cpu_s=10)))[0].answer == 0


def test_without_counting_the_filter_refuses_by_itself_and_says_that_nobody_counted() -> None:
    program = "import os\ndef f():\n    try: os.fork()\n    except OSError: return 1"
    with Pool("strict", Layers(counting=False), 1) as pool:
        (outcome,) = pool.run(Job(program, "f", ((),), (0,)))
    assert (outcome.answer, outcome.denied.calls) == (1, None)
    assert [one.event for one in outcome.denied.noted] == ["os.fork"]
