"""An improver as one file of its own: with a head that says where it comes from, importable without this package.

What stands between the marks is the improver, letter by letter: read again by this package it is the same program.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources

from selftaught.program import Program

HEAD = "# An improver of selftaught's"
"""How such a file begins."""
_BEGINS, _ENDS = "# ---- the improver begins here ----\n", "\n# ---- the improver ends here ----\n"
_FUTURE = re.compile(r"^from __future__ ", re.MULTILINE)
USE = (
    "Use it here by `--improver FILE`, or anywhere by `import FILE; FILE.improve_algorithm(text, utility, language_model)`,",
    "with plain functions: `utility(text)` gives a number, higher is better, `language_model(text)` an answer.",
)
_HERE = ("Use it here by `--improver FILE`. It imports from `__future__`, so other programs cannot import it.",)


def importable(program: Program) -> bool:
    """Whether it can be imported elsewhere: nothing may stand before an import from `__future__`."""
    return not _FUTURE.search(program.text)


def written(program: Program, said: Sequence[str]) -> str:
    """The file; `said` are the lines of its head."""
    told = [*said, *(USE if importable(program) else _HERE)]
    head = "".join(f"# {' '.join(line.split())}\n" for line in told)
    before, after = (_part(name) if importable(program) else "" for name in ("before", "after"))
    parts = (f"{HEAD}\n{head}# sha256 {program.digest}\n", before, f"{_BEGINS}{program.text}{_ENDS}", after)
    return "\n\n".join(part for part in parts if part)


def own(text: str) -> str:
    """The improver in a file that `written` made; of any other text all of it."""
    if not text.startswith(HEAD) or _BEGINS not in text or _ENDS not in text:
        return text
    return text.partition(_BEGINS)[2].rpartition(_ENDS)[0]


def _part(name: str) -> str:
    return (resources.files(__package__ or "") / "programs" / "exported" / f"{name}.py").read_text(encoding="utf-8")
