"""The recursion: self-application, the gate, the controls; the same again gives the same; a stop loses nothing."""

import json
import threading
from dataclasses import replace

import pytest
from shared.recursions import SEED, SETTINGS, TASKS, Spoiler

from selftaught.budget.spend import Spend, SpendLimits
from selftaught.downstream import ScaledTask, SolutionTask
from selftaught.evidence.ahead import Ahead
from selftaught.evidence.controls import counterfactuals, judge
from selftaught.evidence.report import report
from selftaught.lab import CONTRACT, Lab
from selftaught.lab.boundaries import within
from selftaught.lab.workers import Workers, sizes
from selftaught.models import Answer
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.testing import Doubler, Guesser, Number, asker, make_lab


@pytest.fixture
def lab(tmp_path, sandbox):
    return make_lab(tmp_path / "s.db", sandbox, Doubler(), seed=7)


def rounds_of(lab, **changes):
    return list(recursion(lab, SEED, TASKS, replace(SETTINGS, **changes)))


def test_an_improver_that_asks_more_wins_and_then_works_on_itself(lab):
    rounds = rounds_of(lab)
    assert rounds[0].improver == Program(asker(2))
    assert [one.accepted for one in rounds] == [True, True]
    assert rounds[0].worker == SEED
    assert rounds[1].worker == rounds[1].incumbent == rounds[0].improver
    assert rounds[1].improver in {Program(asker(4)), Program(asker(8))}
    assert "over 8 pairs" in rounds[0].reason


def test_a_frozen_worker_never_works_on_itself(lab):
    rounds = rounds_of(lab, worker="frozen")
    assert [one.worker for one in rounds] == [SEED, SEED]
    assert rounds[1].incumbent == rounds[0].improver != SEED


def keep_last(lab):
    """An improver that returns the last answer, whatever it is worth."""
    return Program(
        "from helpers import extract_code\n\n\ndef improve_algorithm(s, u, m):\n    return extract_code(m.prompt('e', s)[0])\n"
    )


def test_the_gate_keeps_the_incumbent_and_the_paper_does_not(tmp_path, sandbox):
    lab = make_lab(tmp_path / "s.db", sandbox, Spoiler())
    seed = keep_last(lab)
    kept = list(recursion(lab, seed, TASKS, replace(SETTINGS, rounds=1)))[0]
    assert (kept.accepted, kept.improver) == (False, seed)
    assert kept.proposal.program is not None
    taken = list(recursion(lab, seed, TASKS, replace(SETTINGS, rounds=1, accept="paper")))[0]
    assert (taken.accepted, taken.improver) == (True, taken.proposal.program)
    assert "always accepted" in taken.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return None", "what it returned is no program: not a text but NoneType"),
        ("return 1 / 0", "error: ZeroDivisionError"),
        ("return s", "returned the improver it was given"),
        ("return 'x = 1'", "what it returned is no program: does not define improve_algorithm"),
        ("m.prompt('e', 'x', n_responses=99)", "error: BudgetExhausted"),
    ],
)
def test_an_improver_that_fails_on_itself_leaves_the_incumbent_with_the_reason(lab, body, reason):
    on_itself = Program(
        "def improve_algorithm(s, u, m):\n"
        "    if 'improve_algorithm' not in s:\n"
        "        return 'f = lambda x: 0.5'\n"
        f"    {body}\n"
    )
    one = list(recursion(lab, on_itself, TASKS, replace(SETTINGS, rounds=1, accept="paper")))[0]
    assert (one.accepted, one.improver) == (False, on_itself)
    assert one.reason.startswith(reason)


class Breaker(Guesser):
    """Proposes improvers that never run."""

    def answer(self, request, rng):
        if "def improve_algorithm" not in request.message:
            return super().answer(request, rng)
        return Answer(
            "```python\ndef improve_algorithm(s, u, m):\n    m.prompt('e', s)\n    raise ValueError('oh')\n```"
        )


