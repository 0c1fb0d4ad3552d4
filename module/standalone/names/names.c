// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/names.h"

#include <errno.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/number.h"
#include "standalone/names/lookups.h"
#include "standalone/names/srv_order.h"

/* 3263-4.a: from the host of a URI to the places of its servers, by NAPTR, SRV and address records. Each step begins
   when the one before has ended; what the cache knows is used at once. */

enum { SERVICES_MOST = 4, TARGETS_MOST = PLACES_MOST, TARGETS_AT_ONCE = 4, SRV_NAME_SIZE = NAME_SIZE + 16 };

/* A lookup that is late ends with what it has received, so the time of the whole is a little longer. A lookup that was
   begun for somebody else may take longer still, and is not waited for. */
enum { SPARE_MS = 100 };

struct locating;

/* SRV records for one transport: RFC 3263 4.2. */
struct service {
    struct locating *locating;
    struct name_answer *answer; /* held; NULL: nothing was found yet */
    uint8_t transport;          /* enum transport */
    char name[NAME_SIZE];
};

/* A host that addresses are looked up for. */
struct target {
    struct locating *locating;
    struct name_answer *answer; /* held; NULL: nothing was found yet */
    const char *host;           /* in the locating or in the answer of a service */
    uint16_t port;
    uint8_t transport; /* enum transport */
};

struct locating {
    struct locating *next;
    struct names *names;
    locate_done *done; /* NULL: it has been called */
    void *again;
    struct lookup_owner owner;
    uint64_t due_ms; /* of its lookups */
    struct locate_query query;
    char host[NAME_SIZE];
    struct service services[SERVICES_MOST]; /* in the order of preference */
    size_t service_count;
    struct target targets[TARGETS_MOST]; /* in the order in which to try them */
    size_t target_count, targets_asked;
    unsigned pending; /* lookups */
    bool ready;       /* its places are complete */
};

struct names {
    struct names_config config;
    struct names_counters counters;
    struct lookups *lookups;
    struct locating *first; /* newest first */
    uv_timer_t timer;
    bool closing;
};

static uint64_t names_now(const struct names *names)
{
    return names->config.host->now_ms(names->config.host->context);
}

/* --- places --- */

static size_t places_write(const struct locating *locating, struct place places[PLACES_MOST])
{
    size_t count = 0;
    for (size_t i = 0; i < locating->target_count; i++) {
        const struct target *target = &locating->targets[i];
        size_t addresses = target->answer != NULL ? target->answer->count : 0;
        for (size_t k = 0; k < addresses && count < PLACES_MOST; k++) {
            places[count] = (struct place){.address = target->answer->addresses[k], .transport = target->transport};
            address_set_port(&places[count++].address, target->port);
        }
    }
    return count;
}

static void locating_answer(struct locating *locating)
{
    struct place places[PLACES_MOST];
    size_t count = locating->names->closing ? 0 : places_write(locating, places);
    locate_done *done = locating->done;
    locating->done = NULL;
    locating->names->counters.names_unlocated += count == 0;
    done(locating->again, places, count);
}

static void locating_delete(struct locating *locating)
{
    for (size_t i = 0; i < locating->service_count; i++)
        name_answer_release(locating->services[i].answer);
    for (size_t i = 0; i < locating->target_count; i++)
        name_answer_release(locating->targets[i].answer);
    memory_delete(locating->names->config.host, locating, sizeof *locating);
}

/* Lookups of a locating that has been answered may still run, and refer to it. */
static void names_answer(struct names *names)
{
    struct locating **place = &names->first, *answered = NULL;
    while (*place != NULL) {
        struct locating *locating = *place;
        bool due = locating->ready || names->closing || names_now(names) >= locating->due_ms + SPARE_MS;
        if (locating->done != NULL ? !due : locating->pending > 0) {
            place = &locating->next;
            continue;
        }
        *place = locating->next;
        locating->next = answered;
        answered = locating;
    }
    while (answered != NULL) {
        struct locating *locating = answered;
        answered = locating->next;
        if (locating->done != NULL)
            locating_answer(locating);
        if (locating->pending == 0) {
            locating_delete(locating);
            continue;
        }
        locating->next = names->first;
        names->first = locating;
    }
}

static void names_timer_set(struct names *names);

