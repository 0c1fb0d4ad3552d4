// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdarg.h>

#include "test.h"

#include "digest_client.h"
#include "standalone/auth/auth.h"
#include "standalone/auth/nonces.h"

/* Digest authentication with a fake clock: challenges, responses, and the counts of nonces. */

#define REALM TEXT("example.com")

static uint64_t source = 7;

static const struct nonce_scope *scope(struct text realm)
{
    static struct nonce_scope made;
    made = (struct nonce_scope){realm, source};
    return &made;
}

struct stage {
    struct fake_host fake;
    struct auth *auth;
    struct auth_config config;
    unsigned finds, recalls;
    const char *kept; /* the password of everybody in memory; NULL: nobody is there */
    int broken;       /* what the look-up fails with; 0: nothing */
    char found[64];
};

/* Everybody but "nobody" exists, with the password "secret". */
static int find_user(void *context, struct text user, struct text realm, enum auth_algorithm algorithm,
                     char ha1[HA1_SIZE])
{
    struct stage *stage = context;
    stage->finds++;
    snprintf(stage->found, sizeof stage->found, "%.*s", (int)user.length, user.at);
    if (stage->broken != 0 || text_equal(user, TEXT("nobody")))
        return stage->broken;
    digest_client_ha1(user, realm, "secret", algorithm, ha1);
    return 1;
}

static int recall_user(void *context, struct text user, struct text realm, enum auth_algorithm algorithm,
                       char ha1[HA1_SIZE])
{
    struct stage *stage = context;
    stage->recalls++;
    if (stage->kept == NULL || text_equal(user, TEXT("nobody")))
        return 0;
    digest_client_ha1(user, realm, stage->kept, algorithm, ha1);
    return 1;
}

static void stage_create(struct stage *stage, const char *algorithms)
{
    *stage = (struct stage){0};
    fake_host_create(&stage->fake);
    stage->config.host = &stage->fake.host;
    stage->config.find = find_user;
    stage->config.find_context = stage;
    for (; *algorithms != '\0'; algorithms++)
        stage->config.algorithms[stage->config.algorithm_count++] = *algorithms == '2'   ? AUTH_SHA256
                                                                    : *algorithms == '5' ? AUTH_SHA512_256
                                                                                         : AUTH_MD5;
}

static void stage_open(struct stage *stage, const char *algorithms)
{
    stage_create(stage, algorithms);
    assert_int_equal(auth_new(&stage->auth, &stage->config), 0);
}

static void stage_close(struct stage *stage)
{
    auth_delete(stage->auth);
    assert_int_equal(stage->fake.allocated, 0);
}

/* --- a client --- */

static struct digest_client client_of(struct stage *stage)
{
    char lines[AUTH_CHALLENGE_SIZE];
    struct digest_client client = {.algorithm = stage->config.algorithms[0]};
    assert_true(auth_challenge(stage->auth, AUTH_REGISTRAR, scope(REALM), false, lines, sizeof lines) > 0);
    digest_client_challenged(&client, lines);
    return client;
}

static void client_respond(const struct digest_client *client, char *out, size_t size)
{
    digest_client_field(client, "Authorization", "\r\n", out, size);
}

static struct sip_message *make_request(struct stage *stage, const char *method, const char *uri, const char *fields)
{
    static char text[65536];
    struct sip_fault fault;
    struct sip_message *message;
    snprintf(text, sizeof text,
             "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK2\r\nFrom: <sip:bob@example.com>;tag=1\r\n"
             "To: <sip:bob@example.com>\r\nCall-ID: c\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
             method, uri, method, fields);
    assert_int_equal(sip_message_new(&message, &stage->fake.host, text, strlen(text), NULL, &fault), 0);
    return message;
}

static enum auth_outcome check_at(struct stage *stage, const char *method, const char *uri, const char *fields,
                                  char user[AUTH_USER_SIZE])
{
    struct sip_message *message = make_request(stage, method, uri, fields);
    enum auth_outcome outcome = auth_check(stage->auth, message, AUTH_REGISTRAR, scope(REALM), user, AUTH_USER_SIZE);
    sip_message_delete(message);
    return outcome;
}

