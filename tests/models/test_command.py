"""The command with a server that fails it: it ends, says why, and can be gone on with."""

import json
import signal
import subprocess
import sys
import time

from faultserver import FaultServer, Reply, completion, error

OPTIONS = "--rounds 1 --repetitions 1 --validation 1 --test 1 --calls 1 --responses 2 --scorings 4 --outer-calls 1"
TASKS = "--outer-responses 2 --outer-scorings 2 --tasks grid --test-tasks grid --model openai:m --yes --json"


def command(folder, *words):
    line = [sys.executable, "-c", "from selftaught.cli import main; main()", *words, "--store", str(folder / "s.db")]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


def begin(folder, server):
    return command(folder, "run", *OPTIONS.split(), *TASKS.split(), "--base-url", server.url)


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
    assert run.returncode != 0
    assert "resume 1" in said
