// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/noted.h"

enum { TEXT_MOST = 4096 };

static struct {
    msg_ctx_id_t message;
    bool present;
    struct decision decision;
} noted;
static struct pv_event current;
static char text[TEXT_MOST];
static size_t text_length;

void pv_note_decision(const struct sip_msg *msg, const struct decision *decision)
{
    if (msg == NULL || msg == FAKED_REPLY)
        return;
    msg_ctx_id_set(msg, &noted.message);
    noted.decision = *decision;
    noted.present = true;
}

/* What is too long is cut at the end of a line. */
void pv_note_text(const char *whole)
{
    text_length = strlen(whole);
    if (text_length > TEXT_MOST) {
        const char *end = memrchr(whole, '\n', TEXT_MOST);
        text_length = end != NULL ? (size_t)(end - whole) : TEXT_MOST;
    }
    memcpy(text, whole, text_length);
}

struct pv_event pv_event_set(struct pv_event event)
{
    struct pv_event before = current;
    current = event;
    return before;
}

struct pv_event pv_event_now(void)
{
    return current;
}

const struct decision *pv_noted_decision(struct sip_msg *msg)
{
    return noted.present && msg_ctx_id_match(msg, &noted.message) == 1 ? &noted.decision : NULL;
}

struct text pv_noted_text(void)
{
    return (struct text){text, text_length};
}
