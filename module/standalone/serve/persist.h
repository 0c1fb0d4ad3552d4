// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PERSIST_H
#define REFLOW_STANDALONE_PERSIST_H

#include <uv.h>

#include "standalone/server/server.h"

/*
 * Stores bindings over restarts in SQLite. Changes are written on libuv's threads within half a second. If a write
 * fails, everything is written again. persist_file.h describes files that are damaged or of another version.
 */

struct persist;

struct persist_config {
    uv_loop_t *loop;
    const struct host *host;
    const char *path;

    /* The machine's clock in seconds, which people and NTP set; its context is that of the host. The host's wall_s()
       does not jump while the process runs. The file has times of the machine's clock, and is written again when
       that clock was set. NULL: wall_s(). */
    int64_t (*clock_s)(void *context);
};

/* As persist_file_open(); also -ENOMEM with one line in `error`. */
int persist_new(struct persist **out, const struct persist_config *config, char *error, size_t error_size);

/*
 * Restores the stored bindings. A datagram flow is restored if a listener still has its local side. Any other flow is
 * marked as gone (BINDING_FLOW_GONE, with the flow's transport). No binding gets more time than it was registered for,
 * however the clock was set meanwhile. Returns 0 or a negative errno with `error`. *restored is the number of bindings.
 */
int persist_restore(struct persist *persist, struct server *server, size_t *restored, char *error, size_t error_size);

/* For server_config.binding_changed; context is the persist object. */
void persist_binding_changed(void *context, enum binding_event event, const struct binding *binding);

/* Starts writing. Returns 0 or a negative errno. */
int persist_start(struct persist *persist, struct server *server);

/* Writes the remaining changes and waits; nothing is written after this. Run the loop once more before
   persist_delete(). */
void persist_stop(struct persist *persist);
void persist_delete(struct persist *persist); /* NULL is fine */

uint64_t persist_failures(const struct persist *persist);

#endif
