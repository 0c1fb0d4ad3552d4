// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PERSIST_H
#define REFLOW_STANDALONE_PERSIST_H

#include <uv.h>

#include "standalone/server/server.h"

/*
 * Bindings that outlive the process: SQLite, written behind on libuv's threads, at most half a second after the
 * change. What could not be written is written again as a whole. persist_file.h has what happens to a file that is
 * damaged or of another version.
 */

struct persist;

struct persist_config {
    uv_loop_t *loop;
    const struct host *host;
    const char *path;

    /* The machine's clock in seconds, which people and NTP set; its context is the host's. The host's wall_s() does not
       jump while the process lives: the file has what expires by the machine's clock, and is written anew when that was
       set. NULL: wall_s(). */
    int64_t (*clock_s)(void *context);
};

/* As persist_file_open(); also -ENOMEM with one line in `error`. */
int persist_new(struct persist **out, const struct persist_config *config, char *error, size_t error_size);

/*
 * Put what is stored into the server's bindings. A datagram flow stands if a listener still has its local side. Any
 * other flow is known as gone (BINDING_FLOW_GONE, with the flow's transport). No binding gets more time than it was
 * registered for, however the clock was set meanwhile. Returns 0 or a negative errno with `error`. *restored: how many.
 */
int persist_restore(struct persist *persist, struct server *server, size_t *restored, char *error, size_t error_size);

/* What server_config.binding_changed is for; context is the persist. */
void persist_binding_changed(void *context, enum binding_event event, const struct binding *binding);

/* Start writing behind. 0 or a negative errno. */
int persist_start(struct persist *persist, struct server *server);

/* Write what is left and wait for it; nothing is written after this. Run the loop once more before persist_delete(). */
void persist_stop(struct persist *persist);
void persist_delete(struct persist *persist); /* NULL is fine */

uint64_t persist_failures(const struct persist *persist);

#endif
