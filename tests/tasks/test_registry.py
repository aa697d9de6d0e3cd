"""Finding tasks: by name, by family, in a file of the user's own."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from selftaught import tasks
from selftaught.errors import UsageError

WHOLE = """
from selftaught.sandbox import Limits
from selftaught.task import Instance, InvalidAnswer, Task

class Double(Task):
    name = "double"
    entry = "double"
    summary = "double a number"
    start = "def double(x):\\n    return x"
    limits = Limits(cpu_s=0.1)
    instances = {"train": 2, "validation": 3, "test": 4}

    @property
    def description(self):
        return "`double(x)` returns 2 * x."

    def draw(self, rng):
        x = rng.randint(1, 9)
        return Instance((x,), 2 * x)

    def grade(self, instance, answer):
        return float(answer == instance.truth)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(WHOLE)
    return path


def test_every_name_loads_with_its_summary() -> None:
    loaded = {name: tasks.load(name, 0) for name in tasks.names()}
    assert {name: len(found) >= 1 for name, found in loaded.items()} == dict.fromkeys(tasks.names(), True)
    assert [loaded[name][0].name for name in ("lpn", "binpack")] == ["lpn", "binpack"]
    assert all("\n" not in summary for summary in tasks.names().values())


def test_formula_targets_follow_the_seed() -> None:
    assert [len(tasks.load("formula:train/2", seed)) for seed in (1, 2)] == [2, 2]


def test_unknown_name_says_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"no task 'lpm'.*lpn, parity, grid.*binpack.*formula:train"):
        tasks.load("lpm", 0)


def test_a_file_is_loaded_and_its_text_is_part_of_the_key(file: Path, tmp_path: Path) -> None:
    (task,) = tasks.load(str(file), 0)
    other = tmp_path / "other.py"
    other.write_text(WHOLE.replace("2 * x)", "2 * x + 0)"))
    assert task.name == "double"
    assert task.grade(task.draw(random.Random(1)), 0) == 0.0
    assert tasks.load(str(other), 0)[0].source != task.source == tasks.load(str(file), 0)[0].source


def test_a_task_that_builds_on_another_has_a_key_of_both_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from selftaught.tasks.lpn import Lpn\nclass Mine(Lpn):\n    noise = 0.2\n")
    (tmp_path / "b.py").write_text("from selftaught.tasks.sat import Sat as Lpn\nclass Mine(Lpn):\n    noise = 0.2\n")
    a, b = (tasks.load(str(tmp_path / name), 0)[0] for name in ("a.py", "b.py"))
    assert len({a.source, b.source, tasks.load("lpn", 0)[0].source}) == 3


def test_a_list_of_tasks_is_taken_as_it_is(file: Path) -> None:
    file.write_text(WHOLE + "\nTASKS = [Double(), Double()]\nTASKS[1].name = 'again'\n")
    assert [task.name for task in tasks.load(str(file), 0)] == ["double", "again"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('    entry = "double"\n', "", "double lacks entry"),
        ('    name = "double"\n', "", "Double lacks name"),
        ("limits = Limits(cpu_s=0.1)", "limits = 3", "double lacks limits"),
        ("Limits(cpu_s=0.1)", "Limits(cpu_s='0.1')", "cpu_s='0.1': it must be a number"),
        ("Limits(cpu_s=0.1)", "Limits(cpu_s=float('inf'))", "cpu_s=inf"),
        ("Limits(cpu_s=0.1)", "Limits(memory_mb=1)", "memory_mb=1: it must be a whole number of at least 64, at most"),
        ("Limits(cpu_s=0.1)", "Limits(memory_mb=100.5)", "memory_mb=100.5"),
        ("Limits(cpu_s=0.1)", "Limits(memory_mb=1 << 60)", "at most 1048576"),
        ("Limits(cpu_s=0.1)", "Limits(files_mb=-1)", "files_mb=-1"),
        ("Limits(cpu_s=0.1)", "Limits(wall_s=0)", "wall_s=0"),
        ('    name = "double"', '    known_start = "0.1"\n    name = "double"', "known_start of '0.1'"),
        ('    name = "double"', '    known_start = float("nan")\n    name = "double"', "known_start of nan"),
        ('    name = "double"', '    name = " "', "empty name"),
        ('"test": 4', '"test": True', "instances"),
        ('    summary = "double a number"\n', "", "lacks summary"),
        ("    def grade(", "    def great(", "Double lacks grade"),
        ("    def draw(", "    def drew(", "Double lacks draw"),
        ("    @property\n    def description(", "    def told(", "Double lacks description"),
        ('"test": 4', '"test": 0', "instances"),
        (', "test": 4', "", "instances"),
        ('def double(x):\\n    return x"', 'def double(x:"', "start solution that cannot run: syntax error"),
        ("def double(x):", "def triple(x):", "does not define double"),
        ("class Double(Task)", "class Double", "defines no task"),
        ("    name =", "    name", "cannot run the task file"),
        ("import Limits", "import Limit", "ImportError"),
        ("class Double", "raise ValueError('two\\nlines')\nclass Double", "ValueError: two lines"),
        ("    def draw(", "    def __init__(self, n):\n        pass\n\n    def draw(", "TASKS"),
    ],
)
def test_a_missing_part_is_named_in_one_line(file: Path, old: str, new: str, said: str) -> None:
    assert old in WHOLE
    file.write_text(WHOLE.replace(old, new, 1))
    with pytest.raises(UsageError, match=said) as caught:
        tasks.load(str(file), 0)
    assert "\n" not in str(caught.value)
    assert "mine.py" in str(caught.value)


def test_two_tasks_of_one_name_are_refused(file: Path) -> None:
    file.write_text(WHOLE + "\nTASKS = [Double(), Double()]\n")
    with pytest.raises(UsageError, match="names must differ"):
        tasks.load(str(file), 0)


@pytest.mark.parametrize("listed", ["[]", "3", "[1]", "[None]"])
def test_a_list_that_holds_no_task_is_refused(file: Path, listed: str) -> None:
    file.write_text(f"TASKS = {listed}\n")
    with pytest.raises(UsageError, match="task"):
        tasks.load(str(file), 0)


@pytest.mark.parametrize("name", ["missing.py", "folder.py", "notes.txt"])
def test_what_is_no_python_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "notes.txt").write_text("not Python")
    with pytest.raises(UsageError, match="cannot read the task file"):
        tasks.load(str(tmp_path / name), 0)


def test_listing_tasks_loads_no_numpy() -> None:
    code = "import sys, selftaught.tasks as t; t.names(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")


def test_the_page_on_tasks_lists_each_with_its_limit_and_best() -> None:
    rows = {row.split("|")[1].split(",")[0].strip(" `"): row for row in PAGE.splitlines() if row.startswith("| `")}
    assert set(rows) == set(tasks.names()) - {"formula:test", "policy:test"}
    for name, row in rows.items():
        task = tasks.load(name, 0)[0]
        counts = ", ".join(str(task.instances[split]) for split in ("train", "validation", "test"))
        assert row.endswith(f"| {task.best:g} | {task.limits.cpu_s:g} s | {counts} |")


def test_the_task_on_the_page_loads_and_grades(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "sorting.py"
    path.write_text(snippet)
    (task,) = tasks.load(str(path), 0)
    instance = task.draw(random.Random(1))
    assert task.grade(instance, sorted(instance.args[0])) == 1
    assert task.grade(instance, instance.args[0]) < 1
