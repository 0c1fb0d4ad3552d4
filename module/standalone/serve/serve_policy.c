// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve_policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "script/store/tenants.h"
#include "standalone/serve/control.h"

#include "standalone/serve/local_socket.h"
#include "standalone/serve/policy_watch.h"
#include "standalone/serve/reload.h"

enum { IDLE_MS = 1000 };

struct serve_policy {
    struct serve_policy_config config;
    struct store *store;
    struct tenants tenants;
    struct policy *policy;
    struct reload *reload;
    struct control control;
    struct policy_watch watch;
    uv_timer_t idle;
    bool idle_open;
    bool reload_waits;                 /* SIGHUP came during a reload, which may have read the files before */
    bool started;                      /* versions that are loaded from now on are used */
    struct sources *keeping, *to_keep; /* being written, and the next one */
    uv_work_t keep_work;
    int kept_result;
    char program[4096];
};

static void say(const struct serve_policy *policy, enum log_level level, const char *line)
{
    policy->config.host->log(policy->config.host->context, level, line);
}

/* --- the first version --- */

static int take_sources(struct serve_policy *policy, struct sources *sources, char *error, size_t size)
{
    int result = policy_prepare(policy->policy, sources, error, size);
    if (result == 0)
        result = policy_commit(policy->policy, PLACE_ACTIVE, 0, error, size);
    return result;
}

static int load_from_disk(struct serve_policy *policy, char *error, size_t size)
{
    struct sources *sources;
    int result = sources_read(&sources, policy->config.host, policy->config.layers, policy->config.layer_count, NULL,
                              error, size);
    if (result != 0)
        return result;
    result = take_sources(policy, sources, error, size);
    sources_release(sources);
    size_t length = strlen(error);
    if (result == -ENOMEM)
        snprintf(error + length, size - length, " (see --script-memory and --tenant-memory)");
    return result;
}

static int load_last_good(struct serve_policy *policy, const char *broken)
{
    char error[1024], line[2400];
    struct sources *sources;
    if (policy->config.good_path == NULL || policy->config.forbid_last_good ||
        sources_load(&sources, policy->config.host, policy->config.good_path, error, sizeof error) != 0)
        return -ENOENT;
    int result = take_sources(policy, sources, error, sizeof error);
    sources_release(sources);
    snprintf(line, sizeof line, "THE POLICY IS BROKEN, serving with the last good version of it: %s", broken);
    if (result == 0)
        say(policy, LOG_ERROR, line);
    return result;
}

static void find_program(struct serve_policy *policy)
{
    size_t size = sizeof policy->program;
    if (uv_exepath(policy->program, &size) != 0)
        policy->program[0] = '\0';
}

static void write_good(uv_work_t *work)
{
    struct serve_policy *policy = work->data;
    policy->kept_result = sources_save(policy->keeping, policy->config.good_path);
}

static void keep_next(struct serve_policy *policy);

static void good_written(uv_work_t *work, int status)
{
    struct serve_policy *policy = work->data;
    char line[1200];
    (void)status;
    if (policy->kept_result != 0) {
        snprintf(line, sizeof line, "the last good policy could not be kept in %s: %s", policy->config.good_path,
                 sources_save_reason(policy->kept_result));
        say(policy, LOG_ERROR, line);
    }
    sources_release(policy->keeping);
    policy->keeping = NULL;
    keep_next(policy);
}

static void keep_next(struct serve_policy *policy)
{
    policy->keeping = policy->to_keep;
    policy->to_keep = NULL;
    if (policy->keeping == NULL)
        return;
    policy->keep_work.data = policy;
    if (uv_queue_work(policy->config.loop, &policy->keep_work, write_good, good_written) != 0) {
        write_good(&policy->keep_work);
        good_written(&policy->keep_work, 0);
    }
}

/* Calls do not wait for the disk. One version is written at a time; of several that wait, only the last is written. */
static void keep(void *context, struct sources *sources)
{
    struct serve_policy *policy = context;
    if (!policy->started)
        return;
    sources_release(policy->to_keep);
    policy->to_keep = sources_hold(sources);
    if (policy->keeping == NULL)
        keep_next(policy);
}

