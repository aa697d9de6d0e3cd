"""Frozen worker, sham and what a discovery costs: each is what it says, and costs nothing that was found before."""

from dataclasses import replace
from statistics import fmean

import pytest
from rich.console import Console
from shared.recursions import SEED, SETTINGS, TASKS, Spoiler

from selftaught.budget import Usage
from selftaught.downstream import Cell
from selftaught.evidence.controls import (
    SHAMS,
    Judged,
    Judgement,
    Unimproved,
    counterfactuals,
    discovery,
    drawn,
    judge,
    spent,
    turn,
)
from selftaught.evidence.statistics import Matching
from selftaught.meta import MetaUtility
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.testing import Doubler, asker, make_lab
from selftaught.views import recursion as view
from selftaught.views import tables


def recursed(lab, settings=SETTINGS):
    rounds = list(recursion(lab, SEED, TASKS, settings))
    return rounds, judge(lab, settings, rounds, TASKS)


@pytest.fixture
def lab(tmp_path, sandbox):
    return make_lab(tmp_path / "s.db", sandbox, Doubler())


def test_the_answers_a_recursion_used_are_those_the_model_gave(lab):
    rounds = list(recursion(lab, SEED, TASKS, SETTINGS))
    bought = len(lab.model.asked)
    counted = spent(lab, SETTINGS, rounds, TASKS)
    assert len(lab.model.asked) == bought, "counting finds everything in the store"
    assert counted >= bought > 20, "answers that improvers share are counted for each"
    own = sum(one.proposal.usage.responses for one in rounds)
    gates = sum(cell.usage.responses for one in rounds for cell in [*one.incumbent_cells, *one.challenger_cells])
    times = [sum(one.times for one in r.proposal.scored) for r in rounds]
    assert times == [r.proposal.usage.scorings for r in rounds]
    per_scoring = {Program(asker(n)).digest: 2 * n for n in (1, 2, 4, 8)}
    inner = sum(per_scoring[one.program] * one.times for r in rounds for one in r.proposal.scored)
    assert counted == own + gates + inner


def test_best_of_n_has_its_answers_though_the_seed_improver_often_asks_for_none(lab):
    """It returns early in most runs: what is repeated is counted by what it asked, not by what its first run asked."""
    lazy = Program(
        asker(2).replace(
            "    found = ", "    import random\n    if random.random() < 0.7: return initial_solution\n    found = "
        )
    )
    (first, *rest) = recursion(lab, SEED, TASKS, SETTINGS)
    rounds = [replace(first, incumbent=lazy), *rest]
    found = judge(lab, SETTINGS, rounds, TASKS)
    arms, most = found.arms, SETTINGS.inner.answers
    assert any(not cell.usage.responses for cell in arms["seed"].cells)
    given = [cell.usage.responses for cell in arms["best_of_n"].cells]
    assert abs(sum(given) - most * len(given)) <= 1, "the whole allowance"
    used, given = (sum(cell.usage.responses for cell in arms[name].cells) for name in ("improved", "equal_answers"))
    assert (found.matching.used, found.matching.given) == (used, given), "what is told is what was asked"
    assert abs(used - given) <= 2 and not found.hollow
    bought = len(lab.model.asked)
    assert judge(lab, SETTINGS, rounds, TASKS).arms == arms and len(lab.model.asked) == bought


def test_best_of_n_has_the_whole_allowance_though_its_batches_do_not_divide_it(lab):
    """Batches of 3 of the answers allowed: some cells have one more than others, so that the sums agree."""
    (first, *rest) = recursion(lab, SEED, TASKS, SETTINGS)
    settings = replace(SETTINGS, test=3)
    found = judge(lab, settings, [replace(first, incumbent=Program(asker(3))), *rest], TASKS)
    given = [cell.usage.responses for cell in found.arms["best_of_n"].cells]
    assert len({*given}) > 1 and all(one % 3 == 0 for one in given)
    assert abs(sum(given) - settings.inner.answers * len(given)) <= 1.5
    more = {cell.task for cell in found.arms["best_of_n"].cells if cell.usage.responses == max(given)}
    assert more == {"one", "two"}, "what comes round in turn comes to every task"
    assert found.matching.used == sum(cell.usage.responses for cell in found.arms["improved"].cells)
    assert abs(found.matching.given - found.matching.used) <= 1.5 and not found.hollow


