"""Runs an OpenEvolve evaluator on a program, in the jail of a command, and prints what it found as the last line.

Nothing here is believed by anybody: evaluator and program share this process, as they do there.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import os
import shutil
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LINKED = 1 << 20
"""Bytes of a file above which it is not copied."""


class EvaluationResult:
    """What evaluators may return: metrics, and texts for whoever writes the next program."""

    def __init__(self, metrics: Any = None, artifacts: Any = None) -> None:
        self.metrics = dict(metrics or {})
        self.artifacts = dict(artifacts or {})


def _offer() -> None:
    """Offer the one module of `openevolve` that evaluators import, where the package itself is not here."""
    if importlib.util.find_spec("openevolve"):
        return
    package, result = types.ModuleType("openevolve"), types.ModuleType("openevolve.evaluation_result")
    package.__path__ = []
    for module in (package, result):
        module.EvaluationResult = EvaluationResult  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module


def _plain(found: Any) -> dict[str, Any]:
    """Metrics and artifacts of what an evaluator returned, numbers of numpy as Python's."""
    metrics: dict[str, Any] = {str(name): one for name, one in dict[Any, Any](_metrics(found)).items()}
    artifacts: dict[Any, Any] = (metrics.pop("artifacts", None) if isinstance(found, dict) else found.artifacts) or {}
    if isinstance(metrics.get("metrics"), dict):
        metrics |= metrics.pop("metrics")
    plain: dict[str, Any] = {}
    for name, value in metrics.items():
        item = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
        plain[name] = item if isinstance(item, bool | int | float | str) else str(item)
    if artifacts:
        plain["artifacts"] = {str(name): str(value)[:2000] for name, value in artifacts.items()}
    return plain


def _metrics(found: Any) -> Any:
    metrics = found if isinstance(found, dict) else getattr(found, "metrics", None)  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(metrics, Mapping):
        said = repr(found)[:80]  # pyright: ignore[reportUnknownArgumentType]
        raise TypeError(f"evaluate gave {said}: a dict of metrics, or an object with metrics, is needed")
    return metrics  # pyright: ignore[reportUnknownVariableType]


def _passes(metrics: dict[str, Any], threshold: float) -> bool:
    """Whether a stage's score lets the next one begin: `combined_score`, or the mean of its numbers."""
    numbers = [value for name, value in metrics.items() if isinstance(value, int | float) and name != "error"]
    score = metrics.get("combined_score", sum(numbers) / len(numbers) if numbers else 0.0)
    return float(score) >= threshold


def _work() -> Path:
    """A copy of the folder that may be written to, as evaluators may where they come from; large files are linked."""
    here, there = Path.cwd(), Path("/tmp/evaluation")
    for folder, _, names in os.walk(here):
        target = there / Path(folder).relative_to(here)
        target.mkdir()
        for name in names:
            source = Path(folder, name)
            if source.stat().st_size <= _LINKED:
                shutil.copy(source, target)
            else:
                (target / name).symlink_to(source)
    return there


def _called(function: Any, program: str) -> dict[str, Any]:
    found = function(program)
    return _plain(asyncio.run(found) if inspect.iscoroutine(found) else found)


def _evaluated(module: Any, program: str, asked: Any) -> dict[str, Any]:
    """What all stages found, or the evaluator as a whole."""
    stages = [getattr(module, f"evaluate_stage{i}") for i in range(1, 10) if hasattr(module, f"evaluate_stage{i}")]
    if not (asked["cascade"] and stages):
        if not callable(getattr(module, "evaluate", None)):
            raise TypeError(f"{asked['evaluator']} defines no function evaluate(program_path)")
        return _called(module.evaluate, program)
    found: dict[str, Any] = {}
    for stage, threshold in zip(stages, [*asked["thresholds"], *[0.0] * len(stages)], strict=False):
        more = _called(stage, program)
        told = {**found.get("artifacts", {}), **more.get("artifacts", {})}
        found = {**found, **more, **({"artifacts": told} if told else {})}
        if not _passes(found, threshold):
            break
    return found


def main() -> None:
    asked = json.loads(sys.argv[1])
    _offer()
    work = _work()
    os.chdir(work)
    sys.path.insert(0, str(work))
    spec = importlib.util.spec_from_file_location("evaluator", work / asked["evaluator"])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["evaluator"] = module
    spec.loader.exec_module(module)
    found = _evaluated(module, str(work / asked["program"]), asked)
    print("\n" + json.dumps(found), flush=True)
    os._exit(0)  # a thread of a program that was given up would be waited for


if __name__ == "__main__":
    main()
