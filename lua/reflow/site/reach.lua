-- SPDX-License-Identifier: BSD-2-Clause
-- Which roles apply each rule, and to which codes: asked of the core over all codes, roles and situations. For rules
-- that decide on something other than a response, a table has the roles, and the codes are those that the rule names.
local ipairs, pairs = ipairs, pairs

local ROLES = { "proxy", "edge", "registrar", "uac" }
local METHODS = { "INVITE", "REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "MESSAGE" }
local FLOW = { flows_left = 1, has_instance = true, on_flow = true, reg_id = 1, supports_outbound = true }
local SITUATIONS = {
    {}, { branches_pending = 1 }, { targets_left = 1 }, FLOW, { next_server = true }, { may_recurse = true },
    { in_dialog = true, refresh = true }, { retry_after = 30 }, { final_forwarded = true }, { via_count = 2 },
    { unmatched = true }, { requires_outbound = true }, { has_challenge = true, min_se = 1800, min_expires = 3600 },
    { cancelled = true }, { unwanted = true }, { origin = "timeout" }, { origin = "transport" },
    { origin = "flow_down", on_flow = true }, { origin = "flow_down", on_flow = true, provisional_seen = true },
    { origin = "flow_down", on_flow = true, flows_left = 1, has_instance = true },
    { origin = "flow_down", on_flow = true, flows_left = 1, has_instance = true, unacknowledged = true },
    { origin = "timeout", flows_left = 1, has_instance = true }, { origin = "transport", next_server = true },
    { origin = "flow_down", next_server = true },
}
-- What an event without a response acts as.
local ACTS_AS = { timeout = 408, transport = 503, flow_down = 430 }

-- Rules that no response decides: the longest beginning of the id that is listed tells who applies them.
local BY_ID = {
    ["5626-4"] = { "uac" }, ["5626-5"] = { "edge" }, ["5626-6"] = { "registrar" }, ["5626-7"] = { "proxy" },
    ["5626-10"] = { "registrar" }, ["5626-11"] = { "proxy", "edge" },
    ["3261-8"] = { "uac" }, ["3261-9"] = { "proxy", "uac" }, ["3261-10"] = { "registrar" }, ["3261-10.a"] = { "proxy" },
    ["3261-13"] = { "uac" }, ["3261-16"] = { "proxy", "edge" }, ["3261-17"] = { "proxy", "edge", "uac" },
    ["3261-18"] = { "proxy", "edge" }, ["3261-22"] = { "proxy", "registrar" }, ["3261-20"] = { "uac" },
    ["3263"] = { "proxy", "edge", "uac" }, ["5393"] = { "proxy", "edge" }, ["5658"] = { "proxy", "edge" },
    ["5922"] = { "proxy", "edge" }, ["5954"] = { "proxy", "edge", "registrar" }, ["6665"] = { "proxy", "edge" },
    ["7616"] = { "proxy", "registrar" }, ["8760"] = { "proxy", "registrar" }, ["instance"] = { "registrar" },
    ["code"] = { "uac" },
}

local function roles_of(id)
    local longest, roles = 0, { "proxy", "edge" }
    for beginning, list in pairs(BY_ID) do
        local next_byte = id:sub(#beginning + 1, #beginning + 1)
        local begins = id:sub(1, #beginning) == beginning and (next_byte == "" or next_byte:find "[-.]")
        if begins and #beginning > longest then
            longest, roles = #beginning, list
        end
    end
    return roles
end

-- A response to a request that could not have it proves nothing.
local function answers(traits, method)
    for _, each in ipairs(traits.methods) do
        if each == method then return true end
    end
    return #traits.methods == 0
end

-- reach(decide, codes, traits, rules) -> { [id] = { roles = , codes = } }, both lists in the order of their tables.
return function(decide, codes, traits, rules)
    local roles, numbers = {}, {}
    local function note(id, role, code)
        roles[id] = roles[id] or {}
        numbers[id] = numbers[id] or {}
        roles[id][role], numbers[id][code] = true, true
    end

    local function ask(code, role, method, situation)
        local facts = { role = role, method = method }
        for name, value in pairs(situation) do facts[name] = value end
        note(decide(code, facts).rule, role, code)
    end

    for _, code in ipairs(codes) do
        for _, method in ipairs(METHODS) do
            for _, role in ipairs(answers(traits[code], method) and ROLES or {}) do
                for _, situation in ipairs(SITUATIONS) do
                    local stands_for = ACTS_AS[situation.origin]
                    local fits = not stands_for or stands_for == code
                    if role == "registrar" and method ~= "REGISTER" then fits = false end
                    if fits then ask(code, role, method, situation) end
                end
            end
        end
    end

    local function mentioned(line, code)
        return line:find("%f[%d]" .. code .. "%f[%D]") ~= nil
    end

    local result = {}
    for _, rule in ipairs(rules) do
        local reach = { roles = {}, codes = {} }
        local decided, by_core = roles[rule.id] or {}, numbers[rule.id]
        if not by_core then
            for _, role in ipairs(roles_of(rule.id)) do decided[role] = true end
        end
        for _, role in ipairs(ROLES) do
            if decided[role] then reach.roles[#reach.roles + 1] = role end
        end
        for _, code in ipairs(codes) do
            if by_core and by_core[code] or not by_core and mentioned(rule.line, code) then
                reach.codes[#reach.codes + 1] = code
            end
        end
        result[rule.id] = reach
    end
    return result
end
