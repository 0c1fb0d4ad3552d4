-- SPDX-License-Identifier: BSD-2-Clause
-- Policies of examples/ for tests, with what a test must change in them: addresses, and times that it cannot wait for.
local example = {}

-- The text of the file. replacements: texts that must be in it, with those that take their place.
function example.read(path, replacements)
    local file <close> = assert(io.open(path, "rb"))
    local text = file:read "a"
    for old, new in pairs(replacements or {}) do
        local found
        text, found = text:gsub(old:gsub("%p", "%%%0"), (tostring(new):gsub("%%", "%%%%")))
        assert(found > 0, path .. " has no " .. old)
    end
    return text
end

return example
