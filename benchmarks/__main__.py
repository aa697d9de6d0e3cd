"""`python -m benchmarks NAME [--json] [--quick]`: the measurements behind the figures in the docs; `all`: each of them."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
NAMES += sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
"""A benchmark is a module, or a folder, with `run(quick) -> dict` of plain data."""
ALL = "all"
APART = ("proposals", "proposers")
"""What `all` leaves out: they need a model that somebody names."""


def main() -> None:
    """Run one benchmark and print its figures, one to a line or as one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*NAMES, ALL])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, to see that it works")
    chosen = parser.parse_args()
    for name in [one for one in NAMES if one not in APART] if chosen.name == ALL else [chosen.name]:
        _show(importlib.import_module(f"benchmarks.{name}").run(chosen.quick), chosen.json)


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        json.dump(figures, sys.stdout, indent=2)
        print()
    else:
        for name, figure in figures.items():
            print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
