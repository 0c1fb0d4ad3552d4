// SPDX-License-Identifier: BSD-2-Clause
#include "flow/ack_watch.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>

/* The C library's netinet/tcp.h has an older struct tcp_info, without tcpi_delivered. */
#include <linux/tcp.h>

int ack_sample_read(int descriptor, struct ack_sample *sample)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return -errno;
    if (length < offsetof(struct tcp_info, tcpi_delivered) + sizeof info.tcpi_delivered)
        return -ENOTSUP;
    *sample = (struct ack_sample){.delivered = info.tcpi_delivered,
                                  .retransmitted = info.tcpi_total_retrans,
                                  .timeouts = info.tcpi_retransmits,
                                  .in_flight = info.tcpi_unacked,
                                  .unsent = info.tcpi_notsent_bytes,
                                  .last_sent_ms = info.tcpi_last_data_sent,
                                  .srtt_us = info.tcpi_rtt,
                                  .rttvar_us = info.tcpi_rttvar};
    return 0;
}
