"""Tasks, models and sandbox levels that an installed package adds, with a package that is really found on the path."""

import json
import os
import subprocess
import sys

import pytest
from shared.command import one_line, selftaught

PACKAGE = '''"""A package that adds things."""

print("imported")

from selftaught.models.scripted import Scripted
from selftaught.tasks.lpn import Lpn


class Mine(Lpn):
    name = "mine"
    summary = "labels again"


def open_model(name):
    """Answers one text, its name."""
    return Scripted([name], name=f"acme:{name}")


class Sold(Scripted):
    def ceiling(self, request, count):
        return {"dear": 0.5 * count}.get(self.name.partition(":")[2])


def open_sold(name):
    return Sold([name], name=f"sold:{name}")


class Idle(Scripted):
    """Fails at every question."""

    def __init__(self, name):
        super().__init__(["none"], name=f"idle:{name}")

    def complete(self, request, addresses):
        raise ConnectionError("nobody is there")


NUMBER = 4


def open_box(slots):
    from selftaught.sandbox.levels import open_sandbox

    return open_sandbox("strict", slots)


def open_nothing(slots):
    return object()
'''
ENTRIES = """[selftaught.tasks]
mine = acme:Mine
absent = acme_absent:Mine
number = acme:open_box
lpn = acme:Mine
[selftaught.models]
acme = acme:open_model
sold = acme:open_sold
gone = acme_absent:open_model
idle = acme:Idle
number = acme:NUMBER
[selftaught.sandboxes]
box = acme:open_box
nothing = acme:open_nothing
number = acme:NUMBER
"""
FEW = ["--repetitions", "1", "--calls", "1", "--responses", "1", "--scorings", "2", "--seed", "3", "--store", "s.db"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return installed(tmp_path_factory.mktemp("site"), "1.2")


def installed(folder, version):
    (folder / "acme.py").write_text(PACKAGE)
    about = folder / "acme-1.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(ENTRIES)
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_lists_name_what_is_added_and_what_is_broken(site, tmp_path):
    rows = {
        one["task"]: one["about"] for one in json.loads(selftaught("tasks", "--json", cwd=tmp_path, env=site).stdout)
    }
    assert rows["mine"] == "labels again (of the package acme 1.2)"
    assert "acme_absent" in rows["absent"] and "is broken" in rows["absent"]
    assert "is no selftaught.task.Task" in rows["number"] and "lpn (acme 1.2)" in rows
    models = {one["name"]: one for one in json.loads(selftaught("models", "--json", cwd=tmp_path, env=site).stdout)}
    assert models["acme:NAME"]["ready"] and models["acme:NAME"]["what"] == "Answers one text, its name."
    for name in ("gone", "number"):
        assert not models[f"{name}:NAME"]["ready"] and "is broken" in models[f"{name}:NAME"]["missing"]
    checks = {one["name"]: one for one in json.loads(selftaught("doctor", "--json", cwd=tmp_path, env=site).stdout)}
    assert checks["level box"]["ok"] and not checks["level number"]["ok"]
    assert "cannot be called" in checks["level number"]["detail"]


def test_a_model_of_a_package_is_tried_like_one_of_a_server(site, tmp_path):
    done = selftaught("models", "--try", "acme:a b", "--json", cwd=tmp_path, env=site)
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["model"], row["text"], row["failure"]) == (0, "acme:a b", "a b", "")
    done = selftaught("models", "--try", "idle:x", "--json", cwd=tmp_path, env=site)
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["failure"]) == (1, "ConnectionError: nobody is there")
    assert "is broken" in one_line(selftaught("models", "--try", "number:x", cwd=tmp_path, env=site))


def test_a_version_belongs_to_the_key_of_every_score(tmp_path):
    show = "from selftaught.tasks import load; (one,) = load('mine', 0); print(one.source)"
    found = []
    for version in ("1.2", "1.2", "1.3"):
        site = installed(tmp_path, version)
        done = subprocess.run([sys.executable, "-c", show], env=site, capture_output=True, text=True, timeout=60)
        found.append(done.stdout.split()[-1])
    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_a_run_works_with_all_three_and_is_resumed(site, tmp_path):
    asked = ["compare", "seed", "--tasks", "mine", "--model", "acme:no program", "--sandbox", "box", *FEW]
    done = selftaught(*asked, "--max-cpu-minutes", "0.0001", cwd=tmp_path, env=site)
    assert done.returncode == 4, done.stderr
    done = selftaught("resume", "1", "--max-cpu-minutes", "9", "--store", "s.db", "--json", cwd=tmp_path, env=site)
    assert done.returncode in {0, 1} and json.loads(done.stdout)["improvers"][0]["name"] == "seed", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "seed", "--tasks", "absent", *FEW], "the task absent of the package acme 1.2 is broken"),
        (["compare", "seed", "--tasks", "number", *FEW], "the task number of the package acme 1.2 is broken"),
        (
            ["compare", "seed", "--tasks", "mine", "--model", "gone:x", *FEW],
            "the model gone of the package acme 1.2 is",
        ),
        (["compare", "seed", "--tasks", "lpn", "--sandbox", "cardboard", *FEW], "external, box, nothing"),
        (["exec", "p.py", "--entry", "f", "--sandbox", "nothing"], "what it opens lacks level"),
    ],
)
def test_what_is_broken_is_one_line_when_it_is_asked_for(site, tmp_path, words, said):
    (tmp_path / "p.py").write_text("def f():\n    return 1\n")
    done = selftaught(*words, cwd=tmp_path, env=site)
    assert done.returncode == 2 and said in one_line(done), done.stderr
    assert not (tmp_path / "s.db").exists()


def test_nothing_of_a_package_is_imported_to_help(site, tmp_path):
    done = selftaught("run", "--help", cwd=tmp_path, env=site)
    assert done.returncode == 0 and "imported" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "seed", "--tasks", "lpn", "--model", "sold:dear", *FEW], "this run may cost money"),
        (
            ["compare", "seed", "--tasks", "lpn", "--model", "sold:x", "--max-dollars", "1", *FEW],
            "its `ceiling` tells none",
        ),
        (["serve", "sold:dear", "--port", "0"], "sold:dear may cost money"),
        (["serve", "sold:x", "--port", "0"], "sold:x may cost money"),
    ],
)
def test_what_a_model_of_a_package_costs_is_asked_about(site, tmp_path, words, said):
    done = selftaught(*words, cwd=tmp_path, env=site, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and said in one_line(done), done.stderr
    assert not (tmp_path / "s.db").exists()
