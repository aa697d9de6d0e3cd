"""Hostile programs, by class. Each defines `f(bait)`; what it managed to do it returns as a list, which must be empty.

`tries` runs attempts one by one and names those that raised nothing and returned neither None, False nor -1.
"""

from __future__ import annotations

from dataclasses import dataclass

PRELUDE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def tries(**attempts):
    done = []
    for name, attempt in attempts.items():
        try:
            result = attempt()
        except BaseException:
            continue
        if result is not None and result is not False and result != -1:
            done.append(name)
    return done
"""


@dataclass(frozen=True)
class Attack:
    """`kinds`: the outcomes that mean it was contained; an answer must be the empty list."""

    name: str
    program: str
    kinds: tuple[str, ...] = ("answer",)

    def text(self) -> str:
        return PRELUDE + self.program


def _calls(name: str, *calls: str) -> Attack:
    """Raw system calls, by x86-64 number and arguments, parted by semicolons too: each must fail."""
    attempts = ", ".join(f"c{i}=lambda: libc.syscall({call})" for i, call in enumerate("; ".join(calls).split("; ")))
    return Attack(f"system calls: {name}", f"def f(bait): return tries({attempts})")


ATTACKS = [
    # time
    Attack("time: endless loop", "def f(bait):\n    while True: pass", ("time",)),
    Attack(
        "time: a loop that ignores every signal and exception",
        """
import signal
def f(bait):
    for n in range(1, 65):
        try: signal.signal(n, signal.SIG_IGN)
        except (OSError, ValueError): pass
    while True:
        try:
            while True: pass
        except BaseException: pass
""",
        ("time",),
    ),
    Attack("time: sleeping", "import time\ndef f(bait): time.sleep(3600)", ("time",)),
    Attack("time: a long call into C", "def f(bait): return 7 ** (7 ** 9) % 2", ("time", "memory")),
    Attack("time: a regular expression", "import re\ndef f(bait): re.match('(a+)+$', 'a' * 60 + 'b')", ("time",)),
    Attack(
        "time: waiting on a lock",
        "import threading\ndef f(bait): l = threading.Lock(); l.acquire(); l.acquire()",
        ("time",),
    ),
    Attack("time: while loading", "while True: pass\ndef f(bait): return []", ("time",)),
    Attack(
        "time: eight spinning threads",
        """
import threading
def spin():
    while True: pass
def f(bait):
    for _ in range(8): threading.Thread(target=spin).start()
    spin()
""",
        ("time",),
    ),
    Attack(
        "time: threads that outlive the answer",
        """
import threading
def spin():
    while True: pass
def f(bait):
    for _ in range(4): threading.Thread(target=spin).start()
    return []
""",
        ("answer", "time"),
    ),
    Attack(
        "time: a storm of alarms",
        """
import signal
def f(bait):
    def again(*_): signal.setitimer(signal.ITIMER_REAL, 1e-6)
    signal.signal(signal.SIGALRM, again)
    again()
    while True: pass
""",
        ("time", "error"),
    ),
    Attack(
        "time: an alarm nobody handles",
        "import signal, time\ndef f(bait):\n    signal.setitimer(signal.ITIMER_REAL, 0.01)\n    time.sleep(3600)",
        ("time", "killed"),
    ),
    Attack(
        "time: a fault that is handled for ever",
        """
import signal
def f(bait):
    signal.signal(signal.SIGSEGV, lambda *_: None)
    ctypes.string_at(0)
""",
        ("time",),
    ),
    Attack(
        "time: threads that spin on without the first",
        """
import threading
def spin():
    while True: pass
def f(bait):
    for _ in range(3): threading.Thread(target=spin).start()
    libc.syscall(60, 0)
""",
        ("time",),
    ),
    Attack(
        "time: a trace function that never returns",
        "def f(bait):\n    def trace(*_):\n        while True: pass\n    sys.settrace(trace)\n    len([])\n    (lambda: 0)()",
        ("time",),
    ),
    # memory
    Attack(
        "memory: a list of bytes", "def f(bait):\n    x = []\n    while True: x.append(bytes(1 << 20))", ("memory",)
    ),
    Attack("memory: numpy", "import numpy\ndef f(bait): numpy.ones(10 * 2**27).sum()", ("memory",)),
    Attack("memory: a shared mapping", "import mmap\ndef f(bait): mmap.mmap(-1, 8 << 30)", ("error",)),
    Attack("memory: a long text", "def f(bait): return len('x' * (1 << 40))", ("memory",)),
    Attack("memory: deep recursion", "def g(n): return g(n + 1)\ndef f(bait): g(0)", ("error",)),
    Attack(
        "memory: deep recursion without a limit",
        """
def f(bait):
    sys.setrecursionlimit(2 ** 30)
    x = []
    for _ in range(10 ** 6): x = [x]
    return repr(x)
""",
        ("killed", "error", "memory", "time"),
    ),
    Attack(
        "memory: raising one's own limits",
        """
