// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_data.h"

enum { PATH_MOST = 512, FILE_MOST = 1 << 20 };

static const char MARK[] = "=== ";

static void data_failed(const char *name, const char *what)
{
    fprintf(stderr, "tests/data/%s: %s\n", name, what);
    abort();
}

static void *data_allocate(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (memory == NULL)
        abort();
    return memory;
}

struct text test_data_load(const char *name)
{
    char path[PATH_MOST];
    snprintf(path, sizeof path, "tests/data/%s", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        data_failed(name, strerror(errno));
    char *bytes = data_allocate(NULL, FILE_MOST + 1);
    size_t length = fread(bytes, 1, FILE_MOST, file);
    if (length == 0 || length == FILE_MOST || ferror(file))
        data_failed(name, "is empty, too long or unreadable");
    fclose(file);
    bytes[length] = '\0';
    return (struct text){data_allocate(bytes, length + 1), length};
}

void data_table_open(struct data_table *table, const char *name, bool has_header)
{
    table->name = name;
    table->bytes = table->next = (char *)test_data_load(name).at;
    if (has_header)
        strsep(&table->next, "\n");
}

bool data_table_next(struct data_table *table, const char **fields, size_t count)
{
    char *row = strsep(&table->next, "\n");
    if (row == NULL || (*row == '\0' && table->next == NULL))
        return false;
    for (size_t i = 0; i < count; i++)
        if ((fields[i] = strsep(&row, "\t")) == NULL)
            data_failed(table->name, "a row has too few fields");
    if (row != NULL)
        data_failed(table->name, "a row has too many fields");
    return true;
}

void data_table_close(struct data_table *table)
{
    free(table->bytes);
}

/* Returns the sample's bytes, of which there is room for `capacity`. */
static char *sample_add(struct message_samples *samples, size_t capacity)
{
    samples->at = data_allocate(samples->at, (samples->count + 1) * sizeof *samples->at);
    char *bytes = data_allocate(NULL, capacity + 1);
    samples->at[samples->count++] = (struct message_sample){.text = {bytes, 0}};
    return bytes;
}

/* One message of a flow: `lines` up to the next mark. Returns the place of that mark, or NULL. */
static const char *flow_message_add(struct message_samples *samples, const char *lines)
{
    char *to = sample_add(samples, 2 * strlen(lines)), *start = to;
    while (*lines != '\0' && strncmp(lines, MARK, sizeof MARK - 1) != 0) {
        size_t length = strcspn(lines, "\n");
        memcpy(to, lines, length);
        memcpy(to + length, "\r\n", 2);
        to += length + 2;
        lines += length + (lines[length] == '\n');
    }
    *to = '\0';
    samples->at[samples->count - 1].text.length = (size_t)(to - start);
    return *lines != '\0' ? lines : NULL;
}

static void flow_add(struct message_samples *samples, const char *name, const char *stem)
{
    struct text flow = test_data_load(name);
    const char *mark = strstr(flow.at, MARK);
    if (mark == NULL)
        data_failed(name, "has no message");
    for (unsigned number = 1; mark != NULL; number++) {
        size_t length = strcspn(mark, "\n");
        const char *next = flow_message_add(samples, mark + length + 1);
        struct message_sample *sample = &samples->at[samples->count - 1];
        snprintf(sample->name, sizeof sample->name, "%.60s/%u", stem, number);
        snprintf(sample->mark, sizeof sample->mark, "%.*s", (int)(length - (sizeof MARK - 1)), mark + sizeof MARK - 1);
        mark = next;
    }
    free((char *)flow.at);
}

static void file_add(struct message_samples *samples, const char *path)
{
    const char *name = path + strlen("tests/data/");
    const char *stem = strrchr(path, '/') + 1, *end = strrchr(stem, '.');
    char short_name[64];
    snprintf(short_name, sizeof short_name, "%.*s", (int)(end - stem), stem);
    if (strcmp(end, ".dat") != 0) {
        flow_add(samples, name, short_name);
    } else {
        struct text text = test_data_load(name);
        memcpy(sample_add(samples, text.length), text.at, text.length);
        samples->at[samples->count - 1].text.length = text.length;
        snprintf(samples->at[samples->count - 1].name, sizeof samples->at->name, "%s", short_name);
        free((char *)text.at);
    }
}

void message_samples_create(struct message_samples *samples, const char *folder)
{
    char pattern[PATH_MOST];
    glob_t found;
    *samples = (struct message_samples){0};
    snprintf(pattern, sizeof pattern, "tests/data/%s/*.[df]*", folder);
    if (glob(pattern, 0, NULL, &found) != 0)
        data_failed(folder, "no messages");
    for (size_t i = 0; i < found.gl_pathc; i++)
        file_add(samples, found.gl_pathv[i]);
    globfree(&found);
}

void message_samples_destroy(struct message_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++)
        free((char *)samples->at[i].text.at);
    free(samples->at);
}
