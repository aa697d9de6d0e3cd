"""A run's progress: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from selftaught.lab.progress import Progress, Snapshot

_PLAIN_EVERY_S = 10.0


def line(now: Snapshot) -> str:
    """Where a run stands, in one line."""
    counts = now.counts
    best = "" if now.best is None else f" · best so far {now.best:.3f}"
    money = "price unknown" if now.dollars is None else f"${now.dollars:,.2f}"
    return (
        f"{now.elapsed_s:5.0f} s · {now.phase} · {counts.get('improver runs under way', 0)} improvers at work · "
        f"{counts.get('improver runs', 0):,} improver runs · {counts.get('scorings', 0):,} scorings · "
        f"{counts.get('answers', 0):,} answers · {money}{best}"
    )


@contextmanager
def shown(progress: Progress, console: Console) -> Generator[None]:
    """Show progress on `console` while the block runs."""
    ended = threading.Event()
    show = _live if console.is_terminal else _plain
    thread = threading.Thread(target=show, args=(progress, console, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _live(progress: Progress, console: Console, ended: threading.Event) -> None:
    with Live(console=console, transient=True, refresh_per_second=4) as live:
        while not ended.wait(0.25):
            live.update(_grid(progress.snapshot()))


def _grid(now: Snapshot) -> Table:
    counts = now.counts
    grid = Table.grid(padding=(0, 2))
    grid.add_row("[bold]now", now.phase)
    grid.add_row(
        "[bold]improvers",
        f"{counts.get('improver runs under way', 0)} at work, {counts.get('improver runs', 0):,} done",
    )
    grid.add_row("[bold]scorings", f"{counts.get('scorings', 0):,}")
    bought = counts.get("answers bought", 0)
    grid.add_row("[bold]answers", f"{counts.get('answers', 0):,}, of which {bought:,} new")
    grid.add_row("[bold]money", "price unknown" if now.dollars is None else f"${now.dollars:,.4f}")
    grid.add_row("[bold]best so far", "–" if now.best is None else f"{now.best:.3f}")
    grid.add_row("[bold]time", f"{now.elapsed_s:.0f} s")
    return grid


def _plain(progress: Progress, console: Console, ended: threading.Event) -> None:
    """A line at each change of phase and every few seconds."""
    phase, last = "", 0.0
    while not ended.wait(0.2):
        now = progress.snapshot()
        if now.phase != phase or now.elapsed_s - last >= _PLAIN_EVERY_S:
            phase, last = now.phase, now.elapsed_s
            console.print(line(now), soft_wrap=True, highlight=False, markup=False, emoji=False)
