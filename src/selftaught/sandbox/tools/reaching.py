"""What an improver's program reaches for that is none of its business, told from its text: kinds of attempts, with lines.

Runs in the jail, since what it reads was generated. It tells what the text could do on some path, not what it does when run: a
word in a string or in a comment is nothing, a name that something harmless has is nothing, a call that is put together is one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from building import NAMESPACES
from calling import BUFFER, OF_BUFFER, Program
from deep import deeply
from expressions import DICTIONARIES
from programs import defect
from resolving import CHANGED, INTERFACE
from scopes import NOTHING, Scope, Values, constants

KINDS = ("flag", "code", "process", "file", "network", "host", "budget", "model", "hook")
_UTILITY, _MODEL = INTERFACE[1:]
_FLAG = "use_sandbox"
_PREFIX = r"(?:builtins|os|posix|subprocess|_posixsubprocess|multiprocessing|pty|signal|asyncio|concurrent\.futures)"

_RULES: tuple[tuple[str, str], ...] = (
    ("code", r"builtins\.(exec|eval)|codeop\.\w+|code\.(InteractiveInterpreter|InteractiveConsole|interact)\b.*"
     r"|runpy\.run_\w+|types\.(FunctionType|CodeType)|marshal\.loads?|_?pickle\.(loads?|Unpickler)"
     r"|(c?[pP]rofile|trace)\.(run|runctx|Trace)"
     r"|(c?[pP]rofile|trace)\.(Profile|Trace)\(\)\.(run|runctx|runfunc)"
     r"|importlib\.machinery\.Source\w*Loader|importlib\.util\.(module_from_spec|spec_from_\w+)|[bp]db\.((Bdb|Pdb)(\(\))?\.)?(run|runeval|runctx)|timeit\.(timeit|repeat|Timer)"
     r"|.*\.exec_module|doctest\.\w+|dill\.loads?|shelve\.open"),
    ("process", r"(os|posix|nt)\.(system|popen|fork|forkpty|kill|killpg|startfile|nice|setsid|setuid|abort)|(os"
     r"|posix)\.(exec|spawn|posix_spawn)\w*"
     r"|subprocess\.(Popen|run|call|check_call|check_output|getoutput|getstatusoutput)|_posixsubprocess\.fork_exec|pty\.\w+"
     r"|multiprocessing\.(Process|Pool|Manager|Queue|Pipe|get_context|context\.\w+|spawn|pool\.Pool"
     r"|managers\.\w+|shared_memory\.\w+|process\.\w+)(\(.*)?"
     r"|concurrent\.futures\.(process\.)?ProcessPoolExecutor|asyncio(\.subprocess)?\.create_subprocess_\w+"
     r"|webbrowser\.open\w*"
     r"|signal\.pthread_kill|commands\.\w+|platform\.popen|.*(CDLL|PyDLL|LoadLibrary|pythonapi)\b.*\.(fork"
     r"|vfork|system|execve?l?p?|popen|kill|posix_spawn|syscall)|signal\.raise_signal"),
    ("file", r"(builtins|io|_io|codecs|_pyio)\.(open|open_code)|(_io|io)\.FileIO|(os|posix)\.(open|listdir|scandir"
     r"|walk|fwalk|remove|unlink|rename|renames"
     r"|replace|mkdir|makedirs|rmdir|removedirs|chmod|chown|link|symlink|stat|lstat|readlink|truncate|chdir"
     r"|mkfifo|mknod|chroot|utime|access)"
     r"|os\.path\.(exists|isfile|isdir|getsize|getmtime|islink|lexists)|shutil\.(?!get_terminal_size)\w+"
     r"|os\.(statvfs|getxattr|listxattr)|os\.path\.(getctime|getatime|samefile|ismount)|sys\.path\.(insert|append|extend)"
     r"|glob\.i?glob\d?|tempfile\.(?!gettempdir$|tempdir$|gettempprefix$)\w+"
     r"|(sqlite3|dbm(\.\w+)?|gdbm|shelve)\.(connect|open)|(tarfile|gzip|bz2|lzma|wave)\.open|gzip\.GzipFile|bz2\.BZ2File|lzma\.LZMAFile|tarfile\.TarFile"
     r"|xml\.etree\.c?ElementTree\.(parse|iterparse|ElementTree\(\)\.(parse|write))|xml\.(dom\.\w+|sax)\.parse"
     r"|configparser\.\w+\(\)\.read|(numpy|array)\.(?!save|load).*\.(tofile|fromfile|dump)|filecmp\.\w+|netrc\.netrc"
     r"|pandas\..*\.to_(csv|json|pickle|parquet|excel|hdf|feather)|matplotlib\..*savefig|logging\.config\.fileConfig"
     r"|zipfile\.(ZipFile"
     r"|PyZipFile)|fileinput\.\w+|linecache\.(getlines?|updatecache)|pkgutil\.get_data"
     r"|(numpy|np)\.(load|save|savez\w*|savetxt|loadtxt|fromfile|genfromtxt|memmap|lib\.npyio\.\w+)"
     r"|mmap\.mmap|importlib\.resources\.\w+|tokenize\.open"
     r"|(pathlib|_pathlib)\.(Path|PosixPath)(\(\)|\.(home|cwd)\(\)|\(\)\.\w+\(\)|\[\]|\(\)\.(parent"
     r"|parents\[\]))*\.(read_\w+|write_\w+|open|iterdir|glob|rglob|walk|mkdir|rmdir|unlink|touch|rename"
     r"|replace|chmod"
     r"|symlink_to|hardlink_to|exists|is_file|is_dir|stat|lstat)|logging\.(FileHandler|handlers\.(?!Socket|Datagram|HTTP|SMTP|SysLog|Memory|Queue)\w+)"
     r"|logging\.basicConfig:file|pandas\.read_\w+|.*(CDLL|PyDLL)\b.*\.(open|fopen|unlink|mkdir)"
     r"|.*(__loader__|\.loader)\.(get_data|get_source)"),
    ("network", r"logging\.handlers\.(Socket|Datagram|HTTP|SMTP|SysLog)Handler"
     r"|_?socket\.(?!error|timeout|gaierror|herror|has_|AF_|SOCK_|socketpair|IPPROTO|SOL_|SO_)\w+"
     r"|urllib\.(request\.\w+|urlopen)|urllib[23]\.\w+|http\.(client|server)\.\w+"
     r"|(requests|httpx|aiohttp|websockets?|paramiko|pycurl)\.\w+|(ftplib|smtplib|poplib|imaplib|telnetlib"
     r"|nntplib)\.\w+|xmlrpc\.\w+\.\w+"
     r"|asyncio\.(open_connection|start_server|open_unix_connection)|ssl\.\w+|socketserver\.\w+"
     r"|asyncore\.\w+|.*(CDLL|PyDLL)\b.*\.(socket|connect|sendto)"
     r"|.*\.(create_connection|sock_connect|getaddrinfo)|multiprocessing\.connection\.\w+"),
    ("host", r"sys\.(_getframe|_current_frames|_current_exceptions|_getframemodulename|setprofile|settrace"
     r"|modules\[\]|meta_path|path_hooks|path_importer_cache|_xoptions|_git|monitoring\.\w+)"
     r"|inspect\.(currentframe|stack|trace|getouterframes|getinnerframes|getframeinfo|getsource\w*|getfile"
     r"|getsourcefile|getmodule|getclosurevars|getmembers(_static)?)"
     r"|gc\.(get_objects|get_referrers|get_referents|callbacks|freeze)|ctypes\.(CDLL|PyDLL|pythonapi|cdll"
     r"|memmove|memset|string_at|cast|from_address|py_object|util\.find_library|windll|CFUNCTYPE"
     r"|c_\w+\.from_address)\b.*"
     r"|os\.(environb?|getenvb?|putenv|read|write|fdopen|dup2?|pipe|sendfile|fstat|lseek|getppid|getlogin"
     r"|uname|memfd_create|pread|pwrite|set_blocking|_exit|closerange)(\b.*)?|posix\.environ\b.*"
     r"|faulthandler\.\w+|threading\.(settrace|setprofile|_active|_shutdown)|traceback\.(walk_stack"
     r"|extract_stack|walk_tb)|getpass\.\w+|pwd\.\w+|grp\.\w+|spwd\.\w+|fcntl\.\w+"
     r"|sys\.modules\.(values|items|pop|clear|copy|get:\?)|readline\.\w+|atexit\._\w+|_ctypes\.\w+"
     r"|cffi\.\w+|tracemalloc\.(take_snapshot|get_object_traceback)|(<utility>|<model>)\.__dict__"
     r"|import __main__|__main__(\..*)?|_testcapi\.\w+|_xxsubinterpreters\.\w+"
     r"|_interpreters\.\w+|unittest\.mock\.patch\w*(\b.*)?"
     r"|(stubs|wire|runner|zygote|counting|kernel|locking|launch|selftaught)(\..*)?"),
    ("budget", r"resource\.(setrlimit|prlimit)|signal\.SIGXCPU|(os|posix)\.sched_set\w+"
     r"|(<utility>)(\.(__class__|str|map|feedback|keep))*\.__class__\(\).*|(<utility>|<model>)\._replace"),
    ("model", r"(openai|anthropic|transformers|llama_cpp|vllm|litellm|google\.generativeai|google\.genai|cohere"
     r"|mistralai|ollama|groq|huggingface_hub|langchain\w*|together|replicate|guidance|dspy|torch"
     r"|tensorflow|keras|gpt4all|ctransformers)(\..*)?"
     r"|<model>\.__class__\(\).*|stubs\.LanguageModel.*"),
    ("hook", r"sys\.(addaudithook|audit)|(sys\.)?hook(\.(Hook|WRITING|_write|_encode).*|)"
     r"|.*pythonapi\b.*(PySys_ClearAuditHooks|PySys_AddAuditHook)|os\.(close|closerange)"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _RULES)
_DUNDERS = frozenset(
    (
        "__subclasses__", "__globals__", "__code__", "__closure__", "f_globals",
        "f_locals", "f_back", "f_builtins", "tb_frame", "gi_frame",
        "cr_frame", "ag_frame", "gi_code", "cell_contents", "__mro__",
        "__bases__", "__base__", "_channel", "_replies", "_await",
        "__self__", "__wrapped__", "co_code", "__func__", "__reduce_ex__",
        "_CALLS",
    )
)  # fmt: skip
"""Attributes that lead from an object into the interpreter, or into this project's own guest."""
_HARMLESS_OF_OWN = {
    "__code__",
    "__self__",
    "__wrapped__",
    "__func__",
    "__mro__",
    "__bases__",
    "__base__",
    "__closure__",
    "__subclasses__",
}
_HOOKS = {"_watched", "_left", "_note", "_noted"}
_LIMITS = {"budget", "max_responses_per_call", "budgets", "calls", "max_calls", "limit"}
_GUESSES = {
    "os": "process", "posix": "process", "subprocess": "process", "builtins": "code", "socket": "network", "shutil": "file",
    "pathlib": "file", "io": "file", "sys": "host", "ctypes": "host", "gc": "host", "importlib": "host",
    "multiprocessing": "process",
}  # fmt: skip
"""What somebody is after who takes an attribute of a module whose name cannot be told."""
_PATCHED = {"builtins", "helpers", "sys", "os", "json", "threading", "io", "time"}
_OF_STREAMS = {
    "stdout",
    "stderr",
    "stdin",
    "tracebacklimit",
    "argv",
    "excepthook",
    "path",
    "ps1",
    "dont_write_bytecode",
}
_MOST_NESTED = 4
_SAID_FALSE = {"false", "no", "off"}
_BY_NAME = {f"builtins.{one}" for one in ("getattr", "setattr", "hasattr", "delattr")} | {"operator.attrgetter"}
_OTHER_FLAGS = {"sandbox", "sandboxed"}
_FAR_BEYOND = 200
_ASKING = {"<model>.prompt", "<model>.batch_prompt", "<utility>.map", "<utility>"}
_FIELDS = re.compile(r"\{([^{}]*)[}:!]")
_ATTRIBUTES = re.compile(r"\.(\w+)")


