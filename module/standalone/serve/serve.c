// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/plain_host.h"
#include "base/random.h"
#include "script/base/printable.h"
#include "standalone/serve/binding_list.h"
#include "standalone/log/decision_log.h"
#include "standalone/serve/local_socket.h"
#include "standalone/serve/log_stamp.h"
#include "standalone/log/log_writer.h"
#include "standalone/serve/persist.h"
#include "standalone/serve/serve_auth.h"
#include "standalone/serve/serve_callers.h"
#include "standalone/serve/serve_domains.h"
#include "standalone/serve/serve_keys.h"
#include "standalone/serve/serve_options.h"
#include "standalone/serve/serve_paths.h"
#include "standalone/serve/serve_policy.h"
#include "standalone/serve/service_notify.h"
#include "standalone/serve/status_socket.h"

enum { EXIT_REFUSED = 2, ERROR_MOST = 5120, REFUSAL_MOST = 2 * ERROR_MOST };

struct serve {
    struct serve_options options;
    uv_loop_t loop;
    struct host host;
    struct source_limits *sources;
    struct tls *tls; /* NULL: neither listened for nor called by */
    struct names *names;
    struct network *network;
    struct domains *domains;
    struct server *server;
    struct persist *persist;
    struct serve_policy *policy;
    int64_t booted_at; /* s, the machine's clock when the process began */
    uv_mutex_t mutex, random_mutex;
    struct random_pool random;
    struct serve_keys keys;
    struct serve_auth auth;
    char last_good[4096], token_keys[4096];
    struct status_socket status;
    struct service_notify notify;
    uv_signal_t hangup, terminate, interrupt, usr1;
    uv_prepare_t prepare;
    uv_timer_t timer, drain;
    struct sip_buffer line; /* of the decision log */
    struct log_writer *decision_log;
    struct log_writer *error_output, *output; /* standard error and standard output */
    bool ready;                               /* started: signals can be handled */
    uint64_t wake_at;                         /* ms of the loop: when `timer` fires */
    bool draining, ending;
    bool in_journal;        /* which stamps the lines of standard error */
    char error[ERROR_MOST]; /* may name a path */
};

/* --- the host --- */

static uint64_t host_now(void *context)
{
    return uv_now(&((struct serve *)context)->loop);
}

/* Continues while the machine sleeps, and does not jump when its clock is set. */
static int64_t boot_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec;
}

static int64_t host_wall(void *context)
{
    return ((const struct serve *)context)->booted_at + boot_clock();
}

static int64_t machine_clock(void *context)
{
    (void)context;
    return time(NULL);
}

/* From any thread. A line that is too long is truncated. */
__attribute__((format(printf, 2, 3))) static void serve_print(const struct serve *serve, const char *format, ...)
{
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if (length > LOG_LINE_MOST) {
        length = LOG_LINE_MOST;
        line[length - 1] = '\n';
    }
    log_writer_put(serve->error_output, line, (size_t)length);
    free(line);
}

/* With the time before it, where nothing adds one. */
__attribute__((format(printf, 2, 3))) static void serve_log(const struct serve *serve, const char *format, ...)
{
    char *line = NULL, stamp[48] = "";
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if (!serve->in_journal)
        log_stamp_write(stamp, sizeof stamp);
    serve_print(serve, "%sreflow: %s", stamp, line);
    free(line);
}

/* From any thread: policies are built on another one. */
static uint32_t host_random(void *context)
{
    uint32_t number = 0;
    struct serve *serve = context;
    uv_mutex_lock(&serve->random_mutex);
    int error = random_pool_take(&serve->random, &number);
    uv_mutex_unlock(&serve->random_mutex);
    plain_random_check(error);
    return number;
}

static void host_log(void *context, enum log_level level, const char *line)
{
    static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
    const struct serve *serve = context;
    if (level <= LOG_NOTICE || serve->options.verbose)
        serve_log(serve, "%s: %s\n", names[level], line);
}

/* Policies are built on another thread; the values that they keep are shared. */
static void host_lock(void *context)
{
    uv_mutex_lock(&((struct serve *)context)->mutex);
}

static void host_unlock(void *context)
{
    uv_mutex_unlock(&((struct serve *)context)->mutex);
}

