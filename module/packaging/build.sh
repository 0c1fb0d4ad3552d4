#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# build.sh DIR KSR: builds the Debian packages in DIR, from this tree and the folder debian/ beside this script, for the
# release that it runs on, and looks at them with lintian. KSR holds the headers and flags of the installed Kamailio
# (kamailio_source.sh). DEBFULLNAME and DEBEMAIL: the maintainer that the packages name.
set -eu
packaging=$(dirname "$0")
cd "$packaging/../.."
packaging=module/packaging
dir=$1 ksr=$2
. /etc/os-release
release=${VERSION_ID:-0}
version=$(sed -n 's/^#define REFLOW_VERSION "\(.*\)"/\1/p' module/core/version.h)
debian_version=$version-1~deb$release
maintainer="${DEBFULLNAME:-reflow maintainers} <${DEBEMAIL:-reflow@example.org}>"
# The version of Debian's policy that the release's lintian knows.
standards=4.7.2
[ "$release" -gt 12 ] || standards=4.6.2

mkdir -p "$dir"
rm -rf "$dir"/*.deb "$dir"/*.ddeb "$dir"/*.changes "$dir"/*.buildinfo "$dir/reflow-$version"
tree=$dir/reflow-$version
mkdir -p "$tree"
if ! git ls-files -z --cached --others --exclude-standard >"$dir/files" 2>/dev/null; then
    find . \( -path ./build -o -name .git \) -prune -o -type f -print0 >"$dir/files"
fi
xargs -0 ls -d <"$dir/files" 2>/dev/null | tar -cf - -T - | tar -xf - -C "$tree"
mkdir -p "$tree/build/kamailio"
cp -a "$ksr/source" "$ksr/flags" "$ksr/version" "$tree/build/kamailio"

cp -r "$packaging/debian" "$tree/debian"
sed 1d "$packaging/debian/copyright.in" >"$tree/debian/copyright"
rm "$tree/debian/copyright.in"
sed -i "s/@MAINTAINER@/$maintainer/; s/@STANDARDS@/$standards/" "$tree/debian/control"
mkdir "$tree/debian/source"
echo "3.0 (quilt)" >"$tree/debian/source/format"
date=$(git log -1 --format=%cD 2>/dev/null || true)
cat >"$tree/debian/changelog" <<END
reflow ($debian_version) unstable; urgency=medium

  * Packages of reflow $version for Debian $release.

 -- $maintainer  ${date:-$(LC_ALL=C date -R)}
END

echo "Building the packages of reflow $debian_version."
log=$dir/build.log
(
    unset MAKEFLAGS MFLAGS MAKEOVERRIDES BUILD MODE KAMAILIO KAMAILIO_SOURCE
    cd "$tree" && dpkg-buildpackage -b -us -uc
) >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    echo "The packages could not be built: see $log." >&2
    exit 1
}
rm -rf "$tree"
# A package that is uploaded for the first time has no bug that it closes.
lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs --tag-display-limit 0 \
    "$dir"/*.changes
ls "$dir"/*.deb
