#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# manual_links.sh FILE: prints a manual of the Kamailio module as it is installed. The files of examples/kamailio are in the
# folder examples beside it there; other files of the repository keep their names, without a link.
exec sed -z 's,](\.\./\.\./examples/kamailio\([/)]\),](examples\1,g; s,\[\([^][]*\)\](\.\./[^)]*),\1,g' "$1"
