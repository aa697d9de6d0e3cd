"""A model behind an address, for other programs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selftaught.cli.completion import model_names
from selftaught.cli.declare import SPENDING, Working, command, option
from selftaught.cli.options import Level, Seeded, Served, Spending
from selftaught.cli.terminal import tell
from selftaught.errors import UsageError
from selftaught.views.terminal import write

if TYPE_CHECKING:
    from selftaught.settings.choice import ModelChoice


@command(cls=Working)
def serve(
    model: Annotated[
        str, typer.Argument(help="provider:model, see `models`; or recording:FILE.", autocompletion=model_names)
    ],
    reached: Served,
    seeded: Seeded,
    spending: Spending,
    sandbox: Level = "strict",
    port: Annotated[int, typer.Option(help="Where it listens; 0: a free one.")] = 8099,
    host: Annotated[
        str, typer.Option(help="The address; any but a loopback one lets others ask, and spend.")
    ] = "127.0.0.1",
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="Part of a request that is neither obeyed nor refused, e.g. top_p; repeat for more."),
    ] = None,
    yes: Annotated[bool, option(SPENDING, "Begin what costs money without asking.")] = False,
) -> None:
    """Serve a model on this machine as OpenAI's servers do (chat completions, models), until Ctrl-C."""
    from selftaught.budget.spend import Spend
    from selftaught.runs.endpoint import Endpoint
    from selftaught.runs.model import open_model
    from selftaught.runs.recalled import Recalled
    from selftaught.runs.serving import Service
    from selftaught.sandbox.levels import open_sandbox

    limits = spending.limits()
    recorded = Recalled(Path(model.partition(":")[2])) if model.startswith("recording:") else None
    choice = None if recorded else reached.choice(model)
    bounded = yes or limits.dollars is not None or limits.answers is not None or limits.tokens is not None
    if choice and not bounded and _costs(choice):
        raise UsageError(
            f"{model} may cost money whenever somebody asks: bound it by --max-dollars, --max-answers or "
            "--max-bought-tokens, or say --yes"
        )
    with open_sandbox(sandbox) as box:
        opened = open_model(choice, box, limits) if choice else recorded
        assert opened
        spend = Spend(limits)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts it in the background may have it ignored
        try:
            with Endpoint(Service(opened, spend, seeded.drawn, ignore or ()), host, port, tell) as endpoint:
                _say(endpoint.url, opened.name, endpoint.loopback)
                endpoint.serve_forever(0.1)
        except KeyboardInterrupt:
            used = spend.now()
            money = "at a price that is unknown" if used.dollars is None else f"for ${used.dollars:,.4f}"
            tell(f"ended after {used.answers:,} answers of {used.tokens:,} tokens, {money}")
        finally:
            opened.close()


def _costs(choice: ModelChoice) -> bool:
    """Whether an answer may cost money, as far as the model tells."""
    from selftaught.models import Request
    from selftaught.runs.model import open_model

    model = open_model(choice, keyless=True)
    try:
        return model.ceiling(Request("", "?"), 1) != 0
    finally:
        model.close()


def _say(url: str, name: str, loopback: bool) -> None:
    """Where it is, and how it is asked."""
    write(f"{name} is served at {url} until Ctrl-C. For example:", end="\n")
    write(
        f"  curl {url}/chat/completions -H 'Content-Type: application/json' "
        f"""-d '{{"model": "{name}", "messages": [{{"role": "user", "content": "Hello"}}]}}'""",
        end="\n",
    )
    write(f"Programs that speak with OpenAI take it as base URL, with any key: OPENAI_BASE_URL={url}", end="\n")
    sys.stdout.flush()
    if not loopback:
        tell("others can ask it as well, and nothing asks them who they are")
