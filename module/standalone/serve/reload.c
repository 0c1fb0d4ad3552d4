// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "sip/rewrite.h"

enum { SPECS_MS = 60000, LAST_WORDS_MS = 1000, OUTPUT_MOST = 4000 };

struct reload {
    struct reload_config config;
    struct reload_counters counters;
    uint64_t tried;
    /* Of the one under way. */
    bool busy;
    enum policy_place place;
    uint32_t share;
    reload_done *done;
    void *again;
    struct sip_buffer text;
    struct policy_build *build; /* on libuv's threads */
    uv_work_t work;
    size_t next_layer; /* whose specs come next */
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t limit;
    unsigned open_handles; /* of specs that run */
    int64_t exit_status;
    bool timed_out, exited, output_ended;
    char printed[OUTPUT_MOST];
    size_t printed_length;
};

int reload_new(struct reload **out, const struct reload_config *config)
{
    struct reload *reload = memory_new(config->host, sizeof *reload);
    if (reload == NULL)
        return -ENOMEM;
    reload->config = *config;
    reload->text.host = config->host;
    *out = reload;
    return 0;
}

void reload_delete(struct reload *reload)
{
    if (reload == NULL)
        return;
    if (reload->open_handles > 0)
        uv_process_kill(&reload->process, SIGKILL);
    while (reload->open_handles > 0 || reload->build != NULL)
        uv_run(reload->config.loop, UV_RUN_ONCE);
    sip_buffer_destroy(&reload->text);
    memory_delete(reload->config.host, reload, sizeof *reload);
}

static void say(struct reload *reload, const char *line)
{
    sip_append(&reload->text, text_of(line));
    sip_append(&reload->text, TEXT("\n"));
}

static void log_failure(const struct reload *reload, enum policy_place place, const char *why)
{
    static const char *const what[] = {"policy not reloaded, the active one stays in use", "canary not started",
                                       "shadow not started"};
    char line[1300];
    const struct host *host = reload->config.host;
    snprintf(line, sizeof line, "%s: %s", what[place], why);
    host->log(host->context, LOG_ERROR, line);
}

static void finish(struct reload *reload, int result, const char *why)
{
    char text[8192];
    reload_done *done = reload->done;
    void *again = reload->again;
    snprintf(text, sizeof text, "%.*s", (int)reload->text.length, reload->text.length > 0 ? reload->text.bytes : "");
    reload->counters.taken += result == 0;
    reload->counters.unchanged += result == -EEXIST;
    if (result != 0 && result != -EEXIST) {
        reload->counters.failed++;
        log_failure(reload, reload->place, why);
    }
    reload->busy = false;
    reload->done = NULL;
    if (done != NULL)
        done(again, result, text, why);
}

static void say_done(struct reload *reload, uint64_t version)
{
    char line[128];
    if (reload->place == PLACE_ACTIVE)
        snprintf(line, sizeof line, "version %" PRIu64 " is in use for calls that begin from now on", version);
    else if (reload->place == PLACE_CANARY)
        snprintf(line, sizeof line, "version %" PRIu64 " is the canary and gets %.1f %% of the calls", version,
                 reload->share / 10.0);
    else
        snprintf(line, sizeof line, "version %" PRIu64 " is the shadow: it runs without effect", version);
    say(reload, line);
}

static void commit(struct reload *reload)
{
    static const char *const places[] = {"active", "canary", "shadow"};
    char error[1024] = "", line[160];
    struct policy_version newest;
    int result = policy_commit(reload->config.policy, reload->place, reload->share, error, sizeof error);
    if (result == 0 && policy_history(reload->config.policy, &newest, 1) == 1) {
        snprintf(line, sizeof line, "worker 1: version %" PRIu64 " (%016" PRIx64 ") %s", newest.number, newest.hash,
                 places[reload->place]);
        say(reload, line);
        say_done(reload, newest.number);
    }
    finish(reload, result, error);
}

