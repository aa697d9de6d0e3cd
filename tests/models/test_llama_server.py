"""A real OpenAI- and Anthropic-compatible server: llama.cpp's, with a toy model of random weights made on the spot."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import weights
from whole import everything

from selftaught.errors import ModelDown
from selftaught.models import Request
from selftaught.models.openai import BATCH
from selftaught.models.providers import open_model
from selftaught.settings.choice import ModelChoice

pytestmark = pytest.mark.integration
SLOTS = 4


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of a running server."""
    if importlib.util.find_spec("xllamacpp") is None:
        reason = "there is no wheel of xllamacpp, which holds the server, for this machine"
        if os.environ.get("SELFTAUGHT_REQUIRE_INTEGRATION") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("llama")
    weights.write(folder / "toy.gguf")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, Path(__file__).with_name("llama.py"), folder / "toy.gguf", str(port), str(SLOTS)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def wait_for(address, server, patience_s=60):
    until = time.monotonic() + patience_s
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    pytest.fail("llama-server did not start")


def ask(model, count=1, message="Say something.", temperature=1.0):
    return everything(model, Request("You are a toy.", message, temperature), [str(i) for i in range(count)])


def test_an_answer_cut_at_its_limit(url):
    (answer,) = ask(open_model(ModelChoice("openai:toy", base_url=url, max_tokens=12)))
    assert (answer.finish, answer.tokens_out, answer.temperature_applied, answer.dollars) == ("length", 12, 1.0, None)
    assert answer.tokens_in > len("You are a toy.Say something.")
    assert answer.text


def test_several_answers_by_one_request_and_their_tokens_in_full(url):
    model = open_model(ModelChoice("openai:toy", base_url=url, max_tokens=200))
    ask(model)
    assert model.batch == BATCH
    answers = ask(model, SLOTS)
    assert len({answer.text for answer in answers}) == SLOTS
    assert [answer.tokens_out for answer in answers] == [200] * SLOTS, "the server tells them answer by answer"
    assert model.batch == BATCH


def test_more_answers_than_the_server_has_places(url):
    model = open_model(ModelChoice("openai:toy", base_url=url, max_tokens=8))
    ask(model)
    assert len({answer.text for answer in ask(model, 3 * BATCH)}) > BATCH


def test_no_temperature_is_always_the_same_answer(url):
    model = open_model(ModelChoice("openai:toy", base_url=url, max_tokens=24))
    assert len({ask(model, temperature=0.0)[0].text for _ in range(3)}) == 1


def test_a_message_longer_than_the_model_takes_is_blocked_and_the_next_one_answered(url):
    model = open_model(ModelChoice("openai:toy", base_url=url, max_tokens=4))
    assert ask(model, message="x" * 9000)[0].finish == "blocked"
    assert ask(model)[0].finish == "length"


def test_a_message_that_needs_half_characters_and_control_characters(url):
    model = open_model(ModelChoice("openai:toy", base_url=url, max_tokens=4))
    assert ask(model, message="a\ud800\x00\x1b</s>é🙂")[0].tokens_out == 4


def test_many_at_once(url):
    answers = ask(open_model(ModelChoice("openai:toy", base_url=url, max_tokens=4)), 64)
    assert len(answers) == 64
    assert {(answer.finish, answer.tokens_out) for answer in answers} == {("length", 4)}


def test_the_same_server_speaks_the_other_protocol(url):
    model = open_model(ModelChoice("anthropic:toy", base_url=url.removesuffix("/v1"), max_tokens=9))
    answers = ask(model, 2)
    assert [(answer.finish, answer.tokens_out, answer.temperature_applied) for answer in answers] == [
        ("length", 9, None)
    ] * 2


def test_a_server_that_is_gone_ends_it():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ModelDown):
        ask(open_model(ModelChoice("openai:toy", base_url=gone), deadline_s=0.5))
