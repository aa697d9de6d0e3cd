"""The jail: which files a guest sees, and the command that starts its zygote in there."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from selftaught.errors import SandboxRefused
from selftaught.sandbox import Profile, packages
from selftaught.sandbox import filter as syscalls
from selftaught.sandbox.filter import Handing
from selftaught.sandbox.guest import kernel

NOBODY = 64999
"""The user that root becomes before anything else; no file should belong to it."""
GUEST = Path(__file__).with_name("guest")
TOOLS = Path(__file__).with_name("tools")
"""This project's own tools, seen by jobs of profile `tool` alone."""
PACKAGE = Path(__file__).resolve().parents[1]
"""This package: whoever reads it can make the hidden instances."""
_GUEST_FILES = (
    "blocks.py", "counting.py", "edits.py", "helpers.py", "hook.py", "kernel.py", "locking.py", "mending.py", "programs.py",
    "runner.py", "sections.py", "spoken.py", "stubs.py", "wire.py", "zygote.py",
)  # fmt: skip
_DEVICES = ["/dev/null", "/dev/zero"]
_ASKED_FOR = [
    "/dev/random", "/dev/urandom", "/sys/devices/system/cpu", "/proc/stat", "/proc/cpuinfo", "/proc/meminfo",
    "/proc/mounts", "/proc/self/status", "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/locale/locale.alias",
]  # fmt: skip
"""What libraries ask for by themselves: a program that is denied it has attempted nothing."""
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    # each thread of a numerical library reserves 40 MiB of a job's address space, each arena of malloc 64 MiB
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


@dataclass(frozen=True)
class Layers:
    """Which walls stand around a guest. Numbers as in the documentation of the levels."""

    namespaces: bool = True
    """bubblewrap: own users, processes, network, mounts; nothing of the host's files but the list below."""
    pidns: bool = True
    """Each job in a process namespace of its own; left out where the machine does not allow it within a jail."""
    landlock: bool = True
    """Read-only by Landlock too; left out within namespaces when the kernel has none."""
    filter: bool = True
    """The system call filter."""
    counting: bool = True
    """What the filter refuses is counted; left out where the kernel does not allow it."""


@dataclass(frozen=True)
class Equipment:
    """What a zygote is equipped with: it serves the jobs that need just that."""

    profile: Profile
    numpy: bool = False
    """With numpy loaded; without it, forks are cheaper."""
    files: bool = False
    """Each child has a folder of its own to write in."""
    packages: tuple[str, ...] = ()
    """What programs may import besides numpy."""


@dataclass(frozen=True)
class Bind:
    """A file or folder of the host at its place in the jail, read only."""

    source: Path
    target: Path


def tools() -> list[str]:
    """The names of the tools: files and packages."""
    return sorted(
        [path.stem for path in TOOLS.glob("*.py")] + [path.parent.name for path in TOOLS.glob("*/__init__.py")]
    )


def interpreter() -> Path:
    """The real interpreter behind the running one, whatever environment it was started from."""
    return Path(sys.executable).resolve()


def binds(profile: Profile = "function", also: tuple[str, ...] = ()) -> Iterator[Bind]:
    """The explicit list: shared libraries, the interpreter with its standard library, numpy and the packages that are asked for
    `also`, the guest's files, and for tools these."""
    for folder in _library_folders():
        yield Bind(folder, folder)
    yield Bind(interpreter(), interpreter())
    cache_file = Path("/etc/ld.so.cache")
    if cache_file.exists():
        yield Bind(cache_file, cache_file)
    for folder in numpy_folders():
        yield Bind(folder, Path("/site", folder.name))
    for path in packages.folders(also):
        yield Bind(path, Path("/site", path.name))
    for name in _GUEST_FILES:
        yield Bind(GUEST / name, Path("/guest", name))
    if profile == "tool":
        yield Bind(TOOLS, Path("/tools"))