import resource
def f(bait):
    big = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    return tries(space=lambda: resource.setrlimit(resource.RLIMIT_AS, big) or 1,
        cpu=lambda: resource.setrlimit(resource.RLIMIT_CPU, big) or 1,
        other=lambda: resource.prlimit(1, resource.RLIMIT_CPU, big))
""",
    ),
    Attack("memory: files without a name", "def f(bait): return tries(a=lambda: os.memfd_create('x'))"),
    Attack(
        "memory: mappings that are never touched",
        """
import mmap
def f(bait):
    kept = []
    try:
        while True: kept.append(mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000))
    except OSError: pass
    return [] if len(kept) < 64 else [len(kept)]
""",
    ),
    Attack(
        "memory: many small mappings",
        """
def f(bait):
    n = 0
    libc.mmap.restype = ctypes.c_void_p
    while n < 200000 and libc.mmap(None, ctypes.c_size_t(4096), 1 + n % 2 * 2, 0x22, -1, 0) != ctypes.c_void_p(-1).value: n += 1
    return [] if n < 140000 else [n]
""",
    ),
    Attack(
        "memory: an object that is buried too deep",
        "def f(bait):\n    x = ()\n    for _ in range(10 ** 6): x = (x, lambda: x)\n    del x\n    return []",
        ("answer", "memory", "killed", "time"),
    ),
    # processes
    Attack("processes: fork", "def f(bait): return tries(fork=os.fork, pty=os.forkpty, vfork=lambda: libc.vfork())"),
    Attack(
        "processes: fork bomb",
        """
def f(bait):
    done = []
    for _ in range(200):
        try: done.append(os.fork())
        except OSError: pass
    return done
""",
    ),
    Attack(
        "processes: subprocess and spawn",
        """
import subprocess
def f(bait):
    return tries(run=lambda: subprocess.run(["/bin/true"]), spawn=lambda: os.posix_spawn("/bin/sh", ["sh"], {}),
        system=lambda: os.system("true") == 0, popen=lambda: os.popen("echo x").read() or None,
        me=lambda: subprocess.run([sys.executable, "-c", "1"]))
""",
    ),
    Attack(
        "processes: exec",
        "def f(bait): return tries(a=lambda: os.execv(sys.executable, ['x']), b=lambda: os.execv('/bin/sh', ['x']))",
    ),
    Attack(
        "processes: multiprocessing",
        """
def f(bait):
    import multiprocessing
    return tries(pool=lambda: multiprocessing.Pool(2), process=lambda: multiprocessing.Process(target=print).start() or 1)
""",
    ),
    Attack(
        "processes: clone with every flag",
        """
def f(bait):
    return [hex(flag) for flag in (0x11, 0x100 | 0x11, 0x10000000 | 0x11, 0x20000 | 0x11, 0x40000000 | 0x11, 0x4011, 0x10900, 0x10D00, 0x3D0B00)
        if libc.syscall(56, flag, 0, 0, 0, 0) != -1]
""",
    ),
    Attack(
        "processes: clone3",
        "def f(bait):\n    a = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)\n    return tries(c=lambda: libc.syscall(435, a, 88))",
    ),
    # threads
    Attack(
        "threads: a bomb",
        """
