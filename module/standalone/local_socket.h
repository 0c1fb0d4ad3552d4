// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOCAL_SOCKET_H
#define REFLOW_STANDALONE_LOCAL_SOCKET_H

#include <uv.h>

/* Bind a Unix socket. One left by a process that is gone is replaced; any other file stands (UV_EADDRINUSE). */
int local_socket_bind(uv_pipe_t *pipe, const char *path);

/* One line for the operator: why the socket of this option could not be created. `error` is that of binding. */
void local_socket_reason(const char *option, const char *path, int error, char *out, size_t size);

#endif
