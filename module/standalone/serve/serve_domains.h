// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_DOMAINS_H
#define REFLOW_STANDALONE_SERVE_DOMAINS_H

#include "standalone/serve/serve_options.h"

/* The domains of --domain and --domain-file together. 0, or a negative errno and one line in `error`; *out is then as
   it was. */
int serve_domains_load(struct domains **out, const struct host *host, const struct serve_options *options, char *error,
                       size_t error_size);

/* The same again for a server that runs. If that fails, the error is logged and the domains stay as they were. */
void serve_domains_reload(struct domains **domains, const struct host *host, const struct serve_options *options,
                          struct server *server);

#endif
