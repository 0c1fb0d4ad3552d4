// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_SENT_CHECK_H
#define REFLOW_TEST_SENT_CHECK_H

#include <stddef.h>

#include "server_stage.h"

/*
 * What a server may send, whatever it has received. NULL: all is well; else a sentence that says what is not.
 */

/* One whole message as a stream cuts it, all of its bytes, and every line of its header ends in CRLF. */
const char *sent_check_frame(const struct sent *sent);

/* The same, and it can be read without a fault. */
const char *sent_check_message(struct fake_host *fake, const struct sent *sent);

/* A response of the server's own: no line of its header begins with a space, each has a name that the server writes,
   and it is not longer than what it answers by more than `more`. */
const char *sent_check_answer(const struct sent *sent, size_t received, size_t more);

#endif
