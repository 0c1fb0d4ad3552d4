// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script/base/log_share.h"
#include "script/policy/policy.h"
#include "script/store/tenants.h"
#include "script_fixture.h"

/* Tenants are apart: whatever the policy of one does, what another is answered stays the same to the byte. */

enum { SITE, ALPHA, BETA, LAYERS, TIME_MS = 20, LEAST_NEIGHBOURS = 100 };

struct site {
    struct script_fixture f;
    struct metered_log {
        struct host host;
        struct fake_host *fake;
        char lines[64 << 10]; /* of tenant alpha and the site */
        unsigned beta;        /* lines of tenant beta */
    } log;
    char root[64];
    struct layer layers[LAYERS];
    struct store *store;
    struct tenants tenants;
    struct policy *policy;
    char error[600];
    struct sources *kept;
};

/* --- the host: as the fixture's, but that it keeps lines --- */

static uint64_t log_now_ms(void *context)
{
    return ((struct metered_log *)context)->fake->now_ms;
}

static int64_t log_wall_s(void *context)
{
    return ((struct metered_log *)context)->fake->wall_s;
}

static void *log_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct metered_log *log = context;
    return log->fake->host.allocate(log->fake, old, old_size, new_size);
}

static uint32_t log_random(void *context)
{
    struct metered_log *log = context;
    return log->fake->host.random(log->fake);
}

static void log_line(void *context, enum log_level level, const char *line)
{
    struct metered_log *log = context;
    size_t used = strlen(log->lines);
    log->fake->host.log(log->fake, level, line);
    if (strncmp(line, "tenant Beta.Example: ", 21) == 0)
        log->beta++;
    else if (strncmp(line, "policy version", 14) != 0)
        snprintf(log->lines + used, sizeof log->lines - used, "%s\n", line);
}

/* --- the site --- */

static void write_layer(const struct site *site, size_t layer, const char *text)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/a.lua", site->layers[layer].path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void set_layer(struct site *site, size_t index, const char *name, const char *tenant, int32_t priority)
{
    struct layer *layer = &site->layers[index];
    snprintf(layer->name, sizeof layer->name, "%s", name);
    snprintf(layer->tenant, sizeof layer->tenant, "%s", tenant);
    snprintf(layer->path, sizeof layer->path, "%s/%s", site->root, name);
    layer->priority = priority;
    mkdir(layer->path, 0700);
    write_layer(site, index, "");
}

static void keep(void *context, struct sources *sources)
{
    struct site *site = context;
    sources_release(site->kept);
    site->kept = sources_hold(sources);
}

static void open_policy(struct site *site)
{
    const struct host *host = &site->log.host;
    assert_int_equal(store_new(&site->store, host, NULL), 0);
    assert_int_equal(tenants_create(&site->tenants, host, site->layers, LAYERS, 500), 0);
    const struct policy_config config = {.host = host,
                                         .limits = {.time_ms = TIME_MS, .load_ms = 1000, .tenant_memory = 2 << 20},
                                         .store = site->store,
                                         .tenants = &site->tenants,
                                         .keep = keep,
                                         .keep_context = site,
                                         .rollback_window = 10,
                                         .rollback_share = 300};
    assert_int_equal(policy_new(&site->policy, &config), 0);
}

static void close_policy(struct site *site)
{
    policy_delete(site->policy);
    tenants_destroy(&site->tenants);
    store_delete(site->store);
    sources_release(site->kept);
    site->policy = NULL;
    site->store = NULL;
    site->kept = NULL;
}

static int setup(void **state)
{
    struct site *site = calloc(1, sizeof *site);
    assert_non_null(site);
    fixture_create(&site->f);
    site->log.fake = &site->f.fake;
    site->log.host = (struct host){.context = &site->log,
                                   .now_ms = log_now_ms,
                                   .wall_s = log_wall_s,
                                   .allocate = log_allocate,
                                   .random = log_random,
                                   .log = log_line};
    temporary_path(site->root, sizeof site->root, "reflow-tenants-XXXXXX");
    assert_non_null(mkdtemp(site->root));
    set_layer(site, SITE, "base", "", 0);
    set_layer(site, ALPHA, "alpha.example", "alpha.example", 1000);
    set_layer(site, BETA, "beta.example", "Beta.Example", 1000);
    open_policy(site);
    *state = site;
    return 0;
}

