// SPDX-License-Identifier: BSD-2-Clause
#include "script_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "script/policy/policy.h"

struct stage {
    struct script_fixture script;
    struct policy *policy;
    struct store *store;
    char good[80];
    char error[512];
};

static void keep(void *context, struct sources *sources)
{
    struct stage *stage = context;
    assert_int_equal(sources_save(sources, stage->good), 0);
}

static void open_policy(struct stage *stage, uint32_t window, uint32_t share)
{
    const struct policy_config config = {.host = &stage->script.fake.host,
                                         .limits = stage->script.limits,
                                         .store = stage->store,
                                         .keep = keep,
                                         .keep_context = stage,
                                         .rollback_window = window,
                                         .rollback_share = share};
    assert_int_equal(policy_new(&stage->policy, &config), 0);
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    fixture_create(&stage->script);
    snprintf(stage->good, sizeof stage->good, "%s.good", stage->script.path);
    assert_int_equal(store_new(&stage->store, &stage->script.fake.host, NULL), 0);
    open_policy(stage, 10, 300);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    policy_delete(stage->policy);
    store_delete(stage->store);
    unlink(stage->good);
    fixture_destroy(&stage->script);
    free(stage);
    return 0;
}

static struct sources *read_text(struct stage *stage, const char *text)
{
    struct sources *sources = NULL;
    struct layer layer = {.name = "base"};
    snprintf(layer.path, sizeof layer.path, "%s", stage->script.path);
    fixture_write(&stage->script, text, strlen(text));
    int error = sources_read(&sources, &stage->script.fake.host, &layer, 1, NULL, stage->error, sizeof stage->error);
    if (error != 0)
        fail_msg("%s", stage->error);
    return sources;
}

static int prepare(struct stage *stage, const char *text)
{
    struct sources *sources = read_text(stage, text);
    int result = policy_prepare(stage->policy, sources, stage->error, sizeof stage->error);
    sources_release(sources);
    return result;
}

static int take(struct stage *stage, const char *text, enum policy_place place, uint32_t share)
{
    int result = prepare(stage, text);
    if (result == 0)
        result = policy_commit(stage->policy, place, share, stage->error, sizeof stage->error);
    return result;
}

/* The phrase that a call with this Call-ID is answered with; "" where the core decides. */
static const char *answer(struct stage *stage, const char *call_id)
{
    static char phrase[128];
    struct policy_hold hold;
    phrase[0] = '\0';
    policy_take(stage->policy, text_of(call_id), &hold);
    if (policy_on_request(&hold, &stage->script.call, &stage->script.verdict) == SCRIPT_VERDICT)
        snprintf(phrase, sizeof phrase, "%s", stage->script.verdict.phrase);
    policy_release(&hold);
    return phrase;
}

static const char one[] = "sip_on_request(function() return sip_reply(486, 'one') end)\n";
static const char two[] = "sip_on_request(function() return sip_reply(486, 'two') end)\n";
static const char failing[] = "sip_on_request(function() error('always') end)\n";

static void test_without_a_version_the_core_decides(void **state)
{
    struct stage *stage = *state;
    struct policy_hold hold;
    assert_string_equal(answer(stage, "a"), "");
    policy_take(stage->policy, TEXT("a"), &hold);
    assert_false(policy_has_hook(&hold, HOOK_REQUEST));
    policy_release(&hold);
    assert_int_equal(policy_rollback(stage->policy, "nothing", true), -ENOENT);
    assert_int_equal(policy_promote(stage->policy, stage->error, sizeof stage->error), -ENOENT);
    assert_int_equal(policy_commit(stage->policy, PLACE_ACTIVE, 0, stage->error, sizeof stage->error), -ENOENT);
}

static void test_a_version_is_in_use_only_after_its_commit(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(prepare(stage, two), 0);
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(policy_commit(stage->policy, PLACE_ACTIVE, 0, stage->error, sizeof stage->error), 0);
    assert_string_equal(answer(stage, "a"), "two");
}