class _Reaching:
    """Collects what a program reaches for."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: dict[tuple[str, int], str] = {}
        self.harmless = set(_annotations(tree)) | set(_caught(tree))
        self.program = Program(tree)
        self.program.seen, self.program.set, self.program.calls = self._seen, self._set, self._called
        self.program.begun = self._begun
        self.nested: dict[str, ast.Module | None] = {}
        """Constant texts that are run, with what they are as programs."""
        self.running: set[str] = set()
        self.buffered: set[int] = set()
        """Expressions that would read or write a file, were they not given a buffer."""
        self.line = 0
        try:
            self.program.go()
        except RecursionError:  # what was found until then stands, and nobody knows the rest
            self.found["unread", 0] = "it is nested too deeply to be followed"

    def _begun(self) -> None:
        """Earlier looks did not see everything yet: what they could not tell may be harmless."""
        self.found.clear()
        self.running.clear()

    def note(self, kind: str, node: ast.AST, what: str) -> None:
        self.found.setdefault((kind, self.line or getattr(node, "lineno", 0)), what)

    def _seen(self, node: ast.AST, values: Values) -> None:
        if id(node) in self.harmless:
            return
        if isinstance(node, ast.ClassDef):
            self._derived(node, values)
        if isinstance(node, ast.Attribute):
            self._dunder(node, node.attr)
        for kind, what in values:
            if kind == "ref":
                for found in _kinds(what, isinstance(node, ast.ImportFrom | ast.Import)):
                    if found != "file" or id(node) not in self.buffered:
                        self.note(found, node, what)

    def _derived(self, node: ast.ClassDef, bases: Values) -> None:
        for kind, what in bases:
            if kind == "ref" and what in {"<model>.__class__", "stubs.LanguageModel"}:
                self.note("model", node, what)
            if kind == "ref" and what in {"<utility>.__class__", "stubs.Utility"}:
                self.note("budget", node, what)

    def _dunder(self, node: ast.AST, attr: str, owners: Values | None = None) -> None:
        if owners is None and isinstance(node, ast.Attribute):
            owners = self.program.last(node.value)
        if attr in _HOOKS and not _all_own(owners):
            self.note("hook", node, attr)
        if attr in _DUNDERS and not (attr in _HARMLESS_OF_OWN and _all_own(owners)):
            self.note("host", node, attr)

    def _set(self, node: ast.AST, owners: Values, attr: str, values: Values) -> None:
        for kind, what in owners:
            if kind != "ref":
                continue
            root = what.partition(".")[0].partition("(")[0].partition("[")[0]
            if root in {_UTILITY, _MODEL}:
                if attr == _FLAG:
                    if _may_be_false(values) or not values:
                        self.note("flag", node, f"{what}.{attr}")
                elif attr in _LIMITS:
                    self.note("budget", node, f"{what}.{attr}")
                elif attr in {"prompt", "batch_prompt", "__class__", "__call__"}:
                    self.note("model" if root == _MODEL else "host", node, f"{what}.{attr}")
            elif what in _PATCHED and attr not in _OF_STREAMS:
                self.note("budget" if attr == "BudgetExhausted" else "host", node, f"{what}.{attr}")
        if attr == "__code__":
            self.note("code", node, attr)
            self.note("host", node, attr)
        self._dunder(node, attr, owners)

    def _called(self, node: ast.Call, callee: Values, scope: Scope) -> None:
        refs = {what for kind, what in callee if kind == "ref"}
        given = [self.program.last(one.value if isinstance(one, ast.keyword) else one) for one in _given(node)]
        if _is_utility(callee) or not any(kind in {"func", "bound", "class", "inst"} for kind, _ in callee):
            self._flagged(node, callee)
            self._handed_flag(node, given)
            if ("ref", BUFFER) in NOTHING.union(*given):
                self.buffered |= {id(node), id(node.func)}
        if _UTILITY in refs:
            self._flagged_otherwise(node, given)
        if refs & _ASKING:
            self._demanded(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "format_map", "vformat"}:
            self._formatted(node, self.program.last(node.func.value), given)
        if refs & _BY_NAME or any(one.endswith("__getattribute__") for one in refs):
            self._named(node)
        for one in refs:
            self._called_ref(one, node, given, scope)

    def _called_ref(self, what: str, node: ast.Call, given: list[Values], scope: Scope) -> None:
        if what.partition("(")[0] in {"builtins.exec", "builtins.eval", "builtins.compile"} and node.args:
            self._text(node, given[0], scope)
        if what == "builtins.type" and len(node.args) == 3:
            for one in self.program.items(given[1]):
                if one == ("ref", "<model>.__class__"):
                    self.note("model", node, one[1])
        if what in {"functools.partial", "functools.partialmethod"} and node.args and _is_utility(given[0]):
            self._flagged(node, NOTHING)
        if what == "logging.basicConfig" and any(keyword.arg == "filename" for keyword in node.keywords):
            self.note("file", node, what)
        if what in {"dataclasses.replace", "copy.replace"} and given:
            for one in _interface(given[0]):
                self.note("budget", node, f"replace {one}")

    def _flagged(self, node: ast.Call, callee: Values) -> None:
        """The flag given as a keyword, in a dictionary of keywords or bound beforehand, off on some path."""
        for keyword in node.keywords:
            values = self.program.last(keyword.value)
            if keyword.arg is None:
                if _may_be_false(self.program.keywords(values).get(_FLAG, NOTHING)):
                    self.note("flag", node, f"**{_FLAG}")
            elif keyword.arg == _FLAG and _is_builder(callee):
                continue
            elif keyword.arg == _FLAG and (_may_be_false(values) or _unknown(keyword.value, values)):
                self.note("flag", node, _FLAG)
        for kind, what in callee:
            if kind == "partial" and _may_be_false(self.program.at(what).entries.get(_FLAG, NOTHING)):
                self.note("flag", node, f"partial {_FLAG}")

    def _handed_flag(self, node: ast.Call, given: list[Values]) -> None:
        """The flag in keywords, or in a partial call, that are handed over with the utility: to a thread, to a pool."""
        for kind, what in NOTHING.union(*given):
            one = self.program.at(what) if kind in {"map", "partial"} else None
            with_it = any(map(_is_utility, given if kind == "map" else [one.callee] if one else []))
            if one and with_it and _may_be_false(one.entries.get(_FLAG, NOTHING)):
                self.note("flag", node, f"{kind} {_FLAG}")

    def _flagged_otherwise(self, node: ast.Call, given: list[Values]) -> None:
        """The flag by its place, or by another name: not understood by our utility, but meant so."""
        if len(node.args) > 1 and ("const", False) in given[1]:
            self.note("flag", node, "a second argument")
        for keyword, values in zip(_given(node), given, strict=True):
            if isinstance(keyword, ast.keyword) and keyword.arg in _OTHER_FLAGS and _may_be_false(values):
                self.note("flag", node, str(keyword.arg))

    def _demanded(self, node: ast.Call) -> None:
        """So much asked for at once that no budget can be meant to allow it."""
        for place, one in enumerate(_given(node)):
            value = one.value if isinstance(one, ast.keyword) else one
            number = one.arg in {"n_responses", "n"} if isinstance(one, ast.keyword) else place == 2
            many = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult)
            if many and isinstance(value, ast.BinOp) and isinstance(value.left, ast.List):
                sizes = self.program.last(value.right)
            else:
                sizes = self.program.last(value) if number else NOTHING
            if any(isinstance(size, int) and size >= _FAR_BEYOND for size in constants(sizes)):
                self.note("budget", node, "far more than is allowed")

    def _formatted(self, node: ast.Call, owners: Values, given: list[Values]) -> None:
        """Attributes that a text with places to fill in asks for."""
        for text in constants(owners.union(*given[:1])):
            for field in _FIELDS.findall(text) if isinstance(text, str) else ():
                for attr in _ATTRIBUTES.findall(field):
                    self._dunder(node, attr, NOTHING)

    def _named(self, node: ast.Call) -> None:
        """An attribute that is named by a text."""
        for one in node.args[:2]:
            for name in constants(self.program.last(one)):
                if isinstance(name, str):
                    self._dunder(node, name.rpartition(".")[2], self.program.last(node.args[0]))

    def _text(self, node: ast.Call, values: Values, scope: Scope) -> None:
        """A constant text that is run is part of the program."""
        for given in constants(values):
            text = given.decode("utf-8", "replace") if isinstance(given, bytes) else given
            if not isinstance(text, str) or text in self.running or len(self.running) >= _MOST_NESTED:
                continue
            self.running.add(text)
            tree = self._parsed(text)
            if tree is None:
                continue
            outer, self.line = self.line, self.line or node.lineno
            for _ in range(2):
                self.program.body(tree.body, scope)
            self.line = outer

    def _parsed(self, text: str) -> ast.Module | None:
        if text not in self.nested:
            try:
                tree = self.nested[text] = ast.parse(text.strip())
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self.nested[text] = None
            else:
                self.harmless |= set(_annotations(tree)) | set(_caught(tree))
        return self.nested[text]


def _annotations(tree: ast.AST) -> Iterator[int]:
    """Expressions that say of what type something is: nothing is done by them."""
    for node in ast.walk(tree):
        told = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        for one in told:
            if isinstance(one, ast.AST):
                yield from (id(part) for part in ast.walk(one))


def _caught(tree: ast.AST) -> Iterator[int]:
    """What is only caught, or asked whether it is there or of what type something is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type:
            yield from (id(part) for part in ast.walk(node.type))
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "isinstance"
            and len(node.args) == 2
        ):
            yield from (id(part) for part in ast.walk(node.args[1]))


