-- SPDX-License-Identifier: BSD-2-Clause
-- The examples of lua/meta/REFERENCE.md. A line "--- policy: NAME" or "--- program: NAME" begins the example of a
-- function or class of schema.def. A test loads each policy and tries its hooks with `reflow check`. It runs each
-- program, and compares what it prints with the comments "--> ...". `sip` is require "reflow".

--- policy: on_request
sip_on_request("INVITE", function(request, call)
  if call.aor == "sip:sales@example.com" then
    return sip_route("sip:bob@example.com")
  end
end)

--- policy: on_register
sip_on_register(function(request, call)
  if not call.source:find "^%a+:192%.0%.2%." then
    return sip_reply(403) -- phones register from the office only
  end
end)

--- policy: on_response
sip_on_response({ from = 500, to = 599 }, function(reply, call, decision)
  sip.log("%s: %d from %s", call.call_id, reply.code, reply.destination or "nowhere")
end)

--- policy: on_success
sip_on_success(function(reply, call)
  if call.method == "INVITE" then
    sip.store.add "answered calls"
  end
end)

--- policy: on_flow_failed
sip_on_flow_failed(function(reply, call, decision)
  sip.log("%s: %s by %s", call.aor, decision.action, decision.rule)
  return sip_on_flow_failed() -- the core's decision, and no other hook is called
end)

--- policy: on_exhausted
sip_on_exhausted(function(best, call)
  if best.code == 486 then
    return sip_relay("sip:voicemail@127.0.0.1:5094")
  end
end)

--- policy: on_flow_up
sip_on_flow_up(function(flow)
  sip.store.insert("reachable", flow.aor, 3600)
end)

--- policy: on_flow_down
sip_on_flow_down(function(flow)
  sip.log("%s lost flow %d: %s", flow.aor or "?", flow.reg_id or 0, flow.reason)
end)

--- policy: on_credentials
local secrets = { -- HA1 of "door:example.com:secret"
  ["SHA-256"] = "c4b1ef93439d603f4943b4b5070f20bcde218e4c8f68a613fe8dd5d883f49732",
  ["MD5"] = "29b98a08d540bfde6effaa31da37e870",
}

sip_on_credentials(function(user, realm, algorithm)
  if user == "door" and realm == "example.com" then
    return secrets[algorithm]
  end
end)

--- policy: emergency
sip_emergency { "112", "911" }

sip_on_request("INVITE", function(request, call)
  return sip_route()
end, { on_error = 503 }) -- a failure refuses other calls, but not those to 112 and 911

--- policy: accept
sip_on_response("4xx", function(reply)
  return sip_accept() -- less specific hooks, for "*", are not called
end)

--- policy: route
sip_on_request("INVITE", function(request, call)
  return sip_route(call.aor, { next_after = 15, recurse = true })
end)

--- policy: relay
sip_on_request("INVITE", function(request, call)
  local number = call.aor:match "^sip:(%+%d+)@"
  return number and sip_relay("sip:" .. number .. "@192.0.2.10:5060")
end)

--- policy: forward
sip_on_request(function(request, call)
  return sip_forward("sip:127.0.0.1:5060") -- the registrar behind this edge
end)

--- policy: reply
sip_on_request("MESSAGE", function(request, call)
  return sip_reply(405, "No Messages Here")
end)

--- policy: fail
sip_on_response(404, function(reply)
  return sip_fail(480) -- do not tell which users exist
end)

--- policy: drop
sip_on_request("OPTIONS", function(request, call)
  if call:header "User-Agent" == "friendly-scanner" then
    return sip_drop()
  end
end)

--- policy: challenge
sip_on_request("INVITE", function(request, call)
  if call.aor:find "^sip:%+?%d+@" then -- a telephone number: callers must authenticate
    return sip_challenge()
  end
end)

--- policy: next_flow
sip_on_response(408, function(reply, call, decision)
  if decision.flows_left > 0 then
    return sip_next_flow()
  end
end)

--- policy: next_target
sip_on_response(480, function(reply, call, decision)
  if decision.targets_left > 0 then
    return sip_next_target()
  end
end)

