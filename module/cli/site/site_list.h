// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SITE_LIST_H
#define REFLOW_CLI_SITE_LIST_H

#include <stddef.h>

#include "core/text.h"

/* The list of the files of a site: the file .reflow-site, a line for the kind of file and one for each path. */
#define SITE_LIST_NAME ".reflow-site"

struct site_list;

struct site_list *site_list_new(void); /* NULL: no memory */
void site_list_delete(struct site_list *list);

/* Returns 0 or -ENOMEM. */
int site_list_add(struct site_list *list, const char *path);
size_t site_list_count(const struct site_list *list);

/* The bytes of the file, valid until the list is changed. {NULL, 0}: no memory. */
struct text site_list_text(struct site_list *list);

enum site_list_kind {
    SITE_LIST_EMPTY,     /* a folder without files */
    SITE_LIST_OURS,      /* a site, and nothing else */
    SITE_LIST_ADDED,     /* a site and another file, whose path is put into `other` */
    SITE_LIST_FOREIGN,   /* anything else */
    SITE_LIST_UNREADABLE /* errno says why */
};

/* What is in a folder, compared with the list that it has. */
enum site_list_kind site_list_compare(const char *folder, char *other, size_t other_size);

#endif
