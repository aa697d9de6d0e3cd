"""How facts and texts are written small, in rows that `sqlite3` still shows.

A fact's `about` and `body` are objects. The names of an object's members are the same in thousands of facts, and so are
most of the lists and objects that facts are about: these are written once, as *parts*, and a row refers to them. A row is
the JSON text of a list: the part that holds the names, then the values in their order. A value that is an object is a
reference: `{"@": n}` to part n, `{"#": n}` to the digest of text n, `{"=": value}` to the value itself. What is no object
is a row `{"=": value}`.

Texts are deflated with a dictionary of earlier texts of the same store, because programs and questions repeat one another.
"""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, cast

from selftaught.errors import StoreFailure
from selftaught.plain import JSON

TEXT_BYTES = 64 * 2**20
"""A kept text is never longer."""

KEY_BYTES = 20

_SHORT = 24
"""Lists and objects whose JSON is not longer are not worth a part."""
_CACHED = 10_000
"""How many parts and digests are remembered."""
_WINDOW = 16_000
"""Bytes that a dictionary may have. Deflate looks back 16 KiB here: with 32 KiB, the copying of its state would cost four
times as much as the rest, for 4 % less in size."""
_LONG = 2**16
"""Texts from this length on profit little from a dictionary, and a fast pass does for them."""
_FIRST, _GROWTH = 128, 8
"""A store learns its first dictionary at this many texts, each further one at so many times as many."""

_ASCII = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_DIGEST = re.compile("[0-9a-f]{64}")

Outline = Sequence[tuple[str, str]]
"""A value ready to be written but for the numbers of what it refers to: what each piece is (`@`, `#`, `=`, or nothing for
a plain value) and its JSON. The first piece are the names; where that is not a part, the value is no object."""


def ascii_json(value: JSON) -> str:
    """Plain data as SQLite can hold it: half characters, which generated code may make, are written as escapes."""
    return _ASCII.encode(value)


def kept_key(key: str) -> bytes:
    """The key of a fact as it is kept: its first 160 bits, which no two facts will share."""
    return bytes.fromhex(key)[:KEY_BYTES]


def outline(value: JSON, shared: bool) -> Outline:
    """The outline of a value. `shared`: its lists and objects are likely to be those of other facts as well."""
    if not isinstance(value, Mapping) or not (names := _names(tuple(value))):
        return [("=", ascii_json(value))]
    return [("@", names), *[_piece(one, shared) for one in value.values()]]


@lru_cache(1000)
def _names(names: tuple[object, ...]) -> str | None:
    """The JSON of the names of members; None when they are not what JSON has as names."""
    return _ASCII.encode(names) if all(isinstance(name, str) for name in names) else None


def _piece(value: JSON, shared: bool) -> tuple[str, str]:
    if type(value) is str:
        return ("#" if len(value) == 64 and _DIGEST.fullmatch(value) else ""), encode_basestring_ascii(value)
    if type(value) is int:
        return "", repr(value)
    text = ascii_json(value)
    if shared and len(text) > _SHORT and text[0] in "[{":
        return "@", text
    return ("=", text) if text[0] == "{" and text != "{}" else ("", text)


def plain(pieces: Outline) -> JSON:
    """The value that was outlined, as it will be read back."""
    (mark, head), *rest = pieces
    if mark == "=":
        return json.loads(head)
    return dict(zip(json.loads(head), json.loads(f"[{','.join(text for _, text in rest)}]"), strict=True))


