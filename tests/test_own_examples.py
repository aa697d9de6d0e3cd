"""Every program in `examples/` runs as its page says, and none comes back worse."""

import json
import shutil
from pathlib import Path

import pytest
from shared.command import called

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parent.parent / "examples"
ASKED = {
    "bins": ["pack.py", "--score", "score.py", "--minimize"],
    "tour": ["tour.py", "--score", "score.py", "--minimize"],
    "kernel": ["kernel.py", "--score", "score.py", "--minimize", "--model", "scripted:answers.json"],
    "fit": ["fit.py", "--score", "score.py", "--minimize", "--with", "scipy", "--model", "scripted:answers.json"],
    "shell": [
        *("count.awk", "--score-command", "sh score.sh {}", "--file", "score.sh", "--minimize"),
        *(
            "--about",
            "Print the most frequent line, by as short a program as you can.",
            "--model",
            "scripted:answers.json",
        ),
    ],
    "rank": [
        *("rank.awk", "--run", "awk -f {}", "--cases", "cases", "--model", "scripted:answers.json", "--about"),
        "Print each different line once, after how often it came and a blank, the most frequent first; of equals the one that came first.",
    ],
    "points": ["."],
}


OFFLINE = ("bins", "tour", "points")
"""Improved by the built-in model, whatever the seed: who tries one for the first time shall see what it is about."""


@pytest.mark.parametrize(
    ("name", "seed"), [(name, seed) for name in ASKED for seed in ((11, 12, 13) if name in OFFLINE else (11,))]
)
def test_an_example_is_improved(name, seed, tmp_path):
    if name == "points":
        pytest.importorskip("yaml")
    folder = shutil.copytree(EXAMPLES / name, tmp_path / name)
    done = called("improve", *ASKED[name], "--seed", str(seed), "--store", "s.db", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    sign = -1 if found["minimize"] else 1
    assert sign * found["practice"]["best"] >= sign * found["practice"]["start"]
    assert found["better"], name


def test_every_example_is_tried():
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == {*ASKED}
