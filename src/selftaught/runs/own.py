"""A program of the user's own improved: `selftaught improve`."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from selftaught.budget import used_up
from selftaught.errors import UsageError, WorthlessRun
from selftaught.evidence.own import OwnRound, Repeated, compared
from selftaught.improver import improve
from selftaught.lab import Lab
from selftaught.lab.grading import grade_text
from selftaught.lab.leaving import beyond, stopped
from selftaught.lab.metrics import Rule
from selftaught.plain import JSON, canonical, digest
from selftaught.program import Program
from selftaught.runs import noise
from selftaught.runs.scorers import cased, commanded, foldered, modular
from selftaught.runs.spans import Bound, Expected, Used, about
from selftaught.sandbox import Limits, tool
from selftaught.settings.own import COUNTED, Own
from selftaught.store import RunRecord, Store
from selftaught.tasks.cases import HELD
from selftaught.tasks.commanded import WEAKER
from selftaught.tasks.own import ScorerTask, held_out, practice
from selftaught.utility import Utility

_log = logging.getLogger(__name__)
_TOLD = 500
"""Characters of what a scorer tells that a warning holds."""
_NO_COMMAND = "ended with exit status 127"
"""What a shell says where there is no such command."""
WHAT = "an improvement of a program"


@runtime_checkable
class Several(Protocol):
    """A judge of programs that are parts of several texts: those that were changed, whole, and as they were."""

    def files(self, program: Program) -> Mapping[str, str]: ...
    def before(self, path: str) -> str: ...


class Judge(Utility, noise.Repeatable, Protocol):
    """A utility that tells scores in the scorer's own unit as well."""

    @property
    def missed(self) -> list[Program]: ...
    def whole(self, program: Program) -> Program: ...


@dataclass(frozen=True)
class Judges:
    """What a program is chosen by, and what it is compared on in the end."""

    practice: Judge
    held_out: Judge | None
    weaker: str | None = None


def read(plain: Mapping[str, Any]) -> Own:
    """The assignment that was stored."""
    return Own.read(plain)


def judges(lab: Lab, asked: Own) -> Judges:
    """What scores the program, in whichever form it is given."""
    start = Program(lab.store.text(asked.program))
    if asked.form in {"command", "files"}:
        return Judges(commanded(lab, asked, start), None, WEAKER)
    if asked.form == "cases":
        return Judges(*cased(lab, asked, start), HELD)
    if asked.form == "modules":
        return Judges(*modular(lab, asked, start))
    if asked.form == "folder":
        return Judges(foldered(lab, asked, start), None, WEAKER)
    task = ScorerTask(asked, start.text)
    return Judges(practice(lab, task), held_out(lab, task))


def conduct(lab: Lab, asked: Own) -> dict[str, Any]:
    """One improver run after the other, each from the best program so far; the figures."""
    return conducted(lab, asked, judges(lab, asked))


def conducted(lab: Lab, asked: Own, by: Judges) -> dict[str, Any]:
    """The same under judges that are given."""
    lab.progress.phase("scoring the program to begin with")
    start = Program(lab.store.text(asked.program))
    _look_at(asked, by.practice.fact(start))
    best, seen, rounds, repeated = start, {start}, list[OwnRound](), list[Repeated]()
    noisy = _repeating(by, asked).noisy(start)
    for t in range(1, asked.rounds + 1):
        lab.progress.phase(f"round {t} of {asked.rounds}")
        with lab.round(digest([_lasting(asked), lab.seed, t])) as own:
            stream: list[JSON] = ["own", lab.roots.streams, t]
            improver = Program(lab.store.text(asked.improver))
            found = improve(own, improver, best, by.practice, stream, asked.inner, tell_scored=True)
        # An improver run of an earlier call is found whole: what it had scored is of this run as well.
        had = [Program(lab.store.text(one.program)) for one in found.scored]
        for program in had:
            if program not in by.practice.missed:
                by.practice.fact(program)
        if asked.on_attempt == "stop":
            stopped(lab, by.practice.fact(start))
        handed = [one for one in (found.program, *found.kept) if one]
        again = dict.fromkeys([*handed, *by.practice.missed])
        by.practice.missed.clear()
        for one in again:
            by.practice.fact(one)
        seen.update((*had, *handed))
        chosen = _chosen(lab, asked, by, best, t, noisy, _better(by.practice, best, seen, -1 if asked.minimize else 1))
        best, noisy = Program(lab.store.text(chosen["program"])), chosen["noisy"]
        repeated += chosen["repeated"]
        used, score = found.usage, by.practice.fact(best)["value"]
        rounds.append(
            OwnRound(
                round=t,
                reason=found.reason,
                failed=bool(found.reason) and not used_up(found.reason or "", used, asked.inner),
                answers=used.responses,
                scorings=used.scorings,
                best=lab.store.keep(best.text),
                score=score,
            )
        )
        lab.document.tell(rounds=rounds)
    figures = _figures(lab, asked, by, start, best)
    return {**figures, "rounds": rounds, "noise": noise.noise(by.practice, start, repeated) if noisy else None}


