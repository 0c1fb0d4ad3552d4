// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_HOST_NAME_H
#define REFLOW_STANDALONE_HOST_NAME_H

#include <stdbool.h>

#include "core/text.h"

enum { HOST_NAME_MOST = 253 };

/* A host name, with or without a dot at the end, or an IP address; at most HOST_NAME_MOST bytes without that dot. */
bool host_name_is_valid(struct text name);

#endif
