// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/embedded.h"

#include <string.h>

/* symbol, and path below lua/reflow without ".lua"; a new source needs only a row here. */
#define SOURCES(SOURCE)                                                                                                \
    SOURCE(explain, "explain")                                                                                         \
    SOURCE(layout, "layout")                                                                                           \
    SOURCE(ladder, "ladder")                                                                                           \
    SOURCE(ladder_words, "ladder_words")                                                                               \
    SOURCE(scan, "scan")                                                                                               \
    SOURCE(site_scenes, "site/scenes")                                                                                 \
    SOURCE(site_scenes_agents, "site/scenes/agents")                                                                   \
    SOURCE(site_scenes_credentials, "site/scenes/credentials")                                                         \
    SOURCE(site_scenes_edges, "site/scenes/edges")                                                                     \
    SOURCE(site_scenes_flows, "site/scenes/flows")                                                                     \
    SOURCE(site_scenes_forks, "site/scenes/forks")                                                                     \
    SOURCE(site_scenes_network, "site/scenes/network")                                                                 \
    SOURCE(site_scenes_refusals, "site/scenes/refusals")                                                               \
    SOURCE(site_scenes_registrations, "site/scenes/registrations")                                                     \
    SOURCE(site_scenes_retries, "site/scenes/retries")                                                                 \
    SOURCE(site_scenes_routing, "site/scenes/routing")                                                                 \
    SOURCE(site_scenes_servers, "site/scenes/servers")                                                                 \
    SOURCE(site_scenes_success, "site/scenes/success")                                                                 \
    SOURCE(site_scenes_watch, "site/scenes/watch")                                                                     \
    SOURCE(site_scenes_without, "site/scenes/without")                                                                 \
    SOURCE(site_behaviour, "site/behaviour")                                                                           \
    SOURCE(site_code, "site/code")                                                                                     \
    SOURCE(site_contrast, "site/contrast")                                                                             \
    SOURCE(site_data, "site/data")                                                                                     \
    SOURCE(site_decide, "site/decide")                                                                                 \
    SOURCE(site_decide_script, "site/decide_script")                                                                   \
    SOURCE(site_html, "site/html")                                                                                     \
    SOURCE(site_json, "site/json")                                                                                     \
    SOURCE(site_page, "site/page")                                                                                     \
    SOURCE(site_pair, "site/pair")                                                                                     \
    SOURCE(site_pictures, "site/pictures")                                                                             \
    SOURCE(site_reach, "site/reach")                                                                                   \
    SOURCE(site_references, "site/references")                                                                         \
    SOURCE(site_rule, "site/rule")                                                                                     \
    SOURCE(site_search, "site/search")                                                                                 \
    SOURCE(site_site, "site/site")                                                                                     \
    SOURCE(site_start, "site/start")                                                                                   \
    SOURCE(site_style, "site/style")                                                                                   \
    SOURCE(spec, "spec")                                                                                               \
    SOURCE(spec_actors, "spec_actors")                                                                                 \
    SOURCE(spec_uac, "spec_uac")                                                                                       \
    SOURCE(traits, "traits")                                                                                           \
    SOURCE(ua, "ua")                                                                                                   \
    SOURCE(ua_digest, "ua/digest")                                                                                     \
    SOURCE(ua_message, "ua/message")                                                                                   \
    SOURCE(ua_server, "ua/server")                                                                                     \
    SOURCE(ua_stun, "ua/stun")                                                                                         \
    SOURCE(ua_transport, "ua/transport")                                                                               \
    SOURCE(en, "catalog/en")                                                                                           \
    SOURCE(en_decide, "catalog/en_decide")                                                                             \
    SOURCE(en_lines, "catalog/en_lines")                                                                               \
    SOURCE(en_pairs, "catalog/en_pairs")                                                                               \
    SOURCE(en_site, "catalog/en_site")                                                                                 \
    SOURCE(en_words, "catalog/en_words")                                                                               \
    SOURCE(es, "catalog/es")                                                                                           \
    SOURCE(es_decide, "catalog/es_decide")                                                                             \
    SOURCE(es_lines, "catalog/es_lines")                                                                               \
    SOURCE(es_pairs, "catalog/es_pairs")                                                                               \
    SOURCE(es_reasons, "catalog/es_reasons")                                                                           \
    SOURCE(es_rules, "catalog/es_rules")                                                                               \
    SOURCE(es_site, "catalog/es_site")                                                                                 \
    SOURCE(es_words, "catalog/es_words")

/* The assembler includes the file; its path begins at the project root, where the compiler runs. The labels are
   local to this object. */
#define CARRY(symbol, path)                                                                                            \
    __asm__(".section .rodata\n"                                                                                       \
            "embedded_" #symbol "_start:\n"                                                                            \
            ".incbin \"lua/reflow/" path ".lua\"\n"                                                                    \
            "embedded_" #symbol "_end:\n"                                                                              \
            ".byte 0\n"                                                                                                \
            ".previous\n");                                                                                            \
    extern const char embedded_##symbol##_start[] __attribute__((visibility("hidden")));                               \
    extern const char embedded_##symbol##_end[] __attribute__((visibility("hidden")));

SOURCES(CARRY)

/* A length is the difference of two labels, which is not a constant in C, so it is computed when it is needed. */
static const struct {
    const char *name, *start, *end;
} sources[] = {
#define ROW(symbol, path) {path, embedded_##symbol##_start, embedded_##symbol##_end},
    SOURCES(ROW)
#undef ROW
};

size_t embedded_count(void)
{
    return sizeof sources / sizeof sources[0];
}

struct embedded embedded_at(size_t index)
{
    if (index >= embedded_count())
        return (struct embedded){0};
    return (struct embedded){.name = sources[index].name,
                             .start = sources[index].start,
                             .length = (size_t)(sources[index].end - sources[index].start)};
}

bool embedded_find(const char *name, struct embedded *out)
{
    for (size_t i = 0; i < embedded_count(); i++) {
        if (strcmp(sources[i].name, name) == 0) {
            *out = embedded_at(i);
            return true;
        }
    }
    return false;
}
