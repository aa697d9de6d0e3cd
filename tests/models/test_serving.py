"""`selftaught serve`: a model asked as OpenAI's servers are, by this project's own client and by raw requests."""

import http.client
import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from shared.command import called, one_line

from selftaught.budget.spend import Spend, SpendLimits
from selftaught.errors import ModelFailure
from selftaught.models import Answer, Request
from selftaught.models.offline import Offline
from selftaught.models.providers import open_model
from selftaught.models.scripted import Scripted
from selftaught.program import Program
from selftaught.runs.endpoint import Endpoint
from selftaught.runs.model import editing
from selftaught.runs.recalled import Recalled
from selftaught.runs.recording import Recorded, Recording
from selftaught.runs.serving import Service
from selftaught.settings.choice import ModelChoice

ASKED = {"model": "scripted", "messages": [{"role": "user", "content": "Hello"}]}


@contextmanager
def served(model, limits=None, ignored=()):
    with Endpoint(Service(model, Spend(limits), 7, ignored), "127.0.0.1", 0) as endpoint:
        threading.Thread(target=endpoint.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield endpoint
        finally:
            endpoint.shutdown()


def told(endpoint, body=None, path="/v1/chat/completions", method="POST", **headers):
    """Status and text of what is answered to one request."""
    line = http.client.HTTPConnection(*endpoint.server_address[:2], timeout=90)
    try:
        sent = {"Content-Type": "application/json", **{name.replace("_", "-"): one for name, one in headers.items()}}
        line.request(method, path, body if isinstance(body, str | None) else json.dumps(body), sent)
        response = line.getresponse()
        return response.status, response.read().decode()
    finally:
        line.close()


def asked(endpoint, **more):
    status, text = told(endpoint, {**ASKED, **more})
    assert status == 200, text
    return json.loads(text)


def said(found):
    return [one["message"]["content"] for one in found["choices"]]


@pytest.fixture(scope="module")
def scripted():
    with served(Scripted([f"answer {i}" for i in range(1000)])) as endpoint:
        yield endpoint


def test_this_projects_own_client_has_its_answers(scripted, monkeypatch):
    choice = ModelChoice("openai:scripted", base_url=scripted.url)
    model = open_model(choice, keyless=True)
    try:
        found = model.complete(Request("expert", "a question", 0.5), ["a", "b", "c"])
    finally:
        model.close()
    assert len({one.text for one in found}) > 1 and all(one.text.startswith("answer ") for one in found)
    assert all(one.finish == "stop" and one.tokens_out for one in found)


def test_several_answers_have_one_usage(scripted):
    found = asked(scripted, n=3)
    assert [one["index"] for one in found["choices"]] == [0, 1, 2] and len({*said(found)}) > 1
    usage = found["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] and usage["prompt_tokens"] == 1


def test_asking_again_brings_another_answer_and_a_seed_the_same(scripted):
    assert len({*(said(asked(scripted))[0] for _ in range(5))}) > 1
    assert said(asked(scripted, seed=3, n=2)) == said(asked(scripted, seed=3, n=2))


def test_an_answer_ends_where_it_is_to_stop(scripted):
    (whole,) = said(asked(scripted, seed=5))
    found = asked(scripted, seed=5, stop=["nowhere", whole[3:5]])
    assert said(found) == [whole[:3]] and found["choices"][0]["finish_reason"] == "stop"
    assert found["usage"] == asked(scripted, seed=5)["usage"]  # all of it was paid for
    assert said(asked(scripted, seed=5, stop=whole[0])) == [""]


def test_what_no_model_is_asked_for_passes_where_it_changes_nothing_or_is_to_be_ignored(scripted):
    assert asked(scripted, top_p=1, presence_penalty=0, logit_bias={}, tools=None)
    with served(Scripted(["yes"]), ignored=["top_p"]) as endpoint:
        assert told(endpoint, {**ASKED, "top_p": 0.9})[0] == 200
        assert told(endpoint, {**ASKED, "logprobs": True})[0] == 400


def test_a_stream_has_the_same_answer_in_pieces(scripted):
    whole = said(asked(scripted, seed=5, n=2))
    body = {**ASKED, "seed": 5, "n": 2, "stream": True, "stream_options": {"include_usage": True}}
    status, text = told(scripted, body)
    events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert status == 200 and events.pop() == "[DONE]"
    *parts, last = map(json.loads, events)
    assert last["choices"] == [] and last["usage"]["completion_tokens"] > 0
    found = ["", ""]
    for part in parts:
        (one,) = part["choices"]
        found[one["index"]] += one["delta"].get("content", "")
    assert found == whole


def test_the_model_is_listed(scripted):
    status, text = told(scripted, path="/v1/models", method="GET")
    assert status == 200 and [one["id"] for one in json.loads(text)["data"]] == ["scripted"]
    assert told(scripted, path="/v1/models/scripted", method="GET")[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{", 400, "no JSON"),
        ("[" * 100_000, 400, "no JSON"),
        ("[]", 400, "no JSON object"),
        ({}, 400, "messages is needed"),
        ({"messages": "Hello"}, 400, "messages is needed"),
        ({"messages": [3]}, 400, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, 400, "messages[0].content is no text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "no text"),
        ({**ASKED, "model": "another"}, 404, "scripted is"),
        ({**ASKED, "n": 0}, 400, "n is '0'"),
        ({**ASKED, "temperature": 10**400}, 400, "temperature is"),
        ({**ASKED, "n": 1000}, 400, "n is '1000'"),
        ({**ASKED, "n": True}, 400, "n is 'True'"),
        ({**ASKED, "temperature": -1}, 400, "temperature"),
        ({**ASKED, "temperature": "hot"}, 400, "temperature"),
        ({**ASKED, "seed": 1.5}, 400, "seed"),
        ({**ASKED, "tools": [{"type": "function"}]}, 400, "tools is not served"),
        ({**ASKED, "top_p": 0.9}, 400, "top_p is not served here: leave it out, or serve with --ignore top_p"),
        ({**ASKED, "frequency_penalty": 0.5}, 400, "frequency_penalty is not served"),
        ({**ASKED, "stop": 3}, 400, "stop is a text"),
        ({**ASKED, "stop": ["a", ""]}, 400, "stop is a text"),
        ({**ASKED, "stop": ["a", "b", "c", "d", "e"]}, 400, "at most 4"),
    ],
)
def test_a_bad_request_is_told_in_words(scripted, body, status, words):
    got, text = told(scripted, body)
    assert got == status and words in json.loads(text)["error"]["message"]
    assert asked(scripted)  # and the next is answered


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"path": "/v1/nothing"}, 404),
        ({"path": "/v1/nothing", "method": "GET"}, 404),
        ({"method": "PUT"}, 501),
        ({"Content_Type": "text/plain"}, 400),  # what a page in a browser may send without asking leave
        ({"Host": "evil.example"}, 403),  # a name that was made to lead here
    ],
)
def test_what_is_no_question_is_refused_in_the_same_form(scripted, more, status):
    got, text = told(scripted, ASKED if more.get("method") != "GET" else None, **more)
    assert got == status and json.loads(text)["error"]["message"]


