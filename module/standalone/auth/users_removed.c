// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/users_removed.h"

#include <stdlib.h>

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
    names_destroy(removed->host, &removed->found);
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

static void names_put(struct users_names *names, const char *aor)
{
    size_t size = strlen(aor) + 1;
    memcpy(names->bytes + names->length, aor, size);
    names->length += size;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Merges a list in order with `count` names in order, each once. `to` has room for both. */
static void names_merge(const struct users_names *names, const char *const *more, size_t count, struct users_names *to)
{
    size_t at = 0, i = 0;
    while (at < names->length || i < count) {
        const char *name = at < names->length ? names->bytes + at : NULL;
        int order = name == NULL ? 1 : i == count ? -1 : strcmp(name, more[i]);
        const char *next = order <= 0 ? name : more[i];
        at += order <= 0 ? strlen(name) + 1 : 0;
        names_put(to, next);
        while (i < count && strcmp(more[i], next) == 0)
            i++;
    }
}

static size_t names_count(const struct users_names *names)
{
    size_t count = 0;
    for (size_t at = 0; at < names->length; at += strlen(names->bytes + at) + 1)
        count++;
    return count;
}

/* Those who were found are known, too. Without memory, they are left for the next pass. */
static void know_found(struct users_removed *removed)
{
    struct users_names *found = &removed->found, merged = {0};
    size_t count = names_count(found), size = count * sizeof(char *), i = 0;
    const char **names = count > 0 ? memory_new(removed->host, size) : NULL;
    if (names == NULL)
        return;
    if (names_reserve(removed->host, &merged, removed->known.length + found->length)) {
        for (size_t at = 0; at < found->length; at += strlen(found->bytes + at) + 1)
            names[i++] = found->bytes + at;
        qsort(names, count, sizeof *names, compare_names);
        names_merge(&removed->known, names, count, &merged);
        names_destroy(removed->host, &removed->known);
        names_destroy(removed->host, found);
        removed->known = merged;
    }
    memory_delete(removed->host, names, size);
}

void users_removed_found(void *context, struct text aor)
{
    struct users_removed *removed = context;
    struct users_names *found = &removed->found;
    if (found->length > USERS_FOUND_MOST || !names_reserve(removed->host, found, aor.length + 1))
        return;
    memcpy(found->bytes + found->length, aor.at, aor.length);
    found->bytes[found->length + aor.length] = '\0';
    found->length += aor.length + 1;
}

static void pass_start(struct users_removed *removed)
{
    know_found(removed);
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
    names_put(&removed->read, aor);
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
