"""Targets of several files: marked regions or functions that are named change, everything else stays; by a command."""

import json

import pytest
from sections import completed, parted
from shared.command import called, one_line
from targets import changed, whole

MARKED = "# EVOLVE-BLOCK-START\n{}\n# EVOLVE-BLOCK-END\n"
FILES = {
    "one.py": "import two\n\n" + MARKED.format("def one():\n    return 1") + "\n" + MARKED.format("LEVEL = 2"),
    "deep/two.txt": "before\n" + MARKED.format("10") + "after\n",
    "score.py": (
        "import pathlib, sys\nhere = pathlib.Path(sys.argv[1])\nsys.path.insert(0, str(here))\nimport one\n"
        "assert not (here / '.hidden').exists() and (here / 'other.txt').read_text() == 'x'\n"
        "print(one.one() + one.LEVEL + int((here / 'deep/two.txt').read_text().split()[3]))\n"
    ),
    "two.py": "",
    "other.txt": "x",
    ".hidden": "x",
}
SOME = [[name, FILES[name]] for name in ("one.py", "deep/two.txt")]
START = (
    "# ===== one.py, region 1 =====\ndef one():\n    return 1\n# ===== one.py, region 2 =====\nLEVEL = 2\n"
    "# ===== deep/two.txt, region 1 =====\n10"
)


def test_regions_of_all_files_are_one_text_and_go_back_where_they_were():
    assert whole(SOME, []) == [START, ""]
    assert changed(SOME, [], START) == [{}, ""]
    text = START.replace("LEVEL = 2", "LEVEL = 3\n# ===== Banner =====\n\n").replace("\n10", "\n11\n\n")
    expected = {
        "one.py": FILES["one.py"].replace("LEVEL = 2", "LEVEL = 3\n# ===== Banner ====="),
        "deep/two.txt": FILES["deep/two.txt"].replace("10", "11"),
    }
    assert changed(SOME, [], text) == [expected, ""]


def test_sections_that_are_left_out_stay_as_they_are():
    only = "=== deep/two.txt, region 1 ===\n12"
    assert changed(SOME, [], only) == [{"deep/two.txt": FILES["deep/two.txt"].replace("10", "12")}, ""]
    now = START.replace("return 1", "return 8")
    assert completed(only, now) == now.replace("\n10", "\n12")
    assert completed("no sections", now) == "no sections"
    assert completed(START, now) == START


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def one():\n    return 5", "keep the lines before the sections, such as # ===== one.py, region 1 ====="),
        (
            START + "\n# ===== one.py, region 3 =====\nx",
            "no section 'one.py, region 3': there are one.py, region 1, one",
        ),
        (START + "\n# ===== one.py, region 1 =====\nx", "the section one.py, region 1 is there 2 times"),
        (START + "\n# EVOLVE-BLOCK-END", "leave them out"),
    ],
)
def test_what_is_wrong_with_sections_is_told(text, said):
    files, wrong = changed(SOME, [], text)
    assert files == {}
    assert said in wrong


CODE = "import math\n\n\n@staticmethod\ndef a(x):\n    return x\n\n\nclass C:\n    def b(self):\n        return 1\n\n    z = 2\n"


def test_functions_that_are_named_change_and_nothing_else():
    entries = ["m.py:C.b", "m.py:a"]
    text, wrong = whole([["m.py", CODE]], entries)
    assert not wrong
    assert [name for name, _ in parted(text)] == ["m.py:a", "m.py:C.b"]
    new = "# ===== m.py:C.b =====\ndef b(self):\n    return 7\n\n\n"
    assert changed([["m.py", CODE]], entries, new) == [{"m.py": CODE.replace("return 1", "return 7")}, ""]
    one = changed([["m.py", CODE]], ["m.py:a"], "def a(x):\n    return -x")
    assert one == [{"m.py": CODE.replace("@staticmethod\n", "").replace("return x", "return -x")}, ""]


@pytest.mark.parametrize(
    ("text", "said"),
    [("x = 1", "does not define a"), ("def a(x:\n", "is no Python"), ("def b(x):\n    return 1", "does not define a")],
)
def test_a_function_that_was_lost_is_told(text, said):
    assert said in changed([["m.py", CODE]], ["m.py:a"], text)[1]