static enum auth_outcome check_fields(struct stage *stage, const char *fields)
{
    char user[AUTH_USER_SIZE];
    return check_at(stage, "REGISTER", "sip:example.com", fields, user);
}

static enum auth_outcome check(struct stage *stage, const struct digest_client *client)
{
    char field[2048], user[AUTH_USER_SIZE];
    client_respond(client, field, sizeof field);
    enum auth_outcome outcome = check_at(stage, "REGISTER", "sip:example.com", field, user);
    assert_int_equal(outcome == AUTH_VALID, user[0] != '\0');
    return outcome;
}

static void assert_fault(struct stage *stage, const char *fields, const char *expected)
{
    assert_int_equal(check_fields(stage, fields), AUTH_MALFORMED);
    assert_string_equal(auth_fault(stage->auth), expected);
}

/* --- challenges --- */

static void test_8760_a_one_challenge_for_each_algorithm_in_order(void **unused)
{
    char lines[AUTH_CHALLENGE_SIZE], expected[AUTH_CHALLENGE_SIZE], nonce[64];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "52M");
    size_t length = auth_challenge(stage.auth, AUTH_REGISTRAR, scope(REALM), false, lines, sizeof lines);
    assert_int_equal(length, strlen(lines));
    assert_int_equal(sscanf(strstr(lines, "nonce="), "nonce=\"%63[^\"]\"", nonce), 1);
    snprintf(expected, sizeof expected,
             "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"%s\", algorithm=SHA-512-256, qop=\"auth\"\r\n"
             "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"%s\", algorithm=SHA-256, qop=\"auth\"\r\n"
             "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"%s\", algorithm=MD5, qop=\"auth\"\r\n",
             nonce, nonce, nonce);
    assert_string_equal(lines, expected);
    stage_close(&stage);
}

static void test_3261_22_a_a_proxy_has_its_own_header_field(void **unused)
{
    char lines[AUTH_CHALLENGE_SIZE];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "M");
    auth_challenge(stage.auth, AUTH_PROXY, scope(REALM), true, lines, sizeof lines);
    assert_memory_equal(lines, "Proxy-Authenticate: Digest realm=\"example.com\"", 46);
    assert_non_null(strstr(lines, ", algorithm=MD5, qop=\"auth\", stale=true\r\n"));
    stage_close(&stage);
}

static void test_room_for_the_longest_challenge(void **unused)
{
    char lines[AUTH_CHALLENGE_SIZE], domain[256];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "25M");
    memset(domain, 'd', 255);
    domain[255] = '\0';
    assert_true(auth_challenge(stage.auth, AUTH_PROXY, scope(text_of(domain)), true, lines, sizeof lines) > 3 * 255);
    assert_int_equal(auth_challenge(stage.auth, AUTH_PROXY, scope(text_of(domain)), true, lines, 800), 0);
    stage_close(&stage);
}

static void test_bad_configurations(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, "");
    assert_int_equal(auth_new(&stage.auth, &stage.config), -EINVAL);
    stage.config.algorithm_count = AUTH_ALGORITHMS + 1;
    assert_int_equal(auth_new(&stage.auth, &stage.config), -EINVAL);
    stage_create(&stage, "2M");
    assert_null(auth_missing(&stage.config));
    for (stage.fake.fail_after = 1; auth_new(&stage.auth, &stage.config) == -ENOMEM; stage.fake.fail_after++) {
        assert_int_equal(stage.fake.allocated, 0);
        stage.fake.calls = 0;
    }
    stage_close(&stage);
    auth_delete(NULL);
}

/* --- responses --- */

static void test_7616_a_a_right_response_with_each_algorithm(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "25M");
    for (size_t i = 0; i < AUTH_ALGORITHMS; i++) {
        struct digest_client client = client_of(&stage);
        client.algorithm = stage.config.algorithms[i];
        assert_int_equal(check(&stage, &client), AUTH_VALID);
    }
    stage_close(&stage);
}

