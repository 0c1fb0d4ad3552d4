#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# man.sh PROGRAM FOLDER: writes the man pages reflow.1, reflow-serve.8 and reflow-policy.7 into the folder. They are made
# of what the program prints for --help and of the manuals, so that no option is described twice.
set -eu
program=$1 folder=$2
here=$(dirname "$0")
version=$("$program" --version)
mkdir -p "$folder"

begin() { # NAME SECTION SUMMARY
    printf '.\\" Made by %s from --help and the manuals: change these.\n' "${0##*/}"
    printf '.TH %s %s "" "%s" "reflow"\n.nh\n.ad l\n.SH NAME\n%s \\- %s\n' "${1^^}" "$2" "$version" "$1" "$3"
}

help() { # LEVEL [COMMAND]
    local level=$1
    shift
    "$program" "$@" --help | awk -v from=help -v level="$level" -f "$here/man.awk"
}

markdown() { # FILE, from its first section on
    awk -v from=markdown -f "$here/man.awk" "$1"
}

see_also() {
    printf '.SH SEE ALSO\n'
    printf '.BR %s ,\n' "${@:1:$#-1}"
    printf '.BR %s\n' "${@: -1}"
}

# The commands, in the order in which --help lists them.
commands() {
    "$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}

{
    begin reflow 1 "decides what a SIP server does with each response"
    help SH
    for command in $(commands); do
        [ "$command" != serve ] || continue
        printf '.SH REFLOW %s\n' "$(printf '%s' "${command^^}" | sed 's/-/\\-/g')"
        help SS "$command"
    done
    see_also "reflow\-serve (8)" "reflow\-policy (7)"
} >"$folder/reflow.1.new"

{
    begin reflow-serve 8 "SIP registrar, proxy and edge with Lua policies"
    help SH serve
    markdown "$here/../../module/standalone/README.md"
    see_also "reflow (1)" "reflow\-policy (7)"
} >"$folder/reflow-serve.8.new"

{
    begin reflow-policy 7 "Lua policies that change what a SIP server does"
    printf '.SH DESCRIPTION\n'
    markdown "$here/../../module/script/README.md"
    markdown "$here/../../lua/meta/REFERENCE.md"
    see_also "reflow (1)" "reflow\-serve (8)"
} >"$folder/reflow-policy.7.new"

for page in reflow.1 reflow-serve.8 reflow-policy.7; do
    mv -f "$folder/$page.new" "$folder/$page"
done
