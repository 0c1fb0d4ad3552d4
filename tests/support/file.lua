-- SPDX-License-Identifier: BSD-2-Clause
-- Files as a whole: for tests, the tools that read their data, and measurements.
local file = {}

function file.read(path)
    local handle <close> = assert(io.open(path, "rb"))
    return handle:read "a"
end

function file.write(path, bytes)
    local handle <close> = assert(io.open(path, "wb"))
    handle:write(bytes)
end

return file
