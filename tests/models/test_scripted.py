"""The scripted model is a pure function of the address."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.errors import UsageError
from selftaught.models import Answer, Request
from selftaught.models.providers import open_model
from selftaught.models.scripted import Scripted
from selftaught.plain import digest
from selftaught.settings.choice import ModelChoice

REQUEST = Request("expert", "question")


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), unique=True), st.randoms())
def test_an_address_has_one_answer_whatever_is_asked_with_it(texts, addresses, random):
    together = dict(zip(addresses, Scripted(texts).complete(REQUEST, addresses), strict=True))
    random.shuffle(addresses)
    alone = Scripted(texts)
    for where in addresses:
        assert alone.complete(REQUEST, [where])[0] == together[where]
        assert together[where].text in texts


def test_every_answer_of_the_list_is_given_somewhere():
    given_texts = {answer.text for answer in Scripted(["a", "b", "c"]).complete(REQUEST, [str(i) for i in range(100)])}
    assert given_texts == {"a", "b", "c"}


def test_a_function_answers_and_may_say_how_it_ended():
    def script(request, where):
        return f"{request.message}@{where}" if where == "x" else Answer("", "blocked")

    assert [(a.text, a.finish) for a in Scripted(script).complete(REQUEST, ["x", "y"])] == [
        ("question@x", "stop"),
        ("", "blocked"),
    ]


def test_an_empty_text_is_an_empty_answer():
    assert Scripted([""]).complete(REQUEST, ["x"])[0].finish == "empty"


@pytest.mark.parametrize("written", ['["a", "b\\nc"]', '"a"\n"b\\nc"\n', '\n"a"\n\n"b\\nc"'])
def test_a_file_of_answers(tmp_path, written):
    path = tmp_path / "answers"
    path.write_text(written)
    model = open_model(ModelChoice(f"scripted:{path}"))
    assert {answer.text for answer in model.complete(REQUEST, [str(i) for i in range(50)])} == {"a", "b\nc"}


def test_other_answers_in_the_file_are_another_address(tmp_path):
    path = tmp_path / "answers"
    places = []
    for texts in (["a"], ["b"]):
        path.write_text(json.dumps(texts))
        model = open_model(ModelChoice(f"scripted:{path}"))
        places.append(digest([model.name, dict(model.parameters)]))
    assert places[0] != places[1]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        *(
            ("[]", "at least one"),
            ("", "at least one"),
            ("[1]", "no text"),
            ("nonsense", "neither"),
            ('["a"', "neither"),
        ),
        *(("[" * 100_000 + "]" * 100_000, "no text"), (f"[{'9' * 5000}]", "no text"), ('["a" "b"]', "neither")),
        *(('["a", {}]', "no text"), ('["' + "a" * 3_000_000, "no text"), ("[" + "[]," * 500_000 + '"a"]', "no text")),
    ],
)
def test_a_bad_file_is_a_usage_error_of_one_line(tmp_path, written, told):
    path = tmp_path / "answers"
    path.write_text(written)
    with pytest.raises(UsageError, match=told) as caught:
        open_model(ModelChoice(f"scripted:{path}"))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there():
    with pytest.raises(UsageError, match="FileNotFoundError"):
        open_model(ModelChoice("scripted:/nowhere/at/all"))
