-- SPDX-License-Identifier: BSD-2-Clause
-- Calls through a server that runs already: lua5.4 tests/e2e/call.lua [PORT]
package.path = (arg[0]:match "^(.*)/" or ".") .. "/support/?.lua;" .. package.path
local program = require "program"
local uv = require "luv"
local ua = require "ua"

local port = tonumber(arg[1] or "5060")
local patience_ms = 5000 -- the server may have been started a moment ago

local function try(user)
    local fine, flow = pcall(ua.open, { port = port, user = user, domain = "127.0.0.1:" .. port,
        transport = "tcp" })
    return fine and flow, not fine and flow
end

local function open(user)
    local flow, why
    ua.wait.until_true(patience_ms, function()
        flow, why = try(user)
        return flow
    end)
    if not flow then
        print(("Nothing answers on 127.0.0.1:%d (%s). Start a server: make run, or make run-kamailio.")
            :format(port, why))
        os.exit(1)
    end
    return flow
end

program.run(function()
    local first, second, alice = open "bob", open "bob", open "alice"
    first:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    second:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }
    print "bob has registered two flows:"
    for _, binding in ipairs(alice:bindings(first.aor)) do
        print("  " .. binding)
    end

    alice:call(first)
    print "alice called bob, the first flow rang: INVITE 180 200 ACK BYE 200"

    local call = alice:invite(first.aor)
    first:expect "INVITE"
    local cut_at = uv.hrtime()
    first:close()
    local moved = second:expect "INVITE"
    second:reply(moved, 200)
    alice:expect_final(call, 200)
    second:expect "ACK"
    local ms = (moved.at - cut_at) / 1e6
    print(("alice called again, the first flow was cut while it rang: the other one had the call %.1f ms later")
        :format(ms))
    second:register { instance = ua.instance(1), reg_id = 2, expires = 0 }
end)
