// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_H
#define REFLOW_CLI_REPLAY_H

#include "cli/cli.h"
#include "cli/say/decide_input.h"
#include "core/text.h"
#include "script/policy/layer_option.h"
#include "sip/message.h"

/*
 * Decides recorded traffic again. The inputs (captures, SIP text logs, decision logs) deliver one message or record
 * after the other. Each response is put into its context, decided, passed to the policies, and printed. Memory is
 * bounded, whatever the size of the input.
 */

struct replay;

/* The source or destination of a packet. */
struct replay_address {
    uint8_t version; /* of IP: 4, 6; 0: unknown */
    uint16_t port;
    uint8_t bytes[16];
};

/* One complete message. Borrowed for the duration of the call. */
struct replay_message {
    struct text bytes;
    int64_t time_us; /* since 1970; 0: unknown */
    struct replay_address source, destination;
    uint64_t number; /* of the packet or line with which it began or ended */
    bool tcp;
};

/* One line of a decision log. */
struct replay_record {
    struct decide_input input;
    int64_t time_us;
    bool complete; /* the line has all facts, including whether a provisional was seen */
    char call_id[256], method[32], aor[512], target[512], instance[256], flow[128];
};

struct replay_counts {
    uint64_t messages, responses, records;
    uint64_t differences;
    uint64_t repeated;       /* responses that the transaction had received before */
    uint64_t strays;         /* responses whose request was not seen */
    uint64_t broken;         /* messages and lines that cannot be read */
    uint64_t cut, fragments; /* packets: cut short by the capture, parts of an IP datagram */
    uint64_t gaps;           /* positions where bytes of a TCP stream are missing or are not SIP */
    uint64_t others;         /* packets without SIP */
    uint64_t forgotten;      /* requests without a final response that newer ones displaced */
    uint64_t verdicts, refused, errors;
};

struct replay_config {
    struct cli *cli;
    const char *policy;                 /* path; NULL: the core alone */
    const struct layer_options *layers; /* beside the policy; NULL: none */
    const char *against;                /* path; NULL: see compare */
    bool compare;                       /* print only differences between the two */
    bool json, mask, progress;
    uint32_t contexts; /* requests remembered; 0: 262144 */
};

/* Returns 0 and *out, or CLI_USAGE or CLI_FAILED with an error on cli->err. */
int replay_new(struct replay **out, const struct replay_config *config);
void replay_delete(struct replay *replay); /* NULL is fine */

/* Reads one file of any kind, "-" for standard input. Returns 0, or CLI_USAGE if it cannot be read. Broken parts are
   reported and counted. */
int replay_file(struct replay *replay, const char *path);

/* What inputs call. */
void replay_message(struct replay *replay, const struct replay_message *message);
void replay_record(struct replay *replay, const struct replay_record *record);

enum replay_trouble { TROUBLE_BROKEN, TROUBLE_CUT, TROUBLE_FRAGMENT, TROUBLE_GAP };
/* Counts the problem, and prints it (the first ones of each file). `number` is that of the packet or line; 0: none. */
void replay_trouble(struct replay *replay, enum replay_trouble trouble, uint64_t number, const char *what);
void replay_other(struct replay *replay); /* a packet without SIP */

/* Writes buffered output and the counts. */
void replay_finish(struct replay *replay);
const struct replay_counts *replay_counts(const struct replay *replay);

/* Returns whether the bytes begin with "SIP/2.0 200" or "INVITE sip:... SIP/2.0". */
bool replay_is_start(struct text bytes);

/* "127.0.0.1:5060", "[::1]:5060"; the length, 0: unknown. */
size_t replay_address_format(const struct replay_address *address, char *out, size_t size);
/* Parses the same text. Returns false and leaves *address unchanged if it is not an address. */
bool replay_address_read(struct text text, struct replay_address *address);

#endif
