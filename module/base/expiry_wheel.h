// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_EXPIRY_WHEEL_H
#define REFLOW_BASE_EXPIRY_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Objects that end at a second of the wall clock, in lists by that second modulo the number of slots. Adding, moving
 * and removing cost the same however many there are and need no memory. An object that ends within two hours is
 * examined only when it ends; one that ends later is examined once in each turn before. The owner has the nodes.
 */

enum { EXPIRY_SLOTS = 8192 };

struct expiry_node {
    struct expiry_node *next;
    struct expiry_node **link; /* what points here */
    int64_t at;                /* wall seconds: ended from this second on */
};

struct expiry_wheel {
    int64_t turned_to; /* no object of an earlier second is left; some of this second may be */
    struct expiry_node *slots[EXPIRY_SLOTS];
};

void expiry_wheel_create(struct expiry_wheel *wheel, int64_t now);

/* Sets `at`, which must not change until the node is removed. */
void expiry_wheel_add(struct expiry_wheel *wheel, struct expiry_node *node);
void expiry_wheel_remove(struct expiry_node *node);

/* Passes at most `most` objects that have ended to `ended`, which removes each node from the wheel; returns their
   number. The clock may have been set back or far ahead. */
size_t expiry_wheel_turn(struct expiry_wheel *wheel, int64_t now, size_t most,
                         void (*ended)(void *context, struct expiry_node *node), void *context);

/* Calls visit for every node, in no particular order, until it returns false. visit may remove its node. */
void expiry_wheel_each(const struct expiry_wheel *wheel, bool (*visit)(void *context, struct expiry_node *node),
                       void *context);

#endif
