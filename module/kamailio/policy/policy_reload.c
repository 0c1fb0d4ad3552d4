// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/policy/policy_reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"
#include "kamailio/policy/worker_policy.h"

enum { ANSWER_MS = 3000, REPORT_MS = 2000, TURN_MS = 20 };

/* A version may use its whole time in each of many processes on few processors. */
static uint32_t build_ms(void)
{
    return (uint32_t)module_config.policy_load_ms * 4 + ANSWER_MS;
}

static int fail(struct policy_change *change, int result, const char *why)
{
    snprintf(change->error, sizeof change->error, "%s", why);
    return result;
}

static int ask(struct policy_change *change, enum policy_order order, enum policy_choice choice, uint32_t ms)
{
    struct policy_share *share = policy_share();
    share->request.order = order;
    change->processes = policy_choose(share, choice);
    return policy_ask(share, ms, change->error, sizeof change->error);
}

/* --- the file of the last good version --- */

static int save(struct policy_share *share)
{
    struct sources *sources;
    int result = worker_policy_good_sources(&sources);
    if (result == -ENOENT)
        result = policy_blob_read(share->use.active, &sources);
    if (result != 0)
        return result;
    result = sources_save(sources, module_config.policy_last_good);
    sources_release(sources);
    return result;
}

void policy_keep_good(void)
{
    int result = module_config.policy_last_good != NULL ? save(policy_share()) : 0;
    if (result != 0)
        policy_log(LOG_ERROR, "the last good policy could not be kept in %s: %s", module_config.policy_last_good,
                   sources_save_reason(result));
}

/* --- preparing --- */

static int read_sources(const char *path, struct sources **sources, struct policy_change *change)
{
    const struct host *host = ksr_host();
    struct layer_options *layers = host->allocate(host->context, NULL, 0, sizeof *layers);
    int result = -ENAMETOOLONG;
    if (layers == NULL)
        return fail(change, -ENOMEM, "out of memory");
    *layers = module_config.layers;
    snprintf(change->error, sizeof change->error, "the path is too long");
    if (path == NULL || layer_option_base(layers, path))
        result = sources_read(sources, host, layers->layers, layers->count, NULL, change->error, sizeof change->error);
    host->allocate(host->context, layers, sizeof *layers, 0);
    return result;
}

/* Only in the processes that prepared it; the others refuse it from now on. */
static void abort_everywhere(struct policy_change *change, int result)
{
    struct policy_share *share = policy_share();
    char unheard[256];
    bool remember = result != -ENOMEM && result != -ETIMEDOUT && result != -EAGAIN && result != -ECANCELED;
    snprintf(share->request.why, sizeof share->request.why, "%.*s", (int)sizeof share->request.why - 1, change->error);
    share->request.remember = remember;
    share->request.order = ORDER_ABORT;
    policy_choose(share, CHOOSE_ALL);
    policy_ask(share, ANSWER_MS, unheard, sizeof unheard);
}

/* A version was withdrawn in one process while this one was built, so the previous version is not the same in all. */
static int check_agreement(struct policy_change *change)
{
    struct policy_share *share = policy_share();
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        if (slot->chosen && slot->places.active != share->use.active->hash)
            return fail(change, -EAGAIN, "the version in use was taken back meanwhile: try again");
    }
    return 0;
}

/* First in the process without calls, so that errors are found and reported once. */
static int prepare(struct policy_change *change, enum policy_place place)
{
    int result = ask(change, ORDER_BUILD, CHOOSE_LEADER, build_ms());
    if (result != 0)
        return result;
    result = ask(change, ORDER_BUILD, CHOOSE_OTHERS, build_ms());
    if (result == 0 && place == PLACE_ACTIVE)
        result = ask(change, ORDER_HAND_OVER, CHOOSE_ALL, ANSWER_MS);
    if (result == 0)
        result = check_agreement(change);
    if (result != 0)
        abort_everywhere(change, result);
    return result;
}

/* --- taking in use --- */

