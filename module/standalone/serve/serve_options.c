// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "standalone/net/host_name.h"

const char serve_usage[] = "usage: reflow serve SCRIPT [options]\n"
                           "\n"
                           "Registrar and proxy in one, whose routing is a Lua script.\n"
                           "\n"
                           "  --listen udp:ADDR:PORT   listen there; again for more; or tcp:, tls:, ws:, wss:;\n"
                           "                           [ADDR]: IPv6; 0.0.0.0 or [::]: all addresses\n"
                           "                           (default udp:127.0.0.1:5060 and tcp:127.0.0.1:5060)\n"
                           "  --domain D               serve this domain too (default: its addresses)\n"
                           "                           again for more, at most 4096\n"
                           "  --domain-file FILE       domains to serve, one on each line; # begins a comment\n"
                           "  --state FILE             keep bindings there (SQLite), over restarts\n"
                           "  --status PATH            a Unix socket that gives JSON; SIGUSR1 prints it\n"
                           "  --log-decisions          a line of JSON on standard output for each decision\n"
                           "  --decision-log FILE      the same into a file; calls never wait for it\n"
                           "  --decision-log-size BYTES  it is rotated when so large; 0: never (67108864)\n"
                           "  --decision-log-keep N    FILE.1 to FILE.N stay (5)\n"
                           "  --mask-numbers           telephone numbers in these lines as +15****00\n"
                           "  --verbose                log each registration, dead flow and answer to a call\n"
                           "\n"
                           "  --flow-timer S           Flow-Timer for outbound registrations; 0: none (120)\n"
                           "  --expires S              lifetime of a binding where none is asked for (3600)\n"
                           "  --min-expires S          shorter ones are refused with 423 (60)\n"
                           "  --max-expires S          longer ones are shortened (7200)\n"
                           "\n"
                           "  --max-connections N      TCP connections at a time (10000)\n"
                           "  --max-transactions N     requests in progress, past them 503 (200000)\n"
                           "  --max-client-transactions N  requests sent on that wait for a final response, past\n"
                           "                           them 503 (50000)\n"
                           "  --max-client-transactions-per-source N  of them for one source (5000)\n"
                           "  --max-bytes-in-flight BYTES  of these requests (64000000)\n"
                           "  --max-bytes-in-flight-per-source BYTES  of them for one source (8000000)\n"
                           "  --max-bytes-kept BYTES   of requests in progress and their responses, past them 503\n"
                           "                           (96000000)\n"
                           "  --max-bytes-kept-per-source BYTES  of them for one source (16000000)\n"
                           "  --max-binding-bytes BYTES  of bindings, past them 503 (96000000)\n"
                           "  --max-binding-bytes-per-source BYTES  of them for one source (8000000)\n"
                           "  --max-message BYTES      of a message, up to 65536 (65536)\n"
                           "  --max-headers N          header fields of a message (256)\n"
                           "  --idle S                 without traffic and bindings: closed after (600)\n"
                           "  --message-time S         a message must be whole after (32)\n"
                           "  --connect-time SECONDS   give up opening a connection, TLS included, after (4)\n"
                           "  --drain S                after SIGTERM, wait for calls being set up (32)\n"
                           "  --dns-server ADDR[:PORT]  ask this DNS server; again for more, at most 8\n"
                           "                           (default: those of /etc/resolv.conf, and port 53)\n"
                           "\n"
                           "  --limit-requests N/s     requests from one address or IPv6 /64, bursts of 4 s; 0: any\n"
                           "                           number (500)\n"
                           "  --limit-connections N    connections from one, at a time; 0: any number (500, but not\n"
                           "                           more than half of --max-connections)\n"
                           "  --limit-failures N/min   responses 400, 401, 403 and 404 to one; 0: any number (60)\n"
                           "  --ban SECONDS            close its connections for so long when it exceeds a limit over\n"
                           "                           TCP, TLS or WebSocket; over UDP the excess is dropped (60)\n"
                           "  --trust CIDR             no such limits for these addresses: edges, trunks, an office\n"
                           "                           behind one NAT; again for more\n"
                           "\n"
                           "  --token-keys FILE        keys of flow tokens and of dialogs (STATE.keys, or in memory)\n"
                           "  --token-rotate S         a new key after so long; the old one serves as long (604800)\n"
                           "\n"
                           "  --tls-cert FILE          certificate and its chain (PEM), for tls: and wss:\n"
                           "  --tls-key FILE           its private key (PEM, without a passphrase)\n"
                           "  --tls-domain DOMAIN=CERT,KEY  for clients that name this domain (SNI); again for more\n"
                           "  --tls-client-ca FILE     a client's certificate must be signed by one of these\n"
                           "  --tls-client-verify      a client without a certificate is turned away\n"
                           "  --tls-ca FILE            who signs the servers that we call (the system's list)\n"
                           "\n"
                           "  --ws-origin ORIGIN       web pages that may use ws: and wss: listeners, for example\n"
                           "                           https://phone.example.com; again for more (all)\n"
                           "\n"
                           "  --layer NAME:PRIO=PATH   policies above the script's: a file or a folder\n"
                           "  --tenant DOMAIN=PATH     policies for one domain's users, before others\n"
                           "  --tenant-memory BYTES    the policies of one tenant may use so much (4194304)\n"
                           "  --tenant-store KEYS      entries in the store of one tenant (4096)\n"
                           "  --control PATH           a Unix socket for `reflow ctl`\n"
                           "  --watch                  notice changed policies, and reload\n"
                           "  --last-good FILE         keep the last good policy there (STATE.policy)\n"
                           "  --no-last-good           where the policy is broken, do not start with it\n"
                           "  --rollback-window N      entries that automatic rollback looks at (100)\n"
                           "  --rollback-share PERCENT of them that may fail before it rolls back (20)\n"
                           "  --script-time MS         a hook may take so long (20)\n"
                           "  --script-memory BYTES    a script may use so much (8388608)\n"
                           "  --t1 MS                  RFC 3261 timer T1 (500)\n"
                           "  --timer-c MS             RFC 3261 timer C (185000)\n"
                           "\n"
                           "SIGHUP loads the policy anew and takes it in use only where it loads whole, and\n"
                           "reads the token keys, the certificates and the domain file again.\n"
                           "SIGTERM drains and ends.\n";

