// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/lookups.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <strings.h>

#include "base/memory.h"
#include "standalone/names/name_cache.h"

enum { TTL_MOST_S = 3600 };

/* A request, which is answered once. */
struct name_request {
    struct name_request *next;
    lookup_done *done;
    void *again;
    struct lookup_owner owner;
    uint64_t due_ms;
    struct name_answer *answer; /* held, after it is in the list of ready requests */
    enum name_kind kind;
    char name[NAME_SIZE];
};

struct name_requests {
    struct name_request *first, **last;
    size_t count;
};

/* A lookup in progress and the requests that wait for it. It counts for the owner of the first request. */
struct name_task {
    struct name_task *next;
    struct name_lookup *lookup;
    struct lookup_owner owner;
    uint64_t due_ms;
    struct name_requests requests;
    enum name_kind kind;
    char name[NAME_SIZE];
};

struct lookups {
    struct names_config config;
    struct names_counters *counters;
    struct name_cache cache;
    ares_channel hosts_file; /* asks nobody */
    struct name_task *tasks;
    size_t task_count;
    struct name_requests waiting, ready;
    uv_timer_t timer;
    int family;
    bool closing;
};

static uint64_t lookups_now(const struct lookups *lookups)
{
    return lookups->config.host->now_ms(lookups->config.host->context);
}

/* --- queues of requests --- */

static void requests_create(struct name_requests *requests)
{
    *requests = (struct name_requests){.last = &requests->first};
}

static void requests_put(struct name_requests *requests, struct name_request *request)
{
    request->next = NULL;
    *requests->last = request;
    requests->last = &request->next;
    requests->count++;
}

static struct name_request *requests_take(struct name_requests *requests)
{
    struct name_request *request = requests->first;
    if (request == NULL)
        return NULL;
    requests->first = request->next;
    if (requests->first == NULL)
        requests->last = &requests->first;
    requests->count--;
    return request;
}

static bool is_same_owner(struct lookup_owner a, struct lookup_owner b)
{
    return a.source == b.source && a.chosen == b.chosen;
}

static size_t requests_of(const struct name_requests *requests, struct lookup_owner owner)
{
    size_t count = 0;
    for (const struct name_request *request = requests->first; request != NULL; request = request->next)
        count += is_same_owner(request->owner, owner);
    return count;
}

/* `answer` NULL: because of a limit, the end of the server or no memory. */
static void request_is_ready(struct lookups *lookups, struct name_request *request, struct name_answer *answer)
{
    request->answer = answer != NULL ? name_answer_hold(answer) : NULL;
    requests_put(&lookups->ready, request);
}

static void request_answer(const struct lookups *lookups, struct name_request *request)
{
    request->done(request->again, lookups->closing ? NULL : request->answer);
    name_answer_release(request->answer);
    memory_delete(lookups->config.host, request, sizeof *request);
}

/* --- lookups in progress --- */

static struct name_task *task_find(const struct lookups *lookups, const struct name_request *request)
{
    struct name_task *task = lookups->tasks;
    while (task != NULL && (task->kind != request->kind || strcasecmp(task->name, request->name) != 0))
        task = task->next;
    return task;
}

/* Names that strangers choose leave a quarter of the lookups, and names of the policy leave an eighth, because a policy
   may make names out of what strangers write. */
static bool task_may_begin(const struct lookups *lookups, struct lookup_owner owner)
{
    const struct names_limits *limits = &lookups->config.limits;
    size_t own = 0;
    if (owner.source == 0)
        return lookups->task_count < limits->at_once;
    for (const struct name_task *task = lookups->tasks; task != NULL; task = task->next)
        own += is_same_owner(task->owner, owner);
    return own < limits->per_source && lookups->task_count < limits->at_once - limits->at_once / (owner.chosen ? 8 : 4);
}

static void lookups_step(void *context);

static struct name_task *task_new(struct lookups *lookups, const struct name_request *request)
{
    const struct names_config *config = &lookups->config;
    const struct name_lookup_config lookup = {.loop = config->loop,
                                              .host = config->host,
                                              .servers = config->servers,
                                              .server_count = config->server_count,
                                              .kind = request->kind,
                                              .family = lookups->family,
                                              .changed = lookups_step,
                                              .context = lookups};
    struct name_task *task = memory_new(config->host, sizeof *task);
    if (task == NULL)
        return NULL;
    if (name_lookup_new(&task->lookup, &lookup, request->name) != 0) {
        memory_delete(config->host, task, sizeof *task);
        return NULL;
    }
    task->owner = request->owner;
    task->due_ms = request->due_ms;
    task->kind = request->kind;
    requests_create(&task->requests);
    memcpy(task->name, request->name, sizeof task->name);
    task->next = lookups->tasks;
    lookups->tasks = task;
    lookups->task_count++;
    lookups->counters->names_looked_up++;
    lookups->counters->names_srv += task->kind == NAME_SRV;
    lookups->counters->names_naptr += task->kind == NAME_NAPTR;
    return task;
}

