// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOCAL_SOCKET_H
#define REFLOW_STANDALONE_LOCAL_SOCKET_H

#include "sip/rewrite.h"
#include "standalone/net/acceptor.h"

/*
 * A listening Unix socket and its clients. It keeps listening without memory or descriptors for a client. If there are
 * LOCAL_CLIENTS_MOST clients, the oldest is closed for a new one, so that clients that neither ask nor read cannot keep
 * others away.
 */

enum { LOCAL_CLIENTS_MOST = 32 };

struct local_socket;

struct local_client {
    uv_pipe_t pipe; /* its data is the client */
    uv_write_t write;
    struct local_socket *socket;
    struct local_client *next, **back; /* newest first */
};

struct local_socket_events {
    void *context;
    struct local_client *(*client_new)(void *context); /* all zero; NULL: no memory */
    void (*connected)(struct local_client *client);
    uv_close_cb closed; /* close callback of the pipe: frees the client */
};

struct local_socket {
    struct acceptor acceptor;
    uv_loop_t *loop;
    const char *path; /* the caller's */
    struct local_socket_events events;
    struct local_client *clients;
    size_t count;
    uint64_t refused; /* clients for which there was no memory */
};

/* Returns 0 or a negative errno. The socket file of a process that has ended is replaced; any other file is kept
   (-EADDRINUSE). */
int local_socket_create(struct local_socket *socket, uv_loop_t *loop, const char *path,
                        const struct local_socket_events *events);

/* Closes it with all clients and removes the file; run the loop once more. May be called for a zeroed one that was
   never created. */
void local_socket_destroy(struct local_socket *socket);

/* Sends what the buffer holds, which stays until the client is closed, and then closes it. Once for each client. */
void local_client_answer(struct local_client *client, const struct sip_buffer *answer);

/* May be called again while it is being closed. */
void local_client_close(struct local_client *client);

enum { PATH_FOLDER_MOST = 4096 };

/* The folder in which `path` lies, "." for a name alone. Returns false if it is too long. */
bool path_folder(const char *path, char folder[PATH_FOLDER_MOST]);

/* Whether the folder in which `path` lies does not exist; its name is in `folder` then. */
bool path_folder_is_missing(const char *path, char folder[PATH_FOLDER_MOST]);

/* One line for the operator: why the socket of this option could not be created. `error` is that of creating. */
void local_socket_reason(const char *option, const char *path, int error, char *out, size_t size);

#endif
