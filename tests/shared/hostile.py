"""Hostile texts by kind, as expressions of Python, so that an improver can make them where it runs; and who can be fooled by them.

Each kind comes in each role: as a prompt, an improver, a solution, an idea (what a model says before its program) and the name of a
task.
"""

from textwrap import dedent

ROLES = ("prompt", "improver", "solution", "idea", "name")
SHORT = {
    # what commands a terminal
    "clear the screen": r"'\x1b[2J\x1b[H'",
    "red, for ever": r"'\x1b[31m' * 3",
    "a title": r"'\x1b]0;owned\x07'",
    "a link": r"'\x1b]8;;http://x.invalid\x1b\\there\x1b]8;;\x1b\\'",
    "the clipboard": r"'\x1b]52;c;cm0gLXJm\x07'",
    "a device string": r"'\x1bP$q\"p\x1b\\'",
    "what are you": r"'\x1b[c\x1b[5n\x1b[6n'",
    "the other screen": r"'\x1b[?1049h\x1b[?25l'",
    "scrolled away": r"'\x1b[1;1r\x1b[99S'",
    "a lone escape": r"'\x1b'",
    "C1 sequence": r"'\x9b31m\x9d0;owned\x9c'",
    "all of C1": r"''.join(map(chr, range(0x80, 0xa0)))",
    "all of C0": r"''.join(map(chr, range(32)))",
    "bell": r"'\a' * 9",
    "backspaces": r"'harmful' + '\b' * 7 + 'benign!'",
    "bare return": r"'rm -rf\rls    '",
    "a return in a string": r"'print(\"a\rb\")'",
    "form feed, vertical tab": r"'a\fb\vc'",
    "delete": r"'\x7f' * 5",
    "shift out": r"'\x0e\x0f'",
    "NUL": r"'a\0b'",
    "end of file": r"'a\x1ab'",
    # what hides or turns
    "override": r"'\u202egnp.exe\u202c'",
    "isolates": r"'\u2066a\u2067b\u2068c\u2069'",
    "marks": r"'\u200e\u200f\u061c'",
    "no width": r"'a\u200bb\u200cc\u200dd\u2060e'",
    "tags": r"''.join(chr(0xe0000 + ord(c)) for c in 'hidden')",
    "variation selectors": r"'a\ufe0f\U000e0100'",
    "byte order mark": r"'\ufeffx = 1'",
    "byte order marks": r"'\ufeff' * 1000",
    "line separators": r"'a\u2028b\u2029c\x85d'",
    "soft hyphens": r"'so\u00adft'",
    "fillers": r"'\u3164\uffa0\u115f'",
    "lone high surrogate": r"'a\ud800b'",
    "lone low surrogate": r"'a\udc00b'",
    "surrogates the wrong way round": r"'\udc00\ud800'",
    "bytes that are not UTF-8": r"b'a\xff\xfe\xc3'.decode('utf-8', 'surrogateescape')",
    "no characters": r"'\uffff\ufffe\U0010ffff'",
    "stacked accents": r"'a' + '\u0301' * 2000",
    "wide characters": r"'\uff21\u4e2d' * 40",
    # what templates, markup and formats take for theirs
    "markup": r"'[bold red]x[/] [/b] [link=http://x.invalid]y[/link] [@click=x]'",
    "open markup": r"'[' * 30",
    "emoji codes": r"':smile: :warning:'",
    "format": r"'%s%n %(x)s {0} {x!r} {}'",
    "f-string": r"'f\"{x!r:{y}}\"'",
    "a control character in an f-string": r"'x = f\"a\x01{1}\"'",
    "a shell's": r"'$(touch x) `touch x`; touch x'",
    "a spreadsheet's": r"'=HYPERLINK(\"http://x.invalid\")'",
    "SQL": r"'\'); DROP TABLE facts; --'",
    "HTML": r"'<script>alert(1)</script>'",
    "a path": r"'../../../../etc/passwd'",
    "quotes": r"""'\"\"\"' + "'''" + '\\'""",
    "a diff": r"'--- a\n+++ b\n@@ -1 +1 @@'",
    "JSON": r"'{\"id\": 0, \"call\": \"utility\"}'",
    "a fence": r"'```python\n```\n```'",
    "a fence in a fence": r"'````\n```python\nx = 1\n```\n````'",
    "thoughts": r"'<think></think><think>'",
    "nothing": r"''",
    "blanks": r"' \t\n '",
    # what is built slowly or deeply from a short text
    "doubled names": r"'\n'.join(['a0 = \"x\"', *(f'a{i + 1} = a{i} + a{i}' for i in range(40))])",
    "doubled lists": r"'\n'.join(['a0 = [1]', *(f'a{i + 1} = [*a{i}, *a{i}]' for i in range(40))])",
    "a huge integer": r"'x = ' + '9' * 5000",
    "a huge hexadecimal": r"'temperature=0x' + 'f' * 4000",
    "a huge power": r"'x = 9 ** 9 ** 9'",
    "a huge product": r"'x = \"a\" * 10 ** 12'",
    "a huge shift": r"'x = 1 << (1 << 60)'",
    "deep brackets": r"'(' * 3000 + ')' * 3000",
    "deep minus": r"'x = ' + '-' * 20000 + '1'",
    "deep not": r"'x = ' + 'not ' * 20000 + '1'",
    "a long sum": r"'x = ' + '+'.join(['1'] * 20000)",
    "deep attributes": r"'x = a' + '.b' * 20000",
    "deep lambdas": r"'x = ' + 'lambda: ' * 5000 + '1'",
    "deep blocks": r"'\n'.join(' ' * i + 'if 1:' for i in range(99))",
    "many names": r"'\n'.join(f'n{i} = {i}' for i in range(6000))",
    "a decorated import": r"'@(lambda f: __import__(\"os\"))\ndef f(): pass'",
}
"""At most 100,000 characters: what may be a program."""
LONG = {
    "2 MiB of blanks": r"' ' * (2 << 20)",
    "2 MiB of blanks after a fence": r"'```' + ' ' * (2 << 20)",
    "2 MiB of backticks": r"'`' * (2 << 20)",
    "2 MiB of empty lines": r"'\n' * (2 << 20)",
    "2 MiB of escapes": r"'\x1b' * (2 << 20)",
    "2 MiB of brackets": r"'[' * (2 << 20)",
}
"""Longer than any program."""
KINDS = SHORT | LONG


