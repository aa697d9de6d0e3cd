"""What a child of the zygote gives up before it reads untrusted code, and what is made ready for that once, in the zygote."""

from __future__ import annotations

import base64
import gc
import importlib
import importlib.machinery
import os
import resource
import sys
import threading
from collections.abc import Callable
from typing import Any

import counting
import kernel
import runner
import wire
from hook import Hook

OUT, ANSWERS, FIRST_FREE = 1, 4, 6
"""Descriptors of a child: where it prints, where its answers go, and the first that it does not have."""
FILES = "/tmp"
_TOP = (
    "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt", "proc", "root", "run",
    "sbin", "srv", "sys", "tmp", "usr", "var",
)  # fmt: skip
"""What lies at the top of a machine by the usual hierarchy, be it hidden in a jail or not."""
_MAX_PROCESSES = 32768
_MAX_THREADS = 256
"""Threads of a job that are counted by themselves."""
_SHARED_THREADS = 3840
"""Threads of all jobs together where they cannot be: less than the above, so that the zygote can always fork."""


class Setup:
    """What every child needs, made once, in the zygote."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.pidns: int | None = None
        self.born = 0
        """How many children there have been."""
        self.filter: kernel.Filter | None = None
        self.handover: counting.Handover | None = None
        """Where the filter counts: how the zygote gets hold of the calls it hands over."""
        # where Python itself looks for the program's text, to show a line of it
        listed = [*options["listed"], *(f"{folder}/program.py" for folder in ("", *sys.path, options["path"]))]
        top = sorted({*_TOP, *os.listdir("/")})  # noqa: PTH208 - no pathlib in the guest
        self.hook = Hook(options["rules"], listed, options["writable"], top)
        self.bounds = counting.Bounds(options["rules"], listed, options["writable"], options["path"], top)
        self.opens: dict[int, tuple[int, bool]] = {}
        """Which calls open files, where the filter hands these over too."""
        self.objects: Callable[[Any], list[Any]] = list
        self.capable = False
        self.counted = False
        """Whether each child has its threads counted by themselves, in a user namespace of its own."""
        self.places: tuple[list[str], list[str]] | None = None
        """What each child may read and list by Landlock, where the zygote could not do it for all: it mounts before that."""

    def lock(self, number: int, address_space: int, max_output: int, files: int, cpu_s: int) -> None:
        """Give up everything, in the child of this number; the last step before untrusted code is read. Sizes in bytes."""
        os.setsid()
        if files:
            kernel.private_folder(FILES, files)
        if self.counted:
            kernel.unshare(kernel.NEWUSER)
        kernel.die_with_parent()  # new credentials, such as those of a namespace, would undo it
        if self.places:
            kernel.landlock(*self.places, [FILES])
        for kind, limit in (
            (resource.RLIMIT_AS, address_space),
            (resource.RLIMIT_FSIZE, max(max_output, files)),
            (resource.RLIMIT_CPU, cpu_s),
            (resource.RLIMIT_NOFILE, wire.PLACE),
            (resource.RLIMIT_NPROC, self.threads()),
        ):
            resource.setrlimit(kind, (limit, limit))
        if self.capable or self.counted:
            kernel.drop_capabilities()
        if self.handover and self.filter:
            kernel.show_memory()
            kernel.close_from(FIRST_FREE, wire.PLACE - 1)
            kernel.close_from(wire.PLACE + 1)
            self.handover.give(number, self.filter.listen())
        else:
            kernel.close_from(FIRST_FREE)
            if self.filter:
                self.filter.install()
        gc.enable()

    def threads(self) -> int:
        """How many processes and threads the kernel may count before a child can make no more."""
        return _MAX_THREADS if self.counted else min(_SHARED_THREADS, resource.getrlimit(resource.RLIMIT_NPROC)[0])


def set_up(options: dict[str, Any]) -> tuple[Setup, list[str]]:
    """Close off the zygote, before its first child; what every child needs, and the names of the layers that hold."""
    setup = Setup(options)
    kernel.hide_memory()
    kernel.die_with_parent()
    kernel.no_new_privileges()
    mounts = False
    if options["pidns"]:
        setup.pidns = _own_namespaces()
        mounts = setup.pidns is not None and _works(lambda: kernel.private_folder(FILES, 1 << 20))
        kernel.bound_capabilities()
        setup.capable = True
    setup.counted = options["count"] and _works(_count_alone)
    _preload(options, setup)
    layers = ["process namespace"] if setup.pidns is not None else []
    layers += ["thread count of each job"] if setup.counted else []
    layers += _fence(options["landlock"], options["files"], setup)
    layers += [wire.FILES] if mounts else []
    if options["filters"]:
        layers += _choose_filter(options, setup)
    _limit_all()
    return setup, layers


def _fence(readable_and_listed: tuple[list[str], list[str]] | None, files: bool, setup: Setup) -> list[str]:
    """Landlock, where it is wanted and the kernel has it: for the zygote and all its children, or for each child."""
    if readable_and_listed is None or not kernel.landlock_abi():
        return []
    readable, listed = readable_and_listed
    if files:
        setup.places = (readable, listed)
    else:
        kernel.landlock(readable, listed, [])
    return ["landlock"]


def _choose_filter(options: dict[str, Any], setup: Setup) -> list[str]:
    """Take the filter that counts most of what this kernel lets be counted; what it counts."""
    filters = [kernel.Filter(base64.b64decode(program)) for program in options["filters"]]
    setup.filter = filters[0]
    if len(filters) == 1 or not _works(lambda: os.close(filters[1].listen())):
        return []
    setup.handover = counting.Handover()
    setup.filter = filters[1]
    if not _can_be_read(setup):
        return [wire.COUNTED]
    setup.filter = filters[2]
    setup.opens = {int(number): (place, flags) for number, (place, flags) in options["opens"].items()}
    return [wire.COUNTED, wire.OPENS_COUNTED]


def _can_be_read(setup: Setup) -> bool:
    """Whether the zygote may look at the paths of a child that is as locked in as any: tried on one."""
    (wait, go), (told, tell) = os.pipe(), os.pipe()
    path = bytearray(b"/there\0")
    place = kernel.address(path)
    pid = os.fork()
    if pid == 0:
        if setup.counted:
            kernel.unshare(kernel.NEWUSER)
        if setup.capable or setup.counted:
            kernel.drop_capabilities()
        kernel.show_memory()
        os.write(tell, b"1")
        os.close(go)
        os.read(wait, 1)
        os._exit(0)
    os.read(told, 1)
    reader = kernel.Reader(len(path))
    found = reader.read(pid, memoryview(place)) and reader.equals(b"/there")
    for fd in (wait, go, told, tell):
        os.close(fd)
    os.waitpid(pid, 0)
    return found


def _own_namespaces() -> int | None:
    """Own the process namespace, so that every child can have a new one; None where that is not allowed.

    A process may make one new process namespace only, unless it returns to its own each time, and it may return only
    to one that belongs to its own user namespace: hence one namespace and one fork more.
    """
    try:
        kernel.unshare(kernel.NEWPID | kernel.NEWNS | kernel.NEWIPC)
    except OSError:
        return None
    pid = os.fork()
    if pid:
        kernel.close_from(3)
        os.waitpid(pid, 0)
        os._exit(0)
    kernel.die_with_parent()
    return kernel.pidfd_open(os.getpid())


def _works(attempt: Callable[[], None]) -> bool:
    """Whether a child may do this: tried in one."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    try:
        attempt()
    except OSError:
        os._exit(1)
    os._exit(0)


