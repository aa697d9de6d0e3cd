"""Documents that stay as they are: a change to them is a commit of its own, which says why."""

import json
from pathlib import Path

import pytest
from shared.command import selftaught

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = {
    "run": ("run", "--seed", "0", "--controls", "basic"),
    "lpn": ("experiment", "lpn", "--preset", "tiny", "--seed", "0"),
}


def plain(text):
    """A document without what differs from one machine and day to the next."""
    document = json.loads(text)
    for name in ("cpu_s", "wall_s"):
        del document["usage"][name]
    return document


@pytest.mark.parametrize("name", [pytest.param("run", marks=pytest.mark.exhaustive), "lpn"])
def test_the_document_is_the_same_as_ever(name, tmp_path):
    done = selftaught(*COMMANDS[name], "--json", cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stderr
    assert plain(done.stdout) == json.loads((GOLDEN / f"{name}.json").read_text())
