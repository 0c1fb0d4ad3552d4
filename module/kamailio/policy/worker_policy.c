// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/policy/worker_policy.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/policy/policy_reload.h"
#include "kamailio/base/stats.h"

enum { NOTHING = -1, STACK_SIZE = 2 << 20, JOIN_MS = 30000, IDLE_MS = 1000, AGAIN_MS = 20 };

/* The policy of this process. The mutex keeps the policy thread away between take and release, and the process away
   while a version is swapped; it is not held while a version is built. */
struct worker {
    pid_t pid;
    struct policy *policy;
    struct policy_slot *slot;
    pthread_mutex_t mutex;
    unsigned depth;                                /* depth of nested takes */
    struct policy_places places;                   /* as last seen, to notice what the policy withdraws by itself */
    atomic_uint_fast64_t gone_active, gone_canary; /* withdrawn here, but not yet everywhere */
    atomic_uint_fast64_t parts_gone,
        parts_told;   /* withdrawals of tenants' parts: here, and how many of them everywhere */
    atomic_bool used; /* since the policy thread last cleaned up */
};

static struct policy_share *share; /* made before the fork; NULL: there is no policy */
static struct worker worker;
static _Thread_local bool beside;
static _Thread_local int heard = LOG_DEBUG; /* lines above this level are dropped */

struct policy_share *policy_share(void)
{
    return share;
}

/* --- the log --- */

/* Kamailio's macros count their nesting in a variable of the process, which two threads would corrupt. */
static void write_beside(enum log_level level, const char *line)
{
    static const int levels[] = {L_ERR, L_WARN, L_NOTICE, L_INFO, L_DBG};
    const struct log_level_info *info = &log_level_info[levels[level] - L_ALERT];
    if (get_cfg_debug_level() < levels[level])
        return;
    if (log_stderr)
        dprintf(STDERR_FILENO, "%2d(%d) %s: reflow: %s\n", process_no, (int)getpid(), info->name, line);
    else
        _km_log_func(info->syslog_level | get_debug_facility(NULL, 0), "%s: reflow: %s\n", info->name, line);
}

/* Messages while loading a version are logged once, by the process that tries it; the coordinator logs common
   results. */
static void log_line(void *context, enum log_level level, const char *line)
{
    if ((int)level > heard)
        return;
    if (beside)
        write_beside(level, line);
    else
        ksr_host()->log(context, level, line);
}

void policy_log(enum log_level level, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_line(NULL, level, line);
}

/* --- the first version --- */

static const struct host *policy_host(void)
{
    static struct host host;
    host = *ksr_host();
    host.log = log_line;
    return &host;
}

static struct policy_config policy_config(void)
{
    return (struct policy_config){.host = policy_host(),
                                  .no_credentials =
                                      "only reflow serve calls it; in Kamailio, the modules auth, auth_db "
                                      "and their like authenticate users",
                                  .limits = {.time_ms = (uint32_t)module_config.policy_time_ms,
                                             .load_ms = (uint32_t)module_config.policy_load_ms,
                                             .memory = (size_t)module_config.policy_memory * 1024,
                                             .tenant_memory = (size_t)module_config.tenant_memory * 1024},
                                  .store = share->store,
                                  .tenants = &share->tenants};
}

/* Built and discarded: every process builds its own Lua states. */
static int try_sources(struct sources *sources, char *error, size_t size)
{
    const struct policy_config limits = policy_config();
    const struct script_config config = {.host = limits.host,
                                         .limits = limits.limits,
                                         .store = limits.store,
                                         .tenants = limits.tenants,
                                         .no_credentials = limits.no_credentials};
    struct script *script;
    int result = script_new_of(&script, &config, sources, error, size);
    if (result == 0)
        script_release(script);
    return result;
}

static int read_and_try(struct sources **sources, char *error, size_t size)
{
    const struct layer_options *layers = &module_config.layers;
    int result = sources_read(sources, ksr_host(), layers->layers, layers->count, NULL, error, size);
    if (result != 0)
        return result;
    result = try_sources(*sources, error, size);
    if (result != 0)
        sources_release(*sources);
    return result;
}

