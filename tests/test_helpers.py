"""Code extraction: what a model writes around a program must not lose the program."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.sandbox.guest.helpers import extract_code

PROGRAM = "def f(x):\n    return x + 1\n"


@pytest.mark.parametrize(
    "text",
    [
        f"An idea.\n```python\n{PROGRAM}```\nDone.",
        f"An idea.\n```\n{PROGRAM}```",
        f"~~~py\n{PROGRAM}~~~",
        f"A small one:\n```python\nx = 1\n```\nand the whole:\n```python\n{PROGRAM}```",
        f"First\n```python\n{PROGRAM}```\nthen how to run it\n```sh\npython f.py\n```",
        f"The fence is never closed\n```python\n{PROGRAM}",
        f"```python\n{PROGRAM}```".replace("\n", "\r\n"),
        "1. In a list:\n   ```python\n   def f(x):\n       return x + 1\n   ```\n",
        f"````python\n{PROGRAM}````",
        PROGRAM,
        f'```python title="f.py"\n{PROGRAM}```',
        f"```{{.python .numberLines}}\n{PROGRAM}```",
        "- In a list\n  - in a list:\n\n      ```python\n      def f(x):\n          return x + 1\n      ```\n",
        f"\ufeff```python\n{PROGRAM}```",
        f"\ufeff{PROGRAM}",
        f"Idea.\n```python\n{PROGRAM.rstrip()}```\nDone.",
        f"Idea.\n```python\n{PROGRAM}\nThis is faster, because it adds only once.",
    ],
    ids=[
        "labelled",
        "unlabelled",
        "tildes",
        "largest",
        "shell",
        "unclosed",
        "crlf",
        "indented",
        "four",
        "bare",
        "titled",
        "attributes",
        "deep",
        "mark",
        "bare-with-mark",
        "glued",
        "prose-after-an-open-block",
    ],
)
def test_the_program_is_found(text):
    assert extract_code(text) == PROGRAM


def test_fences_inside_a_program_stay_inside():
    program = 'def f(s):\n    message = f"""Improve:\n```python\n{s}\n```\nthank you"""\n    return message\n'
    assert extract_code(f"Idea.\n```python\n{program}```\nBye.") == program
    assert extract_code(f"Idea.\n```python\n{program}") == program


def test_a_function_below_a_condition_is_a_program():
    program = "if True:\n    def f(x):\n        return x + 1\nelse:\n    f = None\n"
    assert extract_code(f"```python\n{program}```\nor\n```python\nx = 1\n```") == program


def test_a_nested_program_wins_over_the_piece_inside_it():
    program = 'TEXT = """\n```\nx = 1\n```\n"""\n\n\ndef f():\n    return TEXT\n'
    answer = f"See\n```python\n{program}```\nor only\n```python\nx = 2\n```"
    assert extract_code(answer) == program


@pytest.mark.parametrize("text", ["", "   ", "I cannot help with that.", "Hello", None, 7])
def test_no_code_is_the_empty_string(text):
    assert extract_code(text) == ""


def test_broken_code_is_given_as_it_is():
    assert extract_code("```python\ndef f(:\n    pass\n```") == "def f(:\n    pass\n"


def test_a_list_gives_a_list():
    assert extract_code([f"```\n{PROGRAM}```", "none"]) == [PROGRAM, ""]


@given(st.text(alphabet="`~\n \rabc=1:()\"'#", max_size=200))
def test_any_text_gives_a_text(text):
    assert isinstance(extract_code(text), str)


@given(st.sampled_from(["x = 1", "def f():\n    return '```'", 'y = """\n```\n"""']), st.text("ab ,.\n", max_size=40))
def test_a_fenced_program_is_recovered_from_any_prose(program, prose):
    found = extract_code(f"{prose}\n```python\n{program}\n```\n{prose}")
    assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(program))


BEGUN = "def f(numbers):\n    out = []\n"


@pytest.mark.parametrize("fence", ["", "```python\n"], ids=["no fence", "open fence"])
@pytest.mark.parametrize(
    "last",
    [
        *(
            "    for n in numbers:\n",
            "    for n in numbers:",
            "    try:\n",
            "    if x",
            "    with out as o:\n",
        ),
        *(
            "    while out and numbers",
            "    return out i",
            "    out.append(n",
            "    retur n",
            "for n in x:",
            "else:",
            "if x",
        ),
    ],
)
def test_half_a_program_is_none_wherever_it_was_cut(fence, last):
    assert extract_code(f"{fence}{BEGUN}{last}", "f") == ""


@pytest.mark.parametrize("after", ["Example usage:", "END OF CODE", "This is it.", "---", "Explanation of the code:"])
def test_what_sets_code_off_still_does(after):
    assert extract_code(f"{PROGRAM}{after}\n", "f") == PROGRAM
