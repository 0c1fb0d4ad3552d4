-- SPDX-License-Identifier: BSD-2-Clause
-- Flow tokens for edges that are Lua programs: sip.token_keys().
local sip = require "reflow"
local tap = require "tap"
local temporary = require "temporary"

local test = tap.test
local flow = { transport = "tcp", edge = "192.0.2.1:5060", user_agent = "198.51.100.7:40112", connection = 17 }

local function changed(changes)
    local copy = {}
    for name, value in pairs(flow) do
        copy[name] = value
    end
    for name, value in pairs(changes) do
        copy[name] = value
    end
    return copy
end

test("5626-5.2.a a token leads back to its flow", function(t)
    local keys = sip.token_keys()
    local token = keys:token(flow)
    t:equal(#token, 56)
    local read = keys:flow(token)
    for name, value in pairs(flow) do
        t:equal(read[name], value, name)
    end
    t:equal(read.this_run, true)
    local ipv6 = keys:flow(keys:token(changed { edge = "[2001:db8::1]:5061", user_agent = "[::1]:5062" }))
    t:equal(ipv6.edge, "[2001:db8::1]:5061")
    t:equal(ipv6.user_agent, "[::1]:5062")
end)

test("5626-5.3.b what others made, or changed, is no token", function(t)
    local keys, others = sip.token_keys(), sip.token_keys()
    local token = keys:token(flow)
    for _, wrong in ipairs { "", "AAAA", token:sub(1, -2), token .. "A", "B" .. token:sub(2), others:token(flow) } do
        local read, why = keys:flow(wrong)
        t:equal(read, nil)
        t:ok(why == "forged" or why == "unknown key", why)
    end
end)

test("5626-5.2.b keys outlive the program, and an earlier run's flows are recognised", function(t)
    local path = temporary.path()
    local token = assert(sip.token_keys(path)):token(flow)
    local again = assert(sip.token_keys(path))
    local read = again:flow(token)
    t:equal(read.connection, 17)
    t:equal(read.this_run, false)
    t:equal(again:rotate(), true)
    t:ok(again:flow(token), "the older key reads no more")
    os.remove(path)
end)

test("a file without keys is refused with a reason", function(t)
    local path = temporary.path()
    local file = assert(io.open(path, "w"))
    file:write "something else\n"
    file:close()
    os.execute("chmod 600 " .. path)
    local keys, why = sip.token_keys(path)
    t:equal(keys, nil)
    t:match(why, "no key ring")
    os.remove(path)
end)

test("wrong flows are reported with their field", function(t)
    local keys = sip.token_keys()
    for name, value in pairs { transport = "sctp", edge = "192.0.2.1", user_agent = "[::1:5060", connection = -1,
        run = 1.5 } do
        local fine, why = pcall(keys.token, keys, changed { [name] = value })
        t:equal(fine, false, name)
        t:match(why, name)
    end
    for _, address in ipairs { "192.0.2.1:65536", "192.0.2.1:", ":5060", "192.0.2.256:1", "[]:1", "[::1]:1x" } do
        t:equal(pcall(keys.token, keys, changed { edge = address }), false, address)
    end
    t:equal(pcall(keys.token, keys, changed { edge = "[::1]:5060" }), false)
    t:equal(pcall(keys.token, keys, nil), false)
    t:equal(pcall(keys.flow, {}, "x"), false)
end)

tap.done()
