"""What this machine can do for the sandbox, and how to mend what it cannot."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass

from selftaught.errors import SandboxRefused, UsageError
from selftaught.sandbox import Job, Limits, advice
from selftaught.sandbox import filter as syscalls
from selftaught.sandbox.guest import kernel, wire
from selftaught.sandbox.jail import NOBODY, bubblewrap, interpreter, numpy_folders
from selftaught.sandbox.levels import LEVELS, open_pool
from selftaught.sandbox.pool import Pool
from selftaught.settings.plugins import Plugin, plugins

_UNKNOWN = (
    "the cause is not known: please report this line; until it is mended, use a virtual machine or a container "
    "without secrets and `--sandbox external` in it"
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `mend` is empty when nothing needs doing; an extra may be missing where all is `ok`."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def diagnose() -> list[Check]:
    """Look at everything the sandbox needs, from the ground up; the last checks open each level and attack it."""
    checks = [_system(), _bubblewrap(), _namespaces(), _landlock(), _interpreter(), _numpy(), _user()]
    missing = [check.name for check in checks if not check.ok]
    added = map(_added, plugins("sandboxes").values())
    return [*checks, *_level("strict", missing), *_level("confined", missing), *added]


def _added(plugin: Plugin) -> Check:
    """A level that a package adds. It is not attacked: what it holds, the package says."""
    try:
        plugin.opener()
    except UsageError as error:
        return Check(f"level {plugin.name}", False, str(error), "mend or uninstall the package")
    return Check(
        f"level {plugin.name}", True, f"of the package {plugin.package}, which vouches for it: not attacked here"
    )


def _system() -> Check:
    detail = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if platform.system() != "Linux":
        return Check("system", False, detail, advice.mend(""))
    try:
        syscalls.machine()
    except SandboxRefused as refused:
        return Check("system", False, detail, str(refused))
    return Check("system", True, detail)


def _bubblewrap() -> Check:
    try:
        path, version = bubblewrap()
    except SandboxRefused as refused:
        cause, _, mend = str(refused).partition(": ")
        return Check("bubblewrap", False, cause, mend)
    return Check("bubblewrap", True, f"{path} {'.'.join(map(str, version))}")


def _namespaces() -> Check:
    """Whether the user that bubblewrap will run as may make user namespaces."""
    try:
        path, _ = bubblewrap()
    except SandboxRefused:
        return Check("user namespaces", False, "cannot be tried without bubblewrap", "install bubblewrap first")
    command = [path, "--unshare-all", "--ro-bind", "/", "/", "true"]
    user, groups = (NOBODY, ()) if os.geteuid() == 0 else (None, None)
    tried = subprocess.run(
        command, capture_output=True, text=True, check=False, user=user, group=user, extra_groups=groups
    )
    if tried.returncode == 0:
        return Check("user namespaces", True, "may be made")
    return Check("user namespaces", False, tried.stderr.strip(), advice.mend(tried.stderr) or _UNKNOWN)


def _landlock() -> Check:
    version = kernel.landlock_abi()
    if version:
        return Check("Landlock", True, f"version {version}")
    return Check(
        "Landlock",
        False,
        "this kernel has none: level strict does without, level confined is refused",
        "use Linux 5.13 or newer with `landlock` among its security modules (boot parameter lsm=)",
    )


def _interpreter() -> Check:
    return Check("interpreter", True, str(interpreter()))


def _numpy() -> Check:
    try:
        return Check("numpy", True, str(next(numpy_folders())))
    except SandboxRefused as refused:
        cause, _, mend = str(refused).partition(": ")
        return Check("numpy", False, cause, mend)


def _user() -> Check:
    if os.geteuid() == 0:
        return Check("user", True, f"root: generated code runs as user {NOBODY}, given up before bubblewrap")
    return Check("user", True, f"ordinary user {os.geteuid()}")


def _level(level: str, missing: list[str]) -> list[Check]:
    """Whether a level holds; where it does not for no known reason, `missing` is what may be behind it."""
    name = f"level {level}"
    try:
        with open_pool(level, 1) as pool:
            held = Check(name, True, ", ".join(["holds against every probe", *pool.found()]))
            return [held, _attempts(pool), _files(pool)] if LEVELS[level].namespaces else [held]
    except SandboxRefused as refused:
        detail = str(refused).removesuffix(advice.SEE)
        known = advice.mend(detail)
        unknown = f"mend first: {', '.join(missing)}" if missing else _UNKNOWN
        return [Check(name, False, detail.removesuffix(f": {known}"), known or unknown)]


def _attempts(pool: Pool) -> Check:
    """Whether what programs try is counted where they cannot change it."""
    name, found = "attempts of programs", pool.found()
    if wire.OPENS_COUNTED in found:
        return Check(name, True, "counted outside, by refused call and by file opened out of bounds")
    if wire.COUNTED in found:
        detail = "counted outside by refused call alone: what files they open is seen only by a hook within"
        return Check(name, True, detail, "have the kernel let a process read its children's memory (process_vm_readv)")
    detail = "not counted outside: what they try is seen only by a hook within, which they can blind"
    return Check(
        name,
        True,
        detail,
        "use a kernel with user notification of seccomp, outside of containers that watch system calls themselves",
    )


def _files(pool: Pool) -> Check:
    """Whether jobs may have files of their own: only tasks that ask for them need it."""
    name = "files for programs"
    try:
        pool.run(Job("def f(): pass", "f", ((),), (0,), Limits(files_mb=1)))
    except SandboxRefused as refused:
        return Check(name, True, "missing, so tasks that ask for them are refused", str(refused).partition(": ")[2])
    return Check(name, True, "hold against every probe, for tasks that ask for them")
