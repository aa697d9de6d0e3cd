"""Errors as servers tell them, in objects, streams and pages of every status: quoted, sorted, and paid only where billed."""

import json
import re
from contextlib import suppress

import pytest
from faultserver import FaultServer, Reply, completion, echo, error
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught.errors import ModelRefused
from selftaught.models import Request, gateway
from selftaught.models.providers import open_model
from selftaught.models.server_errors import error_in, holds_error
from selftaught.models.streams import Cut, Reading
from selftaught.models.waiting import Watch
from selftaught.settings.choice import ModelChoice, Price

QUESTION = Request("be brief", "hello")
USAGE = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}
EMPTY = {"index": 0, "finish_reason": "error", "message": {"role": "assistant", "content": ""}}
LASTING = {
    "a code of its own": ({"error_code": 110, "error_msg": "Access token invalid or no longer valid"}, "Access token"),
    "code and msg": ({"code": 401, "msg": "Who is there?", "data": None}, "401: the key .*Who is there"),
    "a text as code": ({"code": "401", "message": "Who is there?"}, "401: the key"),
    "no success": ({"success": False, "message": "Invalid token"}, "401: the key .*Invalid token"),
    "a header": ({"header": {"code": 10013, "message": "AppIdNoAuthError", "sid": "x"}}, "401: .*AppIdNoAuthError"),
    "deep": ({"Response": {"Error": {"Code": "AuthFailure.SecretId", "Message": "Not there"}}}, "401.*Not there"),
    "statusCode": ({"statusCode": 401, "message": "Denied"}, "401: the key .*Denied"),
    "base_resp": ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "402: the account"),
    "status": ({"status": 403, "error": "Nope", "path": "/v1"}, "403: the key may not .*Nope"),
    "in a choice": (
        {"choices": [EMPTY | {"error": {"code": 402, "message": "Add more"}}]},
        "402: the account .*Add more",
    ),
    "in a message": ({"choices": [EMPTY | {"message": {"error": {"code": 401, "message": "Who?"}}}]}, "401: .*Who"),
    "beside null": ({"choices": [{"index": 0, "message": None}], "error": {"code": 401, "message": "No"}}, "401: .*No"),
    "beside null that says so": ({"error": None, "choices": None, "code": 404, "message": "Gone"}, "404: .*Gone"),
    "vLLM": ({"object": "error", "message": "The model `x` does not exist.", "code": 404}, "404: .*The model `x`"),
    "a list": ({"errors": [{"code": 10000, "message": "Authentication error"}]}, "401: .*Authentication error"),
    "texts in a list": ({"errors": ["Invalid API key"], "success": False}, "401: .*Invalid API key"),
    "words alone": ({"message": "No API key found in request"}, "401: .*No API key found"),
    "something new": ({"error": {"message": "something new"}}, "something new"),
}
PASSING = {
    "a choice": {"choices": [EMPTY | {"error": {"code": 429, "message": "Provider returned error"}}]},
    "credit words of a throttle": {"code": 429, "msg": "You exceeded your current quota, check your plan and billing"},
    "words about a key": {"error": {"message": "Rate limit exceeded for this API key"}},
    "a quota": {"error": {"status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded, check your plan and billing"}},
    "of its own": {"error_code": 18, "error_msg": "Open api qps request limit reached"},
    "503": {"status": 503, "message": "x"},
    "504 as a text": {"error": {"code": "504 Gateway", "message": "x"}},
    "loading": {"error": "Model x is currently loading", "estimated_time": 20},
    "busy": {"success": False, "message": "The server is busy, please retry later"},
    "a failure": {"code": 50000, "message": "Internal server error"},
    "in words": {"message": "Error code: 502 - upstream"},
    "unavailable": {"error": {"message": "The authentication service is temporarily unavailable"}},
}
GOOD = {"index": 0, "finish_reason": "stop", "message": {"content": "fine"}}
NO_ERRORS = {
    "code 0": {"code": 0, "msg": "ok", "choices": [GOOD]},
    "error beside a whole answer": {"error": {"message": "late"}, "choices": [GOOD]},
    "no error": {"error": None, "choices": [GOOD]},
    "success": {"success": True, "message": "done", "choices": [GOOD]},
    "wrapped": {"code": 0, "msg": "ok", "data": {"choices": [GOOD]}, "usage": USAGE},
    "wrapped beside a number": {"status": 200, "result": {"choices": [GOOD], "usage": USAGE}},
    "by number": {"choices": {"0": GOOD}},
    "a text alone": {"choices": [{"index": 0, "text": "fine", "finish_reason": "stop"}]},
    "a piece": {"choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": "stop"}]},
    "a message that is a text": {"choices": [{"message": "fine", "finish_reason": "stop"}]},
    "unrelated words": {"choices": [GOOD | {"message": {"content": "fine", "error": None}}], "message": "hello"},
}


