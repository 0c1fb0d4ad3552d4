// SPDX-License-Identifier: BSD-2-Clause
#include "core/reaction.h"

/* The names of one list, bounds-checked. */
#define REACTION_NAME(kind, word, name) [kind##_##word] = (name),
#define REACTION_NAMES(function, type, list, count)                                                                    \
    const char *function(enum type reaction)                                                                           \
    {                                                                                                                  \
        static const char *const names[count] = {list(REACTION_NAME)};                                                 \
        return (unsigned)reaction < (count) ? names[reaction] : "?";                                                   \
    }

REACTION_NAMES(proxy_reaction_name, proxy_reaction, PROXY_REACTIONS, PROXY_REACTION_COUNT)
REACTION_NAMES(uac_reaction_name, uac_reaction, UAC_REACTIONS, UAC_REACTION_COUNT)
REACTION_NAMES(invite_reaction_name, invite_reaction, INVITE_REACTIONS, INVITE_REACTION_COUNT)
REACTION_NAMES(register_reaction_name, register_reaction, REGISTER_REACTIONS, REGISTER_REACTION_COUNT)
REACTION_NAMES(subscription_reaction_name, subscription_reaction, SUBSCRIPTION_REACTIONS, SUBSCRIPTION_REACTION_COUNT)
REACTION_NAMES(usage_reaction_name, usage_reaction, USAGE_REACTIONS, USAGE_REACTION_COUNT)
REACTION_NAMES(retry_after_reaction_name, retry_after_reaction, RETRY_AFTER_REACTIONS, RETRY_AFTER_REACTION_COUNT)
REACTION_NAMES(best_rank_name, best_rank, BEST_RANKS, BEST_RANK_COUNT)
