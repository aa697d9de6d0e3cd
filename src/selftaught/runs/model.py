"""The model of a run: a provider's, or the answers of an earlier run."""

from __future__ import annotations

from pathlib import Path

from selftaught.budget.spend import SpendLimits
from selftaught.models import LanguageModel, providers
from selftaught.models.prices import Price
from selftaught.runs.replay import Replay
from selftaught.settings import Assignment


def open_model(
    asked: Assignment,
    deadline_s: float = SpendLimits.deadline_s,
    keyless: bool = False,
    concurrency: int | None = None,
) -> LanguageModel:
    """The model that is asked for; `keyless`: to be told prices only. The caller closes it.

    `concurrency` bounds the requests to a server at once; a model without one takes as many as it does.
    """
    kind, _, rest = asked.model.partition(":")
    if kind == "replay":
        return Replay(Path(rest))
    return providers.open_model(
        asked.model,
        base_url=asked.base_url,
        max_tokens=asked.max_tokens,
        price=asked.price and Price(*asked.price),
        deadline_s=deadline_s,
        concurrency=concurrency,
        keyless=keyless,
    )


def about(spec: str) -> str:
    """What a model is, in the words of `selftaught models`."""
    kind = spec.partition(":")[0]
    found = {entry.name: entry.what for entry in providers.catalogue()}
    return found.get(spec) or found.get(f"{kind}:NAME") or found.get(f"{kind}:FILE") or "answers of an earlier run"


def openable(spec: str) -> bool:
    """Whether a model is one that can be opened by its name, with what it needs: one of somebody's own cannot."""
    kind, _, rest = spec.partition(":")
    named = [entry.name for entry in providers.catalogue()]
    wanting = {name.partition(":")[0] for name in named if name.partition(":")[2].isupper()}
    return spec in named or bool(rest and kind in {"replay", *wanting})


def file_of(spec: str) -> Path | None:
    """The file that a model is read from."""
    kind, _, rest = spec.partition(":")
    return Path(rest) if kind in {"replay", "scripted"} else None