static int teardown(void **state)
{
    struct site *site = *state;
    char command[128];
    close_policy(site);
    snprintf(command, sizeof command, "rm -rf '%s'", site->root);
    assert_int_equal(system(command), 0);
    fixture_destroy(&site->f);
    free(site);
    return 0;
}

static int take(struct site *site, enum policy_place place, uint32_t share)
{
    struct sources *sources;
    int error = sources_read(&sources, &site->log.host, site->layers, LAYERS, NULL, site->error, sizeof site->error);
    if (error == 0) {
        error = policy_prepare(site->policy, sources, site->error, sizeof site->error);
        sources_release(sources);
    }
    return error != 0 ? error : policy_commit(site->policy, place, share, site->error, sizeof site->error);
}

static void load(struct site *site)
{
    if (take(site, PLACE_ACTIVE, 0) != 0)
        fail_msg("%s", site->error);
}

static void set_aor(struct site *site, const char *user)
{
    site->f.call.aor = text_of(user);
}

static enum script_outcome respond(struct site *site, const char *user, uint32_t code)
{
    struct script_fixture *f = &site->f;
    struct policy_hold hold;
    set_aor(site, user);
    f->facts.code = code;
    f->decision = decide(&f->facts, &f->state);
    f->verdict = (struct script_verdict){0};
    policy_take(site->policy, TEXT("call"), &hold);
    enum script_outcome outcome = policy_on_response(&hold, &f->call, &f->reply, &f->decision, &f->verdict);
    policy_release(&hold);
    return outcome;
}

static enum script_outcome request(struct site *site, const char *user)
{
    struct policy_hold hold;
    set_aor(site, user);
    site->f.verdict = (struct script_verdict){0};
    policy_take(site->policy, TEXT("call"), &hold);
    enum script_outcome outcome = policy_on_request(&hold, &site->f.call, &site->f.verdict);
    policy_release(&hold);
    return outcome;
}

#define ALICE "sip:alice@alpha.example"
#define BORIS "sip:boris@beta.example"

/* The status that the policy ends a call of this user with; 0: the core decides. */
static unsigned answer(struct site *site, const char *user)
{
    return respond(site, user, 486) == SCRIPT_VERDICT ? site->f.verdict.code : 0;
}

/* --- a hostile neighbour --- */

/* Uses what a neighbour might have changed: the store, methods of strings, the libraries, a library of the program. */
static const char alpha_policy[] =
    "local sip = require 'reflow'\n"
    "local count = 0\n"
    "local function word() count = count + 1 return ('%s-%d'):format(string.rep('x', 3), count) end\n"
    "sip_on_request('INVITE', function(request, call)\n"
    "  local calls = sip.store.add('calls')\n"
    "  sip.store.insert('seen', call.aor .. calls)\n"
    "  if calls and calls % 3 == 0 then return sip_reply(480, word()) end\n"
    "  return sip_route()\n"
    "end)\n"
    "sip_on_response(486, function(reply, call)\n"
    "  sip.store.put('last', reply.code)\n"
    "  sip_log('busy %d %d', count, sip.store.size('seen'))\n"
    "  local all = sip.store.members('seen') table.sort(all)\n"
    "  return sip_relay(('sip:vm-%d-%s@media.example'):format(#all, tostring(sip.store.get('last'))))\n"
    "end)\n"
    "sip_on_response(503, function(reply) return sip_rest(reply.destination, 30 + count) end)\n"
    "sip_on_exhausted(function(reply) return sip_fail(480 + math.max(count % 5, 0)) end)\n";

static const char site_policy[] = "local n = 0\n"
                                  "sip_on_response('*', function(reply, call)\n"
                                  "  n = n + 1\n"
                                  "  if reply.code == 404 then return sip_fail(410) end\n"
                                  "end)\n";

struct transcript {
    char text[16 << 10];
    size_t used;
};

static void note(struct transcript *out, const struct site *site, enum script_outcome outcome)
{
    const struct script_verdict *verdict = &site->f.verdict;
    bool decided = outcome == SCRIPT_VERDICT;
    int length = snprintf(out->text + out->used, sizeof out->text - out->used, "%d %s %u %u <%s> <%s> <%s> %s\n",
                          (int)outcome, decided ? verdict_name((enum verdict_kind)verdict->kind) : "-", verdict->code,
                          verdict->seconds, verdict->uri, verdict->phrase, verdict->destination,
                          decided && verdict->tenant != NULL ? verdict->tenant : "");
    out->used += (size_t)length;
    assert_true(out->used < sizeof out->text);
}

