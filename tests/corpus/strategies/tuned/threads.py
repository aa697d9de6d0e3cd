# strategies: sampling parallel-scoring
from concurrent.futures import ThreadPoolExecutor

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    prompt = f"Rewrite for a higher score.\n```python\n{initial_solution}\n```\n{utility.str}"
    found = []
    for _ in range(language_model.budget):
        found += extract_code(language_model.prompt("Expert", prompt, language_model.max_responses_per_call))
    found = found[: utility.budget]
    with ThreadPoolExecutor(4) as pool:
        marks = list(pool.map(utility, found))
    return found[marks.index(max(marks))]
