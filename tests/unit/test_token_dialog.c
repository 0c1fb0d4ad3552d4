// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "flow/token.h"

#include <sys/stat.h>
#include <unistd.h>

/* The seal of a dialog (3261-16.4.a): what it covers, and how long its keys live. */

static const struct token_flow udp4 = {.transport = TRANSPORT_UDP,
                                       .address_length = 4,
                                       .local = {192, 0, 2, 1},
                                       .remote = {198, 51, 100, 7},
                                       .local_port = 5060,
                                       .remote_port = 40112};
static const struct token_flow udp6 = {.transport = TRANSPORT_UDP,
                                       .address_length = 16,
                                       .local = {0x20, 1, 0xd, 0xb8, [15] = 1},
                                       .remote = {0x20, 1, 0xd, 0xb8, [15] = 7},
                                       .local_port = 5060,
                                       .remote_port = 40112};
static const struct token_flow tls = {
    .transport = TRANSPORT_TLS, .address_length = 4, .connection = 0x1234567890abcdefU};

static const struct token_scope call = {.call_id = {"call@host", 9}};

struct scene {
    struct fake_host fake;
    struct token_keys *keys;
    char path[64], error[160];
};

static int begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    if (scene == NULL)
        return -1;
    fake_host_create(&scene->fake);
    temporary_path(scene->path, sizeof scene->path, "reflow-dialog-XXXXXX");
    int descriptor = mkstemp(scene->path);
    assert_true(descriptor >= 0);
    close(descriptor);
    unlink(scene->path);
    *state = scene;
    return token_keys_open(&scene->keys, &scene->fake.host, scene->path, scene->error, sizeof scene->error);
}

static int end(void **state)
{
    struct scene *scene = *state;
    token_keys_close(scene->keys);
    unlink(scene->path);
    assert_int_equal(scene->fake.allocated, 0);
    free(scene);
    return 0;
}

static struct text written(const struct scene *scene, const struct token_flow *caller, const struct token_flow *callee,
                           char out[TOKEN_DIALOG_MOST])
{
    struct token_dialog dialog = {.flows = {*caller, *callee}, .holder = TOKEN_CALLEE, .by_hop = {false, true}};
    size_t length = token_write_dialog(scene->keys, &dialog, &call, TEXT("udp 192.0.2.9 5060"), out, TOKEN_DIALOG_MOST);
    assert_int_equal(strlen(out), length);
    return (struct text){out, length};
}

static bool reads(const struct scene *scene, struct text token, const char *call_id)
{
    struct token_dialog dialog;
    return token_read_dialog(scene->keys, token, &(struct token_scope){.call_id = text_of(call_id)}, &dialog);
}

static void assert_same_flow(const struct token_flow *a, const struct token_flow *b)
{
    assert_int_equal(a->transport, b->transport);
    assert_int_equal(a->connection, b->connection);
    assert_int_equal(a->local_port, b->local_port);
    assert_int_equal(a->remote_port, b->remote_port);
    if (a->transport != TRANSPORT_UDP)
        return;
    assert_int_equal(a->address_length, b->address_length);
    assert_memory_equal(a->local, b->local, 16);
    assert_memory_equal(a->remote, b->remote, 16);
}

static void test_it_says_what_was_written(void **state)
{
    static const struct token_flow *const flows[] = {&udp4, &udp6, &tls};
    static const size_t lengths[3][3] = {{61, 93, 56}, {93, 125, 88}, {56, 88, 50}};
    const struct scene *scene = *state;
    for (size_t caller = 0; caller < 3; caller++) {
        for (size_t callee = 0; callee < 3; callee++) {
            char out[TOKEN_DIALOG_MOST];
            struct token_dialog dialog;
            struct text token = written(scene, flows[caller], flows[callee], out);
            assert_int_equal(token.length, lengths[caller][callee]);
            assert_true(token_is_dialog(token));
            assert_true(token_read_dialog(scene->keys, token, &call, &dialog));
            assert_same_flow(&dialog.flows[TOKEN_CALLER], flows[caller]);
            assert_same_flow(&dialog.flows[TOKEN_CALLEE], flows[callee]);
            assert_int_equal(dialog.holder, TOKEN_CALLEE);
            assert_false(dialog.by_hop[TOKEN_CALLER]);
            assert_true(dialog.by_hop[TOKEN_CALLEE]);
            assert_false(dialog.edge);
        }
    }
}

static uint32_t token_rotate_and_digest(struct scene *scene, uint8_t key)
{
    assert_int_equal(token_keys_rotate(scene->keys), 0);
    return token_owner(scene->keys, key, TEXT("sip:bob@example.com"), TEXT("urn:uuid:1"));
}

