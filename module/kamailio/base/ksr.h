// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_KSR_H
#define REFLOW_KAMAILIO_KSR_H

/*
 * Kamailio's headers, for this layer only. Every file includes them first, and through this file. Names that the core
 * has too get a prefix: Kamailio's METHOD_INVITE is KSR_METHOD_INVITE, its struct action ksr_action, its struct sip_uri
 * ksr_sip_uri. The level names of syslog are undefined: lines are logged with ksr_log() (host.h).
 */

/* The name of the module in the log, and for the levels of Kamailio's debugger module. */
#define MOD_NAME "reflow"

#define METHOD_INVITE    KSR_METHOD_INVITE
#define METHOD_ACK       KSR_METHOD_ACK
#define METHOD_BYE       KSR_METHOD_BYE
#define METHOD_CANCEL    KSR_METHOD_CANCEL
#define METHOD_REGISTER  KSR_METHOD_REGISTER
#define METHOD_OPTIONS   KSR_METHOD_OPTIONS
#define METHOD_SUBSCRIBE KSR_METHOD_SUBSCRIBE
#define METHOD_NOTIFY    KSR_METHOD_NOTIFY
#define METHOD_PUBLISH   KSR_METHOD_PUBLISH
#define METHOD_INFO      KSR_METHOD_INFO
#define METHOD_UPDATE    KSR_METHOD_UPDATE
#define METHOD_PRACK     KSR_METHOD_PRACK
#define METHOD_REFER     KSR_METHOD_REFER
#define METHOD_MESSAGE   KSR_METHOD_MESSAGE
#define METHOD_OTHER     KSR_METHOD_OTHER
#define action           ksr_action
#define sip_uri          ksr_sip_uri

#include <core/sr_module.h>

#include <core/cfg/cfg_struct.h>
#include <core/cfg_core.h>
#include <core/data_lump.h>
#include <core/data_lump_rpl.h>
#include <core/dset.h>
#include <core/events.h>
#include <core/fmsg.h>
#include <core/globals.h>
#include <core/kemi.h>
#include <core/mod_fix.h>
#include <core/parser/digest/digest.h>
#include <core/parser/contact/parse_contact.h>
#include <core/parser/parse_content.h>
#include <core/parser/parse_from.h>
#include <core/parser/parse_methods.h>
#include <core/parser/parse_rr.h>
#include <core/parser/parse_supported.h>
#include <core/parser/parse_to.h>
#include <core/parser/parse_uri.h>
#include <core/pt.h>
#include <core/pvapi.h>
#include <core/pvar.h>
#include <core/receive.h>
#include <core/route.h>
#include <core/rpc.h>
#include <core/rpc_lookup.h>
#include <core/script_cb.h>
#include <core/strutils.h>
#include <core/tcp_conn.h>
#include <core/timer_proc.h>
#include <core/trim.h>
#include <core/utils/sruid.h>
#include <core/counters.h>
#include <modules/outbound/api.h>
#include <modules/rr/api.h>
#include <modules/sl/sl.h>
#include <modules/tm/tm_load.h>
#include <modules/usrloc/usrloc.h>
#include <modules/usrloc/udomain.h>

#undef METHOD_INVITE
#undef METHOD_ACK
#undef METHOD_BYE
#undef METHOD_CANCEL
#undef METHOD_REGISTER
#undef METHOD_OPTIONS
#undef METHOD_SUBSCRIBE
#undef METHOD_NOTIFY
#undef METHOD_PUBLISH
#undef METHOD_INFO
#undef METHOD_UPDATE
#undef METHOD_PRACK
#undef METHOD_REFER
#undef METHOD_MESSAGE
#undef METHOD_OTHER
#undef action
#undef sip_uri
#undef LOG_WARNING
#undef LOG_NOTICE
#undef LOG_INFO
#undef LOG_DEBUG

#endif
