"""The sandbox itself: slots that compute, one server for improvers, payloads in and outcomes out."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import select
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic

from selftaught.errors import SandboxFailure, SandboxRefused
from selftaught.sandbox import HostFunction, Job, Look, Outcome, Profile, advice
from selftaught.sandbox.calls import Desk
from selftaught.sandbox.guest import wire
from selftaught.sandbox.jail import Equipment, Layers
from selftaught.sandbox.papers import Frames, Papers
from selftaught.sandbox.probes import prove
from selftaught.sandbox.reader import outcomes, wall_s
from selftaught.sandbox.server import Server, ServerLost, finished

_log = logging.getLogger("selftaught.sandbox")
_FOREVER_NS = 1 << 62
_NET_S = 10.0
"""What the host grants a zygote beyond all limits of a job before it counts as stuck."""
LOOK_S = 0.5
"""How often it is looked, while a job is at work, whether it is to go on."""
_FORK_S = 1.0
"""And for each input, which may need a process of its own."""


def _kind(job: Job) -> Equipment:
    return Equipment(job.profile, "numpy" in job.program, job.limits.files_mb > 0, job.packages)


def _header(job: Job) -> bytes:
    limits = job.limits
    wall_ns = int(wall_s(limits) * 1e9) if job.profile != "improver" else _FOREVER_NS
    output = wire.TOTAL_OUTPUT * 1024 * limits.output_kb
    # the guest's frame around an answer takes a few bytes more
    answer = limits.answer_kb * 1024 + 64
    sizes = (limits.memory_mb << 20, output, answer, limits.files_mb << 20)
    return wire.JOB.pack(len(job.inputs), int(limits.cpu_s * 1e9), wall_ns, *sizes)


class Slot:
    """One place to compute: a zygote of each kind that was asked for, with its line."""

    def __init__(self) -> None:
        self.servers: dict[Equipment, tuple[Server, socket.socket]] = {}

    def drop(self, kind: Equipment) -> None:
        """End a server, unless somebody else just did."""
        server, line = self.servers.pop(kind, (None, None))
        if server and line:
            line.close()
            server.process.kill()
            server.close()


class Pool:
    """A sandbox of one level. Closed at the end of a `with` block; all its processes end with this one."""

    def __init__(self, level: str, layers: Layers, slots: int) -> None:
        self.level = level
        self.layers = layers
        self.slots = slots
        self.restarts = 0
        """How many zygotes were lost and replaced."""
        self._nursery = ThreadPoolExecutor(1, "nursery")
        self._all = [Slot() for _ in range(slots)]
        self._frames = Frames()
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in self._all:
            self._free.put(slot)
        self._improvers: dict[Equipment, Server] = {}
        self._lock = threading.Lock()
        self._proved: set[tuple[Profile, bool]] = set()
        """Tools, and profiles with files, that were attacked and held."""
        self._proving = threading.Lock()
        self._closed = False

    def run(
        self, job: Job, functions: Mapping[str, HostFunction] | None = None, look: Look | None = None
    ) -> tuple[Outcome, ...]:
        """One outcome per input; see the seam."""
        if len(job.seeds) != len(job.inputs):
            raise ValueError("a job needs one seed for each input")
        if not job.inputs:
            return ()
        if functions and job.profile != "improver":
            raise ValueError("host functions are for improvers")
        if job.profile == "improver" and len(job.inputs) != 1:
            raise ValueError("an improver is run on one input")
        if job.limits.files_mb or job.profile == "tool":
            self._prove(job.profile, job.limits.files_mb > 0)
        return self._dispatch(job, functions, look)

    def _dispatch(
        self, job: Job, functions: Mapping[str, HostFunction] | None = None, look: Look | None = None
    ) -> tuple[Outcome, ...]:
        return self._improve(job, functions or {}, look) if job.profile == "improver" else self._compute(job, look)

    def _prove(self, profile: Profile, files: bool) -> None:
        """Prove what not every run needs when it is first asked for, so that the others do not pay; SandboxRefused."""
        with self._proving:
            if self.level != "none" and (profile, files) not in self._proved:
                server = self.server(profile, files)
                prove(self._dispatch, profile, self.level, server.process.pid, files)
                self._proved.add((profile, files))

    def server(self, profile: Profile, files: bool = False) -> Server:
        """A server of this profile, started when there is none."""
        kind = Equipment(profile, files=files)
        if profile == "improver":
            self._improver_line(kind).close()
            return self._improvers[kind]
        slot = self._free.get()
        try:
            return self._line(slot, kind)[0]
        finally:
            self._free.put(slot)

    def servers(self) -> list[Server]:
        """Every server that runs now."""
        return [server for slot in self._all for server, _ in slot.servers.values()] + [*self._improvers.values()]

    def found(self) -> list[str]:
        """The optional layers that are up, around functions or improvers."""
        return [*dict.fromkeys(self.server("function").found + self.server("improver").found)]

    def close(self) -> None:
        """End every process of the sandbox; jobs that still run end with SandboxFailure."""
        self._closed = True
        for slot in self._all:
            for kind in list(slot.servers):
                slot.drop(kind)
        while self._improvers:
            self._improvers.popitem()[1].close()
        self._nursery.shutdown()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _start(self, kind: Equipment) -> Server:
        if self._closed:
            raise SandboxFailure("the sandbox is closed")
        if kind.files and not self.layers.namespaces:
            raise SandboxRefused(f"level {self.level} cannot give a program files of its own: use level strict")
        server = Server(self.layers, kind, self._nursery)
        if kind.files and wire.FILES not in server.found:
            server.close()
            raise SandboxRefused(f"this machine does not allow a program files of its own: {advice.files()}")
        if self.level == "confined" and "landlock" not in server.found:
            server.close()
            raise SandboxRefused(f"level {self.level} needs Landlock, which this kernel does not offer")
        return server

    def _line(self, slot: Slot, kind: Equipment) -> tuple[Server, socket.socket]:
        if kind not in slot.servers:
            server = self._start(kind)
            try:
                slot.servers[kind] = (server, server.line())
            except ServerLost:
                server.close()
                raise
        return slot.servers[kind]

    def _compute(self, job: Job, look: Look | None) -> tuple[Outcome, ...]:
        slot = self._free.get()
        try:
            try:
                return self._exchange(job, slot, look)
            except ServerLost:
                if not self._closed:  # what goes with its pool was not lost
                    self._report_loss()
            try:
                return self._exchange(job, slot, look)
            except ServerLost:
                raise SandboxFailure("the sandbox's server died twice on the same job") from None
        finally:
            self._free.put(slot)

    def _report_loss(self) -> None:
        with self._lock:
            self.restarts += 1
        _log.warning("a sandbox server was lost; its job is run once more on a fresh one")

    def _exchange(self, job: Job, slot: Slot, look: Look | None) -> tuple[Outcome, ...]:
        kind = _kind(job)
        _, line = self._line(slot, kind)
        with Papers(job, self._frames) as files:
            reading_s = os.fstat(files[0]).st_size * wire.READING_NS / 1e9
            line.settimeout((wall_s(job.limits) + _FORK_S) * len(job.inputs) + reading_s + _NET_S)
            try:
                socket.send_fds(line, [_header(job)], files)
                message = _heard(line, look)
            except OSError:
                message = b""
            except BaseException:
                slot.drop(kind)
                raise
            if not message:
                slot.drop(kind)
            peak_kb = finished(message, files[2])
            return outcomes(files[1], len(job.inputs), peak_kb, job.limits, job.exact)

    def _improver_line(self, kind: Equipment) -> socket.socket:
        with self._lock:
            if kind in self._improvers:
                try:
                    return self._improvers[kind].line()
                except ServerLost:
                    self._improvers.pop(kind).close()
                    self.restarts += 1
            self._improvers[kind] = self._start(kind)
            return self._improvers[kind].line()

    def _drop_improvers(self, kind: Equipment, server: Server | None) -> None:
        """A server that did not answer serves nobody any more: the next improver gets a fresh one."""
        with self._lock:
            if server is not None and self._improvers.get(kind) is server:
                del self._improvers[kind]
                self.restarts += 1
                server.process.kill()
                server.close()

    def _improve(self, job: Job, functions: Mapping[str, HostFunction], look: Look | None) -> tuple[Outcome, ...]:
        ours, theirs = socket.socketpair()
        with ours, theirs, Papers(job, self._frames) as files, self._improver_line(_kind(job)) as line:
            desk = Desk(ours, functions, lambda: _hang_up(line))
            server = self._improvers.get(_kind(job))
            try:
                socket.send_fds(line, [_header(job)], [*files, theirs.fileno()])
                theirs.close()
                late = _attend(line, ours, desk, wall_s(job.limits), look)
                peak_kb = finished(line.recv(wire.DONE.size), files[2])
            except (ServerLost, OSError):
                self._drop_improvers(_kind(job), server)
                lost = SandboxFailure("the sandbox's server for improvers was lost; run the improver again")
                raise desk.failure or lost from None
            finally:
                _hang_up(line)
                desk.close()
            if desk.failure is not None:
                raise desk.failure
            (outcome,) = outcomes(files[1], 1, peak_kb, job.limits)
        return (_amended(outcome, late, desk.breach, job),)


def _hang_up(line: socket.socket) -> None:
    """Have the zygote end the line's job; its report can still be read."""
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_WR)