static void task_delete(struct lookups *lookups, struct name_task **place)
{
    struct name_task *task = *place;
    *place = task->next;
    lookups->task_count--;
    name_lookup_delete(task->lookup);
    memory_delete(lookups->config.host, task, sizeof *task);
}

/* A failure is cached for some time even without a lifetime, because a stranger may name a name whose server is down.
 */
static void answer_remember(struct lookups *lookups, const struct name_task *task, struct name_answer *answer)
{
    uint32_t ttl_s = answer->ttl_s < TTL_MOST_S ? answer->ttl_s : TTL_MOST_S;
    bool has_ttl = answer->outcome == NAME_FOUND || answer->has_ttl;
    uint64_t keep_ms = has_ttl ? ttl_s * 1000ULL : lookups->config.limits.failure_ms;
    if (answer->outcome != NAME_NOT_ASKED && keep_ms > 0)
        name_cache_put(&lookups->cache, task->kind, task->name, answer, lookups_now(lookups) + keep_ms);
}

/* All requests that waited for it become ready. */
static void task_end(struct lookups *lookups, struct name_task **place)
{
    struct name_task *task = *place;
    struct name_answer *answer = name_lookup_answer(task->lookup);
    struct name_request *request;
    bool found = answer != NULL && answer->outcome == NAME_FOUND;
    lookups->counters->names_failed += task->kind == NAME_ADDRESSES && !found;
    if (answer != NULL)
        answer_remember(lookups, task, answer);
    while ((request = requests_take(&task->requests)) != NULL)
        request_is_ready(lookups, request, answer);
    task_delete(lookups, place);
}

static void task_check_time(struct lookups *lookups, struct name_task *task)
{
    name_lookup_run(task->lookup);
    if (!name_lookup_has_ended(task->lookup) && lookups_now(lookups) >= task->due_ms) {
        lookups->counters->names_late += task->kind == NAME_ADDRESSES;
        lookups->counters->names_records_late += task->kind != NAME_ADDRESSES;
        name_lookup_give_up(task->lookup);
    }
}

static void tasks_end(struct lookups *lookups)
{
    struct name_task **place = &lookups->tasks;
    while (*place != NULL) {
        task_check_time(lookups, *place);
        if (name_lookup_has_ended((*place)->lookup))
            task_end(lookups, place);
        else
            place = &(*place)->next;
    }
}

/* --- requests --- */

struct name_answer *lookups_known(struct lookups *lookups, enum name_kind kind, const char *name)
{
    struct name_answer *known = name_cache_find(&lookups->cache, kind, name, lookups_now(lookups));
    lookups->counters->names_remembered += known != NULL;
    return known;
}

/* Returns true if the request no longer belongs to the caller. */
static bool request_begin(struct lookups *lookups, struct name_request *request)
{
    struct name_answer *known = lookups_known(lookups, request->kind, request->name);
    if (known != NULL) {
        request_is_ready(lookups, request, known);
        return true;
    }
    struct name_task *task = task_find(lookups, request);
    if (task == NULL && !task_may_begin(lookups, request->owner))
        return false;
    if (task == NULL)
        task = task_new(lookups, request);
    if (task != NULL)
        requests_put(&task->requests, request);
    else
        request_is_ready(lookups, request, NULL);
    return true;
}

/* Examines every waiting request, because a limit of one source does not hold back the next. */
static void waiting_go_on(struct lookups *lookups)
{
    for (size_t count = lookups->waiting.count; count > 0; count--) {
        struct name_request *request = requests_take(&lookups->waiting);
        if (request_begin(lookups, request))
            continue;
        if (lookups_now(lookups) < request->due_ms) {
            requests_put(&lookups->waiting, request);
            continue;
        }
        lookups->counters->names_refused++;
        request_is_ready(lookups, request, NULL);
    }
}

/* Requests that become ready meanwhile are answered in the next turn: `done` may start new requests. */
static void ready_answer(struct lookups *lookups)
{
    for (size_t count = lookups->ready.count; count > 0; count--)
        request_answer(lookups, requests_take(&lookups->ready));
}

