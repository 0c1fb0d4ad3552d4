-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes about what a user agent does with a response.
local watch = require "reflow.site.scenes.watch"

return {
    {
        id = "424-location", codes = { 424, 200 }, rules = { "code-424", "3261-16.7.e" }, fields = { "Geolocation" },
        title = { en = "424 Bad Location Information: the caller tries again with another location",
            es = "424 Bad Location Information: el llamante lo intenta de nuevo con otra localización" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(424):then_answers(200)
            world.invite { headers = { Geolocation = "<https://lis.example.net/old>" },
                retries = { Geolocation = "<https://lis.example.net/alice>" } }
        end,
    },
    {
        id = "428-identity", codes = { 428, 200 }, rules = { "code-428-438", "3261-16.7.e" }, fields = { "Identity" },
        title = { en = "428 Use Identity Header: the caller signs the request and sends it again",
            es = "428 Use Identity Header: el llamante firma la petición y la envía de nuevo" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers(428):then_answers(200)
            world.invite { retries = { Identity = "eyJhbGciOiJFUzI1NiJ9..c2ln;info=<https://example.net/cert>" } }
        end,
    },
    {
        id = "440-no-fork", codes = { 440, 200 }, rules = { "code-440", "3261-16.7.e" },
        fields = { "Request-Disposition" },
        title = { en = "440 Max-Breadth Exceeded: the caller asks for one target only",
            es = "440 Max-Breadth Exceeded: el llamante pide un solo destino" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com", name = "other proxy" }:answers(440):then_answers(200)
            world.invite { retries = { ["Request-Disposition"] = "no-fork" } }
        end,
    },
    {
        id = "469-info-package", codes = { 469, 200 }, rules = { "code-469" }, fields = { "Info-Package", "Recv-Info" },
        title = { en = "469 Bad Info Package: the caller uses one that the phone accepts, and the call goes on",
            es = "469 Bad Info Package: el llamante usa uno que el teléfono acepta, y la llamada sigue" },
        play = function(world)
            local bob = world.phone { aor = "sip:bob@example.com" }
            local call = world.invite { retries = { ["Info-Package"] = "dtmf" } }
            bob:answers { 469, headers = { ["Recv-Info"] = "dtmf" } }
            bob:then_answers(200)
            world.advance(20)
            call:inside("INFO", { ["Info-Package"] = "status" })
        end,
    },
    {
        id = "470-consent", codes = { 470, 200 }, rules = { "code-470", "3261-16.7.e" },
        fields = { "Permission-Missing" },
        title = { en = "470 Consent Needed: the recipient consents first, then the message is sent again",
            es = "470 Consent Needed: primero consiente el destinatario, y después se envía de nuevo el mensaje" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers { 470, headers = {
                ["Permission-Missing"] = "sip:carol@example.net" } }:then_answers(200)
            world.request("MESSAGE", { to = "sip:bob@example.com", reacts = true, retries = {} })
        end,
    },
    {
        id = "494-security", codes = { 494, 200 }, rules = { "code-494", "3261-16.7.e" },
        fields = { "Security-Client", "Security-Server", "Security-Verify" },
        title = { en = "494 Security Agreement Required: the caller takes a mechanism of Security-Server",
            es = "494 Security Agreement Required: el llamante adopta un mecanismo de Security-Server" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers { 494, headers = {
                ["Security-Server"] = "tls;q=0.2" } }:then_answers(200)
            world.invite { headers = { ["Security-Client"] = "tls;q=0.5" },
                retries = { ["Security-Verify"] = "tls;q=0.2" } }
        end,
    },
    {
        id = "second-via", codes = { 200 }, rules = { "3261-8.1.3.b" }, fields = { "Via" },
        shows = { { "3261-8.1.3.c", watch.decided { role = "uac", code = 200, action = "absorb",
            rule = "3261-8.1.3.c" } } },
        title = { en = "A response with one Via too many is discarded: the caller goes on waiting, in vain",
            es = "Una respuesta con un Via de más se descarta: el llamante sigue esperando, en vano" },
        play = function(world)
            world.phone { aor = "sip:bob@example.com" }:answers { 200, headers = {
                Via = "SIP/2.0/UDP 203.0.113.99:5060;branch=z9hG4bK-elsewhere" } }
            world.request("OPTIONS", { to = "sip:bob@example.com", reacts = true })
            world.advance(33)
        end,
    },
    {
        id = "503-register-retry-after", codes = { 503, 200 }, rules = { "5626-4.2.b", "5626-4.2.a" },
        title = { en = "503 with Retry-After to REGISTER: the server is overloaded, and the phone waits as it says",
            es = "503 con Retry-After a REGISTER: el servidor está saturado, y el teléfono espera lo que este pide" },
        play = function(world)
            world.net.option("max-transactions", 1)
            local bob = world.phone { aor = "sip:bob@example.com" }
            bob:answers(180)
            local call = world.invite()
            world.advance(1)
            world.phone { aor = "sip:carol@example.com", unregistered = true, reacts = true }:registers()
            call:cancel()
            world.advance(11)
        end,
    },
}