import threading, time
def f(bait):
    threading.stack_size(32768)
    n = 0
    try:
        for n in range(100000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except RuntimeError: pass
    return [] if n < 5000 else [n]
""",
        ("answer", "time", "memory"),
    ),
    # output
    Attack("output: a flood", "def f(bait):\n    while True: print('x' * 100000)", ("output",)),
    Attack(
        "output: a flood by system calls",
        "def f(bait):\n    while True:\n        try: os.write(1, b'x' * (1 << 20))\n        except OSError: return []",
        ("output",),
    ),
    Attack("output: a flood of errors", "def f(bait):\n    while True: sys.stderr.write('x' * 100000)", ("output",)),
    Attack("output: bytes that are no text", "def f(bait): os.write(1, bytes(range(256)) * 10); return []"),
    Attack(
        "output: a sparse file of a tebibyte",
        "def f(bait): return tries(t=lambda: os.ftruncate(1, 1 << 40) or 1, s=lambda: os.pwrite(1, b'x', 1 << 40))",
        ("answer", "output"),
    ),
    Attack(
        "output: one byte at the end of what is allowed",
        "def f(bait): os.lseek(1, (4 << 20) - 1, 0); os.write(1, b'x'); return []",
        ("output",),
    ),
    Attack(
        "output: sealing and punching what others read",
        """
import fcntl
def f(bait):
    return tries(**{f"seal{fd}": lambda fd=fd: fcntl.fcntl(fd, 1033, 15) for fd in range(6)},
        **{f"size{fd}": lambda fd=fd: fcntl.fcntl(fd, 1031, 1 << 20) for fd in range(6)},
        punch=lambda: libc.syscall(285, 1, 3, 0, 4096), more=lambda: os.posix_fallocate(1, 0, 1 << 30) or 1)
""",
    ),
    Attack(
        "output: a mapping of the file",
        """
import mmap
def f(bait):
    os.write(1, b"x" * 4096)
    shared = mmap.mmap(1, 4096)
    os._exit = None
    shared[:] = bytes(4096)
    sys.modules["kept"] = shared
    return []
""",
        ("answer", "error"),
    ),
    # disk
    Attack(
        "disk: writing anywhere",
        """
import tempfile
def f(bait):
    places = ["/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/guest", "/site", "/usr/lib", "/root", "/home", os.path.dirname(bait["canary"])]
    def write(place):
        with open(place + "/selftaught-attack", "w") as file: return file.write("x")
    done = tries(**{"w" + place: lambda place=place: write(place) for place in places})
    return done + tries(temp=tempfile.mkdtemp, file=tempfile.TemporaryFile)
""",
    ),
    Attack(
        "disk: changing what is there",
        """
def f(bait):
    path = bait["canary"]
    return tries(write=lambda: open(path, "a"), remove=lambda: os.remove(path) or 1, mode=lambda: os.chmod(path, 0o777) or 1,
        time=lambda: os.utime(path) or 1, cut=lambda: os.truncate(path, 0) or 1, link=lambda: os.link(path, path + "2") or 1,
        rename=lambda: os.rename(path, path + "3") or 1, own=lambda: os.open(os.__file__, os.O_WRONLY),
        guest=lambda: open(sys.modules["runner"].__file__, "a"), folder=lambda: os.mkdir("/tmp/x") or 1)
""",
    ),
    Attack(
        "disk: devices",
        "def f(bait): return tries(**{d: lambda d=d: os.open('/dev/' + d, os.O_RDONLY) for d in ('mem', 'kmsg', 'vda', 'sda', 'tty', 'kvm', 'fuse', 'net/tun')})",
    ),
    # early exit
    Attack("exit: os._exit", "def f(bait): os._exit(0)", ("error",)),
    Attack("exit: sys.exit", "def f(bait): sys.exit(0)", ("error",)),
    Attack("exit: while loading", "import os\nos._exit(0)\ndef f(bait): pass", ("error",)),
    Attack("exit: abort", "def f(bait): os.abort()", ("killed", "error")),
    Attack("exit: NULL is read", "def f(bait): ctypes.string_at(0)", ("killed",)),
    Attack("exit: the thread alone", "def f(bait): libc.syscall(60, 0)", ("error", "time")),
    Attack(
        "exit: closing every descriptor",
        "def f(bait):\n    os.closerange(0, 100)\n    return 1",
        ("error", "killed", "time"),
    ),
    Attack(
        "exit: an error that cannot be shown",
        "class E(Exception):\n    def __str__(self): raise self\ndef f(bait): raise E",
        ("error",),
    ),
    Attack(
        "exit: an endless error text",
        "class E(Exception):\n    def __str__(self): return 'x' * (1 << 25)\ndef f(bait): raise E",
        ("error",),
    ),
    Attack(
        "exit: what Python does at its end",
        """
import atexit, threading
class Last:
    def __del__(self): os.write(4, b"\\x0c\\0\\0\\0[\\"answer\\",1]")
kept = Last()
atexit.register(lambda: os.write(4, b"x" * 100))
def f(bait):
    threading.excepthook = sys.excepthook = sys.unraisablehook = lambda *a: kept.__del__()
    return []
""",
    ),
    Attack(
        "exit: another file in the place of the answers",
        "def f(bait): os.dup2(1, 4); return []",
        ("error", "killed", "time"),
    ),
    # signals
    Attack(
        "signals: to everybody",
        """
import signal
def f(bait):
    done = []
    for pid in [-1, 0, 1, 2, 3, 4, 5, os.getpid(), os.getppid(), bait["host"], bait["server"]]:
        for number in (0, 9, 15, 19):
            try: os.kill(pid, number); done.append((pid, number))
            except OSError: pass
    return done
""",
    ),
    Attack(
        "signals: to groups and threads",
        """
import signal, threading
def f(bait):
    return tries(group=lambda: os.killpg(0, 9) or 1, thread=lambda: libc.syscall(234, 1, 1, 9), tkill=lambda: libc.syscall(200, 1, 9),
        queue=lambda: libc.syscall(129, 1, 9, 0), pidfd=lambda: os.pidfd_open(1), host=lambda: os.pidfd_open(bait["host"]))
""",
    ),
    Attack(
        "signals: through owners of descriptors",
        """
import fcntl
def f(bait):
    return tries(own=lambda: fcntl.fcntl(1, fcntl.F_SETOWN, bait["host"]), sig=lambda: fcntl.fcntl(1, 10, 9),
        ex=lambda: fcntl.fcntl(1, 15, b"\\0" * 8), io=lambda: fcntl.ioctl(1, 0x8901, b"\\0" * 4))
""",
    ),
    Attack(
        "signals: to one's own threads and by timers",
        """
import signal, threading
def f(bait):
    return tries(raised=lambda: signal.raise_signal(9) or 1, thread=lambda: signal.pthread_kill(threading.get_ident(), 9) or 1,
        tgkill=lambda: libc.syscall(234, os.getpid(), os.getpid(), 9), queue=lambda: libc.syscall(297, 1, 1, 9, 0),
        timer=lambda: libc.syscall(222, 0, ctypes.byref((ctypes.c_long * 8)(0, 9)), ctypes.byref(ctypes.c_long())),
        pidfd=lambda: libc.syscall(424, 1, 9, 0, 0), fd=lambda: libc.syscall(289, -1, b"\\0" * 8, 8, 0))
""",
    ),
    # files
    Attack(
        "files: secrets of the host",
        """
def f(bait):
    names = ["/etc/passwd", "/etc/shadow", "/etc/hostname", "/etc/ssl/certs", "/root", "/home", "/var", "/sys", "/proc", "/run", "/boot", "/mnt", "/opt", bait["canary"]]
    def read(name):
        if sys.prefix.startswith(name): return None  # on the way to the interpreter
        if os.path.isdir(name): return os.listdir(name) or None
        with open(name) as file: return file.read()
    return tries(**{name: lambda name=name: read(name) for name in names})
""",
    ),
    Attack(
        "files: /proc of others and of oneself",
        """
def f(bait):
    names = ["/proc/1/environ", "/proc/self/environ", "/proc/self/mem", "/proc/self/maps", "/proc/self/cmdline", f"/proc/{bait['host']}/environ", f"/proc/{bait['host']}/cmdline"]
    return tries(**{name: lambda name=name: open(name, "rb").read() for name in names})
""",
    ),
    Attack(
        "files: out through the working folder and links",
        """
def f(bait):
    return tries(up=lambda: open("../../../../etc/passwd"), cwd=lambda: open("/proc/self/cwd/etc/passwd"), root=lambda: os.chroot("/"),
        old=lambda: os.listdir("/oldroot"), new=lambda: os.listdir("/newroot"), handle=lambda: libc.syscall(303, -100, b"/", 0, 0, 0))
""",
    ),
    Attack(
        "files: the rest of the host's Python",
        """
def f(bait):
    import importlib
    return tries(**{name: lambda name=name: importlib.import_module(name) for name in ("scipy", "openai", "typer", "rich", "pytest", "pip", "yaml", "apt")})
""",
    ),
    # environment
    Attack(
        "environment: keys",
        """
import ctypes
def f(bait):
    raw = []
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
    i = 0
    while environ[i]:
        raw.append(environ[i].decode()); i += 1
    return [x for x in raw + list(os.environ) + list(os.environ.values()) if bait["key"] in x]
""",
    ),
    Attack(
        "environment: keys in memory",
        """
import gc
def f(bait):
    wanted = bait.pop("key")[:6]
    return [repr(o)[:50] for o in gc.get_objects() if type(o) is dict for v in o.values() if type(v) is str and v.startswith(wanted) and o is not bait]
""",
    ),
    Attack(
        "environment: the memory around it",
        """
def f(bait):
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
    address = ctypes.cast(environ, ctypes.POINTER(ctypes.c_void_p))[0]
    start = address - 65536
    around = ctypes.string_at(start, 65536 + 64) + "".join(sys.orig_argv).encode()
    return [1] if bait["key"].encode() in around else []
""",
        ("answer", "killed"),
    ),
    # network
    Attack(
        "network: sockets of every family",
        """
import socket
def f(bait):
    return [(a, k) for a in range(46) for k in (1, 2, 3, 5) if tries(s=lambda: socket.socket(a, k))]
""",
    ),
    Attack(
        "network: the host's listeners",
        """
import socket
def f(bait):
    def local():
        s = socket.socket(socket.AF_UNIX); s.connect(bait["abstract"]); return 1
    def udp():
        s = socket.socket(type=socket.SOCK_DGRAM); return s.sendto(b"x", ("127.0.0.1", bait["port"]))
    return tries(tcp=lambda: socket.create_connection(("127.0.0.1", bait["port"]), 1), local=local, udp=udp)
""",
    ),
    Attack(
        "network: names and the web",
        """
import socket
def f(bait):
    import urllib.request
    return tries(name=lambda: socket.gethostbyname("example.com"), web=lambda: urllib.request.urlopen("http://example.com", timeout=1))
""",
        ("answer", "error"),
    ),
    Attack(
        "network: pairs",
        "import socket\ndef f(bait): return tries(a=socket.socketpair, b=lambda: socket.socketpair(socket.AF_INET))",
    ),
    # leftovers
    Attack(
        "leftovers: in the memory of the fork server",
        """
import gc, __main__
def f(bait):
    __main__.marker = __main__.Zygote.marker = sys.marker = os.marker = "left"
    import builtins, json, random
    builtins.print = json.dumps = json.loads = random.random = os.read = os.write = None
    return []
""",
        ("answer", "error", "killed", "time"),
    ),
    Attack(
        "leftovers: daemons",
        """
def f(bait):
    import threading
    return tries(daemon=lambda: os.fork(), session=lambda: os.setsid())
""",
    ),
    Attack(
        "leftovers: shared memory and queues",
        "def f(bait): return tries(shm=lambda: libc.shmget(1234, 4096, 0o1666), sem=lambda: libc.semget(1234, 1, 0o1666), msg=lambda: libc.msgget(1234, 0o1666), mq=lambda: libc.syscall(240, b'x', 0o102, 0o666, 0))",
    ),
    Attack(
        "leftovers: futexes on pages that jobs share",
        """
def f(bait):
    word = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
    value, soon = ctypes.c_uint.from_address(word).value, (ctypes.c_long * 2)(0, 10_000_000)
    done = []
    for op in (0, 9, 265):  # a wait that was begun would end with ETIMEDOUT
        ctypes.set_errno(0)
        libc.syscall(202, ctypes.c_void_p(word), op, value, soon, None, -1)
        if ctypes.get_errno() != 11: done.append((op, ctypes.get_errno()))
    wakes = (1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 128 | 6, 128 | 8, 128 | 11)
    return done + [op for op in wakes if libc.syscall(202, ctypes.c_void_p(word), op, 1, 1, ctypes.c_void_p(word), 0) != -1]
""",
    ),
    # tracing
    Attack(
        "tracing: ptrace and other people's memory",
        """
def f(bait):
    done = []
    for pid in (1, 2, 3, os.getppid(), bait["host"], bait["server"]):
        for call in ((101, 16, pid, 0, 0), (101, 0x4206, pid, 0, 0), (310, pid, 0, 0, 0, 0, 0), (311, pid, 0, 0, 0, 0, 0),
            (312, pid, pid, 0, 0, 0), (434, pid, 0), (302, pid, 7, 0, 0), (438, pid, 1, 0)):
            if pid and libc.syscall(*call) != -1: done.append((pid, call))
    return done
""",
    ),
    # system calls
    _calls(
        "namespaces and mounts",
        "272, 0x10000000",
        "272, 0x20000",
        "308, 3, 0",
        "165, 0, b'/', b'tmpfs', 0, 0",
        "166, b'/', 0",
        "155, b'/', b'/'",
        "161, b'/'",
        "428, -100, b'/', 1",
        "442, 3, b'', 0, 0, 0",
        "430, b'tmpfs', 0",
    ),
    _calls(
        "kernel machinery",
        "321, 0, 0, 0",
        "425, 8, (ctypes.c_char * 120)()",
        "323, 0",
        "298, 0, 0, -1, -1, 0",
        "248, b'user', b'x', b'y', 1, -3",
        "250, 0, -3",
        "175, 0, 0, 0",
        "313, 3, b'', 0",
        "246, 0, 0, 0, 0",
        "169, 0xfee1dead, 672274793, 0",
        "447, 0",
        "303, 0",
        "304, 0",
    ),
    _calls(
        "privilege",
        "105, 0",
        "106, 0",
        "117, 0, 0, 0",
        "119, 0, 0, 0",
        "116, 0, 0",
        "126, 0, 0",
        "317, 1, 0, 0",
        "157, 38, 0, 0, 0, 0",
        "157, 1, 0, 0, 0, 0",
        "157, 4, 1, 0, 0, 0",
        "157, 22, 1, 0, 0, 0",
        "135, 0x40000",
        "141, 0, 0, -20",
        "203, 0, 8, 0",
        "144, 0, 1, 0",
    ),
    _calls(
        "memory and files",
        "319, b'x', 0",
        "447, 0",
        "216, 0, 0, 0, 0, 0",
        "237, 0, 0, 0, 0, 0, 0",
        "256, 0, 0, 0, 0",
        "279, 0, 0, 0, 0, 0, 0",
        "29, 1, 4096, 0o1777",
        "149, 0, 4096",
        "253",
        "300, 0, 0",
        "133, b'/tmp/n', 0o10666, 0",
        "88, b'/x', b'/tmp/y'",
        "280, -100, b'/', 0, 0",
    ),
    _calls(
        "time and logs",
        "164, 0, 0",
        "227, 0, 0",
        "305, 0, 0",
        "103, 3, 0, 0",
        "170, b'x', 1",
        "171, b'x', 1",
        "222, 0, 0, 0",
        "163, b'/x'",
    ),
    _calls(
        "what prctl can do besides names",
        *(
            f"157, {option}, 1, 0, 0, 0"
            for option in (3, 8, 24, 26, 28, 29, 31, 33, 35, 36, 38, 39, 41, 47, 52, 55, 59, 62, 65, 68)
        ),
        "157, 0x59616d61, -1, 0, 0, 0",
        "158, 0x1002, 0",
        "154, 1, 0, 0",
    ),
    _calls(
        "controls of devices and files",
        *(
            f"16, {fd}, {request}, b'x' * 64"
            for fd in (0, 1, 4)
            for request in (0x5412, 0x5452, 0x541D, 0x40049409, 0x40086602, 0x8901, 0x1)
        ),
    ),
    _calls(
        "what carries data or descriptors elsewhere",
        (
            "46, 4, 0, 0; 47, 4, 0, 0; 307, 4, 0, 0, 0; 299, 4, 0, 0, 0, 0; 42, 4, 0, 0; 49, 4, 0, 0; 50, 4, 1; "
            "43, 4, 0, 0; 275, 3, 0, 1, 0, 1, 0; 276, 3, 4, 1, 0; 278, 4, 0, 0, 0; 40, 1, 1, 0, 1; "
            "326, 1, 0, 1, 0, 1, 0; 187, 1, 0, 1; 295, 1, 0, 0, 0; 296, 1, 0, 0, 0; 327, 1, 0, 0, 0, 0; "
            "328, 1, 0, 0, 0, 0; 73, 1, 2; 72, 1, 6, b'x' * 64; 72, 1, 38, b'x' * 64"
        ),
    ),
    _calls(
        "what came to kernels later",
        (
            "424, 1, 0, 0, 0; 426, 0, 0, 0, 0, 0, 0; 427, 0, 0, 0, 0; 432, 3, 0, 0; 433, 0, b'', 0; "
            "436, 100, 100, 2; 437, -100, b'/', 0, 24; 440, 0, 0, 0, 0, 0; 441, 0, 0, 0, 0, 0, 0; "
            "443, 0, 0, 0, 0; 444, 0, 0, 1; 446, 0, 0; 448, 0, 0; 449, 0, 0, 0, 0, 0; 450, 0, 0, 0, 0; "
            "451, 1, b'x' * 16, b'x' * 40, 0; 452, -100, b'/', 0, 0; 453, 4096, 0, 0; 454, 0, 0, 1, 0; "
            "455, 0, 0, 0, 0; 456, 0, 0, 0, 0; 457, b'x' * 64, 0, 0, 0; 459, 0, 0, 0, 0; 462, 0, 4096, 0; "
            "463, -100, b'/', 0, 0, 0, 0; 334 + 500, 0"
        ),
    ),
    Attack(
        "system calls: priorities and processors",
        """
def f(bait):
    return tries(nice=lambda: os.nice(-5), up=lambda: os.nice(5), prio=lambda: os.setpriority(os.PRIO_PROCESS, 0, -20) or 1,
        affinity=lambda: os.sched_setaffinity(0, {0}) or 1, policy=lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)) or 1,
        io=lambda: libc.syscall(251, 1, 0, 0), attr=lambda: libc.syscall(314, 0, b"x" * 48, 0), memory=lambda: libc.syscall(238, 1, 0, 0))
