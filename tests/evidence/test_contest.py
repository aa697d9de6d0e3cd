"""Comparisons: shared answers, verdicts that stop at the right time, bad input, and the figures in plain words."""

import csv
import io
import json
import random
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from rich.console import Console

from selftaught.budget import Allowance
from selftaught.downstream import ScaledTask, SolutionTask
from selftaught.errors import UsageError
from selftaught.evidence.contest import contend, document
from selftaught.settings import Contest, Entrant
from selftaught.testing import Number, asker, make_lab
from selftaught.views import contest as view
from selftaught.views import pictures
from selftaught.views.sheets import Bar, Figure, Series
from selftaught.views.tables import drawn

INNER = Allowance(calls=8, responses=2, scorings=12, cpu_s=5)
TASKS = [ScaledTask(SolutionTask(Number("one")), 0.0), ScaledTask(SolutionTask(Number("two")), 0.0)]
CONSTANT = "def improve_algorithm(s, u, m):\n    return 'f = lambda x: {}'\n"
FAILS = "def improve_algorithm(s, u, m):\n    raise ValueError('no idea')\n"


@pytest.fixture
def lab(tmp_path, sandbox):
    return make_lab(tmp_path / "s.db", sandbox)


def contest(lab, programs, **more):
    entrants = tuple(Entrant(name, lab.store.keep(text)) for name, text in programs.items())
    return Contest(entrants, **({"repetitions": 5, "inner": INNER} | more))


def judged(lab, programs, tasks=TASKS, **more):
    return document(contend(lab, contest(lab, programs, **more), tasks))


NOTHING = "def improve_algorithm(s, u, m):\n    return s\n"


@pytest.mark.parametrize("keep", ["better", "returned"])
def test_doing_nothing_beats_nobody_on_no_task(lab, keep):
    """Also where the paper's letter lets an improver return what is worse than its start."""
    tasks = [ScaledTask(Downhill("one"), 0.5), ScaledTask(Downhill("two"), 0.5)]
    found = judged(lab, {"harms": CONSTANT.format(0.1), "nothing": NOTHING}, tasks, keep=keep)
    harms, nothing = found["improvers"]
    assert harms["test"]["mean"] == (0.0 if keep == "better" else pytest.approx(-0.8))
    against = nothing["against_first"]
    assert against["kind"] == "indecisive" and against["p_holm"] == 1.0
    assert {one["kind"] for one in against["per_task"].values()} == {"indecisive"}


def test_better_than_another_is_said_only_of_what_is_called_better_than_the_start(lab):
    found = judged(lab, {"nothing": NOTHING, **ASKERS, "weak": CONSTANT.format(0.001)})
    for one in found["improvers"][1:]:
        if one["against_first"]["kind"] == "better":
            assert one["against_start"]["kind"] == "better"
    (scores,) = [part for part in view.sheets(found) if getattr(part, "title", "").startswith("Test split")]
    for row, one in zip(scores.rows, found["improvers"], strict=True):
        low, high = row[1].low, row[1].high
        assert (one["against_start"]["kind"] == "indecisive") == (low is None or low <= 0 <= high)


def test_a_task_with_too_little_to_gain_stands_in_the_tables_and_in_no_mean(lab):
    tasks = [*TASKS, ScaledTask(SolutionTask(Number("narrow")), 0.97)]
    found = judged(lab, ASKERS, tasks)
    assert found["little_headroom"] == ["narrow"] and found["tasks"] == ["one", "two", "narrow"]
    assert (
        "narrow" in found["improvers"][1]["per_task"]
        and "narrow" not in found["improvers"][1]["against_first"]["per_task"]
    )
    assert judged(lab, ASKERS)["improvers"][1]["test"] == found["improvers"][1]["test"]
    console = Console(width=120, record=True)
    console.print(drawn(view.sheets(found)))
    assert "Too little to gain to stand in any mean: narrow." in console.export_text()