static void names_on_timer(uv_timer_t *timer)
{
    struct names *names = timer->data;
    names_answer(names);
    names_timer_set(names);
}

static void names_timer_set(struct names *names)
{
    uint64_t now = names_now(names), next = UINT64_MAX;
    for (const struct locating *locating = names->first; locating != NULL; locating = locating->next) {
        bool ready = locating->done == NULL ? locating->pending == 0 : locating->ready;
        uint64_t due = ready ? now : locating->done == NULL ? UINT64_MAX : locating->due_ms + SPARE_MS;
        next = due < next ? due : next;
    }
    if (names->closing || next == UINT64_MAX)
        uv_timer_stop(&names->timer);
    else
        uv_timer_start(&names->timer, names_on_timer, next > now ? next - now : 0, 0);
}

/* --- addresses --- */

static void targets_ask(struct locating *locating);

static void targets_check_end(struct locating *locating)
{
    locating->ready = locating->pending == 0 && locating->targets_asked == locating->target_count;
}

static void on_target(void *again, struct name_answer *answer)
{
    struct target *target = again;
    struct locating *locating = target->locating;
    target->answer = answer != NULL ? name_answer_hold(answer) : NULL;
    locating->pending--;
    targets_ask(locating);
    names_timer_set(locating->names);
}

/* One of several hosts must not use up the time of all. */
static uint64_t target_due(const struct locating *locating)
{
    uint64_t due = names_now(locating->names) + locating->names->config.limits.records_ms;
    return locating->target_count > 1 && due < locating->due_ms ? due : locating->due_ms;
}

static int target_ask(struct locating *locating, struct target *target)
{
    struct lookups *lookups = locating->names->lookups;
    struct name_answer *known = lookups_known(lookups, NAME_ADDRESSES, target->host);
    if (known != NULL) {
        target->answer = name_answer_hold(known);
        return 0;
    }
    int error =
        lookups_ask(lookups, locating->owner, NAME_ADDRESSES, target->host, target_due(locating), on_target, target);
    locating->pending += error == 0;
    return error;
}

static void targets_ask(struct locating *locating)
{
    while (locating->done != NULL && locating->pending < TARGETS_AT_ONCE &&
           locating->targets_asked < locating->target_count)
        target_ask(locating, &locating->targets[locating->targets_asked++]);
    targets_check_end(locating);
}

static void target_add(struct locating *locating, uint8_t transport, const char *host, uint16_t port)
{
    if (locating->target_count == TARGETS_MOST)
        return;
    locating->targets[locating->target_count++] = (struct target){.locating = locating,
                                                                  .host = host,
                                                                  .port = port != 0 ? port : transport_port(transport),
                                                                  .transport = transport};
}

/* The host of the URI itself: RFC 3263 4.2. */
static int ask_host(struct locating *locating, uint8_t transport)
{
    target_add(locating, transport, locating->host, locating->query.port);
    locating->targets_asked = 1;
    int error = target_ask(locating, &locating->targets[0]);
    targets_check_end(locating);
    return error;
}

/* --- SRV --- */

static void targets_of_service(struct locating *locating, const struct service *service)
{
    uint8_t order[NAME_RECORDS_MOST];
    size_t count = srv_order(service->answer, locating->query.selection, order);
    for (size_t i = 0; i < count; i++) {
        const struct name_record *record = &service->answer->records[order[i]];
        target_add(locating, service->transport, record->target, record->port);
    }
}

/* If no service has records, the host itself is the server. If one has only records that decline it, there is no
   server (RFC 2782). */
static void services_end(struct locating *locating)
{
    bool found = false;
    for (size_t i = 0; i < locating->service_count; i++) {
        const struct service *service = &locating->services[i];
        if (service->answer == NULL || service->answer->outcome != NAME_FOUND)
            continue;
        found = true;
        targets_of_service(locating, service);
    }
    if (found)
        targets_ask(locating);
    else
        ask_host(locating, locating->services[0].transport);
}

static void on_service(void *again, struct name_answer *answer)
{
    struct service *service = again;
    struct locating *locating = service->locating;
    service->answer = answer != NULL ? name_answer_hold(answer) : NULL;
    locating->pending--;
    if (locating->pending == 0 && locating->done != NULL)
        services_end(locating);
    names_timer_set(locating->names);
}

