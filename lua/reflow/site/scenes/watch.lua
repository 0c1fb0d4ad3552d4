-- SPDX-License-Identifier: BSD-2-Clause
-- What happened in a scene, for the rules that no decision names: functions that say whether a record shows a rule.
local watch = {}

local function has_field(event, text)
    for _, field in ipairs(event.fields or {}) do
        if ("\n" .. field[1] .. ": " .. field[2]):find(text, 1, true) then return true end
    end
    return false
end

local function fits(event, wanted)
    if event.kind ~= "message" or event.setup or event.again then return false end
    for key, value in pairs(wanted) do
        if key == "field" or key == "also" then
            if not has_field(event, value) then return false end
        elseif key == "lacks" then
            if has_field(event, value) then return false end
        elseif key == "request" then
            if event.code or event.method ~= value then return false end
        elseif event[key] ~= value then
            return false
        end
    end
    return true
end

-- The places of the messages that have all these: from, to, code, method, request (the method of a request), field and
-- also (texts in a header field that is shown, which begins with a line end), and whose fields have no text `lacks`.
local function places(record, wanted)
    local list = {}
    for place, event in ipairs(record.events) do
        if fits(event, wanted) then list[#list + 1] = place end
    end
    return list
end

-- That many messages are like this.
function watch.count(number, wanted)
    return function(record) return #places(record, wanted) == number end
end

-- Messages like each of these, the first of each after the first of the one before.
function watch.order(...)
    local steps = { ... }
    return function(record)
        local before = 0
        for _, wanted in ipairs(steps) do
            local first = places(record, wanted)[1]
            if not first or first < before then return false end
            before = first
        end
        return true
    end
end

-- A decision is like this.
function watch.decided(wanted)
    return function(record)
        for _, event in ipairs(record.events) do
            local alike = event.kind == "decision"
            for key, value in pairs(wanted) do alike = alike and event[key] == value end
            if alike then return true end
        end
        return false
    end
end

-- All of the functions agree.
function watch.all(...)
    local checks = { ... }
    return function(record)
        for _, check in ipairs(checks) do
            if not check(record) then return false end
        end
        return true
    end
end

return watch
