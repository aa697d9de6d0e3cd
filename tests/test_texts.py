"""What models read: the listing of the interface says what the guest's code does, and no text changes unnoticed.

A recorded answer fits only the question that it was given to. Who changes a text on purpose renews the digests, raises
`lab.CONTRACT` where older facts would mean something else, and says so in the changelog.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from selftaught import improvers, tasks
from selftaught.budget import Allowance
from selftaught.improver import improve
from selftaught.lab.grading import feedback
from selftaught.lab.interface import (
    Fared,
    about_improvers,
    about_task,
    budgets,
    fared,
    given,
    hinted,
    no_improver,
    offered,
)
from selftaught.lab.metrics import Rule
from selftaught.models.offline import HEEDED, Offline, unread
from selftaught.plain import digest
from selftaught.program import Program
from selftaught.recursion import STUB
from selftaught.runs.plans import plan
from selftaught.runs.scorers import FolderUtility, _rules
from selftaught.runs.targets import FilesUtility
from selftaught.sandbox import Limits
from selftaught.sandbox.command import Command
from selftaught.sandbox.jail import GUEST
from selftaught.settings import Settings
from selftaught.settings.choice import ModelChoice
from selftaught.tasks.cases import Case, CasesUtility, CheckedUtility
from selftaught.tasks.commanded import CommandUtility
from selftaught.tasks.evaluated import EvaluatorUtility, TextsUtility
from selftaught.tasks.whole import Aim
from selftaught.testing import Number, make_lab
from selftaught.utility import TaskUtility

DIGESTS = Path(__file__).parent / "assets" / "texts.json"
EXTRACTION = ("helpers", "blocks", "mending", "spoken", "edits", "sections")
"""The files that make programs of answers."""
NOTED = {"reason": "cpu", "notes": ["Instance 1: grade 0.5", "Instance 2: cpu"]}
FARED = {
    "a grade": ({"value": 0.5, **NOTED}, False),
    "metrics": ({"value": 12.5, "metrics": {"speed": 3}, **NOTED}, True),
    "no score": ({"value": None, **NOTED}, True),
    "a failure": ({"value": None, **NOTED}, False),
}
"""Facts of scorings, and whether grades may be any numbers."""
LISTED = r"- ([\w.]+)(?:(\(.*?\)) -> (\w+(?:\[\w+\])?(?: \| list\[str\])?))?: "


class Least(Number):
    """As `Number`, in any unit, the lower the better, with all that a solution may be allowed."""

    ranged = minimize = exact = True
    packages = ("scipy",)
    limits = Limits(files_mb=5)


OWN = {"a number": Number(), "a higher number of any size": Number(), "a lower one": Least()}
OWN["a higher number of any size"].ranged = True


def forms():
    """The descriptions of programs of one's own that are scored whole."""
    aim = Aim("Shorter.", minimize=True, rule=Rule("a + b"))
    asked = None, Command(("sh", "{}"), "p.py", packages=("scipy",)), Program(""), aim
    text = None, print, "", ["x", "y"], Program(""), Aim("Shorter."), None
    cases = {"cases": CasesUtility(*asked), "checked cases": CheckedUtility(*asked)}
    for one in cases.values():
        one.cases = [Case("1", b"x", "y")]
    made = {
        "command": CommandUtility(*asked),
        "files": FilesUtility(*asked, None),
        "folder": FolderUtility(*asked, marked=True),
        "text": EvaluatorUtility(*text),
        "texts": TextsUtility(*text),
    }
    for name, one in {**made, **cases}.items():
        yield f"own, {name}", one.description
    yield "own, folder's rules", "\n".join([*_rules(True, ()), *_rules(False, ("scipy",))])


def texts():
    """Every text that a model reads, by what it is, and the code that reads its answers."""
    for spec in tasks.names():
        for task in tasks.load(spec, 0):
            yield f"task {task.name}", about_task(task) + task.start
    for preset in ("ours", "paper", "tiny"):
        for arm in plan("selfhood", preset).arms:
            asked = arm.settings
            upon = [asked.itself] if asked.itself else []
            count = len(tasks.load_all(asked.tasks, 0)) + len(upon)
            improver = about_improvers(count, asked.repetitions, asked.inner, upon, asked.keep)
            yield f"improver, {preset}, {arm.name}", improver + budgets(asked.outer)
            yield f"budgets, {preset}, {arm.name}", budgets(asked.inner)
    yield "hints", about_improvers(1, 1, Allowance(), (), "better", HEEDED)
    yield "feedback on improvers", fared(0.25, [Fared(0.5, 5, 0), *(Fared(0, 47, 3, 4, n, "cpu") for n in (1, 3, 4))])
    for name, (fact, ranged) in FARED.items():
        yield f"feedback, {name}", feedback(fact, ranged)
    for family in (
        "lpn:30@0.1",
        "parity:40",
        "grid:200",
        "sat:200@4.2",
        "maxcut:300",
        "qap:30",
        "tsp:300",
        "circles:26",
    ):
        (task,) = tasks.load(family, 0)
        yield f"task {family}", about_task(task) + task.start
    yield "budgets with tokens", budgets(Allowance(tokens=1000))
    yield "no improver", no_improver("does not parse")
    yield "stub", STUB.text
    for name, task in OWN.items():
        yield f"own, {name}", about_task(task, ranged=task.ranged)
    yield from forms()
    for name in improvers.names():
        yield f"program {name}", improvers.load(name).text
    for name in EXTRACTION:
        yield f"extraction {name}", (GUEST / f"{name}.py").read_text("utf-8")