def _look_at(asked: Own, start: Mapping[str, Any]) -> None:
    """The first scoring. WorthlessRun where the program to begin with has no score; a warning where its scorer complains."""
    said = [str(note).strip() for note in start["notes"] if str(note).strip()] if asked.form not in COUNTED else []
    if start["reason"] is not None:
        last = f": {said[-1].splitlines()[-1]}" if said else ""
        alone = " (there is no network, and no other file than those that are shown)"
        jailed = "" if asked.form in {*COUNTED, "evaluator"} or asked.checker else alone
        hint = _hint(asked, f"{start['reason']}{last}")
        raise WorthlessRun(f"{asked.name} has no score to begin with: {start['reason']}{last}{jailed}{hint}")
    if said and asked.form == "cases" and all(_NO_COMMAND in note for note in said):
        raise WorthlessRun(f"--run names no command that is there: {said[0]}")
    if start["value"] == 0 or any(note.startswith("error") for note in said):
        told = "; ".join(" ".join(note.split()) for note in said)[:_TOLD]
        _log.warning("%s scores %s as it is; what scores it tells: %s", asked.name, grade_text(start["value"]), told)


def _hint(asked: Own, said: str) -> str:
    """How a module that a program lacks can be had."""
    lacking = re.search(r"No module named '([\w.]+)'", said)
    if asked.form not in COUNTED or not lacking:
        return ""
    module = lacking[1].partition(".")[0]
    if (Path(asked.name).parent / f"{module}.py").is_file() and asked.form == "function":
        entry = f"{Path(asked.name).name}:{asked.entry}"
        return f"; with {module}.py it is a program of several files: improve their folder, with --entry {entry}"
    return f"; a package of this environment may be imported with --with {module}"


def _figures(lab: Lab, asked: Own, by: Judges, start: Program, best: Program) -> dict[str, Any]:
    lab.progress.phase("comparing on what was not looked at")
    unseen = by.held_out and compared(by.held_out.fact(start), by.held_out.fact(best))
    return {
        "better": best != start,
        "best": lab.store.keep(best.text),
        "program": by.practice.whole(best).text,
        "minimize": asked.minimize,
        "metric": Rule(asked.metric).words,
        "practice": compared(by.practice.fact(start), by.practice.fact(best)),
        "held_out": unseen,
        "earlier_looks": list(lab.earlier_looks()) if unseen else [],
        "candidates": len(scored(lab.store, lab.run, by.practice.key)),
        **_changes(lab, asked, by.practice, start, best),
        "isolation": by.weaker,
    }


def _changes(lab: Lab, asked: Own, by: Judge, start: Program, best: Program) -> dict[str, Any]:
    """What was changed: as a diff and, where there are several files, those that were, whole."""
    if not isinstance(by, Several):
        return {"diff": _diff(lab, start, by.whole(best), asked.name.rpartition("/")[2])}
    files = dict[str, str]() if best == start else dict(by.files(best))
    diffs = [_diff(lab, Program(by.before(path)), Program(text), path) for path, text in files.items()]
    return {"diff": "\n".join(diffs), "files": files}


