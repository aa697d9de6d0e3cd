"""The models of a run, or what stands in for them where its answers come from a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from selftaught.budget.spend import SpendLimits
from selftaught.lab import EASE, Lab
from selftaught.models import LanguageModel, providers
from selftaught.models.buying import of_the_box
from selftaught.models.gateway import Gateway
from selftaught.models.offline import Edit
from selftaught.models.prices import LONGEST_GUESS
from selftaught.plain import JSON
from selftaught.runs.absent import Absent
from selftaught.sandbox import Limits, Outcome, Sandbox, eased, tool
from selftaught.settings import Assignment
from selftaught.settings.choice import ModelChoice

_OF_FILES = {"scripted"}
"""Kinds of models that are read from a file."""
Models = tuple[LanguageModel, LanguageModel | None]
"""Who works inside improvers, and who writes them where that is another."""
CANNOT = "I cannot edit this program ({})."
"""What the built-in model says of a program that breaks it."""
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


def models_of(
    asked: Assignment,
    sandbox: Sandbox,
    limits: SpendLimits,
    concurrency: int | None = None,
    recorded: Mapping[str, Any] | None = None,
) -> Models:
    """The models of a run: who works inside improvers, and who writes them where that is another.

    Of a run from a recording (`recorded` is what that says of it) the built-in model alone is opened: it gives its answers
    again. All other answers are in the store, and what stands in for their models has none.
    """

    def opened(choice: ModelChoice) -> LanguageModel:
        if recorded is None:
            return open_model(choice, sandbox, limits, concurrency=concurrency)
        if choice.spec in providers.BUILT_IN:
            return providers.open_model(choice, edit=editing(sandbox, eased(_EDITING, EASE)))
        return Absent(choice.spec, _parameters(choice, recorded), recorded["by"])

    model = opened(asked.model)
    try:
        return model, asked.proposer and opened(asked.proposer)
    except BaseException:
        model.close()
        raise


def _parameters(choice: ModelChoice, recorded: Mapping[str, Any]) -> Mapping[str, JSON]:
    """What is part of every address of a recorded model's answers, besides its name."""
    named = [one["parameters"] for one in recorded["models"] if one["model"] == choice.spec]
    several = [one for i, one in enumerate(named) if one not in named[:i]]
    if len(several) == 1 or not providers.sells(choice.spec):
        return several[0] if several else {}
    told = open_model(choice, limits=SpendLimits(dollars=1.0 if recorded["dollars_limited"] else None), keyless=True)
    told.close()
    return told.parameters


def editing(sandbox: Sandbox, limits: Limits = _EDITING) -> Edit:
    """The hands of the built-in model: what it edits was generated, so it does so in the sandbox."""

    def edit(inputs: Sequence[tuple[JSON, ...]]) -> list[str]:
        return [_told(one) for one in sandbox.run(tool("editor", "answer", inputs, limits))]

    return edit


def _told(outcome: Outcome) -> str:
    """The answer; an editor that fails says so, as a model that refuses would."""
    return str(outcome.answer) if outcome.kind == "answer" else CANNOT.format(outcome.kind)


def take_turns(model: LanguageModel, lab: Lab) -> None:
    """Have a model on this machine take turns with the scorings of a lab, unless they share the cores there."""
    if isinstance(model, Gateway) and model.local and lab.turns:
        model.turns = lab.turns


def about(spec: str) -> str:
    """What a model is, in the words of `selftaught models`."""
    if plugin := providers.added(spec):
        return f"of the package {plugin.package}"
    kind = spec.partition(":")[0]
    found = {entry.name: entry.what for entry in providers.in_box()}
    return found.get(spec) or found.get(f"{kind}:NAME") or found.get(f"{kind}:FILE") or "somebody's own"


def is_own(model: LanguageModel) -> bool:
    """Whether a model is somebody's own, whatever it calls itself: none that `open_model` makes."""
    return not of_the_box(model) and not isinstance(model, Absent)


def openable(spec: str) -> bool:
    """Whether a model is one that can be opened by its name, with what it needs: one of somebody's own cannot."""
    kind, _, rest = spec.partition(":")
    served = bool(rest) and (kind in _OF_FILES or providers.sells(spec))
    return spec in providers.BUILT_IN or served or providers.added(spec) is not None


def file_of(spec: str) -> Path | None:
    """The file that a model is read from."""
    kind, _, rest = spec.partition(":")
    return Path(rest) if kind in _OF_FILES else None
