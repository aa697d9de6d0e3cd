"""`parity`, parity without noise (paper, section 4, transfer): `lpn` with every label right.

The paper's scorer took any shape of answer (an array of zeros in the shape (20, 1) scored 1055 %) and had no limit.
"""

from __future__ import annotations

from selftaught.tasks.lpn import Lpn
from selftaught.tasks.sizes import Sizes


class Parity(Lpn):
    """Elimination modulo 2 solves it exactly whenever the shown samples span the bits, which 100 of 10 bits do."""

    name = "parity"
    summary = "parity without noise: predict the parity of a hidden subset of bits from right labels"
    noise = 0.0
    sizes = Sizes("parity", 2, 100, what="the number of bits")
