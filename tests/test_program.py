"""What counts as a program that defines a function, without running it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox.guest.programs import defect


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
        ("  \n", "an empty text"),
        ("def f(:", "syntax error in line 1"),
        ("def g(x): return f(x)", "does not define f"),
        ("x = '" + "a" * MAX_CHARS + "'", "longer than 100,000 characters"),
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
