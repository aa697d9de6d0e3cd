"""Tools of our own read generated texts in the jail: whatever a text is, there is an outcome, and the host goes on."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftaught.sandbox import Attempts, Job, Limits, tool
from selftaught.sandbox.jail import TOOLS, interpreter, tools
from selftaught.sandbox.levels import open_sandbox
from selftaught.sandbox.pool import Pool

from .test_hostile import require_reachable

GOOD = "def f(x):\n    return x\n"
TEXTS = {
    GOOD: None,
    "\ufeff" + GOOD: None,
    "f = 1": None,
    "from m import g as f": None,
    "": "an empty text",
    " " * 2_000_000: "an empty text",
    "```" + " " * 2_000_000: "longer than 100,000 characters",
    "x = 1": "does not define f",
    "f(": "syntax error in line 1: '(' was never closed",
    "temperature=0x" + "f" * 4000: "does not define f",
    "temperature=" + "9" * 5000: "syntax error in line 1: Exceeds the limit",
    "\n".join(["a0 = 'x'", *(f"a{i + 1} = a{i} + a{i}" for i in range(16))]): "does not define f",
    "(" * 5000 + ")" * 5000: "syntax error in line 1: too many nested parentheses",
    "-" * 90_000 + "1": "does not parse",
    "x = " + "+".join(["1"] * 40_000): ("does not parse", "does not define f"),
    "x = '\ud800'": "does not parse: UnicodeEncodeError",
    "x = 1\0": ("syntax error", "does not parse"),
    "print('a\rb')": "syntax error in line 1: unterminated string",
}  # fmt: skip


@pytest.fixture(scope="module", params=["strict", "confined"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    if request.param == "confined" and os.geteuid() == 0:
        require_reachable(interpreter())
    with open_sandbox(request.param, 1) as opened:
        yield opened


def test_every_text_of_a_batch_has_its_outcome(pool: Pool) -> None:
    job = tool("programs", "defect", [(text, "f") for text in TEXTS], Limits(cpu_s=2))
    for (text, wanted), outcome in zip(TEXTS.items(), pool.run(job), strict=True):
        shown = text[:60], outcome
        if outcome.kind == "answer" and isinstance(outcome.answer, str):
            assert wanted is not None and outcome.answer.startswith(wanted), shown
        elif outcome.kind == "answer":
            assert (wanted, outcome.answer) == (None, None), shown
        else:  # the parser itself gave up, which kills nothing but this input's process
            assert outcome.kind in ("error", "memory", "killed", "time"), shown
            assert text[0] in "-x", shown
        assert outcome.denied == Attempts({})
    assert pool.restarts == 0
    assert pool.run(tool("programs", "defect", [(GOOD, "f")]))[0].answer is None


def test_a_tool_that_never_ends_or_fails_is_a_value(pool: Pool) -> None:
    program = "import programs\ndef spin(x):\n    while x: pass\n    return programs.MAX_CHARS"
    job = Job(program, "spin", ((1,), (0,)), (0, 0), Limits(cpu_s=0.3), "tool")
    assert [one.kind for one in pool.run(job)] == ["time", "answer"]
    (unknown,) = pool.run(tool("programs", "nothing", [()]))
    assert unknown.kind == "error"
    assert "cannot import name" in unknown.error


def test_tools_see_their_folder_and_others_do_not(pool: Pool) -> None:
    program = "def f(path):\n    try:\n        import flow\n        return open(flow.__file__).read() != ''\n    except ImportError: return 0"
    assert pool.run(Job(program, "f", (("",),), (0,), profile="tool"))[0].answer is True
    assert pool.run(Job(program, "f", (("",),), (0,)))[0].answer == 0
    read = "import flow\ndef f(path): open(path + '/../task.py')\n"
    (outcome,) = pool.run(Job(read, "f", ((str(TOOLS.parent),),), (0,), profile="tool"))
    assert outcome.kind == "error"
    assert outcome.denied.calls == {"openat": 1}


def test_tools_need_nothing_of_this_package_and_have_names_of_their_own() -> None:
    import sys

    for path in TOOLS.rglob("*.py"):
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert names <= set(sys.stdlib_module_names) | {*tools(), "programs", "sections"}  # these two are of the guest
    for name in tools():
        assert name not in sys.stdlib_module_names
        assert name not in {one.stem for one in Path(TOOLS).with_name("guest").glob("*.py")}
