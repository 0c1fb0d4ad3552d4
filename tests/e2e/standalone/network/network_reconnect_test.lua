-- SPDX-License-Identifier: BSD-2-Clause
-- A NAT gives a phone other ports in mid-call. What the phone sends reaches the other side at once, and what the other
-- side sends reaches the phone as soon as it has registered again.
local dialog = require "dialog"
local lab = require "lab"
local ua = require "ua"
local tap = require "tap"

local offered = { body = dialog.offer, answer = { body = dialog.offer } }

local function open(host, user, transport, number)
    local phone = host:open { user = user, transport = transport }
    phone.number = number
    phone:register { instance = ua.instance(number), reg_id = 1 }
    return phone
end

-- The phone of one side after its NAT has changed: over UDP the same socket, over TCP a new connection.
local function move(net, call, side, places)
    local old = call[side]
    net[places[side].nat]:change_ports()
    if old.transport == "udp" then
        return old
    end
    local new = places[side].host:open { user = old.user, transport = old.transport }
    new.number = old.number
    call[side], call.cseq[new] = new, call.cseq[old]
    old:close()
    return new
end

for _, transport in ipairs { "udp", "tcp" } do
    for _, sides in ipairs { { "caller" }, { "callee" }, { "caller", "callee" } } do
        lab.test(("5626-5.3.d the NAT of the %s gives other ports in mid-call [%s]")
            :format(table.concat(sides, " and of the "), transport), function(_, net)
            net:serve()
            local places = { caller = { host = net.desk, nat = "home" },
                callee = { host = net.remote, nat = "office" } }
            local call = dialog.call(open(net.desk, "alice", transport, 1), open(net.remote, "bob", transport, 2),
                offered)
            for _, side in ipairs(sides) do
                local phone = move(net, call, side, places)
                if #sides == 1 then
                    call:ask(phone, "INVITE", offered)
                    call:ask(phone, "INFO")
                end
            end
            for _, side in ipairs(sides) do
                call[side]:register { instance = ua.instance(call[side].number), reg_id = 1 }
            end
            call:ask(call.caller, "INVITE", offered)
            call:ask(call.callee, "INVITE", offered)
            call:ask(call[sides[1]], "INFO")
            call:ask(call:other(call[sides[1]]), "BYE")
        end)
    end
end

tap.done()
