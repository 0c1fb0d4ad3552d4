-- SPDX-License-Identifier: BSD-2-Clause
-- Made by `make generate` from module/script/engine/schema.def: change that.
---@meta reflow

---Anything that has a code.
---@alias reflow.CodeLike integer|reflow.Reply|reflow.Message|{code: integer}

---486, "4xx", "*", {486, "5xx"}, {from = 500, to = 599}.
---@alias reflow.Selector integer|string|reflow.CodeRange|(integer|string)[]

---Both arguments are the same.
---@alias reflow.CallHook fun(request: reflow.Call, call: reflow.Call): reflow.Verdict|boolean|nil

---@alias reflow.ReplyHook fun(reply: reflow.Reply, call: reflow.Call, decision: reflow.Decision): reflow.Verdict|boolean|nil

---The first argument is the response that would be forwarded.
---@alias reflow.ExhaustedHook fun(best: reflow.Reply, call: reflow.Call): reflow.Verdict|boolean|nil

---User is the digest username: the user part of the AOR, or the whole AOR without its scheme. realm is the domain.
---@alias reflow.CredentialsHook fun(user: string, realm: string, algorithm: "MD5"|"SHA-256"|"SHA-512-256"): string|boolean|nil

---The result is ignored.
---@alias reflow.FlowHook fun(flow: reflow.Flow)

---Returns data and, optionally, its schema: tables, strings, numbers, booleans.
---@alias reflow.SaveHook fun(): any, any

---@alias reflow.RestoreHook fun(data: any, schema: any): boolean?

---@alias reflow.Language "en"|"es"

---@alias reflow.Action "absorb"|"forward"|"hold"|"next_flow"|"next_target"|"retry"|"recurse"|"fail"|"ack"|"reregister"

---@alias reflow.VerdictKind "accept"|"route"|"relay"|"reply"|"drop"|"next_flow"|"next_target"|"fail"|"retry_after"|"forward"|"rest"|"challenge"

---The result of parse. A field is parsed when it is read.
---@class reflow.Message
---@field is_request boolean false for a response
---@field method string? the method of the request line, or of CSeq
---@field code integer? of a response
---@field phrase string? of a response
---@field uri string? the Request-URI
---@field call_id string? Call-ID
---@field from string? the URI in From
---@field from_tag string? the tag of From
---@field to string? the URI in To
---@field to_tag string? the tag of To
---@field cseq integer the number in CSeq
---@field expires integer? Expires, in seconds
---@field retry_after integer? Retry-After, in seconds
---@field body string? the body
---@field header fun(self: reflow.Message, name: string, n?: integer): string? the value of the n-th header field with that name (default: the first)
---@field headers fun(self: reflow.Message): (fun(): string?, string?) iterates over all header fields: for name, value in message:headers() do

---The result of token_keys.
---@class reflow.TokenKeys
---@field token fun(self: reflow.TokenKeys, flow: reflow.TokenFlow): string make the token of a flow: 56 characters for IPv4, 88 for IPv6
---@field flow fun(self: reflow.TokenKeys, token: string): reflow.TokenFlow?, string? the flow that a token names; nil and "forged" or "unknown key" (answer 403) if these keys did not make it
---@field rotate fun(self: reflow.TokenKeys): true?, string? make a new key for new tokens; the older keys still verify theirs
---@field reload fun(self: reflow.TokenKeys): true?, string? read the file again, after another process has rotated the keys

---@class reflow.TokenFlow
---@field transport "udp"|"tcp"|"tls"|"ws"|"wss" the transport of the user agent
---@field edge string the local address, "192.0.2.1:5060" or "[2001:db8::1]:5060"
---@field user_agent string the remote address
---@field connection integer? the number of the connection, which is unique in a run of the program; default 0
---@field run integer? the run of the program that assigned the number; default: this run
---@field this_run boolean? set when a token is read: false if an earlier run made it. The connections of an earlier run are gone (answer 430); a UDP flow survives, because it consists of its addresses

