// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/tls/tls_private.h"
#include "certificate.h"

/* Both sides of a connection, whose network is memcpy. */

struct scene {
    struct fake_host fake;
    struct test_folder folder;
    char paths[4][128];
    struct tls_options options;
    struct tls *tls;
    struct tls_session *client, *server;
};

static int begin(void **state)
{
    static struct scene scene;
    char error[256];
    memset(&scene, 0, sizeof scene);
    fake_host_create(&scene.fake);
    test_folder_create(&scene.folder);
    test_folder_sign(&scene.folder, "a.test");
    scene.options.certificate = test_folder_file(&scene.folder, "a.test.pem", scene.paths[0]);
    scene.options.key = test_folder_file(&scene.folder, "a.test.key", scene.paths[1]);
    scene.options.ca = scene.options.certificate;
    if (tls_new(&scene.tls, &scene.fake.host, &scene.options, error, sizeof error) != 0)
        fail_msg("%s", error);
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    tls_session_delete(scene->client);
    tls_session_delete(scene->server);
    tls_delete(scene->tls);
    test_folder_destroy(&scene->folder);
    assert_int_equal(scene->fake.allocated, 0);
    return 0;
}

static void open_both(struct scene *scene, const char *domain)
{
    scene->client = tls_session_connect(scene->tls, text_of(domain));
    scene->server = tls_session_accept(scene->tls);
    assert_non_null(scene->client);
    assert_non_null(scene->server);
}

/* In pieces of `piece` bytes. */
static size_t carry(struct tls_session *from, struct tls_session *to, size_t piece)
{
    struct text output = tls_session_output(from);
    size_t length = output.length;
    for (size_t at = 0; at < output.length; at += piece)
        assert_true(tls_session_put(to, output.at + at, output.length - at < piece ? output.length - at : piece));
    tls_session_sent(from);
    return length;
}

static enum tls_outcome shake(struct scene *scene, size_t piece)
{
    enum tls_outcome outcome = TLS_OK;
    size_t moved = 1;
    while (outcome == TLS_OK && moved > 0) {
        outcome = tls_session_handshake(scene->client);
        moved = carry(scene->client, scene->server, piece);
        if (outcome == TLS_OK)
            outcome = tls_session_handshake(scene->server);
        moved += carry(scene->server, scene->client, piece);
    }
    return outcome;
}

static void assert_arrives(struct tls_session *from, struct tls_session *to, const char *bytes, size_t length)
{
    char *got = malloc(length + 1);
    size_t total = 0, read;
    assert_true(tls_session_write(from, bytes, length));
    carry(from, to, 1000);
    do {
        assert_int_equal(tls_session_read(to, got + total, length + 1 - total, &read), TLS_OK);
        total += read;
    } while (read > 0);
    assert_int_equal(total, length);
    assert_memory_equal(got, bytes, length);
    free(got);
}

static void test_bytes_go_both_ways(void **state)
{
    struct scene *scene = *state;
    static char much[100000];
    memset(much, 'x', sizeof much);
    open_both(scene, "a.test");
    assert_int_equal(shake(scene, 65536), TLS_OK);
    assert_true(tls_session_is_open(scene->client) && tls_session_is_open(scene->server));
    assert_arrives(scene->client, scene->server, "INVITE", 6);
    assert_arrives(scene->server, scene->client, much, sizeof much);
    assert_string_equal(tls_session_fault(scene->client), "");
    assert_true(text_equal(tls_session_domain(scene->client), TEXT("a.test")));
    assert_int_equal(tls_session_domain(scene->server).length, 0);
}

static void test_byte_by_byte(void **state)
{
    struct scene *scene = *state;
    open_both(scene, "a.test");
    assert_int_equal(shake(scene, 1), TLS_OK);
    assert_true(tls_session_is_open(scene->server));
    assert_arrives(scene->client, scene->server, "INVITE", 6);
}

static void test_what_is_written_before_it_is_open_waits(void **state)
{
    struct scene *scene = *state;
    char got[32];
    size_t length;
    open_both(scene, "a.test");
    assert_true(tls_session_write(scene->client, "INVITE ", 7));
    assert_true(tls_session_write(scene->client, "sip:b", 5));
    assert_int_equal(tls_session_kept(scene->client), 12);
    assert_int_equal(tls_session_output(scene->client).length, 0);
    assert_int_equal(shake(scene, 65536), TLS_OK);
    assert_int_equal(tls_session_kept(scene->client), 0);
    assert_int_equal(tls_session_read(scene->server, got, sizeof got, &length), TLS_OK);
    assert_int_equal(length, 12);
    assert_memory_equal(got, "INVITE sip:b", 12);
}

static void test_nothing_goes_to_who_is_not_the_domain(void **state)
{
    struct scene *scene = *state;
    open_both(scene, "b.test");
    tls_session_write(scene->client, "secret", 6);
    assert_int_equal(shake(scene, 65536), TLS_FAILED);
    assert_string_equal(tls_session_fault(scene->client), "the certificate is for another domain");
    assert_false(tls_session_is_open(scene->client));
    assert_false(tls_session_write(scene->client, "more", 4));
    assert_int_equal(tls_session_handshake(scene->client), TLS_FAILED);
}