/* From here on nothing can be refused. A slow process, for example one that is stopped, changes later. */
static void carry_out(struct policy_change *change, enum policy_order order)
{
    if (ask(change, order, CHOOSE_ALL, ANSWER_MS) != 0)
        policy_log(LOG_ERROR, "the policy changes late in a process: %s", change->error);
}

static void take_in_use(struct policy_share *share, struct policy_blob *blob, enum policy_place place,
                        uint32_t canary_share)
{
    struct policy_use use = share->use;
    if (place == PLACE_ACTIVE) {
        use.previous = use.active;
        use.active = blob;
    } else if (place == PLACE_CANARY) {
        use.canary = blob;
        use.canary_share = canary_share;
    } else {
        use.shadow = blob;
    }
    policy_use_set(share, use);
}

static void tell(struct policy_change *change, const char *what)
{
    snprintf(change->done, sizeof change->done, "version %" PRIu64 " (%016" PRIx64 ") %s in %zu processes",
             change->number, change->hash, what, change->processes);
    policy_log(LOG_NOTICE, "policy %s", change->done);
}

static int load(struct policy_change *change, enum policy_place place, uint32_t canary_share, struct sources *sources)
{
    static const char *const places[] = {"is in use", "is the canary", "is the shadow"};
    struct policy_share *share = policy_share();
    struct policy_blob *blob = policy_blob_new(sources, share->last_number + 1);
    if (blob == NULL)
        return fail(change, -ENOMEM, "no shared memory for the policy");
    change->number = blob->number;
    change->hash = blob->hash;
    share->request = (struct policy_request){
        .place = place, .canary_share = canary_share, .number = blob->number, .hash = blob->hash, .blob = blob};
    int result = prepare(change, place);
    if (result != -EEXIST && result != -EALREADY)
        share->last_number = blob->number;
    if (result != 0) {
        policy_blob_release(blob);
        return result;
    }
    carry_out(change, ORDER_COMMIT);
    take_in_use(share, blob, place, canary_share);
    tell(change, places[place]);
    if (place == PLACE_ACTIVE)
        policy_keep_good();
    return 0;
}

static void count(int result)
{
    stats_count(result == 0 ? STAT_RELOADS : result == -EEXIST ? STAT_RELOADS_UNCHANGED : STAT_RELOADS_FAILED);
}

int policy_reload(enum policy_place place, const char *path, uint32_t canary_share, struct policy_change *change)
{
    struct policy_share *share = policy_share();
    struct sources *sources;
    *change = (struct policy_change){0};
    int result = policy_coordinate_begin(share, true, change->error, sizeof change->error);
    if (result != 0)
        return result;
    result = read_sources(path, &sources, change);
    if (result == 0) {
        result = load(change, place, canary_share, sources);
        sources_release(sources);
    }
    count(result);
    if (result != 0 && result != -EEXIST)
        policy_log(LOG_ERROR, "policy not reloaded, the active one stays in use: %s", change->error);
    policy_coordinate_end(share);
    return result;
}

/* --- going back, promoting, ending --- */

static void describe(struct policy_change *change, const struct policy_blob *blob)
{
    change->number = blob->number;
    change->hash = blob->hash;
}

int policy_take_back(struct policy_change *change)
{
    struct policy_share *share = policy_share();
    *change = (struct policy_change){0};
    int result = policy_coordinate_begin(share, true, change->error, sizeof change->error);
    if (result != 0)
        return result;
    struct policy_use use = share->use;
    if (use.previous == NULL) {
        result = fail(change, -ENOENT, "there is no previous version");
        goto out;
    }
    share->request = (struct policy_request){.why = "taken back by command"};
    carry_out(change, ORDER_ROLLBACK);
    use.active = use.previous;
    use.previous = NULL;
    policy_use_set(share, use);
    describe(change, use.active);
    tell(change, "is in use again");
    policy_keep_good();
out:
    policy_coordinate_end(share);
    return result;
}

