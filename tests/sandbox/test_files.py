"""Jobs that ask for files: a folder of their own, as large as asked for, seen by nobody else, gone with them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftaught.errors import SandboxRefused
from selftaught.program import Program
from selftaught.sandbox import Job, Limits, Outcome, Sandbox
from selftaught.sandbox.jail import Equipment, Layers
from selftaught.sandbox.levels import LEVELS, open_sandbox
from selftaught.sandbox.pool import Pool
from selftaught.testing import Number, make_lab
from selftaught.utility import TaskUtility

from .attacks import ATTACKS, PRELUDE
from .test_hostile import as_ordinary_user, imprisoned, tree

ROOM = Limits(cpu_s=10, wall_s=60, files_mb=4)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with open_sandbox("strict", 2) as opened:
        yield opened


def run(sandbox: Sandbox, program: str, *args: object, limits: Limits = ROOM) -> Outcome:
    return sandbox.run(Job(program, "f", (args,), (0,), limits))[0]  # type: ignore[arg-type]


def improve(sandbox: Sandbox, program: str, start: str, **functions: object) -> Outcome:
    given = (start, {"str": "", "budget": 5}, {"budget": 4, "max_responses_per_call": 6})
    job = Job(program, "improve_algorithm", (given,), (0,), ROOM, "improver")
    return sandbox.run(job, functions)[0]  # type: ignore[arg-type]


HONEST = """
import os, shutil, tempfile
def f(text):
    seen = [os.listdir("/tmp"), tempfile.gettempdir()]
    with open("/tmp/kept", "w") as file: file.write(text)
    with open("/tmp/kept", "a") as file: file.write("!")
    with open("/tmp/kept") as file: seen.append(file.read())
    with open("/tmp/kept", "r+") as file: file.truncate(2)
    seen.append(os.path.getsize("/tmp/kept"))
    with tempfile.TemporaryFile() as file:
        file.write(b"one"); file.seek(0); seen.append(file.read().decode())
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("two"); file.flush(); seen.append(open(file.name).read())
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(folder + "/a/b")
        shutil.copyfile("/tmp/kept", folder + "/new")
        os.replace(folder + "/new", folder + "/a/b/moved")
        seen.append([sorted(names) for _, *rest in os.walk(folder) for names in rest])
    os.unlink("/tmp/kept")
    return seen + [os.listdir("/tmp")]
"""


def test_files_are_written_and_read_back(pool: Pool) -> None:
    outcome = run(pool, HONEST, "text")
    expected = [[], "/tmp", "text!", 2, "one", "two", [["a"], [], ["b"], [], [], ["moved"]], []]
    assert outcome.answer == expected, outcome


def test_arrays_are_saved_and_mapped(pool: Pool) -> None:
    program = """
import numpy as np
def f():
    np.save("/tmp/a.npy", np.arange(5))
    mapped = np.memmap("/tmp/m", dtype="int32", mode="w+", shape=(3,))
    mapped[:] = 7
    mapped.flush()
    return [np.load("/tmp/a.npy"), np.fromfile("/tmp/m", dtype="int32")]
"""
    outcome = run(pool, program)
    assert outcome.answer == [[0, 1, 2, 3, 4], [7, 7, 7]], outcome


def test_a_job_that_asks_for_none_can_write_none_even_after_one_that_did(pool: Pool) -> None:
    write = "def f():\n    with open('/tmp/x', 'w') as file: return file.write('abc')"
    assert run(pool, write).answer == 3
    outcome = run(pool, write, limits=Limits(cpu_s=10))
    assert (outcome.kind, outcome.error.split(":")[0]) == ("error", "OSError"), outcome


LIST = """
import os
def f():
    seen = os.listdir("/tmp")
    try: seen.append(open("/tmp/secret").read())
    except FileNotFoundError: pass
    os.makedirs("/tmp/left/deep")
    open("/tmp/secret", "w").write("mine")
    return seen
