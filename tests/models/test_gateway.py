"""The gateway: through all a network does to requests the answers are those of a quiet one, in order; or it ends in time."""

import logging
import random
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from faultserver import KEY, FaultServer, Reply, choice, completion, echo, error
from whole import everything

from selftaught.errors import ModelDown, ModelFailure, ModelRefused, PassingFailure
from selftaught.models import Answer, Request, gateway
from selftaught.models.gateway import Gateway
from selftaught.models.providers import open_model

PROMPT, EXPERTISE = "the prompt text", "the expertise text"
SECRETS = (KEY, PROMPT, EXPERTISE, "the answer text", "the echo of")
FAULTS = {
    "429": error(429),
    "429 with Retry-After": error(429, headers={"Retry-After": "0"}),
    "500": error(500),
    "503": error(503),
    "cut": Reply(200, {"choices": "x" * 500}, cut=True),
    "hang": Reply(hang=5.0),
    "no body": Reply(raw=b""),
    "no choices": completion([]),
    "empty": completion([""]),
    "garbage": Reply(raw=b"\xff\x00<html>"),
    "other JSON": Reply(raw=b"[1, 2]"),
    "null choices": Reply(200, {"choices": None}),
    "no choice among the choices": Reply(200, {"choices": [None, 3]}),
    "a choice without a message": Reply(200, {"choices": [{"finish_reason": "stop"}]}),
    "a choice that failed": completion(["half an ans"], "error"),
    "a choice with an error": Reply(200, {"choices": [choice("half an ans") | {"error": {"code": 502}}]}),
    "endless nesting": Reply(raw=b"[" * 200_000),
    "a length without end": Reply(raw=b"{}", headers={"Content-Length": "1" + "0" * 30}),
    "a date without end": error(429, headers={"Retry-After": "Mon, 01 Jan 99999999999 00:00:00 GMT"}),
}


def faulty(faults, rate, seed=0):
    """A server that breaks this part of its answers."""
    dice, lock = random.Random(seed), threading.Lock()

    def behave(body, nth):
        with lock:
            broken, fault = dice.random() < rate, dice.choice(faults)
        return fault if broken else echo(body, nth)

    return behave


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(gateway, "FIRST_WAIT_S", 0.02)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_followed_by_another_try(ask, quick, name):
    with FaultServer(lambda body, nth: FAULTS[name] if nth == 0 else echo(body, nth)) as server:
        (answer,) = ask(server, deadline_s=4)
    assert (answer.text, answer.finish, server.seen) == ("re: hello", "stop", 2)


@pytest.mark.parametrize(
    "names", [["429"], ["500"], ["cut"], ["garbage"], ["empty"], ["hang"], sorted(FAULTS)], ids=str
)
def test_a_third_of_faults_changes_no_answer(quick, names):
    with FaultServer(faulty([FAULTS[name] for name in names], 0.3), latency=0.005) as server:
        model = open_model("openai:m", base_url=server.url, deadline_s=60)
        with ThreadPoolExecutor(16) as threads:
            asked = [f"question {i}" for i in range(60)]
            answers = list(threads.map(lambda q: everything(model, Request("", q), ["a", "b"]), asked))
    assert [[answer.text for answer in pair] for pair in answers] == [[f"re: {question}"] * 2 for question in asked]
    assert {answer.finish for pair in answers for answer in pair} == {"stop"}


class Numbered:
    """A provider whose answers say how many came before them; the first ones take longest."""

    name = "numbered"
    parameters = {}
    concurrency = 8
    batch = 3

    def __init__(self):
        self.asked = []

    def ask(self, request, count, timeout_s):
        self.asked.append(count)
        time.sleep(0.05 / len(self.asked))
        return [Answer(f"{len(self.asked)}.{i}") for i in range(count)]

    def ceiling(self, request, count):
        return None

    def close(self):
        pass


def test_many_addresses_are_cut_into_requests_and_none_is_lost():
    provider = Numbered()
    answers = everything(Gateway(provider), Request("", "q"), [str(i) for i in range(20)])
    assert len(answers) == 20
    assert sorted(provider.asked) == [2, 3, 3, 3, 3, 3, 3]


def test_no_address_is_no_request():
    provider = Numbered()
    assert (Gateway(provider).complete(Request("", "q"), []), provider.asked) == ([], [])


def test_the_concurrency_is_bounded_and_used(ask):
    with FaultServer(latency=0.1) as server:
        ask(server, 24, concurrency=6)
    assert server.peak == 6


def test_retry_after_is_honoured(ask, quick):
    with FaultServer(
        lambda body, nth: error(429, headers={"Retry-After": "1"}) if nth == 0 else echo(body, nth)
    ) as server:
        ask(server)
    assert server.times[1] - server.times[0] >= 1.0


