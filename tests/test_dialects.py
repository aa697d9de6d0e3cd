"""How real models and the servers around them write down a program: each way gives that program, and nothing else."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught.sandbox.guest.helpers import CutText, extract_code, fault

PROGRAM = "def f(x):\n    return x + 1\n"
OTHER = "def f(x):\n    # a draft that is longer than the program which is meant\n    return x - 1\n"
BLOCK = f"```python\n{PROGRAM}```\n"
DRAFT = f"```python\n{OTHER}```\n"
NUMBERED = "\n".join(f"{i:3} | {line}" for i, line in enumerate(PROGRAM.split("\n")[:-1], 1))


def quoted(text, mark):
    return "\n".join(mark + line for line in text.split("\n"))


THOUGHTS = {
    "think": f"<think>\nA draft:\n{DRAFT}</think>\n{BLOCK}",
    "no opening mark": f"A draft:\n{DRAFT}</think>\n{BLOCK}",
    "thinking": f"<thinking>{DRAFT}</thinking>{BLOCK}",
    "reasoning": f"<reasoning>\n{DRAFT}</reasoning>\n{BLOCK}",
    "thought": f"<thought>\n{DRAFT}</thought>\n\n{BLOCK}",
    "attribute": f'<think duration="3s">\n{DRAFT}</think>\n{BLOCK}',
    "capitals": f"<Think>\n{DRAFT}</THINK>\n{BLOCK}",
    "seed": f"<seed:think>\n{DRAFT}</seed:think>\n{BLOCK}",
    "brackets": f"[THINK]{DRAFT}[/THINK]{BLOCK}",
    "triangles": f"◁think▷{DRAFT}◁/think▷{BLOCK}",
    "tokens": f"<|START_THINKING|>{DRAFT}<|END_THINKING|>{BLOCK}",
    "begin of thought": f"<|begin_of_thought|>{DRAFT}<|end_of_thought|>\n{BLOCK}",
    "unused": f"<unused94>thought\n{DRAFT}<unused95>{BLOCK}",
    "channel of a thought": f"<|channel>thought\n{DRAFT}<channel|>{BLOCK}",
    "twice": f"<think>{DRAFT}</think>\nSo:\n<think>{DRAFT}</think>\n{BLOCK}",
    "never closed": f"<think>\nA draft:\n{DRAFT}Now I know.\n<answer>\n{BLOCK}</answer>\n",
    "never closed, nor the answer": f"<think>\nA draft:\n{DRAFT}Now I know.\n<final_answer>\n{BLOCK}",
    "never closed, two answers": f"<think>\n<answer>\n{DRAFT}</answer>\nNo.\n<answer>\n{BLOCK}</answer>",
    "quoted": f"**Thinking**\n{quoted(DRAFT, '> ')}\n\n{BLOCK}",
    "quoted tags": f"{quoted(f'<think>{chr(10)}{DRAFT}</think>', '> ')}\n\n{BLOCK}",
    "nested": f"<thinking>{DRAFT}<reflection>{DRAFT}</reflection>{DRAFT}</thinking>{BLOCK}",
    "open draft": f"<think>\n```python\n{OTHER}</think>\n{BLOCK}",
    "channels": f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{BLOCK}<|return|>",
    "flattened channels": f"analysisLet me see.\n{DRAFT}assistantfinalHere:\n{BLOCK}",
    "field": json.dumps({"reasoning": OTHER, "code": PROGRAM}),
    "scalars": f"thought: |\n{quoted(OTHER, '  ')}\ncode: |\n{quoted(PROGRAM, '  ')}\n",
    "only spoken of": f"The <think> tag is not needed, nor is <think>this</think> one.\n{BLOCK}",
    "after a token of a turn": f"<｜Assistant｜><think>\n{DRAFT}</think>\n{BLOCK}",
}
VERSIONS = {
    "quoted first": f"Here is the current program:\n{DRAFT}And here is the improved one:\n{BLOCK}",
    "alternative": f"{BLOCK}\nAlternatively (slower, not recommended):\n{DRAFT}",
    "first idea": f"My first attempt:\n{DRAFT}That is wrong. So:\n{BLOCK}",
    "rejected after": f"{BLOCK}\nOne could also write\n{DRAFT}but this does not work for large x.\n",
    "last": f"{DRAFT}Now let me simplify this:\n{BLOCK}",
    "before and after": f"**Before:**\n{DRAFT}\n**After:**\n{BLOCK}",
    "heading": f"## Original code\n\n{DRAFT}\n## Optimized code\n\n{BLOCK}",
    "reference": f"### Solution\n{BLOCK}\nFor reference, the naive version:\n{DRAFT}",
    "sketch": f"{BLOCK}\nThe idea in short:\n```python\ndef f(x):\n    ...\n```",
    "elided": f"{BLOCK}\nSo only this changes:\n```python\ndef f(x):\n    # ... existing code ...\n    return x\n```",
    "tests": f"{BLOCK}\nTest it:\n```python\nimport random\n\n\ndef test_f():\n    for x in range(100):\n        assert f(x) == x + 1\n```",
    "usage": f"{BLOCK}\nUsage:\n```python\nprint(f(1))\nprint(f(2))\nprint(f(3))\nnumbers = [f(x) for x in range(10)]\n```",
    "shell": f"{BLOCK}\nRun it:\n```bash\nx=1\npython -m program --with --a --long --line --of --options\n```",
    "output": f"{BLOCK}\nIt prints\n```text\nx = 1\ny = 2\nz = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]\n```",
}
DRESSES = {
    "glued to the fence's language": f"Here:\n```python{PROGRAM}```\nThat is it.",
    "on the fence's line": f"Here:\n```{PROGRAM}```\nThat is it.",
    "uppercase label": f"```Python\n{PROGRAM}```",
    "py": f"```py\n{PROGRAM}```",
    "version and attributes": f"```Python3 {{.numberLines}}\n{PROGRAM}```",
    "braces": f"```{{python}}\n{PROGRAM}```",
    "file name": f"```python:main.py\n{PROGRAM}```",
    "tildes": f"~~~~python\n{PROGRAM}~~~~",
    "four and three": f"````python\n{PROGRAM}```",
    "spaces after": f"```python   \n{PROGRAM}```   \n",
    "markdown around": f"```markdown\n# Answer\n{BLOCK}\n```",
    "stray end": f"```\n\nFinal:\n{BLOCK}",
    "glued beginning": f"Here it is:```python\n{PROGRAM}```",
    "glued end": f"```python\n{PROGRAM.rstrip()}```",
    "no end": f"Idea.\n```python\n{PROGRAM}",
    "no end, then prose": f"```python\n{PROGRAM}\nThis adds one to every number.",
    "quotation": quoted(f"Idea.\n{BLOCK}", "> "),
    "quotation without spaces": quoted(f"Idea.\n{BLOCK}", ">"),
    "list": "1. Do this:\n" + quoted(BLOCK, "   "),
    "list mark before the fence": "- ```python\n  def f(x):\n      return x + 1\n  ```\n",
    "carriage returns": f"Idea.\n{BLOCK}".replace("\n", "\r\n"),
    "no-break spaces": BLOCK.replace("    ", "\u00a0" * 4),
    "ideographic spaces": BLOCK.replace("    ", "\u3000" * 4),
    "zero-width space": BLOCK.replace("def", "\u200bdef"),
    "zero-width within": BLOCK.replace("return", "\u200b\u2060return\u200b"),
    "byte order mark": "\ufeff" + BLOCK,
    "mark within the block": BLOCK.replace("def", "\ufeffdef"),
    "line separators": f"```python\n{PROGRAM.replace(chr(10), chr(0x2028))}\n```",
    "apostrophes": f"'''python\n{PROGRAM}'''",
    "quotation marks": f'"""python\n{PROGRAM}"""',
    "typographic": f"‘‘‘python\n{PROGRAM}’’’",
    "code tag": f"Thoughts: add.\n<code>\n{PROGRAM}</code>\n",
    "tags on the lines of code": f"<code>{PROGRAM.rstrip()}</code>",
    "program tag": f"<idea>add</idea>\n<program>\n{PROGRAM}</program>",
    "tag with attributes": f'<code language="python">\n{PROGRAM}</code>',
    "answer tag around a block": f"<answer>\n{BLOCK}</answer>",
    "two tags": f'<pre><code class="language-python">{PROGRAM}</code></pre>',
    "square tags": f"[PYTHON]\n{PROGRAM}[/PYTHON]",
    "latex": f"\\begin{{lstlisting}}[language=Python]\n{PROGRAM}\\end{{lstlisting}}",
    "character data": f"<solution><![CDATA[\n{PROGRAM}]]></solution>",
    "JSON": json.dumps({"idea": "add", "code": PROGRAM}),
    "JSON block": f"```json\n{json.dumps({'idea': 'add', 'code': PROGRAM}, indent=2)}\n```",
    "JSON with real breaks": f'{{"code": "{PROGRAM}"}}',
    "JSON in prose": f"Here you are: {json.dumps({'program': PROGRAM})} Good luck!",
    "JSON with a block": json.dumps({"answer": f"Idea.\n{BLOCK}"}),
    "JSON in JSON": json.dumps({"name": "write", "arguments": json.dumps({"code": PROGRAM})}),
    "JSON list": json.dumps([{"type": "text", "text": BLOCK}]),
    "JSON string": json.dumps(PROGRAM),
    "Python data": repr({"idea": "it's", "code": PROGRAM}),
    "written out": PROGRAM.strip().replace("\n", "\\n"),
    "prompt": "```python\n>>> def f(x):\n...     return x + 1\n...\n>>> f(1)\n2\n```".replace(">>> f(1)\n2\n", ""),
    "prompt of a notebook": "```\nIn [1]: def f(x):\n   ...:     return x + 1\n```",
    "entities": "```python\ndef f(x):\n    return x + 1 if x &lt; 9 &amp;&amp; 1 else x\n```".replace(
        " if x &lt; 9 &amp;&amp; 1 else x", ""
    ),
    "line numbers": f"```python\n{NUMBERED}\n```",
    "difference": "```python\n@@ -0,0 +1,2 @@\n+def f(x):\n+    return x + 1\n```",
    "magic": f"```python\n%%time\n{PROGRAM}```",
    "bare": PROGRAM,
    "bare, in prose": f"Here is the program:\n\n{PROGRAM}\nIt adds one to x.",
    "indented, in prose": "Here is the program:\n\n    def f(x):\n        return x + 1\n\nIt adds one to x.",
    "yaml": "idea: add\ncode: |\n  def f(x):\n      return x + 1\n",
    "tokens of a turn": f"<|im_start|>assistant\n{BLOCK}<|im_end|>",
    "end token after bare code": f"{PROGRAM}<|eot_id|>",
}
MARKUPS = {
    "lines in JSON": json.dumps({"code": PROGRAM.split("\n")}),
    "quotation in a quotation": quoted(BLOCK, "> > "),
    "restructured text": f"Here:\n\n.. code-block:: python\n\n{quoted(PROGRAM, '    ')}\nDone.",
    "listing between rules": f"[source,python]\n----\n{PROGRAM}----\n",
    "rules": f"Program:\n=====\n{PROGRAM}=====\nThat is it.",
    "braces as tags": f"{{code:python}}\n{PROGRAM}{{code}}",
    "tag with a language": f"[code=python]\n{PROGRAM}[/code]",
    "dollars": f"$$\n{PROGRAM}$$",
    "guillemets": f"«\n{PROGRAM}»",
    "two ticks": f"``\n{PROGRAM}``",
    "end of two ticks": f"```python\n{PROGRAM}``",
    "escaped ticks": f"\\`\\`\\`python\n{PROGRAM}\\`\\`\\`",
    "wide ticks": f"{chr(0xFF40) * 3}python\n{PROGRAM}{chr(0xFF40) * 3}",
    "label of a page": f"python\n{PROGRAM}",
    "button of a page": f"python\nCopy code\n{PROGRAM}",
    "here document": f"```bash\ncat > main.py <<'EOF'\n{PROGRAM}EOF\npython main.py\n```",
    "search and replace": f"<<<<<<< SEARCH\n{OTHER}=======\n{PROGRAM}>>>>>>> REPLACE",
    "patch": "*** Begin Patch\n*** Update File: a.py\n@@\n-def f(x):\n-    return x\n+def f(x):\n+    return x + 1\n*** End Patch",
    "block of a difference": "```diff\n-def f(x):\n-    return x\n+def f(x):\n+    return x + 1\n```",
    "breaks of a page": "def f(x):<br>    return x + 1<br>",
}
WAYS = {**THOUGHTS, **VERSIONS, **DRESSES, **MARKUPS}


@pytest.mark.parametrize("entry", [None, "f"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_gives_the_program(way, entry):
    assert extract_code(WAYS[way], entry) == PROGRAM


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("return x &lt; 1 &amp; x", "return x < 1 & x"),
        ("return &quot;a&quot;", 'return "a"'),
        ("return x &lt; lt", "return x < lt"),
        ("if x &gt; 1:\n        return 2", "if x > 1:\n        return 2"),
    ],
)
def test_entities_are_read(written, meant):
    assert extract_code(f"```python\ndef f(x):\n    {written}\n```") == f"def f(x):\n    {meant}\n"


EXACT = {
    "strange spaces": "def f(x):\n    return 'a\u00a0b\u200dc'\n",
    "entities": "import html\n\n\ndef f(x):\n    return html.unescape('&lt;' + x)\n",
    "fences": 'def f(s):\n    return f"""Improve:\n```python\n{s}\n```\nthank you"""\n',
    "lone fences": 'TEXT = """\n```\nx = 1\n```\n"""\n\n\ndef f():\n    return TEXT\n',
    "thoughts": "def f(text):\n    return text.split('</think>')[-1].replace(\"<think>\", '')\n",
    "pattern of thoughts": 'import re\n\n\ndef f(t):\n    return re.sub(r"<think>.*?</think>", "", t)\n',
    "tags": "def f(t):\n    return t.partition('<code>')[2].partition('</code>')[0]\n",
    "tags over lines": 'def f(t):\n    return f"""\n<code>\n{t}\n</code>\n"""\n',
    "prompts": 'def f(x):\n    """\n    >>> f(1)\n    2\n    """\n    return x + 1\n',
    "quotation": 'def f(x):\n    return """\n> said\n"""\n',
    "remark on thoughts": "# strip <think> and all up to </think>\ndef f(t):\n    return t\n",
    "rules in a text": 'def f(t):\n    """Title\n    ----\n    EOF\n    """\n    return t\n',
    "channels": "def f(t):\n    return t.split('<|channel|>final<|message|>')[-1]\n",
    "dots": "def f(x):\n    return x[..., 0]\n",
    "blank line of a text": "def f():\n    return '''a\n    \nb'''\n",
    "tabs": "def f(x):\n\treturn x\n",
    "data": 'def f(x):\n    return {"code": "def g(): pass"}[x]\n',
}


@pytest.mark.parametrize("program", EXACT.values(), ids=EXACT)
@pytest.mark.parametrize(
    "around", ["Idea.\n```python\n{}```\nBye.", "{}", "<think>\nHm.\n</think>\n```\n{}```", "```py\n{}"]
)
def test_a_program_that_holds_such_marks_itself_is_not_touched(program, around):
    assert extract_code(around.replace("{}", program), "f") == program


def test_a_program_told_in_several_blocks_is_put_together():
    parts = ["import math", "def helper(x):\n    return math.floor(x)", "def f(x):\n    return helper(x) + LIMIT"]
    answer = "First\n```python\n{}\n```\nThen a helper:\n```python\n{}\n```\nand f:\n```python\n{}\n```\nwith\n```python\nLIMIT = 3\n```"
    for entry in (None, "f"):
        space = {}
        exec(extract_code(answer.format(*parts), entry), space)
        assert space["f"](1.5) == 4


def test_only_what_is_used_is_taken_from_other_blocks():
    answer = "```python\nimport math\n\nprint(f(3))\nassert 0\n```\nand\n```python\ndef f(x):\n    return math.pi\n```"
    assert extract_code(answer, "f") == "import math\n\ndef f(x):\n    return math.pi\n"


def test_a_function_broken_over_two_blocks_is_joined():
    answer = "```python\ndef f(x):\n    if x:\n```\nand then\n```python\n        return 1\n    return 2\n```"
    assert extract_code(answer, "f") == "def f(x):\n    if x:\n        return 1\n    return 2\n"


def test_the_block_that_defines_what_is_wanted_wins():
    answer = "```python\ndef f(x):\n    return x\n```\nwith a plot:\n```python\ndef g(x):\n    y = x\n    return y + f(x)\n```"
    assert extract_code(answer, "f") == "def f(x):\n    return x\n"
    assert "def g" in extract_code(answer, "g")


def test_where_nothing_defines_what_is_wanted_the_largest_part_is_given():
    answer = "```python\ndef g(x):\n    return x + 1 + 1\n```\n```python\ny = 1\n```"
    assert extract_code(answer, "f") == "def g(x):\n    return x + 1 + 1\n"


HALVES = {
    "cut": "Idea.\n```python\ndef f(x):\n    y = [x,\n",
    "cut in a later function": "```python\ndef f(x):\n    return g(x)\n\n\ndef g(x):\n    y = (x +",
    "cut string": '```python\ndef f(x):\n    return """Improve\n```python\n{x}\n',
    "cut thought": f"<think>\nA draft:\n{DRAFT}",
    "only thought": f"<think>\n{DRAFT}</think>\n",
    "cut thought of an answer": f"<think>\nI answer in <answer> tags:\n{DRAFT}",
    "cut channel": f"<|channel|>analysis<|message|>{DRAFT}",
}


@pytest.mark.parametrize("text", HALVES.values(), ids=HALVES)
@pytest.mark.parametrize("entry", [None, "f"])
def test_half_a_program_is_none(text, entry):
    assert extract_code(text, entry) == ""


def test_what_the_token_limit_left_open_is_half_a_program():
    assert extract_code(CutText(f"```python\n{PROGRAM}"), "f") == ""
    assert extract_code(CutText(PROGRAM), "f") == ""
    assert extract_code(CutText(f"{BLOCK}It is faster beca"), "f") == PROGRAM
    assert extract_code(CutText(f"{BLOCK}Or:\n```python\ndef f(x):\n    y = 2\n"), "f") == PROGRAM


