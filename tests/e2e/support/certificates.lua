-- SPDX-License-Identifier: BSD-2-Clause
-- An authority of our own and what it signs, made by the openssl program: for tests that need certificates.
local certificates = {}

local function run(command)
    local ok = os.execute(command .. " >/dev/null 2>&1")
    assert(ok, "failed: " .. command)
end

local function quoted(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- A folder for them that goes when the test `t` ends. certificates.new(t):authority() first.
local authority = {}
authority.__index = authority

--[[ Signs a certificate. options: names (subjectAltName as openssl writes it; false: none), common_name, days, key
     ("ec", or "rsa:2048"). Returns { certificate = FILE, key = FILE }. ]]
function authority.sign(self, name, options)
    options = options or {}
    local base = self.folder .. "/" .. name
    local files = { certificate = base .. ".pem", key = base .. ".key" }
    local kind = options.key or "ec"
    local algorithm = kind == "ec" and "-newkey ec -pkeyopt ec_paramgen_curve:P-256" or "-newkey " .. kind
    run(("openssl req %s -nodes -keyout %s -out %s.csr -subj %s"):format(algorithm, quoted(files.key), quoted(base),
        quoted("/CN=" .. (options.common_name or name))))
    local extension = ""
    if options.names then
        local file = assert(io.open(base .. ".ext", "w"))
        file:write("subjectAltName=", options.names, "\n")
        file:close()
        extension = "-extfile " .. quoted(base .. ".ext")
    end
    self.serial = self.serial + 1
    run(("openssl x509 -req -in %s.csr -CA %s -CAkey %s -set_serial %d -days %d -out %s %s"):format(quoted(base),
        quoted(self.certificate), quoted(self.key), self.serial, options.days or 2, quoted(files.certificate),
        extension))
    os.execute("chmod 600 " .. quoted(files.key))
    return files
end

function certificates.new(t)
    local folder = require("temporary").path()
    run("mkdir " .. quoted(folder))
    if t then
        t:defer(function()
            os.execute("rm -r " .. quoted(folder))
        end)
    end
    local self = setmetatable({ folder = folder, certificate = folder .. "/ca.pem", key = folder .. "/ca.key",
        serial = 0 }, authority)
    run(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -days 2 -subj %s")
        :format(quoted(self.key), quoted(self.certificate), quoted "/CN=Test authority"))
    return self
end

-- Puts one file's content into another's place, as who renews a certificate does.
function certificates.replace(from, to)
    run(("cp %s %s"):format(quoted(from), quoted(to)))
end

return certificates