"""


def test_the_next_job_finds_nothing(pool: Pool) -> None:
    assert [run(pool, LIST).answer for _ in range(5)] == [[]] * 5


def test_jobs_at_the_same_time_see_nothing_of_each_other(pool: Pool) -> None:
    program = """
import os
def improve_algorithm(s, utility, m):
    before = os.listdir("/tmp")
    with open("/tmp/" + s, "w") as file: file.write(s)
    others = utility(s)
    return [before, others, os.listdir("/tmp"), open("/tmp/" + s).read()]
"""
    inner: list[Outcome] = []

    def within(solutions: list[str]) -> list[float]:
        inner.append(run(pool, LIST))
        inner.append(improve(pool, program, "inner", utility=lambda solutions: [2.0]))
        return [1.0]

    outcome = improve(pool, program, "outer", utility=within)
    assert outcome.answer == [[], 1.0, ["outer"], "outer"], outcome
    assert [one.answer for one in inner] == [[], [[], 2.0, ["inner"], "inner"]], inner


def test_within_a_batch_files_live_as_long_as_their_process(pool: Pool) -> None:
    program = """
import os
def f(x):
    open(f"/tmp/{x}", "w").close()
    if x == 1: os._exit(0)
    return sorted(os.listdir("/tmp"))
"""
    outcomes = pool.run(Job(program, "f", ((0,), (1,), (2,), (3,)), (0,) * 4, ROOM))
    assert [o.answer for o in outcomes] == [["0"], None, ["2"], ["2", "3"]]


FILL = """
import errno, os
def fill(path, most=64):
    written = 0
    with open(path, "wb", buffering=0) as file:
        try:
            while written < most << 20: written += file.write(bytes(1 << 16))
        except OSError as error:
            return [written, errno.errorcode[error.errno]]
    return [written, ""]
"""


def test_the_room_holds_for_all_files_together_and_comes_back(pool: Pool) -> None:
    program = (
        FILL
        + """
def f():
    seen = [fill("/tmp/a", 3), fill("/tmp/b")]
    os.unlink("/tmp/a")
    return seen + [fill("/tmp/c", 2), fill("/tmp/d")]
"""
    )
    outcome = run(pool, program)
    assert isinstance(outcome.answer, list), outcome
    a, b, c, d = outcome.answer
    assert (a, c) == ([3 << 20, ""], [2 << 20, ""])
    assert b[1] == d[1] == "ENOSPC"  # type: ignore[index]
    assert 0.9 * (1 << 20) < b[0] <= 1 << 20  # type: ignore[index,operator]
    assert run(pool, "def f(): return 1").answer == 1


@pytest.mark.parametrize("megabytes", [1, 16])
def test_the_room_is_as_large_as_asked_for(pool: Pool, megabytes: int) -> None:
    limits = Limits(cpu_s=10, wall_s=60, files_mb=megabytes, output_kb=4)
    outcome = run(pool, FILL + "def f(): return fill('/tmp/a')", limits=limits)
    assert isinstance(outcome.answer, list), outcome
    assert 0.9 * (megabytes << 20) < outcome.answer[0] <= megabytes << 20  # type: ignore[operator]


def test_the_number_of_files_and_the_length_of_one_are_bounded(pool: Pool) -> None:
    program = """
import errno, os
def f():
    try:
        for n in range(100_000):
            os.mkdir(f"/tmp/{n}") if n % 2 else open(f"/tmp/{n}", "w").close()
    except OSError as error:
        seen = [n, errno.errorcode[error.errno]]
    with open("/tmp/0", "r+") as file:
        try: file.truncate(1 << 40)
        except OSError as error: return seen + [errno.errorcode[error.errno]]
