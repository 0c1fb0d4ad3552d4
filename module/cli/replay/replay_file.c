// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/replay/replay_input.h"
#include "cli/replay/replay_private.h"

/* A file of any kind, including pipes: its first bytes are examined and then read again. */

enum { PEEKED = 64, BLOCK = 262144 };

struct peek {
    FILE *file;
    struct replay *replay;
    char bytes[PEEKED];
    size_t length, given;
};

static ssize_t peek_read(void *cookie, char *to, size_t size)
{
    struct peek *peek = cookie;
    size_t length = peek->length - peek->given;
    if (length > 0) {
        length = length < size ? length : size;
        memcpy(to, peek->bytes + peek->given, length);
        peek->given += length;
    } else {
        length = fread(to, 1, size, peek->file);
        if (length == 0 && ferror(peek->file))
            return -1;
    }
    peek->replay->done += length;
    return (ssize_t)length;
}

static int peek_close(void *cookie)
{
    struct peek *peek = cookie;
    int result = peek->file != peek->replay->config.cli->in ? fclose(peek->file) : 0;
    free(peek);
    return result;
}

enum kind { KIND_CAPTURE, KIND_DECISIONS, KIND_MESSAGES };

static enum kind kind_of(const char *bytes, size_t length)
{
    static const char magic[][4] = {"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1",
                                    "\xa1\xb2\xcd\x34", "\x34\xcd\xb2\xa1", "\x0a\x0d\x0d\x0a"};
    for (size_t i = 0; length >= 4 && i < sizeof magic / sizeof magic[0]; i++)
        if (memcmp(bytes, magic[i], 4) == 0)
            return KIND_CAPTURE;
    size_t at = 0;
    while (at < length && (bytes[at] == ' ' || bytes[at] == '\r' || bytes[at] == '\n' || bytes[at] == '\t'))
        at++;
    return at < length && bytes[at] == '{' ? KIND_DECISIONS : KIND_MESSAGES;
}

/* Returns NULL with errno; then nothing stays open. */
static FILE *open_peeked(struct replay *replay, const char *path, enum kind *kind)
{
    struct stat status = {0};
    struct peek *peek = calloc(1, sizeof *peek);
    bool input = strcmp(path, "-") == 0;
    if (peek == NULL)
        return NULL;
    peek->file = input ? replay->config.cli->in : fopen(path, "rbe");
    if (peek->file == NULL || (fileno(peek->file) >= 0 && fstat(fileno(peek->file), &status) != 0))
        goto out;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        goto out;
    }
    peek->replay = replay;
    peek->length = fread(peek->bytes, 1, sizeof peek->bytes, peek->file);
    if (ferror(peek->file))
        goto out;
    *kind = kind_of(peek->bytes, peek->length);
    replay->size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    replay->done = 0;
    FILE *file = fopencookie(peek, "r", (cookie_io_functions_t){.read = peek_read, .close = peek_close});
    if (file == NULL)
        goto out;
    setvbuf(file, NULL, _IOFBF, BLOCK);
    return file;
out:
    if (peek->file != NULL && !input) {
        int error = errno;
        fclose(peek->file);
        errno = error;
    }
    free(peek);
    return NULL;
}

static int read_kind(struct replay *replay, FILE *file, enum kind kind)
{
    char error[512] = "";
    struct cli *cli = replay->config.cli;
    if (kind == KIND_CAPTURE) {
        int status = replay_capture(replay, file, error, sizeof error);
        replay_progress_clear(replay);
        if (status != CLI_OK)
            cli_usage(cli, "replay", "%s: %s", replay->path, error);
        return status;
    }
    int result = kind == KIND_DECISIONS ? replay_decision_log(replay, file) : replay_text(replay, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    replay_progress_clear(replay);
    if (failed)
        return cli_usage(cli, "replay", "%s: it cannot be read to its end", replay->path);
    if (result == -ENODATA)
        return cli_usage(cli, "replay", "%s: neither a capture nor a log with SIP messages or decisions", replay->path);
    if (result != 0)
        cli_usage(cli, "replay", "%s: out of memory", replay->path);
    return result != 0 ? CLI_FAILED : CLI_OK;
}

int replay_file(struct replay *replay, const char *path)
{
    enum kind kind = KIND_MESSAGES;
    replay->path = strcmp(path, "-") == 0 ? "standard input" : path;
    replay->told = 0;
    FILE *file = open_peeked(replay, path, &kind);
    if (file == NULL)
        return cli_usage(replay->config.cli, "replay", "%s: %s", replay->path, strerror(errno));
    replay->unit = kind == KIND_CAPTURE ? "packet" : "line";
    return read_kind(replay, file, kind);
}
