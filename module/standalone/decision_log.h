// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_DECISION_LOG_H
#define REFLOW_STANDALONE_DECISION_LOG_H

#include "standalone/server.h"

/* Append one line of JSON for a decision, with its newline, to `out`; out->failed tells where memory was short. */
void decision_log_line(const struct decided *decided, int64_t wall_ms, struct sip_buffer *out);

#endif
