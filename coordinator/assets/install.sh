#!/bin/sh
# Installs sweep-worker on this machine and joins the coordinator that made this script.
#
# Usage: SWEEP_TOKEN=... sh install-sweep-worker.sh https://HOST:PORT
# SWEEP_INSTALL_DIR says where to put the program; by default /usr/local/bin for root, else ~/.local/bin.
set -eu

address=${1:?"usage: SWEEP_TOKEN=... sh $0 https://HOST:PORT"}
pin='@KEY_PIN@'
digest='@WORKER_DIGEST@'
architecture='@ARCHITECTURE@'
glibc='@GLIBC@'

fail() { printf 'error: %s\n' "$1" >&2; exit 1; }

[ "$(uname -s)" = Linux ] || fail "sweep-worker runs on Linux; this is $(uname -s)"
[ "$(uname -m)" = "$architecture" ] ||
    fail "the coordinator's sweep-worker is for $architecture; this machine is $(uname -m). Build it from source: cargo build --release"
found=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d ' ' -f 2) || found=
[ -n "$found" ] || fail "this machine has no glibc; sweep-worker needs glibc $glibc or newer"
oldest=$(printf '%s\n%s\n' "$glibc" "$found" | sort -V | head -n 1)
[ "$oldest" = "$glibc" ] || fail "this machine has glibc $found; sweep-worker needs $glibc or newer"

if [ "$(id -u)" = 0 ]; then folder=/usr/local/bin; else folder=$HOME/.local/bin; fi
folder=${SWEEP_INSTALL_DIR:-$folder}
mkdir -p "$folder"
temporary=$(mktemp "$folder/.sweep-worker.XXXXXX")
trap 'rm -f "$temporary"' EXIT

# Only the server with the pinned key is talked to, and only the program with this digest is run.
curl --fail --silent --show-error --insecure --pinnedpubkey "sha256//$pin" \
    --output "$temporary" "$address/download/sweep-worker"
printf '%s  %s\n' "$digest" "$temporary" | sha256sum --check --status ||
    fail "the program that came is not the one announced; nothing was installed"
chmod 755 "$temporary"
mv "$temporary" "$folder/sweep-worker"
trap - EXIT
printf 'installed %s\n' "$folder/sweep-worker" >&2
exec "$folder/sweep-worker" join "$address"
