// SPDX-License-Identifier: BSD-2-Clause
#include "flow/target.h"

#include <errno.h>

#include "base/memory.h"

/* One block contains a target and its texts; it never moves. */
struct entry {
    struct target target;
    size_t size;
    char texts[];
};

struct target_set {
    const struct host *host;
    size_t count;
    bool opened;                 /* a class has been opened */
    int class_rank, class_place; /* of the class that is open */
    struct text sender_aor;      /* target_leave_out() */
    flow_id sender_flow;
    bool left_out;
    struct entry *entries[TARGETS_MOST];
};

int target_set_new(struct target_set **set, const struct host *host)
{
    struct target_set *made = host->allocate(host->context, NULL, 0, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    memset(made, 0, sizeof *made);
    made->host = host;
    *set = made;
    return 0;
}

static void drop_from(struct target_set *set, size_t count)
{
    while (set->count > count) {
        struct entry *entry = set->entries[--set->count];
        memory_delete(set->host, entry, entry->size);
    }
}

void target_set_delete(struct target_set *set)
{
    if (set == NULL)
        return;
    drop_from(set, 0);
    memory_delete_text(set->host, set->sender_aor);
    memory_delete(set->host, set, sizeof *set);
}

int target_leave_out(struct target_set *set, struct text aor, flow_id flow)
{
    memory_delete_text(set->host, set->sender_aor);
    set->sender_flow = flow;
    return memory_copy(set->host, aor, &set->sender_aor) ? 0 : -ENOMEM;
}

bool target_only_sender(const struct target_set *set)
{
    return set->left_out && set->count == 0;
}

static bool is_sender(const struct target_set *set, const struct binding_view *view)
{
    return view->flow != 0 && view->flow == set->sender_flow && text_equal(view->aor, set->sender_aor);
}

static bool same_instance(const struct target *a, const struct target *b)
{
    return a->instance.length != 0 && text_equal(a->instance, b->instance);
}

static bool same_user(const struct target *a, const struct target *b)
{
    return same_instance(a, b) && text_equal(a->aor, b->aor);
}

/* 3261-16.7.i. A URI behind a NAT identifies a phone only together with its flow. */
static bool same_place(const struct target *a, const struct target *b)
{
    if (!text_equal(a->uri, b->uri))
        return false;
    bool plain = a->instance.length == 0 || b->instance.length == 0;
    bool both_by_path = a->path.length > 0 && b->path.length > 0;
    if (plain && !both_by_path && (a->flow == 0 || b->flow == 0))
        return true;
    return a->flow == b->flow && text_equal(a->path, b->path);
}

static bool instance_is(const struct target_set *set, struct text instance, enum target_status status)
{
    if (instance.length == 0)
        return false;
    for (size_t i = 0; i < set->count; i++) {
        const struct target *target = &set->entries[i]->target;
        if (target->status == status && text_equal(target->instance, instance))
            return true;
    }
    return false;
}

bool target_instance_answered(const struct target_set *set, struct text instance)
{
    return instance_is(set, instance, TARGET_ANSWERED);
}

/* 5626-7.a. By 5626-7.c an answered instance has no untried targets. */
static bool permitted(const struct target_set *set, const struct target *target)
{
    return target->status == TARGET_UNTRIED && !instance_is(set, target->instance, TARGET_PENDING);
}

static struct text copy_text(char **at, struct text text)
{
    if (text.length == 0)
        return (struct text){0};
    struct text copy = {memcpy(*at, text.at, text.length), text.length};
    *at += text.length;
    return copy;
}

static struct entry *entry_new(const struct host *host, const struct target *target)
{
    size_t size =
        sizeof(struct entry) + target->uri.length + target->path.length + target->instance.length + target->aor.length;
    struct entry *entry = host->allocate(host->context, NULL, 0, size);
    if (entry == NULL)
        return NULL;
    char *at = entry->texts;
    entry->size = size;
    entry->target = *target;
    entry->target.uri = copy_text(&at, target->uri);
    entry->target.path = copy_text(&at, target->path);
    entry->target.instance = copy_text(&at, target->instance);
    entry->target.aor = copy_text(&at, target->aor);
    entry->target.status = TARGET_UNTRIED;
    return entry;
}

bool target_is_known(const struct target_set *set, const struct target *target)
{
    if (target_instance_answered(set, target->instance))
        return true;
    for (size_t i = 0; i < set->count; i++)
        if (same_place(&set->entries[i]->target, target))
            return true;
    return false;
}

int target_add(struct target_set *set, const struct target *target)
{
    if (target_is_known(set, target))
        return -EALREADY;
    if (set->count == TARGETS_MOST)
        return -ENOSPC;
    struct entry *entry = entry_new(set->host, target);
    if (entry == NULL)
        return -ENOMEM;
    set->entries[set->count++] = entry;
    return 0;
}

static bool is_wanted(struct target_set *set, const struct binding_view *view, struct text instance)
{
    bool sender = is_sender(set, view);
    set->left_out |= sender;
    return !sender && view->state == BINDING_ALIVE && (instance.length == 0 || text_equal(view->instance, instance));
}

/* If `instance` is empty, any flow matches; otherwise only a flow of that instance, which a Contact without a flow
   is not. */
static int add_binding(struct target_set *set, const struct binding *binding, struct text instance)
{
    struct binding_view view;
    binding_read(binding, &view);
    if (!is_wanted(set, &view, instance))
        return -EALREADY;
    struct target target = {.uri = view.contact,
                            .path = view.path,
                            .instance = view.instance,
                            .aor = view.aor,
                            .reg_id = view.reg_id,
                            .q = view.q,
                            .flow = view.route == BINDING_BY_CONTACT ? 0 : view.flow,
                            .registered_at = view.registered_at};
    if (instance.length > 0 && target.flow == 0 && target.path.length == 0)
        return -EALREADY;
    return target_add(set, &target);
}

static int add_bindings(struct target_set *set, const struct binding_store *store, struct text aor,
                        struct text instance)
{
    size_t before = set->count;
    for (const struct binding *binding = binding_first(store, aor); binding != NULL;
         binding = binding_next(store, binding)) {
        int result = add_binding(set, binding, instance);
        if (result == 0 || result == -EALREADY)
            continue;
        if (result != -ENOSPC)
            drop_from(set, before);
        return result;
    }
    return (int)(set->count - before);
}

int target_add_aor(struct target_set *set, const struct binding_store *store, struct text aor)
{
    return add_bindings(set, store, aor, (struct text){0});
}

int target_add_flows(struct target_set *set, const struct binding_store *store, const struct target *target)
{
    return target->instance.length > 0 && target->aor.length > 0
               ? add_bindings(set, store, target->aor, target->instance)
               : 0;
}

enum { ABOVE_SILENT = 4001 }; /* more than any two places differ */

static int place_of(const struct target *target)
{
    return target->q + target->lift;
}

/* Classes in the order in which they are opened, highest first: by q, and the silent ones below all others. */
static int rank(const struct target *target)
{
    return place_of(target) + (target->silent ? 0 : ABOVE_SILENT);
}

int target_lift(const struct target_set *set, uint16_t q)
{
    return set->opened ? set->class_place - q : 0;
}

/* Returns which of two to try first: the higher rank; of one instance, the flow registered last; else the one added
   first. */
static bool comes_before(const struct target *a, const struct target *b)
{
    if (rank(a) != rank(b))
        return rank(a) > rank(b);
    return same_instance(a, b) && a->registered_at > b->registered_at;
}

/* Returns whether a target waits for the end of the open class, which a silent target would delay. */
static bool lower_class_waits(const struct target_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct target *target = &set->entries[i]->target;
        if (!target->silent && rank(target) < set->class_rank && permitted(set, target))
            return true;
    }
    return false;
}

