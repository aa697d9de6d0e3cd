"""What a user's own scorer may say and do: prints, what may be imported, numbers of any kind; without a process of its own."""

import json

import pytest
from shared.command import called, one_line

from selftaught.store import Store

PROGRAM = "def total(numbers):\n    return sum(numbers) + 40\n"
SCORER = '''"""`total(numbers)` returns the sum of the numbers; the score is how far it is off."""


def instances(split, seed):
    return [([seed % 50 + i, i],) for i in range(3)]


def score(instance, answer):
    return abs(sum(instance[0]) - answer)
'''
BETTER = "```python\ndef total(numbers):\n    return sum(numbers) + 7\n```"
FEW = ["--calls", "1", "--responses", "4", "--scorings", "5", "--model", "scripted:answers.json", "--store", "s.db"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sums.py").write_text(PROGRAM)
    (tmp_path / "scorer.py").write_text(SCORER)
    (tmp_path / "answers.json").write_text(json.dumps([BETTER]))
    return tmp_path


def improved(folder, *more):
    return called("improve", "sums.py", "--score", "scorer.py", "--minimize", *FEW, *more, cwd=folder)


def figures(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def change(folder, old, new, name="scorer.py"):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


@pytest.mark.slow
def test_whatever_a_scorer_prints_leaves_the_document_alone(folder):
    change(
        folder,
        "def instances(split, seed):",
        "import sys\nprint('one')\n\n\ndef instances(split, seed):\n    print('two')",
    )
    change(folder, "answer):", "answer):\n    print('three')\n    sys.stdout.write('four')")
    done = improved(folder, "--json")
    assert figures(done)["practice"]["best"] == 7
    assert all(word in done.stderr for word in ("one", "two", "three", "four"))


def test_what_cannot_be_an_argument_is_told_in_one_line(folder):
    change(folder, "[seed % 50 + i, i]", "[seed % 50 + i, float('nan')]")
    done = improved(folder)
    assert done.returncode == 2
    assert "an argument holds nan: numbers have to be finite" in one_line(done)


@pytest.mark.slow
def test_a_noisy_scorer_is_noticed_and_its_winner_tried_again_once_for_all(folder):
    change(folder, "def instances", "import random\n\n\ndef instances")
    change(folder, "- answer)", "- answer) + random.random()")
    found = figures(improved(folder, "--json"))
    noise = found["noise"]
    assert not noise["measures"] and 0 < noise["spread"] < 1
    (trial,) = noise["repeated"]
    assert trial["taken"] and trial["repetitions"] == 8 and trial["difference"]["high"] < -30
    assert found["better"] and found["candidates"] == 2

    def scorings():
        with Store(folder / "s.db", readonly=True) as store:
            return sum(1 for _ in store.every("score"))

    before = scorings()
    again = figures(improved(folder, "--json"))
    assert (again["noise"], again["practice"]) == (noise, found["practice"])
    assert scorings() == before
    assert "The scorer is noisy" in improved(folder).stdout


@pytest.mark.slow
def test_time_is_a_score_and_correctness_the_gate(folder):
    slow, quick = (
        f"def total(numbers):\n    for _ in range({n}): pass\n    return sum(numbers)\n" for n in (300_000, 3)
    )
    (folder / "sums.py").write_text(slow)
    (folder / "answers.json").write_text(
        json.dumps([f"```python\n{one}```" for one in (quick, "def total(numbers):\n    return 0\n")])
    )
    change(
        folder,
        "def score(instance, answer):\n    return abs(sum(instance[0]) - answer)",
        "def score(instance, answer, used):\n    assert answer == sum(instance[0])\n    return used.cpu_s / used.start_cpu_s",
    )
    found = figures(improved(folder, "--json"))
    assert found["practice"]["start"] == 1
    assert found["practice"]["best"] < 0.5
    assert found["noise"]["measures"]
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=folder).stdout)
    assert "score raised AssertionError" in rows[-1]["reason"]
