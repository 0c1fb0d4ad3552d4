// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/address/domains.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/table.h"
#include "sip/message.h"
#include "standalone/names/host_name.h"

struct domain {
    struct table_link link;
    size_t size; /* of this block */
    size_t length;
    char name[]; /* canonical */
};

struct domains {
    const struct host *host;
    struct hash_key key;
    struct table table;        /* by digest of the canonical name */
    const struct domain *last; /* that was found last; NULL: none was found yet */
};

int domains_new(struct domains **out, const struct host *host)
{
    struct domains *domains = memory_new(host, sizeof *domains);
    if (domains == NULL)
        return -ENOMEM;
    domains->host = host;
    hash_key_draw(&domains->key, host);
    if (table_create(&domains->table, host) != 0) {
        memory_delete(host, domains, sizeof *domains);
        return -ENOMEM;
    }
    *out = domains;
    return 0;
}

void domains_delete(struct domains *domains)
{
    struct table_link *link;
    if (domains == NULL)
        return;
    while ((link = table_any(&domains->table)) != NULL) {
        struct domain *domain = TABLE_OWNER(link, struct domain, link);
        table_remove(&domains->table, link);
        memory_delete(domains->host, domain, domain->size);
    }
    table_destroy(&domains->table);
    memory_delete(domains->host, domains, sizeof *domains);
}

/* Writes the form that equal names share; returns its length, or 0. */
static size_t write_canonical(struct text name, char out[HOST_NAME_MOST + 1])
{
    int length = sip_host_write(name, out, HOST_NAME_MOST);
    return length > 0 ? (size_t)length : 0;
}

static struct domain *find(const struct domains *domains, struct text canonical, uint64_t digest)
{
    struct table_link *link = table_find(&domains->table, digest);
    for (; link != NULL; link = table_next(link)) {
        struct domain *domain = TABLE_OWNER(link, struct domain, link);
        if (text_equal((struct text){domain->name, domain->length}, canonical))
            return domain;
    }
    return NULL;
}

int domains_add(struct domains *domains, struct text name)
{
    char bytes[HOST_NAME_MOST + 1];
    struct text canonical = {bytes, host_name_is_valid(name) ? write_canonical(name, bytes) : 0};
    if (canonical.length == 0)
        return -EINVAL;
    uint64_t digest = hash_seal(&domains->key, canonical);
    if (find(domains, canonical, digest) != NULL)
        return 0;
    if (domains->table.count == DOMAINS_MOST)
        return -ENOSPC;
    size_t size = sizeof(struct domain) + canonical.length;
    struct domain *domain = memory_new(domains->host, size);
    if (domain == NULL)
        return -ENOMEM;
    domain->size = size;
    domain->length = canonical.length;
    memcpy(domain->name, canonical.at, canonical.length);
    table_add(&domains->table, &domain->link, digest);
    return 0;
}

/* The URIs of one request, and of most requests, name the same domain. */
bool domains_have(const struct domains *domains, struct text host)
{
    char bytes[HOST_NAME_MOST + 1];
    struct domains *cache = (struct domains *)domains;
    const struct domain *last = domains != NULL ? domains->last : NULL;
    if (last != NULL && text_equal_nocase(host, (struct text){last->name, last->length}))
        return true;
    struct text canonical = {bytes, domains != NULL ? write_canonical(host, bytes) : 0};
    const struct domain *found =
        canonical.length > 0 ? find(domains, canonical, hash_seal(&domains->key, canonical)) : NULL;
    if (found != NULL)
        cache->last = found;
    return found != NULL;
}

size_t domains_count(const struct domains *domains)
{
    return domains->table.count;
}

/* --- files --- */

/* The name on a line; empty for a blank line or a comment. */
static struct text name_on_line(const char *line, size_t length)
{
    size_t start = 0;
    const char *comment = memchr(line, '#', length);
    length = comment != NULL ? (size_t)(comment - line) : length;
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        length--;
    while (start < length && isspace((unsigned char)line[start]))
        start++;
    return (struct text){line + start, length - start};
}

static const char *reason(int result)
{
    switch (result) {
    case -EINVAL:
        return "not a domain name";
    case -ENOSPC:
        return "too many domains: at most 4096 are served";
    case -E2BIG:
        return "longer than 1023 bytes";
    default:
        return "out of memory";
    }
}

enum { LINE_MOST = 1024 };

/* The next line without its end, which may have NULs in it; its length, -1 at the end of the file, -E2BIG. */
static int read_line(FILE *file, char line[LINE_MOST])
{
    int length = 0, c;
    while ((c = getc(file)) != EOF && c != '\n') {
        if (length == LINE_MOST - 1)
            return -E2BIG;
        line[length++] = (char)c;
    }
    return c == EOF && length == 0 ? -1 : length;
}

static int add_lines(struct domains *domains, FILE *file, const char *path, char *error, size_t error_size)
{
    char line[LINE_MOST] = "";
    int length, result = 0;
    for (unsigned number = 1; result == 0 && (length = read_line(file, line)) != -1; number++) {
        struct text name = {line, 0};
        if (length > 0)
            name = name_on_line(line, (size_t)length);
        if (length < 0)
            result = length;
        else if (name.length > 0)
            result = domains_add(domains, name);
        if (result != 0)
            snprintf(error, error_size, "%s line %u: %.*s%s%s", path, number,
                     (int)(name.length < 64 ? name.length : 64), name.at, name.length > 0 ? ": " : "", reason(result));
    }
    return result;
}

/* Only a regular file: a pipe without a writer would block the server. */
static int open_file(const char *path, FILE **file, char *error, size_t error_size)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        snprintf(error, error_size, "cannot read %s: not a regular file", path);
        close(fd);
        return -EINVAL;
    }
    *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (*file != NULL)
        return 0;
    int result = -errno;
    snprintf(error, error_size, "cannot open %s: %s", path, strerror(-result));
    if (fd >= 0)
        close(fd);
    return result;
}

int domains_add_file(struct domains *domains, const char *path, char *error, size_t error_size)
{
    FILE *file = NULL;
    int opened = open_file(path, &file, error, error_size);
    if (opened != 0)
        return opened;
    int result = add_lines(domains, file, path, error, error_size);
    if (result == 0 && ferror(file)) {
        result = -EIO;
        snprintf(error, error_size, "cannot read %s: %s", path, strerror(errno));
    }
    fclose(file);
    return result;
}