static void test_an_aborted_version_leaves_no_trace_in_calls(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(prepare(stage, two), 0);
    policy_abort(stage->policy, "another worker refused", false);
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(take(stage, two, PLACE_ACTIVE, 0), 0);
    assert_string_equal(answer(stage, "a"), "two");
}

/* What Kamailio's app_lua gets wrong: the half-loaded script goes on answering. */
static void test_an_error_on_the_last_line_leaves_the_old_version_whole(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, "sip_on_request(function() return sip_reply(486, 'half') end)\nerror('last line')\n",
                          PLACE_ACTIVE, 0),
                     -EINVAL);
    assert_non_null(strstr(stage->error, ":2:"));
    for (int i = 0; i < 3; i++)
        assert_string_equal(answer(stage, "a"), "one");
}

static void test_a_failed_version_is_not_tried_again_until_its_bytes_change(void **state)
{
    struct stage *stage = *state;
    const char broken[] = "sip_on_request(1)\n";
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(prepare(stage, broken), -EINVAL);
    assert_int_equal(prepare(stage, broken), -EALREADY);
    assert_non_null(strstr(stage->error, "failed before, as version 2"));
    assert_int_equal(prepare(stage, "sip_on_request(1) -- changed\n"), -EINVAL);
    assert_int_equal(prepare(stage, one), -EEXIST);
}

static void test_a_call_keeps_the_version_it_began_with(void **state)
{
    struct stage *stage = *state;
    struct policy_hold hold;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    policy_take(stage->policy, TEXT("a"), &hold);
    assert_int_equal(take(stage, two, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, "-- three\n", PLACE_ACTIVE, 0), 0);
    assert_int_equal(policy_on_request(&hold, &stage->script.call, &stage->script.verdict), SCRIPT_VERDICT);
    assert_string_equal(stage->script.verdict.phrase, "one");
    assert_int_equal(hold.version, 1);
    policy_release(&hold);
}

static void test_a_canary_takes_its_share_and_keeps_calls_together(void **state)
{
    struct stage *stage = *state;
    unsigned taken = 0;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, two, PLACE_CANARY, 50), 0);
    for (int i = 0; i < 4000; i++) {
        char call_id[32];
        snprintf(call_id, sizeof call_id, "%d@127.0.0.1", i);
        bool canary = strcmp(answer(stage, call_id), "two") == 0;
        taken += canary;
        assert_int_equal(strcmp(answer(stage, call_id), "two") == 0, canary);
    }
    assert_in_range(taken, 120, 280); /* 5 % of 4000 are 200 */
    assert_int_equal(policy_canary_share(stage->policy), 50);
    assert_int_equal(policy_promote(stage->policy, stage->error, sizeof stage->error), 0);
    assert_string_equal(answer(stage, "a"), "two");
    assert_int_equal(policy_canary_share(stage->policy), 0);
}

static void test_a_shadow_has_no_effect_and_is_compared(void **state)
{
    struct stage *stage = *state;
    struct shadow_sample sample;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, two, PLACE_SHADOW, 0), 0);
    for (int i = 0; i < 3; i++)
        assert_string_equal(answer(stage, "a"), "one");
    /* Only the phrase differs: the caller gets the same code. */
    assert_int_equal(policy_agreements(stage->policy), 3);
    assert_int_equal(take(stage, "sip_on_request(function() return sip_reply(480) end)\n", PLACE_SHADOW, 0), 0);
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(policy_agreements(stage->policy), 0);
    assert_int_equal(policy_differences(stage->policy), 1);
    assert_int_equal(policy_samples(stage->policy, &sample, 1), 1);
    assert_string_equal(sample.active, "reply 486");
    assert_string_equal(sample.shadow, "reply 480");
    assert_string_equal(sample.call_id, "fixture@127.0.0.1");
    assert_int_equal(policy_promote(stage->policy, stage->error, sizeof stage->error), 0);
    assert_string_equal(answer(stage, "a"), "");
    assert_int_equal(stage->script.verdict.code, 480);
}

