// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_ENGINE_H
#define REFLOW_SCRIPT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/decide.h"
#include "core/facts.h"
#include "core/text.h"
#include "script/base/blame.h"
#include "script/base/hook.h"
#include "script/sources/sources.h"
#include "script/store/store.h"
#include "sip/message.h"

/*
 * One version of a policy: a Lua state of its own, under limits, with the hooks that it has registered. Versions are
 * reference-counted: a call holds the version with which it began, and a reload loads a new one separately. Every entry
 * into Lua is protected, and its result is an enum on which the host switches. One thread at a time for each script.
 */

struct script;
struct tenants;

struct script_limits {
    uint32_t time_ms;     /* per entry; 0: 20 */
    uint32_t load_ms;     /* for loading; 0: 1000 */
    size_t memory;        /* bytes of the site's layers of one version; 0: 8 MiB */
    size_t tenant_memory; /* bytes of the layers of one tenant of one version; 0: 4 MiB */
    size_t source;        /* bytes of the script file; 0: 1 MiB */
};

struct script_counters {
    uint64_t entries, errors, overruns, memory;
};

/*
 * Reads and runs a script (text only, never bytecode) in a new state with the sip_ globals. Returns 0 and *out with one
 * reference; or -ENOENT and similar if the file cannot be read, -EFBIG, -EINVAL for a syntax or run-time error, -ETIME,
 * -ENOMEM, or -EBUSY if the process uses SIGVTALRM for something else (watch.h). `error` then has file, line and reason
 * in one line. The old version is not affected. Names in hooks that look misspelt are logged as warnings.
 */
int script_new(struct script **out, const struct host *host, const struct script_limits *limits, const char *path,
               char *error, size_t error_size);
/* The same from sources that were read before. Each hook belongs to the layer of its file. `store` is sip.store;
   NULL: a store of the version's own. */
struct script_config {
    const struct host *host;
    struct script_limits limits;
    struct store *store;
    const struct tenants
        *tenants; /* the stores of the tenants; NULL, or a tenant without one: a store of the version's own */
    const char *no_credentials; /* why on_credentials is refused, in a host that never calls it; NULL: it is allowed */
};
int script_new_of(struct script **out, const struct script_config *config, struct sources *sources, char *error,
                  size_t error_size);
struct sources *script_sources(const struct script *script); /* borrowed */

/* Data that the script hands to its next version: sip.save(function() return data end) and
   sip.restore(function(data, schema) ... end). The blob is in the host's memory; free it with script_saved_free(). A
   script without save() gives an empty blob. If restore() returns false or fails, the version is refused (-ECANCELED
   with `error`). */
int script_save(struct script *script, struct text *blob, char *error, size_t error_size);
int script_restore(struct script *script, struct text blob, char *error, size_t error_size);
void script_saved_free(struct script *script, struct text blob);

/* For display: the hooks that a response with this code (0: a request with `method`) for an AOR passes, in order,
   with layer, file, line, selector, priority, failure mode, and whether the circuit breaker has turned the hook off.
   visit returns false to stop. */
struct script_hook_info {
    struct text layer, place; /* "base/10-trunks.lua:12" */
    struct text selector;     /* "486", "4xx", "*", "INVITE" */
    int32_t layer_priority, priority;
    struct text on_error; /* "core", "previous", "503" */
    bool off;
    uint64_t entries, failures;
    uint8_t hook;          /* enum hook */
    uint16_t code;         /* HOOK_RESPONSE: the first that it is for; else 0 */
    struct text method;    /* HOOK_REQUEST: empty for all */
    const char *tenant;    /* "": the site's */
    uint16_t registration; /* hooks of one call of sip_on_response() and the like have the same number in a part */
};
int script_explain(struct script *script, enum hook hook, uint32_t code, enum method method, struct text aor,
                   bool (*visit)(void *context, const struct script_hook_info *info), void *context);

/*
 * The parts of a version. Part 0 has the layers of the site, the others those of one tenant each. Every part has its
 * own Lua state and limits. A problem of one part does not affect the others: a new version is then made from the old
 * one by replacing this part.
 */
