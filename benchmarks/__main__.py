"""`python -m benchmarks NAME [--json] [--quick]`: the measurements behind the figures in the documentation."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

NAMES = {
    "assemblies": "benchmarks.assemblies",
    "auditing": "benchmarks.auditing",
    "busy": "benchmarks.busy",
    "calibration": "benchmarks.calibration",
    "demo": "benchmarks.demo",
    "faults": "benchmarks.faults",
    "fooling": "benchmarks.fooling",
    "forecasts": "benchmarks.forecasts",
    "gate": "benchmarks.gate",
    "gateway": "benchmarks.gateway",
    "guessing": "benchmarks.guessing",
    "landscape": "benchmarks.landscape",
    "openevolve": "benchmarks.openevolve",
    "peers": "benchmarks.peers",
    "resume": "benchmarks.resume",
    "measuring": "benchmarks.measuring",
    "rules": "benchmarks.rules",
    "sandbox": "benchmarks.sandbox",
    "startup": "benchmarks.startup",
    "store": "benchmarks.store",
    "tasks": "benchmarks.tasks",
    "watching": "benchmarks.watching",
}
"""A benchmark is a module with `run(quick) -> dict` of plain data."""


def main() -> None:
    """Run one benchmark and print its figures, one to a line or as one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=sorted(NAMES))
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, to see that it works")
    chosen = parser.parse_args()
    figures = importlib.import_module(NAMES[chosen.name]).run(chosen.quick)
    if chosen.json:
        json.dump(figures, sys.stdout, indent=2)
        print()
    else:
        for name, figure in figures.items():
            print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
