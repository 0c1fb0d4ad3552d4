// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "standalone/serve/serve_options.h"

/* Words as on the command line, behind "reflow serve". */
struct command {
    char words[4096]; /* what the options point into */
    struct serve_options options;
    char error[256];
    int result;
};

static void read_words(struct command *command, const char *line)
{
    static const char program[] = "serve";
    char *words[256] = {(char *)(size_t)program};
    int count = 1;
    snprintf(command->words, sizeof command->words, "%s", line);
    for (char *word = strtok(command->words, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = strcmp(word, "''") == 0 ? word + 2 : word;
    command->error[0] = '\0';
    command->result = serve_options_read(&command->options, count, words, command->error, sizeof command->error);
}

static void assert_read(struct command *command, const char *line)
{
    read_words(command, line);
    if (command->result != 0)
        fail_msg("%s: %s", line, command->error);
}

static void assert_refused(const char *line, const char *why)
{
    struct command command;
    read_words(&command, line);
    assert_int_equal(command.result, -EINVAL);
    if (strstr(command.error, why) == NULL)
        fail_msg("%s: %s is not in: %s", line, why, command.error);
    assert_null(strchr(command.error, '\n'));
}

static void test_a_script_is_enough(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "routing.lua");
    const struct serve_options *options = &command.options;
    assert_string_equal(options->policy.layers[0].path, "routing.lua");
    assert_null(options->state);
    assert_null(options->status);
    assert_null(options->decision_log);
    assert_int_equal(options->listen_count, 2);
    assert_int_equal(options->listens[0].transport, TRANSPORT_UDP);
    assert_int_equal(options->listens[1].transport, TRANSPORT_TCP);
    assert_string_equal(options->listens[1].text, "tcp:127.0.0.1:5060");
    assert_int_equal(address_port(&options->listens[0].address), 5060);
    assert_int_equal(options->server.flow_timer, 120);
    assert_int_equal(options->server.ack_ms, ACK_PATIENCE_MS);
    assert_int_equal(options->server.rest_silent, 30);
    assert_int_equal(options->server.nat_ping, 30);
    assert_int_equal(options->domain_count, 0);
    assert_null(options->domain_file);
    assert_int_equal(options->drain_s, 32);
    assert_false(options->log_decisions || options->verbose || options->help || options->mask_numbers);
}

static void test_no_script(void **state)
{
    struct command command;
    (void)state;
    assert_refused("", "no script");
    assert_refused("--verbose", "no script");
    assert_refused("a.lua b.lua", "one script only: a.lua and b.lua");
    assert_read(&command, "--help");
    assert_true(command.options.help);
}

static void test_listen(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "--listen udp:0.0.0.0:5070 r.lua --listen tcp:[::1]:65535 --listen TCP:10.0.0.1:1");
    const struct listen_option *listens = command.options.listens;
    assert_int_equal(command.options.listen_count, 3);
    assert_int_equal(listens[0].transport, TRANSPORT_UDP);
    assert_int_equal(listens[1].transport, TRANSPORT_TCP);
    assert_int_equal(listens[2].transport, TRANSPORT_TCP);
    assert_int_equal(listens[1].address.any.sa_family, AF_INET6);
    assert_int_equal(address_port(&listens[1].address), 65535);
    assert_string_equal(listens[0].text, "udp:0.0.0.0:5070");
}

static void test_what_is_no_listen(void **state)
{
    static const char *const wrong[] = {"''",
                                        "5060",
                                        "127.0.0.1:5060",
                                        "tls:127.0.0.1:5061",
                                        "udp:127.0.0.1",
                                        "udp:",
                                        "udp::5060",
                                        "udp:5060",
                                        "udp:localhost:5060",
                                        "udp:127.0.0.1:0",
                                        "udp:127.0.0.1:65536",
                                        "udp:127.0.0.1:+1",
                                        "udp:127.0.0.1:5060x",
                                        "udp:::1:5060",
                                        "udp:[::1:5060",
                                        "udp:[::1]5060",
                                        "udp:[127.0.0.1:5060"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "r.lua --listen %s", wrong[i]);
        assert_refused(line, "--listen");
    }
}

