// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/spellings.h"

#include <stdatomic.h>
#include <string.h>

#include "base/hash.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"
#include "kamailio/flow/spellings_private.h"

enum { BUCKETS = 1024, TABLES_MOST = 16 };

struct spelling {
    struct spelling *next;
    const str *table;
    int length;
    char aor[];
};

static struct spellings {
    struct hash_key key;
    gen_lock_t lock;
    atomic_uint count;
    struct spelling *chains[BUCKETS]; /* by the AOR in lower case */
} * spellings;

static udomain_t *tables[TABLES_MOST]; /* set before the fork */
static size_t table_count;

int spellings_create(void)
{
    spellings = shm_malloc(sizeof *spellings);
    if (spellings == NULL) {
        ksr_log(LOG_ERROR, "no shared memory for the index of AORs");
        return -1;
    }
    memset(spellings, 0, sizeof *spellings);
    hash_key_draw(&spellings->key, ksr_host());
    lock_init(&spellings->lock);
    return 0;
}

/* Returns false if the AOR is too long to be one of this module's. */
static bool spelling_fold(const str *aor, char folded[SPELLING_MOST])
{
    if (aor->len <= 0 || aor->len > SPELLING_MOST)
        return false;
    memcpy(folded, aor->s, (size_t)aor->len);
    sip_aor_fold(AOR_ANY_CASE, folded, (size_t)aor->len);
    return true;
}

static struct spelling **spelling_chain(const char *folded, int length)
{
    const uint32_t hash = hash_text(&spellings->key, (struct text){folded, (size_t)length});
    return &spellings->chains[hash % BUCKETS];
}

/* The link to the entry, or to the end of its chain. With the lock. */
static struct spelling **spelling_find(struct spelling **chain, const str *table, const str *aor)
{
    while (*chain != NULL && !((*chain)->table == table && (*chain)->length == aor->len &&
                               memcmp((*chain)->aor, aor->s, (size_t)aor->len) == 0))
        chain = &(*chain)->next;
    return chain;
}

static void spelling_add(struct spelling **chain, const str *table, const str *aor)
{
    struct spelling **end = spelling_find(chain, table, aor);
    struct spelling *made = *end == NULL ? shm_malloc(sizeof *made + (size_t)aor->len) : NULL;
    if (*end != NULL)
        return;
    if (made == NULL) {
        stats_count(STAT_SHARED_MEMORY);
        return;
    }
    *made = (struct spelling){.table = table, .length = aor->len};
    memcpy(made->aor, aor->s, (size_t)aor->len);
    *end = made;
    atomic_fetch_add(&spellings->count, 1);
}

void spelling_note(const str *table, const str *aor)
{
    char folded[SPELLING_MOST];
    if (module_config.aor_case != AOR_ANY_CASE || !spelling_fold(aor, folded) ||
        memcmp(folded, aor->s, (size_t)aor->len) == 0)
        return;
    lock_get(&spellings->lock);
    spelling_add(spelling_chain(folded, aor->len), table, aor);
    lock_release(&spellings->lock);
}

void spelling_forget(const udomain_t *table, const str *aor)
{
    char folded[SPELLING_MOST];
    if (!spelling_fold(aor, folded))
        return;
    lock_get(&spellings->lock);
    struct spelling **link = spelling_find(spelling_chain(folded, aor->len), table->name, aor), *gone = *link;
    if (gone != NULL) {
        *link = gone->next;
        atomic_fetch_sub(&spellings->count, 1);
    }
    lock_release(&spellings->lock);
    if (gone != NULL)
        shm_free(gone);
}

static bool is_spelling_of(const struct spelling *spelling, const str *table, const str *key)
{
    char folded[SPELLING_MOST];
    const str aor = {(char *)spelling->aor, spelling->length};
    return spelling->table == table && spelling->length == key->len && spelling_fold(&aor, folded) &&
           memcmp(folded, key->s, (size_t)key->len) == 0;
}

bool spelling_at(const udomain_t *table, const str *key, unsigned nth, char bytes[SPELLING_MOST], str *aor)
{
    *aor = *key;
    if (nth == 0)
        return true;
    if (atomic_load(&spellings->count) == 0 || key->len > SPELLING_MOST)
        return false;
    lock_get(&spellings->lock);
    const struct spelling *each = *spelling_chain(key->s, key->len);
    while (each != NULL && !(is_spelling_of(each, table->name, key) && --nth == 0))
        each = each->next;
    if (each != NULL) {
        memcpy(bytes, each->aor, (size_t)each->length);
        *aor = (str){bytes, each->length};
    }
    lock_release(&spellings->lock);
    return each != NULL;
}

/* --- at start --- */

void spellings_add_table(udomain_t *table)
{
    size_t i = 0;
    while (i < table_count && tables[i] != table)
        i++;
    if (i == table_count && table_count < TABLES_MOST)
        tables[table_count++] = table;
}

/* One slot is locked at a time. */
static void spellings_read_table(udomain_t *table)
{
    for (int i = 0; i < table->size; i++) {
        rec_lock_get(&table->table[i].rlock);
        for (const urecord_t *record = table->table[i].first; record != NULL; record = record->next)
            spelling_note(table->name, &record->aor);
        rec_lock_release(&table->table[i].rlock);
    }
}

void spellings_read(void)
{
    udomain_t *standard;
    if (!module_has_usrloc || module_config.aor_case != AOR_ANY_CASE)
        return;
    if (ul.get_udomain("location", &standard) == 0)
        spellings_add_table(standard);
    if (ul.db_mode == DB_ONLY)
        spellings_read_database(tables, table_count, spelling_note);
    for (size_t i = 0; i < table_count && ul.db_mode != DB_ONLY; i++)
        spellings_read_table(tables[i]);
}
