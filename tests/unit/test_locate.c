// SPDX-License-Identifier: BSD-2-Clause
#include "names_scene.h"

#include <errno.h>

#include "standalone/names/lookups.h"
#include "standalone/names/names.h"
#include "standalone/names/srv_order.h"

/*
 * 3263-4.a against a name server of the test's own, whose zone each test writes. The host's clock is that of the loop
 * and can be moved on, which ends what is remembered.
 */

enum { ALL = 1U << TRANSPORT_UDP | 1U << TRANSPORT_TCP | 1U << TRANSPORT_TLS };

struct found {
    unsigned answers;
    size_t count;
    struct place places[PLACES_MOST];
    char text[1024]; /* "udp 192.0.2.1:5060, tcp ..." */
};

static void limit(struct names_scene *scene, struct names_limits limits)
{
    names_close(scene->names);
    uv_run(&scene->loop, UV_RUN_NOWAIT);
    names_delete(scene->names);
    names_scene_open(scene, limits);
}

static void on_places(void *again, const struct place *places, size_t count)
{
    struct found *found = again;
    found->answers++;
    found->count = count;
    assert_true(count <= PLACES_MOST);
    for (size_t i = 0, at = 0; i < count; i++) {
        char address[64];
        found->places[i] = places[i];
        address_format(&places[i].address, address, sizeof address);
        at += (size_t)snprintf(found->text + at, sizeof found->text - at, "%s%s %s", i > 0 ? ", " : "",
                               transport_word(places[i].transport), address);
    }
}

static struct locate_query query_of(const char *host)
{
    return (struct locate_query){.host = host, .transport = TRANSPORT_COUNT, .callable = ALL};
}

static void ask(struct names_scene *scene, source_id source, struct locate_query query, struct found *found)
{
    *found = (struct found){0};
    assert_int_equal(names_locate(scene->names, source, &query, on_places, found), 0);
    assert_int_equal(found->answers, 0);
}

/* The program has a time limit of its own. */
static void wait_for(struct names_scene *scene, const struct found *found)
{
    while (found->answers == 0)
        uv_run(&scene->loop, UV_RUN_ONCE);
    assert_int_equal(found->answers, 1);
}

static void locates(struct names_scene *scene, struct locate_query query, const char *expected)
{
    struct found found;
    ask(scene, 0, query, &found);
    wait_for(scene, &found);
    assert_string_equal(found.text, expected);
}

static unsigned all_queries(const struct names_scene *scene)
{
    return scene->dns.asked + scene->dns.asked_srv + scene->dns.asked_naptr;
}

#define ZONE(scene, ...)                                                                                               \
    static const struct fake_record zone[] = {__VA_ARGS__};                                                            \
    (scene)->dns.zone = zone;                                                                                          \
    (scene)->dns.zone_count = sizeof zone / sizeof zone[0]

#define A(name_, address_)                                                                                             \
    {                                                                                                                  \
        .name = name_, .type = FAKE_A, .ttl = 600, .target = address_                                                  \
    }
#define AAAA(name_, address_)                                                                                          \
    {                                                                                                                  \
        .name = name_, .type = FAKE_AAAA, .ttl = 600, .target = address_                                               \
    }
#define SRV(name_, priority_, weight_, port_, target_)                                                                 \
    {                                                                                                                  \
        .name = name_, .type = FAKE_SRV, .ttl = 600, .priority = priority_, .weight = weight_, .port = port_,          \
        .target = target_                                                                                              \
    }
#define NAPTR(order_, preference_, service_, target_)                                                                  \
    {                                                                                                                  \
        .name = "trunk.test", .type = FAKE_NAPTR, .ttl = 600, .priority = order_, .weight = preference_,               \
        .service = service_, .target = target_                                                                         \
    }
#define FAULT(name_, type_, fault_)                                                                                    \
    {                                                                                                                  \
        .name = name_, .type = type_, .fault = fault_                                                                  \
    }