static int create_parts(struct serve_policy *policy)
{
    const struct serve_policy_config *config = &policy->config;
    int error = store_new(&policy->store, config->host, NULL);
    if (error == 0)
        error =
            tenants_create(&policy->tenants, config->host, config->layers, config->layer_count, config->tenant_keys);
    const struct policy_config versions = {.host = config->host,
                                           .limits = config->limits,
                                           .store = policy->store,
                                           .tenants = &policy->tenants,
                                           .keep = config->good_path != NULL ? keep : NULL,
                                           .keep_context = policy,
                                           .rollback_window = config->rollback_window,
                                           .rollback_share = config->rollback_share};
    if (error == 0)
        error = policy_new(&policy->policy, &versions);
    find_program(policy);
    const struct reload_config reload = {.loop = config->loop,
                                         .host = config->host,
                                         .policy = policy->policy,
                                         .layers = config->layers,
                                         .layer_count = config->layer_count,
                                         .program = policy->program[0] != '\0' ? policy->program : NULL};
    return error == 0 ? reload_new(&policy->reload, &reload) : error;
}

int serve_policy_new(struct serve_policy **out, const struct serve_policy_config *config, char *error,
                     size_t error_size)
{
    struct serve_policy *policy = memory_new(config->host, sizeof *policy);
    if (policy == NULL) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    policy->config = *config;
    int result = create_parts(policy);
    if (result != 0)
        snprintf(error, error_size, "out of memory");
    else
        result = load_from_disk(policy, error, error_size);
    if (result != 0 && policy->reload != NULL && load_last_good(policy, error) == 0)
        result = 0;
    if (result != 0) {
        serve_policy_delete(policy);
        return result;
    }
    *out = policy;
    return 0;
}

void serve_policy_delete(struct serve_policy *policy)
{
    if (policy == NULL)
        return;
    reload_delete(policy->reload);
    policy_delete(policy->policy);
    tenants_destroy(&policy->tenants);
    store_delete(policy->store);
    memory_delete(policy->config.host, policy, sizeof *policy);
}

struct policy *serve_policy_policy(struct serve_policy *policy)
{
    return policy->policy;
}

/* --- automatic reloads --- */

static void reloaded(void *again, int result, const char *text, const char *why)
{
    struct serve_policy *policy = again;
    char line[1100];
    (void)text;
    if (result == 0)
        snprintf(line, sizeof line, "policy reloaded");
    else if (result == -EEXIST)
        snprintf(line, sizeof line, "policy not reloaded, nothing has changed");
    else
        snprintf(line, sizeof line, "policy not reloaded: %s", why);
    if (result == 0 || result == -EEXIST) /* otherwise reload_begin() has logged it */
        say(policy, LOG_NOTICE, line);
    policy->config.reloaded(policy->config.reloaded_context, line);
}

void serve_policy_reload(struct serve_policy *policy)
{
    bool waited = policy->reload_waits;
    policy->reload_waits = reload_is_busy(policy->reload);
    if (policy->reload_waits && waited)
        return;
    if (policy->reload_waits)
        say(policy, LOG_NOTICE, "policy: a reload is under way; the files are read again after it");
    else
        reload_begin(policy->reload, PLACE_ACTIVE, 0, reloaded, policy);
}

static void on_changed(void *context)
{
    struct serve_policy *policy = context;
    struct policy_version newest;
    uint64_t hash = reload_disk_hash(policy->reload);
    bool known = hash == 0 || hash == reload_tried_hash(policy->reload);
    if (!known && policy_history(policy->policy, &newest, 1) == 1)
        known = newest.hash == hash;
    if (!known)
        serve_policy_reload(policy);
}

/* --- commands --- */

static void answered(void *again, int result, const char *text, const char *why)
{
    enum control_verdict verdict = result == 0 ? CONTROL_OK : result == -EEXIST ? CONTROL_UNCHANGED : CONTROL_ERROR;
    control_answer(again, text_of(text), verdict, why);
}

