"""OpenEvolve folders of every kind: what their evaluators may do, what they need said, and what is refused in one line."""

import json

import pytest
from shared.command import called, one_line

from selftaught.sandbox.tools.imports import described, imported

pytest.importorskip("yaml")
FEW = ["--calls", "1", "--responses", "1", "--scorings", "2", "--seed", "1", "--store", "s.db"]
PROGRAM = "# EVOLVE-BLOCK-START\ndef value():\n    return 1\n# EVOLVE-BLOCK-END\n"
BETTER = PROGRAM.replace("return 1", "return 5")
LOAD = """
def load(path):
    found = {}
    exec(open(path).read(), found)
    return found["value"]()
"""
CONFIG = "prompt:\n  system_message: Return more.\n"
EVALUATE = f"{LOAD}\ndef evaluate(program_path):\n    return {{'combined_score': load(program_path)}}\n"


def improved(tmp_path, files, answer=BETTER, *more):
    """The command on a folder of these files, at a model that gives this answer."""
    folder = tmp_path / "evolve"
    folder.mkdir()
    for name, text in {"initial_program.py": PROGRAM, "config.yaml": CONFIG, "evaluator.py": EVALUATE, **files}.items():
        if text is not None:
            (folder / name).write_text(text)
    (tmp_path / "answers.json").write_text(json.dumps([f"```python\n{answer}```"]))
    return called("improve", "evolve", "--model", "scripted:answers.json", *FEW, *more, "--json", cwd=tmp_path)


EVALUATORS = {
    "async": f"{LOAD}\nasync def evaluate(path):\n    return {{'combined_score': load(path)}}\n",
    "a module beside it": "from loading import load\n\ndef evaluate(path):\n    return {'combined_score': load(path)}\n",
    "nested": f"{LOAD}\ndef evaluate(path):\n    return {{'metrics': {{'combined_score': load(path)}}, 'artifacts': {{'a': 1}}}}\n",
    "the mean": f"{LOAD}\ndef evaluate(path):\n    return {{'one': load(path) - 1, 'two': load(path) + 1, 'said': 'x'}}\n",
    "a thread given up": (
        f"import threading, time\n{LOAD}\ndef evaluate(path):\n    threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "    return {'combined_score': load(path)}\n"
    ),
    "files beside it": (
        f"import os, pathlib\n{LOAD}\nHERE = pathlib.Path(__file__).parent\ndef evaluate(path):\n"
        "    (HERE / 'log.txt').write_text('x'); open('here.txt', 'w').close(); open(path + '.results', 'w').close()\n"
        "    assert (HERE / 'loading.py').read_text()\n    return {'combined_score': load(path)}\n"
    ),
    "a process": (
        "import subprocess, sys\n\ndef evaluate(path):\n    code = open(path).read() + '\\nprint(value())'\n"
        "    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=20)\n"
        "    return {'combined_score': int(out.stdout)}\n"
    ),
    "signals and pools": (
        f"import signal\nfrom concurrent.futures import ThreadPoolExecutor\n{LOAD}\ndef evaluate(path):\n"
        "    signal.signal(signal.SIGALRM, lambda *_: None); signal.alarm(30)\n"
        "    with ThreadPoolExecutor(1) as pool:\n"
        "        return {'combined_score': pool.submit(load, path).result(timeout=20)}\n"
    ),
    "stages": (
        f"from openevolve.evaluation_result import EvaluationResult\n{EVALUATE}\ndef evaluate_stage1(path):\n"
        "    return EvaluationResult(metrics={'runs': 0.9}, artifacts={'first': 'ran'})\n\n"
        "def evaluate_stage2(path):\n    return {**evaluate(path), 'artifacts': {'second': 'ran'}}\n"
    ),
    "what is not installed but may be missing": f"try:\n    import nowhere\nexcept ImportError:\n    pass\n{EVALUATE}",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EVALUATORS)
def test_an_evaluator_may_do_what_it_may_where_it_comes_from(tmp_path, name):
    done = improved(tmp_path, {"evaluator.py": EVALUATORS[name], "loading.py": LOAD})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["practice"]
    assert (found["start"], found["best"]) == (1, 5)
    assert not (tmp_path / "evolve" / "log.txt").exists()


@pytest.mark.slow
@pytest.mark.parametrize("config", [None, "llm:\n  models: []\n"])
def test_what_is_wanted_may_stand_in_the_evaluator(tmp_path, config):
    text = '"""Return much."""\n' + EVALUATE
    assert improved(tmp_path, {"evaluator.py": text, "config.yaml": config}).returncode == 0


@pytest.mark.slow
def test_a_config_of_another_name_is_read(tmp_path):
    done = improved(tmp_path, {"config.yaml": None, "config_phase_1.yaml": CONFIG})
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_without_marks_the_whole_program_may_change(tmp_path, caplog):
    done = improved(
        tmp_path, {"initial_program.py": "def value():\n    return 1\n"}, "def value():\n    return 2 + 3\n"
    )
    assert json.loads(done.stdout)["practice"]["best"] == 5
    assert "no EVOLVE-BLOCK marks" in caplog.text