/* --- which records are asked for --- */

static void test_3263_4_a_naptr_then_srv_then_addresses(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, NAPTR(20, 10, "SIP+D2U", "_sip._udp.pool.test"), NAPTR(10, 20, "SIP+D2T", "_sip._tcp.pool.test"),
         NAPTR(10, 30, "SIP+D2U", "_sip._udp.other.test"), SRV("_sip._tcp.pool.test", 2, 0, 5062, "b.test"),
         SRV("_sip._tcp.pool.test", 1, 0, 5061, "a.test"), SRV("_sip._udp.other.test", 1, 0, 5070, "a.test"),
         A("a.test", "192.0.2.1"), A("b.test", "192.0.2.2"), AAAA("b.test", "2001:db8::2"));
    struct found found;
    ask(scene, 0, query_of("trunk.test"), &found);
    wait_for(scene, &found);
    /* The record with the higher order is not used. */
    assert_int_equal(found.count, 4);
    assert_ptr_equal(strstr(found.text, "tcp 192.0.2.1:5061, tcp "), found.text);
    assert_non_null(strstr(found.text, "tcp 192.0.2.2:5062"));
    assert_non_null(strstr(found.text, "tcp [2001:db8::2]:5062"));
    assert_string_equal(strrchr(found.text, 'u'), "udp 192.0.2.1:5070");
    assert_int_equal(scene->dns.asked_naptr, 1);
    assert_int_equal(scene->dns.asked_srv, 2);
}

static void test_3263_4_a_naptr_services_that_cannot_be_used_are_passed_over(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, NAPTR(1, 1, "SIP+D2S", "_sip._sctp.trunk.test"), NAPTR(1, 1, "SIP+D2W", "_sip._ws.trunk.test"),
         NAPTR(2, 1, "sips+d2t", "_sips._tcp.trunk.test"), NAPTR(3, 1, "sip+d2t", "_sip._tcp.trunk.test"),
         {.name = "trunk.test",
          .type = FAKE_NAPTR,
          .flags = "u",
          .service = "SIP+D2U",
          .target = "_sip._udp.trunk.test"},
         {.name = "trunk.test",
          .type = FAKE_NAPTR,
          .service = "SIP+D2U",
          .expression = "!^.*$!sip:x@y!",
          .target = "_sip._udp.trunk.test"},
         SRV("_sips._tcp.trunk.test", 1, 0, 5071, "a.test"), SRV("_sip._tcp.trunk.test", 1, 0, 5072, "a.test"),
         SRV("_sip._udp.trunk.test", 1, 0, 5073, "a.test"), A("a.test", "192.0.2.1"));
    struct locate_query query = query_of("trunk.test");
    locates(scene, query, "tls 192.0.2.1:5071");
    query.callable = 1U << TRANSPORT_TCP | 1U << TRANSPORT_UDP;
    locates(scene, query, "tcp 192.0.2.1:5072");
    /* There is no record for UDP: its SRV records are tried. */
    query.callable = 1U << TRANSPORT_UDP;
    locates(scene, query, "udp 192.0.2.1:5073");
}

/* A failure of the TLS server must not lead to a connection without TLS. */
static void test_3263_4_a_after_tls_no_transport_without_it_follows(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, NAPTR(1, 1, "SIPS+D2T", "_sips._tcp.trunk.test"), NAPTR(1, 2, "SIP+D2T", "_sip._tcp.trunk.test"),
         SRV("_sips._tcp.trunk.test", 1, 0, 5071, "a.test"), SRV("_sip._tcp.trunk.test", 1, 0, 5072, "a.test"),
         A("a.test", "192.0.2.1"));
    locates(scene, query_of("trunk.test"), "tls 192.0.2.1:5071");
}

