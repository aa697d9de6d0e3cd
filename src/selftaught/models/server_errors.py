"""Errors as servers tell them: an object within or beside an answer, a code of their own, a page, or words alone.

What a response of any status tells becomes a `Fault` with the status that OpenAI's own server would have given. An object
is searched for it by what its fields are called, to a bounded depth: no list of servers is kept.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from selftaught.models.faults import CODE, FILTERED, TOO_LONG, Fault, quotable
from selftaught.models.messages import blank, ending, failed, spoken, thought
from selftaught.models.streams import mapping, mappings

LEVELS, PARTS = 5, 50
"""How deep an error may lie, and how many fields and objects are looked at on each level."""
LONGEST = 1000
"""Characters of a server's words that are read."""
CODES, LONGEST_CODE = 8, 100
PAGE = 20_000
"""Bytes of a page that are read."""
_ERROR = re.compile(r"err(or)?s?|fault|exception|details?|baseresp|problem", re.I)
"""Fields that hold an error, whatever else is in them; all names without what is no letter."""
_CODE = re.compile(r"(err(or)?|status|http|ret(urn)?|result|res(ponse)?|biz|sub)*(code|no|num|status|type)", re.I)
_WORDS = re.compile(
    r"(err(or)?|status|ret(urn)?|result|res(ponse)?|fail(ure)?)*(message|msg|desc(ription)?|info|text|title|reason|cause)s?"
    r"|err(or)?|detail|reason",
    re.I,
)
_PARAMETER = re.compile(r"param(eter)?", re.I)
_GOOD = re.compile(r"0+|2\d\d|0*20000|ok|succe\w+|true|normal|none|null|", re.I)
"""Codes of what went well."""
_NUMBER = re.compile(r"(?:https?\D{0,3}|status\D{0,3}|err(?:or)?\D{0,3})?([45]\d\d)(?!\d)(?:\W.*)?", re.I | re.S)
_NUMBER_IN_WORDS = re.compile(r"(?:\b(?:error|status|http|code)\b\W{0,4}){1,3}([45]\d\d)\b|^\W*([45]\d\d)\b", re.I)
_UNPAID = (
    r"credit balance|(insufficient|not enough|no|out of)[ _]?(balance|funds?|credits?|quota)\b|in arrears|overdue"
    r"|payment[ _]required|(spend(ing)?|credit|budget)[ _]?(limit|cap)|余额|欠费"
)
_THROTTLED = (
    r"rate[ _-]?limit|too[ _-]?many(?! \w*[ ]?(tokens|messages|char|image))|throttl|overload|(at|no|over)[ _-]?capacity"
    r"|(try|retry)[ _-]?(again )?(later|in\b|after)|\bbusy\b|\bconcurren|\bq[ps][sm]\b|\b[rt]pm\b|resource[ _]?exhausted"
    r"|slow[ _]?down|(request|quota|usage|limit)\w*\b.{0,40}\bper[ _-](second|minute|hour|day)|request\w*[ _]limit"
    r"|频|并发|限流|繁忙"
)
_KEY = (
    r"api[ _-]?key|unauthori[sz]ed|authenticat|no[ _]?auth|\bauth\w*[ ._-]{0,2}(fail|error|invalid|denied|required|missing)"
    r"|subscription key|(log|sign)[ _-]?in\b"
    r"|\b(invalid|expired|missing|incorrect|wrong|bad|illegal)[ _]+((access|auth|bearer|user)[ _]+)?"
    r"(token|key|credential|secret|signature)"
    r"|\b(token|key|credential|secret|signature)s?\b.{0,20}\b(invalid|expired|incorrect|missing|not (valid|found|exist))"
    r"|invalid_?token|密钥|鉴权|令牌"
)
_MODEL = (
    r"model\b.{0,80}(not (found|exist|supported)|does not exist|unknown|不存在)|(unknown|no such|invalid) model"
    r"|模型.{0,9}不存在"
)
_FAILING = (
    r"internal\b.{0,20}\berror|server[ _]error|bad[ _]gateway|gateway|time(d|s)?[ _-]?out|upstream|maintenance|\bloading\b"
    r"|warming|starting|queued|unexpected error|something went wrong|connection|engine|服务|内部"
)
_MEANINGS = (
    (402, _UNPAID),
    (429, _THROTTLED),
    (503, r"temporar|unavailable|right now|at the moment"),
    (509, r"quota.{0,30}exceed|exceed.{0,30}\bquota"),
    (402, r"billing"),
    (401, _KEY),
    (403, r"forbidden|permission|access[ _]?denied|not allowed to (use|access)"),
    (404, _MODEL),
    (500, _FAILING),
)
"""What servers say that give no status, or 400 for everything, in the order in which it is looked for; failures of the server
only where there is no status. A quota may be one of a minute, so that waiting may do (509)."""


