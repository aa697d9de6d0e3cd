"""What a user's own scorer may say and do: prints, what may be imported, numbers of any kind; without a process of its own."""

import json
import re

import pytest
from shared.command import called, one_line

from selftaught.errors import UsageError
from selftaught.lab.metrics import Rule
from selftaught.program import Program
from selftaught.sandbox import Outcome
from selftaught.sandbox.command import Ran
from selftaught.settings.own import Own
from selftaught.store import Store
from selftaught.task import InvalidAnswer
from selftaught.tasks.commanded import read
from selftaught.tasks.own import ScorerTask
from selftaught.testing import Number, make_lab
from selftaught.utility import TaskUtility

PROGRAM = "def total(numbers):\n    return sum(numbers) + 40\n"
SCORER = '''"""`total(numbers)` returns the sum of the numbers; the score is how far it is off."""


def instances(split, seed):
    return [([seed % 10**6 + i, i],) for i in range(3)]


def score(instance, answer):
    return abs(sum(instance[0]) - answer)
'''
BETTER = "```python\ndef total(numbers):\n    return sum(numbers) + 7\n```"
FEW = ["--calls", "1", "--responses", "24", "--scorings", "5", "--model", "scripted:answers.json", "--store", "s.db"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sums.py").write_text(PROGRAM)
    (tmp_path / "scorer.py").write_text(SCORER)
    (tmp_path / "answers.json").write_text(json.dumps([BETTER]))
    return tmp_path


def improved(folder, *more):
    return called(
        "improve", "sums.py", "--score", "scorer.py", "--minimize", *FEW, "--improver", "hints", *more, cwd=folder
    )


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
    change(folder, "[seed % 10**6 + i, i]", "[seed % 10**6 + i, float('nan')]")
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


RULES = [
    ("", {"combined_score": 3, "score": 1, "x": 9}, 3),
    ("", {"score": 1, "x": 9}, 1),
    ("", {"a": 1.0, "b": 2.0, "right": True, "note": "text"}, 1.5),
    ("b", {"a": 1.0, "b": 2}, 2),
    ("top-1", {"top-1": 4, "top": 9}, 4),
    ("2*accuracy - size/10", {"accuracy": 3, "size": 5}, 5.5),
    ("-(a + 1)", {"a": 1}, -2),
    ("won", {"won": True}, 1),
    ("eval.f1", {"eval.f1": 2}, 2),
    ("6/3/2 - 2 - 1", {}, -2),
]


@pytest.mark.parametrize(("text", "metrics", "score"), RULES)
def test_what_counts_of_several_metrics_is_stated(text, metrics, score):
    found = Rule(text).of(metrics)
    assert found == score
    assert found.metrics == {name: one for name, one in metrics.items() if type(one) in (int, float)}


@pytest.mark.parametrize(
    ("text", "metrics", "why"),
    [
        ("c", {"a": 1}, "c cannot be worked out: the metrics are a"),
        ("a/b", {"a": 1, "b": 0}, "division by zero"),
        ("a", {"a": "much"}, "the metric a is 'much', which is no finite number"),
        ("", {"combined_score": float("nan"), "a": 1}, "combined_score is NaN"),
        ("", {"a": "x"}, "none of the metrics is a finite number"),
        ("", {}, "none of the metrics"),
    ],
)
def test_metrics_without_a_score_are_told_so(text, metrics, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        Rule(text).of(metrics)


@pytest.mark.parametrize("text", ["__import__('os')", "a[0]", "'x'", "a ** b", "(a", "2 * * a", "a b * 2", "%", "a;b"])
def test_a_rule_is_names_numbers_and_four_operations(text):
    with pytest.raises(UsageError, match="--metric is"):
        Rule(text)


def test_several_metrics_of_a_function_are_told_to_the_model_and_stand_in_the_fact(tmp_path):
    class Two(Number):
        def grade(self, instance, answer):
            return Rule("near - cost").of({"near": answer, "cost": 0.25, "hint": "higher"})

    class Fixed:
        level, slots = "none", 1

        def run(self, job, functions=None, look=None):
            return tuple(Outcome("answer", 0.5) for _ in job.inputs)

    utility = TaskUtility(make_lab(tmp_path / "s.db", Fixed()), Two(), "train", 0, "practice")
    assert utility.score(Program("f")).value == 0.25
    told = utility.feedback(Program("f"))
    assert "Of the metrics, on average: near 0.5, cost 0.25." in told
    assert "hint: higher" in told


def test_metrics_of_a_command_follow_the_same_rule():
    said = 'hello\n{"accuracy": 0.5, "size": 2, "hint": "x", "artifacts": {"log": "y"}}\n'
    found = read(Ran(0, said, "", 0.1), Rule("accuracy*10 - size"))
    assert (found.value, found.metrics) == (3.0, {"accuracy": 0.5, "size": 2})
    assert found.notes == ["accuracy: 0.5", "size: 2", "hint: x", "log: y"]
    assert read(Ran(0, "1\n2.5\n", "", 0.1), Rule("size")).value == 2.5
    assert "the metrics are accuracy, size" in read(Ran(0, said, "", 0.1), Rule("c")).reason


@pytest.mark.slow
def test_metrics_of_a_scorer_stand_in_the_report(folder):
    change(folder, "return abs(sum(instance[0]) - answer)", "return {'off': abs(sum(instance[0]) - answer), 'size': 3}")
    found = figures(improved(folder, "--metric", "off + size", "--json"))
    assert (found["practice"]["start"], found["practice"]["best"]) == (43, 10)
    assert found["practice"]["metrics"][0] == {"name": "off", "start": 40, "best": 7}
    assert found["metric"] == "`off + size`"
    assert "Metrics (what counts: `off + size`)" in improved(folder, "--metric", "off + size").stdout
    assert "--metric is 'off **'" in one_line(improved(folder, "--metric", "off **"))


def scored_by(folder, answer, **more):
    asked = Own("", "sums.py", str(folder / "scorer.py"), "", entry="total", **more)
    task = ScorerTask(asked, PROGRAM)
    return task, task.grade(task.sample("root", "train", 0, "practice")[0], answer)


BAD = {
    "raise SystemExit(3)": "score raised SystemExit in line 9: 3",
    "return 'good'": "score gave 'good', which is no finite number",
    "return None": "score gave None",
    "return float('nan')": "score gave nan",
    "return 10**400": "no finite number",
    "return __import__('numpy').array([1.0, 2.0])": "score gave array",
    "return {}": "none of the metrics",
    "return open('/nowhere/x').read()": "score raised FileNotFoundError in line 9",
    "return 1j": "score gave 1j",
}


@pytest.mark.parametrize("line", BAD)
def test_what_is_no_score_is_the_answers_fault_and_told_in_one_line(folder, line):
    change(folder, "return abs(sum(instance[0]) - answer)", line)
    with pytest.raises(InvalidAnswer, match=re.escape(BAD[line])):
        scored_by(folder, 3)


@pytest.mark.parametrize(
    ("line", "score"),
    [("numpy.float32(2.5)", 2.5), ("numpy.array(3)", 3), ("numpy.bool_(True)", 1), ("{'a': numpy.int64(4)}", 4)],
)
def test_numbers_of_numpy_are_numbers(folder, line, score):
    change(folder, "return abs(sum(instance[0]) - answer)", f"import numpy\n    return {line}")
    assert scored_by(folder, 3)[1] == score


def test_a_scorer_may_change_what_it_is_given(folder):
    change(folder, "return abs", "instance[0].append(1)\n    return abs")
    task, first = scored_by(folder, 3)
    assert task.grade(task.sample("root", "train", 0, "practice")[0], 3) == first


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def score(instance, answer)", "def score(answer)", "score(answer) cannot be called with 2 arguments"),
        ("def score(instance, answer)", "def score(a, b, c, d)", "cannot be called with 2 arguments"),
        ("def instances(split, seed)", "def instances(split)", "instances(split) cannot be called with 2 arguments"),
        ("def instances(split, seed):", "def instances(split, seed):\n    exit(2)", "instances raised SystemExit"),
        ("return [", "yield [", "a list of instances is needed"),
        ("[seed % 10**6 + i, i]", "{1}", "an argument holds {1}"),
        ("def score", "import nothere\ndef score", "No module named 'nothere'"),
    ],
)
def test_a_scorer_that_cannot_be_used_is_told_in_one_line(folder, old, new, said):
    change(folder, old, new)
    done = improved(folder)
    assert done.returncode == 2
    assert said in one_line(done)


def test_who_writes_improvers_has_nothing_to_do_here(folder):
    done = improved(folder, "--proposer", "offline")
    assert done.returncode == 2
    assert "--improver run:N" in one_line(done)


@pytest.mark.slow
def test_what_a_command_complains_of_is_told(folder):
    done = called("improve", "sums.py", "--score-command", "nowhere {}", "--about", "x", *FEW, cwd=folder)
    assert done.returncode == 1
    assert "exit status 127: sh: 1: exec: nowhere: not found" in one_line(done)
