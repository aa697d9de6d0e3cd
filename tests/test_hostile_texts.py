"""Hostile texts, each kind as a prompt, an improver, a solution, an idea and the name of a task, through every command.

The host is never down: every command ends by itself, without a trace, with a documented exit code. It never computes in silence for
more than five seconds, and nothing it writes to a terminal is a control character.
"""

import contextlib
import errno
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from shared import hostile
from shared.command import answers, called

from selftaught.store import Store
from selftaught.tasks import LONGEST

SELFTAUGHT = str(Path(sys.executable).parent / "selftaught")
SILENT_S = 5.0
"""CPU seconds of the host between two signs of life: other load on the machine is none of it."""
PATIENCE_S = 240.0
"""Seconds by the clock for one command: a net, for waiting costs no CPU time."""
SAMPLE = [
    "clear the screen",
    "a return in a string",
    "lone high surrogate",
    "doubled names",
    "2 MiB of blanks after a fence",
]
COLOURS = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\??25[lh]|\x1b\[[0-9]*[AK]|\x1b\[2K")
"""What the display itself sends: colours, the cursor, lines that are written anew."""
COMMANDS = """
show 1 | show 1 --improver | lineage 1 | runs | events 1 | resume 1 | tasks names.py | improvers attack.py | stop 1 | prune
exec attack.py --entry improve_algorithm | exec talker.py --entry nothing | exec blob.py --entry f
compare attack.py talker.py --tasks formula:test/1 --repetitions 1 --calls 2 --responses 2 --scorings 4 --seed 5
show 2 | run --improver blob.py | compare blob.py | run --tasks blob.py | delete 2
tasks long.py | run --tasks long.py | merge blob.py | merge blank.db | models | models --try scripted:answers.json | doctor
models --try scripted:blob.py | experiment lpn --preset tiny --plan --model scripted:blob.py
experiment lpn --preset tiny --model scripted:answers.json --max-answers 20 --anyway --seed 3
export 3 --recording \x1b]0;H\x07\u202ey.xz | export 1 -o \x1b]0;H\x07\u202ey.py | export 2 -o \x1b]0;H\x07\u202ez.py | new task t/\x1b]0;H\x07
"""
MERGING = "merge ../prompts/.selftaught/store.db | show 2 | lineage 2 | events 2"
"""Of the runs after the first, whose store is full of its texts.
"""


class Watched(NamedTuple):
    """What a command came to on a terminal."""

    code: int
    output: str
    silent_s: float
    """The longest that its own process computed between two pieces of output."""


def cpu_s(pid):
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def watch(folder, *args, stop=None, **env):
    """Run the command on a terminal; `stop` is asked now and then whether to interrupt it."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [SELFTAUGHT, *args], cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        env={**os.environ, "COLUMNS": "120", "TERM": "xterm", **env}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    data, seen, silent, began = bytearray(), 0.0, 0.0, time.monotonic()
    try:
        while True:
            now = cpu_s(child.pid)
            silent = max(silent, now - seen)
            assert time.monotonic() - began < PATIENCE_S, f"{args} does not end: {bytes(data[-500:])!r}"
            if stop and stop(folder):
                child.send_signal(signal.SIGINT)
                stop = None
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    data += (piece := os.read(ours, 1 << 16))
                except OSError as error:
                    assert error.errno == errno.EIO
                    break
                if not piece:
                    break
                seen = now
    finally:
        if child.poll() is None and time.monotonic() - began >= PATIENCE_S:
            child.kill()
        os.close(ours)
    return Watched(child.wait(30), data.decode("utf-8", "surrogateescape"), silent)


def blemishes(output):
    """What of an output commands a terminal, hides or turns; the display's own sequences are taken out."""
    text = COLOURS.sub("", output).replace("\r\n", "\n").replace("\r", "")
    return sorted(
        {
            one
            for one in text
            if re.match("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]", one)
        }
    )


def wrong(args, found):
    """What is wrong with how a command behaved, in words."""
    said = [f"characters {bad!r}" for bad in [blemishes(found.output)] if bad]
    said += ["a trace"] if "Traceback" in found.output else []
    said += [f"exit code {found.code}"] if found.code not in (0, 1, 2, 4) else []
    said += [f"silent for {found.silent_s:.1f} s"] if found.silent_s > SILENT_S else []
    return [f"{' '.join(args)}: {', '.join(said)}; it ended: {found.output[-300:]!r}"] if said else []


ALLOWED = (
    *("--rounds", "1", "--repetitions", "1", "--validation", "1", "--test", "1", "--controls", "basic", "--seed", "3"),
    *("--calls", "8", "--responses", "4", "--scorings", "20", "--cpu-s", "10"),
    *(
        "--outer-calls",
        "400",
        "--outer-responses",
        "1000",
        "--outer-scorings",
        "400",
        "--outer-cpu-s",
        "60",
        "--anyway",
    ),
)
ONE = ("--tasks", "formula:train/1", "--test-tasks", "formula:test/1")


def through_every_command(folder, kinds):
    """All that goes wrong with these kinds of texts in their five roles."""
    (folder / "attack.py").write_text(hostile.improver(kinds))
    (folder / "talker.py").write_text(hostile.talker(5 * len(kinds)))
    (folder / "lazy.py").write_text("def improve_algorithm(s, u, l):\n    u(s)\n    return s\n")
    (folder / "answers.json").write_text(json.dumps(hostile.ideas(kinds)))
    named = [kind for kind in kinds if hostile.text(kind).strip()]
    (folder / "names.py").write_text(hostile.task_file([one for one in named if len(hostile.text(one)) <= LONGEST]))
    (folder / "long.py").write_text(hostile.task_file([one for one in named if len(hostile.text(one)) > LONGEST]))
    (folder / "blank.db").touch()
    (folder / "blob.py").write_bytes(
        b"\xff\xfe\x00" + b"".join(hostile.text(kind).encode("utf-8", "surrogatepass") for kind in kinds)
    )
    runs = {
        "prompts, improvers, solutions": ("run", "--improver", "attack.py", *ONE, *ALLOWED),
        "ideas": ("run", "--improver", "talker.py", "--model", "scripted:answers.json", *ONE, *ALLOWED),
        "names": ("run", "--improver", "lazy.py", "--tasks", "names.py", *ALLOWED),
    }
    found = []
    for name, command in runs.items():
        inside = folder / name.partition(",")[0]
        inside.mkdir()
        for file in folder.glob("*.*"):
            (inside / file.name).symlink_to(file)
        found += wrong(command, watch(inside, *command))
        if name == "prompts, improvers, solutions":
            commands = [one.split() for line in COMMANDS.strip().splitlines() for one in line.split("|")]
        else:
            commands = [["show", "1"], ["show", "1", "--json"], ["lineage", "1"], ["runs"], ["events", "1"]]
            commands += [one.split() for one in MERGING.split("|")]
        for args in commands:
            found += wrong(args, watch(inside, *args))
    return found


@pytest.mark.slow
def test_a_sample_goes_through_every_command(tmp_path):
    assert through_every_command(tmp_path, SAMPLE) == []


@pytest.mark.exhaustive
def test_all_of_them_go_through_every_command(tmp_path):
    assert len(hostile.KINDS) * len(hostile.ROLES) >= 400
    assert through_every_command(tmp_path, list(hostile.KINDS)) == []


def test_an_interrupt_and_a_limit_are_obeyed_amid_hostile_texts(tmp_path):
    kinds = ["2 MiB of blanks after a fence", "doubled names", "deep minus"]
    (tmp_path / "attack.py").write_text(hostile.improver(kinds))
    command = ("run", "--improver", "attack.py", *ONE, *ALLOWED)
    asked = []

    def bought(folder):
        asked.append(time.monotonic())
        return answers(folder / ".selftaught" / "store.db") >= 2

    stopped = watch(tmp_path, *command, stop=bought)
    assert stopped.code == 130 and "selftaught resume 1" in stopped.output, stopped.output[-500:]
    limited = watch(tmp_path, "resume", "1", "--max-minutes", "0.001")
    assert limited.code == 4 and "the limit of" in limited.output, limited.output[-500:]
    assert wrong(command, stopped._replace(code=0)) == wrong(["resume"], limited) == []


def test_what_is_shown_where_the_encoding_is_not_utf_8(tmp_path):
    (tmp_path / "names.py").write_text(hostile.task_file(["wide characters", "override", "clear the screen"]))
    for encoding in ("ascii", "latin-1", "utf-16"):
        found = watch(tmp_path, "tasks", "names.py", PYTHONIOENCODING=encoding)
        assert found.code == 0 and "Traceback" not in found.output, found.output[-500:]
        assert encoding == "utf-16" or blemishes(found.output) == []


WORDS = ["run --tasks", "runs --store", "tasks", "experiment", "merge", "models --try", "improvers"]


BY_NAME = ["clear the screen", "byte order marks", "a huge integer", "a path"]


@pytest.mark.parametrize(
    "kind",
    [*BY_NAME, *(pytest.param(one, marks=pytest.mark.exhaustive) for one in hostile.SHORT if one not in BY_NAME)],
)
def test_it_is_a_wrong_name_in_one_line(tmp_path, kind):
    """Of a task, a file of tasks and a class in it, an experiment, a store, a model."""
    deep = tmp_path / "so" / "that" / "no" / "path" / "leads" / "anywhere"
    deep.mkdir(parents=True)
    Store(deep / "s.db").close()
    text = hostile.text(kind).replace("\0", "")[:100_000]
    for case in [(*one.split(), text) for one in WORDS] + [("tasks", f"{text}.py"), ("tasks", f"names.py:{text}")]:
        done = called(
            *case, *([] if case[0] in {"tasks", "models", "improvers", "runs"} else ["--store", "s.db"]), cwd=deep
        )
        assert done.returncode in (1, 2) and len(done.stderr.splitlines()) == 1, (case, done.stderr[-500:])
        assert len(done.stderr) < 1500 and blemishes(done.stderr) == []


def test_a_blemish_would_be_found():
    assert blemishes("\x1b[31mred\x1b[0m\r\n") == []
    assert blemishes("a\x1b[2Jb") == ["\x1b"] and blemishes("\x9b31m") == ["\x9b"] and blemishes("\u202e") == ["\u202e"]