static void test_7616_a_everything_in_the_response_counts(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client.password = "Secret";
    assert_int_equal(check(&stage, &client), AUTH_WRONG);
    client = client_of(&stage);
    client.method = "INVITE";
    assert_int_equal(check(&stage, &client), AUTH_WRONG);
    static const char *const changed[] = {"nonce=\"", "cnonce=\"", "nc=0", "response=\"", "username=\""};
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        char field[2048];
        client = client_of(&stage);
        client_respond(&client, field, sizeof field);
        char *at = strstr(field, changed[i]) + strlen(changed[i]);
        *at = *at == '1' ? '2' : '1';
        assert_int_equal(check_fields(&stage, field), AUTH_WRONG);
    }
    client = client_of(&stage);
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    stage_close(&stage);
}

static void test_8760_a_only_algorithms_that_were_offered(void **unused)
{
    char field[2048];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client.algorithm = AUTH_MD5;
    assert_int_equal(check(&stage, &client), AUTH_WRONG);
    client.algorithm = AUTH_SHA512_256;
    assert_int_equal(check(&stage, &client), AUTH_WRONG);
    client.algorithm = AUTH_SHA256;
    client_respond(&client, field, sizeof field);
    *strstr(field, "SHA-256") = 's';
    assert_int_equal(check_fields(&stage, field), AUTH_VALID);
    stage_close(&stage);
}

static void without(char *field, const char *start)
{
    char *at = strstr(field, start), *end = strchr(at, ',');
    memmove(at, end + 1, strlen(end + 1) + 1);
}

static void test_8760_a_without_a_parameter_the_algorithm_is_md5(void **unused)
{
    char field[2048];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2M");
    struct digest_client client = client_of(&stage);
    client.algorithm = AUTH_MD5;
    client_respond(&client, field, sizeof field);
    without(field, "algorithm=");
    assert_int_equal(check_fields(&stage, field), AUTH_VALID);
    client = client_of(&stage);
    client_respond(&client, field, sizeof field);
    without(field, "algorithm=");
    assert_int_equal(check_fields(&stage, field), AUTH_WRONG);
    stage_close(&stage);
}

static void test_7616_a_missing_and_wrong_parameters(void **unused)
{
    static const struct {
        const char *start, *fault;
    } missing[] = {{" username=", "the username is missing"}, {" nonce=", "the nonce is missing"},
                   {" uri=", "the uri is missing"},           {" response=", "the response is missing"},
                   {" qop=", "the qop is missing"},           {" cnonce=", "the cnonce is missing"}};
    char field[2048];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        client_respond(&client, field, sizeof field);
        without(field, missing[i].start);
        assert_fault(&stage, field, missing[i].fault);
    }
    client.qop = "auth-int";
    client_respond(&client, field, sizeof field);
    assert_fault(&stage, field, "the qop is not auth");
    client.qop = "auth";
    client.count = 0;
    client_respond(&client, field, sizeof field);
    assert_fault(&stage, field, "the nc is not 8 hexadecimal digits above 0");
    assert_int_equal(stage.finds, 0);
    stage_close(&stage);
}

static void test_7616_a_the_count_has_8_digits(void **unused)
{
    static const char *const counts[] = {"nc=1", "nc=000000001", "nc=0000000g", "nc=-0000001", "nc="};
    char field[2048];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client_respond(&client, field, sizeof field);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        snprintf(strstr(field, "nc="), 32, "%s\r\n", counts[i]);
        assert_fault(&stage, field, "the nc is not 8 hexadecimal digits above 0");
    }
    snprintf(strstr(field, ", nc="), 32, "\r\n");
    assert_fault(&stage, field, "the nc is missing");
    stage_close(&stage);
}

static enum auth_outcome check_uri(struct stage *stage, const char *uri, const char *request_uri)
{
    char field[2048], user[AUTH_USER_SIZE];
    struct digest_client client = client_of(stage);
    client.uri = uri;
    client.method = "INVITE";
    client_respond(&client, field, sizeof field);
    return check_at(stage, "INVITE", request_uri, field, user);
}

