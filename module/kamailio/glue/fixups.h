// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_FIXUPS_H
#define REFLOW_KAMAILIO_FIXUPS_H

#include "kamailio/base/ksr.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Parameters of functions in the configuration. An invalid constant is refused at start, with one line that names the
 * function, the parameter and the allowed values. Values of variables are checked when the function runs.
 */

enum { REST_SECONDS_MOST = 604800, DESTINATION_LONGEST = 255 };

int fixup_code(const char *function, void **parameter);
int fixup_explain(void **parameter, int number);          /* 1: a code; 2: a language */
int fixup_rest_destination(void **parameter, int number); /* 1: a destination; 2: seconds */
int fixup_is_resting(void **parameter, int number);       /* 1: a destination */
int fixup_save(void **parameter, int number);             /* 1: a table, which usrloc creates */
int fixup_route_flows(void **parameter,
                      int number); /* 1: a table that usrloc knows after all parameters were fixed up; 2: a URI */
int fixup_add_alias(void **parameter, int number);    /* 1: a table */
int fixup_handle_alias(void **parameter, int number); /* 1: a table */
int fixup_flow_forward(void **parameter, int number);
int fixup_record_route(void **parameter, int number);
int fixup_loose_route(void **parameter, int number);
int fixup_on_failure(void **parameter, int number);

/* One function for all: parameters that are not constants are fixed up for each call. */
int fixup_parameter_free(void **parameter, int number);

/* After all functions of the configuration were fixed up, before the processes start: the checks that are only
   possible then. Returns 0 or -1. */
int functions_check(void);

/* Get values at run time; return false with a line in the log. */
bool parameter_text(struct sip_msg *msg, char *parameter, str *text);
bool parameter_number(struct sip_msg *msg, char *parameter, int64_t *number);

bool destination_is_right(const str *destination);

/* 0 for an invalid code. */
uint32_t code_of_number(int64_t number);

#endif
