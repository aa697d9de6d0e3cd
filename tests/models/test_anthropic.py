"""The Anthropic provider: what it sends and what it makes of answers."""

import json

import pytest
from faultserver import FaultServer, Reply, error

from selftaught.errors import ModelRefused


def message(text, stop="end_turn", usage=(11, 5)):
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}] if text else []
    counted = {"input_tokens": usage[0], "output_tokens": usage[1]}
    return Reply(
        200, {"type": "message", "role": "assistant", "content": content, "stop_reason": stop, "usage": counted}
    )


def test_a_question_and_its_answers(ask):
    with FaultServer(lambda body, nth: message(f"answer {nth}")) as server:
        answers = ask(server, 3, spec="anthropic:claude-x", max_tokens=99)
    assert sorted(answer.text for answer in answers) == ["answer 0", "answer 1", "answer 2"]
    assert server.bodies[0] == {
        "model": "claude-x",
        "max_tokens": 99,
        "system": "be brief",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
    }
    assert {(a.tokens_in, a.tokens_out, a.dollars, a.temperature_applied) for a in answers} == {(11, 5, None, None)}


@pytest.mark.parametrize(
    ("text", "stop", "finish"),
    [
        ("cut", "max_tokens", "length"),
        ("", "refusal", "blocked"),
        ("x", "stop_sequence", "stop"),
        ("", "end_turn", "empty"),
    ],
)
def test_how_an_answer_ended(ask, text, stop, finish):
    with FaultServer(lambda body, nth: message(text, stop)) as server:
        (answer,) = ask(server, spec="anthropic:claude-x")
    assert (answer.text, answer.finish) == (text, finish)


def test_an_overloaded_server_is_asked_again(ask):
    with FaultServer(lambda body, nth: error(529) if nth == 0 else message("yes")) as server:
        (answer,) = ask(server, spec="anthropic:claude-x")
    assert (answer.text, server.seen) == ("yes", 2)


def test_a_refused_message_is_told_from_a_refused_account(ask):
    def behave(body, nth):
        return error(400, message="prompt is too long") if len(body["messages"][0]["content"]) > 50 else message("yes")

    with FaultServer(behave) as server:
        (answer,) = ask(server, spec="anthropic:claude-x", message="x" * 51)
    assert (answer.finish, answer.tokens_in) == ("blocked", 11)
    with (
        FaultServer(lambda body, nth: error(400, message="credit balance too low")) as server,
        pytest.raises(ModelRefused),
    ):
        ask(server, spec="anthropic:claude-x")


def test_a_refusal_that_has_passed_when_a_greeting_is_taken_blocks_nothing(ask):
    with FaultServer(lambda body, nth: error(400) if nth == 0 else message("yes")) as server:
        (answer,) = ask(server, spec="anthropic:claude-x")
    assert (answer.text, answer.finish, answer.tokens_in, server.seen) == ("yes", "stop", 22, 3)


def test_a_streamed_message_is_put_together(ask):
    events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 11, "output_tokens": 1}, "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "a "}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "whole"}},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    raw = b"".join(b"event: %s\ndata: %s\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)
    with FaultServer(lambda body, nth: Reply(raw=raw[: len(raw) // 2] if nth == 0 else raw)) as server:
        (answer,) = ask(server, spec="anthropic:claude-x")
    assert (answer.text, answer.finish, answer.tokens_in, answer.tokens_out) == ("a whole", "length", 11, 5)
    assert server.seen == 2, "the first one was cut"


def test_tokens_read_from_a_cache_are_tokens_in(ask):
    def behave(body, nth):
        reply = message("yes")
        reply.body["usage"] |= {"cache_read_input_tokens": 100, "cache_creation_input_tokens": 10}
        return reply

    with FaultServer(behave) as server:
        assert ask(server, spec="anthropic:claude-x")[0].tokens_in == 121
