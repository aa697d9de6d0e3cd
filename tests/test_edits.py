"""Answers that edit a program by blocks of SEARCH and REPLACE: applied, told why they are not, or a whole program instead."""

import json

import helpers
import pytest
from edits import UNAPPLIED, edited, found
from helpers import CutText, extract_code
from programs import defect
from shared.command import called, one_line

from selftaught.budget import Allowance
from selftaught.improver import improve
from selftaught.models.scripted import Scripted
from selftaught.program import Program
from selftaught.testing import Number, make_lab
from selftaught.utility import TaskUtility

PROGRAM = "import math\n\n\ndef f(x):\n    y = x\n    z = 1\n    return y\n\n\ndef g(x):\n    z = 1\n    return f(x)\n"


def block(search, replace, opened="<<<<<<< SEARCH", middle="=======", closed=">>>>>>> REPLACE"):
    return "\n".join([opened, *([search] if search else []), middle, *([replace] if replace else []), closed])


ONE = block("    y = x", "    y = x + 1")
AFTER = PROGRAM.replace("y = x\n", "y = x + 1\n")
APPLIED = {
    "bare": ONE,
    "in a fence": f"Here it is:\n```python\n{ONE}\n```\nThat is faster.",
    "in words": f"I would change this.\n\n{ONE}\n\nThe rest stays.",
    "no space": block("    y = x", "    y = x + 1", "<<<<<<<SEARCH", "=======", ">>>>>>>REPLACE"),
    "spaces at the ends": block("    y = x", "    y = x + 1", "<<<<<<< SEARCH  ", "=======  ", ">>>>>>> REPLACE "),
    "a conflict of versions": block("    y = x", "    y = x + 1", "<<<<<<< HEAD", "=======", ">>>>>>> branch"),
    "original and updated": block("    y = x", "    y = x + 1", "<<<<<<< ORIGINAL", "=======", ">>>>>>> UPDATED"),
    "narrow": block("    y = x", "    y = x + 1", "<<<<< SEARCH", "=====", ">>>>> REPLACE"),
    "of other marks": block("    y = x", "    y = x + 1", "------- SEARCH", "=======", "+++++++ REPLACE"),
    "small letters": block("    y = x", "    y = x + 1", "<<<<<<< search", "=======", ">>>>>>> replace"),
    "a file's name": block("    y = x", "    y = x + 1", "<<<<<<< SEARCH main.py"),
    "fences within": block("```python\n    y = x\n```", "```python\n    y = x + 1\n```"),
    "blank lines around": block("\n    y = x\n", "\n    y = x + 1\n"),
    "blanks at line ends": block("    y = x  ", "    y = x + 1"),
    "less indented": block("y = x", "y = x + 1"),
    "more indented": block("        y = x", "        y = x + 1"),
    "indented as a whole": "- change:\n" + "\n".join("  " + line for line in ONE.split("\n")),
    "several lines": block("def f(x):\n    y = x", "def f(x):\n    y = x + 1"),
    "one after another": f"{block('    y = x', '    y = 7')}\n{block('    y = 7', '    y = x + 1')}",
    "two in a fence": f"```\n{block('import math', 'import  math')}\n{ONE}\n{block('import  math', 'import math')}\n```",
    "after a thought": f"<think>\n{block('    z = 1', '')}\n</think>\n{ONE}",
    "ends of lines of Windows": ONE.replace("\n", "\r\n"),
}


@pytest.fixture(autouse=True)
def _run(monkeypatch):
    """As within a run of an improver that has been given the program."""
    monkeypatch.setattr(helpers, "_seen", {PROGRAM: None})
    monkeypatch.setattr(helpers, "_asked", {})


@pytest.mark.parametrize("way", APPLIED)
def test_edits_are_applied_to_the_program_that_was_asked_about(way):
    assert extract_code(APPLIED[way], "f") == AFTER
    assert extract_code([APPLIED[way]]) == [AFTER]


def test_what_is_replaced_by_nothing_is_gone_and_rules_may_stand_in_texts():
    assert extract_code(block("    y = x\n    z = 1", "    y = x")) == PROGRAM.replace(
        "    z = 1\n    return y", "    return y"
    )
    text = 'HEAD = """\nTitle\n=====\n"""\n'
    assert edited(block('HEAD = """\nTitle\n=====', 'HEAD = """\nOther\n====='), text) == text.replace("Title", "Other")


