// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ACCEPTOR_H
#define REFLOW_STANDALONE_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * A listening socket that is never deaf. uv_listen() stops to listen while a connection has not been accepted, as when
 * there is no memory for it, and never returns while there is no descriptor. Here, without descriptors, connections
 * wait in the kernel until there are some again, which is looked for ten times a second.
 */

/* A connection, whose descriptor is the callee's, to be closed at least. */
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

/* The descriptor of a socket that is bound; it is closed also on failure. Returns 0 or a negative errno. */
int acceptor_create(struct acceptor *acceptor, uv_loop_t *loop, int descriptor, int backlog,
                    acceptor_accepted *accepted, void *context);

/* Run the loop once more. Fine for one that was not created, if zeroed. */
void acceptor_destroy(struct acceptor *acceptor);

#endif
