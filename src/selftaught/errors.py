"""Everything that can go wrong, as one tree; a leaf per question a caller asks.

    SelftaughtError
    ├── UsageError          exit 2: the user asked for something that cannot be; one line says what and how to mend it
    ├── SandboxRefused      exit 3: this machine cannot hold generated code at the level asked for
    ├── AttemptSeen         exit 3: a program was seen to cheat, and the run was to stop at that
    ├── Interrupted         exit 130: whoever called it asked it to end
    ├── SpendExhausted      exit 4: a limit on money, time or CPU ended the run; what was reached is kept
    ├── WorthlessRun        exit 1: what was asked for could only waste what it buys
    │   └── UnfitAtFirstLook    that was seen before anything was bought
    └── WorldError          exit 1: something outside this program failed; the same command may work later
        ├── SandboxFailure  the sandbox itself broke (never a verdict on a candidate)
        ├── ModelFailure    the model could not be asked, after every retry that made sense
        │   ├── PassingFailure  this request failed, the same request may pass soon (the gateway tries again)
        │   ├── ModelRefused    the key, the model's name or the request is wrong: trying again is no use
        │   └── ModelDown       nothing got through until the deadline
        ├── StoreFailure    the run store could not be read or written
        └── InUse           another process works on the run, or on one of the store

A candidate's failure is none of these: it is a value (`Outcome`, `Score`).
"""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager

ENDING = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
"""Signals that end a command as Ctrl-C does, and what is said of it: of a plain `kill`, and of a terminal that is closed."""


_LONGEST = 2000


def said_by(error: BaseException) -> str:
    """What an error says, on one line. One of somebody's own may fail to say anything."""
    try:
        return " ".join(str(error).split())[:_LONGEST]
    except Exception:  # noqa: BLE001 - whatever its own methods raise
        return "(it cannot be shown)"


class SelftaughtError(Exception):
    """Base of all errors this package raises on purpose."""

    exit_code = 1


class UsageError(SelftaughtError):
    """The user's request cannot be carried out as it stands; the message is one line with the mend."""

    exit_code = 2


class SandboxRefused(SelftaughtError):
    """Generated code will not be run here at the requested level; the message names cause and mend."""

    exit_code = 3


class AttemptSeen(SelftaughtError):
    """A program tried to leave the sandbox or scored too well to be believed, and the run was to stop then; what was reached is
    kept."""

    exit_code = 3


class SpendExhausted(SelftaughtError):
    """A spend limit (money, wall time, CPU time) was reached; stored facts stay valid and the run can be resumed."""

    exit_code = 4


class Interrupted(SelftaughtError):
    """A signal asked the command to end before it was done; the message names it as `ENDING` does."""

    exit_code = 130


class WorthlessRun(SelftaughtError):
    """A first look showed that a run can come to nothing: an improver's own text is wrong, a start solution never answers."""


ANYWAY = "go on all the same with --anyway"
"""How the reason of a run ends that was found worthless at its first look."""


class UnfitAtFirstLook(WorthlessRun):
    """That was seen at the first look: going on with the run as it is would end alike. The message says what is wrong."""

    def __init__(self, wrong: str) -> None:
        super().__init__(f"{wrong}, or {ANYWAY}")


class WorldError(SelftaughtError):
    """Something outside this program failed. Nothing is stored of the step that failed."""


class SandboxFailure(WorldError):
    """The sandbox broke down: a set-up step failed in the jail or its server died twice on the same job."""


class ModelFailure(WorldError):
    """A language model could not be asked: down, misconfigured, or refusing the key."""


class PassingFailure(ModelFailure):
    """One request failed in a way that may pass: throttled, cut off, timed out, garbled. The gateway tries it again.

    `throttled` when the server says that it is asked too much; `after_s` when it says for how many seconds to wait.
    `lasting` when it will not pass unless somebody mends something, so that a server that never was right is given up;
    `paid` when the server may have worked on the request and charge for it; `misplaced` when another address may be right.
    """

    def __init__(
        self,
        reason: str,
        *,
        throttled: bool = False,
        after_s: float | None = None,
        lasting: bool = False,
        paid: bool = False,
        misplaced: bool = False,
    ) -> None:
        super().__init__(reason)
        self.throttled = throttled
        self.after_s = after_s
        self.lasting = lasting
        self.paid = paid
        self.misplaced = misplaced


class ModelRefused(ModelFailure):
    """The server understood and said no: wrong key, unknown model, unpaid account, or a request it cannot take."""


class ModelDown(ModelFailure):
    """No answer until the deadline, through every retry; the message says what was seen last."""


class StoreFailure(WorldError):
    """The run store could not be opened, read or written."""


class InUse(WorldError):
    """Another process works on the run, or on one of the runs of the store, that would have to stand still for this."""


BY_A_TEXT = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RecursionError,
    MemoryError,
)
"""What code of the host may raise because of what a guest gave it. All else is the world's failure and ends the run."""


class Refusal(Exception):
    """Raised by a host function to make the guest's call fail with the exception named `kind`.

    Known kinds: `BudgetExhausted`, `ValueError`. It never ends the guest: a guest may catch it and go on.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@contextmanager
def reading(said: str) -> Generator[None]:
    """Whatever is missing or of another kind in stored data that the block reads is one line, which says what is not whole."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UsageError(f"{said} ({' '.join(repr(error).split())[:200]})") from error