static void test_the_reason_why_an_address_is_refused(void **state)
{
    (void)state;
    assert_refused("r.lua --listen udp:127.0.0.1:99999",
                   "--listen udp:127.0.0.1:99999: the port must be a number from 1");
    assert_refused("r.lua --listen sctp:127.0.0.1:5060", "it must begin with udp:, tcp:, tls:, ws: or wss:");
    assert_refused("r.lua --listen udp:localhost:5060", "the address must be numeric");
    assert_refused("r.lua --listen udp:::1:5060", "an IPv6 address in brackets");
    assert_refused("r.lua --listen udp:[127.0.0.1]:5060", "brackets are for IPv6 addresses");
    assert_refused("r.lua --listen udp:[fe80::1]:5060", "link-local addresses, and zones, are not supported");
    assert_refused("r.lua --listen udp:[fe80::1%eth0]:5060", "link-local addresses, and zones, are not supported");
    assert_refused("r.lua --listen udp:224.0.1.75:5060", "a multicast or broadcast address");
    assert_refused("r.lua --listen udp:255.255.255.255:5060", "a multicast or broadcast address");
    assert_refused("r.lua --listen udp:[ff02::1]:5060", "a multicast or broadcast address");
    assert_refused("r.lua --dns 192.0.2.1:99999", "--dns 192.0.2.1:99999: the port must be a number from 1");
    assert_refused("r.lua --dns dns.example", "expected a numeric ADDRESS or ADDRESS:PORT");
    assert_refused("r.lua --domain sip:x", "--domain sip:x: expected a domain name, without \"sip:\"");
}

static void test_layers_and_tenants(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "r.lua --layer site:5=a.lua --tenant a.example=b.lua --tenant b.example.=b.lua");
    assert_int_equal(command.options.policy.count, 4);
    assert_refused("r.lua --tenant a.example=b.lua --tenant A.Example.=c.lua",
                   "--tenant A.Example.=c.lua: this domain has a tenant already");
    assert_refused("r.lua --tenant sip:x=b.lua", "expected a domain name before '=', without \"sip:\"");
    assert_refused("r.lua --tenant b.lua", "expected DOMAIN=PATH");
    assert_refused("r.lua --layer site=a.lua", "expected NAME:PRIORITY=PATH");
    assert_refused("r.lua --layer site:high=a.lua", "the priority must be a whole number");
    assert_refused("r.lua --layer site:99999999999=a.lua", "the priority must be a whole number");
    assert_refused("r.lua --layer si/te:5=a.lua", "the name takes 1 to 31 letters");
    assert_refused("r.lua --layer site:5=a.lua --layer site:6=b.lua", "there is a layer with this name already");
    assert_refused("r.lua --layer base:5=a.lua", "that of the script is base");
    assert_refused("r.lua --layer site:5=", "the path is empty or too long");
}

static void test_every_transport_is_listened_for(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "r.lua --listen udp:10.0.0.1:1 --listen tcp:10.0.0.1:1 --listen tls:10.0.0.1:2 --listen "
                          "ws:[::1]:3 --listen WSS:10.0.0.1:4 --tls-cert a.pem --tls-key a.key");
    assert_int_equal(command.options.listen_count, TRANSPORT_COUNT);
    for (unsigned i = 0; i < TRANSPORT_COUNT; i++)
        assert_int_equal(command.options.listens[i].transport, i);
}

static void test_tls_options(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "r.lua --listen tls:127.0.0.1:5061 --tls-domain a.test=a.pem,a.key --tls-domain "
                          "b.test=b.pem,b.key --tls-client-ca ca.pem --tls-client-verify --tls-ca trusted.pem");
    const struct tls_options *tls = &command.options.tls;
    assert_int_equal(tls->domain_count, 2);
    assert_string_equal(tls->domains[1].domain, "b.test");
    assert_string_equal(tls->domains[1].certificate, "b.pem");
    assert_string_equal(tls->domains[1].key, "b.key");
    assert_string_equal(tls->client_ca, "ca.pem");
    assert_string_equal(tls->ca, "trusted.pem");
    assert_true(tls->client_verify);
    assert_null(tls->certificate);
}

