"""The document of an experiment, and its plan, as sheets."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean as mean
from typing import TYPE_CHECKING, Any, TypeVar

from selftaught.views import contest
from selftaught.views.recursion import TONES
from selftaught.views.sheets import (
    Bar,
    Cell,
    Column,
    Figure,
    Note,
    Part,
    Series,
    Sheet,
    Words,
    counted,
    failed_throughout,
    figure,
    interval,
)

if TYPE_CHECKING:
    from selftaught.evidence.experiment import ArmFigures, ExperimentDocument, ExperimentReached, Judging
    from selftaught.evidence.statistics import PlainInterval, PlainMajority, PlainVerdict
    from selftaught.evidence.transferred import Afterwards

T = TypeVar("T")


def sheets(document: ExperimentDocument | ExperimentReached) -> list[Part]:
    """Rounds, arms, the comparison afterwards, the paper's figures beside ours; of one not at its end, what is done."""
    if "arms" not in document:
        return _reached(document)
    parts: list[Part] = [*failed_throughout(failing(document)), Note(document["question"], style="question")]
    parts += [*_in_words(document), _rounds(document), _arms(document)]
    if "verdicts" in document:
        parts.append(_verdicts(document))
    if "shares" in document:
        parts.append(_shares(document))
    if (related := document.get("gain_and_again")) and (one := figure(related)):
        said = f"rank correlation {interval(one, sign=True)} over {related['n']} recursions ({related['method']})"
        parts.append(Note(f"Gain on the test and gain in improving afresh (again): {said}"))
    if afterwards := document["contest"]:
        parts += [*contest.figures(afterwards), *_unlike(afterwards)]
        if "transfer" in afterwards:
            parts.append(_transfer(afterwards))
    if document["paper"]:
        parts.append(_paper(document))
    return [*parts, *_notes(document)]


_THAN: Mapping[Judging, str] = {
    "over_start": "the start solutions",
    "better_search": "best-of-n with the whole allowance",
    "equal_answers": "best-of-n at equal answers",
    "gain": "the seed improver",
}
"""What an arm is claimed to be better than, in the order in which that is tested."""


def _in_words(document: ExperimentDocument) -> list[Note]:
    """What may be claimed of each arm as a method, in a sentence. Documents of earlier versions tell less, and have none."""
    verdicts = document.get("verdicts", {})
    if not _THAN.keys() <= verdicts.keys():
        return []
    return [Note(f"{arm['name']}: {_claimed(verdicts, arm['name'])}.", style="heading") for arm in document["arms"]]


def _claimed(verdicts: Mapping[Judging, Mapping[str, PlainVerdict]], arm: str) -> str:
    kinds = {than: verdicts[figure][arm]["kind"] for figure, than in _THAN.items()}
    if kinds[_THAN["over_start"]] != "better":
        shown = "worse" if kinds[_THAN["over_start"]] == "worse" else "not shown to be better"
        return f"as a method, {shown} than the start solutions"
    said = [
        f"{word} than {', '.join(names)}"
        for word in ("better", "worse")
        if (names := [than for than, kind in kinds.items() if kind == word])
    ]
    left = [than for than, kind in kinds.items() if kind not in {"better", "worse"}]
    return f"as a method, {'; '.join(said)}" + (f"; not shown against {', '.join(left)}" if left else "")


def failing(document: Mapping[str, Any]) -> list[str]:
    """The arms of which every run of every improved improver failed, and what failed throughout afterwards."""
    arms = [one["name"] for one in document.get("arms", ()) if one.get("failed") == 1]
    return arms + contest.failing(document.get("contest") or {})


def _reached(document: ExperimentReached) -> list[Part]:
    done = document.get("runs", [])
    columns = Column("arm"), Column("seed", "count", "right"), Column("gain", "gain"), Column("better search", "gain")
    rows: list[list[Cell]] = [[one["arm"], one["seed"], one["gain"], one["better_search"]] for one in done]
    parts: list[Part] = [Sheet("Recursions that are done", columns, rows)] if done else []
    if "stopped" in document:
        parts.append(Note(f"Stopped after {counted(len(done), 'recursion')}: {document['stopped']}", "unsure"))
    return parts


def _notes(document: ExperimentDocument) -> list[Note]:
    failed = [f"{run['arm']} {run['seed']}" for run in document["runs"] if run["failed"] == 1]
    said = "its improver fails in every run, so its figures are those of the start solution"
    return [
        *(Note(f"{name}: {said}") for name in failed),
        *(Note(f"Deviation from the preset: {one}", "unsure") for one in document["deviations"]),
        *(Note(f"Earlier look at the same test set: {one}", "unsure") for one in document["earlier_looks"]),
        Note(f"Plan {document['plan'][:12]}, fixed before the first answer."),
    ]


