"""Models by name: what is opened, what is refused and in which words, and what is imported for it."""

import subprocess
import sys

import pytest

from selftaught.errors import UsageError
from selftaught.models import Request
from selftaught.models.providers import catalogue, open_model


@pytest.mark.parametrize(
    ("spec", "options", "told"),
    [
        ("gpt-4", {}, "there are offline, offline:generic, scripted:FILE, openai:NAME, anthropic:NAME"),
        ("", {}, "there are offline"),
        ("offline:other", {}, "there are offline"),
        ("openai", {}, "openai:NAME"),
        ("anthropic:", {}, "anthropic:NAME"),
        ("scripted", {}, "scripted:FILE"),
        ("offline", {"base_url": "http://127.0.0.1:1/v1"}, "--base-url names a server"),
        ("openai:m", {}, "OPENAI_API_KEY is not set"),
        ("anthropic:m", {}, "ANTHROPIC_API_KEY is not set"),
        ("openai:m", {"base_url": "localhost:8080"}, "must look like"),
        ("openai:m", {"base_url": "http://[::1/v1"}, "must look like"),
        ("openai:m", {"base_url": "http://host:port/v1"}, "must look like"),
        ("openai:m", {"base_url": "https://me:secret@host/v1"}, "no user, password or query"),
        ("openai:m", {"base_url": "https://host/v1?key=secret"}, "no user, password or query"),
    ],
)
def test_what_cannot_be_had_is_one_line(spec, options, told):
    with pytest.raises(UsageError, match=told) as caught:
        open_model(spec, **options)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_key_with_a_strange_character_is_not_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sécret")
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds characters") as caught:
        open_model("openai:m")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("package", ["openai", "anthropic"])
def test_a_missing_package_names_the_command_that_installs_it(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"uv sync --inexact --extra {package}"):
        open_model(f"{package}:m", base_url="http://127.0.0.1:1/v1")


def test_no_provider_is_imported_before_it_is_chosen():
    code = "import sys, selftaught.models.providers as p; p.catalogue(); p.open_model('offline')\n"
    code += "print([m for m in ('openai', 'anthropic', 'genai_prices', 'httpx2', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_built_in_model_answers():
    model = open_model("offline", edit=lambda inputs: [address for *_, address in inputs])
    assert model.name == "offline"
    assert [one.text for one in model.complete(Request("", "Improve"), ["a", "b"])] == ["a", "b"]


def test_the_catalogue_says_what_is_ready(monkeypatch):
    before = {entry.name: entry.ready for entry in catalogue()}
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    after = {entry.name: entry.ready for entry in catalogue()}
    assert before["offline"] and not before["openai:NAME"] and after["openai:NAME"] and not after["anthropic:NAME"]


def test_parameters_that_decide_an_answer_are_in_its_address():
    urls = ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/", "http://127.0.0.1:2/v1"]
    first, same, other = (dict(open_model("openai:m", base_url=url).parameters) for url in urls)
    assert first == same != other
    assert open_model("openai:m", base_url=urls[0], max_tokens=5).parameters["max_tokens"] == 5
