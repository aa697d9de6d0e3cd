"""Write docs/interface.md: what an improver and a solution are given, in the very words that models read.

python scripts/interface.py            # writes it
python scripts/interface.py --check    # exit code 1 where it is not what models read
"""

from __future__ import annotations

import sys
from pathlib import Path

from selftaught import tasks
from selftaught.lab.interface import about_improvers, about_task, budgets, given
from selftaught.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "interface.md"


def page() -> str:
    """The page, as it has to be."""
    settings = Settings("")
    improvers = about_improvers(
        len(tasks.load_all(settings.tasks, 0)), settings.repetitions, settings.inner, (), settings.keep
    )
    (task,) = tasks.load("grid", 0)
    return f"""# What programs are given

This page is written by `scripts/interface.py` from the texts themselves; a test holds the signatures against the code that runs
in the sandbox, and another the digests of all texts that models read: an answer that was paid for fits only its question.

## An improver

{given(extensions=True)}

A text is wanted wherever `str` stands in a call of `utility` or `language_model`, otherwise `TypeError` (`extract_code` gives
`''` for what is none); a call carries at most 1,000 texts and 8 MiB, a message once for each answer, otherwise `ValueError`,
of which half a character (a lone surrogate) raises a kind. All calls of a run together are 20,000 at most, also of those that
are free, or it is ended; by the clock it is ended after ten times its CPU seconds and 5 s, without the time that its calls
take. The attributes `budget` tell the allowance of the whole run and are not counted down; nothing that is assigned to them
changes it. Feedback that is asked for more than ten times for each scoring of the allowance costs a scoring each time. In the
presets `paper`, `utility.map` is not told, `utility.feedback` and `utility.keep` raise `ValueError`.

What small models write instead is understood where it has one meaning: `utility.score(solution)` (and `score_function`,
`evaluate`), a list given to `utility` (as to `utility.map`), `utility.__name__`, `extract_code` and `BudgetExhausted` without
their import. A name that `helpers` lacks fails with `AttributeError` where it is called or looked into, not where it is
imported. Solutions may import `helpers` as well. Of the standard library there is what needs no screen (no `tkinter`).

An answer may edit the program instead of writing it anew: blocks of a line `<<<<<<< SEARCH`, lines of the program, a line
`=======`, the lines that take their place, and a line `>>>>>>> REPLACE`. `extract_code(answer)` gives the program after all
of them: the one among those that this run has worked with which stood in the message, or which alone they fit. The SEARCH
lines have to be in it exactly once; blanks at line ends and a common indent do not count. Where an edit does not apply, a
whole program in the same answer counts; without one it gives a text that has no score, and `utility.feedback` tells why.
`helpers.edited(answer, program, otherwise='')` does the same for a program in any language, and gives `otherwise` where there
are no edits.

**`utility.keep`**: of what was handed in, the last program counts when the run ends with an error, at a limit, or with
something that is no program; without it the start solution does. The last three count: at the gate of a recursion what was
returned races with them, three programs at most in all. Of texts that were never scored, and so may be no programs, the last
24 are remembered. What scored best and was neither returned nor kept is told (*best scored 0.191, not returned*), not rewarded.

## What an improver of improvers reads

{_quoted(improvers + budgets(settings.outer))}

## What an improver of solutions reads

The task's own text, here that of `grid`, then what holds for all tasks and the budgets.

{_quoted(about_task(task) + budgets(settings.inner))}
"""


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") != page():
            sys.exit(f"{PAGE.name} is not what models read: run `make docs`")
    else:
        PAGE.write_text(page(), encoding="utf-8")