struct number_option {
    const char *name;
    uint32_t least, most;
    uint32_t *value;
};

static bool read_number(const char *text, uint32_t least, uint32_t most, uint32_t *value)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < least || number > most)
        return false;
    *value = (uint32_t)number;
    return true;
}

static const char wrong_port[] = "the port must be a number from 1 to 65535";

/* "udp:127.0.0.1:5060", "tls:[::1]:5061". Returns NULL, or the reason why it cannot be read. */
static const char *read_listen(const char *text, struct listen_option *listen)
{
    uint32_t port;
    enum transport transport;
    size_t word = strcspn(text, ":");
    const char *colon = strrchr(text, ':');
    if (!transport_of_word((struct text){text, word}, &transport))
        return "it must begin with udp:, tcp:, tls:, ws: or wss:";
    if (colon == NULL || colon <= text + word || strlen(text) >= sizeof listen->text)
        return "TRANSPORT:ADDRESS:PORT is wanted";
    struct text host = {text + word + 1, (size_t)(colon - text) - word - 1};
    bool bare_ipv6 = host.length > 0 && host.at[0] != '[' && memchr(host.at, ':', host.length) != NULL;
    if (bare_ipv6 || !address_read(host, 0, &listen->address))
        return "the address must be numeric, an IPv6 address in brackets";
    if (!read_number(colon + 1, 1, 65535, &port))
        return wrong_port;
    address_read(host, (uint16_t)port, &listen->address);
    listen->transport = (uint8_t)transport;
    snprintf(listen->text, sizeof listen->text, "%s", text);
    return NULL;
}

