"""The command at a small task with a model at a server, in a process of its own or in this one."""

import subprocess
import sys

from shared.command import called

OPTIONS = "--rounds 1 --repetitions 1 --validation 1 --test 1 --calls 1 --responses 2 --scorings 4 --outer-calls 1"
TASKS = "--outer-responses 2 --outer-scorings 2 --tasks grid --test-tasks grid --model openai:m --yes --json"

SOME = "```\ndef improve_algorithm(s, u, m):\n    return s\n\ndef find_at_dist(t, d):\n    return t\n```"
"""An answer that holds a program, for the task and as an improver."""


def command(folder, *words):
    line = [sys.executable, "-m", "selftaught", *words, "--store", str(folder / "s.db")]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


class ended:
    """The same within this process, which is cheaper, at its end: where nothing is done to it meanwhile."""

    def __init__(self, folder, *words):
        self._done = called(*words, "--store", folder / "s.db", cwd=folder)
        self.returncode = self._done.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def communicate(self, timeout):
        del timeout
        return self._done.stdout, self._done.stderr