static void test_a_shadow_writes_nothing_into_the_shared_store(void **state)
{
    struct stage *stage = *state;
    int64_t value = -1;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, "local sip = require 'reflow'\nsip_on_request(function() sip.store.add('n', 1) end)\n",
                          PLACE_SHADOW, 0),
                     0);
    answer(stage, "a");
    assert_int_equal(store_count(stage->store, TEXT("n"), &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(policy_promote(stage->policy, stage->error, sizeof stage->error), 0);
    answer(stage, "a");
    assert_int_equal(store_count(stage->store, TEXT("n"), &value), 0);
    assert_int_equal(value, 1);
}

static void test_a_version_that_keeps_failing_gives_way_to_the_one_before(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, failing, PLACE_ACTIVE, 0), 0);
    for (int i = 0; i < 3; i++)
        assert_string_equal(answer(stage, "a"), "");
    assert_string_equal(answer(stage, "a"), "");
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(prepare(stage, failing), -EALREADY);
}

static void test_a_canary_that_keeps_failing_ends(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, failing, PLACE_CANARY, 1000), 0);
    for (int i = 0; i < 4; i++)
        assert_string_equal(answer(stage, "a"), "");
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(policy_canary_share(stage->policy), 0);
    assert_int_equal(prepare(stage, failing), -EALREADY);
}

static void test_rollback_by_command(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, two, PLACE_ACTIVE, 0), 0);
    assert_int_equal(policy_rollback(stage->policy, "by command", false), 0);
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(policy_rollback(stage->policy, "by command", false), -ENOENT);
    assert_int_equal(take(stage, two, PLACE_ACTIVE, 0), 0);
    assert_string_equal(answer(stage, "a"), "two");
}

static void test_a_hook_that_fails_may_ask_the_version_before(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(
        take(stage, "sip_on_request(function() error('x') end, {on_error = 'previous'})\n", PLACE_ACTIVE, 0), 0);
    assert_string_equal(answer(stage, "a"), "one");
}

static enum script_outcome secret(struct stage *stage, char ha1[DIGEST_HEX_MOST])
{
    const struct script_credentials asked = {TEXT("bob"), TEXT("example.com"), DIGEST_MD5};
    memset(ha1, 0, DIGEST_HEX_MOST);
    return policy_on_credentials(stage->policy, &asked, ha1);
}

static void test_the_active_version_is_asked_for_credentials(void **state)
{
    struct stage *stage = *state;
    char ha1[DIGEST_HEX_MOST];
    assert_int_equal(secret(stage, ha1), SCRIPT_NO_HOOK);
    assert_int_equal(take(stage, "sip_on_credentials(function() return ('1'):rep(32) end)\n", PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, "sip_on_credentials(function() return ('2'):rep(32) end)\n", PLACE_CANARY, 1000), 0);
    assert_int_equal(secret(stage, ha1), SCRIPT_VERDICT);
    assert_int_equal(ha1[0], '1');
    assert_int_equal(
        take(stage, "sip_on_credentials(function() error 'x' end, {on_error = 'previous'})\n", PLACE_ACTIVE, 0), 0);
    assert_int_equal(secret(stage, ha1), SCRIPT_VERDICT);
    assert_int_equal(ha1[0], '1');
}

