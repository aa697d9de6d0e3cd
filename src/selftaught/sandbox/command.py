"""A command of the user's that scores a program's file: run in a fresh jail, with other programs to be called and no network.

The isolation is weaker than that of a job: scorer and program are in one jail, no system call is filtered, and whatever the
program prints or does there can pass for the scorer's. What is mounted cannot be changed, and nothing else is seen.
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from time import monotonic
from typing import IO

from selftaught.sandbox import Look, packages
from selftaught.sandbox.descent import Using, using
from selftaught.sandbox.jail import ENVIRONMENT, GUEST, NOBODY, Bind, bubblewrap, interpreter, masks, numpy_folders

WORK = Path("/scored")
"""The folder in the jail where the program and the mounted files lie, and where the command runs."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache")
_KEPT = 64 * 1024
"""Bytes of its output that are read: the last ones."""
_MOST_OUTPUT_KB = 16 * 1024
MOST_PROCESSES = 256
"""Processes and threads of a command at once."""
_LOOK_MS = 50
"""How often it is looked what a command uses."""


@dataclass(frozen=True)
class Command:
    """What is run, with what, and how far it may go."""

    words: tuple[str, ...]
    """`{}` in a word stands for the program's file."""
    file: str
    """What the program's file is called, or its folder."""
    mounts: tuple[Path, ...] = ()
    """Files and folders that it sees, read only, by their names beside the program."""
    inside: tuple[Path, ...] = ()
    """Files and folders that it sees, read only, by their names within the program's folder."""
    packages: tuple[str, ...] = ()
    """Of this environment, that Python programs may import besides numpy."""
    cpu_s: float = 60.0
    """CPU seconds of all its processes together."""
    wall_s: float = 600.0
    memory_mb: int = 4096
    """MiB of memory of all its processes together, and of the address space of each; as much may lie in files below /tmp, and
    as much in memory that processes share."""


@dataclass(frozen=True)
class Ran:
    """What became of a command."""

    status: int | None
    """Its exit status; None where it was ended."""
    output: str
    errors: str
    cpu_s: float
    ended: str = ""
    """Why it was ended."""

    @property
    def reason(self) -> str | None:
        """Why it came to nothing; None where it ended well."""
        if self.status is None:
            return f"the command was ended: it {self.ended}"
        return f"the command ended with exit status {self.status}" if self.status else None


def run(
    command: Command, texts: Mapping[str, str], given: bytes = b"", kept: int = _KEPT, look: Look = lambda: None
) -> Ran:
    """Run the command on the texts of a program's files, by their paths, once, in a jail of its own.

    `given` is what it reads from standard input, `kept` how many bytes of each of its outputs are read: the last ones.
    While it is at work `look` is called now and then; what that raises ends the command, and is raised.
    Raises SandboxRefused where there is no bubblewrap.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as read,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as errors,
    ):
        files = [Bind(Path(folder, str(i)), WORK / name) for i, name in enumerate(texts)]
        for bind, text in zip(files, texts.values(), strict=True):
            bind.source.write_bytes(text.encode("utf-8", "surrogatepass"))
        read.write(given)
        read.seek(0)
        process = subprocess.Popen(
            _started(command, files),
            stdin=read,
            stdout=out,
            stderr=errors,
            env={**ENVIRONMENT, "PYTHONPATH": "/site", "HOME": "/tmp", "PATH": _path()},
            cwd="/",
            start_new_session=True,
        )
        ended, used, status = "", Using(0.0, 0.0), None
        try:
            ended, used = _watched(process.pid, command, look)
        finally:
            if ended or sys.exc_info()[0]:
                process.kill()  # the jail dies with it
            _, status, spent = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        cpu_s = max(used.cpu_s, spent.ru_utime + spent.ru_stime)
        return Ran(None if ended else process.returncode, _end(out, kept), _end(errors, kept), cpu_s, ended)


def _watched(pid: int, command: Command, look: Look) -> tuple[str, Using]:
    """Wait until the command has ended, or has gone beyond what it may use: why it is to be ended, and what it had used."""
    pidfd, until, used = os.pidfd_open(pid), monotonic() + command.wall_s, Using(0.0, 0.0)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        while not poll.poll(_LOOK_MS):
            look()
            now = using(pid)
            used = Using(max(used.cpu_s, now.cpu_s), now.memory_mb)
            if used.cpu_s > command.cpu_s:
                return f"used more than {command.cpu_s:g} s of CPU time", used
            if used.memory_mb > command.memory_mb:
                return f"used more than {command.memory_mb} MiB of memory", used
            if monotonic() > until:
                return f"took longer than {command.wall_s:g} s by the clock", used
    finally:
        os.close(pidfd)
    return "", used


def _started(command: Command, files: Sequence[Bind]) -> list[str]:
    """The whole command line: perhaps giving up root first, then the jail, then limits, then the command."""
    listed = [*_binds(command), *files]
    root = os.geteuid() == 0
    sources = [f"/tmp/{i}" if root else str(bind.source) for i, bind in enumerate(listed)]
    place = str(WORK / command.file)
    words = [word.replace("{}", place) for word in command.words]
    limits = f"ulimit -t {ceil(command.cpu_s) + 1} -v {command.memory_mb * 1024} -f {2 * _MOST_OUTPUT_KB} -c 0"
    limited = ["/bin/sh", "-c", _each(limits) + _few_processes() + 'exec "$@"', "sh", *words]
    jail = [*_walls(listed, sources, command.memory_mb), *limited]
    if not root:
        return jail
    request = {"uid": NOBODY, "binds": [str(bind.source) for bind in listed], "command": jail}
    return [str(interpreter()), "-S", "-s", "-B", str(GUEST / "launch.py"), json.dumps(request)]


def _each(limits: str) -> str:
    """One call of ulimit for each limit: not every shell takes several."""
    _, *words = limits.split()
    return "".join(f"ulimit {name} {value} && " for name, value in zip(words[::2], words[1::2], strict=True))


def _few_processes() -> str:
    """Shells call this limit -u or -p. Before Linux 5.14 it counts what the same user runs outside of the jail as well."""
    release = tuple(int(one) for one in re.findall(r"\d+", os.uname().release)[:2])
    return (
        f"{{ ulimit -u {MOST_PROCESSES} 2>/dev/null || ulimit -p {MOST_PROCESSES}; }} && " if release >= (5, 14) else ""
    )


def _walls(listed: Sequence[Bind], sources: Sequence[str], files_mb: int) -> list[str]:
    path, version = bubblewrap()
    words = [path, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--hostname", "guest"]
    sized = ["--size", str(files_mb << 20)] if version >= (0, 8) else []
    words += ["--disable-userns"] if version >= (0, 8) else []
    words += ["--uid", "1000", "--gid", "1000", *sized, "--tmpfs", "/tmp", "--dir", "/dev", "--dir", str(WORK)]
    words += [*sized, "--tmpfs", "/dev/shm"]  # where pools and queues of processes have their locks
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
    found += [Bind(one, WORK / one.name) for one in command.mounts]
    return found + [Bind(one, WORK / command.file / one.name) for one in command.inside]


def _path() -> str:
    """Where commands are looked for: the interpreter of this environment first, then the system's."""
    return os.pathsep.join(dict.fromkeys([str(interpreter().parent), "/usr/local/bin", "/usr/bin", "/bin"]))


def _end(file: IO[bytes], kept: int) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - kept))
    return file.read().decode("utf-8", "replace")