def _all_own(owners: Values | None) -> bool:
    """Whether all that is known of an attribute's owner is the program's own."""
    return bool(owners) and all(kind in {"func", "class", "inst", "bound"} for kind, _ in owners or NOTHING)


def _given(node: ast.Call) -> list[ast.expr | ast.keyword]:
    """The arguments of a call, in order."""
    return [*node.args, *node.keywords]


def _interface(values: Values) -> list[str]:
    """The utility or the model, where these may be it."""
    return [what for kind, what in values if kind == "ref" and what in {_UTILITY, _MODEL}]


def _is_utility(values: Values) -> bool:
    return any(kind == "ref" and what.partition(".")[0] == _UTILITY for kind, what in values)


def _is_builder(callee: Values) -> bool:
    """Whether a call only puts keywords together: what they are given to is looked at where it happens."""
    return any(
        kind == "ref" and what in {*DICTIONARIES, *NAMESPACES, "functools.partial", "dataclasses.replace"}
        for kind, what in callee
    )


def _may_be_false(values: Values) -> bool:
    """Whether it is false, or said to be, or was something that an operator has changed since."""
    said = any(kind == "const" and (not what or str(what).lower() in _SAID_FALSE) for kind, what in values)
    return said or ("ref", CHANGED) in values


def _unknown(node: ast.AST, values: Values) -> bool:
    """Whether nobody can tell what it is: something worked out, not a name that nothing is bound to."""
    return not values and not isinstance(node, ast.Name)


