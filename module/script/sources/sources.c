// SPDX-License-Identifier: BSD-2-Clause
#include "script/sources/sources.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script/base/printable.h"
#include "script/sources/sources_private.h"

enum { FILE_MOST = 1 << 20, ALL_MOST = 8 << 20, FILES_MOST = 256, FOLDERS_DEEP = 8, PATH_SIZE = 1280 };

struct reading {
    struct sources *sources;
    struct sources_limits limits;
    size_t layer;
    size_t total; /* bytes read so far */
    char *root; /* the folder of the layer without symbolic links; nothing outside of it is read. NULL: the layer is one
                   file */
    const char *what;
    char place[PATH_SIZE]; /* the path at which it failed */
};

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

uint64_t sources_checksum(const void *bytes, size_t length)
{
    return add_bytes(FNV_START, bytes, length);
}

/* Prefixes the length, so that two different lists of texts never give the same bytes. */
static uint64_t add_text(uint64_t hash, struct text text)
{
    uint64_t length = text.length;
    return add_bytes(add_bytes(hash, &length, sizeof length), text.at, text.length);
}

uint64_t sources_hash_of(const struct sources *sources, uint64_t layers)
{
    uint64_t hash = FNV_START;
    for (size_t i = 0; i < sources->layer_count; i++) {
        const struct layer *layer = &sources->layers[i];
        if ((layers >> i & 1) == 0)
            continue;
        hash = add_text(add_text(hash, text_of(layer->name)), text_of(layer->tenant));
        hash = add_bytes(hash, &layer->priority, sizeof layer->priority);
    }
    for (size_t i = 0; i < sources->count; i++) {
        const struct source_file *file = &sources->files[i].file;
        uint64_t place = (uint64_t)file->layer << 1 | file->library;
        if ((layers >> file->layer & 1) == 0)
            continue;
        hash = add_bytes(hash, &place, sizeof place);
        hash = add_text(add_text(hash, file->name), file->bytes);
    }
    return hash;
}

void sources_finish(struct sources *sources)
{
    sources->hash = sources_hash_of(sources, UINT64_MAX);
}

struct sources *sources_allocate(const struct host *host, const struct layer *layers, size_t count)
{
    struct sources *sources = host->allocate(host->context, NULL, 0, sizeof *sources + count * sizeof *layers);
    if (sources == NULL)
        return NULL;
    memset(sources, 0, sizeof *sources + count * sizeof *layers);
    sources->host = host;
    atomic_init(&sources->references, 1);
    sources->layer_count = count;
    if (layers != NULL)
        memcpy(sources->layers, layers, count * sizeof *layers);
    return sources;
}

static int make_place(struct sources *sources)
{
    const struct host *host = sources->host;
    size_t size = sizeof *sources->files;
    if (sources->count < sources->capacity)
        return 0;
    size_t capacity = sources->capacity == 0 ? 4 : sources->capacity * 2;
    void *files = host->allocate(host->context, sources->files, sources->capacity * size, capacity * size);
    if (files == NULL)
        return -ENOMEM;
    sources->files = files;
    sources->capacity = capacity;
    return 0;
}

int sources_add(struct sources *sources, const struct source_file *file, char **bytes)
{
    const struct host *host = sources->host;
    size_t size = file->name.length + 1 + file->bytes.length + 1;
    int error = make_place(sources);
    char *block = error == 0 ? host->allocate(host->context, NULL, 0, size) : NULL;
    if (block == NULL)
        return -ENOMEM;
    struct kept_file *kept = &sources->files[sources->count++];
    *kept = (struct kept_file){.file = *file, .block = block, .size = size};
    memcpy(block, file->name.at, file->name.length);
    block[file->name.length] = '\0';
    kept->file.name.at = block;
    kept->file.bytes.at = *bytes = block + file->name.length + 1;
    (*bytes)[file->bytes.length] = '\0';
    return 0;
}

