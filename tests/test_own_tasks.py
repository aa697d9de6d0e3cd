"""Tasks of the user's own by `compare`: prints, keys, data and modules beside them, and grades in any unit."""

import json

import pytest
from shared.command import called, one_line

pytestmark = pytest.mark.slow
TASK = '''
"""A task of the user's own."""

from selftaught.sandbox import Limits
from selftaught.task import Instance, InvalidAnswer, Task


class Arrange(Task):
    name = "arrange"
    entry = "arrange"
    summary = "put numbers in ascending order"
    start = "def arrange(numbers):\\n    return [*numbers]\\n"
    description = "`arrange(numbers)` returns the numbers in ascending order; the grade is the share in place."
    limits = Limits(cpu_s=0.2)
    instances = {"train": 3, "validation": 3, "test": 3}

    def draw(self, rng):
        numbers = [rng.randint(0, 99) for _ in range(10)]
        return Instance(args=(numbers,), truth=sorted(numbers))

    def grade(self, instance, answer):
        if not isinstance(answer, list) or len(answer) != 10:
            raise InvalidAnswer("expected a list of 10 numbers")
        return sum(a == b for a, b in zip(answer, instance.truth)) / 10
'''
SORTED = ["```python\ndef arrange(numbers):\n    return sorted(numbers)\n```"]
FEW = ["--calls", "1", "--responses", "1", "--scorings", "2", "--repetitions", "1", "--seed", "3", "--store", "s.db"]


def compared(folder, text, json_too=True):
    (folder / "task.py").write_text(text)
    (folder / "sorted.json").write_text(json.dumps(SORTED))
    more = ["--json"] if json_too else []
    done = called("compare", "seed", "--tasks", "task.py", "--model", "scripted:sorted.json", *FEW, *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["improvers"][0]["test"]["mean"]


def test_what_a_task_prints_breaks_no_document(tmp_path):
    text = TASK.replace("        return sum", "        print('graded')\n        return sum") + "\nprint('imported')\n"
    assert compared(tmp_path, text) > 0.9


def test_keys_that_are_no_texts_arrive_as_they_are(tmp_path):
    text = TASK.replace("args=(numbers,)", "args=(dict(enumerate(numbers)),)").replace(
        "return [*numbers]", "return [numbers[i] for i in range(10)]"
    )
    assert compared(tmp_path, text) == 0  # sorted keys are no numbers in order, but nothing fails


def test_a_module_and_data_beside_a_task_are_found_and_part_of_its_key(tmp_path):
    text = TASK.replace('"""A task of the user\'s own."""', "from sizes import LEVEL").replace(
        "/ 10\n", "/ 10 * LEVEL\n"
    )
    module = "from pathlib import Path\nLEVEL = float(Path(__file__).with_name('level.txt').read_text())\n"
    (tmp_path / "sizes.py").write_text(module)
    found = []
    for level in ("1", "0.5"):
        (tmp_path / "level.txt").write_text(level)
        found.append(compared(tmp_path, text))
    assert found[0] > 2 * found[1] - 0.2 > 0
    assert found[0] != found[1]


OFF = TASK.replace(
    "return sum(a == b for a, b in zip(answer, instance.truth)) / 10", "return OFF(answer, instance.truth)"
)
OFF += "\n\ndef OFF(answer, truth):\n    return {sign}float(sum(abs(a - b) for a, b in zip(answer, truth)))\n"


@pytest.mark.parametrize(("sign", "minimize"), [("-", False), ("", True)])
def test_grades_in_any_unit_are_compared_with_those_of_the_start(tmp_path, sign, minimize):
    text = OFF.replace("{sign}", sign).replace(
        "    summary", "    minimize = True\n    summary" if minimize else "    summary"
    )
    assert compared(tmp_path, text) == pytest.approx(0.5)  # all of the start's own score was gained


def test_a_grade_out_of_range_says_how_to_allow_it(tmp_path):
    (tmp_path / "task.py").write_text(TASK.replace("/ 10\n", "/ 10 - (answer == instance.truth) * 5\n"))
    (tmp_path / "sorted.json").write_text(json.dumps(SORTED))
    done = called("compare", "seed", "--tasks", "task.py", "--model", "scripted:sorted.json", *FEW, cwd=tmp_path)
    assert done.returncode == 2
    assert "ranged = True" in one_line(done)
