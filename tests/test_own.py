"""A program of the user's own: improved by functions, by a command, in an OpenEvolve folder; and what may go wrong."""

import json
from pathlib import Path

import pytest
from shared.command import called, one_line, selftaught

from selftaught.sandbox.tools.regions import spliced

pytestmark = pytest.mark.slow

PROGRAM = "def total(numbers):\n    return sum(numbers) + 40\n"
SCORER = '''"""`total(numbers)` returns the sum of the numbers; the score is how far it is off."""


def instances(split, seed):
    return [([seed % 50 + i, i],) for i in range(3)]


def score(instance, answer):
    print("looked at", instance)
    return abs(sum(instance[0]) - answer)
'''
ANSWERS = [
    "```python\ndef total(numbers):\n    return sum(numbers) + 7\n```",
    "```python\ndef total(numbers):\n    return None\n```",
]
FEW = ["--calls", "1", "--responses", "24", "--scorings", "5", "--model", "scripted:answers.json", "--store", "s.db"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sums.py").write_text(PROGRAM)
    (tmp_path / "scorer.py").write_text(SCORER)
    (tmp_path / "answers.json").write_text(json.dumps(ANSWERS))
    return tmp_path


def improve(folder, *more, scorer="scorer.py"):
    return called("improve", "sums.py", "--score", scorer, "--minimize", *FEW, *more, cwd=folder)


def test_a_better_program_is_written_beside_the_old_one_which_stays(folder):
    done = improve(folder, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)  # although the scorer prints
    assert "looked at" in done.stderr
    assert (found["practice"]["start"], found["practice"]["best"]) == (40, 7)
    assert (found["held_out"]["start"], found["held_out"]["best"], found["held_out"]["instances"]) == (40, 7, 3)
    assert (folder / "sums.py").read_text() == PROGRAM
    assert (folder / "sums.better.py").read_text().strip() == "def total(numbers):\n    return sum(numbers) + 7"
    assert "+    return sum(numbers) + 7" in found["diff"]


def test_more_rounds_go_on_and_buy_nothing_twice(folder):
    first = json.loads(improve(folder, "--json").stdout)
    bought = first["usage"]["responses"]
    done = improve(folder, "--json", "--rounds", "2")
    second = json.loads(done.stdout)
    assert second["seed"] == first["seed"]
    assert second["rounds"][0] == first["rounds"][0]
    assert bought == 24
    assert first["earlier_looks"] == []
    (look,) = second["earlier_looks"]
    assert look.startswith("run 1 (") and look.endswith(", improve sums.py, 1 round)")
    shown = " ".join(called("show", "2", "--store", "s.db", cwd=folder).stdout.split())
    assert f"Earlier look at the same held-out instances: {look}" in shown
    third = json.loads(improve(folder, "--json", "--rounds", "2").stdout)
    assert third["usage"]["dollars_spent"] == 0
    assert third["rounds"] == second["rounds"]


def test_all_that_was_scored_can_be_listed_and_opened(folder):
    assert improve(folder).returncode == 0
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=folder).stdout)
    assert [row["score"] for row in rows] == [7, 40, None]
    assert "TypeError" in rows[2]["reason"]
    opened = called("candidates", 1, rows[0]["program"][:8], "--store", "s.db", cwd=folder)
    assert "return sum(numbers) + 7" in opened.stdout


def test_what_is_no_better_is_not_handed_back(folder):
    (folder / "answers.json").write_text(json.dumps(ANSWERS[1:]))
    done = improve(folder)
    assert done.returncode == 0
    assert "None scores better" in done.stdout
    assert not (folder / "sums.better.py").exists()


def test_an_improver_that_fails_in_every_run_is_told_first_and_is_exit_code_1(folder):
    (folder / "raises.py").write_text("def improve_algorithm(s, u, m):\n    u(s)\n    raise OSError('no')\n")
    done = improve(folder, "--improver", "raises.py")
    assert done.returncode == 1
    assert done.stdout.index("the improver: every improver run failed") < done.stdout.index("Improver runs")
    assert "every improver run of the improver failed" in " ".join(done.stderr.split())
    (folder / "finds.py").write_text(
        "def improve_algorithm(s, u, m):\n    u(s.replace('40', '7'))\n    raise OSError('no')\n"
    )
    done = improve(folder, "--improver", "finds.py")
    assert (done.returncode, (folder / "sums.better.py").exists()) == (1, True), "what was scored is not lost"
    assert "the better program is the best of those that it had scored before" in " ".join(done.stdout.split())


def test_a_file_that_is_there_is_not_written_over(folder):
    (folder / "mine.py").write_text("x")
    done = improve(folder, "-o", "mine.py")
    assert done.returncode == 2
    assert "cannot write mine.py" in one_line(done)
    (folder / "sums.better.py").write_text("mine too")
    assert improve(folder).returncode == 0
    assert (folder / "sums.better.py").read_text() == "mine too"
    assert "+ 7" in (folder / "sums.better-1.py").read_text()
    (folder / "sums.better-1.py").write_text("and mine")
    assert called("resume", "1", "--store", "s.db", cwd=folder).returncode == 0
    assert (folder / "sums.better-1.py").read_text() == "and mine"
    assert "+ 7" in (folder / "sums.better-1-2.py").read_text()


