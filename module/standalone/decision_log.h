// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_DECISION_LOG_H
#define REFLOW_STANDALONE_DECISION_LOG_H

#include "standalone/server.h"

/* One line of JSON for a decision, with its newline; what is written is cut at a value, never inside one. Returns the
   length, 0 where it does not fit. */
size_t decision_log_line(const struct decided *decided, int64_t wall_ms, char *out, size_t size);

#endif
