// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save.h"

#include <errno.h>
#include <inttypes.h>

#include "call/rest_name.h"
#include "core/code.h"
#include "kamailio/call/caller.h"
#include "kamailio/call/rests.h"
#include "kamailio/base/save_aor.h"
#include "kamailio/flow/connection.h"
#include "kamailio/policy/events.h"
#include "kamailio/base/arena.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/save/save_private.h"
#include "kamailio/base/stats.h"
#include "kamailio/policy/worker_policy.h"

/* sip_save(): REGISTER (RFC 3261 section 10.3, RFC 5626 section 6, RFC 3327) into usrloc. */

/* The return codes: up to TOO_MANY those of save() in Kamailio's own registrar. */
enum { ADDED = 1, UPDATED = 2, REMOVED = 3, LISTED = 4, TURNED_DOWN = -1, TOO_MANY = -2, ANSWERED = 0, CHALLENGE = -5 };

/* Through the transaction where the configuration has made one, else without. fields: header lines, may be empty. */
static void save_reply(struct sip_msg *msg, uint32_t status, const char *phrase, struct text fields)
{
    const char *reason = phrase != NULL && *phrase != '\0' ? phrase : code_phrase(status);
    str text = {(char *)reason, (int)strlen(reason) + 1}; /* with its end: it need not be copied */
    if (fields.length > 0 && add_lump_rpl(msg, (char *)fields.at, (int)fields.length, LUMP_RPL_HDR) == NULL)
        ksr_log(LOG_ERROR, "no private memory for the header fields of a %" PRIu32, status);
    if (slb.freply(msg, (int)status, &text) < 0)
        ksr_log(LOG_WARNING, "a REGISTER could not be answered with %" PRIu32, status);
}

static int save_turn_down(struct sip_msg *msg, uint32_t status, const char *phrase, const char *fields)
{
    stats_count(STAT_REGISTER_REFUSED);
    save_reply(msg, status, phrase, text_of(fields));
    return TURNED_DOWN;
}

/* --- policies --- */

static struct text save_write_aor(const struct save *save, char *out, size_t size)
{
    struct sip_uri uri;
    int length = sip_uri_create(&uri, sip_to_uri(save->asked.request)) == 0
                     ? sip_uri_aor(&uri, module_config.aor_case, out, size)
                     : 0;
    sip_uri_destroy(&uri);
    return (struct text){out, length > 0 ? (size_t)length : 0};
}

static void save_ask_policy(const struct save *save, struct registrar_verdict *out)
{
    char aor[512], source[SOURCE_TEXT_MOST];
    uint64_t hash = 0;
    struct caller caller;
    struct policy_hold hold;
    const struct host *host = ksr_host();
    const struct request_source from = source_of(&save->msg->rcv);
    struct script_call call = request_view(save->asked.request, save_write_aor(save, aor, sizeof aor), &from,
                                           host->now_ms(host->context), source);
    caller_read(save->msg, save->domain->name->s, &caller);
    caller_show(&caller, &call);
    worker_policy_take(&hash, sip_call_id(save->asked.request), &hold);
    registrar_ask_policy(ksr_host(), &save->asked, &hold, &call, out);
    worker_policy_release(&hold);
    stats_hook(HOOK_REGISTER, out->outcome);
}

/* True if the policy has answered, wants no answer, or wants the configuration to challenge the sender: then nothing is
   stored, and sip_save() returns *result. */
static bool save_is_refused(const struct save *save, int *result)
{
    struct registrar_verdict asked;
    if (!worker_policy_present() || !worker_policy_hears(HOOK_REGISTER))
        return false;
    save_ask_policy(save, &asked);
    if (asked.refused != RULE_NONE) {
        stats_count(STAT_VERDICTS_REFUSED);
        ksr_log(LOG_WARNING, "verdict %s refused: it would break rule %s", verdict_name(asked.verdict.kind),
                rule_at(asked.refused)->id);
    }
    if (asked.stands)
        stats_count(STAT_VERDICTS);
    if (asked.answers)
        save_reply(save->msg, asked.verdict.code, asked.verdict.phrase, (struct text){NULL, 0});
    *result = asked.challenges ? CHALLENGE : ANSWERED;
    return asked.answers || asked.drops || asked.challenges;
}

