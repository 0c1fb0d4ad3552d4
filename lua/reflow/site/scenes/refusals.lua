-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes in which a call does not come about.
local watch = require "reflow.site.scenes.watch"

return {
    {
        id = "408-silent", codes = { 408 }, rules = { "3261-16.7.f" },
        title = { en = "408 Request Timeout: nothing answers for 32 s",
            es = "408 Request Timeout: nadie responde durante 32 s" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", flows = 0 }:falls_silent()
            world.invite()
            world.advance(33)
        end,
    },
    {
        id = "408-rings-on", codes = { 408, 180, 487 }, rules = { "3261-16.7.f" },
        title = { en = "408 Request Timeout: the phone rings until timer C ends the call",
            es = "408 Request Timeout: el teléfono suena hasta que el temporizador C termina la llamada" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(180)
            world.invite()
            world.advance(200)
        end,
    },
    {
        id = "408-options", codes = { 408 }, rules = { "4320-4.a", "3261-8.1.3.b" },
        title = { en = "OPTIONS times out: no 408 is sent, because it would come too late",
            es = "OPTIONS sin respuesta: no se envía ningún 408, que llegaría demasiado tarde" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", flows = 0 }:falls_silent()
            world.request("OPTIONS", { to = "sip:bob@example.com", reacts = true })
            world.advance(33)
        end,
    },
    {
        id = "480-not-registered", codes = { 480 }, rules = { "3261-8.1.3.a" },
        title = { en = "480 Temporarily Unavailable: no phone of the user is registered",
            es = "480 Temporarily Unavailable: no hay ningún teléfono del usuario registrado" },
        play = function(world)
            world.invite()
        end,
    },
    {
        id = "480-retry-after", codes = { 480 }, rules = { "3261-16.7.e", "3261-20.33.a" },
        title = { en = "480 with Retry-After: the phone says when its user can be reached",
            es = "480 con Retry-After: el teléfono dice cuándo se podrá llegar a su usuario" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers { 480, headers = { ["Retry-After"] = "1800" } }
            world.invite()
        end,
    },
    {
        id = "486-busy", codes = { 486, 180 }, rules = { "5626-7.c" },
        shows = { { "3261-17.a", watch.all(watch.count(1, { from = "reflow", to = "bob/1", request = "ACK" }),
            watch.count(1, { from = "caller", to = "reflow", request = "ACK" })) } },
        title = { en = "486 Busy Here: the phone has answered, so its other flow is not tried",
            es = "486 Busy Here: el teléfono ha respondido, así que no se prueba su otro flujo" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", flows = 2 }:answers(180, { 486, after = 2 })
            world.invite()
            world.advance(2)
        end,
    },
    {
        id = "486-voicemail", codes = { 486, 180, 200 }, rules = { "3261-16.7.e", "3261-16.7.c" },
        title = { en = "486 Busy Here, and a policy that sends the call to voicemail",
            es = "486 Busy Here, y una política que envía la llamada al buzón de voz" },
        policy = [[
            sip_on_response(486, function(reply, call)
                return sip_relay "sip:bob@198.51.100.40:5060"
            end)
        ]],
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(180, { 486, after = 2 })
            world.server("198.51.100.40:5060", { name = "voicemail" }):answers(200)
            world.invite()
            world.advance(2)
        end,
    },
    {
        id = "487-cancel", codes = { 487, 180 }, rules = { "3261-16.7.e", "3261-8.1.3.a" },
        title = { en = "487 Request Terminated: the caller hangs up while the phone rings",
            es = "487 Request Terminated: el llamante cuelga mientras suena el teléfono" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(180)
            local call = world.invite()
            world.advance(5)
            call:cancel()
        end,
    },
    {
        id = "487-early-cancel", codes = { 487, 180 }, rules = { "3261-16.7.e" },
        shows = { { "3261-9.a", watch.order({ from = "caller", request = "CANCEL" }, { from = "bob/1", code = 180 },
            { from = "reflow", to = "bob/1", request = "CANCEL" }) } },
        title = { en = "The caller hangs up before the phone has answered anything: CANCEL waits for a 1xx",
            es = "El llamante cuelga antes de que el teléfono haya respondido nada: el CANCEL espera un 1xx" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers { 180, after = 2 }
            local call = world.invite()
            world.advance(1)
            call:cancel()
            world.advance(2)
        end,
    },
    {
        id = "487-crossed-by-200", codes = { 200 }, rules = { "3261-16.7.c", "3261-13.2.b" },
        title = { en = "The caller hangs up, but the answer is already on its way: ACK, then BYE",
            es = "El llamante cuelga, pero la respuesta ya está en camino: ACK y después BYE" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers "is silent"
            local call = world.invite()
            world.advance(1)
            call:cancel()
            bob:answer(200)
            bob:answers(200)
        end,
    },
    {
        id = "480-unreachable", codes = { 480 }, rules = { "3261-16.9.b" },
        title = { en = "480: the network reports that nobody is at the phone's address",
            es = "480: la red informa de que no hay nadie en la dirección del teléfono" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 0 }
            bob:answers "is silent"
            world.invite()
            world.advance(0.2)
            bob:dies()
        end,
    },
    {
        id = "481-subscribe-refresh", codes = { 481, 200 }, rules = { "code-2xx-subscribe", "code-6665" },
        caller = "subscriber",
        title = { en = "481 to the refresh of a subscription: it is over, and a new one must be made",
            es = "481 a la renovación de una suscripción: ha terminado, y la siguiente empieza de nuevo" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers { 200, headers = { Expires = "3600" } }
            local headers = { Event = "dialog", Expires = "3600" }
            local wanted = world.request("SUBSCRIBE", { to = "sip:bob@example.com", reacts = true, headers = headers })
            bob:answers(481)
            world.advance(3000)
            wanted:inside("SUBSCRIBE", headers)
        end,
    },
    {
        id = "433-anonymous", codes = { 433 }, rules = { "3261-16.7.e", "code-433" },
        title = { en = "433 Anonymity Disallowed: only the caller may decide to be identified",
            es = "433 Anonymity Disallowed: solo el llamante puede decidir identificarse" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(433)
            world.invite { from = "sip:anonymous@anonymous.invalid" }
        end,
    },
    {
        id = "481-in-dialog", codes = { 481, 200 }, rules = { "code-408-481" },
        title = { en = "481: the phone no longer knows the call, and the dialog ends",
            es = "481: el teléfono ya no conoce la llamada, y el diálogo termina" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            local call = world.invite()
            bob:answers(481)
            world.advance(600)
            call:inside "INFO"
        end,
    },
    {
        id = "489-subscribe", codes = { 489 }, rules = { "3261-16.7.e", "code-489" }, caller = "subscriber",
        title = { en = "489 Bad Event: the phone does not know the event package",
            es = "489 Bad Event: el teléfono no conoce el paquete de eventos" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(489)
            world.request("SUBSCRIBE", { to = "sip:bob@example.com", reacts = true,
                headers = { Event = "weather", Expires = "3600" } })
        end,
    },
}
