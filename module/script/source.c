// SPDX-License-Identifier: BSD-2-Clause
#include "script/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a */
static uint64_t hash_of(const char *bytes, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3U;
    return hash;
}

/* Until the end of file; a file that grows while it is read ends at the size it had. */
static int read_all(int file, struct source *source)
{
    while (source->length < source->size) {
        ssize_t count = read(file, source->bytes + source->length, source->size - source->length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        source->length += (size_t)count;
    }
    return 0;
}

int source_create(struct source *source, const struct host *host, const char *path, size_t most)
{
    int error = 0;
    struct stat status;
    *source = (struct source){0};
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not hold the server up
    if (file < 0)
        return -errno;
    if (fstat(file, &status) != 0)
        error = -errno;
    else if (S_ISDIR(status.st_mode))
        error = -EISDIR;
    else if (!S_ISREG(status.st_mode))
        error = -EINVAL;
    else if ((uint64_t)status.st_size > most)
        error = -EFBIG;
    if (error != 0)
        goto out;
    source->size = (size_t)status.st_size + 1;
    source->bytes = host->allocate(host->context, NULL, 0, source->size);
    error = source->bytes != NULL ? read_all(file, source) : -ENOMEM;
    if (error == 0)
        source->hash = hash_of(source->bytes, source->length);
out:
    close(file);
    return error;
}

void source_destroy(struct source *source, const struct host *host)
{
    if (source->bytes != NULL)
        host->allocate(host->context, source->bytes, source->size, 0);
    source->bytes = NULL;
}
