"""`selftaught new task NAME`: a file that works at once, and one clear line where none can be written."""

import pytest
from shared.command import called, one_line

from selftaught.downstream import with_scale
from selftaught.tasks import load
from selftaught.testing import make_lab


@pytest.mark.parametrize("name", ["halving", "folder/two_words", "task.py"])
def test_what_is_written_is_a_whole_task_with_something_to_gain(tmp_path, sandbox, name):
    (tmp_path / "folder").mkdir()
    done = called("new", "task", name, cwd=tmp_path)
    path = tmp_path / f"{name.removesuffix('.py')}.py"
    assert done.returncode == 0 and f"--tasks {path.relative_to(tmp_path)} --tasks lpn" in done.stdout, done.stderr
    assert len(path.read_text().splitlines()) <= 30
    (task,) = load(str(path), 0)
    assert task.name == path.stem
    scaled = with_scale(make_lab(tmp_path / "s.db", sandbox), task)
    assert scaled.counts and 0 < scaled.start < 0.7


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("taken", "taken.py is there already"),
        ("no/such", "there is no folder no"),
        ("3x", "cannot be the name of a task's file"),
        ("class", "cannot be the name of a task's file"),
        ("a-b", "cannot be the name of a task's file"),
        ("a.txt", "cannot be the name of a task's file"),
        ("", "cannot be the name of a task's file"),
        ("/", "cannot be the name of a task's file"),
        ("x" * 300, "cannot be the name of a task's file"),
        ("lpn", "the name of a task in the box"),
        ("policy", "the name of a task in the box"),
        ("random", "the name of a module"),
    ],
)
def test_a_name_that_cannot_be_is_one_line(tmp_path, name, said):
    (tmp_path / "taken.py").write_text("mine")
    done = called("new", "task", name, cwd=tmp_path)
    assert done.returncode == 2 and said in one_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.py"]
    assert (tmp_path / "taken.py").read_text() == "mine"
