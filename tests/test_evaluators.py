"""Texts improved by a function of the user's own, as GEPA calls them: what it may return, what it may do, and its key."""

import functools
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from shared.command import called, one_line

import selftaught as public
from selftaught import Allowance, Scripted, UsageError
from selftaught.errors import WorthlessRun
from selftaught.tasks.evaluated import source_of

FEW = Allowance(calls=1, responses=9, scorings=9)
ABOUT = "A text with many letters x."


def answers(*texts):
    return Scripted([f"```\n{text}\n```" for text in texts])


def letters(candidate):
    return candidate.count("x"), {"length": len(candidate), "parts": [1, 2]}


def improved(tmp_path, evaluator, *texts, candidate="x\n", **more):
    with public.open_lab(answers(*texts), tmp_path / "s.db", seed=1) as lab:
        return public.improve_text(lab, candidate, evaluator, **{"about": ABOUT, "allowance": FEW, **more})


def test_a_text_is_improved_by_what_a_function_says(tmp_path, capsys):
    found = improved(tmp_path, letters, "xxxx", "xx")
    assert (found["practice"]["start"], found["practice"]["best"], found["program"]) == (1, 4, "xxxx\n")
    assert found["held_out"] is None and "+xxxx" in found["diff"]
    assert "the sandbox does not hold" in found["isolation"]
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert [row["score"] for row in rows] == [4, 2, 1]
    assert called("show", 1, "--store", "s.db", cwd=tmp_path).returncode == 0
    capsys.readouterr()


CALLS = []


def counting(candidate):
    CALLS.append(candidate)
    print("not on standard output")
    return len(candidate)


def test_functions_of_one_name_are_told_apart_by_what_they_do_and_hold(tmp_path):
    """Lambdas, what one factory makes, objects that are called: one is never given the scores of another."""

    class Weighed:
        def __init__(self, weight):
            self.weight = weight

        def __call__(self, candidate):
            return self.weight

        def scored(self, candidate):
            return self.weight + 1

    def made(value):
        return lambda candidate: float(value)

    def within(values):
        def judged(candidate):
            return float(sum(values))

        return judged

    several = [
        *(lambda candidate: 7.0, lambda candidate: -3.0),
        *(made(1), made(2), within([3]), within([3, 3]), within(np.array([4.0])), within(np.array([4.0, 4.0]))),
        *(within({1, 2}), within({1, 3})),
        *(Weighed(10), Weighed(11), Weighed(12).scored, Weighed(13).scored, functools.partial(Weighed(20).scored)),
    ]
    scores = [improved(tmp_path, one, "xx")["practice"]["start"] for one in several]
    assert scores == [7, -3, 1, 2, 3, 6, 4, 8, 3, 4, 10, 11, 13, 14, 21]
    assert improved(tmp_path, made(1), "xx")["practice"]["start"] == 1


@pytest.mark.slow
def test_what_was_scored_is_found_again_until_the_function_changes(tmp_path):
    calls = CALLS
    calls.clear()
    first = improved(tmp_path, counting, "xxxx")
    assert sorted(calls) == ["x\n", "x\n", "xxxx\n", "xxxx\n"], "each a second time: the scorer might be noisy"
    assert improved(tmp_path, counting, "xxxx")["practice"] == first["practice"] and len(calls) == 4
    improved(tmp_path, counting, "xxxx", version="2")
    assert len(calls) == 8


@pytest.mark.slow
def test_examples_are_meant_and_those_held_out_are_compared_in_the_end(tmp_path):
    seen = []

    def matching(candidate, example):
        seen.append(example["want"])
        return float(candidate.strip() == example["want"]), {"wanted": example["want"]}

    dataset = [{"want": "x"}, {"want": "xx"}, {"want": "xx"}]
    found = improved(tmp_path, matching, "xx", dataset=dataset, test_set=[{"want": "xx"}, {"want": "y"}])
    assert found["practice"]["start"] == pytest.approx(1 / 3) and found["practice"]["best"] == pytest.approx(2 / 3)
    assert (found["held_out"]["start"], found["held_out"]["best"], found["held_out"]["instances"]) == (0, 0.5, 2)
    assert seen[-1] == "y" and "y" not in seen[:6], "what is held out is not looked at before the end"


def test_several_texts_are_a_dict_for_the_function(tmp_path):
    def both(candidate):
        assert set(candidate) == {"system", "user.1"}
        return len(candidate["system"]) - len(candidate["user.1"])

    some = "# ===== text:user.1 =====\nb"
    start = {"system": "aaa", "user.1": "bbbb\nbb"}
    found = improved(tmp_path, both, some, "no names", candidate=start)
    assert (found["practice"]["start"], found["practice"]["best"]) == (-4, 2)
    assert found["files"] == {"user.1": "b"}
    assert start | found["files"] == {"system": "aaa", "user.1": "b"}


