// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * supervise SECONDS RESULT PROGRAM [ARGUMENT...]: runs one test program and leaves nothing of it behind.
 *
 * The program gets a session of its own and a TMPDIR of its own. Its output goes to RESULT.tap and RESULT.err. When it
 * has ended, RESULT.rc holds its status (124: it ran into the time limit; 128 + N: signal N), RESULT.ms the time that
 * it took, and RESULT.left one line for each process and each file that it left. Those processes are killed and those
 * files are removed. This process is the subreaper of all that the program starts, so that a daemon is found, too.
 *
 * For tests of it: REFLOW_TEST_GRACE is the time in ms that processes have to end by themselves.
 */

enum { GRACE_MS = 10000, LOOK_MS = 20, TEMPORARY_MOST = 24, TIME_LIMIT = 124 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

__attribute__((noreturn)) static void give_up(const char *what)
{
    fprintf(stderr, "supervise: %s: %s\n", what, strerror(errno));
    exit(1);
}

static FILE *result_open(const char *result, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%s", result, ending);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        give_up(path);
    return file;
}

static void result_write(const char *result, const char *ending, unsigned long number)
{
    FILE *file = result_open(result, ending);
    fprintf(file, "%lu\n", number);
    fclose(file);
}

/* Paths of local sockets have at most 107 bytes, and tests put such sockets below TMPDIR. */
static void temporary_make(char *path, size_t size)
{
    const char *above = getenv("TMPDIR");
    if (above == NULL || above[0] != '/' || strlen(above) > TEMPORARY_MOST)
        above = "/tmp";
    snprintf(path, size, "%s/reflow-XXXXXX", above);
    if (mkdtemp(path) == NULL || setenv("TMPDIR", path, 1) != 0)
        give_up(path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

/* Removes the folder with all that is in it; each entry of it becomes a line of `left`, where that is not NULL. */
static void temporary_remove(const char *path, FILE *left)
{
    DIR *folder = left != NULL ? opendir(path) : NULL;
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            fprintf(left, "file %s/%s\n", path, entry->d_name);
    if (folder != NULL)
        closedir(folder);
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((noreturn)) static void program_execute(const char *result, char **argv, const sigset_t *mask)
{
    int in = open("/dev/null", O_RDONLY);
    if (in < 0)
        give_up("/dev/null");
    dup2(in, 0);
    dup2(fileno(result_open(result, "tap")), 1);
    dup2(fileno(result_open(result, "err")), 2);
    setsid();
    sigprocmask(SIG_SETMASK, mask, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[0], argv);
    give_up(argv[0]);
}

static int parent_of(int pid)
{
    char path[64], line[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t length = fread(line, 1, sizeof line - 1, file);
    line[length] = '\0';
    fclose(file);
    /* The name of the program is in parentheses and may hold some. */
    const char *name_end = strrchr(line, ')');
    return name_end != NULL && sscanf(name_end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static void children_each(void (*visit)(int pid, void *context), void *context)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && parent_of(pid) == getpid())
            visit(pid, context);
    }
    if (folder != NULL)
        closedir(folder);
}

static void child_kill(int pid, void *context)
{
    (void)context;
    kill(pid, SIGKILL);
}

static void child_tell(int pid, void *context)
{
    char path[64], line[200];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    FILE *command = fopen(path, "re");
    size_t length = command != NULL ? fread(line, 1, sizeof line, command) : 0;
    if (command != NULL)
        fclose(command);
    for (size_t i = 0; i < length; i++)
        line[i] = line[i] >= ' ' ? line[i] : ' ';
    fprintf((FILE *)context, "process %d: %.*s\n", pid, (int)length, line);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Reaps what has ended. Returns false when there is no child any more; *status is that of `program`, once it has ended.
 */
static bool children_reap(pid_t program, bool *ended, int *status)
{
    int each;
    pid_t pid;
    while ((pid = waitpid(-1, &each, WNOHANG)) > 0)
        if (pid == program) {
            *ended = true;
            *status = each;
        }
    return pid == 0;
}

static uint64_t grace_ms(void)
{
    const char *given = getenv("REFLOW_TEST_GRACE");
    return given != NULL ? strtoull(given, NULL, 10) : GRACE_MS;
}

/* What still ends by itself is not left behind: a server that its test has told to end may take a moment. left: NULL
   where they are killed at once and not reported. */
static void children_end(FILE *left)
{
    bool ended = true;
    int status;
    uint64_t end = now_ms() + (left != NULL ? grace_ms() : 0);
    while (children_reap(0, &ended, &status) && !interrupted && now_ms() < end)
        pause_ms(LOOK_MS);
    if (left != NULL && !interrupted)
        children_each(child_tell, left);
    while (children_reap(0, &ended, &status)) {
        children_each(child_kill, NULL);
        pause_ms(LOOK_MS);
    }
}

static unsigned long exit_status(int status, bool late)
{
    if (late)
        return TIME_LIMIT;
    return WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 128U + (unsigned)WTERMSIG(status);
}

static unsigned long program_run(const char *result, char **argv, uint64_t limit_ms, FILE *left)
{
    uint64_t begin = now_ms();
    bool ended = false, late = false;
    int status = 0;
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    pid_t program = fork();
    if (program < 0)
        give_up("fork");
    if (program == 0)
        program_execute(result, argv, &mask);
    for (; children_reap(program, &ended, &status) && !ended; pause_ms(LOOK_MS)) {
        late = late || now_ms() - begin > limit_ms;
        if (late || interrupted)
            kill(program, SIGKILL);
    }
    result_write(result, "ms", (unsigned long)(now_ms() - begin));
    children_end(late ? NULL : left);
    return exit_status(status, late);
}

int main(int argc, char **argv)
{
    char temporary[PATH_MAX];
    if (argc < 4) {
        fprintf(stderr, "supervise SECONDS RESULT PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    for (size_t i = 0; i < 3; i++)
        sigaction((const int[]){SIGINT, SIGTERM, SIGHUP}[i], &(struct sigaction){.sa_handler = on_signal}, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    temporary_make(temporary, sizeof temporary);
    FILE *left = result_open(argv[2], "left");
    unsigned long status = program_run(argv[2], argv + 3, strtoull(argv[1], NULL, 10) * 1000, left);
    temporary_remove(temporary, left);
    fclose(left);
    result_write(argv[2], "rc", status);
    return interrupted ? 128 + interrupted : 0;
}
