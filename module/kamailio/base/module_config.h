// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_MODULE_CONFIG_H
#define REFLOW_KAMAILIO_MODULE_CONFIG_H

#include "kamailio/base/ksr.h"

#include "script/policy/layer_option.h"
#include "sip/message.h"

/* What the configuration says, and the interfaces of other modules: read at start, never changed afterwards. */

/* The values of the registrar module's min_expires_mode. Refused: with 423. */
enum { EXPIRES_LENGTHENED, EXPIRES_REFUSED };

struct module_config {
    char *policy;                /* file or folder of the base layer; NULL: no policy */
    struct layer_options layers; /* `policy` first, then `layer` and `tenant` in their order */
    char *policy_last_good;      /* file of the last version that was taken into use; NULL: none is kept */
    int policy_time_ms;          /* of one hook, 1 to 1000 */
    int policy_load_ms;          /* of loading a version, 1 to 60000 */
    int policy_memory;           /* KiB of one version in one process, 256 to 1048576 */
    int tenant_memory;           /* KiB of the layers of one tenant, likewise */
    int tenant_store;            /* entries in the store of one tenant, 1 to TENANT_KEYS_MOST */
    char *route_keys;            /* file of the keys that seal Record-Route; NULL: token_keys, or of this run */
    char *token_keys;            /* file of the keys of flow tokens; NULL: tokens are the outbound module's */
    int token_rotate;            /* s, age at which the key that signs tokens is replaced; 0: never */
    int rest_silent;             /* s that a silent destination is tried last; 0: never */
    int flow_timer;              /* s, Flow-Timer of a 2xx to an outbound REGISTER, 0 (none) to 3600 */
    int expires_default;         /* s */
    int expires_least;           /* s; for shorter ones see the next */
    int expires_least_mode;      /* EXPIRES_LENGTHENED or EXPIRES_REFUSED */
    int expires_most;            /* s; longer is cut */
    int contact_names;           /* 1: bindings may be called by host names, which Kamailio looks up; 0: they may not */
    int check_callers;           /* 1: a policy sends only requests of users and trunks to anything but bindings */
    int method_filtering;        /* 1: bindings that do not allow the method are left out */
    int aor_case;                /* enum aor_case: parameter case_sensitive */
    int contacts_most;           /* of one AOR, 1 to 64 */
    str event_callback;          /* KEMI: the function that is called in place of the event routes; empty: none */
    int transactions_most;       /* client transactions at a time; 0: no limit, as below */
    int source_transactions_most; /* ... of one source */
    int bytes_most;               /* of their requests */
    int source_bytes_most;
    int reserve_percent;         /* of shared memory: below it no forking begins and no binding is made, 0 to 90 */
    int bindings_percent;        /* of shared memory for the bindings of all sources, 0 (no limit) to 100 */
    int source_bindings_percent; /* ... of one source */
    int poll_ms; /* how often connections are looked at where no event tells of closed ones, 5 to 60000 */
};

extern struct module_config module_config;

extern struct tm_binds tmb;
extern usrloc_api_t ul;          /* zeroed where usrloc is not loaded (an edge) */
extern sl_api_t slb;             /* zeroed where sl is not loaded */
extern ob_api_t ob;              /* by flow_token_bind(); zeroed where outbound is not loaded */
extern bool module_removes_lost; /* usrloc's handle_lost_tcp: a binding ends with its connection */
extern int module_matching;      /* usrloc's matching_mode, which has the values of enum registrar_matching */
extern bool module_has_usrloc, module_has_outbound;

/* The value of a parameter of another module, which has one of these types; NULL: the module is not loaded, or has no
   such parameter. */
void *module_parameter(char *module, char *name, modparam_t types);

#endif
