"""Whether a program tried to leave the sandbox: from the facts of the run, and by a run among decoys before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.errors import AttemptSeen
from selftaught.lab import Lab
from selftaught.lab.honey import behaviour
from selftaught.program import Program
from selftaught.sandbox import Attempts

_FLAG = "use_sandbox=False"


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
        raise AttemptSeen(f"improver {improver.name} {said}: --on-attempt stop ends the run")
    return said


def stopped(lab: Lab) -> None:
    """Raise AttemptSeen where any program of the run has tried to leave."""
    for kind, role in (("improvement", "improver"), ("score", "program")):
        for about, body in lab.store.facts(kind, lab.run):
            if said := _tried(body):
                raise AttemptSeen(
                    f"{role} {str(about[role])[:8]} tried to leave the sandbox ({said}): --on-attempt stop ends the run"
                )


def _tried(body: Mapping[str, Any]) -> str:
    """What one run of a program tried, in a few words."""
    denied = Attempts.read(body["denied"]) if "denied" in body else Attempts()
    ignored: Mapping[str, int] = body.get("usage", {}).get("ignored", body.get("ignored", {}))
    parts = [f"{name} {count}" for name, count in (denied.calls or {}).items()]
    parts = parts or [f"{one.event} {one.what[:40]}" for one in denied.noted[:2]]
    return ", ".join([*parts, *([_FLAG] if ignored.get(_FLAG) else [])])