/* Returns whether the target may be called together with the open class. */
static bool is_open(const struct target_set *set, const struct target *target)
{
    if (!set->opened || rank(target) >= set->class_rank)
        return true;
    return target->silent && place_of(target) + ABOVE_SILENT == set->class_rank && !lower_class_waits(set);
}

static struct target *take(struct target *target)
{
    if (target != NULL)
        target->status = TARGET_PENDING;
    return target;
}

static struct target *best_permitted(const struct target_set *set)
{
    struct target *best = NULL;
    for (size_t i = 0; i < set->count; i++) {
        struct target *target = &set->entries[i]->target;
        if (permitted(set, target) && (best == NULL || comes_before(target, best)))
            best = target;
    }
    return best;
}

struct target *target_next(struct target_set *set, bool open_class)
{
    struct target *best = best_permitted(set);
    if (best == NULL || (!open_class && !is_open(set, best)))
        return NULL;
    if (!set->opened || !is_open(set, best)) {
        set->class_rank = rank(best);
        set->class_place = place_of(best);
    }
    set->opened = true;
    return take(best);
}

struct target *target_next_flow(struct target_set *set, struct target *failed)
{
    target_failed(set, failed);
    struct target *best = NULL;
    for (size_t i = 0; i < set->count; i++) {
        struct target *target = &set->entries[i]->target;
        if (same_user(target, failed) && permitted(set, target) && (best == NULL || comes_before(target, best)))
            best = target;
    }
    return take(best);
}

void target_answered(struct target_set *set, struct target *target)
{
    target->status = TARGET_ANSWERED;
    for (size_t i = 0; i < set->count; i++) {
        struct target *other = &set->entries[i]->target;
        if (other->status == TARGET_UNTRIED && same_instance(other, target))
            other->status = TARGET_SKIPPED;
    }
}

void target_skip_untried(struct target_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->entries[i]->target.status == TARGET_UNTRIED)
            set->entries[i]->target.status = TARGET_SKIPPED;
}

void target_failed(struct target_set *set, struct target *target)
{
    (void)set;
    if (target->status == TARGET_PENDING || target->status == TARGET_UNTRIED)
        target->status = TARGET_FAILED;
}

void target_flow_died(struct target_set *set, flow_id flow)
{
    for (size_t i = 0; flow != 0 && i < set->count; i++) {
        struct target *target = &set->entries[i]->target;
        if (target->flow == flow && target->status == TARGET_UNTRIED)
            target->status = TARGET_FAILED;
    }
}

unsigned target_flows_left(const struct target_set *set, const struct target *target)
{
    unsigned left = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct target *other = &set->entries[i]->target;
        left += other != target && other->status == TARGET_UNTRIED && same_user(other, target);
    }
    return left;
}

static bool counted_before(const struct target_set *set, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        const struct target *other = &set->entries[i]->target;
        if (other->status == TARGET_UNTRIED && same_instance(other, &set->entries[index]->target))
            return true;
    }
    return false;
}

unsigned target_targets_left(const struct target_set *set)
{
    unsigned left = 0;
    for (size_t i = 0; i < set->count; i++)
        left += permitted(set, &set->entries[i]->target) && !counted_before(set, i);
    return left;
}

unsigned target_class_left(const struct target_set *set)
{
    unsigned left = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct target *target = &set->entries[i]->target;
        left += is_open(set, target) && permitted(set, target) && !counted_before(set, i);
    }
    return left;
}

size_t target_count(const struct target_set *set)
{
    return set->count;
}

struct target *target_at(struct target_set *set, size_t index)
{
    return index < set->count ? &set->entries[index]->target : NULL;
}