@pytest.mark.slow
def test_a_program_that_is_no_python_keeps_its_suffix(tmp_path):
    evaluator = (
        "import subprocess\n\ndef evaluate(path):\n    assert path.endswith('.sh')\n"
        "    return {'combined_score': int(subprocess.run(['sh', path], capture_output=True).stdout)}\n"
    )
    marked = "# EVOLVE-BLOCK-START\necho {}\n# EVOLVE-BLOCK-END\n"
    files = {"initial_program.py": None, "initial_program.sh": marked.format(1), "evaluator.py": evaluator}
    done = improved(tmp_path, files, marked.format(5))
    assert json.loads(done.stdout)["practice"]["best"] == 5, done.stderr
    assert (tmp_path / "evolve" / "initial_program.better.sh").read_text() == marked.format(5)


DOUBLED = [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
MERGED = [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 60)]
REFUSED = {
    "a package": (
        {"evaluator.py": f"import nowhere.x\n{EVALUATE}"},
        "imports nowhere.x, which is not installed: run `pip",
    ),
    "a package of a module beside": (
        {
            "evaluator.py": f"import beside\n{EVALUATE}",
            "beside.py": "import nowhere\n",
            "requirements.txt": "nowhere>=1\n",
        },
        "requirements.txt`",
    ),
    "a package of the program": (
        {"initial_program.py": f"import nowhere\n{PROGRAM}"},
        "initial_program.py imports nowhere",
    ),
    "more of openevolve": ({"evaluator.py": f"from openevolve.llm import Model\n{EVALUATE}"}, "pip install openevolve"),
    "marks": ({"initial_program.py": PROGRAM.replace("-END", "-FIN")}, "do not come in pairs"),
    "no words": ({"config.yaml": None}, "does not say what is wanted"),
    "no YAML": ({"config.yaml": "a: [1\n"}, "config.yaml: while parsing"),
    "a text that is none": ({"config.yaml": "prompt:\n  system_message: [a]\n"}, "its system_message is none"),
    "a text that is doubled without end": (
        {"config.yaml": "\n".join(["a0: &a0 [x, x]", *DOUBLED, "prompt:\n  system_message: *a59\n"])},
        "its system_message is none",
    ),
    "parts that are merged without end": (
        {"config.yaml": "\n".join(["a0: &a0 {x: 1}", *MERGED, "prompt: *a59\n"])},
        "merges more than",
    ),
    "no day": ({"config.yaml": "prompt:\n  system_message: 2020-13-45\n"}, "cannot read"),
    "depth": ({"config.yaml": "a: " + "[" * 3000 + "]" * 3000}, "cannot read"),
    "a time without end": ({"config.yaml": f"evaluator:\n  timeout: {'9' * 400}\n"}, "its timeout is none"),
    "more digits than are read": ({"config.yaml": f"evaluator:\n  timeout: {'9' * 5000}\n"}, "cannot read"),
    "thresholds that are none": ({"config.yaml": "evaluator:\n  cascade_thresholds: [a]\n"}, "its cascade_thresholds"),
    "a long one": ({"config.yaml": "a: b\n" * 100_000}, "more than 256 KiB"),
    "a key": (
        {"evaluator.py": f"import os\nKEY = os.environ['OPENAI_API_KEY']\n{EVALUATE}"},
        "KeyError: 'OPENAI_API_KEY' (there is no network",
    ),
    "the network": (
        {
            "evaluator.py": "import urllib.request\n\ndef evaluate(path):\n"
            "    return {'combined_score': len(urllib.request.urlopen('http://127.0.0.1:9/').read())}\n"
        },
        "there is no network",
    ),
    "no function": ({"evaluator.py": "x = 1\n"}, "defines no function evaluate(program_path)"),
    "no evaluator": ({"evaluator.py": None}, "needs initial_program.py and evaluator.py"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_evaluated_is_told_in_one_line(tmp_path, name):
    files, said = REFUSED[name]
    done = improved(tmp_path, files)
    assert done.returncode in {1, 2}
    assert said in one_line(done)


@pytest.mark.slow
def test_an_evaluator_that_makes_a_score_of_an_error_is_told(tmp_path, caplog):
    done = improved(
        tmp_path, {"evaluator.py": "def evaluate(path):\n    return {'combined_score': 0.0, 'error': 'no tool'}\n"}
    )
    assert done.returncode == 0
    assert "error: no tool" in caplog.text


def test_imports_without_which_nothing_works_are_told_apart():
    text = "import a.b, c\nfrom d import e\nfrom . import f\nif 1:\n    import g\ndef h():\n    from i import j\n"
    assert imported(text) == [["a.b", "c", "d"], ["g", "i"]]
    assert imported("no Python") == [[], []]
    assert described('"""One."""\nasync def evaluate(p):\n    """Two."""\n') == "One.\n\nTwo."
    assert described("(") == ""
