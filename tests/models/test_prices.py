"""A price is known, given or unknown; an unknown one is never 0."""

import pytest
from faultserver import FaultServer, completion

from selftaught.models import Request
from selftaught.models.prices import Tariff
from selftaught.models.providers import open_model
from selftaught.settings.choice import ModelChoice, Price


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


def test_tokens_from_a_cache_have_their_price_in_the_list():
    assert Tariff("openai", "gpt-4o-mini").dollars(1_000_000, 0, 1_000_000) == pytest.approx(0.075)


@pytest.mark.parametrize("batch", [1, 4])
def test_the_guess_beforehand_is_no_lower_than_the_price(ask, batch):
    with FaultServer(lambda body, nth: completion(["ab" * 50] * body.get("n", 1))) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url, price=Price(3, 15), max_tokens=100))
        ask(server, model=model)
        paid = sum(answer.dollars for answer in ask(server, batch, model=model))
    assert 0 < paid <= model.ceiling(Request("be brief", "hello"), batch)


@pytest.mark.parametrize("text", ["x = 1", "žluťoučký", "{[()]}", "\U0001f9ee" * 20])
def test_no_text_has_more_tokens_than_the_bound_counts(text):
    """A token of any tokenizer that goes by bytes is at least one of them."""
    model = open_model(ModelChoice("openai:m", base_url="http://127.0.0.1:1/v1", price=Price(1e6, 0), max_tokens=1))
    assert model.ceiling(Request(text, text), 3) >= 3 * 2 * len(text.encode())


def test_the_guess_of_an_unknown_price_is_none():
    assert open_model(ModelChoice("openai:m", base_url="http://127.0.0.1:1/v1")).ceiling(Request("", "q"), 1) is None
