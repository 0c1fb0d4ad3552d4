// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "flow/token_private.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct token_flow ipv4 = {.transport = 1,
                                       .address_length = 4,
                                       .local = {192, 0, 2, 1},
                                       .remote = {198, 51, 100, 7},
                                       .local_port = 5060,
                                       .remote_port = 40112,
                                       .run = 0x1234567,
                                       .connection = 17};

struct scene {
    struct fake_host fake;
    struct token_keys *keys;
    char path[64];
    char error[160];
};

static void begin(struct scene *scene, bool on_disk)
{
    fake_host_create(&scene->fake);
    temporary_path(scene->path, sizeof scene->path, "reflow-token-XXXXXX");
    int descriptor = mkstemp(scene->path);
    assert_true(descriptor >= 0);
    close(descriptor);
    unlink(scene->path);
    assert_int_equal(token_keys_open(&scene->keys, &scene->fake.host, on_disk ? scene->path : NULL, scene->error,
                                     sizeof scene->error),
                     0);
}

static void end(struct scene *scene)
{
    token_keys_close(scene->keys);
    unlink(scene->path);
    assert_int_equal(scene->fake.allocated, 0);
}

static void reopen(struct scene *scene)
{
    token_keys_close(scene->keys);
    assert_int_equal(token_keys_open(&scene->keys, &scene->fake.host, scene->path, scene->error, sizeof scene->error),
                     0);
}

static struct text written(struct token_keys *keys, const struct token_flow *flow, char out[TOKEN_TEXT_MOST])
{
    size_t length = token_write(keys, flow, out, TOKEN_TEXT_MOST);
    assert_true(length > 0);
    assert_int_equal(strlen(out), length);
    return (struct text){out, length};
}

static void assert_same_flow(const struct token_flow *a, const struct token_flow *b)
{
    assert_int_equal(a->transport, b->transport);
    assert_int_equal(a->address_length, b->address_length);
    assert_memory_equal(a->local, b->local, sizeof a->local);
    assert_memory_equal(a->remote, b->remote, sizeof a->remote);
    assert_int_equal(a->local_port, b->local_port);
    assert_int_equal(a->remote_port, b->remote_port);
    assert_int_equal(a->run, b->run);
    assert_int_equal(a->connection, b->connection);
}

static void test_5626_5_2_a_leads_back_to_its_flow(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST];
    struct token_flow flow, ipv6 = ipv4;
    (void)state;
    begin(&scene, false);
    struct text token = written(scene.keys, &ipv4, out);
    assert_true(token.length <= 64);
    assert_int_equal(token_read(scene.keys, token, &flow), TOKEN_GOOD);
    assert_same_flow(&flow, &ipv4);
    ipv6.address_length = 16;
    for (uint8_t i = 0; i < 16; i++)
        ipv6.local[i] = ipv6.remote[15 - i] = (uint8_t)(i + 1);
    assert_int_equal(token_read(scene.keys, written(scene.keys, &ipv6, out), &flow), TOKEN_GOOD);
    assert_same_flow(&flow, &ipv6);
    end(&scene);
}

static void test_5626_5_2_a_a_port_used_again_is_another_flow(void **state)
{
    struct scene scene;
    char first[TOKEN_TEXT_MOST], second[TOKEN_TEXT_MOST];
    struct token_flow again = ipv4;
    (void)state;
    begin(&scene, false);
    again.connection++;
    written(scene.keys, &ipv4, first);
    written(scene.keys, &again, second);
    assert_string_not_equal(first, second);
    end(&scene);
}

static void test_5626_5_3_b_no_token_that_differs_in_one_bit_is_accepted(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ";
    struct scene scene;
    char out[TOKEN_TEXT_MOST], near[TOKEN_TEXT_MOST];
    struct token_flow flow;
    size_t tried = 0;
    (void)state;
    begin(&scene, false);
    for (uint16_t port = 1; port <= 4; port++) {
        struct token_flow one = ipv4;
        one.remote_port = port;
        struct text token = written(scene.keys, &one, out);
        for (size_t i = 0; i < token.length; i++) {
            for (size_t k = 0; k + 1 < sizeof alphabet; k++) {
                memcpy(near, out, sizeof near);
                if (near[i] == alphabet[k])
                    continue;
                near[i] = alphabet[k];
                assert_int_not_equal(token_read(scene.keys, (struct text){near, token.length}, &flow), TOKEN_GOOD);
                tried++;
            }
        }
    }
    assert_true(tried > 10000);
    end(&scene);
}

