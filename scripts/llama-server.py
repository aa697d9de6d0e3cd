"""Build llama.cpp's `llama-server` for the integration tests, once, and print where it is.

The source comes with the llama-cpp-python package, pinned by its hash. The build is lean: only the server, no backend but
plain CPU, no optimisation (the model of the tests is a toy), and many small files compiled together.

    python scripts/llama-server.py           build it unless it is there; print its path
    python scripts/llama-server.py --where   print its path, built or not

`SELFTAUGHT_LLAMA_SERVER` names a binary to use instead; `SELFTAUGHT_CACHE` the folder to build in (~/.cache/selftaught).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
CACHE = Path(os.environ.get("SELFTAUGHT_CACHE") or Path.home() / ".cache" / "selftaught")
BINARY = Path(os.environ.get("SELFTAUGHT_LLAMA_SERVER") or CACHE / f"llama-server-{VERSION}")
FLAGS = "-O0 -w"
OFF = [
    *("BUILD_SHARED_LIBS", "GGML_NATIVE", "GGML_OPENMP", "GGML_LLAMAFILE", "GGML_CPU_REPACK", "GGML_CCACHE"),
    *("LLAMA_OPENSSL", "LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "LLAMA_BUILD_APP", "LLAMA_BUILD_UI"),
    *("LLAMA_USE_PREBUILT_UI", "LLAMA_ALL_WARNINGS"),
]
TOGETHER = """
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL
    set_target_properties llama mtmd server-context PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 40)
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL
    set_source_files_properties tools/mtmd/mtmd-helper.cpp tools/mtmd/mtmd-helper-gen.cpp TARGET_DIRECTORY mtmd
    PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
"""
"""Read by cmake: llama.cpp has hundreds of files that each read the same large headers."""


def main() -> None:
    if "--where" not in sys.argv and not BINARY.exists():
        if shutil.which("c++") is None:
            sys.exit("a C++ compiler is needed: apt-get install g++")
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "llama-server.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not BINARY.exists():
                build()
    print(BINARY)


def build() -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        tools = folder / "tools"
        venv.create(tools, with_pip=True)
        run(tools / "bin/pip", "install", "--quiet", "cmake", "ninja")
        source = unpack(tools / "bin/pip", folder)
        (folder / "together.cmake").write_text(TOGETHER)
        os.environ["PATH"] = f"{tools / 'bin'}:{os.environ['PATH']}"
        options = [f"-D{option}=OFF" for option in OFF]
        options += ["-DCMAKE_BUILD_TYPE=None", f"-DCMAKE_C_FLAGS={FLAGS}", f"-DCMAKE_CXX_FLAGS={FLAGS}"]
        options += [f"-DCMAKE_PROJECT_INCLUDE={folder / 'together.cmake'}"]
        run("cmake", "-G", "Ninja", "-S", source, "-B", folder / "build", *options)
        run("cmake", "--build", folder / "build", "--target", "llama-server", "--parallel", os.cpu_count() or 1)
        shutil.move(folder / "build/bin/llama-server", folder / "done")
        run("strip", folder / "done")
        (folder / "done").replace(BINARY)


def unpack(pip: Path, folder: Path) -> Path:
    """Fetch the pinned package and unpack the part that is llama.cpp."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"llama-cpp-python=={VERSION} --hash=sha256:{SHA256}\n")
    run(pip, "download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python", "--dest", folder, "-r", wanted)
    root = f"llama_cpp_python-{VERSION}/vendor/llama.cpp"
    run("tar", "-xzf", folder / f"llama_cpp_python-{VERSION}.tar.gz", "-C", folder, root)
    return folder / root


def run(*command: object) -> None:
    """Run a command; what it says goes to stderr, so that stdout holds the path alone."""
    subprocess.run([str(word) for word in command], stdout=sys.stderr, check=True)


if __name__ == "__main__":
    main()
