// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve_domains.h"

#include <errno.h>
#include <stdio.h>

static int add_file(struct domains *domains, const char *path, char *error, size_t error_size)
{
    char why[512] = "";
    int result = domains_add_file(domains, path, why, sizeof why);
    if (result != 0)
        snprintf(error, error_size, "--domain-file: %s", why);
    return result;
}

static int add_all(struct domains *domains, const struct serve_options *options, char *error, size_t error_size)
{
    int result = 0;
    snprintf(error, error_size, "out of memory");
    for (size_t i = 0; result == 0 && i < options->domain_count; i++)
        result = domains_add(domains, text_of(options->domains[i]));
    if (result == 0 && options->domain_file != NULL)
        result = add_file(domains, options->domain_file, error, error_size);
    return result;
}

int serve_domains_load(struct domains **out, const struct host *host, const struct serve_options *options, char *error,
                       size_t error_size)
{
    struct domains *domains = NULL;
    int result = domains_new(&domains, host);
    if (result != 0) {
        snprintf(error, error_size, "out of memory");
        return result;
    }
    result = add_all(domains, options, error, error_size);
    if (result != 0)
        domains_delete(domains);
    else
        *out = domains;
    return result;
}

void serve_domains_reload(struct domains **domains, const struct host *host, const struct serve_options *options,
                          struct server *server)
{
    char error[512], line[640];
    struct domains *fresh = NULL, *old = *domains;
    if (options->domain_file == NULL)
        return;
    if (serve_domains_load(&fresh, host, options, error, sizeof error) != 0) {
        snprintf(line, sizeof line, "domains stay as they were: %s", error);
        host->log(host->context, LOG_ERROR, line);
        return;
    }
    *domains = fresh;
    server_use_domains(server, fresh);
    domains_delete(old);
    snprintf(line, sizeof line, "domain file read again: %zu domains are served", domains_count(fresh));
    host->log(host->context, LOG_NOTICE, line);
}
