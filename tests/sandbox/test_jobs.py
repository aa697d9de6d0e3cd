"""What jobs give back: answers, errors, limits, output, order, chance."""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from selftaught.errors import Refusal
from selftaught.sandbox import Job, Limits, Outcome, Sandbox, pool
from selftaught.sandbox.calls import Desk
from selftaught.sandbox.levels import open_sandbox
from selftaught.sandbox.server import ServerLost


def job(program: str, *inputs: tuple[object, ...], limits: Limits | None = None, seed: int = 0) -> Job:
    given = inputs or ((),)
    seeds = tuple(range(seed, seed + len(given)))
    return Job(program, "f", given, seeds, limits or Limits())  # type: ignore[arg-type]


def one(sandbox: Sandbox, program: str, *args: object, limits: Limits | None = None, seed: int = 0) -> Outcome:
    (outcome,) = sandbox.run(job(program, args, limits=limits, seed=seed))
    return outcome


def test_an_answer_is_plain_data(sandbox: Sandbox) -> None:
    outcome = one(sandbox, "def f(a, b): return {'sum': a + b, 'pair': (a, b), 'text': 'grüß', 'no': None}", 1, 2.5)
    assert outcome.kind == "answer"
    assert outcome.answer == {"sum": 3.5, "pair": [1, 2.5], "text": "grüß", "no": None}
    assert outcome.cpu_s > 0
    assert outcome.wall_s > 0
    assert 1 < outcome.peak_mb < 200


def test_arrays_of_numpy_come_back_as_lists(sandbox: Sandbox) -> None:
    outcome = one(sandbox, "import numpy as np\ndef f(n): return [np.eye(n), np.int64(7), np.float64(0.5)]", 2)
    assert outcome.answer == [[[1.0, 0.0], [0.0, 1.0]], 7, 0.5]


def test_arrays_of_each_kind_come_back_as_their_lists(sandbox: Sandbox) -> None:
    program = """
import numpy as np
def f():
    kinds = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
    first = np.arange(24).reshape(2, 3, 4)
    found = [first.astype(kind) for kind in kinds] + [first.T, first[::2, ::-1], np.asfortranarray(first), first.astype(">i4")]
    found += [np.float64(1) / 3 * first, np.zeros((3, 0)), np.array(7), np.array(["a"]), np.array([2**63], dtype="uint64")]
    return [[{"x": one, "y": (one,)} for one in found], [repr({"x": one.tolist(), "y": [one.tolist()]}) for one in found]]
"""
    outcome = one(sandbox, program, limits=Limits(cpu_s=5))
    assert outcome.kind == "answer", outcome
    found, expected = outcome.answer  # type: ignore[misc]
    assert [repr(value) for value in found] == expected  # type: ignore[union-attr]


def test_a_large_array_may_come_back_where_its_digits_would_not_fit(sandbox: Sandbox) -> None:
    program = "import numpy as np\ndef f(): return np.random.rand(300, 300)"
    outcome = one(sandbox, program, limits=Limits(cpu_s=5, answer_kb=800))
    assert outcome.kind == "answer", outcome.error


def test_an_error_says_where_in_the_program(sandbox: Sandbox) -> None:
    outcome = one(sandbox, "def g(x):\n    return 1 / x\n\ndef f():\n    return g(0)\n")
    assert outcome.kind == "error"
    assert outcome.error.splitlines() == [
        "ZeroDivisionError: division by zero",
        "  line 5, in f: return g(0)",
        "  line 2, in g: return 1 / x",
    ]


