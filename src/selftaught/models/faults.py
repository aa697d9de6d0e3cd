"""What went wrong with one request, sorted by what it means for the next one.

Servers tell the same in many ways: by status, by an error object within a response of status 200, by a code of their own
or in words only. All of that becomes a `Fault` with the status that OpenAI's own server would have given.

A server's words are shown only where they repeat nothing of the question and hold nothing that looks like a key.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, RemoteDisconnected
from typing import Any, cast

from selftaught.errors import PassingFailure
from selftaught.models.streams import mapping, mappings

PASSING = {408, 409, 425, 429, 498}
"""Refusals below 500 that a later try may pass (498: Groq has no room for a request without guarantee)."""
THROTTLED = {429, 498, 503, 529}
UNPAID = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"}
"""Codes that come as 429 but do not pass by waiting."""
TOO_LONG = {"context_length_exceeded", "exceed_context_size_error", "request_too_large", "string_above_max_length"}
FILTERED = {"content_filter", "content_policy_violation"}
MEND = {
    401: "the key is wrong or missing",
    402: "the account is not paid",
    403: "the key may not use this model",
    404: "the model or the address is unknown there",
    405: "the address takes no questions",
    **dict.fromkeys((301, 302, 303, 307, 308), "it has moved: give its new address as --base-url"),
}
_UNPAID = r"credit balance|insufficient[ _]?(balance|funds|credit|quota)|in arrears|overdue|payment required|余额|欠费"
_WORDS = {
    402: rf"{_UNPAID}|billing",
    401: r"api[ _-]?key|unauthori[sz]ed|authenticat|no auth|(invalid|expired|missing)[ _](token|key|credential)|invalid_?token",
    429: r"rate[ _-]?limit|too many|throttl|overloaded|at capacity|try again (later|in)",
    404: r"model\b.{0,80}(not (found|exist|supported)|does not exist|unknown)|unknown model",
}
"""What servers say that give no status, or 400 for everything, in the order in which it is looked for."""
PLAIN_TO_SECURED = re.compile(r"http request\b.{0,30}\bhttps", re.I)
NO_CONNECTION = {ConnectionRefusedError: "nothing listens there"}
CODE = re.compile(r"[a-zA-Z][a-z_]{2,39}")
"""What an error code looks like: no digits and no spaces, so that no key and no sentence passes for one."""
SECRET = re.compile(r"\S*(?:\*{2,}|[\w+/=-]{20,})\S*")
"""What may be a key, whole or masked."""
QUOTED = 160
"""Characters of a server's own words that are shown."""
ECHO = 10
"""So many characters in a row that the question has as well are taken from it."""
SHORT = 4
"""A question of fewer characters than this is in any sentence."""


@dataclass(frozen=True)
class Fault:
    """One request's failure, reduced to what may be known of it. `status` 0: no answer that could be read."""

    status: int
    codes: tuple[str, ...] = ()
    """The server's own names for the error."""
    parameter: str = ""
    """The parameter that the server names as the trouble."""
    message: str = ""
    """The server's words."""
    quote: str = ""
    """As much of them as may be shown."""
    after_s: float | None = None
    what: str = "no connection"
    """Of status 0: what happened."""
    lasting: bool = False
    """Of status 0: whether another try would fail alike."""
    misplaced: bool = False
    """Of status 0: whether the server itself may be right, and the address is not."""
    paid: bool = False
    """Whether the request may have been worked on."""

    @property
    def about_request(self) -> bool:
        """Whether the server says that the request as it stands cannot be."""
        return self.status in {400, 413, 422}

    @property
    def about_message(self) -> bool:
        """Whether it is this one message that the server objects to, so that another may pass."""
        return self.status == 413 or (self.about_request and not (TOO_LONG | FILTERED).isdisjoint(self.codes))

    def blames(self, parameter: str) -> bool:
        """Whether a request was refused for this parameter."""
        if not self.about_request:
            return False
        if self.parameter:
            return self.parameter == parameter
        return re.search(rf"\b{parameter}\b", self.message) is not None

    def renames(self, parameter: str, newer: str) -> bool:
        """Whether a request was refused for the name of this parameter: not for its value, nor for what comes near it."""
        return self.blames(parameter) and parameter != newer and (self.parameter == parameter or newer in self.message)

    def speaks_of(self, pattern: str) -> bool:
        """Whether the server's words or the parameter that it names hold this, in capitals or not."""
        return re.search(pattern, f"{self.parameter} {self.message}", re.I) is not None

    def failure(self) -> PassingFailure:
        """The exception that says it."""
        if self.status == 0:
            return PassingFailure(self.what, lasting=self.lasting, paid=self.paid, misplaced=self.misplaced)
        code = next((code for code in self.codes if CODE.fullmatch(code)), "")
        said = f"the server answered {self.status} {code}".rstrip()
        unpaid = not UNPAID.isdisjoint(self.codes)
        words = f" (“{self.quote}”)" if self.quote else ""
        if self.status >= 500 or (self.status in PASSING and not unpaid):
            return PassingFailure(
                said + words, throttled=self.status in THROTTLED, after_s=self.after_s, paid=self.paid
            )
        plain = PLAIN_TO_SECURED.search(self.message) is not None
        misplaced = plain or self.status in {404, 405}
        if plain:
            mend = "it wants https:// and was asked by http://"
        else:
            mend = MEND[402] if unpaid else MEND.get(self.status, "it cannot take such a request")
        return PassingFailure(f"{said}: {mend}{words}", lasting=True, paid=self.paid, misplaced=misplaced)