static int load_last_good(struct sources **sources, const char *broken)
{
    char error[1024];
    if (module_config.policy_last_good == NULL ||
        sources_load(sources, ksr_host(), module_config.policy_last_good, error, sizeof error) != 0)
        return -ENOENT;
    int result = try_sources(*sources, error, sizeof error);
    if (result == 0)
        ksr_log(LOG_ERROR, "THE POLICY IS BROKEN, serving with the last good version of it: %s", broken);
    else
        sources_release(*sources);
    return result;
}

/* *path: the file or folder that is missing, if that is the reason. */
static int make_share(const char **path, char *error, size_t size)
{
    if (module_config.policy == NULL) {
        snprintf(error, size, "modparam layer, tenant: they need modparam policy, which is missing");
        return -1;
    }
    share = policy_share_new(&module_config.layers, (uint32_t)module_config.tenant_store);
    if (share == NULL) {
        snprintf(error, size, "no shared memory for the policy");
        return -1;
    }
    size_t missing = layer_option_missing(&module_config.layers);
    if (missing == module_config.layers.count)
        return 0;
    *path = module_config.layers.layers[missing].path;
    snprintf(error, size, "a path in modparam policy, layer or tenant names nothing: %s: %s", *path, strerror(errno));
    return -1;
}

int worker_policy_check(const char **path, char *error, size_t size)
{
    struct sources *sources;
    *path = NULL;
    if (module_config.layers.count == 0)
        return 0;
    if (make_share(path, error, size) != 0 || read_and_try(&sources, error, size) != 0)
        return -1;
    sources_release(sources);
    return 0;
}

int worker_policy_create(void)
{
    char error[1024];
    const char *path;
    struct sources *sources;
    if (module_config.layers.count == 0)
        return 0;
    if (make_share(&path, error, sizeof error) != 0) {
        ksr_log(LOG_ERROR, "%s", error);
        return -1;
    }
    if (read_and_try(&sources, error, sizeof error) != 0 && load_last_good(&sources, error) != 0) {
        ksr_log(LOG_ERROR, "the policy is broken: %s", error);
        return -1;
    }
    share->last_number = 1;
    share->use.active = policy_blob_new(sources, share->last_number);
    sources_release(sources);
    if (share->use.active == NULL)
        ksr_log(LOG_ERROR, "no shared memory for the policy");
    return share->use.active != NULL ? 0 : -1;
}

void worker_policy_destroy(void)
{
    policy_share_delete(share);
    share = NULL;
}

/* --- the mutex --- */

static void hold_mutex(void)
{
    if (worker.depth++ == 0)
        pthread_mutex_lock(&worker.mutex);
}

static void drop_mutex(void)
{
    if (--worker.depth == 0)
        pthread_mutex_unlock(&worker.mutex);
}

/* --- the policy thread --- */

static void note_places(void)
{
    struct policy_version versions[REPORT_HISTORY];
    worker.places = policy_places(worker.policy);
    size_t count = policy_history(worker.policy, versions, REPORT_HISTORY);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(versions[i].state, "active") == 0)
            stats_version(versions[i].number);
    }
}

static int build_version(struct policy_blob *blob, bool as_shadow, char *error, size_t size)
{
    struct policy_build *build;
    struct sources *sources;
    int result = policy_blob_read(blob, &sources);
    if (result != 0) {
        snprintf(error, size, "%s", strerror(-result));
        return result;
    }
    pthread_mutex_lock(&worker.mutex);
    result = policy_build_begin(&build, worker.policy, sources, error, size);
    if (result == 0 && as_shadow)
        policy_build_as_shadow(build);
    pthread_mutex_unlock(&worker.mutex);
    if (result == 0) {
        policy_build_run(build);
        pthread_mutex_lock(&worker.mutex);
        policy_number_next(worker.policy, blob->number);
        result = policy_build_end(build, error, size);
        pthread_mutex_unlock(&worker.mutex);
    }
    sources_release(sources);
    return result;
}