static int add_listen(struct serve_options *options, const char *text, char *error, size_t size)
{
    if (options->listen_count == LISTENERS_MOST) {
        snprintf(error, size, "--listen: at most %d", LISTENERS_MOST);
        return -EINVAL;
    }
    const char *why = read_listen(text, &options->listens[options->listen_count]);
    if (why != NULL) {
        snprintf(error, size, "--listen %s: %s", text, why);
        return -EINVAL;
    }
    options->listen_count++;
    return 0;
}

/* "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:5353". Returns as read_listen(). */
static const char *read_dns_server(const char *text, union address *server)
{
    uint32_t port = 53;
    struct text host = text_of(text);
    const char *bracket = strchr(text, ']'), *colon = strchr(bracket != NULL ? bracket : text, ':');
    if (colon != NULL) {
        host.length = (size_t)(colon - text);
        if (!address_read(host, 0, server))
            return "a numeric ADDRESS or ADDRESS:PORT is wanted (IPv6 in brackets)";
        if (!read_number(colon + 1, 1, 65535, &port))
            return wrong_port;
    }
    return address_read(host, (uint16_t)port, server)
               ? NULL
               : "a numeric ADDRESS or ADDRESS:PORT is wanted (IPv6 in brackets)";
}

static int add_dns_server(struct serve_options *options, const char *text, char *error, size_t size)
{
    if (options->dns_server_count == NAME_SERVERS_MOST) {
        snprintf(error, size, "--dns-server: at most %d", NAME_SERVERS_MOST);
        return -EINVAL;
    }
    const char *why = read_dns_server(text, &options->dns_servers[options->dns_server_count]);
    if (why != NULL) {
        snprintf(error, size, "--dns-server %s: %s", text, why);
        return -EINVAL;
    }
    options->dns_server_count++;
    return 0;
}

static int add_domain(struct serve_options *options, const char *text, char *error, size_t size)
{
    const char *why = NULL;
    if (strncasecmp(text, "sip:", 4) == 0 || strncasecmp(text, "sips:", 5) == 0)
        why = "a domain name is wanted, without \"sip:\"";
    else if (!host_name_is_valid(text_of(text)))
        why = "it is not a domain name or a numeric address, without a port";
    else if (options->domain_count == DOMAINS_MOST)
        why = "there are too many domains";
    if (why != NULL) {
        snprintf(error, size, "--domain %s: %s", text, why);
        return -EINVAL;
    }
    options->domains[options->domain_count++] = text;
    return 0;
}

/* "example.com=cert.pem,key.pem" */
static bool read_tls_domain(const char *text, struct tls_certificate *domain)
{
    const char *equals = strchr(text, '='), *comma = equals != NULL ? strchr(equals, ',') : NULL;
    if (comma == NULL)
        return false;
    size_t name = (size_t)(equals - text), certificate = (size_t)(comma - equals) - 1, key = strlen(comma + 1);
    if (name == 0 || certificate == 0 || key == 0 || name >= sizeof domain->domain ||
        certificate >= sizeof domain->certificate || key >= sizeof domain->key)
        return false;
    /* A client names the domain without a dot at its end (RFC 6066 3). */
    if (name > 1 && equals[-1] == '.')
        name--;
    *domain = (struct tls_certificate){0};
    memcpy(domain->domain, text, name);
    memcpy(domain->certificate, equals + 1, certificate);
    memcpy(domain->key, comma + 1, key);
    return true;
}

static int add_tls_domain(struct serve_options *options, const char *text, char *error, size_t size)
{
    struct tls_options *tls = &options->tls;
    if (tls->domain_count == TLS_DOMAINS_MOST) {
        snprintf(error, size, "--tls-domain: at most %d", TLS_DOMAINS_MOST);
        return -EINVAL;
    }
    if (!read_tls_domain(text, &tls->domains[tls->domain_count])) {
        snprintf(error, size, "--tls-domain %s: not DOMAIN=CERTIFICATE,KEY", text);
        return -EINVAL;
    }
    tls->domain_count++;
    return 0;
}

