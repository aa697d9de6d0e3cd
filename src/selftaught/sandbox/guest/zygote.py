"""The fork server inside the jail: one process that forks a locked child per job and watches it from outside.

It never sees programs, inputs or answers: the kernel moves them between files and pipes. So nothing of one job is in the
memory that the next inherits. It trusts its children with nothing: it clocks them, hands inputs over one by one, takes
each answer out of their reach before the next input goes in, and kills.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib is slow to import

import counting
import kernel
import locking
import runner
import wire
from locking import ANSWERS, FIRST_FREE, OUT, Setup

_IN = 0
_SET_UP_NS = 10_000_000_000
"""What a child may take until it is locked in; the clocks of its input start then."""


class Child:
    """One forked process that works on the inputs of a job, from some input on."""

    def __init__(self, job: Work, setup: Setup) -> None:
        setup.born += 1
        self.number = setup.born
        self.counter: counting.Counter | None = None
        self._setup = setup
        inputs, self.inputs = os.pipe()
        self.answers, answers = os.pipe()
        try:
            if setup.pidns is not None:
                kernel.setns(setup.pidns, kernel.NEWPID)
                kernel.unshare(kernel.NEWPID)
            self.pid = os.fork()
        except OSError:
            for fd in (inputs, self.inputs, self.answers, answers):
                os.close(fd)
            raise
        if self.pid == 0:
            _be_child(job, setup, self.number, inputs, answers)
        os.close(inputs)
        os.close(answers)
        os.set_blocking(self.inputs, False)
        # The zygote must never wait for a child: it would watch no clock meanwhile.
        os.set_blocking(self.answers, False)
        self.clock = ~self.pid << 3 | 2

    def cpu_ns(self) -> int:
        """CPU time of the child so far, read from outside."""
        return time.clock_gettime_ns(self.clock)

    def listen(self, moves: bool) -> None:
        """Get hold of the calls that its filter hands over, once it is locked in; `moves` as for a `Counter`."""
        setup = self._setup
        listener = setup.handover.take(self.number) if setup.handover else None
        if listener is not None:
            self.counter = counting.Counter(listener, self.pid, setup.bounds, setup.opens, moves)

    def end(self) -> tuple[int, int, int]:
        """Kill and bury: its wait status, its peak memory in KiB, its CPU time in ns. `close` is to follow."""
        os.kill(self.pid, signal.SIGKILL)
        _, status, used = os.wait4(self.pid, 0)
        return status, used.ru_maxrss, int((used.ru_utime + used.ru_stime) * 1e9)

    def close(self) -> None:
        """Let go of what is left of it."""
        if self.counter is None:
            self.listen(False)  # it may have died after it had handed its listener over
        for fd in (self.inputs, self.answers, *([self.counter.listener] if self.counter else [])):
            os.close(fd)


def _be_child(job: Work, setup: Setup, number: int, inputs: int, answers: int) -> None:
    try:
        # opened anew: the flags of a file that was opened once for all would carry bits from job to job
        nothing = os.open("/dev/null", os.O_RDONLY)
        wanted = [(nothing, _IN), (job.output, OUT), (job.output, 2), (inputs, 3), (answers, ANSWERS)]
        for fd, place in [*wanted, (job.calls, 5)] if job.calls is not None else wanted:
            os.dup2(fd, place)
        if job.calls is None:
            os.close(5)
        setup.lock(number, job.address_space, job.max_output, job.files, job.cpu_s_left())
    except BaseException as error:  # noqa: BLE001 - told to the host, which takes it for the sandbox's own failure
        os.write(OUT, f"{type(error).__name__}: {error}"[:1000].encode())
        os._exit(1)
    try:
        runner.serve(setup.objects, setup.hook)
    finally:
        os._exit(0)


class Work:
    """One job on its way: its children one after the other, its records, the hand-over of inputs and answers."""

    def __init__(self, header: bytes, fds: list[int]) -> None:
        self.payload, self.results, self.output = fds[:3]
        self.calls = fds[3] if len(fds) > 3 else None
        self.n, self.cpu_ns, self.wall_ns, *sizes = wire.JOB.unpack(header)
        self.address_space, self.max_output, self.max_answer, self.files = sizes
        index = os.pread(self.payload, wire.SIZE.size * (self.n + 1), 0)
        self.sizes = [size for (size,) in wire.SIZE.iter_unpack(index)]
        self.offset = len(index) + self.sizes[0]
        self.records = bytearray()
        self.end_of_results = wire.RECORD.size * self.n
        self.left_for_answers = self.max_answer * wire.TOTAL_ANSWERS
        self.printed = 0
        self.done = 0
        self.peak_kb = 0
        self.noted = 0
        self.child: Child | None = None

    def cpu_s_left(self) -> int:
        """The kernel's own CPU limit for a child, in its whole seconds: a net below the zygote's.

        Far below, for the kernel counts here by ticks, which are off by a quarter on a busy machine.
        """
        reading = wire.READING_NS * sum(self.sizes[self.done + 1 :])
        return (2 * self.cpu_ns * (self.n - self.done) + reading) // 1_000_000_000 + 5

    def start(self, setup: Setup) -> Child:
        """Fork a child for the inputs that are left, and hand it the program and the first of them."""
        self.child = child = Child(self, setup)
        start = wire.SIZE.size * (self.n + 1)
        self.cpu_base = 0
        self.begun = False
        if self.done == 0:
            self.handing = [(start, self.sizes[0] + self.sizes[1])]
        else:
            self.handing = [(start, self.sizes[0]), (self.offset, self.sizes[self.done + 1])]
        self.begin_input()
        self.check_at = self.wall_base + _SET_UP_NS + wire.READING_NS * self.sizes[self.done + 1]
        return child

    def apart(self) -> bool:
        """Whether the next input is for another process than the one before: either is large."""
        return max(self.sizes[self.done : self.done + 2]) > wire.LARGE

    def begin_input(self) -> None:
        self.head = b""
        self.body = -1
        self.size = 0
        self.noted = self.frames = 0
        self._start_clock(time.monotonic_ns())

    def _start_clock(self, now: int) -> None:
        self.wall_base = now
        self.check_at = now + min(self.cpu_ns, self.wall_ns)

    def hand_over(self) -> bool:
        """Move what the pipe takes of the input; whether there is more."""
        assert self.child
        while self.handing:
            start, size = self.handing[0]
            try:
                moved = os.splice(self.payload, self.child.inputs, size, offset_src=start)
            except BlockingIOError:
                return True
            except BrokenPipeError:
                return False
            self.handing[0] = (start + moved, size - moved)
            if moved == size:
                self.handing.pop(0)
        return False

    def take(self) -> int | None:
        """Move what there is of the answer; how the input ended, when it has."""
        assert self.child
        try:
            if not self.begun:
                ready = os.read(self.child.answers, wire.READY.size)
                if not ready:
                    return wire.ENDED
                self.cpu_base, now = wire.READY.unpack(ready)
                self._start_clock(now)
                self.begun = True
                self.child.listen(self.files > 0)
            return self._take(self.child.answers)
        except BlockingIOError:
            return None

    def _take(self, answers: int) -> int | None:
        """Move frames to the results: notes, as far as they go, then the answer."""
        while True:
            if self.body < 0:
                ending = self._open_frame(answers)
                if self.body < 0 or ending is not None:
                    return ending
            while self.body:
                moved = os.splice(
                    answers, self.results, self.body, offset_dst=self.end_of_results, flags=os.SPLICE_F_NONBLOCK
                )
                if not moved:
                    return wire.ENDED
                self.end_of_results += moved
                self.body -= moved
            if not self._noting():
                return wire.ANSWERED
            self.noted += self.size
            self.head, self.body, self.size = b"", -1, 0

    def _open_frame(self, answers: int) -> int | None:
        """Read how large the next frame is, and of what kind; how the input ended, when there is none or it is too large."""
        data = os.read(answers, 4 - len(self.head))
        self.head += data
        if not data:
            return wire.ENDED
        if len(self.head) < 4:
            return None
        self.body = self.size = int.from_bytes(self.head, "little") & ~wire.NOTE
        self.frames += 1
        ending = self._unfit()
        if ending is not None:
            self.body = self.size = 0
        return ending

    def _unfit(self) -> int | None:
        """Why the frame that was opened is not taken. The runner keeps to the limit of one answer: a larger one is forged."""
        most = wire.ALL_NOTES - self.noted if self._noting() else self.max_answer
        if self.size > most or self.frames > 2 * wire.MOST_NOTES:
            return wire.FORGED
        return wire.TOO_LARGE if not self._noting() and self.size > self.left_for_answers else None

    def _noting(self) -> bool:
        """Whether the frame that was opened is a note."""
        return int.from_bytes(self.head, "little") >= wire.NOTE

    def answer_call(self, counter: counting.Counter) -> None:
        """Answer a call that the filter handed over: what that is charged brings the next look at the clocks nearer, or a
        program whose calls are answered faster than they are charged would go on past its time."""
        counter.answer()
        self.check_at -= counting.CHARGE_NS

    def overdue(self, now: int) -> int | None:
        """Whether the input is over its time, by its CPU clock or by the wall; sets when to look again."""
        assert self.child
        if not self.begun:
            os.write(self.output, b"it could not be set up in time")
            return wire.ENDED
        cpu_left = self.cpu_ns - (self.child.cpu_ns() - self.cpu_base) - self._charge()
        wall_left = self.wall_ns - (now - self.wall_base)
        self.check_at = now + min(cpu_left, wall_left)
        return wire.OUT_OF_CPU if cpu_left < 0 else wire.OUT_OF_TIME if wall_left < 0 else None

    def record(self, ending: int, status: int, cpu_ns: int) -> None:
        """Note how the present input ended, and go on to the next."""
        used = cpu_ns - self.cpu_base + self._charge()
        printed = os.fstat(self.output).st_size
        self.printed += printed
        if ending in (wire.ANSWERED, wire.ENDED):
            if self.printed >= self.max_output:
                ending = wire.FLOODED
            elif used > self.cpu_ns:
                ending = wire.OUT_OF_CPU
        if ending != wire.ANSWERED:
            self.end_of_results -= self.size - max(self.body, 0)
            self.size = 0
        self.left_for_answers -= self.size
        wall = time.monotonic_ns() - self.wall_base
        kept = self._keep(printed) if printed else 0
        os.lseek(self.output, 0, os.SEEK_SET)  # the program may have moved it
        self.records += wire.RECORD.pack(
            ending, status, max(used, 0), wall, self.size, kept, self._attempts(), self.noted
        )
        self.noted = 0
        self.done += 1
        self.offset += self.sizes[self.done]
        self.cpu_base = cpu_ns

    def _keep(self, printed: int) -> int:
        """Move what the input printed out of the program's reach, as far as it is kept; how much that is."""
        os.lseek(self.results, self.end_of_results, os.SEEK_SET)
        kept = os.sendfile(self.results, self.output, 0, min(printed, self.max_output // wire.TOTAL_OUTPUT))
        self.end_of_results += kept
        os.ftruncate(self.output, 0)
        return kept

    def _charge(self) -> int:
        """CPU time that the zygote spent on the input's calls, in ns; it counts as the program's own."""
        counter = self.child.counter if self.child else None
        return counting.CHARGE_NS * counter.answered if counter else 0

    def _attempts(self) -> int:
        """Write what was counted of the input to the results; how many counts that is, -1 when nobody counted."""
        if self.child is None:
            return 0
        refused = self.child.counter.take() if self.child.counter else None
        for pair in (refused or {}).items():
            self.end_of_results += os.pwrite(self.results, wire.REFUSED.pack(*pair), self.end_of_results)
        return -1 if refused is None else len(refused)

    def close(self) -> None:
        os.pwrite(self.results, self.records, 0)
        for fd in (self.payload, self.results, self.output, self.calls):
            if fd is not None:
                os.close(fd)


class Zygote:
    """The loop: waits on the door, the lines and the pipes of children, and on the clocks of children."""

    def __init__(self, door: socket.socket, setup: Setup) -> None:
        self.door = door
        self.setup = setup
        self.poll = select.poll()
        self.handlers: dict[int, Callable[[int], None]] = {}
        self.jobs: dict[int, tuple[socket.socket, Work]] = {}
        self._watch(door.fileno(), select.POLLIN, self._open_line)

    def serve(self) -> None:
        while True:
            for fd, event in self.poll.poll(self._timeout_ms()):
                handler = self.handlers.get(fd)
                if handler:
                    handler(event)
            if self.jobs:
                self._check_clocks()

    def _watch(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        self.poll.register(fd, events)
        self.handlers[fd] = handler

    def _forget(self, fd: int) -> None:
        if self.handlers.pop(fd, None):
            self.poll.unregister(fd)

    def _timeout_ms(self) -> float | None:
        if not self.jobs:
            return None
        next_check = min(job.check_at for _, job in self.jobs.values())
        return max(0, next_check - time.monotonic_ns()) // 1_000_000 + 1

    def _check_clocks(self) -> None:
        now = time.monotonic_ns()
        for line, job in [pair for pair in self.jobs.values() if pair[1].check_at <= now]:
            ending = job.overdue(now)
            if ending is not None:
                self._replace(line, job, ending)

    def _open_line(self, _event: int) -> None:
        _, fds, _, _ = socket.recv_fds(self.door, 1, 1)
        if not fds:
            os._exit(0)
        line = socket.socket(fileno=fds[0])
        self._watch(line.fileno(), select.POLLIN, lambda _: self._read_line(line))

    def _read_line(self, line: socket.socket) -> None:
        header, fds, _, _ = socket.recv_fds(line, wire.JOB.size, 4)
        if header:
            job = Work(header, fds)
            self.jobs[line.fileno()] = (line, job)
            self._start(line, job)
            return
        self._forget(line.fileno())
        if line.fileno() in self.jobs:
            _, job = self.jobs[line.fileno()]
            while job.done < job.n:
                self._bury(job, wire.STOPPED)
            self._finish(line, job, ready=True)
        line.close()

    def _start(self, line: socket.socket, job: Work) -> None:
        try:
            child = job.start(self.setup)
        except OSError as error:  # this job cannot be begun; the others go on
            os.write(job.output, f"no process could be made: {error}".encode())
            self._finish(line, job, ready=False)
            return
        self._watch(child.answers, select.POLLIN, lambda _: self._answer(line, job))
        self._hand_over(job)

    def _hand_over(self, job: Work) -> None:
        assert job.child
        if job.hand_over():
            self._watch(job.child.inputs, select.POLLOUT, lambda _: self._hand_over(job))
        else:
            self._forget(job.child.inputs)

    def _answer(self, line: socket.socket, job: Work) -> None:
        assert job.child
        begun = job.begun
        ending = job.take()
        counter = job.child.counter
        if counter and not begun:
            self._watch(counter.listener, select.POLLIN, lambda _: job.answer_call(counter))
        if ending is None:
            return
        if ending != wire.ANSWERED:
            self._replace(line, job, ending)
            return
        job.record(ending, 0, job.child.cpu_ns())
        if job.done == job.n:
            self._bury(job, None)
            self._finish(line, job, ready=True)
            return
        if job.apart():
            self._bury(job, None)
            self._start(line, job)
            return
        job.begin_input()
        job.handing = [(job.offset, job.sizes[job.done + 1])]
        self._hand_over(job)

    def _replace(self, line: socket.socket, job: Work, ending: int) -> None:
        """The child is lost; its present input ends so, the others go on in a fresh fork."""
        begun = job.begun
        if job.child and job.child.counter:
            job.child.counter.answer_all()
        self._bury(job, ending if begun else None)
        if begun and job.done < job.n:
            self._start(line, job)
        else:
            self._finish(line, job, begun)

    def _bury(self, job: Work, ending: int | None) -> None:
        status, cpu_ns, child = 0, job.cpu_base, job.child
        if child:
            for fd in (child.answers, child.inputs, *([child.counter.listener] if child.counter else [])):
                self._forget(fd)
            status, peak_kb, cpu_ns = child.end()
            job.peak_kb = max(job.peak_kb, peak_kb)
        if ending is not None:
            job.record(ending, status, cpu_ns)
        if child:
            child.close()
            job.child = None

    def _finish(self, line: socket.socket, job: Work, ready: bool) -> None:
        del self.jobs[line.fileno()]
        job.close()
        with contextlib.suppress(OSError):
            line.send(wire.DONE.pack(ready, job.peak_kb))


def _reserve_low_descriptors(door: int) -> socket.socket:
    """Keep 3 to 5 taken, so that a child's descriptors never collide with the zygote's."""
    held = fcntl.fcntl(door, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE)
    kernel.close_from(held + 1)
    for fd in range(3, held):
        os.dup2(0, fd)
    return socket.socket(fileno=held)


def main() -> None:
    """Run the zygote with the options in its argument (JSON) until the host closes the door."""
    if kernel.fixed_addresses():
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    options = json.loads(sys.argv[1])
    door = _reserve_low_descriptors(options["door"])
    setup, layers = locking.set_up(options)
    sys.stdout = sys.stderr = open(OUT, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    gc.collect()
    gc.disable()
    gc.freeze()
    door.send(json.dumps(layers).encode())
    Zygote(door, setup).serve()


if __name__ == "__main__":
    main()
