-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes in which a request succeeds.
local watch = require "reflow.site.scenes.watch"

return {
    {
        id = "200-invite", codes = { 200, 180, 100 }, rules = { "3261-16.7.c", "3261-13.2.a", "3261-16.7.b" },
        shows = { { "5626-7.e", watch.count(1, { from = "reflow", to = "bob/1", request = "INVITE" }) } },
        title = { en = "200 OK to INVITE: the call is answered, and ended with BYE",
            es = "200 OK a INVITE: se contesta la llamada, que termina con BYE" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers(180, { 200, after = 4 })
            local call = world.invite()
            world.advance(4)
            bob:answers(200)
            world.advance(60)
            call:bye()
        end,
    },
    {
        id = "200-register", codes = { 200 }, rules = { "5626-4.2.a" }, server = "registrar",
        shows = { { "5626-6.h", watch.count(2, { code = 200, field = "Require: outbound" }) } },
        title = { en = "200 OK to REGISTER: a phone opens two flows (RFC 5626)",
            es = "200 OK a REGISTER: un teléfono abre dos flujos (RFC 5626)" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", flows = 2, unregistered = true, reacts = true }:registers()
        end,
    },
    {
        id = "200-subscribe", codes = { 200 }, rules = { "3261-16.7.e", "code-2xx-subscribe" }, caller = "subscriber",
        shows = { { "6665-4.3.a", watch.order({ from = "bob/1", to = "reflow", request = "NOTIFY" },
            { from = "reflow", to = "caller", request = "NOTIFY" }) } },
        title = { en = "200 OK to SUBSCRIBE: accepted, and the first NOTIFY follows",
            es = "200 OK a SUBSCRIBE: se acepta, y llega el primer NOTIFY" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers { 200, headers = { Expires = "3600" } }
            world.request("SUBSCRIBE", { to = "sip:bob@example.com", reacts = true,
                headers = { Event = "dialog", Expires = "3600" } })
            bob:notifies { ["Subscription-State"] = "active;expires=3600" }
        end,
    },
    {
        id = "200-register-plain", codes = { 200 }, rules = { "code-2xx-register" }, server = "registrar",
        shows = { { "5626-6.e", watch.all(watch.count(1, { code = 200 }), watch.count(0, { field = "Require" })) } },
        title = { en = "200 OK to REGISTER: a phone without outbound support is registered",
            es = "200 OK a REGISTER: queda registrado un teléfono que no admite outbound" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", flows = 0, unregistered = true, reacts = true,
                expires = 600 }:registers()
        end,
    },
}
