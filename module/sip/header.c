// SPDX-License-Identifier: BSD-2-Clause
#include "sip/internal.h"

static bool equal_nocase(const char *at, const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (sip_lower(at[i]) != sip_lower(name[i]))
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

/* Most senders write a name as the RFCs do. Then the comparison is one of a few words, which the compiler unrolls. */
#define IS(header, spelling)                                                                                           \
    found = (header);                                                                                                  \
    name = (spelling);                                                                                                 \
    same = memcmp(text.at, (spelling), sizeof(spelling) - 1) == 0;                                                     \
    break

/* No two names share length, first and third letter. */
#define KEY(length, first, third) ((unsigned)(length) << 16 | (unsigned)(first) << 8 | (unsigned)(third))
/* clang-format off */
enum sip_header sip_header_find(struct text text)
{
    text = sip_header_long_name(text);
    if (text.length < 2)
        return HEADER_OTHER;
    enum sip_header found;
    const char *name;
    bool same;
    char third = text.length > 2 ? sip_lower(text.at[2]) : '\0';
    switch (KEY(text.length, sip_lower(text.at[0]), third)) {
    case KEY(3, 'v', 'a'): IS(HEADER_VIA, "Via");
    case KEY(4, 'f', 'o'): IS(HEADER_FROM, "From");
    case KEY(2, 't', '\0'): IS(HEADER_TO, "To");
    case KEY(7, 'c', 'l'): IS(HEADER_CALL_ID, "Call-ID");
    case KEY(4, 'c', 'e'): IS(HEADER_CSEQ, "CSeq");
    case KEY(7, 'c', 'n'): IS(HEADER_CONTACT, "Contact");
    case KEY(12, 'm', 'x'): IS(HEADER_MAX_FORWARDS, "Max-Forwards");
    case KEY(5, 'r', 'u'): IS(HEADER_ROUTE, "Route");
    case KEY(12, 'r', 'c'): IS(HEADER_RECORD_ROUTE, "Record-Route");
    case KEY(4, 'p', 't'): IS(HEADER_PATH, "Path");
    case KEY(13, 's', 'r'): IS(HEADER_SERVICE_ROUTE, "Service-Route");
    case KEY(7, 'e', 'p'): IS(HEADER_EXPIRES, "Expires");
    case KEY(11, 'm', 'n'): IS(HEADER_MIN_EXPIRES, "Min-Expires");
    case KEY(6, 'm', 'n'): IS(HEADER_MIN_SE, "Min-SE");
    case KEY(7, 'r', 'q'): IS(HEADER_REQUIRE, "Require");
    case KEY(13, 'p', 'o'): IS(HEADER_PROXY_REQUIRE, "Proxy-Require");
    case KEY(9, 's', 'p'): IS(HEADER_SUPPORTED, "Supported");
    case KEY(11, 'u', 's'): IS(HEADER_UNSUPPORTED, "Unsupported");
    case KEY(11, 'r', 't'): IS(HEADER_RETRY_AFTER, "Retry-After");
    case KEY(10, 'f', 'o'): IS(HEADER_FLOW_TIMER, "Flow-Timer");
    case KEY(16, 'w', 'w'): IS(HEADER_WWW_AUTHENTICATE, "WWW-Authenticate");
    case KEY(18, 'p', 'o'): IS(HEADER_PROXY_AUTHENTICATE, "Proxy-Authenticate");
    case KEY(13, 'a', 't'): IS(HEADER_AUTHORIZATION, "Authorization");
    case KEY(19, 'p', 'o'): IS(HEADER_PROXY_AUTHORIZATION, "Proxy-Authorization");
    case KEY(5, 'e', 'e'): IS(HEADER_EVENT, "Event");
    case KEY(12, 'c', 'n'): IS(HEADER_CONTENT_TYPE, "Content-Type");
    case KEY(14, 'c', 'n'): IS(HEADER_CONTENT_LENGTH, "Content-Length");
    case KEY(11, 'm', 'x'): IS(HEADER_MAX_BREADTH, "Max-Breadth");
    default: return HEADER_OTHER;
    }
    return same || equal_nocase(text.at, name, text.length) ? found : HEADER_OTHER;
}
/* clang-format on */
