// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "call/response_context.h"
#include "standalone/names/host_name.h"

const char serve_usage[] = "usage: reflow serve SCRIPT [options]\n"
                           "\n"
                           "A registrar, proxy and edge proxy whose routing is a Lua script. Defaults are in\n"
                           "parentheses.\n"
                           "\n"
                           "  --listen udp:ADDR:PORT   address to listen on; also tcp:, tls:, ws:, wss:;\n"
                           "                           [ADDR] for IPv6; 0.0.0.0 or [::] for all; repeatable\n"
                           "                           (default udp:127.0.0.1:5060 and tcp:127.0.0.1:5060)\n"
                           "  --advertise LISTEN=ADDR[:PORT]  what messages name in place of this --listen\n"
                           "                           value: the address or name by which peers reach it\n"
                           "                           through a 1:1 NAT; one for each listener; repeatable\n"
                           "  --local-net CIDR         addresses that reach the listeners directly, and get\n"
                           "                           messages with their own addresses; repeatable\n"
                           "  --domain D               a domain to serve, in addition to the addresses;\n"
                           "                           repeatable, at most 4096\n"
                           "  --domain-file FILE       domains to serve, one on each line; # begins a comment\n"
                           "  --case-sensitive         sip:Bob@D and sip:bob@D are two users (by default one)\n"
                           "  --state FILE             file that keeps registrations over restarts (SQLite)\n"
                           "  --users FILE             users and hashes of their passwords, made by `reflow user`\n"
                           "  --auth-algorithms LIST   algorithms of challenges, in this order: sha256, md5,\n"
                           "                           sha512-256 (sha256,md5)\n"
                           "  --nonce-time SECONDS     how long phones may use a nonce (300)\n"
                           "  --status PATH            Unix socket that prints the status as JSON\n"
                           "  --log-decisions          write each decision as JSON to standard output\n"
                           "  --decision-log FILE      write each decision as JSON to this file\n"
                           "  --decision-log-size BYTES  rotate the file at this size; 0: never (67108864)\n"
                           "  --decision-log-keep N    rotated files to keep, FILE.1 to FILE.N (5)\n"
                           "  --mask-numbers           write telephone numbers in these logs as +15****00\n"
                           "  --verbose                log each registration, dead flow and response to a call\n"
                           "\n"
                           "  --flow-timer S           Flow-Timer for outbound registrations; 0: none (120)\n"
                           "  --expires S              lifetime of a binding if the phone names none (3600)\n"
                           "  --min-expires S          shortest lifetime; a shorter one gets 423 (60)\n"
                           "  --lengthen-expires       grant --min-expires to a shorter one, instead of 423\n"
                           "  --max-expires S          longest lifetime; a longer one is shortened (7200)\n"
                           "\n"
                           "  --nat-ping SECONDS       how often phones without reg-id whose Contact is not\n"
                           "                           their address are pinged; after three pings without\n"
                           "                           an answer the phone is unregistered; 0: never (30)\n"
                           "  --rest-silent SECONDS    how long a destination that did not answer at all is\n"
                           "                           tried last; 0: off (30)\n"
                           "\n"
                           "  --via-source rport|always  where responses over UDP go if a request has no\n"
                           "                           rport: to the port in its Via (rport), or to the port\n"
                           "                           from which it came (always) (rport)\n"
                           "\n"
                           "  --max-connections N      TCP connections at a time (10000)\n"
                           "  --max-transactions N     requests in progress; beyond this, 503 (200000)\n"
                           "  --max-client-transactions N  forwarded requests that wait for a final\n"
                           "                           response; beyond this, 503 (50000)\n"
                           "  --max-client-transactions-per-source N  the same for one source (5000)\n"
                           "  --max-bytes-in-flight BYTES  bytes of these requests (64000000)\n"
                           "  --max-bytes-in-flight-per-source BYTES  the same for one source (8000000)\n"
                           "  --max-bytes-kept BYTES   bytes of requests in progress and their responses;\n"
                           "                           beyond this, 503 (144000000)\n"
                           "  --max-bytes-kept-per-source BYTES  the same for one source (24000000)\n"
                           "  --max-binding-bytes BYTES  bytes of bindings; beyond this, 503 (96000000)\n"
                           "  --max-binding-bytes-per-source BYTES  the same for one source (8000000)\n"
                           "  --max-message BYTES      size of a message, at most 65536 (65536)\n"
                           "  --max-headers N          header fields of a message (256)\n"
                           "  --idle S                 close idle connections that carry no registration (600)\n"
                           "  --message-time S         time for a message to be complete (32)\n"
                           "  --connect-time SECONDS   time for opening a connection, TLS included, and for\n"
                           "                           the PROXY header of a load balancer (4)\n"
                           "  --ack-time MS            time in which a phone with another flow must acknowledge\n"
                           "                           an INVITE over TCP, TLS or WebSocket; 0: no limit (750)\n"
                           "  --drain S                after SIGTERM, wait for calls being set up (32)\n"
                           "  --dns ADDR[:PORT]        DNS server to ask; repeatable, at most 8\n"
                           "                           (default: those of /etc/resolv.conf, and port 53)\n"
                           "\n"
                           "  --limit-requests N/s     requests from one source (an IPv4 address or IPv6 /64),\n"
                           "                           in bursts of 4 s; 0: no limit (500)\n"
                           "  --limit-connections N    open connections from one source; 0: no limit (500, at\n"
                           "                           most half of --max-connections)\n"
                           "  --limit-failures N/min   responses 400, 401, 403 and 404 to one source; 0: no\n"
                           "                           limit (60)\n"
                           "  --ban SECONDS            how long a source is banned that exceeds a limit over\n"
                           "                           TCP, TLS or WebSocket; UDP excess is dropped (60)\n"
                           "  --trust CIDR             addresses without these limits: edges, offices behind one\n"
                           "                           NAT; it gives no further rights; repeatable\n"
                           "  --open                   check nobody: everybody may register as anybody and\n"
                           "                           call what the script allows; for closed networks\n"
                           "  --edge                   the script only forwards to a registrar, which checks\n"
                           "                           the callers; nothing else leaves this server\n"
                           "  --no-foreign             callers from other domains who have no password here\n"
                           "                           may not even call the users of this server\n"
                           "  --trunk CIDR             address or block of a trunk, such as 192.0.2.10: calls\n"
                           "                           from there are the trunk's (call.trunk), and have no\n"
                           "                           limits; repeatable\n"
                           "  --trunk-cert DOMAIN      the same for a TLS client whose certificate contains\n"
                           "                           this domain; needs --tls-client-ca; repeatable\n"
                           "  --proxy-protocol CIDR    load balancers: connections from these addresses must\n"
                           "                           begin with a PROXY protocol header, which names the\n"
                           "                           client; repeatable, at most 64\n"
                           "\n"
                           "  --token-keys FILE        keys of flow tokens and dialogs (STATE.keys, or in\n"
                           "                           memory)\n"
                           "  --token-rotate S         age at which a key is replaced; the old one still\n"
                           "                           verifies for the same time (604800)\n"
                           "\n"
                           "  --tls-cert FILE          certificate and its chain (PEM), for tls: and wss:\n"
                           "  --tls-key FILE           its private key (PEM, without a passphrase)\n"
                           "  --tls-domain DOMAIN=CERT,KEY  for clients that name this domain (SNI);\n"
                           "                           repeatable\n"
                           "  --tls-client-ca FILE     CA certificates for client certificates\n"
                           "  --tls-client-verify      refuse clients without a certificate\n"
                           "  --tls-ca FILE            CA certificates for outgoing TLS connections (the\n"
                           "                           system's)\n"
                           "\n"
                           "  --ws-origin ORIGIN       origin of web pages that may use ws: and wss:, such as\n"
                           "                           https://phone.example.com; repeatable (all)\n"
                           "\n"
                           "  --layer NAME:PRIO=PATH   a policy above the script: a file or a folder;\n"
                           "                           repeatable\n"
                           "  --tenant DOMAIN=PATH     a policy for the users of one domain; repeatable\n"
                           "  --tenant-memory BYTES    memory for the policies of one tenant (4194304)\n"
                           "  --tenant-store KEYS      entries in the store of one tenant (4096)\n"
                           "  --control PATH           Unix socket for `reflow ctl`\n"
                           "  --watch                  reload when the files of a policy change\n"
                           "  --last-good FILE         file for the last good policy (STATE.policy)\n"
                           "  --no-last-good           if the policy is broken, do not start with the last\n"
                           "                           good one\n"
                           "  --rollback-window N      hook calls that automatic rollback examines (100)\n"
                           "  --rollback-share PERCENT of them that may fail before a rollback (20)\n"
                           "  --script-time MS         time limit of a hook (20)\n"
                           "  --script-memory BYTES    memory limit of a script (8388608)\n"
                           "  --t1 MS                  RFC 3261 timer T1 (500)\n"
                           "  --timer-c MS             RFC 3261 timer C (185000)\n"
                           "\n"
                           "SIGHUP reloads the policy, whose active version stays in use if the new one\n"
                           "fails to load, and reads token keys, certificates, the domain file and the\n"
                           "users file again.\n"
                           "SIGUSR1 prints the status. SIGTERM drains and ends.\n";

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

