// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script/sources/sources_private.h"

/*
 * The file of the last good version. It has a line with its kind, the numbers of layers and files, the layers, the
 * files, and the checksum of everything before it. Numbers have 64 bits, lowest byte first; a text is preceded by its
 * length.
 */

static const char magic[] = "reflow policy 1\n";
static const char kind[] = "reflow policy "; /* the same in every version of the format */

enum { NUMBER_SIZE = 8, MAGIC_SIZE = sizeof magic - 1, SAVED_MOST = 256 << 20 };

struct writer {
    char *bytes; /* NULL: only count */
    size_t length;
};

static void put_bytes(struct writer *writer, const void *bytes, size_t length)
{
    if (writer->bytes != NULL)
        memcpy(writer->bytes + writer->length, bytes, length);
    writer->length += length;
}

static void put_number(struct writer *writer, uint64_t number)
{
    unsigned char bytes[NUMBER_SIZE];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    put_bytes(writer, bytes, sizeof bytes);
}

static void put_text(struct writer *writer, struct text text)
{
    put_number(writer, text.length);
    put_bytes(writer, text.at, text.length);
}

static void put_sources(struct writer *writer, const struct sources *sources)
{
    put_bytes(writer, magic, MAGIC_SIZE);
    put_number(writer, sources->layer_count);
    put_number(writer, sources->count);
    for (size_t i = 0; i < sources->layer_count; i++) {
        const struct layer *layer = &sources->layers[i];
        put_text(writer, text_of(layer->name));
        put_text(writer, text_of(layer->tenant));
        put_text(writer, text_of(layer->path));
        put_number(writer, (uint32_t)layer->priority);
    }
    for (size_t i = 0; i < sources->count; i++) {
        const struct source_file *file = &sources->files[i].file;
        put_number(writer, file->layer);
        put_number(writer, file->library);
        put_text(writer, file->name);
        put_text(writer, file->bytes);
    }
}

static int write_all(int file, const char *bytes, size_t length)
{
    while (length != 0) {
        ssize_t count = write(file, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        bytes += count;
        length -= (size_t)count;
    }
    return 0;
}

/* Makes the rename itself survive a power cut. A file system that does not support this is not an error. */
static void sync_folder(const char *path)
{
    char folder[1024];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1, slash != NULL ? path : ".");
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return;
    fsync(file);
    close(file);
}

static int write_aside(const char *path, const char *bytes, size_t length)
{
    char aside[1100];
    int name_length = snprintf(aside, sizeof aside, "%s.%ld.new", path, (long)getpid());
    if (name_length < 0 || (size_t)name_length >= sizeof aside)
        return -ENAMETOOLONG;
    int file = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    int error = write_all(file, bytes, length);
    if (error == 0 && fsync(file) != 0)
        error = -errno;
    if (close(file) != 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(aside, path) != 0)
        error = -errno;
    if (error != 0)
        unlink(aside);
    else
        sync_folder(path);
    return error;
}

int sources_pack(const struct sources *sources, char **bytes, size_t *size)
{
    const struct host *host = sources->host;
    struct writer writer = {0};
    put_sources(&writer, sources);
    *size = writer.length + NUMBER_SIZE;
    writer = (struct writer){.bytes = host->allocate(host->context, NULL, 0, *size)};
    if (writer.bytes == NULL)
        return -ENOMEM;
    put_sources(&writer, sources);
    put_number(&writer, sources_checksum(writer.bytes, writer.length));
    *bytes = writer.bytes;
    return 0;
}

/* The rename replaces any existing file, even a device or the source of a policy. */
static int check_replaceable(const char *path)
{
    char head[sizeof kind - 1];
    struct stat status = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT ? 0 : -errno;
    bool regular = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    ssize_t length = regular ? sources_read_all(file, head, sizeof head) : -EEXIST;
    close(file);
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    return length == 0 || (length == (ssize_t)sizeof head && memcmp(head, kind, sizeof head) == 0) ? 0 : -EEXIST;
}

int sources_save(const struct sources *sources, const char *path)
{
    const struct host *host = sources->host;
    char *bytes;
    size_t size;
    int error = check_replaceable(path);
    if (error == 0)
        error = sources_pack(sources, &bytes, &size);
    if (error != 0)
        return error;
    error = write_aside(path, bytes, size);
    host->allocate(host->context, bytes, size, 0);
    return error;
}

const char *sources_save_reason(int error)
{
    return error == -EEXIST ? "the file has something else in it" : strerror(-error);
}

