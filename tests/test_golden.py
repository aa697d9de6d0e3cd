"""Documents that stay as they are: a change to them is a commit of its own, which says why."""

import json
import math
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


def unlike(found, held, at=""):
    """Where two documents differ; numbers may in the tenth digit, since numpy rounds otherwise on another processor."""
    if isinstance(found, dict) and isinstance(held, dict) and found.keys() == held.keys():
        return [one for name in held for one in unlike(found[name], held[name], f"{at}/{name}")]
    if isinstance(found, list) and isinstance(held, list) and len(found) == len(held):
        return [one for i, pair in enumerate(zip(found, held, strict=True)) for one in unlike(*pair, f"{at}/{i}")]
    if type(found) is type(held) is float:
        return [] if math.isclose(found, held, rel_tol=1e-9, abs_tol=1e-12) else [at]
    return [] if found == held else [at]


@pytest.mark.parametrize("name", [pytest.param("run", marks=pytest.mark.exhaustive), "lpn"])
def test_the_document_is_the_same_as_ever(name, tmp_path):
    done = selftaught(*COMMANDS[name], "--json", cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stderr
    assert unlike(plain(done.stdout), json.loads((GOLDEN / f"{name}.json").read_text())) == []


def test_another_figure_word_key_or_row_would_be_found():
    held = {"a": [0.5, "x"], "b": 1}
    assert unlike({"a": [0.5 + 1e-12, "x"], "b": 1}, held) == []
    for other in ({"a": [0.501, "x"], "b": 1}, {"a": [0.5, "y"], "b": 1}, {"a": [0.5], "b": 1}, {"a": [0.5, "x"]}):
        assert unlike(other, held)