static void report(struct policy_slot *slot)
{
    struct policy_version versions[REPORT_HISTORY];
    struct policy_report *out = &slot->report;
    out->count = policy_history(worker.policy, versions, REPORT_HISTORY);
    for (size_t i = 0; i < out->count; i++)
        out->versions[i] = (struct policy_count){versions[i].number, versions[i].entries, versions[i].failures};
    out->agreements = policy_agreements(worker.policy);
    out->differences = policy_differences(worker.policy);
    out->sample_count = policy_samples(worker.policy, out->samples, REPORT_SAMPLES);
    if (!slot->tries)
        return;
    share->history_count = out->count;
    memcpy(share->history, versions, out->count * sizeof versions[0]);
}

/* Everything but building a version, which is done without the mutex. */
static int carry_out(const struct policy_request *request, char *error, size_t size)
{
    struct policy *policy = worker.policy;
    switch (request->order) {
    case ORDER_HAND_OVER:
        return policy_hand_over(policy, error, size);
    case ORDER_COMMIT:
        return policy_commit(policy, request->place, request->canary_share, error, size);
    case ORDER_ABORT:
        policy_abort(policy, request->why, request->remember);
        return 0;
    case ORDER_ROLLBACK:
        return policy_rollback(policy, request->why, false);
    case ORDER_WITHDRAW_PART:
        policy_withdraw_part(policy, request->hash, request->why);
        return 0;
    case ORDER_WITHDRAW:
        policy_withdraw(policy, request->hash, request->why);
        return 0;
    case ORDER_PROMOTE:
        return policy_promote(policy, error, size);
    case ORDER_END_TRIAL:
        return policy_end_trial(policy, request->place);
    default:
        report(worker.slot);
        return 0;
    }
}

static void serve(void)
{
    struct policy_slot *slot = worker.slot;
    const struct policy_request *request = &slot->request;
    int result = 0;
    heard = !slot->tries ? NOTHING : request->order == ORDER_BUILD ? LOG_DEBUG : LOG_ERROR;
    if (request->order == ORDER_BUILD) {
        struct policy_blob *blob = request->blob;
        result = build_version(blob, request->place == PLACE_SHADOW, slot->error, sizeof slot->error);
        policy_blob_release(blob);
    }
    pthread_mutex_lock(&worker.mutex);
    if (request->order != ORDER_BUILD)
        result = carry_out(request, slot->error, sizeof slot->error);
    note_places();
    slot->places = worker.places;
    if (!policy_slot_answer(share, slot, result)) {
        policy_abort(worker.policy, "it took too long", false);
        policy_slot_undone(slot);
    }
    pthread_mutex_unlock(&worker.mutex);
    heard = LOG_DEBUG;
}

static void reason_of(uint64_t hash, char *why, size_t size)
{
    struct policy_version versions[REPORT_HISTORY];
    pthread_mutex_lock(&worker.mutex);
    size_t count = policy_history(worker.policy, versions, REPORT_HISTORY);
    pthread_mutex_unlock(&worker.mutex);
    snprintf(why, size, "it failed");
    for (size_t i = count; i-- > 0;) {
        if (versions[i].hash == hash && versions[i].why[0] != '\0')
            snprintf(why, size, "%s [process %d]", versions[i].why, (int)getpid());
    }
}

/* A version that this process has withdrawn is withdrawn in all others too, and here from every other role. */
static void withdraw(atomic_uint_fast64_t *gone)
{
    char why[256];
    uint_fast64_t hash = atomic_load(gone);
    if (hash == 0)
        return;
    reason_of(hash, why, sizeof why);
    pthread_mutex_lock(&worker.mutex);
    policy_withdraw(worker.policy, hash, why);
    worker.places = policy_places(worker.policy);
    pthread_mutex_unlock(&worker.mutex);
    if (policy_withdraw_everywhere(hash, why) != -EBUSY)
        atomic_compare_exchange_strong(gone, &hash, 0);
}

