// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "test.h"

#include "call/registrar.h"
#include "core/code.h"

/* The registrar's decisions over a mock store, whose changes can be made to fail. */

#define INSTANCE ";+sip.instance=\"<urn:uuid:1>\""

enum { MOCK_MOST = 64 };

struct mock_binding {
    char *contact, *instance, *path, *call_id, *parameters;
    struct binding_view view; /* its texts are the above */
};

struct mock {
    struct fake_host fake;
    struct registrar_store store;
    struct mock_binding *bindings[MOCK_MOST];
    size_t count;
    unsigned changes; /* insert and update, from 1 */
    unsigned fail_at; /* the change that fails; 0: none */
    bool remove_fails, outbound;
    /* One REGISTER. */
    struct sip_message *request;
    struct registration asked;
    struct registrar registrar;
    struct sip_buffer fields;
};

static char *mock_text(struct text text, struct text *view)
{
    char *copy = malloc(text.length + 1);
    assert_non_null(copy);
    if (text.length > 0)
        memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    *view = (struct text){copy, text.length};
    return copy;
}

static struct mock_binding *mock_new(const struct binding_view *view)
{
    struct mock_binding *made = calloc(1, sizeof *made);
    assert_non_null(made);
    made->view = *view;
    made->contact = mock_text(view->contact, &made->view.contact);
    made->instance = mock_text(view->instance, &made->view.instance);
    made->path = mock_text(view->path, &made->view.path);
    made->call_id = mock_text(view->call_id, &made->view.call_id);
    made->parameters = mock_text(view->parameters, &made->view.parameters);
    return made;
}

static void mock_delete(struct mock_binding *binding)
{
    free(binding->contact);
    free(binding->instance);
    free(binding->path);
    free(binding->call_id);
    free(binding->parameters);
    free(binding);
}

static size_t mock_index(const struct mock *mock, const void *binding)
{
    size_t i = 0;
    while (i < mock->count && mock->bindings[i] != binding)
        i++;
    assert_true(i < mock->count);
    return i;
}

static void *mock_next(void *context, const void *binding, struct binding_view *view)
{
    const struct mock *mock = context;
    size_t next = binding == NULL ? 0 : mock_index(mock, binding) + 1;
    if (next == mock->count)
        return NULL;
    *view = mock->bindings[next]->view;
    return mock->bindings[next];
}

static struct binding_view mock_view(const struct mock *mock, size_t nth, char parameters[64])
{
    const struct registration *asked = &mock->asked;
    const struct sip_contact *contact = &asked->contacts[nth];
    return (struct binding_view){.contact = contact->value.uri,
                                 .instance = contact->instance,
                                 .path = {asked->path.bytes, asked->path.length},
                                 .call_id = sip_call_id(asked->request),
                                 .parameters = registration_parameters(contact, parameters, 64),
                                 .reg_id = registration_is_flow(asked, nth) ? contact->reg_id : 0,
                                 .cseq = sip_cseq(asked->request),
                                 .q = 1000,
                                 .expires_at = mock->store.now + asked->expires[nth],
                                 .registered_at = mock->store.now};
}

static int mock_insert(void *context, size_t nth, void **binding)
{
    struct mock *mock = context;
    char parameters[64];
    if (++mock->changes == mock->fail_at)
        return -ENOMEM;
    assert_true(mock->count < MOCK_MOST);
    struct binding_view view = mock_view(mock, nth, parameters);
    *binding = mock->bindings[mock->count++] = mock_new(&view);
    return 0;
}

static int mock_update(void *context, size_t nth, void **binding)
{
    struct mock *mock = context;
    char parameters[64];
    if (++mock->changes == mock->fail_at)
        return -ENOMEM;
    size_t at = mock_index(mock, *binding);
    struct binding_view view = mock_view(mock, nth, parameters);
    struct mock_binding *made = mock_new(&view);
    mock_delete(mock->bindings[at]);
    *binding = mock->bindings[at] = made;
    return 0;
}

static int mock_remove(void *context, void *binding)
{
    struct mock *mock = context;
    size_t at = mock_index(mock, binding);
    mock_delete(mock->bindings[at]);
    mock->count--;
    memmove(&mock->bindings[at], &mock->bindings[at + 1], (mock->count - at) * sizeof mock->bindings[0]);
    return mock->remove_fails ? -EIO : 0;
}

static bool mock_flow_is_outbound(void *context)
{
    return ((struct mock *)context)->outbound;
}

