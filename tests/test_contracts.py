"""Our own models, sandbox and tasks pass the contracts that we ship for those of others."""

import itertools
import random
from dataclasses import replace

import numpy
import pytest

from selftaught.errors import UsageError
from selftaught.models.offline import Offline
from selftaught.models.scripted import Scripted
from selftaught.sandbox.levels import open_sandbox
from selftaught.tasks import load, names
from selftaught.testing import Doubler, Guesser, Number
from selftaught.testing.contracts import ModelContract, SandboxContract, TaskContract


class TestModels(ModelContract):
    @pytest.fixture(
        params=[
            lambda: Offline(lambda inputs: ["a text"] * len(inputs)),
            lambda: Scripted(["one", "two"]),
            Guesser,
            Doubler,
        ],
        ids=["offline", "scripted", "guesser", "doubler"],
    )
    def model(self, request):
        return request.param()


class TestSandbox(SandboxContract):
    @pytest.fixture
    def sandbox(self, strict):
        return strict


@pytest.fixture(scope="module")
def strict():
    with open_sandbox("strict", slots=1) as opened:
        yield opened


class TestTasks(TaskContract):
    @pytest.fixture(params=[*names(), "number"])
    def task(self, request):
        return Number() if request.param == "number" else load(request.param, 0)[0]


class Forgetful(Guesser):
    """Breaks the contract: answers come without the price that was announced."""

    def answer(self, request, rng):
        from selftaught.models import Answer

        return Answer("", dollars=None)


def test_what_breaks_a_contract_is_found():
    with pytest.raises(AssertionError):
        ModelContract().test_what_an_answer_costs_is_bounded_beforehand(Forgetful())


class Halves(Guesser):
    def answer(self, request, rng):
        return replace(super().answer(request, rng), tokens_in=1.5)


class Unlimited(Number):
    limits = None


class Counting(Number):
    """Its truth is another each time."""

    counts = itertools.count()

    def draw(self, rng):
        return replace(super().draw(rng), truth=next(self.counts))


class Lucky(Number):
    def grade(self, instance, answer):
        return random.random()


class OfNumpy(Number):
    def draw(self, rng):
        return replace(super().draw(rng), args=(float(numpy.random.random()),))


@pytest.mark.parametrize(
    ("one", "test"),
    [
        (Halves(), "test_it_answers_some_of_what_it_is_asked_in_order"),
        (Unlimited(), "test_it_is_whole"),
        (Counting(), "test_instances_are_decided_by_the_seed_alone_and_are_plain_data"),
        (Lucky(), "test_the_same_answer_has_the_same_grade"),
        (OfNumpy(), "test_drawing_uses_no_chance_but_its_own"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_cannot_work_passes_no_contract(one, test):
    contract = TaskContract() if isinstance(one, Number) else ModelContract()
    with pytest.raises((AssertionError, UsageError)):
        getattr(contract, test)(one)