@pytest.mark.parametrize("accept", ["gate", "paper"])
def test_an_improver_that_never_runs_is_not_taken_however_bad_the_incumbent_is(tmp_path, sandbox, accept):
    lab = make_lab(tmp_path / "s.db", sandbox, Breaker())
    harmful = keep_last(lab).text.replace(
        "return extract", "return 'f = lambda x: -1' if 'improve' not in s else extract"
    )
    tasks = [ScaledTask(SolutionTask(Number("one")), 0.5)]
    one = next(recursion(lab, Program(harmful), tasks, replace(SETTINGS, rounds=1, accept=accept)))
    assert (one.accepted, one.improver) == (False, Program(harmful))
    assert one.reason == "fails whenever it runs: error: ValueError: oh"


def document(lab, rounds):
    return report(rounds, judge(lab, SETTINGS, rounds, TASKS))


def test_best_of_n_gets_the_improved_improvers_answers(lab):
    rounds = rounds_of(lab)
    final = rounds[-1].improver
    per_run = {Program(asker(n)): n for n in (1, 2, 4, 8)}[final]
    found = document(lab, rounds)
    arms = found["arms"]
    assert arms["equal_answers"]["responses"] == arms["improved"]["responses"] == per_run
    assert arms["equal_answers"]["scorings"] == 2 * per_run
    assert found["equal_answers"] == {"improved": 6 * per_run, "best_of_n": 6 * per_run}, (
        "equal in total, over six runs"
    )
    whole = SETTINGS.inner.calls * SETTINGS.inner.responses
    assert arms["best_of_n"]["responses"] == whole, "the headline is best-of-n at the whole allowance"
    assert arms["start"]["test"]["mean"] == 0.0
    assert found["verdict"]["against_seed"]["difference"] > 0
    gain = found["gain"]
    assert gain["gain"]["mean"] == pytest.approx(gain["more_answers"]["mean"] + gain["better_search"]["mean"])
    assert [one["round"] for one in found["rounds"]] == [0, 1, 2]


def test_the_same_seed_on_a_fresh_store_gives_the_same_document(tmp_path, sandbox):
    documents = []
    for name in "ab":
        lab = make_lab(tmp_path / name, sandbox, Doubler())
        run = lab.store.start(SETTINGS.plain(), {})
        lab = replace(lab, run=run)
        documents.append(json.dumps(document(lab, rounds_of(lab)), sort_keys=True))
    assert documents[0] == documents[1]


def test_a_run_that_is_cut_goes_on_where_it_was_and_asks_nothing_twice(tmp_path, sandbox):
    class Dies(Doubler):
        left = 12

        def complete(self, request, addresses):
            if self.left <= 0:
                raise OSError("the line is cut")
            self.left -= len(addresses)
            return super().complete(request, addresses)

    whole = make_lab(tmp_path / "whole", sandbox, Doubler(), seed=7)
    wanted = [one.improver for one in rounds_of(whole)]
    cut = make_lab(tmp_path / "cut", sandbox, Dies(), seed=7)
    with pytest.raises(OSError, match="the line is cut"):
        rounds_of(cut)
    again = make_lab(tmp_path / "cut", sandbox, Doubler(), seed=7)
    assert [one.improver for one in rounds_of(again)] == wanted
    kept = {about["contract"] for about in again.store.abouts("answer")}
    assert kept == {CONTRACT}
    first = {address for _, address in cut.model.asked}
    second = {address for _, address in again.model.asked}
    assert first and second and not first & second
    assert first | second == {address for _, address in whole.model.asked}


@pytest.mark.parametrize("at_once", [4, 1])
def test_the_gate_of_the_incumbent_is_begun_while_proposing_where_the_model_takes_more_than_one_request(
    tmp_path, sandbox, at_once
):
    begun = threading.Event()
    early = []

    class Slow(Guesser):
        def answer(self, request, rng):
            if "def improve_algorithm" in request.message:
                early.append(begun.wait(60 if at_once > 1 else 1))
            else:
                begun.set()
            return super().answer(request, rng)

    model = Slow()
    model.concurrency = at_once
    lab = make_lab(tmp_path / "s.db", sandbox, model)
    list(recursion(lab, SEED, TASKS[:1], replace(SETTINGS, rounds=1, validation=1)))
    assert early[0] == (at_once > 1)


