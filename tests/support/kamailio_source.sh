#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kamailio_source.sh DIR: the headers of the Kamailio that is installed, from Debian's own source package of the same
# version, into DIR/source; the flags that its modules are compiled with into DIR/flags. apt's lists for it are kept in
# DIR: the machine's own stay as they are.
set -eu

dir=$1
program=kamailio
version=$(dpkg-query -W -f '${source:Version}' "$program" 2>/dev/null || true)
if [ -z "$version" ]; then
    echo "Kamailio is not installed: apt-get install kamailio, then again." >&2
    exit 1
fi
if [ -e "$dir/flags" ] && [ "$(cat "$dir/version" 2>/dev/null)" = "$version" ]; then
    exit 0
fi
rm -rf "$dir/source" "$dir/flags" "$dir/version"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
here=$(cd "$dir" && pwd)

# The same archives that the machine takes its packages from.
apt-get indextargets --format 'deb-src $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    grep '^deb-src [^ ]*/debian\(-security\)\? ' | sort -u >"$here/apt/sources.list"
if [ ! -s "$here/apt/sources.list" ]; then
    echo "apt knows no Debian archive to take Kamailio's source from." >&2
    exit 1
fi
private="-o Dir::Etc::SourceList=$here/apt/sources.list -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists=$here/apt/lists -o Dir::Cache=$here/apt/cache -o APT::Sandbox::User=$(id -un)"
# shellcheck disable=SC2086
apt-get $private update -qq >"$here/apt/log" 2>&1 || true
# The detached signature of the upstream archive is not in every mirror; nobody needs it here.
# shellcheck disable=SC2086
(cd "$here" && apt-get $private source -qq --download-only "$program=$version") >>"$here/apt/log" 2>&1 || true
description=$(find "$here" -maxdepth 1 -name "${program}_*.dsc" | head -n 1)
if [ -z "$description" ]; then
    echo "No source package of Kamailio $version, the version that is installed, in the archives:" >&2
    tail -n 3 "$here/apt/log" >&2
    exit 1
fi
sed -i '/\.asc$/d' "$description"
(cd "$here" && dpkg-source --no-check -x "$(basename "$description")" source) >>"$here/apt/log" 2>&1 || {
    tail -n 3 "$here/apt/log" >&2
    exit 1
}
rm -f "$here"/kamailio_*
# What its own build hands to each module: the binary refuses a module whose version or flags differ.
make -C "$here/source" cfg FLAVOUR=kamailio prefix=/usr cfg_prefix= >>"$here/apt/log" 2>&1
sed -n 's/^\(C_DEFS\|CC_PMUTEX_OPTS\)= *//p' "$here/source/src/config.mak" >"$here/flags.new"
[ -s "$here/flags.new" ] || {
    echo "Kamailio's source gave no flags; see $dir/apt/log" >&2
    exit 1
}
mv "$here/flags.new" "$here/flags"
echo "$version" >"$here/version"