static void next_specs(struct reload *reload);

static void specs_ended(struct reload *reload)
{
    char why[256];
    if (reload->exit_status == 0) {
        say(reload, "specs: passed");
        next_specs(reload);
        return;
    }
    reload->printed[reload->printed_length] = '\0';
    say(reload, reload->printed);
    snprintf(why, sizeof why,
             reload->timed_out ? "the specs of layer %s took too long" : "the specs of layer %s did not pass",
             reload->config.layers[reload->next_layer - 1].name);
    policy_abort(reload->config.policy, why, false); /* the hash does not cover the specs, and they may be corrected */
    finish(reload, -EINVAL, why);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct reload *reload = handle->data;
    if (--reload->open_handles == 0)
        specs_ended(reload);
}

static void close_handles(struct reload *reload)
{
    uv_close((uv_handle_t *)&reload->process, on_handle_closed);
    uv_close((uv_handle_t *)&reload->output, on_handle_closed);
    uv_close((uv_handle_t *)&reload->limit, on_handle_closed);
}

/* Finished when the process has ended and its whole output was read. */
static void look(struct reload *reload)
{
    if (reload->exited && reload->output_ended)
        close_handles(reload);
}

static void on_exit(uv_process_t *process, int64_t status, int number)
{
    struct reload *reload = process->data;
    reload->exit_status = number != 0 ? 128 + number : status;
    reload->exited = true;
    uv_timer_start(&reload->limit, reload->limit.timer_cb, LAST_WORDS_MS, 0);
    look(reload);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct reload *reload = handle->data;
    (void)suggested;
    size_t room = OUTPUT_MOST - 1 - reload->printed_length;
    /* Beyond the limit the last bytes are overwritten, because the pipe must be read to its end. */
    if (room == 0) {
        reload->printed_length /= 2;
        room = OUTPUT_MOST - 1 - reload->printed_length;
    }
    *buffer = uv_buf_init(reload->printed + reload->printed_length, (unsigned)room);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct reload *reload = stream->data;
    (void)buffer;
    if (count > 0) {
        reload->printed_length += (size_t)count;
    } else if (count < 0) {
        uv_read_stop(stream);
        reload->output_ended = true;
        look(reload);
    }
}

static void on_limit(uv_timer_t *timer)
{
    struct reload *reload = timer->data;
    if (!reload->exited) {
        reload->timed_out = true;
        uv_process_kill(&reload->process, SIGKILL);
    } else if (!reload->output_ended) {
        uv_read_stop((uv_stream_t *)&reload->output);
        reload->output_ended = true;
        look(reload);
    }
}

static void run_specs(struct reload *reload, const char *path)
{
    char *folder = (char *)(size_t)path, inside[sizeof reload->config.layers->path + 16];
    snprintf(inside, sizeof inside, "--inside=%s", path);
    char *arguments[] = {(char *)(size_t)reload->config.program, "test", inside, "--", folder, NULL};
    uv_file ends[2] = {-1, -1};
    uv_pipe_init(reload->config.loop, &reload->output, 0);
    uv_timer_init(reload->config.loop, &reload->limit);
    reload->process.data = reload->output.data = reload->limit.data = reload;
    reload->printed_length = 0;
    reload->timed_out = reload->exited = reload->output_ended = false;
    reload->open_handles = 3;
    uv_timer_start(&reload->limit, on_limit, SPECS_MS, 0);
    /* The results of tests go to standard output, and why a spec cannot be run to standard error: one pipe keeps them
       together. Without a pipe uv_spawn() fails, but prepares the handle, which has to be closed. */
    if (uv_pipe(ends, UV_NONBLOCK_PIPE, 0) == 0)
        uv_pipe_open(&reload->output, ends[0]);
    uv_stdio_container_t streams[3] = {{.flags = UV_IGNORE},
                                       {.flags = UV_INHERIT_FD, .data.fd = ends[1]},
                                       {.flags = UV_INHERIT_FD, .data.fd = ends[1]}};
    uv_process_options_t options = {
        .exit_cb = on_exit, .file = reload->config.program, .args = arguments, .stdio = streams, .stdio_count = 3};
    int error = uv_spawn(reload->config.loop, &reload->process, &options);
    if (ends[1] >= 0)
        close(ends[1]);
    if (error != 0) {
        reload->exit_status = 127;
        close_handles(reload);
    } else if (uv_read_start((uv_stream_t *)&reload->output, on_allocate, on_read) != 0) {
        reload->output_ended = true;
    }
}

