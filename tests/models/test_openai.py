"""The OpenAI provider against servers that disagree: what it sends, what it learns from refusals, what it makes of answers."""

import json
from dataclasses import replace

import pytest
from faultserver import KEY, FaultServer, Reply, choice, completion, echo, error
from whole import everything

from selftaught.errors import ModelRefused
from selftaught.models import Request, gateway, openai
from selftaught.models.openai import BATCH
from selftaught.models.prices import FRAME
from selftaught.models.providers import open_model
from selftaught.models.rows import ROWS
from selftaught.models.waiting import Watch
from selftaught.settings.choice import ModelChoice, Price


def test_a_question_and_its_answer(ask):
    with FaultServer() as server:
        (answer,) = ask(server, temperature=0.3)
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
            "temperature": 0.3,
            "stream": True,
            "stream_options": {"include_usage": True},
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

    def test_equal_questions_share_a_request_from_the_first_on(self, ask):
        with FaultServer() as server:
            answers = ask(server, 2 * BATCH + 1)
        assert sorted(body.get("n", 1) for body in server.bodies) == [1, BATCH, BATCH]
        assert len(answers) == 2 * BATCH + 1
        assert sum(answer.tokens_out for answer in answers) == len(answers) * len("re: hello")

    @pytest.mark.parametrize("row", [row for row in ROWS.values() if row.name != "anthropic"], ids=lambda row: row.name)
    def test_whether_they_do_is_known_of_a_provider_at_once_and_in_every_session(self, ask, monkeypatch, row):
        """No question is spent on finding out: who resumes a run opens the model anew, and asks as before."""
        monkeypatch.setenv(row.key, "none")
        for _ in range(2):
            with FaultServer() as server:
                model = open_model(ModelChoice(f"{row.name}:m", base_url=server.url, price=Price(0, 0)))
                assert len(ask(server, 5, model=model)) == 5
            assert [body.get("n", 1) for body in server.bodies] == ([5] if row.several else [1] * 5)

    def test_a_server_that_ignores_n_is_noticed_and_made_up_for(self, ask):
        with FaultServer(lambda body, nth: completion([f"answer {nth}"])) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            ask(server, model=model)
            answers = ask(server, 5, model=model)
            ask(server, 5, model=model)
        assert len({answer.text for answer in answers}) == 5
        assert [body.get("n", 1) for body in server.bodies[1:]] == [5, 1, 1, 1, 1, *[1] * 5]

    def test_a_server_that_bounds_n_is_asked_for_less(self, ask):
        def behave(body, nth):
            return error(400, param="n") if body.get("n", 1) > 4 else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            ask(server, model=model)
            assert len(ask(server, 8, model=model)) == 8
            ask(server, 8, model=model)
        assert [body.get("n", 1) for body in server.bodies] == [1, 8, 4, 4, 4, 4]

    def test_a_lack_that_passes_is_forgotten_after_many_full_responses(self, ask, monkeypatch):
        monkeypatch.setattr(openai, "RECOVERED", 4)

        def behave(body, nth):
            return completion(["only one"]) if nth == 1 else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            ask(server, model=model)
            for _ in range(2 * BATCH):
                ask(server, BATCH, model=model)
        sizes = [body.get("n", 1) for body in server.bodies]
        assert sizes[:3] == [1, BATCH, 1]
        assert sizes[-1] == BATCH

    def test_a_server_that_counts_the_tokens_of_one_answer_only_is_noticed(self, ask):
        with FaultServer(lambda body, nth: completion(["x" * 40] * body.get("n", 1), usage=(7, 10))) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
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
            model = open_model(ModelChoice("openai:m", base_url=server.url))
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
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            assert ask(server, model=model)[0].temperature_applied is None
            ask(server, model=model)
        assert ["temperature" in body for body in server.bodies] == [True, False, False]

    def test_only_the_temperature_that_was_refused(self, ask):
        def behave(body, nth):
            return error(400, param="temperature") if body.get("temperature", 0) > 1 else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            assert ask(server, model=model, temperature=1.5)[0].temperature_applied is None
            assert ask(server, model=model, temperature=0.5)[0].temperature_applied == 0.5

    def test_the_newer_name_of_the_token_limit(self, ask):
        def behave(body, nth):
            told = error(400, message="Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
            return told if "max_tokens" in body else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url, max_tokens=9))
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
            model = open_model(ModelChoice("openai:m", base_url=server.url, max_tokens=9))
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
        assert server.seen == 3, "the question, a greeting, a greeting without a stream"

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
        ("fine", "something_new", "length"),
        ("fine", "eos_token", "stop"),
        ("fine", "COMPLETE", "stop"),
        ("cut", "insufficient_system_resource", "length"),
        ("cut", "model_context_window_exceeded", "length"),
        ("cut", "max_output_tokens", "length"),
        ("cut", "length_penalty", "length"),
        ("cut", "abort", "length"),
        ("part", "sensitive", "blocked"),
        (None, "refusal", "blocked"),
        ("part", "safety_stop", "blocked"),
        ("part", "BLOCKED_BY_GUARDRAIL", "blocked"),
        ("part", "content_filter: RECITATION", "blocked"),
        (None, "SAFETY", "blocked"),
        (None, "PROHIBITED_CONTENT", "blocked"),
        ("cut", "MAX_TOKENS", "length"),
        ("cut", "model_length", "length"),
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
        model = open_model(ModelChoice("openai:m", base_url=server.url))
        ask(server, model=model)
        answers = ask(server, 2, model=model)
    assert [answer.text for answer in answers] == ["re: hello"] * 2
    assert [body.get("n", 1) for body in server.bodies] == [1, 2, 1]


