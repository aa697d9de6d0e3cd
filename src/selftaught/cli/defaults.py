"""Defaults of options from a small file: `selftaught.toml` in the current folder, or the one that SELFTAUGHT_CONFIG names.

A key is an option's name; it counts for every command that has the option. A table named like a command counts for that
command alone, and before the others. What stands on the command line counts before the environment, that before the file.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args, get_origin

from selftaught.errors import UsageError
from selftaught.plain import read_bounded

ENVIRONMENT = "SELFTAUGHT_"
DEFAULT_STORE = Path(".selftaught/store.db")
_FILE = Path("selftaught.toml")
_LONGEST = 16 << 10
"""Bytes of the file: keys of many parts cost as the square of their length."""
_NEEDED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path: "a text"}
_WRITTEN = {bool: bool, int: int, float: (int, float), str: str, Path: str}


def of_file() -> Path | None:
    """The file that defaults come from; None when there is none."""
    named = os.environ.get(f"{ENVIRONMENT}CONFIG")
    return Path(named) if named else _FILE if _FILE.exists() else None


def defaults(commands: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the file sets for each command, by parameter. UsageError, naming file and key, where it cannot be meant so."""
    path = of_file()
    if path is None:
        return {}
    content = _read(path)
    known = {name: _options(command) for name, command in commands.items()}
    found: dict[str, dict[str, Any]] = {name: {} for name in commands}
    for key, value in sorted(content.items(), key=lambda item: isinstance(item[1], dict)):  # tables come last
        if isinstance(value, dict):
            if key not in known:
                raise UsageError(f"{path}: [{key}] is the name of no command")
            for inner, one in cast("dict[str, Any]", value).items():
                _set(path, found[key], known[key], inner, one, f"{key}.{inner}")
            continue
        takers = [name for name, options in known.items() if _plain(key) in options and options[_plain(key)].grouped]
        for name in takers or [""]:
            _set(path, found.get(name, {}), known.get(name, {}), key, value, key)
    return found


class _Option:
    """An option of a command: its parameter's name, its type, and whether it is one of a group."""

    def __init__(self, param: Any, wanted: Any) -> None:
        self.parameter: str = param.name
        self.wanted = wanted
        self.grouped = bool(param.rich_help_panel)


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        raw = read_bounded(path, _LONGEST)
        if raw is None:
            raise UsageError(f"{path} cannot be read: it has more than {_LONGEST >> 10} KiB")
        return tomllib.loads(raw.decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of which numbers without end are some
        raise UsageError(f"{path} is not TOML: {error}") from error


def _options(command: Any) -> dict[str, _Option]:
    """The options of a command by the names that they have on the command line, without dashes."""
    wanted = inspect.signature(command.callback).parameters
    return {
        _plain(max(param.opts, key=len).lstrip("-")): _Option(param, wanted[param.name].annotation)
        for param in command.params
        if param.param_type_name == "option" and param.name in wanted
    }


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _set(path: Path, found: dict[str, Any], options: Mapping[str, _Option], key: str, value: Any, named: str) -> None:
    option = options.get(_plain(key))
    try:
        shown = repr(value)
    except ValueError:
        raise UsageError(f"{path}: {named} has a number of too many digits") from None
    if option is None:
        raise UsageError(f"{path}: {named} is the name of no option")
    needed = _unfit(value, option.wanted)
    if needed:
        raise UsageError(f"{path}: {named} is {shown}: {needed} is needed")
    is_list = get_origin(_bare(option.wanted)) is list
    found[option.parameter] = [value] if is_list and not isinstance(value, list) else value


def _unfit(value: Any, annotation: Any) -> str:
    """What is needed instead of the value; nothing when it can be taken."""
    wanted = _bare(annotation)
    if get_origin(wanted) is Literal:
        choices = get_args(wanted)
        return "" if value in choices else f"one of {', '.join(choices)}"
    if get_origin(wanted) is list:
        texts = cast("list[Any]", value) if isinstance(value, list) else [value]
        return "" if all(isinstance(one, str) for one in texts) else "a text or a list of texts"
    fits = isinstance(value, _WRITTEN[wanted]) and (wanted is bool or not isinstance(value, bool))
    return "" if fits else _NEEDED[wanted]


def _bare(annotation: Any) -> Any:
    """The type of an option's value, without what typer is told of it and without None."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    one_of = [one for one in get_args(annotation) if one is not type(None)]
    return one_of[0] if type(None) in get_args(annotation) else annotation
