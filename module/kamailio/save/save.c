// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/code.h"
#include "kamailio/base/save_aor.h"
#include "kamailio/flow/connection.h"
#include "kamailio/policy/events.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/save/save_private.h"
#include "kamailio/base/stats.h"
#include "kamailio/policy/worker_policy.h"
#include "script/engine/judge.h"

/* sip_save(): REGISTER (RFC 3261 section 10.3, RFC 5626 section 6, RFC 3327) into usrloc. */

/* Through the transaction where the configuration has made one, else without. fields: header lines, may be empty. */
static void reply(struct sip_msg *msg, uint32_t status, const char *phrase, struct text fields)
{
    const char *reason = phrase != NULL && *phrase != '\0' ? phrase : code_phrase(status);
    str text = {(char *)reason, (int)strlen(reason) + 1}; /* with its end: it need not be copied */
    if (fields.length > 0 && add_lump_rpl(msg, (char *)fields.at, (int)fields.length, LUMP_RPL_HDR) == NULL)
        ksr_log(LOG_ERROR, "no private memory for the header fields of a %" PRIu32, status);
    if (slb.freply(msg, (int)status, &text) < 0)
        ksr_log(LOG_WARNING, "a REGISTER could not be answered with %" PRIu32, status);
}

static int turn_down(struct sip_msg *msg, uint32_t status, const char *phrase, const char *fields)
{
    stats_count(STAT_REGISTER_REFUSED);
    reply(msg, status, phrase, text_of(fields));
    return -1;
}

/* --- policies --- */

static bool may_answer(const struct save *save, const struct script_verdict *verdict)
{
    struct facts facts;
    registration_facts(&save->asked, &facts);
    enum rule_id rule = verdict_guard_answer(verdict, &facts);
    if (rule == RULE_NONE)
        return true;
    stats_count(STAT_VERDICTS_REFUSED);
    ksr_log(LOG_WARNING, "verdict %s refused: it would break rule %s", verdict_name(verdict->kind), rule_at(rule)->id);
    return false;
}

static struct text write_aor(const struct save *save, char *out, size_t size)
{
    struct sip_uri uri;
    int length = sip_uri_create(&uri, sip_to_uri(save->asked.request)) == 0 ? sip_uri_aor(&uri, out, size) : 0;
    sip_uri_destroy(&uri);
    return (struct text){out, length > 0 ? (size_t)length : 0};
}

static enum script_outcome ask_policy(const struct save *save, struct script_verdict *verdict)
{
    char aor[512], source[80], host[64];
    uint64_t hash = 0;
    struct policy_hold hold;
    struct receive_info *rcv = &save->msg->rcv;
    const struct host *own = ksr_host();
    int host_length = ip_addr2sbufz(&rcv->src_ip, host, sizeof host);
    int length = snprintf(source, sizeof source, "%s:%.*s:%u", proto_word(rcv->proto), host_length, host,
                          (unsigned)rcv->src_port);
    struct script_call call = {.request = save->asked.request,
                               .aor = write_aor(save, aor, sizeof aor),
                               .source = {source, (size_t)length},
                               .started_ms = own->now_ms(own->context),
                               .source_number = source_number_of(rcv)};
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    worker_policy_take(&hash, sip_call_id(save->asked.request), &hold);
    if (policy_has_hook(&hold, HOOK_REGISTER))
        outcome = policy_on_register(&hold, &call, verdict);
    worker_policy_release(&hold);
    return outcome;
}

/* True where the policy has answered, or wants no answer. */
static bool policy_refused(const struct save *save)
{
    struct script_verdict verdict = {0};
    if (!worker_policy_present() || !worker_policy_hears(HOOK_REGISTER))
        return false;
    enum script_outcome outcome = ask_policy(save, &verdict);
    stats_hook(HOOK_REGISTER, outcome);
    bool answers = verdict.kind == VERDICT_REPLY || verdict.kind == VERDICT_FAIL;
    if (outcome != SCRIPT_VERDICT || (answers && !may_answer(save, &verdict)))
        return false;
    stats_count(STAT_VERDICTS);
    if (answers)
        reply(save->msg, verdict.code, verdict.phrase, (struct text){NULL, 0});
    return answers || verdict.kind == VERDICT_DROP;
}

/* --- one REGISTER --- */

/* RFC 3261 section 10.3 step 5: an AOR of the domain that the request is for, which the configuration has looked at, or
   of another one that this server is known by. */
