"""A run as one file, run again without network and key to the same document: all three kinds, limits included."""

import json
import lzma
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from faultserver import FaultServer, completion
from test_command import command

from selftaught.errors import UsageError
from selftaught.runs.recording import read, write
from selftaught.runs.replay import begin, recorded
from selftaught.store import Store

FLAG = "/SLOW"
TASK = '''
from selftaught.sandbox import Limits
from selftaught.task import Instance, Task


class Short(Task):
    """f(x) returns a number in [0, 1], which is its grade."""

    name, entry, start = "short", "f", "def f(x):\\n    return 0.0\\n"
    summary = description = "f(x) returns a number in [0, 1]; the grade is that number."
    instances = {"train": 2, "validation": 2, "test": 2}
    limits = Limits(cpu_s=0.3)

    def draw(self, rng):
        return Instance((rng.random(),))

    def grade(self, instance, answer):
        return min(1.0, max(0.0, float(answer)))
'''
SMALL = "--rounds 1 --repetitions 1 --validation 2 --test 2 --calls 2 --responses 2 --scorings 5 --outer-calls 2"
KINDS = {
    "run": [
        *("run", "--tasks", "short.py", "--test-tasks", "short.py", *SMALL.split()),
        *("--outer-responses", "2", "--outer-scorings", "3", "--cpu-s", "1", "--outer-cpu-s", "2"),
    ],
    "compare": [
        "compare",
        "seed",
        "hang.py",
        "--tasks",
        "short.py",
        "--repetitions",
        "3",
        "--calls",
        "2",
        "--cpu-s",
        "1",
    ],
    "experiment": ["experiment", "lpn", "--preset", "tiny", "--runs", "1"],
}
HANG = '''
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Asks and scores once, then never ends."""
    for one in extract_code(language_model.prompt("e", initial_solution, n_responses=2)):
        if utility(one) > 0:
            utility.keep(one)
    while True:
        pass
'''


def answer(body, nth):
    """Improvers, some of which hang after their work; solutions, some of which hang on every second instance."""
    if "def improve_algorithm" in body["messages"][-1]["content"]:
        several = [HANG, HANG.replace("    while True:\n        pass", f"    return initial_solution  # {nth}")]
    else:
        several = [f"def f(x):\n    return {(nth + i) % 7 / 10}\n" for i in range(6)]
        several[nth % 2] = "def f(x):\n    while x > 0.5:\n        pass\n    return 0.9\n"
    texts = [f"An idea.\n```python\n{one}\n```" for one in several[: body.get("n", 1)]]
    return completion(texts, usage=(7, 5 * len(texts)))


def end(run):
    shown, said = run.communicate(timeout=400)
    return run.returncode, said, json.loads(shown) if shown.startswith("{") else None


def plain(document):
    """A document without what differs from one machine and day to the next."""
    kept = json.loads(json.dumps(document))
    for name in ("cpu_s", "wall_s"):
        kept["usage"].pop(name, None)
    return kept


def offline_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "ANTHROPIC"))}


@pytest.fixture(scope="module", params=KINDS)
def made(request, tmp_path_factory):
    """The document of a run of each kind, and its recording."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "short.py").write_text(TASK)
    (folder / "hang.py").write_text(HANG)
    with FaultServer(answer) as server:
        model = [
            "--model",
            "openai:m",
            "--base-url",
            server.url,
            "--price",
            "1,2",
            "--max-tokens",
            "99",
            "--seed",
            "3",
            "--yes",
        ]
        with command(folder, *KINDS[request.param], *model, "--json") as run:
            code, said, document = end(run)
        assert document and "usage" in document, said
    with command(folder, "export", "1", "--recording", "r.xz", "--json") as run:
        code, said, told = end(run)
    assert code == 0, said
    return request.param, folder, document, told


@pytest.mark.slow
def test_it_runs_again_to_the_same_document_with_verdicts_of_limits_taken_from_it(made, tmp_path):
    kind, folder, document, told = made
    files = [] if kind == "experiment" else ["--task-file", str(folder / "short.py")]
    line = [sys.executable, "-m", "selftaught", "replay", str(folder / "r.xz"), *files, "--json"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=400, env=offline_environment())
    assert done.stdout, done.stderr
    assert plain(json.loads(done.stdout)) == plain(document)
    assert told["answers"] >= document["usage"]["responses"] and told["bytes"] < 200_000
    with Store(tmp_path / ".selftaught" / "store.db") as store:
        assert store.run(1).circumstances["recording"]["digest"] == told["digest"]
    if kind != "experiment":
        assert told["verdicts"] > 0