static void test_a_version_whose_credentials_keep_failing_gives_way(void **state)
{
    struct stage *stage = *state;
    char ha1[DIGEST_HEX_MOST];
    assert_int_equal(take(stage, "sip_on_credentials(function() return ('1'):rep(32) end)\n", PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, "sip_on_credentials(function() error 'x' end)\n", PLACE_ACTIVE, 0), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(secret(stage, ha1), SCRIPT_ERROR);
    assert_int_equal(secret(stage, ha1), SCRIPT_VERDICT);
}

static void test_what_is_kept_goes_over_and_a_refusal_aborts(void **state)
{
    struct stage *stage = *state;
    const char *saving = "local sip = require 'reflow'\nlocal n = 41\n"
                         "sip.save(function() return {n = n}, 1 end)\n"
                         "sip_on_request(function() return sip_reply(486, 'n ' .. n) end)\n";
    const char *refusing = "local sip = require 'reflow'\nsip.restore(function() return false end)\n";
    const char *taking = "local sip = require 'reflow'\nlocal n = 0\n"
                         "sip.restore(function(data) n = data.n + 1 return true end)\n"
                         "sip_on_request(function() return sip_reply(486, 'n ' .. n) end)\n";
    assert_int_equal(take(stage, saving, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, refusing, PLACE_ACTIVE, 0), -ECANCELED);
    assert_string_equal(answer(stage, "a"), "n 41");
    assert_int_equal(take(stage, taking, PLACE_ACTIVE, 0), 0);
    assert_string_equal(answer(stage, "a"), "n 42");
}

static void test_a_version_that_cannot_save_can_be_replaced(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(
        take(stage, "local sip = require 'reflow'\nsip.save(function() error('x') end)\n", PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(stage->script.fake.logged[LOG_ERROR] > 0, 1);
}

static void test_the_last_good_version_is_on_disk(void **state)
{
    struct stage *stage = *state;
    struct sources *sources = NULL;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, "error('x')", PLACE_ACTIVE, 0), -EINVAL);
    assert_int_equal(sources_load(&sources, &stage->script.fake.host, stage->good, stage->error, sizeof stage->error),
                     0);
    policy_delete(stage->policy);
    open_policy(stage, 10, 300);
    assert_int_equal(policy_prepare(stage->policy, sources, stage->error, sizeof stage->error), 0);
    sources_release(sources);
    assert_int_equal(policy_commit(stage->policy, PLACE_ACTIVE, 0, stage->error, sizeof stage->error), 0);
    assert_string_equal(answer(stage, "a"), "one");
}

static void test_a_version_that_ran_out_of_memory_is_built_anew(void **state)
{
    struct stage *stage = *state;
    struct policy_hold hold;
    assert_int_equal(take(stage,
                          "local kept = {}\n"
                          "sip_on_request(function()\n"
                          "  if #kept > 0 then while true do kept[#kept + 1] = {} end end\n"
                          "  kept[1] = 1\n"
                          "  return sip_reply(486, 'fresh')\n"
                          "end)\n",
                          PLACE_ACTIVE, 0),
                     0);
    assert_string_equal(answer(stage, "a"), "fresh");
    policy_take(stage->policy, TEXT("a"), &hold);
    enum script_outcome outcome = policy_on_request(&hold, &stage->script.call, &stage->script.verdict);
    assert_true(outcome == SCRIPT_MEMORY || outcome == SCRIPT_OVERRUN);
    if (outcome == SCRIPT_MEMORY) {
        policy_idle(stage->policy);
        assert_string_equal(answer(stage, "a"), "fresh");
    }
    policy_release(&hold);
}

/* Memory runs out in the second call, and a reload alone brings it back. */
static void test_a_version_that_refuses_for_want_of_memory_is_built_anew(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage,
                          "local kept, first = {}, true\n"
                          "sip_on_request(function()\n"
                          "  if not first then local s = 'x' while true do s = s .. s end end\n"
                          "  first = false\n"
                          "  return sip_reply(486, 'fresh')\n"
                          "end, {on_error = 503})\n",
                          PLACE_ACTIVE, 0),
                     0);
    assert_string_equal(answer(stage, "a"), "fresh");
    assert_string_equal(answer(stage, "a"), "");
    assert_int_equal(stage->script.verdict.code, 503);
    policy_idle(stage->policy);
    assert_string_equal(answer(stage, "a"), "fresh");
}

static const char greedy[] = "sip_on_request(function() local s = 'x' while true do s = s .. s end end)\n";

