"""The document of a recursion as sheets: rounds, arms, what the gain is made of, and the verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selftaught.views.sheets import (
    Bar,
    Cell,
    Column,
    Figure,
    Note,
    Panel,
    Part,
    Series,
    Sheet,
    Tone,
    Words,
    counted,
    failed_throughout,
    figure,
    interval,
    looks_and_headroom,
    number,
)

if TYPE_CHECKING:
    from selftaught.evidence.controls import PlainJudged, PlainSham, PlainStart
    from selftaught.evidence.report import Arms, PlainRound, RunDocument, RunFigures, RunReached
    from selftaught.evidence.statistics import PlainInterval, PlainVerdict

TONES: Mapping[str, Tone] = {"better": "good", "worse": "bad", "indecisive": "unsure", "equivalent": "same"}
"""The tone of each kind of verdict."""
_SHAMS = 5
"""From so many improvers the sham is drawn, where there are as many."""
_PARTS = {
    "over_start": "over the start (improved − start solutions)",
    "gain": "gain (improved − seed)",
    "more_answers": "  more answers (best-of-n − seed)",
    "better_search": "  better search (improved − best-of-n)",
    "equal_answers": "  at equal answers (improved − best-of-n)",
    "self_application": "self-application (improved − frozen worker)",
    "selection": "selection (improved − sham)",
    "gain_unseen": "gain on unseen tasks like these",
}
_AGAINST = {
    "against_start": "the start solutions",
    "against_best_of_n": "best-of-n with the whole allowance",
    "against_equal_answers": "best-of-n at equal answers",
    "against_seed": "the seed improver",
    "against_frozen": "the recursion with a frozen worker",
    "against_sham": "the sham, unselected proposals",
}
_AT_EQUAL_ANSWERS = _AGAINST | {"against_best_of_n": "best-of-n at equal answers"}
"""Of documents that know one best-of-n only."""
_JUDGED = {
    "over_start": "against_start",
    "gain": "against_seed",
    "better_search": "against_best_of_n",
    "equal_answers": "against_equal_answers",
    "self_application": "against_frozen",
    "selection": "against_sham",
}
"""The parts of the gain that a verdict is about."""
_Row = tuple[str, "PlainJudged | PlainSham | PlainStart"]


def sheets(document: RunDocument | RunReached) -> list[Part]:
    """The verdict, in plain words first; rounds, arms, the parts of the gain; of a run that is not at its end, the rounds it
    reached."""
    if "arms" not in document:
        told = document.get("rounds", [])
        reached: list[Part] = [rounds(told), *suspicions(told)] if told else []
        return reached + ([Note(f"Stopped: {document['stopped']}", "unsure")] if "stopped" in document else [])
    tables: list[Part] = [
        verdict(document),
        rounds(document["rounds"]),
        *suspicions(document["rounds"]),
        arms(document),
        gain(document["gain"], document["verdict"]),
    ]
    return [*failed_throughout(failing(document)), *tables, *_made(document["verdict"]), *_notes(document)]


def failing(document: Mapping[str, Any]) -> list[str]:
    """The arms of which every improver run failed."""
    if "arms" not in document:
        return []
    rows = _arms(document["arms"])
    return [name.replace("  ", "best-of-n ") for name, arm in rows if arm["failed"] == 1]


def _notes(document: RunFigures) -> list[Note]:
    notes: list[Note] = []
    if found := document.get("discovery"):
        notes.append(Note(f"Finding it used {found['answers']:,} answers, {found['said']}."))
    if document["arms"]["improved"]["improver"] == document["arms"]["seed"]["improver"]:
        said = "The recursion kept the seed improver: improved and seed are the same program."
        notes.append(Note(said, "unsure"))
    tested = document["arms"]["seed"]["per_task"].keys()
    notes += looks_and_headroom(document.get("earlier_looks", ()), document.get("little_headroom", ()), tested)
    return notes + few_shams(document["arms"])


def few_shams(arms: Arms) -> list[Note]:
    """A note where the sham is of fewer improvers than it is meant to be."""
    count = len(arms["sham"]["improvers"]) if "sham" in arms else _SHAMS
    if count >= _SHAMS:
        return []
    return [Note(f"The sham is of {counted(count, 'improver')}, not {_SHAMS}: it says little of unselected proposals.")]


def rounds(found: Sequence[PlainRound]) -> Sheet:
    """One row per round: the improver after it, then what was proposed in it. Round 0 is the seed improver."""
    told = any("failed" in one for one in found)
    columns = (
        Column("round", "count", "right", whole=True),
        Column("improver", whole=True),
        Column("test [95 %]", "score", whole=True),
        *([Column("failed", "share", "right", whole=True)] if told else []),
        Column("proposed: train, validation"),
        Column("what happened"),
    )
    title = "Rounds (meta-utility: 0 = start solution, 1 = reference best)"
    return Sheet(title, columns, [_round(one, told) for one in found])


def suspicions(found: Sequence[PlainRound]) -> list[Note]:
    """Scores in training that are too good to be believed."""
    return [
        Note(
            f"Round {one['round']}: {each['program'][:8]} scored {number(each['train'])} in training, "
            + ("above what is possible" if each["why"] == "impossible" else "more than its validation lets one believe")
            + f" ({number(each['limit'])}): a scorer that can be fooled looks like that.",
            "unsure",
        )
        for one in found
        for each in one.get("suspicion", ())
    ]


def _round(one: PlainRound, told: bool) -> list[Cell]:
    proposed = f"{number(one.get('proposal_train'))}, {number(one.get('proposal_validation'))}" if one["round"] else ""
    failed = [one.get("failed")] if told else []
    return [one["round"], one["improver"][:8], figure(one["test"]), *failed, proposed, _happened(one)]


def _happened(one: PlainRound) -> Words:
    """What a round came to: how much better the proposal was on validation, or why there was none to judge."""
    before, after = one.get("incumbent_validation"), one.get("proposal_validation")
    if before is None or after is None:
        return Words(one["reason"])
    gain = number(after - before, sign=True)
    raced = f", {count} raced" if (count := len(one.get("raced", ()))) > 1 else ""
    raced += f", {failed:.0%} of its runs failed" if (failed := one.get("proposal_failed")) else ""
    return Words(f"accepted {gain}{raced}", "good") if one["accepted"] else Words(f"kept old {gain}{raced}")


def arms(document: RunFigures) -> Sheet:
    """One row per arm on the test split."""
    rows = _arms(document["arms"])
    tasks = document["arms"]["seed"]["per_task"].keys()
    columns = (
        Column("arm", whole=True),
        Column("test [95 %]", "score", whole=True),
        Column("", "bar", whole=True),
        Column("answers", "mean", "right", whole=True),
        Column("scorings", "mean", "right", whole=True),
        Column("failed", "share", "right", whole=True),
    )
    best = max(0.0, *(arm["test"]["mean"] for _, arm in rows))
    title = f"Test split ({counted(len(tasks), 'task')}{_seen(document, tasks)}; means per improver run)"
    return Sheet(title, columns, [_arm(name, arm, best) for name, arm in rows])


def _seen(document: RunFigures, tested: Collection[str]) -> str:
    """How many of the test tasks the recursion worked on, where the document tells: the oldest do not."""
    if "tasks" not in document:
        return ""
    known = len({*document["tasks"]} & {*tested})
    return (
        f", {known} of them the recursion's own, on fresh instances" if known else ", none of which the recursion saw"
    )


def _arms(found: Arms) -> list[_Row]:
    """The arms that there are; below best-of-n with the whole allowance, the same at as many answers as improved used."""
    rows: list[_Row] = [("start", found["start"])] if "start" in found else []
    rows += [("seed", found["seed"]), ("best-of-n", found["best_of_n"])]
    rows += [("  at equal", found["equal_answers"])] if "equal_answers" in found else []
    rows += [(f"sham of {len(found['sham']['improvers'])}", found["sham"])] if "sham" in found else []
    rows += [("frozen", found["frozen"])] if "frozen" in found else []
    return [*rows, ("improved", found["improved"])]


def _arm(name: str, arm: PlainJudged | PlainSham | PlainStart, best: float) -> list[Cell]:
    length = max(0.0, arm["test"]["mean"] / best) if best > 0 else 0.0
    return [name, figure(arm["test"]), length, arm["responses"], arm["scorings"], arm["failed"]]


def gain(parts: Mapping[str, PlainInterval], verdicts: Mapping[str, PlainVerdict]) -> Sheet:
    """The gain and what it is made of, each paired by (task, repetition); where there is a verdict, with its interval."""
    columns = Column("part"), Column("difference [95 %]", "gain"), Column("pairs", "count", "right")
    judged = {name: verdicts.get(_JUDGED.get(name, ""), one) for name, one in parts.items()}
    if "gain_unseen" in parts and "against_seed" in verdicts:
        judged["gain_unseen"] = _holding(parts["gain_unseen"], verdicts["against_seed"])
    rows = [[title, figure(judged[name]), parts[name]["n"]] for name, title in _PARTS.items() if name in parts]
    return Sheet("What the gain is made of (paired differences)", columns, rows)


def _holding(outer: PlainInterval, inner: PlainVerdict) -> PlainInterval:
    """What is said of unseen tasks, stretched to what may be said of these: it claims more, so it never says it more firmly."""
    if outer["low"] is None or outer["high"] is None or inner["low"] is None or inner["high"] is None:
        return {**outer, "low": None, "high": None}
    return {**outer, "low": min(outer["low"], inner["low"]), "high": max(outer["high"], inner["high"])}


def verdict(document: RunFigures) -> Panel:
    """What may be claimed: first in words, then one by one."""
    verdicts = document["verdict"]
    against = _AGAINST if "against_equal_answers" in verdicts else _AT_EQUAL_ANSWERS
    counts = document.get("equal_answers")
    lines: list[list[Words]] = [[Words(one, strong=True)] for one in in_words(document)]
    for name, than in against.items():
        if name in verdicts:
            more = (
                f" ({counts['improved']:,} answers against {counts['best_of_n']:,})"
                if counts and "equal" in name
                else ""
            )
            lines.append(_claim(verdicts[name], than + more))
    return Panel("Verdict", lines)


def in_words(document: RunFigures) -> list[str]:
    """What came of it, in one or two plain sentences. Documents of earlier versions have none: they knew no start."""
    arms, kinds = document["arms"], {name: one["kind"] for name, one in document["verdict"].items()}
    if "against_start" not in kinds or "equal_answers" not in arms:
        return []
    if kinds["against_start"] != "better":
        how = "Worse" if kinds["against_start"] == "worse" else "No better"
        return [f"{how} than the start solutions."]
    if not arms["best_of_n"]["responses"]:
        return [
            "Better than the start solutions. The seed improver asks for no answers: there is no best-of-n beside it."
        ]
    headline = {
        "better": "Better than best-of-n with the whole allowance.",
        "worse": "Better than the start solutions, worse than best-of-n with the whole allowance.",
    }
    other = "Better than the start solutions; whether than best-of-n with the whole allowance is not shown."
    said = [headline.get(kinds["against_best_of_n"], other)]
    seed, improved, equal = (arms[name]["test"]["mean"] for name in ("seed", "improved", "equal_answers"))
    same = arms["improved"]["improver"] == arms["seed"]["improver"]
    least = arms["seed"]["test"]["low"]
    shown = kinds.get("against_seed") == "better" and improved > seed and least is not None and least > 0
    if same or not shown:  # no factor of a gain that is not shown
        return said
    times = arms["improved"]["responses"] / arms["seed"]["responses"] if arms["seed"]["responses"] else 1.0
    return [*said, f"{improved / seed:.1f} times the seed improver's gain{_because(times, improved > equal, kinds)}."]


def _because(times: float, more: bool, kinds: Mapping[str, str]) -> str:
    """How much of a gain comes from asking more often."""
    if times <= 1:
        return " with no more answers"
    if not more:
        return f"; all of it because it asks {times:.1f} times as often"
    if kinds["against_equal_answers"] == "better":
        return f"; more than asking {times:.1f} times as often gives"
    return f"; that it is more than asking {times:.1f} times as often gives is not shown"


def _claim(one: PlainVerdict, against: str) -> list[Words]:
    said = f" than {against}" if one["kind"] in ("better", "worse") else f" against {against}"
    found = Figure(one["difference"], one["low"], one["high"])
    shown = number(found.value, sign=True) if found.low is None else interval(found, sign=True)
    return [
        Words(one["kind"], TONES[one["kind"]], strong=True),
        Words(f"{said}: {shown}" + (f"; {_spelt(why)}" if (why := one.get("why")) else "")),
    ]


def _spelt(why: str) -> str:
    """A reason with arms as a reader calls them."""
    for name, than in _AGAINST.items():
        why = why.replace(f"with {name.removeprefix('against_')} is", f"with {than} is")
    return why


def _made(verdicts: Mapping[str, PlainVerdict]) -> list[Note]:
    """How the intervals of the verdicts were made."""
    by_about: dict[str, list[str]] = {}
    for name, one in verdicts.items():
        by_about.setdefault(one["about"], []).append(
            f"{name.removeprefix('against_').replace('_', ' ')}: {one['method']}"
        )
    return [Note(f"Intervals are about {about} ({', '.join(methods)}).") for about, methods in by_about.items()]


def series(document: RunDocument) -> Series:
    """The improver of every round on the test split, then the arms that are none of them."""
    bars = [Bar("start", Figure(0.0, 0.0, 0.0))] if "start" in document["arms"] else []
    bars += [Bar(f"round {one['round']}", _test(one["test"])) for one in document["rounds"] if one["test"]]
    bars += [
        Bar(name.replace("  ", "best-of-n "), _test(arm["test"]))
        for name, arm in _arms(document["arms"])
        if name not in ("start", "seed", "improved")
    ]
    return Series(f"{', '.join(document['tasks'])}: test score", "0 = start, 1 = reference best", bars)


def _test(one: PlainInterval) -> Figure:
    return Figure(one["mean"], one["low"], one["high"])
