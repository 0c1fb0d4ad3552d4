// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kamailio/flow/flows.h"
#include "kamailio/base/host.h"
#include "kamailio/flow/keeper_private.h"
#include "kamailio/base/module_config.h"
#include "kamailio/flow/waits.h"

/* The keeper process, and the ways by which it gets events. */

enum {
    BATCH = 256,           /* records read at once */
    WAITS_EVENT_MS = 20,   /* between checks of the connections on which branches wait, most of which report an event */
    WAITS_ALONE_MS = 5,    /* where none does */
    WAITS_LINGER_MS = 500, /* it continues after the last wait, so that not every call has to wake it */
    FLOWS_AT_ONCE = 2000   /* connections that are checked between two reads of the pipe */
};

struct record {
    flow_id flow;
    int32_t reason;
};

static int pipe_ends[2] = {-1, -1};
static atomic_bool *overflow; /* records were lost: check every flow */
static bool has_event;        /* this module gets SREV_TCP_CLOSED; set before the fork */

const char *flow_down_reason_name(enum flow_down_reason reason)
{
    static const char *const names[] = {"closed", "keepalive", "send", "430"};
    return names[reason];
}

int keeper_create(keeper_branch_down *branch_down)
{
    keeper_ask_branches(branch_down);
    overflow = shm_malloc(sizeof *overflow);
    if (overflow == NULL || pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC) < 0) {
        ksr_log(LOG_ERROR, "no pipe to the keeper of flows: %s", strerror(overflow == NULL ? ENOMEM : errno));
        return -1;
    }
    atomic_init(overflow, false);
    register_procs(1);
    cfg_register_child(1);
    return 0;
}

void keeper_destroy(void)
{
    for (size_t i = 0; i < 2; i++) {
        if (pipe_ends[i] >= 0)
            close(pipe_ends[i]);
        pipe_ends[i] = -1;
    }
}

static void tell(flow_id flow, enum flow_down_reason reason)
{
    const struct record record = {flow, reason};
    if (write(pipe_ends[1], &record, sizeof record) != sizeof record)
        atomic_store(overflow, true);
}

void keeper_flow_down(flow_id flow, enum flow_down_reason reason)
{
    if (flow == 0 || pipe_ends[1] < 0)
        return;
    flow_mark_dead(flow);
    tell(flow, reason);
}

void keeper_flow_gone(flow_id flow)
{
    if (flow != 0 && pipe_ends[1] >= 0)
        tell(flow, FLOW_CLOSED);
}

/* In TCP main. Most closing connections have no bindings or branches. */
static int on_tcp_closed(sr_event_param_t *parameters)
{
    const tcp_closed_event_info_t *closed = parameters->data;
    const int id = closed->con->id;
    const flow_id flow = flow_of_connection(id);
    if (wait_is_on(id) || flow_bindings(flow, NULL, 0) > 0)
        keeper_flow_down(flow, FLOW_CLOSED);
    return 0;
}

/* After every mod_init(), so that tcpops, which needs the event and ends Kamailio if it is taken, gets it. */
int keeper_listen(void)
{
    has_event = !tcp_disable && sr_event_register_cb(SREV_TCP_CLOSED, on_tcp_closed) == 0;
    if (!has_event && !tcp_disable)
        ksr_log(LOG_NOTICE,
                "another module has the event of closed connections: bindings on closed ones are looked "
                "for every %d ms",
                module_config.poll_ms);
    return 0;
}

/* --- its process --- */

/* Callers wait, bindings do not: so branches are handled first. */
static void read_records(void)
{
    struct record records[BATCH];
    ssize_t length = read(pipe_ends[0], records, sizeof records);
    const size_t count = length > 0 ? (size_t)length / sizeof records[0] : 0;
    for (size_t i = 0; i < count; i++)
        if (!flow_is_datagram(records[i].flow))
            keeper_fail_waits((int)records[i].flow);
    for (size_t i = 0; i < count; i++)
        keeper_carry_out(records[i].flow, records[i].reason);
}

struct schedule {
    uint64_t waits_at, bindings_at; /* when to look next, ms */
    uint64_t last_wait_at;
};

static void look_at_waits(struct schedule *schedule, uint64_t now)
{
    if (wait_count() > 0)
        schedule->last_wait_at = now;
    if (now < schedule->waits_at)
        return;
    schedule->waits_at = now + (has_event ? WAITS_EVENT_MS : WAITS_ALONE_MS);
    keeper_poll_waits();
}

/* Idle connections time out without an event, so this is also needed with the event: a part at a time. */
static void look_at_bindings(struct schedule *schedule, uint64_t now)
{
    const bool all = atomic_exchange(overflow, false);
    if (now < schedule->bindings_at && !all)
        return;
    schedule->bindings_at = now + (uint64_t)module_config.poll_ms;
    bool complete = keeper_poll_bindings(FLOWS_AT_ONCE);
    while (!complete && (all || !has_event)) {
        read_records();
        keeper_poll_waits();
        complete = keeper_poll_bindings(FLOWS_AT_ONCE);
    }
}

static int sleep_time(const struct schedule *schedule, uint64_t now)
{
    uint64_t until = schedule->bindings_at;
    if (now < schedule->last_wait_at + WAITS_LINGER_MS && schedule->waits_at < until)
        until = schedule->waits_at;
    return until > now ? (int)(until - now) : 0;
}

static void wait_for_news(struct schedule *schedule)
{
    struct pollfd news[] = {{.fd = pipe_ends[0], .events = POLLIN}, {.fd = wait_bell(), .events = POLLIN}};
    const uint64_t now = ksr_now_ms();
    if (now >= schedule->last_wait_at + WAITS_LINGER_MS)
        waits_arm_bell();
    if (poll(news, 2, sleep_time(schedule, now)) > 0 && (news[1].revents & POLLIN) != 0) {
        waits_quiet_bell();
        schedule->waits_at = 0;
    }
}

static void run(void)
{
    struct schedule schedule = {0};
    for (;;) {
        wait_for_news(&schedule);
        cfg_update();
        read_records();
        const uint64_t now = ksr_now_ms();
        look_at_waits(&schedule, now);
        look_at_bindings(&schedule, now);
    }
}

int keeper_start(void)
{
    /* the rank of processes that may use everything, in which usrloc connects to its database */
    int pid = fork_process(PROC_RPC, "reflow keeper", 1);
    if (pid != 0)
        return pid;
    if (cfg_child_init() < 0)
        return -1;
    run();
    return -1;
}
