// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SAVE_AOR_H
#define REFLOW_KAMAILIO_SAVE_AOR_H

#include "kamailio/base/ksr.h"

/* The AOR as usrloc keeps it (with or without domain: usrloc's use_domain; the host in lower case), into out. Length,
   or -1. */
int aor_of_uri(const str *uri, char *out, size_t size);

#endif