static int setup(void **state)
{
    struct mock *mock = calloc(1, sizeof *mock);
    fake_host_create(&mock->fake);
    mock->store = (struct registrar_store){.context = mock,
                                           .now = mock->fake.wall_s,
                                           .aor_most = 32,
                                           .room = SIZE_MAX,
                                           .next = mock_next,
                                           .insert = mock_insert,
                                           .update = mock_update,
                                           .remove = mock_remove,
                                           .flow_is_outbound = mock_flow_is_outbound};
    *state = mock;
    return 0;
}

static void forget_request(struct mock *mock)
{
    sip_buffer_destroy(&mock->fields);
    registration_destroy(&mock->asked);
    sip_message_delete(mock->request);
    mock->request = NULL;
}

static int teardown(void **state)
{
    struct mock *mock = *state;
    if (mock->request != NULL)
        forget_request(mock);
    while (mock->count > 0)
        mock_delete(mock->bindings[--mock->count]);
    size_t left = mock->fake.allocated;
    free(mock);
    return left == 0 ? 0 : -1;
}

static void read_request(struct mock *mock, const char *call_id, unsigned cseq, const char *fields)
{
    static const struct registration_limits limits = {
        .expires_default = 3600, .expires_least = 60, .expires_most = 7200};
    char text[8192];
    struct sip_fault fault;
    if (mock->request != NULL)
        forget_request(mock);
    int length = snprintf(text, sizeof text,
                          "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1\r\n"
                          "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:bob@example.com>\r\nMax-Forwards: 70\r\n"
                          "Call-ID: %s\r\nCSeq: %u REGISTER\r\nSupported: outbound, path\r\n%s\r\n",
                          call_id, cseq, fields);
    assert_int_equal(sip_message_new(&mock->request, &mock->fake.host, text, (size_t)length, NULL, &fault), 0);
    registration_create(&mock->asked, &mock->fake.host, mock->request, &limits);
    mock->fields = (struct sip_buffer){.host = &mock->fake.host};
    mock->changes = 0;
    assert_int_equal(registration_read(&mock->asked), 0);
}

/* Carries out a REGISTER; returns the status with which it is answered. */
static uint32_t ask(struct mock *mock, const char *call_id, unsigned cseq, const char *fields)
{
    read_request(mock, call_id, cseq, fields);
    int error = registrar_plan(&mock->registrar, &mock->asked, &mock->store);
    if (error == 0)
        error = registrar_carry_out(&mock->registrar);
    if (error == 0)
        registrar_confirm(&mock->registrar, false, 0, &mock->fields);
    if (error != 0)
        registrar_refuse(&mock->asked, error);
    return error == 0 ? SIP_OK : mock->asked.status;
}

static void assert_action(const struct mock *mock, size_t nth, enum registrar_action action)
{
    assert_int_equal(mock->registrar.contacts[nth].action, action);
}

static bool lists(const struct mock *mock, const char *text)
{
    char fields[4096];
    snprintf(fields, sizeof fields, "%.*s", (int)mock->fields.length, mock->fields.bytes);
    return strstr(fields, text) != NULL;
}

/* A binding that somebody else has stored. */
static void hold(struct mock *mock, struct binding_view view)
{
    mock->bindings[mock->count++] = mock_new(&view);
}

/* --- the change for each Contact --- */

