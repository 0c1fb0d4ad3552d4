// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/status_socket.h"

#include "standalone/local_socket.h"
#include "standalone/memory.h"

struct reader {
    uv_pipe_t pipe;
    uv_write_t write;
    const struct host *host;
    struct sip_buffer bytes;
};

static void on_closed(uv_handle_t *handle)
{
    struct reader *reader = handle->data;
    sip_buffer_destroy(&reader->bytes);
    memory_delete(reader->host, reader, sizeof *reader);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    uv_close((uv_handle_t *)write->handle, on_closed);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct status_socket *socket = stream->data;
    struct reader *reader = status == 0 ? memory_new(socket->host, sizeof *reader) : NULL;
    if (reader == NULL)
        return;
    if (uv_pipe_init(stream->loop, &reader->pipe, 0) != 0) {
        memory_delete(socket->host, reader, sizeof *reader);
        return;
    }
    reader->host = socket->host;
    reader->bytes.host = socket->host;
    reader->pipe.data = reader;
    socket->write(socket->context, &reader->bytes);
    uv_buf_t buffer = uv_buf_init(reader->bytes.bytes, (unsigned)reader->bytes.length);
    if (uv_accept(stream, (uv_stream_t *)&reader->pipe) != 0 || reader->bytes.failed ||
        uv_write(&reader->write, (uv_stream_t *)&reader->pipe, &buffer, 1, on_written) != 0)
        uv_close((uv_handle_t *)&reader->pipe, on_closed);
}

int status_socket_create(struct status_socket *socket, uv_loop_t *loop, const struct host *host, const char *path,
                         write_status *write, void *context)
{
    *socket = (struct status_socket){.host = host, .write = write, .context = context, .path = path};
    int error = uv_pipe_init(loop, &socket->pipe, 0);
    if (error != 0)
        return error;
    socket->open = true;
    socket->pipe.data = socket;
    error = local_socket_bind(&socket->pipe, path);
    return error != 0 ? error : uv_listen((uv_stream_t *)&socket->pipe, 16, on_connection);
}

void status_socket_destroy(struct status_socket *socket)
{
    if (socket->open)
        uv_close((uv_handle_t *)&socket->pipe, NULL);
    socket->open = false;
}