struct script_part_info {
    const char *tenant; /* "": the site's */
    uint64_t hash;      /* of the names and bytes of its layers */
    struct sources *sources;
    uint64_t layers; /* bit set of the layers in the sources */
    struct script_counters counters;
    size_t bytes;           /* of memory */
    uint64_t lines_dropped; /* lines of its log that exceeded its share */
    bool spent;             /* it ran out of memory and must be rebuilt */
    uint64_t rebuilt_ms;    /* host ms when it was last rebuilt; 0: never */
};
size_t script_part_count(const struct script *script);
void script_part_info(const struct script *script, size_t index, struct script_part_info *info);
size_t script_part_find(const struct script *script, const char *tenant); /* the number of parts if there is none */
bool script_has_part(const struct script *script, size_t index,
                     const struct script *other); /* whether they share this part */

/* Sets *out to the script with the donor's part for this tenant; -ENOENT if the donor has none, -ENOMEM. */
int script_take_part(struct script **out, const struct script *script, size_t index, const struct script *donor);
/* Sets *out to the script with this part rebuilt from its sources; the part is no longer spent, even after a
   failure. Errors as in script_new_of(). */
int script_rebuild_part(struct script **out, const struct script *script, size_t index,
                        const struct script_config *config, char *error, size_t error_size);

/* The failures that count for automatic rollback; the policy counts them for each part. */
struct script_window {
    uint32_t entries, failures;
    struct blame blame; /* the sources whose overruns are included in `failures` */
};
struct script_window *script_window(const struct script *script, size_t index);

/* The parts that the last entry passed: the site's at 0, a tenant's at 1. */
struct script_last {
    size_t tenant;  /* index of the tenant's part; 0: none */
    bool ran[2];    /* hooks of it were asked */
    bool failed[2]; /* the outcome is a failure of that part */
    /* The gravest failure of a hook, also where another hook or a refusal (on_error) had the verdict: SCRIPT_ERROR,
       SCRIPT_OVERRUN, SCRIPT_MEMORY, or SCRIPT_DEFAULT where none failed. */
    enum script_outcome failure;
};
const struct script_last *script_last(const struct script *script);

/* The same for every hook that was registered, in no order. */
void script_each_hook(const struct script *script, bool (*visit)(void *context, const struct script_hook_info *info),
                      void *context);

struct script *script_hold(struct script *script);
void script_release(struct script *script); /* NULL is fine; the last one closes the state */

const char *script_path(const struct script *script);
uint64_t script_hash(const struct script *script); /* of the source bytes */
bool script_has_hook(const struct script *script, enum hook hook);
/* Whether any hook is asked for this response: no search, so that hosts need not gather what nobody reads. */
bool script_hears(const struct script *script, const struct facts *facts);
void script_counters(const struct script *script, struct script_counters *counters);

/* Enter the hooks. A request or response hook is chosen by its selector, the most specific first (a code before a
   range, before "4xx", before "*"; a method before none), later registrations before earlier ones of the same kind. A
   hook that returns nothing, or false, lets the next one have its say, and after the last the core decides. */
enum script_outcome script_on_request(struct script *script, const struct script_call *call,
                                      struct script_verdict *verdict);
enum script_outcome script_on_register(struct script *script, const struct script_call *call,
                                       struct script_verdict *verdict);
enum script_outcome script_on_response(struct script *script, const struct script_call *call,
                                       const struct script_reply *reply, const struct decision *decision,
                                       struct script_verdict *verdict);
enum script_outcome script_on_exhausted(struct script *script, const struct script_call *call,
                                        const struct script_reply *best, struct script_verdict *verdict);
/* Asks for HA1. SCRIPT_VERDICT: *ha1 is set; SCRIPT_NO_HOOK or SCRIPT_DEFAULT: there is no such user; a failure: it is
   not known. Tenants' hooks are asked for their own realm. */
enum script_outcome script_on_credentials(struct script *script, const struct script_credentials *credentials,
                                          char ha1[DIGEST_HEX_MOST]);
void script_on_flow(struct script *script, enum hook hook, const struct script_flow *flow);

/* Collect garbage a little; hosts call it when idle. */
void script_idle(struct script *script);

#endif
