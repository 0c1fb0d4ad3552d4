// SPDX-License-Identifier: BSD-2-Clause
#include "replay_run.h"

#include <unistd.h>

#include "cli/cli.h"
#include "test.h"

enum { FILES_MOST = 16 };

static char directory[64], paths[FILES_MOST][128];
static size_t path_count;

const char *replay_file_make(const char *name, const void *bytes, size_t length)
{
    if (directory[0] == '\0') {
        temporary_path(directory, sizeof directory, "reflow-replay-XXXXXX");
        assert_non_null(mkdtemp(directory));
    }
    assert_true(path_count < FILES_MOST);
    char *path = paths[path_count++];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}

const char *replay_file_text(const char *name, const char *text)
{
    return replay_file_make(name, text, strlen(text));
}

void replay_files_remove(void)
{
    while (path_count > 0)
        unlink(paths[--path_count]);
    if (directory[0] != '\0')
        rmdir(directory);
    directory[0] = '\0';
}

struct replay_run replay_run(const char *const *arguments)
{
    return replay_run_from(stdin, arguments);
}

struct replay_run replay_run_from(FILE *in, const char *const *arguments)
{
    struct replay_run run = {0};
    char *argv[16] = {(char *)(uintptr_t) "reflow", (char *)(uintptr_t) "replay"};
    int argc = 2;
    size_t out_length, err_length;
    struct cli cli = {
        .in = in, .out = open_memstream(&run.out, &out_length), .err = open_memstream(&run.err, &err_length)};
    assert_true(cli.out != NULL && cli.err != NULL);
    for (; *arguments != NULL; arguments++)
        argv[argc++] = (char *)(uintptr_t)*arguments;
    assert_true(argc < 16);
    run.status = cli_run(&cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    if (in != stdin)
        fclose(in);
    return run;
}

void replay_run_destroy(struct replay_run *run)
{
    free(run->out);
    free(run->err);
}

size_t sip_write(char *out, size_t size, const struct sip_words *words)
{
    char via[128] = "";
    const char *cseq = words->cseq != NULL ? words->cseq : "1 INVITE";
    if (words->branch != NULL)
        snprintf(via, sizeof via, "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK%s\r\n", words->branch);
    int length = snprintf(out, size,
                          "%s\r\n"
                          "%s"
                          "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKcaller%.1s\r\n"
                          "From: Alice <sip:alice@example.org>;tag=a\r\n"
                          "To: <sip:15551234@example.com>%s%s\r\n"
                          "Call-ID: %s\r\n"
                          "CSeq: %s\r\n"
                          "%s"
                          "Content-Length: 0\r\n"
                          "\r\n",
                          words->start, via, cseq, words->to_tag != NULL ? ";tag=" : "",
                          words->to_tag != NULL ? words->to_tag : "", words->call != NULL ? words->call : "c1@host",
                          cseq, words->more != NULL ? words->more : "");
    assert_true(length > 0 && (size_t)length < size);
    return (size_t)length;
}
