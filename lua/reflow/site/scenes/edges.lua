-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes at an edge proxy (RFC 5626 section 5): flow tokens and what keeps a dialog on its flow.
local watch = require "reflow.site.scenes.watch"

local forward = 'sip_on_request(function() return sip_forward "sip:198.51.100.9:5060" end)'

-- An edge proxy with a registrar behind it.
local function with_registrar(world)
    world.net.edge()
    local registrar = world.server("198.51.100.9:5060", { name = "registrar" })
    registrar:answers { 200, headers = { Require = "outbound" } }
    return registrar
end

-- The Path with which the newest REGISTER came to the registrar: that of the phone's flow.
local function path_of(registrar)
    return registrar.newest.request:header "Path"
end

local function call_over(world, registrar, path, options)
    local request = { to = "sip:bob@198.51.100.1:5060", over = registrar, headers = { Route = path } }
    for key, value in pairs(options or {}) do request[key] = value end
    return world.request("INVITE", request)
end

return {
    {
        id = "edge-token", codes = { 200, 486 }, rules = {}, server = "edge", left = "registrar",
        fields = { "Path", "Route" },
        shows = { { "5626-5.2.a", watch.all(watch.count(1, { from = "reflow", to = "mobile/1", request = "INVITE" }),
            watch.count(1, { from = "reflow", to = "desk/1", request = "INVITE" })) } },
        title = { en = "Each flow has a token of its own, and only the phone at its other end gets the call",
            es = "Cada flujo tiene su propio token, y solo el teléfono del otro extremo recibe la llamada" },
        policy = forward,
        play = function(world)
            local registrar, paths, phones = with_registrar(world), {}, {}
            for index, name in ipairs { "desk", "mobile" } do
                phones[index] = world.phone { aor = "sip:bob@example.com", name = name, unregistered = true }
                phones[index]:registers()
                paths[index] = path_of(registrar)
            end
            phones[1]:answers(486)
            call_over(world, registrar, paths[1])
            call_over(world, registrar, paths[2])
        end,
    },
    {
        id = "edge-incoming", codes = { 200, 180 }, rules = { "3261-16.7.c" }, server = "edge", left = "registrar",
        fields = { "Route", "Record-Route" },
        shows = { { "5626-5.3.d", watch.order({ to = "bob/1", request = "INVITE", field = ";ob>" },
            { to = "bob/1", request = "BYE" }) } },
        title = { en = "A call to the phone: Record-Route has a token too, and the BYE finds the same flow",
            es = "Una llamada al teléfono: también Record-Route lleva un token, y el BYE encuentra el mismo flujo" },
        policy = forward,
        play = function(world)
            local registrar = with_registrar(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers(180, { 200, after = 2 })
            local call = call_over(world, registrar, path_of(registrar))
            world.advance(2)
            bob:answers(200)
            world.advance(60)
            call:bye()
        end,
    },
    {
        id = "edge-outgoing", codes = { 200 }, rules = { "3261-16.7.c" }, server = "edge", caller = "phone",
        fields = { "Contact", "Route", "Record-Route" },
        shows = { { "5626-5.3.a", watch.all(watch.count(1, { from = "bob/1", request = "INVITE", field = "\nRoute: " }),
            watch.count(1, { from = "reflow", to = "registrar", request = "INVITE", lacks = "\nRoute: " })) },
            { "5626-5.3.e", watch.count(1, { from = "reflow", to = "registrar", request = "INVITE",
                field = ";ob>" }) } },
        title = { en = "A call from the phone: its own token makes the request outgoing, and the dialog is recorded",
            es = "Una llamada desde el teléfono: con su propio token es saliente, y el diálogo lleva Record-Route" },
        policy = forward,
        play = function(world)
            local registrar = with_registrar(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            local path = path_of(registrar)
            registrar:answers(200)
            local call = world.request("INVITE", { to = "sip:alice@example.net", from = "sip:bob@example.com",
                over = bob, headers = { Route = path }, contact = "<sip:bob@198.51.100.1:20001;transport=tcp;ob>" })
            world.advance(60)
            call:bye()
        end,
    },
    {
        id = "edge-later-hop", codes = { 200 }, rules = {}, server = "edge", fields = { "Path" },
        shows = { { "5626-5.1.b", watch.count(1, { to = "registrar", request = "REGISTER",
            field = "Path: <sip:192.0.2.1:5060;lr>" }) } },
        title = { en = "Only the first hop puts a token and ob into its Path: this proxy is the second",
            es = "Solo el primer salto pone un token y ob en su Path: este proxy es el segundo" },
        policy = forward,
        play = function(world)
            with_registrar(world)
            world.phone { aor = "sip:bob@example.com", edges = { "first proxy" }, unregistered = true }:registers()
        end,
    },
    {
        id = "430-to-caller", codes = { 430 }, rules = { "5626-11.5.c" }, server = "edge",
        title = { en = "430 Flow Failed to a caller that uses the edge proxy directly: it counts as 400",
            es = "430 Flow Failed a un llamante que usa el proxy de borde directamente: cuenta como 400" },
        policy = forward,
        play = function(world)
            local registrar = with_registrar(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            local path = path_of(registrar)
            bob:dies()
            world.invite { uri = "sip:bob@198.51.100.1:5060", headers = { Route = path } }
        end,
    },
}