def test_nothing_is_claimed_beside_a_best_of_n_that_has_far_fewer_answers(lab):
    (first, *rest) = recursion(lab, SEED, TASKS[:1], SETTINGS)
    settings = replace(SETTINGS, test=1, inner=replace(SETTINGS.inner, calls=4, responses=1))
    found = judge(lab, settings, [replace(first, incumbent=Program(asker(3))), *rest], TASKS[:1])
    assert found.hollow["best_of_n"] == "best-of-n can be given 3 answers only where 4 are wanted"


def test_nothing_is_claimed_beside_a_best_of_n_that_asks_for_nothing(lab):
    keeper = Program("def improve_algorithm(s, u, m):\n    return s\n")
    (first, *rest) = recursion(lab, SEED, TASKS, SETTINGS)
    found = judge(lab, SETTINGS, [replace(first, incumbent=keeper), *rest], TASKS)
    assert found.hollow.keys() == {"best_of_n", "equal_answers"}
    kinds = {name: (one.kind, one.why) for name, one in found.verdicts().items()}
    assert kinds["against_start"][0] == "better"
    assert kinds["against_best_of_n"] == ("indecisive", "not tested: the seed improver asks for no answers")
    assert {kind for kind, _ in kinds.values()} == {"better", "indecisive"}


def test_the_sham_is_drawn_from_what_was_scored_and_could_run(lab):
    rounds, _ = recursed(lab)
    scored = {one.program for r in rounds for one in r.proposal.scored if one.value is not None}
    found = drawn(lab, rounds)
    assert {one.digest for one in found} <= scored - {SEED.digest}
    assert 1 <= len(found) <= SHAMS
    assert found == drawn(lab, rounds)


def test_what_cannot_run_is_no_sham_and_is_told_as_failed(tmp_path, sandbox):
    class Breaks(Spoiler):
        def answer(self, request, rng):
            given = super().answer(request, rng)
            return replace(given, text=given.text.replace("return 'f = lambda x: 0.001'", "return 1 / 0"))

    lab = make_lab(tmp_path / "s.db", sandbox, Breaks())
    rounds, comparison = recursed(lab)
    assert drawn(lab, rounds) == []
    assert {one.value for r in rounds for one in r.proposal.scored} >= {None}
    further = counterfactuals(lab, SETTINGS, rounds, comparison, TASKS, TASKS)
    assert set(further.arms()) == {"frozen"}


def test_the_frozen_worker_shares_the_first_round_and_the_figures_are_paired(lab):
    rounds, comparison = recursed(lab)
    further = counterfactuals(lab, SETTINGS, rounds, comparison, TASKS, TASKS)
    frozen = list(recursion(lab, SEED, TASKS, replace(SETTINGS, worker="frozen")))
    assert further.frozen.improver == frozen[-1].improver
    assert frozen[0] == rounds[0]
    parts = further.parts()
    improved = fmean(cell.value for cell in comparison.arms["improved"].cells)
    assert parts["self_application"].mean == pytest.approx(
        improved - fmean(cell.value for cell in further.frozen.cells)
    )
    sham = fmean(cell.value for cell in further.sham.cells)
    assert parts["selection"].mean == pytest.approx(improved - sham)
    assert parts["selection"].n == len(comparison.arms["improved"].cells)
    assert {"against_frozen", "against_sham"} <= set(comparison.verdicts(further.scores()))
    assert further.arms()["sham"]["test"]["mean"] == pytest.approx(sham)
    assert all(0 <= one["failed"] <= 1 and one["raw"] for one in further.arms()["sham"]["per_task"].values())


