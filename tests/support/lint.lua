-- SPDX-License-Identifier: BSD-2-Clause
-- lint.lua FILE...: what no compiler checks. Layer directions, the order of includes in the Kamailio module, licence
-- lines, status codes as bare numbers, traces of the machine it was written on. Prints one line for each finding; exit
-- status 1 where there is one.

-- What each layer may include of ours, and which libraries beside the C library.
local layers = {
    core = { ours = { "core" }, libraries = {} },
    wasm = { ours = { "core", "wasm" }, libraries = {} },
    base = { ours = { "core", "base" }, libraries = {} },
    flow = { ours = { "core", "base", "flow" }, libraries = { "openssl" } },
    sip = { ours = { "core", "base", "sip" }, libraries = { "osipparser2" } },
    script = { ours = { "core", "base", "flow", "sip", "script" }, libraries = { "lua" } },
    call = { ours = { "core", "base", "flow", "sip", "script", "call" }, libraries = {} },
    standalone = { ours = { "core", "base", "flow", "sip", "script", "call", "standalone" },
        libraries = { "uv", "sqlite", "openssl", "wslay", "http_parser", "ares" } },
    cli = { ours = { "core", "base", "flow", "sip", "script", "call", "standalone", "cli" },
        libraries = { "lua", "sqlite", "pcap", "zlib" } },
    kamailio = { ours = { "core", "base", "flow", "sip", "script", "call", "kamailio" }, libraries = { "kamailio" } },
}
-- The doors between the two: `reflow serve` is a command, `reflow test` drives the server without sockets, and
-- `reflow user` changes its users file.
local doors = { ["module/cli/commands.c"] = { ["standalone/serve/serve.h"] = true },
    ["module/cli/user/user.c"] = { ["standalone/auth/users_file.h"] = true },
    ["module/cli/test/scene.h"] = { ["standalone/server/server.h"] = true } }

local libraries = { { "^lua", "lua" }, { "^lauxlib", "lua" }, { "^lualib", "lua" }, { "^uv", "uv" },
    { "^sqlite3", "sqlite" }, { "^pcap/", "pcap" }, { "^osipparser2/", "osipparser2" }, { "^osip2/", "osip2" },
    { "^openssl/", "openssl" }, { "^wslay/", "wslay" }, { "^http_parser", "http_parser" }, { "^ares", "ares" },
    { "^zlib", "zlib" },
    { "^core/", "kamailio" }, { "^modules/", "kamailio" } }

-- Of the C library and the system; core keeps to the first list.
local standard = {}
for name in ("assert ctype errno float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic " ..
    "stdbool stddef stdint stdio stdlib stdnoreturn string strings time wchar"):gmatch "%a+" do
    standard[name .. ".h"] = true
end

local findings = 0
local function tell(path, line, what)
    findings = findings + 1
    print(("%s:%d: %s"):format(path, line, what))
end

local function contains(list, value)
    for _, each in ipairs(list) do
        if each == value then
            return true
        end
    end
    return false
end