class Heard(Watch):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def sent(told, how):
    """A response that tells an object: by itself, as an event of a stream, after a piece of one, or as a line."""
    data = json.dumps(told)
    raw = {
        "whole": data,
        "event": f"data: {data}\n\n",
        "ended": f"data: {data}\n\ndata: [DONE]\n\n",
        "error event": f"event: error\ndata: {data}\n\n",
        "line": f"{data}\n",
        "list": f"[{data}]",
    }[how]
    return Reply(raw=raw.encode())


def failure(reply):
    try:
        told = Reading().object(reply.raw)
    except Cut as cut:
        told = cut.so_far
    assert told is not None and holds_error(told)
    return error_in(told, 200).failure()


@pytest.mark.parametrize("how", ["whole", "event", "ended", "error event", "line", "list"])
@pytest.mark.parametrize("name", LASTING)
def test_what_cannot_pass_is_told_in_the_words_of_the_server(name, how):
    told, words = LASTING[name]
    found = failure(sent(told, how))
    assert found.lasting and not found.paid
    assert re.search(words, str(found))


@pytest.mark.parametrize("how", ["whole", "event", "ended", "error event", "line", "list"])
@pytest.mark.parametrize("name", PASSING)
def test_a_throttle_or_a_failure_passes(name, how):
    found = failure(sent(PASSING[name], how))
    assert not found.lasting and not found.paid


@pytest.mark.parametrize(("name", "how"), [("a header", "whole"), ("vLLM", "event"), ("in a choice", "ended")])
def test_what_cannot_pass_ends_it_at_once(name, how):
    told, words = LASTING[name]
    with FaultServer(lambda body, nth: sent(told, how)) as server:
        with pytest.raises(ModelRefused, match=words):
            ask(open_model(ModelChoice("openai:m", server.url)))
        assert server.seen == 1


def ask(model):
    return model.complete(QUESTION, ["a"])


@pytest.mark.parametrize(("name", "how"), [("a choice", "ended"), ("of its own", "whole"), ("503", "error event")])
def test_what_passes_is_asked_again_and_costs_nothing(monkeypatch, name, how):
    monkeypatch.setattr(gateway, "FIRST_WAIT_S", 0.01)
    with FaultServer(lambda body, nth: sent(PASSING[name], how) if nth < 2 else echo(body, nth)) as server:
        model = open_model(ModelChoice("openai:m", server.url, price=Price(1e6, 1e6), max_tokens=100))
        (answer,) = ask(model)
    assert (answer.text, answer.finish, answer.dollars, server.seen) == ("re: hello", "stop", 16, 3)


@pytest.mark.parametrize("name", NO_ERRORS)
@pytest.mark.parametrize("how", ["whole", "event"])
def test_an_answer_is_one_in_whatever_it_is_wrapped(name, how):
    with FaultServer(lambda body, nth: sent(NO_ERRORS[name], how if "piece" not in name else "whole")) as server:
        (answer,) = ask(open_model(ModelChoice("openai:m", server.url)))
    assert (answer.text, answer.finish, server.seen) == ("fine", "stop", 1)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ('event: error\ndata: {"message": "Who?", "code": 401}\n\n', 401),
        ('id:1\nevent:error\n:HTTP_STATUS/401\ndata:{"code":"Wrong","message":"Who?"}\n\n', 401),
        ("event: error\ndata: Invalid API key\n\n", 401),
        ('data: {"choices":[{"delta":{"content":"Here"}}]}\n\ndata: {"error":{"code":402,"message":"x"}}\n\n', 402),
    ],
)
def test_events_that_tell_an_error(events, status):
    with FaultServer(lambda body, nth: Reply(raw=events.encode())) as server:
        model = open_model(ModelChoice("openai:m", server.url))
        with pytest.raises(ModelRefused, match=f"answered {status}"):
            while ask(model)[0].finish == "lost":  # what had come by then is counted first
                pass
        assert server.seen == 1


def test_an_error_costs_what_was_billed_for_it():
    told = {"error": {"code": 502, "message": "x"}, "usage": USAGE}
    partial = [
        {"choices": [{"delta": {"content": "Here"}}]},
        {"error": {"code": 502, "message": "x"}, "choices": [{"delta": {}, "finish_reason": "error"}]},
    ]
    cut = Reply(raw="".join(f"data: {json.dumps(one)}\n\n" for one in partial).encode())
    for reply, dollars in [(Reply(200, told), 16), (cut, None)]:
        with FaultServer(lambda body, nth, reply=reply: reply if nth == 0 else echo(body, nth)) as server:
            model = open_model(ModelChoice("openai:m", server.url, price=Price(1e6, 1e6), max_tokens=100))
            (lost,) = ask(model)
            assert lost.finish == "lost" and lost.again
            assert lost.dollars == (dollars or model.ceiling(QUESTION, 1))
            assert ask(model)[0].dollars == 16