/* Who has a flow, and whether it is outbound: 11 characters more, and as well sealed as the rest. */
static void test_it_names_the_owners_of_the_flows(void **state)
{
    struct scene *scene = *state;
    char out[TOKEN_DIALOG_MOST];
    struct token_dialog read, dialog = {.flows = {udp6, udp6}, .outbound = {true, false}};
    dialog.owners[TOKEN_CALLEE] = token_owner(scene->keys, 0, TEXT("sip:bob@example.com"), TEXT("urn:uuid:1"));
    assert_int_not_equal(dialog.owners[TOKEN_CALLEE], 0);
    size_t length = token_write_dialog(scene->keys, &dialog, &call, TEXT("x"), out, sizeof out);
    assert_int_equal(length, 125 + 11);
    assert_true(token_read_dialog(scene->keys, (struct text){out, length}, &call, &read));
    assert_int_equal(read.owners[TOKEN_CALLER], 0);
    assert_int_equal(read.owners[TOKEN_CALLEE], dialog.owners[TOKEN_CALLEE]);
    assert_true(read.outbound[TOKEN_CALLER]);
    assert_false(read.outbound[TOKEN_CALLEE]);
    assert_int_equal(token_rotate_and_digest(scene, read.key), dialog.owners[TOKEN_CALLEE]);
    assert_int_not_equal(token_owner(scene->keys, 0, TEXT("sip:bob@example.com"), TEXT("urn:uuid:1")),
                         dialog.owners[TOKEN_CALLEE]);
    assert_int_not_equal(token_owner(scene->keys, read.key, TEXT("sip:bob@example.com"), TEXT("urn:uuid:2")),
                         dialog.owners[TOKEN_CALLEE]);
    assert_int_not_equal(token_owner(scene->keys, read.key, TEXT("sip:eve@example.com"), TEXT("urn:uuid:1")),
                         dialog.owners[TOKEN_CALLEE]);
    assert_int_equal(token_owner(scene->keys, 99, TEXT("sip:bob@example.com"), TEXT("urn:uuid:1")), 0);
    for (size_t i = 0; i < length; i++) {
        char kept = out[i];
        out[i] = kept == 'A' ? 'B' : 'A';
        assert_false(token_read_dialog(scene->keys, (struct text){out, length}, &call, &read));
        out[i] = kept;
    }
}

static void test_3261_16_4_a_the_seal_covers_the_domain(void **state)
{
    static const char *const domains[] = {"", "trunk.example.net", "trunk.example.ne", "mallory.example"};
    const struct scene *scene = *state;
    char out[TOKEN_DIALOG_MOST];
    for (size_t i = 0; i < 4; i++) {
        struct token_scope own = {.call_id = call.call_id, .domain = text_of(domains[i])};
        struct token_dialog dialog = {.flows = {udp4, tls}};
        size_t length = token_write_dialog(scene->keys, &dialog, &own, TEXT("x"), out, sizeof out);
        for (size_t k = 0; k < 4; k++) {
            struct token_scope other = {.call_id = call.call_id, .domain = text_of(domains[k])};
            assert_int_equal(token_read_dialog(scene->keys, (struct text){out, length}, &other, &dialog), i == k);
        }
    }
}

static void test_3261_16_4_a_the_seal_covers_every_bit(void **state)
{
    const struct scene *scene = *state;
    char out[TOKEN_DIALOG_MOST];
    struct text token = written(scene, &udp6, &tls, out);
    for (size_t i = 0; i < token.length; i++) {
        char kept = out[i];
        for (unsigned c = 1; c < 256; c++) {
            out[i] = (char)c;
            assert_int_equal(reads(scene, token, "call@host"), (char)c == kept);
        }
        out[i] = kept;
    }
    for (size_t length = 0; length < token.length; length++)
        assert_false(reads(scene, (struct text){out, length}, "call@host"));
}

