"""Renews the table of docs/results.md: `python scripts/results.py .selftaught/store.runs/1/report.json docs/results.md`.

The report is that of `selftaught experiment experts`. Only the table is replaced: what is said about it has to be read again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean as mean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selftaught.evidence.contest import EntrantFigures
    from selftaught.evidence.transferred import Afterwards

BEFORE, AFTER = (
    "| improver | mean (95 %) | interquartile mean |",
    "against seed | answers a run | answers per gain of 0.1 |",
)


def main(report: Path, page: Path) -> None:
    """Put the report's table in the place of the page's."""
    lines = page.read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("| improver |"))
    end = next((i for i in range(begin, len(lines)) if not lines[i].startswith("|")), len(lines))
    lines[begin:end] = table(json.loads(report.read_text(encoding="utf-8"))["contest"])
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def table(contest: Afterwards) -> list[str]:
    """The improvers, best first."""
    ranked = sorted(contest["improvers"], key=lambda one: -one["test"]["mean"])
    kinds = [*dict.fromkeys(name.partition("-")[0] for name in contest["tasks"])]
    head = f"{BEFORE} {''.join(f'{kind} | ' for kind in kinds)}{AFTER}"
    return [head, "|" + "---|" * (head.count("|") - 1), *(row(one, contest["made"], kinds) for one in ranked)]


def row(one: EntrantFigures, made: Sequence[str], kinds: Sequence[str]) -> str:
    """One improver; those that a recursion made stand out."""
    name = f"**stop {one['name'].split()[-1]}**" if one["name"] in made else one["name"]
    test, against, price = one["test"], one["against_first"], one["cost_per_gain"]["responses"]
    by_kind = [
        mean(task["mean"] for name, task in one["per_task"].items() if name.partition("-")[0] == kind) for kind in kinds
    ]
    cells = [
        name,
        f"{test['mean']:.3f} ({test['low']:.3f} to {test['high']:.3f})",
        f"{one['iqm']['mean']:.3f}",
        *(f"{value:.3f}" for value in by_kind),
        against["kind"] if against else "–",
        f"{one['usage']['responses']:.0f}",
        "–" if price is None else f"{price:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