static void test_what_one_source_exhausts_takes_no_version_back(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, greedy, PLACE_ACTIVE, 0), 0);
    stage->script.call.source_number = 7;
    for (int i = 0; i < 30; i++)
        assert_string_equal(answer(stage, "a"), "");
    for (unsigned i = 1; i <= 4; i++) {
        stage->script.call.source_number = 100 + i;
        assert_string_equal(answer(stage, "a"), "");
    }
    assert_string_equal(answer(stage, "a"), "one");
}

static void test_history_is_told_and_bounded(void **state)
{
    struct stage *stage = *state;
    struct policy_version versions[80];
    for (int i = 0; i < 100; i++) {
        char text[64];
        snprintf(text, sizeof text, "-- version %d\n%s", i, i % 10 == 9 ? "error('x')" : "");
        assert_int_equal(take(stage, text, PLACE_ACTIVE, 0), i % 10 == 9 ? -EINVAL : 0);
    }
    size_t count = policy_history(stage->policy, versions, 80);
    assert_in_range(count, 10, 64);
    assert_int_equal(versions[0].number, 100);
    assert_string_equal(versions[0].state, "failed");
    assert_string_equal(versions[1].state, "active");
    assert_string_equal(versions[2].state, "previous");
}

static void test_memory_failing_at_any_place_leaves_the_version_in_use(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    struct fake_host *fake = &stage->script.fake;
    bool done = false;
    for (uint64_t step = 1; !done && step < 20000; step += 1 + step / 16) {
        struct sources *sources = read_text(stage, two);
        fake->calls = 0;
        fake->fail_after = step;
        int result = policy_prepare(stage->policy, sources, stage->error, sizeof stage->error);
        fake->fail_after = 0;
        sources_release(sources);
        done = result == 0;
        if (!done)
            assert_int_equal(result, -ENOMEM);
        assert_string_equal(answer(stage, "a"), "one");
    }
    assert_true(done);
}

/* The phrase that a call answers with which began with the bytes of this hash, perhaps in another process. */
static const char *answer_of(struct stage *stage, uint64_t hash)
{
    static char phrase[128];
    struct policy_hold hold;
    phrase[0] = '\0';
    policy_take_version(stage->policy, hash, &hold);
    if (policy_on_request(&hold, &stage->script.call, &stage->script.verdict) == SCRIPT_VERDICT)
        snprintf(phrase, sizeof phrase, "%s", stage->script.verdict.phrase);
    policy_release(&hold);
    return phrase;
}

static void test_a_version_is_found_by_the_hash_of_its_bytes(void **state)
{
    struct stage *stage = *state;
    struct policy_hold hold;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    policy_take(stage->policy, TEXT("a"), &hold);
    uint64_t first = hold.hash;
    policy_release(&hold);
    assert_int_equal(first, policy_places(stage->policy).active);
    assert_int_equal(take(stage, two, PLACE_ACTIVE, 0), 0);
    assert_string_equal(answer_of(stage, first), "one");
    assert_string_equal(answer_of(stage, policy_places(stage->policy).active), "two");
    assert_int_equal(take(stage, "sip_on_request(function() return sip_reply(486, 'three') end)\n", PLACE_CANARY, 0),
                     0);
    assert_string_equal(answer_of(stage, policy_places(stage->policy).canary), "three");
    assert_int_equal(policy_promote(stage->policy, stage->error, sizeof stage->error), 0);
    assert_string_equal(answer_of(stage, first), "three"); /* it is gone: the active one */
}

