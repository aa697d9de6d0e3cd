"""A model for each level: `--proposer` writes improvers, `--model` works inside them; counts, money and limits by level."""

import json
import re
import signal
import time
from dataclasses import replace

import pytest
from faultserver import FaultServer, completion
from shared.command import answers
from shared.served import OPTIONS, SOME, command, ended

from selftaught.evidence.models import does
from selftaught.runs.forecast import known_of
from selftaught.runs.spans import Expected, Span
from selftaught.settings import Settings
from selftaught.settings.choice import ModelChoice
from selftaught.store import Store

TASKS = "--outer-responses 2 --outer-scorings 2 --tasks grid --test-tasks grid --seed 5 --yes --json --controls basic"
INSIDE, WRITING = (7, 5), (70, 40)
"""Tokens in and out of every answer."""


def worker(body, nth):
    return completion([f"{SOME}\n# {nth}"] * body.get("n", 1), usage=(INSIDE[0], INSIDE[1] * body.get("n", 1)))


def writer(body, nth):
    several = [
        f"```python\n# {nth} {i}\ndef improve_algorithm(s, u, m):\n    m.prompt('e', s)\n    return s\n```"
        for i in (0, 1)
    ]
    return completion(several[: body.get("n", 1)], usage=(WRITING[0], WRITING[1] * body.get("n", 1)))


def words(inside, writing):
    first = ["--model", "openai:m", "--base-url", inside.url, "--price", "1,2", "--max-tokens", "50"]
    second = ["--proposer", "openai:p", "--proposer-base-url", writing.url, "--proposer-price", "10,20"]
    more = ["--proposer-max-tokens", "99", "--proposer-extra-body", '{"top_p": 0.5}', "--proposer-query", "v=7"]
    return ["run", *OPTIONS.split(), *TASKS.split(), *first, *second, *more]


def end(run):
    shown, said = run.communicate(timeout=200)
    return run.returncode, said, json.loads(shown) if run.returncode in {0, 4} and shown.startswith("{") else None


def counted(server):
    return sum(body.get("n", 1) for body in server.bodies)


def dollars(answers, requests, tokens, price):
    return (requests * tokens[0] * price[0] + answers * tokens[1] * price[1]) / 1e6


@pytest.mark.slow
def test_each_level_asks_its_own_model_and_counts_are_exact(tmp_path):
    with FaultServer(worker) as inside, FaultServer(writer) as writing:
        with ended(tmp_path, *words(inside, writing)) as run:
            code, said, document = end(run)
        assert code == 0, said
        asked = inside.seen, writing.seen
        with ended(tmp_path, "resume", "1", "--json") as run:
            assert end(run)[2] == document
        assert (inside.seen, writing.seen) == asked, "nothing is bought twice"
    assert re.search(
        r"at most 2 answers of openai:p to write improvers and [\d,]+ answers of openai:m to work inside", said
    )
    assert "answers of 99 and of 50 tokens" in said
    assert all("improve_algorithm" in body["messages"][-1]["content"] for body in writing.bodies)
    assert not any("def improve_algorithm" in body["messages"][-1]["content"] for body in inside.bodies)
    assert {(body["model"], body["max_tokens"], body["top_p"]) for body in writing.bodies} == {("p", 99, 0.5)}
    assert {(body["model"], body["max_tokens"], body.get("top_p")) for body in inside.bodies} == {("m", 50, None)}
    assert all(headers[":path"].endswith("?v=7") for headers in writing.headers)

    assert (document["model"], document["proposer"]) == ("openai:m", "openai:p")
    by = {(one["model"], one["does"]): one for one in document["usage"]["models"]}
    assert set(by) == {("openai:m", "works inside"), ("openai:p", "writes improvers")}
    for who, server, tokens, price in [
        (("openai:m", "works inside"), inside, INSIDE, (1, 2)),
        (("openai:p", "writes improvers"), writing, WRITING, (10, 20)),
    ]:
        answers, paid = counted(server), dollars(counted(server), server.seen, tokens, price)
        assert (by[who]["responses"], by[who]["bought"]) == (answers, answers)
        assert by[who]["tokens_in"] == server.seen * tokens[0] and by[who]["tokens_out"] == answers * tokens[1]
        assert by[who]["dollars"] == by[who]["dollars_spent"] == pytest.approx(paid)
    whole = document["usage"]
    assert whole["responses"] == counted(inside) + counted(writing)
    assert whole["dollars_spent"] == pytest.approx(sum(one["dollars_spent"] for one in by.values()))
    with Store(tmp_path / "s.db") as store:
        levels = {(about["model"], does(about["stream"])) for about in store.abouts("answer")}
        assert levels == set(by)
        for (_, role), one in by.items():
            choice = ModelChoice("openai:p" if role == "writes improvers" else "openai:m")
            choice = replace(choice, base_url=(writing if role == "writes improvers" else inside).url)
            known = known_of(store, Expected(choice, Span(1, 1), ("grid",), 5, role))
            assert known.dollars == pytest.approx(one["dollars"] / one["responses"])
        settings = Settings.read(store.run(1).settings)
    assert settings.proposer.spec == "openai:p" and settings.plain()["proposer"]["max_tokens"] == 99


