// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/users_removed.h"

#include "base/memory.h"

void users_removed_create(struct users_removed *removed, const struct host *host)
{
    *removed = (struct users_removed){.host = host};
}

static void names_destroy(const struct host *host, struct users_names *names)
{
    memory_delete(host, names->bytes, names->size);
    *names = (struct users_names){0};
}

void users_removed_destroy(struct users_removed *removed)
{
    names_destroy(removed->host, &removed->known);
    names_destroy(removed->host, &removed->read);
}

static bool names_reserve(const struct host *host, struct users_names *names, size_t more)
{
    size_t size = names->size != 0 ? names->size : 1024;
    while (size - names->length < more)
        size *= 2;
    char *bytes = size == names->size ? names->bytes : host->allocate(host->context, names->bytes, names->size, size);
    if (bytes == NULL)
        return false;
    names->bytes = bytes;
    names->size = size;
    return true;
}

static void pass_start(struct users_removed *removed)
{
    removed->read.length = removed->compared = removed->last = removed->seen = 0;
    removed->reads = true;
    removed->again = removed->failed = false;
}

void users_removed_begin(struct users_removed *removed)
{
    removed->again = removed->reads;
    if (!removed->reads)
        pass_start(removed);
}

const char *users_removed_after(const struct users_removed *removed)
{
    return removed->read.length > 0 ? removed->read.bytes + removed->last : "";
}

/* Reports those who are known and come before this one; NULL: all the rest. */
static void report_before(struct users_removed *removed, const char *aor)
{
    while (removed->compared < removed->known.length) {
        const char *known = removed->known.bytes + removed->compared;
        int order = aor != NULL ? strcmp(known, aor) : -1;
        if (order > 0)
            return;
        removed->compared += strlen(known) + 1;
        if (order == 0)
            return;
        removed->report(removed->context, known);
    }
}

/* AORs out of order would make others look removed. Only in a file of another program could they be. */
void users_removed_see(void *context, const char *aor)
{
    struct users_removed *removed = context;
    removed->seen++;
    if (removed->failed || strcmp(aor, users_removed_after(removed)) <= 0 ||
        !names_reserve(removed->host, &removed->read, strlen(aor) + 1)) {
        removed->failed = true;
        return;
    }
    removed->last = removed->read.length;
    memcpy(removed->read.bytes + removed->last, aor, strlen(aor) + 1);
    removed->read.length += strlen(aor) + 1;
    report_before(removed, aor);
}

static void pass_finish(struct users_removed *removed)
{
    struct users_names known = removed->known;
    report_before(removed, NULL);
    removed->known = removed->read;
    removed->read = known;
    removed->reads = false;
    if (removed->again)
        pass_start(removed);
}

void users_removed_give_up(struct users_removed *removed)
{
    removed->reads = false;
}

void users_removed_end_slice(struct users_removed *removed, size_t most)
{
    bool last = removed->seen < most;
    removed->seen = 0;
    if (removed->failed)
        users_removed_give_up(removed);
    else if (last)
        pass_finish(removed);
}
