"""An experiment's document, and its plan, for a terminal; and the picture of its main figures."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean as mean
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from selftaught.views import contests, pictures
from selftaught.views.tables import figure, grid, number


def experiment(document: Mapping[str, Any]) -> RenderableType:
    """Rounds, arms, the comparison afterwards, the paper's figures beside ours; of a stopped one, the recursions done."""
    if "arms" not in document:
        return Text(f"Stopped after {len(document.get('runs', []))} recursions: {document['stopped']}", style="yellow")
    parts: list[RenderableType] = [Text(document["question"], style="italic"), _rounds(document), _arms(document)]
    if "verdicts" in document:
        parts.append(_verdicts(document))
    if related := document.get("gain_and_again"):
        shown = f"rank correlation {figure(related, sign=True)} over {related['n']} recursions ({related['method']})"
        parts.append(Text(f"Gain on the test and gain in improving afresh (again): {shown}"))
    if document["contest"]:
        parts += [contests.contest(document["contest"]), *_unlike(document["contest"])]
        if "transfer" in document["contest"]:
            parts.append(_transfer(document["contest"]))
    if document["paper"]:
        parts.append(_paper(document))
    parts += [
        Text(
            f"{run['arm']} {run['seed']}: its improver fails in every run, so its figures are those of the start solution"
        )
        for run in document["runs"]
        if run["failed"] == 1
    ]
    parts += [Text(f"Deviation from the preset: {one}", style="yellow") for one in document["deviations"]]
    parts += [Text(f"Earlier look at the same test set: {one}", style="yellow") for one in document["earlier_looks"]]
    return Group(*parts, Text(f"Plan {document['plan'][:12]}, fixed before the first answer."))


def _rounds(document: Mapping[str, Any]) -> Table:
    arms = document["arms"]
    found = grid(f"Test score by round, mean over {arms[0]['gain']['n']} recursions (0 = start, 1 = reference best)")
    found.add_column("round", justify="right")
    for arm in arms:
        found.add_column(escape(arm["name"]), overflow="fold")
    for t in range(len(arms[0]["test_by_round"])):
        found.add_row(str(t), *(figure(arm["test_by_round"][t]) for arm in arms))
    return found


def _arms(document: Mapping[str, Any]) -> Table:
    again = any(arm["again"] for arm in document["arms"])
    found = grid("Last round less round 0; less best-of-n at equal answers; less the first arm (by recursion)")
    for name in ("arm", "gain [95 %]", "better search", "less first arm", "rises", *(["again"] if again else [])):
        found.add_column(name, overflow="fold")
    for arm in document["arms"]:
        found.add_row(
            escape(arm["name"]),
            figure(arm["gain"], sign=True),
            figure(arm["better_search"], sign=True),
            figure(document["differences"].get(arm["name"]), sign=True),
            f"{100 * arm['rises']['mean']:.0f} %",
            *([figure(arm["again"], sign=True)] if again else []),
        )
    return found


def _verdicts(document: Mapping[str, Any]) -> Table:
    """What may be claimed of each arm."""
    verdicts = document["verdicts"]
    found = grid("Verdicts about the method: the unit is one recursion (Holm over the arms)")
    for name in ("arm", "gain", "better search", "less first arm"):
        found.add_column(name, overflow="fold")
    for arm in document["arms"]:
        by_figure = (verdicts[name].get(arm["name"]) for name in ("gain", "better_search", "difference"))
        found.add_row(escape(arm["name"]), *("–" if one is None else contests.kind(one) for one in by_figure))
    return found


def _transfer(contest: Mapping[str, Any]) -> Table:
    """What improved improvers gain on these tasks: each by itself, then all of them as samples of the method."""
    transfer = contest["transfer"]
    found = grid(
        f"Improved less {escape(contest['improvers'][0]['name'])}: by improver, then by recursion (the method)"
    )
    for name in ("of", "on", "difference [95 %]"):
        found.add_column(name, overflow="fold")
    for name, one in transfer["improvers"].items():
        found.add_row(escape(name), "all tasks", figure(one, sign=True))
    over = {"all tasks": transfer["overall"]}
    over |= {f"{kind} tasks": transfer[kind] for kind in ("like", "unlike") if kind in transfer}
    for tasks, one in (over | transfer["per_task"]).items():
        found.add_row("the method", escape(tasks), figure(one, sign=True))
    return found


