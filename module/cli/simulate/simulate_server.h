// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SIMULATE_SERVER_H
#define REFLOW_CLI_SIMULATE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/simulate/simulate.h"

/*
 * An edge or a registrar that serves requests one after the other, each in the same time. Its queue is a moment: when
 * the work taken so far will be done.
 */
struct simulate_server {
    uint64_t service_ns; /* of one registration; 0: without limit */
    uint64_t refusal_ns;
    uint64_t most_ns;     /* the longest wait that is taken */
    uint64_t free_ns;     /* when what was taken is done */
    uint64_t promised_ns; /* up to when the capacity is promised to those who were refused */
    uint32_t died_ms;
    bool down;
};

enum simulate_admission { SIMULATE_TAKEN, SIMULATE_REFUSED, SIMULATE_IGNORED };

void simulate_server_create(struct simulate_server *server, const struct simulate_config *config, uint32_t capacity);

/* A request comes. Taken: *done_ms is when it will have been served. Refused: the server answers 503. Ignored: it is
   too busy even for that. */
enum simulate_admission simulate_server_admit(struct simulate_server *server, uint32_t now_ms, uint32_t *done_ms);

/* For one that was just refused: the seconds after which it will be its turn, 1 at least; each time another place. */
uint32_t simulate_server_promise(struct simulate_server *server, uint32_t now_ms);

/* What waited is lost; from the death on, nothing is heard from it. */
void simulate_server_die(struct simulate_server *server, uint32_t now_ms);
void simulate_server_return(struct simulate_server *server);

#endif
