// SPDX-License-Identifier: BSD-2-Clause
#include "base/expiry_wheel.h"

#include <string.h>

static size_t slot_of(int64_t second)
{
    return (uint64_t)second % EXPIRY_SLOTS;
}

void expiry_wheel_create(struct expiry_wheel *wheel, int64_t now)
{
    memset(wheel, 0, sizeof *wheel);
    wheel->turned_to = now;
}

void expiry_wheel_add(struct expiry_wheel *wheel, struct expiry_node *node)
{
    /* Objects that have ended already are found in the next turn. */
    struct expiry_node **slot = &wheel->slots[slot_of(node->at < wheel->turned_to ? wheel->turned_to : node->at)];
    node->next = *slot;
    node->link = slot;
    if (*slot != NULL)
        (*slot)->link = &node->next;
    *slot = node;
}

void expiry_wheel_remove(struct expiry_node *node)
{
    *node->link = node->next;
    if (node->next != NULL)
        node->next->link = node->link;
}

size_t expiry_wheel_turn(struct expiry_wheel *wheel, int64_t now, size_t most,
                         void (*ended)(void *context, struct expiry_node *node), void *context)
{
    size_t count = 0;
    /* The clock was set back: the slots in between are examined again, which is harmless. */
    if (now < wheel->turned_to)
        wheel->turned_to = now;
    /* The clock was set ahead: one whole turn finds everything. */
    if (now - wheel->turned_to > EXPIRY_SLOTS)
        wheel->turned_to = now - EXPIRY_SLOTS;
    for (;; wheel->turned_to++) {
        struct expiry_node *node = wheel->slots[slot_of(wheel->turned_to)];
        for (struct expiry_node *next; node != NULL && count < most; node = next) {
            next = node->next;
            if (node->at > now)
                continue;
            ended(context, node);
            count++;
        }
        if (count == most || wheel->turned_to == now)
            return count;
    }
}

void expiry_wheel_each(const struct expiry_wheel *wheel, bool (*visit)(void *context, struct expiry_node *node),
                       void *context)
{
    for (size_t i = 0; i < EXPIRY_SLOTS; i++) {
        for (struct expiry_node *next, *node = wheel->slots[i]; node != NULL; node = next) {
            next = node->next;
            if (!visit(context, node))
                return;
        }
    }
}
