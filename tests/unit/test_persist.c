// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dirent.h>

#include "standalone/serve/persist.h"
#include "standalone/serve/persist_owner.h"

/* Bindings that outlive the process, on a real file and a real loop; each life is a server of its own. */

#define BOB TEXT("sip:bob@example.com")

struct state_place {
    char directory[64];
    char path[96];
};

struct life {
    struct stage stage;
    uv_loop_t loop;
    struct persist *persist;
    struct persist_config config;
    char error[512];
    size_t restored;
};

static int place_setup(void **state)
{
    struct state_place *place = calloc(1, sizeof *place);
    temporary_path(place->directory, sizeof place->directory, "reflow-persist-XXXXXX");
    *state = place;
    if (mkdtemp(place->directory) == NULL)
        return -1;
    snprintf(place->path, sizeof place->path, "%s/state.db", place->directory);
    return 0;
}

static int place_teardown(void **state)
{
    struct state_place *place = *state;
    char path[400];
    DIR *directory = opendir(place->directory);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", place->directory, entry->d_name);
        unlink(path);
    }
    if (directory != NULL)
        closedir(directory);
    int removed = rmdir(place->directory);
    free(place);
    return removed;
}

/* The name of a file in the place that has this in it; "" where there is none. */
static void find_file(const struct state_place *place, const char *part, char *out, size_t size)
{
    DIR *directory = opendir(place->directory);
    assert_non_null(directory);
    out[0] = '\0';
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strstr(entry->d_name, part) != NULL)
            snprintf(out, size, "%s/%s", place->directory, entry->d_name);
    }
    closedir(directory);
}

static void prepare(struct life *life, const struct state_place *place)
{
    memset(life, 0, sizeof *life);
    stage_create(&life->stage);
    assert_int_equal(uv_loop_init(&life->loop), 0);
    life->config = (struct persist_config){.loop = &life->loop, .host = &life->stage.fake.host, .path = place->path};
}

static void begin(struct life *life)
{
    if (persist_new(&life->persist, &life->config, life->error, sizeof life->error) != 0)
        fail_msg("%s", life->error);
    life->stage.config.binding_changed = persist_binding_changed;
    life->stage.config.binding_changed_context = life->persist;
    stage_open(&life->stage);
    assert_int_equal(
        persist_restore(life->persist, life->stage.server, &life->restored, life->error, sizeof life->error), 0);
    assert_int_equal(persist_start(life->persist, life->stage.server), 0);
}

static void live(struct life *life, const struct state_place *place)
{
    prepare(life, place);
    begin(life);
}

static void close_all(struct life *life)
{
    persist_delete(life->persist);
    stage_destroy(&life->stage);
    assert_int_equal(uv_loop_close(&life->loop), 0);
}

static void end(struct life *life)
{
    persist_stop(life->persist);
    uv_run(&life->loop, UV_RUN_NOWAIT);
    close_all(life);
}

/* The loop turns until this much time is over by its own clock. */
static void turn(struct life *life, uint64_t ms)
{
    uv_update_time(&life->loop);
    uint64_t until = uv_now(&life->loop) + ms;
    while (uv_now(&life->loop) < until)
        uv_run(&life->loop, UV_RUN_ONCE);
}

static size_t bound(const struct life *life)
{
    return binding_count(server_bindings(life->stage.server));
}

static struct binding_view binding_of(const struct life *life, uint32_t reg_id)
{
    struct binding_view view = {0};
    const struct binding *binding = binding_first(server_bindings(life->stage.server), BOB);
    for (; binding != NULL; binding = binding_next(server_bindings(life->stage.server), binding)) {
        binding_read(binding, &view);
        if (view.reg_id == reg_id)
            return view;
    }
    fail_msg("no binding with reg-id %u", reg_id);
    return view;
}

static struct binding_view contact_of(const struct life *life, struct text aor, struct text contact)
{
    struct binding_view view = {0};
    const struct binding *binding = binding_first(server_bindings(life->stage.server), aor);
    for (; binding != NULL; binding = binding_next(server_bindings(life->stage.server), binding)) {
        binding_read(binding, &view);
        if (text_equal(view.contact, contact))
            return view;
    }
    fail_msg("no binding of %.*s to %.*s", (int)aor.length, aor.at, (int)contact.length, contact.at);
    return view;
}

