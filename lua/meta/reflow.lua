-- SPDX-License-Identifier: BSD-2-Clause
-- Made by `make generate` from module/script/engine/schema.def: change that.
---@meta reflow

---What has a code.
---@alias reflow.CodeLike integer|reflow.Reply|reflow.Message|{code: integer}

---486, "4xx", "*", {486, "5xx"}, {from = 500, to = 599}.
---@alias reflow.Selector integer|string|reflow.CodeRange|(integer|string)[]

---Both arguments are the same.
---@alias reflow.CallHook fun(request: reflow.Call, call: reflow.Call): reflow.Verdict|boolean|nil

---@alias reflow.ReplyHook fun(reply: reflow.Reply, call: reflow.Call, decision: reflow.Decision): reflow.Verdict|boolean|nil

---The first argument is what would go up.
---@alias reflow.ExhaustedHook fun(best: reflow.Reply, call: reflow.Call): reflow.Verdict|boolean|nil

---Nothing is made of what it returns.
---@alias reflow.FlowHook fun(flow: reflow.Flow)

---Data and, where wanted, its schema: tables, strings, numbers, booleans.
---@alias reflow.SaveHook fun(): any, any

---@alias reflow.RestoreHook fun(data: any, schema: any): boolean?

---@alias reflow.Language "en"|"es"

---@alias reflow.Action "absorb"|"forward"|"hold"|"next_flow"|"next_target"|"retry"|"recurse"|"fail"|"ack"|"reregister"

---@alias reflow.VerdictKind "accept"|"route"|"relay"|"reply"|"drop"|"next_flow"|"next_target"|"fail"|"retry_after"|"forward"|"rest"

---What parse gives. Fields are read when asked for.
---@class reflow.Message
---@field is_request boolean else it is a response
---@field method string? of the request line, or of CSeq
---@field code integer? of a response
---@field phrase string? of a response
---@field uri string? the Request-URI
---@field call_id string? Call-ID
---@field from string? the URI in From
---@field from_tag string? the tag of From
---@field to string? the URI in To
---@field to_tag string? the tag of To
---@field cseq integer the number in CSeq
---@field expires integer? Expires, seconds
---@field retry_after integer? Retry-After, seconds
---@field body string? the body
---@field header fun(self: reflow.Message, name: string, n?: integer): string? the value of the n-th header field of that name, the first where n is left out
---@field headers fun(self: reflow.Message): (fun(): string?, string?) for name, value in message:headers() do

---What token_keys gives.
---@class reflow.TokenKeys
---@field token fun(self: reflow.TokenKeys, flow: reflow.TokenFlow): string seal a flow: 56 characters for IPv4, 88 for IPv6
---@field flow fun(self: reflow.TokenKeys, token: string): reflow.TokenFlow?, string? what a token names; nil and "forged" or "unknown key" (403) where it is not ours
---@field rotate fun(self: reflow.TokenKeys): true?, string? a new key seals from now on; the older ones still read
---@field reload fun(self: reflow.TokenKeys): true?, string? read the file again, where another process has rotated

---@class reflow.TokenFlow
---@field transport "udp"|"tcp"|"tls"|"ws"|"wss" how the user agent came
---@field edge string the local address, "192.0.2.1:5060" or "[2001:db8::1]:5060"
---@field user_agent string the remote address
---@field connection integer? the connection's own number, never given twice in a run; 0 where not given
---@field run integer? of the process that gave the number; this one where not given
---@field this_run boolean? read from a token: false if an earlier run made it, whose connections are gone (430); a UDP flow is its addresses and outlives the run

