"""Linux system calls that Python does not offer, in as few words as the jail needs. Standard library only."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

NEWNS, NEWIPC, NEWUSER, NEWPID = 0x00020000, 0x08000000, 0x10000000, 0x20000000
MS_NOSUID_NODEV, MS_NOEXEC, MS_BIND_REC, MS_PRIVATE_REC = 2 | 4, 8, 4096 | 16384, 1 << 18 | 16384

_PDEATHSIG, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVS, _CAPBSET_DROP, _AMBIENT = 1, 4, 22, 38, 24, 47
_PIDFD_OPEN, _CLOSE_RANGE, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 434, 436, 444, 445, 446
_SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}.get(os.uname().machine, -1)
_LISTENER, _UNTIL_KILLED = 8, 32
_NO_RANDOMIZE = 0x0040000
_LANDLOCK_READ = 4 | 8
# write, remove folders and files, make folders and plain files, move between folders, truncate
_LANDLOCK_WRITE = _LANDLOCK_READ | 2 | 16 | 32 | 128 | 256 | 1 << 13 | 1 << 14
_MAX_FILES = 4096

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.process_vm_readv.restype = ctypes.c_ssize_t
_libc.strstr.restype = _libc.strchr.restype = ctypes.c_void_p
_word = ctypes.c_ulong


def _call(function: str, *arguments: object) -> int:
    result = int(getattr(_libc, function)(*arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{function}: {os.strerror(code)}")
    return result


def _syscall(number: int, *arguments: object) -> int:
    return _call("syscall", ctypes.c_long(number), *arguments)


def _prctl(option: int, first: int = 0, second: int = 0) -> int:
    return _call("prctl", option, _word(first), _word(second), _word(0), _word(0))


def fixed_addresses() -> bool:
    """Ask for an address layout without chance, from the next exec on; False when it is so already."""
    now = _call("personality", _word(0xFFFFFFFF))
    if now & _NO_RANDOMIZE:
        return False
    _call("personality", _word(now | _NO_RANDOMIZE))
    return True


def die_with_parent() -> None:
    """Have this process killed when the thread that made it ends."""
    _prctl(_PDEATHSIG, 9)


def hide_memory() -> None:
    """No core, no tracing by processes that are not privileged."""
    _prctl(_DUMPABLE, 0)


def show_memory() -> None:
    """Let the parent read this process's memory, though nothing within a jail can."""
    _prctl(_DUMPABLE, 1)


def no_new_privileges() -> None:
    """No set-uid program gives anything from now on; the condition for filters without privilege."""
    _prctl(_NO_NEW_PRIVS, 1)


def unshare(namespaces: int) -> None:
    _call("unshare", namespaces)


def setns(fd: int, namespaces: int) -> None:
    _call("setns", fd, namespaces)


def pidfd_open(pid: int) -> int:
    return _syscall(_PIDFD_OPEN, pid, 0)


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind, options)]
    _call("mount", texts[0], texts[1], texts[2], _word(flags), texts[3])


def private_folder(path: str, size: int) -> None:
    """Cover `path` with an empty folder of at most `size` bytes, for this process and its children alone.

    Needs the right to mount. The folder is gone with the last process that sees it.
    """
    unshare(NEWNS)
    mount("none", "/", None, MS_PRIVATE_REC)
    mount("none", path, "tmpfs", MS_NOSUID_NODEV | MS_NOEXEC, f"mode=700,size={size},nr_inodes={_MAX_FILES}")


def close_from(fd: int, last: int = 0xFFFFFFFF) -> None:
    """Close every descriptor from `fd` on, up to `last`."""
    _syscall(_CLOSE_RANGE, ctypes.c_uint(fd), ctypes.c_uint(last), 0)


def bound_capabilities() -> None:
    """Empty the ambient and the bounding set: nothing executed later can gain a capability."""
    _prctl(_AMBIENT, 4)
    for capability in range(64):
        try:
            _prctl(_CAPBSET_DROP, capability)
        except OSError:
            return


_NO_CAPABILITIES = (
    ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0)),
    ctypes.create_string_buffer(24),
)


def drop_capabilities() -> None:
    _call("capset", *_NO_CAPABILITIES)


class Filter:
    """A system call filter, laid out for the kernel."""

    def __init__(self, program: bytes) -> None:
        self._steps = ctypes.create_string_buffer(program, len(program))
        self._head = ctypes.create_string_buffer(
            struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(self._steps))
        )

    def install(self) -> None:
        """Filter this thread and all it makes, for good. Needs `no_new_privileges`."""
        _call("prctl", _SECCOMP, _word(2), ctypes.byref(self._head), _word(0), _word(0))

    def listen(self) -> int:
        """The same, for a filter that hands calls over: the descriptor by which they are answered."""
        try:
            return _syscall(_SECCOMP_CALL, 1, _LISTENER | _UNTIL_KILLED, ctypes.byref(self._head))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return _syscall(_SECCOMP_CALL, 1, _LISTENER, ctypes.byref(self._head))  # Linux before 5.19