def test_where_it_is_to_be_written_holds_for_whoever_resumes_too_unless_something_lies_there_by_then(folder):
    assert improve(folder, "-o", "found.py", "--max-answers", "1").returncode == 4
    go_on = ("resume", "1", "--store", folder / "s.db", "--max-answers", "99")
    assert called(*go_on, cwd=folder).returncode == 0
    assert "+ 7" in (folder / "found.py").read_text() and not (folder / "sums.better.py").exists()
    assert called(*go_on, cwd=folder).returncode == 0
    assert not (folder / "sums.better.py").exists(), "it is there already"
    (folder / "found.py").write_text("mine")
    assert called(*go_on, cwd=folder).returncode == 0
    assert (folder / "found.py").read_text() == "mine" and "+ 7" in (folder / "sums.better.py").read_text()


def test_a_run_that_was_stopped_writes_the_better_program_once_it_is_resumed(folder, tmp_path_factory):
    assert improve(folder, "--max-answers", "1").returncode == 4
    assert not (folder / "sums.better.py").exists()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "answers.json").write_text(json.dumps(ANSWERS))
    done = called("resume", "1", "--store", folder / "s.db", "--max-answers", "99", "--json", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (folder / "sums.better.py").read_text() == found["program"]
    assert f"the better program is in {folder}/sums.better.py; {folder}/sums.py is as it was" in done.stderr
    assert [one.name for one in elsewhere.iterdir()] == ["answers.json"]


MISTAKES = {
    "raises": (
        "    return abs",
        "    raise RuntimeError('no')\n    return abs",
        "score raised RuntimeError in line 10: no",
    ),
    "nothing": ("return abs(sum(instance[0]) - answer)", "pass", "score gave None, which is no finite number"),
    "text": ("abs(sum(instance[0]) - answer)", "'good'", "score gave 'good'"),
    "nan": ("abs(sum(instance[0]) - answer)", "float('nan')", "score gave nan"),
    "instances": (
        "return [([seed % 50 + i, i],) for i in range(3)]",
        "1 / 0",
        "instances raised ZeroDivisionError in line 5",
    ),
    "no instances": ("return [([seed % 50 + i, i],) for i in range(3)]", "return []", "a list of instances is needed"),
    "no tuple": ("([seed % 50 + i, i],)", "seed", "write its arguments as a tuple"),
    "no function": ("def score", "def scores", "defines no function score"),
    "no words": (SCORER.splitlines()[0], "", "does not say what is wanted"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_scorer_that_is_wrong_is_told_so_in_one_line(folder, name):
    old, new, said = MISTAKES[name]
    assert old in SCORER
    (folder / "scorer.py").write_text(SCORER.replace(old, new))
    done = improve(folder)
    assert done.returncode in {1, 2}
    assert said in one_line(done)


@pytest.mark.parametrize(
    ("text", "said"),
    [("x = 1\n", "it has none"), ("def a(): pass\ndef b(): pass\n", "it has a, b"), ("", "holds no program")],
)
def test_a_program_without_the_one_function_is_refused(folder, text, said):
    (folder / "sums.py").write_text(text)
    done = improve(folder)
    assert done.returncode == 2
    assert said in one_line(done)


def test_numbers_of_numpy_are_numbers_and_arguments_arrive_as_they_are(folder):
    (folder / "sums.py").write_text(
        "def total(graph, pair):\n    return {1: graph[0] + pair[0], 'kind': type(pair).__name__}\n"
    )
    (folder / "scorer.py").write_text(
        '"""What is wanted."""\nimport numpy as np\n\ndef instances(split, seed):\n'
        "    return [({0: 5}, (np.int64(seed % 9), 1))]\n\ndef score(instance, answer):\n"
        "    assert answer['kind'] == 'tuple'\n    return np.float32(answer[1] - instance[1][0])\n"
    )
    done = improve(folder, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["practice"]["start"] == 5


def test_other_data_beside_the_scorer_are_another_task(folder):
    reading = "from pathlib import Path\nOFF = int(Path(__file__).with_name('off.txt').read_text())\n"
    text = SCORER.replace("\n\n\ndef inst", f"\n{reading}\n\ndef inst").replace("- answer)", "- answer) + OFF")
    (folder / "scorer.py").write_text(text)
    scores = []
    for off in (0, 100):
        (folder / "off.txt").write_text(str(off))
        scores.append(json.loads(improve(folder, "--json").stdout)["practice"]["start"])
    assert scores == [40, 140]


def test_what_a_scorers_program_writes_to_descriptor_1_breaks_no_document(folder):
    text = SCORER.replace("\n\n\ndef inst", "\nimport os\nimport subprocess\n\n\ndef inst")
    text = text.replace(
        "def score(instance, answer):\n",
        "def score(instance, answer):\n    subprocess.run(['echo', 'loud'])\n    os.write(1, b'and clear')\n",
    )
    (folder / "scorer.py").write_text(text)
    done = selftaught("improve", "sums.py", "--score", "scorer.py", *FEW, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == 1 and "loud" in done.stderr and "and clear" in done.stderr


SCRIPT = "printf 1\nprintf 2\nprintf 3\n"
CHECK = '[ "$(sh "$1")" = 123 ] || { echo "it prints something else" >&2; exit 1; }\nwc -c < "$1"\n'
COMMAND = ["--score-command", "sh check.sh {}", "--file", "check.sh", "--about", "Print 123.", "--minimize"]


def test_a_program_in_any_language_is_scored_by_a_command(folder):
    (folder / "out.sh").write_text(SCRIPT)
    (folder / "check.sh").write_text(CHECK)
    (folder / "answers.json").write_text(json.dumps(["```sh\nprintf 123\n```", "```sh\nprintf 321\n```"]))
    done = called("improve", "out.sh", *COMMAND, *FEW, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["practice"]["start"], found["practice"]["best"]) == (len(SCRIPT), len("printf 123\n"))
    assert "one jail" in found["isolation"]
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=folder).stdout)
    assert rows[-1]["reason"] == "the command ended with exit status 1"


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("nowhere {}", "exit status 127"),
        ("echo good {}", "printed no finite number"),
        ("sh -c 'echo x > /scored/y' {}", "exit status"),
        ("sh -c 'cat /etc/passwd' {}", "exit status 1"),
        ("sh -c 'exec 3<>/dev/tcp/127.0.0.1/1' {}", "exit status"),
        ("sh -c 'while :; do :; done' {}", "used more than 1 s of CPU time"),
    ],
)
def test_a_command_that_cannot_score_is_told_so(folder, check, said):
    (folder / "out.sh").write_text(SCRIPT)
    more = ["--score-command", check, "--about", "Print 123.", "--program-cpu-s", "1", *FEW]
    done = called("improve", "out.sh", *more, cwd=folder)
    assert done.returncode == 1
    assert said in one_line(done)


EVALUATOR = """
from openevolve.evaluation_result import EvaluationResult

import importlib.util


def evaluate_stage1(program_path):
    return {"combined_score": 1.0}


def evaluate_stage2(program_path):
    return evaluate(program_path)


def evaluate(program_path):
    spec = importlib.util.spec_from_file_location("program", program_path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return EvaluationResult({"combined_score": module.outer(), "runs": True}, {"hint": "more is better"})
"""
INITIAL = "# EVOLVE-BLOCK-START\ndef inner():\n    return 1\n# EVOLVE-BLOCK-END\n\ndef outer():\n    return inner()\n"
CONFIG = "prompt:\n  system_message: Return more.\nevaluator:\n  timeout: 20\n  cascade_thresholds: [0.5]\n"


def test_a_folder_of_openevolve_is_improved_unmodified_within_its_marks(folder):
    pytest.importorskip("yaml")
    there = folder / "evolve"
    there.mkdir()
    for name, text in {"evaluator.py": EVALUATOR, "initial_program.py": INITIAL, "config.yaml": CONFIG}.items():
        (there / name).write_text(text)
    cheating = INITIAL.replace("return 1", "return 5").replace("return inner()", "return 10**6")
    unmarked = "def inner():\n    return 7\n\ndef outer():\n    return inner()\n"
    answers = [f"```python\n{text}```" for text in (cheating, unmarked)]
    (folder / "answers.json").write_text(json.dumps(answers))
    done = called("improve", "evolve", *FEW, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["practice"]["start"], found["practice"]["best"]) == (1, 5)
    assert (there / "initial_program.better.py").read_text() == INITIAL.replace("return 1", "return 5")
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=folder).stdout)
    assert len(rows) == 3
    assert rows[-1]["score"] is None


def test_only_what_stands_between_marks_is_taken():
    assert spliced(INITIAL, INITIAL.replace("1", "2").replace("outer", "other")) == [INITIAL.replace("1", "2"), ""]
    assert "keep the marks" in spliced(INITIAL, "def inner(): pass")[1]
    assert "has no region" in spliced("x = 1", INITIAL)[1]
    assert "keep the marks" in spliced(INITIAL, INITIAL + "# EVOLVE-BLOCK-START")[1]


def test_nothing_of_the_host_but_what_is_named_is_in_a_commands_jail(folder):
    (folder / "secret.txt").write_text("k")
    (folder / "out.sh").write_text(SCRIPT)
    check = f"sh -c 'ls {folder}/secret.txt {Path.home()} 2>/dev/null && exit 9; echo 1' {{}}"
    done = called("improve", "out.sh", "--score-command", check, "--about", "x", *FEW, cwd=folder)
    assert done.returncode == 0, done.stderr