static void answer_text(struct control_client *client, const char *text)
{
    control_answer(client, text_of(text), CONTROL_OK, "");
}

static void refuse_usage(struct control_client *client, const char *why)
{
    control_answer(client, (struct text){NULL, 0}, CONTROL_USAGE, why);
}

struct version_words {
    char hash[17], when[32];
};

static struct version_words version_words(const struct policy_version *version)
{
    struct version_words words;
    time_t loaded = (time_t)version->loaded_at;
    struct tm parts;
    gmtime_r(&loaded, &parts);
    strftime(words.when, sizeof words.when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    snprintf(words.hash, sizeof words.hash, "%016" PRIx64, version->hash);
    return words;
}

static void write_version(struct sip_buffer *out, const struct policy_version *version)
{
    char line[512];
    struct version_words words = version_words(version);
    snprintf(line, sizeof line, "%" PRIu64 " %s %s %s entries=%" PRIu64 " failures=%" PRIu64 "%s%s\n", version->number,
             words.hash, words.when, version->state, version->entries, version->failures,
             version->why[0] != '\0' ? " " : "", version->why);
    sip_append(out, text_of(line));
}

static void write_version_json(struct json *json, const struct policy_version *version)
{
    struct version_words words = version_words(version);
    json_open(json, NULL);
    json_put_number(json, "version", version->number);
    json_put_text(json, "hash", text_of(words.hash));
    json_put_text(json, "since", text_of(words.when));
    json_put_text(json, "state", text_of(version->state));
    json_put_number(json, "entries", version->entries);
    json_put_number(json, "failures", version->failures);
    json_put_text(json, "why", text_of(version->why));
    json_close(json);
}

static size_t store_size_of(const struct serve_policy *policy, const char *tenant)
{
    const struct store *store = tenants_store(&policy->tenants, tenant);
    return store != NULL ? store_entries(store) : 0;
}

enum { SAMPLES_LISTED = 16 };

static void write_shadow(const struct serve_policy *policy, struct sip_buffer *out)
{
    struct shadow_sample samples[SAMPLES_LISTED];
    char line[320];
    snprintf(line, sizeof line, "shadow agrees=%" PRIu64 " differs=%" PRIu64 "\n", policy_agreements(policy->policy),
             policy_differences(policy->policy));
    sip_append(out, text_of(line));
    size_t count = policy_samples(policy->policy, samples, SAMPLES_LISTED);
    for (size_t i = 0; i < count; i++) {
        snprintf(line, sizeof line, "  %s %u: active %s, shadow %s, call %s\n", hook_name(samples[i].hook),
                 samples[i].code, samples[i].active, samples[i].shadow, samples[i].call_id);
        sip_append(out, text_of(line));
    }
}

static void write_shadow_json(const struct serve_policy *policy, struct json *json)
{
    struct shadow_sample samples[SAMPLES_LISTED];
    json_open(json, "shadow");
    json_put_number(json, "agrees", policy_agreements(policy->policy));
    json_put_number(json, "differs", policy_differences(policy->policy));
    json_open_array(json, "samples");
    size_t count = policy_samples(policy->policy, samples, SAMPLES_LISTED);
    for (size_t i = 0; i < count; i++) {
        json_open(json, NULL);
        json_put_text(json, "hook", text_of(hook_name(samples[i].hook)));
        json_put_number(json, "code", samples[i].code);
        json_put_text(json, "active", text_of(samples[i].active));
        json_put_text(json, "shadow", text_of(samples[i].shadow));
        json_put_text(json, "call_id", text_of(samples[i].call_id));
        json_close(json);
    }
    json_close_array(json);
    json_close(json);
}

static void write_tenants(const struct serve_policy *policy, struct sip_buffer *out)
{
    const struct script *script = policy_active(policy->policy);
    for (size_t i = 1; script != NULL && i < script_part_count(script); i++) {
        struct script_part_info info;
        char line[400];
        script_part_info(script, i, &info);
        uint64_t failures = info.counters.errors + info.counters.overruns + info.counters.memory;
        snprintf(line, sizeof line,
                 "tenant %s entries=%" PRIu64 " failures=%" PRIu64 " memory=%zu store=%zu lines-dropped=%" PRIu64 "\n",
                 info.tenant, info.counters.entries, failures, info.bytes, store_size_of(policy, info.tenant),
                 info.lines_dropped);
        sip_append(out, text_of(line));
    }
}

static void write_tenant_members(const struct serve_policy *policy, struct json *json);

/* As JSON where `json` is not NULL, otherwise as lines. */
static void write_versions(const struct serve_policy *policy, struct sip_buffer *out, bool in_use, struct json *json)
{
    struct policy_version versions[64];
    size_t count = policy_history(policy->policy, versions, sizeof versions / sizeof versions[0]);
    for (size_t i = 0; i < count; i++) {
        bool gone = strcmp(versions[i].state, "retired") == 0 || strcmp(versions[i].state, "failed") == 0;
        if (in_use && gone)
            continue;
        if (json != NULL)
            write_version_json(json, &versions[i]);
        else
            write_version(out, &versions[i]);
    }
}

static void write_history_json(const struct serve_policy *policy, struct sip_buffer *out, bool in_use)
{
    struct json json = sip_json(out);
    char share[16];
    json_open(&json, NULL);
    json_open_array(&json, "versions");
    write_versions(policy, out, in_use, &json);
    json_close_array(&json);
    if (in_use) {
        write_tenant_members(policy, &json);
        snprintf(share, sizeof share, "%.1f", policy_canary_share(policy->policy) / 10.0);
        json_name(&json, "canary_share");
        sip_append(out, text_of(share));
        write_shadow_json(policy, &json);
    }
    json_close(&json);
    sip_append(out, TEXT("\n"));
}

static void write_history(const struct serve_policy *policy, struct sip_buffer *out, bool in_use)
{
    char line[64];
    write_versions(policy, out, in_use, NULL);
    if (!in_use)
        return;
    if (policy_canary_share(policy->policy) > 0) {
        snprintf(line, sizeof line, "canary share=%.1f%%\n", policy_canary_share(policy->policy) / 10.0);
        sip_append(out, text_of(line));
    }
    write_tenants(policy, out);
    write_shadow(policy, out);
}

static void command_history(struct serve_policy *policy, struct control_client *client, const struct control_line *line)
{
    struct sip_buffer out = {.host = policy->config.host};
    (line->json ? write_history_json : write_history)(policy, &out, line->command[0] == 's');
    control_answer(client, (struct text){out.bytes, out.length}, out.failed ? CONTROL_ERROR : CONTROL_OK,
                   "out of memory");
    sip_buffer_destroy(&out);
}

static void command_flows(struct serve_policy *policy, struct control_client *client, const struct control_line *line)
{
    struct sip_buffer out = {.host = policy->config.host};
    const struct binding_list_query query = {.aor = line->word, .limit = line->limit, .json = line->json};
    char why[600];
    int result = policy->config.list_flows(policy->config.list_context, &query, &out);
    if (result == 0)
        control_answer(client, (struct text){out.bytes, out.length}, CONTROL_OK, "");
    else if (result == -EINVAL)
        refuse_usage(client, "flows takes an address such as sip:bob@example.com");
    else {
        snprintf(why, sizeof why, result == -ENOENT ? "no bindings of %s" : "out of memory",
                 line->word != NULL ? line->word : "");
        control_answer(client, (struct text){NULL, 0}, CONTROL_ERROR, why);
    }
    sip_buffer_destroy(&out);
}

static void end_trial(struct serve_policy *policy, struct control_client *client, enum policy_place place)
{
    bool canary = place == PLACE_CANARY;
    if (policy_end_trial(policy->policy, place) == 0)
        answer_text(client, canary ? "the canary has ended\n" : "the shadow has ended\n");
    else
        control_answer(client, (struct text){NULL, 0}, CONTROL_UNCHANGED,
                       canary ? "there is no canary" : "there is no shadow");
}

static void command_canary(struct serve_policy *policy, struct control_client *client, const struct control_line *line)
{
    char *end;
    double share = line->word != NULL ? strtod(line->word, &end) : 0;
    if (line->word != NULL && strcmp(line->word, "off") == 0)
        end_trial(policy, client, PLACE_CANARY);
    else if (line->word == NULL || *end != '\0' || !(share >= 0.1 && share <= 100))
        refuse_usage(client, "canary takes a share of calls in per cent, 0.1 to 100, or off");
    else
        reload_begin(policy->reload, PLACE_CANARY, (uint32_t)(share * 10 + 0.5), answered, client);
}

static void command_shadow(struct serve_policy *policy, struct control_client *client, const struct control_line *line)
{
    if (line->word == NULL)
        reload_begin(policy->reload, PLACE_SHADOW, 0, answered, client);
    else if (strcmp(line->word, "off") == 0)
        end_trial(policy, client, PLACE_SHADOW);
    else
        refuse_usage(client, "shadow takes nothing, or off");
}

static void command_reload(struct serve_policy *policy, struct control_client *client, const struct control_line *line)
{
    (void)line;
    reload_begin(policy->reload, PLACE_ACTIVE, 0, answered, client);
}

static uint64_t active_version(const struct serve_policy *policy)
{
    struct policy_version versions[64];
    size_t count = policy_history(policy->policy, versions, sizeof versions / sizeof versions[0]);
    uint64_t active = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(versions[i].state, "active") == 0)
            active = versions[i].number;
    }
    return active;
}

