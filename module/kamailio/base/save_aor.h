// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SAVE_AOR_H
#define REFLOW_KAMAILIO_SAVE_AOR_H

#include "kamailio/base/ksr.h"

/* The AOR as usrloc keeps it (with or without domain: usrloc's use_domain; in lower case, with case_sensitive only the
   host), into out. Length, or -1. */
int aor_of_uri(const str *uri, char *out, size_t size);
int aor_of_parsed_uri(const struct ksr_sip_uri *uri, char *out, size_t size);

/* The host of a URI in lower case and, for an IPv6 address, in one spelling (5954-4.a). Returns the length, or -1. */
int aor_host(const str *host, char *out, size_t size);

#endif
