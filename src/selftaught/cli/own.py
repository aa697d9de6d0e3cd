"""Programs of the user's own: have one improved, look at all that were tried."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from selftaught.cli.base import begin, end, looked_at
from selftaught.cli.better import hand_out
from selftaught.cli.completion import improver_names
from selftaught.cli.consent import agree
from selftaught.cli.contests import entrant
from selftaught.cli.declare import WHAT, Working, command, option
from selftaught.cli.options import Asked, Begun, Budget, Kept, OnAttempt, Packages, RunNumber, Spending
from selftaught.cli.terminal import show_program, show_rows, tell
from selftaught.errors import UsageError

if TYPE_CHECKING:
    from selftaught.program import Program
    from selftaught.settings.own import Own


@dataclass(frozen=True)
class Scoring:
    """What better means."""

    score: Annotated[
        Path | None,
        option(
            WHAT,
            "Python file with instances(split, seed) and score(instance, answer); with --cases with score(case, printed).",
            "SCORER",
        ),
    ] = None
    score_command: Annotated[
        str | None,
        option(
            WHAT,
            "Command that scores the file or folder {} and prints a number or JSON, in a jail of its own.",
            "COMMAND",
        ),
    ] = None
    cases: Annotated[
        Path | None, option(WHAT, "Folder of cases NAME.in, each with what is to be printed in NAME.out.", "FOLDER")
    ] = None
    run: Annotated[str | None, option(WHAT, "With --cases: how the file {} is run, e.g. 'awk -f {}'.", "COMMAND")] = (
        None
    )
    file: Annotated[
        list[Path] | None,
        option(WHAT, "With --score-command or --cases: what lies beside the program; repeat for more."),
    ] = None
    entry: Annotated[
        list[str] | None,
        option(
            WHAT,
            "The function to improve; of a folder module.py:function, repeatable.  [default: the only one, what is marked]",
            "FUNCTION",
        ),
    ] = None
    about: Annotated[
        str | None, option(WHAT, "What is wanted, or a file that says it.  [default: the scorer's docstring]")
    ] = None
    minimize: Annotated[bool, option(WHAT, "Less is better.")] = False
    metric: Annotated[
        str | None,
        option(
            WHAT,
            "What counts of several metrics, e.g. '2*accuracy - size'.  [default: combined_score, score, or the mean]",
        ),
    ] = None
    packages: Packages = None
    improver: Annotated[
        str | None,
        option(
            WHAT,
            "Who improves it: a name from `improvers`, a file, or run:N.  [default: found/softmax-parents, or any-language]",
            completes=improver_names,
        ),
    ] = None
    rounds: Annotated[int, option(WHAT, "Improver runs in a row, each from the best program so far.")] = 1
    proposer: Annotated[str | None, typer.Option(hidden=True)] = None
    repeat: Annotated[
        int, option(WHAT, "Scorings at most by which a program is compared with the best, if the scorer is noisy.")
    ] = 16
    on_attempt: OnAttempt = "record"
    program_cpu_s: Annotated[
        float | None, option(WHAT, "CPU seconds of the program on an instance, or of the command.  [default: 10 or 60]")
    ] = None
    program_mb: Annotated[int | None, option(WHAT, "MiB of memory.  [default: 1024, of a command 4096]")] = None


@command(everyday=("model", "score", "score_command", "improver", "rounds"), cls=Working)
def improve(
    program: Annotated[Path, typer.Argument(help="A file, an OpenEvolve folder, or a folder with marked regions.")],
    asked: Asked,
    scoring: Scoring,
    inner: Budget,
    spending: Spending,
    how: Begun,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the better program is written.  [default: beside it]")
    ] = None,
) -> None:
    """Improve a program of your own by what scores it. The same call with more --rounds goes on."""
    from selftaught.program import text_of
    from selftaught.runs.own import earlier_seed
    from selftaught.runs.targets import changing, start_of
    from selftaught.settings.stored import INNER
    from selftaught.store import Store

    if output is not None and (output.exists() or not output.parent.is_dir()):
        raise UsageError(f"cannot write {output}: name a file that is not there yet, in a folder that is")
    _one_way(program, scoring)
    several = _several(program, scoring)
    source = program if several else _source(program)
    entries = scoring.entry or ()
    text = start_of(program, entries) if several else text_of(source)
    if several and scoring.score is not None and (others := changing(program, entries)) != entries:
        text = start_of(program, others)
    _, improver = entrant(scoring.improver or _improver_for(source), how)
    own = replace(_own(program, source, text, scoring, asked, improver), inner=inner.over(INNER))
    if asked.seed is None and how.store.is_file():
        with Store(how.store, readonly=True) as facts:
            own = replace(own, seed=earlier_seed(facts, own) or own.seed)
    _try_scorer(own, text)
    trial = agree(own, {improver.digest: improver.text}.__getitem__, spending.limits(), how)
    with Store(how.store) as facts:
        facts.keep(text)
        facts.keep(improver.text)
        wanted = {} if output is None else {"output": str(output.resolve())}
        document = begin(facts, own, asked.seed, spending, how, trial, **wanted)
    hand_out(document, source, output)
    end(document)


def _try_scorer(own: Own, start: str) -> None:
    """Have the scorer make instances once, or the cases and their checker be read, before a run is made. UsageError for what
    cannot be, and where nothing says what is wanted."""
    from selftaught.lab.patience import waited
    from selftaught.runs.scorers import look_at
    from selftaught.tasks.own import ScorerTask

    def look() -> None:
        look_at(own)
        if own.form in {"function", "modules"}:
            task = ScorerTask(own, start)
            once, again = (task.sample("first look", "train", 0, "practice") for _ in range(2))
            task.sample("first look", "test", 0, "judged")
            if [repr(one.args) for one in once] != [repr(one.args) for one in again]:
                raise UsageError(
                    f"{own.scorer}: instances(split, seed) gave others the second time: draw them by the seed alone, e.g. by "
                    "random.Random(seed)"
                )
            if task.arrays:
                tell(
                    "arrays of numpy among the arguments are given to the program as lists, and those it returns are lists"
                )

    waited(own.checker or f"{own.scorer}: its instances", look, lambda: None, tell)


def _improver_for(source: Path) -> str:
    """The improver that the project has the best evidence for (docs/results.md), or the one for files that are no Python."""
    from selftaught.improvers import ANY_LANGUAGE, BEST

    return BEST if source.suffix == ".py" else ANY_LANGUAGE


def _own(program: Path, source: Path, text: str, scoring: Scoring, asked: Asked, improver: Program) -> Own:
    """What is asked, from the options."""
    from selftaught.lab.metrics import Rule
    from selftaught.runs.folders import Config
    from selftaught.settings.own import Own

    if scoring.proposer is not None:
        raise UsageError(
            "improve makes no improver, so --proposer, who writes those, has nothing to do: make one on a task of yours by "
            "`selftaught run --tasks FILE.py --proposer MODEL`, then take it: `selftaught improve … --improver run:N`"
        )
    for one in scoring.file or ():
        if not one.exists():
            raise UsageError(f"there is no {one}, which --file names")
    if scoring.file and scoring.score_command is None and scoring.cases is None:
        raise UsageError(
            "--file is for --score-command and --cases; with --score what the scorer reads is found, and a program of several "
            "files is improved as a folder: improve FOLDER --score FILE.py --entry module.py:function"
        )
    files = tuple(str(one.resolve()) for one in scoring.file or ())
    own = Own(
        _digest(text),
        str(source.resolve()),
        str((scoring.cases or scoring.score or program).resolve()),
        improver.digest,
        about=_about(scoring.about),
        minimize=scoring.minimize,
        metric=Rule(scoring.metric or "").text,
        packages=tuple(scoring.packages) if scoring.packages else None,
        files=files or None,
        rounds=scoring.rounds,
        repeat=scoring.repeat,
        on_attempt=scoring.on_attempt,
        **asked.settings(),
    )
    if scoring.score_command is not None:
        own = replace(
            own, form="command", scorer=_words("score-command", scoring.score_command), cpu_s=60.0, memory_mb=4096
        )
        own = replace(own, form="files", entry=" ".join(scoring.entry or ())) if program.is_dir() else own
    elif scoring.cases is not None:
        checker = "" if scoring.score is None else str(scoring.score.resolve())
        own = replace(own, form="cases", run=_words("run", scoring.run or ""), checker=checker)
    elif program.is_dir() and scoring.score is not None:
        own = replace(own, form="modules", entry=" ".join(scoring.entry or ()))
    elif program.is_dir():
        own = replace(own, form="folder", cpu_s=Config.read(program).timeout or 60.0, memory_mb=4096)
    else:
        own = replace(own, entry=_one(scoring.entry) or _only(source, text))
    own = own if scoring.program_cpu_s is None else replace(own, cpu_s=scoring.program_cpu_s)
    return own if scoring.program_mb is None else replace(own, memory_mb=scoring.program_mb)


def _several(program: Path, scoring: Scoring) -> bool:
    """Whether parts of several files change."""
    return (
        program.is_dir() and scoring.cases is None and (scoring.score_command is not None or scoring.score is not None)
    )


def _one(entries: list[str] | None) -> str | None:
    if entries and len(entries) > 1:
        raise UsageError(f"--entry names {', '.join(entries)}: of one file one function is improved")
    return entries[0] if entries else None


def _one_way(program: Path, scoring: Scoring) -> None:
    """Raise UsageError where not just one thing says what scores the program, or what is said does not go together."""
    own = program.is_dir() and not _several(program, scoring)
    functions = scoring.score is not None and scoring.cases is None
    ways = [functions, scoring.score_command is not None, scoring.cases is not None, own]
    if sum(ways) != 1:
        raise UsageError(
            "say by one thing what scores the program: --score FILE.py, --score-command 'COMMAND {}', --cases FOLDER with "
            "--run 'COMMAND {}', or give a folder with evaluator.py; no folder is scored by cases"
        )
    if program.is_dir() and functions and not scoring.entry:
        raise UsageError(
            "say by --entry module.py:function which function of the folder is called; the marked regions may change or, where "
            "there are none, this function and others that are named by more --entry"
        )
    if scoring.entry and not functions and not (program.is_dir() and scoring.score_command):
        raise UsageError("--entry names a function for --score FILE.py, or functions of a folder for --score-command")
    if (scoring.run is None) != (scoring.cases is None):
        raise UsageError("--run says how a program is run on --cases: give both, e.g. --run 'awk -f {}' --cases cases")
    if scoring.cases is not None and not scoring.score and (scoring.minimize or scoring.metric):
        raise UsageError(
            "what counts of --cases is the share that is right: leave out --minimize and --metric, or say by --score FILE.py "
            "how what is printed is scored"
        )


def _words(option: str, text: str) -> str:
    """A command as a JSON list of words."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--{option} cannot be read: {error}") from error
    if signs := [word for word in words if word in {"|", "||", "&&", ";", "&", ">", ">>", "<"}]:
        raise UsageError(f"--{option} has {signs[0]}, and no shell reads it: say sh -c '{text}'")
    if not any("{}" in word for word in words):
        raise UsageError(f"--{option} has no {{}}: it stands for the file of the program, e.g. 'sh score.sh {{}}'")
    return json.dumps(words)


