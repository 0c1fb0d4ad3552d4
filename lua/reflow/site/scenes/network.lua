-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes about what the network does: connections that are dead or gone, errors, large messages, a restart.
local watch = require "reflow.site.scenes.watch"

return {
    {
        id = "unacknowledged-flow", codes = { 200, 180 }, rules = { "5626-7.i", "3261-16.7.c" },
        title = { en = "Nothing of an INVITE is acknowledged: the connection is aborted, and the next flow is tried",
            es = "No se confirma nada de un INVITE: se aborta la conexión y se prueba el otro flujo" },
        play = function(world)
            world.net.option("ack-time", 750)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 2 }
            bob:answers(180, { 200, after = 2 })
            bob:flow(1):falls_silent()
            world.invite()
            world.advance(4)
        end,
    },
    {
        id = "icmp-error", codes = { 200, 480 }, rules = {},
        shows = { { "5626-7.j", watch.all(watch.order({ to = "bob/1", request = "OPTIONS" },
            { from = "bob/1", code = 200 }, { to = "bob/1", request = "INVITE" }, { to = "caller", code = 480 }),
            watch.count(1, { to = "bob/1", request = "OPTIONS" })) } },
        title = { en = "An ICMP error that quotes nothing: OPTIONS tests the flow; if it quotes the INVITE, it counts",
            es = "Un error ICMP que no cita nada se comprueba con OPTIONS; si cita el INVITE, cuenta de inmediato" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", transport = "udp" }
            bob:is_unreachable(false)
            world.advance(60)
            bob:answers "is silent"
            world.invite()
            world.advance(0.2)
            bob:is_unreachable(true)
        end,
    },
    {
        id = "flow-timer", codes = { 200 }, rules = { "5626-4.2.a" }, server = "registrar",
        shows = { { "5626-5.4.c", watch.count(1, { code = 200, field = "Flow-Timer: 120" }) } },
        title = { en = "Flow-Timer: the server says within how many seconds it expects a keep-alive",
            es = "Flow-Timer: el servidor dice en cuántos segundos espera un keep-alive" },
        play = function(world)
            world.net.option("flow-timer", 120)
            world.phone { aor = "sip:bob@example.com", unregistered = true, reacts = true }:registers()
        end,
    },
    {
        id = "edge-restart", codes = { 200, 430 }, rules = {}, server = "edge", left = "registrar",
        fields = { "Route" },
        shows = { { "5626-5.2.b", watch.all(watch.count(1, { to = "desk/1", request = "INVITE" }),
            watch.count(0, { to = "mobile/1", request = "INVITE" }), watch.order({ to = "desk/1", request = "INVITE" },
            { to = "registrar", code = 430 })) } },
        title = { en = "An edge proxy restarts: the token of a UDP flow still works, that of a connection gets 430",
            es = "Un proxy de borde se reinicia: el token de un flujo UDP aún sirve, el de una conexión recibe 430" },
        policy = 'sip_on_request(function() return sip_forward "sip:198.51.100.9:5060" end)',
        play = function(world)
            local paths = {}
            world.net.edge()
            local registrar = world.server("198.51.100.9:5060", { name = "registrar" })
            registrar:answers { 200, headers = { Require = "outbound" } }
            for _, phone in ipairs { { "desk", "udp" }, { "mobile", "tcp" } } do
                world.phone { aor = "sip:bob@example.com", name = phone[1], transport = phone[2] }
                paths[#paths + 1] = registrar.newest.request:header "Path"
            end
            world.restart('sip_on_request(function() return sip_forward "sip:198.51.100.9:5060" end)')
            for _, path in ipairs(paths) do
                world.request("INVITE", { to = "sip:bob@198.51.100.1:5060", over = registrar,
                    headers = { Route = path } })
            end
        end,
    },
    {
        id = "large-invite", codes = { 200 }, rules = { "3261-16.7.c" }, fields = { "Via", "Content-Length" },
        shows = { { "3261-18.1.1.a", watch.order({ from = "caller", request = "INVITE", field = "SIP/2.0/UDP" },
            { to = "PBX", request = "INVITE", field = "SIP/2.0/TCP" }) } },
        title = { en = "An INVITE that is too large for a datagram goes over TCP",
            es = "Un INVITE demasiado grande para un datagrama va por TCP" },
        policy = 'sip_on_request("INVITE", function() return sip_relay "sip:bob@198.51.100.40:5060" end)',
        play = function(world)
            world.net.option("streams", 1)
            world.server("198.51.100.40:5060", { name = "PBX" })
            world.invite { headers = { ["Content-Type"] = "application/sdp" },
                body = "v=0\r\n" .. ("a=candidate:1 1 UDP 1 203.0.113.1 40000 typ host\r\n"):rep(30) }
        end,
    },
    {
        id = "response-new-connection", codes = { 200, 180 }, rules = { "3261-16.7.c" },
        shows = { { "3261-18.2.2.a", watch.order({ from = "PBX", request = "INVITE" }, { to = "PBX", code = 180 },
            { to = "PBX", code = 200 }, { from = "PBX", request = "ACK" }) } },
        title = { en = "The caller's connection closes while the phone rings: the answer opens a new one",
            es = "Se cierra la conexión del llamante mientras suena el teléfono: la respuesta abre otra" },
        play = function(world)
            world.net.option("streams", 1)
            local pbx = world.server("198.51.100.40:5060", { name = "PBX", transport = "tcp" })
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers(180, { 200, after = 5 })
            world.invite { over = pbx }
            world.advance(2)
            pbx:closes()
            world.advance(4)
        end,
    },
}
