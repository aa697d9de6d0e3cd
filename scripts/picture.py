"""Draws the README picture: `python scripts/picture.py .selftaught/store.runs/1/report.json docs/demo.svg`."""

import io
import json
import sys
from pathlib import Path

from rich.console import Console

from selftaught.views import recursion
from selftaught.views.tables import drawn


def main() -> None:
    """Print the tables of a report into an SVG file."""
    source, target = map(Path, sys.argv[1:])
    console = Console(record=True, width=118, file=io.StringIO(), force_terminal=True)
    console.print(drawn(recursion.sheets(json.loads(source.read_text(encoding="utf-8")))))
    target.write_text(console.export_svg(title="make demo"), encoding="utf-8")


main()