@pytest.mark.parametrize(("used", "dollars"), [(USAGE, 16), ({"prompt_tokens": 0, "completion_tokens": 0}, 0)])
@pytest.mark.parametrize("status", [500, 502])
def test_an_error_of_any_status_costs_what_it_says_that_was_used(status, used, dollars):
    told = {"error": {"message": "out of order"}, "usage": used}
    with FaultServer(lambda body, nth: Reply(status, told) if nth == 0 else echo(body, nth)) as server:
        model = open_model(ModelChoice("openai:m", server.url, price=Price(1e6, 1e6), max_tokens=100))
        found = ask(model)
        if dollars:
            assert (found[0].finish, found[0].dollars) == ("lost", dollars)
            found = ask(model)
        assert (found[0].finish, found[0].dollars) == ("stop", 16)


def test_what_is_billed_for_the_failure_that_ends_all_is_counted_before_it_does():
    told = {"error": {"message": "out of order"}, "usage": USAGE}
    with FaultServer(lambda body, nth: Reply(200, told)) as server:
        model = open_model(ModelChoice("openai:m", server.url, price=Price(1e6, 1e6), max_tokens=100))
        (lost,) = ask(model)
        assert (lost.finish, lost.dollars) == ("lost", 16)
        with pytest.raises(ModelRefused, match="out of order"):
            ask(model)
        assert server.seen == 1


def test_a_refusal_that_is_billed_is_counted_before_anything_else_is_sent():
    told = {"error": {"message": "temperature is unsupported", "code": 400, "param": "temperature"}, "usage": USAGE}

    def behave(body, nth):
        return Reply(200, told) if "temperature" in body else echo(body, nth)

    with FaultServer(behave) as server:
        model = open_model(ModelChoice("openai:m", server.url, price=Price(1e6, 1e6), max_tokens=100))
        (lost,) = ask(model)
        assert (lost.finish, lost.again, lost.dollars, server.seen) == ("lost", True, 16, 1)
        (answer,) = ask(model)
        assert (answer.finish, answer.dollars, server.seen) == ("stop", 16, 2), "what was refused is not sent again"


@pytest.mark.parametrize("message", ["SSE not implemented", ""])
def test_a_server_that_cannot_stream_and_says_so_by_its_status_alone_is_asked_without(message):
    def behave(body, nth):
        return Reply(501, {"error": {"message": message}}) if body.get("stream") else echo(body, nth)

    with FaultServer(behave) as server:
        model = open_model(ModelChoice("openai:m", server.url))
        assert [ask(model)[0].finish for _ in range(2)] == ["stop", "stop"] and server.seen == 3


def test_a_role_that_is_refused_is_learnt_also_from_who_says_to_be_out_of_service():
    told = {"error": {"message": "system role is not supported by this model"}}

    def behave(body, nth):
        return Reply(503, told) if body["messages"][0]["role"] == "system" else echo(body, nth)

    with FaultServer(behave) as server:
        assert ask(open_model(ModelChoice("openai:m", server.url)))[0].finish == "stop" and server.seen == 2


PIECE = {"choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": None}]}
END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE}


@pytest.mark.parametrize(
    "raw",
    [
        f"{json.dumps(PIECE)}\n{json.dumps(END)}\n",
        f"data: {json.dumps(PIECE)}\n\ndata: {json.dumps({'choices': [], 'usage': USAGE})}\n\n",
        f"data: {json.dumps(PIECE)}\n\ndata: {json.dumps(END)}\n\n",
        f"data: {json.dumps(PIECE | {'type': 'chunk'})}\n\ndata: {json.dumps(END | {'type': 'x'})}\n\n",
        f"[{json.dumps(PIECE)}, {json.dumps(END)}]",
        f": waiting\n\n{json.dumps({'choices': [GOOD], 'usage': USAGE})}",
        f"data: {json.dumps({'data': PIECE})}\n\ndata: {json.dumps({'data': END})}\n\n",
        f"data: {json.dumps({'choices': [{'index': 0, 'text': 'fine', 'finish_reason': 'stop'}], 'usage': USAGE})}\n\n",
    ],
    ids=["lines", "no end, but usage", "no end", "types", "list", "remark", "wrapped", "texts"],
)
def test_streams_of_all_sorts(raw):
    with FaultServer(lambda body, nth: Reply(raw=raw.encode())) as server:
        (answer,) = ask(open_model(ModelChoice("openai:m", server.url)))
    assert (answer.text, answer.finish, answer.tokens_out, server.seen) == ("fine", "stop", 9, 1)


