-- SPDX-License-Identifier: BSD-2-Clause
-- Templates for HTML that escape by default. A template is text with names in braces; each name stands for a value:
--
--   local item = html.template [[<li><a href="{link}">{text}</a></li>]]
--   item { link = "430/index.html", text = "430 <Flow>" }       --> HTML, with &lt;Flow&gt;
--
-- A string or number is escaped, so that it can stand in text and between double quotes. What a template returns, and
-- what html.raw() returns, is HTML and is left as it is. A list of values is their concatenation, and false is nothing.
-- A name without a value is an error.
local concat, gsub, find = table.concat, string.gsub, string.find
local getmetatable, setmetatable, type = getmetatable, setmetatable, type

local html = {}

local Markup = {}
Markup.__index = Markup
function Markup.__tostring(markup)
    return markup[1]
end

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

function html.escape(text)
    if not find(text, "[&<>\"']") then return text end
    return (gsub(text, "[&<>\"']", ENTITIES))
end

-- Text that is HTML already.
function html.raw(text)
    return setmetatable({ text }, Markup)
end

local function append(out, value, name)
    local kind = type(value)
    if kind == "string" then
        out[#out + 1] = html.escape(value)
    elseif kind == "number" then
        out[#out + 1] = tostring(value)
    elseif getmetatable(value) == Markup then
        out[#out + 1] = value[1]
    elseif kind == "table" then
        for i = 1, #value do append(out, value[i], name) end
    elseif value ~= false then
        error(("template: '%s' is %s"):format(name, value == nil and "not set" or "a " .. kind), 0)
    end
end

-- All values, one after the other.
function html.join(...)
    local out = {}
    for i = 1, select("#", ...) do append(out, (select(i, ...)), i) end
    return html.raw(concat(out))
end

-- Compiles a template. The text is taken without the spaces at the beginning and at the end of its lines.
function html.template(text)
    local parts = {}
    text = gsub(gsub(text, "%s*\n%s*", "\n"), "^\n", "")
    local at = 1
    for before, name, after in text:gmatch "()%{([%a_]+)%}()" do
        parts[#parts + 1] = { text = text:sub(at, before - 1), name = name }
        at = after
    end
    local rest = text:sub(at)
    return function(values)
        local out = {}
        for i = 1, #parts do
            local part = parts[i]
            out[#out + 1] = part.text
            append(out, values[part.name], part.name)
        end
        out[#out + 1] = rest
        return html.raw(concat(out))
    end
end

-- One value for each element of a list, in its order.
function html.each(list, make)
    local result = {}
    for i = 1, #list do result[i] = make(list[i], i) end
    return result
end

return html
