"""The `selftaught` command, also as `python -m selftaught`."""

import io
import signal
import sys


def main() -> None:
    """Run the command. An interrupt at any moment, also while it is still being imported, is one line and code 130."""
    out: object = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # a terminal that knows fewer characters is no error
    try:
        from selftaught.cli import main as command

        command()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left to do is to leave
        print("selftaught: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
