// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kamailio/base/host.h"
#include "kamailio/flow/connection.h"

enum { PEERS_MOST = 64 };

#define MARK "Reflow-Binding"

static struct peer peers[PEERS_MOST];
static size_t peer_count;

/* --- the parameter --- */

static const char *read_uri(char *text, struct peer *peer)
{
    struct ksr_sip_uri uri;
    peer->uri = (str){text, (int)strlen(text)};
    if (parse_uri(text, peer->uri.len, &uri) < 0 || (uri.type != SIP_URI_T && uri.type != SIPS_URI_T) ||
        uri.user.len > 0)
        return "not NUMBER=sip:ADDRESS:PORT";
    if (str2ipxbuf(&uri.host, &peer->address) != 0)
        return "the host must be an address, because the sources of requests are compared with it";
    peer->proto = uri.type == SIPS_URI_T ? PROTO_TLS : uri.proto;
    return transport_may_be_called(transport_of_proto(peer->proto)) ? NULL : "no connection can be opened to it";
}

const char *peer_add(char *text)
{
    char *end;
    struct peer *peer = &peers[peer_count];
    const long node = strtol(text, &end, 10);
    if (peer_count == PEERS_MOST)
        return "there are too many";
    if (end == text || *end != '=' || node < 1 || node > INT32_MAX)
        return "not NUMBER=sip:ADDRESS:PORT with a server_id of 1 or more";
    for (size_t i = 0; i < peer_count; i++)
        if (peers[i].server_id == node)
            return "this server_id has a peer already";
    peer->server_id = (int)node;
    const char *why = read_uri(end + 1, peer);
    peer_count += why == NULL;
    return why;
}

const struct peer *peer_of_node(int node)
{
    for (size_t i = 0; i < peer_count; i++)
        if (peers[i].server_id == node && node != server_id)
            return &peers[i];
    return NULL;
}

/* Anybody can forge the source of a datagram: a peer with a stream transport is believed only over that. */
const struct peer *peer_of_source(const struct receive_info *from)
{
    const struct ip_addr source = source_address_of(from);
    for (size_t i = 0; i < peer_count; i++) {
        const bool same = transport_connects(transport_of_proto(peers[i].proto)) ? peers[i].proto == from->proto : true;
        if (same && peers[i].server_id != server_id && ip_addr_cmp(&source, &peers[i].address))
            return &peers[i];
    }
    return NULL;
}

/* --- the mark of a received request --- */

static const struct hdr_field *next_mark(const struct hdr_field *field)
{
    const int length = sizeof MARK - 1;
    while (field != NULL && (field->name.len != length || strncasecmp(field->name.s, MARK, (size_t)length) != 0))
        field = field->next;
    return field;
}

/* "2f1c9a07;uloc-1-65f0-2-1": hash of the AOR and ruid. */
static bool read_binding(str body, struct peer_mark *mark)
{
    char digits[9] = "", *end;
    const char *separator = body.len > 0 ? memchr(body.s, ';', (size_t)body.len) : NULL;
    if (separator == NULL || separator == body.s || separator - body.s >= (long)sizeof digits)
        return false;
    memcpy(digits, body.s, (size_t)(separator - body.s));
    mark->aor_hash = (unsigned)strtoul(digits, &end, 16);
    mark->ruid = (str){(char *)separator + 1, body.len - (int)(separator + 1 - body.s)};
    trim(&mark->ruid);
    return *end == '\0' && mark->ruid.len > 0 && mark->ruid.len <= PEER_RUID_MOST;
}

static bool read_field(struct sip_msg *msg, struct peer_mark *mark)
{
    const struct hdr_field *field = parse_headers(msg, HDR_EOH_F, 0) == 0 ? next_mark(msg->headers) : NULL;
    return field != NULL && read_binding(field->body, mark);
}

/* The mark of the last request that this process has received from a peer: msg_apply_changes() removes the header field
   from the message. */
static struct {
    unsigned id;
    int pid;
    unsigned aor_hash;
    int length; /* 0: it has no mark */
    char ruid[PEER_RUID_MOST];
} received;

static void note_mark(struct sip_msg *msg)
{
    struct peer_mark mark;
    received.length = 0;
    if (peer_of_source(&msg->rcv) == NULL || !read_field(msg, &mark))
        return;
    received.id = msg->id;
    received.pid = msg->pid;
    received.aor_hash = mark.aor_hash;
    received.length = mark.ruid.len;
    memcpy(received.ruid, mark.ruid.s, (size_t)mark.ruid.len);
}

bool peer_read_mark(struct sip_msg *msg, struct peer_mark *mark)
{
    mark->from = peer_count > 0 ? peer_of_source(&msg->rcv) : NULL;
    if (mark->from == NULL)
        return false;
    if (received.length == 0 || received.id != msg->id || received.pid != msg->pid)
        return read_field(msg, mark);
    mark->aor_hash = received.aor_hash;
    mark->ruid = (str){received.ruid, received.length};
    return true;
}

/* --- marking --- */

static int remove_marks(struct sip_msg *msg, unsigned flags, void *parameter)
{
    (void)flags;
    (void)parameter;
    note_mark(msg);
    if (parse_headers(msg, HDR_EOH_F, 0) < 0)
        return 1;
    for (const struct hdr_field *field = next_mark(msg->headers); field != NULL; field = next_mark(field->next))
        del_lump(msg, (int)(field->name.s - msg->buf), field->len, 0);
    return 1;
}

int peer_listen(void)
{
    if (peer_count == 0 || register_script_cb(remove_marks, PRE_SCRIPT_CB | REQUEST_CB, NULL) == 0)
        return 0;
    ksr_log(LOG_ERROR, "register_script_cb: the callback for received requests is refused");
    return -1;
}

static int insert_mark(struct sip_msg *msg, const struct ksr_branch *branch)
{
    enum { SIZE = sizeof MARK + PEER_RUID_MOST + 16 };
    char *line = branch->binding.len <= PEER_RUID_MOST ? pkg_malloc(SIZE) : NULL;
    if (line == NULL)
        return -1;
    const int length =
        snprintf(line, SIZE, MARK ": %x;%.*s\r\n", branch->aor_hash, branch->binding.len, branch->binding.s);
    struct lump *anchor = anchor_lump(msg, (int)(msg->headers->name.s - msg->buf), 0, 0);
    if (anchor != NULL && insert_new_lump_before(anchor, line, length, 0) != NULL)
        return 0;
    pkg_free(line);
    return -1;
}

void peer_write_mark(struct sip_msg *msg, const struct ksr_branch *branch)
{
    if (branch != NULL && branch->peer != NULL && msg->headers != NULL && insert_mark(msg, branch) < 0)
        ksr_log(LOG_ERROR, "the request to the peer %.*s could not be marked: no memory", branch->peer->uri.len,
                branch->peer->uri.s);
}