@cache
def _kinds(what: str, importing: bool) -> tuple[str, ...]:
    """The kinds of attempts that a reference stands for."""
    return tuple(_matched(what, importing))


def _matched(what: str, importing: bool) -> Iterator[str]:
    if importing:
        name = what.removeprefix("import ")
        for kind in ("model", "host", "hook"):
            if any(one == kind and pattern.fullmatch(name) for one, pattern in _COMPILED) and name.partition(".")[
                0
            ] not in {"torch"}:
                yield kind
        return
    if what.endswith(".?"):
        guess = _GUESSES.get(what[:-2])
        if guess:
            yield guess
        return
    if what in {"<import>"}:
        yield "host"
    of_buffer, what = OF_BUFFER in what, what.replace(OF_BUFFER, "()")
    stripped = _bare(what)
    for kind, pattern in _COMPILED:
        if of_buffer and kind == "file":
            continue
        if pattern.fullmatch(what) or (stripped != what and pattern.fullmatch(stripped)):
            yield kind


def _bare(what: str) -> str:
    """The name without what only looks at a function (`os.system.__name__` is not: it stays)."""
    return what.removesuffix(".__call__").removesuffix("()")


def _found(text: str) -> dict[tuple[str, int], str]:
    found = _Reaching(ast.parse(text)).found
    looked_at = [(kind, line) for (kind, line), what in found.items() if kind == "host" and what.endswith(">.__dict__")]
    for kind, line in looked_at:
        if ("budget", line) in found or ("flag", line) in found:
            del found[kind, line]  # it is only how that is set
    return found


def reached(text: str) -> list[list[str | int]] | None:
    """Each kind of attempt with its line and what was reached for; None where the text is no program."""
    if defect(text, "improve_algorithm"):
        return None
    found = deeply(lambda: _found(text.removeprefix("\ufeff")))
    return [[kind, line, what] for (kind, line), what in sorted(found.items(), key=lambda one: (one[0][1], one[0][0]))]
