// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/service_notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SEND_S = 1, MESSAGE_MOST = 512 };

/* "@name" is in the abstract namespace, whose names begin with a zero byte and end with the length of the address. */
static int read_address(const char *text, struct sockaddr_un *address, socklen_t *length)
{
    size_t size = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || size < 2)
        return -EINVAL;
    if (size >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, text, size);
    if (text[0] == '@')
        address->sun_path[0] = '\0';
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return 0;
}

/* Returns the descriptor or a negative errno. A manager that does not read delays a message by at most SEND_S. */
static int connect_to_manager(const char *text)
{
    struct sockaddr_un address;
    socklen_t length;
    const struct timeval patience = {.tv_sec = SEND_S};
    int error = read_address(text, &address, &length);
    if (error != 0)
        return error;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -errno;
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(descriptor, (struct sockaddr *)&address, length) == 0)
        return descriptor;
    error = -errno;
    close(descriptor);
    return error;
}

/* Half of the interval in ms; 0: this process has no watchdog. */
static uint64_t watchdog_ms(void)
{
    const char *interval = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    if (interval == NULL || (process != NULL && strtol(process, NULL, 10) != getpid()))
        return 0;
    unsigned long long us = strtoull(interval, NULL, 10);
    return us == 0 ? 0 : us < 2000 ? 1 : us / 2000;
}

__attribute__((format(printf, 2, 3))) static void service_send(const struct service_notify *notify, const char *format,
                                                               ...)
{
    char message[MESSAGE_MOST];
    va_list arguments;
    if (notify->descriptor <= 0)
        return;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length >= MESSAGE_MOST)
        length = MESSAGE_MOST - 1;
    /* If the manager is gone, nobody else needs to know. */
    (void)!send(notify->descriptor, message, (size_t)length, MSG_NOSIGNAL);
}

/* Another line of a status would be an assignment of its own. */
static int first_line(const char *status)
{
    return (int)strcspn(status, "\n");
}

static void on_watchdog(uv_timer_t *timer)
{
    service_send(timer->data, "WATCHDOG=1");
}

int service_notify_open(struct service_notify *notify, uv_loop_t *loop)
{
    const char *socket = getenv("NOTIFY_SOCKET");
    uint64_t interval = watchdog_ms();
    notify->descriptor = -1;
    int descriptor = socket == NULL || socket[0] == '\0' ? 0 : connect_to_manager(socket);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (descriptor <= 0)
        return descriptor;
    notify->descriptor = descriptor;
    if (interval == 0)
        return 0;
    uv_timer_init(loop, &notify->watchdog);
    notify->watchdog.data = notify;
    notify->watched = true;
    uv_timer_set_repeat(&notify->watchdog, interval);
    return 0;
}

void service_notify_ready(struct service_notify *notify, const char *status)
{
    service_send(notify, "READY=1\nSTATUS=%.*s", first_line(status), status);
    if (notify->watched)
        uv_timer_start(&notify->watchdog, on_watchdog, 0, uv_timer_get_repeat(&notify->watchdog));
}

void service_notify_reloading(const struct service_notify *notify)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    service_send(notify, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
                 now.tv_sec * 1000000LL + now.tv_nsec / 1000);
}

void service_notify_stopping(const struct service_notify *notify, const char *status)
{
    service_send(notify, "STOPPING=1\nSTATUS=%.*s", first_line(status), status);
}

void service_notify_close(struct service_notify *notify)
{
    if (notify->watched)
        uv_close((uv_handle_t *)&notify->watchdog, NULL);
    if (notify->descriptor > 0)
        close(notify->descriptor);
    notify->watched = false;
    notify->descriptor = -1;
}
