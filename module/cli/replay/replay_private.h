// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_PRIVATE_H
#define REFLOW_CLI_REPLAY_PRIVATE_H

#include "cli/replay/replay.h"
#include "cli/replay/replay_context.h"
#include "cli/replay/replay_policy.h"

/* Shared by the files that decide, print and read. */

/* Memory for one message at a time, reset before the next. */
struct replay_arena {
    char *bytes;
    size_t used;
};

/* Lines are written out when they take REPLAY_OUTPUT_FULL bytes; one more line always fits behind them. */
enum { REPLAY_OUTPUT_FULL = 65536, REPLAY_LINE_OUT = 16384 };

/* Collects lines and writes many at once. */
struct replay_output {
    char *bytes;
    size_t used;
};

struct replay {
    struct replay_config config;
    struct host host;    /* the capture's clock; log lines to cli->err, the first ones */
    struct host passing; /* the same with the arena */
    struct replay_arena arena;
    struct replay_contexts *contexts;
    struct script *policy, *against;
    struct replay_counts counts;
    struct replay_output output;
    int64_t now_us;
    const char *path; /* of the current file */
    const char *unit; /* "packet", "line" */
    unsigned told, logged;
    uint64_t size, done; /* bytes of that file; 0: not known */
    uint64_t drawn_ms;
    bool drawn; /* the terminal shows a progress bar */
};

/* What one line says. */
struct replay_line {
    int64_t time_us;
    struct text call_id, method, to;
    const struct facts *facts;
    const struct decision *decision;
    const struct replay_answer *answer, *against; /* NULL: no policy was called */
};

void replay_print(struct replay *replay, const struct replay_line *line);
void replay_print_difference(struct replay *replay, const struct replay_line *line, const char *against,
                             const char *policy);
void replay_print_counts(struct replay *replay);
void replay_flush(struct replay *replay);

void replay_progress_draw(struct replay *replay);
void replay_progress_clear(struct replay *replay);

#endif
