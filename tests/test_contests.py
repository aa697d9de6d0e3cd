"""The command `compare` as a user meets it."""

import json
import re

import pytest
from shared.command import answers, called, one_line

TINY = [
    "--seed",
    "0",
    *("--tasks", "formula:test/1", "--repetitions", "2"),
    *("--calls", "2", "--responses", "2", "--scorings", "5", "--json"),
]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contest")
    (folder / "mine.py").write_text("def improve_algorithm(s, u, m):\n    return s\n")
    done = called(
        "compare", "seed", "mine.py", *TINY, "--csv", "c.csv", "--picture", "p.svg", "--margin", "0.5", cwd=folder
    )
    return folder, done


def test_a_comparison_is_a_run_with_a_document_a_table_and_a_picture(first):
    folder, done = first
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["improvers"]] == ["seed", "mine"]
    assert found["usage"]["responses"] > 0
    assert (folder / "c.csv").read_text().count("\n") == 1 + 2 * 2
    assert (folder / "p.svg").read_text().startswith("<svg")
    (saved,) = folder.rglob("report.json")
    assert json.loads(saved.read_text()) == found
    assert "Against seed" in called("show", "1", cwd=folder).stdout
    assert json.loads(called("resume", "1", "--json", cwd=folder).stdout)["cells"] == found["cells"]
    assert "mine" in json.loads(called("runs", "--json", cwd=folder).stdout)[0]["about"]


def test_the_same_comparison_again_asks_nothing(first):
    folder, done = first
    before = answers(folder / ".selftaught" / "store.db")
    again = json.loads(called("compare", "seed", "mine.py", *TINY, "--margin", "0.5", cwd=folder).stdout)
    assert again["improvers"] == json.loads(done.stdout)["improvers"]
    assert answers(folder / ".selftaught" / "store.db") == before > 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["magic"], r"magic.*seed"),
        (["seed", "seed"], "two improvers are called seed"),
        (["seed", "run:x"], "run:N"),
        (["seed", "run:77"], "no run 77"),
        (["seed", "run:1"], "is a comparison: it made no improver"),
        (["seed", "--until", "decided"], "two improvers"),
        (["seed", "--tasks", "chess"], "chess"),
        (["seed", "--max-repetitions", "7"], "--max-repetitions bounds --until decided"),
        (["seed", "--csv", "nowhere/c.csv"], "cannot write nowhere/c.csv"),
        (["seed", "--picture", "nowhere/p.svg"], "cannot write nowhere/p.svg"),
        (["seed", "--repetitions", "0"], "--repetitions is 0"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(first, args, said):
    folder, _ = first
    done = called("compare", *args, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert re.search(said, one_line(done)), done.stderr


@pytest.mark.slow
def test_an_improver_that_is_no_program_ends_a_comparison_with_one_line_unless_it_is_wanted_anyway(tmp_path):
    (tmp_path / "broken.py").write_text("def improve_algorithm(s, u, m)\n    return s\n")
    words = ("compare", "seed", "broken.py", "--tasks", "lpn", "--repetitions", "1", "--seed", "5", "--store", "s.db")
    done = called(*words, cwd=tmp_path)
    assert done.returncode == 1 and "the improver broken is no program: syntax error in line 1" in done.stderr
    assert "resume" not in done.stderr, "going on as it is would end alike"
    shown = json.loads(called("show", "1", "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert shown["resume"] == f"selftaught resume 1 --store {tmp_path / 's.db'} --anyway"
    regardless = called(*words, "--anyway", "--json", cwd=tmp_path)
    assert regardless.returncode == 1, "every run of an arm failed"
    assert [one["failed"] for one in json.loads(regardless.stdout)["improvers"]] == [0.0, 1.0]


@pytest.mark.slow
def test_the_parts_of_an_experiment_are_named(tmp_path):
    ran = called("experiment", "seeds", "--seed", "0", "--preset", "tiny", "--runs", "1", "--json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    made = json.loads(ran.stdout)["runs"][0]
    shown = json.loads(called("show", "1", "--improver", "--of", "seed/0", "--json", cwd=tmp_path).stdout)
    assert shown["digest"] == made["improver"]
    found = called("compare", "seed", "run:1/seed/0", *TINY, cwd=tmp_path)
    assert json.loads(found.stdout)["improvers"][1]["improver"] == made["improver"]
    for args, said in (
        (["show", "1", "--improver"], "is an experiment: choose ARM/SEED .* seed/0, chain-of-thought/0"),
        (["show", "1", "--of", "seed/0"], "add --improver"),
        (["compare", "seed", "run:1"], "is an experiment"),
        (["lineage", "1"], "run 1 is of the kind experiment"),
    ):
        done = called(*args, cwd=tmp_path)
        assert done.returncode == 2 and re.search(said, one_line(done)), done.stderr