---What outbound gives. Flows are counted from 1 as their proxies; a serial is that of the action that the event belongs to, and what belongs to none that stands changes nothing.
---@class reflow.Outbound
---@field next fun(self: reflow.Outbound): reflow.OutboundAction? what is to be done now; nil where nothing is left
---@field wait fun(self: reflow.Outbound): number? when to come again if nothing happens before; nil where it was stopped and everything is closed
---@field opened fun(self: reflow.Outbound, flow: integer, serial: integer) the connection stands
---@field closed fun(self: reflow.Outbound, flow: integer, serial: integer) it could not be opened, or was closed by the other side, or broke
---@field answered fun(self: reflow.Outbound, flow: integer, serial: integer, r: reflow.CodeLike, context?: reflow.Context, expires?: integer, stale?: boolean): reflow.Decided a response to the REGISTER with that serial, or what the context's origin says in place of one; expires is what was granted, as asked for where left out; stale is the challenge's
---@field pong fun(self: reflow.Outbound, flow: integer, serial: integer) the keep-alive was answered
---@field mapped fun(self: reflow.Outbound, flow: integer, serial: integer, address: string) it was, by STUN, with this mapped address
---@field stop fun(self: reflow.Outbound) unregister and close everything
---@field registered fun(self: reflow.Outbound, flow?: integer): integer|boolean how many flows are registered, or whether that one is; one is enough to be reachable

---What is to be done, or has come to be.
---@class reflow.OutboundAction
---@field kind "open"|"close"|"register"|"keepalive"|"registered"|"failed"|"unregistered" connect; drop the connection; send REGISTER; send CRLF CRLF or a STUN binding request; and news
---@field flow integer place of the proxy in the list
---@field reg_id integer of the flow, always the same
---@field serial integer to tell what happened with
---@field registered integer flows that are registered
---@field expires integer? seconds: of register to ask for, 0 to unregister; of registered as granted
---@field outbound boolean? of register: with reg-id and Supported: outbound
---@field with_credentials boolean? of register: answer the challenges of this flow
---@field keepalive boolean? of registered: outbound was applied, keep-alives are sent
---@field why string? of failed and unregistered: one sentence
---@field rule string? of failed and unregistered: the id of the rule
---@field code integer? of failed: what was answered
---@field wait number? of failed: seconds until the next try

---@class reflow.OutboundOptions
---@field proxies reflow.OutboundProxy[] 1 to 8
---@field expires integer? seconds to ask for; 3600 where not given
---@field always_outbound boolean? after 439 never register without outbound, but wait for another first hop
---@field times reflow.OutboundTimes? other waits than RFC 5626 has

---@class reflow.OutboundProxy
---@field reg_id integer? its place in the list where not given
---@field keepalive "stream"|"stun"|nil stream where not given

---Seconds.
---@class reflow.OutboundTimes
---@field base number? of the recovery wait where no flow lives: 30
---@field base_alive number? where one lives: 90
---@field most number? the longest: 1800
---@field answer number? until a REGISTER or a connection has failed: 32
---@field pong number? until a keep-alive has failed: 10

---The request, as hooks get it as `request` and `call`.
---@class reflow.Call
---@field method string as written
---@field uri string the Request-URI, as it was written; of any scheme: sip:, tel:, urn:service:sos
---@field from string? the URI in From
---@field to string? the URI in To
---@field call_id string Call-ID
---@field cseq integer the number in CSeq
---@field body string? the body
---@field aor string? the address of record: of the Request-URI, or of To for a REGISTER. Of a tel: URI it is the number without visual separators, "tel:+15550100"; a urn:service: URI is in lower case
---@field source string? where it came from: "udp:127.0.0.1:5070"
---@field age number seconds since it came
---@field header fun(self: reflow.Call, name: string, n?: integer): string? the value of the n-th header field of that name, the first where n is left out
---@field headers fun(self: reflow.Call): (fun(): string?, string?) for name, value in call:headers() do