/* Returns NULL, or the reason why nobody can listen on the address. */
static const char *refuse_address(struct text host, const union address *address)
{
    bool is_v6 = address->any.sa_family == AF_INET6;
    const uint8_t *v6 = address->v6.sin6_addr.s6_addr;
    uint8_t first = is_v6 ? v6[0] : (uint8_t)(ntohl(address->v4.sin_addr.s_addr) >> 24);
    if (is_v6 != (host.at[0] == '['))
        return "brackets are for IPv6 addresses";
    if (is_v6 && v6[0] == 0xfe && (v6[1] & 0xc0) == 0x80)
        return "link-local addresses, and zones, are not supported";
    bool is_multicast = is_v6 ? first == 0xff : first >> 4 == 14;
    bool is_broadcast = !is_v6 && address->v4.sin_addr.s_addr == INADDR_BROADCAST;
    return is_multicast || is_broadcast ? "a multicast or broadcast address belongs to no machine" : NULL;
}

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
        return "expected TRANSPORT:ADDRESS:PORT";
    struct text host = {text + word + 1, (size_t)(colon - text) - word - 1};
    bool bare_ipv6 = host.length > 0 && host.at[0] != '[' && memchr(host.at, ':', host.length) != NULL;
    if (memchr(host.at, '%', host.length) != NULL)
        return "link-local addresses, and zones, are not supported";
    if (bare_ipv6 || !address_read(host, 0, &listen->address))
        return "the address must be numeric, an IPv6 address in brackets";
    if (!read_number(colon + 1, 1, 65535, &port))
        return wrong_port;
    address_read(host, (uint16_t)port, &listen->address);
    const char *why = refuse_address(host, &listen->address);
    if (why != NULL)
        return why;
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
            return "expected a numeric ADDRESS or ADDRESS:PORT (IPv6 in brackets)";
        if (!read_number(colon + 1, 1, 65535, &port))
            return wrong_port;
    }
    return address_read(host, (uint16_t)port, server) ? NULL
                                                      : "expected a numeric ADDRESS or ADDRESS:PORT (IPv6 in brackets)";
}