local function lines_of(text)
    local list = {}
    for line in (text .. "\n"):gmatch "(.-)\r?\n" do
        list[#list + 1] = line
    end
    return list
end

local function check_ours(path, number, layer, included)
    local other = included:match "^(%a+)/"
    if not other then
        tell(path, number, ("include \"%s\" does not name its layer"):format(included))
    elseif not layers[other] then
        tell(path, number, "include of an unknown layer: " .. included)
    elseif not contains(layers[layer].ours, other) then
        tell(path, number, ("%s may not include %s"):format(layer, included))
    elseif layer == "cli" and other == "standalone" and not (doors[path] and doors[path][included]) then
        tell(path, number, ("%s may not include %s"):format(layer, included))
    end
end

-- Where the names that Kamailio's headers share with the core's are renamed.
local kamailio_door = "module/kamailio/base/ksr.h"

local function check_system(path, number, layer, included)
    for _, pair in ipairs(libraries) do
        if included:find(pair[1]) then
            if pair[2] == "kamailio" and layer == "kamailio" and path ~= kamailio_door then
                tell(path, number, ("<%s> comes through kamailio/base/ksr.h alone"):format(included))
            elseif not contains(layers[layer].libraries, pair[2]) then
                tell(path, number, ("%s may not include <%s>"):format(layer, included))
            end
            return
        end
    end
    if layer == "core" and not standard[included] then
        tell(path, number, ("core keeps to the C library, <%s> is not of it"):format(included))
    end
end

local function check_layers(path, text)
    local layer = path:match "^module/(%a+)/"
    if not layer then
        return
    elseif not layers[layer] then
        tell(path, 1, "a layer that lint does not know: " .. layer)
        return
    end
    for number, line in ipairs(lines_of(text)) do
        local ours = line:match '^%s*#%s*include%s+"([^"]+)"'
        local system = line:match "^%s*#%s*include%s+<([^>]+)>"
        if ours then
            check_ours(path, number, layer, ours)
        elseif system then
            check_system(path, number, layer, system)
        end
    end
end

-- Kamailio's headers before all else: what the C library or the core defines first, they would find in their way. A
-- header that includes none of them need not know.
local function check_first(path, text)
    if not path:find "^module/kamailio/" or path == kamailio_door then
        return
    end
    local first, at
    for number, line in ipairs(lines_of(text)) do
        local included = line:match '^%s*#%s*include%s+[<"]([^>"]+)[>"]'
        first = first or included
        at = at or included == "kamailio/base/ksr.h" and number
    end
    if first ~= "kamailio/base/ksr.h" and (at or path:find "%.c$") then
        tell(path, at or 1, "\"kamailio/base/ksr.h\" is not the first include")
    end
end

-- Comments and strings become blanks, so that columns and lines stay.
local function code_only(text)
    local function blank(part)
        return (part:gsub("[^\n]", " "))
    end
    local out, at = {}, 1
    while at <= #text do
        local two = text:sub(at, at + 1)
        local stop
        if two == "/*" then
            stop = select(2, text:find("*/", at + 2, true)) or #text
        elseif two == "//" then
            stop = (text:find("\n", at, true) or #text + 1) - 1
        elseif text:find('^["\']', at) then
            local quote, index = text:sub(at, at), at + 1
            while index <= #text and text:sub(index, index) ~= quote do
                index = index + (text:sub(index, index) == "\\" and 2 or 1)
            end
            stop = index
        end
        if stop then
            out[#out + 1] = blank(text:sub(at, stop))
            at = stop + 1
        else
            local next_at = text:find("[\"'/]", at + 1) or #text + 1
            out[#out + 1] = text:sub(at, next_at - 1)
            at = next_at
        end
    end
    return table.concat(out)
end

local codes
local function is_code(number)
    if not codes then
        codes = {}
        local file = io.open "module/core/codes.def"
        for code in (file and file:read "a" or ""):gmatch "CODE%((%d+)," do
            codes[tonumber(code)] = true
        end
    end
    return codes[number]
end

-- A registered code as a number in a line that speaks of codes. "/ 100" and the like are arithmetic.
local function check_codes(path, text)
    if not path:find "^module/.*%.c$" then
        return
    end
    for number, line in ipairs(lines_of(code_only(text))) do
        local lower = line:lower()
        if lower:find "status" or lower:find "code" or lower:find "answer" or lower:find "reply" then
            for before, literal, after in line:gmatch "()%f[%w_](%d%d%d)%f[^%w_]()" do
                local arithmetic = line:sub(1, before - 1):find "[/*%%]%s*$" or line:sub(after):find "^%s*[/*%%]"
                if is_code(tonumber(literal)) and not arithmetic and not line:find "%[%s*%d+%s*%]" then
                    tell(path, number, ("status code %s as a bare number: take its name"):format(literal))
                end
            end
        end
    end
end

local function check_licence(path, text)
    local first = lines_of(text)
    local line = first[1] or ""
    if line:find "^#!" or line:find "^<%?xml" then
        line = line .. (first[2] or "")
    end
    -- What is compiled against Kamailio's headers is a work based on them.
    local wanted = path:find "^module/kamailio/" and "GPL-2.0-or-later" or "BSD-2-Clause"
    if line:match "SPDX%-License%-Identifier: ([%w.-]+)" ~= wanted then
        tell(path, 1, "the first line has no SPDX-License-Identifier: " .. wanted)
    end
end

-- Written in pieces, so that this file does not find itself.
local traces = { "/wor" .. "k/", "/ro" .. "ot/", "/ho" .. "me/%a", "/tmp/br" .. "ief", "local" .. "host%.local" }

local function check_traces(path, text)
    for number, line in ipairs(lines_of(text)) do
        for _, trace in ipairs(traces) do
            if line:find(trace) then
                tell(path, number, "a path of somebody's machine")
            end
        end
    end
end

-- Phrases that make a reader stop and decode, also across line ends. In pieces, so that this file does not find itself.
local phrases = { "is to" .. "ld", "are to" .. "ld", "who sig" .. "ns", "what go" .. "es", "where it sta" .. "nds",
    "of who" .. "m", "is no" .. "ne", "are no" .. "ne", "was no" .. "ne", "has no" .. "ne of", "else i" .. "t is",
    "or it ge" .. "ts", "sai" .. "d so", "and say" .. "s so", "so i" .. "t is%p", "come o" .. "ff", "comes o" .. "ff",
    "not kno" .. "wn of", "nothing is kno" .. "wn of", "for it has come rou" .. "nd" }

-- The text without line ends and the marks of comments, and where each line begins in it.
local function flowing(text)
    local parts, starts, length = {}, {}, 0
    for number, line in ipairs(lines_of(text)) do
        local part = line:gsub("^%s*[*/#%-]*%s*", ""):gsub("%s+", " ") .. " "
        parts[#parts + 1] = part
        starts[number] = length + 1
        length = length + #part
    end
    return table.concat(parts), starts
end

local function line_at(starts, at)
    local number = 1
    while starts[number + 1] and starts[number + 1] <= at do
        number = number + 1
    end
    return number
end

local function check_phrases(path, text)
    local flow, starts = flowing(text)
    for _, phrase in ipairs(phrases) do
        local pattern = "%f[%a]" .. phrase .. "%f[%A]"
        local at, stop = flow:find(pattern)
        while at do
            if flow:sub(at - 6, at - 1) ~= "there " then -- "there is" with a noun, or a word for it, is fine
                local shown = phrase:gsub("%%p", "")
                tell(path, line_at(starts, at), ("\"%s\" has to be decoded: write who does what"):format(shown))
            end
            at, stop = flow:find(pattern, stop)
        end
    end
end

-- The runner gives each test program a TMPDIR and removes what is left there. Files elsewhere would stay.
local function check_temporary(path, text)
    if not path:find "^tests/unit/" and not path:find "^tests/spec/" and not path:find "^tests/e2e/.*%.lua$" then
        return
    end
    for number, line in ipairs(lines_of(text)) do
        if line:find "os%.tmpname%(" or line:find '"/tmp/%w' then
            tell(path, number, "a path outside TMPDIR: see tests/support/temporary.h, tests/e2e/support/temporary.lua")
        end
    end
end

local without_licence = {
    LICENSE = true,
    ["module/kamailio/COPYING"] = true,
    [".gitignore"] = true,
    [".gitattributes"] = true,
}

-- Data is read byte for byte and has no place for a licence line.
local function has_licence(path)
    local data = path:find "^tests/data/" and not path:find "%.md$"
    return not data and not without_licence[path] and not path:find "%.json$" and not path:find "%.tsv$" and
        not path:find "%.svg$"
end

-- What people of this project wrote, in English.
local function has_prose(path)
    local data = path:find "^tests/data/" or path:find "^tests/hostile/" or path:find "%.svg$" or path:find "%.json$"
    return (not data or path:find "%.md$") and not without_licence[path]
end

for _, path in ipairs(arg) do
    local file = io.open(path, "rb")
    local text = file and file:read "a"
    if file then
        file:close()
    end
    if text and not text:find "\0" then
        if has_licence(path) then
            check_licence(path, text)
        end
        check_traces(path, text)
        check_temporary(path, text)
        if has_prose(path) then
            check_phrases(path, text)
        end
        if path:find "%.[ch]$" then
            check_layers(path, text)
            check_first(path, text)
            check_codes(path, text)
        end
    end
end

os.exit(findings == 0 and 0 or 1)
