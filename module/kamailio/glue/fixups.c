// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/glue/fixups.h"

#include <errno.h>
#include <stdlib.h>

#include "core/code.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/flow/spellings.h"
#include "script/engine/explainer.h"

/* Data from fixing up the configuration; not changed afterwards. */
enum { TABLES_MOST = 16 };
static struct {
    bool route_flows, on_failure;
    const char *tables[TABLES_MOST]; /* constants of sip_route_flows() */
    size_t table_count;
} seen;

/* A function stands in a block where it cannot work: one line that says so; for fixups, which return -1 then. */
static int fixup_refuse(const char *function, const char *why)
{
    ksr_log(LOG_ERROR, "%s: %s", function, why);
    return -1;
}

static bool is_constant(const char *parameter)
{
    return strchr(parameter, '$') == NULL;
}

static bool read_number(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return *text != '\0' && *end == '\0' && errno == 0;
}

uint32_t code_of_number(int64_t number)
{
    return number >= CODE_LEAST && number <= CODE_MOST ? (uint32_t)number : 0;
}

bool destination_is_right(const str *destination)
{
    if (destination->len <= 0 || destination->len > DESTINATION_LONGEST)
        return false;
    for (int i = 0; i < destination->len; i++) {
        if ((unsigned char)destination->s[i] <= ' ' || strchr("/;<>\"", destination->s[i]) != NULL)
            return false;
    }
    return true;
}

/* --- at start --- */

static int refuse(const char *function, int number, const char *given, const char *takes)
{
    ksr_log(LOG_ERROR, "%s: parameter %d is \"%s\"; it takes %s", function, number, given, takes);
    return -1;
}

static int fix(void **parameter)
{
    return fixup_spve_null(parameter, 1);
}

int fixup_parameter_free(void **parameter, int number)
{
    (void)number;
    return fixup_free_spve_null(parameter, 1);
}

int fixup_code(const char *function, void **parameter)
{
    int64_t code;
    const char *given = *parameter;
    if (is_constant(given) && (!read_number(given, &code) || code_of_number(code) == 0))
        return refuse(function, 1, given, "a status code, 100 to 699");
    return fix(parameter);
}

int fixup_explain(void **parameter, int number)
{
    const char *given = *parameter;
    if (number == 1)
        return fixup_code("sip_explain()", parameter);
    if (is_constant(given) && !explainer_knows(text_of(given)))
        return refuse("sip_explain()", number, given, "a language, en or es");
    return fix(parameter);
}

static int fix_destination(const char *function, void **parameter)
{
    str given = {*parameter, (int)strlen(*parameter)};
    if (is_constant(given.s) && !destination_is_right(&given))
        return refuse(function, 1, given.s, "a destination, host:port or host");
    return fix(parameter);
}

int fixup_is_resting(void **parameter, int number)
{
    (void)number;
    return fix_destination("sip_is_resting()", parameter);
}

int fixup_rest_destination(void **parameter, int number)
{
    static const char function[] = "sip_rest_destination()";
    const char *given = *parameter;
    int64_t seconds;
    if (number == 1)
        return fix_destination(function, parameter);
    if (is_constant(given) && (!read_number(given, &seconds) || seconds < 0 || seconds > REST_SECONDS_MOST))
        return refuse(function, number, given, "seconds, 0 (ends a rest) to 604800");
    return fix(parameter);
}

static int fix_table(const char *function, void **parameter)
{
    const char *given = *parameter;
    if (!module_has_usrloc)
        return fixup_refuse(function, "usrloc is not loaded: loadmodule \"usrloc.so\" before \"reflow.so\"");
    if (is_constant(given) && (*given == '\0' || strlen(given) >= 32))
        return refuse(function, 1, given, "a table of usrloc, like \"location\", of at most 31 bytes");
    return 0;
}

/* usrloc creates a table for a module that registers, as the registrar module does. */
int fixup_save(void **parameter, int number)
{
    udomain_t *table = NULL;
    (void)number;
    if (fix_table("sip_save()", parameter) < 0)
        return -1;
    if (is_constant(*parameter) && ul.register_udomain(*parameter, &table) < 0)
        return refuse("sip_save()", number, *parameter, "a table that usrloc can use");
    if (table != NULL)
        spellings_add_table(table);
    return fix(parameter);
}

int fixup_route_flows(void **parameter, int number)
{
    if (number == 1) {
        if (fix_table("sip_route_flows()", parameter) < 0)
            return -1;
        seen.route_flows = true;
        if (is_constant(*parameter) && seen.table_count < TABLES_MOST)
            seen.tables[seen.table_count++] = *parameter;
    }
    return fix(parameter);
}

int fixup_add_alias(void **parameter, int number)
{
    (void)number;
    return fix_table("sip_add_alias()", parameter) < 0 ? -1 : fix(parameter);
}

int fixup_handle_alias(void **parameter, int number)
{
    (void)number;
    return fix_table("sip_handle_alias()", parameter) < 0 ? -1 : fix(parameter);
}

static int need_rr(const char *function)
{
    if (find_export("load_rr", 0, 0) != NULL)
        return 0;
    return fixup_refuse(function, "rr is not loaded: loadmodule \"rr.so\" before \"reflow.so\"");
}

int fixup_flow_forward(void **parameter, int number)
{
    (void)parameter;
    (void)number;
    if (!module_has_outbound)
        return fixup_refuse("sip_flow_forward()", "outbound is not loaded: loadmodule \"outbound.so\" before it");
    return need_rr("sip_flow_forward()");
}

int fixup_record_route(void **parameter, int number)
{
    (void)parameter;
    (void)number;
    return need_rr("sip_record_route()");
}

int fixup_loose_route(void **parameter, int number)
{
    (void)parameter;
    (void)number;
    return need_rr("sip_loose_route()");
}

int fixup_on_failure(void **parameter, int number)
{
    (void)parameter;
    (void)number;
    seen.on_failure = true;
    return 0;
}

int functions_check(void)
{
    udomain_t *table;
    for (size_t i = 0; i < seen.table_count; i++) {
        if (ul.get_udomain(seen.tables[i], &table) != 0)
            return refuse("sip_route_flows()", 1, seen.tables[i],
                          "a table of usrloc: one that sip_save() fills, or modparam(\"usrloc\", \"preload\", ...)");
        spellings_add_table(table);
    }
    if (seen.route_flows && !seen.on_failure)
        ksr_log(LOG_WARNING, "sip_route_flows() is used and sip_on_failure() is not: a 430 could reach a caller "
                             "(5626-11.5.a); put it into the failure_route that t_on_failure() names");
    return 0;
}

/* --- at run time --- */

bool parameter_text(struct sip_msg *msg, char *parameter, str *text)
{
    return get_str_fparam(text, msg, (fparam_t *)parameter) == 0;
}

bool parameter_number(struct sip_msg *msg, char *parameter, int64_t *number)
{
    enum { DIGITS_MOST = 20 };
    char digits[DIGITS_MOST + 1];
    str text;
    if (!parameter_text(msg, parameter, &text))
        return false;
    if (text.len > 0 && text.len <= DIGITS_MOST) {
        memcpy(digits, text.s, (size_t)text.len);
        digits[text.len] = '\0';
        if (read_number(digits, number))
            return true;
    }
    ksr_log(LOG_ERROR, "\"%.*s\" is given where a number is needed", text.len, text.s);
    return false;
}
