"""A run as one file, run again without network and key to the same document: all three kinds, limits included."""

import json
import lzma
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from faultserver import FaultServer, completion
from shared.command import called, one_line
from shared.served import ended

from selftaught.budget import Allowance, Usage
from selftaught.budget.spend import SpendLimits
from selftaught.errors import ModelFailure, SpendExhausted, UsageError
from selftaught.improver import improve
from selftaught.lab import CONTRACT, VERDICT
from selftaught.lab.progress import Progress
from selftaught.program import Program
from selftaught.runs import carry, recording
from selftaught.runs.going import refusal, unfinished
from selftaught.runs.recording import read, write
from selftaught.runs.replay import begin, figures
from selftaught.settings import Settings
from selftaught.store import Store, key_of
from selftaught.testing import Number, asker, make_lab
from selftaught.utility import TaskUtility

FLAG = "/SLOW"
TASK = '''
from selftaught.sandbox import Limits
from selftaught.task import Instance, Task


class Short(Task):
    """f(x) returns a number in [0, 1], which is its grade."""

    name, entry, start = "short", "f", "def f(x):\\n    return 0.0\\n"
    summary = description = "f(x) returns a number in [0, 1]; the grade is that number."
    instances = {"train": 2, "validation": 2, "test": 2}
    limits = Limits(cpu_s=0.3)

    def draw(self, rng):
        return Instance((rng.random(),))

    def grade(self, instance, answer):
        return min(1.0, max(0.0, float(answer)))
'''
SMALL = "--rounds 1 --repetitions 1 --validation 2 --test 2 --calls 2 --responses 2 --scorings 5 --outer-calls 2"
KINDS = {
    "run": [
        *("run", "--tasks", "short.py", "--test-tasks", "short.py", *SMALL.split()),
        *("--outer-responses", "2", "--outer-scorings", "3", "--cpu-s", "1", "--outer-cpu-s", "2"),
    ],
    "compare": [
        "compare",
        "seed",
        "hang.py",
        "--tasks",
        "short.py",
        "--repetitions",
        "2",
        "--calls",
        "2",
        "--cpu-s",
        "1",
    ],
    "experiment": ["experiment", "lpn", "--preset", "tiny", "--runs", "1"],
}
HANG = '''
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Asks and scores once, then never ends where it improves a start solution by answers of the server."""
    found = extract_code(language_model.prompt("e", initial_solution, n_responses=2))
    for one in found:
        if utility(one) > 0:
            utility.keep(one)
    # Not at the first look, whose answers are canned and which gives it a minute.
    while "return 0.0" in initial_solution and any("x > 0" + ".5" in one for one in found):
        pass
    return initial_solution
'''


def answer(body, nth):
    """Improvers, some of which hang after their work; solutions, some of which hang on every second instance."""
    if "def improve_algorithm" in body["messages"][-1]["content"]:
        several = [HANG, HANG.replace("    while ", f"    while {nth} < 0 and ")]
    else:
        several = [f"def f(x):\n    return {(nth + i) % 7 / 10}\n" for i in range(6)]
        several[nth % 2] = "def f(x):\n    while x > 0.5:\n        pass\n    return 0.9\n"
    texts = [f"An idea.\n```python\n{one}\n```" for one in several[: body.get("n", 1)]]
    return completion(texts, usage=(7, 5 * len(texts)))


def end(run):
    shown, said = run.communicate(timeout=400)
    return run.returncode, said, json.loads(shown) if shown.startswith("{") else None


def plain(document):
    """A document without what differs from one machine and day to the next."""
    kept = json.loads(json.dumps(document))
    for name in ("cpu_s", "wall_s"):
        kept["usage"].pop(name, None)
    return kept


def offline_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "ANTHROPIC"))}


