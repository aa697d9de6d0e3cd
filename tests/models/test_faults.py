"""Sorting what went wrong, and reading how long to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.models.faults import ECHO, UNPAID, Fault, quotable, retry_after
from selftaught.models.server_errors import error_in, holds_error


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 2024 00:00:00 +99999999999999"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after(headers) == seconds


def test_a_date_to_wait_for():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 95 < (retry_after({"retry-after": later}) or 0) <= 100
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0


@given(st.text())
def test_any_header_is_survived(text):
    seconds = retry_after({"retry-after": text})
    assert seconds is None or seconds >= 0


@given(st.integers(400, 599), st.text(), st.text(), st.text())
def test_every_refusal_is_sorted_and_tells_nothing_of_the_message(status, code, parameter, message):
    failure = Fault(status, (code,), parameter, message).failure()
    assert failure.lasting == (status < 500 and (status not in {408, 409, 425, 429, 498} or code in UNPAID))
    assert len(message) < 25 or message not in str(failure)


@given(st.text(min_size=ECHO), st.text(), st.text())
def test_nothing_of_a_question_is_quoted(question, before, after):
    quote = quotable(f"{before}{question}{after}", [question])
    short = " ".join(question.split())
    assert not any(len(short) >= ECHO and short[i : i + ECHO] in quote for i in range(len(short) - ECHO + 1))


@pytest.mark.parametrize(
    "words",
    [
        "Request rejected: the following parameters are unknown: top_q",
        "temperature 0.7 is not allowed for this model",
        "max_tokens: the model supports at most 2048",
        "the model does not support more than 4 answers",
        "system role is not supported by this model",
    ],
)
def test_of_what_a_server_says_only_what_the_question_says_too_is_left_out(words):
    question = "Improve the following solution for this model. The model supports more than one. "
    quote = quotable(words, ["sk-none", question])
    assert quote.count("…") <= 3 and len(quote) >= len(words) / 3, quote
    assert "top_q" in quote or "top_q" not in words


def test_a_request_above_what_a_throttle_ever_lets_pass_is_about_its_message():
    told = "Request too large for m on tokens per min (TPM): Limit 10, Requested 999."
    assert Fault(429, message=told).about_message and not Fault(429, message="Rate limit reached").about_message


@pytest.mark.parametrize("key", ["sk-planted-0123456789abcdef", "sk-ab***xyz", "a1b2c3d4e5f6a1b2c3d4e5f6"])
def test_no_key_is_quoted(key):
    assert quotable(f"Incorrect key: {key}.", []) == "Incorrect key: …"
    assert quotable(f"Incorrect key: {key}", [key]) in {"", "Incorrect key: …"}


@pytest.mark.parametrize(
    ("status", "told", "amounts_to"),
    [
        (200, {"error": {"code": 401, "message": "No auth credentials found"}}, 401),
        (200, {"error": {"code": 429, "message": "Provider returned error"}}, 429),
        (200, {"error": {"code": "502", "message": "upstream"}}, 502),
        (200, {"error": "model 'm' not found, try pulling it first"}, 404),
        (200, {"error": {"code": "1113", "message": "余额不足"}}, 402),
        (200, {"base_resp": {"status_code": 1004, "status_msg": "login fail: invalid api key"}}, 401),
        (200, {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"}, 401),
        (200, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}, 401),
        (200, {"object": "error", "message": "no", "code": 400}, 400),
        (200, {"error": {"message": "something new"}}, 0),
        (
            400,
            {"error": {"status": "INVALID_ARGUMENT", "message": "API key not valid. Please pass a valid API key."}},
            401,
        ),
        (400, {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}, 402),
        (403, {"error": {"message": "insufficient balance"}}, 402),
        (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}, 429),
        (400, {"error": {"code": "context_length_exceeded", "message": "api key"}}, 400),
        (422, {"detail": [{"loc": ["body", "temperature"], "msg": "too high", "type": "value_error"}]}, 422),
        (404, {"detail": "Not Found"}, 404),
        (498, {"error": {"message": "no capacity"}}, 498),
    ],
)
def test_every_way_of_telling_an_error_amounts_to_a_status(status, told, amounts_to):
    assert status >= 400 or holds_error(told)
    fault = error_in(told, status)
    assert fault.status == amounts_to
    assert fault.failure().lasting == (amounts_to not in {429, 502, 498} or "insufficient_quota" in fault.codes)


def test_a_list_of_details_names_its_parameter():
    assert error_in({"detail": [{"loc": ["body", "temperature"], "msg": "too high"}]}, 422).blames("temperature")
