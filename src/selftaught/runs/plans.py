"""Plans of experiments as plain data: which recursions, how often, and what is compared afterwards.

Three presets each. `paper` keeps to the paper's letter: five copies of LPN (here five repetitions of it, which is the same
mean), 4 x 6 answers and 25 scorings, always accept, the interface without this project's extensions. `ours` asks the same
question our way: the gate, our budgets, tasks on which the built-in model has something to find. `tiny` shows in seconds
that everything works; its figures mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from selftaught.budget import Allowance
from selftaught.errors import UsageError
from selftaught.improvers import load, names
from selftaught.settings import Arm, Contest, Entrant, Plan, Preset, Settings
from selftaught.settings.choice import OFFLINE, ModelChoice
from selftaught.settings.stored import OnAttempt

# --- what the presets have in common ----------------------------------------------------------------------------------

_PAPER = Allowance(calls=4, responses=6, scorings=25, extensions=False)


def _base(preset: Preset) -> Settings:
    """The settings that an experiment starts from."""
    seed = load(_SEED[preset]).digest
    if preset == "ours":
        return Settings(seed, controls="basic")
    if preset == "paper":
        return Settings(
            seed,
            tasks=("lpn",),
            test_tasks=("lpn",),
            rounds=4,
            accept="paper",
            keep="returned",
            controls="basic",
            repetitions=5,
            validation=1,
            test=5,
            inner=_PAPER,
            outer=replace(_PAPER, cpu_s=300),
        )
    return Settings(
        seed,
        tasks=("formula:train/1",),
        test_tasks=("formula:test/1",),
        rounds=1,
        controls="basic",
        repetitions=1,
        validation=1,
        test=2,
        inner=Allowance(calls=2, responses=2, scorings=5),
        outer=Allowance(calls=2, responses=1, scorings=3),
    )


_SEED: Mapping[Preset, str] = {"paper": "seed-paper", "ours": "seed", "tiny": "seed"}
_RUNS: Mapping[Preset, int] = {"paper": 5, "ours": 5, "tiny": 2}
_OTHERS = ("grid", "qap", "sat", "maxcut", "parity")
"""The tasks of the paper's table 1."""


def plan(
    name: str,
    preset: Preset,
    models: Sequence[ModelChoice] = (OFFLINE,),
    seed: int = 0,
    runs: int | None = None,
    proposers: Sequence[ModelChoice] = (),
    on_attempt: OnAttempt = "record",
) -> Plan:
    """The plan of an experiment by name. UsageError when there is none, or for several models where one is meant.

    `proposers` write improvers in the place of the models: one of them in all arms, or each in an arm of `proposers`.
    """
    if name not in _PLANS:
        raise UsageError(f"no experiment {name!r}: there are {', '.join(_PLANS)}")
    if len(models) > 1 and name != "models":
        raise UsageError(f"experiment {name} works with one model: --model can be repeated for the experiment models")
    if len(proposers) > 1 and name != "proposers":
        raise UsageError(
            f"experiment {name} works with one proposer: --proposer can be repeated for the experiment proposers"
        )
    if proposers and preset == "paper" and name != "proposers":
        raise UsageError("preset paper keeps to the paper, whose one model does both: leave --proposer out")
    if name == "proposers":
        base = replace(_base(preset), model=models[0], on_attempt=on_attempt)
        made = _proposers(base, preset, proposers)
    else:
        writer = next(iter(proposers), None)
        base = replace(_base(preset), model=models[0], proposer=writer, hints=writer is not None, on_attempt=on_attempt)
        made = _PLANS[name](base, preset, models)
    model = made.arms[0].settings.model
    contest = made.contest and replace(made.contest, model=model, seed=seed, inner=base.inner, keep=base.keep)
    common = replace(made, model=model, seed=seed, contest=contest)
    return common if runs is None else replace(common, runs=runs)


def keep(text: Callable[[str], str]) -> None:
    """Keep the text of every improver in the box: plans name them by digest."""
    for one in texts().values():
        text(one)


def texts() -> dict[str, str]:
    """The text of every improver in the box, by its digest."""
    found = [load(name) for name in names()]
    return {one.digest: one.text for one in found}


def questions() -> dict[str, str]:
    """Every experiment by name, with what it asks."""
    return {name: plan(name, "ours").question for name in _PLANS}


def _tasks(preset: Preset, given: tuple[str, ...]) -> tuple[str, ...]:
    return _base("tiny").test_tasks if preset == "tiny" else given


def _transferring(preset: Preset) -> int:
    """Repetitions of a comparison on other tasks: enough for intervals by task."""
    return 2 if preset == "tiny" else 6


def _contest(improvers: Sequence[str], tasks: tuple[str, ...], repetitions: int) -> Contest:
    entrants = tuple(Entrant(name, load(name).digest) for name in improvers)
    return Contest(entrants, tasks=tasks, repetitions=repetitions)