static void test_3263_4_a_a_sips_uri_uses_tls_alone(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, NAPTR(1, 1, "SIP+D2U", "_sip._udp.trunk.test"), NAPTR(1, 2, "SIPS+D2T", "_sips._tcp.trunk.test"),
         SRV("_sips._tcp.trunk.test", 1, 0, 5071, "a.test"), SRV("_sip._udp.trunk.test", 1, 0, 5072, "a.test"),
         SRV("_sips._tcp.srv.test", 1, 0, 5073, "a.test"), SRV("_sip._tcp.srv.test", 1, 0, 5074, "a.test"),
         A("bare.test", "192.0.2.2"), A("a.test", "192.0.2.1"));
    struct locate_query query = query_of("trunk.test");
    query.secure = true;
    locates(scene, query, "tls 192.0.2.1:5071");
    query.host = "srv.test";
    locates(scene, query, "tls 192.0.2.1:5073");
    query.host = "bare.test";
    locates(scene, query, "tls 192.0.2.2:5061");
    query.port = 5099;
    locates(scene, query, "tls 192.0.2.2:5099");
}

static void test_3263_4_a_without_naptr_the_srv_records_of_our_transports_are_tried(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, SRV("_sip._tcp.trunk.test", 1, 0, 5072, "a.test"), SRV("_sip._udp.trunk.test", 9, 0, 5071, "a.test"),
         SRV("_sips._tcp.trunk.test", 1, 0, 5073, "a.test"), SRV("_sip._tcp.stream.test", 1, 0, 5074, "a.test"),
         A("a.test", "192.0.2.1"), A("trunk.test", "192.0.2.9"));
    struct locate_query query = query_of("trunk.test");
    locates(scene, query, "udp 192.0.2.1:5071, tcp 192.0.2.1:5072");
    query.callable = 1U << TRANSPORT_TCP;
    locates(scene, query, "tcp 192.0.2.1:5072");
    query = query_of("stream.test");
    locates(scene, query, "tcp 192.0.2.1:5074");
}

static void test_3263_4_a_a_transport_in_the_uri_skips_naptr(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, NAPTR(1, 1, "SIP+D2U", "_sip._udp.trunk.test"), SRV("_sip._udp.trunk.test", 1, 0, 5071, "a.test"),
         SRV("_sip._tcp.trunk.test", 1, 0, 5072, "a.test"), SRV("_sips._tcp.trunk.test", 1, 0, 5073, "a.test"),
         A("a.test", "192.0.2.1"), A("bare.test", "192.0.2.2"));
    struct locate_query query = query_of("trunk.test");
    query.transport = TRANSPORT_TCP;
    locates(scene, query, "tcp 192.0.2.1:5072");
    query.transport = TRANSPORT_TLS;
    locates(scene, query, "tls 192.0.2.1:5073");
    query.host = "bare.test";
    locates(scene, query, "tls 192.0.2.2:5061");
    assert_int_equal(scene->dns.asked_naptr, 0);
    assert_int_equal(scene->dns.asked_srv, 3);
}

static void test_3263_4_a_a_port_or_an_address_skips_all_records(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, NAPTR(1, 1, "SIP+D2T", "_sip._tcp.trunk.test"), SRV("_sip._udp.trunk.test", 1, 0, 5071, "a.test"),
         A("trunk.test", "192.0.2.9"));
    struct locate_query query = query_of("trunk.test");
    query.port = 5060;
    locates(scene, query, "udp 192.0.2.9:5060");
    query.transport = TRANSPORT_TCP;
    locates(scene, query, "tcp 192.0.2.9:5060");
    locates(scene, query_of("192.0.2.7"), "udp 192.0.2.7:5060");
    locates(scene, query_of("2001:db8::7"), "udp [2001:db8::7]:5060");
    assert_int_equal(scene->dns.asked_naptr + scene->dns.asked_srv, 0);
}

