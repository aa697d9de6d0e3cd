"""What a run reached outlives every attempt to go on with it, and nobody is told to go on where that would be refused."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from shared.command import called, one_line

from selftaught.budget.spend import RoundSpent, Spend, SpendLimits, Spent
from selftaught.cli import app
from selftaught.errors import SelftaughtError, SpendExhausted, UsageError
from selftaught.lab import Document
from selftaught.lab.progress import Progress
from selftaught.runs.carry import carry, circumstances
from selftaught.runs.going import refusal, unfinished
from selftaught.settings import Settings
from selftaught.settings.choice import ModelChoice
from selftaught.store import Store

ASSETS = sorted((Path(__file__).parent / "assets").glob("store-v*.db"))
GOLDEN = json.loads((Path(__file__).parent / "golden" / "run.json").read_text())
REACHED = {name: GOLDEN[name] for name in ("run", "model", "seed", "sandbox", "settings", "rounds")}
NARROW = {**os.environ, "COLUMNS": "80"}
SERVED = Settings("0" * 64, ModelChoice("openai:m"))


def stopped(path, asked=SERVED, document=REACHED, status="stopped: enough", **told):
    """A store with a run that was stopped after its rounds."""
    with Store(path) as store:
        number = store.start(asked.plain(), {**circumstances("strict", SpendLimits()), **told})
        store.finish(number, status, document and {**document, "stopped": "enough"})
    return number


@pytest.fixture
def keyless(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.mark.parametrize("why", ["key", "sandbox", "improver"])
def test_a_resume_that_cannot_begin_leaves_what_was_reached(tmp_path, monkeypatch, keyless, why):
    asked = SERVED if why == "key" else Settings("0" * 64)
    number = stopped(tmp_path / "s.db", asked)
    if why == "sandbox":
        monkeypatch.setenv("PATH", "")
    with Store(tmp_path / "s.db") as store:
        with pytest.raises(SelftaughtError) as caught:
            carry(number, store, Progress())
        record = store.run(number)
        assert record.document["rounds"] == REACHED["rounds"]
        assert (
            record.status == f"stopped: {caught.value}" and record.document["stopped"] == str(caught.value) != "enough"
        )


def test_a_run_whose_script_is_gone_is_not_begun_and_stays_as_it_was(tmp_path):
    number = stopped(tmp_path / "s.db", replace(SERVED, model=ModelChoice(f"scripted:{tmp_path}/gone.db")))
    with Store(tmp_path / "s.db") as store:
        before = store.run(number)
        with pytest.raises(UsageError, match=r"needs the file .*gone.db, which is not there"):
            carry(number, store, Progress())
        assert store.run(number) == before


def test_a_kill_right_after_a_resume_leaves_what_was_reached(tmp_path):
    number = stopped(tmp_path / "s.db", Settings("0" * 64))
    script = (
        "import os, signal, sys, pathlib\nfrom selftaught.runs import carry\nfrom selftaught.lab.progress import Progress\n"
        "from selftaught.store import Store\ncarry.models_of = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"carry.carry({number}, Store(pathlib.Path('s.db')), Progress())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with Store(tmp_path / "s.db") as store:
        record = store.run(number)
        assert record.status == "running" and "stopped" not in record.document
        assert record.document["rounds"] == REACHED["rounds"]


def test_what_was_under_way_at_a_kill_counts_as_spent_and_it_is_said(tmp_path, monkeypatch):
    number = stopped(tmp_path / "s.db", Settings("0" * 64))
    with Store(tmp_path / "s.db") as store:
        store.spend(number, Spent(dollars=1.0, held=0.5).plain())
        for said in (
            ["requests under way when it was killed may have to be paid: $0.5000 more is counted as spent"],
            [],
        ):
            progress, notes = Progress(), []
            monkeypatch.setattr(progress, "note", notes.append)
            with pytest.raises(SelftaughtError):  # its improver is not in the store
                carry(number, store, progress)
            assert notes == said
            assert (store.run(number).spent["dollars"], store.run(number).spent["held"]) == (1.5, 0.0)


def test_rounds_that_are_found_again_do_not_hide_the_later_ones():
    kept = []
    document = Document({"run": 1}, kept.append, {"rounds": [{"round": 1}, {"round": 2}], "run": 9})
    document.tell(rounds=[{"round": 1}])
    assert document.parts == {"run": 1, "rounds": [{"round": 1}, {"round": 2}]}
    document.tell(rounds=[{"round": 1}, {"round": 2}, {"round": 3}])
    assert len(document.parts["rounds"]) == 3
    document.tell(rounds=[{"round": "other"}])
    assert document.parts["rounds"] == [{"round": "other"}]


@pytest.mark.parametrize(
    ("asked", "told", "said"),
    [
        (replace(SERVED, model=ModelChoice("guesser")), {}, "a model of somebody's own, 'guesser'"),
        (SERVED, {"own_model": True}, "a model of somebody's own, 'openai:"),
        (SERVED, {"contract": 1}, "made under contract 1"),
        (SERVED, {"limits": {"watts": 3}}, "the limit 'watts'"),
        (SERVED, {"sandbox": "cardboard"}, "its circumstances are not whole"),
        (replace(SERVED, tasks=("/nowhere/mine.py:Mine",)), {}, "/nowhere/mine.py, which is not there"),
    ],
)
def test_what_would_be_refused_is_never_advised(tmp_path, asked, told, said):
    number = str(stopped(tmp_path / "s.db", asked, **told))
    where = ("--store", "s.db")
    (row,) = json.loads(called("runs", *where, "--json", cwd=tmp_path).stdout)
    assert row["resume"] is None and said in row["refused"]
    for command in (["runs"], ["show", number]):
        shown = " ".join(called(*command, *where, cwd=tmp_path).stdout.split())
        assert "annot be gone on with" in shown and said in shown and "goes on" not in shown
    done = called("resume", number, *where, cwd=tmp_path)
    assert done.returncode == 2 and said in one_line(done) and "goes on" not in done.stderr
    with Store(tmp_path / "s.db") as store:
        assert store.run(int(number)).status == "stopped: enough"
        level = told.get("sandbox", "strict")
        assert unfinished(store, replace(asked, seed=9), level) is None, "the same command begins a run"


def test_what_would_go_on_is_advised(tmp_path, keyless):
    number = stopped(tmp_path / "s.db")
    with Store(tmp_path / "s.db") as store:
        assert refusal(store.run(number)) is None
    (row,) = json.loads(called("runs", "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert (row["resume"], row["refused"]) == (f"selftaught resume 1 --store {tmp_path}/s.db", None), (
        "whatever folder it is read in"
    )


def test_the_store_is_named_where_a_file_or_the_environment_could_name_another(tmp_path, keyless):
    (tmp_path / ".selftaught").mkdir()
    stopped(tmp_path / ".selftaught" / "store.db")
    theirs = ("--store", ".selftaught/store.db")
    told = " ".join(called("show", "1", cwd=tmp_path).stdout.split())
    assert "`selftaught resume 1 --store .selftaught/store.db` goes on" in told
    (tmp_path / "selftaught.toml").write_text('store = "other.db"\n')
    assert (
        "`selftaught resume 1 --store .selftaught/store.db` goes on"
        in called("show", "1", *theirs, cwd=tmp_path).stdout
    )
    (tmp_path / "selftaught.toml").rename(tmp_path / "mine.toml")
    told = {**os.environ, "SELFTAUGHT_CONFIG": "mine.toml"}
    shown = called("show", "1", *theirs, cwd=tmp_path, env=told).stdout
    assert "`selftaught resume 1 --store .selftaught/store.db` goes on" in shown
    (row,) = json.loads(called("runs", "--json", cwd=tmp_path).stdout)
    assert row["resume"] == f"selftaught resume 1 --store {tmp_path}/.selftaught/store.db", "from any folder"


OPTIONS = {
    "answers": "max-answers",
    "tokens": "max-bought-tokens",
    "dollars": "max-dollars",
    "wall_s": "max-minutes",
    "cpu_s": "max-cpu-minutes",
    "round_dollars": "round-dollars",
    "round_wall_s": "round-minutes",
}


@pytest.mark.parametrize("field", OPTIONS)
@pytest.mark.parametrize("most", [2, 12_345_678.5])
def test_a_run_that_reached_a_limit_goes_on_with_a_higher_one(tmp_path, keyless, field, most):
    with pytest.raises(SpendExhausted) as caught:
        spent_beyond(SpendLimits(**{field: most}), most)
    status = f"stopped: {caught.value}"
    stopped(tmp_path / "s.db", status=status, limits=SpendLimits(**{field: most}).plain())
    shown = " ".join(called("show", "1", "--store", "s.db", cwd=tmp_path).stdout.split())
    assert f"`selftaught resume 1 --store s.db --{OPTIONS[field]} N` goes on" in shown
    (row,) = json.loads(called("runs", "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert row["resume"].endswith(f" --{OPTIONS[field]} N")
    refused = called("resume", "1", "--store", "s.db", f"--{OPTIONS[field]}", "9e9x", cwd=tmp_path)
    assert f"--{OPTIONS[field]}" in one_line(refused), "there is such an option"
    for own in (None, 2 * most):  # the limit was one of a session
        limits = SpendLimits(**{field: own}).plain()
        number = stopped(tmp_path / "s.db", status=status, limits=limits)
        shown = " ".join(called("show", str(number), "--store", "s.db", cwd=tmp_path).stdout.split())
        assert f"`selftaught resume {number} --store s.db` goes on" in shown


def spent_beyond(limits, most):
    """What is spent until a limit is reached."""
    most = int(most) + 1
    rounds = {"1": asdict(RoundSpent(most, most))}
    spend = Spend(limits, Spent(most, most, most, most, most, rounds=rounds))
    with spend.round("1"):
        spend.check("1")
        with spend.buying(1.0, 1, "1"):
            pass


# documents, old and damaged ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: path.stem)
def test_every_run_of_every_version_is_shown(path):
    with Store(path, readonly=True) as store:
        numbers = [record.id for record in store.runs()]
    for number in numbers:
        for more in ((), ("--json",)):
            done = called("show", str(number), "--store", path, *more, cwd=path.parent, env=NARROW)
            assert done.returncode == 0 and done.stdout, done.stderr
            assert more or all(len(line) <= 80 for line in done.stdout.splitlines())


@pytest.mark.parametrize("status", ["done", "stopped: enough", "running"])
@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "null", "not json", '{"rounds": [{}]}', '{"settings": 3, "rounds": [{}]}', "ROUNDS", "ARMS"],
)
def test_a_damaged_document_is_one_line_that_names_the_run(tmp_path, keyless, text, status):
    text = {"ROUNDS": json.dumps({**REACHED, "rounds": [{}]}), "ARMS": json.dumps({**GOLDEN, "arms": []})}.get(
        text, text
    )
    number = str(stopped(tmp_path / "s.db", document=None, status=status))
    with Store(tmp_path / "s.db") as store, store._writing() as db:
        db.execute("UPDATE runs SET document = ?", (text,))
    for command in ("show", "lineage", "resume"):
        if command == "resume" and status != "done":
            continue  # it goes on from its facts, and makes the document anew
        error = error_of(command, number, "--store", tmp_path / "s.db")
        where = re.match(r"run 1 (cannot be shown|has no)|.*(OPENAI|openai|has lost the text)", error)
        assert where or (command == "show" and status != "done"), error
    assert not error_of("runs", "--store", tmp_path / "s.db")


def error_of(*args):
    """A command in this process; the error that it ends with. Whatever else is raised goes on to the test."""
    try:
        app([*map(str, args)], prog_name="selftaught", standalone_mode=False)
    except SelftaughtError as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


def test_a_list_of_runs_fits_a_terminal(tmp_path):
    stopped(
        tmp_path / "s.db", replace(SERVED, seed=3729173829173821), status="stopped: " + "no answer of the model; " * 40
    )
    shown = called("runs", "--store", "s.db", cwd=tmp_path, env=NARROW).stdout
    assert time.strftime("%Y-%m-", time.gmtime()) in shown and len(shown.splitlines()) < 20
    assert all(len(line) <= 80 for line in shown.splitlines() if "`" not in line)
    whole = " ".join(called("show", "1", "--store", "s.db", cwd=tmp_path, env=NARROW).stdout.split())
    assert whole.count("no answer of the model;") == 40 or "enough" in whole


@pytest.mark.parametrize(
    "args",
    [
        ("run", "--rounds", "0"),
        ("run", "--sandbox", "cardboard"),
        ("run", "--tasks", "chess"),
        ("compare", "seed", "run:1"),
        ("compare", "seed", "seed"),
        ("compare", "seed", "--repetitions", "0"),
        ("experiment", "lpn", "--runs", "0"),
    ],
    ids=" ".join,
)
def test_a_wrong_value_leaves_no_store_behind(tmp_path, args):
    assert called(*args, cwd=tmp_path).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_help_is_shown_beside_a_broken_file_of_defaults(tmp_path):
    (tmp_path / "selftaught.toml").write_text("rounds = ")
    done = called("run", "-h", cwd=tmp_path)
    assert done.returncode == 0 and "--rounds" in done.stdout and "selftaught.toml is not TOML" in done.stderr
    assert called("runs", cwd=tmp_path).returncode == 2
