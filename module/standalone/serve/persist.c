// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/persist.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "standalone/serve/persist_file.h"

/* Both clocks count whole seconds, so a difference of one second may be rounding. */
enum { WRITE_MS = 250, KEPT_EXPIRED_S = 86400, FLOW_MOST = 144, CLOCK_SET_LEAST_S = 2 };

/* A change to write: the new row, or only its key if it is deleted. */
struct entry {
    struct entry *next;
    bool remove;
    struct binding_view view; /* its texts follow */
    char flow[FLOW_MOST];     /* the addresses of a datagram flow, or the socket of another binding; may be empty */
    size_t size;
    char texts[];
};

struct batch {
    struct entry *first, **last;
    bool all; /* the file is emptied first, because these are all bindings */
};

struct persist {
    struct persist_config config;
    char *path;
    sqlite3 *database; /* used by one thread at a time: at start, then the writer, then at the end */
    struct server *server;
    struct batch gathering, writing;
    uv_timer_t timer;
    uv_work_t work;
    uint64_t failures;
    int64_t clock_ahead; /* seconds that the machine's clock is before the host's */
    int result;          /* result of the last batch */
    char message[256];
    bool working, started, restoring, all_again;
};

static void tell(const struct persist *persist, enum log_level level, const char *text)
{
    persist->config.host->log(persist->config.host->context, level, text);
}

static int64_t host_wall(const struct persist *persist)
{
    return persist->config.host->wall_s(persist->config.host->context);
}

static int64_t machine_clock(const struct persist *persist)
{
    return persist->config.clock_s != NULL ? persist->config.clock_s(persist->config.host->context)
                                           : host_wall(persist);
}

/* --- batches --- */

static void batch_create(struct batch *batch)
{
    *batch = (struct batch){.last = &batch->first};
}

static void batch_destroy(struct persist *persist, struct batch *batch)
{
    while (batch->first != NULL) {
        struct entry *change = batch->first;
        batch->first = change->next;
        memory_delete(persist->config.host, change, change->size);
    }
    batch_create(batch);
}

static void batch_move(struct batch *to, struct batch *from)
{
    *to = *from;
    if (from->first == NULL)
        to->last = &to->first;
    batch_create(from);
}

static struct text keep(char **at, struct text text)
{
    if (text.length == 0)
        return (struct text){"", 0};
    struct text kept = {memcpy(*at, text.at, text.length), text.length};
    *at += text.length;
    return kept;
}

static struct entry *change_new(const struct host *host, const struct binding_view *view)
{
    size_t size = sizeof(struct entry) + view->aor.length + view->contact.length + view->instance.length +
                  view->path.length + view->call_id.length + view->parameters.length;
    struct entry *change = memory_new(host, size);
    if (change == NULL)
        return NULL;
    char *at = change->texts;
    change->size = size;
    change->view = *view;
    change->view.aor = keep(&at, view->aor);
    change->view.contact = keep(&at, view->contact);
    change->view.instance = keep(&at, view->instance);
    change->view.path = keep(&at, view->path);
    change->view.call_id = keep(&at, view->call_id);
    change->view.parameters = keep(&at, view->parameters);
    return change;
}

/* "tcp 127.0.0.1:5060": the socket from which a Contact or Path is called. */
static void describe_socket(const struct persist *persist, uint16_t socket, char out[FLOW_MOST])
{
    struct peer own;
    union address address;
    char local[64];
    if (!server_socket(persist->server, socket, &own) || !server_local_address(persist->server, &own, &address))
        return;
    address_format(&address, local, sizeof local);
    snprintf(out, FLOW_MOST, "%s %s", transport_word(own.transport), local);
}

/* "127.0.0.1:5060 127.0.0.1:40000": local and remote address of a datagram flow. Of a connection only its transport
   survives the process. */
