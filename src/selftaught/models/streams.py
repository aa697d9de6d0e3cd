"""What a response holds, be it one JSON object or a stream of them (server-sent events), put together to one object.

Pure functions. A stream comes out in the shape that the same server gives to who does not want one, so that answers are
read in one way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from selftaught.plain import JSON

END = b"[DONE]"
"""The last event of a stream of chat completions."""
MESSAGE_END = b"message_stop"
"""The same of a stream of messages, near its end."""
_Parts = dict[str, Any]


class Cut(ValueError):
    """A stream that ends before its answer does."""


def mapping(value: object) -> Mapping[str, Any]:
    """The JSON object in a place where one should be; an empty one where there is none."""
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of what should be a list of them."""
    return [mapping(one) for one in cast(list[object], value)] if isinstance(value, list) else []


def parsed(body: bytes) -> Mapping[str, Any] | None:
    """The object that a whole response is; None when it is none. Cut when it is a stream without its end."""
    text = body.decode("utf-8-sig", "replace").strip()
    found = _json(text)
    if isinstance(found, list):  # one error in a list, as Gemini sends it
        found = next(iter(mappings(cast(object, found))), None)
    if isinstance(found, dict):
        return cast(Mapping[str, Any], found)
    events, ended = _events(text)
    if not events:
        return None
    failed = next((event for event in events if event.get("error")), None)
    if failed is not None:
        return _together(events) if _whole(events, False) else failed
    if not _whole(events, ended):
        raise Cut("the stream was cut")
    return _together(events)


def shape(body: bytes) -> str:
    """What a response that is no object looks like: "web page", or "" for anything else."""
    start = body[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "web page" if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) else ""


def _json(text: str) -> JSON:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _events(text: str) -> tuple[list[Mapping[str, Any]], bool]:
    """The objects of a stream, and whether its end came."""
    found: list[Mapping[str, Any]] = []
    ended = False
    for line in text.replace("\r", "\n").split("\n"):  # not splitlines: it also cuts within texts
        name, colon, data = line.partition(":")
        if name != "data" or not colon:
            continue
        if data.strip() == END.decode():
            ended = True
        elif event := mapping(_json(data)):
            found.append(event)
    return found, ended


def _whole(events: Iterable[Mapping[str, Any]], ended: bool) -> bool:
    """Whether a stream has come to its end: it says so, or every answer in it does."""
    if ended or any(event.get("type") == "message_stop" for event in events):
        return True
    open_ = {choice.get("index", 0): False for event in events for choice in mappings(event.get("choices"))}
    for event in events:
        open_ |= {one.get("index", 0): True for one in mappings(event.get("choices")) if one.get("finish_reason")}
    return bool(open_) and all(open_.values())


def _together(events: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return _message(events) if any("type" in event for event in events) else _completion(events)


def _completion(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A chat completion from its chunks. What is told more than once counts as told last, usage told for each answer as
    the sum."""
    whole: _Parts = {}
    choices: dict[int, _Parts] = {}
    for event in events:
        whole |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        for place, chunk in enumerate(mappings(event.get("choices"))):
            index = chunk.get("index")
            choice = choices.setdefault(index if isinstance(index, int) else place, {"message": {}})
            choice |= {name: value for name, value in chunk.items() if name not in {"delta", "message"} and value}
            _add(choice["message"], mapping(chunk.get("delta")) or mapping(chunk.get("message")))
    if not mapping(whole.get("usage")) and mapping(whole.get("x_groq")).get("usage"):
        whole["usage"] = whole["x_groq"]["usage"]
    each = [mapping(event.get("usage")) for event in events if event.get("usage") and not event.get("choices")]
    if len(each) == len(choices) > 1:
        whole["usage"] = _summed(each)
    for choice in choices.values():
        choice["message"] = {name: _joined(value) for name, value in choice["message"].items()}
    return {**whole, "choices": [choices[index] for index in sorted(choices)]}


def _summed(each: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The usage of a response from that of each of its answers (llama.cpp); the question is the same for all."""
    outs = [one.get("completion_tokens") for one in each]
    counts = [out for out in outs if isinstance(out, int)]
    last = {name: value for name, value in each[-1].items() if name != "total_tokens"}
    return {**last, "completion_tokens": sum(counts)} if len(counts) == len(outs) else each[-1]


def _add(message: _Parts, delta: Mapping[str, Any]) -> None:
    """Note one piece of a message: what is a text, or parts of one, goes on; anything else is as told last."""
    for name, value in delta.items():
        if value is None:
            continue
        if isinstance(value, str | list) and name != "role":
            message.setdefault(name, []).append(cast(object, value))
        else:
            message[name] = value


def _joined(value: object) -> object:
    if not isinstance(value, list):
        return value
    pieces = cast(list[object], value)
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(cast(list[str], pieces))
    parts: list[object] = []
    for piece in pieces:
        parts += cast(list[object], piece) if isinstance(piece, list) else [{"type": "text", "text": piece}]
    return parts


def _message(events: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A message from its events."""
    whole: _Parts = {"content": []}
    blocks: dict[object, _Parts] = {}
    usage: _Parts = {}
    for event in events:
        usage |= mapping(mapping(event.get("message")).get("usage"))
        usage |= {name: value for name, value in mapping(event.get("usage")).items() if value is not None}
        delta, start = mapping(event.get("delta")), mapping(event.get("content_block"))
        if event.get("type") == "message_delta":
            whole |= delta
        elif event.get("type") in {"content_block_start", "content_block_delta"}:
            block = blocks.setdefault(event.get("index"), {"type": "text", "pieces": []})
            block["type"] = start.get("type") or block["type"]
            block["pieces"].append(str(start.get("text") or delta.get("text") or ""))
    whole["content"] = [{"type": one["type"], "text": "".join(one["pieces"])} for one in blocks.values()]
    return {**whole, "usage": usage} if usage else whole