def test_asked_to_wait_longer_than_the_deadline_it_ends_at_once(ask):
    behave = error(429, headers={"Retry-After": "86400"})
    with (
        FaultServer(lambda body, nth: behave) as server,
        pytest.raises(ModelDown, match="429 some_error and asks for a pause of 86400 s"),
    ):
        ask(server, deadline_s=60)
    assert server.seen == 1


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (401, "invalid_api_key", "401 invalid_api_key: the key is wrong or missing"),
        (403, None, "403 some_error: the key may not use this model"),
        (404, "model_not_found", "404 model_not_found: the model or the address is unknown there"),
        (402, None, "the account is not paid"),
        (429, "insufficient_quota", "429 insufficient_quota: the account is not paid"),
    ],
)
def test_a_wrong_key_model_or_account_ends_it_without_another_try(status, code, told):
    with FaultServer(lambda body, nth: error(status, code)) as server:
        model = open_model("openai:m", base_url=server.url)
        with pytest.raises(ModelRefused, match=told) as caught:
            model.complete(Request("", "q"), ["a"])
        with pytest.raises(ModelRefused, match=told):
            model.complete(Request("", "another"), ["a"])
    assert server.seen == 1
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    "behave", [lambda body, nth: error(500), lambda body, nth: error(429), lambda body, nth: Reply(hang=9)]
)
def test_a_dead_server_ends_everything_within_the_deadline_after_few_requests(behave):
    with FaultServer(behave) as server:
        model = open_model("openai:m", base_url=server.url, deadline_s=2, concurrency=16)
        ended = []

        def ask(i):
            try:
                model.complete(Request("", str(i)), ["a", "b"])
            except ModelDown as failure:
                ended.append((time.monotonic(), str(failure)))

        began = time.monotonic()
        with ThreadPoolExecutor(100) as threads:
            list(threads.map(ask, range(100)))
    assert len(ended) == 100
    assert max(moment for moment, _ in ended) - began < 2 + 3
    assert {message.split(":")[2] for _, message in ended} == {" no answer within 2 s"}
    assert server.seen < 100


def test_nobody_listens():
    with FaultServer() as server:
        url = server.url
    model = open_model("openai:m", base_url=url, deadline_s=1)
    with pytest.raises(ModelDown, match="the connection failed"):
        model.complete(Request("", "q"), ["a", "b", "c"])


def test_a_server_that_comes_back_is_used_again(ask):
    up_at = time.monotonic() + 1.5

    def behave(body, nth):
        return echo(body, nth) if time.monotonic() > up_at else error(500)

    with FaultServer(behave) as server:
        answers = ask(server, 40, deadline_s=60)
    assert [answer.text for answer in answers] == ["re: hello"] * 40


def test_a_failure_of_one_question_keeps_no_other_waiting_for_ever(ask):
    def behave(body, nth):
        return error(500) if body["messages"][-1]["content"] == "bad" else echo(body, nth)

    with FaultServer(behave) as server:
        model = open_model("openai:m", base_url=server.url, deadline_s=2)
        assert ask(server, 3, message="good", model=model)[2].text == "re: good"
        with pytest.raises(ModelDown, match="500"):
            ask(server, 3, message="bad", model=model)


@pytest.mark.parametrize("reply", [error(500), Reply(hang=60)])
def test_closing_wakes_who_waits(reply):
    with FaultServer(lambda body, nth: reply) as server:
        model = open_model("openai:m", base_url=server.url, deadline_s=600)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(model.complete, Request("", "q"), ["a"])
            while not server.seen:
                time.sleep(0.01)
            model.close()
            with pytest.raises(ModelFailure, match="stopped before it answered"):
                waiting.result(10)


@pytest.mark.parametrize(
    "reply",
    [
        error(401, KEY, message=f"{KEY} is wrong"),
        error(400, "the answer text", message="the echo of the prompt text"),
        error(500, message="the echo of the prompt text"),
        Reply(500, raw=b"the echo of the prompt text"),
        Reply(400, raw=b"the echo of the prompt text"),
        Reply(raw=b"the answer text"),
        completion(["the answer text"]),
        completion([]),
    ],
)
@pytest.mark.parametrize("spec", ["openai:m", "anthropic:m"])
def test_no_key_no_prompt_and_no_answer_in_an_error_or_a_log_line(monkeypatch, caplog, reply, spec):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    told = ""
    with FaultServer(lambda body, nth: reply) as server:
        model = open_model(spec, base_url=server.url, deadline_s=0.5)
        try:
            model.complete(Request(EXPERTISE, PROMPT), ["a"])
        except ModelFailure as failure:
            told = "".join(traceback.format_exception(failure)) + repr(failure) + repr(failure.__context__)
    logged = "\n".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    assert server.seen > 0
    for secret in SECRETS:
        assert secret not in told
        assert secret not in logged


def test_a_process_ends_at_once_though_a_request_hangs():
    code = "import sys, threading; from selftaught.models import Request; from selftaught.models.providers import open_model\n"
    code += "model = open_model('openai:m', base_url=sys.argv[1])\n"
    code += "asking = threading.Thread(target=model.complete, args=(Request('', 'q'), ['a', 'b']))\n"
    code += "asking.start(); sys.stdin.readline(); model.close()"
    with FaultServer(lambda body, nth: Reply(hang=60)) as server:
        command = [sys.executable, "-c", code, server.url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while server.seen < 2:
                time.sleep(0.01)
            _, told = process.communicate("\n", timeout=30)
    assert "stopped before it answered" in told


def test_a_server_that_trickles_is_left(quick):
    class Trickling(Numbered):
        def ask(self, request, count, timeout_s):
            self.asked.append(count)
            time.sleep(60 if len(self.asked) == 1 else 0)
            return [Answer("late")]

    provider = Trickling()
    (answer,) = Gateway(provider, deadline_s=4).complete(Request("", "q"), ["a"])
    assert (answer.text, len(provider.asked)) == ("late", 2)


def test_passing_failures_stay_inside():
    class Broken(Numbered):
        def ask(self, request, count, timeout_s):
            raise PassingFailure("not now")

    with pytest.raises(ModelDown, match=r"numbered: no answer within 0\.2 s: not now"):
        Gateway(Broken(), deadline_s=0.2).complete(Request("", "q"), ["a"])