static void test_3263_4_a_without_records_the_host_is_the_server(void **state)
{
    struct names_scene *scene = *state;
    struct locate_query query = query_of("bare.test");
    ZONE(scene, A("bare.test", "192.0.2.9"), AAAA("bare.test", "2001:db8::9"),
         NAPTR(1, 1, "SIP+D2T", "_sip._tcp.gone.test"), A("trunk.test", "192.0.2.8"));
    names_set_family(scene->names, AF_INET);
    locates(scene, query, "udp 192.0.2.9:5060");
    limit(scene, (struct names_limits){0});
    names_set_family(scene->names, AF_INET6);
    locates(scene, query, "udp [2001:db8::9]:5060");
    query.callable = 1U << TRANSPORT_TCP;
    locates(scene, query, "tcp [2001:db8::9]:5060");
    /* A NAPTR record has chosen the transport, although its SRV records are missing. */
    limit(scene, (struct names_limits){0});
    locates(scene, query_of("trunk.test"), "tcp 192.0.2.8:5060");
}

static void test_3263_4_a_a_service_that_is_declined_is_not_used(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, SRV("_sip._udp.trunk.test", 0, 0, 0, ""), A("trunk.test", "192.0.2.9"),
         SRV("_sip._udp.half.test", 0, 0, 0, ""), SRV("_sip._tcp.half.test", 0, 0, 5072, "trunk.test"));
    locates(scene, query_of("trunk.test"), "");
    locates(scene, query_of("half.test"), "tcp 192.0.2.9:5072");
    assert_int_equal(names_counters(scene->names)->names_unlocated, 1);
}

static void test_3263_4_a_the_hosts_file_stands_before_dns(void **state)
{
    struct names_scene *scene = *state;
    struct locate_query query = query_of("localhost");
    struct found found;
    names_set_family(scene->names, AF_INET);
    ask(scene, 0, query, &found);
    wait_for(scene, &found);
    assert_ptr_equal(strstr(found.text, "udp 127.0.0.1:5060"), found.text);
    query.transport = TRANSPORT_TCP;
    ask(scene, 0, query, &found);
    wait_for(scene, &found);
    assert_ptr_equal(strstr(found.text, "tcp 127.0.0.1:5060"), found.text);
    assert_int_equal(all_queries(scene), 0);
}

/* --- the order of SRV records --- */

static struct name_answer *answer_of(struct names_scene *scene, const uint16_t (*records)[2], size_t count)
{
    struct name_answer *answer = name_answer_new(&scene->host, NAME_FOUND, count);
    assert_non_null(answer);
    for (size_t i = 0; i < count; i++) {
        answer->records[i].priority = records[i][0];
        answer->records[i].weight = records[i][1];
        snprintf(answer->records[i].target, NAME_SIZE, "host%zu.test", i);
    }
    answer->count = count;
    return answer;
}

static void test_3263_4_a_servers_are_drawn_by_weight(void **state)
{
    static const uint16_t records[][2] = {{1, 0}, {1, 10}, {1, 30}, {2, 0}, {2, 0}, {3, 65535}};
    struct name_answer *answer = answer_of(*state, records, 6);
    unsigned first[6] = {0}, fourth[6] = {0};
    for (uint64_t selection = 0; selection < 41000; selection++) {
        uint8_t order[NAME_RECORDS_MOST], seen = 0;
        assert_int_equal(srv_order(answer, selection, order), 6);
        for (size_t i = 0; i < 6; i++) {
            assert_true(i < 3 ? order[i] < 3 : i < 5 ? order[i] == 3 || order[i] == 4 : order[i] == 5);
            seen |= (uint8_t)(1U << order[i]);
        }
        assert_int_equal(seen, 63);
        first[order[0]]++;
        fourth[order[3]]++;
    }
    /* Of 41 draws, weight 0 gets one (RFC 2782), 10 get ten, 30 get thirty. */
    assert_in_range(first[0], 800, 1200);
    assert_in_range(first[1], 9500, 10500);
    assert_in_range(first[2], 29500, 30500);
    assert_in_range(fourth[3], 20000, 21000);
    name_answer_release(answer);
}

