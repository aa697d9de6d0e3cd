"""From the server to the store: every answer that came is on disk and counted, whatever happens to the next request."""

import sqlite3
from dataclasses import replace

import pytest
from faultserver import FaultServer, completion, error

from selftaught.budget import Allowance, Meter
from selftaught.budget.spend import Spend, SpendLimits
from selftaught.errors import ModelFailure, SpendExhausted
from selftaught.lab.ledger import Conversation
from selftaught.models.providers import open_model
from selftaught.settings.choice import ModelChoice, Price
from selftaught.testing import make_lab

PRICE = Price(1e6, 1e6)
"""A dollar for a token, so that dollars can be counted."""


@pytest.fixture
def asking(tmp_path):
    """The lab of a run on a server, and what asks its model for so many answers to one question."""
    opened = []

    def asking(server, limits=None):
        model = open_model(ModelChoice("openai:m", base_url=server.url, price=PRICE, max_tokens=100), deadline_s=1)
        lab = make_lab(tmp_path / "s.db", None, model)
        lab = replace(lab, run=lab.store.start({}, {}), spend=Spend(limits))
        opened.append(lab)
        conversation = Conversation(lab, ["s"], Meter(Allowance(calls=99, responses=99)))
        return lab, lambda count: conversation.ask("", ["q"] * count, 0.7)

    yield asking
    for lab in opened:
        lab.model.close()
        lab.workers.close()
        lab.store.close()


def stored(path):
    """Answers in the file, as another process sees it."""
    with sqlite3.connect(path) as other:
        return other.execute("SELECT count(*) FROM facts WHERE kind = 'answer'").fetchone()[0]


def test_answers_of_a_server_that_ignores_n_are_kept_and_counted_one_by_one(tmp_path, asking):
    kept = []

    def behave(body, nth):
        if 1 < nth < 7:
            kept.append((nth, stored(tmp_path / "s.db")))
        return completion([f"answer {nth}"], usage=(1, 1)) if nth < 6 else error(401)

    with FaultServer(behave) as server:
        lab, ask = asking(server)
        ask(1)
        with pytest.raises(ModelFailure):
            ask(8)
        assert kept == [(nth, nth) for nth in range(2, 7)]
        assert (lab.store.bought(lab.run).responses, lab.spend.now().answers, lab.spend.dollars) == (6, 6, 12.0)


def test_a_request_that_fails_takes_nothing_of_those_beside_it(asking):
    def behave(body, nth):
        return error(401) if nth >= 2 else completion(["x" * 4] * body.get("n", 1), usage=(1, body.get("n", 1)))

    with FaultServer(behave) as server:
        lab, ask = asking(server)
        ask(1)
        with pytest.raises(ModelFailure):
            ask(24)
        given = sum(body.get("n", 1) for nth, body in enumerate(server.bodies) if nth < 2)
        assert lab.store.bought(lab.run).responses == lab.spend.now().answers == given > 1


def test_an_empty_answer_is_held_for_each_time_it_is_asked_for_again(asking):
    with FaultServer(lambda body, nth: completion([""], usage=(1, 90))) as server:
        _, ask = asking(server, SpendLimits(dollars=400.0))
        with pytest.raises(SpendExhausted, match=r"limit of \$400 is reached \(\$273.0000 spent"):
            ask(1)
    assert server.seen == 3


def test_empty_answers_are_counted_when_no_other_comes_after_them(asking):
    with FaultServer(lambda body, nth: completion([""], usage=(1, 9)) if nth < 2 else error(401)) as server:
        lab, ask = asking(server)
        with pytest.raises(ModelFailure):
            ask(1)
        assert lab.spend.dollars == 20.0


def test_an_answer_that_stays_empty_is_kept_as_such_with_all_it_cost(asking):
    with FaultServer(lambda body, nth: completion([""], usage=(1, 9))) as server:
        lab, ask = asking(server)
        assert ask(1) == [""]
        bought = lab.store.bought(lab.run)
    assert (server.seen, bought.responses, bought.dollars) == (9, 1, 90.0)
