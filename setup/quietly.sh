#!/usr/bin/env bash
# Runs a command, says nothing while it goes well, and shows all that it said if it fails.
#
# usage: setup/quietly.sh COMMAND [ARGUMENT...]
#
# For installers: pip warns about each place of its configuration that lacks a package, a hundred lines of a set-up
# that went well, and with them silenced by its own options the lines of one that did not would be lost as well.
set -euo pipefail

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
code=0
"$@" >"$log" 2>&1 || code=$?
[ "$code" -eq 0 ] || cat "$log" >&2
exit "$code"
