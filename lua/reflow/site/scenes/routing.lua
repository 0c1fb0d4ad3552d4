-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes about where a request and its response are sent: Contacts, connections, servers, loops, Max-Breadth.
local watch = require "reflow.site.scenes.watch"

local to_carrier = 'sip_on_request("INVITE", function() return sip_relay "sip:bob@carrier.example.net" end)'

local function forks(world, first, second, third)
    world.phone { aor = "sip:bob@example.com", name = "desk" }:answers(table.unpack(first))
    world.phone { aor = "sip:bob@example.com", name = "mobile" }:answers(table.unpack(second))
    world.phone { aor = "sip:bob@example.com", name = "home" }:answers(table.unpack(third))
end

return {
    {
        id = "contact-after-flow", codes = { 200, 180 }, rules = { "3261-10.a", "3261-16.7.c" },
        title = { en = "A plain phone is called over its connection; when that closes, at its Contact",
            es = "A un teléfono sin outbound se le llama por su conexión; si se cierra, a su Contact" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 0, transport = "tcp",
                contact = "198.51.100.1:5060" }
            bob:answers "is silent"
            world.invite()
            world.advance(1)
            bob:answers(180, { 200, after = 2 })
            bob:closes()
            world.advance(2)
        end,
    },
    {
        id = "bye-new-connection", codes = { 200 }, rules = { "3261-16.7.c" },
        shows = { { "3261-16.6.b", function(record)
            local connected = false
            for _, event in ipairs(record.events) do
                connected = connected or event.kind == "flow" and event.state == "connected"
                if connected and event.to == "PBX" and event.method == "BYE" then return true end
            end
            return false
        end } },
        title = { en = "The connection to a PBX closes during the call: the BYE opens a new one",
            es = "Se cierra la conexión con una PBX durante la llamada: el BYE abre otra" },
        policy = [[
            sip_on_request("INVITE", function() return sip_relay "sip:bob@198.51.100.40:5060;transport=tcp" end)
        ]],
        play = function(world)
            local pbx = world.server("198.51.100.40:5060", { name = "PBX", transport = "tcp" })
            pbx:answers { 200, headers = { Contact = "<sip:bob@198.51.100.40:5060;transport=tcp>" } }
            local call = world.invite()
            pbx:answers(200)
            world.advance(60)
            pbx:closes()
            world.advance(60)
            call:bye()
        end,
    },
    {
        id = "302-clean-uri", codes = { 302, 200 }, rules = { "3261-16.7.i", "3261-16.7.c" },
        fields = { "Request-URI" },
        shows = { { "3261-16.6.a", watch.count(1, { to = "new phone", request = "INVITE",
            field = "Request-URI: sip:bob@198.51.100.60:5060", lacks = "Subject" }) } },
        title = { en = "A Contact with header fields and a method becomes a Request-URI without them",
            es = "Un Contact con cabeceras y un método se convierte en una Request-URI sin ellos" },
        policy = [[
            sip_on_request("INVITE", function(request, call) return sip_route(call.aor, { recurse = true }) end)
        ]],
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers { 302, headers = {
                Contact = "<sip:bob@198.51.100.60:5060;method=INVITE?Subject=moved>" } }
            world.server("198.51.100.60:5060", { name = "new phone" })
            world.invite()
        end,
    },
    {
        id = "record-route-twice", codes = { 200 }, rules = { "3261-16.7.c" }, fields = { "Record-Route" },
        shows = { { "5658-a", watch.count(1, { to = "bob/1", request = "INVITE",
            field = "transport=tcp;lr>, <sip:" }) } },
        title = { en = "The call comes over UDP and leaves over TCP: Record-Route has one value for each side",
            es = "La llamada llega por UDP y sale por TCP: Record-Route tiene un valor para cada lado" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            local call = world.invite()
            world.advance(60)
            bob:answers(200)
            call:bye()
        end,
    },
    {
        id = "forged-response", codes = { 200, 180 }, rules = { "3261-16.7.c" },
        shows = { { "3261-17.1.3.a", watch.all(watch.order({ from = "stranger", code = 603 },
            { from = "bob", code = 200 }, { to = "caller", code = 200 }),
            watch.count(0, { to = "caller", code = 603 })) } },
        title = { en = "603 from somebody who was not asked is ignored, although the transaction is the right one",
            es = "Se ignora un 603 de quien no recibió la petición, aunque la transacción sea la correcta" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", flows = 0 }
            local stranger = world.server("203.0.113.66:5060", { name = "stranger" })
            bob:answers(180)
            world.invite()
            world.advance(1)
            stranger:forges(bob, 603)
            world.advance(2)
            bob:answer(200)
        end,
    },
    {
        id = "late-response", codes = { 200, 408 }, rules = { "4320-4.a" },
        shows = { { "3261-16.7.a", watch.all(watch.count(1, { from = "bob/1", code = 200 }),
            watch.count(0, { to = "caller", code = 200 })) } },
        title = { en = "200 OK to a MESSAGE comes after 40 s: nothing waits for it any more, and it is dropped",
            es = "200 OK a un MESSAGE llega tras 40 s: ya nada lo espera, y se descarta" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers { 200, after = 40 }
            world.request("MESSAGE", { to = "sip:bob@example.com" })
            world.advance(41)
        end,
    },
    {
        id = "silent-server-last", codes = { 408, 200 }, rules = { "3263-4.3.a", "3261-16.7.c" },
        shows = { { "3263-4.3.b", watch.all(watch.count(1, { to = "trunk 1", request = "INVITE" }),
            watch.count(2, { to = "trunk 2", request = "INVITE" })) } },
        title = { en = "A server of the domain says nothing for 32 s: the next call goes to the other one first",
            es = "Un servidor del dominio no responde en 32 s: la siguiente llamada va primero al otro" },
        policy = to_carrier,
        play = function(world)
            world.server("carrier.example.net", { name = "trunk 1" }):falls_silent()
            world.server("carrier.example.net", { name = "trunk 2" })
            world.invite()
            world.advance(32.5)
            world.invite()
        end,
    },
    {
        id = "482-loop", codes = { 482 }, rules = { "3261-16.7.e" },
        shows = { { "5393-4.a", watch.order({ from = "reflow", to = "other proxy", request = "INVITE" },
            { from = "other proxy", to = "reflow", request = "INVITE" }, { to = "other proxy", code = 482 },
            { to = "caller", code = 482 }) } },
        title = { en = "482 Loop Detected: another proxy sends the call back to the same user",
            es = "482 Loop Detected: otro proxy devuelve la llamada al mismo usuario" },
        policy = 'sip_on_request("INVITE", function() return sip_relay "sip:bob@198.51.100.80:5060" end)',
        play = function(world)
            world.server("198.51.100.80:5060", { name = "other proxy" }):sends_back "sip:bob@example.com;user=phone"
            world.invite()
        end,
    },
    {
        id = "max-breadth", codes = { 486, 180, 200 }, rules = { "3261-16.7.c", "3261-16.7.e" },
        fields = { "Max-Breadth" },
        shows = { { "5393-5.a", watch.all(watch.count(3, { from = "reflow", request = "INVITE",
            field = "Max-Breadth: " }), watch.order({ from = "caller", field = "Max-Breadth: 2" }, { code = 486 },
            { from = "reflow", to = "home/1", request = "INVITE" })) } },
        title = { en = "Max-Breadth: 2 and three phones: two ring at once, and the third when one of them is busy",
            es = "Max-Breadth: 2 y tres teléfonos: suenan dos a la vez, y el tercero cuando uno está ocupado" },
        play = function(world)
            forks(world, { 180, { 486, after = 3 } }, { 180 }, { 180, { 200, after = 3 } })
            world.invite { headers = { ["Max-Breadth"] = "2" } }
            world.advance(8)
        end,
    },
    {
        id = "440-no-breadth", codes = { 440 }, rules = {}, fields = { "Max-Breadth" },
        shows = { { "5393-5.a", watch.all(watch.count(1, { from = "reflow", code = 440 }),
            watch.count(0, { from = "reflow", request = "INVITE" })) } },
        title = { en = "440 Max-Breadth Exceeded: proxies before this one have used up all of Max-Breadth",
            es = "440 Max-Breadth Exceeded: los proxies anteriores han agotado Max-Breadth" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }
            world.request("INVITE", { to = "sip:bob@example.com", headers = { ["Max-Breadth"] = "0" } })
        end,
    },
}
