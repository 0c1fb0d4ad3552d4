-- SPDX-License-Identifier: BSD-2-Clause
-- Strangers who guess passwords, each from an address of its own (127.1.x.y), in a process of their own. Arguments:
-- port, how many strangers, REGISTERs a second. Prints how many it has sent and how many were answered, at the end of
-- its input.
local uv = require "luv"

local port, count, rate = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
local answered, sent, began = 0, 0, uv.hrtime()
local strangers = {}

local form = table.concat({ "REGISTER sip:example.test SIP/2.0",
    "Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s", "Max-Forwards: 70",
    "From: <sip:u1@example.test>;tag=g", "To: <sip:u1@example.test>", "Call-ID: guess%s", "CSeq: 1 REGISTER",
    "Contact: <sip:u1@%s:%d>",
    'Authorization: Digest username="u1", realm="example.test", nonce="%s", uri="sip:example.test", qop=auth, ' ..
    'nc=00000001, cnonce="c0ffee", response="%s", algorithm=SHA-256', "Content-Length: 0", "", "" }, "\r\n")

for index = 1, count do
    local address = ("127.1.%d.%d"):format(index >> 8, index & 255)
    local socket = uv.new_udp()
    assert(socket:bind(address, 0))
    socket:recv_start(function(_, text)
        answered = answered + (text and 1 or 0)
    end)
    local own = socket:getsockname().port
    -- The guess is filled in for each attempt.
    strangers[index] = { socket = socket, form = form:format(address, own, "%d", "%d", address, own,
        ("A"):rep(36), "%064x") }
end

local timer = uv.new_timer()
timer:start(1, 1, function()
    local due = math.floor((uv.hrtime() - began) * rate / 1e9)
    -- What a busy machine kept from being sent comes later, some at a time.
    for _ = 1, math.min(due - sent, 200) do
        sent = sent + 1
        local stranger = strangers[sent % count + 1]
        stranger.socket:try_send(stranger.form:format(sent, sent, sent), "127.0.0.1", port)
    end
end)

local input = uv.new_pipe(false)
input:open(0)
input:read_start(function(_, chunk)
    if not chunk then
        print(sent, answered, (uv.hrtime() - began) / 1e9)
        os.exit(0, false)
    end
end)
uv.run()
