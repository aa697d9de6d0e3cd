"""`lpn`, learning parity with noise: the paper's main task (section 3).

The paper's sizes and chances; `lpn:30@0.1` has 30 bits and a tenth of the labels wrong. Its limit of 2 s by the clock is
0.25 s of CPU time here, so that a solution that never ends costs seconds, not a minute.
Trying every mask takes about 0.05 s in plain Python, 2 ms with numpy.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar, Self

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, Split, Task
from selftaught.tasks.answers import bits
from selftaught.tasks.sizes import Sizes

BITS = 10
NOISE = 0.05
SHOWN_PER_BIT = 10
ASKED = 20
MASK_CHANCE = 0.3


class Lpn(Task):
    """Labels are the parity of a hidden subset of the bits; the shown ones are flipped now and then."""

    name = "lpn"
    entry = "algorithm"
    summary = "learning parity with noise: predict the parity of a hidden subset of bits from noisy labels"
    instances: Mapping[Split, int] = {"train": 20, "validation": 20, "test": 50}
    known_start = 0.5
    """Random labels are right half of the time."""
    noise: float = NOISE
    """Chance that a shown label is flipped. The asked labels are never flipped, so 1 is the best score."""
    bits: int = BITS
    sizes: ClassVar[Sizes] = Sizes("lpn", 2, 100, 0, 0.45, "the number of bits", "the noise")

    start = """\
import random


def algorithm(train_samples, train_parity, test_samples):
    predictions = []
    for sample in test_samples:
        predictions.append(random.randint(0, 1))
    return predictions
"""

    @classmethod
    def sized(cls, text: str) -> Self:
        """The task with so many bits, and after an @ so much noise. Raises UsageError."""
        task = cls()
        task.bits, task.noise = cls.sizes.read(text, cls.noise)
        task.name = f"{cls.name}:{text}"
        return task

    @property
    def limits(self) -> Limits:  # pyright: ignore[reportIncompatibleVariableOverride]
        return Limits(cpu_s=0.25 * max(1.0, self.bits / BITS))

    @property
    def _shown(self) -> int:
        return SHOWN_PER_BIT * self.bits

    @property
    def description(self) -> str:
        return (
            f"Learn a parity function{self._of_noise}. A hidden mask of {self.bits} bits, each 1 with probability "
            f"{MASK_CHANCE:g}, is drawn for each instance; the label of a sample of {self.bits} bits is the sum, modulo 2, "
            f"of those bits where the mask is 1. `algorithm(train_samples, train_parity, test_samples)` is given "
            f"{self._shown} samples (lists of {self.bits} bits, each 0 or 1 with equal probability), the list of their "
            f"labels{self._of_flips}, and {ASKED} further samples. It returns a flat list of {ASKED} labels, each 0 or 1, "
            f"for the further samples. The grade of an instance is the share of the {ASKED} labels that are right (guessing: "
            f"0.5; all right: 1). All inputs are plain lists."
        )

    @property
    def _of_noise(self) -> str:
        return " with noise" if self.noise else ""

    @property
    def _of_flips(self) -> str:
        return f" (each of these is wrong with probability {self.noise:g})" if self.noise else " (all of them right)"

    def draw(self, rng: random.Random) -> Instance:
        mask = [int(rng.random() < MASK_CHANCE) for _ in range(self.bits)]
        samples = [[rng.getrandbits(1) for _ in range(self.bits)] for _ in range(self._shown + ASKED)]
        parity = [sum(map(int.__mul__, mask, sample)) % 2 for sample in samples]
        shown = [label ^ int(rng.random() < self.noise) for label in parity[: self._shown]]
        return Instance((samples[: self._shown], shown, samples[self._shown :]), parity[self._shown :])

    def grade(self, instance: Instance, answer: JSON) -> float:
        labels = bits(answer, ASKED, "labels")
        return sum(map(int.__eq__, labels, instance.truth)) / ASKED
