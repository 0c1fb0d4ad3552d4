// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_PASSWORD_H
#define REFLOW_CLI_PASSWORD_H

#include "cli/cli.h"
#include "core/text.h"

enum { PASSWORD_SIZE = 1026 }; /* of USERS_PASSWORD_MOST bytes, one more and a NUL */

/*
 * Reads a password. If cli->in is a terminal, asks for it twice on cli->err, without echo; otherwise cli->in must be
 * one line, whose LF or CR LF is optional. Returns NULL and *password in `buffer`, or the reason why it is refused.
 * Overwrite the buffer after use.
 */
const char *password_read(struct cli *cli, char buffer[PASSWORD_SIZE], struct text *password);

#endif
