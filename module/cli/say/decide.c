// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/plain_host.h"
#include "cli/say/decide_input.h"
#include "cli/say/decide_print.h"
#include "core/decide.h"
#include "sip/message.h"

enum {
    OPTIONS_MAX = 64, /* more than the number of members, and --json */
    INPUT_MAX = 65536 + 1
};

/* The options in argv. They are applied after the message was read, so that they override it. */
struct request {
    bool json, help, has_code;
    uint32_t code;
    size_t given; /* options, in order */
    size_t index[OPTIONS_MAX];
    const char *value[OPTIONS_MAX];
};

static void print_help(FILE *out, const struct option *options, size_t count)
{
    fputs("Usage: reflow decide [OPTIONS] CODE\n"
          "       reflow decide [OPTIONS] < RESPONSE\n"
          "       reflow decide --origin timeout|transport|flow_down [OPTIONS]\n\n"
          "Prints what a SIP element does with a response: the core's decision and its\n"
          "rule. Without CODE, the SIP response on standard input gives the code, the\n"
          "method and the facts in its header fields; options override them.\n\n",
          out);
    arguments_help(out, options, count);
}

static int take_code(struct cli *cli, struct request *request, const char *value)
{
    uint64_t number;
    if (request->has_code)
        return cli_usage(cli, "decide", "'%s' is one argument too many (see reflow decide --help)", value);
    if (!argument_number(value, UINT32_MAX, &number))
        return cli_usage(cli, "decide", "'%s' is not a response code", value);
    request->has_code = true;
    request->code = (uint32_t)number;
    return CLI_OK;
}

static int take_option(struct cli *cli, struct request *request, size_t index, const char *value)
{
    if (request->given == OPTIONS_MAX)
        return cli_usage(cli, "decide", "more than %d options", OPTIONS_MAX);
    request->index[request->given] = index;
    request->value[request->given++] = value;
    return CLI_OK;
}

static int read_arguments(struct cli *cli, int argc, char **argv, const struct option *options, size_t count,
                          struct request *request)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = count};
    enum argument argument;
    const char *value;
    size_t index;
    int status = CLI_OK;
    while (status == CLI_OK && (argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_HELP) {
            request->help = true;
            return CLI_OK;
        }
        if (argument == ARGUMENT_PLAIN)
            status = take_code(cli, request, value);
        else if (argument == ARGUMENT_OPTION && index + 1 == count)
            request->json = true;
        else if (argument == ARGUMENT_OPTION)
            status = take_option(cli, request, index, value);
        else
            status = CLI_USAGE;
    }
    return status;
}

/* Text from a terminal or an editor has bare line feeds and perhaps no empty line at its end. It is completed, but
   only if there is no carriage return at all. `out` has two bytes for each one of `in`, and four more. */
static size_t to_wire(const char *in, size_t length, char *out)
{
    if (memchr(in, '\r', length) != NULL) {
        memcpy(out, in, length);
        return length;
    }
    size_t written = 0;
    for (size_t i = 0; i < length; i++) {
        if (in[i] == '\n')
            out[written++] = '\r';
        out[written++] = in[i];
    }
    bool ended = memmem(out, written, "\r\n\r\n", 4) != NULL;
    while (!ended && written > 0) {
        memcpy(out + written, "\r\n", 2);
        written += 2;
        ended = written >= 4 && memcmp(out + written - 4, "\r\n\r\n", 4) == 0;
    }
    return written;
}

