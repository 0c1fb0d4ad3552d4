// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_PICTURES_H
#define REFLOW_CLI_PICTURES_H

/* The pictures of `reflow test --svg`: one file for each test, in one folder. */
struct pictures;

/* Makes the folder if it does not exist; its parent must. Returns 0, -ENOMEM, or another negative errno if the folder
   cannot be made or is not one. */
int pictures_new(struct pictures **out, const char *folder);
void pictures_delete(struct pictures *pictures); /* NULL is fine */

/* Writes the picture of a test as FOLDER/SPEC-TEST.svg, in lower case, with a hyphen for what is neither a letter nor a
   digit of ASCII; a name that this run has used gets a number. The file is written aside and renamed. Returns 0 or a
   negative errno: then pictures_path() is the file that could not be written, and nothing of it is left. */
int pictures_write(struct pictures *pictures, const char *spec, const char *test, const char *svg);
const char *pictures_path(const struct pictures *pictures);

#endif