static void test_tls_options_that_do_not_go_together(void **state)
{
    static const char *const wrong[] = {"a.test", "a.test=a.pem", "=a.pem,a.key", "a.test=,a.key", "a.test=a.pem,"};
    char line[512];
    (void)state;
    assert_refused("r.lua --listen wss:127.0.0.1:443", "needs --tls-cert and --tls-key, or --tls-domain");
    assert_refused("r.lua --tls-cert a.pem", "go together");
    assert_refused("r.lua --tls-key a.key", "go together");
    assert_refused("r.lua --tls-client-verify", "needs --tls-client-ca");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(line, sizeof line, "r.lua --tls-domain %s", wrong[i]);
        assert_refused(line, "not DOMAIN=CERTIFICATE,KEY");
    }
    assert_refused("r.lua --tls-domain a.test=a.pem,a.key --tls-domain A.Test.=b.pem,b.key",
                   "--tls-domain A.Test.=b.pem,b.key: this domain has a certificate already");
    char name[200];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(line, sizeof line, "r.lua --tls-domain %s=a.pem,a.key", name);
    assert_refused(line, "not DOMAIN=CERTIFICATE,KEY");
}

static void test_as_many_listeners_as_there_is_room_for(void **state)
{
    struct command command;
    char line[1024] = "r.lua";
    (void)state;
    for (int i = 0; i < LISTENERS_MOST; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " --listen udp:127.0.0.1:%d", 6000 + i);
    assert_read(&command, line);
    assert_int_equal(command.options.listen_count, LISTENERS_MOST);
    strcat(line, " --listen udp:127.0.0.1:7000");
    assert_refused(line, "at most 16");
}

static void test_domains(void **state)
{
    struct command command;
    char line[512];
    char *words[2 * DOMAINS_MOST + 4] = {"serve", "r.lua"};
    (void)state;
    assert_read(&command, "r.lua --domain example.com --domain [2001:db8::1] --domain x --domain-file domains");
    assert_int_equal(command.options.domain_count, 3);
    assert_string_equal(command.options.domains[0], "example.com");
    assert_string_equal(command.options.domain_file, "domains");
    assert_refused("r.lua --domain-file", "needs a value");
    assert_refused("r.lua --domain ''", "--domain needs a value");
    assert_refused("r.lua --domain bob@example.com", "not a domain name");
    assert_refused("r.lua --domain <example.com>", "not a domain name");
    for (int i = 0; i <= DOMAINS_MOST; i++) {
        words[2 + 2 * i] = "--domain";
        words[3 + 2 * i] = "d";
    }
    assert_int_equal(serve_options_read(&command.options, 2 * DOMAINS_MOST + 2, words, line, sizeof line), 0);
    assert_int_equal(command.options.domain_count, DOMAINS_MOST);
    assert_int_equal(serve_options_read(&command.options, 2 * DOMAINS_MOST + 4, words, line, sizeof line), -EINVAL);
    assert_non_null(strstr(line, "too many domains"));
    snprintf(line, sizeof line, "r.lua --domain %0200d", 0);
    assert_refused(line, "not a domain name");
}

static void test_texts_and_switches(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "--state a.db --status b.sock --decision-log c.log --log-decisions --mask-numbers --verbose "
                          "r.lua");
    assert_string_equal(command.options.state, "a.db");
    assert_string_equal(command.options.status, "b.sock");
    assert_string_equal(command.options.decision_log, "c.log");
    assert_true(command.options.log_decisions && command.options.mask_numbers && command.options.verbose);
}

