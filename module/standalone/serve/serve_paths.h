// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_PATHS_H
#define REFLOW_STANDALONE_SERVE_PATHS_H

#include "standalone/serve/serve_options.h"

/* Looks at the paths of the options before anything is opened, so that a mistyped one is reported with its option and
   is not mistaken for a broken policy, and so that nothing is written into the file of another option. Returns 0, or a
   negative errno with one line in `error`. */
int serve_paths_check(const struct serve_options *options, char *error, size_t error_size);

#endif
