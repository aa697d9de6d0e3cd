"""Harmless programs, such as solutions and improvers are: none of them may leave a count. Each defines `f()`."""

from __future__ import annotations

_IMPORTS = """
abc argparse array ast asyncio base64 binascii bisect bz2 calendar cmath codecs collections concurrent.futures contextlib
copy csv ctypes dataclasses datetime decimal difflib dis email.message enum fractions functools gc getopt glob gzip hashlib
heapq hmac html.parser http.client importlib.resources inspect io ipaddress itertools json linecache locale logging lzma
math mimetypes multiprocessing numbers operator optparse os pathlib pickle pkgutil platform pprint queue random re
sched secrets select shelve shlex shutil signal socket sqlite3 ssl statistics string struct subprocess symtable
tempfile textwrap threading timeit tokenize traceback types typing unicodedata unittest urllib.request uuid warnings
weakref xml.etree.ElementTree zipfile zlib zoneinfo numpy numpy.fft numpy.linalg numpy.ma numpy.polynomial numpy.random
numpy.testing
"""

_USES = {
    "sorting": "return sorted([3, 1, 2], key=lambda x: -x)",
    "a heap": "import heapq; h = [5, 3, 1]; heapq.heapify(h); return heapq.heappop(h)",
    "memoised recursion": "from functools import cache\n    @cache\n    def g(n): return n if n < 2 else g(n - 1) + g(n - 2)\n    return g(80)",
    "annealing": "import math, random\n    x = 9.0\n    for i in range(2000):\n        y = x + random.gauss(0, 1)\n        if y * y < x * x or random.random() < math.exp(-i): x = y\n    return x",
    "a genetic search": "import random\n    p = [[random.random() for _ in range(8)] for _ in range(20)]\n    for _ in range(20): p = sorted(p, key=sum)[:10] + [[random.choice(c) for c in zip(*random.sample(p, 2))] for _ in range(10)]\n    return sum(p[0])",
    "chance of every kind": "import os, random, secrets, uuid\n    return [random.Random().random(), random.SystemRandom().random(), secrets.token_hex(4), str(uuid.uuid4()), len(os.urandom(8))]",
    "JSON": "import json; return json.loads(json.dumps({'a': [1, 2.5, None]}))",
    "CSV in memory": "import csv, io; return list(csv.reader(io.StringIO('a,b\\n1,2')))",
    "a database in memory": "import sqlite3\n    with sqlite3.connect(':memory:') as c: return c.execute('select 1 + 1').fetchone()[0]",
    "regular expressions": "import re; return re.findall(r'\\w+', 'one two')",
    "a syntax tree": "import ast; return len(ast.dump(ast.parse('x = [i for i in range(3)]')))",
    "compiled text": "g = {}; exec(compile('def h(x): return x + 1', 'h.py', 'exec'), g); return g['h'](1)",
    "a traceback": "import traceback\n    try: 1 / 0\n    except ZeroDivisionError: return len(traceback.format_exc())",
    "a traceback of another text": "import traceback\n    try: exec(compile('1 / 0', '<string>', 'exec'))\n    except ZeroDivisionError: traceback.print_exc()",
    "an error in an imported module": "import json, traceback\n    try: json.loads('{')\n    except ValueError: return len(traceback.format_exc())",
    "its own source": "import inspect, sys; return len(inspect.getsource(sys.modules['program']))",
    "the source of a library": "import inspect, heapq; return len(inspect.getsource(heapq.nlargest)) > 0",
    "a signature": "import inspect; return str(inspect.signature(sorted))",
    "a warning": "import warnings; warnings.warn('careful')",
    "a log": "import logging; logging.basicConfig(level=20); logging.info('x'); logging.error('y')",
    "printing": "import sys; print('x' * 1000); print('é', file=sys.stderr); sys.stdout.flush()",
    "empty input": "import sys; return sys.stdin.read()",
    "asking for input": "try: input()\n    except EOFError: return 1",
    "threads": "import threading\n    t = [threading.Thread(target=sum, args=([1],)) for _ in range(8)]\n    for x in t: x.start()\n    for x in t: x.join()",
    "a pool of threads": "from concurrent.futures import ThreadPoolExecutor\n    with ThreadPoolExecutor(4) as e: return list(e.map(abs, [-1, 2, -3]))",
    "a timer": "import threading; t = threading.Timer(0.001, int); t.start(); t.join()",
    "locks and conditions": "import threading\n    c, e = threading.Condition(), threading.Event()\n    with c: c.wait(0.001)\n    e.set(); return e.wait(1)",
    "a queue": "import queue; q = queue.Queue(); q.put(1); return q.get()",
    "time limits by a clock": "import time\n    end = time.perf_counter() + 0.002\n    while time.perf_counter() < end: pass\n    time.sleep(0.001); return time.process_time() >= 0",
    "an alarm": "import signal\n    signal.signal(signal.SIGALRM, lambda *_: None); signal.setitimer(signal.ITIMER_REAL, 5); signal.alarm(0)",
    "dates": "import datetime as d; return [str(d.date.today()), str(d.datetime.now(d.timezone.utc)), d.datetime.now().isoformat()]",
    "local time": "import time; return time.strftime('%Y %Z', time.localtime())",
    "a calendar": "import calendar; return calendar.month(2024, 2)",
    "a zone": "import zoneinfo\n    try: return str(zoneinfo.ZoneInfo('Europe/Paris'))\n    except zoneinfo.ZoneInfoNotFoundError: return 0",
    "decimals and fractions": "from decimal import Decimal, getcontext\n    from fractions import Fraction\n    getcontext().prec = 60; return [str(Decimal(2).sqrt()), str(Fraction(1, 3))]",
    "large numbers": "return len(str(3 ** 5000))",
    "statistics": "import statistics; return statistics.pstdev([1, 2, 4])",
    "hashes": "import hashlib; return hashlib.sha256(b'x').hexdigest() + hashlib.blake2b(b'x').hexdigest()",
    "compression": "import bz2, lzma, zlib; return [len(m.compress(b'x' * 999)) for m in (bz2, lzma, zlib)]",
    "an archive in memory": "import io, zipfile\n    with zipfile.ZipFile(io.BytesIO(), 'w') as z: z.writestr('a', 'b'); return z.namelist()",
    "pickles in memory": "import copy, pickle; return pickle.loads(pickle.dumps(copy.deepcopy([1, {2: 3}])))[0]",
    "data classes": "from dataclasses import asdict, make_dataclass; return asdict(make_dataclass('P', ['x'])(1))",
    "an enumeration": "import enum; return list(enum.Enum('E', 'A B').__members__)",
    "a generator": "def g():\n        yield from range(3)\n    return list(g())",
    "a coroutine by hand": "async def g(): return 1\n    try: g().send(None)\n    except StopIteration as s: return s.value",
    "arguments parsed": "import argparse; p = argparse.ArgumentParser(); p.add_argument('--n', type=int); return p.parse_args(['--n', '3']).n",
    "a template": "import string, textwrap; return string.Template('$a').substitute(a=textwrap.fill('x ' * 99))",
    "a difference": "import difflib; return list(difflib.unified_diff(['a'], ['b']))",
    "letters": "import unicodedata; return unicodedata.normalize('NFD', 'é')",
    "the locale": "import locale; locale.setlocale(locale.LC_ALL, ''); return locale.getpreferredencoding()",
    "an encoding": "return 'é'.encode('cp1252').decode('latin-1').encode('utf-16').hex()",
    "numbers of processors": "import os; return [os.cpu_count() > 0, len(os.sched_getaffinity(0)) > 0]",
    "the platform": "import platform, sys; return [platform.python_version(), platform.system(), sys.platform]",
    "the environment": "import os; return [os.environ.get('HOME'), os.path.expanduser('~'), os.getcwd(), os.getpid() > 0]",
    "whether files exist": "import os, pathlib; return [os.path.exists('/etc/passwd'), pathlib.Path('data.csv').exists(), os.path.isdir('/tmp')]",
    "a module that is not there": "try: import scipy.optimize\n    except ImportError: return 0",
    "modules that are not there": "found = []\n    for name in ('numba', 'pandas', 'torch', 'sklearn', 'networkx'):\n        try: __import__(name)\n        except ImportError: found.append(name)\n    return found",
    "collecting": "import gc, weakref\n    class A: pass\n    a = A(); r = weakref.ref(a); del a; gc.collect(); return r() is None",
    "the size of things": "import sys, resource; return [sys.getsizeof([]) > 0, resource.getrusage(0).ru_maxrss > 0]",
    "limits looked at": "import resource; return [resource.getrlimit(getattr(resource, n))[0] != 0 for n in ('RLIMIT_AS', 'RLIMIT_STACK')]",
    "deep recursion": "import sys; sys.setrecursionlimit(5000)\n    def g(n): return n and g(n - 1)\n    return g(3000)",
    "recursion too deep": "def g(n): return g(n + 1)\n    try: g(0)\n    except RecursionError: return 1",
    "memory": "x = [bytes(1 << 20) for _ in range(50)]; return len(x)",
    "memory that is not there": "try: bytes(1 << 40)\n    except MemoryError: return 1",
    "a buffer": "import mmap; m = mmap.mmap(-1, 4096); m[:2] = b'ab'; return m[:2].hex()",
    "a pipe of its own": "import os\n    a, b = os.pipe(); os.write(b, b'x'); return os.read(a, 1).hex()",
    "measuring": "import timeit; return timeit.timeit('1 + 1', number=10) >= 0",
    "profiling": "import cProfile; p = cProfile.Profile(); p.runcall(sum, [1]); p.getstats(); return 1",
    "a test": "import unittest; return unittest.TestCase().assertEqual(1, 1)",
    "mathematics of C": "import ctypes; m = ctypes.CDLL(None); m.abs.restype = ctypes.c_int; return m.abs(-3)",
    "a library file of the interpreter": "import os; return open(os.__file__).read()[:3]",
    "the helpers": "import helpers; return helpers.__doc__ is not None",
    "matrices": "import numpy as np; a = np.random.rand(60, 60); return float(np.linalg.norm(np.linalg.inv(a) @ a - np.eye(60)))",
    "matrices taken apart": "import numpy as np; a = np.arange(9.).reshape(3, 3) + np.eye(3); return [np.linalg.eig(a)[0].real.tolist(), np.linalg.svd(a)[1].tolist(), float(np.linalg.det(a))]",
    "least squares": "import numpy as np; x = np.arange(20.); return np.polyfit(x, 2 * x + 1, 1).tolist() + np.linalg.lstsq(np.c_[x, x ** 0], x, rcond=None)[0].tolist()",
    "a Fourier transform": "import numpy as np; return np.abs(np.fft.rfft(np.ones(64))).tolist()[:2]",
    "arrays of chance": "import numpy as np; g = np.random.default_rng(); return [float(g.normal()), g.permutation(5).tolist(), float(np.random.rand()), int(np.random.RandomState(1).randint(9))]",
    "a large product of matrices": "import numpy as np; a = np.ones((400, 400)); return float((a @ a)[0, 0])",
    "arrays read from text": "import io, numpy as np; return np.loadtxt(io.StringIO('1 2\\n3 4')).tolist()",
    "arrays saved in memory": "import io, numpy as np; b = io.BytesIO(); np.save(b, np.arange(3)); b.seek(0); return np.load(b).tolist()",
    "warnings of numpy": "import numpy as np; return str(np.array([1.0]) / 0)",
    "numpy's version": "import numpy as np; return np.__version__",
    "polynomials": "import numpy as np; return np.polynomial.Polynomial([1, 2, 1]).roots().tolist() + np.roots([1, -3, 2]).tolist()",
    "an array of records": "import numpy as np; return np.array([(1, 2.0)], dtype=[('a', int), ('b', float)]).tolist()[0][0]",
    "einsum and sorting": "import numpy as np; return np.einsum('ij,ij->i', np.eye(3), np.eye(3)).tolist() + np.argsort([3, 1]).tolist()",
    "an error of its own": "raise ValueError('no answer')",
    "an error in C": "return [].pop()",
    "no result": "pass",
    "leaving": "import sys; sys.exit(0)",
}  # fmt: skip