def test_an_empty_answer_is_asked_for_again_and_its_cost_kept(ask):
    with FaultServer(lambda body, nth: completion([""]) if nth < 2 else echo(body, nth)) as server:
        (answer,) = ask(server)
    assert (answer.text, answer.finish, answer.tokens_in, server.seen) == ("re: hello", "stop", 21, 3)


@pytest.mark.parametrize(
    "usage", [(0, 0), (0, 5), (7, 0), (10**400, 1), (7, 10**10), (True, True), (-1, 5), (7.5, 5), (10**8, 5), None]
)
def test_counts_that_cannot_be_are_no_counts_and_the_most_it_can_cost_is_counted(ask, usage):
    with FaultServer(lambda body, nth: completion(["x" * 8], usage=usage)) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url, price=Price(1e6, 1e6), max_tokens=100))
        (answer,) = ask(server, message="m" * 32, expertise="", model=model)
    assert (answer.tokens_in, answer.tokens_out, answer.dollars) == (8, 2, 32 + FRAME + 100)


def test_thoughts_that_are_in_the_total_only_are_paid(ask):
    def behave(body, nth):
        reply = completion(["x" * 8], usage=(7, 2))
        reply.body["usage"]["total_tokens"] = 50
        return reply

    with FaultServer(behave) as server:
        (answer,) = ask(server, price=Price(1e6, 1e6))
    assert (answer.tokens_out, answer.dollars) == (43, 50)


@pytest.mark.parametrize(("thoughts", "dollars"), [(40, 49), (1, 9)])
def test_thoughts_that_are_more_than_all_that_came_are_counted_beside_it(ask, thoughts, dollars):
    """Perplexity's are; where they are less, as SGLang's, they may be part of it."""

    def behave(body, nth):
        reply = completion(["x" * 8], usage=(7, 2))
        reply.body["usage"]["reasoning_tokens"] = thoughts
        return reply

    with FaultServer(behave) as server:
        assert ask(server, price=Price(1e6, 1e6))[0].dollars == dollars


@pytest.mark.parametrize(
    ("cost", "dollars"),
    [
        ({"total_cost": 0.25}, 0.25),
        (0.25, 0.25),
        (2000, 2000),
        (10**7, 4096 + 13 + FRAME),
        (-1, 1009),
        ("1", 1009),
        (True, 1009),
    ],
)
def test_what_the_server_says_it_costs_counts_where_it_can_be(ask, cost, dollars):
    def behave(body, nth):
        reply = completion(["x" * 9], usage=(1000, None))
        reply.body["usage"] |= {"prompt_tokens_details": {"cached_tokens": 960}, "cost": cost}
        return reply

    with FaultServer(behave) as server:
        (answer,) = ask(server, price=Price(1e6, 1e6))
    assert answer.dollars == dollars