def _unlike(contest: Mapping[str, Any]) -> list[RenderableType]:
    """The means over tasks of other families than the recursions worked on, where there are both kinds."""
    unlike = contest["unlike_training"]
    if not unlike or len(unlike) == len(contest["tasks"]):
        return []
    found = grid("Tasks like those of the recursion, and unlike them")
    for name in ("improver", "like", "unlike"):
        found.add_column(name, justify="left" if name == "improver" else "right")
    for one in contest["improvers"]:
        like = [task["mean"] for name, task in one["per_task"].items() if name not in unlike]
        other = [one["per_task"][name]["mean"] for name in unlike]
        found.add_row(escape(one["name"]), number(mean(like)), number(mean(other)))
    return [found]


def _paper(document: Mapping[str, Any]) -> Table:
    found = grid(f"The paper's figures (its models and scorers) beside ours ({document['model']}), in percent")
    for name in ("what", "paper", "ours"):
        found.add_column(name, justify="left" if name == "what" else "right")
    for row in document["paper"]:
        found.add_row(row["what"], "–" if row["paper"] is None else f"{row['paper']:.1f}", f"{row['ours']:.1f}")
    return found


def picture(document: Mapping[str, Any]) -> str:
    """Every arm by round, then the improvers compared afterwards, as SVG."""
    rows = [
        pictures.Row(f"{arm['name']}, round {t}", one)
        for arm in document["arms"]
        for t, one in enumerate(arm["test_by_round"])
    ]
    if document["contest"]:
        rows += [pictures.Row(one["name"], one["test"]) for one in document["contest"]["improvers"]]
    return pictures.intervals(f"{document['experiment']}: test score", "0 = start, 1 = reference best", rows)


def plan(planned: Mapping[str, Any], digest: str, at_most: str) -> RenderableType:
    """What an experiment will do."""
    found = grid(f"{planned['name']} ({planned['preset']}): {planned['question']}")
    found.add_column("what")
    found.add_column("how")
    for name, how in _steps(planned):
        found.add_row(escape(name), escape(how))
    found.add_row("asks", at_most)
    found.add_row("plan", digest[:12])
    return found


def _tasks(settings: Mapping[str, Any]) -> str:
    """What an arm recurses on."""
    return ", ".join(settings["tasks"]) + (" and improving the seed improver" if settings.get("itself") else "")


def _sizes(settings: Mapping[str, Any]) -> str:
    """What makes a preset besides its tasks: repetitions, budgets, and what an improver is shown and may call."""
    shown = "" if settings["start"] == "incumbent" else f", start {settings['start']}"
    return (
        f"{settings['repetitions']} repetitions a scoring, {settings['validation']} a validation, {settings['test']} a test; "
        f"an improver run may use {_budget(settings['inner'])}, on an improver {_budget(settings['outer'])}{shown}"
    )


def _budget(allowance: Mapping[str, Any]) -> str:
    extensions = "" if allowance["extensions"] else ", without utility.map and utility.feedback"
    answers = f"{allowance['calls']} × {allowance['responses']} answers"
    return f"{answers} and {allowance['scorings']} scorings{extensions}"


def _steps(planned: Mapping[str, Any]) -> list[tuple[str, str]]:
    seeds = f"seeds {planned['seed']} to {planned['seed'] + planned['runs'] - 1}"
    steps = [
        (
            f"arm {arm['name']}",
            f"{planned['runs']} recursions ({seeds}) of {arm['settings']['rounds']} rounds on "
            f"{_tasks(arm['settings'])}, with {arm['settings']['model']}, accept {arm['settings']['accept']}, "
            f"worker {arm['settings']['worker']}, test on {', '.join(arm['settings']['test_tasks'])}; "
            f"{_sizes(arm['settings'])}",
        )
        for arm in planned["arms"]
    ]
    if contest := planned["contest"]:
        names = ", ".join(one["name"] for one in contest["entrants"])
        tasks = ", ".join(contest["tasks"])
        steps.append(
            ("afterwards", f"{names} and every improved improver on {tasks}, {contest['repetitions']} repetitions")
        )
    if planned["again"]:
        steps.append(("afterwards", "the seed improver improved afresh by each improved improver and by itself"))
    return steps
