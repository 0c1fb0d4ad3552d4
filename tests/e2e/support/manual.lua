-- SPDX-License-Identifier: BSD-2-Clause
-- The commands of module/kamailio/OWN.md, as they are printed, in a folder that stands for /etc/kamailio.
local uv = require "luv"
local temporary = require "temporary"
local read = require("file").read

local manual = {}

manual.path = "module/kamailio/OWN.md"
manual.stock = "/etc/kamailio/kamailio.cfg"

-- The file as the package has installed it, or false.
function manual.stock_is_unchanged()
    if not uv.fs_stat(manual.stock) then
        return false
    end
    local pipe = assert(io.popen("md5sum " .. manual.stock .. "; dpkg-query -W -f='${Conffiles}' kamailio 2>&1"))
    local text = pipe:read "a"
    pipe:close()
    local sum = text:match "^(%x+)"
    return sum and text:find(manual.stock .. " " .. sum, 1, true) and true or false
end

-- The files that Debian's releases install, by their MD5 sums.
local sums <const> = { [12] = "409f2642ad4372a21817a6eaba1877b1", [13] = "974407333d400622021abdf56593b606" }
local difference <const> = "tests/data/kamailio/debian13.diff"

local function sum_of(path)
    local pipe = assert(io.popen(("md5sum '%s'"):format(path)))
    local sum = pipe:read("a"):match "^(%x+)"
    pipe:close()
    return sum
end

-- The release whose file this machine has, or nil.
function manual.release()
    local own = uv.fs_stat(manual.stock) and sum_of(manual.stock)
    return own == sums[12] and 12 or own == sums[13] and 13 or nil
end

-- Writes kamailio.cfg as Debian's release 12 or 13 installs it to `path`. manual.release() must have a value.
function manual.write_stock(release, path)
    if release == manual.release() then
        assert(os.execute(("cp '%s' '%s'"):format(manual.stock, path)))
    else
        local reverse = release == 12 and "-R" or ""
        assert(os.execute(("patch -s %s -o '%s' '%s' '%s'"):format(reverse, path, manual.stock, difference)))
    end
    assert(sum_of(path) == sums[release], difference .. " does not lead to the file of Debian " .. release)
end

-- The text from the first line that begins with `from`, a heading, to the next heading of that level or above.
function manual.section(from)
    local level = from:match "^#+"
    local inside, in_code, lines = false, false, {}
    for line in (read(manual.path) .. "\n"):gmatch "(.-)\n" do
        in_code = in_code ~= (line:sub(1, 3) == "```")
        local marks = not in_code and line:match "^(#+) "
        if line:sub(1, #from) == from then
            inside = true
        elseif inside and marks and #marks <= #level then
            break
        end
        if inside then
            lines[#lines + 1] = line
        end
    end
    assert(inside, "no section " .. from)
    return table.concat(lines, "\n")
end

-- The code blocks of a kind ("sh") in a text.
function manual.blocks(text, kind)
    local list = {}
    for block in ("\n" .. text):gmatch("\n```" .. kind .. "\n(.-)\n```") do
        list[#list + 1] = block .. "\n"
    end
    return list
end

-- Headings of the steps, in order: { number = 1, title = "The registrar", text = ... }.
function manual.steps()
    local list = {}
    for number, title in read(manual.path):gmatch "\n### Step (%d+)%. ([^\n]*)" do
        list[#list + 1] = { number = tonumber(number), title = title,
            text = manual.section(("### Step %s."):format(number)) }
    end
    return list
end

--[[ Runs a block in `folder`: /etc/kamailio is that folder. Installing packages and what needs the service manager is
     left out, and so is chown. `other`: further texts to replace, { [plain text] = replacement }. ]]
function manual.run(block, folder, other)
    local kept = {}
    for line in block:gmatch "[^\n]*\n" do
        if not line:find "^apt " and not line:find "systemctl" and not line:find "^chown " then
            kept[#kept + 1] = line
        end
    end
    local text = table.concat(kept):gsub("/etc/kamailio", folder)
    for from, to in pairs(other or {}) do
        text = text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%")))
    end
    local path = temporary.path ".sh"
    local file = assert(io.open(path, "w"))
    file:write("set -e\ncd '", folder, "'\n", text)
    file:close()
    local pipe = assert(io.popen(("sh '%s' 2>&1"):format(path)))
    local said = pipe:read "a"
    local fine = pipe:close()
    os.remove(path)
    if not fine then
        error(said, 2)
    end
    return said
end

return manual
