-- SPDX-License-Identifier: BSD-2-Clause
-- JSON (RFC 8259) whose bytes depend on the value alone: the members of an object are sorted by name.
local concat, sort, gsub, format = table.concat, table.sort, string.gsub, string.format
local type = type

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n" }

-- "<" is escaped too, so that the text can stand inside a script element of HTML.
local function quote(text)
    return '"' .. gsub(text, '[%c"\\<]', function(byte)
        return ESCAPES[byte] or format("\\u%04x", byte:byte())
    end) .. '"'
end

local write

local function write_array(out, list)
    out[#out + 1] = "["
    for i = 1, #list do
        if i > 1 then out[#out + 1] = "," end
        write(out, list[i])
    end
    out[#out + 1] = "]"
end

local function write_object(out, object)
    local names = {}
    for name in pairs(object) do names[#names + 1] = name end
    sort(names)
    out[#out + 1] = "{"
    for i, name in ipairs(names) do
        out[#out + 1] = (i > 1 and "," or "") .. quote(name) .. ":"
        write(out, object[name])
    end
    out[#out + 1] = "}"
end

function write(out, value)
    local kind = type(value)
    if kind == "string" then
        out[#out + 1] = quote(value)
    elseif kind == "table" then
        local is_array = value[1] ~= nil or next(value) == nil
        return (is_array and write_array or write_object)(out, value)
    else
        out[#out + 1] = tostring(value)
    end
end

-- A table with [1] or without members is an array.
return function(value)
    local out = {}
    write(out, value)
    return concat(out)
end
