"""OpenEvolve or GEPA at work on one program, in their environment: what is wanted as JSON in, what came of it as JSON out.

Both with their own defaults, but for what is said here. One answer is one candidate for both.
"""

# They are installed elsewhere:
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from judging import score

TEMPERATURE = 0.7


def main() -> None:
    """Run who is asked for. Standard output is for the result alone."""
    asked = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.chdir(asked["folder"])
    begun = time.monotonic()
    text = {"openevolve": openevolve, "gepa": gepa}[asked["system"]](asked)
    found = {
        "program": text,
        "inside_s": time.monotonic() - begun,
        "version": importlib.metadata.version(asked["system"]),
    }
    print(json.dumps(found), file=out, flush=True)
    os._exit(0)  # whatever threads and pools they leave


def judged(asked: dict[str, Any], text: str) -> tuple[float, str]:
    """What both are told: the score of the start by that of the program, so more is better; 0 and why for a failure."""
    if asked["instant"]:
        mark("e")
        return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32, ""
    value, why = score(asked["scorer"], text, asked["entry"], "train")
    mark("e")
    return (0.0, why) if value is None else (asked["start_score"] / value, "")


def mark(what: str) -> None:
    """Note when something was: `m` an answer, `e` a score."""
    with Path("marks").open("a", encoding="ascii") as file:
        file.write(f"{what} {time.monotonic_ns()}\n")


class Instant:
    """A model that takes no time: the start with another comment, as a whole program."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._start = asked["start"]

    def __call__(self, _: Any) -> str:
        mark("m")
        return f"```python\n{self._start}# {os.urandom(8).hex()}\n```"

    async def generate(self, prompt: str, **_: Any) -> str:
        return self(prompt)

    async def generate_with_context(self, system_message: str, messages: Any, **_: Any) -> str:  # noqa: ARG002
        return self(messages)


def openevolve(asked: dict[str, Any]) -> str:
    """OpenEvolve by its way in from Python, one iteration an answer."""
    from openevolve import run_evolution
    from openevolve.config import Config, LLMModelConfig

    config = Config()
    config.max_iterations = asked["answers"]
    config.random_seed = config.database.random_seed = asked["seed"]
    config.log_level = "WARNING"
    config.evaluator.cascade_evaluation = False
    config.prompt.system_message = asked["about"]
    model = LLMModelConfig(
        api_base=asked["url"],
        api_key="none",
        name="offline",
        temperature=TEMPERATURE,
        max_tokens=4096,
        timeout=60,
        retries=3,
        retry_delay=5,
        random_seed=asked["seed"],
    )
    if asked["instant"]:
        config.diff_based_evolution = False
        model.init_client = lambda _: Instant(asked)
    config.llm.models = config.llm.evaluator_models = [model]

    def evaluate(program_path: str) -> Any:
        from openevolve.evaluation_result import EvaluationResult

        value, why = judged(asked, Path(program_path).read_text("utf-8"))
        return EvaluationResult({"combined_score": value}, {"error": why} if why else {})

    return run_evolution(asked["start"], evaluate, config).best_code


def gepa(asked: dict[str, Any]) -> str:
    """GEPA's optimize_anything, in its mode for one thing with one score; one proposal an answer."""
    from gepa.optimize_anything import EngineConfig, GEPAConfig, ReflectionConfig, optimize_anything

    def answer(prompt: Any) -> str:
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        body = {"model": "offline", "messages": messages, "temperature": TEMPERATURE}
        request = urllib.request.Request(
            f"{asked['url']}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            text = json.load(reply)["choices"][0]["message"]["content"]
        mark("m")
        return text

    def evaluate(candidate: str) -> Any:
        value, why = judged(asked, candidate)
        return value, {"error": why} if why else {"score": value}

    engine = EngineConfig(seed=asked["seed"], max_candidate_proposals=asked["answers"], cache_evaluation=True)
    model = Instant(asked) if asked["instant"] else answer
    config = GEPAConfig(engine=engine, reflection=ReflectionConfig(reflection_lm=model))
    found = optimize_anything(asked["start"], evaluator=evaluate, objective=asked["about"], config=config)
    return found.best_candidate


if __name__ == "__main__":
    main()