def test_a_corrected_p_is_below_five_percent_exactly_where_the_verdict_is_firm(lab):
    result = contend(lab, contest(lab, {"nothing": NOTHING, **ASKERS, "weak": CONSTANT.format(0.001)}), TASKS)
    rng = random.Random(4)
    for _ in range(200):
        leads = [0.0, *(rng.choice([-0.08, 0.0, 0.02, 0.08]) for _ in range(4))]
        blocks = [
            [
                [replace(cell, value=lead + rng.gauss(0, 0.06)) for cell in one]
                for one, lead in zip(block, leads, strict=True)
            ]
            for block in result.blocks
        ]
        found = replace(result, blocks=blocks)
        for p, one in zip(found.holm_values(), found.verdicts(), strict=True):
            assert (p < 0.05) == (one.kind in {"better", "worse"}), (p, one)


def test_a_run_that_hands_something_in_and_fails_has_failed(lab):
    """What it handed in counts; that it failed is told, and an arm of which every run fails comes first."""
    keeps = "def improve_algorithm(s, u, m):\n    u.keep('f = lambda x: 0.9')\n    raise ValueError('always')\n"
    found = judged(lab, {"nothing": NOTHING, "keeps": keeps})
    _, one = found["improvers"]
    assert (one["test"]["mean"], one["failed"], one["failure"]) == (
        pytest.approx(0.9),
        1.0,
        "error: ValueError: always",
    )
    assert one["cost_per_gain"]["responses"] == 0.0 and view.failing(found) == ["keeps"]
    first = view.sheets(found)[0]
    assert (first.tone, first.text.startswith("keeps: every improver run failed")) == ("bad", True)


@pytest.mark.parametrize("keep", ["better", "returned"])
def test_what_came_of_a_comparison_is_said_in_plain_words_before_any_figure(lab, keep):
    found = judged(lab, {"one": asker(1), "nothing": NOTHING, "four": asker(4)}, keep=keep)
    first, second, third, *_ = view.sheets(found)
    assert first.text == "Not shown to be better than the start solutions: nothing."
    assert second.text == "Better than one: four."
    assert third.text.startswith("Worse than one: nothing") or third.text.startswith(
        "Nothing is shown against one of nothing"
    )


class Downhill(SolutionTask):
    """The start solution is in the middle."""

    def __init__(self, name):
        super().__init__(Number(name))
        self.start, self.known_start = "def f(x):\n    return 0.5\n", 0.5


ASKERS = {"one": asker(1), "four": asker(4), "same": asker(1) + "\n# as one\n"}


def test_improvers_share_answers_and_the_figures_fit_together(lab):
    found = judged(lab, ASKERS)
    one, four, same = found["improvers"]
    assert len(lab.model.asked) == 4 * 5 * 2, "who asks the same in the same repetition is answered the same"
    assert (one["usage"]["responses"], four["usage"]["responses"]) == (1, 4)
    assert one["test"]["mean"] == same["test"]["mean"] < four["test"]["mean"]
    assert one["against_first"] is None
    against = four["against_first"]
    assert against["kind"] == "better" and against["p_holm"] < 0.05
    assert against["difference"] == pytest.approx(four["test"]["mean"] - one["test"]["mean"])
    assert against["probability"]["mean"] > 0.6
    assert against["unseen_tasks"]["kind"] == "indecisive" and "2 tasks" in against["unseen_tasks"]["method"]
    assert same["against_first"]["kind"] == "indecisive" and "all values equal" in same["against_first"]["method"]
    assert set(four["per_task"]) == set(against["per_task"]) == {"one", "two"}
    assert one["cost_per_gain"]["responses"] == pytest.approx(0.1 / one["test"]["mean"])
    assert one["cost_per_gain"]["tokens"] == pytest.approx(15 * 0.1 / one["test"]["mean"])
    assert len(found["cells"]) == 3 * 2 * 5
    assert json.loads(json.dumps(found)) == found


def test_more_repetitions_keep_the_first_ones(lab):
    few, more = judged(lab, ASKERS, repetitions=2), judged(lab, ASKERS, repetitions=3)
    kept = [cell for cell in more["cells"] if cell["repetition"] < 2]
    assert kept == few["cells"]


