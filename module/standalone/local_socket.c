// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/local_socket.h"

#include <errno.h>
#include <stdbool.h>
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

int local_socket_bind(uv_pipe_t *pipe, const char *path)
{
    if (is_left_over(path))
        unlink(path);
    return uv_pipe_bind(pipe, path);
}
