// SPDX-License-Identifier: BSD-2-Clause
#include "sent_check.h"

#include "sip/frame.h"

static size_t header_length(const struct sent *sent)
{
    const char *end = memmem(sent->bytes, sent->length, "\r\n\r\n", 4);
    return end != NULL ? (size_t)(end - sent->bytes) + 4 : 0;
}

const char *sent_check_frame(const struct sent *sent)
{
    const struct sip_limits limits = {.message = 1U << 20};
    size_t resume = 0, cut = 0, header = header_length(sent);
    if (header == 0)
        return "the header has no end";
    for (size_t i = 0; i < header; i++) {
        if ((sent->bytes[i] == '\n') != (i > 0 && sent->bytes[i - 1] == '\r'))
            return "a line ends with something other than CRLF";
    }
    if (sip_frame(sent->bytes, sent->length, &limits, &resume, &cut) != FRAME_MESSAGE)
        return "a stream does not cut a message from it";
    return cut == sent->length ? NULL : "a stream cuts it in two";
}

const char *sent_check_message(struct fake_host *fake, const struct sent *sent)
{
    const struct sip_limits limits = {.message = 1U << 20, .fields = 512, .line = 1U << 17};
    struct sip_message *message = NULL;
    struct sip_fault fault;
    const char *problem = sent_check_frame(sent);
    if (problem != NULL)
        return problem;
    int error = sip_message_new(&message, &fake->host, sent->bytes, sent->length, &limits, &fault);
    sip_message_delete(message);
    return error == 0 ? NULL : fault.what != NULL ? fault.what : "it cannot be read";
}

/* Compact forms are copied as they came. */
static bool is_own_name(struct text name)
{
    static const char *const names[] = {
        "Via",         "v",           "From",           "f",          "To",           "t",
        "Call-ID",     "i",           "CSeq",           "Timestamp",  "Record-Route", "Contact",
        "Path",        "Supported",   "Require",        "Flow-Timer", "Retry-After",  "Unsupported",
        "Min-Expires", "Max-Breadth", "Content-Length", "Allow",      "Expires",      "Date",
        "Server"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_equal_nocase(name, text_of(names[i])))
            return true;
    }
    return false;
}

/* Some devices write a space before the colon, which is copied. */
static const char *check_line(const char *at, const char *end)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (*at == ' ' || *at == '\t')
        return "a line is folded";
    if (colon == NULL)
        return "a line has no colon";
    while (colon > at && (colon[-1] == ' ' || colon[-1] == '\t'))
        colon--;
    return is_own_name((struct text){at, (size_t)(colon - at)}) ? NULL
                                                                : "a line has a name that the server never writes";
}

const char *sent_check_answer(const struct sent *sent, size_t received, size_t more)
{
    const char *problem = sent_check_frame(sent);
    if (problem != NULL)
        return problem;
    if (sent->length > received + more)
        return "it is longer than it may be";
    const char *end = sent->bytes + header_length(sent) - 2;
    const char *at = strstr(sent->bytes, "\r\n") + 2;
    while (problem == NULL && at < end) {
        const char *stop = strstr(at, "\r\n");
        problem = check_line(at, stop);
        at = stop + 2;
    }
    return problem;
}
