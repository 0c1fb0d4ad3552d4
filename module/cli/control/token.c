// SPDX-License-Identifier: BSD-2-Clause
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/base/arguments.h"
#include "base/address_text.h"
#include "base/plain_host.h"
#include "flow/token.h"

/* `reflow token inspect`: decodes a token that an operator has found in a trace. */

static const struct option options[] = {{"keys", "FILE", "the edge's keys, as given to serve --token-keys"}};

static int print_help(struct cli *cli)
{
    fputs("Usage: reflow token inspect TOKEN --keys FILE\n\n"
          "Decodes a flow token (the user part of an edge's Path or Record-Route) and\n"
          "verifies that one of these keys made it. Exit status 0: genuine; 1: not.\n\n",
          cli->out);
    arguments_help(cli->out, options, 1);
    return CLI_OK;
}

static void print_address(FILE *out, const char *what, const struct token_flow *flow, const uint8_t *address,
                          uint16_t port)
{
    char text[ADDRESS_TEXT_MOST];
    address_text(address, flow->address_length, port, text, sizeof text);
    fprintf(out, "%-11s %s\n", what, text);
}

static void print_flow(FILE *out, const struct token_flow *flow)
{
    fprintf(out, "%-11s %s\n", "transport", transport_word(flow->transport));
    print_address(out, "edge", flow, flow->local, flow->local_port);
    print_address(out, "user agent", flow, flow->remote, flow->remote_port);
    fprintf(out, "%-11s %" PRIu64 " of run %08" PRIx32 "\n", "connection", flow->connection, flow->run);
}

/* "<sip:TOKEN@host;lr>" and "sip:TOKEN@host" are accepted as well. */
static struct text token_of(const char *word)
{
    const char *colon = strchr(word, ':');
    const char *start = colon != NULL ? colon + 1 : word;
    return (struct text){start, strcspn(start, "@>")};
}

static int inspect(struct cli *cli, const char *word, const char *path)
{
    char error[320];
    struct token_keys *keys;
    struct token_flow flow;
    struct text token = token_of(word);
    struct host host = plain_host();
    if (access(path, F_OK) != 0)
        return cli_usage(cli, "token", "%s: no such file", path);
    if (token_keys_open(&keys, &host, path, error, sizeof error) != 0)
        return cli_usage(cli, "token", "%s", error);
    enum token_verdict verdict = token_read(keys, token, &flow);
    token_keys_close(keys);
    if (token_key_id(token) == 0)
        return cli_usage(cli, "token", "'%.*s' does not have the form of a flow token", (int)token.length, token.at);
    fprintf(cli->out, "%-11s %s\n%-11s %u\n", "seal", token_verdict_name(verdict), "key", token_key_id(token));
    if (verdict != TOKEN_GOOD)
        return CLI_FAILED;
    print_flow(cli->out, &flow);
    return CLI_OK;
}

int command_token(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = 1};
    const char *words[2] = {NULL, NULL}, *path = NULL, *value;
    size_t index, count = 0;
    enum argument argument;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_HELP)
            return print_help(cli);
        if (argument == ARGUMENT_BAD)
            return CLI_USAGE;
        if (argument == ARGUMENT_OPTION)
            path = value;
        else if (count < 2)
            words[count++] = value;
        else
            return cli_usage(cli, "token", "'%s' is one argument too many (see reflow token --help)", value);
    }
    if (count < 2 || strcmp(words[0], "inspect") != 0)
        return cli_usage(cli, "token", "expected: inspect TOKEN (see reflow token --help)");
    if (path == NULL)
        return cli_usage(cli, "token", "--keys FILE is missing");
    return inspect(cli, words[1], path);
}