---The result of outbound. Flows are numbered from 1 in the order of the proxies. An event has the serial of the action that it belongs to; events of actions that are no longer current change nothing.
---@class reflow.Outbound
---@field next fun(self: reflow.Outbound): reflow.OutboundAction? the next action to carry out; nil if there is none
---@field wait fun(self: reflow.Outbound): number? how long to wait if nothing happens; nil after stop(), when everything is closed
---@field opened fun(self: reflow.Outbound, flow: integer, serial: integer) reports that the connection was opened
---@field closed fun(self: reflow.Outbound, flow: integer, serial: integer) reports that the connection could not be opened, was closed by the peer, or failed
---@field answered fun(self: reflow.Outbound, flow: integer, serial: integer, r: reflow.CodeLike, context?: reflow.Context, expires?: integer, stale?: boolean): reflow.Decided reports a response to the REGISTER with that serial, or the event in context.origin instead of one; expires is the granted time (default: as requested), stale is that of the challenge
---@field pong fun(self: reflow.Outbound, flow: integer, serial: integer) reports that the keep-alive was answered
---@field mapped fun(self: reflow.Outbound, flow: integer, serial: integer, address: string) reports a STUN response with this mapped address
---@field stop fun(self: reflow.Outbound) unregister and close everything
---@field registered fun(self: reflow.Outbound, flow?: integer): integer|boolean the number of registered flows, or whether this flow is registered; one is enough to be reachable

---An action to carry out, or a report of what has happened.
---@class reflow.OutboundAction
---@field kind "open"|"close"|"register"|"keepalive"|"registered"|"failed"|"unregistered" open: connect; close: close the connection; register: send REGISTER; keepalive: send CRLF CRLF or a STUN binding request; the others report what has happened
---@field flow integer the position of the proxy in the list
---@field reg_id integer the reg-id of the flow, which never changes
---@field serial integer the serial to report events with
---@field registered integer the number of registered flows
---@field expires integer? seconds; for register, the time to request (0 to unregister); for registered, the granted time
---@field outbound boolean? for register: with reg-id and Supported: outbound
---@field with_credentials boolean? for register: answer the challenges of this flow
---@field keepalive boolean? for registered: outbound was applied, and keep-alives are sent
---@field why string? for failed and unregistered: the reason, one sentence
---@field rule string? for failed and unregistered: the id of the rule
---@field code integer? for failed: the code of the response
---@field wait number? for failed: seconds until the next attempt

---@class reflow.OutboundOptions
---@field proxies reflow.OutboundProxy[] 1 to 8
---@field expires integer? seconds to request; default 3600
---@field always_outbound boolean? after 439, wait for another first hop instead of registering without outbound
---@field times reflow.OutboundTimes? waits in place of those of RFC 5626

---@class reflow.OutboundProxy
---@field reg_id integer? default: its position in the list
---@field keepalive "stream"|"stun"|nil default: stream

---All in seconds.
---@class reflow.OutboundTimes
---@field base number? base of the recovery wait if no flow is alive; default 30
---@field base_alive number? base of the recovery wait if a flow is alive; default 90
---@field most number? longest recovery wait; default 1800
---@field answer number? how long to wait for a response or a connection; default 32
---@field pong number? how long to wait for the response to a keep-alive; default 10

---The request: the arguments `request` and `call` of hooks.
---@class reflow.Call
---@field method string the method, as written
---@field uri string the Request-URI as it was written, of any scheme (sip:, tel:, urn:service:sos)
---@field from string? the URI in From
---@field to string? the URI in To
---@field call_id string Call-ID
---@field cseq integer the number in CSeq
---@field body string? the body
---@field aor string? the address-of-record of the Request-URI; for a REGISTER, of To. For a tel: URI, the number without visual separators ("tel:+15550100"); a urn:service: URI is in lower case
---@field source string? where it came from: "udp:127.0.0.1:5070"
---@field user string? the user whose password the request has proved: "alice@example.com"; nil: none. In Kamailio, see sip_authenticated()
---@field registered boolean whether the request came over a flow on which the AOR in From is registered now; false behind another proxy. From is not proved by it over UDP, where addresses can be forged
---@field trunk string? the trunk that has sent it, as it was configured ("203.0.113.0/24", "trunk.example.com"); nil: it came from no trunk
---@field age number seconds since the request was received
---@field header fun(self: reflow.Call, name: string, n?: integer): string? the value of the n-th header field with that name (default: the first)
---@field headers fun(self: reflow.Call): (fun(): string?, string?) iterates over all header fields: for name, value in call:headers() do

