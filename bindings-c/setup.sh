#!/usr/bin/env bash
# Installs what the tests of C, PHP and Java need and this machine lacks. Says nothing when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
command -v g++ >/dev/null || missing+=(g++)
command -v valgrind >/dev/null || missing+=(valgrind)
command -v pkg-config >/dev/null || missing+=(pkg-config)
command -v php >/dev/null || missing+=(php-cli php-xml php-mbstring)
compgen -G '/usr/sbin/php-fpm*' >/dev/null || missing+=(php-fpm)
command -v phpunit >/dev/null || missing+=(phpunit)
{ php -m 2>/dev/null || true; } | grep -qi '^redis$' || missing+=(php-redis)
command -v javac >/dev/null || missing+=(openjdk-17-jdk-headless)
command -v mvn >/dev/null || missing+=(maven)
[ ${#missing[@]} != 0 ] || exit 0

command -v apt-get >/dev/null || { printf 'please install: %s\n' "${missing[*]}" >&2; exit 1; }
printf 'installing %s\n' "${missing[*]}"
root=()
[ "$(id -u)" = 0 ] || root=(sudo)
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
