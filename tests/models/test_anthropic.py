"""The Anthropic provider: what it sends and what it makes of answers."""

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