---A response, or an event in place of one: a timeout, a request that could not be sent, a dead flow.
---@class reflow.Reply
---@field code integer the code that it acts as; 0 if malformed
---@field phrase string? the phrase that was received, or else that of the code table
---@field method string the method of the request
---@field retry_after integer? Retry-After, in seconds
---@field reg_id integer? the reg-id of the binding that the branch was sent to
---@field flows_left integer flows of the same instance that are alive and were not tried
---@field targets_left integer targets that were not tried
---@field provisional_seen boolean a provisional response above 100 was received on this branch
---@field in_dialog boolean the request had a To tag
---@field origin "wire"|"timeout"|"transport"|"flow_down" how it was received, or what happened instead
---@field destination string? where the request went: "127.0.0.1:5070"
---@field flow string? over which flow: "tcp 127.0.0.1:5060-127.0.0.1:40112 #17"
---@field instance string? the instance-id of the target
---@field branches integer the number of branches so far
---@field body string? the body
---@field header fun(self: reflow.Reply, name: string, n?: integer): string? the value of the n-th header field with that name (default: the first)
---@field headers fun(self: reflow.Reply): (fun(): string?, string?) iterates over all header fields: for name, value in reply:headers() do

---The core's decision about a reply. Each flag below is a field too.
---@class reflow.Decision
---@field action reflow.Action the action
---@field rule string the id of the rule: "5626-7.b"
---@field why string the reason, one sentence
---@field status integer? the status that is forwarded in place of the code
---@field code integer the code that the response acts as
---@field drop "binding"|"flow"|nil the bindings that are removed
---@field rest integer? seconds for which the destination rests
---@field wait_min number the shortest time before a retry, in seconds
---@field wait_max number the longest time before a retry, in seconds
---@field flows_left integer the same as in the reply
---@field targets_left integer the same as in the reply
---@field ack boolean the response must be acknowledged
---@field cancel_rest boolean the pending branches are cancelled
---@field end_usage boolean this dialog usage, or the subscription, has ended
---@field reset_timer_c boolean timer C of the branch is restarted
---@field merge_challenges boolean if this response is forwarded, all challenges are merged into it
---@field bye boolean the unwanted dialog is ended after the ACK
---@field store_binding boolean the registration is active
---@field start_keepalive boolean outbound was applied: keep-alives start
---@field stop_outbound boolean register without outbound, or through another first hop
---@field drop_service_route boolean the Service-Route is dropped
---@field set_service_route boolean the Service-Route of the response is stored
---@field subscription_stands boolean the subscription was accepted or kept
---@field never_repeat boolean the same request must not be sent again
---@field next_server boolean the next address of the same destination is tried
---@field answered boolean the instance has answered and never gets this request again

---The result of decide, a table. Each flag below is a field too.
---@class reflow.Decided
---@field action reflow.Action the action
---@field rule string the id of the rule: "5626-7.b"
---@field why string the reason, one sentence
---@field code integer the code that the response acts as
---@field status integer? the status that is forwarded in place of the code
---@field rest integer? seconds for which the destination rests
---@field value integer? seconds: the Min-Expires or Min-SE to retry with, or the Flow-Timer if keep-alives start
---@field drop "binding"|"flow"|nil the bindings that are removed
---@field wait_min number the shortest time before a retry, in seconds
---@field wait_max number the longest time before a retry, in seconds
---@field change string[] what a retry changes: "credentials", "expires", ...
---@field ack boolean the response must be acknowledged
---@field cancel_rest boolean the pending branches are cancelled
---@field end_usage boolean this dialog usage, or the subscription, has ended
---@field reset_timer_c boolean timer C of the branch is restarted
---@field merge_challenges boolean if this response is forwarded, all challenges are merged into it
---@field bye boolean the unwanted dialog is ended after the ACK
---@field store_binding boolean the registration is active
---@field start_keepalive boolean outbound was applied: keep-alives start
---@field stop_outbound boolean register without outbound, or through another first hop
---@field drop_service_route boolean the Service-Route is dropped
---@field set_service_route boolean the Service-Route of the response is stored
---@field subscription_stands boolean the subscription was accepted or kept
---@field never_repeat boolean the same request must not be sent again
---@field next_server boolean the next address of the same destination is tried
---@field answered boolean the instance has answered and never gets this request again

