"""All answers that are wanted of a model, asked for as the ledger does: request by request, several side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from selftaught.budget.spend import Spend
from selftaught.models.buying import buy


def everything(model, request, addresses):
    """One answer per address, in order."""

    def piece(wanted):
        found = []
        while len(found) < len(wanted):
            found += buy(model, request, wanted[len(found) :], Spend().buying)
        return found

    batch = model.batch
    pieces = [addresses[i : i + batch] for i in range(0, len(addresses), batch)]
    with ThreadPoolExecutor(64) as threads:
        return [answer for found in threads.map(piece, pieces) for answer in found]
