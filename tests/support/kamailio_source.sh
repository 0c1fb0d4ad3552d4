#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kamailio_source.sh DIR: the headers of the Kamailio that is installed, from Debian's own source package of the same
# version, into DIR/source; the flags that its modules are compiled with into DIR/flags. Nothing is done where they are
# of that version already. apt's lists for it are kept in DIR: the machine's own stay as they are. Needs no root.
# KAMAILIO_SOURCE: a folder with that version's source, in place of the archive.
set -eu

fail() {
    echo "$*" >&2
    exit 1
}

dir=$1
version=$(dpkg-query -W -f '${source:Version}' kamailio 2>/dev/null || true)
binary=$(dpkg-query -W -f '${Version}' kamailio 2>/dev/null || true)
[ -n "$version" ] || fail "Kamailio is not installed: apt-get install kamailio, then again."
if [ -e "$dir/flags" ] && [ "$(cat "$dir/version" 2>/dev/null)" = "$version" ]; then
    exit 0
fi
echo "Fetching the headers of Kamailio $version."
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
here=$(cd "$dir" && pwd)
rm -rf "$here/source" "$here/flags" "$here/version" "$here"/kamailio_*
log=$here/apt/log
: >"$log"

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
    archives >"$here/apt/sources.list"
    [ -s "$here/apt/sources.list" ] || debian_archives >"$here/apt/sources.list"
    [ -s "$here/apt/sources.list" ] ||
        fail "apt knows no archive of Kamailio's source: apt-get update, then again (or KAMAILIO_SOURCE=FOLDER)."
    private="-o Dir::Etc::SourceList=$here/apt/sources.list -o Dir::Etc::SourceParts=/dev/null
        -o Dir::State::Lists=$here/apt/lists -o Dir::Cache=$here/apt/cache -o APT::Sandbox::User=$(id -un)"
    # shellcheck disable=SC2086
    apt-get $private update -qq >>"$log" 2>&1 || true
    # shellcheck disable=SC2086
    (cd "$here" && apt-get $private source -qq --download-only "kamailio=$version") >>"$log" 2>&1 || true
    description=$(find "$here" -maxdepth 1 -name 'kamailio_*.dsc' | head -n 1)
    if [ -z "$description" ]; then
        ! grep -q 'Failed to fetch\|Could not\|Temporary failure' "$log" ||
            fail "The archive of Kamailio's source cannot be reached ($(awk 'NR == 1 { print $2 }' \
                "$here/apt/sources.list")); see $dir/apt/log."
        fail "The archives have no source of Kamailio $version, the version that is installed: upgrade it, or name a" \
            "folder with that source by KAMAILIO_SOURCE=FOLDER."
    fi
    # The detached signature of the upstream archive is not in every mirror; the package's own has been checked.
    sed -i '/\.asc$/d' "$description"
    (cd "$here" && dpkg-source --no-check -x "$(basename "$description")" source) >>"$log" 2>&1 ||
        fail "Kamailio's source package cannot be unpacked; see $dir/apt/log."
    rm -f "$here"/kamailio_*
}

if [ -n "${KAMAILIO_SOURCE:-}" ]; then
    [ -e "$KAMAILIO_SOURCE/src/core/sr_module.h" ] || fail "KAMAILIO_SOURCE: no source of Kamailio in $KAMAILIO_SOURCE."
    cp -a "$KAMAILIO_SOURCE" "$here/source"
else
    fetch
fi

# What its own build hands to each module: the binary refuses a module whose version or flags differ. What this build
# was told is none of that one's business.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MODE CFLAGS CPPFLAGS LDFLAGS
make -C "$here/source" cfg FLAVOUR=kamailio CC=gcc prefix=/usr cfg_prefix= >>"$log" 2>&1 ||
    fail "Kamailio's source cannot be configured; see $dir/apt/log."
sed -n 's/^\(C_DEFS\|CC_PMUTEX_OPTS\)= *//p' "$here/source/src/config.mak" >"$here/flags.new"
[ -s "$here/flags.new" ] || fail "Kamailio's source gave no flags; see $dir/apt/log."
made=$(sed -n 's/.*-DVERSION=.\{0,1\}"\([^"]*\)".*/\1/p' "$here/flags.new")
case $version in
"$made"[-+~]*) ;;
*) fail "The source is of Kamailio $made, but $version is installed." ;;
esac
mv "$here/flags.new" "$here/flags"
echo "$version" >"$here/version"
