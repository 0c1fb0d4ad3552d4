// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/glue/functions.h"

#include "core/code.h"
#include "call/rest_name.h"
#include "kamailio/call/call.h"
#include "kamailio/call/caller.h"
#include "kamailio/call/edge.h"
#include "kamailio/flow/flow_token.h"
#include "kamailio/glue/explain_text.h"
#include "kamailio/glue/fixups.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/rests.h"
#include "kamailio/call/remote_target.h"
#include "kamailio/save/save.h"
#include "kamailio/call/seal.h"

/* Each function exists twice: for the configuration, whose parameters are fixed up (fixups.h), and for KEMI. */

/* --- the block of the call --- */

enum {
    BLOCK_REPLY = ONREPLY_ROUTE,
    BLOCK_FAILURE = FAILURE_ROUTE,
    BLOCK_BRANCH_FAILURE = BRANCH_FAILURE_ROUTE,
    BLOCK_REQUEST = REQUEST_ROUTE,
    BLOCK_BRANCH = BRANCH_ROUTE,
    BLOCKS_WITH_CODE = BLOCK_REPLY | BLOCK_FAILURE | BLOCK_BRANCH_FAILURE
};

/* At start Kamailio does not distinguish event routes, and does not know from where a route[...] is called, nor
   anything about KEMI. So the block is checked again at run time, and an error is logged once in each process.
   EVENT_ROUTE includes the bit of REQUEST_ROUTE. tm calls the route that continues a suspended request a failure
   route. */
static int current_block(void)
{
    const int type = get_route_type();
    const struct cell *t = type == BLOCK_FAILURE ? tmb.t_gett() : NULL;
    const bool continues = t != NULL && t != T_UNDEFINED && (t->flags & T_ASYNC_CONTINUE) != 0;
    return continues ? type | BLOCK_REQUEST : type;
}

static bool is_in_block(int allowed, const char *function, const char *place, bool *told)
{
    int type = current_block();
    if (type == EVENT_ROUTE ? (allowed & ONEVENT_ROUTE) != 0 : (type & allowed) != 0)
        return true;
    if (!*told)
        ksr_log(LOG_ERROR, "%s cannot work in the block it was called in: it is for %s", function, place);
    *told = true;
    return false;
}

/* --- classes of codes --- */

static bool is_flow_failed(uint32_t code)
{
    return code == SIP_FLOW_FAILED;
}

#define CLASS_TEST(name, class)                                                                                        \
    static bool name(uint32_t code)                                                                                    \
    {                                                                                                                  \
        return code_class(code) == (class);                                                                            \
    }
CLASS_TEST(is_success, CLASS_SUCCESS)
CLASS_TEST(is_provisional, CLASS_PROVISIONAL)
CLASS_TEST(is_redirect, CLASS_REDIRECT)
CLASS_TEST(is_client_error, CLASS_CLIENT_ERROR)
CLASS_TEST(is_server_error, CLASS_SERVER_ERROR)
CLASS_TEST(is_global_failure, CLASS_GLOBAL_FAILURE)

static int test_current(struct sip_msg *msg, bool (*test)(uint32_t code), const char *function)
{
    static bool told;
    static const char place[] = "reply, failure and branch failure routes; elsewhere give it a code";
    return is_in_block(BLOCKS_WITH_CODE, function, place, &told) && test(current_code(msg)) ? 1 : -1;
}

static int test_parameter(struct sip_msg *msg, bool (*test)(uint32_t code), char *parameter)
{
    int64_t code;
    return parameter_number(msg, parameter, &code) && test(code_of_number(code)) ? 1 : -1;
}