---The argument of hooks for flows.
---@class reflow.Flow
---@field flow string? "tcp 127.0.0.1:5060-127.0.0.1:40112 #17"
---@field aor string? the address of record of the binding
---@field instance string? its instance-id
---@field reg_id integer? its reg-id
---@field reason string? why it has died: "closed", "icmp", "keepalive", "unacknowledged", "430"

---The result of the functions for verdicts. Its fields can be read, and tostring() shows it as text.
---@class reflow.Verdict
---@field kind reflow.VerdictKind the name of the function that made it
---@field code integer? for reply and fail
---@field seconds integer? for rest and retry_after
---@field next_after number? for route: seconds
---@field recurse boolean? for route and relay: follow 3xx responses
---@field uri string? for route, relay and forward
---@field phrase string? for reply
---@field destination string? for rest

---The facts that decide takes in addition to the code, with the names of the options of `reflow decide`. A fact that is left out is zero, false or unknown.
---@class reflow.Context
---@field method? string the method of the request, in capitals; default INVITE
---@field role? "proxy"|"edge"|"registrar"|"uac" who received the response; default proxy
---@field origin? "wire"|"timeout"|"transport"|"flow_down" how the response was received, or what happened instead; default wire
---@field retry_after? integer Retry-After of the response, in seconds
---@field has_retry_after? boolean the response has Retry-After; implied by retry_after
---@field min_expires? integer Min-Expires of a 423, in seconds
---@field min_se? integer Min-SE of a 422, in seconds
---@field flow_timer? integer Flow-Timer of a 2xx to REGISTER, in seconds
---@field reg_id? integer reg-id of the binding, or of the user agent's registration
---@field flows_left? integer flows of the same instance that are alive and were not tried
---@field via_count? integer the number of Via values in the response
---@field attempts? integer user agent: how often the request was retried for this code
---@field unmatched? boolean there is no transaction for the response
---@field in_dialog? boolean the request had a To tag
---@field refresh? boolean re-INVITE, re-REGISTER, or SUBSCRIBE refresh
---@field provisional_seen? boolean a provisional response above 100 was received on this branch
---@field on_flow? boolean the branch went over an outbound flow
---@field has_instance? boolean the target has an instance-id
---@field requires_outbound? boolean the response has Require: outbound
---@field supports_outbound? boolean the request has Supported: outbound
---@field unwanted? boolean user agent: the caller gave up before this 2xx
---@field owns_call_id? boolean user agent: it chose the Call-ID
---@field has_service_route? boolean a 2xx to REGISTER has Service-Route
---@field has_challenge? boolean the 401 or 407 has a challenge
---@field unacknowledged? boolean flow_down: the connection was aborted because its peer acknowledged nothing
---@field next_server? boolean the destination has another address that was not tried, or a Contact to call over a new connection
---@field branches_pending? integer other branches without a final response
---@field targets_left? integer targets that were not tried
---@field responses_held? integer final responses stored so far
---@field success_forwarded? boolean a 2xx was forwarded
---@field global_failure_seen? boolean a 6xx was received, on any branch
---@field final_forwarded? boolean a final response was forwarded
---@field cancelled? boolean the caller sent CANCEL
---@field may_recurse? boolean the policy follows 3xx responses

---The last argument of on_request and its like.
---@class reflow.HookOptions
---@field priority integer? of two hooks with equal selectors, the one with the higher priority is called first; default 0
---@field on_error "core"|"next"|"previous"|integer|nil what happens if the hook fails: the core's decision (default), the next hook, the previous version, or a status from 400 to 699; a hook for flows has only the first two

---@class reflow.RouteOptions
---@field next_after number? seconds after which the next target is called in addition
---@field recurse boolean? follow 3xx responses

