-- SPDX-License-Identifier: BSD-2-Clause
-- What sets apart two codes that are easily confused, in English; the lower code comes first in the key.
return {
    ["100-180"] = "100 speaks for the next hop alone and is never forwarded; 180 comes from the called side and \z
        means that somebody is being alerted.",
    ["100-183"] = "100 comes from the next hop and carries no SDP; 183 comes from further on, creates an early \z
        dialog and may bring early media.",
    ["180-181"] = "180: a phone is ringing. 181: the call is still on its way to another destination.",
    ["180-182"] = "180: a phone is ringing now. 182: the call waits in a queue until somebody is free.",
    ["180-183"] = "180 asks the caller's phone to make the ringing sound; 183 with SDP has it play what the far end \z
        sends. A proxy treats both alike, and an unknown 1xx counts as 183.",
    ["181-302"] = "181 is sent while the server itself diverts the call; 302 hands the new address back and leaves \z
        the diverting to the proxy or caller before it.",
    ["182-480"] = "182 keeps the call waiting, 480 rejects it: queue if somebody will be free soon, reject if not.",
    ["182-486"] = "182 keeps the call waiting for somebody who is busy, 486 rejects it.",
    ["183-199"] = "183 opens or continues an early dialog; 199 closes one, while the call goes on.",
    ["199-487"] = "199 ends one early dialog and is not final; 487 is the final answer to an INVITE that was \z
        cancelled. 199 may carry 487 as the cause in Reason.",
    ["200-202"] = "To SUBSCRIBE and REFER, 202 is deprecated and read as 200: only the NOTIFY shows whether a \z
        subscription was granted or is pending. To MESSAGE, 202 says that the message was stored or passed on, not \z
        that it was delivered.",
    ["200-204"] = "Both accept a SUBSCRIBE. A NOTIFY follows 200; none follows 204, because the subscriber already \z
        has the current state.",
    ["200-430"] = "200 is the answer of the called side: the request succeeded, and the search is over. 430 does not \z
        come from the phone at all: an edge proxy reports that its connection to the phone is gone, and the proxy \z
        before it tries another flow.",
    ["202-204"] = "202 is the old \"accepted\", with a NOTIFY to come; 204 means that none will come.",
    ["300-301"] = "300 offers several addresses to choose from, for this call; 301 gives the new one for good.",
    ["300-302"] = "300 offers alternatives to choose from; 302 sends this call to where the user is at the moment. \z
        Routing servers use both for lists of trunks.",
    ["300-485"] = "Both list Contacts. With 300 every choice leads to the same user or service, so a program may \z
        choose; with 485 they are different people, and a person must.",
    ["301-302"] = "The difference is how long to remember it: 301 replaces the address for good, 302 holds for this \z
        call, or until its Expires.",
    ["301-410"] = "Both report that the old address is no longer valid; 301 gives the new one, 410 does not.",
    ["302-305"] = "302 replaces the destination; 305 keeps it and names the proxy through which to reach it.",
    ["302-380"] = "302 gives an address that can be called at once; 380 describes another service in its body.",
    ["400-415"] = "400: the message itself is malformed. 415: it is well formed, but the body's type is not \z
        supported.",
    ["400-420"] = "400: the syntax is wrong. 420: the syntax is right, but Require or Proxy-Require names an unknown \z
        extension.",
    ["400-430"] = "430 is meant only for the proxies of an outbound registration; an endpoint that receives it \z
        anyway treats it as 400.",
    ["400-500"] = "400 blames the request, 500 the server: the caller can do something only about the first.",
    ["401-403"] = "401 asks for credentials and invites another try; 403 refuses for good, whatever the \z
        credentials.",
    ["401-407"] = "401 comes from the far end (registrar, PBX, phone) with WWW-Authenticate and is answered with \z
        Authorization; 407 comes from a proxy on the way with Proxy-Authenticate and is answered with \z
        Proxy-Authorization. A forking proxy merges the challenges of both.",
    ["401-494"] = "401 asks for the user's credentials; 494 first asks to agree on how the connection is secured.",
    ["402-403"] = "402 is reserved and unspecified; in practice it means that there is no credit. 403 refuses by \z
        policy, and every client knows it.",
    ["403-404"] = "403: the server may know the user and refuses. 404: there is no such user. Some servers answer \z
        403 to both, so as not to reveal who exists.",
    ["403-407"] = "Credentials help after 407, and not after 403.",
    ["403-433"] = "433 tells the caller that showing the identity would help; 403 gives no such hint.",
    ["403-470"] = "After 470, the request succeeds once the recipients have consented; 403 names no remedy.",
    ["403-488"] = "403 refuses the call itself, 488 only the session that was offered.",
    ["403-603"] = "403 is a server's policy and leaves other branches alone; 603 is the user's own refusal and ends \z
        the search everywhere. Carriers use both for blocked calls: look at who sent it.",
    ["404-410"] = "404: not known here, perhaps never was. 410: it existed and is gone for good; if the server \z
        cannot tell, it says 404.",
    ["404-416"] = "416: the server cannot read this kind of address at all. 404: it can read the address, and finds \z
        nobody there.",
    ["404-480"] = "404: the user does not exist. 480: the user exists but cannot be reached now. A known user \z
        without a registered phone gets 480, not 404.",
    ["404-481"] = "404: the user in the Request-URI is not known. 481: the call or transaction that the request \z
        belongs to is not known.",
    ["404-484"] = "484 asks for more digits; with 404, more digits would not help.",
    ["404-604"] = "404 speaks for one server, and others may still be tried; 604 speaks for all and ends the \z
        search.",
    ["405-501"] = "405: the method is known but not allowed for this address, and Allow lists what is. 501: the \z
        method is not known at all.",
    ["406-415"] = "415 objects to the body of the request; 406 to the Accept that excludes every possible answer.",
    ["406-488"] = "406 is about the type of the answer's body, 488 about the session offered (codecs, encryption, \z
        addresses). For media that do not match, 488 is right.",
    ["406-606"] = "They share a phrase and little else: 406 is about Accept and the type of the answer's body, 606 \z
        about a session that suits none of the user's devices.",
    ["408-430"] = "After 430 another flow of the same phone is tried, because the first one is known to be dead. \z
        After 408 it may be tried, but the phone may already have the request. 408 may reach the caller, 430 never.",
    ["408-480"] = "408: nobody answered the request. 480: somebody answered and said that the user cannot be \z
        reached.",
    ["408-487"] = "408: the search ended without an answer. 487: the caller, or a timer on its side, ended the call \z
        with CANCEL or BYE.",
    ["408-503"] = "A timeout acts as 408, a failed connection as 503. RFC 3263 fail-over tries the next server after \z
        503, and after a timeout only if nothing at all was received; a 408 that a server sent is an answer.",
    ["408-504"] = "408: the called side did not answer the request. 504: a server waited in vain for something else \z
        (database, DNS, another network), and reports that itself.",
    ["410-430"] = "430: one connection is gone, but the phone may be reached over another. 410: the address itself \z
        is gone for good.",
    ["410-604"] = "410: gone for good from this server. 604: exists nowhere, and the search ends.",
    ["412-423"] = "Both can answer the refresh of a PUBLISH: 423 wants a longer Expires on the same publication, \z
        412 a new publication without the old entity-tag.",
    ["413-414"] = "413 objects to the body, 414 to the Request-URI.",
    ["413-513"] = "413: the body is too large. 513: the message as a whole is, headers included. 413 may pass with \z
        time, if it has Retry-After.",
    ["414-513"] = "414 is about the Request-URI alone, 513 about the whole message.",
    ["415-488"] = "415: the type of the body is not supported (it is not SDP, for example). 488: the SDP was read, \z
        and what it offers is not acceptable.",
    ["415-493"] = "415: the type of the body is not supported. 493: it is, but there is no key to decrypt the body.",
    ["420-421"] = "Mirror images: 420 rejects an extension that the client demands; 421 demands an extension that \z
        the client does not offer.",
    ["420-501"] = "420: an option tag in Require or Proxy-Require is not known. 501: the method is not known.",
    ["421-439"] = "421: the client lacks an extension that the server needs. 439: the first proxy between client and \z
        registrar lacks support for outbound.",
    ["421-494"] = "Both come up with sec-agree: 421 when the client did not even say that it supports it, 494 when \z
        it did and the agreement must now be made.",
    ["422-423"] = "422 is about the session timer of a call (Session-Expires, answered with Min-SE); 423 about the \z
        lifetime of a registration, subscription or publication (Expires, answered with Min-Expires).",
    ["424-425"] = "424 rejects the location in the request, 425 the alert (CAP document). Both name the error in a \z
        header of their own and end no dialog.",
    ["424-428"] = "424: the location in the request is not usable. 428: the signature is missing altogether.",
    ["428-429"] = "428 asks the caller to sign the request; 429 asks whoever referred the call for a signed token.",
    ["428-436"] = "428: no signature that the verifier supports. 436: there is one, but its credentials cannot be \z
        fetched.",
    ["428-437"] = "428: no signature that the verifier supports. 437: there is one, but its certificate is not \z
        accepted.",
    ["428-438"] = "428: the request has no signature that the verifier supports. 438: it has one, and the signature \z
        does not verify.",
    ["430-439"] = "430 reports that a flow is dead, 439 that flows are impossible through this first hop. 430 answers \z
        requests to a phone, 439 only a REGISTER from it.",
    ["430-480"] = "430 is the report of an edge proxy, to the proxy before it, about one flow; 480 is what the \z
        caller gets when no flow is left.",
    ["430-486"] = "430 does not come from the phone, so another flow to it is tried. 486 does: the phone has \z
        answered, and no other flow to it is tried.",
    ["430-503"] = "430 concerns one flow to one phone, 503 a whole server. After 430 the same server may be used \z
        for the next flow; after 503 with Retry-After it is left alone for that time.",
    ["433-603"] = "433 gives the reason (anonymity) and with it the way out; 603 gives none and ends the search.",
    ["433-607"] = "433 refuses callers who withhold their identity; 607 refuses this caller because of who it is.",
    ["436-437"] = "436: the certificate cannot be fetched. 437: it was fetched, and is not trusted or not \z
        supported.",
    ["436-438"] = "436: the certificate cannot be fetched, so nothing was verified. 438: the signature was checked, \z
        and it does not match.",
    ["437-438"] = "437 rejects the certificate, 438 the signature. After 437, sign with a certificate from a trusted \z
        authority; after 438, find what changes the request after it was signed.",
    ["439-555"] = "Both refuse a REGISTER because the network lacks something: 555 the push service asked for, 439 \z
        outbound in the first proxy. Without that demand the registration goes through.",
    ["440-482"] = "440: too many branches would run in parallel. 482: the request has come back to the same place.",
    ["440-483"] = "440 stops a forked search that is too broad (Max-Breadth), 483 one that is too deep \z
        (Max-Forwards).",
    ["469-489"] = "Both reject a package that is not known: 469 an Info Package in an INFO within a call, 489 an \z
        event package in SUBSCRIBE, NOTIFY or PUBLISH. 469 never ends the dialog usage; 489 ends the subscription.",
    ["480-486"] = "480: the user is not available, for whatever reason. 486: the phone was reached and is busy. \z
        Neither affects the other branches.",
    ["480-487"] = "480: the callee was not available. 487: the caller gave up first.",
    ["480-503"] = "480 is about one user, 503 about the whole server: fail over on 503, never on 480.",
    ["480-600"] = "480 speaks for one place and lets the search go on; 600 reports the user busy everywhere and \z
        ends it.",
    ["480-603"] = "480 says \"not now\" and lets the search go on; 603 says \"no\" and ends it.",
    ["481-482"] = "481: the receiver knows nothing of the call. 482: a server or phone has seen the same request \z
        already.",
    ["481-483"] = "481: the request reached its destination, which does not know the call. 483: it never got there, \z
        because Max-Forwards ran out.",
    ["481-487"] = "481 to a CANCEL: it came too late, or to the wrong place, and ended nothing. 487 to the INVITE: \z
        the CANCEL worked.",
    ["482-483"] = "482 recognises the loop by the request itself; 483 only counts hops, and so stops loops in which \z
        the request changes. Either way, the routing must be corrected.",
    ["484-485"] = "484: the address is too short to tell who is meant. 485: it is complete, but matches several \z
        people.",
    ["486-487"] = "486: the phone rejects the call. 487: the caller ended it. Go on to voicemail after 486, never \z
        after 487.",
    ["486-491"] = "491 is a collision within a call, over in seconds; 486 is a busy phone.",
    ["486-600"] = "486 speaks for one phone, so that others and voicemail may still answer; 600 speaks for the \z
        user, cancels all other branches and outranks every other final answer but 2xx.",
    ["486-603"] = "486: this device is busy, the search goes on. 603: the user declines, the search ends. A reject \z
        button should send 486 unless the user means every device.",
    ["488-580"] = "488: codecs, encryption or addresses do not suit the phone. 580: they do, but the resources (QoS) \z
        that the offer requires are not available.",
    ["488-606"] = "The same objection with different reach: 488 speaks for one device, and another may accept; 606 \z
        speaks for all of the user's devices and ends the search.",
    ["491-500"] = "Both answer a re-INVITE that crosses another. 491: the receiver has sent one of its own that is \z
        still open. 500 with Retry-After up to 10 s: it has received an earlier one and not answered it yet.",
    ["500-502"] = "500: this server failed. 502: it works, but the next one gave it an invalid answer.",
    ["500-503"] = "500: something broke. 503: no capacity now, go elsewhere. 503 without Retry-After counts as 500, \z
        and a proxy passes 503 upstream as 500.",
    ["500-504"] = "500: this server failed. 504: it works, but something that it depends on was too slow.",
    ["501-505"] = "501: the method is not known. 505: the version of the protocol is not supported.",
    ["502-503"] = "502: the next server sent an invalid answer. 503: this server, or the way to the next, has no \z
        capacity. Only 503 is a reason for RFC 3263 fail-over.",
    ["502-504"] = "502: the next server sent an invalid answer. 504: a server that was needed sent none in time.",
    ["503-504"] = "503: this server cannot serve now, so try another. 504: the server works, but waited in vain for \z
        something behind it.",
    ["503-600"] = "503: the server is overloaded. 600: the person is busy. After 503 another server is tried, after \z
        600 nothing more.",
    ["600-603"] = "600 gives the reason, busy everywhere; 603 gives none. For the search both are alike: it ends.",
    ["600-604"] = "600: the user exists and is busy. 604: there is no such user anywhere.",
    ["603-604"] = "603: the user exists and refuses. 604: there is no such user.",
    ["603-607"] = "603 declines this call. 607 declines the caller as unwanted, and the provider may use it against \z
        later calls.",
    ["603-608"] = "603 means that the user has declined; 608 reports the decision of a machine in the network, \z
        with a contact for redress. Some networks still send 603 where 608 is meant.",
    ["607-608"] = "607: the person called pressed the button. 608: an algorithm decided before the phone rang, and \z
        Call-Info may name a contact for redress.",
}
