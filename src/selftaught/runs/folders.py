"""What an OpenEvolve folder holds: its program, its evaluator, its config.yaml, and the packages that these need."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from selftaught.errors import UsageError, said_by
from selftaught.lab import Lab
from selftaught.plain import read_bounded
from selftaught.sandbox import Limits, tool
from selftaught.sandbox.packages import installed, normal, providers

EVALUATOR = "evaluator.py"
_PROGRAMS = ("initial_program.*", "init_program.*", "initial_prompt.txt")
"""What the program to begin with is called, in the order in which they are looked for."""
_CONFIGS = ("config.yaml", "config.yml", "config*.yaml", "config*.yml")
_OFFERED = frozenset({"openevolve", "openevolve.evaluation_result"})
"""Modules of `openevolve` that are in the jail without it being installed."""
_LONGEST = 256 << 10
"""Bytes of a config.yaml."""
_MERGED = 20
_MOST = 1e9
"""Of a number in it."""
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def program_of(folder: Path) -> Path:
    """The file that a folder begins with. UsageError where it has none, or no evaluator."""
    found = [one for name in _PROGRAMS for one in sorted(folder.glob(name)) if ".better" not in one.name]
    if not found or not (folder / EVALUATOR).is_file():
        raise UsageError(f"{folder} is no folder to improve: it needs initial_program.py and {EVALUATOR}")
    return found[0]


@dataclass(frozen=True)
class Config:
    """What counts of a folder's config.yaml."""

    system_message: str = ""
    """What is wanted."""
    timeout: float | None = None
    """Seconds of an evaluation."""
    cascade: bool = True
    """Whether stages are gone through, where the evaluator has some."""
    thresholds: tuple[float, ...] = (0.5, 0.75, 0.9)
    """What the score of each stage must reach for the next one; these where it says nothing, as in OpenEvolve."""

    @classmethod
    def read(cls, folder: Path) -> Config:
        """That of the folder; of several without a config.yaml, the first by name. UsageError where it cannot be read."""
        found = [one for name in _CONFIGS for one in sorted(folder.glob(name)) if one.is_file()]
        plain = _yaml(found[0]) if found else {}
        prompt, evaluator = _part(plain, "prompt"), _part(plain, "evaluator")
        timeout, thresholds = evaluator.get("timeout"), evaluator.get("cascade_thresholds")
        asked = prompt.get("system_message") or plain.get("system_message") or ""
        numbers: list[Any] = cast("list[Any]", thresholds) if isinstance(thresholds, list) else []
        for name, fits in (
            ("system_message", isinstance(asked, str)),
            ("timeout", timeout is None or _is_number(timeout)),
            ("cascade_thresholds", all(map(_is_number, numbers))),
        ):
            if not fits:
                raise UsageError(f"{found[0]}: its {name} is none that can be meant")
        return cls(
            str(asked).strip(),
            float(timeout) if timeout and timeout > 0 else None,
            bool(evaluator.get("cascade_evaluation", True)),
            tuple(float(one) for one in numbers) or cls.thresholds,
        )


def packages_of(lab: Lab, folder: Path, program: Path) -> tuple[str, ...]:
    """Installed packages that evaluator, program and modules beside them import, or that requirements.txt names.

    UsageError for one that is not installed and that they cannot do without, with how to install it.
    """
    wanted = [normal(one) for one in _required(folder) if installed(one)]
    for path in _read(lab, folder, [folder / EVALUATOR, program]):
        sure, maybe = _imports(lab, path)
        for module in [*sure, *maybe]:
            top = module.split(".")[0]
            if top in sys.stdlib_module_names or _beside(folder, top) or module in _OFFERED:
                continue
            found = providers(top)
            if not found and module in sure:
                raise UsageError(_missing(path, module, folder))
            wanted += found
    return tuple(sorted({*wanted} - {"numpy"}))


def _read(lab: Lab, folder: Path, begin: Sequence[Path]) -> Iterator[Path]:
    """The Python files, and those beside them that they import."""
    seen, left = set[Path](), [one for one in begin if one.suffix == ".py"]
    while left:
        path = left.pop()
        if path not in seen:
            seen.add(path)
            yield path
            names = [name for some in _imports(lab, path) for name in some]
            left += [one for name in names if (one := _beside(folder, name.split(".")[0])) and one.suffix == ".py"]


def _beside(folder: Path, top: str) -> Path | None:
    paths = (folder / f"{top}.py", folder / top)
    return next((one for one in paths if one.exists()), None)


def _missing(path: Path, module: str, folder: Path) -> str:
    top = module.split(".", maxsplit=1)[0]
    named = top.lower() in {one.lower() for one in _required(folder)}
    what = f"-r {folder / 'requirements.txt'}" if named else top
    return (
        f"{path} imports {module}, which is not installed: run `pip install {what}`{'' if named else ' (or what brings it)'} "
        f"in the environment of this program ({sys.prefix})"
    )


def _required(folder: Path) -> list[str]:
    """The packages that a folder's requirements.txt names."""
    path = folder / "requirements.txt"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    found = [_REQUIREMENT.match(line) for line in lines]
    return [one.group(1) for one in found if one]


def _imports(lab: Lab, path: Path) -> list[list[str]]:
    return cast("list[list[str]]", _asked(lab, "imported", path) or [[], []])


def described(lab: Lab, folder: Path) -> str:
    """What the docstrings of the evaluator say."""
    return str(_asked(lab, "described", folder / EVALUATOR) or "")


def _asked(lab: Lab, function: str, path: Path) -> object:
    text = path.read_text(encoding="utf-8", errors="replace")
    (outcome,) = lab.sandbox.run(tool("imports", function, [(text,)], Limits(cpu_s=10)))
    return outcome.answer if outcome.kind == "answer" else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST


def _yaml(path: Path) -> dict[str, Any]:
    """What the file holds. What it refers to again is shared, not copied, so nothing may walk through all of it."""
    try:
        import yaml
    except ImportError:
        raise UsageError(f"{path} is read with PyYAML: run `pip install 'selftaught[folders]'`") from None
    try:
        raw = read_bounded(path, _LONGEST)
        if raw is None:
            raise UsageError(f"cannot read {path}: it has more than {_LONGEST >> 10} KiB")
        if b"<<" in raw and raw.count(b"*") > _MERGED:  # what is merged is copied, and may be merged again
            raise UsageError(f"cannot read {path}: it merges more than {_MERGED} parts")
        found = yaml.safe_load(raw.decode("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}: {said_by(error)}") from error
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _part(config: dict[str, Any], name: str) -> dict[str, Any]:
    found = config.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
