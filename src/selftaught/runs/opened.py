"""Any program of a run, opened by its digest: what it worked with, what tried something, what an audit's chains came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from selftaught.errors import StoreFailure, UsageError
from selftaught.program import Program
from selftaught.sandbox import Attempts, together
from selftaught.store import RunRecord, Store


def opened(store: Store, record: RunRecord, begun: str) -> tuple[Program, Attempts]:
    """The program of a run whose digest begins so, and what it tried that was denied, in all its runs together.

    UsageError for none or several, or one whose text is not kept: of solutions of tasks those are that tried something.
    """
    found: dict[str, list[Attempts]] = {}
    for name, body in _named(store, record):
        if name.startswith(begun):
            found.setdefault(name, []).append(Attempts.read(body["denied"]) if body.get("denied") else Attempts())
    if len(found) != 1 or not begun:
        raise UsageError(f"run {record.id} has {len(found)} programs whose digest begins with {begun!r}")
    ((name, tried),) = found.items()
    try:
        text = store.text(name)
    except StoreFailure:
        raise UsageError(
            f"the text of {name[:10]} is not kept: of solutions of tasks only those are that tried something"
        ) from None
    return Program(text), together(tried)


def _named(store: Store, record: RunRecord) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every program that the run's facts and its document name, with the fact where it is the one that was run."""
    for about, body in store.facts("improvement", record.id):
        yield about["improver"], body
        handed = [body["program"], *body["kept"], *(one["program"] for one in body["scored"]), about["start"]]
        yield from ((name, {}) for name in handed if name)
    for about, body in store.facts("score", record.id):
        yield about["program"], body
    yield from ((about["program"], {}) for about, _ in store.facts("judged", record.id))
    for chain in cast("list[dict[str, Any]]", (record.document or {}).get("chains") or []):
        yield from ((name, {}) for name in chain["programs"])