static void test_7616_a_the_uri_is_that_of_the_request(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    assert_int_equal(check_uri(&stage, "sip:al@example.com", "sip:al@example.com"), AUTH_VALID);
    assert_int_equal(check_uri(&stage, "sip:%61l@EXAMPLE.com", "sip:al@example.com"), AUTH_VALID);
    assert_int_equal(check_uri(&stage, "sip:al@example.com", "sip:al@example.com:5070;transport=tcp"), AUTH_VALID);
    assert_int_equal(check_uri(&stage, "sip:al@[2001:db8:0::1]", "sip:al@[2001:db8::1]"), AUTH_VALID);
    assert_int_equal(check_uri(&stage, "tel:+1-201-555-0123", "tel:+12015550123"), AUTH_VALID);
    assert_int_equal(check_uri(&stage, "sip:mallory@example.com", "sip:al@example.com"), AUTH_MALFORMED);
    assert_string_equal(auth_fault(stage.auth), "the uri is not the Request-URI");
    assert_int_equal(check_uri(&stage, "sip:al@example.org", "sip:al@example.com"), AUTH_MALFORMED);
    assert_int_equal(check_uri(&stage, "sip:example.com", "sip:al@example.com"), AUTH_MALFORMED);
    assert_int_equal(check_uri(&stage, "tel:al", "sip:al@example.com"), AUTH_MALFORMED);
    assert_int_equal(check_uri(&stage, "", "sip:al@example.com"), AUTH_MALFORMED);
    assert_int_equal(check_uri(&stage, "/dir/index.html", "sip:al@example.com"), AUTH_MALFORMED);
    stage_close(&stage);
}

/* --- users --- */

static const char *user_of(struct stage *stage, const char *name, char user[AUTH_USER_SIZE])
{
    char field[2048];
    struct digest_client client = client_of(stage);
    client.user = name;
    client_respond(&client, field, sizeof field);
    return check_at(stage, "REGISTER", "sip:example.com", field, user) == AUTH_VALID ? user : NULL;
}

static void test_user_part_and_whole_aor(void **unused)
{
    char user[AUTH_USER_SIZE], name[AUTH_USER_SIZE];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    assert_string_equal(user_of(&stage, "bob", user), "bob@example.com");
    assert_string_equal(user_of(&stage, "bob@example.com", user), "bob@example.com");
    assert_string_equal(stage.found, "bob@example.com");
    assert_string_equal(user_of(&stage, "bob@EXAMPLE.com.", user), "bob@example.com");
    assert_string_equal(user_of(&stage, "+1201", user), "+1201@example.com");
    assert_string_equal(user_of(&stage, "Bob Doe", user), "bob%20doe@example.com");
    assert_string_equal(user_of(&stage, "J\xc3\xb6rg", user), "j%c3%b6rg@example.com");
    assert_string_equal(user_of(&stage, "J%c3%b6rg", user), "j%c3%b6rg@example.com");
    assert_string_equal(user_of(&stage, "a:b", user), "a%3ab@example.com");
    assert_string_equal(user_of(&stage, "a@b@example.com", user), "a%40b@example.com");
    assert_string_equal(user_of(&stage, "Bob", user), "bob@example.com");
    assert_string_equal(stage.found, "Bob");
    assert_null(user_of(&stage, "bob@example.org", user));
    assert_null(user_of(&stage, "@example.com", user));
    assert_null(user_of(&stage, "bob%", user));
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_null(user_of(&stage, name, user));
    stage_close(&stage);
}

static void test_realm_of_an_ipv6_address(void **unused)
{
    char field[2048], lines[AUTH_CHALLENGE_SIZE], user[AUTH_USER_SIZE];
    struct stage stage;
    const struct text realm = TEXT("2001:db8::1");
    (void)unused;
    stage_open(&stage, "M");
    struct digest_client client = client_of(&stage);
    client.realm = realm.at;
    auth_challenge(stage.auth, AUTH_REGISTRAR, scope(realm), false, lines, sizeof lines);
    digest_client_challenged(&client, lines);
    client_respond(&client, field, sizeof field);
    struct sip_message *request = make_request(&stage, "REGISTER", "sip:example.com", field);
    assert_int_equal(auth_check(stage.auth, request, AUTH_REGISTRAR, scope(realm), user, sizeof user), AUTH_VALID);
    assert_string_equal(user, "bob@[2001:db8::1]");
    sip_message_delete(request);
    stage_close(&stage);
}

