// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/key_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "kamailio/base/host.h"

enum { RINGS_MOST = 2, LOOK_AGAIN_MS = 1000, ROTATE_AGAIN_MS = 3600 * 1000 };

struct shared_keys {
    gen_lock_t lock;
    atomic_uint generation; /* counted up after each change of the image */
    atomic_uint_fast64_t looked_at;
    struct token_keys_image image;
};

struct key_ring {
    const char *parameter, *path;
    struct token_keys *keys; /* of this process */
    unsigned generation;     /* that the keys are of */
    struct shared_keys *shared;
    bool told;             /* the last reading of the file failed, and the log has the reason */
    uint64_t rotate_again; /* not before that time, because the file could not be written */
};

static struct key_ring rings[RINGS_MOST];
static size_t ring_count;

/* --- the image --- */

static void ring_publish(struct key_ring *ring)
{
    lock_get(&ring->shared->lock);
    token_keys_copy(ring->keys, &ring->shared->image);
    ring->generation = atomic_fetch_add(&ring->shared->generation, 1) + 1;
    lock_release(&ring->shared->lock);
}

static void ring_take_over(struct key_ring *ring)
{
    struct token_keys_image image;
    lock_get(&ring->shared->lock);
    image = ring->shared->image;
    const unsigned generation = atomic_load(&ring->shared->generation);
    lock_release(&ring->shared->lock);
    if (token_keys_take(ring->keys, &image) == 0)
        ring->generation = generation;
    token_keys_image_clear(&image);
}

struct token_keys *key_ring_keys(struct key_ring *ring)
{
    if (ring->generation != atomic_load(&ring->shared->generation))
        ring_take_over(ring);
    return ring->keys;
}

/* --- opening --- */

/* Kamailio changes its user only after mod_init. */
static bool become_user(void)
{
    return (gid == 0 || setegid((gid_t)gid) == 0) && (uid == 0 || seteuid((uid_t)uid) == 0);
}

static bool become_root(gid_t own_group)
{
    return (uid == 0 || seteuid(0) == 0) && (gid == 0 || setegid(own_group) == 0);
}

static int ring_open_as_user(struct key_ring *ring, char *error, size_t error_size)
{
    const gid_t own_group = getegid();
    int result = -EPERM;
    snprintf(error, error_size, "cannot become the user of Kamailio: %s", strerror(EPERM));
    if (become_user())
        result = token_keys_open(&ring->keys, ksr_host(), ring->path, error, error_size);
    if (become_root(own_group))
        return result;
    snprintf(error, error_size, "cannot become root again: %s", strerror(errno));
    return -EPERM;
}

static int ring_open(struct key_ring *ring, bool as_user, char *error, size_t error_size)
{
    if (as_user && geteuid() == 0 && (uid != 0 || gid != 0))
        return ring_open_as_user(ring, error, error_size);
    return token_keys_open(&ring->keys, ksr_host(), ring->path, error, error_size);
}

static struct key_ring *ring_find(const char *path)
{
    for (size_t i = 0; i < ring_count && path != NULL; i++) {
        if (rings[i].path != NULL && strcmp(rings[i].path, path) == 0)
            return &rings[i];
    }
    return NULL;
}

static bool ring_share(struct key_ring *ring)
{
    ring->shared = shm_malloc(sizeof *ring->shared);
    if (ring->shared == NULL)
        return false;
    memset(ring->shared, 0, sizeof *ring->shared);
    lock_init(&ring->shared->lock);
    ring_publish(ring);
    return true;
}

int key_ring_open(struct key_ring **out, const char *parameter, const char *path, bool as_user)
{
    char error[256];
    *out = ring_find(path);
    if (*out != NULL)
        return 0;
    struct key_ring *ring = &rings[ring_count];
    *ring = (struct key_ring){.parameter = parameter, .path = path};
    if (ring_open(ring, as_user, error, sizeof error) != 0) {
        ksr_log(LOG_ERROR, "modparam %s: %s", parameter, error);
        return -1;
    }
    ring_count++;
    if (!ring_share(ring)) {
        ksr_log(LOG_ERROR, "modparam %s: no shared memory for the keys", parameter);
        return -1;
    }
    *out = ring;
    return 0;
}

/* The image is freed with all shared memory, because another process may read it now. */
void key_rings_close(void)
{
    while (ring_count > 0) {
        ring_count--;
        token_keys_close(rings[ring_count].keys);
        rings[ring_count].keys = NULL;
    }
}

/* --- changes --- */

int key_ring_rotate(struct key_ring *ring, char *error, size_t error_size)
{
    int result = token_keys_rotate(key_ring_keys(ring));
    if (result == 0)
        ring_publish(ring);
    else if (ring->path == NULL || token_keys_check(ring->path, error, error_size) == 0)
        snprintf(error, error_size, "%s: %s", ring->path != NULL ? ring->path : "memory", strerror(-result));
    return result;
}

static bool ring_follow(struct key_ring *ring)
{
    char error[256];
    int result = token_keys_follow(key_ring_keys(ring), error, sizeof error);
    if (result < 0 && !ring->told)
        ksr_log(LOG_ERROR, "modparam %s: %s; the keys in use stay in use", ring->parameter, error);
    ring->told = result < 0;
    if (result > 0) {
        ring_publish(ring);
        ksr_log(LOG_NOTICE, "modparam %s: %s was written by another program and is in use", ring->parameter,
                ring->path);
    }
    return result > 0;
}

bool key_ring_look(struct key_ring *ring)
{
    const uint64_t now = ksr_now_ms();
    uint_fast64_t before = atomic_load(&ring->shared->looked_at);
    if (now < before + LOOK_AGAIN_MS || !atomic_compare_exchange_strong(&ring->shared->looked_at, &before, now))
        return false;
    return ring_follow(ring);
}

static void ring_rotate_by_age(struct key_ring *ring, int64_t rotate_s)
{
    const uint64_t now = ksr_now_ms();
    if (now < ring->rotate_again)
        return;
    int result = token_keys_age(key_ring_keys(ring), rotate_s, rotate_s);
    if (result > 0) {
        ring_publish(ring);
        ksr_log(LOG_NOTICE, "modparam %s: keys rotated by age", ring->parameter);
    } else if (result < 0) {
        ring->rotate_again = now + ROTATE_AGAIN_MS;
        ksr_log(LOG_ERROR, "modparam %s: the keys cannot be rotated: %s: %s", ring->parameter,
                ring->path != NULL ? ring->path : "memory", strerror(-result));
    }
}

void key_ring_tend(struct key_ring *ring, int64_t rotate_s)
{
    key_ring_look(ring);
    if (rotate_s > 0)
        ring_rotate_by_age(ring, rotate_s);
}
