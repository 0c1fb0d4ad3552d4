// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_CALLERS_H
#define REFLOW_STANDALONE_SERVE_CALLERS_H

#include "standalone/serve/serve_options.h"

/* Whether the server checks who calls (3261-16.3.a). */

/* Sets checks_callers and edge in *config. `authenticates` says whether callers can prove who they are. Returns 0, or
   -EINVAL with one line in `error` if strangers could reach a server that does not check them, and the operator has
   not asked for that. */
int serve_callers_choose(const struct serve_options *options, bool authenticates, struct server_config *config,
                         char *error, size_t error_size);
/* Logs what an operator of an unchecked server must know. */
void serve_callers_warn(const struct serve_options *options, const struct server_config *config,
                        const struct host *host);

#endif