static void copy_file(const char *from, const char *to)
{
    char buffer[4096];
    size_t length;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    while ((length = fread(buffer, 1, sizeof buffer, in)) > 0)
        assert_int_equal(fwrite(buffer, 1, length, out), length);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* What a kill would leave of the files, under the name `to`. */
static void copy_files(const struct state_place *place, struct state_place *to)
{
    char wal[128], to_wal[128];
    *to = *place;
    snprintf(to->path, sizeof to->path, "%s/left.db", place->directory);
    snprintf(wal, sizeof wal, "%s-wal", place->path);
    snprintf(to_wal, sizeof to_wal, "%s-wal", to->path);
    copy_file(place->path, to->path);
    copy_file(wal, to_wal);
}

static int rows_in(const struct state_place *place)
{
    sqlite3 *db;
    sqlite3_stmt *statement = NULL;
    int rows = -1;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM binding", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        rows = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return rows;
}

/* The loop turns until so many bindings are in the file. The process that writes it has it for itself: a copy is read.
 */
static void turn_until_written(struct life *life, const struct state_place *place, int rows)
{
    struct state_place copy;
    for (int tries = 0; tries < 600; tries++) {
        turn(life, 50);
        copy_files(place, &copy);
        if (rows_in(&copy) == rows)
            return;
    }
    fail_msg("%d bindings are not in the file after 30 s", rows);
}

static void turn_until_failed(struct life *life)
{
    for (int tries = 0; tries < 600 && persist_failures(life->persist) == 0; tries++)
        turn(life, 50);
}

/* --- lives --- */

static void test_a_new_file(void **state)
{
    struct life life;
    live(&life, *state);
    assert_int_equal(life.restored, 0);
    assert_int_equal(access(((struct state_place *)*state)->path, F_OK), 0);
    end(&life);
}

static void test_what_is_restored(void **state)
{
    struct life first, second;
    live(&first, *state);
    struct peer udp = stage_phone(&first.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    stage_phone(&first.stage, (struct phone){.port = 5082, .instance = "1", .reg_id = 2, .tcp = true});
    stage_phone(&first.stage, (struct phone){.port = 5083, .more = ";q=0.5;audio"});
    struct binding_view before = binding_of(&first, 0);
    int64_t expires_at = before.expires_at;
    end(&first);
    live(&second, *state);
    assert_int_equal(second.restored, 3);
    struct binding_view flow = binding_of(&second, 1), gone = binding_of(&second, 2), plain = binding_of(&second, 0);
    assert_int_equal(flow.state, BINDING_ALIVE);
    assert_int_equal(flow.flow, peer_flow(&udp));
    assert_true(text_equal(flow.instance, TEXT("urn:uuid:1")));
    assert_true(text_equal(flow.call_id, TEXT("register-5081")));
    assert_int_equal(flow.cseq, 1);
    assert_int_equal(gone.state, BINDING_FLOW_GONE);
    assert_int_equal(gone.flow, 0);
    assert_int_equal(plain.route, BINDING_BY_CONTACT);
    assert_int_equal(plain.q, 500);
    assert_true(text_equal(plain.parameters, TEXT(";audio")));
    assert_true(text_equal(plain.contact, TEXT("sip:bob@127.0.0.1:5083")));
    assert_int_equal(plain.expires_at, expires_at);
    end(&second);
}

static void register_contact(struct life *life, const struct peer *from, unsigned cseq, const char *fields)
{
    stage_request(&life->stage, from,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "reg",
                                   .cseq = cseq,
                                   .fields = fields});
    stage_status(&life->stage, from, 200);
}

/* The row of the earlier spelling, or of the earlier Contact, does not stay in the file. */
static void test_3261_10_3_a_and_instance_a_only_the_newest_contact_is_restored(void **state)
{
    struct life first, second;
    struct peer bob = fake_udp(5081);
    const struct state_place *place = *state;
    live(&first, place);
    register_contact(&first, &bob, 1, "Contact: <sip:bob@h;transport=UDP>\n");
    register_contact(&first, &bob, 2, "Contact: <sip:bob@192.0.2.1>;+sip.instance=\"<urn:uuid:1>\"\n");
    turn_until_written(&first, place, 2);
    register_contact(&first, &bob, 3, "Contact: <sip:bob@H;ob;transport=udp>\n");
    register_contact(&first, &bob, 4, "Contact: <sip:bob@192.0.2.2>;+sip.instance=\"<urn:uuid:1>\"\n");
    end(&first);
    assert_int_equal(rows_in(place), 2);
    live(&second, place);
    assert_int_equal(second.restored, 2);
    contact_of(&second, BOB, TEXT("sip:bob@H;ob;transport=udp"));
    contact_of(&second, BOB, TEXT("sip:bob@192.0.2.2"));
    end(&second);
}

/* A call reaches the datagram flow; the connection that died with the process is not waited for. */
static void test_5626_7_f_a_connection_of_an_earlier_life_is_known_as_gone(void **state)
{
    struct life first, second;
    struct peer alice = fake_udp(5070);
    live(&first, *state);
    stage_phone(&first.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    stage_phone(&first.stage, (struct phone){.port = 5082, .instance = "1", .reg_id = 2, .tcp = true});
    stage_phone(&first.stage, (struct phone){.user = "carol", .port = 5083, .instance = "2", .reg_id = 1, .tcp = true});
    end(&first);
    live(&second, *state);
    stage_invite(&second.stage, &alice, "one");
    stage_sent_to(&second.stage, "INVITE", 5081);
    stage_silent(&second.stage);
    stage_request(&second.stage, &alice, (struct request){.uri = "sip:carol@example.com", .call = "two"});
    stage_status(&second.stage, &alice, 100);
    stage_status(&second.stage, &alice, 480);
    /* registering again gives it a flow, and the third life knows it as gone again */
    stage_phone(&second.stage, (struct phone){.port = 5084, .instance = "1", .reg_id = 2, .tcp = true});
    assert_int_equal(binding_of(&second, 2).state, BINDING_ALIVE);
    end(&second);
    live(&second, *state);
    assert_int_equal(binding_of(&second, 2).state, BINDING_FLOW_GONE);
    assert_int_equal(second.restored, 3);
    end(&second);
}

static void test_what_was_removed_is_not_restored(void **state)
{
    struct life life;
    live(&life, *state);
    struct peer bob = stage_phone(&life.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    stage_phone(&life.stage, (struct phone){.port = 5082});
    struct peer tcp = stage_phone(&life.stage, (struct phone){.port = 5083, .instance = "3", .reg_id = 1, .tcp = true});
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 3);
    stage_request(&life.stage, &bob,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .cseq = 9,
                                   .call = "x",
                                   .fields = "Contact: <sip:bob@127.0.0.1:5082>;expires=0\n"});
    stage_status(&life.stage, &bob, 200);
    server_flow_down(life.stage.server, peer_flow(&bob), "icmp");
    (void)tcp;
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 1);
    end(&life);
}

