"""What a response holds, be it one JSON object or a stream of them (server-sent events), put together to one object.

A stream comes out in the shape that the same server gives to who does not want one, so that answers are read in one way.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from selftaught.plain import JSON

END = b"[DONE]"
"""The last event of a stream of chat completions."""
MESSAGE_END = b"message_stop"
"""The same of a stream of messages, near its end."""
WRAPS = 20
"""Parts of an object in which its answer is looked for."""
_DIFFERENT = 8
"""Different characters of a text that is no mere line of signs, which may come in pieces that grow."""
_Parts = dict[str, Any]
_LINE_ENDS = re.compile(r"\r\n|\r|\n")


class Cut(ValueError):
    """A stream that ends before its answer does."""

    def __init__(self, so_far: Mapping[str, Any]) -> None:
        super().__init__("the stream was cut")
        self.so_far = so_far


def mapping(value: object) -> Mapping[str, Any]:
    """The JSON object in a place where one should be; an empty one where there is none."""
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of what should be a list of them."""
    return [mapping(one) for one in cast(list[object], value)] if isinstance(value, list) else []


class Reading:
    """Reads the body of a response as it comes in, so that little is left to do at its end: hundreds of pieces take
    milliseconds to put together, and dozens of answers may end at once. What is one JSON text is read at its end."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._fed = 0
        self._streamed: bool | None = None
        """Whether it is a stream; None as long as nothing but blanks has come."""
        self._begun: list[str] = []
        """Of a line whose end has not come."""
        self._events = _Stream()

    def feed(self, piece: bytes) -> None:
        """The next bytes of the body."""
        self._fed += len(piece)
        if self._streamed is not False:
            self._take(self._decoder.decode(piece))

    def object(self, body: bytes) -> Mapping[str, Any] | None:
        """The object that the whole body is, the end of which need not have been fed; None when it is none. Cut when it is a
        stream without its end."""
        self.feed(body[self._fed :])
        if self._streamed:
            self._take(self._decoder.decode(b"", final=True) + "\n")
            return self._events.object()
        text = body.decode("utf-8-sig", "replace").strip()
        found = _json(text)
        if isinstance(found, dict):
            return _plain(_bare(cast(Mapping[str, Any], found)))
        stream = _Stream()
        if isinstance(found, list):  # chunks, or one error in a list, as Gemini sends it
            events = [_bare(one) for one in mappings(cast(object, found)) if one]
            if not any("choices" in event for event in events):
                return next(iter(events), None)
            for event in events:
                stream.add(event)
        else:
            stream.take(text + "\n")
        return stream.object()

    def _take(self, text: str) -> None:
        if self._streamed is None and (start := text.lstrip()):
            self._streamed = start[0] not in "{["
        if not self._streamed:
            return
        ended = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1  # a last \r may be half of an end
        if ended:
            self._events.take("".join([*self._begun, text[:ended]]))
            self._begun = []
        self._begun.append(text[ended:])


def shape(body: bytes, kind: str = "") -> str:
    """What a response that is no object looks like: "web page", or "" for anything else. `kind` is what it is called."""
    start = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n\f")
    page = re.match(rb"<(!|\?|/?[a-zA-Z])", start) or "html" in kind.lower()
    return "web page" if start and page else ""


def _json(text: str) -> JSON:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class _Stream:
    """The objects of a stream, be they events or lines, put together as they come."""

    def __init__(self) -> None:
        self._found: list[Mapping[str, Any]] = []
        self._completion = _Completion()
        self._ended = False
        self._kind = self._status = ""

    def take(self, text: str) -> None:
        """Whole lines, each with its end."""
        for line in _LINE_ENDS.split(text)[:-1]:  # not splitlines: it also cuts within texts
            name, colon, data = line.partition(":")
            if line.lstrip().startswith("{"):
                name, data = "data", line
            elif not line:
                self._kind = self._status = ""
            elif not name and (told := re.search(r"status\W+([45]\d\d)\b", data, re.I)):
                self._status = told[1]
            elif name == "event":
                self._kind = data.strip()
            if name != "data" or not colon:
                continue
            if data.strip() == END.decode():
                self._ended = True
            elif event := _event(self._kind, self._status, data):
                self.add(event)

    def add(self, event: Mapping[str, Any]) -> None:
        """The next object."""
        self._found.append(event)
        self._completion.add(event)

    def object(self) -> Mapping[str, Any] | None:
        """What it all comes to; None when there was no object. Cut when it has no end."""
        if not self._found:
            return None
        messages = any(str(event.get("type")).startswith(("message_", "content_block_")) for event in self._found)
        whole = (
            _message(self._found)
            if messages and not any("choices" in event for event in self._found)
            else self._completion.object()
        )
        if not _whole(self._found, self._ended):
            raise Cut(whole)
        return whole


def _event(kind: str, status: str, data: str) -> Mapping[str, Any]:
    """One event; in one that is called an error everything tells of that."""
    event = mapping(_json(data))
    if kind == "error":
        told = {"error": data.strip()} if not event else event if event.get("error") else {"error": event}
        return {**told, "status_code": status} if status else told
    return _bare(event)


def _bare(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object without what some servers wrap around it: the part of it that holds choices, if it does not itself."""
    if found.get("choices") or isinstance(found.get("content"), list):
        return found
    inner = next((one for value in list(found.values())[:WRAPS] if (one := mapping(value)).get("choices")), None)
    return found if inner is None else {**inner, "usage": inner.get("usage") or found.get("usage")}


