// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/breadth.h"

#include <stdio.h>

#include "core/code.h"
#include "flow/breadth.h"
#include "kamailio/call/peer.h"
#include "kamailio/flow/connection.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"
#include "script/base/emergency.h"

enum { RETRY_AFTER_S = 10 };

/* tm retransmits an INVITE over UDP ten times in its 30 s (retr_timer1, retr_timer2), and does not report it. */
enum { REPEATS_OF_TM = 10 };

static struct load_table *loads;
static gen_lock_t *loads_lock;
static struct host loads_host;

static void take_lock(void *context)
{
    (void)context;
    lock_get(loads_lock);
}

static void give_lock(void *context)
{
    (void)context;
    lock_release(loads_lock);
}

/* What a call that waits takes of shared memory in tm and here: for each transaction, and for each byte of its request
   (measured with 5.6). */
enum { PENDING_TRANSACTION_BYTES = 16000, PENDING_BYTE_BYTES = 2 };

/* The limit, or what fits into an eighth of the shared memory; 0: no limit. */
static uint32_t within_memory(int limit, unsigned bytes_of_one)
{
    const uint64_t fits = shm_mem_size / 8 / bytes_of_one;
    return (uint64_t)limit < fits ? (uint32_t)limit : (uint32_t)fits;
}

/* The table is never destroyed, because tm, which ends after this module, releases calls until the end. */
int breadth_create(void)
{
    const struct load_limits limits = {
        .transactions = (uint32_t)module_config.transactions_most,
        .source_transactions = within_memory(module_config.source_transactions_most, PENDING_TRANSACTION_BYTES),
        .bytes = (uint32_t)module_config.bytes_most,
        .source_bytes = within_memory(module_config.source_bytes_most, PENDING_BYTE_BYTES),
    };
    loads_host = *ksr_shared_host();
    loads_host.lock = take_lock;
    loads_host.unlock = give_lock;
    loads_lock = lock_alloc();
    if (loads_lock != NULL && lock_init(loads_lock) != NULL && load_table_new(&loads, &loads_host, &limits) == 0)
        return 0;
    ksr_log(LOG_ERROR, "no shared memory for the table of requests on their way");
    return -1;
}

struct load_counts breadth_counts(void)
{
    return load_count(loads);
}

/* --- the source of a request --- */

/* 0: no limit per source: an emergency call, or the calls of a whole node, which limits its own sources. */
static uint64_t limited_source(struct sip_msg *msg)
{
    static const struct emergency no_numbers; /* those of a policy are not known here */
    struct peer_mark mark;
    if (peer_read_mark(msg, &mark))
        return 0;
    return emergency_is(&no_numbers, text_of_str(*GET_RURI(msg))) ? 0 : limited_source_of(&msg->rcv);
}

struct load *breadth_load(struct sip_msg *msg)
{
    struct load *load = NULL;
    if (parse_headers(msg, HDR_EOH_F, 0) < 0 || msg->callid == NULL || msg->cseq == NULL || parse_from_header(msg) < 0)
        return NULL;
    const struct load_request request = {.call_id = text_of_str(msg->callid->body),
                                         .from_tag = text_of_str(get_from(msg)->tag_value),
                                         .method = text_of_str(msg->first_line.u.request.method),
                                         .cseq = (uint32_t)strtoul(get_cseq(msg)->number.s, NULL, 10),
                                         .source = limited_source(msg)};
    return load_enter(loads, &request, &load) == 0 ? load : NULL;
}

static bool came_by_us(const struct sip_msg *msg)
{
    for (const struct hdr_field *field = msg->headers; field != NULL; field = field->next) {
        const struct via_body *via = field->type == HDR_VIA_T ? field->parsed : NULL;
        for (; via != NULL; via = via->next) {
            if (check_self((str *)&via->host, via->port ? via->port : SIP_PORT, 0) == 1)
                return true;
        }
    }
    return false;
}

/* A request that arrives on two ways without passing this server, for example from a proxy that forks, is not a
   loop. */
bool breadth_is_loop(struct sip_msg *msg, struct load *load, const str *aor)
{
    struct text branch = {NULL, 0};
    if (load == NULL)
        return false;
    if (msg->via1 != NULL && msg->via1->branch != NULL)
        branch = text_of_str(msg->via1->branch->value);
    return !load_visit(load, text_of_str(*aor), branch) && came_by_us(msg);
}

/* --- Max-Breadth --- */

static const struct hdr_field *next_breadth(const struct hdr_field *field)
{
    static const char name[] = "Max-Breadth";
    while (field != NULL &&
           (field->name.len != sizeof name - 1 || strncasecmp(field->name.s, name, sizeof name - 1) != 0))
        field = field->next;
    return field;
}