/* The help names all options, with "repeatable" or without. */
static void test_a_value_that_would_be_ignored_is_refused(void **state)
{
    static const char *const repeated[] = {
        "--listen",     "--advertise", "--local-net", "--domain", "--trust",          "--trunk",     "--dns",
        "--tls-domain", "--ws-origin", "--layer",     "--tenant", "--proxy-protocol", "--trunk-cert"};
    char error[256], line[128];
    unsigned seen = 0, refused = 0, taken = 0;
    (void)state;
    for (const char *at = strstr(serve_usage, "\n  --"); at != NULL; at = strstr(at + 1, "\n  --")) {
        struct serve_options options;
        char name[64];
        size_t length = strcspn(at + 3, " \n");
        snprintf(name, sizeof name, "%.*s", (int)length, at + 3);
        if (at[3 + length] != ' ' || at[4 + length] == ' ')
            continue; /* no value */
        const char *const values[] = {"100", "70000", "1000", "7", "rport", "sha256"};
        bool again = false;
        for (size_t i = 0; i < sizeof values / sizeof values[0] && !again; i++) {
            char *argv[] = {"serve", "r.lua", name, (char *)(size_t)values[i], name, (char *)(size_t)values[i]};
            serve_options_read(&options, 6, argv, error, sizeof error);
            again = strstr(error, "it is given more than once") != NULL;
        }
        bool may = false;
        for (size_t i = 0; i < sizeof repeated / sizeof repeated[0]; i++)
            may |= strcmp(name, repeated[i]) == 0;
        snprintf(line, sizeof line, "%s: it is given more than once", name);
        if (again && strcmp(error, line) != 0)
            fail_msg("%s", error);
        seen++;
        refused += again;
        taken += may && !again;
    }
    assert_int_equal(taken, sizeof repeated / sizeof repeated[0]);
    assert_int_equal(refused, seen - taken);
    assert_refused("r.lua --rest-silent 5 --rest-silent 6", "--rest-silent: it is given more than once");
    assert_refused("--state a.db r.lua --verbose --state a.db", "--state: it is given more than once");
}

static void test_numbers(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "r.lua --flow-timer 0 --expires 300 --min-expires 30 --max-expires 900 --max-connections 5 "
                          "--max-transactions 6 --max-client-transactions 60 --max-client-transactions-per-source 61 "
                          "--max-bytes-in-flight 70000 --max-bytes-in-flight-per-source 71000 --max-message 512 "
                          "--max-bytes-kept 72000 --max-bytes-kept-per-source 73000 --max-binding-bytes 74000 "
                          "--max-binding-bytes-per-source 75000 --max-headers 8 --idle 7 --message-time 9 --drain 0 "
                          "--decision-log-size 0 --decision-log-keep 2 --script-time 10 --script-memory 65536 --t1 100 "
                          "--timer-c 200 --ack-time 0 --rest-silent 0 --nat-ping 7");
    const struct serve_options *options = &command.options;
    assert_int_equal(options->server.flow_timer, 0);
    assert_int_equal(options->server.ack_ms, 0);
    assert_int_equal(options->server.expires, 300);
    assert_int_equal(options->server.expires_least, 30);
    assert_int_equal(options->server.expires_most, 900);
    assert_int_equal(options->network.connections, 5);
    assert_int_equal(options->server.transactions_most, 6);
    assert_int_equal(options->server.loads.transactions, 60);
    assert_int_equal(options->server.loads.source_transactions, 61);
    assert_int_equal(options->server.loads.bytes, 70000);
    assert_int_equal(options->server.loads.source_bytes, 71000);
    assert_int_equal(options->server.requests_kept.bytes, 72000);
    assert_int_equal(options->server.requests_kept.source_bytes, 73000);
    assert_int_equal(options->server.bindings_kept.bytes, 74000);
    assert_int_equal(options->server.bindings_kept.source_bytes, 75000);
    assert_int_equal(options->server.limits.message, 512);
    assert_int_equal(options->server.limits.fields, 8);
    assert_int_equal(options->network.idle_s, 7);
    assert_int_equal(options->network.message_s, 9);
    assert_int_equal(options->drain_s, 0);
    assert_int_equal(options->decision_log_size, 0);
    assert_int_equal(options->decision_log_keep, 2);
    assert_int_equal(options->limits.time_ms, 10);
    assert_int_equal(options->limits.memory, 65536);
    assert_int_equal(options->server.timers.t1, 100);
    assert_int_equal(options->server.timer_c_ms, 200);
    assert_int_equal(options->server.rest_silent, 0);
    assert_int_equal(options->server.nat_ping, 7);
}

