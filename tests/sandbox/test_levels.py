"""Levels: proved by probes, refused with cause and mend; private homes; what the doctor says."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from selftaught.errors import SandboxRefused, UsageError
from selftaught.sandbox import Job, advice, doctor, jail, probes
from selftaught.sandbox.doctor import diagnose
from selftaught.sandbox.jail import Layers
from selftaught.sandbox.levels import LEVELS, open_sandbox
from selftaught.sandbox.pool import Pool
from selftaught.sandbox.probes import prove

NONE = "none:trusted-programs-only"
COUNTING = ["refused calls counted", "opened files counted"]
ADD = Job("def f(x): return x + 1", "f", ((1,),), (0,))


@pytest.mark.parametrize("level", list(LEVELS))
def test_each_level_runs_jobs_and_says_its_name(level: str) -> None:
    with open_sandbox(level, slots=1) as sandbox:
        assert sandbox.level == level.partition(":")[0]
        assert sandbox.run(ADD)[0].answer == 2


def test_an_unknown_level_and_the_short_name_of_none_are_wrong_usage() -> None:
    for level in ("paranoid", "none", ""):
        with pytest.raises(UsageError, match="choose one of strict, confined, external"):
            open_sandbox(level)


@pytest.fixture
def weak() -> Iterator[Pool]:
    with Pool("strict", LEVELS[NONE], 1) as pool:
        yield pool


def test_a_level_that_does_not_hold_is_refused_and_every_breach_is_named(weak: Pool) -> None:
    with pytest.raises(SandboxRefused) as refused:
        prove(weak.run, "function", "strict", os.getpid())
    for deed in ("read a file", "write a file", "listener", "local socket", "fork", "start a program"):
        assert deed in str(refused.value)


def test_external_vouches_for_files_only(weak: Pool) -> None:
    with pytest.raises(SandboxRefused, match="fork") as refused:
        prove(weak.run, "improver", "external", os.getpid())
    assert "a file" not in str(refused.value)


@pytest.mark.parametrize("lost", ["landlock", "filter"])
def test_confined_needs_each_of_its_walls(lost: str) -> None:
    layers = replace(LEVELS["confined"], **{lost: False})  # type: ignore[arg-type]
    with Pool("confined", layers, 1) as pool, pytest.raises(SandboxRefused, match=r"does not hold|needs Landlock"):
        prove(pool.run, "function", "confined", os.getpid())


def test_without_bubblewrap_strict_is_refused_with_the_command_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    jail.bubblewrap.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(SandboxRefused, match="sudo apt-get install bubblewrap"):
        open_sandbox("strict", slots=1)
    assert {check.name for check in diagnose() if not check.ok} == {"bubblewrap", "user namespaces", "level strict"}


COMPLAINTS = {
    "bwrap: No permissions to create new namespace, likely because the kernel does not allow …": "user namespaces",
    "bwrap: setting up uid map: Permission denied": "user namespaces",
    "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted": "user namespaces",
    "bwrap: Creating new namespace failed: nesting depth or … exceeded (ENOSPC)": "user namespaces",
    "bwrap: Can't find source path /x: Permission denied": "make it readable",
    "PermissionError: [Errno 1] unshare: Operation not permitted": "as an ordinary user",
    "something else": "selftaught doctor",
}


@pytest.mark.parametrize(("complaint", "mend"), COMPLAINTS.items())
def test_a_jail_that_does_not_start_is_refused_with_advice(
    complaint: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        fake = Path(folder, "bwrap")
        fake.write_text(f'#!/bin/sh\necho "{complaint}" >&2\nexit 1\n')
        fake.chmod(0o755)
        monkeypatch.setattr(advice, "namespaces", lambda: "allow user namespaces")
        monkeypatch.setattr(jail, "bubblewrap", lambda: (str(fake), (0, 8, 0)))
        with pytest.raises(SandboxRefused) as refused:
            open_sandbox("strict", slots=1)
    assert complaint in str(refused.value)
    assert mend in str(refused.value)


def test_advice_names_the_switch_that_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off, none = tmp_path / "one", tmp_path / "zero"
    off.write_text("1\n")
    none.write_text("0\n")
    for name, file, words in (
        ("_APPARMOR", off, "apparmor_restrict_unprivileged_userns=0"),
        ("_CLONE", none, "unprivileged_userns_clone=1"),
        ("_MOST", none, "max_user_namespaces=15000"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(advice, name, file)
            assert words in advice.namespaces()


@pytest.fixture
def installed() -> Iterator[Path]:
    """A library folder that every user can read, with a package beside a standard library of one module."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        library = Path(folder, "lib", "python3.99")
        for place in (library / "site-packages", library / "encodings99", library):
            place.mkdir(parents=True, exist_ok=True)
            (place / "__init__.py").write_text("mark = 'read'")
        yield library


READ = """
def f(*paths):
    found = []
    for path in paths:
        try: found.append(open(path).read() == "mark = 'read'")
        except OSError: found.append(False)
    import bisect, csv, ctypes, decimal, email.mime.text, html.parser, sqlite3, xml.dom.minidom
    return found
"""


