"""A price is known, given or unknown; an unknown one is never 0."""

import pytest
from faultserver import FaultServer, completion

from selftaught.models.prices import Price, Tariff


def test_prices_from_the_list():
    assert Tariff("openai", "gpt-4o-mini").dollars(1_000_000, 0) == pytest.approx(0.15)
    assert Tariff("anthropic", "claude-sonnet-4-5").dollars(1000, 1000) == pytest.approx(0.018)


@pytest.mark.parametrize(
    "tariff",
    [
        Tariff("openai", "no-such-model-at-all"),
        Tariff("openai", "gpt-4o-mini", "http://127.0.0.1:8080/v1"),
        Tariff("openai", "gpt-4o-mini", "https://unheard-of.example/v1"),
    ],
)
def test_an_unknown_price_is_none(tariff):
    assert tariff.dollars(1000, 1000) is None


def test_an_own_price_goes_first():
    assert Tariff("openai", "gpt-4o-mini", own=Price(2.0, 10.0)).dollars(500_000, 100_000) == pytest.approx(2.0)


def test_the_price_of_a_request_is_shared_among_its_answers(ask):
    with FaultServer(
        lambda body, nth: completion(["ab"] * body.get("n", 1), usage=(10, 20 * body.get("n", 1)))
    ) as server:
        price = Price(1e6, 1e6)
        ask(server, price=price)
        (answer,) = ask(server, price=price)
    assert answer.dollars == 30


def test_without_usage_the_price_is_unknown_and_the_tokens_a_guess(ask):
    with FaultServer(lambda body, nth: completion(["abcdefgh"], usage=None)) as server:
        (answer,) = ask(server, price=Price(1, 1))
    assert (answer.dollars, answer.tokens_in, answer.tokens_out) == (None, len("be briefhello") // 4, 2)