---A response, or what stands for one: a timeout, a request that could not be sent, a dead flow.
---@class reflow.Reply
---@field code integer what it acts as; 0: malformed
---@field phrase string? as it came, else the table's
---@field method string of the request
---@field retry_after integer? Retry-After, seconds
---@field reg_id integer? of the binding that the branch went to
---@field flows_left integer living flows of the same instance that were not tried
---@field targets_left integer targets that were not tried
---@field provisional_seen boolean one above 100 came on this branch
---@field in_dialog boolean the request had a To tag
---@field origin "wire"|"timeout"|"transport"|"flow_down" how it came
---@field destination string? where the request went: "127.0.0.1:5070"
---@field flow string? over which flow: "tcp 127.0.0.1:5060-127.0.0.1:40112 #17"
---@field instance string? the instance-id of the target
---@field branches integer how many were tried so far
---@field body string? the body
---@field header fun(self: reflow.Reply, name: string, n?: integer): string? the value of the n-th header field of that name, the first where n is left out
---@field headers fun(self: reflow.Reply): (fun(): string?, string?) for name, value in reply:headers() do

---What the core has decided about a reply. Each flag is a field too.
---@class reflow.Decision
---@field action reflow.Action what is done
---@field rule string the id of the rule: "5626-7.b"
---@field why string one sentence
---@field status integer? what goes up in place of the code
---@field code integer what the response acts as
---@field drop "binding"|"flow"|nil what is forgotten
---@field rest integer? seconds for which the destination rests
---@field wait_min number seconds, at least, before it is tried again
---@field wait_max number seconds, at most
---@field flows_left integer as the reply's
---@field targets_left integer as the reply's
---@field ack boolean the response is to be acknowledged
---@field cancel_rest boolean the pending branches are cancelled
---@field end_usage boolean this usage of the dialog, or the subscription, is over
---@field reset_timer_c boolean timer C of the branch starts again
---@field merge_challenges boolean where it wins, all challenges are merged into it
---@field bye boolean the unwanted dialog is ended after the ACK
---@field store_binding boolean the registration stands
---@field start_keepalive boolean outbound was applied: keep-alives start
---@field stop_outbound boolean register without outbound, or through another first hop
---@field drop_service_route boolean the Service-Route is forgotten
---@field set_service_route boolean the Service-Route is taken over
---@field subscription_stands boolean the subscription was accepted or kept
---@field never_repeat boolean the same request is not sent again
---@field next_server boolean the next address of the same destination is tried
---@field answered boolean the instance has answered: it gets this request no more

---What decide gives, a table. Each flag is a field too.
---@class reflow.Decided
---@field action reflow.Action what is done
---@field rule string the id of the rule: "5626-7.b"
---@field why string one sentence
---@field code integer what the response acts as
---@field status integer? what goes up in place of the code
---@field rest integer? seconds for which the destination rests
---@field value integer? seconds: Min-Expires or Min-SE to retry with; Flow-Timer where keep-alives start
---@field drop "binding"|"flow"|nil what is forgotten
---@field wait_min number seconds, at least, before it is tried again
---@field wait_max number seconds, at most
---@field change string[] what a retry changes: "credentials", "expires", ...
---@field ack boolean the response is to be acknowledged
---@field cancel_rest boolean the pending branches are cancelled
---@field end_usage boolean this usage of the dialog, or the subscription, is over
---@field reset_timer_c boolean timer C of the branch starts again
---@field merge_challenges boolean where it wins, all challenges are merged into it
---@field bye boolean the unwanted dialog is ended after the ACK
---@field store_binding boolean the registration stands
---@field start_keepalive boolean outbound was applied: keep-alives start
---@field stop_outbound boolean register without outbound, or through another first hop
---@field drop_service_route boolean the Service-Route is forgotten
---@field set_service_route boolean the Service-Route is taken over
---@field subscription_stands boolean the subscription was accepted or kept
---@field never_repeat boolean the same request is not sent again
---@field next_server boolean the next address of the same destination is tried
---@field answered boolean the instance has answered: it gets this request no more

---What hooks for flows get.
---@class reflow.Flow
---@field flow string? "tcp 127.0.0.1:5060-127.0.0.1:40112 #17"
---@field aor string? the address of record of the binding
---@field instance string? its instance-id
---@field reg_id integer? its reg-id
---@field reason string? why it has died: "closed", "icmp", "keepalive", "430"

