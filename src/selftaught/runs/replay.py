"""`replay:STORE`: run an earlier run again from the answers it kept, offline, to the same result, for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selftaught.errors import ModelFailure, UsageError
from selftaught.models import Answer, Request
from selftaught.plain import JSON, is_file
from selftaught.store import Store


class Replay:
    """Stands in for the model whose answers a store holds: same name, same parameters, same addresses.

    A question the store holds no answer to is a ModelFailure, never a new answer.
    """

    concurrency = 8
    batch = 1000

    def __init__(self, path: Path) -> None:
        if not is_file(path):
            raise UsageError(f"there is no store at {path} to replay: name the file of an earlier run")
        self._store = Store(path, readonly=True)
        models = {_identity(about) for about in self._store.abouts("answer")}
        if len(models) != 1:
            said = ", ".join(sorted(json.loads(one)[0] for one in models)) or "no model"
            raise UsageError(f"store {path} holds answers of {said}: replay needs a store with those of exactly one")
        name, parameters = json.loads(models.pop())
        self.name: str = name
        self.parameters: Mapping[str, JSON] = parameters

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002 - it is free
        return 0.0

    def close(self) -> None:
        self._store.close()

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:  # noqa: ARG002 - it is in the address
        return [self._answer(address) for address in addresses]

    def _answer(self, address: str) -> Answer:
        fact: Any = self._store.fact(address)
        if fact is None:
            raise ModelFailure(
                f"the store replayed holds no answer {address[:12]}: it is not of the same settings, seed and version"
            )
        fields: dict[str, Any] = {name: value for name, value in fact.items() if name != "bought_by"}
        fields["text"] = self._store.text(fields["text"])
        return Answer(**fields)


def _identity(about: Mapping[str, Any]) -> str:
    return json.dumps([about["model"], about["parameters"]], sort_keys=True)
