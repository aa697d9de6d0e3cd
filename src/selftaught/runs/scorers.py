"""What scores a whole file of the user's: a command, or the evaluator of an OpenEvolve folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from selftaught.errors import UsageError
from selftaught.lab import Lab
from selftaught.lab.metrics import Rule
from selftaught.program import Program
from selftaught.runs.folders import EVALUATOR, Config, described, packages_of
from selftaught.runs.targets import FilesUtility, ModulesTask, ModulesUtility, Target, changing, visible
from selftaught.sandbox import tool
from selftaught.sandbox.command import Command
from selftaught.sandbox.jail import GUEST
from selftaught.settings.own import Own
from selftaught.tasks.cases import Case, CasesUtility, CheckedUtility, Checker, OnCases, read, split
from selftaught.tasks.commanded import CommandUtility
from selftaught.tasks.whole import Aim, Scoring

_log = logging.getLogger(__name__)
_PROGRAM = "evolved_program"
"""What the program is called that an evaluator is given, before its suffix."""
EVALUATING = GUEST / "evaluating.py"
_WAITING = 10
"""So many times the CPU time may pass by the clock."""


def look_at(asked: Own) -> None:
    """UsageError where nothing says what is wanted by a command or of cases, or where the cases cannot be read."""
    if asked.form in {"command", "files"} and not asked.about.strip():
        raise UsageError("a command does not say what is wanted of the program: say it by --about TEXT or --about FILE")
    if asked.form == "cases":
        checker = _checker(asked)
        if not (asked.about.strip() or (checker and checker.about)):
            raise UsageError("cases do not say what is wanted of the program: say it by --about TEXT or --about FILE")
        read(Path(asked.scorer), checker is not None)


def _checker(asked: Own) -> Checker | None:
    return Checker(Path(asked.checker), Rule(asked.metric)) if asked.checker else None


def commanded(lab: Lab, asked: Own, start: Program) -> CommandUtility:
    """The command that scores the program."""
    look_at(asked)
    aim = Aim(asked.about, asked.minimize, Rule(asked.metric))
    if asked.form == "files":
        folder = Path(asked.name)
        scoring = replace(command(asked), inside=tuple(visible(folder)))
        return FilesUtility(lab, scoring, start, aim, Target(lab, folder, asked.entry.split()))
    return CommandUtility(lab, command(asked), start, aim)


def command(asked: Own) -> Command:
    """The command, with what it sees and how far it may go."""
    words: list[str] = json.loads(asked.scorer)
    mounts = tuple(Path(one) for one in asked.files or ())
    limits = asked.cpu_s, _WAITING * asked.cpu_s + 5, asked.memory_mb
    return Command(tuple(words), Path(asked.name).name, mounts, (), asked.packages or (), *limits)


def modular(lab: Lab, asked: Own, start: Program) -> tuple[ModulesUtility, ModulesUtility | None]:
    """Parts of a folder, a function of which is called: on what is chosen by, and on what is held out, where that differs."""
    folder = Path(asked.name)
    target = Target(lab, folder, changing(folder, asked.entry.split()))
    task = ModulesTask(asked, start.text, target)
    seen = ModulesUtility(lab, task, start, target, "train", "practice")
    unseen = ModulesUtility(lab, task, start, target, "test", "judged")
    return seen, None if repr(seen.instances) == repr(unseen.instances) else unseen


def cased(lab: Lab, asked: Own, start: Program) -> tuple[OnCases, OnCases | None]:
    """The cases to practise on, and those that are held out, where there are several."""
    look_at(asked)
    rule, checker = Rule(asked.metric), _checker(asked)
    about = asked.about.strip() or (checker.about if checker else "")
    words: list[str] = json.loads(asked.run)
    files = tuple(Path(one) for one in asked.files or ())
    limits = asked.cpu_s, _WAITING * asked.cpu_s + 5, asked.memory_mb
    running = Command(tuple(words), Path(asked.name).name, files, (), asked.packages or (), *limits)

    def over(cases: Sequence[Case]) -> OnCases:
        if checker is None:
            made = CasesUtility(lab, running, start, Aim(asked.about))
        else:
            made = CheckedUtility(lab, running, start, Aim(about, asked.minimize, rule))
            made.checker = checker
        made.cases = cases
        return made

    practice, unseen = split(read(Path(asked.scorer), checker is not None))
    return over(practice), over(unseen) if unseen else None


def foldered(lab: Lab, asked: Own, start: Program) -> FolderUtility:
    """The evaluator of a folder."""
    folder, program = Path(asked.scorer), Path(asked.name)
    config = Config.read(folder)
    about = asked.about.strip() or config.system_message or described(lab, folder)
    if not about:
        raise UsageError(
            f"{folder} does not say what is wanted: it has no config.yaml with a system_message, and {EVALUATOR} no "
            "docstring, so say it by --about"
        )
    file = f"{_PROGRAM}{program.suffix}"
    told: dict[str, Any] = {
        "evaluator": EVALUATOR,
        "program": file,
        "cascade": config.cascade,
        "thresholds": [*config.thresholds],
    }
    words = ("python3", EVALUATING.name, json.dumps(told))
    mounts = (EVALUATING, *(Path(one) for one in sorted(folder.iterdir()) if _counts(one)))
    # A time limit of a config.yaml is by the clock there; here programs are scored side by side.
    wall_s = 2 * config.timeout + 5 if config.timeout else _WAITING * asked.cpu_s + 5
    limits = asked.cpu_s, wall_s, asked.memory_mb
    offered = tuple(sorted({*(asked.packages or ()), *packages_of(lab, folder, program)}))
    scoring = Command(words, file, mounts, (), offered, *limits)
    if not (marked := regions(lab, start.text)):
        _log.warning("%s has no EVOLVE-BLOCK marks, so all of it may change", program)
    rules = _rules(marked, offered if program.suffix == ".py" else ())
    return FolderUtility(
        lab, scoring, start, Aim("\n\n".join([about, *rules]), asked.minimize, Rule(asked.metric)), marked
    )


def _rules(marked: bool, offered: Sequence[str]) -> list[str]:
    """What is to be kept in mind of a folder's program, besides what is wanted."""
    which = (
        "Only what stands between the lines with EVOLVE-BLOCK-START and EVOLVE-BLOCK-END may change; keep these lines."
        if marked
        else "All of the program may change."
    )
    if not offered:
        return [which]
    imports = f"It may import Python's standard library, {', '.join(['numpy', *offered][:-1])} and {offered[-1]}, nothing else."
    return [f"{which} {imports}"]


