"""The `selftaught` command, also as `python -m selftaught`."""

import errno
import fcntl
import io
import os
import signal
import sys
from contextlib import suppress
from typing import Any


def main() -> None:
    """Run the command. An interrupt at any moment, also while it is still being imported, is one line and code 130; so is a
    signal that asks it to end. An output that cannot be written is one line and code 1."""
    _keep_output()
    try:
        _run()
    except SystemExit as done:
        if _unwritten():
            sys.exit(done.code or 1)
        raise
    except OSError:
        if not _unwritten():
            raise
        sys.exit(1)


def _run() -> None:
    try:
        from selftaught.errors import ENDING

        for number in set(ENDING) - {signal.SIGINT}:
            if signal.getsignal(number) == signal.SIG_DFL:  # not under nohup
                signal.signal(number, _end)
        from selftaught.cli import main as command

        command()
    except KeyboardInterrupt as error:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _heeded)  # what is left to do is to leave
        with suppress(OSError):  # the terminal may be gone
            print(f"selftaught: {str(error) or 'interrupted'}", file=sys.stderr)
        sys.exit(130)


def _heeded(*_: object) -> None:
    """To ignore a signal instead would print a trace where it had just come."""


def _end(number: int, _: object) -> None:
    from selftaught.errors import ENDING

    raise KeyboardInterrupt(ENDING[signal.Signals(number)])


def _keep_output() -> None:
    """Standard output is for what was asked for: what a library in C or a program that a scorer calls writes to descriptor 1
    goes to standard error."""
    out: object = sys.stdout
    if not isinstance(out, io.TextIOWrapper):
        return
    out.reconfigure(errors="backslashreplace")  # a terminal that knows fewer characters is no error
    try:
        if out.fileno() != 1:
            return
        own = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
    except OSError:  # it is closed
        return
    try:
        os.dup2(2, 1)
    except OSError:  # so is standard error
        os.close(own)
        return
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Output(own, "w")),
        out.encoding,
        out.errors,
        line_buffering=out.line_buffering,
        write_through=out.write_through,
    )


class _Output(io.FileIO):
    """Standard output, which remembers that it could not be written: any other file that cannot be is another matter."""

    failed: OSError | None = None

    def write(self, data: Any, /) -> int | None:
        try:
            return super().write(data)
        except OSError as error:
            self.failed = error
            raise


def _unwritten() -> bool:
    """Whether standard output could not be written, to its end; that is said, but of a pipe that nobody reads any more."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, _Output):
        return False
    with suppress(OSError):
        sys.stdout.flush()
    if raw.failed is None:
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), raw.fileno())  # what is left would be tried once more on leaving
    if raw.failed.errno != errno.EPIPE:
        with suppress(OSError):
            print(f"selftaught: standard output cannot be written: {raw.failed.strerror}", file=sys.stderr)
    return True


if __name__ == "__main__":
    main()