@pytest.mark.parametrize(
    ("program", "kind", "words"),
    [
        ("def f(: pass", "defect", "syntax error in line 1"),
        ("x = 1", "defect", "does not define f"),
        ("f = 3", "error", "no function f"),
        ("import os\ndef f(): os.write(4, b'\\xff' * 4)", "error", "a forged message"),
        ("import scipy\ndef f(): pass", "error", "No module named 'scipy'"),
        ("def f(): raise SystemExit(0)", "error", "SystemExit: 0"),
        ("def f(): return {1, 2}", "error", "no plain data: set"),
        ("def f(): return float('nan')", "error", "not JSON compliant"),
        ("def f(): return input()", "error", "EOFError"),
        ("def f(): return 'x' * 2**21", "output", "larger than 1024 KiB"),
        ("def f(): return bytearray(2**31)", "memory", "out of memory"),
        ("import numpy\ndef f(): return numpy.ones(2, 'longdouble')", "error", "no plain data: "),
        ("import os\ndef f(): os._exit(0)", "error", "without an answer (exit status 0)"),
        ("def f():\n    while True: pass", "time", "CPU time"),
        ("import time\ndef f(): time.sleep(60)", "time", "by the clock"),
        ("def f():\n    while True: print('y' * 1000)", "output", "printed more than 4096 KiB"),
    ],
)
def test_failures_are_values(sandbox: Sandbox, program: str, kind: str, words: str) -> None:
    outcome = one(sandbox, program, limits=Limits(cpu_s=0.5, wall_s=1.5 if "sleep" in program else 30))
    assert (outcome.kind, outcome.answer) == (kind, None)
    assert words in outcome.error
    assert one(sandbox, "def f(x): return x + 1", 1).answer == 2


def test_a_batch_goes_on_after_each_kind_of_death(sandbox: Sandbox) -> None:
    program = """
import os
def f(x):
    print("at", x)
    if x == 1: os._exit(3)
    if x == 3:
        while True: pass
    if x == 4: raise ValueError("four")
    return x * x
"""
    outcomes = sandbox.run(job(program, *((x,) for x in range(6)), limits=Limits(cpu_s=0.2)))
    assert [o.kind for o in outcomes] == ["answer", "error", "answer", "time", "error", "answer"]
    assert [o.answer for o in outcomes] == [0, None, 4, None, None, 25]
    assert [o.output for o in outcomes] == [f"at {x}\n" for x in range(6)]


CHANCE = """
import os, random, secrets, tempfile, uuid
import numpy as np
def f(x=None):
    return [random.random(), random.Random().random(), secrets.token_hex(4), str(uuid.uuid4()), os.urandom(4).hex(),
        np.random.rand(), np.random.default_rng().random(), np.random.RandomState().rand(), hash("text"),
        random.SystemRandom().random(), os.getrandom(4).hex(), next(tempfile._RandomNameSequence()), str(np.random.SeedSequence().entropy),
        np.random.MT19937().random_raw(), list({"a", "b", "c", None})]
"""


def test_chance_comes_from_the_seed_alone(sandbox: Sandbox) -> None:
    with open_sandbox("strict", slots=1) as other:
        first = one(sandbox, CHANCE, seed=5)
        again = one(other, CHANCE, seed=5)
    differs = one(sandbox, CHANCE, seed=6)
    in_batch = sandbox.run(job(CHANCE, (1,), (1,), seed=4))[1]
    assert first.kind == "answer", first.error
    assert first.answer == again.answer == in_batch.answer
    assert isinstance(first.answer, list)
    assert isinstance(differs.answer, list)
    assert all(
        a != b
        for a, b in zip(first.answer[:8] + first.answer[9:14], differs.answer[:8] + differs.answer[9:14], strict=True)
    )


def improve(sandbox: Sandbox, program: str, limits: Limits | None = None, **functions: object) -> Outcome:
    given = ("start", {"str": "what counts", "budget": 5}, {"budget": 4, "max_responses_per_call": 6})
    task = Job(program, "improve_algorithm", (given,), (1,), limits or Limits(cpu_s=5, wall_s=20), "improver")
    return sandbox.run(task, functions)[0]  # type: ignore[arg-type]


def test_an_improver_calls_the_host(sandbox: Sandbox) -> None:
    program = """
from helpers import extract_code
def improve_algorithm(initial_solution, utility, language_model):
    one = language_model.prompt("be good", "m", n_responses=2, temperature=1)
    many = language_model.batch_prompt("be good", ["p", "q"])
    return [initial_solution, utility.str, utility.budget, language_model.budget, language_model.max_responses_per_call,
        one, many, utility("abc"), utility.map(["a", "ab"]), utility.feedback("x"), extract_code("```\\nx = 1\\n```")]
"""
    outcome = improve(
        sandbox,
        program,
        ask=lambda expertise, messages, temperature: [f"{expertise} {m} {temperature}" for m in messages],
        utility=lambda solutions: [float(len(s)) for s in solutions],
        feedback=lambda solution: f"{solution}?",
    )
    assert outcome.answer == [
        "start", "what counts", 5, 4, 6, ["be good m 1.0"] * 2, ["be good p 0.7", "be good q 0.7"],
        3.0, [1.0, 2.0], "x?", "x = 1\n",
    ], outcome.error  # fmt: skip