struct reader {
    const unsigned char *at, *end;
    bool broken;
};

static uint64_t get_number(struct reader *reader)
{
    uint64_t number = 0;
    if (reader->end - reader->at < NUMBER_SIZE) {
        reader->broken = true;
        return 0;
    }
    for (size_t i = 0; i < NUMBER_SIZE; i++)
        number |= (uint64_t)reader->at[i] << 8 * i;
    reader->at += NUMBER_SIZE;
    return number;
}

static struct text get_text(struct reader *reader)
{
    uint64_t length = get_number(reader);
    if (reader->broken || length > (uint64_t)(reader->end - reader->at)) {
        reader->broken = true;
        return (struct text){"", 0};
    }
    struct text text = {(const char *)reader->at, (size_t)length};
    reader->at += length;
    return text;
}

static void get_word(struct reader *reader, char *out, size_t size)
{
    struct text text = get_text(reader);
    if (text.length >= size || memchr(text.at, '\0', text.length) != NULL) {
        reader->broken = true;
        return;
    }
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
}

static void get_layer(struct reader *reader, struct layer *layer)
{
    get_word(reader, layer->name, sizeof layer->name);
    get_word(reader, layer->tenant, sizeof layer->tenant);
    get_word(reader, layer->path, sizeof layer->path);
    layer->priority = (int32_t)(uint32_t)get_number(reader);
}

static int get_file(struct reader *reader, struct sources *sources)
{
    struct source_file file = {.layer = (size_t)get_number(reader), .library = get_number(reader) != 0};
    char *bytes;
    file.name = get_text(reader);
    file.bytes = get_text(reader);
    if (reader->broken || file.layer >= sources->layer_count)
        return -EBADMSG;
    if (sources_add(sources, &file, &bytes) != 0)
        return -ENOMEM;
    memcpy(bytes, file.bytes.at, file.bytes.length);
    return 0;
}

static int get_sources(struct reader *reader, const struct host *host, struct sources **out)
{
    uint64_t layers = get_number(reader), files = get_number(reader);
    if (reader->broken || layers == 0 || layers > LAYERS_MOST)
        return -EBADMSG;
    struct sources *sources = sources_allocate(host, NULL, (size_t)layers);
    if (sources == NULL)
        return -ENOMEM;
    int error = 0;
    for (uint64_t i = 0; i < layers; i++)
        get_layer(reader, &sources->layers[i]);
    for (uint64_t i = 0; i < files && error == 0; i++)
        error = get_file(reader, sources);
    if (error == 0 && (reader->broken || reader->at != reader->end || files == 0))
        error = -EBADMSG;
    if (error == 0) {
        sources_finish(sources);
        *out = sources;
    } else {
        sources_release(sources);
    }
    return error;
}

static bool is_whole(const char *bytes, size_t length)
{
    if (length < MAGIC_SIZE + NUMBER_SIZE || memcmp(bytes, magic, MAGIC_SIZE) != 0)
        return false;
    struct reader sum = {(const unsigned char *)bytes + length - NUMBER_SIZE, (const unsigned char *)bytes + length, 0};
    return get_number(&sum) == sources_checksum(bytes, length - NUMBER_SIZE);
}

int sources_unpack(struct sources **out, const struct host *host, const char *bytes, size_t size)
{
    const unsigned char *begin = (const unsigned char *)bytes;
    if (!is_whole(bytes, size))
        return -EBADMSG;
    struct reader reader = {begin + MAGIC_SIZE, begin + size - NUMBER_SIZE, false};
    return get_sources(&reader, host, out);
}

static int read_saved(int file, const struct host *host, struct sources **out)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_size > SAVED_MOST)
        return -EBADMSG;
    size_t size = (size_t)status.st_size + 1;
    char *bytes = host->allocate(host->context, NULL, 0, size);
    if (bytes == NULL)
        return -ENOMEM;
    ssize_t length = sources_read_all(file, bytes, size - 1);
    int error = length < 0 ? (int)length : sources_unpack(out, host, bytes, (size_t)length);
    host->allocate(host->context, bytes, size, 0);
    return error;
}

int sources_load(struct sources **out, const struct host *host, const char *path, char *error, size_t error_size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int code = file >= 0 ? read_saved(file, host, out) : -errno;
    if (file >= 0)
        close(file);
    if (code != 0)
        snprintf(error, error_size, "%s: %s", path,
                 code == -EBADMSG ? "not a policy as it was saved" : strerror(-code));
    return code;
}