static void test_what_has_expired_is_not_restored(void **state)
{
    struct life life;
    live(&life, *state);
    stage_phone(&life.stage, (struct phone){.port = 5081, .more = ";expires=60"});
    stage_phone(&life.stage, (struct phone){.port = 5082, .more = ";expires=90"});
    end(&life);
    prepare(&life, *state);
    life.stage.fake.wall_s += 60;
    begin(&life);
    assert_int_equal(life.restored, 1);
    stage_advance(&life.stage, 31000);
    assert_int_equal(bound(&life), 0);
    end(&life);
    live(&life, *state); /* the clock is back, and the one that had expired unseen is still there */
    assert_int_equal(life.restored, 1);
    end(&life);
    prepare(&life, *state);
    life.stage.fake.wall_s += 60 + 86400 + 1;
    begin(&life);
    end(&life);
    live(&life, *state); /* a day later it is not */
    assert_int_equal(life.restored, 0);
    end(&life);
}

static void test_a_binding_that_moved_is_restored_once(void **state)
{
    struct life life;
    live(&life, *state);
    stage_phone(&life.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    struct peer moved = stage_phone(&life.stage, (struct phone){.port = 5082, .instance = "1", .reg_id = 1});
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 1);
    assert_int_equal(binding_of(&life, 1).flow, peer_flow(&moved));
    end(&life);
}

/* The flow of a listener that is not there any more is gone; it is back when the listener is, or another that receives
   what is sent to its address. */
