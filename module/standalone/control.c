// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/control.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "standalone/local_socket.h"
#include "standalone/memory.h"

enum { LINE_MOST = 4096 };

struct control_client {
    uv_pipe_t pipe;
    uv_write_t write;
    struct control *control;
    const struct host *host;
    struct sip_buffer answer;
    size_t length;
    bool commanded; /* the command runs: the client is its, until it is answered */
    bool left;      /* nobody reads the answer any more */
    char line[LINE_MOST];
};

static void on_closed(uv_handle_t *handle)
{
    struct control_client *client = handle->data;
    sip_buffer_destroy(&client->answer);
    memory_delete(client->host, client, sizeof *client);
}

static void leave(struct control_client *client)
{
    client->left = true;
    if (!client->commanded && !uv_is_closing((uv_handle_t *)&client->pipe))
        uv_close((uv_handle_t *)&client->pipe, on_closed);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    leave(write->data);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct control_client *client = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(client->line + client->length, (unsigned)(LINE_MOST - 1 - client->length));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct control_client *client = stream->data;
    (void)buffer;
    if (count < 0) {
        uv_read_stop(stream);
        leave(client);
        return;
    }
    client->length += (size_t)count;
    client->line[client->length] = '\0';
    char *end = strchr(client->line, '\n');
    if (end == NULL && client->length < LINE_MOST - 1)
        return;
    uv_read_stop(stream);
    client->commanded = true;
    if (end == NULL) {
        control_answer(client, (struct text){NULL, 0}, CONTROL_ERROR, "the line is too long");
        return;
    }
    *end = '\0';
    client->control->command(client->control->context, client, client->line);
}

void control_answer(struct control_client *client, struct text text, enum control_verdict verdict, const char *why)
{
    static const char *const words[] = {"ok\n", "unchanged", "error"};
    client->commanded = false;
    client->answer.host = client->host;
    sip_append(&client->answer, text);
    sip_append(&client->answer, text_of(words[verdict]));
    if (verdict != CONTROL_OK) {
        sip_append(&client->answer, TEXT(": "));
        sip_append(&client->answer, text_of(why));
        sip_append(&client->answer, TEXT("\n"));
    }
    uv_buf_t buffer = uv_buf_init(client->answer.bytes, (unsigned)client->answer.length);
    client->write.data = client;
    if (client->left || client->answer.failed ||
        uv_write(&client->write, (uv_stream_t *)&client->pipe, &buffer, 1, on_written) != 0)
        leave(client);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct control *control = stream->data;
    struct control_client *client = status == 0 ? memory_new(control->host, sizeof *client) : NULL;
    if (client == NULL)
        return;
    if (uv_pipe_init(stream->loop, &client->pipe, 0) != 0) {
        memory_delete(control->host, client, sizeof *client);
        return;
    }
    client->pipe.data = client;
    client->control = control;
    client->host = control->host;
    if (uv_accept(stream, (uv_stream_t *)&client->pipe) != 0 ||
        uv_read_start((uv_stream_t *)&client->pipe, on_allocate, on_read) != 0)
        leave(client);
}

int control_create(struct control *control, uv_loop_t *loop, const struct host *host, const char *path,
                   control_command *command, void *context)
{
    *control = (struct control){.host = host, .command = command, .context = context};
    int error = uv_pipe_init(loop, &control->pipe, 0);
    if (error != 0)
        return error;
    control->open = true;
    control->pipe.data = control;
    mode_t before = umask(0177);
    error = local_socket_bind(&control->pipe, path);
    umask(before);
    return error != 0 ? error : uv_listen((uv_stream_t *)&control->pipe, 16, on_connection);
}

void control_destroy(struct control *control)
{
    if (control->open)
        uv_close((uv_handle_t *)&control->pipe, NULL);
    control->open = false;
}
