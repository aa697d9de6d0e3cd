#!/bin/sh
# Makes the environment in $VENV (default .venv) with the locked dependencies, and sees to bubblewrap.
# With the argument "dev" it adds what the tests need. It asks nothing; what it cannot do itself it names.
set -eu
cd "$(dirname "$0")/.."
VENV="${VENV:-.venv}"
PARTS="${1:-}"

die() { printf 'setup: %s\n' "$1" >&2; exit 1; }

# Root's own interpreters (pyenv's, uv's) lie below a private home, where the sandbox's user can reach them only with
# namespaces; the system's is everybody's.
if [ "$(id -u)" = 0 ] && [ -z "${UV_PYTHON:-}" ] \
    && /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    UV_PYTHON=/usr/bin/python3
    export UV_PYTHON
fi

if command -v uv >/dev/null 2>&1; then
    UV_PROJECT_ENVIRONMENT="$VENV" uv sync --quiet --locked --inexact ${PARTS:+--extra "$PARTS"}
else
    PYTHON="${UV_PYTHON:-$(command -v python3 || true)}"
    [ -n "$PYTHON" ] || die "python3 is missing: sudo apt-get install python3 python3-venv"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || die "python3 is $("$PYTHON" -V 2>&1), 3.11 or newer is needed (on an older system: install uv, it brings one)"
    if [ ! -x "$VENV/bin/pip" ]; then
        "$PYTHON" -m venv "$VENV" >/dev/null 2>&1 \
            || { rm -rf "$VENV"; die "python3 cannot make environments: sudo apt-get install python3-venv"; }
    fi
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "requirements${PARTS:+-$PARTS}.txt"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --no-deps -e .
fi

if ! command -v bwrap >/dev/null 2>&1; then
    AS_ROOT=""
    [ "$(id -u)" = 0 ] || AS_ROOT="sudo -n"
    if command -v apt-get >/dev/null 2>&1 && $AS_ROOT true 2>/dev/null; then
        echo "setup: installing bubblewrap, which holds generated code" >&2
        { $AS_ROOT apt-get install -y -qq bubblewrap || { $AS_ROOT apt-get update -qq && $AS_ROOT apt-get install -y -qq bubblewrap; }; } \
            >/dev/null 2>&1 || die "bubblewrap could not be installed: sudo apt-get install bubblewrap"
    else
        die "bubblewrap is missing: sudo apt-get install bubblewrap (or your system's package of that name)"
    fi
fi
