// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/acceptor.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* After this many connections other sockets are served first. */
enum { AT_ONCE = 64, PAUSE_MS = 100 };

static void acceptor_on_ready(uv_poll_t *poll, int status, int events);

static void acceptor_on_pause_end(uv_timer_t *timer)
{
    struct acceptor *acceptor = timer->data;
    uv_poll_start(&acceptor->poll, UV_READABLE, acceptor_on_ready);
}

static void acceptor_pause(struct acceptor *acceptor)
{
    acceptor->pauses++;
    uv_poll_stop(&acceptor->poll);
    uv_timer_start(&acceptor->pause, acceptor_on_pause_end, PAUSE_MS, 0);
}

/* Returns false if the rest must wait. A connection that failed before it was accepted is no reason to wait. */
static bool acceptor_take(struct acceptor *acceptor)
{
    int descriptor = accept4(acceptor->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
        acceptor->accepted(acceptor->context, descriptor);
        return acceptor->open;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        acceptor_pause(acceptor);
    else if (errno != EAGAIN)
        return true;
    return false;
}

static void acceptor_on_ready(uv_poll_t *poll, int status, int events)
{
    struct acceptor *acceptor = poll->data;
    (void)events;
    for (unsigned i = 0; i < AT_ONCE && acceptor_take(acceptor); i++)
        ;
    /* libuv stops polling a socket with an error. */
    if (status < 0 && acceptor->open)
        acceptor_pause(acceptor);
}

int acceptor_create(struct acceptor *acceptor, uv_loop_t *loop, int descriptor, int backlog,
                    acceptor_accepted *accepted, void *context)
{
    int error = listen(descriptor, backlog) != 0 ? -errno : 0;
    *acceptor = (struct acceptor){.accepted = accepted, .context = context, .descriptor = descriptor};
    if (error == 0)
        error = uv_poll_init(loop, &acceptor->poll, descriptor);
    if (error != 0) {
        close(descriptor);
        return error;
    }
    uv_timer_init(loop, &acceptor->pause);
    acceptor->poll.data = acceptor->pause.data = acceptor;
    acceptor->open = true;
    return uv_poll_start(&acceptor->poll, UV_READABLE, acceptor_on_ready);
}

void acceptor_destroy(struct acceptor *acceptor)
{
    if (!acceptor->open)
        return;
    acceptor->open = false;
    uv_close((uv_handle_t *)&acceptor->poll, NULL);
    uv_close((uv_handle_t *)&acceptor->pause, NULL);
    close(acceptor->descriptor);
}