""",
    ),
    Attack(
        "system calls: the page of old kernels",
        "def f(bait): ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p)(0xFFFFFFFFFF600400)(None); return []",
        ("answer", "killed"),
    ),
    Attack(
        "system calls: the end of a thread as a message",
        """
import threading, time
def f(bait):
    word = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
    def end():
        libc.syscall(218, ctypes.c_void_p(word))
        libc.syscall(273, ctypes.c_void_p(word), 24)
    thread = threading.Thread(target=end)
    thread.start(); thread.join(); time.sleep(0.05)
    return []
""",
    ),
    Attack("system calls: a foreign ABI", "def f(bait): libc.syscall(0x40000000 | 39)", ("killed",)),
    Attack(
        "system calls: int 0x80",
        """
import mmap
def f(bait):
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(bytes.fromhex("b814000000cd80c3"))
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
""",
        ("killed", "error"),
    ),
    # this package
    Attack(
        "package: regenerating hidden instances",
        """
def f(bait):
    import importlib, pkgutil
    names = ["selftaught", "selftaught.tasks", "selftaught.plain", "selftaught.sandbox", "selftaught.task"]
    found = tries(**{name: lambda name=name: importlib.import_module(name) for name in names})
    sys.path[:0] = bait["source"]
    importlib.invalidate_caches()
    return found + tries(**{name: lambda name=name: importlib.import_module(name) for name in names}) + [m.name for m in pkgutil.iter_modules() if "selftaught" in m.name]