def _library_folders() -> Iterator[Path]:
    system = [Path(name) for name in ("/usr/lib", "/usr/lib64", "/lib", "/lib64")]
    found = [folder for folder in system if folder.is_dir() and not folder.is_symlink()]
    yield from found
    for own in sorted({Path(sysconfig.get_path(name)).resolve().parent for name in ("stdlib", "platstdlib")}):
        if not any(own.is_relative_to(folder) for folder in found):
            yield own


def masks() -> Iterator[Path]:
    """Folders of other people's packages within what is bound: nothing in them can be read by a guest."""
    for bound in _library_folders():
        for name in ("site-packages", "dist-packages"):
            yield from (folder for folder in bound.glob(f"*/{name}") if folder.is_dir() and not folder.is_symlink())


def _uncovered(folder: Path, covered: list[Path]) -> tuple[list[Path], list[Path]]:
    """What Landlock, which only ever allows, must name to leave `covered` out: to be read, and to be listed alone."""
    if not any(mask.is_relative_to(folder) for mask in covered):
        return [folder], []
    readable, listed = list[Path](), [folder]
    for child in folder.iterdir():
        if child not in covered and not child.is_symlink():
            more = _uncovered(child, covered)
            readable += more[0]
            listed += more[1]
    return readable, listed


def _refuse_if_readable() -> None:
    """SandboxRefused when this package lies among what guests may read."""
    bound = any(PACKAGE.is_relative_to(bind.source) for bind in binds())
    if bound and not any(PACKAGE.is_relative_to(mask) for mask in masks()):
        raise SandboxRefused(
            f"generated programs could read this package in {PACKAGE}: install it in a virtual environment outside of "
            "the system's libraries"
        )


def numpy_folders() -> Iterator[Path]:
    """numpy and the libraries it brings along, in the running environment."""
    spec = importlib.util.find_spec("numpy")
    if spec is None or spec.origin is None:
        raise SandboxRefused("numpy is not installed in this environment: install this package with its dependencies")
    folder = Path(spec.origin).parent
    yield folder
    libraries = folder.with_name("numpy.libs")
    if libraries.is_dir():
        yield libraries


@cache
def bubblewrap() -> tuple[str, tuple[int, ...]]:
    """Path and version of bubblewrap; SandboxRefused when there is none."""
    path = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin") or shutil.which("bwrap")
    if path is None:
        raise SandboxRefused("bubblewrap is not installed: run `sudo apt-get install bubblewrap`")
    try:
        shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError as error:
        raise SandboxRefused(
            f"bubblewrap in {path} cannot be run ({error.strerror}): run `sudo apt-get install --reinstall bubblewrap`"
        ) from error
    return path, tuple(int(number) for number in re.findall(r"\d+", shown))


