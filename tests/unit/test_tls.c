// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "standalone/tls/tls_private.h"
#include "certificate.h"

struct scene {
    struct fake_host fake;
    struct test_folder folder;
    char paths[8][128];
    struct tls_options options;
    struct tls *tls;
    char error[256];
};

static int begin(void **state)
{
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    fake_host_create(&scene.fake);
    test_folder_create(&scene.folder);
    test_folder_sign(&scene.folder, "a");
    test_folder_sign(&scene.folder, "b");
    scene.options.certificate = test_folder_file(&scene.folder, "a.pem", scene.paths[0]);
    scene.options.key = test_folder_file(&scene.folder, "a.key", scene.paths[1]);
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    tls_delete(scene->tls);
    test_folder_destroy(&scene->folder);
    assert_int_equal(scene->fake.allocated, 0);
    return 0;
}

static void assert_refused(struct scene *scene, const char *why)
{
    struct tls *tls = NULL;
    assert_int_equal(tls_new(&tls, &scene->fake.host, &scene->options, scene->error, sizeof scene->error), -EINVAL);
    assert_null(tls);
    if (strstr(scene->error, why) == NULL)
        fail_msg("%s is not in: %s", why, scene->error);
    assert_null(strchr(scene->error, '\n'));
}

static void start(struct scene *scene)
{
    if (tls_new(&scene->tls, &scene->fake.host, &scene->options, scene->error, sizeof scene->error) != 0)
        fail_msg("%s", scene->error);
}

static void add_domain(struct scene *scene, const char *domain, const char *name)
{
    struct tls_certificate *certificate = &scene->options.domains[scene->options.domain_count++];
    snprintf(certificate->domain, sizeof certificate->domain, "%s", domain);
    snprintf(certificate->certificate, sizeof certificate->certificate, "%s/%s.pem", scene->folder.path, name);
    snprintf(certificate->key, sizeof certificate->key, "%s/%s.key", scene->folder.path, name);
}

static void test_files_that_do_not_serve_are_named(void **state)
{
    struct scene *scene = *state;
    const char *key = scene->options.key, *certificate = scene->options.certificate;
    scene->options.key = test_folder_file(&scene->folder, "b.key", scene->paths[2]);
    assert_refused(scene, "b.key: the key is not that of the certificate");
    scene->options.key = test_folder_file(&scene->folder, "none.key", scene->paths[2]);
    assert_refused(scene, "none.key: No such file or directory");
    test_folder_write(&scene->folder, "half.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    scene->options.key = key;
    scene->options.certificate = test_folder_file(&scene->folder, "half.pem", scene->paths[3]);
    assert_refused(scene, "--tls-cert");
    test_folder_write(&scene->folder, "half.pem", "");
    assert_refused(scene, "half.pem: no certificate in PEM");
    scene->options.certificate = scene->folder.path;
    assert_refused(scene, scene->folder.path);
    scene->options.certificate = certificate;
    scene->options.key = certificate;
    assert_refused(scene, "a.pem: no private key in PEM");
    scene->options.key = key;
    scene->options.client_ca = key;
    assert_refused(scene, "--tls-client-ca");
    scene->options.client_ca = NULL;
    scene->options.ca = test_folder_file(&scene->folder, "half.pem", scene->paths[4]);
    assert_refused(scene, "--tls-ca");
    scene->options.ca = NULL;
    add_domain(scene, "b.test", "nobody");
    assert_refused(scene, "--tls-domain");
}

/* SIGHUP reads the files in the thread that serves: it would wait for a writer, with all calls. */
static void test_a_pipe_is_not_waited_for(void **state)
{
    struct scene *scene = *state;
    const char *key = scene->options.key, *pipe = test_folder_file(&scene->folder, "pipe.pem", scene->paths[2]);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    alarm(30);
    scene->options.key = pipe;
    assert_refused(scene, "pipe.pem: not a regular file");
    scene->options.key = key;
    scene->options.ca = pipe;
    assert_refused(scene, "--tls-ca");
    alarm(0);
}

static void test_a_key_for_all_to_read_is_warned_of(void **state)
{
    struct scene *scene = *state;
    start(scene);
    assert_int_equal(scene->fake.logged[LOG_WARNING], 0);
    chmod(scene->options.key, 0640);
    assert_int_equal(tls_reload(scene->tls, scene->error, sizeof scene->error), 0);
    assert_int_equal(scene->fake.logged[LOG_WARNING], 1);
    assert_non_null(strstr(scene->fake.last_log, "a.key: others may read this private key (mode 640)"));
}

static void test_a_broken_file_keeps_the_old_ones(void **state)
{
    struct scene *scene = *state;
    start(scene);
    const struct tls_files *before = scene->tls->files;
    test_folder_write(&scene->folder, "a.key", "nothing");
    assert_int_equal(tls_reload(scene->tls, scene->error, sizeof scene->error), -EINVAL);
    assert_non_null(strstr(scene->error, "a.key"));
    assert_ptr_equal(scene->tls->files, before);
    test_folder_sign(&scene->folder, "a");
    assert_int_equal(tls_reload(scene->tls, scene->error, sizeof scene->error), 0);
    assert_ptr_not_equal(scene->tls->files, before);
}

static void test_without_certificates_it_only_calls(void **state)
{
    struct scene *scene = *state;
    scene->options.certificate = scene->options.key = NULL;
    start(scene);
    assert_null(tls_session_accept(scene->tls));
    struct tls_session *session = tls_session_connect(scene->tls, TEXT("a.test"));
    assert_non_null(session);
    tls_session_delete(session);
}

static void test_no_memory_is_told(void **state)
{
    struct scene *scene = *state;
    for (uint64_t call = 1; call <= 2; call++) {
        scene->fake.calls = 0;
        scene->fake.fail_after = call;
        struct tls *tls = NULL;
        assert_int_not_equal(tls_new(&tls, &scene->fake.host, &scene->options, scene->error, sizeof scene->error), 0);
        assert_non_null(strstr(scene->error, "memory"));
        assert_int_equal(scene->fake.allocated, 0);
    }
    scene->fake.fail_after = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_that_do_not_serve_are_named, begin, end),
        cmocka_unit_test_setup_teardown(test_a_pipe_is_not_waited_for, begin, end),
        cmocka_unit_test_setup_teardown(test_a_key_for_all_to_read_is_warned_of, begin, end),
        cmocka_unit_test_setup_teardown(test_a_broken_file_keeps_the_old_ones, begin, end),
        cmocka_unit_test_setup_teardown(test_without_certificates_it_only_calls, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory_is_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
