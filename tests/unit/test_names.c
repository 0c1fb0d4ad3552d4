// SPDX-License-Identifier: BSD-2-Clause
#include "names_scene.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "standalone/names/names.h"

/*
 * Look-ups at a name server of the test's own (fake_dns.h). c-ares and libuv have the system's clock. The host's clock
 * is the same and can be moved on, which ends look-ups and what is remembered.
 */

enum { LATER_MS = 31000, STRANGER = 7, OTHER = 8 };

struct asked {
    unsigned answers;
    struct place places[PLACES_MOST];
    size_t count;
};

static void close_names(struct names_scene *scene)
{
    names_close(scene->names);
    uv_run(&scene->loop, UV_RUN_NOWAIT);
}

/* The same with other limits. */
static void limit(struct names_scene *scene, struct names_limits limits)
{
    close_names(scene);
    names_delete(scene->names);
    names_scene_open(scene, limits);
}

static void on_answer(void *again, const struct place *places, size_t count)
{
    struct asked *asked = again;
    asked->answers++;
    asked->count = count;
    assert_true(count <= PLACES_MOST);
    memcpy(asked->places, places, count * sizeof *places);
}

/* Explicit port: A and AAAA records. */
static struct locate_query query_of(const char *name)
{
    return (struct locate_query){
        .host = name, .port = 5060, .transport = TRANSPORT_COUNT, .callable = 1U << TRANSPORT_UDP};
}

static int locate(struct names_scene *scene, source_id source, const char *name, struct asked *asked)
{
    const struct locate_query query = query_of(name);
    return names_locate(scene->names, source, &query, on_answer, asked);
}

static void ask(struct names_scene *scene, source_id source, const char *name, struct asked *asked)
{
    *asked = (struct asked){0};
    assert_int_equal(locate(scene, source, name, asked), 0);
    assert_int_equal(asked->answers, 0);
}

/* A name that the policy has chosen. */
static int locate_chosen(struct names_scene *scene, source_id source, const char *name, struct asked *asked)
{
    struct locate_query query = query_of(name);
    query.chosen = true;
    *asked = (struct asked){0};
    return names_locate(scene->names, source, &query, on_answer, asked);
}

/* The program has a time limit of its own. */
static void wait_for(struct names_scene *scene, const struct asked *asked)
{
    while (asked->answers == 0)
        uv_run(&scene->loop, UV_RUN_ONCE);
    assert_int_equal(asked->answers, 1);
}

static void wait_for_queries(struct names_scene *scene, unsigned count)
{
    while (scene->dns.asked < count)
        uv_run(&scene->loop, UV_RUN_ONCE);
}

static void look_up(struct names_scene *scene, const char *name, struct asked *asked)
{
    ask(scene, 0, name, asked);
    wait_for(scene, asked);
}

static uint64_t counter(const struct names_scene *scene, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)names_counters(scene->names) + offset);
}
#define COUNT(scene, name) counter(scene, offsetof(struct names_counters, name))

static bool has(const struct asked *asked, const char *text)
{
    char own[64];
    for (size_t i = 0; i < asked->count; i++) {
        address_format(&asked->places[i].address, own, sizeof own);
        if (strcmp(own, text) == 0)
            return true;
    }
    return false;
}

/* --- answers --- */

static void test_a_and_aaaa_records_come_with_the_port(void **state)
{
    struct asked asked;
    look_up(*state, "good.example", &asked);
    assert_int_equal(asked.count, 2);
    assert_true(has(&asked, "192.0.2.1:5060"));
    assert_true(has(&asked, "[2001:db8::1]:5060"));
}

