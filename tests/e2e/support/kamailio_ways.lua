-- SPDX-License-Identifier: BSD-2-Clause
--[[ One Kamailio in which a request takes one of two ways: this module's functions, or save() and lookup() of
     Kamailio's registrar. A test runs the same case on both. A request with the header field X-Stock takes the second.
     Each way has a table of usrloc of its own. ]]
local kamailio = require "kamailio"
local tap = require "tap"
local ua = require "ua"

local ways = { names = { "stock", "reflow" } }

ways.modules = { "kex", "corex", "tm", "tmx", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "xlog", "cfgutils",
    "usrloc", "registrar", "path", "ctl", "nathelper", "stun", "outbound", "reflow" }

--[[ A test's own routes: BEGIN before the lookup, FOUND after it, FAILED in the failure route before the function of
     the way, SAVE before a REGISTER is carried out, BRANCH in the branch route. ]]
ways.routing = [[
request_route {
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (has_totag()) {
        if (!loose_route()) {
            if (is_method("ACK") && t_check_trans()) t_relay();
            exit;
        }
        t_relay();
        exit;
    }
    t_check_trans();
    if (is_method("REGISTER")) {
        fix_nated_register();
        route(SAVE);
        if (is_present_hf("X-Stock")) save("stock");
        else sip_save("location");
        exit;
    }
    if (is_method("INVITE")) record_route();
    route(BEGIN);
    if (is_present_hf("X-Stock")) {
        if (!lookup("stock")) {
            sl_send_reply("404", "Not Found");
            exit;
        }
    } else {
        if (!sip_route_flows("location")) {
            sl_send_reply("404", "Not Found");
            exit;
        }
        t_on_branch_failure("flows");
    }
    route(FOUND);
    t_on_branch("each");
    t_on_failure("calls");
    t_relay();
}
branch_route[each] { route(BRANCH); }
event_route[tm:branch-failure:flows] { sip_on_flow_failed(); }
failure_route[calls] {
    route(FAILED);
    if (!is_present_hf("X-Stock")) sip_on_failure();
}
]]

local function routes(extra)
    for _, name in ipairs { "BEGIN", "FOUND", "FAILED", "SAVE", "BRANCH" } do
        if not extra:find("route[" .. name .. "]", 1, true) then
            extra = ("%s\nroute[%s] { return; }\n"):format(extra, name)
        end
    end
    return extra
end

-- options as those of kamailio.start, with extra: routes, failed: text in place of route(FAILED), and more: modules.
-- The second result opens a user agent.
function ways.start(t, options)
    options = options or {}
    local params = { { "tm", "fr_timer", options.fr_timer or 60000 }, { "tm", "wt_timer", 1000 },
        { "nathelper", "received_avp", "$avp(RECEIVED)" } }
    if not options.modules then
        params[#params + 1] = { "registrar", "received_avp", "$avp(RECEIVED)" }
    end
    for _, each in ipairs(options.params or {}) do
        params[#params + 1] = each
    end
    local modules = { table.unpack(ways.modules, 1, #ways.modules - 1) }
    table.move(options.more or {}, 1, #(options.more or {}), #modules + 1, modules)
    modules[#modules + 1] = "reflow"
    local routing = ways.routing:gsub("    route%(FAILED%);\n", function()
        return options.failed
    end)
    local all = setmetatable({ config = options.config or routing, extra = routes(options.extra or ""), params = params,
        modules = options.modules or modules }, { __index = options })
    local host = kamailio.start(t, all)
    return host, function(user, transport, more)
        local given = { host = host.host, port = host.ports and host.ports[transport] or host.port, user = user,
            domain = host.domain, transport = transport or "tcp" }
        for name, value in pairs(more or {}) do
            given[name] = value
        end
        return ua.open(given)
    end
end

-- A test for each way: run(t, way).
function ways.for_each(title, run)
    for _, way in ipairs(ways.names) do
        tap.test(("%s [%s]"):format(title, way), function(t)
            run(t, way)
        end)
    end
end

-- The header fields of a request that takes this way.
function ways.headers(way, more)
    local headers = {}
    if way == "stock" then
        headers[1] = { "X-Stock", "1" }
    end
    for _, each in ipairs(more or {}) do
        headers[#headers + 1] = each
    end
    return headers
end

function ways.register(way, phone, options)
    options = options or {}
    options.headers = ways.headers(way, options.headers)
    return phone:register(options)
end

return ways
