"""Our own models, sandbox and tasks pass the contracts that we ship for those of others."""

import pytest

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