def test_a_refusal_can_be_caught_by_name(sandbox: Sandbox) -> None:
    program = """
from helpers import BudgetExhausted
def improve_algorithm(initial_solution, utility, language_model):
    try:
        utility("a")
    except BudgetExhausted as error:
        first = str(error)
    try:
        language_model.prompt("a", "b")
    except Exception as error:
        return [first, type(error).__name__]
"""

    def refuse(**_: object) -> float:
        raise Refusal("BudgetExhausted", "25 scorings are used up")

    def wrong(**_: object) -> float:
        raise Refusal("ValueError", "no")

    outcome = improve(sandbox, program, utility=refuse, ask=wrong)
    assert outcome.answer == ["25 scorings are used up", "ValueError"]


def test_a_call_that_is_too_large_fails_and_the_improver_goes_on(sandbox: Sandbox) -> None:
    program = """
def improve_algorithm(initial_solution, utility, language_model):
    found = []
    def attempt(call):
        try: call()
        except Exception as error: found.append(f"{type(error).__name__}: {error}")
    attempt(lambda: utility.map(["x"] * 5000))
    attempt(lambda: language_model.prompt("e", "m", n_responses=5000))
    attempt(lambda: utility("x" * (9 << 20)))
    utility.budget = language_model.max_responses_per_call = 10**6  # what it believes changes nothing
    attempt(lambda: utility.map(["x"] * 1001, use_sandbox=False))
    return [*found, utility("a"), sum(utility.map(["x"] * 1000))]
"""
    told = []

    def utility(solutions: list[str], ignored: Sequence[str] = ()) -> list[float]:
        told.append((len(solutions), ignored))
        if len(solutions) > 1000 and not ignored:
            raise Refusal("BudgetExhausted", "too many")
        return [1.0] * len(solutions)

    def ask(messages: list[str], **_: object) -> list[str]:
        raise Refusal("ValueError", f"one call may not carry {len(messages)}")

    outcome = improve(sandbox, program, utility=utility, ask=ask)
    assert told == [(1001, ()), (1001, ["use_sandbox=False"]), (1, ()), (1000, ())], "the host hears of each"
    assert outcome.answer == [
        "BudgetExhausted: one call may carry 1,000 solutions, not 5,000",
        "ValueError: one call may carry 1,000 messages, not 5,000",
        "ValueError: one call may carry 8 MiB, not 9.0",
        "ValueError: one call may carry 1,000 solutions, not 1,001",
        1.0,
        1000.0,
    ], outcome.error


def test_a_failing_host_function_ends_the_improver_and_comes_out(sandbox: Sandbox) -> None:
    def broken(**_: object) -> float:
        raise KeyError("the model is gone")

    with pytest.raises(KeyError, match="the model is gone"):
        improve(sandbox, "def improve_algorithm(s, u, m):\n    while True: u('a')", utility=broken)
    assert improve(sandbox, "def improve_algorithm(s, u, m): return s").answer == "start"


def test_calls_from_many_threads_are_served_at_once_and_sorted_out(sandbox: Sandbox) -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
def improve_algorithm(s, utility, m):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(utility, ["x" * n for n in range(40)]))
"""
    gate = threading.Barrier(8, timeout=90)

    def utility(solutions: list[str]) -> list[float]:
        gate.wait()  # passes only when eight calls are here at the same time
        time.sleep(0.001 * (len(solutions[0]) % 3))
        return [float(len(s)) for s in solutions]

    assert improve(sandbox, program, utility=utility).answer == [float(n) for n in range(40)]


def test_an_improvers_clock_stops_while_it_waits_for_the_host(sandbox: Sandbox) -> None:
    def slow(solutions: list[str]) -> list[float]:
        time.sleep(2)
        return [1.0]

    limits = Limits(cpu_s=5, wall_s=1.5)
    assert improve(sandbox, "def improve_algorithm(s, u, m): return u(s)", limits, utility=slow).answer == 1.0
    sleeper = "import time\ndef improve_algorithm(s, u, m): time.sleep(60)"
    assert improve(sandbox, sleeper, limits, utility=slow).kind == "time"


def test_what_an_improver_assigns_changes_nothing_but_its_own_view(sandbox: Sandbox) -> None:
    program = """