static void test_3263_4_a_the_same_selection_gives_the_same_order(void **state)
{
    static const uint16_t records[][2] = {{1, 5}, {1, 5}, {1, 5}, {1, 5}};
    struct name_answer *answer = answer_of(*state, records, 4);
    uint8_t once[NAME_RECORDS_MOST], again[NAME_RECORDS_MOST];
    for (uint64_t selection = 0; selection < 100; selection++) {
        srv_order(answer, selection, once);
        srv_order(answer, selection, again);
        assert_memory_equal(once, again, 4);
    }
    name_answer_release(answer);
}

/* --- what is remembered --- */

static void test_3263_4_a_a_second_call_makes_no_query(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, NAPTR(1, 1, "SIP+D2T", "_sip._tcp.trunk.test"), SRV("_sip._tcp.trunk.test", 1, 0, 5072, "a.test"),
         A("a.test", "192.0.2.1"), A("bare.test", "192.0.2.9"));
    scene->dns.soa_ttl = 500;
    scene->dns.soa_minimum = 400;
    static const char *const hosts[][2] = {{"trunk.test", "tcp 192.0.2.1:5072"}, {"bare.test", "udp 192.0.2.9:5060"}};
    for (size_t i = 0; i < 2; i++) {
        locates(scene, query_of(hosts[i][0]), hosts[i][1]);
        unsigned before = all_queries(scene);
        scene->moved_ms += 399000;
        locates(scene, query_of(hosts[i][0]), hosts[i][1]);
        assert_int_equal(all_queries(scene), before);
    }
    /* The absence of records has lasted 400 s, the address lasts 600. */
    unsigned addresses = scene->dns.asked, records = all_queries(scene) - addresses;
    scene->moved_ms += 1000;
    locates(scene, query_of("bare.test"), "udp 192.0.2.9:5060");
    assert_int_equal(scene->dns.asked, addresses);
    assert_int_equal(all_queries(scene) - addresses, records + 3);
    assert_int_equal(names_counters(scene->names)->names_naptr, 3);
    assert_int_equal(names_counters(scene->names)->names_srv, 5);
}

static void test_3263_4_a_ttls_have_bounds(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, {.name = "_sip._udp.zero.test", .type = FAKE_SRV, .ttl = 0, .port = 5071, .target = "a.test"},
         {.name = "_sip._udp.negative.test", .type = FAKE_SRV, .ttl = 1U << 31, .port = 5071, .target = "a.test"},
         {.name = "_sip._udp.long.test", .type = FAKE_SRV, .ttl = INT32_MAX, .port = 5071, .target = "a.test"},
         A("a.test", "192.0.2.1"));
    static const char *const hosts[] = {"zero.test", "negative.test", "long.test"};
    for (size_t i = 0; i < 3; i++) {
        struct locate_query query = query_of(hosts[i]);
        query.transport = TRANSPORT_UDP;
        locates(scene, query, "udp 192.0.2.1:5071");
        unsigned before = scene->dns.asked_srv;
        locates(scene, query, "udp 192.0.2.1:5071");
        assert_int_equal(scene->dns.asked_srv, before + (i < 2));
    }
    /* An hour at most. */
    unsigned before = scene->dns.asked_srv;
    struct locate_query query = query_of("long.test");
    query.transport = TRANSPORT_UDP;
    scene->moved_ms += 3600000;
    locates(scene, query, "udp 192.0.2.1:5071");
    assert_int_equal(scene->dns.asked_srv, before + 1);
}

static void test_one_lookup_of_records_serves_all_who_ask(void **state)
{
    struct names_scene *scene = *state;
    struct found found[50];
    ZONE(scene, SRV("_sip._udp.trunk.test", 1, 0, 5071, "a.test"), A("a.test", "192.0.2.1"));
    for (size_t i = 0; i < 50; i++)
        ask(scene, 7, query_of("trunk.test"), &found[i]);
    for (size_t i = 0; i < 50; i++) {
        wait_for(scene, &found[i]);
        assert_string_equal(found[i].text, "udp 192.0.2.1:5071");
    }
    assert_int_equal(all_queries(scene), 4);
}

