"""Models by name: what is opened, what is refused and in which words, and what is imported for it."""

import json
import subprocess
import sys
import time

import pytest
from faultserver import FaultServer, Reply

from selftaught.errors import UsageError
from selftaught.models import Request
from selftaught.models.local import running
from selftaught.models.prices import unpriced
from selftaught.models.providers import catalogue, open_model
from selftaught.models.rows import API_VERSION, ROWS
from selftaught.settings.choice import ModelChoice, Price, json_object, named_values


class PathServer(FaultServer):
    """Also notes the paths that it is asked at."""

    @property
    def paths(self):
        return [headers[":path"] for headers in self.headers]


@pytest.fixture(autouse=True)
def no_providers_of_the_user(monkeypatch):
    for row in ROWS.values():
        monkeypatch.delenv(row.key, raising=False)
        monkeypatch.delenv(row.place, raising=False)
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)


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
        ("groq:m", {}, "GROQ_API_KEY is not set"),
        ("ollama:", {}, "ollama:NAME"),
        ("azure:m", {}, "set AZURE_OPENAI_ENDPOINT, or give --base-url"),
        ("openai:m", {"max_tokens": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_had_is_one_line(spec, options, told):
    with pytest.raises(UsageError, match=told) as caught:
        open_model(ModelChoice(spec, **options))
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_key_with_a_strange_character_is_not_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sécret")
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds characters") as caught:
        open_model(ModelChoice("openai:m"))
    assert "cret" not in str(caught.value)


def test_no_provider_is_imported_before_it_is_chosen():
    code = "import sys, selftaught.models.providers as p; p.catalogue(); p.open_model(p.ModelChoice('offline'))\n"
    code += "print([m for m in ('openai', 'anthropic', 'genai_prices', 'httpx2', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_built_in_model_answers():
    model = open_model(ModelChoice("offline"), edit=lambda inputs: [address for *_, address in inputs])
    assert model.name == "offline"
    assert [one.text for one in model.complete(Request("", "Improve"), ["a", "b"])] == ["a", "b"]


def test_the_catalogue_says_what_is_ready(monkeypatch):
    before = {entry.name: entry for entry in catalogue()}
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    after = {entry.name: entry for entry in catalogue()}
    assert before["offline"].ready and not before["openai:NAME"].ready and after["openai:NAME"].ready
    assert before["openai:NAME"].missing == "OPENAI_API_KEY" and after["openai:NAME"].missing == ""
    assert not after["anthropic:NAME"].ready and after["azure:NAME"].missing.startswith("AZURE_OPENAI_ENDPOINT")


def test_without_the_list_of_prices_nothing_that_is_paid_is_ready(monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", "k")
    assert next(one for one in catalogue() if one.name == "groq:NAME").ready
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = next(one for one in catalogue() if one.name == "groq:NAME")
    assert not found.ready and "list of prices" in found.missing


def test_every_provider_is_in_the_catalogue_and_can_be_opened(monkeypatch):
    assert {entry.name for entry in catalogue()} >= {f"{name}:NAME" for name in ROWS}
    for row in ROWS.values():
        monkeypatch.setenv(row.key, "key")
    for name in set(ROWS) - {"azure"}:
        model = open_model(ModelChoice(f"{name}:m"), keyless=True)
        assert model.name == f"{name}:m" and model.parameters["base_url"] is None
        model.close()


def test_a_model_of_this_machine_needs_no_key_and_costs_nothing():
    model = open_model(ModelChoice("ollama:qwen"))
    assert model.ceiling(Request("", "q"), 5) == 0
    assert unpriced(model) is None


def test_a_server_on_this_machine_is_found_with_its_models(monkeypatch):
    models = lambda: Reply(200, {"object": "list", "data": [{"id": "qwen"}, {"id": 3}, {"id": "llama"}]})  # noqa: E731
    with FaultServer(alive=models) as server, FaultServer(alive=lambda: Reply(404, {})) as other:
        for name, url in {"OLLAMA": server.url, "VLLM": other.url, "LLAMACPP": "http://10.255.255.1/v1"}.items():
            monkeypatch.setenv(f"{name}_BASE_URL", url)
        monkeypatch.setenv("LMSTUDIO_BASE_URL", "http://127.0.0.1:1/v1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        found = running(5.0)
        assert found == {"ollama": ["qwen", "llama"]}
        assert "authorization" not in str(server.headers).lower()
    entries = {entry.name: entry for entry in catalogue(found)}
    assert entries["ollama:NAME"].ready and "qwen, llama" in entries["ollama:NAME"].what
    assert not entries["vllm:NAME"].ready and "nothing listens" in entries["vllm:NAME"].missing


def test_a_silent_server_on_this_machine_does_not_hold_the_list_up(monkeypatch):
    with FaultServer(alive=lambda: Reply(hang=600.0)) as server:
        for name in ("OLLAMA", "VLLM", "LLAMACPP", "LMSTUDIO"):
            monkeypatch.setenv(f"{name}_BASE_URL", server.url)
        began = time.monotonic()
        assert running(0.3) == {}
        assert time.monotonic() - began < 30


def test_azure_is_asked_by_deployment_with_its_own_header_and_version(monkeypatch):
    with PathServer() as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url.removesuffix("/v1"))
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key")
        model = open_model(ModelChoice("azure:my dep"))
        (answer,) = model.complete(Request("", "q"), ["a"])
        assert answer.text == "re: q"
        assert server.paths == [f"/openai/deployments/my%20dep/chat/completions?api-version={API_VERSION}"]
        assert server.headers[0]["api-key"] == "azure-key" and "authorization" not in server.headers[0]
        assert model.parameters["query"] == {"api-version": API_VERSION}
        model.close()
        monkeypatch.setenv("OPENAI_API_VERSION", "2025-01-01")
        newer = open_model(ModelChoice("azure:dep", query={"a": "b&c"}))
        newer.complete(Request("", "q"), ["a"])
        assert server.paths[-1].endswith("?api-version=2025-01-01&a=b%26c")
        newer.close()


def test_what_is_sent_beyond_the_usual_is_sent_and_belongs_to_the_address():
    usual = open_model(ModelChoice("openai:m", base_url="http://127.0.0.1:1/v1")).parameters
    assert set(usual) == {"base_url", "max_tokens"}
    with PathServer() as server:
        chosen = ModelChoice(
            "openai:m",
            server.url,
            extra_body={"top_p": 0.5, "reasoning": {"effort": "low"}},
            headers={"X-Mode": "fast-lane", "X-Api-Key": "s3cret-value"},
            query={"region": "eu"},
        )
        model = open_model(chosen)
        model.complete(Request("", "q"), ["a"])
        assert server.bodies[0]["top_p"] == 0.5 and server.bodies[0]["reasoning"] == {"effort": "low"}
        assert server.headers[0]["x-mode"] == "fast-lane" and server.headers[0]["x-api-key"] == "s3cret-value"
        assert server.paths == ["/v1/chat/completions?region=eu"]
        model.close()
    told = json.dumps([dict(model.parameters), chosen.plain(), repr(chosen)])
    assert "s3cret" not in told and "fast-lane" not in told
    assert model.parameters["extra_body"] == {"top_p": 0.5, "reasoning": {"effort": "low"}}
    assert set(model.parameters["headers"]) == {"x-mode", "x-api-key"}


def test_a_header_belongs_to_the_address_by_a_mark_unless_it_says_who_asks():
    def address(**headers):
        chosen = ModelChoice(
            "openai:m", "http://127.0.0.1:1/v1", headers={name.replace("_", "-"): v for name, v in headers.items()}
        )
        return open_model(chosen).parameters

    assert address(X_Mode="a") == address(x_mode="a") != address(X_Mode="b")
    assert address(X_Api_Key="a") == address(X_Api_Key="b") != address()


def test_a_header_of_the_user_goes_before_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    with FaultServer() as server:
        model = open_model(ModelChoice("openai:m", server.url, headers={"authorization": "Basic abc"}))
        model.complete(Request("", "q"), ["a"])
        assert server.headers[0]["authorization"] == "Basic abc"
        model.close()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"extra_body": {"messages": []}}, "may not hold 'messages'"),
        ({"extra_body": {"best_of": 5}}, "may not hold 'best_of', which every request"),
        ({"extra_body": {"max_completion_tokens": 9}}, "may not hold 'max_completion_tokens', say it by --max-tokens"),
        ({"headers": {"a b": "c"}}, "is no header"),
        ({"headers": {"Content-Length": "3"}}, "is no header"),
        ({"headers": {"X-A": "a\r\nX-B: c"}}, "characters that no header has"),
    ],
)
def test_what_cannot_be_sent_is_refused(given, told):
    with pytest.raises(UsageError, match=told):
        ModelChoice("openai:m", **given)


