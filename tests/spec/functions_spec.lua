-- SPDX-License-Identifier: BSD-2-Clause
-- What `require "reflow"` gives in stock Lua.
local tap = require "tap"
local test = tap.test
local sip = require "reflow"

local failure = tap.failure

local classes = {
    { "is_provisional", 100, 199 },
    { "is_success", 200, 299 },
    { "is_redirect", 300, 399 },
    { "is_client_error", 400, 499 },
    { "is_server_error", 500, 599 },
    { "is_global_failure", 600, 699 },
    { "is_final", 200, 699 },
    { "is_flow_failed", 430, 430 },
}

for _, class in ipairs(classes) do
    local name, low, high = table.unpack(class)
    test(name .. " is true for its codes alone", function(t)
        for code = -1, 1000 do
            t:equal(sip[name](code), code >= low and code <= high, tostring(code))
        end
        t:equal(sip[name](4294967296 + low), false)
        t:equal(sip[name](math.mininteger), false)
        t:equal(sip[name](low + 0.0), true)
        t:equal(sip[name] { code = high }, true)
    end)

    test(name .. " refuses what is no code", function(t)
        t:match(failure(sip[name], "200"), "code or reply expected, got string")
        t:match(failure(sip[name], nil), "code or reply expected, got nil")
        t:match(failure(sip[name], 200.5), "whole number")
        t:match(failure(sip[name], true), "got boolean")
        t:match(failure(sip[name], {}), "field code")
        t:match(failure(sip[name], io.stdout), "code or reply expected")
        t:match(failure(sip[name]), "no current reply")
    end)
end

test("code gives the row of a registered code", function(t)
    local row = sip.code(430)
    t:equal(row.code, 430)
    t:equal(row.phrase, "Flow Failed")
    t:equal(row.class, "client_error")
    t:equal(row.name, "FLOW_FAILED")
    t:equal(row.reference, "RFC5626")
    t:equal(row.folded, nil)
    t:equal(type(row.reactions.proxy), "string")
end)

test("code tells what an unknown code acts as", function(t)
    t:equal(sip.code(499).folded, 400)
    t:equal(sip.code(499).code, 499)
    t:equal(sip.code(198).folded, 183)
    t:equal(sip.code(299).folded, 200)
    for _, number in ipairs { 99, 700, 0, -1, 4294967301 } do
        local row, why = sip.code(number)
        t:equal(row, nil)
        t:match(why, "not a SIP response code")
    end
end)

test("constants name the codes", function(t)
    t:equal(sip.FLOW_FAILED, 430)
    t:equal(sip.TRYING, 100)
    t:equal(sip.BUSY_HERE, 486)
    local count = 0
    for name, value in pairs(sip) do
        if math.type(value) == "integer" then
            count = count + 1
            t:equal(sip.code(value).name, name)
        end
    end
    t:equal(count, 75)
end)

test("a name that is not there is an error that names the nearest", function(t)
    t:match(failure(function() return sip.on_sucess end), "no function sip.on_sucess; did you mean sip.on_success%?")
    t:match(failure(function() return sip.nothing_like_it_at_all end), "no function sip.nothing_like_it_at_all$")
end)

test("decide gives the decision as a record", function(t)
    local decision = sip.decide(430, { flows_left = 1, on_flow = true, has_instance = true })
    t:equal(decision.action, "next_flow")
    t:equal(decision.rule, "5626-7.b")
    t:equal(decision.drop, "binding")
    t:equal(decision.code, 430)
    t:equal(decision.ack, true)
    t:equal(decision.cancel_rest, false)
    t:ok(#decision.why > 10)
    t:equal(#decision.change, 0)
end)

test("decide reads method, role and origin as words", function(t)
    t:equal(sip.decide(423, { role = "uac", method = "REGISTER", min_expires = 300 }).action, "retry")
    local retry = sip.decide(423, { role = "uac", method = "REGISTER", min_expires = 300 })
    t:equal(retry.change[1], "expires")
    t:equal(retry.value, 300)
    t:equal(sip.decide(0, { origin = "timeout" }).code, 408)
    t:equal(sip.decide(0, { origin = "transport" }).code, 503)
    t:equal(sip.decide(486).action, sip.decide(486, { method = "INVITE", role = "proxy", origin = "wire" }).action)
end)

test("decide refuses unknown fields and bad values", function(t)
    t:match(failure(sip.decide, 486, { flow_left = 1 }), "unknown field 'flow_left'")
    t:match(failure(sip.decide, 486, { flows_left = -1 }), "flows_left is a whole number")
    t:match(failure(sip.decide, 486, { flows_left = 65536 }), "0 to 65535")
    t:match(failure(sip.decide, 486, { flows_left = "1" }), "whole number")
    t:match(failure(sip.decide, 486, { in_dialog = 1 }), "true or false")
    t:match(failure(sip.decide, 486, { role = "b2bua" }), "role cannot be 'b2bua'")
    t:match(failure(sip.decide, 486, { method = 7 }), "method is a string")
    t:match(failure(sip.decide, 486, { "x" }), "name is a string")
    t:match(failure(sip.decide, 486, 7), "table expected")
end)

test("recovery and keep-alive intervals are in their ranges", function(t)
    for failures = 1, 10 do
        local most = math.min(1800, 30 * 2 ^ failures)
        for _ = 1, 50 do
            local wait = sip.recovery_delay(failures, false)
            t:ok(wait >= most / 2 and wait <= most, tostring(wait))
        end
    end
    t:equal(sip.recovery_delay(0), 0.0)
    for _ = 1, 50 do
        local stream, stun, timer = sip.keepalive_interval(), sip.keepalive_interval "stun",
            sip.keepalive_interval("stream", 100)
        t:ok(stream >= 95 and stream <= 120 and stun >= 24 and stun <= 29 and timer >= 80 and timer <= 100)
    end
    t:match(failure(sip.keepalive_interval, "udp"), "invalid option")
    t:match(failure(sip.recovery_delay, -1), "out of range")
    t:match(failure(sip.recovery_delay, 1, 1), "boolean expected")
end)

test("globals sets every function with the prefix", function(t)
    t:equal(rawget(_G, "sip_is_success"), nil)
    sip.globals()
    for name, value in pairs(sip) do
        if type(value) == "function" then
            t:equal(_G["sip_" .. name], value)
        end
    end
    t:ok(sip_is_success(200))
    t:equal(rawget(_G, "sip_FLOW_FAILED"), nil)
end)

test("the table is one, however often it is required", function(t)
    package.loaded.reflow = nil
    t:equal(require "reflow", sip)
end)

tap.done()