def test_no_text_that_models_read_changes_unnoticed():
    found = {name: digest(text)[:16] for name, text in texts()}
    held = json.loads(DIGESTS.read_text("utf-8"))
    changed = sorted(name for name in found.keys() | held.keys() if found.get(name) != held.get(name))
    assert not changed, f"changed: {changed}; see the docstring of this file"


ASKED = """
import inspect, json
import helpers, stubs


def improve_algorithm(initial_solution, utility, language_model):
    things = {"utility": utility.__call__, "utility.map": utility.map, "utility.feedback": utility.feedback,
              "utility.keep": utility.keep, "language_model.prompt": language_model.prompt,
              "language_model.batch_prompt": language_model.batch_prompt, "extract_code": helpers.extract_code}
    found = {name: str(inspect.signature(one)) for name, one in things.items()}
    kinds = {f"{owner}.{name}": type(value).__name__
             for owner, one in (("utility", utility), ("language_model", language_model))
             for name, value in vars(one).items()}
    public = [f"{owner}.{name}" for owner, one in (("utility", utility), ("language_model", language_model))
              for name in dir(one) if not name.startswith("_")]
    assert issubclass(helpers.BudgetExhausted, Exception)
    return "def f(x):\\n    return 0\\n# " + json.dumps([found, kinds, public])
"""


@pytest.fixture
def lab(tmp_path, sandbox):
    return make_lab(tmp_path / "s.db", sandbox)


def run(lab, text, allowance=None):
    judge = TaskUtility(lab, Number(), "train", 0, "practice")
    return improve(lab, Program(text), Program(Number.start), judge, ["x"], allowance or Allowance(cpu_s=5))


def test_the_listing_is_what_the_guests_code_offers(lab):
    found = run(lab, ASKED)
    assert found.reason is None
    signatures, kinds, public = json.loads(found.program.text.splitlines()[-1][2:])
    listed = {name: (taken and taken + " -> " + back) for name, taken, back in re.findall(LISTED, given(True), re.M)}
    calls = {name: said for name, said in listed.items() if said}
    assert calls.keys() == signatures.keys()
    for name, said in calls.items():
        real = re.sub(r", \*\*\w+: '?Any'?|'", "", signatures[name]).replace("Sequence[", "list[")
        if name == "extract_code":  # takes and gives whatever it is given, and may be told the function that is wanted
            real = real.replace(
                "text: Any, entry: str | None = None) -> Any", "text: str | list[str]) -> str | list[str]"
            )
        assert said == real, name
    attributes = {name for name in listed if "." in name and name not in calls}
    assert attributes == kinds.keys()
    assert {*public} == {name for name in listed if "." in name}, "nothing else is there, and nothing of it is missing"
    for name, kind in kinds.items():
        assert f"- {name}: {kind}, " in given(True)


def test_in_the_papers_interface_nothing_is_told_that_is_not_there():
    ours, papers = given(True), given(False)
    for name in ("map", "feedback", "keep"):
        assert f"- utility.{name}(" in ours and f"utility.{name}" not in papers
    assert set(papers.splitlines()) < set(ours.splitlines())
    assert all(line[2:].split(": ")[0].split(" -> ")[0].split("(")[0] in offered() for line in ours.splitlines())


def test_what_is_said_to_raise_is_raised(lab):
    body = """
from helpers import extract_code, BudgetExhausted


def improve_algorithm(initial_solution, utility, language_model):
    for call in (lambda: utility.map(["x"] * 3), lambda: language_model.prompt("e", "m", n_responses=5),
                 lambda: language_model.batch_prompt("e", ["m"] * 5)):
        try:
            call()
        except BudgetExhausted:
            continue
        return None
    assert len(language_model.prompt("e", "m", n_responses=4)) == 4 and extract_code("no code") == ""
    assert utility.map([initial_solution, "x ="]) == [0.0, 0.0] and utility.budget == 2
    for call in (lambda: utility(7), lambda: utility.keep(None), lambda: language_model.prompt("e", 7)):
        try:
            call()
        except TypeError:
            continue
        return None
    return initial_solution
"""
    assert run(lab, body, Allowance(calls=2, responses=2, scorings=2, cpu_s=5)).reason is None


def test_solutions_may_import_what_they_are_told_and_nothing_else(lab):
    told = about_task(Number())
    assert "Python's standard library and numpy, nothing else" in told
    judge = TaskUtility(lab, Number(), "train", 0, "practice")
    assert judge.score(Program("import heapq, numpy\ndef f(x):\n    return 0.5\n")).value == 0.5
    for name in ("scipy", "hypothesis", "selftaught"):
        assert "ModuleNotFoundError" in judge.score(Program(f"import {name}\ndef f(x):\n    return 0.5\n")).reason


def test_an_improver_is_told_that_it_may_work_at_other_budgets():
    settings = Settings("")
    assert settings.inner.calls == settings.outer.calls
    told = about_improvers(4, 2, settings.inner, (), "better")
    assert "It may be put to work at other budgets as well" in told and given(True) in told
    plain = replace(settings.inner, extensions=False)
    assert "utility.keep" not in about_improvers(4, 2, plain, (), "better") + budgets(plain)


def test_who_writes_improvers_for_the_built_in_editor_is_told_what_that_heeds(lab):
    inside, other, asked = Offline(unread), lab.model, Settings("", proposer=ModelChoice("openai:m"), hints=True)
    assert hinted(replace(lab, model=inside, proposer=other), asked) == HEEDED
    for models in ({"model": inside}, {"model": other}, {"model": other, "proposer": inside}):
        assert not hinted(replace(lab, **models), asked), models
    earlier = Settings.read(replace(asked, hints=False).plain())
    assert not hinted(replace(lab, model=inside, proposer=other), earlier), "its answers fit what it was asked"
