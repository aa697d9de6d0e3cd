"""A response is read as it comes in, and it does not matter in what pieces that is."""

import json
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from selftaught.models.streams import Cut, Reading

ENDS = ("\n", "\r\n", "\r")
TEXTS = st.text(max_size=20)


def chunk(text, **more):
    return json.dumps({"choices": [{"index": 0, "delta": {"content": text}, **more}]}, ensure_ascii=False)


def spoken(pieces, end, last):
    """A stream of events with comments between, as bytes."""
    lines = [line for text in pieces for line in (": a comment", f"data: {chunk(text)}", "")]
    return end.join([*lines, *last, ""]).encode()


def read_in(body, cuts):
    """What a body comes to that comes in pieces; where it is cut, what there was of it."""
    reading, before = Reading(), 0
    for cut in sorted(cuts):
        reading.feed(body[before:cut])
        before = max(before, cut)
    try:
        return reading.object(body)
    except Cut as error:
        return "cut", error.so_far


@given(
    st.lists(TEXTS, min_size=1, max_size=5),
    st.sampled_from(ENDS),
    st.sampled_from([["data: [DONE]", ""], [f"data: {chunk('', finish_reason='stop')}"], []]),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_a_stream_comes_to_the_same_in_whatever_pieces_it_comes(pieces, end, last, cuts):
    growing = len(pieces) > 2 and all(later.startswith(one) for one, later in pairwise(pieces))
    assume(not growing or len({*pieces[-1]}) < 8)  # that is told again, below
    body = spoken(pieces, end, last)
    found = read_in(body, cuts)
    assert found == read_in(body, [])
    assert (found[0] == "cut") if not last else found["choices"][0]["message"] == {"content": "".join(pieces)}


@given(
    st.one_of(
        st.recursive(st.none() | st.integers() | TEXTS, lambda one: st.lists(one) | st.dictionaries(TEXTS, one)).map(
            lambda value: json.dumps(value, indent=1)
        ),
        st.text(alphabet='{}[]:,"data \n\r\ufeff é'),
    ).map(str.encode),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_so_does_what_is_no_stream(body, cuts):
    assert read_in(body, cuts) == read_in(body, [])


@pytest.mark.parametrize("end", ENDS)
def test_an_event_that_is_called_an_error_is_one_whatever_its_lines_end_with(end):
    body = end.join(["event: error", 'data: {"message": "no room"}', "", ""]).encode()
    for cut in range(len(body)):
        assert read_in(body, [cut]) == ("cut", {"error": {"message": "no room"}, "choices": []})


TEXT = "def f(x):\n    return x + 1\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [TEXT[:1], TEXT[:9], TEXT[:9], TEXT[:15], TEXT],
        [TEXT[:9], TEXT[9:]],
        [TEXT],
    ],
    ids=["all so far", "pieces", "one"],
)
def test_what_a_stream_tells_again_is_one_text(pieces):
    body = spoken(pieces, "\n", ["data: [DONE]", ""])
    assert read_in(body, [])["choices"][0]["message"] == {"content": TEXT}


@pytest.mark.parametrize("finish", [None, "stop"])
def test_a_whole_message_after_its_pieces_stands_in_their_place(finish):
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": finish}]}
    body = spoken([TEXT[:9], TEXT[9:]], "\n", [f"data: {json.dumps(whole)}", "", "data: [DONE]", ""])
    assert read_in(body, [])["choices"][0]["message"] == {"role": "assistant", "content": TEXT}


def test_what_only_looks_told_again_is_not():
    for pieces in (["=", "=="], ["a", "ab", "abc"], ["ha", "ha"]):
        found = read_in(spoken(pieces, "\n", ["data: [DONE]", ""]), [])
        assert found["choices"][0]["message"] == {"content": "".join(pieces)}


def test_little_is_left_to_do_once_a_stream_has_ended():
    reading, body = Reading(), spoken(["x"] * 50, "\n", ["data: [DONE]", ""])
    reading.feed(body)
    reading._events.take = None  # nothing is read a second time
    reading._take = lambda text: None
    assert reading.object(body)["choices"][0]["message"]["content"] == "x" * 50
