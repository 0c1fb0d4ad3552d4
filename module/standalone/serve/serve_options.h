// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_OPTIONS_H
#define REFLOW_STANDALONE_SERVE_OPTIONS_H

#include "script/policy/layer_option.h"
#include "script/store/tenants.h"
#include "standalone/auth/auth.h"
#include "standalone/names/names.h"
#include "standalone/net/network.h"
#include "standalone/server/server.h"
#include "standalone/net/source_limits.h"

/* The options of `reflow serve`. */

struct listen_option {
    uint8_t transport; /* enum transport */
    union address address;
    char text[96]; /* as written */
};

struct serve_options {
    const char *domains[DOMAINS_MOST]; /* of --domain */
    size_t domain_count;
    const char *domain_file; /* NULL: none */
    const char *users;       /* of --users; NULL: none */
    struct auth_config auth; /* what the options say: algorithms, lifetime of nonces */
    const char *auth_given;  /* an option that sets it; NULL: none was given */
    const char *state, *status, *control, *last_good, *decision_log, *token_keys;
    struct layer_options policy;              /* the script and the layers above it */
    uint32_t rollback_window, rollback_share; /* entries; per cent */
    uint32_t tenant_keys;                     /* of the store of each tenant; 0: the default */
    struct listen_option listens[LISTENERS_MOST];
    size_t listen_count;
    const char *advertised[LISTENERS_MOST]; /* of --advertise */
    size_t advertised_count;
    struct server_config server; /* expiry, timers, limits, and what is advertised */
    struct network_limits network;
    union address dns_servers[NAME_SERVERS_MOST];
    size_t dns_server_count;
    struct source_limits_config sources;   /* its host is set later */
    struct trunks trunks;                  /* their addresses are in `sources` as well */
    bool limits_connections;               /* --limit-connections was given */
    struct cidr balancers[BALANCERS_MOST]; /* of --proxy-protocol */
    size_t balancer_count;
    struct origins origins;
    struct tls_options tls;
    struct script_limits limits;
    uint32_t drain_s;
    uint32_t token_rotate_s;
    uint32_t decision_log_size, decision_log_keep;
    bool log_decisions, mask_numbers, verbose, help;
    bool watch, no_last_good;
    bool open, edge, no_foreign; /* who may call: serve_callers.h */
};

/* 0; or -EINVAL with one line in `error`. */
int serve_options_read(struct serve_options *options, int argc, char **argv, char *error, size_t error_size);

extern const char serve_usage[];

#endif