/* With and without a code, in the configuration and in KEMI. */
#define TEST(name, test)                                                                                               \
    static int name##_now(struct sip_msg *msg, char *a, char *b)                                                       \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        return test_current(msg, test, "sip_" #name "() without a code");                                              \
    }                                                                                                                  \
    static int name##_of(struct sip_msg *msg, char *code, char *b)                                                     \
    {                                                                                                                  \
        (void)b;                                                                                                       \
        return test_parameter(msg, test, code);                                                                        \
    }                                                                                                                  \
    static int fixup_##name(void **code, int number)                                                                   \
    {                                                                                                                  \
        (void)number;                                                                                                  \
        return fixup_code("sip_" #name "()", code);                                                                    \
    }                                                                                                                  \
    static int ki_##name(sip_msg_t *msg)                                                                               \
    {                                                                                                                  \
        return test_current(msg, test, "KSR.reflow." #name "()");                                                      \
    }                                                                                                                  \
    static int ki_##name##_code(sip_msg_t *msg, int code)                                                              \
    {                                                                                                                  \
        (void)msg;                                                                                                     \
        return test(code_of_number(code)) ? 1 : -1;                                                                    \
    }
TEST(is_success, is_success)
TEST(is_provisional, is_provisional)
TEST(is_redirect, is_redirect)
TEST(is_client_error, is_client_error)
TEST(is_server_error, is_server_error)
TEST(is_global_failure, is_global_failure)
TEST(is_final, code_is_final)
TEST(is_flow_failed, is_flow_failed)

/* --- requests --- */

static int ki_route_flows_uri(sip_msg_t *msg, str *table, str *uri)
{
    static bool told;
    const int blocks = BLOCK_REQUEST | BLOCK_FAILURE;
    return is_in_block(blocks, "sip_route_flows()", "request and failure routes", &told)
               ? sip_route_flows(msg, table, uri)
               : -1;
}

static int ki_route_flows(sip_msg_t *msg, str *table)
{
    return ki_route_flows_uri(msg, table, NULL);
}

static int route_flows(struct sip_msg *msg, char *table, char *uri)
{
    str table_text, uri_text;
    if (!parameter_text(msg, table, &table_text) || (uri != NULL && !parameter_text(msg, uri, &uri_text)))
        return -1;
    return ki_route_flows_uri(msg, &table_text, uri != NULL ? &uri_text : NULL);
}

static int ki_save(sip_msg_t *msg, str *table)
{
    static bool told;
    const int blocks = BLOCK_REQUEST | BLOCK_FAILURE;
    return is_in_block(blocks, "sip_save()", "request and failure routes", &told) ? sip_save(msg, table) : -1;
}

static int ki_authenticated(sip_msg_t *msg)
{
    static bool told;
    return is_in_block(BLOCK_REQUEST, "sip_authenticated()", "request routes", &told) ? sip_authenticated(msg) : -1;
}

static int ki_flow_forward(sip_msg_t *msg)
{
    static bool told;
    return is_in_block(BLOCK_REQUEST, "sip_flow_forward()", "request routes", &told) ? sip_flow_forward(msg) : -1;
}

static int ki_record_route_sealed(sip_msg_t *msg)
{
    static bool told;
    return is_in_block(BLOCK_REQUEST | BLOCK_FAILURE, "sip_record_route()", "request and failure routes", &told)
               ? sip_record_route(msg)
               : -1;
}

static int ki_loose_route_sealed(sip_msg_t *msg)
{
    static bool told;
    return is_in_block(BLOCK_REQUEST, "sip_loose_route()", "request routes", &told) ? sip_loose_route(msg) : -1;
}

static int ki_add_alias(sip_msg_t *msg, str *table)
{
    static bool told;
    static const char place[] = "request, branch, failure and reply routes";
    const int blocks = BLOCK_REQUEST | BLOCK_BRANCH | BLOCK_FAILURE | BLOCK_REPLY;
    return is_in_block(blocks, "sip_add_alias()", place, &told) ? sip_add_alias(msg, table) : -1;
}

static int ki_handle_alias(sip_msg_t *msg, str *table)
{
    static bool told;
    return is_in_block(BLOCK_REQUEST, "sip_handle_alias()", "request routes", &told) ? sip_handle_alias(msg, table)
                                                                                     : -1;
}

/* --- failures --- */

static int ki_on_flow_failed(sip_msg_t *msg)
{
    static bool told;
    static const char place[] = "event_route[tm:branch-failure:...] and failure routes";
    return is_in_block(BLOCK_BRANCH_FAILURE | BLOCK_FAILURE, "sip_on_flow_failed()", place, &told)
               ? sip_on_flow_failed(msg)
               : -1;
}

static int ki_on_failure(sip_msg_t *msg)
{
    static bool told;
    return is_in_block(BLOCK_FAILURE, "sip_on_failure()", "failure routes", &told) ? sip_on_failure(msg) : -1;
}

static int ki_decide_now(sip_msg_t *msg)
{
    static bool told;
    return is_in_block(BLOCKS_WITH_CODE, "sip_decide()", "reply, failure and branch failure routes", &told)
               ? sip_decide(msg)
               : -1;
}

/* The configuration passes two parameters more than KEMI. */
#define WITHOUT_PARAMETERS(name)                                                                                       \
    static int name(struct sip_msg *msg, char *a, char *b)                                                             \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        return ki_##name(msg);                                                                                         \
    }
WITHOUT_PARAMETERS(authenticated)
WITHOUT_PARAMETERS(flow_forward)
WITHOUT_PARAMETERS(record_route_sealed)
WITHOUT_PARAMETERS(loose_route_sealed)
WITHOUT_PARAMETERS(on_flow_failed)
WITHOUT_PARAMETERS(on_failure)
WITHOUT_PARAMETERS(decide_now)

/* --- anywhere --- */

static int ki_explain(sip_msg_t *msg, int code)
{
    (void)msg;
    return explain_code(code_of_number(code), TEXT("en"));
}

static int ki_explain_lang(sip_msg_t *msg, int code, str *language)
{
    (void)msg;
    return explain_code(code_of_number(code), (struct text){language->s, (size_t)language->len});
}

static int explain(struct sip_msg *msg, char *code, char *language)
{
    int64_t number;
    str language_text = str_init("en");
    if (!parameter_number(msg, code, &number) || (language != NULL && !parameter_text(msg, language, &language_text)))
        return -1;
    return explain_code(code_of_number(number), (struct text){language_text.s, (size_t)language_text.len});
}

static int set_rest(const str *destination, int64_t seconds)
{
    if (destination_is_right(destination) && seconds >= 0 && seconds <= REST_SECONDS_MOST) {
        rest_set((struct text){NULL, 0}, (struct text){destination->s, (size_t)destination->len}, (uint32_t)seconds);
        return 1;
    }
    ksr_log(LOG_ERROR, "sip_rest_destination(\"%.*s\", %lld): host:port or host, and 0 to %d seconds", destination->len,
            destination->s, (long long)seconds, REST_SECONDS_MOST);
    return -1;
}

static int ki_rest_destination(sip_msg_t *msg, str *destination, int seconds)
{
    (void)msg;
    return set_rest(destination, seconds);
}

static int rest_destination(struct sip_msg *msg, char *destination, char *seconds)
{
    str destination_text;
    int64_t number;
    if (!parameter_text(msg, destination, &destination_text) || !parameter_number(msg, seconds, &number))
        return -1;
    return set_rest(&destination_text, number);
}

static int ki_is_resting(sip_msg_t *msg, str *destination)
{
    char name[REST_NAME_MOST + 1];
    size_t length = rest_name_write((struct text){destination->s, (size_t)destination->len}, name);
    (void)msg;
    return rest_is_on(false, (struct text){NULL, 0}, (struct text){name, length}) ? 1 : -1;
}

/* --- the configuration's way to the functions with one text --- */

#define WITH_TEXT(name)                                                                                                \
    static int name(struct sip_msg *msg, char *parameter, char *b)                                                     \
    {                                                                                                                  \
        str text;                                                                                                      \
        (void)b;                                                                                                       \
        return parameter_text(msg, parameter, &text) ? ki_##name(msg, &text) : -1;                                     \
    }
WITH_TEXT(save)
WITH_TEXT(add_alias)
WITH_TEXT(handle_alias)
WITH_TEXT(is_resting)

/* --- the tables --- */

/* ONEVENT_ROUTE and not EVENT_ROUTE, which would also allow request routes. */
enum { CODE_BLOCKS = BLOCKS_WITH_CODE | ONEVENT_ROUTE };

#define FUNCTION(name, function, count, fixup, blocks)                                                                 \
    {                                                                                                                  \
        "sip_" name, (cmd_function)function, count, fixup, fixup_parameter_free, blocks                                \
    }
#define TEST_FUNCTIONS(name)                                                                                           \
    {"sip_" #name, (cmd_function)name##_now, 0, 0, 0, CODE_BLOCKS},                                                    \
        FUNCTION(#name, name##_of, 1, fixup_##name, ANY_ROUTE)

cmd_export_t module_functions[] = {
    FUNCTION("route_flows", route_flows, 1, fixup_route_flows, REQUEST_ROUTE | FAILURE_ROUTE),
    FUNCTION("route_flows", route_flows, 2, fixup_route_flows, REQUEST_ROUTE | FAILURE_ROUTE),
    FUNCTION("save", save, 1, fixup_save, REQUEST_ROUTE | FAILURE_ROUTE),
    {"sip_authenticated", (cmd_function)authenticated, 0, 0, 0, REQUEST_ROUTE},
    {"sip_flow_forward", (cmd_function)flow_forward, 0, fixup_flow_forward, 0, REQUEST_ROUTE},
    {"sip_record_route", (cmd_function)record_route_sealed, 0, fixup_record_route, 0, REQUEST_ROUTE | FAILURE_ROUTE},
    {"sip_loose_route", (cmd_function)loose_route_sealed, 0, fixup_loose_route, 0, REQUEST_ROUTE},
    FUNCTION("add_alias", add_alias, 1, fixup_add_alias, REQUEST_ROUTE | BRANCH_ROUTE | FAILURE_ROUTE | ONREPLY_ROUTE),
    FUNCTION("handle_alias", handle_alias, 1, fixup_handle_alias, REQUEST_ROUTE),
    {"sip_on_flow_failed", (cmd_function)on_flow_failed, 0, 0, 0, BRANCH_FAILURE_ROUTE | FAILURE_ROUTE | ONEVENT_ROUTE},
    {"sip_on_failure", (cmd_function)on_failure, 0, fixup_on_failure, 0, FAILURE_ROUTE},
    {"sip_decide", (cmd_function)decide_now, 0, 0, 0, CODE_BLOCKS},
    TEST_FUNCTIONS(is_success),
    TEST_FUNCTIONS(is_provisional),
    TEST_FUNCTIONS(is_redirect),
    TEST_FUNCTIONS(is_client_error),
    TEST_FUNCTIONS(is_server_error),
    TEST_FUNCTIONS(is_global_failure),
    TEST_FUNCTIONS(is_final),
    TEST_FUNCTIONS(is_flow_failed),
    FUNCTION("explain", explain, 1, fixup_explain, ANY_ROUTE),
    FUNCTION("explain", explain, 2, fixup_explain, ANY_ROUTE),
    FUNCTION("rest_destination", rest_destination, 2, fixup_rest_destination, ANY_ROUTE),
    FUNCTION("is_resting", is_resting, 1, fixup_is_resting, ANY_ROUTE),
    {"bind_ob", (cmd_function)flow_token_bind, 1, 0, 0, 0}, /* for rr and path, not for routes */
    {0, 0, 0, 0, 0, 0},
};

#define KEMI(name, function, ...)                                                                                      \
    {                                                                                                                  \
        str_init("reflow"), str_init(name), SR_KEMIP_INT, (void *)function,                                            \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define KEMI_TEST(name) KEMI(#name, ki_##name, SR_KEMIP_NONE), KEMI(#name "_code", ki_##name##_code, SR_KEMIP_INT)

sr_kemi_t module_kemi[] = {
    KEMI("route_flows", ki_route_flows, SR_KEMIP_STR),
    KEMI("route_flows_uri", ki_route_flows_uri, SR_KEMIP_STR, SR_KEMIP_STR),
    KEMI("on_flow_failed", ki_on_flow_failed, SR_KEMIP_NONE),
    KEMI("on_failure", ki_on_failure, SR_KEMIP_NONE),
    KEMI("decide", ki_decide_now, SR_KEMIP_NONE),
    KEMI("save", ki_save, SR_KEMIP_STR),
    KEMI("authenticated", ki_authenticated, SR_KEMIP_NONE),
    KEMI("flow_forward", ki_flow_forward, SR_KEMIP_NONE),
    KEMI("record_route", ki_record_route_sealed, SR_KEMIP_NONE),
    KEMI("loose_route", ki_loose_route_sealed, SR_KEMIP_NONE),
    KEMI("add_alias", ki_add_alias, SR_KEMIP_STR),
    KEMI("handle_alias", ki_handle_alias, SR_KEMIP_STR),
    KEMI_TEST(is_success),
    KEMI_TEST(is_provisional),
    KEMI_TEST(is_redirect),
    KEMI_TEST(is_client_error),
    KEMI_TEST(is_server_error),
    KEMI_TEST(is_global_failure),
    KEMI_TEST(is_final),
    KEMI_TEST(is_flow_failed),
    KEMI("explain", ki_explain, SR_KEMIP_INT),
    KEMI("explain_lang", ki_explain_lang, SR_KEMIP_INT, SR_KEMIP_STR),
    KEMI("rest_destination", ki_rest_destination, SR_KEMIP_STR, SR_KEMIP_INT),
    KEMI("is_resting", ki_is_resting, SR_KEMIP_STR),
    {{0, 0}, {0, 0}, 0, NULL, {0, 0, 0, 0, 0, 0}},
};
