// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve_callers.h"

#include <errno.h>
#include <stdio.h>

/* 127.0.0.0/8 and ::1: no other machine can send to a listener there. */
static bool is_of_this_machine(const union address *address)
{
    struct cidr four = {.prefix = 0}, six = {.prefix = 0};
    return (cidr_read(TEXT("127.0.0.0/8"), &four) && cidr_has(&four, address)) ||
           (cidr_read(TEXT("::1"), &six) && cidr_has(&six, address));
}

/* The first listener that other machines can reach; NULL: all are on loopback. */
static const struct listen_option *find_reachable(const struct serve_options *options)
{
    for (size_t i = 0; i < options->listen_count; i++) {
        if (!is_of_this_machine(&options->listens[i].address))
            return &options->listens[i];
    }
    return NULL;
}

int serve_callers_choose(const struct serve_options *options, bool authenticates, struct server_config *config,
                         char *error, size_t error_size)
{
    const struct listen_option *reachable = find_reachable(options);
    config->edge = options->edge;
    config->checks_callers = authenticates && !options->open && !options->edge;
    config->refuses_foreign = options->no_foreign;
    if (reachable == NULL || authenticates || options->edge || options->open)
        return 0;
    snprintf(error, error_size,
             "--listen %s: strangers can reach it, and nothing says who may register and call: name the users with "
             "--users FILE or the hook sip_on_credentials, or use --edge if the script only forwards, or --open to "
             "let everybody do everything",
             reachable->text);
    return -EINVAL;
}

void serve_callers_warn(const struct serve_options *options, const struct server_config *config,
                        const struct host *host)
{
    if (options->open)
        host->log(host->context, LOG_WARNING,
                  "--open: nobody is asked for a password, and everybody may register as anybody and send calls "
                  "wherever the policy allows");
    if (options->no_foreign && !config->checks_callers)
        host->log(host->context, LOG_WARNING, "--no-foreign has no effect: callers are not checked");
}
