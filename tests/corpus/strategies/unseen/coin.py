# strategies: iterative epsilon-greedy temperature
import random

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    pool, marks = [initial_solution], [utility(initial_solution)]
    for r in range(language_model.budget):
        curious = random.random() < 0.9**r
        base = pool[random.randrange(len(pool))] if curious else pool[marks.index(max(marks))]
        heat = 1.1 if curious else 0.4
        new = extract_code(language_model.prompt("Expert", "Improve\n```python\n" + base + "\n```\n" + utility.str, 2, heat))
        pool += new
        marks += [utility(n) for n in new]
    return pool[marks.index(max(marks))]