ssize_t sources_read_all(int file, char *bytes, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t count = read(file, bytes + length, size - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        length += (size_t)count;
    }
    return (ssize_t)length;
}

static int fault(struct reading *reading, const char *path, int error, const char *what)
{
    snprintf(reading->place, sizeof reading->place, "%s", path);
    reading->what = what != NULL ? what : strerror(-error);
    return error;
}

static bool is_inside(const char *root, const char *path)
{
    size_t length = strlen(root);
    if (strncmp(path, root, length) != 0)
        return false;
    return path[length] == '/' || path[length] == '\0' || (length > 0 && root[length - 1] == '/');
}

/* The author of a layer may have fewer rights than the operator of the server, so links must not lead out of the
   layer. Links inside are allowed: mounted configurations consist of them. */
static int check_inside(struct reading *reading, const char *path)
{
    if (reading->root == NULL)
        return 0;
    char *real = realpath(path, NULL);
    if (real == NULL)
        return fault(reading, path, -errno, NULL);
    bool inside = is_inside(reading->root, real);
    free(real);
    return inside ? 0 : fault(reading, path, -EXDEV, "a symbolic link leads out of the folder of the policy");
}

/* Checks the opened file, in case a link was changed since it was examined. */
static int check_opened(struct reading *reading, const char *path, int file)
{
    char link[40], real[PATH_SIZE];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = reading->root != NULL ? readlink(link, real, sizeof real - 1) : -1;
    if (length < 0) // one file, or no /proc
        return 0;
    real[length] = '\0';
    return is_inside(reading->root, real)
               ? 0
               : fault(reading, path, -EXDEV, "a symbolic link leads out of the folder of the policy");
}

static int check_file(struct reading *reading, const char *path, const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return fault(reading, path, -EINVAL, "not a file");
    if ((uint64_t)status->st_size > reading->limits.file)
        return fault(reading, path, -EFBIG, "the file is too large for a script");
    if ((uint64_t)status->st_size > reading->limits.all - reading->total)
        return fault(reading, path, -EFBIG, "the files of the policy are too large together");
    if (reading->sources->count == reading->limits.files)
        return fault(reading, path, -EFBIG, "too many files in the policy");
    return 0;
}

static int read_file(struct reading *reading, const char *path, const char *name, bool library)
{
    struct stat status = {0};
    struct source_file added = {.name = text_of(name), .layer = reading->layer, .library = library};
    char *bytes;
    ssize_t length = 0;
    int error = check_inside(reading, path);
    if (error != 0)
        return error;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not hold the server up
    error = file < 0 || fstat(file, &status) != 0 ? fault(reading, path, -errno, NULL) : 0;
    if (error == 0)
        error = check_opened(reading, path, file);
    if (error == 0)
        error = check_file(reading, path, &status);
    if (error != 0)
        goto out;
    added.bytes.length = (size_t)status.st_size;
    if (sources_add(reading->sources, &added, &bytes) != 0) {
        error = fault(reading, path, -ENOMEM, NULL);
        goto out;
    }
    length = sources_read_all(file, bytes, added.bytes.length);
    if (length < 0) {
        error = fault(reading, path, (int)length, NULL);
        goto out;
    }
    bytes[length] = '\0';
    reading->sources->files[reading->sources->count - 1].file.bytes.length = (size_t)length;
    reading->total += (size_t)length;
out:
    if (file >= 0)
        close(file);
    return error;
}

/* Editors leave files with a dot or a ~ in the name, and a mounted configuration has ..data. */
static bool is_program(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".lua") == 0;
}

static int take_programs(const struct dirent *entry)
{
    return is_program(entry->d_name);
}

static int take_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Compares bytes, independent of the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool join(char *out, const char *folder, const char *name)
{
    size_t end = strlen(folder);
    const char *between = end > 1 && folder[end - 1] == '/' ? "" : "/";
    int length = snprintf(out, PATH_SIZE, "%s%s%s", folder, between, name);
    return length > 0 && length < PATH_SIZE;
}