static bool ships_specs(const struct layer *layer)
{
    char path[1200];
    struct stat folder;
    snprintf(path, sizeof path, "%s/spec", layer->path);
    return stat(path, &folder) == 0 && S_ISDIR(folder.st_mode);
}

static void next_specs(struct reload *reload)
{
    while (reload->config.program != NULL && reload->next_layer < reload->config.layer_count) {
        const struct layer *layer = &reload->config.layers[reload->next_layer++];
        if (ships_specs(layer)) {
            run_specs(reload, layer->path);
            return;
        }
    }
    commit(reload);
}

static int read_sources(const struct reload *reload, struct sources **sources, char *error, size_t size)
{
    return sources_read(sources, reload->config.host, reload->config.layers, reload->config.layer_count, NULL, error,
                        size);
}

static void build(uv_work_t *work)
{
    policy_build_run(((struct reload *)work->data)->build);
}

static void built(uv_work_t *work, int status)
{
    struct reload *reload = work->data;
    char error[1024] = "";
    (void)status;
    int result = policy_build_end(reload->build, error, sizeof error);
    reload->build = NULL;
    if (result != 0) {
        finish(reload, result, error);
        return;
    }
    say(reload, "built: within its limits");
    next_specs(reload);
}

/* Another thread compiles and runs the new version, so that calls continue meanwhile. */
static int begin_build(struct reload *reload, char *error, size_t size)
{
    struct sources *sources;
    int result = read_sources(reload, &sources, error, size);
    if (result != 0)
        return result;
    reload->tried = sources_hash(sources);
    result = policy_build_begin(&reload->build, reload->config.policy, sources, error, size);
    sources_release(sources);
    if (result == -ENOMEM)
        reload->tried = 0; /* the files are not the reason, so they are tried again */
    if (result != 0)
        return result;
    reload->work.data = reload;
    result = uv_queue_work(reload->config.loop, &reload->work, build, built);
    if (result != 0) {
        build(&reload->work);
        built(&reload->work, 0);
    }
    return 0;
}

void reload_begin(struct reload *reload, enum policy_place place, uint32_t canary_share, reload_done *done, void *again)
{
    char error[1024] = "";
    if (reload->busy) {
        log_failure(reload, place, "a reload is under way");
        done(again, -EBUSY, "", "a reload is under way");
        return;
    }
    reload->busy = true;
    reload->place = place;
    reload->share = canary_share;
    reload->done = done;
    reload->again = again;
    reload->next_layer = 0;
    sip_buffer_clear(&reload->text);
    int result = begin_build(reload, error, sizeof error);
    if (result != 0)
        finish(reload, result, error);
}

bool reload_is_busy(const struct reload *reload)
{
    return reload->busy;
}

uint64_t reload_disk_hash(const struct reload *reload)
{
    char error[256];
    struct sources *sources;
    if (read_sources(reload, &sources, error, sizeof error) != 0)
        return 0;
    uint64_t hash = sources_hash(sources);
    sources_release(sources);
    return hash;
}

uint64_t reload_tried_hash(const struct reload *reload)
{
    return reload->tried;
}

const struct reload_counters *reload_counters(const struct reload *reload)
{
    return &reload->counters;
}