def _rounds(document: ExperimentDocument) -> Sheet:
    arms = document["arms"]
    told = all("failed_by_round" in arm for arm in arms)  # documents of earlier versions have none
    columns = [Column("round", "count", "right")]
    for arm in arms:
        columns += [Column(arm["name"], "score"), *([Column("failed", "share", "right")] if told else [])]
    rows: list[list[Cell]] = [
        [t, *(cell for arm in arms for cell in _at(arm, t, told))] for t in range(len(arms[0]["test_by_round"]))
    ]
    title = f"Test score by round, mean over {arms[0]['gain']['n']} recursions (0 = start, 1 = reference best)"
    return Sheet(title, columns, rows)


def _at(arm: ArmFigures, t: int, told: bool) -> list[Cell]:
    return [figure(arm["test_by_round"][t]), *([arm["failed_by_round"][t]] if told else [])]


def _arms(document: ExperimentDocument) -> Sheet:
    again = any(arm["again"] for arm in document["arms"])
    both = all("equal_answers" in arm for arm in document["arms"])  # earlier versions knew one best-of-n
    told = all("failed" in arm for arm in document["arms"])
    names = "gain [95 %]", "better search", *(["at equal answers"] if both else []), "less first arm"
    columns = [
        Column("arm"),
        *(Column(name, "gain") for name in names),
        Column("rises [95 %]"),
        *([Column("failed", "share")] if told else []),
        *([Column("again", "gain")] if again else []),
    ]
    than = "less best-of-n with the whole allowance, at equal answers" if both else "less best-of-n at equal answers"
    title = f"Last round less round 0; {than}; less the first arm (by recursion)"
    rows = [_arm(document, arm, both, told, again) for arm in document["arms"]]
    return Sheet(title, columns, rows)


def _arm(document: ExperimentDocument, arm: ArmFigures, both: bool, told: bool, again: bool) -> list[Cell]:
    raw: Mapping[str, Any] = {**arm, "difference": document["differences"].get(arm["name"])}
    verdicts: Mapping[Judging, Mapping[str, Any]] = document.get("verdicts", {})
    names: list[Judging] = ["gain", "better_search", *(["equal_answers"] if both else []), "difference"]
    figures = [figure(verdicts.get(name, {}).get(arm["name"], raw[name])) for name in names]
    failed = [arm["failed"]] if told else []
    rises = _of(round(arm["rises"]["mean"] * arm["rises"]["n"]), arm["rises"])
    return [arm["name"], *figures, rises, *failed, *([figure(arm["again"])] if again else [])]


_FIGURES: Mapping[Judging, str] = {
    "over_start": "than start",
    "better_search": "better search",
    "equal_answers": "at equal answers",
    "gain": "gain",
    "difference": "less first arm",
}


def _judged(found: Mapping[Judging, Mapping[str, T]]) -> tuple[list[Mapping[str, T]], list[str]]:
    """What is claimed by figure, and what the figures are called; documents of earlier versions have none over the start."""
    names: list[Judging] = [name for name in _FIGURES if name in found]
    return [found[name] for name in names], [_FIGURES[name] for name in names]


def _verdicts(document: ExperimentDocument) -> Sheet:
    """What may be claimed of each arm."""
    by_figure, titles = _judged(document["verdicts"])
    columns = [Column(name) for name in ("arm", *titles)]
    names = [arm["name"] for arm in document["arms"]]
    rows = [[name, *(contest.claim(by.get(name)) for by in by_figure)] for name in names]
    return Sheet("Verdicts about the method: the unit is one recursion (Holm over the arms)", columns, rows)


def _shares(document: ExperimentDocument) -> Sheet:
    """In how many recursions each figure is above 0."""
    by_figure, titles = _judged(document["shares"])
    columns = [Column(name) for name in ("arm", *titles)]
    rows: list[list[Cell]] = [
        [arm["name"], *(_share(by.get(arm["name"])) for by in by_figure)] for arm in document["arms"]
    ]
    return Sheet(
        "Recursions in which it is above 0 [exact interval], and whether that is most of all (sign test)", columns, rows
    )


def _share(one: PlainMajority | None) -> Words | None:
    if one is None:
        return None
    said = "not tested" if one.get("why") else one["kind"]  # documents of earlier versions have none
    return Words(f"{_of(one['better'], one)}: {said}", TONES[one["kind"]])