/* Of the right form and with a key that is there, so that it is the seal that refuses them. */
static void test_5626_5_3_b_none_of_a_million_random_seals_is_accepted(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct scene scene;
    char out[TOKEN_TEXT_MOST];
    struct token_flow flow;
    (void)state;
    begin(&scene, false);
    size_t whole = written(scene.keys, &ipv4, out).length;
    for (int i = 0; i < 1000000; i++) {
        for (size_t k = 3; k < whole; k++)
            out[k] = alphabet[scene.fake.host.random(&scene.fake) & 63];
        assert_int_not_equal(token_read(scene.keys, (struct text){out, whole}, &flow), TOKEN_GOOD);
    }
    end(&scene);
}

static void test_5626_5_3_b_every_wrong_length_is_refused(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST], longer[200];
    struct token_flow flow;
    (void)state;
    begin(&scene, false);
    struct text token = written(scene.keys, &ipv4, out);
    for (size_t length = 0; length < token.length; length++)
        assert_int_equal(token_read(scene.keys, (struct text){out, length}, &flow), TOKEN_FORGED);
    for (size_t more = 1; token.length + more < sizeof longer; more++) {
        memset(longer, 'A', sizeof longer);
        memcpy(longer, out, token.length);
        assert_int_equal(token_read(scene.keys, (struct text){longer, token.length + more}, &flow), TOKEN_FORGED);
    }
    assert_int_equal(token_read(scene.keys, (struct text){NULL, 0}, &flow), TOKEN_FORGED);
    end(&scene);
}

static void test_5626_5_2_b_tokens_outlive_a_restart(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST];
    struct token_flow flow;
    struct stat status;
    (void)state;
    begin(&scene, true);
    struct text token = written(scene.keys, &ipv4, out);
    assert_int_equal(stat(scene.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    reopen(&scene);
    assert_int_equal(token_read(scene.keys, token, &flow), TOKEN_GOOD);
    assert_int_equal(flow.run, ipv4.run);
    end(&scene);
}

static void test_5626_5_2_b_old_keys_verify_until_they_are_forgotten(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST], newer[TOKEN_TEXT_MOST];
    struct token_flow flow;
    (void)state;
    begin(&scene, true);
    struct text token = written(scene.keys, &ipv4, out);
    assert_int_equal(token_keys_rotate(scene.keys), 0);
    assert_string_not_equal(written(scene.keys, &ipv4, newer).at, out);
    assert_int_not_equal(token_key_id(text_of(newer)), token_key_id(token));
    assert_int_equal(token_read(scene.keys, token, &flow), TOKEN_GOOD);
    reopen(&scene);
    assert_int_equal(scene.keys->count, 2);
    assert_int_equal(token_read(scene.keys, token, &flow), TOKEN_GOOD);
    scene.fake.wall_s += 99;
    assert_int_equal(token_keys_age(scene.keys, 1000, 100), 0);
    scene.fake.wall_s += 1;
    assert_int_equal(token_keys_age(scene.keys, 1000, 100), 1);
    assert_int_equal(token_read(scene.keys, token, &flow), TOKEN_UNKNOWN_KEY);
    reopen(&scene);
    assert_int_equal(token_read(scene.keys, token, &flow), TOKEN_UNKNOWN_KEY);
    assert_int_equal(token_read(scene.keys, text_of(newer), &flow), TOKEN_GOOD);
    end(&scene);
}

static void test_keys_rotate_by_age(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, false);
    scene.fake.wall_s += 999;
    assert_int_equal(token_keys_age(scene.keys, 1000, 100000), 0);
    scene.fake.wall_s += 1;
    assert_int_equal(token_keys_age(scene.keys, 1000, 100000), 1);
    assert_int_equal(scene.keys->count, 2);
    end(&scene);
}