---What the functions for verdicts give; it can be read, and shows itself as text.
---@class reflow.Verdict
---@field kind reflow.VerdictKind the name of its function
---@field code integer? of reply and fail
---@field seconds integer? of rest and retry_after
---@field next_after number? of route, seconds
---@field recurse boolean? of route and relay: 3xx are followed
---@field uri string? of route, relay and forward
---@field phrase string? of reply
---@field destination string? of rest

---What decide is told beside the code, named as the options of `reflow decide`. What is left out is zero, false or unknown.
---@class reflow.Context
---@field method? string of the request, in capitals; INVITE where not given
---@field role? "proxy"|"edge"|"registrar"|"uac" who got the response; proxy where not given
---@field origin? "wire"|"timeout"|"transport"|"flow_down" how the response came, or what happened in place of one; wire where not given
---@field retry_after? integer seconds, Retry-After of the response
---@field has_retry_after? boolean Retry-After is there; implied by retry_after
---@field min_expires? integer seconds, Min-Expires of a 423
---@field min_se? integer seconds, Min-SE of a 422
---@field flow_timer? integer seconds, Flow-Timer of a 2xx to REGISTER
---@field reg_id? integer of the binding, or of the user agent's registration
---@field flows_left? integer living flows of the same instance that were not tried
---@field via_count? integer Via values in the response
---@field attempts? integer user agent: retries that this code has had
---@field unmatched? boolean there is no transaction for the response
---@field in_dialog? boolean the request had a To tag
---@field refresh? boolean re-INVITE, re-REGISTER, or SUBSCRIBE refresh
---@field provisional_seen? boolean one above 100 came on this branch
---@field on_flow? boolean the branch went over an outbound flow
---@field has_instance? boolean the target has an instance-id
---@field requires_outbound? boolean the response has Require: outbound
---@field supports_outbound? boolean the request has Supported: outbound
---@field unwanted? boolean user agent: the call was given up before this 2xx
---@field owns_call_id? boolean user agent: it chose the Call-ID
---@field has_service_route? boolean Service-Route in a 2xx to REGISTER
---@field has_challenge? boolean there is a challenge in the 401 or 407
---@field next_server? boolean the destination has another address that was not tried, or a Contact to call over a new connection
---@field branches_pending? integer other branches without a final response
---@field targets_left? integer targets that were not tried
---@field responses_held? integer final responses stored so far
---@field success_forwarded? boolean a 2xx went up
---@field global_failure_seen? boolean a 6xx came, on any branch
---@field final_forwarded? boolean a final response went up
---@field cancelled? boolean the caller sent CANCEL
---@field may_recurse? boolean policy says that a 3xx is followed

---The last argument of on_request and its like.
---@class reflow.HookOptions
---@field priority integer? of two hooks with equal selectors the higher is asked first; 0 where not given
---@field on_error "core"|"next"|"previous"|integer|nil where it fails: the core's decision (as where not given), the next hook, the version before, or a status from 400 to 699; a hook for flows has the first two alone

---@class reflow.RouteOptions
---@field next_after number? seconds after which the next target rings beside
---@field recurse boolean? 3xx are followed

---@class reflow.RelayOptions
---@field recurse boolean? 3xx are followed

---@class reflow.CodeRange
---@field from integer the first
---@field to integer the last

---What code gives.
---@class reflow.CodeRow
---@field code integer as asked for
---@field name string the constant's: "FLOW_FAILED"
---@field phrase string "Flow Failed"
---@field class string "client_error"
---@field reference string "RFC5626"
---@field folded integer? what a code acts as that is not registered
---@field reactions table<string, reflow.Action> by role: what the core does where nothing else is known