def _of(count: int, share: PlainInterval) -> str:
    """A count of all recursions with the interval of its share."""
    low, high = (f"{100 * end:.0f}" for end in (share["low"] or 0.0, 1.0 if share["high"] is None else share["high"]))
    return f"{count} of {share['n']} [{low}, {high}] %"


def _transfer(found: Afterwards) -> Sheet:
    """What improved improvers gain on these tasks: each by itself, then all of them as samples of the method."""
    transfer = found["transfer"]
    columns = Column("of"), Column("on"), Column("difference [95 %]", "gain")
    rows: list[list[Cell]] = [[name, "all tasks", figure(one)] for name, one in transfer["improvers"].items()]
    if "over_start" in transfer:  # documents of earlier versions have none
        rows.append(["the method, less the start solutions", "all tasks", figure(transfer["over_start"])])
    rows.append(["the method", "all tasks", figure(transfer["overall"])])
    if "like" in transfer and "unlike" in transfer:
        rows.append(["the method", "like tasks", figure(transfer["like"])])
        rows.append(["the method", "unlike tasks", figure(transfer["unlike"])])
    for task, one in transfer["per_task"].items():
        rows.append(["the method", task, figure(one)])
    title = f"Improved less {found['improvers'][0]['name']}: by improver, then by recursion (the method)"
    return Sheet(title, columns, rows)


def _unlike(found: Afterwards) -> list[Sheet]:
    """The means over tasks of other families than the recursions worked on, where there are both kinds."""
    counting = [name for name in found["tasks"] if name not in found.get("little_headroom", ())] or found["tasks"]
    unlike = [name for name in counting if name in found["unlike_training"]]
    like = [name for name in counting if name not in unlike]
    if not (like and unlike):
        return []
    columns = Column("improver"), Column("like", "score", "right"), Column("unlike", "score", "right")
    rows: list[list[Cell]] = [
        [one["name"], *(mean(one["per_task"][name]["mean"] for name in some) for some in (like, unlike))]
        for one in found["improvers"]
    ]
    return [Sheet("Tasks like those of the recursion, and unlike them", columns, rows)]


def _paper(document: ExperimentDocument) -> Sheet:
    columns = Column("what"), Column("paper", "mean", "right"), Column("ours", "mean", "right")
    rows: list[list[Cell]] = [[row["what"], row["paper"], row["ours"]] for row in document["paper"]]
    title = f"The paper's figures (its models and scorers) beside ours ({document['model']}), in percent"
    return Sheet(title, columns, rows)


def series(document: ExperimentDocument) -> Series:
    """Every arm by round, then the improvers compared afterwards."""
    bars = [
        Bar(f"{arm['name']}, round {t}", Figure(one["mean"], one["low"], one["high"]))
        for arm in document["arms"]
        for t, one in enumerate(arm["test_by_round"])
    ]
    if document["contest"]:
        bars += contest.bars(document["contest"])
    return Series(f"{document['experiment']}: test score", "0 = start, 1 = reference best", bars)


# --- the plan ---------------------------------------------------------------------------------------------------------


def plan(planned: Mapping[str, Any], digest: str, at_most: str) -> Sheet:
    """What an experiment will do."""
    rows = [*_steps(planned), ("asks", at_most), ("plan", digest[:12])]
    return Sheet(
        f"{planned['name']} ({planned['preset']}): {planned['question']}", (Column("what"), Column("how")), rows
    )


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
    extensions = "" if allowance["extensions"] else ", without utility.map, utility.feedback and utility.keep"
    answers = f"{allowance['calls']} × {allowance['responses']} answers"
    return f"{answers} and {allowance['scorings']} scorings{extensions}"


def _models(settings: Mapping[str, Any]) -> str:
    """Who works inside improvers, and who writes them where that is another."""
    proposer = settings.get("proposer")
    return f"{settings['model']} inside and {proposer['model']} writing" if proposer else str(settings["model"])


def _steps(planned: Mapping[str, Any]) -> list[tuple[str, str]]:
    seeds = f"seeds {planned['seed']} to {planned['seed'] + planned['runs'] - 1}"
    steps = [
        (
            f"arm {arm['name']}",
            f"{planned['runs']} recursions ({seeds}) of {arm['settings']['rounds']} rounds on "
            f"{_tasks(arm['settings'])}, with {_models(arm['settings'])}, accept {arm['settings']['accept']}, "
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