static void test_more_rotations_than_ids(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST];
    struct token_flow flow;
    (void)state;
    begin(&scene, false);
    for (int i = 0; i < 600; i++) {
        assert_int_equal(token_keys_rotate(scene.keys), 0);
        assert_int_equal(token_read(scene.keys, written(scene.keys, &ipv4, out), &flow), TOKEN_GOOD);
    }
    assert_int_equal(scene.keys->count, TOKEN_KEYS_MOST);
    for (size_t i = 0; i < TOKEN_KEYS_MOST; i++) {
        assert_int_not_equal(scene.keys->keys[i].id, 0);
        for (size_t k = i + 1; k < TOKEN_KEYS_MOST; k++)
            assert_int_not_equal(scene.keys->keys[i].id, scene.keys->keys[k].id);
    }
    end(&scene);
}

static void test_another_ring_of_the_same_file_sees_a_rotation(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST];
    struct token_flow flow;
    struct token_keys *other;
    (void)state;
    begin(&scene, true);
    assert_int_equal(token_keys_open(&other, &scene.fake.host, scene.path, scene.error, sizeof scene.error), 0);
    assert_int_equal(token_keys_rotate(scene.keys), 0);
    struct text token = written(scene.keys, &ipv4, out);
    assert_int_equal(token_read(other, token, &flow), TOKEN_UNKNOWN_KEY);
    assert_int_equal(token_keys_reload(other, scene.error, sizeof scene.error), 0);
    assert_int_equal(token_read(other, token, &flow), TOKEN_GOOD);
    token_keys_close(other);
    end(&scene);
}

static void test_5626_5_2_b_rings_of_one_file_lose_no_key_of_each_other(void **state)
{
    struct scene scene;
    char first[TOKEN_TEXT_MOST], second[TOKEN_TEXT_MOST], last[TOKEN_TEXT_MOST];
    struct token_flow flow;
    struct token_keys *other;
    (void)state;
    begin(&scene, true);
    assert_int_equal(token_keys_open(&other, &scene.fake.host, scene.path, scene.error, sizeof scene.error), 0);
    assert_int_equal(token_keys_rotate(scene.keys), 0);
    written(scene.keys, &ipv4, first);
    assert_int_equal(token_keys_rotate(other), 0);
    written(other, &ipv4, second);
    assert_int_not_equal(token_key_id(text_of(first)), token_key_id(text_of(second)));
    scene.fake.wall_s += 2000;
    assert_int_equal(token_keys_age(scene.keys, 1000, 100000), 1);
    written(scene.keys, &ipv4, last);
    assert_int_equal(token_keys_age(other, 1000, 100000), 1); /* it is not due any more, and read */
    assert_int_equal(other->count, 4);
    assert_int_equal(token_read(other, text_of(first), &flow), TOKEN_GOOD);
    assert_int_equal(token_read(other, text_of(last), &flow), TOKEN_GOOD);
    assert_int_equal(token_read(scene.keys, text_of(second), &flow), TOKEN_GOOD);
    token_keys_close(other);
    end(&scene);
}

static void test_a_ring_follows_its_file(void **state)
{
    struct scene scene;
    struct token_keys *other;
    (void)state;
    begin(&scene, true);
    assert_int_equal(token_keys_open(&other, &scene.fake.host, scene.path, scene.error, sizeof scene.error), 0);
    assert_int_equal(token_keys_follow(other, scene.error, sizeof scene.error), 0);
    assert_int_equal(token_keys_rotate(scene.keys), 0);
    assert_int_equal(token_keys_follow(other, scene.error, sizeof scene.error), 1);
    assert_int_equal(other->count, 2);
    assert_int_equal(token_keys_follow(other, scene.error, sizeof scene.error), 0);
    assert_int_equal(truncate(scene.path, 30), 0);
    assert_int_equal(token_keys_follow(other, scene.error, sizeof scene.error), -EBADMSG);
    assert_int_equal(token_keys_follow(other, scene.error, sizeof scene.error), 0); /* reported once */
    assert_int_equal(token_keys_rotate(other), -EBADMSG);
    unlink(scene.path);
    assert_int_equal(token_keys_follow(other, scene.error, sizeof scene.error), -ENOENT);
    assert_int_equal(other->count, 2);
    assert_int_equal(token_keys_rotate(other), 0); /* the file is written again, with all keys */
    assert_int_equal(token_keys_reload(scene.keys, scene.error, sizeof scene.error), 0);
    assert_int_equal(scene.keys->count, 3);
    token_keys_close(other);
    end(&scene);
}