static void test_7616_a_an_unknown_user_is_refused_like_a_wrong_password(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2M");
    struct digest_client client = client_of(&stage);
    client.user = "nobody";
    assert_int_equal(check(&stage, &client), AUTH_WRONG);
    client.algorithm = AUTH_MD5;
    assert_int_equal(check(&stage, &client), AUTH_WRONG);
    assert_int_equal(stage.finds, 2);
    stage_close(&stage);
}

/* The hash that an unknown user is compared with gives nobody a right response. */
static void test_7616_a_no_response_fits_an_unknown_user(void **unused)
{
    char ha2[DIGEST_HEX_MOST], response[DIGEST_HEX_MOST], zeros[65], fields[1024];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    const struct text request[] = {TEXT("REGISTER"), TEXT("sip:example.com")};
    memset(zeros, '0', 64);
    zeros[64] = '\0';
    assert_true(digest_hex_joined(DIGEST_SHA_256, request, 2, ha2));
    const struct text parts[] = {text_of(zeros), text_of(client.nonce), TEXT("00000001"),
                                 TEXT("c"),      TEXT("auth"),          text_of(ha2)};
    assert_true(digest_hex_joined(DIGEST_SHA_256, parts, 6, response));
    snprintf(fields, sizeof fields,
             "Authorization: Digest username=\"nobody\", realm=\"example.com\", nonce=\"%s\", uri=\"sip:example.com\", "
             "response=\"%s\", algorithm=SHA-256, cnonce=\"c\", qop=auth, nc=00000001\r\n",
             client.nonce, response);
    assert_int_equal(check_fields(&stage, fields), AUTH_WRONG);
    stage_close(&stage);
}

static void test_users_that_cannot_be_looked_up(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    stage.broken = -EAGAIN;
    assert_int_equal(check(&stage, &client), AUTH_UNKNOWN);
    stage.broken = 0;
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    stage_close(&stage);
}

/* A server that keeps secrets in memory (`stage->kept`), and a client of it. */
static struct digest_client open_with_memory(struct stage *stage)
{
    stage_create(stage, "2");
    stage->config.recall = recall_user;
    assert_int_equal(auth_new(&stage->auth, &stage->config), 0);
    return client_of(stage);
}

static void test_who_is_in_memory_is_not_looked_up(void **unused)
{
    struct stage stage;
    (void)unused;
    struct digest_client client = open_with_memory(&stage);
    stage.kept = "secret";
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    assert_int_equal(stage.finds, 0);
    /* The nonce count is checked as well. */
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    stage.kept = NULL;
    client.count++;
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    assert_int_equal(stage.finds, 1);
    stage_close(&stage);
}

static void test_7616_a_memory_refuses_nobody(void **unused)
{
    static const char *const users[] = {"bob", "nobody"};
    struct stage stage;
    (void)unused;
    struct digest_client client = open_with_memory(&stage);
    /* The password was changed, and the old one is still in memory. */
    stage.kept = "old";
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    assert_int_equal(stage.finds, 1);
    /* A wrong password takes the same steps, whether the user is in memory, or does not exist. */
    client.password = "guess";
    for (size_t i = 0; i < 2; i++) {
        client.user = users[i];
        stage.finds = stage.recalls = 0;
        assert_int_equal(check(&stage, &client), AUTH_WRONG);
        assert_int_equal(stage.recalls, 1);
        assert_int_equal(stage.finds, 1);
    }
    stage.broken = -EAGAIN;
    assert_int_equal(check(&stage, &client), AUTH_UNKNOWN);
    stage_close(&stage);
}

/* --- nonces --- */

static void test_7616_a_no_count_is_accepted_twice(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    client.count = 2;
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    client.count = 1;
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    client.cnonce = "other";
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    stage_close(&stage);
}