static void test_code_2xx_register_contacts_are_inserted_updated_and_removed(void **state)
{
    struct mock *mock = *state;
    assert_int_equal(ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>, <sip:b@192.0.2.2>\r\n"), SIP_OK);
    assert_action(mock, 0, REGISTRAR_INSERT);
    assert_true(lists(mock, "Contact: <sip:b@192.0.2.1>;expires=3600\r\n"));
    mock->store.now += 100;
    assert_int_equal(
        ask(mock, "a", 2, "Contact: <sip:b@192.0.2.1>;expires=0, <sip:B@192.0.2.3>, <sip:b@192.0.2.2>;x=1\r\n"),
        SIP_OK);
    assert_action(mock, 0, REGISTRAR_REMOVE);
    assert_action(mock, 1, REGISTRAR_INSERT);
    assert_action(mock, 2, REGISTRAR_UPDATE);
    assert_int_equal(mock->count, 2);
    assert_true(lists(mock, "Contact: <sip:b@192.0.2.2>;x=1;expires=3600\r\n"));
    assert_int_equal(ask(mock, "a", 3, "Contact: <sip:nobody@192.0.2.9>;expires=0\r\n"), SIP_OK);
    assert_action(mock, 0, REGISTRAR_NOTHING);
    assert_int_equal(ask(mock, "a", 4, "Contact: *\r\nExpires: 0\r\n"), SIP_OK);
    assert_int_equal(mock->count, 0);
}

static void test_5626_6_g_the_key_of_a_flow_is_instance_and_reg_id(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>" INSTANCE ";reg-id=1\r\n");
    ask(mock, "b", 1, "Contact: <sip:b@192.0.2.2>" INSTANCE ";reg-id=1\r\n");
    assert_action(mock, 0, REGISTRAR_UPDATE);
    ask(mock, "b", 2, "Contact: <sip:b@192.0.2.2>" INSTANCE ";reg-id=2\r\n");
    assert_action(mock, 0, REGISTRAR_INSERT);
    /* 5626-6.f: a plain one of the same URI stands beside them. */
    ask(mock, "b", 3, "Contact: <sip:b@192.0.2.2>\r\n");
    assert_action(mock, 0, REGISTRAR_INSERT);
    assert_int_equal(mock->count, 3);
}

#define EDGE(n) "Path: <sip:edge" n ";lr>\r\n"

static void test_what_identifies_a_plain_contact_is_the_hosts_choice(void **state)
{
    static const struct {
        enum registrar_matching matching;
        const char *call_id, *fields;
        size_t count;
    } cases[] = {
        {MATCH_CONTACT, "b", "Contact: <sip:b@192.0.2.1>\r\n" EDGE("2"), 1},
        {MATCH_CONTACT_AND_CALL_ID, "a", "Contact: <sip:b@192.0.2.1>\r\n" EDGE("2"), 1},
        {MATCH_CONTACT_AND_CALL_ID, "b", "Contact: <sip:b@192.0.2.1>\r\n" EDGE("1"), 2},
        {MATCH_CONTACT_AND_PATH, "b", "Contact: <sip:b@192.0.2.1>\r\n" EDGE("1"), 1},
        {MATCH_CONTACT_AND_PATH, "a", "Contact: <sip:b@192.0.2.1>\r\n" EDGE("2"), 2},
        {MATCH_CONTACT_AND_PATH, "b", "Contact: <sip:b@192.0.2.1>\r\n", 1},
        {MATCH_CALL_ID, "a", "Contact: <sip:b@192.0.2.2>\r\n", 1},
        {MATCH_CALL_ID, "b", "Contact: <sip:b@192.0.2.1>\r\n", 2},
        {MATCH_CALL_ID, "a", "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.3>\r\n", 1},
        {MATCH_CALL_ID, "a", "Contact: <sip:b@192.0.2.2>" INSTANCE "\r\n", 2},
    };
    struct mock *mock = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mock->store.matching = (uint8_t)cases[i].matching;
        ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>\r\n" EDGE("1"));
        assert_int_equal(ask(mock, cases[i].call_id, 2, cases[i].fields), SIP_OK);
        assert_int_equal(mock->count, cases[i].count);
        assert_int_equal(ask(mock, "c", 3, "Contact: *\r\nExpires: 0\r\n"), SIP_OK);
    }
}

static void test_a_register_without_path_leaves_bindings_of_other_paths(void **state)
{
    static const char plain[] = "Contact: <sip:b@192.0.2.1>\r\n";
    static const char removal[] = "Contact: <sip:b@192.0.2.1>;expires=0\r\n";
    struct mock *mock = *state;
    mock->store.matching = MATCH_CONTACT_AND_PATH;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>\r\n" EDGE("1"));
    ask(mock, "b", 1, "Contact: <sip:b@192.0.2.1>\r\n" EDGE("2"));
    assert_int_equal(mock->count, 2);
    assert_int_equal(ask(mock, "c", 1, plain), SIP_OK);
    assert_int_equal(mock->count, 2);
    ask(mock, "d", 1, "Contact: <sip:b@192.0.2.1>\r\n" EDGE("1"));
    ask(mock, "d", 2, "Contact: <sip:b@192.0.2.1>\r\n" EDGE("2"));
    assert_int_equal(mock->count, 3);
    assert_int_equal(ask(mock, "c", 2, plain), SIP_OK);
    assert_int_equal(mock->count, 3);
    assert_int_equal(ask(mock, "c", 3, removal), SIP_OK);
    assert_int_equal(mock->count, 2);
    ask(mock, "d", 3, "Contact: <sip:b@192.0.2.1>;expires=0\r\n" EDGE("1"));
    ask(mock, "d", 4, "Contact: <sip:b@192.0.2.1>;expires=0\r\n" EDGE("2"));
    assert_int_equal(mock->count, 0);
}

