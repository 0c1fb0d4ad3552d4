// SPDX-License-Identifier: BSD-2-Clause
#include "base/transport.h"

/* clang-format off */
static const struct row {
    const char *name, *word, *uri_parameter;
    uint16_t port;
    bool reliable, connects, callable, secure, websocket;
} transports[TRANSPORT_COUNT + 1] = {
    /*                  Via    word   URI parameter     port  reliable connects callable secure websocket */
    [TRANSPORT_UDP] = {"UDP", "udp", "",                5060, false,   false,   true,    false, false},
    [TRANSPORT_TCP] = {"TCP", "tcp", ";transport=tcp",  5060, true,    true,    true,    false, false},
    [TRANSPORT_TLS] = {"TLS", "tls", ";transport=tls",  5061, true,    true,    true,    true,  false},
    [TRANSPORT_WS] =  {"WS",  "ws",  ";transport=ws",   80,   true,    true,    false,   false, true},
    [TRANSPORT_WSS] = {"WSS", "wss", ";transport=ws",   443,  true,    true,    false,   true,  true},
    [TRANSPORT_COUNT] = {"?", "?", "",              5060, true,    true,    false,   false, false}, /* of a later version */
};
/* clang-format on */

static const struct row *row_of(unsigned transport)
{
    return &transports[transport < TRANSPORT_COUNT ? transport : TRANSPORT_COUNT];
}

const char *transport_name(unsigned transport)
{
    return row_of(transport)->name;
}

const char *transport_word(unsigned transport)
{
    return row_of(transport)->word;
}

bool transport_of_word(struct text word, enum transport *transport)
{
    for (unsigned i = 0; i < TRANSPORT_COUNT; i++) {
        if (text_equal_nocase(word, text_of(transports[i].word))) {
            *transport = (enum transport)i;
            return true;
        }
    }
    return false;
}

const char *transport_uri_parameter(unsigned transport)
{
    return row_of(transport)->uri_parameter;
}

uint16_t transport_port(unsigned transport)
{
    return row_of(transport)->port;
}

bool transport_is_reliable(unsigned transport)
{
    return row_of(transport)->reliable;
}

bool transport_connects(unsigned transport)
{
    return row_of(transport)->connects;
}

bool transport_may_be_called(unsigned transport)
{
    return row_of(transport)->callable;
}

bool transport_is_secure(unsigned transport)
{
    return row_of(transport)->secure;
}

bool transport_is_websocket(unsigned transport)
{
    return row_of(transport)->websocket;
}
