// SPDX-License-Identifier: BSD-2-Clause
#include "cli/replay/replay_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "sip/frame.h"

enum {
    BUCKETS = 4096,
    WAYS = 8,
    WAITING_MOST = 64,      /* segments of a stream after a missing one */
    START_LINE_MOST = 4096, /* bytes before the first line feed, until it is known whether this is SIP */
    STALE_BYTES = 4194304,  /* no segment can be so late: the ports are used again */
    BYTES_MOST = 67108864   /* of all streams together */
};

/* A segment that arrived before its predecessor. */
struct waiting {
    struct waiting *next;
    int64_t time_us;
    uint64_t number;
    uint32_t sequence;
    size_t length;
    char bytes[];
};

struct stream {
    struct replay_address source, destination;
    uint32_t used;
    uint32_t next; /* sequence number */
    uint32_t end;  /* of the FIN, with has_end */
    bool open, synchronised, has_end;
    bool aside;  /* the following bytes are not SIP, up to a segment that begins with a message */
    bool spoken; /* a message was found in it */
    char *bytes; /* of an incomplete message */
    size_t length, capacity, resume;
    struct waiting *waiting;
    size_t waiting_count;
    int64_t time_us;
    uint64_t number;
};

struct replay_streams {
    struct replay *replay;
    struct stream *table; /* BUCKETS times WAYS */
    size_t bytes, hand;
    uint32_t clock;
};

int replay_streams_new(struct replay_streams **out, struct replay *replay)
{
    struct replay_streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL)
        return -ENOMEM;
    streams->replay = replay;
    streams->table = calloc((size_t)BUCKETS * WAYS, sizeof *streams->table);
    if (streams->table == NULL) {
        free(streams);
        return -ENOMEM;
    }
    *out = streams;
    return 0;
}

/* --- messages --- */

static void tell_gap(const struct replay_streams *streams, const struct stream *stream, const char *what)
{
    replay_trouble(streams->replay, TROUBLE_GAP, stream->number, what);
}

static void empty(struct replay_streams *streams, struct stream *stream)
{
    free(stream->bytes);
    streams->bytes -= stream->capacity;
    stream->bytes = NULL;
    stream->length = stream->capacity = stream->resume = 0;
}

/* Returns whether the bytes may be SIP; *known is set if this is certain. */
static bool may_be_sip(struct text bytes, bool *known)
{
    size_t padding = sip_padding_length(bytes.at, bytes.length);
    bytes = (struct text){bytes.at + padding, bytes.length - padding};
    *known = bytes.length == 0 || memchr(bytes.at, '\n', bytes.length) != NULL || bytes.length > START_LINE_MOST;
    if (*known)
        return bytes.length == 0 || replay_is_start(bytes);
    for (size_t i = 0; i < bytes.length; i++)
        if ((unsigned char)bytes.at[i] < ' ')
            return false;
    return true;
}

static void give_message(const struct replay_streams *streams, const struct stream *stream, const char *bytes,
                         size_t length)
{
    const struct replay_message message = {.bytes = {bytes, length},
                                           .time_us = stream->time_us,
                                           .source = stream->source,
                                           .destination = stream->destination,
                                           .number = stream->number,
                                           .tcp = true};
    replay_message(streams->replay, &message);
}

/* Delivers complete messages; returns the number of bytes used. */
static size_t cut_messages(struct replay_streams *streams, struct stream *stream, const char *bytes, size_t length)
{
    size_t done = 0;
    while (done < length) {
        size_t size;
        bool known = true;
        if (!stream->spoken && !may_be_sip((struct text){bytes + done, length - done}, &known)) {
            replay_other(streams->replay);
            stream->aside = true;
            return length;
        }
        if (!known)
            return done;
        switch (sip_frame(bytes + done, length - done, NULL, &stream->resume, &size)) {
        case FRAME_MESSAGE:
            stream->spoken = true;
            give_message(streams, stream, bytes + done, size);
            done += size;
            break;
        case FRAME_PING:
        case FRAME_PONG:
        case FRAME_STRAY:
            done += size;
            break;
        case FRAME_MORE:
            return done;
        default:
            tell_gap(streams, stream, "no message can be cut from the TCP stream: no Content-Length, or too long");
            stream->aside = true;
            stream->resume = 0;
            return length;
        }
    }
    return done;
}

