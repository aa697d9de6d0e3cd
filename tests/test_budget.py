"""Allowances are enforced by the host, all or nothing, also under threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.budget import Allowance, Meter, Usage
from selftaught.errors import Refusal
from selftaught.sandbox.guest.wire import MAX_LIST


def test_a_batch_costs_as_many_calls_as_it_needs():
    meter = Meter(Allowance(calls=4, responses=6))
    meter.reserve_answers(13)
    assert (meter.used.calls, meter.used.responses) == (3, 13)


def test_what_does_not_fit_is_refused_whole_and_the_rest_stays_usable():
    meter = Meter(Allowance(calls=2, responses=3, scorings=5))
    with pytest.raises(Refusal, match="7 answers need 3 calls of the model, 2 of 2 are left") as refused:
        meter.reserve_answers(7)
    assert refused.value.kind == "BudgetExhausted"
    assert meter.used == Usage(refused={"calls": 3, "responses": 7})
    meter.reserve_answers(6)
    with pytest.raises(Refusal, match="6 scorings asked for, 5 of 5 are left"):
        meter.reserve_scorings(6)
    meter.reserve_scorings(5)
    assert (meter.used.responses, meter.used.scorings) == (6, 5)
    assert meter.used.refused == {"calls": 3, "responses": 7, "scorings": 6}


def test_more_than_a_call_may_carry_is_a_mistake_where_it_is_allowed_and_an_attempt_where_it_is_not():
    many = MAX_LIST + 1
    for meter, kind in (
        (Meter(Allowance(calls=9999, responses=1, scorings=9999)), "ValueError"),
        (Meter(Allowance()), "BudgetExhausted"),
    ):
        for reserve in (meter.reserve_answers, meter.reserve_scorings):
            with pytest.raises(Refusal) as refused:
                reserve(many)
            assert refused.value.kind == kind
        assert (meter.used.responses, meter.used.scorings) == (0, 0)
        counted = {} if kind == "ValueError" else {"calls": 167, "responses": many, "scorings": many}
        assert meter.used.refused == counted
    meter = Meter(Allowance(calls=9999, responses=1, scorings=9999))
    meter.reserve_answers(MAX_LIST)
    meter.reserve_scorings(MAX_LIST)


def test_the_call_that_crosses_the_token_limit_is_the_last():
    meter = Meter(Allowance(tokens=100))
    meter.reserve_answers(1)
    meter.add(Usage(tokens_in=60, tokens_out=60))
    for _ in range(2):
        with pytest.raises(Refusal, match="100 tokens"):
            meter.reserve_answers(1)
    assert meter.used.refused == {"calls": 2, "responses": 2, "tokens": 2}


@given(st.integers(1, 9), st.lists(st.integers(1, 4), max_size=30))
def test_threads_never_overdraw(scorings, wishes):
    meter = Meter(Allowance(scorings=scorings))

    def wish(count):
        try:
            meter.reserve_scorings(count)
        except Refusal:
            return 0
        return count

    with ThreadPoolExecutor(4) as pool:
        granted = sum(pool.map(wish, wishes))
    assert granted == meter.used.scorings <= scorings


def test_an_unknown_price_stays_unknown():
    assert (Usage(dollars=1.5) + Usage(dollars=None)).dollars is None
    assert (Usage(dollars=1.5) + Usage(dollars=0.5)).dollars == 2.0