def test_no_more_is_believed_than_was_held_and_it_is_said(ask):
    def behave(body, nth):
        reply = completion(["x" * 8], usage=(7, 100 if nth == 0 else 390))
        if nth == 1:
            reply.body["usage"]["cost"] = 120
        return reply

    with FaultServer(behave) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url, price=Price(1e6, 1e6), max_tokens=100))
        model.watch = heard = Heard()
        most = model.ceiling(Request("be brief", "hello"), 1)
        dollars = [ask(server, model=model)[0].dollars for _ in range(3)]
    assert dollars == [107, 120, 100 + 13 + FRAME]
    assert max(dollars) <= most
    assert len(heard.notes) == 1 and "higher cost" in heard.notes[0]


class Heard(Watch):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def test_a_model_without_a_system_role_gets_the_role_in_the_message_from_then_on(ask):
    def behave(body, nth):
        if body["messages"][0]["role"] == "system":
            return error(400, message="System role not supported")
        return echo(body, nth)

    with FaultServer(behave) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url))
        assert [ask(server, model=model)[0].text for _ in range(2)] == ["re: be brief\n\nhello"] * 2
    assert [len(body["messages"]) for body in server.bodies] == [2, 1, 1]


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize(
    "said",
    [
        "Conversation roles must alternate user/assistant",
        "Developer instruction is not enabled",
        "No endpoints found that support the system role",
        "this template has no system message",
        "Messages must begin with a user turn",
        "Unexpected role: expected user",
    ],
)
def test_a_missing_system_role_is_told_in_many_ways(ask, status, said):
    def behave(body, nth):
        return error(status, message=said) if len(body["messages"]) > 1 else echo(body, nth)

    with FaultServer(behave) as server:
        assert ask(server)[0].text == "re: be brief\n\nhello"


def test_a_missing_system_role_is_found_out_where_no_reason_is_told(ask):
    def behave(body, nth):
        return error(400) if len(body["messages"]) > 1 else echo(body, nth)

    with FaultServer(behave) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url))
        assert ask(server, model=model)[0].text == "re: be brief\n\nhello"
        assert ask(server, model=model)[0].text == "re: be brief\n\nhello"
    assert [len(body["messages"]) for body in server.bodies] == [2, 1, 2, 1, 1], "the second is a greeting"


class TestStumbling:
    """A server that fails at streams, and does not say so: before it has ever answered it is tried without."""

    @pytest.mark.parametrize(
        "reply",
        [
            Reply(500, {"error": {"message": "Internal Server Error"}}),
            Reply(200, raw=b""),
            Reply(cut=True, body={"choices": []}),
        ],
        ids=["streams", "streams are empty", "streams are cut"],
    )
    def test_it_is_asked_without_from_then_on(self, monkeypatch, reply):
        monkeypatch.setattr(gateway, "FIRST_WAIT_S", 0.01)
        heard = Heard()
        with FaultServer(lambda body, nth: reply if "stream" in body else echo(body, nth)) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            model.watch = heard
            for place in range(3):
                assert everything(model, Request("be brief", "hello"), [str(place)])[0].finish == "stop"
            model.close()
        assert not any("stream" in body for body in server.bodies[-2:]), "it is not tried again"
        assert any("fails at streams" in note for note in heard.notes)

    def test_a_server_that_failed_for_a_while_is_asked_as_ever(self, monkeypatch):
        monkeypatch.setattr(gateway, "FIRST_WAIT_S", 0.01)
        with FaultServer(lambda body, nth: error(500) if nth < openai.STUMBLES else echo(body, nth)) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            for place in range(3):
                assert everything(model, Request("be brief", "hello"), [str(place)])[0].finish == "stop"
            model.close()
        assert all(body.get("stream") and len(body["messages"]) > 1 for body in server.bodies[-2:])


