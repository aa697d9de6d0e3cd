"""What the sandbox costs: ratios of interleaved rounds within one run, so that other load on the machine matters little.

Times are medians of the best round. CPU figures are those of the fork server with all its children, read from the kernel.
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from selftaught.sandbox import Job, Limits
from selftaught.sandbox.jail import Layers
from selftaught.sandbox.levels import open_sandbox
from selftaught.sandbox.pool import Pool

TRIVIAL = "def f(x):\n    return x + 1\n"
NUMPY = "import numpy as np\ndef f(x):\n    return float(np.full((50, 50), x).sum())\n"
CALLER = """
import time
def improve_algorithm(initial_solution, utility, language_model):
    taken = []
    for _ in range(2000):
        begin = time.perf_counter()
        utility(initial_solution)
        taken.append(time.perf_counter() - begin)
    return taken
"""
Pair = list[tuple[float, float]]
"""Of one round: round trip and CPU, of the one and of the other."""
PLAIN = Layers(pidns=False, landlock=False, filter=False)


def job(program: str = TRIVIAL, inputs: int = 1) -> Job:
    return Job(program, "f", ((1,),) * inputs, (0,) * inputs)


def run(quick: bool = False) -> dict[str, object]:
    """All figures of the table, by name; `goal` says what each should reach."""
    rounds, soak = (3, 500) if quick else (9, 20_000)
    figures: dict[str, object] = {}
    with _strict(1) as strict, Pool("plain", PLAIN, 1) as plain:
        figures["trivial job, strict against a plain fork"] = _against(strict, plain, TRIVIAL, rounds)
        figures["numpy job, strict against a plain fork"] = _against(strict, plain, NUMPY, rounds)
        with Pool("strict", Layers(counting=False), 1) as uncounted:
            figures["trivial job, attempts counted against not"] = _counting(strict, uncounted, TRIVIAL, rounds)
            figures["numpy job, attempts counted against not"] = _counting(strict, uncounted, NUMPY, rounds)
        figures["200 instances in one job against 200 jobs"] = _batch(strict, rounds)
        figures["trivial job, with files against without"] = _files(strict, rounds)
        figures["remote call"] = _remote(strict)
    figures["jobs per second, 2 slots against 1"] = _slots(rounds)
    figures["processes left after kill -9 of the host"] = _killed(rounds)
    figures["soak"] = _soak(soak)
    return figures


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _strict(slots: int) -> Pool:
    """The sandbox as users have it."""
    pool = open_sandbox("strict", slots)
    assert isinstance(pool, Pool)
    return pool


def _round(pools: Sequence[Pool], program: str, jobs: int = 60) -> list[tuple[float, float]]:
    """For each pool: median round trip and CPU of its server per job, in ms. The pools take turns job by job, and in who
    comes first."""
    before = [_server_cpu(pool) for pool in pools]
    trips: list[list[float]] = [[] for _ in pools]
    for number in range(jobs):
        for k in range(len(pools))[:: 1 if number % 2 else -1]:
            trips[k].append(_timed(lambda k=k: pools[k].run(job(program))))
    spent = [(_server_cpu(pool) - start) / jobs * 1e3 for pool, start in zip(pools, before, strict=True)]
    return [(statistics.median(one) * 1e3, cpu) for one, cpu in zip(trips, spent, strict=True)]


def _against(strict: Pool, plain: Pool, program: str, rounds: int) -> dict[str, object]:
    host = time.process_time()
    pairs = [_round((strict, plain), program) for _ in range(rounds)]
    host = time.process_time() - host
    trips = [min(pair[side][0] for pair in pairs) for side in range(2)]
    cpu = [statistics.mean(pair[side][1] for pair in pairs) for side in range(2)]
    return {
        "ratio": trips[0] / trips[1],
        "goal": "<= 1.25",
        "cpu_ratio": cpu[0] / cpu[1],
        "strict_ms": trips[0],
        "plain_ms": trips[1],
        "strict_cpu_ms": cpu[0],
        "host_cpu_ms": host / (rounds * 120) * 1e3,
    }


def _counting(counted: Pool, uncounted: Pool, program: str, rounds: int) -> dict[str, object]:
    """Jobs whose attempts are counted outside and jobs whose are not take turns: the ratio of their CPU time over all rounds,
    which other load hardly touches, and the median over rounds of that of their round trips, which it does; each with the
    interval of 95 % by resampling rounds."""
    pairs = [_round((counted, uncounted), program) for _ in range(4 * rounds)]

    def cpu(some: Sequence[Pair]) -> float:
        return sum(one[1] for one, _ in some) / sum(other[1] for _, other in some)

    def trip(some: Sequence[Pair]) -> float:
        return statistics.median(one[0] / other[0] for one, other in some)

    return {"goal": "<= 1.05", **_figure("cpu_ratio", pairs, cpu), **_figure("trip_ratio", pairs, trip)}


def _figure(name: str, pairs: Sequence[Pair], of: Callable[[Sequence[Pair]], float]) -> dict[str, object]:
    chance = random.Random(0)
    found = sorted(of(chance.choices(pairs, k=len(pairs))) for _ in range(2000))
    return {name: of(pairs), f"{name}_low": found[49], f"{name}_high": found[1949]}


def _batch(pool: Pool, rounds: int) -> dict[str, object]:
    many = [_timed(lambda: [pool.run(job()) for _ in range(200)]) for _ in range(rounds)]
    one = [_timed(lambda: pool.run(job(inputs=200))) for _ in range(rounds)]
    return {"ratio": min(many) / min(one), "goal": ">= 20", "one_job_ms": min(one) * 1e3, "jobs_ms": min(many) * 1e3}


def _files(pool: Pool, rounds: int) -> dict[str, object]:
    """Jobs with and without a folder of their own take turns."""
    jobs = (job(), replace(job(), limits=Limits(files_mb=16)))
    times = [[[_timed(lambda one=one: pool.run(one)) for one in jobs] for _ in range(60)] for _ in range(rounds)]
    without, given = (min(statistics.median(trip[side] for trip in one) for one in times) * 1e3 for side in range(2))
    return {"ratio": given / without, "without_ms": without, "with_ms": given}


def _remote(pool: Pool) -> dict[str, object]:
    given = ("x", {"str": "", "budget": 1}, {"budget": 1, "max_responses_per_call": 1})
    task = Job(CALLER, "improve_algorithm", (given,), (0,), Limits(cpu_s=60), "improver")
    (outcome,) = pool.run(task, {"utility": lambda **_: [1.0]})
    assert isinstance(outcome.answer, list), outcome
    taken = sorted(float(str(one)) for one in outcome.answer)
    return {"median_ms": statistics.median(taken) * 1e3, "p99_ms": taken[-20] * 1e3, "goal": "<= 0.2"}


def _slots(rounds: int) -> dict[str, object]:
    """Two slots are kept busy by two threads, one slot by one; each thread's jobs take some CPU time in the guest."""
    program = "def f(x):\n    s = 0\n    for i in range(60000):\n        s += i\n    return s\n"

    def work(pool: Pool, jobs: int) -> None:
        for _ in range(jobs):
            pool.run(job(program))

    with _strict(1) as one, _strict(2) as two, ThreadPoolExecutor(2) as threads:
        work(one, 5)
        list(threads.map(work, [two, two], [5, 5]))
        single = [_timed(lambda: work(one, 60)) for _ in range(rounds)]
        double = [_timed(lambda: list(threads.map(work, [two, two], [60, 60]))) for _ in range(rounds)]
    return {"ratio": 2 * min(single) / min(double), "goal": ">= 1.8", "cores": os.cpu_count()}


