-- SPDX-License-Identifier: BSD-2-Clause
-- Settings of Kamailio's own that the module has to live with: allocators, one process, transports, addresses.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"
local wait = require "wait"

local test = tap.test
local one = ua.instance(1)

local policy = [[
local sip = require "reflow"
sip_on_flow_failed(function() end)
sip_on_response(486, function() return sip_relay("sip:carol@example.test") end)
]]

-- A user agent whose addresses are of IPv6, which in URIs stand in brackets.
local function open_over_ipv6(options)
    options.host = "::1"
    local agent = ua.open(options)
    local place = ("[::1]:%d"):format(agent.local_port)
    agent.contact_uri = ("sip:%s@%s;transport=%s"):format(agent.user, place, agent.transport)
    function agent.via(self, branch)
        return ("SIP/2.0/%s %s;branch=%s;rport"):format(self.transport:upper(), place, branch)
    end
    return agent
end

local function start(t, options)
    local path = server.temporary ".lua"
    server.write(path, policy)
    t:defer(function()
        os.remove(path)
    end)
    return kamailio.start(t, { args = options.args, core = options.core, children = options.children, modules =
        options.modules, config = options.config, up = options.up, port = options.port,
        params = { { "reflow", "policy", path }, { "tm", "wt_timer", 500 } } })
end

local function opener(host, transport, open)
    return function(user, more)
        local all = { port = host.port, user = user, domain = host.domain, transport = transport }
        for name, value in pairs(more or {}) do
            all[name] = value
        end
        return (open or ua.open)(all)
    end
end

local refuse = ua.refuse

local function complaints(log)
    local found = {}
    for line in log:gmatch "[^\n]+" do
        if line:find "ERROR" or line:find "CRITICAL" or line:find "BUG" then
            found[#found + 1] = line
        end
    end
    return table.concat(found, "\n")
end

-- A flow that fails, one that answers, and a policy's target; then the flows go and come again.
local function works(t, host, transport, how)
    local open = opener(host, transport, how)
    local first, second, carol, alice = open "bob", open "bob", open "carol", open "alice"
    carol:register { instance = ua.instance(2), reg_id = 1 }
    for _ = 1, 3 do
        second:register { instance = one, reg_id = 2, q = "0.5" }
        first:register { instance = one, reg_id = 1, q = "0.9" }
        local call = alice:invite(first.aor)
        refuse(first, 430)
        refuse(second, 486)
        carol:reply(carol:expect "INVITE", 200)
        alice:expect_final(call, 200)
        carol:expect "ACK"
    end
    t:equal(host:statistic "reflow:failovers", 3)
    t:ok(wait.until_true(ua.patience, function()
        return host:rpc("tm.stats"):match "current: (%d+)" == "0"
    end))
    t:equal(complaints(host.log), "")
end

for _, allocator in ipairs { "fm", "qm", "tlsf" } do
    test("shared and private memory by kamailio -x " .. allocator, function(t)
        works(t, start(t, { args = { "-x", allocator } }), "tcp")
    end)
end

test("one worker", function(t)
    works(t, start(t, { children = 1 }), "udp")
end)

test("without TCP", function(t)
    works(t, start(t, { core = "disable_tcp=yes", up = "io_listen_loop" }), "udp")
end)

for _, transport in ipairs { "udp", "tcp" } do
    test("IPv6 [" .. transport .. "]", function(t)
        local port = server.free_port()
        local core = ("listen=udp:[::1]:%d\nlisten=tcp:[::1]:%d"):format(port, port)
        works(t, start(t, { core = core, port = port }), transport, open_over_ipv6)
    end)

    test("3261-21.5.4.a a destination of IPv6 rests, however it is written [" .. transport .. "]", function(t)
        local port = server.free_port()
        local core = ("listen=udp:[::1]:%d\nlisten=tcp:[::1]:%d"):format(port, port)
        local host = start(t, { core = core, port = port })
        local open = opener(host, transport, open_over_ipv6)
        local bob, carol, alice = open "bob", open "carol", open "alice"
        bob:register { instance = one, reg_id = 1 }
        local call = alice:invite(bob.aor)
        bob:reply(bob:expect "INVITE", 503, { headers = { { "Retry-After", "20" } } })
        bob:expect "ACK"
        alice:expect_final(call, 500)
        call = alice:invite(bob.aor)
        alice:expect_final(call, 404)
        carol:register { instance = ua.instance(2), reg_id = 1 }
        call = alice:invite(carol.aor)
        carol:reply(carol:expect "INVITE", 200)
        alice:expect_final(call, 200)
    end)
end

-- kamailio -c with one parameter of the module.
local function checks(t, name, value)
    local path = server.temporary ".cfg"
    t:defer(function()
        os.remove(path)
    end)
    server.write(path, ([[
#!KAMAILIO
listen=udp:127.0.0.1:5060
mpath="%s"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "%s"
modparam("reflow", "%s", %d)
request_route { exit; }
]]):format(kamailio.module_path(), uv.fs_realpath(kamailio.module), name, value))
    return kamailio.check(("-f '%s'"):format(path))
end

test("kamailio -c refuses a parameter out of range", function(t)
    for _, case in ipairs {
        { "rest_silent", 30, -1, "-1 is not between 0 and 86400 seconds (0: off)" },
        { "rest_silent", 0, 86401, "86401 is not between 0 and 86400 seconds (0: off)" },
        { "policy_time", 20, 0, "0 is not between 1 and 1000 milliseconds" },
        { "shm_reserve", 90, 91, "91 is not between 0 and 90 percent" },
        { "max_contacts", 64, 65, "65 is not between 1 and 64 contacts" },
    } do
        local fine, text = checks(t, case[1], case[2])
        t:ok(fine, text)
        fine, text = checks(t, case[1], case[3])
        t:ok(not fine, case[1])
        t:ok(text:find("modparam " .. case[1] .. ": " .. case[4], 1, true), text)
    end
end)

tap.done()
