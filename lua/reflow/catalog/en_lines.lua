-- SPDX-License-Identifier: BSD-2-Clause
-- Each registered code in one line, as a clause that can follow "430: ", what to do
-- about it, and words by which people look for it.
return {
    [100] = {
        "the next hop has the request and is working on it",
        "wait for the next response",
        "trying provisional working",
    },
    [180] = {
        "the called phone is ringing",
        "wait for the answer",
        "ringing ringback alert tone",
    },
    [181] = {
        "the call is being forwarded to another destination",
        "wait for the new destination",
        "forward diversion diverted",
    },
    [182] = {
        "the call waits in a queue",
        "wait in the queue",
        "queue call centre center acd waiting",
    },
    [183] = {
        "the call makes progress, usually with early media",
        "play the media that arrives, and wait",
        "early media announcement progress",
    },
    [199] = {
        "one early dialog of a forked call has ended, and the call goes on",
        "free what belongs to that early dialog, and wait",
        "fork early dialog ended",
    },

    [200] = {
        "the request succeeded",
        "acknowledge it if it answers an INVITE, and go on",
        "ok success answered registered",
    },
    [202] = {
        "the old way to accept a SUBSCRIBE or REFER, read as 200",
        "read it as 200 and wait for the NOTIFY",
        "accepted deprecated transfer presence",
    },
    [204] = {
        "the subscription was refreshed, and no NOTIFY follows",
        "keep the state that you have",
        "presence blf notify conditional",
    },

    [300] = {
        "there are several addresses to choose from",
        "choose one of the Contacts",
        "redirect contacts lcr",
    },
    [301] = {
        "the user has moved for good, and Contact has the new address",
        "call the new address and store it",
        "redirect moved renumbered",
    },
    [302] = {
        "this call should go to the address in Contact",
        "call the address in Contact",
        "redirect forwarding diversion moved",
    },
    [305] = {
        "the user can be reached only through the proxy in Contact",
        "send the request through that proxy, if you trust it",
        "redirect outbound proxy",
    },
    [380] = {
        "the call failed, but the body describes another service",
        "read in the body which service to use",
        "emergency volte ims",
    },

    [400] = {
        "the request is malformed",
        "correct the request",
        "syntax parse malformed bad alg",
    },
    [401] = {
        "the registrar or user agent asks for credentials",
        "send the request again with credentials",
        "authentication password digest challenge login",
    },
    [402] = {
        "the code is reserved, and in practice it means that there is no credit",
        "settle the account, or take another carrier",
        "credit balance prepaid money",
    },
    [403] = {
        "the server understands the request and refuses it",
        "get permission first, and do not repeat the request",
        "blocked barred refused denied permission",
    },
    [404] = {
        "the user does not exist in this domain",
        "check the number and the domain",
        "unknown unallocated number missing",
    },
    [405] = {
        "the method is not allowed for this address",
        "use a method that Allow lists",
        "allow method options",
    },
    [406] = {
        "Accept excludes every answer that the server could give",
        "accept the type that the server can send",
        "accept presence type",
    },
    [407] = {
        "a proxy on the way asks for credentials",
        "send the request again with credentials for that proxy",
        "authentication password digest challenge nonce",
    },
    [408] = {
        "no answer came in time",
        "find the hop at which the request or the response is lost",
        "timeout silent lost nat firewall expired",
    },
    [410] = {
        "the address existed and is gone for good",
        "take the address out of your routes",
        "disconnected ported cancelled number",
    },
    [412] = {
        "the published state that the PUBLISH names is not there",
        "publish in full, without the entity-tag",
        "presence publish etag sip-if-match",
    },
    [413] = {
        "the body is too large",
        "make the body smaller",
        "size body sdp limit",
    },
    [414] = {
        "the Request-URI is too long",
        "shorten the Request-URI",
        "uri size long",
    },
    [415] = {
        "the type of the body is not supported",
        "use a type of body that Accept lists",
        "content-type dtmf info isup multipart",
    },
    [416] = {
        "the scheme of the Request-URI is not supported",
        "use a sip URI",
        "tel: urn: sos uri",
    },
    [417] = {
        "the server does not know the required Resource-Priority",
        "use a priority that the server knows",
        "priority emergency government ets wps",
    },
    [420] = {
        "the request requires an extension that the server does not support",
        "leave out the extensions that Unsupported lists",
        "require 100rel timer option tag",
    },
    [421] = {
        "the server requires an extension that the client does not offer",
        "enable that extension",
        "supported require sec-agree path",
    },
    [422] = {
        "the session interval is shorter than Min-SE",
        "ask for at least Min-SE",
        "session timer min-se refresh",
    },
    [423] = {
        "the expiry is shorter than Min-Expires",
        "ask for at least Min-Expires",
        "expires register interval min-expires nat",
    },
    [424] = {
        "the location in the request cannot be used",
        "correct the location",
        "geolocation emergency pidf-lo",
    },
    [425] = {
        "the alert in the request cannot be used",
        "correct the alert",
        "alarm cap emergency sensor",
    },
    [428] = {
        "the request must be signed, and it is not",
        "sign the request",
        "stir shaken identity passport signature",
    },
    [429] = {
        "the transfer needs a signed Referred-By token",
        "refer again with a signed token",
        "refer transfer referred-by",
    },
    [430] = {
        "the flow to the phone is gone, and another one may reach it",
        "try another flow of the phone",
        "flow outbound edge connection lost tcp",
    },
    [433] = {
        "anonymous calls are refused",
        "call again with your identity shown, if you are willing",
        "anonymous privacy caller id withheld",
    },
    [436] = {
        "the certificate of the signature cannot be fetched",
        "make the certificate reachable",
        "stir shaken identity certificate x5u",
    },
    [437] = {
        "the certificate of the signature is not accepted",
        "sign with a certificate that the other network trusts",
        "stir shaken identity certificate trust",
    },
    [438] = {
        "the signature of the request is not valid",
        "find what changes the request after it was signed",
        "stir shaken identity passport signature",
    },
    [439] = {
        "the first proxy does not support outbound",
        "register without outbound, or through another proxy",
        "outbound register flow reg-id path ob",
    },
    [440] = {
        "the search would fork into too many branches",
        "fork to fewer targets",
        "fork max-breadth breadth loop",
    },
    [469] = {
        "the Info Package is not supported",
        "use an Info Package that Recv-Info lists",
        "info dtmf package recv-info",
    },
    [470] = {
        "the recipients must consent first",
        "get the consent of the recipients",
        "consent list permission",
    },
    [480] = {
        "the user exists but cannot be reached now",
        "call again later",
        "offline unregistered unavailable dnd no answer",
    },
    [481] = {
        "the receiver does not know the call or transaction",
        "give up the old call or subscription",
        "dialog bye cancel late unknown call leg",
    },
    [482] = {
        "the request has come back to a server that it passed before",
        "correct the routing that sends the request in a circle",
        "loop routing",
    },
    [483] = {
        "the request has passed through too many servers",
        "find the loop, or correct a Max-Forwards that starts too low",
        "loop max-forwards hops routing",
    },
    [484] = {
        "the number or address is incomplete",
        "dial the whole number",
        "digits overlap dialling short number",
    },
    [485] = {
        "the address matches several users",
        "let a person choose one of the users",
        "ambiguous several choose",
    },
    [486] = {
        "the phone is busy",
        "call again later, or go on to voicemail",
        "busy engaged reject dnd",
    },
    [487] = {
        "the request was cancelled before it was answered",
        "do nothing if the caller hung up, or else find out what sent the CANCEL",
        "cancel cancelled hung up abandoned",
    },
    [488] = {
        "the phone does not accept the offered session",
        "offer codecs and encryption that the phone supports",
        "codec sdp srtp media mismatch",
    },
    [489] = {
        "the server does not know the event package",
        "use an event package that Allow-Events lists",
        "presence blf subscribe event mwi",
    },
    [491] = {
        "both sides sent an INVITE or UPDATE at the same time",
        "wait a random time and send it again",
        "glare collision re-invite hold",
    },
    [493] = {
        "the encrypted body cannot be decrypted",
        "encrypt with the key of the recipient",
        "encryption s/mime decrypt",
    },
    [494] = {
        "a security mechanism must be agreed on first",
        "choose a mechanism from Security-Server",
        "sec-agree ipsec ims",
    },

    [500] = {
        "the server had an internal error",
        "read the log of that server",
        "internal error crash script",
    },
    [501] = {
        "the server does not know the method",
        "do without that method",
        "method unknown not implemented",
    },
    [502] = {
        "the next server sent an invalid response",
        "look at the server behind it",
        "gateway trunk pstn invalid",
    },
    [503] = {
        "the server cannot take requests now",
        "go to another server, and to this one only after Retry-After",
        "overload overloaded maintenance congestion trunk retry-after",
    },
    [504] = {
        "another server that this one needs did not answer in time",
        "look at what that server was waiting for",
        "timeout dns database slow",
    },
    [505] = {
        "the SIP version is not supported",
        "send SIP/2.0",
        "version scanner",
    },
    [513] = {
        "the whole message is too large",
        "make the message smaller, or use TCP",
        "size mtu fragment udp large",
    },
    [555] = {
        "the push service is not supported",
        "register without push, or set the service up",
        "push mobile app apns fcm",
    },
    [580] = {
        "a precondition such as reserved bandwidth cannot be met",
        "offer the call without that precondition",
        "qos volte ims bearer precondition",
    },

    [600] = {
        "the user is busy on every device",
        "call again later",
        "busy everywhere",
    },
    [603] = {
        "the user declines the call",
        "do not call again automatically",
        "decline reject refused blocked",
    },
    [604] = {
        "the user exists nowhere",
        "correct the number, because no other route will help",
        "unknown nonexistent",
    },
    [606] = {
        "no device of the user accepts the offered session",
        "offer another kind of session",
        "codec sdp media",
    },
    [607] = {
        "the person called marks the call as unwanted",
        "stop calling",
        "spam unwanted robocall",
    },
    [608] = {
        "a filter in the network rejected the call",
        "use the contact in Call-Info for redress",
        "spam analytics blocked robocall filter",
    },
}