static void call_boris(struct site *site)
{
    static const uint32_t codes[] = {486, 503, 487, 404, 430};
    request(site, BORIS);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        respond(site, BORIS, codes[i]);
}

/* Calls to alice, calls to boris between them; what alice's policy made of hers, and the lines that it logged. */
static void converse(struct site *site, struct transcript *out)
{
    static const uint32_t codes[] = {486, 503, 404, 430};
    *out = (struct transcript){.used = 0};
    site->log.lines[0] = '\0';
    site->log.beta = 0;
    for (unsigned round = 0; round < 6; round++) {
        call_boris(site);
        note(out, site, request(site, ALICE));
        for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
            note(out, site, respond(site, ALICE, codes[i]));
        policy_idle(site->policy);
    }
    snprintf(out->text + out->used, sizeof out->text - out->used, "%s", site->log.lines);
}

static void begin_again(struct site *site)
{
    close_policy(site);
    open_policy(site);
    write_layer(site, SITE, site_policy);
    write_layer(site, ALPHA, alpha_policy);
}

static bool read_neighbour(const struct site *site, const char *name)
{
    char command[1400];
    snprintf(command, sizeof command, "cp tests/hostile/%s %s/a.lua", name, site->layers[BETA].path);
    return system(command) == 0;
}

static int is_script(const struct dirent *entry)
{
    return strstr(entry->d_name, ".lua") != NULL;
}

static void test_no_hostile_neighbour_changes_an_answer(void **state)
{
    struct site *site = *state;
    static struct transcript alone, beside;
    struct dirent **entries;
    unsigned loaded = 0;
    begin_again(site);
    load(site);
    converse(site, &alone);
    assert_non_null(strstr(alone.text, "<sip:vm-1-486@media.example>"));
    assert_non_null(strstr(alone.text, "tenant alpha.example: busy 2 6"));
    int count = scandir("tests/hostile", &entries, is_script, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        begin_again(site);
        assert_true(read_neighbour(site, entries[i]->d_name));
        if (take(site, PLACE_ACTIVE, 0) == 0) {
            loaded++;
            converse(site, &beside);
            if (strcmp(alone.text, beside.text) != 0)
                fail_msg("%s changes the answers of its neighbour:\n%s\ninstead of\n%s", entries[i]->d_name,
                         beside.text, alone.text);
            assert_true(site->log.beta <= LOG_SHARE_AT_ONCE + 1);
        }
        free(entries[i]);
    }
    free(entries);
    assert_true(loaded >= LEAST_NEIGHBOURS);
}

/* --- the store --- */

static void test_a_store_is_its_tenants_alone_and_bounded(void **state)
{
    struct site *site = *state;
    static const char policy[] = "local store = require 'reflow'.store\n"
                                 "store.put('who', '%s')\n"
                                 "sip_on_response(486, function() return sip_fail(%s) end)\n";
    char text[400];
    snprintf(text, sizeof text, policy, "alpha", "store.get('who') == 'alpha' and store.put('more', 1) and 480 or 500");
    write_layer(site, ALPHA, text);
    snprintf(text, sizeof text, policy, "beta",
             "(function() for i = 1, 600 do local ok = store.put('n' .. i, 1) if not ok then return 400 + i // 100 end "
             "end return 600 end)()");
    write_layer(site, BETA, text);
    write_layer(site, SITE,
                "local store = require 'reflow'.store\n"
                "sip_on_response(486, function() return sip_fail(store.get('who') == nil and 404 or 500) end)\n");
    load(site);
    assert_int_equal(answer(site, BORIS), 405); /* 500 entries, of which one is `who` */
    assert_int_equal(answer(site, ALICE), 480);
    assert_int_equal(answer(site, "sip:c@other.example"), 404);
    assert_int_equal(store_entries(tenants_store(&site->tenants, "BETA.example")), 500);
    assert_int_equal(store_entries(tenants_store(&site->tenants, "alpha.example")), 2);
    assert_int_equal(store_entries(site->store), 0);
    assert_null(tenants_store(&site->tenants, "other.example"));
    write_layer(site, ALPHA,
                "sip_on_response(486, function() return sip_fail(require 'reflow'.store.get('more') == 1 and "
                "481 or 500) end)");
    load(site);
    assert_int_equal(answer(site, ALICE), 481); /* it outlives the version */
}