--- policy: rest
sip_on_response(503, function(reply)
  return sip_rest(reply.destination, reply.retry_after or 30)
end)

--- policy: retry_after
sip_on_exhausted(function(best)
  if sip_is_server_error(best) then
    return sip_retry_after(60)
  end
end)

--- program: store.add
print(sip.store.add "calls") --> 1
print(sip.store.add("calls", 5)) --> 6
print(sip.store.add("calls", -1)) --> 5

--- program: store.count
sip.store.add("transfers", 2)
print(sip.store.count "transfers") --> 2
print(sip.store.count "nothing") --> 0

--- program: store.put
print(sip.store.put("night", true)) --> true
print(sip.store.put("night", true, 3600)) --> true
print(sip.store.put(("x"):rep(200), 1)) --> nil	a name has at most 128 bytes	ENAMETOOLONG

--- program: store.get
sip.store.put("agent", "sip:bob@example.com", 60)
print(sip.store.get "agent") --> sip:bob@example.com
print(sip.store.get "nobody") --> nil

--- program: store.insert
print(sip.store.insert("callers", "192.0.2.7", 60)) --> true
print(sip.store.insert("callers", "192.0.2.8")) --> true

--- program: store.contains
sip.store.insert("friends", "sip:bob@example.com")
print(sip.store.contains("friends", "sip:bob@example.com")) --> true

--- program: store.erase
sip.store.insert("busy", "sip:bob@example.com")
print(sip.store.erase("busy", "sip:bob@example.com")) --> true
print(sip.store.erase("busy", "sip:bob@example.com")) --> false

--- program: store.size
sip.store.insert("lines", "one")
sip.store.insert("lines", "two")
print(sip.store.size "lines") --> 2

--- program: store.members
sip.store.insert("trunks", "192.0.2.10:5060")
print(table.concat(sip.store.members "trunks", " ")) --> 192.0.2.10:5060

--- program: store.forget
sip.store.add "mistakes"
print(sip.store.forget "mistakes") --> true
print(sip.store.count "mistakes") --> 0

--- policy: save
local turn = 0

sip_save(function() return turn, 1 end) -- 1: the schema of this data

sip_on_request("INVITE", function(request, call)
  turn = turn + 1
  return sip_route(turn % 2 == 0 and "sip:ann@example.com" or "sip:bob@example.com")
end)

--- policy: restore
local turn = 0

sip_restore(function(data, schema)
  if schema ~= 1 then
    return false -- rejects the version: it cannot read this data
  end
  turn = data
end)

sip_on_response(486, function() sip.log("turn %d", turn) end)

--- program: is_provisional
print(sip.is_provisional(183), sip.is_provisional(200)) --> true	false

--- program: is_success
print(sip.is_success(202), sip.is_success(302)) --> true	false

--- program: is_redirect
print(sip.is_redirect(302), sip.is_redirect { code = 486 }) --> true	false

--- program: is_client_error
print(sip.is_client_error(486), sip.is_client_error(503)) --> true	false

--- program: is_server_error
print(sip.is_server_error(503), sip.is_server_error(603)) --> true	false

--- program: is_global_failure
print(sip.is_global_failure(603), sip.is_global_failure(486)) --> true	false

--- program: is_final
print(sip.is_final(183), sip.is_final(200), sip.is_final(486)) --> false	true	true

--- program: is_flow_failed
print(sip.is_flow_failed(430), sip.is_flow_failed(480)) --> true	false

--- program: code
local row = sip.code(430)
print(row.phrase, row.class, row.reference) --> Flow Failed	client_error	RFC5626
print(sip.code(499).folded) --> 400

--- program: decide
local decided = sip.decide(430, { flows_left = 1, on_flow = true, has_instance = true })
print(decided.action, decided.rule) --> next_flow	5626-7.b
print(sip.decide(486).action) --> fail

