"""One try of a model tells what its server takes, what it costs, or why it does not answer."""

import json

import pytest
from faultserver import FaultServer, Reply, completion, error
from shared.command import selftaught
from shared.shapes import misfits

from selftaught.cli.lists import TriedRow
from selftaught.models.probe import probe
from selftaught.settings.choice import ModelChoice, Price


def tried(behave, **given):
    with FaultServer(behave) as server:
        return probe(ModelChoice("openai:m", server.url, price=Price(1e6, 1e6), **given), wait_s=5.0), server


def several(body, nth):
    return completion(["def add"] * body.get("n", 1))


def test_a_server_that_takes_all():
    found, server = tried(several)
    assert found.several and found.streams and found.temperature
    assert found.failure == "" and found.text == "def add" and found.seconds > 0
    assert found.dollars == found.tokens_in + found.tokens_out > 0
    assert server.seen == 2
    assert json.loads(json.dumps(found.plain()))["model"] == "openai:m"


@pytest.mark.parametrize(
    ("refused", "lacks"),
    [("temperature", "temperature"), ("n", "several"), ("stream", "streams")],
)
def test_what_a_server_refuses_is_told(refused, lacks):
    def behave(body, nth):
        return (
            error(400, param=refused, message=f"{refused} is not supported") if refused in body else several(body, nth)
        )

    found, _ = tried(behave)
    assert found.failure == ""
    assert [name for name in ("temperature", "several", "streams") if not getattr(found, name)] == [lacks]


def test_a_server_that_ignores_n():
    found, _ = tried(lambda body, nth: completion(["x = 1"]))
    assert not found.several and found.text == "x = 1"


def test_a_server_that_is_asked_for_a_stream_and_gives_none():
    def behave(body, nth):
        reply = several(body, nth)
        reply.plain = True
        return reply

    found, _ = tried(behave)
    assert found.text == "def add" and not found.streams


def test_why_there_is_no_answer_is_told_in_the_words_of_the_server():
    found, _ = tried(lambda body, nth: error(404, "model_not_found", message="no such thing here"))
    assert "404 model_not_found" in found.failure and "no such thing here" in found.failure
    assert found.text == "" and found.dollars is None


def test_extra_parts_that_are_refused_are_told_in_the_words_of_the_server():
    def behave(body, nth):
        return (
            error(400, param="top_q", message="Unrecognized argument: top_q") if "top_q" in body else several(body, nth)
        )

    found, _ = tried(behave, extra_body={"top_q": 1})
    assert "Unrecognized argument: top_q" in found.failure


def test_nothing_listens():
    found = probe(ModelChoice("openai:m", "http://127.0.0.1:1/v1"), wait_s=2.0)
    assert "nothing listens there" in found.failure
    assert (found.several, found.streams, found.temperature) == (None, None, None), "not known"


def test_an_empty_response_is_no_answer():
    found, _ = tried(lambda body, nth: Reply(200, {"choices": []}))
    assert "no answer" in found.failure
    assert (found.several, found.streams, found.temperature) == (None, None, None), "not known"


def test_the_command_tries_a_model(tmp_path):
    with FaultServer(several) as server:
        told = selftaught(
            "models", "--try", "openai:m", "--base-url", server.url, "--price", "1,1", "--json", cwd=tmp_path
        )
    assert misfits(json.loads(told.stdout), list[TriedRow]) == []
    (row,) = json.loads(told.stdout)
    assert told.returncode == 0 and row["text"] == "def add" and row["failure"] == ""
    with FaultServer(lambda body, nth: error(404, "model_not_found", message="no such thing here")) as server:
        told = selftaught("models", "--try", "openai:m", "--base-url", server.url, "--json", cwd=tmp_path)
    assert told.returncode == 1 and "no such thing here" in json.loads(told.stdout)[0]["failure"]