def error_in(found: Mapping[str, Any], status: int, hidden: Sequence[str] = (), after_s: float | None = None) -> Fault:
    """The fault that a server tells in an object, beside a status; `hidden` is what may not be repeated."""
    body, message, parameter = _error(found)
    message = message or str(body.get("message") or body.get("msg") or body.get("status_msg") or "")
    codes = tuple(str(body[name]) for name in ("code", "type", "status", "status_code") if body.get(name))
    within = status < 300
    told = _status(status, codes, message)
    return Fault(
        told,
        codes,
        parameter or str(body.get("param") or ""),
        message,
        quotable(message, hidden),
        after_s,
        what=_unknown(codes, quotable(message, hidden)),
        lasting=within and told == 0,
    )


def holds_error(found: Mapping[str, Any]) -> bool:
    """Whether an object tells an error and no answer."""
    if found.get("choices") or found.get("content"):
        return False
    status = mapping(found.get("base_resp")).get("status_code")
    told = found.get("error") or found.get("errors") or found.get("detail") or status
    return bool(told) or bool(found.get("message") and found.get("code"))


def _error(found: Mapping[str, Any]) -> tuple[Mapping[str, Any], str, str]:
    """The object that describes an error, its words if they stand elsewhere, and the parameter if that does."""
    error = found.get("error") or mapping(found.get("base_resp")) or found.get("detail")
    if isinstance(error, str):
        return found, error, ""
    if isinstance(error, list) and (details := mappings(cast(object, error))):  # as FastAPI tells which field is wrong
        fields = [[str(part) for part in cast(list[object], one.get("loc") or [""])] for one in details]
        told = [f"{'.'.join(field)}: {one.get('msg')}" for field, one in zip(fields, details, strict=True)]
        return details[0], "; ".join(told), fields[0][-1]
    several = mappings(found.get("errors"))
    return mapping(cast(object, error)) or (several[0] if several else found), "", ""


def _status(status: int, codes: Sequence[str], message: str) -> int:
    """The status that an error amounts to: as told, or as its code or its words say where that tells more."""
    if status < 300:
        status = next((int(code) for code in codes if code.isdecimal() and 400 <= int(code) < 600), 0)
    if status in {0, 400, 403} or (status == 429 and re.search(_UNPAID, message, re.I)):
        words = f"{' '.join(codes)} {message}"
        known = (TOO_LONG | FILTERED).isdisjoint(codes)
        status = next((one for one, said in _WORDS.items() if known and re.search(said, words, re.I)), status)
    return status


def _unknown(codes: Sequence[str], quote: str) -> str:
    code = next((code for code in codes if CODE.fullmatch(code)), "")
    return f"the server answered 200 with an error {code}".rstrip() + (f" (“{quote}”)" if quote else "")


def quotable(message: str, hidden: Sequence[str]) -> str:
    """A server's words as they may be shown: short, on one line, without keys; nothing where they repeat what is hidden."""
    message = " ".join(message.split())[: 2 * QUOTED]
    for text in hidden:
        short = " ".join(text.split())
        echoes = (message[i : i + ECHO] for i in range(max(1, len(message) - ECHO + 1)))
        if SHORT <= len(short) < ECHO and short in message:
            return ""
        if len(short) >= ECHO and any(len(echo) == ECHO and echo in short for echo in echoes):
            return ""
    message = SECRET.sub("…", message).replace("“", '"').replace("”", '"')
    message = "".join(character for character in message if character.isprintable())
    return message if len(message) <= QUOTED else f"{message[:QUOTED]}…"


def unconnected(error: BaseException) -> Fault:
    """The fault of a request that no response came to, by the kind of what lies below the exception."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLCertVerificationError):
            mend = "name a file that holds its authority's in SSL_CERT_FILE, or mend --base-url"
            return Fault(0, what=f"the server's certificate is not trusted: {mend}", lasting=True)
        if isinstance(below, ssl.SSLError) and "WRONG_VERSION" in str(below):
            return Fault(
                0, what="the connection failed: what listens there is not secured", lasting=True, misplaced=True
            )
        if isinstance(below, BadStatusLine) and not isinstance(below, RemoteDisconnected):
            return Fault(
                0,
                what="what listens there does not speak HTTP (https:// instead of http://?)",
                lasting=True,
                misplaced=True,
            )
        if isinstance(below, socket.gaierror | UnicodeError):
            return Fault(0, what="the connection failed: no host of that name is known", lasting=True)
        for kind, told in NO_CONNECTION.items():
            if isinstance(below, kind):
                return Fault(0, what=f"the connection failed: {told}")
        below = below.__cause__ or below.__context__
    return Fault(0, what="the connection failed")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks to wait: `retry-after-ms`, or `Retry-After` as a number or a date; None when it does not."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * scale)
        except (KeyError, ValueError):
            continue
    try:
        moment = parsedate_to_datetime(headers["retry-after"])
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (KeyError, ValueError, OverflowError):
        return None
