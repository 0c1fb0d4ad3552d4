-- SPDX-License-Identifier: BSD-2-Clause
-- The REGISTERs and INVITEs of tests/data/devices on real sockets, with each host: tests/unit/test_devices.c explains
-- the outcomes. Every address that a device writes is replaced by a loopback address where nobody listens, so that a
-- call reaches the phone over its flow or not at all.
local host = require "host"
local message = require "message"
local tap = require "tap"
local ua = require "ua"

local files = { "avaya", "browser", "cisco", "grandstream", "ims", "linphone", "odd", "pjsip", "polycom", "snom",
    "teams", "yealink" }

-- Of the same length, so that Content-Length stays right.
local loopback = { ["192.0.2."] = "127.0.2.", ["198.51.100."] = "127.100.10.", ["203.0.113."] = "127.0.113." }

-- A datagram is answered to where its Via says: with rport that is the socket of the test.
local function with_rport(text)
    return (text:gsub("(\r\n[Vv][IiAa]*: ?SIP[^\r]*)", function(via)
        return not via:find ";rport" and via .. ";rport" or nil
    end, 1))
end

local function add_rows(rows, name)
    local file <close> = assert(io.open("tests/data/devices/" .. name .. ".device"))
    for mark, lines in (file:read "a" .. "=== "):gsub("\n=== ", "\0=== "):gmatch "=== ([^\n]*)\n(%Z*)%z" do
        local text = (lines .. "\n"):gsub("\n", "\r\n")
        for address, other in pairs(loopback) do
            text = text:gsub(address:gsub("%.", "%%."), other)
        end
        local row = { text = text }
        row.name, row.transport, row.outcome = mark:match "^(%S+) (%S+) ([^:]+):"
        row.name = name .. " " .. row.name
        rows[#rows + 1] = row
    end
end

-- A policy is needed for the outcome by-policy; register-path is sent by an edge at an address that is nobody's here.
-- Kamailio's own parser takes no empty parameter, and a Contact with a host name is one that Kamailio looks up.
local left_out = {
    standalone = { ["ims register-path"] = true },
    kamailio = { ["ims register-path"] = true, ["odd at-sign"] = true, ["odd empty-parameters"] = true,
        ["odd underscore"] = true },
}

local function rows_for(s)
    local rows, chosen = {}, {}
    for _, name in ipairs(files) do
        add_rows(rows, name)
    end
    assert(#rows == 63, "tests/data/devices has another number of messages")
    for _, row in ipairs(rows) do
        if row.transport == s.transport and row.outcome ~= "by-policy" and not left_out[s.kind][row.name] then
            chosen[#chosen + 1] = row
        end
    end
    return chosen
end

local function uri_of(value)
    return value:match "<(.-)>" or value:match "^[^;]+"
end

local function check_register(t, row, device, alice)
    device:send_raw(row.text)
    local answer = device:expect "final"
    t:equal(answer.status, tonumber(row.outcome) or 200, row.name)
    if row.outcome ~= "callable" then
        return
    end
    local sent = message.parse(row.text)
    local contact = uri_of(sent:get "Contact")
    t:ok(answer.text:find(contact, 1, true), row.name .. ": Contact is returned as given")
    local call = alice:invite(("sip:%s@example.com"):format(uri_of(sent:get "To"):match "^sips?:([^@]+)@"))
    local invite = device:receive "INVITE"
    t:ok(invite, row.name .. " is not called")
    t:equal(invite.uri, contact, row.name)
    device:reply(invite, 486)
    alice:expect_final(call, 486)
end

-- Header fields as written, with their folded lines.
local function fields_of(text)
    local fields = {}
    for field in text:match "^.-\r\n(.-\r\n)\r\n":gsub("\r\n([ \t])", "\0%1"):gmatch "(.-)\r\n" do
        fields[#fields + 1] = field:gsub("%z", "\r\n")
    end
    return fields
end

local may_change = { via = true, v = true, ["max-forwards"] = true, route = true }

-- Kamailio's example writes the source into Contact, because its proxy finds a caller behind a translator by it.
local function check_unchanged(t, row, forwarded)
    local place, there = 1, fields_of((forwarded:gsub(";alias=[%d.]+~%d+~%d", "")))
    for _, field in ipairs(fields_of(row.text)) do
        if not may_change[field:match "^[^%s:]+":lower()] then
            while there[place] and there[place] ~= field do
                place = place + 1
            end
            t:ok(there[place], ("%s: %s is changed, or in another place, in\n%s"):format(row.name, field, forwarded))
        end
    end
    t:equal(forwarded:match "\r\n\r\n(.*)$", row.text:match "\r\n\r\n(.*)$", row.name)
end

local function check_invite(t, row, device, bob)
    device:send_raw(row.text)
    if row.outcome == "forwarded" then
        local invite = bob:receive "INVITE"
        t:ok(invite, row.name .. " does not arrive")
        check_unchanged(t, row, invite.text)
        bob:reply(invite, 486)
        bob:expect "ACK"
        t:equal(device:expect("final").status, 486, row.name)
    else
        t:equal(device:expect("final").status, tonumber(row.outcome), row.name)
    end
end

local function check_devices(t, open, s)
    local bob, alice = open("bob", { domain = "example.com" }), open("alice", { domain = "example.com" })
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local port = ("example.com:%d"):format(s.ports and s.ports[s.transport] or s.port)
    for _, row in ipairs(rows_for(s)) do
        row.text = row.text:gsub("example%.com:506[01]", port)
        local device = open("device", { domain = "example.com" })
        if s.transport == "udp" then
            row.text = with_rport(row.text)
        end
        if row.text:find "^REGISTER " then
            check_register(t, row, device, alice)
        else
            check_invite(t, row, device, bob)
        end
        device:close()
    end
    t:ok(s:alive())
end

host.test("3261-10.a devices are called, and what they send is forwarded unchanged", { names = { "example.com" },
    core = 'uri_host_extra_chars="_"' }, check_devices)
host.test("3261-10.a devices on TLS and WebSocket are called, and what they send is forwarded unchanged",
    { names = { "example.com" }, core = 'uri_host_extra_chars="_"', transports = { "tls", "ws", "wss" } },
    check_devices)

tap.done()
