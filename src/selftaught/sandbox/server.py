"""The host's end of a zygote: starts it, opens lines to it, and ends it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

from selftaught.errors import SandboxFailure, SandboxRefused
from selftaught.sandbox.advice import SEE, mend
from selftaught.sandbox.guest import wire
from selftaught.sandbox.jail import Equipment, Layers, start

_START_S = 60.0


class ServerLost(Exception):
    """The zygote has gone, or no longer answers; a fresh one may be tried."""


class Server:
    """A zygote that serves any number of lines. `found` names the optional layers it could put up."""

    def __init__(self, layers: Layers, kind: Equipment, nursery: ThreadPoolExecutor) -> None:
        # A jail dies with the thread that started it, so all are started by the one thread of the nursery.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door = ours
        self._errors = os.memfd_create("errors")
        try:
            with theirs:
                self.process = nursery.submit(start, layers, kind, theirs.fileno(), self._errors).result()
        except BaseException:
            ours.close()
            os.close(self._errors)
            raise
        ours.settimeout(_START_S)
        try:
            hello = ours.recv(4096)
        except OSError:
            hello = b""
        if not hello:
            complaint = self.complaint()
            self.close()
            known = mend(complaint)
            raise SandboxRefused(f"the jail could not be started: {complaint}{f': {known}' if known else SEE}")
        self.found: list[str] = json.loads(hello)

    def complaint(self) -> str:
        """The last line the jail or the zygote wrote about itself."""
        text = os.pread(self._errors, 1 << 16, 0).decode(errors="replace").strip()
        return text.splitlines()[-1] if text else "no reason was given"

    def line(self) -> socket.socket:
        """A new line; ServerLost when the zygote has gone."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                socket.send_fds(self._door, [b"l"], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise ServerLost from error
        return ours

    def close(self) -> None:
        """End the zygote and all that runs under it."""
        self._door.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(OSError):
            os.close(self._errors)


def finished(message: bytes, output: int) -> int:
    """The peak memory in KiB from a zygote's report; raises when there is none or a child could not be set up."""
    if len(message) != wire.DONE.size:
        raise ServerLost
    ready, peak_kb = wire.DONE.unpack(message)
    if not ready:
        cause = os.pread(output, 1000, 0).decode(errors="replace")
        raise SandboxFailure(f"a job could not be locked in: {cause or 'its process died'}")
    return peak_kb
