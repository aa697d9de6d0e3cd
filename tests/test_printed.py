"""Every command that prints JSON prints what docs/documents.md says of it."""

import json
import runpy
from pathlib import Path
from typing import get_args

import pytest
from shared.command import begun, called
from shared.shapes import misfits

from selftaught.cli.experiments import ExperimentRow, PlainPlan
from selftaught.cli.lists import CheckRow, ImproverRow, ModelRow, TaskRow, TriedRow, WholeTask
from selftaught.cli.own import CandidateRow
from selftaught.cli.programs import Executed
from selftaught.cli.recordings import Exported, ExportedProgram
from selftaught.cli.runs import RunRow
from selftaught.cli.state import PlainStanding
from selftaught.cli.terminal import PlainProgram
from selftaught.cli.upkeep import Deleted, EndedRun, EventRow, PlainMerged, PlainPruned
from selftaught.evidence.circumvention import AuditDocument, AuditReached
from selftaught.evidence.contest import ContestDocument, ContestReached
from selftaught.evidence.experiment import ExperimentDocument, ExperimentReached
from selftaught.evidence.hacking import HackDocument, HackReached
from selftaught.evidence.lineage import Lineage
from selftaught.evidence.overspent import Overspending
from selftaught.evidence.own import OwnDocument, OwnReached
from selftaught.evidence.report import RunDocument, RunReached
from selftaught.lab.progress import Pulse
from selftaught.store import Store
from selftaught.tasks.checking.findings import TaskCheckRow

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
FEW = ["--tasks", "formula:test/1", "--repetitions", "1", "--calls", "1", "--responses", "2", "--scorings", "3"]
ONE = ["--tasks", "formula:train/1", "--test-tasks", "formula:test/1", "--controls", "basic", "--validation", "1"]
RUN = [*ONE, *FEW[2:], "--rounds", "1", "--test", "1", "--outer-calls", "1", "--outer-responses", "1"]


class StoppedRecursion(RunReached, PlainStanding):
    """What `show --json` prints of a recursion that has not ended."""


class StoppedContest(ContestReached, PlainStanding):
    """… of a comparison."""


class StoppedExperiment(ExperimentReached, PlainStanding):
    """… of an experiment."""


class StoppedOwn(OwnReached, PlainStanding):
    """… of a program that is improved."""


class StoppedAudit(AuditReached, PlainStanding):
    """… of an audit of circumvention."""


class StoppedHack(HackReached, PlainStanding):
    """… of an audit of hacking."""