static void test_what_may_fail_at_a_commit_is_done_ahead_and_once(void **state)
{
    struct stage *stage = *state;
    const char *saving = "local sip = require 'reflow'\nsip.save(function() return {n = 1}, 1 end)\n";
    const char *taking = "local sip = require 'reflow'\nlocal times = 0\n"
                         "sip.restore(function(data) times = times + data.n return true end)\n"
                         "sip_on_request(function() return sip_reply(486, 'times ' .. times) end)\n";
    assert_int_equal(policy_hand_over(stage->policy, stage->error, sizeof stage->error), -ENOENT);
    assert_int_equal(take(stage, saving, PLACE_ACTIVE, 0), 0);
    assert_int_equal(prepare(stage, "local sip = require 'reflow'\nsip.restore(function() return false end)\n"), 0);
    assert_int_equal(policy_hand_over(stage->policy, stage->error, sizeof stage->error), -ECANCELED);
    policy_abort(stage->policy, "refused", false);
    assert_int_equal(prepare(stage, taking), 0);
    assert_int_equal(policy_hand_over(stage->policy, stage->error, sizeof stage->error), 0);
    assert_int_equal(policy_commit(stage->policy, PLACE_ACTIVE, 0, stage->error, sizeof stage->error), 0);
    assert_string_equal(answer(stage, "a"), "times 1");
}

static void test_a_canary_is_handed_over_to_as_well(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(
        take(stage, "local sip = require 'reflow'\nsip.save(function() return {n = 1}, 1 end)\n", PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage,
                          "local sip = require 'reflow'\nlocal n = 0\n"
                          "sip.restore(function(data) n = n + data.n return true end)\n"
                          "sip_on_request(function() return sip_reply(486, 'n ' .. n) end)\n",
                          PLACE_CANARY, 0),
                     0);
    assert_int_equal(policy_hand_over(stage->policy, stage->error, sizeof stage->error), 0);
    assert_int_equal(policy_promote(stage->policy, stage->error, sizeof stage->error), 0);
    assert_string_equal(answer(stage, "a"), "n 1");
}

