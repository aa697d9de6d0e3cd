"""The `selftaught` command, also as `python -m selftaught`."""

import io
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Run the command. An interrupt at any moment, also while it is still being imported, is one line and code 130; so is a
    signal that asks it to end."""
    out: object = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # a terminal that knows fewer characters is no error
    try:
        from selftaught.errors import ENDING

        for number in set(ENDING) - {signal.SIGINT}:
            if signal.getsignal(number) == signal.SIG_DFL:  # not under nohup
                signal.signal(number, _end)
        from selftaught.cli import main as command

        command()
    except KeyboardInterrupt as error:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left to do is to leave
        with suppress(OSError):  # the terminal may be gone
            print(f"selftaught: {str(error) or 'interrupted'}", file=sys.stderr)
        sys.exit(130)


def _end(number: int, _: object) -> None:
    from selftaught.errors import ENDING

    raise KeyboardInterrupt(ENDING[signal.Signals(number)])


if __name__ == "__main__":
    main()
