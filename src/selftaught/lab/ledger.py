"""The ledger of answers: what one improver run asks the model, each answer on disk before the improver sees it.

An answer is addressed by (model, parameters, request, stream, index). The index counts the identical requests this
improver run has made before, so the number of answers asked for at once is no parameter; the stream names the
repetition. Improvers that ask the same in the same repetition therefore see the same answers (common random numbers),
and two repetitions or rounds never do.
"""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from selftaught.budget import Meter, Usage
from selftaught.errors import StoreFailure
from selftaught.lab import CONTRACT, Lab
from selftaught.lab.workers import ASKING
from selftaught.models import Answer, Request
from selftaught.models.buying import buy
from selftaught.plain import JSON
from selftaught.store import key_of

ROOM = 4 * 2**20
"""Bytes that have to be free on the store's disk when answers are bought: those of all requests under way."""
_Numbered = tuple[Request, int]
"""A request and its index."""


class Conversation:
    """The model as one improver run sees it: metered, counted, and remembered. Safe from many threads."""

    def __init__(self, lab: Lab, stream: Sequence[JSON], meter: Meter) -> None:
        self._lab = lab
        self._stream = list(stream)
        self._meter = meter
        self._asked = Counter[Request]()
        self._lock = threading.Lock()

    def ask(self, expertise: str, messages: Sequence[str], temperature: float) -> list[JSON]:
        """One answer text per message, in order, in a list of its own where the token limit ended it; equal messages are
        samples of one request.

        What each request to the model brings is kept before the next is sent: when another one fails for good, it is not
        lost. Raises Refusal (BudgetExhausted) before anything is asked when the allowance
        does not cover all of them.
        """
        self._meter.reserve_answers(len(messages))
        numbered = self._number([Request(expertise, message, temperature) for message in messages])
        batches = _batches(numbered, self._lab.model.batch)
        answers = self._lab.workers.map(ASKING, self._answers, batches)
        texts = {
            one: text
            for batch, group in zip(batches, answers, strict=True)
            for one, text in zip(batch, group, strict=True)
        }
        return [texts[one] for one in numbered]

    def _number(self, requests: Sequence[Request]) -> list[_Numbered]:
        """Each request with its index: how many identical ones this improver run has made before."""
        numbered: list[_Numbered] = []
        with self._lock:
            for request in requests:
                numbered.append((request, self._asked[request]))
                self._asked[request] += 1
        return numbered

    def _answers(self, numbered: Sequence[_Numbered]) -> list[JSON]:
        """The answers of one request: found in the store, or asked for and kept."""
        lab, request = self._lab, numbered[0][0]
        question: dict[str, JSON] = {
            "model": lab.model.name,
            "parameters": dict(lab.model.parameters),
            "expertise": lab.store.keep(request.expertise),
            "message": lab.store.keep(request.message),
            "temperature": request.temperature,
            "stream": self._stream,
        }
        abouts: list[dict[str, JSON]] = [{**question, "index": index} for _, index in numbered]

        bought: list[Answer] = []

        def bring(missing: Sequence[int]) -> list[JSON]:
            addresses = [key_of("answer", {**abouts[i], "contract": CONTRACT}) for i in missing]
            _check_room(lab.store.path)
            with (
                lab.progress.under_way("requests"),
                lab.progress.timed("question", lab.model.name, answers=len(missing)),
            ):
                answers = buy(lab.model, request, addresses, partial(lab.spend.buying, label=lab.part))
            lab.progress.money(lab.spend.dollars)
            lab.progress.count("answers", len(answers))
            lab.progress.count("answers bought", len(answers))
            bought.extend(answers)
            return [self._fact(answer) for answer in answers]

        facts = cast(list[Mapping[str, Any]], lab.once_all("answer", abouts, bring))
        lab.progress.count("answers", len(facts) - len(bought))
        for fact in facts:
            self._meter.add(Usage(tokens_in=fact["tokens_in"], tokens_out=fact["tokens_out"], dollars=fact["dollars"]))
        texts = [lab.store.text(fact["text"]) for fact in facts]
        lab.heard.note(lab.model.name, [(text, fact["finish"]) for text, fact in zip(texts, facts, strict=True)])
        return [[text] if fact["finish"] == "length" else text for text, fact in zip(texts, facts, strict=True)]

    def _fact(self, answer: Answer) -> dict[str, JSON]:
        return {
            "text": self._lab.store.keep(answer.text),
            "finish": answer.finish,
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
            "dollars": answer.dollars,
            "latency_s": answer.latency_s,
            "temperature_applied": answer.temperature_applied,
            "bought_by": self._lab.run,
            **({"reason": answer.reason} if answer.reason else {}),
        }


def _check_room(path: Path) -> None:
    """Raise StoreFailure, before anything is bought, when the answers might find no room."""
    free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else ROOM
    if free < ROOM:
        raise StoreFailure(
            f"the disk of {path} has {free:,} bytes left, too few to buy answers: free some, then resume"
        )


def _batches(numbered: Sequence[_Numbered], size: int) -> list[list[_Numbered]]:
    """The requests by what they ask, in pieces of at most `size`."""
    by_request: dict[Request, list[_Numbered]] = {}
    for one in numbered:
        by_request.setdefault(one[0], []).append(one)
    return [group[i : i + size] for group in by_request.values() for i in range(0, len(group), size)]
