import random


def algorithm(formula):
    """WalkSAT: flip the literal that breaks the fewest clauses, with counts kept up to date."""
    variables = max(abs(literal) for clause in formula for literal in clause)
    within = {literal: [] for v in range(1, variables + 1) for literal in (v, -v)}
    for number, clause in enumerate(formula):
        for literal in clause:
            within[literal].append(number)
    true = {random.choice((v, -v)) for v in range(1, variables + 1)}
    counts = [sum(literal in true for literal in clause) for clause in formula]
    for _ in range(4000):
        unsatisfied = [number for number, count in enumerate(counts) if not count]
        if not unsatisfied:
            break
        clause = formula[random.choice(unsatisfied)]
        broken = [sum(counts[c] == 1 for c in within[-literal]) for literal in clause]
        random_one = min(broken) and random.random() < 0.4
        literal = random.choice(clause) if random_one else clause[broken.index(min(broken))]
        true.remove(-literal)
        true.add(literal)
        for number in within[literal]:
            counts[number] += 1
        for number in within[-literal]:
            counts[number] -= 1
    return [v in true for v in range(variables + 1)]
