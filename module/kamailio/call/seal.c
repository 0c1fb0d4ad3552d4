// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/seal.h"

#include "flow/token.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"

static rr_api_t rr; /* zeroed where rr is not loaded */

/* Read before Kamailio forks; all processes have the same copy. */
static struct token_keys *keys;

int seal_start(void)
{
    char error[256];
    if (find_export("load_rr", 0, 0) == NULL)
        return 0;
    load_rr_api(&rr);
    if (token_keys_open(&keys, ksr_host(), module_config.route_keys, error, sizeof error) == 0)
        return 0;
    ksr_log(LOG_ERROR, "modparam route_keys: %s", error);
    return -1;
}

void seal_end(void)
{
    token_keys_close(keys);
    keys = NULL;
}

static bool read_call_id(struct sip_msg *msg, struct text *call_id)
{
    if (parse_headers(msg, HDR_CALLID_F, 0) < 0 || msg->callid == NULL || msg->callid->body.len <= 0)
        return false;
    *call_id = (struct text){msg->callid->body.s, (size_t)msg->callid->body.len};
    return true;
}

/* The value of the parameter; empty if the URI lacks it. */
static struct text find_seal(const struct ksr_sip_uri *uri)
{
    static const struct text name = {"seal=", 5};
    struct text rest = {uri->params.s, uri->params.len > 0 ? (size_t)uri->params.len : 0};
    while (rest.length > 0) {
        const char *end = memchr(rest.at, ';', rest.length);
        size_t length = end != NULL ? (size_t)(end - rest.at) : rest.length;
        if (length > name.length && memcmp(rest.at, name.at, name.length) == 0)
            return (struct text){rest.at + name.length, length - name.length};
        size_t taken = end != NULL ? length + 1 : length;
        rest = (struct text){rest.at + taken, rest.length - taken};
    }
    return (struct text){NULL, 0};
}

static bool is_sealed(const struct ksr_sip_uri *uri, struct text call_id)
{
    struct token_dialog dialog;
    struct text seal = find_seal(uri);
    return seal.length > 0 && token_read_dialog(keys, seal, &(struct token_scope){.call_id = call_id}, &dialog);
}

static bool top_route_is_sealed(struct sip_msg *msg, struct text call_id)
{
    struct ksr_sip_uri uri;
    if (parse_headers(msg, HDR_ROUTE_F, 0) < 0 || msg->route == NULL || parse_rr(msg->route) < 0)
        return false;
    const rr_t *route = msg->route->parsed;
    return parse_uri(route->nameaddr.uri.s, route->nameaddr.uri.len, &uri) >= 0 && is_sealed(&uri, call_id);
}

/* A strict router has put this server's Record-Route value into the Request-URI (RFC 3261 16.4). */
static bool request_uri_is_sealed(struct sip_msg *msg, struct text call_id)
{
    return parse_sip_msg_uri(msg) >= 0 && is_sealed(&msg->parsed_uri, call_id);
}

int sip_record_route(struct sip_msg *msg)
{
    enum { PREFIX_LENGTH = sizeof ";seal=" - 1 };
    char text[PREFIX_LENGTH + TOKEN_DIALOG_MOST] = ";seal=";
    struct token_dialog dialog = {0};
    struct text call_id;
    if (keys == NULL || !read_call_id(msg, &call_id))
        return -1;
    size_t length = token_write_dialog(keys, &dialog, &(struct token_scope){.call_id = call_id}, (struct text){NULL, 0},
                                       text + PREFIX_LENGTH, sizeof text - PREFIX_LENGTH);
    str parameter = {text, (int)(PREFIX_LENGTH + length)};
    return length > 0 && rr.record_route(msg, &parameter) >= 0 ? 1 : -1;
}

int sip_loose_route(struct sip_msg *msg)
{
    struct text call_id;
    if (keys == NULL || !read_call_id(msg, &call_id))
        return -1;
    if (top_route_is_sealed(msg, call_id) || request_uri_is_sealed(msg, call_id))
        return rr.loose_route(msg);
    stats_count(STAT_ROUTES_UNSEALED);
    return -1;
}