"""
    outcome = run(pool, program)
    assert isinstance(outcome.answer, list), outcome
    count, full, long = outcome.answer
    assert (full, long) == ("ENOSPC", "EFBIG")
    assert 1000 < count <= 4096  # type: ignore[operator]


def test_output_is_limited_as_without_files(pool: Pool) -> None:
    limits = Limits(cpu_s=10, wall_s=60, files_mb=8, output_kb=1)
    program = "import sys\ndef f():\n    print('y' * 100_000)\n    sys.stdout.flush()\n    return 1"
    outcome = run(pool, program, limits=limits)
    assert (outcome.kind, len(outcome.output)) == ("output", 1024)


OUTSIDE = """
def f():
    done = []
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if name != "tmp"] if folder == "/" else folders[:6]
        tests = tries(
            make=lambda: os.open(folder + "/x", os.O_CREAT | os.O_WRONLY),
            unnamed=lambda: os.open(folder, os.O_TMPFILE | os.O_WRONLY),
            folder=lambda: os.mkdir(folder + "/x") or True,
            moved=lambda: os.rename("/tmp/mine", folder + "/mine") or True,
            **{f"open {f}": lambda f=f: os.open(f"{folder}/{f}", os.O_RDWR) for f in files[:3]},
            **{f"cut {f}": lambda f=f: os.truncate(f"{folder}/{f}", 0) or True for f in files[:3]},
            **{f"remove {f}": lambda f=f: os.unlink(f"{folder}/{f}") or True for f in files[:3]},
            **{f"remove {f}": lambda f=f: os.rmdir(f"{folder}/{f}") or True for f in folders},
        )
        done += [(folder, *test.split()) for test in tests]
    return done
"""


def test_nothing_outside_can_be_written(pool: Pool) -> None:
    outcome = run(pool, PRELUDE + "open('/tmp/mine', 'w').close()\n" + OUTSIDE)
    assert outcome.answer == [], outcome


ESCAPES = """
import glob, shutil, socket
def f():
    with open("/tmp/script", "w") as file: file.write("#!/bin/sh\\n")
    shutil.copyfile(glob.glob("/usr/lib/*/libm.so.6")[0], "/tmp/library.so")
    at = os.open("/tmp", os.O_RDONLY)
    return [os.path.exists("/tmp/library.so")] + tries(
        mode=lambda: os.chmod("/tmp/script", 0o777) or True,
        mode_by_descriptor=lambda: os.fchmod(at, 0o777) or True,
        owner=lambda: os.chown("/tmp/script", 1000, 1000) or True,
        times=lambda: os.utime("/tmp/script") or True,
        attribute=lambda: os.setxattr("/tmp/script", "user.x", b"1") or True,
        symbolic=lambda: os.symlink("/", "/tmp/root") or True,
        hard=lambda: os.link("/tmp/script", "/tmp/twin") or True,
        fifo=lambda: os.mkfifo("/tmp/fifo") or True,
        device=lambda: os.mknod("/tmp/null", 0o20666, os.makedev(1, 3)) or True,
        local=lambda: socket.socket(socket.AF_UNIX).bind("/tmp/socket") or True,
        spawn=lambda: os.posix_spawn("/tmp/script", ["script"], {}),
        execute=lambda: os.execv("/tmp/script", ["script"]),
        load=lambda: ctypes.CDLL("/tmp/library.so"),
        bind=lambda: libc.mount(b"/", b"/tmp/x", None, 4096, None),
        remount=lambda: libc.mount(b"none", b"/tmp", None, 32, b"size=1g"),
        cover=lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        uncover=lambda: libc.umount2(b"/tmp", 2),
        namespace=lambda: libc.unshare(0x20000),
        root=lambda: os.chroot("/tmp") or True,
    )