def test_it_stops_as_soon_as_every_verdict_is_firm(lab):
    programs = {"bad": CONSTANT.format(0.1), "good": CONSTANT.format(0.9)}
    found = judged(lab, programs, repetitions=1, limit=60)
    assert found["decided"] and 1 < found["repetitions"] < 60
    assert found["improvers"][1]["against_first"]["kind"] == "better"
    assert "confidence sequence" in found["improvers"][1]["against_first"]["method"]
    assert found["improvers"][1]["against_first"]["per_task"] is None, "their intervals do not allow for looking"
    assert found["improvers"][1]["against_first"]["unseen_tasks"] is None
    console = Console(width=120, record=True)
    console.print(drawn(view.sheets(found)))
    assert "By task" in (text := console.export_text()) and not set("▲▼=") & set(text.partition("By task")[2])
    lone = judged(lab, programs, repetitions=found["repetitions"] - 1, limit=found["repetitions"] - 1)
    assert lone["decided"] is False
    assert any("limit" in note for note in lone["notes"])
    assert judged(lab, dict(reversed(programs.items())), repetitions=1, limit=60)["improvers"][1]["against_first"][
        "kind"
    ] == ("worse")


def test_with_a_margin_equal_improvers_are_told_to_be(lab):
    programs = {"a": CONSTANT.format(0.5), "b": CONSTANT.format(0.51)}
    found = judged(lab, programs, repetitions=1, limit=60, margin=0.3)
    assert found["improvers"][1]["against_first"]["kind"] == "equivalent"


def test_two_that_cannot_be_told_apart_stay_indecisive_to_the_limit(lab):
    found = judged(lab, {"a": asker(1), "b": asker(1) + "\n# as a\n"}, repetitions=1, limit=8)
    assert (found["repetitions"], found["decided"]) == (8, False)
    assert found["improvers"][1]["against_first"]["kind"] == "indecisive"


def test_an_improver_that_always_fails_is_told_with_the_reason(lab):
    found = judged(lab, {"one": asker(1), "fails": FAILS})
    fails = found["improvers"][1]
    assert (fails["failed"], fails["test"]["mean"]) == (1.0, 0.0)
    assert "no idea" in fails["failure"]
    assert any("fails failed in every run" in note for note in found["notes"])
    assert fails["cost_per_gain"]["responses"] is None


def test_what_a_start_solution_scores_by_chance_is_no_gain_that_costs_nothing(lab):
    fails = judged(lab, {"one": asker(1), "fails": FAILS}, tasks=[ScaledTask(SolutionTask(Number("one")), -0.5)])[
        "improvers"
    ][1]
    assert fails["test"]["mean"] == 0, "a failed run leaves the start solution, which gains nothing over itself"
    assert fails["cost_per_gain"] == {"responses": None, "tokens": None, "dollars": None}


def test_a_gain_of_rounding_size_costs_nothing_that_can_be_told(lab):
    tiny = judged(lab, {"a": CONSTANT.format("1e-15")}, repetitions=2)["improvers"][0]
    assert 0 < tiny["test"]["mean"] < 1e-9
    assert tiny["cost_per_gain"]["responses"] is None


def test_an_interval_of_an_iqm_from_few_repetitions_is_told_to_be_narrow(lab):
    noted = {n: judged(lab, {"one": asker(1)}, repetitions=n)["notes"] for n in (4, 5, 10)}
    assert [any("IQM is a little too narrow" in note for note in noted[n]) for n in (4, 5, 10)] == [False, True, False]


def test_one_repetition_does_not_deny_the_verdict_it_was_enough_for(lab):
    found = judged(lab, {"a": asker(1), "b": asker(2)}, repetitions=1, limit=1)
    (note,) = [one for one in found["notes"] if one.startswith("One repetition")]
    assert "only the verdicts need none of it" in note and "ask for more" not in note


def test_one_task_and_one_repetition_give_no_interval(lab):
    found = judged(lab, ASKERS, tasks=TASKS[:1], repetitions=1)
    for one in found["improvers"]:
        assert one["test"]["low"] is None and "one repetition" in one["test"]["method"]
    assert found["improvers"][1]["against_first"]["kind"] == "indecisive"
    assert [note.split()[0] for note in found["notes"]] == ["One", "One"]