static void test_where_responses_go(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "r.lua");
    assert_false(command.options.server.responses_to_source);
    assert_read(&command, "r.lua --via-source always");
    assert_true(command.options.server.responses_to_source);
    assert_read(&command, "r.lua --via-source rport");
    assert_false(command.options.server.responses_to_source);
    assert_refused("r.lua --via-source never", "--via-source never: expected rport or always");
    assert_refused("r.lua --via-source", "needs a value");
}

static void test_what_is_no_number(void **state)
{
    static const char *const wrong[] = {"x", "-1", "+1", "1x", "1.5", "0x10", "99999999999999999999", "513x"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "r.lua --max-message %s", wrong[i]);
        assert_refused(line, "expected a whole number from 512 to 65536");
    }
    assert_refused("r.lua --max-message ''", "--max-message needs a value");
    assert_refused("r.lua --max-message 511", "from 512");
    assert_refused("r.lua --max-message 65537", "to 65536");
    assert_refused("r.lua --t1 9", "from 10");
    assert_refused("r.lua --flow-timer 86401", "to 86400");
    assert_refused("r.lua --script-memory 4294967296", "to 2147483648");
}

static void test_unknown_options_and_missing_values(void **state)
{
    (void)state;
    assert_refused("r.lua --lisen udp:127.0.0.1:5060", "unknown option --lisen");
    assert_refused("r.lua --bogus", "unknown option --bogus");
    assert_refused("r.lua -v", "unknown option -v");
    assert_refused("r.lua --state", "--state needs a value");
    assert_refused("r.lua --expires", "--expires needs a value");
    assert_refused("r.lua --state ''", "--state needs a value");
    assert_refused("r.lua --status ''", "--status needs a value");
    assert_refused("r.lua --domain-file '' --verbose", "--domain-file needs a value");
    assert_refused("r.lua --listen", "--listen needs a value");
}

static void test_lifetimes_that_contradict_each_other(void **state)
{
    struct command command;
    (void)state;
    assert_refused("r.lua --min-expires 100 --max-expires 99 --expires 100", "above --max-expires 99");
    assert_refused("r.lua --max-expires 59", "--min-expires 60 is above");
    assert_refused("r.lua --min-expires 8000", "above --max-expires 7200");
    /* who asks for none would be refused as too brief */
    assert_refused("r.lua --expires 59", "--expires 59 is below --min-expires 60");
    assert_refused("r.lua --expires 7201", "--expires 7201 is above --max-expires 7200");
    assert_refused("r.lua --min-expires 5000", "--expires 3600 is below --min-expires 5000");
    assert_read(&command, "r.lua --min-expires 100 --max-expires 100 --expires 100");
}

/* Every option that the usage names is known. */
static void test_the_usage_names_what_is_read(void **state)
{
    (void)state;
    unsigned named = 0;
    for (const char *at = serve_usage; (at = strstr(at, "\n  --")) != NULL;) {
        char name[64], line[96];
        struct command command;
        at += 3;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " \n"), at);
        snprintf(line, sizeof line, "r.lua %s", name);
        read_words(&command, line);
        if (strstr(command.error, "unknown option") != NULL)
            fail_msg("%s is named and not known", name);
        named++;
    }
    assert_true(named >= 25);
}

static void test_dns_servers_are_numeric_addresses_with_or_without_a_port(void **state)
{
    struct command command;
    char text[64];
    (void)state;
    assert_read(&command, "r.lua");
    assert_int_equal(command.options.dns_server_count, 0);
    assert_read(&command, "r.lua --dns 192.0.2.53 --dns 192.0.2.54:5353 --dns [2001:db8::53] "
                          "--dns [2001:db8::53]:5353");
    static const char *const expected[] = {"192.0.2.53:53", "192.0.2.54:5353", "[2001:db8::53]:53",
                                           "[2001:db8::53]:5353"};
    assert_int_equal(command.options.dns_server_count, 4);
    for (size_t i = 0; i < 4; i++) {
        address_format(&command.options.dns_servers[i], text, sizeof text);
        assert_string_equal(text, expected[i]);
    }
    static const char *const wrong[] = {
        "dns.example",      "192.0.2.53:0",  "192.0.2.53:65536", "192.0.2.53:",    "192.0.2", "2001:db8::53",
        "[2001:db8::53]:x", "[2001:db8::53", "192.0.2.53:5x",    "192.0.2.53:5:3", ":53"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "r.lua --dns %s", wrong[i]);
        assert_refused(line, "--dns");
    }
    char many[512] = "r.lua";
    for (size_t i = 0; i < 9; i++)
        strcat(many, " --dns 192.0.2.53");
    assert_refused(many, "at most 8");
}