static void test_7616_a_counts_overtake_each_other_within_the_window(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client.count = 100;
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    for (client.count = 101 - NONCE_WINDOW; client.count < 100; client.count++)
        assert_int_equal(check(&stage, &client), AUTH_VALID);
    client.count = 100 - NONCE_WINDOW;
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    client.count = 100 + NONCE_WINDOW;
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    client.count = 101;
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    client.count = 100;
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    client.count = UINT32_MAX;
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    client.count = 102;
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    stage_close(&stage);
}

static void test_no_two_nonces_are_equal(void **unused)
{
    enum { COUNT = 300, SIZE = sizeof((struct digest_client *)NULL)->nonce };
    static char nonces[COUNT][SIZE];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    /* The clock stands still during a hundred of them. */
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(nonces[i], client_of(&stage).nonce, SIZE);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(nonces[i], nonces[k]);
        fake_host_advance(&stage.fake, i % 100 == 99);
    }
    stage_close(&stage);
}

static void test_7616_b_an_expired_nonce_is_stale(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, "2");
    stage.config.nonce_s = 60;
    assert_int_equal(auth_new(&stage.auth, &stage.config), 0);
    struct digest_client client = client_of(&stage), other = client_of(&stage);
    fake_host_advance(&stage.fake, 60000);
    assert_int_equal(check(&stage, &client), AUTH_VALID);
    fake_host_advance(&stage.fake, 1);
    client.count++;
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    assert_int_equal(check(&stage, &other), AUTH_STALE);
    other.password = "wrong";
    assert_int_equal(check(&stage, &other), AUTH_WRONG);
    stage_close(&stage);
}

static void test_7616_b_a_nonce_of_another_server_is_stale(void **unused)
{
    struct stage stage, other;
    (void)unused;
    stage_open(&stage, "2");
    stage_create(&other, "2");
    other.fake.seed += 12345;
    assert_int_equal(auth_new(&other.auth, &other.config), 0);
    struct digest_client client = client_of(&other);
    assert_int_equal(check(&other, &client), AUTH_VALID);
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    snprintf(client.nonce, sizeof client.nonce, "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v");
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    client.nonce[0] = '\0';
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    stage_close(&other);
    stage_close(&stage);
}

static void test_7616_b_a_nonce_is_bound_to_its_realm(void **unused)
{
    char lines[AUTH_CHALLENGE_SIZE];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    auth_challenge(stage.auth, AUTH_REGISTRAR, scope(TEXT("example.org")), false, lines, sizeof lines);
    digest_client_challenged(&client, lines);
    assert_int_equal(check(&stage, &client), AUTH_STALE);
    stage_close(&stage);
}

static void test_7616_a_a_full_table_accepts_new_nonces_and_no_old_ones(void **unused)
{
    enum { MOST = 8 };
    struct digest_client clients[MOST + 2];
    struct stage stage;
    (void)unused;
    stage_create(&stage, "2");
    stage.config.nonces_most = MOST;
    assert_int_equal(auth_new(&stage.auth, &stage.config), 0);
    for (size_t i = 0; i < MOST + 2; i++) {
        clients[i] = client_of(&stage);
        fake_host_advance(&stage.fake, 1);
    }
    struct digest_client unused_one = clients[0]; /* as old as the nonces that are forgotten, and never used */
    for (size_t i = 1; i < MOST + 2; i++)
        assert_int_equal(check(&stage, &clients[i]), AUTH_VALID);
    assert_int_equal(check(&stage, &unused_one), AUTH_STALE);
    assert_int_equal(check(&stage, &clients[1]), AUTH_STALE);
    clients[1].count = 2;
    assert_int_equal(check(&stage, &clients[1]), AUTH_STALE);
    clients[2].count = 2;
    assert_int_equal(check(&stage, &clients[2]), AUTH_VALID);
    struct digest_client fresh = client_of(&stage);
    assert_int_equal(check(&stage, &fresh), AUTH_VALID);
    stage_close(&stage);
}

