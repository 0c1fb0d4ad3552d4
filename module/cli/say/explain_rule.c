// SPDX-License-Identifier: BSD-2-Clause
#include "cli/say/explain_rule.h"

#include <ctype.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "cli/base/json.h"
#include "cli/say/rule_tests.h"
#include "core/rule.h"
#include "script/base/embedded.h"

static const struct language {
    const char *name, *guardrail, *standard, *reference, *section, *tests, *no_tests;
} languages[] = {
    {"en", "guardrail: no policy can override it", "default: a policy can change it", "Reference", "section",
     "Tests that prove it", "No test names this rule."},
    {"es", "obligatoria: ninguna política puede anularla", "predeterminada: una política puede cambiarla", "Referencia",
     "sección", "Pruebas que la demuestran", "Ninguna prueba nombra esta regla."},
};

static const struct language *language_find(const char *name)
{
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        if (name == NULL || strcmp(languages[i].name, name) == 0)
            return &languages[i];
    }
    return NULL;
}

/* "5626-7.c" is of RFC 5626, section 7; "code-423" is of no section. */
static bool read_reference(const char *id, char *out, size_t size, const char *section)
{
    const char *hyphen = strchr(id, '-'), *dot = strrchr(id, '.');
    if (!isdigit((unsigned char)id[0]) || hyphen == NULL)
        return false;
    int length = snprintf(out, size, "RFC %.*s", (int)(hyphen - id), id);
    if (dot != NULL)
        snprintf(out + length, size - (size_t)length, ", %s %.*s", section, (int)(dot - hyphen - 1), hyphen + 1);
    return true;
}

/* --- the line in other languages: catalog/LANGUAGE_rules, a table by id --- */

struct line {
    const char *id, *language;
    char text[512];
};

static int load_line(lua_State *L)
{
    struct line *line = lua_touserdata(L, 1);
    struct embedded source;
    char name[32];
    snprintf(name, sizeof name, "catalog/%s_rules", line->language);
    if (!embedded_find(name, &source) || luaL_loadbufferx(L, source.start, source.length, name, "t") != LUA_OK)
        return luaL_error(L, "no texts of rules");
    lua_call(L, 0, 1);
    lua_getfield(L, -1, line->id);
    snprintf(line->text, sizeof line->text, "%s", luaL_checkstring(L, -1));
    return 0;
}

static bool read_line(struct line *line)
{
    lua_State *L = luaL_newstate();
    if (L == NULL)
        return false;
    lua_pushcfunction(L, load_line);
    lua_pushlightuserdata(L, line);
    bool found = lua_pcall(L, 1, 0, 0) == LUA_OK;
    lua_close(L);
    return found;
}

/* --- printing --- */

struct listing {
    FILE *out;
    const struct language *language;
    bool json;
    unsigned count;
};

static bool print_test(void *context, const struct rule_test *test)
{
    struct listing *listing = context;
    FILE *out = listing->out;
    if (listing->json) {
        fputs(listing->count++ > 0 ? ", {\"file\": " : "{\"file\": ", out);
        json_string(out, test->file);
        fputs(", \"name\": ", out);
        json_string(out, test->name);
        fputc('}', out);
        return true;
    }
    if (listing->count++ == 0)
        fprintf(out, "\n%s:\n", listing->language->tests);
    fprintf(out, "  %.*s: %.*s\n", (int)test->file.length, test->file.at, (int)test->name.length, test->name.at);
    return true;
}

static void print_text(const struct rule *rule, const char *line, struct listing *listing)
{
    char reference[64];
    FILE *out = listing->out;
    const struct language *language = listing->language;
    fprintf(out, "%s (%s)\n\n  %s\n", rule->id, rule->guardrail ? language->guardrail : language->standard, line);
    if (read_reference(rule->id, reference, sizeof reference, language->section))
        fprintf(out, "\n%s: %s\n", language->reference, reference);
    rule_tests_each(text_of(rule->id), print_test, listing);
    if (listing->count == 0)
        fprintf(out, "\n%s\n", language->no_tests);
}

static void print_json(const struct rule *rule, const char *line, struct listing *listing)
{
    char reference[64];
    FILE *out = listing->out;
    fprintf(out, "{\"rule\": \"%s\", \"guardrail\": %s, \"lang\": \"%s\", \"description\": ", rule->id,
            rule->guardrail ? "true" : "false", listing->language->name);
    json_string(out, text_of(line));
    if (read_reference(rule->id, reference, sizeof reference, "section"))
        fprintf(out, ", \"reference\": \"%s\"", reference);
    fputs(", \"tests\": [", out);
    rule_tests_each(text_of(rule->id), print_test, listing);
    fputs("]}\n", out);
}

int explain_rule(struct cli *cli, const struct rule_question *question)
{
    enum rule_id id = rule_find(question->id);
    struct listing listing = {.out = cli->out, .language = language_find(question->language), .json = question->json};
    struct line line = {.id = question->id};
    if (id == RULE_NONE)
        return cli_usage(cli, "explain", "'%s' is neither a status code from 100 to 699 nor the id of a rule",
                         question->id);
    if (listing.language == NULL)
        return cli_usage(cli, "explain", "no texts in '%s': en or es", question->language);
    line.language = listing.language->name;
    const char *words = rule_at(id)->line;
    if (listing.language != languages && !read_line(&line))
        return cli_usage(cli, "explain", "no text of rule %s in '%s'", question->id, line.language);
    (question->json ? print_json : print_text)(rule_at(id), listing.language != languages ? line.text : words,
                                               &listing);
    return CLI_OK;
}