HARMLESS = {
    **{f"import {name}": f"import {name}\ndef f(): return 1" for name in _IMPORTS.split()},
    **{name: f"def f():\n    {body}" for name, body in _USES.items()},
}

_CALLS = {
    "calls one by one": "return [utility(s) for s in ('a', 'b')]",
    "a batch": "return utility.batch(['a', 'b']) if hasattr(utility, 'batch') else utility('a')",
    "calls in threads": "from concurrent.futures import ThreadPoolExecutor\n    with ThreadPoolExecutor(8) as e: return max(e.map(utility, 'abcdefgh'))",
    "asyncio": "import asyncio\n    async def one(): return await asyncio.to_thread(utility, 'a')\n    async def all_(): return await asyncio.gather(*[one() for _ in range(5)])\n    return asyncio.run(all_())",
    "a server's loop without a server": "import asyncio\n    loop = asyncio.new_event_loop(); loop.run_until_complete(asyncio.sleep(0.001)); loop.close()",
    "asking": "return language_model.batch_prompt('you', ['a'] * 3, temperature=0.7)[0]",
    "numpy": "import numpy as np; return float(np.argmax([utility('a'), utility('b')]))",
}  # fmt: skip
IMPROVERS = {
    name: f"def improve_algorithm(initial_solution, utility, language_model):\n    {body}"
    for name, body in _CALLS.items()
}
"""Harmless improvers, which have threads and asyncio besides."""
