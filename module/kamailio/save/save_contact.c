// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save_private.h"

#include <errno.h>

/* Changes of a message wait in a list ("lumps") until it is sent. nathelper marks those of a Contact that a registrar
   is to store by the type of the header. Other changes concern only the message that leaves. */

static bool is_contact_change(const struct lump *change)
{
    return change->type == HDR_CONTACT_T && change->op == LUMP_DEL && change->after != NULL &&
           change->after->op == LUMP_ADD;
}

static const struct lump *next_contact_change(const struct lump *change, size_t from, size_t end)
{
    while (change != NULL && !(is_contact_change(change) && change->u.offset >= 0 && (size_t)change->u.offset >= from &&
                               (size_t)change->u.offset + (size_t)change->len <= end))
        change = change->next;
    return change;
}

int save_request_text(const struct sip_msg *msg, struct sip_buffer *buffer, struct text *text)
{
    size_t at = 0;
    const struct lump *change = next_contact_change(msg->add_rm, at, msg->len);
    *text = (struct text){msg->buf, msg->len};
    if (change == NULL)
        return 0;
    for (; change != NULL; change = next_contact_change(change->next, at, msg->len)) {
        const size_t offset = (size_t)change->u.offset;
        sip_append(buffer, (struct text){msg->buf + at, offset - at});
        sip_append(buffer, (struct text){change->after->u.value, (size_t)change->after->len});
        at = offset + (size_t)change->len;
    }
    sip_append(buffer, (struct text){msg->buf + at, msg->len - at});
    *text = (struct text){buffer->bytes, buffer->length};
    return buffer->failed ? -ENOMEM : 0;
}
