"""Programs that try what is denied them, each so that it must be seen outside, and programs that try nothing of the kind.

All define `f(bait)`, for a bait as in `attacks`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .attacks import PRELUDE

ALLOWED_NAMES = ("openat", "open")


@dataclass(frozen=True)
class Attempting:
    """A program, and the system calls of which each must be among those counted."""

    name: str
    program: str
    calls: tuple[str, ...]

    def text(self) -> str:
        return PRELUDE + self.program


# Calls by x86-64 number and arguments, as any program can make them through ctypes.
_RAW = {
    "shmget": "29, 1, 4096, 0o1777", "socket": "41, 2, 1, 0", "connect": "42, 4, 0, 0", "accept": "43, 4, 0, 0",
    "sendmsg": "46, 4, 0, 0", "recvmsg": "47, 4, 0, 0", "bind": "49, 4, 0, 0", "listen": "50, 4, 1",
    "socketpair": "53, 1, 1, 0, (ctypes.c_int * 2)()", "clone": "56, 17, 0, 0, 0, 0", "fork": "57", "vfork": "58",
    "execve": "59, b'/bin/sh', 0, 0", "kill": "62, 1, 9", "semget": "64, 1, 1, 0o1666", "msgget": "68, 1, 0o1666",
    "fcntl": "72, 1, 8, 1", "flock": "73, 1, 2", "ftruncate": "77, 1, 0", "rename": "82, b'/a', b'/b'", "mkdir": "83, b'/x', 0",
    "creat": "85, b'/x', 0o666", "link": "86, b'/a', b'/b'", "unlink": "87, b'/usr/lib/x'", "symlink": "88, b'/a', b'/b'",
    "chmod": "90, b'/usr', 0o777", "fchmod": "91, 1, 0o777", "chown": "92, b'/usr', 0, 0", "ptrace": "101, 16, 1, 0, 0",
    "syslog": "103, 3, 0, 0", "setuid": "105, 0", "setgid": "106, 0", "setsid": "112", "setresuid": "117, 0, 0, 0",
    "capset": "126, 0, 0", "mknod": "133, b'/n', 0o10666, 0", "personality": "135, 0x40000", "setpriority": "141, 0, 0, -20",
    "prctl": "157, 22, 1, 0, 0, 0", "setrlimit": "160, 9, 0", "chroot": "161, b'/'", "acct": "163, b'/x'",
    "settimeofday": "164, 0, 0", "mount": "165, 0, b'/', b'tmpfs', 0, 0", "umount2": "166, b'/', 0",
    "reboot": "169, 0xfee1dead, 672274793, 0", "sethostname": "170, b'x', 1", "init_module": "175, 0, 0, 0",
    "setxattr": "188, b'/usr', b'user.x', b'y', 1, 0", "tkill": "200, 1, 9", "sched_setaffinity": "203, 0, 8, 0",
    "io_setup": "206, 1, 0", "clock_settime": "227, 0, 0", "mq_open": "240, b'x', 0o102, 0o666, 0", "add_key": "248, b'user', b'x', b'y', 1, -3",
    "keyctl": "250, 0, -3", "inotify_init": "253", "unshare": "272, 0x10000000", "splice": "275, 3, 0, 1, 0, 1, 0",
    "utimensat": "280, -100, b'/', 0, 0", "signalfd4": "289, -1, b'x' * 8, 8, 0", "perf_event_open": "298, 0, 0, -1, -1, 0",
    "fanotify_init": "300, 0, 0", "prlimit64": "302, 1, 7, 0, 0", "name_to_handle_at": "303, -100, b'/', 0, 0, 0",
    "setns": "308, 3, 0", "process_vm_readv": "310, 1, 0, 0, 0, 0, 0", "process_vm_writev": "311, 1, 0, 0, 0, 0, 0",
    "kcmp": "312, 1, 1, 0, 0, 0", "seccomp": "317, 1, 8, 0", "memfd_create": "319, b'x', 0", "bpf": "321, 0, 0, 0",
    "execveat": "322, -100, b'/bin/sh', 0, 0, 0", "userfaultfd": "323, 0", "pidfd_send_signal": "424, 1, 9, 0, 0",
    "io_uring_setup": "425, 8, (ctypes.c_char * 120)()", "fsopen": "430, b'tmpfs', 0", "pidfd_open": "434, 1, 0",
    "openat2": "437, -100, b'/etc/passwd', (ctypes.c_uint64 * 3)(), 24", "pidfd_getfd": "438, 1, 0, 0",
    "landlock_create_ruleset": "444, 0, 0, 1", "memfd_secret": "447, 0",
}  # fmt: skip

_TRIED = {
    "a fork": ("os.fork()", "clone"),
    "a terminal": ("os.forkpty()", "openat"),
    "a command": ("__import__('subprocess').run(['/bin/true'])", "vfork"),
    "a shell": ("os.system('id') and 1 / 0", "clone"),
    "a program in its place": ("os.execv('/bin/sh', ['sh'])", "execve"),
    "a spawned program": ("os.posix_spawn('/bin/sh', ['sh'], {})", "clone"),
    "a pool of processes": ("__import__('multiprocessing').Process(target=print).start()", "clone"),
    "a signal to its parent": ("os.kill(os.getppid(), 9)", "kill"),
    "a signal to the host": ("os.kill(bait['host'], 15)", "kill"),
    "a signal to a group": ("os.killpg(0, 9)", "kill"),
    "a socket": ("__import__('socket').socket()", "socket"),
    "a connection": ("__import__('socket').create_connection(('127.0.0.1', bait['port']), 1)", "socket"),
    "a local socket": ("__import__('socket').socket(1).connect(bait['abstract'])", "socket"),
    "the web": ("__import__('urllib.request').request.urlopen('http://1.1.1.1', timeout=1)", "socket"),
    "higher limits": ("__import__('resource').setrlimit(9, (-1, -1))", "prlimit64"),
    "a better place in the queue": ("os.nice(-5)", "setpriority"),
    "the priority of others": ("os.getpriority(os.PRIO_USER, 0)", "getpriority"),
    "a process by the newest call": ("libc.syscall(435, (ctypes.c_uint64 * 8)(0, 0, 0, 0, 17), 64)", "clone3"),
    "namespaces by the newest call": ("libc.syscall(435, (ctypes.c_uint64 * 8)(0x7E020000, 0, 0, 0, 17), 64)", "clone3"),
    "up from an open folder": ("os.open('../../etc/shadow', 0, dir_fd=os.open('/usr/lib', 0))", "openat"),
    "up by the way from an open folder": ("os.open('python3/../../../etc/shadow', 0, dir_fd=os.open('/usr/lib', 0))", "openat"),
    "another processor": ("os.sched_setaffinity(0, {0})", "sched_setaffinity"),
    "another user": ("os.setuid(0)", "setuid"),
    "another root": ("os.chroot('/')", "chroot"),
    "a file without a name": ("os.memfd_create('x')", "memfd_create"),
    "a session": ("os.setsid()", "setsid"),
    "the passwords": ("open('/etc/shadow')", "openat"),
    "the users": ("open('/etc/passwd').read()", "openat"),
    "a key": ("open('/root/.ssh/id_rsa')", "openat"),
    "the environment of others": ("open('/proc/1/environ')", "openat"),
    "its own memory": ("open('/proc/self/mem', 'rb')", "openat"),
    "the host's canary": ("open(bait['canary'])", "openat"),
    "this package": ("open(bait['source'][0] + '/selftaught/plain.py')", "openat"),
    "a device": ("os.open('/dev/kmsg', os.O_RDONLY)", "openat"),
    "home": ("os.listdir('/home')", "openat"),
    "a walk through what there is not": ("next(iter(os.scandir('/root')))", "openat"),
    "a file beside the libraries": ("open('/usr/lib/x', 'w')", "openat"),
    "a file in the temporary folder": ("open('/tmp/x', 'w')", "openat"),
    "a file at the top": ("open('/x', 'x')", "openat"),
    "a step aside": ("os.chdir('/root')", "chdir"),
    "a bare name where there are secrets": ("os.chdir('/etc'); open('shadow')", "chdir"),
    "a relative path": ("open('etc/shadow')", "openat"),
    "a relative path by detours": ("open('.//././etc/shadow')", "openat"),
    "a relative path up again": ("open('nothing/../etc/shadow')", "openat"),
    "a step aside from where it stands": ("os.chdir('etc')", "chdir"),
    "a file where it stands": ("open('x', 'a')", "openat"),
    "up and away": ("open('../../etc/passwd')", "openat"),
    "out of the libraries": ("open('/usr/lib/../../etc/passwd')", "openat"),
    "by way of C": ("libc.open(b'/etc/shadow', 0)", "openat"),
    "by the oldest call": ("libc.syscall(2, b'/etc/shadow', 0)", "open"),
    "a database": ("__import__('sqlite3').connect('/var/lib/x.db')", "openat"),
    "a temporary file": ("__import__('tempfile').TemporaryFile()", "openat"),
    "a folder": ("os.mkdir('/tmp/x')", "mkdir"),
    "a removal": ("os.remove(os.__file__)", "unlink"),
    "another mode": ("os.chmod(os.__file__, 0o777)", "chmod"),
}  # fmt: skip

# Each first does what may hide the attempt, or does it afterwards, or elsewhere.
_SILENT = {
    "the hook is found and emptied": ("""
