"""Code that no fences set off, or not well: between tags and marks of any name, glued to prose, over several blocks."""

import pytest

from selftaught.sandbox.guest.helpers import CutText, extract_code

PROGRAM = "def f(x):\n    y = x\n\n    return y + 1\n"
OTHER = "def f(x):\n    # a draft that is longer than the program which is meant\n    return x - 1\n"
BLOCK = f"```python\n{PROGRAM}```\n"
DRAFT = f"```python\n{OTHER}```\n"


def marked(mark, text=PROGRAM):
    return "\n".join(mark + line for line in text.rstrip().split("\n")) + "\n"


def numbered(form):
    return "\n".join(form.format(i) + line for i, line in enumerate(PROGRAM.rstrip().split("\n"), 1)) + "\n"


TAGS = (
    "final_code",
    "EVOLVE-BLOCK",
    "content",
    "my.program",
    "x",
    "Lösung",
    "patched:file",
    "candidate_1",
    "FINAL ANSWER",
)
WAYS = {
    **{f"tag {tag}": f"Sure.\n<{tag}>\n{PROGRAM}</{tag}>\nDone." for tag in TAGS},
    **{f"glued tag {tag}": f"Sure.\n<{tag}>{PROGRAM.rstrip()}</{tag}>" for tag in ("final_code", "content", "x")},
    "tag within a tag": f"<reply>\n<body>\n{PROGRAM}</body>\n</reply>",
    "tag with attributes": f'<edit path="a.py" mode="write">\n{PROGRAM}</edit>',
    "square tags": f"[BEGIN_PROGRAM]\n{PROGRAM}[END_PROGRAM]",
    "capitals": f"BEGIN CODE\n{PROGRAM}END CODE",
    "small capitals": f"Begin program\n{PROGRAM}End program",
    "dashes": f"--- begin ---\n{PROGRAM}--- end ---\nBye.",
    "scissors": f"----8<----\n{PROGRAM}---->8----",
    "stars": f"*** CODE ***\n{PROGRAM}*** END ***",
    "equals": f"===== START =====\n{PROGRAM}===== END =====",
    "box": f"<|begin_of_box|>{PROGRAM}<|end_of_box|>",
    "box on lines": f"<|begin_of_box|>\n{PROGRAM}\n<|end_of_box|>",
    "boxed": f"The answer is\n\\boxed{{\n{PROGRAM}}}",
    "boxed on the line": f"So: \\boxed{{{PROGRAM.rstrip()}}}.",
    "glued prose": f"Here is the program.\n{PROGRAM}It adds one to every number.",
    "glued prose with a quote": f"Here's the program:\n{PROGRAM}It's quick, isn't it?",
    "glued word": f"Answer\n{PROGRAM}Done",
    "glued title": f"Program:\n{PROGRAM}Explanation: addition\nThat is all.",
    "many paragraphs": f"Idea.\n\n{PROGRAM}\n" + "More words on this matter.\n\n" * 60,
    "title without a colon": f"Answer\n{PROGRAM}\n[END]",
    "list": marked("- "),
    "list after prose": "Here:\n" + marked("- ") + "Bye.",
    "quotation": "> Here:\n>\n" + marked("> ") + ">\n> Bye.",
    "quotation in prose": "Here:\n\n" + marked("> ") + "\nBye.",
    "bars": marked("| "),
    "bars at both ends": "\n".join(f"| {line:30} |" for line in PROGRAM.rstrip().split("\n")),
    "line numbers": numbered("{:6}\t"),
    "line numbers in a block": f"```\n{numbered('{:6}	')}```",
    "line numbers with arrows": f"```\n{numbered('{:6}→')}```",
    "line numbers in brackets": f"```\n{numbered('[{}] ')}```",
    "line numbers in prose": f"Here:\n{numbered('{:3}: ')}Bye.",
    "breaks": "```python<br>" + PROGRAM.replace("\n", "<br>").replace("    ", "&nbsp;" * 4) + "```",
    "plan": f"<plan>\n{DRAFT}</plan>\n<code>\n{PROGRAM}</code>",
    "draft": f"<draft>\n{OTHER}</draft>\n<final_code>\n{PROGRAM}</final_code>",
    "old and new": f"<old>\n{OTHER}</old>\n<new>\n{PROGRAM}</new>",
    "new and old": f"<new>\n{PROGRAM}</new>\n<old>\n{OTHER}</old>",
    "plan only": f"<plan>\nAdd.\n{BLOCK}</plan>",
    "another turn": f"{BLOCK}<|im_end|>\n<|im_start|>user\nthanks<|im_end|>\n<|im_start|>assistant\n{DRAFT}",
    "another turn of llama": f"{BLOCK}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nAgain\n{DRAFT}",
    "another turn of gemma": f"{BLOCK}<end_of_turn>\n<start_of_turn>user\nAgain\n<start_of_turn>model\n{DRAFT}",
    "another turn in words": f"{BLOCK}\nHuman: Another one?\n\nAssistant: Yes:\n{DRAFT}",
    "many blocks first": "".join(f"```python\nx{i} = {i}\n```\n" for i in range(400)) + BLOCK,
    "many blocks last": BLOCK + "".join(f"```python\nx{i} = {i}\n```\n" for i in range(400)),
    "many blocks around": "".join((BLOCK if i == 200 else f"```python\nx{i} = {i}\n```\n") for i in range(400)),
    "many blocks beyond all bounds": "".join(f"```python\nx{i} = {i}\n```\n" for i in range(3000)) + BLOCK,
}


@pytest.mark.parametrize("entry", [None, "f"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_gives_the_program(way, entry):
    assert extract_code(WAYS[way], entry).replace("\n\n", "\n") == PROGRAM.replace("\n\n", "\n")


@pytest.mark.parametrize("entry", [None, "f"])
@pytest.mark.parametrize("between", ["Part 2:\n", "Part 2 (continues the function):\n\n", "", "and then\n"])
def test_a_function_that_goes_on_in_the_next_block_is_put_together(between, entry):
    rest = "```python\n    if y > 9:\n        y = 9\n    return y + 1\n```\n"
    text = f"Part 1:\n```python\ndef f(x):\n    y = x\n```\n{between}{rest}It caps."
    assert extract_code(text, entry) == "def f(x):\n    y = x\n    if y > 9:\n        y = 9\n    return y + 1\n"


@pytest.mark.parametrize("entry", [None, "f"])
def test_a_piece_of_a_program_that_is_only_shown_again_is_not_added_to_it(entry):
    assert extract_code(f"{BLOCK}The line that matters:\n```python\n    return y + 1\n```\n", entry) == PROGRAM
    assert extract_code(f"{BLOCK}Not, mind you:\n```python\n    y = x + 2\n    return y\n```\n", entry) == PROGRAM


HALVES = {
    "in a tag": "<final_code>\ndef f(x):\n    y = [x,\n",
    "in a later function": "BEGIN\ndef f(x):\n    return g(x)\n\n\ndef g(x):\n    y = (x +",
    "at a loop": "Sure.\ndef f(x):\n    return g(x)\n\n\nfor i in range(3",
    "marked": marked("- ", "def f(x):\n    y = [x,\n"),
}


@pytest.mark.parametrize("text", HALVES.values(), ids=HALVES)
@pytest.mark.parametrize("entry", [None, "f"])
def test_half_a_program_is_none(text, entry):
    assert extract_code(text, entry) == "" and extract_code(CutText(text), entry) == ""
