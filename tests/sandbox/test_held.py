"""What once froze a server, or ran past its limits, from inside the jail: each is contained and the next job is right."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator

import pytest

from selftaught.sandbox import Job, Limits, Outcome
from selftaught.sandbox.levels import open_sandbox
from selftaught.sandbox.papers import Frames, Papers
from selftaught.sandbox.pool import Pool

GIVEN = ("s", {"str": "", "budget": 1}, {"budget": 1, "max_responses_per_call": 1})
LIMITS = Limits(cpu_s=1, wall_s=1)
REQUEST = (
    "import json, os, threading, time\n"
    "data = json.dumps({'id': 1, 'call': 'feedback', 'arguments': {'solution': 'x'}}).encode()\n"
    "frame = len(data).to_bytes(4, 'little') + data\n"
)
UNANSWERED = "def flood():\n    while True:\n        os.write(5, frame)\n"


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with open_sandbox("strict", 1) as pool:
        yield pool


def function(pool: Pool, program: str, inputs: int = 1, limits: Limits = LIMITS) -> tuple[Outcome, ...]:
    return pool.run(Job(program, "f", ((),) * inputs, (0,) * inputs, limits))


def improver(pool: Pool, body: str, before: str = "", limits: Limits = LIMITS) -> Outcome:
    program = f"{before}def improve_algorithm(s, utility, model):\n{body}"
    functions = {"feedback": lambda solution: "x" * 1000}
    return pool.run(Job(program, "improve_algorithm", (GIVEN,), (0,), limits, "improver"), functions)[0]


def all_is_well(pool: Pool) -> bool:
    found = function(pool, "def f(): return 7")[0].answer, improver(pool, "    return 'next'").answer
    return found == (7, "next") and pool.restarts == 0


def test_a_frame_that_is_announced_and_never_sent_freezes_nobody(pool: Pool) -> None:
    announce = "import os, time\nos.write(4, (100).to_bytes(4, 'little'))\ntime.sleep(1000)\n"
    assert function(pool, f"def f(): pass\n{announce}")[0].kind == "time"
    assert improver(pool, "    return ''", announce).kind == "time"
    assert all_is_well(pool)


def test_part_of_a_frame_freezes_nobody(pool: Pool) -> None:
    for part in ("b'\\x09'", "(100).to_bytes(4, 'little') + b'[1'"):
        assert function(pool, f"import os, time\ndef f(): os.write(4, {part}); time.sleep(1000)")[0].kind == "time"
    assert all_is_well(pool)


@pytest.mark.parametrize(
    "body",
    [
        "    threading.Thread(target=flood, daemon=True).start()\n    time.sleep(1000)\n",
        "    flood()\n",
        "    threading.Thread(target=flood, daemon=True).start()\n    while True: os.read(5, 1 << 16)\n",
    ],
    ids=["never reads, sleeps", "never reads", "reads and asks on"],
)
def test_an_improver_that_floods_is_ended(pool: Pool, body: str) -> None:
    began = time.monotonic()
    outcome = improver(pool, body, REQUEST + UNANSWERED)
    assert outcome.kind in ("killed", "time"), outcome
    assert time.monotonic() - began < 60, "without its limits it would run for ever"
    assert all_is_well(pool)


def test_an_answer_that_is_too_large_spoils_none_of_the_later_ones(pool: Pool) -> None:
    program = "n = []\ndef f():\n    n.append(1)\n    return 'x' * 2_000_000 if len(n) == 3 else len(n)\n"
    raw = "import os\nn = []\ndef f():\n    n.append(1)\n    if len(n) == 3: os.write(4, (1 << 30).to_bytes(4, 'little'))\n    return len(n)\n"
    assert [one.answer for one in function(pool, program, 6)] == [1, 2, None, 4, 5, 6]
    kinds = [one.kind for one in function(pool, raw, 6)]
    assert kinds[:2] == ["answer", "answer"] and kinds[2] == "error" and kinds.count("answer") >= 4
    assert [one.answer for one in function(pool, "def f(): return 7", 6)] == [7] * 6


def test_threads_of_one_improver_leave_others_theirs(pool: Pool) -> None:
    bomb = (
        "    import threading, time\n    threading.stack_size(32768)\n"
        "    try:\n        while True: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
        "    except BaseException: pass\n    return utility.feedback('x')\n"
    )

    program = f"def improve_algorithm(s, utility, model):\n{bomb}"
    newcomers: list[Outcome] = []

    def feedback(solution: str) -> str:  # asked while all the threads are there
        threads = (
            "    import threading\n    found = []\n"
            "    threads = [threading.Thread(target=found.append, args=(1,)) for _ in range(8)]\n"
            "    for one in threads: one.start()\n    for one in threads: one.join()\n    return str(sum(found))"
        )
        newcomers.append(improver(pool, threads))
        return "done"

    job = Job(program, "improve_algorithm", (GIVEN,), (0,), Limits(cpu_s=10, wall_s=30), "improver")
    outcome = pool.run(job, {"feedback": feedback})[0]
    assert outcome.kind == "answer"
    assert [one.answer for one in newcomers] == ["8"]
    assert all_is_well(pool)


def test_threads_of_the_c_library_can_be_joined(pool: Pool) -> None:
    program = """
