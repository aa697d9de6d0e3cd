def algorithm(train_samples, train_parity, test_samples):
    """Elimination modulo 2 on whole numbers; the label is the lowest bit."""
    pivots = {}
    for sample, label in zip(train_samples, train_parity, strict=True):
        row = 2 * as_number(sample) + label
        for top, other in pivots.items():
            if row >> top & 1:
                row ^= other
        if row > 1:
            top = row.bit_length() - 1
            pivots = {t: r ^ row if r >> top & 1 else r for t, r in pivots.items()} | {top: row}
    mask = sum((row & 1) << (top - 1) for top, row in pivots.items())
    return [(as_number(sample) & mask).bit_count() % 2 for sample in test_samples]


def as_number(bits):
    return int("".join(map(str, bits)), 2)
