-- SPDX-License-Identifier: BSD-2-Clause
-- sip_rest() in both hosts: a destination rests by its address and port, by its name and port, or by its name alone.
local tap = require "tap"
local ua = require "ua"
local host = require "host"
local server = require "server"

local ports = { server.free_port(), server.free_port() }

-- Kamailio's own resolver does not read /etc/hosts.
local options = { core = "use_dns_cache=no", policy = ([[
sip_on_request("MESSAGE", function(call) return sip_rest(call:header("X-Rest"), 60) end)
sip_on_request("INVITE", function(call) return sip_relay("sip:trunk@" .. call:header("X-Trunk")) end)
sip_on_exhausted(function() return sip_relay("sip:second@127.0.0.1:%d") end)
]]):format(ports[2]) }

local function trunks(t, s)
    return ua.trunks(t, s, ports)
end

-- What rests is named by `rest`, and called by `trunk`. Does another name of the same kind leave it alone?
local cases = {
    { kind = "its address and port", rest = "127.0.0.1:%d", trunk = "127.0.0.1:%d", other = "127.0.0.2:%d" },
    { kind = "its name and port", rest = "LocalHost:%d", trunk = "localhost:%d", other = "localhost.test:%d" },
    { kind = "its name", rest = "localhost", trunk = "localhost:%d", other = "localhost.test" },
}

for _, case in ipairs(cases) do
    host.test("3261-21.5.4.a a destination rests by " .. case.kind, options, function(t, open, s)
        local first, second = trunks(t, s)
        local alice, bob = open "alice", open "bob"
        local function call_trunk(answers, silent)
            local call = alice:invite("sip:+15550100@" .. s.domain,
                { headers = { { "X-Trunk", case.trunk:format(ports[1]) } } })
            answers:reply(answers:expect "INVITE", 200)
            alice:expect_final(call, 200)
            if silent then
                silent:expect_none("INVITE", 0)
            end
        end
        local function rest(name)
            bob:register()
            alice:request("MESSAGE", { uri = bob.aor, headers = { { "X-Rest", name:format(ports[1]) } } })
            bob:reply(bob:expect "MESSAGE", 200)
        end
        rest(case.other)
        call_trunk(first, second)
        rest(case.rest)
        call_trunk(second, first)
    end)
end

local by_header = { transports = { "udp" }, policy = [[
sip_on_request("INVITE", function(call)
  local trunk = call:header("X-Trunk")
  return trunk and sip_relay("sip:trunk@" .. trunk)
end)
]] }

-- Somebody registers the address of the trunk, which answers one call with 503.
host.test("3261-21.5.4.a what others have named goes on serving the policy", by_header, function(t, open, s)
    local port = server.free_port()
    local trunk = open("bob", { transport = "udp", local_port = port })
    local alice = open "alice"
    trunk:register { supported = false }
    local first = alice:invite(trunk.aor)
    trunk:reply(trunk:expect "INVITE", 503, { headers = { { "Retry-After", "60" } } })
    alice:expect_final(first, 500)
    local second = alice:invite("sip:+15550100@" .. s.domain,
        { headers = { { "X-Trunk", ("127.0.0.1:%d"):format(port) } } })
    trunk:reply(trunk:expect "INVITE", 486)
    alice:expect_final(second, 486)
    local third = alice:invite(trunk.aor)
    t:ok(alice:expect_final(third).status >= 480)
    t:ok(not trunk:receive("INVITE", 0), "it rests for calls to the binding")
end)

tap.done()
