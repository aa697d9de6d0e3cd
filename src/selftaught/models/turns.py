"""Two kinds of work on the same cores take turns: requests to a model on this machine, and scoring of programs.

A server that computes on the cores where programs are scored answers many times slower, and their clocks run on while it does.
So it goes by turns: many requests at once, or many scorings, never both. As soon as the other kind waits, nobody joins the turn
that is on; when the last one leaves, all who wait for the next one begin together. So neither can starve the other. Who has a
turn waits for nobody of the other kind: an improver that asks is neither.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

Use = Literal["asking", "scoring"]


class _Ticket:
    """Of one who waits."""

    def __init__(self, kind: Use) -> None:
        self.kind: Use = kind
        self.called = False


class Turns:
    """Whose turn it is. Safe from many threads."""

    def __init__(self) -> None:
        self._on: Use = "asking"
        self._inside = 0
        """Who has the turn that is on, those who were called to it included."""
        self._waiting: list[_Ticket] = []
        self._ended = False
        self._changed = threading.Condition()

    @contextmanager
    def of(self, kind: Use) -> Generator[None]:
        """The block is work of this kind, and waits for its turn."""
        self._enter(_Ticket(kind))
        try:
            yield
        finally:
            self._leave()

    @property
    def waiting(self) -> tuple[Use, ...]:
        """Who waits, the longest first."""
        with self._changed:
            return tuple(one.kind for one in self._waiting)

    def end(self) -> None:
        """Let everybody go on at once: the run is being stopped."""
        with self._changed:
            self._ended = True
            self._call(self._waiting)

    def _enter(self, ticket: _Ticket) -> None:
        with self._changed:
            others = any(one.kind != ticket.kind for one in self._waiting)
            if self._inside == 0 or self._ended or (self._on == ticket.kind and not others):
                self._on = ticket.kind
                self._inside += 1
                return
            self._waiting.append(ticket)
            try:
                while not ticket.called:
                    self._changed.wait()
            except BaseException:  # an interrupt: who is not called any more may not be waited for
                if ticket.called:
                    self._leave()
                else:
                    self._waiting.remove(ticket)
                raise

    def _leave(self) -> None:
        with self._changed:
            self._inside -= 1
            if self._inside == 0:
                self._call([one for one in self._waiting if one.kind != self._on] or self._waiting)

    def _call(self, tickets: list[_Ticket]) -> None:
        """Begin the turn of all of these, who are of one kind, or at the end of everything of any."""
        for one in [*tickets]:
            one.called = True
            self._on = one.kind
            self._inside += 1
            self._waiting.remove(one)
        self._changed.notify_all()
