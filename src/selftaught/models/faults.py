"""What went wrong with one request, sorted by what it means for the next one.

Nothing of a server's message is ever passed on: it may hold the key, the prompt or an answer. What is told is the
status, and the server's own code for the error where that looks like a code.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from selftaught.errors import ModelFailure, ModelRefused, PassingFailure

PASSING = {408, 409, 425, 429}
"""Refusals below 500 that a later try may pass."""
THROTTLED = {429, 503, 529}
UNPAID = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
"""Codes that come as 429 but do not pass by waiting."""
TOO_LONG = {"context_length_exceeded", "exceed_context_size_error", "request_too_large", "string_above_max_length"}
FILTERED = {"content_filter", "content_policy_violation"}
MEND = {
    401: "the key is wrong or missing",
    402: "the account is not paid",
    403: "the key may not use this model",
    404: "the model or the address is unknown there",
    **dict.fromkeys((301, 302, 303, 307, 308), "it has moved: give its new address as --base-url"),
}
NO_CONNECTION = {
    ConnectionRefusedError: "nothing listens there",
    socket.gaierror: "no host of that name is known",
}
CODE = re.compile(r"[a-zA-Z][a-z_]{2,39}")
"""What an error code looks like: no digits and no spaces, so that no key and no sentence passes for one."""


@dataclass(frozen=True)
class Fault:
    """An error of an SDK, reduced to what may be known of it. `status` 0: no answer that could be read."""

    status: int
    codes: tuple[str, ...] = ()
    """The server's own names for the error."""
    parameter: str = ""
    """The parameter that the server names as the trouble."""
    message: str = ""
    """The server's words: looked at to see which parameter they name, never shown."""
    after_s: float | None = None
    what: str = "no connection"
    lasting: bool = False
    """Of a connection that failed: whether another try would fail alike."""

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

    def failure(self) -> ModelFailure:
        """The exception that says it."""
        if self.status == 0:
            return ModelRefused(self.what) if self.lasting else PassingFailure(self.what)
        code = next((code for code in self.codes if CODE.fullmatch(code)), "")
        said = f"the server answered {self.status} {code}".rstrip()
        unpaid = not UNPAID.isdisjoint(self.codes)
        if self.status >= 500 or (self.status in PASSING and not unpaid):
            return PassingFailure(said, throttled=self.status in THROTTLED, after_s=self.after_s)
        mend = MEND[402] if unpaid else MEND.get(self.status, "it cannot take such a request")
        return ModelRefused(f"{said}: {mend}")


def fault_of(error: Exception) -> Fault:
    """The fault behind an exception of the OpenAI or the Anthropic SDK (both are made by the same generator)."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return _unconnected(error)
    body = mapping(getattr(error, "body", None))
    body = mapping(body.get("error")) or body
    response = getattr(error, "response", None)
    return Fault(
        status,
        codes=tuple(str(body[name]) for name in ("code", "type") if body.get(name)),
        parameter=str(body.get("param") or ""),
        message=str(body.get("message") or ""),
        after_s=retry_after(getattr(response, "headers", {})),
    )


def _unconnected(error: BaseException) -> Fault:
    """The fault of a request that no response came to, by the kind of what lies below the SDK's exception."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLCertVerificationError):
            mend = "name a file that holds its authority's in SSL_CERT_FILE, or mend --base-url"
            return Fault(0, what=f"the server's certificate is not trusted: {mend}", lasting=True)
        for kind, told in NO_CONNECTION.items():
            if isinstance(below, kind):
                return Fault(0, what=f"the connection failed: {told}")
        below = below.__cause__ or below.__context__
    return Fault(0, what="no answer in time" if "Timeout" in type(error).__name__ else "the connection failed")


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


def mapping(value: object) -> Mapping[str, Any]:
    """The JSON object in a place where one should be; an empty one where there is none."""
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}
