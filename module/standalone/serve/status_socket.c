// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/status_socket.h"

#include "base/memory.h"

struct reader {
    struct local_client client;
    const struct host *host;
    struct sip_buffer bytes;
};

static void reader_on_closed(uv_handle_t *handle)
{
    struct reader *reader = handle->data;
    sip_buffer_destroy(&reader->bytes);
    memory_delete(reader->host, reader, sizeof *reader);
}

static struct local_client *reader_new(void *context)
{
    const struct status_socket *socket = context;
    struct reader *reader = memory_new(socket->host, sizeof *reader);
    if (reader == NULL)
        return NULL;
    reader->host = socket->host;
    reader->bytes.host = socket->host;
    return &reader->client;
}

static void reader_connected(struct local_client *client)
{
    struct reader *reader = (struct reader *)client;
    const struct status_socket *socket = client->socket->events.context;
    socket->write(socket->context, &reader->bytes);
    local_client_answer(client, &reader->bytes);
}

int status_socket_create(struct status_socket *socket, uv_loop_t *loop, const struct host *host, const char *path,
                         write_status *write, void *context)
{
    const struct local_socket_events events = {
        .context = socket, .client_new = reader_new, .connected = reader_connected, .closed = reader_on_closed};
    *socket = (struct status_socket){.host = host, .write = write, .context = context};
    return local_socket_create(&socket->local, loop, path, &events);
}

void status_socket_destroy(struct status_socket *socket)
{
    local_socket_destroy(&socket->local);
}
