-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes about who may call: credentials, strangers, the seal of a dialog.
local digest = require "reflow.ua.digest"
local watch = require "reflow.site.scenes.watch"

local function users(world)
    world.net.user("alice@example.com", "secret")
    world.net.user("bob@example.com", "other secret")
end

local function stranger(world)
    return world.server("203.0.113.66:5060", { name = "stranger" })
end

return {
    {
        id = "407-copied", codes = { 407, 200 }, rules = { "3261-8.1.3.d" }, fields = { nc = true },
        shows = { { "7616-a", watch.all(watch.order(
            { from = "stranger", request = "INVITE", field = "nc=00000001" }, { to = "stranger", code = 407 }),
            watch.count(0, { to = "stranger", code = 200 })) } },
        title = { en = "407 to somebody who has copied the credentials of another request: they count once",
            es = "407 a quien ha copiado las credenciales de otra petición: solo valen una vez" },
        play = function(world)
            users(world)
            local other = stranger(world)
            world.phone { aor = "sip:bob@example.com", reacts = true, password = "other secret" }
            local call = world.invite { from = "sip:alice@example.com", password = "secret" }
            world.advance(20)
            world.request("INVITE", { to = "sip:bob@example.com", from = "sip:alice@example.com", over = other,
                headers = { ["Proxy-Authorization"] = call.headers["Proxy-Authorization"] } })
        end,
    },
    {
        id = "407-stale", codes = { 407, 200 }, rules = { "3261-8.1.3.d", "3261-16.7.c" },
        shows = { { "7616-b", watch.order({ from = "caller", field = "Proxy-Authorization" },
            { to = "caller", code = 407, field = "stale=true" }, { to = "caller", code = 200 }) } },
        title = { en = "407 with stale=true: the nonce is too old, but the password is right",
            es = "407 con stale=true: el nonce ha caducado, pero la contraseña es correcta" },
        play = function(world)
            users(world)
            world.phone { aor = "sip:bob@example.com", reacts = true, password = "other secret" }
            local first = world.request("INVITE", { to = "sip:bob@example.com", from = "sip:alice@example.com" })
            local challenge = digest.challenge(first.final:header "Proxy-Authenticate")
            world.advance(900)
            world.invite { from = "sip:alice@example.com", password = "secret", headers = {
                ["Proxy-Authorization"] = digest.credentials(challenge, "alice", "secret", "INVITE",
                    "sip:bob@example.com", nil, "c0") } }
        end,
    },
    {
        id = "407-call-out", codes = { 407, 200 }, rules = { "3261-8.1.3.d", "3261-16.7.c" },
        shows = { { "3261-16.3.a", watch.all(watch.order({ from = "stranger", request = "INVITE" },
            { to = "stranger", code = 407 }, { from = "caller", field = "Proxy-Authorization" },
            { to = "carrier", request = "INVITE" }), watch.count(1, { to = "carrier", request = "INVITE" })) } },
        title = { en = "Only a user of the server may call out: a stranger gets 407, and the carrier gets nothing",
            es = "Solo un usuario del servidor puede llamar fuera: un desconocido recibe 407, y el operador, nada" },
        policy = 'sip_on_request("INVITE", function() return sip_relay "sip:+34910000000@198.51.100.70:5060" end)',
        play = function(world)
            users(world)
            world.net.option("check-callers", 1)
            world.server("198.51.100.70:5060", { name = "carrier" })
            local uri = "sip:+34910000000@example.com"
            world.request("INVITE", { to = uri, from = "sip:eve@example.net", over = stranger(world) })
            world.invite { to = uri, from = "sip:alice@example.com", password = "secret" }
        end,
    },
    {
        id = "481-unsealed-route", codes = { 481, 200 }, rules = { "3261-16.7.c", "3261-16.7.e" },
        fields = { "Route" },
        shows = { { "3261-16.4.a", watch.all(watch.order({ request = "BYE", field = "<sip:192.0.2.1:5060;lr>" },
            { to = "caller", code = 481 }, { to = "bob/1", request = "BYE" }),
            watch.count(1, { to = "bob/1", request = "BYE" })) } },
        title = { en = "A Route of this server without its seal: 481; with the seal, the BYE reaches the phone",
            es = "Un Route de este servidor sin su sello: 481; con el sello, el BYE llega al teléfono" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }
            local call = world.request("INVITE", { to = "sip:bob@example.com" })
            local sealed = call.routes
            world.advance(30)
            call.routes = { "<sip:192.0.2.1:5060;lr>" }
            call:bye()
            call.routes = sealed
            call:bye()
        end,
    },
    {
        id = "401-algorithms", codes = { 401, 200 }, rules = { "3261-8.1.3.d", "5626-4.2.a" }, server = "registrar",
        fields = { algorithm = true },
        shows = { { "8760-a", watch.all(watch.count(1, { code = 401, field = "algorithm=SHA-256",
            also = "algorithm=MD5" }), watch.count(1, { from = "bob/1", field = "algorithm=SHA-256" })) } },
        title = { en = "401 with one challenge for each algorithm: the phone takes the first that it knows",
            es = "401 con un reto por cada algoritmo: el teléfono toma el primero que conoce" },
        play = function(world)
            world.net.user("bob@example.com", "secret")
            world.net.algorithms("SHA-256", "MD5")
            world.phone { aor = "sip:bob@example.com", unregistered = true, reacts = true,
                password = "secret" }:registers()
        end,
    },
}