static bool is_valid_for_domain(const str *to, str *request_uri)
{
    struct ksr_sip_uri aor, domain;
    if (parse_uri(to->s, to->len, &aor) < 0 || parse_uri(request_uri->s, request_uri->len, &domain) < 0)
        return false;
    return text_equal_nocase(text_of_str(&aor.host), text_of_str(&domain.host)) ||
           check_self(&aor.host, aor.port_no, 0) == 1;
}

static int read_aor(struct save *save)
{
    str to = str_of(sip_to_uri(save->asked.request));
    int length = aor_of_uri(&to, save->aor_bytes, sizeof save->aor_bytes);
    if (length <= 0 || !is_valid_for_domain(&to, &save->msg->first_line.u.request.uri))
        return registration_refuse(&save->asked, SIP_NOT_FOUND, NULL);
    save->aor = (str){save->aor_bytes, length};
    return 0;
}

static int read_request(struct save *save)
{
    int error = registration_check_extensions(&save->asked);
    if (error == 0)
        error = read_aor(save);
    if (error == 0)
        error = registration_read(&save->asked);
    return error == 0 ? save_info_read(save) : error;
}

static void tell_flow_up(const struct save *save)
{
    const struct sip_contact *contact = &save->asked.contacts[save->flow_contact];
    struct script_flow flow = {.flow = {save->flow, save->flow_length},
                               .aor = text_of_str(&save->aor),
                               .instance = contact->instance,
                               .reg_id = contact->reg_id};
    event_flow(HOOK_FLOW_UP, &flow);
}

static int confirm(struct save *save)
{
    registration_confirm(&save->asked, (uint32_t)module_config.flow_timer, &save->fields);
    if (save->fields.failed)
        return turn_down(save->msg, SIP_SERVER_INTERNAL_ERROR, NULL, NULL);
    stats_count(STAT_REGISTERED);
    reply(save->msg, SIP_OK, NULL, (struct text){save->fields.bytes, save->fields.length});
    if (save->flow_is_new)
        tell_flow_up(save);
    return 1;
}

static int carry_out(struct save *save)
{
    int error = read_request(save);
    if (error == 0 && policy_refused(save)) {
        stats_count(STAT_REGISTER_REFUSED);
        return 0;
    }
    if (error == 0)
        error = save_store(save);
    if (error == 0)
        return confirm(save);
    if (error == -EBADMSG)
        return turn_down(save->msg, save->asked.status, save->asked.phrase, save->asked.fields);
    if (error == -ENOMEM)
        stats_count(STAT_SHARED_MEMORY);
    ksr_log(LOG_ERROR, "a REGISTER for %.*s could not be stored", save->aor.len, save->aor.s);
    return turn_down(save->msg, SIP_SERVER_INTERNAL_ERROR, NULL, NULL);
}

static int save_message(struct sip_msg *msg, udomain_t *domain, const struct sip_message *request)
{
    const struct registration_limits limits = {(uint32_t)module_config.expires_default,
                                               (uint32_t)module_config.expires_least,
                                               (uint32_t)module_config.expires_most};
    struct save save = {.msg = msg, .domain = domain, .now = time(NULL), .fields = {.host = ksr_host()}};
    registration_create(&save.asked, ksr_host(), request, &limits);
    int result = carry_out(&save);
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

int sip_save(struct sip_msg *msg, str *table)
{
    struct sip_message *request = NULL;
    struct sip_fault fault = {0};
    char phrase[SIP_FAULT_SIZE];
    udomain_t *domain = find_table(table);
    if (domain == NULL) {
        ksr_log(LOG_ERROR, "usrloc has no table \"%.*s\": modparam(\"usrloc\", \"preload\", \"%.*s\")", table->len,
                table->s, table->len, table->s);
        return turn_down(msg, SIP_SERVER_INTERNAL_ERROR, NULL, NULL);
    }
    int result = sip_message_new(&request, ksr_host(), msg->buf, msg->len, NULL, &fault);
    if (result == 0 && sip_method(request) != METHOD_REGISTER)
        result = turn_down(msg, SIP_METHOD_NOT_ALLOWED, NULL, NULL);
    else if (result == 0)
        result = save_message(msg, domain, request);
    else if (result == -ENOMEM || fault.status == 0)
        result = turn_down(msg, SIP_SERVER_INTERNAL_ERROR, NULL, NULL);
    else
        result = turn_down(msg, fault.status, sip_fault_phrase(&fault, phrase, sizeof phrase), NULL);
    sip_message_delete(request);
    return result;
}
