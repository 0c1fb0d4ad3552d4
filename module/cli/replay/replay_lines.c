// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "cli/replay/replay_input.h"

static bool fill(struct replay_lines *lines)
{
    if (lines->bytes == NULL)
        lines->bytes = malloc(2 * (size_t)REPLAY_LINE_MOST);
    if (lines->bytes == NULL)
        return false;
    if (lines->start > 0) {
        memmove(lines->bytes, lines->bytes + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    size_t more = fread(lines->bytes + lines->end, 1, 2 * (size_t)REPLAY_LINE_MOST - lines->end, lines->file);
    lines->end += more;
    return more > 0;
}

static bool take(struct replay_lines *lines, size_t length, size_t skip, struct text *line)
{
    *line = (struct text){lines->bytes + lines->start, length};
    lines->start += length + skip;
    lines->number++;
    return true;
}

/* The rest of a line that is too long. */
static void skip_line(struct replay_lines *lines)
{
    do {
        const char *at = lines->bytes + lines->start;
        const char *feed = memchr(at, '\n', lines->end - lines->start);
        if (feed != NULL) {
            lines->start += (size_t)(feed - at) + 1;
            return;
        }
        lines->start = lines->end;
    } while (fill(lines));
}

bool replay_lines_next(struct replay_lines *lines, struct text *line)
{
    if (lines->too_long)
        skip_line(lines);
    lines->too_long = false;
    if (lines->bytes == NULL && !fill(lines))
        return false;
    for (;;) {
        size_t available = lines->end - lines->start;
        const char *at = lines->bytes + lines->start;
        const char *feed = available > 0 ? memchr(at, '\n', available) : NULL;
        if (feed != NULL && feed - at <= REPLAY_LINE_MOST)
            return take(lines, (size_t)(feed - at), 1, line);
        if (available > REPLAY_LINE_MOST) {
            lines->too_long = true;
            return take(lines, REPLAY_LINE_MOST, 0, line);
        }
        if (!fill(lines))
            return available > 0 && take(lines, available, 0, line);
    }
}

void replay_lines_destroy(struct replay_lines *lines)
{
    free(lines->bytes);
    lines->bytes = NULL;
}
