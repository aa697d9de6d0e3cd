"""The providers by name: each a row of what is known of it beforehand. What a server refuses is learnt by asking it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from selftaught.errors import UsageError

API_VERSION = "2024-10-21"
"""Of Azure's interface, unless OPENAI_API_VERSION or --query says another."""


@dataclass(frozen=True)
class Row:
    """One provider, which speaks OpenAI's protocol unless it is `anthropic`."""

    name: str
    what: str
    home: str | None
    """Its address; None: one has to be given."""
    key: str
    """The variable of the environment that holds the key."""
    place: str
    """The variable that may name another address."""
    prices: str
    """What `genai-prices` calls it; "" where nothing is paid."""
    local: bool = False
    """Whether it runs on this machine, and so needs no key and costs nothing."""
    several: bool = True
    """Whether one request brings several answers (n)."""
    key_header: str = "Authorization"
    deployed: bool = False
    """Whether the model is a part of the address."""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sent with every request, beside what the user gives."""

    def given(self, base_url: str | None) -> str | None:
        """The address that a user names, as an option or in the environment; None: the provider's own is meant."""
        return base_url or os.environ.get(self.place) or None

    def address(self, named: str | None, model: str) -> str:
        """Where a model is asked. Raises UsageError where nothing says it."""
        found = named or self.home
        if found is None:
            raise UsageError(f"{self.name}: models need an address: set {self.place}, or give --base-url")
        within = f"/openai/deployments/{quote(model, safe='')}"
        return found + within if self.deployed and "/openai" not in found else found

    def credentials(self, key: str) -> dict[str, str]:
        """The header that carries a key."""
        return {self.key_header: f"Bearer {key}" if self.key_header == "Authorization" else key}

    def asked_with(self, named: str | None, query: Mapping[str, str]) -> dict[str, str]:
        """The query of every request: the user's over the row's."""
        own = {} if named and named.endswith("/openai/v1") else dict(self.query)
        version = os.environ.get("OPENAI_API_VERSION")
        return own | ({"api-version": version} if version and "api-version" in own else {}) | dict(query)


def _local(name: str, what: str, port: int, several: bool = False) -> Row:
    shout = name.upper()
    home = f"http://127.0.0.1:{port}/v1"
    return Row(name, what, home, f"{shout}_API_KEY", f"{shout}_BASE_URL", "", local=True, several=several)


def _hosted(name: str, what: str, home: str, prices: str | None = None, several: bool = True) -> Row:
    shout = name.upper()
    return Row(name, what, home, f"{shout}_API_KEY", f"{shout}_BASE_URL", prices or name, several=several)


OPENAI = _hosted(
    "openai", "OpenAI, and with --base-url every server that speaks its protocol", "https://api.openai.com/v1"
)
ANTHROPIC = _hosted("anthropic", "Claude (takes no temperature)", "https://api.anthropic.com", several=False)
ROWS: Mapping[str, Row] = {
    row.name: row
    for row in (
        OPENAI,
        ANTHROPIC,
        _local("ollama", "Ollama on this machine", 11434),
        _local("llamacpp", "llama.cpp's server on this machine", 8080),
        _local("vllm", "vLLM on this machine", 8000, several=True),
        _local("lmstudio", "LM Studio on this machine", 1234),
        _hosted("openrouter", "OpenRouter: models of many providers", "https://openrouter.ai/api/v1", several=False),
        _hosted("gemini", "Google", "https://generativelanguage.googleapis.com/v1beta/openai", "google"),
        _hosted("deepseek", "DeepSeek", "https://api.deepseek.com/v1", several=False),
        _hosted("groq", "Groq", "https://api.groq.com/openai/v1", several=False),
        _hosted("mistral", "Mistral", "https://api.mistral.ai/v1"),
        _hosted("together", "Together AI", "https://api.together.xyz/v1"),
        Row(
            "azure",
            "OpenAI's models at Azure, by the name of their deployment",
            None,
            "AZURE_OPENAI_API_KEY",
            "AZURE_OPENAI_ENDPOINT",
            "azure",
            key_header="api-key",
            deployed=True,
            query={"api-version": API_VERSION},
        ),
    )
}
