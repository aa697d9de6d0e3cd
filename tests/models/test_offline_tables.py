"""Tables of numbers: the editor changes their numbers, heeds a few words there, and leaves every other program as it was."""

import random
import re

import pytest
from editor import answer, tables
from editor.heeded import Told, told
from editor.landmarks import improver
from editor.parts import WORDS, word
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught import improvers as box
from selftaught import tasks
from selftaught.models.offline import HEEDED, Offline, unread
from selftaught.sandbox.guest.helpers import extract_code

FIRST = [10.0, 20.0, -3.0, 0.0, 5.5, 7.0]


def program(numbers):
    return f"def table():\n    return [\n        {', '.join(map(str, numbers))},\n    ]\n"


def numbers_of(text):
    space = {}
    exec(text, space)
    return space["table"]()


def answers(said, *programs, count=60, temperature=0.7, name="offline"):
    blocks = "\n\nAnother one:\n".join(f"```python\n{one}```" for one in programs)
    message = f"Improve this:\n{blocks}\n\n{said}\n"
    knowing = name == "offline"
    return [extract_code(answer(knowing, message, temperature, str(i))) for i in range(count)]


def changes(texts, first=FIRST):
    """For each answer the places whose number is another one, with the number."""
    found = []
    for text in texts:
        found.append({i: new for i, (old, new) in enumerate(zip(first, numbers_of(text), strict=True)) if new != old})
    return found


def test_the_numbers_of_a_table_are_what_is_changed():
    texts = answers("Tune the constants.", program(FIRST))
    assert all(re.sub(r"-?[\d.]+(e-?\d+)?", "#", one) == re.sub(r"-?[\d.]+", "#", program(FIRST)) for one in texts)
    changed = changes(texts)
    assert all(changed)
    assert {place for one in changed for place in one} == set(range(6))


def test_a_table_may_have_rows_and_whole_numbers_stay_whole():
    text = "def table():\n    return [[1, 2, 3], [40, -50, 60]]\n"
    found = [numbers_of(one) for one in answers("Tune the constants. Take large steps.", text)]
    assert all([len(one), *map(len, one)] == [2, 3, 3] for one in found)
    assert all(isinstance(number, int) for one in found for row in one for number in row)
    assert len(set(map(str, found))) > 20


def test_a_term_that_got_into_a_table_leaves_its_other_places_where_they_are():
    text = "def table():\n    return [1.0, 2.0 * 3.0, 4.0, 5.0, 6.0]\n"
    found = tables.table(text)
    assert found is not None
    assert dict(found.numbers) == {0: 1.0, 2: 4.0, 3: 5.0, 4: 6.0}
    assert all("2.0 * 3.0" in one for one in answers("Tune the constants.", text))


@pytest.mark.parametrize(
    ("less", "more"), [("Take small steps.", ""), ("", "Take large steps."), ("Take small steps.", "Take large steps.")]
)
def test_small_steps_are_smaller_than_large_ones(less, more):
    def mean_step(said):
        steps = [
            abs(new - FIRST[i])
            for one in changes(answers(f"Tune the constants. {said}", program(FIRST)))
            for i, new in one.items()
        ]
        return sum(steps) / len(steps)

    assert mean_step(less) < 0.6 * mean_step(more)


def test_few_and_many_numbers():
    def mean_count(said):
        found = changes(answers(f"Tune the constants, {said} at once.", program(FIRST), temperature=1.4))
        return sum(map(len, found)) / len(found)

    assert mean_count("few numbers") < mean_count("any") < mean_count("many numbers")


def test_change_the_structure_leaves_the_numbers_to_generic_edits():
    found = answers("Change the structure.", program(FIRST))
    assert sum(re.sub(r"-?[\d.]+(e-?\d+)?", "#", one) != re.sub(r"-?[\d.]+", "#", program(FIRST)) for one in found) > 20


