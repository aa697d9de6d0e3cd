"""Experiments: plans that say what they do, the paper's letter, and every one to its table at a tiny size."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from shared.command import answers, called, one_line
from shared.recursions import SEED, SETTINGS, TASKS

from selftaught.budget import Allowance
from selftaught.budget.spend import Spend, SpendLimits
from selftaught.cli.options import ManyAsked
from selftaught.downstream import ScaledTask, SolutionTask
from selftaught.errors import ModelFailure, UsageError
from selftaught.evidence.statistics import in_most, of_methods, over_runs
from selftaught.evidence.transferred import transferred
from selftaught.lab import CONTRACT
from selftaught.lab.progress import Progress
from selftaught.meta import MetaUtility
from selftaught.models import Request
from selftaught.models.scripted import Scripted
from selftaught.plain import canonical
from selftaught.program import Program
from selftaught.recursion import STUB
from selftaught.runs import carry, experiment, plans
from selftaught.runs.blank import blank
from selftaught.runs.estimate import estimate
from selftaught.runs.experiment import deviations, speaking
from selftaught.settings import Contest, Entrant
from selftaught.settings.choice import ModelChoice, Price
from selftaught.store import Store
from selftaught.testing import Doubler, Number, make_lab
from selftaught.views import experiment as view
from selftaught.views import pictures
from selftaught.views.tables import drawn

SOLUTION = "```python\ndef f(x, y):\n    return x * x + y\n```"
IMPROVER = (
    "```python\nfrom helpers import extract_code\n\n\n"
    "def improve_algorithm(initial_solution, utility, language_model):\n"
    "    found = extract_code(language_model.prompt('expert', initial_solution, 2))\n"
    "    return max([initial_solution, *found], key=utility)\n```"
)
UNSCORED = (
    "from helpers import extract_code\n\n\n"
    "def improve_algorithm(initial_solution, utility, language_model):\n"
    "    return extract_code(language_model.prompt('expert', initial_solution))[0]\n"
)
NAMES = [*plans.questions()]


def test_the_issue_names_these_experiments():
    assert set(NAMES) == {
        *("lpn", "transfer", "models", "seeds", "experts", "selfhood", "maximizer", "transfer-wide", "proposers"),
    }


@pytest.mark.parametrize("preset", ["ours", "paper", "tiny"])
@pytest.mark.parametrize("name", NAMES)
def test_a_plan_reads_back_and_its_digest_holds_all_of_it(name, preset):
    made = plans.plan(name, preset, seed=3)
    again = plans.Plan.read(json.loads(canonical(made.plain())))
    assert again == made and again.digest == made.digest
    assert deviations(made) == []
    changed = plans.plan(name, preset, seed=3, runs=made.runs + 1)
    assert changed.digest != made.digest
    assert deviations(changed) == [f"runs: {made.runs + 1} instead of {made.runs}"]
    assert estimate(changed).answers > estimate(made).answers > 0


@pytest.mark.parametrize("name", NAMES)
def test_paper_presets_keep_to_the_paper(name):
    made = plans.plan(name, "paper")
    for arm in made.arms:
        own = arm.settings
        assert (own.tasks, own.repetitions, own.rounds, own.accept) == (("lpn",), 5, 4, "paper")
        for one in (own.inner, own.outer):
            assert (one.calls, one.responses, one.scorings, one.extensions) == (4, 6, 25, False)
    if made.contest:
        assert made.contest.inner == made.arms[0].settings.inner


def test_the_papers_interface_is_described_without_extensions(tmp_path, sandbox):
    seen = []
    asks = Program(
        "def improve_algorithm(s, u, m):\n    m.prompt('e', u.str)\n    u.feedback(s)\n    return 'f = lambda x: 1.0'\n"
    )
    model = Scripted(lambda request, address: seen.append(request.message) or "no", name="seen")
    lab = make_lab(tmp_path / "s.db", sandbox, model)
    tasks = [ScaledTask(SolutionTask(Number("one")), 0.0)]
    with_them = Allowance(calls=2, responses=2, scorings=3, cpu_s=5)
    mine = MetaUtility(lab, tasks, "test", "a", 1, with_them).cells(asks)[0]
    theirs = MetaUtility(lab, tasks, "test", "a", 1, replace(with_them, extensions=False)).cells(asks)[0]
    assert not mine.failures and "no utility.feedback" in theirs.failures[0]
    assert "utility.map" in seen[0] and "utility.feedback" in seen[0]
    assert "utility.map" not in seen[1] and "utility.feedback" not in seen[1]
    assert "3 scorings" in seen[1] and "2 calls" in seen[1]


def test_a_blank_task_hides_the_start_and_nothing_else(tmp_path, sandbox):
    shown = blank(ScaledTask(SolutionTask(Number("one")), 0.2))
    assert "return None" in shown.task.start and shown.value(0.2, 0.2) == 0.0
    assert shown.task.source != Number("one").source
    assert shown.task.task.source_files == Number("one").source_files, "a mistake is told where it was made"
    assert shown.task.task.sample("r", "test", 0, "judged") == Number("one").sample("r", "test", 0, "judged")
    lab = make_lab(tmp_path / "s.db", sandbox)
    cell = MetaUtility(lab, [shown], "test", "a", 1, Allowance(cpu_s=5)).cells(STUB)[0]
    assert (cell.raw, [*cell.failures]) == (0.0, [])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("experiments") / "store.db") as one:
        plans.keep(one.keep)
        yield one


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    path = tmp_path_factory.mktemp("script") / "answers.json"
    path.write_text(json.dumps([SOLUTION, IMPROVER]))
    return f"scripted:{path}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_comes_to_its_table_on_a_scripted_model(store, scripted, name):
    planned = plans.plan(name, "tiny", [ModelChoice(scripted)])
    number = store.start(planned.plain(), carry.circumstances("strict", SpendLimits()))
    found = carry.carry(number, store, Progress())
    assert found["plan"] == planned.digest
    assert len(found["runs"]) == len(planned.arms) * planned.runs
    for arm in found["arms"]:
        assert len(arm["test_by_round"]) == 2
        assert arm["gain"]["mean"] == pytest.approx(arm["test_by_round"][-1]["mean"] - arm["test_by_round"][0]["mean"])
    assert set(found["differences"]) == {arm.name for arm in planned.arms[1:]}
    for figure, by_arm in found["verdicts"].items():
        assert set(by_arm) == {arm.name for arm in planned.arms[figure == "difference" :]}
        assert {one["about"] for one in by_arm.values()} <= {"the method"}
    assert found["verdicts"]["gain"][planned.arms[0].name]["difference"] == found["arms"][0]["gain"]["mean"]
    if planned.contest:
        transfer = found["contest"]["transfer"]
        assert list(transfer["improvers"]) == found["contest"]["made"]
        assert transfer["overall"]["about"] == "the method" and transfer["overall"]["n"] == planned.runs
        assert found["contest"]["improvers"][-1]["name"] == f"{planned.arms[-1].name} 1"
    assert (found["arms"][0]["again"] is not None) == planned.again
    assert (found["gain_and_again"] is not None) == planned.again
    console = Console(width=80, record=True)
    console.print(drawn(view.sheets(found)))
    text = console.export_text()
    assert ("rank correlation" in text) == planned.again
    assert "Verdicts about the method" in text
    assert planned.question.split()[0] in text and planned.digest[:12] in text
    assert pictures.intervals(view.series(found)).startswith("<svg")


def test_the_digest_is_the_one_that_was_stored_before_the_first_answer(store, scripted):
    planned = plans.plan("seeds", "tiny", [ModelChoice(scripted)], runs=1)
    begun = {**carry.circumstances("strict", SpendLimits()), "plan": "of an earlier version"}
    assert carry.carry(store.start(planned.plain(), begun), store, Progress())["plan"] == "of an earlier version"


def test_an_improver_that_fails_is_no_quiet_gain(store, tmp_path):
    path = tmp_path / "fails.json"
    path.write_text(json.dumps(["```python\ndef improve_algorithm(s, u, m):\n    return 1 / 0\n```"]))
    planned = plans.plan("lpn", "tiny", [ModelChoice(f"scripted:{path}")], runs=1)
    taken = replace(planned, arms=tuple(replace(a, settings=replace(a.settings, accept="paper")) for a in planned.arms))
    number = store.start(taken.plain(), carry.circumstances("strict", SpendLimits()))
    found = carry.carry(number, store, Progress())
    assert found["runs"][0]["failed"] == 1.0
    assert any(one.startswith("arms") for one in found["deviations"])
    console = Console(width=80, record=True)
    console.print(drawn(view.sheets(found)))
    assert "self 0: its improver fails in every run" in console.export_text()


def test_a_proposal_that_never_runs_is_not_taken_and_told_as_a_deviation(store, tmp_path):
    path = tmp_path / "spoils.json"
    fails = "def improve_algorithm(s, u, m):\n    if 'improve_algorithm' not in s:\n        return 1 / 0\n    return s"
    path.write_text(json.dumps([f"```python\n{fails}\n```"]))
    planned = plans.plan("lpn", "tiny", [ModelChoice(f"scripted:{path}")], runs=1)
    (arm,) = planned.arms
    # The worker that proposes it returns the answer unscored, as the seed improver would drop it.
    unscored = store.keep(UNSCORED)
    own = replace(arm.settings, accept="paper", improver=unscored)
    taken = replace(planned, arms=(replace(arm, settings=own),))
    number = store.start(taken.plain(), carry.circumstances("strict", SpendLimits()))
    found = carry.carry(number, store, Progress())
    assert found["runs"][0]["accepted"] == 0
    assert any(
        one.startswith("self 0, round 1: the proposal was not taken, it fails whenever it runs")
        for one in found["deviations"]
    )


def test_earlier_looks_at_the_same_test_set_are_told(tmp_path, scripted):
    def looks(facts, seed):
        planned = plans.plan("lpn", "tiny", [ModelChoice(scripted)], seed, 1)
        number = facts.start(planned.plain(), carry.circumstances("strict", SpendLimits()))
        return carry.carry(number, facts, Progress())["earlier_looks"]

    with Store(tmp_path / "looks.db") as facts:
        plans.keep(facts.keep)
        assert looks(facts, 0) == []
        assert looks(facts, 500) == []
        again = looks(facts, 0)
        assert len(again) == 1 and again[0].startswith("run 1 (")


def test_an_earlier_look_is_told_also_where_the_tasks_were_named_otherwise(tmp_path, scripted):
    planned = plans.plan("lpn", "tiny", [ModelChoice(scripted)], runs=1)
    with Store(tmp_path / "looks.db") as facts:
        plans.keep(facts.keep)
        others = [
            (0, "formula:test", CONTRACT),
            (0, "formula:test", 3),
            (0, "formula:test", 2),
            (0, "formula:test", None),
        ]
        for seed, task, contract in [*others, (0, "formula:train", CONTRACT), (77, "formula:test", CONTRACT)]:
            contest = Contest((Entrant("a", "1"),), tasks=(task,), seed=seed)
            other = facts.start(contest.plain(), {"contract": contract or CONTRACT})
            if contract:
                facts.write(other, {"improvers": [{"name": "a"}]})
        number = facts.start(planned.plain(), carry.circumstances("strict", SpendLimits()))
        looks = carry.carry(number, facts, Progress())["earlier_looks"]
    assert [one.partition(" (")[0] for one in looks] == ["run 1", "run 2"], "run 4 was not judged, run 3 on others"


def test_a_look_is_earlier_where_it_came_before_the_figures_whichever_run_was_begun_first(tmp_path, scripted):
    planned = plans.plan("lpn", "tiny", [ModelChoice(scripted)], 0, 1)
    with Store(tmp_path / "looks.db") as facts:
        plans.keep(facts.keep)
        first, second = (facts.start(planned.plain(), carry.circumstances("strict", SpendLimits())) for _ in range(2))
        assert carry.carry(second, facts, Progress())["earlier_looks"] == []
        (look,) = carry.carry(first, facts, Progress())["earlier_looks"]
    assert look.startswith(f"run {second} (")


def test_a_run_that_cannot_be_read_is_named_where_looks_are_told(tmp_path, scripted):
    planned = plans.plan("lpn", "tiny", [ModelChoice(scripted)], 0, 1)
    progress, notes = Progress(), []
    progress.note = notes.append
    with Store(tmp_path / "looks.db") as facts:
        plans.keep(facts.keep)
        strange = facts.start({**planned.plain(), "kind": "brandnew"}, {"contract": CONTRACT})
        number = facts.start(planned.plain(), carry.circumstances("strict", SpendLimits()))
        assert carry.carry(number, facts, progress)["earlier_looks"] == []
    (told,) = [one for one in notes if "test instances" in one]
    assert told.startswith(f"run {strange}: ") and "brandnew" in told


def row(name, by_task):
    return {"name": name, "per_task": {task: {"mean": one} for task, one in by_task.items()}, "against_first": name}


def test_transfer_is_told_by_improver_and_over_improvers():
    rows = [row("seed", {"a": 0.1, "b": 0.2}), row("x 0", {"a": 0.3, "b": 0.2}), row("x 1", {"a": 0.5, "b": 0.3})]
    bounds = {"a": (-1.0, 1.0), "b": (-1.0, 1.0)}
    figures = {"improvers": rows, "tasks": ["a", "b"], "little_headroom": []}
    found = transferred(figures, ["x 0", "x 1"], ["b"], bounds)
    assert found["improvers"] == {"x 0": "x 0", "x 1": "x 1"}
    expected = over_runs([0.1, 0.25], (-1.0, 1.0))
    assert found["overall"]["mean"] == pytest.approx(expected.mean)
    assert (found["overall"]["low"], found["overall"]["n"]) == (pytest.approx(expected.low), 2)
    over_start = over_runs([0.25, 0.4], (-1.0, 1.0))
    assert (found["over_start"]["mean"], found["over_start"]["low"]) == pytest.approx((over_start.mean, over_start.low))
    assert found["per_task"]["a"] == found["like"] and found["like"]["mean"] == pytest.approx(0.3)
    assert found["unlike"]["mean"] == pytest.approx(0.05) and found["unlike"]["low"] is not None
    assert "like" not in transferred(figures, ["x 0"], ["a", "b"], bounds)


@pytest.mark.parametrize(
    ("best_of_n", "equal", "kinds", "why"),
    [
        (0.1, 0.1, ["better"] * 4, ""),
        (0.1, 0.5, ["better", "better", "indecisive", "indecisive"], "best-of-n at equal answers"),
        (0.5, 0.1, ["better", "indecisive", "indecisive", "indecisive"], "best-of-n with the whole allowance"),
    ],
)
def test_a_method_is_claimed_to_be_better_in_the_order_of_a_run(best_of_n, equal, kinds, why):
    """Each only where the one before is firm: a lead over the seed improver alone is none."""
    planned = SimpleNamespace(arms=[SimpleNamespace(name="self")])
    runs = [
        SimpleNamespace(
            arm="self",
            by_round=lambda k=k: [0.05, 0.5 + 0.001 * k],
            judgement=SimpleNamespace(arms={"best_of_n": best_of_n, "equal_answers": equal}),
        )
        for k in range(40)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "_value", lambda one: one)
        claims = experiment._claims(lambda of, passed: of_methods(of, (-1.0, 1.0), passed), planned, runs)
        shares = experiment._claims(in_most, planned, runs)
    order = ["over_start", "better_search", "equal_answers", "gain"]
    assert [name for name in claims if name != "difference"] == order
    assert [claims[name]["self"].kind for name in order] == kinds
    assert claims["gain"]["self"].why == (f"not tested: the comparison with {why} is not firm" if why else "")
    if not why:
        assert [shares[name]["self"].kind for name in order] == kinds
    assert all(one.kind == "indecisive" for by in shares.values() for one in by.values() if one.why)


def test_what_an_arm_comes_to_is_shown_as_its_verdicts_say_and_shares_with_their_interval():
    document = json.loads((Path(__file__).parent / "golden" / "lpn.json").read_text())
    arm = document["arms"][0]["name"]
    document["verdicts"]["gain"][arm] |= {"kind": "indecisive", "difference": 0.4, "low": 0.0, "high": 0.5}
    document["arms"][0]["gain"] |= {"mean": 0.4, "low": 0.3, "high": 0.5}
    document["shares"]["gain"][arm] |= {
        "better": 40,
        "n": 40,
        "low": 0.8964,
        "high": 1.0,
        "why": "not tested: so it is",
    }
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(drawn(view.sheets(document)))
    said = console.export_text()
    assert "+0.400 [+0.000, +0.500]" in said and "[+0.300, +0.500]" not in said
    assert "40 of 40 [90, 100] %: not tested" in said


def test_of_improving_afresh_counts_what_a_user_would_keep(tmp_path, sandbox):
    lab = make_lab(tmp_path / "s.db", sandbox, Doubler())

    def again(made, keep="better"):
        worker = Program(f"def improve_algorithm(s, u, m):\n    return {made}\n")
        rounds = [SimpleNamespace(incumbent=SEED, improver=worker)]
        return experiment._again(lab, replace(SETTINGS, keep=keep), rounds, TASKS, TASKS)

    fails = repr("def improve_algorithm(s, u, m):\n    return 1 / 0\n")
    assert again(fails) == again("s"), "what fails in every run is not kept"
    assert again(fails, "returned") < again("s", "returned"), "the paper takes what was returned"


def test_a_task_with_too_little_to_gain_stands_in_no_mean_of_a_method():
    rows = [row("seed", {"a": 0.1, "narrow": 0.0}), row("x 0", {"a": 0.1, "narrow": 20.0})]
    figures = {"improvers": rows, "tasks": ["a", "narrow"], "little_headroom": ["narrow"]}
    found = transferred(figures, ["x 0"], ["narrow"], {"a": (-1.0, 1.0), "narrow": (-30.0, 30.0)})
    assert (found["overall"]["mean"], found["over_start"]["mean"]) == pytest.approx((0.0, 0.1))
    assert found["per_task"]["narrow"]["mean"] == pytest.approx(20.0) and "like" not in found


def test_a_plan_can_be_looked_at_without_a_key_and_not_begun(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    planned = plans.plan("lpn", "paper", [ModelChoice("openai:gpt-4o-mini")])
    assert (estimate(planned, keyless=True).dollars or 0) > 1
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        estimate(planned)


@pytest.mark.slow
def test_the_command_shows_plans_and_goes_on(tmp_path):
    listed = json.loads(called("experiment", "--json", cwd=tmp_path).stdout)
    assert [row["experiment"] for row in listed] == NAMES
    planned = json.loads(called("experiment", "lpn", "--plan", "--json", cwd=tmp_path).stdout)
    assert planned["runs"] == 5 and "at most" in planned["asks"]
    assert not (tmp_path / ".selftaught").exists(), "a plan asks nothing and keeps nothing"
    tiny = ["experiment", "lpn", "--preset", "tiny", "--seed", "0", "--picture", "p.svg"]
    stopped = called(*tiny, "--max-cpu-minutes", "0.0002", cwd=tmp_path)
    assert stopped.returncode == 4, stopped.stderr
    tiny_plan = json.loads(called(*tiny, "--plan", "--json", cwd=tmp_path).stdout)["digest"]
    with Store(tmp_path / ".selftaught" / "store.db") as facts:
        assert facts.run(1).circumstances["plan"] == tiny_plan
    done = called("resume", "1", "--max-cpu-minutes", "9", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["plan"] == tiny_plan
    kept = answers(tmp_path / ".selftaught" / "store.db")
    again = called(*tiny, "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["arms"] == json.loads(done.stdout)["arms"]
    assert answers(tmp_path / ".selftaught" / "store.db") == kept > 0
    assert (tmp_path / "p.svg").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["chess"], r"no experiment 'chess': there are lpn"),
        (["lpn", "--runs", "0"], "--runs is 0"),
        (["lpn", "--model", "offline", "--model", "offline:generic"], "one model"),
        (["lpn", "--model", "gpt"], "gpt"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tmp_path, args, said):
    done = called("experiment", *args, cwd=tmp_path)
    assert done.returncode == 2
    assert re.search(said, one_line(done)), done.stderr


def test_a_plan_shows_what_makes_its_preset():
    def shown(name, preset):
        made = plans.plan(name, preset)
        console = Console(width=400, record=True)
        console.print(drawn([view.plan(made.plain(), made.digest, "nothing")]))
        return console.export_text()

    paper, ours = shown("lpn", "paper"), shown("lpn", "ours")
    assert "4 × 6 answers and 25 scorings, without utility.map" in paper and "without" not in ours
    assert "5 repetitions a scoring, 1 a validation, 5 a test" in paper
    assert "6 × 8 answers and 49 scorings, on an improver 6 × 4 answers and 25 scorings" in ours
    assert "start none" in shown("maximizer", "ours") and "start" not in ours


TWO = Price(1.0, 2.0)


def served(*specs, base_url="http://127.0.0.1:1/v1", price=TWO):
    """Models, those with a server at this address."""
    return [ModelChoice(one, base_url, 100, price) if ":m" in one else ModelChoice(one) for one in specs]


def test_several_models_are_several_arms():
    made = plans.plan("models", "ours", served("offline", "offline:generic"), runs=2)
    assert [arm.settings.model.spec for arm in made.arms] == ["offline", "offline:generic"]
    assert deviations(made) == ["runs: 2 instead of 5"]
    with pytest.raises(UsageError, match="one model"):
        plans.plan("lpn", "ours", served("a", "b"))


def test_proposers_are_arms_beside_the_model_that_writes_for_itself():
    strong, weak = served("openai:m", "openai:m2")
    made = plans.plan("proposers", "ours", [ModelChoice("offline")], proposers=[strong, weak])
    assert [(arm.name, arm.settings.proposer, arm.settings.model.spec) for arm in made.arms] == [
        ("by offline", None, "offline"),
        ("by openai:m", strong, "offline"),
        ("by openai:m2", weak, "offline"),
    ]
    assert deviations(made) == [] and plans.Plan.read(json.loads(canonical(made.plain()))) == made
    assert set(estimate(made).models) == {
        *("offline", "openai:m to write improvers", "openai:m2 to write improvers", "offline to work inside them"),
    }
    (arm,) = plans.plan("lpn", "ours", proposers=[strong]).arms
    assert arm.settings.proposer == strong
    with pytest.raises(UsageError, match="--proposer can be repeated for the experiment proposers"):
        plans.plan("lpn", "ours", proposers=[strong, weak])
    with pytest.raises(UsageError, match="keeps to the paper"):
        plans.plan("lpn", "paper", proposers=[strong])


def test_a_plan_costs_what_each_of_its_models_costs():
    both = estimate(plans.plan("models", "tiny", served("offline", "openai:m")))
    alone = estimate(plans.plan("models", "tiny", served("openai:m", "offline")))
    assert both.models == alone.models and set(both.models) == {"offline", "openai:m"}
    assert both.dollars == alone.dollars
    assert both.dollars > both.models["openai:m"] * 100 * 2.0 / 1e6
    assert "answers of offline and" in str(both) and "answers of openai:m for $" in str(both)
    unknown = estimate(plans.plan("models", "tiny", served("offline", "openai:m", price=None)))
    assert unknown.dollars is None


def test_a_server_goes_to_the_models_that_have_one_and_is_no_deviation():
    asked = ManyAsked(base_url="http://127.0.0.1:1/v1", max_tokens=100, price="1,2")
    choices = asked.choices(["offline", "openai:m"])
    assert choices == served("offline", "openai:m")
    made = plans.plan("models", "ours", choices)
    assert made.model == ModelChoice("offline")
    assert [arm.settings.model.base_url for arm in made.arms] == [None, "http://127.0.0.1:1/v1"]
    assert deviations(made) == []


def test_the_deadline_holds_for_every_model(tmp_path, sandbox):
    planned = plans.plan("models", "tiny", served("offline", "openai:m"))
    lab = replace(make_lab(tmp_path / "s.db", sandbox), spend=Spend(SpendLimits(deadline_s=0.3)))
    with (
        speaking(lab, planned, planned.arms[1].settings) as own,
        pytest.raises(ModelFailure, match=r"no answer within 0\.3 s"),
    ):
        own.model.complete(Request("", "q"), ["a"])
