// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_CONTROL_H
#define REFLOW_STANDALONE_CONTROL_H

#include "sip/rewrite.h"
#include "standalone/serve/local_socket.h"

/*
 * The control socket (`reflow ctl`): a Unix socket. A client writes one line, a command with its words separated by
 * spaces, and gets lines back; the last one is "ok", "unchanged" or "error: REASON". Then the connection is closed. If
 * there is no memory for a client, it gets no line.
 */

enum control_verdict { CONTROL_OK, CONTROL_UNCHANGED, CONTROL_ERROR, CONTROL_USAGE };

/* A line in its words. "--json" and "--limit N" may stand anywhere. */
struct control_line {
    const char *command, *word; /* NULL: not there */
    bool json;
    uint32_t limit; /* 0: not given */
};

/* Cuts `text` into its words; `line` points into it. Returns NULL, or what is wrong with it. */
const char *control_line_read(struct control_line *line, char *text);

struct control_client;

/* A command was received. Answer once, now or later, by control_answer(). `line` is valid during the call. */
typedef void control_command(void *context, struct control_client *client, char *line);

/* Sends the lines in `text` (each with its newline; may be empty), then the result. The client is invalid after
   this. */
void control_answer(struct control_client *client, struct text text, enum control_verdict verdict, const char *why);

struct control {
    struct local_socket local;
    const struct host *host;
    control_command *command;
    void *context;
};

/* Returns 0 or a negative errno. Only the owner may use the socket (0600); the socket file of a process that has
   ended is replaced. */
int control_create(struct control *control, uv_loop_t *loop, const struct host *host, const char *path,
                   control_command *command, void *context);
void control_destroy(struct control *control); /* run the loop once more; removes the file */

#endif