@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 3, 7])
def test_a_limit_on_answers_holds_over_both(tmp_path, most):
    with FaultServer(worker) as inside, FaultServer(writer) as writing:
        with ended(tmp_path, *words(inside, writing), "--max-answers", str(most)) as run:
            code, said, _ = end(run)
        assert code == 4, said
        assert counted(inside) + counted(writing) == most
        with ended(tmp_path, "resume", "1", "--json", "--max-answers", "1000") as run:
            code, said, document = end(run)
        assert code == 0, said
        assert counted(inside) + counted(writing) == document["usage"]["responses"], "nothing is bought twice"


@pytest.mark.slow
def test_a_kill_loses_no_answer_of_either_and_buys_none_twice(tmp_path):
    with FaultServer(worker, latency=0.2) as inside, FaultServer(writer, latency=0.2) as writing:
        with command(tmp_path, *words(inside, writing)) as run:
            while answers(tmp_path / "s.db") < 4:
                assert run.poll() is None
                time.sleep(0.02)
            run.send_signal(signal.SIGKILL)
            run.communicate(timeout=60)
        with Store(tmp_path / "s.db") as store:
            kept = store.bought(1).responses
        asked = counted(inside) + counted(writing)
        assert 0 < kept <= asked
        with ended(tmp_path, "resume", "1", "--json") as run:
            code, said, document = end(run)
    assert code == 0, said
    more = counted(inside) + counted(writing) - asked
    assert document["usage"]["responses"] - kept == more, "what was kept is not asked for again"
    assert sum(one["bought"] for one in document["usage"]["models"]) == document["usage"]["responses"]


@pytest.mark.slow
def test_a_limit_on_dollars_holds_over_both(tmp_path):
    dear = ["--price", "1000,2000", "--max-dollars", "1"]
    with (
        FaultServer(worker) as inside,
        FaultServer(writer) as writing,
        command(tmp_path, *words(inside, writing), *dear) as run,
    ):
        code, said, _ = end(run)
    assert code == 4, said
    with Store(tmp_path / "s.db") as store:
        spent = store.bought(1).dollars
    paid = dollars(counted(inside), inside.seen, INSIDE, (1000, 2000)) + dollars(
        counted(writing), writing.seen, WRITING, (10, 20)
    )
    assert spent == pytest.approx(paid) and spent <= 1


@pytest.mark.slow
def test_headers_of_each_are_its_own_never_stored_and_have_to_be_given_again(tmp_path):
    sent = ["--header", "X-Team=blue42", "--proposer-header", "X-Team=green43"]
    with FaultServer(worker) as inside, FaultServer(writer) as writing:
        with ended(tmp_path, *words(inside, writing), *sent, "--max-answers", "3") as run:
            assert end(run)[0] == 4
        with ended(tmp_path, "resume", "1", "--max-answers", "1000", *sent[:2]) as run:
            code, said, _ = end(run)
        assert code == 2 and "--proposer-header x-team=…" in said
        with ended(tmp_path, "resume", "1", "--max-answers", "1000", *sent) as run:
            code, said, _ = end(run)
        assert code == 0, said
    assert {headers.get("x-team") for headers in inside.headers} == {"blue42"}
    assert {headers.get("x-team") for headers in writing.headers} == {"green43"}
    stored = (tmp_path / "s.db").read_bytes()
    assert b"blue42" not in stored and b"green43" not in stored


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--proposer-price", "1,2"], "--proposer-price says how --proposer is reached"),
        (["--proposer", "nobody:x"], "no model is called 'nobody:x'"),
        (
            ["--proposer", "openai:p", "--proposer-base-url", "http://127.0.0.1:1/v1", "--proposer-price", "x"],
            "--proposer-price is",
        ),
        (["--proposer", "offline", "--proposer-max-tokens", "3"], "takes neither"),
    ],
)
def test_wrong_usage_is_told_in_a_line(tmp_path, options, said):
    with ended(tmp_path, "run", "--model", "offline:generic", *options) as run:
        code, told, _ = end(run)
    assert code == 2 and said in told.splitlines()[-1]
    assert not (tmp_path / "s.db").exists()


def test_one_that_is_the_model_itself_changes_nothing():
    from selftaught.cli.options import Served

    assert Served().proposers(["offline"], ModelChoice()) == []
    assert "proposer" not in Settings("").plain()
    plain = Settings("", proposer=ModelChoice("offline:generic")).plain()
    assert Settings.read(plain).plain() == plain and plain["proposer"]["model"] == "offline:generic"


@pytest.mark.slow
def test_who_writes_for_the_built_in_editor_is_told_which_words_it_heeds(tmp_path):
    with FaultServer(writer) as writing:
        asked = words(writing, writing)
        first = asked.index("--model")
        asked[first : first + 8] = ["--model", "offline"]
        with ended(tmp_path, *asked) as run:
            assert end(run)[0] == 0
        assert writing.bodies
        assert all("It is a program editor that heeds these words" in str(body["messages"]) for body in writing.bodies)
