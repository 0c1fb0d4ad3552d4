-- SPDX-License-Identifier: BSD-2-Clause
-- Outside a host hooks are kept, and sip.respond asks them.
local tap = require "tap"
local test = tap.test
local sip = require "reflow"

local failure = tap.failure

test("verdicts show what they hold", function(t)
    t:equal(tostring(sip.accept()), "accept")
    t:equal(sip.accept(), sip.accept())
    t:equal(sip.next_flow().kind, "next_flow")
    t:equal(sip.next_target().kind, "next_target")
    t:equal(sip.drop().kind, "drop")
    t:equal(sip.route().uri, nil)
    local route = sip.route("sip:bob@example.com", { next_after = 15 })
    t:equal(route.uri, "sip:bob@example.com")
    t:equal(route.next_after, 15.0)
    t:equal(route.recurse, nil)
    t:equal(sip.relay("sip:vm@media", { recurse = true }).recurse, true)
    t:ok(not pcall(sip.relay, "sip:vm@media", { next_after = 15 }))
    t:ok(not pcall(sip.route, { recurse = 1 }))
    t:equal(sip.relay("sip:vm@media").uri, "sip:vm@media")
    t:equal(tostring(sip.reply(486, "Not Now")), "reply 486 Not Now")
    t:equal(sip.reply(486).phrase, nil)
    t:equal(sip.fail(480).code, 480)
    t:equal(sip.retry_after(30).seconds, 30)
    local rest = sip.rest("192.0.2.1:5060", 60)
    t:equal(rest.destination, "192.0.2.1:5060")
    t:equal(rest.seconds, 60)
    t:equal(rest.code, nil)
end)

test("verdicts cannot be changed", function(t)
    t:equal(pcall(function() sip.fail(486).code = 200 end), false)
    t:equal(getmetatable(sip.accept()), false)
end)

test("on_response refuses a selector that it does not know", function(t)
    t:match(failure(sip.on_response, "5x", print), "unknown selector 5x")
    t:match(failure(sip.on_response, { 500, 599 }, print), "a range is {from = 500, to = 599}")
    t:match(failure(sip.on_response, 486), "function expected")
    t:match(failure(sip.on_flow_failed), "no current reply")
end)

test("respond asks the hooks in their order", function(t)
    local seen = {}
    sip.on_response("*", function(reply) seen[#seen + 1] = "all " .. reply.code end)
    sip.on_response({ 486, 600 }, function(_, call) seen[#seen + 1] = "busy" return call and sip.relay(call.vm) end)
    sip.on_success(function() seen[#seen + 1] = "success" end)
    sip.on_flow_failed(function(_, _, decision) seen[#seen + 1] = decision.action end)
    t:equal(sip.respond(486), nil)
    t:equal(table.concat(seen, ","), "busy,all 486")
    seen = {}
    local verdict, decision = sip.respond(600, nil, { vm = "sip:vm@media" })
    t:equal(verdict.uri, "sip:vm@media")
    t:equal(decision.code, 600)
    t:equal(table.concat(seen, ","), "busy")
    seen = {}
    sip.respond({ code = 430 }, { flows_left = 1, on_flow = true, has_instance = true })
    t:equal(table.concat(seen, ","), "next_flow,all 430")
    seen = {}
    sip.respond(202)
    t:equal(table.concat(seen, ","), "success,all 202")
end)

test("log writes a line", function(t)
    t:equal(pcall(sip.log, "%d flows", 2), true)
    t:equal(pcall(sip.log), false)
end)

tap.done()
