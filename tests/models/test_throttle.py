"""The throttle: how wide it is follows from how the server answers, and nobody waits at it for ever."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.errors import ModelDown
from selftaught.models.throttle import STREAK, Throttle


def once(throttle, verdict):
    throttle.leave(throttle.enter(), verdict)


def test_throttling_narrows_once_per_round_and_good_answers_widen_again():
    throttle = Throttle(10)
    round_of_ten = [throttle.enter() for _ in range(10)]
    for entered in round_of_ten[:5]:
        throttle.leave(entered, "throttled")
    assert throttle.width == 7
    for entered in round_of_ten[5:]:
        throttle.leave(entered, "good")
    assert throttle.width == 7
    for _ in range(100):
        once(throttle, "good")
    assert throttle.width == 10


def test_a_few_failures_change_nothing():
    throttle = Throttle(10)
    for _ in range(100):
        once(throttle, "failed")
        once(throttle, "good")
    assert throttle.width == 10


def test_nothing_but_failures_closes_it_to_one_request_with_pauses():
    throttle = Throttle(10)
    for entered in [throttle.enter() for _ in range(10)]:
        throttle.leave(entered, "failed")
    assert throttle.width == 1
    assert throttle.enter(until=time.monotonic() + 0.01) is None
    entered = throttle.enter()
    assert throttle.enter(until=time.monotonic() + 0.01) is None, "a second request got in beside the first"
    throttle.leave(entered, "good")
    for _ in range(10):
        once(throttle, "good")
    assert throttle.width > 5


@given(st.lists(st.sampled_from(["good", "throttled", "failed"]), max_size=STREAK - 1), st.integers(1, 70))
def test_it_is_never_wider_than_allowed_nor_shut(verdicts, ceiling):
    throttle = Throttle(ceiling)
    for verdict in verdicts:
        once(throttle, verdict)
        assert 1 <= throttle.width <= ceiling


def test_who_waits_is_let_in_when_somebody_leaves():
    throttle = Throttle(1)
    entered = throttle.enter()
    inside = threading.Event()
    waiting = threading.Thread(target=lambda: (throttle.enter(), inside.set()))
    waiting.start()
    assert not inside.wait(0.05)
    throttle.leave(entered, "good")
    assert inside.wait(10)


@pytest.mark.parametrize(
    "wait", [lambda throttle: throttle.enter(), lambda throttle: throttle.sleep(1000)], ids=["enter", "sleep"]
)
def test_ending_it_wakes_everybody(wait):
    throttle = Throttle(1)
    throttle.enter()
    raised = []

    def waits():
        try:
            wait(throttle)
        except ModelDown as failure:
            raised.append(str(failure))

    threads = [threading.Thread(target=waits) for _ in range(3)]
    for thread in threads:
        thread.start()
    throttle.end(ModelDown("over"))
    throttle.end(ModelDown("later"))
    for thread in threads:
        thread.join(10)
    assert raised == ["over"] * 3
    with pytest.raises(ModelDown, match="over"):
        throttle.enter()
