-- SPDX-License-Identifier: BSD-2-Clause
-- What each SIP element does with a code, asked of the core: decide() for the situations that matter.
--
-- rows(code) returns a list in a fixed order of { role, situations, facts, decision }. Situations of one role with the
-- same outcome share a row. say(words, row) puts the outcome into words.
local concat, format = table.concat, string.format
local ipairs, pairs = ipairs, pairs

local ROLES = { "proxy", "edge", "registrar", "uac" }

local function contains(list, value)
    for _, each in ipairs(list) do
        if each == value then return true end
    end
    return false
end

local function answers(traits, method)
    return #traits.methods == 0 or contains(traits.methods, method)
end

-- What a response with this code contains, where the decision depends on it.
local CONTENTS = {
    [401] = { has_challenge = true }, [407] = { has_challenge = true },
    [422] = { min_se = 1800 }, [423] = { min_expires = 3600 },
    [439] = { reg_id = 1, supports_outbound = true },
}

-- Situations are compared with the first one of their role, and kept where the outcome differs; "always" are kept.
local PROXY = {
    { id = "alone", always = true },
    { id = "pending", always = true, facts = { branches_pending = 1 } },
    { id = "targets", always = true, facts = { targets_left = 1 } },
    { id = "other_flow", to_phone = true, facts = { flows_left = 1, has_instance = true, on_flow = true, reg_id = 1 } },
    { id = "next_server", facts = { next_server = true } },
    { id = "may_recurse", facts = { may_recurse = true } },
    { id = "retry_after", facts = { retry_after = 30 } },
    { id = "no_invite", method = "MESSAGE", facts = { method = "MESSAGE" } },
    { id = "timer", codes = { [408] = true }, facts = { origin = "timeout" } },
    { id = "timer_flow", codes = { [408] = true },
        facts = { origin = "timeout", flows_left = 1, has_instance = true, on_flow = true } },
    { id = "timer_server", codes = { [408] = true }, facts = { origin = "timeout", next_server = true } },
    { id = "unsendable", codes = { [503] = true }, facts = { origin = "transport" } },
    { id = "flow_down", codes = { [430] = true },
        facts = { origin = "flow_down", flows_left = 1, has_instance = true, on_flow = true } },
    { id = "flow_down_late", codes = { [430] = true }, facts = { origin = "flow_down", flows_left = 1,
        has_instance = true, on_flow = true, provisional_seen = true } },
}
local NOT_FORKED = { PROXY[1] } -- a request without other branches, targets or flows
local EDGE = {
    { id = "over_flow", always = true, facts = { on_flow = true } },
    { id = "edge_flow_down", codes = { [430] = true }, facts = { on_flow = true, origin = "flow_down" } },
}
local REGISTRAR = {
    { id = "REGISTER", always = true },
    { id = "outbound", facts = { requires_outbound = true, reg_id = 1, supports_outbound = true } },
    { id = "no_outbound", codes = { [439] = true }, facts = { reg_id = 0, supports_outbound = false } },
}

-- Those of a user agent: one for each method that the code answers, and what changes the outcome. A NOTIFY is always
-- sent within a dialog, and so are the requests whose responses play no part in a search.
local ANY_METHOD = { "INVITE", "REGISTER", "SUBSCRIBE", "MESSAGE" }
local WITHIN = { INVITE = "dialog", SUBSCRIBE = "refresh" }
local ANY_REQUEST = #ANY_METHOD + 2