def test_several_turns_are_one_text_under_their_roles():
    heard = []
    model = Scripted(lambda request, _: heard.append(request) or "yes")
    turns = [
        ("system", "be brief"),
        ("user", "one"),
        ("assistant", "two"),
        ("user", [{"type": "text", "text": "three"}]),
    ]
    with served(model) as endpoint:
        asked(endpoint, messages=[{"role": role, "content": text} for role, text in turns], temperature=0.25)
    assert heard == [Request("be brief", "user: one\n\nassistant: two\n\nuser: three", 0.25)]


def test_ends_limits_and_failures_are_told():
    def answer(request, _):
        if request.message == "fail":
            raise ModelFailure("it is down")
        return Answer("half", finish="length")

    with served(Scripted(answer), SpendLimits(answers=2)) as endpoint:
        assert asked(endpoint)["choices"][0]["finish_reason"] == "length"
        status, text = told(endpoint, {**ASKED, "messages": [{"role": "user", "content": "fail"}]})
        assert status == 502 and "it is down" in text
        assert asked(endpoint)
        status, text = told(endpoint, ASKED)
        assert status == 429 and json.loads(text)["error"]["code"] == "insufficient_quota"


PROGRAM = """# EVOLVE-BLOCK-START
def area(r):
    total = 0
    for i in range(10):
        total += r * i + 3
    return total
# EVOLVE-BLOCK-END"""
DIFFS = """# History
```python
def area(r):
    return 1
```
# Current program
```python
{}
```
Suggest changes in this form:
<<<<<<< SEARCH
# what is there
=======
# what is to be there
>>>>>>> REPLACE
"""


