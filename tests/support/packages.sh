#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# packages.sh PACKAGE...: installs the Debian packages that are missing, and says which; does nothing when all are there.
set -eu

missing=
for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Missing packages:$missing" >&2
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "Neither root nor sudo here: install them and start again." >&2
        exit 1
    }
    as_root=sudo
fi

# A server that comes with a package (Kamailio, for the comparison) must not start itself.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
    made_policy=yes
fi
done_with_policy() {
    [ -z "$made_policy" ] || $as_root rm -f "$policy"
}
trap done_with_policy EXIT

install() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
}
$as_root apt-get update -qq >&2 || echo "The package lists could not be refreshed; trying with those at hand." >&2
install
