-- SPDX-License-Identifier: BSD-2-Clause
-- Paths in the folder that the runner gives to each test program (TMPDIR). os.tmpname ignores TMPDIR.
local temporary = {}

-- A path that nothing has; the caller makes the file or folder and removes it.
function temporary.path(suffix)
    local random = assert(io.open("/dev/urandom", "rb"))
    local name = random:read(6):gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
    end)
    random:close()
    return ("%s/%s%s"):format(os.getenv "TMPDIR" or "/tmp", name, suffix or "")
end

return temporary