static void test_garbage_fails_at_once_and_for_good(void **state)
{
    struct scene *scene = *state;
    char got[16];
    size_t length;
    open_both(scene, "a.test");
    assert_true(tls_session_put(scene->server, "REGISTER sip:a.test SIP/2.0\r\n", 29));
    assert_int_equal(tls_session_handshake(scene->server), TLS_FAILED);
    assert_string_not_equal(tls_session_fault(scene->server), "");
    assert_int_equal(tls_session_read(scene->server, got, sizeof got, &length), TLS_FAILED);
    assert_false(tls_session_write(scene->server, "x", 1));
}

static void test_bytes_changed_on_the_way_fail(void **state)
{
    struct scene *scene = *state;
    char got[16], changed[128];
    size_t length;
    open_both(scene, "a.test");
    shake(scene, 65536);
    assert_true(tls_session_write(scene->client, "INVITE", 6));
    struct text output = tls_session_output(scene->client);
    assert_true(output.length > 10 && output.length < sizeof changed);
    memcpy(changed, output.at, output.length);
    changed[output.length - 3] ^= 1;
    assert_true(tls_session_put(scene->server, changed, output.length));
    assert_int_equal(tls_session_read(scene->server, got, sizeof got, &length), TLS_FAILED);
    assert_int_equal(length, 0);
}

static void test_the_end_in_good_order(void **state)
{
    struct scene *scene = *state;
    char got[16];
    size_t length;
    open_both(scene, "a.test");
    shake(scene, 65536);
    tls_session_end(scene->client);
    assert_true(carry(scene->client, scene->server, 65536) > 0);
    assert_int_equal(tls_session_read(scene->server, got, sizeof got, &length), TLS_CLOSED);
    tls_session_end(scene->server);
}

/* A session has its own hold on what it was made of. */
static void test_sessions_outlive_a_reload(void **state)
{
    struct scene *scene = *state;
    char error[256];
    open_both(scene, "a.test");
    assert_int_equal(tls_reload(scene->tls, error, sizeof error), 0);
    assert_int_equal(shake(scene, 65536), TLS_OK);
    assert_int_equal(tls_reload(scene->tls, error, sizeof error), 0);
    assert_arrives(scene->server, scene->client, "200", 3);
}

static void test_no_memory_for_a_session(void **state)
{
    struct scene *scene = *state;
    scene->fake.calls = 0;
    scene->fake.fail_after = 1;
    assert_null(tls_session_accept(scene->tls));
    scene->fake.calls = 0;
    scene->fake.fail_after = 2;
    assert_null(tls_session_connect(scene->tls, TEXT("a.test")));
    scene->fake.fail_after = 0;
    open_both(scene, "a.test");
    scene->fake.calls = 0;
    scene->fake.fail_after = 1;
    assert_false(tls_session_write(scene->client, "x", 1));
    scene->fake.fail_after = 0;
    assert_int_equal(shake(scene, 65536), TLS_OK);
}

static void test_5922_7_a_a_verified_certificate_proves_its_own_domain_alone(void **state)
{
    struct scene *scene = *state;
    char error[256];
    open_both(scene, "a.test");
    assert_false(tls_session_has_certificate(scene->client));
    assert_false(tls_session_proves(scene->client, TEXT("a.test")));
    assert_int_equal(shake(scene, 65536), TLS_OK);
    assert_true(tls_session_proves(scene->client, TEXT("a.test")));
    /* The server has not asked for a certificate. */
    assert_false(tls_session_has_certificate(scene->server));
    assert_false(tls_session_proves(scene->server, TEXT("a.test")));
    tls_session_delete(scene->client);
    tls_session_delete(scene->server);
    scene->options.client_ca = scene->options.certificate;
    assert_int_equal(tls_reload(scene->tls, error, sizeof error), 0);
    open_both(scene, "a.test");
    assert_int_equal(shake(scene, 65536), TLS_OK);
    assert_true(tls_session_is_open(scene->server));
    assert_true(tls_session_has_certificate(scene->server));
    assert_true(tls_session_proves(scene->server, TEXT("A.TEST")));
    assert_false(tls_session_proves(scene->server, TEXT("b.test")));
    assert_false(tls_session_proves(scene->server, TEXT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes_go_both_ways, begin, end),
        cmocka_unit_test_setup_teardown(test_byte_by_byte, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_written_before_it_is_open_waits, begin, end),
        cmocka_unit_test_setup_teardown(test_nothing_goes_to_who_is_not_the_domain, begin, end),
        cmocka_unit_test_setup_teardown(test_garbage_fails_at_once_and_for_good, begin, end),
        cmocka_unit_test_setup_teardown(test_bytes_changed_on_the_way_fail, begin, end),
        cmocka_unit_test_setup_teardown(test_the_end_in_good_order, begin, end),
        cmocka_unit_test_setup_teardown(test_sessions_outlive_a_reload, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory_for_a_session, begin, end),
        cmocka_unit_test_setup_teardown(test_5922_7_a_a_verified_certificate_proves_its_own_domain_alone, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
