"""Notes, within the guest, what a program tries that is not allowed it: by Python's audit events, with what and where.

It is a lower bound. What has been noted is in the pipe of the answers, out of the program's reach; but a program can blind
the hook before it tries something, and a call made by C code causes no event.
"""

from __future__ import annotations

import json
import os
import sys
from _thread import allocate_lock
from collections.abc import Callable, Sequence
from typing import Any

import wire

_ANSWERS = 4
_PROGRAM = "program.py"
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# as they were before a program could change them
_encode, _write = json.JSONEncoder().encode, os.write
WRITING = allocate_lock()
"""Held by whoever writes a frame, so that frames of several threads do not mix."""
Rules = Sequence[tuple[str, bool]]


def _shown(value: Any) -> str:
    """A value of the program's as a text; only types whose methods are not the program's own are asked for one."""
    if type(value) is bytes:
        return value.decode("utf-8", "backslashreplace")
    if type(value) is str:
        return value.encode("utf-8", "backslashreplace").decode()
    if type(value) in (int, float, bool, type(None)):
        return str(value)
    if type(value) in (list, tuple):
        return " ".join(map(_shown, value[:8]))
    return type(value).__name__


class Hook:
    """`seen` is the hook itself; silent until it is told to `begin`. The arguments are those of `counting.Bounds`."""

    def __init__(self, rules: Rules, listed: Sequence[str], writable: Sequence[str], top: Sequence[str]) -> None:
        self._rules, self._listed, self._writable, self._top = rules, listed, writable, top
        self._watched: dict[str, Callable[[Any], str | None]] = {
            **dict.fromkeys(_REFUSED, _all),
            **dict.fromkeys(_LOOKS, self._looked),
            **dict.fromkeys(_CHANGES, self._changed),
            "open": self._opened,
            "import": _imported,
            "socket.__new__": _socket,
            "exec": _run,
            "function.__new__": _run,
            "object.__setattr__": _replaced,
        }
        self._left = 0

    def begin(self) -> None:
        """From here on it is the program that acts, on the next input: it has its own notes."""
        self._left = wire.MOST_NOTES

    def seen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._left:
            watched = self._watched.get(event)
            what = watched(arguments) if watched else None
            if what is not None:
                self._note(event, what)

    def _note(self, event: str, what: str) -> None:
        self._left -= 1
        line, frame = 0, sys._getframe()  # pyright: ignore[reportPrivateUsage]
        while frame is not None and not line:
            line = frame.f_lineno if frame.f_code.co_filename == _PROGRAM else 0
            frame = frame.f_back
        data = _encode([event, what[: wire.LONGEST_NOTE], line]).encode() + b"\n"
        if WRITING.acquire(blocking=False):  # else it goes unnoted, for an answer may be on its way in this very thread
            try:
                _write(_ANSWERS, (wire.NOTE | len(data)).to_bytes(4, "little") + data)
            except OSError:  # the program has closed it
                self._left = 0
            finally:
                WRITING.release()

    def _opened(self, arguments: tuple[Any, ...]) -> str | None:
        path, _, flags = arguments
        return self._out_of_bounds(path, type(flags) is int and flags & _WRITES != 0)

    def _looked(self, arguments: tuple[Any, ...]) -> str | None:
        return self._out_of_bounds(arguments[0], False)

    def _changed(self, arguments: tuple[Any, ...]) -> str | None:
        return self._out_of_bounds(arguments[0], True)

    def _out_of_bounds(self, path: Any, writing: bool) -> str | None:
        """The path when it is none that the program may open so."""
        if type(path) not in (str, bytes) or (not writing and "/" not in _shown(path)):
            return None
        here, shown = os.getcwd(), _shown(path)  # noqa: PTH109 - no pathlib in the guest
        text = os.path.normpath(os.path.join(here, shown))  # noqa: PTH118
        if not writing and here == "/" and shown[:1] != "/" and text[1:].partition("/")[0] not in self._top:
            return None
        allowed = any(_below(text, start) for start in self._writable)
        if not allowed and not writing:
            allowed = text in self._listed or next((one for start, one in self._rules if _below(text, start)), False)
        return None if allowed else _shown(path)


def _below(path: str, start: str) -> bool:
    return path.startswith(start) and path[len(start) : len(start) + 1] in ("", "/")


def _all(arguments: tuple[Any, ...]) -> str:
    return " ".join(map(_shown, arguments))


def _socket(arguments: tuple[Any, ...]) -> str | None:
    """Local ones come in pairs, which an improver may have."""
    family = arguments[1]
    return None if type(family) is int and family == 1 else _all(arguments[1:])


def _run(arguments: tuple[Any, ...]) -> str | None:
    """Code that is run, where it was made of a text that nobody is to run."""
    return wire.HONEY if _holds_honey(arguments[0]) else None


def _replaced(arguments: tuple[Any, ...]) -> str | None:
    """Such code that is put in the place of a function's."""
    return _run(arguments[2:]) if type(arguments[1]) is str and arguments[1] == "__code__" else None


def _holds_honey(code: Any, left: int = 200) -> bool:
    """Whether a code object, or one of a function in it, holds the mark."""
    todo = [code]
    while todo and left:
        one, left = todo.pop(), left - 1
        if type(one) is not _Code:
            continue
        for value in one.co_consts[:1000]:
            if type(value) is str and wire.HONEY in value:
                return True
            if type(value) is _Code:
                todo.append(value)
    return False


_Code = type(_holds_honey.__code__)


def _imported(arguments: tuple[Any, ...]) -> str | None:
    name = _shown(arguments[0])
    return name if name.partition(".")[0] == "selftaught" else None


_LOOKS = ("os.listdir", "os.scandir", "os.chdir", "os.getxattr", "os.listxattr")
_CHANGES = (
    "os.chmod", "os.chown", "os.link", "os.symlink", "os.utime", "os.truncate", "os.mkdir", "os.remove", "os.rename",
    "os.rmdir", "os.setxattr", "os.removexattr",
)  # fmt: skip
"""Events whose first argument is a path that is looked at, or changed."""
_REFUSED = (
    "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.kill", "os.killpg", "pty.spawn",
    "subprocess.Popen", "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg",
    "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sethostname", "signal.pthread_kill",
    "resource.setrlimit", "resource.prlimit", "fcntl.flock", "fcntl.lockf", "os.lockf", "urllib.Request",
)  # fmt: skip
"""Events of what is refused whatever its arguments."""