def test_running_ahead_changes_no_figure_and_buys_nothing_more(tmp_path, sandbox, monkeypatch):
    found, asked = [], []
    for name in ("ahead", "in turn"):
        if name == "in turn":
            monkeypatch.setattr(Lab, "ahead", lambda self, work: None)
        lab = make_lab(tmp_path / f"{name}.db", sandbox, Doubler(), seed=3)
        settings = replace(SETTINGS, improver=lab.store.keep(SEED.text))
        ahead, rounds = Ahead(lab, settings, TASKS, TASKS), []
        ahead.begin(SEED)
        for one in recursion(lab, SEED, TASKS, settings):
            rounds.append(one)
            ahead.follow(one)
        ahead.end(rounds)
        judgement = judge(lab, settings, rounds, TASKS)
        further = counterfactuals(lab, settings, rounds, judgement, TASKS, TASKS)
        found.append(json.dumps(report(rounds, judgement, further)))
        asked.append(sorted(address for _, address in lab.model.asked))
    assert found[0] == found[1]
    assert asked[0] == asked[1]
    assert len(asked[0]) == len(set(asked[0])), "nothing is asked twice"


def test_under_a_limit_the_rounds_are_bought_before_what_they_are_compared_with(tmp_path, sandbox):
    lab = make_lab(tmp_path / "s.db", sandbox, Doubler(), seed=3)
    settings = replace(SETTINGS, improver=lab.store.keep(SEED.text))
    begun = []
    workers = Workers(sizes(2, 8))
    workers.ahead = begun.append
    for limits, expected in ((SpendLimits(), 2), (SpendLimits(answers=9), 0), (SpendLimits(round_dollars=1), 0)):
        Ahead(replace(lab, spend=Spend(limits), workers=workers), settings, TASKS, TASKS).begin(SEED)
        assert len(begun) == expected
        begun.clear()


def constant(value):
    """An improver that returns a constant on tasks; on improvers it returns what it is given."""
    return f"def improve_algorithm(s, u, m):\n    return s if 'improve_algorithm' in s else 'f = lambda x: {value}'\n"