static int add_layer(struct serve_options *options, const char *name, const char *text, char *error, size_t size)
{
    bool tenant = strcmp(name, "--tenant") == 0;
    const char *why = tenant ? layer_option_tenant(&options->policy, text) : layer_option_layer(&options->policy, text);
    if (why == NULL)
        return 0;
    snprintf(error, size, "%s %s: %s", name, text, why);
    return -EINVAL;
}

static int add_trusted(struct serve_options *options, const char *text, char *error, size_t size)
{
    struct source_limits_config *sources = &options->sources;
    if (sources->trusted_count == SOURCES_TRUSTED_MOST) {
        snprintf(error, size, "--trust: at most %d", SOURCES_TRUSTED_MOST);
        return -EINVAL;
    }
    if (!cidr_read(text_of(text), &sources->trusted[sources->trusted_count])) {
        snprintf(error, size, "--trust %s: not ADDRESS or ADDRESS/BITS with no bits set after the first BITS", text);
        return -EINVAL;
    }
    sources->trusted_count++;
    return 0;
}

static int add_origin(struct serve_options *options, const char *text, char *error, size_t size)
{
    int result = origins_add(&options->origins, text_of(text));
    if (result == -ENOSPC)
        snprintf(error, size, "--ws-origin: at most %d", ORIGINS_MOST);
    else if (result != 0)
        snprintf(error, size, "--ws-origin %s: not SCHEME://HOST or SCHEME://HOST:PORT", text);
    return result != 0 ? -EINVAL : 0;
}

static bool take_tls_file(struct tls_options *tls, const char *name, const char *value)
{
    if (strcmp(name, "--tls-cert") == 0)
        tls->certificate = value;
    else if (strcmp(name, "--tls-key") == 0)
        tls->key = value;
    else if (strcmp(name, "--tls-client-ca") == 0)
        tls->client_ca = value;
    else if (strcmp(name, "--tls-ca") == 0)
        tls->ca = value;
    else
        return false;
    return true;
}

static int take_text(struct serve_options *options, const char *name, const char *value, char *error, size_t size)
{
    if (strcmp(name, "--listen") == 0)
        return add_listen(options, value, error, size);
    if (strcmp(name, "--dns-server") == 0)
        return add_dns_server(options, value, error, size);
    if (strcmp(name, "--domain") == 0)
        return add_domain(options, value, error, size);
    if (strcmp(name, "--tls-domain") == 0)
        return add_tls_domain(options, value, error, size);
    if (strcmp(name, "--layer") == 0 || strcmp(name, "--tenant") == 0)
        return add_layer(options, name, value, error, size);
    if (strcmp(name, "--trust") == 0)
        return add_trusted(options, value, error, size);
    if (strcmp(name, "--ws-origin") == 0)
        return add_origin(options, value, error, size);
    if (strcmp(name, "--domain-file") == 0)
        options->domain_file = value;
    else if (strcmp(name, "--state") == 0)
        options->state = value;
    else if (strcmp(name, "--status") == 0)
        options->status = value;
    else if (strcmp(name, "--decision-log") == 0)
        options->decision_log = value;
    else if (strcmp(name, "--control") == 0)
        options->control = value;
    else if (strcmp(name, "--token-keys") == 0)
        options->token_keys = value;
    else if (strcmp(name, "--last-good") == 0)
        options->last_good = value;
    else
        return take_tls_file(&options->tls, name, value) ? 0 : -ENOENT;
    return 0;
}

/* What may be written after the number, as in 500/s. */
static const char *unit_of(const char *name)
{
    if (strcmp(name, "--limit-requests") == 0)
        return "/s";
    return strcmp(name, "--limit-failures") == 0 ? "/min" : "";
}