static void test_only_families_that_a_listener_has_are_asked_for(void **state)
{
    struct names_scene *scene = *state;
    struct asked asked;
    names_set_family(scene->names, AF_INET);
    look_up(scene, "good.example", &asked);
    assert_int_equal(asked.count, 1);
    assert_true(has(&asked, "192.0.2.1:5060"));
    look_up(scene, "six.example", &asked);
    assert_int_equal(asked.count, 0);
    limit(scene, (struct names_limits){0});
    names_set_family(scene->names, AF_INET6);
    look_up(scene, "good.example", &asked);
    assert_int_equal(asked.count, 1);
    assert_true(has(&asked, "[2001:db8::1]:5060"));
}

static void test_a_truncated_answer_is_fetched_over_tcp(void **state)
{
    struct names_scene *scene = *state;
    struct asked asked;
    look_up(scene, "many.example", &asked);
    assert_int_equal(asked.count, NAME_ADDRESSES_MOST);
    assert_true(scene->dns.asked_tcp > 0);
}

static void test_an_alias_is_followed(void **state)
{
    struct asked asked;
    look_up(*state, "alias.example", &asked);
    assert_int_equal(asked.count, 2);
    assert_true(has(&asked, "192.0.2.1:5060"));
}

static void test_localhost_needs_no_server(void **state)
{
    struct names_scene *scene = *state;
    struct asked asked;
    look_up(scene, "localhost", &asked);
    assert_true(has(&asked, "127.0.0.1:5060"));
    assert_int_equal(scene->dns.asked, 0);
}

static void test_what_has_no_address_fails(void **state)
{
    static const char *const names[] = {"missing.example", "empty.example",   "failing.example",
                                        "owner.example",   "circle.example",  "cut.example",
                                        "pointer.example", "garbage.example", "header.example"};
    struct asked asked;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        look_up(*state, names[i], &asked);
        if (asked.count != 0)
            fail_msg("%s has an address", names[i]);
    }
}

/* The time is over before c-ares gives up. */
static void test_a_silent_server_costs_the_time_of_one_look_up(void **state)
{
    static const char *const names[] = {"silent.example", "id.example", "question.example", "nothing.example"};
    struct names_scene *scene = *state;
    limit(scene, (struct names_limits){.lookup_ms = 100});
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct asked asked;
        uint64_t began = uv_hrtime();
        look_up(scene, names[i], &asked);
        assert_int_equal(asked.count, 0);
        assert_true(uv_hrtime() - began >= 90000000);
        assert_int_equal(COUNT(scene, names_late), i + 1);
    }
}

static void test_without_an_answer_for_aaaa_the_a_records_count(void **state)
{
    struct names_scene *scene = *state;
    struct asked asked;
    limit(scene, (struct names_limits){.lookup_ms = 500});
    look_up(scene, "half.example", &asked);
    assert_int_equal(asked.count, 1);
    assert_true(has(&asked, "192.0.2.1:5060"));
}

static void test_an_answer_may_be_late(void **state)
{
    struct asked asked;
    look_up(*state, "late.example", &asked);
    assert_int_equal(asked.count, 2);
}

static void test_a_server_that_is_not_there_is_asked_again_later(void **state)
{
    struct names_scene *scene = *state;
    struct names_config config = {.loop = &scene->loop, .host = &scene->host, .server_count = 1};
    struct asked asked;
    int size = sizeof config.servers[0];
    uv_udp_t unused;
    close_names(scene);
    names_delete(scene->names);
    uv_udp_init(&scene->loop, &unused);
    assert_true(address_read(TEXT("127.0.0.1"), 0, &config.servers[0]));
    assert_int_equal(uv_udp_bind(&unused, &config.servers[0].any, 0), 0);
    assert_int_equal(uv_udp_getsockname(&unused, &config.servers[0].any, &size), 0);
    uv_close((uv_handle_t *)&unused, NULL);
    uv_run(&scene->loop, UV_RUN_NOWAIT);
    assert_int_equal(names_new(&scene->names, &config), 0);
    for (unsigned i = 0; i < 2; i++) {
        look_up(scene, "good.example", &asked);
        assert_int_equal(asked.count, 0);
        scene->moved_ms += LATER_MS;
    }
    assert_int_equal(COUNT(scene, names_looked_up), 2);
}

