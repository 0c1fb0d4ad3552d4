// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_KEY_RING_H
#define REFLOW_KAMAILIO_KEY_RING_H

#include "kamailio/base/ksr.h"

#include "flow/token.h"

/*
 * The keys of one file (flow/token.h) in all processes. Each process has a ring of its own, with the state of OpenSSL.
 * Shared memory has the keys, so that a rotation in one process takes effect in all at once. Two parameters that name
 * the same file share one ring.
 */

struct key_ring;

/* In mod_init, for the parameter of that name. path NULL: keys of this run. `as_user`: the file is read and created as
   the user whom Kamailio becomes later, so that its processes can rotate. Returns 0, or -1 with a line in the log. */
int key_ring_open(struct key_ring **out, const char *parameter, const char *path, bool as_user);
void key_rings_close(void); /* in each process */

/* The keys as they are now in any process. Valid until the next call; do not free them. */
struct token_keys *key_ring_keys(struct key_ring *ring);

/* A new key signs from now on, in all processes. Returns 0, or a negative errno with a line in `error`. */
int key_ring_rotate(struct key_ring *ring, char *error, size_t error_size);

/* Reads the file again if another program has written it, once in a second at most. Returns whether the keys are
   others now. */
bool key_ring_look(struct key_ring *ring);

/* For a timer: the same, and a key that is `rotate_s` seconds old is replaced (0: never). */
void key_ring_tend(struct key_ring *ring, int64_t rotate_s);

#endif
