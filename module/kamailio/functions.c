// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/functions.h"

#include "kamailio/call.h"
#include "kamailio/edge.h"
#include "kamailio/save.h"

/* --- in the configuration --- */

static int text_of_parameter(struct sip_msg *msg, char *parameter, str *text)
{
    return get_str_fparam(text, msg, (fparam_t *)parameter);
}

static int route_flows(struct sip_msg *msg, char *table, char *uri)
{
    str table_text, uri_text;
    if (text_of_parameter(msg, table, &table_text) != 0 || (uri != NULL && text_of_parameter(msg, uri, &uri_text) != 0))
        return -1;
    return sip_route_flows(msg, &table_text, uri != NULL ? &uri_text : NULL);
}

static int on_flow_failed(struct sip_msg *msg, char *a, char *b)
{
    (void)a;
    (void)b;
    return sip_on_flow_failed(msg);
}

static int on_failure(struct sip_msg *msg, char *a, char *b)
{
    (void)a;
    (void)b;
    return sip_on_failure(msg);
}

static int decide_now(struct sip_msg *msg, char *a, char *b)
{
    (void)a;
    (void)b;
    return sip_decide(msg);
}

static int flow_forward(struct sip_msg *msg, char *a, char *b)
{
    (void)a;
    (void)b;
    return sip_flow_forward(msg);
}

static int save(struct sip_msg *msg, char *table, char *b)
{
    str table_text;
    (void)b;
    return text_of_parameter(msg, table, &table_text) != 0 ? -1 : sip_save(msg, &table_text);
}

cmd_export_t module_functions[] = {
    {"sip_route_flows", (cmd_function)route_flows, 1, fixup_spve_null, 0, REQUEST_ROUTE},
    {"sip_route_flows", (cmd_function)route_flows, 2, fixup_spve_spve, 0, REQUEST_ROUTE},
    {"sip_on_flow_failed", (cmd_function)on_flow_failed, 0, 0, 0, BRANCH_FAILURE_ROUTE | FAILURE_ROUTE | EVENT_ROUTE},
    {"sip_on_failure", (cmd_function)on_failure, 0, 0, 0, FAILURE_ROUTE},
    {"sip_decide", (cmd_function)decide_now, 0, 0, 0,
     ONREPLY_ROUTE | FAILURE_ROUTE | BRANCH_FAILURE_ROUTE | EVENT_ROUTE},
    {"sip_save", (cmd_function)save, 1, fixup_spve_null, 0, REQUEST_ROUTE},
    {"sip_flow_forward", (cmd_function)flow_forward, 0, 0, 0, REQUEST_ROUTE},
    {0, 0, 0, 0, 0, 0},
};

/* --- in KEMI --- */

static int ki_route_flows(sip_msg_t *msg, str *table)
{
    return sip_route_flows(msg, table, NULL);
}

#define KEMI(name, function, ...)                                                                                      \
    {                                                                                                                  \
        str_init("reflow"), str_init(name), SR_KEMIP_INT, (void *)function,                                            \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

sr_kemi_t module_kemi[] = {
    KEMI("route_flows", ki_route_flows, SR_KEMIP_STR, SR_KEMIP_NONE),
    KEMI("route_flows_uri", sip_route_flows, SR_KEMIP_STR, SR_KEMIP_STR),
    KEMI("on_flow_failed", sip_on_flow_failed, SR_KEMIP_NONE),
    KEMI("on_failure", sip_on_failure, SR_KEMIP_NONE),
    KEMI("decide", sip_decide, SR_KEMIP_NONE),
    KEMI("save", sip_save, SR_KEMIP_STR),
    KEMI("flow_forward", sip_flow_forward, SR_KEMIP_NONE),
    {{0, 0}, {0, 0}, 0, NULL, {0, 0, 0, 0, 0, 0}},
};