static void test_limits_per_source(void **state)
{
    struct command command;
    const struct source_limits_config *sources = &command.options.sources;
    (void)state;
    assert_read(&command, "r.lua");
    assert_int_equal(sources->requests, 500);
    assert_int_equal(sources->connections, 500);
    assert_int_equal(sources->failures, 60);
    assert_int_equal(sources->ban_s, 60);
    assert_int_equal(sources->trusted_count, 0);
    assert_int_equal(command.options.origins.count, 0);
    assert_read(&command, "r.lua --limit-requests 7/s --limit-failures 8/min --limit-connections 9 --ban 10 "
                          "--trust 192.0.2.0/24 --trust 2001:db8::1 --ws-origin https://a.example");
    assert_int_equal(sources->requests, 7);
    assert_int_equal(sources->failures, 8);
    assert_int_equal(sources->connections, 9);
    assert_int_equal(sources->ban_s, 10);
    assert_int_equal(sources->trusted_count, 2);
    assert_int_equal(command.options.origins.count, 1);
    assert_read(&command, "r.lua --limit-requests 0 --limit-failures 6 --limit-connections 0 --ban 0");
    assert_int_equal(sources->requests, 0);
    assert_int_equal(sources->failures, 6);
    static const char *const wrong[] = {"--limit-requests 7/min", "--limit-requests /s",     "--limit-requests 7/s/s",
                                        "--limit-failures 8/s",   "--limit-connections 9/s", "--ban 86401"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "r.lua %s", wrong[i]);
        assert_refused(line, "a whole number from 0 to");
    }
    assert_refused("r.lua --trust 192.0.2.1/24", "--trust 192.0.2.1/24: not ADDRESS or ADDRESS/BITS");
    assert_refused("r.lua --ws-origin a.example", "--ws-origin a.example: not SCHEME://HOST");
}

static void test_trunks(void **state)
{
    struct command command;
    const struct trunks *trunks = &command.options.trunks;
    (void)state;
    assert_read(&command, "r.lua --trunk 203.0.113.0/24 --trunk 2001:db8::1 --trunk-cert trunk.example.net "
                          "--trunk-cert Other.example.net. --tls-client-ca ca.pem --trust 192.0.2.1");
    assert_int_equal(trunks->address_count, 2);
    assert_int_equal(trunks->domain_count, 2);
    assert_int_equal(command.options.sources.trusted_count, 3);
    assert_true(text_equal(trunks->addresses[0].text, TEXT("203.0.113.0/24")));
    assert_int_equal(trunks->addresses[0].cidr.prefix, 24);
    assert_true(text_equal(trunks->domains[1], TEXT("Other.example.net")));
    assert_refused("r.lua --trunk 203.0.113.1/24", "--trunk 203.0.113.1/24: not ADDRESS or ADDRESS/BITS");
    assert_refused("r.lua --trunk trunk.example.net", "--trunk trunk.example.net: a name; give the addresses");
    assert_refused("r.lua --trunk 0.0.0.0/0", "--trunk 0.0.0.0/0: everybody would be this trunk");
    assert_refused("r.lua --trunk ::/0", "--trunk ::/0: everybody would be this trunk");
    assert_refused("r.lua --trunk", "needs a value");
    assert_refused("r.lua --tls-client-ca ca.pem --trunk-cert *.example.net", "it is not a domain name");
    assert_refused("r.lua --tls-client-ca ca.pem --trunk-cert 203.0.113.1", "it is not a domain name");
    assert_refused("r.lua --tls-client-ca ca.pem --trunk-cert trunk.example.net:5061", "it is not a domain name");
    assert_refused("r.lua --trunk-cert trunk.example.net", "--trunk-cert needs --tls-client-ca");
}

