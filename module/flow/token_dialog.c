// SPDX-License-Identifier: BSD-2-Clause
#include "flow/token_private.h"

#include <openssl/crypto.h>

/*
 * Layout: key id, form, the caller's flow, the callee's flow, digest of the next hop, the owners of both flows if there
 * are any, seal. A flow is a byte for transport and address family, and then local address and port, remote address and
 * port of a datagram flow, or the number of a connection. Numbers in network order.
 */

enum {
    SEAL = 8,
    FLOW_MOST = 1 + 36,
    OWNERS = 4 + 4,
    SEALED_MOST = 2 + 2 * FLOW_MOST + 8 + OWNERS,
    FORM_CALLEE = 1, /* the holder */
    FORM_CALLER_BY_HOP = 2,
    FORM_CALLEE_BY_HOP = 4,
    FORM_EDGE = 8,
    FORM_CALLER_OUTBOUND = 16,
    FORM_CALLEE_OUTBOUND = 32,
    FORM_OWNERS = 64,
    FORM_ALL = 127,
    FLOW_IPV6 = 0x20,
    TRANSPORT_MASK = 0x1f
};

_Static_assert(SEALED_MOST + SEAL <= (int)TOKEN_BYTES_MOST, "a dialog token is decoded into TOKEN_BYTES_MOST bytes");

static const struct text mark = {"d.", 2};

static uint8_t form_of(const struct token_dialog *dialog)
{
    return (uint8_t)((dialog->holder == TOKEN_CALLEE ? FORM_CALLEE : 0) |
                     (dialog->by_hop[TOKEN_CALLER] ? FORM_CALLER_BY_HOP : 0) |
                     (dialog->by_hop[TOKEN_CALLEE] ? FORM_CALLEE_BY_HOP : 0) | (dialog->edge ? FORM_EDGE : 0) |
                     (dialog->outbound[TOKEN_CALLER] ? FORM_CALLER_OUTBOUND : 0) |
                     (dialog->outbound[TOKEN_CALLEE] ? FORM_CALLEE_OUTBOUND : 0) |
                     ((dialog->owners[TOKEN_CALLER] | dialog->owners[TOKEN_CALLEE]) != 0 ? FORM_OWNERS : 0));
}

static void read_form(uint8_t form, struct token_dialog *dialog)
{
    dialog->holder = (form & FORM_CALLEE) != 0 ? TOKEN_CALLEE : TOKEN_CALLER;
    dialog->by_hop[TOKEN_CALLER] = (form & FORM_CALLER_BY_HOP) != 0;
    dialog->by_hop[TOKEN_CALLEE] = (form & FORM_CALLEE_BY_HOP) != 0;
    dialog->edge = (form & FORM_EDGE) != 0;
    dialog->outbound[TOKEN_CALLER] = (form & FORM_CALLER_OUTBOUND) != 0;
    dialog->outbound[TOKEN_CALLEE] = (form & FORM_CALLEE_OUTBOUND) != 0;
}

static uint8_t *write_flow(const struct token_flow *flow, uint8_t *at)
{
    size_t address = flow->address_length == 16 ? 16 : 4;
    *at++ = (uint8_t)(flow->transport | (address == 16 ? FLOW_IPV6 : 0));
    if (transport_connects(flow->transport))
        return token_put(at, flow->connection, 8);
    memcpy(at, flow->local, address);
    at = token_put(at + address, flow->local_port, 2);
    memcpy(at, flow->remote, address);
    return token_put(at + address, flow->remote_port, 2);
}

static size_t flow_size(uint8_t kind)
{
    if (transport_connects(kind & TRANSPORT_MASK))
        return 1 + 8;
    return 1 + 2 * (((kind & FLOW_IPV6) != 0 ? 16U : 4U) + 2);
}

static void read_flow(const uint8_t **at, struct token_flow *flow)
{
    uint8_t kind = *(*at)++;
    *flow = (struct token_flow){.transport = kind & TRANSPORT_MASK, .address_length = (kind & FLOW_IPV6) != 0 ? 16 : 4};
    if (transport_connects(flow->transport)) {
        flow->connection = token_take(at, 8);
        return;
    }
    memcpy(flow->local, *at, flow->address_length);
    *at += flow->address_length;
    flow->local_port = (uint16_t)token_take(at, 2);
    memcpy(flow->remote, *at, flow->address_length);
    *at += flow->address_length;
    flow->remote_port = (uint16_t)token_take(at, 2);
}

