// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_STREAM_H
#define REFLOW_CLI_REPLAY_STREAM_H

#include "cli/replay/replay.h"

/*
 * Reassembles TCP: segments in the order of their sequence numbers, split into messages. Streams, bytes and segments
 * that wait for a missing one are limited; missing parts are reported as gaps.
 */

struct replay_streams;

struct replay_segment {
    struct replay_address source, destination;
    struct text payload;
    int64_t time_us;
    uint64_t number; /* of the packet */
    uint32_t sequence;
    bool syn, fin, rst;
};

int replay_streams_new(struct replay_streams **out, struct replay *replay);
void replay_streams_segment(struct replay_streams *streams, const struct replay_segment *segment);
/* Reports what is incomplete at the end of the capture, and frees everything. streams may be NULL. */
void replay_streams_delete(struct replay_streams *streams);

#endif
