"""Characters that are not what they look like: mended where they keep a text from being a program, and nowhere else."""

import re

import pytest

from selftaught.sandbox.guest.helpers import extract_code

PROGRAM = "def f(x):\n    return sorted(x)\n"
SPACES = "\u00a0\u1680\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000\u2800\u3164\uffa0\u115f"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202e\u2066\u2069\u180e\u180b\u2063\ufe0f\ufe00\U000e0020\U000e0100\u034f\u061c\ufff9\x00\x01\x08\x0b\x0c\x0e\x1b\x7f\x80\x9f"
BREAKS = "\u2028\u2029\x85"


def fenced(program, label="python"):
    return f"Idea.\n```{label}\n{program}```\nBye."


def named(signs):
    return [pytest.param(sign, id=f"U+{ord(sign[0]):04X}") for sign in signs]


@pytest.mark.parametrize("space", named(SPACES))
def test_what_looks_like_a_space_is_one(space):
    assert extract_code(fenced(PROGRAM.replace("    ", space * 4)), "f") == PROGRAM
    assert extract_code(fenced(PROGRAM.replace("return ", f"return{space}")), "f") == PROGRAM


@pytest.mark.parametrize("sign", named([*UNSEEN, *BREAKS, "\x1b[0m", "\x1b[38;5;12m"]))
def test_what_is_not_seen_is_not_there(sign):
    places = (
        fenced(PROGRAM.replace("return", f"re{sign}turn")),
        fenced(sign + PROGRAM),
        fenced(PROGRAM.replace(":\n", f":{sign}\n")),
        fenced(PROGRAM.replace(":\n", f":\n{sign}\n")),
        sign + fenced(PROGRAM),
        fenced(PROGRAM, f"python{sign}"),
        f"Text\n{sign}```python\n{PROGRAM}{sign}```",
    )
    for number, text in enumerate(places):
        assert re.sub("[\n\x0c]+", "\n", extract_code(text, "f")).lstrip() == PROGRAM, number


@pytest.mark.parametrize("end", named([*BREAKS, "\r", "\r\r\n", "\r\n"]))
def test_other_ends_of_lines_are_read(end):
    for text in (fenced(PROGRAM), PROGRAM):
        assert extract_code(text.replace("\n", end), "f").replace("\n\n", "\n") == PROGRAM
    assert extract_code(f"```python\n{PROGRAM.replace(chr(10), end)}\n```", "f").replace("\n\n", "\n") == PROGRAM


MEANT = {
    "typographic quotes": ("return x or “a b”", 'return x or "a b"'),
    "single ones": ("return x or ‘a’", "return x or 'a'"),
    "German ones": ("return x or „a“", 'return x or "a"'),
    "guillemets": ("return x or «a»", 'return x or "a"'),
    "wide signs": ("return max（x，key＝len）［0］", "return max(x,key=len)[0]"),
    "wide quotes": ("return x or ＂a＂", 'return x or "a"'),
    "minus": ("return x − 1", "return x - 1"),
    "dash": ("return x – 1", "return x - 1"),
    "times": ("return 2 × x", "return 2 * x"),
    "comparison": ("return x ≤ 1 or x ≠ 2", "return x <= 1 or x != 2"),
    "breaks of a page": ("y = x<br>    return y", "y = x\n    return y"),
    "tabs of eight": ("\n\ty = x\n        return y", "\n        y = x\n        return y"),
    "tabs of four": ("y = x\n\treturn y", "y = x\n    return y"),
}


@pytest.mark.parametrize("way", MEANT)
def test_what_looks_like_python_is_read_so(way):
    written, meant = (
        f"def f(x):\n    {one}\n".replace("    \n", "").replace("(x):\n\n", "(x):\n") for one in MEANT[way]
    )
    assert extract_code(fenced(written), "f") == meant


def test_wide_signs_in_the_head_are_read():
    assert extract_code(fenced("def f（x）：\n    return sorted（x）\n"), "f") == PROGRAM


KEPT = {
    "no-break space": 'SEP = "a\u00a0b"',
    "zero-width space": 'SEP = "\u200b"',
    "filler": 'SEP = "\u3164"',
    "line separator": 'SEP = "\u2028"',
    "typographic quotes": 'SEP = "“a”"',
    "wide signs": "SEP = '（：，'",
    "dash in a remark": "SEP = 1  # a – b",
    "in a long string": 'SEP = """a\u00a0b\n“c” \u200b\n"""',
    "raw": r"SEP = r'\s\u00a0' + '\'\u00a0'".replace(r"\u00a0", "\u00a0"),
}
WRONG = {
    "no-break space": "\u00a0\u00a0\u00a0 return x",
    "zero-width space": "    \u200breturn x",
    "filler": "    return\u3164x",
    "control": "    re\x01turn x",
    "wide": "    return （x）",
}


def test_they_stay_in_other_dress_too():
    lines = ['SEP = "a\u00a0b"', "def f(x):", "\u00a0   return x < 1"]
    meant = 'SEP = "a\u00a0b"\ndef f(x):\n    return x < 1\n'
    for dress in ("{:6}\t{}", "> {1}", "{:3} | {}", "+{1}"):
        assert (
            extract_code(fenced("\n".join(dress.format(i, line) for i, line in enumerate(lines, 9)) + "\n"), "f")
            == meant
        )
    assert extract_code(fenced("\n".join(lines).replace("<", "&lt;") + "\n"), "f") == meant


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("kept", KEPT)
def test_strings_and_remarks_stay_when_what_is_wrong_stands_elsewhere(kept, wrong):
    found = extract_code(fenced(f"{KEPT[kept]}\ndef f(x):\n{WRONG[wrong]}\n"), "f")
    assert found.startswith(KEPT[kept] + "\ndef f(x):\n    return")


def test_a_program_with_odd_names_is_not_touched():
    program = "def f(größe):\n    数 = größe + 1\n    return 数 # “–”\u00a0\n"
    assert extract_code(fenced(program), "f") == program