/* The texts of the scope may be long, so the seal covers their keyed digests. */
static void seal(const struct token_key *key, const uint8_t *bytes, size_t length, const struct token_scope *scope,
                 uint8_t out[SEAL])
{
    uint8_t whole[SEALED_MOST + 8 + 8], *at = whole + length;
    memcpy(whole, bytes, length);
    at = token_put(at, hash_seal(&key->dialog.call_id, scope->call_id), 8);
    if (scope->domain.length > 0)
        at = token_put(at, hash_seal(&key->dialog.hop, scope->domain), 8);
    token_put(out, hash_seal(&key->dialog.token, (struct text){(const char *)whole, (size_t)(at - whole)}), SEAL);
}

uint32_t token_owner(const struct token_keys *keys, uint8_t id, struct text aor, struct text name)
{
    const struct token_key *key = id == 0 ? &keys->keys[keys->count - 1] : token_key_of(keys, id);
    if (key == NULL)
        return 0;
    uint64_t digest = hash_pair(&key->dialog.hop, hash_seal(&key->dialog.hop, aor), hash_seal(&key->dialog.hop, name));
    return (uint32_t)digest != 0 ? (uint32_t)digest : 1;
}

size_t token_write_dialog(const struct token_keys *keys, struct token_dialog *dialog, const struct token_scope *scope,
                          struct text hop, char *out, size_t size)
{
    uint8_t bytes[SEALED_MOST + SEAL], *at = bytes;
    const struct token_key *key = &keys->keys[keys->count - 1];
    dialog->key = key->id;
    dialog->hop = hop.length > 0 ? hash_seal(&key->dialog.hop, hop) : 0;
    *at++ = key->id;
    *at++ = form_of(dialog);
    at = write_flow(&dialog->flows[TOKEN_CALLER], at);
    at = write_flow(&dialog->flows[TOKEN_CALLEE], at);
    at = token_put(at, dialog->hop, 8);
    if ((bytes[1] & FORM_OWNERS) != 0) {
        at = token_put(at, dialog->owners[TOKEN_CALLER], 4);
        at = token_put(at, dialog->owners[TOKEN_CALLEE], 4);
    }
    seal(key, bytes, (size_t)(at - bytes), scope, at);
    size_t length = (size_t)(at - bytes) + SEAL;
    if (size <= mark.length + (length * 4 + 2) / 3)
        return 0;
    memcpy(out, mark.at, mark.length);
    size_t written = mark.length + token_encode(bytes, length, out + mark.length);
    out[written] = '\0';
    return written;
}

static bool has_form(const uint8_t *bytes, size_t length)
{
    size_t caller = length > 2 ? flow_size(bytes[2]) : 0;
    if (length <= 2 + caller || bytes[0] == 0 || (bytes[1] & ~FORM_ALL) != 0)
        return false;
    size_t owners = (bytes[1] & FORM_OWNERS) != 0 ? OWNERS : 0;
    return length == 2 + caller + flow_size(bytes[2 + caller]) + 8 + owners + SEAL;
}

bool token_is_dialog(struct text token)
{
    /* Tokens of earlier versions had no prefix, but dots in other places. */
    return token.length > 0 && memchr(token.at, '.', token.length) != NULL;
}

static size_t decode(struct text token, uint8_t bytes[TOKEN_BYTES_MOST])
{
    if (token.length <= mark.length || memcmp(token.at, mark.at, mark.length) != 0)
        return 0;
    return token_decode((struct text){token.at + mark.length, token.length - mark.length}, bytes);
}

bool token_read_dialog(const struct token_keys *keys, struct text token, const struct token_scope *scope,
                       struct token_dialog *dialog)
{
    uint8_t bytes[TOKEN_BYTES_MOST], expected[SEAL];
    const uint8_t *at = bytes + 2;
    size_t length = decode(token, bytes);
    const struct token_key *key = has_form(bytes, length) ? token_key_of(keys, bytes[0]) : NULL;
    if (key == NULL)
        return false;
    seal(key, bytes, length - SEAL, scope, expected);
    if (CRYPTO_memcmp(expected, bytes + length - SEAL, SEAL) != 0)
        return false;
    *dialog = (struct token_dialog){.key = key->id};
    read_form(bytes[1], dialog);
    read_flow(&at, &dialog->flows[TOKEN_CALLER]);
    read_flow(&at, &dialog->flows[TOKEN_CALLEE]);
    dialog->hop = token_take(&at, 8);
    for (unsigned side = 0; side < 2 && (bytes[1] & FORM_OWNERS) != 0; side++)
        dialog->owners[side] = (uint32_t)token_take(&at, 4);
    return true;
}

bool token_dialog_leads_to(const struct token_keys *keys, const struct token_dialog *dialog, struct text hop)
{
    const struct token_key *key = token_key_of(keys, dialog->key);
    return key != NULL && hop.length > 0 && (hash_seal(&key->dialog.hop, hop) ^ dialog->hop) == 0;
}
