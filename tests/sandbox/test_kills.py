"""kill -9 in the middle of jobs: of a zygote, of its child, of the host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from selftaught.errors import SandboxFailure
from selftaught.sandbox import Job, Limits, Outcome
from selftaught.sandbox.levels import open_sandbox
from selftaught.sandbox.pool import Pool

from .test_hostile import tree

SPIN = "def f():\n    while True: pass"
GIVEN = ("s", {"str": "", "budget": 1}, {"budget": 1, "max_responses_per_call": 1})


@pytest.fixture
def pool() -> Iterator[Pool]:
    with open_sandbox("strict", 1) as opened:
        yield opened


def spin(pool: Pool, cpu_s: float) -> Outcome:
    return pool.run(Job(SPIN, "f", ((),), (0,), Limits(cpu_s=cpu_s)))[0]


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_a_lost_zygote_is_replaced_and_its_job_run_again(pool: Pool) -> None:
    jail = pool.server("function").process.pid
    idle = tree(jail)
    thread, results = in_thread(lambda: spin(pool, 1.0))
    assert wait_for(lambda: tree(jail) > idle)
    everything = tree(jail)
    os.kill(max(idle), signal.SIGKILL)
    assert wait_for(lambda: not any(tree(pid) for pid in everything), 5)
    thread.join()
    (outcome,) = results
    assert isinstance(outcome, Outcome)
    assert outcome.kind == "time"
    assert pool.restarts == 1
    assert pool.server("function").process.pid != jail


def test_a_zygote_lost_twice_on_one_job_is_a_failure_of_the_sandbox(pool: Pool) -> None:
    killed: list[int] = []

    def kill_busy_zygotes() -> None:
        for _ in range(2):
            assert wait_for(lambda: any(pid not in killed and len(tree(pid)) == 5 for pid in jails()))
            killed.extend(pid for pid in jails() if pid not in killed)
            os.kill(killed[-1], signal.SIGKILL)

    def jails() -> list[int]:
        (slot,) = pool._all
        return [server.process.pid for server, _ in list(slot.servers.values())]

    thread, results = in_thread(lambda: spin(pool, 20))
    kill_busy_zygotes()
    thread.join()
    assert isinstance(results[0], SandboxFailure)
    assert spin(pool, 0.1).kind == "time"


def test_a_killed_child_costs_its_input_only(pool: Pool) -> None:
    jail = pool.server("function").process.pid
    idle = tree(jail)
    program = "import time\ndef f(x):\n    if x == 1: time.sleep(60)\n    return x"
    task = Job(program, "f", ((0,), (1,), (2,)), (0, 0, 0), Limits(wall_s=30))
    thread, results = in_thread(lambda: pool.run(task))
    assert wait_for(lambda: tree(jail) > idle)
    time.sleep(0.2)
    os.kill((tree(jail) - idle).pop(), signal.SIGKILL)
    thread.join()
    (outcomes,) = results
    assert [o.kind for o in outcomes] == ["answer", "killed", "answer"]  # type: ignore[attr-defined]
    assert tree(jail) == idle
    assert pool.restarts == 0


def test_a_lost_improver_server_is_told_and_replaced(pool: Pool) -> None:
    jail = pool.server("improver").process.pid
    idle = tree(jail)
    sleeper = Job(
        "import time\ndef improve_algorithm(*a): time.sleep(60)",
        "improve_algorithm",
        (GIVEN,),
        (0,),
        profile="improver",
    )
    thread, results = in_thread(lambda: pool.run(sleeper))
    assert wait_for(lambda: tree(jail) > idle)
    os.kill(max(idle), signal.SIGKILL)
    thread.join()
    assert isinstance(results[0], SandboxFailure)
    answer = Job("def improve_algorithm(s, u, m): return s", "improve_algorithm", (GIVEN,), (0,), profile="improver")
    assert pool.run(answer)[0].answer == "s"


HOST = """
import sys, threading
from selftaught.sandbox import Job, Limits
from selftaught.sandbox.levels import open_sandbox
pool = open_sandbox("strict", 2)
spin = Job("def f():\\n    while True: pass", "f", ((),), (0,), Limits(cpu_s=100))
given = ("s", {"str": "", "budget": 1}, {"budget": 1, "max_responses_per_call": 1})
wait = Job("import time\\ndef improve_algorithm(*a): time.sleep(100)", "improve_algorithm", (given,), (0,), Limits(100), "improver")
for job in (spin, spin, wait, wait):
    threading.Thread(target=pool.run, args=(job,), daemon=True).start()
print("started", flush=True)
threading.Event().wait()
"""


def test_nothing_outlives_a_killed_host() -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE)
    assert host.stdout
    host.stdout.readline()
    # the host; for each of three jails four processes; two jobs that compute and two that wait
    assert wait_for(lambda: len(tree(host.pid)) >= 1 + 12 + 4)
    everything = tree(host.pid)
    host.kill()
    host.wait()
    host.stdout.close()
    assert wait_for(lambda: not any(tree(pid) for pid in everything), 5), everything


def test_closing_ends_every_process() -> None:
    with open_sandbox("strict", 2) as pool:
        spin(pool, 0.05)
        jails = [server.process.pid for server in pool.servers()]
        everything = set().union(*map(tree, jails))
        assert len(everything) >= 8
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
    assert wait_for(lambda: not any(tree(pid) for pid in everything), 5)
    assert len(list(Path("/proc/self/fd").iterdir())) < descriptors


def test_closing_in_the_middle_of_jobs_tells_their_callers() -> None:
    with open_sandbox("strict", 1) as pool:
        program = "import time\ndef improve_algorithm(*a): time.sleep(60)"
        sleeper = Job(program, "improve_algorithm", (GIVEN,), (0,), profile="improver")
        started = [in_thread(lambda: spin(pool, 30)), in_thread(lambda: pool.run(sleeper))]
        busy = [server.process.pid for server in pool.servers()]
        assert wait_for(lambda: all(len(tree(pid)) == 5 for pid in busy))
    for thread, results in started:
        thread.join(10)
        assert isinstance(results[0], SandboxFailure)


def test_an_interrupted_host_leaves_the_pool_usable(pool: Pool) -> None:
    # A shell that starts the tests in the background lets them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        spin(pool, 20)
    thread.join()
    signal.signal(signal.SIGINT, before)
    assert spin(pool, 0.05).kind == "time"