local function user_agent(traits)
    local list = {}
    for _, method in ipairs(#traits.methods > 0 and traits.methods or ANY_METHOD) do
        local within = WITHIN[method]
        if not within or traits.search ~= "solo" then
            list[#list + 1] = { id = method, always = true,
                facts = { method = method, in_dialog = method == "NOTIFY" } }
        end
        if within then
            list[#list + 1] = { id = method, within = within, always = true,
                facts = { method = method, in_dialog = true, refresh = method == "SUBSCRIBE" } }
        end
    end
    local first = list[1].facts.method
    list[#list + 1] = { id = "may_recurse", facts = { method = first, may_recurse = true } }
    list[#list + 1] = { id = "next_server", facts = { method = first, next_server = true } }
    list[#list + 1] = { id = "owns_call_id", codes = { [491] = true }, facts = { method = first, owns_call_id = true } }
    if traits.retry_after then
        list[#list + 1] = { id = "retry_after", facts = { method = first, retry_after = 30 } }
    end
    return list
end

-- Situations that a response with the code can meet: a REGISTER or PUBLISH does not go to a phone.
local function met(list, traits)
    local result, first = {}, traits.methods[1]
    for _, situation in ipairs(list) do
        local meets = not situation.method or answers(traits, situation.method)
        if situation.to_phone and (first == "REGISTER" or first == "PUBLISH") then meets = false end
        if meets then result[#result + 1] = situation end
    end
    return result
end

local function situations(role, traits)
    if role == "proxy" then return traits.search == "solo" and NOT_FORKED or met(PROXY, traits) end
    if role == "edge" then return EDGE end
    if role == "uac" then return user_agent(traits) end
    return answers(traits, "REGISTER") and REGISTRAR or {}
end

local function facts_of(role, code, traits, situation)
    local facts = { role = role, method = role == "registrar" and "REGISTER" or traits.methods[1] or "INVITE" }
    for _, more in ipairs { CONTENTS[code] or {}, situation.facts or {} } do
        for name, value in pairs(more) do facts[name] = value end
    end
    if role == "registrar" then facts.method = "REGISTER" end
    return facts
end

-- Every outcome that can be told apart, as one string.
local NAMES = { "action", "rule", "status", "drop", "rest", "wait_min", "wait_max" }
local FLAGS = { "cancel_rest", "reset_timer_c", "merge_challenges", "bye", "store_binding", "start_keepalive",
    "stop_outbound", "set_service_route", "drop_service_route", "end_usage", "subscription_stands", "never_repeat",
    "next_server" }

-- Flags that go without saying: a search that ends with this response has no other branch that could be cancelled, and
-- a subscription goes on while its refresh is sent again.
local UNSAID = { cancel_rest = "fail", subscription_stands = "retry" }

local function holds(decision, flag)
    return decision[flag] and UNSAID[flag] ~= decision.action
end

local function fingerprint(decision)
    local parts = {}
    for i, name in ipairs(NAMES) do parts[i] = tostring(decision[name]) end
    for _, name in ipairs(FLAGS) do parts[#parts + 1] = holds(decision, name) and "1" or "0" end
    return concat(parts, " ") .. concat(decision.change, " ")
end

-- What a registrar just answers with is left out for codes that a registrar does not send.
local function is_unusual(role, traits, decision)
    return role == "registrar" and decision.action == "forward" and not decision.status
        and not contains(traits.sender, "registrar")
end

-- Timers after which a proxy has not received the code itself.
local TIMERS = { timer = true, timer_flow = true, timer_server = true }
-- What ends with a dialog usage, by the method of the request.
local USAGES = { INVITE = "end_call", UPDATE = "end_call", SUBSCRIBE = "end_subscription", NOTIFY = "end_subscription" }
-- How a subscription stands after an action.
local STANDS = { forward = "subscription_active", fail = "subscription_kept" }

-- The word in catalog/<language>_site.lua for a flag of the row's decision; nothing if it need not be mentioned.
local function word_of(row, flag)
    local decision = row.decision
    if not holds(decision, flag) or flag == "next_server" then return nil end
    if flag == "subscription_stands" then return STANDS[decision.action] end
    if flag == "merge_challenges" then
        if row.role == "edge" then return nil end
        return (decision.action == "hold" or decision.action == "next_target") and "keep_challenge" or flag
    end
    if flag ~= "end_usage" then return flag end
    local usage
    for _, situation in ipairs(row.situations) do
        local each = USAGES[situation.id] or flag
        if usage and usage ~= each then return flag end
        usage = each
    end
    return usage
end

return function(decide, all_traits)
    local behaviour = { roles = ROLES, flags = FLAGS }

    local function rows_of_role(list, role, code)
        local traits, by_outcome, first = all_traits[code], {}, nil
        for _, situation in ipairs(situations(role, traits)) do
            if not situation.codes or situation.codes[code] then
                local decision = decide(code, facts_of(role, code, traits, situation))
                local outcome = fingerprint(decision)
                local row = by_outcome[outcome]
                local kept = (situation.always or situation.codes or outcome ~= first)
                    and not is_unusual(role, traits, decision)
                if row and (situation.always or situation.codes) then
                    row.situations[#row.situations + 1] = situation
                elseif not row and kept then
                    row = { role = role, code = code, situations = { situation }, decision = decision }
                    by_outcome[outcome] = row
                    list[#list + 1] = row
                end
                first = first or outcome
            end
        end
    end

    local kept = {}

    function behaviour.rows(code)
        if not kept[code] then
            kept[code] = {}
            for _, role in ipairs(ROLES) do rows_of_role(kept[code], role, code) end
        end
        return kept[code]
    end

    -- The outcome of one role in one situation; nothing where the code cannot occur there.
    function behaviour.outcome(code, role, situation)
        for _, row in ipairs(behaviour.rows(code)) do
            for _, each in ipairs(row.role == role and row.situations or {}) do
                if each.id == situation and not each.within then return row end
            end
        end
    end

    local function say_action(words, row)
        local decision, role = row.decision, row.role == "edge" and "proxy" or row.role
        local actions, id = words.action[role], row.situations[1].id
        local said = actions[decision.action]
        if role == "proxy" and decision.action == "fail" and not TIMERS[id] then said = actions.only end
        if decision.status == row.code then
            said = id == "edge_flow_down" and format(actions.answer, decision.status) or actions.only
        elseif decision.status and (decision.action == "fail" or decision.action == "forward") then
            said = format(actions.as, decision.status)
        end
        if id == "flow_down_late" and decision.action == "hold" then said = actions.wait end
        if id == "other_flow" and decision.action ~= "next_flow" then said = said .. "; " .. words.flow_not_tried end
        if decision.next_server then said = actions.next_server end
        return said
    end

    local function seconds(words, value)
        return (format("%g", value):gsub("%.", words.decimal))
    end

    local function say_changes(words, decision)
        if #decision.change == 0 or decision.action ~= "retry" then return nil end
        local changes = {}
        for i, change in ipairs(decision.change) do changes[i] = words.change[change] end
        return concat(changes, ", ")
    end

    -- What a user agent changes before it sends the request again; nothing if it does not send it again.
    function behaviour.change(words, code)
        for _, row in ipairs(behaviour.rows(code)) do
            local said = row.role == "uac" and say_changes(words, row.decision)
            if said then return said end
        end
    end

    -- The outcome in words, without a full stop at its end.
    function behaviour.say(words, row)
        local decision = row.decision
        local parts = { say_action(words, row) }
        local changes = say_changes(words, decision)
        if changes then parts[1] = parts[1] .. " " .. changes end
        if decision.wait_max > 0 then
            local least, most = seconds(words, decision.wait_min), seconds(words, decision.wait_max)
            if decision.action == "fail" then
                parts[2] = format(words.wait_user, most)
            else
                parts[1] = parts[1] .. " " .. (least == most and format(words.wait, most)
                    or format(words.wait_between, least, most))
            end
        end
        if decision.drop then parts[#parts + 1] = words.drop[decision.drop] end
        if decision.rest then parts[#parts + 1] = format(words.rest, decision.rest) end
        for _, flag in ipairs(FLAGS) do
            local word = word_of(row, flag)
            if word then parts[#parts + 1] = words.flag[word] end
        end
        return concat(parts, "; ")
    end

    -- A situation in words; nothing if another one of the row, whose ids are `seen`, covers it. `only`: the situations
    -- are the methods that the code answers, and no others.
    local function say_situation(words, situation, seen, only)
        local id = situation.id
        if id == "timer_flow" and seen.other_flow or id == "targets" and seen.alone then return nil end
        if id == "alone" and seen.targets then return words.situation.none_pending end
        if not situation.within then return only and id or words.situation[id] or id end
        return not seen[id] and format(words.within[situation.within], id) or nil
    end

    -- The situations of a row, as a list of words.
    function behaviour.situations(words, row)
        local said, seen, methods = {}, {}, true
        for _, situation in ipairs(row.situations) do
            seen[situation.id] = seen[situation.id] or not situation.within
            methods = methods and (situation.facts or {}).method == situation.id
        end
        if seen.alone and seen.pending and seen.targets then return words.situation.any end
        if #row.situations == ANY_REQUEST and seen.INVITE and seen.REGISTER and seen.SUBSCRIBE and seen.MESSAGE then
            return words.situation.any_request
        end
        local only = methods and #all_traits[row.code].methods > 0
        for _, situation in ipairs(row.situations) do
            said[#said + 1] = say_situation(words, situation, seen, only)
        end
        return concat(said, methods and ", " or "; " .. words.either .. " ")
    end

    return behaviour
end
