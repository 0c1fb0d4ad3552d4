// SPDX-License-Identifier: BSD-2-Clause
#include "cli/test/policy_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/base/arguments.h"
#include "base/plain_host.h"
#include "cli/base/policy_load.h"
#include "cli/test/pictures.h"
#include "cli/test/spec_files.h"
#include "script/coverage/coverage.h"

enum {
    OPTION_POLICY,
    OPTION_INSIDE,
    OPTION_ONLY,
    OPTION_SECONDS,
    OPTION_TAP,
    OPTION_NO_COVERAGE,
    OPTION_SVG,
    OPTION_LANG,
    OPTION_LAYER,
    OPTION_TENANT,
    OPTIONS
};

enum { MISSING_MOST = 30 }; /* more of them would not help */

static const struct option options[OPTIONS] = {
    {"policy", "PATH", "test this, whatever the specs name"},
    {"inside", "DIR", "refuse specs and policies that lie outside of this folder"},
    {"only", "WORD", "run tests that have the word in their name"},
    {"seconds", "N", "what one test may compute for (10)"},
    {"tap", NULL, "print what other programs read"},
    {"no-coverage", NULL, "don't count which hooks, lines and branches ran"},
    {"svg", "DIR", "draw each test as a SIP ladder, in a file of that folder"},
    {"lang", "LANG", "language of the labels in these pictures: en or es (en)"},
    POLICY_OPTIONS,
};

struct job {
    struct cli *cli;
    struct spec_files files;
    struct policy_test test;
    struct layer_options layers;
    struct pictures *pictures; /* NULL: none are drawn */
    const char *pictures_folder, *language;
    bool tap;
    size_t number, passed, failed;
    bool broken; /* something could not be run */
    struct host host;
    struct coverage *coverage; /* NULL: not counted */
};