--- program: explain
local explanation = sip.explain(486, "en")
print(explanation.code, explanation.phrase) --> 486	Busy Here
print(#explanation.fix > 0) --> true

--- program: compare
local comparison = sip.compare(480, 486)
print(comparison.same, comparison.a.phrase, comparison.b.phrase) --> false	Temporarily Unavailable	Busy Here

--- program: recovery_delay
local wait = sip.recovery_delay(2, true) -- two failures, and another flow is registered: 50 to 100 % of 360 s
print(wait >= 180 and wait <= 360) --> true

--- program: keepalive_interval
local pause = sip.keepalive_interval("stream", 120) -- 80 to 100 % of Flow-Timer
print(pause >= 96 and pause <= 120) --> true

--- program: parse
local message = sip.parse(table.concat({ "SIP/2.0 486 Busy Here", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
  "From: <sip:alice@example.com>;tag=a", "To: <sip:bob@example.com>;tag=b", "Call-ID: one", "CSeq: 1 INVITE",
  "Content-Length: 0", "", "" }, "\r\n"))
print(message.code, message.method, message.to) --> 486	INVITE	sip:bob@example.com
print(sip.is_client_error(message)) --> true

--- program: Message
local request = sip.parse(table.concat({ "OPTIONS sip:bob@example.com SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2", "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK3",
  "From: <sip:alice@example.com>;tag=a", "To: <sip:bob@example.com>", "Call-ID: two", "CSeq: 1 OPTIONS",
  "Max-Forwards: 70", "", "" }, "\r\n"))
print(request:header("Via", 2)) --> SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK3
local names = {}
for name in request:headers() do
  names[#names + 1] = name
end
print(#names) --> 7

--- policy: log
sip_on_response("5xx", function(reply, call)
  sip.log("%s failed with %d %s", call.call_id, reply.code, reply.phrase or "")
end)

--- program: globals
sip.globals()
print(sip_is_success(200)) --> true

--- program: respond
sip.on_response(486, function(reply, call)
  return sip.relay(call.mailbox)
end)
print(sip.respond(486, nil, { mailbox = "sip:voicemail@127.0.0.1" }).uri) --> sip:voicemail@127.0.0.1

--- program: token_keys
local keys = sip.token_keys() -- with a path: kept in that file
local token = keys:token { transport = "tcp", edge = "192.0.2.1:5060", user_agent = "198.51.100.7:40112" }
print(#token) --> 56

--- program: TokenKeys
local secrets = sip.token_keys()
local sealed = secrets:token { transport = "udp", edge = "192.0.2.1:5060", user_agent = "198.51.100.7:40112" }
print(secrets:rotate()) --> true
print(secrets:flow(sealed).user_agent) --> 198.51.100.7:40112
print(sip.token_keys():flow(sealed)) --> nil	forged
print(secrets:reload()) --> true

--- program: outbound
local agent = sip.outbound { proxies = { { reg_id = 1 }, { reg_id = 2, keepalive = "stun" } }, expires = 600 }
local action = agent:next()
print(action.kind, action.flow, action.reg_id) --> open	1	1

--- program: Outbound
local machine = sip.outbound { proxies = { {} } }
local step = machine:next()
machine:opened(step.flow, step.serial)
step = machine:next()
print(step.kind, step.expires) --> register	3600
machine:answered(step.flow, step.serial, 200, { requires_outbound = true, flow_timer = 120 }, 3600)
print(machine:next().kind, machine:registered()) --> registered	1
machine:pong(1, step.serial)
machine:mapped(1, step.serial, "198.51.100.7:40112")
print(machine:wait() > 90) --> true
machine:stop()
print(machine:next().expires) --> 0
machine:closed(1, step.serial)

--- program: digest
print(sip.digest("MD5", "bob:example.com:secret")) --> 2664cba6663a734ef3a6fefc0c0d0821

--- policy: Call
sip_on_request("INVITE", function(request, call)
  for name, value in call:headers() do
    if name == "X-Tenant" then
      sip.log("%s from %s is for %s", call.call_id, call.source, value)
    end
  end
  if call:header "Replaces" then
    return sip_reply(420)
  end
end)

--- policy: Reply
sip_on_response("4xx", function(reply, call)
  local warning = reply:header "Warning"
  for name in reply:headers() do
    if name == "X-Trace" then
      return
    end
  end
  sip.log("%s: %d %s", reply.destination or "nowhere", reply.code, warning or "")
end)
