"""Every benchmark can be begun, and the quick ones come to their end. What they measure is not for tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))
NAMES += sorted(path.parent.name for path in (ROOT / "benchmarks").glob("*/__init__.py"))


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_begun(name):
    code = f"import benchmarks.{name}; from benchmarks.__main__ import NAMES; assert callable(benchmarks.{name}.run) and {name!r} in NAMES"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


ENDING = {
    "calibration": pytest.mark.exhaustive,
    "fooling": pytest.mark.slow,
    "guessing": pytest.mark.slow,
    "peers": pytest.mark.slow,
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=mark) for name, mark in ENDING.items()])
def test_it_comes_to_its_end(name, tmp_path):
    """Those that take a minute or two at most when quick."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick", "--json"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    if name == "fooling":
        assert figures["means"]["formula:test/1"]["best of n"]["mean"] > 0, "the model inside answers"
    if name == "peers":  # ours at least: others are tried where they are installed
        assert figures["reached"][0]["system"] == "selftaught" and figures["reached"][0]["held_out"]["mean"] > 0
        assert all(one["ms"]["least"] > 0 for one in figures["own time"])
    if name == "guessing":
        assert figures["typed_seed_found"] and not figures["hits"]["mean"]
