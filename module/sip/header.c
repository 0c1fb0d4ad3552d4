// SPDX-License-Identifier: BSD-2-Clause
#include "sip/internal.h"

struct known {
    struct text name;
    uint8_t id;
};

/* clang-format off */
static const struct known KNOWN[] = {
    {{"via", 3}, HEADER_VIA},
    {{"from", 4}, HEADER_FROM},
    {{"to", 2}, HEADER_TO},
    {{"call-id", 7}, HEADER_CALL_ID},
    {{"cseq", 4}, HEADER_CSEQ},
    {{"contact", 7}, HEADER_CONTACT},
    {{"max-forwards", 12}, HEADER_MAX_FORWARDS},
    {{"route", 5}, HEADER_ROUTE},
    {{"record-route", 12}, HEADER_RECORD_ROUTE},
    {{"path", 4}, HEADER_PATH},
    {{"service-route", 13}, HEADER_SERVICE_ROUTE},
    {{"expires", 7}, HEADER_EXPIRES},
    {{"min-expires", 11}, HEADER_MIN_EXPIRES},
    {{"min-se", 6}, HEADER_MIN_SE},
    {{"require", 7}, HEADER_REQUIRE},
    {{"proxy-require", 13}, HEADER_PROXY_REQUIRE},
    {{"supported", 9}, HEADER_SUPPORTED},
    {{"unsupported", 11}, HEADER_UNSUPPORTED},
    {{"retry-after", 11}, HEADER_RETRY_AFTER},
    {{"flow-timer", 10}, HEADER_FLOW_TIMER},
    {{"www-authenticate", 16}, HEADER_WWW_AUTHENTICATE},
    {{"proxy-authenticate", 18}, HEADER_PROXY_AUTHENTICATE},
    {{"event", 5}, HEADER_EVENT},
    {{"content-type", 12}, HEADER_CONTENT_TYPE},
    {{"content-length", 14}, HEADER_CONTENT_LENGTH},
    {{"max-breadth", 11}, HEADER_MAX_BREADTH},
};
/* clang-format on */

static bool same(struct text name, struct text lower)
{
    if (name.length != lower.length)
        return false;
    for (size_t i = 0; i < name.length; i++)
        if (sip_lower(name.at[i]) != lower.at[i])
            return false;
    return true;
}

/* The compact forms that are registered. */
struct text sip_header_long_name(struct text name)
{
    if (name.length != 1)
        return name;
    switch (sip_lower(name.at[0])) {
    case 'a':
        return TEXT("accept-contact");
    case 'b':
        return TEXT("referred-by");
    case 'c':
        return TEXT("content-type");
    case 'd':
        return TEXT("request-disposition");
    case 'e':
        return TEXT("content-encoding");
    case 'f':
        return TEXT("from");
    case 'i':
        return TEXT("call-id");
    case 'j':
        return TEXT("reject-contact");
    case 'k':
        return TEXT("supported");
    case 'l':
        return TEXT("content-length");
    case 'm':
        return TEXT("contact");
    case 'n':
        return TEXT("identity-info");
    case 'o':
        return TEXT("event");
    case 'r':
        return TEXT("refer-to");
    case 's':
        return TEXT("subject");
    case 't':
        return TEXT("to");
    case 'u':
        return TEXT("allow-events");
    case 'v':
        return TEXT("via");
    case 'x':
        return TEXT("session-expires");
    case 'y':
        return TEXT("identity");
    default:
        return name;
    }
}

enum sip_header sip_header_find(struct text name)
{
    name = sip_header_long_name(name);
    if (name.length == 0)
        return HEADER_OTHER;
    char first = sip_lower(name.at[0]);
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        if (KNOWN[i].name.length == name.length && KNOWN[i].name.at[0] == first && same(name, KNOWN[i].name))
            return (enum sip_header)KNOWN[i].id;
    return HEADER_OTHER;
}
