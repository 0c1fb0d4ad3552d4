-- SPDX-License-Identifier: BSD-2-Clause
-- What happens in a call after it was accepted, between phones behind two NATs: hold, session refresh (RFC 4028),
-- UPDATE (RFC 3311) and transfer (RFC 3515, 3891, 5589). Each is done by the caller and by the callee.
local dialog = require "dialog"
local host = require "host"
local message = require "message"
local tap = require "tap"

-- Registered phones: { HOST, USER } for each.
local function phones(transport, places)
    local list = {}
    for index, place in ipairs(places) do
        list[index] = place[1]:open { user = place[2], transport = transport }
        list[index]:register { supported = false }
    end
    return table.unpack(list)
end

-- body(t, call, one, other, net): a call from alice to bob with `one` as its caller, then as its callee.
local function each_way(name, options, body)
    host.net_test(name, function(t, net, transport)
        local alice, bob = phones(transport, { { net.desk, "alice" }, { net.remote, "bob" } })
        for _, by in ipairs { "caller", "callee" } do
            local call = dialog.call(alice, bob, options)
            body(t, call, call[by], call:other(call[by]), net)
        end
    end)
end

local offered = { body = dialog.offer, answer = { body = dialog.offer } }

-- A re-INVITE that puts the media in that direction, and the other side's answer.
local function change_media(t, call, one, direction, answered)
    local received, answer = call:ask(one, "INVITE", { body = dialog.media(direction),
        answer = { body = dialog.media(answered) } })
    t:equal(received.body, dialog.media(direction))
    t:equal(answer.body, dialog.media(answered))
end

each_way("hold and resume", offered, function(t, call, one, other)
    change_media(t, call, one, "sendonly", "recvonly")
    -- The held side may ask for something, too, and both may hold.
    change_media(t, call, other, "inactive", "inactive")
    change_media(t, call, other, "sendonly", "recvonly")
    change_media(t, call, one, "sendrecv", "sendrecv")
    call:ask(other, "BYE")
end)

each_way("a re-INVITE that is refused leaves the call as it is: hold", offered, function(t, call, one, other)
    local _, answer = call:ask(one, "INVITE", { body = dialog.media "sendonly", status = 491 })
    t:equal(answer.status, 491)
    change_media(t, call, other, "sendonly", "recvonly")
    change_media(t, call, one, "sendonly", "recvonly")
    call:ask(one, "BYE")
end)

local timer = { { "Supported", "timer" }, { "Session-Expires", "1800;refresher=uac" }, { "Min-SE", "90" } }
local agreed = { { "Require", "timer" }, { "Session-Expires", "1800;refresher=uac" } }

-- What the refresher says and what is answered arrive as they were sent.
local function refresh(t, call, one, method, body)
    local received, answer = call:ask(one, method, { headers = { table.unpack(timer) }, body = body,
        answer = { headers = { table.unpack(agreed) }, body = body } })
    for _, header in ipairs(timer) do
        t:equal(received:get(header[1]), header[2], method .. " " .. header[1])
    end
    for _, header in ipairs(agreed) do
        t:equal(answer:get(header[1]), header[2], "answer to " .. method .. ", " .. header[1])
    end
end

each_way("session refresh", { headers = timer, body = dialog.offer, answer = { headers = agreed,
    body = dialog.offer } }, function(t, call, one, other)
    t:equal(call.received:get "Session-Expires", "1800;refresher=uac")
    t:equal(call.answer:get "Session-Expires", "1800;refresher=uac")
    refresh(t, call, one, "UPDATE")
    refresh(t, call, one, "INVITE", dialog.offer)
    refresh(t, call, other, "UPDATE")
    local _, refused = call:ask(one, "UPDATE", { headers = { { "Session-Expires", "90" } }, status = 422,
        answer = { headers = { { "Min-SE", "1800" } } } })
    t:equal(refused:get "Min-SE", "1800")
    refresh(t, call, one, "UPDATE")
    call:ask(other, "BYE")
end)

