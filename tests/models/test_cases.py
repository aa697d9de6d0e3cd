"""What users met at real servers, each with the right result."""

import time

import pytest
from faultserver import FaultServer, Reply, choice, completion, echo, error

from selftaught.errors import ModelRefused
from selftaught.models import Request
from selftaught.models.providers import open_model
from selftaught.settings.choice import ModelChoice, Price

NO_SYSTEM = [
    error(400, message="System role not supported"),
    Reply(400, {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400}),
    error(400, message="Conversation roles must alternate user/assistant/user/assistant/..."),
    error(400, message="Developer instruction is not enabled for models/gemma-3-27b-it"),
    error(500, message="Only user and assistant roles are supported!"),
    error(400),
]


@pytest.mark.parametrize("refusal", NO_SYSTEM)
def test_a_model_without_a_system_role_gets_the_role_inside_the_message(ask, refusal):
    def behave(body, nth):
        return refusal if body["messages"][0]["role"] == "system" else echo(body, nth)

    with FaultServer(behave) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=20)
        first, second = (ask(server, model=model)[0] for _ in range(2))
    assert first.text == second.text == "re: be brief\n\nhello"
    assert [message["role"] for message in server.bodies[-1]["messages"]] == ["user"]


@pytest.mark.parametrize(
    "poison",
    [
        error(500, message="Failed to parse tool call arguments as JSON"),
        completion([], usage=(1000, 0)),
        Reply(200, {"choices": [choice(None, None) | {"message": None}], "usage": {"prompt_tokens": 1000}}),
        Reply(raw=b"garbage"),
    ],
)
def test_a_question_that_fails_alone_is_a_failed_answer_and_the_others_are_had(ask, monkeypatch, poison):
    monkeypatch.setattr("selftaught.models.gateway.FIRST_WAIT_S", 0.02)

    def behave(body, nth):
        return poison if body["messages"][-1]["content"] == "poison" else echo(body, nth)

    with FaultServer(behave) as server:
        model = open_model(
            ModelChoice("openai:m", base_url=server.url, price=Price(1, 2), max_tokens=100), deadline_s=20
        )
        assert ask(server, message="before", model=model)[0].text == "re: before"
        (failed,) = ask(server, message="poison", model=model)
        assert ask(server, message="after", model=model)[0].text == "re: after"
    assert (failed.text, failed.finish) == ("", "failed")
    assert failed.reason
    assert server.questions()["poison"] <= 12
    billed = poison.status == 200
    assert (failed.dollars > 0) == billed, "what may have been billed is counted"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"error": {"message": "No auth credentials found", "code": 401}}, 401),
        ({"error": {"message": "Insufficient credits", "code": 402}}, 402),
        ({"error": {"message": "Insufficient Balance", "type": "unknown_error"}}, 402),
        ({"error": "invalid api key"}, 401),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail: invalid api key"}}, 401),
        ({"code": 401, "message": "token expired or incorrect"}, 401),
    ],
)
def test_an_error_in_a_200_that_will_not_pass_ends_in_seconds(told, status):
    with FaultServer(lambda body, nth: Reply(200, {"choices": None, **told})) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url))
        began = time.monotonic()
        with pytest.raises(ModelRefused, match=f"the server answered {status}"):
            model.complete(Request("", "q"), ["a"])
    assert time.monotonic() - began < 60
    assert server.seen == 1


def test_an_error_in_a_200_that_may_pass_is_asked_again(ask):
    busy = Reply(200, {"choices": None, "error": {"message": "Provider returned error", "code": 429}})
    with FaultServer(lambda body, nth: busy if nth < 2 else echo(body, nth)) as server:
        (answer,) = ask(server, deadline_s=20)
    assert (answer.text, server.seen) == ("re: hello", 3)


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        (choice(None, "length") | {"message": {"content": None, "reasoning": "First, let me see."}}, "length"),
        (choice(None, "tool_calls") | {"message": {"content": None, "tool_calls": [{"id": "c"}]}}, "tools"),
    ],
)
def test_an_answer_without_a_text_says_why(ask, said, finish):
    with FaultServer(lambda body, nth: Reply(200, {"choices": [said], "usage": {}})) as server:
        (answer,) = ask(server)
    assert (answer.text, answer.finish, server.seen) == ("", finish, 1)


def test_a_whole_answer_in_the_field_of_thoughts_is_an_answer(ask):
    said = choice(None) | {"message": {"content": None, "reasoning_content": "```python\nx = 1\n```"}}
    with FaultServer(lambda body, nth: Reply(200, {"choices": [said]})) as server:
        assert ask(server)[0].text == "```python\nx = 1\n```"


@pytest.mark.parametrize(
    "words",
    [
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "This model only supports stream mode, please enable the stream parameter",
    ],
)
def test_a_server_that_only_streams_is_streamed_from(ask, words):
    def behave(body, nth):
        return echo(body, nth) if body.get("stream") else error(400, message=words)

    with FaultServer(behave) as server:
        assert ask(server)[0].text == "re: hello"


@pytest.mark.parametrize("refused", ["stream_options", "stream"])
def test_a_server_that_cannot_stream_or_not_tell_tokens_then_is_asked_without(ask, refused):
    def behave(body, nth):
        return error(400, message=f"Unknown parameter: {refused}") if refused in body else echo(body, nth)

    with FaultServer(behave) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=20)
        assert [ask(server, model=model)[0].text for _ in range(2)] == ["re: hello"] * 2
    assert [refused in body for body in server.bodies] == [True, False, False]


def test_what_was_read_from_a_cache_costs_what_the_server_says(ask):
    def behave(body, nth):
        reply = completion(["x" * 50], usage=(1000, 50))
        reply.body["usage"] |= {"prompt_tokens_details": {"cached_tokens": 960}, "cost": 0.00001}
        return reply

    with FaultServer(behave) as server:
        (answer,) = ask(server, message="m" * 4000, price=Price(1, 2))
    assert answer.dollars == 0.00001


def test_thoughts_that_only_the_total_tells_are_paid(ask):
    def behave(body, nth):
        reply = completion(["x" * 50], usage=(100, 50))
        reply.body["usage"]["total_tokens"] = 1100
        return reply

    with FaultServer(behave) as server:
        (answer,) = ask(server, message="m" * 400, price=Price(1, 2))
    assert (answer.tokens_out, answer.dollars) == (1000, pytest.approx((100 + 2 * 1000) / 1e6))


def test_an_address_without_its_v1_is_told_the_one_that_works():
    with FaultServer(lambda body, nth: Reply(404, {"detail": "Not Found"})) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url.removesuffix("/v1")), deadline_s=20)
        with pytest.raises(ModelRefused, match=rf"404.*; tried {server.url}: works, give it as --base-url"):
            model.complete(Request("", "q"), ["a"])


def test_a_server_that_is_silent_for_long_and_alive_is_waited_for_and_asked_once(ask):
    with FaultServer(latency=2.5) as server:
        (answer,) = ask(server, deadline_s=1.0, idle_s=0.2)
    assert (answer.text, server.seen) == ("re: hello", 1)
    assert server.probes


def test_a_slow_stream_is_waited_for_and_asked_once(ask):
    def behave(body, nth):
        reply = completion(["word " * 40])
        reply.pieces_s = 0.05
        return reply

    with FaultServer(behave) as server:
        (answer,) = ask(server, deadline_s=0.8, idle_s=0.4)
    assert (answer.text, server.seen) == ("word " * 40, 1)
    assert not server.probes, "a stream is a sign of life by itself"