/* The same for a tenant's part. */
static void withdraw_parts(void)
{
    char why[256];
    struct policy_withdrawal gone;
    while (worker.parts_told < worker.parts_gone) {
        pthread_mutex_lock(&worker.mutex);
        bool there = policy_withdrawal(worker.policy, worker.parts_told, &gone);
        pthread_mutex_unlock(&worker.mutex);
        snprintf(why, sizeof why, "%s [process %d]", gone.why, (int)getpid());
        if (there && gone.own && policy_withdraw_part_everywhere(gone.hash, why) == -EBUSY)
            return;
        worker.parts_told++;
    }
}

static void tidy_up(void)
{
    pthread_mutex_lock(&worker.mutex);
    worker.used = false;
    policy_idle(worker.policy);
    pthread_mutex_unlock(&worker.mutex);
}

static void *run_beside(void *unused)
{
    (void)unused;
    beside = true;
    for (;;) {
        bool failing = worker.gone_active != 0 || worker.gone_canary != 0 || worker.parts_told < worker.parts_gone;
        policy_slot_wait(worker.slot, failing ? AGAIN_MS : worker.used ? IDLE_MS : 0);
        if (policy_slot_is_asked(worker.slot)) {
            serve();
            continue;
        }
        withdraw(&worker.gone_active);
        withdraw(&worker.gone_canary);
        withdraw_parts();
        tidy_up();
    }
    return NULL;
}

/* The thread accepts only the signal that stops scripts: Kamailio's signals are for the main threads of its
   processes. */
static int start_beside(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGVTALRM);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, run_beside, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}

/* --- each process --- */

static bool runs_routes(int rank)
{
    return rank > 0 || rank == PROC_TIMER || rank == PROC_RPC;
}

static int take_blob(struct policy_blob *blob, enum policy_place place, uint32_t canary_share, char *error, size_t size)
{
    if (blob == NULL)
        return 0;
    int result = build_version(blob, place == PLACE_SHADOW, error, size);
    return result == 0 ? policy_commit(worker.policy, place, canary_share, error, size) : result;
}

static void withdraw_known_parts(void)
{
    uint64_t hashes[WITHDRAWN_PARTS];
    size_t count = policy_withdrawn_parts(share, hashes);
    for (size_t i = 0; i < count; i++)
        policy_withdraw_part(worker.policy, hashes[i], "it failed in another process");
}

/* In the same order as in every other process that existed when the versions arrived. */
static int build_in_use(const struct policy_use *use, char *error, size_t size)
{
    const struct policy_config config = policy_config();
    snprintf(error, size, "out of memory");
    policy_delete(worker.policy);
    worker.policy = NULL;
    int result = policy_new(&worker.policy, &config);
    if (result == 0)
        result = take_blob(use->previous, PLACE_ACTIVE, 0, error, size);
    if (result == 0)
        result = take_blob(use->active, PLACE_ACTIVE, 0, error, size);
    if (result == 0)
        withdraw_known_parts();
    if (result == 0)
        result = take_blob(use->canary, PLACE_CANARY, use->canary_share, error, size);
    if (result == 0)
        result = take_blob(use->shadow, PLACE_SHADOW, 0, error, size);
    return result;
}

/* A reload may be in progress while Kamailio starts its processes: then wait for it and use its result. */
static int join(char *error, size_t size)
{
    uint64_t until = ksr_now_ms() + JOIN_MS;
    int result;
    bool joined = false;
    do {
        struct policy_use use = policy_use_hold(share);
        result = build_in_use(&use, error, size);
        joined = result == 0 && policy_slot_join(share, worker.slot, use.generation);
        policy_use_release(&use);
        if (!joined && result == 0)
            usleep(AGAIN_MS * 1000);
    } while (!joined && result == 0 && ksr_now_ms() < until);
    if (!joined && result == 0) {
        snprintf(error, size, "a reload has not ended for %d seconds", JOIN_MS / 1000);
        result = -ETIMEDOUT;
    }
    return result;
}

