"""How commands are declared: options in groups, each a frozen dataclass that several commands take as one parameter."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from selftaught.cli.defaults import ENVIRONMENT, of_file
from selftaught.errors import ENDING, Interrupted, UsageError
from selftaught.views.terminal import write

EVERYDAY = "Everyday options"
WHAT = "What is done"
PROPOSER = "Model that writes improvers, where it is another (--model works inside them)"
INNER = "Budget of an improver run on a task"
OUTER = "Budget of an improver run on an improver; --calls holds for both"
SPENDING = "Spending: where the run stops, to be resumed"
WHERE = "Where and how"
_OTHER = "Options"
_DEFAULTS = (
    f"What is not given is taken from the environment ({ENVIRONMENT}STORE for --store, and so on), "
    "then from the file selftaught.toml; see docs/commands.md."
)
_ORDER = ("Arguments", EVERYDAY, WHAT, PROPOSER, INNER, OUTER, SPENDING, WHERE, _OTHER)
_HELP = {"-h", "--help"}

app = typer.Typer(
    name="selftaught",
    help="STOP, the Self-Taught Optimizer: programs that improve programs, and themselves.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused for safety, 4 budget used up, 130 interrupted.",
    invoke_without_command=True,
    context_settings={"help_option_names": sorted(_HELP)},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


Completer = Callable[[str], list[str]]
"""From the beginning of a value to the values that a shell offers."""


def option(
    group: str,
    said: str,
    metavar: str | None = None,
    completes: Completer | None = None,
    word: str | None = None,
    checked: Callable[[str], str] | None = None,
) -> Any:
    """An option of a group: its default may come from the environment and a file as well. It is called as its field is, or by a
    `word` that no field can have. `checked` gives its value back, or raises UsageError."""
    told: dict[str, Any] = {"help": said, "metavar": metavar, "autocompletion": completes, "callback": checked}
    return typer.Option(*([f"--{word}"] if word else []), rich_help_panel=group, show_envvar=False, **told)


@dataclass(frozen=True)
class Under:
    """Of a parameter that is a group: its options begin with the prefix, and stand under another title."""

    prefix: str
    group: str


class Command(TyperCommand):
    """A command whose help shows its options in their groups, and that says so where it is interrupted."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # Typer would end it without a word
            raise Interrupted(str(error) or ENDING[signal.SIGINT]) from None

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                title = "Arguments" if param.param_type_name == "argument" else getattr(param, "rich_help_panel", None)
                sections.setdefault(title or _OTHER, []).append(record)
        for title in sorted(sections, key=_ORDER.index):
            with formatter.section(title):
                formatter.write_dl(sections[title])


class Working(Command):
    """A command that may spend: it says which of its options a file has set."""

    def invoke(self, ctx: Any) -> Any:
        found = [max(param.opts, key=len) for param in self.params if _source(ctx, param) == "DEFAULT_MAP"]
        if found:
            write(f"selftaught: set by {of_file()}: {', '.join(found)}", end="\n", to=sys.stderr)
        return super().invoke(ctx)


def command(
    name: str | None = None, *, everyday: Sequence[str] = (), cls: type[Command] = Command
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command. Parameters that are dataclasses are spread over options; `everyday` ones come first."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        made, grouped = _spread(function, everyday)
        app.command(name, cls=cls, epilog=_DEFAULTS if grouped else None)(made)
        return function

    return register


def _spread(function: Callable[..., None], everyday: Sequence[str]) -> tuple[Callable[..., None], bool]:
    """A function of plain parameters that calls the one given with filled dataclasses; whether there are any."""
    groups: dict[str, tuple[type, str]] = {}
    plain: list[Parameter] = []
    hints = get_type_hints(function, include_extras=True)
    for parameter in signature(function).parameters.values():
        kind, under = _group(hints[parameter.name])
        if kind is None:
            plain.append(parameter.replace(annotation=hints[parameter.name], kind=Parameter.KEYWORD_ONLY))
        else:
            groups[parameter.name] = kind, under.prefix if under else ""
            plain += _fields(kind, under)
    plain = [_marked(one, everyday) for one in plain]
    plain.sort(key=lambda one: everyday.index(one.name) if one.name in everyday else len(everyday))

    def called(**values: Any) -> None:
        for name, (kind, prefix) in groups.items():
            values[name] = kind(**{one.name: values.pop(prefix + one.name) for one in fields(kind)})
        function(**values)

    called.__name__, called.__doc__ = function.__name__, function.__doc__
    called.__annotations__ = {one.name: one.annotation for one in plain}
    called.__signature__ = Signature(plain)  # pyright: ignore[reportFunctionMemberAccess]
    return called, any(_info(one.annotation).rich_help_panel for one in plain)


def _group(annotation: Any) -> tuple[Any, Under | None]:
    """The dataclass that a parameter is, and how its options are called; None for a parameter of its own."""
    kind, *more = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    return (kind, next((one for one in more if isinstance(one, Under)), None)) if is_dataclass(kind) else (None, None)


def _fields(kind: Any, under: Under | None) -> list[Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    prefix = under.prefix if under else ""
    found = [
        Parameter(prefix + one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(kind)
    ]
    return [_changed(one, rich_help_panel=under.group) for one in found] if under else found


def _marked(parameter: Parameter, everyday: Sequence[str]) -> Parameter:
    """The parameter of an option of a group with the variable of the environment that sets it, and its place in the help."""
    if not _info(parameter.annotation).rich_help_panel:
        return parameter
    place = {"rich_help_panel": EVERYDAY} if parameter.name in everyday else {}
    flag = {"show_default": False} if isinstance(parameter.default, bool) else {}
    called = next((one.lstrip("-") for one in _info(parameter.annotation).param_decls or ()), parameter.name)
    return _changed(parameter, envvar=ENVIRONMENT + called.upper(), **place, **flag)


def _info(annotation: Any) -> Any:
    """What typer is told of a parameter."""
    return get_args(annotation)[1]


def _changed(parameter: Parameter, **changes: Any) -> Parameter:
    kind, info, *more = get_args(parameter.annotation)
    info = copy(info)
    for name, value in changes.items():
        setattr(info, name, value)
    return parameter.replace(annotation=Annotated[(kind, info, *more)])


def _source(context: Any, param: Any) -> str:
    """Where a parameter's value came from, in typer's words."""
    return getattr(context.get_parameter_source(param.name), "name", "")


_LIBRARYS = "Value error, "
"""What the library that checks values puts before what is wrong with one of a few words."""


def words(error: typer.TyperException) -> str:
    """What is wrong with how a command was called, in one line."""
    said = " ".join(error.format_message().split()).rstrip(".").replace(_LIBRARYS, "")
    context, param = getattr(error, "ctx", None), getattr(error, "param", None)
    if context is None:
        return said
    if param is not None and _source(context, param) == "ENVIRONMENT":
        said += f" (set by {param.envvar})"
    return f"{said}; see `{context.command_path} --help`"


@app.callback()
def _begin(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    from selftaught.cli.defaults import defaults

    if version:
        from importlib import metadata

        print(f"selftaught {metadata.version('selftaught')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(UsageError.exit_code)
    try:
        context.default_map = defaults(getattr(context.command, "commands", {}))
    except UsageError as error:
        if not _HELP & {*sys.argv}:
            raise
        write(f"selftaught: {error}; the help shows none of its values", end="\n", to=sys.stderr)
