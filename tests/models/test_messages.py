"""What a message says is found in whatever shape it comes, and an answer that stands where thoughts do is one all the same."""

import json

import pytest
from faultserver import FaultServer, Reply
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught.models import messages
from selftaught.models.messages import blank, ending, spoken, thought
from selftaught.models.streams import mapping

TEXT = "```python\nx = 1\n```\n"
USAGE = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}
PARTS = [{"type": "text", "text": TEXT[:5]}, {"type": "text", "text": TEXT[5:]}]
MESSAGES = {
    "a line break": {"content": "\n\n", "reasoning_content": TEXT},
    "a closing mark": {"content": "\n</think>\n", "reasoning": TEXT},
    "an opening mark": {"content": "<think>\n</think>", "reasoning": TEXT},
    "a token": {"content": "<|end|>", "reasoning": TEXT},
    "thinking": {"content": None, "thinking": TEXT},
    "thought": {"content": "", "thought": TEXT},
    "thoughts": {"thoughts": [TEXT[:3], TEXT[3:]]},
    "details": {"content": "", "reasoning_details": [{"type": "reasoning.text", "text": TEXT, "index": 0}]},
    "a summary": {"content": "", "reasoning_details": [{"type": "reasoning.summary", "summary": TEXT}]},
    "details beside what is locked": {
        "content": "",
        "reasoning_details": [
            {"type": "reasoning.encrypted", "data": "a8f7"},
            {"type": "reasoning.text", "text": TEXT},
        ],
    },
    "a part": {"content": [{"type": "thinking", "thinking": PARTS}]},
    "a flagged part": {"content": [{"thought": True, "text": TEXT}]},
    "an empty list": {"content": [], "reasoning_content": TEXT},
    "an object": {"content": None, "reasoning": {"content": TEXT}},
    "an object of parts": {"content": None, "reasoning": {"summary": [{"type": "summary_text", "text": TEXT}]}},
    "an empty field before": {"content": None, "reasoning_content": " ", "reasoning": TEXT},
    "a content of parts": {"content": PARTS, "reasoning": "no"},
    "a part beside thoughts": {"content": [{"type": "thinking", "thinking": "no"}, *PARTS]},
    "an object as content": {"content": {"type": "text", "text": TEXT}},
    "a text within a text": {"content": [{"type": "text", "text": {"value": TEXT}}]},
}


@pytest.mark.parametrize(("name", "streamed"), [(name, i % 2 == 0) for i, name in enumerate(MESSAGES)])
def test_the_text_is_found(ask, name, streamed):
    piece = {"index": 0, "delta" if streamed else "message": MESSAGES[name], "finish_reason": "stop"}
    whole = {"choices": [piece], "usage": USAGE}
    raw = f"data: {json.dumps(whole)}\n\ndata: [DONE]\n\n" if streamed else json.dumps(whole)
    with FaultServer(lambda body, nth: Reply(raw=raw.encode())) as server:
        (answer,) = ask(server)
    assert (answer.text, answer.finish, answer.tokens_out) == (TEXT, "stop", 9)


def test_thoughts_that_come_in_pieces_are_put_together(ask):
    pieces = [{"reasoning": {"content": TEXT[i : i + 4]}, "content": ""} for i in range(0, len(TEXT), 4)]
    events = [{"choices": [{"index": 0, "delta": one}]} for one in pieces]
    events.append({"choices": [{"index": 0, "delta": {"content": "\n"}, "finish_reason": "stop"}], "usage": USAGE})
    raw = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    with FaultServer(lambda body, nth: Reply(raw=raw.encode())) as server:
        assert ask(server)[0].text == TEXT


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ([{"type": "thinking", "thinking": TEXT}], TEXT),
        ([{"type": "thinking", "thinking": "no"}, {"type": "text", "text": TEXT}], TEXT),
        ([{"type": "thinking", "thinking": TEXT}, {"type": "text", "text": "\n\n"}], TEXT),
    ],
)
def test_messages_alike(ask, blocks, text):
    told = {
        "type": "message",
        "content": blocks,
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }
    with FaultServer(lambda body, nth: Reply(200, told)) as server:
        assert ask(server, spec="anthropic:m")[0].text == text


def test_a_blank_answer_without_thoughts_is_empty(ask):
    def behave(body, nth):
        return Reply(200, {"choices": [{"message": {"content": " \n" if nth < 2 else "x"}, "finish_reason": "stop"}]})

    with FaultServer(behave) as server:
        (answer,) = ask(server)
    assert (answer.text, server.seen) == ("x", 3)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "content", "thinking", "type", "thought", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES)
def test_no_shape_stops_it_or_is_written_out(value):
    for found in (spoken(value), thought({"content": value, "reasoning": value})):
        assert "{" not in found or "{" in json.dumps(value, ensure_ascii=False).replace('{"', "").replace("{}", "")
    assert ending(value) in {None, "blocked", "length", "tools"}


def test_a_long_text_is_judged_in_no_time():
    assert not blank("<think" * 10**6)
    assert blank("\n" * 10**6)


@pytest.mark.parametrize(
    "content",
    [None, {}, [None, {}], {"text": None, "content": {"parts": [None]}, "value": {}}, {"other": {"text": "x"}}],
)
def test_where_no_text_is_little_is_looked_at(monkeypatch, content):
    looked = []
    monkeypatch.setattr(messages, "mapping", lambda value: looked.append(value) or mapping(value))
    assert messages.spoken(content) == ""
    assert len(looked) <= 12, "every answer is read so"