static void host_create(struct serve *serve)
{
    serve->booted_at = time(NULL) - boot_clock();
    serve->host = (struct host){.context = serve,
                                .now_ms = host_now,
                                .wall_s = host_wall,
                                .allocate = plain_allocate,
                                .random = host_random,
                                .log = host_log,
                                .lock = host_lock,
                                .unlock = host_unlock};
    if (uv_mutex_init(&serve->mutex) != 0 || uv_mutex_init(&serve->random_mutex) != 0)
        abort();
    random_pool_create(&serve->random);
}

static void host_destroy(struct serve *serve)
{
    random_pool_destroy(&serve->random);
    uv_mutex_destroy(&serve->random_mutex);
    uv_mutex_destroy(&serve->mutex);
}

static int refuse(struct serve *serve, int error, const char *what)
{
    if (what != NULL)
        snprintf(serve->error, sizeof serve->error, "%s: %s", what,
                 error == -EADDRINUSE ? "address already in use" : strerror(-error));
    return error;
}

/* --- decisions and status --- */

static void log_decided(void *context, const struct decided *decided)
{
    struct serve *serve = context;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    sip_buffer_clear(&serve->line);
    decision_log_line(decided, wall.tv_sec * 1000LL + wall.tv_nsec / 1000000, serve->options.mask_numbers,
                      &serve->line);
    if (serve->line.failed)
        return;
    if (serve->decision_log != NULL)
        log_writer_put(serve->decision_log, serve->line.bytes, serve->line.length);
    if (serve->options.log_decisions)
        log_writer_put(serve->output, serve->line.bytes, serve->line.length);
}

static const char *log_reason(const char *path, int error)
{
    struct stat status;
    if (error != -ENXIO || stat(path, &status) != 0)
        return strerror(-error);
    return S_ISFIFO(status.st_mode)   ? "nobody reads this pipe"
           : S_ISSOCK(status.st_mode) ? "this is a socket; --log-decisions writes to standard output"
                                      : strerror(-error);
}

static int open_decision_log(struct serve *serve)
{
    const struct serve_options *options = &serve->options;
    const struct log_writer_config config = {.host = &serve->host,
                                             .file = {.path = options->decision_log,
                                                      .size_most = options->decision_log_size,
                                                      .keep = options->decision_log_keep}};
    if (options->decision_log == NULL)
        return 0;
    int error = log_writer_new(&serve->decision_log, &config);
    if (error != 0)
        snprintf(serve->error, sizeof serve->error, "--decision-log %s: %s", options->decision_log,
                 log_reason(options->decision_log, error));
    return error;
}

