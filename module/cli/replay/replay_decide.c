// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/plain_host.h"
#include "cli/base/policy_load.h"
#include "cli/replay/replay_private.h"
#include "core/code.h"
#include "core/decide.h"

enum {
    ARENA_BYTES = 262144, /* more than a message with its index and a request that is built from it */
    TOLD_MOST = 10        /* problems of one file, and log lines of policies, that are printed and not only counted */
};

/* --- the host of policies and parser --- */

static uint64_t replay_now_ms(void *context)
{
    const struct replay *replay = context;
    return (uint64_t)replay->now_us / 1000;
}

static int64_t replay_wall_s(void *context)
{
    const struct replay *replay = context;
    return replay->now_us / 1000000;
}

static void replay_log(void *context, enum log_level level, const char *line)
{
    struct replay *replay = context;
    if (level > LOG_WARNING || replay->logged > TOLD_MOST)
        return;
    replay_progress_clear(replay);
    if (replay->logged++ < TOLD_MOST)
        fprintf(replay->config.cli->err, "reflow replay: %s\n", line);
    else
        fputs("reflow replay: more of the policy's troubles are only counted\n", replay->config.cli->err);
}

/* Freed together with everything else. */
static void *arena_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct replay *replay = context;
    struct replay_arena *arena = &replay->arena;
    size_t rounded = (new_size + 15) & ~(size_t)15;
    (void)old_size;
    if (new_size == 0 || old != NULL || rounded > ARENA_BYTES - arena->used)
        return NULL;
    void *block = arena->bytes + arena->used;
    arena->used += rounded;
    return block;
}

static void lend(struct replay *replay)
{
    replay->host = plain_host();
    replay->host.context = replay;
    replay->host.now_ms = replay_now_ms;
    replay->host.wall_s = replay_wall_s;
    replay->host.log = replay_log;
    replay->passing = replay->host;
    replay->passing.allocate = arena_allocate;
}

/* --- life --- */

static int load(struct replay *replay, const struct layer_options *layers, const char *path, struct script **script)
{
    char error[512] = "";
    if (path == NULL)
        return CLI_OK;
    if (policy_load(script, &replay->host, &(struct script_limits){0}, layers, path, error, sizeof error) == 0)
        return CLI_OK;
    return policy_error(replay->config.cli, "replay", error[0] != '\0' ? error : path);
}

int replay_new(struct replay **out, const struct replay_config *config)
{
    struct replay *replay = calloc(1, sizeof *replay);
    int status = CLI_FAILED;
    if (replay == NULL)
        goto out;
    replay->config = *config;
    lend(replay);
    replay->arena.bytes = malloc(ARENA_BYTES);
    replay->output.bytes = malloc(REPLAY_OUTPUT_FULL + REPLAY_LINE_OUT);
    if (replay->arena.bytes == NULL || replay->output.bytes == NULL ||
        replay_contexts_new(&replay->contexts, &replay->host, config->contexts) != 0)
        goto out;
    status = load(replay, config->layers, config->policy, &replay->policy);
    if (status == CLI_OK)
        status = load(replay, NULL, config->against, &replay->against);
    if (status != CLI_OK) {
        replay_delete(replay);
        return status;
    }
    *out = replay;
    return CLI_OK;
out:
    replay_delete(replay);
    cli_usage(config->cli, "replay", "out of memory");
    return CLI_FAILED;
}

void replay_delete(struct replay *replay)
{
    if (replay == NULL)
        return;
    script_release(replay->policy);
    script_release(replay->against);
    replay_contexts_delete(replay->contexts);
    free(replay->arena.bytes);
    free(replay->output.bytes);
    free(replay);
}

const struct replay_counts *replay_counts(const struct replay *replay)
{
    return &replay->counts;
}

void replay_finish(struct replay *replay)
{
    replay->counts.forgotten = replay_contexts_forgotten(replay->contexts);
    replay_print_counts(replay);
    replay_flush(replay);
}

/* --- troubles --- */

void replay_trouble(struct replay *replay, enum replay_trouble trouble, uint64_t number, const char *what)
{
    FILE *err = replay->config.cli->err;
    uint64_t *const counts[] = {[TROUBLE_BROKEN] = &replay->counts.broken,
                                [TROUBLE_CUT] = &replay->counts.cut,
                                [TROUBLE_FRAGMENT] = &replay->counts.fragments,
                                [TROUBLE_GAP] = &replay->counts.gaps};
    ++*counts[trouble];
    if (replay->told > TOLD_MOST)
        return;
    replay_progress_clear(replay);
    if (replay->told++ == TOLD_MOST)
        fprintf(err, "reflow replay: %s: more troubles are only counted\n", replay->path);
    else if (number > 0 && strcmp(replay->unit, "line") == 0)
        fprintf(err, "%s:%llu: %s\n", replay->path, (unsigned long long)number, what);
    else if (number > 0)
        fprintf(err, "reflow replay: %s, %s %llu: %s\n", replay->path, replay->unit, (unsigned long long)number, what);
    else
        fprintf(err, "reflow replay: %s: %s\n", replay->path, what);
}