static void test_what_is_not_a_host_name_is_refused(void **state)
{
    static const char *const names[] = {"", ".", "a..b", "a b", "a/b", "a\nb", "-a.example", "\xC3\xA4.example"};
    struct names_scene *scene = *state;
    char label[300];
    struct asked asked;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(locate(scene, 0, names[i], &asked), -EINVAL);
    memset(label, 'a', sizeof label);
    label[64] = '\0';
    assert_int_equal(locate(scene, 0, label, &asked), -EINVAL);
    for (size_t i = 60; i < 299; i += 60)
        label[i] = '.';
    label[64] = 'a';
    label[299] = '\0';
    assert_int_equal(locate(scene, 0, label, &asked), -EINVAL);
}

/* --- what is remembered --- */

static void test_a_failure_is_remembered_for_30_seconds(void **state)
{
    static const char *const names[] = {"missing.example", "silent.example", "garbage.example"};
    struct names_scene *scene = *state;
    struct asked asked;
    limit(scene, (struct names_limits){.lookup_ms = 100});
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        look_up(scene, names[i], &asked);
        unsigned before = scene->dns.asked;
        scene->moved_ms += 29000;
        look_up(scene, names[i], &asked);
        assert_int_equal(asked.count, 0);
        assert_int_equal(scene->dns.asked, before);
        scene->moved_ms += 2000;
        look_up(scene, names[i], &asked);
        assert_true(scene->dns.asked > before);
    }
}

static void test_an_address_is_remembered_for_its_ttl(void **state)
{
    static const struct {
        const char *name;
        uint64_t ttl_ms;
    } names[] = {{"good.example", 600000}, {"short.example", 1000}, {"alias.example", 2000}};
    struct names_scene *scene = *state;
    struct asked asked;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        look_up(scene, names[i].name, &asked);
        unsigned before = scene->dns.asked;
        assert_true(asked.count > 0);
        scene->moved_ms += names[i].ttl_ms;
        look_up(scene, names[i].name, &asked);
        assert_int_equal(scene->dns.asked, before + 1);
    }
    scene->moved_ms += 300000;
    unsigned before = scene->dns.asked;
    look_up(scene, "GOOD.example", &asked);
    assert_int_equal(asked.count, 2);
    assert_int_equal(scene->dns.asked, before);
}

static void test_what_is_remembered_is_bounded(void **state)
{
    struct names_scene *scene = *state;
    struct asked asked;
    limit(scene, (struct names_limits){.remembered = 2});
    look_up(scene, "good1.example", &asked);
    look_up(scene, "good2.example", &asked);
    look_up(scene, "good1.example", &asked);
    look_up(scene, "good3.example", &asked);
    unsigned before = scene->dns.asked;
    look_up(scene, "good1.example", &asked);
    look_up(scene, "good3.example", &asked);
    assert_int_equal(scene->dns.asked, before);
    look_up(scene, "good2.example", &asked);
    assert_int_equal(scene->dns.asked, before + 1);
}

/* --- limits --- */

static void test_a_source_has_four_look_ups_and_others_do_not_wait_for_it(void **state)
{
    struct names_scene *scene = *state;
    struct asked silent[20], refused, other;
    char name[64];
    for (size_t i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "silent%zu.example", i);
        ask(scene, STRANGER, name, &silent[i]);
    }
    assert_int_equal(COUNT(scene, names_looked_up), 4);
    assert_int_equal(locate(scene, STRANGER, "good.example", &refused), -EAGAIN);
    assert_int_equal(COUNT(scene, names_refused), 1);
    ask(scene, OTHER, "good.example", &other);
    wait_for(scene, &other);
    assert_int_equal(other.count, 2);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(silent[i].answers, 0);
    /* Known answers and look-ups in progress cost nothing. */
    ask(scene, STRANGER, "good.example", &refused);
    wait_for(scene, &refused);
    assert_int_equal(refused.count, 2);
    ask(scene, STRANGER, "silent0.example", &refused);
    assert_int_equal(COUNT(scene, names_looked_up), 5);
    close_names(scene);
    assert_int_equal(silent[19].answers, 1);
}

