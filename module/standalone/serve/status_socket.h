// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_STATUS_SOCKET_H
#define REFLOW_STANDALONE_STATUS_SOCKET_H

#include "sip/rewrite.h"
#include "standalone/serve/local_socket.h"

/* A Unix socket: each client gets the output of `write_status`, and the connection is closed. If there is no memory
   for a client, it gets nothing. */

typedef void write_status(void *context, struct sip_buffer *out);

struct status_socket {
    struct local_socket local;
    const struct host *host;
    write_status *write;
    void *context;
};

/* Returns 0 or a negative errno. A socket file of a process that has ended is replaced; any other file is kept. */
int status_socket_create(struct status_socket *socket, uv_loop_t *loop, const struct host *host, const char *path,
                         write_status *write, void *context);
void status_socket_destroy(struct status_socket *socket); /* run the loop once more; removes the file */

#endif
