"""What there is in the box, and what this machine can do."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Annotated, NoReturn, TypedDict, cast

import typer

from selftaught.cli.completion import improver_names, task_names
from selftaught.cli.declare import command
from selftaught.cli.options import Json, Served
from selftaught.cli.terminal import line, show_program, show_rows, steps
from selftaught.errors import UsageError
from selftaught.views.terminal import write

if TYPE_CHECKING:
    from selftaught.models.providers import Entry
    from selftaught.sandbox.doctor import Check
    from selftaught.settings.choice import ModelChoice


class TaskRow(TypedDict):
    """A task in the box: `selftaught tasks --json` is a list of these."""

    task: str
    """Its name."""
    about: str


class WholeTask(TaskRow):
    """A task, whole: `selftaught tasks TASK --json` is a list of these."""

    description: str
    """What the model is told."""
    start: str
    """The start solution."""


class ModelRow(TypedDict):
    """A model: `selftaught models --json` is a list of these."""

    name: str
    what: str
    needs: str
    ready: bool
    """Whether it can be used here and now, all that it needs included."""
    missing: str
    """What is not there."""
    good_for: str
    """Which level of a run it suits, in a word; either can be asked of any: `--proposer` and `--model`."""


class TriedRow(TypedDict):
    """What one try of a model came to: `selftaught models --try NAME --json` is a list of one of these."""

    model: str
    failure: str
    """Why there is no answer; empty where there is one."""
    seconds: float
    """To the whole answer."""
    tokens_in: int
    tokens_out: int
    dollars: float | None
    """Null: the price is not known."""
    several: bool | None
    """Whether one request brings several answers; null, as in the next two: not known, as nothing was answered."""
    streams: bool | None
    temperature: bool | None
    """Whether it takes one."""
    text: str
    """How the answer begins."""


class ImproverRow(TypedDict):
    """An improver in the box: `selftaught improvers --json` is a list of these."""

    improver: str
    """Its name."""
    about: str


class CheckRow(TypedDict):
    """Something that was looked at: `selftaught doctor --json` is a list of these."""

    name: str
    ok: bool
    detail: str
    mend: str
    """What to do; empty when nothing needs doing."""


@command("tasks")
def list_tasks(
    spec: Annotated[
        str | None,
        typer.Argument(help="Show these tasks whole: a name, a family or a file.", autocompletion=task_names),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides what is drawn: targets of families.")] = 0,
    check: Annotated[
        bool,
        typer.Option("--check", help="Try these tasks, or the scorer of `improve` in a file, and say what is wrong."),
    ] = False,
    json: Json = False,
) -> None:
    """List the built-in tasks, show some whole, or try some. Exit code 1 when one that is tried is not right."""
    from selftaught.lab.interface import about_task
    from selftaught.tasks import load, names

    if check:
        _check(spec, seed, json)
    if spec is not None:
        found: list[WholeTask] = [
            {"task": one.name, "about": one.summary, "description": about_task(one), "start": one.start}
            for one in load(spec, seed)
        ]
        if json:
            show_rows(found, json)
            return
        for one in found:
            write(f"{one['task']}: {one['about']}\n\n{one['description']}\n\n{one['start']}", end="\n")
        return
    rows: list[TaskRow] = [{"task": name, "about": summary} for name, summary in names().items()]
    show_rows(rows, json)


def _check(spec: str | None, seed: int, as_json: bool) -> NoReturn:
    """Try tasks, show what was found, one line each, and end with 0 when all is right."""
    from selftaught.plain import is_file
    from selftaught.tasks import file_of, load
    from selftaught.tasks.checking import checked

    if spec is None:
        raise UsageError("say which tasks to try: a name, or a file as `selftaught new task NAME` writes one")
    path = file_of(spec)
    if path is None:
        load(spec, seed)  # a name that is not there is no finding
    elif not is_file(path):
        raise UsageError(f"there is no file {path}: `selftaught new task NAME` writes one")
    with steps() as say:
        found = checked(spec, seed, say)
    if as_json:
        print(dumps([one.plain() for one in found]))
    for one in found if not as_json else ():
        whose = f"{one.task}: " if one.task else ""
        write(
            line(f"{'right' if one.ok else 'WRONG'} {whose}{one.look}: {one.detail}{one.mend and f'; {one.mend}'}"),
            end="\n",
        )
    raise typer.Exit(0 if all(one.ok for one in found) else 1)


@command("models")
def list_models(
    reached: Served,
    tried: Annotated[
        str | None,
        typer.Option("--try", metavar="NAME", help="Ask this model two short questions, and tell what came of it."),
    ] = None,
    json: Json = False,
) -> None:
    """List the models and what each needs, or try one; servers on this machine are asked which they have."""
    from selftaught.models.local import running
    from selftaught.models.providers import catalogue

    if tried is None:
        show_rows([_model(one) for one in catalogue(running())], json)
        return
    found = _tried(reached.choice(tried))
    unknown = (
        {} if json else {name: "not known" for name in ("several", "streams", "temperature") if found[name] is None}
    )
    show_rows([{**found, **unknown}], json)
    if found["failure"]:
        raise typer.Exit(1)


def _model(one: Entry) -> ModelRow:
    return {
        "name": one.name,
        "what": one.what,
        "needs": one.needs,
        "ready": one.ready,
        "missing": one.missing,
        "good_for": one.good_for,
    }


def _tried(choice: ModelChoice) -> TriedRow:
    from selftaught.models.probe import probe

    return cast("TriedRow", probe(choice).plain())


@command("improvers")
def list_improvers(
    name: Annotated[
        str | None, typer.Argument(help="Print this improver's program.", autocompletion=improver_names)
    ] = None,
    json: Json = False,
) -> None:
    """List the improvers in the box, apart from them those that language models wrote, or print one."""
    from selftaught.improvers import found, load, names

    if name is not None:
        show_program(load(name), json)
        return
    box, shelf = ([_improver(one, load(one).text) for one in some] for some in (names(), found()))
    if json:
        show_rows(box + shelf, json)
        return
    show_rows(box, json)
    write("Written by language models; each program says by which, from what, and with what evidence:", end="\n")
    show_rows(shelf, json)


@command()
def doctor(json: Json = False) -> None:
    """Tell what this machine can do, and how to mend what it cannot. Exit code 3 when generated code cannot be held."""
    from selftaught.sandbox.doctor import diagnose

    checks = diagnose()
    show_rows([_looked(one) for one in checks], json)
    holds = any(check.name == "level strict" and check.ok for check in checks)
    raise typer.Exit(0 if holds else 3)


def _looked(one: Check) -> CheckRow:
    return {"name": one.name, "ok": one.ok, "detail": one.detail, "mend": one.mend}


def _improver(name: str, text: str) -> ImproverRow:
    """A row of the list; one that says nothing of itself has a head that does."""
    return {"improver": name, "about": _docstring(text) or text.partition("\n")[0].lstrip("# ")}


def _docstring(text: str) -> str:
    """The first line of what a program says of itself."""
    import ast

    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == "improve_algorithm":
            return (ast.get_docstring(node) or "").split("\n")[0]
    return ""
