// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_INPUT_H
#define REFLOW_CLI_REPLAY_INPUT_H

#include "cli/replay/replay.h"

/* The kinds of input, and common functions for reading them. */

/* Reads a libpcap capture; takes over `file` and closes it. Returns 0, or CLI_USAGE with *error in a buffer of its
   size. */
int replay_capture(struct replay *replay, FILE *file, char *error, size_t error_size);

/* Reads SIP messages as text. Returns 0, -ENODATA if there was no message, or -ENOMEM. */
int replay_text(struct replay *replay, FILE *file);

/* The lines of `reflow serve --log-decisions`. As above. */
int replay_decision_log(struct replay *replay, FILE *file);

/* Reads lines of a file, of bounded length. Set all members but `file` to 0. */
struct replay_lines {
    FILE *file;
    char *bytes;
    size_t start, end;
    uint64_t number; /* of the last line, from 1 */
    bool too_long;   /* that line is the first part of a longer one, the rest was dropped */
};
enum { REPLAY_LINE_MOST = 131072 };
/* The next line without its line feed, valid until the next call; false at the end, or without memory. */
bool replay_lines_next(struct replay_lines *lines, struct text *line);
void replay_lines_destroy(struct replay_lines *lines);

#endif