import ctypes
libc = ctypes.CDLL(None)
def f():
    thread, result = ctypes.c_ulong(), ctypes.c_void_p()
    libc.pthread_create(ctypes.byref(thread), None, libc.usleep, ctypes.c_void_p(100000))
    return [libc.pthread_join(thread, ctypes.byref(result)), result.value]
"""
    assert function(pool, program)[0].answer == [0, None]


@pytest.mark.parametrize("limits", [Limits(cpu_s=1e-9), Limits(wall_s=1e-9), Limits(wall_s=0.001), Limits(cpu_s=0.0)])
@pytest.mark.parametrize("profile", ["function", "improver"])
def test_the_smallest_limits_are_the_programs_own(pool: Pool, limits: Limits, profile: str) -> None:
    spin = "    while True: pass\n"
    found = (
        [improver(pool, spin, limits=limits)]
        if profile == "improver"
        else function(pool, f"def f():\n{spin}", 3, limits)
    )
    assert {one.kind for one in found} == {"time"}
    assert all_is_well(pool)


REWRITE = """
import os, fcntl
def f(x):
    if x == 0:
        print("first")
    else:
        try:
            for fd in (1, 2):
                os.lseek(fd, 0, 0)
                fcntl.fcntl(fd, fcntl.F_SETFL, 0)
                os.pwrite(fd, b"FORGED", 0)
        except OSError:
            pass
        os.write(1, b"second")
"""


def test_what_was_printed_stays_as_it_was(pool: Pool) -> None:
    job = Job(REWRITE, "f", ((0,), (1,), (0,)), (0, 0, 0), LIMITS)
    first, _, third = pool.run(job)
    assert (first.output, third.output) == ("first\n", "first\n")


@pytest.mark.parametrize(
    "deed",
    ["os.lseek(1, 1 << 40, 0)", "os.lseek(1, 1000, 0)", "os.write(1, b'x' * 100000)", "sys.stdout.write('x' * 10)",
     "held.append(mmap.mmap(1, 0) if os.write(1, b'x') else 0)", "fcntl.fcntl(1, fcntl.F_SETFL, os.O_APPEND)"],
)  # fmt: skip
def test_what_one_input_does_to_the_output_is_undone_before_the_next(pool: Pool, deed: str) -> None:
    program = f"import fcntl, mmap, os, sys\nheld = []\ndef f(x):\n    if x: print('mine')\n    else: {deed}\n    return os.getpid()"
    job = Job(program, "f", ((0,), (1,), (0,), (1,)), (0,) * 4, LIMITS)
    found = pool.run(job)
    assert [found[1].output, found[3].output] == ["mine\n"] * 2
    assert [one.kind for one in found] == ["answer"] * 4


def test_standard_input_carries_nothing_from_job_to_job(pool: Pool) -> None:
    program = """
import fcntl, os
def f():
    before = fcntl.fcntl(0, fcntl.F_GETFL)
    fcntl.fcntl(0, fcntl.F_SETFL, before | os.O_NONBLOCK | os.O_APPEND)
    return [before & (os.O_NONBLOCK | os.O_APPEND), os.read(0, 1).decode()]
"""
    assert [function(pool, program)[0].answer for _ in range(2)] == [[0, ""]] * 2


def test_a_payload_is_sealed_before_it_leaves_the_host() -> None:
    with Papers(Job("def f(): pass", "f", ((),), (0,)), Frames()) as (payload, _, _):
        for change in (lambda: os.write(payload, b"x"), lambda: os.ftruncate(payload, 0)):
            with pytest.raises(PermissionError):
                change()
        assert fcntl.fcntl(payload, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SEAL


def test_inputs_that_are_given_again_are_written_once_and_read_alike():
    frames, inputs = Frames(), (([1, 2.5], "ž\ud800"), ([3], {"a": None}))
    first = frames.of(Job("one", "f", inputs, (1, 2)))
    assert frames.of(Job("two", "g", inputs, (1, 2))) is first
    equal = tuple(tuple(one) for one in map(list, inputs))
    for other in (
        Job("one", "f", equal, (1, 2)),
        Job("one", "f", inputs, (1, 3)),
        Job("one", "f", inputs, (1, 2), exact=True),
    ):
        assert frames.of(other) is not first
    assert frames.of(Job("one", "f", equal, (1, 2))) == first
    large = ((("x" * 2**20),),)
    assert frames.of(Job("one", "f", large, (1,))) is not frames.of(Job("one", "f", large, (1,))), "not kept"
    for i in range(1000):
        frames.of(Job("one", "f", ((i,),), (1,)))
    assert frames.of(Job("one", "f", inputs, (1, 2))) is not first, "a bounded number is"
