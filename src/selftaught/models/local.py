"""Which servers of models run on this machine: each known one is asked at its own address for its list of models."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast
from urllib.parse import urlsplit

from selftaught.models.rows import ROWS, Row
from selftaught.models.streams import mapping, mappings

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
MOST_BYTES = 1 << 20
MOST_NAMES = 50


def running(wait_s: float = 0.5) -> Mapping[str, Sequence[str]]:
    """The names of the models of each server that answers within `wait_s` seconds, by the name of its row.

    Only loopback addresses are asked, without a key and past any proxy.
    """
    rows = [row for row in ROWS.values() if row.local]
    with ThreadPoolExecutor(len(rows)) as pool:
        asked = [(row.name, pool.submit(_models, row, wait_s)) for row in rows]
    return {name: models for name, future in asked if (models := future.result()) is not None}


def _models(row: Row, wait_s: float) -> Sequence[str] | None:
    """The models of one server; None when there is none, or something else listens there."""
    try:
        place = urlsplit(row.address(row.given(None), ""))
        port = place.port or 80
    except ValueError:
        return None
    if place.hostname not in LOOPBACK or place.scheme != "http":
        return None
    connection = http.client.HTTPConnection(str(place.hostname), port, timeout=wait_s)
    try:
        connection.request("GET", f"{place.path.rstrip('/')}/models")
        response = connection.getresponse()
        found: object = json.loads(response.read(MOST_BYTES)) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    data: object = mapping(found).get("data")
    if not isinstance(data, list):
        return None
    names = [one.get("id") for one in mappings(cast(object, data))[:MOST_NAMES]]
    return [name for name in names if isinstance(name, str) and name.isprintable()]