import gc
def f(bait):
    for one in gc.get_objects():
        if type(one).__name__ == "Hook": one._watched.clear(); one._left = 0
    return tries(a=os.fork)
""", "clone"),
    "the answers are closed": ("def f(bait):\n    tries(a=os.fork)\n    os.close(4)", "clone"),
    "the notes are filled": ("def f(bait):\n    for _ in range(40): os.write(4, (1 << 31 | 1000).to_bytes(4, 'little') + b'x' * 1000)\n    return tries(a=os.fork)", "clone"),
    "notes are forged": ("def f(bait):\n    d = b'[\"open\", \"/usr\", 1]\\n' * 99; os.write(4, (1 << 31 | len(d)).to_bytes(4, 'little') + d)\n    return tries(a=os.fork)", "clone"),
    "every descriptor is closed": ("def f(bait):\n    tries(a=os.fork)\n    for fd in range(3, 64):\n        try: os.close(fd)\n        except OSError: pass", "clone"),
    "answers of its own to what is handed over": ("""
import fcntl
def f(bait):
    for fd in range(128):
        for request in (0xC0502100, 0xC0182101, 0x40082102):
            try: fcntl.ioctl(fd, request, bytearray(80))
            except OSError: pass
    return tries(a=os.fork)
""", "clone"),
    "a listener of its own": ("def f(bait):\n    return tries(a=lambda: libc.syscall(317, 1, 8, b'x' * 16), b=os.fork)", "seccomp"),
    "the way of the hand-over": ("""
