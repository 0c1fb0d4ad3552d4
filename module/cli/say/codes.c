// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/arguments.h"
#include "cli/base/json.h"
#include "core/code.h"

enum form { FORM_TABLE, FORM_TSV, FORM_JSON };

static const struct option options[] = {
    {"tsv", NULL, "code, phrase, reference; tabs between, phrases as IANA lists them"},
    {"json", NULL, "an array of objects"},
};

enum { OPTIONS = sizeof options / sizeof options[0] };

/* IANA adds a mark to the phrase of the deprecated code, which nobody sends. */
static const char *registry_phrase(const struct code *code)
{
    return code->number == SIP_ACCEPTED ? "Accepted (Deprecated)" : code->phrase;
}

static void print_json(FILE *out, const struct code *code, bool last)
{
    fprintf(out, "  {\"code\": %u, \"name\": ", code->number);
    json_string(out, text_of(code->name));
    fputs(", \"phrase\": ", out);
    json_string(out, text_of(code->phrase));
    fprintf(out, ", \"class\": %u, \"reference\": ", code->class);
    json_string(out, text_of(code->reference));
    fputs(last ? "}\n" : "},\n", out);
}

static void print_code(FILE *out, enum form form, const struct code *code, bool last)
{
    if (form == FORM_JSON)
        print_json(out, code, last);
    else if (form == FORM_TSV)
        fprintf(out, "%u\t%s\t%s\n", code->number, registry_phrase(code), code->reference);
    else
        fprintf(out, "%u  %-42s %s\n", code->number, registry_phrase(code), code->reference);
}

static int print_codes(FILE *out, enum form form)
{
    fputs(form == FORM_JSON ? "[\n" : "", out);
    for (size_t i = 0; i < code_count(); i++)
        print_code(out, form, code_at(i), i + 1 == code_count());
    fputs(form == FORM_JSON ? "]\n" : "", out);
    return CLI_OK;
}

int command_codes(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = OPTIONS};
    enum form form = FORM_TABLE;
    enum argument argument;
    const char *value;
    size_t index;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        switch (argument) {
        case ARGUMENT_OPTION:
            if (form == (index == 0 ? FORM_JSON : FORM_TSV))
                return cli_usage(cli, argv[0], "--tsv and --json exclude each other");
            form = index == 0 ? FORM_TSV : FORM_JSON;
            break;
        case ARGUMENT_HELP:
            fputs("Usage: reflow codes [--tsv|--json]\n\nList the registered SIP response codes.\n\n", cli->out);
            arguments_help(cli->out, options, OPTIONS);
            return CLI_OK;
        case ARGUMENT_PLAIN:
            return cli_usage(cli, argv[0], "'%s' is one argument too many (see reflow codes --help)", value);
        default:
            return CLI_USAGE;
        }
    }
    return print_codes(cli->out, form);
}
