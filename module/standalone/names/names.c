// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/names.h"

#include <ares.h>
#include <errno.h>
#include <strings.h>

#include "base/memory.h"
#include "standalone/names/host_name.h"
#include "standalone/names/name_cache.h"

enum { TTL_MOST_S = 3600, HOST_MOST = 256 };

/* A request, which is answered once. */
struct name_request {
    struct name_request *next;
    locate_done *done;
    void *again;
    source_id source;
    uint64_t began_ms;
    uint16_t port;
    uint8_t transport;
    struct name_answer answer; /* after it is in the list of ready requests */
    char host[HOST_MOST];
};

struct name_requests {
    struct name_request *first, **last;
    size_t count;
};

/* A lookup in progress and the requests that wait for it. It counts for the source of the first request. */
struct name_task {
    struct name_task *next;
    struct name_lookup *lookup;
    source_id source;
    uint64_t began_ms;
    struct name_requests requests;
    char host[HOST_MOST];
};

struct names {
    struct names_config config;
    struct names_counters counters;
    struct name_cache cache;
    struct name_task *tasks;
    size_t task_count;
    struct name_requests waiting, ready;
    uv_timer_t timer;
    int family;
    bool closing;
};

static uint64_t names_now(const struct names *names)
{
    return names->config.host->now_ms(names->config.host->context);
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

static size_t requests_of(const struct name_requests *requests, source_id source)
{
    size_t count = 0;
    for (const struct name_request *request = requests->first; request != NULL; request = request->next)
        count += request->source == source;
    return count;
}

/* `answer` NULL: no address, because of a limit or the end of the server. */
static void request_is_ready(struct names *names, struct name_request *request, const struct name_answer *answer)
{
    request->answer = answer != NULL ? *answer : (struct name_answer){.outcome = NAME_NOT_ASKED};
    requests_put(&names->ready, request);
}

static void request_answer(const struct names *names, struct name_request *request)
{
    const struct host *host = names->config.host;
    const struct name_answer *answer = &request->answer;
    struct place places[NAME_ADDRESSES_MOST];
    for (size_t i = 0; i < answer->count; i++) {
        places[i] = (struct place){.address = answer->addresses[i], .transport = request->transport};
        union address *address = &places[i].address;
        in_port_t *port = address->any.sa_family == AF_INET6 ? &address->v6.sin6_port : &address->v4.sin_port;
        *port = htons(request->port);
    }
    request->done(request->again, places, names->closing ? 0 : answer->count);
    memory_delete(host, request, sizeof *request);
}

/* --- look-ups in progress --- */

static struct name_task *task_find(const struct names *names, const char *host)
{
    struct name_task *task = names->tasks;
    while (task != NULL && strcasecmp(task->host, host) != 0)
        task = task->next;
    return task;
}

static bool task_may_begin(const struct names *names, source_id source)
{
    const struct names_limits *limits = &names->config.limits;
    size_t own = 0;
    if (source == 0)
        return names->task_count < limits->at_once;
    for (const struct name_task *task = names->tasks; task != NULL; task = task->next)
        own += task->source == source;
    return own < limits->per_source && names->task_count < limits->at_once - limits->at_once / 4;
}

static void names_step(void *context);

static struct name_task *task_new(struct names *names, const struct name_request *request)
{
    const struct names_config *config = &names->config;
    const struct name_lookup_config lookup = {.loop = config->loop,
                                              .host = config->host,
                                              .servers = config->servers,
                                              .server_count = config->server_count,
                                              .family = names->family,
                                              .changed = names_step,
                                              .context = names};
    struct name_task *task = memory_new(config->host, sizeof *task);
    if (task == NULL)
        return NULL;
    if (name_lookup_new(&task->lookup, &lookup, request->host) != 0) {
        memory_delete(config->host, task, sizeof *task);
        return NULL;
    }
    task->source = request->source;
    task->began_ms = names_now(names);
    requests_create(&task->requests);
    memcpy(task->host, request->host, sizeof task->host);
    task->next = names->tasks;
    names->tasks = task;
    names->task_count++;
    names->counters.names_looked_up++;
    return task;
}

static void task_delete(struct names *names, struct name_task **place)
{
    struct name_task *task = *place;
    *place = task->next;
    names->task_count--;
    name_lookup_delete(task->lookup);
    memory_delete(names->config.host, task, sizeof *task);
}

static void answer_remember(struct names *names, const char *host, const struct name_answer *answer)
{
    uint32_t ttl_s = answer->ttl_s < TTL_MOST_S ? answer->ttl_s : TTL_MOST_S;
    uint64_t keep_ms = answer->outcome == NAME_FOUND ? ttl_s * 1000ULL : names->config.limits.failure_ms;
    if (answer->outcome != NAME_NOT_ASKED && keep_ms > 0)
        name_cache_put(&names->cache, host, answer, names_now(names) + keep_ms);
}

/* All requests that waited for it become ready. */
static void task_end(struct names *names, struct name_task **place)
{
    struct name_task *task = *place;
    const struct name_answer *answer = name_lookup_answer(task->lookup);
    struct name_request *request;
    names->counters.names_failed += answer->outcome != NAME_FOUND;
    answer_remember(names, task->host, answer);
    while ((request = requests_take(&task->requests)) != NULL)
        request_is_ready(names, request, answer);
    task_delete(names, place);
}

static void task_check_time(struct names *names, struct name_task *task)
{
    name_lookup_run(task->lookup);
    if (name_lookup_answer(task->lookup) == NULL &&
        names_now(names) >= task->began_ms + names->config.limits.lookup_ms) {
        names->counters.names_late++;
        name_lookup_give_up(task->lookup);
    }
}

static void tasks_end(struct names *names)
{
    struct name_task **place = &names->tasks;
    while (*place != NULL) {
        task_check_time(names, *place);
        if (name_lookup_answer((*place)->lookup) != NULL)
            task_end(names, place);
        else
            place = &(*place)->next;
    }
}

/* --- requests --- */

/* Returns true if the request no longer belongs to the caller. */
static bool request_begin(struct names *names, struct name_request *request)
{
    const struct name_answer *known = name_cache_find(&names->cache, request->host, names_now(names));
    if (known != NULL) {
        names->counters.names_remembered++;
        request_is_ready(names, request, known);
        return true;
    }
    struct name_task *task = task_find(names, request->host);
    if (task == NULL && !task_may_begin(names, request->source))
        return false;
    if (task == NULL)
        task = task_new(names, request);
    if (task != NULL)
        requests_put(&task->requests, request);
    else
        request_is_ready(names, request, NULL);
    return true;
}

/* Examines every waiting request, because a limit of one source does not hold back the next. */
static void waiting_go_on(struct names *names)
{
    for (size_t count = names->waiting.count; count > 0; count--) {
        struct name_request *request = requests_take(&names->waiting);
        if (request_begin(names, request))
            continue;
        if (names_now(names) < request->began_ms + names->config.limits.lookup_ms) {
            requests_put(&names->waiting, request);
            continue;
        }
        names->counters.names_refused++;
        request_is_ready(names, request, NULL);
    }
}

/* Requests that become ready meanwhile are answered in the next turn: `done` may start new requests. */
static void ready_answer(struct names *names)
{
    for (size_t count = names->ready.count; count > 0; count--)
        request_answer(names, requests_take(&names->ready));
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
    names_step(timer->data);
}

static void timer_set(struct names *names)
{
    uint64_t wait = names->ready.count > 0 ? 0 : UINT64_MAX, now = names_now(names);
    uint32_t lookup_ms = names->config.limits.lookup_ms;
    for (const struct name_task *task = names->tasks; task != NULL; task = task->next) {
        wait = least(wait, name_lookup_wait_ms(task->lookup));
        wait = least(wait, until(now, task->began_ms + lookup_ms));
    }
    for (const struct name_request *request = names->waiting.first; request != NULL; request = request->next)
        wait = least(wait, until(now, request->began_ms + lookup_ms));
    if (wait == UINT64_MAX)
        uv_timer_stop(&names->timer);
    else
        uv_timer_start(&names->timer, on_timer, wait, 0);
}

static void names_step(void *context)
{
    struct names *names = context;
    tasks_end(names);
    waiting_go_on(names);
    ready_answer(names);
    timer_set(names);
}

static bool waiting_is_full(const struct names *names, source_id source)
{
    const struct names_limits *limits = &names->config.limits;
    return names->waiting.count >= limits->waiting ||
           (source != 0 && requests_of(&names->waiting, source) >= limits->source_wait);
}

int names_locate(void *context, source_id source, const struct locate_query *query, locate_done *done, void *again)
{
    struct names *names = context;
    const char *host = query->host;
    size_t length = strlen(host);
    if (names->closing)
        return -ECANCELED;
    if (length >= HOST_MOST || !host_name_is_valid(text_of(host)))
        return -EINVAL;
    struct name_request *request = memory_new(names->config.host, sizeof *request);
    if (request == NULL)
        return -ENOMEM;
    request->done = done;
    request->again = again;
    request->source = source;
    request->transport = (uint8_t)locate_transport(query);
    request->port = query->port != 0 ? query->port : transport_port(request->transport);
    request->began_ms = names_now(names);
    memcpy(request->host, host, length + 1);
    if (!request_begin(names, request)) {
        if (waiting_is_full(names, source)) {
            names->counters.names_refused++;
            memory_delete(names->config.host, request, sizeof *request);
            return -EAGAIN;
        }
        requests_put(&names->waiting, request);
    }
    timer_set(names);
    return 0;
}

/* --- as a whole --- */

static uint32_t or_else(uint32_t value, uint32_t standard)
{
    return value != 0 ? value : standard;
}

static void set_standards(struct names_limits *limits)
{
    limits->at_once = or_else(limits->at_once, 64);
    limits->per_source = or_else(limits->per_source, 4);
    limits->waiting = or_else(limits->waiting, 256);
    limits->source_wait = or_else(limits->source_wait, 16);
    limits->lookup_ms = or_else(limits->lookup_ms, 5000);
    limits->failure_ms = or_else(limits->failure_ms, 30000);
    limits->remembered = or_else(limits->remembered, 1024);
}

int names_new(struct names **out, const struct names_config *config)
{
    const struct host *host = config->host;
    struct names *names = memory_new(host, sizeof *names);
    if (names == NULL)
        return -ENOMEM;
    names->config = *config;
    names->family = AF_UNSPEC;
    set_standards(&names->config.limits);
    requests_create(&names->waiting);
    requests_create(&names->ready);
    if (name_cache_create(&names->cache, host, names->config.limits.remembered) != 0) {
        memory_delete(host, names, sizeof *names);
        return -ENOMEM;
    }
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        name_cache_destroy(&names->cache);
        memory_delete(host, names, sizeof *names);
        return -ENOMEM;
    }
    uv_timer_init(config->loop, &names->timer);
    names->timer.data = names;
    *out = names;
    return 0;
}

void names_set_family(struct names *names, int family)
{
    names->family = family;
}

void names_close(struct names *names)
{
    struct name_request *request;
    if (names->closing)
        return;
    names->closing = true;
    for (struct name_task *task = names->tasks; task != NULL; task = task->next)
        name_lookup_give_up(task->lookup);
    tasks_end(names);
    while ((request = requests_take(&names->waiting)) != NULL)
        request_is_ready(names, request, NULL);
    ready_answer(names);
    uv_close((uv_handle_t *)&names->timer, NULL);
}

void names_delete(struct names *names)
{
    if (names == NULL)
        return;
    name_cache_destroy(&names->cache);
    ares_library_cleanup();
    memory_delete(names->config.host, names, sizeof *names);
}

const struct names_counters *names_counters(const struct names *names)
{
    return &names->counters;
}