static void test_a_shadow_touches_no_store_of_a_tenant(void **state)
{
    struct site *site = *state;
    load(site);
    write_layer(site, ALPHA, "sip_on_response(486, function() require 'reflow'.store.put('x', 1) end)");
    assert_int_equal(take(site, PLACE_SHADOW, 0), 0);
    answer(site, ALICE);
    assert_int_equal(store_entries(tenants_store(&site->tenants, "alpha.example")), 0);
}

/* --- memory --- */

static const char counting[] = "local n = 0 sip_on_response(486, function() n = n + 1 return sip_fail(400 + n) end)";
static const char greedy[] = "local kept = {}\n"
                             "sip_on_response(486, function() for i = 1, 1e6 do kept[#kept + 1] = {} end end)\n"
                             "sip_on_response(487, function() return sip_fail(480 + #kept) end)";

static void test_a_tenant_without_memory_is_rebuilt_alone(void **state)
{
    struct site *site = *state;
    write_layer(site, ALPHA, counting);
    write_layer(site, BETA, greedy);
    load(site);
    assert_int_equal(answer(site, ALICE), 401);
    assert_int_equal(respond(site, BORIS, 486), SCRIPT_MEMORY);
    policy_idle(site->policy);
    assert_non_null(strstr(site->f.fake.last_log, "tenant Beta.Example: policy version 1 ran out of memory and was "));
    assert_int_equal(respond(site, BORIS, 487), SCRIPT_VERDICT);
    assert_int_equal(site->f.verdict.code, 480);
    assert_int_equal(answer(site, ALICE), 402); /* what alpha's policy counts in Lua is still there */
    /* Building takes the time of all, so that it is not done again within a minute. */
    site->f.fake.last_log[0] = '\0';
    assert_int_equal(respond(site, BORIS, 486), SCRIPT_MEMORY);
    fake_host_advance(&site->f.fake, 59999);
    policy_idle(site->policy);
    assert_null(strstr(site->f.fake.last_log, "built anew"));
    fake_host_advance(&site->f.fake, 1);
    policy_idle(site->policy);
    assert_non_null(strstr(site->f.fake.last_log, "built anew"));
    assert_int_equal(answer(site, ALICE), 403);
}

static void test_the_memory_of_a_tenant_has_a_limit_of_its_own(void **state)
{
    struct site *site = *state;
    static const char large[] = "keep = {} for i = 1, 40 do keep[i] = ('x'):rep(100000 + i) end";
    write_layer(site, SITE, large);
    load(site);
    write_layer(site, ALPHA, large);
    assert_int_equal(take(site, PLACE_ACTIVE, 0), -ENOMEM);
    assert_non_null(strstr(site->error, "alpha.example"));
}

/* --- failures --- */

#define FAILS(n)    "sip_on_response(486, function() error 'always' end, {on_error = 'next'}) -- " #n
#define SAYS(code)  "sip_on_response(486, function() return sip_fail(" #code ") end)\n"
#define ERROR_OF(n) "sip_on_response(486, function() error 'always' end) -- " #n

static void fail_often(struct site *site, const char *user)
{
    for (unsigned i = 0; i < 10; i++)
        answer(site, user);
}

static struct policy_version version_at(const struct site *site, size_t index)
{
    struct policy_version versions[8];
    assert_true(policy_history(site->policy, versions, 8) > index);
    return versions[index];
}

static void test_a_failing_tenant_goes_back_alone(void **state)
{
    struct site *site = *state;
    write_layer(site, SITE, SAYS(404));
    write_layer(site, ALPHA, SAYS(480));
    write_layer(site, BETA, SAYS(410));
    load(site);
    write_layer(site, ALPHA, SAYS(481));
    write_layer(site, BETA, ERROR_OF(1));
    load(site);
    assert_int_equal(answer(site, BORIS), 0);
    fail_often(site, BORIS);
    assert_int_equal(answer(site, BORIS), 410);
    assert_int_equal(answer(site, ALICE), 481);
    const struct policy_version version = version_at(site, 0);
    assert_int_equal(version.number, 2);
    assert_string_equal(version.state, "active");
    assert_non_null(strstr(version.why, "tenant Beta.Example: "));
    assert_non_null(strstr(version.why, "entries failed"));
    assert_int_equal(policy_withdrawals(site->policy), 1);
    /* The last good version is what is in use now. */
    char *bytes;
    size_t size;
    assert_int_equal(sources_pack(site->kept, &bytes, &size), 0);
    assert_non_null(memmem(bytes, size, "sip_fail(481)", 13));
    assert_non_null(memmem(bytes, size, "sip_fail(410)", 13));
    assert_null(memmem(bytes, size, "always", 6));
    site->log.host.allocate(&site->log, bytes, size, 0);
}

