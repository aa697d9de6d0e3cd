"""A first look before anything is bought, and what of the paper's interface is taken, counted and without effect."""

import pytest

from selftaught.budget import Allowance
from selftaught.errors import WorthlessRun
from selftaught.improver import improve
from selftaught.program import Program
from selftaught.runs.look import first_look
from selftaught.testing import Guesser, Number, make_lab
from selftaught.utility import TaskUtility

ALLOWED = Allowance(cpu_s=10)
HEAD = "def improve_algorithm(initial_solution, utility, language_model):\n"
PASSED = {
    "good": HEAD + "    return initial_solution\n",
    "the paper's keyword": HEAD + "    utility(initial_solution, use_sandbox=True)\n    return initial_solution\n",
    "what the description says": HEAD
    + "    import re\n    re.search('needs more than ([0-9.]+) s of CPU time', utility.str).group(1)\n"
    + "    re.search('([0-9]+) scorings', utility.str).group(1)\n    return initial_solution\n",
    "unlucky": HEAD + "    raise ValueError('the answers were no good')\n",
}
MISTAKES = {
    "no syntax": ("def f(:\n", "is no program: syntax error in line 1"),
    "no such function": ("x = 1\n", "is no program: does not define improve_algorithm"),
    "empty": ("", "is no program: an empty text"),
    "too deep": (HEAD + "    return " + "-" * 90_000 + "1\n", "is no program: does not parse"),
    "two parameters": ("def improve_algorithm(s, u):\n    return s\n", "TypeError"),
    "another package": ("import torch\n" + HEAD + "    return initial_solution\n", "ModuleNotFoundError"),
    "an unbound name": (HEAD + "    best = best + initial_solution\n", "UnboundLocalError"),
    "a name": (HEAD + "    return bst\n", "NameError"),
    "an attribute": (HEAD + "    return language_model.score(initial_solution)\n", "AttributeError"),
    "a keyword": (HEAD + "    return utility(initial_solution, use_sandbx=True)\n", "TypeError"),
}


@pytest.fixture
def lab(tmp_path, sandbox):
    return make_lab(tmp_path / "s.db", sandbox, Guesser())


@pytest.mark.parametrize("name", PASSED)
def test_what_may_work_is_let_through_and_nothing_is_asked(lab, name):
    first_look(lab, {name: Program(PASSED[name])}, [Number("one")])
    assert not lab.model.asked


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_its_own_ends_the_run_before_it_begins(lab, name):
    text, said = MISTAKES[name]
    with pytest.raises(WorthlessRun, match=said) as caught:
        first_look(lab, {"mine": Program(text)}, [Number("one")])
    assert str(caught.value).endswith("mend it, or go on all the same with --anyway")
    assert "mine" in str(caught.value) and "improve_algorithm(initial_solution, utility, language_model)" in str(
        caught.value
    )
    assert not lab.model.asked


def test_so_does_a_start_solution_that_fails_everywhere(lab, monkeypatch):
    monkeypatch.setattr(Number, "start", "def f(x):\n    return 1 / 0\n")
    with pytest.raises(WorthlessRun, match=r"its start solution fails on every instance .* with --anyway$"):
        first_look(lab, {}, [Number("one")])


@pytest.mark.parametrize("asked", [True, False])
def test_the_papers_keyword_is_taken_counted_and_changes_nothing(lab, asked):
    text = HEAD + (
        f"    first = utility(initial_solution, use_sandbox={asked})\n"
        f"    second, = utility.map([initial_solution], use_sandbox={asked})\n"
        "    assert first == second == utility(initial_solution)\n"
        "    return initial_solution\n"
    )
    task = Number("one")
    found = improve(
        lab, Program(text), Program(task.start), TaskUtility(lab, task, "train", 0, "practice"), ["x"], ALLOWED
    )
    assert found.reason is None and found.program
    assert found.usage.ignored == {f"use_sandbox={asked}": 2} and found.usage.scorings == 3
