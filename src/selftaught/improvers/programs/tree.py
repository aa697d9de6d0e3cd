from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer and computer scientist with a gift for making algorithms better."


def improve_algorithm(initial_solution, utility, language_model):
    """Tree search: the most promising leaves are expanded, whatever their depth, each told why its solution lost."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}
    depth, expanded = {initial_solution: 0}, set()

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))
        return new

    def leaves():
        """Unexpanded nodes, best first, shallow ones first among equals; the best node of all when there are none."""
        open_nodes = [node for node in scores if node not in expanded] or [max(scores, key=scores.get)]
        return sorted(open_nodes, key=lambda node: (-scores[node], depth[node]))

    try:
        for _ in range(language_model.budget):
            if len(scores) >= utility.budget:
                break
            size = language_model.max_responses_per_call
            nodes = leaves()[: max(1, size // 3)]
            expanded.update(nodes)
            parents = [nodes[i % len(nodes)] for i in range(size)]
            notes = {node: utility.feedback(node) for node in nodes}
            messages = [question(parent, notes[parent], utility) for parent in parents]
            children = extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=0.7))
            judge(children)
            for parent, child in zip(parents, children):
                depth.setdefault(child, depth[parent] + 1)
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return max(scores, key=scores.get)


def question(solution, note, utility):
    return f"""Improve the following solution:
```python
{solution}
```

How it fared: {note}

It is scored by this utility, and higher is better:
{utility.str}

Say first, in a sentence, what keeps its score down; then give the whole improved program in one block of Python code."""