/* --- bad answers --- */

static void test_3263_4_a_aliases_are_followed_but_not_in_a_circle(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, {.name = "_sip._udp.trunk.test", .type = FAKE_CNAME, .ttl = 2, .target = "_sip._udp.pool.test"},
         SRV("_sip._udp.pool.test", 1, 0, 5071, "a.test"),
         {.name = "_sip._udp.round.test", .type = FAKE_CNAME, .ttl = 600, .target = "_sip._udp.about.test"},
         {.name = "_sip._udp.about.test", .type = FAKE_CNAME, .ttl = 600, .target = "_sip._udp.round.test"},
         A("a.test", "192.0.2.1"), A("round.test", "192.0.2.9"));
    struct locate_query query = query_of("trunk.test");
    query.transport = TRANSPORT_UDP;
    locates(scene, query, "udp 192.0.2.1:5071");
    scene->moved_ms += 2000;
    locates(scene, query, "udp 192.0.2.1:5071");
    assert_int_equal(scene->dns.asked_srv, 2);
    query.host = "round.test";
    locates(scene, query, "udp 192.0.2.9:5060");
}

/* Whatever is wrong with records, the addresses of the host are left. */
static void test_3263_4_a_answers_that_cannot_be_used_count_as_missing(void **state)
{
    static const char *const faults[] = {"owner",  "circle",  "pointer", "garbage",
                                         "header", "failing", "missing", "cut"};
    struct names_scene *scene = *state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        char host[32], udp[64], tcp[64];
        snprintf(host, sizeof host, "%s%zu.test", "trunk", i);
        snprintf(udp, sizeof udp, "_sip._udp.%s", host);
        snprintf(tcp, sizeof tcp, "_sip._tcp.%s", host);
        const struct fake_record zone[] = {FAULT(host, FAKE_NAPTR, faults[i]), FAULT(udp, FAKE_SRV, faults[i]),
                                           FAULT(tcp, FAKE_SRV, faults[i]), A(host, "192.0.2.9")};
        scene->dns.zone = zone;
        scene->dns.zone_count = 4;
        locates(scene, query_of(host), "udp 192.0.2.9:5060");
        assert_int_equal(names_counters(scene->names)->names_naptr, i + 1);
        assert_int_equal(names_counters(scene->names)->names_srv, 2 * (i + 1));
    }
    assert_true(scene->dns.asked_tcp > 0);
}

/* Servers that answer for addresses alone, and those that answer wrongly, cost a part of the time. */
static void test_3263_4_a_silence_for_records_leaves_time_for_addresses(void **state)
{
    static const char *const faults[] = {"silent", "id", "question", "nothing"};
    struct names_scene *scene = *state;
    limit(scene, (struct names_limits){.lookup_ms = 2000, .records_ms = 100});
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const struct fake_record zone[] = {
            FAULT("trunk.test", FAKE_NAPTR, faults[i]), FAULT("_sip._udp.trunk.test", FAKE_SRV, faults[i]),
            FAULT("_sip._tcp.trunk.test", FAKE_SRV, faults[i]), A("trunk.test", "192.0.2.9")};
        scene->dns.zone = zone;
        scene->dns.zone_count = 4;
        locates(scene, query_of("trunk.test"), "udp 192.0.2.9:5060");
        assert_int_equal(names_counters(scene->names)->names_records_late, 3 * (i + 1));
        /* For 30 s the silence is remembered. */
        unsigned before = all_queries(scene);
        locates(scene, query_of("trunk.test"), "udp 192.0.2.9:5060");
        assert_int_equal(all_queries(scene), before);
        scene->moved_ms += 700000;
    }
}