_HOST = """
import threading
from selftaught.sandbox import Job, Limits
from selftaught.sandbox.levels import open_sandbox
pool = open_sandbox("strict", 2)
spin = Job("def f():\\n    while True: pass", "f", ((),), (0,), Limits(cpu_s=100))
given = ("s", {"str": "", "budget": 1}, {"budget": 1, "max_responses_per_call": 1})
wait = Job("import time\\ndef improve_algorithm(*a): time.sleep(100)", "improve_algorithm", (given,), (0,), profile="improver")
for job in (spin, spin, wait, wait):
    threading.Thread(target=pool.run, args=(job,), daemon=True).start()
threading.Event().wait()
"""


def _killed(rounds: int) -> dict[str, object]:
    """Seconds from the death of a host with two jobs that compute and two that wait until the last process has gone."""
    taken: list[float] = []
    for _ in range(rounds):
        with subprocess.Popen([sys.executable, "-c", _HOST]) as host:
            try:
                # the host, four processes for each of three jails, four jobs
                while len(everything := _below([host.pid])) < 17:
                    time.sleep(0.01)
            finally:
                host.kill()
            begin = time.perf_counter()
            while any(map(_lives, everything)):
                time.sleep(0.001)
            taken.append(time.perf_counter() - begin)
    return {"median_s": statistics.median(taken), "longest_s": max(taken), "goal": "<= 1"}


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _soak(jobs: int) -> dict[str, object]:
    """Many jobs on one pool of one slot: what the server and the host keep of them, and its cost beside a fresh pool's."""
    with _strict(1) as used:
        for _ in range(200):
            used.run(job())
        before = _footprint(used)
        for _ in range(jobs):
            used.run(job())
        after = _footprint(used)
        with _strict(1) as fresh:
            _round((used, fresh), TRIVIAL)
            (used_ms, used_cpu), (fresh_ms, fresh_cpu) = _round((used, fresh), TRIVIAL, 500)
        return {
            "jobs": jobs,
            "before": before,
            "growth": {name: after[name] - before[name] for name in after},
            "cost_ratio": used_ms / fresh_ms,
            "cpu_cost_ratio": used_cpu / fresh_cpu,
            "goal": "no growth; cost ratios about 1",
            "restarts": used.restarts,
        }


def _server_cpu(pool: Pool) -> float:
    """CPU seconds of a pool's fork servers and of all children they have buried."""
    ticks = 0
    for pid in _processes(pool):
        ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _processes(pool: Pool) -> list[int]:
    """The jails of the pool, with every process below them."""
    return _below([server.process.pid for server in pool.servers()])


def _below(roots: list[int]) -> list[int]:
    found = list(roots)
    for pid in found:
        with contextlib.suppress(OSError):  # it has just ended, or a thread of it
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def _footprint(pool: Pool) -> dict[str, float]:
    """Memory, descriptors, mounts, processes and threads of the server and of this process."""
    processes = _processes(pool)
    return {
        "server_kb": sum(_resident_kb(pid) for pid in processes),
        "server_descriptors": sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in processes),
        "server_mounts": max(len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines()) for pid in processes),
        "processes": len(processes),
        "host_kb": _resident_kb(os.getpid()),
        "host_descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "host_threads": threading.active_count(),
    }


def _resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