@pytest.mark.parametrize(
    ("files", "entries", "said"),
    [
        ([["m.py", CODE]], ["m.py:c"], "m.py has no function c: it has a, C.b"),
        ([["m.py", CODE]], ["n.py:a"], "there is no file n.py"),
        ([["m.py", "("]], ["m.py:a"], "is no Python"),
        ([["m.py", MARKED + "# EVOLVE-BLOCK-START"]], [], "the marks of m.py do not come in pairs"),
        ([], [], "no file of the folder has a region"),
    ],
)
def test_what_cannot_be_a_target_is_told(files, entries, said):
    assert said in whole(files, entries)[1]


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "proj" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def improve(folder, answers, *more):
    (folder / "answers.json").write_text(json.dumps(answers))
    how = [
        "--score-command",
        "python3 {}/score.py {}",
        "--about",
        "Print a large number.",
        "--store",
        "s.db",
        "--seed",
        "1",
    ]
    # Which answer comes is chance, decided by where the file of answers lies: so many leave none of four out.
    few = ["--model", "scripted:answers.json", "--calls", "1", "--responses", "48", "--scorings", "49"]
    return called("improve", "proj", *how, *few, *more, "--json", cwd=folder)


@pytest.mark.slow
def test_a_folder_is_improved_and_written_beside_the_old_one(folder):
    whole = f"```\n{START.replace('LEVEL = 2', 'LEVEL = 90').replace('return 1', 'return 3')}\n```"
    edit = "<<<<<<< SEARCH\nLEVEL = 2\n=======\nLEVEL = 50\n>>>>>>> REPLACE"
    lost = "```\ndef one():\n    return 10**6\n```"
    done = improve(folder, [whole, edit, lost, "```\n# ===== deep/two.txt, region 1 =====\n70\n```"])
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["practice"]["start"], found["practice"]["best"]) == (13, 103)
    assert found["files"] == {
        "one.py": FILES["one.py"].replace("LEVEL = 2", "LEVEL = 90").replace("return 1", "return 3")
    }
    assert "+LEVEL = 90" in found["diff"] and "+++ one.py, improved" in found["diff"]
    new = folder / "proj.better"
    assert {name: (new / name).read_text() for name in FILES if name != ".hidden"} == {
        **{name: text for name, text in FILES.items() if name != ".hidden"},
        **found["files"],
    }
    assert (folder / "proj" / "one.py").read_text() == FILES["one.py"]
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=folder).stdout)
    assert {row["score"] for row in rows} >= {103, None, 13, 73, 61}
    assert "keep the lines before the sections" in rows[-1]["reason"]
    (new / "one.py").write_text("mine")
    assert improve(folder, [whole, edit, lost, "```\n# ===== deep/two.txt, region 1 =====\n70\n```"]).returncode == 0
    assert (new / "one.py").read_text() == "mine"


@pytest.mark.slow
def test_functions_of_a_folder_are_improved(folder):
    (folder / "proj" / "one.py").write_text("LEVEL = 2\n\ndef one():\n    return 1\n")
    done = improve(folder, ["```python\ndef one():\n    return 5\n```"], "--entry", "one.py:one", "-o", "new")
    assert done.returncode == 0, done.stderr
    assert (folder / "new" / "one.py").read_text() == "LEVEL = 2\n\ndef one():\n    return 5\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--entry", "one.py"], "a function is named as module.py:function"),
        (["--entry", "one.py:none"], "has no function none"),
        (["-o", "proj"], "cannot write proj"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, more, said):
    done = improve(folder, ["x"], *more)
    assert done.returncode == 2
    assert said in one_line(done)


@pytest.mark.slow
def test_a_function_is_named_where_that_means_something(folder):
    done = called("improve", "proj/one.py", "--score-command", "cat {}", "--about", "x", "--entry", "one", cwd=folder)
    assert done.returncode == 2
    assert "--entry names a function" in one_line(done)


@pytest.mark.slow
def test_a_folder_without_marks_is_told_what_it_needs(folder):
    for name in ("one.py", "deep/two.txt"):
        (folder / "proj" / name).write_text("x = 1\n")
    done = improve(folder, ["x"])
    assert done.returncode == 2
    assert "EVOLVE-BLOCK-START" in one_line(done) and "--entry module.py:function" in one_line(done)