static void write_counters(const struct serve *serve, struct json *json)
{
    const struct network_counters *counters = network_counters(serve->network);
    const struct names_counters *names = names_counters(serve->names);
    struct log_writer_counters log = {0}, errors, output;
    log_writer_counters(serve->error_output, &errors);
    log_writer_counters(serve->output, &output);
    if (serve->decision_log != NULL)
        log_writer_counters(serve->decision_log, &log);
    const struct {
        const char *name;
        uint64_t value;
    } members[] = {
#define COUNTER(name, what) {#name, counters->name},
        NETWORK_COUNTERS(COUNTER)
#undef COUNTER
#define COUNTER(name, what) {#name, names->name},
            NAMES_COUNTERS(COUNTER)
#undef COUNTER
                {"decision_log_written", log.written},
        {"decision_log_dropped", log.dropped},
        {"decision_log_lost", log.lost},
        {"stderr_dropped", errors.dropped},
        {"stderr_lost", errors.lost},
        {"stdout_dropped", output.dropped},
        {"stdout_lost", output.lost},
        {"state_failures", serve->persist != NULL ? persist_failures(serve->persist) : 0}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        json_put_number(json, members[i].name, members[i].value);
}

static void write_json(void *context, struct sip_buffer *out)
{
    const struct serve *serve = context;
    struct json json = sip_json(out);
    json_open(&json, NULL);
    json_name(&json, "server");
    server_status(serve->server, out);
    json_open(&json, "network");
    write_counters(serve, &json);
    json_close(&json);
    json_open(&json, "policy");
    serve_policy_write(serve->policy, &json);
    json_close(&json);
    json_close(&json);
    sip_append(out, TEXT("\n"));
}

static void on_usr1(uv_signal_t *handle, int number)
{
    struct serve *serve = handle->data;
    struct sip_buffer out = {.host = &serve->host};
    (void)number;
    if (!serve->ready)
        return;
    write_json(serve, &out);
    if (!out.failed)
        log_writer_put(serve->output, out.bytes, out.length);
    sip_buffer_destroy(&out);
}

static void reload_tls(struct serve *serve)
{
    char error[512], line[640];
    if (serve->tls == NULL)
        return;
    bool fine = tls_reload(serve->tls, error, sizeof error) == 0;
    snprintf(line, sizeof line, fine ? "certificates read again" : "certificates stay as they were: %s", error);
    host_log(serve, fine ? LOG_NOTICE : LOG_ERROR, line);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct serve *serve = handle->data;
    (void)number;
    if (!serve->ready)
        return;
    service_notify_reloading(&serve->notify);
    serve_keys_reload(&serve->keys);
    serve_auth_reload(&serve->auth);
    reload_tls(serve);
    network_refresh(serve->network);
    serve_domains_reload(&serve->domains, &serve->host, &serve->options, serve->server);
    serve_policy_reload(serve->policy);
}

/* --- the loop --- */

static void on_timer(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    timers_run(server_timers(serve->server));
}

static void end(struct serve *serve)
{
    if (serve->ending)
        return;
    serve->ending = true;
    uv_stop(&serve->loop);
}

/* Before the loop sleeps: sets the time to wake, and checks whether a drain is complete. Most messages leave the time
   to wake as it is. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct serve *serve = prepare->data;
    int64_t next = timers_next(server_timers(serve->server));
    uint64_t wake_at = uv_now(&serve->loop) + (uint64_t)next;
    if (serve->draining && server_is_drained(serve->server))
        end(serve);
    if (next < 0)
        uv_timer_stop(&serve->timer);
    else if (wake_at != serve->wake_at || !uv_is_active((const uv_handle_t *)&serve->timer))
        uv_timer_start(&serve->timer, on_timer, (uint64_t)next, 0);
    serve->wake_at = wake_at;
}

static void on_drain_time(uv_timer_t *timer)
{
    end(timer->data);
}

static void on_terminate(uv_signal_t *handle, int number)
{
    struct serve *serve = handle->data;
    (void)number;
    if (!serve->ready)
        return;
    if (serve->draining) {
        end(serve);
        return;
    }
    serve->draining = true;
    server_drain(serve->server);
    network_stop_listening(serve->network);
    host_log(serve, LOG_NOTICE, "ending: no new calls, those being set up may finish");
    service_notify_stopping(&serve->notify, "Ending: no new calls, those being set up may finish");
    uv_timer_start(&serve->drain, on_drain_time, serve->options.drain_s * 1000ULL, 0);
}

/* First of all: a signal that arrives during the start waits for the loop. */
static int start_signals(struct serve *serve)
{
    const struct {
        uv_signal_t *handle;
        uv_signal_cb act;
        int number;
    } signals[] = {{&serve->hangup, on_hangup, SIGHUP},
                   {&serve->terminate, on_terminate, SIGTERM},
                   {&serve->interrupt, on_terminate, SIGINT},
                   {&serve->usr1, on_usr1, SIGUSR1}};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        uv_signal_init(&serve->loop, signals[i].handle);
        signals[i].handle->data = serve;
        int error = uv_signal_start(signals[i].handle, signals[i].act, signals[i].number);
        if (error != 0)
            return refuse(serve, error, "signals");
    }
    return 0;
}

static int start_handles(struct serve *serve)
{
    uv_timer_init(&serve->loop, &serve->timer);
    uv_timer_init(&serve->loop, &serve->drain);
    uv_prepare_init(&serve->loop, &serve->prepare);
    serve->timer.data = serve->drain.data = serve->prepare.data = serve;
    return uv_prepare_start(&serve->prepare, on_prepare);
}

/* --- start and end --- */

/* Raises the limit of descriptors to the configured number of connections if the system permits. Otherwise a warning
   is logged now, before connections fail. Some descriptors are left for files, for name lookups (two sockets each),
   for targets of a policy on a full server (connection_share.c), and for the registrar behind an edge, because
   connections that accept() itself refuses are not counted. */
