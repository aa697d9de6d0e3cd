"""OpenEvolve's own example folders, unmodified: what `selftaught improve FOLDER` makes of each, and the packages it needs.

The examples are those of a checkout of OpenEvolve (`examples/`), whose place OPENEVOLVE_EXAMPLES says. Nothing is written
there. The packages that the folders need are found where they are installed; a folder whose packages are not says which.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

from selftaught import UsageError, open_lab
from selftaught.runs.folders import packages_of, program_of

_LONGEST_S = 900
"""Seconds by the clock after which a folder is given up: the start and two more programs are evaluated."""
_BUDGET = ["--rounds", "1", "--calls", "1", "--responses", "4", "--scorings", "3", "--seed", "1"]


def run(quick: bool) -> dict[str, Any]:
    """Each folder with an evaluator: whether it runs, the scores of start and best, the packages; why not, or what a start
    that scores 0 is told."""
    place = os.environ.get("OPENEVOLVE_EXAMPLES")
    if place is None:
        sys.exit("set OPENEVOLVE_EXAMPLES to the folder examples/ of a checkout of OpenEvolve")
    folders = sorted(one.parent for one in Path(place).rglob("evaluator.py"))
    rows = {str(one.relative_to(place)): _tried(one) for one in (folders[:1] if quick else folders)}
    ran = [name for name, row in rows.items() if row["runs"]]
    return {"folders": rows, "ran": len(ran), "tried": len(rows)}


def _tried(folder: Path) -> dict[str, Any]:
    begun = monotonic()
    with tempfile.TemporaryDirectory() as own:
        command = [sys.executable, "-m", "selftaught", "improve", str(folder), *_BUDGET, "--json"]
        command += ["--store", f"{own}/s.db", "-o", f"{own}/better"]
        try:
            done = subprocess.run(command, cwd=own, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
        except subprocess.TimeoutExpired:
            return {"runs": False, "said": f"more than {_LONGEST_S} s"}
        said = [line for line in done.stderr.splitlines() if line.strip()]
        if done.returncode:
            row: dict[str, Any] = {"runs": False, "said": said[-1] if said else f"exit {done.returncode}"}
        else:
            found = json.loads(done.stdout)
            complaints = [
                line.partition("what scores it tells: ")[2] for line in said if "what scores it tells" in line
            ]
            row = {**found["practice"], "candidates": found["candidates"], "said": " ".join(complaints)}
            row = {"runs": True, **{name: row[name] for name in ("start", "best", "candidates", "said")}}
        print(f"{folder.name}: {row}", file=sys.stderr)
        return {**row, "packages": _packages(folder, own), "seconds": round(monotonic() - begun, 1)}


def _packages(folder: Path, own: str) -> list[str]:
    try:
        with open_lab("offline", store=f"{own}/p.db", seed=1) as lab:
            return [*packages_of(lab, folder, program_of(folder))]
    except UsageError:
        return []