MODULES = {
    "plan.py": "from parts.rules import bonus\n\n\ndef total(numbers):\n    return sum(numbers) + bonus(numbers)\n",
    "parts/rules.py": "from .base import BASE\n\n\nclass Rules:\n    pass\n\n\ndef bonus(numbers):\n    return BASE\n",
    "parts/base.py": "BASE = 40\n",
}
SCORER = '''"""The sum of the numbers."""


def instances(split, seed):
    return [([seed % 10**6 + i, i],) for i in range(3)]


def score(instance, answer):
    return abs(sum(instance[0]) - answer)
'''


@pytest.mark.slow
def test_functions_of_several_modules_are_called_in_the_sandbox(tmp_path):
    for name, text in MODULES.items():
        (tmp_path / "proj" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "proj" / name).write_text(text)
    (tmp_path / "score.py").write_text(SCORER)
    part = "```python\n# ===== parts/rules.py:bonus =====\ndef bonus(numbers):\n    return {}\n```"
    answers = [part.format("7"), part.format("open('/etc/passwd').read()"), part.format("None")]
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    few = ["--model", "scripted:answers.json", "--calls", "1", "--responses", "48", "--scorings", "9", "--seed", "1"]
    how = ["improve", "proj", "--score", "score.py", "--minimize", "--store", "s.db", *few]
    done = called(*how, cwd=tmp_path)
    assert done.returncode == 2 and "say by --entry module.py:function" in one_line(done)
    done = called(*how, "--entry", "plan.py:total", "--entry", "parts/rules.py:bonus", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["practice"]["start"], found["practice"]["best"]) == (40, 7)
    assert found["held_out"]["best"] == 7 and found["isolation"] is None
    assert found["files"] == {"parts/rules.py": MODULES["parts/rules.py"].replace("return BASE", "return 7")}
    assert (tmp_path / "proj.better" / "parts" / "rules.py").read_text() == found["files"]["parts/rules.py"]
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=tmp_path).stdout)
    reasons = [row["reason"] for row in rows]
    assert any("NoneType" in str(one) for one in reasons) and not any("root:" in str(one) for one in reasons)
    (tmp_path / "proj" / "parts" / "base.py").write_text("BASE = 30\n")
    done = called(*how, "--entry", "plan.py:total", "--entry", "parts/rules.py:bonus", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["practice"]["start"] == 30, "another module is another task"


def test_edits_that_do_not_apply_are_told_as_such_also_of_several_files():
    files = [["m.py", "def a():\n    return 1\n"], ["n.py", "def b():\n    return 2\n"]]
    _, wrong = changed(files, ["m.py:a", "n.py:b"], "# No program: the edit does not apply: no\ndef a(): pass\n")
    assert wrong == "the edit does not apply: no"


@pytest.mark.slow
def test_of_a_folder_with_marks_only_the_regions_change_and_one_function_is_called(tmp_path):
    texts = MODULES | {"parts/base.py": f"BASE = 40\n{MARKED.format('BASE += 1')}"}
    for name, text in texts.items():
        (tmp_path / "proj" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "proj" / name).write_text(text)
    (tmp_path / "score.py").write_text(SCORER)
    part = "```python\n# ===== parts/base.py, region 1 =====\nBASE = {}\n```"
    (tmp_path / "answers.json").write_text(json.dumps([part.format("3"), part.format("50")]))
    few = ["--model", "scripted:answers.json", "--calls", "1", "--responses", "8", "--scorings", "9", "--seed", "1"]
    how = ["improve", "proj", "--score", "score.py", "--minimize", "--store", "s.db", *few]
    done = called(*how, "--entry", "plan.py:nothing", cwd=tmp_path)
    assert done.returncode == 2 and "nothing" in one_line(done)
    done = called(*how, "--entry", "plan.py:total", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["practice"]["start"], found["practice"]["best"]) == (41, 3)
    assert found["files"] == {"parts/base.py": texts["parts/base.py"].replace("BASE += 1", "BASE = 3")}
