// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_JSON_H
#define REFLOW_BASE_JSON_H

#include <stdint.h>

#include "core/text.h"

/* JSON is written here alone (RFC 8259). The output is valid whatever bytes the texts have: UTF-8 stays as it is, '"',
   '\' and control characters are escaped, and each byte that is not UTF-8 becomes U+FFFD. */

enum { JSON_ESCAPE_MOST = 6 }; /* bytes that one byte of a text becomes, at most */

/* Takes the next piece of a JSON string off the front of *text, which is not empty, and returns what to write for it:
   bytes of the text itself, or an escape in `escape`. */
struct text json_piece(struct text *text, char escape[JSON_ESCAPE_MOST + 1]);

/* A writer of objects and arrays, without white space. `put` takes the bytes in order. */
struct json {
    void (*put)(void *context, struct text bytes);
    void *context;
    bool has_member; /* the open object or array is not empty, so that a comma comes before the next */
};

/* Begin an object or array: a member of the open object, or without a name (NULL) the value itself or an element of the
   open array. Names are ASCII without characters that JSON escapes. */
void json_open(struct json *json, const char *name);
void json_close(struct json *json);
void json_open_array(struct json *json, const char *name);
void json_close_array(struct json *json);

/* A member of the open object. After json_name() the caller puts the value itself. */
void json_name(struct json *json, const char *name);
void json_put_number(struct json *json, const char *name, uint64_t value);
void json_put_true(struct json *json, const char *name);
void json_put_text(struct json *json, const char *name, struct text value);

/* A member with a text whose length a stranger may have chosen: cut as by json_put_start() after JSON_FOREIGN_MOST
   bytes. If the text is empty, there is no member. */
enum { JSON_FOREIGN_MOST = 1024 };
void json_put_foreign(struct json *json, const char *name, struct text value);

/* A member that is a string, in parts: json_quote(), any number of parts, json_unquote(). */
void json_quote(struct json *json, const char *name);
void json_put_part(struct json *json, struct text part);
void json_put_start(struct json *json, struct text part, size_t most); /* of a longer one `most` bytes and "..." */
void json_unquote(struct json *json);

#endif