static void raise_descriptors(struct serve *serve)
{
    enum { FOR_ITSELF = 64 + 2 * 64 + 64, AT_LEAST = 16 };
    char line[224];
    struct rlimit limit;
    uint32_t connections = serve->options.network.connections;
    rlim_t wanted = (connections != 0 ? connections : 10000) + FOR_ITSELF;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted)
        return;
    rlim_t possible = limit.rlim_cur > FOR_ITSELF + AT_LEAST ? limit.rlim_cur - FOR_ITSELF : AT_LEAST;
    serve->options.network.connections = (uint32_t)possible;
    snprintf(line, sizeof line,
             "%llu descriptors are allowed, but %llu are needed for --max-connections %llu: at most %llu are accepted",
             (unsigned long long)limit.rlim_cur, (unsigned long long)wanted, (unsigned long long)(wanted - FOR_ITSELF),
             (unsigned long long)possible);
    host_log(serve->host.context, LOG_WARNING, line);
}

static void warn_of_idle_tls(struct serve *serve)
{
    const struct tls_options *tls = &serve->options.tls;
    const char *option = tls->certificate != NULL ? "--tls-cert"
                         : tls->domain_count > 0  ? "--tls-domain"
                         : tls->client_ca != NULL ? "--tls-client-ca"
                         : tls->ca != NULL        ? "--tls-ca"
                                                  : NULL;
    char line[160];
    if (option == NULL)
        return;
    snprintf(line, sizeof line,
             "%s has no effect: there is no tls: or wss: listener (--listen), and TLS is used neither for incoming nor "
             "for outgoing connections",
             option);
    host_log(serve, LOG_WARNING, line);
}

/* A TLS listener is also needed for outgoing TLS. */
static int open_tls(struct serve *serve)
{
    for (size_t i = 0; i < serve->options.listen_count; i++) {
        if (transport_is_secure(serve->options.listens[i].transport))
            return tls_new(&serve->tls, &serve->host, &serve->options.tls, serve->error, sizeof serve->error);
    }
    warn_of_idle_tls(serve);
    return 0;
}

static int refuse_listener(struct serve *serve, int error, const char *listen)
{
    snprintf(serve->error, sizeof serve->error, "cannot listen on %s: %s", listen,
             error == -EADDRINUSE      ? "address already in use"
             : error == -EADDRNOTAVAIL ? "this machine does not have the address"
             : error == -EACCES        ? "no permission (a port below 1024 needs CAP_NET_BIND_SERVICE)"
                                       : strerror(-error));
    return error;
}

/* One source must not be able to take all connections, even if few are allowed. */
static int open_limits(struct serve *serve)
{
    struct source_limits_config *config = &serve->options.sources;
    uint32_t all = serve->options.network.connections;
    config->host = &serve->host;
    if (all != 0 && !serve->options.limits_connections && config->connections > (all + 1) / 2)
        config->connections = (all + 1) / 2;
    return refuse(serve, source_limits_new(&serve->sources, config), "limits");
}

static bool listens_by(const struct serve *serve, bool (*has_property)(unsigned transport))
{
    for (size_t i = 0; i < serve->options.listen_count; i++) {
        if (has_property(serve->options.listens[i].transport))
            return true;
    }
    return false;
}

static void warn_of_balancers(struct serve *serve)
{
    if (serve->options.balancer_count > 0 && !listens_by(serve, transport_connects))
        host_log(serve, LOG_WARNING,
                 "--proxy-protocol has no effect: there is no tcp:, tls:, ws: or wss: listener (--listen)");
}

static void warn_of_origins(struct serve *serve)
{
    bool listens = listens_by(serve, transport_is_websocket), named = serve->options.origins.count > 0;
    if (listens && !named)
        host_log(serve, LOG_WARNING,
                 "web pages of any origin may use the ws: and wss: listeners: name those that may "
                 "with --ws-origin");
    if (!listens && named)
        host_log(serve, LOG_WARNING, "--ws-origin has no effect: there is no ws: or wss: listener (--listen)");
}

