# Sourced by tools/try, tools/test and tools/check: what they need, installed where it is missing.
# shellcheck shell=sh

ROOT=$(cd "$(dirname "$0")/.." && pwd)
VENV="$ROOT/.venv"
# The system's interpreter, not whatever a version switcher puts in front: the venv must outlive it.
PYTHON=/usr/bin/python3
MISSING=

# need PACKAGE [COMMAND]: notes the Debian package when the command, or without one the package, is not there.
need() {
    if [ $# -gt 1 ]; then
        PATH="$PATH:/usr/sbin:/sbin" command -v "$2" >/dev/null && return
    else
        dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' && return
    fi
    MISSING="$MISSING $1"
}

# Installs what was noted, or says what to type.
install_missing() {
    [ -n "$MISSING" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "Some Debian packages are missing. Please run this, then try again:" >&2
        echo "    sudo apt-get install --no-install-recommends$MISSING" >&2
        exit 3
    fi
    echo "installing$MISSING" >&2
    # A list that can't be refreshed may still do.
    apt update -qq || echo "apt-get update failed; going on with the lists that are here" >&2
    # shellcheck disable=SC2086 # a list of words
    apt install -y -qq --no-install-recommends $MISSING >/dev/null
    MISSING=
}

# apt-get that asks nothing, tries again, and waits for another one to finish.
apt() {
    DEBIAN_FRONTEND=noninteractive timeout --foreground 900 \
        apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

need_python() {
    need python3 "$PYTHON"
    need python3-venv
}

# node for MicroPython's WebAssembly build and the page's modules; npm once, to fetch what they need. A native build is run as well where there is one.
need_micropython() {
    need nodejs node
    [ -d "$ROOT/tools/micropython/node_modules" ] && [ -d "$ROOT/tools/page/node_modules" ] || need npm npm
}

# tools/page/node_modules: what checks the page's modules, from its pins; nothing of the product needs it.
make_page_tools() {
    stamp=$(sha256sum <"$ROOT/tools/page/package-lock.json")
    [ "$(cat "$ROOT/tools/page/node_modules/stamp" 2>/dev/null)" = "$stamp" ] && return
    echo "installing tools/page" >&2
    npm ci --prefix "$ROOT/tools/page" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2 &&
        echo "$stamp" >"$ROOT/tools/page/node_modules/stamp"
}

# .venv, made anew when the pins or the interpreter change.
make_venv() {
    stamp=$({ cat "$ROOT"/tools/requirements-*.txt; "$PYTHON" --version; } | sha256sum)
    [ "$(cat "$VENV/stamp" 2>/dev/null)" = "$stamp" ] && return
    echo "making .venv" >&2
    rm -rf "$VENV"
    "$PYTHON" -m venv "$VENV"
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-input --retries 5 --timeout 60 \
        --require-hashes -r "$ROOT/tools/requirements-test.txt" </dev/null
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-input --retries 5 --timeout 60 \
        --require-hashes --target "$VENV/newest" -r "$ROOT/tools/requirements-newest.txt" </dev/null
    echo "$stamp" >"$VENV/stamp"
}

# .venv-fleet: Apache Beam with what it brings (480 MB) and what runs tests, apart from the pins of the other tests.
make_fleet_venv() {
    fleet="$ROOT/.venv-fleet"
    # pytest and hypothesis with what they bring, each with its hashes.
    runner=$(awk '/^[^ ]/ { on = /^(hypothesis|iniconfig|packaging|pluggy|Pygments|pytest|sortedcontainers)==/ } on' \
        "$ROOT/tools/requirements-test.txt")
    stamp=$({ cat "$ROOT/tools/collector/requirements-fleet.txt"; echo "$runner"; "$PYTHON" --version; } | sha256sum)
    [ "$(cat "$fleet/stamp" 2>/dev/null)" = "$stamp" ] && return
    echo "making .venv-fleet" >&2
    rm -rf "$fleet"
    # In one chain: called where a failure is not the end.
    "$PYTHON" -m venv "$fleet" &&
        echo "$runner" >"$fleet/runner.txt" &&
        "$fleet/bin/python" -m pip install -qq --disable-pip-version-check --no-input --retries 5 --timeout 60 \
            --require-hashes -r "$ROOT/tools/collector/requirements-fleet.txt" -r "$fleet/runner.txt" </dev/null &&
        echo "$stamp" >"$fleet/stamp"
}
