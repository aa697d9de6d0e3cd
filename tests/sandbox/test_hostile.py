"""Hostile programs are contained; the next job on the same fork server is right; nothing is left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import selftaught
from selftaught.sandbox import Job, Limits, Outcome
from selftaught.sandbox.jail import Equipment, interpreter
from selftaught.sandbox.levels import open_sandbox
from selftaught.sandbox.pool import Pool

from .attacks import ATTACKS, Attack

KEY = "sk-selftaught-planted-key"
SOURCE = str(Path(__file__).parents[2] / "src")
SHORT = Limits(cpu_s=0.3, wall_s=1.0, memory_mb=512)
AMPLE = Limits(cpu_s=10, wall_s=60, memory_mb=512)


@dataclass(frozen=True)
class Prison:
    """A sandbox with one slot, what lies around it, and who heard from within."""

    pool: Pool
    bait: dict[str, object]
    listener: socket.socket
    local: socket.socket

    def run(self, program: str, limits: Limits = AMPLE) -> Outcome:
        return self.pool.run(Job(program, "f", ((self.bait,),), (1,), limits))[0]  # type: ignore[arg-type]

    def servers(self) -> list[int]:
        return [self.pool.server("function").process.pid, self.numpy_pid()]

    def numpy_pid(self) -> int:
        (slot,) = self.pool._all
        return slot.servers[Equipment("function", numpy=True)][0].process.pid

    def heard(self) -> bool:
        for ear in (self.listener, self.local):
            try:
                ear.accept()[0].close()
                return True
            except BlockingIOError:
                pass
        return False


def tree(root: int) -> set[int]:
    """Living processes at and below `root`."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {root} & parents.keys()
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


@contextmanager
def imprisoned(level: str, folder: Path) -> Iterator[Prison]:
    """A prison at this level, with a canary in a folder of the host."""
    canary = folder / "canary"
    canary.write_text("secret")
    name = f"\0selftaught-test-{os.getpid()}"
    os.environ["OPENAI_API_KEY"] = KEY
    with (
        open_sandbox(level, 1) as pool,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as local,
    ):
        local.bind(name)
        local.listen()
        listener.setblocking(False)
        local.setblocking(False)
        bait: dict[str, object] = {
            "canary": str(canary),
            "port": listener.getsockname()[1],
            "abstract": name,
            "host": os.getpid(),
            "server": pool.server("function").process.pid,
            "key": KEY,
            "source": [SOURCE],
            "earlier": "9f1c",
        }
        yield Prison(pool, bait, listener, local)
    del os.environ["OPENAI_API_KEY"]


def require_reachable(path: Path) -> None:
    """Without namespaces root's interpreter must be everybody's: one below a private home is refused (see the doctor)."""
    for folder in [path, *path.parents, *Path(selftaught.__file__).parents]:
        if not folder.stat().st_mode & 0o001:
            pytest.skip(f"level confined as root needs files that every user can reach, and {folder} is private")


@pytest.fixture(scope="module", params=["strict", "confined"])
def prison(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prison]:
    if request.param == "confined" and os.geteuid() == 0:
        require_reachable(interpreter())
    with imprisoned(request.param, tmp_path_factory.mktemp("host")) as held:
        held.run("import numpy\nkept = ['marker-9f1c']\ndef f(bait): return kept")
        held.run("kept = ['marker-9f1c']\ndef f(bait): return kept")
        yield held


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_contained(prison: Prison, attack: Attack) -> None:
    before = [tree(pid) for pid in prison.servers()]
    outcome = prison.run(attack.text(), SHORT if "time" in attack.kinds else AMPLE)
    assert outcome.kind in attack.kinds, outcome
    if outcome.kind == "answer" and attack.kinds == ("answer",):
        assert outcome.answer == [], outcome
    assert prison.run("import json, random\ndef f(bait): return json.loads('[2]') + [bait['port']]").answer == [
        2,
        prison.bait["port"],
    ]
    assert [tree(pid) for pid in prison.servers()] == before
    assert prison.pool.restarts == 0
    assert not prison.heard()


def test_the_documentation_counts_the_attacks_each_of_which_has_a_name() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert f"with {len(ATTACKS)} programs (`tests/sandbox/attacks.py`)" in " ".join(text.split())


def as_ordinary_user(tests: str, file: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a file whose names match, without root."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", tests, file]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)  # wherever temporary files may lie: not every machine's /tmp is everybody's
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "HOME": "/nonexistent",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": folder,
        }
        return subprocess.run(
            [*command, f"--basetemp={folder}/tests"],
            capture_output=True, text=True, check=False, user=12345, group=12345, extra_groups=(),
            env=environment, cwd=Path(__file__).parents[2],
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user")
def test_contained_for_an_ordinary_user_too() -> None:
    done = as_ordinary_user("strict", __file__)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout
