// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/waits.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kamailio/flow/connection.h"
#include "kamailio/base/host.h"

enum { WAIT_BUCKETS = 1024 };

struct bucket {
    gen_lock_t lock;
    struct wait *first;
};

static struct waits {
    atomic_size_t count;
    atomic_bool armed; /* the keeper sleeps until the bell */
    struct bucket buckets[WAIT_BUCKETS];
} * waits;

static int bell = -1; /* made before any fork: the same in all processes */

int waits_create(void)
{
    waits = shm_malloc(sizeof *waits);
    if (waits == NULL) {
        ksr_log(LOG_ERROR, "no shared memory for the table of waiting branches (%zu bytes)", sizeof *waits);
        return -1;
    }
    memset(waits, 0, sizeof *waits);
    for (size_t i = 0; i < WAIT_BUCKETS; i++)
        lock_init(&waits->buckets[i].lock);
    bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell >= 0)
        return 0;
    ksr_log(LOG_ERROR, "eventfd: %s", strerror(errno));
    return -1;
}

/* Called in the main process after all others have ended. tm frees its transactions after this, and with them the
   records of calls. They must not take the table's locks then: a process that was killed by a signal while it held
   one never releases it, and Kamailio would wait for 60 s and abort. */
void waits_destroy(void)
{
    waits = NULL;
    if (bell >= 0)
        close(bell);
    bell = -1;
}

static struct bucket *bucket_of(int connection)
{
    return &waits->buckets[(unsigned)connection % WAIT_BUCKETS];
}

static void ring_bell(bool urgent)
{
    const uint64_t one = 1;
    const bool sleeps = atomic_load(&waits->armed) && atomic_exchange(&waits->armed, false);
    if ((urgent || sleeps) && write(bell, &one, sizeof one) < 0)
        return; /* full: it has rung */
}

void wait_add(struct wait *wait, const struct cell *t, unsigned branch, bool own_flow)
{
    const struct dest_info *destination = &t->uac[branch].request.dst;
    const bool unsent = destination->proto == PROTO_NONE; /* tm's mark */
    bool open = false;
    if ((!unsent && !transport_connects(transport_of_proto(destination->proto))) ||
        atomic_exchange(&wait->claimed, true))
        return;
    wait->connection = unsent ? 0 : connection_of_destination(destination, &open);
    if (open && !own_flow)
        return;
    wait->opening = !own_flow;
    wait->hash_index = t->hash_index;
    wait->label = t->label;
    wait->branch = branch;

    const bool fails = wait->connection == 0;
    struct bucket *bucket = bucket_of(wait->connection);
    lock_get(&bucket->lock);
    wait->next = bucket->first;
    wait->previous = &bucket->first;
    if (wait->next != NULL)
        wait->next->previous = &wait->next;
    bucket->first = wait;
    wait->added = true;
    atomic_fetch_add(&waits->count, 1);
    lock_release(&bucket->lock);
    ring_bell(fails);
}

/* Under the lock of its bucket. */
static void detach(struct wait *wait)
{
    *wait->previous = wait->next;
    if (wait->next != NULL)
        wait->next->previous = wait->previous;
    wait->added = false;
    atomic_fetch_sub(&waits->count, 1);
}

void wait_remove(struct wait *wait)
{
    if (waits == NULL || !atomic_load(&wait->claimed))
        return;
    struct bucket *bucket = bucket_of(wait->connection);
    lock_get(&bucket->lock); /* also if it is no longer there: the keeper may be about to remove it */
    if (wait->added)
        detach(wait);
    lock_release(&bucket->lock);
}

size_t wait_take(int connection, struct wait *copies, size_t most)
{
    struct bucket *bucket = bucket_of(connection);
    size_t taken = 0;
    lock_get(&bucket->lock);
    for (struct wait *wait = bucket->first, *next; wait != NULL && taken < most; wait = next) {
        next = wait->next;
        if (wait->connection != connection)
            continue;
        copies[taken++] = *wait;
        detach(wait);
    }
    lock_release(&bucket->lock);
    return taken;
}

void wait_opened(int connection)
{
    struct bucket *bucket = bucket_of(connection);
    lock_get(&bucket->lock);
    for (struct wait *wait = bucket->first, *next; wait != NULL; wait = next) {
        next = wait->next;
        if (wait->connection == connection && wait->opening)
            detach(wait);
    }
    lock_release(&bucket->lock);
}

bool wait_is_on(int connection)
{
    struct bucket *bucket = bucket_of(connection);
    lock_get(&bucket->lock);
    const struct wait *wait = bucket->first;
    while (wait != NULL && wait->connection != connection)
        wait = wait->next;
    lock_release(&bucket->lock);
    return wait != NULL;
}

size_t wait_count(void)
{
    return atomic_load(&waits->count);
}

/* Adjacent waits on one connection are reported once; others may be reported again. */
static size_t list_bucket(struct bucket *bucket, int *connections, size_t most)
{
    size_t found = 0;
    lock_get(&bucket->lock);
    for (const struct wait *wait = bucket->first; wait != NULL && found < most; wait = wait->next)
        if (found == 0 || connections[found - 1] != wait->connection)
            connections[found++] = wait->connection;
    lock_release(&bucket->lock);
    return found;
}

size_t wait_connections(unsigned *cursor, int *connections, size_t most)
{
    size_t found = 0;
    while (*cursor < WAIT_BUCKETS && found < most) {
        struct bucket *bucket = &waits->buckets[(*cursor)++];
        if (bucket->first != NULL)
            found += list_bucket(bucket, connections + found, most - found);
    }
    if (*cursor >= WAIT_BUCKETS)
        *cursor = 0;
    return found;
}

void waits_arm_bell(void)
{
    atomic_store(&waits->armed, true);
    if (wait_count() > 0)
        ring_bell(false);
}

int wait_bell(void)
{
    return bell;
}

void waits_quiet_bell(void)
{
    uint64_t rung;
    atomic_store(&waits->armed, false);
    if (read(bell, &rung, sizeof rung) < 0)
        return; /* it had not rung */
}
