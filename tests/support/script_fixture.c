// SPDX-License-Identifier: BSD-2-Clause
#include "script_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "script/engine/script.h"

static const char invite[] = "INVITE sip:bob@example.com SIP/2.0\r\n"
                             "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKfixture\r\n"
                             "Max-Forwards: 70\r\n"
                             "From: <sip:alice@example.com>;tag=a1\r\n"
                             "To: <sip:bob@example.com>\r\n"
                             "Call-ID: fixture@127.0.0.1\r\n"
                             "CSeq: 7 INVITE\r\n"
                             "X-Color: green\r\n"
                             "X-Color: blue,\r\n"
                             " white\r\n"
                             "Content-Length: 0\r\n"
                             "\r\n";

void fixture_create(struct script_fixture *fixture)
{
    struct sip_fault fault;
    *fixture = (struct script_fixture){.limits = FIXTURE_LIMITS};
    fake_host_create(&fixture->fake);
    temporary_path(fixture->path, sizeof fixture->path, "reflow-script-XXXXXX.lua");
    int file = mkstemps(fixture->path, 4);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(sip_message_new(&fixture->request, &fixture->fake.host, invite, sizeof invite - 1, NULL, &fault),
                     0);
    fixture->call = (struct script_call){.request = fixture->request,
                                         .aor = TEXT("sip:bob@example.com"),
                                         .source = TEXT("udp:127.0.0.1:5070"),
                                         .started_ms = fixture->fake.now_ms};
    fixture->facts = (struct facts){.method = METHOD_INVITE};
    fixture->reply = (struct script_reply){.facts = &fixture->facts,
                                           .state = &fixture->state,
                                           .destination = TEXT("127.0.0.1:5080"),
                                           .flow = TEXT("tcp 127.0.0.1:5060-127.0.0.1:40112 #17"),
                                           .instance = TEXT("urn:uuid:1"),
                                           .branches = 1};
}

void fixture_destroy(struct script_fixture *fixture)
{
    script_release(fixture->script);
    sip_message_delete(fixture->request);
    unlink(fixture->path);
    assert_int_equal(fixture->fake.allocated, 0);
}

void fixture_write(struct script_fixture *fixture, const char *text, size_t length)
{
    FILE *file = fopen(fixture->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

int fixture_load(struct script_fixture *fixture, const char *text)
{
    fixture_write(fixture, text, strlen(text));
    script_release(fixture->script);
    fixture->script = NULL;
    fixture->error[0] = '\0';
    return script_new(&fixture->script, &fixture->fake.host, &fixture->limits, fixture->path, fixture->error,
                      sizeof fixture->error);
}

void fixture_set_time(struct script_fixture *fixture, uint32_t ms)
{
    fixture->limits.time_ms = ms;
    if (fixture->script != NULL)
        fixture->script->parts[0]->limits.time_ms = ms;
}

enum script_outcome fixture_respond(struct script_fixture *fixture, uint32_t code)
{
    fixture->facts.code = code;
    fixture->decision = decide(&fixture->facts, &fixture->state);
    return script_on_response(fixture->script, &fixture->call, &fixture->reply, &fixture->decision, &fixture->verdict);
}

enum script_outcome fixture_request(struct script_fixture *fixture)
{
    return script_on_request(fixture->script, &fixture->call, &fixture->verdict);
}

int fixture_setup(void **state)
{
    struct script_fixture *fixture = malloc(sizeof *fixture);
    assert_non_null(fixture);
    fixture_create(fixture);
    *state = fixture;
    return 0;
}

int fixture_setup_small(void **state)
{
    fixture_setup(state);
    ((struct script_fixture *)*state)->limits.memory = 4 << 20;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_destroy(*state);
    free(*state);
    return 0;
}

void fixture_must_load(struct script_fixture *fixture, const char *text)
{
    if (fixture_load(fixture, text) != 0)
        fail_msg("%s", fixture->error);
}

void fixture_assert_refused(struct script_fixture *fixture, const char *text, const char *reason)
{
    assert_int_equal(fixture_load(fixture, text), -EINVAL);
    if (strstr(fixture->error, reason) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fixture->error, reason);
}