int policy_promote_canary(struct policy_change *change)
{
    struct policy_share *share = policy_share();
    *change = (struct policy_change){0};
    int result = policy_coordinate_begin(share, true, change->error, sizeof change->error);
    if (result != 0)
        return result;
    struct policy_use use = share->use;
    share->request = (struct policy_request){0};
    if (use.canary == NULL)
        result = fail(change, -ENOENT, "there is no canary");
    else
        result = ask(change, ORDER_HAND_OVER, CHOOSE_ALL, ANSWER_MS);
    if (result == 0) {
        carry_out(change, ORDER_PROMOTE);
        use.previous = use.active;
        use.active = use.canary;
        use.canary = NULL;
        policy_use_set(share, use);
        describe(change, use.active);
        tell(change, "is in use");
        policy_keep_good();
    }
    policy_coordinate_end(share);
    return result;
}

int policy_stop_trial(enum policy_place place, struct policy_change *change)
{
    struct policy_share *share = policy_share();
    *change = (struct policy_change){0};
    int result = policy_coordinate_begin(share, true, change->error, sizeof change->error);
    if (result != 0)
        return result;
    struct policy_use use = share->use;
    struct policy_blob **trial = place == PLACE_CANARY ? &use.canary : &use.shadow;
    if (*trial == NULL) {
        result = fail(change, -EEXIST, place == PLACE_CANARY ? "there is no canary" : "there is no shadow");
    } else {
        describe(change, *trial);
        share->request = (struct policy_request){.place = place};
        carry_out(change, ORDER_END_TRIAL);
        *trial = NULL;
        tell(change, place == PLACE_CANARY ? "is no longer the canary" : "is no longer the shadow");
        policy_use_set(share, use);
    }
    policy_coordinate_end(share);
    return result;
}

static bool has_hash(const struct policy_blob *blob, uint64_t hash)
{
    return blob != NULL && blob->hash == hash;
}

int policy_withdraw_everywhere(uint64_t hash, const char *why)
{
    struct policy_share *share = policy_share();
    struct policy_change change = {0};
    int result = policy_coordinate_begin(share, true, change.error, sizeof change.error);
    if (result != 0)
        return result;
    struct policy_use use = share->use;
    bool was_active = has_hash(use.active, hash) && use.previous != NULL;
    share->request = (struct policy_request){.hash = hash};
    snprintf(share->request.why, sizeof share->request.why, "%s", why);
    if (ask(&change, ORDER_WITHDRAW, CHOOSE_ALL_BUT_ME, ANSWER_MS) != 0)
        policy_log(LOG_ERROR, "the policy changes late in a process: %s", change.error);
    if (was_active)
        use.active = use.previous;
    if (was_active || has_hash(use.previous, hash))
        use.previous = NULL;
    if (has_hash(use.canary, hash))
        use.canary = NULL;
    if (has_hash(use.shadow, hash))
        use.shadow = NULL;
    policy_use_set(share, use);
    if (was_active)
        policy_keep_good();
    policy_coordinate_end(share);
    return 0;
}

int policy_withdraw_part_everywhere(uint64_t hash, const char *why)
{
    struct policy_share *share = policy_share();
    struct policy_change change = {0};
    int result = policy_coordinate_begin(share, true, change.error, sizeof change.error);
    if (result != 0)
        return result;
    share->request = (struct policy_request){.hash = hash};
    snprintf(share->request.why, sizeof share->request.why, "%s", why);
    if (ask(&change, ORDER_WITHDRAW_PART, CHOOSE_ALL_BUT_ME, ANSWER_MS) != 0)
        policy_log(LOG_ERROR, "the policy changes late in a process: %s", change.error);
    policy_withdrawn_part_add(share, hash);
    policy_keep_good();
    policy_coordinate_end(share);
    return 0;
}

int policy_reports(struct policy_change *change)
{
    struct policy_share *share = policy_share();
    uint64_t until = ksr_now_ms() + REPORT_MS;
    int result;
    *change = (struct policy_change){0};
    while ((result = policy_coordinate_begin(share, false, change->error, sizeof change->error)) == -EBUSY &&
           ksr_now_ms() < until)
        usleep(TURN_MS * 1000);
    if (result != 0)
        return result;
    share->history_count = 0;
    ask(change, ORDER_REPORT, CHOOSE_ALL, REPORT_MS);
    return 0;
}