import copy
def improve_algorithm(s, utility, model):
    model.budget = 10**9
    greedy = type(model)(budget=10**9, max_responses_per_call=10**9)
    twin = copy.deepcopy(utility)
    twin.budget = 10**9
    class Mine(type(model)): pass
    return [len(greedy.prompt("a", "b", n_responses=3)), twin(s), Mine(1, 2).budget]
"""
    asked: list[int] = []

    def ask(expertise: str, messages: list[str], temperature: float) -> list[str]:
        asked.append(len(messages))
        return messages

    outcome = improve(sandbox, program, ask=ask, utility=lambda solutions: [0.5])
    assert outcome.answer == [3, 0.5, 1], outcome.error
    assert asked == [3]


def test_improvers_leave_nothing_in_the_host(sandbox: Sandbox) -> None:
    program = "def improve_algorithm(s, utility, m): return utility(s)"
    improve(sandbox, program, utility=lambda solutions: [1.0])
    before = (len(os.listdir("/proc/self/fd")), threading.active_count())
    for _ in range(20):
        improve(sandbox, program, utility=lambda solutions: [1.0])
        improve(sandbox, "def improve_algorithm(s, u, m): return 1 / 0")
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before


def test_many_improvers_with_threads_side_by_side(sandbox: Sandbox) -> None:
    program = """
import os
import threading
def improve_algorithm(s, utility, m):
    found = []
    threads = [threading.Thread(target=lambda: found.append(utility(s))) for _ in range(8)]
    for t in threads: t.start()
    for t in threads: t.join()
    return sum(found)