static void test_the_keys_of_a_ring_in_another_process(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST];
    struct token_flow flow;
    struct token_keys_image image;
    struct token_keys *other;
    (void)state;
    begin(&scene, false);
    assert_int_equal(token_keys_open(&other, &scene.fake.host, NULL, scene.error, sizeof scene.error), 0);
    assert_int_equal(token_keys_rotate(scene.keys), 0);
    struct text token = written(scene.keys, &ipv4, out);
    assert_int_not_equal(token_read(other, token, &flow), TOKEN_GOOD);
    token_keys_copy(scene.keys, &image);
    assert_int_equal(token_keys_take(other, &image), 0);
    assert_int_equal(token_read(other, token, &flow), TOKEN_GOOD);
    assert_int_equal(other->count, 2);
    token_keys_close(other);
    end(&scene);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_damaged_files_are_refused_with_their_line(void **state)
{
#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    static const struct {
        const char *text, *says;
        mode_t mode;
        int error;
    } cases[] = {
        {"", "no key in it", 0600, -EBADMSG},
        {"something else\n", "no key ring", 0600, -EBADMSG},
        {"reflow token keys 1\n", "no key in it", 0600, -EBADMSG},
        {"reflow token keys 1\n1 1700000000 00112233\n", "line 2", 0600, -EBADMSG},
        {"reflow token keys 1\n0 1700000000 " SECRET "\n", "line 2", 0600, -EBADMSG},
        {"reflow token keys 1\n256 1700000000 " SECRET "\n", "line 2", 0600, -EBADMSG},
        {"reflow token keys 1\n1 1700000000 " SECRET "\n1 1700000000 " SECRET "\n", "line 3", 0600, -EBADMSG},
        {"reflow token keys 1\n1 1700000000 " SECRET "ff\n", "line 2", 0600, -EBADMSG},
        {"reflow token keys 1\n1 1700000000 " SECRET, "line 2", 0600, -EBADMSG},
        {"reflow token keys 1\n1 1700000000 " SECRET "\n", "chmod 600", 0640, -EACCES},
    };
    struct scene scene;
    (void)state;
    begin(&scene, true);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct token_keys *keys = NULL;
        unlink(scene.path);
        write_file(scene.path, cases[i].text, cases[i].mode);
        assert_int_equal(token_keys_open(&keys, &scene.fake.host, scene.path, scene.error, sizeof scene.error),
                         cases[i].error);
        assert_null(keys);
        assert_non_null(strstr(scene.error, cases[i].says));
        assert_int_equal(token_keys_reload(scene.keys, scene.error, sizeof scene.error), cases[i].error);
        assert_int_equal(token_keys_check(scene.path, scene.error, sizeof scene.error), cases[i].error);
        assert_non_null(strstr(scene.error, cases[i].says));
    }
    assert_int_equal(scene.keys->count, 1); /* what stood still stands */
    end(&scene);
}

static void test_a_check_creates_nothing(void **state)
{
    struct scene scene;
    char path[96];
    (void)state;
    begin(&scene, true);
    assert_int_equal(token_keys_check(scene.path, scene.error, sizeof scene.error), 0);
    unlink(scene.path);
    assert_int_equal(token_keys_check(scene.path, scene.error, sizeof scene.error), 0);
    assert_int_equal(access(scene.path, F_OK), -1);
    snprintf(path, sizeof path, "%s.d/keys", scene.path);
    assert_int_equal(token_keys_check(path, scene.error, sizeof scene.error), -ENOENT);
    assert_non_null(strstr(scene.error, "/keys: No such file or directory"));
    end(&scene);
}