class TestStreams:
    """Answers are streamed where the server can, and come out the same where not."""

    @pytest.mark.parametrize("count", [1, 3])
    def test_a_streamed_answer_is_the_one_that_is_not(self, ask, count):
        said = [f"žluťoučký\u2028 {i} " * 9 for i in range(count)]
        answers = []
        for plain in (False, True):

            def behave(body, nth, plain=plain):
                reply = completion(said, usage=(7, 90))
                reply.plain = plain
                return reply

            with FaultServer(behave) as server:
                answers.append([replace(one, latency_s=0) for one in ask(server, count)])
        assert answers[0] == answers[1]
        assert [answer.text for answer in answers[0]] == said

    @pytest.mark.parametrize(
        ("word", "refused"), [("stream_options", {"stream_options"}), ("stream", {"stream", "stream_options"})]
    )
    def test_a_server_that_refuses_a_part_of_it_is_asked_without(self, ask, word, refused):
        def behave(body, nth):
            return error(400, message=f"Unknown parameter: {word}") if word in body else echo(body, nth)

        with FaultServer(behave) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            assert [ask(server, model=model)[0].text for _ in range(2)] == ["re: hello"] * 2
        assert not refused & server.bodies[-1].keys()
        assert server.seen <= 4

    def test_a_server_that_refuses_it_for_no_reason_is_asked_without(self, ask):
        with FaultServer(lambda body, nth: error(400) if "stream" in body else echo(body, nth)) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url))
            assert [ask(server, model=model)[0].text for _ in range(2)] == ["re: hello"] * 2
        assert "stream" not in server.bodies[-1]

    def test_a_server_that_only_streams_is_asked_for_that(self, ask):
        def behave(body, nth):
            told = "parameter.enable_thinking must be set to false for non-streaming calls"
            return echo(body, nth) if body.get("stream") else error(400, "invalid_parameter_error", message=told)

        with FaultServer(behave) as server:
            assert ask(server)[0].text == "re: hello"

    def test_where_streams_tell_no_tokens_and_a_price_is_known_it_is_not_streamed(self, ask):
        def behave(body, nth):
            return completion(["answer"], usage=None if body.get("stream") else (7, 3))

        with FaultServer(behave) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url, price=Price(1e6, 1e6), max_tokens=100))
            first, second = (ask(server, model=model)[0] for _ in range(2))
        assert (first.dollars > 100, second.dollars) == (True, 10)

    def test_a_stream_that_is_cut_is_no_answer(self, ask):
        def behave(body, nth):
            reply = completion(["a long answer"])
            reply.cut = nth == 0
            return reply

        with FaultServer(behave) as server:
            (answer,) = ask(server, price=Price(1e6, 1e6), max_tokens=100)
        assert (answer.text, server.seen) == ("a long answer", 2)
        assert answer.dollars > 100, "what was cut may have to be paid"

    def test_an_error_within_a_stream_is_one(self, ask):
        def behave(body, nth):
            told = b'data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\ndata: {"error":{"code":502,"message":"no"}}\n\n'
            return Reply(raw=told + b"data: [DONE]\n\n") if nth == 0 else echo(body, nth)

        with FaultServer(behave) as server:
            assert ask(server)[0].text == "re: hello"
        assert server.seen == 2


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize(("reason", "found"), [("stop", ("the answer", "stop")), ("length", ("", "length"))])
def test_a_whole_answer_taken_for_a_thought_is_used_and_half_a_thought_is_not(ask, name, reason, found):
    def behave(body, nth):
        message = {"role": "assistant", "content": None, name: "the answer"}
        return Reply(200, {"choices": [{"index": 0, "finish_reason": reason, "message": message}]}, plain=True)

    with FaultServer(behave) as server:
        (answer,) = ask(server)
    assert (answer.text, answer.finish, server.seen) == (*found, 1)


def test_a_call_of_tools_is_no_answer_and_not_asked_for_again(ask):
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "python"}}]}
    reply = Reply(200, {"choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]}, plain=True)
    with FaultServer(lambda body, nth: reply) as server:
        (answer,) = ask(server)
    assert (answer.finish, server.seen) == ("tools", 1)


def test_a_body_behind_a_byte_order_mark_is_read(ask):
    raw = b"\xef\xbb\xbf" + json.dumps(completion(["fine"]).body).encode()
    with FaultServer(lambda body, nth: Reply(raw=raw)) as server:
        assert ask(server)[0].text == "fine"


def test_an_empty_answer_may_have_no_tokens(ask):
    with FaultServer(lambda body, nth: completion([""], "length", usage=(7, 0))) as server:
        (answer,) = ask(server, price=Price(1, 1))
    assert (answer.tokens_in, answer.tokens_out, answer.dollars) == (7, 0, 7e-6)
