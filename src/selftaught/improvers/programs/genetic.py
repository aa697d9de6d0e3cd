import random

from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert in evolutionary computation and in making algorithms better."
POPULATION = 8
MUTATIONS = 0.5


def improve_algorithm(initial_solution, utility, language_model):
    """Genetic algorithm: tournaments choose parents, the model crosses and mutates them, the fittest survive."""
    if utility.budget < 1:
        return initial_solution
    fitness = {initial_solution: utility(initial_solution)}

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in fitness]
        new = new[: utility.budget - len(fitness)]
        fitness.update(zip(new, utility.map(new)))

    def survivors():
        return sorted(fitness, key=fitness.get, reverse=True)[:POPULATION]

    def tournament(population):
        rivals = random.sample(population, min(2, len(population)))
        return max(rivals, key=fitness.get)

    try:
        for _ in range(language_model.budget):
            if len(fitness) >= utility.budget:
                break
            population = survivors()
            messages = []
            for _ in range(language_model.max_responses_per_call):
                mother, father = tournament(population), tournament(population)
                if mother == father or random.random() < MUTATIONS:
                    messages.append(mutation(mother, utility))
                else:
                    messages.append(crossover(mother, father, utility))
            judge(extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=0.8)))
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return max(fitness, key=fitness.get)


def mutation(solution, utility):
    return f"""Make a variant of the following solution that may score higher:
```python
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

Change one idea in it. Give the whole program in one block of Python code."""


def crossover(mother, father, utility):
    return f"""Combine the best ideas of the following two solutions in one:
```python
{mother}
```

```python
{father}
```

They are scored by this utility, and higher is better:
{utility.str}

Give the whole combined program in one block of Python code."""
