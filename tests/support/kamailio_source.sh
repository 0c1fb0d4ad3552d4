#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kamailio_source.sh DIR: the headers of the Kamailio that the module is built for (kamailio_program.sh), into DIR/source,
# and the flags that its modules are compiled with, into DIR/flags. Does nothing if they are those of that Kamailio
# already. Needs no root.
#
# For Debian's Kamailio they come from the source package of the same version. The lists that apt needs for that are kept
# in DIR: the machine's own stay as they are. KAMAILIO_SOURCE, a folder with the source, takes the place of the archive; a
# Kamailio that does not come from a Debian package needs it. If that source is not the one of Debian's Kamailio, and
# KAMAILIO names no program, the module is compiled for the source alone.
#
# What Kamailio compares when it loads a module (version, architecture, system, flags) is taken from the program
# (kamailio_identity.sh), because Kamailio may be built by CMake, whose system and flags differ from those of Kamailio's makefiles.
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
printed=$("$support/kamailio_identity.sh" "$program")
# What the headers and flags are made of. A source or a program that is built anew may have other flags.
made_of=
[ -z "${KAMAILIO_SOURCE:-}" ] || made_of="${KAMAILIO:+KAMAILIO=}$program $version $(printf '%s' "$printed" | cksum)
$KAMAILIO_SOURCE $(stat -c %Y "$KAMAILIO_SOURCE/src/config.mak" 2>/dev/null || true)"
known_version=$(sed -n 1p "$dir/version" 2>/dev/null || true)
known=$(sed 1d "$dir/version" 2>/dev/null || true)
if [ -e "$dir/flags" ] && [ "$known" = "$made_of" ] && { [ -n "$made_of" ] || [ "$known_version" = "$version" ]; }; then
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

# Without one of these, the defaults of Kamailio's makefiles.
configure() {
    # The variables of this build are not for that one.
    unset MAKEFLAGS MFLAGS MAKEOVERRIDES MODE CFLAGS CPPFLAGS LDFLAGS
    make -C "$work/source" cfg FLAVOUR=kamailio CC=gcc prefix=/usr cfg_prefix= >>"$log" 2>&1 ||
        fail_with_log "Kamailio's source cannot be configured."
}

makefile_flags() {
    sed -n 's/^\(C_DEFS\|CC_PMUTEX_OPTS\)= *//p' "$work/source/src/config.mak"
}

# A folder in which CMake has configured or built the source lies in the source, and has a makefile or a file of ninja's.
cmake_flags() {
    for folder in "$work"/source/*/; do
        sed -n 's/^C_DEFINES = //p' "$folder/src/CMakeFiles/kamailio.dir/flags.make" 2>/dev/null ||
            sed -n '/^build src\/CMakeFiles\/kamailio\.dir\/main\.c\.o:/,/^$/s/^ *DEFINES = //p' "$folder/build.ninja" \
                2>/dev/null || true
    done | head -n 1
}

# What Kamailio's own build hands to each module. A source that the program was built from has been configured.
if [ -n "$own" ] && [ -n "$(cmake_flags)" ]; then
    cmake_flags >"$dir/flags.new"
else
    [ -n "$own" ] && [ -e "$work/source/src/config.mak" ] || configure
    makefile_flags >"$dir/flags.new"
fi
[ -s "$dir/flags.new" ] || fail_with_log "Kamailio's source gave no flags."
made=$(sed -n 's/.*-DVERSION=[^"]\{0,1\}"\([^"\\]*\).*/\1/p' "$dir/flags.new")
case $version in
"$made" | "$made"[-+~]*) ;;
*)
    [ -z "$own" ] && [ -n "${KAMAILIO_SOURCE:-}" ] && [ -z "${KAMAILIO:-}" ] ||
        fail "The source is that of Kamailio $made, but $program is Kamailio $version."
    printed=
    version=$made
    ;;
esac
definitions=$work/source/src/core/ver_defs.h
[ -e "$definitions" ] || definitions=/dev/null
printf '%s\n' "$printed" >"$work/printed"
[ -z "$printed" ] || {
    awk -f "$support/kamailio_flags.awk" file=1 "$work/printed" file=2 "$definitions" file=3 "$dir/flags.new" >"$work/flags"
    mv "$work/flags" "$dir/flags.new"
}
mv "$work/source" "$dir/source"
mv "$dir/flags.new" "$dir/flags"
printf '%s\n' "$version" ${made_of:+"$made_of"} >"$dir/version"
