"""The trusted side's handles for one run: what domain and algorithm work with, in one place."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, cast

from selftaught.budget.spend import Spend
from selftaught.lab.answers import Heard
from selftaught.lab.drawn import Drawn
from selftaught.lab.progress import Progress
from selftaught.lab.workers import Workers
from selftaught.models import LanguageModel
from selftaught.models.turns import Turns
from selftaught.plain import JSON, Roots, roots
from selftaught.program import MAX_CHARS
from selftaught.sandbox import HostFunction, Job, Limits, Outcome, Sandbox, eased, tool
from selftaught.store import Store, key_of

CONTRACT = 4
"""Version of what facts mean (interfaces, descriptions, streams). A change makes older facts unfindable, not wrong."""
DRAWN_ALIKE = {3, 4}
"""The contracts under which test instances are drawn as under this one."""


VERDICT = "verdict"
"""The kind of fact under which a recording's improver runs are kept that met a limit of the recorded machine."""
EASE = 20.0


class Stopped(BaseException):
    """The run is being stopped: whatever is under way ends, nothing of it is stored."""


class Document:
    """The document of a run so far: what its view shows at any moment. Safe from many threads.

    `reached` is what earlier sessions have told: it stays until there is more to tell.
    """

    def __init__(
        self,
        heading: Mapping[str, Any],
        keep: Callable[[Mapping[str, JSON]], None] | None = None,
        reached: Mapping[str, Any] | None = None,
    ) -> None:
        self.heading = dict(heading)
        self._parts: dict[str, JSON] = {**(reached or {}), **heading}
        self._keep = keep
        self._lock = threading.Lock()

    @property
    def parts(self) -> dict[str, JSON]:
        """All that was told so far."""
        with self._lock:
            return dict(self._parts)

    def tell(self, **parts: Any) -> None:
        """Add parts, plain data, or put newer ones in the place of older.

        A list that is the beginning of the older one says less: who resumes a run finds its first rounds again.
        """
        with self._lock:
            self._parts |= {name: new for name, new in parts.items() if not _begins(self._parts.get(name), new)}
            if self._keep:
                self._keep(self._parts)


def _begins(longer: Any, part: Any) -> bool:
    """Whether a list is the beginning of another one, which was read from a store."""
    if not (isinstance(longer, list) and isinstance(part, list)):
        return False
    return cast("list[Any]", longer)[: len(cast("list[Any]", part))] == json.loads(json.dumps(part))


@dataclass(frozen=True)
class Lab:
    """Sandbox, model, store and workers of one run, and its seed."""

    sandbox: Sandbox
    model: LanguageModel
    store: Store
    workers: Workers
    seed: int
    run: int = 0
    """Number of the run in the store whose facts these are."""
    progress: Progress = field(default_factory=Progress)
    spend: Spend = field(default_factory=Spend)
    document: Document = field(default_factory=lambda: Document({}))
    stopping: threading.Event = field(default_factory=threading.Event)
    part: str | None = None
    """The round that what is bought here counts as."""
    heard: Heard = field(default_factory=Heard)
    drawn: Drawn = field(default_factory=Drawn)
    """Instances that were drawn before."""
    proposer: LanguageModel | None = None
    """Who writes improvers, where that is not the model that works inside them."""
    turns: Turns | None = None
    """With whom scorings take turns; None: all share the cores."""
    earlier_looks: Callable[[], Sequence[str]] = tuple
    """Tells the runs that were judged, up to now, on test instances which this one is judged on as well, in words."""

    @property
    def roots(self) -> Roots:
        """Where all chance of the run comes from."""
        return roots(self.seed)

    recorded: Mapping[str, Any] | None = None
    """Of a run that is run again from a recording, what that says of it."""

    def eased(self, limits: Limits) -> Limits:
        """The limits of a job. What a recording does not say to have met its limit on the machine that it was made on keeps it:
        here it has time enough to do so, on a slower machine as well."""
        return eased(limits, EASE) if self.recorded else limits

    def verdict(self, kind: str, about: Mapping[str, JSON]) -> Mapping[str, Any] | None:
        """Of a run from a recording: the fact that the limits of the recorded machine have decided, where this is one."""
        if not self.recorded:
            return None
        of = key_of(kind, {**about, "contract": CONTRACT})
        return cast("Mapping[str, Any] | None", self.store.fact(key_of(VERDICT, {"of": of})))

    def at(self, level: int) -> Lab:
        """The lab of an improver run: where improvers are improved, its model is the proposer."""
        return replace(self, model=self.proposer) if level and self.proposer else self

    def once(self, kind: str, about: Mapping[str, JSON], compute: Callable[[], JSON]) -> JSON:
        """The fact, found or computed and kept (see `Store.once_all`)."""
        return self.once_all(kind, [about], lambda _: [compute()])[0]

    def kept(self, kind: str, about: Mapping[str, JSON]) -> JSON:
        """The fact, where there is one under this contract; None otherwise."""
        return self.store.fact(key_of(kind, {**about, "contract": CONTRACT}))

    def once_all(
        self, kind: str, abouts: Sequence[Mapping[str, JSON]], compute: Callable[[Sequence[int]], Sequence[JSON]]
    ) -> list[JSON]:
        """Facts in the order of `abouts`, found or computed and kept under this contract."""
        self.look()
        return self.store.once_all(kind, [{**about, "contract": CONTRACT} for about in abouts], compute, self.run)

    @contextmanager
    def round(self, label: str) -> Generator[Lab]:
        """A lab that buys for one round; the block is the time that it takes. What it cost is kept, for who resumes the
        run."""
        with self.spend.round(label):
            self.store.spend(self.run, self.spend.now().plain())
            yield replace(self, part=label)

    def ahead(self, work: Callable[[], object]) -> None:
        """Begin what is certain to be needed, beside all else: whoever needs it finds the facts, or waits for them.

        It changes no fact, only when it is made. Nothing is begun for a model that takes one request at a time.
        """
        if self.model.concurrency > 1:
            self.workers.ahead(work)

    def defect(self, text: JSON, entry: str) -> str | None:
        """Why what a guest gave is no program that defines the function `entry`, in one line; None when it is one.

        Without an entry, any text is one that is not empty.

        Only the syntax is looked at, in the sandbox: parsing has its own dangers.
        """
        if not isinstance(text, str):
            return f"not a text but {type(text).__name__}"
        if len(text) > MAX_CHARS:
            return f"longer than {MAX_CHARS:,} characters"
        if not entry:  # of any language
            return None if text.strip() else "an empty text"
        (outcome,) = self.sandbox.run(tool("programs", "defect", [(text, entry)], self.eased(Limits())))
        if outcome.kind != "answer":
            return f"does not parse: {outcome.kind}"
        return None if outcome.answer is None else str(outcome.answer)

    def look(self) -> None:
        """What a job that may be long is ended by: the run is to stop, or a limit is reached."""
        if self.stopping.is_set():
            raise Stopped
        self.spend.check(self.part)

    def compute(self, job: Job, functions: Mapping[str, HostFunction] | None = None) -> tuple[Outcome, ...]:
        """Run a job in the sandbox and count its CPU time as spent."""
        with self.turns.of("scoring") if self.turns and job.profile == "function" else nullcontext():
            outcomes = self.sandbox.run(job, functions, self.look)
        self.spend.computed(sum(outcome.cpu_s for outcome in outcomes))
        return outcomes