PAGES = [
    "<!-- sso -->\n<!DOCTYPE html><html><body>Please sign in</body></html>",
    '<?xml version="1.0"?>\n<html xmlns="x"><body>Please sign in</body></html>',
    "<script>location='/login'</script>",
    "<meta http-equiv=refresh content='0;url=/login'>",
    "\ufeff\r\n\t <!doctype html><p>Please sign in",
    "<title>Login</title>",
    "<DIV>Login</DIV>",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_told_as_such_at_once_and_costs_nothing(page):
    with FaultServer(lambda body, nth: Reply(raw=page.encode())) as server:
        model = open_model(ModelChoice("openai:m", server.url, price=Price(1, 1), max_tokens=9))
        with pytest.raises(ModelRefused, match=r"is a web page, no model \(a login"):
            ask(model)
    assert server.seen == 1


def test_what_is_called_a_page_is_one():
    reply = Reply(raw=b"Please log in first", headers={"Content-Type": "text/html; charset=utf-8"})
    with FaultServer(lambda body, nth: Reply(raw=reply.raw, headers=reply.headers)) as server:
        assert holds_error({"error": "x"})
        with pytest.raises(ModelRefused, match=r"401|web page"):
            ask(open_model(ModelChoice("openai:m", server.url)))
    assert server.seen == 1


@pytest.mark.parametrize(
    "words",
    [
        "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
        "<h1>Bad Request</h1><p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
        "Client sent an HTTP request to an HTTPS server.\n",
        "Bad Request\nThis combination of host and port requires TLS.\r\n",
        '{"error": {"message": "Client sent an HTTP request to an HTTPS server."}}',
    ],
)
def test_a_port_that_wants_https_is_told_at_once(words):
    with FaultServer(lambda body, nth: Reply(400, raw=words.encode())) as server:
        with pytest.raises(ModelRefused, match="it wants https:// and was asked by http://"):
            ask(open_model(ModelChoice("openai:m", server.url)))
        assert server.seen == 1


REFUSED = {
    "system": ["System role not supported", "Unexpected message role: system", "developer messages are not allowed"],
    "stream": [
        "Streaming is not implemented",
        "stream=true is not supported",
        "Only non-streaming calls are supported",
    ],
    "n": ["n > 1 is not supported", "n must be 1", "Only one completion is supported", "'n' is unsupported here"],
    "temperature": ["Only temperature=1 is supported", "temperature is not supported by this model"],
}


@pytest.mark.parametrize(
    ("part", "words", "status"),
    [
        (part, words, (200, 500, 501)[i % 3])
        for part, every in REFUSED.items()
        for i, words in enumerate([*every, *every[:2]])
    ],
)
def test_what_is_not_taken_is_learnt_from_plain_words_of_any_status(part, words, status):
    def behave(body, nth):
        has = body["messages"][0]["role"] == "system" if part == "system" else part in body
        told = {"error": {"message": words}}
        return Reply(status, told) if has else completion(["fine"] * body.get("n", 1))

    with FaultServer(behave) as server:
        model = open_model(ModelChoice("openai:m", server.url))
        for count in (2, 1):
            answers = model.complete(QUESTION, ["a", "b"][:count])
            assert {answer.text for answer in answers} == {"fine"}
        bodies = server.bodies
    assert server.seen <= 4
    assert (bodies[-1]["messages"][0]["role"] == "user") if part == "system" else part not in bodies[-1]


@pytest.mark.parametrize("words", ["Unexpected end of stream", "stream closed", "system overloaded", "n/a", "upstream"])
def test_a_failure_without_such_words_is_a_passing_one(monkeypatch, words):
    monkeypatch.setattr(gateway, "FIRST_WAIT_S", 0.01)
    with FaultServer(lambda body, nth: error(500, message=words) if nth == 0 else echo(body, nth)) as server:
        ask(open_model(ModelChoice("openai:m", server.url)))
    assert [body.get("stream") for body in server.bodies] == [True, True]
    assert [len(body["messages"]) for body in server.bodies] == [2, 2]


def test_another_try_is_promised_only_where_there_is_one():
    for reply, promised in [(error(401), False), (error(500), True)]:
        with FaultServer(lambda body, nth, reply=reply: reply if nth == 0 else echo(body, nth)) as server:
            model = open_model(ModelChoice("openai:m", server.url))
            model.watch = heard = Heard()
            with suppress(ModelRefused):
                ask(model)
        assert any("trying again" in text for text in heard.notes) == promised


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "choices", "detail", "loc", "msg", "data", "status", "usage", "delta"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["error", "code", "choices", "detail", "errors", "data"]), ANY, max_size=4))
def test_no_object_stops_it(told):
    for raw in (json.dumps(told), f"data: {json.dumps(told)}\n\ndata: [DONE]\n"):
        found = Reading().object(raw.encode())
        if found is not None and holds_error(found):
            error_in(found, 200).failure()
    error_in(told, 400).failure()
