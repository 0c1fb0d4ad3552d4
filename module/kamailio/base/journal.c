// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/journal.h"

#include <stdarg.h>
#include <stdio.h>

#include "kamailio/base/host.h"
#include "script/base/log_share.h"

enum { LINE_MOST = 1000 };

/* Foreign text must not start a new line. */
static void without_controls(char *line)
{
    for (; *line != '\0'; line++)
        *line = (unsigned char)*line < ' ' || *line == 0x7f ? ' ' : *line;
}

void journal(const char *format, ...)
{
    static struct log_share share;
    char line[LINE_MOST];
    va_list arguments;
    if (share.tenant == NULL)
        log_share_create(&share, "");
    share.name = MOD_NAME;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    without_controls(line);
    log_share_write(&share, ksr_host(), LOG_INFO, line);
}
