// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/local_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* No process listens there any more. */
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

void local_socket_reason(const char *option, const char *path, int error, char *out, size_t size)
{
    char why[PATH_FOLDER_MOST + 64], folder[PATH_FOLDER_MOST];
    struct stat file;
    snprintf(why, sizeof why, "%s", strerror(-error));
    if (error == -EADDRINUSE && lstat(path, &file) == 0)
        snprintf(why, sizeof why, "%s",
                 S_ISSOCK(file.st_mode) ? "another process uses this socket" : "it exists and is not a socket");
    else if (error == -ENAMETOOLONG)
        snprintf(why, sizeof why, "the path has %zu bytes, that of a socket has at most %zu", strlen(path),
                 sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    else if (path_folder_is_missing(path, folder))
        snprintf(why, sizeof why, "the folder %s does not exist", folder);
    else if (error == -EACCES)
        snprintf(why, sizeof why, "no permission to create a file in its folder");
    snprintf(out, size, "cannot create the socket %s %s: %s", option, path, why);
}

bool path_folder(const char *path, char folder[PATH_FOLDER_MOST])
{
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    return snprintf(folder, PATH_FOLDER_MOST, "%.*s", length, slash == NULL ? "." : path) < PATH_FOLDER_MOST;
}

bool path_folder_is_missing(const char *path, char folder[PATH_FOLDER_MOST])
{
    struct stat status;
    if (!path_folder(path, folder))
        return false;
    return stat(folder, &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

void local_client_close(struct local_client *client)
{
    struct local_socket *socket = client->socket;
    if (uv_is_closing((uv_handle_t *)&client->pipe))
        return;
    *client->back = client->next;
    if (client->next != NULL)
        client->next->back = client->back;
    socket->count--;
    uv_close((uv_handle_t *)&client->pipe, socket->events.closed);
}

static void local_client_on_written(uv_write_t *write, int status)
{
    (void)status;
    local_client_close(write->data);
}

void local_client_answer(struct local_client *client, const struct sip_buffer *answer)
{
    uv_buf_t buffer = uv_buf_init(answer->bytes, (unsigned)answer->length);
    client->write.data = client;
    if (answer->failed ||
        uv_write(&client->write, (uv_stream_t *)&client->pipe, &buffer, 1, local_client_on_written) != 0)
        local_client_close(client);
}

static void local_client_enter(struct local_socket *socket, struct local_client *client)
{
    client->socket = socket;
    client->next = socket->clients;
    client->back = &socket->clients;
    if (client->next != NULL)
        client->next->back = &client->next;
    socket->clients = client;
    socket->count++;
}

static void local_client_close_oldest(const struct local_socket *socket)
{
    struct local_client *oldest = socket->clients;
    while (oldest->next != NULL)
        oldest = oldest->next;
    local_client_close(oldest);
}

static void local_socket_accepted(void *context, int descriptor)
{
    struct local_socket *socket = context;
    struct local_client *client = socket->events.client_new(socket->events.context);
    if (client == NULL) {
        socket->refused++;
        close(descriptor);
        return;
    }
    uv_pipe_init(socket->loop, &client->pipe, 0);
    client->pipe.data = client;
    local_client_enter(socket, client);
    if (uv_pipe_open(&client->pipe, descriptor) != 0) {
        close(descriptor);
        local_client_close(client);
        return;
    }
    if (socket->count > LOCAL_CLIENTS_MOST)
        local_client_close_oldest(socket);
    socket->events.connected(client);
}

static int local_socket_bind(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (is_left_over(path))
        unlink(path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0)
        return descriptor < 0 ? -errno : descriptor;
    int error = -errno;
    close(descriptor);
    return error;
}

int local_socket_create(struct local_socket *socket, uv_loop_t *loop, const char *path,
                        const struct local_socket_events *events)
{
    *socket = (struct local_socket){.events = *events, .loop = loop, .path = path};
    int descriptor = local_socket_bind(path);
    if (descriptor < 0)
        return descriptor;
    return acceptor_create(&socket->acceptor, loop, descriptor, 16, local_socket_accepted, socket);
}

void local_socket_destroy(struct local_socket *socket)
{
    while (socket->clients != NULL)
        local_client_close(socket->clients);
    if (socket->acceptor.open)
        unlink(socket->path);
    acceptor_destroy(&socket->acceptor);
}