def regions(lab: Lab, text: str) -> bool:
    """Whether the program to begin with has marked regions. UsageError where its marks do not come in pairs."""
    (outcome,) = lab.sandbox.run(tool("regions", "count", [(text,)]))
    found = outcome.answer if outcome.kind == "answer" else None
    if not isinstance(found, int):
        raise UsageError(
            "the marks of the program to begin with do not come in pairs: a line with EVOLVE-BLOCK-START begins each "
            "region, and one with EVOLVE-BLOCK-END ends it"
        )
    return found > 0


class FolderUtility(CommandUtility):
    """The same, of a program of which only the marked regions change, where it has any."""

    def __init__(self, lab: Lab, scoring: Command, start: Program, aim: Aim, marked: bool) -> None:
        super().__init__(lab, scoring, start, aim)
        self._marked = marked
        self._spliced = lru_cache(64)(self._splice)
        """Asked for when a program is scored, when it is told of, and when it is handed out."""

    def whole(self, program: Program) -> Program:
        text, wrong = self._spliced(program)
        return program if wrong else Program(text)

    def _ready(self, program: Program) -> tuple[Mapping[str, str], str]:
        _, wrong = super()._ready(program)
        text, wrong = ("", wrong) if wrong else self._spliced(program)
        return {self._command.file: text}, wrong

    def _scored(self, program: Program) -> Scoring:
        found = super()._scored(program)
        text, wrong = self._spliced(program)
        if wrong or text == program.text:
            return found
        said = "What it changes outside of the marked regions was left out: it was scored without."
        return replace(found, notes=[*found.notes, said])

    def _splice(self, program: Program) -> tuple[str, str]:
        if not self._marked:
            return program.text, ""
        job = tool("regions", "spliced", [(self._start.text, program.text)])
        (outcome,) = self._lab.sandbox.run(job)
        if outcome.kind != "answer":
            return "", f"its regions cannot be told: {outcome.kind}"
        text, wrong = cast("list[str]", outcome.answer)
        return str(text), str(wrong)


def _counts(path: Path) -> bool:
    """Whether a file of the folder may matter to its evaluator: not what was made of the program before."""
    return not path.name.startswith((".", "__pycache__", "openevolve_output")) and ".better" not in path.name