---@class reflow.RelayOptions
---@field recurse boolean? follow 3xx responses

---@class reflow.CodeRange
---@field from integer the first
---@field to integer the last

---The result of code.
---@class reflow.CodeRow
---@field code integer the code that was asked for
---@field name string the constant's: "FLOW_FAILED"
---@field phrase string "Flow Failed"
---@field class string "client_error"
---@field reference string "RFC5626"
---@field folded integer? for a code that is not registered: the code that it acts as
---@field reactions table<string, reflow.Action> by role: what the core does if only the code is known

---The result of explain.
---@class reflow.Explanation
---@field code integer the code that was asked for
---@field phrase string "Flow Failed"
---@field class integer 1 to 6
---@field reference string "RFC5626"
---@field lang reflow.Language the language of the texts
---@field registered boolean false if the code is not registered and acts as another one
---@field acts_as integer the code that the texts are about
---@field use string when to use it
---@field description string what it means
---@field when string when it occurs
---@field fix string how to fix the cause
---@field traits table<string, any> sender, retry, retry_after, dialog, search, methods, headers
---@field text string the whole text, for a terminal

---The result of compare.
---@class reflow.Comparison
---@field a reflow.Explanation the first, without its text
---@field b reflow.Explanation the second, without its text
---@field lang reflow.Language the language of the texts
---@field same boolean both codes are the same
---@field differences {trait: string, label: string, a: string, b: string}[] the differences, trait by trait
---@field notes string[] remarks about the two codes
---@field text string the whole text, for a terminal
---@field markdown string the whole text, as a page

---@class reflow
local sip = {}

sip.TRYING = 100
sip.RINGING = 180
sip.CALL_IS_BEING_FORWARDED = 181
sip.QUEUED = 182
sip.SESSION_PROGRESS = 183
sip.EARLY_DIALOG_TERMINATED = 199
sip.OK = 200
sip.ACCEPTED = 202
sip.NO_NOTIFICATION = 204
sip.MULTIPLE_CHOICES = 300
sip.MOVED_PERMANENTLY = 301
sip.MOVED_TEMPORARILY = 302
sip.USE_PROXY = 305
sip.ALTERNATIVE_SERVICE = 380
sip.BAD_REQUEST = 400
sip.UNAUTHORIZED = 401
sip.PAYMENT_REQUIRED = 402
sip.FORBIDDEN = 403
sip.NOT_FOUND = 404
sip.METHOD_NOT_ALLOWED = 405
sip.NOT_ACCEPTABLE = 406
sip.PROXY_AUTHENTICATION_REQUIRED = 407
sip.REQUEST_TIMEOUT = 408
sip.GONE = 410
sip.CONDITIONAL_REQUEST_FAILED = 412
sip.REQUEST_ENTITY_TOO_LARGE = 413
sip.REQUEST_URI_TOO_LONG = 414
sip.UNSUPPORTED_MEDIA_TYPE = 415
sip.UNSUPPORTED_URI_SCHEME = 416
sip.UNKNOWN_RESOURCE_PRIORITY = 417
sip.BAD_EXTENSION = 420
sip.EXTENSION_REQUIRED = 421
sip.SESSION_INTERVAL_TOO_SMALL = 422
sip.INTERVAL_TOO_BRIEF = 423
sip.BAD_LOCATION_INFORMATION = 424
sip.BAD_ALERT_MESSAGE = 425
sip.USE_IDENTITY_HEADER = 428
sip.PROVIDE_REFERRER_IDENTITY = 429
sip.FLOW_FAILED = 430
sip.ANONYMITY_DISALLOWED = 433
sip.BAD_IDENTITY_INFO = 436
sip.UNSUPPORTED_CREDENTIAL = 437
sip.INVALID_IDENTITY_HEADER = 438
sip.FIRST_HOP_LACKS_OUTBOUND_SUPPORT = 439
sip.MAX_BREADTH_EXCEEDED = 440
sip.BAD_INFO_PACKAGE = 469
sip.CONSENT_NEEDED = 470
sip.TEMPORARILY_UNAVAILABLE = 480
sip.CALL_TRANSACTION_DOES_NOT_EXIST = 481
sip.LOOP_DETECTED = 482
sip.TOO_MANY_HOPS = 483
sip.ADDRESS_INCOMPLETE = 484
sip.AMBIGUOUS = 485
sip.BUSY_HERE = 486
sip.REQUEST_TERMINATED = 487
sip.NOT_ACCEPTABLE_HERE = 488
sip.BAD_EVENT = 489
sip.REQUEST_PENDING = 491
sip.UNDECIPHERABLE = 493
sip.SECURITY_AGREEMENT_REQUIRED = 494
sip.SERVER_INTERNAL_ERROR = 500
sip.NOT_IMPLEMENTED = 501
sip.BAD_GATEWAY = 502
sip.SERVICE_UNAVAILABLE = 503
sip.SERVER_TIME_OUT = 504
sip.VERSION_NOT_SUPPORTED = 505
sip.MESSAGE_TOO_LARGE = 513
sip.PUSH_NOTIFICATION_SERVICE_NOT_SUPPORTED = 555
sip.PRECONDITION_FAILURE = 580
sip.BUSY_EVERYWHERE = 600
sip.DECLINE = 603
sip.DOES_NOT_EXIST_ANYWHERE = 604
sip.NOT_ACCEPTABLE_ANYWHERE = 606
sip.UNWANTED = 607
sip.REJECTED = 608