---What explain gives.
---@class reflow.Explanation
---@field code integer as asked for
---@field phrase string "Flow Failed"
---@field class integer 1 to 6
---@field reference string "RFC5626"
---@field lang reflow.Language of the texts
---@field registered boolean else it acts as another
---@field acts_as integer the code whose texts these are
---@field use string when to use it
---@field description string what it means
---@field when string when it is seen
---@field fix string what to do about it
---@field traits table<string, any> sender, retry, retry_after, dialog, search, methods, headers
---@field text string all of it, for a terminal

---What compare gives.
---@class reflow.Comparison
---@field a reflow.Explanation the first, without its text
---@field b reflow.Explanation the second, without its text
---@field lang reflow.Language of the texts
---@field same boolean the two are one
---@field differences {trait: string, label: string, a: string, b: string}[] trait by trait
---@field notes string[] what is to be known of the two
---@field text string all of it, for a terminal
---@field markdown string all of it, as a page

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

---Asked for each new request, or for those of one method, in capitals.
---@param hook reflow.CallHook
---@param options? reflow.HookOptions
---@overload fun(method: string, hook: reflow.CallHook, options?: reflow.HookOptions)
function sip.on_request(hook, options) end

---Asked for each REGISTER for a domain of this server.
---@param hook reflow.CallHook
---@param options? reflow.HookOptions
function sip.on_register(hook, options) end

---Asked for each response with such a code, a timeout counting as 408 and a dead flow as 430.
---@param selector reflow.Selector
---@param hook reflow.ReplyHook
---@param options? reflow.HookOptions
function sip.on_response(selector, hook, options) end

---The same as on_response with "2xx".
---@param hook reflow.ReplyHook
---@param options? reflow.HookOptions
function sip.on_success(hook, options) end

---The same as on_response with 430; without a hook, inside one: the core's decision, as the verdict to return.
---@param hook reflow.ReplyHook
---@param options? reflow.HookOptions
---@return reflow.Verdict? verdict
---@overload fun(): reflow.Verdict?
function sip.on_flow_failed(hook, options) end

---Asked when no target is left, before the best response goes up.
---@param hook reflow.ExhaustedHook
---@param options? reflow.HookOptions
function sip.on_exhausted(hook, options) end

---Called when a binding with a reg-id comes to a new flow.
---@param hook reflow.FlowHook
---@param options? reflow.HookOptions
function sip.on_flow_up(hook, options) end

---Called when a flow has died, for each binding with a reg-id on it.
---@param hook reflow.FlowHook
---@param options? reflow.HookOptions
function sip.on_flow_down(hook, options) end

---What is dialled for help, beside urn:service:sos: no fault of a script refuses such a call.
---@param numbers string[]
function sip.emergency(numbers) end

---The core's decision, and no other hook is asked; for a REGISTER: bind by the rules.
---@return reflow.Verdict verdict
function sip.accept() end

---Ring the bindings of the AOR; without one, those of the Request-URI's.
---@param aor? string
---@param options? reflow.RouteOptions
---@return reflow.Verdict verdict
---@overload fun(options: reflow.RouteOptions): reflow.Verdict
function sip.route(aor, options) end

---Send it there; for a response: try that now.
---@param uri string
---@param options? reflow.RelayOptions
---@return reflow.Verdict verdict
function sip.relay(uri, options) end

---A request goes on as it is, to that next hop: what an edge does (RFC 5626 section 5).
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

---Answer nothing.
---@return reflow.Verdict verdict
function sip.drop() end

---Try another flow of the same instance.
---@return reflow.Verdict verdict
function sip.next_flow() end

---Go on with the next targets.
---@return reflow.Verdict verdict
function sip.next_target() end

---Send nothing to that destination for so long; otherwise the core's decision.
---@param destination string
---@param seconds integer
---@return reflow.Verdict verdict
function sip.rest(destination, seconds) end

---The response that goes up tells the caller when to come again.
---@param seconds integer
---@return reflow.Verdict verdict
function sip.retry_after(seconds) end

---What gives the data that the next version of this layer gets: called when that is taken in use.
---@param save reflow.SaveHook
function sip.save(save) end

---What takes the data that the version before has given; false, or an error, refuses the new version.
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

