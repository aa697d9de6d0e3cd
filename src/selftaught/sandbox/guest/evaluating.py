"""Runs an OpenEvolve evaluator on a program, in the jail of a command, and prints what it found as the last line.

Nothing here is believed by anybody: evaluator and program share this process, as they do there.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from typing import Any


class EvaluationResult:
    """What evaluators may return: metrics, and texts for whoever writes the next program."""

    def __init__(self, metrics: Any = None, artifacts: Any = None) -> None:
        self.metrics = dict(metrics or {})
        self.artifacts = dict(artifacts or {})


def _offer() -> None:
    """Offer the one module of `openevolve` that evaluators import; all else of it is not here."""
    package, result = types.ModuleType("openevolve"), types.ModuleType("openevolve.evaluation_result")
    package.__path__ = []
    for module in (package, result):
        module.EvaluationResult = EvaluationResult  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module


def _plain(found: Any) -> dict[str, Any]:
    """Metrics and artifacts of what an evaluator returned, numbers of numpy as Python's."""
    whole: Any = EvaluationResult(found) if isinstance(found, dict) else found
    artifacts: dict[Any, Any] = whole.artifacts or {}
    plain: dict[str, Any] = {}
    for name, value in dict[Any, Any](whole.metrics).items():
        item = value.item() if hasattr(value, "item") else value
        plain[str(name)] = item if isinstance(item, bool | int | float | str) else str(item)
    if artifacts:
        plain["artifacts"] = {str(name): str(value)[:2000] for name, value in artifacts.items()}
    return plain


def _passes(metrics: dict[str, Any], threshold: float) -> bool:
    """Whether a stage's score lets the next one begin: `combined_score`, or the mean of its numbers."""
    numbers = [value for value in metrics.values() if isinstance(value, int | float)]
    score = metrics.get("combined_score", sum(numbers) / len(numbers) if numbers else 0.0)
    return float(score) >= threshold


def main() -> None:
    asked = json.loads(sys.argv[1])
    _offer()
    sys.path.insert(0, ".")
    spec = importlib.util.spec_from_file_location("evaluator", asked["evaluator"])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["evaluator"] = module
    spec.loader.exec_module(module)
    stages = [getattr(module, f"evaluate_stage{i}") for i in range(1, 10) if hasattr(module, f"evaluate_stage{i}")]
    if not (asked["cascade"] and stages):
        print("\n" + json.dumps(_plain(module.evaluate(asked["program"]))))
        return
    found: dict[str, Any] = {}
    for stage, threshold in zip(stages, [*asked["thresholds"], *[0.0] * len(stages)], strict=False):
        found = {**found, **_plain(stage(asked["program"]))}
        if not _passes(found, threshold):
            break
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
