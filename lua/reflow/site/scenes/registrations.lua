-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes at the registrar: which binding a Contact is about, and what is refused.
local watch = require "reflow.site.scenes.watch"

local DESK = ';+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6ba1>"'

-- A REGISTER of bob with these Contacts; without any, it asks for the list of bindings.
local function register(world, ...)
    return world.request("REGISTER", { to = "sip:bob@example.com", from = "sip:bob@example.com",
        uri = "sip:example.com", headers = { Contact = { ... }, Supported = "outbound" } })
end

-- The registrar's nth 200 has, or lacks, these texts in its Contacts.
local function listed(nth, wanted)
    return function(record)
        local seen = 0
        for _, event in ipairs(record.events) do
            if event.kind == "message" and event.from == "reflow" and event.code == 200 then
                seen = seen + 1
                if seen == nth then return watch.count(1, wanted) { events = { event } } end
            end
        end
        return false
    end
end

return {
    {
        id = "register-same-key", codes = { 200 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "5626-6.g", watch.all(listed(2, { field = "reg-id=1", also = "reg-id=2" }),
            listed(3, { field = "203.0.113.9", lacks = "203.0.113.1:" })) },
            { "5626-6.i", listed(3, { field = "reg-id=1", also = "203.0.113.2:" }) } },
        title = { en = "A phone has moved: the same reg-id replaces one flow, and the other flow stays",
            es = "Un teléfono ha cambiado de red: el mismo reg-id sustituye un flujo, y el otro se conserva" },
        play = function(world)
            register(world, "<sip:bob@203.0.113.1:5060>" .. DESK .. ";reg-id=1")
            register(world, "<sip:bob@203.0.113.2:5060>" .. DESK .. ";reg-id=2")
            world.advance(600)
            register(world, "<sip:bob@203.0.113.9:5060>" .. DESK .. ";reg-id=1")
        end,
    },
    {
        id = "register-side-by-side", codes = { 200 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "5626-6.f", watch.all(listed(1, { field = "Require: outbound" }),
            listed(2, { field = "reg-id=1", also = "bob@203.0.113.7:5060", lacks = "Require" })) } },
        title = { en = "An outbound binding and a plain one exist side by side",
            es = "Un registro con outbound y otro sin él conviven" },
        play = function(world)
            register(world, "<sip:bob@203.0.113.1:5060>" .. DESK .. ";reg-id=1")
            register(world, "<sip:bob@203.0.113.7:5060>")
        end,
    },
    {
        id = "register-reg-id-alone", codes = { 200 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "5626-6.c", listed(1, { field = "bob@203.0.113.1", lacks = "reg-id" }) } },
        title = { en = "reg-id without an instance-id is ignored: the binding is a plain one",
            es = "Un reg-id sin identificador de instancia se ignora: el registro queda sin outbound" },
        play = function(world)
            register(world, "<sip:bob@203.0.113.1:5060>;reg-id=1")
        end,
    },
    {
        id = "register-new-address", codes = { 200 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "instance-a", listed(2, { field = "bob@203.0.113.9", lacks = "203.0.113.1:" }) } },
        title = { en = "A phone without outbound gets another address: its old Contact is replaced",
            es = "Un teléfono sin outbound recibe otra dirección: se sustituye su Contact anterior" },
        play = function(world)
            register(world, "<sip:bob@203.0.113.1:5060>" .. DESK)
            world.advance(600)
            register(world, "<sip:bob@203.0.113.9:5060>" .. DESK)
        end,
    },
    {
        id = "register-same-contact", codes = { 200 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "3261-10.3.a", listed(2, { field = "Phone7.Example.NET", lacks = "phone7.example.net" }) } },
        title = { en = "The same Contact in another spelling: one binding, as it was written last",
            es = "El mismo Contact escrito de otra forma: un solo registro, como se escribió la última vez" },
        play = function(world)
            register(world, "<sip:bob@phone7.example.net;transport=tcp>")
            register(world, "<sip:bob@Phone7.Example.NET;Transport=TCP>")
        end,
    },
    {
        id = "register-ipv6", codes = { 200 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "5954-4.a", listed(2, { field = "[2001:db8:0:0::7]", lacks = "[2001:db8::7]" }) } },
        title = { en = "An IPv6 address in two spellings is the same address: one binding",
            es = "Una dirección IPv6 escrita de dos formas es la misma dirección: un solo registro" },
        play = function(world)
            register(world, "<sip:bob@[2001:db8::7]:5060>")
            register(world, "<sip:bob@[2001:db8:0:0::7]:5060>")
        end,
    },
    {
        id = "400-several-contacts", codes = { 400, 200 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "5626-6.d", watch.all(watch.count(1, { from = "reflow", code = 400 }),
            listed(1, { lacks = "Contact" })) } },
        title = { en = "400 Bad Request: two Contacts, one with reg-id, and none of them is stored",
            es = "400 Bad Request: dos Contact, uno con reg-id, y no se guarda ninguno" },
        play = function(world)
            register(world, "<sip:bob@203.0.113.1:5060>" .. DESK .. ";reg-id=1", "<sip:bob@203.0.113.2:5060>")
            register(world)
        end,
    },
    {
        id = "400-contact", codes = { 400, 200 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "3261-10.3.c", watch.all(watch.order({ request = "REGISTER", field = "203.0.113.500" },
            { code = 400 }), listed(1, { lacks = "Contact" })) } },
        title = { en = "400 Bad Request: the Contact is not a valid SIP URI, and nothing is stored",
            es = "400 Bad Request: el Contact no es una URI SIP válida, y no se guarda nada" },
        play = function(world)
            register(world, "<sip:bob@203.0.113.1:5060>", "<sip:bob@[203.0.113.500]>")
            register(world)
        end,
    },
    {
        id = "400-reg-id", codes = { 400 }, rules = {}, server = "registrar", caller = "phone",
        fields = { "Contact" },
        shows = { { "5626-10.a", watch.order({ request = "REGISTER", field = "reg-id=0" }, { code = 400 }) } },
        title = { en = "400 Bad Request: reg-id must be a number from 1 to 2147483647",
            es = "400 Bad Request: reg-id debe ser un número del 1 al 2147483647" },
        play = function(world)
            register(world, "<sip:bob@203.0.113.1:5060>" .. DESK .. ";reg-id=0")
        end,
    },
    {
        id = "403-other-user", codes = { 403, 401 }, rules = {}, server = "registrar",
        shows = { { "3261-10.3.b", watch.order({ from = "bob/1", field = "Authorization" },
            { from = "reflow", code = 403, method = "REGISTER" }) } },
        title = { en = "403 Forbidden: alice's password is right, but she may not register bob",
            es = "403 Forbidden: la contraseña de alice es correcta, pero no puede registrar a bob" },
        play = function(world)
            world.net.user("alice@example.com", "secret")
            world.net.user("bob@example.com", "other secret")
            world.phone { aor = "sip:bob@example.com", user = "alice", password = "secret", unregistered = true,
                reacts = true }:registers()
        end,
    },
    {
        id = "register-path", codes = { 200, 180 }, rules = {}, fields = { "Path", "Route" },
        shows = { { "5626-6.a", watch.order({ from = "edge 1", request = "REGISTER", field = "Path: " },
            { to = "edge 1", request = "INVITE", field = "\nRoute: " }) } },
        title = { en = "Path of an edge proxy is stored, and becomes the Route of the call",
            es = "El Path de un proxy de borde se guarda, y después es el Route de la llamada" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com", edges = { "edge 1" }, unregistered = true }
            bob:registers()
            bob:answers(180, { 200, after = 2 })
            world.advance(60)
            world.invite()
            world.advance(2)
        end,
    },
    {
        id = "555-push", codes = { 555 }, rules = { "code-555" }, server = "registrar",
        title = { en = "555 Push Notification Service Not Supported: the phone does not repeat this REGISTER",
            es = "555 Push Notification Service Not Supported: el teléfono no repite este REGISTER" },
        policy = "sip_on_register(function() return sip_reply(555) end)",
        play = function(world)
            world.phone { aor = "sip:bob@example.com", unregistered = true, reacts = true }:registers()
        end,
    },
    {
        id = "403-service-route", codes = { 403, 200 }, rules = { "5626-4.2.a" }, server = "edge",
        fields = { "Service-Route" },
        shows = { { "code-3608", watch.decided { role = "uac", code = 403, forgets_route = true } } },
        title = { en = "A REGISTER is refused: the phone forgets the Service-Route of the one before",
            es = "Se rechaza un REGISTER: el teléfono olvida el Service-Route del anterior" },
        policy = 'sip_on_request(function() return sip_forward "sip:198.51.100.9:5060" end)',
        play = function(world)
            world.net.edge()
            local registrar = world.server("198.51.100.9:5060", { name = "registrar" })
            registrar:answers { 200, headers = { Require = "outbound",
                ["Service-Route"] = "<sip:198.51.100.9:5060;lr>" } }
            local bob = world.phone { aor = "sip:bob@example.com", unregistered = true, reacts = true }
            bob:registers()
            registrar:answers(403)
            world.advance(1800)
            bob:refreshes()
        end,
    },
}
