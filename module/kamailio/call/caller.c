// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/caller.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/targets.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/spellings.h"
#include "script/base/emergency.h"

/* --- trunks --- */

enum { TRUNKS_MOST = 128 };

static struct trunk {
    struct net net;
    struct text text;
} trunks[TRUNKS_MOST];
static size_t trunk_count;

/* Kamailio does not read an IPv6 address that ends in an IPv4 address. */
static bool read_mixed(str host, struct ip_addr *address)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (host.len <= 0 || (size_t)host.len >= sizeof copy)
        return false;
    memcpy(copy, host.s, (size_t)host.len);
    copy[host.len] = '\0';
    if (inet_pton(AF_INET6, copy, bytes) != 1)
        return false;
    ip_addr_read(bytes, sizeof bytes, address);
    return true;
}

static bool read_bits(const char *text, unsigned most, unsigned *bits)
{
    size_t digits = strspn(text, "0123456789");
    *bits = most;
    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return false;
    *bits = (unsigned)strtoul(text, NULL, 10);
    return *bits <= most;
}

/* Bits after the first ones would never be compared. */
static bool has_bits_past_prefix(const struct ip_addr *address, const struct net *net)
{
    return memcmp(&address->u, &net->ip.u, address->len) != 0;
}

static bool read_net(char *text, struct net *net, unsigned *bits)
{
    struct ip_addr written;
    const char *slash = strchr(text, '/');
    str host = {text, (int)(slash != NULL ? (size_t)(slash - text) : strlen(text))};
    if (str2ipxbuf(&host, &written) != 0 && !read_mixed(host, &written))
        return false;
    struct ip_addr address = ip_addr_unmapped(&written);
    const unsigned mapped = (written.len - address.len) * 8;
    *bits = written.len * 8;
    if ((slash != NULL && !read_bits(slash + 1, written.len * 8, bits)) || *bits < mapped)
        return false;
    *bits -= mapped;
    return mk_net_bitlen(net, &address, *bits) == 0 && !has_bits_past_prefix(&address, net);
}

const char *caller_add_trunk(char *text)
{
    unsigned bits;
    struct trunk *trunk = &trunks[trunk_count];
    if (trunk_count == TRUNKS_MOST)
        return "there are too many";
    if (!read_net(text, &trunk->net, &bits))
        return "not ADDRESS or ADDRESS/BITS with no bits set after the first BITS";
    if (bits == 0)
        return "everybody would be this trunk";
    trunk->text = text_of(text);
    trunk_count++;
    return NULL;
}

static struct text trunk_of(const struct receive_info *from)
{
    struct ip_addr address = source_address_of(from);
    for (size_t i = 0; i < trunk_count; i++) {
        if (matchnet(&address, &trunks[i].net) == 1)
            return trunks[i].text;
    }
    return (struct text){NULL, 0};
}

/* --- users --- */

/* tm keeps this XAVP with the transaction, so that other processes find it, too. */
static str user_name = {"reflow_user", 11};

static const dig_cred_t *credentials(struct sip_msg *msg)
{
    struct hdr_field *field = NULL;
    get_authorized_cred(msg->proxy_auth, &field);
    if (field == NULL)
        get_authorized_cred(msg->authorization, &field);
    return field != NULL && field->parsed != NULL ? &((const auth_body_t *)field->parsed)->digest : NULL;
}

/* The realm was proved with the password. A domain in the username was not, unless it is the same. */
static bool write_user(const dig_cred_t *digest, char out[CALLER_USER_MOST])
{
    char uri[CALLER_USER_MOST + 8], aor[CALLER_USER_MOST + 8];
    const struct username *name = &digest->username;
    bool other = name->domain.len > 0 && !text_equal_nocase(text_of_str(name->domain), text_of_str(digest->realm));
    int length =
        snprintf(uri, sizeof uri, "sip:%.*s@%.*s", name->user.len, name->user.s, digest->realm.len, digest->realm.s);
    if (other || name->user.len <= 0 || digest->realm.len <= 0 || (size_t)length >= sizeof uri)
        return false;
    length = sip_aor((struct text){uri, (size_t)length}, module_config.aor_case, aor, sizeof aor);
    if (length <= 4 || length - 4 >= CALLER_USER_MOST)
        return false;
    memcpy(out, aor + 4, (size_t)length - 4);
    out[length - 4] = '\0';
    return true;
}

int sip_authenticated(struct sip_msg *msg)
{
    char aor[CALLER_USER_MOST];
    sr_xval_t value = {.type = SR_XTYPE_STR};
    const dig_cred_t *digest = credentials(msg);
    xavp_rm_by_name(&user_name, 1, NULL);
    if (digest == NULL || !write_user(digest, aor))
        return -1;
    value.v.s = str_of_text(text_of(aor));
    if (xavp_add_value(&user_name, &value, NULL) != NULL)
        return 1;
    ksr_log(LOG_ERROR, "sip_authenticated: no shared memory");
    return -1;
}

static struct text authenticated_user(void)
{
    const sr_xavp_t *noted = xavp_get(&user_name, NULL);
    return noted != NULL && noted->val.type == SR_XTYPE_STR ? text_of_str(noted->val.v.s) : (struct text){NULL, 0};
}

/* --- registrations --- */

static bool is_bound(udomain_t *domain, str *key, const struct receive_info *from)
{
    bool bound = false;
    urecord_t *record;
    const time_t now = time(NULL);
    ul.lock_udomain(domain, key);
    if (ul.get_urecord(domain, key, &record) == 0) {
        for (const ucontact_t *each = record->contacts; each != NULL && !bound; each = each->next)
            bound = VALID_CONTACT(each, now) && flow_is_of_contact(each, from);
        ul.release_urecord(record);
    }
    ul.unlock_udomain(domain, key);
    return bound;
}

static bool is_registered(struct sip_msg *msg, const char *table)
{
    char bytes[SPELLING_MOST];
    str aor;
    udomain_t *domain;
    struct aor_names names;
    if (!module_has_usrloc || ul.get_udomain(table, &domain) < 0 || parse_from_header(msg) < 0 ||
        aor_names_read(&names, &get_from(msg)->uri) < 0 || names.key.len == 0)
        return false;
    bool bound = false;
    for (unsigned nth = 0; !bound && spelling_at(domain, &names.key, nth, bytes, &aor); nth++)
        bound = is_bound(domain, &aor, &msg->rcv);
    return bound;
}

void caller_read(struct sip_msg *msg, const char *table, struct caller *caller)
{
    const struct text aor = authenticated_user();
    snprintf(caller->user, sizeof caller->user, "%.*s", (int)aor.length, aor.length > 0 ? aor.at : "");
    caller->trunk = trunk_of(&msg->rcv);
    caller->registered = is_registered(msg, table);
}

/* A call for help is never refused. */
bool caller_is_bound(const struct caller *caller, struct sip_msg *msg)
{
    static const struct emergency no_numbers; /* those of a policy are for the policy to let out */
    return module_config.check_callers != 0 && caller->user[0] == '\0' && caller->trunk.length == 0 &&
           !emergency_is(&no_numbers, text_of_str(msg->first_line.u.request.uri));
}

void caller_show(const struct caller *caller, struct script_call *call)
{
    call->user = text_of(caller->user);
    call->trunk = caller->trunk;
    call->registered = caller->registered;
}
