"""The system call filter, run step by step: which calls pass, on both architectures."""

from __future__ import annotations

import ctypes
import ctypes.util
import struct

import pytest

from selftaught.errors import SandboxRefused
from selftaught.sandbox import filter as calls
from selftaught.sandbox.guest.wire import PLACE
from selftaught.sandbox.syscalls import REFUSED, syscall

ALLOW, KILL, EPERM, EAGAIN, ENOSYS, HAND = 0x7FFF0000, 0x80000000, 0x00050001, 0x0005000B, 0x00050026, 0x7FC00000
QUIET = 0x0005000D
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """What the kernel would do: a small interpreter of the few instructions the filter uses."""
    data = struct.pack("=iIQ6Q", number, arch, 0, *(arguments + (0,) * 6)[:6])
    steps = list(struct.iter_unpack("HBBI", program))
    at, value = 0, 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code == 0x20:
            (value,) = struct.unpack_from("=I", data, k)
        elif code == 0x06:
            return k
        else:
            holds = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[code]
            at += yes if holds else no


@pytest.mark.parametrize("arch", sorted(ARCH))
@pytest.mark.parametrize("improver", [False, True])
@pytest.mark.parametrize("files", [False, True])
def test_exactly_the_listed_calls_pass(arch: str, improver: bool, files: bool) -> None:
    program = calls.program(arch, improver, files)
    listed = set(calls.calls(calls.TABLE + (calls.FILES if files else ""), arch).values())
    checked = set(calls.calls(calls.CHECKED + calls.IMPROVER, arch).values())
    for number in range(1024):
        expected = ALLOW if number in listed else EPERM
        if number not in checked:
            assert verdict(program, ARCH[arch], number) == expected, number


@pytest.mark.parametrize("arch", sorted(ARCH))
def test_checked_calls_pass_with_harmless_arguments_only(arch: str) -> None:
    number = calls.calls(calls.CHECKED + calls.IMPROVER, arch)

    def run(name: str, *arguments: int, improver: bool = True) -> int:
        return verdict(calls.program(arch, improver, files=True), ARCH[arch], number[name], *arguments)

    assert run("clone", 0x3D0F00) == ALLOW
    for flags in (0x11, 0x4011, 0x3D0F00 | 0x10000000, 0x3D0F00 | 0x20000, 0x10000 | 0x80):
        assert run("clone", flags) == EPERM
    assert run("clone3") == ENOSYS
    assert [run("fcntl", 1, command) for command in (0, 1, 2, 3, 4, 1030)] == [ALLOW] * 6
    assert [run("fcntl", 1, command) for command in (5, 8, 10, 15, 1024, 1033, 1032)] == [EPERM] * 7
    assert run("ioctl", 1, 0x5401) == ALLOW
    assert run("ioctl", 1, 0x5412) == EPERM
    assert [run("prctl", 15), run("prctl", 22), run("prctl", 1), run("prctl", 4)] == [ALLOW, EPERM, EPERM, EPERM]
    assert run("prlimit64", 0, 7, 0, 4096) == ALLOW
    assert [run("prlimit64", 5, 7, 0), run("prlimit64", 0, 7, 1), run("prlimit64", 0, 7, 1 << 32)] == [EPERM] * 3
    assert [run("socketpair", 1), run("socketpair", 2), run("socketpair", 16)] == [ALLOW, EPERM, EPERM]
    assert [run("sendto", 3, 1, 1, 0, 0), run("sendto", 3, 1, 1, 0, 1 << 40)] == [ALLOW, EPERM]
    for name in ("socketpair", "sendto", "recvfrom", "getsockname"):
        assert run(name, 1, improver=False) == EPERM


@pytest.mark.parametrize("arch", sorted(ARCH))
def test_futexes_reach_no_other_process(arch: str) -> None:
    number = calls.calls(calls.CHECKED, arch)["futex"]
    program = calls.program(arch, improver=True, files=False)
    found = {op: verdict(program, ARCH[arch], number, 0, op) for op in range(1024)}
    assert {op for op, what in found.items() if what == ALLOW} == {128, 129, 131, 132, 133, 137, 138, 393}
    # how the C library joins a thread, by its versions: it looks again
    assert {op for op, what in found.items() if what == EAGAIN} == {0, 9, 265}
    assert set(found.values()) == {ALLOW, EAGAIN, EPERM}


