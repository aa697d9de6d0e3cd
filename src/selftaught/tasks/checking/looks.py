"""What is looked at in a task, each by a function that yields findings: only what is wrong, or one that says all is right."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from typing import Protocol, cast

from selftaught.downstream import SCALE_REPETITIONS
from selftaught.lab import Lab
from selftaught.plain import JSON, as_json, canonical, rng_from
from selftaught.sandbox import Outcome
from selftaught.task import Half, Instance, Split, Task, files_of
from selftaught.tasks.checking.claims import claims
from selftaught.tasks.checking.findings import Finding
from selftaught.tasks.checking.marks import Look, is_plain, leaves, mark, raised, short
from selftaught.tasks.checking.solving import STRANGE, grade, headroom, outcomes_of, start, strange
from selftaught.tasks.checking.watching import watched
from selftaught.tasks.own import ScorerTask

ROOT = "a first look"
"""Where the instances come from that are looked at."""
_HALVES: tuple[tuple[Split, Half], ...] = (
    ("train", "practice"),
    ("train", "judged"),
    ("validation", "judged"),
    ("test", "judged"),
)
_ALIKE = 0.1
"""A share of test instances that practice has as well which may come about by chance."""
_LEEWAY = 10
"""How many times as long as the first instance the others may take, each."""
_MOST_KB = 8 << 10
"""KiB of one instance's arguments: all of them go into the sandbox at every scoring."""


class Announce(Protocol):
    """Is told what is begun, and how long that may take where it is more than the usual."""

    def __call__(self, doing: str, patience_s: float = 0) -> None: ...


def every(lab: Lab, task: Task, step: Announce) -> Iterator[Finding]:
    """All that is found out about a task, in the order of the looks."""
    scorer = isinstance(task, ScorerTask)
    form = (
        "a scorer for `improve --score`: instances and score" if scorer else f"a task, improved by its `{task.entry}`"
    )
    yield Finding(task.name, "form", True, form)
    step(f"drawing instances of {task.name}")
    samples = yield from _sampled(task, step)
    if samples is None:
        return
    some = samples["train", "practice"]
    yield from _found(task, "draw", _draw(task, some))
    data = [*_found(task, "data", _data(some))]
    yield from data
    if not all(one.ok for one in data):
        return
    yield from _found(task, "splits", _splits(task, samples))
    if scorer:
        step(f"scoring strange answers to {task.name}")
        yield from _found(task, "grade", strange(task, some[0], [*STRANGE]))
        return
    longest = len(samples["train", "judged"]) * (task.limits.wall_s or 10 * task.limits.cpu_s + 5) * 2 + 60
    step(f"running the start solution of {task.name}", longest)
    outcomes = outcomes_of(lab, task, samples["train", "judged"])
    yield from _found(task, "description", _description(task, samples["train", "judged"], outcomes))
    yield from _found(task, "start", start(lab, task, samples["train", "judged"], outcomes))
    if any(one.kind != "answer" for one in outcomes):
        return
    step(f"grading answers to {task.name}")
    yield from _found(task, "grade", grade(task, samples["train", "judged"], outcomes))
    step(f"measuring the headroom of {task.name}", longest * SCALE_REPETITIONS)
    yield from _found(task, "headroom", headroom(lab, task))


def patience_s(task: Task, split: Split, step: Announce) -> float:
    """Seconds that drawing all instances of a split may take, by what one takes, if that is more than the usual."""
    step(f"drawing an instance of {task.name}")
    if isinstance(task, ScorerTask):  # all are drawn at once
        return 0
    begun = time.monotonic()
    with suppress(BaseException):
        task.draw(rng_from(ROOT, task.name))
    return _LEEWAY * (time.monotonic() - begun) * task.instances[split]


def drawn(task: Task) -> JSON:
    """What tells the instances of one half from others, in any process."""
    return [mark(one) for one in task.sample(ROOT, "train", 0, "practice")]


def _found(task: Task, look: str, looking: Look) -> Iterator[Finding]:
    """The findings of a look. What the task's own code raises is one."""
    wrong, right = False, ""
    while True:
        try:
            detail, mend = next(looking)
        except StopIteration as end:
            right = end.value
            break
        except BaseException as error:  # noqa: BLE001 - of the task's own code
            detail, mend = raised(look, error), "mend it"
            yield Finding(task.name, look, False, detail, mend)
            return
        wrong = True
        yield Finding(task.name, look, False, detail, mend)
    if not wrong:
        yield Finding(task.name, look, True, right)


