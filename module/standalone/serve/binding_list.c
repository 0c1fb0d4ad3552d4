// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/binding_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "sip/rewrite.h"

enum { AOR_MOST = 1024, REMOTE_MOST = 64 };

struct listing {
    const struct server *server;
    const struct binding_store *store;
    struct sip_buffer *out;
    int64_t now_s;
    uint32_t limit, listed;
    bool as_json;
    struct json json;
    uint64_t visited, left_out;
};

/* What a person wants to know of one binding. */
struct row {
    struct binding_view view;
    const char *transport; /* "": it has no flow of its own */
    char remote[REMOTE_MOST];
    int64_t age, expires;
};

static void row_read(struct row *row, const struct listing *listing, const struct binding *binding)
{
    struct peer peer;
    *row = (struct row){.transport = ""};
    binding_read(binding, &row->view);
    row->age = listing->now_s - row->view.registered_at;
    row->expires = row->view.expires_at - listing->now_s;
    if (row->view.flow != 0 || row->view.state == BINDING_FLOW_GONE)
        row->transport = transport_word(row->view.transport);
    if (row->view.flow != 0 && server_flow_peer(listing->server, row->view.flow, &peer))
        address_format(&peer.address, row->remote, sizeof row->remote);
}

/* --- for people --- */

/* Strangers choose these texts: a space would make two words of one. */
static void put_word(struct sip_buffer *out, const char *name, struct text value)
{
    sip_append(out, text_of(name));
    if (value.length == 0)
        sip_append(out, TEXT("-"));
    for (size_t i = 0; i < value.length; i++) {
        char escaped[8];
        unsigned char c = (unsigned char)value.at[i];
        bool plain = c > ' ' && c < 0x7f;
        int length = snprintf(escaped, sizeof escaped, plain ? "%c" : "%%%02X", c);
        sip_append(out, (struct text){escaped, (size_t)length});
    }
}

static void put_line(struct sip_buffer *out, const struct row *row)
{
    char numbers[96], reg_id[16] = "-";
    if (row->view.reg_id != 0)
        snprintf(reg_id, sizeof reg_id, "%u", (unsigned)row->view.reg_id);
    put_word(out, "", row->view.aor);
    put_word(out, " instance=", row->view.instance);
    put_word(out, " reg-id=", text_of(reg_id));
    put_word(out, " transport=", text_of(row->transport));
    put_word(out, " remote=", text_of(row->remote));
    snprintf(numbers, sizeof numbers, " age=%" PRId64 " expires=%" PRId64 "\n", row->age, row->expires);
    sip_append(out, text_of(numbers));
}

/* --- for programs --- */

static void put_object(struct json *json, const struct row *row)
{
    json_open(json, NULL);
    json_put_foreign(json, "aor", row->view.aor);
    json_put_foreign(json, "contact", row->view.contact);
    json_put_foreign(json, "instance", row->view.instance);
    json_put_foreign(json, "path", row->view.path);
    json_put_foreign(json, "transport", text_of(row->transport));
    json_put_foreign(json, "remote", text_of(row->remote));
    json_put_number(json, "reg_id", row->view.reg_id);
    json_put_number(json, "age", row->age > 0 ? (uint64_t)row->age : 0);
    json_put_number(json, "expires", (uint64_t)row->expires);
    json_close(json);
}

/* --- */

static bool list_one(void *context, const struct binding *binding)
{
    struct listing *listing = context;
    struct row row;
    if (listing->listed == listing->limit)
        return false;
    listing->visited++;
    row_read(&row, listing, binding);
    if (row.expires <= 0)
        return true;
    if (listing->as_json)
        put_object(&listing->json, &row);
    else
        put_line(listing->out, &row);
    listing->listed++;
    return true;
}

/* Returns the length of the AOR as the store knows it, or -EINVAL. */
static int read_aor(const struct listing *listing, const char *given, char *out, size_t size)
{
    char uri[AOR_MOST];
    bool has_scheme = strchr(given, ':') != NULL && strcspn(given, ":") < strcspn(given, "@[");
    int length = snprintf(uri, sizeof uri, "%s%s", has_scheme ? "" : "sip:", given);
    if (length >= (int)sizeof uri)
        return -EINVAL;
    length = sip_aor((struct text){uri, (size_t)length}, server_aor_case(listing->server), out, size);
    return length > 0 ? length : -EINVAL;
}

static int list_aor(struct listing *listing, const char *given)
{
    char aor[AOR_MOST];
    int length = read_aor(listing, given, aor, sizeof aor);
    if (length < 0)
        return length;
    const struct binding *binding = binding_first(listing->store, (struct text){aor, (size_t)length});
    for (; binding != NULL; binding = binding_next(listing->store, binding))
        listing->left_out += !list_one(listing, binding);
    return listing->listed > 0 ? 0 : -ENOENT;
}

/* Past the limit nothing is visited, because a million bindings would hold up calls. Those that have expired and are
   not yet removed count among the ones that are left out. */
static void list_all(struct listing *listing)
{
    binding_each(listing->store, list_one, listing);
    listing->left_out = binding_count(listing->store) - listing->visited;
}

static void list_end(struct listing *listing)
{
    char line[96];
    if (listing->as_json) {
        json_close_array(&listing->json);
        json_put_number(&listing->json, "left_out", listing->left_out);
        json_close(&listing->json);
        sip_append(listing->out, TEXT("\n"));
    } else if (listing->left_out > 0) {
        snprintf(line, sizeof line, "%" PRIu64 " more bindings are not listed (--limit)\n", listing->left_out);
        sip_append(listing->out, text_of(line));
    }
}

int binding_list(struct server *server, const struct host *host, const struct binding_list_query *query,
                 struct sip_buffer *out)
{
    struct listing listing = {.server = server,
                              .store = server_bindings(server),
                              .out = out,
                              .now_s = host->wall_s(host->context),
                              .limit = query->limit != 0 ? query->limit : BINDING_LIST_STANDARD,
                              .as_json = query->json,
                              .json = sip_json(out)};
    int error = 0;
    if (query->json) {
        json_open(&listing.json, NULL);
        json_open_array(&listing.json, "bindings");
    }
    if (query->aor != NULL)
        error = list_aor(&listing, query->aor);
    else
        list_all(&listing);
    list_end(&listing);
    return error != 0 ? error : out->failed ? -ENOMEM : 0;
}