static uint64_t until(uint64_t now, uint64_t due)
{
    return due > now ? due - now : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void on_timer(uv_timer_t *timer)
{
    lookups_step(timer->data);
}

static void timer_set(struct lookups *lookups)
{
    uint64_t wait = lookups->ready.count > 0 ? 0 : UINT64_MAX, now = lookups_now(lookups);
    for (const struct name_task *task = lookups->tasks; task != NULL; task = task->next) {
        wait = least(wait, name_lookup_wait_ms(task->lookup));
        wait = least(wait, until(now, task->due_ms));
    }
    for (const struct name_request *request = lookups->waiting.first; request != NULL; request = request->next)
        wait = least(wait, until(now, request->due_ms));
    if (wait == UINT64_MAX)
        uv_timer_stop(&lookups->timer);
    else
        uv_timer_start(&lookups->timer, on_timer, wait, 0);
}

static void lookups_step(void *context)
{
    struct lookups *lookups = context;
    tasks_end(lookups);
    waiting_go_on(lookups);
    ready_answer(lookups);
    timer_set(lookups);
}

/* As for the lookups, places are left for what no stranger has named. */
static bool waiting_is_full(const struct lookups *lookups, struct lookup_owner owner)
{
    const struct names_limits *limits = &lookups->config.limits;
    size_t most = limits->waiting;
    if (owner.source == 0)
        most += limits->waiting / 4;
    else if (owner.chosen)
        most += limits->waiting / 8;
    return lookups->waiting.count >= most ||
           (owner.source != 0 && requests_of(&lookups->waiting, owner) >= limits->source_wait);
}

int lookups_ask(struct lookups *lookups, struct lookup_owner owner, enum name_kind kind, const char *name,
                uint64_t due_ms, lookup_done *done, void *again)
{
    if (lookups->closing)
        return -ECANCELED;
    struct name_request *request = memory_new(lookups->config.host, sizeof *request);
    if (request == NULL)
        return -ENOMEM;
    request->done = done;
    request->again = again;
    request->owner = owner;
    request->kind = kind;
    request->due_ms = due_ms;
    snprintf(request->name, sizeof request->name, "%s", name);
    if (!request_begin(lookups, request)) {
        if (waiting_is_full(lookups, owner)) {
            lookups->counters->names_refused++;
            memory_delete(lookups->config.host, request, sizeof *request);
            return -EAGAIN;
        }
        requests_put(&lookups->waiting, request);
    }
    timer_set(lookups);
    return 0;
}

bool lookups_hosts_file_has(struct lookups *lookups, const char *name)
{
    static const int families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        struct hostent *entry;
        if (ares_gethostbyname_file(lookups->hosts_file, name, families[i], &entry) == ARES_SUCCESS) {
            ares_free_hostent(entry);
            return true;
        }
    }
    return false;
}

/* --- as a whole --- */

static bool open_hosts_file(struct lookups *lookups)
{
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return false;
    if (ares_init(&lookups->hosts_file) == ARES_SUCCESS)
        return true;
    ares_library_cleanup();
    return false;
}

int lookups_new(struct lookups **out, const struct names_config *config, struct names_counters *counters)
{
    const struct host *host = config->host;
    struct lookups *lookups = memory_new(host, sizeof *lookups);
    if (lookups == NULL)
        return -ENOMEM;
    lookups->config = *config;
    lookups->counters = counters;
    lookups->family = AF_UNSPEC;
    requests_create(&lookups->waiting);
    requests_create(&lookups->ready);
    if (name_cache_create(&lookups->cache, host, config->limits.remembered) != 0) {
        memory_delete(host, lookups, sizeof *lookups);
        return -ENOMEM;
    }
    if (!open_hosts_file(lookups)) {
        name_cache_destroy(&lookups->cache);
        memory_delete(host, lookups, sizeof *lookups);
        return -ENOMEM;
    }
    uv_timer_init(config->loop, &lookups->timer);
    lookups->timer.data = lookups;
    *out = lookups;
    return 0;
}

void lookups_set_family(struct lookups *lookups, int family)
{
    lookups->family = family;
}

void lookups_close(struct lookups *lookups)
{
    struct name_request *request;
    if (lookups->closing)
        return;
    lookups->closing = true;
    for (struct name_task *task = lookups->tasks; task != NULL; task = task->next)
        name_lookup_give_up(task->lookup);
    tasks_end(lookups);
    while ((request = requests_take(&lookups->waiting)) != NULL)
        request_is_ready(lookups, request, NULL);
    ready_answer(lookups);
    uv_close((uv_handle_t *)&lookups->timer, NULL);
}

void lookups_delete(struct lookups *lookups)
{
    if (lookups == NULL)
        return;
    name_cache_destroy(&lookups->cache);
    ares_destroy(lookups->hosts_file);
    ares_library_cleanup();
    memory_delete(lookups->config.host, lookups, sizeof *lookups);
}