static int read_response(struct cli *cli, const char *bytes, size_t length, struct facts *facts)
{
    struct sip_fault fault = {0};
    struct sip_message *message = NULL;
    struct host host = plain_host();
    int error = sip_message_new(&message, &host, bytes, length, &(struct sip_limits){0}, &fault);
    int status = CLI_OK;
    if (error == -ENOMEM) {
        cli_usage(cli, "decide", "out of memory");
        status = CLI_FAILED;
    } else if (error != 0) {
        status = cli_usage(cli, "decide", "standard input, byte %u: %s%s%s", (unsigned)fault.offset,
                           fault.header != NULL ? fault.header : "", fault.header != NULL ? ": " : "", fault.what);
    } else if (sip_is_request(message)) {
        status = cli_usage(cli, "decide", "standard input: a request, not a response");
    } else {
        sip_facts(message, facts);
    }
    sip_message_delete(message);
    return status;
}

static int read_input(struct cli *cli, struct facts *facts)
{
    int descriptor = fileno(cli->in);
    if (descriptor >= 0 && isatty(descriptor))
        return cli_usage(cli, "decide", "a CODE is missing, or a SIP response on standard input (see --help)");
    int status = CLI_FAILED;
    char *bytes = malloc(INPUT_MAX);
    char *wire = malloc(2 * INPUT_MAX + 4);
    if (bytes == NULL || wire == NULL) {
        cli_usage(cli, "decide", "out of memory");
        goto out;
    }
    size_t length = fread(bytes, 1, INPUT_MAX, cli->in);
    if (ferror(cli->in))
        status = cli_usage(cli, "decide", "standard input: %s", strerror(errno));
    else if (length == 0)
        status = cli_usage(cli, "decide", "standard input is empty: give a CODE or a SIP response");
    else
        status = read_response(cli, wire, to_wire(bytes, length, wire), facts);
out:
    free(bytes);
    free(wire);
    return status;
}

static int refuse_value(struct cli *cli, const struct option *option, size_t index, const char *value)
{
    uint64_t limit = decide_limit(index);
    if (limit != 0)
        return cli_usage(cli, "decide", "--%s: '%s' is not a number from 0 to %llu", option->name, value,
                         (unsigned long long)limit);
    return cli_usage(cli, "decide", "--%s: '%s' does not fit (%s)", option->name, value, option->help);
}

static int apply(struct cli *cli, const struct request *request, const struct option *options,
                 struct decide_input *input)
{
    for (size_t i = 0; i < request->given; i++) {
        size_t index = request->index[i];
        if (!decide_set(input, index, request->value[i]))
            return refuse_value(cli, &options[index], index, request->value[i]);
    }
    return CLI_OK;
}

static int gather(struct cli *cli, const struct request *request, const struct option *options,
                  struct decide_input *input)
{
    struct decide_input asked = {0};
    int status = apply(cli, request, options, &asked);
    if (status == CLI_OK && request->has_code && asked.facts.origin != ORIGIN_WIRE)
        return cli_usage(cli, "decide", "a code (%u) and --origin %s exclude each other: no response has come",
                         (unsigned)request->code, origin_names[asked.facts.origin]);
    if (status == CLI_OK && !request->has_code && asked.facts.origin == ORIGIN_WIRE)
        status = read_input(cli, &input->facts);
    else
        input->facts.code = request->code;
    return status == CLI_OK ? apply(cli, request, options, input) : status;
}

int command_decide(struct cli *cli, int argc, char **argv)
{
    size_t count;
    const struct option *members = decide_options(&count);
    struct option options[OPTIONS_MAX];
    memcpy(options, members, count * sizeof *members);
    options[count] = (struct option){"json", NULL, "one object"};

    struct request request = {0};
    struct decide_input input = {.facts = {.method = METHOD_INVITE}};
    int status = read_arguments(cli, argc, argv, options, count + 1, &request);
    if (status != CLI_OK)
        return status;
    if (request.help) {
        print_help(cli->out, options, count + 1);
        return CLI_OK;
    }
    status = gather(cli, &request, options, &input);
    if (status != CLI_OK)
        return status;
    struct decision decision = decide(&input.facts, &input.state);
    if (request.json)
        decide_print_json(cli->out, &input, &decision);
    else
        decide_print_text(cli->out, &input, &decision);
    return CLI_OK;
}