@pytest.mark.parametrize(
    ("text", "finish", "kind"),
    [
        (BLOCK, "stop", None),
        (BLOCK, "length", None),
        ("", "stop", "empty"),
        ("  \n", "empty", "empty"),
        ("", "length", "cut"),
        (f"```python\n{PROGRAM}", "length", "cut"),
        ("Let me think about", "length", "cut"),
        (HALVES["cut thought"], "stop", "cut"),
        ("I cannot help with that.", "stop", "refusal"),
        ("I’m sorry, but I can’t assist.", "stop", "refusal"),
        ("", "blocked", "refusal"),
        ('<tool_call>\n{"name": "python", "arguments": {}}\n</tool_call>', "stop", "tool call"),
        ('{"name": "run", "arguments": {"path": "x"}}', "stop", "tool call"),
        ("[TOOL_CALLS] run", "stop", "tool call"),
        ("One should sort them.", "stop", "no code"),
        (HALVES["cut"], "stop", "half a program"),
        ("```python\ndef f(:\n    pass\n```", "stop", "no Python"),
        ("```python\ndef g(x):\n    return x\n```", "stop", "wrong entry"),
    ],
)
def test_what_is_wrong_has_a_kind(text, finish, kind):
    assert fault(text, finish, "f") == kind


@st.composite
def wrapped(draw):
    """A program, and an answer that holds it in some dress, after some thoughts."""
    program = draw(st.sampled_from([PROGRAM, *EXACT.values()]))
    label = draw(st.sampled_from(["", "python", "py", "Python3", "python title='a'", "{.python}"]))
    fence = draw(st.sampled_from(["```", "````", "~~~"]))
    prose = draw(st.text("abc ,.!\n", max_size=40))
    thought = draw(
        st.sampled_from(["", f"<think>\n{DRAFT}</think>\n", f"{DRAFT}</think>\n", f"<thought>{OTHER}</thought>\n"])
    )
    end = draw(st.sampled_from([f"\n{fence}\n{prose}", f"\n{fence}", f"\n{fence}\n{prose}\n```text\nout = 1\n```"]))
    answer = f"{thought}{prose}\n{fence}{label}\n{program.rstrip(chr(10))}{end}"
    if draw(st.booleans()):
        answer = answer.replace("\n", "\r\n")
    if draw(st.booleans()):
        answer = json.dumps({draw(st.sampled_from(["code", "text", "x"])): answer})
    return program, answer


@settings(max_examples=300, deadline=None)
@given(wrapped(), st.sampled_from([None, "f"]))
def test_a_program_comes_back_from_any_dress(dressed, entry):
    program, answer = dressed
    assert extract_code(answer, entry) == program


PIECES = ["```", "python", "\n", "def f(x):", "    return x", "<think>", "</think>", "{", '"code":', "}", "<code>", ">>> ", "'''",
          "&lt;", "1 | ", "+", "\u00a0", "\ud800", "\x00", "<|channel|>final<|message|>", "x = 1", "(", "\\n", "[", "- ", "> "]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join), st.sampled_from([None, "f"]), st.booleans())
def test_nothing_raises(text, entry, cut):
    assert isinstance(extract_code(CutText(text) if cut else text, entry), str)
    assert fault(text, "length" if cut else "stop", entry) is None or isinstance(fault(text), str | None)