static void test_advertised_addresses(void **state)
{
    struct command command;
    const struct advertising *advertising = &command.options.server.advertising;
    (void)state;
    assert_read(&command, "r.lua");
    assert_int_equal(command.options.advertised_count, 0);
    assert_string_equal(advertising->listeners[0].host, "");
    /* In any order, and one for each listener. */
    assert_read(&command,
                "r.lua --advertise tls:[::]:5061=sip.example.com --local-net 10.0.0.0/8 "
                "--listen udp:0.0.0.0:5070 --listen tcp:10.0.0.1:5070 --listen tls:[::]:5061 "
                "--advertise udp:0.0.0.0:5070=203.0.113.5:5060 --tls-cert a --tls-key b --local-net fd00::/8");
    assert_string_equal(advertising->listeners[0].host, "203.0.113.5");
    assert_int_equal(advertising->listeners[0].port, 5060);
    assert_string_equal(advertising->listeners[1].host, "");
    assert_string_equal(advertising->listeners[2].host, "sip.example.com");
    assert_int_equal(advertising->listeners[2].port, 5061);
    assert_int_equal(advertising->local_net_count, 2);
    /* The listeners that there are without --listen; and one address for two transports. */
    assert_read(&command,
                "r.lua --advertise udp:127.0.0.1:5060=203.0.113.5 --advertise tcp:127.0.0.1:5060=203.0.113.5");
    assert_int_equal(advertising->listeners[1].port, 5060);
}

static void test_what_cannot_be_advertised(void **state)
{
#define LISTENS "r.lua --listen udp:0.0.0.0:5060 --listen udp:0.0.0.0:5070 "
    static const char *const left = "there is no --listen with exactly the value before '='";
    (void)state;
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5061=203.0.113.5",
                   "--advertise udp:0.0.0.0:5061=203.0.113.5: there is no --listen");
    assert_refused(LISTENS "--advertise 203.0.113.5", "--advertise 203.0.113.5: expected LISTEN=ADDRESS");
    assert_refused(LISTENS "--advertise =203.0.113.5", left);
    assert_refused(LISTENS "--advertise UDP:0.0.0.0:5060=203.0.113.5", left);
    assert_refused(LISTENS "--advertise udp:0.0.0.0=203.0.113.5", left);
    assert_refused("r.lua --listen udp:10.0.0.1:5060 --advertise udp:127.0.0.1:5060=203.0.113.5", left);
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=", "expected an address");
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=203.0.113.5:99999",
                   "--advertise udp:0.0.0.0:5060=203.0.113.5:99999: the port must be a number from 1 to 65535");
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=2001:db8::5", "an IPv6 address must be in brackets");
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=224.0.0.1", "not the address of a single host");
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=255.255.255.255", "not the address of a single host");
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=[ff02::1]", "not the address of a single host");
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=a_b.example", "host name");
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=203.0.113.5 --advertise udp:0.0.0.0:5060=203.0.113.6",
                   "--advertise udp:0.0.0.0:5060=203.0.113.6: this listener has an --advertise already");
    assert_refused(LISTENS "--advertise udp:0.0.0.0:5060=a.example:5 --advertise udp:0.0.0.0:5070=A.example:5",
                   "this is advertised for another listener with the same transport");
    assert_refused(LISTENS "--advertise", "--advertise needs a value");
    assert_refused(LISTENS "--local-net 10.0.0.1/8", "--local-net 10.0.0.1/8: not ADDRESS or ADDRESS/BITS");
    assert_refused(LISTENS "--local-net 10.0.0.0/33", "--local-net 10.0.0.0/33");
    assert_refused(LISTENS "--local-net here", "--local-net here");
    char many[4096] = "r.lua";
    for (int i = 0; i <= LOCAL_NETS_MOST; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), " --local-net 10.0.0.%d", i);
    assert_refused(many, "--local-net: at most 64");
}

