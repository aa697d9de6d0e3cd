"""Answers that hold no whole program: not scored, and counted by kind."""

from selftaught.budget import Allowance
from selftaught.improver import improve
from selftaught.improvers import load
from selftaught.lab.answers import faults
from selftaught.models import Answer
from selftaught.program import Program
from selftaught.testing import Guesser, Number, make_lab
from selftaught.utility import TaskUtility

WHOLE = "```python\ndef f(x):\n    return 0.5\n```"
OPEN = "```python\ndef f(x):\n    return 0.75\n"
HELPER = "```python\ndef helper(x):\n    y = x + 1\n    return y + helper(x) * 1000\n```\n"
PARTS = "def improve_algorithm(s, u, m):\n    from helpers import extract_code\n    return extract_code(m.prompt('e', 'q')[0])\n"


def improved(tmp_path, sandbox, answer, improver):
    class Sayer(Guesser):
        def answer(self, request, rng):
            return answer

    lab = make_lab(tmp_path / "s.db", sandbox, Sayer())
    utility = TaskUtility(lab, Number(), "train", 0, "practice")
    return improve(lab, improver, Program(Number.start), utility, ["s"], Allowance(calls=1, responses=1, scorings=3))


def test_a_block_that_the_token_limit_left_open_is_not_returned(tmp_path, sandbox):
    found = improved(tmp_path, sandbox, Answer(OPEN, "length"), Program(PARTS))
    assert found.program is None and "an empty text" in found.reason


def test_a_block_that_a_model_left_open_by_itself_is(tmp_path, sandbox):
    found = improved(tmp_path, sandbox, Answer(OPEN, "stop"), load("seed"))
    assert found.program == Program("def f(x):\n    return 0.75\n")


def test_improvers_take_the_function_of_the_task_without_naming_it(tmp_path, sandbox):
    found = improved(tmp_path, sandbox, Answer(HELPER + WHOLE), load("seed"))
    assert found.program == Program("def f(x):\n    return 0.5\n")


def test_faults_are_counted_by_kind(sandbox):
    answers = [
        (WHOLE, "stop"),
        (WHOLE, "length"),
        (OPEN, "length"),
        ("", "length"),
        ("I cannot.", "stop"),
        ("", "tools"),
    ]
    assert faults(sandbox, answers, "f") == {"cut": 2, "refusal": 1, "tool call": 1}
    assert faults(sandbox, answers[:1], "g") == {"wrong entry": 1}
    assert faults(sandbox, [], "f") == {}
    assert faults(sandbox, [("```\nx = 1\n" * 100_000, "stop")], "f").total() == 1