static void test_what_failed_for_a_tenant_is_not_tried_again(void **state)
{
    struct site *site = *state;
    write_layer(site, BETA, SAYS(410));
    load(site);
    write_layer(site, BETA, ERROR_OF(1));
    load(site);
    fail_often(site, BORIS);
    assert_int_equal(take(site, PLACE_ACTIVE, 0), -EEXIST);
    write_layer(site, ALPHA, SAYS(480));
    load(site);
    assert_int_equal(answer(site, ALICE), 480);
    assert_int_equal(answer(site, BORIS), 410); /* the bytes that failed are still on disk */
    write_layer(site, BETA, SAYS(411));
    load(site);
    assert_int_equal(answer(site, BORIS), 411);
}

static void test_a_failing_tenant_of_a_canary_ends_no_canary(void **state)
{
    struct site *site = *state;
    write_layer(site, ALPHA, SAYS(480));
    write_layer(site, BETA, SAYS(410));
    load(site);
    write_layer(site, ALPHA, SAYS(481));
    write_layer(site, BETA, ERROR_OF(2));
    assert_int_equal(take(site, PLACE_CANARY, 1000), 0);
    fail_often(site, BORIS);
    assert_int_equal(answer(site, BORIS), 410);
    assert_int_equal(answer(site, ALICE), 481);
    assert_int_equal(policy_canary_share(site->policy), 1000);
    assert_int_equal(policy_promote(site->policy, site->error, sizeof site->error), 0);
    assert_int_equal(answer(site, BORIS), 410);
    assert_int_equal(answer(site, ALICE), 481);
}

static void test_the_first_version_of_a_tenant_stays(void **state)
{
    struct site *site = *state;
    write_layer(site, ALPHA, SAYS(480));
    write_layer(site, BETA, ERROR_OF(3));
    load(site);
    fail_often(site, BORIS);
    fail_often(site, BORIS);
    assert_int_equal(policy_withdrawals(site->policy), 0);
    write_layer(site, ALPHA, SAYS(481));
    load(site);
    fail_often(site, BORIS); /* its part before is the same */
    assert_int_equal(policy_withdrawals(site->policy), 0);
    assert_int_equal(answer(site, ALICE), 481);
}

static void test_failures_of_the_site_take_the_whole_version_back(void **state)
{
    struct site *site = *state;
    write_layer(site, ALPHA, SAYS(480));
    load(site);
    write_layer(site, ALPHA, SAYS(481));
    write_layer(site, SITE, ERROR_OF(4));
    load(site);
    assert_int_equal(answer(site, ALICE), 481);
    fail_often(site, "sip:c@other.example");
    assert_int_equal(answer(site, ALICE), 480);
    assert_int_equal(version_at(site, 1).number, 1);
    assert_string_equal(version_at(site, 1).state, "active");
}

/* A tenant's failures do not use up the window of the site, nor of another tenant. */
static void test_failures_of_a_tenant_count_for_it_alone(void **state)
{
    struct site *site = *state;
    write_layer(site, ALPHA, SAYS(480));
    load(site);
    write_layer(site, ALPHA, SAYS(481));
    write_layer(site, BETA, FAILS(5));
    write_layer(site, SITE, "sip_on_response(486, function() end)");
    load(site);
    for (unsigned i = 0; i < 5; i++)
        fail_often(site, BORIS);
    assert_int_equal(answer(site, ALICE), 481);
    assert_string_equal(version_at(site, 0).state, "active");
}

