"""How a program is scored for the peers, which run it in their own process: each time in a fork with a limit of CPU time.

The standard library alone, since it runs in their environment too.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
from pathlib import Path
from statistics import fmean
from typing import Any

CPU_S = 2
"""Seconds of CPU time that a program may use on all instances together; a good one takes a tenth."""


def scorer(path: str) -> Any:
    """The functions of a scorer's file."""
    spec = importlib.util.spec_from_file_location("scorer", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score(path: str, text: str, entry: str, split: str) -> tuple[float | None, str]:
    """The mean score over the instances of a split, or None and why there is none."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.write(writing, json.dumps(_scored(path, text, entry, split)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return tuple(json.loads(told)) if told else (None, f"more than {CPU_S} s, or the program ended the process")


def _scored(path: str, text: str, entry: str, split: str) -> tuple[float | None, str]:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    try:
        names: dict[str, Any] = {"__name__": "program"}
        exec(compile(text, "program.py", "exec"), names)  # what the peers do with it too
        judge = scorer(path)
        return fmean(judge.score(one, names[entry](*one)) for one in judge.instances(split, 0)), ""
    except BaseException as error:  # noqa: BLE001 - whatever a generated program raises
        return None, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def seeded(example: Path, seed: int, held_out: int) -> str:
    """The text of a scorer that makes the same instances for all who ask: those of an example, of one seed."""
    return (
        f"from importlib.util import module_from_spec, spec_from_file_location\n\n"
        f"spec = spec_from_file_location('example', {str(example)!r})\n"
        f"example = module_from_spec(spec)\nspec.loader.exec_module(example)\n"
        f"__doc__ = example.__doc__\nscore = example.score\n\n\n"
        f"def instances(split, _):\n"
        f"    count = 1 if split == 'train' else {held_out}\n"
        f"    return [one for i in range(count) for one in example.instances(split, {1000 * seed} + i)]\n"
    )
