"""The same model and the same programs beside OpenEvolve and GEPA: what each reaches, in what time, and what it takes itself.

The model is the built-in one behind `selftaught serve`, for all at the same temperature. The programs are two of `examples/`,
whose scorers make the same instances for all of a seed: those to practise on, and held-out ones, three times as many, on which
the best program of each is scored in the end. All get the same start, the same words of what is wanted (the scorer's
docstring), and as many answers; each has its own defaults for the rest. The peers run programs in forks of their own process
with a limit of time, we in the sandbox.

A system's own time is measured with a model and an evaluator that take none: from the first answer to the last score, by the
number of answers, and over the last third of them; and in CPU time, which another load of the machine changes less, as what
more candidates take. `selftaught` runs programs in the sandbox there, and is charged for it; `selftaught text` has an
evaluator in Python, as the peers do.

The peers are installed into an environment of their own, `PEERS_ENV`, or `.cache/peers` where that is not set. Each row is kept
in `benchmarks/kept` as soon as it is there; a second call goes on. PEERS_SEEDS says of how many seeds, where not of
all ten. A quick call leaves out peers that are not installed.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, cast

from benchmarks.peers import judging
from selftaught.evidence.statistics import interval, paired
from selftaught.improvers import BEST
from selftaught.lab import CONTRACT

HERE, ROOT = Path(__file__).parent, Path(__file__).parent.parent.parent
TASKS = {"bins": ("pack.py", "pack"), "tour": ("tour.py", "tour")}
"""Of examples/: the program and its function. Less is better in both."""
OURS = {"selftaught": BEST}
"""Ours by improver: the default, of whose words the built-in model heeds none."""
SYSTEMS = (*OURS, "openevolve", "gepa")
ANSWERS, SEEDS = (100, 300), int(os.environ.get("PEERS_SEEDS", "10"))
HELD_OUT = 3
"""Times as many instances as there are to practise on."""
TURNS = 3
"""How often a peer's own time is measured."""
REQUIREMENTS = HERE / "requirements.txt"
KEPT = HERE.parent / "kept"


def run(quick: bool) -> dict[str, Any]:
    """The versions, the mean figures of each task, system and number of answers, and the systems' own time."""
    there = environment(make=not quick)
    theirs_too = there.is_file()
    systems = [one for one in SYSTEMS if theirs_too or one in OURS]
    rows = Rows(quick)
    tasks, seeds = (["bins"], range(2)) if quick else ([*TASKS], range(SEEDS))
    answers = (10,) if quick else ANSWERS
    instants = [SYSTEMS[0], "selftaught text", *systems[len(OURS) :]]
    for turn in range(1 if quick else TURNS):
        for count, system in product(answers, instants):
            rows.once(partial(instant, there, system, count), system=system, answers=count, instant=turn)
    for count, seed, task, system in product(answers, seeds, tasks, systems):
        make = partial(reached, there, system, count, seed, task)
        rows.once(make, system=system, answers=count, seed=seed, task=task)
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": {row["system"]: row["version"] for row in rows.all if row.get("version")},
        "reached": [summary(rows.all, task, count, one) for task in tasks for count in answers for one in systems],
        "own time": [own_time(rows.all, count, one) for count in answers for one in instants],
        "cpu ms per candidate": {one: cpu_ms(rows.all, answers, one) for one in instants},
    }


