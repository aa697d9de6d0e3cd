"""The public names are there, few, and cost nothing until they are used."""

import subprocess
import sys

import pytest

import selftaught


@pytest.mark.parametrize("name", selftaught.__all__)
def test_every_public_name_can_be_had_and_is_documented(name):
    assert getattr(selftaught, name).__doc__


def test_other_names_cannot():
    with pytest.raises(AttributeError, match="nonsense"):
        selftaught.nonsense  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    script = "import sys, selftaught, selftaught.cli; print([m for m in ('numpy', 'scipy', 'openai', 'sqlite3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