static struct text trimmed(struct text value)
{
    while (value.length > 0 && strchr(" \t\r\n", value.at[value.length - 1]) != NULL)
        value.length--;
    return value;
}

uint32_t breadth_of(struct sip_msg *msg)
{
    if (parse_headers(msg, HDR_EOH_F, 0) < 0)
        return BREADTH_MOST;
    const struct hdr_field *field = next_breadth(msg->headers);
    return breadth_read(field != NULL ? trimmed(text_of_str(field->body)) : (struct text){NULL, 0});
}

void breadth_begin_call(struct call *call, struct sip_msg *msg, struct load *load)
{
    if (call->model.load != NULL)
        return;
    call->model.max_breadth = breadth_of(msg);
    call->model.bytes = msg->len + BREADTH_OWN_LINES;
    call->model.load = load;
    if (load != NULL)
        load_hold(load);
}

/* Two processes may handle a final response of the branch at the same time. */
void breadth_give_back(struct call *call, struct ksr_branch *branch)
{
    size_t bytes = __atomic_exchange_n(&branch->bytes, 0, __ATOMIC_RELAXED);
    if (bytes > 0)
        load_end(call->model.load, bytes);
    branch->model.breadth = 0;
}

void breadth_end_call(struct call *call)
{
    for (size_t i = 0; i < call->branch_count; i++)
        breadth_give_back(call, call->branches[i]);
    load_leave(call->model.load);
    call->model.load = NULL;
}

/* --- limits --- */

bool breadth_lacks_memory(const struct call *call, struct sip_msg *msg)
{
    if (target_targets_left(call->model.targets) < 2 && !came_by_us(msg))
        return false;
    return shared_memory_is_scarce();
}

bool breadth_take(struct call *call, struct ksr_branch *branch, size_t bytes)
{
    const bool repeats = !branch_is_stream(branch);
    struct load *load = call->model.load;
    if (load == NULL)
        return true;
    if (!call_may_send(&call->model, bytes))
        return false;
    if (repeats && !load_send(load, REPEATS_OF_TM * bytes)) {
        call->model.over = LOAD_OF_REQUEST;
        stats_count(STAT_LOAD_REQUEST);
        return false;
    }
    load_begin(load, bytes);
    branch->bytes = bytes;
    stats_count(STAT_CLIENT_TRANSACTIONS);
    return true;
}

/* --- header fields --- */

static int insert(struct sip_msg *msg, const struct hdr_field *before, uint32_t breadth)
{
    enum { SIZE = 32 };
    char *line = pkg_malloc(SIZE);
    if (line == NULL)
        return -1;
    const int length = snprintf(line, SIZE, "Max-Breadth: %u\r\n", breadth);
    struct lump *anchor = anchor_lump(msg, (int)(before->name.s - msg->buf), 0, 0);
    if (anchor != NULL && insert_new_lump_before(anchor, line, length, 0) != NULL)
        return 0;
    pkg_free(line);
    return -1;
}

/* tm has copied the lumps for this branch. */
void breadth_write(struct sip_msg *msg, struct call *call)
{
    const struct ksr_branch *branch = call_branch_of_ruid(call, &msg->ruid);
    const uint32_t breadth =
        branch != NULL && branch->model.breadth > 0 ? branch->model.breadth : call->model.max_breadth;
    if (breadth == 0 || msg->headers == NULL)
        return;
    const struct hdr_field *field = next_breadth(msg->headers);
    for (; field != NULL; field = next_breadth(field->next))
        del_lump(msg, (unsigned)(field->name.s - msg->buf), (unsigned)field->len, 0);
    if (insert(msg, msg->headers, breadth) < 0)
        ksr_log(LOG_ERROR, "Max-Breadth could not be written: no memory");
}

/* A 503 with Retry-After would let this server rest for its own requests. */
int breadth_answer(struct sip_msg *msg, uint32_t status)
{
    char line[40];
    str phrase = {(char *)code_phrase(status), (int)strlen(code_phrase(status))};
    const int length = snprintf(line, sizeof line, "Retry-After: %d\r\n", RETRY_AFTER_S);
    stats_count(status == SIP_MAX_BREADTH_EXCEEDED ? STAT_BREADTH_REFUSED : STAT_OVERLOADED);
    if (status == SIP_SERVICE_UNAVAILABLE && !came_by_us(msg))
        add_lump_rpl(msg, line, length, LUMP_RPL_HDR);
    if (slb.freply(msg, (int)status, &phrase) < 0)
        ksr_log(LOG_ERROR, "the %u could not be sent", status);
    return 0;
}
