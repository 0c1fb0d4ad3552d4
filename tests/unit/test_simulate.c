// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <unistd.h>

#include "cli/cli.h"

struct run {
    int status;
    char *out, *err;
    size_t out_length, err_length;
};

/* Words with spaces between, as in a shell. */
static struct run run_line(const char *line)
{
    struct run run = {0};
    char copy[1024], *argv[64] = {0}, *rest = NULL;
    int argc = 0;
    struct cli cli = {.in = stdin,
                      .out = open_memstream(&run.out, &run.out_length),
                      .err = open_memstream(&run.err, &run.err_length)};
    assert_true(snprintf(copy, sizeof copy, "reflow simulate %s", line) < (int)sizeof copy);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    run.status = cli_run(&cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    return run;
}

static void run_destroy(struct run *run)
{
    free(run->out);
    free(run->err);
}

static void test_help_fits_80_columns(void **unused)
{
    (void)unused;
    struct run run = run_line("--help");
    assert_int_equal(run.status, CLI_OK);
    assert_non_null(strstr(run.out, "Usage: reflow simulate"));
    for (const char *line = run.out; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
    run_destroy(&run);
}

static void test_what_makes_no_sense_is_told_in_one_line(void **unused)
{
    (void)unused;
    static const char *const lines[][2] = {
        {"--agents", "a value is missing after option '--agents' (see reflow simulate --help)"},
        {"--agents -1", "--agents takes a number from 0 to 10000000, not '-1'"},
        {"--agents 1e6", "--agents takes a number from 0 to 10000000, not '1e6'"},
        {"--agents 10000001", "--agents takes a number from 0 to 10000000, not '10000001'"},
        {"--edges 0", "--edges takes a number from 1 to 10000, not '0'"},
        {"--flows 9", "--flows takes a number from 1 to 8, not '9'"},
        {"--step 0", "--step takes a number from 1 to 604800, not '0'"},
        {"--duration 0", "--duration takes a number from 1 to 604800, not '0'"},
        {"--seed 99999999999999999999", "--seed takes a number from 0 to 4294967295, not '99999999999999999999'"},
        {"--capacity=", "--capacity takes a number from 0 to 1000000000, not ''"},
        {"--flows 3 --edges 2", "3 flows over different edges, but --edges is 2"},
        {"--at 60 --duration 60", "--at 60 is not before the end, --duration 60"},
        {"--fail all", "--fail takes edge or region, not 'all'"},
        {"--strategy rfc,", "unknown strategy '' (see reflow simulate --help)"},
        {"--strategy fixed:0", "unknown strategy 'fixed:0' (see reflow simulate --help)"},
        {"--strategy rfc,fixed:1,rfc", "strategy 'rfc' is there twice"},
        {"--strategy fixed:1,fixed:2,fixed:3,fixed:4,fixed:5,fixed:6,fixed:7,fixed:8,rfc", "more than 8 strategies"},
        {"--strategy rfc,paced,fixed:1,fixed:2 --svg x", "a plot shows 3 strategies at most"},
        {"--csv x --svg x", "--csv and --svg name the same file"},
        {"--sideways", "unknown option '--sideways' (see reflow simulate --help)"},
        {"now", "'now' is one argument too many (see reflow simulate --help)"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char told[256];
        struct run run = run_line(lines[i][0]);
        snprintf(told, sizeof told, "reflow simulate: %s\n", lines[i][1]);
        assert_string_equal(run.err, told);
        assert_string_equal(run.out, "");
        assert_int_equal(run.status, CLI_USAGE);
        run_destroy(&run);
    }
}

static void test_files_that_cannot_be_written_are_told(void **unused)
{
    (void)unused;
    static const char *const lines[][2] = {
        {"--agents 10 --duration 400 --csv /nowhere/at/all.csv", "/nowhere/at/all.csv: No such file or directory"},
        {"--agents 10 --duration 400 --svg /", "/: Is a directory"},
        {"--agents 10 --duration 400 --csv /dev/full", "/dev/full: No space left on device"},
        {"--agents 10 --duration 400 --svg /dev/full", "/dev/full: No space left on device"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char told[256];
        struct run run = run_line(lines[i][0]);
        snprintf(told, sizeof told, "reflow simulate: %s\n", lines[i][1]);
        assert_string_equal(run.err, told);
        assert_int_equal(run.status, CLI_FAILED);
        run_destroy(&run);
    }
}

struct files {
    char folder[64], csv[80], svg[80];
};

static void files_create(struct files *files)
{
    temporary_path(files->folder, sizeof files->folder, "reflow-simulate-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    snprintf(files->csv, sizeof files->csv, "%s/a.csv", files->folder);
    snprintf(files->svg, sizeof files->svg, "%s/a.svg", files->folder);
}

static void files_destroy(struct files *files)
{
    unlink(files->csv);
    unlink(files->svg);
    rmdir(files->folder);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = calloc(1, 1 << 20);
    assert_true(file != NULL && bytes != NULL);
    assert_true(fread(bytes, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return bytes;
}

/* What it wrote, with these options more. */
static void simulate(const struct files *files, const char *more, char **out, char **csv, char **svg)
{
    char line[512];
    snprintf(line, sizeof line, "--agents 2000 --capacity 20 --duration 900 --csv %s --svg %s %s", files->csv,
             files->svg, more);
    struct run run = run_line(line);
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, CLI_OK);
    *out = run.out;
    free(run.err);
    *csv = read_file(files->csv);
    *svg = read_file(files->svg);
}

static void test_the_same_seed_gives_the_same_bytes_and_another_does_not(void **unused)
{
    (void)unused;
    static const char *const more[] = {"--seed 7", "--seed 7", "--seed 8"};
    struct files files;
    char *out[3], *csv[3], *svg[3];
    files_create(&files);
    for (int i = 0; i < 3; i++)
        simulate(&files, more[i], &out[i], &csv[i], &svg[i]);
    assert_string_equal(out[0], out[1]);
    assert_string_equal(csv[0], csv[1]);
    assert_string_equal(svg[0], svg[1]);
    assert_string_not_equal(csv[0], csv[2]);
    for (int i = 0; i < 3; i++) {
        free(out[i]);
        free(csv[i]);
        free(svg[i]);
    }
    files_destroy(&files);
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        found++;
    return found;
}

static void test_summary_csv_and_plot_tell_of_each_strategy(void **unused)
{
    (void)unused;
    struct files files;
    char *out, *csv, *svg;
    files_create(&files);
    simulate(&files, "--strategy rfc,fixed:30,paced --step 60", &out, &csv, &svg);
    assert_non_null(strstr(out, "2,000 user agents, 2 flows each over 10 edges: the region dies at 300 s for 60 s\n"));
    for (const char *line = out; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
    assert_int_equal(count(out, "\nrfc ") + count(out, "\nfixed:30 ") + count(out, "\npaced "), 3);
    assert_int_equal(count(csv, "\n"), 1 + 3 * 15);
    assert_int_equal(count(csv, "\npaced,"), 15);
    assert_non_null(strstr(csv, "\nrfc,300,0.000,0.000,0.000,0.000,100.000,0.000,0.000,0.000000,4000,0,0\n"));
    assert_non_null(strstr(csv, "\nrfc,360,"));
    assert_int_equal(count(svg, "<tspan class=\"name\">"), 3);
    assert_int_equal(count(svg, "class=\"outage\""), 4);
    assert_int_equal(count(svg, "<text"), count(svg, "</text>"));
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    assert_string_equal(svg + strlen(svg) - 7, "</svg>\n");
    free(out);
    free(csv);
    free(svg);
    files_destroy(&files);
}

static void test_nobody_at_all_and_one_edge(void **unused)
{
    (void)unused;
    static const char *const lines[] = {
        "--agents 0 --calls-per-second 0 --svg /dev/null", "--agents 1 --edges 1 --duration 301 --svg /dev/null",
        "--agents 0 --at 0 --duration 1 --down 0 --csv /dev/null",
        "--agents 5 --edges 1 --capacity 0 --fail edge --at 0 --down 700 --duration 500 --svg /dev/null"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct run run = run_line(lines[i]);
        assert_string_equal(run.err, "");
        assert_int_equal(run.status, CLI_OK);
        assert_int_equal(count(run.out, "\n"), 6);
        assert_int_equal(count(run.out, "not yet"), i % 2 == 1 ? 4 : 0);
        run_destroy(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_fits_80_columns),
        cmocka_unit_test(test_what_makes_no_sense_is_told_in_one_line),
        cmocka_unit_test(test_files_that_cannot_be_written_are_told),
        cmocka_unit_test(test_the_same_seed_gives_the_same_bytes_and_another_does_not),
        cmocka_unit_test(test_summary_csv_and_plot_tell_of_each_strategy),
        cmocka_unit_test(test_nobody_at_all_and_one_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