import socket
def f(bait):
    done = tries(**{f"m{fd}": lambda fd=fd: libc.syscall(46, fd, b"\\0" * 56, 0) for fd in (63, 64, 65)}, d=lambda: os.dup2(0, 64))
    return done + tries(a=os.fork)
""", "sendmsg"),
    "a storm of alarms": ("""
import signal
def f(bait):
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    done = [1 for _ in range(50) if libc.syscall(101, 0, 0, 0, 0) != -1]
    signal.setitimer(signal.ITIMER_REAL, 0)
    return done
""", "ptrace"),
    "a flood before it": ("def f(bait):\n    for _ in range(5000): libc.syscall(90, b'/', 0)\n    return tries(a=os.fork)", "clone"),
    "a flood of numbers": ("def f(bait):\n    for n in range(500, 1 << 29, 1 << 20): libc.syscall(n)\n    return tries(a=os.fork)", "clone"),
    "in a thread": ("import threading\ndef f(bait):\n    t = threading.Thread(target=lambda: tries(a=os.fork)); t.start(); t.join(); return []", "clone"),
    "in many threads": ("import threading\ndef f(bait):\n    ts = [threading.Thread(target=lambda: libc.syscall(101, 0, 0, 0, 0)) for _ in range(8)]\n    [t.start() for t in ts]; [t.join() for t in ts]; return []", "ptrace"),
    "while loading": ("tries(a=os.fork)\ndef f(bait): return []", "clone"),
    "while loading, and no more": ("tries(a=os.fork)\nos._exit(0)\ndef f(bait): return []", "clone"),
    "then an exit": ("def f(bait):\n    tries(a=os.fork); os._exit(0)", "clone"),
    "then an endless loop": ("def f(bait):\n    tries(a=os.fork)\n    while True: pass", "clone"),
    "then a fault": ("def f(bait):\n    tries(a=os.fork); ctypes.string_at(0)", "clone"),
    "then all memory": ("def f(bait):\n    tries(a=os.fork)\n    x = []\n    while True: x.append(bytes(1 << 24))", "clone"),
    "then a flood of output": ("def f(bait):\n    tries(a=os.fork)\n    while True: print('x' * 100000)", "clone"),
    "then a forged answer": ("def f(bait):\n    tries(a=os.fork)\n    d = b'[\"answer\", []]'; os.write(4, len(d).to_bytes(4, 'little') + d); os._exit(0)", "clone"),
    "then an answer that is none": ("def f(bait):\n    tries(a=os.fork); return float('nan')", "clone"),
    "with other names for everything": ("def f(bait):\n    os.fork, os.open = os.open, os.fork\n    json = sys.modules['json']; json.dumps = json.JSONEncoder.encode = lambda *a: ''\n    os.write = lambda *a: 0\n    return tries(a=lambda: os.open())", "clone"),
    "with a hook that raises": ("def f(bait):\n    def no(*_): raise RuntimeError\n    libc.ptrace(0, 0, 0, 0); sys.addaudithook(no)", "ptrace"),
    "with an evil path": ("class P:\n    def __fspath__(self): return '/etc/shadow'\n    def __str__(self): raise SystemExit\ndef f(bait): return tries(a=lambda: open(P()))", "openat"),
    "with a path at the end of a page": ("""
