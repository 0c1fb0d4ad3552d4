// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_STAGE_H
#define REFLOW_CALL_STAGE_H

#include "base/host.h"
#include "call/response_context.h"

/*
 * A host for the model of the call (module/call) without network, policy engine and allocator: whatever it is asked for
 * it does in one block of memory, so that a state is copied by copying the stage and put back in the same place. It
 * watches every guardrail on its own account: `broken` names the first rule that did not hold.
 *
 * Bob has two instances, A and B, with two flows each in two q classes, and a plain target. A verdict that routes to
 * the AOR finds carol's instance C too, which is bound to the second flow of B.
 */

enum { STAGE_FLOWS = 10, STAGE_MEMORY = 32 * 1024 };

struct stage_branch {
    struct call_branch model;
    bool cancelled;    /* a CANCEL has been sent, or goes out with the next provisional */
    bool has_response; /* the final response is kept */
};

struct call_stage {
    struct response_context model;
    struct host host;
    bool heap; /* kept by call_stage_begin(): blocks come from malloc(), and a state cannot be copied */
    uint64_t now_ms;
    bool registers_flow;  /* A has another flow as soon as somebody looks for it */
    bool fails_start;     /* the next start fails */
    bool fails_memory;    /* the next allocation fails */
    bool rings_later;     /* the timer of next_after runs */
    uint8_t last_verdict; /* enum verdict_kind, for HOOK_EXHAUSTED; VERDICT_COUNT: none */
    uint64_t fails_at;    /* the allocation with this number fails, counted from 1; 0: none */
    uint64_t allocations;
    bool flow_dead[STAGE_FLOWS], flow_dropped[STAGE_FLOWS];
    uint8_t moved_to; /* the flow that a waiting branch has taken */
    bool answered[3]; /* an instance has sent a final response, not 408 or 430 (5626-7.c) */
    bool global_seen, success_seen;
    uint8_t starts;
    uint8_t successes; /* 2xx that went upstream */
    uint8_t finals;    /* other final responses that did, and silences */
    uint16_t status;   /* of what went upstream */
    bool merged;       /* with the challenges of all branches */
    bool silent;       /* nothing went upstream, on purpose */
    unsigned counted[CALL_COUNTER_COUNT];
    char logged[256];   /* the last line */
    const char *broken; /* id of the rule; NULL: none */
    size_t live;        /* bytes that are allocated */
    size_t used;        /* of memory */
    _Alignas(16) char memory[STAGE_MEMORY];
};

/* max_breadth 0: no limit. An edge has one branch, over a flow; a proxy gets its targets and starts what may ring. */
void call_stage_begin(struct call_stage *stage, enum method method, enum role role, uint32_t max_breadth,
                      uint32_t ring_next_ms);
void call_stage_end(struct call_stage *stage); /* frees everything; `live` is 0 afterwards */

/* A response (origin wire), or that none will come. `verdict`: of the policy's hook on it; VERDICT_COUNT: none. */
struct stage_event {
    uint16_t code;
    uint8_t origin;  /* enum origin */
    uint8_t verdict; /* enum verdict_kind */
    uint16_t status; /* of VERDICT_FAIL */
};
void call_stage_event(struct call_stage *stage, struct stage_branch *branch, const struct stage_event *event);
void call_stage_cancel(struct call_stage *stage);
void call_stage_ring(struct call_stage *stage); /* the timer of next_after fires */

/* The branch with this place among those without a final response, newest first; with `ended`, among the others. */
struct stage_branch *call_stage_branch(const struct call_stage *stage, unsigned place, bool ended);

static inline bool call_stage_is_over(const struct call_stage *stage)
{
    return stage->successes + stage->finals > 0 && call_pending(&stage->model, NULL) == 0;
}

/* Over all that what comes next depends on. */
uint64_t call_stage_hash(const struct call_stage *stage);

#endif
