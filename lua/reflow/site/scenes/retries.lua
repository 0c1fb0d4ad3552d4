-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes in which a user agent sends its request again, changed.
local watch = require "reflow.site.scenes.watch"

return {
    {
        id = "401-register", codes = { 401, 200 }, rules = { "3261-8.1.3.d", "5626-4.2.a" }, server = "registrar",
        shows = { { "3261-22.a", watch.count(1, { from = "reflow", code = 401, method = "REGISTER" }) } },
        title = { en = "401 Unauthorized to REGISTER: the phone registers again with its password",
            es = "401 Unauthorized a REGISTER: el teléfono se registra de nuevo con su contraseña" },
        play = function(world)
            world.net.user("bob@example.com", "secret")
            world.phone { aor = "sip:bob@example.com", unregistered = true, reacts = true,
                password = "secret" }:registers()
        end,
    },
    {
        id = "407-proxy", codes = { 407, 180, 200 }, rules = { "3261-8.1.3.d", "3261-16.7.c" },
        shows = { { "3261-22.a", watch.count(1, { from = "reflow", code = 407, method = "INVITE" }) } },
        title = { en = "407 Proxy Authentication Required: the proxy asks the caller who it is",
            es = "407 Proxy Authentication Required: el proxy pregunta al llamante quién es" },
        play = function(world)
            world.net.user("alice@example.com", "secret")
            world.net.user("bob@example.com", "secret")
            local bob = world.phone { aor = "sip:bob@example.com", reacts = true, password = "secret" }
            bob:answers(180, { 200, after = 3 })
            world.invite { from = "sip:alice@example.com", password = "secret" }
            world.advance(4)
        end,
    },
    {
        id = "401-407-merged", codes = { 401, 407, 180, 200 }, rules = { "3261-16.7.h", "3261-8.1.3.d" },
        title = { en = "401 and 407 from two phones: one response with both challenges, answered at once",
            es = "401 y 407 de dos teléfonos: los dos retos en una respuesta, y credenciales para ambos a la vez" },
        play = function(world)
            local desk = world.phone { aor = "sip:bob@example.com", name = "desk" }
            local mobile = world.phone { aor = "sip:bob@example.com", name = "mobile" }
            desk:answers { 401, headers = { ["WWW-Authenticate"] = 'Digest realm="desk", nonce="84f1", qop="auth"' } }
            mobile:answers { 407, headers = {
                ["Proxy-Authenticate"] = 'Digest realm="carrier", nonce="9c27", qop="auth"' } }
            desk:then_answers(180)
            mobile:then_answers(180, { 200, after = 3 })
            world.invite { user = "alice", password = "secret" }
            world.advance(4)
        end,
    },
    {
        id = "401-invite", codes = { 401, 200 }, rules = { "3261-16.7.h", "3261-8.1.3.d" },
        title = { en = "401 Unauthorized: the caller sends the request again with credentials",
            es = "401 Unauthorized: el llamante envía de nuevo la petición con credenciales" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers { 401, headers = { ["WWW-Authenticate"] = 'Digest realm="bob", nonce="84f1", qop="auth"' } }
            bob:then_answers(200)
            world.invite { user = "alice", password = "secret" }
        end,
    },
    {
        id = "407-wrong-password", codes = { 407 }, rules = { "3261-16.7.h", "3261-8.1.3.d" },
        title = { en = "407 twice: the password is wrong, so the caller gives up",
            es = "407 dos veces: la contraseña es incorrecta, y el llamante desiste" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers { 407, headers = {
                ["Proxy-Authenticate"] = 'Digest realm="carrier", nonce="9c27", qop="auth"' } }
            world.invite { user = "alice", password = "wrong" }
        end,
    },
    {
        id = "420-extension", codes = { 420, 200 }, rules = { "3261-16.7.e", "3261-8.1.3.d" },
        title = { en = "420 Bad Extension: the caller leaves out what the phone does not support",
            es = "420 Bad Extension: el llamante omite lo que el teléfono no admite" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers { 420, headers = { Unsupported = "precondition" } }
            bob:then_answers(200)
            world.invite { headers = { Require = "precondition" } }
        end,
    },
    {
        id = "422-session-interval", codes = { 422, 200 }, rules = { "3261-16.7.e", "code-422" },
        title = { en = "422 Session Interval Too Small: the caller takes over Min-SE",
            es = "422 Session Interval Too Small: el llamante adopta Min-SE" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers { 422, headers = { ["Min-SE"] = "1800" } }
            bob:then_answers { 200, headers = { ["Session-Expires"] = "1800;refresher=uac" } }
            world.invite { headers = { ["Session-Expires"] = "120", Supported = "timer" } }
        end,
    },
    {
        id = "423-register", codes = { 423, 200 }, rules = { "code-423", "5626-4.2.a" }, server = "registrar",
        title = { en = "423 Interval Too Brief: the phone registers again for Min-Expires",
            es = "423 Interval Too Brief: el teléfono se registra de nuevo por el tiempo de Min-Expires" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", expires = 30, unregistered = true, reacts = true }:registers()
        end,
    },
    {
        id = "491-glare", codes = { 491, 200 }, rules = { "code-491" },
        title = { en = "491 Request Pending: both sides change the call at once; the caller waits and tries again",
            es = "491 Request Pending: los dos lados cambian la llamada a la vez; el llamante espera y reintenta" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            local call = world.invite()
            bob:answers(491):then_answers(200)
            world.advance(30)
            call:inside "INVITE"
            world.advance(4)
        end,
    },
    {
        id = "412-publish", codes = { 412, 200 }, rules = { "3261-16.7.e", "code-412" }, caller = "publisher",
        title = { en = "412 Conditional Request Failed: the entity-tag is unknown, so everything is published again",
            es = "412 Conditional Request Failed: no se conoce la etiqueta de entidad, y se publica todo de nuevo" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", name = "presence" }
            bob:answers(412):then_answers { 200, headers = { ["SIP-ETag"] = "b71d" } }
            world.request("PUBLISH", { to = "sip:bob@example.com", reacts = true,
                headers = { Event = "presence", Expires = "3600", ["SIP-If-Match"] = "a90c" } })
        end,
    },
    {
        id = "417-priority", codes = { 417, 200 }, rules = { "3261-16.7.e", "code-417" },
        title = { en = "417 Unknown Resource-Priority: the caller takes one that the phone knows",
            es = "417 Unknown Resource-Priority: el llamante usa una que el teléfono conoce" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers { 417, headers = { ["Accept-Resource-Priority"] = "ets.0" } }
            bob:then_answers(200)
            world.invite { headers = { ["Resource-Priority"] = "wps.0" } }
        end,
    },
    {
        id = "503-register", codes = { 503, 200 }, rules = { "5626-4.5.a", "5626-4.2.a" }, server = "registrar",
        fields = { "Contact" },
        shows = { { "5626-4.5.b", watch.all(watch.decided { code = 503, wait_min = 30.0, wait_max = 60.0 },
            watch.count(2, { request = "REGISTER", field = "reg-id=1" })) } },
        title = { en = "503 to REGISTER: the phone waits for a random time before it registers again",
            es = "503 a REGISTER: el teléfono espera un tiempo aleatorio antes de registrarse de nuevo" },
        policy = [[
            local refused = false
            sip_on_register(function()
                if not refused then
                    refused = true
                    return sip_reply(503)
                end
            end)
        ]],
        play = function(world)
            world.phone { aor = "sip:bob@example.com", unregistered = true, reacts = true }:registers()
            world.advance(60)
        end,
    },
    {
        id = "439-register", codes = { 439, 200 }, rules = { "5626-4.2.c", "code-2xx-register" },
        server = "registrar",
        shows = { { "5626-11.6.a", watch.count(1, { from = "reflow", code = 439, method = "REGISTER" }) },
            { "5626-6.b", watch.count(1, { from = "reflow", code = 439 }) } },
        title = { en = "439 First Hop Lacks Outbound Support: the phone registers without outbound",
            es = "439 First Hop Lacks Outbound Support: el teléfono se registra sin outbound" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", edges = { "bob via proxy" }, path = "lr", unregistered = true,
                reacts = true }:registers()
        end,
    },
}
