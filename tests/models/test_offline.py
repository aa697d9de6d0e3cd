"""The built-in model: it answers as a model would, edits anything that parses, and is decided by the address alone."""

import ast
import random
import time

import pytest
from editor import answer, edits, improvers, random_improver
from editor.landmarks import improver
from editor.parts import PARTS
from editor.reading import read
from editor.source import parse
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught import improvers as box
from selftaught.errors import UsageError
from selftaught.models import Request
from selftaught.models.offline import LONGEST, Offline
from selftaught.runs.model import editing
from selftaught.sandbox.guest.helpers import extract_code
from selftaught.sandbox.levels import open_sandbox

SOLUTION = (
    "import math\n\n\ndef f(x, y):\n    return x\n\n\ndef g(xs, ys):\n    return [f(x, y) for x, y in zip(xs, ys)]\n"
)
IMPROVERS = [box.load(name).text for name in box.names()]
SEED = box.load("seed").text


def message(*programs):
    blocks = "\n\nAnother attempt:\n".join(f"```python\n{one}\n```" for one in programs)
    return f"Improve this:\n{blocks}\n\nIt is scored by how near it comes.\n"


def here(inputs):
    """The editor's work in this process, without a sandbox: quicker, and for friendly texts alone."""
    return [answer(*one) for one in inputs]


def ask(text, addresses, temperature=0.7, name="offline"):
    return Offline(here, name).complete(Request("You are an expert.", text, temperature), addresses)


def code(answer):
    return extract_code(answer.text)


def test_an_answer_is_a_function_of_request_and_address():
    together = ask(message(SOLUTION), ["a", "b", "c"])
    alone = [ask(message(SOLUTION), [one])[0] for one in ("c", "a", "b")]
    assert [one.text for one in together] == [alone[1].text, alone[2].text, alone[0].text]
    assert len({one.text for one in ask(message(SOLUTION), [str(i) for i in range(50)])}) > 25


def test_an_answer_tells_an_idea_and_one_program():
    answer = ask(message(SOLUTION), ["a"])[0]
    assert answer.text.startswith("Idea: ")
    assert answer.text.count("```python\n") == 1
    assert parse(code(answer)).functions == {"f", "g"}
    assert answer.tokens_in > 20 and answer.tokens_out > 20 and answer.dollars == 0.0


def test_a_message_without_a_program_gets_an_answer_without_code():
    assert code(ask("What is the capital of France?", ["a"])[0]) == ""


def test_only_its_two_names_exist():
    with pytest.raises(UsageError, match="offline:generic"):
        Offline(here, "offline:large")


def test_the_hotter_the_more_edits():
    def mean(temperature):
        return sum(edits.edit_count(temperature, random.Random(i)) for i in range(400)) / 400

    assert mean(0.0) == 1 and mean(0.0) < mean(0.7) < mean(1.4)


def test_cold_answers_stay_nearer_to_the_program():
    def unchanged(temperature):
        answers = ask(message(SOLUTION), [str(i) for i in range(200)], temperature)
        return sum("return [f(x, y) for x, y in zip(xs, ys)]" in one.text for one in answers)

    assert unchanged(0.0) > unchanged(1.6)


def test_the_shown_program_is_found_with_fences_inside():
    shown = read(message(SEED))
    assert shown.base.strip() == SEED.strip() and shown.others == ()


def test_several_programs_are_told_apart_and_examples_left_out():
    other = SOLUTION.replace("return x", "return x * y")
    shown = read(message(SOLUTION, other) + "\nUse it like this:\n```python\ndef use(): pass\n```")
    assert shown.base.strip() == SOLUTION.strip() and [one.strip() for one in shown.others] == [other.strip()]


def test_programs_that_are_shown_together_are_crossed():
    other = SOLUTION.replace("return x", "return math.atan2(y, 0.123)")
    answers = [code(one) for one in ask(message(SOLUTION, other), [str(i) for i in range(100)])]
    assert sum("0.123" in one for one in answers) > 5