static uint64_t records_due(const struct locating *locating)
{
    uint64_t due = names_now(locating->names) + locating->names->config.limits.records_ms;
    return due < locating->due_ms ? due : locating->due_ms;
}

static bool service_is_known(struct locating *locating, struct service *service)
{
    struct name_answer *known =
        service->answer == NULL ? lookups_known(locating->names->lookups, NAME_SRV, service->name) : NULL;
    if (known != NULL)
        service->answer = name_answer_hold(known);
    return service->answer != NULL;
}

static int service_ask(struct locating *locating, struct service *service)
{
    if (service_is_known(locating, service))
        return 0;
    int error = lookups_ask(locating->names->lookups, locating->owner, NAME_SRV, service->name, records_due(locating),
                            on_service, service);
    locating->pending += error == 0;
    return error;
}

/* An error counts only if no service could be asked for. */
static int services_ask(struct locating *locating)
{
    int error = -EAGAIN;
    for (size_t i = 0; i < locating->service_count; i++) {
        int asked = service_ask(locating, &locating->services[i]);
        error = error == 0 || asked == 0 ? 0 : asked;
    }
    if (error == 0 && locating->pending == 0)
        services_end(locating);
    return error;
}

static bool is_callable(const struct locating *locating, unsigned transport)
{
    return (locating->query.callable & 1U << transport) != 0 &&
           (!locating->query.secure || transport_is_secure(transport));
}

static void service_add(struct locating *locating, uint8_t transport, const char *name)
{
    if (locating->service_count == SERVICES_MOST || strlen(name) > HOST_NAME_MOST)
        return;
    struct service *service = &locating->services[locating->service_count++];
    service->locating = locating;
    service->transport = transport;
    memcpy(service->name, name, strlen(name) + 1);
}

/* A name without room for the labels of its service has no SRV records. */
static void service_add_own(struct locating *locating, uint8_t transport)
{
    static const char *const labels[] = {
        [TRANSPORT_UDP] = "_sip._udp", [TRANSPORT_TCP] = "_sip._tcp", [TRANSPORT_TLS] = "_sips._tcp"};
    char name[SRV_NAME_SIZE];
    snprintf(name, sizeof name, "%s.%s", labels[transport], locating->host);
    if (is_callable(locating, transport))
        service_add(locating, transport, name);
}

/* A name in the hosts file of the machine has no records in DNS. The file is read only before a query. */
static int ask_own_services(struct locating *locating)
{
    static const uint8_t preferred[] = {TRANSPORT_UDP, TRANSPORT_TCP};
    const struct locate_query *query = &locating->query;
    if (query->transport != TRANSPORT_COUNT || query->secure) {
        service_add_own(locating, (uint8_t)locate_transport(query));
    } else {
        for (size_t i = 0; i < sizeof preferred / sizeof preferred[0]; i++)
            service_add_own(locating, preferred[i]);
    }
    if (locating->service_count == 0 ||
        (query->transport != TRANSPORT_COUNT && !service_is_known(locating, &locating->services[0]) &&
         lookups_hosts_file_has(locating->names->lookups, locating->host)))
        return ask_host(locating, (uint8_t)locate_transport(query));
    return services_ask(locating);
}

/* --- NAPTR --- */

/* Of the records with the lowest order that this server can use, in the order of preference. After one for TLS those
   without TLS are left out, so that a failure does not lead to a connection that is not secure. */
static void services_of_naptr(struct locating *locating, const struct name_answer *answer)
{
    bool secure = locating->query.secure;
    const struct name_record *first = NULL;
    for (size_t i = 0; i < answer->count; i++) {
        const struct name_record *record = &answer->records[i];
        if (!is_callable(locating, record->transport) || (secure && !transport_is_secure(record->transport)))
            continue;
        if (first != NULL && record->priority != first->priority)
            break;
        first = first != NULL ? first : record;
        secure |= transport_is_secure(record->transport);
        service_add(locating, record->transport, record->target);
    }
}

static int naptr_end(struct locating *locating, const struct name_answer *answer)
{
    if (answer != NULL && answer->outcome == NAME_FOUND)
        services_of_naptr(locating, answer);
    return locating->service_count > 0 ? services_ask(locating) : ask_own_services(locating);
}

