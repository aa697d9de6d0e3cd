"""Lineage: every proposal with who made it, from what, why, and what became of it."""

import json
import random
import time
from dataclasses import replace

import pytest
from rich.console import Console
from shared.recursions import SEED, SETTINGS, TASKS

from selftaught.errors import UsageError
from selftaught.evidence.controls import counterfactuals, judge
from selftaught.evidence.lineage import lineage
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
