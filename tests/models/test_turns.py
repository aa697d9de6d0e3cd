"""A model on this machine and the scoring of programs take turns with the cores: never both, and neither waits for ever."""

import random
import threading
import time
from collections import Counter

import pytest
from faultserver import FaultServer, completion

import selftaught as public
from selftaught import ModelChoice, Price
from selftaught.budget import Allowance
from selftaught.models.turns import Turns
from selftaught.sandbox.pool import Pool

SOLUTION = "```python\ndef f(x, y):\n    return x + {}\n```"


def test_never_both_at_once_and_many_of_a_kind_together():
    turns, inside, most, lock = Turns(), Counter(), Counter(), threading.Lock()

    def work(kind, other, seed):
        rng = random.Random(seed)
        for _ in range(30):
            time.sleep(rng.random() / 500)
            with turns.of(kind):
                with lock:
                    inside[kind] += 1
                    assert inside[other] == 0
                    most[kind] = max(most[kind], inside[kind])
                time.sleep(rng.random() / 500)
                with lock:
                    inside[kind] -= 1
        done.append(kind)

    done, kinds = [], ("asking", "scoring")
    threads = [threading.Thread(target=work, args=(*kinds[:: 1 - 2 * (i % 2)], i)) for i in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert Counter(done) == {"asking": 6, "scoring": 6}, "nobody failed, and nobody waits for ever"
    assert most["asking"] > 1 and most["scoring"] > 1


def test_who_waits_is_next_though_others_of_the_kind_that_is_on_go_on_coming():
    turns, order, first, let_go = Turns(), [], threading.Event(), threading.Event()

    def work(kind, name):
        with turns.of(kind):
            order.append(name)
            if name == "first":
                first.set()
                let_go.wait(20)

    threads = [threading.Thread(target=work, args=("asking", "first"))]
    threads[0].start()
    assert first.wait(20)
    for kind, name in (("scoring", "second"), ("asking", "third")):
        threads.append(threading.Thread(target=work, args=(kind, name)))
        threads[-1].start()
        while len(turns.waiting) < len(threads) - 1:
            time.sleep(0.005)
    let_go.set()
    for one in threads:
        one.join(20)
    assert order == ["first", "second", "third"]


def test_at_the_end_everybody_goes_on():
    turns, gone = Turns(), threading.Event()
    with turns.of("asking"):
        waiting = threading.Thread(target=lambda: [turns.of("scoring").__enter__(), gone.set()])
        waiting.start()
        while not turns.waiting:
            time.sleep(0.005)
        turns.end()
        assert gone.wait(20)
    waiting.join(20)


class Spans:
    """What was under way from when to when."""

    def __init__(self):
        self.found = []

    def __call__(self, work, *args):
        began = time.monotonic()
        try:
            return work(*args)
        finally:
            self.found.append((began, time.monotonic()))

    def overlaps(self, other):
        return [
            (one, another)
            for one in self.found
            for another in other.found
            if one[0] < another[1] and another[0] < one[1]
        ]


def compared(path, monkeypatch, share_cores):
    """Requests and scorings of a comparison with a server on loopback."""
    requests, scorings, compute = Spans(), Spans(), Pool._compute
    monkeypatch.setenv("OPENAI_API_KEY", "none")

    def computed(pool, job, look):
        return scorings(compute, pool, job, look) if job.profile == "function" else compute(pool, job, look)

    def answer(body, nth):
        time.sleep(0.02 + (0.6 if share_cores else 0.1) * (nth % 4))  # who shares meets others, on busy cores too
        return completion([SOLUTION.format(nth)] * body.get("n", 1), usage=(7, 5))

    monkeypatch.setattr(Pool, "_compute", computed)
    with FaultServer(lambda body, nth: requests(answer, body, nth)) as server:
        opened = public.open_lab(
            ModelChoice("openai:m", server.url, price=Price(0.0, 0.0)), path, seed=1, share_cores=share_cores
        )
        with opened as lab:
            small = Allowance(calls=3, responses=2, scorings=6)
            public.compare_improvers(lab, ["seed", "best-of-n"], tasks=["formula:test/2"], repetitions=3, inner=small)
    return requests, scorings


def test_a_server_on_this_machine_answers_nothing_while_programs_are_scored(tmp_path, monkeypatch):
    requests, scorings = compared(tmp_path / "s.db", monkeypatch, False)
    assert len(requests.found) > 5 and len(scorings.found) > 9  # equal questions share a request, how many is chance
    assert not requests.overlaps(scorings)
    assert requests.overlaps(requests), "requests go on side by side"


def test_unless_the_cores_are_to_be_shared(tmp_path, monkeypatch):
    requests, scorings = compared(tmp_path / "s.db", monkeypatch, True)
    assert requests.overlaps(scorings)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1/v1", "https://models.invalid/v1"])
def test_only_a_model_on_this_machine_takes_turns(tmp_path, monkeypatch, base_url):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with public.open_lab(ModelChoice("openai:m", base_url, price=Price(0.0, 0.0)), tmp_path / "s.db") as lab:
        assert (lab.turns is lab.model.turns) == ("127" in base_url)
