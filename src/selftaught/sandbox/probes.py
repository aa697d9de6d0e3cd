"""Proof of a level: an attacker of our own is run inside, and the level is refused when anything it tries succeeds."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

from selftaught.errors import SandboxRefused
from selftaught.sandbox import Job, Limits, Outcome, Profile
from selftaught.sandbox.advice import SEE
from selftaught.sandbox.jail import ENVIRONMENT, PACKAGE

_PROBE = """
import json, os, socket

def read(bait):
    with open(bait["canary"]) as file:
        return file.read() == bait["secret"]

def package(bait):
    with open(bait["package"]) as file:
        return bool(file.read())

def connect(bait):
    socket.create_connection(("127.0.0.1", bait["port"]), timeout=1).close()
    return True

def abstract(bait):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(bait["abstract"])
    return True

def fork(bait):
    if os.fork() == 0:
        os._exit(0)
    return True

def execute(bait):
    return os.posix_spawn("/bin/true", ["true"], {}) > 0

def signal(bait):
    for pid in {1, os.getppid(), bait["host"], bait["server"]} - {0, os.getpid()}:
        try:
            os.kill(pid, 0)
            return True
        except OSError:
            pass
    return False

def write(bait):
    for folder in bait["folders"]:
        try:
            os.close(os.open(folder + "/selftaught-probe", os.O_CREAT | os.O_WRONLY))
            return True
        except OSError:
            pass
    return False

def environment(bait):
    return bool(set(os.environ) - set(bait["environment"]))

def attack(bait):
    done = []
    for attempt in (read, package, write, connect, abstract, fork, execute, signal, environment):
        try:
            if attempt(bait):
                done.append(attempt.__name__)
        except OSError:
            pass
    return done

def improve_algorithm(initial_solution, utility, language_model):
    return attack(json.loads(initial_solution))
"""
_DEEDS = {
    "read": "read a file of the host",
    "package": "read this package, which makes the hidden instances",
    "write": "write a file",
    "connect": "connect to a listener of the host",
    "abstract": "connect to a local socket of the host",
    "fork": "fork",
    "execute": "start a program",
    "signal": "signal a process outside",
    "environment": "see the host's environment",
}
_OUTSIDE = frozenset({"read", "package", "write"})
"""What at level `external` the outer container must hold."""


_FOLDERS = ("/var/tmp", "/dev/shm", tempfile.gettempdir())


def _open_folder(level: str) -> Path:
    """A folder whose files every user can read and nothing but the walls hides: there a canary proves something."""
    for folder in (Path(name).resolve() for name in _FOLDERS):
        if not os.access(folder, os.W_OK) or not all(place.stat().st_mode & 1 for place in (folder, *folder.parents)):
            continue
        # /tmp is another one within the namespaces, whatever else they hide
        if level != "strict" or not folder.is_relative_to("/tmp"):
            return folder
    raise SandboxRefused("no folder for a canary: let /var/tmp be a folder that every user may read and write")


@contextlib.contextmanager
def _baits(level: str, server: int, files: bool) -> Generator[dict[str, object]]:
    """A secret file, a listener and a local socket on the host, and where they are."""
    secret, name = secrets.token_hex(16), f"\0selftaught-{secrets.token_hex(8)}"
    with (
        tempfile.TemporaryDirectory(dir=_open_folder(level)) as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as local,
    ):
        Path(folder).chmod(0o777)
        canary = Path(folder, "canary")
        canary.write_text(secret)
        canary.chmod(0o644)
        local.bind(name)
        local.listen()
        yield {
            "canary": str(canary),
            "secret": secret,
            "package": str(PACKAGE / "__init__.py"),
            "folders": [folder, "/var/tmp", "/", ".", "/dev", "/dev/shm", *([] if files else ["/tmp"])],
            "port": listener.getsockname()[1],
            "abstract": name,
            "host": os.getpid(),
            "server": server,
            # set by bubblewrap and by Python itself
            "environment": [*ENVIRONMENT, "PWD", "LC_CTYPE"],
        }


def prove(
    run: Callable[[Job], tuple[Outcome, ...]], profile: Profile, level: str, server: int, files: bool = False
) -> None:
    """Attack from inside jobs of this profile; SandboxRefused when an attempt succeeds that the level should hold.

    `files`: from jobs that have a folder of their own.
    """
    limits = Limits(cpu_s=5, files_mb=1 if files else 0)
    with _baits(level, server, files) as bait:
        if profile != "improver":
            entry, given = "attack", (bait,)
        else:
            entry = "improve_algorithm"
            given = (json.dumps(bait), {"str": "", "budget": 0}, {"budget": 0, "max_responses_per_call": 0})
        (outcome,) = run(Job(_PROBE, entry, (given,), (0,), limits, profile))  # type: ignore[arg-type]
    if outcome.kind != "answer" or not isinstance(outcome.answer, list):
        raise SandboxRefused(f"the probe of level {level} did not run: {outcome.error or outcome.kind}")
    deeds = [deed for deed in outcome.answer if level != "external" or deed not in _OUTSIDE]
    if deeds:
        could = ", ".join(_DEEDS[str(deed)] for deed in deeds)
        raise SandboxRefused(f"level {level} does not hold on this machine: a probe could {could}{SEE}")