def test_combine_takes_every_number_from_one_of_two_programs():
    other = [10.0, 21.0, -4.0, 1.0, 6.5, 7.0]
    found = [numbers_of(one) for one in answers("Combine these two.", program(FIRST), program(other))]
    assert all(
        number in pair for one in found for number, pair in zip(one, zip(FIRST, other, strict=True), strict=True)
    )
    assert all(one != FIRST for one in found)
    assert len(set(map(tuple, found))) > 8


def test_combine_without_another_program_is_an_edit_as_any():
    assert all(changes(answers("Combine what you know.", program(FIRST))))


def test_an_entry_that_is_said_to_be_too_low_goes_up_most_of_the_time():
    said = "Tune the constants. Instance 1: grade 0.5 (entry 1 is too low; entry 4 is too high; entry 99 is too low)"
    found = changes(answers(said, program(FIRST), count=200, temperature=0.0))
    right = [one for one in found if one.get(1, 0) > FIRST[1] or (4 in one and one[4] < FIRST[4])]
    assert len(right) > 130


def test_words_inside_programs_are_not_heeded():
    text = program(FIRST).replace("    return", "    # Take large steps, combine, entry 1 is too low\n    return")
    assert told(f"Improve:\n```python\n{text}```\nIt is scored.") == Told()
    assert told("~~~\nsmall steps\n~~~\nTake LARGE steps.") == Told(step=3.0)


def test_words_count_over_the_ends_of_lines_and_not_within_others():
    assert told("Take small\n  steps.") == Told(step=1 / 3)
    assert told("Recombine nothing.") == Told()


def test_all_words_that_the_hints_name_are_heeded():
    quoted = re.findall(r'"([^"]+)"', HEEDED)
    assert quoted.pop() == "not"
    assert len(quoted) == 9
    assert all(told(f"Please: {one}.") != Told() for one in quoted)
    assert all(told(one) != Told() for one in WORDS)
    assert Offline(unread).hints == HEEDED
    assert Offline(unread, "offline:generic").hints == ""


@pytest.mark.parametrize("said", [*WORDS, "entry 1 is too low"])
def test_a_program_without_a_table_is_edited_as_if_nothing_had_been_said(said):
    text = tasks.load("formula:train/1", 0)[0].start
    assert tables.table(text) is None
    assert answers(said, text) == answers("", text)


def test_the_generic_editor_knows_nothing_of_tables():
    assert answers("Take large steps.", program(FIRST), name="offline:generic") == answers(
        "", program(FIRST), name="offline:generic"
    )


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(
    st.lists(st.floats(-1e11, 1e11) | st.integers(-(10**11), 10**11), min_size=4, max_size=9),
    st.floats(0, 2),
    st.integers(),
)
def test_any_table_stays_one_of_as_many_finite_numbers(numbers, temperature, address):
    text = program(numbers)
    found = tables.edited(
        text, (program(list(reversed(numbers))),), Told(constants=True, step=3), temperature, random.Random(address)
    )
    assert found is not None
    assert len(numbers_of(found[1])) == len(numbers)
    assert all(abs(one) < 1e15 for one in numbers_of(found[1]))


@pytest.mark.parametrize(
    "text", ["", "def f(:", "x = [1, 2, 3]\n", "x = [1, 2, 3, 'a', None]\n", "x = [True, False, True, True]\n"]
)
def test_what_holds_no_four_numbers_in_a_list_has_no_table(text):
    assert tables.table(text) is None


def test_the_editor_puts_its_words_into_improvers_and_takes_them_out_again():
    found = improver(box.load("seed").text)
    said = [word(found, random.Random(i)) for i in range(40)]
    assert {one.removeprefix("say: ") for one in said} == {*WORDS, "say nothing in particular"}
    texts = [
        str(value.value) for value in found.prompt[0].values if hasattr(value, "value") and isinstance(value.value, str)
    ]
    assert sum(one in text for one in WORDS for text in texts) <= 1