static void test_load_balancers(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "r.lua");
    assert_int_equal(command.options.balancer_count, 0);
    assert_read(&command, "r.lua --proxy-protocol 192.0.2.0/24 --proxy-protocol 2001:db8::1");
    assert_int_equal(command.options.balancer_count, 2);
    assert_int_equal(command.options.balancers[0].prefix, 24);
    assert_int_equal(command.options.balancers[1].prefix, 128);
    assert_refused("r.lua --proxy-protocol 192.0.2.1/24", "--proxy-protocol 192.0.2.1/24: not ADDRESS or ADDRESS/BITS");
    assert_refused("r.lua --proxy-protocol balancer", "--proxy-protocol balancer: not ADDRESS or ADDRESS/BITS");
    char line[64 + 65 * 32] = "r.lua";
    for (size_t i = 0; i < BALANCERS_MOST + 1; i++) {
        if (i == BALANCERS_MOST)
            assert_read(&command, line);
        strcat(line, " --proxy-protocol 192.0.2.1");
    }
    assert_int_equal(command.options.balancer_count, BALANCERS_MOST);
    assert_refused(line, "--proxy-protocol: at most 64");
}

static void test_listeners_that_exclude_each_other(void **state)
{
    struct command command;
    (void)state;
    assert_refused("r.lua --listen udp:127.0.0.1:5060 --listen udp:127.0.0.1:05060",
                   "--listen udp:127.0.0.1:5060 and --listen udp:127.0.0.1:05060 exclude each other");
    assert_refused("r.lua --listen tcp:[::1]:5060 --listen ws:[0::1]:5060", "exclude each other");
    assert_read(&command, "r.lua --listen udp:127.0.0.1:5060 --listen tcp:127.0.0.1:5060 --listen udp:127.0.0.2:5060");
}

static void test_the_forms_of_an_option(void **state)
{
    struct command command;
    (void)state;
    assert_read(&command, "--listen=udp:127.0.0.1:7000 --tenant=a.example=b.lua --state=--odd --verbose -- -r.lua");
    assert_int_equal(command.options.listen_count, 1);
    assert_string_equal(command.options.policy.layers[1].path, "b.lua");
    assert_string_equal(command.options.state, "--odd");
    assert_string_equal(command.options.policy.layers[0].path, "-r.lua");
    assert_refused("r.lua --state --verbose", "--state needs a value");
    assert_refused("r.lua --state=", "--state needs a value");
    assert_refused("r.lua --verbose=yes", "no value belongs to --verbose=yes");
    assert_refused("r.lua --state=a --state b", "--state: it is given more than once");
    assert_refused("r.lua --sate=a", "unknown option --sate");
    assert_refused("r.lua --sate --verbose", "unknown option --sate");
    assert_refused("r.lua -- --verbose", "one script only: r.lua and --verbose");
    assert_refused("r.lua --aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1", "unknown option --aaaaaaaa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_script_is_enough),
        cmocka_unit_test(test_trunks),
        cmocka_unit_test(test_advertised_addresses),
        cmocka_unit_test(test_what_cannot_be_advertised),
        cmocka_unit_test(test_dns_servers_are_numeric_addresses_with_or_without_a_port),
        cmocka_unit_test(test_limits_per_source),
        cmocka_unit_test(test_load_balancers),
        cmocka_unit_test(test_no_script),
        cmocka_unit_test(test_listen),
        cmocka_unit_test(test_what_is_no_listen),
        cmocka_unit_test(test_as_many_listeners_as_there_is_room_for),
        cmocka_unit_test(test_the_reason_why_an_address_is_refused),
        cmocka_unit_test(test_layers_and_tenants),
        cmocka_unit_test(test_every_transport_is_listened_for),
        cmocka_unit_test(test_tls_options),
        cmocka_unit_test(test_tls_options_that_do_not_go_together),
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_texts_and_switches),
        cmocka_unit_test(test_a_value_that_would_be_ignored_is_refused),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_where_responses_go),
        cmocka_unit_test(test_what_is_no_number),
        cmocka_unit_test(test_unknown_options_and_missing_values),
        cmocka_unit_test(test_lifetimes_that_contradict_each_other),
        cmocka_unit_test(test_the_usage_names_what_is_read),
        cmocka_unit_test(test_the_forms_of_an_option),
        cmocka_unit_test(test_listeners_that_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
