// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_DOMAINS_H
#define REFLOW_STANDALONE_SERVE_DOMAINS_H

#include "standalone/serve/serve_options.h"

/* Reads the domains of --domain and --domain-file. Returns 0, or a negative errno with one line in `error` and *out
   unchanged. */
int serve_domains_load(struct domains **out, const struct host *host, const struct serve_options *options, char *error,
                       size_t error_size);

/* The same for a running server. If it fails, the error is logged and the domains are not changed. */
void serve_domains_reload(struct domains **domains, const struct host *host, const struct serve_options *options,
                          struct server *server);

#endif
