"""Answers made to be slow to read: the time they take is bounded, whatever they hold."""

import time

import pytest

from selftaught.sandbox.guest.helpers import extract_code, fault

HOSTILE = {
    "spaces after a fence": "```" + " " * 1_000_000,
    "spaces": " " * 1_000_000,
    "empty lines": "x" + "\n" * 1_000_000 + "x",
    "blocks": "```\nx = 1\n" * 50_000,
    "nested blocks": "```python\n" * 100_000,
    "programs": "```python\ndef f(x):\n    return x\n```\n" * 12_500,
    "paragraphs": "```python\n" + "x = 1\n\n" * 100_000 + "(",
    "fences in a string": "```python\ns = '''\n" + "```python\nx\n```\n" * 15_000,
    "quotes": '"""\n```\n' * 100_000,
    "thoughts": "<think>" * 150_000,
    "ends of thoughts": "</think>" * 150_000,
    "channels": "<|channel|>final<|message|>" * 30_000,
    "ends of turns": "</s>" * 200_000,
    "tags": "<code>" * 150_000,
    "half tags": "<code " * 150_000,
    "braces": '{"a":' * 150_000,
    "brackets": "[" * 500_000,
    "functions": "def f(x):\n" * 100_000,
    "assignments": "x = 1\n\n" * 100_000 + "(",
    "entities": "```python\n" + "&lt;" * 10_000 + "\n```\n",
    "numbers": "1 x = 1\n" * 100_000,
    "ticks": "`" * 1_000_000,
    "quotations": "> " * 500_000,
    "dots": "...\n" * 250_000,
    "remarks": "```python\n" + "# rest " * 7_000 + "\nx = 1\n```",
    "turns": "x</s>[INST]" * 50_000,
    "plans": "<plan>\n" * 75_000,
    "tags on lines": "<x>\n</y>\n" * 60_000,
    "programs between tags": "<x>\ndef f(x):\n    return x\n</x>\n" * 12_500,
    "programs in prose": "def g(x):\n    return x\nThat is it.\n" * 12_500,
    "long program in prose": "def g(x):\n" + "    x = 1\n" * 4_500 + "That is it.\nx = = 1\n" * 2_500,
    "words": "Word\n" * 100_000 + "x = 1",
    "items": "- def f(x):\n-     return x\n\n" * 15_000,
    "escapes in a string": "```python\n" + '"""' + '\\"""' * 10_000 + "\u00a0(\n```",
    "quotes and escapes": "```python\n" + '"\\' * 20_000 + "\u00a0(\n```",
    "terminal": "```python\n\x1b]" + "\x1b]0" * 15_000 + "\n```",
    "fillers": "```python\nx = 1\n" + "\u3164\n" * 10_000 + "(\n```",
    "boxes": "\\boxed{" * 70_000,
    "ticks and words": "`def f" * 80_000,
    "continued": "```python\ndef f(x):\n    x\n```\n" + "```python\n    x\n```\n" * 20_000,
    "continued anew": "```\ndef f(x):\n    x\n```\n" + "".join(f"```\n    x{i}\n```\n" for i in range(15_000)),
    "breaks": "<br>" * 125_000,
    "leads": "recommend not " * 35_000 + "\n```python\nx = 1\n```",
    "tool calls": '"name"' + " " * 500_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_takes_bounded_time(text):
    """A second or so for half a million characters, and far more than the limit below for anything that grows as the square."""
    began = time.process_time()
    extract_code(text, "f")
    fault(text)
    assert time.process_time() - began < 10


def test_spaces_take_no_time_to_speak_of():
    began = time.process_time()
    extract_code("```" + " " * 2_000_000)
    assert time.process_time() - began < 3, "as the square it would take hours"
