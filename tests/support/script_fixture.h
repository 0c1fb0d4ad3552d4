// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_FIXTURE_H
#define REFLOW_SCRIPT_FIXTURE_H

#include "test.h"

#include "core/decide.h"
#include "script/engine/engine.h"
#include "sip/message.h"

/* A script in a file of its own, a fake host, and an INVITE to send through its hooks. Check nothing left with
   fixture_destroy, which asserts that every byte was given back. */
struct script_fixture {
    struct fake_host fake;
    struct script_limits limits; /* more time than any test needs; zero: the engine's own */
    char path[64];
    struct script *script; /* what the last load gave; NULL: it failed */
    char error[400];
    struct sip_message *request;
    struct script_call call;
    struct facts facts;
    struct state state;
    struct decision decision;
    struct script_reply reply;
    struct script_verdict verdict;
};

void fixture_create(struct script_fixture *fixture);
void fixture_destroy(struct script_fixture *fixture);

/* cmocka's: *state is a fixture; the small one's scripts may use 4 MiB. */
int fixture_setup(void **state);
int fixture_setup_small(void **state);
int fixture_teardown(void **state);

/* Write the text to the file, nothing else. */
void fixture_write(struct script_fixture *fixture, const char *text, size_t length);

/* Write the text and load it in place of the last one; what script_new returned. */
int fixture_load(struct script_fixture *fixture, const char *text);
void fixture_must_load(struct script_fixture *fixture, const char *text); /* fails the test with the error */
void fixture_assert_refused(struct script_fixture *fixture, const char *text, const char *reason);

/* The limits that fixture_create() sets, for scripts that are loaded without the fixture: sanitizers and a loaded
   machine slow a script down, and the engine's 20 ms would stop one that does little. */
#define FIXTURE_LIMITS ((struct script_limits){.time_ms = 5000, .load_ms = 20000})

/* The script that is loaded, and those that are loaded next, may run for so long. */
void fixture_set_time(struct script_fixture *fixture, uint32_t ms);

/* Through the response hooks with a code as from the wire; facts and state are as the test set them. */
enum script_outcome fixture_respond(struct script_fixture *fixture, uint32_t code);
enum script_outcome fixture_request(struct script_fixture *fixture);

#endif
