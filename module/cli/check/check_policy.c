// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/plain_host.h"
#include "cli/base/policy_load.h"
#include "cli/check/check.h"
#include "script/base/printable.h"

static uint64_t now_ms(void *context)
{
    return ((struct check *)context)->now_ms;
}

static int64_t wall_s(void *context)
{
    return 1700000000 + (int64_t)(((struct check *)context)->now_ms / 1000);
}

static uint32_t random_number(void *context)
{
    struct check *check = context;
    check->seed = check->seed * 1664525U + 1013904223U;
    return check->seed ^ (check->seed >> 16);
}

/* The length of a path before ": ", where no line is known. */
static size_t path_length(const char *message)
{
    char path[sizeof(((struct finding *)NULL)->place)];
    const char *end = strstr(message, ": ");
    size_t length = end != NULL ? (size_t)(end - message) : 0;
    if (length == 0 || length >= sizeof path)
        return 0;
    memcpy(path, message, length);
    path[length] = '\0';
    return access(path, F_OK) == 0 ? length : 0;
}

/* "a.lua:3: reason" has its place before the kind, as other findings. */
static void found_message(struct check *check, enum finding_kind kind, const char *message)
{
    struct finding finding = {.kind = (uint8_t)kind};
    size_t length = policy_place_length(message);
    if (length == 0)
        length = path_length(message);
    snprintf(finding.place, sizeof finding.place, "%.*s", (int)length, message);
    snprintf(finding.text, sizeof finding.text, "%s", length > 0 ? message + length + 2 : message);
    check_found(check, &finding, 0, METHOD_OTHER);
}

static void log_line(void *context, enum log_level level, const char *line)
{
    struct check *check = context;
    if (level == LOG_ERROR)
        snprintf(check->last_error, sizeof check->last_error, "%s", line);
    if (level != LOG_WARNING || !check->loading)
        return;
    found_message(check, FINDING_NAME, line);
}

static bool same(const struct finding *a, const struct finding *b)
{
    return a->kind == b->kind && a->rule == b->rule && strcmp(a->place, b->place) == 0 &&
           strcmp(a->verdict, b->verdict) == 0 && strcmp(a->text, b->text) == 0;
}

static struct finding *add(struct check *check, const struct finding *finding)
{
    if (check->count == FINDINGS_MOST) {
        check->more = true;
        return NULL;
    }
    if (check->count == check->capacity) {
        size_t capacity = check->capacity == 0 ? 16 : check->capacity * 2;
        struct finding *findings = realloc(check->findings, capacity * sizeof *findings);
        if (findings == NULL) {
            check->more = true;
            return NULL;
        }
        check->findings = findings;
        check->capacity = capacity;
    }
    struct finding *added = &check->findings[check->count++];
    *added = *finding;
    if (check->trying != NULL)
        snprintf(added->with, sizeof added->with, "%s", check->trying);
    printable_write(added->text, sizeof added->text, finding->text); // it may quote the policy
    return added;
}

void check_found(struct check *check, const struct finding *finding, uint32_t code, enum method method)
{
    struct finding *known = NULL;
    for (size_t i = 0; i < check->count && known == NULL; i++) {
        if (same(&check->findings[i], finding))
            known = &check->findings[i];
    }
    if (known == NULL)
        known = add(check, finding);
    if (known == NULL)
        return;
    if (code < CHECK_CODES)
        known->codes[code / 8] |= (uint8_t)(1U << code % 8);
    known->methods |= 1U << method;
}

static bool is_unreadable(int code)
{
    return code != -EINVAL && code != -ETIME && code != -ENOMEM && code != -EFBIG;
}

int check_policy(struct check *check, const struct layer_options *layers, const char *path, char *error,
                 size_t error_size)
{
    const struct script_limits limits = {0};
    *check = (struct check){.now_ms = 1000000, .seed = 1, .loading = true};
    check->host = (struct host){.context = check,
                                .now_ms = now_ms,
                                .wall_s = wall_s,
                                .allocate = plain_allocate,
                                .random = random_number,
                                .log = log_line};
    int code = policy_load(&check->script, &check->host, &limits, layers, path, error, error_size);
    check->loading = false;
    if (code != 0 && is_unreadable(code))
        return code;
    if (code != 0) {
        found_message(check, FINDING_LOAD, error);
        return 0;
    }
    check_fields(check);
    check_hooks(check);
    return 0;
}

void check_destroy(struct check *check)
{
    script_release(check->script);
    free(check->findings);
    check->script = NULL;
    check->findings = NULL;
    check->count = 0;
}

const char *finding_kind_name(enum finding_kind kind)
{
    static const char *const names[FINDING_KINDS] = {"load",      "name",    "field",   "verdict", "hook",
                                                     "guardrail", "failure", "overrun", "memory"};
    return kind < FINDING_KINDS ? names[kind] : "unknown";
}
