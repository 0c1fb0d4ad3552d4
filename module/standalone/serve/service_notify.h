// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVICE_NOTIFY_H
#define REFLOW_STANDALONE_SERVICE_NOTIFY_H

#include <stdbool.h>
#include <uv.h>

/*
 * Messages to the service manager that has started the process (sd_notify(3)): datagrams to the Unix socket that the
 * environment variable NOTIFY_SOCKET names. Without that variable, nothing is sent.
 */

struct service_notify {
    int descriptor; /* connected; -1: nobody listens */
    uv_timer_t watchdog;
    bool watched; /* `watchdog` is open */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment, because children of this
   process must not send messages in its name. Returns 0, also without NOTIFY_SOCKET, or a negative errno (-EINVAL: it
   is neither a path nor "@NAME"); after an error, later calls do nothing. */
int service_notify_open(struct service_notify *notify, uv_loop_t *loop);

/* The server can be used. From now on, while the loop runs, WATCHDOG=1 is sent twice in each interval of the watchdog.
 */
void service_notify_ready(struct service_notify *notify, const char *status);

/* service_notify_ready() follows at the end of the reload. */
void service_notify_reloading(const struct service_notify *notify);
void service_notify_stopping(const struct service_notify *notify, const char *status);

/* Run the loop once more. May be called for a zeroed one that was never opened. */
void service_notify_close(struct service_notify *notify);

#endif
