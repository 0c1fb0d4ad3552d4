// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/glue/explain_text.h"

#include "kamailio/base/host.h"
#include "kamailio/base/noted.h"
#include "script/engine/explainer.h"

/* Created in each process at its first use. */
static struct explainer *explainer;

int explain_code(uint32_t code, struct text language)
{
    char error[256];
    struct explained explained;
    if ((explainer == NULL && explainer_new(&explainer, error, sizeof error) < 0) ||
        explainer_tell(explainer, code, language, &explained, error, sizeof error) < 0) {
        ksr_log(LOG_ERROR, "sip_explain: %s", error);
        return -1;
    }
    ksr_log(LOG_NOTICE, "%.*s: %.*s", (int)explained.title.length, explained.title.at,
            (int)explained.description.length, explained.description.at);
    pv_note_text(explained.whole.at);
    return 1;
}
