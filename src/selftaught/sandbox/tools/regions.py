"""Tool: the marked regions of a program. Only what stands between the marks may change."""

from __future__ import annotations

START, END = "EVOLVE-BLOCK-START", "EVOLVE-BLOCK-END"


def spliced(start: str, text: str) -> list[str]:
    """`start` with its marked regions replaced by those of `text`, and why that cannot be (empty where it can)."""
    mine, theirs = parts(start), parts(text)
    if mine is None or len(mine) < 3:
        return ["", f"the program to begin with has no region between lines with {START} and {END}"]
    if theirs is None or len(theirs) != len(mine):
        found = "none" if theirs is None else str(len(theirs) // 2)
        return [
            "",
            f"{len(mine) // 2} regions between lines with {START} and {END} are needed, and {found} found: keep the marks",
        ]
    kept = [other if i % 2 else own for i, (own, other) in enumerate(zip(mine, theirs, strict=True))]
    return ["\n".join(line for part in kept for line in part), ""]


def count(text: str) -> int | None:
    """How many regions a program has; None where its marks do not come in pairs."""
    found = parts(text)
    return None if found is None else len(found) // 2


def parts(text: str) -> list[list[str]] | None:
    """The lines outside (with the marks) and inside of regions, in turn; None where marks do not come in pairs."""
    found: list[list[str]] = [[]]
    for line in text.split("\n"):
        inside = len(found) % 2 == 0
        if (START in line and inside) or (END in line and not inside):
            return None
        if END in line:
            found.append([])
        found[-1].append(line)
        if START in line:
            found.append([])
    return found if len(found) % 2 else None
