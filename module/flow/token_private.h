// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_TOKEN_PRIVATE_H
#define REFLOW_FLOW_TOKEN_PRIVATE_H

#include <openssl/evp.h>

#include "flow/token.h"

/* The key ring: token.c seals with it, token_keys.c keeps it, token_file.c stores it. */

enum { TOKEN_SECRET = 32 };

struct token_key {
    uint8_t id;
    int64_t created_at;
    uint8_t secret[TOKEN_SECRET];
    EVP_MAC_CTX *mac; /* keyed, set back before each use */
};

struct token_keys {
    const struct host *host;
    EVP_MAC *algorithm;
    struct token_key keys[TOKEN_KEYS_MOST]; /* oldest first; the last one signs */
    size_t count;
    char *path; /* NULL: in memory */
};

/* What is read from a file before it becomes a ring. */
struct token_key_list {
    struct token_key keys[TOKEN_KEYS_MOST];
    size_t count;
};

/* token_file.c: 0; -ENOENT where there is none, else as token_keys_open. write: 0, a negative errno, or, with
   only_new, -EEXIST where another process was faster. */
int token_file_read(const char *path, struct token_key_list *list, char *error, size_t error_size);
int token_file_write(const char *path, const struct token_key *keys, size_t count, bool only_new);

#endif