int worker_policy_start(int rank)
{
    char error[1024] = "no shared memory";
    if (share != NULL && rank == PROC_MAIN)
        policy_keep_good();
    if (share == NULL || !runs_routes(rank) || worker.pid == getpid())
        return 0;
    memset(&worker, 0, sizeof worker); /* may have been inherited from the parent process */
    pthread_mutex_init(&worker.mutex, NULL);
    worker.slot = policy_slot_new(rank == PROC_RPC);
    heard = NOTHING;
    int result = worker.slot == NULL ? -ENOMEM : join(error, sizeof error);
    heard = LOG_DEBUG;
    if (result == 0) {
        note_places();
        worker.pid = getpid();
        result = start_beside();
        snprintf(error, sizeof error, "%s", strerror(-result));
    }
    if (result != 0)
        ksr_log(LOG_ERROR, "the policy cannot be loaded in process %d: %s", (int)getpid(), error);
    return result == 0 ? 0 : -1;
}

/* --- calls --- */

bool worker_policy_present(void)
{
    return worker.policy != NULL;
}

void worker_policy_take(uint64_t *hash, struct text call_id, struct policy_hold *hold)
{
    *hold = (struct policy_hold){0};
    if (worker.policy == NULL)
        return;
    hold_mutex();
    if (*hash != 0)
        policy_take_version(worker.policy, *hash, hold);
    else
        policy_take(worker.policy, call_id, hold);
    if (*hash == 0)
        *hash = hold->hash;
}

/* The policy rolls back by itself after too many failures; the other processes must be informed. */
static void look_for_withdrawal(void)
{
    const struct policy_places places = policy_places(worker.policy), before = worker.places;
    bool first = !worker.used;
    worker.used = true;
    if (places.active != before.active)
        worker.gone_active = before.active;
    if (places.canary != before.canary)
        worker.gone_canary = before.canary;
    if (policy_withdrawals(worker.policy) != worker.parts_gone) {
        worker.parts_gone = policy_withdrawals(worker.policy);
        first = true;
    }
    if (places.active != before.active || places.canary != before.canary) {
        note_places();
        first = true;
    }
    if (first)
        sem_post(&worker.slot->wake);
}

void worker_policy_release(struct policy_hold *hold)
{
    if (hold->policy == NULL)
        return;
    policy_release(hold);
    look_for_withdrawal();
    drop_mutex();
}

bool worker_policy_hears(enum hook hook)
{
    if (worker.policy == NULL)
        return false;
    hold_mutex();
    bool hears = policy_may_hear(worker.policy, hook);
    drop_mutex();
    return hears;
}

int worker_policy_good_sources(struct sources **out)
{
    if (worker.policy == NULL || worker.pid != getpid())
        return -ENOENT;
    if (beside)
        pthread_mutex_lock(&worker.mutex);
    else
        hold_mutex();
    int result = policy_good_sources(worker.policy, out);
    if (beside)
        pthread_mutex_unlock(&worker.mutex);
    else
        drop_mutex();
    return result;
}

void worker_policy_on_flow(enum hook hook, const struct script_flow *flow)
{
    if (worker.policy == NULL)
        return;
    hold_mutex();
    policy_on_flow(worker.policy, hook, flow);
    drop_mutex();
}

int worker_policy_explain(uint32_t code, struct text aor,
                          bool (*visit)(void *context, const struct script_hook_info *info), void *context)
{
    if (worker.policy == NULL)
        return -ENOENT;
    hold_mutex();
    struct script *active = policy_active(worker.policy);
    int result =
        active != NULL ? script_explain(active, HOOK_RESPONSE, code, METHOD_INVITE, aor, visit, context) : -ENOENT;
    drop_mutex();
    return result;
}