static void test_3263_4_a_silence_for_everything_ends_in_time(void **state)
{
    struct names_scene *scene = *state;
    limit(scene, (struct names_limits){.lookup_ms = 300, .records_ms = 100});
    uint64_t began = uv_hrtime();
    locates(scene, query_of("silent.test"), "");
    assert_true(uv_hrtime() - began >= 290000000);
    assert_int_equal(names_counters(scene->names)->names_unlocated, 1);
}

/* A target whose name server is silent does not take the others along. */
static void test_3263_4_a_a_silent_target_is_left_out(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, SRV("_sip._udp.trunk.test", 1, 0, 5071, "silent.test"),
         SRV("_sip._udp.trunk.test", 2, 0, 5072, "missing.test"), SRV("_sip._udp.trunk.test", 3, 0, 5073, "a.test"),
         A("a.test", "192.0.2.1"));
    limit(scene, (struct names_limits){.lookup_ms = 20000, .records_ms = 200});
    locates(scene, query_of("trunk.test"), "udp 192.0.2.1:5073");
}

static void test_3263_4_a_a_hundred_records_are_bounded(void **state)
{
    struct names_scene *scene = *state;
    static struct fake_record zone[200];
    static char hosts[100][16], addresses[100][16];
    char expected[1024] = "";
    for (size_t i = 0; i < 100; i++) {
        snprintf(hosts[i], sizeof hosts[i], "h%zu.test", i);
        snprintf(addresses[i], sizeof addresses[i], "192.0.2.%zu", i + 1);
        zone[99 - i] = (struct fake_record)SRV("_sip._udp.trunk.test", (uint16_t)i, 0, 5071, hosts[i]);
        zone[100 + i] = (struct fake_record)A(hosts[i], addresses[i]);
        if (i < PLACES_MOST)
            sprintf(expected + strlen(expected), "%sudp 192.0.2.%zu:5071", i > 0 ? ", " : "", i + 1);
    }
    scene->dns.zone = zone;
    scene->dns.zone_count = 200;
    locates(scene, query_of("trunk.test"), expected);
    assert_int_equal(scene->dns.asked_tcp, 1);
    assert_int_equal(scene->dns.asked, PLACES_MOST);
}

static void test_targets_that_are_no_names_are_left_out(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, SRV("_sip._udp.trunk.test", 1, 0, 5071, "a b.test"), SRV("_sip._udp.trunk.test", 2, 0, 0, "a.test"),
         SRV("_sip._udp.trunk.test", 3, 0, 5073, "a.test"), A("a.test", "192.0.2.1"));
    locates(scene, query_of("trunk.test"), "udp 192.0.2.1:5073");
}

/* Each costs NAPTR, two SRV and an address; the cache stays small. */
static void test_many_names_take_bounded_memory(void **state)
{
    struct names_scene *scene = *state;
    size_t most = 0;
    limit(scene, (struct names_limits){.remembered = 64});
    for (unsigned i = 0; i < 10000; i++) {
        char host[32];
        struct found found;
        snprintf(host, sizeof host, "missing%u.test", i);
        ask(scene, 7, query_of(host), &found);
        wait_for(scene, &found);
        if (i == 200)
            most = scene->fake.allocated;
    }
    assert_true(most > 0);
    assert_true(scene->fake.allocated <= most + 4096);
}

static void test_a_source_is_limited_whatever_its_names_lead_to(void **state)
{
    struct names_scene *scene = *state;
    struct found stranger[30], other;
    size_t taken = 0;
    for (size_t i = 0; i < 30; i++) {
        char host[32];
        snprintf(host, sizeof host, "silent%zu.test", i);
        struct locate_query query = query_of(host);
        stranger[i] = (struct found){0};
        taken += names_locate(scene->names, 7, &query, on_places, &stranger[i]) == 0;
    }
    assert_int_equal(taken, 20);
    assert_int_equal(names_counters(scene->names)->names_looked_up, 4);
    ask(scene, 8, query_of("good.test"), &other);
    wait_for(scene, &other);
    assert_int_equal(other.count, 2);
}

