"""What is documented of the documents is what they hold."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from selftaught.evidence.contest import ContestFigures
from selftaught.evidence.experiment import ExperimentDocument
from selftaught.evidence.report import RunDocument

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"


def test_the_page_is_up_to_date():
    made = runpy.run_path(str(ROOT / "scripts" / "documents.py"))
    assert (ROOT / "docs" / "documents.md").read_text() == made["page"](), "`make docs` renews it"


def misfits(value, shape, at="document"):
    """Where a value is not of the shape that its type says."""
    if shape is Any:
        return []
    if is_typeddict(shape):
        if not isinstance(value, dict):
            return [f"{at}: {value!r} is no {shape.__name__}"]
        hints = get_type_hints(shape)
        strange = [f"{at}: {name}" for name in value.keys() - hints.keys()]
        marked = get_type_hints(shape, include_extras=True)
        needed = {name for name, hint in marked.items() if get_origin(hint) is not NotRequired}
        missing = [f"{at}: no {name}" for name in needed - value.keys()]
        return (
            strange
            + missing
            + [m for name in value.keys() & hints for m in misfits(value[name], hints[name], f"{at}.{name}")]
        )
    origin, inner = get_origin(shape), get_args(shape)
    if isinstance(value, dict) and origin is not None and hasattr(origin, "keys"):
        return [m for name, one in value.items() for m in misfits(one, inner[1], f"{at}[{name}]")]
    if isinstance(value, list) and origin is not None and hasattr(origin, "__len__"):
        return [m for i, one in enumerate(value) for m in misfits(one, inner[0], f"{at}[{i}]")]
    if inner and all(isinstance(one, str) for one in inner):
        return [] if value in inner else [f"{at}: {value}"]
    if inner and origin not in (list, dict):
        tried = [misfits(value, one, at) for one in inner]
        return [] if [] in tried else min(tried, key=len)
    allowed = (int, float) if shape is float else shape
    return [] if isinstance(shape, type) and isinstance(value, allowed) else [f"{at}: {value!r} is not {shape}"]


@pytest.mark.parametrize(("name", "shape"), [("run", RunDocument), ("lpn", ExperimentDocument)])
def test_the_golden_documents_have_their_shape(name, shape):
    assert misfits(json.loads((GOLDEN / f"{name}.json").read_text()), shape) == []


def test_a_misfit_would_be_found():
    document = json.loads((GOLDEN / "run.json").read_text())
    before = len(misfits(document, RunDocument))
    document["arms"]["seed"]["test"]["mean"] = "high"
    del document["rounds"][0]["reason"]
    document["verdict"]["against_seed"]["kind"] = "good"
    document["more"] = 1
    assert len(misfits(document, RunDocument)) == before + 4
    assert "document: no cells" in misfits({}, ContestFigures)