static void test_3261_16_4_a_the_seal_covers_the_call_id(void **state)
{
    const struct scene *scene = *state;
    char out[TOKEN_DIALOG_MOST];
    struct text token = written(scene, &udp4, &udp4, out);
    static const char *const others[] = {"", "call@hos", "call@hostx", "CALL@host", "call@host ", "x"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(reads(scene, token, others[i]));
    assert_true(reads(scene, token, "call@host"));
}

/* What one side holds is not what the other side holds. */
static void test_3261_16_4_a_the_seal_covers_the_direction(void **state)
{
    const struct scene *scene = *state;
    char out[2][TOKEN_DIALOG_MOST];
    for (unsigned holder = 0; holder < 2; holder++) {
        struct token_dialog dialog = {.flows = {udp4, tls}, .holder = (uint8_t)holder};
        assert_true(token_write_dialog(scene->keys, &dialog, &call, TEXT("x"), out[holder], TOKEN_DIALOG_MOST) > 0);
        assert_true(token_read_dialog(scene->keys, text_of(out[holder]), &call, &dialog));
        assert_int_equal(dialog.holder, holder);
    }
    assert_string_not_equal(out[0], out[1]);
}

static void test_3261_16_4_a_the_seal_covers_the_next_hop(void **state)
{
    const struct scene *scene = *state;
    char out[TOKEN_DIALOG_MOST];
    struct token_dialog dialog;
    struct text token = written(scene, &udp4, &udp4, out);
    assert_true(token_read_dialog(scene->keys, token, &call, &dialog));
    assert_true(token_dialog_leads_to(scene->keys, &dialog, TEXT("udp 192.0.2.9 5060")));
    assert_false(token_dialog_leads_to(scene->keys, &dialog, TEXT("udp 192.0.2.9 5061")));
    assert_false(token_dialog_leads_to(scene->keys, &dialog, TEXT("")));
    assert_true(token_write_dialog(scene->keys, &dialog, &call, TEXT(""), out, sizeof out) > 0);
    assert_false(token_dialog_leads_to(scene->keys, &dialog, TEXT("")));
    assert_false(token_dialog_leads_to(scene->keys, &dialog, TEXT("udp 192.0.2.9 5060")));
}

static void test_it_is_no_flow_token_and_a_flow_token_is_none(void **state)
{
    const struct scene *scene = *state;
    char out[TOKEN_DIALOG_MOST], flow_token[TOKEN_TEXT_MOST], marked[TOKEN_TEXT_MOST + 2];
    struct token_flow flow;
    struct text token = written(scene, &udp4, &udp4, out);
    assert_int_equal(token_read(scene->keys, token, &flow), TOKEN_FORGED);
    assert_int_equal(token_read(scene->keys, (struct text){out + 2, token.length - 2}, &flow), TOKEN_FORGED);
    assert_true(token_write(scene->keys, &udp4, flow_token, sizeof flow_token) > 0);
    assert_false(token_is_dialog(text_of(flow_token)));
    snprintf(marked, sizeof marked, "d.%s", flow_token);
    assert_false(reads(scene, text_of(marked), "call@host"));
    assert_false(token_is_dialog(TEXT("")));
    assert_true(token_is_dialog(TEXT("d1a.2b.3c"))); /* of an earlier version */
    assert_false(reads(scene, TEXT("d1a.2b.3c"), "call@host"));
}

static void test_it_is_written_whole_or_not_at_all(void **state)
{
    const struct scene *scene = *state;
    char out[TOKEN_DIALOG_MOST];
    struct token_dialog dialog = {.flows = {udp4, udp4}};
    for (size_t size = 0; size < 62; size++) {
        memset(out, 'x', sizeof out);
        assert_int_equal(token_write_dialog(scene->keys, &dialog, &call, TEXT("x"), out, size), 0);
        assert_int_equal(out[size], 'x');
    }
    assert_int_equal(token_write_dialog(scene->keys, &dialog, &call, TEXT("x"), out, 62), 61);
}

/* A dialog lives through a restart and a rotation, and ends with its key. The file is its owner's alone. */
static void test_3261_16_4_a_keys_live_as_those_of_flow_tokens(void **state)
{
    enum { WEEK = 604800 };
    struct scene *scene = *state;
    struct stat status;
    char out[TOKEN_DIALOG_MOST], again[TOKEN_DIALOG_MOST];
    struct text token = written(scene, &udp4, &tls, out);
    token_keys_close(scene->keys);
    assert_int_equal(token_keys_open(&scene->keys, &scene->fake.host, scene->path, scene->error, sizeof scene->error),
                     0);
    assert_true(reads(scene, token, "call@host"));
    assert_int_equal(stat(scene->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    written(scene, &udp4, &tls, again);
    assert_string_equal(again, out);
    assert_int_equal(token_keys_rotate(scene->keys), 0);
    written(scene, &udp4, &tls, again);
    assert_string_not_equal(again, out);
    assert_true(reads(scene, token, "call@host"));
    assert_true(reads(scene, text_of(again), "call@host"));
    fake_host_advance(&scene->fake, (uint64_t)WEEK * 1000);
    assert_int_equal(token_keys_age(scene->keys, WEEK, WEEK), 1);
    assert_false(reads(scene, token, "call@host"));
    assert_true(reads(scene, text_of(again), "call@host"));
}

static void test_3261_16_4_a_another_ring_has_other_seals(void **state)
{
    struct scene *scene = *state;
    struct token_keys *other, *own = scene->keys;
    char out[TOKEN_DIALOG_MOST];
    struct text token = written(scene, &udp4, &tls, out);
    assert_int_equal(token_keys_open(&other, &scene->fake.host, NULL, scene->error, sizeof scene->error), 0);
    scene->keys = other;
    assert_false(reads(scene, token, "call@host"));
    scene->keys = own;
    token_keys_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
        TEST(test_it_says_what_was_written),
        TEST(test_it_names_the_owners_of_the_flows),
        TEST(test_3261_16_4_a_the_seal_covers_the_domain),
        TEST(test_3261_16_4_a_the_seal_covers_every_bit),
        TEST(test_3261_16_4_a_the_seal_covers_the_call_id),
        TEST(test_3261_16_4_a_the_seal_covers_the_direction),
        TEST(test_3261_16_4_a_the_seal_covers_the_next_hop),
        TEST(test_it_is_no_flow_token_and_a_flow_token_is_none),
        TEST(test_it_is_written_whole_or_not_at_all),
        TEST(test_3261_16_4_a_keys_live_as_those_of_flow_tokens),
        TEST(test_3261_16_4_a_another_ring_has_other_seals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