def _digest(text: str) -> str:
    from selftaught.program import Program

    return Program(text).digest


def _source(program: Path) -> Path:
    """The file of the program: of a folder, the one that it begins with."""
    if not program.is_dir():
        return program
    from selftaught.runs.folders import program_of

    return program_of(program)


def _only(source: Path, text: str) -> str:
    """The only function at the top of the user's own file."""
    from selftaught.improvers import functions

    found = functions(text, str(source))
    if len(found) != 1:
        there = f"it has {', '.join(found)}" if found else "it has none (a `def` at the top level)"
        raise UsageError(f"say by --entry which function of {source} is to be improved: {there}")
    return found[0]


def _about(given: str | None) -> str:
    if given is None:
        return ""
    path = Path(given)
    try:
        return path.read_text(encoding="utf-8") if len(given) < 1000 and path.is_file() else given
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error


class CandidateRow(TypedDict):
    """A program that was scored: `selftaught candidates RUN --json` is a list of these."""

    program: str
    """Its digest; the first digits are enough to name it."""
    score: float | None
    """For practice, in the scorer's own unit; null where it has none."""
    reason: str | None
    """Why it has none."""


@command()
def candidates(
    number: RunNumber,
    kept: Kept,
    program: Annotated[str | None, typer.Argument(help="Print this one: the first digits of its digest.")] = None,
) -> None:
    """List every program that `improve` has scored in a run, the best first, or print one."""
    from selftaught.program import Program
    from selftaught.runs import assignment
    from selftaught.runs.own import scored
    from selftaught.settings.own import Own

    with looked_at(kept) as facts:
        record = facts.run(number)
        asked = assignment(record)
        if not isinstance(asked, Own):
            raise UsageError(f"run {record.id} improved no program: `show` tells what it did")
        found = dict(scored(facts, number)[::-1])
        if program is not None:
            which = [name for name in found if name.startswith(program)]
            if len(which) != 1:
                raise UsageError(f"run {number} has {len(which)} programs whose digest begins with {program!r}")
            show_program(Program(facts.text(which[0])), kept.json)
            return
    sign = -1 if asked.minimize else 1
    order = sorted(found, key=lambda name: (found[name]["value"] is None, -sign * (found[name]["value"] or 0.0), name))
    rows = [CandidateRow(program=name, score=found[name]["value"], reason=found[name]["reason"]) for name in order]
    show_rows([{**row, "program": row["program"][:10]} for row in rows] if not kept.json else rows, kept.json)
