"""The command with a server that fails it: it ends, says why, and can be gone on with."""

import json
import signal
import subprocess
import sys
import time

import pytest
from faultserver import FaultServer, Reply, completion, error

from selftaught.store import Store

OPTIONS = "--rounds 1 --repetitions 1 --validation 1 --test 1 --calls 1 --responses 2 --scorings 4 --outer-calls 1"
TASKS = "--outer-responses 2 --outer-scorings 2 --tasks grid --test-tasks grid --model openai:m --yes --json"

NOWHERE = ["--model", "openai:m", "--base-url", "http://127.0.0.1:1/v1"]


def command(folder, *words):
    line = [sys.executable, "-c", "from selftaught.cli import main; main()", *words, "--store", str(folder / "s.db")]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


def begin(folder, server, *more):
    return command(folder, "run", *OPTIONS.split(), *TASKS.split(), "--base-url", server.url, *more)


def test_a_wrong_key_ends_a_run_and_the_mended_one_goes_on(tmp_path):
    mended = []
    with FaultServer(lambda body, nth: completion(["no program"]) if mended else error(401)) as server:
        with begin(tmp_path, server) as run:
            _, said = run.communicate(timeout=100)
        assert run.returncode == 1
        assert "the key is wrong or missing" in said.splitlines()[-1]
        mended.append(True)
        with command(tmp_path, "resume", "1", "--json") as resumed:
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


def test_a_silent_server_ends_a_run_at_its_deadline_and_what_a_run_was_told_of_its_model_holds_when_it_is_resumed(
    tmp_path,
):
    mended, asked = [], []

    def behave(body, nth):
        asked.append(body["max_tokens"])
        return completion(["no program"]) if mended else error(500)

    options = ["--deadline", "1", "--max-tokens", "77", "--price", "1000,2000"]
    with FaultServer(behave) as server:
        with begin(tmp_path, server, *options) as run:
            _, said = run.communicate(timeout=100)
        assert run.returncode == 1
        assert "no answer within 1 s" in said.splitlines()[-1]
        assert "model openai:m" in said
        mended.append(True)
        with command(tmp_path, "resume", "1", "--deadline", "30", "--json") as resumed:
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
    with command(tmp_path, "run", "--yes", *options) as run:
        _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert told in said.splitlines()[-1]
    with Store(tmp_path / "s.db") as store:
        assert store.runs() == []
