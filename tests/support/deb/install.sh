#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# In the fresh chroot, with network: downloads what inside.sh installs later, without network.
set -eux
get() {
    apt-get install -y -qq --no-install-recommends --download-only "$@" >/dev/null
}
apt-get update -qq
# shellcheck disable=SC2046
get $(ls /packages/*.deb | grep -v dbgsym)
get lua-luv systemd kamailio-outbound-modules ca-certificates
