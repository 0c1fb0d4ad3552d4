// SPDX-License-Identifier: BSD-2-Clause
#include "cli/check/check.h"

#include <string.h>

#include "cli/base/arguments.h"
#include "cli/base/json.h"
#include "cli/base/policy_load.h"
#include "core/code.h"

enum { OPTION_JSON, OPTION_LAYER, OPTION_TENANT };

static const struct option options[] = {
    {"json", NULL, "an array of objects, one for each policy"},
    POLICY_OPTIONS,
};

enum {
    OPTIONS = sizeof options / sizeof options[0],
    SHOWN_OF_CLASS = 6,
    METHODS_ENOUGH = 4,
    OF_CLASS = SIP_OK - SIP_TRYING
};

static bool has_code(const struct finding *finding, uint32_t code)
{
    return (finding->codes[code / 8] & 1U << code % 8) != 0;
}

/* --- for people --- */

static unsigned count_class(const struct finding *finding, uint32_t first)
{
    unsigned count = 0;
    for (uint32_t code = first; code < first + OF_CLASS; code++)
        count += has_code(finding, code);
    return count;
}

/* The registered codes, without 100, which policies never see. */
static unsigned codes_of_class(uint32_t first)
{
    unsigned count = 0;
    for (size_t i = 0; i < code_count(); i++)
        count += code_at(i)->number / OF_CLASS == first / OF_CLASS && code_at(i)->number != SIP_TRYING;
    return count;
}

static void print_class(FILE *out, const struct finding *finding, uint32_t first, const char **between)
{
    unsigned count = count_class(finding, first), shown = 0;
    if (count == 0)
        return;
    if (count >= codes_of_class(first)) {
        fprintf(out, "%s%uxx", *between, first / OF_CLASS);
        *between = ", ";
        return;
    }
    for (uint32_t code = first; code < first + OF_CLASS && shown < SHOWN_OF_CLASS; code++) {
        if (!has_code(finding, code))
            continue;
        fprintf(out, "%s%u", *between, code);
        *between = ", ";
        shown++;
    }
    if (count > shown)
        fprintf(out, " and %u more of %uxx", count - shown, first / OF_CLASS);
}

static void print_codes(FILE *out, const struct finding *finding)
{
    const char *between = " on ";
    for (uint32_t first = SIP_TRYING; first < CHECK_CODES; first += OF_CLASS)
        print_class(out, finding, first, &between);
}

static void print_methods(FILE *out, const struct finding *finding)
{
    const char *between = " to ";
    if (__builtin_popcount(finding->methods) >= METHODS_ENOUGH && (finding->methods & 1U << METHOD_INVITE) != 0)
        return; /* all that the hook is called for */
    for (unsigned method = METHOD_OTHER + 1; method < METHOD_COUNT; method++) {
        if ((finding->methods & 1U << method) == 0)
            continue;
        fprintf(out, "%s%s", between, method_name((enum method)method));
        between = ", ";
    }
}

static void print_finding(FILE *out, const struct finding *finding)
{
    if (finding->place[0] != '\0')
        fprintf(out, "%s: ", finding->place);
    fprintf(out, "%s: ", finding_kind_name((enum finding_kind)finding->kind));
    if (finding->verdict[0] != '\0')
        fprintf(out, "%s", finding->verdict);
    else
        fprintf(out, "%s", finding->text);
    print_codes(out, finding);
    print_methods(out, finding);
    if (finding->with[0] != '\0')
        fprintf(out, " with %s", finding->with);
    if (finding->rule != RULE_NONE)
        fprintf(out, " would be refused by rule %s: %s", rule_at(finding->rule)->id, finding->text);
    fputc('\n', out);
}

static void print_text(FILE *out, const char *path, const struct check *check)
{
    for (size_t i = 0; i < check->count; i++)
        print_finding(out, &check->findings[i]);
    if (check->count == 0)
        fprintf(out, "%s: nothing found; hooks were tried %u times\n", path, check->tries);
    else
        fprintf(out, "%s: %zu%s finding%s\n", path, check->count, check->more ? " and more" : "",
                check->count == 1 ? "" : "s");
}

/* --- for programs --- */

static void json_member(FILE *out, const char *name, const char *value)
{
    fprintf(out, ", \"%s\": ", name);
    json_string(out, text_of(value));
}

