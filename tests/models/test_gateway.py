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

from selftaught.budget.spend import Spend
from selftaught.errors import ModelDown, ModelFailure, ModelRefused, PassingFailure
from selftaught.models import Answer, Request, gateway, openai, waiting
from selftaught.models.buying import buy
from selftaught.models.gateway import ALONE, Gateway
from selftaught.models.prices import FRAME
from selftaught.models.providers import open_model
from selftaught.models.waiting import Signs, Silence, Wait, Watch
from selftaught.settings.choice import ModelChoice, Price

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
        (answer,) = ask(server, deadline_s=10)
    assert (answer.text, answer.finish, server.seen) == ("re: hello", "stop", 2)


@pytest.mark.parametrize(
    "names", [["429"], ["500"], ["cut"], ["garbage"], ["empty"], ["hang"], sorted(FAULTS)], ids=str
)
def test_a_third_of_faults_changes_no_answer(quick, names):
    with FaultServer(faulty([FAULTS[name] for name in names], 0.3), latency=0.005) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=60)
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
    local = False

    def __init__(self):
        self.asked = []

    def lives(self):
        return True

    def elsewhere(self):
        return ""

    def ask(self, request, count, waiting):
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


def test_the_concurrency_is_bounded_and_used(ask, monkeypatch):
    monkeypatch.setattr(openai, "BATCH", 1)
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
        pytest.raises(ModelDown, match=r"429 some_error .“no”. and asks for a pause of 86400 s"),
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
        model = open_model(ModelChoice("openai:m", base_url=server.url))
        with pytest.raises(ModelRefused, match=told) as caught:
            model.complete(Request("", "q"), ["a"])
        with pytest.raises(ModelRefused, match=told):
            model.complete(Request("", "another"), ["a"])
    assert server.seen == 1
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    "behave", [lambda body, nth: error(500), lambda body, nth: error(429), lambda body, nth: Reply(hang=600)]
)
def test_a_dead_server_ends_everything_within_the_deadline_after_few_requests(behave):
    with FaultServer(behave, alive=lambda: error(502)) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=4, concurrency=16)
        ended = []

        def ask(i):
            try:
                everything(model, Request("", str(i)), [f"{i}/a", f"{i}/b"])
            except ModelDown as failure:
                ended.append((time.monotonic(), str(failure)))

        began = time.monotonic()
        with ThreadPoolExecutor(100) as threads:
            list(threads.map(ask, range(100)))
    assert len(ended) == 100
    assert (
        max(moment for moment, _ in ended) - began < 4 + 12
    )  # one after another, sixteen at a time, they would take 25 s
    assert {message.split(":")[2] for _, message in ended} == {" no answer within 4 s"}
    assert server.seen < 100


def test_nobody_listens():
    with FaultServer() as server:
        url = server.url
    model = open_model(ModelChoice("openai:m", base_url=url), deadline_s=1)
    with pytest.raises(ModelDown, match="the connection failed"):
        model.complete(Request("", "q"), ["a", "b", "c"])


def test_a_server_that_comes_back_is_used_again(ask):
    up_at = time.monotonic() + 1.5

    def behave(body, nth):
        return echo(body, nth) if time.monotonic() > up_at else error(500)

    with FaultServer(behave) as server:
        answers = ask(server, 40, deadline_s=60)
    assert [answer.text for answer in answers] == ["re: hello"] * 40


@pytest.mark.parametrize(
    ("reply", "cost"),
    [
        (error(500), 0),
        (error(400, "weird"), 0),
        (Reply(200, {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 0}}), 7),
        (Reply(raw=b"garbage"), FRAME + 3),
    ],
    ids=["500", "400", "no choices", "garbage"],
)
@pytest.mark.parametrize("beside", [True, False])
def test_a_question_that_fails_alone_is_answered_by_that(ask, quick, reply, cost, beside):
    """Whether others are answered meanwhile, or it is the last one."""
    greeted = cost == 0 and reply.status == 400

    def behave(body, nth):
        return reply if body["messages"][-1]["content"] == "bad" else echo(body, nth)

    with FaultServer(behave) as server, ThreadPoolExecutor(4) as threads:
        model = open_model(
            ModelChoice("openai:m", base_url=server.url, price=Price(1e6, 0), max_tokens=10), deadline_s=20
        )
        ask(server, message="good", model=model)
        bad = threads.submit(ask, server, message="bad", model=model, expertise="")
        while beside and not bad.done():
            ask(server, message="good", model=model)
        (answer,) = bad.result(30)
        assert ask(server, message="good", model=model)[0].text == "re: good"
    tries = server.questions()["bad"]
    assert answer.finish == ("blocked" if greeted else "failed")
    assert greeted or ALONE <= tries <= 3 * ALONE
    if cost:
        assert answer.reason
        assert answer.dollars == cost * tries