static bool append(struct replay_streams *streams, struct stream *stream, struct text more)
{
    if (more.length > stream->capacity - stream->length) {
        size_t capacity = stream->length + more.length;
        capacity = capacity < 2048 ? 2048 : capacity + capacity / 2;
        char *bytes = realloc(stream->bytes, capacity);
        if (bytes == NULL)
            return false;
        streams->bytes += capacity - stream->capacity;
        stream->bytes = bytes;
        stream->capacity = capacity;
    }
    if (more.length > 0)
        memcpy(stream->bytes + stream->length, more.at, more.length);
    stream->length += more.length;
    return true;
}

/* Handles bytes in order. A complete message is never copied. */
static void deliver(struct replay_streams *streams, struct stream *stream, struct text bytes)
{
    stream->next += (uint32_t)bytes.length;
    if (stream->aside && !replay_is_start(bytes))
        return;
    stream->aside = false;
    if (stream->length > 0) {
        if (!append(streams, stream, bytes)) {
            tell_gap(streams, stream, "out of memory");
            empty(streams, stream);
            stream->aside = true;
            return;
        }
        size_t done = cut_messages(streams, stream, stream->bytes, stream->length);
        stream->length -= done;
        memmove(stream->bytes, stream->bytes + done, stream->length);
    } else {
        size_t done = cut_messages(streams, stream, bytes.at, bytes.length);
        append(streams, stream, (struct text){bytes.at + done, bytes.length - done});
    }
    if (stream->length == 0)
        empty(streams, stream);
}

/* --- the order of segments --- */

static void take_piece(struct replay_streams *streams, struct stream *stream, uint32_t sequence, struct text bytes)
{
    uint32_t known = stream->next - sequence;
    if (known < bytes.length)
        deliver(streams, stream, (struct text){bytes.at + known, bytes.length - known});
}

/* Handles the segments that are now in order. */
static void drain(struct replay_streams *streams, struct stream *stream)
{
    while (stream->waiting != NULL && (int32_t)(stream->waiting->sequence - stream->next) <= 0) {
        struct waiting *first = stream->waiting;
        stream->waiting = first->next;
        stream->waiting_count--;
        stream->time_us = first->time_us;
        stream->number = first->number;
        take_piece(streams, stream, first->sequence, (struct text){first->bytes, first->length});
        streams->bytes -= first->length;
        free(first);
    }
}

/* The missing bytes will not arrive: continue after them. */
static void skip_gap(struct replay_streams *streams, struct stream *stream)
{
    tell_gap(streams, stream, "bytes of the TCP stream are missing");
    empty(streams, stream);
    stream->aside = true;
    stream->next = stream->waiting->sequence;
    drain(streams, stream);
}

static void wait_for_earlier(struct replay_streams *streams, struct stream *stream,
                             const struct replay_segment *segment, uint32_t sequence)
{
    struct waiting **place = &stream->waiting;
    struct waiting *waiting = malloc(sizeof *waiting + segment->payload.length);
    if (waiting == NULL) {
        tell_gap(streams, stream, "out of memory");
        return;
    }
    *waiting = (struct waiting){.time_us = segment->time_us,
                                .number = segment->number,
                                .sequence = sequence,
                                .length = segment->payload.length};
    memcpy(waiting->bytes, segment->payload.at, segment->payload.length);
    while (*place != NULL && (int32_t)((*place)->sequence - sequence) < 0)
        place = &(*place)->next;
    waiting->next = *place;
    *place = waiting;
    stream->waiting_count++;
    streams->bytes += waiting->length;
    if (stream->waiting_count > WAITING_MOST)
        skip_gap(streams, stream);
}

/* --- streams --- */

static void close_stream(struct replay_streams *streams, struct stream *stream)
{
    while (stream->waiting != NULL)
        skip_gap(streams, stream);
    if (stream->length > 0 && stream->bytes[0] != '\r')
        tell_gap(streams, stream, "the TCP stream ends in the middle of a message");
    empty(streams, stream);
    *stream = (struct stream){0};
}

