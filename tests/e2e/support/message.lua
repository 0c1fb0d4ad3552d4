-- SPDX-License-Identifier: BSD-2-Clause
-- SIP messages as the tests' user agents read and write them. Knows nothing of the code under test.
local message = {}
message.__index = message

local compact = { v = "via", f = "from", t = "to", i = "call-id", m = "contact", l = "content-length", k = "supported",
    c = "content-type" }

local function key(name)
    name = name:lower()
    return compact[name] or name
end

-- The message, or nil where the text has no start line.
function message.parse(text)
    local head, body = text:match "^(.-\r\n)\r\n(.*)$"
    if not head then
        return nil
    end
    local self = setmetatable({ headers = {}, body = body, text = text }, message)
    local start, rest = head:match "^(.-)\r\n(.*)$"
    local status, phrase = start:match "^SIP/2%.0 (%d%d%d) ?(.*)$"
    if status then
        self.status, self.phrase = tonumber(status), phrase
    else
        self.method, self.uri = start:match "^(%S+) (%S+) SIP/2%.0$"
        if not self.method then
            return nil
        end
    end
    for line in rest:gsub("\r\n[ \t]+", " "):gmatch "(.-)\r\n" do
        local name, value = line:match "^([^:%s]+)%s*:%s*(.*)$"
        if name then -- without the spaces at its end, in linear time whatever a stranger has sent
            self.headers[#self.headers + 1] = { name = name, value = value:match "^.*%S" or "" }
        end
    end
    return self
end

-- Every line of a header, in order.
function message.all(self, name)
    local values = {}
    for _, header in ipairs(self.headers) do
        if key(header.name) == key(name) then
            values[#values + 1] = header.value
        end
    end
    return values
end

function message.get(self, name)
    return self:all(name)[1]
end

-- Every value of a header whose values may stand comma separated on one line. Quotes and <> keep their commas.
function message.values(self, name)
    local values = {}
    for _, line in ipairs(self:all(name)) do
        local hidden = line:gsub('"[^"]*"', function(quoted)
            return (quoted:gsub(",", "\1"))
        end):gsub("<[^>]*>", function(uri)
            return (uri:gsub(",", "\1"))
        end)
        for value in hidden:gmatch "[^,]+" do
            values[#values + 1] = value:gsub("\1", ","):match "^%s*(.-)%s*$"
        end
    end
    return values
end

function message.has_value(self, name, value)
    for _, each in ipairs(self:values(name)) do
        if each == value then
            return true
        end
    end
    return false
end

function message.branch(self)
    return (self:get "Via" or ""):match ";%s*branch=([^;,%s]+)"
end

function message.cseq(self)
    local number, method = (self:get "CSeq" or ""):match "^(%d+)%s+(%S+)"
    return tonumber(number), method
end

function message.tag(self, name)
    return (self:get(name) or ""):match ";%s*tag=([^;%s]+)"
end

-- The URI of a name-addr or addr-spec.
function message.address(value)
    return value and (value:match "<([^>]*)>" or value:match "^%s*([^;%s]+)")
end

-- Text from a start line, headers ({ "Name", "value" } pairs, nil values left out) and a body.
function message.build(start, headers, body)
    local lines = { start }
    for _, header in ipairs(headers) do
        if header[2] ~= nil then
            lines[#lines + 1] = header[1] .. ": " .. tostring(header[2])
        end
    end
    body = body or ""
    lines[#lines + 1] = "Content-Length: " .. #body
    return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

-- Cuts whole messages and keep-alives from a stream's bytes. Returns a list of { kind, text } and the bytes left over;
-- kind is "message" or "crlf".
function message.cut(bytes)
    local pieces = {}
    while true do
        if bytes:sub(1, 2) == "\r\n" then
            pieces[#pieces + 1] = { kind = "crlf", text = "\r\n" }
            bytes = bytes:sub(3)
        else
            local _, stop = bytes:find("\r\n\r\n", 1, true)
            if not stop then
                return pieces, bytes
            end
            local head = bytes:sub(1, stop):lower()
            local length = tonumber(head:match "\r\ncontent%-length%s*:%s*(%d+)" or head:match "\r\nl%s*:%s*(%d+)") or 0
            if #bytes < stop + length then
                return pieces, bytes
            end
            pieces[#pieces + 1] = { kind = "message", text = bytes:sub(1, stop + length) }
            bytes = bytes:sub(stop + length + 1)
        end
    end
end

return message