def test_shams_take_turns_on_every_task(lab):
    rounds, comparison = recursed(lab)
    sham = counterfactuals(lab, SETTINGS, rounds, comparison, TASKS, TASKS).sham
    judge = MetaUtility(lab, TASKS, "test", "report", SETTINGS.test, SETTINGS.inner)
    count = len(sham.improvers)
    each = [judge.cells(one) for one in sham.improvers]
    turns = [(task + repetition) % count for repetition in range(SETTINGS.test) for task in range(len(TASKS))]
    assert list(sham.cells) == [each[turn][place] for place, turn in enumerate(turns)]


def test_a_frozen_run_has_no_frozen_control(lab):
    settings = replace(SETTINGS, worker="frozen")
    rounds, comparison = recursed(lab, settings)
    assert counterfactuals(lab, settings, rounds, comparison, TASKS, TASKS).frozen is None


def test_after_a_cut_the_controls_are_the_same(tmp_path, sandbox, lab):
    rounds, comparison = recursed(lab)
    first = counterfactuals(lab, SETTINGS, rounds, comparison, TASKS, TASKS)
    asked = len(lab.model.asked)
    rounds, comparison = recursed(lab)
    second = counterfactuals(lab, SETTINGS, rounds, comparison, TASKS, TASKS)
    assert (first.arms(), first.discovery) == (second.arms(), second.discovery)
    assert len(lab.model.asked) == asked


def arm(value, responses=10):
    usage = Usage(responses=responses)
    return Judged(SEED, [1] * 10, [Cell("t", value + 0.01 * (r % 2), 0.5, 0.0, (), usage) for r in range(10)])


@pytest.mark.parametrize(
    ("improved", "once", "twice", "uses", "said"),
    [
        (0.5, 0.5, 0.6, None, "never repaid"),
        (0.4, 0.5, 0.6, None, "never repaid"),
        (0.7, 0.5, 0.6, 100, "at most 100 uses"),
        (0.599, 0.5, 0.6, 102, "about 102 uses: best-of-n needs 20 answers where it needs 10"),
        (0.55, 0.5, 0.6, 242, "about 242 uses: best-of-n needs 14 answers"),
    ],
)
def test_when_a_discovery_is_repaid(improved, once, twice, uses, said):
    arms = {"seed": arm(0.1, 1), "improved": arm(improved), "best_of_n": arm(once), "equal_answers": arm(once)}
    start = Unimproved.beside(arm(0.1).cells)
    judgement = Judgement(start, arms, [], Matching((1,), 1, 1), None, None, {})
    found = discovery(1000, judgement, arm(twice, 20))
    assert (found["answers"], found["uses"]) == (1000, uses)
    assert said in found["said"]


@pytest.mark.parametrize("improvers", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("tasks", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("repetitions", [1, 2, 6, 10])
def test_all_shams_are_used_evenly_and_no_task_keeps_to_one(improvers, tasks, repetitions):
    rows = [[turn(r, i, tasks, improvers) for i in range(tasks)] for r in range(repetitions)]
    used = [sum(row.count(k) for row in rows) for k in range(improvers)]
    assert max(used) - min(used) <= 1
    if repetitions >= improvers:
        assert all({row[i] for row in rows} == set(range(improvers)) for i in range(tasks))


def test_how_many_improvers_the_sham_is_of_is_shown():
    one = {"test": {"mean": 0.1, "low": 0.0, "high": 0.2}, "per_task": {}, "responses": 1, "scorings": 1, "failed": 0}
    sham = {**one, "improvers": ["a", "b", "c"]}
    console = Console(width=120, record=True)
    arms = {"seed": one, "best_of_n": one, "improved": one, "sham": sham}
    console.print(tables.drawn([view.arms({"arms": arms, "tasks": []}), *view.few_shams(arms)]))
    text = console.export_text()
    assert "sham of 3" in text and "The sham is of 3 improvers, not 5" in text
    assert view.few_shams({"sham": {"improvers": ["a"] * SHAMS}}) == view.few_shams({}) == []
