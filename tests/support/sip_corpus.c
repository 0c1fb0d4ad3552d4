// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sip_corpus.h"

#define VIA "Via: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK776asdhds\r\n"
#define PEOPLE                                                                                                         \
    "From: Alice <sip:alice@example.org>;tag=1928301774\r\n"                                                           \
    "To: Bob <sip:bob@example.com>\r\n"                                                                                \
    "Call-ID: a84b4c76e66710@pc33.example.com\r\n"
#define DIALOG                                                                                                         \
    "From: Alice <sip:alice@example.org>;tag=1928301774\r\n"                                                           \
    "To: Bob <sip:bob@example.com>;tag=a6c85cf\r\n"                                                                    \
    "Call-ID: a84b4c76e66710@pc33.example.com\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"

static const char *const CORPUS[] = {
    "INVITE sip:bob@example.com SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n" PEOPLE
    "CSeq: 314159 INVITE\r\nContact: <sip:alice@pc33.example.com>\r\nContent-Type: application/sdp\r\n"
    "Content-Length: 4\r\n\r\nv=0\n",
    "SIP/2.0 100 Trying\r\n" VIA PEOPLE "CSeq: 314159 INVITE\r\n" EMPTY,
    "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/TCP proxy.example.com:5060;branch=z9hG4bK1, SIP/2.0/UDP "
    "pc33.example.com;branch=z9hG4bK776asdhds;received=192.0.2.1;rport=5062\r\n" DIALOG
    "CSeq: 314159 INVITE\r\nRecord-Route: <sip:proxy.example.com;lr>, <sip:other.example.com;lr;ob>\r\n" EMPTY,
    "SIP/2.0 200 OK\r\nv: SIP/2.0/TLS [2001:db8::9:1]:5061;branch=z9hG4bK2\r\n" VIA DIALOG
    "CSeq: 314159 INVITE\r\nm: \"Bob, at \\\"home\\\"\" <sip:bob@[2001:db8::4]:5060;transport=tcp>\r\nl: 0\r\n\r\n",
    "ACK sip:bob@192.0.2.4 SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n" DIALOG "CSeq: 314159 ACK\r\n" EMPTY,
    "BYE sip:alice@pc33.example.com SIP/2.0\r\n" VIA "Max-Forwards: 70\r\nRoute: <sip:a.example.com;lr>,\r\n "
    "<sip:b.example.com;lr>\r\nRoute: <sip:c.example.com;lr>\r\n" DIALOG "CSeq: 231 BYE\r\n" EMPTY,
    "CANCEL sip:bob@example.com SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n" PEOPLE "CSeq: 314159 CANCEL\r\n" EMPTY,
    "REGISTER sip:example.com SIP/2.0\r\n"
    "Via: SIP/2.0/TCP 192.0.2.2;branch=z9hG4bKnashds7;rport\r\n"
    "Max-Forwards: 70\r\nPath: <sip:token@edge.example.com;lr;ob>\r\n"
    "From: Bob <sip:bob@example.com>;tag=7F94778B653B\r\nTo: Bob <sip:bob@example.com>\r\n"
    "Call-ID: 16CB75F21C70\r\nCSeq: 1 REGISTER\r\nSupported: path, outbound\r\n"
    "Contact: <sip:line1@192.0.2.2;transport=tcp>;reg-id=1;q=0.7;expires=600;"
    "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"\r\n" EMPTY,
    "REGISTER sip:example.com SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n" PEOPLE
    "CSeq: 2 REGISTER\r\nContact: *\r\nExpires: 0\r\n" EMPTY,
    "SIP/2.0 200 OK\r\n" VIA DIALOG "CSeq: 1 REGISTER\r\nRequire: outbound\r\nFlow-Timer: 25\r\n"
    "Service-Route: <sip:home.example.com;lr>\r\nContact: <sip:line1@192.0.2.2>;expires=3600\r\n" EMPTY,
    "SIP/2.0 401 Unauthorized\r\n" VIA DIALOG "CSeq: 1 REGISTER\r\nWWW-Authenticate: Digest realm=\"example.com\", "
    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", qop=\"auth,auth-int\"\r\n" EMPTY,
    "SIP/2.0 423 Interval Too Brief\r\n" VIA DIALOG "CSeq: 1 REGISTER\r\nMin-Expires: 600\r\n" EMPTY,
    "SIP/2.0 422 Session Interval Too Small\r\n" VIA DIALOG "CSeq: 1 INVITE\r\nMin-SE: 90;x=1\r\n" EMPTY,
    "SIP/2.0 503 Service Unavailable\r\n" VIA DIALOG "CSeq: 5 OPTIONS\r\n"
    "Retry-After: 120 (back (soon)) ;duration=3600\r\n" EMPTY,
    "SIP/2.0 430 Flow Failed\r\n" VIA DIALOG "CSeq: 5 MESSAGE\r\n" EMPTY,
    "SUBSCRIBE sip:bob@example.com SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n" PEOPLE
    "CSeq: 4 SUBSCRIBE\r\no: presence\r\nExpires: 3600\r\nContact: <sip:alice@pc33.example.com;ob>\r\n" EMPTY,
    "NOTIFY sip:alice@pc33.example.com SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n" DIALOG
    "CSeq: 8 NOTIFY\r\nEvent: presence\r\nSubscription-State: active;expires=599\r\n"
    "Content-Type: application/pidf+xml\r\nContent-Length: 11\r\n\r\n<presence/>",
    "MESSAGE tel:+1-201-555-0123 SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
    "From: tel:+358-555-1234567;tag=4fxaed73sl\r\nt: sip:bob@example.com;user=phone;tag=7\r\n"
    "i: m1\r\nCSeq: 1 MESSAGE\r\nSubject: lunch?\r\nX-Odd: ;;,,;\"\r\n\r\nhello",
    "OPTIONS sips:carol:secret@chicago.example.com:5061;transport=tcp;method=REGISTER SIP/2.0\r\n"
    "v :\r\n SIP / 2.0 / TCP\r\n\tfirst.example.com ; branch = z9hG4bK9 , SIP/2.0/UDP second.example.com\r\n"
    "MAX-FORWARDS: 0\r\nf: \"A. \\\"B\\\" C\" <sip:c@chicago.example.com> ; tag = 3\r\n"
    "t:<sip:%41lice%40home@example.com>\r\ni:o1@x\r\nCSeq: 0009\r\n OPTIONS\r\nProxy-Require: a , b,c\r\nl:0\r\n\r\n",
    "PUBLISH sip:presentity@example.com SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n" PEOPLE
    "CSeq: 1 PUBLISH\r\nSIP-If-Match: dx200xyz\r\nExpires: 1800\r\nEvent: presence\r\nTimestamp: 54\r\n" EMPTY,
};

size_t sip_corpus_count(void)
{
    return sizeof CORPUS / sizeof CORPUS[0];
}

struct text sip_corpus_at(size_t index)
{
    return text_of(CORPUS[index]);
}

void guard_create(struct guard *guard, size_t capacity)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guard->size = (capacity + page - 1) / page * page;
    guard->map = mmap(NULL, guard->size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard->map == MAP_FAILED || mprotect(guard->map + guard->size, page, PROT_NONE) != 0)
        abort();
}

const char *guard_put(struct guard *guard, const char *bytes, size_t length)
{
    char *at = guard->map + guard->size - length;
    if (length > guard->size)
        abort();
    memcpy(at, bytes, length);
    return at;
}

void guard_destroy(struct guard *guard)
{
    munmap(guard->map, guard->size + (size_t)sysconf(_SC_PAGESIZE));
}