static void json_codes(FILE *out, const struct finding *finding)
{
    const char *between = ", \"codes\": [";
    for (uint32_t code = SIP_TRYING; code < CHECK_CODES; code++) {
        if (!has_code(finding, code))
            continue;
        fprintf(out, "%s%u", between, code);
        between = ", ";
    }
    fputs(strcmp(between, ", ") == 0 ? "]" : "", out);
}

static void json_methods(FILE *out, const struct finding *finding)
{
    const char *between = ", \"methods\": [";
    for (unsigned method = METHOD_OTHER + 1; method < METHOD_COUNT; method++) {
        if ((finding->methods & 1U << method) == 0)
            continue;
        fprintf(out, "%s\"%s\"", between, method_name((enum method)method));
        between = ", ";
    }
    fputs(strcmp(between, ", ") == 0 ? "]" : "", out);
}

static void json_finding(FILE *out, const struct finding *finding)
{
    fputs("{\"kind\": ", out);
    json_string(out, text_of(finding_kind_name((enum finding_kind)finding->kind)));
    if (finding->place[0] != '\0')
        json_member(out, "place", finding->place);
    if (finding->verdict[0] != '\0')
        json_member(out, "verdict", finding->verdict);
    if (finding->with[0] != '\0')
        json_member(out, "with", finding->with);
    if (finding->rule != RULE_NONE)
        json_member(out, "rule", rule_at(finding->rule)->id);
    json_codes(out, finding);
    json_methods(out, finding);
    json_member(out, "text", finding->text);
    fputc('}', out);
}

static void print_json(FILE *out, const char *path, const struct check *check)
{
    fputs("  {\"policy\": ", out);
    json_string(out, text_of(path));
    fprintf(out, ", \"tries\": %u, \"more\": %s, \"findings\": [", check->tries, check->more ? "true" : "false");
    for (size_t i = 0; i < check->count; i++) {
        fputs(i > 0 ? ",\n    " : "\n    ", out);
        json_finding(out, &check->findings[i]);
    }
    fputs("]}", out);
}

/* --- */

struct job {
    struct cli *cli;
    bool json;
    struct layer_options layers;
    size_t checked;
    int status;
};

/* If a policy cannot be read, the others are checked nevertheless. */
static void check_one(struct job *job, const char *path)
{
    char error[600] = "";
    struct check check;
    FILE *out = job->cli->out;
    if (check_policy(&check, &job->layers, path, error, sizeof error) != 0) {
        job->status = cli_usage(job->cli, "check", "%s", error);
    } else {
        if (job->json)
            fputs(job->checked > 0 ? ",\n" : "[\n", out);
        (job->json ? print_json : print_text)(out, path, &check);
        job->checked++;
        if (check.count > 0 && job->status == CLI_OK)
            job->status = CLI_FAILED;
    }
    check_destroy(&check);
}

static int print_help(FILE *out)
{
    fputs("Usage: reflow check [OPTIONS] FILE|DIR...\n\n"
          "Look for what is wrong with a policy before it runs: what does not compile or\n"
          "load within the limits, names and fields that do not exist, verdicts that are\n"
          "not returned, hooks that are never asked, that fail or overrun, and verdicts that\n"
          "a guardrail would refuse. Every hook is run on every response code, with what it\n"
          "can see varied, and with the AORs, numbers and header values that the policy\n"
          "compares with. A folder is one policy.\n"
          "Exit status: 0 nothing found, 1 findings, 2 it cannot be read.\n\n",
          out);
    arguments_help(out, options, OPTIONS);
    return CLI_OK;
}

int command_check(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = OPTIONS};
    struct job job = {.cli = cli};
    enum argument argument;
    const char *value;
    size_t index, count = 0;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_OPTION && index == OPTION_JSON)
            job.json = true;
        else if (argument == ARGUMENT_OPTION &&
                 policy_option(cli, argv[0], &job.layers, options[index].name, value) != CLI_OK)
            return CLI_USAGE;
        else if (argument == ARGUMENT_OPTION)
            continue;
        else if (argument == ARGUMENT_PLAIN)
            argv[++count] = (char *)(uintptr_t)value; /* those that were read make room */
        else if (argument == ARGUMENT_HELP)
            return print_help(cli->out);
        else
            return CLI_USAGE;
    }
    if (count == 0)
        return cli_usage(cli, argv[0], "a file or folder is missing (see reflow check --help)");
    for (size_t i = 0; i < count; i++)
        check_one(&job, argv[i + 1]);
    if (job.json)
        fputs(job.checked > 0 ? "\n]\n" : "[]\n", cli->out);
    return job.status;
}