static void describe_flow(const struct persist *persist, const struct binding_view *view, char out[FLOW_MOST])
{
    struct peer peer;
    union address address;
    char local[64], remote[64];
    out[0] = '\0';
    if (!flow_is_datagram(view->flow) || !server_flow_peer(persist->server, view->flow, &peer) ||
        !server_local_address(persist->server, &peer, &address)) {
        describe_socket(persist, view->socket, out);
        return;
    }
    address_format(&address, local, sizeof local);
    address_format(&peer.address, remote, sizeof remote);
    snprintf(out, FLOW_MOST, "%s %s", local, remote);
}

/* Empty: the binding has no flow of its own, for example because it came through an edge. */
static const char *flow_transport(const struct binding_view *view)
{
    bool none = view->flow == 0 && view->state == BINDING_ALIVE;
    return none ? "" : transport_word(view->transport);
}

static bool add_change(struct persist *persist, const struct binding *binding, bool remove)
{
    struct binding_view view;
    binding_read(binding, &view);
    struct entry *change = change_new(persist->config.host, &view);
    if (change == NULL)
        return false;
    change->remove = remove;
    change->view.expires_at += persist->clock_ahead;
    change->view.registered_at += persist->clock_ahead;
    describe_flow(persist, &view, change->flow);
    *persist->gathering.last = change;
    persist->gathering.last = &change->next;
    return true;
}

void persist_binding_changed(void *context, enum binding_event event, const struct binding *binding)
{
    struct persist *persist = context;
    bool remove = event != BINDING_ADDED && event != BINDING_UPDATED;
    if (persist->restoring || persist->server == NULL || event == BINDING_REPLACED)
        return;
    if (!add_change(persist, binding, remove))
        persist->all_again = true;
}

/* --- the file --- */

int persist_new(struct persist **out, const struct persist_config *config, char *error, size_t error_size)
{
    struct text path;
    struct persist *persist = memory_new(config->host, sizeof *persist);
    if (persist == NULL || !memory_copy(config->host, text_of(config->path), &path) || path.length == 0) {
        memory_delete(config->host, persist, sizeof *persist);
        snprintf(error, error_size, "state file: no name or no memory");
        return -ENOMEM;
    }
    persist->config = *config;
    persist->path = (char *)(size_t)path.at;
    batch_create(&persist->gathering);
    batch_create(&persist->writing);
    int result = persist_file_open(config->host, persist->path, &persist->database, error, error_size);
    if (result != 0) {
        persist_delete(persist);
        return result;
    }
    *out = persist;
    return 0;
}

/* --- reading --- */

static struct text column(sqlite3_stmt *row, int index)
{
    const char *bytes = (const char *)sqlite3_column_text(row, index);
    return (struct text){bytes, bytes != NULL ? (size_t)sqlite3_column_bytes(row, index) : 0};
}

static bool read_address(const char *string, union address *address)
{
    const char *colon = strrchr(string, ':');
    if (colon == NULL)
        return false;
    return address_read((struct text){string, (size_t)(colon - string)}, (uint16_t)atoi(colon + 1), address);
}

static bool read_words(struct text text, char first[64], char second[64])
{
    char buffer[FLOW_MOST];
    if (text.length >= sizeof buffer)
        return false;
    memcpy(buffer, text.at, text.length);
    buffer[text.length] = '\0';
    return sscanf(buffer, "%63s %63s", first, second) == 2;
}

/* The peer of a datagram flow, if one of the listeners still has its local side. */
static bool read_flow(const struct server *server, struct text text, struct peer *peer)
{
    char local[64], remote[64];
    union address address;
    return read_words(text, local, remote) && read_address(local, &address) && read_address(remote, &peer->address) &&
           server_find_local(server, &address, peer);
}

/* The socket of a binding without a datagram flow; 0 if no listener has it now, or if the file does not name it. */
static uint16_t read_socket(const struct server *server, struct text text)
{
    char word[64], local[64];
    union address address;
    enum transport transport;
    bool read =
        read_words(text, word, local) && transport_of_word(text_of(word), &transport) && read_address(local, &address);
    return read ? server_find_socket(server, transport, &address) : 0;
}

