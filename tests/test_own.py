"""A program of the user's own: improved by functions, by a command, in an OpenEvolve folder; and what may go wrong."""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from shared.command import called, one_line, selftaught

from selftaught.sandbox.tools.regions import spliced

pytestmark = pytest.mark.slow

PROGRAM = "def total(numbers):\n    return sum(numbers) + 40\n"
SCORER = '''"""`total(numbers)` returns the sum of the numbers; the score is how far it is off."""


def instances(split, seed):
    return [([seed % 10**6 + i, i],) for i in range(3)]


def score(instance, answer):
    print("looked at", instance)
    return abs(sum(instance[0]) - answer)
'''
ANSWERS = [
    "```python\ndef total(numbers):\n    return sum(numbers) + 7\n```",
    "```python\ndef total(numbers):\n    return None\n```",
]
FEW = ["--calls", "1", "--responses", "24", "--scorings", "5", "--model", "scripted:answers.json", "--store", "s.db"]

ASKING = [*FEW, "--improver", "hints"]
"""It asks for all answers, so that whatever the seed each of the two comes."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sums.py").write_text(PROGRAM)
    (tmp_path / "scorer.py").write_text(SCORER)
    (tmp_path / "answers.json").write_text(json.dumps(ANSWERS))
    return tmp_path


def improve(folder, *more, scorer="scorer.py"):
    return called("improve", "sums.py", "--score", scorer, "--minimize", *ASKING, *more, cwd=folder)


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


TRYING = """```python
def total(numbers):
    import os
    try:
        os.fork()
    except OSError:
        pass
    return sum(numbers) + 1
```"""


def test_a_program_that_tried_to_leave_is_told_or_not_taken_or_ends_the_run(folder):
    enough = ["--scorings", "30"]
    (folder / "answers.json").write_text(json.dumps([*ANSWERS, TRYING]))
    told = json.loads(improve(folder, *enough, "--json").stdout)
    assert told["practice"]["best"] == 1
    assert any("fork" in note["event"] for note in told["usage"]["attempts"]["noted"])
    refused = json.loads(improve(folder, *enough, "--json", "--on-attempt", "reject").stdout)
    assert refused["seed"] == told["seed"] and refused["usage"]["dollars_spent"] == 0
    assert refused["practice"]["best"] == 7
    ended = improve(folder, *enough, "--on-attempt", "stop")
    assert ended.returncode == 3
    assert "tried to leave the sandbox (clone" in ended.stderr and f"--seed {told['seed']}" in ended.stderr
    # what the program to begin with tries itself bars none
    (folder / "sums.py").write_text(TRYING.split("\n", 1)[1].removesuffix("```").replace("+ 1", "+ 40"))
    own = json.loads(improve(folder, *enough, "--json", "--on-attempt", "reject", "-o", "own.py").stdout)
    assert own["practice"]["best"] == 1


def test_what_is_not_counted_is_not_acted_on(folder):
    done = called("improve", "sums.py", "--score-command", "wc -c {}", "--on-attempt", "reject", cwd=folder)
    assert done.returncode == 2 and "has nothing to go by" in one_line(done)


def test_a_program_that_does_not_parse_is_told_where(folder):
    (folder / "sums.py").write_text("def total(numbers: return 1\n")
    done = improve(folder)
    assert done.returncode == 2 and "sums.py is no program of Python: line 1: " in one_line(done)


def test_instances_that_the_seed_does_not_decide_are_refused(folder):
    (folder / "scorer.py").write_text(SCORER.replace("seed % 10**6 + i", "__import__('random').randrange(10**9)"))
    done = improve(folder)
    assert done.returncode == 2 and "instances(split, seed) gave others the second time" in one_line(done)


def test_a_scorer_without_instances_to_hold_out_holds_none_out_and_one_that_fails_at_them_makes_no_run(folder):
    (folder / "scorer.py").write_text(SCORER.replace("for i in range(3)]", "for i in range(3) if split == 'train']"))
    found = json.loads(improve(folder, "--json").stdout)
    assert found["held_out"] is None and found["practice"]["best"] == 7
    (folder / "scorer.py").write_text(SCORER.replace("    return [", "    assert split == 'train'\n    return ["))
    done = improve(folder, "--store", "other.db")
    assert done.returncode == 2 and "instances raised AssertionError in line" in one_line(done)
    assert not (folder / "other.db").exists()


def test_data_that_instances_are_drawn_from_are_another_task(folder):
    (folder / "data.json").write_text("[40]")
    late = "    import json, pathlib\n    return [([json.loads(pathlib.Path('data.json').read_text())[0] + i, i],)"
    (folder / "scorer.py").write_text(SCORER.replace("    return [([seed % 10**6 + i, i],)", late))
    assert json.loads(improve(folder, "--json", "--seed", "123456789").stdout)["usage"]["scorings"] > 0
    again = ["--json", "--seed", "123456789", "--rounds", "2"]
    assert json.loads(improve(folder, *again).stdout)["usage"]["improver_runs"] == 2
    (folder / "data.json").write_text("[90]")
    found = json.loads(improve(folder, *again).stdout)
    assert found["candidates"] > 1 and found["practice"]["start"] == 40


def test_what_a_program_lacks_is_told_with_how_it_can_be_had(folder):
    (folder / "sums.py").write_text(f"import beside\n{PROGRAM}")
    (folder / "beside.py").write_text("")
    assert "improve their folder, with --entry sums.py:total" in one_line(improve(folder))
    (folder / "sums.py").write_text(f"import scipy\n{PROGRAM}")
    assert "may be imported with --with scipy" in one_line(improve(folder))
    done = improve(folder, "--file", "beside.py")
    assert done.returncode == 2 and "--file is for --score-command and --cases" in one_line(done)
    done = called("improve", "sums.py", "--score-command", "cat {} | wc -c", "--about", "short", cwd=folder)
    assert done.returncode == 2 and "no shell reads it: say sh -c 'cat {} | wc -c'" in one_line(done)


def test_arrays_are_lists_and_it_is_said(folder):
    arrays = SCORER.replace("([seed % 10**6 + i, i],)", "(numpy.arange(seed % 50),)").replace(
        "def inst", "import numpy\ndef inst"
    )
    (folder / "scorer.py").write_text(arrays)
    (folder / "sums.py").write_text(
        "def total(numbers):\n    return 40 + sum(numbers) if isinstance(numbers, list) else None\n"
    )
    done = improve(folder, "--json")
    assert json.loads(done.stdout)["practice"]["start"] == 40
    assert "arrays of numpy among the arguments are given to the program as lists" in done.stderr


@pytest.mark.parametrize("doing", ["sys.stdout = None", "sys.stdout.close()"])
def test_a_scorer_that_takes_standard_output_away_takes_it_from_nobody(folder, doing):
    (folder / "scorer.py").write_text(SCORER.replace("    print(", f"    import sys\n    {doing}\n    print("))
    done = improve(folder, "--json")
    assert json.loads(done.stdout)["practice"]["start"] in {40, None}, done.stderr


def test_a_file_beside_a_command_that_is_not_there_is_named(folder):
    done = called("improve", "sums.py", "--score-command", "wc -c {}", "--file", "nofile", cwd=folder)
    assert done.returncode == 2 and "there is no nofile, which --file names" in one_line(done)


def test_a_scorer_that_hangs_is_named_as_its_user_does(folder, monkeypatch):
    (folder / "scorer.py").write_text(SCORER.replace("    print(", "    import time\n    time.sleep(99)\n    print("))
    code = "from selftaught.lab import patience; patience.PATIENCE_S = 4.0; from selftaught.cli import main; main()"
    words = ["improve", "sums.py", "--score", "scorer.py", "--minimize", *ASKING]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "scorer.py: its score has not ended within 4 s; mend it" in done.stderr


def test_what_is_no_better_is_not_handed_back(folder):
    (folder / "answers.json").write_text(json.dumps(ANSWERS[1:]))
    done = improve(folder)
    assert done.returncode == 0
    assert "None scores better" in done.stdout
    assert not (folder / "sums.better.py").exists()


def test_an_improver_that_fails_in_every_run_is_told_first_and_is_exit_code_1(folder):
    (folder / "raises.py").write_text("def improve_algorithm(s, u, m):\n    u(s)\n    raise ValueError('no')\n")
    done = improve(folder, "--improver", "raises.py")
    assert done.returncode == 1
    assert done.stdout.index("the improver: every improver run failed") < done.stdout.index("Improver runs")
    assert "every improver run of the improver failed" in " ".join(done.stderr.split())
    (folder / "finds.py").write_text(
        "def improve_algorithm(s, u, m):\n    u(s.replace('40', '7'))\n    raise ValueError('no')\n"
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
    "an error that cannot be shown": (
        "    return abs",
        "    class Mute(Exception):\n        def __str__(self): raise Mute\n    raise Mute\n    return abs",
        "score raised Mute in line 12: (it cannot be shown)",
    ),
    "what cannot be shown": (
        "return abs(sum(instance[0]) - answer)",
        "return type('Mute', (), {'__repr__': lambda self: 1 / 0})()",
        "score gave Mute, which is no finite number",
    ),
    "a cycle": (
        "return [([seed % 10**6 + i, i],) for i in range(3)]",
        "x = []; x.append(x); return [(x,)]",
        "an argument is nested too deeply, or holds itself",
    ),
    "a deep list": (
        "return [([seed % 10**6 + i, i],) for i in range(3)]",
        "return [(__import__('functools').reduce(lambda x, _: [x], range(50000), 1),)]",
        "an argument is nested too deeply, or holds itself",
    ),
    "an argument that cannot be shown": (
        "return [([seed % 10**6 + i, i],) for i in range(3)]",
        "return [(type('Mute', (), {'__repr__': lambda self: 1 / 0})(),)]",
        "an argument holds Mute: numbers, texts, lists, tuples and dicts can be given",
    ),
    "nan": ("abs(sum(instance[0]) - answer)", "float('nan')", "score gave nan"),
    "instances": (
        "return [([seed % 10**6 + i, i],) for i in range(3)]",
        "1 / 0",
        "instances raised ZeroDivisionError in line 5",
    ),
    "no instances": (
        "return [([seed % 10**6 + i, i],) for i in range(3)]",
        "return []",
        "a list of instances is needed",
    ),
    "no tuple": ("([seed % 10**6 + i, i],)", "seed", "write its arguments as a tuple"),
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


OF_A_BASE = """