def works(body):
    """An improver that is worth 0.2 on tasks; on improvers it does what the body says."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    head = "def improve_algorithm(s, u, m):\n    if 'improve_algorithm' not in s:\n        return 'f = lambda x: 0.2'\n"
    return Program(head + lines)


def one_round(lab, body, **changes):
    return next(recursion(lab, works(body), TASKS, replace(SETTINGS, rounds=1, **changes)))


KEEPS = "".join(f"u.keep({constant(value)!r})\n" for value in (0.95, 0.3, 0.9, 0.5))


def test_what_was_kept_is_judged_where_the_worker_fails(lab):
    one = one_round(lab, f"u.keep({constant(0.9)!r})\nraise ValueError('oh')")
    assert one.accepted and one.improver.text == constant(0.9)
    assert one.reason.endswith("kept before its end: error: ValueError: oh")


def test_at_most_three_race_what_was_returned_first_and_the_best_wins(lab):
    one = one_round(lab, f"{KEEPS}return {constant(0.4)!r}")
    assert [program.text for program in one.race] == [constant(value) for value in (0.4, 0.5, 0.9)]
    assert one.accepted and one.improver.text == constant(0.9) and "best of 3" in one.reason
    assert {len(cells) for cells in one.race.values()} == {len(one.incumbent_cells)}
    (told,) = report([one], judge(lab, SETTINGS, [one], TASKS))["rounds"][1:]
    assert told["proposal"] == one.improver.digest and len(told["raced"]) == 3 and len(told["kept"]) == 3


def test_the_papers_gate_takes_what_was_returned_and_nothing_that_was_kept(lab):
    taken = one_round(lab, f"{KEEPS}return {constant(0.1)!r}", accept="paper")
    assert taken.accepted and taken.improver.text == constant(0.1)
    failed = one_round(lab, f"{KEEPS}return 1 / 0", accept="paper")
    assert not failed.accepted and failed.reason.startswith("error: ZeroDivisionError")


@pytest.mark.parametrize(("value", "looks"), [(0.1, 1), (0.2, 10)])
def test_what_is_worse_is_dropped_at_once_and_what_is_equal_before_the_end(lab, value, looks):
    one = one_round(lab, f"return {constant(value)!r}", validation=30)
    design = within(2, 30)
    pairs = 2 * design.looks[looks - 1]
    assert not one.accepted and len(one.challenger_cells) == pairs < 2 * design.most
    assert one.reason == f"validation 0.200 -> {value:.3f} ({value - 0.2:+.3f} over {pairs} pairs)"


@pytest.mark.parametrize(("value", "accepted"), [(0.2, False), (0.21, True)])
def test_with_too_few_repetitions_for_a_test_the_higher_mean_wins(lab, value, accepted):
    one = one_round(lab, f"return {constant(value)!r}", validation=1)
    assert one.accepted is accepted and "too few for a test: the higher mean counts" in one.reason


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("return bst", "cannot work: NameError: name 'bst' is not defined (line 2, in improve_algorithm"),
        ("return m.prompt('e', s, 99)[0]", "cannot work: BudgetExhausted: 99 answers need"),
        ("return m.score(s)", "cannot work: AttributeError"),
    ],
)
def test_who_could_not_be_the_worker_is_not_taken_and_nothing_is_bought_for_it(lab, wrong, said):
    text = (
        f"def improve_algorithm(s, u, m):\n    if 'improve_algorithm' in s: {wrong}\n    return 'f = lambda x: 0.9'\n"
    )
    one = one_round(lab, f"return {text!r}")
    assert (one.accepted, one.race) == (False, {})
    assert one.reason.startswith(f"not taken, as it {said}")
    assert not lab.model.asked
    assert one_round(lab, f"return {text!r}", worker="frozen").accepted, "it will never be the worker"


RETURNS = "return s if 'improve_algorithm' in s else 'f = lambda x: 0.9'"
MORE = replace(SETTINGS.outer, responses=4)
"""Four answers a call where improvers are improved, two on a task."""


def test_who_takes_the_budgets_of_tasks_for_granted_is_not_taken_either(lab):
    breaks = "    if 'improve_algorithm' in s: [s, s][m.max_responses_per_call - 1]\n"
    text = f"def improve_algorithm(s, u, m):\n{breaks}    {RETURNS}\n"
    one = one_round(lab, f"return {text!r}", outer=MORE)
    assert one.reason.startswith("not taken, as it cannot work: IndexError: list index out of range (line 2")
    kept = text.replace("    if", "    u.keep(s + '# better')\n    if", 1)
    assert one_round(lab, f"return {kept!r}", outer=MORE).accepted, "what it hands in before counts"


ENDS = {
    "keeps the start": ("    u.keep(s)\n    for _ in range(4): m.prompt('e', s, 4)\n", "cannot work: BudgetExhausted"),
    "keeps no program": (
        "    u.keep('')\n    for _ in range(4): m.prompt('e', s, 4)\n",
        "cannot work: BudgetExhausted",
    ),
    "returns nothing": (
        "    if m.budget < 8: return None\n",
        "cannot work: what it returned is no program: not a text but NoneType",
    ),
    "returns no improver": ("    if m.budget < 8: return 'x = 1'\n", "cannot work: what it returned is no program"),
    "a pattern that no canned answer holds": ("    m.prompt('e', s) and None.group\n", ""),
    "what is scored high": ("    [one for one in m.prompt('e', s, 2) * 3 if u(one) > 0.2][0]\n", ""),
    "what is another program": (
        "    from ast import dump, parse\n    from helpers import extract_code\n"
        "    [one for one in extract_code(m.prompt('e', s, 2)) if dump(parse(one)) != dump(parse(s))][0]\n",
        "",
    ),
    "what cannot be parsed": ("    m.prompt('e', s) and compile('(', 'answer', 'exec')\n", ""),
    "what a program ends with": (
        "    from ast import parse\n    from helpers import extract_code\n"
        "    [parse(one).body[-1].name for one in extract_code(m.prompt('e', s, 2))]\n",
        "",
    ),
    "what a line says": (
        "    from ast import Assign, parse\n    from helpers import extract_code\n    code = extract_code(m.prompt('e', s)[0])\n"
        "    [one.value.elts for one in parse(code).body if isinstance(one, Assign)]\n",
        "",
    ),
    "a number": ("    text = m.prompt('e', 'Rate it.')[0]\n    -(int(text) if text.isdigit() else text)\n", ""),
    "a word that is asked for": (
        "    answer = m.prompt('e', 'Is it long? Answer YES or NO.')[0]\n    if 'YES' in answer: message = 'shorter'\n"
        "    if 'NO' in answer: message = 'longer'\n    m.prompt('e', message)\n",
        "",
    ),
    "an error before it asks": ("    [][0]\n", "cannot work: IndexError: list index out of range (line 3"),
    "nothing before it asks": ("    return None\n", "what it returned is no program: not a text but NoneType"),
    "a pair": ("    return m.prompt('e', s)[0], 1\n", "what it returned is no program: not a text but list"),
    "a file": ("    m.prompt('e', s) and open('/log', 'w')\n", "cannot work: OSError"),
    "a mistake beside it": ("    m.prompt('e', s)[0].missing\n", "cannot work: AttributeError"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_worker_has_to_come_to_a_program_by_itself_whatever_is_canned(lab, name):
    """Three calls outside, eight inside; scores end at the same height."""
    does, said = ENDS[name]
    own = "".join(f"    {line}\n" for line in does.splitlines())
    text = (
        f"def improve_algorithm(s, u, m):\n    if 'improve_algorithm' in s:\n{own}        return s\n"
        f"    return 'f = lambda x: 0.9'\n"
    )
    few = replace(SETTINGS.outer, calls=3, responses=4, scorings=6)
    one = one_round(lab, f"return {text!r}", outer=few)
    assert one.accepted is not bool(said), one.reason
    assert said in one.reason


@pytest.mark.parametrize(("tasks", "accepted"), [(2, True), (3, False)])
def test_who_reads_how_an_improver_fared_finds_it_in_its_form(lab, tasks, accepted):
    """Two tasks, as in the real one; who takes what is read otherwise for granted breaks, at one level of the two."""
    text = f"""def improve_algorithm(s, u, m):
    if 'improve_algorithm' in s:
        first, *tasks = u.feedback(s).splitlines()
        assert 0 <= float(first.removeprefix("Utility ")[:-1]) <= 1
        assert all(one.startswith("Task ") and int(one.split("about ")[2].split()[0]) for one in tasks)
        assert len(tasks) == {tasks} or m.max_responses_per_call == 2
    {RETURNS}
"""
    one = one_round(lab, f"return {text!r}", outer=MORE)
    assert one.accepted is accepted
    assert ("not taken, as it cannot work: AssertionError" in one.reason) is not accepted


@pytest.mark.parametrize("rest", ["    m.prompt('e', s)\n    raise ValueError('no luck')\n", "    while True: pass\n"])
def test_chance_and_time_are_no_reason_to_refuse_a_worker(lab, rest):
    text = f"def improve_algorithm(s, u, m):\n    if 'improve_algorithm' not in s: return 'f = lambda x: 0.9'\n{rest}"
    assert one_round(lab, f"return {text!r}", outer=replace(SETTINGS.outer, cpu_s=2)).accepted


def test_a_best_score_that_was_not_handed_in_is_told_not_rewarded(lab):
    one = one_round(lab, f"u({constant(0.9)!r})\nreturn s")
    assert not one.accepted and one.reason == "returned the improver it was given; best scored 0.900, not returned"
    assert one.proposal.missed == pytest.approx(0.9)