def test_a_choice_is_read_back_with_its_headers_given_anew():
    chosen = ModelChoice("openai:m", "http://h/v1", 9, Price(1, 2), {"a": 1}, {"X-Mode": "fast"}, {"v": "1"})
    plain = json.loads(json.dumps(chosen.plain()))
    assert "fast" not in json.dumps(plain)
    stored = ModelChoice.read(plain)
    assert stored.plain() == plain and stored.with_headers({"X-Mode": "fast"}) == chosen
    for headers in ({}, {"X-Mode": "slow"}, {"X-Other": "fast"}):
        with pytest.raises(UsageError, match="--header x-mode=…"):
            stored.with_headers(headers)
    with pytest.raises(UsageError, match="--header x-mode=…"):
        open_model(stored)
    assert ModelChoice.read(ModelChoice("offline").plain()) == ModelChoice("offline")


def test_options_of_the_command_line_are_read():
    assert named_values("--header", ["A=b=c", " D = e "]) == {"A": "b=c", "D": "e"}
    assert json_object("--extra-body", '{"a": [1]}') == {"a": [1]} and json_object("--extra-body", None) == {}
    for text in ("[1]", "{", "3", '{"x": 1e999}', '{"x": NaN}', '{"x": "\\ud800"}', "[" * 100_000):
        with pytest.raises(UsageError, match="--extra-body"):
            json_object("--extra-body", text)
    with pytest.raises(UsageError, match="--header wants NAME=VALUE") as caught:
        named_values("--header", ["s3cret"])
    assert "s3cret" not in str(caught.value)


def test_parts_for_servers_are_refused_where_there_is_none():
    for more in ({"extra_body": {"a": 1}}, {"headers": {"A": "b"}}, {"query": {"a": "b"}}):
        with pytest.raises(UsageError, match="for models of a server"):
            open_model(ModelChoice("offline", **more))


def test_parameters_that_decide_an_answer_are_in_its_address():
    urls = ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/", "http://127.0.0.1:2/v1"]
    first, same, other = (dict(open_model(ModelChoice("openai:m", base_url=url)).parameters) for url in urls)
    assert first == same != other
    assert open_model(ModelChoice("openai:m", base_url=urls[0], max_tokens=5)).parameters["max_tokens"] == 5


def test_an_unknown_price_is_told_with_the_mend():
    model = open_model(ModelChoice("openai:m", base_url="http://127.0.0.1:1/v1"))
    assert "the price of openai:m is not known: give --price IN,OUT" in unpriced(model)
    assert unpriced(open_model(ModelChoice("openai:m", base_url="http://127.0.0.1:1/v1", price=Price(0, 0)))) is None


def test_without_the_list_of_prices_a_price_is_unknown_and_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "list of prices is not installed" in unpriced(open_model(ModelChoice("openai:gpt-4o-mini"), keyless=True))