/* Restores the flow of a binding: a datagram flow still exists, a connection ended with its process. */
static void read_binding_flow(const struct server *server, struct text transport, struct text flow,
                              struct binding_view *view, struct peer *peer)
{
    enum transport kind = TRANSPORT_TCP;
    *peer = (struct peer){.transport = TRANSPORT_TCP};
    view->socket = read_socket(server, flow);
    if (transport.length == 0)
        return;
    transport_of_word(transport, &kind);
    view->transport = (uint8_t)kind;
    peer->transport = (uint8_t)kind;
    if (!transport_connects(kind) && read_flow(server, flow, peer)) {
        view->flow = peer_flow(peer);
        view->socket = server_socket_number(peer);
    } else {
        view->state = BINDING_FLOW_GONE;
    }
}

static void read_row(const struct server *server, sqlite3_stmt *row, struct binding_view *view, struct peer *peer)
{
    *view = (struct binding_view){.aor = column(row, 0),
                                  .contact = column(row, 1),
                                  .instance = column(row, 2),
                                  .reg_id = (uint32_t)sqlite3_column_int64(row, 3),
                                  .path = column(row, 4),
                                  .call_id = column(row, 5),
                                  .cseq = (uint32_t)sqlite3_column_int64(row, 6),
                                  .q = (uint16_t)sqlite3_column_int(row, 7),
                                  .expires_at = sqlite3_column_int64(row, 9),
                                  .registered_at = sqlite3_column_int64(row, 10),
                                  .parameters = column(row, 11)};
    read_binding_flow(server, column(row, 12), column(row, 8), view, peer);
}

/* Converts the machine's clock to the host's. A clock that was set back between two runs must not prolong anything. */
static void read_times(const struct persist *persist, struct binding_view *view)
{
    int64_t wall = host_wall(persist), clock = machine_clock(persist);
    int64_t left = view->expires_at - clock, lifetime = view->expires_at - view->registered_at;
    if (lifetime >= 0 && left > lifetime)
        left = lifetime;
    int64_t age = clock - view->registered_at;
    view->registered_at = wall - (age > 0 ? age : 0);
    view->expires_at = wall + left;
}

/* Removes bindings that expired while no server ran. Not at once, because the clock may be wrong after a start. */
static int forget_old(struct persist *persist, int64_t clock)
{
    char statement[96];
    snprintf(statement, sizeof statement, "DELETE FROM binding WHERE expires_at<%" PRId64, clock - KEPT_EXPIRED_S);
    return persist_execute(persist->database, statement);
}

static void tell_refused(const struct persist *persist, size_t count)
{
    char line[160];
    snprintf(line, sizeof line, "%zu bindings of the state file were not restored: past a limit, damaged or no memory",
             count);
    tell(persist, LOG_WARNING, line);
}

