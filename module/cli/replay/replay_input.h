// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_INPUT_H
#define REFLOW_CLI_REPLAY_INPUT_H

#include "cli/replay/replay.h"

/* The kinds of input, and what reading them has in common. */

/* A libpcap capture; takes over `file` and closes it. 0, or CLI_USAGE with *error in a buffer of its size. */
int replay_capture(struct replay *replay, FILE *file, char *error, size_t error_size);

/* SIP messages as text. 0; -ENODATA where no message was found; -ENOMEM. */
int replay_text(struct replay *replay, FILE *file);

/* The lines of `reflow serve --log-decisions`. As above. */
int replay_decision_log(struct replay *replay, FILE *file);

/* Lines of a file, of bounded length. Zero it but for `file`. */
struct replay_lines {
    FILE *file;
    char *bytes;
    size_t start, end;
    uint64_t number; /* of the line given last, from 1 */
    bool too_long;   /* that line is the first part of a longer one, the rest was dropped */
};
enum { REPLAY_LINE_MOST = 131072 };
/* The next line without its line feed, good until the next call; false at the end, or where memory is out. */
bool replay_lines_next(struct replay_lines *lines, struct text *line);
void replay_lines_destroy(struct replay_lines *lines);

#endif