void replay_other(struct replay *replay)
{
    replay->counts.others++;
}

/* --- policies --- */

static void count_answer(struct replay_counts *counts, const struct replay_answer *answer)
{
    bool refused = answer->refused != RULE_NONE || answer->inside;
    counts->verdicts += answer->outcome == SCRIPT_VERDICT && !refused;
    counts->refused += answer->outcome == SCRIPT_VERDICT && refused;
    counts->errors += answer->outcome >= SCRIPT_ERROR;
}

static void compare(struct replay *replay, const struct replay_line *line)
{
    char against[1200], policy[1200];
    replay_answer_words(line->against, false, against, sizeof against);
    replay_answer_words(line->answer, false, policy, sizeof policy);
    if (strcmp(against, policy) == 0)
        return;
    replay->counts.differences++;
    if (replay->config.mask) {
        replay_answer_words(line->against, true, against, sizeof against);
        replay_answer_words(line->answer, true, policy, sizeof policy);
    }
    replay_print_difference(replay, line, against, policy);
}

/* Calls the policies, if any, and prints. */
static void conclude(struct replay *replay, const struct replay_subject *subject, const struct replay_line *decided)
{
    struct replay_answer answer, against;
    struct replay_line line = *decided;
    bool asked = (replay->policy != NULL || replay->against != NULL) && subject->call != NULL &&
                 replay_policy_is_asked(subject->facts, subject->decision);
    if (asked) {
        replay_policy_ask(replay->policy, subject, &answer);
        count_answer(&replay->counts, &answer);
        line.answer = &answer;
    }
    if (asked && replay->config.compare) {
        replay_policy_ask(replay->against, subject, &against);
        line.against = &against;
        compare(replay, &line);
    } else if (!replay->config.compare) {
        replay_print(replay, &line);
    }
}

/* --- decisions --- */

/* Updates the state for later responses. */
static void learn(struct replay_branch *branch, struct replay_group *group, const struct facts *facts,
                  const struct decision *decision)
{
    uint32_t code = decision->code;
    branch->provisional_seen |= code > SIP_TRYING && code < CODE_FINAL_LEAST;
    if (!code_is_final(code))
        return;
    bool first = !branch->has_final;
    branch->has_final = true;
    if (group == NULL || facts->unmatched)
        return;
    struct state *state = &group->state;
    state->branches_pending -= first && state->branches_pending > 0;
    state->global_failure_seen |= code_class(code) == CLASS_GLOBAL_FAILURE;
    state->responses_held += decision->action == ACTION_HOLD && state->responses_held < UINT16_MAX;
    bool goes_up = decision->action == ACTION_FORWARD || decision->action == ACTION_FAIL;
    state->final_forwarded |= goes_up;
    state->success_forwarded |= goes_up && code_class(code) == CLASS_SUCCESS;
}

/* 3261-16.7.a: after its final response a transaction absorbs further responses, except for a 2xx to INVITE. */
static bool is_repeated(const struct replay_branch *branch, const struct facts *facts)
{
    return branch->has_final && !(facts->method == METHOD_INVITE && code_class(facts->code) == CLASS_SUCCESS);
}

static void gather(struct replay *replay, const struct sip_message *response, const struct replay_branch *branch,
                   const struct replay_group *group, struct decide_input *input)
{
    struct facts *facts = &input->facts;
    sip_facts(response, facts);
    facts->role = replay_was_relayed(replay->contexts, branch) ? ROLE_UAC : ROLE_PROXY;
    facts->in_dialog = branch->in_dialog;
    facts->provisional_seen = branch->provisional_seen;
    facts->unmatched = is_repeated(branch, facts);
    if (group == NULL)
        return;
    input->state = group->state;
    input->state.branches_pending -= !branch->has_final && input->state.branches_pending > 0;
    facts->unwanted = group->state.cancelled;
}

