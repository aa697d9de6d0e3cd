"""Write docs/commands.md: what `--help` says of every command, and where defaults come from.

python scripts/commands.py            # writes it
python scripts/commands.py --check    # exit code 1 where it is not what the commands say
"""

from __future__ import annotations

import sys
from pathlib import Path

import typer.main
from typer.core import TyperGroup

from selftaught.cli import app

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
WIDTH = 100
INTRODUCTION = """# Commands

This page is written by `scripts/commands.py` from the commands themselves.

## Where defaults come from

An option that is not given on the command line is taken from the environment, then from a small file, then from the
program. All three hold for the options under every heading but *Options*:

- **Environment**: `SELFTAUGHT_` and the option's name in capitals, `-` as `_`: `SELFTAUGHT_MODEL=openai:gpt-4o-mini`,
  `SELFTAUGHT_MAX_DOLLARS=2`, `SELFTAUGHT_STORE=/data/runs.db`, `SELFTAUGHT_TASKS="lpn parity"` (several with spaces between),
  `SELFTAUGHT_JSON=1`.
- **File**: `selftaught.toml` in the current folder, or the file that `SELFTAUGHT_CONFIG` names. A key is an option's name and
  counts for every command that has the option; a table named like a command counts for that command alone, before the others,
  and may set its own options (those under *Options*) as well. A command that may spend says which of its options the file has
  set. A key that no option has, or a value of the wrong type, is refused in one line that names file and key.

```toml
store = "/data/runs.db"
max-dollars = 2

[run]
model = "openai:gpt-4o-mini"
tasks = ["lpn", "parity"]

[compare]
repetitions = 20
```

Paths are relative to the current folder, wherever they are written. What may be looked at but not written to (`show`, `runs`,
`lineage`, `events`) works on a store that is read-only. `--sandbox` and `--base-url` can be set by the file too: run the
command only in folders whose `selftaught.toml` you know.
"""


def page() -> str:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    settings = {"terminal_width": WIDTH, "help_option_names": ["-h", "--help"]}
    parts = [
        INTRODUCTION,
        _section("selftaught", group.get_help(group.context_class(group, info_name="selftaught", **settings))),
    ]
    for name, command in group.commands.items():
        context = command.context_class(command, info_name=f"selftaught {name}", **settings)
        parts.append(_section(f"selftaught {name}", command.get_help(context)))
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


def main() -> None:
    if "--check" in sys.argv[1:]:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == page() else f"{PAGE} is old: python scripts/commands.py")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
