-- SPDX-License-Identifier: BSD-2-Clause
-- A dialog whose Record-Route was altered, and one whose sides reconnect at the same time.
local host = require "host"
local tap = require "tap"
local ua = require "ua"

local function established(alice, bob)
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    bob:expect "ACK"
    return { caller = alice, callee = bob, call = call, invite = invite, answer = answer }
end

local function from_caller(dialog, method, options)
    local request = dialog.caller:within(method, dialog.call, dialog.answer, options)
    local received = dialog.callee:receive(method)
    if not received then
        dialog.caller:expect_final(request, 200) -- the error shows what has come instead
    end
    dialog.callee:reply(received, 200)
    dialog.caller:expect_final(request, 200)
end

-- The part of a Record-Route value that only its maker can write: first and last position.
local function sealed_part(value)
    local first, last = value:match "()d%.[%w_-]+()"
    return first, last - 1
end

-- A byte may end the URI or the header field: then the request is malformed, or it has another Route.
local refusals <const> = { [400] = true, [403] = true, [404] = true, [480] = true, [481] = true }

host.test("3261-16.4.a a Record-Route with one bit altered relays nothing, wherever the bit is", function(t, open)
    local alice, bob, mallory = open "alice", open "bob", open "mallory"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local dialog = established(alice, bob)
    local values = dialog.answer:values "Record-Route"
    t:equal(#values, 1)
    local value, cseq = values[1], 10
    local first, last = sealed_part(value)
    for at = first, last do
        for bit = 0, 7 do
            local byte = string.char(value:byte(at) ~ 1 << bit)
            local altered = value:sub(1, at - 1) .. byte .. value:sub(at + 1)
            cseq = cseq + 1
            local options = { cseq = cseq, routes = { altered } }
            if byte:find "%c" then
                -- A line end in the middle: not every one is answered, and it may cost the sender its connection.
                local garbler = open "garbler"
                garbler:within("INFO", dialog.call, dialog.answer, options)
                garbler:close()
            else
                local sender = cseq % 2 == 0 and alice or mallory
                local status = sender:expect_final(sender:within("INFO", dialog.call, dialog.answer, options)).status
                t:ok(refusals[status], ("%q: %d"):format(altered, status))
            end
        end
    end
    t:ok(cseq > 300, cseq)
    bob:expect_none("INFO", 50)
    alice:expect_none("INFO", 0)
    from_caller(dialog, "BYE", { cseq = 9000 })
end)

host.test("5626-5.3.d a call goes on whose sides have both reconnected at the same time", function(_, open)
    local phones = { alice = ua.instance(1), bob = ua.instance(2) }
    local function come(name)
        local phone = open(name)
        phone:register { instance = phones[name], reg_id = 1 }
        return phone
    end
    local dialog = established(come "alice", come "bob")
    for round = 1, 3 do
        dialog.caller:close()
        dialog.callee:close()
        dialog.caller, dialog.callee = come "alice", come "bob"
        local caller, callee = dialog.caller, dialog.callee
        -- Both speak before either has heard of the other.
        local one = caller:within("INFO", dialog.call, dialog.answer, { cseq = 10 * round })
        local other = callee:within_called("INFO", dialog.invite, { cseq = 10 * round })
        callee:reply(callee:expect "INFO", 200)
        caller:reply(caller:expect "INFO", 200)
        caller:expect_final(one, 200)
        callee:expect_final(other, 200)
    end
    from_caller(dialog, "BYE", { cseq = 100 })
end)

tap.done()