"""
    all_here = threading.Barrier(64, timeout=60)
    answers: list[object] = []

    def run() -> None:
        met = threading.Event()

        def utility(solutions: list[str]) -> list[float]:
            if not met.is_set():
                met.set()
                all_here.wait()
            return [1.0]

        answers.append(improve(sandbox, program, Limits(cpu_s=20, wall_s=60), utility=utility).answer)

    threads = [threading.Thread(target=run) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [8.0] * 64


def test_a_mark_of_the_byte_order_is_no_part_of_a_program(sandbox: Sandbox) -> None:
    assert one(sandbox, "\ufeffdef f(x): return x + 1", 1).answer == 2


def test_that_all_answers_together_are_too_large_is_said_as_such(sandbox: Sandbox) -> None:
    program = "def f(i): return 'x' * 1_000_000"
    outcomes = sandbox.run(Job(program, "f", tuple((i,) for i in range(20)), (0,) * 20, Limits(cpu_s=2)))
    late = [outcome for outcome in outcomes if outcome.kind == "output"]
    assert late and all("all answers together are larger than 16384 KiB" in outcome.error for outcome in late)


def test_a_job_that_is_exact_keeps_tuples_and_keys_both_ways(sandbox: Sandbox) -> None:
    given: tuple[object, ...] = ({0: 5, (1, 2): [(3,)]}, (1, (2.5, None)))
    exact = Job("def f(*given): return given", "f", (given,), (0,), exact=True)  # type: ignore[arg-type]
    assert sandbox.run(exact)[0].answer == given
    forged = Job("def f(): return {'\\0dict': [[[1], 2]]}", "f", ((),), (0,), exact=True)
    assert sandbox.run(forged)[0].kind == "error"


def test_what_a_package_does_as_it_is_imported_is_no_attempt_and_what_hides_behind_it_is_one(sandbox: Sandbox) -> None:
    probes = "import scipy.linalg, scipy.integrate\ndef f(path):\n    try: open(path)\n    except OSError: return 1"
    paths = ["/site/scipy/../../etc/passwd", "/site/scipy/linalg/../../../etc/x", "/site/../etc/x", "/etc/passwd"]
    job = Job(
        probes, "f", (("/site/scipy/linalg/../../none",), *((one,) for one in paths)), (0,) * 5, packages=("scipy",)
    )
    harmless, *others = sandbox.run(replace(job, limits=Limits(cpu_s=20)))
    if harmless.denied.calls is not None and sandbox.level == "strict":
        assert not harmless.denied
        assert [one.denied.calls for one in others] == [{"openat": 1}] * 4


def test_a_program_may_import_a_package_only_where_it_is_asked_for(sandbox: Sandbox) -> None:
    program = "from scipy.special import expit\ndef f(): return float(expit(0.0))"
    limits = Limits(cpu_s=10)
    assert sandbox.run(Job(program, "f", ((),), (0,), limits, packages=("scipy",)))[0].answer == 0.5
    assert sandbox.run(Job(program, "f", ((),), (0,), limits))[0].error.startswith("ModuleNotFoundError")


def test_reading_a_large_input_is_no_work_of_the_program_and_one_that_does_not_fit_is_told_so(sandbox: Sandbox) -> None:
    large = list(range(2_000_000))  # takes some 150 ms to read
    inputs: tuple[tuple[object, ...], ...] = ((large,), ([1],), (large,), ([1, 2],))
    job = Job("def f(x): return len(x)", "f", inputs, (0,) * 4, Limits(cpu_s=0.05, memory_mb=1024))  # type: ignore[arg-type]
    assert [one.answer for one in sandbox.run(job)] == [2_000_000, 1, 2_000_000, 2]
    tight = sandbox.run(Job(job.program, "f", job.inputs, job.seeds, Limits(memory_mb=64)))
    assert [one.kind for one in tight] == ["memory", "answer", "memory", "answer"]
    assert "its input is too large" in tight[0].error


def test_packages_are_found_where_a_sandbox_has_no_mounts_of_its_own() -> None:
    with open_sandbox("confined", slots=1) as confined:
        job = Job("import scipy.linalg\ndef f(): return 1", "f", ((),), (0,), Limits(cpu_s=20), packages=("scipy",))
        (found,) = confined.run(job)
    assert (found.answer, bool(found.denied)) == (1, False)


@pytest.mark.parametrize("profile", ["function", "improver"])
def test_whoever_waits_for_a_job_may_end_it(sandbox: Sandbox, profile: str) -> None:
    class Enough(Exception):
        pass

    looked: list[float] = []

    def look() -> None:
        looked.append(time.monotonic())
        if len(looked) == 3:
            raise Enough

    asleep = Job(
        "def f(*given):\n    import time\n    time.sleep(60)\n", "f", ((1, 2, 3, "f"),), (1,), Limits(cpu_s=20)
    )
    with pytest.raises(Enough):
        sandbox.run(replace(asleep, profile=profile) if profile == "function" else _improving(asleep), {}, look)
    assert looked[-1] - looked[0] < 10
    assert one(sandbox, "def f():\n    return 1\n").answer == 1, "the next job is served"


def _improving(task: Job) -> Job:
    given = ("start", {"str": "", "budget": 5}, {"budget": 4, "max_responses_per_call": 6})
    return replace(task, inputs=(given,), profile="improver")


def test_a_job_that_ends_in_time_is_looked_at_and_goes_on(sandbox: Sandbox) -> None:
    looked: list[int] = []
    slow = job("import time\ndef f(x):\n    time.sleep(1.2)\n    return x\n", (1,), (2,))
    assert [one.answer for one in sandbox.run(slow, None, lambda: looked.append(1))] == [1, 2]
    assert looked


def test_many_open_files_are_no_hindrance(sandbox: Sandbox) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    held: list[int] = []
    try:
        with open("/dev/null", "rb") as nothing:
            held += [os.dup(nothing.fileno()) for _ in range(1200)]
        asked = _improving(Job("def f(*given):\n    return 'x'\n", "f", ((),), (1,)))
        assert sandbox.run(asked, {}, lambda: None)[0].answer == "x"
        assert sandbox.run(job("def f(x):\n    return x\n", (1,)), None, lambda: None)[0].answer == 1
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("look", [None, lambda: None])
def test_a_server_that_reports_nothing_is_lost_in_the_end(
    monkeypatch: pytest.MonkeyPatch, look: Callable[[], None] | None
) -> None:
    monkeypatch.setattr(pool, "_NET_S", 1.5)
    line, _silent = socket.socketpair()
    calls, _other = socket.socketpair()
    with line, _silent, calls, _other:
        desk = Desk(calls, {}, lambda: None)
        desk.ended = True
        began = time.monotonic()
        with pytest.raises(ServerLost):
            pool._attend(line, calls, desk, 60.0, look)
        assert 1.4 < time.monotonic() - began < 10
        desk.close()
        line.settimeout(1.5)
        began = time.monotonic()
        with pytest.raises(OSError):
            pool._heard(line, look)
        assert 1.4 < time.monotonic() - began < 5, "not twice as long"