static void test_a_datagram_flow_stands_as_long_as_its_local_side(void **state)
{
    static const struct {
        struct listener listener;
        uint8_t state;
    } listeners[] = {{{TRANSPORT_UDP, 5066, "127.0.0.1"}, BINDING_FLOW_GONE},
                     {{TRANSPORT_UDP, 5060, "127.0.0.2"}, BINDING_FLOW_GONE},
                     {{TRANSPORT_UDP, 5066, "0.0.0.0"}, BINDING_FLOW_GONE},
                     {{TRANSPORT_UDP, 5060, "[::]"}, BINDING_FLOW_GONE},
                     {{TRANSPORT_UDP, 5060, "0.0.0.0"}, BINDING_ALIVE},
                     {{TRANSPORT_UDP, 5060, "127.0.0.1"}, BINDING_ALIVE}};
    struct life life;
    live(&life, *state);
    stage_phone(&life.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    end(&life);
    for (size_t i = 0; i < sizeof listeners / sizeof listeners[0]; i++) {
        prepare(&life, *state);
        life.stage.config.listeners[0] = listeners[i].listener;
        begin(&life);
        assert_int_equal(binding_of(&life, 1).state, listeners[i].state);
        assert_int_equal(binding_of(&life, 1).transport, TRANSPORT_UDP);
        end(&life);
    }
}

/* Also the second time, when nothing but the file knows of it. */
static void test_the_transport_of_a_connection_outlives_it(void **state)
{
    struct life life;
    char contact[64];
    live(&life, *state);
    for (unsigned transport = TRANSPORT_TCP; transport <= TRANSPORT_WSS; transport++) {
        snprintf(contact, sizeof contact, "sip:%u@h.invalid", transport);
        const struct binding_view view = {.aor = BOB,
                                          .contact = text_of(contact),
                                          .call_id = TEXT("c"),
                                          .transport = (uint8_t)transport,
                                          .flow = 100U + transport,
                                          .expires_at = 1700009999};
        assert_int_equal(binding_put(server_bindings(life.stage.server), &view, NULL), 0);
    }
    end(&life);
    for (int lives = 0; lives < 2; lives++) {
        live(&life, *state);
        assert_int_equal(life.restored, 4);
        for (unsigned transport = TRANSPORT_TCP; transport <= TRANSPORT_WSS; transport++) {
            snprintf(contact, sizeof contact, "sip:%u@h.invalid", transport);
            struct binding_view view = contact_of(&life, BOB, text_of(contact));
            assert_int_equal(view.transport, transport);
            assert_int_equal(view.state, BINDING_FLOW_GONE);
            assert_int_equal(view.flow, 0);
            /* Its change makes it be written from what is known now. */
            view.cseq++;
            assert_int_equal(binding_put(server_bindings(life.stage.server), &view, NULL), 0);
        }
        end(&life);
    }
}

static void test_an_ipv6_flow_is_restored(void **state)
{
    struct life life;
    struct peer bob = {.transport = TRANSPORT_UDP}, read;
    assert_true(address_read(TEXT("::1"), 5081, &bob.address));
    for (int lives = 0; lives < 2; lives++) {
        prepare(&life, *state);
        life.stage.config.listeners[0] = (struct listener){TRANSPORT_UDP, 5060, "[::1]"};
        begin(&life);
        if (lives == 0) {
            stage_request(&life.stage, &bob,
                          (struct request){.method = "REGISTER",
                                           .uri = "sip:example.com",
                                           .fields = "Contact: <sip:b@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
            stage_status(&life.stage, &bob, 200);
        }
        assert_int_equal(binding_of(&life, 1).flow, peer_flow(&bob));
        assert_true(server_flow_peer(life.stage.server, peer_flow(&bob), &read));
        assert_true(address_equal(&read.address, &bob.address));
        end(&life);
    }
}

/* Behind the edge at 127.0.0.1:6070, and over a connection that ends with the process: each is called from the socket
   where it registered, also where the listeners have another order, and from any if that is gone. */
static void test_5658_a_the_socket_of_a_binding_is_restored(void **state)
{
    static const struct listener orders[][3] = {
        {{TRANSPORT_UDP, 5060, "127.0.0.1"}, {TRANSPORT_UDP, 5060, "127.0.0.2"}, {TRANSPORT_TCP, 5060, "127.0.0.2"}},
        {{TRANSPORT_TCP, 5060, "127.0.0.2"}, {TRANSPORT_UDP, 5060, "127.0.0.1"}, {TRANSPORT_UDP, 5060, "127.0.0.2"}},
        {{TRANSPORT_UDP, 5060, "127.0.0.1"}, {TRANSPORT_TCP, 5060, "127.0.0.1"}, {TRANSPORT_TCP, 5061, "127.0.0.2"}}};
    static const char *const hosts[] = {"127.0.0.2", "127.0.0.2", NULL};
    struct life life;
    for (int lives = 0; lives < 3; lives++) {
        prepare(&life, *state);
        memcpy(life.stage.config.listeners, orders[lives], sizeof orders[lives]);
        life.stage.config.listener_count = 3;
        begin(&life);
        struct peer edge = fake_udp(6070), phone = fake_stream(&life.stage.wire, TRANSPORT_TCP, 2, 5082);
        edge.listener = 1;
        if (lives == 0) {
            stage_request(&life.stage, &edge,
                          (struct request){.method = "REGISTER",
                                           .uri = "sip:example.com",
                                           .from = "bob",
                                           .fields = "Path: <sip:t@127.0.0.1:6070;lr;ob>\nSupported: path, outbound\n"
                                                     "Contact: <sip:b@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
            stage_status(&life.stage, &edge, 200);
            stage_request(&life.stage, &phone,
                          (struct request){.method = "REGISTER",
                                           .uri = "sip:example.com",
                                           .from = "bob",
                                           .call = "two",
                                           .fields = "Contact: <sip:b@192.0.2.1;transport=tcp>\n"});
            stage_status(&life.stage, &phone, 200);
        }
        for (uint32_t reg_id = 0; reg_id < 2; reg_id++) {
            struct peer own;
            bool known = server_socket(life.stage.server, binding_of(&life, reg_id).socket, &own);
            assert_int_equal(known, hosts[lives] != NULL);
            if (known) {
                assert_int_equal(own.transport, reg_id == 0 ? TRANSPORT_TCP : TRANSPORT_UDP);
                assert_string_equal(life.stage.config.listeners[own.listener].host, hosts[lives]);
            }
        }
        end(&life);
    }
}

/* --- files of earlier versions --- */

#define FORMAT_1 "tests/data/upgrade/state-1/"

/* As the server that wrote the file listened, and by its clock. */
static void begin_as_then(struct life *life, const struct state_place *place)
{
    prepare(life, place);
    life->stage.fake.wall_s = 3471292800;
    life->stage.config.listeners[0] = (struct listener){TRANSPORT_UDP, 25063, "127.63.55.1"};
    life->stage.config.listeners[1] = (struct listener){TRANSPORT_UDP, 25063, "[::1]"};
    begin(life);
}

static void assert_flow_leads_to(const struct life *life, const struct binding_view *view, struct text host)
{
    union address address;
    struct peer peer;
    assert_true(address_read(host, 25064, &address));
    assert_int_equal(view->state, BINDING_ALIVE);
    assert_int_equal(view->transport, TRANSPORT_UDP);
    assert_true(server_flow_peer(life->stage.server, view->flow, &peer));
    assert_true(address_equal(&peer.address, &address));
}

static void assert_flow_is_gone(const struct binding_view *view, enum transport transport)
{
    assert_int_equal(view->state, BINDING_FLOW_GONE);
    assert_int_equal(view->flow, 0);
    assert_int_equal(view->transport, transport);
}

static void assert_bindings_of_format_1(const struct life *life)
{
    struct binding_view view = contact_of(life, TEXT("sip:bob@example.test"), TEXT("sip:bob@192.0.2.7:5071"));
    assert_flow_leads_to(life, &view, TEXT("127.63.55.2"));
    assert_true(text_equal(view.instance, TEXT("urn:uuid:00000000-0000-4000-8000-000000000001")));
    assert_true(text_equal(view.parameters, TEXT(";audio;description=\"a \\\"desk\\\" phone\"")));
    assert_int_equal(view.reg_id, 1);
    assert_int_equal(view.q, 700);
    assert_int_equal(view.registered_at, 3471292800);
    assert_int_equal(view.expires_at, 3471292800 + 604800);
    view = contact_of(life, TEXT("sip:bob@example.test"), TEXT("sip:bob@192.0.2.7:5071;transport=tcp"));
    assert_flow_is_gone(&view, TRANSPORT_TCP);
    view = contact_of(life, TEXT("sip:grace@example.test"), TEXT("sip:grace@g6.invalid;transport=ws"));
    assert_flow_is_gone(&view, TRANSPORT_WS);
    view = contact_of(life, TEXT("sip:erin@example.test"), TEXT("sip:erin@[2001:db8::4]"));
    assert_flow_leads_to(life, &view, TEXT("::1"));
    view = contact_of(life, TEXT("sip:carol@example.test"), TEXT("sip:carol@127.63.55.2:25066"));
    assert_int_equal(view.state, BINDING_ALIVE);
    assert_int_equal(view.flow, 0);
    view = contact_of(life, TEXT("sip:frank@example.test"), TEXT("sip:frank@192.0.2.11"));
    assert_true(text_equal(view.path, TEXT("<sip:token@192.0.2.50;lr;ob>, <sip:192.0.2.51;lr>")));
    assert_int_equal(view.state, BINDING_ALIVE);
}

static void test_a_file_of_format_1_is_restored_with_all_bindings(void **state)
{
    static const char *const files[] = {"state.db", "killed.db"};
    const struct state_place *place = *state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct state_place old = *place;
        struct life life;
        char from[96], wal[112];
        snprintf(old.path, sizeof old.path, "%s/%s", place->directory, files[i]);
        snprintf(from, sizeof from, FORMAT_1 "%s", files[i]);
        snprintf(wal, sizeof wal, "%s-wal", old.path);
        copy_file(from, old.path);
        if (i == 1)
            copy_file(FORMAT_1 "killed.db-wal", wal);
        for (int lives = 0; lives < 2; lives++) {
            begin_as_then(&life, &old);
            assert_int_equal(life.restored, 11);
            assert_bindings_of_format_1(&life);
            assert_int_equal(life.stage.fake.logged[LOG_WARNING] + life.stage.fake.logged[LOG_ERROR], 0);
            end(&life);
        }
    }
}

static void test_bindings_that_find_no_room_are_logged(void **state)
{
    struct life life;
    live(&life, *state);
    for (uint16_t port = 5081; port < 5084; port++)
        stage_phone(&life.stage, (struct phone){.port = port});
    end(&life);
    prepare(&life, *state);
    life.stage.config.bindings.bindings = 1;
    begin(&life);
    assert_int_equal(life.restored, 1);
    assert_int_equal(life.stage.fake.logged[LOG_WARNING], 1);
    assert_non_null(strstr(life.stage.fake.last_log, "2 bindings of the state file were not restored"));
    end(&life);
}

/* --- clocks --- */

static int64_t clock_was_set_by;

static int64_t machine_clock(void *context)
{
    return ((struct fake_host *)context)->wall_s + clock_was_set_by;
}

static void live_by_machine_clock(struct life *life, const struct state_place *place, int64_t booted_later_s)
{
    prepare(life, place);
    clock_was_set_by = 0;
    life->stage.fake.wall_s += booted_later_s;
    life->config.clock_s = machine_clock;
    begin(life);
}

static int64_t seconds_left(const struct life *life, uint32_t reg_id)
{
    return binding_of(life, reg_id).expires_at - life->stage.fake.wall_s;
}

static void test_a_clock_that_is_set_changes_no_lifetime(void **state)
{
    static const int64_t jumps[] = {365 * 86400, -365 * 86400, 1800, -1800};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct life life;
        live_by_machine_clock(&life, *state, 0);
        stage_phone(&life.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
        int64_t before = seconds_left(&life, 1);
        clock_was_set_by = jumps[i];
        turn(&life, 600);
        assert_int_equal(life.stage.fake.logged[LOG_NOTICE], 1);
        assert_non_null(strstr(life.stage.fake.last_log, "the clock was set by"));
        stage_advance(&life.stage, 20000);
        assert_int_equal(seconds_left(&life, 1), before - 20);
        end(&life);
        live_by_machine_clock(&life, *state, jumps[i] + 30);
        assert_int_equal(life.restored, 1);
        assert_int_equal(seconds_left(&life, 1), before - 30);
        end(&life);
        assert_int_equal(unlink(((const struct state_place *)*state)->path), 0);
    }
}

static void test_a_clock_that_is_set_back_between_two_lives_prolongs_nothing(void **state)
{
    struct life life;
    live_by_machine_clock(&life, *state, 0);
    stage_phone(&life.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    int64_t before = seconds_left(&life, 1);
    end(&life);
    live_by_machine_clock(&life, *state, -86400);
    assert_int_equal(life.restored, 1);
    assert_int_equal(seconds_left(&life, 1), before);
    assert_true(binding_of(&life, 1).registered_at <= life.stage.fake.wall_s);
    end(&life);
}

/* --- long names --- */

static void put_long(const struct life *life, const char *contact)
{
    struct peer peer = {.transport = TRANSPORT_UDP};
    struct binding_view view = {.aor = BOB,
                                .contact = text_of(contact),
                                .call_id = TEXT("c"),
                                .expires_at = life->stage.fake.wall_s + 600,
                                .registered_at = life->stage.fake.wall_s};
    assert_int_equal(server_restore_binding(life->stage.server, &view, &peer), 0);
}

static void test_contacts_that_differ_after_2047_bytes_are_two(void **state)
{
    char contact[3000];
    struct life life;
    memset(contact, 'x', sizeof contact - 1);
    memcpy(contact, "sip:", 4);
    memcpy(contact + sizeof contact - 8, "@h.tst", 7);
    live(&life, *state);
    for (char last = '1'; last <= '2'; last++) {
        contact[sizeof contact - 9] = last;
        put_long(&life, contact);
    }
    assert_int_equal(bound(&life), 2);
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 2);
    assert_int_equal(bound(&life), 2);
    end(&life);
}

/* --- a sudden end --- */

/* The files as a kill would leave them once a change is written, and before the next one is. */
static void test_a_kill_loses_nothing_that_was_written(void **state)
{
    const struct state_place *place = *state;
    struct state_place left;
    struct life life, after;
    live(&life, place);
    stage_phone(&life.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    turn_until_written(&life, place, 1);
    stage_phone(&life.stage, (struct phone){.port = 5082, .instance = "2", .reg_id = 1}); /* too late */
    copy_files(place, &left);
    end(&life);
    live(&after, &left);
    assert_int_equal(after.restored, 1);
    assert_int_equal(binding_of(&after, 1).flow, binding_of(&after, 1).flow);
    end(&after);
}

static void test_changes_are_written_in_their_order_while_the_loop_turns(void **state)
{
    struct life life;
    live(&life, *state);
    for (unsigned round = 0; round < 3; round++) {
        for (uint16_t port = 5081; port < 5091; port++)
            stage_phone(&life.stage, (struct phone){.port = port, .instance = "1", .reg_id = port - 5080U});
        server_flow_down(life.stage.server, binding_of(&life, 3).flow, "icmp");
        turn(&life, 260);
    }
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 9);
    assert_int_equal(persist_failures(life.persist), 0);
    end(&life);
}

/* --- files that are no good --- */

static void test_a_damaged_page_is_found_at_the_start(void **state)
{
    const struct state_place *place = *state;
    char aside[400];
    struct life life;
    live(&life, place);
    for (uint16_t port = 1000; port < 1400; port++)
        stage_phone(&life.stage, (struct phone){.user = port % 2 ? "bob" : "carol",
                                                .port = port,
                                                .instance = "1",
                                                .reg_id = port % 30 + 1U,
                                                .more = ";x=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"});
    end(&life);
    FILE *file = fopen(place->path, "r+b");
    assert_non_null(file);
    /* the pages behind the first two */
    assert_int_equal(fseek(file, 2 * 4096 + 8, SEEK_SET), 0);
    for (int i = 0; i < 4096; i++)
        fputc(0xA5, file);
    assert_int_equal(fclose(file), 0);
    live(&life, place);
    assert_int_equal(life.restored, 0);
    assert_int_equal(life.stage.fake.logged[LOG_ERROR], 1);
    find_file(place, ".corrupt-", aside, sizeof aside);
    assert_string_not_equal(aside, "");
    end(&life);
}

static void assert_refused(const struct state_place *place, const char *why)
{
    struct life life;
    prepare(&life, place);
    assert_true(persist_new(&life.persist, &life.config, life.error, sizeof life.error) < 0);
    if (strstr(life.error, why) == NULL)
        fail_msg("%s is not in: %s", why, life.error);
    assert_null(strchr(life.error, '\n'));
    close_all(&life);
}

static void test_a_file_of_a_later_version_is_refused_and_left(void **state)
{
    const struct state_place *place = *state;
    sqlite3 *database;
    char aside[400];
    assert_int_equal(sqlite3_open(place->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "CREATE TABLE future(x); INSERT INTO future VALUES(7);"
                                  "PRAGMA user_version=3; PRAGMA application_id=" PERSIST_APPLICATION_ID,
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    assert_refused(place, "later version");
    find_file(place, ".corrupt-", aside, sizeof aside);
    assert_string_equal(aside, "");
    assert_int_equal(sqlite3_open(place->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "SELECT x FROM future", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void test_a_file_that_another_process_uses_is_refused(void **state)
{
    struct life life;
    live(&life, *state);
    assert_refused(*state, "another process uses it");
    end(&life);
}

static void test_a_file_that_cannot_be_opened_is_refused(void **state)
{
    struct state_place place = *(struct state_place *)*state;
    snprintf(place.path, sizeof place.path, "%s/no/such/directory.db", place.directory);
    assert_refused(&place, "directory.db");
    place.path[0] = '\0';
    assert_refused(&place, "no name");
}

/* --- failures while running --- */

/* Where the disk is full: told, counted, and all is written when there is room again. */
static void test_what_could_not_be_written_is_written_again_as_a_whole(void **state)
{
    struct life life;
    struct rlimit limit, none;
    struct stat file;
    char wal[128];
    live(&life, *state);
    stage_phone(&life.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    turn_until_written(&life, *state, 1);
    snprintf(wal, sizeof wal, "%s-wal", ((struct state_place *)*state)->path);
    assert_int_equal(stat(wal, &file), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)file.st_size, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    stage_phone(&life.stage, (struct phone){.port = 5082, .instance = "1", .reg_id = 2});
    turn_until_failed(&life);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_true(persist_failures(life.persist) >= 1);
    assert_true(life.stage.fake.logged[LOG_ERROR] >= 1);
    assert_non_null(strstr(life.stage.fake.last_log, "could not be written"));
    assert_null(strstr(life.stage.fake.last_log, "rollback")); /* but what failed first */
    stage_phone(&life.stage, (struct phone){.port = 5083, .instance = "1", .reg_id = 3});
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 3);
    end(&life);
}

static void test_a_change_that_found_no_memory_is_written_later(void **state)
{
    const struct binding_view view = {.aor = BOB,
                                      .contact = TEXT("sip:b@h"),
                                      .call_id = TEXT("c"),
                                      .q = 1000,
                                      .expires_at = 1700009999,
                                      .registered_at = 1700000000};
    for (uint64_t call = 1; call < 30; call++) {
        struct life life;
        live(&life, *state);
        binding_remove_aor(server_bindings(life.stage.server), BOB);
        struct fake_host *fake = &life.stage.fake;
        fake->fail_after = fake->calls + call;
        int error = binding_put(server_bindings(life.stage.server), &view, NULL);
        fake->fail_after = 0;
        size_t expected = bound(&life);
        assert_int_equal(expected, error == 0);
        end(&life);
        live(&life, *state);
        assert_int_equal(life.restored, expected);
        end(&life);
    }
}

static void test_no_memory_to_begin(void **state)
{
    for (uint64_t call = 1; call <= 2; call++) {
        struct life life;
        prepare(&life, *state);
        life.stage.fake.fail_after = life.stage.fake.calls + call;
        assert_int_equal(persist_new(&life.persist, &life.config, life.error, sizeof life.error), -ENOMEM);
        life.stage.fake.fail_after = 0;
        close_all(&life);
    }
    persist_delete(NULL);
}

/* Texts with bytes that SQL might trip over. */
static void test_texts_are_kept_byte_by_byte(void **state)
{
    struct life life;
    const struct binding_view view = {.aor = BOB,
                                      .contact = TEXT("sip:b'\"%;--@h\xc3\xa9"),
                                      .instance = TEXT("urn:x:'); DROP TABLE binding;--"),
                                      .path = TEXT("<sip:a;lr>, <sip:b;lr>"),
                                      .call_id = TEXT("'"),
                                      .parameters = TEXT(";x=\"\\\"'\""),
                                      .reg_id = 2147483647,
                                      .cseq = 2147483647,
                                      .q = 1,
                                      .expires_at = 1700009999,
                                      .registered_at = 1700000000};
    live(&life, *state);
    assert_int_equal(binding_put(server_bindings(life.stage.server), &view, NULL), 0);
    end(&life);
    live(&life, *state);
    struct binding_view read = binding_of(&life, view.reg_id);
    assert_true(text_equal(read.contact, view.contact));
    assert_true(text_equal(read.instance, view.instance));
    assert_true(text_equal(read.path, view.path));
    assert_true(text_equal(read.call_id, view.call_id));
    assert_true(text_equal(read.parameters, view.parameters));
    assert_int_equal(read.cseq, view.cseq);
    assert_int_equal(read.q, view.q);
    assert_int_equal(read.registered_at, view.registered_at);
    end(&life);
}

/* Contacts that differ only at their end are two bindings, and the one that goes does not take the other along. */
static void test_long_contacts_are_told_apart(void **state)
{
    struct life life;
    char contacts[2][6000];
    live(&life, *state);
    for (int i = 0; i < 2; i++) {
        memset(contacts[i], 'x', sizeof contacts[i]);
        memcpy(contacts[i], "sip:", 4);
        contacts[i][sizeof contacts[i] - 1] = (char)('1' + i);
        struct binding_view view = {.aor = BOB,
                                    .contact = {contacts[i], sizeof contacts[i]},
                                    .call_id = TEXT("c"),
                                    .q = 1000,
                                    .route = BINDING_BY_CONTACT,
                                    .expires_at = 1700009999,
                                    .registered_at = 1700000000};
        assert_int_equal(binding_put(server_bindings(life.stage.server), &view, NULL), 0);
    }
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 2);
    binding_remove(server_bindings(life.stage.server), binding_first(server_bindings(life.stage.server), BOB));
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 1);
    end(&life);
}

/* No memory for a change, nor for all of them: it is tried again until there is. */
static void test_all_is_written_again_also_what_is_gone(void **state)
{
    struct life life;
    live(&life, *state);
    stage_phone(&life.stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1, .tcp = true});
    end(&life);
    live(&life, *state);
    assert_int_equal(binding_of(&life, 1).state, BINDING_FLOW_GONE);
    stage_phone(&life.stage, (struct phone){.port = 5082, .instance = "1", .reg_id = 2});
    struct binding_view view = binding_of(&life, 2);
    life.stage.fake.fail_after = 1;
    server_flow_down(life.stage.server, view.flow, "icmp");
    turn(&life, 600);
    life.stage.fake.fail_after = 0;
    stage_phone(&life.stage, (struct phone){.port = 5083, .instance = "1", .reg_id = 3});
    end(&life);
    live(&life, *state);
    assert_int_equal(life.restored, 2);
    assert_int_equal(binding_of(&life, 1).state, BINDING_FLOW_GONE);
    assert_int_equal(binding_of(&life, 3).state, BINDING_ALIVE);
    end(&life);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_file),
        TEST(test_what_is_restored),
        TEST(test_3261_10_3_a_and_instance_a_only_the_newest_contact_is_restored),
        TEST(test_5626_7_f_a_connection_of_an_earlier_life_is_known_as_gone),
        TEST(test_what_was_removed_is_not_restored),
        TEST(test_what_has_expired_is_not_restored),
        TEST(test_a_binding_that_moved_is_restored_once),
        TEST(test_a_datagram_flow_stands_as_long_as_its_local_side),
        TEST(test_the_transport_of_a_connection_outlives_it),
        TEST(test_an_ipv6_flow_is_restored),
        TEST(test_5658_a_the_socket_of_a_binding_is_restored),
        TEST(test_a_file_of_format_1_is_restored_with_all_bindings),
        TEST(test_bindings_that_find_no_room_are_logged),
        TEST(test_a_kill_loses_nothing_that_was_written),
        TEST(test_changes_are_written_in_their_order_while_the_loop_turns),
        TEST(test_a_clock_that_is_set_changes_no_lifetime),
        TEST(test_a_clock_that_is_set_back_between_two_lives_prolongs_nothing),
        TEST(test_contacts_that_differ_after_2047_bytes_are_two),
        TEST(test_a_damaged_page_is_found_at_the_start),
        TEST(test_a_file_of_a_later_version_is_refused_and_left),
        TEST(test_a_file_that_another_process_uses_is_refused),
        TEST(test_a_file_that_cannot_be_opened_is_refused),
        TEST(test_what_could_not_be_written_is_written_again_as_a_whole),
        TEST(test_a_change_that_found_no_memory_is_written_later),
        TEST(test_no_memory_to_begin),
        TEST(test_texts_are_kept_byte_by_byte),
        TEST(test_long_contacts_are_told_apart),
        TEST(test_all_is_written_again_also_what_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
