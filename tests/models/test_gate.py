"""The gate: how wide it is follows from how the server answers, and nobody waits at it for ever."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.errors import ModelDown
from selftaught.models.gate import STREAK, Gate


def once(gate, verdict):
    gate.leave(gate.enter(), verdict)


def test_throttling_narrows_once_per_round_and_good_answers_widen_again():
    gate = Gate(10)
    round_of_ten = [gate.enter() for _ in range(10)]
    for entered in round_of_ten[:5]:
        gate.leave(entered, "throttled")
    assert gate.width == 7
    for entered in round_of_ten[5:]:
        gate.leave(entered, "good")
    assert gate.width == 7
    for _ in range(100):
        once(gate, "good")
    assert gate.width == 10


def test_a_few_failures_change_nothing():
    gate = Gate(10)
    for _ in range(100):
        once(gate, "failed")
        once(gate, "good")
    assert gate.width == 10


def test_nothing_but_failures_closes_it_to_one_request_with_pauses():
    gate = Gate(10)
    for entered in [gate.enter() for _ in range(10)]:
        gate.leave(entered, "failed")
    assert gate.width == 1
    assert gate.enter(until=time.monotonic() + 0.01) is None
    entered = gate.enter()
    assert gate.enter(until=time.monotonic() + 0.01) is None, "a second request got in beside the first"
    gate.leave(entered, "good")
    for _ in range(10):
        once(gate, "good")
    assert gate.width > 5


@given(st.lists(st.sampled_from(["good", "throttled", "failed"]), max_size=STREAK - 1), st.integers(1, 70))
def test_it_is_never_wider_than_allowed_nor_shut(verdicts, ceiling):
    gate = Gate(ceiling)
    for verdict in verdicts:
        once(gate, verdict)
        assert 1 <= gate.width <= ceiling


def test_who_waits_is_let_in_when_somebody_leaves():
    gate = Gate(1)
    entered = gate.enter()
    inside = threading.Event()
    waiting = threading.Thread(target=lambda: (gate.enter(), inside.set()))
    waiting.start()
    assert not inside.wait(0.05)
    gate.leave(entered, "good")
    assert inside.wait(10)


@pytest.mark.parametrize("wait", [lambda gate: gate.enter(), lambda gate: gate.sleep(1000)], ids=["enter", "sleep"])
def test_ending_it_wakes_everybody(wait):
    gate = Gate(1)
    gate.enter()
    raised = []

    def waits():
        try:
            wait(gate)
        except ModelDown as failure:
            raised.append(str(failure))

    threads = [threading.Thread(target=waits) for _ in range(3)]
    for thread in threads:
        thread.start()
    gate.end(ModelDown("over"))
    gate.end(ModelDown("later"))
    for thread in threads:
        thread.join(10)
    assert raised == ["over"] * 3
    with pytest.raises(ModelDown, match="over"):
        gate.enter()
