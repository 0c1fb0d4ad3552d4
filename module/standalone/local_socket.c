// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/local_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Nobody listens there any more. */
static bool is_left_over(const char *path)
{
    struct stat file;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (lstat(path, &file) != 0 || !S_ISSOCK(file.st_mode) || strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused =
        probe >= 0 && connect(probe, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
    if (probe >= 0)
        close(probe);
    return refused;
}

/* libuv gives -EACCES where there is no such folder. */
void local_socket_reason(const char *option, const char *path, int error, char *out, size_t size)
{
    struct stat file;
    const char *reason = strerror(-error);
    if (error == -EADDRINUSE && lstat(path, &file) == 0)
        reason = S_ISSOCK(file.st_mode) ? "another process uses this socket" : "it exists and is not a socket";
    else if (error == -EACCES)
        reason = "its folder does not exist or cannot be written to";
    snprintf(out, size, "cannot create the socket %s %s: %s", option, path, reason);
}

int local_socket_bind(uv_pipe_t *pipe, const char *path)
{
    if (is_left_over(path))
        unlink(path);
    return uv_pipe_bind(pipe, path);
}
