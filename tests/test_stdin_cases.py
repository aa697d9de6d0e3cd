"""Programs that read standard input and print, tried on cases in files."""

import json

import pytest
from shared.command import called, one_line

from selftaught.errors import UsageError
from selftaught.lab.metrics import Rule
from selftaught.program import Program
from selftaught.sandbox.command import Command
from selftaught.tasks.cases import CasesUtility, read, split
from selftaught.tasks.commanded import Aim
from selftaught.testing import make_lab

START = Program("cat")


@pytest.fixture
def folder(tmp_path):
    for name, (given, right) in {"a": ("x\n", "X\n"), "b": ("y", "Y"), "c": ("1  \n\n", "1")}.items():
        (tmp_path / f"{name}.in").write_text(given)
        (tmp_path / f"{name}.out").write_text(right)
    return tmp_path


def utility(folder, cases):
    command = Command(("sh", "{}"), "p.sh", cpu_s=0.5, wall_s=9.0)
    made = CasesUtility(make_lab(folder / "s.db", None), command, START, Aim("Upper case.", rule=Rule()))
    made.cases = cases
    return made


def test_the_score_is_the_share_of_cases_that_are_right(folder):
    cases = read(folder)
    judge = utility(folder, cases)
    assert judge.fact(START)["grades"] == [0.0, 0.0, 1.0]
    assert judge.feedback(START).splitlines()[1] == "Case a: line 1 is 'x', which is wrong"
    assert judge.fact(Program("tr a-z A-Z"))["value"] == 1
    assert judge.score(Program("tr a-z A-Z")).value > 0.5
    for text, why in {
        "exit 3": "exit status 3",
        "while :; do :; done": "used more than 0.5 s of CPU time",
        "true": "line 1 is missing",
        "tr a-z A-Z; echo more": "line 2 is 'more', which is wrong",
        "cat a.out /scored/*.out": "No such file",
    }.items():
        assert why in judge.feedback(Program(text)), text


def test_every_second_case_is_held_out_and_other_cases_are_another_utility(folder):
    ours, unseen = split(read(folder))
    assert [[one.name for one in some] for some in (ours, unseen)] == [["a", "c"], ["b"]]
    keys = [utility(folder, cases).key for cases in (ours, unseen)]
    (folder / "a.out").write_text("Z")
    assert utility(folder, split(read(folder))[0]).key not in keys


def test_answers_with_the_line_ends_of_another_system_are_the_same(folder):
    before = read(folder)
    (folder / "a.out").write_bytes(b"X\r\n")
    assert read(folder) == before


def test_a_folder_without_whole_cases_is_refused(folder):
    (folder / "z.out").write_text("1")
    with pytest.raises(UsageError, match=r"holds the answer z\.out, but not what the program is given, z\.in"):
        read(folder)
    (folder / "z.out").unlink()
    (folder / "b.out").unlink()
    with pytest.raises(UsageError, match="cannot read the case b"):
        read(folder)
    with pytest.raises(UsageError, match="there is no folder"):
        read(folder / "none")
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no cases"):
        read(folder / "empty")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cases", "."], "give both"),
        (["--run", "sh {}"], "say by one thing"),
        (["--cases", ".", "--run", "sh"], "--run has no {}"),
        (["--cases", ".", "--run", "sh '{}"], "--run cannot be read"),
        (["--cases", ".", "--run", "sh {}", "--minimize"], "leave out --minimize"),
        (["--cases", ".", "--score-command", "sh {}"], "say by one thing"),
        (["--cases", ".", "--run", "sh {}", "--score", "absent.py"], "absent.py"),
        (["--cases", ".", "--run", "sh {}", "--score", "p.sh", "--entry", "f"], "--entry names a function"),
    ],
)
def test_options_that_do_not_go_together_are_told(folder, words, said):
    (folder / "p.sh").write_text("cat")
    done = called("improve", "p.sh", *words, cwd=folder)
    assert done.returncode == 2
    assert said in one_line(done)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--run", "sh {}"], "say it by --about"),
        (
            ["--run", "sh {}", "--about", "x", "--score", "check.py"],
            "has score(case, printed), which is not told of time",
        ),
        (
            ["--run", "nosuch {}", "--about", "x"],
            "--run names no command that is there: Case a: the command ended with",
        ),
    ],
)
def test_what_could_never_work_is_told_before_anything_is_asked(folder, more, said):
    (folder / "p.sh").write_text("cat")
    (folder / "check.py").write_text('"""X."""\ndef score(case, printed, used):\n    return 1\n')
    (folder / "answers.json").write_text('["x"]')
    done = called(
        "improve", "p.sh", "--cases", ".", *more, "--model", "scripted:answers.json", "--store", "s.db", cwd=folder
    )
    assert said in one_line(done), done.stderr
    assert done.returncode == (1 if "nosuch {}" in more else 2)
    assert (folder / "s.db").exists() is ("nosuch {}" in more), "what is wrong with the call itself makes no run"


CHECKER = '''"""Print a word that is longer than the one that is read; no longer than it has to be."""


def score(case, printed):
    if case["name"] == "b" and "!" in printed:
        raise ValueError("no shouting")
    over = len(printed.strip()) - len(case["given"].strip())
    return {"score": over, "right": case["right"] or "none"} if over > 0 else -1000
'''


@pytest.mark.slow
def test_what_is_printed_is_scored_by_a_function(folder):
    (folder / "c.in").write_text("cc")
    (folder / "d.in").write_text("d")
    (folder / "a.out").unlink()
    (folder / "check.py").write_text(CHECKER)
    (folder / "p.sh").write_text("sed 's/$/xxxx/'")
    texts = ["sed 's/$/xx/'", "sed 's/$/!/'", "exit 1"]
    (folder / "answers.json").write_text(json.dumps([f"```sh\n{one}\n```" for one in texts]))
    asked = ["--cases", ".", "--run", "sh {}", "--score", "check.py", "--minimize", "--calls", "1", "--responses", "24"]
    more = ["--seed", "1", "--scorings", "5", "--model", "scripted:answers.json", "--store", "s.db"]
    done = called("improve", "p.sh", *asked, *more, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["practice"]["start"], found["practice"]["best"]) == (4, 1)
    assert found["held_out"]["best"] is None  # it shouts at b, which was held out
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=folder).stdout)
    assert "Case a: the command ended with exit status 1" in [row["reason"] for row in rows]
    (folder / "check.py").write_text(CHECKER.replace("= len(", "= 2 * len("))
    again = json.loads(called("improve", "p.sh", *asked, *more, "--json", cwd=folder).stdout)
    assert again["practice"]["start"] != 4, "another checker is another task"
