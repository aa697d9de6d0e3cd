"""What went wrong with one request, sorted by what it means for the next one.

How servers tell it is read in `told`; here is what it means.

A server's words are shown only where they repeat nothing of the question and hold nothing that looks like a key.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, RemoteDisconnected
from typing import Any

from selftaught.errors import PassingFailure
from selftaught.models import Answer

PASSING = {408, 409, 425, 429, 498}
"""Refusals below 500 that a later try may pass (498: Groq has no room for a request without guarantee)."""
THROTTLED = {429, 498, 503, 529}
NO_REFUSALS = (PASSING | THROTTLED | {401, 402, 504}) - {503}
"""Statuses that are about something else than what was asked, whatever is said; some refuse by 503 what they never take."""
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
PLAIN_TO_SECURED = re.compile(
    r"plain[ -]http\b|\bhttp request\b.{0,60}\bhttps|\b(ssl|tls)[ -]enabled|requires? (https|ssl|tls)\b"
    r"|\b(https|ssl|tls) (is )?required|\buse (the )?https\b",
    re.I,
)
"""What is said by a port that wants https:// to who speaks http:// to it."""
REFUSAL = (
    r"\bnot (be |been )?(currently )?(support|implement|allow|permit|accept|enabled|available|recogni|valid|compatible)"
    r"|n't support|unsupported"
    r"|\bmust\b|\bonly\b|should be|unknown|unrecogni[sz]ed|unexpected (?!end|error|eof|clos)|disabled|not (take|accept|support)"
    r"|invalid (value|param|arg|role|option|field)|extra (inputs|fields|param)|at most|cannot (be )?(us|set|combin|tak|handl)"
)
"""How a server says that it does not take something, rather than that something failed."""
TOO_LARGE = re.compile(r"\brequest (is )?too large\b", re.I)
"""How a throttle says that this one request is more than it will ever let pass."""
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

    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the server says it has used all the same."""

    @property
    def unsecured(self) -> bool:
        """Whether the server wants to be asked by https:// only."""
        return 400 <= self.status < 500 and PLAIN_TO_SECURED.search(self.message) is not None

    @property
    def about_request(self) -> bool:
        """Whether the server says that the request as it stands cannot be."""
        return self.status in {400, 413, 422} and not self.unsecured

    @property
    def about_message(self) -> bool:
        """Whether it is this one message that the server objects to, so that another may pass."""
        too_large = self.status == 413 or (self.status == 429 and TOO_LARGE.search(self.message) is not None)
        return too_large or (self.about_request and not (TOO_LONG | FILTERED).isdisjoint(self.codes))

    @property
    def unexplained(self) -> bool:
        """Whether the server failed at the request itself and does not say why; what passes by waiting says so."""
        return self.status == 500 or (self.status == 0 and self.paid and not self.lasting)

    def blames(self, parameter: str) -> bool:
        """Whether a request was refused for this parameter."""
        if not self.about_request:
            return False
        if self.parameter:
            return self.parameter == parameter
        return re.search(rf"\b{parameter}\b", self.message) is not None

    def refuses(self, pattern: str, how: str = REFUSAL) -> bool:
        """Whether it says in plain words that something which this names is not taken, whatever status it gives for that."""
        told = self.status not in NO_REFUSALS and self.speaks_of(pattern)
        return told and re.search(how, self.message, re.I) is not None

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
        misplaced = self.unsecured or self.status in {404, 405}
        if self.unsecured:
            mend = "it wants https:// and was asked by http://"
        else:
            mend = MEND[402] if unpaid else MEND.get(self.status, "it cannot take such a request")
        return PassingFailure(f"{said}: {mend}{words}", lasting=True, paid=self.paid, misplaced=misplaced)


class Billed(PassingFailure):
    """A request that brought no answer, and what the server says it has used for it."""

    def __init__(self, failure: PassingFailure, lost: Answer) -> None:
        super().__init__(
            str(failure),
            throttled=failure.throttled,
            after_s=failure.after_s,
            lasting=failure.lasting,
            paid=True,
            misplaced=failure.misplaced,
        )
        self.lost = lost


def quotable(message: str, hidden: Sequence[str]) -> str:
    """A server's words as they may be shown: short, on one line, without keys, and with … for what they repeat of what is
    hidden; nothing where that is most of them."""
    message = " ".join(message.split())[: 2 * QUOTED]
    message = SECRET.sub("…", message).replace("“", '"').replace("”", '"')
    message = kept = "".join(character for character in message if character.isprintable())
    for text in hidden:
        kept = _masked(kept, " ".join(text.split()))
    if 2 * len(kept.replace("…", "")) < len(message.replace("…", "")):
        return ""
    return kept if len(kept) <= QUOTED else f"{kept[:QUOTED]}…"


def _masked(message: str, hidden: str) -> str:
    """The message with … for all that it shares with what is hidden: so many characters in a row, or all of a short one."""
    run = min(ECHO, len(hidden))
    if run < SHORT:
        return message
    shared = [i for i in range(len(message) - run + 1) if message[i : i + run] in hidden]
    if not shared:
        return message
    out = {place for i in shared for place in range(i, i + run)}
    kept = "".join("\0" if place in out else character for place, character in enumerate(message))
    return _masked(re.sub("\0+", "…", kept), hidden)


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
