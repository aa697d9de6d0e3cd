"""The way in from Python: open a lab, improve a program, run a recursion, compare improvers; results are plain values.

with open_lab("offline", store="lab.db") as lab:
    found = improve_program(lab, my_program, my_task)
    better = improve_file(lab, "pack.py", "score.py")["program"]
    better = improve_text(lab, "Answer briefly.", my_evaluator, about="A prompt that …")["program"]
    document = run_recursion(lab, tasks=["lpn"], rounds=2)
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from selftaught.budget import Allowance
from selftaught.budget.spend import Spend, SpendLimits
from selftaught.errors import UsageError
from selftaught.evidence.contest import ContestDocument
from selftaught.evidence.own import OwnDocument
from selftaught.evidence.report import RunDocument
from selftaught.improver import Improvement, improve
from selftaught.improvers import ANY_LANGUAGE, BEST, functions, load
from selftaught.lab import Lab
from selftaught.lab.metrics import Rule
from selftaught.models import LanguageModel
from selftaught.plain import JSON, SEED_BITS
from selftaught.program import MAX_CHARS, Program, text_of
from selftaught.runs.carry import carry_in
from selftaught.runs.handles import open_handles
from selftaught.runs.model import Models, open_model
from selftaught.runs.own import Judges, conducted
from selftaught.sandbox import Sandbox
from selftaught.sandbox.levels import known
from selftaught.settings import Contest, Controls, Entrant, Settings, changed
from selftaught.settings.choice import ModelChoice
from selftaught.settings.own import Own
from selftaught.settings.stored import OnAttempt
from selftaught.store import Store
from selftaught.task import Task
from selftaught.tasks import checked, spec_of
from selftaught.tasks.evaluated import HEAD, UNHELD, EvaluatorUtility, TextsUtility, source_of
from selftaught.tasks.whole import Aim
from selftaught.utility import TaskUtility, Utility


def _fits(name: str, value: object, needed: str, fits: bool) -> None:
    if not fits:
        raise UsageError(f"{name} is {value!r}: {needed} is needed")


def _is_open(lab: Lab) -> None:
    if lab.stopping.is_set():
        raise UsageError("the lab is closed: use it within the block that has opened it")


@contextmanager
def open_lab(
    model: str | ModelChoice | LanguageModel = "offline",
    store: str | Path = ".selftaught/store.db",
    *,
    seed: int | None = None,
    sandbox: str = "strict",
    limits: SpendLimits | None = None,
    proposer: str | ModelChoice | LanguageModel | None = None,
    concurrency: int | None = None,
    share_cores: bool = False,
) -> Generator[Lab]:
    """A lab, closed again at the end of the block.

    `model` is `provider:model` as on the command line, a `ModelChoice` that also says where and with what it is asked, or a
    model of your own, and so is `proposer`, which writes improvers where that is not the same; `concurrency` bounds the
    requests to either at once. `store` is a file that keeps every fact;
    `seed`, a whole number from 0, decides instances and chance of what is done in the lab itself, and of its runs where they
    are given none; where none is given it is drawn (`lab.seed` tells it). `sandbox` is the level. A model on this machine
    takes turns with scoring, unless they are to `share_cores`.
    Raises UsageError, SandboxRefused or ModelFailure, each with what to do.
    """
    known(sandbox)
    _fits("seed", seed, "a whole number from 0", seed is None or (type(seed) is int and seed >= 0))
    at_once = concurrency is None or (type(concurrency) is int and concurrency >= 1)
    _fits("concurrency", concurrency, "a whole number from 1", at_once)
    _fits("limits", limits, "SpendLimits(…)", isinstance(cast("object", limits or SpendLimits()), SpendLimits))
    for name, one in (("model", model), ("proposer", proposer)):
        asked = one is None or isinstance(one, str | ModelChoice) or callable(getattr(one, "complete", None))
        _fits(name, one, "provider:model, a ModelChoice or a model of your own", asked)
    spend = Spend(limits or SpendLimits())
    worker = ModelChoice(model) if isinstance(model, str) else model
    writer = ModelChoice(proposer) if isinstance(proposer, str) else proposer

    def opened(one: ModelChoice | LanguageModel, within: Sandbox | None) -> LanguageModel:
        return open_model(one, within, spend.limits, concurrency=concurrency) if isinstance(one, ModelChoice) else one

    def opening(within: Sandbox | None) -> Models:
        return opened(worker, within), writer and opened(writer, within)

    for one in (worker, writer):
        if isinstance(one, ModelChoice):
            opened(one, None).close()  # what cannot be opened leaves no store
    own = secrets.randbits(SEED_BITS) if seed is None else seed
    handles = open_handles(opening, kept := Store(Path(store)), sandbox, own, spend=spend, share_cores=share_cores)
    with kept, handles as lab:
        yield lab


def improve_program(
    lab: Lab,
    start: str | Program,
    score: Task | Utility,
    improver: str | Program = "seed",
    allowance: Allowance | None = None,
    repetition: int = 0,
) -> Improvement:
    """One improver at work on one program: s' = I(u, s, L) (paper, section 3).

    `score` is a task, whose practice instances judge, or a utility; `improver` a name of the box, a file or a program.
    Another `repetition` has other instances and other answers. What the improver made, and what it used, comes back; a
    failure of the improver is in it as a value.
    """
    _is_open(lab)
    given: object = score
    _fits("score", given, "a task, or a utility", isinstance(given, Task) or callable(getattr(given, "score", None)))
    program = Program(start) if isinstance(start, str) else start
    if isinstance(score, Task):
        checked(score, "improve_program")
    utility = TaskUtility(lab, score, "train", repetition, "practice") if isinstance(score, Task) else score
    stream: list[JSON] = ["program", lab.roots.streams, repetition]
    return improve(lab, _improver(improver), program, utility, stream, allowance or Allowance())


def improve_file(
    lab: Lab,
    program: str | Path,
    scorer: str | Path,
    *,
    entry: str | None = None,
    about: str = "",
    improver: str | Program = BEST,
    minimize: bool = False,
    metric: str = "",
    rounds: int = 1,
    repeat: int = 16,
    on_attempt: OnAttempt = "record",
    allowance: Allowance | None = None,
    packages: Sequence[str] = (),
    seed: int | None = None,
    anyway: bool = False,
) -> OwnDocument:
    """A program of your own improved by the functions of a scorer; the document that `selftaught improve --json` prints.

    `program` is a file, which stays as it is: the better text is in the document, as `program`. `scorer` is a file with
    `instances(split, seed)` and `score(instance, answer)`. `entry` is needed where the program has several functions; `anyway`
    goes on also where a first look shows that nothing can come of it.
    """
    for name, one in (("program", program), ("scorer", scorer)):
        _fits(name, one, "the path of a file", isinstance(cast("object", one), str | Path))
    _fits("packages", packages, "a list of names", not isinstance(packages, str))
    source = Path(program)
    text = text_of(source)
    there = [entry] if entry else functions(text, str(source))
    if len(there) != 1:
        raise UsageError(
            f"say by entry= which function of {source} is to be improved: it has {', '.join(there) or 'none'}"
        )
    worker = _improver(improver)
    asked = Own(
        lab.store.keep(text),
        str(source.resolve()),
        str(Path(scorer).resolve()),
        lab.store.keep(worker.text),
        entry=there[0],
        about=about,
        minimize=minimize,
        metric=Rule(metric).text,
        packages=tuple(packages) or None,
        rounds=rounds,
        repeat=repeat,
        on_attempt=on_attempt,
        **_of(lab, seed),
    )
    return cast("OwnDocument", carry_in(lab, asked if allowance is None else replace(asked, inner=allowance), anyway))


def improve_text(
    lab: Lab,
    candidate: str | Mapping[str, str],
    evaluator: Callable[..., Any],
    *,
    about: str,
    dataset: Sequence[Any] | None = None,
    test_set: Sequence[Any] | None = None,
    minimize: bool = False,
    improver: str | Program = ANY_LANGUAGE,
    rounds: int = 1,
    allowance: Allowance | None = None,
    name: str = "text",
    version: str = "",
    at_once: int = 1,
    seed: int | None = None,
    anyway: bool = False,
) -> OwnDocument:
    """A text (a prompt, a program, a configuration) improved by a function of your own that scores it, as GEPA calls them.

    `evaluator(candidate)`, or `evaluator(candidate, example)` for each of the `dataset`, returns a score of any size,
    or a score and a dict, which the model is told as feedback. It runs in this process, one call `at_once` unless you
    say that more may: nothing of the text is executed by this package, and what your function does with it is yours
    to hold. What it raises is the reason why a text has no score. `candidate` may be several texts by name: the
    function is given such a dict, and `files` of the document are those that were changed. `test_set` are examples
    that nothing is chosen by. `anyway` is that of `improve_file`.

    Scores are kept under the text, the file that the function comes from, which of it it is and the values that it holds, the
    examples, the files that it reads and `version`: change that where what it reaches over a connection has changed.
    """
    _askable(about, dataset, test_set)
    worker, text = _improver(improver), _one_text(candidate)
    source, turns, start = source_of(evaluator, version), threading.Semaphore(at_once), Program(text)
    kind = EvaluatorUtility if isinstance(candidate, str) else TextsUtility
    where = str(getattr(evaluator, "__qualname__", type(evaluator).__qualname__))
    asked = Own(
        lab.store.keep(text),
        name,
        where,
        lab.store.keep(worker.text),
        form="evaluator",
        about=about,
        minimize=minimize,
        rounds=rounds,
        **_of(lab, seed),
    )

    def conduct(own: Lab, asked: Own) -> dict[str, Any]:
        def judge(examples: Sequence[Any] | None) -> EvaluatorUtility:
            return kind(own, evaluator, source, examples, start, Aim(about.strip(), minimize), turns)

        return conducted(own, asked, Judges(judge(dataset), None if test_set is None else judge(test_set), UNHELD))

    asked = asked if allowance is None else replace(asked, inner=allowance)
    return cast("OwnDocument", carry_in(lab, asked, anyway, conduct))


def _askable(about: str, dataset: Sequence[Any] | None, test_set: Sequence[Any] | None) -> None:
    """UsageError where a text cannot be improved with what is given beside it."""
    if dataset is not None and not dataset:
        raise UsageError("the dataset is empty: leave it out where the evaluator is given the candidate alone")
    if test_set is not None and dataset is None:
        raise UsageError(
            "there is a test_set and no dataset: what is chosen by is of the same kind as what it is compared on"
        )
    if not about.strip():
        raise UsageError("say by about= what is wanted of the text: the model is told it")


def _one_text(candidate: str | Mapping[str, str]) -> str:
    """The text to begin with; of several, each after a line with its name. UsageError for what can be none."""
    given: object = candidate
    texts = [given] if not isinstance(given, Mapping) else [*cast("Mapping[object, object]", given).values()]
    _fits("candidate", given, "a text, or a dict of texts by name", all(isinstance(one, str) for one in texts))
    several = {} if isinstance(candidate, str) else {str(name): text for name, text in candidate.items()}
    if wrong := [name for name in several if not re.fullmatch(r"[\w.]{1,200}", name)]:
        raise UsageError(f"a text of the candidate is called {wrong[0]!r}: letters, digits, _ and . make a name")
    named = [f"# ===== {HEAD}:{name} =====\n{text}" for name, text in several.items()]
    text = candidate if isinstance(candidate, str) else "\n".join(named)
    if not text.strip() or len(text) > MAX_CHARS:
        raise UsageError(f"the candidate is empty, or longer than {MAX_CHARS:,} characters")
    return text


def run_recursion(
    lab: Lab,
    improver: str | Program = "seed",
    *,
    tasks: Sequence[str | Task] = Settings("").tasks,
    test_tasks: Sequence[str | Task] | None = None,
    rounds: int = Settings("").rounds,
    controls: Controls = "basic",
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    anyway: bool = False,
) -> RunDocument:
    """A recursion from a seed improver, and its comparison with the controls; its document, as `run --json` prints it.

    A task is named as on the command line, or is one of your own, of a class at the top of a .py file. `seed` is the lab's
    where none is given; `settings` are further fields of `Settings`, e.g. `{"accept": "paper"}`; `anyway` goes on also where a
    first look shows that nothing can come of it.
    The run is kept in the lab's store, where `selftaught show` finds it.
    """
    program = _improver(improver)
    asked = Settings(
        program.digest,
        tasks=_specs("tasks", tasks),
        test_tasks=_specs("test_tasks", tasks if test_tasks is None else test_tasks),
        rounds=rounds,
        controls=controls,
        proposer=_choice(lab.proposer) if lab.proposer else None,
        hints=lab.proposer is not None,
        **_of(lab, seed),
    )
    asked = changed(asked, settings or {})
    lab.store.keep(program.text)
    return cast("RunDocument", carry_in(lab, asked, anyway))


def compare_improvers(
    lab: Lab,
    improvers: Sequence[str] | Mapping[str, str | Program],
    *,
    tasks: Sequence[str | Task] = ("formula:test",),
    repetitions: int = 10,
    seed: int | None = None,
    inner: Allowance | None = None,
    margin: float | None = None,
    anyway: bool = False,
) -> ContestDocument:
    """Improvers side by side on tasks at equal allowances, paired; the document that `compare --json` prints.

    `improvers` are names or files, or programs by the names that the tables are to use; the first is the reference.
    Tasks and `anyway` are given as to `run_recursion`.
    """
    if isinstance(improvers, str):
        raise UsageError(f"improvers is the text {improvers!r}: give a list of names, e.g. [{improvers!r}]")
    named = improvers.items() if isinstance(improvers, Mapping) else [(name, name) for name in improvers]
    programs = [(name, _improver(one)) for name, one in named]
    asked = Contest(
        tuple(Entrant(name, program.digest) for name, program in programs),
        tasks=_specs("tasks", tasks),
        repetitions=repetitions,
        margin=margin,
        **_of(lab, seed),
    )
    asked = asked if inner is None else replace(asked, inner=inner)
    for _, program in programs:
        lab.store.keep(program.text)
    return cast("ContestDocument", carry_in(lab, asked, anyway))


def _specs(name: str, given: Sequence[str | Task]) -> tuple[str, ...]:
    """Tasks as a run's settings name them."""
    if isinstance(given, str | Task):
        raise UsageError(f"{name} is one task and no list: write {name}=[…]")
    return tuple(spec_of(one) if isinstance(one, Task) else one for one in given)


def _of(lab: Lab, seed: int | None) -> dict[str, Any]:
    """What a run's settings take from the lab that it is made in."""
    _is_open(lab)
    return {"model": _choice(lab.model), "seed": lab.seed if seed is None else seed}


def _choice(model: LanguageModel) -> ModelChoice:
    return ModelChoice.read({"model": model.name, **model.parameters})


def _improver(given: str | Program) -> Program:
    if isinstance(given, Program):
        return given
    if "\n" in given:
        raise UsageError("an improver is given as its name, its file, or a Program: wrap a text in Program(...)")
    return load(given)