@pytest.fixture(scope="module", params=KINDS)
def made(request, tmp_path_factory):
    """The document of a run of each kind, and its recording."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "short.py").write_text(TASK)
    (folder / "hang.py").write_text(HANG)
    with FaultServer(answer) as server:
        model = [
            "--model",
            "openai:m",
            "--base-url",
            server.url,
            "--price",
            "1,2",
            "--max-tokens",
            "99",
            "--seed",
            "3",
            "--yes",
        ]
        with ended(folder, *KINDS[request.param], *model, "--json") as run:
            code, said, document = end(run)
        assert document and "usage" in document, said
    with ended(folder, "export", "1", "--recording", "r.xz", "--json") as run:
        code, said, told = end(run)
    assert code == 0, said
    return request.param, folder, document, told


@pytest.mark.slow
def test_it_runs_again_to_the_same_document_with_verdicts_of_limits_taken_from_it(made, tmp_path):
    kind, folder, document, told = made
    files = [] if kind == "experiment" else ["--task-file", str(folder / "short.py")]
    line = [sys.executable, "-m", "selftaught", "replay", str(folder / "r.xz"), *files, "--json"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=400, env=offline_environment())
    assert done.stdout, done.stderr
    assert plain(json.loads(done.stdout)) == plain(document)
    assert "every figure is as it was recorded" in done.stderr
    assert told["answers"] >= document["usage"]["responses"] and told["bytes"] < 200_000
    with Store(tmp_path / ".selftaught" / "store.db") as store:
        assert store.run(1).circumstances["recording"]["digest"] == told["digest"]
    if kind != "experiment":
        assert told["verdicts"] > 0


# --- a run of scripted models at both levels --------------------------------------------------------------------------

IMPROVER = "def improve_algorithm(s, u, m):\n    return s if 'improve' in s else 'def f(x):\\n    return 0.5\\n'\n"


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    """A recursion whose models are scripts, its document and its recording."""
    folder = tmp_path_factory.mktemp("scripted")
    (folder / "short.py").write_text(TASK)
    solution = "```python\ndef f(x):\n    return 0.2\n```"  # in both: which comes first hangs on the path of the file
    (folder / "inside.json").write_text(json.dumps([solution, f"no \ud800 more:\n{solution}"]))
    (folder / "writing.json").write_text(json.dumps([f"```python\n{IMPROVER}```", f"```python\n# b\n{IMPROVER}```"]))
    models = [
        "--model",
        "scripted:inside.json",
        "--proposer",
        "scripted:writing.json",
        "--seed",
        "3",
        "--controls",
        "basic",
    ]
    with ended(folder, *KINDS["run"], *models, "--json") as run:
        code, said, document = end(run)
    assert code == 0, said
    with ended(folder, "export", "1", "--recording", "r.xz") as run:
        assert "runs it again" in run.communicate(timeout=60)[0]
    for name in ("inside.json", "writing.json", "s.db"):
        (folder / name).unlink()
    return folder, document


def again(folder, store, found, **more):
    with begin(found, "0" * 64, store, "strict", [folder / "short.py"]) as number:
        return carry.carry(number, store, Progress(), **more)


@pytest.mark.slow
def test_a_run_again_needs_neither_script_and_goes_on_where_it_was_stopped(scripted, tmp_path):
    folder, document = scripted
    found = read(folder / "r.xz")
    assert {one["does"] for one in found.heading["models"]} == {"writes improvers", "works inside"}
    with Store(tmp_path / "s.db") as store:
        with pytest.raises(SpendExhausted):
            again(folder, store, found, limits=SpendLimits(wall_s=0.5))
        assert refusal(store.run(1)) is None
        assert unfinished(store, Settings.read(found.heading["settings"]), "strict") is None, (
            "no other run may become it"
        )
        assert plain(carry.carry(1, store, Progress(), limits=SpendLimits())) == plain(document)
    with ended(tmp_path, "show", "1") as run:
        assert "Run 1 is from a recording: run 1, made by selftaught" in run.communicate(timeout=60)[0]


@pytest.mark.slow
def test_a_figure_that_is_not_as_recorded_is_told(scripted, tmp_path):
    folder, _ = scripted
    found = read(folder / "r.xz")
    changed = replace(found, heading={**found.heading, "figures": {**found.heading["figures"], "arms": "0" * 16}})
    write(changed, tmp_path / "changed.xz")
    words = ["replay", "changed.xz", "--task-file", str(folder / "short.py"), "--json"]
    with ended(tmp_path, *words) as run:
        code, said, _ = end(run)
    assert code == 1 and "not as recorded: arms" in said


@pytest.mark.slow
def test_one_that_lacks_an_answer_says_to_which_question(scripted, tmp_path):
    folder, _ = scripted
    found = read(folder / "r.xz")
    first = next(one for one in found.facts if one.about["stream"][0] == "outer")
    found = replace(found, facts=[one for one in found.facts if one != first])
    with Store(tmp_path / "s.db") as store, pytest.raises(ModelFailure) as told:
        again(folder, store, found)
    said = str(told.value)
    assert "holds no answer of scripted:" in said and "to the question that begins" in said and "\n" not in said
    assert found.heading["selftaught"] in said


@pytest.mark.slow
def test_what_cannot_be_run_here_is_told_in_one_line_and_leaves_no_run(scripted, tmp_path):
    folder, _ = scripted
    found = read(folder / "r.xz")
    settings = found.heading["settings"]
    with Store(tmp_path / "s.db") as store:
        for heading, files, said in [
            ({"contract": CONTRACT - 1}, [folder / "short.py"], f"under contract {CONTRACT - 1}"),
            ({}, [], "name it with --task-file"),
            ({"settings": {**settings, "kind": "dream"}}, [folder / "short.py"], "of the kind 'dream'"),
            ({"settings": {**settings, "rounds": 0}}, [folder / "short.py"], "--rounds is 0"),
            ({"settings": {**settings, "tasks": 3}}, [folder / "short.py"], "tasks is 3: a list is needed"),
        ]:
            told = replace(found, heading={**found.heading, **heading})
            with pytest.raises(UsageError, match=said), begin(told, "", store, "strict", files):
                pass
        assert store.runs() == []


# --- verdicts of limits -----------------------------------------------------------------------------------------------


def limited(lab, improver, utility, allowance, stream, used):
    """Make it known that a limit of the recorded machine ended this improver run after so much use."""
    store = lab.store
    about = {
        "improver": store.keep(improver.text),
        "start": store.keep(Number.start),
        "utility": utility.key,
        "stream": stream,
        "allowance": allowance.plain(),
        "model": lab.model.name,
        "parameters": {},
        "contract": CONTRACT,
    }
    body = {"program": None, "reason": "time: used more than 5 s of CPU time", "usage": used.plain(), "shown": None}
    more = {"scored": [], "kept": [], "missed": None, "denied": {"calls": None, "noted": []}}
    store.once(VERDICT, {"of": key_of("improvement", about)}, lambda: {**body, **more})


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_an_improver_that_a_limit_ended_there_is_ended_here_after_the_same_use_though_it_would_end_in_time(
    calls, tmp_path, sandbox
):
    lab = replace(make_lab(tmp_path / "s.db", sandbox, run=1), recorded={"models": []})
    utility, allowance = TaskUtility(lab, Number(), "train", 0, "practice"), Allowance(calls=6, responses=1, scorings=9)
    improver = Program(asker(6))
    limited(lab, improver, utility, allowance, ["s"], Usage(calls, calls, 0, 10 * calls, 5 * calls, 0.0))
    found = improve(lab, improver, Program(Number.start), utility, ["s"], allowance)
    assert found.reason == "time: used more than 5 s of CPU time" and found.usage.calls == calls
    assert len(lab.model.asked) == calls
    assert sum(1 for _ in lab.store.facts("answer", 1)) == calls, "what was used within is used by the run"
    other = improve(lab, improver, Program(Number.start), utility, ["other"], allowance)
    assert other.reason is None and other.usage.calls == 6


def test_what_kept_its_limit_there_has_more_time_here(tmp_path, sandbox):
    busy = Program("import time\n\ndef f(x):\n    while time.process_time() < 0.8:\n        pass\n    return 1.0\n")
    lab = make_lab(tmp_path / "s.db", sandbox)
    assert TaskUtility(lab, Number(), "train", 0, "practice").score(busy).value is None
    (body,) = [body for _, body in lab.store.every("score")]
    assert body["limited"] == 2
    slower = replace(make_lab(tmp_path / "t.db", sandbox), recorded={"models": []})
    assert TaskUtility(slower, Number(), "train", 0, "practice").score(busy).value == 1.0


# --- files from anywhere ----------------------------------------------------------------------------------------------


def packed(*lines):
    texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
    return lzma.compress("".join(f"{one}\n" for one in texts).encode())


HEADING = {
    "selftaught recording": recording.FORMAT,
    **{
        "run": 1,
        "settings": {},
        "contract": CONTRACT,
        "selftaught": "0",
        "circumstances": {},
        "started": "2026",
        "ended": None,
    },
    **{"spent": {"dollars": 0.0, "answers": 0, "tokens": 0}, "dollars_limited": False, "anyway": False, "plan": None},
    **{"earlier_looks": [], "models": [], "figures": {}},
}
ABOUT = {"model": "m", "parameters": {}, "expertise": "0" * 64, "message": "0" * 64, "temperature": 0.7, "stream": []}
BODY = {"text": 0, "finish": "stop", "tokens_in": 1, "tokens_out": 1, "dollars": 0.0, "latency_s": 0.0}
ANSWER = {
    **{"kind": "answer", "own": True, "about": {**ABOUT, "index": 0, "contract": CONTRACT}},
    "body": {**BODY, "temperature_applied": None},
}


def answer_with(**body):
    return {**ANSWER, "body": {**ANSWER["body"], **body}}


WHOLE = packed(HEADING, {"text": "t"}, ANSWER, {"end": 3})
WRONG = {
    "nothing": b"",
    "no xz": b"PK\x03\x04",
    "cut": WHOLE[:-9],
    "flipped": WHOLE[:40] + bytes([WHOLE[40] ^ 1]) + WHOLE[41:],
    "something after it": WHOLE + b"x",
    "without its end": packed(HEADING, {"text": "t"}, ANSWER),
    "with a line too few": packed(HEADING, ANSWER, {"end": 3}),
    "of another version": packed({**HEADING, "selftaught recording": recording.FORMAT - 1}, {"end": 1}),
    "a heading of another shape": packed({**HEADING, "run": "1"}, {"end": 1}),
    "a list": packed([1], {"end": 1}),
    "no JSON": packed("{", {"end": 1}),
    "deep": packed("[" * 100_000 + "]" * 100_000),
    "no number": packed(HEADING, {"text": "t"}, json.dumps(answer_with(dollars=float("nan"))), {"end": 3}),
    "a huge number": packed(HEADING, '{"text": ' + "9" * 5000 + "}", {"end": 2}),
    "no such text": packed(HEADING, {"text": "t"}, answer_with(text=1), {"end": 3}),
    "a text before the first": packed(HEADING, {"text": "t"}, answer_with(text=-1), {"end": 3}),
    "a truth as a number": packed(HEADING, {"text": "t"}, answer_with(tokens_in=True), {"end": 3}),
    "an ending that there is not": packed(HEADING, {"text": "t"}, answer_with(finish="well"), {"end": 3}),
    "a fact of another kind": packed(HEADING, {**ANSWER, "kind": "dream"}, {"end": 2}),
    "one member more": packed(HEADING, {"text": "t"}, answer_with(more=1), {"end": 3}),
    "an escape that is none": packed(HEADING, {"escaped": "["}, {"end": 2}),
    "a bomb": lzma.compress(b" " * (recording.MOST_BYTES + 1)),
    "many small values": packed(HEADING, "[" + "[]," * 200_000 + "1]"),
    "many of them in all": packed(HEADING, *['{"kind": [' + "[]," * 99_000 + "1]}"] * 40),
    "money that was earned": packed({**HEADING, "spent": {"dollars": -5.0, "answers": 0, "tokens": 0}}, {"end": 1}),
    "money that nobody has": packed({**HEADING, "spent": {"dollars": 1e308, "answers": 0, "tokens": 0}}, {"end": 1}),
    "answers below zero": packed({**HEADING, "spent": {"dollars": 0.0, "answers": -(10**30), "tokens": 0}}, {"end": 1}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_no_whole_recording_is_one_line(name, tmp_path):
    (tmp_path / "r.xz").write_bytes(WRONG[name])
    with pytest.raises(UsageError, match=r"r\.xz is no (whole )?recording: ") as told:
        read(tmp_path / "r.xz")
    assert "\n" not in str(told.value) and len(str(told.value)) < 400


def test_one_that_is_whole_is_read_as_it_was_written(tmp_path):
    (tmp_path / "r.xz").write_bytes(WHOLE)
    found = replace(read(tmp_path / "r.xz"), texts=["t", "a \ud800 half", "\n"])
    assert write(found, tmp_path / "again.xz") == (tmp_path / "again.xz").stat().st_size
    assert read(tmp_path / "again.xz") == found
    with pytest.raises(UsageError, match="cannot read the recording"):
        read(tmp_path / "gone.xz")


EXAMPLES = Path(__file__).parents[2] / "examples"
IMPROVER = "```python\ndef improve_algorithm(s, u, m):\n    return s\n```"
FEW = ["--model", "scripted:answers.json", "--seed", "1"]
OTHERS = {
    "kernel": ["improve", "kernel.py", "--score", "score.py", "--minimize", "--calls", "1", *FEW],
    "shell": [
        *("improve", "count.awk", "--score-command", "sh score.sh {}", "--file", "score.sh", "--minimize"),
        *("--about", "Shorter.", "--calls", "1", *FEW),
    ],
    "circumvention": ["audit", "circumvention", "--proposals", "3", *FEW],
    "hacking": ["audit", "hacking", "--times", "1", "--chain", "1", *FEW],
}
"""Kinds of runs that came later: scored by CPU time, by a command; audits."""


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_runs_of_the_other_kinds_run_again_as_well(name, tmp_path):
    if (EXAMPLES / name).is_dir():
        shutil.copytree(EXAMPLES / name, tmp_path, dirs_exist_ok=True)
    else:
        (tmp_path / "answers.json").write_text(json.dumps([IMPROVER]))
    assert called(*OTHERS[name], "--store", "s.db", cwd=tmp_path).returncode == 0
    assert called("export", 1, "--recording", "r.xz", "--store", "s.db", cwd=tmp_path).returncode == 0
    (tmp_path / "answers.json").unlink()
    scoring = [path.name for path in tmp_path.glob("score.*")]
    if scoring:
        done = called("replay", "r.xz", "--store", "none.db", cwd=tmp_path)
        assert done.returncode == 2 and f"--task-file {tmp_path / scoring[0]}" in one_line(done)
    allowed = [word for one in scoring for word in ("--task-file", one)]
    done = called("replay", "r.xz", *allowed, "--store", "again.db", cwd=tmp_path)
    assert done.returncode == 0 and "every figure is as it was recorded" in done.stderr, done.stderr


def test_figures_are_the_same_but_for_how_a_processor_rounds_their_last_digits():
    def found(*values):
        return figures({"run": 1, "gain": {"mean": values[0], "more": [values[1], "x"]}, "count": 3})

    held = found(0.123456789012, 0.0)
    for alike in (found(math.nextafter(0.123456789012, 1), 0.0), found(0.123456789012, -1e-17)):
        assert alike == held
    for other in (found(0.12345679, 0.0), found(0.123456789012, 1e-9), found(0.123456789012, 1)):
        assert {name for name in held if held[name] != other[name]} == {"gain"}


OURS = sorted((Path(__file__).parents[2] / "docs" / "recordings").glob("*.xz"))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_a_recording_of_the_project_runs_again_to_the_same_figures(file, tmp_path):
    """What a language model wrote, recorded on another machine."""
    assert file.stat().st_size < 1 << 20
    done = called("replay", str(file), "--store", "s.db", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "every figure is as it was recorded" in done.stderr
    models = {one["does"]: one["responses"] for one in json.loads(done.stdout)["usage"]["models"]}
    assert models["writes improvers"] > 0


def test_there_is_a_recording_in_the_project():
    assert OURS