""",
    ),
    Attack(
        "package: reading its files",
        "def f(bait): return tries(**{p: lambda p=p: open(p + '/selftaught/plain.py').read() for p in bait['source']})",
    ),
    # descriptors
    Attack(
        "descriptors: inherited ones",
        """
def f(bait):
    done = []
    for fd in range(6, 4096):
        try: os.fstat(fd); done.append(fd)
        except OSError: pass
    return done
""",
    ),
    Attack(
        "descriptors: reading what comes later",
        """
def f(bait):
    os.set_blocking(3, False)
    try: return [os.read(3, 1000).decode()]
    except BlockingIOError: return []
""",
    ),
    Attack(
        "descriptors: using up all",
        "def f(bait):\n    n = 0\n    try:\n        while True: os.pipe(); n += 1\n    except OSError: return [] if n < 64 else [n]",
    ),
    Attack(
        "descriptors: the wrong way through the pipes",
        "def f(bait): return tries(back=lambda: os.read(4, 1), on=lambda: os.write(3, b'x'), calls=lambda: os.write(5, b'x'))",
    ),
    Attack(
        "descriptors: pipes that cut into packets",
        "import fcntl\ndef f(bait):\n    for fd in (3, 4): fcntl.fcntl(fd, fcntl.F_SETFL, 0o40000 | 0o20000 | 0o4000)\n    return []",
        ("answer", "time", "error", "killed"),
    ),
    Attack(
        "descriptors: rings of epoll",
        """
