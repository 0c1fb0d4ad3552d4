// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SIMULATE_SERVER_H
#define REFLOW_CLI_SIMULATE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/simulate/simulate.h"

/*
 * An edge or a registrar that serves requests one after the other, each in the same time. Its queue is represented by
 * the time at which the accepted work will be finished.
 */
struct simulate_server {
    uint64_t service_ns; /* of one registration; 0: without limit */
    uint64_t refusal_ns;
    uint64_t most_ns;     /* the longest accepted wait */
    uint64_t free_ns;     /* when the accepted work is finished */
    uint64_t promised_ns; /* until when the capacity is promised to refused agents */
    uint32_t died_ms;
    bool down;
};

enum simulate_admission { SIMULATE_TAKEN, SIMULATE_REFUSED, SIMULATE_IGNORED };

void simulate_server_create(struct simulate_server *server, const struct simulate_config *config, uint32_t capacity);

/* Handles a request. Accepted: *done_ms is the time at which it will have been served. Refused: the server answers
   503. Ignored: the server is too busy even for that. */
enum simulate_admission simulate_server_admit(struct simulate_server *server, uint32_t now_ms, uint32_t *done_ms);

/* For a refused request: the seconds until its turn, at least 1; each time another place. */
uint32_t simulate_server_promise(struct simulate_server *server, uint32_t now_ms);

/* Waiting requests are lost; after the failure, no response arrives from it. */
void simulate_server_die(struct simulate_server *server, uint32_t now_ms);
void simulate_server_return(struct simulate_server *server);

#endif