/* --- one REGISTER --- */

/* RFC 3261 section 10.3 step 5: an AOR of the domain that the request is for, which the configuration has looked at, or
   of another one that this server is known by. */
static bool is_valid_for_domain(struct ksr_sip_uri *aor, const struct ksr_sip_uri *domain)
{
    return sip_host_equal(text_of_str(&aor->host), text_of_str(&domain->host)) ||
           check_self(&aor->host, aor->port_no, 0) == 1;
}

/* The Request-URI as it came, which the core may have parsed already. Uses `room` if it has not. */
static const struct ksr_sip_uri *parsed_request_uri(struct sip_msg *msg, struct ksr_sip_uri *room)
{
    const str *uri = &msg->first_line.u.request.uri;
    if (msg->new_uri.s == NULL && msg->parsed_uri_ok)
        return &msg->parsed_uri;
    return parse_uri(uri->s, uri->len, room) < 0 ? NULL : room;
}

static int save_read_aor(struct save *save)
{
    struct ksr_sip_uri aor, room;
    str to = str_of(sip_to_uri(save->asked.request));
    const struct ksr_sip_uri *domain = parsed_request_uri(save->msg, &room);
    int length = -1;
    if (domain != NULL && parse_uri(to.s, to.len, &aor) == 0)
        length = aor_of_parsed_uri(&aor, save->aor_bytes, sizeof save->aor_bytes);
    if (length <= 0 || !is_valid_for_domain(&aor, domain))
        return registration_refuse(&save->asked, SIP_NOT_FOUND, NULL);
    save->aor = (str){save->aor_bytes, length};
    return 0;
}

static int save_read_request(struct save *save)
{
    int error = registration_check_extensions(&save->asked);
    if (error == 0)
        error = save_read_aor(save);
    if (error == 0)
        error = registration_read(&save->asked);
    return error == 0 ? save_info_read(save) : error;
}

/* An instance that has moved to another Contact keeps its binding. */
static int effect_of_insert(const struct save *save, size_t nth)
{
    const bool plain = !registration_is_flow(&save->asked, nth) && save->asked.contacts[nth].instance.length > 0;
    return plain && save->registrar.has_former ? UPDATED : ADDED;
}

/* Of several Contacts, the last one that has changed something counts. */
static int save_effect(const struct save *save)
{
    int effect = ADDED;
    if (save->asked.star)
        return REMOVED;
    for (size_t i = 0; i < save->asked.count; i++) {
        switch ((enum registrar_action)save->registrar.contacts[i].action) {
        case REGISTRAR_INSERT:
            effect = effect_of_insert(save, i);
            break;
        case REGISTRAR_UPDATE:
        case REGISTRAR_REPLACE:
            effect = UPDATED;
            break;
        case REGISTRAR_REMOVE:
            effect = REMOVED;
            break;
        default:
            break;
        }
    }
    return save->asked.count > 0 ? effect : LISTED;
}

static int save_confirm(const struct save *save)
{
    struct script_flow flow;
    const struct request_source source = source_of(&save->msg->rcv);
    stats_count(STAT_REGISTERED);
    if (silence_count() > 0)
        silent_names_end(save->asked.request, &source, silence_end_of_binding, NULL);
    save_reply(save->msg, SIP_OK, NULL, (struct text){save->fields.bytes, save->fields.length});
    if (registrar_flow_up(&save->registrar, text_of_str(&save->aor), (struct text){save->flow, save->flow_length},
                          &flow))
        event_flow(HOOK_FLOW_UP, &flow);
    return save_effect(save);
}