---Called for each new request, or for those of one method (in capitals).
---@param hook reflow.CallHook
---@param options? reflow.HookOptions
---@overload fun(method: string, hook: reflow.CallHook, options?: reflow.HookOptions)
function sip.on_request(hook, options) end

---Called for each REGISTER for a domain of this server.
---@param hook reflow.CallHook
---@param options? reflow.HookOptions
function sip.on_register(hook, options) end

---Called for each response that the selector matches; a timeout counts as 408 and a dead flow as 430.
---@param selector reflow.Selector
---@param hook reflow.ReplyHook
---@param options? reflow.HookOptions
function sip.on_response(selector, hook, options) end

---The same as on_response with "2xx".
---@param hook reflow.ReplyHook
---@param options? reflow.HookOptions
function sip.on_success(hook, options) end

---With a hook: the same as on_response(430, hook). Without arguments, inside a hook: returns the core's decision as a verdict.
---@param hook reflow.ReplyHook
---@param options? reflow.HookOptions
---@return reflow.Verdict? verdict
---@overload fun(): reflow.Verdict?
function sip.on_flow_failed(hook, options) end

---Called when no target is left, before the best response is forwarded.
---@param hook reflow.ExhaustedHook
---@param options? reflow.HookOptions
function sip.on_exhausted(hook, options) end

---Called when a binding with a reg-id gets a new flow.
---@param hook reflow.FlowHook
---@param options? reflow.HookOptions
function sip.on_flow_up(hook, options) end

---Called when a flow has died, once for each binding with a reg-id on it.
---@param hook reflow.FlowHook
---@param options? reflow.HookOptions
function sip.on_flow_down(hook, options) end

---Only in `reflow serve`: called for the secret of a user who authenticates, if the file of --users has no such user. Returns HA1 (the hash of user:realm:password) in lower-case hexadecimal, or nil: no such user. Any other result, or a failure, is answered with 503.
---@param hook reflow.CredentialsHook
---@param options? reflow.HookOptions
function sip.on_credentials(hook, options) end

---Names emergency numbers, in addition to urn:service:sos; a call to one is never refused because a script has failed.
---@param numbers string[]
function sip.emergency(numbers) end

---Accept the core's decision and call no other hook; for a REGISTER, bind by the rules.
---@return reflow.Verdict verdict
function sip.accept() end

---Call the bindings of the AOR; without an AOR, those of the Request-URI.
---@param aor? string
---@param options? reflow.RouteOptions
---@return reflow.Verdict verdict
---@overload fun(options: reflow.RouteOptions): reflow.Verdict
function sip.route(aor, options) end

---Send the request to this URI; in a hook for a response, try this target now.
---@param uri string
---@param options? reflow.RelayOptions
---@return reflow.Verdict verdict
function sip.relay(uri, options) end