/* The first Contact is overruled, and so is no obstacle. */
static void test_a_repeated_register_with_two_contacts_of_one_key_is_answered_again(void **state)
{
    static const char fields[] = "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.3>\r\n";
    struct mock *mock = *state;
    mock->store.matching = MATCH_CALL_ID;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ask(mock, "a", 1, fields), SIP_OK);
        assert_int_equal(mock->count, 1);
        assert_true(lists(mock, "Contact: <sip:b@192.0.2.3>;expires=3600\r\n"));
    }
    assert_int_equal(ask(mock, "a", 1, "Contact: <sip:b@192.0.2.2>\r\n"), 500);
}

/* 3261-10.3.a in the order of REGISTERs: the newest spelling is stored. */
static void test_3261_10_3_a_contacts_are_compared_as_uris(void **state)
{
    static const char *const spellings[] = {
        "sip:bob@example.com;transport=TCP;x=1", "SIP:b%6fb@EXAMPLE.com;transport=tcp;x=1",
        "sip:bob@example.com;x=1;transport=tcp", "sip:bob@example.com;Transport=tcp",
        "sip:bob@example.com;ob;transport=tcp;lr"};
    struct mock *mock = *state;
    char fields[128], listed[128];
    for (unsigned i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        snprintf(fields, sizeof fields, "Contact: <%s>\r\n", spellings[i]);
        snprintf(listed, sizeof listed, "Contact: <%s>;expires=3600\r\n", spellings[i]);
        assert_int_equal(ask(mock, "a", i + 1, fields), SIP_OK);
        assert_action(mock, 0, i == 0 ? REGISTRAR_INSERT : REGISTRAR_UPDATE);
        assert_true(lists(mock, listed));
        assert_int_equal(mock->count, 1);
    }
    /* The order of CSeq holds for the binding, whatever its spelling. */
    assert_int_equal(ask(mock, "a", 2, "Contact: <sip:bob@example.com;transport=tcp>\r\n"), 500);
    assert_int_equal(ask(mock, "a", 9, "Contact: <sip:bob@example.com;TRANSPORT=TCP>;expires=0\r\n"), SIP_OK);
    assert_action(mock, 0, REGISTRAR_REMOVE);
    assert_int_equal(mock->count, 0);
}

static void test_3261_10_3_a_contacts_that_differ_stand_side_by_side(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1,
        "Contact: <sip:bob@h>, <sip:bob@h:5060>, <sips:bob@h>, <sip:Bob@h>, <sip:bob@h;transport=udp>,\r\n"
        " <sip:bob@h;user=phone>, <sip:bob@h;maddr=h>, <sip:bob@h;ttl=1>, <sip:bob@h;method=INVITE>,\r\n"
        " <sip:bob:x@h>, <sip:bob@h?a=b>\r\n");
    assert_int_equal(mock->count, 11);
    ask(mock, "a", 2, "Contact: <sip:bob@h;x>;expires=0\r\n");
    assert_int_equal(mock->count, 10);
}

/* Equality is not transitive: a Contact may equal two that differ. It takes the place of both. */
static void test_3261_10_3_a_a_contact_that_equals_two_replaces_both(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:bob@h;x=1>, <sip:bob@h;x=2>\r\n");
    assert_int_equal(mock->count, 2);
    ask(mock, "a", 2, "Contact: <sip:bob@h>\r\n");
    assert_int_equal(mock->count, 1);
    assert_true(lists(mock, "Contact: <sip:bob@h>;"));
    ask(mock, "a", 3, "Contact: <sip:bob@h;x=1>\r\n");
    assert_true(lists(mock, "Contact: <sip:bob@h;x=1>;"));
    ask(mock, "a", 4, "Contact: <sip:bob@h;x=2>\r\n");
    ask(mock, "a", 5, "Contact: <sip:bob@h>;expires=0\r\n");
    assert_int_equal(mock->count, 0);
}

static void test_3261_10_3_a_a_store_that_cannot_change_a_contact_gets_a_new_binding(void **state)
{
    struct mock *mock = *state;
    mock->store.fixed_key = true;
    ask(mock, "a", 1, "Contact: <sip:bob@h;x>\r\n");
    ask(mock, "a", 2, "Contact: <sip:bob@h;x>\r\n");
    assert_action(mock, 0, REGISTRAR_UPDATE);
    ask(mock, "a", 3, "Contact: <sip:bob@H>\r\n");
    assert_action(mock, 0, REGISTRAR_REPLACE);
    assert_int_equal(mock->count, 1);
    assert_true(lists(mock, "Contact: <sip:bob@H>;"));
    ask(mock, "a", 4, "Contact: <sip:bob@H>" INSTANCE "\r\n");
    assert_action(mock, 0, REGISTRAR_REPLACE);
    ask(mock, "a", 5, "Contact: <sip:bob@h>" INSTANCE "\r\n");
    assert_action(mock, 0, REGISTRAR_UPDATE);
    assert_int_equal(mock->count, 1);
}

