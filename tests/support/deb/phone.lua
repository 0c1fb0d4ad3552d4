-- SPDX-License-Identifier: BSD-2-Clause
-- phone.lua call|challenge|upgrade PORT [DOMAIN]: phones of the test of the packages. The server runs already.
local program = require "program"
local uv = require "luv"
local dialog = require "dialog"
local ua = require "ua"

local action, port = arg[1], tonumber(arg[2])
local domain = arg[3] or (action == "call" and "127.0.0.1:" .. port or "example.com")

local function open(user, transport)
    local flow, why
    ua.wait.until_true(ua.patience, function()
        local fine, result = pcall(ua.open, { port = port, user = user, domain = domain, transport = transport })
        flow, why = fine and result, result
        return flow
    end)
    return flow or error(why)
end

local actions = {}

-- A phone with two flows is called, and called again when one of them is cut.
function actions.call()
    local first, second, alice = open("bob", "tcp"), open("bob", "tcp"), open("alice", "udp")
    first:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    second:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }
    alice:call(first)
    first:close()
    alice:call(second)
    second:register { instance = ua.instance(1), reg_id = 2, expires = 0 }
end

function actions.challenge()
    open("bob", "tcp"):register { instance = ua.instance(1), reg_id = 1, expect = 401 }
end

-- An upgrade happens between "established" and the file /run/upgraded.
function actions.upgrade()
    local bob, kept, alice = open("bob", "udp"), open("kept", "udp"), open("alice", "udp")
    local carol = open("carol", "tcp")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    kept:register { instance = ua.instance(2), reg_id = 1, expires = 3600 }
    carol:register { instance = ua.instance(3), reg_id = 1 }
    local call = dialog.call(alice, bob)
    print "established"
    io.stdout:flush()
    assert(ua.wait.until_true(300000, function()
        return uv.fs_stat "/run/upgraded"
    end), "no upgrade came")
    call:ask(bob, "INVITE")
    call:ask(alice, "BYE")
    alice:call(kept) -- without a REGISTER after the upgrade
    carol:expect_closed(ua.patience)
    carol = open("carol", "tcp")
    carol:register { instance = ua.instance(3), reg_id = 1 }
    alice:call(carol)
end

program.run(actions[action])
