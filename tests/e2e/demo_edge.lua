-- SPDX-License-Identifier: BSD-2-Clause
-- The walk of RFC 5626 section 9.3: bob is registered through two edges, one of them crashes and comes back, a call
-- reaches him all the same, and he mends his flow. Three processes on real sockets; messages and decisions as they
-- come.
local directory = arg[0]:match "^(.*)/" or "."
package.path = directory .. "/support/?.lua;" .. package.path
local uv = require "luv"
local ladder = require "ladder"
local server = require "server"
local ua = require "ua"

local function edge_script(registrar)
    local file = assert(io.open "examples/edge.lua")
    local text = file:read "a"
    file:close()
    return (text:gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port))
end

ladder.run(function(t)
    local registrar = server.start(t, { args = { "--log-decisions" } })
    local keys = server.temporary ".keys"
    t:defer(function()
        os.remove(keys)
    end)
    local function start_edge(port)
        return server.start(t, { source = edge_script(registrar), domain = false, port = port,
            args = { "--token-keys", keys, "--token-rotate", "86400" } })
    end
    local edges = { start_edge(), start_edge() }
    local steps = ladder.new({ alice = 11, registrar = 34, edge1 = 60, edge2 = 78, bob = 97 }, 99)
    steps:follow("registrar", registrar)
    local function open_bob(n)
        return ua.open { port = edges[n].port, user = "bob", domain = registrar.domain, transport = "tcp",
            trace = steps:tracer("bob", "edge" .. n) }
    end
    steps:head { alice = "alice", registrar = "registrar", edge1 = "edge 1", edge2 = "edge 2", bob = "bob" }

    local alice = ua.open { port = registrar.port, user = "alice", domain = registrar.domain,
        trace = steps:tracer("alice", "registrar") }
    local flows = { open_bob(1), open_bob(2) }
    steps:say "bob keeps a flow to each edge. Each puts a token of it into the Path that the registrar keeps."
    flows[1]:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    flows[2]:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }

    steps:say "Edge 1 crashes. Nobody has noticed yet when it is back: its keys are on disk, its flows are gone."
    steps.gone.edge1 = true
    edges[1]:kill()
    edges[1] = start_edge(edges[1].port)
    steps.gone.edge1 = nil

    steps:say "alice calls bob. Edge 1 knows its own token: 430 for the lost flow, and no timer is waited for."
    local begun = uv.hrtime()
    local call = alice:invite(flows[1].aor)
    local invite = flows[2]:expect "INVITE"
    local took = (invite.at - begun) / 1e6
    flows[2]:reply(invite, 200, { phrase = "OK" })
    alice:expect_final(call, 200)
    flows[2]:expect "ACK"
    steps:say(("The call got through, %.1f ms after it was made. bob hangs up."):format(took))
    flows[2]:within_called("BYE", invite)
    alice:reply(alice:expect "BYE", 200, { phrase = "OK" })
    flows[2]:expect(200)

    steps:say "bob's keep-alive to edge 1 finds the connection gone: he registers again, with the same reg-id."
    flows[1]:close()
    flows[1] = open_bob(1)
    flows[1]:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }

    steps:say "The next call comes over edge 1 again."
    call = alice:invite(flows[1].aor)
    flows[1]:reply(flows[1]:expect "INVITE", 486, { phrase = "Busy Here" })
    alice:expect_final(call, 486)
    ua.wait.pause(50)
    registrar.on_output = nil
end)
