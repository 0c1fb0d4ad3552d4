// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/arena.h"

#include <string.h>

enum { BLOCK_LEAST = 2048, ALIGNMENT = 8 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    char room[];
};

static void *allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    void *made = new_size > 0 ? arena_take(context, new_size) : NULL;
    if (made != NULL && old != NULL)
        memcpy(made, old, old_size < new_size ? old_size : new_size);
    return made;
}

void arena_create(struct arena *arena, const struct host *parent, void *first, size_t size)
{
    *arena = (struct arena){.host = *parent, .parent = parent, .at = first, .left = size};
    arena->host.context = arena;
    arena->host.allocate = allocate;
}

void arena_destroy(struct arena *arena)
{
    const struct host *parent = arena->parent;
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        parent->allocate(parent->context, block, block->size, 0);
    }
}

static bool grow(struct arena *arena, size_t wanted)
{
    size_t room = wanted > BLOCK_LEAST ? wanted : BLOCK_LEAST;
    const struct host *parent = arena->parent;
    struct arena_block *block = parent->allocate(parent->context, NULL, 0, sizeof *block + room);
    if (block == NULL)
        return false;
    *block = (struct arena_block){.next = arena->blocks, .size = sizeof *block + room};
    arena->blocks = block;
    arena->at = block->room;
    arena->left = room;
    return true;
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded < size || (rounded > arena->left && !grow(arena, rounded)))
        return NULL;
    void *taken = arena->at;
    arena->at += rounded;
    arena->left -= rounded;
    return taken;
}

str arena_copy(struct arena *arena, struct text text)
{
    char *copy = text.length > 0 ? arena_take(arena, text.length) : NULL;
    return copy != NULL ? (str){memcpy(copy, text.at, text.length), (int)text.length} : (str){NULL, 0};
}