static int read_library(struct reading *reading, const char *path, const char *name, int depth);

static int read_entry(struct reading *reading, const char *folder, const char *prefix, const char *entry, int depth)
{
    char path[PATH_SIZE], name[PATH_SIZE];
    struct stat status;
    if (!join(path, folder, entry) || !join(name, prefix, entry))
        return fault(reading, folder, -ENAMETOOLONG, NULL);
    if (!printable_is(entry))
        return fault(reading, path, -EINVAL, "the name of the file has a control character or is not UTF-8");
    if (depth == 0)
        return read_file(reading, path, name, false);
    if (stat(path, &status) != 0)
        return fault(reading, path, -errno, NULL);
    if (S_ISDIR(status.st_mode))
        return read_library(reading, path, name, depth + 1);
    return is_program(entry) ? read_file(reading, path, name, true) : 0;
}

/* depth 0: the top of a layer, of which only programs are read; otherwise inside lib/. */
static int read_folder(struct reading *reading, const char *path, const char *name, int depth)
{
    struct dirent **entries = NULL;
    int error = check_inside(reading, path);
    if (error != 0)
        return error;
    int count = scandir(path, &entries, depth == 0 ? take_programs : take_visible, by_name);
    if (count < 0)
        return fault(reading, path, -errno, NULL);
    for (int i = 0; i < count; i++) {
        if (error == 0)
            error = read_entry(reading, path, name, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    return error;
}

static int read_library(struct reading *reading, const char *path, const char *name, int depth)
{
    if (depth > FOLDERS_DEEP)
        return fault(reading, path, -ELOOP, "folders too deep in each other");
    return read_folder(reading, path, name, depth);
}

static int read_layer_folder(struct reading *reading, const struct layer *layer)
{
    char path[PATH_SIZE], name[PATH_SIZE];
    struct stat status;
    bool by_path = reading->limits.paths || layer->name[0] == '\0';
    const char *prefix = by_path ? layer->path : layer->name;
    reading->root = realpath(layer->path, NULL);
    if (reading->root == NULL)
        return fault(reading, layer->path, -errno, NULL);
    size_t before = reading->sources->count;
    int error = read_folder(reading, layer->path, prefix, 0);
    if (error != 0)
        return error;
    /* While its files are exchanged, a folder may be empty: calls must not lose what this layer decides. */
    if (reading->sources->count == before)
        return fault(reading, layer->path, -ENOENT, "no .lua file in the folder");
    if (!join(path, layer->path, "lib") || !join(name, prefix, "lib"))
        return fault(reading, layer->path, -ENAMETOOLONG, NULL);
    if (stat(path, &status) != 0)
        return errno == ENOENT ? 0 : fault(reading, path, -errno, NULL);
    return S_ISDIR(status.st_mode) ? read_library(reading, path, name, 1) : 0;
}

static int read_layer(struct reading *reading, const struct layer *layer)
{
    char name[PATH_SIZE];
    struct stat status;
    const char *slash = strrchr(layer->path, '/');
    const char *base = slash != NULL ? slash + 1 : layer->path;
    if (stat(layer->path, &status) != 0)
        return fault(reading, layer->path, -errno, NULL);
    if (S_ISDIR(status.st_mode))
        return read_layer_folder(reading, layer);
    if (reading->limits.paths || reading->sources->layer_count == 1 || layer->name[0] == '\0')
        return read_file(reading, layer->path, layer->path, false);
    if (!join(name, layer->name, base))
        return fault(reading, layer->path, -ENAMETOOLONG, NULL);
    return read_file(reading, layer->path, name, false);
}

static void fill_limits(struct sources_limits *limits, const struct sources_limits *given)
{
    if (given != NULL)
        *limits = *given;
    limits->file = limits->file != 0 ? limits->file : FILE_MOST;
    limits->all = limits->all != 0 ? limits->all : ALL_MOST;
    limits->files = limits->files != 0 ? limits->files : FILES_MOST;
}

static int read_layers(struct reading *reading, const struct layer *layers, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        reading->layer = i;
        error = read_layer(reading, &layers[i]);
        free(reading->root);
        reading->root = NULL;
    }
    return error;
}

int sources_read(struct sources **out, const struct host *host, const struct layer *layers, size_t count,
                 const struct sources_limits *limits, char *error, size_t error_size)
{
    struct reading reading = {.what = ""};
    int code;
    fill_limits(&reading.limits, limits);
    if (layers == NULL || count == 0 || count > LAYERS_MOST) {
        snprintf(error, error_size, "a policy has 1 to %d layers", LAYERS_MOST);
        return -EINVAL;
    }
    reading.sources = sources_allocate(host, layers, count);
    if (reading.sources == NULL)
        code = fault(&reading, layers[0].path, -ENOMEM, NULL);
    else
        code = read_layers(&reading, layers, count);
    if (code != 0) {
        char place[PATH_SIZE];
        printable_write(place, sizeof place, reading.place);
        snprintf(error, error_size, "%s: %s", place, reading.what);
        sources_release(reading.sources);
        return code;
    }
    sources_finish(reading.sources);
    *out = reading.sources;
    return 0;
}

static bool have_same_layers(const struct sources *a, const struct sources *b)
{
    bool same = a->layer_count == b->layer_count;
    for (size_t i = 0; i < a->layer_count && same; i++)
        same =
            strcmp(a->layers[i].name, b->layers[i].name) == 0 && strcmp(a->layers[i].tenant, b->layers[i].tenant) == 0;
    return same;
}

static int copy_files(struct sources *to, const struct sources *from, uint64_t layers)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct source_file *file = &from->files[i].file;
        char *bytes;
        if ((layers >> file->layer & 1) == 0)
            continue;
        if (sources_add(to, file, &bytes) != 0)
            return -ENOMEM;
        memcpy(bytes, file->bytes.at, file->bytes.length);
    }
    return 0;
}