def test_the_built_in_model_edits_the_current_program_in_the_form_that_peers_ask_for(sandbox):
    model = Offline(editing(sandbox))
    with served(model) as endpoint:
        messages = [{"role": "user", "content": DIFFS.format(PROGRAM)}]
        texts = said(asked(endpoint, model="offline", messages=messages, n=12))
    for text in texts:
        lines = text.split("\n")
        old = lines[lines.index("<<<<<<< SEARCH") + 1 : lines.index("=======")]
        new = lines[lines.index("=======") + 1 : lines.index(">>>>>>> REPLACE")]
        assert "\n".join(old) in PROGRAM and old != new and any(line.strip() for line in old)


def test_what_is_current_may_have_been_shown_before(sandbox):
    other = PROGRAM.replace("return", "return 1 +")
    shown = "".join(f"# Program {i}\n```python\n{text}\n```\n" for i, text in enumerate((PROGRAM, other)))
    with served(Offline(editing(sandbox))) as endpoint:
        messages = [{"role": "user", "content": shown + DIFFS.format(PROGRAM)}]
        for text in said(asked(endpoint, model="offline", messages=messages, n=12)):
            lines = text.split("\n")
            old = lines[lines.index("<<<<<<< SEARCH") + 1 : lines.index("=======")]
            assert "\n".join(old) in PROGRAM


def test_a_recording_gives_its_answers_in_their_order_and_no_others(tmp_path):
    def fact(index, text):
        about = {"model": "m:x", "parameters": {}, "temperature": 0.5, "stream": ["s"], "index": index}
        about |= {name: Program(said).digest for name, said in (("expertise", ""), ("message", "Hello"))}
        body = {"text": text, "finish": "stop", "tokens_in": 3, "tokens_out": 4}
        return Recorded("answer", about, body)

    found = Recording({"run": 1}, ["first", "second"], [fact(1, 1), fact(0, 0)])
    with patch("selftaught.runs.recalled.read", lambda _: found):
        model = Recalled(tmp_path / "run.xz")
    with served(model) as endpoint:
        more = {"model": "recording:run.xz", "temperature": 0.5}
        assert said(asked(endpoint, **more)) == ["first"] and said(asked(endpoint, **more)) == ["second"]
        assert told(endpoint, {**ASKED, **more})[0] == 502
        status, text = told(endpoint, {**ASKED, **more, "temperature": 0.6})
        assert status == 502 and "this question was not asked" in text


def test_the_command_says_where_it_is_and_ends_cleanly_at_ctrl_c(tmp_path):
    (tmp_path / "answers.json").write_text('["yes"]')
    command = [str(Path(sys.executable).parent / "selftaught"), "serve", "scripted:answers.json", "--port", "0"]
    child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first = child.stdout.readline()
        assert "is served at http://127.0.0.1:" in first, child.stderr.read()
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=90)
    finally:
        child.kill()
    assert child.returncode == 0 and "ended after 0 answers" in errors and "Traceback" not in errors


def test_what_cannot_be_served_is_one_line(scripted, tmp_path):
    port = str(scripted.server_address[1])
    for words, line in (
        (["offline", "--port", port], "cannot listen at 127.0.0.1"),
        (["offline", "--port", "99999"], "cannot listen at 127.0.0.1"),
        (["recording:absent.xz"], "cannot read the recording absent.xz"),
        (["no-such"], "no model is called 'no-such'"),
        (["openai:gpt-4o-mini"], "may cost money"),
        (["offline", "--port", "0", "--ignore", "temperature"], "--ignore temperature: what is otherwise refused"),
    ):
        done = called("serve", *words, cwd=tmp_path)
        assert done.returncode == 2 and line in one_line(done)
