// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_TOKEN_PRIVATE_H
#define REFLOW_FLOW_TOKEN_PRIVATE_H

#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "flow/token.h"

/* The key ring. token.c and token_dialog.c use it for seals, token_keys.c maintains it, and token_file.c stores it. */

enum { TOKEN_SECRET = 32, TOKEN_BYTES_MOST = 104 };

/* The keys for dialog tokens, derived from the secret so that a seal of one kind is not valid for another kind. */
struct token_dialog_keys {
    struct hash_key call_id, hop, token;
};

struct token_key {
    uint8_t id;
    int64_t created_at;
    uint8_t secret[TOKEN_SECRET];
    EVP_MAC_CTX *mac; /* has its key; reset before each use */
    struct token_dialog_keys dialog;
};

struct token_keys {
    const struct host *host;
    EVP_MAC *algorithm;
    struct token_key keys[TOKEN_KEYS_MOST]; /* oldest first; the last one signs */
    size_t count;
    char *path;       /* NULL: in memory */
    struct stat seen; /* of the file at the last token_keys_follow(); zeroed before the first */
};

/* The content of a file before it becomes a ring. */
struct token_key_list {
    struct token_key keys[TOKEN_KEYS_MOST];
    size_t count;
};

/* In token.c. Writes a number of `size` bytes in network order; returns the position behind it. */
uint8_t *token_put(uint8_t *at, uint64_t number, unsigned bytes);
uint64_t token_take(const uint8_t **at, unsigned bytes);
/* base64url without padding. token_encode() writes no NUL. token_decode() returns 0 for text that is not base64url,
   is not the canonical spelling of its bytes, or is too long. */
size_t token_encode(const uint8_t *bytes, size_t length, char *out);
size_t token_decode(struct text text, uint8_t out[TOKEN_BYTES_MOST]);
const struct token_key *token_key_of(const struct token_keys *keys, uint8_t id); /* NULL: the ring has no such key */

/* In token_file.c. read: 0, -ENOENT if there is no file, or the errors of token_keys_open(). write: 0 or a negative
   errno; with only_new, -EEXIST if another process has created the file meanwhile. */
int token_file_read(const char *path, struct token_key_list *list, char *error, size_t error_size);
int token_file_write(const char *path, const struct token_key *keys, size_t count, bool only_new);
/* Locks the file that has this name until token_file_unlock(), also if another process replaces it meanwhile. Returns a
   descriptor, or a negative errno. */
int token_file_lock(const char *path);
void token_file_unlock(int descriptor); /* a negative one is fine */
/* 0, or a negative errno with a line in `error`: a file cannot be created under this name. */
int token_file_may_create(const char *path, char *error, size_t error_size);

#endif
