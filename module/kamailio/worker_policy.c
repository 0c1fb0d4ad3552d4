// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/worker_policy.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "kamailio/host.h"
#include "kamailio/module.h"
#include "kamailio/policy_share.h"
#include "kamailio/stats.h"

/* The policy of this process. The mutex keeps the thread beside away between take and release. */
struct worker {
    pid_t pid;
    struct policy *policy;
    pthread_mutex_t mutex;
    unsigned depth; /* of takes in each other */
};

static struct policy_share *share; /* made before the fork; NULL: there is no policy */
static struct worker worker;

/* --- the first version --- */

static struct policy_config policy_config(void)
{
    return (struct policy_config){.host = ksr_host(),
                                  .limits = {.time_ms = (uint32_t)module_config.policy_time_ms,
                                             .load_ms = (uint32_t)module_config.policy_load_ms,
                                             .memory = (size_t)module_config.policy_memory * 1024},
                                  .store = share->store};
}

/* Built and thrown away: the states of Lua that run are each process's own. */
static int try_sources(struct sources *sources, char *error, size_t size)
{
    const struct policy_config limits = policy_config();
    const struct script_config config = {.host = limits.host, .limits = limits.limits, .store = limits.store};
    struct script *script;
    int result = script_new_of(&script, &config, sources, error, size);
    if (result == 0)
        script_release(script);
    return result;
}

static int read_and_try(struct sources **sources, char *error, size_t size)
{
    int result =
        sources_read(sources, ksr_host(), module_config.layers.layers, module_config.layers.count, NULL, error, size);
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

int worker_policy_create(void)
{
    char error[1024];
    struct sources *sources;
    if (module_config.layers.count == 0)
        return 0;
    if (module_config.policy == NULL) {
        ksr_log(LOG_ERROR, "modparam layer, tenant: they stand beside a policy, and modparam policy is missing");
        return -1;
    }
    share = policy_share_new();
    if (share == NULL) {
        ksr_log(LOG_ERROR, "no shared memory for the policy");
        return -1;
    }
    if (read_and_try(&sources, error, sizeof error) != 0 && load_last_good(&sources, error) != 0) {
        ksr_log(LOG_ERROR, "the policy is broken: %s", error);
        return -1;
    }
    share->active = policy_blob_new(sources, 1);
    sources_release(sources);
    if (share->active == NULL)
        ksr_log(LOG_ERROR, "no shared memory for the policy");
    return share->active != NULL ? 0 : -1;
}

void worker_policy_destroy(void)
{
    policy_share_delete(share);
    share = NULL;
}

/* --- each process --- */

static bool runs_routes(int rank)
{
    return rank > 0 || rank == PROC_TIMER || rank == PROC_RPC;
}

static int build_first(char *error, size_t size)
{
    struct sources *sources;
    int result = policy_blob_read(share->active, &sources);
    if (result != 0) {
        snprintf(error, size, "%s", strerror(-result));
        return result;
    }
    result = policy_prepare(worker.policy, sources, error, size);
    if (result == 0)
        result = policy_commit(worker.policy, PLACE_ACTIVE, 0, error, size);
    sources_release(sources);
    return result;
}

int worker_policy_start(int rank)
{
    char error[1024] = "out of memory";
    if (share == NULL || !runs_routes(rank) || worker.pid == getpid())
        return 0;
    const struct policy_config config = policy_config();
    if (policy_new(&worker.policy, &config) != 0 || build_first(error, sizeof error) != 0) {
        ksr_log(LOG_ERROR, "the policy cannot be loaded in process %d: %s", (int)getpid(), error);
        return -1;
    }
    pthread_mutex_init(&worker.mutex, NULL);
    worker.pid = getpid();
    stats_version(share->active->number);
    return 0;
}

/* --- calls --- */

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

void worker_policy_release(struct policy_hold *hold)
{
    if (hold->policy == NULL)
        return;
    policy_release(hold);
    drop_mutex();
}

bool worker_policy_hears(enum hook hook)
{
    if (worker.policy == NULL)
        return false;
    hold_mutex();
    bool hears = policy_hears(worker.policy, hook);
    drop_mutex();
    return hears;
}

void worker_policy_on_flow(enum hook hook, const struct script_flow *flow)
{
    if (worker.policy == NULL)
        return;
    hold_mutex();
    policy_on_flow(worker.policy, hook, flow);
    drop_mutex();
}

/* --- */

const rpc_export_t policy_rpc[] = {{0, 0, 0, 0}};
