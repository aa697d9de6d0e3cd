"""What a user's own scorer may say and do: prints, what may be imported, numbers of any kind; without a process of its own."""

import json

import pytest
from shared.command import called, one_line

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
