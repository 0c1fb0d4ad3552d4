// SPDX-License-Identifier: BSD-2-Clause
#include "cli/site/site_list.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_LINE "reflow site, format 1: the files of this folder are replaced together\n"

struct site_list {
    FILE *file;
    char *bytes;
    size_t length, count;
};

struct site_list *site_list_new(void)
{
    struct site_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return NULL;
    list->file = open_memstream(&list->bytes, &list->length);
    if (list->file == NULL || fputs(FIRST_LINE, list->file) == EOF) {
        site_list_delete(list);
        return NULL;
    }
    return list;
}

void site_list_delete(struct site_list *list)
{
    if (list == NULL)
        return;
    if (list->file != NULL)
        fclose(list->file);
    free(list->bytes);
    free(list);
}

int site_list_add(struct site_list *list, const char *path)
{
    if (fprintf(list->file, "%s\n", path) < 0)
        return -ENOMEM;
    list->count++;
    return 0;
}

size_t site_list_count(const struct site_list *list)
{
    return list->count;
}

struct text site_list_text(struct site_list *list)
{
    return fflush(list->file) == 0 ? (struct text){list->bytes, list->length} : (struct text){0};
}

/* --- comparing a folder with its list --- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines of a list that was read, sorted. */
struct lines {
    char *bytes;
    const char **at;
    size_t count;
};

static void lines_destroy(struct lines *lines)
{
    free(lines->bytes);
    free(lines->at);
}

static bool is_empty(const char *folder)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    bool empty = open != NULL;
    while (empty && (entry = readdir(open)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (open != NULL)
        closedir(open);
    return empty;
}

static char *read_file(const char *path)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    if (getdelim(&bytes, &size, '\0', file) < 0) {
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

/* False: the folder has no list of ours. */
static bool read_lines(struct lines *lines, const char *folder)
{
    char path[PATH_MAX];
    *lines = (struct lines){0};
    if ((size_t)snprintf(path, sizeof path, "%s/" SITE_LIST_NAME, folder) >= sizeof path)
        return false;
    lines->bytes = read_file(path);
    if (lines->bytes == NULL || strncmp(lines->bytes, FIRST_LINE, sizeof FIRST_LINE - 1) != 0)
        return false;
    char *rest = lines->bytes + sizeof FIRST_LINE - 1;
    lines->at = malloc((strlen(rest) + 1) * sizeof *lines->at);
    if (lines->at == NULL)
        return false;
    for (const char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
        lines->at[lines->count++] = line;
    qsort(lines->at, lines->count, sizeof *lines->at, compare_lines);
    return true;
}

static bool lines_have(const struct lines *lines, const char *path)
{
    return strcmp(path, SITE_LIST_NAME) == 0 ||
           bsearch(&path, lines->at, lines->count, sizeof *lines->at, compare_lines) != NULL;
}

/* The first file below the folder that the list does not have. */
static enum site_list_kind find_added(const struct lines *lines, const char *folder, char *other, size_t other_size)
{
    char *const roots[] = {(char *)(uintptr_t)folder, NULL};
    const size_t above = strlen(folder) + 1;
    enum site_list_kind kind = SITE_LIST_OURS;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        return SITE_LIST_UNREADABLE;
    for (FTSENT *entry = fts_read(tree); entry != NULL && kind == SITE_LIST_OURS; entry = fts_read(tree)) {
        if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP)
            continue;
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
            errno = entry->fts_errno;
            kind = SITE_LIST_UNREADABLE;
        } else if (entry->fts_info != FTS_F || !lines_have(lines, entry->fts_path + above)) {
            snprintf(other, other_size, "%s", entry->fts_path + above);
            kind = SITE_LIST_ADDED;
        }
    }
    fts_close(tree);
    return kind;
}

enum site_list_kind site_list_compare(const char *folder, char *other, size_t other_size)
{
    struct lines lines;
    enum site_list_kind kind = is_empty(folder) ? SITE_LIST_EMPTY : SITE_LIST_FOREIGN;
    if (kind != SITE_LIST_EMPTY && read_lines(&lines, folder))
        kind = find_added(&lines, folder, other, other_size);
    if (kind != SITE_LIST_EMPTY)
        lines_destroy(&lines);
    return kind;
}
