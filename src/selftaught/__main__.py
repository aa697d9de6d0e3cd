"""The `selftaught` command, also as `python -m selftaught`."""

import fcntl
import io
import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Run the command. An interrupt at any moment, also while it is still being imported, is one line and code 130; so is a
    signal that asks it to end."""
    _keep_output()
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
    sys.stdout = os.fdopen(own, "w", 1 if out.line_buffering else -1, encoding=out.encoding, errors=out.errors)
    sys.stdout.reconfigure(write_through=out.write_through)


if __name__ == "__main__":
    main()