/* SIGHUP reads the file in the thread that serves: it would wait for a writer, with all calls. */
static void test_a_pipe_is_not_waited_for(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, true);
    unlink(scene.path);
    assert_int_equal(mkfifo(scene.path, 0600), 0);
    alarm(30);
    assert_int_equal(token_keys_reload(scene.keys, scene.error, sizeof scene.error), -EBADMSG);
    alarm(0);
    assert_non_null(strstr(scene.error, "no key ring"));
    end(&scene);
}

static void test_a_file_that_cannot_be_written_changes_nothing(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST], folder[80], path[96];
    struct token_flow flow;
    struct token_keys *keys;
    (void)state;
    begin(&scene, false);
    snprintf(folder, sizeof folder, "%s.d", scene.path);
    snprintf(path, sizeof path, "%s/keys", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(token_keys_open(&keys, &scene.fake.host, path, scene.error, sizeof scene.error), 0);
    struct text token = written(keys, &ipv4, out);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(token_keys_rotate(keys), -ENOENT);
    scene.fake.wall_s += 5000;
    assert_int_equal(token_keys_age(keys, 1000, 100), -ENOENT);
    assert_int_equal(token_read(keys, token, &flow), TOKEN_GOOD);
    token_keys_close(keys);
    assert_int_equal(token_keys_open(&keys, &scene.fake.host, path, scene.error, sizeof scene.error), -ENOENT);
    assert_non_null(strstr(scene.error, "/keys: No such file or directory"));
    end(&scene);
}

static void test_what_does_not_fit_is_not_written(void **state)
{
    struct scene scene;
    char out[TOKEN_TEXT_MOST];
    struct token_flow flow = ipv4;
    (void)state;
    begin(&scene, false);
    size_t length = token_write(scene.keys, &ipv4, out, sizeof out);
    assert_int_equal(token_write(scene.keys, &ipv4, out, length), 0);
    assert_int_equal(token_write(scene.keys, &ipv4, out, length + 1), length);
    flow.address_length = 5;
    assert_int_equal(token_write(scene.keys, &flow, out, sizeof out), 0);
    flow = ipv4;
    flow.transport = 32;
    assert_int_equal(token_write(scene.keys, &flow, out, sizeof out), 0);
    end(&scene);
}

static void test_no_memory_is_told(void **state)
{
    struct scene scene;
    struct token_keys *keys;
    (void)state;
    begin(&scene, false);
    for (uint64_t call = 1; call <= 2; call++) {
        scene.fake.calls = 0;
        scene.fake.fail_after = call;
        assert_int_equal(token_keys_open(&keys, &scene.fake.host, scene.path, scene.error, sizeof scene.error),
                         -ENOMEM);
    }
    scene.fake.fail_after = 0;
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_5_2_a_leads_back_to_its_flow),
        cmocka_unit_test(test_5626_5_2_a_a_port_used_again_is_another_flow),
        cmocka_unit_test(test_5626_5_3_b_no_token_that_differs_in_one_bit_is_accepted),
        cmocka_unit_test(test_5626_5_3_b_none_of_a_million_random_seals_is_accepted),
        cmocka_unit_test(test_5626_5_3_b_every_wrong_length_is_refused),
        cmocka_unit_test(test_5626_5_2_b_tokens_outlive_a_restart),
        cmocka_unit_test(test_5626_5_2_b_old_keys_verify_until_they_are_forgotten),
        cmocka_unit_test(test_keys_rotate_by_age),
        cmocka_unit_test(test_more_rotations_than_ids),
        cmocka_unit_test(test_another_ring_of_the_same_file_sees_a_rotation),
        cmocka_unit_test(test_5626_5_2_b_rings_of_one_file_lose_no_key_of_each_other),
        cmocka_unit_test(test_a_ring_follows_its_file),
        cmocka_unit_test(test_the_keys_of_a_ring_in_another_process),
        cmocka_unit_test(test_damaged_files_are_refused_with_their_line),
        cmocka_unit_test(test_a_check_creates_nothing),
        cmocka_unit_test(test_a_pipe_is_not_waited_for),
        cmocka_unit_test(test_a_file_that_cannot_be_written_changes_nothing),
        cmocka_unit_test(test_what_does_not_fit_is_not_written),
        cmocka_unit_test(test_no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
