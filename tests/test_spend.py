"""Spend limits stop a run before they are exceeded, over all its sessions, and change no result."""

import threading
from dataclasses import replace

import pytest
from toys import Guesser, Number, make_lab

from selftaught.budget import Allowance
from selftaught.errors import SpendExhausted
from selftaught.improver import improve
from selftaught.improvers import load
from selftaught.models import Answer
from selftaught.program import Program
from selftaught.spend import Spend, SpendLimits, Spent
from selftaught.utility import TaskUtility


def buy(spend, at_most, price):
    with spend.buying(at_most) as prices:
        prices.append(price)


def test_money_is_held_before_it_is_spent():
    spend = Spend(SpendLimits(dollars=1.0))
    with spend.buying(0.6), pytest.raises(SpendExhausted, match=r"\$0.6000 under way"):
        buy(spend, 0.6, 0.1)
    buy(spend, 0.6, 0.5)
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
    with pytest.raises(OSError, match="cut"), spend.buying(0.9):
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
        lab = replace(lab, spend=Spend(SpendLimits(dollars=dollars), Spent(dollars=lab.store.dollars(run))))
        utility = TaskUtility(lab, Number(), "train", 0, "practice")
        allowance = Allowance(calls=1, responses=6, scorings=6)
        return lab, lambda: improve(lab, load("seed"), Program(Number.start), utility, ["s"], allowance)

    poor, work = go(0.45, run=1)
    with pytest.raises(SpendExhausted):
        work()
    bought = poor.store.dollars(1)
    assert bought == pytest.approx(0.4)
    assert not list(poor.store.abouts("improvement"))
    rich, work = go(0.65, run=1)
    found = work()
    assert found.program is not None
    assert found.usage.dollars == pytest.approx(0.6), "recorded price: found and bought alike"
    assert rich.store.dollars(1) == pytest.approx(0.6)
    assert len(rich.model.asked) == 2
    free, work = go(0.01, run=2)
    assert work() == found
    assert free.store.dollars(2) == 0.0
