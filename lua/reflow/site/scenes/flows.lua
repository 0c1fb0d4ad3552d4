-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes in which a flow fails (RFC 5626).
local watch = require "reflow.site.scenes.watch"

return {
    {
        id = "430-another-flow", codes = { 430, 180, 200 }, rules = { "5626-7.b", "3261-16.7.c" },
        shows = { { "5626-7.a", watch.order({ to = "edge 1", request = "INVITE" }, { from = "edge 1", code = 430 },
            { to = "edge 2", request = "INVITE" }) } },
        title = { en = "430 Flow Failed, and the phone has another flow: the call gets through",
            es = "430 Flow Failed, y el teléfono tiene otro flujo: la llamada llega por él" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", edges = { "edge 1", "edge 2" } }
            bob:flow(1):answers(430)
            bob:flow(2):answers(180, { 200, after = 3 })
            world.invite()
            world.advance(3)
        end,
    },
    {
        id = "430-no-flow", codes = { 430, 480 }, rules = { "5626-11.5.a" },
        title = { en = "430 Flow Failed, and no flow is left: the caller gets 480, never 430",
            es = "430 Flow Failed, y no queda ningún flujo: el llamante recibe 480, nunca 430" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", edges = { "edge 1" } }:answers(430)
            world.invite()
        end,
    },
    {
        id = "430-masked-by-486", codes = { 430, 486 }, rules = { "5626-11.5.b", "3261-16.7.e" },
        title = { en = "430 from one phone and 486 from the other: the caller gets 486",
            es = "430 de un teléfono y 486 del otro: el llamante recibe 486" },
        play = function(world)
            local mobile = world.phone { aor = "sip:bob@example.com", edges = { "edge 1" } }
            local desk = world.phone { aor = "sip:bob@example.com", name = "desk", flows = 1 }
            mobile:answers(430)
            desk:answers(180, { 486, after = 2 })
            world.invite()
            world.advance(2)
        end,
    },
    {
        id = "430-from-edge", codes = { 430, 200 }, rules = { "5626-5.3.c" }, server = "edge",
        left = "registrar",
        shows = { { "5626-5.1.a", watch.count(1, { to = "registrar", request = "REGISTER", field = ";ob>" }) } },
        title = { en = "Where 430 comes from: the flow is cut while an edge proxy waits for the phone",
            es = "De dónde viene un 430: se corta el flujo mientras un proxy de borde espera al teléfono" },
        policy = 'sip_on_request(function() return sip_forward "sip:198.51.100.9:5060" end)',
        play = function(world)
            world.net.edge()
            local registrar = world.server("198.51.100.9:5060", { name = "registrar" })
            registrar:answers { 200, headers = { Require = "outbound" } }
            local bob = world.phone { aor = "sip:bob@example.com", unregistered = true }
            bob:registers()
            world.advance(60)
            bob:answers "is silent"
            local path = registrar.newest.request:header "Path"
            world.request("INVITE", { to = "sip:bob@198.51.100.1:5060", over = registrar,
                headers = { Route = path } })
            world.advance(1)
            bob:dies()
        end,
    },
    {
        id = "430-later-call", codes = { 430, 200 }, rules = { "5626-7.b", "3261-16.7.c" },
        shows = { { "5626-7.g", watch.all(watch.count(1, { from = "reflow", to = "edge 1", request = "INVITE" }),
            watch.count(2, { from = "reflow", to = "edge 2", request = "INVITE" })) } },
        title = { en = "After 430 Flow Failed, the next call does not try the dead flow any more",
            es = "Tras 430 Flow Failed, la siguiente llamada ya no prueba el flujo muerto" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", edges = { "edge 1", "edge 2" } }
            bob:flow(1):answers(430)
            world.invite()
            world.advance(20)
            world.invite()
        end,
    },
    {
        id = "430-both-flows", codes = { 430, 480 }, rules = { "5626-7.b", "5626-11.5.a" },
        title = { en = "430 Flow Failed over both flows of a phone: the caller gets 480",
            es = "430 Flow Failed por los dos flujos de un teléfono: el llamante recibe 480" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", edges = { "edge 1", "edge 2" } }:answers(430)
            world.invite()
        end,
    },
    {
        id = "flow-cut-invite", codes = { 200, 180 }, rules = { "5626-7.h", "3261-16.7.c" },
        title = { en = "A flow is cut while its INVITE waits: the next flow is tried at once",
            es = "Se corta un flujo con un INVITE en espera: se prueba el otro de inmediato" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 2 }
            bob:flow(1):answers "is silent"
            bob:flow(2):answers(180, { 200, after = 3 })
            world.invite()
            world.advance(1)
            bob:flow(1):dies()
            world.advance(3)
        end,
    },
    {
        id = "flow-cut-ringing", codes = { 200, 180 }, rules = { "5626-7.h", "3261-16.7.c" },
        title = { en = "A flow is cut while the phone rings: the proxy waits, and the answer comes over a new one",
            es = "Se corta un flujo mientras suena el teléfono: el proxy espera, y la respuesta llega por uno nuevo" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 2 }
            bob:flow(1):answers(180)
            world.invite()
            world.advance(2)
            bob:flow(1):dies()
            world.advance(3)
            bob:flow(1):comes_back()
            bob:flow(1):answer(200)
        end,
    },
    {
        id = "flow-cut-before-call", codes = { 480 }, rules = { "3261-8.1.3.a" },
        shows = { { "5626-7.f", watch.count(0, { from = "reflow", to = "bob/1" }) } },
        title = { en = "The only flow was cut before the call: nothing is sent, and the caller gets 480",
            es = "El único flujo se cortó antes de la llamada: no se envía nada, y el llamante recibe 480" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 1 }
            world.advance(1)
            bob:dies()
            world.advance(10)
            world.invite()
        end,
    },
    {
        id = "403-forged-token", codes = { 403 }, rules = {}, server = "edge", left = "registrar",
        shows = { { "5626-5.3.b", watch.all(watch.count(1, { from = "reflow", code = 403 }),
            watch.count(0, { from = "reflow", to = "bob/1", request = "INVITE" })) } },
        title = { en = "403 Forbidden: a flow token that this edge proxy did not make",
            es = "403 Forbidden: un token de flujo que este proxy de borde no ha emitido" },
        policy = 'sip_on_request(function() return sip_forward "sip:198.51.100.9:5060" end)',
        play = function(world)
            world.net.edge()
            local registrar = world.server("198.51.100.9:5060", { name = "registrar" })
            world.phone { aor = "sip:bob@example.com" }
            local path = registrar.newest.request:header "Path"
            local forged = path:gsub("sip:(.)", function(first) return "sip:" .. (first == "A" and "B" or "A") end)
            world.request("INVITE", { to = "sip:bob@198.51.100.1:5060", over = registrar,
                headers = { Route = forged } })
        end,
    },
    {
        id = "flow-cut-last", codes = { 480 }, rules = { "5626-11.5.a" },
        title = { en = "The only flow is cut while its INVITE waits: 480 at once, without a timer",
            es = "Se corta el único flujo con un INVITE en espera: 480 de inmediato, sin temporizador" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 1 }
            bob:answers "is silent"
            world.invite()
            world.advance(1)
            bob:flow(1):dies()
        end,
    },
    {
        id = "408-another-flow", codes = { 408, 200 }, rules = { "5626-7.d", "3261-16.7.c" },
        title = { en = "Nothing is heard over a flow for 32 s: another flow of the phone is tried",
            es = "No llega nada por un flujo durante 32 s: se prueba otro flujo del teléfono" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 2 }
            bob:flow(1):falls_silent()
            bob:flow(2):answers(180, { 200, after = 2 })
            world.invite()
            world.advance(35)
        end,
    },
}