@pytest.mark.parametrize("level", ["strict", "confined", "external"])
def test_installed_packages_cannot_be_read_beside_a_standard_library_that_can(
    level: str, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = list(jail._library_folders())
    monkeypatch.setattr(jail, "_library_folders", lambda: iter([*folders, installed.parent]))
    paths = [str(installed / name / "__init__.py") for name in (".", "encodings99", "site-packages")]
    with open_sandbox(level, slots=1) as sandbox:
        assert sandbox.run(Job(READ, "f", (tuple(paths),), (0,)))[0].answer == [True, True, False]


@pytest.mark.parametrize("level", ["strict", "confined", "external"])
def test_a_package_that_programs_could_read_is_refused(
    level: str, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = list(jail._library_folders())
    monkeypatch.setattr(jail, "_library_folders", lambda: iter([*folders, installed.parent]))
    monkeypatch.setattr(jail, "PACKAGE", installed / "encodings99")
    with pytest.raises(SandboxRefused, match="install it in a virtual environment"):
        open_sandbox(level, slots=1)
    monkeypatch.setattr(jail, "PACKAGE", installed / "site-packages")
    open_sandbox(level, slots=1).close()


def test_a_probe_tries_to_read_the_package(weak: Pool, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PACKAGE", installed)
    with pytest.raises(SandboxRefused, match="read this package"):
        prove(weak.run, "function", "strict", os.getpid())


def test_the_canary_lies_where_only_the_walls_hide_it(
    weak: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    with pytest.raises(SandboxRefused, match="read a file of the host"):
        prove(weak.run, "function", "strict", os.getpid())
    monkeypatch.setattr(probes, "_FOLDERS", (str(private), "/tmp", "/nowhere"))
    with pytest.raises(SandboxRefused, match="no folder for a canary: let /var/tmp"):
        prove(weak.run, "function", "strict", os.getpid())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that the sandbox's user cannot reach")
def test_everything_may_lie_below_a_private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    home.chmod(0o700)
    python = home / "bin" / "python3"
    shutil.copy(jail.interpreter(), python)
    numpy = next(jail.numpy_folders())
    shutil.copytree(jail.GUEST, home / "guest")
    for folder in jail.numpy_folders():
        shutil.copytree(folder, home / "site" / folder.name, symlinks=True)
    monkeypatch.setattr(jail, "interpreter", lambda: python)
    monkeypatch.setattr(jail, "GUEST", home / "guest")
    monkeypatch.setattr(jail, "numpy_folders", lambda: iter(sorted((home / "site").iterdir())))
    with open_sandbox("strict", slots=1) as sandbox:
        (outcome,) = sandbox.run(Job("import numpy, sys\ndef f(): return [sys.executable]", "f", ((),), (0,)))
    assert outcome.answer == [str(python)]
    assert numpy.exists()


def test_an_optional_layer_that_is_missing_is_left_out_and_said() -> None:
    with Pool("strict", Layers(pidns=False), 1) as pool, ThreadPoolExecutor(1):
        assert pool.found() == ["landlock", *COUNTING, "thread count of each job"]
    with Pool("strict", Layers(counting=False), 1) as pool:
        assert pool.found() == ["process namespace", "landlock", "private files", "thread count of each job"]
    with Pool("strict", Layers(), 1) as pool:
        assert pool.found() == ["process namespace", "landlock", "private files", *COUNTING, "thread count of each job"]


def test_the_doctor_never_sends_its_reader_to_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Pool:
        raise SandboxRefused(f"level strict does not hold on this machine: a probe could fork{advice.SEE}")

    monkeypatch.setattr(doctor, "open_pool", refuse)
    checks = [check for check in diagnose() if not check.ok]
    assert {check.name for check in checks} == {"level strict", "level confined"}
    for check in checks:
        assert "please report this line" in check.mend
        assert "selftaught doctor" not in check.detail + check.mend
    monkeypatch.setattr("selftaught.sandbox.guest.kernel.landlock_abi", lambda: 0)
    assert [check.mend for check in diagnose() if check.name.startswith("level")] == ["mend first: Landlock"] * 2


def test_the_doctor_says_where_attempts_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for layers, words, mend in (
        (Layers(), "by refused call and by file", ""),
        (Layers(counting=False), "seen only by a hook within", "use a kernel with"),
    ):
        with Pool("strict", layers, 1) as pool:
            monkeypatch.setattr(doctor, "open_pool", lambda *_, pool=pool: pool)
            check = next(one for one in doctor._level("strict", []) if one.name == "attempts of programs")
        assert check.ok
        assert words in check.detail
        assert check.mend.startswith(mend)


def test_the_doctor_finds_this_machine_well() -> None:
    jail.bubblewrap.cache_clear()
    checks = diagnose()
    assert [check.name for check in checks if not check.ok] == []
    assert {"bubblewrap", "user namespaces", "Landlock", "level strict", "level confined"} <= {c.name for c in checks}
