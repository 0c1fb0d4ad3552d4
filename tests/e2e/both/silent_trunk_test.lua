-- SPDX-License-Identifier: BSD-2-Clause
-- examples/policies/rest_trunk.lua in both hosts: a trunk that does not answer at all.
local tap = require "tap"
local example = require "example"
local ua = require "ua"
local host = require "host"
local server = require "server"

local ports = { server.free_port(), server.free_port() }

local options = { answer_timeout = 1280, policy = example.read("examples/policies/rest_trunk.lua", {
    ["127.0.0.1:5092"] = "127.0.0.1:" .. ports[1], ["127.0.0.1:5093"] = "127.0.0.1:" .. ports[2] }) }

local function trunks(t, s)
    local list = {}
    for index, port in ipairs(ports) do
        local trunk = ua.open { port = s.port, user = "trunk" .. index, local_port = port }
        t:defer(function()
            trunk:close()
        end)
        list[index] = trunk
    end
    return table.unpack(list)
end

host.test("3263-4.3.a a silent trunk rests, and the other one takes this call and the next", options,
    function(t, open, s)
        local first, second = trunks(t, s)
        local alice = open "alice"
        local number = "sip:+15550100@" .. s.domain
        local call = alice:invite(number)
        first:expect "INVITE"
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        call = alice:invite(number)
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        local call_id = call:get "Call-ID"
        t:ok(not first:receive(function(received)
            return received.method == "INVITE" and received:get "Call-ID" == call_id
        end, 0), "the silent trunk rests")
    end)

host.test("3263-4.3.a a trunk that has sent 408 has answered: the caller hears it", options, function(t, open, s)
    local first = trunks(t, s)
    local alice = open "alice"
    local call = alice:invite("sip:+15550100@" .. s.domain)
    first:reply(first:expect "INVITE", 408)
    alice:expect_final(call, 408)
end)

tap.done()
