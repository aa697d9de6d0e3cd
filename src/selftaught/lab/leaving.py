"""Whether a program tried to leave the sandbox: from the facts of the run, and by a run among decoys before it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.errors import AttemptSeen
from selftaught.lab import Lab
from selftaught.lab.honey import behaviour
from selftaught.program import Program
from selftaught.sandbox import Attempt, Attempts

_FLAG = "use_sandbox=False"


def ends(lab: Lab) -> str:
    """What follows where a user wanted a run to stop at what was seen."""
    return f"--on-attempt stop ends the run; the same command with --seed {lab.seed} and without that uses all that was paid"


def left(lab: Lab, improver: Program) -> str | None:
    """What an improver tried in its runs so far, as the facts of the run tell; None where it tried nothing."""
    for about, body in lab.store.facts("improvement", lab.run):
        if about["improver"] == improver.digest and (said := _tried(body)):
            return f"tried to leave the sandbox ({said})"
    return None


def tries(lab: Lab, improver: Program, stop: bool) -> str | None:
    """What an improver tried so far, or tries among decoys. With `stop`, AttemptSeen is raised instead."""
    said = left(lab, improver)
    if said is None and (kinds := behaviour(lab.compute, improver).tried):
        said = f"tries to leave the sandbox ({', '.join(kinds)}) when it is run among decoys"
    if said and stop:
        raise AttemptSeen(f"improver {improver.name} {said}: {ends(lab)}")
    return said


def stopped(lab: Lab, start: Mapping[str, Any] | None = None) -> None:
    """Raise AttemptSeen where any program of the run has tried to leave.

    `start`: a scoring of the solution to begin with; what that tried as well does not count against others.
    """
    for kind, role in (("improvement", "improver"), ("score", "program")):
        for about, body in lab.store.facts(kind, lab.run):
            if said := beyond(body, start) if start and kind == "score" else _tried(body):
                raise AttemptSeen(f"{role} {str(about[role])[:8]} tried to leave the sandbox ({said}): {ends(lab)}")


def beyond(body: Mapping[str, Any], start: Mapping[str, Any]) -> str:
    """What one scoring of a program tried of which that of the program to begin with tried nothing, in a few words."""
    mine, theirs = (Attempts.read(one["denied"]) for one in (body, start))
    calls = {name: count for name, count in (mine.calls or {}).items() if name not in (theirs.calls or {})}
    known = {one.event for one in theirs.noted}
    noted = [one for one in mine.noted if one.event not in known]
    return _told(calls, noted)


def _tried(body: Mapping[str, Any]) -> str:
    """What one run of a program tried, in a few words."""
    denied = Attempts.read(body["denied"]) if "denied" in body else Attempts()
    ignored: Mapping[str, int] = body.get("usage", {}).get("ignored", body.get("ignored", {}))
    said = _told(denied.calls or {}, denied.noted), _FLAG if ignored.get(_FLAG) else ""
    return ", ".join(filter(None, said))


def _told(calls: Mapping[str, int], noted: Sequence[Attempt]) -> str:
    parts = [f"{name} {count}" for name, count in calls.items()]
    return ", ".join(parts or [f"{one.event} {one.what[:40]}" for one in noted[:2]])