int sources_mix(struct sources **out, const struct sources *sources, const struct sources *other, uint64_t layers)
{
    if (!have_same_layers(sources, other))
        return -EINVAL;
    struct sources *mixed = sources_allocate(sources->host, sources->layers, sources->layer_count);
    int error = mixed == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < sources->layer_count && error == 0; i++)
        error = copy_files(mixed, (layers >> i & 1) != 0 ? other : sources, UINT64_C(1) << i);
    if (error != 0) {
        sources_release(mixed);
        return error;
    }
    sources_finish(mixed);
    *out = mixed;
    return 0;
}

struct sources *sources_hold(struct sources *sources)
{
    atomic_fetch_add_explicit(&sources->references, 1, memory_order_relaxed);
    return sources;
}

void sources_release(struct sources *sources)
{
    if (sources == NULL || atomic_fetch_sub_explicit(&sources->references, 1, memory_order_acq_rel) != 1)
        return;
    const struct host *host = sources->host;
    for (size_t i = 0; i < sources->count; i++)
        host->allocate(host->context, sources->files[i].block, sources->files[i].size, 0);
    if (sources->files != NULL)
        host->allocate(host->context, sources->files, sources->capacity * sizeof *sources->files, 0);
    host->allocate(host->context, sources, sizeof *sources + sources->layer_count * sizeof *sources->layers, 0);
}

uint64_t sources_hash(const struct sources *sources)
{
    return sources->hash;
}

size_t sources_count(const struct sources *sources)
{
    return sources->count;
}

const struct source_file *sources_at(const struct sources *sources, size_t index)
{
    return index < sources->count ? &sources->files[index].file : NULL;
}

size_t sources_layer_count(const struct sources *sources)
{
    return sources->layer_count;
}

const struct layer *sources_layer(const struct sources *sources, size_t index)
{
    return index < sources->layer_count ? &sources->layers[index] : NULL;
}
