// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "core/code.h"
#include "sip/internal.h"

/*
 * Lines end in CRLF. A bare LF or CR among the header fields is a fault: bytes are forwarded as received, and the next
 * element might see other lines than this one. After the fault the scan continues as if the LF were CRLF, so that the
 * fields for the response are found.
 */

size_t sip_scan_count(const char *bytes, size_t length, size_t limit)
{
    const char *at = bytes, *end = bytes + length;
    size_t count = 0;
    while (at < end && count < limit) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        if (feed == NULL)
            return count + 1;
        if (feed == at || (feed == at + 1 && *at == '\r'))
            return count;
        at = feed + 1;
        count++;
    }
    return count;
}

/* Reads one line, without its end, from *at and advances *at. */
static struct text next_line(struct sip_message *message, const char **at, struct sip_fault *fault)
{
    const char *start = *at, *end = message->bytes.at + message->bytes.length;
    const char *feed = memchr(start, '\n', (size_t)(end - start));
    const char *stop = feed != NULL ? feed : end;
    *at = feed != NULL ? feed + 1 : end;
    const char *carriage = memchr(start, '\r', (size_t)(stop - start));
    if (feed == NULL)
        sip_fault_set(fault, message, end, SIP_BAD_REQUEST, "the header ends without an empty line");
    else if (carriage == NULL)
        sip_fault_set(fault, message, feed, SIP_BAD_REQUEST, "LF without CR before it");
    else if (carriage + 1 != feed)
        sip_fault_set(fault, message, carriage, SIP_BAD_REQUEST, "CR without LF after it");
    if (stop > start && stop[-1] == '\r')
        stop--;
    return sip_between(start, stop);
}

/* "SIP/2.0", in any case (RFC 3261 7.1). */
static bool is_version(struct text text)
{
    return text_equal_nocase(text, TEXT("SIP/2.0"));
}

static bool looks_like_version(struct text text)
{
    return text.length > 4 && text_equal_nocase((struct text){text.at, 4}, TEXT("SIP/"));
}

static void read_request_line(struct sip_message *message, struct text line, struct sip_fault *fault)
{
    const char *end = line.at + line.length;
    const char *first = memchr(line.at, ' ', line.length);
    const char *last = memrchr(line.at, ' ', line.length);
    message->method = sip_between(line.at, first != NULL ? first : end);
    message->method_id = (uint8_t)method_find(message->method.at, message->method.length);
    if (!sip_is_token(message->method)) {
        sip_fault_set(fault, message, line.at, SIP_BAD_REQUEST, "the request line has no valid method");
        message->method = (struct text){0};
        return;
    }
    if (first == NULL || last - first < 2) {
        sip_fault_set(fault, message, line.at, SIP_BAD_REQUEST, "the request line does not have three parts");
        return;
    }
    message->request_uri = sip_between(first + 1, last);
    struct text version = sip_between(last + 1, end);
    if (looks_like_version(version) && !is_version(version))
        sip_fault_set(fault, message, version.at, SIP_VERSION_NOT_SUPPORTED, "the version is not SIP/2.0");
    else if (!is_version(version))
        sip_fault_set(fault, message, version.at, SIP_BAD_REQUEST, "the request line does not end in SIP/2.0");
}

/* The reason phrase may be empty, and then the space before it may be missing. */
static void read_status_line(struct sip_message *message, struct text line, struct sip_fault *fault)
{
    const char *end = line.at + line.length;
    const char *space = memchr(line.at, ' ', line.length);
    if (space == NULL || !is_version(sip_between(line.at, space))) {
        sip_fault_set(fault, message, line.at, SIP_VERSION_NOT_SUPPORTED, "the version is not SIP/2.0");
        return;
    }
    const char *code = space + 1;
    space = memchr(code, ' ', (size_t)(end - code));
    struct text digits = sip_between(code, space != NULL ? space : end);
    uint64_t status = 0;
    if (digits.length != 3 || !sip_digits(digits, &status) || code_class((uint32_t)status) == CLASS_MALFORMED)
        sip_fault_set(fault, message, code, SIP_BAD_REQUEST, "the status code is not a number from 100 to 699");
    message->status = (uint32_t)status;
    if (space != NULL)
        message->phrase = sip_between(space + 1, end);
}

static void read_start_line(struct sip_message *message, const char **at, struct sip_fault *fault)
{
    struct text line = next_line(message, at, fault);
    message->request = !looks_like_version(line);
    if (message->request)
        read_request_line(message, line, fault);
    else
        read_status_line(message, line, fault);
}

static void store_field(struct sip_message *message, struct text name, struct text value, struct text line)
{
    struct sip_field *field = &message->fields[message->field_count++];
    field->name = name;
    field->value = sip_trim(value);
    field->line = line;
    field->id = (uint8_t)sip_header_find(name);
    if (message->first[field->id] == 0)
        message->first[field->id] = (uint32_t)message->field_count;
    else
        message->repeated |= (uint32_t)1 << field->id;
}

/* Reads a header field with its continuation lines from *at and advances *at. Returns false for the empty line. */
static bool read_field(struct sip_message *message, const char **at, struct sip_fault *fault)
{
    const char *start = *at, *end = message->bytes.at + message->bytes.length;
    struct text line = next_line(message, at, fault);
    if (line.length == 0)
        return false;
    while (*at < end && (**at == ' ' || **at == '\t'))
        line = next_line(message, at, fault);
    const char *stop = line.at + line.length;
    const char *name_end = sip_token_end(start, stop);
    const char *colon = name_end;
    while (colon < stop && (*colon == ' ' || *colon == '\t'))
        colon++;
    if (name_end == start)
        sip_fault_set(fault, message, start, SIP_BAD_REQUEST, "a header field has no name");
    else if (colon == stop || *colon != ':')
        sip_fault_set(fault, message, colon, SIP_BAD_REQUEST, "a header field's name is not followed by a colon");
    else
        store_field(message, sip_between(start, name_end), sip_between(colon + 1, stop), sip_between(start, *at));
    return true;
}

/* A NUL is allowed only as a quoted pair; anywhere else it would end C strings too early. */
static void check_nul(struct sip_message *message, const char *end, struct sip_fault *fault)
{
    const char *at = message->bytes.at;
    while ((at = memchr(at, '\0', (size_t)(end - at))) != NULL) {
        if (at == message->bytes.at || at[-1] != '\\')
            sip_fault_set(fault, message, at, SIP_BAD_REQUEST, "NUL outside of a quoted string");
        at++;
    }
}

int sip_scan(struct sip_message *message, const struct sip_limits *limits, struct sip_fault *fault)
{
    const char *at = message->bytes.at, *end = at + message->bytes.length;
    int result = 0;
    bool more = true;
    read_start_line(message, &at, fault);
    while (more && at < end) {
        const char *start = at;
        if (message->field_count == message->field_capacity && *at != '\r' && *at != '\n') {
            sip_fault_set(fault, message, at, SIP_BAD_REQUEST, "too many header fields");
            return -EMSGSIZE;
        }
        more = read_field(message, &at, fault);
        if ((size_t)(at - start) > limits->line) {
            sip_fault_set(fault, message, start, SIP_BAD_REQUEST, "a header field is too long");
            result = -EMSGSIZE;
        }
    }
    if (more)
        sip_fault_set(fault, message, end, SIP_BAD_REQUEST, "the header ends without an empty line");
    check_nul(message, at, fault);
    message->body = sip_between(at, end);
    return result;
}