/* promote and rollback */
static void command_exchange(struct serve_policy *policy, struct control_client *client,
                             const struct control_line *line)
{
    char error[1024] = "there is no previous version", done[96];
    bool promote = line->command[0] == 'p';
    int result = promote ? policy_promote(policy->policy, error, sizeof error)
                         : policy_rollback(policy->policy, "taken back by command", false);
    if (result != 0) {
        control_answer(client, (struct text){NULL, 0}, CONTROL_ERROR, error);
        return;
    }
    snprintf(done, sizeof done, "version %" PRIu64 " is in use%s\n", active_version(policy),
             promote ? " for all calls" : " again");
    answer_text(client, done);
}

static void command_rotate(struct serve_policy *policy, struct control_client *client, const struct control_line *line)
{
    (void)line;
    if (policy->config.rotate_keys(policy->config.rotate_context) == 0)
        answer_text(client, "a new key signs flow tokens from now on\n");
    else
        control_answer(client, (struct text){NULL, 0}, CONTROL_ERROR,
                       "the key file cannot be written; the old key is kept");
}

static const struct command {
    const char *name;
    void (*run)(struct serve_policy *policy, struct control_client *client, const struct control_line *line);
    bool takes_word, takes_json, takes_limit;
} commands[] = {{"reload", command_reload, false, false, false},     {"canary", command_canary, true, false, false},
                {"shadow", command_shadow, true, false, false},      {"promote", command_exchange, false, false, false},
                {"rollback", command_exchange, false, false, false}, {"status", command_history, false, true, false},
                {"history", command_history, false, true, false},    {"flows", command_flows, true, true, true},
                {"rotate-keys", command_rotate, false, false, false}};

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void on_command(void *context, struct control_client *client, char *text)
{
    struct control_line line;
    const char *why = control_line_read(&line, text);
    const struct command *command = why == NULL ? command_find(line.command) : NULL;
    char usage[96];
    if (why != NULL)
        refuse_usage(client, why);
    else if (command == NULL)
        refuse_usage(client, "unknown command; the commands are reload, canary SHARE|off, shadow [off], promote, "
                             "rollback, status, history, flows [AOR], rotate-keys");
    else if ((line.word != NULL && !command->takes_word) || (line.json && !command->takes_json) ||
             (line.limit != 0 && !command->takes_limit)) {
        snprintf(usage, sizeof usage, "%s takes no %s", command->name,
                 line.json && !command->takes_json          ? "--json"
                 : line.limit != 0 && !command->takes_limit ? "--limit"
                                                            : "argument");
        refuse_usage(client, usage);
    } else {
        command->run(context, client, &line);
    }
}

