"""The command with a server that fails it: it ends, says why, and can be gone on with."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from faultserver import FaultServer, Reply, completion, error
from shared.command import called
from shared.served import OPTIONS, SOME, TASKS, command, ended

from selftaught.store import Store

NOWHERE = ["--model", "openai:m", "--base-url", "http://127.0.0.1:1/v1"]


def asked(server):
    return ["run", *OPTIONS.split(), *TASKS.split(), "--base-url", server.url]


def begin(folder, server, *more):
    return command(folder, *asked(server), *more)


@pytest.mark.slow
def test_a_wrong_key_ends_a_run_and_the_mended_one_goes_on(tmp_path):
    mended = []
    with FaultServer(lambda body, nth: completion([SOME], usage=(7, 5)) if mended else error(401)) as server:
        with ended(tmp_path, *asked(server)) as run:
            _, said = run.communicate(timeout=100)
        assert run.returncode == 1
        assert "the key is wrong or missing" in said.splitlines()[-1]
        mended.append(True)
        with ended(tmp_path, "resume", "1", "--json") as resumed:
            document, _ = resumed.communicate(timeout=100)
    assert resumed.returncode == 0
    assert json.loads(document)["usage"]["responses"] > 0


def test_interrupting_a_run_does_not_wait_for_a_server_that_hangs(tmp_path):
    with FaultServer(lambda body, nth: Reply(hang=100)) as server, begin(tmp_path, server) as run:
        while not server.seen:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted" in said
    assert "resume 1" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_silent_server_ends_a_run_at_its_deadline_and_what_a_run_was_told_of_its_model_holds_when_it_is_resumed(
    tmp_path,
):
    mended, asked = [], []

    def behave(body, nth):
        asked.append(body["max_tokens"])
        return completion([SOME], usage=(7, 5)) if mended else error(500)

    options = ["--deadline", "1", "--max-tokens", "77", "--price", "1000,2000"]
    with FaultServer(behave) as server:
        with begin(tmp_path, server, *options) as run:
            _, said = run.communicate(timeout=100)
        assert run.returncode == 1
        assert "no answer within 1 s" in said.splitlines()[-1]
        assert "model openai:m" in said
        mended.append(True)
        with ended(tmp_path, "resume", "1", "--deadline", "30", "--json") as resumed:
            document = json.loads(resumed.communicate(timeout=100)[0])
    assert resumed.returncode == 0
    assert set(asked) == {77}
    used = document["usage"]
    assert used["dollars"] == pytest.approx((1000 * used["tokens_in"] + 2000 * used["tokens_out"]) / 1e6)
    assert used["dollars"] > 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([*NOWHERE, "--price", "cheap"], "--price 0.15,0.6"),
        ([*NOWHERE, "--price", "1,-1"], "--price 0.15,0.6"),
        ([*NOWHERE, "--max-tokens", "0"], "--max-tokens is 0"),
        ([*NOWHERE, "--deadline", "0"], "--deadline is 0"),
        (["--model", "offline", "--max-tokens", "5"], "takes neither"),
    ],
)
def test_wrong_usage_is_told_before_a_run_begins(tmp_path, options, told):
    done = called("run", "--yes", *options, "--store", "s.db", cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1]
    with Store(tmp_path / "s.db") as store:
        assert store.runs() == []


@pytest.mark.slow
class TestTwoAtOnce:
    """Two commands on one store."""

    def test_the_same_run_is_refused_while_another_process_works_on_it(self, tmp_path):
        going = threading.Event()

        def behave(body, nth):
            going.wait(60)
            return completion([SOME], usage=(7, 5))

        with FaultServer(behave) as server, begin(tmp_path, server) as first:
            while not server.seen:
                time.sleep(0.02)
            with command(tmp_path, "resume", "1") as second:
                _, said = second.communicate(timeout=60)
            going.set()
            document, _ = first.communicate(timeout=100)
        assert second.returncode == 1
        assert said.splitlines()[-1].startswith("selftaught: run 1 is being worked on by another process")
        assert first.returncode == 0
        assert json.loads(document)["usage"]["responses"] > 0

    def test_two_runs_share_what_they_find(self, tmp_path):
        def behave(body, nth):
            return completion([f"```python\n# {body['messages'][-1]['content'][:9]}\n```"] * body.get("n", 1))

        with (
            FaultServer(behave, latency=0.05) as server,
            begin(tmp_path, server, "--seed", "7") as one,
            begin(tmp_path, server, "--seed", "7") as two,
        ):
            ended = [run.communicate(timeout=100) for run in (one, two)]
        assert [one.returncode, two.returncode] == [1, 1], "no answer is a program"
        documents = [json.loads(said) for said, _ in ended]
        assert {document["run"] for document in documents} == {1, 2}
        assert documents[0]["arms"] == documents[1]["arms"]


PRICED = ["--max-tokens", "50", "--price", "100,200"]


def estimated(said):
    """What a run says beforehand: answers and dollars."""
    answers, dollars = re.search(r"at most ([\d,]+) answers of openai:m for \$([\d,.]+)", said).groups()
    return int(answers.replace(",", "")), float(dollars.replace(",", ""))


@pytest.mark.parametrize("controls", ["basic", pytest.param("all", marks=pytest.mark.slow)])
def test_a_run_costs_no_more_than_is_said_before_it(tmp_path, controls):
    """An improver that uses its whole allowance, and is proposed again and again, comes near to it."""
    greedy = Path(__file__).with_name("greedy.py").read_text()

    def behave(body, nth):
        several = [f"```python\n{greedy}# {nth} {i}\n```" for i in range(body.get("n", 1))]
        return completion(several, usage=(1000, 50 * len(several)))

    (tmp_path / "greedy.py").write_text(greedy)
    with FaultServer(behave) as server:
        options = [*PRICED, "--controls", controls, "--improver", "greedy.py", "--accept", "paper"]
        with ended(tmp_path, *asked(server), *options) as run:
            document, said = run.communicate(timeout=110)
    assert run.returncode == 1, "what it returns is no solution of the task"
    answers, dollars = estimated(said)
    used = json.loads(document)["usage"]
    assert 0.2 * answers < used["responses"] <= answers
    assert 0 < used["dollars_spent"] <= dollars


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--max-answers", "3"], "limit of 3 answers is reached"),
        (["--max-bought-tokens", "20"], "limit of 20 tokens is reached"),
        (["--max-dollars", "0.002"], "limit of $0.002 is reached"),
        (["--round-dollars", "0.002"], "limit of $0.002 for a round is reached"),
        (["--max-minutes", "0.0001"], "of time is reached"),
        (["--round-minutes", "0.0001"], "of time for a round is reached"),
        (["--max-cpu-minutes", "0.0001"], "of CPU time is reached"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_each_limit_stops_a_run_which_goes_on_with_a_higher_one(tmp_path, option, told):
    price = ["--max-tokens", "5", "--price", "1,1"]
    with FaultServer(
        lambda body, nth: completion([SOME] * body.get("n", 1), usage=(7, 5 * body.get("n", 1)))
    ) as server:
        with ended(tmp_path, *asked(server), *price, *option) as run:
            _, said = run.communicate(timeout=100)
        assert run.returncode == 4, said
        assert told in said.splitlines()[-1]
        assert server.seen <= 3
        with ended(tmp_path, "resume", "1", option[0], "1000") as resumed:
            _, said = resumed.communicate(timeout=100)
    assert resumed.returncode == 0, said


def test_an_allowance_of_tokens_ends_what_an_improver_may_ask(tmp_path):
    with FaultServer(
        lambda body, nth: completion([SOME] * body.get("n", 1), usage=(7, 5 * body.get("n", 1)))
    ) as server:
        improver = tmp_path / "often.py"
        improver.write_text(Path(__file__).with_name("greedy.py").read_text())
        options = ["--improver", "often.py", "--calls", "9", "--tokens", "1", "--outer-tokens", "1", "--cpu-s", "5"]
        with ended(tmp_path, *asked(server), *options, "--controls", "basic") as run:
            document, said = run.communicate(timeout=100)
    assert run.returncode == 0, said
    assert json.loads(document)["arms"]["seed"]["responses"] == 2, "the call that crosses the limit is the last"


def test_answers_from_a_file_are_found_when_a_run_is_resumed_from_elsewhere(tmp_path):
    (tmp_path / "answers.json").write_text(json.dumps([SOME]))
    words = ["run", *OPTIONS.split(), *TASKS.split(), "--model", "scripted:answers.json", "--max-minutes", "0.0001"]
    with ended(tmp_path, *words) as run:
        run.communicate(timeout=60)
    assert run.returncode == 4
    (tmp_path / "elsewhere").mkdir()
    line = [sys.executable, "-m", "selftaught", "resume", "1", "--max-minutes", "9", "--store", str(tmp_path / "s.db")]
    done = subprocess.run(line, cwd=tmp_path / "elsewhere", capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_an_experiment_takes_what_a_run_takes_of_its_model(tmp_path):
    with FaultServer(
        lambda body, nth: completion([SOME] * body.get("n", 1), usage=(7, 5 * body.get("n", 1)))
    ) as server:
        words = [
            "experiment",
            "transfer",
            "--preset",
            "tiny",
            "--runs",
            "1",
            "--model",
            "openai:m",
            "--json",
            "--deadline",
            "30",
            "--max-answers",
            "4",
        ]
        with ended(tmp_path, *words, *PRICED, "--yes", "--base-url", server.url) as run:
            _, said = run.communicate(timeout=100)
    assert run.returncode == 4, said
    assert estimated(said)[1] > 0
    assert {body["max_tokens"] for body in server.bodies} == {50}


@pytest.mark.slow
def test_what_another_run_on_the_store_was_first_to_keep_is_not_forgotten_when_a_run_is_resumed(tmp_path):
    """Both pay for an answer that both ask for at once; in the store it is the answer of the first."""
    arrived = threading.Barrier(2)

    def behave(body, nth):
        if nth < 2:
            arrived.wait(60)
        return completion([SOME] * body.get("n", 1), usage=(1000, 50))

    limit = [*PRICED, "--max-answers", "1"]
    with FaultServer(behave) as server:
        with begin(tmp_path, server, *limit) as one, begin(tmp_path, server, *limit) as two:
            ended = [run.communicate(timeout=100) for run in (one, two)]
        assert [one.returncode, two.returncode] == [4, 4], ended
        asked = server.seen
        for number in ("1", "2"):
            with command(tmp_path, "resume", number, "--max-dollars", "0.12", "--max-answers", "9") as resumed:
                _, said = resumed.communicate(timeout=100)
            assert "limit of $0.12 is reached ($0.1100 spent" in said, said
        assert server.seen == asked == 2


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (completion([""], finish="length"), "were cut at the token limit (raise --max-tokens"),
        (completion(["I'm sorry, but I can't help with that."]), "were refused"),
        (completion(["Let me think about it."]), "held no code"),
    ],
    ids=["cut", "refused", "spoken"],
)
def test_a_run_whose_answers_hold_no_program_ends_with_what_they_are(tmp_path, reply, told):
    words = ["compare", "seed", "--tasks", "grid", "--repetitions", "2", "--calls", "1", "--responses", "2", "--yes"]
    with FaultServer(lambda body, nth: reply) as server:
        more = [*NOWHERE[:2], "--base-url", server.url, "--price", "1,2", "--store", "s.db"]
        run = called(*words, *more, cwd=tmp_path)
    assert run.returncode == 1
    assert told in run.stderr.splitlines()[-1]
    assert "Improvers" not in run.stdout


@pytest.mark.slow
def test_headers_are_sent_never_stored_and_have_to_be_given_again(tmp_path):
    words = ["compare", "seed", "--tasks", "grid", "--repetitions", "1", "--calls", "1", "--responses", "2", "--yes"]
    sent = ["--header", "X-Team=blue42", "--query", "v=7", "--extra-body", '{"top_p": 0.5}']
    with FaultServer(lambda body, nth: completion([SOME], usage=(7, 5))) as server:
        model = [*NOWHERE[:2], "--base-url", server.url, "--price", "1,2"]
        with ended(tmp_path, *words, *model, *sent, "--max-answers", "1") as run:
            _, said = run.communicate(timeout=100)
        assert run.returncode == 4, said
        with ended(tmp_path, "resume", "1", "--max-answers", "9") as resumed:
            _, said = resumed.communicate(timeout=100)
        assert resumed.returncode == 2 and "--header x-team=…" in said
        with ended(tmp_path, "resume", "1", "--max-answers", "9", *sent[:2]) as resumed:
            _, said = resumed.communicate(timeout=100)
        assert resumed.returncode == 0, said
    assert {headers.get("x-team") for headers in server.headers} == {"blue42"}
    assert {body["top_p"] for body in server.bodies} == {0.5}
    assert b"blue42" not in (tmp_path / "s.db").read_bytes()