static void warn_of_local_nets(struct serve *serve)
{
    if (serve->options.server.advertising.local_net_count > 0 && serve->options.advertised_count == 0)
        host_log(serve, LOG_WARNING,
                 "--local-net has no effect on the addresses in messages: none is advertised (--advertise)");
}

static bool advertises_in_family(const struct serve *serve, sa_family_t family)
{
    const struct serve_options *options = &serve->options;
    for (size_t i = 0; i < options->listen_count; i++) {
        if (options->server.advertising.listeners[i].host[0] != '\0' &&
            options->listens[i].address.any.sa_family == family)
            return true;
    }
    return false;
}

/* A large request, or a call from one transport to another, may name any of the listeners. One on the loopback address
   is for this machine alone. */
static void warn_of_unadvertised(struct serve *serve)
{
    char line[256];
    const struct serve_options *options = &serve->options;
    for (size_t i = 0; i < options->listen_count; i++) {
        if (options->server.advertising.listeners[i].host[0] != '\0' ||
            source_is_loopback(&options->listens[i].address) ||
            !advertises_in_family(serve, options->listens[i].address.any.sa_family))
            continue;
        snprintf(line, sizeof line,
                 "--listen %s has no --advertise, but others have: peers outside get its own address, which they may "
                 "not reach",
                 options->listens[i].text);
        host_log(serve, LOG_WARNING, line);
    }
}

static void warn_of_everybody(struct serve *serve, const char *option, const struct cidr *cidrs, size_t count,
                              const char *effect)
{
    char line[224];
    for (size_t i = 0; i < count; i++) {
        if (cidrs[i].prefix != 0)
            continue;
        bool ipv4 = cidrs[i].address.any.sa_family == AF_INET;
        snprintf(line, sizeof line, "%s %s names all %s addresses: %s", option, ipv4 ? "0.0.0.0/0" : "::/0",
                 ipv4 ? "IPv4" : "IPv6", effect);
        host_log(serve, LOG_WARNING, line);
    }
}

static void warn_of_wide_nets(struct serve *serve)
{
    const struct serve_options *options = &serve->options;
    const struct advertising *advertising = &options->server.advertising;
    warn_of_everybody(serve, "--proxy-protocol", options->balancers, options->balancer_count,
                      "whoever connects can have any address in a PROXY header, and phones without one are refused");
    warn_of_everybody(serve, "--local-net", advertising->local_nets, advertising->local_net_count,
                      "no peer gets an address of --advertise, and all private Contacts are called");
    warn_of_everybody(serve, "--trust", options->sources.trusted, options->sources.trusted_count, "nobody has a limit");
}

static void warn_of_options(struct serve *serve)
{
    warn_of_unadvertised(serve);
    warn_of_wide_nets(serve);
    warn_of_origins(serve);
    warn_of_local_nets(serve);
    warn_of_balancers(serve);
}

static int open_names(struct serve *serve)
{
    struct names_config names = {
        .loop = &serve->loop, .host = &serve->host, .server_count = serve->options.dns_server_count};
    memcpy(names.servers, serve->options.dns_servers, sizeof names.servers);
    return refuse(serve, names_new(&serve->names, &names), "names");
}

static int open_network(struct serve *serve, struct server_config *config)
{
    struct network_config network = {.loop = &serve->loop,
                                     .host = &serve->host,
                                     .limits = serve->options.network,
                                     .tls = serve->tls,
                                     .locate = names_locate,
                                     .names = serve->names,
                                     .sources = serve->sources,
                                     .trunks = &serve->options.trunks,
                                     .origins = &serve->options.origins};
    memcpy(network.balancers, serve->options.balancers, sizeof network.balancers);
    network.balancer_count = serve->options.balancer_count;
    network.limits.flow_timer = config->flow_timer;
    network.limits.message = config->limits;
    int error = network_new(&serve->network, &network);
    if (error != 0)
        return refuse(serve, error, "network");
    for (size_t i = 0; i < serve->options.listen_count; i++) {
        const struct listen_option *listen = &serve->options.listens[i];
        error = network_listen(serve->network, listen->transport, &listen->address, &config->listeners[i]);
        if (error != 0)
            return refuse_listener(serve, error, listen->text);
    }
    names_set_family(serve->names, network_family(serve->network));
    config->listener_count = serve->options.listen_count;
    config->wire = network_wire(serve->network);
    return 0;
}

