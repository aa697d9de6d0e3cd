"""Makes store-vN.db, N being this version's schema: `python tests/assets/store.py`, once per schema, never again.

The file stays in the tests for ever: `tests/test_assets.py` opens it with whatever version is current. It holds one run of
grid with the model `offline`, whose report is what a replay must come to.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from selftaught.store import MIGRATIONS

OPTIONS = "--rounds 1 --repetitions 1 --validation 1 --test 1 --calls 2 --responses 2 --scorings 5 --outer-calls 1"
MORE = "--outer-responses 2 --outer-scorings 3 --tasks grid --test-tasks grid --seed 7 --json"


def main() -> None:
    """Run, then leave the file compact and whole in one piece."""
    target = Path(__file__).parent / f"store-v{len(MIGRATIONS)}.db"
    if target.exists():
        sys.exit(f"{target.name} is there: it must never change")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "store.db"
        command = [sys.executable, "-m", "selftaught", "run", *OPTIONS.split(), *MORE.split(), "--store", str(made)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        shutil.copy(made, target)


main()
