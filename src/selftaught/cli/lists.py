"""What there is in the box, and what this machine can do."""

from __future__ import annotations

from typing import Annotated

import typer

from selftaught.cli.declare import command
from selftaught.cli.options import Json, improver_names, task_names
from selftaught.cli.terminal import show_program, show_rows


@command("tasks")
def list_tasks(
    spec: Annotated[
        str | None,
        typer.Argument(help="Show these tasks whole: a name, a family or a file.", autocompletion=task_names),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides what is drawn: targets of families.")] = 0,
    json: Json = False,
) -> None:
    """List the built-in tasks, or show some whole: what the model is told, and the start solution."""
    from selftaught.interface import about_task
    from selftaught.tasks import load, names

    if spec is not None:
        found = [
            {"task": one.name, "about": one.summary, "description": about_task(one), "start": one.start}
            for one in load(spec, seed)
        ]
        if json:
            show_rows(found, json)
            return
        for one in found:
            print(f"{one['task']}: {one['about']}\n\n{one['description']}\n\n{one['start']}")
        return
    show_rows([{"task": name, "about": summary} for name, summary in names().items()], json)


@command("models")
def list_models(json: Json = False) -> None:
    """List the models and what each needs; servers on this machine are asked which they have."""
    from dataclasses import asdict

    from selftaught.models.local import running
    from selftaught.models.providers import catalogue

    show_rows([asdict(one) for one in catalogue(running())], json)


@command("improvers")
def list_improvers(
    name: Annotated[
        str | None, typer.Argument(help="Print this improver's program.", autocompletion=improver_names)
    ] = None,
    json: Json = False,
) -> None:
    """List the improvers in the box, or print one."""
    from selftaught.improvers import load, names

    if name is not None:
        show_program(load(name), json)
        return
    show_rows([{"improver": one, "about": _docstring(load(one).text)} for one in names()], json)


@command()
def doctor(json: Json = False) -> None:
    """Tell what this machine can do, and how to mend what it cannot. Exit code 3 when generated code cannot be held."""
    from dataclasses import asdict

    from selftaught.sandbox.doctor import diagnose

    checks = diagnose()
    show_rows([asdict(check) for check in checks], json)
    holds = any(check.name == "level strict" and check.ok for check in checks)
    raise typer.Exit(0 if holds else 3)


def _docstring(text: str) -> str:
    """The first line of what a program says of itself."""
    import ast

    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == "improve_algorithm":
            return (ast.get_docstring(node) or "").split("\n")[0]
    return ""
