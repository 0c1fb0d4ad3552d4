// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ACCEPTOR_H
#define REFLOW_STANDALONE_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * A listening socket that always recovers. uv_listen() stops listening while a connection has not been accepted, for
 * example without memory, and never resumes while there is no descriptor. Here, connections wait in the kernel while
 * there are no descriptors, and accepting is tried again ten times a second.
 */

/* A new connection. The callee owns the descriptor and must close it in any case. */
typedef void acceptor_accepted(void *context, int descriptor);

struct acceptor {
    uv_poll_t poll;
    uv_timer_t pause;
    acceptor_accepted *accepted;
    void *context;
    uint64_t pauses;
    int descriptor;
    bool open;
};

/* `descriptor` is a bound socket; it is closed also on failure. Returns 0 or a negative errno. */
int acceptor_create(struct acceptor *acceptor, uv_loop_t *loop, int descriptor, int backlog,
                    acceptor_accepted *accepted, void *context);

/* Run the loop once more afterwards. May be called for a zeroed acceptor that was not created. */
void acceptor_destroy(struct acceptor *acceptor);

#endif