def _chosen(
    lab: Lab, asked: Own, by: Judges, best: Program, t: int, noisy: bool, better: Sequence[Program]
) -> Mapping[str, Any]:
    """The best after round t of all that was scored by then, handed in or not: the best so far unless one is `better`.

    With it, who was tried where the scorer is noisy, and whether it is. A fact, since trials cost scorings.
    """
    if asked.on_attempt == "reject":
        start = by.practice.fact(Program(lab.store.text(asked.program)))
        better = [one for one in better if not beyond(by.practice.fact(one), start)]

    def choose() -> JSON:
        repeating = _repeating(by, asked)
        if better and (noisy or repeating.noisy(better[0])):
            trial = repeating.tried(best, better, t)
            told = [] if trial.told is None else [cast("JSON", trial.told)]
            return {"program": trial.best.digest, "noisy": True, "repeated": told}
        return {"program": better[0].digest if better else best.digest, "noisy": noisy, "repeated": []}

    # What scored better differs between calls: a scorer may have failed in passing, or the model have other parameters.
    among = digest([one.digest for one in better])
    about: dict[str, JSON] = {"best": best.digest, "utility": by.practice.key, "round": t, "asked": _lasting(asked)}
    return cast("Mapping[str, Any]", lab.once("best", {**about, "seed": lab.seed, "better": among}, choose))


def _repeating(by: Judges, asked: Own) -> noise.Repeating:
    return noise.Repeating(by.practice, -1 if asked.minimize else 1, asked.repeat)


def _better(by: Judge, best: Program, seen: Iterable[Program], sign: int) -> list[Program]:
    """What of the programs seen has scored better than the best so far, by first scores, the most first. Ties keep the best;
    what could not be scored in passing has no score."""
    values = [(one, by.fact(one)["value"]) for one in seen if one not in by.missed]
    found = [(sign * value, one) for one, value in values if value is not None]
    least = sign * by.fact(best)["value"]
    return [one for value, one in sorted(found, key=lambda pair: (-pair[0], pair[1].digest)) if value > least]


def scored(store: Store, run: int, key: JSON | None = None) -> list[tuple[str, Mapping[str, Any]]]:
    """The programs that a run has scored, by digest, with their first scorings; by one utility where its key is given."""
    wanted = None if key is None else canonical(key)
    facts = [(about, body) for about, body in store.facts("score", run) if "again" not in about]
    return [(about["program"], body) for about, body in facts if wanted in {None, canonical(about["utility"])}]


def _diff(lab: Lab, start: Program, best: Program, name: str) -> str:
    """What was changed; the texts are compared in the sandbox, since generated ones may be made to take for ever."""
    if start == best:
        return ""
    given = (start.text, best.text, name, f"{name}, improved")
    (outcome,) = lab.sandbox.run(tool("differences", "unified", [given], Limits(cpu_s=10)))
    return str(outcome.answer) if outcome.kind == "answer" else "(the two are too unlike to be compared in time)"


def earlier_seed(store: Store, asked: Own) -> int | None:
    """The seed of the newest run that differs in rounds, seed and what becomes of attempts alone: with it, what that run bought
    is found again."""
    for record in reversed(store.runs()):
        if record.settings.get("kind") == "improve":
            try:
                other = Own.read(record.settings)
            except (UsageError, TypeError):  # of another version
                continue
            if _lasting(replace(other, on_attempt=asked.on_attempt)) == _lasting(asked):
                return other.seed
    return None


def _lasting(asked: Own) -> dict[str, JSON]:
    """What stays as it is from one call to the next with more rounds."""
    return {name: one for name, one in asked.plain().items() if name not in {"rounds", "seed"}}


def tried(asked: Own) -> tuple[dict[str, str], Sequence[str]]:
    """The improver; the program itself is tried as the run begins."""
    return {"that is to improve the program": asked.improver}, ()


def bound(asked: Own) -> list[Bound]:
    """Answers at most: every improver run uses up its allowance."""
    return [Bound(asked.model, asked.rounds * asked.inner.answers)]


def expected(asked: Own, used: Used) -> list[Expected]:
    """Answers, probably: the improver goes about it as with canned answers, or so."""
    answers = about(used(asked.improver, asked.inner).responses, asked.inner.answers) * asked.rounds
    return [Expected(asked.model, answers, (), asked.seed)]


def looked_at(asked: Own) -> set[tuple[str, int]]:
    """The scorer and the seed, which decides what is held out, but among cases: of these it is every second one."""
    return {(asked.scorer, 0 if asked.form == "cases" else asked.seed)}


def made(record: RunRecord, which: str) -> str:  # noqa: ARG001 - the same for all kinds
    """It makes no improver: UsageError."""
    raise UsageError(f"run {record.id} improved a program and made no improver: `candidates` lists its programs")