/* --- plain Contacts with an instance-id --- */

static void test_instance_a_the_newest_contact_of_an_instance_replaces_the_older(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>" INSTANCE "\r\n");
    ask(mock, "b", 1, "Contact: <sip:b@192.0.2.1>;+sip.instance=\"<urn:uuid:2>\"\r\n");
    assert_true(lists(mock, "urn:uuid:2")); /* the same Contact is one binding */
    ask(mock, "a", 2, "Contact: <sip:b@192.0.2.2>" INSTANCE "\r\n");
    assert_int_equal(mock->count, 2);
    ask(mock, "c", 1, "Contact: <sip:b@192.0.2.3>" INSTANCE "\r\n");
    assert_int_equal(mock->count, 2);
    assert_true(lists(mock, "sip:b@192.0.2.3") && lists(mock, "sip:b@192.0.2.1"));
    /* 5626-6.f: a flow of the instance stands beside it, and neither replaces the other. */
    ask(mock, "c", 2, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\r\n");
    assert_int_equal(mock->count, 3);
    ask(mock, "c", 3, "Contact: <sip:b@192.0.2.5>" INSTANCE "\r\n");
    assert_int_equal(mock->count, 3);
    assert_false(lists(mock, "sip:b@192.0.2.3"));
    /* Without an instance-id nothing is replaced. */
    ask(mock, "c", 4, "Contact: <sip:b@192.0.2.6>\r\n");
    assert_int_equal(mock->count, 4);
}

static void test_instance_a_two_contacts_in_one_register_are_both_kept(void **state)
{
    const char *const both = "Contact: <sip:b@192.0.2.1>" INSTANCE ", <sip:b@192.0.2.2>" INSTANCE "\r\n";
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.9>" INSTANCE "\r\n");
    ask(mock, "a", 2, both);
    assert_int_equal(mock->count, 2);
    assert_int_equal(ask(mock, "a", 2, both), SIP_OK);
    assert_int_equal(ask(mock, "a", 3, both), SIP_OK);
    assert_action(mock, 0, REGISTRAR_UPDATE);
    assert_action(mock, 1, REGISTRAR_UPDATE);
    assert_int_equal(mock->count, 2);
    ask(mock, "a", 4, "Contact: <sip:b@192.0.2.3>" INSTANCE "\r\n");
    assert_int_equal(mock->count, 1);
    assert_true(lists(mock, "sip:b@192.0.2.3"));
}

static void test_instance_a_only_a_contact_that_lives_replaces_another(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>" INSTANCE "\r\n");
    ask(mock, "a", 2, "Contact: <sip:b@192.0.2.2>" INSTANCE ";expires=0\r\n");
    assert_int_equal(mock->count, 1);
    ask(mock, "a", 3, "Contact: <sip:b@192.0.2.1>" INSTANCE ";expires=0, <sip:b@192.0.2.2>" INSTANCE "\r\n");
    assert_action(mock, 0, REGISTRAR_REMOVE);
    assert_action(mock, 1, REGISTRAR_INSERT);
    assert_int_equal(mock->count, 1);
    /* A REGISTER that a later one has overtaken does not bring the older Contact back. */
    assert_int_equal(ask(mock, "a", 2, "Contact: <sip:b@192.0.2.1>" INSTANCE "\r\n"), 500);
    assert_int_equal(mock->count, 1);
    assert_int_equal(mock->bindings[0]->view.cseq, 3);
}

static void test_instance_a_a_contact_finds_room_in_place_of_its_former_one(void **state)
{
    struct mock *mock = *state;
    struct binding_view view;
    mock->store.aor_most = 1;
    assert_int_equal(ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>" INSTANCE "\r\n"), SIP_OK);
    mock->store.room = 0;
    assert_int_equal(ask(mock, "b", 1, "Contact: <sip:b@192.0.2.2>" INSTANCE "\r\n"), SIP_OK);
    assert_int_equal(mock->count, 1);
    read_request(mock, "b", 2, "Contact: <sip:b@192.0.2.3>" INSTANCE "\r\n");
    assert_int_equal(registrar_plan(&mock->registrar, &mock->asked, &mock->store), 0);
    void *former = mock_next(mock, NULL, &view);
    assert_true(registrar_removes_other(&mock->registrar, former, &view));
    assert_int_equal(ask(mock, "b", 2, "Contact: <sip:b@192.0.2.3>;+sip.instance=\"<urn:uuid:2>\"\r\n"), 403);
}

static void test_of_two_contacts_of_one_key_the_living_and_the_later_prevails(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>;x=1, <sip:b@192.0.2.1>;x=2\r\n");
    assert_action(mock, 0, REGISTRAR_NOTHING);
    assert_int_equal(mock->count, 1);
    assert_true(lists(mock, ";x=2"));
    ask(mock, "a", 2, "Contact: <sip:b@192.0.2.1>;x=3, <sip:b@192.0.2.1>;expires=0\r\n");
    assert_action(mock, 0, REGISTRAR_UPDATE);
    assert_action(mock, 1, REGISTRAR_NOTHING);
    assert_int_equal(mock->count, 1);
    ask(mock, "a", 3, "Contact: <sip:b@192.0.2.1>;expires=0, <sip:b@192.0.2.1>;expires=0\r\n");
    assert_int_equal(mock->count, 0);
}

static void test_a_binding_of_another_instance_is_replaced_where_it_cannot_be_changed(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>;+sip.instance=\"<urn:uuid:2>\"\r\n");
    mock->store.fixed_key = true;
    ask(mock, "a", 2, "Contact: <sip:b@192.0.2.1>" INSTANCE "\r\n");
    assert_action(mock, 0, REGISTRAR_REPLACE);
    assert_int_equal(mock->count, 1);
    assert_true(lists(mock, "urn:uuid:1"));
}

static void test_doubles_of_others_become_one(void **state)
{
    struct mock *mock = *state;
    struct binding_view view = {.contact = TEXT("sip:b@192.0.2.1"),
                                .instance = TEXT("urn:uuid:1"),
                                .call_id = TEXT("x"),
                                .reg_id = 1,
                                .expires_at = mock->store.now - 1};
    hold(mock, view);
    view.expires_at += 100;
    hold(mock, view);
    view.contact = TEXT("sip:b@192.0.2.2");
    hold(mock, view);
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.3>" INSTANCE ";reg-id=1\r\n");
    assert_action(mock, 0, REGISTRAR_UPDATE);
    assert_int_equal(mock->count, 1);
    assert_true(lists(mock, "sip:b@192.0.2.3"));
    hold(mock, view);
    ask(mock, "a", 2, "Contact: <sip:b@192.0.2.3>" INSTANCE ";reg-id=1;expires=0\r\n");
    assert_int_equal(mock->count, 0);
}

/* --- order --- */

static void test_a_register_that_was_overtaken_changes_nothing(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 5, "Contact: <sip:b@192.0.2.1>\r\n");
    mock->store.now += 10;
    assert_int_equal(ask(mock, "a", 4, "Contact: <sip:c@192.0.2.9>, <sip:b@192.0.2.1>\r\n"), 500);
    assert_string_equal(mock->asked.phrase, "CSeq out of order");
    assert_int_equal(ask(mock, "a", 5, "Contact: <sip:b@192.0.2.1>;expires=0\r\n"), 500);
    assert_int_equal(ask(mock, "a", 5, "Contact: <sip:b@192.0.2.1>;expires=700\r\n"), 500);
    assert_int_equal(ask(mock, "a", 5, "Contact: *\r\nExpires: 0\r\n"), 500);
    assert_int_equal(mock->count, 1);
    /* Another Call-ID has an order of its own; a binding that has expired has none. */
    assert_int_equal(ask(mock, "b", 1, "Contact: <sip:b@192.0.2.1>\r\n"), SIP_OK);
    mock->store.now += 3600;
    assert_int_equal(ask(mock, "b", 1, "Contact: <sip:b@192.0.2.1>\r\n"), SIP_OK);
    assert_action(mock, 0, REGISTRAR_UPDATE);
}