import select
def f(bait):
    rings = [select.epoll() for _ in range(40)]
    for one in rings:
        for other in rings:
            try: one.register(other.fileno())
            except OSError: pass
    for one in rings: one.poll(0)
    return []
""",
        ("answer", "time"),
    ),
    # forged and malformed results
    *(
        Attack(f"results: {name}", f"def f(bait):\n    {write}\n    os._exit(0)", kinds)
        for name, write, kinds in (
            (
                "extra keys",
                """d = b'["answer", [], {"score": 1.0}]'; os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            ("a verdict", """d = b'["killed", "x"]'; os.write(4, len(d).to_bytes(4, "little") + d)""", ("error",)),
            (
                "a pickle",
                """d = b"cos\\nsystem\\n(S'true'\\ntR."; os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            (
                "two documents",
                """d = b'["answer", []]["answer", []]'; os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            ("no UTF-8", """d = b'["answer", ["\\xff"]]'; os.write(4, len(d).to_bytes(4, "little") + d)""", ("error",)),
            (
                "a lone surrogate",
                """d = b'["answer", ["\\\\ud800"]]'; os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            ("NaN", """d = b'["answer", NaN]'; os.write(4, len(d).to_bytes(4, "little") + d)""", ("error",)),
            (
                "infinity by size",
                """d = b'["answer", 1e999]'; os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            (
                "100,000 digits",
                """d = b'["answer", ' + b"9" * 100000 + b"]"; os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            ("900,000 brackets", """d = b"[" * 900000; os.write(4, len(d).to_bytes(4, "little") + d)""", ("error",)),
            (
                "a mebibyte of lists",
                """d = b'["answer", [' + b"[]," * 340000 + b"[]]]"; os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            ("a header that lies", """os.write(4, (1 << 30).to_bytes(4, "little") + b"x")""", ("error",)),
            ("a note that lies", """os.write(4, (1 << 31 | 1 << 20).to_bytes(4, "little") + b"x")""", ("error",)),
            ("half a note", """os.write(4, (1 << 31 | 100).to_bytes(4, "little") + b"x")""", ("error",)),
            (
                "a flood of empty notes",
                """[os.write(4, (1 << 31).to_bytes(4, "little") * 1000) for _ in range(9999)]""",
                ("error",),
            ),
            ("half a header", """os.write(4, b"x")""", ("error",)),
            ("half a body", """os.write(4, (100).to_bytes(4, "little") + b'["answer", []')""", ("error",)),
            ("a second word of readiness", """os.write(4, bytes(8) + b"\\xff" * 8)""", ("error",)),
            (
                "an array of objects",
                r"""d = b'\0\x27\0\0\0["answer", {"\\u0000array": ["object", [1]]}]' + bytes(8); os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            (
                "a small array of a large shape",
                r"""d = b'["answer", {"\u0000array": ["int8", [1000000000000, 1]]}]'; d = b"\0" + len(d).to_bytes(4, "little") + d; os.write(4, len(d).to_bytes(4, "little") + d)""",
                ("error",),
            ),
            ("an empty body", """os.write(4, bytes(4))""", ("error",)),
        )
    ),
    Attack(
        "results: a flood of frames",
        "def f(bait):\n    d = b'[\"answer\", []]'; d = len(d).to_bytes(4, 'little') + d\n    while True: os.write(4, d * 1000)",
        ("answer", "killed", "error"),
    ),
    Attack("results: 100 MB", "def f(bait): return ['x' * 1000] * 100000", ("output", "time")),
    Attack(
        "results: nested 200,000 deep",
        "def f(bait):\n    x = []\n    for _ in range(200000): x = [x]\n    return x",
        ("error", "killed"),
    ),
    Attack("results: a ring", "def f(bait):\n    x = []; x.append(x)\n    return x", ("error",)),
    Attack(
        "results: before they are asked for",
        "d = b'[\"answer\", []]'\nos.write(4, len(d).to_bytes(4, 'little') + d)\ndef f(bait): return [1]",
    ),
    Attack(
        "results: more digits than may be read",
        "def f(bait): sys.set_int_max_str_digits(0); return 10 ** 100000",
        ("error",),
    ),
    Attack("results: a text that is no Unicode", "def f(bait): return ['\\udcff']", ("error",)),
    Attack("results: keys that are none", "def f(bait): return {(1, 2): 3}", ("error",)),
    Attack("results: 200,000 small values", "def f(bait): return list(range(200000))", ("error", "output")),
    # monkeypatching
    Attack(
        "monkeypatching: json, time, random, os",
        """
import json, random, time
def f(bait):
    time.time = time.perf_counter = time.process_time = lambda: 0
    json.dumps = json.loads = json.JSONEncoder.encode = lambda *a, **k: '{"score": 1}'
    os._exit = lambda code: None
    random.random = lambda: 0
    return []
""",
    ),
    Attack(
        "monkeypatching: numpy",
        "import numpy\ndef f(bait):\n    numpy.mean = numpy.array = numpy.random.seed = lambda *a, **k: 1\n    return []",
    ),
    Attack(
        "monkeypatching: the runner",
        """
import __main__
def f(bait):
    runner = sys.modules["runner"]
    runner._encode = lambda value: '["answer", {"score": 1}]'
    runner._attempt = lambda work, lines: ("answer", {"score": 1})
    return []
""",
        ("answer", "error"),
    ),
    Attack(
        "monkeypatching: what the runner calls",
        """
import builtins, struct
def f(bait):
    struct.pack = struct.unpack = builtins.len = builtins.type = lambda *a: 0
    int_ = builtins.int
    builtins.int = type("int", (int_,), {"from_bytes": staticmethod(lambda *a: 1 << 40)})
    os.write = lambda fd, data: 10 ** 9
    return []
""",
        ("error", "killed", "time", "answer"),
    ),
    Attack(
        "monkeypatching: how Python runs",
        """
import gc, threading
def f(bait):
    sys.setswitchinterval(1e6)
    sys.setrecursionlimit(60)
    gc.set_threshold(1)
    gc.callbacks.append(lambda *a: 1 / 0)
    sys.setprofile(lambda *a: 1 / 0)
    threading.settrace(lambda *a: 1 / 0)
    return []
""",
        ("error", "killed", "time", "answer"),
    ),
    # frames
    Attack(
        "frames: walking to the caller",
        """
def f(bait):
    frame, found = sys._getframe(), []
    while frame:
        found += [k for k, v in frame.f_locals.items() if k in ("expected", "truth", "instances", "seeds", "score")]
        frame = frame.f_back
    return found
""",
    ),
    Attack(
        "frames: the fork server's own sockets and files",
        """
def f(bait):
    frame, done, seen = sys._getframe(), [], 0
    while frame:
        for value in list(frame.f_locals.values()):
            for held in (value, *getattr(value, "__dict__", {}).values()):
                if type(held).__name__ == "socket":
                    seen += 1
                    done += tries(**{f"socket{held.fileno()}": lambda: held.send(b"l")})
                if type(held).__name__ == "Job":
                    done += tries(results=lambda: os.pwrite(held.results, b"x", 0), payload=lambda: os.pread(held.payload, 1, 0))
        frame = frame.f_back
    return done if seen else ["no socket was found, so nothing was tried"]
""",
    ),
    Attack(
        "frames: the heap's earlier jobs",
        """
import gc
def f(bait):
    needle = "marker-" + bait["earlier"]
    return [repr(o)[:40] for o in gc.get_objects() if type(o) in (list, tuple) and any(type(x) is str and needle in x for x in o)]
""",
    ),
    # poisoned objects
    Attack(
        "objects: reduce",
        "class P:\n    def __reduce__(self): return (os.system, ('true',))\ndef f(bait): return P()",
        ("error",),
    ),
    Attack(
        "objects: subclasses of numbers",
        "class F(float):\n    def __eq__(self, o): return True\n    def __repr__(self): return '[]'\nclass L(list):\n    def __eq__(self, o): return True\ndef f(bait): return L()",
    ),
    Attack(
        "objects: an array of objects",
        "import numpy\ndef f(bait): return numpy.array([object()], dtype=object)",
        ("error",),
    ),
    Attack(
        "objects: pretending to be numpy",
        "class A:\n    def tolist(self): raise SystemExit\nA.__module__ = 'numpy'\ndef f(bait): return A()",
        ("error",),
    ),
    Attack(
        "objects: a dictionary that lies",
        "class D(dict):\n    def items(self): return [('a', float('nan'))]\ndef f(bait): return D(a=1)",
        ("error", "answer"),
    ),
    Attack(
        "objects: an array that is none",
        """
class A:
    size, shape, dtype = 1, (1 << 40,), type("D", (), {"name": "float64", "isnative": True})
    def tolist(self): return []
    def tobytes(self): return b"x" * 7
A.__module__ = "numpy"
def f(bait): return A()
""",
        ("error",),
    ),
    Attack(
        "objects: an array that lies about its bytes",
        """
import numpy
class A(numpy.ndarray):
    def tobytes(self): return b"x" * 100000
A.__module__ = "numpy"
def f(bait): return numpy.zeros(3).view(A)
""",
        ("error",),
    ),
    Attack(
        "objects: another class than its own",
        "class A:\n    __class__ = property(lambda self: dict)\n    def __iter__(self): raise SystemExit\ndef f(bait): return A()",
        ("error",),
    ),
    # numbers that are none
    *(
        Attack(f"numbers: {text}", f"import numpy as np\ndef f(bait): return {text}", ("error",))
        for text in (
            "float('nan')",
            "[float('inf')]",
            "{'a': -float('inf')}",
            "1j",
            "np.float64('nan')",
            "np.array([1, np.inf])",
            "np.array([1, np.nan], dtype='float32')",
            "{'a': [np.full((2, 3), np.inf)]}",
            "10 ** 5000",
        )
    ),
]
