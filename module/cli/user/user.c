// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "cli/base/arguments.h"
#include "cli/user/password.h"
#include "standalone/auth/users_file.h"

/* `reflow user`: the users file of `reflow serve --users`. */

enum { OPTION_USERS, OPTION_CASE_SENSITIVE, OPTIONS };

static const struct option options[OPTIONS] = {
    [OPTION_USERS] = {"users", "FILE", "the file of serve --users; add creates it"},
    [OPTION_CASE_SENSITIVE] = {"case-sensitive", NULL, "for serve --case-sensitive: Bob and bob are two users"}};

enum action { ACTION_ADD, ACTION_REMOVE, ACTION_PASSWD, ACTION_LIST, ACTIONS };

static const struct {
    const char *name;
    enum users_access access;
} actions[ACTIONS] = {[ACTION_ADD] = {"add", USERS_CREATE},
                      [ACTION_REMOVE] = {"remove", USERS_CHANGE},
                      [ACTION_PASSWD] = {"passwd", USERS_CHANGE},
                      [ACTION_LIST] = {"list", USERS_READ}};

struct request {
    struct cli *cli;
    enum action action;
    const char *path;
    bool case_sensitive;
    char aor[USERS_AOR_SIZE];
    sqlite3 *database;
};

static int print_help(struct cli *cli)
{
    fputs("Usage: reflow user add|remove|passwd AOR --users FILE\n"
          "       reflow user list --users FILE\n\n"
          "Adds or removes a user of reflow serve --users, changes the password, or lists\n"
          "the users. AOR is USER@DOMAIN. The password is asked for twice at the terminal;\n"
          "otherwise it is the one line of standard input. The file keeps hashes, never\n"
          "the password. A running server uses each change at once. Exit status 1: the\n"
          "user to be added exists, or there is no such user.\n\n",
          cli->out);
    arguments_help(cli->out, options, OPTIONS);
    return CLI_OK;
}

/* The user, not the command line or the file, is the reason. */
static int refuse_user(const struct request *request, const char *why)
{
    cli_usage(request->cli, "user", "%s: %s", request->aor, why);
    return CLI_FAILED;
}

static int refuse_file(const struct request *request, const char *why)
{
    return cli_usage(request->cli, "user", "%s: %s", request->path, why);
}

static int conclude(const struct request *request, int result, const char *why)
{
    if (result == 0)
        return CLI_OK;
    return result == -EEXIST || result == -ENOENT ? refuse_user(request, why) : refuse_file(request, why);
}

static int change_password(const struct request *request, const struct users_secrets *secrets)
{
    char why[300];
    int result = request->action == ACTION_ADD
                     ? users_file_add(request->database, request->aor, secrets, why, sizeof why)
                     : users_file_replace(request->database, request->aor, secrets, why, sizeof why);
    return conclude(request, result, why);
}

static int with_password(const struct request *request)
{
    char buffer[PASSWORD_SIZE];
    struct text password;
    struct users_secrets secrets;
    int status = CLI_USAGE;
    const char *why = password_read(request->cli, buffer, &password);
    if (why == NULL && users_secrets_create(&secrets, request->aor, password) != 0)
        why = "OpenSSL does not offer MD5, SHA-256 and SHA-512/256";
    if (why != NULL)
        cli_usage(request->cli, "user", "%s", why);
    else
        status = change_password(request, &secrets);
    explicit_bzero(buffer, sizeof buffer);
    explicit_bzero(&secrets, sizeof secrets);
    return status;
}

/* The server takes both for one user, and does not start with them. */
static int check_twin(const struct request *request)
{
    char why[USERS_AOR_SIZE + 300];
    struct users_twins twins;
    int has = users_file_find_twins(request->database, request->aor, &twins, why, sizeof why);
    if (has < 0)
        return refuse_file(request, why);
    if (has == 0)
        return CLI_OK;
    snprintf(why, sizeof why, "it differs only in case from %s; see --case-sensitive", twins.second);
    return refuse_user(request, why);
}

/* Before the password is asked for. */
static int check_user(const struct request *request)
{
    char why[300];
    int has = users_file_has(request->database, request->aor, why, sizeof why);
    if (has < 0)
        return refuse_file(request, why);
    if (has == 1 && request->action == ACTION_ADD)
        return refuse_user(request, "this user exists; reflow user passwd changes the password");
    if (has == 0 && request->action == ACTION_PASSWD)
        return refuse_user(request, "there is no such user");
    return request->action == ACTION_ADD && !request->case_sensitive ? check_twin(request) : CLI_OK;
}

static void print_user(void *context, const char *aor)
{
    fprintf(context, "%s\n", aor);
}

static int act(const struct request *request)
{
    char why[300];
    if (request->action == ACTION_LIST) {
        int result = users_file_list(request->database, print_user, request->cli->out, why, sizeof why);
        return result == 0 ? CLI_OK : refuse_file(request, why);
    }
    if (request->action == ACTION_REMOVE)
        return conclude(request, users_file_remove(request->database, request->aor, why, sizeof why), why);
    int status = check_user(request);
    return status == CLI_OK ? with_password(request) : status;
}

static int run(struct request *request)
{
    char why[300];
    int result = users_file_open(&request->database, request->path, actions[request->action].access, USERS_LOCK_MS, why,
                                 sizeof why);
    if (result == -ENOENT && request->action != ACTION_ADD)
        return cli_usage(request->cli, "user", "%s: %s; reflow user add creates it", request->path, why);
    if (result != 0)
        return refuse_file(request, why);
    int status = act(request);
    sqlite3_close(request->database);
    return status;
}

static bool find_action(const char *word, enum action *action)
{
    for (int i = 0; word != NULL && i < ACTIONS; i++) {
        *action = (enum action)i;
        if (strcmp(word, actions[i].name) == 0)
            return true;
    }
    return false;
}

static int check(struct request *request, const char *const words[2], size_t count)
{
    struct cli *cli = request->cli;
    if (!find_action(count > 0 ? words[0] : NULL, &request->action))
        return cli_usage(cli, "user", "expected: add, remove, passwd or list (see reflow user --help)");
    const char *action = actions[request->action].name;
    if (request->action == ACTION_LIST && count > 1)
        return cli_usage(cli, "user", "'%s' is one argument too many (see reflow user --help)", words[1]);
    if (request->action != ACTION_LIST && count < 2)
        return cli_usage(cli, "user", "expected: %s AOR (see reflow user --help)", action);
    if (request->path == NULL || request->path[0] == '\0')
        return cli_usage(cli, "user", "--users FILE is missing");
    const char *why = count == 2 ? users_aor_read(text_of(words[1]), request->aor) : NULL;
    return why != NULL ? cli_usage(cli, "user", "'%s': %s", words[1], why) : run(request);
}

int command_user(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = OPTIONS};
    struct request request = {.cli = cli};
    const char *words[2] = {NULL, NULL}, *value;
    size_t index, count = 0;
    enum argument argument;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_HELP)
            return print_help(cli);
        if (argument == ARGUMENT_BAD)
            return CLI_USAGE;
        if (argument == ARGUMENT_OPTION && index == OPTION_CASE_SENSITIVE)
            request.case_sensitive = true;
        else if (argument == ARGUMENT_OPTION)
            request.path = value;
        else if (count < 2)
            words[count++] = value;
        else
            return cli_usage(cli, "user",
                             "one argument too many; the password is read from the terminal or standard input");
    }
    return check(&request, words, count);
}