static void test_withdrawn_elsewhere(void **state)
{
    struct site *site = *state;
    struct script_part_info info;
    struct policy_withdrawal gone;
    write_layer(site, BETA, SAYS(410));
    load(site);
    write_layer(site, BETA, SAYS(411));
    load(site);
    size_t index = script_part_find(policy_active(site->policy), "beta.example");
    script_part_info(policy_active(site->policy), index, &info);
    policy_withdraw_part(site->policy, info.hash, "7 of 10 entries failed");
    policy_withdraw_part(site->policy, info.hash, "7 of 10 entries failed");
    assert_int_equal(answer(site, BORIS), 410);
    assert_int_equal(policy_withdrawals(site->policy), 1);
    assert_true(policy_withdrawal(site->policy, 0, &gone));
    assert_false(gone.own);
    assert_string_equal(gone.tenant, "Beta.Example");
    assert_false(policy_withdrawal(site->policy, 1, &gone));
    policy_withdraw_part(site->policy, 1, "of no part here");
    assert_int_equal(answer(site, BORIS), 410);
}

/* --- who is asked --- */

static void test_parts_are_asked_by_the_priority_of_their_layers(void **state)
{
    struct site *site = *state;
    struct layer *layers = site->layers;
    static const char tagged[] = "sip_on_response(486, function() sip_log('%s') end)";
    char text[200];
    set_layer(site, BETA, "high", "", 2000);
    const char *const names[LAYERS] = {"low", "tenant", "high"};
    for (size_t i = 0; i < LAYERS; i++) {
        snprintf(text, sizeof text, tagged, names[i]);
        write_layer(site, i, text);
    }
    load(site);
    respond(site, ALICE, 486);
    assert_string_equal(site->log.lines, "high\ntenant alpha.example: tenant\nlow\n");
    site->log.lines[0] = '\0';
    respond(site, BORIS, 486);
    assert_string_equal(site->log.lines, "high\nlow\n");
    layers[ALPHA].priority = layers[BETA].priority = 0; /* alike: the later one first */
    load(site);
    site->log.lines[0] = '\0';
    respond(site, ALICE, 486);
    assert_string_equal(site->log.lines, "high\ntenant alpha.example: tenant\nlow\n");
}

/* The site screens, whatever a tenant in front of it does with its time. */
static void test_an_overrun_of_a_tenant_leaves_the_site_its_time(void **state)
{
    struct site *site = *state;
    write_layer(site, ALPHA, "sip_on_request(function() while true do end end)");
    write_layer(site, SITE, "sip_on_request(function() return sip_reply(403, 'screened') end, {on_error = 503})");
    load(site);
    assert_int_equal(request(site, ALICE), SCRIPT_VERDICT);
    assert_int_equal(site->f.verdict.code, 403);
    assert_string_equal(site->f.verdict.phrase, "screened");
    assert_string_equal(site->f.verdict.tenant, "");
}

static void test_emergency_numbers_of_the_site_hold_for_tenants(void **state)
{
    struct site *site = *state;
    struct sip_fault fault;
    static const char help[] = "INVITE sip:112@alpha.example SIP/2.0\r\n"
                               "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKhelp\r\n"
                               "From: <sip:alice@alpha.example>;tag=a1\r\n"
                               "To: <sip:112@alpha.example>\r\n"
                               "Call-ID: help@127.0.0.1\r\n"
                               "CSeq: 7 INVITE\r\n\r\n";
    write_layer(site, SITE, "sip_emergency{'112'}");
    write_layer(site, ALPHA, "sip_on_request(function() error 'always' end, {on_error = 503})");
    load(site);
    assert_int_equal(request(site, ALICE), SCRIPT_VERDICT);
    assert_int_equal(site->f.verdict.code, 503);
    struct sip_message *message = NULL;
    const struct sip_message *before = site->f.call.request;
    assert_int_equal(sip_message_new(&message, &site->log.host, help, sizeof help - 1, NULL, &fault), 0);
    site->f.call.request = message;
    assert_int_equal(request(site, ALICE), SCRIPT_ERROR);
    site->f.call.request = before;
    sip_message_delete(message);
}

static void test_two_layers_of_one_tenant_share_its_part(void **state)
{
    struct site *site = *state;
    set_layer(site, BETA, "more", "ALPHA.example", 999);
    write_layer(site, ALPHA, "require 'reflow'.store.put('x', 1) sip_on_response(486, function() end)");
    write_layer(site, BETA,
                "sip_on_response(486, function() return sip_fail(require 'reflow'.store.get('x') and 480 or "
                "500) end)");
    load(site);
    assert_int_equal(script_part_count(policy_active(site->policy)), 2);
    assert_int_equal(answer(site, ALICE), 480);
}

