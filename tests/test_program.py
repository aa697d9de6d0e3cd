"""What counts as a program that defines a function, without running it."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.program import MAX_PROGRAM_CHARS, Program, defect


@pytest.mark.parametrize(
    "text",
    [
        "def f(x): return x",
        "f = lambda x: x",
        "from math import sin as f",
        "if True:\n    def f(x): return x",
        "class f:\n    pass",
    ],
)
def test_programs(text):
    assert defect(text, "f") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "not a text but NoneType"),
        (7, "not a text but int"),
        ("  \n", "an empty text"),
        ("def f(:", "syntax error in line 1"),
        ("def g(x): return f(x)", "does not define f"),
        ("x = '" + "a" * MAX_PROGRAM_CHARS + "'", "longer than 100,000 characters"),
        ("f = " + "-" * 50_000 + "1", "does not parse"),
        ("f = " + "(" * 5000 + ")" * 5000, "syntax error"),
        ("f = 1\0", "does not parse|syntax error"),
        ("f = '\ud800'", "does not parse"),
    ],
)
def test_what_is_none_is_told_why(text, why):
    assert __import__("re").match(why, defect(text, "f") or "")


@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(text):
    assert defect(text, "f") is None or isinstance(defect(text, "f"), str)


def test_a_program_is_its_text():
    assert Program("x = 1").digest == Program("x = 1").digest != Program("x = 2").digest


class Litter:
    """Garbage whose collection runs Python code, and so lets another thread in."""

    def __init__(self):
        self.own = self

    def __del__(self):
        sum(range(50))


def test_threads_may_parse_at_once():
    text = "\n".join(f"def f{i}(x):\n    return (x + 1) * (2 + [a for a in range({i})][0])" for i in range(60))
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(_):
        found = set()
        for _ in range(60):
            [Litter() for _ in range(20)]
            found.add(defect(text, "f0"))
        return found

    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(4))) == [{None}] * 4
    finally:
        sys.setswitchinterval(switching)