RETURNED = {
    "a number": (lambda c: len(c), None),
    "numpy": (lambda c: np.float32(len(c)), None),
    "a negative one": (lambda c: -1000.0 + len(c), None),
    "a batch's": (lambda c: (len(c), "output", {"a": 1}), None),
    "a list": (lambda c: [len(c), {"a": np.arange(3), 5: object}], None),
    "a whole number of Python too large for a float": (lambda _: 10**400, "no finite number"),
    "None": (lambda _: None, "the evaluator gave None, which is no finite number"),
    "a text": (lambda _: "good", "the evaluator gave 'good'"),
    "nan": (lambda _: float("nan"), "gave nan"),
    "nothing": (lambda _: (), "gave ()"),
    "an error": (lambda c: c / 2, "the evaluator raised TypeError: unsupported operand"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RETURNED)
def test_whatever_a_function_returns_is_a_score_or_the_reason_for_none(tmp_path, name):
    function, wrong = RETURNED[name]
    if wrong is None:
        assert improved(tmp_path, function, "xxxx")["better"]
    else:
        with pytest.raises(WorthlessRun) as caught:
            improved(tmp_path, function, "xxxx")
        assert wrong in str(caught.value)


@pytest.mark.slow
def test_a_text_at_which_the_function_raises_has_no_score_and_the_others_have(tmp_path):
    def strict(candidate):
        if "!" in candidate:
            raise ValueError("no shouting\nplease")
        return -len(candidate)

    found = improved(tmp_path, strict, "x!", "xxx", candidate="xxxxxx", minimize=False)
    assert found["practice"]["best"] == -4
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert rows[-1]["reason"] == "the evaluator raised ValueError: no shouting please"


@pytest.mark.slow
def test_what_failed_in_passing_is_no_fact_and_is_tried_once_more(tmp_path, caplog):
    times = []

    def asking(candidate):
        if "!" in candidate:
            times.append(candidate)
            if len(times) < 2:
                raise ConnectionRefusedError("nobody there")
        return len(candidate)

    found = improved(tmp_path, asking, "xxx!", candidate="x", improver="best-of-n")
    assert found["practice"]["best"] == len(times[0]) and "could not reach what it asks: nobody there" in caplog.text


@pytest.mark.slow
def test_a_start_that_cannot_be_scored_in_passing_can_be_later(tmp_path):
    away = [True]

    def asking(candidate):
        if away[0]:
            raise ConnectionResetError("gone")
        return candidate.count("x")

    with pytest.raises(WorthlessRun, match="could not be scored this time"):
        improved(tmp_path, asking, "xxx", candidate="x")
    away[0] = False
    assert improved(tmp_path, asking, "xxx", candidate="x")["practice"]["best"] == 3


@pytest.mark.slow
def test_less_may_be_better_and_calls_come_one_at_a_time(tmp_path):
    inside, most, lock = [0], [0], threading.Lock()

    def length(candidate):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1
        return len(candidate)

    found = improved(tmp_path, length, "a", "bb", "ccc", "dddd", candidate="eeeeee", minimize=True)
    assert found["practice"]["best"] == 2
    assert most == [1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("candidate", "about", "said"),
    [
        ("x", " ", "say by about="),
        (" ", ABOUT, "the candidate is empty"),
        ("x" * 100_001, ABOUT, "longer than 100,000"),
        ({"a b": "x"}, ABOUT, "is called 'a b'"),
        ({}, ABOUT, "the candidate is empty"),
    ],
)
def test_mistakes_are_told(tmp_path, candidate, about, said):
    with pytest.raises(UsageError, match=said):
        improved(tmp_path, letters, "x", candidate=candidate, about=about)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"candidate": 3}, "candidate is 3: a text, or a dict of texts by name is needed"),
        ({"candidate": {"a": 1}}, "a text, or a dict of texts by name is needed"),
        ({"test_set": [1]}, "there is a test_set and no dataset"),
    ],
)
def test_what_is_no_text_and_a_test_set_alone_are_told(tmp_path, more, said):
    with pytest.raises(UsageError, match=said):
        improved(tmp_path, letters, "x", **more)


def test_an_evaluator_that_exits_ends_nothing(tmp_path):
    def leaving(candidate):
        return 1 if candidate == "x\n" else sys.exit("no")

    assert improved(tmp_path, leaving, "xxxx")["practice"]["best"] == 1


def test_the_command_does_not_go_on_with_what_needs_a_function(tmp_path):
    with public.open_lab("offline", tmp_path / "s.db") as lab, pytest.raises(WorthlessRun):
        public.improve_text(lab, "x\n", lambda _: None, about=ABOUT, allowance=FEW)
    done = called("resume", 1, "--store", "s.db", cwd=tmp_path)
    assert done.returncode == 2 and "call improve_text with it" in one_line(done)
    (row,) = json.loads(called("runs", "--store", "s.db", "--json", cwd=tmp_path).stdout)
    shown = json.loads(called("show", 1, "--store", "s.db", "--json", cwd=tmp_path).stdout)
    for one in (row, shown):
        assert one["resume"] is None and "call improve_text with it" in one["refused"], "nobody is told to do so"
    for command in (["runs"], ["show", 1]):
        said = " ".join(called(*command, "--store", "s.db", cwd=tmp_path).stdout.split())
        assert "call improve_text with it" in said and "selftaught resume" not in said


def test_the_source_of_a_function_is_found_where_there_is_one(tmp_path):
    class Judge:
        def __call__(self, candidate):
            return len(candidate)

    assert source_of(letters, "") != source_of(letters, "2")
    assert source_of(functools.partial(letters, 1), "") != source_of(functools.partial(letters, 2), "")
    assert source_of(Judge(), "") != source_of(letters, "")
    with pytest.raises(UsageError, match="no source"):
        source_of(eval("lambda c: 1"), "")


@pytest.mark.slow
def test_the_example_of_the_page_runs(tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "own-programs.md").read_text()
    (example,) = [one for one in re.findall(r"```python\n(.*?)^```", page, re.M | re.S) if "improve_text" in one]
    (tmp_path / "mine.py").write_text(example)
    done = subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    best, *lines = done.stdout.split("\n")
    assert float(best) > -85 and lines[0] == "def sides():"