@dataclass(frozen=True)
class _Telling:
    """One object that may tell an error."""

    codes: tuple[str, ...]
    words: str
    parameter: str
    failing: bool
    """Whether it says that something failed, and not only how it went."""


def holds_error(found: Mapping[str, Any]) -> bool:
    """Whether an object tells an error and no answer."""
    return not _answered(found) and _error(found) is not None


def came(found: Mapping[str, Any]) -> bool:
    """Whether some text had come, or something was used, before an error."""
    texts = [mapping(choice.get("message")) for choice in mappings(found.get("choices"))] or [found]
    return _used(mapping(found.get("usage"))) or any(_says(one) for one in texts)


def _used(usage: Mapping[str, Any]) -> bool:
    """Whether anything was used: an error may tell of its tokens that there were none."""
    counts = [value for value in usage.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    return any(counts) if counts else bool(usage)


def error_in(found: Mapping[str, Any], status: int, hidden: Sequence[str] = (), after_s: float | None = None) -> Fault:
    """The fault that a server tells in an object, beside a status; `hidden` is what may not be repeated."""
    told = _error(found) or _Telling((), "", "", True)
    within = status < 300
    meant = _status(status, told.codes, told.words)
    quote = quotable(told.words, hidden)
    told_used = mapping(found.get("usage"))
    usage: Mapping[str, Any] = told_used if _used(told_used) else {}
    return Fault(
        meant,
        told.codes,
        told.parameter,
        told.words,
        quote,
        after_s,
        what=_unknown(told.codes, quote),
        lasting=within and meant == 0,
        paid=bool(usage) or (within and came(found)),
        usage=usage,
    )


def of_text(body: bytes, status: int, hidden: Sequence[str] = (), after_s: float | None = None) -> Fault:
    """The fault that a page, or a text that is no object, tells beside a status."""
    return error_in({"error": page_words(body)}, status, hidden, after_s)


def page_words(body: bytes) -> str:
    """What somebody reads on a page."""
    text = body[:PAGE].decode("utf-8-sig", "replace")
    text = re.sub(r"<!--.*?(-->|$)|<(script|style)\b.*?(</\2\s*>|$)", " ", text, flags=re.S | re.I)
    text = html.unescape(re.sub(r"<[^<>]*>", " ", text))
    return " ".join(text.split())[:LONGEST]


def _answered(found: Mapping[str, Any]) -> bool:
    """Whether there is an answer; beside an error only one that has come to its end is."""
    content = found.get("content")
    if isinstance(content, list):
        return not found.get("error") and _says(found)
    choices = [one for one in mappings(found.get("choices")) if not failed(one)]
    if found.get("error"):
        choices = [one for one in choices if one.get("finish_reason")]
    return any(_says(mapping(one.get("message"))) or _ends(one) for one in choices)


def _says(message: Mapping[str, Any]) -> bool:
    called = message.get("tool_calls") or message.get("function_call") or message.get("refusal")
    return bool(called) or not blank(spoken(message.get("content"))) or not blank(thought(message))


def _ends(choice: Mapping[str, Any]) -> bool:
    """Whether a choice without a text says why there is none."""
    return isinstance(choice.get("message"), dict) and ending(choice.get("finish_reason")) is not None


def _error(found: Mapping[str, Any]) -> _Telling | None:
    """What an object tells of an error: where it is called one, else where it is told like one."""
    every = list(islice(_objects(found), LEVELS * PARTS))
    outer = _telling(found)
    marked = next((one for one, named, _ in every if named and (one.words or one.codes)), None)
    if marked is None:
        marked = next((one for one, _, within in every if one.failing and not within), None)
        return marked
    words = list(dict.fromkeys(text for text in (marked.words, outer.words) if text and text not in marked.words))
    codes = tuple(dict.fromkeys([*marked.codes, *outer.codes]))
    return _Telling(codes, ": ".join([marked.words, *words] if marked.words else words), marked.parameter, True)


def _objects(found: Mapping[str, Any]) -> Iterator[tuple[_Telling, bool, bool]]:
    """The objects within one, the nearest first: what each tells, whether it is called an error, whether it is part of an
    answer."""
    level: list[tuple[Mapping[str, Any], bool, bool]] = [(found, False, False)]
    for _ in range(LEVELS):
        below: list[tuple[Mapping[str, Any], bool, bool]] = []
        for one, named, within in level[:PARTS]:
            yield _telling(one), named, within
            for name, value in islice(one.items(), PARTS):
                called = _ERROR.fullmatch(_letters(name)) is not None
                if name == "detail" and (listed := _listed(mappings(value))):
                    yield listed, True, within
                inside = within or name in {"choices", "content", "usage"}
                if len(below) < PARTS:
                    below += [(part, called, inside) for part in _parts(value, called)]
        level = below


def _parts(value: object, called: bool) -> list[Mapping[str, Any]]:
    """The objects in a field; in one that is called an error a text or a number is one as well."""
    values = cast(list[object], value)[:PARTS] if isinstance(value, list) else [value]
    found = [mapping(one) for one in values]
    if called:
        found += [{"message": one} for one in values if isinstance(one, str) and one]
        found += [{"code": one} for one in values if isinstance(one, int) and not isinstance(one, bool) and one]
    return [one for one in found if one]


def _listed(details: Sequence[Mapping[str, Any]]) -> _Telling | None:
    """The error that FastAPI tells: which fields are wrong, and why."""
    places = [one.get("loc") for one in details]
    fields = [[str(part) for part in cast(list[object], one)] for one in places if isinstance(one, list) and one]
    if not fields or len(fields) < len(details):
        return None
    told = [f"{'.'.join(field)}: {one.get('msg')}" for field, one in zip(fields, details, strict=True)]
    codes = tuple(str(one["type"]) for one in details[:1] if one.get("type"))
    return _Telling(codes, "; ".join(told)[:LONGEST], fields[0][-1], True)


def _telling(one: Mapping[str, Any]) -> _Telling:
    """What one object tells by itself."""
    plain = [(_letters(name), value) for name, value in islice(one.items(), PARTS)]
    codes = [
        (name, str(value)[:LONGEST_CODE])
        for name, value in plain
        if _CODE.fullmatch(name) and isinstance(value, str | int | float) and not isinstance(value, bool)
    ]
    codes.sort(key=lambda named: (not named[0].endswith(("code", "no", "num")), named[0].endswith("status")))
    bad = [code for _, code in codes if not _GOOD.fullmatch(code.strip())]
    texts = [value for name, value in plain if _WORDS.fullmatch(name) and isinstance(value, str) and value.strip()]
    words = ": ".join(dict.fromkeys(text[:LONGEST] for text in texts))
    parameter = next((str(value) for name, value in plain if _PARAMETER.fullmatch(name) and value), "")
    said = one.get("object") == "error" or one.get("type") == "error" or one.get("success") in (False, "false")
    fine = bool(codes) and not bad
    number = any(_NUMBER.fullmatch(code) for code in bad)
    return _Telling(tuple(bad[:CODES]), words, parameter, said or number or bool(words and not fine))


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name)


def _status(status: int, codes: Sequence[str], message: str) -> int:
    """The status that an error amounts to: as told, or as its code or its words say where that tells more."""
    if status < 300:
        numbers = [_NUMBER.fullmatch(code) for code in codes] + [_NUMBER_IN_WORDS.search(message)]
        status = next((int(one[one.lastindex or 1]) for one in numbers if one), 0)
    known = (TOO_LONG | FILTERED).isdisjoint(codes)
    if not known:
        return status or 400
    if status in {0, 400, 403} or (status == 429 and re.search(_UNPAID, message, re.I)):
        spaced = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code) for code in codes]
        said = f"{' '.join(codes)} {' '.join(spaced)} {message}"
        meanings = (one for one, words in _MEANINGS if re.search(words, said, re.I))
        status = next((one for one in meanings if status == 0 or one not in {500, 503, 509}), status)
    return 429 if status == 509 else status


def _unknown(codes: Sequence[str], quote: str) -> str:
    code = next((code for code in codes if CODE.fullmatch(code)), "")
    return f"the server answered 200 with an error {code}".rstrip() + (f" (“{quote}”)" if quote else "")