import mmap
def f(bait):
    page = libc.mmap; page.restype = ctypes.c_void_p
    at = page(None, ctypes.c_size_t(8192), 3, 0x22, -1, 0)
    libc.munmap(ctypes.c_void_p(at + 4096), ctypes.c_size_t(4096))
    place = at + 4096 - len(b"/etc/shadow\\0")
    ctypes.memmove(place, b"/etc/shadow\\0", 12)
    return tries(a=lambda: libc.open(ctypes.c_void_p(place), 0))
""", "openat"),
    "with a long path": ("def f(bait): return tries(a=lambda: libc.open(b'/usr/lib/' + b'./' * 1000 + b'../../etc/shadow', 0))", "openat"),
    "by way of a folder": ("def f(bait):\n    root = os.open('/usr', os.O_RDONLY)\n    return tries(a=lambda: open('/usr/lib/../../etc/shadow'), b=lambda: os.open('../etc/shadow', 0, dir_fd=root), c=lambda: open('/etc/shadow'))", "openat"),
    "once its first thread is gone": ("""
import threading, time
def f(bait):
    def late():
        time.sleep(0.05)
        tries(a=lambda: libc.syscall(257, -100, b"/etc/shadow", 0))
        os._exit(0)
    threading.Thread(target=late).start()
    libc.syscall(60, 0)
