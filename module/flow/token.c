// SPDX-License-Identifier: BSD-2-Clause
#include "flow/token_private.h"

#include <openssl/crypto.h>

/* Layout: key id, form, local address and port, remote address and port, run, connection, seal. Numbers in network
   order. */

enum { SEAL = 16, FIXED = 2 + 2 + 2 + 4 + 8, BYTES_MOST = FIXED + 32 + SEAL, FORM_IPV6 = 0x20, TRANSPORT_MASK = 0x1f };

_Static_assert(BYTES_MOST <= (int)TOKEN_BYTES_MOST, "a flow token is decoded into TOKEN_BYTES_MOST bytes");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

uint8_t *token_put(uint8_t *at, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0)
        *at++ = (uint8_t)(number >> 8 * bytes);
    return at;
}

uint64_t token_take(const uint8_t **at, unsigned bytes)
{
    uint64_t number = 0;
    while (bytes-- > 0)
        number = number << 8 | *(*at)++;
    return number;
}

size_t token_encode(const uint8_t *bytes, size_t length, char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < length; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        size_t left = length - i < 3 ? length - i : 3;
        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        for (size_t k = 0; k <= left; k++)
            out[written++] = alphabet[group >> (18 - 6 * k) & 0x3f];
    }
    return written;
}

/* The place of each character in the alphabet; 255: it is not there. */
/* clang-format off */
static const uint8_t digits[128] = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,  62, 255, 255,
     52,  53,  54,  55,  56,  57,  58,  59,  60,  61, 255, 255, 255, 255, 255, 255,
    255,   0,   1,   2,   3,   4,   5,   6,   7,   8,   9,  10,  11,  12,  13,  14,
     15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25, 255, 255, 255, 255,  63,
    255,  26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,  37,  38,  39,  40,
     41,  42,  43,  44,  45,  46,  47,  48,  49,  50,  51, 255, 255, 255, 255, 255,
};
/* clang-format on */

static unsigned digit(char c)
{
    return (unsigned char)c < sizeof digits ? digits[(unsigned char)c] : 255;
}

size_t token_decode(struct text text, uint8_t out[TOKEN_BYTES_MOST])
{
    size_t written = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    if (text.length % 4 == 1 || text.length * 3 / 4 > TOKEN_BYTES_MOST)
        return 0;
    for (size_t i = 0; i < text.length; i++) {
        const unsigned value = digit(text.at[i]);
        if (value > 63)
            return 0;
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[written++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & ((1U << held) - 1)) != 0 ? 0 : written;
}

static bool seal(const struct token_key *key, const uint8_t *bytes, size_t length, uint8_t out[SEAL])
{
    uint8_t whole[EVP_MAX_MD_SIZE];
    size_t size = 0;
    bool sealed = EVP_MAC_init(key->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(key->mac, bytes, length) == 1 &&
                  EVP_MAC_final(key->mac, whole, &size, sizeof whole) == 1 && size >= SEAL;
    if (sealed)
        memcpy(out, whole, SEAL);
    OPENSSL_cleanse(whole, sizeof whole);
    return sealed;
}

size_t token_write(struct token_keys *keys, const struct token_flow *flow, char *out, size_t size)
{
    uint8_t bytes[BYTES_MOST], *at = bytes;
    const struct token_key *key = &keys->keys[keys->count - 1];
    size_t address = flow->address_length == 4 ? 4 : 16;
    size_t length = FIXED + 2 * address;
    if (flow->transport > TRANSPORT_MASK || (flow->address_length != 4 && flow->address_length != 16) ||
        size <= ((length + SEAL) * 4 + 2) / 3)
        return 0;
    *at++ = key->id;
    *at++ = (uint8_t)(flow->transport | (address == 16 ? FORM_IPV6 : 0));
    memcpy(at, flow->local, address);
    at = token_put(at + address, flow->local_port, 2);
    memcpy(at, flow->remote, address);
    at = token_put(at + address, flow->remote_port, 2);
    at = token_put(at, flow->run, 4);
    at = token_put(at, flow->connection, 8);
    if (!seal(key, bytes, length, at))
        return 0;
    size_t written = token_encode(bytes, length + SEAL, out);
    out[written] = '\0';
    return written;
}

const struct token_key *token_key_of(const struct token_keys *keys, uint8_t id)
{
    for (size_t i = keys->count; i > 0; i--) {
        if (keys->keys[i - 1].id == id)
            return &keys->keys[i - 1];
    }
    return NULL;
}

static bool has_form(const uint8_t *bytes, size_t length)
{
    if (length < 2 || bytes[0] == 0 || (bytes[1] & ~(FORM_IPV6 | TRANSPORT_MASK)) != 0)
        return false;
    return length == FIXED + 2 * ((bytes[1] & FORM_IPV6) != 0 ? 16U : 4U) + SEAL;
}

static void read_flow(const uint8_t *bytes, struct token_flow *flow)
{
    const uint8_t *at = bytes + 2;
    *flow = (struct token_flow){.transport = bytes[1] & TRANSPORT_MASK,
                                .address_length = (bytes[1] & FORM_IPV6) != 0 ? 16 : 4};
    memcpy(flow->local, at, flow->address_length);
    at += flow->address_length;
    flow->local_port = (uint16_t)token_take(&at, 2);
    memcpy(flow->remote, at, flow->address_length);
    at += flow->address_length;
    flow->remote_port = (uint16_t)token_take(&at, 2);
    flow->run = (uint32_t)token_take(&at, 4);
    flow->connection = token_take(&at, 8);
}

enum token_verdict token_read(struct token_keys *keys, struct text token, struct token_flow *flow)
{
    uint8_t bytes[TOKEN_BYTES_MOST], expected[SEAL];
    size_t length = token_decode(token, bytes);
    if (!has_form(bytes, length))
        return TOKEN_FORGED;
    const struct token_key *key = token_key_of(keys, bytes[0]);
    if (key == NULL)
        return TOKEN_UNKNOWN_KEY;
    if (!seal(key, bytes, length - SEAL, expected) || CRYPTO_memcmp(expected, bytes + length - SEAL, SEAL) != 0)
        return TOKEN_FORGED;
    read_flow(bytes, flow);
    return TOKEN_GOOD;
}

uint8_t token_key_id(struct text token)
{
    uint8_t bytes[TOKEN_BYTES_MOST];
    size_t length = token_decode(token, bytes);
    return has_form(bytes, length) ? bytes[0] : 0;
}

const char *token_verdict_name(enum token_verdict verdict)
{
    static const char *const names[] = {"good", "forged", "unknown key"};
    return (unsigned)verdict < sizeof names / sizeof names[0] ? names[verdict] : "?";
}