static int save_carry_out(struct save *save)
{
    struct registration *asked = &save->asked;
    int result, error = save_read_request(save);
    if (error == 0 && save_is_refused(save, &result)) {
        stats_count(STAT_REGISTER_REFUSED);
        return result;
    }
    if (error == 0)
        error = save_store(save);
    if (error == 0 && save->fields.failed)
        error = -ENOMEM;
    if (error == 0)
        return save_confirm(save);
    if (error == -ENOMEM)
        stats_count(STAT_SHARED_MEMORY);
    if (error != -EBADMSG)
        ksr_log(LOG_ERROR, "a REGISTER for %.*s could not be stored", save->aor.len, save->aor.s);
    registrar_refuse(asked, error);
    const int refused = save_turn_down(save->msg, asked->status, asked->phrase, asked->fields);
    return save->is_full ? TOO_MANY : refused;
}

static int save_message(struct sip_msg *msg, udomain_t *domain, const struct host *host,
                        const struct sip_message *request)
{
    const struct registration_limits limits = {
        .expires_default = (uint32_t)module_config.expires_default,
        .expires_least = (uint32_t)module_config.expires_least,
        .expires_most = (uint32_t)module_config.expires_most,
        .lengthens = module_config.expires_least_mode == EXPIRES_LENGTHENED,
    };
    struct save save;
    memset(&save, 0, offsetof(struct save, asked));
    save.msg = msg;
    save.domain = domain;
    save.fields.host = host;
    registration_create(&save.asked, host, request, &limits);
    int result = save_carry_out(&save);
    sip_buffer_destroy(&save.fields);
    registration_destroy(&save.asked);
    return result;
}

/* Made at start, by sip_save()'s fixup or usrloc's preload: one made by a worker would be its own alone. */
static udomain_t *find_table(const str *table)
{
    char name[64];
    udomain_t *domain = NULL;
    if (!module_has_usrloc || table->len <= 0 || table->len >= (int)sizeof name)
        return NULL;
    memcpy(name, table->s, (size_t)table->len);
    name[table->len] = '\0';
    return ul.get_udomain(name, &domain) == 0 ? domain : NULL;
}

static int save_text(struct sip_msg *msg, udomain_t *domain, const struct host *host, struct text text)
{
    struct sip_message *request = NULL;
    struct sip_fault fault = {0};
    char phrase[SIP_FAULT_SIZE];
    int result = sip_message_new(&request, host, text.at, text.length, NULL, &fault);
    if (result == 0 && sip_method(request) != METHOD_REGISTER)
        result = save_turn_down(msg, SIP_METHOD_NOT_ALLOWED, NULL, NULL);
    else if (result == 0)
        result = save_message(msg, domain, host, request);
    else if (result == -ENOMEM || fault.status == 0)
        result = save_turn_down(msg, SIP_SERVICE_UNAVAILABLE, NULL, NULL);
    else
        result = save_turn_down(msg, fault.status, sip_fault_phrase(&fault, phrase, sizeof phrase), NULL);
    sip_message_delete(request);
    return result;
}

int sip_save(struct sip_msg *msg, str *table)
{
    /* What most REGISTERs need: the stack stays in the caches, where the heap of one of many processes does not. */
    enum { ROOM = 4096 };
    _Alignas(max_align_t) char room[ROOM];
    struct arena arena;
    struct sip_buffer buffer = {.host = &arena.host};
    struct text text;
    udomain_t *domain = find_table(table);
    if (domain == NULL) {
        ksr_log(LOG_ERROR, "usrloc has no table \"%.*s\": modparam(\"usrloc\", \"preload\", \"%.*s\")", table->len,
                table->s, table->len, table->s);
        return save_turn_down(msg, SIP_SERVER_INTERNAL_ERROR, NULL, NULL);
    }
    arena_create(&arena, ksr_host(), room, sizeof room);
    int result = save_request_text(msg, &buffer, &text);
    if (result == 0)
        result = save_text(msg, domain, &arena.host, text);
    else
        result = save_turn_down(msg, SIP_SERVICE_UNAVAILABLE, NULL, NULL);
    arena_destroy(&arena);
    return result;
}
