-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes with other servers: overload, redirection.
local function gateway(world, name, q)
    return world.phone { aor = "sip:bob@example.com", name = name, flows = 0, q = q }
end

local follow = [[
    sip_on_request("INVITE", function(request, call)
        return sip_route(call.aor, { recurse = true })
    end)
]]

local moved = { 302, headers = { Contact = "<sip:bob@198.51.100.60:5060>" } }

return {
    {
        id = "503-retry-after", codes = { 503, 200 }, rules = { "3261-21.5.4.a", "3261-16.7.c", "3261-16.9.a" },
        title = { en = "503 with Retry-After: the gateway rests, and the next call goes to the other one first",
            es = "503 con Retry-After: el gateway descansa, y la siguiente llamada va primero al otro" },
        play = function(world)
            gateway(world, "gateway 1", "1.0"):answers { 503, headers = { ["Retry-After"] = "60" } }
            gateway(world, "gateway 2", "0.5"):answers(200)
            world.invite()
            world.advance(10)
            world.invite()
        end,
    },
    {
        id = "503-sent-as-500", codes = { 503, 500 }, rules = { "3261-16.7.g" },
        title = { en = "503 from the only target: the caller gets 500, because the proxy itself works",
            es = "503 del único destino: el llamante recibe un 500, porque el proxy en sí está bien" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(503)
            world.invite()
        end,
    },
    {
        id = "503-next-server", codes = { 503, 200 }, rules = { "3263-4.3.a", "3261-16.7.c" },
        title = { en = "503 from one server of a domain: the next one is tried (RFC 3263)",
            es = "503 de un servidor de un dominio: se prueba el siguiente (RFC 3263)" },
        policy = [[
            sip_on_request("INVITE", function() return sip_relay "sip:bob@carrier.example.net" end)
        ]],
        play = function(world)
            world.server("carrier.example.net", { name = "trunk 1" }):answers(503)
            world.server("carrier.example.net", { name = "trunk 2" }):answers(180, { 200, after = 2 })
            world.invite()
            world.advance(2)
        end,
    },
    {
        id = "302-recursion", codes = { 302, 180, 200 }, rules = { "3261-16.7.i", "3261-16.7.c" },
        title = { en = "302 Moved Temporarily, and a proxy that follows it for the caller",
            es = "302 Moved Temporarily: el proxy sigue la redirección en lugar del llamante" },
        policy = follow,
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(moved)
            world.server("198.51.100.60:5060", { name = "new phone" }):answers(180, { 200, after = 2 })
            world.invite()
            world.advance(2)
        end,
    },
    {
        id = "302-no-recursion", codes = { 302, 180, 200 }, rules = { "3261-16.7.i" },
        title = { en = "302 Moved Temporarily goes back, and the caller itself calls the Contact",
            es = "302 Moved Temporarily llega al llamante, y es él quien llama al Contact" },
        policy = [[
            sip_on_request("INVITE", function(request, call)
                if call.aor == "sip:bob@198.51.100.60:5060" or call.aor == "sip:bob@198.51.100.60" then
                    return sip_relay "sip:bob@198.51.100.60:5060"
                end
            end)
        ]],
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(moved)
            world.server("198.51.100.60:5060", { name = "new phone" }):answers(180, { 200, after = 2 })
            world.invite()
            world.advance(2)
        end,
    },
}