static void test_a_shadow_is_built_as_one_at_once(void **state)
{
    struct stage *stage = *state;
    struct policy_build *build;
    int64_t value = -1;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    struct sources *sources = read_text(stage, "local sip = require 'reflow'\n"
                                               "sip.store.add('loads', 1)\n"
                                               "sip_on_request(function() sip.store.add('n', 1) end)\n");
    assert_int_equal(policy_build_begin(&build, stage->policy, sources, stage->error, sizeof stage->error), 0);
    policy_build_as_shadow(build);
    policy_build_run(build);
    assert_int_equal(policy_build_end(build, stage->error, sizeof stage->error), 0);
    assert_int_equal(policy_commit(stage->policy, PLACE_SHADOW, 0, stage->error, sizeof stage->error), 0);
    sources_release(sources);
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(policy_differences(stage->policy), 1);
    assert_int_equal(store_count(stage->store, TEXT("n"), &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(store_count(stage->store, TEXT("loads"), &value), 0);
    assert_int_equal(value, 0);
}

static void test_bytes_that_failed_elsewhere_go_from_every_place(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(take(stage, two, PLACE_ACTIVE, 0), 0);
    uint64_t first = policy_places(stage->policy).previous, second = policy_places(stage->policy).active;
    policy_withdraw(stage->policy, second, "7 of 10 entries failed");
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(prepare(stage, two), -EALREADY);
    assert_non_null(strstr(stage->error, "7 of 10 entries failed"));
    assert_int_equal(take(stage, failing, PLACE_CANARY, 1000), 0);
    policy_withdraw(stage->policy, policy_places(stage->policy).canary, "it failed");
    assert_int_equal(policy_places(stage->policy).canary, 0);
    assert_string_equal(answer(stage, "a"), "one");
    assert_int_equal(prepare(stage, failing), -EALREADY);
    assert_int_equal(take(stage, "-- three\n", PLACE_ACTIVE, 0), 0);
    policy_withdraw(stage->policy, first, "it failed");
    assert_int_equal(policy_places(stage->policy).previous, 0);
    assert_int_equal(policy_rollback(stage->policy, "by command", false), -ENOENT);
    policy_withdraw(stage->policy, second, "known");
}

static void test_a_version_that_is_alone_cannot_be_withdrawn(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    policy_withdraw(stage->policy, policy_places(stage->policy).active, "it failed");
    assert_string_equal(answer(stage, "a"), "one");
}

static void test_numbers_may_be_agreed_on(void **state)
{
    struct stage *stage = *state;
    struct policy_version newest;
    policy_number_next(stage->policy, 7);
    assert_int_equal(take(stage, one, PLACE_ACTIVE, 0), 0);
    assert_int_equal(policy_history(stage->policy, &newest, 1), 1);
    assert_int_equal(newest.number, 7);
    assert_int_equal(take(stage, two, PLACE_ACTIVE, 0), 0);
    assert_int_equal(policy_history(stage->policy, &newest, 1), 1);
    assert_int_equal(newest.number, 8);
}

static void test_a_hook_is_heard_by_canary_and_shadow(void **state)
{
    struct stage *stage = *state;
    assert_false(policy_may_hear(stage->policy, HOOK_REQUEST));
    assert_int_equal(take(stage, "-- no hook\n", PLACE_ACTIVE, 0), 0);
    assert_false(policy_may_hear(stage->policy, HOOK_REQUEST));
    assert_int_equal(take(stage, one, PLACE_CANARY, 10), 0);
    assert_true(policy_may_hear(stage->policy, HOOK_REQUEST));
    assert_false(policy_hears(stage->policy, HOOK_REQUEST));
    assert_int_equal(policy_end_trial(stage->policy, PLACE_CANARY), 0);
    assert_int_equal(take(stage, two, PLACE_SHADOW, 0), 0);
    assert_true(policy_may_hear(stage->policy, HOOK_REQUEST));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_without_a_version_the_core_decides),
                                       TEST(test_a_version_is_in_use_only_after_its_commit),
                                       TEST(test_an_aborted_version_leaves_no_trace_in_calls),
                                       TEST(test_an_error_on_the_last_line_leaves_the_old_version_whole),
                                       TEST(test_a_failed_version_is_not_tried_again_until_its_bytes_change),
                                       TEST(test_a_call_keeps_the_version_it_began_with),
                                       TEST(test_a_canary_takes_its_share_and_keeps_calls_together),
                                       TEST(test_a_shadow_has_no_effect_and_is_compared),
                                       TEST(test_a_shadow_writes_nothing_into_the_shared_store),
                                       TEST(test_a_version_that_keeps_failing_gives_way_to_the_one_before),
                                       TEST(test_a_canary_that_keeps_failing_ends),
                                       TEST(test_rollback_by_command),
                                       TEST(test_a_hook_that_fails_may_ask_the_version_before),
                                       TEST(test_the_active_version_is_asked_for_credentials),
                                       TEST(test_a_version_whose_credentials_keep_failing_gives_way),
                                       TEST(test_what_is_kept_goes_over_and_a_refusal_aborts),
                                       TEST(test_a_version_that_cannot_save_can_be_replaced),
                                       TEST(test_the_last_good_version_is_on_disk),
                                       TEST(test_a_version_that_ran_out_of_memory_is_built_anew),
                                       TEST(test_a_version_that_refuses_for_want_of_memory_is_built_anew),
                                       TEST(test_what_one_source_exhausts_takes_no_version_back),
                                       TEST(test_history_is_told_and_bounded),
                                       TEST(test_memory_failing_at_any_place_leaves_the_version_in_use),
                                       TEST(test_a_version_is_found_by_the_hash_of_its_bytes),
                                       TEST(test_what_may_fail_at_a_commit_is_done_ahead_and_once),
                                       TEST(test_a_canary_is_handed_over_to_as_well),
                                       TEST(test_a_shadow_is_built_as_one_at_once),
                                       TEST(test_bytes_that_failed_elsewhere_go_from_every_place),
                                       TEST(test_a_version_that_is_alone_cannot_be_withdrawn),
                                       TEST(test_numbers_may_be_agreed_on),
                                       TEST(test_a_hook_is_heard_by_canary_and_shadow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