static void test_what_waits_has_its_turn(void **state)
{
    struct names_scene *scene = *state;
    struct asked late[4], good;
    char name[64];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "late%zu.example", i);
        ask(scene, STRANGER, name, &late[i]);
    }
    ask(scene, STRANGER, "good.example", &good);
    wait_for(scene, &good);
    assert_int_equal(good.count, 2);
    for (size_t i = 0; i < 4; i++)
        wait_for(scene, &late[i]);
}

/* A request that had no turn says nothing about the name. */
static void test_what_waits_too_long_fails_and_is_not_remembered(void **state)
{
    struct names_scene *scene = *state;
    struct asked silent[4], good;
    char name[64];
    limit(scene, (struct names_limits){.lookup_ms = 20000});
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "silent%zu.example", i);
        ask(scene, STRANGER, name, &silent[i]);
    }
    wait_for_queries(scene, 4);
    scene->moved_ms += 19000;
    ask(scene, STRANGER, "good.example", &good);
    scene->moved_ms += 10000;
    for (size_t i = 0; i < 4; i++)
        wait_for(scene, &silent[i]);
    wait_for(scene, &good);
    assert_int_equal(good.count, 2);
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "silentagain%zu.example", i);
        ask(scene, STRANGER, name, &silent[i]);
    }
    ask(scene, STRANGER, "good2.example", &good);
    assert_int_equal(COUNT(scene, names_refused), 0);
    close_names(scene);
    assert_int_equal(good.answers, 1);
    assert_int_equal(good.count, 0);
}

static void test_strangers_leave_look_ups_to_sources_without_a_limit(void **state)
{
    struct names_scene *scene = *state;
    struct asked silent[128], good;
    char name[64];
    for (size_t i = 0; i < 128; i++) {
        snprintf(name, sizeof name, "silent%zu.example", i);
        ask(scene, 100 + i / 4, name, &silent[i]);
    }
    assert_int_equal(COUNT(scene, names_looked_up), 48);
    ask(scene, 0, "good.example", &good);
    wait_for(scene, &good);
    assert_int_equal(good.count, 2);
    for (size_t i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "silentown%zu.example", i);
        ask(scene, 0, name, &silent[i]);
    }
    ask(scene, 0, "silentlast.example", &silent[16]);
    assert_int_equal(COUNT(scene, names_looked_up), 48 + 1 + 16);
    assert_int_equal(COUNT(scene, names_refused), 0);
    close_names(scene);
}

/* Enough silent names of strangers, each from a source of its own, for the lookups and for all that may wait. */
static void strangers_ask(struct names_scene *scene, struct asked *asked)
{
    for (unsigned i = 0; i < 1000; i++) {
        char name[64];
        snprintf(name, sizeof name, "silent%u.example", i);
        locate(scene, 1000 + i, name, asked);
    }
}

/* The TTL of a trunk's name is over, and callers look up names whose servers are silent. */
static void test_strangers_do_not_stop_the_names_of_the_policy(void **state)
{
    struct names_scene *scene = *state;
    struct asked silent[10], all, good;
    assert_int_equal(locate_chosen(scene, OTHER, "short.example", &good), 0);
    wait_for(scene, &good);
    strangers_ask(scene, &all);
    for (size_t i = 0; i < 10; i++) {
        char name[64];
        snprintf(name, sizeof name, "silentown%zu.example", i);
        locate(scene, STRANGER, name, &silent[i]);
    }
    scene->moved_ms += 1500;
    assert_int_equal(locate(scene, OTHER, "good.example", &good), -EAGAIN);
    assert_int_equal(locate_chosen(scene, STRANGER, "short.example", &good), 0);
    wait_for(scene, &good);
    assert_true(has(&good, "192.0.2.1:5060"));
    close_names(scene);
}

