"""From documents to sheets: every kind, at whatever point it is, and a run that is under way."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from selftaught import views
from selftaught.errors import UsageError
from selftaught.lab.progress import Progress
from selftaught.runs import KINDS
from selftaught.views import live, running
from selftaught.views.sheets import Column, Figure, Note, Panel, Sheet, Words, as_words, interval
from selftaught.views.tables import drawn

GOLDEN = Path(__file__).parent.parent / "golden"
HEADING = {"run": 7, "model": "offline", "seed": 3, "sandbox": "strict"}
KIND_SETTINGS = {kind: {} if kind == "run" else {"kind": kind} for kind in KINDS}


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


def text(parts, width=100):
    console = Console(width=width, record=True, emoji=False, file=io.StringIO())
    console.print(drawn(parts))
    return console.export_text()


def test_every_kind_of_run_has_a_view():
    assert views.KINDS.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KIND_SETTINGS)
def test_a_run_is_shown_from_its_first_second_until_it_is_stopped(kind):
    document = {**HEADING, "settings": KIND_SETTINGS[kind]}
    assert text(views.sheets(document)).strip() == "Run 7 · model offline · seed 3 · sandbox strict"
    assert "no more money" in text(views.sheets({**document, "stopped": "no more money", "usage": {}}))


def test_a_kind_that_is_not_known_is_one_clear_line():
    with pytest.raises(UsageError, match="run 7 is of the kind 'zebra'"):
        views.sheets({**HEADING, "settings": {"kind": "zebra"}})


@pytest.mark.parametrize("width", [30, 60, 80, 120])
@pytest.mark.parametrize("name", ["run", "lpn"])
def test_every_figure_is_shown_at_every_width(name, width):
    """No line is wider than the terminal, and nothing is cut off: what the sheets hold is all there, line breaks aside."""
    parts = views.sheets(golden(name))
    said = text(parts, width)
    assert max(map(len, said.splitlines())) <= width
    whole = "".join(said.split())
    for sheet in (part for part in parts if isinstance(part, Sheet)):
        for row in sheet.rows:
            for column, cell in zip(sheet.columns, row, strict=True):
                if column.whole and column.kind != "bar":
                    assert "".join(as_words(cell, column.kind).text.split()) in whole


WORDS = [
    (("worse", "better", "better"), (0.02, 4, 0.03), "Worse than the start solutions."),
    (("indecisive", "better", "better"), (0.02, 4, 0.03), "No better than the start solutions."),
    (
        ("better", "better", "better"),
        (0.0, 0, 0.0),
        "Better than the start solutions. The seed improver asks for no answers",
    ),
    (("better", "worse", "worse"), (0.02, 4, 0.09), "Better than the start solutions, worse than best-of-n"),
    (("better", "better", "better"), (0.02, 4, 0.03), "2.0 times the seed improver's gain; more than asking 3.0 times"),
    (
        ("better", "better", "indecisive"),
        (0.02, 4, 0.03),
        "that it is more than asking 3.0 times as often gives is not shown",
    ),
    (("better", "indecisive", "indecisive"), (0.02, 4, 0.05), "all of it because it asks 3.0 times as often"),
    (("better", "better", "better"), (0.02, 12, 0.03), "2.0 times the seed improver's gain with no more answers"),
]
"""Verdicts against the start solutions, best-of-n and at equal answers; the seed improver's mean and answers, and the mean at
equal answers, where the improved improver comes to 0.04 with 12 answers."""


@pytest.mark.parametrize(("kinds", "figures", "said"), WORDS)
def test_what_came_of_a_run_is_said_in_plain_words_first(kinds, figures, said):
    document = golden("run")
    for name, kind in zip(("start", "best_of_n", "equal_answers"), kinds, strict=True):
        document["verdict"][f"against_{name}"]["kind"] = kind
    seed, answers, equal = figures
    arms = document["arms"]
    for name, mean, asked in (("seed", seed, answers), ("improved", 0.04, 12), ("equal_answers", equal, 12)):
        arms[name] |= {"test": {**arms[name]["test"], "mean": mean}, "responses": asked}
    arms["best_of_n"]["responses"] = 12 if answers else 0
    (panel,) = [part for part in views.sheets(document) if isinstance(part, Panel)]
    shown_first = " ".join("".join(word.text for word in line) for line in panel.lines[:2])
    assert said in shown_first


def test_a_wide_sheet_is_shown_in_parts():
    names = [f"task-{i}" for i in range(12)]
    sheet = Sheet(
        "By task", [Column("improver"), *map(Column, names)], [["seed", *(f"v{i}" for i in range(12))]], parts=True
    )
    said = text([sheet], 80)
    assert said.count("By task") == 3 and all(name in said for name in names) and "v11" in said


def test_cells_as_text():
    assert as_words(Figure(0.5, 0.25, None), "score") == Words("0.500 [0.250, –]")
    assert as_words(Figure(0.5, None, None), "gain") == Words("+0.500 (no interval)")
    assert [as_words(0.125, kind).text for kind in ("score", "gain", "share", "probability", "mean", "money")] == [
        "0.125", "+0.125", "12 %", "0.12", "0.1", "0.1250",
    ]  # fmt: skip
    assert as_words(1234567, "count") == Words("1,234,567") and as_words(None, "score") == Words("–")
    assert as_words("100 %", "text") == Words("100 %")


def test_a_running_run_is_shown_by_its_pulse_and_what_it_has_reached():
    progress = Progress()
    progress.phase("round 2 of 3: proposing")
    progress.seen(0.25)
    progress.money(1.5)
    progress.count("answers", 1200)
    with progress.under_way("requests"):
        pulse = json.loads(json.dumps(progress.snapshot().plain()))
    document = golden("run")
    reached = {name: document[name] for name in ("run", "model", "seed", "sandbox", "settings")}
    said = text(running.sheets({**reached, "rounds": document["rounds"][:2]}, pulse, 12.4))
    for one in (
        "round 2 of 3: proposing",
        "0.250",
        "$1.5000",
        "1,200, of which 0 new",
        "1 under way",
        "12 s ago",
        document["rounds"][1]["improver"][:8],
    ):
        assert one in said, one
    assert "round 2 of 3" in running.line(pulse) and "best meta-utility so far 0.250" in running.line(pulse)
    assert running.sheets({}, None) == running.sheets(reached, None) == [Note("It has not yet said what it is doing.")]


def test_series_hold_what_the_tables_hold():
    run, lpn = golden("run"), golden("lpn")
    bars = views.view_of(run).series(run).bars
    assert [one.name for one in bars][:5] == ["start", "round 0", "round 1", "round 2", "round 3"]
    assert bars[-1].figure.value == run["arms"]["equal_answers"]["test"]["mean"]
    assert [one.name for one in views.view_of(lpn).series(lpn).bars][:2] == ["self, round 0", "self, round 1"]


def test_no_view_reads_the_algorithm():
    """At run time views import each other and errors; the shapes of documents are for the type checker."""
    for path in Path(views.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("selftaught"):
                assert node.module.startswith(("selftaught.views", "selftaught.errors")), (path.name, node.module)


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (Figure(0.079, 0.0002, 0.158), "+0.079 [+0.0002, +0.158]"),
        (Figure(-0.079, -0.158, -0.00001), "-0.079 [-0.158, -1e-05]"),
        (Figure(0.0, -0.0, 0.0), "+0.000 [+0.000, +0.000]"),
        (Figure(0.1, 0.0005, 0.2), "+0.100 [+0.001, +0.200]"),
    ],
)
def test_no_end_of_an_interval_is_rounded_to_the_0_that_it_excludes(figure, said):
    assert interval(figure, sign=True) == said
    assert interval(figure) == said.replace("+", "")


@pytest.mark.parametrize("terminal", [True, False])
def test_every_note_and_milestone_is_a_line_however_close_they_come(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    progress = Progress()
    with live.displayed(progress, console):
        progress.note("the first")
        progress.note("the second")
        progress.milestone("a round")
        progress.note("the last")
    said = console.file.getvalue()
    assert [said.count(text) for text in ("the first", "the second", "a round")] == [1, 1, 1] and "the last" in said