each_way("UPDATE with an offer", offered, function(t, call, one, other)
    for _, direction in ipairs { "sendonly", "sendrecv" } do
        local received, answer = call:ask(one, "UPDATE", { body = dialog.media(direction),
            answer = { body = dialog.media "recvonly" } })
        t:equal(received.body, dialog.media(direction))
        t:equal(answer.body, dialog.media "recvonly")
        -- The registrar example of Kamailio adds a parameter `alias`.
        t:equal(message.address(received:get "Contact"):match "^[^;]*", one.contact_uri:match "^[^;]*")
    end
    local _, answer = call:ask(other, "UPDATE", { body = dialog.offer, status = 500,
        answer = { headers = { { "Retry-After", "3" } } } })
    t:equal(answer:get "Retry-After", "3")
    call:ask(one, "BYE")
end)

local function notify(t, call, from, line, state)
    local received = call:ask(from, "NOTIFY", { headers = { { "Event", "refer" }, { "Subscription-State", state } },
        type = "message/sipfrag;version=2.0", body = line .. "\r\n" })
    t:equal(received.body, line .. "\r\n")
    t:equal(received:get "Subscription-State", state)
end

-- `one` sends `other` to carol; `other` calls her, and reports.
each_way("a blind transfer", offered, function(t, call, one, other, net)
    local carol = net.cell:open { user = "carol", transport = one.transport }
    carol:register { supported = false }
    local received, answer = call:ask(one, "REFER", { headers = { { "Refer-To", ("<%s>"):format(carol.aor) },
        { "Referred-By", ("<%s>"):format(one.aor) } }, status = 202 })
    t:equal(received:get "Refer-To", ("<%s>"):format(carol.aor))
    t:equal(answer.status, 202)
    notify(t, call, other, "SIP/2.0 100 Trying", "active;expires=60")
    local second = dialog.call(other, carol, { headers = { { "Referred-By", received:get "Referred-By" } },
        body = dialog.offer, answer = { body = dialog.offer } })
    t:equal(second.received:get "Referred-By", ("<%s>"):format(one.aor))
    notify(t, call, other, "SIP/2.0 200 OK", "terminated;reason=noresource")
    call:ask(one, "BYE")
    second:ask(carol, "INVITE", offered)
    second:ask(carol, "BYE")
end)

-- `one` talks to carol first; `other` then takes the place of `one` in that call.
each_way("an attended transfer", offered, function(t, call, one, other, net)
    local carol = net.cell:open { user = "carol", transport = one.transport }
    carol:register { supported = false }
    call:ask(one, "INVITE", { body = dialog.media "sendonly", answer = { body = dialog.media "recvonly" } })
    local consultation = dialog.call(one, carol, offered)
    consultation:ask(one, "INVITE", { body = dialog.media "sendonly", answer = { body = dialog.media "recvonly" } })
    local replaces = ("%s;to-tag=%s;from-tag=%s"):format(consultation.invite:get "Call-ID",
        consultation.answer:tag "To", consultation.invite:tag "From")
    local escaped = replaces:gsub("[;=@]", function(character)
        return ("%%%02X"):format(character:byte())
    end)
    local received = call:ask(one, "REFER", { headers = { { "Refer-To", ("<%s?Replaces=%s>"):format(carol.aor,
        escaped) } }, status = 202 })
    t:equal(received:get "Refer-To", ("<%s?Replaces=%s>"):format(carol.aor, escaped))
    notify(t, call, other, "SIP/2.0 100 Trying", "active;expires=60")
    local second = dialog.call(other, carol, { headers = { { "Require", "replaces" }, { "Replaces", replaces } },
        body = dialog.offer, answer = { body = dialog.offer } })
    t:equal(second.received:get "Replaces", replaces)
    consultation:ask(carol, "BYE")
    notify(t, call, other, "SIP/2.0 200 OK", "terminated;reason=noresource")
    call:ask(one, "BYE")
    second:ask(carol, "BYE")
end)

tap.done()