def _count_alone() -> None:
    """Fail where processes in a user namespace of one's own count together with all others (Linux before 5.14)."""
    kernel.unshare(kernel.NEWUSER)
    resource.setrlimit(resource.RLIMIT_NPROC, (2, 2))
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)  # its parent is the init of the namespace otherwise, which would keep it as a zombie


class _Only:
    """Finds of a folder of packages only those that a guest may read: the others are not there, rather than denied."""

    def __init__(self, folder: str, names: list[str]) -> None:
        self._folder = folder
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        own = path is None and name in self._names
        return importlib.machinery.PathFinder.find_spec(name, [self._folder], target) if own else None


def _preload(options: dict[str, Any], setup: Setup) -> None:
    if options["only"]:
        sys.meta_path.append(_Only(options["path"], options["only"]))  # type: ignore[arg-type]
    else:
        sys.path.append(options["path"])
    if options["numpy"]:
        for name in ("numpy.fft", "numpy.linalg", "numpy.random"):
            importlib.import_module(name)
    if options["tools"]:
        sys.path.insert(0, options["tools_path"])
        for name in options["tools"]:
            importlib.import_module(name)
    runner.tame_chance()
    if options["improver"]:
        import stubs

        setup.objects = stubs.objects
        threading.stack_size(1 << 20)
    runner.warm_up()
    sys.addaudithook(setup.hook.seen)


def _limit_all() -> None:
    """Limits that are the same for every job; children inherit them."""
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NPROC, _MAX_PROCESSES),
        (resource.RLIMIT_NOFILE, 4096),
    ):
        hard = resource.getrlimit(kind)[1]
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (least, least))