def test_edits_use_what_the_program_has_at_hand():
    answers = "".join(code(one) for one in ask(message(SOLUTION), [str(i) for i in range(200)]))
    without = SOLUTION.replace("import math\n\n\n", "")
    poorer = "".join(code(one) for one in ask(message(without), [str(i) for i in range(200)]))
    assert "math.sin(" in answers and "math." not in poorer


def test_what_is_not_edited_is_kept_to_the_letter():
    commented = SOLUTION.replace("    return x\n", "    # a remark\n    return x\n")
    answers = [code(one) for one in ask(message(commented), [str(i) for i in range(60)])]
    assert sum("    # a remark\n" in one for one in answers) > 50


@pytest.mark.parametrize("text", IMPROVERS, ids=box.names())
@pytest.mark.parametrize("name", ["offline", "offline:generic"])
def test_every_improver_in_the_box_is_edited(text, name):
    answers = [code(one) for one in ask(message(text), [str(i) for i in range(40)], name=name)]
    assert all(improver(one) is not None for one in answers)
    assert sum(one.strip() != text.strip() for one in answers) > 30


@pytest.mark.parametrize("name", [one for one in box.names() if one not in {"chain-of-thought", "best-of-n"}])
def test_landmarks_are_found_whoever_wrote_the_improver(name):
    found = improver(box.load(name).text)
    assert found.ask is not None and found.prompt is not None and found.shown is not None
    assert name in {"seed", "seed-paper"} or (found.memory and found.loop)


def test_one_proposal_can_make_the_seed_iterate():
    answers = [code(one) for one in ask(message(SEED), [str(i) for i in range(100)])]
    iterate = [one for one in answers if "for step in range(" in one and "max(archive, key=archive.get)" in one]
    assert len(iterate) > 10


def test_without_knowledge_of_improvers_no_part_is_brought_along():
    answers = [code(one) for one in ask(message(SEED), [str(i) for i in range(100)], name="offline:generic")]
    assert not any("archive" in one or "for step" in one for one in answers)


@pytest.mark.parametrize("part", [part for _, part in PARTS], ids=lambda part: part.__name__)
def test_each_part_can_be_set_into_the_seed(part):
    changed = set()
    for i in range(20):
        found = improver(SEED)
        rng = random.Random(i)
        for other in ("remember", "repeat", "show"):
            next(one for _, one in PARTS if one.__name__ == other)(found, rng)
        before = improvers.written(found)
        if part(found, rng):
            changed.add(improvers.written(found) != before)
    assert True in changed or part.__name__ in {"remember", "repeat"}


def test_feedback_is_shown_and_taken_back_without_a_trace():
    found, rng = improver(SEED), random.Random(0)
    feedback = next(part for _, part in PARTS if part.__name__ == "feedback")
    before = improvers.written(found)
    assert feedback(found, rng) and "utility.feedback(initial_solution)" in improvers.written(found)
    assert feedback(found, rng) and improvers.written(found) == before


def test_improvers_shown_together_hand_on_their_parts():
    donor = SEED.replace("temperature=0.7", "temperature=0.123")
    answers = [code(one) for one in ask(message(SEED, donor), [str(i) for i in range(100)])]
    assert sum("temperature=0.123" in one for one in answers) > 5


def test_prompts_are_kept_word_for_word():
    for i in range(50):
        tree = ast.parse(random_improver(SEED, random.Random(i)))
        words = "".join(
            one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)
        )
        assert "It is scored by this utility, and higher is better:\n" in words
        assert "in one block of Python code." in words


def test_random_assemblies_differ_and_are_improvers():
    texts = {random_improver(SEED, random.Random(i)) for i in range(60)}
    assert len(texts) > 50 and all(improver(one) is not None for one in texts)


@pytest.mark.slow
def test_chains_of_edits_never_break_down():
    for i in range(25):
        text = SEED
        for step in range(10):
            text = code(ask(message(text), [f"{i}/{step}"], temperature=1.4)[0])
            assert improver(text) is not None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.floats(0, 3), st.integers(0, 99))
def test_any_message_gets_an_answer(text, temperature, address):
    assert ask(f"```\n{text}\n```", [str(address)], temperature)[0].text


EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "y", "1", "2.5", "'a'", "True", "None", "math.pi", "x.real", "xs[0]"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "**", "<", "and", "in", "is not"]), inner).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        inner.map("f({0}, key={0})".format),
        inner.map("[{0} for x in {0} if {0}]".format),
        inner.map("(lambda x: {0})".format),
        st.tuples(inner, inner).map("({0[0]} if {0[1]} else {0[0]})".format),
        inner.map("{{{0}: {0}}}".format),
        inner.map("f'{{{0}!r}}'".format),
        inner.map("xs[{0}:{0}]".format),
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, st.integers(0, 99))
def test_any_expression_is_edited_into_a_text(expression, seed):
    program = (
        f"import math\n\ndef f(x, y):\n    ä = {expression}\n    if x:\n        return ä\n    return {expression}\n"
    )
    if parse(program) is None:
        return
    idea, text = edits.edited(program, (program,), 1.0, random.Random(seed))
    assert idea and "def f(" in text


def test_an_answer_costs_no_more_than_it_should():
    """No verdict on timing: only that nothing is parsed again and again for equal messages."""
    parse.cache_clear()
    read.cache_clear()
    ask(message(SOLUTION), [str(i) for i in range(100)], temperature=0.0)
    assert read.cache_info().misses == 1


@pytest.mark.parametrize(
    "expression",
    ["+".join(["x"] * 900), "-" * 900 + "x", "0x" + "f" * 6000],
    ids=["a long sum", "many signs", "a huge number"],
)
@pytest.mark.parametrize("improver_too", [False, True])
def test_no_program_however_odd_stops_the_model(expression, improver_too):
    text = f"def f(x):\n    return {expression}\n"
    if improver_too:
        text = SEED + "\n\n" + text
    answers = ask(message(text), [str(i) for i in range(30)])
    assert all(answer.text for answer in answers)


def test_in_the_sandbox_it_answers_the_same():
    addresses = [str(i) for i in range(4)]
    with open_sandbox("strict", slots=1) as sandbox:
        model = Offline(editing(sandbox))
        for text in (message(SOLUTION), message(*IMPROVERS[:2]), "no program"):
            told = model.complete(Request("You are an expert.", text, 0.7), addresses)
            assert told == ask(text, addresses)


HOSTILE = {
    "spaces in a fence": "```" + " " * 900_000,
    "backquotes": "`" * 900_000,
    "fences that open and never close": "```python\n" * 90_000,
    "names that double": message("def f(x):\n" + "".join(f"    a{i} = (a{i - 1}, a{i - 1})\n" for i in range(1, 9000))),
    "a number of 4,000 digits": message(SEED.replace("1", "0x" + "f" * 4000, 1)),
    "a control character in a formatted text": message(SEED.replace('f"""', 'f"""\x07\x1b[2J')),
    "a bare return": message(SEED.replace(" = ", "\r= ", 3)),
    "a bare return in a text": message(SEED.replace('f"""', 'f"""a\rb')),
    "nesting": message("def f(x):\n    return " + "(" * 50_000),
    "signs": message("def f(x):\n    return " + "-" * 90_000 + "1"),
    "lone surrogates": message("def f(x):\n    return '\ud800'"),
    "many functions": message("\n".join(f"def f{i}(x): return x" for i in range(3000))),
    "too long": "x" * (LONGEST + 1),
}


def test_a_hostile_message_costs_one_answer_and_a_bounded_time():
    with open_sandbox("strict", slots=1) as sandbox:
        model = Offline(editing(sandbox))
        for name, text in HOSTILE.items():
            begin = time.process_time(), time.monotonic()
            (found,) = model.complete(Request("", text, 0.7), ["a"])
            assert found.text, name
            assert time.process_time() - begin[0] < 2, name
            assert time.monotonic() - begin[1] < 60, name
        (after,) = model.complete(Request("", message(SOLUTION), 0.7), ["a"])
        assert after.text == ask(message(SOLUTION), ["a"])[0].text
        assert sandbox.restarts == 0
