// SPDX-License-Identifier: BSD-2-Clause
#include "core/code.h"
#include "sip/internal.h"

static uint32_t seconds_or_none(int64_t seconds)
{
    return seconds > 0 ? (uint32_t)seconds : 0;
}

static bool has_value(const struct sip_message *message, enum sip_header header)
{
    const struct sip_field *field = sip_field(message, header, 0);
    return field != NULL && field->value.length > 0;
}

void sip_facts(const struct sip_message *response, struct facts *facts)
{
    unsigned vias = sip_via_count(response);
    int64_t retry_after = sip_retry_after(response);
    bool registered = sip_method(response) == METHOD_REGISTER && code_class(response->status) == CLASS_SUCCESS;
    facts->code = response->status;
    facts->method = (uint8_t)sip_method(response);
    facts->has_retry_after = retry_after >= 0;
    facts->retry_after = seconds_or_none(retry_after);
    facts->min_expires = seconds_or_none(sip_min_expires(response));
    facts->min_se = seconds_or_none(sip_min_se(response));
    facts->flow_timer = registered ? seconds_or_none(sip_flow_timer(response)) : 0;
    facts->via_count = (uint16_t)(vias < UINT16_MAX ? vias : UINT16_MAX);
    facts->requires_outbound = sip_has_option(response, HEADER_REQUIRE, TEXT("outbound"));
    facts->has_service_route = registered && has_value(response, HEADER_SERVICE_ROUTE);
    facts->has_challenge =
        has_value(response, HEADER_WWW_AUTHENTICATE) || has_value(response, HEADER_PROXY_AUTHENTICATE);
}