class Rows:
    """Rows that are kept, by what they are about."""

    def __init__(self, throwaway: bool) -> None:
        sources = [one.read_bytes() for one in (*sorted(HERE.glob("*.py"))[1:], REQUIREMENTS)]
        key = sha256(repr([CONTRACT, HELD_OUT, OURS, TASKS, sources]).encode()).hexdigest()[:12]
        self._path = None if throwaway else KEPT / f"peers-{key}.jsonl"
        there = self._path is not None and self._path.exists()
        self.all: list[dict[str, Any]] = (
            [json.loads(line) for line in self._path.read_text("utf-8").splitlines()] if self._path and there else []
        )

    def once(self, make: Callable[[], dict[str, Any]], **about: Any) -> None:
        """A row about something: kept, or made and kept."""
        if any(about.items() <= row.items() for row in self.all):
            return
        row = {**about, **make()}
        print({name: value for name, value in row.items() if name != "program"}, file=sys.stderr, flush=True)
        self.all.append(row)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def environment(make: bool) -> Path:
    """The Python of the peers' own environment, which is made where it is not there, or not unless it is to be."""
    place = Path(os.environ.get("PEERS_ENV") or ROOT / ".cache" / "peers").resolve()
    there, mark = place / "bin" / "python", place / "installed"
    wanted = REQUIREMENTS.read_text("utf-8")
    if make and (not mark.is_file() or mark.read_text("utf-8") != wanted):
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        pip = [str(there), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
        subprocess.run(pip, check=True, stdout=sys.stderr)
        mark.write_text(wanted, "utf-8")
    return there


# --- what is reached -------------------------------------------------------------------------------------------------


def reached(there: Path, system: str, answers: int, seed: int, task: str) -> dict[str, Any]:
    """One run of one system on one task: the scores of its best program, its time and its memory."""
    file, entry = TASKS[task]
    example = ROOT / "examples" / task
    start = (example / file).read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder, served(seed, folder) as url:
        place = Path(folder)
        (place / file).write_text(start, "utf-8")
        scorer = place / "score.py"
        scorer.write_text(judging.seeded(example / "score.py", seed, HELD_OUT), "utf-8")
        (begins, _), (before, _) = (judging.score(str(scorer), start, entry, one) for one in ("train", "test"))
        assert begins and before
        asked = {
            "system": system,
            "folder": folder,
            "url": url,
            "answers": answers,
            "seed": seed,
            "scorer": str(scorer),
            "entry": entry,
            "start": start,
            "start_score": begins,
            "about": (judging.scorer(str(scorer)).__doc__ or "").strip(),
            "instant": False,
        }
        used, found = ours(place, file, asked) if system in OURS else theirs(there, asked)
        values = [judging.score(str(scorer), found["program"], entry, one)[0] for one in ("train", "test")]
        if None in values:
            raise RuntimeError(f"the best program of {system} on {task}, seed {seed}, has no score here")
        gains = [
            100 * (was - now) / was for was, now in zip((begins, before), cast("list[float]", values), strict=True)
        ]
    return {**used, "practice": gains[0], "held_out": gains[1], "version": found.get("version")}


def ours(folder: Path, file: str, asked: Mapping[str, Any]) -> tuple[dict[str, float], Mapping[str, Any]]:
    """`selftaught improve`, in calls of ten answers, with scorings for all."""
    command = [sys.executable, "-m", "selftaught", "improve", file, "--score", "score.py", "--minimize", "--json"]
    command += ["--model", "vllm:offline", "--base-url", asked["url"], "--seed", str(asked["seed"])]
    command += ["--calls", str(asked["answers"] // 10), "--responses", "10", "--scorings", str(asked["answers"] + 1)]
    command += ["--program-cpu-s", str(judging.CPU_S / 2)]  # on each instance
    command += ["--improver", OURS[asked["system"]], "--store", str(folder / "s.db"), "-o", str(folder / "better.py")]
    used, out = measured(command, folder)
    document = json.loads(out)
    assert document["usage"]["responses"] == asked["answers"]
    return used, document


def theirs(there: Path, asked: Mapping[str, Any]) -> tuple[dict[str, float], Mapping[str, Any]]:
    """A peer, by the script that runs in its environment."""
    used, out = measured([str(there), str(HERE / "peer.py"), json.dumps(asked)], Path(asked["folder"]))
    return used, json.loads(out)


@contextmanager
def served(seed: int, folder: str) -> Generator[str]:
    """The built-in model at an address."""
    command = [sys.executable, "-m", "selftaught", "serve", "offline", "--port", "0", "--seed", str(seed)]
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout
    try:
        yield child.stdout.readline().split(" is served at ")[1].split()[0]
    finally:
        child.terminate()
        child.wait()


def measured(command: list[str], folder: Path) -> tuple[dict[str, float], str]:
    """Seconds by the clock and of CPU, the most memory of all its processes together, in MiB, and what it printed."""
    begun = time.monotonic()
    with (folder / "said").open("wb") as said:
        child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=said)
    peak, ended = [0.0], threading.Event()
    watching = threading.Thread(target=_watch, args=(child.pid, peak, ended))
    watching.start()
    assert child.stdout
    out = child.stdout.read().decode()
    _, status, used = os.wait4(child.pid, 0)
    ended.set()
    watching.join()
    if status:
        raise RuntimeError(f"{command[:4]} ended with {status}: {(folder / 'said').read_text('utf-8')[-2000:]}")
    figures = {"wall_s": time.monotonic() - begun, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": peak[0]}
    return {name: round(one, 2) for name, one in figures.items()}, out


def _watch(pid: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(0.1):
        peak[0] = max(peak[0], sum(map(_held_mb, _family(pid))))


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = {}
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            parent = int((one / "stat").read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(one.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def _held_mb(pid: int) -> float:
    """Memory of a process, what it shares divided by who shares it."""
    with suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("\nPss:")[1].split()[0]) / 1024
    return 0.0


def summary(rows: list[dict[str, Any]], task: str, answers: int, system: str) -> dict[str, Any]:
    """Means over the seeds: how much less the best program's score is than the start's, in percent."""

    def of(who: str) -> dict[int, dict[str, Any]]:
        fitting = {"task": task, "answers": answers, "system": who}.items()
        return {row["seed"]: row for row in rows if fitting <= row.items()}

    found, first = of(system), of(SYSTEMS[0])
    gains = {"seeds": [found[seed]["held_out"] for seed in sorted(found)]}
    beside = {"seeds": [first[seed]["held_out"] for seed in sorted(found)]}
    return {
        "task": task,
        "answers": answers,
        "system": system,
        "held_out": interval(gains).plain(),
        "ours_above": paired(beside, gains).plain() if system != SYSTEMS[0] else None,
        "practice": round(sum(row["practice"] for row in found.values()) / len(found), 3),
        **{name: median(row[name] for row in found.values()) for name in ("wall_s", "cpu_s", "peak_mb")},
    }


# --- what a system takes itself --------------------------------------------------------------------------------------


def instant(there: Path, system: str, answers: int) -> dict[str, Any]:
    """One run with a model and an evaluator that take no time: milliseconds per candidate."""
    start = (ROOT / "examples" / "bins" / "pack.py").read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        asked = {"system": system, "folder": folder, "answers": answers, "start": start, "instant": True}
        asked |= {"about": "as few bins as possible", "seed": 1, "url": "", "entry": "pack"}
        who = (
            [sys.executable, str(HERE / "instantly.py")]
            if system.startswith("selftaught")
            else [str(there), str(HERE / "peer.py")]
        )
        used, _ = measured([*who, json.dumps(asked)], Path(folder))
        marks = [line.split() for line in Path(folder, "marks").read_text("ascii").splitlines()]
    times = [int(at) / 1e6 for kind, at in marks if kind == "m"]
    assert len(times) == answers, (system, len(times))
    last = max(int(at) / 1e6 for _, at in marks)
    late = 2 * answers // 3
    return {
        "ms": round((last - times[0]) / answers, 3),
        "late_ms": round((last - times[late]) / (answers - late), 3),
        "cpu_s": used["cpu_s"],
        "peak_mb": used["peak_mb"],
    }


def own_time(rows: list[dict[str, Any]], answers: int, system: str) -> dict[str, Any]:
    """The median over the turns, and the least and the most."""
    found = [row for row in rows if "instant" in row and row["answers"] == answers and row["system"] == system]
    all_of = {name: sorted(row[name] for row in found) for name in ("ms", "late_ms", "cpu_s", "peak_mb")}
    told = {name: {"median": median(all_), "least": all_[0], "most": all_[-1]} for name, all_ in all_of.items()}
    return {"answers": answers, "system": system, **told}


def cpu_ms(rows: list[dict[str, Any]], answers: Sequence[int], system: str) -> float:
    """Milliseconds of CPU per candidate between the fewest and the most answers, without what starting takes."""
    few, most = (own_time(rows, count, system)["cpu_s"]["median"] for count in (answers[0], answers[-1]))
    return round(1000 * (most - few) / max(1, answers[-1] - answers[0]), 3)
