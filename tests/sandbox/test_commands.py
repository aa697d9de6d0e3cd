"""The jail of a command: what holds for all of its processes together."""

import pytest

from selftaught.sandbox.command import MOST_PROCESSES, Command, run
from selftaught.sandbox.descent import using

LIMITS = {
    "a fork bomb ends": (
        "exec python3 -c 'import os\nwhile 1:\n  try: os.fork()\n  except OSError: pass'",
        {},
        "CPU time",
    ),
    "many use CPU time": (
        "for i in 1 2 3; do sh -c 'while :; do :; done' & done; wait",
        {},
        "used more than 0.5 s of CPU time",
    ),
    "many use memory": (
        "for i in 1 2 3; do python3 -c 'x=bytearray(80<<20); import time; time.sleep(30)' & done; wait",
        {"memory_mb": 160, "cpu_s": 9.0},
        "used more than 160 MiB of memory",
    ),
    "one sleeps": ("sleep 30", {"wall_s": 0.3}, "took longer than 0.3 s by the clock"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_a_command_may_use_holds_for_all_its_processes(name):
    text, limits, said = LIMITS[name]
    ran = run(Command(("sh", "{}"), "p.sh", **{"cpu_s": 0.5, "wall_s": 60.0, **limits}), {"p.sh": text})
    assert ran.status is None
    assert said in ran.reason


def test_there_are_no_more_processes_at_once_than_a_command_may_have():
    text = f"for i in $(seq {MOST_PROCESSES + 50}); do sleep 3 & done; echo all"
    ran = run(Command(("sh", "{}"), "p.sh"), {"p.sh": text})
    assert "all" not in ran.output
    assert "fork" in ran.errors.lower()


def test_files_and_outputs_are_bounded():
    text = "for i in 1 2 3 4 5; do head -c 9000000 /dev/zero > /tmp/$i || echo full; done; rm /tmp/*; yes"
    ran = run(Command(("sh", "{}"), "p.sh", memory_mb=30), {"p.sh": text})
    assert ran.status == 1
    assert len(ran.output) <= 1 << 16
    ran = run(Command(("sh", "{}"), "p.sh", memory_mb=30), {"p.sh": text.replace("yes", "true")})
    assert ran.output.split() == ["full", "full"]


def test_what_is_given_is_read_from_standard_input():
    ran = run(Command(("sh", "{}"), "p.sh"), {"p.sh": "tr a-z A-Z; id -u; cat /proc/self/environ"}, b"abc\n")
    assert ran.output.splitlines()[0] == "ABC"


def test_what_a_tree_of_processes_uses_is_the_sum(tmp_path):
    import os
    import subprocess

    with subprocess.Popen(
        ["sh", "-c", "sh -c 'read x' & sh -c 'read x'; wait"], stdin=subprocess.PIPE, cwd=tmp_path
    ) as child:
        alone = using(child.pid)
        assert alone.cpu_s >= 0
        assert using(os.getpid()).memory_mb > alone.memory_mb
