"""The improvers in the box at work in the real sandbox, under the host's own meters."""

import pytest

from selftaught.budget import Allowance
from selftaught.improver import improve
from selftaught.improvers import found as shelf
from selftaught.improvers import load, names
from selftaught.models import Answer
from selftaught.program import Program
from selftaught.testing import Guesser, Number, make_lab
from selftaught.utility import TaskUtility


class Mute(Guesser):
    """A model without a word of code in its answers."""

    def answer(self, request, rng):
        return Answer(rng.choice(["", "I would rather not.", "```python\ndef f(:\n```"]))


def work(path, sandbox, name, allowance, model=None):
    """The improvement, its practice utility, and the model's record."""
    lab = make_lab(path, sandbox, model)
    utility = TaskUtility(lab, Number(), "train", 0, "practice")
    found = improve(lab, load(name), Program(Number.start), utility, ["box"], allowance)
    return found, utility, lab.model.asked


@pytest.mark.parametrize("name", names() + shelf())
def test_it_improves_within_its_allowance_and_does_so_again(name, tmp_path, sandbox):
    allowance = Allowance(calls=3, responses=4, scorings=13, cpu_s=5)
    found, utility, _ = work(tmp_path / "a.db", sandbox, name, allowance)
    assert found.reason is None
    assert found.usage.calls <= 3
    assert found.usage.scorings <= 13
    assert utility.score(found.program).value > 0
    assert work(tmp_path / "b.db", sandbox, name, allowance)[0] == found


@pytest.mark.parametrize("name", [name for name in names() if name not in ("seed", "seed-paper")])
def test_it_returns_a_program_when_the_model_gives_none(name, tmp_path, sandbox):
    found, _, asked = work(tmp_path / "a.db", sandbox, name, Allowance(calls=2, responses=3, scorings=7), Mute())
    assert asked
    assert found.program == Program(Number.start) or name == "chain-of-thought"


@pytest.mark.parametrize("name", [name for name in names() if name not in ("seed", "seed-paper")])
@pytest.mark.parametrize("tokens", [15, 60])
def test_it_keeps_what_it_has_when_tokens_run_out(name, tokens, tmp_path, sandbox):
    allowance = Allowance(calls=4, responses=2, scorings=9, tokens=tokens)
    found, utility, _ = work(tmp_path / "a.db", sandbox, name, allowance)
    assert found.reason is None
    assert utility.score(found.program).value > 0
