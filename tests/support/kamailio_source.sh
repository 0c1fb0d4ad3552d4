#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kamailio_source.sh DIR: the headers of the Kamailio that the module is built for (kamailio_program.sh), into DIR/source,
# and the flags that its modules are compiled with, into DIR/flags. Does nothing if they are those of that Kamailio
# already. Needs no root.
#
# For Debian's Kamailio they come from the source package of the same version. The lists that apt needs for that are kept
# in DIR: the machine's own stay as they are. KAMAILIO_SOURCE, a folder with the source, takes the place of the archive; a
# Kamailio that does not come from a Debian package needs it.
set -eu

fail() {
    echo "$*" >&2
    exit 1
}

dir=$1
# Two builds may want it at once.
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
support=$(dirname "$0")
program=$("$support/kamailio_program.sh")
own=$("$support/kamailio_program.sh" --own)
binary=
if [ -n "$own" ]; then
    version=$("$program" -v 2>/dev/null | sed -n '1s/^version: kamailio \([^ ]*\).*/\1/p')
    [ -n "$version" ] || fail "$program -v prints no version of Kamailio."
    [ -n "${KAMAILIO_SOURCE:-}" ] ||
        fail "$program (Kamailio $version) does not come from a Debian package. Name the source that it was built from," \
            "as in: make kamailio KAMAILIO_SOURCE=/usr/src/kamailio. Debian's Kamailio is taken with" \
            "KAMAILIO=/usr/sbin/kamailio."
else
    version=$(dpkg-query -W -f '${source:Version}' kamailio 2>/dev/null || true)
    binary=$(dpkg-query -W -f '${Version}' kamailio 2>/dev/null || true)
    [ -n "$version" ] || fail "Kamailio is not installed: apt-get install kamailio, then again."
fi
# The version, and what the headers were made of. A source that is built anew may have other flags.
made_of=$version
[ -z "${KAMAILIO_SOURCE:-}" ] || made_of="$version
$program $KAMAILIO_SOURCE $(stat -c %Y "$KAMAILIO_SOURCE/src/config.mak" 2>/dev/null || true)"
if [ -e "$dir/flags" ] && [ "$(cat "$dir/version" 2>/dev/null)" = "$made_of" ]; then
    exit 0
fi
mkdir -p "$dir"
rm -rf "$dir/source" "$dir/flags" "$dir/version"

# apt, dpkg and Kamailio's own makefiles do not take every path: they work in a folder whose path has no space.
work=$(TMPDIR=${TMPDIR:-/tmp} mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
: >"$log"
fail_with_log() {
    cp "$log" "$dir/log"
    fail "$* See $dir/log."
}

# The archive that the package came from; where apt's lists do not tell, every archive of Debian's that it knows.
archives() {
    apt-cache madison kamailio 2>/dev/null | awk -v version="$binary" '
        $3 == version && $NF == "Packages" { sub("/", " ", $6); print "deb-src", $5, $6 }' | sort -u
}
debian_archives() {
    apt-get indextargets --format 'deb-src $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        grep '^deb-src [^ ]*/debian\(-security\)\? ' | sort -u
}

fetch() {
    command -v dpkg-source >/dev/null || fail "dpkg-source is missing: apt-get install dpkg-dev, then again."
    echo "Fetching the headers of Kamailio $version."
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
    archives >"$work/apt/sources.list"
    [ -s "$work/apt/sources.list" ] || debian_archives >"$work/apt/sources.list"
    [ -s "$work/apt/sources.list" ] ||
        fail "apt knows no archive of Kamailio's source: apt-get update, then again (or KAMAILIO_SOURCE=FOLDER)."
    private="-o Dir::Etc::SourceList=$work/apt/sources.list -o Dir::Etc::SourceParts=/dev/null
        -o Dir::State::Lists=$work/apt/lists -o Dir::Cache=$work/apt/cache -o APT::Sandbox::User=$(id -un)"
    # shellcheck disable=SC2086
    apt-get $private update -qq >>"$log" 2>&1 || true
    # shellcheck disable=SC2086
    (cd "$work" && apt-get $private source -qq --download-only "kamailio=$version") >>"$log" 2>&1 || true
    description=$(find "$work" -maxdepth 1 -name 'kamailio_*.dsc' | head -n 1)
    if [ -z "$description" ]; then
        ! grep -q 'Failed to fetch\|Could not\|Temporary failure' "$log" ||
            fail_with_log "The archive of Kamailio's source cannot be reached ($(awk 'NR == 1 { print $2 }' \
                "$work/apt/sources.list"))."
        fail "The archives have no source of Kamailio $version, the version that is installed: upgrade it, or name a" \
            "folder with that source by KAMAILIO_SOURCE=FOLDER."
    fi
    # The detached signature of the upstream archive is not in every mirror; the package's own has been checked.
    sed -i '/\.asc$/d' "$description"
    (cd "$work" && dpkg-source --no-check -x "$(basename "$description")" source) >>"$log" 2>&1 ||
        fail_with_log "Kamailio's source package cannot be unpacked."
}

if [ -n "${KAMAILIO_SOURCE:-}" ]; then
    [ -e "$KAMAILIO_SOURCE/src/core/sr_module.h" ] ||
        fail "KAMAILIO_SOURCE=$KAMAILIO_SOURCE: there is no source of Kamailio (src/core/sr_module.h)."
    cp -a "$KAMAILIO_SOURCE" "$work/source"
else
    fetch
fi

# What Kamailio's own build hands to each module: the binary refuses a module whose version or flags differ. A source that
# the binary was built from has them already. The variables of this build are not for that one.
if [ -z "$own" ] || [ ! -e "$work/source/src/config.mak" ]; then
    unset MAKEFLAGS MFLAGS MAKEOVERRIDES MODE CFLAGS CPPFLAGS LDFLAGS
    make -C "$work/source" cfg FLAVOUR=kamailio CC=gcc prefix=/usr cfg_prefix= >>"$log" 2>&1 ||
        fail_with_log "Kamailio's source cannot be configured."
fi
sed -n 's/^\(C_DEFS\|CC_PMUTEX_OPTS\)= *//p' "$work/source/src/config.mak" >"$dir/flags.new"
[ -s "$dir/flags.new" ] || fail_with_log "Kamailio's source gave no flags."
made=$(sed -n 's/.*-DVERSION=.\{0,1\}"\([^"]*\)".*/\1/p' "$dir/flags.new")
case $version in
"$made" | "$made"[-+~]*) ;;
*) fail "The source is that of Kamailio $made, but $program is Kamailio $version." ;;
esac
mv "$work/source" "$dir/source"
mv "$dir/flags.new" "$dir/flags"
echo "$made_of" >"$dir/version"
