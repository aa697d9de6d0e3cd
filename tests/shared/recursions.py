"""A recursion small enough to reason about, shared by the tests of what is made of it."""

from selftaught.budget import Allowance
from selftaught.downstream import ScaledTask, SolutionTask
from selftaught.models import Answer
from selftaught.program import Program
from selftaught.settings import Settings
from selftaught.testing import Guesser, Number, asker

SETTINGS = Settings(
    improver="",
    rounds=2,
    repetitions=1,
    validation=4,
    test=3,
    inner=Allowance(calls=8, responses=2, scorings=12, cpu_s=5),
    outer=Allowance(calls=8, responses=2, scorings=12, cpu_s=20),
)
TASKS = [ScaledTask(SolutionTask(Number("one")), 0.0), ScaledTask(SolutionTask(Number("two")), 0.0)]
SEED = Program(asker(1))


class Spoiler(Guesser):
    """Proposes improvers that return a bad constant."""

    def answer(self, request, rng):
        if "def improve_algorithm" not in request.message:
            return super().answer(request, rng)
        return Answer("```python\ndef improve_algorithm(s, u, m):\n    return 'f = lambda x: 0.001'\n```")
