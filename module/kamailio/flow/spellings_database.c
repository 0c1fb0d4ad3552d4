// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/spellings_private.h"

#include <stdio.h>
#include <string.h>

#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/flow/spellings.h"

/* usrloc with db_mode 3 has no records in memory. Its interface has no list of AORs either, so they are read from its
   table, with the names and the driver that its parameters give. */

enum { ROWS_AT_ONCE = 2000, DRIVER_MOST = 32 };

static str *usrloc_text(char *name)
{
    return module_parameter("usrloc", name, PARAM_STR);
}

/* "sqlite:///FILE": the module is db_sqlite. */
static int bind_driver(const str *url, db_func_t *driver)
{
    char module[DRIVER_MOST];
    const char *colon = memchr(url->s, ':', (size_t)url->len);
    const int length = colon != NULL ? (int)(colon - url->s) : url->len;
    if (snprintf(module, sizeof module, "db_%.*s", length, url->s) >= (int)sizeof module)
        return -1;
    db_bind_api_f bind = (db_bind_api_f)find_mod_export(module, "db_bind_api", 0, 0);
    return bind != NULL && bind(driver) >= 0 && driver->query != NULL ? 0 : -1;
}

static int read_text(const db_val_t *value, str *text)
{
    if (VAL_NULL(value))
        return -1;
    *text =
        VAL_TYPE(value) == DB1_STR ? VAL_STR(value) : (str){(char *)VAL_STRING(value), (int)strlen(VAL_STRING(value))};
    return text->len;
}

static void note_row(const udomain_t *table, const db_row_t *row, spelling_noter *note)
{
    char bytes[SPELLING_MOST];
    str name, domain;
    if (read_text(ROW_VALUES(row), &name) <= 0)
        return;
    if (!ul.use_domain) {
        note(table->name, &name);
        return;
    }
    if (read_text(ROW_VALUES(row) + 1, &domain) <= 0)
        return;
    const int length = snprintf(bytes, sizeof bytes, "%.*s@%.*s", name.len, name.s, domain.len, domain.s);
    if (length > 0 && length < (int)sizeof bytes)
        note(table->name, &(str){bytes, length});
}

static int note_rows(const db_func_t *driver, db1_con_t *connection, const udomain_t *table, spelling_noter *note)
{
    const bool fetches = DB_CAPABILITY(*driver, DB_CAP_FETCH);
    db_key_t columns[] = {usrloc_text("user_column"), usrloc_text("domain_column")};
    db1_res_t *result = NULL;
    int error = driver->use_table(connection, table->name);
    if (error >= 0)
        error = driver->query(connection, NULL, NULL, NULL, columns, 0, ul.use_domain ? 2 : 1, NULL,
                              fetches ? NULL : &result);
    if (error >= 0 && fetches)
        error = driver->fetch_result(connection, &result, ROWS_AT_ONCE);
    while (error >= 0 && result != NULL && RES_ROW_N(result) > 0) {
        for (int i = 0; i < RES_ROW_N(result); i++)
            note_row(table, RES_ROWS(result) + i, note);
        if (!fetches)
            break;
        error = driver->fetch_result(connection, &result, ROWS_AT_ONCE);
    }
    if (result != NULL)
        driver->free_result(connection, result);
    return error < 0 ? -1 : 0;
}

void spellings_read_database(udomain_t *const *tables, size_t count, spelling_noter *note)
{
    const str *url = usrloc_text("db_url");
    db_func_t driver;
    memset(&driver, 0, sizeof driver);
    db1_con_t *connection = url != NULL && bind_driver(url, &driver) == 0 ? driver.init(url) : NULL;
    bool read = connection != NULL;
    for (size_t i = 0; i < count && read; i++)
        read = note_rows(&driver, connection, tables[i], note) == 0;
    if (connection != NULL)
        driver.close(connection);
    if (!read)
        ksr_log(LOG_WARNING, "usrloc's database could not be searched for AORs with capital letters: bindings of these "
                             "are found after their next REGISTER");
}
