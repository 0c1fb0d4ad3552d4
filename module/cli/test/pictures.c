// SPDX-License-Identifier: BSD-2-Clause
#include "cli/test/pictures.h"

#include "cli/test/spec_files.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/base/whole_file.h"

enum { NAME_SIZE = 120 };

struct pictures {
    char (*names)[NAME_SIZE]; /* that this run has used */
    size_t count, room;
    char path[4096];
    char folder[];
};

int pictures_new(struct pictures **out, const char *folder)
{
    if (folder[0] == '\0')
        return -ENOENT;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return -errno;
    if (!path_is_folder(folder))
        return -ENOTDIR;
    struct pictures *pictures = calloc(1, sizeof *pictures + strlen(folder) + 1);
    if (pictures == NULL)
        return -ENOMEM;
    memcpy(pictures->folder, folder, strlen(folder) + 1);
    *out = pictures;
    return 0;
}

void pictures_delete(struct pictures *pictures)
{
    if (pictures != NULL)
        free(pictures->names);
    free(pictures);
}

const char *pictures_path(const struct pictures *pictures)
{
    return pictures->path;
}

/* Appends the words of a text, with one hyphen between them, to a name with a length below NAME_SIZE. */
static void append_words(char *name, const char *text)
{
    size_t length = strlen(name);
    bool between = length > 0;
    for (; *text != '\0' && length + 2 < NAME_SIZE - 16; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte >= 0x80 || !isalnum(byte)) {
            between = length > 0;
            continue;
        }
        if (between)
            name[length++] = '-';
        between = false;
        name[length++] = (char)tolower(byte);
    }
    name[length] = '\0';
}

static bool is_used(const struct pictures *pictures, const char *name)
{
    for (size_t i = 0; i < pictures->count; i++) {
        if (strcmp(pictures->names[i], name) == 0)
            return true;
    }
    return false;
}

static int keep_name(struct pictures *pictures, const char *name)
{
    if (pictures->count == pictures->room) {
        size_t room = pictures->room * 2 + 16;
        void *names = realloc(pictures->names, room * sizeof pictures->names[0]);
        if (names == NULL)
            return -ENOMEM;
        pictures->names = names;
        pictures->room = room;
    }
    snprintf(pictures->names[pictures->count++], NAME_SIZE, "%s", name);
    return 0;
}

/* The name of a picture without ".svg". */
static int choose_name(struct pictures *pictures, const char *spec, const char *test, char name[NAME_SIZE])
{
    char base[NAME_SIZE] = "";
    const char *slash = strrchr(spec, '/');
    const char *file = slash != NULL ? slash + 1 : spec;
    char *stem = strndup(file, strlen(file) > 4 ? strlen(file) - 4 : strlen(file));
    if (stem == NULL)
        return -ENOMEM;
    append_words(base, stem);
    append_words(base, test);
    free(stem);
    snprintf(name, NAME_SIZE, "%s", base[0] != '\0' ? base : "test");
    for (size_t number = 2; is_used(pictures, name); number++)
        snprintf(name, NAME_SIZE, "%.*s-%zu", NAME_SIZE - 24, base, number);
    return keep_name(pictures, name);
}

int pictures_write(struct pictures *pictures, const char *spec, const char *test, const char *svg)
{
    char name[NAME_SIZE];
    struct whole_file file;
    int error = choose_name(pictures, spec, test, name);
    if (error != 0)
        return error;
    if (snprintf(pictures->path, sizeof pictures->path, "%s/%s.svg", pictures->folder, name) >=
        (int)sizeof pictures->path)
        return -ENAMETOOLONG;
    error = whole_file_open(&file, pictures->path);
    if (error != 0)
        return error;
    fputs(svg, file.out);
    return whole_file_close(&file);
}