static int open_state(struct serve *serve)
{
    struct persist_config persist = {
        .loop = &serve->loop, .host = &serve->host, .path = serve->options.state, .clock_s = machine_clock};
    return serve->options.state == NULL ? 0 : persist_new(&serve->persist, &persist, serve->error, sizeof serve->error);
}

static int restore(struct serve *serve)
{
    size_t restored;
    char line[128];
    if (serve->persist == NULL)
        return 0;
    int error = persist_restore(serve->persist, serve->server, &restored, serve->error, sizeof serve->error);
    if (error != 0)
        return error;
    snprintf(line, sizeof line, "%zu bindings restored", restored);
    host_log(serve, LOG_NOTICE, line);
    return refuse(serve, persist_start(serve->persist, serve->server), NULL);
}

static int open_status(struct serve *serve)
{
    if (serve->options.status == NULL)
        return 0;
    int error =
        status_socket_create(&serve->status, &serve->loop, &serve->host, serve->options.status, write_json, serve);
    if (error != 0)
        local_socket_reason("--status", serve->options.status, error, serve->error, sizeof serve->error);
    return error;
}

/* The given path, or one beside the state file; NULL if there is neither. */
static const char *path_beside_state(const struct serve *serve, const char *given, const char *ending, char out[4096])
{
    if (given != NULL || serve->options.state == NULL)
        return given;
    snprintf(out, 4096, "%s%s", serve->options.state, ending);
    return out;
}

static int list_flows(void *context, const struct binding_list_query *query, struct sip_buffer *out)
{
    struct serve *serve = context;
    return binding_list(serve->server, &serve->host, query, out);
}

static int rotate_keys(void *context)
{
    return serve_keys_rotate(&((struct serve *)context)->keys);
}

/* Called after the state file was opened, so that no keys are left beside a file that was refused. */
static int open_keys(struct serve *serve)
{
    char why[ERROR_MOST / 2];
    const char *given = serve->options.token_keys, *option = given != NULL ? "--token-keys" : "keys of flow tokens";
    const char *path = path_beside_state(serve, given, ".keys", serve->token_keys);
    int error = serve_keys_create(&serve->keys, &serve->loop, &serve->host, path, serve->options.token_rotate_s, why,
                                  sizeof why);
    if (error != 0)
        snprintf(serve->error, sizeof serve->error, "%s: %s", option, why);
    return error;
}

/* The service manager gets one line of status: the policy in use, and the result of the last reload. */
static void notify_ready(struct serve *serve, const char *result)
{
    char status[1400];
    snprintf(status, sizeof status, "Serving with %s%s%s", serve->options.policy.layers[0].path,
             result != NULL ? "; " : "", result != NULL ? result : "");
    if (!serve->draining)
        service_notify_ready(&serve->notify, status);
}

static void policy_reloaded(void *context, const char *result)
{
    notify_ready(context, result);
}

static int load_policy(struct serve *serve)
{
    const struct serve_policy_config config = {
        .loop = &serve->loop,
        .host = &serve->host,
        .limits = serve->options.limits,
        .layers = serve->options.policy.layers,
        .layer_count = serve->options.policy.count,
        .tenant_keys = serve->options.tenant_keys,
        .good_path = path_beside_state(serve, serve->options.last_good, ".policy", serve->last_good),
        .list_flows = list_flows,
        .list_context = serve,
        .rotate_keys = rotate_keys,
        .rotate_context = serve,
        .reloaded = policy_reloaded,
        .reloaded_context = serve,
        .forbid_last_good = serve->options.no_last_good,
        .control_path = serve->options.control,
        .watch = serve->options.watch,
        .rollback_window = serve->options.rollback_window,
        .rollback_share = serve->options.rollback_share * 10};
    int error = serve_paths_check(&serve->options, serve->error, sizeof serve->error);
    if (error == 0)
        error = serve_policy_new(&serve->policy, &config, serve->error, sizeof serve->error);
    return error != 0 ? error
                      : serve_auth_create(&serve->auth, &serve->host, &serve->options,
                                          serve_policy_policy(serve->policy), serve->error, sizeof serve->error);
}