def _plain(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A whole object in which every choice holds its message."""
    return {**found, "choices": [_choice(one) for one in _choices(found)]} if found.get("choices") else found


def _choices(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The choices of an object; some servers send them by number instead of as a list."""
    choices = found.get("choices")
    numbered = isinstance(choices, dict) and all(name.isdecimal() for name in cast(dict[str, object], choices))
    return mappings(list(cast(dict[str, object], choices).values()) if numbered else cast(object, choices))


def _choice(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """A choice with its message: whole, as a piece (delta), or as a text alone (the older completions)."""
    for name in ("delta", "message", "text"):
        value = choice.get(name)
        if isinstance(value, str) and value:
            value = {"content": value}
        if isinstance(value, dict) and value:
            return {**choice, "message": value}
    return choice


def _whole(events: Sequence[Mapping[str, Any]], ended: bool) -> bool:
    """Whether a stream has come to its end: it says so, every answer in it does, or what was used stands at its end."""
    if ended or any(event.get("type") == "message_stop" for event in events):
        return True
    if any(_choices(event) for event in events) and events[-1].get("usage") and not _choices(events[-1]):
        return True
    open_ = {choice.get("index", 0): False for event in events for choice in _choices(event)}
    for event in events:
        open_ |= {one.get("index", 0): True for one in _choices(event) if one.get("finish_reason")}
    return bool(open_) and all(open_.values())


class _Completion:
    """A chat completion from its chunks. What is told more than once counts as told last, usage told for each answer as the
    sum."""

    def __init__(self) -> None:
        self._whole: _Parts = {}
        self._choices: dict[int, _Parts] = {}
        self._pieced: set[int] = set()
        """The choices that came in pieces."""
        self._each: list[Mapping[str, Any]] = []
        """What chunks without an answer tell of what was used."""

    def add(self, event: Mapping[str, Any]) -> None:
        """The next chunk."""
        self._whole |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        if event.get("usage") and not event.get("choices"):
            self._each.append(mapping(event["usage"]))
        for place, piece in enumerate(_choices(event)):
            chunk = _choice(piece)
            index = chunk.get("index")
            number = index if isinstance(index, int) else place
            choice = self._choices.setdefault(number, {"message": {}})
            choice |= {
                name: value for name, value in chunk.items() if name not in {"delta", "message", "text"} and value
            }
            if piece.get("delta"):
                self._pieced.add(number)
            elif number in self._pieced and mapping(piece.get("message")):  # once more, as a whole
                choice["message"] = _Parts()
            _add(choice["message"], mapping(chunk.get("message")))

    def object(self) -> Mapping[str, Any]:
        """All of it."""
        whole, choices = dict(self._whole), self._choices
        if not mapping(whole.get("usage")) and mapping(whole.get("x_groq")).get("usage"):
            whole["usage"] = whole["x_groq"]["usage"]
        if len(self._each) == len(choices) > 1:
            whole["usage"] = _summed(self._each)
        joined = (
            {**one, "message": {name: _joined(value) for name, value in one["message"].items()}}
            for _, one in sorted(choices.items())
        )
        return {**whole, "choices": list(joined)}


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
        if isinstance(value, str | list | dict) and name != "role":
            message.setdefault(name, []).append(cast(object, value))
        else:
            message[name] = value


def _joined(value: object) -> object:
    if not isinstance(value, list):
        return value
    pieces = cast(list[object], value)
    if all(isinstance(piece, str) for piece in pieces):
        return _text_of(cast(list[str], pieces))
    parts: list[object] = []
    for piece in pieces:
        if isinstance(piece, list):
            parts += cast(list[object], piece)
        else:
            parts.append(cast(object, {"type": "text", "text": piece} if isinstance(piece, str) else piece))
    return parts


def _text_of(pieces: Sequence[str]) -> str:
    """What pieces of a text make. Some servers send each time all that there is so far."""
    last = pieces[-1]
    growing = len(pieces) > 2 and all(later.startswith(one) for one, later in pairwise(pieces))
    return last if growing and len({*last}) >= _DIFFERENT else "".join(pieces)


def _message(events: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A message from its events."""
    whole: _Parts = {"content": []}
    blocks: dict[object, _Parts] = {}
    usage: _Parts = {}
    for event in events:
        usage |= mapping(mapping(event.get("message")).get("usage"))
        usage |= {name: value for name, value in mapping(event.get("usage")).items() if value is not None}
        delta, start = mapping(event.get("delta")), mapping(event.get("content_block"))
        whole |= {name: event[name] for name in ("error", "status_code") if event.get(name)}
        if event.get("type") == "message_delta":
            whole |= delta
        elif event.get("type") in {"content_block_start", "content_block_delta"}:
            block = blocks.setdefault(event.get("index"), {"type": "text", "pieces": []})
            block["type"] = start.get("type") or block["type"]
            texts = (one.get(name) for one in (start, delta) for name in ("text", "thinking"))
            block["pieces"].append(str(next((text for text in texts if text), "")))
    whole["content"] = [{"type": one["type"], "text": "".join(one["pieces"])} for one in blocks.values()]
    return {**whole, "usage": usage} if usage else whole
