// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_EXPIRY_WHEEL_H
#define REFLOW_BASE_EXPIRY_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What ends at a second of the wall clock, in lists by that second modulo the wheel's slots: to add, move or remove
 * costs the same however many there are, asks for no memory, and what ends within two hours is met only when it ends.
 * What ends later is met once a turn before. The nodes are their owner's.
 */

enum { EXPIRY_SLOTS = 8192 };

struct expiry_node {
    struct expiry_node *next;
    struct expiry_node **link; /* what points here */
    int64_t at;                /* wall seconds: ended from this second on */
};

struct expiry_wheel {
    int64_t turned_to; /* nothing of an earlier second is left; of this second something may come */
    struct expiry_node *slots[EXPIRY_SLOTS];
};

void expiry_wheel_create(struct expiry_wheel *wheel, int64_t now);

/* `at` is set and stays until the node is removed. */
void expiry_wheel_add(struct expiry_wheel *wheel, struct expiry_node *node);
void expiry_wheel_remove(struct expiry_node *node);

/* Hand out what has ended, at most `most`; returns how many. `ended` removes each node from the wheel. The clock may
   have been set back or far ahead. */
size_t expiry_wheel_turn(struct expiry_wheel *wheel, int64_t now, size_t most,
                         void (*ended)(void *context, struct expiry_node *node), void *context);

/* Every node, in no order, until visit returns false. visit may remove the node that it is given. */
void expiry_wheel_each(const struct expiry_wheel *wheel, bool (*visit)(void *context, struct expiry_node *node),
                       void *context);

#endif