/* A policy may make names out of what strangers write: they leave room, too. */
static void test_names_of_the_policy_leave_look_ups_to_sources_without_a_limit(void **state)
{
    struct names_scene *scene = *state;
    struct asked all, chosen[200], good;
    size_t taken = 0;
    strangers_ask(scene, &all);
    for (size_t i = 0; i < 200; i++) {
        char name[64];
        snprintf(name, sizeof name, "silentchosen%zu.example", i);
        taken += locate_chosen(scene, 100 + i / 5, name, &chosen[i]) == 0;
    }
    assert_int_equal(COUNT(scene, names_looked_up), 48 + 8);
    assert_int_equal(taken, 8 + 256 / 8);
    for (size_t i = 0; i < 8; i++) {
        char name[64];
        snprintf(name, sizeof name, "silentexempt%zu.example", i);
        assert_int_equal(locate(scene, 0, name, &good), 0);
    }
    assert_int_equal(COUNT(scene, names_looked_up), 64);
    assert_int_equal(locate(scene, 0, "good.example", &good), 0);
    close_names(scene);
}

static void test_a_source_has_four_look_ups_for_names_of_the_policy(void **state)
{
    struct names_scene *scene = *state;
    struct asked silent[20], good;
    for (size_t i = 0; i < 20; i++) {
        char name[64];
        snprintf(name, sizeof name, "silent%zu.example", i);
        assert_int_equal(locate_chosen(scene, STRANGER, name, &silent[i]), 0);
    }
    assert_int_equal(COUNT(scene, names_looked_up), 4);
    assert_int_equal(locate_chosen(scene, STRANGER, "good.example", &good), -EAGAIN);
    assert_int_equal(locate_chosen(scene, OTHER, "good.example", &good), 0);
    wait_for(scene, &good);
    close_names(scene);
}

static void test_all_that_waits_is_bounded(void **state)
{
    struct names_scene *scene = *state;
    struct asked silent, refused;
    char name[64];
    unsigned waiting = 0;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "silent%u.example", i);
        waiting += locate(scene, 1000 + i, name, &silent) == 0;
    }
    assert_int_equal(waiting, 48 + 256);
    assert_int_equal(locate(scene, 0, "good.example", &refused), 0);
    close_names(scene);
    assert_int_equal(COUNT(scene, names_refused), 1000 - 48 - 256);
}

static void test_one_look_up_serves_all_who_ask_for_the_name(void **state)
{
    struct names_scene *scene = *state;
    struct asked asked[50];
    for (size_t i = 0; i < 50; i++)
        ask(scene, 100 + i, i % 2 == 0 ? "late.example" : "LATE.Example", &asked[i]);
    for (size_t i = 0; i < 50; i++) {
        wait_for(scene, &asked[i]);
        assert_int_equal(asked[i].count, 2);
    }
    assert_int_equal(COUNT(scene, names_looked_up), 1);
    assert_int_equal(scene->dns.asked, 1);
}

/* Nobody waits behind a stranger who asked for the same name first and has no turn yet. */
static void test_a_name_that_waits_for_one_source_is_looked_up_for_another(void **state)
{
    struct names_scene *scene = *state;
    struct asked silent[4], stranger, other;
    char name[64];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "silent%zu.example", i);
        ask(scene, STRANGER, name, &silent[i]);
    }
    ask(scene, STRANGER, "good.example", &stranger);
    ask(scene, OTHER, "good.example", &other);
    wait_for(scene, &other);
    assert_int_equal(other.count, 2);
    wait_for(scene, &stranger);
    assert_int_equal(stranger.count, 2);
    close_names(scene);
}

/* --- the end, memory, descriptors --- */