def _walls(layers: Layers, kind: Equipment, listed: list[Bind], sources: list[str]) -> list[str]:
    """bubblewrap's arguments."""
    path, version = bubblewrap()
    words = [path, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--hostname", "guest"]
    if version >= (0, 8) and not _counting(layers, kind):
        words += ["--disable-userns"]
    words += ["--uid", "1000", "--gid", "1000"]
    for bind, source in zip(listed, sources, strict=True):
        words += ["--ro-bind", source, str(bind.target)]
    for link in _links():
        words += ["--symlink", str(link.readlink()), str(link)]
    for mask in masks():
        words += ["--tmpfs", str(mask), "--remount-ro", str(mask)]
    words += ["--dir", "/dev"]
    for device in ("/dev/null", "/dev/zero"):
        words += ["--dev-bind", device, device]
    words += ["--dir", "/tmp", "--remount-ro", "/", "--chdir", "/"]
    if layers.pidns:
        words += ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP"]
    return [*words, "--"]


def _places(kind: Equipment) -> tuple[list[str], list[str]]:
    """Without namespaces: what may be read, and which folders may be listed though not all in them may be read."""
    covered = list(masks())
    found = [_uncovered(bind.source, covered) for bind in binds(kind.profile, kind.packages)]
    readable = [Path("/dev/null"), Path("/dev/zero"), *(path for one, _ in found for path in one)]
    return [*map(str, readable)], [str(path) for _, one in found for path in one]


def _bounds(layers: Layers, kind: Equipment) -> dict[str, object]:
    """What a program finds and may open, so that all else can be told to be an attempt; see `counting.Bounds`."""
    if not layers.namespaces and not (layers.landlock and kernel.landlock_abi()):
        return {"rules": [("", True)], "listed": [], "writable": [""]}
    within = layers.namespaces
    places = [str(bind.target if within else bind.source) for bind in binds(kind.profile, kind.packages)]
    places += [str(link) for link in _links()]
    # Python itself looks through these for any import
    places += ["/site", "/guest"] if within else [str(next(numpy_folders()).parent), str(GUEST)]
    denied = [str(PACKAGE), *map(str, masks())]
    rules = [*((place, True) for place in [*places, *_DEVICES, *_ASKED_FOR]), *((place, False) for place in denied)]
    above = {str(folder) for place in [*places, *_DEVICES, "/tmp/x"] for folder in Path(place).parents} - {"/etc"}
    return {
        "rules": sorted(rules, key=lambda rule: -len(rule[0])),
        "listed": sorted(above) if within else _places(kind)[1],
        "writable": [*_DEVICES, "/tmp"] if kind.files else _DEVICES,
    }


def _links() -> Iterator[Path]:
    """Where the system's libraries are reached by another name."""
    yield from (link for link in (Path("/lib"), Path("/lib64")) if link.is_symlink())


def _counting(layers: Layers, kind: Equipment) -> bool:
    """Whether jobs side by side must have their threads counted apart: those of one zygote, or of one user."""
    return kind.profile == "improver" or not layers.namespaces


def _options(layers: Layers, kind: Equipment, door: int) -> str:
    within, improver = layers.namespaces, kind.profile == "improver"
    site = next(numpy_folders()).parent
    handing: tuple[Handing, ...] = ("nothing", "refused", "opens") if layers.counting else ("nothing",)
    arch = syscalls.machine() if layers.filter else ""
    filters = [syscalls.program(arch, improver, kind.files, one) for one in handing] if layers.filter else []
    return json.dumps(
        {
            "door": door,
            "path": "/site" if within else str(site),
            "only": []
            if within
            else ["numpy", *(path.name.partition(".")[0] for path in packages.folders(kind.packages))],
            "numpy": kind.numpy,
            "improver": improver,
            "tools": tools() if kind.profile == "tool" else [],
            "tools_path": "/tools" if within else str(TOOLS),
            "files": kind.files,
            "pidns": layers.pidns and within,
            "count": layers.filter and _counting(layers, kind),
            "landlock": None if not layers.landlock else (["/"], []) if within else _places(kind),
            "filters": [base64.b64encode(program).decode() for program in filters],
            "opens": syscalls.opens(arch) if layers.filter else {},
            **_bounds(layers, kind),
        }
    )


def start(layers: Layers, kind: Equipment, door: int, errors: int) -> subprocess.Popen[bytes]:
    """Start a zygote; `door` is its end of the door, `errors` where its complaints go.

    The thread that calls must live as long as the zygote should.
    """
    if layers.namespaces or layers.landlock:
        _refuse_if_readable()
    listed = list(binds(kind.profile, kind.packages))
    root = os.geteuid() == 0
    staged = root and layers.namespaces
    sources = [f"/tmp/{i}" if staged else str(bind.source) for i, bind in enumerate(listed)]
    zygote = "/guest/zygote.py" if layers.namespaces else str(GUEST / "zygote.py")
    command = _walls(layers, kind, listed, sources) if layers.namespaces else []
    command += [str(interpreter()), "-S", "-s", "-P", "-B", zygote, _options(layers, kind, door)]
    if root:
        request = {"uid": NOBODY, "binds": [str(bind.source) for bind in listed] if staged else [], "command": command}
        command = [str(interpreter()), "-S", "-s", "-B", str(GUEST / "launch.py"), json.dumps(request)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        pass_fds=(door,),
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
