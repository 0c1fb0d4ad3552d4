// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_VERSION_H
#define REFLOW_CORE_VERSION_H

/* The version of the project; it stands here alone. */
#define REFLOW_VERSION "0.1.0"

#endif