/* --- what is carried over --- */

static void test_each_tenant_gets_what_it_saved(void **state)
{
    struct site *site = *state;
    static const char carrying[] = "local kept = 400\n"
                                   "sip_save(function() return %s end)\n"
                                   "sip_restore(function(data) kept = data end)\n"
                                   "sip_on_response(486, function() kept = kept + 1 return sip_fail(kept) end) -- %d";
    char text[600];
    for (int round = 0; round < 2; round++) {
        snprintf(text, sizeof text, carrying, "kept", round);
        write_layer(site, SITE, text);
        write_layer(site, ALPHA, text);
        snprintf(text, sizeof text, carrying, "error 'no'", round);
        write_layer(site, BETA, text);
        load(site);
        assert_int_equal(answer(site, ALICE), 401 + round);
        assert_int_equal(answer(site, BORIS), 401); /* lost, to itself alone */
    }
    assert_true(site->log.beta >= 1);
}

/* --- the log --- */

static void test_a_tenant_has_a_share_of_the_log(void **state)
{
    struct site *site = *state;
    write_layer(site, BETA, "sip_on_response(486, function() for i = 1, 500 do sip_log('line\\n%d', i) end end)");
    write_layer(site, ALPHA, "sip_on_response(486, function() sip_log('mine') end)");
    load(site);
    respond(site, BORIS, 486);
    assert_int_equal(site->log.beta, LOG_SHARE_AT_ONCE);
    respond(site, ALICE, 486);
    assert_string_equal(site->log.lines, "tenant alpha.example: mine\n");
    fake_host_advance(&site->f.fake, 1000);
    respond(site, BORIS, 486);
    assert_int_equal(site->log.beta, LOG_SHARE_AT_ONCE + LOG_SHARE_PER_S + 1); /* and one of those that were dropped */
    struct script_part_info info;
    const struct script *script = policy_active(site->policy);
    script_part_info(script, script_part_find(script, "beta.example"), &info);
    assert_int_equal(info.lines_dropped, 1000 - LOG_SHARE_AT_ONCE - LOG_SHARE_PER_S);
    script_part_info(script, script_part_find(script, "alpha.example"), &info);
    assert_int_equal(info.lines_dropped, 0);
}

/* Strangers may cause a line each. */
static void test_the_site_has_a_share_of_the_log(void **state)
{
    struct site *site = *state;
    write_layer(site, SITE, "sip_on_response(486, function() for i = 1, 1500 do sip_log('a') end end)");
    load(site);
    respond(site, ALICE, 486);
    assert_int_equal(strlen(site->log.lines), 2 * LOG_SITE_AT_ONCE);
    fake_host_advance(&site->f.fake, 1000);
    site->log.lines[0] = '\0';
    respond(site, ALICE, 486);
    const char *report = "sip.log: 500 lines were dropped: more than 100 in a second\n";
    assert_int_equal(strncmp(site->log.lines, report, strlen(report)), 0);
    assert_int_equal(strlen(site->log.lines), strlen(report) + 2 * LOG_SITE_PER_S);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_no_hostile_neighbour_changes_an_answer),
        TEST(test_a_store_is_its_tenants_alone_and_bounded),
        TEST(test_a_shadow_touches_no_store_of_a_tenant),
        TEST(test_a_tenant_without_memory_is_rebuilt_alone),
        TEST(test_the_memory_of_a_tenant_has_a_limit_of_its_own),
        TEST(test_a_failing_tenant_goes_back_alone),
        TEST(test_what_failed_for_a_tenant_is_not_tried_again),
        TEST(test_a_failing_tenant_of_a_canary_ends_no_canary),
        TEST(test_the_first_version_of_a_tenant_stays),
        TEST(test_failures_of_the_site_take_the_whole_version_back),
        TEST(test_failures_of_a_tenant_count_for_it_alone),
        TEST(test_withdrawn_elsewhere),
        TEST(test_parts_are_asked_by_the_priority_of_their_layers),
        TEST(test_an_overrun_of_a_tenant_leaves_the_site_its_time),
        TEST(test_emergency_numbers_of_the_site_hold_for_tenants),
        TEST(test_two_layers_of_one_tenant_share_its_part),
        TEST(test_each_tenant_gets_what_it_saved),
        TEST(test_a_tenant_has_a_share_of_the_log),
        TEST(test_the_site_has_a_share_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