/* --- start and end --- */

static void on_idle(uv_timer_t *timer)
{
    struct serve_policy *policy = timer->data;
    policy_idle(policy->policy);
    if (policy->reload_waits && !reload_is_busy(policy->reload))
        serve_policy_reload(policy);
}

int serve_policy_start(struct serve_policy *policy, char *error, size_t error_size)
{
    const struct serve_policy_config *config = &policy->config;
    int result = uv_timer_init(config->loop, &policy->idle);
    policy->idle.data = policy;
    policy->idle_open = result == 0;
    if (result == 0)
        result = uv_timer_start(&policy->idle, on_idle, IDLE_MS, IDLE_MS);
    if (result == 0 && config->control_path != NULL) {
        result = control_create(&policy->control, config->loop, config->host, config->control_path, on_command, policy);
        if (result != 0)
            local_socket_reason("--control", config->control_path, result, error, error_size);
    }
    if (result == 0 && config->watch) {
        result =
            policy_watch_create(&policy->watch, config->loop, config->layers, config->layer_count, on_changed, policy);
        if (result != 0)
            snprintf(error, error_size, "the policy's folders cannot be watched: %s", strerror(-result));
    }
    policy->started = result == 0;
    if (result == 0 && config->good_path != NULL)
        keep(policy, script_sources(policy_active(policy->policy)));
    return result;
}