---Send the request unchanged to this next hop, as an edge proxy does (RFC 5626 section 5).
---@param uri string
---@return reflow.Verdict verdict
function sip.forward(uri) end

---Answer with this status, 200 to 699.
---@param code integer
---@param phrase? string
---@return reflow.Verdict verdict
function sip.reply(code, phrase) end

---End with this status, 300 to 699.
---@param code integer
---@return reflow.Verdict verdict
function sip.fail(code) end

---Send no response.
---@return reflow.Verdict verdict
function sip.drop() end

---Ask the sender to authenticate: 407, or 401 in on_register, with challenges for the domain of the sender if it is one of the server, else for that of the request; 403 if the server does not authenticate. In Kamailio, the configuration gets a return code and sends the challenge.
---@return reflow.Verdict verdict
function sip.challenge() end

---Try another flow of the same instance.
---@return reflow.Verdict verdict
function sip.next_flow() end

---Continue with the next targets.
---@return reflow.Verdict verdict
function sip.next_target() end

---Send nothing to the destination (`address:port`, `host:port`, or either without a port) for this time; apart from that, accept the core's decision.
---@param destination string
---@param seconds integer
---@return reflow.Verdict verdict
function sip.rest(destination, seconds) end

---Add Retry-After to the response that is forwarded.
---@param seconds integer
---@return reflow.Verdict verdict
function sip.retry_after(seconds) end

---Register a function that returns data for the next version of this layer; it is called when that version goes into use.
---@param save reflow.SaveHook
function sip.save(save) end

---Register a function that receives the data of the previous version; if it returns false or fails, the new version is refused.
---@param restore reflow.RestoreHook
function sip.restore(restore) end

---100 to 199.
---@param r? reflow.CodeLike
---@return boolean
function sip.is_provisional(r) end

---200 to 299.
---@param r? reflow.CodeLike
---@return boolean
function sip.is_success(r) end

---300 to 399.
---@param r? reflow.CodeLike
---@return boolean
function sip.is_redirect(r) end

---400 to 499.
---@param r? reflow.CodeLike
---@return boolean
function sip.is_client_error(r) end

---500 to 599.
---@param r? reflow.CodeLike
---@return boolean
function sip.is_server_error(r) end

---600 to 699.
---@param r? reflow.CodeLike
---@return boolean
function sip.is_global_failure(r) end

---200 to 699.
---@param r? reflow.CodeLike
---@return boolean
function sip.is_final(r) end

---430.
---@param r? reflow.CodeLike
---@return boolean
function sip.is_flow_failed(r) end

---The row of the code table; nil and a message for a number that is not a SIP code.
---@param n? reflow.CodeLike
---@return reflow.CodeRow? row
---@return string? why
function sip.code(n) end

---The core's decision for a response; the context gives further facts.
---@param r? reflow.CodeLike
---@param context? reflow.Context
---@return reflow.Decided decided
function sip.decide(r, context) end

---What a code means, when it occurs, and how to fix the cause.
---@param r? reflow.CodeLike
---@param language? reflow.Language
---@return reflow.Explanation? explanation
---@return string? why
---@return string? name
function sip.explain(r, language) end

---Compares two codes.
---@param a reflow.CodeLike
---@param b reflow.CodeLike
---@param language? reflow.Language
---@return reflow.Comparison? comparison
---@return string? why
---@return string? name
function sip.compare(a, b, language) end

---How long to wait before a flow is tried again after this number of failures.
---@param failures integer
---@param any_flow_alive? boolean
---@return number seconds
function sip.recovery_delay(failures, any_flow_alive) end

---How long to wait until the next keep-alive.
---@param kind? "stream"|"stun"
---@param flow_timer? integer
---@return number seconds
function sip.keepalive_interval(kind, flow_timer) end

---Parse a message; on failure nil, what is wrong and where, and a suitable status code.
---@param text string
---@return reflow.Message? message
---@return string? why
---@return integer? status
function sip.parse(text) end

---Write a line to the server's log; arguments as for string.format.
---@param format string
---@param ... any
function sip.log(format, ...) end

---Make every function a global with the prefix sip_, as in policies.
function sip.globals() end