PRINTED = {
    "run --seed 1": (RunDocument, RUN),
    "compare seed hints --seed 1": (ContestDocument, FEW),
    "show 1": (RunDocument, []),
    "show 2": (ContestDocument, []),
    "show 1 --improver": (PlainProgram, []),
    "show 3": (StoppedRecursion, []),
    "show 4": (StoppedContest, []),
    "show 5": (StoppedExperiment, []),
    "lineage 1": (Lineage, []),
    "runs": (list[RunRow], []),
    "events 1": (list[EventRow], []),
    "merge other.db": (PlainMerged, []),
    "delete 3": (Deleted, []),
    "prune": (PlainPruned, []),
    "tasks": (list[TaskRow], []),
    "tasks lpn": (list[WholeTask], []),
    "tasks lpn --check": (list[TaskCheckRow], []),
    "models": (list[ModelRow], []),
    "improvers": (list[ImproverRow], []),
    "improvers hints": (PlainProgram, []),
    "doctor": (list[CheckRow], []),
    "exec program.py --entry algorithm --args [1]": (Executed, []),
    "experiment": (list[ExperimentRow], []),
    "experiment lpn --preset tiny --plan": (PlainPlan, []),
    "improve sums.py --score scorer.py --seed 1": (OwnDocument, FEW[4:]),
    "export 1 --recording run.xz": (Exported, []),
    "export 1": (ExportedProgram, []),
    "audit circumvention --seed 1": (AuditDocument, ["--proposals", "2"]),
    "audit hacking --seed 1": (HackDocument, ["--times", "1", "--chain", "1"]),
    "audit budgets --seed 1": (Overspending, []),
    "show 10": (StoppedOwn, []),
    "show 11": (StoppedAudit, []),
    "show 12": (StoppedAudit, []),
    "show 13": (StoppedHack, []),
}
"""Commands in the order in which they are called, what each prints, and what else it is told."""
SCORER = '''"""The sum of numbers."""


def instances(split, seed):
    return [([seed % 10**6, 1],)]


def score(instance, answer):
    return -abs(sum(instance[0]) - answer)
'''
STORELESS = {"tasks", "models", "improvers", "doctor", "exec"}
PARTS = {
    *(PlainStanding, RunReached, ContestReached, ExperimentReached, OwnReached, AuditReached, HackReached),
}
"""What a document of a stopped run is made of."""
ELSEWHERE = {Pulse, EndedRun, TriedRow, ExperimentDocument, CandidateRow}
"""Tried below; in tests/test_own.py; with servers, in tests/models/test_probe.py; and in tests/views/test_documents.py."""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each command printed, by what was called; what a run last said of itself."""
    folder = tmp_path_factory.mktemp("printed")
    (folder / "program.py").write_text("def algorithm(x):\n    return x\n")
    (folder / "sums.py").write_text("def total(numbers):\n    return sum(numbers) + 40\n")
    (folder / "scorer.py").write_text(SCORER)
    found = {}
    for words, (_, more) in PRINTED.items():
        if words == "show 3":
            stopped(folder)
        if words == "show 10":
            stopped_later(folder)
        kept = [] if words.split()[0] in STORELESS else ["--store", "s.db"]
        found[words] = called(*words.split(), *more, *kept, "--json", cwd=folder)
    with Store(folder / "s.db", readonly=True) as store:
        return found, store.run(1).pulse


def stopped(folder):
    """Runs 3 to 5, which end at their limit, and another store."""
    for words in (["run", *RUN], ["compare", "seed", *FEW], ["experiment", "lpn", "--preset", "tiny"]):
        done = called(*words, "--seed", "2", "--max-answers", "1", "--store", "s.db", cwd=folder)
        assert done.returncode == 4, done.stderr
    done = called("compare", "seed", *FEW, "--seed", "3", "--store", "other.db", cwd=folder)
    assert done.returncode == 0, done.stderr


def stopped_later(folder):
    """Runs 10 to 13 likewise: a second round, an audit at its first question and a later one, one of hacking."""
    for words in (
        ["improve", "sums.py", "--score", "scorer.py", *FEW[4:], "--rounds", "9", "--max-answers", "3"],
        ["audit", "circumvention", "--proposals", "9", "--max-answers", "1"],
        ["audit", "circumvention", "--proposals", "200", "--max-answers", "150"],
        ["audit", "hacking", "--times", "2", "--chain", "2", "--max-answers", "9"],
    ):
        done = called(*words, "--seed", "2", "--store", "s.db", cwd=folder)
        assert done.returncode == 4, done.stderr


@pytest.mark.parametrize("words", PRINTED)
def test_what_is_printed_has_the_shape_that_the_docs_give(printed, words):
    done = printed[0][words]
    assert done.returncode in ({0, 1} if words == "doctor" else {0}), done.stderr
    assert misfits(json.loads(done.stdout), PRINTED[words][0]) == []


def test_every_documented_document_is_printed_by_one_of_these():
    roots = runpy.run_path(str(ROOT / "scripts" / "documents.py"))["ROOTS"]
    tried = {one for shape, _ in PRINTED.values() for one in (get_args(shape) or (shape,))}
    assert set(roots) - tried == PARTS | ELSEWHERE


def test_what_a_run_says_of_itself_while_it_runs_has_its_shape(printed):
    assert misfits(printed[1], Pulse) == []


def test_what_is_said_of_a_run_that_was_asked_to_end_has_its_shape(tmp_path):
    child = begun(tmp_path)
    try:
        done = called("stop", "1", "--store", "s.db", "--json", cwd=tmp_path)
        child.communicate(timeout=60)
    finally:
        child.kill()
    assert done.returncode == 0, done.stderr
    assert misfits(json.loads(done.stdout), EndedRun) == []
