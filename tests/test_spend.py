"""Spend limits stop a run before they are exceeded, over all its sessions, and change no result."""

import threading
from dataclasses import replace

import pytest

from selftaught.budget import Allowance, Usage
from selftaught.budget.spend import Spend, SpendLimits, Spent
from selftaught.errors import SpendExhausted
from selftaught.improver import improve
from selftaught.improvers import load
from selftaught.models import Answer
from selftaught.program import Program
from selftaught.testing import Guesser, Number, make_lab
from selftaught.utility import TaskUtility


def buy(spend, at_most, price, answers=1, tokens=0, label=None):
    with spend.buying(at_most, answers, label) as bought:
        bought += [Usage(0, 1, 0, tokens, 0, price)] * answers


def test_money_is_held_before_it_is_spent_and_who_finds_none_left_waits_for_those_under_way():
    spend = Spend(SpendLimits(dollars=1.0))
    waiting = threading.Thread(target=buy, args=(spend, 0.6, 0.1))
    with spend.buying(0.6, 1) as bought:
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive(), "0.6 + 0.6 is more than 1"
        with pytest.raises(SpendExhausted, match=r"may cost \$1.1000"):
            buy(spend, 1.1, 0.1)
        bought.append(Usage(0, 1, 0, 0, 0, 0.4))
    waiting.join(10)
    assert spend.now().dollars == 0.5
    buy(spend, 0.5, 0.5)
    with pytest.raises(SpendExhausted, match=r"limit of \$1 is reached"):
        buy(spend, 0.01, 0.01)
    assert spend.now().dollars == 1.0


def test_earlier_sessions_count():
    spend = Spend(SpendLimits(dollars=1.0, wall_s=10), Spent(dollars=0.9, wall_s=9.0))
    spend.check()
    with pytest.raises(SpendExhausted):
        buy(spend, 0.2, 0.2)
    with pytest.raises(SpendExhausted, match="10 s of time"):
        Spend(SpendLimits(wall_s=10), Spent(wall_s=10.0)).check()
    with pytest.raises(SpendExhausted, match="5 s of CPU time"):
        Spend(SpendLimits(cpu_s=5), Spent(cpu_s=5.0)).check()


def test_an_unknown_price_fits_under_no_limit_and_stays_unknown():
    with pytest.raises(SpendExhausted, match="unknown"):
        buy(Spend(SpendLimits(dollars=1.0)), None, None)
    spend = Spend()
    buy(spend, None, None)
    buy(spend, 0.1, 0.1)
    assert spend.now().dollars is None


def test_what_failed_cost_nothing_and_holds_nothing():
    spend = Spend(SpendLimits(dollars=1.0))
    with pytest.raises(OSError, match="cut"), spend.buying(0.9, 1):
        raise OSError("cut")
    buy(spend, 0.9, 0.9)
    assert spend.now().dollars == 0.9


def test_threads_never_overspend():
    spend = Spend(SpendLimits(dollars=1.0))

    def work():
        for _ in range(50):
            try:
                buy(spend, 0.1, 0.07)
            except SpendExhausted:
                return

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.83 < spend.now().dollars <= 1.0


def test_answers_are_held_before_they_are_bought():
    spend = Spend(SpendLimits(answers=10), Spent(answers=4))
    waiting = threading.Thread(target=buy, args=(spend, 0.0, 0.0, 3))
    with spend.buying(0.0, 4) as bought:
        with pytest.raises(SpendExhausted, match=r"limit of 10 answers is reached \(4 bought, 7 wanted"):
            buy(spend, 0.0, 0.0, answers=7)
        buy(spend, 0.0, 0.0, answers=2)
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        bought += [Usage(responses=1)] * 1
    waiting.join(10)
    assert spend.now().answers == 10
    with pytest.raises(SpendExhausted):
        buy(spend, 0.0, 0.0)