def address(data: bytearray) -> bytes:
    """Where these bytes lie, as eight bytes."""
    return struct.pack("Q", ctypes.addressof((ctypes.c_char * len(data)).from_buffer(data)))


class Reader:
    """A path, or a few flags, in another process's memory, looked at in place: nothing of it becomes an object of Python's."""

    def __init__(self, size: int) -> None:
        self._text = ctypes.create_string_buffer(size + 1)
        self._to = (ctypes.c_size_t * 2)(ctypes.addressof(self._text), size)
        self._from = bytearray(struct.pack("QQ", 0, size))
        self._shown = (ctypes.c_char * 16).from_buffer(self._from)

    def read(self, pid: int, address: memoryview) -> bool:
        """Take in what lies at this address (eight bytes); False when nothing can be read there."""
        memoryview(self._from)[:8] = address
        return _libc.process_vm_readv(pid, self._to, _word(1), self._shown, _word(1), _word(0)) > 0

    def wipe(self) -> None:
        ctypes.memset(self._text, 0, len(self._text))
        ctypes.memset(self._shown, 0, 8)

    def absolute(self) -> bool:
        return self._text[0] == b"/"

    def bare(self) -> bool:
        """Whether it is a name and no more, other than that of the folder above."""
        return not _libc.strchr(self._text, ord("/")) and bool(_libc.strcmp(self._text, b".."))

    def rises(self) -> bool:
        """Whether it goes up on its way, from where it begins or later."""
        return self.begins(b"..") or self.climbs()

    def has(self, place: int, bits: int) -> bool:
        """Whether some of these bits are set in the byte at this place."""
        return bool(self._text[place][0] & bits)

    def climbs(self) -> bool:
        """Whether it goes up again on its way."""
        return bool(_libc.strstr(self._text, b"/.."))

    def settled(self, home: bytes) -> bool:
        """Whether it goes up nowhere. Below `home`, a folder in which nothing is a link, its steps up are taken away first: so
        libraries name those that lie beside them."""
        if not self.climbs():
            return True
        text, to, at = self._text, len(home), len(home)
        if not self.below(home):
            return False
        kept: list[int] = []
        while text[at] != b"\0":
            at += 1  # a slash
            begin = at
            while text[at] not in (b"/", b"\0"):
                at += 1
            up = at - begin == 2 and text[begin] == text[begin + 1] == b"."
            if up and not kept:
                return False
            if up:
                to = kept.pop()
            elif at - begin > 1 or (at > begin and text[begin] != b"."):
                kept.append(to)
                ctypes.memmove(ctypes.byref(text, to), ctypes.byref(text, begin - 1), at - begin + 1)
                to += at - begin + 1
        text[to] = b"\0"
        return True

    def begins(self, start: bytes) -> bool:
        return not _libc.strncmp(self._text, start, _word(len(start)))

    def leads_to(self, name: bytes) -> bool:
        """Whether it begins with this name, after steps to where it is."""
        at = 0
        while self._text[at] == b"/" or (self._text[at] == b"." and self._text[at + 1] in (b"/", b"\0")):
            at += 1
        held = all(self._text[at + i][0] == one for i, one in enumerate(name))
        return held and self._text[at + len(name)] in (b"/", b"\0")

    def below(self, start: bytes) -> bool:
        return self.begins(start) and self._text[len(start)] in (b"/", b"\0")

    def equals(self, path: bytes) -> bool:
        return not _libc.strcmp(self._text, path)


def landlock_abi() -> int:
    """The kernel's Landlock version; 0 when there is none."""
    try:
        return _syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    except OSError:
        return 0


def landlock(readable: list[str], listed: list[str], writable: list[str]) -> None:
    """Allow reading, listing and writing below these paths and no other access to files, no TCP, no signals or sockets
    outwards.

    From here on nothing can be mounted.
    """
    abi = landlock_abi()
    files = (1 << 13) - 1 | (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    rules = struct.pack("QQQ", files, 3 * (abi >= 4), 3 * (abi >= 6))[:size]
    ruleset = _syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(size), 0)
    for path in readable:
        right = _LANDLOCK_READ if os.path.isdir(path) else 4  # noqa: PTH112 - pathlib is slow to import
        _landlock_allow(ruleset, path, right)
    for path in listed:
        _landlock_allow(ruleset, path, 8)
    for path in writable:
        _landlock_allow(ruleset, path, _LANDLOCK_WRITE & files)
    no_new_privileges()
    _syscall(_LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)


def _landlock_allow(ruleset: int, path: str, right: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    _syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", right, fd), 0)
    os.close(fd)