---The table's row; nil and why for a number that is no SIP code.
---@param n? reflow.CodeLike
---@return reflow.CodeRow? row
---@return string? why
function sip.code(n) end

---What the core decides for a response, with what the context says beside it.
---@param r? reflow.CodeLike
---@param context? reflow.Context
---@return reflow.Decided decided
function sip.decide(r, context) end

---What a code means, when it is seen, how to fix it.
---@param r? reflow.CodeLike
---@param language? reflow.Language
---@return reflow.Explanation? explanation
---@return string? why
---@return string? name
function sip.explain(r, language) end

---Two codes side by side.
---@param a reflow.CodeLike
---@param b reflow.CodeLike
---@param language? reflow.Language
---@return reflow.Comparison? comparison
---@return string? why
---@return string? name
function sip.compare(a, b, language) end

---How long to wait before a flow is tried again that has failed so often.
---@param failures integer
---@param any_flow_alive? boolean
---@return number seconds
function sip.recovery_delay(failures, any_flow_alive) end

---How long to wait until the next keep-alive.
---@param kind? "stream"|"stun"
---@param flow_timer? integer
---@return number seconds
function sip.keepalive_interval(kind, flow_timer) end

---A message; nil, what is wrong and where, and the status that says so.
---@param text string
---@return reflow.Message? message
---@return string? why
---@return integer? status
function sip.parse(text) end

---A line in the server's log; arguments as for string.format.
---@param format string
---@param ... any
function sip.log(format, ...) end

---Set every function as a global too, with sip_ before its name, as it is in routing scripts.
function sip.globals() end

---Outside the server alone: what the hooks of this program say to a reply, for tests.
---@param reply reflow.CodeLike
---@param context? reflow.Context
---@param call? table
---@return reflow.Verdict? verdict
---@return reflow.Decided decided
function sip.respond(reply, context, call) end

---The keys of a file, which is made where there is none (0600); without a path they end with the program.
---@param path? string
---@return reflow.TokenKeys? keys
---@return string? why
function sip.token_keys(path) end

---A machine that is told what happened and tells what is to be done: while it gives actions carry them out, then come again when something has happened, or after wait() seconds.
---@param options reflow.OutboundOptions
---@return reflow.Outbound outbound
function sip.outbound(options) end

---A hash, for digest authentication (RFC 7616, RFC 8760).
---@param algorithm "MD5"|"SHA-256"|"SHA-512-256"
---@param bytes string
---@return string? hexadecimal
function sip.digest(algorithm, bytes) end

---sip.store: counters, values and sets, by name. Called with a dot: sip.store.add("calls").
sip.store = {}

---Add to a counter, 1 where n is left out; may be negative.
---@param name string
---@param n? integer
---@return integer? sum
---@return string? why
---@return string? code
function sip.store.add(name, n) end

---A counter; 0 where there is none.
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

---A value; nil alone where there is none.
---@param name string
---@return string|number|boolean|nil value
---@return string? why
---@return string? code
function sip.store.get(name) end

---Put a member into a set.
---@param set string
---@param member string
---@param seconds? number
---@return true? done
---@return string? why
---@return string? code
function sip.store.insert(set, member, seconds) end

---Whether it is in the set.
---@param set string
---@param member string
---@return boolean
function sip.store.contains(set, member) end

---Take it out; whether it was there.
---@param set string
---@param member string
---@return boolean
function sip.store.erase(set, member) end

---How many members; 0 where there is no such set.
---@param set string
---@return integer
function sip.store.size(set) end

---The members, in no order.
---@param set string
---@return string[]? members
---@return string? why
---@return string? code
function sip.store.members(set) end

---Forget a counter, value or set; whether it was there.
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
sip_emergency = sip.emergency
sip_accept = sip.accept
sip_route = sip.route
sip_relay = sip.relay
sip_forward = sip.forward
sip_reply = sip.reply
sip_fail = sip.fail
sip_drop = sip.drop
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