def of_a_base(path):
    with closing(sqlite3.connect(path)) as base:
        return base.execute("SELECT * FROM off").fetchone()[0]
"""
LATE = {
    "a file": "int(Path(__file__).with_name('off.txt').read_text())",
    "a database": "of_a_base(Path(__file__).with_name('off.db'))",
}


@pytest.mark.parametrize("kind", LATE)
def test_data_that_are_read_as_it_is_scored_are_another_task_once_they_have_changed(folder, kind):
    begin = "\nimport sqlite3\nfrom contextlib import closing\nfrom pathlib import Path\n\n\ndef inst"
    text = SCORER.replace("\n\n\ndef inst", begin).replace("- answer)", f"- answer) + {LATE[kind]}") + OF_A_BASE
    (folder / "scorer.py").write_text(text)
    scored = []
    for off in (0, None, 100, None, 0):
        if off is not None:
            (folder / "off.txt").write_text(str(off))
            (folder / "off.db").unlink(missing_ok=True)
            with closing(sqlite3.connect(folder / "off.db")) as base:
                base.executescript(f"CREATE TABLE off (by); INSERT INTO off VALUES ({off})")
        done = improve(folder, "--json")
        scored.append((json.loads(done.stdout)["practice"]["start"], _scored(done)))
    assert scored == [(40, True), (40, False), (140, True), (140, False), (40, False)], "what was as it is now is known"


def test_what_could_not_be_scored_in_passing_is_taken_by_the_next_call(folder):
    busy = "    if answer == sum(instance[0]) + 7 and Path(__file__).with_name('down').exists(): raise ConnectionRefusedError\n"
    text = SCORER.replace("\n\n\ndef inst", "\nfrom pathlib import Path\n\n\ndef inst")
    (folder / "scorer.py").write_text(text.replace("    return abs", f"{busy}    return abs"))
    (folder / "down").touch()
    assert json.loads(improve(folder, "--json").stdout)["practice"]["best"] == 40
    (folder / "down").unlink()
    assert json.loads(improve(folder, "--json").stdout)["practice"]["best"] == 7


def test_other_answers_under_the_same_name_are_chosen_from_anew(folder):
    (folder / "answers.json").write_text(json.dumps(ANSWERS[1:]))
    assert json.loads(improve(folder, "--json").stdout)["practice"]["best"] == 40
    (folder / "answers.json").write_text(json.dumps(ANSWERS))
    assert json.loads(improve(folder, "--json").stdout)["practice"]["best"] == 7


def _scored(done):
    """Whether programs were scored. The scorer is tried once in any case."""
    return done.stderr.count("looked at") > 1


@pytest.mark.parametrize("caching", [False, True])
def test_a_database_that_is_opened_on_import_is_data_unless_scoring_writes_it(folder, caching):
    opened = (
        "\nimport sqlite3\nfrom pathlib import Path\n\nBASE = sqlite3.connect(Path(__file__).with_name('off.db'), "
        + ("check_same_thread=False, isolation_level=None)\n\n\ndef inst")
    )
    note = "    BASE.execute('INSERT INTO off VALUES (0)')\n" if caching else ""
    sum_of = "BASE.execute('SELECT sum(by) FROM off').fetchone()[0]"
    text = SCORER.replace("\n\n\ndef inst", opened).replace("    return abs", f"{note}    return {sum_of} + abs")
    (folder / "scorer.py").write_text(text)
    scored = []
    for off in (0, None, 100):
        if off is not None:
            (folder / "off.db").unlink(missing_ok=True)
            with closing(sqlite3.connect(folder / "off.db")) as base:
                base.executescript(f"CREATE TABLE off (by); INSERT INTO off VALUES ({off})")
        done = improve(folder, "--json")
        scored.append((json.loads(done.stdout)["practice"]["start"], _scored(done)))
    assert scored == [(40, True), (40, False), (40, False) if caching else (140, True)]


def test_what_scoring_writes_itself_is_no_data_of_it(folder):
    log = "with Path(__file__).with_name('log.txt').open('a+') as log: log.write('x')\n"
    read = "    with Path(__file__).with_name('log.txt').open() as log: log.read()\n"
    text = SCORER.replace("\n\n\ndef inst", "\nfrom pathlib import Path\n\n\ndef inst").replace(
        "    print(", f"    {log}{read}    print("
    )
    (folder / "scorer.py").write_text(text)
    assert [_scored(improve(folder)) for _ in range(3)] == [True, False, False]


def test_what_a_scorers_program_writes_to_descriptor_1_breaks_no_document(folder):
    text = SCORER.replace("\n\n\ndef inst", "\nimport os\nimport subprocess\n\n\ndef inst")
    text = text.replace(
        "def score(instance, answer):\n",
        "def score(instance, answer):\n    subprocess.run(['echo', 'loud'])\n    os.write(1, b'and clear')\n",
    )
    (folder / "scorer.py").write_text(text)
    done = selftaught("improve", "sums.py", "--score", "scorer.py", *ASKING, "--json", cwd=folder)
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
    done = called("improve", "evolve", *ASKING, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["practice"]["start"], found["practice"]["best"]) == (1, 5)
    assert (there / "initial_program.better.py").read_text() == INITIAL.replace("return 1", "return 5")
    rows = json.loads(called("candidates", 1, "--store", "s.db", "--json", cwd=folder).stdout)
    assert len(rows) == 3
    assert rows[-1]["score"] is None


FOLDER = "# EVOLVE-BLOCK-START\ndef f(x):\n    y = 3\n    return x * y\n# EVOLVE-BLOCK-END\n"


def evolved(tmp_path, evaluator):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "initial_program.py").write_text(FOLDER)
    (tmp_path / "folder" / "evaluator.py").write_text(f'"""Large."""\n{evaluator}')
    return [
        "improve",
        "folder",
        "--seed",
        "1",
        "--calls",
        "2",
        "--responses",
        "1",
        "--scorings",
        "3",
        "--store",
        "s.db",
    ]


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ("def evaluate(p): return None", "evaluate gave None: a dict of metrics"),
        ("def evaluate(p): return 6", "evaluate gave 6: a dict of metrics"),
        ("x = 1", "evaluator.py defines no function evaluate(program_path)"),
    ],
)
def test_an_evaluator_that_gives_no_metrics_is_told_what_is_needed(tmp_path, gives, said):
    done = called(*evolved(tmp_path, gives), cwd=tmp_path)
    assert done.returncode == 1 and said in one_line(done)


def test_an_evaluator_may_have_pools_and_queues_of_processes(tmp_path):
    evaluator = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def put(queue):
    queue.put(1)


def evaluate(p):
    with multiprocessing.Pool(2) as pool:
        found = sum(pool.map(abs, [-1, -2]))
    with ProcessPoolExecutor(2) as pool:
        found += sum(pool.map(abs, [-1, -1]))
    queue = multiprocessing.Queue()
    multiprocessing.Process(target=put, args=(queue,)).start()
    return {"combined_score": found + queue.get()}
"""
    done = called(*evolved(tmp_path, evaluator), "--json", cwd=tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout)["practice"]["start"] == 6, done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_waits_for_a_hanging_evaluator_ends_when_it_is_told_to(tmp_path, number):
    evaluator = "import time\ndef evaluate(p):\n    if '    y = 3\\n    return x * y\\n' not in open(p).read(): time.sleep(500)\n"
    words = evolved(tmp_path, f"{evaluator}    return {{'combined_score': 6}}\n")
    with subprocess.Popen(
        [sys.executable, "-m", "selftaught", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as run:
        try:
            for line in run.stderr:
                if "3 scorings" in line:
                    break
            run.send_signal(number)
            said = run.communicate(timeout=20)[1]
        finally:
            run.kill()
    assert run.returncode == 130 and "resume 1" in said, said


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