FORBIDDEN = {
    "x86_64": {"chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92, "fchown": 93, "link": 86, "linkat": 265, "symlink": 88,
        "symlinkat": 266, "mknod": 133, "mknodat": 259, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
        "utimensat": 280, "setxattr": 188, "renameat2": 316, "execve": 59, "execveat": 322, "unshare": 272, "setns": 308},
    "aarch64": {"fchmod": 52, "fchmodat": 53, "fchownat": 54, "linkat": 37, "symlinkat": 36, "mknodat": 33, "mount": 40,
        "umount2": 39, "pivot_root": 41, "chroot": 51, "utimensat": 88, "setxattr": 5, "renameat2": 276, "execve": 221,
        "execveat": 281, "unshare": 97, "setns": 268},
}  # fmt: skip


@pytest.mark.parametrize("arch", sorted(ARCH))
def test_files_bring_no_modes_owners_links_mounts_or_programs(arch: str) -> None:
    program = calls.program(arch, improver=True, files=True)
    passed = [name for name, number in FORBIDDEN[arch].items() if verdict(program, ARCH[arch], number) != EPERM]
    assert passed == []
    assert verdict(program, ARCH[arch], calls.calls(calls.FILES, arch)["unlinkat"]) == ALLOW


@pytest.mark.parametrize("arch", sorted(ARCH))
@pytest.mark.parametrize("improver", [False, True])
@pytest.mark.parametrize("files", [False, True])
def test_a_filter_that_hands_over_lets_nothing_else_pass(arch: str, improver: bool, files: bool) -> None:
    plain, refused, opens = (calls.program(arch, improver, files, one) for one in ("nothing", "refused", "opens"))
    sendmsg = calls.calls("sendmsg 46 211", arch)["sendmsg"]
    assert set(calls.opens(arch)) == set(calls.calls("open 2 - / openat 257 56 / chdir 80 49", arch).values())
    looked_at = {sendmsg, *calls.calls(calls.CHECKED + calls.IMPROVER, arch).values()}
    several = ((), (0x3D0F00,), (1, 0), (1, 128), (1, 1033), (PLACE,), (PLACE + 1,), (PLACE | 1 << 32,))
    for number in range(480):
        for arguments in several if number in looked_at else ((),):
            found = [verdict(one, ARCH[arch], number, *arguments) for one in (plain, refused, opens)]
            if number == sendmsg:
                assert found == [EPERM, *[ALLOW if arguments and arguments[0] & 0xFFFFFFFF == PLACE else HAND] * 2]
                continue
            quiet = found[0] == EPERM and found[1] == QUIET
            assert not quiet or number in calls._to_itself(arch)
            assert quiet or found[1] == (HAND if found[0] == EPERM else found[0])
            looked_into = {*calls.opens(arch), calls.calls(calls._SPAWNS, arch)["clone3"]}
            assert found[2] == (HAND if number in looked_into else found[1])


@pytest.mark.parametrize("arch", sorted(ARCH))
def test_what_a_program_asks_of_itself_is_refused_without_a_count_and_of_others_with_one(arch: str) -> None:
    number = calls.calls(calls._OF_ITSELF + " / " + calls._BY_NUMBER, arch)
    program = calls.program(arch, False, False, "opens")
    for name in ("getgroups", "getresuid", "rt_sigpending"):
        assert verdict(program, ARCH[arch], number[name]) == QUIET
    for name in ("getpgid", "getsid", "sched_getscheduler"):
        assert verdict(program, ARCH[arch], number[name], 0) == QUIET
        assert verdict(program, ARCH[arch], number[name], 1) == verdict(program, ARCH[arch], number[name], 7) == HAND


def test_a_call_is_named_once() -> None:
    for arch in ARCH:
        tables = [calls.calls(one, arch) for one in (calls.TABLE, calls.CHECKED, calls.IMPROVER, calls.FILES, REFUSED)]
        numbers = [number for table in tables for number in table.values()]
        assert len(numbers) == len(set(numbers))
    assert (syscall(1023), syscall(1022)) == ("a call without a name", "call 1022")


def test_foreign_abis_kill() -> None:
    program = calls.program("x86_64", improver=False, files=False)
    assert verdict(program, 0x40000003, 1) == KILL
    assert verdict(program, ARCH["aarch64"], 64) == KILL
    assert verdict(program, ARCH["x86_64"], 0x40000000 | 1) == KILL
    assert verdict(program, ARCH["x86_64"], -1) == KILL


@pytest.mark.parametrize("arch", sorted(ARCH))
def test_the_numbers_are_those_of_libseccomp(arch: str) -> None:
    library = ctypes.util.find_library("seccomp")
    if library is None:
        pytest.skip("libseccomp is not installed")
    resolve = ctypes.CDLL(library).seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    table = calls.calls(calls.TABLE + calls.CHECKED + calls.IMPROVER + calls.FILES + REFUSED, arch)
    assert len(table) > 70
    assert {name: resolve(ARCH[arch], name.encode()) for name in table} == table


def test_an_unknown_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(SandboxRefused, match="not riscv64"):
        calls.machine()
