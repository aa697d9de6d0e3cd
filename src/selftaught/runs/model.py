"""The models of a run: a provider's, or the answers of an earlier run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from selftaught.budget.spend import SpendLimits
from selftaught.lab import Lab
from selftaught.models import LanguageModel, providers
from selftaught.models.gateway import Gateway
from selftaught.models.offline import Edit, Offline
from selftaught.models.prices import LONGEST_GUESS
from selftaught.models.scripted import Scripted
from selftaught.plain import JSON
from selftaught.runs.replay import Replay
from selftaught.sandbox import Limits, Outcome, Sandbox, tool
from selftaught.settings import Assignment
from selftaught.settings.choice import ModelChoice

_OF_FILES = {"replay", "scripted"}
"""Kinds of models that are read from a file."""
Models = tuple[LanguageModel, LanguageModel | None]
"""Who works inside improvers, and who writes them where that is another."""
_EDITING = Limits(cpu_s=5, wall_s=30, answer_kb=4096)
"""What the built-in model may use for one answer."""


def open_model(
    choice: ModelChoice,
    sandbox: Sandbox | None = None,
    limits: SpendLimits | None = None,
    keyless: bool = False,
    concurrency: int | None = None,
) -> LanguageModel:
    """The model that is chosen; `keyless`: to be told prices only. The caller closes it.

    The built-in model does its work in the `sandbox`; without one nothing can be asked of it.
    Under a limit on dollars an answer has a limit on its tokens, or its price would have none: if nothing else is asked
    for, the one that estimates count with. `concurrency` bounds the requests to a server at once; a model without one takes as
    many as it does.
    """
    limits = limits or SpendLimits()
    if choice.provider == "replay":
        return Replay(Path(choice.name))
    dollars = limits.dollars is not None or limits.round_dollars is not None
    if dollars and choice.max_tokens is None and providers.sells(choice.spec):
        choice = replace(choice, max_tokens=LONGEST_GUESS)
    return providers.open_model(
        choice,
        deadline_s=limits.deadline_s,
        idle_s=limits.idle_s,
        concurrency=concurrency,
        keyless=keyless,
        edit=editing(sandbox) if sandbox else None,
    )


def models_of(asked: Assignment, sandbox: Sandbox, limits: SpendLimits, concurrency: int | None = None) -> Models:
    """The models of a run: who works inside improvers, and who writes them where that is another."""
    model = open_model(asked.model, sandbox, limits, concurrency=concurrency)
    if asked.proposer is None:
        return model, None
    try:
        return model, open_model(asked.proposer, sandbox, limits, concurrency=concurrency)
    except BaseException:
        model.close()
        raise


def editing(sandbox: Sandbox) -> Edit:
    """The hands of the built-in model: what it edits was generated, so it does so in the sandbox."""

    def edit(inputs: Sequence[tuple[JSON, ...]]) -> list[str]:
        return [_told(one) for one in sandbox.run(tool("editor", "answer", inputs, _EDITING))]

    return edit


def _told(outcome: Outcome) -> str:
    """The answer; an editor that fails says so, as a model that refuses would."""
    return str(outcome.answer) if outcome.kind == "answer" else f"I cannot edit this program ({outcome.kind})."


def take_turns(model: LanguageModel, lab: Lab) -> None:
    """Have a model on this machine take turns with the scorings of a lab, unless they share the cores there."""
    if isinstance(model, Gateway) and model.local and lab.turns:
        model.turns = lab.turns


def about(spec: str) -> str:
    """What a model is, in the words of `selftaught models`."""
    kind = spec.partition(":")[0]
    found = {entry.name: entry.what for entry in providers.catalogue()}
    return found.get(spec) or found.get(f"{kind}:NAME") or found.get(f"{kind}:FILE") or "answers of an earlier run"


def is_own(model: LanguageModel) -> bool:
    """Whether a model is somebody's own, whatever it calls itself: none that `open_model` makes."""
    return not isinstance(model, Gateway | Offline | Replay | Scripted)


def openable(spec: str) -> bool:
    """Whether a model is one that can be opened by its name, with what it needs: one of somebody's own cannot."""
    kind, _, rest = spec.partition(":")
    return spec in providers.BUILT_IN or (bool(rest) and (kind in _OF_FILES or providers.sells(spec)))


def file_of(spec: str) -> Path | None:
    """The file that a model is read from."""
    kind, _, rest = spec.partition(":")
    return Path(rest) if kind in _OF_FILES else None