static void print_lines(FILE *out, const char *prefix, const char *text)
{
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", prefix, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_failure(const struct job *job, const struct policy_test_result *result)
{
    FILE *out = job->cli->out;
    const char *prefix = job->tap ? "# " : "        ";
    print_lines(out, prefix, result->message);
    if (result->ladder != NULL && result->ladder[0] != '\0') {
        fprintf(out, "%s%s\n", job->tap ? "#" : "", job->tap ? " what happened:" : "        what happened:");
        print_lines(out, prefix, result->ladder);
    }
}

/* A # would begin a directive there. */
static void print_tap_name(FILE *out, const char *name)
{
    for (; *name != '\0'; name++)
        fputc(*name == '#' || (unsigned char)*name < ' ' ? ' ' : *name, out);
    fputc('\n', out);
}

static void tell(struct job *job, const struct policy_test_result *result)
{
    FILE *out = job->cli->out;
    job->number++;
    *(result->passed ? &job->passed : &job->failed) += 1;
    if (job->tap) {
        fprintf(out, "%sok %zu - %s: ", result->passed ? "" : "not ", job->number, job->test.path);
        print_tap_name(out, result->name);
    } else {
        fprintf(out, "  %-4s  %s\n", result->passed ? "ok" : "FAIL", result->name);
    }
    if (!result->passed)
        print_failure(job, result);
    fflush(out);
}

static void tell_broken(struct job *job, const struct policy_test_result *result)
{
    job->broken = true;
    if (job->tap)
        fprintf(job->cli->out, "# %s cannot be run: %s\n", job->test.path, result->message);
    if (policy_place_length(result->message) > 0)
        fprintf(job->cli->err, "%s\n", result->message);
    else
        fprintf(job->cli->err, "reflow test: %s: %s\n", job->test.path, result->message);
}

/* A spec whose tests are all commented out must not pass for one that proves something. */
static void tell_empty(struct job *job)
{
    job->number++;
    job->failed++;
    if (job->tap)
        fprintf(job->cli->out, "not ok %zu - ", job->number);
    fprintf(job->cli->out, "%s:1: there are no tests in this spec\n", job->test.path);
}

static int run_test(struct job *job, size_t index)
{
    struct policy_test_result result;
    int error = policy_test_run(&job->test, index, &result);
    if (error == 0 && result.unloadable)
        tell_broken(job, &result);
    else if (error == 0 && result.ran)
        tell(job, &result);
    if (error == 0 && job->pictures != NULL && result.picture != NULL)
        error = pictures_write(job->pictures, job->test.path, result.name, result.picture);
    policy_test_result_destroy(&result);
    return error;
}

static int run_file(struct job *job, const char *path)
{
    struct policy_test_result result;
    job->test.path = path;
    struct policy_test reading = job->test;
    if (reading.only != NULL)
        reading.using = NULL; /* perhaps no test of this file is selected */
    int error = policy_test_run(&reading, 0, &result);
    size_t selected = result.unloadable ? 0 : result.selected;
    if (error == 0 && result.unloadable) {
        tell_broken(job, &result);
    } else if (error == 0 && result.count == 0) {
        tell_empty(job);
    } else if (!job->tap) {
        fprintf(job->cli->out, "%s\n", path);
    }
    policy_test_result_destroy(&result);
    for (size_t index = 1; error == 0 && index <= selected; index++)
        error = run_test(job, index);
    return error;
}

/* --- coverage --- */

static void watch(void *context, struct script *script)
{
    struct job *job = context;
    if (job->coverage != NULL && coverage_watch(job->coverage, script) == -ENOTSUP) {
        coverage_delete(job->coverage);
        job->coverage = NULL;
    }
}

struct missing {
    FILE *out;
    const char *prefix;
    unsigned first, last; /* consecutive lines that are not printed yet */
    unsigned told;
};

static void tell_lines(struct missing *missing)
{
    if (missing->first == 0)
        return;
    if (missing->first == missing->last)
        fprintf(missing->out, "%s    line %u never ran\n", missing->prefix, missing->first);
    else
        fprintf(missing->out, "%s    lines %u to %u never ran\n", missing->prefix, missing->first, missing->last);
    missing->first = 0;
}

static bool tell_missing(void *context, unsigned line, int to)
{
    struct missing *missing = context;
    if (to < 0 && missing->first != 0 && line <= missing->last + 2) {
        missing->last = line;
        return true;
    }
    tell_lines(missing);
    if (missing->told++ == MISSING_MOST)
        return false;
    if (to < 0)
        missing->first = missing->last = line;
    else if (to == 0)
        fprintf(missing->out, "%s    line %u never returned\n", missing->prefix, line);
    else
        fprintf(missing->out, "%s    line %u never went on to line %d\n", missing->prefix, line, to);
    return true;
}

static void tell_coverage(const struct job *job)
{
    struct coverage_file file;
    struct missing missing = {.out = job->cli->out, .prefix = job->tap ? "# " : ""};
    for (size_t i = 0; job->coverage != NULL && coverage_file(job->coverage, i, &file); i++) {
        fprintf(missing.out, "%s%s: %u of %u hooks, %u of %u lines, %u of %u branches\n", missing.prefix, file.name,
                file.hooks_run, file.hooks, file.lines_run, file.lines, file.branches_run, file.branches);
        missing.told = 0;
        coverage_missing(job->coverage, i, tell_missing, &missing);
        tell_lines(&missing);
    }
}

static int report_error(const struct job *job, int error)
{
    if (error == -ENOMEM)
        return cli_usage(job->cli, "test", "not enough memory");
    return cli_usage(job->cli, "test", "cannot write %s: %s", pictures_path(job->pictures), strerror(-error));
}

static int run_all(struct job *job)
{
    for (size_t i = 0; i < job->files.count; i++) {
        int error = run_file(job, job->files.paths[i]);
        if (error != 0)
            return report_error(job, error);
    }
    tell_coverage(job);
    if (job->tap)
        fprintf(job->cli->out, "1..%zu\n", job->number);
    else
        fprintf(job->cli->out, "%zu passed, %zu failed\n", job->passed, job->failed);
    if (job->broken)
        return CLI_USAGE;
    if (job->test.only != NULL && job->number == 0) {
        cli_usage(job->cli, "test", "--only %s: no test has this in its name", job->test.only);
        return CLI_FAILED;
    }
    return job->failed > 0 ? CLI_FAILED : CLI_OK;
}

static int run_counted(struct job *job)
{
    job->test.context = job;
    job->test.layers = &job->layers;
    if (job->pictures_folder != NULL) {
        int error = pictures_new(&job->pictures, job->pictures_folder);
        if (error != 0)
            return cli_usage(job->cli, "test", "--svg %s: %s", job->pictures_folder, strerror(-error));
        job->test.pictures = job->language;
    }
    if (job->test.using != NULL && coverage_new(&job->coverage, &job->host) != 0)
        job->coverage = NULL;
    int status = run_all(job);
    coverage_delete(job->coverage);
    pictures_delete(job->pictures);
    return status;
}

/* Reported here, because the spec that is run first has no part in it. */
static int take_layer(struct job *job, const char *name, const char *value)
{
    int status = policy_option(job->cli, "test", &job->layers, name, value);
    if (status != CLI_OK)
        return status;
    const char *path = job->layers.layers[job->layers.count - 1].path;
    return access(path, F_OK) == 0 ? CLI_OK : cli_usage(job->cli, "test", "%s: %s", path, strerror(errno));
}

static int take_option(struct job *job, size_t index, const char *value)
{
    uint64_t number;
    switch (index) {
    case OPTION_POLICY:
        if (access(value, F_OK) != 0)
            return cli_usage(job->cli, "test", "--policy %s: %s", value, strerror(errno));
        job->test.policy = value;
        break;
    case OPTION_INSIDE:
        if (!path_is_folder(value))
            return cli_usage(job->cli, "test", "--inside %s: %s", value,
                             strerror(access(value, F_OK) != 0 ? errno : ENOTDIR));
        job->test.inside = value;
        break;
    case OPTION_ONLY:
        job->test.only = value;
        break;
    case OPTION_SECONDS:
        if (!argument_number(value, 3600, &number) || number == 0)
            return cli_usage(job->cli, "test", "'%s' is not a number of seconds from 1 to 3600", value);
        job->test.seconds = (uint32_t)number;
        break;
    case OPTION_TAP:
        job->tap = true;
        break;
    case OPTION_NO_COVERAGE:
        job->test.using = NULL;
        break;
    case OPTION_SVG:
        job->pictures_folder = value;
        break;
    case OPTION_LANG:
        if (strcmp(value, "en") != 0 && strcmp(value, "es") != 0)
            return cli_usage(job->cli, "test", "--lang %s: the languages are en and es", value);
        job->language = value;
        break;
    default:
        return take_layer(job, options[index].name, value);
    }
    return CLI_OK;
}

static int take_path(struct job *job, const char *path)
{
    int error = spec_files_add(&job->files, path);
    if (error == -ENOENT && path_is_folder(path))
        return cli_usage(job->cli, "test", "%s: no specs there: neither spec/*.lua nor *_spec.lua", path);
    if (error != 0)
        return cli_usage(job->cli, "test", "%s: %s", path, strerror(-error));
    return CLI_OK;
}

static int print_help(FILE *out)
{
    fputs("Usage: reflow test [OPTIONS] DIR|FILE...\n\n"
          "Runs the specs of policies: DIR/spec/*.lua, DIR/*_spec.lua, or one file. Each\n"
          "test has its own server, clock and version of the policy. spec/x.lua tests the\n"
          "file x.lua beside spec/, or the whole folder if there is no such file.\n"
          "With --svg, DIR/SPEC-TEST.svg shows the messages, flows and decisions of each\n"
          "test, also of one that fails.\n"
          "Exit status: 0 all passed; 1 some failed, a spec has no tests, or --only fits\n"
          "none; 2 they could not be run.\n\n",
          out);
    arguments_help(out, options, OPTIONS);
    return CLI_OK;
}

int command_test(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = OPTIONS};
    struct job job = {.cli = cli, .test = {.seconds = 10, .using = watch}, .host = plain_host(), .language = "en"};
    enum argument argument;
    const char *value;
    size_t index;
    int status = CLI_OK;
    while (status == CLI_OK && (argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_OPTION)
            status = take_option(&job, index, value);
        else if (argument == ARGUMENT_PLAIN)
            status = take_path(&job, value);
        else if (argument == ARGUMENT_BAD)
            status = CLI_USAGE;
        else
            break;
    }
    if (status == CLI_OK && argument == ARGUMENT_HELP)
        print_help(cli->out);
    else if (status == CLI_OK && job.files.count == 0)
        status = cli_usage(cli, argv[0], "a folder or file is missing (see reflow test --help)");
    else if (status == CLI_OK)
        status = run_counted(&job);
    spec_files_destroy(&job.files);
    return status;
}