static int take_number_of(const struct number_option *option, const char *value, char *error, size_t size)
{
    char number[32];
    const char *unit = unit_of(option->name);
    size_t length = strlen(value);
    if (length > strlen(unit) && strcmp(value + length - strlen(unit), unit) == 0)
        length -= strlen(unit);
    snprintf(number, sizeof number, "%.*s", (int)(length < sizeof number ? length : sizeof number), value);
    if (length < sizeof number && read_number(number, option->least, option->most, option->value))
        return 0;
    snprintf(error, size, "%s %s: a whole number from %u to %u is wanted", option->name, value, option->least,
             option->most);
    return -EINVAL;
}

static int take_number(struct serve_options *options, const char *name, const char *value, char *error, size_t size)
{
    struct server_config *server = &options->server;
    struct network_limits *network = &options->network;
    uint32_t memory = 0, tenant_memory = 0;
    const struct number_option numbers[] = {
        {"--flow-timer", 0, 86400, &server->flow_timer},
        {"--expires", 1, 604800, &server->expires},
        {"--min-expires", 1, 604800, &server->expires_least},
        {"--max-expires", 1, 604800, &server->expires_most},
        {"--max-connections", 1, 1000000, &network->connections},
        {"--max-transactions", 1, 10000000, &server->transactions_most},
        {"--max-client-transactions", 1, 10000000, &server->loads.transactions},
        {"--max-client-transactions-per-source", 1, 10000000, &server->loads.source_transactions},
        {"--max-bytes-in-flight", 65536, UINT32_MAX, &server->loads.bytes},
        {"--max-bytes-in-flight-per-source", 65536, UINT32_MAX, &server->loads.source_bytes},
        {"--max-bytes-kept", 65536, UINT32_MAX, &server->requests_kept.bytes},
        {"--max-bytes-kept-per-source", 65536, UINT32_MAX, &server->requests_kept.source_bytes},
        {"--max-binding-bytes", 65536, UINT32_MAX, &server->bindings_kept.bytes},
        {"--max-binding-bytes-per-source", 65536, UINT32_MAX, &server->bindings_kept.source_bytes},
        {"--max-message", 512, 65536, &server->limits.message},
        {"--max-headers", 8, 256, &server->limits.fields},
        {"--idle", 1, 604800, &network->idle_s},
        {"--message-time", 1, 3600, &network->message_s},
        {"--connect-time", 1, 60, &network->connect_s},
        {"--drain", 0, 3600, &options->drain_s},
        {"--token-rotate", 60, 31536000, &options->token_rotate_s},
        {"--decision-log-size", 0, UINT32_MAX, &options->decision_log_size},
        {"--decision-log-keep", 0, 1000, &options->decision_log_keep},
        {"--script-time", 1, 60000, &options->limits.time_ms},
        {"--script-memory", 65536, 1U << 31, &memory},
        {"--tenant-memory", 65536, 1U << 31, &tenant_memory},
        {"--tenant-store", 1, TENANT_KEYS_MOST, &options->tenant_keys},
        {"--rollback-window", 1, 1000000, &options->rollback_window},
        {"--rollback-share", 1, 100, &options->rollback_share},
        {"--limit-requests", 0, 1000000, &options->sources.requests},
        {"--limit-connections", 0, 1000000, &options->sources.connections},
        {"--limit-failures", 0, 1000000, &options->sources.failures},
        {"--ban", 0, 86400, &options->sources.ban_s},
        {"--t1", 10, 60000, &server->timers.t1},
        {"--timer-c", 100, 86400000, &server->timer_c_ms}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) != 0)
            continue;
        int result = take_number_of(&numbers[i], value, error, size);
        if (memory != 0)
            options->limits.memory = memory;
        if (tenant_memory != 0)
            options->limits.tenant_memory = tenant_memory;
        options->limits_connections |= numbers[i].value == &options->sources.connections;
        return result;
    }
    return -ENOENT;
}

static bool take_switch(struct serve_options *options, const char *name)
{
    if (strcmp(name, "--log-decisions") == 0)
        options->log_decisions = true;
    else if (strcmp(name, "--mask-numbers") == 0)
        options->mask_numbers = true;
    else if (strcmp(name, "--watch") == 0)
        options->watch = true;
    else if (strcmp(name, "--no-last-good") == 0)
        options->no_last_good = true;
    else if (strcmp(name, "--tls-client-verify") == 0)
        options->tls.client_verify = true;
    else if (strcmp(name, "--verbose") == 0)
        options->verbose = true;
    else if (strcmp(name, "--help") == 0)
        options->help = true;
    else
        return false;
    return true;
}

