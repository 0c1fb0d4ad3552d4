-- SPDX-License-Identifier: BSD-2-Clause
-- What policies see of who has sent a request: call.user, call.registered and call.trunk mean the same in both hosts.
local host = require "host"
local tap = require "tap"
local ua = require "ua"

local test = host.test

-- The answer tells what the hook has seen; one for a user called "busy" comes from the last hook.
local shown = [[
local function seen(call)
  return ("%s/%s/%s"):format(call.user, call.registered, call.trunk)
end
sip_on_request(function(request, call)
  if request.uri:find "sip:busy@" then
    return sip_route()
  end
  return sip_reply(603, seen(call))
end)
sip_on_response(486, function(reply, call)
  return sip_fail(call.trunk == "127.0.0.2" and 604 or call.registered and 488 or 480)
end)
sip_on_register(function(request, call)
  if request.from:find "refused" then
    return sip_reply(603, seen(call))
  end
end)
]]

local function expect_seen(t, caller, options, seen)
    local request = caller:request("INVITE", options)
    t:equal(caller:expect_final(request, 603).phrase, seen)
end

test("a stranger is nobody, whatever its From", { policy = shown }, function(t, open, s)
    local phone, mallory = open "alice", open "mallory"
    phone:register {}
    for _, from in ipairs { "sip:alice@" .. s.domain, "sip:mallory@example.net", "sip:anonymous@anonymous.invalid",
        "tel:+15550100" } do
        expect_seen(t, mallory, { uri = "sip:bob@" .. s.domain, from = from }, "nil/false/nil")
    end
end)

test("a registered phone is known by its flow", { policy = shown }, function(t, open, s)
    local phone = open "alice"
    phone:register {}
    expect_seen(t, phone, { uri = "sip:bob@" .. s.domain }, "nil/true/nil")
    expect_seen(t, phone, { uri = "sip:bob@" .. s.domain, from = "sip:carol@" .. s.domain }, "nil/false/nil")
    expect_seen(t, phone, { uri = "sip:bob@" .. s.domain, from = "sip:alice@example.net" }, "nil/false/nil")
    phone:register { expires = 0 }
    expect_seen(t, phone, { uri = "sip:bob@" .. s.domain }, "nil/false/nil")
end)

test("a trunk is known by its address", { policy = shown, trunks = { "198.51.100.0/24", "127.0.0.2" } },
    function(t, open, s)
    local trunk = open("trunk", { local_host = "127.0.0.2" })
    local other = open("trunk", { local_host = "127.0.0.3" })
    expect_seen(t, trunk, { uri = "sip:bob@" .. s.domain, from = "sip:+15550100@example.net" }, "nil/false/127.0.0.2")
    expect_seen(t, other, { uri = "sip:bob@" .. s.domain, from = "sip:+15550100@example.net" }, "nil/false/nil")
end)

test("a block of addresses may be a trunk", { policy = shown, trunks = { "127.0.0.0/30" } }, function(t, open, s)
    expect_seen(t, open("trunk", { local_host = "127.0.0.3" }), { uri = "sip:bob@" .. s.domain },
        "nil/false/127.0.0.0/30")
    expect_seen(t, open("trunk", { local_host = "127.0.0.4" }), { uri = "sip:bob@" .. s.domain }, "nil/false/nil")
end)

test("hooks for responses see it too", { policy = shown, trunks = { "127.0.0.2" } }, function(_, open, s)
    local phone, busy, mallory = open "alice", open "busy", open "mallory"
    local trunk = open("trunk", { local_host = "127.0.0.2" })
    phone:register {}
    busy:register { instance = ua.instance(1), reg_id = 1 }
    for caller, code in pairs { [phone] = 488, [mallory] = 480, [trunk] = 604 } do
        local request = caller:request("INVITE", { uri = "sip:busy@" .. s.domain })
        busy:reply(busy:expect "INVITE", 486)
        caller:expect_final(request, code)
    end
end)

test("the hook for registrations sees it too", { policy = shown, trunks = { "127.0.0.2" } }, function(t, open, s)
    local trunk = open("refused", { local_host = "127.0.0.2" })
    local request = trunk:request("REGISTER", { uri = "sip:" .. s.domain, to = "sip:refused@" .. s.domain })
    t:equal(trunk:expect_final(request, 603).phrase, "nil/false/127.0.0.2")
end)

tap.done()
