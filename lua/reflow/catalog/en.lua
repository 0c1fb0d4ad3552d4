-- SPDX-License-Identifier: BSD-2-Clause
-- What each registered response code means, in English: description, when you see it, how to fix it, and when a
-- server should choose it. Every catalog has the same codes and members.
return {
    [100] = {
        description = "The next hop has the request and is working on it. It stops the retransmissions of an INVITE \z
            over UDP and means nothing more: perhaps no phone rings yet. It creates no dialog and never travels \z
            further than one hop.",
        when = "Within 200 ms of nearly every INVITE, from the proxy or PBX next to you. A trace with 100 and nothing \z
            after it means that your neighbour is alive and whatever lies beyond it is silent.",
        fix = "Nothing to fix. If it is all you ever see, look for the INVITE that your neighbour sent on, and for \z
            the DNS, database or timer that holds it. If even 100 is missing, the request or its answer was lost: \z
            check addresses, NAT and firewall.",
        use = "Send it at once when a final answer to an INVITE will take longer than 200 ms.",
    },
    [180] = {
        description = "The called phone is alerting its user. The To tag creates an early dialog, and the caller \z
            plays its own ringback unless media arrives. Alert-Info may name the tone to play.",
        when = "After 100 and before the answer of an ordinary call. A forked call gives one 180 per ringing phone, \z
            each with its own To tag.",
        fix = "Nothing to fix. If the caller hears silence, look for an earlier 183 with SDP: many phones then wait \z
            for early media and play no ringback. If it rings until the call fails, check which timer or no-answer \z
            rule ends it and whether voicemail is configured.",
        use = "Send it when the user is being alerted and the caller should make the ringing sound itself.",
    },
    [181] = {
        description = "A server on the way is sending the call to a destination other than the one dialled. It only \z
            informs the caller: the answer comes later, from the new destination. History-Info or Diversion shows \z
            where the call has been.",
        when = "From a PBX or application server with call forwarding, usually between 100 and the 180 of the new \z
            destination.",
        fix = "Nothing to fix. If the forwarding was not wanted, look at the forwarding settings of the called user; \z
            if the call dies after it, look at the leg to the new destination, and for a forwarding loop (482, 483).",
        use = "Send it when the call is being diverted and the caller should know before it rings elsewhere.",
    },
    [182] = {
        description = "The called side is not free now and has put the call into a queue instead of rejecting it. \z
            The reason phrase may give the position in the queue, and further 182 responses may update it. The \z
            final answer follows when somebody is free.",
        when = "From call centres and attendant consoles. Many phones show it as ringing or ignore it.",
        fix = "Nothing to fix. Send 182 again every minute and make sure that it restarts timer C (over 3 minutes) in \z
            each proxy, so that long waits are not cut off. For music while waiting, answer the call or use 183 with \z
            SDP.",
        use = "Send it when the call waits for a free agent and the caller should know that it waits in a queue.",
    },
    [183] = {
        description = "The call is progressing in a way that no other 1xx describes. Typically it carries SDP for \z
            early media, so that the caller hears the far network's tones or announcements. It creates an early \z
            dialog, like 180.",
        when = "From gateways and carriers, with ringback or \"the number is not in service\" played before the call \z
            is answered or fails.",
        fix = "Nothing to fix as such. If no sound follows 183, check that RTP reaches the caller before the 200 \z
            (NAT, SBC latching), that the SDP's address is right, and that 100rel (PRACK) works if Require names it. \z
            Double or missing ringback: keep to either 180 or 183 with SDP.",
        use = "Send it when early media or other call progress must reach the caller, and 180 alone does not convey \z
            it.",
    },
    [199] = {
        description = "One early dialog of a forked call has ended although the call as a whole goes on. Reason \z
            carries the code that ended it. The caller may free that branch's media resources at once, without \z
            waiting for the final answer.",
        when = "Only where the INVITE had Supported: 199 and did not require 100rel. Sent by the forking proxy when \z
            one branch fails and others still ring, seldom by the phone itself.",
        fix = "Nothing to fix: drop that early dialog, stop its media, send it nothing more, and go on waiting. If \z
            it confuses the caller's equipment, take 199 out of its Supported.",
        use = "Send it when a branch of a forked call has failed, others go on, and the INVITE had Supported: 199.",
    },
    [200] = {
        description = "The request succeeded. What that means depends on the method: an answered call with SDP, a \z
            binding with its Contact and expiry, a subscription, or a list of capabilities. The caller acknowledges a \z
            200 to INVITE with an ACK of its own, and the callee repeats the 200 until that ACK arrives.",
        when = "At the end of every successful transaction. Repeated 200s to one INVITE are retransmissions: the \z
            ACK does not arrive.",
        fix = "Nothing to fix, unless it repeats or the call drops after 32 s: then the ACK is lost. Check Contact \z
            and Record-Route in the 200 (private address, wrong port or transport) and the route that the ACK \z
            takes. A second 200 with another To tag is a second phone that answered: ACK it, then BYE.",
        use = "Send it when the request has been carried out.",
    },
    [202] = {
        description = "An old way to say that a SUBSCRIBE or REFER was accepted for processing. For these it is \z
            deprecated: a receiver treats it as 200, and a new implementation sends 200. The NOTIFY that follows \z
            shows whether the subscription was granted. To a MESSAGE it means \"stored or passed on, not delivered \z
            yet\" (RFC 3428).",
        when = "From older phones and PBXs, to REFER (call transfer) and SUBSCRIBE. To MESSAGE, from servers that \z
            keep it until the recipient is there, and from gateways to other networks.",
        fix = "Read it exactly as 200 and wait for the NOTIFY. If your own server sends it to SUBSCRIBE or REFER, \z
            change that to 200. If you must know whether a MESSAGE was delivered, ask for a notification (IMDN, RFC \z
            5438).",
        use = "Send it only to a MESSAGE that you store or pass to another network. Answer SUBSCRIBE and REFER with \z
            200, whatever the NOTIFY will report.",
    },
    [204] = {
        description = "The SUBSCRIBE refresh succeeded, and because the subscriber already has the current state no \z
            NOTIFY will follow. Expires gives the new lifetime. This saves a full notification at every refresh.",
        when = "Only where the refresh had a Suppress-If-Match whose entity-tag matches what the notifier would \z
            have sent. Rare outside presence servers that support conditional notification.",
        fix = "Nothing to fix: keep the state you have, and refresh before Expires. If the subscriber waits for a \z
            NOTIFY and gives up, something on the way (a B2BUA, often) does not know conditional notification: \z
            refresh without Suppress-If-Match.",
        use = "Send it to a refresh whose Suppress-If-Match matches, so that no NOTIFY need be sent.",
    },
    [300] = {
        description = "The address stands for several places, listed as Contacts, and the caller is to choose. q \z
            values give the order that the server prefers. No call has been set up yet.",
        when = "From redirect servers, number-portability and least-cost-routing servers that list trunks, in the \z
            order in which to try them.",
        fix = "Have your proxy or SBC follow the Contacts by q, or let the user choose. If the call stops there, \z
            recursion is switched off in the proxy, or the Contacts do not resolve. Follow only redirects from \z
            servers you trust: a 300 from anybody else can point to expensive numbers.",
        use = "Send it when several destinations are possible and the server does not proxy the request itself.",
    },
    [301] = {
        description = "The user is not at this address any more; the Contact is the new one, for good. Callers \z
            should use it from now on and update their address books.",
        when = "After a renumbering or a move to another domain, from a redirect server. Seldom seen, since most \z
            operators would rather forward on the server.",
        fix = "Call the Contact and correct the stored address, dial plan or route. If it points back to where the \z
            call came from, the redirect data are wrong.",
        use = "Send it when an address has been replaced permanently and callers should remember the new one.",
    },
    [302] = {
        description = "For this call, try the Contact instead. It may be kept only for the time that Expires or the \z
            Contact's expires parameter gives; without one, it holds for this call alone.",
        when = "From phones with call forwarding switched on (all calls, busy, no answer), and from redirect and \z
            routing servers that hand back the trunk to use.",
        fix = "Have the proxy or PBX follow the Contact, as one more target of the same call. If forwarding fails, \z
            check that the Contact's domain is reachable from your proxy and that the forwarded leg may be charged to \z
            the diverting user. Limit the number of redirects, to stop loops.",
        use = "Send it when this call should go elsewhere while the address itself stays valid.",
    },
    [305] = {
        description = "The user can be reached only through the proxy that the Contact names, and this one request is \z
            to be sent through it. Only the receiving user agent may send it, not a proxy.",
        when = "Practically never: almost no client supports it, and an automatic hop to a proxy chosen by the \z
            other side is a security risk.",
        fix = "Put the named proxy into the caller's routing (outbound proxy or Route) by hand if you trust it. On \z
            the called side, turn the feature off and route through the proxy in DNS or the dial plan instead.",
        use = "Avoid it; publish the proxy in DNS (SRV) or use Path and Route.",
    },
    [380] = {
        description = "The call failed, but another service could serve the caller, and the body describes it. RFC \z
            3261 defines no format for that body; mobile networks have one of their own (3GPP).",
        when = "In IMS and VoLTE: the P-CSCF answers 380 to an emergency call that must be placed in another way, \z
            such as over the circuit-switched network.",
        fix = "Read the body and act on it: an IMS phone sets up the emergency call as the body says. Elsewhere, \z
            treat it as a 3xx without usable Contact: the call has failed. Find out why the server took the number \z
            for an emergency or special service.",
        use = "Send it only where both sides know the format of the body that describes the alternative.",
    },
    [400] = {
        description = "The server could not understand the request: a header field is missing, is malformed or \z
            contradicts another. The reason phrase should name the error. A receiver also treats every 4xx that it \z
            does not know as 400.",
        when = "From parsers and SBCs that check strictly, after a change of software, or when a script or NAT \z
            helper (SIP ALG) has damaged the message. Also to a REGISTER with reg-id and several Contacts.",
        fix = "Read the reason phrase and any Warning, then look at the request as it arrived, not as it was sent: an \z
            ALG or a rewriting rule may have changed it. Check Via, CSeq, Content-Length, and the quoting of URIs. \z
            Switch SIP ALG off.",
        use = "Send it for wrong syntax when no more precise code exists, and say in the reason phrase what is wrong.",
    },
    [401] = {
        description = "The user agent or registrar wants to know who sends the request. WWW-Authenticate carries the \z
            challenge: realm, nonce, algorithm. The client repeats the request with an Authorization header, the same \z
            Call-ID and a CSeq one higher.",
        when = "As the normal first answer to a REGISTER; then 200 follows. PBXs also challenge an INVITE with it.",
        fix = "One 401 then 200 is healthy. 401 again and again: wrong user name, password or realm, or an old nonce \z
            (stale=true: the client should repeat with the new nonce). Check that the authentication user equals the \z
            account, that the clocks of a cluster agree if its nonces contain the time, and that no proxy strips \z
            Authorization.",
        use = "Send it as registrar, B2BUA or user agent, to demand credentials; a proxy sends 407.",
    },
    [402] = {
        description = "Reserved: no RFC says what it means, and a client treats it as 400. In practice it means that \z
            there is no credit or that the account is suspended.",
        when = "From prepaid platforms and wholesale carriers, when the balance is too low for the first interval. \z
            Others send 403 for the same.",
        fix = "Check the balance, credit limit and state of the account at that carrier, then the price of the \z
            destination. Repeating the call does not help until the account is in order; route over another carrier \z
            meanwhile.",
        use = "Send it only by agreement between the two sides; 403 with a clear reason phrase is understood \z
            everywhere.",
    },
    [403] = {
        description = "The server understood the request and refuses it; credentials would not change that. It is \z
            used for barred destinations, sources that are not allowed, and failed checks such as a forged flow token \z
            or a stale PASSporT date.",
        when = "From carriers (caller number not yours, destination barred, IP address not listed), from registrars \z
            after a wrong password or for a blocked account, and from PBXs with call permissions.",
        fix = "Read the reason phrase. Compare source IP address, From and P-Asserted-Identity with what the other \z
            side has on file, and check the permissions for the destination. Do not repeat the request as it is: \z
            automatic retries may get you banned.",
        use = "Send it when the request is valid, policy forbids it, and authentication would not help.",
    },
    [404] = {
        description = "The server knows for certain that this user does not exist in the domain, or that the domain \z
            is not its own. For a number: it is not assigned or cannot be routed.",
        when = "For a mistyped or ported number, an extension that was never created, a wrong domain after the @, or \z
            a carrier without a route. A registrar sends it for an unknown AOR; a user who exists but is offline is \z
            reported with 480.",
        fix = "Look at the Request-URI as it reached the server that sent 404: number format (+, prefix, country \z
            code), domain and port. Then check that the user or route exists, and that the server treats the domain \z
            as its own. Inside a call, the remote Contact is wrong.",
        use = "Send it when the user is definitely not known in this domain.",
    },
    [405] = {
        description = "The method is known, but not allowed for this address. Allow lists the methods that are.",
        when = "SUBSCRIBE, PUBLISH, REFER or MESSAGE sent to a trunk or phone that does not offer them, or REGISTER \z
            sent to a server that is not a registrar. OPTIONS pings get it too, and still prove that the peer is \z
            alive.",
        fix = "Compare the method with Allow, and do without it (without transfer by REFER, for example) or send it \z
            to the right server. For REGISTER, check the registrar's address; for your own server, enable the method \z
            for that address.",
        use = "Send it, with Allow, when you know the method and do not permit it for this address.",
    },
    [406] = {
        description = "Any body with which the server could answer has a type that the request's Accept excludes. It \z
            is about the body of the answer, not about the SDP that was offered.",
        when = "Rarely: on SUBSCRIBE when no Accept value fits the event package's body, or on OPTIONS. Some \z
            devices misuse it for codecs that do not match, where 488 belongs.",
        fix = "Add the missing type to Accept (application/pidf+xml for presence, application/sdp for calls), or \z
            leave Accept out. If it came to an INVITE, compare the codecs as you would for 488.",
        use = "Send it when every body you could return is excluded by the request's Accept.",
    },
    [407] = {
        description = "A proxy on the way wants credentials before it forwards the request. The challenge is in \z
            Proxy-Authenticate; the client repeats the request with Proxy-Authorization, the same Call-ID and a CSeq \z
            one higher.",
        when = "As the first answer to an INVITE through a provider's proxy, and to every new request outside a \z
            dialog. Several proxies may each ask for their own.",
        fix = "One 407 then success is healthy. If it repeats: wrong credentials or realm, a nonce that expired, or a \z
            client that fills Authorization instead of Proxy-Authorization. For trunks, check whether the provider \z
            wants registration, a static IP address or digest. ACK and CANCEL cannot be challenged.",
        use = "Send it as a proxy, to have the caller authenticate before you route the request.",
    },
    [408] = {
        description = "No answer came in time. Usually no server wrote it: the client's own timer (B, F or C, 32 s \z
            or more) ran out, and that acts as a 408. It says nothing about whether the other side exists.",
        when = "When packets are lost or dropped: host down, firewall, wrong port, an expired NAT binding, a response \z
            sent to the wrong address. Also when a proxy gives up on a phone that rang too long, and from gateways \z
            for ISDN cause 18.",
        fix = "Follow the request hop by hop to the last one that shows it. Check DNS, routing, firewall and NAT \z
            keep-alives, and, over UDP, messages above the MTU that arrive in fragments. Repeating is allowed; with \z
            RFC 5626, another flow of the same phone may be tried.",
        use = "Send it to an INVITE when no answer was found in time; never send it to any other request (RFC 4320).",
    },
    [410] = {
        description = "The address existed and is gone for good, with no known forwarding address. Callers should \z
            delete it.",
        when = "From carriers for disconnected and returned numbers, and after an account was closed.",
        fix = "Ask for the new number and take the old one out of dial plans, directories and routes. If the number \z
            should work, check whether it was ported away or cancelled. Do not call again automatically.",
        use = "Send it when you know that the address is gone permanently; if you do not, send 404.",
    },
    [412] = {
        description = "The PUBLISH named an entity-tag in SIP-If-Match that the server does not have: the published \z
            state expired, or another server holds it. The same request must not be sent again.",
        when = "On presence refreshes that arrive late, after a restart of the presence server, or when a cluster \z
            does not share its state.",
        fix = "Discard the entity-tag and PUBLISH in full, without SIP-If-Match. If it happens often, refresh earlier \z
            than Expires, and keep the presence state in shared or persistent storage.",
        use = "Send it to a PUBLISH whose SIP-If-Match matches nothing that you hold.",
    },
    [413] = {
        description = "The body is larger than the server accepts. With Retry-After the condition is temporary; \z
            without it, permanent.",
        when = "With long SDP (many codecs, ICE candidates, video), MESSAGE with large text, or presence documents. \z
            The server may close the TCP connection after it.",
        fix = "Make the body smaller: fewer codecs and candidates, an external link in place of content, MSRP for \z
            long messages. On your own server, raise the limit for bodies. With Retry-After, wait for that long.",
        use = "Send it when the body is the problem; 513 is for the message as a whole.",
    },
    [414] = {
        description = "The Request-URI is longer than the server will read. The rest of the request was not examined.",
        when = "Hardly ever, except with URIs that contain much data (embedded headers, long parameters, tokens) or \z
            grow at each hop of a loop.",
        fix = "Shorten the Request-URI: move data to header fields, drop parameters that nobody needs. If it grows \z
            from hop to hop, find the rewriting rule that adds to it.",
        use = "Send it when the Request-URI alone exceeds your limit.",
    },
    [415] = {
        description = "The body's type, encoding or language is not supported for this method. Accept, \z
            Accept-Encoding or Accept-Language list what is supported.",
        when = "A body other than SDP in an INVITE (multipart with location or ISUP, for instance), a compressed \z
            body, MESSAGE in HTML, or INFO with DTMF in a type that the peer does not take.",
        fix = "Send the request again with a body of a type from Accept. For DTMF over INFO, agree on \z
            application/dtmf-relay or use RFC 4733 events. For multipart, let the SBC remove the parts that the \z
            carrier does not understand.",
        use = "Send it, with the matching Accept header, when the body's format is the problem.",
    },
    [416] = {
        description = "The server does not know the scheme of the Request-URI: tel:, urn:, im: or the like.",
        when = "A tel: URI sent to a server that routes only sip:, or urn:service:sos to one without emergency \z
            routing. Inside a dialog it means that the remote Contact is unusable.",
        fix = "Send a sip: URI (sip:+34910000000@provider;user=phone for a tel: number). On your own server, \z
            translate tel: to sip: before routing, and handle urn:service:sos.",
        use = "Send it when the Request-URI's scheme is one that you cannot process.",
    },
    [417] = {
        description = "None of the Resource-Priority values is known here, and the caller insisted (Require: \z
            resource-priority). Accept-Resource-Priority may list the values that are.",
        when = "In government, military and emergency networks (namespaces ets, wps, dsn, esnet), when the call \z
            leaves for a network that does not know the namespace.",
        fix = "Choose a value from Accept-Resource-Priority that the caller is entitled to, or drop the Require so \z
            that unknown values are ignored. Map the namespaces where networks meet.",
        use = "Send it when Require: resource-priority is there and you know none of the namespaces or values.",
    },
    [420] = {
        description = "The request requires an extension, in Require or Proxy-Require, that the server does not \z
            support. Unsupported lists it.",
        when = "A device with Require: 100rel, timer, replaces or precondition calls another without it. VoLTE \z
            equipment that calls plain SIP devices is a classic case.",
        fix = "Send it again without the extensions listed in Unsupported, and offer them in Supported only. On \z
            phones and PBXs set 100rel and session timers from \"required\" to \"supported\".",
        use = "Send it, with Unsupported, when Require or Proxy-Require names an option tag you lack.",
    },
    [421] = {
        description = "The server cannot serve the request without an extension that the client does not claim to \z
            support. Require names it.",
        when = "Seldom: from servers that insist on 100rel, timer, sec-agree or path. Most should do without the \z
            extension instead.",
        fix = "Switch that extension on in the client (Supported), if it has it; otherwise relax the server's \z
            demand. With sec-agree, the response also has Security-Server.",
        use = "Send it, with Require, only when no useful service is possible without the extension.",
    },
    [422] = {
        description = "The Session-Expires of the request is below what a proxy or the callee accepts. Min-SE gives \z
            the smallest interval that is accepted, which is never less than 90 s.",
        when = "At call set-up or refresh, between devices with differing session timer settings.",
        fix = "The client repeats the INVITE or UPDATE with Session-Expires and Min-SE at or above that value (the \z
            largest of all Min-SE received), and the call goes on. If it does not, raise the session timer in its \z
            configuration; 1800 s is usual.",
        use = "Send it, with Min-SE, when the session interval is too short and the client supports timer.",
    },
    [423] = {
        description = "The requested expiry is too short for this server. Min-Expires gives the shortest that it \z
            accepts.",
        when = "On REGISTER from clients that ask for 30 or 60 s to keep NAT open; also on SUBSCRIBE and PUBLISH. \z
            Expires: 0 is never rejected with it.",
        fix = "The client repeats at once with at least Min-Expires. To keep NAT open use CRLF, STUN or OPTIONS \z
            keep-alives, not short registrations. If the registrar's minimum is too high for your network, lower \z
            it.",
        use = "Send it, with Min-Expires, to a REGISTER, SUBSCRIBE or PUBLISH whose lifetime is below your minimum.",
    },
    [424] = {
        description = "The location in the request is malformed, not good enough for the purpose, or could not be \z
            fetched. Geolocation-Error says what is wrong, and the response may even contain the location to use.",
        when = "In emergency calling and enterprise networks with location servers, on requests with a Geolocation \z
            header; never on requests without one. A call in progress is not ended by it.",
        fix = "Correct the location as Geolocation-Error says: refresh a location reference, send the PIDF-LO by \z
            value, use the location from the response. Retry a few times at most (three are recommended), so that a \z
            recipient cannot obtain ever more precise locations.",
        use = "Send it, with Geolocation-Error, when you need a location and the one in the request is not usable.",
    },
    [425] = {
        description = "The alert in the request (a CAP document, as sent by alarms and sensors) is so malformed \z
            that no sensible emergency response can be made from it. AlertMsg-Error says what is wrong.",
        when = "Between alerting devices and emergency services that use RFC 8876. Never on a request without an \z
            alert, and seldom where any part of it can be used.",
        fix = "Correct the CAP document as AlertMsg-Error says and send it again: check it against the schema, and \z
            check the sender's identifier and the times. An existing dialog goes on.",
        use = "Send it, with AlertMsg-Error, only when the request holds nothing that a responder could act on.",
    },
    [428] = {
        description = "The called network accepts only signed requests, and this one has no Identity header that it \z
            can use. This is policy: the request itself is well formed.",
        when = "In STIR/SHAKEN networks, when a call arrives without a PASSporT, or only with types (ppt) that the \z
            verifier does not support.",
        fix = "Sign the call where it enters your network (authentication service, SBC), and make sure that nothing \z
            on the way strips the Identity header. TDM links and carriers without STIR lose the signature: use \z
            another route.",
        use = "Send it as a verification service whose policy demands a signature and finds none that it supports.",
    },
    [429] = {
        description = "The transfer target (or the transferee) wants proof of who referred the call: a signed \z
            Referred-By token. The one in the request is missing, stale or not valid.",
        when = "On calls that follow a REFER, where the target checks Referred-By tokens. The referrer sees it in \z
            the NOTIFY as \"SIP/2.0 429\", or as the answer to its own REFER. Rare in practice.",
        fix = "The referrer sends a new REFER with a Referred-By token (signed body). If your equipment cannot create \z
            one, switch the demand off at the target, or transfer by B2BUA or Replaces.",
        use = "Send it as refer target or referee, when you will not accept a referral without a valid token.",
    },
    [430] = {
        description = "The edge proxy has lost the flow (the TCP connection or UDP path) to one registered contact of \z
            the user agent. It concerns only this flow: the same phone may be reached over another. It is a message \z
            between proxies, and must never reach a caller.",
        when = "Only between an edge proxy and the registrar's proxy, with outbound (RFC 5626) registrations: after a \z
            phone or NAT rebooted, a connection broke, or the edge restarted.",
        fix = "The authoritative proxy drops that binding and tries another flow of the same instance-id (another \z
            reg-id); with none left the caller gets 480. The phone notices by its keep-alives and registers again. If \z
            it is frequent, check keep-alive intervals (Flow-Timer), NAT time-outs, and that phones register over two \z
            edges. If a caller ever sees 430, the proxy is at fault.",
        use = "Send it as edge proxy, at once, when the flow that a valid token names is gone.",
    },
    [433] = {
        description = "The called side refuses anonymous calls. The code gives that reason, so that the caller can \z
            decide whether to call again with the identity shown.",
        when = "When the called user has switched on anonymous call rejection and the caller withheld the number \z
            (Privacy: id, or From anonymous). Many networks answer 403 or 603, or play an announcement, instead.",
        fix = "The caller may call again without hiding its number, on purpose: a server must never reveal it on its \z
            own. If the caller did not mean to be anonymous, look for the trunk or PBX setting that adds Privacy or \z
            an anonymous From.",
        use = "Send it when anonymity is the only reason for refusing.",
    },
    [436] = {
        description = "The verification service could not fetch the credentials: the URI in the info parameter of \z
            every Identity header failed. The signature itself was not checked.",
        when = "In STIR/SHAKEN, when the certificate URL (x5u, info) cannot be reached: server down, TLS or DNS \z
            failure, blocked by a firewall, or a URL only reachable from inside.",
        fix = "Fetch the URL from outside your network. Publish the certificate at a public HTTPS address, keep that \z
            server running and its own certificate valid, then sign and send again. On the verifying side check \z
            outbound HTTPS.",
        use = "Send it as a verification service that can fetch the credentials of none of the Identity headers.",
    },
    [437] = {
        description = "The verification service has the credentials but does not accept them: a certificate \z
            authority that it does not trust, an expired or unsuitable certificate, an unsupported algorithm.",
        when = "In STIR/SHAKEN, with certificates from an authority outside the list of the country or the trust \z
            group, or test certificates used in production.",
        fix = "Sign with a certificate that the other network trusts (for SHAKEN, from an approved authority), check \z
            its validity period and TNAuthList, and send again. On the verifying side, update the list of trusted \z
            authorities.",
        use = "Send it as a verification service that has the credential and does not support or trust it.",
    },
    [438] = {
        description = "No Identity header holds a PASSporT that verifies: the signature does not match what the \z
            request says now. It may be forged, or something on the way changed what was signed.",
        when = "In STIR/SHAKEN, when an SBC or transit changed From, To or Date after the signing, or a call was \z
            forwarded without a div PASSporT.",
        fix = "Compare orig, dest and iat of the PASSporT with From (or P-Asserted-Identity), To and Date as they \z
            arrived. If the compact form was used, sign with the full form and try once more. Sign as the last step \z
            before the border, and do not rewrite numbers afterwards.",
        use = "Send it as a verification service whose policy rejects requests with broken signatures.",
    },
    [439] = {
        description = "The registrar supports outbound (RFC 5626), but the first proxy that the phone went through \z
            does not: it added no Path header field with ob. Several flows per phone would not work.",
        when = "Only on REGISTER with reg-id and Supported: outbound. Typically an SBC or proxy in front of the \z
            registrar adds no Path, or the edge's ob parameter was lost.",
        fix = "On the edge proxy, enable outbound (Path with flow token and ob). On the phone, register without \z
            outbound, or through another first hop. Check that each proxy keeps Path and the registrar sees ob in \z
            the first hop's URI.",
        use = "Send it as registrar, only to a REGISTER with reg-id and Supported: outbound whose first hop lacks \z
            it.",
    },
    [440] = {
        description = "The proxy would have to fork the request into more parallel branches than Max-Breadth allows. \z
            The request did not reach all possible destinations.",
        when = "With large hunt groups that fork into others, or with forwarding that multiplies calls, which \z
            Max-Breadth exists to stop.",
        fix = "Ring fewer destinations at once (serial in place of parallel), untangle groups that contain each \z
            other, or raise the initial Max-Breadth (60 is the usual start). Sending the same request again changes \z
            nothing.",
        use = "Send it as a proxy when Max-Breadth is too low for the parallel branches and you will neither fork \z
            serially nor redirect.",
    },
    [469] = {
        description = "The INFO belongs to an Info Package that the receiver did not offer to receive. Recv-Info \z
            lists those that it accepts. Only this INFO fails: the call goes on.",
        when = "In calls where one side sends INFO with Info-Package (DTMF or signalling packages) that the other \z
            did not announce, or no longer announces, in Recv-Info.",
        fix = "Send only packages from the peer's Recv-Info, or use another means (RFC 4733 for DTMF). Do not end the \z
            call because of it. On the receiving side, announce the package in Recv-Info if you support it.",
        use = "Send it, with Recv-Info, to an INFO whose package you did not announce.",
    },
    [470] = {
        description = "The request holds a list of recipients, and for at least one of them the relay has no \z
            consent to send. Permission-Missing names the URIs.",
        when = "From servers that fan out messages or invitations to a list (RFC 5365, 5366 services) under the \z
            consent framework. Rare.",
        fix = "Have the recipients consent (the relay asks them once they are added to its list, by XCAP for \z
            example), or take the named URIs out of the list, then send again.",
        use = "Send it as a relay, with Permission-Missing, when a listed recipient has not consented.",
    },
    [480] = {
        description = "The user is known but cannot be reached just now: not registered, no answer, do not disturb. \z
            The reason phrase should say which. Retry-After may give the time after which to call again.",
        when = "From a registrar's proxy for a user without a binding or with every flow dead; from a phone in \z
            do-not-disturb; from gateways for ISDN causes 19 (no answer) and 20 (subscriber absent). It is also \z
            what a caller gets in place of a 430.",
        fix = "Check whether the phone is registered (bindings, expiry, keep-alives, NAT) and what state it is in. If \z
            registrations get lost, compare the registration interval with the NAT time-out. Route to voicemail on \z
            480 as on no answer.",
        use = "Send it when the user exists but cannot be reached now, and no more precise code fits.",
    },
    [481] = {
        description = "The request belongs to a dialog or transaction that the receiver does not have. The dialog \z
            usage (call or subscription) is over on that side, so the sender ends it too.",
        when = "BYE or re-INVITE after the other side restarted or failed over; a late CANCEL; NOTIFY after the \z
            subscription ended; requests whose tags or Call-ID a B2BUA changed. A session-timer refresh that gets \z
            it reveals a dead call.",
        fix = "End the call or subscription locally, and set up a new one if needed. If it hits live calls, check \z
            that in-dialog requests take the same path (Record-Route), that tags and Call-ID are unchanged, and \z
            that a cluster shares dialogs. A 481 to CANCEL alone ends nothing.",
        use = "Send it to an in-dialog request, CANCEL or Replaces that matches nothing you know.",
    },
    [482] = {
        description = "The request came back to a server that had handled it in the same way already, or reached \z
            one user agent twice over different paths (a merged request).",
        when = "When two servers each take the other to be responsible for the domain, forwarding goes in a circle, a \z
            dial plan sends a number back to where it came from, or a second copy of a call reaches a phone that \z
            still has the first.",
        fix = "Look at the Via list: the same address twice shows the circle. Correct the forwarding rules and the \z
            domains that each server treats as its own. For merged requests: do not send a second copy to a phone \z
            that still has the first.",
        use = "Send it when a request loops without change (RFC 5393), or a merged copy arrives.",
    },
    [483] = {
        description = "Max-Forwards has reached zero before the request reached its destination. It is the safety \z
            net for loops that loop detection does not see.",
        when = "In loops between servers where each one changes the request (number, domain), in very long chains \z
            of proxies and B2BUAs, or with a Max-Forwards that starts too low.",
        fix = "Read Via and History-Info to see where it went around, and correct that routing rule. Check that \z
            requests start with Max-Forwards 70 and that your B2BUAs copy the value, less one, to the other side. \z
            Raising it only hides a loop.",
        use = "Send it as a proxy to a request with Max-Forwards 0 that would have to go further.",
    },
    [484] = {
        description = "The number is not complete yet: more digits are needed. Overlap dialling relies on this code.",
        when = "With gateways and PBXs that have numbers of variable length, when a dial plan sends the number too \z
            early, or when the prefix was cut off.",
        fix = "Collect the digits and send the whole number at once (digit map, inter-digit time-out). If the \z
            number is complete, the dial plan at the other side expects another format: prefix, country code, +. \z
            With overlap dialling, keep sending longer numbers.",
        use = "Send it when the digits so far are the beginning of valid numbers but not one of them.",
    },
    [485] = {
        description = "The address matches several people, and the server cannot tell which one is meant. Contact may \z
            list them. Unlike 300, a person has to choose, not a program.",
        when = "With dial-by-name and directory services (sip:lee@example.com). Rare in telephony.",
        fix = "Choose the right one from Contact and call it, or use the full address. On the server, give users \z
            addresses that are unique; where a list of names would harm privacy, answer 404.",
        use = "Send it when the address matches different people and you may reveal that it does.",
    },
    [486] = {
        description = "This phone was reached and is busy, or its user rejected the call. It speaks only for this \z
            device: another phone of the user, or voicemail, may still answer. Retry-After may give the time after \z
            which to try again.",
        when = "From a phone in a call without call waiting, after the reject button on many phones, or from a \z
            gateway for ISDN cause 17 (user busy). A PBX sends it when a line or queue is full.",
        fix = "Try again later, or let the server go on to voicemail, another device or a colleague. If it comes \z
            while nobody is on the phone, check call waiting, line limits, stuck calls (481 on BYE) and \z
            do-not-disturb settings.",
        use = "Send it when this device is busy but the user might answer elsewhere.",
    },
    [487] = {
        description = "The INVITE was ended before an answer, by CANCEL or BYE. It is the INVITE's own final \z
            response; the CANCEL got its separate 200.",
        when = "Whenever a caller hangs up during ringing, and on each of the other branches when one phone answers a \z
            forked call. A timer may also have sent the CANCEL.",
        fix = "Nothing to fix if the caller gave up. If calls are cut short, find out who sent the CANCEL and after \z
            how long: a ring time-out in the proxy, dial plan or client, or a missing ringback that makes people hang \z
            up. Reason in the CANCEL may tell.",
        use = "Send it to an INVITE that was cancelled, or ended with BYE, before it was answered.",
    },
    [488] = {
        description = "Something in the offer is not acceptable to this device: codecs, encryption, addresses, \z
            bandwidth. Warning may say what, and a body may describe what it supports. Another destination might \z
            accept.",
        when = "When the two sides have no codec in common, one insists on SRTP and the other on plain RTP, a WebRTC \z
            profile (RTP/SAVPF) reaches an ordinary phone, a re-INVITE to fax (T.38) is refused, or IPv6 media are \z
            offered to an IPv4 device.",
        fix = "Compare the two SDPs: codecs and their numbers, RTP/AVP or SAVP, crypto or fingerprint, address \z
            family. Add a common codec, align SRTP, or transcode on an SBC or media proxy. After a refused re-INVITE \z
            the old session goes on unchanged.",
        use = "Send it when the session description does not suit this endpoint but might suit another.",
    },
    [489] = {
        description = "The server does not understand the event package in Event. Allow-Events lists those that it \z
            knows. The same request would fail again.",
        when = "A phone that subscribes to message-summary, presence, dialog, reg or a vendor's event that the server \z
            does not offer; or a NOTIFY for a package that the receiver does not know (a NOTIFY without a matching \z
            subscription gets 481).",
        fix = "Switch off the feature on the phone (BLF, MWI, presence, \"as-feature-event\"), or enable the package \z
            on the server. If the package should be there, check that the SUBSCRIBE goes to the right server.",
        use = "Send it, with Allow-Events, when you do not implement the event package.",
    },
    [491] = {
        description = "Both sides changed the call at the same moment: the receiver has an INVITE or UPDATE of its \z
            own pending in this dialog. The request is fine; the timing was not.",
        when = "When re-INVITEs cross (glare): hold and resume, a switch to T.38, a session refresh and ICE at the \z
            same time. Often with two B2BUAs that both renegotiate after the answer.",
        fix = "The user agent waits and repeats: 2.1 to 4 s if it chose the Call-ID, 0 to 2 s if not. If it repeats \z
            without end, let only one side refresh or renegotiate (refresher=uac or uas), and send re-INVITEs some \z
            time after the answer.",
        use = "Send it to an INVITE or UPDATE while an offer of your own is pending in the dialog.",
    },
    [493] = {
        description = "The body is encrypted (S/MIME), and the receiver has no key for it or will not use it. The \z
            response may contain a public key to encrypt with.",
        when = "Almost never: only with end-to-end S/MIME bodies, in government or high-security environments.",
        fix = "Take the recipient's certificate from the response, check it, and encrypt again; or send the body \z
            unencrypted over TLS. Check that the certificates have not expired.",
        use = "Send it when a body is encrypted to a key that you cannot or will not use.",
    },
    [494] = {
        description = "The server demands an agreement on security mechanisms (sec-agree) before it serves the \z
            request. Security-Server lists what it offers: TLS, digest, IPsec.",
        when = "In IMS, during the registration of phones at the P-CSCF, and where the list in Security-Verify does \z
            not match what the server had sent (a sign of tampering).",
        fix = "Choose the best common mechanism from Security-Server, set it up, and repeat with Security-Verify. \z
            If it returns again and again, compare the lists of client and server, and see whether a device on the \z
            way alters the headers.",
        use = "Send it, with Security-Server, when sec-agree must take place or its list was altered.",
    },
    [500] = {
        description = "Something unexpected happened in the server: a script error, a database that is down, a \z
            resource that ran out. The fault is on its side. Retry-After, if present, says when it expects to work \z
            again.",
        when = "From proxies and PBXs with broken routing scripts, and in place of a 503 that a proxy received. A \z
            user agent also sends it, with Retry-After up to 10 s, to an INVITE that arrives before it has answered \z
            the earlier one in the same dialog.",
        fix = "Read that server's log at the time of the call: script, database, memory, licence. If you only see \z
            it from a carrier, send them Call-ID and time. Retry after some seconds, or over another route if your \z
            policy says so.",
        use = "Send it when an internal error stops you and no more precise 5xx fits.",
    },
    [501] = {
        description = "The server does not know the method at all and cannot support it for anybody. Proxies \z
            forward methods that they do not know, so this comes from an endpoint.",
        when = "PUBLISH, MESSAGE, REFER or a vendor's method sent to a simple phone, gateway or trunk. OPTIONS pings \z
            get it too, and still prove that the peer is alive.",
        fix = "Stop sending that method there, or use an alternative (blind transfer by the PBX in place of REFER). \z
            Check that the method's name is spelled in capitals: methods are case sensitive.",
        use = "Send it when you do not know the method; send 405 when you know it and do not allow it.",
    },
    [502] = {
        description = "A server that was acting as gateway or proxy got an invalid answer from the next one. The \z
            caller's request was fine.",
        when = "From gateways whose PSTN or TDM side failed (ISDN cause 27, destination out of order), and from \z
            proxies behind which a broken server answers.",
        fix = "Look one hop further: the log or a trace of the server that sent 502 shows what it received. Check the \z
            trunk, the PRI or SS7 link, and the peer's recent changes. Route over another trunk meanwhile.",
        use = "Send it as gateway or proxy when the downstream answer was invalid.",
    },
    [503] = {
        description = "The server cannot take the request now: overload, maintenance, no trunk free. With \z
            Retry-After, nothing should be sent there for that long; without it, it acts as a 500. A proxy passes \z
            it upstream as 500, so that clients do not avoid the proxy itself.",
        when = "From overloaded or draining servers, carriers at their channel or call-rate limit, gateways with no \z
            circuit or a failed network (ISDN causes 34, 38, 41, 42), and generated locally when a connection cannot \z
            be set up.",
        fix = "Fail over to the next server (DNS SRV, dispatcher) and leave this one alone for the time in \z
            Retry-After. Then find the cause: call rate, channels, licence, CPU, certificate or port of the TLS \z
            connection. Do not retry at once: retries make an overload worse.",
        use = "Send it when you are overloaded or going down, with Retry-After if you know how long.",
    },
    [504] = {
        description = "The server waited for another server (DNS, database, the next hop's network), which did not \z
            answer in time. The server itself works.",
        when = "From proxies whose lookup (LDAP, HTTP, ENUM) timed out, and from gateways for ISDN cause 102, \z
            recovery on timer expiry.",
        fix = "Find out which external service it was waiting for, and check its latency and reachability. Shorten \z
            that time-out and configure a fallback, so that calls do not hang. Repeating may help when the delay was \z
            temporary.",
        use = "Send it when an external server that you need did not answer; send 408 when the callee itself was \z
            silent.",
    },
    [505] = {
        description = "The server does not support the SIP version of the request. Everybody speaks SIP/2.0.",
        when = "With damaged or hand-made messages, test tools and scanners, or when something that is not SIP \z
            reaches the port.",
        fix = "Look at the request line as it arrived: it must end in SIP/2.0. Check the tool or parser that wrote \z
            it; block the source if it is a scanner.",
        use = "Send it when the version in the request line is not 2.0.",
    },
    [513] = {
        description = "The message as a whole is longer than the server can handle. The body may be only a small part \z
            of it.",
        when = "With long Via, Record-Route and History-Info lists, many ICE candidates, large Identity headers, or \z
            over UDP near its limit.",
        fix = "Make the message smaller: fewer codecs, remove private header fields at the border, use compact forms. \z
            Use TCP or TLS above 1300 bytes. On your own server, raise the message limit.",
        use = "Send it when the length of the whole message is the problem; send 413 for the body.",
    },
    [555] = {
        description = "The network does not support the push notification service that the app asked for with \z
            pn-provider, so it could not wake the app for calls. It refuses the registration for that reason.",
        when = "Only on REGISTER, from mobile apps with push parameters in Contact (apns, fcm, webpush), where the \z
            proxy knows that no other proxy on the way supports that service.",
        fix = "Configure the push service and its keys on the push proxy, or correct pn-provider, pn-param and \z
            pn-prid in the app. Otherwise register without the push parameters and keep the connection open.",
        use = "Send it to a REGISTER whose pn-provider neither you nor any proxy behind you supports.",
    },
    [580] = {
        description = "The callee cannot or will not meet the preconditions in the offer, such as reserved \z
            bandwidth (QoS). The SDP in the response shows which one failed.",
        when = "In VoLTE and IMS, when the radio or core network could not reserve the bearer for the call; hardly \z
            elsewhere.",
        fix = "Offer without mandatory preconditions, or with optional strength. In mobile networks look at the \z
            bearer set-up (PCRF, Rx/N5) and coverage. Towards plain SIP, have the border element remove the \z
            preconditions.",
        use = "Send it to an INVITE or UPDATE whose mandatory preconditions you cannot meet.",
    },
    [600] = {
        description = "The user was reached and is busy, and neither another device nor voicemail will take the call. \z
            Forking stops: other branches are cancelled.",
        when = "From phones or PBXs that answer for all devices of the user. Some devices send it by mistake where \z
            486 is meant, which silences the user's other phones.",
        fix = "Call again later; Retry-After may say when. If voicemail or other phones should have answered, change \z
            the device's busy or reject code to 486, or map 600 to 486 where your network may.",
        use = "Send it when you know that the user is busy and nothing else will answer for them.",
    },
    [603] = {
        description = "The user was reached and does not want the call, with no reason given. No other device will \z
            answer either: the search ends. Retry-After may give a better time.",
        when = "After the reject button on phones that refuse for every device of the user, from call-blocking \z
            services, and from carriers for refused calls.",
        fix = "Do not call again automatically. If other phones of the user should go on ringing after a reject on \z
            one of them, set that phone to answer 486. If it comes from a carrier, read the reason phrase and the \z
            Reason header: the call may have been blocked by analytics.",
        use = "Send it when the user declines for good and for all devices, without saying why.",
    },
    [604] = {
        description = "The server knows with authority that this user exists nowhere at all. Forking ends.",
        when = "Rarely: from a number-portability or directory server that knows the whole number range. Most \z
            networks send 404 instead.",
        fix = "Check the number or address, and whether it was ever assigned. If it does exist, an authoritative \z
            database is wrong: correct the portability or directory entry. Trying another route does not help as long \z
            as this database is wrong.",
        use = "Send it only when you are the authority and no other server can know the user.",
    },
    [606] = {
        description = "The user would take the call, but the session as offered (media, bandwidth, addressing) suits \z
            none of the user's devices. Warning may give reasons.",
        when = "Rarely: from a PBX or application server that answers for all devices of the user. A single phone \z
            should say 488.",
        fix = "Check the SDP as for 488 (codecs, SRTP, address family), and offer again what Warning and the body \z
            allow. If another device could accept the offer, have the sender use 488 instead.",
        use = "Send it when the offer is acceptable at none of the user's endpoints.",
    },
    [607] = {
        description = "The called person has marked the call as unwanted, with a spam button for example. It ends the \z
            search as every 6xx does, and informs the provider about this caller, for use in its filters.",
        when = "From phones and apps whose provider announces sip.607, in place of a plain reject. It may also be the \z
            cause in the Reason of a BYE or CANCEL.",
        fix = "The caller's side should stop calling. If the calls are legitimate, verify that they are signed \z
            (STIR/SHAKEN), show the right number, and take the matter to the called provider: call signalling \z
            cannot undo the mark.",
        use = "Send it when the person called does not want any calls from this caller.",
    },
    [608] = {
        description = "A machine in the network, usually call analytics, rejected the call before it reached the \z
            person. Call-Info, if present, gives a signed contact (jCard) for redress.",
        when = "In networks with automatic spam filters, mostly in North America, on calls with a bad reputation or \z
            no attestation.",
        fix = "Use the contact in Call-Info to have the block lifted, register your numbers with the analytics \z
            providers, and sign with full attestation (A). Changing numbers to get around it makes the reputation \z
            worse.",
        use = "Send it as a blocking service in the network, with a Call-Info that names a contact.",
    },
}