static int take_option(struct serve_options *options, const char *name, const char *value, char *error, size_t size)
{
    int result = take_text(options, name, value != NULL ? value : "", error, size);
    if (result == -ENOENT)
        result = take_number(options, name, value != NULL ? value : "", error, size);
    if (result == -ENOENT)
        snprintf(error, size, "unknown option %s", name);
    else if (value == NULL || value[0] == '\0')
        snprintf(error, size, "%s needs a value", name);
    return result == 0 && value != NULL && value[0] != '\0' ? 0 : -EINVAL;
}

static bool has_tls_listener(const struct serve_options *options, const char **which)
{
    for (size_t i = 0; i < options->listen_count; i++) {
        *which = options->listens[i].text;
        if (transport_is_secure(options->listens[i].transport))
            return true;
    }
    return false;
}

static int check_tls(const struct serve_options *options, char *error, size_t size)
{
    const char *which;
    const struct tls_options *tls = &options->tls;
    bool serves = tls->certificate != NULL || tls->domain_count > 0;
    if ((tls->certificate == NULL) != (tls->key == NULL))
        snprintf(error, size, "--tls-cert and --tls-key go together");
    else if (tls->client_verify && tls->client_ca == NULL)
        snprintf(error, size, "--tls-client-verify needs --tls-client-ca");
    else if (!serves && has_tls_listener(options, &which))
        snprintf(error, size, "--listen %s needs --tls-cert and --tls-key, or --tls-domain", which);
    else
        return 0;
    return -EINVAL;
}

static int check(struct serve_options *options, char *error, size_t size)
{
    const struct server_config *server = &options->server;
    uint32_t least = server->expires_least ? server->expires_least : 60;
    uint32_t most = server->expires_most ? server->expires_most : 7200;
    uint32_t standard = server->expires ? server->expires : 3600;
    if (options->policy.layers[0].path[0] == '\0' && !options->help) {
        snprintf(error, size, "no script named");
        return -EINVAL;
    }
    if (least > most) {
        snprintf(error, size, "--min-expires %u is above --max-expires %u", least, most);
        return -EINVAL;
    }
    if (standard < least) {
        snprintf(error, size, "--expires %u is below --min-expires %u", standard, least);
        return -EINVAL;
    }
    if (server->expires > most) {
        snprintf(error, size, "--expires %u is above --max-expires %u", standard, most);
        return -EINVAL;
    }
    if (options->listen_count == 0) {
        add_listen(options, "udp:127.0.0.1:5060", error, size);
        add_listen(options, "tcp:127.0.0.1:5060", error, size);
    }
    return check_tls(options, error, size);
}

int serve_options_read(struct serve_options *options, int argc, char **argv, char *error, size_t error_size)
{
    *options = (struct serve_options){.drain_s = 32, .decision_log_size = 64 << 20, .decision_log_keep = 5};
    options->server.flow_timer = 120;
    options->sources = (struct source_limits_config){.requests = 500, .connections = 500, .failures = 60, .ban_s = 60};
    options->token_rotate_s = 604800;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            if (options->policy.layers[0].path[0] != '\0') {
                snprintf(error, error_size, "one script only: %s and %s", options->policy.layers[0].path, argv[i]);
                return -EINVAL;
            }
            if (!layer_option_base(&options->policy, argv[i])) {
                snprintf(error, error_size, "the script's name is empty or too long");
                return -EINVAL;
            }
        } else if (!take_switch(options, argv[i])) {
            int result = take_option(options, argv[i], i + 1 < argc ? argv[i + 1] : NULL, error, error_size);
            if (result != 0)
                return result;
            i++;
        }
    }
    return check(options, error, error_size);
}