static int check_random(struct serve *serve)
{
    uint32_t number;
    int error = random_fill(&number, sizeof number);
    if (error != 0)
        snprintf(serve->error, sizeof serve->error, "cannot get random numbers: %s", strerror(-error));
    return error;
}

static int watch_users(struct serve *serve)
{
    serve_auth_warn_of_domains(&serve->auth, serve->server);
    return refuse(serve, serve_auth_watch(&serve->auth, serve->server), "users");
}

static int start(struct serve *serve)
{
    struct server_config config = serve->options.server;
    config.host = &serve->host;
    raise_descriptors(serve);
    int error = start_signals(serve);
    if (error == 0)
        error = check_random(serve);
    if (error == 0)
        error = load_policy(serve);
    if (error == 0)
        error =
            serve_callers_choose(&serve->options, serve->auth.auth != NULL, &config, serve->error, sizeof serve->error);
    if (error == 0)
        error = open_tls(serve);
    if (error == 0)
        error = open_limits(serve);
    if (error == 0)
        error = serve_domains_load(&serve->domains, &serve->host, &serve->options, serve->error, sizeof serve->error);
    if (error == 0)
        error = open_names(serve);
    if (error == 0)
        error = open_network(serve, &config);
    if (error == 0)
        error = open_state(serve);
    if (error == 0)
        error = open_keys(serve);
    if (error == 0)
        error = open_decision_log(serve);
    if (error == 0) {
        config.decided = serve->options.log_decisions || serve->decision_log != NULL ? log_decided : NULL;
        config.decided_context = serve;
        config.verbose = serve->options.verbose;
        config.mask_numbers = serve->options.mask_numbers;
        config.binding_changed = serve->persist != NULL ? persist_binding_changed : NULL;
        config.binding_changed_context = serve->persist;
        config.domains = serve->domains;
        if (serve->options.domain_count > 0)
            config.realm = text_of(serve->options.domains[0]);
        config.sources = serve->sources;
        config.trunks = &serve->options.trunks;
        config.policy = serve_policy_policy(serve->policy);
        config.token_keys = serve->keys.keys;
        /* An edge leaves this to its registrar. */
        config.auth = config.checks_callers ? serve->auth.auth : NULL;
        error = refuse(serve, server_new(&serve->server, &config), NULL);
        if (error != 0)
            snprintf(serve->error, sizeof serve->error, "out of memory");
    }
    if (error == 0)
        error = restore(serve);
    if (error == 0)
        error = serve_policy_start(serve->policy, serve->error, sizeof serve->error);
    if (error == 0)
        error = open_status(serve);
    if (error == 0)
        error = start_handles(serve);
    if (error == 0)
        error = refuse(serve, network_start(serve->network, serve->server, &server_network_events), "network");
    if (error == 0) {
        warn_of_options(serve);
        serve_callers_warn(&serve->options, &config, &serve->host);
        serve_auth_warn(&serve->auth, config.auth != NULL);
    }
    if (error == 0 && config.auth != NULL)
        error = watch_users(serve);
    serve->ready = error == 0;
    return error;
}

static void announce(const struct serve *serve)
{
    for (size_t i = 0; i < serve->options.listen_count; i++) {
        const struct advertised *advertised = &serve->options.server.advertising.listeners[i];
        serve_log(serve, "listening on %s\n", serve->options.listens[i].text);
        if (advertised->host[0] != '\0')
            serve_log(serve, "advertising %s:%u for it\n", advertised->host, advertised->port);
    }
    serve_log(serve, "serving with %s\n", serve->options.policy.layers[0].path);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* A second signal must not interrupt a shutdown that is in progress: libuv restores the default handlers before the
   process has ended. */
static void hear_no_more(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_IGN);
}

