// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_ACK_WATCH_H
#define REFLOW_FLOW_ACK_WATCH_H

#include <stdint.h>

/*
 * 5626-7.i: a stream flow whose peer is gone without FIN or RST looks alive until TCP gives up after minutes. What
 * shows it earlier is that nothing of what was sent is acknowledged for several round trips. Pure, except
 * ack_sample_read().
 */

/* What the kernel knows about a connection. The numbers of segments may wrap. */
struct ack_sample {
    uint32_t delivered;          /* segments that the peer has acknowledged, also selectively */
    uint32_t retransmitted;      /* segments that were sent again */
    uint32_t timeouts;           /* consecutive retransmission timeouts without an acknowledgement */
    uint32_t in_flight;          /* segments that were sent and are not acknowledged */
    uint32_t unsent;             /* bytes that were not sent yet, in the kernel or in this process */
    uint32_t last_sent_ms;       /* time since a segment with data was sent, for the first time or again */
    uint32_t srtt_us, rttvar_us; /* RFC 6298; srtt_us 0: no round trip was measured yet */
};

/* Reads the sample of a connected TCP socket. Returns 0, a negative errno, or -ENOTSUP if the kernel does not count
   what was delivered (Linux before 4.18). */
int ack_sample_read(int descriptor, struct ack_sample *sample);

struct ack_watch {
    uint64_t since_ms;      /* nothing was acknowledged since then, although something was in flight */
    uint32_t patience_ms;   /* shortest time that makes the flow suspect */
    uint32_t delivered;     /* of the sample at that time */
    uint32_t retransmitted; /* likewise */
};

enum ack_state {
    ACK_ALL,     /* the peer's TCP has all that was sent */
    ACK_WAITING, /* look again after the returned time */
    ACK_OVERDUE  /* suspect */
};

/* Begins directly after a message was written. */
void ack_watch_begin(struct ack_watch *watch, uint32_t patience_ms, const struct ack_sample *sample, uint64_t now_ms);
/* Judges a later sample. Except for ACK_ALL, *again_ms is when to look again. */
enum ack_state ack_watch_look(struct ack_watch *watch, const struct ack_sample *sample, uint64_t now_ms,
                              uint32_t *again_ms);

/* The default patience; ack_watch.c explains it. */
enum { ACK_PATIENCE_MS = 750 };

#endif
