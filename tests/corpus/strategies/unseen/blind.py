# strategies: iterative unscored temperature
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    text = initial_solution
    for i in range(language_model.budget):
        answer = language_model.prompt("Expert", f"Improve\n```python\n{text}\n```\n{utility.str}", temperature=0.9 - 0.1 * i)[0]
        text = extract_code(answer) or text
    return text
