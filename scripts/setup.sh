#!/bin/sh
# Java, Maven, Redis and .venv: what `make demo` needs. Run by `make setup`.
# With `tests` also a browser and a PostgreSQL, which only tests use. Run by `make setup-tests`.
set -eu
cd "$(dirname "$0")/.."
UV=0.13.8

fail() {
    echo "setup: $*" >&2
    exit 1
}

new_enough_java() {
    java=${JAVA_HOME:+$JAVA_HOME/bin/}java
    "$java" -version 2>&1 | awk -F'[".]' '/ version "/ { ok = $2 >= 17 } END { exit !ok }'
}

[ "$(uname -sm)" = "Linux x86_64" ] ||
    fail "$(uname -sm): PyFlink and ONNX Runtime's OpenVINO build need Linux on x86-64."
[ -x .venv/bin/python ] || python3.11 --version >/dev/null 2>&1 ||
    fail "python3.11 not found. Debian: apt-get install python3.11-venv; else: pyenv install 3.11."

missing=
add() { missing="$missing $1"; }
new_enough_java || add default-jre-headless
command -v mvn >/dev/null || add maven
command -v redis-server >/dev/null || add redis-server
[ -x .venv/bin/python ] || python3.11 -c 'import ensurepip' 2>/dev/null || add python3.11-venv
if [ "${1:-}" = tests ]; then
    command -v chromium >/dev/null || add chromium
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null ||
        add postgresql
fi

if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || fail "install what these Debian packages hold:$missing"
    [ "$(id -u)" = 0 ] || fail "run this and try again: sudo apt-get install$missing"
    echo "setup: apt-get install$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086  # one word a package
    apt-get install -qq --yes --no-install-recommends $missing >/dev/null
    new_enough_java || fail "Java is older than 17: point JAVA_HOME to a newer one."
fi

[ -x .venv/bin/python ] || python3.11 -m venv .venv
.venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    fail ".venv is not Python 3.11: remove it and run again."
.venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV"
.venv/bin/uv pip install --quiet --python .venv --compile-bytecode --require-hashes -r locks/dev.txt
.venv/bin/uv pip install --quiet --python .venv --no-deps -e .
touch .venv/ready
[ "${1:-}" != tests ] || touch .venv/tests-ready
echo "setup: done"
