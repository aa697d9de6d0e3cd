import ast

from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer who improves programs one function at a time."


def improve_algorithm(initial_solution, utility, language_model):
    """Part by part: one function at a time is improved, spliced into the best program, and kept if that is better."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))

    def best():
        return max(scores, key=scores.get)

    try:
        for turn in range(language_model.budget):
            if len(scores) >= utility.budget:
                break
            whole = best()
            parts = functions(whole) or [whole]
            message = question(parts[turn % len(parts)], whole, utility)
            n = language_model.max_responses_per_call
            answers = extract_code(language_model.prompt(EXPERTISE, message, n_responses=n, temperature=0.7))
            judge(spliced(whole, answer) for answer in answers if answer)
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return best()


def pieces(program):
    """The top-level statements of a program: (name of what it defines or None, first line, last line); none if broken."""
    try:
        body = ast.parse(program).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in body]
    return [(getattr(node, "name", None), first, node.end_lineno) for node, first in zip(body, starts)]


def functions(program):
    lines = program.split("\n")
    return ["\n".join(lines[first - 1 : last]) for name, first, last in pieces(program) if name]


def spliced(whole, answer):
    """The whole program with what the answer defines put in its place; what is new goes before the first definition."""
    places = {name: (first, last) for name, first, last in pieces(whole) if name}
    lines, given, new = whole.split("\n"), answer.split("\n"), []
    for name, first, last in pieces(answer):
        text = "\n".join(given[first - 1 : last])
        if name in places:
            begin, end = places[name]
            lines[begin - 1 : end] = [text, *[None] * (end - begin)]
        elif text not in whole:
            new.append(text)
    if not places:
        return answer
    top = min(begin for begin, _ in places.values()) - 1
    lines[top] = "\n\n\n".join([*new, lines[top]])
    return "\n".join(line for line in lines if line is not None) + "\n"


def question(part, whole, utility):
    return f"""Improve this part of a program:
```python
{part}
```

The whole program is:
```python
{whole}
```

It is scored by this utility, and higher is better:
{utility.str}

Keep the name and the parameters of the part. Give only the improved part, in one block of Python code."""
