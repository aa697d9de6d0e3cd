"""A command of the user's that scores a program's file: run in a fresh jail, with other programs to be called and no network.

The isolation is weaker than that of a job: scorer and program are in one jail, no system call is filtered, and whatever the
program prints or does there can pass for the scorer's. What is mounted cannot be changed, and nothing else is seen.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO

from selftaught.sandbox import packages
from selftaught.sandbox.jail import ENVIRONMENT, GUEST, NOBODY, Bind, bubblewrap, interpreter, masks, numpy_folders

WORK = Path("/scored")
"""The folder in the jail where the program and the mounted files lie, and where the command runs."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache")
_KEPT = 64 * 1024
"""Bytes of its output that are read: the last ones."""
_MOST_OUTPUT_KB = 16 * 1024


@dataclass(frozen=True)
class Command:
    """What is run, with what, and how far it may go."""

    words: tuple[str, ...]
    """`{}` in a word stands for the program's file."""
    file: str
    """What the program's file is called."""
    mounts: tuple[Path, ...] = ()
    """Files and folders that it sees, read only, by their names beside the program."""
    packages: tuple[str, ...] = ()
    """Of this environment, that Python programs may import besides numpy."""
    cpu_s: float = 60.0
    wall_s: float = 600.0
    memory_mb: int = 4096


@dataclass(frozen=True)
class Ran:
    """What became of a command."""

    status: int | None
    """Its exit status; None where it was ended for its time."""
    output: str
    errors: str
    cpu_s: float

    @property
    def reason(self) -> str | None:
        """Why it came to nothing; None where it ended well."""
        if self.status is None:
            return "the command took too long"
        return f"the command ended with exit status {self.status}" if self.status else None


def run(command: Command, text: str) -> Ran:
    """Run the command on a program, once, in a jail of its own. Raises SandboxRefused where there is no bubblewrap."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        program = Path(folder, command.file)
        program.write_text(text, encoding="utf-8", errors="surrogatepass")
        process = subprocess.Popen(
            _started(command, program),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            env={**ENVIRONMENT, "PYTHONPATH": "/site", "HOME": "/tmp", "PATH": _path()},
            cwd="/",
            start_new_session=True,
        )
        status, cpu_s = _waited(process, command.wall_s)
        return Ran(status, _end(out), _end(errors), cpu_s)


def _waited(process: subprocess.Popen[bytes], wall_s: float) -> tuple[int | None, float]:
    """The exit status, None where it was ended for the clock; and the CPU time of all that ran."""
    pidfd, until, late = os.pidfd_open(process.pid), monotonic() + wall_s, False
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        late = not poll.poll(max(0.0, until - monotonic()) * 1000)
    finally:
        os.close(pidfd)
        if process.returncode is None and (late or sys.exc_info()[0]):
            process.kill()  # the jail dies with it
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return None if late else process.returncode, used.ru_utime + used.ru_stime


def _started(command: Command, program: Path) -> list[str]:
    """The whole command line: perhaps giving up root first, then the jail, then limits, then the command."""
    listed = [*_binds(command), Bind(program, WORK / command.file)]
    root = os.geteuid() == 0
    sources = [f"/tmp/{i}" if root else str(bind.source) for i, bind in enumerate(listed)]
    place = str(WORK / command.file)
    words = [word.replace("{}", place) for word in command.words]
    limits = f"ulimit -t {max(1, round(command.cpu_s))} -v {command.memory_mb * 1024} -f {2 * _MOST_OUTPUT_KB} -c 0"
    limited = ["/bin/sh", "-c", _each(limits) + 'exec "$@"', "sh", *words]
    jail = [*_walls(listed, sources), *limited]
    if not root:
        return jail
    request = {"uid": NOBODY, "binds": [str(bind.source) for bind in listed], "command": jail}
    return [str(interpreter()), "-S", "-s", "-B", str(GUEST / "launch.py"), json.dumps(request)]


def _each(limits: str) -> str:
    """One call of ulimit for each limit: not every shell takes several."""
    _, *words = limits.split()
    return "".join(f"ulimit {name} {value} && " for name, value in zip(words[::2], words[1::2], strict=True))


def _walls(listed: Sequence[Bind], sources: Sequence[str]) -> list[str]:
    path, _ = bubblewrap()
    words = [path, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--hostname", "guest"]
    words += ["--uid", "1000", "--gid", "1000", "--tmpfs", "/tmp", "--dir", "/dev", "--dir", str(WORK)]
    for device in ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"):
        words += ["--dev-bind", device, device]
    for bind, source in zip(listed, sources, strict=True):
        words += ["--ro-bind", source, str(bind.target)]
    for name in _SYSTEM:
        if Path(name).is_symlink():
            words += ["--symlink", str(Path(name).readlink()), name]
    for mask in masks():
        words += ["--tmpfs", str(mask), "--remount-ro", str(mask)]
    return [*words, "--remount-ro", "/", "--chdir", str(WORK), "--"]


def _binds(command: Command) -> list[Bind]:
    system = [Path(name) for name in _SYSTEM if Path(name).exists() and not Path(name).is_symlink()]
    if not any(interpreter().is_relative_to(one) for one in system):
        system.append(Path(sys.base_prefix))
    found = [Bind(one, one) for one in system]
    found += [Bind(one, Path("/site", one.name)) for one in (*numpy_folders(), *packages.folders(command.packages))]
    return found + [Bind(one, WORK / one.name) for one in command.mounts]


def _path() -> str:
    """Where commands are looked for: the interpreter of this environment first, then the system's."""
    return os.pathsep.join(dict.fromkeys([str(interpreter().parent), "/usr/local/bin", "/usr/bin", "/bin"]))


def _end(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _KEPT))
    return file.read().decode("utf-8", "replace")
