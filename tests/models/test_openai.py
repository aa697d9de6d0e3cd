"""The OpenAI provider against servers that disagree: what it sends, what it learns from refusals, what it makes of answers."""

import pytest
from faultserver import KEY, FaultServer, Reply, choice, completion, echo, error

from selftaught.errors import ModelRefused
from selftaught.models import openai
from selftaught.models.openai import BATCH
from selftaught.models.prices import Price
from selftaught.models.providers import open_model


def test_a_question_and_its_answer(ask):
    with FaultServer() as server:
        (answer,) = ask(server, temperature=0.3)
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
            "temperature": 0.3,
        }
    ]
    assert (answer.text, answer.finish, answer.tokens_in, answer.tokens_out) == ("re: hello", "stop", 7, 9)
    assert (answer.temperature_applied, answer.dollars) == (0.3, None)
    assert answer.latency_s > 0


def test_no_expertise_is_no_system_message(ask):
    with FaultServer() as server:
        ask(server, expertise="")
    assert [message["role"] for message in server.bodies[0]["messages"]] == ["user"]


def test_half_characters_do_not_stop_a_question(ask):
    with FaultServer() as server:
        assert ask(server, message="a\ud800b")[0].text == "re: a?b"


@pytest.mark.parametrize("key", ["", KEY])
def test_the_key_goes_out_when_there_is_one(ask, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with FaultServer() as server:
        ask(server)
    assert server.headers[0]["authorization"] == f"Bearer {key or 'none'}"


class TestSeveralAnswers:
    """n answers by one request where the server gives them, by several where not."""

    def test_one_request_when_a_single_answer_has_shown_the_size_of_a_token(self, ask):
        with FaultServer() as server:
            model = open_model("openai:m", base_url=server.url)
            ask(server, model=model)
            answers = ask(server, 2 * BATCH + 1, model=model)
        assert [body.get("n") for body in server.bodies[1:]].count(BATCH) == 2
        assert server.seen == 4
        assert len(answers) == 2 * BATCH + 1
        assert sum(answer.tokens_out for answer in answers) == len(answers) * len("re: hello")

    def test_a_server_that_ignores_n_is_noticed_and_made_up_for(self, ask):
        with FaultServer(lambda body, nth: completion([f"answer {nth}"])) as server:
            model = open_model("openai:m", base_url=server.url)
            ask(server, model=model)
            answers = ask(server, 5, model=model)
            ask(server, 5, model=model)
        assert len({answer.text for answer in answers}) == 5
        assert [body.get("n", 1) for body in server.bodies[1:]] == [5, 1, 1, 1, 1, *[1] * 5]

    def test_a_server_that_bounds_n_is_asked_for_less(self, ask):
        def behave(body, nth):
            return error(400, param="n") if body.get("n", 1) > 4 else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model("openai:m", base_url=server.url)
            ask(server, model=model)
            assert len(ask(server, 8, model=model)) == 8
            ask(server, 8, model=model)
        assert [body.get("n", 1) for body in server.bodies] == [1, 8, 4, 4, 4, 4]

    def test_a_lack_that_passes_is_forgotten_after_many_full_responses(self, ask, monkeypatch):
        monkeypatch.setattr(openai, "RECOVERED", 4)

        def behave(body, nth):
            return completion(["only one"]) if nth == 1 else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model("openai:m", base_url=server.url)
            ask(server, model=model)
            for _ in range(2 * BATCH):
                ask(server, BATCH, model=model)
        sizes = [body.get("n", 1) for body in server.bodies]
        assert sizes[:3] == [1, BATCH, 1]
        assert sizes[-1] == BATCH

    def test_a_server_that_counts_the_tokens_of_one_answer_only_is_noticed(self, ask):
        with FaultServer(lambda body, nth: completion(["x" * 40] * body.get("n", 1), usage=(7, 10))) as server:
            model = open_model("openai:m", base_url=server.url)
            ask(server, model=model)
            answers = ask(server, 4, model=model)
            ask(server, 2, model=model)
        assert sum(answer.tokens_out for answer in answers) == 40
        assert [body.get("n", 1) for body in server.bodies] == [1, 4, 1, 1]

    @pytest.mark.parametrize(
        ("single", "tokens", "several", "counted", "details"),
        [
            (28, 800, 6000, 5000, None),  # it thought unseen, about a short answer for longer than about a long one
            (400, 100, 400, 100, {"reasoning_tokens": 0}),  # it says that these are all
            (400, 100, 400, 55, None),  # taken four times, that is still far from what one of them should have taken
        ],
    )
    def test_tokens_are_as_the_server_says_where_it_need_not_have_counted_one_only(
        self, ask, single, tokens, several, counted, details
    ):
        def behave(body, nth):
            count = body.get("n", 1)
            reply = completion(
                ["x" * (single if nth == 0 else several // 4)] * count, usage=(7, counted if nth else tokens)
            )
            reply.body["usage"]["completion_tokens_details"] = details
            return reply

        with FaultServer(behave) as server:
            model = open_model("openai:m", base_url=server.url)
            ask(server, model=model)
            answers = ask(server, 4, model=model)
        assert sum(answer.tokens_out for answer in answers) == counted
        assert server.bodies[1]["n"] == 4


class TestRefusedParameters:
    """What a model refuses is learnt from what the server says, once."""

    @pytest.mark.parametrize("said", [{"param": "temperature"}, {"message": "`temperature` may only be 1 here"}])
    def test_temperature(self, ask, said):
        def behave(body, nth):
            return error(400, "unsupported_value", **said) if "temperature" in body else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model("openai:m", base_url=server.url)
            assert ask(server, model=model)[0].temperature_applied is None
            ask(server, model=model)
        assert ["temperature" in body for body in server.bodies] == [True, False, False]

    def test_only_the_temperature_that_was_refused(self, ask):
        def behave(body, nth):
            return error(400, param="temperature") if body.get("temperature", 0) > 1 else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model("openai:m", base_url=server.url)
            assert ask(server, model=model, temperature=1.5)[0].temperature_applied is None
            assert ask(server, model=model, temperature=0.5)[0].temperature_applied == 0.5

    def test_the_newer_name_of_the_token_limit(self, ask):
        def behave(body, nth):
            told = error(400, message="Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
            return told if "max_tokens" in body else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model("openai:m", base_url=server.url, max_tokens=9)
            ask(server, model=model)
            ask(server, model=model)
        assert [body.get("max_completion_tokens") for body in server.bodies] == [None, 9, 9]

    def test_a_refused_message_is_a_blocked_answer_when_a_greeting_is_not(self, ask):
        def behave(body, nth):
            return error(400) if "bad" in body["messages"][-1]["content"] else echo(body, nth)

        with FaultServer(behave) as server:
            (answer,) = ask(server, message="bad")
        assert (answer.text, answer.finish, answer.tokens_in) == ("", "blocked", 7)

    def test_a_refusal_that_has_passed_when_a_greeting_is_taken_blocks_nothing(self, ask):
        with FaultServer(lambda body, nth: error(400) if nth == 0 else echo(body, nth)) as server:
            (answer,) = ask(server)
        assert (answer.text, answer.finish, answer.tokens_in, server.seen) == ("re: hello", "stop", 14, 3)

    @pytest.mark.parametrize(
        "said",
        [
            {"message": "'max_tokens' is too large given the context"},
            {"param": "max_tokens", "message": "max_tokens is too large"},
        ],
    )
    def test_the_token_limit_is_not_lost_by_a_refusal_that_names_it(self, ask, said):
        def behave(body, nth):
            return error(400, **said) if "too long" in body["messages"][-1]["content"] else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model("openai:m", base_url=server.url, max_tokens=9)
            assert ask(server, message="too long", model=model)[0].finish == "blocked"
            ask(server, model=model)
        assert server.bodies[-1]["max_tokens"] == 9
        assert [name for body in server.bodies for name in body if name.startswith("max_")].count("max_tokens") >= 3

    def test_a_server_that_refuses_everything_ends_it(self, ask):
        with (
            FaultServer(lambda body, nth: error(400, "invalid_value")) as server,
            pytest.raises(ModelRefused, match="400"),
        ):
            ask(server)
        assert server.seen == 2

    @pytest.mark.parametrize("code", ["context_length_exceeded", "exceed_context_size_error", "content_filter"])
    def test_too_long_or_filtered_is_a_blocked_answer(self, ask, code):
        with FaultServer(lambda body, nth: error(400, code, message="temperature n max_tokens")) as server:
            (answer,) = ask(server)
        assert (answer.text, answer.finish, server.seen) == ("", "blocked", 1)


@pytest.mark.parametrize(
    ("text", "reason", "finish"),
    [
        ("cut", "length", "length"),
        (None, "length", "length"),
        ("part", "content_filter", "blocked"),
        (None, "content_filter", "blocked"),
        (None, "stop", "empty"),
        ("fine", "something_new", "stop"),
        ("part", "content_filter: RECITATION", "blocked"),
        (None, "SAFETY", "blocked"),
        (None, "PROHIBITED_CONTENT", "blocked"),
        ("cut", "MAX_TOKENS", "length"),
        ("fine", None, "stop"),
    ],
)
def test_how_an_answer_ended(ask, text, reason, finish):
    with FaultServer(lambda body, nth: completion([text], reason)) as server:
        (answer,) = ask(server)
    assert (answer.text, answer.finish) == (text or "", finish)


def test_a_refusal_is_a_blocked_answer(ask):
    said = choice(None) | {"message": {"content": None, "refusal": "I will not"}}
    with FaultServer(lambda body, nth: Reply(200, {"choices": [said]})) as server:
        (answer,) = ask(server)
    assert (answer.text, answer.finish) == ("I will not", "blocked")


def test_an_answer_in_parts_is_put_together(ask):
    parts = [{"type": "text", "text": "a "}, {"type": "image"}, {"type": "text", "text": "whole"}]
    with FaultServer(lambda body, nth: completion([parts], usage=(1, 1))) as server:
        assert ask(server)[0].text == "a whole"


def test_an_answer_beside_one_that_failed_is_kept(ask):
    def behave(body, nth):
        reply = echo(body, nth)
        if nth == 1:
            reply.body["choices"][0] |= {"finish_reason": "error"}
        return reply

    with FaultServer(behave) as server:
        model = open_model("openai:m", base_url=server.url)
        ask(server, model=model)
        answers = ask(server, 2, model=model)
    assert [answer.text for answer in answers] == ["re: hello"] * 2
    assert [body.get("n", 1) for body in server.bodies] == [1, 2, 1]


def test_an_empty_answer_is_asked_for_again_and_its_cost_kept(ask):
    with FaultServer(lambda body, nth: completion([""]) if nth < 2 else echo(body, nth)) as server:
        (answer,) = ask(server)
    assert (answer.text, answer.finish, answer.tokens_in, server.seen) == ("re: hello", "stop", 21, 3)


@pytest.mark.parametrize("usage", [(0, 0), (0, 5), (7, 0), (10**400, 1), (7, 10**10), (True, True), (-1, 5), (7.5, 5)])
def test_counts_that_cannot_be_are_no_counts_and_the_price_is_unknown(ask, usage):
    with FaultServer(lambda body, nth: completion(["x" * 8], usage=usage)) as server:
        (answer,) = ask(server, message="m" * 32, expertise="", price=Price(1, 1))
    assert (answer.tokens_in, answer.tokens_out, answer.dollars) == (8, 2, None)


def test_an_empty_answer_may_have_no_tokens(ask):
    with FaultServer(lambda body, nth: completion([""], "length", usage=(7, 0))) as server:
        (answer,) = ask(server, price=Price(1, 1))
    assert (answer.tokens_in, answer.tokens_out, answer.dollars) == (7, 0, 7e-6)
