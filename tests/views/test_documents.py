"""What is documented of the documents is what they hold."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from shared.shapes import misfits

from selftaught.evidence.contest import ContestFigures
from selftaught.evidence.experiment import ExperimentDocument
from selftaught.evidence.report import RunDocument

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"


def test_the_page_is_up_to_date():
    made = runpy.run_path(str(ROOT / "scripts" / "documents.py"))
    assert (ROOT / "docs" / "documents.md").read_text() == made["page"](), "`make docs` renews it"


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