def _heard(line: socket.socket, look: Look | None) -> bytes:
    """What a server reports of a job; `look` is called now and then until it does. OSError when it takes too long."""
    until = monotonic() + (line.gettimeout() or 0.0)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    while look and not poll.poll(LOOK_S * 1000):
        look()
        if monotonic() >= until:
            raise TimeoutError
    return line.recv(wire.DONE.size)


def _attend(line: socket.socket, calls: socket.socket, desk: Desk, wall: float, look: Look | None) -> bool:
    """Serve an improver until its report lies in `line`; whether it had to be ended for the wall limit."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(calls, select.POLLIN)
    begin = looked = monotonic()
    late, listening, lost_at = False, True, 0.0
    while True:
        now, ended = monotonic(), late or desk.ended
        lost_at = lost_at or now + _NET_S if ended else 0.0
        left = (lost_at if ended else begin + wall + desk.waited()) - now
        ready = {fd for fd, _ in poll.poll(max(min(left, LOOK_S), 0) * 1000)}
        if line.fileno() in ready:
            return late
        if look and monotonic() - looked >= LOOK_S:
            looked = monotonic()
            look()
        if ended and not ready and monotonic() >= lost_at:
            raise ServerLost
        heard = calls.fileno() in ready and desk.read()
        if not late and wall + desk.waited() < monotonic() - begin:
            late = True
            _hang_up(line)
        if listening and ((calls.fileno() in ready and not heard) or late or desk.ended):
            poll.unregister(calls)
            listening = False


def _amended(outcome: Outcome, late: bool, breach: str, job: Job) -> Outcome:
    """The outcome with the host's own reason, when it was the host that ended the job."""
    if breach:
        return replace(outcome, kind="killed", answer=None, error=f"ended for its remote calls: it {breach}")
    if late:
        return replace(
            outcome, kind="time", answer=None, error=f"took longer than {wall_s(job.limits):g} s by the clock"
        )
    return outcome