# --- the experiments --------------------------------------------------------------------------------------------------


def _lpn(base: Settings, preset: Preset, _: Sequence[ModelChoice]) -> Plan:
    question = "Does the meta-utility rise over the rounds, and above simple ways of asking? (paper: figure of LPN)"
    four = base if preset == "tiny" else replace(base, tasks=("lpn",), test_tasks=("lpn",), rounds=4)
    contest = _contest((_SEED[preset], "chain-of-thought", "greedy"), four.test_tasks, base.test)
    return Plan("lpn", preset, question, (Arm("self", four),), _RUNS[preset], contest)


def _transfer(base: Settings, preset: Preset, _: Sequence[ModelChoice]) -> Plan:
    question = "Do improved improvers, unchanged, help on tasks they never saw? (paper: table 1, with one improver)"
    contest = _contest((_SEED[preset], "best-of-n"), _tasks(preset, _OTHERS), _transferring(preset))
    return Plan("transfer", preset, question, (Arm("self", base),), 2 if preset == "tiny" else 3, contest)


def _wide(base: Settings, preset: Preset, _: Sequence[ModelChoice]) -> Plan:
    question = "The same on every task in the box, those unlike the training tasks apart."
    tasks = _tasks(preset, ("policy:test", "formula:test", "binpack", "lpn", *_OTHERS))
    contest = _contest((_SEED[preset], "best-of-n"), tasks, _transferring(preset))
    return Plan("transfer-wide", preset, question, (Arm("self", base),), 2 if preset == "tiny" else 3, contest)


def _seeds(base: Settings, preset: Preset, _: Sequence[ModelChoice]) -> Plan:
    question = "How does the choice of the seed improver change the outcome? (open in the paper)"
    chosen = (_SEED[preset], "chain-of-thought", "best-of-n", "greedy")[: 2 if preset == "tiny" else None]
    arms = tuple(Arm(name, replace(base, improver=load(name).digest)) for name in chosen)
    return Plan("seeds", preset, question, arms, {"paper": 3, "ours": 4, "tiny": 2}[preset])


def _experts(base: Settings, preset: Preset, _: Sequence[ModelChoice]) -> Plan:
    question = "Do STOP's improvers beat hand-made ones at equal budgets? (open in the paper)"
    others = [name for name in names() if name not in _SEED.values()][: 2 if preset == "tiny" else None]
    tasks = base.test_tasks if preset == "tiny" else (*base.test_tasks, "binpack")
    contest = _contest((_SEED[preset], *others), tasks, 2 if preset == "tiny" else 5)
    return Plan("experts", preset, question, (Arm("self", base),), 2 if preset == "tiny" else 3, contest)


def _models(base: Settings, preset: Preset, models: Sequence[ModelChoice]) -> Plan:
    question = "The same recursion under several models: which of them goes up? (paper: GPT-4 does, weaker ones do not)"
    several = models if len(models) > 1 else (*models, ModelChoice("offline:generic"))
    by_name = {one.spec: one for one in several}
    arms = tuple(Arm(name, replace(base, model=one)) for name, one in by_name.items())
    return Plan("models", preset, question, arms, _RUNS[preset])


def _proposers(base: Settings, preset: Preset, proposers: Sequence[ModelChoice]) -> Plan:
    question = "The same model works inside: does another one write better improvers for it than it writes itself?"
    some = proposers or (ModelChoice("offline:generic"),)
    arms = tuple(
        Arm(f"by {name}", replace(base, proposer=one, hints=True))
        for name, one in {one.spec: one for one in some}.items()
    )
    return Plan("proposers", preset, question, (Arm(f"by {base.model.spec}", base), *arms), _RUNS[preset])


def _selfhood(base: Settings, preset: Preset, _: Sequence[ModelChoice]) -> Plan:
    question = "Does self-application matter, and is a better improver a better self-improver? (open in the paper)"
    upon = replace(base.inner, calls=2, responses=2, scorings=5)
    arms = (
        Arm("self", base),
        Arm("frozen", replace(base, worker="frozen")),
        Arm("upon itself", replace(base, itself=upon)),
    )
    return Plan("selfhood", preset, question, arms, {"paper": 10, "ours": 10, "tiny": 2}[preset], again=True)


def _maximizer(base: Settings, preset: Preset, _: Sequence[ModelChoice]) -> Plan:
    question = "The paper's other formulation: a maximizer, which is shown no start solution (appendix)."
    arms = (Arm("improver", base), Arm("maximizer", replace(base, start="none")))
    return Plan("maximizer", preset, question, arms, _RUNS[preset])


_PLANS = {
    "lpn": _lpn,
    "transfer": _transfer,
    "seeds": _seeds,
    "experts": _experts,
    "models": _models,
    "proposers": _proposers,
    "selfhood": _selfhood,
    "maximizer": _maximizer,
    "transfer-wide": _wide,
}