""", "openat"),
    "a process once its first thread is gone": ("""
import threading, time
def f(bait):
    def late():
        time.sleep(0.05)
        tries(a=lambda: libc.syscall(435, (ctypes.c_uint64 * 8)(0, 0, 0, 0, 17), 64))
        os._exit(0)
    threading.Thread(target=late).start()
    libc.syscall(60, 0)
""", "clone3"),
    "from another folder": ("def f(bait):\n    os.chdir('/usr/lib')\n    return tries(a=lambda: open('../../etc/shadow'))", "openat"),
}  # fmt: skip


def _tried(call: str) -> str:
    return f"def f(bait):\n    try: {call}\n    except Exception: pass\n    return []"


ATTEMPTING = [
    *(
        Attempting(f"raw: {name}", f"def f(bait): return tries(a=lambda: libc.syscall({call}))", (name,))
        for name, call in _RAW.items()
    ),
    *(Attempting(f"tried: {name}", _tried(call), (counted,)) for name, (call, counted) in _TRIED.items()),
    *(Attempting(f"silenced: {name}", program, (counted,)) for name, (program, counted) in _SILENT.items()),
]

_MODULES = [
    "abc",
    "argparse",
    "array",
    "ast",
    "asyncio",
    "base64",
    "binascii",
    "bisect",
    "bz2",
    "calendar",
    "cmath",
    "cmd",
    "code",
    "codecs",
    "collections",
    "collections.abc",
    "colorsys",
    "concurrent.futures",
    "configparser",
    "contextlib",
    "contextvars",
    "copy",
    "copyreg",
    "csv",
    "ctypes",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "dis",
    "email",
    "email.mime.text",
    "enum",
    "errno",
    "fnmatch",
    "fractions",
    "functools",
    "gc",
    "getopt",
    "gettext",
    "glob",
    "graphlib",
    "gzip",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "html.parser",
    "http",
    "importlib",
    "inspect",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "linecache",
    "locale",
    "logging",
    "lzma",
    "math",
    "mimetypes",
    "mmap",
    "multiprocessing",
    "numbers",
    "operator",
    "optparse",
    "os",
    "os.path",
    "pathlib",
    "pickle",
    "pkgutil",
    "platform",
    "plistlib",
    "pprint",
    "queue",
    "quopri",
    "random",
    "re",
    "reprlib",
    "sched",
    "secrets",
    "select",
    "selectors",
    "shelve",
    "shlex",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "stat",
    "statistics",
    "string",
    "struct",
    "subprocess",
    "symtable",
    "sysconfig",
    "tarfile",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "token",
    "tokenize",
    "traceback",
    "types",
    "typing",
    "unicodedata",
    "unittest",
    "unittest.mock",
    "urllib.parse",
    "urllib.request",
    "uuid",
    "warnings",
    "weakref",
    "xml.dom.minidom",
    "xml.etree.ElementTree",
    "zipfile",
    "zlib",
    "zoneinfo",
    "helpers",
    "numpy",
    "numpy.linalg",
    "numpy.random",
    "numpy.fft",
    "numpy.ma",
    "numpy.polynomial",
    "numpy.testing",
    "numpy.typing",
]

_WORK = {
    "sorting": "return sorted(range(1000), key=lambda x: -x)[:3]",
    "a heap": "import heapq; h = [5, 1, 4]; heapq.heapify(h); return heapq.heappop(h)",
    "a shuffle": "import random; x = list(range(50)); random.shuffle(x); return x",
    "a generator of its own": "import random; return random.Random().random() + random.SystemRandom().random()",
    "chance of the system": "import os, secrets, uuid; return [len(os.urandom(8)), secrets.token_hex(4), str(uuid.uuid4())]",
    "a semaphore": "import multiprocessing\n    try: multiprocessing.Semaphore(2)\n    except OSError: return 1",
    "threads": "import threading; out = []; ts = [threading.Thread(target=out.append, args=(i,)) for i in range(8)]; [t.start() for t in ts]; [t.join() for t in ts]; return sorted(out)",
    "a pool of threads": "from concurrent.futures import ThreadPoolExecutor\n    with ThreadPoolExecutor(4) as pool: return list(pool.map(abs, [-1, 2, -3]))",
    "events and timers": "import threading; e = threading.Event(); threading.Timer(0.01, e.set).start(); return e.wait(5)",
    "a queue": "import queue; q = queue.Queue(); q.put(1)\n    try: return [q.get(), q.get(timeout=0.01)]\n    except queue.Empty: return 0",
    "condition and barrier": "import threading; b = threading.Barrier(2); t = threading.Thread(target=b.wait); t.start(); b.wait(); t.join(); return 1",
    "time": "import time; time.sleep(0.001); return time.time() > 0 and time.perf_counter() > 0 and time.process_time() >= 0",
    "an alarm": "import signal\n    def ring(*_): raise TimeoutError\n    signal.signal(signal.SIGALRM, ring)\n    try:\n        signal.setitimer(signal.ITIMER_REAL, 0.01)\n        while True: sum(range(9))\n    except TimeoutError: return 1",
    "dates": "import datetime; return datetime.datetime(2020, 1, 1).isoformat() + str(datetime.date.today().year > 2000)",
    "zones": "import datetime, time; return [time.localtime().tm_year > 0, datetime.datetime.now().astimezone().tzinfo is not None]",
    "printing": "import sys; print('x'); print('y', file=sys.stderr); sys.stdout.write('z'); sys.stdout.flush(); return 1",
    "printing nowhere": "import contextlib, os\n    try:\n        with open(os.devnull, 'w') as nothing, contextlib.redirect_stdout(nothing): print('x')\n    except OSError: pass\n    return 1",
    "a captured print": "import contextlib, io\n    with contextlib.redirect_stdout(io.StringIO()) as out: print('x')\n    return out.getvalue()",
    "a warning": "import warnings; warnings.warn('x'); warnings.warn('y', DeprecationWarning); return 1",
    "a shown trace": "import traceback\n    try: 1 / 0\n    except ZeroDivisionError: traceback.print_exc(); return traceback.format_exc()",
    "an error in a thread": "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join(); return 1",
    "an error that nobody can raise": "class X:\n        def __del__(self): raise ValueError\n    X(); return 1",
    "logging": "import logging; logging.basicConfig(); logging.warning('x'); logging.getLogger('a').exception('y'); return 1",
    "code that does not compile": "try: compile('f(', 'candidate', 'exec')\n    except SyntaxError: pass\n    try: eval('1 +')\n    except SyntaxError: pass\n    import ast\n    try: ast.parse('(')\n    except SyntaxError: return 1",
    "its own source": "import inspect; return len(inspect.getsource(f))",
    "code of a path that does not compile": "for name in ('gen/x.py', '<answer 1/3>', './a/b.py'):\n        try: compile('f(', name, 'exec')\n        except SyntaxError: pass\n    return 1",
    "files of its own that are not there": "import configparser\n    for name in ('./data.txt', 'data/input.txt', 'x/y/z'):\n        try: open(name)\n        except OSError: pass\n    return configparser.ConfigParser().read('conf/x.ini')",
    "a function for C": "import ctypes; return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 1)(2)",
    "the room on a disk": "import os, shutil\n    for look in (os.statvfs, shutil.disk_usage):\n        try: look('/')\n        except OSError: pass\n    return 1",
    "waiting for a signal": "import signal; signal.signal(signal.SIGALRM, lambda *_: None); signal.setitimer(signal.ITIMER_REAL, 0.01); signal.pause()\n    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); signal.setitimer(signal.ITIMER_REAL, 0.01); return signal.sigwait([signal.SIGALRM]) > 0",
    "compiled code": "return eval(compile('1 + 1', 'x', 'eval')) + (exec('a = 1') or 1)",
    "recursion": "import sys; sys.setrecursionlimit(5000)\n    def g(n): return n and g(n - 1) + 1\n    return g(3000)",
    "deep copies": "import copy; return copy.deepcopy({'a': [1, {2: (3, 4)}] * 50})['a'][0]",
    "pickles": "import pickle; return len(pickle.loads(pickle.dumps(list(range(100)))))",
    "hashes": "import hashlib; return hashlib.sha256(b'x').hexdigest() + hashlib.md5(b'y').hexdigest()",
    "expressions": "import re; return re.findall(r'(\\d+)', 'a1b22c333')",
    "compression": "import zlib, bz2, lzma, gzip; return len(zlib.decompress(zlib.compress(b'x' * 1000))) + len(bz2.compress(b'x')) + len(lzma.compress(b'x')) + len(gzip.compress(b'x'))",
    "a database in memory": "import sqlite3; c = sqlite3.connect(':memory:'); c.execute('create table t (x)'); c.execute('insert into t values (1)'); return c.execute('select * from t').fetchall()[0][0]",
    "large numbers": "from decimal import Decimal; from fractions import Fraction; return str(Decimal(1) / 3) + str(Fraction(1, 3) * 2) + str(2 ** 500)",
    "memory": "x = bytearray(1 << 26); x[::4096] = b'x' * len(x[::4096]); del x; import gc; return gc.collect() >= 0",
    "a mapping": "import mmap; m = mmap.mmap(-1, 4096); m.write(b'x'); m.resize(8192); return 1",
    "a memory view": "import array; return memoryview(array.array('d', [1.0, 2.0])).tolist()",
    "how many processors": "import os, multiprocessing; return [len(os.sched_getaffinity(0)) > 0, multiprocessing.cpu_count() >= 0]",
    "where it is": "import os, sys, platform; return [os.getcwd(), os.getpid() > 0, sys.version_info[0], platform.python_version(), platform.machine()]",
    "what it used": "import resource, os; resource.getrusage(0); resource.getrlimit(9); os.times(); os.getloadavg if False else 0; return 1",
    "whether there are files": "import os, pathlib; return [os.path.exists('/etc/passwd'), pathlib.Path('/data').is_file(), os.path.isdir('/tmp')]",
    "the temporary folder's name": "import os; return os.path.join(os.environ.get('TMPDIR', '/tmp'), 'x')",
    "the standard library's folder": "import os; return len(os.listdir(os.path.dirname(os.__file__))) > 10",
    "a file of the standard library": "import os\n    with open(os.__file__) as file: return len(file.read()) > 10",
    "importing by name": "import importlib; return importlib.import_module('colorsys').rgb_to_hsv(0, 0, 0)",
    "a module that is not there": "try:\n        import scipy\n    except (ImportError, OSError): return 0",
    "another one": "try:\n        import torch, pandas, sklearn, numba\n    except (ImportError, OSError): return 0",
    "how it is scheduled": "import os; return [os.getpriority(0, 0), os.getpriority(os.PRIO_PROCESS, 0)]",
    "how it could be scheduled": "import os\n    try: os.sched_get_priority_max(os.SCHED_OTHER)\n    except PermissionError: return 1",
    "flushing": "import os, sys\n    sys.stdout.flush()\n    try: os.fsync(1)\n    except PermissionError: return 1",
    "beside an open folder": "import os; folder = os.open(os.path.dirname(os.__file__), 0); os.close(os.open('os.py', 0, dir_fd=folder)); return 1",
    "signals that are ignored": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.default_int_handler); return 1",
    "pipes": "import os; r, w = os.pipe(); os.write(w, b'x'); return os.read(r, 1).decode()",
    "select": "import select, os; r, w = os.pipe(); os.write(w, b'x'); return len(select.select([r], [], [], 1)[0])",
    "weak references": "import weakref\n    class A: pass\n    a = A(); r = weakref.ref(a); del a; return r() is None",
    "caches": "import functools\n    @functools.lru_cache(None)\n    def g(n): return n if n < 2 else g(n - 1) + g(n - 2)\n    return g(80)",
    "data classes": "import dataclasses, typing\n    A = dataclasses.make_dataclass('A', [('x', int)]); return dataclasses.asdict(A(1))",
    "profiling": "import cProfile, io, pstats; p = cProfile.Profile(); p.runcall(sorted, [3, 1]); pstats.Stats(p, stream=io.StringIO()).print_stats(); return 1",
    "timing": "import timeit; return timeit.timeit('1 + 1', number=10) >= 0",
    "statistics": "import statistics; return statistics.median([1, 3, 2]) + statistics.stdev([1, 2, 3])",
    "graphs": "import graphlib; return list(graphlib.TopologicalSorter({2: {1}, 3: {2}}).static_order())",
    "texts": "import textwrap, difflib, unicodedata, string; return textwrap.fill('a b ' * 50, 20)[:3] + unicodedata.name('x') + str(difflib.SequenceMatcher(None, 'ab', 'ac').ratio())",
    "a random walk of numpy": "import numpy as np; return np.cumsum(np.random.default_rng().integers(-1, 2, 100)).tolist()",
    "matrices": "import numpy as np; a = np.random.rand(60, 60); return float(np.linalg.norm(np.linalg.solve(a + 9 * np.eye(60), a)))",
    "eigenvalues": "import numpy as np; return np.linalg.eigvalsh(np.ones((40, 40))).tolist()",
    "a large product": "import numpy as np; a = np.ones((400, 400)); return float((a @ a).sum())",
    "transforms": "import numpy as np; return float(abs(np.fft.rfft(np.arange(1024.0))).sum())",
    "sorting in numpy": "import numpy as np; return np.argsort(np.random.permutation(1000))[:5].tolist()",
    "einsum": "import numpy as np; return np.einsum('ij,jk->ik', np.ones((3, 3)), np.ones((3, 3))).tolist()",
    "bits": "import numpy as np; return np.packbits(np.random.randint(0, 2, 64)).tolist()",
    "a warning of numpy": "import numpy as np; return bool(np.isnan(np.array([0.0]) / 0)[0])",
    "numpy in threads": "import numpy as np; from concurrent.futures import ThreadPoolExecutor\n    with ThreadPoolExecutor(3) as pool: return list(pool.map(lambda n: float(np.ones((n, n)).sum()), [10, 20, 30]))",
    "how numpy was built": "import numpy as np, contextlib, io\n    with contextlib.redirect_stdout(io.StringIO()): np.show_config()\n    return 1",
    "annealing": "import math, random; x = best = 5.0\n    for t in range(1, 500):\n        y = x + random.gauss(0, 1)\n        if y * y < x * x or random.random() < math.exp((x * x - y * y) * t / 50): x = y\n        best = min(best, x, key=abs)\n    return best",
    "dynamic programming": "d = [0] * 101\n    for v in (3, 7, 11):\n        for c in range(v, 101): d[c] = max(d[c], d[c - v] + v)\n    return d[100]",
    "an error": "raise ValueError('no')",
    "an error without an end": "def g(): return g()\n    return g()",
    "an exit": "import sys; sys.exit(3)",
    "too long": "while True: pass",
    "too much": "return bytes(1 << 40)",
}  # fmt: skip

HARMLESS = [
    *((f"import {name}", f"import {name}\ndef f(bait): return 1") for name in _MODULES),
    *((name, f"def f(bait):\n    {work}") for name, work in _WORK.items()),
]