def _sampled(
    task: Task, step: Announce
) -> Generator[Finding, None, dict[tuple[Split, Half], tuple[Instance, ...]] | None]:
    """The instances of each half; None, and a finding, where they cannot be had."""
    found: dict[tuple[Split, Half], tuple[Instance, ...]] = {}
    for split, half in _HALVES:
        allowed_s = patience_s(task, split, step)
        step(f"drawing instances of {task.name} for {split}", allowed_s)
        try:
            given = task.sample(ROOT, split, 0, half)
        except BaseException as error:  # noqa: BLE001 - of the task's own code
            yield Finding(task.name, "draw", False, raised("draw", error), "mend it")
            return None
        others = [one for one in cast("Sequence[object]", given) if not isinstance(one, Instance)]
        if others or not given:
            detail = f"draw gave {short(others[0]) if others else 'no instance'}"
            yield Finding(task.name, "draw", False, detail, "return Instance(args=(…,), truth=…)")
            return None
        found[split, half] = tuple(given)
    return found


def _description(task: Task, some: Sequence[Instance], outcomes: Sequence[Outcome]) -> Look:
    text = task.description
    if text != task.description:
        yield "it is another text each time", "make it of constants: it is part of every question to a model"
    if len(text.split()) < 5:
        yield "it says next to nothing", "say what is given, what is to be returned, and how it is graded"
    if task.entry not in text:
        yield f"it does not name `{task.entry}`, which is called", f"write `{task.entry}(…)` and what it is given"
    yield from claims(task, text, some, [one.answer for one in outcomes if one.kind == "answer"])
    return f"it names `{task.entry}`, and what it says of arguments, sizes and limits holds"


def _draw(task: Task, some: Sequence[Instance]) -> Look:
    files = {*files_of(task)}
    with watched(files) as used:
        again = task.sample(ROOT, "train", 0, "practice")
    if [*map(mark, again)] != [*map(mark, some)]:
        yield "the same seed gives other instances", "let the generator or the seed that it is given decide all"
    if used:
        yield f"it uses {', '.join(used)}", "use the generator that it is given: a run must draw the same again"
    if not isinstance(task, ScorerTask):
        one, other = (task.draw(rng_from(ROOT, "alike")) for _ in range(2))
        if not used and [*map(mark, again)] == [*map(mark, some)] and mark(one) != mark(other):
            yield "the same `rng` gives another instance each time", "keep no state between draws"
        if some and len(some) != task.instances["train"]:
            yield f"sample gave {len(some)} of {task.instances['train']} instances", "give as many as `instances` says"
    return f"the same seed gives the same {len(some)} instance{'s' * (len(some) != 1)}, by `rng` alone"


def _data(some: Sequence[Instance]) -> Look:
    sizes: list[int] = []
    for instance in some:
        if not isinstance(cast("object", instance.args), tuple):
            yield f"args is a {type(instance.args).__name__}", "make it a tuple: args=(x,)"
            return ""
        try:
            sizes.append(len(canonical(as_json([*instance.args]))))
        except (TypeError, ValueError, RecursionError) as error:
            what = next((short(one) for one in leaves(instance.args) if not is_plain(one)), str(error))
            yield (
                f"an argument holds {what}, which is no plain data",
                "give numbers (finite ones), texts, lists, tuples and dicts; of an array its .tolist()",
            )
            return ""
    largest = max(sizes) / 1024
    if largest > _MOST_KB:
        yield (
            f"an instance has {largest / 1024:,.0f} MiB of arguments, all of which go into the sandbox at every scoring",
            f"make it smaller than {_MOST_KB >> 10} MiB",
        )
    return f"arguments are plain data, {largest:,.1f} KiB at most"


def _splits(task: Task, samples: dict[tuple[Split, Half], tuple[Instance, ...]]) -> Look:
    marks = {half: [*map(mark, some)] for half, some in samples.items()}
    practice = {*marks["train", "practice"], *marks["train", "judged"]}
    every = {one for some in marks.values() for one in some}
    if len(every) == 1 and all(len(some) == 1 for some in marks.values()) and not isinstance(task, ScorerTask):
        return "one instance, the same everywhere: a record to be beaten, nothing is held out"
    others: tuple[Split, ...] = ("test",) if isinstance(task, ScorerTask) else ("validation", "test")
    for split in others:
        some = marks[split, "judged"]
        shared = sum(one in practice for one in some)
        if shared > _ALIKE * len(some):
            yield (
                f"{shared} of {len(some)} instances of {split} are among those to practise on",
                "draw from more, or by split: what is held out must not have been seen",
            )
    twice = sum(one in {*marks["train", "practice"]} for one in marks["train", "judged"])
    if twice > _ALIKE * len(marks["train", "judged"]) and not isinstance(task, ScorerTask):
        yield f"{twice} judged instances of train are among those to practise on", "draw from more"
    other = [*map(mark, task.sample(f"{ROOT}, another seed", "train", 0, "practice"))]
    if sum(one in practice for one in other) > _ALIKE * len(other):
        yield "another seed gives the same instances", "let the seed decide: several runs would be one"
    return "practice, validation, test and other seeds have instances of their own"
