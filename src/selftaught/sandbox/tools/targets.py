"""Tool: a folder of several files of which only marked regions, or functions that are named, change."""

from __future__ import annotations

import ast

from programs import refused
from regions import END, START, parts
from sections import joined, parted

Place = tuple[str, int, int]
"""A section of a file: what it is called, its first line and the line after its last."""


def whole(files: list[list[str]], entries: list[str]) -> list[str]:
    """What changes of the files (paths and texts) as one text, or why that cannot be.

    It is the functions `path:name` of `entries`, or where there are none what stands between marks.
    """
    sections: list[tuple[str, list[str]]] = []
    missing = [one for one in entries if one.rpartition(":")[0] not in {path for path, _ in files}]
    if missing:
        return ["", f"there is no file {missing[0].rpartition(':')[0]} in the folder"]
    for path, text in files:
        places, wrong = _places(path, text, entries)
        if wrong:
            return ["", wrong]
        lines = text.split("\n")
        sections += [(name, lines[first:end]) for name, first, end in places]
    if not sections:
        return ["", f"no file of the folder has a region between lines with {START} and {END}"]
    return [joined(sections), ""]


def changed(files: list[list[str]], entries: list[str], text: str) -> list[object]:
    """The files with the sections of `text` in place of their own, those alone that differ, and why that cannot be.

    Sections that `text` lacks stay as they are.
    """
    given = parted(text)
    names = [name for name, _ in given]
    places = {path: _places(path, old, entries)[0] for path, old in files}
    known = [name for some in places.values() for name, _, _ in some]
    if not given and len(known) == 1:
        given, names = [(known[0], text.split("\n"))], known
    if wrong := refused(text) or _misnamed(names, known):
        return [{}, wrong]
    found: dict[str, str] = {}
    for path, old in files:
        new = old.split("\n")
        for name, first, end in reversed(places[path]):
            if name in names:
                lines, wrong = _fitting(dict(given)[name], new[first:end], name if entries else "")
                if wrong:
                    return [{}, wrong]
                new[first:end] = lines
        if "\n".join(new) != old:
            found[path] = "\n".join(new)
    return [found, ""]


def texts(start: str, text: str) -> list[object]:
    """The texts of a program by their names, those that it lacks as they are in the `start`; and why they cannot be told."""
    whole, given = parted(start), parted(text)
    if wrong := refused(text) or _misnamed([name for name, _ in given], [name for name, _ in whole]):
        return [{}, wrong]
    new = {name: [*_unblank(dict(given).get(name, old)), *old[len(_unblank(old)) :]] for name, old in whole}
    return [{name.partition(":")[2]: "\n".join(lines) for name, lines in new.items()}, ""]


def _misnamed(names: list[str], known: list[str]) -> str:
    """Why the sections of an answer are none of the target's; empty where they are."""
    if not names:
        return f"no section was found: keep the lines before the sections, such as # ===== {known[0]} ====="
    unknown = [name for name in names if name not in known]
    if unknown:
        return f"there is no section {unknown[0]!r}: there are {', '.join(known)}"
    twice = [name for name in names if names.count(name) > 1]
    return f"the section {twice[0]} is there {names.count(twice[0])} times" if twice else ""


def _fitting(lines: list[str], old: list[str], function: str) -> tuple[list[str], str]:
    """The lines of a section with as many blank ones at its end as before, and why they are none."""
    name = function.rpartition(":")[2]
    if any(START in line or END in line for line in lines):
        return [], "a section holds EVOLVE-BLOCK marks: leave them out"
    lines = [*_unblank(lines), *old[len(_unblank(old)) :]]
    if not name:
        return lines, ""
    shift = _indent(old) - _indent(lines)
    moved = [" " * shift + line if line.strip() else line for line in lines]
    lines = moved if shift > 0 else [line[min(-shift, len(line) - len(line.lstrip())) :] for line in lines]
    try:
        tree = ast.parse("\n".join(line[_indent(old) :] for line in lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [], f"the section {function} is no Python: {' '.join(str(error).split())}"
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return (lines, "") if name.split(".")[-1] in defined else ([], f"the section {function} does not define {name}")


def _unblank(lines: list[str]) -> list[str]:
    """The lines without blank ones at the end."""
    end = max((i for i, line in enumerate(lines, 1) if line.strip()), default=0)
    return lines[:end]


def _indent(lines: list[str]) -> int:
    first = next((line for line in lines if line.strip()), "")
    return len(first) - len(first.lstrip())


def _places(path: str, text: str, entries: list[str]) -> tuple[list[Place], str]:
    """The sections of one file, and why it has none that can be told."""
    if entries:
        wanted = [one.rpartition(":")[2] for one in entries if one.rpartition(":")[0] == path]
        return _functions(path, text, wanted) if wanted else ([], "")
    found = parts(text)
    if found is None:
        return [], f"the marks of {path} do not come in pairs: {START} begins each region, and {END} ends it"
    places, line = list[Place](), 0
    for number, part in enumerate(found):
        if number % 2:
            places.append((f"{path}, region {number // 2 + 1}", line, line + len(part)))
        line += len(part)
    return places, ""


def _functions(path: str, text: str, wanted: list[str]) -> tuple[list[Place], str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [], f"{path} is no Python, so that no function of it can be named: {' '.join(str(error).split())}"
    there = dict(_defined(tree))
    for name in wanted:
        if name not in there:
            return [], f"{path} has no function {name}: it has {', '.join(there) or 'none'}"
    return sorted(((f"{path}:{name}", *there[name]) for name in dict.fromkeys(wanted)), key=lambda one: one[1]), ""


def _defined(node: ast.Module | ast.ClassDef, prefix: str = "") -> list[tuple[str, tuple[int, int]]]:
    """The functions at the top and those of classes there, as `name` and `Class.name`, with their lines."""
    found: list[tuple[str, tuple[int, int]]] = []
    for one in node.body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([one.lineno, *(mark.lineno for mark in one.decorator_list)])
            found.append((prefix + one.name, (first - 1, one.end_lineno or first)))
        elif isinstance(one, ast.ClassDef):
            found += _defined(one, f"{prefix}{one.name}.")
    return found
