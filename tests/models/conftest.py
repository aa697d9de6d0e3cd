"""What the tests of the models share."""

from __future__ import annotations

import pytest
from whole import everything

from selftaught.models import Request
from selftaught.models.providers import open_model
from selftaught.settings.choice import ModelChoice


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ask():
    """Ask a model at a server; the models are closed at the end."""
    opened = []

    def ask(
        server, count=1, message="hello", spec="openai:m", temperature=0.7, expertise="be brief", model=None, **options
    ):
        waits = {name: options.pop(name) for name in ("deadline_s", "idle_s", "concurrency") if name in options}
        model = model or open_model(ModelChoice(spec, base_url=server.url, **options), **waits)
        opened.append(model)
        return everything(model, Request(expertise, message, temperature), [f"{message}/{i}" for i in range(count)])

    yield ask
    for model in opened:
        model.close()