def test_a_server_that_is_down_for_all_is_no_failure_of_a_question(ask, quick):
    down = threading.Event()

    with FaultServer(lambda body, nth: error(500) if down.is_set() else echo(body, nth)) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=2)
        ask(server, message="good", model=model)
        down.set()
        with pytest.raises(ModelDown, match="500"):
            ask(server, message="other", model=model)


class Heard(Watch):
    """Remembers what it was told."""

    def __init__(self):
        self.notes = []
        self.ended = []
        self.pieces = 0

    def note(self, text):
        self.notes.append((time.monotonic(), text))

    def lost(self, text):
        self.ended.append(text)

    def came(self, pieces):
        self.pieces += pieces


def test_what_the_end_cuts_when_something_has_come_is_counted_and_said(ask):
    slow = completion(["word " * 400], usage=(7, 400))
    slow.pieces_s = 0.05

    def behave(body, nth):
        return slow if body["messages"][-1]["content"] == "streamed" else Reply(hang=30)

    with FaultServer(behave) as server, ThreadPoolExecutor(2) as threads:
        model = open_model(ModelChoice("openai:m", base_url=server.url, price=Price(1e6, 0), max_tokens=10))
        model.watch = heard = Heard()
        spend = Spend()
        asked = [threads.submit(buy, model, Request("", text), ["a"], spend.buying) for text in ("streamed", "silent")]
        until = time.monotonic() + 20
        while (not heard.pieces or server.seen < 2) and time.monotonic() < until:
            time.sleep(0.01)
        most = model.ceiling(Request("", "streamed"), 1)
        assert model.held == most
        model.close()
        for one in asked:
            with pytest.raises(ModelFailure, match="stopped"):
                one.result(20)
    assert spend.now().dollars == most
    assert heard.ended == [f"openai:m: 1 requests cut under way may have to be paid: counted as ${most:.4f}"]


class TestWaiting:
    """A request is waited for as long as its server lives."""

    def test_a_slow_stream_is_waited_for_and_bought_once(self, ask):
        """A token a second, in a hundredth of the time."""
        slow = completion(["word " * 120], usage=(7, 120))
        slow.pieces_s = 0.02
        with FaultServer(lambda body, nth: slow) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=1.5, idle_s=0.3)
            model.watch = heard = Heard()
            (answer,) = ask(server, model=model)
        assert (answer.text, server.seen, server.probes) == ("word " * 120, 1, [])
        assert answer.latency_s > 2
        assert heard.pieces > 100

    @pytest.mark.parametrize("plain", [True, False])
    def test_a_server_that_is_silent_and_lives_is_waited_for_and_it_is_said(self, ask, plain):
        def behave(body, nth):
            time.sleep(2.5)
            reply = echo(body, nth)
            reply.plain = plain
            return reply

        with FaultServer(behave) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=1, idle_s=0.2)
            model.watch = heard = Heard()
            (answer,) = ask(server, model=model)
        assert (answer.text, server.seen) == ("re: hello", 1)
        assert len(server.probes) >= 1
        assert any("the server lives: waiting on" in text for _, text in heard.notes)

    def test_a_server_that_has_gone_is_not(self, ask):
        with FaultServer(lambda body, nth: Reply(hang=600), alive=lambda: error(502)) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=1, idle_s=0.2)
            began = time.monotonic()
            with pytest.raises(ModelDown, match="does not answer anything else"):
                ask(server, model=model)
        assert time.monotonic() - began < 30

    def test_a_request_that_many_later_ones_have_overtaken_is_lost_and_may_have_to_be_paid(self, ask):
        asked = []

        def behave(body, nth):
            asked.append(body["messages"][-1]["content"])
            return (
                Reply(hang=30)
                if body["messages"][-1]["content"] == "first" and asked.count("first") == 1
                else echo(body, nth)
            )

        with FaultServer(behave) as server, ThreadPoolExecutor(1) as threads:
            model = open_model(
                ModelChoice("openai:m", base_url=server.url, price=Price(1e6, 0), max_tokens=10), idle_s=0.3
            )
            first = threads.submit(ask, server, message="first", model=model, expertise="")
            while not first.done() and server.seen < 500:
                ask(server, message="other", model=model)
            (answer,) = first.result(30)
        assert (answer.text, server.questions()["first"]) == ("re: first", 2)
        assert answer.dollars == 7 + len("first") + FRAME

    def test_a_server_that_lives_and_never_answers_is_given_up_in_the_end(self, ask):
        with FaultServer(lambda body, nth: Reply(hang=20)) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=0.3, idle_s=0.1)
            with pytest.raises(ModelRefused, match="no answer in time, though the server lives"):
                model.complete(Request("", "q"), ["a"])
        assert server.seen == 1


