// SPDX-License-Identifier: BSD-2-Clause
#include "flow/token_private.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"

/* The life of keys (5626-5.2.b): they survive the process; one of them signs, and the others verify what they have
   signed. */

static void key_forget(struct token_key *key)
{
    EVP_MAC_CTX_free(key->mac);
    OPENSSL_cleanse(key, sizeof *key);
}

/* 0 is not used, because no flow token may begin with a zero byte. */
static bool derive(const struct token_key *key, unsigned char number, unsigned char out[EVP_MAX_MD_SIZE])
{
    const unsigned char label[] = {0, 'd', 'i', 'a', 'l', 'o', 'g', number};
    size_t size = 0;
    return EVP_MAC_init(key->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(key->mac, label, sizeof label) == 1 &&
           EVP_MAC_final(key->mac, out, &size, EVP_MAX_MD_SIZE) == 1 && size >= sizeof(struct hash_key);
}

static void read_hash_key(const unsigned char *bytes, struct hash_key *key)
{
    for (size_t i = 0; i < 2; i++)
        key->word[i] = token_take(&bytes, 8);
}

static bool derive_dialog_keys(struct token_key *key)
{
    struct hash_key *const derived[] = {&key->dialog.call_id, &key->dialog.hop, &key->dialog.token};
    unsigned char bytes[EVP_MAX_MD_SIZE];
    bool fine = true;
    for (unsigned char i = 0; fine && i < 3; i++) {
        fine = derive(key, i, bytes);
        if (fine)
            read_hash_key(bytes, derived[i]);
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return fine;
}

static int key_prepare(const struct token_keys *keys, struct token_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
    key->mac = EVP_MAC_CTX_new(keys->algorithm);
    if (key->mac != NULL && EVP_MAC_init(key->mac, key->secret, sizeof key->secret, parameters) == 1 &&
        derive_dialog_keys(key))
        return 0;
    EVP_MAC_CTX_free(key->mac);
    key->mac = NULL;
    return -ENOMEM;
}

static int64_t wall(const struct token_keys *keys)
{
    return keys->host->wall_s(keys->host->context);
}

/* Ids wrap around; an id that is still in the ring is skipped. */
static uint8_t free_id(const struct token_keys *keys)
{
    unsigned id = keys->count > 0 ? keys->keys[keys->count - 1].id : 0;
    bool taken = true;
    while (taken) {
        id = id % 255 + 1;
        taken = false;
        for (size_t i = 0; i < keys->count; i++)
            taken |= keys->keys[i].id == id;
    }
    return (uint8_t)id;
}

static int key_draw(const struct token_keys *keys, struct token_key *key)
{
    *key = (struct token_key){.id = free_id(keys), .created_at = wall(keys)};
    int error = random_fill(key->secret, sizeof key->secret);
    return error == 0 ? key_prepare(keys, key) : error;
}

static void drop_oldest(struct token_keys *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        key_forget(&keys->keys[i]);
    memmove(keys->keys, keys->keys + count, (keys->count - count) * sizeof keys->keys[0]);
    keys->count -= count;
}

static int rotate(struct token_keys *keys, bool only_new)
{
    struct token_key next[TOKEN_KEYS_MOST];
    struct token_key drawn;
    size_t dropped = keys->count == TOKEN_KEYS_MOST;
    size_t kept = keys->count - dropped;
    int error = key_draw(keys, &drawn);
    if (error != 0)
        return error;
    memcpy(next, keys->keys + dropped, kept * sizeof next[0]);
    next[kept] = drawn;
    if (keys->path != NULL)
        error = token_file_write(keys->path, next, kept + 1, only_new);
    OPENSSL_cleanse(next, sizeof next);
    if (error != 0) {
        key_forget(&drawn);
        return error;
    }
    drop_oldest(keys, dropped);
    keys->keys[keys->count++] = drawn;
    return 0;
}

static int adopt(struct token_keys *keys, struct token_key_list *list)
{
    size_t made = 0;
    while (made < list->count && key_prepare(keys, &list->keys[made]) == 0)
        made++;
    if (made < list->count) {
        for (size_t i = 0; i < list->count; i++)
            key_forget(&list->keys[i]);
        return -ENOMEM;
    }
    drop_oldest(keys, keys->count);
    memcpy(keys->keys, list->keys, list->count * sizeof list->keys[0]);
    keys->count = list->count;
    return 0;
}

int token_keys_reload(struct token_keys *keys, char *error, size_t error_size)
{
    struct token_key_list list = {.count = 0};
    if (keys->path == NULL)
        return 0;
    int result = token_file_read(keys->path, &list, error, error_size);
    if (result == 0)
        result = adopt(keys, &list);
    if (result == -ENOMEM)
        snprintf(error, error_size, "%s: no memory for its keys", keys->path);
    OPENSSL_cleanse(&list, sizeof list);
    return result;
}

static bool same_keys(const struct token_keys *keys, const struct token_key_list *list)
{
    bool same = keys->count == list->count;
    for (size_t i = 0; i < list->count && same; i++)
        same = keys->keys[i].id == list->keys[i].id && keys->keys[i].created_at == list->keys[i].created_at &&
               CRYPTO_memcmp(keys->keys[i].secret, list->keys[i].secret, TOKEN_SECRET) == 0;
    return same;
}

/* A file that is written anew has another inode or another time. */
static bool is_seen(const struct token_keys *keys, const struct stat *now)
{
    const struct stat *seen = &keys->seen;
    return now->st_ino == seen->st_ino && now->st_dev == seen->st_dev && now->st_size == seen->st_size &&
           now->st_mode == seen->st_mode && now->st_uid == seen->st_uid &&
           now->st_ctim.tv_sec == seen->st_ctim.tv_sec && now->st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
}

int token_keys_follow(struct token_keys *keys, char *error, size_t error_size)
{
    struct token_key_list list = {.count = 0};
    struct stat now;
    if (keys->path == NULL)
        return 0;
    memset(&now, 0, sizeof now);
    if (stat(keys->path, &now) == 0 && is_seen(keys, &now))
        return 0;
    keys->seen = now;
    int result = token_file_read(keys->path, &list, error, error_size);
    if (result == 0 && !same_keys(keys, &list))
        result = adopt(keys, &list) == 0 ? 1 : -ENOMEM;
    if (result == -ENOMEM)
        snprintf(error, error_size, "%s: no memory for its keys", keys->path);
    OPENSSL_cleanse(&list, sizeof list);
    return result;
}

int token_keys_check(const char *path, char *error, size_t error_size)
{
    struct token_key_list list = {.count = 0};
    int result = token_file_read(path, &list, error, error_size);
    OPENSSL_cleanse(&list, sizeof list);
    return result == -ENOENT ? token_file_may_create(path, error, error_size) : result;
}

/* --- rotation --- */

/* What other processes have written since is read under the lock, so that none of their keys is lost and no id is given
   twice. A file that is gone is written again. Release *lock in any case. */
static int ring_lock(struct token_keys *keys, int *lock)
{
    char unused[256];
    *lock = keys->path != NULL ? token_file_lock(keys->path) : -ENOENT;
    if (*lock < 0)
        return *lock == -ENOENT ? 0 : *lock;
    return token_keys_reload(keys, unused, sizeof unused);
}

int token_keys_rotate(struct token_keys *keys)
{
    int lock, result = ring_lock(keys, &lock);
    if (result == 0)
        result = rotate(keys, false);
    token_file_unlock(lock);
    return result;
}

static bool is_old(const struct token_keys *keys, int64_t rotate_s)
{
    return wall(keys) - keys->keys[keys->count - 1].created_at >= rotate_s;
}

/* A key has signed until the next one was created. */
static size_t count_stale(const struct token_keys *keys, int64_t keep_s)
{
    size_t stale = 0;
    while (stale + 1 < keys->count && wall(keys) - keys->keys[stale + 1].created_at >= keep_s)
        stale++;
    return stale;
}

static int drop_stale(struct token_keys *keys, size_t stale)
{
    int error = keys->path != NULL ? token_file_write(keys->path, keys->keys + stale, keys->count - stale, false) : 0;
    if (error != 0)
        return error;
    drop_oldest(keys, stale);
    return 1;
}

static int age(struct token_keys *keys, int64_t rotate_s, int64_t keep_s)
{
    int error = is_old(keys, rotate_s) ? rotate(keys, false) : 0;
    if (error != 0)
        return error;
    const size_t stale = count_stale(keys, keep_s);
    return stale > 0 ? drop_stale(keys, stale) : 0;
}

int token_keys_age(struct token_keys *keys, int64_t rotate_s, int64_t keep_s)
{
    const uint8_t signing = keys->keys[keys->count - 1].id;
    int lock, result;
    if (!is_old(keys, rotate_s) && count_stale(keys, keep_s) == 0)
        return 0;
    result = ring_lock(keys, &lock);
    if (result == 0)
        result = age(keys, rotate_s, keep_s);
    token_file_unlock(lock);
    return result == 0 ? keys->keys[keys->count - 1].id != signing : result;
}

/* --- other processes of the same host --- */

_Static_assert(sizeof((struct token_key_image){0}.secret) == TOKEN_SECRET, "an image has whole secrets");

void token_keys_copy(const struct token_keys *keys, struct token_keys_image *image)
{
    image->count = keys->count;
    for (size_t i = 0; i < keys->count; i++) {
        image->keys[i].id = keys->keys[i].id;
        image->keys[i].created_at = keys->keys[i].created_at;
        memcpy(image->keys[i].secret, keys->keys[i].secret, TOKEN_SECRET);
    }
}

void token_keys_image_clear(struct token_keys_image *image)
{
    OPENSSL_cleanse(image, sizeof *image);
}

int token_keys_take(struct token_keys *keys, const struct token_keys_image *image)
{
    struct token_key_list list = {.count = image->count};
    for (size_t i = 0; i < image->count; i++) {
        list.keys[i].id = image->keys[i].id;
        list.keys[i].created_at = image->keys[i].created_at;
        memcpy(list.keys[i].secret, image->keys[i].secret, TOKEN_SECRET);
    }
    int result = adopt(keys, &list);
    OPENSSL_cleanse(&list, sizeof list);
    return result;
}

/* --- opening and closing --- */

static int fill(struct token_keys *keys, char *error, size_t error_size)
{
    int result = keys->path != NULL ? token_keys_reload(keys, error, error_size) : -ENOENT;
    if (result != -ENOENT)
        return result;
    result = rotate(keys, true);
    if (result == -EEXIST)
        return token_keys_reload(keys, error, error_size);
    if (result != 0)
        snprintf(error, error_size, "cannot create the token keys in %s: %s",
                 keys->path != NULL ? keys->path : "memory", strerror(-result));
    return result;
}

int token_keys_open(struct token_keys **out, const struct host *host, const char *path, char *error, size_t error_size)
{
    size_t path_size = path != NULL ? strlen(path) + 1 : 0;
    struct token_keys *keys = host->allocate(host->context, NULL, 0, sizeof *keys);
    int result = -ENOMEM;
    snprintf(error, error_size, "no memory for a key ring");
    if (keys == NULL)
        return result;
    *keys = (struct token_keys){.host = host, .algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL)};
    if (path != NULL) {
        keys->path = host->allocate(host->context, NULL, 0, path_size);
        if (keys->path != NULL)
            memcpy(keys->path, path, path_size);
    }
    if (keys->algorithm != NULL && (path == NULL || keys->path != NULL))
        result = fill(keys, error, error_size);
    if (result != 0)
        token_keys_close(keys);
    else
        *out = keys;
    return result;
}

void token_keys_close(struct token_keys *keys)
{
    if (keys == NULL)
        return;
    const struct host *host = keys->host;
    drop_oldest(keys, keys->count);
    EVP_MAC_free(keys->algorithm);
    if (keys->path != NULL)
        memory_delete(host, keys->path, strlen(keys->path) + 1);
    memory_delete(host, keys, sizeof *keys);
}
