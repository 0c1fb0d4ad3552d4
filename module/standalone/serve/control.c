// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "standalone/serve/binding_list.h"

enum { LINE_MOST = 4096 };

struct control_client {
    struct local_client local;
    struct control *control;
    const struct host *host;
    struct sip_buffer answer;
    size_t length;
    bool commanded; /* the command runs and must answer even if nobody waits any longer */
    bool closed;
    char line[LINE_MOST];
};

static bool read_limit(const char *word, uint32_t *limit)
{
    char *end;
    if (word == NULL || word[0] < '1' || word[0] > '9')
        return false;
    unsigned long number = strtoul(word, &end, 10);
    *limit = (uint32_t)number;
    return *end == '\0' && number <= BINDING_LIST_MOST;
}

const char *control_line_read(struct control_line *line, char *text)
{
    char *rest = NULL;
    *line = (struct control_line){0};
    for (char *word = strtok_r(text, " \t\r", &rest); word != NULL; word = strtok_r(NULL, " \t\r", &rest)) {
        if (strcmp(word, "--json") == 0)
            line->json = true;
        else if (strcmp(word, "--limit") == 0 && !read_limit(strtok_r(NULL, " \t\r", &rest), &line->limit))
            return "--limit takes a number from 1 to 100000";
        else if (strcmp(word, "--limit") == 0)
            continue;
        else if (line->command == NULL)
            line->command = word;
        else if (line->word == NULL)
            line->word = word;
        else
            return "there are too many words";
    }
    return line->command == NULL ? "a command is missing" : NULL;
}

static void client_delete(struct control_client *client)
{
    sip_buffer_destroy(&client->answer);
    memory_delete(client->host, client, sizeof *client);
}

static void client_on_closed(uv_handle_t *handle)
{
    struct control_client *client = handle->data;
    client->closed = true;
    if (!client->commanded)
        client_delete(client);
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
        local_client_close(&client->local);
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

static void client_write(struct control_client *client, struct text text, enum control_verdict verdict, const char *why)
{
    static const char *const words[] = {"ok\n", "unchanged", "error", "usage"};
    client->answer.host = client->host;
    sip_append(&client->answer, text);
    sip_append(&client->answer, text_of(words[verdict]));
    if (verdict != CONTROL_OK) {
        sip_append(&client->answer, TEXT(": "));
        sip_append(&client->answer, text_of(why));
        sip_append(&client->answer, TEXT("\n"));
    }
    local_client_answer(&client->local, &client->answer);
}

void control_answer(struct control_client *client, struct text text, enum control_verdict verdict, const char *why)
{
    client->commanded = false;
    if (client->closed)
        client_delete(client);
    else if (!uv_is_closing((uv_handle_t *)&client->local.pipe))
        client_write(client, text, verdict, why);
}

static struct local_client *client_new(void *context)
{
    struct control *control = context;
    struct control_client *client = memory_new(control->host, sizeof *client);
    if (client == NULL)
        return NULL;
    client->control = control;
    client->host = control->host;
    return &client->local;
}

static void client_connected(struct local_client *client)
{
    if (uv_read_start((uv_stream_t *)&client->pipe, on_allocate, on_read) != 0)
        local_client_close(client);
}

int control_create(struct control *control, uv_loop_t *loop, const struct host *host, const char *path,
                   control_command *command, void *context)
{
    const struct local_socket_events events = {
        .context = control, .client_new = client_new, .connected = client_connected, .closed = client_on_closed};
    *control = (struct control){.host = host, .command = command, .context = context};
    mode_t before = umask(0177);
    int error = local_socket_create(&control->local, loop, path, &events);
    umask(before);
    return error;
}

void control_destroy(struct control *control)
{
    local_socket_destroy(&control->local);
}
