"""The documentation says what the program does: commands, snippets, links."""

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from selftaught.cli import app

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def commands():
    return {info.name or info.callback.__name__ for info in app.registered_commands}


def test_every_command_is_in_the_readme_and_none_that_is_not_there():
    told = set(re.findall(r"^\| `selftaught (\w+)", (ROOT / "README.md").read_text(), re.M))
    assert told == commands()


def test_the_page_of_commands_says_what_the_commands_say():
    check = [sys.executable, str(ROOT / "scripts" / "commands.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60, env={"PATH": "", "SELFTAUGHT_ROUNDS": "9"})
    assert done.returncode == 0, done.stderr


def test_the_page_of_the_interface_says_what_models_read():
    check = [sys.executable, str(ROOT / "scripts" / "interface.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page):
    """Of the project, by their paths from its root or from the package."""
    top = {one.name for root in (ROOT, ROOT / "src" / "selftaught") for one in root.iterdir() if one.is_dir()}
    for named in re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.py)\b", page.read_text()):
        there = [root / named for root in (ROOT, ROOT / "src" / "selftaught")]
        assert named.partition("/")[0] not in top or any(one.exists() for one in there), f"{page.name} names {named}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_are_python(page):
    for snippet in re.findall(r"```python\n(.*?)^```", page.read_text(), re.M | re.S):
        assert ast.parse(snippet)


def test_the_readmes_improver_works(tmp_path, sandbox):
    from selftaught.budget import Allowance
    from selftaught.improver import improve
    from selftaught.program import Program
    from selftaught.testing import Number, make_lab
    from selftaught.utility import TaskUtility

    text = re.search(r"## An improver\n\n```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S).group(1)
    lab = make_lab(tmp_path / "s.db", sandbox)
    utility = TaskUtility(lab, Number(), "train", 0, "practice")
    found = improve(
        lab, Program(text), Program(Number.start), utility, ["s"], Allowance(calls=3, responses=4, scorings=15)
    )
    assert found.program is not None
    assert found.usage.responses == 12


def test_the_number_of_attacks_is_the_one_that_is_told():
    attacks = runpy.run_path(str(ROOT / "tests" / "sandbox" / "attacks.py"))["ATTACKS"]
    (told,) = re.findall(r"attack each level with (\d+) programs", (ROOT / "docs" / "sandbox.md").read_text())
    assert int(told) == len({attack.program for attack in attacks})