def mapping(text: str) -> Mapping[str, Any]:
    """What a column holds; empty where that is damaged, so that whoever needs a part of it can tell which run lacks it."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


class Rows:
    """Writes outlines as rows and reads rows, through one connection. Not safe from several threads at once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._parts: dict[str, int] = {}
        self._bodies: dict[int, str] = {}
        self._texts: dict[str, int] = {}
        self._digests: dict[int, str] = {}

    def forget(self) -> None:
        """Forget the numbers of parts and texts: they may not be what they were."""
        for cache in (self._parts, self._bodies, self._texts, self._digests):
            cache.clear()

    def write(self, pieces: Outline) -> str:
        """The row of an outline. Parts that are new are inserted."""
        (mark, head), *rest = pieces
        if mark == "=":
            return f'{{"=":{head}}}'
        return f"[{','.join([str(self._part(head)), *[self._piece(*one) if one[0] else one[1] for one in rest]])}]"

    def _piece(self, mark: str, text: str) -> str:
        if mark == "@":
            return f'{{"@":{self._part(text)}}}'
        if mark == "#":
            number = self._text(text[1:-1])
            return f'{{"#":{number}}}' if number else text
        return f'{{"=":{text}}}'

    def read(self, row: str) -> Any:
        """The value of a row. StoreFailure where it is none that was written here."""
        try:
            return self._value(row)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise StoreFailure(f"a fact of the store is not whole: {' '.join(repr(error).split())[:200]}") from error

    def _value(self, row: str) -> Any:
        value: Any = json.loads(row)
        if isinstance(value, dict):
            return cast(Any, value["="])
        names = json.loads(self._body(value[0]))
        values = (self._meant(cast("dict[str, Any]", one)) if isinstance(one, dict) else one for one in value[1:])
        return dict(zip(names, values, strict=True))

    def _meant(self, reference: dict[str, Any]) -> Any:
        for mark, value in reference.items():
            if mark == "@":
                return json.loads(self._body(value))
            return self._digest(value) if mark == "#" else value
        return {}

    def _part(self, body: str) -> int:
        number = self._parts.get(body)
        if number is None:
            self._db.execute("INSERT OR IGNORE INTO parts (body) VALUES (?)", (body,))
            number = int(self._one("SELECT id FROM parts WHERE body = ?", body))
            _remember(self._parts, body, number)
        return number

    def _body(self, number: int) -> str:
        body = self._bodies.get(number)
        if body is None:
            body = str(self._one("SELECT body FROM parts WHERE id = ?", number))
            _remember(self._bodies, number, body)
        return body

    def _text(self, name: str) -> int | None:
        """The number of the text with a digest; None when it is not kept."""
        number = self._texts.get(name)
        if number is None:
            row = self._db.execute("SELECT id FROM texts WHERE digest = ?", (bytes.fromhex(name),)).fetchone()
            if row is not None:
                number = int(row[0])
                _remember(self._texts, name, number)
        return number

    def _digest(self, number: int) -> str:
        name = self._digests.get(number)
        if name is None:
            name = cast(bytes, self._one("SELECT digest FROM texts WHERE id = ?", number)).hex()
            _remember(self._digests, number, name)
        return name

    def _one(self, query: str, wanted: object) -> Any:
        row = self._db.execute(query, (wanted,)).fetchone()
        if row is None:
            raise StoreFailure("the store has lost a part of a fact: restore it from a copy")
        return row[0]


def _remember(cache: dict[Any, Any], key: object, value: object) -> None:
    if len(cache) >= _CACHED:
        cache.clear()
    cache[key] = value


class Texts:
    """Deflates texts with the newest dictionary of the store, and inflates them with theirs."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._newest = 0, _packer()
        self._dictionaries: dict[int, bytes] = {}
        self.refresh()

    def refresh(self) -> None:
        """Use the newest dictionary."""
        row = self._db.execute("SELECT id, body FROM dictionaries ORDER BY id DESC LIMIT 1").fetchone()
        if row and row[0] != self._newest[0]:
            self._newest = row[0], _packer(row[1])

    def pack(self, raw: bytes) -> tuple[int | None, bytes]:
        """The number of the dictionary and the packed text. Safe from many threads."""
        if len(raw) >= _LONG:
            return None, zlib.compress(raw, 1)
        number, primed = self._newest
        packer = primed.copy()
        return number or None, packer.compress(raw) + packer.flush()

    def unpack(self, number: int | None, packed: bytes) -> bytes:
        """The text that was packed. StoreFailure when it is longer than a text can be."""
        unpacker = zlib.decompressobj(zdict=self._dictionary(number)) if number else zlib.decompressobj()
        raw = unpacker.decompress(packed, TEXT_BYTES)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise StoreFailure("the store holds a text that is longer than any that it took: restore it from a copy")
        return raw

    def _dictionary(self, number: int) -> bytes:
        if number not in self._dictionaries:
            row = self._db.execute("SELECT body FROM dictionaries WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise StoreFailure("the store has lost a dictionary: restore it from a copy")
            self._dictionaries[number] = row[0]
        return self._dictionaries[number]

    def learn(self) -> bool:
        """Make a dictionary of the store's texts when it has grown enough since the last one; call in a transaction."""
        known = self._db.execute("SELECT count(*) FROM dictionaries").fetchone()[0]
        newest = self._db.execute("SELECT max(id) FROM texts").fetchone()[0] or 0
        if newest < _FIRST * _GROWTH**known:
            return False
        query = "SELECT dictionary, body FROM texts WHERE id = ?"
        steps = (newest - newest * i // _FIRST for i in range(_FIRST))
        rows = (self._db.execute(query, (number,)).fetchone() for number in steps)
        body = dictionary(self.unpack(*row) for row in rows if row and len(row[1]) < _LONG)
        self._db.execute("INSERT INTO dictionaries (body) VALUES (?)", (body,))
        return True


def _packer(known: bytes = b"") -> Any:  # the type has no public name
    return zlib.compressobj(6, zlib.DEFLATED, 14, 6, zlib.Z_DEFAULT_STRATEGY, known)


def dictionary(texts: Iterable[bytes]) -> bytes:
    """A dictionary of some texts, of each its beginning; what comes first counts most."""
    pieces: list[bytes] = []
    size = 0
    for text in texts:
        piece = text[: _WINDOW // 8]
        if piece in pieces:
            continue
        pieces.append(piece)
        size += len(piece)
        if size >= _WINDOW:
            break
    return b"".join(reversed(pieces))[-_WINDOW:]
