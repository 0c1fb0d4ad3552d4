// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/flows.h"
int flows_create(unsigned s) { (void)s; return 0; }
int flows_listen(void) { return 0; }
void flows_destroy(void) {}
flow_id flow_of_contact(const ucontact_t *c) { (void)c; return 0; }
flow_id flow_of_source(const struct receive_info *r) { (void)r; return 0; }
flow_id flow_of_connection(int id) { return (flow_id)id; }
bool flow_is_foreign(const ucontact_t *c) { (void)c; return false; }
bool flow_lives(flow_id f) { (void)f; return true; }
void flow_mark_dead(flow_id f) { (void)f; }
size_t flow_bindings(flow_id f, struct flow_binding *b, size_t m) { (void)f; (void)b; (void)m; return 0; }
size_t flow_list(unsigned *c, flow_id *f, size_t m) { (void)f; (void)m; *c = 0; return 0; }
size_t flow_binding_count(void) { return 0; }
size_t flow_memory(void) { return 0; }
size_t flow_describe(const ucontact_t *c, char *o, size_t s) { (void)c; (void)o; (void)s; return 0; }
