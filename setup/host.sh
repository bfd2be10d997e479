#!/usr/bin/env bash
# Installs the distribution's packages that fleetctl needs on this machine, and skips what is there.
#
# usage: setup/host.sh GROUP...     groups: python (tests, command line), lab (virtual sites), image (building
#        images), test (what the tests start beside them)
#
# As root or through sudo. Asks nothing. A run that finds everything installed touches neither apt nor the network.
set -euo pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    printf 'setup: error: %s\n  hint: %s\n' "$1" "$2" >&2
    exit 1
}

[ $# -gt 0 ] || die "no group named" "setup/host.sh python lab image"

# shellcheck disable=SC1091
[ -r /etc/os-release ] && . /etc/os-release
SUPPORT_NOTE=""
# shellcheck source=setup/distributions.sh
. "$here/distributions.sh"

installed_version() {
    dpkg-query --show --showformat='${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'
}

satisfied() {
    local version
    version="$(installed_version "$1")"
    case "$1" in
    qemu-system-x86 | qemu-utils) [ -n "$version" ] && dpkg --compare-versions "$version" ge "$QEMU_MIN_VERSION" ;;
    # What counts is that the python3 in use can make an environment, whoever installed it.
    python3 | python3-venv) [ -n "$version" ] || python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    *) [ -n "$version" ] ;;
    esac
}

missing=()
for group in "$@"; do
    list="PACKAGES_$group"
    [ -n "${!list:-}" ] || die "unknown group: $group" "groups: python lab image test"
    command -v dpkg-query >/dev/null || die "no dpkg on this machine" "install by hand: ${!list}"
    for package in ${!list}; do
        satisfied "$package" || case " ${missing[*]-} " in *" $package "*) ;; *) missing+=("$package") ;; esac
    done
done
if [ ${#missing[@]} -eq 0 ]; then
    say "$*: everything is installed"
    exit 0
fi
[ -z "$SUPPORT_NOTE" ] || say "note: $SUPPORT_NOTE"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "root is needed to install: ${missing[*]}" "run as root, or install sudo"
    as_root=(sudo)
fi
say "installing with apt: ${missing[*]}"

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet --assume-yes -o Dpkg::Use-Pty=0 \
        -o DPkg::Lock::Timeout=300 "$@" 2>&1 | tee -a "$log" |
        { grep --line-buffered -E '^(Setting up|E:|W:)' || true; } | sed -u 's/^/setup:   /' >&2
}
# One unreachable extra repository must not stop the set-up: the install below fails if a package is not found.
read_lists() {
    say "reading package lists"
    apt update || say "note: some package lists could not be read"
}

suite_known() { apt-get indextargets --format '$(RELEASE)' 'Created-By: Packages' | grep -qx "$1"; }

# The mirror and its keyring are those that this machine already trusts for its own suite.
add_suite() {
    local suite="$1" entry uri file keyring
    entry="$(apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(SOURCESENTRY)' 'Created-By: Packages' |
        awk -F'|' -v wanted="$VERSION_CODENAME" '$2 == wanted || $2 ~ /^(old)?stable$/ { print $1 "|" $3; exit }')"
    [ -n "$entry" ] || die "no apt source for $VERSION_CODENAME found" "add the suite $suite to the apt sources by hand"
    uri="${entry%%|*}"
    file="${entry##*|}"
    # apt does not print the keyring: it stands in the file that names the source, in one of two styles.
    keyring="$(sed -nE 's/^Signed-By: *([^ ]+) *$/\1/p; s/^deb .*signed-by=([^] ]+).*/\1/p' "${file%:*}" | head -n 1)"
    say "adding the suite $suite from this machine's own mirror"
    {
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$suite"
        [ -z "$keyring" ] || printf 'Signed-By: %s\n' "$keyring"
    } | "${as_root[@]}" tee "/etc/apt/sources.list.d/fleetctl-$suite.sources" >/dev/null
}

ordinary=()
from_backports=()
for package in "${missing[@]}"; do
    case " $FROM_BACKPORTS " in *" $package "*) from_backports+=("$package") ;; *) ordinary+=("$package") ;; esac
done
# apt can say which mirror it uses only when it has read the lists once.
read_lists
if [ ${#from_backports[@]} -gt 0 ] && ! suite_known "$BACKPORTS_SUITE"; then
    add_suite "$BACKPORTS_SUITE"
    read_lists
fi

install() {
    apt install --no-install-recommends "$@" && return
    tail -n 15 "$log" >&2
    die "apt could not install: $*" "see the lines above; then run this again"
}
# In two calls: the newer suite is to serve the packages that need it, not everything that happens to be in it.
[ ${#ordinary[@]} -eq 0 ] || install "${ordinary[@]}"
[ ${#from_backports[@]} -eq 0 ] || install --target-release "$BACKPORTS_SUITE" "${from_backports[@]}"
for package in "${missing[@]}"; do
    satisfied "$package" || die "$package is installed, but too old: $(installed_version "$package")" "need $QEMU_MIN_VERSION"
done
say "$*: done"
