# strategies: iterative part-by-part
import re

from helpers import extract_code


def cut(text):
    return re.split(r"(?m)^(?=def )", text)


def improve_algorithm(initial_solution, utility, language_model):
    chunks = cut(initial_solution)
    mark = utility(initial_solution)
    for i, chunk in enumerate(chunks):
        if not chunk.startswith("def ") or i > language_model.budget:
            continue
        told = f"This is one function of a larger program:\n```python\n{chunk}\n```\nMake it better. {utility.str}"
        new = extract_code(language_model.prompt("Expert", told)[0])
        whole = "".join([*chunks[:i], new + "\n\n\n", *chunks[i + 1 :]])
        if (value := utility(whole)) > mark:
            mark, chunks[i] = value, new + "\n\n\n"
    return "".join(chunks)