static int find_mixed_case(struct persist *persist, bool *found)
{
    sqlite3_stmt *row = NULL;
    int code =
        sqlite3_prepare_v2(persist->database, "SELECT 1 FROM binding WHERE aor<>lower(aor) LIMIT 1", -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    *found = code == SQLITE_ROW;
    sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The rows of a server that distinguished upper and lower case. Of two rows for one binding, the newer stays. SQLite's
   lower() changes ASCII letters alone, as sip_aor_fold() does. A failure ends the start, which closes the file. */
static int fold_aors(struct persist *persist, enum aor_case aor_case)
{
    bool found = false;
    int code = aor_case == AOR_ANY_CASE ? find_mixed_case(persist, &found) : SQLITE_OK;
    if (!found)
        return code;
    return persist_execute(
        persist->database,
        "BEGIN IMMEDIATE;"
        "DELETE FROM binding WHERE (aor,key) IN (SELECT aor,key FROM (SELECT aor,key,row_number() OVER "
        "(PARTITION BY lower(aor),key ORDER BY registered_at DESC) AS nth FROM binding) WHERE nth>1);"
        "UPDATE binding SET aor=lower(aor) WHERE aor<>lower(aor);"
        "COMMIT");
}

int persist_restore(struct persist *persist, struct server *server, size_t *restored, char *error, size_t error_size)
{
    sqlite3_stmt *rows = NULL;
    int64_t clock = machine_clock(persist);
    int code = fold_aors(persist, server_aor_case(server));
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(
            persist->database,
            "SELECT aor,contact,instance,reg_id,path,call_id,cseq,q,flow,expires_at,"
            "registered_at,parameters,transport FROM binding WHERE expires_at>?1 ORDER BY registered_at",
            -1, &rows, NULL);
    size_t refused = 0;
    *restored = 0;
    persist->restoring = true;
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(rows, 1, clock);
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        struct binding_view view;
        struct peer peer;
        read_row(server, rows, &view, &peer);
        read_times(persist, &view);
        if (server_restore_binding(server, &view, &peer) == 0)
            ++*restored;
        else
            refused++;
        code = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    persist->restoring = false;
    if (refused > 0)
        tell_refused(persist, refused);
    if (code == SQLITE_DONE && forget_old(persist, clock) == SQLITE_OK)
        return 0;
    snprintf(error, error_size, "state file %s: %s", persist->path, sqlite3_errmsg(persist->database));
    return -EIO;
}

/* --- writing --- */

static void bind_text(sqlite3_stmt *statement, int index, struct text text)
{
    sqlite3_bind_text(statement, index, text.at != NULL ? text.at : "", (int)text.length, SQLITE_STATIC);
}

#define KEY "(?2||' '||?3)"

/* SQL computes the key from reg-id and instance-id or Contact: see KEY. */
static void bind_key(sqlite3_stmt *statement, const struct binding_view *view)
{
    bind_text(statement, 1, view->aor);
    sqlite3_bind_int64(statement, 2, view->reg_id);
    bind_text(statement, 3, view->reg_id != 0 ? view->instance : view->contact);
}

static int write_change(sqlite3_stmt *put, sqlite3_stmt *remove, const struct entry *change)
{
    sqlite3_stmt *statement = change->remove ? remove : put;
    const struct binding_view *view = &change->view;
    bind_key(statement, view);
    if (!change->remove) {
        bind_text(statement, 4, view->contact);
        bind_text(statement, 5, view->instance);
        bind_text(statement, 6, view->path);
        bind_text(statement, 7, view->call_id);
        sqlite3_bind_int64(statement, 8, view->cseq);
        sqlite3_bind_int(statement, 9, view->q);
        bind_text(statement, 10, text_of(change->flow));
        sqlite3_bind_int64(statement, 11, view->expires_at);
        sqlite3_bind_int64(statement, 12, view->registered_at);
        bind_text(statement, 13, view->parameters);
        bind_text(statement, 14, text_of(flow_transport(view)));
    }
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Returns SQLITE_OK, or the code of the failure with its reason in `message`. */
static int write_batch(sqlite3 *database, const struct batch *batch, char *message, size_t size)
{
    sqlite3_stmt *put = NULL, *remove = NULL;
    int code = persist_execute(database, "BEGIN IMMEDIATE");
    if (code == SQLITE_OK && batch->all)
        code = persist_execute(database, "DELETE FROM binding");
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(database,
                                  "INSERT OR REPLACE INTO binding(aor,key,contact,instance,reg_id,path,call_id,cseq,"
                                  "q,flow,expires_at,registered_at,parameters,transport) "
                                  "VALUES(?1," KEY ",?4,?5,?2,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
                                  -1, &put, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(database, "DELETE FROM binding WHERE aor=?1 AND key=" KEY, -1, &remove, NULL);
    for (const struct entry *change = batch->first; code == SQLITE_OK && change != NULL; change = change->next)
        code = write_change(put, remove, change);
    sqlite3_finalize(put);
    sqlite3_finalize(remove);
    if (code == SQLITE_OK)
        code = persist_execute(database, "COMMIT");
    if (code != SQLITE_OK) {
        snprintf(message, size, "%s", sqlite3_errmsg(database)); /* ROLLBACK overwrites it */
        persist_execute(database, "ROLLBACK");
    }
    return code;
}

static void work(uv_work_t *request)
{
    struct persist *persist = request->data;
    persist->result = write_batch(persist->database, &persist->writing, persist->message, sizeof persist->message);
}

static void written(struct persist *persist)
{
    char line[400];
    batch_destroy(persist, &persist->writing);
    if (persist->result == SQLITE_OK)
        return;
    persist->failures++;
    persist->all_again = true;
    snprintf(line, sizeof line, "bindings could not be written, all will be written again: %s", persist->message);
    tell(persist, LOG_ERROR, line);
}

static void work_done(uv_work_t *request, int status)
{
    struct persist *persist = request->data;
    (void)status;
    persist->working = false;
    written(persist);
}

static bool visit(void *context, const struct binding *binding)
{
    struct persist *persist = context;
    return add_change(persist, binding, false);
}

/* After a failure, or if there was no memory for a change: the whole store is written. */
static bool gather_all(struct persist *persist)
{
    size_t before = binding_count(server_bindings(persist->server)), count = 0;
    batch_destroy(persist, &persist->gathering);
    binding_each(server_bindings(persist->server), visit, persist);
    for (const struct entry *change = persist->gathering.first; change != NULL; change = change->next)
        count++;
    persist->gathering.all = true;
    return count == before;
}

/* Passes the collected changes to the writer; returns false if there are none. */
static bool next_batch(struct persist *persist)
{
    if (persist->all_again && gather_all(persist))
        persist->all_again = false;
    else if (persist->all_again)
        return false;
    if (persist->gathering.first == NULL && !persist->gathering.all)
        return false;
    batch_move(&persist->writing, &persist->gathering);
    return true;
}

static void follow_clock(struct persist *persist)
{
    char line[160];
    int64_t ahead = machine_clock(persist) - host_wall(persist), set = ahead - persist->clock_ahead;
    if (set > -CLOCK_SET_LEAST_S && set < CLOCK_SET_LEAST_S)
        return;
    persist->clock_ahead = ahead;
    persist->all_again = true;
    snprintf(line, sizeof line, "the clock was set by %" PRId64 " s: bindings last as long as before", set);
    tell(persist, LOG_NOTICE, line);
}

static void on_timer(uv_timer_t *timer)
{
    struct persist *persist = timer->data;
    follow_clock(persist);
    if (persist->working || !next_batch(persist))
        return;
    persist->working = uv_queue_work(persist->config.loop, &persist->work, work, work_done) == 0;
    if (!persist->working) {
        work(&persist->work);
        written(persist);
    }
}

int persist_start(struct persist *persist, struct server *server)
{
    persist->server = server;
    persist->work.data = persist;
    int error = uv_timer_init(persist->config.loop, &persist->timer);
    if (error != 0)
        return error;
    persist->timer.data = persist;
    persist->started = true;
    return uv_timer_start(&persist->timer, on_timer, WRITE_MS, WRITE_MS);
}

void persist_stop(struct persist *persist)
{
    if (!persist->started)
        return;
    uv_timer_stop(&persist->timer);
    follow_clock(persist);
    while (persist->working)
        uv_run(persist->config.loop, UV_RUN_ONCE);
    for (int tries = 0; tries < 2 && next_batch(persist); tries++) {
        work(&persist->work);
        written(persist);
    }
    uv_close((uv_handle_t *)&persist->timer, NULL);
    persist->started = false;
}

void persist_delete(struct persist *persist)
{
    if (persist == NULL)
        return;
    batch_destroy(persist, &persist->gathering);
    batch_destroy(persist, &persist->writing);
    sqlite3_close(persist->database);
    memory_delete_text(persist->config.host, (struct text){persist->path, strlen(persist->path)});
    memory_delete(persist->config.host, persist, sizeof *persist);
}

uint64_t persist_failures(const struct persist *persist)
{
    return persist->failures;
}
