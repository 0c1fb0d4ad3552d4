// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/glue/config_check.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow/token.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/policy/worker_policy.h"

/* Variables of Kamailio's parser, which no header declares: the position in the configuration, and the number of errors
   in it. The name of the main file is NULL. Weak, because another version of Kamailio may not have them. */
extern int line __attribute__((weak)), cfg_errors __attribute__((weak));
extern char *finame __attribute__((weak));

struct place {
    struct place *next;
    const char *parameter, *value;
    int line;
    char file[];
};

static struct place *places; /* the newest first */

void config_check_note(const char *parameter, const char *value)
{
    const char *file = &finame != NULL && finame != NULL ? finame : cfg_file;
    if (!config_check || file == NULL || &line == NULL)
        return;
    struct place *place = malloc(sizeof *place + strlen(file) + 1);
    if (place == NULL)
        return;
    *place = (struct place){.next = places, .parameter = parameter, .value = value, .line = line};
    memcpy(place->file, file, strlen(file) + 1);
    places = place;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* The parameter whose value is, or ends with, this one; NULL: any value. */
static const struct place *find_place(const char *parameter, const char *value)
{
    const struct place *place = places;
    while (place != NULL && !((parameter == NULL || strcmp(place->parameter, parameter) == 0) &&
                              (value == NULL || (place->value != NULL && ends_with(place->value, value)))))
        place = place->next;
    return place;
}

static int refuse(const struct place *place, const char *parameter, const char *why)
{
    if (place != NULL)
        ksr_log(LOG_ERROR, "%s:%d: modparam %s: %s", place->file, place->line, parameter, why);
    else
        ksr_log(LOG_ERROR, "modparam %s: %s", parameter, why);
    return -1;
}

/* --- the checks --- */

int config_check_order(void)
{
    const struct module_config *c = &module_config;
    char why[160];
    if (c->expires_least <= c->expires_default && c->expires_default <= c->expires_most)
        return 0;
    snprintf(why, sizeof why, "%d, %d, %d are not in rising order", c->expires_least, c->expires_default,
             c->expires_most);
    const struct place *place = places;
    while (place != NULL && strstr(place->parameter, "_expires") == NULL)
        place = place->next;
    return refuse(place, "min_expires, default_expires, max_expires", why);
}

static int check_keys(const char *parameter, const char *path)
{
    char error[256];
    if (path == NULL || token_keys_check(path, error, sizeof error) == 0)
        return 0;
    return refuse(find_place(parameter, NULL), parameter, error);
}

static int check_policy(void)
{
    char error[1024];
    const char *path = NULL;
    if (worker_policy_check(&path, error, sizeof error) == 0)
        return 0;
    const struct place *place = path != NULL ? find_place(NULL, path) : find_place("policy", NULL);
    return refuse(place, place != NULL ? place->parameter : "policy", error);
}

/* The file itself is made when the policy is in use for the first time. */
static int check_last_good(void)
{
    char folder[4096], why[4200];
    const char *path = module_config.policy_last_good;
    if (path == NULL)
        return 0;
    snprintf(folder, sizeof folder, "%s", path);
    if (access(dirname(folder), W_OK | X_OK) == 0)
        return 0;
    snprintf(why, sizeof why, "%s: %s", path, strerror(errno));
    return refuse(find_place("policy_last_good", NULL), "policy_last_good", why);
}

static int check_order_of_outbound(void)
{
    if (module_config.token_keys == NULL || find_module_by_name("outbound") != NULL)
        return 0;
    return refuse(find_place("token_keys", NULL), "token_keys", "loadmodule \"outbound.so\" before \"reflow.so\"");
}

/* Kamailio reports errors of the syntax itself. */
static void check_at_exit(void)
{
    if (&cfg_errors != NULL && cfg_errors != 0)
        return;
    int result = config_check_order();
    result |= check_order_of_outbound();
    result |= check_keys("token_keys", module_config.token_keys);
    result |= check_keys("route_keys", module_config.route_keys);
    result |= check_last_good();
    result |= check_policy();
    if (result == 0)
        return;
    ksr_log(LOG_ERROR, "the configuration is not valid, whatever the line before says");
    fflush(NULL);
    _exit(EXIT_FAILURE);
}

void config_check_arrange(void)
{
    if (config_check && atexit(check_at_exit) != 0)
        ksr_log(LOG_ERROR, "atexit: policies and key files are not checked");
}
