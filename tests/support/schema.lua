-- SPDX-License-Identifier: BSD-2-Clause
-- Reads module/script/engine/schema.def, and makes of it what editors, luacheck and readers want. Run as a program it
-- writes those files; a spec compares them with what it would write.
local schema = {}

schema.source = "module/script/engine/schema.def"
schema.examples_source = "module/script/engine/examples.lua"
schema.codes_source = "module/core/codes.def"

local function read_all(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read "a"
    file:close()
    return text
end

-- Cuts text at a separator that stands outside of quotes and brackets.
local function split(text, separator)
    local parts, depth, quoted, begin, at = {}, 0, false, 1, 1
    while at <= #text do
        local c = text:sub(at, at)
        if c == "\\" then
            at = at + 1
        elseif c == '"' then
            quoted = not quoted
        elseif not quoted and c:find "[%(<{%[]" then
            depth = depth + 1
        elseif not quoted and c:find "[%)>}%]]" then
            depth = depth - 1
        elseif not quoted and depth == 0 and text:sub(at, at + #separator - 1) == separator then
            parts[#parts + 1] = text:sub(begin, at - 1)
            at = at + #separator - 1
            begin = at + 1
        end
        at = at + 1
    end
    parts[#parts + 1] = text:sub(begin)
    return parts
end

local function unquote(text)
    text = text:match "^%s*(.-)%s*$"
    return text:sub(1, 1) == '"' and text:sub(2, -2):gsub("\\(.)", "%1") or text
end

-- "a: T, b?: T" -> list of {name, type, optional}
local function parameters(text)
    local list = {}
    for _, part in ipairs(text == "" and {} or split(text, ",")) do
        local name, optional, type = part:match "^%s*([%w_.]+)(%??):%s*(.-)%s*$"
        assert(name, "argument: " .. part)
        list[#list + 1] = { name = name, type = type, optional = optional ~= "" }
    end
    return list
end

-- "T name, T name" -> list of {type, name}
local function returned(text)
    local list = {}
    for _, part in ipairs(text == "" and {} or split(text, ",")) do
        local words = split(part:match "^%s*(.-)%s*$", " ")
        list[#list + 1] = { type = words[1], name = words[2] }
        assert(#words <= 2, "return: " .. part)
    end
    return list
end

local function signatures(text)
    local list = {}
    for _, way in ipairs(split(text, "||")) do
        list[#list + 1] = parameters(way:match "^%s*(.-)%s*$")
    end
    return list
end

local types_of = {
    U32 = "integer", U16 = "integer", FLAG = "boolean", METHOD = "string",
    ROLE = '"proxy"|"edge"|"registrar"|"uac"', ORIGIN = '"wire"|"timeout"|"transport"|"flow_down"',
}

local function callable(name, _, arguments, returns, what)
    return { name = name, ways = signatures(arguments), returns = returned(returns), what = what }
end

-- What each row adds. self: the list of items in order, and what is open.
local rows = {}

function rows.SECTION(self, title, what)
    self.items[#self.items + 1] = { row = "SECTION", title = title, what = what }
end

function rows.CLASS(self, name, what)
    self.class = { row = "CLASS", name = name, what = what, fields = {}, methods = {} }
    self.items[#self.items + 1] = self.class
end

function rows.ALIAS(self, name, type, what)
    self.items[#self.items + 1] = { row = "ALIAS", name = name, type = type, what = what }
end

function rows.FUNCTION(self, ...)
    local item = callable(...)
    item.row, item.prefix = "FUNCTION", "sip."
    self.items[#self.items + 1] = item
end

function rows.ENTRY(self, ...)
    local item = callable(...)
    item.row, item.prefix = "ENTRY", "sip.store."
    self.items[#self.items + 1] = item
end

function rows.METHOD(self, ...)
    self.class.methods[#self.class.methods + 1] = callable(...)
end

function rows.FIELD(self, name, _, type, what)
    self.class.fields[#self.class.fields + 1] = { name = name, type = type, what = what }
end

function rows.FACT(self, name, kind, what)
    self.class.fields[#self.class.fields + 1] = { name = name, type = types_of[kind], what = what, optional = true }
end

rows.STATE = rows.FACT

function rows.FLAG(self, name, what)
    if not self.flags then
        self.flags = { row = "FLAGS", list = {} }
        self.items[#self.items + 1] = self.flags
    end
    self.flags.list[#self.flags.list + 1] = { name = name, type = "boolean", what = what }
end

-- The examples in schema.examples_source: a list in their order, and a table by the name of the function or class. Each
-- has kind ("policy" or "program"), name, text, and line, its first one.
function schema.examples()
    local list, by_name, example, number = {}, {}, nil, 0
    for line in read_all(schema.examples_source):gmatch "([^\n]*)\n" do
        number = number + 1
        local kind, name = line:match "^%-%-%- (%l+): ([%w_.]+)$"
        if kind then
            assert(not by_name[name], name .. " has two examples")
            example = { kind = kind, name = name, lines = {}, line = number + 1 }
            list[#list + 1], by_name[name] = example, example
        elseif example then
            example.lines[#example.lines + 1] = line
        end
    end
    for _, each in ipairs(list) do
        each.text = table.concat(each.lines, "\n"):gsub("%s*$", "") .. "\n"
    end
    return list, by_name
end

-- The items of the schema, in order; also codes: the constants.
function schema.read()
    local self = { items = {}, codes = {} }
    self.example_list, self.examples = schema.examples()
    for line in read_all(schema.source):gmatch "[^\n]+" do
        local row, inside = line:match "^(%u+)%((.*)%)$"
        if row and rows[row] then
            local arguments = split(inside, ",")
            for i, argument in ipairs(arguments) do
                arguments[i] = unquote(argument)
            end
            rows[row](self, table.unpack(arguments))
        end
    end
    for number, name in read_all(schema.codes_source):gmatch "\nCODE%((%d+),%s*([%u%d_]+)," do
        self.codes[#self.codes + 1] = { number = number, name = name }
    end
    return self
end

local function each(self, row)
    local list = {}
    for _, item in ipairs(self.items) do
        if item.row == row then
            list[#list + 1] = item
        end
    end
    return ipairs(list)
end
schema.each = each

function schema.class(self, name)
    for _, class in each(self, "CLASS") do
        if class.name == name then
            return class
        end
    end
end

local function sentence(text)
    return (text:gsub("^%l", string.upper)) .. (text:find "[%.%?:]$" and "" or ".")
end

-- --- lua/meta/reflow.lua ---

-- Names of classes and aliases get their prefix, quoted words stay.
local function qualify(type)
    local out, quoted = {}, false
    for piece in (type .. '"'):gmatch '(.-)"' do
        out[#out + 1] = quoted and piece or piece:gsub("%f[%w_]%u%w*", "reflow.%0")
        quoted = not quoted
    end
    return table.concat(out, '"')
end

local function named(parameter)
    if parameter.name == "..." then
        return "...: " .. qualify(parameter.type)
    end
    return parameter.name .. (parameter.optional and "?" or "") .. ": " .. qualify(parameter.type)
end

local function fun(way, returns, self_type)
    local arguments, results = { self_type and "self: " .. self_type }, {}
    for _, parameter in ipairs(way) do
        arguments[#arguments + 1] = named(parameter)
    end
    for _, result in ipairs(returns) do
        results[#results + 1] = qualify(result.type)
    end
    return ("fun(%s)%s"):format(table.concat(arguments, ", "), results[1] and ": " .. table.concat(results, ", ") or "")
end

local function meta_function(out, item)
    local names = {}
    out[#out + 1] = ""
    out[#out + 1] = "---" .. sentence(item.what)
    for _, parameter in ipairs(item.ways[1]) do
        names[#names + 1] = parameter.name
        out[#out + 1] = ("---@param %s%s %s"):format(parameter.name, parameter.optional and "?" or "",
            qualify(parameter.type))
    end
    for _, result in ipairs(item.returns) do
        out[#out + 1] = ("---@return %s%s"):format(qualify(result.type), result.name and " " .. result.name or "")
    end
    for i = 2, #item.ways do
        out[#out + 1] = "---@overload " .. fun(item.ways[i], item.returns)
    end
    out[#out + 1] = ("function %s%s(%s) end"):format(item.prefix, item.name, table.concat(names, ", "))
end

local function meta_field(out, field)
    out[#out + 1] = ("---@field %s%s %s %s"):format(field.name, field.optional and "?" or "", qualify(field.type),
        field.what)
end

local function meta_class(out, self, class)
    out[#out + 1] = ""
    if class.what ~= "" then
        out[#out + 1] = "---" .. class.what
    end
    out[#out + 1] = "---@class reflow." .. class.name
    for _, field in ipairs(class.fields) do
        meta_field(out, field)
    end
    for _, method in ipairs(class.methods) do
        out[#out + 1] = ("---@field %s %s %s"):format(method.name, fun(method.ways[1], method.returns,
            "reflow." .. class.name), method.what)
    end
    for _, flag in ipairs(class.what:find "Each flag" and self.flags.list or {}) do
        meta_field(out, flag)
    end
end

local MADE = "-- Made by `make generate` from " .. schema.source .. ": change that."
local LICENCE = "-- SPDX-License-Identifier: BSD-2-Clause"

function schema.meta(self)
    local out = { LICENCE, MADE, "---@meta reflow" }
    for _, alias in each(self, "ALIAS") do
        out[#out + 1] = ""
        if alias.what ~= "" then
            out[#out + 1] = "---" .. sentence(alias.what)
        end
        out[#out + 1] = ("---@alias reflow.%s %s"):format(alias.name, qualify(alias.type))
    end
    for _, class in each(self, "CLASS") do
        if class.name ~= "Store" then
            meta_class(out, self, class)
        end
    end
    out[#out + 1] = "\n---@class reflow\nlocal sip = {}\n"
    for _, code in ipairs(self.codes) do
        out[#out + 1] = ("sip.%s = %s"):format(code.name, code.number)
    end
    for _, item in each(self, "FUNCTION") do
        meta_function(out, item)
    end
    out[#out + 1] = ("\n---%s\nsip.store = {}"):format(schema.class(self, "Store").what)
    for _, item in each(self, "ENTRY") do
        meta_function(out, item)
    end
    out[#out + 1] = ""
    for _, item in each(self, "FUNCTION") do
        out[#out + 1] = ("sip_%s = sip.%s"):format(item.name, item.name)
    end
    out[#out + 1] = "\nreturn sip\n"
    return table.concat(out, "\n")
end

-- --- lua/meta/luacheck_std.lua ---

function schema.luacheck(self)
    local out = { LICENCE, MADE, "-- For .luacheckrc: stds.reflow = dofile \"lua/meta/luacheck_std.lua\"",
        "return { read_globals = {" }
    for _, item in each(self, "FUNCTION") do
        out[#out + 1] = ("    \"sip_%s\","):format(item.name)
    end
    out[#out + 1] = "} }\n"
    return table.concat(out, "\n")
end

-- --- lua/meta/REFERENCE.md ---

local function returned_text(item)
    local results = {}
    for _, result in ipairs(item.returns) do
        results[#results + 1] = (result.name and result.name .. ": " or "") .. result.type
    end
    return results[1] and " returns `" .. table.concat(results, ", ") .. "`" or ""
end

-- Each way to call it, on a line of its own.
local function ways(item, prefix)
    local lines = {}
    for _, way in ipairs(item.ways) do
        local arguments = {}
        for _, parameter in ipairs(way) do
            arguments[#arguments + 1] = parameter.name .. (parameter.optional and "?" or "") .. ": " .. parameter.type
        end
        lines[#lines + 1] = ("`%s%s(%s)`"):format(prefix, item.name, table.concat(arguments, ", "))
    end
    return table.concat(lines, " or ") .. returned_text(item)
end

local function describe(out, head, what)
    out[#out + 1] = "- " .. head .. (what ~= "" and ":\n  " .. what or "")
end

local function show_example(out, self, name)
    local example = self.examples[name]
    if example then
        out[#out + 1] = "\n```lua\n" .. example.text .. "```"
    end
end

local show = {}

function show.SECTION(out, item)
    out[#out + 1] = "\n## " .. item.title .. "\n"
    if item.what ~= "" then
        out[#out + 1] = item.what .. "\n"
    end
end

function show.CLASS(out, class, self)
    out[#out + 1] = "\n### " .. class.name .. "\n"
    if class.what ~= "" then
        out[#out + 1] = class.what .. "\n"
    end
    for _, field in ipairs(class.fields) do
        describe(out, ("`%s%s`: `%s`"):format(field.name, field.optional and "?" or "", field.type), field.what)
    end
    for _, method in ipairs(class.methods) do
        describe(out, ways(method, ":"), method.what)
    end
    show_example(out, self, class.name)
end

function show.FLAGS(out, flags)
    out[#out + 1] = "\n### Flags of a decision\n\nTrue or false, as fields of the decision.\n"
    for _, flag in ipairs(flags.list) do
        describe(out, ("`%s`"):format(flag.name), flag.what)
    end
end

function show.ALIAS(out, alias)
    if not out.aliases then
        out.aliases = true
        out[#out + 1] = "\n### Other types\n"
    end
    describe(out, ("`%s`: `%s`"):format(alias.name, alias.type), alias.what)
end

function show.FUNCTION(out, item, self)
    out[#out + 1] = ("\n### %s%s\n\n%s\n\n%s"):format(item.prefix, item.name, ways(item, item.prefix),
        sentence(item.what))
    show_example(out, self, item.prefix:sub(5) .. item.name)
end

show.ENTRY = show.FUNCTION

-- GitHub's name for the place of a heading.
function schema.anchor(title)
    return (title:lower():gsub("[^%w_ -]", ""):gsub(" ", "-"))
end

-- One line for each section, with the functions and classes in it.
local function contents(self)
    local lines, names
    lines = {}
    local function add(title)
        names[#names + 1] = ("[%s](#%s)"):format(title, schema.anchor(title))
    end
    for _, item in ipairs(self.items) do
        if item.row == "SECTION" then
            names = {}
            lines[#lines + 1] = { title = item.title, names = names }
        elseif item.row == "FLAGS" then
            add "Flags of a decision"
        elseif item.row ~= "ALIAS" then
            add((item.prefix or "") .. item.name)
        end
    end
    add "Other types"
    local out = {}
    for _, line in ipairs(lines) do
        out[#out + 1] = ("- [%s](#%s): %s"):format(line.title, schema.anchor(line.title), table.concat(line.names, " "))
    end
    out[#out + 1] = "- [Constants](#constants)"
    return table.concat(out, "\n")
end

function schema.reference(self)
    local out = { ([[<!-- SPDX-License-Identifier: BSD-2-Clause -->
<!-- Made by `make generate` from %s and %s: change these. -->
# Reference of policies

Every function, object and table that policies and Lua programs can use. [The manual](../../module/script/README.md)
explains how to write policies.

`local sip = require "reflow"` gives all functions; in policies each one is also a global with the prefix `sip_`.
`a?` is an argument or field that may be left out; `type?` is a value that may be nil. Each example is run by a test. In
programs, a comment `-->` shows what the line prints.

For editors: put `lua/meta` into `workspace.library` of the Lua language server, and `stds.reflow = dofile
"lua/meta/luacheck_std.lua"` into `.luacheckrc`.

## Contents

%s]]):format(schema.source, schema.examples_source, contents(self)) }
    for _, item in ipairs(self.items) do
        show[item.row](out, item, self)
    end
    out[#out + 1] = "\n## Constants\n\nThe code of each registered response.\n"
    for _, code in ipairs(self.codes) do
        out[#out + 1] = ("- `sip.%s`: %s"):format(code.name, code.number)
    end
    return (table.concat(out, "\n") .. "\n"):gsub("\n\n\n+", "\n\n")
end

schema.files = {
    { path = "lua/meta/reflow.lua", make = schema.meta },
    { path = "lua/meta/luacheck_std.lua", make = schema.luacheck },
    { path = "lua/meta/REFERENCE.md", make = schema.reference },
}

if arg and (arg[0] or ""):find "schema%.lua$" then
    local self = schema.read()
    for _, made in ipairs(schema.files) do
        local file = assert(io.open(made.path, "wb"))
        file:write((made.make(self)))
        file:close()
    end
end

return schema