static void test_a_repeated_register_is_answered_again(void **state)
{
    struct mock *mock = *state;
    const char *const fields = "Contact: <sip:b@192.0.2.1>" INSTANCE ";reg-id=1\r\n";
    ask(mock, "a", 5, fields);
    mock->store.now += 32;
    assert_int_equal(ask(mock, "a", 5, fields), SIP_OK);
    assert_action(mock, 0, REGISTRAR_NOTHING);
    assert_true(lists(mock, "expires=3568\r\n"));
    assert_int_equal(mock->registrar.flow_contact, REGISTRATION_CONTACTS_MOST);
    mock->store.now++;
    assert_int_equal(ask(mock, "a", 5, fields), 500);
}

/* --- room --- */

static void test_room_is_for_all_contacts_or_none(void **state)
{
    struct mock *mock = *state;
    mock->store.aor_most = 2;
    assert_int_equal(ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>\r\n"), SIP_OK);
    assert_int_equal(ask(mock, "a", 2, "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.3>\r\n"), 403);
    assert_string_equal(mock->asked.phrase, "Too Many Bindings");
    assert_int_equal(mock->count, 1);
    /* What is removed makes room; one key counts once. */
    assert_int_equal(
        ask(mock, "a", 3,
            "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.3>, <sip:b@192.0.2.3>, <sip:b@192.0.2.1>;expires=0\r\n"),
        SIP_OK);
    assert_int_equal(mock->count, 2);
    assert_int_equal(ask(mock, "a", 4, "Contact: <sip:b@192.0.2.2>\r\n"), SIP_OK);
    /* Neither do expired bindings count, unless they come to life again. */
    mock->store.now += 3600;
    assert_int_equal(ask(mock, "a", 5, "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.7>, <sip:b@192.0.2.8>\r\n"), 403);
    assert_int_equal(ask(mock, "a", 6, "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.7>\r\n"), SIP_OK);
}

static void test_room_of_the_whole_store(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>\r\n");
    mock->store.room = 0;
    assert_int_equal(ask(mock, "a", 2, "Contact: <sip:b@192.0.2.2>\r\n"), 403);
    assert_int_equal(ask(mock, "a", 3, "Contact: <sip:b@192.0.2.1>;q=0.1\r\n"), SIP_OK);
    assert_int_equal(ask(mock, "a", 4, "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.1>;expires=0\r\n"), SIP_OK);
    assert_int_equal(mock->count, 1);
}

static void test_the_bindings_of_an_aor_have_a_size(void **state)
{
    struct mock *mock = *state;
    static char path[60000];
    memset(path, 'p', sizeof path);
    struct binding_view view = {.contact = TEXT("sip:b@192.0.2.1"),
                                .path = {path, sizeof path},
                                .call_id = TEXT("x"),
                                .expires_at = mock->store.now + 100};
    hold(mock, view);
    char fields[4096];
    snprintf(fields, sizeof fields, "Contact: <sip:b@192.0.2.2>;x=%01900d\r\n", 0);
    assert_int_equal(ask(mock, "a", 1, fields), SIP_OK);
    view.path.length = 5000;
    view.contact = TEXT("sip:b@192.0.2.3");
    hold(mock, view);
    assert_int_equal(ask(mock, "b", 1, fields), 403);
    /* The one that is replaced does not count. */
    assert_int_equal(ask(mock, "b", 2, "Contact: <sip:b@192.0.2.1>\r\n"), SIP_OK);
}

/* --- failures --- */

/* Each change fails once: nothing is inserted or removed, and the answer is 503. */
static void test_a_change_that_fails_leaves_what_stood(void **state)
{
    struct mock *mock = *state;
    const char *const fields = "Contact: <sip:b@192.0.2.1>;expires=0, <sip:b@192.0.2.3>, <sip:b@192.0.2.2>, "
                               "<sip:b@192.0.2.4>\r\n";
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>, <sip:b@192.0.2.2>\r\n");
    for (mock->fail_at = 1; mock->fail_at <= 3; mock->fail_at++) {
        assert_int_equal(ask(mock, "a", 1 + mock->fail_at, fields), 503);
        assert_int_equal(mock->count, 2);
        struct binding_view first;
        mock_next(mock, NULL, &first);
        assert_true(text_equal(first.contact, TEXT("sip:b@192.0.2.1")));
    }
    assert_int_equal(ask(mock, "a", 9, fields), SIP_OK);
    assert_int_equal(mock->count, 3);
}

static void test_a_database_that_fails_is_reported(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>, <sip:b@192.0.2.2>\r\n");
    mock->remove_fails = true;
    assert_int_equal(ask(mock, "a", 2, "Contact: *\r\nExpires: 0\r\n"), 500);
    assert_int_equal(mock->count, 0);
}

static void test_every_allocation_of_the_answer_fails_once(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>" INSTANCE ";reg-id=1\r\n");
    bool failed = true;
    for (unsigned nth = 1; failed; nth++) {
        sip_buffer_destroy(&mock->fields);
        mock->fields = (struct sip_buffer){.host = &mock->fake.host};
        mock->fake.fail_after = mock->fake.calls + nth;
        registrar_confirm(&mock->registrar, false, 120, &mock->fields);
        mock->fake.fail_after = 0;
        failed = mock->fields.failed;
        assert_true(nth < 100);
    }
    assert_true(lists(mock, "Flow-Timer: 120\r\n"));
}

/* --- the answer --- */

static void test_5626_6_h_the_answer_lists_all_or_the_own_bindings(void **state)
{
    struct mock *mock = *state;
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>\r\n");
    ask(mock, "b", 1, "Contact: <sip:b@192.0.2.2>" INSTANCE ";reg-id=1\r\n");
    assert_true(lists(mock, "192.0.2.1") && lists(mock, "192.0.2.2") && lists(mock, "Require: outbound\r\n"));
    sip_buffer_clear(&mock->fields);
    registrar_confirm(&mock->registrar, true, 0, &mock->fields);
    assert_true(!lists(mock, "192.0.2.1") && lists(mock, "192.0.2.2"));
    mock->store.now += 3600;
    sip_buffer_clear(&mock->fields);
    registrar_confirm(&mock->registrar, false, 0, &mock->fields);
    assert_false(lists(mock, "Contact"));
}

static void test_a_flow_comes_up_with_its_first_outbound_binding(void **state)
{
    struct mock *mock = *state;
    struct script_flow flow;
    const struct text aor = TEXT("sip:bob@example.com"), text = TEXT("udp 192.0.2.4:5060");
    ask(mock, "a", 1, "Contact: <sip:b@192.0.2.1>\r\n");
    assert_false(registrar_flow_up(&mock->registrar, aor, text, &flow));
    ask(mock, "a", 2, "Contact: <sip:b@192.0.2.1>" INSTANCE ";reg-id=3\r\n");
    assert_true(registrar_flow_up(&mock->registrar, aor, text, &flow));
    assert_int_equal(flow.reg_id, 3);
    assert_true(text_equal(flow.instance, TEXT("urn:uuid:1")) && text_equal(flow.aor, aor));
    mock->outbound = true;
    ask(mock, "a", 3, "Contact: <sip:b@192.0.2.1>" INSTANCE ";reg-id=4\r\n");
    assert_false(registrar_flow_up(&mock->registrar, aor, text, &flow));
    mock->outbound = false; /* over an edge's flow */
    ask(mock, "a", 4, "Path: <sip:edge@192.0.2.8;lr;ob>\r\nContact: <sip:b@192.0.2.1>" INSTANCE ";reg-id=5\r\n");
    assert_false(registrar_flow_up(&mock->registrar, aor, text, &flow));
    ask(mock, "a", 5, "Contact: <sip:b@192.0.2.1>" INSTANCE ";reg-id=5;expires=0\r\n");
    assert_false(registrar_flow_up(&mock->registrar, aor, text, &flow));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_code_2xx_register_contacts_are_inserted_updated_and_removed),
        TEST(test_5626_6_g_the_key_of_a_flow_is_instance_and_reg_id),
        TEST(test_what_identifies_a_plain_contact_is_the_hosts_choice),
        TEST(test_a_register_without_path_leaves_bindings_of_other_paths),
        TEST(test_a_repeated_register_with_two_contacts_of_one_key_is_answered_again),
        TEST(test_3261_10_3_a_contacts_are_compared_as_uris),
        TEST(test_3261_10_3_a_contacts_that_differ_stand_side_by_side),
        TEST(test_3261_10_3_a_a_contact_that_equals_two_replaces_both),
        TEST(test_3261_10_3_a_a_store_that_cannot_change_a_contact_gets_a_new_binding),
        TEST(test_instance_a_the_newest_contact_of_an_instance_replaces_the_older),
        TEST(test_instance_a_two_contacts_in_one_register_are_both_kept),
        TEST(test_instance_a_only_a_contact_that_lives_replaces_another),
        TEST(test_instance_a_a_contact_finds_room_in_place_of_its_former_one),
        TEST(test_of_two_contacts_of_one_key_the_living_and_the_later_prevails),
        TEST(test_a_binding_of_another_instance_is_replaced_where_it_cannot_be_changed),
        TEST(test_doubles_of_others_become_one),
        TEST(test_a_register_that_was_overtaken_changes_nothing),
        TEST(test_a_repeated_register_is_answered_again),
        TEST(test_room_is_for_all_contacts_or_none),
        TEST(test_room_of_the_whole_store),
        TEST(test_the_bindings_of_an_aor_have_a_size),
        TEST(test_a_change_that_fails_leaves_what_stood),
        TEST(test_a_database_that_fails_is_reported),
        TEST(test_every_allocation_of_the_answer_fails_once),
        TEST(test_5626_6_h_the_answer_lists_all_or_the_own_bindings),
        TEST(test_a_flow_comes_up_with_its_first_outbound_binding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