static void test_the_end_answers_all(void **state)
{
    struct names_scene *scene = *state;
    struct found found[3];
    ZONE(scene, SRV("_sip._udp.trunk.test", 1, 0, 5071, "silent.test"),
         SRV("_sip._udp.trunk.test", 1, 0, 5071, "silent2.test"), FAULT("srv.test", FAKE_NAPTR, "silent"));
    ask(scene, 0, query_of("trunk.test"), &found[0]);
    ask(scene, 0, query_of("srv.test"), &found[1]);
    ask(scene, 0, query_of("silent3.test"), &found[2]);
    while (scene->dns.asked < 2)
        uv_run(&scene->loop, UV_RUN_ONCE);
    names_close(scene->names);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(found[i].answers, 1);
        assert_int_equal(found[i].count, 0);
    }
}

static void test_without_memory_names_fail_and_later_ones_succeed(void **state)
{
    struct names_scene *scene = *state;
    ZONE(scene, NAPTR(1, 1, "SIP+D2T", "_sip._tcp.trunk.test"), SRV("_sip._tcp.trunk.test", 1, 0, 5072, "a.test"),
         SRV("_sip._tcp.trunk.test", 2, 0, 5072, "b.test"), A("a.test", "192.0.2.1"), A("b.test", "192.0.2.2"));
    for (uint64_t allowed = 0; allowed < 200; allowed++) {
        struct found found = {0};
        struct locate_query query = query_of("trunk.test");
        limit(scene, (struct names_limits){0});
        scene->fake.fail_after = scene->fake.calls + 1 + allowed;
        int error = names_locate(scene->names, 0, &query, on_places, &found);
        while (error == 0 && found.answers == 0)
            uv_run(&scene->loop, UV_RUN_ONCE);
        scene->fake.fail_after = 0;
        assert_true(error == 0 || error == -ENOMEM || error == -EAGAIN);
        if (found.count == 2)
            return;
    }
    fail_msg("never found");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, names_scene_begin, names_scene_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_3263_4_a_naptr_then_srv_then_addresses),
        TEST(test_3263_4_a_naptr_services_that_cannot_be_used_are_passed_over),
        TEST(test_3263_4_a_after_tls_no_transport_without_it_follows),
        TEST(test_3263_4_a_a_sips_uri_uses_tls_alone),
        TEST(test_3263_4_a_without_naptr_the_srv_records_of_our_transports_are_tried),
        TEST(test_3263_4_a_a_transport_in_the_uri_skips_naptr),
        TEST(test_3263_4_a_a_port_or_an_address_skips_all_records),
        TEST(test_3263_4_a_without_records_the_host_is_the_server),
        TEST(test_3263_4_a_a_service_that_is_declined_is_not_used),
        TEST(test_3263_4_a_the_hosts_file_stands_before_dns),
        TEST(test_3263_4_a_servers_are_drawn_by_weight),
        TEST(test_3263_4_a_the_same_selection_gives_the_same_order),
        TEST(test_3263_4_a_a_second_call_makes_no_query),
        TEST(test_3263_4_a_ttls_have_bounds),
        TEST(test_one_lookup_of_records_serves_all_who_ask),
        TEST(test_3263_4_a_aliases_are_followed_but_not_in_a_circle),
        TEST(test_3263_4_a_answers_that_cannot_be_used_count_as_missing),
        TEST(test_3263_4_a_silence_for_records_leaves_time_for_addresses),
        TEST(test_3263_4_a_silence_for_everything_ends_in_time),
        TEST(test_3263_4_a_a_silent_target_is_left_out),
        TEST(test_3263_4_a_a_hundred_records_are_bounded),
        TEST(test_targets_that_are_no_names_are_left_out),
        TEST(test_many_names_take_bounded_memory),
        TEST(test_a_source_is_limited_whatever_its_names_lead_to),
        TEST(test_the_end_answers_all),
        TEST(test_without_memory_names_fail_and_later_ones_succeed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