def test_the_request_that_crosses_the_limit_on_tokens_is_the_last():
    spend = Spend(SpendLimits(tokens=100), Spent(tokens=30))
    buy(spend, 0.0, 0.0, tokens=69)
    buy(spend, 0.0, 0.0, tokens=7)
    with pytest.raises(SpendExhausted, match=r"limit of 100 tokens is reached \(106 bought\)"):
        buy(spend, 0.0, 0.0)


def test_each_round_has_its_limit_and_goes_on_counting_where_a_session_ended():
    limits = SpendLimits(round_dollars=1.0, round_wall_s=100)
    first = Spend(limits)
    buy(first, 5.0, 5.0)
    with first.round("1"):
        buy(first, 1.0, 1.0, label="1")
    with pytest.raises(SpendExhausted, match=r"limit of \$1 for a round is reached"), first.round("2"):
        buy(first, 0.8, 0.8, label="2")
        buy(first, 0.8, 0.8, label="2")
    second = Spend(limits, Spent(**first.now().plain()))
    with second.round("1"):
        second.check("1")
    with second.round("2"):
        buy(second, 0.1, 0.1, label="2")
        with pytest.raises(SpendExhausted):
            buy(second, 0.2, 0.2, label="2")
        second.check("2")
    assert second.now().rounds["2"]["dollars"] == pytest.approx(0.9)
    fourth = Spend(limits, Spent(wall_s=300, rounds={"4": {"dollars": 0.0, "wall_s": 100, "ended": False}}))
    with fourth.round("4"):
        fourth.check()
        with pytest.raises(SpendExhausted, match="100 s of time for a round"):
            fourth.check("4")


def test_what_is_bought_counts_for_the_round_that_it_is_bought_for_whatever_else_is_under_way():
    spend = Spend(SpendLimits(round_dollars=1.0))
    with spend.round("a"), spend.round("b"):
        with spend.buying(0.9, 1, "a") as bought:
            buy(spend, 0.9, 0.5, label="b")
            buy(spend, 0.9, 0.9)
            bought += [Usage(0, 1, 0, 0, 0, 0.25)]
        buy(spend, 0.75, 0.75, label="a")
        with pytest.raises(SpendExhausted):
            buy(spend, 0.1, 0.1, label="a")
    rounds = spend.now().rounds
    assert (rounds["a"]["dollars"], rounds["b"]["dollars"]) == (1.0, 0.5)
    assert rounds["a"]["ended"] and spend.dollars == pytest.approx(2.4)


class Dear(Guesser):
    """Every answer costs 10 cents."""

    batch = 2

    def ceiling(self, request, count):
        return 0.1 * count

    def answer(self, request, rng):
        return Answer(super().answer(request, rng).text, dollars=0.1)


def test_a_run_stops_at_its_limit_keeps_what_it_bought_and_found_answers_cost_nothing(tmp_path, sandbox):
    def go(dollars, run):
        lab = make_lab(tmp_path / "s.db", sandbox, Dear(), run=run)
        lab = replace(lab, spend=Spend(SpendLimits(dollars=dollars), Spent(dollars=lab.store.bought(run).dollars)))
        utility = TaskUtility(lab, Number(), "train", 0, "practice")
        allowance = Allowance(calls=1, responses=6, scorings=6)
        return lab, lambda: improve(lab, load("seed"), Program(Number.start), utility, ["s"], allowance)

    poor, work = go(0.45, run=1)
    with pytest.raises(SpendExhausted):
        work()
    bought = poor.store.bought(1).dollars
    assert bought == pytest.approx(0.4)
    assert not list(poor.store.abouts("improvement"))
    rich, work = go(0.65, run=1)
    found = work()
    assert found.program is not None
    assert found.usage.dollars == pytest.approx(0.6), "recorded price: found and bought alike"
    assert rich.store.bought(1).dollars == pytest.approx(0.6)
    assert len(rich.model.asked) == 2
    free, work = go(0.01, run=2)
    assert work() == found
    assert free.store.bought(2).dollars == 0.0
