"""Answers made to be slow to read: the time they take is bounded, whatever they hold."""

import time

import pytest

from selftaught.sandbox.guest.helpers import extract_code, fault

HOSTILE = {
    "spaces after a fence": "```" + " " * 2_000_000,
    "spaces": " " * 2_000_000,
    "empty lines": "x" + "\n" * 2_000_000 + "x",
    "blocks": "```\nx = 1\n" * 100_000,
    "nested blocks": "```python\n" * 200_000,
    "programs": "```python\ndef f(x):\n    return x\n```\n" * 25_000,
    "paragraphs": "```python\n" + "x = 1\n\n" * 200_000 + "(",
    "fences in a string": "```python\ns = '''\n" + "```python\nx\n```\n" * 30_000,
    "quotes": '"""\n```\n' * 200_000,
    "thoughts": "<think>" * 300_000,
    "ends of thoughts": "</think>" * 300_000,
    "channels": "<|channel|>final<|message|>" * 60_000,
    "ends of turns": "</s>" * 400_000,
    "tags": "<code>" * 300_000,
    "half tags": "<code " * 300_000,
    "braces": '{"a":' * 300_000,
    "brackets": "[" * 1_000_000,
    "functions": "def f(x):\n" * 200_000,
    "assignments": "x = 1\n\n" * 200_000 + "(",
    "entities": "```python\n" + "&lt;" * 20_000 + "\n```\n",
    "numbers": "1 x = 1\n" * 200_000,
    "ticks": "`" * 2_000_000,
    "quotations": "> " * 1_000_000,
    "dots": "...\n" * 500_000,
    "remarks": "```python\n" + "# rest " * 14_000 + "\nx = 1\n```",
    "turns": "x</s>[INST]" * 100_000,
    "plans": "<plan>\n" * 150_000,
    "tags on lines": "<x>\n</y>\n" * 120_000,
    "programs between tags": "<x>\ndef f(x):\n    return x\n</x>\n" * 25_000,
    "programs in prose": "def g(x):\n    return x\nThat is it.\n" * 25_000,
    "long program in prose": "def g(x):\n" + "    x = 1\n" * 9_000 + "That is it.\nx = = 1\n" * 5_000,
    "words": "Word\n" * 200_000 + "x = 1",
    "items": "- def f(x):\n-     return x\n\n" * 30_000,
    "escapes in a string": "```python\n" + '"""' + '\\"""' * 20_000 + "\u00a0(\n```",
    "quotes and escapes": "```python\n" + '"\\' * 40_000 + "\u00a0(\n```",
    "terminal": "```python\n\x1b]" + "\x1b]0" * 30_000 + "\n```",
    "fillers": "```python\nx = 1\n" + "\u3164\n" * 20_000 + "(\n```",
    "boxes": "\\boxed{" * 140_000,
    "ticks and words": "`def f" * 160_000,
    "continued": "```python\ndef f(x):\n    x\n```\n" + "```python\n    x\n```\n" * 40_000,
    "continued anew": "```\ndef f(x):\n    x\n```\n" + "".join(f"```\n    x{i}\n```\n" for i in range(30_000)),
    "breaks": "<br>" * 250_000,
    "leads": "recommend not " * 70_000 + "\n```python\nx = 1\n```",
    "tool calls": '"name"' + " " * 1_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_takes_bounded_time(text):
    """A second or two for a million characters, and far more than the limit below for anything that grows as the square."""
    began = time.process_time()
    extract_code(text, "f")
    fault(text)
    assert time.process_time() - began < 10


def test_spaces_take_no_time_to_speak_of():
    began = time.process_time()
    extract_code("```" + " " * 2_000_000)
    assert time.process_time() - began < 0.5