static bool same_end(const struct replay_address *a, const struct replay_address *b)
{
    return a->version == b->version && a->port == b->port && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static size_t bucket_of(const struct replay_segment *segment)
{
    struct {
        uint8_t source[sizeof segment->source.bytes], destination[sizeof segment->destination.bytes];
        uint16_t ports[2];
    } ends = {.ports = {segment->source.port, segment->destination.port}};
    memcpy(ends.source, segment->source.bytes, sizeof ends.source);
    memcpy(ends.destination, segment->destination.bytes, sizeof ends.destination);
    return hash_fixed((struct text){(const char *)&ends, sizeof ends}) % BUCKETS;
}

/* The stream of a segment; the one that was inactive longest is removed for a new one. */
static struct stream *find_stream(struct replay_streams *streams, const struct replay_segment *segment)
{
    struct stream *ways = &streams->table[bucket_of(segment) * WAYS], *victim = ways;
    streams->clock++;
    for (size_t i = 0; i < WAYS; i++) {
        struct stream *stream = &ways[i];
        if (stream->open && same_end(&stream->source, &segment->source) &&
            same_end(&stream->destination, &segment->destination))
            return stream;
        if (victim->open && (!stream->open || streams->clock - stream->used > streams->clock - victim->used))
            victim = stream;
    }
    if (victim->open)
        close_stream(streams, victim);
    *victim = (struct stream){.open = true, .source = segment->source, .destination = segment->destination};
    return victim;
}

/* If all streams together exceed their bytes, others are closed in turn. */
static void make_place(struct replay_streams *streams, const struct stream *but)
{
    const size_t count = (size_t)BUCKETS * WAYS;
    for (size_t i = 0; i < count && streams->bytes > BYTES_MOST; i++) {
        struct stream *stream = &streams->table[streams->hand++ % count];
        if (stream->open && stream != but)
            close_stream(streams, stream);
    }
}

/* A SYN begins a stream, also in place of an older one between the same ports; else the capture began later. */
static struct stream *synchronise(struct replay_streams *streams, const struct replay_segment *segment,
                                  uint32_t sequence)
{
    struct stream *stream = find_stream(streams, segment);
    bool stale = stream->synchronised && (int32_t)(sequence - stream->next) < -STALE_BYTES;
    if (stale || (segment->syn && stream->synchronised && stream->next != sequence)) {
        close_stream(streams, stream);
        stream = find_stream(streams, segment);
    }
    if (!stream->synchronised) {
        stream->synchronised = true;
        stream->next = sequence;
        stream->aside = !segment->syn;
    }
    stream->used = streams->clock;
    stream->number = segment->number;
    stream->time_us = segment->time_us;
    return stream;
}

void replay_streams_segment(struct replay_streams *streams, const struct replay_segment *segment)
{
    uint32_t sequence = segment->sequence + segment->syn;
    struct text payload = segment->payload;
    if (payload.length == 0 && !segment->syn && !segment->fin && !segment->rst)
        return;
    struct stream *stream = synchronise(streams, segment, sequence);
    if (segment->fin) {
        stream->has_end = true;
        stream->end = sequence + (uint32_t)payload.length;
    }
    if (payload.length > 0 && (int32_t)(sequence - stream->next) <= 0) {
        take_piece(streams, stream, sequence, payload);
        drain(streams, stream);
    } else if (payload.length > 0) {
        wait_for_earlier(streams, stream, segment, sequence);
    }
    if (segment->rst || (stream->has_end && (int32_t)(stream->end - stream->next) <= 0))
        close_stream(streams, stream);
    else if (streams->bytes > BYTES_MOST)
        make_place(streams, stream);
}

void replay_streams_delete(struct replay_streams *streams)
{
    if (streams == NULL)
        return;
    for (size_t i = 0; i < (size_t)BUCKETS * WAYS; i++)
        if (streams->table[i].open)
            close_stream(streams, &streams->table[i]);
    free(streams->table);
    free(streams);
}