---Only outside the server, for tests: what the hooks of this program decide about a reply.
---@param reply reflow.CodeLike
---@param context? reflow.Context
---@param call? table
---@return reflow.Verdict? verdict
---@return reflow.Decided decided
function sip.respond(reply, context, call) end

---Read the keys from a file, which is created with mode 0600 if it does not exist; without a path, the keys exist only in this program.
---@param path? string
---@return reflow.TokenKeys? keys
---@return string? why
function sip.token_keys(path) end

---A state machine: report events to it, carry out the actions that next() returns, and call it again when something happens or after wait() seconds.
---@param options reflow.OutboundOptions
---@return reflow.Outbound outbound
function sip.outbound(options) end

---A hash for digest authentication (RFC 7616, RFC 8760).
---@param algorithm "MD5"|"SHA-256"|"SHA-512-256"
---@param bytes string
---@return string? hexadecimal
function sip.digest(algorithm, bytes) end

---sip.store: counters, values and sets, by name. The functions are called with a dot: sip.store.add("calls").
sip.store = {}

---Add n (default 1, may be negative) to a counter.
---@param name string
---@param n? integer
---@return integer? sum
---@return string? why
---@return string? code
function sip.store.add(name, n) end

---The value of a counter; 0 if it does not exist.
---@param name string
---@return integer? value
---@return string? why
---@return string? code
function sip.store.count(name) end

---Set a value.
---@param name string
---@param value string|number|boolean
---@param seconds? number
---@return true? done
---@return string? why
---@return string? code
function sip.store.put(name, value, seconds) end

---The value; nil alone if it does not exist.
---@param name string
---@return string|number|boolean|nil value
---@return string? why
---@return string? code
function sip.store.get(name) end

---Add a member to a set.
---@param set string
---@param member string
---@param seconds? number
---@return true? done
---@return string? why
---@return string? code
function sip.store.insert(set, member, seconds) end

---Whether the set has this member.
---@param set string
---@param member string
---@return boolean
function sip.store.contains(set, member) end

---Remove a member; returns whether it was in the set.
---@param set string
---@param member string
---@return boolean
function sip.store.erase(set, member) end

---The number of members; 0 if there is no such set.
---@param set string
---@return integer
function sip.store.size(set) end

---The members, in no particular order.
---@param set string
---@return string[]? members
---@return string? why
---@return string? code
function sip.store.members(set) end

---Delete a counter, value or set; returns whether it existed.
---@param name string
---@return boolean
function sip.store.forget(name) end

sip_on_request = sip.on_request
sip_on_register = sip.on_register
sip_on_response = sip.on_response
sip_on_success = sip.on_success
sip_on_flow_failed = sip.on_flow_failed
sip_on_exhausted = sip.on_exhausted
sip_on_flow_up = sip.on_flow_up
sip_on_flow_down = sip.on_flow_down
sip_on_credentials = sip.on_credentials
sip_emergency = sip.emergency
sip_accept = sip.accept
sip_route = sip.route
sip_relay = sip.relay
sip_forward = sip.forward
sip_reply = sip.reply
sip_fail = sip.fail
sip_drop = sip.drop
sip_challenge = sip.challenge
sip_next_flow = sip.next_flow
sip_next_target = sip.next_target
sip_rest = sip.rest
sip_retry_after = sip.retry_after
sip_save = sip.save
sip_restore = sip.restore
sip_is_provisional = sip.is_provisional
sip_is_success = sip.is_success
sip_is_redirect = sip.is_redirect
sip_is_client_error = sip.is_client_error
sip_is_server_error = sip.is_server_error
sip_is_global_failure = sip.is_global_failure
sip_is_final = sip.is_final
sip_is_flow_failed = sip.is_flow_failed
sip_code = sip.code
sip_decide = sip.decide
sip_explain = sip.explain
sip_compare = sip.compare
sip_recovery_delay = sip.recovery_delay
sip_keepalive_interval = sip.keepalive_interval
sip_parse = sip.parse
sip_log = sip.log
sip_globals = sip.globals
sip_respond = sip.respond
sip_token_keys = sip.token_keys
sip_outbound = sip.outbound
sip_digest = sip.digest

return sip