def test_the_tables_say_what_they_are_about_and_why_an_interval_is_missing(lab):
    def shown(found):
        console = Console(width=120, record=True)
        console.print(drawn(view.sheets(found)))
        return console.export_text()

    flat = shown(judged(lab, {"a": CONSTANT.format(0.5), "b": CONSTANT.format(0.6)}, tasks=TASKS[:1], repetitions=3))
    assert "1 task × 3 repetitions" in flat and "paired: this improver on these tasks" in flat
    assert "Note: a, b: all repetitions of a task gave one score" in flat and "unseen" not in flat
    many = judged(lab, ASKERS, tasks=[ScaledTask(SolutionTask(Number(f"t{k}")), 0.0) for k in range(10)], repetitions=3)
    assert many["improvers"][1]["against_first"]["unseen_tasks"]["kind"] == "better"
    assert "on unseen tasks" in shown(many) and "all repetitions" not in shown(many)


def test_scores_that_are_all_equal_give_no_interval(lab):
    found = judged(lab, {"a": CONSTANT.format(0.5), "b": CONSTANT.format(0.7)})
    against = found["improvers"][1]["against_first"]
    assert (against["kind"], against["low"] is not None) == ("indecisive", True)
    assert "grades are bounded" in against["method"] or "bound" in against["method"], against["method"]


class NoNumber(Number):
    worth = float("nan")

    def grade(self, instance, answer):
        return self.worth


@pytest.mark.parametrize("worth", [float("nan"), float("inf"), -1, None, "1"])
def test_a_scorer_that_gives_no_number_is_the_users_to_mend(lab, worth):
    task = NoNumber("odd")
    task.worth = worth
    with pytest.raises(UsageError, match=r"task odd graded an answer .* mend its grade"):
        judged(lab, ASKERS, tasks=[ScaledTask(SolutionTask(task), 0.0)])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"repetitions": 0}, "--repetitions is 0"),
        ({"limit": 3}, "--max-repetitions is 3, below --repetitions 5"),
        ({"margin": -0.1}, "--margin"),
        ({"margin": float("nan")}, "--margin"),
        ({"entrants": ()}, "no improver"),
        ({"entrants": (Entrant("a", "1"), Entrant("a", "2"))}, "two improvers are called a"),
        ({"entrants": (Entrant("a", "1"),), "limit": 9}, "needs two improvers"),
    ],
)
def test_what_cannot_be_compared_is_refused(changes, said):
    plain = Contest((Entrant("a", "1"), Entrant("b", "2")), repetitions=5)
    with pytest.raises(UsageError, match=said):
        replace(plain, **changes)


def test_a_contest_reads_back():
    plain = Contest((Entrant("a", "1"), Entrant("b", "2")), limit=50, margin=0.02, inner=INNER)
    assert Contest.read(json.loads(json.dumps(plain.plain()))) == plain


def test_views_show_every_improver(lab):
    found = judged(lab, ASKERS)
    console = Console(width=80, record=True)
    console.print(drawn(view.sheets(found)))
    text = console.export_text()
    assert "indecisive" in text and "better" in text and max(map(len, text.splitlines())) <= 80
    rows = list(csv.DictReader(io.StringIO(view.rows(found))))
    assert [row["improver"] for row in rows].count("four") == 10
    assert {float(row["value"]) for row in rows} == {cell["value"] for cell in found["cells"]}
    tree = ElementTree.fromstring(pictures.intervals(view.series(found)))
    names = [node.text for node in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {"one", "four", "same"} <= set(names)


@pytest.mark.parametrize("values", [(0.0, 0.0), (-3.0, 1e-9), (1e-7, 2e-7), (12345.0, 1.0)])
def test_a_picture_holds_every_figure(values):
    bars = [Bar("<&>\x1b", Figure(one, None, None)) for one in values]
    tree = ElementTree.fromstring(pictures.intervals(Series("t", "a", bars)))
    marks = [float(node.attrib["cx"]) for node in tree.iter("{http://www.w3.org/2000/svg}circle")]
    assert len(marks) == 2 and all(190 <= mark <= 610 for mark in marks)