static void take_response(struct replay *replay, const struct replay_message *message,
                          const struct sip_message *response)
{
    struct decide_input input = {0};
    struct replay_branch *branch = replay_branch_of(replay->contexts, response);
    struct replay_group *group = replay_group_of(replay->contexts, branch);
    gather(replay, response, branch, group, &input);
    replay->counts.responses++;
    replay->counts.repeated += input.facts.unmatched;
    replay->counts.strays += !branch->request_seen;
    const struct decision decision = decide(&input.facts, &input.state);
    struct replay_call made = {.time_us = message->time_us, .tcp = message->tcp, .destination = message->source};
    struct replay_subject subject = {.call = branch->call,
                                     .response = response,
                                     .facts = &input.facts,
                                     .state = &input.state,
                                     .decision = &decision};
    if (branch->call == NULL && (replay->policy != NULL || replay->against != NULL)) {
        made.request = replay_request_like(&replay->passing, response);
        subject.call = made.request != NULL ? &made : NULL;
    }
    const struct replay_line line = {.time_us = message->time_us,
                                     .call_id = sip_call_id(response),
                                     .method = sip_method_text(response),
                                     .to = sip_to_uri(response),
                                     .facts = &input.facts,
                                     .decision = &decision};
    conclude(replay, &subject, &line);
    learn(branch, group, &input.facts, &decision);
    sip_message_delete(made.request);
}

static bool is_response(struct text bytes)
{
    return bytes.length > 7 && memcmp(bytes.at, "SIP/2.0", 7) == 0;
}

/* Requests are stored for policies; NULL without memory: the policy then gets none. */
static struct replay_call *keep(struct replay *replay, const struct replay_message *message,
                                struct sip_message *request)
{
    struct replay_call *call = replay->host.allocate(replay->host.context, NULL, 0, sizeof *call);
    if (call == NULL)
        return NULL;
    *call = (struct replay_call){.request = request,
                                 .source = message->source,
                                 .destination = message->destination,
                                 .time_us = message->time_us,
                                 .tcp = message->tcp};
    return call;
}

static void progress(struct replay *replay)
{
    enum { EVERY_MESSAGES = 256, EVERY_MS = 200 };
    if (!replay->config.progress || (replay->counts.messages + replay->counts.records) % EVERY_MESSAGES != 0)
        return;
    uint64_t now = plain_now_ms(NULL);
    if (now - replay->drawn_ms < EVERY_MS)
        return;
    replay->drawn_ms = now;
    replay_progress_draw(replay);
}

void replay_message(struct replay *replay, const struct replay_message *message)
{
    struct sip_message *sip = NULL;
    struct sip_fault fault;
    char text[SIP_FAULT_SIZE];
    bool asks = replay->policy != NULL || replay->against != NULL;
    bool kept = asks && !is_response(message->bytes);
    replay->arena.used = 0;
    replay->counts.messages++;
    replay->now_us = message->time_us > replay->now_us ? message->time_us : replay->now_us;
    progress(replay);
    int error = sip_message_new(&sip, kept ? &replay->host : &replay->passing, message->bytes.at, message->bytes.length,
                                NULL, &fault);
    if (error != 0) {
        replay_trouble(replay, TROUBLE_BROKEN, message->number,
                       error == -ENOMEM ? "out of memory" : sip_fault_text(&fault, text, sizeof text));
    } else if (!sip_is_request(sip)) {
        take_response(replay, message, sip);
    } else {
        struct replay_call *call = kept ? keep(replay, message, sip) : NULL;
        replay_request_seen(replay->contexts, sip, call);
        sip = call != NULL ? NULL : sip;
    }
    sip_message_delete(sip);
}

void replay_record(struct replay *replay, const struct replay_record *record)
{
    struct decide_input input = record->input;
    struct replay_branch *branch = replay_branch_of_record(replay->contexts, record);
    replay->arena.used = 0;
    replay->counts.records++;
    replay->counts.responses++;
    replay->now_us = record->time_us > replay->now_us ? record->time_us : replay->now_us;
    progress(replay);
    if (!record->complete)
        input.facts.provisional_seen = branch->provisional_seen;
    const struct decision decision = decide(&input.facts, &input.state);
    struct replay_call made = {.time_us = record->time_us};
    struct replay_subject subject = {.facts = &input.facts,
                                     .state = &input.state,
                                     .decision = &decision,
                                     .aor = text_of(record->aor),
                                     .instance = text_of(record->instance),
                                     .flow = text_of(record->flow)};
    if (replay->policy != NULL || replay->against != NULL) {
        made.request = replay_request_for(&replay->passing, record);
        subject.call = made.request != NULL ? &made : NULL;
    }
    const struct replay_line line = {.time_us = record->time_us,
                                     .call_id = text_of(record->call_id),
                                     .method = text_of(record->method),
                                     .to = text_of(record->aor),
                                     .facts = &input.facts,
                                     .decision = &decision};
    conclude(replay, &subject, &line);
    learn(branch, NULL, &input.facts, &decision);
    sip_message_delete(made.request);
}
