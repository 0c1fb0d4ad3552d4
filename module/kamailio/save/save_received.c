// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/host.h"
#include "kamailio/flow/flows.h"
#include "kamailio/save/save.h"
#include "kamailio/save/save_private.h"

/* The AVP that the registrar and nathelper modules call received_avp. */

enum { RECEIVED_MOST = 255 }; /* usrloc's column */

/* Set before the fork. pv_get_avp_name() takes another type since Kamailio 6.0. */
#if VERSIONVAL < 6000000
static unsigned short avp_type;
#else
static avp_flags_t avp_type;
#endif
static avp_name_t avp_name;
static bool has_avp;

int save_received_configure(char *name)
{
    pv_spec_t spec;
    str text = {name, (int)strlen(name)};
    has_avp = pv_parse_spec(&text, &spec) != NULL && spec.type == PVT_AVP &&
              pv_get_avp_name(NULL, &spec.pvp, &avp_name, &avp_type) == 0;
    if (!has_avp)
        ksr_log(LOG_ERROR, "modparam received_avp: \"%s\" is not an AVP, such as $avp(RECEIVED)", text.s);
    return has_avp ? 0 : -1;
}

static char *value_of_module(const char *module)
{
    modparam_t type;
    char name[] = "received_avp";
    char **value = find_param_export(find_module_by_name((char *)module), name, PARAM_STRING, &type);
    return value != NULL && *value != NULL && **value != '\0' ? *value : NULL;
}

int save_received_take_over(void)
{
    char *value = value_of_module("registrar");
    if (value == NULL)
        value = value_of_module("nathelper");
    return has_avp || value == NULL ? 0 : save_received_configure(value);
}

str save_received(void)
{
    static const str none;
    struct ksr_sip_uri uri;
    int_str value = {0};
    if (!has_avp || search_first_avp(avp_type | AVP_VAL_STR, avp_name, &value, NULL) == NULL || value.s.len <= 0)
        return none;
    if (value.s.len <= RECEIVED_MOST && parse_uri(value.s.s, value.s.len, &uri) == 0 && !uri_has_host_name(&uri))
        return value.s;
    ksr_log(LOG_WARNING, "the AVP of received_avp is ignored: \"%.*s\" is not a SIP URI with an IP address",
            value.s.len, value.s.s);
    return none;
}