static int add_dns_server(struct serve_options *options, const char *text, char *error, size_t size)
{
    if (options->dns_server_count == NAME_SERVERS_MOST) {
        snprintf(error, size, "--dns: at most %d", NAME_SERVERS_MOST);
        return -EINVAL;
    }
    const char *why = read_dns_server(text, &options->dns_servers[options->dns_server_count]);
    if (why != NULL) {
        snprintf(error, size, "--dns %s: %s", text, why);
        return -EINVAL;
    }
    options->dns_server_count++;
    return 0;
}

static int add_domain(struct serve_options *options, const char *text, char *error, size_t size)
{
    const char *why = NULL;
    if (strncasecmp(text, "sip:", 4) == 0 || strncasecmp(text, "sips:", 5) == 0)
        why = "expected a domain name, without \"sip:\"";
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
    /* Clients send the domain without a final dot (RFC 6066 3). */
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
    for (size_t i = 0; i < tls->domain_count; i++) {
        if (strcasecmp(tls->domains[i].domain, tls->domains[tls->domain_count].domain) != 0)
            continue;
        snprintf(error, size, "--tls-domain %s: this domain has a certificate already", text);
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

/* A list of addresses that an option adds to. */
struct cidr_list {
    struct cidr *cidrs;
    size_t *count;
    unsigned most;
};

static int add_cidr(const struct cidr_list *list, const char *name, const char *text, char *error, size_t size)
{
    if (*list->count == list->most) {
        snprintf(error, size, "%s: at most %u", name, list->most);
        return -EINVAL;
    }
    const char *why = cidr_parse(text_of(text), &list->cidrs[*list->count]);
    if (why != NULL) {
        snprintf(error, size, "%s %s: %s", name, text, why);
        return -EINVAL;
    }
    ++*list->count;
    return 0;
}

static int add_trusted(struct serve_options *options, const char *name, const char *text, char *error, size_t size)
{
    struct source_limits_config *sources = &options->sources;
    const struct cidr_list list = {sources->trusted, &sources->trusted_count, SOURCES_TRUSTED_MOST};
    return add_cidr(&list, name, text, error, size);
}

static int add_trunk(struct serve_options *options, const char *name, const char *text, char *error, size_t size)
{
    struct trunks *trunks = &options->trunks;
    if (trunks->address_count == TRUNKS_MOST) {
        snprintf(error, size, "%s: at most %d", name, TRUNKS_MOST);
        return -EINVAL;
    }
    union address numeric;
    if (strchr(text, '/') == NULL && host_name_is_valid(text_of(text)) && !address_read(text_of(text), 0, &numeric)) {
        snprintf(error, size, "%s %s: a name; give the addresses of the trunk, each with --trunk, or --trunk-cert %s",
                 name, text, text);
        return -EINVAL;
    }
    int result = add_trusted(options, name, text, error, size);
    const struct source_limits_config *sources = &options->sources;
    if (result == 0 && sources->trusted[sources->trusted_count - 1].prefix == 0) {
        snprintf(error, size, "%s %s: everybody would be this trunk", name, text);
        result = -EINVAL;
    }
    if (result != 0)
        return result;
    trunks->addresses[trunks->address_count].cidr = sources->trusted[sources->trusted_count - 1];
    trunks->addresses[trunks->address_count++].text = text_of(text);
    return 0;
}

/* An address in a certificate is not what --trunk-cert names, and a name with '*' stands for itself alone. */
static int add_trunk_domain(struct serve_options *options, const char *text, char *error, size_t size)
{
    union address numeric;
    struct text name = text_of(text);
    struct trunks *trunks = &options->trunks;
    if (trunks->domain_count == TRUNKS_MOST) {
        snprintf(error, size, "--trunk-cert: at most %d", TRUNKS_MOST);
        return -EINVAL;
    }
    if (!host_name_is_valid(name) || address_read(name, 0, &numeric)) {
        snprintf(error, size, "--trunk-cert %s: it is not a domain name, without a port or *", text);
        return -EINVAL;
    }
    if (name.length > 1 && name.at[name.length - 1] == '.')
        name.length--;
    trunks->domains[trunks->domain_count++] = name;
    return 0;
}

static int add_balancer(struct serve_options *options, const char *name, const char *text, char *error, size_t size)
{
    const struct cidr_list list = {options->balancers, &options->balancer_count, BALANCERS_MOST};
    return add_cidr(&list, name, text, error, size);
}

static int add_local_net(struct serve_options *options, const char *name, const char *text, char *error, size_t size)
{
    struct advertising *advertising = &options->server.advertising;
    const struct cidr_list list = {advertising->local_nets, &advertising->local_net_count, LOCAL_NETS_MOST};
    return add_cidr(&list, name, text, error, size);
}

/* The value is read when all listeners are known: check_advertised(). */
static int add_advertised(struct serve_options *options, const char *text, char *error, size_t size)
{
    if (options->advertised_count == LISTENERS_MOST) {
        snprintf(error, size, "--advertise: at most %d", LISTENERS_MOST);
        return -EINVAL;
    }
    options->advertised[options->advertised_count++] = text;
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

static bool read_algorithm(struct text word, enum auth_algorithm *algorithm)
{
    static const char *const words[AUTH_ALGORITHMS] = {
        [AUTH_SHA256] = "sha256", [AUTH_SHA512_256] = "sha512-256", [AUTH_MD5] = "md5"};
    for (int i = 0; i < AUTH_ALGORITHMS; i++) {
        *algorithm = (enum auth_algorithm)i;
        if (text_equal_nocase(word, text_of(words[i])))
            return true;
    }
    return false;
}

static bool offers(const struct auth_config *auth, enum auth_algorithm algorithm)
{
    for (size_t i = 0; i < auth->algorithm_count; i++) {
        if (auth->algorithms[i] == algorithm)
            return true;
    }
    return false;
}

static int take_algorithms(struct serve_options *options, const char *text, char *error, size_t size)
{
    struct auth_config *auth = &options->auth;
    auth->algorithm_count = 0;
    options->auth_given = "--auth-algorithms";
    for (const char *word = text; word != NULL;) {
        enum auth_algorithm algorithm;
        const char *comma = strchr(word, ',');
        struct text name = {word, comma != NULL ? (size_t)(comma - word) : strlen(word)};
        if (!read_algorithm(name, &algorithm) || offers(auth, algorithm)) {
            snprintf(error, size, "--auth-algorithms %s: expected some of sha256, md5 and sha512-256, each once", text);
            return -EINVAL;
        }
        auth->algorithms[auth->algorithm_count++] = algorithm;
        word = comma != NULL ? comma + 1 : NULL;
    }
    return 0;
}

static int take_users(struct serve_options *options, const char *name, const char *value, char *error, size_t size)
{
    if (strcmp(name, "--auth-algorithms") == 0)
        return take_algorithms(options, value, error, size);
    if (strcmp(name, "--users") != 0)
        return -ENOENT;
    options->users = value;
    return 0;
}

static int take_via_source(struct serve_options *options, const char *text, char *error, size_t size)
{
    bool always = strcmp(text, "always") == 0;
    options->server.responses_to_source = always;
    if (always || strcmp(text, "rport") == 0)
        return 0;
    snprintf(error, size, "--via-source %s: expected rport or always", text);
    return -EINVAL;
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
    if (strcmp(name, "--dns") == 0)
        return add_dns_server(options, value, error, size);
    if (strcmp(name, "--domain") == 0)
        return add_domain(options, value, error, size);
    if (strcmp(name, "--tls-domain") == 0)
        return add_tls_domain(options, value, error, size);
    if (strcmp(name, "--layer") == 0 || strcmp(name, "--tenant") == 0)
        return add_layer(options, name, value, error, size);
    if (strcmp(name, "--trust") == 0)
        return add_trusted(options, name, value, error, size);
    if (strcmp(name, "--trunk") == 0)
        return add_trunk(options, name, value, error, size);
    if (strcmp(name, "--trunk-cert") == 0)
        return add_trunk_domain(options, value, error, size);
    if (strcmp(name, "--proxy-protocol") == 0)
        return add_balancer(options, name, value, error, size);
    if (strcmp(name, "--advertise") == 0)
        return add_advertised(options, value, error, size);
    if (strcmp(name, "--local-net") == 0)
        return add_local_net(options, name, value, error, size);
    if (strcmp(name, "--ws-origin") == 0)
        return add_origin(options, value, error, size);
    if (strcmp(name, "--via-source") == 0)
        return take_via_source(options, value, error, size);
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
        return take_tls_file(&options->tls, name, value) ? 0 : take_users(options, name, value, error, size);
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
    snprintf(error, size, "%s %s: expected a whole number from %u to %u%s%s", option->name, value, option->least,
             option->most, unit[0] != '\0' ? ", with or without " : "", unit);
    return -EINVAL;
}

static int take_number(struct serve_options *options, const char *name, const char *value, char *error, size_t size)
{
    struct server_config *server = &options->server;
    struct network_limits *network = &options->network;
    uint32_t memory = 0, tenant_memory = 0;
    const struct number_option numbers[] = {
        {"--flow-timer", 0, 86400, &server->flow_timer},
        {"--nat-ping", 0, 3600, &server->nat_ping},
        {"--rest-silent", 0, 86400, &server->rest_silent},
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
        {"--ack-time", 0, 60000, &server->ack_ms},
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
        {"--nonce-time", 1, 86400, &options->auth.nonce_s},
        {"--timer-c", 100, 86400000, &server->timer_c_ms}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) != 0)
            continue;
        int result = take_number_of(&numbers[i], value, error, size);
        if (memory != 0)
            options->limits.memory = memory;
        if (tenant_memory != 0)
            options->limits.tenant_memory = tenant_memory;
        if (numbers[i].value == &options->auth.nonce_s)
            options->auth_given = "--nonce-time";
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
    else if (strcmp(name, "--open") == 0)
        options->open = true;
    else if (strcmp(name, "--edge") == 0)
        options->edge = true;
    else if (strcmp(name, "--case-sensitive") == 0)
        options->server.aor_case = AOR_CASE_SENSITIVE;
    else if (strcmp(name, "--lengthen-expires") == 0)
        options->server.expires_lengthened = true;
    else if (strcmp(name, "--no-foreign") == 0)
        options->no_foreign = true;
    else if (strcmp(name, "--verbose") == 0)
        options->verbose = true;
    else if (strcmp(name, "--help") == 0)
        options->help = true;
    else
        return false;
    return true;
}

/* Whether the option may be given again is written in its help. */
static bool is_repeatable(const char *name)
{
    char start[64];
    int length = snprintf(start, sizeof start, "\n  %s ", name);
    const char *help = length < (int)sizeof start ? strstr(serve_usage, start) : NULL;
    const char *word = help != NULL ? strstr(help, "repeatable") : NULL;
    const char *next = help != NULL ? strstr(help + length, "\n  --") : NULL;
    const char *gap = help != NULL ? strstr(help + length, "\n\n") : NULL;
    return word != NULL && (next == NULL || word < next) && (gap == NULL || word < gap);
}

enum { OPTION_NAME_SIZE = 48 }; /* the longest name fits */

/* The options so far that may be given once. */
struct given {
    char names[128][OPTION_NAME_SIZE];
    size_t count;
};

/* Of two values, one would be ignored. */
static bool is_given_again(struct given *given, const char *name)
{
    if (is_repeatable(name))
        return false;
    for (size_t i = 0; i < given->count; i++) {
        if (strcmp(given->names[i], name) == 0)
            return true;
    }
    if (given->count < sizeof given->names / sizeof given->names[0])
        snprintf(given->names[given->count++], OPTION_NAME_SIZE, "%s", name);
    return false;
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
    else if (options->trunks.domain_count > 0 && tls->client_ca == NULL)
        snprintf(error, size, "--trunk-cert needs --tls-client-ca");
    else if (!serves && has_tls_listener(options, &which))
        snprintf(error, size, "--listen %s needs --tls-cert and --tls-key, or --tls-domain", which);
    else
        return 0;
    return -EINVAL;
}

static bool find_listen(const struct serve_options *options, struct text text, size_t *index)
{
    for (*index = 0; *index < options->listen_count; (*index)++) {
        if (text_equal(text_of(options->listens[*index].text), text))
            return true;
    }
    return false;
}

/* Peers would not reach one of two listeners that they know by the same address. */
static bool is_advertised_elsewhere(const struct serve_options *options, size_t index)
{
    const struct advertised *all = options->server.advertising.listeners, *own = &all[index];
    for (size_t i = 0; i < options->listen_count; i++) {
        if (i != index && options->listens[i].transport == options->listens[index].transport &&
            all[i].port == own->port && advertised_is(&all[i], text_of(own->host)))
            return true;
    }
    return false;
}

/* Returns NULL, or the reason why the value is refused. */
static const char *read_advertised(struct serve_options *options, const char *text)
{
    size_t index;
    const char *equals = strchr(text, '=');
    struct advertised *all = options->server.advertising.listeners;
    if (equals == NULL)
        return "expected LISTEN=ADDRESS or LISTEN=ADDRESS:PORT";
    if (!find_listen(options, (struct text){text, (size_t)(equals - text)}, &index))
        return "there is no --listen with exactly the value before '='";
    if (all[index].host[0] != '\0')
        return "this listener has an --advertise already";
    const char *why = advertised_read(text_of(equals + 1), address_port(&options->listens[index].address), &all[index]);
    if (why == NULL && is_advertised_elsewhere(options, index))
        why = "this is advertised for another listener with the same transport";
    return why;
}

static int check_advertised(struct serve_options *options, char *error, size_t size)
{
    for (size_t i = 0; i < options->advertised_count; i++) {
        const char *why = read_advertised(options, options->advertised[i]);
        if (why == NULL)
            continue;
        snprintf(error, size, "--advertise %s: %s", options->advertised[i], why);
        return -EINVAL;
    }
    return 0;
}

/* The system would say that the address is in use, as if it were by another program. */
static int check_listeners(const struct serve_options *options, char *error, size_t size)
{
    for (size_t i = 0; i < options->listen_count; i++) {
        for (size_t j = i + 1; j < options->listen_count; j++) {
            const struct listen_option *one = &options->listens[i], *other = &options->listens[j];
            if (transport_connects(one->transport) != transport_connects(other->transport) ||
                !address_equal(&one->address, &other->address))
                continue;
            snprintf(error, size, "--listen %s and --listen %s exclude each other: they have the same address and port",
                     one->text, other->text);
            return -EINVAL;
        }
    }
    return 0;
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
    if (options->open && options->edge) {
        snprintf(error, size, "--open and --edge exclude each other");
        return -EINVAL;
    }
    if (options->listen_count == 0) {
        add_listen(options, "udp:127.0.0.1:5060", error, size);
        add_listen(options, "tcp:127.0.0.1:5060", error, size);
    }
    int result = check_listeners(options, error, size);
    if (result == 0)
        result = check_advertised(options, error, size);
    return result == 0 ? check_tls(options, error, size) : result;
}

static int take_script(struct serve_options *options, const char *path, char *error, size_t size)
{
    const char *first = options->policy.layers[0].path;
    if (first[0] != '\0')
        snprintf(error, size, "one script only: %s and %s", first, path);
    else if (!layer_option_base(&options->policy, path))
        snprintf(error, size, "the script's name is empty or too long");
    else
        return 0;
    return -EINVAL;
}

/* The arguments that are left. */
struct words {
    int argc, next;
    char **argv;
    bool ended; /* "--" was seen: what follows is no option */
    struct given given;
};

/* The value of an option: after "=", or else the next argument. An option there means that the value was forgotten. */
static int take_value(struct serve_options *options, struct words *words, const char *name, const char *value,
                      char *error, size_t size)
{
    if (is_given_again(&words->given, name)) {
        snprintf(error, size, "%s: it is given more than once", name);
        return -EINVAL;
    }
    if (value == NULL && words->next < words->argc && strncmp(words->argv[words->next], "--", 2) != 0)
        value = words->argv[words->next++];
    return take_option(options, name, value, error, size);
}

static int take_word(struct serve_options *options, struct words *words, char *error, size_t size)
{
    char name[OPTION_NAME_SIZE];
    const char *word = words->argv[words->next++];
    const char *equals = strchr(word, '=');
    if (words->ended || word[0] != '-')
        return take_script(options, word, error, size);
    if (strcmp(word, "--") == 0) {
        words->ended = true;
        return 0;
    }
    int length = equals != NULL ? (int)(equals - word) : (int)strnlen(word, sizeof name);
    if (length < OPTION_NAME_SIZE) {
        snprintf(name, sizeof name, "%.*s", length, word);
        if (!take_switch(options, name))
            return take_value(options, words, name, equals != NULL ? equals + 1 : NULL, error, size);
        if (equals == NULL)
            return 0;
    }
    snprintf(error, size, length < OPTION_NAME_SIZE ? "no value belongs to %s" : "unknown option %s", word);
    return -EINVAL;
}

int serve_options_read(struct serve_options *options, int argc, char **argv, char *error, size_t error_size)
{
    struct words words = {.argc = argc, .next = 1, .argv = argv};
    int result = 0;
    *options = (struct serve_options){.drain_s = 32, .decision_log_size = 64 << 20, .decision_log_keep = 5};
    options->server.flow_timer = 120;
    options->server.ack_ms = ACK_PATIENCE_MS;
    options->server.rest_silent = REST_SILENT_STANDARD_S;
    options->server.nat_ping = 30;
    options->sources = (struct source_limits_config){.requests = 500, .connections = 500, .failures = 60, .ban_s = 60};
    options->token_rotate_s = 604800;
    options->auth = (struct auth_config){.algorithms = {AUTH_SHA256, AUTH_MD5}, .algorithm_count = 2, .nonce_s = 300};
    while (result == 0 && words.next < argc)
        result = take_word(options, &words, error, error_size);
    return result == 0 ? check(options, error, error_size) : result;
}
