-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes in which a flow fails (RFC 5626).
return {
    {
        id = "430-another-flow", codes = { 430, 180, 200 }, rules = { "5626-7.b", "3261-16.7.c" },
        title = { en = "430 Flow Failed, and the phone has another flow: the call gets through",
            es = "430 Flow Failed, y el teléfono tiene otro flujo: la llamada llega" },
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
        id = "430-both-flows", codes = { 430, 480 }, rules = { "5626-7.b", "5626-11.5.a" },
        title = { en = "430 Flow Failed over both flows of a phone: the caller gets 480",
            es = "430 Flow Failed por los dos flujos de un teléfono: el llamante recibe 480" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", edges = { "edge 1", "edge 2" } }:answers(430)
            world.invite()
        end,
    },
    {
        id = "430-from-edge", codes = { 430, 200 }, rules = { "5626-5.3.c" }, server = "edge",
        left = "registrar",
        title = { en = "Where 430 comes from: the flow is cut while an edge proxy waits for the phone",
            es = "De dónde viene 430: se corta el flujo mientras un proxy de borde espera al teléfono" },
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
        id = "flow-cut-invite", codes = { 180, 200 }, rules = { "5626-7.h", "3261-16.7.c" },
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
        id = "flow-cut-ringing", codes = { 180, 200 }, rules = { "5626-7.h", "3261-16.7.c" },
        title = { en = "A flow is cut while the phone rings: the proxy waits, and the answer comes over a new one",
            es = "Se corta un flujo mientras suena el teléfono: el proxy espera, y la respuesta llega por otro nuevo" },
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
            es = "No se oye nada por un flujo durante 32 s: se prueba otro flujo del teléfono" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 2 }
            bob:flow(1):falls_silent()
            bob:flow(2):answers(180, { 200, after = 2 })
            world.invite()
            world.advance(35)
        end,
    },
}