static void test_the_end_does_not_wait_for_silent_servers(void **state)
{
    struct names_scene *scene = *state;
    struct asked asked[30];
    char name[64];
    for (size_t i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "silent%zu.example", i);
        ask(scene, i < 10 ? STRANGER : 0, name, &asked[i]);
    }
    wait_for_queries(scene, 24);
    names_close(scene->names);
    for (size_t i = 0; i < 30; i++) {
        assert_int_equal(asked[i].answers, 1);
        assert_int_equal(asked[i].count, 0);
    }
    assert_int_equal(locate(scene, 0, "good.example", &asked[0]), -ECANCELED);
    uv_run(&scene->loop, UV_RUN_NOWAIT);
}

static void test_without_memory_look_ups_fail_and_later_ones_succeed(void **state)
{
    struct names_scene *scene = *state;
    struct asked asked;
    int result = -1;
    size_t step;
    for (step = 1; step < 100; step++) {
        char name[64];
        snprintf(name, sizeof name, "good%zu.example", step);
        asked = (struct asked){0};
        scene->fake.calls = 0;
        scene->fake.fail_after = step;
        result = locate(scene, 0, name, &asked);
        uint64_t needed = scene->fake.calls;
        scene->fake.fail_after = 0;
        if (result == 0)
            wait_for(scene, &asked);
        if (result == 0 && needed < step)
            break;
    }
    assert_true(step > 3 && step < 100);
    look_up(scene, "good.example", &asked);
    assert_int_equal(asked.count, 2);
}

static void test_without_descriptors_look_ups_fail_and_later_ones_succeed(void **state)
{
    struct names_scene *scene = *state;
    struct rlimit before, none;
    struct asked asked;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ask(scene, 0, "good.example", &asked);
    for (unsigned turn = 0; turn < 1000 && asked.answers == 0; turn++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    wait_for(scene, &asked);
    assert_int_equal(asked.count, 0);
    look_up(scene, "good.example", &asked);
    assert_int_equal(asked.count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, names_scene_begin, names_scene_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_and_aaaa_records_come_with_the_port),
        TEST(test_only_families_that_a_listener_has_are_asked_for),
        TEST(test_a_truncated_answer_is_fetched_over_tcp),
        TEST(test_an_alias_is_followed),
        TEST(test_localhost_needs_no_server),
        TEST(test_what_has_no_address_fails),
        TEST(test_a_silent_server_costs_the_time_of_one_look_up),
        TEST(test_without_an_answer_for_aaaa_the_a_records_count),
        TEST(test_an_answer_may_be_late),
        TEST(test_a_server_that_is_not_there_is_asked_again_later),
        TEST(test_what_is_not_a_host_name_is_refused),
        TEST(test_a_failure_is_remembered_for_30_seconds),
        TEST(test_an_address_is_remembered_for_its_ttl),
        TEST(test_what_is_remembered_is_bounded),
        TEST(test_a_source_has_four_look_ups_and_others_do_not_wait_for_it),
        TEST(test_what_waits_has_its_turn),
        TEST(test_what_waits_too_long_fails_and_is_not_remembered),
        TEST(test_strangers_leave_look_ups_to_sources_without_a_limit),
        TEST(test_strangers_do_not_stop_the_names_of_the_policy),
        TEST(test_names_of_the_policy_leave_look_ups_to_sources_without_a_limit),
        TEST(test_a_source_has_four_look_ups_for_names_of_the_policy),
        TEST(test_all_that_waits_is_bounded),
        TEST(test_one_look_up_serves_all_who_ask_for_the_name),
        TEST(test_a_name_that_waits_for_one_source_is_looked_up_for_another),
        TEST(test_the_end_does_not_wait_for_silent_servers),
        TEST(test_without_memory_look_ups_fail_and_later_ones_succeed),
        TEST(test_without_descriptors_look_ups_fail_and_later_ones_succeed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
