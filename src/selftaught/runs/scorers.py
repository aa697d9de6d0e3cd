"""What scores a whole file of the user's: a command, or the evaluator of an OpenEvolve folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from selftaught.errors import UsageError
from selftaught.lab import Lab
from selftaught.lab.metrics import Rule
from selftaught.program import Program
from selftaught.sandbox import tool
from selftaught.sandbox.command import WORK, Command, Ran
from selftaught.sandbox.jail import GUEST
from selftaught.settings.own import Own
from selftaught.tasks.cases import Case, CasesUtility, read, split
from selftaught.tasks.commanded import Aim, CommandUtility

EVALUATOR, PROGRAM = "evaluator.py", "evolved_program.py"
"""What the evaluator of a folder is called, and the program that it is given."""
EVALUATING = GUEST / "evaluating.py"
_WAITING = 10
"""So many times the CPU time may pass by the clock."""


def commanded(lab: Lab, asked: Own, start: Program) -> CommandUtility:
    """The command that scores the program. UsageError where nothing says what is wanted."""
    if not asked.about.strip():
        raise UsageError("a command does not say what is wanted of the program: say it by --about TEXT or --about FILE")
    return CommandUtility(lab, command(asked), start, Aim(asked.about, asked.minimize, Rule(asked.metric)))


def command(asked: Own) -> Command:
    """The command, with what it sees and how far it may go."""
    words: list[str] = json.loads(asked.scorer)
    mounts = tuple(Path(one) for one in asked.files or ())
    limits = asked.cpu_s, _WAITING * asked.cpu_s + 5, asked.memory_mb
    return Command(tuple(words), Path(asked.name).name, mounts, asked.packages or (), *limits)


def cased(lab: Lab, asked: Own, start: Program) -> tuple[CasesUtility, CasesUtility | None]:
    """The cases to practise on, and those that are held out, where there are several."""
    if not asked.about.strip():
        raise UsageError("cases do not say what is wanted of the program: say it by --about TEXT or --about FILE")
    words: list[str] = json.loads(asked.run)
    files = tuple(Path(one) for one in asked.files or ())
    limits = asked.cpu_s, _WAITING * asked.cpu_s + 5, asked.memory_mb
    running = Command(tuple(words), Path(asked.name).name, files, asked.packages or (), *limits)

    def over(cases: Sequence[Case]) -> CasesUtility:
        made = CasesUtility(lab, running, start, Aim(asked.about))
        made.cases = cases
        return made

    practice, unseen = split(read(Path(asked.scorer)))
    return over(practice), over(unseen) if unseen else None


def foldered(lab: Lab, asked: Own, start: Program) -> FolderUtility:
    """The evaluator of a folder."""
    folder = Path(asked.scorer)
    config = _config(folder)
    prompt, evaluator = _part(config, "prompt"), _part(config, "evaluator")
    about = asked.about or str(prompt.get("system_message") or "")
    if not about.strip():
        raise UsageError(
            f"{folder} does not say what is wanted: config.yaml has no system_message, so say it by --about"
        )
    told: dict[str, Any] = {
        "evaluator": EVALUATOR,
        "program": f"{WORK}/{PROGRAM}",
        "cascade": bool(evaluator.get("cascade_evaluation", True)),
        "thresholds": evaluator.get("cascade_thresholds") or [],
    }
    words = ("python3", EVALUATING.name, json.dumps(told))
    mounts = (EVALUATING, *(Path(one) for one in sorted(folder.iterdir()) if _counts(one)))
    limits = asked.cpu_s, _WAITING * asked.cpu_s + 5, asked.memory_mb
    scoring = Command(words, PROGRAM, mounts, asked.packages or (), *limits)
    marks = (
        "Only what stands between the lines with EVOLVE-BLOCK-START and EVOLVE-BLOCK-END may change; keep these lines."
    )
    aim = Aim(f"{about.strip()}\n\n{marks}", asked.minimize, Rule(asked.metric))
    return FolderUtility(lab, scoring, start, aim)


class FolderUtility(CommandUtility):
    """The same, of a program of which only the marked regions change."""

    def whole(self, program: Program) -> Program:
        text, wrong = self._spliced(program)
        return program if wrong else Program(text)

    def _run(self, program: Program) -> Ran:
        text, wrong = self._spliced(program)
        return Ran(1, "", wrong, 0.0) if wrong else super()._run(Program(text))

    def _spliced(self, program: Program) -> tuple[str, str]:
        job = tool("regions", "spliced", [(self._start.text, program.text)])
        (outcome,) = self._lab.sandbox.run(job)
        if outcome.kind != "answer":
            return "", f"its regions cannot be told: {outcome.kind}"
        text, wrong = cast("list[str]", outcome.answer)
        return str(text), str(wrong)


def _counts(path: Path) -> bool:
    """Whether a file of the folder may matter to its evaluator: not what was made of the program before."""
    return not path.name.startswith((".", "__pycache__", "openevolve_output")) and ".better" not in path.name


def _config(folder: Path) -> dict[str, Any]:
    """The folder's config.yaml; empty where it has none. UsageError where it cannot be read."""
    path = folder / "config.yaml"
    if not path.is_file():
        return {}
    try:
        import yaml
    except ImportError:
        raise UsageError(f"{path} is read with PyYAML: run `pip install 'selftaught[folders]'`") from None
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}: {' '.join(str(error).split())}") from error
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _part(config: dict[str, Any], name: str) -> dict[str, Any]:
    found = config.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def timeout_of(folder: Path) -> float | None:
    """Seconds that the folder's config.yaml gives an evaluation."""
    found = _part(_config(folder), "evaluator").get("timeout")
    return float(found) if isinstance(found, int | float) else None