WRONG = {
    "not there": (block("    y = xx", "    y = 1"), "its SEARCH text, from 'y = xx' on, is not in the program"),
    "twice": (block("    z = 1", "    z = 2"), "its SEARCH text is in the program 2 times"),
    "empty": (block("", "    z = 2"), "empty SEARCH text"),
    "the second": (f"{ONE}\n{block('    q', '    z')}", "edit 2 of 2 does not apply"),
    "no middle": ("<<<<<<< SEARCH\n    y = x\n>>>>>>> REPLACE", "edit 1 has no line ======="),
    "no end": (f"<<<<<<< SEARCH\n    y = x\n=======\n    y = 1\n\n{ONE}", "edit 1 has no end"),
    "indented in another way": (block("def f(x):\n  y = x", "def f(x):\n  y = 1"), "is not in the program"),
}


@pytest.mark.parametrize("way", WRONG)
def test_why_edits_do_not_apply_is_the_reason_for_no_score(way):
    answer, said = WRONG[way]
    text = extract_code(answer, "f")
    assert text.startswith(UNAPPLIED)
    assert said in defect(text, "f")


@pytest.mark.parametrize("way", WRONG)
def test_a_whole_program_beside_edits_that_do_not_apply_counts(way):
    whole = "def f(x):\n    return 3\n"
    assert extract_code(f"{WRONG[way][0]}\n\nOr as a whole:\n```python\n{whole}```", "f") == whole


def test_a_whole_program_that_takes_the_place_of_another_text_counts():
    assert extract_code(block("def old(): pass", AFTER.rstrip()), "f") == AFTER.rstrip()
    assert extract_code(block("def old(): pass", "def f(x):\n    return 3"), "f").startswith(UNAPPLIED), "g is missing"


def test_an_answer_that_was_cut_within_an_edit_is_half_a_program():
    assert extract_code(CutText(ONE.rpartition("\n")[0])) == ""
    assert extract_code(CutText(f"{ONE}\nand it")) == AFTER


def test_a_program_that_speaks_of_such_marks_is_a_program():
    text = f'def f(x):\n    """Like this:\n\n{ONE}\n    """\n    return x\n'
    assert extract_code(f"```python\n{text}```", "f") == text


def test_of_several_programs_the_one_in_the_message_is_meant():
    helpers.remember(AFTER)
    both = block("    return y", "    return -y")
    assert "fit several programs" in defect(extract_code(both), "f")
    helpers.answered(both, f"Improve this:\n{AFTER}")
    assert extract_code(both) == AFTER.replace("return y", "return -y")


def test_outside_of_a_run_answers_are_read_as_ever(monkeypatch):
    monkeypatch.setattr(helpers, "_seen", {})
    assert extract_code(block("def f(x):\n    return 1", "def f(x):\n    return 2"), "f") == "def f(x):\n    return 2\n"
    assert found("no edits, ----- none") is None


EDITING = """
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    answers = language_model.prompt("x", "Improve: " + initial_solution, 6)
    texts = extract_code(answers)
    scores = [utility(one) for one in texts]
    return max(texts, key=utility) + "# " + repr([scores, [utility.feedback(one) for one in texts]])
"""


def test_a_model_is_told_by_feedback_why_its_edit_does_not_apply(tmp_path, sandbox):
    start = Number.start
    line = next(line for line in start.splitlines() if "return" in line)
    answers = [block(line, "    return 0.5"), block("nothing like it", "x")]
    lab = make_lab(tmp_path / "s.db", sandbox, Scripted(answers))
    judge = TaskUtility(lab, Number(), "train", 0, "practice")
    got = improve(lab, Program(EDITING), Program(start), judge, ["x"], Allowance(cpu_s=5))
    assert got.reason is None
    assert start.replace(line, "    return 0.5") in got.program.text
    assert "SEARCH text, from 'nothing like it' on, is not in the program" in got.program.text


@pytest.mark.slow
def test_a_long_file_in_any_language_is_edited(tmp_path):
    script = "".join(f"# {i}\n" for i in range(2000)) + "echo 1\n"
    (tmp_path / "out.sh").write_text(script)
    answers = [block("echo 1", "echo 5"), block("echo 9", "echo 9"), block("echo 1", "echo 3")]
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    how = ["--score-command", "sh {}", "--about", "Print a large number.", "--model", "scripted:answers.json"]
    few = ["--calls", "1", "--responses", "48", "--scorings", "49", "--seed", "1", "--store", "s.db"]
    done = called("improve", "out.sh", *how, *few, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["program"] == script.replace("echo 1", "echo 5")
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert "is not in the program" in rows[-1]["reason"]


@pytest.mark.slow
def test_edits_that_nobody_applied_are_no_program_for_a_command(tmp_path):
    (tmp_path / "out.sh").write_text(ONE)
    done = called("improve", "out.sh", "--score-command", "sh {}", "--about", "x", "--store", "s.db", cwd=tmp_path)
    assert "edits of a program" in one_line(done)
