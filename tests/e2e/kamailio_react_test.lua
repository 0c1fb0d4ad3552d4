-- SPDX-License-Identifier: BSD-2-Clause
-- What Kamailio with the module makes of responses: flows that failed, answers that end an instance, what goes up.
local kamailio = require "kamailio"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function start(t, options)
    options = options or {}
    local params = { { "tm", "fr_timer", options.fr_timer or 5000 }, { "tm", "wt_timer", 1000 } }
    for _, each in ipairs(options.params or {}) do
        params[#params + 1] = each
    end
    local host = kamailio.start(t, { config = options.config, extra = options.extra, params = params,
        modules = options.modules, core = options.core })
    return host, function(user, more)
        local all = { port = host.port, user = user, domain = host.domain, transport = options.transport or "tcp" }
        for name, value in pairs(more or {}) do
            all[name] = value
        end
        return ua.open(all)
    end
end

-- Two flows of one instance; the first is tried first.
local function two_flows(open, options)
    local first, second = open("bob", options), open("bob", options)
    second:register { instance = one, reg_id = 2, q = "0.5" }
    first:register { instance = one, reg_id = 1, q = "0.9" }
    return first, second
end

-- An INVITE that was taken, answered and acknowledged.
local function refuse(callee, status, options)
    local request = callee:expect "INVITE"
    callee:reply(request, status, options)
    callee:expect "ACK"
    return request
end

for _, transport in ipairs { "udp", "tcp" } do
    test("5626-7.b 430 is answered by the other flow of the instance [" .. transport .. "]", function(t)
        local host, open = start(t, { transport = transport })
        local first, second = two_flows(open)
        local alice = open "alice"
        local call = alice:invite(first.aor)
        refuse(first, 430)
        local request = second:expect "INVITE"
        second:reply(request, 200)
        alice:expect_final(call, 200)
        second:expect "ACK"
        t:equal(host:becomes("reflow:failovers", 1), 1)
        t:equal(#alice:bindings(first.aor), 1, "5626-7.g the failed binding is gone, the other stands")
    end)
end

tap.done()
