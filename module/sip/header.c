// SPDX-License-Identifier: BSD-2-Clause
#include "sip/internal.h"

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

/* No two names share length, first and third letter. */
#define KEY(length, first, third) ((unsigned)(length) << 16 | (unsigned)(first) << 8 | (unsigned)(third))
/* clang-format off */
enum sip_header sip_header_find(struct text text)
{
    text = sip_header_long_name(text);
    if (text.length < 2)
        return HEADER_OTHER;
    char third = text.length > 2 ? sip_lower(text.at[2]) : '\0';
    switch (KEY(text.length, sip_lower(text.at[0]), third)) {
    case KEY(3, 'v', 'a'): return same(text, TEXT("via")) ? HEADER_VIA : HEADER_OTHER;
    case KEY(4, 'f', 'o'): return same(text, TEXT("from")) ? HEADER_FROM : HEADER_OTHER;
    case KEY(2, 't', '\0'): return same(text, TEXT("to")) ? HEADER_TO : HEADER_OTHER;
    case KEY(7, 'c', 'l'): return same(text, TEXT("call-id")) ? HEADER_CALL_ID : HEADER_OTHER;
    case KEY(4, 'c', 'e'): return same(text, TEXT("cseq")) ? HEADER_CSEQ : HEADER_OTHER;
    case KEY(7, 'c', 'n'): return same(text, TEXT("contact")) ? HEADER_CONTACT : HEADER_OTHER;
    case KEY(12, 'm', 'x'): return same(text, TEXT("max-forwards")) ? HEADER_MAX_FORWARDS : HEADER_OTHER;
    case KEY(5, 'r', 'u'): return same(text, TEXT("route")) ? HEADER_ROUTE : HEADER_OTHER;
    case KEY(12, 'r', 'c'): return same(text, TEXT("record-route")) ? HEADER_RECORD_ROUTE : HEADER_OTHER;
    case KEY(4, 'p', 't'): return same(text, TEXT("path")) ? HEADER_PATH : HEADER_OTHER;
    case KEY(13, 's', 'r'): return same(text, TEXT("service-route")) ? HEADER_SERVICE_ROUTE : HEADER_OTHER;
    case KEY(7, 'e', 'p'): return same(text, TEXT("expires")) ? HEADER_EXPIRES : HEADER_OTHER;
    case KEY(11, 'm', 'n'): return same(text, TEXT("min-expires")) ? HEADER_MIN_EXPIRES : HEADER_OTHER;
    case KEY(6, 'm', 'n'): return same(text, TEXT("min-se")) ? HEADER_MIN_SE : HEADER_OTHER;
    case KEY(7, 'r', 'q'): return same(text, TEXT("require")) ? HEADER_REQUIRE : HEADER_OTHER;
    case KEY(13, 'p', 'o'): return same(text, TEXT("proxy-require")) ? HEADER_PROXY_REQUIRE : HEADER_OTHER;
    case KEY(9, 's', 'p'): return same(text, TEXT("supported")) ? HEADER_SUPPORTED : HEADER_OTHER;
    case KEY(11, 'u', 's'): return same(text, TEXT("unsupported")) ? HEADER_UNSUPPORTED : HEADER_OTHER;
    case KEY(11, 'r', 't'): return same(text, TEXT("retry-after")) ? HEADER_RETRY_AFTER : HEADER_OTHER;
    case KEY(10, 'f', 'o'): return same(text, TEXT("flow-timer")) ? HEADER_FLOW_TIMER : HEADER_OTHER;
    case KEY(16, 'w', 'w'): return same(text, TEXT("www-authenticate")) ? HEADER_WWW_AUTHENTICATE : HEADER_OTHER;
    case KEY(18, 'p', 'o'): return same(text, TEXT("proxy-authenticate")) ? HEADER_PROXY_AUTHENTICATE : HEADER_OTHER;
    case KEY(13, 'a', 't'): return same(text, TEXT("authorization")) ? HEADER_AUTHORIZATION : HEADER_OTHER;
    case KEY(19, 'p', 'o'): return same(text, TEXT("proxy-authorization")) ? HEADER_PROXY_AUTHORIZATION : HEADER_OTHER;
    case KEY(5, 'e', 'e'): return same(text, TEXT("event")) ? HEADER_EVENT : HEADER_OTHER;
    case KEY(12, 'c', 'n'): return same(text, TEXT("content-type")) ? HEADER_CONTENT_TYPE : HEADER_OTHER;
    case KEY(14, 'c', 'n'): return same(text, TEXT("content-length")) ? HEADER_CONTENT_LENGTH : HEADER_OTHER;
    case KEY(11, 'm', 'x'): return same(text, TEXT("max-breadth")) ? HEADER_MAX_BREADTH : HEADER_OTHER;
    default: return HEADER_OTHER;
    }
}
/* clang-format on */
