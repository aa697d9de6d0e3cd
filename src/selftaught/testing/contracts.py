"""What every model, sandbox and task has to pass, as test classes to derive from. Needs pytest.

class TestMine(ModelContract):
    @pytest.fixture
    def model(self):
        return MyModel()
"""

from __future__ import annotations

import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from math import inf

import numpy
import pytest

from selftaught.errors import ModelFailure
from selftaught.models import LanguageModel, Request
from selftaught.plain import JSON, canonical, digest
from selftaught.sandbox import Job, Limits, Sandbox
from selftaught.sandbox.guest.programs import defect
from selftaught.task import Instance, InvalidAnswer, Task
from selftaught.tasks import checked

_QUESTION = Request("You are an expert programmer.", "Improve this program:\n```python\ndef f(x):\n    return x\n```")


class ModelContract:
    """Derive from it and give a fixture `model`: a fresh `LanguageModel` that can be asked."""

    @pytest.fixture
    def model(self) -> LanguageModel:
        pytest.fail("give a fixture `model`")

    def test_it_says_what_decides_its_answers(self, model: LanguageModel) -> None:
        """The name and the parameters belong to an answer's address: they are plain data."""
        assert model.name.strip()
        assert canonical(dict(model.parameters))
        assert model.concurrency >= 1
        assert model.batch >= 1

    def test_it_answers_some_of_what_it_is_asked_in_order(self, model: LanguageModel) -> None:
        addresses = [digest(["contract", i]) for i in range(3)]
        answers = model.complete(_QUESTION, addresses)
        assert 1 <= len(answers) <= len(addresses)
        for answer in answers:
            assert isinstance(answer.text, str)
            assert type(answer.tokens_in) is int and answer.tokens_in >= 0
            assert type(answer.tokens_out) is int and answer.tokens_out >= 0
            assert answer.dollars is None or 0 <= answer.dollars < inf

    def test_what_an_answer_costs_is_bounded_beforehand(self, model: LanguageModel) -> None:
        bound = model.ceiling(_QUESTION, 1)
        cost = model.complete(_QUESTION, [digest("cost")])[0].dollars
        assert bound is None or (cost is not None and cost <= bound)

    def test_many_threads_may_ask_at_once(self, model: LanguageModel) -> None:
        def ask(number: int) -> str:
            return model.complete(_QUESTION, [digest(["many", number])])[0].text

        with ThreadPoolExecutor(4) as threads:
            texts = list(threads.map(ask, range(8)))
        assert len(texts) == 8

    def test_closing_twice_is_no_error_and_lets_go_of_who_waits(self, model: LanguageModel) -> None:
        ended = threading.Event()

        def ask() -> None:
            try:
                model.complete(_QUESTION, [digest("last")])
            except ModelFailure:
                pass
            finally:
                ended.set()

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        model.close()
        model.close()
        assert ended.wait(10), "a call went on 10 s after close()"


class SandboxContract:
    """Derive from it and give a fixture `sandbox`: an open `Sandbox`."""

    @pytest.fixture
    def sandbox(self) -> Sandbox:
        pytest.fail("give a fixture `sandbox`")

    def _job(self, program: str, *inputs: tuple[int, ...], cpu_s: float = 2.0) -> Job:
        return Job(program, "f", inputs, tuple(range(len(inputs))), Limits(cpu_s=cpu_s))

    def test_there_is_one_outcome_per_input_in_order(self, sandbox: Sandbox) -> None:
        outcomes = sandbox.run(self._job("def f(x):\n    return x * x\n", (2,), (3,), (4,)))
        assert [(one.kind, one.answer) for one in outcomes] == [("answer", 4), ("answer", 9), ("answer", 16)]

    def test_a_failure_of_the_program_is_a_value(self, sandbox: Sandbox) -> None:
        (one,) = sandbox.run(self._job("def f(x):\n    return 1 // x\n", (0,)))
        assert one.kind == "error"
        assert one.error.startswith("ZeroDivisionError")

    def test_time_is_limited(self, sandbox: Sandbox) -> None:
        (one,) = sandbox.run(self._job("def f(x):\n    while True:\n        x += 1\n", (0,), cpu_s=0.2))
        assert one.kind == "time"

    def test_the_same_seed_gives_the_same_chance(self, sandbox: Sandbox) -> None:
        job = self._job("import random\ndef f(x):\n    return random.random()\n", (0,))
        assert sandbox.run(job)[0].answer == sandbox.run(job)[0].answer

    def test_nothing_of_the_host_can_be_read(self, sandbox: Sandbox) -> None:
        (one,) = sandbox.run(
            self._job("import os\ndef f(x):\n    return sorted(os.environ), os.listdir('/root')\n", (0,))
        )
        assert one.kind == "error"

    def test_an_improver_calls_the_host(self, sandbox: Sandbox) -> None:
        program = "def improve_algorithm(s, u, m):\n    return str(u('x'))\n"
        arguments = ("s", {"str": "", "budget": 1}, {"budget": 1, "max_responses_per_call": 1})
        job = Job(program, "improve_algorithm", (arguments,), (0,), Limits(cpu_s=5), profile="improver")

        def utility(solutions: list[str]) -> list[float]:
            return [0.5] * len(solutions)

        (one,) = sandbox.run(job, {"utility": utility})
        assert (one.kind, one.answer) == ("answer", "0.5")


class TaskContract:
    """Derive from it and give a fixture `task`."""

    @pytest.fixture
    def task(self) -> Task:
        pytest.fail("give a fixture `task`")

    def test_it_is_whole(self, task: Task) -> None:
        """Name, entry, start, summary, limits, instances and description are there and can be used."""
        assert checked(task, "the contract") is task

    def test_its_start_is_a_program(self, task: Task) -> None:
        assert defect(task.start, task.entry) is None

    def test_instances_are_decided_by_the_seed_alone_and_are_plain_data(self, task: Task) -> None:
        one, same = (task.sample("root", "train", 0, "practice") for _ in range(2))
        assert canonical([list(instance.args) for instance in one]) == canonical([list(i.args) for i in same])
        assert [_shown(instance.truth) for instance in one] == [_shown(instance.truth) for instance in same]
        assert len(one) == task.instances["train"]

    def test_drawing_uses_no_chance_but_its_own(self, task: Task) -> None:
        state, of_numpy = random.getstate(), repr(numpy.random.get_state())
        task.draw(random.Random(1))
        assert random.getstate() == state
        assert repr(numpy.random.get_state()) == of_numpy

    def test_the_same_answer_has_the_same_grade(self, task: Task) -> None:
        (instance, *_) = task.sample("root", "train", 0, "practice")
        answers: list[JSON] = [0, 1.5, "text", [], [0, 1], [[0]], {"a": 1}]
        assert [_graded(task, instance, one) for one in answers] == [_graded(task, instance, one) for one in answers]

    def test_nonsense_is_graded_or_refused(self, task: Task) -> None:
        """Whatever plain data an answer is, the grade is a number in [0, 1], or InvalidAnswer."""
        (instance, *_) = task.sample("root", "train", 0, "practice")
        answers: list[JSON] = [None, True, -1, 1e300, "text", [], [[]], {}, {"a": [1]}, [None] * 50]
        for answer in answers:
            grade = _graded(task, instance, answer)
            assert grade is None or 0 <= grade <= 1


def _graded(task: Task, instance: Instance, answer: JSON) -> float | None:
    """The grade of an answer, None for one that is refused."""
    try:
        return task.grade(instance, answer)
    except InvalidAnswer:
        return None


def _shown(truth: object) -> str:
    """Whatever it is as a text, but for where it lies in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(truth))