"""


def test_no_programs_modes_links_devices_or_mounts(pool: Pool) -> None:
    outcome = run(pool, PRELUDE + ESCAPES)
    assert outcome.answer == [True], outcome


MEANT = {"disk: writing anywhere": ["w/tmp", "temp", "file"], "disk: changing what is there": ["folder"]}


def test_attacks_come_no_further_with_files_than_to_those(tmp_path_factory: pytest.TempPathFactory) -> None:
    tried = {attack.name: attack.text() for attack in ATTACKS if attack.kinds == ("answer",)}
    with imprisoned("strict", tmp_path_factory.mktemp("host")) as prison:
        answers = {name: prison.run(text, ROOM).answer for name, text in tried.items()}
        assert {name: answer for name, answer in answers.items() if answer != []} == MEANT
        assert len(answers) > 40
        assert not prison.heard()
        assert prison.pool.restarts == 0


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user")
def test_an_ordinary_user_has_them_too() -> None:
    done = as_ordinary_user("read_back or same_time or outside or no_programs", __file__)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "4 passed" in done.stdout


def shared_kb() -> int:
    """Memory of files in memory, of the whole machine."""
    return next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("Shmem:")
    )


def mounts(pool: Pool) -> list[int]:
    """How many mounts each process of the jails sees; root may look."""
    processes = sorted(pid for server in pool.servers() for pid in tree(server.process.pid))
    return [len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines()) for pid in processes if os.geteuid() == 0]


@pytest.mark.slow
def test_neither_mounts_nor_files_stay_behind_five_hundred_jobs() -> None:
    program = "def f():\n    with open('/tmp/x', 'wb') as file: return file.write(bytes(1 << 20))"
    with open_sandbox("strict", 1) as pool:
        assert run(pool, program).answer == 1 << 20
        before, shared = mounts(pool), shared_kb()
        answers = {str(run(pool, program).answer) for _ in range(500)}
        assert answers == {str(1 << 20)}
        assert mounts(pool) == before
        assert shared_kb() - shared < 250 << 10
        assert pool.restarts == 0


def test_who_asks_for_no_files_pays_for_none() -> None:
    with open_sandbox("strict", 1) as pool:
        assert run(pool, "def f(): return 1", limits=Limits()).answer == 1
        (slot,) = pool._all
        assert set(slot.servers) == {Equipment("function")}
        assert run(pool, "def f(): return 1").answer == 1
        assert set(slot.servers) == {Equipment("function"), Equipment("function", files=True)}


@pytest.mark.parametrize("level", [level for level in LEVELS if level != "strict"])
def test_other_levels_refuse_jobs_with_files(level: str) -> None:
    with open_sandbox(level, 1) as pool, pytest.raises(SandboxRefused, match="files of its own: use level strict"):
        run(pool, "def f(): return 1")


def test_a_machine_without_the_extra_refuses_with_a_mend_and_runs_the_rest() -> None:
    with Pool("strict", Layers(pidns=False), 1) as pool:
        for _ in range(2):
            with pytest.raises(SandboxRefused, match=r"files of its own: .* mounting"):
                run(pool, "def f(): return 1")
        assert run(pool, "def f(): return 1", limits=Limits()).answer == 1


def test_the_extra_is_proved_before_it_is_used() -> None:
    with Pool("strict", Layers(filter=False), 1) as pool:
        with pytest.raises(SandboxRefused, match="does not hold"):
            run(pool, "def f(): return 1")
        assert run(pool, "def f(): return 1", limits=Limits()).answer == 1


class Notes(Number):
    limits = Limits(cpu_s=1, files_mb=16)


def test_a_task_asks_through_its_limits_and_its_utility_says_so(tmp_path: Path, sandbox: Sandbox) -> None:
    lab = make_lab(tmp_path / "s.db", sandbox)
    plain, notes = (TaskUtility(lab, task, "train", 0, "practice") for task in (Number("plain"), Notes("notes")))
    program = "def f(x):\n    with open('/tmp/x', 'w') as file:\n        file.write('1')\n    return 1.0\n"
    assert "below /tmp, at most 16 MiB in all" in notes.description
    assert "/tmp" not in plain.description
    assert notes.score(Program(program)).value == 1.0
    assert plain.score(Program(program)).value is None
    assert "files_mb" in str(notes.key)
    assert "files_mb" not in str(plain.key)