static void test_7616_a_without_memory_nothing_is_accepted(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    char field[2048], user[AUTH_USER_SIZE];
    client_respond(&client, field, sizeof field);
    struct sip_message *request = make_request(&stage, "REGISTER", "sip:example.com", field);
    stage.fake.calls = 0;
    stage.fake.fail_after = 1;
    assert_int_equal(auth_check(stage.auth, request, AUTH_REGISTRAR, scope(REALM), user, sizeof user), AUTH_STALE);
    stage.fake.fail_after = 0;
    assert_int_equal(auth_check(stage.auth, request, AUTH_REGISTRAR, scope(REALM), user, sizeof user), AUTH_VALID);
    sip_message_delete(request);
    stage_close(&stage);
}

/* --- several fields --- */

static void test_credentials_for_others_do_not_count(void **unused)
{
    char fields[8192], own[2048];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client_respond(&client, own, sizeof own);
    assert_int_equal(check_fields(&stage, ""), AUTH_ABSENT);
    assert_int_equal(check_fields(&stage, "Authorization: Basic QWxhZGRpbg==\r\n"), AUTH_ABSENT);
    client.realm = "example.org";
    client_respond(&client, fields, sizeof fields);
    assert_int_equal(check_fields(&stage, fields), AUTH_ABSENT);
    assert_int_equal(check_fields(&stage, "Authorization: Digest realm=\"example.org\", nonce=\"\r\n"), AUTH_ABSENT);
    assert_fault(&stage, "Authorization:\r\n", "there is no authentication scheme");
    assert_fault(&stage, "Authorization: Digest realm=\"example.com\", nonce=\"\r\n", "a quoted value is not closed");
    size_t length = strlen(fields);
    snprintf(fields + length, sizeof fields - length, "%s", own);
    assert_int_equal(check_fields(&stage, fields), AUTH_VALID);
    stage_close(&stage);
}

/* As in the first REGISTER of a user agent of an IMS. */
static void test_an_empty_response_is_no_attempt(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    assert_int_equal(check_fields(&stage, "Authorization: Digest username=\"bob@example.com\", realm=\"example.com\", "
                                          "nonce=\"\", uri=\"sip:example.com\", response=\"\"\r\n"),
                     AUTH_ABSENT);
    assert_int_equal(stage.finds, 0);
    stage_close(&stage);
}

static void test_the_other_header_field_does_not_count(void **unused)
{
    char field[2048], user[AUTH_USER_SIZE];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client_respond(&client, field, sizeof field);
    struct sip_message *request = make_request(&stage, "REGISTER", "sip:example.com", field);
    assert_int_equal(auth_check(stage.auth, request, AUTH_PROXY, scope(REALM), user, sizeof user), AUTH_ABSENT);
    sip_message_delete(request);
    stage_close(&stage);
}

/* A user could hide guesses of other passwords beside the own credentials. */
static void test_7616_a_a_wrong_response_beside_a_valid_one_counts(void **unused)
{
    char fields[16384], first[2048], second[2048];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage), wrong = client;
    wrong.password = "wrong";
    client_respond(&wrong, first, sizeof first);
    client_respond(&client, second, sizeof second);
    snprintf(fields, sizeof fields, "%s%s", first, second);
    assert_int_equal(check_fields(&stage, fields), AUTH_WRONG);
    assert_true(auth_is_proved(stage.auth));
    client_respond(&client, second, sizeof second);
    snprintf(fields, sizeof fields, "%s%s", second, first);
    assert_int_equal(check_fields(&stage, fields), AUTH_WRONG);
    assert_int_equal(stage.finds, 4);
    stage_close(&stage);
}

/* Nobody can send it in another one's name, and be believed to have received it there. */
static void test_7616_a_a_nonce_is_bound_to_its_source(void **unused)
{
    char field[2048];
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client_respond(&client, field, sizeof field);
    source = 8;
    assert_int_equal(check_fields(&stage, field), AUTH_STALE);
    client.password = "wrong";
    client_respond(&client, field, sizeof field);
    assert_int_equal(check_fields(&stage, field), AUTH_WRONG);
    assert_false(auth_is_proved(stage.auth));
    source = 7;
    assert_int_equal(check_fields(&stage, field), AUTH_WRONG);
    assert_true(auth_is_proved(stage.auth));
    stage_close(&stage);
}

static void test_attempts_of_one_request_are_bounded(void **unused)
{
    static char fields[49152];
    char one[2048];
    size_t length = 0;
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client.password = "wrong";
    client_respond(&client, one, sizeof one);
    for (size_t i = 0; i < AUTH_FIELDS_MOST; i++)
        length += (size_t)snprintf(fields + length, sizeof fields - length, "%s", one);
    assert_int_equal(check_fields(&stage, fields), AUTH_WRONG);
    assert_int_equal(stage.finds, AUTH_ATTEMPTS_MOST);
    stage_close(&stage);
}

static void test_fields_of_one_request_are_bounded(void **unused)
{
    static char fields[49152];
    char one[2048];
    size_t length = 0;
    struct stage stage;
    (void)unused;
    stage_open(&stage, "2");
    struct digest_client client = client_of(&stage);
    client_respond(&client, one, sizeof one);
    for (size_t i = 0; i < AUTH_FIELDS_MOST - 1; i++)
        length += (size_t)snprintf(fields + length, sizeof fields - length, "Authorization: Basic %zu\r\n", i);
    snprintf(fields + length, sizeof fields - length, "%s", one);
    assert_int_equal(check_fields(&stage, fields), AUTH_VALID);
    snprintf(fields + length, sizeof fields - length, "Authorization: Basic x\r\n%s", one);
    assert_fault(&stage, fields, "there are too many credentials");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_8760_a_one_challenge_for_each_algorithm_in_order),
        cmocka_unit_test(test_3261_22_a_a_proxy_has_its_own_header_field),
        cmocka_unit_test(test_room_for_the_longest_challenge),
        cmocka_unit_test(test_bad_configurations),
        cmocka_unit_test(test_7616_a_a_right_response_with_each_algorithm),
        cmocka_unit_test(test_7616_a_everything_in_the_response_counts),
        cmocka_unit_test(test_8760_a_only_algorithms_that_were_offered),
        cmocka_unit_test(test_8760_a_without_a_parameter_the_algorithm_is_md5),
        cmocka_unit_test(test_7616_a_missing_and_wrong_parameters),
        cmocka_unit_test(test_7616_a_the_count_has_8_digits),
        cmocka_unit_test(test_7616_a_the_uri_is_that_of_the_request),
        cmocka_unit_test(test_user_part_and_whole_aor),
        cmocka_unit_test(test_realm_of_an_ipv6_address),
        cmocka_unit_test(test_7616_a_an_unknown_user_is_refused_like_a_wrong_password),
        cmocka_unit_test(test_7616_a_no_response_fits_an_unknown_user),
        cmocka_unit_test(test_users_that_cannot_be_looked_up),
        cmocka_unit_test(test_who_is_in_memory_is_not_looked_up),
        cmocka_unit_test(test_7616_a_memory_refuses_nobody),
        cmocka_unit_test(test_7616_a_no_count_is_accepted_twice),
        cmocka_unit_test(test_7616_a_counts_overtake_each_other_within_the_window),
        cmocka_unit_test(test_no_two_nonces_are_equal),
        cmocka_unit_test(test_7616_b_an_expired_nonce_is_stale),
        cmocka_unit_test(test_7616_b_a_nonce_of_another_server_is_stale),
        cmocka_unit_test(test_7616_b_a_nonce_is_bound_to_its_realm),
        cmocka_unit_test(test_7616_a_a_full_table_accepts_new_nonces_and_no_old_ones),
        cmocka_unit_test(test_7616_a_without_memory_nothing_is_accepted),
        cmocka_unit_test(test_credentials_for_others_do_not_count),
        cmocka_unit_test(test_an_empty_response_is_no_attempt),
        cmocka_unit_test(test_the_other_header_field_does_not_count),
        cmocka_unit_test(test_7616_a_a_wrong_response_beside_a_valid_one_counts),
        cmocka_unit_test(test_7616_a_a_nonce_is_bound_to_its_source),
        cmocka_unit_test(test_attempts_of_one_request_are_bounded),
        cmocka_unit_test(test_fields_of_one_request_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
