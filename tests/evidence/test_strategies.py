"""Strategies are told from what a program does: on the improvers in the box, on programs written otherwise, on disguises."""

import ast
import builtins
import time
from collections import Counter
from pathlib import Path

import pytest

from selftaught.evidence.strategies import STRATEGIES, strategies
from selftaught.improvers import load, names
from selftaught.program import Program

CORPUS = Path(__file__).parents[1] / "corpus" / "strategies"
GROUPS = ("tuned", "unseen", "grown", "further", "worded")
"""Programs the rules were written with, programs written before the rules but first shown to them when they were done
(0.97 and 0.97 at that first look), programs assembled by the offline model, and ten more that were labelled before the rules
saw them (1.00 and 0.91 at that first look; then folds and dataclasses were followed), and programs that put messages together and look
scores up in other words, labelled before the rules were widened for them."""
ASKING = "def improve_algorithm(s, u, m):\n    return max(m.batch_prompt('x', [s], {}), key=u)\n"
SEARCH = {"iterative", "cache", "parallel-scoring"}
BOX = {
    "annealing": {*SEARCH, "annealing", "temperature"},
    "bandit": {*SEARCH, "bandit"},
    "beam": {*SEARCH, "beam", "temperature"},
    "best-of-n": {"sampling", "parallel-scoring"},
    "chain-of-thought": {"unscored"},
    "epsilon-greedy": {*SEARCH, "epsilon-greedy", "temperature"},
    "genetic": {*SEARCH, "genetic", "crossover"},
    "greedy": SEARCH,
    "hints": {*SEARCH, "hints"},
    "part-by-part": {*SEARCH, "part-by-part"},
    "seed": {"sampling", "parallel-scoring"},
    "seed-paper": {"sampling"},
    "temperatures": {*SEARCH, "temperature"},
    "tree": {*SEARCH, "tree", "feedback"},
    "ucb": {*SEARCH, "ucb"},
}


def labelled(group):
    """(file, program, the labels in its first line) of one half of the corpus."""
    for file in sorted((CORPUS / group).glob("*.py")):
        head, text = file.read_text().split("\n", 1)
        yield file.name, Program(text), set(head.removeprefix("# strategies:").split())


def shown(sandbox, program):
    told = strategies(sandbox, [program])
    assert not told.untold
    return set(told.of(program))


def counts(sandbox, group):
    """By strategy: found rightly, found wrongly, missed."""
    right, wrong, missed = Counter(), Counter(), Counter()
    told = strategies(sandbox, [program for _, program, _ in labelled(group)])
    for _, program, labels in labelled(group):
        found = set(told.of(program))
        right.update(found & labels)
        wrong.update(found - labels)
        missed.update(labels - found)
    return right, wrong, missed


@pytest.mark.parametrize("name", names())
def test_the_box(sandbox, name):
    assert shown(sandbox, load(name)) == BOX[name]


@pytest.mark.parametrize("group", GROUPS)
def test_precision_and_recall_on_programs_written_otherwise(sandbox, group, capsys):
    right, wrong, missed = counts(sandbox, group)
    precision = right.total() / (right + wrong).total()
    recall = right.total() / (right + missed).total()
    with capsys.disabled():
        print(f"\n{group}: precision {precision:.2f}, recall {recall:.2f} on {(right + missed).total()} labels", end="")
    assert precision >= 0.9
    assert recall >= 0.9


def test_the_corpus_knows_every_strategy_and_no_other():
    known = set(STRATEGIES)
    seen = [labels for group in GROUPS for _, _, labels in labelled(group)]
    assert set().union(*seen) == known
    assert len(seen) >= 25


class Disguise(ast.NodeTransformer):
    """Gives every name that the program itself chose another one that says nothing."""

    def __init__(self, tree):
        chosen = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        chosen += [n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]
        chosen += [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name != "improve_algorithm"]
        chosen = [name for name in dict.fromkeys(chosen) if not hasattr(builtins, name)]
        self.names = {name: f"v{i}" for i, name in enumerate(chosen)}

    def visit_Name(self, node):
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self.names.get(node.arg, node.arg))

    def visit_FunctionDef(self, node):
        node.name = self.names.get(node.name, node.name)
        node.body = [
            one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        ]
        return self.generic_visit(node)


def test_messages_may_be_put_together_in_any_words(sandbox):
    for name, program, labels in labelled("worded"):
        assert shown(sandbox, program) == labels, name


@pytest.mark.parametrize("name", names())
def test_names_play_no_part(sandbox, name):
    tree = ast.parse(load(name).text)
    disguised = ast.unparse(ast.fix_missing_locations(Disguise(tree).visit(tree)))
    assert "initial_solution" not in disguised
    assert shown(sandbox, Program(disguised)) == BOX[name]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def improve_algorithm(:",
        "def other():\n    pass\n",
        "improve_algorithm = 1\n",
        "def improve_algorithm(*everything):\n    return everything[0]\n",
        "class improve_algorithm:\n    pass\n",
        "def improve_algorithm(s, u, m):\n    import heapq\n    heapq.heappush()\n    [].sort()\n    (lambda: 1)()\n",
        "def improve_algorithm(s, u, m):\n    return " + "+".join(["1"] * 3000) + "\n",
        "def improve_algorithm(s, u, m):\n    a = b\n    b = a\n    return improve_algorithm(a, u, m)\n",
    ],
    ids=["empty", "broken", "other", "number", "star", "class", "odd", "deep", "circular"],
)
def test_no_program_is_too_strange(sandbox, text):
    told = strategies(sandbox, [Program(text), load("seed")])
    assert told.of(Program(text)) == ()
    assert told.of(load("seed")) == ("sampling", "parallel-scoring")


HOSTILE = {
    "a number of 4,000 digits": ASKING.format("temperature=0x" + "f" * 4000),
    "names that double": "def improve_algorithm(s, u, m):\n"
    + "".join(f"    a{i} = lambda x: (a{i + 1}, a{i + 1}, x)\n" for i in range(40))
    + ASKING.partition("\n")[2].format("a0"),
    "nesting": ASKING.format("(" * 90_000),
    "nesting that parses": ASKING.format("-" * 3000 + "1"),
    "attributes": ASKING.format("m" + ".a" * 40_000),
    "spaces": ASKING.format("1" + " " * 2_000_000),
    "a mark of the byte order": "\ufeff" + ASKING.format("1"),
    "a lone surrogate": ASKING.format("'\ud800'"),
    "a bare return": ASKING.format("1\r2"),
    "a zero": ASKING.format("'\0'"),
}


def test_no_text_harms_who_reads_it_or_its_neighbours(sandbox):
    programs = {name: Program(text) for name, text in HOSTILE.items()}
    begin = time.monotonic()
    told = strategies(sandbox, [load("seed"), *programs.values(), load("tree")])
    assert time.monotonic() - begin < 60
    assert told.of(load("seed")) == ("sampling", "parallel-scoring") and set(told.of(load("tree"))) == BOX["tree"]
    assert set(told.untold) <= {one.digest for one in programs.values()}
    assert all(told.untold.values()) and programs["a number of 4,000 digits"].digest in told.untold


def test_appearances_along_the_rounds(sandbox):
    rounds = [load(name) for name in ("seed", "beam", "greedy")]
    found = strategies(sandbox, rounds).appearances(rounds)
    assert found["sampling"] == (0,)
    assert found["iterative"] == (1, 2)
    assert found["beam"] == (1,)
    assert "tree" not in found
