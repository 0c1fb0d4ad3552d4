-- SPDX-License-Identifier: BSD-2-Clause
-- What becomes of a Contact's URI in a request line (RFC 3261 16.6 step 2): its headers and its parameter `method` are
-- not allowed there, wherever the URI came from.
local host = require "host"
local tap = require "tap"
local ua = require "ua"

local test = host.test

-- What follows host and port, as written and as sent.
local forms = { { "?Subject=x&Route=%3Csip:c%3E", "" }, { ";method=INVITE", "" },
    { ";x=1;METHOD=a;y?Subject=x", ";x=1;y" }, { ";%6dethod=REGISTER;y", ";y" },
    { ";Method;method=a;x=method", ";x=method" }, { ";methods=1;y", ";methods=1;y" } }

-- The call is refused, so that the next one can follow.
local function expect_uri(t, caller, call, callee, uri)
    local invite = callee:expect "INVITE"
    t:equal(invite.uri, uri)
    t:ok(not invite:get "Subject", "the headers of a Contact are no headers of the request")
    callee:reply(invite, 486)
    caller:expect_final(call, 486)
end

for name, options in pairs { ["of a flow"] = { reg_id = 1 }, ["without reg-id"] = {} } do
    test("3261-16.6.a a registered Contact " .. name .. " loses its headers and its method", function(t, open)
        local bob, alice = open("bob"), open("alice")
        for _, form in ipairs(forms) do
            bob:register { instance = ua.instance(1), reg_id = options.reg_id,
                contact_uri = bob.contact_uri .. form[1] }
            expect_uri(t, alice, alice:invite(bob.aor), bob, bob.contact_uri .. form[2])
        end
    end)
end

test("3261-16.6.a the Contact of a 3xx loses its headers and its method", {
    policy = 'sip_on_request(function() return sip_route(nil, { recurse = true }) end)',
}, function(t, open)
    local bob, carol, alice = open("bob"), open("carol", { transport = "udp" }), open("alice")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    for _, form in ipairs(forms) do
        local call = alice:invite(bob.aor)
        local contact = ("<%s>"):format(carol.contact_uri .. form[1])
        bob:reply(bob:expect "INVITE", 302, { headers = { { "Contact", contact } } })
        expect_uri(t, alice, call, carol, carol.contact_uri .. form[2])
    end
end)

for _, verdict in ipairs { "sip_relay", "sip_route" } do
    test(("3261-16.6.a a URI of %s() loses its headers and its method"):format(verdict), {
        policy = ([[sip_on_request("INVITE", function(call) return %s(call:header "X-To") end)]]):format(verdict),
    }, function(t, open)
        local carol, alice = open("carol", { transport = "udp" }), open("alice")
        for _, form in ipairs(forms) do
            local headers = { { "X-To", carol.contact_uri .. form[1] } }
            local call = alice:invite("sip:bob@example.test", { headers = headers })
            expect_uri(t, alice, call, carol, carol.contact_uri .. form[2])
        end
    end)
end

tap.done()