def text(kind):
    return eval(KINDS[kind])


def improver(kinds):
    """An improver that asks, scores, asks back and returns all these texts; as outer one it wraps them in improvers."""
    return f"KINDS = [\n{''.join(f'    lambda: {KINDS[kind]},{chr(10)}' for kind in kinds)}]\n" + dedent("""
        def improve_algorithm(initial_solution, utility, language_model):
            import random

            outer = "def improve_algorithm" in initial_solution
            returned = []
            for make in KINDS if outer else random.sample(KINDS, 3):
                text = make()
                lines = text[:50_000].splitlines() or [""]
                wrapped = [
                    initial_solution + "".join(f"\\n# {line}" for line in lines) + "\\n",
                    f"{initial_solution}\\nX = {text[:20_000]!r}\\n",
                    text[:100_000] + "\\n" + initial_solution,
                ]
                if outer:
                    wrapped = ["def improve_algorithm(s, u, l):\\n    return s\\n" + "".join(f"# {line}\\n" for line in lines)]
                for work in (
                    lambda: language_model.prompt(text[:1000], text + initial_solution),
                    lambda: language_model.prompt("", "```python\\n" + text + "\\n```", temperature=0.0),
                    lambda: utility(text),
                    lambda: utility.feedback(text),
                    lambda: utility.map(wrapped),
                ):
                    try:
                        work()
                    except Exception:
                        pass
                returned += wrapped[:1]
            return random.choice(returned)
        """)


def talker(answers):
    """An improver that hears all of a model's answers, scores each program in them once and returns one."""
    return dedent(f"""
        from helpers import extract_code


        def improve_algorithm(initial_solution, utility, language_model):
            wanted = {answers} if "def improve_algorithm" in initial_solution else 2
            programs = sorted(set(extract_code(language_model.prompt("e", initial_solution, n_responses=wanted))))
            scores = utility.map(programs)
            return programs[max(range(len(programs)), key=scores.__getitem__)] if programs else initial_solution
        """)


def ideas(kinds):
    """Answers of a model: an idea, then an improver that nobody else has."""
    start = "def improve_algorithm(s, u, l):\n    return s\n"
    return [f"{text(kind)}\n\n```python\n{start}# {number}\n```\n" for number, kind in enumerate(kinds)]


def task_file(kinds):
    """Tasks with these names."""
    return dedent('''
        from selftaught.sandbox import Limits
        from selftaught.task import Instance, Task


        class Named(Task):
            entry, start, summary, description = "f", "def f(x): return x / 2", "return x", "return x"
            limits, instances = Limits(), {"train": 1, "validation": 1, "test": 1}

            def __init__(self, name):
                self.name = name

            def draw(self, rng):
                return Instance((rng.random(),))

            def grade(self, instance, answer):
                return float(answer == instance.args[0])


        TASKS = [Named(make()) for make in (
        ''') + "".join(f"    lambda: {KINDS[kind]},\n" for kind in kinds) + ")]\n"  # fmt: skip
