-- SPDX-License-Identifier: BSD-2-Clause
-- The messages of tests/data/attacks.
local attack = {}

-- The file with @NAME@ replaced by values.NAME.
function attack.read(name, values)
    local file <close> = assert(io.open("tests/data/attacks/" .. name, "rb"))
    return (file:read("a"):gsub("@(%u+)@", values))
end

return attack
