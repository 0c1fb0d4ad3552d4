// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_STREAM_H
#define REFLOW_CLI_REPLAY_STREAM_H

#include "cli/replay/replay.h"

/*
 * TCP put together again: segments in the order of their sequence numbers, cut into messages. Bounded in streams, in
 * bytes, and in segments that wait for a missing one; what is given up for that is told as a gap.
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
/* What is not whole at the end of the capture is told; everything is freed. NULL is fine. */
void replay_streams_delete(struct replay_streams *streams);

#endif