static void on_naptr(void *again, struct name_answer *answer)
{
    struct locating *locating = again;
    locating->pending--;
    if (locating->done != NULL && naptr_end(locating, answer) != 0)
        locating->ready = true;
    names_timer_set(locating->names);
}

static int ask_naptr(struct locating *locating)
{
    struct lookups *lookups = locating->names->lookups;
    const struct name_answer *known = lookups_known(lookups, NAME_NAPTR, locating->host);
    if (known != NULL)
        return naptr_end(locating, known);
    if (lookups_hosts_file_has(lookups, locating->host))
        return ask_host(locating, (uint8_t)locate_transport(&locating->query));
    int error =
        lookups_ask(lookups, locating->owner, NAME_NAPTR, locating->host, records_due(locating), on_naptr, locating);
    locating->pending += error == 0;
    return error;
}

/* --- the first step --- */

/* c-ares 1.18 asks DNS for some addresses, too. */
static int use_address(struct locating *locating, const union address *address)
{
    struct name_answer *answer = name_answer_new(locating->names->config.host, NAME_FOUND, 0);
    if (answer == NULL)
        return -ENOMEM;
    answer->count = 1;
    answer->addresses[0] = address_unmapped(address);
    target_add(locating, (uint8_t)locate_transport(&locating->query), locating->host, locating->query.port);
    locating->targets[0].answer = answer;
    locating->targets_asked = 1;
    targets_check_end(locating);
    return 0;
}

static int locating_begin(struct locating *locating)
{
    const struct locate_query *query = &locating->query;
    union address numeric;
    if (address_read(text_of(locating->host), 0, &numeric))
        return use_address(locating, &numeric);
    if (query->port != 0)
        return ask_host(locating, (uint8_t)locate_transport(query));
    return query->transport != TRANSPORT_COUNT ? ask_own_services(locating) : ask_naptr(locating);
}

int names_locate(void *context, source_id source, const struct locate_query *query, locate_done *done, void *again)
{
    struct names *names = context;
    if (names->closing)
        return -ECANCELED;
    if (strlen(query->host) >= NAME_SIZE || !host_name_is_valid(text_of(query->host)))
        return -EINVAL;
    struct locating *locating = memory_new(names->config.host, sizeof *locating);
    if (locating == NULL)
        return -ENOMEM;
    locating->names = names;
    locating->owner = (struct lookup_owner){source, query->chosen};
    locating->done = done;
    locating->again = again;
    locating->query = *query;
    locating->due_ms = names_now(names) + names->config.limits.lookup_ms;
    memcpy(locating->host, query->host, strlen(query->host) + 1);
    locating->query.host = locating->host;
    int error = locating_begin(locating);
    if (error != 0) {
        locating_delete(locating);
        return error;
    }
    locating->next = names->first;
    names->first = locating;
    names_timer_set(names);
    return 0;
}

/* --- as a whole --- */

static void set_standards(struct names_limits *limits)
{
    limits->at_once = number_or(limits->at_once, 64);
    limits->per_source = number_or(limits->per_source, 4);
    limits->waiting = number_or(limits->waiting, 256);
    limits->source_wait = number_or(limits->source_wait, 16);
    limits->lookup_ms = number_or(limits->lookup_ms, 5000);
    limits->records_ms = number_or(limits->records_ms, 1500);
    limits->failure_ms = number_or(limits->failure_ms, 30000);
    limits->remembered = number_or(limits->remembered, 1024);
}

int names_new(struct names **out, const struct names_config *config)
{
    const struct host *host = config->host;
    struct names *names = memory_new(host, sizeof *names);
    if (names == NULL)
        return -ENOMEM;
    names->config = *config;
    set_standards(&names->config.limits);
    if (lookups_new(&names->lookups, &names->config, &names->counters) != 0) {
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
    lookups_set_family(names->lookups, family);
}

void names_close(struct names *names)
{
    if (names->closing)
        return;
    names->closing = true;
    names_answer(names);
    lookups_close(names->lookups);
    names_answer(names);
    uv_close((uv_handle_t *)&names->timer, NULL);
}

void names_delete(struct names *names)
{
    if (names == NULL)
        return;
    lookups_delete(names->lookups);
    memory_delete(names->config.host, names, sizeof *names);
}

const struct names_counters *names_counters(const struct names *names)
{
    return &names->counters;
}
