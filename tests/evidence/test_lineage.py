"""Lineage: every proposal with who made it, from what, why, and what became of it."""

import json
import random
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console
from shared.recursions import SEED, SETTINGS, TASKS

from selftaught.errors import UsageError
from selftaught.evidence.controls import counterfactuals, judge
from selftaught.evidence.lineage import _differences, _Made, lineage
from selftaught.evidence.report import report, so_far
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.testing import Doubler, asker, make_lab
from selftaught.views import lineage as view
from selftaught.views.tables import drawn


@pytest.fixture
def lab(tmp_path, sandbox):
    lab = make_lab(tmp_path / "s.db", sandbox, Doubler(), seed=7)
    settings = replace(SETTINGS, improver=lab.store.keep(SEED.text))
    return replace(lab, run=lab.store.start(settings.plain(), {}))


def name(count):
    return Program(asker(count)).digest


def test_it_tells_who_made_what_from_what_and_why(lab):
    rounds = list(recursion(lab, SEED, TASKS, SETTINGS))
    comparison = judge(lab, SETTINGS, rounds, TASKS)
    further = counterfactuals(lab, SETTINGS, rounds, comparison, TASKS, TASKS)
    lab.store.finish(lab.run, "done", report(rounds, comparison, further))
    found = lineage(lab.store, lab.run, lab.sandbox)
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(lineage(lab.store, lab.run, lab.sandbox)))
    first, second = found["rounds"]
    assert (first["worker"], first["incumbent"], first["improver"]) == (SEED.digest, SEED.digest, name(2))
    assert (second["worker"], second["incumbent"]) == (name(2), name(2))
    made = {child["program"]: child for child in first["children"]}
    assert set(made) == {SEED.digest, name(2)}
    assert made[name(2)]["parents"] == (SEED.digest,)
    assert made[name(2)]["idea"] == "Ask more."
    assert made[name(2)]["value"] == pytest.approx(rounds[0].proposal.first_score)
    assert (made[SEED.digest]["parents"], made[SEED.digest]["idea"]) == ((), ""), "the worker scored it unasked"
    assert "-    for _ in range(1):" in first["diff"] and "+    for _ in range(2):" in first["diff"]
    values = [child["value"] for child in second["children"]]
    assert values == sorted(values, reverse=True)
    console = Console(width=80, record=True)
    console.print(drawn(view.sheets(found)))
    text = console.export_text()
    assert "Ask more." in text and name(2)[:8] in text and "range(2)" in text


def test_a_stopped_run_has_the_lineage_it_reached(lab):
    first = next(recursion(lab, SEED, TASKS, SETTINGS))
    lab.store.finish(lab.run, "stopped: enough", so_far([first]))
    assert [one["number"] for one in lineage(lab.store, lab.run, lab.sandbox)["rounds"]] == [1]


def test_what_is_no_recursion_has_no_lineage(lab):
    with pytest.raises(UsageError, match="no rounds"):
        lineage(lab.store, lab.run, lab.sandbox)
    number = lab.store.start({"kind": "compare"}, {})
    lab.store.finish(number, "done", {"improvers": []})
    with pytest.raises(UsageError, match="lineage is of recursions"):
        lineage(lab.store, number, lab.sandbox)


def test_programs_that_are_too_hard_to_compare_are_told_as_such(lab):
    """Lines that repeat make the comparison slow beyond any bound: that is the text's affair, not the host's."""
    first = next(recursion(lab, SEED, TASKS, SETTINGS))
    told = so_far([first])
    hard = [
        lab.store.keep("\n".join(random.Random(seed).choices([f"x{i}" for i in range(200)], k=20_000)))
        for seed in range(2)
    ]
    told["rounds"][0]["proposal"] = hard[1]
    lab.store.once("text", {"hard": hard[1]}, lambda: None)  # a text is written with the next fact
    run = lab.store.start(replace(SETTINGS, improver=hard[0]).plain(), {})
    lab.store.finish(run, "stopped: enough", told)
    began = time.monotonic()
    (only,) = lineage(lab.store, run, lab.sandbox)["rounds"]
    assert only["diff"].startswith("(too hard to compare: used more than 0.5 s of CPU time")
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("hard", "jobs", "left"), [(0, [16, 4], 0), (1, [16, 4], 0), pytest.param(4, [16], 4, marks=pytest.mark.slow)]
)
def test_all_pairs_of_a_lineage_are_compared_by_few_jobs(lab, monkeypatch, hard, jobs, left):
    """A hard one costs the others nothing; after too many of them the rest is left."""
    store, asked, run = lab.store, [], lab.sandbox.run
    texts = [f"x = {i}\n" for i in range(21)]
    knots = [
        "\n".join(random.Random(seed).choices([f"x{i}" for i in range(200)], k=20_000)) for seed in range(hard + 1)
    ]
    names = [store.keep(text) for text in [knots[0] if hard else texts[0], *knots[1:], *texts[hard + 1 :]]]
    rounds = [{"proposal": one} for one in names[1:]]
    counted = SimpleNamespace(run=lambda job: asked.append(len(job.inputs)) or run(job))
    found = [*_differences(store, [_Made(one, names[0], ()) for one in rounds], counted).values()]
    assert asked == jobs and len(found) == 20
    assert sum(one.startswith("(too hard to compare") for one in found) == hard
    assert [one.startswith("(not compared after") for one in found] == [False] * (20 - left) + [True] * left
    assert f"+{texts[15].strip()}" in found[14]