void serve_policy_stop(struct serve_policy *policy)
{
    reload_delete(policy->reload);
    policy->reload = NULL;
    while (policy->keeping != NULL)
        uv_run(policy->config.loop, UV_RUN_ONCE);
    control_destroy(&policy->control);
    policy_watch_destroy(&policy->watch);
    if (policy->idle_open)
        uv_close((uv_handle_t *)&policy->idle, NULL);
    policy->idle_open = false;
}

struct member {
    const char *name;
    uint64_t value;
};

static void write_members(struct json *json, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_put_number(json, members[i].name, members[i].value);
}

/* "tenants":{"example.com":{...},...}. Names of domains need no escapes. */
static void write_tenant_members(const struct serve_policy *policy, struct json *json)
{
    const struct script *script = policy_active(policy->policy);
    json_open(json, "tenants");
    for (size_t i = 1; script != NULL && i < script_part_count(script); i++) {
        struct script_part_info info;
        script_part_info(script, i, &info);
        const struct member members[] = {{"entries", info.counters.entries},
                                         {"errors", info.counters.errors},
                                         {"overruns", info.counters.overruns},
                                         {"out_of_memory", info.counters.memory},
                                         {"memory", info.bytes},
                                         {"store_entries", store_size_of(policy, info.tenant)},
                                         {"lines_dropped", info.lines_dropped}};
        json_open(json, info.tenant);
        write_members(json, members, sizeof members / sizeof members[0]);
        json_close(json);
    }
    json_close(json);
}

void serve_policy_write(const struct serve_policy *policy, struct json *json)
{
    const struct reload_counters *counters = reload_counters(policy->reload);
    struct script_counters script = {0};
    if (policy_active(policy->policy) != NULL)
        script_counters(policy_active(policy->policy), &script);
    const struct member members[] = {{"version", active_version(policy)},
                                     {"reloads", counters->taken},
                                     {"reloads_unchanged", counters->unchanged},
                                     {"reloads_failed", counters->failed},
                                     {"canary_share", policy_canary_share(policy->policy)},
                                     {"shadow_agrees", policy_agreements(policy->policy)},
                                     {"shadow_differs", policy_differences(policy->policy)},
                                     {"entries", script.entries},
                                     {"errors", script.errors},
                                     {"overruns", script.overruns},
                                     {"store_entries", store_entries(policy->store)},
                                     {"tenants_taken_back", policy_withdrawals(policy->policy)}};
    write_members(json, members, sizeof members / sizeof members[0]);
    write_tenant_members(policy, json);
}