class TestWhatIsSaid:
    """What went wrong is said at once; what cannot pass ends it, as long as nothing was ever answered."""

    @pytest.mark.parametrize("reply", [error(500), error(429), None], ids=["500", "429", "nobody"])
    def test_the_first_reason_is_told_within_two_seconds(self, reply):
        with FaultServer(lambda body, nth: reply) as server:
            url = server.url if reply else "http://127.0.0.1:1/v1"
            model = open_model(ModelChoice("openai:m", base_url=url), deadline_s=60)
            model.watch = heard = Heard()
            began = time.monotonic()
            with ThreadPoolExecutor(1) as threads:
                waiting = threads.submit(model.complete, Request("", "q"), ["a"])
                while not heard.notes and time.monotonic() - began < 10:
                    time.sleep(0.01)
                model.close()
                with pytest.raises(ModelFailure):
                    waiting.result(10)
        told_at, told = heard.notes[0]
        assert told_at - began < 2
        assert (f"{reply.status}" if reply else "nothing listens there") in told

    @pytest.mark.parametrize(
        ("told", "said"),
        [
            ({"error": {"code": 401, "message": "No auth credentials found"}}, "401: the key is wrong or missing"),
            (
                {"error": {"code": "insufficient_quota", "message": "pay"}},
                "402 insufficient_quota: the account is not paid",
            ),
            ({"error": {"message": "something new"}}, "an error .“something new”"),
        ],
    )
    def test_an_error_in_a_response_of_status_200_ends_it(self, told, said):
        with FaultServer(lambda body, nth: Reply(200, told, plain=True)) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=60)
            with pytest.raises(ModelRefused, match=said):
                model.complete(Request("", "q"), ["a"])
        assert server.seen == 1

    def test_a_page_is_no_model(self):
        with FaultServer(lambda body, nth: Reply(raw=b"<!DOCTYPE html><title>Log in</title>")) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=60)
            with pytest.raises(ModelRefused, match="a web page, no model"):
                model.complete(Request("", "q"), ["a"])

    def test_an_address_that_lacks_its_end_is_tried_with_it(self):
        with FaultServer(lambda body, nth: error(404)) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url.removesuffix("/v1")), deadline_s=60)
            with pytest.raises(ModelRefused, match=rf"tried {server.url}: works"):
                model.complete(Request("", "q"), ["a"])
        assert server.probes == ["/v1/models"]

    def test_after_a_good_answer_it_is_a_passing_fault(self, ask, quick):
        with FaultServer(lambda body, nth: error(401) if nth == 1 else echo(body, nth)) as server:
            model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=30)
            assert [ask(server, model=model)[0].text for _ in range(2)] == ["re: hello"] * 2
        assert server.seen == 3

    def test_responses_that_never_hold_an_answer_are_bought_a_few_times_only(self, ask, quick):
        with (
            FaultServer(lambda body, nth: Reply(200, {"choices": []})) as server,
            pytest.raises(ModelRefused, match="holds no answer"),
        ):
            ask(server, deadline_s=60)
        assert server.seen == gateway.BARREN


@pytest.mark.parametrize("reply", [error(500), Reply(hang=600)])
def test_closing_wakes_who_waits(reply):
    with FaultServer(lambda body, nth: reply) as server:
        model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=600)

        def asking():
            while model.complete(Request("", "q"), ["a"])[0].again:  # cut while it came: counted, and asked for again
                pass

        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(asking)
            while not server.seen:
                time.sleep(0.01)
            model.close()
            with pytest.raises(ModelFailure, match="stopped before it answered"):
                waiting.result(60)


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
        model = open_model(ModelChoice(spec, base_url=server.url), deadline_s=0.5)
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
    code += "from selftaught.settings.choice import ModelChoice\n"
    code += "model = open_model(ModelChoice('openai:m', sys.argv[1]))\n"
    code += "asking = threading.Thread(target=model.complete, args=(Request('', 'q'), ['a', 'b']))\n"
    code += "asking.start(); sys.stdin.readline(); model.close()"
    with FaultServer(lambda body, nth: Reply(hang=600)) as server:
        command = [sys.executable, "-c", code, server.url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not server.seen:
                time.sleep(0.01)
            _, told = process.communicate("\n", timeout=90)
    assert "stopped before it answered" in told


def test_passing_failures_stay_inside():
    class Broken(Numbered):
        def ask(self, request, count, waiting):
            raise PassingFailure("not now")

    with pytest.raises(ModelDown, match=r"numbered: no answer within 0\.2 s: not now"):
        Gateway(Broken(), deadline_s=0.2).complete(Request("", "q"), ["a"])


def test_remarks_alone_are_no_life_for_ever(monkeypatch):
    """What stands before a server may make them whatever has become of it; anything else that comes counts."""
    now = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    wait = Wait(Signs(), Watch(), lambda: True, idle_s=1, deadline_s=10)
    remark = memoryview(b"e\r\n: keep-alive\n\n\r\n")
    for life in (b"HTTP/1.1 200 OK\r\n\r\n", b'data: {"choices": []}\n\n', b'{"choices": ['):
        now[0] += 59
        wait.heard(memoryview(life))
        now[0] += 59
        wait.heard(remark)
    now[0] += 1
    with pytest.raises(Silence, match="though remarks come"):
        wait.heard(remark)