static void stop(struct serve *serve)
{
    if (serve->persist != NULL)
        persist_stop(serve->persist);
    status_socket_destroy(&serve->status);
    service_notify_close(&serve->notify);
    serve_keys_stop(&serve->keys);
    if (serve->policy != NULL)
        serve_policy_stop(serve->policy);
    if (serve->names != NULL)
        names_close(serve->names);
    if (serve->network != NULL)
        network_close(serve->network);
    uv_run(&serve->loop, UV_RUN_NOWAIT);
    uv_walk(&serve->loop, close_handle, NULL);
    hear_no_more();
    uv_run(&serve->loop, UV_RUN_DEFAULT);
    server_delete(serve->server);
    domains_delete(serve->domains);
    serve_keys_destroy(&serve->keys);
    serve_auth_destroy(&serve->auth);
    serve_policy_delete(serve->policy);
    network_delete(serve->network);
    names_delete(serve->names);
    source_limits_delete(serve->sources);
    tls_delete(serve->tls);
    persist_delete(serve->persist);
    log_writer_delete(serve->decision_log);
    sip_buffer_destroy(&serve->line);
}

/* Before anything is logged. If threads cannot be started, the process ends. */
static void open_outputs(struct serve *serve)
{
    const struct log_writer_config errors = {
        .host = &serve->host, .name = "standard error", .descriptor = STDERR_FILENO, .buffer = 1 << 20};
    const struct log_writer_config output = {
        .host = &serve->host, .name = "standard output", .descriptor = STDOUT_FILENO};
    int error = log_writer_new(&serve->error_output, &errors);
    if (error == 0)
        error = log_writer_new(&serve->output, &output);
    if (error == 0)
        return;
    fprintf(stderr, "reflow serve: cannot start the threads that write logs: %s\n", strerror(-error));
    exit(EXIT_REFUSED);
}

static void close_outputs(struct serve *serve)
{
    log_writer_finish(serve->output);
    log_writer_finish(serve->error_output);
    log_writer_delete(serve->output);
    log_writer_delete(serve->error_output);
}

static void warn_of_notify(struct serve *serve, int error)
{
    char line[160];
    snprintf(line, sizeof line, "cannot notify the service manager (NOTIFY_SOCKET): %s", strerror(-error));
    host_log(serve, LOG_WARNING, line);
}

/* The loop itself takes some, and libuv ends the process if it gets none for them. More are asked for later:
   raise_descriptors(). */
static bool has_descriptors(void)
{
    enum { LEAST = 64 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= LEAST)
        return true;
    limit.rlim_cur = LEAST;
    if (limit.rlim_max >= LEAST && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    fprintf(stderr, "reflow serve: %llu descriptors are allowed (ulimit -n), but at least %d are needed\n",
            (unsigned long long)limit.rlim_max, LEAST);
    return false;
}

/* Arguments and file names may have line ends and control characters in them. */
static const char *refusal_line(const struct serve *serve, char line[REFUSAL_MOST])
{
    printable_write(line, REFUSAL_MOST, serve->error);
    return line;
}

int serve_main(int argc, char **argv)
{
    struct serve serve = {0};
    char line[REFUSAL_MOST];
    int error = serve_options_read(&serve.options, argc, argv, serve.error, sizeof serve.error);
    if (error == 0 && serve.options.help) {
        fputs(serve_usage, stdout);
        return 0;
    }
    if (error != 0) {
        fprintf(stderr, "reflow serve: %s (reflow serve --help tells the options)\n", refusal_line(&serve, line));
        return EXIT_REFUSED;
    }
    host_create(&serve);
    serve.in_journal = log_stamp_is_journal(STDERR_FILENO, getenv("JOURNAL_STREAM"));
    serve.line.host = &serve.host;
    signal(SIGPIPE, SIG_IGN);
    if (!has_descriptors())
        return EXIT_REFUSED;
    error = uv_loop_init(&serve.loop);
    if (error != 0) {
        fprintf(stderr, "reflow serve: cannot create the event loop: %s\n", strerror(-error));
        return EXIT_REFUSED;
    }
    int unnotified = service_notify_open(&serve.notify, &serve.loop); /* before the first thread: it changes environ */
    open_outputs(&serve);
    if (unnotified != 0)
        warn_of_notify(&serve, unnotified);
    error = start(&serve);
    if (error != 0) {
        serve_print(&serve, "reflow serve: %s\n", refusal_line(&serve, line));
    } else {
        announce(&serve);
        notify_ready(&serve, NULL);
        uv_run(&serve.loop, UV_RUN_DEFAULT);
    }
    stop(&serve);
    close_outputs(&serve);
    uv_loop_close(&serve.loop);
    host_destroy(&serve);
    return error != 0 ? EXIT_REFUSED : 0;
}
